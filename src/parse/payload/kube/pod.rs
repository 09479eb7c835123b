//! Pods and their use of resources.

use serde::Deserialize;

use super::{Amounts, Condition, Meta, PodSpec, or_default, time};
use crate::base::{PodName, Timestamp};
use crate::event::{PodInfo, PodUsage, Termination};
use crate::parse::payload::safe;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Pod {
    metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    spec: PodSpec,
    #[serde(deserialize_with = "or_default")]
    status: PodStatus,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    phase: Option<String>,
    reason: Option<String>,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_default")]
    init_container_statuses: Vec<ContainerStatus>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ContainerStatus {
    name: String,
    restart_count: u32,
    #[serde(deserialize_with = "or_default")]
    state: ContainerState,
    #[serde(deserialize_with = "or_default")]
    last_state: ContainerState,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ContainerState {
    waiting: Option<Waiting>,
    running: Option<Running>,
    terminated: Option<Terminated>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Waiting {
    reason: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Running {
    started_at: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Terminated {
    reason: Option<String>,
    exit_code: i32,
    finished_at: Option<String>,
}

impl Terminated {
    fn read(&self) -> Termination {
        let reason = match self.reason.as_deref() {
            Some(r) if !r.is_empty() => safe(r, 64),
            _ => if self.exit_code == 0 { "Completed" } else { "Error" }.to_owned(),
        };
        Termination { reason, exit_code: self.exit_code, at: time(self.finished_at.as_deref()) }
    }
}

/// Reads a Pod; `None` for what is none.
#[must_use]
pub fn pod(raw: &str) -> Option<PodInfo> {
    let Pod { metadata, spec, status } = serde_json::from_str(raw).ok()?;
    let name = metadata.name()?;
    let app = metadata.app();
    let main = spec.main(&[app.as_deref(), metadata.labels.component.as_deref()]);
    let main_name = main.map(|c| c.name.clone()).unwrap_or_default();
    let condition = |kind: &str| status.conditions.iter().find(|c| c.kind == kind);
    let ready = condition("Ready");
    // The component's own container first: a mesh's sidecar dies last.
    let mut containers: Vec<&ContainerStatus> = status.container_statuses.iter().collect();
    containers.sort_by_key(|c| c.name != main_name);
    let mut waiting = containers.iter().copied().chain(&status.init_container_statuses).filter_map(|c| {
        let w = c.state.waiting.as_ref()?;
        Some((w.reason.as_deref()?, w.message.as_deref()))
    });
    // `PodInitializing` says less than what its init container waits for.
    let waiting = waiting.clone().find(|(r, _)| *r != "PodInitializing").or_else(|| waiting.next());
    let unschedulable = condition("PodScheduled").filter(|c| c.status == "False").map(|c| {
        let (reason, message) = (c.reason.as_deref().unwrap_or("Unschedulable"), c.message.as_deref().unwrap_or_default());
        if message.is_empty() { safe(reason, 64) } else { safe(&format!("{reason}: {message}"), 512) }
    });
    Some(PodInfo {
        name,
        phase: safe(status.phase.as_deref().unwrap_or("Unknown"), 32),
        ready: ready.is_some_and(|c| c.status == "True"),
        ready_since: ready.and_then(|c| time(c.last_transition_time.as_deref())),
        restarts: status.container_statuses.iter().fold(0, |n, c| n.saturating_add(c.restart_count)),
        waiting: waiting.map(|(r, _)| safe(r, 64)),
        waiting_message: waiting.and_then(|(_, m)| m).map(|m| safe(m, 512)),
        started_at: containers.iter().find_map(|c| time(c.state.running.as_ref()?.started_at.as_deref())),
        last_termination: containers
            .iter()
            .find_map(|c| c.state.terminated.as_ref().or(c.last_state.terminated.as_ref()))
            .map(Terminated::read),
        node: spec.node_name.as_deref().map(|n| safe(n, 256)),
        image: main.and_then(|c| c.image.as_deref()).map(|i| safe(i, 512)),
        memory_limit: main.and_then(|c| c.resources.limits.memory.as_ref()?.units()),
        created_at: time(metadata.creation_timestamp.as_deref()),
        deleting_since: time(metadata.deletion_timestamp.as_deref()),
        unschedulable,
        reason: status.reason.as_deref().filter(|r| !r.is_empty()).map(|r| safe(r, 64)),
        containers: spec.containers.iter().map(|c| safe(&c.name, 128)).collect(),
        resource_version: metadata.resource_version,
        uid: metadata.uid,
        app,
    })
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PodMetrics {
    metadata: Meta,
    timestamp: Option<String>,
    #[serde(deserialize_with = "or_default")]
    containers: Vec<ContainerMetrics>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ContainerMetrics {
    #[serde(deserialize_with = "or_default")]
    usage: Amounts,
}

/// Reads a PodMetrics of metrics.k8s.io: the sum over the pod's containers.
#[must_use]
pub fn pod_usage(raw: &str, at: Timestamp) -> Option<PodUsage> {
    let m: PodMetrics = serde_json::from_str(raw).ok()?;
    let sum = |one: fn(&Amounts) -> Option<u64>| {
        // One container without a value makes the sum unknown.
        (!m.containers.is_empty()).then(|| m.containers.iter().try_fold(0u64, |n, c| n.checked_add(one(&c.usage)?))).flatten()
    };
    Some(PodUsage {
        pod: PodName::read(m.metadata.name.as_bytes())?,
        at: time(m.timestamp.as_deref()).unwrap_or(at),
        cpu_millicores: sum(|u| u.cpu.as_ref()?.millis()),
        memory_bytes: sum(|u| u.memory.as_ref()?.units()),
    })
}
