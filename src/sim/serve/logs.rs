//! What the containers have written, as a kubelet keeps it: the log of the
//! present run and of the one before, each up to a size.

use std::collections::VecDeque;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use crate::base::Timestamp;
use crate::sim::{Output, StreamId};

/// One line, with the container runtime's own time.
#[derive(Clone, Debug)]
pub struct Line {
    /// Nanoseconds since the epoch; never less than that of the line before.
    pub nanos: i64,
    /// Without its end.
    pub text: Bytes,
}

impl Line {
    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn second(&self) -> i64 {
        self.nanos.div_euclid(1_000_000_000)
    }
}

/// The log of one run of a container.
#[derive(Debug, Default)]
pub struct Stream {
    /// The number of the first line that is kept.
    first: u64,
    lines: VecDeque<Line>,
    bytes: usize,
}

impl Stream {
    /// The number of the first line that is kept.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The number that the next line will have.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    /// The line of that number, if it is kept.
    #[must_use]
    pub fn line(&self, number: u64) -> Option<&Line> {
        self.lines.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// The number of the first line at or after a time.
    #[must_use]
    pub fn since(&self, at: Timestamp) -> u64 {
        let nanos = at.0.saturating_mul(1000);
        self.first + self.lines.partition_point(|l| l.nanos < nanos) as u64
    }

    fn push(&mut self, nanos: i64, text: Bytes, keep: usize) {
        let nanos = self.lines.back().map_or(nanos, |l| nanos.max(l.nanos + 1));
        self.bytes += text.len() + 48;
        self.lines.push_back(Line { nanos, text });
        while self.bytes > keep {
            let Some(old) = self.lines.pop_front() else { break };
            self.bytes -= old.text.len() + 48;
            self.first += 1;
        }
    }

    /// Forgets all that was written so far, as a rotation does.
    pub fn rotate(&mut self) {
        self.first = self.end();
        self.lines.clear();
        self.bytes = 0;
    }
}

/// When the container runtime has a line that was written at `at`: just after
/// the time in the line itself, of which a block has several.
fn nanos(at: Timestamp, line: &[u8]) -> i64 {
    let plain = line.strip_prefix(b"\x1b[2m").unwrap_or(line);
    let own = Timestamp::parse_prefix(plain).map_or(at, |(own, _)| own.max(at));
    own.0.saturating_mul(1000).saturating_add(RUNTIME)
}

/// What a line takes from the process to the container runtime.
const RUNTIME: i64 = 62_000;

/// All logs.
#[derive(Debug, Default)]
pub struct Logs {
    streams: FxHashMap<(usize, u32), Stream>,
}

impl Logs {
    /// Takes in what was written; `keep` tells how many bytes of a pod's log
    /// are kept.
    pub fn take(&mut self, outputs: &mut Vec<Output>, keep: impl Fn(usize) -> usize) {
        for Output { at, source, bytes } in outputs.drain(..) {
            let StreamId { pod, run } = source;
            if run >= 2 {
                self.streams.remove(&(pod, run - 2));
            }
            let stream = self.streams.entry((pod, run)).or_default();
            let (all, keep) = (Bytes::from(bytes), keep(pod));
            let mut from = 0;
            for end in memchr::memchr_iter(b'\n', &all).chain((all.last() != Some(&b'\n')).then_some(all.len())) {
                let line = all.slice(from..end);
                stream.push(nanos(at, &line), line, keep);
                from = end + 1;
            }
        }
    }

    /// The log of one run, where anything was written.
    #[must_use]
    pub fn stream(&self, pod: usize, run: u32) -> Option<&Stream> {
        self.streams.get(&(pod, run))
    }

    /// The same, to be changed.
    pub fn stream_mut(&mut self, pod: usize, run: u32) -> Option<&mut Stream> {
        self.streams.get_mut(&(pod, run))
    }

    /// Forgets the logs of pods that are gone.
    pub fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        self.streams.retain(|(pod, _), _| keep(*pod));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(run: u32, millis: i64, text: &str) -> Output {
        Output { at: Timestamp::from_millis(millis), source: StreamId { pod: 3, run }, bytes: text.as_bytes().to_vec() }
    }

    #[test]
    fn two_runs_are_kept_up_to_a_size_and_times_only_grow() {
        let mut logs = Logs::default();
        logs.take(&mut vec![output(0, 5, "a\nb\n"), output(0, 5, "c\n"), output(1, 9, "d\n")], |_| 10_000);
        let first = logs.stream(3, 0).unwrap();
        let all: Vec<_> = (first.first()..first.end()).map(|n| first.line(n).unwrap()).collect();
        assert_eq!(
            all.iter().map(|l| (l.nanos, l.text.as_ref())).collect::<Vec<_>>(),
            [(5_062_000, b"a".as_ref()), (5_062_001, b"b"), (5_062_002, b"c")]
        );
        assert_eq!((first.since(Timestamp::from_millis(5)), first.since(Timestamp::from_millis(6))), (0, 3));
        logs.take(&mut vec![output(2, 11, "e\n")], |_| 10_000);
        assert!(logs.stream(3, 0).is_none() && logs.stream(3, 1).is_some());
        let many: Vec<_> = (0..100).map(|n| output(2, 20 + n, "0123456789\n")).collect();
        logs.take(&mut { many }, |_| 580);
        let last = logs.stream(3, 2).unwrap();
        assert_eq!((last.end() - last.first(), last.end()), (10, 101));
        assert!(last.line(0).is_none());
    }
}
