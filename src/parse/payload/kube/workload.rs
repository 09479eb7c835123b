//! Deployments and stateful sets.

use serde::Deserialize;

use super::{Condition, Meta, PodSpec, or_default};
use crate::event::WorkloadInfo;
use crate::parse::payload::{env, safe};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Workload {
    metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    spec: WorkloadSpec,
    #[serde(deserialize_with = "or_default")]
    status: WorkloadStatus,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WorkloadSpec {
    replicas: Option<u32>,
    #[serde(deserialize_with = "or_default")]
    template: Template,
    #[serde(deserialize_with = "or_default")]
    strategy: Strategy,
    #[serde(deserialize_with = "or_default")]
    update_strategy: Strategy,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Template {
    #[serde(deserialize_with = "or_default")]
    metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    spec: PodSpec,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Strategy {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WorkloadStatus {
    observed_generation: Option<i64>,
    replicas: Option<u32>,
    ready_replicas: Option<u32>,
    updated_replicas: Option<u32>,
    current_revision: Option<String>,
    update_revision: Option<String>,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<Condition>,
}

/// Reads a Deployment, or a StatefulSet where `stateful`.
#[must_use]
pub fn workload(raw: &str, stateful: bool) -> Option<WorkloadInfo> {
    let Workload { metadata, spec, status } = serde_json::from_str(raw).ok()?;
    let name = metadata.name()?;
    let pods = &spec.template.spec;
    let main = pods.main(&[Some(&name), spec.template.metadata.labels.app.as_deref()]);
    let env = main.map_or_else(Vec::new, |c| {
        c.env.iter().filter(|e| env::is_allowed(&e.name)).filter_map(|e| Some((e.name.clone(), env::shown(e.value.as_deref()?)))).collect()
    });
    let replicas = spec.replicas.unwrap_or(1);
    let limits = main.map(|c| &c.resources.limits);
    let requests = main.map(|c| &c.resources.requests);
    let strategy = if stateful { &spec.update_strategy } else { &spec.strategy };
    Some(WorkloadInfo {
        name,
        stateful,
        replicas,
        ready_replicas: status.ready_replicas.unwrap_or(0),
        updated_replicas: status.updated_replicas.unwrap_or(0),
        rolling: rolling(metadata.generation, replicas, &status, stateful),
        image: main.and_then(|c| c.image.as_deref()).map(|i| safe(i, 512)),
        env,
        memory_limit: limits.and_then(|l| l.memory.as_ref()?.units()),
        memory_request: requests.and_then(|r| r.memory.as_ref()?.units()),
        shm_size: shm_size(pods, main.map_or("", |c| c.name.as_str())),
        grace_secs: pods.termination_grace_period_seconds,
        strategy: strategy.kind.as_deref().map(|s| safe(s, 32)),
        gpus: limits.and_then(|l| u32::try_from(l.gpu.as_ref()?.units()?).ok()),
    })
}

/// What `kubectl rollout status` calls unfinished, apart from waiting for pods
/// to become ready. Nothing is said where no controller has looked at it yet.
fn rolling(generation: Option<i64>, replicas: u32, status: &WorkloadStatus, stateful: bool) -> bool {
    let Some(observed) = status.observed_generation else { return false };
    if generation.is_some_and(|g| observed < g) {
        return true;
    }
    let updated = status.updated_replicas.unwrap_or(0);
    if stateful {
        return status.update_revision.is_some() && status.current_revision != status.update_revision && updated < replicas;
    }
    let given_up = status.conditions.iter().any(|c| c.kind == "Progressing" && c.status == "False");
    !given_up && (updated < replicas || status.replicas.unwrap_or(0) > updated)
}

/// The size of a memory-backed volume at /dev/shm of the container `main`.
fn shm_size(pods: &PodSpec, main: &str) -> Option<u64> {
    let container = pods.containers.iter().find(|c| c.name == main)?;
    let mount = container.volume_mounts.iter().find(|m| m.mount_path.trim_end_matches('/') == "/dev/shm")?;
    let dir = pods.volumes.iter().find(|v| v.name == mount.name)?.empty_dir.as_ref()?;
    if dir.medium.as_deref() != Some("Memory") {
        return None;
    }
    match &dir.size_limit {
        None => Some(u64::MAX),
        // Zero means no limit for Kubernetes.
        Some(limit) => limit.units().map(|n| if n == 0 { u64::MAX } else { n }),
    }
}
