//! Recorded answers as JSON: one document (`kubectl get … -o json`) or one a
//! line (a watch, a recorder's file).

use std::io::{self, Read};

use bytes::Bytes;

use super::{Part, Piece};
use crate::base::{SourceName, Timestamp};
use crate::envelope::{Kind, SourceState};

/// The largest file that is read as one document.
const LARGEST: u64 = 256 << 20;

/// True when a file that begins so holds documents, not log lines.
pub(super) fn looks_like(head: &[u8]) -> bool {
    let head = head.trim_ascii_start();
    if !matches!(head.first(), Some(b'{' | b'[')) {
        return false;
    }
    if head.starts_with(b"[pod/") {
        return false;
    }
    let line = head.split(|c| *c == b'\n').next().unwrap_or(head);
    let log = memchr::memmem::find(line, b"\"timestamp\"").is_some() && memchr::memmem::find(line, b"\"level\"").is_some();
    !log
}

pub(super) struct Documents {
    from: Option<Box<dyn Read + Send>>,
    name: SourceName,
    at: Timestamp,
    rest: Bytes,
    /// One document a line.
    by_line: bool,
    state: State,
}

#[derive(PartialEq)]
enum State {
    Before,
    Within,
    After,
}

impl Documents {
    pub(super) fn new(from: Box<dyn Read + Send>, name: &str) -> Self {
        Self {
            from: Some(from),
            name: SourceName::new(name),
            at: Timestamp::ZERO,
            rest: Bytes::new(),
            by_line: false,
            state: State::Before,
        }
    }

    fn load(&mut self) -> io::Result<()> {
        let Some(from) = self.from.take() else { return Ok(()) };
        let mut all = Vec::new();
        from.take(LARGEST + 1).read_to_end(&mut all)?;
        if all.len() as u64 > LARGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a JSON file above 256 MiB is not read"));
        }
        let first = all.split(|c| *c == b'\n').find(|l| !l.trim_ascii().is_empty()).unwrap_or(&[]);
        self.by_line = serde_json::from_slice::<serde::de::IgnoredAny>(first).is_ok();
        self.rest = all.into();
        Ok(())
    }

    fn take(&mut self) -> Option<Bytes> {
        while !self.rest.is_empty() {
            let n = if self.by_line { memchr::memchr(b'\n', &self.rest).map_or(self.rest.len(), |n| n + 1) } else { self.rest.len() };
            let doc = self.rest.split_to(n);
            if !doc.trim_ascii().is_empty() {
                return Some(doc);
            }
        }
        None
    }
}

impl Part for Documents {
    fn next(&mut self) -> io::Result<Option<Piece>> {
        self.load()?;
        if self.state == State::Before {
            self.state = State::Within;
            if let Some(t) = newest_time(&self.rest[..self.rest.len().min(4096)]) {
                self.at = t;
            }
            return Ok(Some(Piece::state(self.at, &self.name, SourceState::Live, None, None)));
        }
        if let Some(raw) = self.take() {
            if let Some(t) = newest_time(&raw) {
                self.at = self.at.max(t);
            }
            return Ok(Some(Piece::new(self.at, self.name.clone(), Kind::Json, raw)));
        }
        if self.state == State::After {
            return Ok(None);
        }
        self.state = State::After;
        Ok(Some(Piece::state(self.at, &self.name, SourceState::Ended, None, None)))
    }
}

/// A recorder's `"t"` (Unix seconds), else the newest RFC 3339 time in the text.
fn newest_time(doc: &[u8]) -> Option<Timestamp> {
    if let Some(rest) = doc.trim_ascii_start().strip_prefix(b"{\"t\":") {
        let number: String =
            rest.trim_ascii_start().iter().take_while(|c| c.is_ascii_digit() || **c == b'.').map(|c| char::from(*c)).collect();
        let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
        let micros: i64 = format!("{fraction:0<6.6}").parse().ok()?;
        return Some(Timestamp(whole.parse::<i64>().ok()?.checked_mul(1_000_000)? + micros));
    }
    memchr::memmem::find_iter(doc, b"\"20").filter_map(|n| Timestamp::parse_prefix(&doc[n + 1..])).map(|(t, _)| t).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_from_logs() {
        assert!(looks_like(b"{\"t\": 1.5, \"stats\": {}}\n"));
        assert!(looks_like(b"\n{\"kind\":\"PodList\""));
        assert!(!looks_like(b"{\"timestamp\":\"2026-11-24T00:48:55.095285Z\",\"level\":\"INFO\""));
        assert!(!looks_like(b"[pod/a/b] 2026"));
        assert_eq!(newest_time(b"{\"t\": 1795480853.5}").unwrap().0, 1_795_480_853_500_000);
    }
}
