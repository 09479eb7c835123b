//! Deployments with their replica sets, and stateful sets.

use serde_json::{Value, json};

use super::{Container, time, uid};
use crate::base::Timestamp;
use crate::sim::{Deployment, Pod, Rollout};

/// What somebody wrote into a deployment that the simulation has no use for.
#[derive(Clone, Debug, Default)]
pub struct Extra {
    /// Annotations of the deployment.
    pub annotations: serde_json::Map<String, Value>,
    /// Annotations of the template.
    pub template: serde_json::Map<String, Value>,
    /// Requests of the container.
    pub requests: Option<Value>,
}

/// A deployment.
#[must_use]
pub fn deployment(d: &Deployment, rollout: Rollout, extra: &Extra, namespace: &str) -> Value {
    let spec = &d.spec;
    let labels = json!({"app": d.name});
    let mut pod_spec = container(d).pod_spec();
    if let Some(requests) = &extra.requests {
        pod_spec["containers"][0]["resources"]["requests"] = requests.clone();
    }
    let mut template = json!({"metadata": {"labels": labels}, "spec": pod_spec});
    if !extra.template.is_empty() {
        template["metadata"]["annotations"] = Value::Object(extra.template.clone());
    }
    let done = rollout.updated >= spec.replicas && rollout.replicas == rollout.updated;
    let available = rollout.ready + spec.replicas / 4 >= spec.replicas;
    let set = format!("{}-{}", d.name, d.template_hash);
    let progress = if done && rollout.ready >= spec.replicas {
        ("NewReplicaSetAvailable", format!("ReplicaSet \"{set}\" has successfully progressed."))
    } else {
        ("ReplicaSetUpdated", format!("ReplicaSet \"{set}\" is progressing."))
    };
    let at = time(d.created_at);
    let mut status = json!({
        "observedGeneration": d.generation,
        "conditions": [
            {"type": "Available", "status": if available { "True" } else { "False" }, "lastUpdateTime": at, "lastTransitionTime": at,
             "reason": if available { "MinimumReplicasAvailable" } else { "MinimumReplicasUnavailable" },
             "message": if available { "Deployment has minimum availability." } else { "Deployment does not have minimum availability." }},
            {"type": "Progressing", "status": "True", "lastUpdateTime": at, "lastTransitionTime": at, "reason": progress.0, "message": progress.1},
        ],
    });
    // The API server leaves out what is zero.
    let missing = spec.replicas.saturating_sub(rollout.ready);
    for (name, n) in [
        ("replicas", rollout.replicas),
        ("updatedReplicas", rollout.updated),
        ("readyReplicas", rollout.ready),
        ("availableReplicas", rollout.ready),
        ("unavailableReplicas", missing),
    ] {
        if n > 0 {
            status[name] = n.into();
        }
    }
    let mut annotations = extra.annotations.clone();
    annotations.insert("deployment.kubernetes.io/revision".into(), d.generation.to_string().into());
    json!({
        "kind": "Deployment", "apiVersion": "apps/v1",
        "metadata": {"name": d.name, "namespace": namespace, "uid": uid(("deploy", d.name)), "generation": d.generation,
                     "creationTimestamp": at, "labels": labels, "annotations": annotations},
        "spec": {
            "replicas": spec.replicas, "selector": {"matchLabels": labels}, "template": template,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
            "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
        },
        "status": status,
    })
}

fn container(d: &Deployment) -> Container<'_> {
    let s = &d.spec;
    Container { name: d.name, image: &d.image, env: &s.env, cpu_limit: s.cpu_limit_millis, memory_limit: s.memory_limit, shm: s.shm }
}

/// The replica set of a deployment's template, of which `replicas` pods exist
/// and `ready` are ready; `like` is one of them, where the template is old.
#[must_use]
pub fn replica_set(d: &Deployment, hash: &str, want: u32, replicas: u32, ready: u32, like: Option<&Pod>, namespace: &str) -> Value {
    let name = format!("{}-{hash}", d.name);
    let labels = json!({"app": d.name, "pod-template-hash": hash});
    let spec = match like {
        Some(p) => Container {
            name: d.name,
            image: &p.image,
            env: &p.env,
            cpu_limit: p.cpu_limit_millis,
            memory_limit: p.memory_limit,
            shm: p.shm,
        }
        .pod_spec(),
        None => container(d).pod_spec(),
    };
    let created: Timestamp = like.map_or(d.created_at, |p| p.created_at);
    let mut status = json!({"replicas": replicas, "observedGeneration": 1});
    if ready > 0 {
        status["readyReplicas"] = ready.into();
        status["availableReplicas"] = ready.into();
        status["fullyLabeledReplicas"] = replicas.into();
    }
    json!({
        "kind": "ReplicaSet", "apiVersion": "apps/v1",
        "metadata": {"name": name, "namespace": namespace, "uid": uid(("rs", &name)), "creationTimestamp": time(created), "labels": labels,
                     "annotations": {"deployment.kubernetes.io/desired-replicas": d.spec.replicas.to_string()},
                     "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": d.name, "uid": uid(("deploy", d.name)), "controller": true, "blockOwnerDeletion": true}]},
        "spec": {"replicas": want, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
        "status": status,
    })
}

/// The stateful set of one of the stores.
#[must_use]
pub fn stateful_set(pod: &Pod, namespace: &str) -> Value {
    let name = pod.name.trim_end_matches("-0");
    let labels = json!({"app.kubernetes.io/name": pod.container});
    let c = Container {
        name: pod.container,
        image: &pod.image,
        env: &[],
        cpu_limit: None,
        memory_limit: pod.memory_limit,
        shm: super::DEFAULT_SHM,
    };
    let ready = u32::from(pod.ready);
    json!({
        "kind": "StatefulSet", "apiVersion": "apps/v1",
        "metadata": {"name": name, "namespace": namespace, "uid": uid(("sts", name)), "generation": 1, "creationTimestamp": time(pod.created_at), "labels": labels},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "serviceName": format!("{name}-headless"), "podManagementPolicy": "OrderedReady",
                 "template": {"metadata": {"labels": labels}, "spec": c.pod_spec()}, "updateStrategy": {"type": "RollingUpdate"}},
        "status": {"observedGeneration": 1, "replicas": 1, "readyReplicas": ready, "availableReplicas": ready, "currentReplicas": 1, "updatedReplicas": 1,
                   "currentRevision": format!("{name}-1"), "updateRevision": format!("{name}-1")},
    })
}
