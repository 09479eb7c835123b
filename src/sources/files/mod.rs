//! Recordings on disk or standard input as envelopes: raw logs of any
//! component, recorded answers (JSON), plain or compressed.
//!
//! A raw log has no arrival times, so the time in its lines stands for them:
//! lines of the same second travel in one envelope, and several files are merged
//! by time. The same files always give the same envelopes.

mod documents;
mod lines;
mod open;
mod span;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::base::{SourceName, Timestamp};
use crate::envelope::{Envelope, Kind, Session, SourceState, SourceUpdate};

pub use span::span;

/// Why a recording cannot be read.
#[derive(Debug)]
pub enum Error {
    /// A file cannot be opened or read.
    Io(PathBuf, io::Error),
    /// A file is not what it seems to be.
    Bad(PathBuf, String),
    /// No files.
    Nothing,
    /// Standard input was named more than once.
    StdinTwice,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(p, e) if e.kind() == io::ErrorKind::NotFound => write!(f, "{}: no such file; check the path", p.display()),
            Self::Io(p, e) if e.kind() == io::ErrorKind::IsADirectory => {
                write!(f, "{} is a directory; name the files in it, for example {}/*.log", p.display(), p.display())
            }
            Self::Io(p, e) => write!(f, "cannot read {}: {e}", p.display()),
            Self::Bad(p, why) => write!(f, "{}: {why}", p.display()),
            Self::Nothing => f.write_str("nothing to read; name log files or tapes, or - for standard input"),
            Self::StdinTwice => f.write_str("standard input (-) can be read only once"),
        }
    }
}

impl std::error::Error for Error {}

/// What a file gives: an envelope before it is numbered.
#[derive(Clone, Debug)]
struct Piece {
    at: Timestamp,
    source: SourceName,
    kind: Kind,
    raw: Bytes,
}

impl Piece {
    fn source(at: Timestamp, source: &SourceName, update: &SourceUpdate) -> Self {
        let raw = serde_json::to_vec(update).unwrap_or_default().into();
        Self { at, source: source.clone(), kind: Kind::Source, raw }
    }

    fn state(at: Timestamp, source: &SourceName, state: SourceState, pod: Option<&str>, component: Option<&str>) -> Self {
        let update =
            SourceUpdate { state, detail: String::new(), component: component.map(str::to_owned), pod: pod.map(str::to_owned), dropped: 0 };
        Self::source(at, source, &update)
    }
}

/// One file, read piece by piece in its own order.
trait Part: Send {
    /// The next piece; its time never goes back.
    fn next(&mut self) -> io::Result<Option<Piece>>;
}

struct Open {
    path: PathBuf,
    part: Box<dyn Part>,
    peeked: Option<Piece>,
}

/// Several files, merged by time.
pub struct Recording {
    parts: Vec<Open>,
    seq: u64,
    at: Timestamp,
    session: Option<Session>,
}

impl Recording {
    /// Opens files; `-` is standard input. Says which one cannot be read and why.
    pub fn open(paths: &[PathBuf], mode: &str) -> Result<Self, Error> {
        if paths.is_empty() {
            return Err(Error::Nothing);
        }
        if paths.iter().filter(|p| p.as_os_str() == "-").count() > 1 {
            return Err(Error::StdinTwice);
        }
        let names = names(paths);
        let mut parts = Vec::with_capacity(paths.len());
        for (path, name) in paths.iter().zip(names) {
            let part = open::part(path, &name)?;
            parts.push(Open { path: path.clone(), part, peeked: None });
        }
        let mut this = Self { parts, seq: 0, at: Timestamp::ZERO, session: Some(Session { mode: mode.into(), ..Session::default() }) };
        for i in 0..this.parts.len() {
            this.fill(i)?;
        }
        Ok(this)
    }

    fn fill(&mut self, i: usize) -> Result<(), Error> {
        let p = &mut self.parts[i];
        p.peeked = p.part.next().map_err(|e| Error::Io(p.path.clone(), e))?;
        Ok(())
    }

    /// The time of the next envelope.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        let next = self.parts.iter().filter_map(|p| p.peeked.as_ref()).map(|p| p.at).min()?;
        Some(next.max(self.at))
    }

    /// The next envelope in time; `None` at the end.
    #[expect(clippy::should_implement_trait, reason = "it fails, which an iterator says less well")]
    pub fn next(&mut self) -> Result<Option<Envelope>, Error> {
        let first =
            (0..self.parts.len()).filter(|i| self.parts[*i].peeked.is_some()).min_by_key(|i| self.parts[*i].peeked.as_ref().map(|p| p.at));
        let Some(i) = first else { return Ok(None) };
        if let Some(session) = self.session.take() {
            self.at = self.next_at().unwrap_or_default();
            let raw = serde_json::to_vec(&session).unwrap_or_default().into();
            return Ok(Some(self.stamp(Piece { at: self.at, source: SourceName::new("session"), kind: Kind::Session, raw })));
        }
        if let Some(at) = self.next_at().and_then(|next| tick(self.at, next)) {
            return Ok(Some(self.stamp(Piece { at, source: SourceName::new("clock"), kind: Kind::Tick, raw: Bytes::new() })));
        }
        let Some(piece) = self.parts[i].peeked.take() else { return Ok(None) };
        self.fill(i)?;
        Ok(Some(self.stamp(piece)))
    }

    fn stamp(&mut self, p: Piece) -> Envelope {
        self.seq += 1;
        self.at = self.at.max(p.at);
        Envelope { seq: self.seq, at: self.at, source: p.source, kind: p.kind, raw: p.raw }
    }
}

/// The next tick of the clock between two pieces: each second, in long silences
/// each minute; none over gaps of days.
fn tick(at: Timestamp, next: Timestamp) -> Option<Timestamp> {
    const SECOND: i64 = 1_000_000;
    let gap = next.0.saturating_sub(at.0);
    let step = match gap {
        _ if !at.is_set() || gap <= SECOND => return None,
        _ if gap <= 3600 * SECOND => SECOND,
        _ if gap <= 86_400 * SECOND => 60 * SECOND,
        _ => return None,
    };
    let t = (at.0 / step + 1) * step;
    (t < next.0).then_some(Timestamp(t))
}

/// A name for each file: as much of its path as tells them apart.
fn names(paths: &[PathBuf]) -> Vec<String> {
    let tail = |p: &Path, n: usize| -> String {
        let parts: Vec<_> = p.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
        parts[parts.len().saturating_sub(n)..].join("/")
    };
    let mut n = 1;
    loop {
        let mut names: Vec<String> = paths.iter().map(|p| if p.as_os_str() == "-" { "stdin".into() } else { tail(p, n) }).collect();
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        if sorted.len() == names.len() {
            return names;
        }
        n += 1;
        if n > 32 {
            // The same file twice.
            for (i, name) in names.iter_mut().enumerate() {
                *name = format!("{name}#{}", i + 1);
            }
            return names;
        }
    }
}
