//! What rules look at: the model, and what is worked out once for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::time::Duration;

use crate::base::{TaskType, Timestamp, WorkerId, WorkerKind};
use crate::capacity::Capacity;
use crate::event::Stats;
use crate::model::{Model, Running, Worker};

use super::{Thresholds, rollout};

/// A moment of the cluster.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// What is known.
    pub model: &'a Model,
    /// What fits.
    pub capacity: &'a Capacity,
    /// Worked out from all workers and tasks.
    pub digest: &'a Digest,
    /// What to compare with.
    pub limits: &'a Thresholds,
}

impl Look<'_> {
    /// The time in the data.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.model.now
    }

    /// The newest stats.
    #[must_use]
    pub fn stats(&self) -> Option<&Stats> {
        self.model.stats.as_ref().map(|s| &s.stats)
    }

    /// The namespace for commands.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.model.session.namespace.as_deref().unwrap_or("sp1-cluster")
    }

    /// Time since `at`.
    #[must_use]
    pub fn since(&self, at: Timestamp) -> Duration {
        self.now().since(at)
    }
}

/// Counts over all workers and tasks, made once when they changed.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    /// Tasks that run on connected workers, by type.
    pub running: BTreeMap<TaskType, u32>,
    /// Connected workers that are listed: CPU, GPU, ALL.
    pub workers: [u32; 3],
    /// When a GPU task last began or ended anywhere; only while some run or wait.
    pub gpu_moved_at: Option<Timestamp>,
    /// When a CPU task other than a Controller last began or ended.
    pub cpu_moved_at: Option<Timestamp>,
    /// Since when the oldest task of each known type runs, by its index.
    oldest: [Option<Timestamp>; TaskType::KNOWN.len()],
    /// Some worker's heartbeats fail.
    pub unreachable: bool,
    replaced: OnceLock<BTreeSet<WorkerId>>,
}

impl Digest {
    /// Looks at all workers once.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let mut counts = [0u32; TaskType::KNOWN.len() + 1];
        let mut workers = [0u32; 3];
        let (mut gpu_moved_at, mut cpu_moved_at) = (None, None);
        let mut oldest = [Timestamp(i64::MAX); TaskType::KNOWN.len() + 1];
        let mut unreachable = false;
        for w in model.workers.iter() {
            unreachable |= w.unreachable_since.is_some();
            if !w.is_connected() {
                continue;
            }
            let moved = match w.kind {
                Some(WorkerKind::Cpu) => {
                    workers[0] += 1;
                    &mut cpu_moved_at
                }
                Some(WorkerKind::Gpu) => {
                    workers[1] += 1;
                    &mut gpu_moved_at
                }
                _ => {
                    workers[2] += u32::from(w.kind.is_some());
                    &mut gpu_moved_at
                }
            };
            *moved = (*moved).max(Some(w.changed_at));
            for t in &w.tasks {
                if let Some(k) = &t.kind {
                    let k = k.index();
                    counts[k] += 1;
                    oldest[k] = oldest[k].min(t.since);
                }
            }
        }
        let running = TaskType::KNOWN.iter().filter(|k| counts[k.index()] > 0).map(|k| (k.clone(), counts[k.index()])).collect();
        let oldest = std::array::from_fn(|i| (counts[i] > 0).then_some(oldest[i]));
        Self { running, workers, gpu_moved_at, cpu_moved_at, oldest, unreachable, replaced: OnceLock::new() }
    }

    /// Workers that went after another one had come for them, as in a roll-out.
    /// Worked out when it is asked for: it concerns few moments.
    pub fn replaced(&self, model: &Model) -> &BTreeSet<WorkerId> {
        let kinds = [WorkerKind::Cpu, WorkerKind::Gpu, WorkerKind::All];
        self.replaced.get_or_init(|| kinds.into_iter().flat_map(|k| rollout::replaced(model, k)).collect())
    }

    /// Since when the oldest task of `kind` runs.
    #[must_use]
    pub fn oldest(&self, kind: &TaskType) -> Option<Timestamp> {
        *self.oldest.get(kind.index())?
    }

    /// Tasks of `kind` that run.
    #[must_use]
    pub fn running(&self, kind: &TaskType) -> u32 {
        self.running.get(kind).copied().unwrap_or(0)
    }

    /// GPU tasks that run.
    #[must_use]
    pub fn gpu_running(&self) -> u32 {
        self.running.iter().filter(|(k, _)| k.worker_kind() == Some(WorkerKind::Gpu)).map(|(_, n)| n).sum()
    }

    /// Listed workers of type ALL, which take everything and are in no count of the stats.
    #[must_use]
    pub const fn all_workers(&self) -> u32 {
        self.workers[2]
    }
}

/// Running tasks with their workers.
pub fn running(model: &Model) -> impl Iterator<Item = (&Worker, &Running)> {
    model.workers.connected().flat_map(|w| w.tasks.iter().map(move |t| (w, t)))
}
