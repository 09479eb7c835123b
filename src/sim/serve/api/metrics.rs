//! `metrics.k8s.io`: CPU and memory of pods and nodes.

use http::Response;
use serde_json::{Value, json};

use super::Api;
use super::request::{Asked, Target};
use super::respond::{self, Body};
use super::select::Selector;
use crate::base::Timestamp;
use crate::sim::serve::objects::time;
use crate::sim::serve::world::State;

pub const GROUP: &str = "metrics.k8s.io";

pub fn answer(api: &Api, asked: &Asked, target: &Target) -> Response<Body> {
    api.world.with(|s| {
        if s.net.no_metrics {
            return respond::not_served();
        }
        let (kind, all) = match target.plural.as_str() {
            "pods" => ("PodMetrics", pods(s)),
            "nodes" => ("NodeMetrics", nodes(s)),
            _ => return respond::not_served(),
        };
        let selector = Selector::read(asked, target, s.cluster.namespace());
        let mut items: Vec<Value> = all.into_iter().filter(|i| selector.takes(i)).collect();
        if target.name.is_some() {
            return match items.pop() {
                Some(mut one) => {
                    one["kind"] = kind.into();
                    one["apiVersion"] = "metrics.k8s.io/v1beta1".into();
                    respond::json(&one)
                }
                None => respond::not_found(target),
            };
        }
        respond::json(&json!({"kind": format!("{kind}List"), "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items}))
    })
}

fn usage(millicores: u64, bytes: u64) -> Value {
    json!({"cpu": format!("{}n", millicores * 1_000_000), "memory": format!("{}Ki", bytes >> 10)})
}

/// The use of each pod.
pub fn pods(s: &State) -> Vec<Value> {
    let one = |(n, p): (usize, &crate::sim::Pod)| {
        let u = s.cluster.pod_usage(n)?;
        let labels = s.store.get("pods", &p.name).map_or(Value::Null, |o| o.value["metadata"]["labels"].clone());
        Some(json!({
            "metadata": {"name": p.name, "namespace": s.cluster.namespace(), "creationTimestamp": time(s.cluster.now()), "labels": labels},
            "timestamp": time(u.at), "window": "15.03s",
            "containers": [{"name": p.container, "usage": usage(u.cpu_millicores, u.memory_bytes)}],
        }))
    };
    s.cluster.pods().filter_map(one).collect()
}

fn nodes(s: &State) -> Vec<Value> {
    let mut sums: std::collections::BTreeMap<&str, (u64, u64, Timestamp)> = std::collections::BTreeMap::new();
    for (n, p) in s.cluster.pods() {
        if let (Some(machine), Some(u)) = (p.machine.as_deref(), s.cluster.pod_usage(n)) {
            let sum = sums.entry(machine).or_insert((180, 2 << 30, u.at));
            sum.0 += u.cpu_millicores;
            sum.1 += u.memory_bytes;
        }
    }
    let one = |(name, (cpu, memory, at)): (&str, (u64, u64, Timestamp))| json!({"metadata": {"name": name, "creationTimestamp": time(s.cluster.now())}, "timestamp": time(at), "window": "15.03s", "usage": usage(cpu, memory)});
    sums.into_iter().map(one).collect()
}
