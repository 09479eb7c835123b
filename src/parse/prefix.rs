//! What others put in front of a log line: `[pod/NAME/CONTAINER] ` (`kubectl
//! logs --prefix`), `name-1  | ` (docker compose), an RFC 3339 time (`kubectl
//! logs --timestamps`, container runtimes).

use crate::base::Timestamp;
use crate::event::Level;

/// A line without what was put in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bare<'a> {
    /// The pod or compose service that it names.
    pub origin: Option<&'a str>,
    /// The container, where named.
    pub container: Option<&'a str>,
    /// The runtime's time.
    pub outer: Option<Timestamp>,
    /// The line as the process wrote it.
    pub line: &'a [u8],
}

/// Takes prefixes off.
#[must_use]
pub fn strip(line: &[u8]) -> Bare<'_> {
    let mut bare = Bare { origin: None, container: None, outer: None, line };
    // A log that a crash left behind may begin with NULs.
    while let Some(rest) = bare.line.strip_prefix(b"\0") {
        bare.line = rest;
    }
    // The common case: colours, or a time followed by a level.
    if bare.line.first() == Some(&0x1b) {
        return bare;
    }
    if let Some((pod, container, rest)) = pod(bare.line) {
        bare.origin = Some(pod);
        bare.container = Some(container);
        bare.line = rest;
    } else if let Some((name, rest)) = compose(bare.line) {
        bare.origin = Some(name);
        bare.line = rest;
    }
    if let Some((at, rest)) = outer_time(bare.line) {
        bare.outer = Some(at);
        bare.line = rest;
    }
    bare
}

/// `[pod/NAME/CONTAINER] `
#[must_use]
pub fn pod(line: &[u8]) -> Option<(&str, &str, &[u8])> {
    let rest = line.strip_prefix(b"[pod/")?;
    let end = memchr::memchr(b']', &rest[..rest.len().min(600)])?;
    let names = std::str::from_utf8(&rest[..end]).ok()?;
    let (pod, container) = names.split_once('/')?;
    (is_name(pod) && is_name(container)).then_some(())?;
    let rest = &rest[end + 1..];
    Some((pod, container, rest.strip_prefix(b" ").unwrap_or(rest)))
}

/// `coordinator-1  | `, only in front of something that looks like a line of ours.
#[must_use]
pub fn compose(line: &[u8]) -> Option<(&str, &[u8])> {
    let bar = memchr::memmem::find(&line[..line.len().min(100)], b" | ")?;
    let name = std::str::from_utf8(line[..bar].trim_ascii_end()).ok()?;
    let rest = &line[bar + 3..];
    let ours = rest.first() == Some(&0x1b) || rest.first() == Some(&b'{') || Timestamp::parse_prefix(rest).is_some();
    (is_name(name) && ours).then_some((name, rest))
}

fn is_name(s: &str) -> bool {
    !s.is_empty() && s.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_'))
}

/// The runtime's time: one that no level follows.
fn outer_time(line: &[u8]) -> Option<(Timestamp, &[u8])> {
    if !line.first()?.is_ascii_digit() {
        return None;
    }
    let (at, n) = Timestamp::parse_prefix(line)?;
    let rest = &line[n..];
    if rest.is_empty() {
        // An empty line, stamped.
        return Some((at, rest));
    }
    let rest = rest.strip_prefix(b" ")?;
    // As the files of a Kubernetes node have it: the stream, and whether the line is whole.
    let rest = [b"stdout F ", b"stderr F "].iter().find_map(|p| rest.strip_prefix(*p)).unwrap_or(rest);
    let trimmed = rest.trim_ascii_start();
    let word = trimmed.split(|c| *c == b' ').next().unwrap_or(trimmed);
    Level::read(word).is_none().then_some((at, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_come_off_and_nothing_else() {
        let b = strip(b"[pod/coordinator-6b7f9c4d5-p5jwc/coordinator] 2026-11-24T00:47:48.791397661Z \x1b[2m2026");
        assert_eq!((b.origin, b.container), (Some("coordinator-6b7f9c4d5-p5jwc"), Some("coordinator")));
        assert_eq!(b.outer.map(|t| t.to_string()).as_deref(), Some("2026-11-24T00:47:48.791397Z"));
        assert_eq!(b.line, b"\x1b[2m2026");
        let plain = b"2026-11-24T01:01:12.638482Z  INFO sp1_cluster_common::logger: logging initialized";
        assert_eq!(strip(plain).line, plain);
        let b = strip(b"sp1-cluster-coordinator-1  | 2026-11-24T01:01:12.638482Z  INFO x: y");
        assert_eq!((b.origin, b.outer), (Some("sp1-cluster-coordinator-1"), None));
        assert_eq!(strip(b"a | b").line, b"a | b");
        assert_eq!(strip(b"\0\0\x1b[2m2").line, b"\x1b[2m2");
        assert_eq!(strip(b"2026-11-24T00:47:48.7Z   at foo").line, b"  at foo");
        let b = strip(b"2026-11-24T00:47:48.791397661Z stdout F \x1b[2m2026");
        assert_eq!((b.outer.map(Timestamp::clock).as_deref(), b.line), (Some("00:47:48"), &b"\x1b[2m2026"[..]));
    }
}
