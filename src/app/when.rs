//! Times and speeds as people type them.

use std::time::Duration;

use crate::base::Timestamp;
use crate::base::time::span;
use crate::ui::TimeBase;

const SPEEDS: [f64; 13] = [0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// The speed so many steps from the present one; `None` is as fast as possible.
pub fn speed(time: &TimeBase, steps: i32) -> Option<f64> {
    let (now, unbounded) = match time {
        TimeBase::Live | TimeBase::Past { .. } => (Some(1.0), false),
        TimeBase::Demo { speed, .. } => (Some(*speed), false),
        TimeBase::Replay { speed, .. } => (*speed, true),
    };
    let last = SPEEDS.len() - 1;
    let at = now.map_or(SPEEDS.len(), |v| SPEEDS.iter().rposition(|s| *s <= v * 1.001).unwrap_or(0));
    let to = i64::try_from(at).unwrap_or(0) + i64::from(steps);
    match usize::try_from(to.max(0)) {
        Ok(i) if i > last && unbounded => None,
        Ok(i) => Some(SPEEDS[i.min(last)]),
        Err(_) => now,
    }
}

/// Reads `12:30`, `12:30:15`, an RFC 3339 time, `2026-11-24 12:30`, `+5m`,
/// `-90s`, `50%`.
pub fn parse(text: &str, now: Timestamp, begin: Timestamp, end: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    let help = || format!("'{text}' is no time: try 12:30, 12:30:15, 2026-11-24T12:30:00Z, +5m, -90s or 50%");
    if let Some(t) = Timestamp::parse(text) {
        return Ok(t);
    }
    if let Some(p) = text.strip_suffix('%') {
        let p: f64 = p.trim().parse().map_err(|_| help())?;
        if !(0.0..=100.0).contains(&p) {
            return Err(help());
        }
        return Ok(begin.plus(end.since(begin).mul_f64(p / 100.0)));
    }
    if let Some(rest) = text.strip_prefix('+') {
        return Ok(now.plus(span(rest).ok_or_else(help)?));
    }
    if let Some(rest) = text.strip_prefix('-') {
        return Ok(now.minus(span(rest).ok_or_else(help)?));
    }
    let (day, clock) = match text.split_once([' ', 'T']) {
        Some((date, clock)) => {
            let t = Timestamp::parse(&format!("{date}T00:00:00Z")).ok_or_else(help)?;
            (Some(t), clock)
        }
        None => (None, text),
    };
    let parts: Vec<i64> = clock.split(':').map(|p| p.parse().map_err(|_| help())).collect::<Result<_, _>>()?;
    let secs = match parts[..] {
        [h, m] if (0..24).contains(&h) && (0..60).contains(&m) => h * 3600 + m * 60,
        [h, m, s] if (0..24).contains(&h) && (0..60).contains(&m) && (0..60).contains(&s) => h * 3600 + m * 60 + s,
        _ => return Err(help()),
    };
    if let Some(day) = day {
        return Ok(day.plus(Duration::from_secs(secs.unsigned_abs())));
    }
    // The first such time of day within the recording, else that of its day.
    let at = |from: Timestamp| Timestamp::from_secs(from.secs().div_euclid(86_400) * 86_400 + secs);
    let first = at(begin);
    let next = first.plus(Duration::from_secs(86_400));
    Ok(if first < begin && next <= end { next } else { first })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_type_them() {
        let t = |s| Timestamp::parse(s).unwrap();
        let (begin, end) = (t("2026-11-24T23:00:00Z"), t("2026-11-25T02:00:00Z"));
        let now = t("2026-11-25T00:00:00Z");
        let p = |s: &str| parse(s, now, begin, end).map(Timestamp::date_clock).unwrap_or_default();
        assert_eq!(p("23:30"), "2026-11-24 23:30:00");
        assert_eq!(p(" 01:30:05 "), "2026-11-25 01:30:05");
        assert_eq!(p("2026-11-25 01:00"), "2026-11-25 01:00:00");
        assert_eq!(p("2026-11-24T23:10:00Z"), "2026-11-24 23:10:00");
        assert_eq!(p("+5m"), "2026-11-25 00:05:00");
        assert_eq!(p("-1h30m"), "2026-11-24 22:30:00");
        assert_eq!(p("50%"), "2026-11-25 00:30:00");
        for bad in ["", "x", "25:00", "12", "+", "101%", "+5x", "99999999999999999999s"] {
            assert_eq!(p(bad), "", "{bad}");
        }
    }

    #[test]
    fn speeds_step_up_to_the_fastest() {
        let replay = |speed| TimeBase::Replay { speed, paused: false, begin: Timestamp::ZERO, end: Timestamp::ZERO, finished: false };
        assert_eq!(speed(&replay(Some(1.0)), 1), Some(2.0));
        assert_eq!(speed(&replay(Some(512.0)), 1), None);
        assert_eq!(speed(&replay(None), -1), Some(512.0));
        assert_eq!(speed(&replay(None), 1), None);
        assert_eq!(speed(&replay(Some(0.25)), -1), Some(0.1));
        assert_eq!(speed(&replay(Some(0.1)), -1), Some(0.1));
        assert_eq!(speed(&TimeBase::Demo { speed: 512.0, paused: false }, 1), Some(512.0));
    }
}
