//! Log records, and which component writes them.

use std::sync::Arc;

use crate::base::PodName;

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
