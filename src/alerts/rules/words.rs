//! Words that several rules use.

use std::fmt::Write as _;

use crate::alerts::Look;
use crate::base::{ProofId, TaskType, WorkerKind};
use crate::capacity::Weight;
use crate::model::{Proof, Running, Worker};

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

/// True where Kubernetes says that the pods of `deployment` are being replaced.
pub fn rolling(look: &Look<'_>, deployment: &str) -> bool {
    look.model.kube.workload(deployment).is_some_and(|w| w.rolling)
        || look.model.kube.pods().any(|p| p.component.is_some_and(|c| c.as_str() == deployment) && p.info.deleting_since.is_some())
}
