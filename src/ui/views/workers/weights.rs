//! What tasks weigh and what workers can take, for a frame: the capacity
//! module's answers, asked once and not for every worker.

use crate::base::WorkerKind;
use crate::capacity::{self, limits};
use crate::model::{Model, Worker};

/// Weights as far as they are known, in GB.
#[derive(Clone, Debug)]
pub struct Weights<'m> {
    model: &'m Model,
    tasks: capacity::Weights,
    cpu_max: Option<u32>,
    gpu_max: Option<u32>,
}

/// The weights of that cluster.
#[must_use]
pub fn weights(model: &Model) -> Weights<'_> {
    let max = |kind| limits::of_kind(model, kind).filter(|m| m.equal).map(|m| m.value);
    Weights { model, tasks: capacity::Weights::of(model), cpu_max: max(WorkerKind::Cpu), gpu_max: max(WorkerKind::Gpu) }
}

impl Weights<'_> {
    /// The weight of what a worker runs; `None` where one of its tasks is of an
    /// unknown type.
    #[must_use]
    pub fn current(&self, worker: &Worker) -> Option<u32> {
        worker.tasks.iter().map(|t| t.kind.as_ref().map(|k| self.tasks.value(k))).sum()
    }

    /// The weight that a worker can take: what its own log says, else what the
    /// workers of its type have in common.
    #[must_use]
    pub fn max(&self, worker: &Worker) -> Option<u32> {
        let logged = worker.tie.as_ref().and_then(|t| self.model.signals.max_weight_of(&t.source));
        logged.or(match worker.kind? {
            WorkerKind::Cpu => self.cpu_max,
            WorkerKind::Gpu => self.gpu_max,
            WorkerKind::All => None,
        })
    }
}
