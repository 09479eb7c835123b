//! How much weight a worker takes at most, and how that is known (reference 3.4).

use crate::base::WorkerKind;
use crate::model::{Gauge, Model, Worker};

use super::version;
use super::weights::env;

/// Where a maximum is from, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxOrigin {
    /// From the stats: the sum over the workers divided by their number.
    Stats,
    /// The node's own log says it.
    NodeLog,
    /// `WORKER_MAX_WEIGHT_OVERRIDE` of the deployment.
    Environment,
    /// What the release makes of the memory limit and /dev/shm.
    MemoryLimit,
    /// What the release makes of the memory of the host.
    HostMemory,
}

impl MaxOrigin {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stats => "stats",
            Self::NodeLog => "node log",
            Self::Environment => "WORKER_MAX_WEIGHT_OVERRIDE",
            Self::MemoryLimit => "memory limit",
            Self::HostMemory => "memory of the host",
        }
    }
}

/// The maximum weight of each worker of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Max {
    /// GB; for workers that differ, their mean.
    pub value: u32,
    /// How it is known.
    pub origin: MaxOrigin,
    /// False where the workers cannot all be equal.
    pub equal: bool,
}

const GIB: u64 = 1 << 30;

/// Bytes as whole GiB, rounded down.
#[must_use]
pub fn gib(bytes: u64) -> u32 {
    u32::try_from(bytes / GIB).unwrap_or(u32::MAX)
}

/// The maximum weight of the workers of `kind`, by the best of what is known.
#[must_use]
pub fn of_kind(model: &Model, kind: WorkerKind) -> Option<Max> {
    let workload = match kind {
        WorkerKind::Cpu => "cpu-node",
        _ => "gpu-node",
    };
    let stats = from_stats(model, kind);
    if changing(model, workload) {
        // Old and new workers side by side: their mean is nobody's maximum. What
        // counts is what they will have.
        let then = configured(model, workload).map(|m| Max { equal: false, ..m });
        return then.or(stats.map(|m| Max { equal: false, ..m }));
    }
    if let Some(max) = stats {
        return Some(max);
    }
    if let Some(value) = model.signals.max_weight_logged(kind, model) {
        return Some(Max { value, origin: MaxOrigin::NodeLog, equal: true });
    }
    configured(model, workload)
}

/// Whether the pods of a deployment are being replaced.
fn changing(model: &Model, workload: &str) -> bool {
    let leaving = |p: &crate::model::Pod| p.component.is_some_and(|c| c.as_str() == workload) && p.info.deleting_since.is_some();
    model.kube.workload(workload).is_some_and(|w| w.rolling) || model.kube.pods().any(leaving)
}

/// Divides the newest stats that count a worker of that kind.
fn from_stats(model: &Model, kind: WorkerKind) -> Option<Max> {
    let (workers, max) = match kind {
        WorkerKind::Cpu => (Gauge::CpuWorkers, Gauge::CpuMax),
        WorkerKind::Gpu => (Gauge::GpuWorkers, Gauge::GpuMax),
        WorkerKind::All => return None,
    };
    let sample = model.history.raw().rev().take(720).find(|s| s.get(workers).is_some_and(|n| n > 0))?;
    let (n, sum) = (sample.get(workers)?, sample.get(max)?);
    Some(Max { value: sum / n.max(1), origin: MaxOrigin::Stats, equal: sum % n.max(1) == 0 })
}

/// What the deployment's settings come to.
#[must_use]
pub fn configured(model: &Model, workload: &str) -> Option<Max> {
    if let Some(value) = env(model, workload, "WORKER_MAX_WEIGHT_OVERRIDE").and_then(|v| v.trim().parse().ok()) {
        return Some(Max { value, origin: MaxOrigin::Environment, equal: true });
    }
    let w = model.kube.workload(workload)?;
    let version = version::of_workload(model, workload).or_else(|| version::of_coordinator(model))?.version;
    if version.measures_container() {
        let host = || model.kube.nodes().filter_map(|n| n.memory).max();
        let memory = gib(w.memory_limit.or_else(host)?);
        // Without a volume a container has 64 MiB of it, which counts as none.
        let shm = w.shm_size.map_or(0, gib);
        return Some(Max { value: memory.min(shm), origin: MaxOrigin::MemoryLimit, equal: true });
    }
    let host = model.kube.nodes().filter_map(|n| n.memory).max()?;
    let value = u32::try_from(host.div_ceil(16 * GIB) * 16).unwrap_or(u32::MAX);
    Some(Max { value, origin: MaxOrigin::HostMemory, equal: model.kube.nodes().count() == 1 })
}

/// The maximum weight of one worker.
#[must_use]
pub fn of_worker(model: &Model, worker: &Worker) -> Option<Max> {
    if let Some(value) = worker.tie.as_ref().and_then(|t| model.signals.max_weight_of(&t.source)) {
        return Some(Max { value, origin: MaxOrigin::NodeLog, equal: true });
    }
    of_kind(model, worker.kind?).filter(|m| m.equal)
}
