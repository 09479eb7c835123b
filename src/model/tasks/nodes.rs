//! What the nodes' own logs say of their tasks, and which pod a worker is.

use super::super::{Model, PodTie, SpanEnd, TaskSpan, Worker, WorkerIx};
use crate::base::{SourceName, TaskId, Timestamp, WorkerId};
use crate::event::NodeEvent;

impl Model {
    pub(in crate::model) fn node_event(&mut self, source: &SourceName, at: Timestamp, event: NodeEvent) {
        match event {
            NodeEvent::Received { task } => self.node_received(source, at, &task),
            NodeEvent::Completed { proof, task, kind, took } => {
                if let Some(d) = took {
                    self.durations.add(&kind, d, true);
                }
                let start = at.minus(took.unwrap_or_default());
                // Known only to wait: it was given out and done between two blocks.
                let unseen = self.tasks.by_id.get(&task).is_some_and(|t| t.attempts == 0);
                let ran_on = unseen.then(|| self.worker_of_log(source));
                if let Some(t) = self.tasks.by_id.get_mut(&task) {
                    t.more().completed = Some((at, took));
                    if unseen {
                        t.attempts = 1;
                        t.ran_on = ran_on;
                    }
                } else if self.tasks.over.contains(&task) {
                    // The coordinator's blocks were quicker than this log.
                    if let Some(p) = self.proofs.get_mut(&proof) {
                        p.correct_span(&task, took.map(|_| start), at);
                    }
                } else {
                    // It came and went between two blocks.
                    let worker = self.worker_of_log(source);
                    let p = self.proofs.entry(&proof, at);
                    let tally = p.tallies.entry(&kind);
                    tally.seen += 1;
                    tally.done += 1;
                    tally.first_at.get_or_insert(start);
                    tally.last_at = Some(at);
                    p.progress_at = p.progress_at.max(at);
                    let span = TaskSpan { task: task.clone(), kind: Some(kind), worker, start, end: at, outcome: SpanEnd::Done };
                    p.push_span(span);
                    self.tasks.over.insert(&task);
                }
            }
            NodeEvent::TaskFailed { proof, kind, error, failure, .. } => {
                use crate::event::TaskFailure as F;
                if matches!(failure, F::Fatal | F::Execution | F::Panic) {
                    let p = self.proofs.entry(&proof, at);
                    p.failure.get_or_insert(error);
                    p.failed_task = p.failed_task.take().or(kind);
                }
            }
            _ => {}
        }
    }

    /// A node says that it received a task: since then it runs there.
    fn node_received(&mut self, source: &SourceName, at: Timestamp, id: &TaskId) {
        self.tasks.mark_received(id, source, at);
        let Some(ix) = self.tasks.by_id.get(id).and_then(|t| t.place) else { return };
        self.vote(ix, id);
        let Some(task) = self.tasks.by_id.get_mut(id) else { return };
        task.more().received_at = Some(at);
        let began = task.began();
        if let Some(r) = self.workers.at_mut(ix).and_then(|w| w.tasks.iter_mut().find(|r| r.task == *id)) {
            r.since = began;
        }
    }

    /// The worker that seems to write this log; or the log itself.
    fn worker_of_log(&self, source: &SourceName) -> WorkerId {
        let tied = || self.workers.tied_to(source).map(|(_, w)| w).filter(|w| w.is_connected());
        let worker = tied().find(|w| w.tie.as_ref().is_some_and(PodTie::is_sure)).or_else(|| tied().next());
        worker.map_or_else(|| WorkerId::Text(source.as_str().into()), |w| w.id.clone())
    }

    /// Counts for the tie of worker `ix` to the pod that received `task`.
    /// Returns when it received it.
    pub(super) fn vote(&mut self, ix: WorkerIx, task: &TaskId) -> Option<Timestamp> {
        if self.tasks.received.is_empty() {
            return None;
        }
        let (source, at) = self.tasks.received.get(task).cloned()?;
        let sure = |w: &Worker| w.tie.as_ref().is_some_and(PodTie::is_sure);
        let w = self.workers.at_mut(ix)?;
        let was_sure = sure(w);
        if let Some(t) = &mut w.tie {
            t.votes += 1;
            t.hits += u32::from(t.source == source);
            if t.hits * 2 < t.votes {
                w.tie = None;
            }
        }
        if w.tie.is_none() {
            // One pod is one worker at a time: a guess gives way to what is sure.
            let taken = self.workers.tied_to(&source).any(|(i, w)| i != ix && w.is_connected() && sure(w));
            let pod = self.sources.get(&source).and_then(|s| s.pod.clone()).unwrap_or_else(|| source.as_str().to_owned());
            self.workers.at_mut(ix)?.tie = (!taken).then_some(PodTie { pod, source, hits: 1, votes: 1 });
        } else if !was_sure && sure(w) {
            let source = w.tie.as_ref().map(|t| t.source.clone());
            for (_, other) in self.workers.iter_mut().filter(|(i, _)| *i != ix) {
                other.tie.take_if(|t| Some(&t.source) == source.as_ref() && !t.is_sure());
            }
        }
        Some(at)
    }
}
