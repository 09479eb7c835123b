//! The simulation's pods, deployments and so on as the JSON that a real API
//! server answers (compare `captures/kubernetes`).

pub mod fixed;
pub mod node;
pub mod note;
pub mod pod;
pub mod workload;

use std::hash::{BuildHasher, Hash};

use rustc_hash::FxBuildHasher;
use serde_json::{Value, json};

use crate::base::Timestamp;

/// The ports of a component's container: name and number.
const PORTS: &[(&str, &[(&str, u16)])] = &[
    ("api", &[("grpc", 50051), ("http", 3000)]),
    ("coordinator", &[("grpc", 50051), ("metrics", 9090)]),
    ("cpu-node", &[("metrics", 9090)]),
    ("gpu-node", &[("metrics", 9090)]),
    ("redis", &[("redis", 6379)]),
    ("postgresql", &[("tcp-postgresql", 5432)]),
];

/// Variables that come from the secret `cluster-secrets`, by container.
const SECRETS: &[(&str, &str, &str)] = &[
    ("api", "API_DATABASE_URL", "DATABASE_URL"),
    ("cpu-node", "NODE_REDIS_NODES", "REDIS_NODES"),
    ("gpu-node", "NODE_REDIS_NODES", "REDIS_NODES"),
];

/// A time as Kubernetes writes it: whole seconds.
#[must_use]
pub fn time(at: Timestamp) -> String {
    Timestamp::from_secs(at.secs()).to_string()
}

/// A uid that is always the same for the same thing.
#[must_use]
pub fn uid(of: impl Hash) -> String {
    let (a, b) = (FxBuildHasher.hash_one((1, &of)), FxBuildHasher.hash_one((2, &of)));
    format!("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}", a >> 32, a >> 16 & 0xffff, a & 0xfff, b >> 52, b & 0xffff_ffff_ffff)
}

/// An amount of memory as people write it.
#[must_use]
pub fn memory(bytes: u64) -> String {
    match bytes {
        b if b > 0 && b.is_multiple_of(1 << 30) => format!("{}Gi", b >> 30),
        b if b > 0 && b.is_multiple_of(1 << 20) => format!("{}Mi", b >> 20),
        b => format!("{}Ki", b >> 10),
    }
}

fn cpu(millis: u64) -> String {
    if millis.is_multiple_of(1000) { (millis / 1000).to_string() } else { format!("{millis}m") }
}

/// What a container is to be: of a pod or of a template.
pub struct Container<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its image.
    pub image: &'a str,
    /// Its variables.
    pub env: &'a [(String, String)],
    /// Thousandths of a core.
    pub cpu_limit: Option<u64>,
    /// Bytes.
    pub memory_limit: Option<u64>,
    /// Bytes; 64 MiB where no volume is mounted.
    pub shm: u64,
}

/// Size of `/dev/shm` where nothing is mounted there.
pub const DEFAULT_SHM: u64 = 64 << 20;

impl Container<'_> {
    /// `containers[0]` of a pod's spec.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut env: Vec<Value> = self.env.iter().map(|(k, v)| json!({"name": k, "value": v})).collect();
        for (_, name, key) in SECRETS.iter().filter(|s| s.0 == self.name) {
            env.push(json!({"name": name, "valueFrom": {"secretKeyRef": {"name": "cluster-secrets", "key": key}}}));
        }
        let ports = PORTS.iter().find(|p| p.0 == self.name).map_or(&[][..], |p| p.1);
        let ports: Vec<Value> = ports.iter().map(|(n, p)| json!({"name": n, "containerPort": p, "protocol": "TCP"})).collect();
        let mut limits = serde_json::Map::new();
        if let Some(m) = self.cpu_limit {
            limits.insert("cpu".into(), cpu(m).into());
        }
        if let Some(m) = self.memory_limit {
            limits.insert("memory".into(), memory(m).into());
        }
        if self.name == "gpu-node" {
            limits.insert("nvidia.com/gpu".into(), "1".into());
        }
        let resources = if limits.is_empty() { json!({}) } else { json!({"limits": limits, "requests": limits}) };
        let mut container = json!({
            "name": self.name, "image": self.image, "command": ["/bin/sh", "-c", format!("/{}", self.name)],
            "ports": ports, "env": env, "resources": resources,
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File", "imagePullPolicy": "IfNotPresent",
        });
        if self.shm != DEFAULT_SHM {
            container["volumeMounts"] = json!([{"name": "shm", "mountPath": "/dev/shm"}]);
        }
        container
    }

    /// The spec of its pod, as a template has it.
    #[must_use]
    pub fn pod_spec(&self) -> Value {
        let mut spec = json!({
            "containers": [self.json()], "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "securityContext": {}, "schedulerName": "default-scheduler",
        });
        if self.shm != DEFAULT_SHM {
            spec["volumes"] = json!([{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": memory(self.shm)}}]);
        }
        spec
    }
}
