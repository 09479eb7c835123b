//! Lines of the coordinator that come again: who follows a log anew (`kubectl
//! logs --since`) is given its tail once more, and what was is no news.

use std::collections::VecDeque;
use std::hash::Hasher as _;
use std::time::Duration;

use rustc_hash::FxHasher;

use crate::base::Timestamp;

/// Records that are remembered; those of workers in the blocks are not, of which
/// there may be a thousand in each.
const KEEP: usize = 1 << 13;
/// A block is written within this time.
const BLOCK: Duration = Duration::from_secs(5);

/// What a log has said lately.
#[derive(Clone, Debug)]
pub(super) struct Repeats {
    /// Times and hashes of lines, in order of time.
    lines: VecDeque<(Timestamp, u64)>,
    /// The last record was one that came again.
    repeating: bool,
    /// The time of the last block.
    block: Timestamp,
    /// The newest worker's line of all blocks.
    listed: Timestamp,
}

impl Repeats {
    pub const fn new() -> Self {
        Self { lines: VecDeque::new(), repeating: false, block: Timestamp::ZERO, listed: Timestamp::ZERO }
    }

    /// Whether a record was there before; `stats` tells that it begins a block.
    pub fn is_known(&mut self, at: Timestamp, line: &[u8], stats: bool) -> bool {
        let mut hasher = FxHasher::default();
        hasher.write(line);
        let hash = hasher.finish();
        let newest = self.lines.back().map_or(Timestamp::ZERO, |l| l.0);
        if at <= newest {
            let from = self.lines.partition_point(|l| l.0 < at);
            let there = self.lines.range(from..).take_while(|l| l.0 == at).any(|l| l.1 == hash);
            // Two that are the same at the newest time may be two.
            self.repeating = there && (at < newest || self.repeating);
        } else {
            self.repeating = false;
        }
        if !self.repeating {
            if self.lines.len() == KEEP {
                self.lines.pop_front();
            }
            // Nearly always at the end: threads write a little out of order, and clocks are set back.
            let place = if at >= newest { self.lines.len() } else { self.lines.partition_point(|l| l.0 <= at) };
            self.lines.insert(place, (at, hash));
            if stats {
                self.block = at;
            }
        }
        self.repeating
    }

    /// Whether a worker's line was there before: its block was, or what has come
    /// again so far reaches beyond it.
    pub fn is_of_known(&mut self, at: Timestamp) -> bool {
        let known = self.block.since(at) > BLOCK || (self.repeating && at <= self.listed);
        if !known {
            self.listed = self.listed.max(at);
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_that_comes_again() {
        let t = |s: i64| Timestamp::from_secs(s);
        let mut r = Repeats::new();
        let log: Vec<(i64, &[u8])> = vec![(10, b"stats"), (11, b"a"), (11, b"a"), (12, b"b"), (20, b"stats"), (21, b"c")];
        let read = |r: &mut Repeats, from: usize| log[from..].iter().map(|(s, l)| r.is_known(t(*s), l, *l == b"stats")).collect::<Vec<_>>();
        assert_eq!(read(&mut r, 0), [false; 6], "the same line twice at one time is two lines");
        assert!(!r.is_of_known(t(21)));
        assert_eq!(read(&mut r, 1), [true; 5]);
        // A block that was cut goes on behind it.
        assert!(r.is_of_known(t(21)) && !r.is_of_known(t(22)));
        // A late line that is new, and what comes after; and both again.
        assert!(!r.is_known(t(15), b"late", false) && !r.is_known(t(22), b"d", false));
        assert!(r.is_known(t(15), b"late", false) && r.is_known(t(22), b"d", false));
        assert!(!r.is_known(t(23), b"f", false));
        assert!(r.is_of_known(t(11)) && !r.is_of_known(t(20)));
        // A clock that is set back writes other lines.
        assert!(!r.is_known(t(12), b"e", false) && !r.is_known(t(13), b"stats ", true) && !r.is_of_known(t(13)));
    }

    #[test]
    fn it_does_not_grow() {
        let mut r = Repeats::new();
        for s in 0..3 * i64::try_from(KEEP).unwrap() {
            r.is_known(Timestamp::from_secs(s), b"x", false);
        }
        assert_eq!(r.lines.len(), KEEP);
    }
}
