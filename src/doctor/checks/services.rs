//! Are the two gRPC services there, and can clients outside reach the API?

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::doctor::env_file::place;
use crate::doctor::facts::List;
use crate::doctor::{Check, Facts, Outcome, Status};

/// The check.
pub const CHECK: Check = Check {
    id: "services",
    title: "services api-grpc and coordinator-grpc",
    about: "Looks for both gRPC services, their port, and whether the API is reachable from outside of the cluster.",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

async fn run(facts: Arc<Facts>) -> Outcome {
    if let Err(skipped) = facts.cluster().await {
        return skipped;
    }
    let list = match facts.items(List::Services).await {
        Ok(l) => l,
        Err(f) => return Outcome::skipped(format!("services cannot be listed: {}", f.detail())),
    };
    let ns = facts.namespace();
    let mut o = Outcome::pass("");
    let mut said = Vec::new();
    for (name, app) in [("coordinator-grpc", "coordinator"), ("api-grpc", "api")] {
        let of_name = list.iter().find(|s| s.pointer("/metadata/name").and_then(Value::as_str) == Some(name));
        let Some(service) = of_name else {
            o.add(
                Status::Fail,
                format!(
                    "there is no service {name}: {}",
                    if app == "api" { "clients and the coordinator cannot reach the API" } else { "nodes cannot reach the coordinator" }
                ),
            );
            o = o
                .run(format!("make {name}"), format!("kubectl expose deploy/{app} -n {ns} --name={name} --port=50051 --target-port=50051"));
            continue;
        };
        let kind = service.pointer("/spec/type").and_then(Value::as_str).unwrap_or("ClusterIP");
        let ports: Vec<u64> = service
            .pointer("/spec/ports")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|p| p.get("port").and_then(Value::as_u64))
            .collect();
        said.push(format!("{name} {kind}"));
        if !ports.contains(&50_051) {
            o.add(Status::Warn, format!("{name} has no port 50051 but {ports:?}: URLs that the charts use do not fit"));
        }
        let selects = service.pointer("/spec/selector/app").and_then(Value::as_str);
        if selects.is_some_and(|s| s != app) {
            o.add(Status::Warn, format!("{name} selects app={} instead of app={app}", selects.unwrap_or_default()));
        }
        // R16: a client that goes through a tunnel of kubectl's.
        let tunnel =
            facts.env("CLI_CLUSTER_RPC").and_then(place).is_some_and(|(h, _)| matches!(h.as_str(), "localhost" | "127.0.0.1" | "::1"));
        if app == "api" && kind == "ClusterIP" && tunnel {
            o.add(
                Status::Warn,
                "CLI_CLUSTER_RPC is on this machine and api-grpc is of type ClusterIP: kubectl's port-forward drops under load, and the client gives \
                 up 10 s later; its proof goes on"
                    .to_owned(),
            );
            o = o.run(
                "give the API an address of its own (nobody is asked for a password there: keep it in a private network)",
                format!("kubectl patch svc api-grpc -n {ns} -p '{{\"spec\":{{\"type\":\"LoadBalancer\"}}}}'"),
            );
        } else if app == "api" && kind == "ClusterIP" {
            o.add(
                Status::Skipped,
                "api-grpc is of type ClusterIP: a client outside of the cluster needs a port-forward, which drops under load; \
                 sp1top opens its own tunnel again by itself, other clients do not"
                    .to_owned(),
            );
        }
    }
    o.summary = if o.status == Status::Pass { said.join(", ") } else { o.details.first().map(|d| d.text.clone()).unwrap_or_default() };
    if o.details.iter().any(|d| d.status == Status::Skipped) && o.status == Status::Pass {
        o = o.run(
            "only if clients outside lose their connection: give the API an address of its own (nobody is asked for a password there: keep it in a private network)",
            format!("kubectl patch svc api-grpc -n {ns} -p '{{\"spec\":{{\"type\":\"LoadBalancer\"}}}}'"),
        );
    }
    o
}
