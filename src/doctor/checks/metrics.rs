//! Is there a metrics-server, and does it know the pods?

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::doctor::{Check, Facts, Outcome};
use crate::sources::kube::http::Failure;

/// The check.
pub const CHECK: Check = Check {
    id: "metrics-server",
    title: "metrics-server",
    about: "Asks metrics.k8s.io for the pods' CPU and memory.",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

async fn run(facts: Arc<Facts>) -> Outcome {
    let access = match facts.cluster().await {
        Ok(a) => a,
        Err(skipped) => return skipped,
    };
    let path = format!("/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods", facts.namespace());
    let lost = "CPU and memory of pods stay unknown: no warning before an OOM kill";
    match facts.get(&access, &path).await {
        Ok((_, body)) => {
            let list: Value = serde_json::from_slice(&body).unwrap_or_default();
            match list.get("items").and_then(Value::as_array).map_or(0, Vec::len) {
                0 => Outcome::warn("it answers, but knows no pod of the namespace yet")
                    .because("it samples each 15 to 60 s; new pods take a while"),
                n => Outcome::pass(format!("it measures {n} pods")),
            }
        }
        Err(Failure::Status(404, _)) => Outcome::warn(format!("not installed; {lost}")).run(
            "install it",
            "kubectl apply -f https://github.com/kubernetes-sigs/metrics-server/releases/latest/download/components.yaml",
        ),
        Err(Failure::Denied(_)) => Outcome::warn(format!("it may not be asked; {lost}")).say("permissions says which right is missing"),
        Err(f) => Outcome::warn(format!("it does not answer; {lost}")).because(f.detail()).run(
            "see its state",
            "kubectl get apiservice v1beta1.metrics.k8s.io && kubectl get pods -n kube-system -l k8s-app=metrics-server",
        ),
    }
}
