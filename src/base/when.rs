//! Times of a recording as people type them: in the dialog that goes to one, and
//! behind `--start`, `--at` and `--around`.

use std::time::Duration;

use super::Timestamp;
use super::time::span;

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

/// [`parse`] where nothing is shown yet: `+5m` is from the beginning on, `-90s`
/// that much before the end.
pub fn start(text: &str, begin: Timestamp, end: Timestamp) -> Result<Timestamp, String> {
    let now = if text.trim_start().starts_with('-') { end } else { begin };
    parse(text, now, begin, end)
}

/// Whether [`start`] has to know where the recording ends to read this.
#[must_use]
pub fn needs_end(text: &str) -> bool {
    let text = text.trim();
    Timestamp::parse(text).is_none() && !text.starts_with('+') && !text.contains([' ', 'T'])
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
    fn times_to_start_at_are_written_alike() {
        let t = |s| Timestamp::parse(s).unwrap();
        let (begin, end) = (t("2026-11-24T23:00:00Z"), t("2026-11-25T02:00:00Z"));
        let s = |text: &str| start(text, begin, end).map(Timestamp::date_clock).unwrap_or_default();
        for (text, want, whole) in [
            ("23:30", "2026-11-24 23:30:00", true),
            ("00:10:05", "2026-11-25 00:10:05", true),
            ("50%", "2026-11-25 00:30:00", true),
            ("-90s", "2026-11-25 01:58:30", true),
            ("+12m", "2026-11-24 23:12:00", false),
            ("2026-11-25 01:00", "2026-11-25 01:00:00", false),
            ("2026-11-25T01:00:00Z", "2026-11-25 01:00:00", false),
            // Neither day has it: it is before the beginning, not after the end.
            ("22:00", "2026-11-24 22:00:00", true),
        ] {
            assert_eq!((s(text).as_str(), needs_end(text)), (want, whole), "{text}");
            if !whole {
                assert_eq!(start(text, begin, begin), start(text, begin, end), "{text}");
            }
        }
        assert!(start("soon", begin, end).is_err() && start("+soon", begin, end).is_err());
    }
}
