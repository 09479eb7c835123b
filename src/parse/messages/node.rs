//! The messages of cpu-nodes and gpu-nodes (reference 2.3).

use std::time::Duration;

use super::{Meaning, Table, pair, proof, task, words};
use crate::base::time::parse_rust_duration;
use crate::base::{ProofId, TaskId, TaskType, WorkerKind};
use crate::event::{Component, Level, NodeEvent as N, TaskFailure, What};
use crate::parse::formats::Record;
use crate::parse::scan;

pub const TABLE: Table = Table { component: Some(Component::Node), meanings: MEANINGS, other };

#[expect(clippy::unnecessary_wraps, reason = "readers of the table return an option")]
const fn some(e: N) -> Option<What> {
    Some(What::Node(e))
}

fn u32_field(s: &[u8], name: &str) -> Option<u32> {
    u32::try_from(scan::number(s, name)?).ok()
}

const MEANINGS: &[Meaning] = &[
    Meaning { begins: "worker type: ", read: |s, _| some(N::Started { kind: WorkerKind::read(scan::word(s).0) }) },
    Meaning { begins: "Received task: ", read: |s, _| some(N::Received { task: task(s)?.0 }) },
    Meaning {
        begins: "Completed task ",
        read: |s, _| {
            let (kind, s) = scan::word(s);
            let (proof, task, s) = pair(s)?;
            let s = s.strip_prefix(b" after ")?;
            let took = if s.starts_with(b"None") {
                None
            } else {
                let s = s.strip_prefix(b"Some(")?;
                let (d, n) = parse_rust_duration(s)?;
                s[n..].starts_with(b")").then_some(d)?.into()
            };
            some(N::Completed { proof, task, kind: TaskType::read(kind)?, took })
        },
    },
    Meaning {
        begins: "computed worker max_weight",
        read: |s, _| {
            some(N::MaxWeight {
                total_ram_gb: u32_field(s, "total_ram_gb")?,
                shm_gb: u32_field(s, "shm_gb"),
                max_weight: u32_field(s, "max_weight")?,
            })
        },
    },
    Meaning {
        begins: "WORKER_MAX_WEIGHT_OVERRIDE exceeds available RAM",
        read: |s, _| some(N::OverrideAboveRam { max_weight: u32_field(s, "max_weight")?, total_ram_gb: u32_field(s, "total_ram_gb")? }),
    },
    Meaning { begins: "/dev/shm unconfigured", read: |_, r| some(N::NoCapacity { text: words(&r.message) }) },
    Meaning { begins: "memory budget resolved to 0 GiB", read: |_, r| some(N::NoCapacity { text: words(&r.message) }) },
    Meaning { begins: "Downloading circuit artifacts", read: |_, _| some(N::CircuitsDownloading) },
    Meaning { begins: "Downloading groth16 artifacts", read: |_, _| some(N::CircuitsDownloading) },
    Meaning { begins: "Downloading plonk artifacts", read: |_, _| some(N::CircuitsDownloading) },
    Meaning { begins: "Circuit artifacts ready after ", read: |_, _| some(N::CircuitsReady) },
    Meaning {
        begins: "Aborting task ",
        read: |s, _| {
            let (proof, s) = proof(s)?;
            some(N::Aborted { proof, task: task(s)?.0 })
        },
    },
    Meaning { begins: "Unclaiming proof ", read: |s, _| some(N::Unclaiming { proof: proof(s)?.0 }) },
    Meaning { begins: "Retryable error in task ", read: |s, _| task_error(s, TaskFailure::Retryable) },
    Meaning { begins: "Fatal error in task ", read: |s, _| task_error(s, TaskFailure::Fatal) },
    Meaning { begins: "Execution error on task ", read: |s, _| task_error(s, TaskFailure::Execution) },
    Meaning { begins: "Task (", read: |_, r| pair_message(r) },
    Meaning { begins: "Heartbeat timed out, reconnecting", read: |_, r| some(N::ChannelLost { text: words(&r.message) }) },
    Meaning { begins: "Server closed connection", read: |_, r| some(N::ChannelLost { text: words(&r.message) }) },
    Meaning { begins: "Server stream error: ", read: |_, r| some(N::ChannelLost { text: words(&r.message) }) },
    Meaning { begins: "Failed to reconnect: ", read: |_, r| some(N::ChannelLost { text: words(&r.message) }) },
    Meaning { begins: "Worker not found, reconnecting", read: |_, r| some(N::ChannelLost { text: words(&r.message) }) },
    Meaning { begins: "No message from coordinator for ", read: |_, r| some(N::ChannelLost { text: words(&r.message) }) },
    Meaning { begins: "Failed to open coordinator channel", read: |_, r| some(N::ChannelLost { text: words(&r.message) }) },
    Meaning {
        begins: "watchdog tick ",
        read: |s, _| {
            let (late, n) = parse_rust_duration(s)?;
            s[n..].starts_with(b" late").then_some(())?;
            some(N::Starved { late })
        },
    },
    Meaning {
        begins: "Shutdown signal received; draining ",
        read: |s, _| some(N::Draining { tasks: scan::leading_decimal(s).and_then(|(n, _)| u32::try_from(n).ok()) }),
    },
    Meaning { begins: "Worker closed", read: |_, _| some(N::Draining { tasks: None }) },
    Meaning { begins: "No in-flight tasks; shutting down", read: |_, _| some(N::Draining { tasks: Some(0) }) },
    Meaning { begins: "Shutdown complete", read: |_, _| some(N::Stopped) },
    Meaning { begins: "Monitor: PID ", read: |_, r| some(N::MemoryMonitorKill { text: words(&r.message) }) },
    Meaning { begins: "SIGBUS signal is received", read: |_, _| some(N::ShmFull) },
    Meaning { begins: "Received UnknownTask from coordinator", read: |_, r| some(N::Trouble { text: words(&r.message) }) },
    Meaning { begins: "heartbeat thread ", read: |_, r| some(N::Trouble { text: words(&r.message) }) },
];

/// `T proof P: TaskType: Kind, Error: …` or `T proof P: Error`
fn task_error(s: &[u8], failure: TaskFailure) -> Option<What> {
    let (task, s) = task(s)?;
    let s = s.strip_prefix(b"proof ")?;
    let (id, s) = scan::until(s, b": ")?;
    let proof = ProofId::read(id)?;
    let (kind, error) = match s.strip_prefix(b"TaskType: ").and_then(|s| scan::until(s, b", Error: ")) {
        Some((k, e)) => (TaskType::read(k), e),
        None => (None, s),
    };
    some(N::TaskFailed { proof, task, kind, failure, error: words(error) })
}

/// `Task ("P", "T") …`
fn pair_message(r: &Record<'_>) -> Option<What> {
    let (proof, task, s) = pair(r.message.strip_prefix(b"Task ")?)?;
    let kind = otel_kind(&r.message);
    let failed = |failure, error| some(N::TaskFailed { proof: proof.clone(), task: task.clone(), kind: kind.clone(), failure, error });
    let s = s.strip_prefix(b" ")?;
    if let Some(e) = s.strip_prefix(b"panicked: ") {
        failed(TaskFailure::Panic, words(e))
    } else if s.starts_with(b"timed out") {
        failed(TaskFailure::TimedOut, words(s))
    } else if s.starts_with(b"cancelled") || s.starts_with(b"ignored its abort") {
        some(N::Aborted { proof, task })
    } else {
        None
    }
}

fn otel_kind(message: &[u8]) -> Option<TaskType> {
    scan::field(message, "otel.name").and_then(TaskType::read_screaming)
}

fn other(r: &Record<'_>) -> Option<Result<What, ()>> {
    let m = &*r.message;
    if m.starts_with(b"close ") && r.spans.as_ref() == b"task" {
        return Some(span_close(m).map(What::Node).ok_or(()));
    }
    if r.level == Level::Error && super::component_of_target(&r.target) == Some(Component::Node) {
        return Some(Ok(What::Node(N::Trouble { text: words(m) })));
    }
    if m.starts_with(b"Failed to connect: ") && super::component_of_target(&r.target) == Some(Component::Node) {
        return Some(Ok(What::Node(N::ConnectFailed { error: words(m) })));
    }
    None
}

/// `close time.busy=4.21s time.idle=1.35s task_id="T" proof_id="P" otel.name="K"`
fn span_close(m: &[u8]) -> Option<N> {
    let time = |name: &str| -> Option<Duration> { Some(parse_rust_duration(scan::field(m, name)?)?.0) };
    let (proof, task) = span_ids(m)?;
    Some(N::TaskSpan { proof, task, kind: otel_kind(m), busy: time("time.busy")?, idle: time("time.idle")? })
}

/// The proof and the task of the span that a record is in.
fn span_ids(m: &[u8]) -> Option<(ProofId, TaskId)> {
    Some((ProofId::read(scan::field(m, "proof_id")?)?, TaskId::read(scan::field(m, "task_id")?)?))
}

/// The task whose span a record is in, if any.
pub fn task_seen(r: &Record<'_>) -> Option<N> {
    if !(r.spans.starts_with(b"task") || r.spans.starts_with(b"Prove:task")) {
        return None;
    }
    let (proof, task) = span_ids(&r.message)?;
    Some(N::TaskSeen { proof, task, kind: otel_kind(&r.message) })
}
