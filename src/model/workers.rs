//! Workers and the tasks that they run.

use rustc_hash::FxHashMap;

use crate::base::{ProofId, SourceName, TaskId, TaskType, Timestamp, WorkerId, WorkerKind};

/// Whether a worker can be counted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerState {
    /// In the last periodic block, heartbeats come.
    Live,
    /// In it, but the coordinator cannot reach it.
    Late,
    /// Given up by the coordinator, or gone from the block.
    Lost,
}

impl WorkerState {
    /// The contract's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Late => "late",
            Self::Lost => "lost",
        }
    }
}

/// A task that a worker runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its proof.
    pub proof: ProofId,
    /// The task.
    pub task: TaskId,
    /// Its type, where the coordinator still knows it.
    pub kind: Option<TaskType>,
    /// When its node received it, where that node's log is seen; or when it was
    /// first seen on this worker, at most one period late.
    pub since: Timestamp,
}

/// Which pod a worker is, by the tasks that both name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodTie {
    /// The pod, or the name of the log that speaks for it.
    pub pod: String,
    /// The log source that received its tasks.
    pub source: SourceName,
    /// Tasks that this worker was given and that pod received.
    pub hits: u32,
    /// Tasks of this worker that were received by some pod.
    pub votes: u32,
}

impl PodTie {
    /// False where it is a guess: seen with only one task, or with some that
    /// another pod received.
    #[must_use]
    pub const fn is_sure(&self) -> bool {
        self.votes >= 2 && self.hits as u64 * 10 >= self.votes as u64 * 9
    }
}

/// One worker.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Its id; new at every start of the process.
    pub id: WorkerId,
    /// What it takes; `None` until a worker line said it.
    pub kind: Option<WorkerKind>,
    /// Whether it can be counted on.
    pub state: WorkerState,
    /// Why it was lost: given up after missed heartbeats, or gone without a word.
    pub timed_out: bool,
    /// When it was first heard of.
    pub first_seen: Timestamp,
    /// When it registered, where the log has it.
    pub registered_at: Option<Timestamp>,
    /// When the coordinator last listed it.
    pub last_seen: Timestamp,
    /// When it was lost.
    pub lost_at: Option<Timestamp>,
    /// Since when heartbeats cannot be sent to it.
    pub unreachable_since: Option<Timestamp>,
    /// When that last failed; it is tried every 5 s.
    pub unreachable_last: Option<Timestamp>,
    /// The coordinator's guess when it is free, Unix ms; 0 when idle.
    pub next_free_ms: u64,
    /// What it runs. For a lost worker: what it ran when it was lost.
    pub tasks: Vec<Running>,
    /// When its set of tasks last changed.
    pub changed_at: Timestamp,
    /// Tasks that left it, so far.
    pub finished: u64,
    /// Tasks that it ran when it was lost and that were given to others since.
    pub requeued: u32,
    /// The pod it seems to be.
    pub tie: Option<PodTie>,
    /// The number of the periodic block that last listed it; 0 for none.
    pub(super) block: u64,
    /// The source of that block, by its number in the model.
    pub(super) block_source: u32,
}

impl Worker {
    fn new(id: WorkerId, at: Timestamp) -> Self {
        Self {
            id,
            kind: None,
            state: WorkerState::Live,
            timed_out: false,
            first_seen: at,
            registered_at: None,
            last_seen: at,
            lost_at: None,
            unreachable_since: None,
            unreachable_last: None,
            next_free_ms: 0,
            tasks: Vec::new(),
            changed_at: at,
            finished: 0,
            requeued: 0,
            tie: None,
            block: 0,
            block_source: 0,
        }
    }

    /// True for a worker that is not lost.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.state != WorkerState::Lost
    }

    /// How many tasks of `kind` it runs.
    #[must_use]
    pub fn count(&self, kind: &TaskType) -> usize {
        self.tasks.iter().filter(|t| t.kind.as_ref() == Some(kind)).count()
    }
}

/// A place in [`Workers`]; valid until the worker is forgotten.
pub type WorkerIx = u32;

/// Lost workers are kept for this many more, then the longest lost go.
const MAX_LOST: usize = 2048;
/// No more workers than this are believed.
const MAX_WORKERS: usize = 65_536;

/// All workers.
#[derive(Clone, Debug, Default)]
pub struct Workers {
    list: Vec<Worker>,
    by_id: FxHashMap<WorkerId, WorkerIx>,
    /// Which worker's line came last, and for each worker which one followed it
    /// in the last block: the order seldom changes, and a guess that is checked
    /// costs less than a look into the table.
    last_line: WorkerIx,
    followed_by: Vec<WorkerIx>,
    /// Workers that could not be kept because there are too many.
    pub refused: u64,
}

impl Workers {
    /// All of them, lost ones too, in the order in which they were first seen.
    pub fn iter(&self) -> impl Iterator<Item = &Worker> {
        self.list.iter()
    }

    /// Those that are not lost.
    pub fn connected(&self) -> impl Iterator<Item = &Worker> {
        self.list.iter().filter(|w| w.is_connected())
    }

    /// The worker of that id.
    #[must_use]
    pub fn get(&self, id: &WorkerId) -> Option<&Worker> {
        self.by_id.get(id).and_then(|i| self.list.get(*i as usize))
    }

    /// How many there are, lost ones too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// [`Self::place`] for the lines of a periodic block.
    pub(super) fn place_in_block(&mut self, id: &WorkerId, at: Timestamp) -> Option<WorkerIx> {
        let last = self.last_line as usize;
        let guess = self.followed_by.get(last).copied().unwrap_or(0);
        let ix = match self.list.get(guess as usize) {
            Some(w) if w.id == *id => guess,
            _ => {
                let ix = self.place(id, at)?;
                if self.followed_by.len() <= last.max(ix as usize) {
                    self.followed_by.resize(self.list.len(), 0);
                }
                if let Some(f) = self.followed_by.get_mut(last) {
                    *f = ix;
                }
                ix
            }
        };
        self.last_line = ix;
        Some(ix)
    }

    /// The place of that worker, made when new; `None` when there are too many.
    pub(super) fn place(&mut self, id: &WorkerId, at: Timestamp) -> Option<WorkerIx> {
        if let Some(i) = self.by_id.get(id) {
            return Some(*i);
        }
        if self.list.len() >= MAX_WORKERS {
            self.refused += 1;
            return None;
        }
        let ix = WorkerIx::try_from(self.list.len()).ok()?;
        self.list.push(Worker::new(id.clone(), at));
        self.by_id.insert(id.clone(), ix);
        Some(ix)
    }

    pub(super) fn find(&self, id: &WorkerId) -> Option<WorkerIx> {
        self.by_id.get(id).copied()
    }

    pub(super) fn at(&self, ix: WorkerIx) -> Option<&Worker> {
        self.list.get(ix as usize)
    }

    pub(super) fn at_mut(&mut self, ix: WorkerIx) -> Option<&mut Worker> {
        self.list.get_mut(ix as usize)
    }

    /// Those that seem to be the pod that writes this log.
    pub(super) fn tied_to<'a>(&'a self, source: &'a SourceName) -> impl Iterator<Item = (WorkerIx, &'a Worker)> {
        (0..).zip(&self.list).filter(move |(_, w)| w.tie.as_ref().is_some_and(|t| t.source == *source))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (WorkerIx, &mut Worker)> {
        (0..).zip(self.list.iter_mut())
    }

    /// Forgets the longest lost workers beyond the bound. Places change only
    /// when it returns true.
    pub(super) fn prune(&mut self) -> bool {
        let lost = self.list.iter().filter(|w| !w.is_connected()).count();
        if lost <= MAX_LOST {
            return false;
        }
        let mut times: Vec<_> = self.list.iter().filter(|w| !w.is_connected()).map(|w| w.lost_at).collect();
        times.sort_unstable();
        // Half of the bound at once, so that this is rare.
        let cut = times[lost - MAX_LOST / 2];
        self.list.retain(|w| w.is_connected() || w.lost_at > cut);
        (self.last_line, self.followed_by) = (0, Vec::new());
        self.by_id = (0..).zip(&self.list).map(|(i, w)| (w.id.clone(), i)).collect();
        true
    }
}
