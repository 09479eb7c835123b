//! Counters and last times of troubles, for the alert rules.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::Model;
use crate::base::{ProofId, Ring, SourceName, TaskId, TaskType, Timestamp, WorkerKind};
use crate::event::{ApiEvent, Component, CoordinatorEvent, NodeEvent, StoreEvent, TaskFailure, What};

/// A kind of trouble that logs complain about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// The coordinator cannot list requests at the API.
    ApiUnreachable,
    /// The coordinator could not write a proof's end to the API.
    StatusWriteFailed,
    /// The API or its database failed.
    Api,
    /// Uploads wait because Redis is near its `maxmemory`.
    StorePressure,
    /// An upload was given up for that.
    StoreUploadFailed,
    /// The artifact store does not answer.
    StoreUnreachable,
    /// An artifact is gone or cut.
    ArtifactMissing,
    /// Redis has no `maxmemory`.
    MaxmemoryUnset,
    /// The coordinator held a lock for over 100 ms.
    SlowLock,
    /// A node lost its stream to the coordinator.
    ChannelLost,
    /// A node's processor is starved: its watchdog ticks late.
    Starved,
    /// A node takes no work: no memory to count on.
    NoCapacity,
    /// /dev/shm is full.
    ShmFull,
    /// The executor's memory monitor killed the guest.
    MemoryMonitor,
    /// A node panicked outside a task.
    Panicked,
    /// The maximum weight set is above the memory measured.
    OverrideAboveRam,
    /// A row of the API that can never be claimed.
    MalformedRow,
    /// A cpu-node downloads circuits before it connects.
    CircuitsDownloading,
}

/// Complaints of one kind from one source that follow each other closely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The first of this run.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
    /// When the last one was heard, by the time that all data had reached then:
    /// containers' clocks differ.
    pub heard: Timestamp,
    /// How many in this run.
    pub count: u64,
    /// What the last one said, shortened.
    pub text: String,
    /// When the source said that it is over, after `last`.
    pub over: Option<Timestamp>,
}

/// Longer than this apart they are another run. The coordinator repeats what it
/// cannot do every 0.5 s to 10 s.
const APART: Duration = Duration::from_secs(60);

/// A task that was tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// When.
    pub at: Timestamp,
    /// The task.
    pub task: TaskId,
    /// Its proof, where the task is known.
    pub proof: Option<ProofId>,
    /// Its type, where known.
    pub kind: Option<TaskType>,
    /// True when it will not be tried again.
    pub exhausted: bool,
}

/// A task that failed on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFailure {
    /// When.
    pub at: Timestamp,
    /// The node's log.
    pub source: SourceName,
    /// The task's proof.
    pub proof: ProofId,
    /// The task.
    pub task: TaskId,
    /// Its type where the line says it.
    pub kind: Option<TaskType>,
    /// How.
    pub failure: TaskFailure,
    /// The first line of the error.
    pub error: String,
}

/// What a node computed for its maximum weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedMax {
    /// Memory in GB that it measured.
    pub total_ram_gb: u32,
    /// Size of /dev/shm in GB, where measured.
    pub shm_gb: Option<u32>,
    /// What it tells the coordinator.
    pub max_weight: u32,
    /// What it takes, where it said so.
    pub kind: Option<WorkerKind>,
}

/// What a coordinator's log source last told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When its stats last came.
    pub stats_at: Timestamp,
    /// Their `total_tasks`.
    pub total_tasks: Option<u64>,
    /// Stats so far.
    pub count: u64,
    /// The times of the last ones.
    recent: [Timestamp; 4],
}

impl Heard {
    /// True where both logs have the same stats: copies of one log.
    #[must_use]
    pub fn shares(&self, other: &Self) -> bool {
        self.recent.iter().any(|t| t.is_set() && other.recent.contains(t))
    }
}

/// What the logs complained about, counted and bounded.
#[derive(Clone, Debug)]
pub struct Signals {
    complaints: BTreeMap<(Trouble, SourceName), Complaint>,
    retries: Ring<Retry>,
    failures: Ring<NodeFailure>,
    max_weights: BTreeMap<SourceName, LoggedMax>,
    kinds: BTreeMap<SourceName, WorkerKind>,
    heard: BTreeMap<SourceName, Heard>,
    slow_locks: Ring<Timestamp>,
    totals: BTreeMap<SourceName, u64>,
    flaps: Ring<Timestamp>,
    tasks_made_at: Option<Timestamp>,
    draining: BTreeMap<SourceName, Timestamp>,
    /// The time that all data had reached when the event that is noted came.
    now: Timestamp,
    /// Writes of ends to the API that may be on their way: their success is not logged.
    writes: VecDeque<(ProofId, Timestamp)>,
    lost_writes: BTreeMap<ProofId, Timestamp>,
    /// The coordinator was told to stop.
    pub shutting_down: Option<Timestamp>,
    /// A coordinator's process began.
    pub process_started: Option<Timestamp>,
    /// Whose log said so.
    pub process_source: Option<SourceName>,
    /// Lines from a coordinator's log that are not stats came last at.
    pub coordinator_spoke: Option<Timestamp>,
}

impl Default for Signals {
    fn default() -> Self {
        Self {
            complaints: BTreeMap::new(),
            retries: Ring::new(256),
            failures: Ring::new(128),
            max_weights: BTreeMap::new(),
            kinds: BTreeMap::new(),
            heard: BTreeMap::new(),
            slow_locks: Ring::new(256),
            totals: BTreeMap::new(),
            flaps: Ring::new(16),
            tasks_made_at: None,
            draining: BTreeMap::new(),
            now: Timestamp::ZERO,
            writes: VecDeque::new(),
            lost_writes: BTreeMap::new(),
            shutting_down: None,
            process_started: None,
            process_source: None,
            coordinator_spoke: None,
        }
    }
}

/// Sources whose complaints are remembered.
const MAX_SOURCES: usize = 4096;
const TEXT: usize = 200;
/// A write is tried for about 10 s before it is given up.
const WRITE_GIVES_UP: Duration = Duration::from_secs(13);

fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    match line.char_indices().nth(TEXT) {
        Some((i, _)) => format!("{}…", &line[..i]),
        None => line.to_owned(),
    }
}

impl Signals {
    /// Takes note of an event before the model does.
    pub(super) fn note(&mut self, now: Timestamp, at: Timestamp, source: &SourceName, what: &What) {
        self.now = now;
        match what {
            What::Coordinator(e) => self.coordinator(at, source, e),
            What::Node(e) => self.node(at, source, e),
            What::Store(e) => self.store(at, source, e),
            What::Api(ApiEvent::Trouble { text }) => self.complain(Trouble::Api, at, source, text),
            What::Stats(s) => {
                self.count_tasks(at, source, s.total_tasks);
                if s.from_grpc {
                    return;
                }
                if !self.heard.contains_key(source) && self.heard.len() >= 64 {
                    self.heard.clear();
                }
                let h = self.heard.entry(source.clone()).or_insert(Heard {
                    stats_at: at,
                    total_tasks: None,
                    count: 0,
                    recent: [Timestamp::ZERO; 4],
                });
                h.recent.rotate_right(1);
                h.recent[0] = at;
                (h.stats_at, h.total_tasks) = (h.stats_at.max(at), s.total_tasks);
                h.count += 1;
            }
            _ => {}
        }
    }

    fn count_tasks(&mut self, at: Timestamp, source: &SourceName, total: Option<u64>) {
        let Some(total) = total else { return };
        if self.totals.len() >= 64 && !self.totals.contains_key(source) {
            self.totals.clear();
        }
        let before = self.totals.insert(source.clone(), total);
        match before {
            Some(b) if total < b => {
                self.flaps.push(at);
                self.tasks_made_at = self.tasks_made_at.max(Some(at));
            }
            Some(b) if total == b => {}
            _ => self.tasks_made_at = self.tasks_made_at.max(Some(at)),
        }
    }

    /// When the coordinator last made a task, by `total_tasks`.
    #[must_use]
    pub const fn tasks_made_at(&self) -> Option<Timestamp> {
        self.tasks_made_at
    }

    /// How often `total_tasks` of one source fell since then: once after a
    /// restart, again and again where two coordinators answer in turn.
    #[must_use]
    pub fn flaps_since(&self, since: Timestamp) -> usize {
        self.flaps.iter().rev().take_while(|t| **t >= since).count()
    }

    /// Proofs whose end could not be written to the API, and when they ended.
    pub fn lost_writes(&self) -> impl Iterator<Item = (&ProofId, &Timestamp)> {
        self.lost_writes.iter()
    }

    /// A write of a proof's end failed: the oldest one that may still be on its way.
    fn write_failed(&mut self, at: Timestamp) {
        self.writes.retain(|(_, t)| at.since(*t) < WRITE_GIVES_UP);
        if let Some((proof, ended)) = self.writes.pop_front()
            && self.lost_writes.len() < 256
        {
            self.lost_writes.insert(proof, ended);
        }
    }

    fn complain(&mut self, what: Trouble, at: Timestamp, source: &SourceName, text: &str) {
        if self.complaints.len() >= MAX_SOURCES {
            self.complaints.retain(|_, c| at.since(c.last) < APART);
        }
        let c = self.complaints.entry((what, source.clone())).or_insert(Complaint {
            first: at,
            last: at,
            heard: self.now,
            count: 0,
            text: String::new(),
            over: None,
        });
        if at.since(c.last) > APART || c.over.is_some() {
            (c.first, c.count, c.over) = (at, 0, None);
        }
        c.last = c.last.max(at);
        c.heard = self.now;
        c.count += 1;
        c.text = shorten(text);
    }

    fn is_over(&mut self, what: Trouble, at: Timestamp, source: &SourceName) {
        if let Some(c) = self.complaints.get_mut(&(what, source.clone())) {
            c.over.get_or_insert(at);
        }
    }

    fn coordinator(&mut self, at: Timestamp, source: &SourceName, event: &CoordinatorEvent) {
        use CoordinatorEvent as C;
        self.coordinator_spoke = self.coordinator_spoke.max(Some(at));
        match event {
            C::ApiUnreachable { error } => self.complain(Trouble::ApiUnreachable, at, source, error),
            C::StatusWrite { proof, .. } => {
                if self.writes.len() >= 256 {
                    self.writes.pop_front();
                }
                self.writes.push_back((proof.clone(), at));
            }
            C::StatusWriteFailed { error } => {
                self.complain(Trouble::StatusWriteFailed, at, source, error);
                self.write_failed(at);
            }
            C::StatusReissueFailed { proof } => {
                if self.lost_writes.len() < 256 {
                    self.lost_writes.entry(proof.clone()).or_insert(at);
                }
                self.complain(Trouble::StatusWriteFailed, at, source, &format!("writing the end of {proof} again failed"));
            }
            // It claims and writes again: the API answers.
            C::ProofCreated { .. } => self.is_over(Trouble::ApiUnreachable, at, source),
            C::StatusReissued { proof } => {
                self.is_over(Trouble::ApiUnreachable, at, source);
                self.is_over(Trouble::StatusWriteFailed, at, source);
                self.lost_writes.remove(proof);
            }
            C::SlowLock { took, kind } => {
                self.slow_locks.push(at);
                self.complain(Trouble::SlowLock, at, source, &format!("{} ms for {kind}", took.as_millis()));
            }
            C::MalformedRow { proof, what } => self.complain(Trouble::MalformedRow, at, source, &format!("{proof}: {what}")),
            C::ShuttingDown => self.shutting_down = Some(at),
            C::ProcessStarted | C::Listening { .. } => {
                self.process_started = self.process_started.max(Some(at));
                self.process_source = Some(source.clone());
            }
            _ => {}
        }
    }

    fn node(&mut self, at: Timestamp, source: &SourceName, event: &NodeEvent) {
        use NodeEvent as N;
        match event {
            N::Started { kind: Some(kind) } => {
                if self.kinds.len() < MAX_SOURCES {
                    self.kinds.insert(source.clone(), *kind);
                }
                self.is_over(Trouble::CircuitsDownloading, at, source);
                self.is_over(Trouble::NoCapacity, at, source);
                self.draining.remove(source);
            }
            N::Draining { .. } => {
                if self.draining.len() >= MAX_SOURCES {
                    self.draining.clear();
                }
                self.draining.entry(source.clone()).or_insert(at);
            }
            N::MaxWeight { total_ram_gb, shm_gb, max_weight } => {
                let kind = self.kinds.get(source).copied();
                if self.max_weights.len() < MAX_SOURCES {
                    let max = LoggedMax { total_ram_gb: *total_ram_gb, shm_gb: *shm_gb, max_weight: *max_weight, kind };
                    self.max_weights.insert(source.clone(), max);
                }
                if *max_weight > 0 {
                    self.is_over(Trouble::NoCapacity, at, source);
                }
            }
            N::OverrideAboveRam { max_weight, total_ram_gb } => {
                let text = format!("WORKER_MAX_WEIGHT_OVERRIDE={max_weight} with {total_ram_gb} GB of memory");
                self.complain(Trouble::OverrideAboveRam, at, source, &text);
            }
            N::NoCapacity { text } => self.complain(Trouble::NoCapacity, at, source, text),
            N::ChannelLost { text } | N::ConnectFailed { error: text } => self.complain(Trouble::ChannelLost, at, source, text),
            N::Starved { late } => self.complain(Trouble::Starved, at, source, &format!("{:.1}s late", late.as_secs_f64())),
            N::MemoryMonitorKill { text } => self.complain(Trouble::MemoryMonitor, at, source, text),
            N::ShmFull => self.complain(Trouble::ShmFull, at, source, "/dev/shm is full"),
            N::Panicked { text } => self.complain(Trouble::Panicked, at, source, text),
            N::CircuitsDownloading => self.complain(Trouble::CircuitsDownloading, at, source, "downloading circuits"),
            N::CircuitsReady => self.is_over(Trouble::CircuitsDownloading, at, source),
            N::TaskFailed { proof, task, kind, failure, error } => {
                self.failures.push(NodeFailure {
                    at,
                    source: source.clone(),
                    proof: proof.clone(),
                    task: task.clone(),
                    kind: kind.clone(),
                    failure: *failure,
                    error: shorten(error),
                });
            }
            _ => {}
        }
    }

    fn store(&mut self, at: Timestamp, source: &SourceName, event: &StoreEvent) {
        use StoreEvent as S;
        match event {
            S::Backpressure { shard, used, max, waited, failed } => {
                let percent = used.saturating_mul(100).checked_div(*max).unwrap_or(0);
                let text = format!("shard {shard} at {percent}% of maxmemory, an upload has waited {}s", waited.as_secs());
                self.complain(if *failed { Trouble::StoreUploadFailed } else { Trouble::StorePressure }, at, source, &text);
            }
            S::Resumed { .. } => self.is_over(Trouble::StorePressure, at, source),
            S::Unreachable { text } => self.complain(Trouble::StoreUnreachable, at, source, text),
            S::Missing { text } => self.complain(Trouble::ArtifactMissing, at, source, text),
            S::MaxmemoryUnset => self.complain(Trouble::MaxmemoryUnset, at, source, "maxmemory is 0"),
            S::Uploaded { .. } | S::Downloaded { .. } => self.is_over(Trouble::StoreUnreachable, at, source),
            S::Kind { .. } => {}
        }
    }

    /// A task was tried again, or will not be.
    pub(super) fn retried(&mut self, retry: Retry) {
        self.retries.push(retry);
    }

    /// Complaints of that kind, by source.
    pub fn complaints(&self, what: Trouble) -> impl Iterator<Item = (&SourceName, &Complaint)> {
        self.complaints.iter().filter(move |((w, _), _)| *w == what).map(|((_, s), c)| (s, c))
    }

    /// The newest complaint of that kind of any source.
    #[must_use]
    pub fn latest(&self, what: Trouble) -> Option<(&SourceName, &Complaint)> {
        self.complaints(what).max_by_key(|(_, c)| c.last)
    }

    /// Retries, oldest first.
    pub fn retries(&self) -> impl DoubleEndedIterator<Item = &Retry> {
        self.retries.iter()
    }

    /// Tasks that failed on nodes whose logs are read, oldest first.
    pub fn failures(&self) -> impl DoubleEndedIterator<Item = &NodeFailure> {
        self.failures.iter()
    }

    /// When the coordinator held a lock too long, oldest first.
    pub fn slow_locks(&self) -> impl DoubleEndedIterator<Item = &Timestamp> {
        self.slow_locks.iter()
    }

    /// The coordinators' logs and when stats last came from each.
    pub fn heard(&self) -> impl Iterator<Item = (&SourceName, &Heard)> {
        self.heard.iter()
    }

    /// Since when the node behind `source` has been told to stop and finishes
    /// what it has.
    #[must_use]
    pub fn draining(&self, source: &SourceName) -> Option<Timestamp> {
        self.draining.get(source).copied()
    }

    /// What nodes said of their maximum weight.
    pub fn max_weights(&self) -> impl Iterator<Item = (&SourceName, &LoggedMax)> {
        self.max_weights.iter()
    }

    /// The maximum weight that the node behind `source` computed.
    #[must_use]
    pub fn max_weight_of(&self, source: &SourceName) -> Option<u32> {
        self.max_weights.get(source).map(|m| m.max_weight)
    }

    /// The maximum weight that nodes of `kind` computed, where they agree.
    #[must_use]
    pub fn max_weight_logged(&self, kind: WorkerKind, model: &Model) -> Option<u32> {
        let is = |source: &SourceName, m: &LoggedMax| match m.kind {
            Some(k) => k == kind,
            None => match model.sources.get(source).and_then(|s| s.component) {
                Some(Component::CpuNode) => kind == WorkerKind::Cpu,
                Some(Component::GpuNode) => kind == WorkerKind::Gpu,
                _ => false,
            },
        };
        let mut values = self.max_weights.iter().filter(|(s, m)| is(s, m)).map(|(_, m)| m.max_weight);
        let first = values.next()?;
        values.all(|v| v == first).then_some(first)
    }
}
