//! Pods.

use serde_json::{Value, json};

use super::{Container, time, uid};
use crate::sim::{ContainerState, Pod};

/// A pod as the API server has it.
#[must_use]
pub fn render(pod: &Pod, namespace: &str) -> Value {
    let mut labels = serde_json::Map::new();
    let mut owner = Value::Null;
    if pod.app.is_empty() {
        let set = pod.name.trim_end_matches("-0");
        labels.insert("app.kubernetes.io/name".into(), pod.container.into());
        labels.insert("apps.kubernetes.io/pod-index".into(), "0".into());
        labels.insert("statefulset.kubernetes.io/pod-name".into(), pod.name.as_str().into());
        owner = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": set, "uid": uid(("sts", set))});
    } else {
        labels.insert("app".into(), pod.app.into());
        if !pod.template_hash.is_empty() {
            labels.insert("pod-template-hash".into(), pod.template_hash.as_str().into());
            let set = format!("{}-{}", pod.app, pod.template_hash);
            owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set, "uid": uid(("rs", &set))});
        }
    }
    owner["controller"] = true.into();
    owner["blockOwnerDeletion"] = true.into();
    let mut metadata = json!({
        "name": pod.name, "namespace": namespace, "uid": pod.uid, "creationTimestamp": time(pod.created_at), "labels": labels,
        "ownerReferences": [owner],
    });
    if let Some(prefix) = pod.name.rsplit_once('-').filter(|_| !pod.app.is_empty()) {
        metadata["generateName"] = format!("{}-", prefix.0).into();
    }
    if let Some(at) = pod.deleting_since {
        metadata["deletionTimestamp"] = time(at.plus(std::time::Duration::from_secs(30))).into();
        metadata["deletionGracePeriodSeconds"] = 30.into();
    }
    let container = Container {
        name: pod.container,
        image: &pod.image,
        env: &pod.env,
        cpu_limit: pod.cpu_limit_millis,
        memory_limit: pod.memory_limit,
        shm: pod.shm,
    };
    let mut spec = container.pod_spec();
    if let Some(machine) = &pod.machine {
        spec["nodeName"] = machine.as_str().into();
    }
    spec["tolerations"] = json!([
        {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
        {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
    ]);
    spec["priority"] = 0.into();
    spec["enableServiceLinks"] = true.into();
    spec["preemptionPolicy"] = "PreemptLowerPriority".into();
    json!({"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": status(pod)})
}

fn status(pod: &Pod) -> Value {
    let qos = if pod.memory_limit.is_some() && pod.cpu_limit_millis.is_some() {
        "Guaranteed"
    } else if pod.memory_limit.is_some() || pod.app == "gpu-node" {
        "Burstable"
    } else {
        "BestEffort"
    };
    let condition = |kind: &str, is: bool, since| json!({"type": kind, "status": if is { "True" } else { "False" }, "lastProbeTime": null, "lastTransitionTime": time(since)});
    if pod.machine.is_none() {
        let message = pod.unschedulable.as_deref();
        let mut scheduled = condition("PodScheduled", false, pod.created_at);
        if let Some(m) = message {
            scheduled["reason"] = "Unschedulable".into();
            scheduled["message"] = m.into();
        }
        return json!({"phase": "Pending", "conditions": [scheduled], "qosClass": qos});
    }
    // Ready and unready since the container last started or ended.
    let ended = pod.last_termination.as_ref().map(|t| t.finished_at);
    let since = match ended {
        _ if pod.ready => pod.started_at,
        _ if pod.lost => pod.lost_since,
        ended => ended.unwrap_or(pod.created_at),
    };
    let mut ready = condition("Ready", pod.ready, since);
    let mut containers_ready = condition("ContainersReady", pod.ready, since);
    if !pod.ready {
        for c in [&mut ready, &mut containers_ready] {
            c["reason"] = "ContainersNotReady".into();
            c["message"] = format!("containers with unready status: [{}]", pod.container).into();
        }
    }
    let state = match &pod.state {
        ContainerState::Running => json!({"running": {"startedAt": time(pod.started_at)}}),
        ContainerState::Waiting { reason, message } if message.is_empty() => json!({"waiting": {"reason": reason}}),
        ContainerState::Waiting { reason, message } => json!({"waiting": {"reason": reason, "message": message}}),
    };
    let last = pod.last_termination.as_ref().map_or(json!({}), |t| {
        json!({"terminated": {
            "exitCode": t.exit.code, "reason": t.exit.reason, "startedAt": time(t.started_at), "finishedAt": time(t.finished_at),
            "containerID": format!("containerd://{}", uid((&pod.uid, pod.restarts.saturating_sub(1))).replace('-', "")),
        }})
    });
    let running = pod.state == ContainerState::Running;
    let mut container = json!({
        "name": pod.container, "state": state, "lastState": last, "ready": pod.ready, "restartCount": pod.restarts, "image": pod.image,
        "imageID": format!("{}@sha256:{}", pod.image.split(':').next().unwrap_or_default(), uid(&pod.image).replace('-', "").repeat(2)), "started": running,
    });
    if running {
        container["containerID"] = format!("containerd://{}", uid((&pod.uid, pod.restarts)).replace('-', "")).into();
    }
    json!({
        "phase": pod.phase(),
        "conditions": [
            condition("PodReadyToStartContainers", true, pod.created_at), condition("Initialized", true, pod.created_at),
            ready, containers_ready, condition("PodScheduled", true, pod.created_at),
        ],
        "hostIP": "10.0.0.1", "hostIPs": [{"ip": "10.0.0.1"}], "podIP": pod.ip, "podIPs": [{"ip": pod.ip}], "startTime": time(pod.created_at),
        "containerStatuses": [container], "qosClass": qos,
    })
}
