//! Several clusters: what is told of each of them, side by side.

use std::time::Duration;

use crate::alerts::{Alerts, Severity};
use crate::base::WorkerKind;
use crate::envelope::SourceState;
use crate::model::Model;
use crate::model::Source;
use crate::output::plight::{self, Plight};

/// Alerts of one cluster that are told.
const ALERTS: usize = 12;
/// Older stats than this look old: three log periods.
const OLD: Duration = Duration::from_secs(30);

/// A cluster and its namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The context of the kubeconfig; `None` for the current one.
    pub context: Option<String>,
    /// The namespace.
    pub namespace: String,
}

impl Spot {
    /// `context/namespace`
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.context.as_deref().unwrap_or("current context"), self.namespace)
    }
}

/// An alert in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetAlert {
    /// How bad it is.
    pub severity: Severity,
    /// The rule's id.
    pub id: &'static str,
    /// What it is about.
    pub subject: String,
    /// The cause, with its numbers.
    pub summary: String,
}

/// How a cluster is, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// Nothing is wrong.
    Good,
    /// Nothing is known yet.
    Connecting,
    /// What is known is old.
    Old,
    /// A warning fires.
    Warning,
    /// Something critical fires.
    Critical,
    /// Nothing can be known.
    Unreachable,
}

/// One cluster of several.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetRow {
    /// Which it is.
    pub spot: Spot,
    /// Sources: live ones, refused ones, and all.
    pub sources: (usize, usize, usize),
    /// Connected CPU and GPU workers.
    pub workers: Option<(u32, u32)>,
    /// Waiting CPU and GPU tasks.
    pub queues: (Option<u32>, Option<u32>),
    /// Active proofs.
    pub proofs: Option<u32>,
    /// Since the newest stats.
    pub age: Option<Duration>,
    /// How many critical alerts, warnings and infos fire.
    pub counts: [usize; 3],
    /// The worst of them, the worst first.
    pub alerts: Vec<FleetAlert>,
    /// What the source says that is not live, where what is known is old.
    pub trouble: Option<String>,
    /// Why nothing is seen.
    pub plight: Option<Plight>,
}

impl FleetRow {
    /// What a cluster's model tells.
    #[must_use]
    pub fn of(spot: &Spot, model: &Model, alerts: &Alerts) -> Self {
        let count = |state| model.sources.iter().filter(|(_, s)| s.state == Some(state)).count();
        let stats = model.stats.as_ref();
        let told = stats.and_then(|s| Some((s.stats.cpu_workers?, s.stats.gpu_workers?)));
        let seen = || {
            let n = |kind| u32::try_from(model.workers.connected().filter(|w| w.kind == Some(kind)).count()).unwrap_or(u32::MAX);
            (!model.workers.is_empty()).then(|| (n(WorkerKind::Cpu), n(WorkerKind::Gpu)))
        };
        let of = |s: Severity| alerts.loud().filter(|a| a.severity == s).count();
        let told_alert = |a: &crate::alerts::Alert| FleetAlert {
            severity: a.severity,
            id: a.id,
            subject: a.subject.clone(),
            summary: a.summary.clone(),
        };
        Self {
            spot: Spot {
                context: model.session.context.clone().or_else(|| spot.context.clone()),
                namespace: model.session.namespace.clone().unwrap_or_else(|| spot.namespace.clone()),
            },
            sources: (count(SourceState::Live), count(SourceState::Denied), model.sources.len()),
            workers: told.or_else(seen),
            queues: stats.map_or((None, None), |s| (s.stats.cpu_queue, s.stats.gpu_queue)),
            proofs: stats.and_then(|s| s.stats.active_proofs),
            age: stats.map(|s| model.now.since(s.at)),
            counts: [of(Severity::Critical), of(Severity::Warning), of(Severity::Info)],
            alerts: alerts.loud().take(ALERTS).map(told_alert).collect(),
            trouble: stats.filter(|s| model.now.since(s.at) > OLD).and_then(|_| trouble(model)),
            plight: plight::of(model),
        }
    }

    /// How it is.
    #[must_use]
    pub fn health(&self) -> Health {
        let [critical, warnings, _] = self.counts;
        match (&self.plight, self.age) {
            (Some(_), _) => Health::Unreachable,
            _ if critical > 0 => Health::Critical,
            _ if warnings > 0 => Health::Warning,
            (_, None) => Health::Connecting,
            (_, Some(age)) if age > OLD => Health::Old,
            _ => Health::Good,
        }
    }
}

/// What the first source says that is not live: the pods' before all others,
/// since it is the Kubernetes API's own.
fn trouble(model: &Model) -> Option<String> {
    let bad = |s: &Source| s.state != Some(SourceState::Live) && s.state != Some(SourceState::Ended) && !s.detail.is_empty();
    let pods = model.sources.iter().filter(|(n, _)| n.as_str() == "kube:pods");
    let (name, s) = pods.chain(model.sources.iter()).find(|(_, s)| bad(s))?;
    Some(format!("{name}: {}", s.detail))
}
