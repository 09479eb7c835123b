//! Bounded history of the stats: every sample for an hour, minutes for a day,
//! quarters of an hour for two weeks.

use std::time::Duration;

use crate::base::{Ring, Timestamp};
use crate::event::Stats;

/// The numbers that are kept over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gauge {
    /// Entries of the CPU queue.
    CpuQueue,
    /// Entries of all GPU queues.
    GpuQueue,
    /// Weight assigned to CPU workers.
    CpuCurrent,
    /// Weight that CPU workers can take.
    CpuMax,
    /// Weight assigned to GPU workers.
    GpuCurrent,
    /// Weight that GPU workers can take.
    GpuMax,
    /// Unfinished tasks.
    ActiveTasks,
    /// Proofs in the coordinator's memory.
    ActiveProofs,
    /// CPU workers.
    CpuWorkers,
    /// GPU workers.
    GpuWorkers,
    /// Tasks that ended since the coordinator began, markers too.
    EndedTasks,
}

/// How many gauges there are.
pub const GAUGES: usize = 11;

impl Gauge {
    /// All of them, in the order of `Sample::values`.
    pub const ALL: [Self; GAUGES] = [
        Self::CpuQueue,
        Self::GpuQueue,
        Self::CpuCurrent,
        Self::CpuMax,
        Self::GpuCurrent,
        Self::GpuMax,
        Self::ActiveTasks,
        Self::ActiveProofs,
        Self::CpuWorkers,
        Self::GpuWorkers,
        Self::EndedTasks,
    ];

    /// Its value in `stats`.
    #[must_use]
    pub fn of(self, stats: &Stats) -> Option<u32> {
        match self {
            Self::CpuQueue => stats.cpu_queue,
            Self::GpuQueue => stats.gpu_queue,
            Self::CpuCurrent => stats.cpu_utilization_current,
            Self::CpuMax => stats.cpu_utilization_max,
            Self::GpuCurrent => stats.gpu_utilization_current,
            Self::GpuMax => stats.gpu_utilization_max,
            Self::ActiveTasks => stats.active_tasks,
            Self::ActiveProofs => stats.active_proofs,
            Self::CpuWorkers => stats.cpu_workers,
            Self::GpuWorkers => stats.gpu_workers,
            Self::EndedTasks => u32::try_from(stats.total_tasks?.checked_sub(u64::from(stats.active_tasks?))?).ok(),
        }
    }
}

/// Stands for "absent" in a sample.
const ABSENT: u32 = u32::MAX;

/// The gauges at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    values: [u32; GAUGES],
}

impl Sample {
    /// One gauge; `None` where the answer did not have it.
    #[must_use]
    pub fn get(&self, gauge: Gauge) -> Option<u32> {
        Some(self.values[gauge as usize]).filter(|v| *v != ABSENT)
    }
}

/// Extremes and the last value of the gauges over a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its beginning, a multiple of its width.
    pub at: Timestamp,
    max: [u32; GAUGES],
    last: [u32; GAUGES],
}

/// One point of a plotted series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The highest value in the column's stretch of time; queues are judged by
    /// their peaks.
    pub max: u32,
    /// The last value in it.
    pub last: u32,
}

const RAW_SPAN: Duration = Duration::from_secs(3600);
/// An hour at one sample a second from gRPC and one every ten from the log.
const RAW_CAP: usize = 4096;
const MINUTE: i64 = 60 * 1_000_000;
const QUARTER: i64 = 15 * MINUTE;

/// History at three resolutions.
#[derive(Clone, Debug)]
pub struct History {
    raw: Ring<Sample>,
    /// The newest sample and the newest minute that were forgotten: before them
    /// only the coarser buckets know anything.
    raw_lost: Option<Timestamp>,
    minutes_lost: Option<Timestamp>,
    minutes: Ring<Bucket>,
    quarters: Ring<Bucket>,
}

impl Default for History {
    fn default() -> Self {
        Self {
            raw: Ring::new(RAW_CAP),
            raw_lost: None,
            minutes_lost: None,
            minutes: Ring::new(24 * 60 + 1),
            quarters: Ring::new(14 * 24 * 4 + 1),
        }
    }
}

impl History {
    /// Adds the gauges of `stats` as of `at`. Older ones find their place: the
    /// coordinator's log tells the past after its service told the present.
    pub fn push(&mut self, at: Timestamp, stats: &Stats) {
        let mut values = [ABSENT; GAUGES];
        for g in Gauge::ALL {
            values[g as usize] = g.of(stats).map_or(ABSENT, |v| v.min(ABSENT - 1));
        }
        let newest = self.raw.last().map_or(at, |s| s.at.max(at));
        if newest.since(at) <= RAW_SPAN {
            let place = if newest == at { self.raw.len() } else { self.raw.partition_point(|s| s.at <= at) };
            let mut lost = self.raw.insert(place, Sample { at, values });
            while self.raw.get(0).is_some_and(|s| newest.since(s.at) > RAW_SPAN) {
                lost = self.raw.pop_front();
            }
            self.raw_lost = lost.map(|s| s.at).or(self.raw_lost);
        }
        if let Some(lost) = add(&mut self.minutes, MINUTE, at, &values) {
            self.minutes_lost = Some(lost.at);
        }
        add(&mut self.quarters, QUARTER, at, &values);
    }

    /// The newest sample.
    #[must_use]
    pub fn last(&self) -> Option<&Sample> {
        self.raw.last()
    }

    /// Samples of the last hour, oldest first.
    pub fn raw(&self) -> impl DoubleEndedIterator<Item = &Sample> {
        self.raw.iter()
    }

    /// The time of the oldest thing known.
    #[must_use]
    pub fn begins(&self) -> Option<Timestamp> {
        [self.raw.get(0).map(|s| s.at), self.minutes.get(0).map(|b| b.at), self.quarters.get(0).map(|b| b.at)].into_iter().flatten().min()
    }

    /// `gauge` over `span` up to `until` in `columns` equal stretches, oldest
    /// first; `None` where nothing is known. A stretch shorter than the period
    /// of the samples holds the value before it for up to 30 s, so that a graph
    /// has no holes between samples and does have them where the log was silent.
    #[must_use]
    pub fn series(&self, gauge: Gauge, until: Timestamp, span: Duration, columns: usize) -> Vec<Option<Point>> {
        let mut out = vec![None; columns];
        let span_us = i64::try_from(span.as_micros()).unwrap_or(i64::MAX).max(1);
        let begin = until.0.saturating_sub(span_us);
        if columns == 0 {
            return out;
        }
        let columns_i = i64::try_from(columns).unwrap_or(i64::MAX);
        let column = |at: i64| -> Option<usize> {
            if at <= begin || at > until.0 {
                return None;
            }
            usize::try_from(i128::from(at - begin - 1) * i128::from(columns_i) / i128::from(span_us)).ok().filter(|c| *c < columns)
        };
        let g = gauge as usize;
        let put = |at: i64, max: u32, last: u32, out: &mut Vec<Option<Point>>| {
            if max == ABSENT {
                return;
            }
            if let Some(c) = column(at) {
                out[c] = Some(match out[c] {
                    Some(Point { max: m, .. }) => Point { max: m.max(max), last },
                    None => Point { max, last },
                });
            }
        };
        // The coarse first, the fine over it, each where the finer has nothing.
        let raw_from = self.raw.get(0).map_or(i64::MAX, |s| s.at.0);
        let minutes_from = self.minutes.get(0).map_or(i64::MAX, |b| b.at.0);
        // A bucket that overlaps the finer ones counts only before them, and only
        // where it knows of something that they have forgotten.
        let known = |b: &Bucket, from: i64, lost: Option<Timestamp>| b.at.0 < from && lost.is_some_and(|l| l >= b.at);
        for b in self.quarters.iter().filter(|b| known(b, minutes_from, self.minutes_lost)) {
            spread(b, QUARTER, minutes_from, g, &mut out, &column);
        }
        for b in self.minutes.iter().filter(|b| known(b, raw_from, self.raw_lost)) {
            spread(b, MINUTE, raw_from, g, &mut out, &column);
        }
        let first = self.raw.partition_point(|s| s.at.0 <= begin).saturating_sub(1);
        let mut previous: Option<&Sample> = None;
        for i in first..self.raw.len() {
            let Some(s) = self.raw.get(i) else { break };
            if s.at > until {
                break;
            }
            if let (Some(p), Some(to)) = (previous, column(s.at.0)) {
                hold(p, to, s.at, g, &mut out, &column, begin);
            }
            put(s.at.0, s.values[g], s.values[g], &mut out);
            previous = Some(s);
        }
        if let Some(p) = previous {
            hold(p, columns, until, g, &mut out, &column, begin);
        }
        out
    }
}

/// How long a sample's value stands until the next one.
const HOLD: Duration = Duration::from_secs(30);

/// Fills the columns between sample `p` and column `to` with its value, as far
/// as it is believed to hold.
fn hold(p: &Sample, to: usize, end: Timestamp, g: usize, out: &mut [Option<Point>], column: &dyn Fn(i64) -> Option<usize>, begin: i64) {
    let v = p.values[g];
    if v == ABSENT {
        return;
    }
    let last = p.at.plus(HOLD).min(end);
    let from = column(p.at.0).map_or(usize::from(p.at.0 > begin), |c| c + 1);
    let upto = column(last.0).map_or(0, |c| c + 1).min(to);
    for slot in out.iter_mut().take(upto).skip(from) {
        slot.get_or_insert(Point { max: v, last: v });
    }
}

/// Puts a bucket into every column that it covers before `until`, from where on
/// something finer is known.
fn spread(b: &Bucket, width: i64, until: i64, g: usize, out: &mut [Option<Point>], column: &dyn Fn(i64) -> Option<usize>) {
    if b.max[g] == ABSENT {
        return;
    }
    let end = b.at.0 + width;
    let (from, to) = match (column(b.at.0 + 1), column(end.min(until))) {
        // Its peak may be one of the finer ones that share its last column.
        (f, Some(t)) if end > until => (f.unwrap_or(0), t),
        (f, Some(t)) => (f.unwrap_or(0), t + 1),
        (Some(f), None) => (f, out.len()),
        (None, None) => return,
    };
    for slot in out.iter_mut().take(to).skip(from) {
        *slot = Some(match *slot {
            Some(p) => Point { max: p.max.max(b.max[g]), last: b.last[g] },
            None => Point { max: b.max[g], last: b.last[g] },
        });
    }
}

/// Counts `values` in its bucket. Returns the bucket that had to go for it.
fn add(ring: &mut Ring<Bucket>, width: i64, at: Timestamp, values: &[u32; GAUGES]) -> Option<Bucket> {
    let start = Timestamp(at.0.div_euclid(width) * width);
    let place = match ring.last() {
        Some(b) if b.at > start => ring.partition_point(|b| b.at < start),
        Some(b) if b.at == start => ring.len() - 1,
        _ => ring.len(),
    };
    match ring.get_mut(place) {
        Some(b) if b.at == start => {
            for (i, v) in values.iter().copied().enumerate().filter(|(_, v)| *v != ABSENT) {
                b.max[i] = if b.max[i] == ABSENT { v } else { b.max[i].max(v) };
                b.last[i] = v;
            }
            None
        }
        _ => ring.insert(place, Bucket { at: start, max: *values, last: *values }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(q: u32) -> Stats {
        Stats { gpu_queue: Some(q), ..Stats::default() }
    }

    #[test]
    fn the_past_finds_its_place_after_the_present() {
        let t = |s: i64| Timestamp::from_secs(1_000_000 + s);
        let (mut told, mut late) = (History::default(), History::default());
        for s in 0..90 {
            told.push(t(s * 10), &stats(u32::try_from(s).unwrap()));
        }
        late.push(t(890), &stats(89));
        for s in 0..89 {
            late.push(t(s * 10), &stats(u32::try_from(s).unwrap()));
        }
        for columns in [10, 60] {
            let of = |h: &History| h.series(Gauge::GpuQueue, t(890), Duration::from_secs(900), columns);
            assert_eq!(of(&late), of(&told));
        }
        assert_eq!(late.begins(), told.begins());
        // What is older than all that is kept is no news.
        late.push(t(-4000), &stats(7));
        assert_eq!(late.raw().count(), 90);
    }

    #[test]
    fn series_holds_between_samples_and_shows_holes() {
        let mut h = History::default();
        let t = |s: i64| Timestamp::from_secs(1_000_000 + s);
        for (s, q) in [(0, 1), (10, 2), (20, 3), (80, 9)] {
            h.push(t(s), &stats(q));
        }
        let got: Vec<_> =
            h.series(Gauge::GpuQueue, t(80), Duration::from_secs(90), 9).into_iter().map(|p| p.map_or(-1, |p| i64::from(p.max))).collect();
        assert_eq!(got, [1, 2, 3, 3, 3, 3, -1, -1, 9]);
    }

    #[test]
    fn nothing_is_known_before_the_first_sample() {
        let mut h = History::default();
        let t = |s: i64| Timestamp::from_secs(1_000_000 + s);
        for s in 0..12 {
            h.push(t(s * 10), &stats(7));
        }
        let s = h.series(Gauge::GpuQueue, t(110), Duration::from_secs(600), 60);
        assert_eq!(s.iter().position(Option::is_some), Some(48));
    }

    #[test]
    fn samples_are_not_raised_by_the_bucket_they_are_in() {
        let mut h = History::default();
        // The oldest samples are forgotten after an hour: a peak among them
        // shows before the first that is left, not over it.
        let t = |s: i64| Timestamp::from_secs(1_000_025 + s);
        for i in 0..=362 {
            h.push(t(i * 10), &stats(if i == 0 { 50 } else { 1 }));
        }
        let first = h.raw().next().unwrap().at;
        assert_eq!(first, t(20));
        let s = h.series(Gauge::GpuQueue, t(3620), Duration::from_secs(3630), 363);
        assert!(h.minutes.get(0).is_some_and(|b| b.at == t(-5)));
        assert_eq!(s[0].unwrap().max, 50);
        assert_eq!(s[2].unwrap().max, 1);
    }

    #[test]
    fn a_fortnight_stays_bounded_and_is_answered_at_every_zoom() {
        let mut h = History::default();
        for i in 0..(15 * 24 * 360) {
            h.push(Timestamp::from_secs(1_000_000 + i * 10), &stats(u32::try_from(i % 7).unwrap()));
        }
        assert!(h.raw.len() <= 361 && h.minutes.len() <= 1441 && h.quarters.len() <= 1345);
        let now = h.last().unwrap().at;
        for span in [900, 3600, 6 * 3600, 24 * 3600, 13 * 24 * 3600] {
            let s = h.series(Gauge::GpuQueue, now, Duration::from_secs(span), 120);
            assert!(s.iter().all(Option::is_some), "{span}: {s:?}");
            assert!(s.iter().flatten().any(|p| p.max == 6));
        }
    }
}
