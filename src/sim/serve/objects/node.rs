//! Kubernetes nodes.

use serde_json::{Value, json};

use super::{memory, time, uid};
use crate::base::Timestamp;
use crate::sim::Machine;

/// A node.
#[must_use]
pub fn render(m: &Machine, created: Timestamp, now: Timestamp) -> Value {
    let mut amounts =
        json!({"cpu": if m.gpus > 0 { "16" } else { "32" }, "memory": memory(m.memory), "pods": "110", "ephemeral-storage": "500Gi"});
    if m.gpus > 0 {
        amounts["nvidia.com/gpu"] = m.gpus.to_string().into();
    }
    let ready = if m.ready {
        json!({"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status", "lastTransitionTime": time(created)})
    } else {
        json!({"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status.", "lastTransitionTime": time(now)})
    };
    json!({
        "kind": "Node", "apiVersion": "v1",
        "metadata": {"name": m.name, "uid": uid(("node", &m.name)), "creationTimestamp": time(created),
                     "labels": {"kubernetes.io/hostname": m.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}},
        "spec": {},
        "status": {
            "capacity": amounts, "allocatable": amounts,
            "conditions": [
                {"type": "MemoryPressure", "status": "False", "reason": "KubeletHasSufficientMemory", "lastTransitionTime": time(created)},
                {"type": "DiskPressure", "status": "False", "reason": "KubeletHasNoDiskPressure", "lastTransitionTime": time(created)},
                ready,
            ],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}, {"type": "Hostname", "address": m.name}],
            "nodeInfo": {"kubeletVersion": super::fixed::VERSION, "osImage": "Ubuntu 24.04.1 LTS", "kernelVersion": "6.8.0-49-generic",
                         "containerRuntimeVersion": "containerd://1.7.24", "architecture": "amd64", "operatingSystem": "linux", "kubeProxyVersion": "",
                         "bootID": "", "machineID": "", "systemUUID": ""},
        },
    })
}
