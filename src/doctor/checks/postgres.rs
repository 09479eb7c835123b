//! Does Postgres keep its rows over a restart (R15)?

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::doctor::facts::List;
use crate::doctor::{Check, Facts, Outcome, Status};

/// The check.
pub const CHECK: Check = Check {
    id: "postgres",
    title: "Postgres",
    about: "Looks whether Postgres has a volume that outlives its pod: without one all proof requests vanish when it restarts.",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

/// True for a pod of Postgres, by its labels or its name.
fn is_postgres(pod: &Value) -> bool {
    let label = |name: &str| pod.pointer("/metadata/labels").and_then(|l| l.get(name)).and_then(Value::as_str);
    let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    [label("app.kubernetes.io/name"), label("app"), Some(name)].into_iter().flatten().any(|t| t.starts_with("postgres"))
}

async fn run(facts: Arc<Facts>) -> Outcome {
    if let Err(skipped) = facts.cluster().await {
        return skipped;
    }
    let pods = match facts.items(List::Pods).await {
        Ok(p) => p,
        Err(f) => return Outcome::skipped(format!("pods cannot be listed: {}", f.detail())),
    };
    let Some(pod) = pods.iter().find(|p| is_postgres(p)) else {
        return Outcome::skipped("no Postgres in this namespace: the API uses one elsewhere (API_DATABASE_URL)");
    };
    let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("postgresql-0");
    let ns = facts.namespace();
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
    let claim = volumes
        .into_iter()
        .flatten()
        .find_map(|v| v.pointer("/persistentVolumeClaim/claimName").and_then(Value::as_str).map(str::to_owned));
    let restarts = pod.pointer("/status/containerStatuses/0/restartCount").and_then(Value::as_u64).unwrap_or(0);
    let mut o = match claim {
        Some(claim) => Outcome::pass(format!("{name} keeps its rows in the volume claim {claim}")),
        None => Outcome::warn(format!("{name} has no persistent volume"))
            .because(
                "when it restarts all proof requests vanish: the coordinator drops their proofs, clients get 'Proof request not found'",
            )
            .say("set primary.persistence.enabled=true in the values of the chart (postgresql), before proofs matter")
            .run("see what it has now", format!("kubectl get pod {name} -n {ns} -o jsonpath='{{.spec.volumes}}'")),
    };
    if o.status == Status::Warn && restarts > 0 {
        o.add(Status::Warn, format!("{name} has restarted {restarts} times: rows from before are gone, unless only its container did"));
    }
    o
}
