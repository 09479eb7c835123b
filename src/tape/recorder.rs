//! Writes tapes beside the program's work: a slow disk delays, a full one ends
//! the recording, and neither ends the program.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::format::MAGIC;
use super::ring::{self, Ring};
use super::share::Sharer;
use super::{Head, Writer};
use crate::envelope::Envelope;

/// What is lost at most when the program is killed.
const FLUSH: Duration = Duration::from_millis(400);
/// Envelopes that may wait for the disk.
const QUEUE: usize = 1024;

/// Where a tape goes.
pub enum Sink {
    /// One file.
    File {
        /// It.
        writer: Box<Writer<File>>,
        /// Replaces names, for a tape that is shown around.
        sharer: Option<Box<Sharer>>,
    },
    /// A session's ring of segments.
    Ring(Box<Ring>),
}

impl Sink {
    /// Whether a tape is there, or the beginning of one.
    #[must_use]
    pub fn is_tape(path: &Path) -> bool {
        let mut begin = Vec::new();
        let read = |f: File| f.take(MAGIC.len() as u64).read_to_end(&mut begin).is_ok();
        std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() > 0) && File::open(path).is_ok_and(read) && begin == MAGIC
    }

    /// A new tape at `path`. An old tape there is replaced; any other file is
    /// not.
    pub fn file(path: &Path, sharer: Option<Sharer>) -> Result<Self, String> {
        let told = |e: io::Error| unwritable(path, &e);
        if let Ok(mut f) = File::open(path) {
            let mut begin = [0; MAGIC.len()];
            let n = f.read(&mut begin).map_err(told)?;
            if n > 0 && begin[..n] != MAGIC[..] {
                return Err(format!("{} is there and is no tape; give another name", path.display()));
            }
        }
        let head = Head { shared: sharer.is_some(), ..Head::new() };
        let writer = ring::create(path).and_then(|f| Writer::new(f, &head)).map_err(told)?;
        Ok(Self::File { writer: Box::new(writer), sharer: sharer.map(Box::new) })
    }

    /// Takes an envelope.
    pub fn put(&mut self, e: &Envelope) -> io::Result<()> {
        match self {
            Self::File { writer, sharer: None } => writer.put(e),
            Self::File { writer, sharer: Some(s) } => {
                for e in s.share(e) {
                    writer.put(&e)?;
                }
                Ok(())
            }
            Self::Ring(r) => r.put(e),
        }
    }

    /// Hands everything to the system.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File { writer, .. } => writer.flush(),
            Self::Ring(r) => r.flush(),
        }
    }

    /// Ends the tape.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Self::File { writer, .. } => writer.finish()?.sync_all(),
            Self::Ring(r) => r.finish(),
        }
    }
}

/// Why a tape cannot be written, and what to try.
pub fn unwritable(path: &Path, e: &io::Error) -> String {
    let hint = match e.kind() {
        io::ErrorKind::NotFound => "make its folder first (mkdir -p), or give another place",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room, or give another place",
        io::ErrorKind::IsADirectory => "name a file in it",
        _ => "give another place that this user may write to",
    };
    format!("cannot write {}: {e}; {hint}", path.display())
}

enum Order {
    Put(Envelope),
    /// Answer when everything before this is with the system.
    Flush(SyncSender<()>),
    /// End the tape.
    End(SyncSender<()>),
}

/// A running recording.
pub struct Recorder {
    orders: SyncSender<Order>,
    trouble: Arc<Mutex<Option<String>>>,
    path: PathBuf,
}

impl Recorder {
    /// Begins; `path` is told to people.
    pub fn start(sink: Sink, path: PathBuf) -> Result<Self, String> {
        let (orders, rx) = sync_channel(QUEUE);
        let trouble = Arc::new(Mutex::new(None));
        let (told, name) = (Arc::clone(&trouble), path.clone());
        let write = move || {
            if let Err(e) = record(sink, &rx) {
                let text = format!("the recording ended: {}", unwritable(&name, &e));
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
                // Whoever gives envelopes must not wait for a disk that is full.
                while let Ok(order) = rx.recv() {
                    drop(order);
                }
            }
        };
        std::thread::Builder::new().name("tape".into()).spawn(write).map_err(|e| format!("cannot start a thread: {e}"))?;
        Ok(Self { orders, trouble, path })
    }

    /// Where it goes.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes an envelope; waits while the disk is slow.
    pub fn put(&self, e: &Envelope) {
        // Nobody takes it any more after the end.
        let _ = self.orders.send(Order::Put(e.clone()));
    }

    /// Waits until all that was given can be read by others.
    pub fn flush(&self) {
        self.ask(Order::Flush);
    }

    fn ask(&self, order: fn(SyncSender<()>) -> Order) {
        let (tx, rx) = sync_channel(1);
        if self.orders.send(order(tx)).is_ok() {
            // Not for ever: the disk may hang.
            let _ = rx.recv_timeout(Duration::from_secs(5));
        }
    }

    /// Why it ended before its time.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the tape properly; what is given afterwards is not written.
    pub fn finish(&self) -> Result<(), String> {
        self.ask(Order::End);
        self.trouble().map_or(Ok(()), Err)
    }
}

fn record(mut sink: Sink, orders: &Receiver<Order>) -> io::Result<()> {
    let mut flushed = Instant::now();
    loop {
        match orders.recv_timeout(FLUSH.saturating_sub(flushed.elapsed())) {
            Ok(Order::Put(e)) => {
                sink.put(&e)?;
                if flushed.elapsed() < FLUSH {
                    continue;
                }
                sink.flush()?;
            }
            Ok(Order::Flush(done)) => {
                sink.flush()?;
                let _ = done.send(());
            }
            Ok(Order::End(done)) => {
                sink.finish()?;
                let _ = done.send(());
                return Ok(());
            }
            Err(RecvTimeoutError::Timeout) => sink.flush()?,
            Err(RecvTimeoutError::Disconnected) => return sink.finish(),
        }
        flushed = Instant::now();
    }
}
