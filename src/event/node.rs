//! What cpu-nodes and gpu-nodes say, and of the artifact store.

use std::time::Duration;

use crate::base::{ProofId, TaskId, TaskType, WorkerKind};

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
