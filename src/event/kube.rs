//! Kubernetes objects, and measurements of pods.

use crate::base::{PodName, Timestamp};

/// Kubernetes objects, as far as they matter here.
#[derive(Clone, Debug, PartialEq)]
pub enum KubeEvent {
    /// A whole list replaces what was known of these pods.
    PodList(Vec<PodInfo>),
    /// A pod was added or changed.
    Pod(Box<PodInfo>),
    /// A pod is gone.
    PodDeleted(PodName),
    /// A whole list of deployments.
    WorkloadList(Vec<WorkloadInfo>),
    /// A whole list of stateful sets.
    StatefulSetList(Vec<WorkloadInfo>),
    /// A workload was added or changed.
    Workload(Box<WorkloadInfo>),
    /// A workload is gone.
    WorkloadDeleted(String),
    /// Events about objects.
    Events(Vec<KubeNote>),
    /// A whole list of the cluster's nodes.
    Nodes(Vec<NodeInfo>),
    /// A node was added or changed.
    Node(Box<NodeInfo>),
    /// A node is gone.
    NodeDeleted(String),
    /// A request was refused or failed: a `Status` document.
    Status {
        /// HTTP code.
        code: u16,
        /// The server's message.
        message: String,
    },
}

/// A pod, as its status tells. The first container counts; the charts have one.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PodInfo {
    /// Its name.
    pub name: String,
    /// `app` label, or the Bitnami name label.
    pub app: Option<String>,
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    pub phase: String,
    /// The `Ready` condition.
    pub ready: bool,
    /// Since when `Ready` is what it is.
    pub ready_since: Option<Timestamp>,
    /// Restarts of all containers.
    pub restarts: u32,
    /// `CrashLoopBackOff`, `ImagePullBackOff`, … of a waiting container.
    pub waiting: Option<String>,
    /// Its message.
    pub waiting_message: Option<String>,
    /// When the running container began.
    pub started_at: Option<Timestamp>,
    /// How the last container ended.
    pub last_termination: Option<Termination>,
    /// Kubernetes node.
    pub node: Option<String>,
    /// Image of the first container.
    pub image: Option<String>,
    /// `resources.limits.memory` in bytes.
    pub memory_limit: Option<u64>,
    /// When the pod was created.
    pub created_at: Option<Timestamp>,
    /// When it began to be deleted.
    pub deleting_since: Option<Timestamp>,
    /// Why it is not scheduled: reason and message of the `PodScheduled` condition.
    pub unschedulable: Option<String>,
    /// `status.reason`, for example `Evicted`.
    pub reason: Option<String>,
    /// Names of its containers.
    pub containers: Vec<String>,
    /// The object's resourceVersion.
    pub resource_version: Option<String>,
    /// The object's uid.
    pub uid: Option<String>,
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Termination {
    /// `OOMKilled`, `Error`, `Completed`, …
    pub reason: String,
    /// 137 for SIGKILL.
    pub exit_code: i32,
    /// When it ended.
    pub at: Option<Timestamp>,
}

/// A Deployment or StatefulSet.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct WorkloadInfo {
    /// Its name.
    pub name: String,
    /// True for a StatefulSet.
    pub stateful: bool,
    /// Wanted replicas.
    pub replicas: u32,
    /// Ready replicas.
    pub ready_replicas: u32,
    /// Updated replicas (rollout).
    pub updated_replicas: u32,
    /// True while a rollout is on its way.
    pub rolling: bool,
    /// Image of the first container.
    pub image: Option<String>,
    /// Environment of the first container: allow-listed names only, with plain
    /// values; a value from a secret or config map is never read.
    pub env: Vec<(String, String)>,
    /// `resources.limits.memory` in bytes.
    pub memory_limit: Option<u64>,
    /// `resources.requests.memory` in bytes.
    pub memory_request: Option<u64>,
    /// Size in bytes of a memory-backed volume at /dev/shm; `Some(u64::MAX)` for one
    /// without a limit; `None` for none.
    pub shm_size: Option<u64>,
    /// `terminationGracePeriodSeconds`.
    pub grace_secs: Option<u64>,
    /// `Recreate` or `RollingUpdate`.
    pub strategy: Option<String>,
    /// GPUs per pod (`nvidia.com/gpu`).
    pub gpus: Option<u32>,
}

/// A Kubernetes event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeNote {
    /// When it was last seen.
    pub at: Timestamp,
    /// `Normal` or `Warning`.
    pub kind: String,
    /// `BackOff`, `FailedScheduling`, …
    pub reason: String,
    /// `pod/NAME`
    pub object: String,
    /// Text.
    pub message: String,
    /// How often.
    pub count: u32,
}

/// A Kubernetes node.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct NodeInfo {
    /// Its name.
    pub name: String,
    /// Allocatable memory in bytes.
    pub memory: Option<u64>,
    /// Allocatable GPUs.
    pub gpus: Option<u32>,
    /// The `Ready` condition.
    pub ready: bool,
    /// Pressure conditions that are true.
    pub pressure: Vec<String>,
}

/// A pod's use of resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodUsage {
    /// The pod.
    pub pod: PodName,
    /// When it was measured.
    pub at: Timestamp,
    /// Thousandths of a core.
    pub cpu_millicores: Option<u64>,
    /// Working set in bytes.
    pub memory_bytes: Option<u64>,
}

/// One series of a Prometheus text.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Name.
    pub name: String,
    /// Labels in the order of the text.
    pub labels: Vec<(String, String)>,
    /// Value.
    pub value: f64,
}
