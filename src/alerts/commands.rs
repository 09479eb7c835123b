//! Commands that mend things, for this cluster's namespace and deployments.

use super::Fix;

/// Sets a variable of a deployment; its pods restart.
#[must_use]
pub fn set_env(ns: &str, deployment: &str, name: &str, value: impl std::fmt::Display) -> String {
    format!("kubectl set env deploy/{deployment} -n {ns} {name}={value}")
}

/// Wants so many pods of a deployment.
#[must_use]
pub fn scale(ns: &str, deployment: &str, replicas: u32) -> String {
    format!("kubectl scale deploy/{deployment} -n {ns} --replicas={replicas}")
}

/// Deletes a pod; its deployment makes another one.
#[must_use]
pub fn delete_pod(ns: &str, pod: &str) -> String {
    format!("kubectl delete pod {pod} -n {ns}")
}

/// Restarts the pods of a deployment.
#[must_use]
pub fn restart(ns: &str, deployment: &str) -> String {
    format!("kubectl rollout restart deploy/{deployment} -n {ns}")
}

/// Memory limit and request of a deployment.
#[must_use]
pub fn memory(ns: &str, deployment: &str, gib: u32) -> String {
    format!("kubectl set resources deploy/{deployment} -n {ns} --limits=memory={gib}Gi --requests=memory={gib}Gi")
}

/// What a pod says of itself.
#[must_use]
pub fn describe(ns: &str, pod: &str) -> String {
    format!("kubectl describe pod {pod} -n {ns}")
}

/// The last log lines of something.
#[must_use]
pub fn logs(ns: &str, what: &str, more: &str) -> String {
    format!("kubectl logs {what} -n {ns} --tail=50{}{more}", if more.is_empty() { "" } else { " " })
}

/// Pods of an app.
#[must_use]
pub fn pods(ns: &str, app: &str) -> String {
    format!("kubectl get pods -n {ns} -l app={app} -o wide")
}

/// Cancels a proof request.
#[must_use]
pub fn cancel(proof: &str) -> String {
    format!("sp1top proofs cancel {proof}")
}

/// A fix of both.
#[must_use]
pub fn fix(say: impl Into<String>, run: impl Into<String>) -> Fix {
    Fix { say: say.into(), run: run.into() }
}
