//! Envelopes within a frame.
//!
//! ```text
//! record = kind  source  [name]  seq  at  length  bytes
//! ```
//!
//! All numbers are LEB128. `kind` is the number of [`KINDS`], plus 128 for what
//! a segment repeats of earlier ones (see `sticky`). `source` counts the
//! frame's sources in the order in which they appear; a new one is followed by
//! its name. `seq` and `at` (zigzag) are differences to the record before.

use bytes::Bytes;
use rustc_hash::FxHashMap;

use crate::base::{SourceName, Timestamp};
use crate::envelope::{Envelope, Kind};

/// The number of a kind is its place here: never change it, only add.
const KINDS: [Kind; 12] = [
    Kind::Log,
    Kind::LogBreak,
    Kind::Json,
    Kind::PodMetrics,
    Kind::Stats,
    Kind::Proofs,
    Kind::Manifest,
    Kind::Prometheus,
    Kind::Source,
    Kind::Session,
    Kind::Tick,
    Kind::Effect,
];

/// Marks what is repeated.
const REPEATED: u64 = 128;
/// Longer names are not written by anyone.
const LONGEST_NAME: usize = 4096;

/// State of the one who writes a frame.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    sources: FxHashMap<SourceName, u64>,
    seq: u64,
    at: i64,
}

impl Encoder {
    /// Appends an envelope.
    pub(super) fn put(&mut self, e: &Envelope, repeated: bool, out: &mut Vec<u8>) {
        let kind = KINDS.iter().position(|k| *k == e.kind).unwrap_or(0) as u64;
        varint(if repeated { kind + REPEATED } else { kind }, out);
        let next = self.sources.len() as u64;
        let number = *self.sources.entry(e.source.clone()).or_insert(next);
        varint(number, out);
        if number == next {
            let name = e.source.as_str().as_bytes();
            varint(name.len() as u64, out);
            out.extend_from_slice(name);
        }
        // Wrapping, so that any number comes back as it was.
        varint(zigzag(e.seq.wrapping_sub(self.seq).cast_signed()), out);
        varint(zigzag(e.at.0.wrapping_sub(self.at)), out);
        varint(e.raw.len() as u64, out);
        out.extend_from_slice(&e.raw);
        self.seq = e.seq;
        self.at = e.at.0;
    }
}

/// State of the one who reads a frame.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    sources: Vec<SourceName>,
    seq: u64,
    at: i64,
}

/// What a record is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// `None` for a kind that a newer program wrote.
    pub envelope: Option<Envelope>,
    /// It repeats what earlier segments hold.
    pub repeated: bool,
}

impl Decoder {
    /// Takes the next record off `from`; `None` when it is none.
    pub(super) fn take(&mut self, from: &mut Bytes) -> Option<Record> {
        let kind = read_varint(from)?;
        let repeated = kind & REPEATED != 0;
        let kind = KINDS.get(usize::try_from(kind & !REPEATED).ok()?);
        let number = usize::try_from(read_varint(from)?).ok()?;
        if number == self.sources.len() {
            let len = length(from)?;
            if len > LONGEST_NAME {
                return None;
            }
            let name = from.split_to(len);
            self.sources.push(SourceName::new(std::str::from_utf8(&name).ok()?));
        }
        let source = self.sources.get(number)?.clone();
        self.seq = self.seq.wrapping_add(unzigzag(read_varint(from)?).cast_unsigned());
        self.at = self.at.wrapping_add(unzigzag(read_varint(from)?));
        let len = length(from)?;
        let raw = from.split_to(len);
        let envelope = kind.map(|kind| Envelope { seq: self.seq, at: Timestamp(self.at), source, kind: *kind, raw });
        Some(Record { envelope, repeated })
    }
}

/// A length that is really there.
fn length(from: &mut Bytes) -> Option<usize> {
    let len = usize::try_from(read_varint(from)?).ok()?;
    (len <= from.len()).then_some(len)
}

pub(super) fn varint(mut n: u64, out: &mut Vec<u8>) {
    loop {
        let low = (n & 0x7f) as u8;
        n >>= 7;
        if n == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

pub(super) fn read_varint(from: &mut Bytes) -> Option<u64> {
    let mut n = 0_u64;
    for (i, b) in from.iter().take(10).enumerate() {
        n |= u64::from(b & 0x7f).checked_shl(u32::try_from(7 * i).ok()?)?;
        if b & 0x80 == 0 {
            let _ = from.split_to(i + 1);
            return Some(n);
        }
    }
    None
}

const fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)).cast_unsigned()
}

const fn unzigzag(n: u64) -> i64 {
    (n >> 1).cast_signed() ^ -(n & 1).cast_signed()
}
