//! Tasks on their way: from the periodic blocks, debug lines and nodes' logs.

mod blocks;
mod nodes;

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::over::Over;
use super::{Model, MomentKind, Running, SpanEnd, TaskSpan, WorkerIx, WorkerState};
use crate::base::{ProofId, SourceName, TaskId, TaskType, Timestamp, WorkerId, WorkerKind, units};
use crate::event::{AssignedTask, ProofStatus, WorkerReport};

/// A task that is not over.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its proof.
    pub proof: ProofId,
    /// Its type, where known.
    pub kind: Option<TaskType>,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last assigned to a worker.
    pub assigned_at: Timestamp,
    /// Assignments seen.
    pub attempts: u32,
    /// Retries after failures.
    pub retries: u32,
    /// It was known to be over before: a block lists it late, or once more.
    again: bool,
    /// Since when it waits for a worker again.
    pub waiting_since: Option<Timestamp>,
    /// Where it runs.
    place: Option<WorkerIx>,
    /// Where it ran last; `None` when that worker was lost since.
    ran_on: Option<WorkerId>,
    more: Option<Box<More>>,
}

/// What is known of few tasks: thousands of the others are to fit into a cache.
#[derive(Clone, Debug, Default)]
struct More {
    /// Workers that were lost while they ran it, oldest first, the last 32.
    victims: Vec<WorkerId>,
    /// When a node received it last, where that node's log is seen.
    received_at: Option<Timestamp>,
    /// When the node that ran it completed it, and how long that took.
    completed: Option<(Timestamp, Option<Duration>)>,
}

impl Task {
    /// Workers that were lost while they ran it, oldest first, the last 32.
    #[must_use]
    pub fn victims(&self) -> &[WorkerId] {
        self.more.as_ref().map_or(&[], |m| &m.victims)
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    fn completed(&self) -> Option<(Timestamp, Option<Duration>)> {
        self.more.as_ref()?.completed
    }

    /// It is given out anew.
    fn forget_course(&mut self, received_at_too: bool) {
        if let Some(m) = &mut self.more {
            m.completed = None;
            m.received_at = m.received_at.filter(|_| !received_at_too);
        }
    }

    /// Since when it runs where it runs: as its node's log says, where that
    /// speaks of this stay and not of one before.
    fn began(&self) -> Timestamp {
        let again = self.attempts > 1 || self.retries > 0;
        let near = |r: &Timestamp| if again { r.plus(PERIODS) >= self.assigned_at } else { *r <= self.assigned_at };
        self.more.as_ref().and_then(|m| m.received_at).filter(near).unwrap_or(self.assigned_at)
    }
}

/// A periodic block lists a task that was received since the one before; one
/// of them may be cut.
const PERIODS: Duration = Duration::from_secs(20);
/// Workers that a task has brought down, as far as they are remembered.
const MAX_VICTIMS: usize = 32;
/// No more unfinished tasks than this are followed.
const MAX_TASKS: usize = 262_144;
/// Task ids received by nodes that are remembered to tie workers to pods.
const MAX_RECEIVED: usize = 65_536;

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    by_id: FxHashMap<TaskId, Task>,
    /// Left a worker's list since the block was opened.
    left: Vec<TaskId>,
    received: FxHashMap<TaskId, (SourceName, Timestamp)>,
    received_order: VecDeque<TaskId>,
    over: Over,
    /// Tasks that were not followed because there are too many.
    pub refused: u64,
}

impl Tasks {
    /// The task of that id, while it is not over.
    #[must_use]
    pub fn get(&self, id: &TaskId) -> Option<&Task> {
        self.by_id.get(id)
    }

    /// How many are followed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// True when none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// All that are followed, in no particular but a reproducible order.
    pub fn iter(&self) -> impl Iterator<Item = (&TaskId, &Task)> {
        self.by_id.iter()
    }

    fn mark_received(&mut self, id: &TaskId, source: &SourceName, at: Timestamp) {
        if self.received.insert(id.clone(), (source.clone(), at)).is_none() {
            self.received_order.push_back(id.clone());
            if self.received_order.len() > MAX_RECEIVED
                && let Some(old) = self.received_order.pop_front()
            {
                self.received.remove(&old);
            }
        }
    }
}

impl Model {
    /// Takes in one line of the periodic block.
    pub(super) fn worker_report(&mut self, source: u32, at: Timestamp, report: WorkerReport) {
        let Some(ix) = self.workers.place_in_block(&report.worker, at) else { return };
        let now = self.now;
        let block = self.blocks.entry(source).or_default();
        block.lines += 1;
        block.heard = now;
        let number = block.number;
        let Some(w) = self.workers.at_mut(ix) else { return };
        if w.block == number && number > 0 && w.block_source == source {
            // Twice in one block: a log that was glued together; the first counts.
            return;
        }
        w.block = number;
        w.block_source = source;
        if w.kind.is_none() {
            w.kind = report.kind;
            if w.registered_at.is_none() && w.first_seen == at && number > 1 {
                let kind = w.kind.map_or("", WorkerKind::as_str);
                self.moments.push(at, MomentKind::WorkerJoined, format!("{kind} worker {} appeared", report.worker.short()));
            }
        }
        w.last_seen = w.last_seen.max(at);
        w.next_free_ms = report.next_free_ms;
        match w.state {
            WorkerState::Live => {}
            WorkerState::Late => {
                // Failed heartbeats repeat every 5 s; silence means it is back.
                if w.unreachable_last.is_some_and(|t| at.since(t) > Duration::from_secs(15)) {
                    w.state = WorkerState::Live;
                    w.unreachable_since = None;
                }
            }
            WorkerState::Lost => {
                w.state = WorkerState::Live;
                w.lost_at = None;
                w.timed_out = false;
                w.unreachable_since = None;
                w.tasks.clear();
            }
        }
        if w.tasks.len() == report.tasks.len() && w.tasks.iter().zip(&report.tasks).all(|(a, b)| a.task == b.task && a.kind == b.kind) {
            return;
        }
        w.changed_at = at;
        self.reassign(ix, at, report.tasks);
    }

    /// Replaces what worker `ix` runs.
    fn reassign(&mut self, ix: WorkerIx, at: Timestamp, tasks: Vec<AssignedTask>) {
        let Some(w) = self.workers.at_mut(ix) else { return };
        let mut old = std::mem::take(&mut w.tasks);
        // Long lists are looked up by a table, short ones by looking.
        let table: Option<FxHashMap<TaskId, usize>> =
            (old.len() > 24).then(|| old.iter().enumerate().map(|(i, r)| (r.task.clone(), i)).collect());
        let mut kept = vec![false; old.len()];
        // Collected in place: the list takes over the report's memory, which is
        // warm, where new memory would not be.
        const { assert!(size_of::<Running>() == size_of::<AssignedTask>() && align_of::<Running>() == align_of::<AssignedTask>()) };
        let list: Vec<Running> = tasks
            .into_iter()
            .filter_map(|t| {
                let before = match &table {
                    Some(table) => table.get(&t.task).copied(),
                    None => old.iter().position(|r| r.task == t.task),
                };
                let since = match before {
                    Some(i) if !kept[i] => {
                        kept[i] = true;
                        old[i].since
                    }
                    Some(_) => return None,
                    None => self.task_assigned(ix, at, &t),
                };
                Some(Running { proof: t.proof, task: t.task, kind: t.kind, since })
            })
            .collect();
        let mut gone = 0;
        for (i, r) in old.drain(..).enumerate() {
            if !kept[i] {
                gone += 1;
                if let Some(task) = self.tasks.by_id.get_mut(&r.task)
                    && task.place == Some(ix)
                {
                    task.place = None;
                    self.tasks.left.push(r.task);
                }
            }
        }
        if let Some(w) = self.workers.at_mut(ix) {
            w.finished += gone;
            w.tasks = list;
        }
    }

    /// A task is on worker `ix` now. Returns since when.
    fn task_assigned(&mut self, ix: WorkerIx, at: Timestamp, t: &AssignedTask) -> Timestamp {
        let received_at = self.vote(ix, &t.task).filter(|r| *r <= at);
        let worker = self.workers.at(ix).map(|w| w.id.clone());
        if self.tasks.by_id.len() >= MAX_TASKS && !self.tasks.by_id.contains_key(&t.task) {
            self.tasks.refused += 1;
            return at;
        }
        // One look into the table for what happens a million times.
        let vacant = match self.tasks.by_id.entry(t.task.clone()) {
            Entry::Vacant(v) => v,
            Entry::Occupied(o) => {
                let task = o.into_mut();
                if task.kind.is_none() {
                    task.kind.clone_from(&t.kind);
                }
                let from = task.place.replace(ix);
                task.ran_on.clone_from(&worker);
                let waited = task.waiting_since.take().is_some();
                let victim = task.victims().last().filter(|_| waited).cloned();
                if from != Some(ix) {
                    task.attempts += 1;
                    task.assigned_at = at;
                    task.forget_course(false);
                }
                if received_at.is_some() {
                    task.more().received_at = received_at;
                }
                let since = task.began();
                let was_running = from.is_some();
                if let Some(p) = self.proofs.get_mut(&task.proof)
                    && let Some(kind) = &task.kind
                {
                    let tally = p.tallies.entry(kind);
                    if waited {
                        tally.waiting = tally.waiting.saturating_sub(1);
                    }
                    if waited && !was_running {
                        tally.running += 1;
                    }
                    tally.last_at = Some(at);
                    p.progress_at = at;
                    if waited && *kind == TaskType::Controller {
                        // It makes all of its tasks anew.
                        p.begin_again();
                    }
                }
                if let Some(w) = victim.and_then(|v| self.workers.find(&v)).and_then(|v| self.workers.at_mut(v)) {
                    w.requeued += 1;
                }
                return since;
            }
        };
        let again = self.tasks.over.contains(&t.task);
        // A proof that the coordinator no longer knows is not started again by it.
        if t.proof_known || self.proofs.get(&t.proof).is_some() {
            let p = self.proofs.entry(&t.proof, at);
            if p.status == Some(ProofStatus::Pending) || p.status.is_none() {
                p.status = Some(ProofStatus::Running);
            }
            if let Some(kind) = &t.kind {
                let tally = p.tallies.entry(kind);
                tally.running += 1;
                if again {
                    tally.done = tally.done.saturating_sub(1);
                } else {
                    tally.seen += 1;
                }
                tally.first_at.get_or_insert(at);
                tally.last_at = Some(at);
                if *kind == TaskType::Controller && p.controller.is_none() {
                    p.controller = Some(t.task.clone());
                }
            }
            p.progress_at = at;
        }
        let task = vacant.insert(Task {
            proof: t.proof.clone(),
            kind: t.kind.clone(),
            first_seen: at,
            assigned_at: at,
            attempts: 1,
            retries: 0,
            again,
            waiting_since: None,
            place: Some(ix),
            ran_on: worker,
            more: received_at.map(|_| Box::new(More { received_at, ..More::default() })),
        });
        task.began()
    }

    /// A task ended.
    fn task_over(&mut self, id: &TaskId, at: Timestamp, outcome: SpanEnd) {
        if let Some(task) = self.tasks.by_id.remove(id) {
            self.task_ended(id, task, at, outcome);
        }
    }

    /// What remains to be done for a task that was taken off the table.
    fn task_ended(&mut self, id: &TaskId, task: Task, at: Timestamp, outcome: SpanEnd) {
        self.tasks.over.insert(id);
        let completed = task.completed().filter(|_| !matches!(outcome, SpanEnd::Lost | SpanEnd::Retried));
        if let Some(p) = self.proofs.get_mut(&task.proof) {
            if let Some(kind) = &task.kind {
                let tally = p.tallies.entry(kind);
                if task.waiting_since.is_some() {
                    tally.waiting = tally.waiting.saturating_sub(1);
                } else {
                    tally.running = tally.running.saturating_sub(1);
                }
                tally.done += 1;
                tally.last_at = Some(at);
            }
            p.progress_at = at;
            if task.attempts > 0 {
                let began = task.began();
                let span = TaskSpan {
                    task: id.clone(),
                    kind: task.kind.clone(),
                    worker: task.ran_on.unwrap_or_else(|| WorkerId::Text("?".into())),
                    // One that waited came and went elsewhere, at the earliest then.
                    start: match completed {
                        Some((end, Some(took))) => end.minus(took),
                        _ => task.waiting_since.unwrap_or(began),
                    },
                    end: completed.map_or(at, |c| c.0),
                    outcome,
                };
                if !(task.again && p.knows_span(&span)) {
                    p.push_span(span);
                }
            }
        }
        if let Some(kind) = &task.kind
            && !task.again
            && outcome == SpanEnd::Done
            && completed.is_none_or(|c| c.1.is_none())
            && task.waiting_since.is_none()
        {
            self.durations.add(kind, at.since(task.assigned_at), false);
        }
    }

    /// The proof is over; so are its tasks.
    pub(super) fn end_tasks_of(&mut self, at: Timestamp, proof: &ProofId, outcome: SpanEnd) {
        let mut ids: Vec<TaskId> = self.tasks.by_id.iter().filter(|(_, t)| t.proof == *proof).map(|(id, _)| id.clone()).collect();
        ids.sort_unstable();
        for id in ids {
            self.task_over(&id, at, outcome);
        }
    }

    pub(super) fn worker_registered(&mut self, at: Timestamp, id: &WorkerId) {
        let Some(ix) = self.workers.place(id, at) else { return };
        let Some(w) = self.workers.at_mut(ix) else { return };
        w.registered_at = Some(at);
        w.last_seen = at;
        if w.state == WorkerState::Lost {
            // What it ran was given to others.
            w.tasks.clear();
            w.changed_at = at;
        }
        w.state = WorkerState::Live;
        w.lost_at = None;
        w.timed_out = false;
        w.unreachable_since = None;
        self.moments.push(at, MomentKind::WorkerJoined, format!("worker {} registered", id.short()));
    }

    pub(super) fn worker_timed_out(&mut self, at: Timestamp, id: &WorkerId, _age: Option<u64>) {
        if let Some(ix) = self.workers.find(id) {
            self.worker_gone(ix, at, true);
        }
    }

    /// A worker was lost; what it ran waits for another one.
    fn worker_gone(&mut self, ix: WorkerIx, at: Timestamp, timed_out: bool) {
        let Some(w) = self.workers.at_mut(ix) else { return };
        if !w.is_connected() {
            w.timed_out |= timed_out;
            return;
        }
        w.state = WorkerState::Lost;
        w.timed_out = timed_out;
        w.lost_at = Some(at);
        let id = w.id.clone();
        let tasks: Vec<TaskId> = w.tasks.iter().map(|r| r.task.clone()).collect();
        let what = if timed_out { "was given up: no heartbeat" } else { "left" };
        let last = units::seconds(at.since(w.last_seen));
        let kind = w.kind.map_or("", WorkerKind::as_str);
        let text = format!("{kind} worker {} {what}; it held {}, listed {last} before", id.short(), units::plural(tasks.len(), "task"));
        self.moments.push(at, MomentKind::WorkerLost, text);
        for task_id in tasks {
            let Some(task) = self.tasks.by_id.get_mut(&task_id) else { continue };
            if task.place != Some(ix) {
                // It was given to another one before this one was found to be gone.
                if let Some(w) = self.workers.at_mut(ix).filter(|_| task.place.is_some()) {
                    w.requeued += 1;
                }
                continue;
            }
            task.place = None;
            task.ran_on = None;
            task.waiting_since = Some(at);
            let victims = &mut task.more().victims;
            if victims.len() >= MAX_VICTIMS {
                victims.remove(0);
            }
            victims.push(id.clone());
            let (start, proof, kind) = (task.began(), task.proof.clone(), task.kind.clone());
            if let Some(p) = self.proofs.get_mut(&proof) {
                if let Some(k) = &kind {
                    let t = p.tallies.entry(k);
                    t.running = t.running.saturating_sub(1);
                    t.waiting += 1;
                }
                p.push_span(TaskSpan { task: task_id, kind, worker: id.clone(), start, end: at, outcome: SpanEnd::Lost });
            }
        }
    }

    /// After a restart of the coordinator nothing is assigned any more.
    pub(super) fn forget_assignments(&mut self, at: Timestamp) {
        let mut ids: Vec<TaskId> = self.tasks.by_id.keys().cloned().collect();
        ids.sort_unstable();
        for id in ids {
            self.task_over(&id, at, SpanEnd::Dropped);
        }
        self.tasks.left.clear();
        for (_, w) in self.workers.iter_mut() {
            if w.is_connected() {
                w.tasks.clear();
                w.changed_at = at;
            }
        }
        for b in self.blocks.values_mut() {
            b.open = false;
        }
        for p in self.proofs.iter_mut() {
            if p.status == Some(ProofStatus::Running) {
                p.status = Some(ProofStatus::Pending);
                p.restart();
            }
        }
    }

    pub(super) fn task_created(&mut self, at: Timestamp, proof: &ProofId, task: &TaskId, kind: TaskType) {
        if kind == TaskType::MarkerDeferredRecord || self.tasks.by_id.contains_key(task) || self.tasks.by_id.len() >= MAX_TASKS {
            return;
        }
        let p = self.proofs.entry(proof, at);
        let tally = p.tallies.entry(&kind);
        tally.seen += 1;
        tally.waiting += 1;
        tally.first_at.get_or_insert(at);
        p.progress_at = at;
        self.tasks.by_id.insert(
            task.clone(),
            Task {
                proof: proof.clone(),
                kind: Some(kind),
                first_seen: at,
                assigned_at: at,
                attempts: 0,
                retries: 0,
                again: false,
                waiting_since: Some(at),
                place: None,
                ran_on: None,
                more: None,
            },
        );
    }

    pub(super) fn task_started(&mut self, at: Timestamp, proof: ProofId, task: TaskId, kind: TaskType, worker: &WorkerId) {
        let Some(ix) = self.workers.place(worker, at) else { return };
        let t = AssignedTask { proof, task, kind: Some(kind), proof_known: true };
        let since = self.task_assigned(ix, at, &t);
        if let Some(w) = self.workers.at_mut(ix)
            && !w.tasks.iter().any(|r| r.task == t.task)
        {
            w.changed_at = at;
            w.tasks.push(Running { proof: t.proof, task: t.task, kind: t.kind, since });
        }
    }

    pub(super) fn task_completed(&mut self, at: Timestamp, task: &TaskId, worker: &WorkerId) {
        if let Some(ix) = self.workers.find(worker)
            && let Some(w) = self.workers.at_mut(ix)
        {
            let before = w.tasks.len();
            w.tasks.retain(|r| r.task != *task);
            if w.tasks.len() != before {
                w.changed_at = at;
                w.finished += 1;
            }
        }
        self.task_over(task, at, SpanEnd::Done);
    }

    pub(super) fn task_retrying(&mut self, at: Timestamp, id: &TaskId) {
        let Some(task) = self.tasks.by_id.get_mut(id) else {
            self.signals.retried(super::Retry { at, task: id.clone(), proof: None, kind: None, exhausted: false });
            return;
        };
        task.retries += 1;
        self.signals.retried(super::Retry {
            at,
            task: id.clone(),
            proof: Some(task.proof.clone()),
            kind: task.kind.clone(),
            exhausted: false,
        });
        if let (Some(p), Some(kind)) = (self.proofs.get_mut(&task.proof), &task.kind) {
            p.tallies.entry(kind).retries += 1;
            if let Some(w) = task.place.and_then(|ix| self.workers.at(ix)) {
                p.push_span(TaskSpan {
                    task: id.clone(),
                    kind: task.kind.clone(),
                    worker: w.id.clone(),
                    start: task.began(),
                    end: at,
                    outcome: SpanEnd::Retried,
                });
                task.assigned_at = at;
                task.forget_course(true);
            }
        }
    }

    pub(super) fn task_exhausted(&mut self, at: Timestamp, id: &TaskId) {
        let known = self.tasks.by_id.get(id);
        let (proof, kind) = (known.map(|t| t.proof.clone()), known.and_then(|t| t.kind.clone()));
        self.signals.retried(super::Retry { at, task: id.clone(), proof, kind, exhausted: true });
        let text = match known {
            Some(t) => {
                let kind = t.kind.as_ref().map_or("task", TaskType::as_str);
                format!("{kind} {id} of proof {} is out of retries", t.proof)
            }
            None => format!("task {id} is out of retries"),
        };
        self.moments.push(at, MomentKind::TaskExhausted, text);
    }
}
