//! Text that is safe to show: no control bytes, no bidirectional overrides.

use std::borrow::Cow;
use std::fmt::Write as _;

/// True for characters that must never reach a terminal: C0 and C1 controls,
/// DEL, line and paragraph separators, and bidirectional controls, which could
/// make a line read as something that it is not.
#[must_use]
pub const fn is_hostile(c: char) -> bool {
    matches!(c, '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
}

/// Makes bytes from outside showable: invalid UTF-8 becomes `U+FFFD`, tabs
/// become blanks, other hostile characters their `\x1b`-like escape.
#[must_use]
pub fn clean(raw: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(raw);
    if !text.chars().any(is_hostile) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c == '\t' {
            out.push(' ');
        } else if is_hostile(c) {
            let n = u32::from(c);
            let _ = if n < 0x100 { write!(out, "\\x{n:02x}") } else { write!(out, "\\u{{{n:x}}}") };
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Removes ANSI escape sequences (CSI … final byte, OSC … BEL or ST, two-byte
/// escapes). A sequence cut at the end of the line is removed too.
#[must_use]
pub fn strip_ansi(raw: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(0x1b, raw) else { return Cow::Borrowed(raw) };
    let mut out = Vec::with_capacity(raw.len());
    out.extend_from_slice(&raw[..first]);
    let mut at = first;
    while at < raw.len() {
        if raw[at] == 0x1b {
            at = skip_escape(raw, at);
        } else {
            let end = memchr::memchr(0x1b, &raw[at..]).map_or(raw.len(), |n| at + n);
            out.extend_from_slice(&raw[at..end]);
            at = end;
        }
    }
    Cow::Owned(out)
}

/// The index after the escape sequence that begins at `at`.
#[must_use]
pub fn skip_escape(raw: &[u8], at: usize) -> usize {
    match raw.get(at + 1) {
        Some(b'[') => {
            let mut i = at + 2;
            while i < raw.len() && matches!(raw[i], 0x20..=0x3f) {
                i += 1;
            }
            // A byte that cannot end the sequence is not part of it.
            if i < raw.len() && matches!(raw[i], 0x40..=0x7e) { i + 1 } else { i }
        }
        Some(b']') => {
            let mut i = at + 2;
            while i < raw.len() {
                if raw[i] == 0x07 {
                    return i + 1;
                }
                if raw[i] == 0x1b {
                    return if raw.get(i + 1) == Some(&b'\\') { i + 2 } else { i };
                }
                i += 1;
            }
            i
        }
        Some(0x20..=0x7e) => at + 2,
        _ => at + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_never_survive() {
        assert_eq!(strip_ansi(b"\x1b[2mtime\x1b[0m x").as_ref(), b"time x");
        assert_eq!(strip_ansi(b"a\x1b]0;title\x07b\x1b]8;;u\x1b\\c\x1b[3").as_ref(), b"abc");
        assert_eq!(clean(b"a\x1b[31mb\x00\x9b\xff\t"), "a\\x1b[31mb\\x00\u{fffd}\u{fffd} ");
        assert_eq!(clean("x\u{202e}y".as_bytes()), "x\\u{202e}y");
    }
}
