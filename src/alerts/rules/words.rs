//! Words that several rules use.

use std::fmt::Write as _;
use std::time::Duration;

use crate::alerts::Look;
use crate::base::{ProofId, TaskType, Timestamp, WorkerKind};
use crate::capacity::Weight;
use crate::model::{ContainerDeath, Proof, Running, Worker};

/// `PlonkWrap 32 (seen)`.
pub fn weight(kind: &TaskType, w: &Weight) -> String {
    format!("{} {} ({})", kind.as_str(), w.value, w.origin.text())
}

/// At most `most` of them, and how many more.
pub fn list(items: impl Iterator<Item = String>, most: usize) -> String {
    let all: Vec<String> = items.collect();
    let more = all.len().saturating_sub(most);
    let mut out = all[..all.len().min(most)].join(", ");
    if more > 0 {
        let _ = write!(out, " and {more} more");
    }
    out
}

/// `gpu worker unknown_… (pod gpu-node-…)`.
pub fn worker(w: &Worker) -> String {
    let kind = w.kind.map_or("", WorkerKind::as_str);
    match pod(w) {
        Some(pod) if pod != w.id.to_string() => format!("{kind} worker {} (pod {pod})", w.id),
        _ => format!("{kind} worker {}", w.id),
    }
}

/// The pod that a worker seems to be.
pub fn pod(w: &Worker) -> Option<&str> {
    w.tie.as_ref().map(|t| t.pod.as_str())
}

/// `3 ProveShard, 1 SetupVkey of cli_…`.
pub fn tasks(tasks: &[Running]) -> String {
    if tasks.is_empty() {
        return "no tasks".into();
    }
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for t in tasks {
        *counts.entry(t.kind.as_ref().map_or("unknown", TaskType::as_str)).or_default() += 1;
    }
    let kinds: Vec<String> = counts.into_iter().map(|(k, n)| format!("{n} {k}")).collect();
    let mut proofs: Vec<&ProofId> = tasks.iter().map(|t| &t.proof).collect();
    proofs.sort_unstable();
    proofs.dedup();
    format!("{} of {}", kinds.join(", "), list(proofs.into_iter().map(ToString::to_string), 3))
}

/// The deployment of workers of a kind.
pub const fn deployment(kind: Option<WorkerKind>) -> &'static str {
    match kind {
        Some(WorkerKind::Cpu) => "cpu-node",
        _ => "gpu-node",
    }
}

/// A proof's mode in words.
pub fn mode(p: &Proof) -> &'static str {
    p.mode.map_or("", |m| m.as_str())
}

/// A roll-out that takes longer than this is stuck, not on its way.
const ROLL_OUT: Duration = Duration::from_secs(600);
/// The coordinator gives a worker up 31 to 41 s after its pod was stopped.
const AFTERMATH: Duration = Duration::from_secs(75);

/// True where Kubernetes says that the pods of `deployment` are being replaced.
pub fn rolling(look: &Look<'_>, deployment: &str) -> bool {
    let kube = &look.model.kube;
    let now = kube.workload(deployment).is_some_and(|w| w.rolling)
        || kube.pods().any(|p| p.component.is_some_and(|c| c.as_str() == deployment) && p.info.deleting_since.is_some());
    now && kube.rolled(deployment).next_back().is_none_or(|(from, _)| look.since(*from) < ROLL_OUT)
}

/// True where the pods of `deployment` were being replaced at `at`, or shortly before.
pub fn rolled(look: &Look<'_>, deployment: &str, at: Timestamp) -> bool {
    look.model.kube.rolled(deployment).any(|(from, to)| at >= *from && at <= to.plus(AFTERMATH) && at.since(*from) < ROLL_OUT)
}

/// True where a worker was told to stop: its log says so, its deployment's pods
/// were being replaced when it went, or another one had come for it.
pub fn is_planned(look: &Look<'_>, w: &Worker) -> bool {
    let drains = w.tie.as_ref().and_then(|t| look.model.signals.draining(&t.source)).is_some_and(|t| t >= w.first_seen);
    let at = w.lost_at.or(w.unreachable_since).unwrap_or(look.now());
    drains || look.digest.replaced(look.model).contains(&w.id) || rolled(look, deployment(w.kind), at)
}

/// The container's end that took a worker with it, where Kubernetes tells of one.
pub fn death<'a>(look: &Look<'a>, w: &Worker) -> Option<&'a ContainerDeath> {
    let gone = w.unreachable_since.or(w.lost_at).unwrap_or(look.now());
    look.model.kube.deaths().rev().find(|d| {
        let at = d.termination.at.unwrap_or(d.seen_at);
        // Heartbeats fail up to 5 s later, and clocks differ.
        let near = at <= gone.plus(Duration::from_secs(5)) && gone.since(at) < Duration::from_secs(120);
        let there = w.first_seen <= at.plus(Duration::from_secs(1));
        near && there
            && (pod(w) == Some(d.pod.as_str()) || (w.tie.is_none() && d.component.is_some_and(|c| c.as_str() == deployment(w.kind))))
    })
}
