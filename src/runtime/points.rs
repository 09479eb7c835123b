//! Points of a recording that can be gone back to, and what happened when: both
//! are gathered while it is read, by whoever reads it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use crate::alerts::{Alerts, TransitionState};
use crate::base::Timestamp;
use crate::model::{Model, MomentKind};
use crate::pipeline::Pipeline;
use crate::sources::hub::lock;
use crate::ui::{Mark, MarkKind};

/// Bytes of raw input between two points at first; twice as many whenever there
/// are too many points.
const SPACING: u64 = 1 << 20;
/// Marks that are kept at most.
const MARKS: usize = 20_000;

/// Everything as it was after the envelope of number `seq`.
pub struct Point {
    /// The time that was reached.
    pub at: Timestamp,
    /// The last envelope taken in.
    pub seq: u64,
    /// Bytes taken in so far.
    pub pos: u64,
    /// The state between source and model.
    pub pipeline: Pipeline,
    /// The model.
    pub model: Model,
}

struct Kept {
    by_pos: BTreeMap<u64, Arc<Point>>,
    spacing: u64,
    most: usize,
}

/// Points and marks, shared between those who read and the one who shows.
pub struct Points {
    kept: Mutex<Kept>,
    marks: Mutex<Vec<Mark>>,
    /// The end of the recording as far as it is known.
    end: AtomicI64,
    /// Somebody has read all of it.
    done: AtomicBool,
    /// Nobody needs them any more.
    pub stop: AtomicBool,
}

impl Points {
    /// At most so many points: each is a whole model.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            kept: Mutex::new(Kept { by_pos: BTreeMap::new(), spacing: SPACING, most: most.max(2) }),
            marks: Mutex::default(),
            end: AtomicI64::new(0),
            done: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        }
    }

    /// Whether a point at `pos` would be far enough from the others.
    #[must_use]
    pub fn wants(&self, pos: u64) -> bool {
        let kept = lock(&self.kept);
        let before = kept.by_pos.range(..=pos).next_back().is_none_or(|(p, _)| pos - p >= kept.spacing);
        let after = kept.by_pos.range(pos..).next().is_none_or(|(p, _)| p - pos >= kept.spacing / 2);
        before && after
    }

    /// Keeps at most so many points from now on.
    pub fn keep(&self, most: usize) {
        lock(&self.kept).most = most.max(2);
    }

    /// Keeps a point.
    pub fn put(&self, point: Point) {
        let mut kept = lock(&self.kept);
        kept.by_pos.insert(point.pos, Arc::new(point));
        while kept.by_pos.len() > kept.most {
            // Every second one goes: they stay spread over all that was read.
            let mut i = 0;
            kept.by_pos.retain(|_, _| {
                i += 1;
                i % 2 == 1
            });
            kept.spacing *= 2;
        }
    }

    /// The last point at or before that time.
    #[must_use]
    pub fn before(&self, at: Timestamp) -> Option<Arc<Point>> {
        lock(&self.kept).by_pos.values().rev().find(|p| p.at <= at).cloned()
    }

    /// Forgets the points before that envelope: its recording begins later now.
    pub fn forget_before(&self, seq: u64) {
        lock(&self.kept).by_pos.retain(|_, p| p.seq + 1 >= seq);
    }

    /// How many points there are.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.kept).by_pos.len()
    }

    /// All marks so far, in time.
    #[must_use]
    pub fn marks(&self) -> Vec<Mark> {
        lock(&self.marks).clone()
    }

    /// Whether there are more marks than `n`.
    #[must_use]
    pub fn has_more_marks(&self, n: usize) -> bool {
        lock(&self.marks).len() != n
    }

    /// The nearest mark behind or ahead of `at` for which `wanted` holds.
    #[must_use]
    pub fn find(&self, at: Timestamp, back: bool, wanted: impl Fn(MarkKind) -> bool) -> Option<Timestamp> {
        let marks = lock(&self.marks);
        let mut hits = marks.iter().filter(|m| wanted(m.kind));
        if back { hits.rev().find(|m| m.at < at).map(|m| m.at) } else { hits.find(|m| m.at > at).map(|m| m.at) }
    }

    /// The end as far as it is known.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        Timestamp(self.end.load(Ordering::Relaxed))
    }

    /// It goes at least so far.
    pub fn reaches(&self, at: Timestamp) {
        self.end.fetch_max(at.0, Ordering::Relaxed);
    }

    /// All of it was read.
    pub fn finish(&self) {
        self.done.store(true, Ordering::Release);
    }

    /// Whether all of it was read.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }
}

/// Notes marks while envelopes are taken in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marker {
    moments: u64,
    alerts: u64,
}

impl Marker {
    /// Looks at what the last envelope brought.
    pub fn note(&mut self, model: &Model, alerts: &Alerts, points: &Points) {
        let total = model.moments.total();
        if total == self.moments && alerts.total() == self.alerts {
            return;
        }
        let new = usize::try_from(total.saturating_sub(self.moments)).unwrap_or(usize::MAX);
        self.moments = total;
        // The time is when it was seen, not when it happened: that is where one
        // can go to and see it.
        let at = model.now;
        let mut marks = lock(&points.marks);
        let fired: Vec<Mark> = alerts
            .after(self.alerts)
            .filter(|t| t.state == TransitionState::Firing)
            .map(|t| Mark { at, kind: MarkKind::Alert(t.alert.severity) })
            .collect();
        self.alerts = alerts.total();
        // Who goes back over what was marked already marks nothing.
        if marks.last().is_some_and(|m| m.at > at) {
            return;
        }
        for mark in fired {
            if marks.len() < MARKS && !marks.iter().rev().take(8).any(|m| *m == mark) {
                marks.push(mark);
            }
        }
        for m in model.moments.iter().rev().take(new) {
            let kind = match m.kind {
                MomentKind::ProofClaimed | MomentKind::ProofCompleted | MomentKind::ProofCancelled => MarkKind::Proof,
                MomentKind::ProofFailed => MarkKind::ProofFailed,
                _ if m.kind.is_bad() => MarkKind::Trouble,
                _ => MarkKind::Other,
            };
            let mark = Mark { at, kind };
            if marks.len() < MARKS && !marks.iter().rev().take(8).any(|m| *m == mark) {
                marks.push(mark);
            }
        }
    }
}
