//! Does the Kubernetes API server answer, and how fast?

use std::sync::Arc;
use std::time::Duration;

use crate::base::units;
use crate::doctor::{Check, Facts, Outcome};
use crate::sources::kube::http::Failure;

/// The check.
pub const CHECK: Check = Check {
    id: "api-server",
    title: "Kubernetes API server",
    about: "Asks the API server for its version and measures how long that takes.",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

/// Slower than this is felt: every list and log goes this way.
const SLOW: Duration = Duration::from_millis(1_500);

async fn run(facts: Arc<Facts>) -> Outcome {
    if facts.config.kube.is_none() {
        return Outcome::skipped("--no-kube was given");
    }
    if facts.access().await.is_err() {
        return Outcome::skipped("there is no way to a Kubernetes cluster: see kubeconfig");
    }
    match facts.server().await {
        Ok(s) if s.took > SLOW => Outcome::warn(format!("{}, but slow: {} for one small question", s.version, units::duration(s.took)))
            .because("the network on the way, a VPN, or an overloaded control plane")
            .run("measure it", "kubectl get --raw /version -v=6"),
        Ok(s) => Outcome::pass(format!("{}, answers within {}", s.version, units::duration(s.took))),
        Err(Failure::Denied(_)) => Outcome::warn("it answers, but does not tell its version to this user"),
        Err(Failure::Unauthorized) => Outcome::fail("the credentials are not accepted")
            .because("401: they have expired, or belong to another cluster")
            .run("log in again; this runs the kubeconfig's login", "kubectl auth whoami"),
        Err(f) => Outcome::fail("it does not answer")
            .because(f.detail())
            .run("see whether kubectl has the same trouble", "kubectl version")
            .say("a VPN that is down, a cluster that is gone, or the wrong context are the usual reasons"),
    }
}
