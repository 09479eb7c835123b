//! The proxy to a pod's port: what its Prometheus exporter answers.

use http::Response;

use super::Api;
use super::request::Target;
use super::respond::{self, Body};

pub fn answer(api: &Api, target: &Target) -> Response<Body> {
    let (name, port) = target.name.as_deref().and_then(|n| n.split_once(':')).unwrap_or_default();
    if target.rest != "metrics" {
        return respond::not_served();
    }
    let found = api.world.with(|s| {
        let (pod, p) = s.cluster.pods().find(|(_, p)| p.name == name)?;
        Some(match (p.app, port) {
            ("coordinator", "9090") if p.ready => Some(coordinator(s.cluster.workers().len())),
            (_, "9090") => s.cluster.node_metrics(pod),
            _ => None,
        })
    });
    match found {
        None => respond::not_found(&Target { name: Some(name.to_owned()), sub: None, ..Target::pods() }),
        Some(None) => respond::status(
            503,
            "ServiceUnavailable",
            "error trying to reach service: dial tcp 10.244.0.9:9090: connect: connection refused",
        ),
        Some(Some(text)) => respond::bytes(200, "text/plain; version=0.0.4", text),
    }
}

/// The coordinator's own counters (facts, section 6): no queue length among them.
fn coordinator(workers: usize) -> String {
    format!(
        "# HELP coordinator_connected_workers workers with an open stream\n# TYPE coordinator_connected_workers gauge\ncoordinator_connected_workers {workers}\n"
    )
}
