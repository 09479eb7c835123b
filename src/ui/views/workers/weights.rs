//! What tasks weigh and what workers can take.
//!
//! A seam: the capacity module knows better and will take this place.

use crate::base::{TaskType, WorkerKind};
use crate::model::{Model, Worker};

/// Weights as far as they are known, in GB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Weights {
    cpu_max: Option<u32>,
    gpu_max: Option<u32>,
}

/// The weights of that cluster: those that v2.3.1 and later have by default,
/// and the maxima that the stats tell when all workers of a type have the same
/// (facts, section 2).
#[must_use]
pub fn weights(model: &Model) -> Weights {
    let Some(now) = &model.stats else { return Weights::default() };
    let each = |max: Option<u32>, workers: Option<u32>| match (max, workers) {
        (Some(max), Some(n)) if n > 0 && max % n == 0 => Some(max / n),
        _ => None,
    };
    Weights {
        cpu_max: each(now.stats.cpu_utilization_max, now.stats.cpu_workers),
        gpu_max: each(now.stats.gpu_utilization_max, now.stats.gpu_workers),
    }
}

impl Weights {
    /// What a task of that type weighs; `None` where nobody knows.
    #[must_use]
    pub const fn of(&self, kind: &TaskType) -> Option<u32> {
        Some(match kind {
            TaskType::Controller | TaskType::SetupVkey => 1,
            TaskType::ProveShard | TaskType::ShrinkWrap | TaskType::ExecuteOnly => 4,
            TaskType::RecursionDeferred | TaskType::RecursionReduce => 3,
            TaskType::CoreExecute => 8,
            TaskType::PlonkWrap => 60,
            TaskType::Groth16Wrap => 14,
            TaskType::MarkerDeferredRecord => 0,
            TaskType::UtilVkeyMapController | TaskType::UtilVkeyMapChunk | TaskType::Other(_) => return None,
        })
    }

    /// The weight of what a worker runs; `None` where one of its tasks is of an
    /// unknown weight.
    #[must_use]
    pub fn current(&self, worker: &Worker) -> Option<u32> {
        worker.tasks.iter().map(|t| t.kind.as_ref().and_then(|k| self.of(k))).sum()
    }

    /// The weight that a worker can take.
    #[must_use]
    pub fn max(&self, worker: &Worker) -> Option<u32> {
        match worker.kind? {
            WorkerKind::Cpu => self.cpu_max,
            WorkerKind::Gpu => self.gpu_max,
            WorkerKind::All => None,
        }
    }
}
