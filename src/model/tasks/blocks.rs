//! The coordinator's periodic block: when it is complete, and what it then says
//! of those who are not in it.

use std::collections::hash_map::Entry;
use std::time::Duration;

use super::{Model, SpanEnd, WorkerIx};
use crate::base::{TaskId, TaskType, Timestamp, WorkerKind};
use crate::model::Proof;

impl Model {
    /// Closes blocks after which nothing came for a while.
    pub(in crate::model) fn close_silent_blocks(&mut self) {
        const SILENT: Duration = Duration::from_secs(3);
        if self.blocks.len() == 1 {
            if let Some((n, b)) = self.blocks.iter().next()
                && b.open
                && self.now.since(b.heard) > SILENT
            {
                let n = *n;
                self.close_block(n);
            }
            return;
        }
        let silent: Vec<u32> = self.blocks.iter().filter(|(_, b)| b.open && self.now.since(b.heard) > SILENT).map(|(n, _)| *n).collect();
        for n in silent {
            self.close_block(n);
        }
    }

    /// Blocks that list every worker that is known need not be waited for.
    pub(in crate::model) fn close_full_blocks(&mut self) {
        let due = |b: &crate::model::Block| b.open && b.lines >= b.promised && b.looked != b.lines.saturating_add(1);
        let full: Vec<u32> = self.blocks.iter().filter(|(_, b)| due(b)).map(|(n, _)| *n).collect();
        for n in full {
            let Some(b) = self.blocks.get_mut(&n) else { continue };
            // Kept one higher, so that a block without workers is looked at too.
            b.looked = b.lines.saturating_add(1);
            let number = b.number;
            // One walk tells both: thousands of workers are more than a cache holds.
            let (mut missing, mut unlisted) = (false, false);
            for w in self.workers.connected() {
                missing |= w.block < number && w.block_source == n && w.block > 0;
                unlisted |= w.block == 0;
            }
            if !missing {
                self.close_block_of(n, unlisted);
            }
        }
    }

    /// The periodic block of that source is complete: workers that it should
    /// have listed and did not are gone, tasks that left all lists are over.
    pub(in crate::model) fn close_block(&mut self, source: u32) {
        self.close_block_of(source, true);
    }

    /// [`Self::close_block`]; where it is known that no worker is missing in it,
    /// none is looked for.
    fn close_block_of(&mut self, source: u32, some_missing: bool) {
        let Some(block) = self.blocks.get_mut(&source) else { return };
        if !block.open {
            return;
        }
        block.open = false;
        let block = block.clone();
        // A block that is cut says nothing of who is not in it.
        let whole = block.lines >= block.promised;
        if whole && some_missing {
            let gone: Vec<WorkerIx> = self
                .workers
                .iter_mut()
                .filter(|(_, w)| {
                    w.is_connected()
                        && w.block < block.number
                        && (w.block_source == source || w.block == 0)
                        // It may have registered while the block was printed.
                        && w.registered_at.is_none_or(|t| t < block.at)
                })
                .map(|(ix, _)| ix)
                .collect();
            for ix in gone {
                self.worker_gone(ix, block.at, false);
            }
        }
        let left = std::mem::take(&mut self.tasks.left);
        for id in left {
            if let Entry::Occupied(o) = self.tasks.by_id.entry(id)
                && o.get().place.is_none()
                && o.get().waiting_since.is_none()
            {
                let (id, task) = o.remove_entry();
                self.task_ended(&id, task, block.at, SpanEnd::Done);
            }
        }
        self.revision += 1;
        if whole {
            self.settle_waiting(&block.queues);
            self.find_waiting_wraps(&block.queues, block.at);
            if let Some(stats) = self.stats_log.take_if(|s| s.at == block.at) {
                self.weigh(&stats);
                self.stats_log = Some(stats);
            }
        }
        if self.workers.prune() {
            // Places moved: find them again.
            for t in self.tasks.by_id.values_mut() {
                t.place = None;
            }
            let places: Vec<_> =
                self.workers.iter_mut().flat_map(|(ix, w)| w.tasks.iter().map(move |r| (r.task.clone(), ix)).collect::<Vec<_>>()).collect();
            for (id, ix) in places {
                if let Some(t) = self.tasks.by_id.get_mut(&id) {
                    t.place = Some(ix);
                }
            }
        }
    }

    /// Which proofs' wraps wait in the CPU queue, where no other task can be what
    /// waits there: between two blocks a ShrinkWrap comes and goes unseen.
    fn find_waiting_wraps(&mut self, queues: &(Option<u32>, Option<u32>), at: Timestamp) {
        /// Two blocks without progress: nothing is between two stages.
        const STILL: Duration = Duration::from_secs(20);
        let running = |p: &Proof| p.tally(&TaskType::Controller).running > 0;
        let alone = |p: &Proof| p.tallies.iter().all(|(k, t)| *k == TaskType::Controller || t.running + t.waiting == 0);
        let late = |p: &Proof| p.mode.is_some_and(|m| m.wrap().is_some()) && p.tally(&TaskType::RecursionReduce).seen > 0;
        // Those that may wait for a Controller's or a CoreExecute's place.
        let others = self.proofs.active().filter(|p| p.claimed_at.is_some() && (!running(p) || (alone(p) && !late(p)))).count();
        let (cpu, gpu) = (queues.0.unwrap_or(0), queues.1.unwrap_or(u32::MAX));
        let some_wait = gpu == 0 && usize::try_from(cpu).is_ok_and(|n| n > others);
        for p in self.proofs.iter_mut().filter(|p| p.is_active()) {
            p.wrap_waits = some_wait && running(p) && alone(p) && late(p) && at.since(p.progress_at) >= STILL;
        }
    }

    /// Where a queue is empty, tasks thought to wait in it have come and gone
    /// between two blocks.
    fn settle_waiting(&mut self, queues: &(Option<u32>, Option<u32>)) {
        if !self.tasks.by_id.values().any(|t| t.waiting_since.is_some()) {
            return;
        }
        let mut over: Vec<TaskId> = self
            .tasks
            .by_id
            .iter()
            .filter(|(_, t)| t.waiting_since.is_some())
            .filter(|(_, t)| match t.kind.as_ref().and_then(TaskType::worker_kind) {
                Some(WorkerKind::Cpu) => queues.0 == Some(0),
                _ => queues.1 == Some(0),
            })
            .map(|(id, _)| id.clone())
            .collect();
        over.sort_unstable();
        let now = self.now;
        for id in over {
            self.task_over(&id, now, SpanEnd::Done);
        }
    }
}
