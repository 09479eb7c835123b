//! Is there a kubeconfig, and which context does it choose?

use std::sync::Arc;
use std::time::Duration;

use crate::doctor::{Check, Facts, Outcome};

/// The check.
pub const CHECK: Check = Check {
    id: "kubeconfig",
    title: "kubeconfig and context",
    about: "Reads the kubeconfig (or the service account) and runs its login plugin.",
    limit: Duration::from_secs(6),
    run: |facts| Box::pin(run(facts)),
};

async fn run(facts: Arc<Facts>) -> Outcome {
    if facts.config.kube.is_none() {
        return Outcome::skipped("--no-kube was given: everything that Kubernetes knows is left out");
    }
    match facts.access().await {
        Ok(access) => match access.context() {
            Some(context) => Outcome::pass(format!("context {context}, namespace {}", access.namespace())),
            None => Outcome::pass(format!("the pod's service account, namespace {}", access.namespace())),
        },
        Err(why) => {
            let nothing = why.contains("no cluster to look at");
            let mut o =
                Outcome::fail(if nothing { "no kubeconfig was found".to_owned() } else { "the kubeconfig cannot be used".to_owned() })
                    .because(why)
                    .run("see which contexts there are", "kubectl config get-contexts")
                    .run("name the file and the context", "sp1top doctor --kubeconfig FILE --context NAME");
            if nothing {
                o = o.run(
                    "without Kubernetes (docker compose): give the services and the logs themselves",
                    "sp1top watch --no-kube --coordinator-rpc http://127.0.0.1:50053 --cluster-rpc http://127.0.0.1:50051 --log coordinator=FILE",
                );
            }
            o
        }
    }
}
