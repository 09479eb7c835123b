//! Numbers as people read them.

use std::time::Duration;

/// A duration in at most two units and six characters: `850ms`, `9.4s`, `42s`,
/// `3m07s`, `1h05m`, `6d02h`.
#[must_use]
pub fn duration(d: Duration) -> String {
    let s = d.as_secs();
    match s {
        0 if d.as_millis() < 1000 && d.as_millis() > 0 => format!("{}ms", d.as_millis()),
        0..10 if d.subsec_millis() >= 50 => format!("{s}.{}s", d.subsec_millis() / 100),
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m{:02}s", s / 60, s % 60),
        3600..86_400 => format!("{}h{:02}m", s / 3600, s / 60 % 60),
        _ => format!("{}d{:02}h", s / 86_400, s / 3600 % 24),
    }
}

/// Whole seconds as a duration in the style of [`duration`], without
/// milliseconds.
#[must_use]
pub fn seconds(d: Duration) -> String {
    duration(Duration::from_secs(d.as_secs()))
}

/// Two durations as a range in one unit, outwards: `40-80s`, `3-5m`, `1.2-2h`.
#[must_use]
pub fn range(least: Duration, most: Duration) -> String {
    let most = most.max(least);
    let (a, b) = (least.as_secs(), most.as_secs());
    let say = |a: String, b: String, unit: &str| if a == b { format!("{a}{unit}") } else { format!("{a}-{b}{unit}") };
    match b {
        0..100 => say(a.to_string(), b.to_string(), "s"),
        100..6000 if a < 60 => format!("{a}s-{}m", b.div_ceil(60)),
        100..6000 => say((a / 60).to_string(), b.div_ceil(60).to_string(), "m"),
        _ => {
            let tenths = |n: u64| if n.is_multiple_of(10) { (n / 10).to_string() } else { format!("{}.{}", n / 10, n % 10) };
            say(tenths(a / 360), tenths(b.div_ceil(360)), "h")
        }
    }
}

/// Bytes with a binary prefix: `512B`, `1.5KiB`, `42MiB`, `96GiB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut unit = 0;
    #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
    let mut v = n as f64;
    while v >= 1023.5 && unit + 1 < UNITS.len() {
        v /= 1024.0;
        unit += 1;
    }
    if unit > 0 && v < 9.95 { format!("{v:.1}{}", UNITS[unit]) } else { format!("{v:.0}{}", UNITS[unit]) }
}

/// Reads `90`, `90s`, `30m`, `4h`, `7d`; above 0 and below a year.
#[must_use]
pub fn parse_duration(s: &str) -> Option<Duration> {
    let s = s.trim();
    let (digits, unit) = s.split_at(s.find(|c: char| !c.is_ascii_digit()).unwrap_or(s.len()));
    let factor = match unit {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let secs = digits.parse::<u64>().ok()?.checked_mul(factor)?;
    (1..366 * 86_400).contains(&secs).then(|| Duration::from_secs(secs))
}

/// A count in at most four characters: `999`, `1.2k`, `12k`, `3.4M`.
#[must_use]
pub fn count(n: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
    let f = n as f64;
    match n {
        0..1000 => n.to_string(),
        1000..9950 => format!("{:.1}k", f / 1e3),
        9950..999_500 => format!("{:.0}k", f / 1e3),
        999_500..9_950_000 => format!("{:.1}M", f / 1e6),
        _ => format!("{:.0}M", f / 1e6),
    }
}

/// A number with its word: `1 task`, `2 tasks`.
#[must_use]
pub fn plural<N: TryInto<u64>>(n: N, word: &str) -> String {
    let n = n.try_into().unwrap_or(u64::MAX);
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_rounded_outwards() {
        let r = |a, b| range(Duration::from_secs(a), Duration::from_secs(b));
        assert_eq!(
            [r(40, 80), r(40, 100), r(90, 200), r(0, 0), r(180, 180), r(3600, 7300)],
            ["40-80s", "40s-2m", "1-4m", "0s", "3m", "1-2.1h"]
        );
        assert_eq!(r(80, 40), "80s");
    }

    #[test]
    fn people_read_these() {
        let d = |ms| duration(Duration::from_millis(ms));
        assert_eq!([d(0), d(850), d(9_440), d(42_000), d(187_000)], ["0s", "850ms", "9.4s", "42s", "3m07s"]);
        assert_eq!([d(3_900_000), d(525_600_000)], ["1h05m", "6d02h"]);
        assert_eq!([bytes(512), bytes(1536), bytes(96 << 30)], ["512B", "1.5KiB", "96GiB"]);
        assert_eq!([plural(0_u8, "task"), plural(1_usize, "task"), plural(2_u32, "task")], ["0 tasks", "1 task", "2 tasks"]);
        assert_eq!([count(999), count(1234), count(12_345), count(3_400_000)], ["999", "1.2k", "12k", "3.4M"]);
    }
}
