//! The coordinator's messages (reference 2.2).

use std::time::Duration;

use super::{Meaning, Table, pair, proof, task, words};
use crate::base::{ProofId, TaskId, TaskType, WorkerId};
use crate::event::{Component, CoordinatorEvent as C, Level, ProofMode, ProofStatus, What};
use crate::parse::formats::Record;
use crate::parse::scan;

pub const TABLE: Table = Table { component: Some(Component::Coordinator), meanings: MEANINGS, other };

#[expect(clippy::unnecessary_wraps, reason = "readers of the table return an option")]
const fn some(e: C) -> Option<What> {
    Some(What::Coordinator(e))
}

fn worker(s: &[u8]) -> Option<(WorkerId, &[u8])> {
    let (id, rest) = scan::word(s);
    Some((WorkerId::read(id.strip_suffix(b":").unwrap_or(id))?, rest))
}

const MEANINGS: &[Meaning] = &[
    Meaning { begins: "inputs: [", read: |s, _| inputs(s) },
    Meaning {
        begins: "outputs: [",
        read: |s, _| {
            let (a, _) = scan::plain_string(s)?;
            some(C::ClaimOutputs { proof_artifact: words(a) })
        },
    },
    Meaning {
        begins: "Created proof ",
        read: |s, _| {
            let (proof, s) = proof(s)?;
            let (task, _) = task(s.strip_prefix(b"with task ")?)?;
            some(C::ProofCreated { proof, task })
        },
    },
    Meaning {
        begins: "Completed proof ",
        read: |s, _| {
            let (proof, _) = proof(s)?;
            some(C::ProofCompleted { proof })
        },
    },
    Meaning { begins: "Failed proof ", read: failed_proof },
    Meaning {
        begins: "Setting proof status to ",
        read: |s, _| {
            let (status, s) = scan::word(s);
            let status = match status {
                b"Completed" => ProofStatus::Completed,
                b"Failed" => ProofStatus::Failed,
                b"Cancelled" => ProofStatus::Cancelled,
                _ => return None,
            };
            let (proof, _) = proof(s.strip_prefix(b"for ")?)?;
            some(C::StatusWrite { proof, status })
        },
    },
    Meaning { begins: "Failed to update proof status: ", read: |s, _| some(C::StatusWriteFailed { error: words(s) }) },
    Meaning { begins: "re-issuing lost status write for proof ", read: |s, _| some(C::StatusReissued { proof: proof(s)?.0 }) },
    Meaning { begins: "re-issue of lost status write for ", read: |s, _| some(C::StatusReissueFailed { proof: proof(s)?.0 }) },
    Meaning {
        begins: "Running proof ",
        read: |s, _| {
            let (proof, s) = proof(s)?;
            s.starts_with(b"is no longer ").then_some(())?;
            some(C::ProofGone { proof })
        },
    },
    Meaning {
        begins: "Worker registered: ",
        read: |s, _| {
            let (worker, s) = worker(s)?;
            let has_location = s.starts_with(b"(location: ");
            // Half a location must not pass for a release that prints none.
            (has_location || !s.starts_with(b"(")).then(|| some(C::WorkerRegistered { worker, has_location }))?
        },
    },
    Meaning { begins: "Worker already exists", read: |_, _| some(C::WorkerReconnected) },
    Meaning {
        begins: "coordinator (version ",
        read: |s, _| {
            let (version, _) = scan::until(s, b") listening on ")?;
            some(C::Listening { version: words(version) })
        },
    },
    Meaning { begins: "retrying task ", read: |s, _| some(C::TaskRetrying { task: task(s)?.0 }) },
    Meaning { begins: "Failed to send heartbeat to worker ", read: |s, _| some(C::HeartbeatFailed { worker: worker(s)?.0 }) },
    Meaning { begins: "Failed to send task to worker ", read: |s, _| some(C::SendFailed { worker: worker(s)?.0 }) },
    Meaning { begins: "Failed to send CancelTask to worker ", read: |s, _| some(C::SendFailed { worker: worker(s)?.0 }) },
    Meaning { begins: "Failed to get filtered tasks: ", read: |s, _| some(C::ApiUnreachable { error: words(s) }) },
    Meaning { begins: "failed to push cluster component manifest to API", read: |s, _| some(C::ManifestPushFailed { error: words(s) }) },
    Meaning { begins: "Options artifact ID not found for proof ", read: |s, _| malformed(s, "options_artifact_id (the mode)") },
    Meaning { begins: "Cycle limit not found for proof ", read: |s, _| malformed(s, "cycle_limit") },
    Meaning { begins: "Proof artifact ID not found for proof ", read: |s, _| malformed(s, "proof_artifact_id") },
    Meaning {
        begins: "latency ",
        read: |s, _| {
            let (ns, s) = scan::leading_decimal(s)?;
            let (kind, _) = scan::until(s.strip_prefix(b" for kind ")?, b" is too high")?;
            some(C::SlowLock { took: Duration::from_nanos(ns), kind: words(kind) })
        },
    },
    Meaning { begins: "no worker available", read: |_, _| some(C::NoWorkerAvailable) },
    Meaning {
        begins: "create task ",
        read: |s, _| {
            let (proof, s) = proof(s)?;
            let (task, s) = task(s)?;
            some(C::TaskCreated { proof, task, kind: TaskType::read(scan::word(s).0)? })
        },
    },
    Meaning {
        begins: "[tasks] starting task ",
        read: |s, _| {
            let (task, worker, kind, proof) = placed(s)?;
            some(C::TaskStarted { proof, task, kind, worker })
        },
    },
    Meaning {
        begins: "[tasks] completing task ",
        read: |s, _| {
            let (task, worker, kind, proof) = placed(s)?;
            some(C::TaskCompleted { proof, task, kind, worker })
        },
    },
    Meaning {
        begins: "Failing task ",
        read: |s, _| {
            let (a, rest) = scan::word(s);
            let (b, rest) = scan::word(rest);
            // Seen as `T P` and described as `P T`: the task is what begins so.
            let (t, p) = if a.starts_with(b"task_") { (a, b) } else { (b, a) };
            let retryable = match scan::word(rest).0 {
                b"true" => true,
                b"false" => false,
                _ => return None,
            };
            some(C::TaskFailing { proof: ProofId::read(p)?, task: TaskId::read(t)?, retryable })
        },
    },
    Meaning { begins: "Graceful shutdown complete", read: |_, _| some(C::Stopped) },
    Meaning { begins: "Server error: ", read: |s, r| some(C::Trouble { text: trouble(s, r) }) },
    Meaning { begins: "Metrics server task exited unexpectedly", read: |s, r| some(C::Trouble { text: trouble(s, r) }) },
];

fn trouble(_rest: &[u8], r: &Record<'_>) -> String {
    words(&r.message)
}

fn malformed(s: &[u8], what: &str) -> Option<What> {
    some(C::MalformedRow { proof: proof(s)?.0, what: what.into() })
}

/// `T W Type P`
fn placed(s: &[u8]) -> Option<(TaskId, WorkerId, TaskType, ProofId)> {
    let (task, s) = task(s)?;
    let (worker, s) = worker(s)?;
    let (kind, s) = scan::word(s);
    Some((task, worker, TaskType::read(kind)?, proof(s)?.0))
}

/// `"program", "stdin", "mode", "cycle limit", …]`
fn inputs(s: &[u8]) -> Option<What> {
    let mut items: Vec<&[u8]> = Vec::new();
    let mut rest = s;
    loop {
        let n = scan::string_len(rest)?;
        items.push(&rest[1..n - 1]);
        rest = &rest[n..];
        if let Some(r) = rest.strip_prefix(b", ") {
            rest = r;
        } else {
            rest.strip_prefix(b"]")?;
            break;
        }
    }
    let [program, stdin, mode, ..] = items[..] else { return None };
    some(C::ClaimInputs { program: words(program), stdin: words(stdin), mode: ProofMode::read(mode), items: items.len() })
}

/// `P ` with, behind it, `proof_id="P" task_id=Some("T") notify_sender=true extra_data=…`
fn failed_proof(s: &[u8], r: &Record<'_>) -> Option<What> {
    let (proof, rest) = proof(s)?;
    let task =
        scan::field(rest, "task_id").and_then(|v| v.strip_prefix(b"Some(\"")).and_then(|v| v.strip_suffix(b"\")")).and_then(TaskId::read);
    let reason = scan::field(rest, "extra_data")
        .and_then(|v| v.strip_prefix(b"Some("))
        .and_then(|v| v.strip_suffix(b")"))
        .map(|v| v.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(v))
        .map(|v| crate::parse::failure_reason(&scan::unescape(v)))
        .filter(|t| !t.is_empty());
    let _ = r;
    some(C::ProofFailed { proof, task, reason })
}

/// Messages that begin with a name.
fn other(r: &Record<'_>) -> Option<Result<What, ()>> {
    let m = &*r.message;
    let found = if let Some(s) = m.strip_prefix(b"worker ") {
        named_worker(s)?
    } else if let Some(s) = m.strip_prefix(b"task ") {
        named_task(s)?
    } else if let Some(s) = m.strip_prefix(b"Proof ") {
        let (id, s) = scan::word(s);
        if s.starts_with(b"has no more active tasks") {
            ProofId::read(id).map(|proof| C::ProofDrained { proof })
        } else if s.starts_with(b"controller has no more retries") {
            ProofId::read(id).map(|proof| C::ProofOutOfRetries { proof })
        } else {
            return None;
        }
    } else if m.starts_with(b"logging initialized") && super::component_of_target(&r.target) == Some(Component::Coordinator) {
        Some(C::ProcessStarted)
    } else if m.starts_with(b"Received signal") && super::component_of_target(&r.target) == Some(Component::Coordinator) {
        Some(C::ShuttingDown)
    } else if m.starts_with(b"proof ") && r.level == Level::Error {
        let (id, _) = scan::word(&m[6..]);
        ProofId::read(id).map(|_| C::Trouble { text: words(m) })
    } else {
        return None;
    };
    Some(found.map(What::Coordinator).ok_or(()))
}

/// What follows `worker `. The outer `None`: it is no message of ours.
#[expect(clippy::option_option, reason = "not ours, ours and unreadable, read")]
fn named_worker(s: &[u8]) -> Option<Option<C>> {
    let (id, s) = scan::word(s);
    if let Some(s) = s.strip_prefix(b"has timed out") {
        let age = s.strip_prefix(b" (last heartbeat ").and_then(scan::leading_decimal);
        if s.starts_with(b" (") && age.is_none_or(|(_, r)| !r.starts_with(b"s ago)")) {
            return Some(None);
        }
        return Some(WorkerId::read(id).map(|worker| C::WorkerTimedOut { worker, heartbeat_age_secs: age.map(|a| a.0) }));
    }
    let task = if let Some(s) = s.strip_prefix(b"is not working on expected task ") {
        pair(s).map(|(_, t, _)| t)
    } else if let Some(s) = s.strip_prefix(b"is working on unexpected task ") {
        pair(s).map(|(_, t, _)| t)
    } else if let Some(s) = s.strip_prefix(b"was not working on task ") {
        task(s).map(|(t, _)| t)
    } else {
        return None;
    };
    Some(task.and_then(|t| Some(C::Churn { worker: Some(WorkerId::read(id)?), task: Some(t) })))
}

/// What follows `task `.
#[expect(clippy::option_option, reason = "not ours, ours and unreadable, read")]
fn named_task(s: &[u8]) -> Option<Option<C>> {
    let (id, s) = scan::word(s);
    if s.starts_with(b"retries exhausted") {
        return Some(TaskId::read(id).map(|task| C::TaskExhausted { task }));
    }
    if let Some(s) = s.strip_prefix(b"was assigned to an unknown worker: ") {
        let worker = WorkerId::read(scan::word(s).0);
        return Some(TaskId::read(id).map(|t| C::Churn { worker, task: Some(t) }));
    }
    None
}
