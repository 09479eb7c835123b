//! Events of the namespace.

use serde_json::{Value, json};

use super::{time, uid};
use crate::base::Timestamp;
use crate::sim::KubeEvent;

/// Who says it, by reason.
fn component(reason: &str) -> &'static str {
    match reason {
        "Scheduled" | "FailedScheduling" => "default-scheduler",
        "ScalingReplicaSet" => "deployment-controller",
        "NodeNotReady" => "node-controller",
        _ => "kubelet",
    }
}

/// An event about a pod that was told `count` times since `first`; the same
/// thing said again is the same object, as Kubernetes does it.
#[must_use]
pub fn render(e: &KubeEvent, pod_uid: &str, machine: Option<&str>, first: Timestamp, count: u32, namespace: &str) -> Value {
    let name = format!("{}.{}", e.pod, &uid((&e.pod, e.reason, &e.message)).replace('-', "")[..16]);
    let from = component(e.reason);
    let mut source = json!({"component": from});
    if let ("kubelet", Some(m)) = (from, machine) {
        source["host"] = m.into();
    }
    json!({
        "kind": "Event", "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace, "uid": uid(("event", &name)), "creationTimestamp": time(first)},
        "involvedObject": {"kind": "Pod", "namespace": namespace, "name": e.pod, "uid": pod_uid, "apiVersion": "v1"},
        "reason": e.reason, "message": e.message, "source": source, "firstTimestamp": time(first), "lastTimestamp": time(e.at), "count": count,
        "type": e.kind, "eventTime": null, "reportingComponent": from, "reportingInstance": machine.unwrap_or_default(),
    })
}
