//! Reads a tape from its beginning or from a frame on, whatever happened to it.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Read};

use bytes::Bytes;
use zstd::stream::raw::{Decoder as Zstd, InBuffer, Operation as _, OutBuffer};

use super::Error;
use super::format::{CHUNK_HEAD, CHUNK_MAGIC, ChunkHead, ChunkKind, Head, MAGIC};
use super::record::Decoder;
use crate::base::SourceName;
use crate::envelope::Envelope;

/// Bytes read at once.
const BLOCK: usize = 256 << 10;
/// A chunk does not unpack to more than this; one that would is damage (or
/// malice: tapes come from strangers).
const LARGEST: usize = if cfg!(test) { 4 << 20 } else { 128 << 20 };
/// Damages that are told apart; further ones are only counted.
const MOST: usize = 32;

/// A place where a tape is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where it begins, in bytes from the tape's beginning.
    pub at: u64,
    /// How many bytes were passed by.
    pub skipped: u64,
    /// The number of the last envelope before it.
    pub after_seq: u64,
}

/// How a tape ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was closed.
    Closed,
    /// It was not closed, or is still being written; all chunks are whole.
    Open,
    /// Its last bytes, from there on, are no whole chunk.
    Torn(u64),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "damaged at byte {}: {} bytes could not be read", self.at, self.skipped)
    }
}

/// Reads envelopes. Nothing that a tape holds makes it fail or panic: what is
/// broken is passed by and told in [`Self::damages`] and [`Self::end`].
pub struct Reader<R> {
    from: R,
    head: Head,
    buf: Vec<u8>,
    /// Where in `buf` the next chunk begins.
    pos: usize,
    /// Where in the tape `buf` begins.
    base: u64,
    drained: bool,
    zstd: Option<Zstd<'static>>,
    decoder: Decoder,
    unpacked: Bytes,
    seq: u64,
    damages: Vec<Damage>,
    damage_count: u64,
    end: Option<End>,
    closed: bool,
    with_repeated: bool,
    sources: BTreeSet<SourceName>,
}

/// Reads until `buf` is full or the end comes.
pub(super) fn read_full(from: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buf.len() {
        match from.read(&mut buf[n..]) {
            Ok(0) => break,
            Ok(got) => n += got,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            // A compressed tape that was cut.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}

impl<R: Read> Reader<R> {
    /// Reads the head. With `repeated`, envelopes come too that repeat what
    /// earlier segments hold: wanted for the first segment that is read.
    pub fn new(from: R, repeated: bool) -> Result<Self, Error> {
        let mut this = Self::at_frame(from, 0);
        this.with_repeated = repeated;
        loop {
            if let Some((head, len, sound)) = Head::decode(&this.buf)? {
                (this.head, this.pos) = (head, len);
                if !sound {
                    this.pos = MAGIC.len();
                    this.damaged(this.pos, 0);
                    this.resume();
                }
                return Ok(this);
            }
            if !this.more()? {
                if this.buf.len() < MAGIC.len() {
                    return Err(Error::NotATape);
                }
                this.end = Some(End::Torn(this.buf.len() as u64));
                return Ok(this);
            }
        }
    }

    /// Reads from a frame on, whose offset an index told; `from` is there.
    pub fn at_frame(from: R, offset: u64) -> Self {
        Self {
            from,
            head: Head::default(),
            buf: Vec::new(),
            pos: 0,
            base: offset,
            drained: false,
            zstd: None,
            decoder: Decoder::default(),
            unpacked: Bytes::new(),
            seq: 0,
            damages: Vec::new(),
            damage_count: 0,
            end: None,
            closed: false,
            with_repeated: false,
            sources: BTreeSet::new(),
        }
    }

    /// What the head says.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The damages so far, the first ones of many.
    #[must_use]
    pub fn damages(&self) -> &[Damage] {
        &self.damages
    }

    /// How many damages there were so far.
    #[must_use]
    pub const fn damage_count(&self) -> u64 {
        self.damage_count
    }

    /// How it ended; `None` before the end.
    #[must_use]
    pub const fn end(&self) -> Option<End> {
        self.end
    }

    /// The sources of what was read so far.
    pub fn sources(&self) -> impl Iterator<Item = &SourceName> {
        self.sources.iter()
    }

    /// The next envelope; `None` at the end. Fails only where the file itself
    /// cannot be read.
    #[expect(clippy::should_implement_trait, reason = "it may fail")]
    pub fn next(&mut self) -> io::Result<Option<Envelope>> {
        loop {
            while !self.unpacked.is_empty() {
                let Some(record) = self.decoder.take(&mut self.unpacked) else {
                    // Sound by its checksum and yet no record: made by no one.
                    self.unpacked = Bytes::new();
                    self.zstd = None;
                    self.damaged(self.pos, 0);
                    break;
                };
                if record.repeated && !self.with_repeated {
                    continue;
                }
                if let Some(e) = record.envelope {
                    self.seq = e.seq;
                    if !self.sources.contains(&e.source) && self.sources.len() < 4096 {
                        self.sources.insert(e.source.clone());
                    }
                    return Ok(Some(e));
                }
            }
            if self.end.is_some() || !self.chunk()? {
                return Ok(None);
            }
        }
    }

    /// Forgets what is done with; places in `buf` change by that.
    fn compact(&mut self) {
        if self.pos > BLOCK {
            self.buf.drain(..self.pos);
            self.base += self.pos as u64;
            self.pos = 0;
        }
    }

    /// Reads more bytes; false at the end.
    fn more(&mut self) -> io::Result<bool> {
        if self.drained {
            return Ok(false);
        }
        let have = self.buf.len();
        self.buf.resize(have + BLOCK, 0);
        let n = read_full(&mut self.from, &mut self.buf[have..]);
        self.buf.truncate(have + *n.as_ref().unwrap_or(&0));
        let n = n?;
        self.drained = n < BLOCK;
        Ok(n > 0)
    }

    /// Unpacks the next chunk; false at the end.
    fn chunk(&mut self) -> io::Result<bool> {
        self.compact();
        while self.buf.len() - self.pos < CHUNK_HEAD && self.more()? {}
        let rest = &self.buf[self.pos..];
        if rest.is_empty() {
            self.end = Some(if self.closed { End::Closed } else { End::Open });
            return Ok(false);
        }
        // After the index there is nothing but the trailer.
        if self.closed && rest.len() <= super::format::TRAILER_LEN {
            self.end = Some(End::Closed);
            return Ok(false);
        }
        if let Some(head) = ChunkHead::decode(rest) {
            let len = CHUNK_HEAD + head.len;
            while self.buf.len() - self.pos < len && self.more()? {}
            if let Some(chunk) = self.buf.get(self.pos..self.pos + len)
                && head.is_sound(chunk)
            {
                let begin = self.pos;
                self.pos += len;
                self.closed = head.kind == ChunkKind::Index;
                if !self.closed && !self.unpack(head.kind, begin + CHUNK_HEAD..begin + len) {
                    self.damaged(begin, len);
                }
                return Ok(true);
            }
        }
        self.resync()
    }

    /// Looks for the next sound frame.
    fn resync(&mut self) -> io::Result<bool> {
        let begin = self.base + self.pos as u64;
        let mut from = self.pos + 1;
        loop {
            let Some(n) = self.buf.get(from..).and_then(|b| memchr::memmem::find(b, CHUNK_MAGIC)) else {
                // All but what may be a magic's beginning is done with.
                self.pos = self.buf.len().saturating_sub(CHUNK_MAGIC.len() - 1).max(self.pos);
                self.compact();
                from = self.pos.max(usize::from(begin == self.base + self.pos as u64));
                if !self.more()? {
                    self.end = Some(End::Torn(begin));
                    return Ok(false);
                }
                continue;
            };
            let at = from + n;
            while self.buf.len() < at + CHUNK_HEAD && self.more()? {}
            if let Some(head) = ChunkHead::decode(&self.buf[at..]).filter(|h| h.kind == ChunkKind::Begin) {
                let end = at + CHUNK_HEAD + head.len;
                while self.buf.len() < end && self.more()? {}
                if self.buf.get(at..end).is_some_and(|c| head.is_sound(c)) {
                    let skipped = self.base + at as u64 - begin;
                    self.pos = at;
                    self.note(Damage { at: begin, skipped, after_seq: self.seq });
                    self.resume();
                    return Ok(true);
                }
            }
            from = at + 1;
        }
    }

    /// A frame begins anew.
    fn resume(&mut self) {
        self.zstd = None;
        self.decoder = Decoder::default();
        self.unpacked = Bytes::new();
    }

    fn damaged(&mut self, pos: usize, len: usize) {
        self.note(Damage { at: self.base + pos as u64, skipped: len as u64, after_seq: self.seq });
    }

    fn note(&mut self, d: Damage) {
        self.damage_count += 1;
        if self.damages.len() < MOST {
            self.damages.push(d);
        }
    }

    /// Unpacks a payload; false when that fails, or when its frame's beginning
    /// is missing.
    fn unpack(&mut self, kind: ChunkKind, payload: std::ops::Range<usize>) -> bool {
        if kind == ChunkKind::Begin {
            self.resume();
            self.zstd = Zstd::new().ok();
        }
        let (Some(zstd), Some(payload)) = (&mut self.zstd, self.buf.get(payload)) else { return false };
        let Some(out) = unpack(zstd, payload) else {
            self.zstd = None;
            return false;
        };
        self.unpacked = out.into();
        true
    }
}

fn unpack(zstd: &mut Zstd<'static>, payload: &[u8]) -> Option<Vec<u8>> {
    let mut out: Vec<u8> = Vec::with_capacity((payload.len() * 8).clamp(1 << 12, 1 << 22));
    let mut input = InBuffer::around(payload);
    loop {
        if out.len() == out.capacity() {
            if out.len() >= LARGEST {
                return None;
            }
            out.reserve(out.len().max(1 << 12));
        }
        let before = (input.pos, out.len());
        let filled = out.len();
        zstd.run(&mut input, &mut OutBuffer::around_pos(&mut out, filled)).ok()?;
        let full = out.len() == out.capacity();
        if input.pos == payload.len() && !full {
            return Some(out);
        }
        if (input.pos, out.len()) == before && !full {
            return None;
        }
    }
}
