//! What the API says and keeps, and what its clients say.

use std::time::Duration;

use super::{ProofMode, ProofStatus};
use crate::base::{ProofId, TaskType, Timestamp};

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
