//! What the other sources need to know of the pods: shared, always the newest.

use std::collections::BTreeMap;

use tokio::sync::watch;

use crate::event::{Component, PodInfo};

/// The pods of the namespace as the watch tells them.
#[derive(Debug, Default)]
pub struct Pods {
    /// By name.
    pub by_name: BTreeMap<String, PodInfo>,
    /// True after the first list.
    pub known: bool,
}

/// A change of the pods.
pub enum PodChange {
    /// All there are.
    All(Vec<PodInfo>),
    /// One is new or changed.
    Put(Box<PodInfo>),
    /// One is gone.
    Gone(String),
}

/// The end that reads.
pub type PodsReader = watch::Receiver<Pods>;

/// The end that writes.
#[derive(Debug)]
pub struct PodsWriter(watch::Sender<Pods>);

/// Both ends.
#[must_use]
pub fn table() -> (PodsWriter, PodsReader) {
    let (tx, rx) = watch::channel(Pods::default());
    (PodsWriter(tx), rx)
}

impl PodsWriter {
    /// Takes a change in.
    pub fn apply(&self, change: PodChange) {
        self.0.send_modify(|pods| match change {
            PodChange::All(list) => {
                pods.by_name = list.into_iter().map(|p| (p.name.clone(), p)).collect();
                pods.known = true;
            }
            PodChange::Put(pod) => {
                pods.by_name.insert(pod.name.clone(), *pod);
            }
            PodChange::Gone(name) => {
                pods.by_name.remove(&name);
            }
        });
    }
}

/// Which part of the cluster a pod is.
#[must_use]
pub fn component(pod: &PodInfo) -> Option<Component> {
    pod.app.as_deref().and_then(Component::read).or_else(|| pod.containers.iter().find_map(|c| Component::read(c)))
}

/// The container that is the component: the one of its name, else the first.
#[must_use]
pub fn main_container(pod: &PodInfo) -> Option<&str> {
    let app = pod.app.as_deref();
    pod.containers.iter().find(|c| Some(c.as_str()) == app).or_else(|| pod.containers.first()).map(String::as_str)
}

impl Pods {
    /// A pod behind a service that selects `app=NAME`: ready ones first, then
    /// the youngest, never one that is on its way out.
    #[must_use]
    pub fn behind(&self, app: &str) -> Option<&PodInfo> {
        self.by_name
            .values()
            .filter(|p| p.app.as_deref() == Some(app) && p.deleting_since.is_none() && p.phase == "Running")
            .max_by_key(|p| (p.ready, p.created_at))
    }
}
