//! Is the namespace there, and does it hold a coordinator?

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::doctor::facts::List;
use crate::doctor::{Check, Facts, Outcome, Status};
use crate::sources::kube::http::Failure;

/// The check.
pub const CHECK: Check = Check {
    id: "namespace",
    title: "namespace",
    about: "Looks for the namespace and for a coordinator in it; where there is none, for namespaces that have one.",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

async fn run(facts: Arc<Facts>) -> Outcome {
    let access = match facts.cluster().await {
        Ok(a) => a,
        Err(skipped) => return skipped,
    };
    let ns = facts.namespace();
    let path = format!("/api/v1/namespaces/{ns}");
    let (there, deployments, pods) = tokio::join!(facts.get(&access, &path), facts.items(List::Deployments), facts.items(List::Pods));
    let found = |list: &Result<Vec<Value>, Failure>| list.as_ref().is_ok_and(|l| l.iter().any(is_coordinator));
    if found(&deployments) || found(&pods) {
        return Outcome::pass(format!("{ns} holds a coordinator"));
    }
    // A user who may not read namespaces may still work within one.
    let missing = matches!(there, Err(Failure::Status(404, _)));
    let unsure = deployments.is_err() && pods.is_err();
    let mut o = if missing {
        Outcome::fail(format!("there is no namespace {ns}"))
    } else if unsure {
        return Outcome::skipped(format!("what is in {ns} may not be listed: see permissions"));
    } else {
        Outcome::fail(format!("the namespace {ns} holds no coordinator"))
    };
    match elsewhere(&facts, &access).await {
        Ok(list) if list.is_empty() => {
            o = o
                .because("no namespace of this cluster has a deployment with the label app=coordinator")
                .run("is it the right cluster? see the contexts", "kubectl config get-contexts")
                .say("or the cluster is not installed yet: helm install it from infra/charts of sp1-cluster");
        }
        Ok(list) => {
            for n in &list {
                o.add(Status::Pass, format!("{n} holds a coordinator"));
            }
            o = o.because("the cluster is in another namespace").run("look there", format!("sp1top doctor -n {}", list[0]));
        }
        Err(f) => {
            o = o
                .because(format!("other namespaces could not be searched: {}", f.detail()))
                .run("ask for them", "kubectl get deploy -A -l app=coordinator");
        }
    }
    o
}

fn is_coordinator(item: &Value) -> bool {
    item.pointer("/metadata/labels/app").and_then(Value::as_str) == Some("coordinator")
        || item.pointer("/metadata/name").and_then(Value::as_str) == Some("coordinator")
}

/// Namespaces with a coordinator.
async fn elsewhere(facts: &Facts, access: &crate::sources::kube::access::Access) -> Result<Vec<String>, Failure> {
    let (_, body) = facts.get(access, "/apis/apps/v1/deployments?labelSelector=app%3Dcoordinator&limit=200").await?;
    let list: Value = serde_json::from_slice(&body).unwrap_or_default();
    let items = list.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut names: Vec<String> = items
        .iter()
        .filter(|i| is_coordinator(i))
        .filter_map(|i| i.pointer("/metadata/namespace").and_then(Value::as_str).map(str::to_owned))
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}
