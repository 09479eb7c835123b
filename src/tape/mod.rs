//! Recordings of a session: a tape is its envelopes, raw, in their order.
//!
//! ```text
//! file   = head chunk* [index-chunk trailer]
//! head   = "SP1TAPE\n"  u16 version  u16 flags  u32 length  JSON  u32 crc
//! chunk  = "sp1k"  u8 kind  3 × 0  u32 length  u32 count  u64 first seq
//!          i64 first at  i64 last at  u32 crc  payload
//! trailer = u64 offset of the index chunk  "sp1kend\n"
//! ```
//!
//! All numbers are little endian, times are Unix microseconds; the crc (CRC-32,
//! IEEE) is of everything before it and of the payload. The payloads of a
//! *frame* (a chunk of kind 1 and the chunks of kind 2 after it) are one zstd
//! stream, flushed at each chunk: so a chunk is readable as soon as it is on
//! disk, text compresses against what came before, and reading can begin at any
//! frame. What the stream holds is told in `record`. The index lists the
//! frames; when it is missing (the writer was killed) the chunks' heads are
//! walked instead.

mod format;
mod index;
mod reader;
mod record;
pub mod recorder;
pub mod ring;
pub mod share;
mod sticky;
#[cfg(test)]
mod tests;
mod writer;

pub use format::{Head, MAGIC, VERSION};
pub use index::{Entry, Index};
pub use reader::{Damage, End, Reader};
pub use writer::Writer;

use std::fmt;
use std::io;

/// Why a tape cannot be read at all.
#[derive(Debug)]
pub enum Error {
    /// It does not begin like a tape.
    NotATape,
    /// It was written by a newer program; the version is told.
    Newer(u16),
    /// It cannot be read.
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotATape => f.write_str("this is no tape"),
            Self::Newer(v) => {
                write!(f, "this tape has version {v}, which a newer sp1top wrote; this one reads up to {VERSION}: update sp1top")
            }
            Self::Io(e) => write!(f, "cannot read the tape: {e}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}
