//! Proofs and what became of their tasks.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::base::{ProofId, Ring, TaskId, TaskType, Timestamp, WorkerId};
use crate::event::{ProofMode, ProofRow, ProofStatus};

/// How a task's stay on a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanEnd {
    /// It left the worker's list, as finished tasks do.
    Done,
    /// It was tried again.
    Retried,
    /// Its worker was lost.
    Lost,
    /// It failed for good.
    Failed,
    /// Its proof ended or was dropped first.
    Dropped,
}

/// A task's finished stay on a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSpan {
    /// The task.
    pub task: TaskId,
    /// Its type, where known.
    pub kind: Option<TaskType>,
    /// Where it ran.
    pub worker: WorkerId,
    /// When its node received it, where a node's log says so, or first seen there.
    pub start: Timestamp,
    /// When its node completed it, where a node's log says so, or last known there.
    pub end: Timestamp,
    /// How it ended.
    pub outcome: SpanEnd,
}

/// Counts of one type of task within a proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Assigned to a worker now.
    pub running: u32,
    /// Known to wait for a worker: re-queued, or created (debug logs).
    pub waiting: u32,
    /// Different tasks seen so far. Tasks that came and went between two
    /// periodic blocks are not among them unless a node's log names them.
    pub seen: u32,
    /// Of those, ended.
    pub done: u32,
    /// Retries after failures.
    pub retries: u32,
    /// When the first was seen.
    pub first_at: Option<Timestamp>,
    /// When one was last seen running.
    pub last_at: Option<Timestamp>,
}

/// The counts of a proof by type of task, in the order of the types. A handful
/// of entries that every task of a large cluster passes through: looking along
/// a short list costs less than a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tallies(Vec<(TaskType, Tally)>);

impl Tallies {
    /// The counts of `kind`, where one was seen.
    #[must_use]
    pub fn get(&self, kind: &TaskType) -> Option<&Tally> {
        self.0.iter().find(|(k, _)| k == kind).map(|(_, t)| t)
    }

    /// The counts of `kind`, made when new.
    pub fn entry(&mut self, kind: &TaskType) -> &mut Tally {
        let at = if let Some(at) = self.0.iter().position(|(k, _)| k == kind) {
            at
        } else {
            let at = self.0.partition_point(|(k, _)| k < kind);
            self.0.insert(at, (kind.clone(), Tally::default()));
            at
        };
        &mut self.0[at].1
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&TaskType, &Tally)> {
        self.0.iter().map(|(k, t)| (k, t))
    }

    /// The types that were seen.
    pub fn keys(&self) -> impl Iterator<Item = &TaskType> {
        self.0.iter().map(|(k, _)| k)
    }

    /// The counts alone.
    pub fn values(&self) -> impl Iterator<Item = &Tally> {
        self.0.iter().map(|(_, t)| t)
    }

    fn values_mut(&mut self) -> impl Iterator<Item = &mut Tally> {
        self.0.iter_mut().map(|(_, t)| t)
    }

    /// How many types were seen.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True before the first task.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

/// The stages of a proof's course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Not claimed, or its Controller waits.
    Waiting,
    /// Only the Controller and SetupVkey.
    Setup,
    /// CoreExecute makes shards.
    Execute,
    /// Shards are proved and execution is over.
    Shards,
    /// Only recursion.
    Recursion,
    /// ShrinkWrap.
    Shrink,
    /// PlonkWrap or Groth16Wrap.
    Wrap,
    /// Over.
    Done,
}

impl Stage {
    /// A word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Setup => "setup",
            Self::Execute => "execute",
            Self::Shards => "shards",
            Self::Recursion => "recursion",
            Self::Shrink => "shrink",
            Self::Wrap => "wrap",
            Self::Done => "done",
        }
    }

    /// The stages that a proof of `mode` goes through, in order.
    #[must_use]
    pub const fn course(mode: Option<ProofMode>) -> &'static [Self] {
        match mode {
            Some(ProofMode::Core) => &[Self::Setup, Self::Execute, Self::Shards],
            Some(ProofMode::Compressed) => &[Self::Setup, Self::Execute, Self::Shards, Self::Recursion],
            Some(ProofMode::Plonk | ProofMode::Groth16) | None => {
                &[Self::Setup, Self::Execute, Self::Shards, Self::Recursion, Self::Shrink, Self::Wrap]
            }
        }
    }
}

/// One proof.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Its id.
    pub id: ProofId,
    /// Which one it is in the order in which they were first seen, from 0; never
    /// given again, so that what is derived of it (a colour) stays.
    pub ordinal: u32,
    /// Its mode, from the claim or the API's row.
    pub mode: Option<ProofMode>,
    /// Its status; `None` when it vanished without a word.
    pub status: Option<ProofStatus>,
    /// When this program first heard of it.
    pub first_seen: Timestamp,
    /// What stands in the CPU queue can only be its wrap, by the last block.
    pub(super) wrap_waits: bool,
    /// When it was requested, from the API's row or the `cli_<ms>` id.
    pub requested_at: Option<Timestamp>,
    /// When the coordinator claimed it (the last time).
    pub claimed_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Its deadline.
    pub deadline: Option<Timestamp>,
    /// How often it was claimed: more than once after restarts of the coordinator.
    pub claims: u32,
    /// Its Controller task.
    pub controller: Option<TaskId>,
    /// Why it failed, as far as known.
    pub failure: Option<String>,
    /// The type of the task that failed it.
    pub failed_task: Option<TaskType>,
    /// What the API last said of it, and when.
    pub row: Option<(ProofStatus, Timestamp)>,
    /// When the coordinator completed or failed it.
    pub coordinator_end: Option<(ProofStatus, Timestamp)>,
    /// Artifact of the program.
    pub program_artifact: Option<String>,
    /// Artifact of the stdin.
    pub stdin_artifact: Option<String>,
    /// Artifact of the result.
    pub proof_artifact: Option<String>,
    /// When a task of it was last seen to begin or end.
    pub progress_at: Timestamp,
    /// Tasks that ended, newest last, bounded.
    pub spans: Ring<TaskSpan>,
    /// Counts by type.
    pub tallies: Tallies,
}

impl Proof {
    fn new(id: ProofId, ordinal: u32, at: Timestamp) -> Self {
        // `cli_<unix ms>` and `cli_<unix ms>_<index>` (reference 4.4).
        let requested_at = id
            .as_str()
            .strip_prefix("cli_")
            .map(|s| s.split('_').next().unwrap_or(s))
            .filter(|s| s.len() == 13)
            .and_then(|s| s.parse().ok())
            .map(Timestamp::from_millis)
            .filter(|t| *t <= at.plus(std::time::Duration::from_secs(86_400)));
        Self {
            id,
            ordinal,
            mode: None,
            status: Some(ProofStatus::Pending),
            first_seen: at,
            wrap_waits: false,
            requested_at,
            claimed_at: None,
            ended_at: None,
            deadline: None,
            claims: 0,
            controller: None,
            failure: None,
            failed_task: None,
            row: None,
            coordinator_end: None,
            program_artifact: None,
            stdin_artifact: None,
            proof_artifact: None,
            progress_at: at,
            spans: Ring::new(super::spans::SPANS),
            tallies: Tallies::default(),
        }
    }

    /// The counts of one type.
    #[must_use]
    pub fn tally(&self, kind: &TaskType) -> Tally {
        self.tallies.get(kind).copied().unwrap_or_default()
    }

    /// Tasks of all types that run now.
    #[must_use]
    pub fn running(&self) -> u32 {
        self.tallies.values().map(|t| t.running).sum()
    }

    /// Its retries of all types.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.tallies.values().map(|t| t.retries).sum()
    }

    /// True while the coordinator works on it or it waits to be claimed.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self.status, Some(ProofStatus::Pending | ProofStatus::Running))
    }

    /// When it began, for its elapsed time: the request, else the claim, else
    /// when it was first seen.
    #[must_use]
    pub fn began_at(&self) -> Timestamp {
        self.requested_at.or(self.claimed_at).unwrap_or(self.first_seen)
    }

    /// Where it is in its course, from the tasks that run (reference 3.6).
    #[must_use]
    pub fn stage(&self) -> Stage {
        use TaskType as T;
        if !self.is_active() {
            return Stage::Done;
        }
        let busy = |k: &TaskType| self.tallies.get(k).is_some_and(|t| t.running + t.waiting > 0);
        let seen = |k: &TaskType| self.tallies.get(k).is_some_and(|t| t.seen > 0);
        if busy(&T::PlonkWrap) || busy(&T::Groth16Wrap) {
            Stage::Wrap
        } else if busy(&T::ShrinkWrap) {
            Stage::Shrink
        } else if busy(&T::CoreExecute) || busy(&T::ExecuteOnly) {
            Stage::Execute
        } else if busy(&T::ProveShard) {
            Stage::Shards
        } else if busy(&T::RecursionReduce) || busy(&T::RecursionDeferred) {
            Stage::Recursion
        } else if seen(&T::ShrinkWrap) || seen(&T::PlonkWrap) || seen(&T::Groth16Wrap) || self.wrap_waits {
            // Shrunk and nothing runs: what follows is the wrap, which waits.
            Stage::Wrap
        } else if seen(&T::RecursionReduce) {
            Stage::Recursion
        } else if seen(&T::ProveShard) {
            Stage::Shards
        } else if busy(&T::SetupVkey) || busy(&T::Controller) {
            Stage::Setup
        } else {
            Stage::Waiting
        }
    }

    /// Whether a stage after the present one has begun: shards are proved while the
    /// guest still runs, and recursion begins with the first of them.
    #[must_use]
    pub fn has_begun(&self, stage: Stage) -> bool {
        use TaskType as T;
        let kinds: &[T] = match stage {
            Stage::Waiting | Stage::Done => &[],
            Stage::Setup => &[T::Controller, T::SetupVkey],
            Stage::Execute => &[T::CoreExecute, T::ExecuteOnly],
            Stage::Shards => &[T::ProveShard],
            Stage::Recursion => &[T::RecursionReduce, T::RecursionDeferred],
            Stage::Shrink => &[T::ShrinkWrap],
            Stage::Wrap => &[T::PlonkWrap, T::Groth16Wrap],
        };
        kinds.iter().any(|k| self.tallies.get(k).is_some_and(|t| t.seen > 0))
    }

    /// Its Controller runs once more: of the tasks that it made before, those that
    /// still run or wait are all that counts.
    pub(super) fn begin_again(&mut self) {
        self.tallies.0.retain(|(k, t)| *k == TaskType::Controller || t.running + t.waiting > 0);
        for (_, t) in self.tallies.0.iter_mut().filter(|(k, _)| *k != TaskType::Controller) {
            (t.seen, t.done) = (t.running + t.waiting, 0);
        }
    }

    /// Forgets the tasks: it starts anew from scratch.
    pub(super) fn restart(&mut self) {
        self.tallies.clear();
        self.controller = None;
    }
}

/// Proofs that are kept.
const MAX_PROOFS: usize = 2048;

/// All proofs.
#[derive(Clone, Debug, Default)]
pub struct Proofs {
    list: Vec<Proof>,
    /// For look-ups, of which every task of a block needs several.
    places: FxHashMap<ProofId, usize>,
    /// For going through them in an order that does not depend on history.
    by_id: BTreeMap<ProofId, usize>,
    /// The ordinal of the next new one.
    next: u32,
    /// Completed, failed and cancelled so far.
    pub completed: u64,
    /// Failed so far.
    pub failed: u64,
}

impl Proofs {
    /// The proof of that id.
    #[must_use]
    pub fn get(&self, id: &ProofId) -> Option<&Proof> {
        self.places.get(id).and_then(|i| self.list.get(*i))
    }

    /// In the order of their ids.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Proof> {
        self.by_id.values().filter_map(|i| self.list.get(*i))
    }

    /// Those that wait or are worked on.
    pub fn active(&self) -> impl Iterator<Item = &Proof> {
        self.iter().filter(|p| p.is_active())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn get_mut(&mut self, id: &ProofId) -> Option<&mut Proof> {
        self.places.get(id).and_then(|i| self.list.get_mut(*i))
    }

    /// In no particular but a reproducible order.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Proof> {
        self.list.iter_mut()
    }

    /// The proof of that id, made when new. Room is made by forgetting the
    /// proofs that ended first, then those that have been silent longest.
    pub(super) fn entry(&mut self, id: &ProofId, at: Timestamp) -> &mut Proof {
        let i = match self.places.get(id) {
            Some(i) => *i,
            None => self.add(id, at),
        };
        &mut self.list[i]
    }

    fn add(&mut self, id: &ProofId, at: Timestamp) -> usize {
        if self.list.len() >= MAX_PROOFS {
            let mut order: Vec<_> = self.list.iter().map(|p| (p.is_active(), p.ended_at.unwrap_or(p.progress_at), p.id.clone())).collect();
            order.sort_unstable();
            order.truncate(MAX_PROOFS / 8);
            let gone: FxHashSet<ProofId> = order.into_iter().map(|o| o.2).collect();
            self.list.retain(|p| !gone.contains(&p.id));
            self.places = self.list.iter().enumerate().map(|(i, p)| (p.id.clone(), i)).collect();
            self.by_id = self.list.iter().enumerate().map(|(i, p)| (p.id.clone(), i)).collect();
        }
        let i = self.list.len();
        self.list.push(Proof::new(id.clone(), self.next, at));
        self.next = self.next.saturating_add(1);
        self.places.insert(id.clone(), i);
        self.by_id.insert(id.clone(), i);
        i
    }

    /// Ends a proof, once.
    pub(super) fn finish(&mut self, id: &ProofId, at: Timestamp, status: ProofStatus) {
        let p = self.entry(id, at);
        if p.status.is_some_and(ProofStatus::is_final) {
            return;
        }
        p.status = Some(status);
        p.ended_at = Some(at);
        p.progress_at = at;
        for t in p.tallies.values_mut() {
            t.done += t.running;
            t.running = 0;
            t.waiting = 0;
        }
        p.keep_few_spans();
        match status {
            ProofStatus::Completed => self.completed += 1,
            ProofStatus::Failed => self.failed += 1,
            _ => {}
        }
    }

    /// Takes in a row of the API. Returns true when the proof is new.
    pub(super) fn row(&mut self, now: Timestamp, row: &ProofRow) -> bool {
        let new = !self.places.contains_key(&row.id);
        let p = self.entry(&row.id, now);
        p.row = Some((row.status, now));
        if row.created_at.is_set() {
            p.requested_at = Some(row.created_at);
        }
        p.deadline = row.deadline.or(p.deadline);
        p.mode = p.mode.or(row.mode);
        p.program_artifact = p.program_artifact.take().or_else(|| row.program_artifact.clone());
        p.proof_artifact = p.proof_artifact.take().or_else(|| row.proof_artifact.clone());
        if let Some(f) = &row.failure {
            p.failure = Some(f.clone());
        }
        p.failed_task = p.failed_task.take().or_else(|| row.failed_task.clone());
        if row.status.is_final() {
            if p.status.is_none_or(|s| !s.is_final()) {
                self.finish(&row.id, now, row.status);
                if new && let Some(p) = self.get_mut(&row.id) {
                    // It ended before it was ever seen: nobody knows when.
                    p.ended_at = None;
                }
            } else if let Some(p) = self.get_mut(&row.id)
                && row.status == ProofStatus::Cancelled
            {
                // The coordinator calls a cancelled proof failed; the API knows better.
                p.status = Some(ProofStatus::Cancelled);
            }
        }
        new
    }
}
