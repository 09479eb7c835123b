//! Which lines of a log have been had, so that a stream that was cut goes on
//! without a line lost or doubled.
//!
//! The API server resumes by `sinceTime` in whole seconds. So each resume asks
//! for a second more than needed and what has been had is skipped: the same
//! time (nanoseconds, as `timestamps=true` prints it) and the same text, as
//! often as it was there.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use crate::base::Timestamp;

/// Lines that are remembered at most. More than this within two seconds is no
/// log that anybody reads.
const MAX_RECENT: usize = 1 << 17;

/// What of a log has been had.
#[derive(Debug, Default)]
pub struct Had {
    /// Second and hash of the newest lines, in the order in which they came.
    recent: VecDeque<(i64, u64)>,
    /// The newest second of any line.
    last: Option<i64>,
    /// Lines that will come a second time, with how often.
    again: HashMap<u64, u32>,
    hasher: RandomState,
}

impl Had {
    /// The `sinceTime` to resume with; `None` when nothing was had.
    #[must_use]
    pub fn since(&self) -> Option<String> {
        self.last.map(|s| Timestamp::from_secs(s - 1).to_string())
    }

    /// A stream that begins at [`Self::since`] is about to be read.
    pub fn resume(&mut self) {
        let Some(last) = self.last else { return };
        self.again.clear();
        for (second, hash) in &self.recent {
            if *second >= last - 1 {
                *self.again.entry(*hash).or_default() += 1;
            }
        }
    }

    /// True for a line that has not been had. Lines are given whole, with their
    /// time in front and without their end.
    pub fn is_new(&mut self, line: &[u8]) -> bool {
        let hash = self.hasher.hash_one(line);
        if let Some(n) = self.again.get_mut(&hash) {
            *n -= 1;
            if *n == 0 {
                self.again.remove(&hash);
            }
            return false;
        }
        let second = Timestamp::parse_prefix(line).map(|(t, _)| t.secs()).or(self.last).unwrap_or(0);
        if self.last.is_none_or(|last| last < second) {
            self.last = Some(second);
            while self.recent.front().is_some_and(|(s, _)| *s < second - 1) {
                self.recent.pop_front();
            }
        }
        if self.recent.len() == MAX_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((second, hash));
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_resumed_stream_gives_each_line_once() {
        let line = |ms: u32, text: &str| format!("2026-11-24T00:00:{:02}.{:03}000001Z {text}", ms / 1000, ms % 1000);
        let mut had = Had::default();
        assert_eq!(had.since(), None);
        for l in [line(1000, "a"), line(5100, "b"), line(5100, "b"), line(5200, "c")] {
            assert!(had.is_new(l.as_bytes()));
        }
        assert_eq!(had.since().as_deref(), Some("2026-11-24T00:00:04Z"));
        had.resume();
        let again = [line(5100, "b"), line(5100, "b"), line(5100, "b"), line(5200, "c"), line(5300, "d")];
        let new: Vec<_> = again.iter().map(|l| had.is_new(l.as_bytes())).collect();
        assert_eq!(new, [false, false, true, false, true]);
    }

    proptest! {
        /// However often and wherever a log is cut, a server that resumes in
        /// whole seconds gives each line once and in order.
        #[test]
        fn no_line_is_lost_or_doubled(
            steps in proptest::collection::vec((0u32..900, 0u8..3), 1..120),
            cuts in proptest::collection::vec(0usize..130, 0..8),
        ) {
            let mut at = 0;
            let log: Vec<(i64, String)> = steps
                .iter()
                .map(|(ms, text)| {
                    at += ms;
                    let t = Timestamp::from_millis(1_795_480_000_000 + i64::from(at));
                    (t.secs(), format!("{}.{:03}000000Z {text}", &t.date_clock().replace(' ', "T"), at % 1000))
                })
                .collect();
            let mut had = Had::default();
            let mut got = Vec::new();
            for cut in cuts.into_iter().chain([usize::MAX]) {
                had.resume();
                let since = had.since().and_then(|s| Timestamp::parse(&s)).map_or(i64::MIN, Timestamp::secs);
                let stream: Vec<_> = log.iter().filter(|(s, _)| *s >= since).collect();
                for (_, line) in stream.iter().take(cut) {
                    if had.is_new(line.as_bytes()) {
                        got.push(line.clone());
                    }
                }
            }
            prop_assert_eq!(got, log.into_iter().map(|(_, l)| l).collect::<Vec<_>>());
        }
    }
}
