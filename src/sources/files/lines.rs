//! A raw log: lines of the same second in one piece.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};

use bytes::{Bytes, BytesMut};

use super::{Part, Piece};
use crate::base::{SourceName, Timestamp, text};
use crate::envelope::{Kind, SourceState};
use crate::event::Component;
use crate::parse::prefix;

/// Bytes read at once.
const BLOCK: usize = 512 << 10;
/// A piece is not larger than this, whatever a second holds.
const PIECE: usize = 1 << 20;
/// A clock that leaps further than this ahead is not believed at once.
const LEAP_SECS: i64 = 36 * 3600;

/// One raw log, or several pods' in one file (`--prefix`).
pub(super) struct Lines {
    from: Box<dyn Read + Send>,
    name: SourceName,
    pod: Option<String>,
    buf: BytesMut,
    ended: bool,
    begun: bool,
    /// Its end was told.
    over: bool,
    at: Timestamp,
    /// Where the time stood in the last line.
    offset: usize,
    /// Successive pieces whose time leapt.
    leaps: u32,
    /// Sources of the lines that name a pod.
    pods: BTreeMap<String, Option<&'static str>>,
    ready: VecDeque<Piece>,
}

impl Lines {
    pub(super) fn new(from: Box<dyn Read + Send>, name: &str) -> Self {
        Self {
            from,
            name: SourceName::new(name),
            pod: pod_of_file(name),
            buf: BytesMut::new(),
            ended: false,
            begun: false,
            over: false,
            at: Timestamp::ZERO,
            offset: 4,
            leaps: 0,
            pods: BTreeMap::new(),
            ready: VecDeque::new(),
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        let have = self.buf.len();
        self.buf.resize(have + BLOCK, 0);
        let got = loop {
            match self.from.read(&mut self.buf[have..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let n = match got {
            Ok(n) => n,
            // A compressed file that was cut: what came before is good.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => 0,
            Err(e) => {
                self.buf.truncate(have);
                return Err(e);
            }
        };
        self.buf.truncate(have + n);
        self.ended = n == 0;
        Ok(())
    }

    /// Takes the lines of the next second off the buffer, with their time and
    /// whether some name a pod.
    fn second(&mut self) -> io::Result<Option<(Bytes, Option<Timestamp>, bool)>> {
        let mut pos = 0;
        let mut key: Option<[u8; 19]> = None;
        let mut time = None;
        let mut prefixed = false;
        loop {
            let Some(n) = memchr::memchr(b'\n', &self.buf[pos..]) else {
                if self.ended {
                    pos = self.buf.len();
                    break;
                }
                if self.buf.len() - pos > PIECE && pos == 0 {
                    // A line without end is handed on in parts.
                    pos = self.buf.len();
                    break;
                }
                self.read_more()?;
                continue;
            };
            let line = &self.buf[pos..pos + n];
            let same = key.is_some_and(|k| line.get(self.offset..self.offset + 19).is_some_and(|s| *s == k));
            if !same && let Some((at, offset)) = line_time(line) {
                if key.is_some() {
                    break;
                }
                (time, self.offset) = (Some(at), offset);
                key = line.get(offset..).and_then(<[u8]>::first_chunk).copied();
            }
            prefixed |=
                line.first() == Some(&b'[') || (line.first().is_some_and(u8::is_ascii_alphabetic) && prefix::compose(line).is_some());
            pos += n + 1;
            if pos > PIECE {
                break;
            }
        }
        if pos == 0 {
            return Ok(None);
        }
        Ok(Some((self.buf.split_to(pos).freeze(), time, prefixed)))
    }

    /// The time of a piece: never back, and not far ahead at once.
    fn clock(&mut self, time: Option<Timestamp>) {
        let Some(t) = time else { return };
        if !self.at.is_set() {
            self.at = t;
        } else if t.secs() - self.at.secs() > LEAP_SECS {
            self.leaps += 1;
            if self.leaps >= 3 {
                self.at = t;
                self.leaps = 0;
            }
        } else {
            self.leaps = 0;
            self.at = self.at.max(t);
        }
    }

    /// Says once that this file gives lines of its own.
    fn begin(&mut self) {
        if !std::mem::replace(&mut self.begun, true) {
            self.ready.push_back(Piece::state(self.at, &self.name, SourceState::Live, self.pod.as_deref(), None));
        }
    }

    /// One piece, or one for each pod that its lines name.
    fn pieces(&mut self, raw: Bytes, prefixed: bool) {
        if !prefixed {
            self.begin();
            self.ready.push_back(Piece::new(self.at, self.name.clone(), Kind::Log, raw));
            return;
        }
        let mut split: Vec<(SourceName, Vec<u8>)> = Vec::new();
        for line in raw.split_inclusive(|c| *c == b'\n') {
            let named = prefix::pod(line).map(|(p, c, _)| (p, Component::read(c).map(Component::as_str)));
            let named = named.or_else(|| prefix::compose(line).map(|(n, _)| (n, service(n).map(Component::as_str))));
            let source = if let Some((pod, component)) = named {
                if !self.pods.contains_key(pod) && self.pods.len() < 4096 {
                    self.pods.insert(pod.to_owned(), component);
                    self.ready.push_back(Piece::state(self.at, &SourceName::new(pod), SourceState::Live, Some(pod), component));
                }
                SourceName::new(pod)
            } else {
                self.begin();
                self.name.clone()
            };
            match split.iter_mut().find(|s| s.0 == source) {
                Some(s) => s.1.extend_from_slice(line),
                None => split.push((source, line.to_vec())),
            }
        }
        for (source, raw) in split {
            self.ready.push_back(Piece::new(self.at, source, Kind::Log, raw.into()));
        }
    }
}

impl Part for Lines {
    fn next(&mut self) -> io::Result<Option<Piece>> {
        if let Some(p) = self.ready.pop_front() {
            return Ok(Some(p));
        }
        if let Some((raw, time, prefixed)) = self.second()? {
            self.clock(time);
            self.pieces(raw, prefixed);
        } else if self.ended && !std::mem::replace(&mut self.over, true) {
            if self.pods.is_empty() {
                // An empty file is a source too.
                self.begin();
            }
            let pods = std::mem::take(&mut self.pods);
            let mut all: Vec<SourceName> = pods.keys().map(|p| SourceName::new(p)).collect();
            if std::mem::take(&mut self.begun) {
                all.push(self.name.clone());
            }
            for source in all {
                self.ready.push_back(Piece::new(self.at, source.clone(), Kind::LogBreak, Bytes::new()));
                self.ready.push_back(Piece::state(self.at, &source, SourceState::Ended, None, None));
            }
        }
        Ok(self.ready.pop_front())
    }
}

/// The time of a line and where it stands: behind colours, prefixes and a JSON
/// object's beginning. A runtime's time in front of the line's own is passed by.
pub(super) fn line_time(line: &[u8]) -> Option<(Timestamp, usize)> {
    const JSON: &[u8] = b"{\"timestamp\":\"";
    let bare = prefix::strip(line);
    let mut offset = line.len() - bare.line.len();
    let mut rest = bare.line;
    if rest.first() == Some(&0x1b) {
        let n = text::skip_escape(rest, 0);
        (offset, rest) = (offset + n, &rest[n..]);
    } else if let Some(r) = rest.strip_prefix(JSON) {
        (offset, rest) = (offset + JSON.len(), r);
    }
    let (at, _) = Timestamp::parse_prefix(rest)?;
    Some((at, offset))
}

/// `cpu-node-7d9c8b6f5d-djgm5.log` is named after its pod.
fn pod_of_file(name: &str) -> Option<String> {
    let stem = name.rsplit('/').next().unwrap_or(name);
    let stem = stem.split(".log").next().unwrap_or(stem);
    let mut parts = stem.rsplitn(3, '-');
    let (random, hash, workload) = (parts.next()?, parts.next()?, parts.next()?);
    let hex = |s: &str, n: std::ops::RangeInclusive<usize>| {
        n.contains(&s.len()) && s.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) && s.bytes().any(|c| c.is_ascii_digit())
    };
    (Component::read(workload).is_some() && random.len() == 5 && hex(hash, 5..=10)).then(|| stem.to_owned())
}

/// The service in a compose container's name: `sp1-cluster-coordinator-1`.
fn service(name: &str) -> Option<Component> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '_');
    ["coordinator", "api", "cpu-node", "gpu-node", "redis", "postgresql", "postgres", "network-gateway"]
        .into_iter()
        .find(|s| stem.ends_with(s))
        .and_then(Component::read)
        .or_else(|| Component::read(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str, name: &str) -> Vec<(String, String, Kind, usize)> {
        let mut l = Lines::new(Box::new(io::Cursor::new(text.as_bytes().to_vec())), name);
        let mut out = Vec::new();
        while let Some(p) = l.next().unwrap() {
            out.push((p.at.clock(), p.source.as_str().to_owned(), p.kind, p.raw.len()));
        }
        out
    }

    #[test]
    fn a_second_a_piece() {
        let text = "plain\n2026-11-24T00:00:01.000001Z  INFO a\nmore\n2026-11-24T00:00:01.9Z  INFO b\n2026-11-24T00:00:02.0Z  INFO c\nhalf";
        let got = pieces(text, "x.log");
        let got: Vec<_> = got.iter().map(|(t, _, k, n)| (t.as_str(), *k, *n)).collect();
        assert_eq!(
            got[1..4],
            [
                ("00:00:01", Kind::Log, text.find("2026-11-24T00:00:02").unwrap()),
                ("00:00:02", Kind::Log, 35),
                ("00:00:02", Kind::LogBreak, 0)
            ]
        );
    }

    #[test]
    fn a_clock_that_leaps_is_not_believed_at_once() {
        let text = "2026-11-24T00:00:01.0Z  INFO a\n2096-11-24T00:00:01.0Z  INFO a\n2026-11-24T00:00:03.0Z  INFO a\n2026-11-24T00:00:02.0Z  INFO a\n";
        let got = pieces(text, "x.log");
        let times: Vec<_> = got.iter().filter(|p| p.2 == Kind::Log).map(|p| p.0.as_str()).collect();
        assert_eq!(times, ["00:00:01", "00:00:01", "00:00:03", "00:00:03"]);
    }

    #[test]
    fn lines_of_several_pods_come_apart() {
        let text = "[pod/gpu-node-5f6c7d8e9b-5tpzb/gpu-node] 2026-11-24T00:00:01.0Z  INFO a\n[pod/cpu-node-1/cpu-node] 2026-11-24T00:00:01.5Z  INFO b\n";
        let got: Vec<_> = pieces(text, "all").into_iter().filter(|p| p.2 == Kind::Log).map(|p| p.1).collect();
        assert_eq!(got, ["gpu-node-5f6c7d8e9b-5tpzb", "cpu-node-1"]);
        assert_eq!(pod_of_file("a/cpu-node-7d9c8b6f5d-djgm5.log").as_deref(), Some("cpu-node-7d9c8b6f5d-djgm5"));
        assert_eq!(pod_of_file("coordinator.log"), None);
    }
}
