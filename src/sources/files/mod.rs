//! Recordings on disk or standard input as envelopes: tapes, raw logs of any
//! component, recorded answers (JSON), plain or compressed.
//!
//! A raw log has no arrival times, so the time in its lines stands for them:
//! lines of the same second travel in one envelope, and several files are merged
//! by time. The same files always give the same envelopes. A tape (or the
//! segments of one session) gives its own envelopes, number and time as they
//! were.

mod documents;
mod lines;
mod open;
mod runs;
mod span;
mod tapes;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::base::{SourceName, Timestamp};
use crate::envelope::{Envelope, Kind, Session, SourceState, SourceUpdate};
use crate::sources::hub::hide;

pub use span::span;
pub use tapes::Tapes;

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
            Self::Io(p, e) if e.kind() == io::ErrorKind::IsADirectory => {
                write!(f, "{} is a directory without files; name one that holds logs or tapes", p.display())
            }
            Self::Io(p, e) => f.write_str(&unreadable(p, e)),
            Self::Bad(p, why) => write!(f, "{}: {why}", p.display()),
            Self::Nothing => f.write_str("nothing to read; name log files or tapes, or - for standard input"),
            Self::StdinTwice => f.write_str("standard input (-) can be read only once"),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    fn into_io(self) -> io::Error {
        match self {
            Self::Io(_, e) => e,
            other => io::Error::other(other.to_string()),
        }
    }
}

/// Why a file cannot be read, and what to try.
#[must_use]
pub fn unreadable(path: &Path, e: &io::Error) -> String {
    let path = path.display();
    match e.kind() {
        io::ErrorKind::NotFound => format!("{path}: no such file; check the path"),
        io::ErrorKind::PermissionDenied => format!("cannot read {path}: {e}; let this user read it (ls -l {path})"),
        io::ErrorKind::IsADirectory => format!("cannot read {path}: it is a directory; name a file in it"),
        io::ErrorKind::NotADirectory => format!("cannot read {path}: {e}; a part of the path is a file: check it"),
        _ if is_loop(e) => format!("cannot read {path}: {e}; the link leads back to itself (readlink {path}): name the file itself"),
        _ => format!("cannot read {path}: {e}; see that the file is whole and its disk is there"),
    }
}

/// `ErrorKind::FilesystemLoop` is not stable.
fn is_loop(e: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(e) == Some(rustix::io::Errno::LOOP)
}

/// What a file gives: an envelope before it is numbered.
#[derive(Clone, Debug)]
struct Piece {
    at: Timestamp,
    source: SourceName,
    kind: Kind,
    raw: Bytes,
    /// Its number, where it has one already.
    seq: Option<u64>,
}

impl Piece {
    fn new(at: Timestamp, source: SourceName, kind: Kind, raw: Bytes) -> Self {
        Self { at, source, kind, raw, seq: None }
    }

    fn source(at: Timestamp, source: &SourceName, update: &SourceUpdate) -> Self {
        let raw = serde_json::to_vec(update).unwrap_or_default().into();
        Self::new(at, source.clone(), Kind::Source, raw)
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

    /// The session of which it is a tape; an empty one is of its own.
    fn tape(&self) -> Option<&str> {
        None
    }
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
    /// Tapes of one session, one after the other: nothing is added or changed.
    verbatim: bool,
}

impl Recording {
    /// Opens files; `-` is standard input, a directory is all files in it. Says
    /// which one cannot be read and why.
    pub fn open(paths: &[PathBuf], mode: &str) -> Result<Self, Error> {
        let paths = expand(paths)?;
        if paths.is_empty() {
            return Err(Error::Nothing);
        }
        if paths.iter().filter(|p| p.as_os_str() == "-").count() > 1 {
            return Err(Error::StdinTwice);
        }
        let names = names(&paths);
        let mut parts = Vec::with_capacity(paths.len());
        for (i, (path, name)) in paths.iter().zip(names).enumerate() {
            let opened = open::parts(path, &name, i == 0)?;
            parts.extend(opened.into_iter().map(|part| Open { path: path.clone(), part, peeked: None }));
        }
        Self::of(parts, Session { mode: mode.into(), ..Session::default() })
    }

    fn of(parts: Vec<Open>, session: Session) -> Result<Self, Error> {
        let mut sessions: Vec<Option<&str>> = parts.iter().map(|p| p.part.tape()).collect();
        sessions.dedup();
        let verbatim = matches!(sessions[..], [Some(s)] if parts.len() == 1 || !s.is_empty());
        let mut this = Self { parts, seq: 0, at: Timestamp::ZERO, session: (!verbatim).then_some(session), verbatim };
        for i in 0..this.parts.len() {
            this.fill(i)?;
        }
        Ok(this)
    }

    /// Goes on with the envelope after number `seq`. `tapes` remembers where that
    /// is; files that are no tapes are read from their beginning.
    pub fn reopen(paths: &[PathBuf], mode: &str, seq: u64, tapes: &mut Tapes) -> Result<Self, Error> {
        let paths = expand(paths)?;
        if let Some((parts, before)) = tapes.open_at(&paths, seq)? {
            let mut this = Self::of(parts, Session::default())?;
            this.seq = before;
            // A frame begins before what is wanted.
            while this.next_seq().is_some_and(|n| n <= seq) && this.next()?.is_some() {}
            return Ok(this);
        }
        let mut this = Self::open(&paths, mode)?;
        while this.seq < seq && this.next()?.is_some() {}
        Ok(this)
    }

    fn fill(&mut self, i: usize) -> Result<(), Error> {
        let p = &mut self.parts[i];
        p.peeked = p.part.next().map_err(|e| Error::Io(p.path.clone(), e))?;
        Ok(())
    }

    /// The part whose turn it is: of tapes the first one, else the earliest.
    fn first(&self) -> Option<usize> {
        let mut there = (0..self.parts.len()).filter(|i| self.parts[*i].peeked.is_some());
        if self.verbatim { there.next() } else { there.min_by_key(|i| self.parts[*i].peeked.as_ref().map(|p| p.at)) }
    }

    fn peek(&self) -> Option<&Piece> {
        self.parts[self.first()?].peeked.as_ref()
    }

    fn next_seq(&self) -> Option<u64> {
        self.peek().map(|p| p.seq.unwrap_or(self.seq))
    }

    /// The time of the next envelope.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        let next = self.peek()?.at;
        Some(if self.verbatim { next } else { next.max(self.at) })
    }

    /// The next envelope in time; `None` at the end.
    #[expect(clippy::should_implement_trait, reason = "it fails, which an iterator says less well")]
    pub fn next(&mut self) -> Result<Option<Envelope>, Error> {
        let Some(i) = self.first() else { return Ok(None) };
        if let Some(session) = self.session.take() {
            self.at = self.next_at().unwrap_or_default();
            let raw = serde_json::to_vec(&session).unwrap_or_default().into();
            return Ok(Some(self.stamp(Piece::new(self.at, SourceName::new("session"), Kind::Session, raw))));
        }
        if !self.verbatim
            && let Some(at) = self.next_at().and_then(|next| tick(self.at, next))
        {
            return Ok(Some(self.stamp(Piece::new(at, SourceName::new("clock"), Kind::Tick, Bytes::new()))));
        }
        let Some(piece) = self.parts[i].peeked.take() else { return Ok(None) };
        self.fill(i)?;
        Ok(Some(self.stamp(piece)))
    }

    fn stamp(&mut self, p: Piece) -> Envelope {
        if self.verbatim {
            self.seq = p.seq.unwrap_or(self.seq);
            self.at = p.at;
        } else {
            self.seq += 1;
            self.at = self.at.max(p.at);
        }
        let raw = if p.seq.is_some() { p.raw } else { hide(p.kind, p.raw) };
        Envelope { seq: self.seq, at: self.at, source: p.source, kind: p.kind, raw }
    }
}

/// True for a file that begins so and has to be decompressed.
#[must_use]
pub fn is_compressed(head: &[u8]) -> bool {
    open::is_zstd(head) || open::is_gzip(head)
}

/// Opens a file and decompresses it.
pub fn plain(path: &Path) -> Result<Box<dyn io::Read + Send>, Error> {
    open::plain(path)
}

/// Directories become the files in them.
fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut out = Vec::with_capacity(paths.len());
    for p in paths {
        if p.as_os_str() == "-" || !p.is_dir() {
            out.push(p.clone());
            continue;
        }
        let dir = std::fs::read_dir(p).map_err(|e| Error::Io(p.clone(), e))?;
        let hidden = |p: &Path| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        let mut files: Vec<PathBuf> = dir.flatten().map(|e| e.path()).filter(|p| p.is_file() && !hidden(p)).collect();
        if files.is_empty() {
            return Err(Error::Io(p.clone(), io::ErrorKind::IsADirectory.into()));
        }
        files.sort();
        out.append(&mut files);
    }
    Ok(out)
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
