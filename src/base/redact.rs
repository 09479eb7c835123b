//! Secrets do not leave the place where they were read.

use std::borrow::Cow;

/// What stands in a secret's place.
pub const HIDDEN: &str = "***";

/// Hides passwords within URLs (`redis://:PASSWORD@host`), and tokens behind
/// `Bearer`, in text from anywhere. Borrowed where there is nothing to hide.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    match redact_bytes(text.as_bytes()) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(b) => Cow::Owned(String::from_utf8_lossy(&b).into_owned()),
    }
}

/// [`redact`] for bytes; everything else stays as it is.
#[must_use]
pub fn redact_bytes(raw: &[u8]) -> Cow<'_, [u8]> {
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    let mut from = 0;
    while let Some(n) = memchr::memmem::find(&raw[from..], b"://") {
        let begin = from + n + 3;
        let end = begin + raw[begin..].iter().position(|c| ends_authority(*c)).unwrap_or(raw.len() - begin);
        // The last '@': a password may hold one that nobody escaped.
        if let Some(host) = raw[begin..end].iter().rposition(|c| *c == b'@') {
            let user = raw[begin..begin + host].iter().position(|c| *c == b':').map_or(begin, |n| begin + n + 1);
            if user < begin + host {
                cuts.push((user, begin + host));
            }
        }
        from = end.max(begin);
    }
    for prefix in [b"Bearer ".as_slice(), b"bearer "] {
        for at in memchr::memmem::find_iter(raw, prefix) {
            let begin = at + prefix.len();
            let len = raw[begin..].iter().position(|c| !is_token(*c)).unwrap_or(raw.len() - begin);
            if len >= 8 {
                cuts.push((begin, begin + len));
            }
        }
    }
    if cuts.is_empty() {
        return Cow::Borrowed(raw);
    }
    cuts.sort_unstable();
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    for (begin, end) in cuts {
        if begin < at {
            continue;
        }
        out.extend_from_slice(&raw[at..begin]);
        out.extend_from_slice(HIDDEN.as_bytes());
        at = end;
    }
    out.extend_from_slice(&raw[at..]);
    Cow::Owned(out)
}

const fn ends_authority(c: u8) -> bool {
    c.is_ascii_whitespace() || c.is_ascii_control() || matches!(c, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\')
}

const fn is_token(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_tokens_are_hidden_and_nothing_else() {
        for (raw, want) in [
            ("redis://:hunter2@redis-master:6379/0", "redis://:***@redis-master:6379/0"),
            ("postgresql://u:p@ss@h/db, redis://a:b@c", "postgresql://u:***@h/db, redis://a:***@c"),
            ("https://token@host/x", "https://***@host/x"),
            ("Authorization: Bearer abcDEF.ghi-123 next", "Authorization: Bearer *** next"),
            ("http://coordinator-grpc:50051 a@b", "http://coordinator-grpc:50051 a@b"),
            ("no url: bearer of news", "no url: bearer of news"),
            ("://", "://"),
            ("redis://:@h", "redis://:@h"),
        ] {
            assert_eq!(redact(raw), want);
        }
    }
}
