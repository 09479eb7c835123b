//! Kubernetes objects as its API server has them.

use super::config::Workload;
use super::release::Release;
use crate::base::Timestamp;

/// How a container ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exit {
    /// `OOMKilled`, `Error`, `Completed` or `Unknown`.
    pub reason: &'static str,
    /// 137 for SIGKILL.
    pub code: i32,
}

impl Exit {
    pub(super) const fn clean() -> Self {
        Self { reason: "Completed", code: 0 }
    }

    pub(super) const fn panic() -> Self {
        Self { reason: "Error", code: 101 }
    }

    pub(super) const fn killed() -> Self {
        Self { reason: "Error", code: 137 }
    }

    pub(super) const fn crashed() -> Self {
        Self { reason: "Error", code: 139 }
    }

    pub(super) const fn out_of_memory() -> Self {
        Self { reason: "OOMKilled", code: 137 }
    }
}

/// `lastState.terminated` of a container.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Termination {
    /// How it ended.
    pub exit: Exit,
    /// When it had started.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}

/// `state` of a container.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ContainerState {
    /// Not running, with the reason (`ContainerCreating`, `CrashLoopBackOff`)
    /// and a message.
    Waiting {
        /// Why.
        reason: &'static str,
        /// In words; may be empty.
        message: String,
    },
    /// Running.
    Running,
}

/// What runs in a pod.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Process {
    None,
    Node(usize),
    Coordinator(usize),
    Api,
    Store,
}

/// A pod, with its one container.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// The `app` label; empty on the stores.
    pub app: &'static str,
    /// The container's name.
    pub container: &'static str,
    /// The `pod-template-hash` label.
    pub template_hash: String,
    /// The container's image.
    pub image: String,
    /// The container's environment.
    pub env: Vec<(String, String)>,
    /// CPU limit in thousandths of a core.
    pub cpu_limit_millis: Option<u64>,
    /// Memory limit in bytes.
    pub memory_limit: Option<u64>,
    /// Size of `/dev/shm` in bytes.
    pub shm: u64,
    /// Memory of the machine in bytes.
    pub host_memory: u64,
    /// The machine; `None` while the pod is not scheduled.
    pub machine: Option<String>,
    /// Why it is not scheduled, in the scheduler's words.
    pub unschedulable: Option<String>,
    /// Its address.
    pub ip: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the container last started.
    pub started_at: Timestamp,
    /// The container's state.
    pub state: ContainerState,
    /// The Ready condition.
    pub ready: bool,
    /// `restartCount`.
    pub restarts: u32,
    /// `lastState.terminated`.
    pub last_termination: Option<Termination>,
    /// When its deletion was asked for.
    pub deleting_since: Option<Timestamp>,
    /// Its machine does not answer.
    pub lost: bool,
    /// Since when it does not.
    pub lost_since: Timestamp,
    /// It is no more; kept so that indexes stay good.
    pub gone: bool,
    /// Grows with every change of any pod: a `resourceVersion`.
    pub revision: u64,
    pub(super) release: Release,
    pub(super) deployment: Option<usize>,
    pub(super) process: Process,
    pub(super) run: u32,
    pub(super) crashes: u32,
    pub(super) exit: Option<Exit>,
}

impl Pod {
    /// `Pending` or `Running`.
    #[must_use]
    pub fn phase(&self) -> &'static str {
        if self.machine.is_none() || (self.restarts == 0 && self.started_at == Timestamp::ZERO) { "Pending" } else { "Running" }
    }
}

/// A Deployment.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Its name, which is also the `app` label and the container's name.
    pub name: &'static str,
    /// What is wanted now.
    pub spec: Workload,
    /// The image of the template.
    pub image: String,
    /// The hash of the template.
    pub template_hash: String,
    /// Counts changes of the spec.
    pub generation: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An event of the namespace.
#[derive(Clone, Debug)]
pub struct KubeEvent {
    /// When.
    pub at: Timestamp,
    /// `Normal` or `Warning`.
    pub kind: &'static str,
    /// `OOMKilling`, `BackOff`, `FailedScheduling` and so on.
    pub reason: &'static str,
    /// In words.
    pub message: String,
    /// The pod that it is about.
    pub pod: String,
    /// Grows with every event.
    pub revision: u64,
}
