//! What the coordinator says: totals, workers' tasks, and its other lines.

use std::time::Duration;

use crate::base::{ProofId, TaskId, TaskType, WorkerId, WorkerKind};

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
