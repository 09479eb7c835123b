//! What the nodes' own logs say of their tasks, and which pod a worker is.

use super::{Model, PodTie, SpanEnd, TaskSpan, WorkerIx};
use crate::base::{SourceName, TaskId, Timestamp, WorkerId};
use crate::event::NodeEvent;

impl Model {
    pub(in crate::model) fn node_event(&mut self, source: &SourceName, at: Timestamp, event: NodeEvent) {
        match event {
            NodeEvent::Received { task } => {
                self.tasks.mark_received(&task, source);
                if let Some(ix) = self.tasks.by_id.get(&task).and_then(|t| t.place) {
                    self.vote(ix, &task);
                }
            }
            NodeEvent::Completed { proof, task, kind, took } => {
                if let Some(d) = took {
                    self.durations.add(&kind, d, true);
                }
                if let Some(t) = self.tasks.by_id.get_mut(&task) {
                    t.took = took;
                } else if !self.tasks.over.contains(&task) {
                    // It came and went between two blocks.
                    let worker = self
                        .workers
                        .iter()
                        .find(|w| w.tie.as_ref().is_some_and(|t| t.source == *source) && w.is_connected())
                        .map_or_else(|| WorkerId::Text(source.as_str().into()), |w| w.id.clone());
                    let p = self.proofs.entry(&proof, at);
                    let tally = p.tallies.entry(&kind);
                    tally.seen += 1;
                    tally.done += 1;
                    tally.first_at.get_or_insert(at.minus(took.unwrap_or_default()));
                    tally.last_at = Some(at);
                    p.progress_at = p.progress_at.max(at);
                    p.spans.push(TaskSpan {
                        task: task.clone(),
                        kind: Some(kind),
                        worker,
                        start: at.minus(took.unwrap_or_default()),
                        end: at,
                        outcome: SpanEnd::Done,
                    });
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

    /// Counts for the tie of worker `ix` to the pod that received `task`.
    pub(super) fn vote(&mut self, ix: WorkerIx, task: &TaskId) {
        if self.tasks.received.is_empty() {
            return;
        }
        let Some(source) = self.tasks.received.get(task).cloned() else { return };
        let pod = self.sources.get(&source).and_then(|s| s.pod.clone()).unwrap_or_else(|| source.as_str().to_owned());
        let Some(w) = self.workers.at_mut(ix) else { return };
        match &mut w.tie {
            Some(t) => {
                t.votes += 1;
                if t.source == source {
                    t.hits += 1;
                } else if t.hits * 2 < t.votes {
                    *t = PodTie { pod, source, hits: 1, votes: 1 };
                }
            }
            None => w.tie = Some(PodTie { pod, source, hits: 1, votes: 1 }),
        }
    }
}
