//! What is known of the cluster, as of a time in the data.
//!
//! [`Model::apply`] is the only place that looks into an event. Everything else
//! (alert rules, views, JSON) reads `&Model`. All collections are bounded by
//! construction; nothing here reads a clock: `now` moves with the envelopes.

mod changes;
mod counters;
mod durations;
mod eta;
mod history;
mod jobs;
mod kube;
mod logs;
mod moments;
mod over;
mod pauses;
mod proofs;
mod runs;
mod signals;
mod sources;
mod spans;
mod tasks;
mod weighing;
mod workers;

use rustc_hash::FxHashMap;

pub use changes::Changes;
pub use counters::{Counters, OfType};
pub use durations::{Durations, Typical};
pub use eta::Eta;
pub use history::{Gauge, History, Point, Sample};
pub use jobs::{Job, Jobs};
pub use kube::{ContainerDeath, Kube, Pod};
pub use logs::{LogEntry, Logs};
pub use moments::{Moment, MomentKind, Moments};
pub use proofs::{Proof, Proofs, SpanEnd, Stage, Tallies, Tally, TaskSpan};
pub use runs::{ProgramRun, RunLine, Runs};
pub use signals::{Complaint, Heard, LoggedMax, NodeFailure, Retry, Signals, Trouble};
pub use sources::{Source, Sources};
pub use tasks::{Task, Tasks};
pub use weighing::Weighing;
pub use workers::{PodTie, Running, Worker, WorkerIx, WorkerState, Workers};

use crate::base::{SourceName, Timestamp};
use crate::envelope::Session;
use crate::event::{Batch, ClientEvent, Component, ComponentVersion, CoordinatorEvent, Event, ProofStatus, Stats, StatsSource, What};

use pauses::Pauses;

/// Stats with their time and origin.
#[derive(Clone, Debug)]
pub struct StatsNow {
    /// The time of the line, or of the answer.
    pub at: Timestamp,
    /// From the log or from gRPC.
    pub origin: StatsSource,
    /// Which source.
    pub source: SourceName,
    /// When they came, by the time that all data had reached then: the
    /// coordinator's clock may differ from others'.
    pub heard: Timestamp,
    /// The fields.
    pub stats: Stats,
}

/// What is known of the coordinator's process.
#[derive(Clone, Debug, Default)]
pub struct Coordinator {
    /// `"<sha> <build time>"`
    pub version: Option<String>,
    /// For example `v6.1.0`.
    pub circuit: Option<String>,
    /// When it last began, where seen.
    pub started_at: Option<Timestamp>,
    /// Restarts noticed since this program watches.
    pub restarts: u32,
    /// When the last of them was.
    pub restarted_at: Option<Timestamp>,
    /// Lines that only v2.7.0 and later print were seen: `(location: …)`.
    pub prints_location: bool,
    /// Lines that only v2.4.0 and later print were seen: `(last heartbeat …)`.
    pub prints_heartbeat_age: bool,
    /// Items of the `inputs:` list: 6 since v2.3.0.
    pub claim_items: Option<usize>,
}

/// Progress of a periodic block within one log source.
#[derive(Clone, Debug, Default)]
struct Block {
    /// Number of the current block, unique over all sources; 0 before the first.
    number: u64,
    /// A stats line has opened it and nothing has closed it yet.
    open: bool,
    /// When it was opened.
    at: Timestamp,
    /// When a line of it last came: a log that is read late may be cut in its midst.
    heard: Timestamp,
    /// Workers that its stats line promises (CPU and GPU; ALL are not counted).
    promised: u32,
    /// Worker lines seen.
    lines: u32,
    /// Worker lines when it was last looked whether all are there.
    looked: u32,
    /// The queues that its stats line tells.
    queues: (Option<u32>, Option<u32>),
}

/// Everything known of the cluster.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The time that the data has reached.
    pub now: Timestamp,
    /// The time of the first data.
    pub first: Timestamp,
    /// When the first envelope came: from then on things can be seen to last.
    pub opened: Timestamp,
    /// The last envelope taken in.
    pub seq: u64,
    /// What is looked at.
    pub session: Session,
    /// The coordinator's process.
    pub coordinator: Coordinator,
    /// The newest stats of any source.
    pub stats: Option<StatsNow>,
    /// The newest stats from the log.
    pub stats_log: Option<StatsNow>,
    /// The newest stats from gRPC.
    pub stats_grpc: Option<StatsNow>,
    /// Stats over time.
    pub history: History,
    /// Workers, lost ones too.
    pub workers: Workers,
    /// Unfinished tasks that have been seen.
    pub tasks: Tasks,
    /// Proofs, finished ones too.
    pub proofs: Proofs,
    /// How long tasks take here.
    pub durations: Durations,
    /// Kubernetes.
    pub kube: Kube,
    /// Proofs that this program sends.
    pub jobs: Jobs,
    /// The program of op-succinct that this program runs.
    pub runs: Runs,
    /// Versions as the API knows them.
    pub manifest: Vec<ComponentVersion>,
    /// The last log records.
    pub logs: Logs,
    /// The sources of all this.
    pub sources: Sources,
    /// Changes that were asked for from the screen.
    pub changes: Changes,
    /// What happened, for people.
    pub moments: Moments,
    /// Counters and last times of troubles, for the alert rules.
    pub signals: Signals,
    /// What tasks on CPU workers are seen to weigh.
    pub weighing: Weighing,
    /// Grows when something changed that alert rules look at.
    revision: u64,
    /// When data came since the last stats, or since a pause in it, the first and
    /// the last: a log that pauses shows nothing, one that goes on without stats does.
    since_stats: Option<(Timestamp, Timestamp)>,
    /// When a worker's line of a block came last.
    listed_at: Option<Timestamp>,
    pauses: Pauses,
    /// The coordinator's newest time, and what all data had reached when it came.
    coordinator_clock: Option<(Timestamp, Timestamp)>,
    blocks: FxHashMap<u32, Block>,
    source_numbers: FxHashMap<SourceName, u32>,
    next_block: u64,
    /// The claim lines before `Created proof`, by source.
    claim: FxHashMap<u32, Claim>,
}

/// `inputs:` and `outputs:` wait here for their `Created proof`.
#[derive(Clone, Debug, Default)]
struct Claim {
    program: Option<String>,
    stdin: Option<String>,
    mode: Option<crate::event::ProofMode>,
    proof_artifact: Option<String>,
}

impl Model {
    /// A model that knows nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the events of one envelope.
    pub fn apply(&mut self, batch: Batch) {
        self.seq = batch.seq;
        if !self.first.is_set() {
            self.first = batch.at;
            self.opened = batch.at;
        }
        self.now = self.now.max(batch.at);
        self.pauses.heard(self.now);
        let Batch { source, events, unread, bytes, at: env_at, .. } = batch;
        let number = self.source_number(&source);
        // What this program says of itself is no data, and what it looks at is no source.
        let own = |e: &Event| matches!(e.what, What::Tick | What::Source(_) | What::Session(_));
        let data = if events.is_empty() { bytes > 0 } else { events.iter().any(|e| !own(e)) };
        if data || !unread.is_empty() {
            let newest = events.iter().map(|e| e.at).max();
            let s = self.sources.entry(&source);
            s.envelopes += 1;
            s.bytes += bytes;
            s.last_at = Some(env_at).filter(|t| t.is_set()).or(s.last_at);
            s.last_data = s.last_data.max(newest.filter(|t| t.is_set()));
            // What belongs to their block says nothing.
            if self.stats.as_ref().is_some_and(|s| self.now.since(s.heard) > std::time::Duration::from_secs(3)) {
                let goes_on = |s: &(Timestamp, Timestamp)| self.now.since(s.1) <= std::time::Duration::from_secs(30);
                let first = self.since_stats.filter(goes_on).map_or(self.now, |s| s.0);
                self.since_stats = Some((first, self.now));
            }
            for u in unread {
                *s.unread.entry(u.why).or_default() += 1;
                s.unread_recent.push(u);
            }
        }
        for event in events {
            self.event(&source, number, event);
        }
        self.close_full_blocks();
        self.close_silent_blocks();
    }

    /// A number that differs when anything but the time and the lines of an
    /// unfinished block has changed.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// What the coordinator's clock shows now. Times in its log are compared with
    /// this one: the clocks of containers on other nodes may be ahead or behind.
    #[must_use]
    pub fn coordinator_now(&self) -> Timestamp {
        self.coordinator_clock.map_or(self.now, |(at, heard)| at.plus(self.now.since(heard)))
    }

    /// How long a task that is listed has surely run since then: until the last
    /// periodic block, as it may have ended after that.
    #[must_use]
    pub fn surely_ran(&self, since: Timestamp) -> std::time::Duration {
        self.stats_log.as_ref().map_or(self.now, |s| s.at).since(since)
    }

    /// When anything came since the last stats, the first and the last of it.
    #[must_use]
    pub const fn since_stats(&self) -> Option<(Timestamp, Timestamp)> {
        self.since_stats
    }

    /// When the coordinator last listed a worker, with its stats or without.
    #[must_use]
    pub const fn listed_at(&self) -> Option<Timestamp> {
        self.listed_at
    }

    /// True while a periodic block has begun and its workers are not all listed:
    /// what is known of tasks is half old, half new.
    #[must_use]
    pub fn in_block(&self) -> bool {
        self.blocks.values().any(|b| b.open)
    }

    /// True for some seconds after this program went on from a pause: what it knows
    /// is as old as the pause was long, and the sources tell what is new first.
    #[must_use]
    pub fn is_waking(&self) -> bool {
        // In files a gap is a gap of the data.
        !matches!(self.session.mode.as_str(), "files" | "replay") && self.pauses.is_waking(self.now, self.stats.as_ref().map(|s| s.heard))
    }

    fn source_number(&mut self, source: &SourceName) -> u32 {
        if let Some(n) = self.source_numbers.get(source) {
            return *n;
        }
        // Sources come and go with pods; their numbers only tie blocks together.
        if self.source_numbers.len() > 16_384 {
            self.source_numbers.clear();
            self.blocks.clear();
            self.claim.clear();
        }
        let n = u32::try_from(self.source_numbers.len()).unwrap_or(u32::MAX);
        self.source_numbers.insert(source.clone(), n);
        n
    }

    fn event(&mut self, source: &SourceName, number: u32, event: Event) {
        let Event { at, what } = event;
        // The hot path first: a thousand of these to everything else.
        if let What::Worker(report) = what {
            self.listed_at = Some(self.now);
            self.worker_report(number, at, report);
            return;
        }
        if !matches!(what, What::Log(_) | What::LogMore(_) | What::Tick | What::Metrics(_)) {
            self.revision += 1;
        }
        if matches!(what, What::Coordinator(_) | What::Stats(_)) && self.coordinator_clock.is_none_or(|(t, _)| t <= at) {
            self.coordinator_clock = Some((at, self.now));
        }
        self.signals.note(self.now, at, source, &what);
        match what {
            What::Log(record) => {
                let component = self.sources.get(source).and_then(|s| s.component);
                self.logs.push(at, source, component, record);
            }
            What::LogMore(text) => self.logs.append(source, &text),
            What::ComponentTold(c) => self.component_told(source, c),
            What::Stats(stats) => self.stats(source, number, at, *stats),
            What::Coordinator(e) => self.coordinator_event(number, at, e),
            What::Node(e) => self.node_event(source, at, e),
            What::Client(ClientEvent::Submitted { proof }) => {
                self.proofs.entry(&proof, at);
            }
            What::Job(note) => self.jobs.note(at, *note),
            What::Run(note) => self.runs.note(at, *note),
            What::Tick => self.pauses.tick(at),
            What::Worker(_) | What::Api(_) | What::Store(_) | What::Client(_) => {}
            What::Metrics(m) => {
                let pod = self.sources.get(source).and_then(|s| s.pod.clone());
                if let Some(pod) = pod {
                    self.kube.metrics(&pod, at, &m);
                }
            }
            What::Kube(e) => {
                let now = self.now;
                for death in self.kube.apply(now, e) {
                    let text = format!(
                        "{} terminated: {} (exit code {}), restart {}",
                        death.pod, death.termination.reason, death.termination.exit_code, death.restarts
                    );
                    self.moments.push(death.termination.at.unwrap_or(now), MomentKind::ContainerDied, text);
                }
            }
            What::ProofRows(rows) => {
                let now = self.now;
                for row in rows {
                    self.proofs.row(now, &row);
                }
            }
            What::Manifest(m) => self.manifest = m,
            What::Change(news) => self.changes.apply(*news),
            What::PodMetrics(list) => {
                for u in list {
                    self.kube.usage(u);
                }
            }
            What::Source(update) => {
                let s = self.sources.entry(source);
                if s.state != Some(update.state) {
                    s.state_since = at;
                }
                s.state = Some(update.state);
                s.detail = update.detail;
                s.dropped += update.dropped;
                s.component = update.component.as_deref().and_then(Component::read).or(s.component);
                s.pod = update.pod.or(s.pod.take());
            }
            What::Session(s) => self.session = s,
        }
    }

    fn component_told(&mut self, source: &SourceName, told: Component) {
        let s = self.sources.entry(source);
        // A node's text does not say which kind; what was told beforehand does.
        let vaguer = told == Component::Node && matches!(s.component, Some(Component::CpuNode | Component::GpuNode));
        if !vaguer {
            s.component = Some(told);
        }
    }

    fn stats(&mut self, source: &SourceName, number: u32, at: Timestamp, stats: Stats) {
        // A log's tail is older than its arrival.
        self.first = self.first.min(at);
        let from_grpc = stats.from_grpc;
        let previous = if from_grpc { &self.stats_grpc } else { &self.stats_log };
        let fell = previous.as_ref().is_some_and(|p| {
            p.at <= at && p.source == *source && matches!((p.stats.total_tasks, stats.total_tasks), (Some(a), Some(b)) if b < a)
        });
        if fell {
            self.coordinator_restarted(at);
        }
        if let Some(v) = &stats.coordinator_version {
            self.coordinator.version = Some(v.clone());
        }
        if let Some(v) = &stats.sp1_circuit_version {
            self.coordinator.circuit = Some(v.clone());
        }
        self.history.push(at, &stats);
        if !from_grpc {
            self.close_block(number);
            self.next_block += 1;
            self.blocks.insert(
                number,
                Block {
                    number: self.next_block,
                    open: true,
                    at,
                    heard: self.now,
                    promised: stats.cpu_workers.unwrap_or(0).saturating_add(stats.gpu_workers.unwrap_or(0)),
                    lines: 0,
                    looked: 0,
                    queues: (stats.cpu_queue, stats.gpu_queue),
                },
            );
        }
        let origin = if from_grpc { StatsSource::Grpc } else { StatsSource::Log };
        let now = StatsNow { at, origin, source: source.clone(), heard: self.now, stats };
        let newest = self.stats.as_ref().is_none_or(|s| s.at <= at);
        if newest {
            self.stats = Some(now.clone());
            self.since_stats = None;
        }
        *(if from_grpc { &mut self.stats_grpc } else { &mut self.stats_log }) = Some(now);
    }

    /// The coordinator lost its memory: workers and tasks begin anew.
    fn coordinator_restarted(&mut self, at: Timestamp) {
        const SAME: std::time::Duration = std::time::Duration::from_secs(60);
        let known = self.coordinator.restarted_at.or(self.coordinator.started_at);
        if known.is_some_and(|t| at.since(t) < SAME && t.since(at) < SAME) {
            return;
        }
        self.coordinator.restarts += 1;
        self.coordinator.restarted_at = Some(at);
        self.moments.push(at, MomentKind::CoordinatorRestarted, "coordinator restarted: its memory is lost, proofs start anew".into());
        self.forget_assignments(at);
    }

    fn coordinator_event(&mut self, number: u32, at: Timestamp, event: CoordinatorEvent) {
        use CoordinatorEvent as C;
        match event {
            C::Listening { version } => {
                self.coordinator.version = Some(version);
                // A process may print its first stats just before this line.
                let own = |s: &StatsNow| at.since(s.at) < std::time::Duration::from_secs(2) && s.stats.total_tasks == Some(0);
                // A log's tail may bring this line after later news of the same process.
                let before = |s: &StatsNow| s.at < at && !own(s);
                let had = self.stats.as_ref().is_some_and(before) || self.workers.iter().any(|w| w.first_seen < at);
                if had {
                    self.coordinator_restarted(at);
                }
                self.coordinator.started_at = Some(at);
            }
            C::WorkerRegistered { worker, has_location } => {
                self.coordinator.prints_location |= has_location;
                self.worker_registered(at, &worker);
            }
            C::WorkerTimedOut { worker, heartbeat_age_secs } => {
                self.coordinator.prints_heartbeat_age |= heartbeat_age_secs.is_some();
                self.worker_timed_out(at, &worker, heartbeat_age_secs);
            }
            C::HeartbeatFailed { worker } | C::SendFailed { worker } => {
                if let Some(ix) = self.workers.find(&worker)
                    && let Some(w) = self.workers.at_mut(ix)
                    && w.is_connected()
                {
                    w.state = WorkerState::Late;
                    w.unreachable_since.get_or_insert(at);
                    w.unreachable_last = Some(at);
                }
            }
            C::ClaimInputs { program, stdin, mode, items } => {
                self.coordinator.claim_items = Some(items);
                let c = self.claim.entry(number).or_default();
                *c = Claim { program: Some(program), stdin: Some(stdin), mode, proof_artifact: None };
            }
            C::ClaimOutputs { proof_artifact } => self.claim.entry(number).or_default().proof_artifact = Some(proof_artifact),
            C::ProofCreated { proof, task } => {
                let claim = self.claim.remove(&number).unwrap_or_default();
                let p = self.proofs.entry(&proof, at);
                if p.claimed_at == Some(at) && p.controller.as_ref() == Some(&task) {
                    // The same line from another copy of the log.
                    return;
                }
                if p.claims > 0 {
                    p.restart();
                }
                p.claims += 1;
                p.status = Some(ProofStatus::Running);
                p.ended_at = None;
                p.coordinator_end = None;
                p.claimed_at = Some(at);
                p.progress_at = at;
                p.controller = Some(task);
                p.mode = claim.mode.or(p.mode);
                p.program_artifact = claim.program.or(p.program_artifact.take());
                p.stdin_artifact = claim.stdin.or(p.stdin_artifact.take());
                p.proof_artifact = claim.proof_artifact.or(p.proof_artifact.take());
                self.moments.push(at, MomentKind::ProofClaimed, format!("proof {proof} claimed"));
            }
            C::ProofCompleted { proof } => self.proof_ended(at, &proof, ProofStatus::Completed, None),
            C::ProofFailed { proof, reason, .. } => self.proof_ended(at, &proof, ProofStatus::Failed, reason),
            C::StatusWrite { proof, status } => self.proof_ended(at, &proof, status, None),
            C::ProofGone { proof } => {
                let p = self.proofs.entry(&proof, at);
                let expired = p.deadline.is_some_and(|d| d <= at);
                p.failure.get_or_insert_with(|| {
                    if expired {
                        "its deadline passed".into()
                    } else {
                        "no longer pending in the API: cancelled, or past its deadline".into()
                    }
                });
                self.proof_ended(at, &proof, ProofStatus::Cancelled, None);
            }
            C::ProofOutOfRetries { proof } => {
                let p = self.proofs.entry(&proof, at);
                p.failure.get_or_insert_with(|| "a task that it cannot do without is out of retries".into());
            }
            C::TaskCreated { proof, task, kind } => self.task_created(at, &proof, &task, kind),
            C::TaskStarted { proof, task, kind, worker } => self.task_started(at, proof, task, kind, &worker),
            C::TaskCompleted { task, worker, .. } => self.task_completed(at, &task, &worker),
            C::TaskRetrying { task } => self.task_retrying(at, &task),
            C::TaskExhausted { task } => self.task_exhausted(at, &task),
            C::ApiUnreachable { .. } => self.moments.once(at, MomentKind::ApiUnreachable, "the coordinator cannot reach the API".into()),
            C::ProcessStarted
            | C::ShuttingDown
            | C::Stopped
            | C::WorkerReconnected
            | C::Churn { .. }
            | C::StatusWriteFailed { .. }
            | C::StatusReissued { .. }
            | C::StatusReissueFailed { .. }
            | C::ProofDrained { .. }
            | C::MalformedRow { .. }
            | C::TaskFailing { .. }
            | C::NoWorkerAvailable
            | C::SlowLock { .. }
            | C::ManifestPushFailed { .. }
            | C::Trouble { .. } => {}
        }
    }

    fn proof_ended(&mut self, at: Timestamp, proof: &crate::base::ProofId, status: ProofStatus, reason: Option<String>) {
        let p = self.proofs.entry(proof, at);
        p.coordinator_end.get_or_insert((status, at));
        if let Some(r) = reason {
            p.failure = Some(r);
        }
        if p.status.is_some_and(ProofStatus::is_final) {
            return;
        }
        let (kind, word) = match status {
            ProofStatus::Completed => (MomentKind::ProofCompleted, "completed"),
            ProofStatus::Cancelled => (MomentKind::ProofCancelled, "dropped"),
            _ => (MomentKind::ProofFailed, "failed"),
        };
        let took = crate::base::units::seconds(at.since(p.began_at()));
        self.moments.push(at, kind, format!("proof {proof} {word} after {took}"));
        // What a completed proof still ran has done its part: its wrap, its Controller.
        let outcome = if status == ProofStatus::Completed { SpanEnd::Done } else { SpanEnd::Dropped };
        self.end_tasks_of(at, proof, outcome);
        self.proofs.finish(proof, at, status);
    }
}

#[cfg(test)]
mod tests;
