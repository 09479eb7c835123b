//! `tracing-subscriber`'s compact text: time, level, `span:span:`, target or
//! `file:line:`, message, fields; coloured even when piped (reference 2.1). The
//! clients' logger prints neither target nor file.

use std::borrow::Cow;

use super::Record;
use crate::base::{Timestamp, text};
use crate::event::Level;

/// Reads one line.
pub fn read(line: &[u8]) -> Option<Record<'_>> {
    let start = if line.first() == Some(&0x1b) { text::skip_escape(line, 0) } else { 0 };
    let (at, n) = Timestamp::parse_prefix(line.get(start..)?)?;
    let rest = &line[start + n..];
    match text::strip_ansi(rest) {
        Cow::Borrowed(r) => after_time(at, r),
        Cow::Owned(r) => after_time(at, &r).map(owned),
    }
}

fn owned(r: Record<'_>) -> Record<'static> {
    Record {
        at: r.at,
        level: r.level,
        spans: Cow::Owned(r.spans.into_owned()),
        target: Cow::Owned(r.target.into_owned()),
        message: Cow::Owned(r.message.into_owned()),
    }
}

/// Reads ` LEVEL spans: target: message`.
fn after_time(at: Timestamp, rest: &[u8]) -> Option<Record<'_>> {
    let rest = rest.strip_prefix(b" ")?.trim_ascii_start();
    let (word, rest) = match memchr::memchr(b' ', rest) {
        Some(n) => (&rest[..n], &rest[n + 1..]),
        None => (rest, &rest[rest.len()..]),
    };
    let level = Level::read(word)?;
    let (spans, target, message) = split_target(rest);
    Some(Record { at, level, spans: spans.into(), target: target.into(), message: message.into() })
}

/// How far into a line its target may begin.
const FAR: usize = 400;

/// Splits `task:prove plonk: crates/worker/src/lib.rs:98: message`. Where nothing
/// looks like a target, everything is the message.
fn split_target(s: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let mut from = 0;
    while let Some(n) = memchr::memmem::find(&s[from..s.len().min(from + FAR)], b": ") {
        let part = &s[from..from + n];
        let after = &s[from + n + 2..];
        if is_target(part) {
            return (s[..from].strip_suffix(b": ").unwrap_or(&s[..from]), part, after);
        }
        if !is_span(part) || from > FAR {
            break;
        }
        from += n + 2;
    }
    // A message may be empty: `target:` at the end of the line.
    if let Some(part) = s.strip_suffix(b":").filter(|p| is_target(p)) {
        return (&[], part, &[]);
    }
    (&[], &[], s)
}

/// `path/to/file.rs:123`, `crate::module` or a crate of this family.
fn is_target(s: &[u8]) -> bool {
    if let Some(colon) = memchr::memrchr(b':', s)
        && s[..colon].ends_with(b".rs")
        && !s[colon + 1..].is_empty()
        && s[colon + 1..].iter().all(u8::is_ascii_digit)
    {
        return !s.contains(&b' ');
    }
    let path = s.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b':' | b'-'));
    path && !s.is_empty()
        && (memchr::memmem::find(s, b"::").is_some() || s.starts_with(b"sp1_") || s.starts_with(b"spn_") || s.starts_with(b"op_succinct"))
}

/// Names of spans, separated by colons; may hold blanks (`prove plonk`).
fn is_span(s: &[u8]) -> bool {
    s.len() <= 200 && !s.is_empty() && s.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b':' | b' ' | b'-' | b'.'))
}

/// Finds a time followed by a level behind the line's beginning.
pub fn glued(line: &[u8]) -> Option<usize> {
    let mut from = 20;
    while from < line.len() {
        let n = from + memchr::memmem::find(&line[from..], b"T")?;
        from = n + 1;
        let Some(start) = n.checked_sub(10).filter(|s| *s > 0) else { continue };
        let Some((_, len)) = Timestamp::parse_prefix(&line[start..]) else { continue };
        // Six digits and Z, as the logger prints; versions and messages do not.
        if len != 27 {
            continue;
        }
        let after = text::strip_ansi(&line[start + len..line.len().min(start + len + 32)]).into_owned();
        let level = after.strip_prefix(b" ").map(<[u8]>::trim_ascii_start).map(|r| r.split(|c| *c == b' ').next().unwrap_or(r));
        if level.and_then(Level::read).is_some() {
            // The colour that opens the time belongs to it.
            return Some(if line[..start].ends_with(b"\x1b[2m") { start - 4 } else { start });
        }
    }
    None
}
