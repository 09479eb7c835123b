//! Where the frames of a tape are.

use std::io::{Read, Seek, SeekFrom};

use bytes::Bytes;

use super::format::{CHUNK_HEAD, ChunkHead, ChunkKind, Head, LONGEST_PAYLOAD, TRAILER, TRAILER_LEN};
use super::record::{read_varint, varint};
use super::{Error, reader};
use crate::base::Timestamp;

/// A frame, from which reading can begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Number of its first envelope.
    pub seq: u64,
    /// Time of its first envelope.
    pub at: Timestamp,
}

/// The frames of a tape in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// The frames.
    pub frames: Vec<Entry>,
    /// The time of the last envelope.
    pub last_at: Timestamp,
}

impl Index {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        varint(self.frames.len() as u64, &mut out);
        varint(self.last_at.0.cast_unsigned(), &mut out);
        let mut before = Entry::default();
        for f in &self.frames {
            varint(f.offset - before.offset, &mut out);
            varint(f.seq.wrapping_sub(before.seq), &mut out);
            varint(f.at.0.wrapping_sub(before.at.0).cast_unsigned(), &mut out);
            before = *f;
        }
        out
    }

    fn decode(raw: &[u8]) -> Option<Self> {
        let mut from = Bytes::copy_from_slice(raw);
        let n = usize::try_from(read_varint(&mut from)?).ok()?;
        let last_at = Timestamp(read_varint(&mut from)?.cast_signed());
        // An entry has at least three bytes.
        if n > from.len() / 3 {
            return None;
        }
        let mut frames = Vec::with_capacity(n);
        let mut before = Entry::default();
        for _ in 0..n {
            before = Entry {
                offset: before.offset.checked_add(read_varint(&mut from)?)?,
                seq: before.seq.wrapping_add(read_varint(&mut from)?),
                at: Timestamp(before.at.0.wrapping_add(read_varint(&mut from)?.cast_signed())),
            };
            frames.push(before);
        }
        Some(Self { frames, last_at })
    }

    /// The index of a tape: the written one, or else one that is made by walking
    /// over the chunks' heads.
    pub fn of(file: &mut (impl Read + Seek)) -> Result<Self, Error> {
        if let Some(index) = Self::written(file) {
            return Ok(index);
        }
        Self::rebuilt(file)
    }

    fn written(file: &mut (impl Read + Seek)) -> Option<Self> {
        let size = file.seek(SeekFrom::End(0)).ok()?;
        let at = size.checked_sub(TRAILER_LEN as u64)?;
        let mut trailer = [0; TRAILER_LEN];
        file.seek(SeekFrom::Start(at)).ok()?;
        file.read_exact(&mut trailer).ok()?;
        if !trailer.ends_with(TRAILER) {
            return None;
        }
        let offset = u64::from_le_bytes(*trailer.first_chunk()?);
        let len = usize::try_from(at.checked_sub(offset)?).ok().filter(|n| *n <= CHUNK_HEAD + LONGEST_PAYLOAD)?;
        let mut chunk = vec![0; len];
        file.seek(SeekFrom::Start(offset)).ok()?;
        file.read_exact(&mut chunk).ok()?;
        let head = ChunkHead::decode(&chunk)?;
        if head.kind != ChunkKind::Index || head.len != len - CHUNK_HEAD || !head.is_sound(&chunk) {
            return None;
        }
        Self::decode(&chunk[CHUNK_HEAD..])
    }

    /// Walks over the heads; payloads are not looked at. Where a head is broken,
    /// the next sound frame is looked for.
    fn rebuilt(file: &mut (impl Read + Seek)) -> Result<Self, Error> {
        file.seek(SeekFrom::Start(0))?;
        let mut start = vec![0; 1 << 17];
        let n = reader::read_full(file, &mut start)?;
        let (_, mut offset, sound) = Head::decode(&start[..n])?.unwrap_or_default();
        let size = file.seek(SeekFrom::End(0))?;
        let mut index = Self::default();
        if !sound {
            offset = super::MAGIC.len();
        }
        let mut offset = offset as u64;
        let mut head = [0; CHUNK_HEAD];
        while offset + CHUNK_HEAD as u64 <= size {
            file.seek(SeekFrom::Start(offset))?;
            file.read_exact(&mut head)?;
            match ChunkHead::decode(&head) {
                Some(c) if offset + (CHUNK_HEAD + c.len) as u64 <= size => {
                    if c.kind == ChunkKind::Begin {
                        index.frames.push(Entry { offset, seq: c.first_seq, at: c.first_at });
                    }
                    if c.kind != ChunkKind::Index {
                        index.last_at = index.last_at.max(c.last_at);
                    }
                    offset += (CHUNK_HEAD + c.len) as u64;
                }
                _ => match next_frame(file, offset + 1, size)? {
                    Some(n) => offset = n,
                    None => break,
                },
            }
        }
        Ok(index)
    }

    /// The last frame that begins at or before the envelope of that number.
    #[must_use]
    pub fn before_seq(&self, seq: u64) -> Option<Entry> {
        let n = self.frames.partition_point(|f| f.seq <= seq);
        self.frames.get(n.saturating_sub(1)).copied()
    }
}

/// Where the next sound frame begins.
fn next_frame(file: &mut (impl Read + Seek), from: u64, size: u64) -> Result<Option<u64>, Error> {
    const BLOCK: u64 = 1 << 20;
    let mut at = from;
    while at < size {
        file.seek(SeekFrom::Start(at))?;
        let mut block = vec![0; usize::try_from(BLOCK.min(size - at)).unwrap_or(0)];
        file.read_exact(&mut block)?;
        for n in memchr::memmem::find_iter(&block, super::format::CHUNK_MAGIC) {
            let begin = at + n as u64;
            let mut head = [0; CHUNK_HEAD];
            file.seek(SeekFrom::Start(begin))?;
            if file.read_exact(&mut head).is_err() {
                break;
            }
            let Some(c) = ChunkHead::decode(&head).filter(|c| c.kind == ChunkKind::Begin) else { continue };
            if begin + (CHUNK_HEAD + c.len) as u64 > size {
                continue;
            }
            let mut chunk = head.to_vec();
            chunk.resize(CHUNK_HEAD + c.len, 0);
            file.read_exact(&mut chunk[CHUNK_HEAD..])?;
            if c.is_sound(&chunk) {
                return Ok(Some(begin));
            }
        }
        // The magic may lie across the end of the block.
        at += BLOCK - 3;
    }
    Ok(None)
}
