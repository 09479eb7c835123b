//! Ended tasks of a proof: which are kept when there are too many.

use std::time::Duration;

use super::{Proof, SpanEnd, TaskSpan};
use crate::base::{Ring, TaskId, TaskType, Timestamp, WorkerId};

/// Ended tasks kept for a proof that is worked on.
pub(super) const SPANS: usize = 768;
/// Ended tasks kept for a proof that is over.
pub(super) const SPANS_WHEN_OVER: usize = 96;

/// How much later than its place in the order says a task may have ended.
const NEARLY: Duration = Duration::from_secs(20);

impl Proof {
    /// Adds an ended task. Where there are too many, the oldest of the types
    /// that have most go: a single `SetupVkey` is not pushed out by shards.
    pub(super) fn push_span(&mut self, span: TaskSpan) {
        if self.spans.len() >= SPANS {
            thin(&mut self.spans, SPANS / 4 * 3, SPANS, |s| s.end.0);
        }
        self.spans.push(span);
    }

    /// A node's log says, later than the blocks, when a task began and ended.
    pub(super) fn correct_span(&mut self, task: &TaskId, start: Option<Timestamp>, end: Timestamp) {
        let Some(at) = (0..self.spans.len()).rev().find(|i| self.spans.get(*i).is_some_and(|s| s.task == *task)) else { return };
        if let Some(s) = self.spans.get_mut(at).filter(|s| s.outcome == SpanEnd::Done && end <= s.end) {
            s.start = start.unwrap_or(s.start).min(end);
            s.end = end;
        }
    }

    /// True where this end of a task is known already, from its node's log; the
    /// block that lists it late may still tell its worker.
    pub(super) fn knows_span(&mut self, span: &TaskSpan) -> bool {
        if span.outcome != SpanEnd::Done {
            return false;
        }
        // It did not end before it was listed; what has ended is in the order of its end, nearly.
        let near = |s: &&mut TaskSpan| s.end.plus(NEARLY) >= span.start;
        let known = self.spans.iter_mut().rev().take_while(near).find(|s| s.task == span.task && s.outcome == SpanEnd::Done);
        let Some(s) = known else { return false };
        if span.worker != WorkerId::Text("?".into()) {
            s.worker.clone_from(&span.worker);
        }
        true
    }

    /// Keeps the longest tasks of each type.
    pub(super) fn keep_few_spans(&mut self) {
        if self.spans.len() > SPANS_WHEN_OVER {
            thin(&mut self.spans, SPANS_WHEN_OVER, SPANS_WHEN_OVER, |s| {
                i64::try_from(s.end.since(s.start).as_micros()).unwrap_or(i64::MAX)
            });
        }
    }
}

/// Keeps `keep` of the spans in a ring of `cap`: every type gets an equal part,
/// and what one does not need is for the others; within a type those of the
/// highest `worth`.
fn thin(spans: &mut Ring<TaskSpan>, keep: usize, cap: usize, worth: impl Fn(&TaskSpan) -> i64) {
    let mut kinds: Vec<(Option<&TaskType>, Vec<usize>)> = Vec::new();
    for (i, s) in spans.iter().enumerate() {
        match kinds.iter_mut().find(|(k, _)| *k == s.kind.as_ref()) {
            Some((_, list)) => list.push(i),
            None => kinds.push((s.kind.as_ref(), vec![i])),
        }
    }
    kinds.sort_by_key(|(_, list)| list.len());
    let (mut left, mut to_come) = (keep, kinds.len());
    let mut chosen = Vec::with_capacity(keep);
    for (_, mut list) in kinds {
        let part = left / to_come.max(1);
        if part < list.len() {
            // Which ones, not in which order; of equals the first to come.
            list.select_nth_unstable_by_key(part, |i| (std::cmp::Reverse(spans.get(*i).map(&worth)), *i));
            list.truncate(part);
        }
        left -= list.len();
        to_come -= 1;
        chosen.append(&mut list);
    }
    // In the order in which they came.
    chosen.sort_unstable();
    let mut few = Ring::new(cap);
    for s in chosen.into_iter().filter_map(|i| spans.get(i)) {
        few.push(s.clone());
    }
    *spans = few;
}
