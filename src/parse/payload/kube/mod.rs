//! Kubernetes objects, as far as they matter here.
//!
//! Only the fields that are used are read, so that a field of a newer version
//! can never be in the way.

mod node;
mod note;
mod pod;
mod workload;

pub use node::node;
pub use note::note;
pub use pod::{pod, pod_usage};
pub use workload::workload;

use serde::{Deserialize, Deserializer};

use super::safe;
use crate::base::Timestamp;
use crate::base::id::is_clean;

/// Kinds of objects that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// `v1` Pod
    Pod,
    /// `apps/v1` Deployment
    Deployment,
    /// `apps/v1` StatefulSet
    StatefulSet,
    /// `v1` Event
    Event,
    /// `v1` Node
    Node,
    /// `metrics.k8s.io` PodMetrics
    PodMetrics,
}

impl ObjectKind {
    /// From `kind`, with or without `List` at its end.
    #[must_use]
    pub fn read(kind: &str) -> Option<Self> {
        Some(match kind.strip_suffix("List").unwrap_or(kind) {
            "Pod" => Self::Pod,
            "Deployment" => Self::Deployment,
            "StatefulSet" => Self::StatefulSet,
            "Event" => Self::Event,
            "Node" => Self::Node,
            "PodMetrics" => Self::PodMetrics,
            _ => return None,
        })
    }
}

/// `null` counts as absent: Go prints empty lists that way.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(d: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

/// `metadata`
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    name: String,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    creation_timestamp: Option<String>,
    deletion_timestamp: Option<String>,
    #[serde(deserialize_with = "or_default")]
    labels: Labels,
}

/// Labels that tell which part of the cluster an object is (reference 1.4).
#[derive(Deserialize, Default)]
#[serde(default)]
struct Labels {
    app: Option<String>,
    #[serde(rename = "app.kubernetes.io/name")]
    name: Option<String>,
    #[serde(rename = "app.kubernetes.io/component")]
    component: Option<String>,
}

impl Meta {
    /// The object's name where it may be one.
    fn name(&self) -> Option<String> {
        is_clean(self.name.as_bytes()).then(|| self.name.clone())
    }

    /// The `app` label, else the Bitnami name.
    fn app(&self) -> Option<String> {
        self.labels.app.as_deref().or(self.labels.name.as_deref()).map(|s| safe(s, 128))
    }
}

/// A time as Kubernetes prints it.
fn time(s: Option<&str>) -> Option<Timestamp> {
    s.and_then(Timestamp::parse)
}

/// A container of a pod or a pod template.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Container {
    name: String,
    image: Option<String>,
    #[serde(deserialize_with = "or_default")]
    resources: Resources,
    #[serde(deserialize_with = "or_default")]
    env: Vec<Env>,
    #[serde(deserialize_with = "or_default")]
    volume_mounts: Vec<VolumeMount>,
}

/// `resources`
#[derive(Deserialize, Default)]
#[serde(default)]
struct Resources {
    #[serde(deserialize_with = "or_default")]
    limits: Amounts,
    #[serde(deserialize_with = "or_default")]
    requests: Amounts,
}

/// Limits, requests or what a node has to give.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Amounts {
    cpu: Option<Amount>,
    memory: Option<Amount>,
    #[serde(rename = "nvidia.com/gpu")]
    gpu: Option<Amount>,
}

/// A quantity: mostly text, but a bare number is one too.
#[derive(Deserialize)]
#[serde(untagged)]
enum Amount {
    Text(String),
    Number(serde_json::Number),
}

impl Amount {
    fn text(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Text(s) => s.as_str().into(),
            Self::Number(n) => n.to_string().into(),
        }
    }

    fn units(&self) -> Option<u64> {
        super::quantity::units(&self.text())
    }

    fn millis(&self) -> Option<u64> {
        super::quantity::millis(&self.text())
    }
}

/// An environment variable. What `valueFrom` points to is not even looked at.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Env {
    name: String,
    value: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct VolumeMount {
    name: String,
    mount_path: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Volume {
    name: String,
    empty_dir: Option<EmptyDir>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct EmptyDir {
    medium: Option<String>,
    size_limit: Option<Amount>,
}

/// `spec` of a pod or of a pod template.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    node_name: Option<String>,
    #[serde(deserialize_with = "or_default")]
    containers: Vec<Container>,
    #[serde(deserialize_with = "or_default")]
    volumes: Vec<Volume>,
    termination_grace_period_seconds: Option<u64>,
}

impl PodSpec {
    /// The container that is the component: the one with its name, else the
    /// first (the charts have one; meshes add others).
    fn main(&self, names: &[Option<&str>]) -> Option<&Container> {
        names.iter().flatten().find_map(|n| self.containers.iter().find(|c| c.name == *n)).or_else(|| self.containers.first())
    }
}

/// A condition of any object.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    reason: Option<String>,
    message: Option<String>,
    last_transition_time: Option<String>,
}
