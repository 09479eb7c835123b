//! Kubernetes quantities: `96Gi`, `500m`, `6316433361n`, `199252Ki`, `1e3`.
//!
//! Rounded up like `Quantity.Value` and `Quantity.MilliValue` of Kubernetes do,
//! so that the numbers are those of `kubectl top`.

/// Whole units (bytes, pieces), rounded up. `None` for what is no quantity, is
/// negative or does not fit.
#[must_use]
pub fn units(s: &str) -> Option<u64> {
    let (mantissa, scale) = read(s)?;
    ceil(mantissa, scale)
}

/// Thousandths (of a core), rounded up.
#[must_use]
pub fn millis(s: &str) -> Option<u64> {
    let (mantissa, scale) = read(s)?;
    ceil(mantissa.checked_mul(1000)?, scale)
}

/// What the digits are to be multiplied with.
#[derive(Clone, Copy)]
enum Scale {
    /// A power of ten.
    Ten(i32),
    /// A power of two, and a power of ten for the digits behind the point.
    Two(u32, i32),
}

fn read(s: &str) -> Option<(u128, Scale)> {
    let number = s.strip_prefix('+').unwrap_or(s);
    let split = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
    let (digits, suffix) = number.split_at(split);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() + fraction.len() > 30 {
        return None;
    }
    let mut mantissa = 0u128;
    for c in whole.bytes().chain(fraction.bytes()) {
        mantissa = mantissa * 10 + u128::from(c - b'0');
    }
    let below = -i32::try_from(fraction.len()).ok()?;
    let scale = match suffix {
        "n" => Scale::Ten(below - 9),
        "u" => Scale::Ten(below - 6),
        "m" => Scale::Ten(below - 3),
        "" => Scale::Ten(below),
        "k" => Scale::Ten(below + 3),
        "M" => Scale::Ten(below + 6),
        "G" => Scale::Ten(below + 9),
        "T" => Scale::Ten(below + 12),
        "P" => Scale::Ten(below + 15),
        "E" => Scale::Ten(below + 18),
        "Ki" => Scale::Two(10, below),
        "Mi" => Scale::Two(20, below),
        "Gi" => Scale::Two(30, below),
        "Ti" => Scale::Two(40, below),
        "Pi" => Scale::Two(50, below),
        "Ei" => Scale::Two(60, below),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            let n: i32 = exponent.parse().ok()?;
            if !(-30..=30).contains(&n) {
                return None;
            }
            Scale::Ten(below + n)
        }
    };
    Some((mantissa, scale))
}

fn ceil(mantissa: u128, scale: Scale) -> Option<u64> {
    let (mantissa, ten) = match scale {
        Scale::Ten(ten) => (mantissa, ten),
        Scale::Two(two, ten) => (mantissa.checked_mul(1 << two)?, ten),
    };
    let power = 10u128.checked_pow(ten.unsigned_abs());
    let value = if ten >= 0 {
        if mantissa == 0 { 0 } else { mantissa.checked_mul(power?)? }
    } else {
        // A divisor beyond 128 bits is larger than any mantissa.
        power.map_or(u128::from(mantissa > 0), |p| mantissa.div_ceil(p))
    };
    u64::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_as_kubernetes_reads_them() {
        for (s, want) in [
            ("96Gi", Some(96 << 30)),
            ("199252Ki", Some(199_252 << 10)),
            ("1.5Gi", Some(3 << 29)),
            ("128974848", Some(128_974_848)),
            ("129e6", Some(129_000_000)),
            ("129M", Some(129_000_000)),
            ("128974848000m", Some(128_974_848)),
            ("1E", Some(1_000_000_000_000_000_000)),
            ("1e3", Some(1000)),
            ("0", Some(0)),
            ("100m", Some(1)),
            ("99999999999Ei", None),
            ("-1", None),
            ("", None),
            ("Gi", None),
            (".", None),
            ("1.2.3", None),
            ("12 Gi", None),
            ("1GiB", None),
            ("1e99", None),
        ] {
            assert_eq!(units(s), want, "{s}");
        }
        assert_eq!(millis("500m"), Some(500));
        assert_eq!(millis("6316433361n"), Some(6317));
        assert_eq!(millis("2"), Some(2000));
        assert_eq!(millis("0.1"), Some(100));
        assert_eq!(millis("1e-30"), Some(1));
        assert_eq!(millis("0n"), Some(0));
    }
}
