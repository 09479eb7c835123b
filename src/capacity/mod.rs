//! What fits: weights, maximum weights, and what would happen if.
//!
//! Pure: plain numbers in, plain numbers out; [`Capacity::of`] takes the numbers
//! from what is known of the cluster, and the screens may change them
//! ([`Setup`]). The alert rules, the Capacity screen and `doctor` use the same.

pub mod limits;
pub mod plan;
pub mod preflight;
pub mod version;
pub mod weights;
mod word;

pub use limits::{Max, MaxOrigin};
pub use plan::{Fit, Meeting, Memory, ModeFit, Plan, Recommended, Setup};
pub use preflight::{Preflight, Verdict};
pub use version::{Detected, Version};
pub use weights::{Origin, Weight, Weights};
pub use word::{Word, word};

use crate::base::{TaskType, WorkerKind};
use crate::event::ProofMode;
use crate::model::{Model, Worker};

/// What is known of the cluster's capacity.
#[derive(Clone, Debug)]
pub struct Capacity {
    /// The coordinator's release.
    pub coordinator: Option<Detected>,
    /// The cpu-node's release.
    pub cpu_node: Option<Detected>,
    /// What CPU tasks weigh.
    pub weights: Weights,
    /// Maximum weight of each CPU worker.
    pub cpu_max: Option<Max>,
    /// Maximum weight of each GPU worker.
    pub gpu_max: Option<Max>,
    /// CPU workers that are connected; without any, the replicas wanted.
    pub cpu_nodes: u32,
    /// Memory limit of a cpu-node in bytes.
    pub memory_limit: Option<u64>,
    /// Memory-backed /dev/shm of a cpu-node in bytes; `Some(u64::MAX)` for one
    /// without a limit.
    pub shm: Option<u64>,
    /// Proofs that are worked on or wait.
    pub active: u32,
}

impl Capacity {
    /// From what is known now.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let listed = model.workers.connected().filter(|w| w.kind == Some(WorkerKind::Cpu)).count();
        let listed = u32::try_from(listed).unwrap_or(u32::MAX);
        let counted = model.stats.as_ref().and_then(|s| s.stats.cpu_workers).unwrap_or(0);
        let workload = model.kube.workload("cpu-node");
        let wanted = workload.map_or(0, |w| w.replicas);
        // While pods are replaced there are more of them than there will be.
        let counts = if workload.is_some_and(|w| w.rolling) { [wanted, counted, listed] } else { [counted, listed, wanted] };
        let cpu_nodes = counts.into_iter().find(|n| *n > 0).unwrap_or(0);
        let pod_limit =
            || model.kube.pods().filter(|p| p.component == Some(crate::event::Component::CpuNode)).find_map(|p| p.info.memory_limit);
        Self {
            coordinator: version::of_coordinator(model),
            cpu_node: version::of_cpu_node(model),
            weights: Weights::of(model),
            cpu_max: limits::of_kind(model, WorkerKind::Cpu),
            gpu_max: limits::of_kind(model, WorkerKind::Gpu),
            cpu_nodes,
            memory_limit: workload.and_then(|w| w.memory_limit).or_else(pod_limit),
            shm: workload.and_then(|w| w.shm_size),
            active: u32::try_from(model.proofs.active().count()).unwrap_or(u32::MAX),
        }
    }

    /// The plain numbers, to plan with and to change; `None` while no maximum
    /// weight of a CPU worker is known.
    #[must_use]
    pub fn setup(&self) -> Option<Setup> {
        let w = |k: &TaskType| self.weights.value(k);
        let executes = self.cpu_node.is_none_or(|d| d.version >= version::version(2, 1, 0));
        Some(Setup {
            controller: w(&TaskType::Controller),
            core_execute: if executes { w(&TaskType::CoreExecute) } else { 0 },
            plonk_wrap: w(&TaskType::PlonkWrap),
            groth16_wrap: w(&TaskType::Groth16Wrap),
            nodes: self.cpu_nodes.max(1),
            max: self.cpu_max?.value,
            memory_limit: self.memory_limit.map(limits::gib),
            at_once: self.active.max(1),
        })
    }

    /// What the cluster's own numbers come to.
    #[must_use]
    pub fn plan(&self) -> Option<Plan> {
        self.setup().map(|s| s.plan())
    }

    /// True when the weights that decide whether `mode` fits are certain:
    /// observed, set, or a default that nothing overrides.
    #[must_use]
    pub fn is_sure_of(&self, mode: ProofMode) -> bool {
        let kinds = [Some(TaskType::Controller), Some(mode.wrap().unwrap_or(TaskType::CoreExecute))];
        kinds.into_iter().flatten().all(|k| self.weights.get(&k).is_some_and(|w| w.origin.is_sure()))
    }

    /// Weight of what `worker` runs, in GB.
    #[must_use]
    pub fn used(&self, worker: &Worker) -> u32 {
        worker.tasks.iter().filter_map(|t| t.kind.as_ref()).map(|k| self.weights.value(k)).sum()
    }
}
