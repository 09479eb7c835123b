//! Pods, workloads, nodes and notes of Kubernetes.

use std::collections::BTreeMap;

use super::counters::Counters;
use crate::base::{Ring, Timestamp};
use crate::event::{Component, KubeEvent, KubeNote, Metric, NodeInfo, PodInfo, PodUsage, Termination, WorkloadInfo};

/// A pod with its recent use of memory.
#[derive(Clone, Debug)]
pub struct Pod {
    /// What Kubernetes says.
    pub info: PodInfo,
    /// Which part of the cluster it is.
    pub component: Option<Component>,
    /// CPU and memory, oldest first.
    pub usage: Ring<PodUsage>,
    /// What it counts itself, where its metrics are read.
    pub counters: Option<Counters>,
    /// When it was first seen here.
    pub first_seen: Timestamp,
}

impl Pod {
    /// The newest use of resources.
    #[must_use]
    pub fn last_usage(&self) -> Option<&PodUsage> {
        self.usage.last()
    }
}

/// A container's end, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerDeath {
    /// The pod.
    pub pod: String,
    /// Which part of the cluster.
    pub component: Option<Component>,
    /// How it ended.
    pub termination: Termination,
    /// The pod's restart count then.
    pub restarts: u32,
    /// When it was noticed.
    pub seen_at: Timestamp,
}

/// Which part of the cluster a pod is.
fn component(info: &PodInfo) -> Option<Component> {
    info.app.as_deref().and_then(Component::read).or_else(|| info.containers.first().and_then(|c| Component::read(c)))
}

/// Replacements that follow each other so closely are one.
const ONE_ROLL: std::time::Duration = std::time::Duration::from_secs(90);
const MAX_PODS: usize = 8192;
const USAGE_SAMPLES: usize = 128;

/// Everything of Kubernetes.
#[derive(Clone, Debug)]
pub struct Kube {
    pods: BTreeMap<String, Pod>,
    workloads: BTreeMap<String, WorkloadInfo>,
    nodes: BTreeMap<String, NodeInfo>,
    notes: Ring<KubeNote>,
    deaths: Ring<ContainerDeath>,
    /// When pods of a deployment were being replaced or deleted, the last few times.
    rolled: BTreeMap<String, Ring<(Timestamp, Timestamp)>>,
    /// True after the first answer about pods.
    pub known: bool,
    /// Use of resources that was told before the pods.
    early: Vec<PodUsage>,
}

impl Default for Kube {
    fn default() -> Self {
        Self {
            pods: BTreeMap::new(),
            workloads: BTreeMap::new(),
            nodes: BTreeMap::new(),
            notes: Ring::new(512),
            deaths: Ring::new(256),
            rolled: BTreeMap::new(),
            known: false,
            early: Vec::new(),
        }
    }
}

impl Kube {
    /// Pods in the order of their names.
    pub fn pods(&self) -> impl Iterator<Item = &Pod> {
        self.pods.values()
    }

    /// The pod of that name.
    #[must_use]
    pub fn pod(&self, name: &str) -> Option<&Pod> {
        self.pods.get(name)
    }

    /// Deployments and stateful sets.
    pub fn workloads(&self) -> impl Iterator<Item = &WorkloadInfo> {
        self.workloads.values()
    }

    /// The workload of that name.
    #[must_use]
    pub fn workload(&self, name: &str) -> Option<&WorkloadInfo> {
        self.workloads.get(name)
    }

    /// Nodes.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeInfo> {
        self.nodes.values()
    }

    /// Kubernetes events, oldest first.
    pub fn notes(&self) -> impl DoubleEndedIterator<Item = &KubeNote> {
        self.notes.iter()
    }

    /// Containers that ended while watched or shortly before, oldest first.
    pub fn deaths(&self) -> impl DoubleEndedIterator<Item = &ContainerDeath> {
        self.deaths.iter()
    }

    /// When the pods of `deployment` were last being replaced or deleted: from,
    /// to, oldest first.
    pub fn rolled(&self, deployment: &str) -> impl DoubleEndedIterator<Item = &(Timestamp, Timestamp)> {
        self.rolled.get(deployment).into_iter().flat_map(Ring::iter)
    }

    /// Pods of `deployment` are being replaced at `now`.
    fn rolls(&mut self, now: Timestamp, deployment: &str) {
        if !self.rolled.contains_key(deployment) && self.rolled.len() >= 64 {
            return;
        }
        let spans = self.rolled.entry(deployment.to_owned()).or_insert_with(|| Ring::new(8));
        match spans.last_mut() {
            Some(last) if now.since(last.1) < ONE_ROLL => last.1 = last.1.max(now),
            _ => _ = spans.push((now, now)),
        }
    }

    /// Notes which deployments' pods are being replaced.
    fn note_rolling(&mut self, now: Timestamp, event: &KubeEvent) {
        let mut names: Vec<String> = Vec::new();
        let workload = |w: &WorkloadInfo| w.rolling || self.workloads.get(&w.name).is_some_and(|o| o.rolling);
        match event {
            KubeEvent::Workload(w) if workload(w) => names.push(w.name.clone()),
            KubeEvent::WorkloadList(list) => names.extend(list.iter().filter(|w| workload(w)).map(|w| w.name.clone())),
            KubeEvent::Pod(p) if p.deleting_since.is_some() => names.extend(component(p).map(|c| c.as_str().to_owned())),
            KubeEvent::PodDeleted(name) => {
                names.extend(self.pods.get(name.as_str()).and_then(|p| p.component).map(|c| c.as_str().to_owned()));
            }
            _ => {}
        }
        for n in names {
            self.rolls(now, &n);
        }
    }

    /// Takes in what Kubernetes said at `now`. Returns the deaths it told of.
    pub fn apply(&mut self, now: Timestamp, event: KubeEvent) -> Vec<ContainerDeath> {
        let mut deaths = Vec::new();
        self.note_rolling(now, &event);
        match event {
            KubeEvent::PodList(list) => {
                self.known = true;
                let names: std::collections::BTreeSet<_> = list.iter().map(|p| p.name.clone()).collect();
                self.pods.retain(|n, _| names.contains(n));
                for p in list {
                    deaths.extend(self.put_pod(now, p));
                }
                for u in std::mem::take(&mut self.early) {
                    self.usage(u);
                }
            }
            KubeEvent::Pod(p) => {
                self.known = true;
                deaths.extend(self.put_pod(now, *p));
            }
            KubeEvent::PodDeleted(name) => {
                self.pods.remove(name.as_str());
            }
            KubeEvent::WorkloadList(list) => self.put_workloads(list, false),
            KubeEvent::StatefulSetList(list) => self.put_workloads(list, true),
            KubeEvent::Workload(w) => {
                if self.workloads.len() < MAX_PODS {
                    self.workloads.insert(w.name.clone(), *w);
                }
            }
            KubeEvent::WorkloadDeleted(name) => {
                self.workloads.remove(&name);
            }
            KubeEvent::Events(notes) => {
                for n in notes {
                    self.notes.push(n);
                }
            }
            KubeEvent::Nodes(list) => {
                self.nodes = list.into_iter().take(MAX_PODS).map(|n| (n.name.clone(), n)).collect();
            }
            KubeEvent::Node(n) => {
                if self.nodes.len() < MAX_PODS || self.nodes.contains_key(&n.name) {
                    self.nodes.insert(n.name.clone(), *n);
                }
            }
            KubeEvent::NodeDeleted(name) => {
                self.nodes.remove(&name);
            }
            KubeEvent::Status { .. } => {}
        }
        deaths
    }

    /// Takes in a measurement.
    pub fn usage(&mut self, u: PodUsage) {
        match self.pods.get_mut(u.pod.as_str()) {
            Some(p) if p.usage.last().is_none_or(|last| last.at < u.at) => _ = p.usage.push(u),
            // The metrics may come before the first list.
            None if !self.known && self.early.len() < MAX_PODS => self.early.push(u),
            _ => {}
        }
    }

    /// A pod's own metrics.
    pub fn metrics(&mut self, pod: &str, at: Timestamp, metrics: &[Metric]) {
        if let Some(p) = self.pods.get_mut(pod)
            && let Some(new) = Counters::read(at, metrics, p.counters.as_ref())
        {
            p.counters = Some(new);
        }
    }

    /// A whole list replaces the workloads of its own kind only.
    fn put_workloads(&mut self, list: Vec<WorkloadInfo>, stateful: bool) {
        self.workloads.retain(|_, w| w.stateful != stateful);
        self.workloads.extend(list.into_iter().take(MAX_PODS).map(|w| (w.name.clone(), w)));
    }

    fn put_pod(&mut self, now: Timestamp, info: PodInfo) -> Option<ContainerDeath> {
        let component = component(&info);
        let old = self.pods.get(&info.name);
        if old.is_none() && self.pods.len() >= MAX_PODS {
            return None;
        }
        let news = match (&info.last_termination, old) {
            (None, _) => None,
            (Some(t), Some(p)) if p.info.last_termination.as_ref() == Some(t) && p.info.restarts >= info.restarts => None,
            (Some(t), _) => {
                Some(ContainerDeath { pod: info.name.clone(), component, termination: t.clone(), restarts: info.restarts, seen_at: now })
            }
        };
        if let Some(d) = &news
            && !self.deaths.iter().any(|o| o.pod == d.pod && o.termination == d.termination)
        {
            self.deaths.push(d.clone());
        }
        match self.pods.get_mut(&info.name) {
            Some(p) => {
                p.info = info;
                p.component = component;
            }
            None => {
                self.pods
                    .insert(info.name.clone(), Pod { info, component, usage: Ring::new(USAGE_SAMPLES), counters: None, first_seen: now });
            }
        }
        news
    }
}
