//! Writes a tape.

use std::io::{self, Write};

use super::format::{ChunkHead, ChunkKind, Head, TRAILER};
use super::index::{Entry, Index};
use super::record::Encoder;
use crate::base::Timestamp;
use crate::envelope::Envelope;

/// A chunk is written when so many bytes wait, even if nobody asks.
const CHUNK: usize = 256 << 10;
/// A frame is not longer than so many bytes: reading begins at frames only.
const FRAME: usize = 1 << 20;
/// Nor than so much recorded time, in microseconds.
const FRAME_TIME: i64 = 60_000_000;
/// Compression level of zstd: recording must not be felt.
const LEVEL: i32 = 3;

/// Writes envelopes. What was given before a [`Self::flush`] is in the hands of
/// the system afterwards: killing the program does not lose it.
pub struct Writer<W: Write> {
    out: W,
    offset: u64,
    zstd: zstd::stream::write::Encoder<'static, Vec<u8>>,
    encoder: Encoder,
    /// Encoded records that wait to be compressed.
    pending: Vec<u8>,
    count: u32,
    first: Option<(u64, Timestamp)>,
    last_at: Timestamp,
    /// Bytes in this frame, and when it began; `None` before its first chunk.
    frame: Option<(usize, Timestamp)>,
    index: Index,
}

fn compressor() -> io::Result<zstd::stream::write::Encoder<'static, Vec<u8>>> {
    zstd::stream::write::Encoder::new(Vec::new(), LEVEL)
}

impl<W: Write> Writer<W> {
    /// Writes the head.
    pub fn new(mut out: W, head: &Head) -> io::Result<Self> {
        let raw = head.encode();
        out.write_all(&raw)?;
        Ok(Self {
            out,
            offset: raw.len() as u64,
            zstd: compressor()?,
            encoder: Encoder::default(),
            pending: Vec::new(),
            count: 0,
            first: None,
            last_at: Timestamp::ZERO,
            frame: None,
            index: Index::default(),
        })
    }

    /// Bytes written so far.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.offset
    }

    /// Takes an envelope.
    pub fn put(&mut self, e: &Envelope) -> io::Result<()> {
        self.put_as(e, false)
    }

    /// Takes an envelope that repeats what earlier segments of the session hold.
    pub fn repeat(&mut self, e: &Envelope) -> io::Result<()> {
        self.put_as(e, true)
    }

    fn put_as(&mut self, e: &Envelope, repeated: bool) -> io::Result<()> {
        self.encoder.put(e, repeated, &mut self.pending);
        self.count += 1;
        self.first.get_or_insert((e.seq, e.at));
        self.last_at = self.last_at.max(e.at);
        if self.pending.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// Writes what waits as one chunk.
    pub fn flush(&mut self) -> io::Result<()> {
        let Some((seq, at)) = self.first.take() else { return self.out.flush() };
        self.zstd.write_all(&self.pending)?;
        self.zstd.flush()?;
        let payload = std::mem::take(self.zstd.get_mut());
        let kind = if self.frame.is_some() { ChunkKind::More } else { ChunkKind::Begin };
        if kind == ChunkKind::Begin {
            self.index.frames.push(Entry { offset: self.offset, seq, at });
        }
        let chunk = ChunkHead::new(kind, self.count, seq, at, self.last_at).encode(&payload);
        // One call: a chunk is there or is not, as far as the system can tell.
        self.out.write_all(&chunk)?;
        self.out.flush()?;
        self.offset += chunk.len() as u64;
        let (bytes, began) = self.frame.unwrap_or((0, at));
        self.frame = Some((bytes + self.pending.len(), began));
        self.pending.clear();
        self.count = 0;
        if bytes + CHUNK >= FRAME || self.last_at.0.saturating_sub(began.0) >= FRAME_TIME {
            self.zstd = compressor()?;
            self.encoder = Encoder::default();
            self.frame = None;
        }
        Ok(())
    }

    /// The sink, as after a kill: without the index.
    #[cfg(test)]
    pub(super) fn into_inner(self) -> W {
        self.out
    }

    /// Writes the index and gives the sink back.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        self.index.last_at = self.last_at;
        let offset = self.offset;
        let at = self.last_at;
        let mut end = ChunkHead::new(ChunkKind::Index, 0, 0, at, at).encode(&self.index.encode());
        end.extend_from_slice(&offset.to_le_bytes());
        end.extend_from_slice(TRAILER);
        self.out.write_all(&end)?;
        self.out.flush()?;
        Ok(self.out)
    }
}
