//! What envelopes mean, after parsing: facts, each at a time in the data.
//!
//! Sources of the facts: `facts/sp1-cluster.md` section 3 and part 2 of
//! `facts/reference.md`. Only `Model::apply` matches on these.

use std::sync::Arc;
use std::time::Duration;

use crate::base::{PodName, ProofId, SourceName, TaskId, TaskType, Timestamp, WorkerId, WorkerKind};
use crate::envelope::{Session, SourceUpdate};

/// The events of one envelope.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Sequence number of the envelope.
    pub seq: u64,
    /// The envelope's own time.
    pub at: Timestamp,
    /// The source of all of them.
    pub source: SourceName,
    /// In the order of the bytes.
    pub events: Vec<Event>,
    /// What looked like ours and could not be read.
    pub unread: Vec<Unread>,
    /// Bytes of the envelope.
    pub bytes: u64,
}

/// No piece of a log is taken apart further than this.
const MOST_PERIODS: usize = 4096;

impl Batch {
    /// Its log periods: a log that is read late comes in large pieces,
    /// and what lasted for minutes in it is to be seen to have lasted. Each but the
    /// last is as of its own end.
    #[must_use]
    pub fn periods(mut self) -> Vec<Self> {
        let begins = |e: &Event| matches!(&e.what, What::Stats(s) if !s.from_grpc);
        let mut starts: Vec<(usize, Timestamp)> =
            self.events.iter().enumerate().filter(|(_, e)| begins(e)).map(|(i, e)| (i, e.at)).collect();
        // What stands before the first belongs to it.
        starts.truncate(MOST_PERIODS);
        if starts.len() < 2 {
            return vec![self];
        }
        let mut parts = Vec::with_capacity(starts.len());
        for (i, at) in starts.drain(1..).rev() {
            let events = self.events.split_off(i);
            parts.push(Self { seq: self.seq, at: self.at, source: self.source.clone(), events, unread: Vec::new(), bytes: 0 });
            // The one before ends where this one begins.
            self.at = self.at.min(at);
        }
        parts.push(self);
        parts.reverse();
        parts
    }
}

/// Something that could not be read, counted and shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The time of the line where it had one, else of the envelope.
    pub at: Timestamp,
    /// Why.
    pub why: UnreadReason,
    /// The beginning of it, made safe to show.
    pub text: String,
}

/// Why a line is unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UnreadReason {
    /// It begins like a line of ours but its content is not what ours has.
    Malformed,
    /// The first or last line of a stream, cut.
    Partial,
    /// Longer than a line may be.
    TooLong,
    /// A document that is not JSON, or JSON that is nothing we know.
    UnknownDocument,
    /// A protobuf answer that does not decode.
    BadMessage,
}

/// One fact, at a time in the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The line's own time, or the envelope's where it has none.
    pub at: Timestamp,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A log record to show. Emitted for every record when logs are wanted, and
    /// for WARN and ERROR always. A record that means something is followed by
    /// its other event.
    Log(LogRecord),
    /// A further line of this source's last record (errors with a cause or a
    /// backtrace), safe to show.
    LogMore(Box<str>),
    /// The source's text tells which component writes it.
    ComponentTold(Component),
    /// Queue and worker totals.
    Stats(Box<Stats>),
    /// One worker's running tasks, from the coordinator's periodic block.
    Worker(WorkerReport),
    /// The coordinator said something else that matters.
    Coordinator(CoordinatorEvent),
    /// A cpu-node or gpu-node said something that matters.
    Node(NodeEvent),
    /// The API said something that matters.
    Api(ApiEvent),
    /// An artifact store was used or is in trouble (nodes and clients).
    Store(StoreEvent),
    /// A client (cluster CLI, op-succinct) said something that matters.
    Client(ClientEvent),
    /// Kubernetes objects.
    Kube(KubeEvent),
    /// Proof requests as the API keeps them: a page of them.
    ProofRows(Vec<ProofRow>),
    /// Versions of the components as the API knows them.
    Manifest(Vec<ComponentVersion>),
    /// CPU and memory of pods.
    PodMetrics(Vec<PodUsage>),
    /// Metrics of one pod: name, labels, value.
    Metrics(Vec<Metric>),
    /// News of a change that was asked for from the screen.
    Change(Box<crate::base::change::ChangeNews>),
    /// A source changed its state.
    Source(SourceUpdate),
    /// What is looked at.
    Session(Session),
    /// A proof that this program sends goes on.
    Job(Box<JobNote>),
    /// A program of op-succinct that this program runs says something.
    Run(Box<RunNote>),
    /// Time passed.
    Tick,
}

/// Severity of a log record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// TRACE
    Trace,
    /// DEBUG
    Debug,
    /// INFO
    Info,
    /// WARN
    Warn,
    /// ERROR
    Error,
}

impl Level {
    /// Reads `INFO` etc. (upper case).
    #[must_use]
    pub fn read(s: &[u8]) -> Option<Self> {
        Some(match s {
            b"TRACE" => Self::Trace,
            b"DEBUG" => Self::Debug,
            b"INFO" => Self::Info,
            b"WARN" => Self::Warn,
            b"ERROR" => Self::Error,
            _ => return None,
        })
    }

    /// Five columns wide, right-aligned as `tracing` prints it.
    #[must_use]
    pub const fn padded(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => " INFO",
            Self::Warn => " WARN",
            Self::Error => "ERROR",
        }
    }
}

/// A log record, safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Its severity; plain output of a process counts as INFO.
    pub level: Level,
    /// What the periodic block consists of, to be folded away.
    pub periodic: bool,
    /// Target or `file:line`, may be empty; then the message with its fields.
    /// May hold `\n` where the record had several lines; no other control bytes.
    /// Shared by the copies of a model that are kept to go back to.
    pub text: Arc<str>,
    /// Length in bytes of the target at the beginning of `text` (with `: `).
    pub target_len: u16,
    /// Pod named by a `[pod/NAME/CONTAINER]` or compose prefix.
    pub origin: Option<PodName>,
}

/// A part of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Component {
    /// The scheduler.
    Coordinator,
    /// The proof request API.
    Api,
    /// A worker for CPU tasks.
    CpuNode,
    /// A worker for GPU tasks (or both).
    GpuNode,
    /// A worker whose kind is not known yet.
    Node,
    /// The cluster CLI or op-succinct.
    Client,
    /// The network gateway, fulfiller or bidder.
    Gateway,
    /// Redis.
    Redis,
    /// Postgres.
    Postgres,
}

impl Component {
    /// The workload's name (`app=` label).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Coordinator => "coordinator",
            Self::Api => "api",
            Self::CpuNode => "cpu-node",
            Self::GpuNode => "gpu-node",
            Self::Node => "node",
            Self::Client => "client",
            Self::Gateway => "network-gateway",
            Self::Redis => "redis",
            Self::Postgres => "postgresql",
        }
    }

    /// From a workload, container or label name.
    #[must_use]
    pub fn read(s: &str) -> Option<Self> {
        Some(match s {
            "coordinator" => Self::Coordinator,
            "api" => Self::Api,
            "cpu-node" => Self::CpuNode,
            "gpu-node" | "mixed" => Self::GpuNode,
            "node" => Self::Node,
            "client" => Self::Client,
            "network-gateway" | "fulfiller" | "bidder" => Self::Gateway,
            "redis" | "redis-master" => Self::Redis,
            "postgresql" | "postgres" => Self::Postgres,
            _ => {
                if s.len() == 4 && s.starts_with("gpu") && s.as_bytes()[3].is_ascii_digit() {
                    Self::GpuNode
                } else {
                    return None;
                }
            }
        })
    }
}

/// Where stats came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StatsSource {
    /// The coordinator's log, every 10 s.
    Log,
    /// `GetStats`.
    Grpc,
}

/// The 14 fields of GetStatsResponse (reference 2.2). A field that was absent is
/// `None`, never a guess.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Stats {
    /// `"<git sha> <build time>"`, not a semantic version.
    pub coordinator_version: Option<String>,
    /// For example `v6.1.0`.
    pub sp1_circuit_version: Option<String>,
    /// Tasks created since the coordinator started.
    pub total_tasks: Option<u64>,
    /// Unfinished tasks: queued, running and markers.
    pub active_tasks: Option<u32>,
    /// Registered workers of type CPU.
    pub cpu_workers: Option<u32>,
    /// Registered workers of type GPU.
    pub gpu_workers: Option<u32>,
    /// Weight assigned to CPU workers (GB).
    pub cpu_utilization_current: Option<u32>,
    /// Weight that CPU workers can take (GB).
    pub cpu_utilization_max: Option<u32>,
    /// Weight assigned to GPU workers.
    pub gpu_utilization_current: Option<u32>,
    /// Weight that GPU workers can take.
    pub gpu_utilization_max: Option<u32>,
    /// Proofs in the coordinator's memory.
    pub active_proofs: Option<u32>,
    /// Entries of the CPU queue.
    pub cpu_queue: Option<u32>,
    /// Entries of all GPU queues.
    pub gpu_queue: Option<u32>,
    /// Open task subscriptions.
    pub active_subscribers: Option<u32>,
    /// From the log or from gRPC.
    pub from_grpc: bool,
}

/// A worker's line in the periodic block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerReport {
    /// Its id.
    pub worker: WorkerId,
    /// What it takes; `None` for a type that this build does not know.
    pub kind: Option<WorkerKind>,
    /// Unix milliseconds, the coordinator's guess; 0 when idle.
    pub next_free_ms: u64,
    /// What it runs, in the line's order.
    pub tasks: Vec<AssignedTask>,
}

/// One `(proof, task, type)` of a worker line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignedTask {
    /// Its proof.
    pub proof: ProofId,
    /// The task.
    pub task: TaskId,
    /// Its type; `None` where the coordinator no longer knows the task.
    pub kind: Option<TaskType>,
    /// False where it no longer knows even the proof (`None` instead of
    /// `Some(…)`).
    pub proof_known: bool,
}

/// How a proof's status was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProofStatus {
    /// Waiting, claimed or proving as far as the API knows.
    Pending,
    /// Seen to be worked on by the coordinator.
    Running,
    /// Done.
    Completed,
    /// Failed.
    Failed,
    /// Cancelled.
    Cancelled,
}

impl ProofStatus {
    /// The contract's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// True when nothing more will happen to it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// Proof modes by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProofMode {
    /// 1
    Core,
    /// 2
    Compressed,
    /// 3
    Plonk,
    /// 4
    Groth16,
}

impl ProofMode {
    /// From the decimal number that requests carry.
    #[must_use]
    pub fn read(s: &[u8]) -> Option<Self> {
        Some(match s {
            b"1" => Self::Core,
            b"2" => Self::Compressed,
            b"3" => Self::Plonk,
            b"4" => Self::Groth16,
            _ => return None,
        })
    }

    /// `core`, `compressed`, `plonk`, `groth16`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Compressed => "compressed",
            Self::Plonk => "plonk",
            Self::Groth16 => "groth16",
        }
    }

    /// The wrap that ends a proof of this mode.
    #[must_use]
    pub const fn wrap(self) -> Option<TaskType> {
        match self {
            Self::Plonk => Some(TaskType::PlonkWrap),
            Self::Groth16 => Some(TaskType::Groth16Wrap),
            Self::Core | Self::Compressed => None,
        }
    }
}

/// What else the coordinator says (reference 2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoordinatorEvent {
    /// `coordinator (version V) listening on ADDR`
    Listening {
        /// `"<sha> <build time>"`
        version: String,
    },
    /// `logging initialized` of a coordinator: a process began.
    ProcessStarted,
    /// `Received signal …`
    ShuttingDown,
    /// `Graceful shutdown complete`
    Stopped,
    /// `Worker registered: W (location: …)`
    WorkerRegistered {
        /// The new worker.
        worker: WorkerId,
        /// True when the line has a location, so the coordinator is v2.7.0 or later.
        has_location: bool,
    },
    /// `Worker already exists`: a reconnect.
    WorkerReconnected,
    /// `worker W has timed out (last heartbeat Ns ago)`
    WorkerTimedOut {
        /// The worker that was given up.
        worker: WorkerId,
        /// Seconds since its last heartbeat, v2.4.0 and later.
        heartbeat_age_secs: Option<u64>,
    },
    /// `Failed to send heartbeat to worker W: channel closed`
    HeartbeatFailed {
        /// Whose stream is gone.
        worker: WorkerId,
    },
    /// `Failed to send task to worker W: …` or `Failed to send CancelTask to worker W`
    SendFailed {
        /// Whose stream is gone.
        worker: WorkerId,
    },
    /// `worker W is not working on expected task …`, `… unexpected task …`,
    /// `worker W was not working on task T`, `task T was assigned to an unknown
    /// worker …`: churn, not a fault by itself.
    Churn {
        /// The worker, where named.
        worker: Option<WorkerId>,
        /// The task.
        task: Option<TaskId>,
    },
    /// `inputs: [program, stdin, mode, cycle limit, …]`, before `Created proof`.
    ClaimInputs {
        /// Artifact id of the program.
        program: String,
        /// Artifact id of the stdin.
        stdin: String,
        /// The mode, where it is one that exists.
        mode: Option<ProofMode>,
        /// How many items the list has: 6 since v2.3.0.
        items: usize,
    },
    /// `outputs: [proof artifact]`
    ClaimOutputs {
        /// Artifact id of the result.
        proof_artifact: String,
    },
    /// `Created proof P with task T`
    ProofCreated {
        /// The proof.
        proof: ProofId,
        /// Its Controller.
        task: TaskId,
    },
    /// `Completed proof P`
    ProofCompleted {
        /// The proof.
        proof: ProofId,
    },
    /// `Failed proof P …`
    ProofFailed {
        /// The proof.
        proof: ProofId,
        /// The task to blame, where named.
        task: Option<TaskId>,
        /// The reason in `extra_data`, shortened.
        reason: Option<String>,
    },
    /// `Setting proof status to S for P`
    StatusWrite {
        /// The proof.
        proof: ProofId,
        /// Completed or Failed.
        status: ProofStatus,
    },
    /// `Failed to update proof status: …`
    StatusWriteFailed {
        /// Its error.
        error: String,
    },
    /// `re-issuing lost status write for proof P`
    StatusReissued {
        /// The proof.
        proof: ProofId,
    },
    /// `re-issue of lost status write for P failed: …`
    StatusReissueFailed {
        /// The proof.
        proof: ProofId,
    },
    /// `Proof P has no more active tasks, removing`
    ProofDrained {
        /// The proof.
        proof: ProofId,
    },
    /// `Proof P controller has no more retries, failing`
    ProofOutOfRetries {
        /// The proof.
        proof: ProofId,
    },
    /// `Running proof P is no longer …`: cancelled, expired or lost from the database.
    ProofGone {
        /// The proof.
        proof: ProofId,
    },
    /// A row that can never be claimed: `Options artifact ID not found for proof P` and its kin.
    MalformedRow {
        /// The proof.
        proof: ProofId,
        /// What it lacks.
        what: String,
    },
    /// `create task P T Type` (debug)
    TaskCreated {
        /// Its proof.
        proof: ProofId,
        /// The task.
        task: TaskId,
        /// Its type.
        kind: TaskType,
    },
    /// `[tasks] starting task T W Type P` (debug)
    TaskStarted {
        /// Its proof.
        proof: ProofId,
        /// The task.
        task: TaskId,
        /// Its type.
        kind: TaskType,
        /// Where it runs.
        worker: WorkerId,
    },
    /// `[tasks] completing task T W Type P` (debug)
    TaskCompleted {
        /// Its proof.
        proof: ProofId,
        /// The task.
        task: TaskId,
        /// Its type.
        kind: TaskType,
        /// Where it ran.
        worker: WorkerId,
    },
    /// `Failing task P T retryable` (debug)
    TaskFailing {
        /// Its proof.
        proof: ProofId,
        /// The task.
        task: TaskId,
        /// Whether it may be tried again.
        retryable: bool,
    },
    /// `retrying task T`
    TaskRetrying {
        /// The task.
        task: TaskId,
    },
    /// `task T retries exhausted`
    TaskExhausted {
        /// The task.
        task: TaskId,
    },
    /// `no worker available` (debug): the head of a queue fits nowhere.
    NoWorkerAvailable,
    /// `Failed to get filtered tasks: …`: the API or its database is not reachable.
    ApiUnreachable {
        /// The gRPC status.
        error: String,
    },
    /// `latency N for kind K is too high`
    SlowLock {
        /// How long it was held.
        took: Duration,
        /// For what.
        kind: String,
    },
    /// `failed to push cluster component manifest …`: the API is down or older.
    ManifestPushFailed {
        /// Its error.
        error: String,
    },
    /// Anything else of the coordinator that is not noise: `Server error: …`.
    Trouble {
        /// The message.
        text: String,
    },
}

/// What nodes say (reference 2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeEvent {
    /// `worker type: Cpu`, printed at start.
    Started {
        /// What it takes.
        kind: Option<WorkerKind>,
    },
    /// `connecting to URL` was followed by trouble: `Failed to connect: …`.
    ConnectFailed {
        /// Its error.
        error: String,
    },
    /// `computed worker max_weight …`
    MaxWeight {
        /// Measured memory in GB.
        total_ram_gb: u32,
        /// Size of /dev/shm in GB, where measured.
        shm_gb: Option<u32>,
        /// What it will tell the coordinator.
        max_weight: u32,
    },
    /// `WORKER_MAX_WEIGHT_OVERRIDE exceeds available RAM …`
    OverrideAboveRam {
        /// The override.
        max_weight: u32,
        /// Measured memory in GB.
        total_ram_gb: u32,
    },
    /// `/dev/shm unconfigured …` or `memory budget resolved to 0 GiB …`: it takes no work.
    NoCapacity {
        /// The message.
        text: String,
    },
    /// `Downloading … circuit artifacts`, before it connects.
    CircuitsDownloading,
    /// `Circuit artifacts ready after N seconds`
    CircuitsReady,
    /// `Received task: T`
    Received {
        /// The task.
        task: TaskId,
    },
    /// `Completed task Type ("P", "T") after Some(d)`; for failures too.
    Completed {
        /// Its proof.
        proof: ProofId,
        /// The task.
        task: TaskId,
        /// Its type.
        kind: TaskType,
        /// How long; `None` when it was already gone.
        took: Option<Duration>,
    },
    /// `close` of a `task` span.
    TaskSpan {
        /// Its proof.
        proof: ProofId,
        /// The task.
        task: TaskId,
        /// Its type.
        kind: Option<TaskType>,
        /// Busy time.
        busy: Duration,
        /// Idle time.
        idle: Duration,
    },
    /// A line within a task's span: the task is alive and on this node.
    TaskSeen {
        /// Its proof.
        proof: ProofId,
        /// The task.
        task: TaskId,
        /// Its type.
        kind: Option<TaskType>,
    },
    /// `Aborting task P T` or `Task (…) cancelled …`
    Aborted {
        /// Its proof.
        proof: ProofId,
        /// The task.
        task: TaskId,
    },
    /// A task failed: `Retryable error …`, `Fatal error …`, `Execution error …`,
    /// `… panicked …`, `… timed out …`.
    TaskFailed {
        /// Its proof.
        proof: ProofId,
        /// The task.
        task: TaskId,
        /// Its type where the line says it.
        kind: Option<TaskType>,
        /// How it failed.
        failure: TaskFailure,
        /// The first line of the error.
        error: String,
    },
    /// `Unclaiming proof P`
    Unclaiming {
        /// The proof.
        proof: ProofId,
    },
    /// `Heartbeat timed out, reconnecting...`, `Server closed connection`, …
    ChannelLost {
        /// The message.
        text: String,
    },
    /// `watchdog tick Ns late …`: the node's CPU is starved.
    Starved {
        /// How late.
        late: Duration,
    },
    /// `Shutdown signal received; draining N …`, `Worker closed`
    Draining {
        /// Tasks in flight, where said.
        tasks: Option<u32>,
    },
    /// `Shutdown complete`
    Stopped,
    /// `Monitor: PID … exceeded limit (…)`: the executor's memory monitor killed the guest.
    MemoryMonitorKill {
        /// The message.
        text: String,
    },
    /// `SIGBUS signal is received, there is a chance /dev/shm is full!`
    ShmFull,
    /// A Rust panic outside a task.
    Panicked {
        /// Where and what, shortened.
        text: String,
    },
    /// Anything else at ERROR that is not noise.
    Trouble {
        /// The message.
        text: String,
    },
}

/// How a task failed on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskFailure {
    /// May be tried again.
    Retryable,
    /// Fails the proof at once.
    Fatal,
    /// The guest is at fault.
    Execution,
    /// The task panicked.
    Panic,
    /// It ran into the six-hour limit.
    TimedOut,
}

/// What the API says (reference 2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiEvent {
    /// It began to listen.
    Started,
    /// A request was stored.
    Created {
        /// The proof.
        proof: ProofId,
    },
    /// `Getting proof request with ID: P`: a client polls.
    Polled {
        /// The proof.
        proof: ProofId,
    },
    /// A request was cancelled.
    Cancelled {
        /// The proof.
        proof: ProofId,
    },
    /// The coordinator's status write arrived.
    Updated {
        /// The proof.
        proof: ProofId,
    },
    /// It went down cleanly.
    Stopped,
    /// `gRPC server error: …`, `Failed to … proof request…`
    Trouble {
        /// The message.
        text: String,
    },
}

/// What artifact stores do (reference 2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreEvent {
    /// `using redis artifact store` / `using s3 artifact store`
    Kind {
        /// `redis` or `s3`.
        kind: String,
    },
    /// `upload took d, size: n`
    Uploaded {
        /// How long.
        took: Duration,
        /// Compressed bytes.
        size: u64,
    },
    /// `download took d, size: n`
    Downloaded {
        /// How long.
        took: Duration,
        /// Compressed bytes.
        size: u64,
    },
    /// `Redis near capacity; blocking upload …` and `admission wait cap exceeded …`
    Backpressure {
        /// Which of several Redis nodes.
        shard: u32,
        /// Bytes used.
        used: u64,
        /// `maxmemory` in bytes.
        max: u64,
        /// How long the upload has waited.
        waited: Duration,
        /// True when the upload was given up.
        failed: bool,
    },
    /// `admission cleared; upload resumed …`
    Resumed {
        /// Which of several Redis nodes.
        shard: u32,
    },
    /// `Failed to get redis connection: …`, `… attempt timed out …`, …
    Unreachable {
        /// The message.
        text: String,
    },
    /// `artifact not found: …`, `Failed to decompress …`: it is gone or cut.
    Missing {
        /// The message.
        text: String,
    },
    /// `Redis maxmemory=0 …`
    MaxmemoryUnset,
}

/// What clients say (reference 2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// `Successfully created proof request P`
    Submitted {
        /// The proof.
        proof: ProofId,
    },
    /// `Proof request for proof id P completed after d`
    Completed {
        /// The proof.
        proof: ProofId,
        /// How long.
        took: Duration,
    },
    /// `Proof request Failed after …`, `Timeout exceeded …`, …
    Failed {
        /// The message.
        text: String,
    },
}

/// Kubernetes objects, as far as they matter here.
#[derive(Clone, Debug, PartialEq)]
pub enum KubeEvent {
    /// A whole list replaces what was known of these pods.
    PodList(Vec<PodInfo>),
    /// A pod was added or changed.
    Pod(Box<PodInfo>),
    /// A pod is gone.
    PodDeleted(PodName),
    /// A whole list of deployments.
    WorkloadList(Vec<WorkloadInfo>),
    /// A whole list of stateful sets.
    StatefulSetList(Vec<WorkloadInfo>),
    /// A workload was added or changed.
    Workload(Box<WorkloadInfo>),
    /// A workload is gone.
    WorkloadDeleted(String),
    /// Events about objects.
    Events(Vec<KubeNote>),
    /// A whole list of the cluster's nodes.
    Nodes(Vec<NodeInfo>),
    /// A node was added or changed.
    Node(Box<NodeInfo>),
    /// A node is gone.
    NodeDeleted(String),
    /// A request was refused or failed: a `Status` document.
    Status {
        /// HTTP code.
        code: u16,
        /// The server's message.
        message: String,
    },
}

/// A pod, as its status tells. The first container counts; the charts have one.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PodInfo {
    /// Its name.
    pub name: String,
    /// `app` label, or the Bitnami name label.
    pub app: Option<String>,
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    pub phase: String,
    /// The `Ready` condition.
    pub ready: bool,
    /// Since when `Ready` is what it is.
    pub ready_since: Option<Timestamp>,
    /// Restarts of all containers.
    pub restarts: u32,
    /// `CrashLoopBackOff`, `ImagePullBackOff`, … of a waiting container.
    pub waiting: Option<String>,
    /// Its message.
    pub waiting_message: Option<String>,
    /// When the running container began.
    pub started_at: Option<Timestamp>,
    /// How the last container ended.
    pub last_termination: Option<Termination>,
    /// Kubernetes node.
    pub node: Option<String>,
    /// Image of the first container.
    pub image: Option<String>,
    /// `resources.limits.memory` in bytes.
    pub memory_limit: Option<u64>,
    /// When the pod was created.
    pub created_at: Option<Timestamp>,
    /// When it began to be deleted.
    pub deleting_since: Option<Timestamp>,
    /// Why it is not scheduled: reason and message of the `PodScheduled` condition.
    pub unschedulable: Option<String>,
    /// `status.reason`, for example `Evicted`.
    pub reason: Option<String>,
    /// Names of its containers.
    pub containers: Vec<String>,
    /// The object's resourceVersion.
    pub resource_version: Option<String>,
    /// The object's uid.
    pub uid: Option<String>,
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Termination {
    /// `OOMKilled`, `Error`, `Completed`, …
    pub reason: String,
    /// 137 for SIGKILL.
    pub exit_code: i32,
    /// When it ended.
    pub at: Option<Timestamp>,
}

/// A Deployment or StatefulSet.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct WorkloadInfo {
    /// Its name.
    pub name: String,
    /// True for a StatefulSet.
    pub stateful: bool,
    /// Wanted replicas.
    pub replicas: u32,
    /// Ready replicas.
    pub ready_replicas: u32,
    /// Updated replicas (rollout).
    pub updated_replicas: u32,
    /// True while a rollout is on its way.
    pub rolling: bool,
    /// Image of the first container.
    pub image: Option<String>,
    /// Environment of the first container: allow-listed names only, with plain
    /// values; a value from a secret or config map is never read.
    pub env: Vec<(String, String)>,
    /// `resources.limits.memory` in bytes.
    pub memory_limit: Option<u64>,
    /// `resources.requests.memory` in bytes.
    pub memory_request: Option<u64>,
    /// Size in bytes of a memory-backed volume at /dev/shm; `Some(u64::MAX)` for one
    /// without a limit; `None` for none.
    pub shm_size: Option<u64>,
    /// `terminationGracePeriodSeconds`.
    pub grace_secs: Option<u64>,
    /// `Recreate` or `RollingUpdate`.
    pub strategy: Option<String>,
    /// GPUs per pod (`nvidia.com/gpu`).
    pub gpus: Option<u32>,
}

/// A Kubernetes event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeNote {
    /// When it was last seen.
    pub at: Timestamp,
    /// `Normal` or `Warning`.
    pub kind: String,
    /// `BackOff`, `FailedScheduling`, …
    pub reason: String,
    /// `pod/NAME`
    pub object: String,
    /// Text.
    pub message: String,
    /// How often.
    pub count: u32,
}

/// A Kubernetes node.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct NodeInfo {
    /// Its name.
    pub name: String,
    /// Allocatable memory in bytes.
    pub memory: Option<u64>,
    /// Allocatable GPUs.
    pub gpus: Option<u32>,
    /// The `Ready` condition.
    pub ready: bool,
    /// Pressure conditions that are true.
    pub pressure: Vec<String>,
}

/// A pod's use of resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodUsage {
    /// The pod.
    pub pod: PodName,
    /// When it was measured.
    pub at: Timestamp,
    /// Thousandths of a core.
    pub cpu_millicores: Option<u64>,
    /// Working set in bytes.
    pub memory_bytes: Option<u64>,
}

/// A proof request as the API keeps it (facts, section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofRow {
    /// The proof.
    pub id: ProofId,
    /// Its status; the API has no running state.
    pub status: ProofStatus,
    /// From `options_artifact_id`.
    pub mode: Option<ProofMode>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Its deadline.
    pub deadline: Option<Timestamp>,
    /// Artifact of the result.
    pub proof_artifact: Option<String>,
    /// Artifact of the program.
    pub program_artifact: Option<String>,
    /// The reason in `extra_data`, shortened to its first line.
    pub failure: Option<String>,
    /// The type of the task that failed, from `extra_data`.
    pub failed_task: Option<TaskType>,
    /// Cycles, where an execution result is there.
    pub cycles: Option<u64>,
    /// Settled by the fulfiller.
    pub handled: bool,
}

/// How far a proof is that this program sends: the result of an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobNote {
    /// The proof.
    pub proof: ProofId,
    /// What happened: `uploading`, `submitted`, `failed`, …
    pub event: String,
    /// The job's state: `planned`, `submitted`, `fetched`, …
    pub state: String,
    /// The program's name.
    pub program: String,
    /// Its input in short.
    pub input: String,
    /// The proof mode.
    pub mode: String,
    /// The same as a line for a person.
    pub line: String,
}

/// News of a program of op-succinct that this program runs: the result of an
/// effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunNote {
    /// Names the run.
    pub run: String,
    /// What it makes: `range 10-15`.
    pub what: String,
    /// What happened.
    pub event: RunEvent,
    /// In words: the program's line, or ours.
    pub text: String,
    /// The request that it made.
    pub proof: Option<ProofId>,
}

/// What happened to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunEvent {
    /// It begins.
    Started,
    /// Something was looked at beforehand, and is well.
    Good,
    /// Something was looked at beforehand, and is not well.
    Bad,
    /// The program printed a line.
    Line,
    /// A word of ours.
    Word,
    /// The API has its request.
    Submitted,
    /// It ended well.
    Ended,
    /// It failed.
    Failed,
    /// It was stopped.
    Stopped,
}

impl RunEvent {
    /// True when nothing more comes.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Ended | Self::Failed | Self::Stopped)
    }
}

/// A component's build as the API knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentVersion {
    /// `coordinator`, `cpu-node`, `gpu-node`.
    pub component: String,
    /// Crate version; a constant `0.1.0` up to v2.6.0.
    pub version: String,
    /// Git commit.
    pub git_sha: String,
    /// Tag of the image.
    pub image_tag: String,
}

/// One series of a Prometheus text.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Name.
    pub name: String,
    /// Labels in the order of the text.
    pub labels: Vec<(String, String)>,
    /// Value.
    pub value: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_lose_nothing_and_end_where_the_next_begins() {
        let event = |secs, what| Event { at: Timestamp::from_secs(secs), what };
        let stats = |secs| event(secs, What::Stats(Box::default()));
        let events = vec![event(1, What::Tick), stats(10), event(11, What::Tick), stats(20), stats(30), event(31, What::Tick)];
        let batch = Batch {
            seq: 7,
            at: Timestamp::from_secs(40),
            source: SourceName::new("x"),
            events: events.clone(),
            unread: Vec::new(),
            bytes: 9,
        };
        let parts = batch.periods();
        assert_eq!(parts.iter().map(|p| (p.at.secs(), p.events.len(), p.bytes)).collect::<Vec<_>>(), [(20, 3, 9), (30, 1, 0), (40, 2, 0)]);
        assert_eq!(parts.into_iter().flat_map(|p| p.events).collect::<Vec<_>>(), events);
    }
}
