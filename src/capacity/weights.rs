//! What each kind of CPU task weighs here, and how that is known.

use crate::base::TaskType;
use crate::model::Model;

use super::version::{self, Version};

/// Where a number comes from, the surest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From `cpu_utilization_current` against the tasks listed, in that many blocks.
    Observed(u32),
    /// From the environment of that deployment.
    Environment(&'static str),
    /// The version's default. `sure` when the deployment is known and does not
    /// set the variable.
    Default {
        /// The version; `None` where none is known and the newest is taken.
        version: Option<Version>,
        /// Nothing overrides it, for certain.
        sure: bool,
    },
}

impl Origin {
    /// True unless it is a default that something unseen may override.
    #[must_use]
    pub const fn is_sure(&self) -> bool {
        !matches!(self, Self::Default { sure: false, .. })
    }

    /// In words.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Observed(_) => "seen".into(),
            Self::Environment(workload) => format!("set on deploy/{workload}"),
            Self::Default { version: Some(v), .. } => format!("default of {v}"),
            Self::Default { version: None, .. } => format!("default of {}, the version is not known", version::NEWEST),
        }
    }
}

/// A weight in GB and where it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    /// GB.
    pub value: u32,
    /// How it is known.
    pub origin: Origin,
}

/// The kinds of task whose weight a variable sets: the variable, and the
/// deployment whose environment decides (reference 3.3).
pub const VARIABLES: [(TaskType, &str, &str); 5] = [
    (TaskType::Controller, "WORKER_CONTROLLER_WEIGHT", "coordinator"),
    (TaskType::CoreExecute, "WORKER_CORE_EXECUTE_WEIGHT", "cpu-node"),
    (TaskType::PlonkWrap, "WORKER_PLONK_WRAP_WEIGHT", "cpu-node"),
    (TaskType::Groth16Wrap, "WORKER_GROTH16_WRAP_WEIGHT", "cpu-node"),
    (TaskType::ExecuteOnly, "WORKER_EXECUTE_ONLY_WEIGHT", "cpu-node"),
];

/// What each kind of CPU task weighs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// In the order of [`VARIABLES`].
    list: Vec<Weight>,
}

/// The value of a variable of a deployment.
#[must_use]
pub fn env<'a>(model: &'a Model, workload: &str, name: &str) -> Option<&'a str> {
    model.kube.workload(workload)?.env.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

impl Weights {
    /// From what is observed, else the environment that decides, else the
    /// version's defaults.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let coordinator = version::of_coordinator(model).map(|d| d.version);
        let node = version::of_workload(model, "cpu-node").map(|d| d.version);
        // What CoreExecute is seen to weigh tells which defaults the node has
        // when its own version is not known: one that weighs 4 or 32 is of
        // before v2.3.1, whatever the coordinator is.
        let core = model.weighing.observed(&TaskType::CoreExecute).map(|o| o.0);
        let base = node.or(coordinator);
        let node = match (node, core) {
            (None, Some(4)) => Some(base.filter(|v| v.weight(&TaskType::CoreExecute) == Some(4)).unwrap_or(version::version(2, 1, 2))),
            _ => base,
        };
        let weigh = |(kind, variable, workload): &(TaskType, &str, &'static str)| {
            if let Some((value, blocks)) = model.weighing.observed(kind) {
                return Weight { value, origin: Origin::Observed(blocks) };
            }
            if let Some(value) = env(model, workload, variable).and_then(|v| v.trim().parse().ok()) {
                return Weight { value, origin: Origin::Environment(workload) };
            }
            let version = if *workload == "coordinator" { coordinator } else { node };
            let value = version.unwrap_or(version::NEWEST).weight(kind).unwrap_or(0);
            let sure = version.is_some() && model.kube.workload(workload).is_some();
            Weight { value, origin: Origin::Default { version, sure } }
        };
        Self { list: VARIABLES.iter().map(weigh).collect() }
    }

    /// The weight of `kind` where a variable sets it.
    #[must_use]
    pub fn get(&self, kind: &TaskType) -> Option<&Weight> {
        let i = VARIABLES.iter().position(|v| v.0 == *kind)?;
        self.list.get(i)
    }

    /// The weight of any kind in GB; 0 for those that are never placed.
    #[must_use]
    pub fn value(&self, kind: &TaskType) -> u32 {
        self.get(kind).map_or_else(|| version::NEWEST.weight(kind).unwrap_or(0), |w| w.value)
    }

    /// With their kinds and variables.
    pub fn iter(&self) -> impl Iterator<Item = (&'static TaskType, &'static str, &'static str, &Weight)> {
        VARIABLES.iter().zip(&self.list).map(|((k, v, w), weight)| (k, *v, *w, weight))
    }
}
