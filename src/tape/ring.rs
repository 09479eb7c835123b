//! A session's tape in segments, of which the oldest go when there is no more
//! room; and the sessions of one user.
//!
//! `$XDG_STATE_HOME/sp1top/sessions/<beginning>-<pid>/0000.tape …`

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::sticky::Sticky;
use super::{Head, Writer};
use crate::base::Timestamp;
use crate::envelope::Envelope;

/// How much room tapes may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a segment.
    pub segment: u64,
    /// Bytes of a session.
    pub session: u64,
    /// Bytes of all sessions; older ones go when a new one begins.
    pub all: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { segment: 16 << 20, session: 512 << 20, all: 2 << 30 }
    }
}

/// Creates a file that only its user may read.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Where the sessions are, below the user's state directory.
#[must_use]
pub fn sessions(state_home: &Path) -> PathBuf {
    state_home.join("sp1top").join("sessions")
}

/// The sessions there are, the oldest first.
#[must_use]
pub fn list(sessions: &Path) -> Vec<PathBuf> {
    let Ok(dir) = fs::read_dir(sessions) else { return Vec::new() };
    let mut all: Vec<PathBuf> = dir.flatten().map(|e| e.path()).filter(|p| !segments(p).is_empty()).collect();
    all.sort();
    all
}

/// A session's segments, the oldest first.
#[must_use]
pub fn segments(session: &Path) -> Vec<PathBuf> {
    let Ok(dir) = fs::read_dir(session) else { return Vec::new() };
    let mut all: Vec<PathBuf> = dir.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "tape")).collect();
    all.sort();
    all
}

fn size(session: &Path) -> u64 {
    segments(session).iter().filter_map(|s| fs::metadata(s).ok()).map(|m| m.len()).sum()
}

/// A session that is being written.
pub struct Ring {
    dir: PathBuf,
    limits: Limits,
    writer: Writer<File>,
    head: Head,
    /// Finished segments with their sizes.
    finished: VecDeque<(PathBuf, u64)>,
    current: PathBuf,
    sticky: Sticky,
}

impl Ring {
    /// Begins a session: makes room and its directory. `now` and `pid` name it.
    pub fn begin(sessions: &Path, limits: Limits, now: Timestamp, pid: u32) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(sessions)?;
        let mut old: VecDeque<(PathBuf, u64)> = list(sessions).into_iter().map(|s| (s.clone(), size(&s))).collect();
        while old.iter().map(|o| o.1).sum::<u64>() + limits.session.min(limits.all / 4) > limits.all {
            let Some((path, _)) = old.pop_front() else { break };
            // What cannot be removed is not ours to worry about.
            let _ = fs::remove_dir_all(path);
        }
        let base = format!("{}-{pid}", now.date_clock().replace(' ', "T").replace(':', "-"));
        builder.recursive(false);
        // One process may begin several within a second: one for each cluster.
        let names = std::iter::once(base.clone()).chain((2..1000).map(|n| format!("{base}-{n}")));
        let mut made = Err(io::ErrorKind::AlreadyExists.into());
        for name in names {
            let dir = sessions.join(&name);
            made = builder.create(&dir).map(|()| (name, dir));
            if !made.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::AlreadyExists) {
                break;
            }
        }
        let (name, dir) = made?;
        let head = Head { session: name, ..Head::new() };
        let current = dir.join("0000.tape");
        let writer = Writer::new(create(&current)?, &head)?;
        Ok(Self { dir, limits, writer, head, finished: VecDeque::new(), current, sticky: Sticky::default() })
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Takes an envelope; a new segment begins when one is full.
    pub fn put(&mut self, e: &Envelope) -> io::Result<()> {
        if self.writer.written() >= self.limits.segment {
            self.next_segment(e)?;
        }
        self.sticky.note(e);
        self.writer.put(e)
    }

    /// Hands everything to the system.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    fn next_segment(&mut self, e: &Envelope) -> io::Result<()> {
        self.head.segment += 1;
        let path = self.dir.join(format!("{:04}.tape", self.head.segment));
        let writer = Writer::new(create(&path)?, &self.head)?;
        let old = std::mem::replace(&mut self.writer, writer);
        let size = old.written();
        old.finish()?;
        self.finished.push_back((std::mem::replace(&mut self.current, path), size));
        for e in self.sticky.envelopes(e.seq, e.at) {
            self.writer.repeat(&e)?;
        }
        while self.finished.iter().map(|f| f.1).sum::<u64>() + self.limits.segment > self.limits.session {
            let Some((old, _)) = self.finished.pop_front() else { break };
            fs::remove_file(old)?;
        }
        Ok(())
    }

    /// Ends it.
    pub fn finish(self) -> io::Result<()> {
        self.writer.finish().map(|_| ())
    }
}
