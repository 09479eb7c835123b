//! The head of a tape and the heads of its chunks.

use serde::{Deserialize, Serialize};

use super::Error;
use crate::base::Timestamp;

/// How every tape begins.
pub const MAGIC: &[u8; 8] = b"SP1TAPE\n";
/// The version that is written; all up to it are read.
pub const VERSION: u16 = 1;
/// Bytes before the JSON of the head.
const HEAD: usize = 16;
/// The JSON of a head is not longer than this.
const LONGEST_HEAD: usize = 1 << 16;

/// How a chunk begins.
pub(super) const CHUNK_MAGIC: &[u8; 4] = b"sp1k";
/// Bytes before a chunk's payload.
pub(super) const CHUNK_HEAD: usize = 44;
/// A payload is not longer than this; a longer one is damage.
pub(super) const LONGEST_PAYLOAD: usize = 64 << 20;
/// What ends a tape that was closed, after the index's offset.
pub(super) const TRAILER: &[u8; 8] = b"sp1kend\n";
/// The offset and [`TRAILER`].
pub(super) const TRAILER_LEN: usize = 16;

/// What the head of a tape says. Fields are only ever added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Program and version that wrote it.
    #[serde(default)]
    pub by: String,
    /// The same in all segments of a session; empty where there is but one.
    #[serde(default)]
    pub session: String,
    /// Which segment it is, from 0.
    #[serde(default)]
    pub segment: u32,
    /// True when names and ids were replaced, so that it may be shown around.
    #[serde(default)]
    pub shared: bool,
}

impl Head {
    /// A head that names this program.
    #[must_use]
    pub fn new() -> Self {
        Self { by: concat!("sp1top ", env!("CARGO_PKG_VERSION")).into(), ..Self::default() }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).unwrap_or_default();
        let mut out = Vec::with_capacity(HEAD + json.len() + 4);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&u32::try_from(json.len()).unwrap_or(0).to_le_bytes());
        out.extend_from_slice(&json);
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads the head at the beginning of `raw`; gives how long it is and
    /// whether it is sound. `None` when more bytes are needed. A damaged head
    /// says nothing, but what follows may still be read.
    pub(super) fn decode(raw: &[u8]) -> Result<Option<(Self, usize, bool)>, Error> {
        let known = raw.len().min(MAGIC.len());
        if raw[..known] != MAGIC[..known] {
            return Err(Error::NotATape);
        }
        let Some(fixed) = raw.get(..HEAD) else { return Ok(None) };
        let version = u16::from_le_bytes([fixed[8], fixed[9]]);
        let len = u32::from_le_bytes([fixed[12], fixed[13], fixed[14], fixed[15]]) as usize;
        if len > LONGEST_HEAD {
            return Ok(Some((Self::default(), HEAD, false)));
        }
        let Some(whole) = raw.get(..HEAD + len + 4) else { return Ok(None) };
        let (body, crc) = whole.split_at(HEAD + len);
        if crc != crc32fast::hash(body).to_le_bytes() {
            return Ok(Some((Self::default(), HEAD, false)));
        }
        // Only a sound head is believed about its version.
        if version > VERSION {
            return Err(Error::Newer(version));
        }
        Ok(Some((serde_json::from_slice(&body[HEAD..]).unwrap_or_default(), whole.len(), true)))
    }
}

/// What a chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkKind {
    /// The first of a frame.
    Begin,
    /// A further one of a frame.
    More,
    /// The index.
    Index,
}

impl ChunkKind {
    const fn number(self) -> u8 {
        match self {
            Self::Begin => 1,
            Self::More => 2,
            Self::Index => 3,
        }
    }

    const fn read(n: u8) -> Option<Self> {
        match n {
            1 => Some(Self::Begin),
            2 => Some(Self::More),
            3 => Some(Self::Index),
            _ => None,
        }
    }
}

/// The head of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChunkHead {
    pub kind: ChunkKind,
    /// Bytes of the payload.
    pub len: usize,
    /// Envelopes in it.
    pub count: u32,
    pub first_seq: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    crc: u32,
}

impl ChunkHead {
    pub(super) fn new(kind: ChunkKind, count: u32, first_seq: u64, first_at: Timestamp, last_at: Timestamp) -> Self {
        Self { kind, len: 0, count, first_seq, first_at, last_at, crc: 0 }
    }

    /// The chunk with this payload.
    pub(super) fn encode(&self, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(CHUNK_HEAD + payload.len());
        out.extend_from_slice(CHUNK_MAGIC);
        out.extend_from_slice(&[self.kind.number(), 0, 0, 0]);
        out.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.first_seq.to_le_bytes());
        out.extend_from_slice(&self.first_at.0.to_le_bytes());
        out.extend_from_slice(&self.last_at.0.to_le_bytes());
        let mut crc = crc32fast::Hasher::new();
        crc.update(&out);
        crc.update(payload);
        out.extend_from_slice(&crc.finalize().to_le_bytes());
        out.extend_from_slice(payload);
        out
    }

    /// Reads a chunk's head; `None` when it is none.
    pub(super) fn decode(raw: &[u8]) -> Option<Self> {
        let raw = raw.get(..CHUNK_HEAD)?;
        let u32_at = |n: usize| raw.get(n..n + 4).and_then(|b| b.first_chunk()).map(|b| u32::from_le_bytes(*b));
        let u64_at = |n: usize| raw.get(n..n + 8).and_then(|b| b.first_chunk()).map(|b| u64::from_le_bytes(*b));
        if !raw.starts_with(CHUNK_MAGIC) || raw[5..8] != [0, 0, 0] {
            return None;
        }
        let len = u32_at(8)? as usize;
        if len > LONGEST_PAYLOAD {
            return None;
        }
        Some(Self {
            kind: ChunkKind::read(raw[4])?,
            len,
            count: u32_at(12)?,
            first_seq: u64_at(16)?,
            first_at: Timestamp(u64_at(24)?.cast_signed()),
            last_at: Timestamp(u64_at(32)?.cast_signed()),
            crc: u32_at(40)?,
        })
    }

    /// Whether head and payload are as they were written.
    pub(super) fn is_sound(&self, chunk: &[u8]) -> bool {
        let (Some(head), Some(payload)) = (chunk.get(..CHUNK_HEAD - 4), chunk.get(CHUNK_HEAD..)) else { return false };
        let mut crc = crc32fast::Hasher::new();
        crc.update(head);
        crc.update(payload);
        crc.finalize() == self.crc
    }
}
