//! Lines out of a byte stream that is cut anywhere. How it is cut makes no
//! difference to what comes out.

use crate::base::Timestamp;
use crate::event::{Batch, Unread, UnreadReason};

use super::line::Reader;

/// The longest line that is read, in bytes: forty thousand tasks on one worker.
/// Longer ones are counted and skipped.
pub const MAX_LINE: usize = 4 << 20;

/// One log stream.
#[derive(Clone, Debug)]
pub struct Stream {
    /// A line that has begun, without its end.
    carry: Vec<u8>,
    /// Inside a line that is too long.
    skipping: bool,
    reader: Reader,
}

impl Stream {
    /// A stream of which nothing was read yet.
    #[must_use]
    pub fn new(logs: bool) -> Self {
        Self { carry: Vec::new(), skipping: false, reader: Reader::new(logs) }
    }

    /// True when forgetting it would lose data.
    #[must_use]
    pub const fn holds_half_a_line(&self) -> bool {
        !self.carry.is_empty() || self.skipping
    }

    /// Takes in bytes; `at` is the time for lines that have none.
    pub fn feed(&mut self, raw: &[u8], at: Timestamp, out: &mut Batch) {
        let mut data = raw;
        if self.skipping || !self.carry.is_empty() {
            let Some(n) = memchr::memchr(b'\n', data) else {
                self.keep(data, at, out);
                return;
            };
            if self.skipping {
                self.skipping = false;
                self.reader.line_lost();
            } else {
                let mut line = std::mem::take(&mut self.carry);
                line.extend_from_slice(&data[..n]);
                self.line(&line, at, out);
                if line.capacity() <= 1 << 16 {
                    line.clear();
                    self.carry = line;
                }
            }
            data = &data[n + 1..];
        }
        while let Some(n) = memchr::memchr(b'\n', data) {
            self.line(&data[..n], at, out);
            data = &data[n + 1..];
        }
        self.keep(data, at, out);
    }

    /// The stream was interrupted or has ended: half a line stays half.
    pub fn cut(&mut self, at: Timestamp, out: &mut Batch) {
        if !self.carry.is_empty() {
            let line = std::mem::take(&mut self.carry);
            self.reader.line(&line, at, false, out);
        }
        self.skipping = false;
        self.reader.interrupted();
    }

    fn line(&mut self, line: &[u8], at: Timestamp, out: &mut Batch) {
        if line.len() > MAX_LINE {
            too_long(line, at, out);
            self.reader.line_lost();
        } else {
            self.reader.line(line, at, true, out);
        }
    }

    /// Keeps what has no line end yet.
    fn keep(&mut self, data: &[u8], at: Timestamp, out: &mut Batch) {
        if self.skipping || data.is_empty() {
            return;
        }
        self.carry.extend_from_slice(data);
        if self.carry.len() > MAX_LINE {
            too_long(&self.carry, at, out);
            self.carry = Vec::new();
            self.skipping = true;
        }
    }
}

fn too_long(line: &[u8], at: Timestamp, out: &mut Batch) {
    out.unread.push(Unread { at, why: UnreadReason::TooLong, text: super::excerpt(line) });
}
