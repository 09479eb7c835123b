//! The only thing that enters: raw bytes with where and when they came.
//!
//! Log bytes, watch events, metrics and gRPC answers, clock ticks, states of
//! sources and results of effects are all envelopes. One merge point stamps
//! `seq` and `at`; everything after it is a pure function of the envelopes, so a
//! recording of them replays to the same screens and the same JSON.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::base::{SourceName, Timestamp};

/// Raw input, stamped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Position in the session, from 1, without gaps.
    pub seq: u64,
    /// When it arrived (live), or the time in the data (raw log files).
    pub at: Timestamp,
    /// The source that it came from.
    pub source: SourceName,
    /// What `raw` is.
    pub kind: Kind,
    /// The bytes as they came.
    pub raw: Bytes,
}

/// What the bytes of an [`Envelope`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Bytes of a log stream, cut anywhere.
    Log,
    /// The log stream was interrupted here (rotation, reconnect, end): a half
    /// line before it must not be joined with what follows. No bytes.
    LogBreak,
    /// JSON told by its content: a Kubernetes list or watch event, recorded
    /// gRPC answers; one document, or one a line.
    Json,
    /// A `PodMetricsList` of metrics.k8s.io (JSON).
    PodMetrics,
    /// A protobuf `worker.GetStatsResponse`.
    Stats,
    /// A protobuf `cluster.ProofRequestListResponse`: a page of proof requests.
    Proofs,
    /// A protobuf `cluster.ClusterComponentManifest`.
    Manifest,
    /// Metrics of one pod in the Prometheus text format.
    Prometheus,
    /// The state of a source: JSON of [`SourceUpdate`].
    Source,
    /// What the session looks at: JSON of [`Session`].
    Session,
    /// The clock moved on; no bytes.
    Tick,
    /// The result of an effect (JSON).
    Effect,
}

/// The state of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceState {
    /// Data flows, or would if there were any.
    Live,
    /// Being opened or re-opened.
    Connecting,
    /// Open, but silent for longer than it ever should be.
    Stale,
    /// Refused: the detail says which verb and resource to ask for.
    Denied,
    /// Over: the end of a file, a pod that is gone.
    Ended,
}

impl SourceState {
    /// `live`, `connecting`, `stale`, `denied` or `ended`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Connecting => "connecting",
            Self::Stale => "stale",
            Self::Denied => "denied",
            Self::Ended => "ended",
        }
    }
}

/// A change in a source's state, the payload of [`Kind::Source`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceUpdate {
    /// Its state from now on.
    pub state: SourceState,
    /// One line for a person: the error and what to try; empty when all is well.
    #[serde(default)]
    pub detail: String,
    /// The component whose data this is (`coordinator`, `cpu-node`, …) where it
    /// is known beforehand.
    #[serde(default)]
    pub component: Option<String>,
    /// The pod, where the source belongs to one.
    #[serde(default)]
    pub pod: Option<String>,
    /// How many envelopes of this source were dropped since the last update
    /// because a queue was full.
    #[serde(default)]
    pub dropped: u64,
}

/// What a session looks at, the payload of [`Kind::Session`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Kubernetes context; `None` without Kubernetes.
    #[serde(default)]
    pub context: Option<String>,
    /// Kubernetes namespace.
    #[serde(default)]
    pub namespace: Option<String>,
    /// `live`, `demo`, `replay` or `files`.
    #[serde(default)]
    pub mode: String,
    /// The kubeconfig that was named on the command line, so that suggested
    /// commands name it too; `None` for the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<String>,
}
