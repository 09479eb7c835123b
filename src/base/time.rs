//! Points in time, as data: microseconds since the Unix epoch, UTC.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeZone, Utc};

/// A point in time in microseconds since the Unix epoch (UTC).
///
/// The coordinator's log carries microseconds, so nothing is lost. All times
/// come from the data (log lines, answers, ticks that the shell stamps); no
/// code below the shell reads a clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The epoch itself: used as "no time yet", which [`Self::is_set`] tells.
    pub const ZERO: Self = Self(0);

    /// A point from whole seconds since the epoch.
    #[must_use]
    pub const fn from_secs(s: i64) -> Self {
        Self(s.saturating_mul(1_000_000))
    }

    /// A point from milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Milliseconds since the epoch, rounded down.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// False for [`Self::ZERO`] and anything before it.
    #[must_use]
    pub const fn is_set(self) -> bool {
        self.0 > 0
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Signed seconds from `earlier` to this.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "sub-microsecond precision is not needed")]
        let us = self.0.saturating_sub(earlier.0) as f64;
        us / 1e6
    }

    /// This point moved later by `d`, saturating.
    #[must_use]
    pub fn plus(self, d: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This point moved earlier by `d`, saturating.
    #[must_use]
    pub fn minus(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Parses an RFC 3339 time at the start of `s` and returns it with the
    /// number of bytes read. Fractions of 0 to 9 digits; `Z` or `±hh:mm`.
    /// Returns `None` on anything else, including impossible dates.
    #[must_use]
    pub fn parse_prefix(s: &[u8]) -> Option<(Self, usize)> {
        if s.len() < 20 || s[4] != b'-' || s[7] != b'-' || !matches!(s[10], b'T' | b't' | b' ') || s[13] != b':' || s[16] != b':' {
            return None;
        }
        let year = number(&s[0..4])?;
        let (month, day) = (number(&s[5..7])?, number(&s[8..10])?);
        let (hour, minute, second) = (number(&s[11..13])?, number(&s[14..16])?, number(&s[17..19])?);
        if !(1..=12).contains(&month) || day < 1 || hour > 23 || minute > 59 || second > 60 || year < 1970 {
            return None;
        }
        if day > days_in_month(year, month) {
            return None;
        }
        let mut at = 19;
        let mut micros = 0i64;
        if s.get(at) == Some(&b'.') {
            at += 1;
            let mut digits = 0;
            while let Some(c @ b'0'..=b'9') = s.get(at) {
                if digits == 9 {
                    return None;
                }
                if digits < 6 {
                    micros = micros * 10 + i64::from(c - b'0');
                }
                digits += 1;
                at += 1;
            }
            if digits == 0 {
                return None;
            }
            for _ in digits..6 {
                micros *= 10;
            }
        }
        let offset = match s.get(at)? {
            b'Z' | b'z' => {
                at += 1;
                0
            }
            sign @ (b'+' | b'-') => {
                let z = s.get(at + 1..at + 6)?;
                if z[2] != b':' {
                    return None;
                }
                let (h, m) = (number(&z[0..2])?, number(&z[3..5])?);
                if h > 23 || m > 59 {
                    return None;
                }
                at += 6;
                let secs = h * 3600 + m * 60;
                if *sign == b'+' { secs } else { -secs }
            }
            _ => return None,
        };
        let days = days_from_civil(year, month, day);
        let secs = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
        Some((Self(secs * 1_000_000 + micros), at))
    }

    /// Parses a whole string as RFC 3339.
    #[must_use]
    pub fn parse(s: &str) -> Option<Self> {
        match Self::parse_prefix(s.as_bytes()) {
            Some((t, n)) if n == s.len() => Some(t),
            _ => None,
        }
    }

    /// As a `chrono` date for formatting; `None` outside chrono's range.
    #[must_use]
    pub fn to_chrono(self) -> Option<DateTime<Utc>> {
        Utc.timestamp_micros(self.0).single()
    }

    /// `HH:MM:SS` in UTC.
    #[must_use]
    pub fn clock(self) -> String {
        let s = self.secs().rem_euclid(86_400);
        format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }

    /// `YYYY-MM-DD HH:MM:SS` in UTC.
    #[must_use]
    pub fn date_clock(self) -> String {
        self.to_chrono().map_or_else(|| "?".into(), |t| t.format("%Y-%m-%d %H:%M:%S").to_string())
    }
}

/// Days of `month` (1 to 12) in `year`, proleptic Gregorian.
fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the given civil date (Howard Hinnant's algorithm).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

fn number(s: &[u8]) -> Option<i64> {
    let mut n = 0;
    for c in s {
        if !c.is_ascii_digit() {
            return None;
        }
        n = n * 10 + i64::from(c - b'0');
    }
    Some(n)
}

impl fmt::Display for Timestamp {
    /// RFC 3339, UTC, with microseconds only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_chrono() {
            Some(t) => f.write_str(&t.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => f.write_str("invalid time"),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let s = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        Self::parse(&s).ok_or_else(|| serde::de::Error::custom(format!("'{s}' is not an RFC 3339 time")))
    }
}

/// Parses what Rust's `Debug` prints for a `Duration` and what `tracing` prints
/// for span times: a decimal number directly followed by `ns`, `µs`, `us`, `ms`
/// or `s`. Returns it with the number of bytes read.
#[must_use]
pub fn parse_rust_duration(s: &[u8]) -> Option<(Duration, usize)> {
    let digits = s.iter().take_while(|c| c.is_ascii_digit()).count();
    if digits == 0 || digits > 18 {
        return None;
    }
    let whole: u64 = std::str::from_utf8(&s[..digits]).ok()?.parse().ok()?;
    let mut at = digits;
    let (mut frac, mut scale) = (0u64, 1u64);
    if s.get(at) == Some(&b'.') {
        at += 1;
        let start = at;
        while let Some(c @ b'0'..=b'9') = s.get(at) {
            if scale < 1_000_000_000 {
                frac = frac * 10 + u64::from(c - b'0');
                scale *= 10;
            }
            at += 1;
        }
        if at == start {
            return None;
        }
    }
    let rest = &s[at..];
    let (unit_ns, len) = if rest.starts_with(b"ns") {
        (1u64, 2)
    } else if rest.starts_with("µs".as_bytes()) || rest.starts_with("μs".as_bytes()) {
        (1_000, 3)
    } else if rest.starts_with(b"us") {
        (1_000, 2)
    } else if rest.starts_with(b"ms") {
        (1_000_000, 2)
    } else if rest.starts_with(b"s") {
        (1_000_000_000, 1)
    } else {
        return None;
    };
    let frac_ns = u128::from(frac) * u128::from(unit_ns) / u128::from(scale);
    let ns = u128::from(whole) * u128::from(unit_ns) + frac_ns;
    let secs = u64::try_from(ns / 1_000_000_000).ok()?;
    let sub = (ns % 1_000_000_000) as u32;
    Some((Duration::new(secs, sub), at + len))
}

/// Reads a stretch of time as people write it: `90`, `90s`, `5m`, `1h30m`, `2d`.
#[must_use]
pub fn span(text: &str) -> Option<Duration> {
    let mut total = 0_u64;
    let mut number = String::new();
    for c in text.trim().chars() {
        match c {
            '0'..='9' => number.push(c),
            's' | 'm' | 'h' | 'd' => {
                let unit = match c {
                    's' => 1,
                    'm' => 60,
                    'h' => 3600,
                    _ => 86_400,
                };
                total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
                number.clear();
            }
            _ => return None,
        }
    }
    if !number.is_empty() {
        total = total.checked_add(number.parse().ok()?)?;
    }
    (!text.trim().is_empty()).then(|| Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_in_all_shapes() {
        let at = |s: &str| Timestamp::parse(s).map(|t| t.to_string());
        assert_eq!(at("2026-11-24T00:40:46.301834Z").unwrap(), "2026-11-24T00:40:46.301834Z");
        assert_eq!(at("2026-11-24T00:47:48.791397661Z").unwrap(), "2026-11-24T00:47:48.791397Z");
        assert_eq!(at("2026-11-24T02:40:46+02:00").unwrap(), "2026-11-24T00:40:46Z");
        assert_eq!(at("2024-02-29T00:00:00Z").unwrap(), "2024-02-29T00:00:00Z");
        for bad in ["2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-24T00:40:46", "2026-11-24T00:40:46.Z", "", "x"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_in_every_unit_rust_prints() {
        let d = |s: &str| parse_rust_duration(s.as_bytes()).map(|(d, n)| (d.as_nanos(), n));
        assert_eq!(d("21ns"), Some((21, 4)));
        assert_eq!(d("21.3µs"), Some((21_300, 7)));
        assert_eq!(d("8.71ms "), Some((8_710_000, 6)));
        assert_eq!(d("69.6s)"), Some((69_600_000_000, 5)));
        assert_eq!(d("12.345678901s"), Some((12_345_678_901, 13)));
        assert_eq!(d("3600s"), Some((3_600_000_000_000, 5)));
        for bad in ["", "s", "1.s", "1", "1m"] {
            assert_eq!(d(bad), None, "{bad}");
        }
    }
}
