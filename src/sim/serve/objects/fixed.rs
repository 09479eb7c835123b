//! What does not change: services, namespaces, the secret; and endpoints.

use serde_json::{Value, json};

use super::{time, uid};
use crate::base::Timestamp;

/// The version that the API server tells.
pub const VERSION: &str = "v1.33.1";

/// Services: name, label that they select by, port name, port.
pub const SERVICES: &[(&str, (&str, &str), &str, u16)] = &[
    ("api-grpc", ("app", "api"), "grpc", 50051),
    ("api-http", ("app", "api"), "http", 3000),
    ("coordinator-grpc", ("app", "coordinator"), "grpc", 50051),
    ("redis-master", ("app.kubernetes.io/name", "redis"), "redis", 6379),
    ("postgresql", ("app.kubernetes.io/name", "postgresql"), "tcp-postgresql", 5432),
];

/// A service of [`SERVICES`], by its place.
#[must_use]
pub fn service(n: usize, namespace: &str, at: Timestamp) -> Value {
    let (name, (key, value), port_name, port) = SERVICES[n];
    let ip = format!("10.96.0.{}", 20 + n);
    json!({
        "kind": "Service", "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace, "uid": uid(("svc", name)), "creationTimestamp": time(at)},
        "spec": {"type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip], "selector": {key: value}, "sessionAffinity": "None",
                 "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster",
                 "ports": [{"name": port_name, "port": port, "targetPort": port, "protocol": "TCP"}]},
        "status": {"loadBalancer": {}},
    })
}

/// The ready pods (name, uid, address, machine) behind a service.
#[must_use]
pub fn endpoints(n: usize, pods: &[(&str, &str, &str, &str)], namespace: &str, at: Timestamp) -> Value {
    let (name, _, port_name, port) = SERVICES[n];
    let mut out = json!({
        "kind": "Endpoints", "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace, "uid": uid(("ep", name)), "creationTimestamp": time(at)},
    });
    if !pods.is_empty() {
        let address = |(name, uid, ip, node): &(&str, &str, &str, &str)| json!({"ip": ip, "nodeName": node, "targetRef": {"kind": "Pod", "name": name, "namespace": namespace, "uid": uid}});
        out["subsets"] = json!([{"addresses": pods.iter().map(address).collect::<Vec<_>>(), "ports": [{"name": port_name, "port": port, "protocol": "TCP"}]}]);
    }
    out
}

/// A namespace.
#[must_use]
pub fn namespace(name: &str, at: Timestamp) -> Value {
    json!({
        "kind": "Namespace", "apiVersion": "v1",
        "metadata": {"name": name, "uid": uid(("ns", name)), "creationTimestamp": time(at), "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
    })
}

/// The secret that the parts refer to. What is in it leads nowhere.
#[must_use]
pub fn secret(namespace: &str, at: Timestamp) -> Value {
    json!({
        "kind": "Secret", "apiVersion": "v1", "type": "Opaque",
        "metadata": {"name": "cluster-secrets", "namespace": namespace, "uid": uid("secret"), "creationTimestamp": time(at)},
        // "simulated" in base64.
        "data": {"DATABASE_URL": "c2ltdWxhdGVk", "REDIS_NODES": "c2ltdWxhdGVk", "PRIVATE_KEY": "c2ltdWxhdGVk"},
    })
}
