//! `status -o json`: the schema `sp1top.status/1`.
//!
//! Unknown values are `null`, never a guess. Fields are only ever added.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::alerts::Alerts;
use crate::base::{TaskType, Timestamp, WorkerKind};
use crate::capacity::{Capacity, limits, version};
use crate::envelope::SourceState;
use crate::event::{ProofMode, ProofStatus, Stats as ModelStats, StatsSource};
use crate::model::{Model, Pod as ModelPod, Worker as ModelWorker, WorkerState};

/// The schema's name.
pub const SCHEMA: &str = "sp1top.status/1";

/// One snapshot.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The time that the data has reached; `null` without any data.
    pub at: Option<Timestamp>,
    /// What is looked at.
    pub cluster: Cluster,
    /// The newest GetStatsResponse.
    pub stats: Option<Stats>,
    /// Workers, lost ones last.
    pub workers: Vec<Worker>,
    /// Proofs, those that are worked on first.
    pub proofs: Vec<Proof>,
    /// Pods by name.
    pub pods: Vec<Pod>,
    /// Alerts that fire.
    pub alerts: Vec<super::alerts::Line>,
    /// Where all this comes from.
    pub sources: Vec<Source>,
}

/// What is looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Cluster {
    /// Kubernetes context.
    pub context: Option<String>,
    /// Kubernetes namespace.
    pub namespace: Option<String>,
    /// `"<git sha> <build time>"`.
    pub coordinator_version: Option<String>,
    /// Its release, as the screens call it; for the text.
    #[serde(skip)]
    pub coordinator_release: Option<String>,
    /// For example `v6.1.0`.
    pub sp1_circuit_version: Option<String>,
}

/// The 14 fields of GetStatsResponse by their own names.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the names are the coordinator's; see event::Stats")]
pub struct Stats {
    pub coordinator_version: Option<String>,
    pub sp1_circuit_version: Option<String>,
    pub total_tasks: Option<u64>,
    pub active_tasks: Option<u32>,
    pub cpu_workers: Option<u32>,
    pub gpu_workers: Option<u32>,
    pub cpu_utilization_current: Option<u32>,
    pub cpu_utilization_max: Option<u32>,
    pub gpu_utilization_current: Option<u32>,
    pub gpu_utilization_max: Option<u32>,
    pub active_proofs: Option<u32>,
    pub cpu_queue: Option<u32>,
    pub gpu_queue: Option<u32>,
    pub active_subscribers: Option<u32>,
    pub at: Timestamp,
    pub source: StatsSource,
}

/// A worker.
#[derive(Clone, Debug, Serialize)]
pub struct Worker {
    /// Its id.
    pub id: String,
    /// `cpu`, `gpu` or `all`; `null` before a worker line said it.
    #[serde(rename = "type")]
    pub kind: Option<&'static str>,
    /// Whether it can be counted on.
    pub state: WorkerState,
    /// When the coordinator last listed it.
    pub last_seen: Timestamp,
    /// Its weight.
    pub weight: Weight,
    /// What it runs.
    pub tasks: Vec<Task>,
    /// The pod that it seems to be.
    pub pod: Option<String>,
}

/// Weight in GB.
#[derive(Clone, Debug, Serialize)]
pub struct Weight {
    /// Sum of its tasks.
    pub current: Option<u32>,
    /// The most it takes.
    pub max: Option<u32>,
    /// Where the maximum is from.
    pub from: Option<String>,
}

/// A running task.
#[derive(Clone, Debug, Serialize)]
pub struct Task {
    /// Its proof.
    pub proof_id: String,
    /// Its id.
    pub task_id: String,
    /// As the coordinator's log spells it.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// When it was first seen on this worker.
    pub since: Timestamp,
}

/// A proof.
#[derive(Clone, Debug, Serialize)]
pub struct Proof {
    /// Its id.
    pub id: String,
    /// Its mode, where known.
    pub mode: Option<ProofMode>,
    /// Its status; `null` when it vanished without a word.
    pub status: Option<ProofStatus>,
    /// When it was requested.
    pub created_at: Option<Timestamp>,
    /// From the request (or the claim) to its end, or to now.
    pub elapsed_seconds: Option<f64>,
    /// When it expires.
    pub deadline: Option<Timestamp>,
    /// Seconds that it will still take; `null` when unknown.
    pub eta_seconds: Option<f64>,
    /// By type.
    pub tasks: BTreeMap<String, Tally>,
    /// Why it failed.
    pub failure: Option<String>,
}

/// Counts of one type of task.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Tally {
    /// On a worker now.
    pub running: u32,
    /// Different ones seen so far.
    pub seen: u32,
}

/// A pod.
#[derive(Clone, Debug, Serialize)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// `coordinator`, `cpu-node`, …
    pub component: Option<&'static str>,
    /// `Running`, `Pending`, …
    pub phase: String,
    /// All containers are ready.
    pub ready: bool,
    /// Sum over the containers.
    pub restarts: u32,
    /// How its container last ended.
    pub last_termination: Option<Termination>,
    /// Used now.
    pub cpu_millicores: Option<u64>,
    /// Used now (working set).
    pub memory_bytes: Option<u64>,
    /// Its limit.
    pub memory_limit_bytes: Option<u64>,
}

/// A container's end.
#[derive(Clone, Debug, Serialize)]
pub struct Termination {
    /// `OOMKilled`, `Error`, …
    pub reason: String,
    /// 137 for a kill.
    pub exit_code: i32,
    /// When.
    pub at: Option<Timestamp>,
}

/// A source.
#[derive(Clone, Debug, Serialize)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// How it fares.
    pub state: Option<SourceState>,
    /// When it last gave data.
    pub last_at: Option<Timestamp>,
    /// Envelopes lost because a queue was full.
    pub dropped: u64,
    /// Lines and documents that could not be read.
    pub unread: u64,
    /// One line for a person; `null` when all is well.
    pub detail: Option<String>,
    /// The component that writes it.
    pub component: Option<&'static str>,
}

impl Status {
    /// What `model` knows now, and which alerts fire.
    #[must_use]
    pub fn of(model: &Model, alerts: &Alerts) -> Self {
        let mut workers: Vec<&ModelWorker> = model.workers.iter().collect();
        let kind = |w: &ModelWorker| w.kind.map(WorkerKind::as_str);
        workers.sort_by(|a, b| (a.state, kind(a), &a.id).cmp(&(b.state, kind(b), &b.id)));
        let capacity = Capacity::of(model);
        let mut proofs: Vec<_> = model.proofs.iter().collect();
        proofs.sort_by_key(|p| (p.status.is_none_or(ProofStatus::is_final), p.first_seen, p.id.clone()));
        Self {
            schema: SCHEMA,
            at: model.now.is_set().then_some(model.now),
            cluster: Cluster {
                context: model.session.context.clone(),
                namespace: model.session.namespace.clone(),
                coordinator_version: model.coordinator.version.clone(),
                coordinator_release: version::surely_of_coordinator(model).map(|d| d.version.to_string()),
                sp1_circuit_version: model.coordinator.circuit.clone(),
            },
            stats: model.stats.as_ref().map(|s| stats(&s.stats, s.at, s.origin)),
            workers: workers.into_iter().map(|w| worker(model, &capacity, w)).collect(),
            proofs: proofs.into_iter().map(|p| proof(model, p)).collect(),
            pods: model.kube.pods().map(pod).collect(),
            alerts: alerts.firing().iter().flat_map(|a| super::alerts::Line::firing(model.now, a)).collect(),
            sources: model
                .sources
                .iter()
                .filter(|(n, _)| !matches!(n.as_str(), "session" | "clock"))
                .map(|(name, s)| Source {
                    name: name.as_str().to_owned(),
                    state: s.state,
                    last_at: s.last_at,
                    dropped: s.dropped,
                    unread: s.unread_total(),
                    detail: (!s.detail.is_empty()).then(|| s.detail.clone()),
                    component: s.component.map(super::super::event::Component::as_str),
                })
                .collect(),
        }
    }
}

fn stats(s: &ModelStats, at: Timestamp, source: StatsSource) -> Stats {
    Stats {
        coordinator_version: s.coordinator_version.clone(),
        sp1_circuit_version: s.sp1_circuit_version.clone(),
        total_tasks: s.total_tasks,
        active_tasks: s.active_tasks,
        cpu_workers: s.cpu_workers,
        gpu_workers: s.gpu_workers,
        cpu_utilization_current: s.cpu_utilization_current,
        cpu_utilization_max: s.cpu_utilization_max,
        gpu_utilization_current: s.gpu_utilization_current,
        gpu_utilization_max: s.gpu_utilization_max,
        active_proofs: s.active_proofs,
        cpu_queue: s.cpu_queue,
        gpu_queue: s.gpu_queue,
        active_subscribers: s.active_subscribers,
        at,
        source,
    }
}

fn worker(model: &Model, capacity: &Capacity, w: &ModelWorker) -> Worker {
    let max = limits::of_worker(model, w);
    // A guessed weight is not told.
    let certain = |k: &TaskType| capacity.weights.get(k).is_none_or(|w| w.origin.is_sure());
    let known = w.tasks.iter().all(|t| t.kind.as_ref().is_some_and(certain));
    Worker {
        id: w.id.to_string(),
        kind: w.kind.map(WorkerKind::as_str),
        state: w.state,
        last_seen: w.last_seen,
        weight: Weight {
            current: known.then(|| capacity.used(w)),
            max: max.map(|m| m.value),
            from: max.map(|m| m.origin.as_str().to_owned()),
        },
        tasks: w
            .tasks
            .iter()
            .map(|t| Task {
                proof_id: t.proof.as_str().to_owned(),
                task_id: t.task.to_string(),
                kind: t.kind.as_ref().map(|k| k.as_str().to_owned()),
                since: t.since,
            })
            .collect(),
        pod: w.tie.as_ref().map(|t| t.pod.clone()),
    }
}

fn proof(model: &Model, p: &crate::model::Proof) -> Proof {
    let begun = p.requested_at.or(p.claimed_at);
    let end = p.ended_at.unwrap_or(model.now);
    Proof {
        id: p.id.as_str().to_owned(),
        mode: p.mode,
        status: p.status,
        created_at: p.requested_at,
        elapsed_seconds: begun.map(|b| round(end.seconds_since(b).max(0.0))),
        deadline: p.deadline,
        eta_seconds: model.eta(p).map(|e| round(e.middle().as_secs_f64())),
        tasks: p.tallies.iter().map(|(k, t)| (k.as_str().to_owned(), Tally { running: t.running, seen: t.seen })).collect(),
        failure: p.failure.clone(),
    }
}

/// To a millisecond.
fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn pod(p: &ModelPod) -> Pod {
    let usage = p.last_usage();
    Pod {
        name: p.info.name.clone(),
        component: p.component.map(super::super::event::Component::as_str),
        phase: p.info.phase.clone(),
        ready: p.info.ready,
        restarts: p.info.restarts,
        last_termination: p.info.last_termination.as_ref().map(|t| Termination {
            reason: t.reason.clone(),
            exit_code: t.exit_code,
            at: t.at,
        }),
        cpu_millicores: usage.and_then(|u| u.cpu_millicores),
        memory_bytes: usage.and_then(|u| u.memory_bytes),
        memory_limit_bytes: p.info.memory_limit,
    }
}
