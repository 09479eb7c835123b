//! Reading Rust's `Debug` output and `tracing` fields: strings, balanced
//! brackets, `name=value`.

use std::borrow::Cow;

/// The length of the double-quoted `Debug` string at the start of `s`, quotes
/// included; `None` when it does not end.
#[must_use]
pub fn string_len(s: &[u8]) -> Option<usize> {
    if s.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    loop {
        let n = at + memchr::memchr2(b'"', b'\\', &s[at..])?;
        if s[n] == b'"' {
            return Some(n + 1);
        }
        at = n + 2;
        if at > s.len() {
            return None;
        }
    }
}

/// Splits a plain double-quoted string (without escapes) off the front.
#[must_use]
pub fn plain_string(s: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = s.strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', rest)?;
    Some((&rest[..end], &rest[end + 1..]))
}

/// The length of one `Debug` value at the start of `s`: up to the first `,`,
/// blank before a name, or closing bracket outside strings and brackets.
#[must_use]
pub fn value_len(s: &[u8]) -> Option<usize> {
    let mut depth = 0u32;
    let mut at = 0;
    while at < s.len() {
        match s[at] {
            b'"' => {
                at += string_len(&s[at..])?;
                continue;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                if depth == 0 {
                    return Some(at);
                }
                depth -= 1;
            }
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
    (depth == 0).then_some(at)
}

/// Undoes `Debug`'s escapes of a string's inside.
#[must_use]
pub fn unescape(s: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', s).is_none() {
        return Cow::Borrowed(s);
    }
    let mut out = Vec::with_capacity(s.len());
    let mut i = 0;
    while i < s.len() {
        if s[i] == b'\\' && i + 1 < s.len() {
            i += 1;
            out.push(match s[i] {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'0' => 0,
                other => other,
            });
        } else {
            out.push(s[i]);
        }
        i += 1;
    }
    Cow::Owned(out)
}

/// The value of the field ` name=…` of a record's text: the inside of a quoted
/// string, or everything up to the next blank outside brackets.
#[must_use]
pub fn field<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    for at in memchr::memmem::find_iter(text, name.as_bytes()) {
        let end = at + name.len();
        let starts = at == 0 || matches!(text[at - 1], b' ' | b'{' | b',');
        if !starts || text.get(end) != Some(&b'=') {
            continue;
        }
        let v = &text[end + 1..];
        if v.first() == Some(&b'"') {
            let n = string_len(v)?;
            return Some(&v[1..n - 1]);
        }
        let mut depth = 0u32;
        let mut n = 0;
        while n < v.len() {
            match v[n] {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                b' ' if depth == 0 => break,
                _ => {}
            }
            n += 1;
        }
        return Some(&v[..n]);
    }
    None
}

/// A field's number, with or without `Some(…)` around it.
#[must_use]
pub fn number(text: &[u8], name: &str) -> Option<u64> {
    let v = field(text, name)?;
    let v = v.strip_prefix(b"Some(").and_then(|v| v.strip_suffix(b")")).unwrap_or(v);
    decimal(v)
}

/// A whole decimal number, digits only.
#[must_use]
pub fn decimal(s: &[u8]) -> Option<u64> {
    if s.is_empty() || s.len() > 20 {
        return None;
    }
    let mut n = 0u64;
    for c in s {
        if !c.is_ascii_digit() {
            return None;
        }
        n = n.checked_mul(10)?.checked_add(u64::from(c - b'0'))?;
    }
    Some(n)
}

/// The number before the first byte that is not a digit, and what follows it.
#[must_use]
pub fn leading_decimal(s: &[u8]) -> Option<(u64, &[u8])> {
    let n = s.iter().take_while(|c| c.is_ascii_digit()).count();
    Some((decimal(&s[..n])?, &s[n..]))
}

/// Splits at the first blank; all and nothing where there is none.
#[must_use]
pub fn word(s: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', s) {
        Some(n) => (&s[..n], &s[n + 1..]),
        None => (s, &[]),
    }
}

/// Text before `end`, and what follows it.
#[must_use]
pub fn until<'a>(s: &'a [u8], end: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let n = memchr::memmem::find(s, end)?;
    Some((&s[..n], &s[n + end.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_in_every_shape() {
        let t = br#"computed worker max_weight total_ram_gb=23 shm_gb=Some(23) max_weight=16 x="a \"b\"" y=Some("q r")"#;
        assert_eq!(number(t, "total_ram_gb"), Some(23));
        assert_eq!(number(t, "shm_gb"), Some(23));
        assert_eq!(number(t, "max_weight"), Some(16));
        assert_eq!(field(t, "x"), Some(&br#"a \"b\""#[..]));
        assert_eq!(field(t, "y"), Some(&br#"Some("q r")"#[..]));
        assert_eq!(field(t, "ram_gb"), None);
    }

    #[test]
    fn values_end_where_they_end() {
        assert_eq!(value_len(b"12, x"), Some(2));
        assert_eq!(value_len(br#""a, }b" }"#), Some(8));
        assert_eq!(value_len(b"Foo { a: [1, 2] }, b"), Some(17));
        assert_eq!(value_len(b"(1"), None);
    }
}
