//! Tapes as recordings, and where to go on in them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::{Error, Open, Part, Piece};
use crate::base::{SourceName, Timestamp};
use crate::envelope::{Kind, SourceState, SourceUpdate};
use crate::tape::{self, End, Head, Index, Reader};

pub(super) fn error(path: &Path, e: tape::Error) -> Error {
    match e {
        tape::Error::Io(e) => Error::Io(path.to_owned(), e),
        other => Error::Bad(path.to_owned(), other.to_string()),
    }
}

/// One tape.
pub(super) struct Tape<R> {
    reader: Reader<R>,
    head: Head,
    seq: u64,
    at: Timestamp,
    /// Damages that were told.
    told: u64,
    ended: bool,
    ready: Vec<Piece>,
}

impl<R: Read + Send> Tape<R> {
    pub(super) fn new(reader: Reader<R>) -> Self {
        Self::with_head(reader.head().clone(), reader)
    }

    fn with_head(head: Head, reader: Reader<R>) -> Self {
        Self { head, reader, seq: 0, at: Timestamp::ZERO, told: 0, ended: false, ready: Vec::new() }
    }

    /// What the screens should say of a tape that is not whole.
    fn tell(&mut self, state: SourceState, detail: String) {
        let source = SourceName::new("tape");
        let update = SourceUpdate { state, detail, component: None, pod: None, dropped: 0 };
        let mut piece = Piece::source(self.at, &source, &update);
        piece.seq = Some(self.seq);
        self.ready.push(piece);
    }

    fn damages(&mut self) {
        let n = self.reader.damage_count();
        if n == self.told {
            return;
        }
        self.told = n;
        let text = self.reader.damages().last().map(ToString::to_string).unwrap_or_default();
        self.tell(SourceState::Stale, format!("{text}{}", if n > 1 { format!(" ({n} such places)") } else { String::new() }));
        // Half a line before the damage does not go on after it.
        let breaks =
            self.reader.sources().cloned().map(|s| Piece { seq: Some(self.seq), ..Piece::new(self.at, s, Kind::LogBreak, Bytes::new()) });
        let breaks: Vec<Piece> = breaks.collect();
        self.ready.extend(breaks);
    }
}

impl<R: Read + Send> Part for Tape<R> {
    fn next(&mut self) -> io::Result<Option<Piece>> {
        if self.ready.is_empty() && !self.ended {
            let next = self.reader.next()?;
            if let Some(e) = &next
                && !self.at.is_set()
            {
                (self.seq, self.at) = (e.seq.saturating_sub(1), e.at);
            }
            self.damages();
            if let Some(e) = next {
                (self.seq, self.at) = (e.seq, e.at);
                self.ready.push(Piece { at: e.at, source: e.source, kind: e.kind, raw: e.raw, seq: Some(e.seq) });
            } else {
                self.ended = true;
                if let Some(End::Torn(at)) = self.reader.end() {
                    self.tell(SourceState::Ended, format!("the tape is cut at byte {at}; all before it was read"));
                }
            }
            self.ready.reverse();
        }
        Ok(self.ready.pop())
    }

    fn tape(&self) -> Option<&str> {
        Some(&self.head.session)
    }
}

/// The indexes of tapes, kept from one look to the next.
#[derive(Debug, Default)]
pub struct Tapes {
    known: Vec<(PathBuf, u64, Arc<Index>)>,
}

impl Tapes {
    /// The index of a tape; made anew only where the file has grown.
    fn index(&mut self, path: &Path, file: &mut File) -> Result<Arc<Index>, Error> {
        let len = file.metadata().map_err(|e| Error::Io(path.to_owned(), e))?.len();
        if let Some(k) = self.known.iter().find(|k| k.0 == path && k.1 == len) {
            return Ok(Arc::clone(&k.2));
        }
        let index = Arc::new(Index::of(file).map_err(|e| error(path, e))?);
        self.known.retain(|k| k.0 != path);
        self.known.push((path.to_owned(), len, Arc::clone(&index)));
        Ok(index)
    }

    /// The first number and time in tapes of one session; `None` for others.
    pub fn begin(&mut self, paths: &[PathBuf]) -> Option<(u64, Timestamp)> {
        let path = super::expand(paths).ok()?.into_iter().next()?;
        let mut file = File::open(&path).ok()?;
        head(&path, &mut file).ok()??;
        let first = self.index(&path, &mut file).ok()?.frames.first().copied()?;
        Some((first.seq, first.at))
    }

    /// The parts from the frame on that holds the envelope after `seq`, and the
    /// number before its first. `None` where the files are not the tapes of one
    /// session.
    pub(super) fn open_at(&mut self, paths: &[PathBuf], seq: u64) -> Result<Option<(Vec<Open>, u64)>, Error> {
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            if path.as_os_str() == "-" {
                return Ok(None);
            }
            let mut file = File::open(path).map_err(|e| Error::Io(path.clone(), e))?;
            let Some(head) = head(path, &mut file)? else { return Ok(None) };
            let index = self.index(path, &mut file)?;
            files.push((path, file, head, index));
        }
        let same = files.iter().all(|f| f.2.session == files[0].2.session);
        if files.is_empty() || !same || (files.len() > 1 && files[0].2.session.is_empty()) {
            return Ok(None);
        }
        let begins = |f: &(&PathBuf, File, Head, Arc<Index>)| f.3.frames.first().is_some_and(|e| e.seq <= seq + 1);
        let from = files.iter().rposition(begins).unwrap_or(0);
        let mut parts = Vec::new();
        let mut before = 0;
        for (i, (path, mut file, head, index)) in files.into_iter().enumerate().skip(from) {
            let io_error = |e| Error::Io(path.clone(), e);
            let entry = if i == from { index.before_seq(seq + 1) } else { index.frames.first().copied() };
            // From the very beginning its damages are found as well.
            let reader = if i == from && entry.is_some_and(|e| index.frames.first() != Some(&e)) {
                let e = entry.unwrap_or_default();
                file.seek(SeekFrom::Start(e.offset)).map_err(io_error)?;
                Reader::at_frame(file, e.offset)
            } else {
                file.seek(SeekFrom::Start(0)).map_err(io_error)?;
                Reader::new(file, i == 0).map_err(|e| error(path, e))?
            };
            if i == from {
                before = entry.map_or(0, |e| e.seq.saturating_sub(1));
            }
            parts.push(Open { path: path.clone(), part: Box::new(Tape::with_head(head, reader)), peeked: None });
        }
        Ok(Some((parts, before)))
    }
}

/// The head of a tape; `None` for another file.
fn head(path: &Path, file: &mut File) -> Result<Option<Head>, Error> {
    match Reader::new(&*file, false) {
        Ok(r) => Ok(Some(r.head().clone())),
        Err(tape::Error::NotATape) => Ok(None),
        Err(e) => Err(error(path, e)),
    }
}
