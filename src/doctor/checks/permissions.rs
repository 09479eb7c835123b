//! May this user do what the sources need? Asked of the cluster itself, right
//! by right.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};

use crate::doctor::facts::within;
use crate::doctor::{Check, Detail, Facts, Outcome, Status};

/// The check.
pub const CHECK: Check = Check {
    id: "permissions",
    title: "permissions",
    about: "Asks the cluster (SelfSubjectAccessReview) for each right that a source needs, and says what is lost without it.",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

/// How much a right matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Little can be seen without it.
    Must,
    /// Something is missing without it.
    Should,
    /// Only for changes from the screen.
    Change,
}

/// A right and what is lost without it.
struct Right {
    verb: &'static str,
    group: &'static str,
    /// With its subresource behind a slash.
    resource: &'static str,
    wide: bool,
    need: Need,
    lost: &'static str,
}

const fn right(verb: &'static str, group: &'static str, resource: &'static str, need: Need, lost: &'static str) -> Right {
    Right { verb, group, resource, wide: false, need, lost }
}

const fn wide(verb: &'static str, resource: &'static str, lost: &'static str) -> Right {
    Right { verb, group: "", resource, wide: true, need: Need::Should, lost }
}

const RIGHTS: &[Right] = &[
    right("list", "", "pods", Need::Must, "no pods, restarts and OOM kills, and no way to logs and services"),
    right("watch", "", "pods", Need::Should, "pods are listed each 15 s instead of watched"),
    right("get", "", "pods/log", Need::Must, "no logs: no tasks by worker, no proofs' courses, few alerts"),
    // A WebSocket port-forward is a GET; newer API servers ask for create too.
    right(
        "get",
        "",
        "pods/portforward",
        Need::Should,
        "no gRPC through Kubernetes on API servers that ask for get: queues only each 10 s, from the log",
    ),
    right(
        "create",
        "",
        "pods/portforward",
        Need::Should,
        "no gRPC through Kubernetes on API servers that ask for create: queues only each 10 s, from the log",
    ),
    right("list", "apps", "deployments", Need::Should, "no weights, limits and versions: capacity goes by defaults"),
    right("watch", "apps", "deployments", Need::Should, "deployments are listed each 15 s instead of watched"),
    right("list", "apps", "statefulsets", Need::Should, "nothing of Redis and Postgres"),
    right("watch", "apps", "statefulsets", Need::Should, "stateful sets are listed each 15 s instead of watched"),
    right("list", "", "events", Need::Should, "no Kubernetes events: why a pod does not start is unknown"),
    right("watch", "", "events", Need::Should, "events are listed each 15 s instead of watched"),
    right("list", "", "services", Need::Should, "doctor cannot check the services"),
    right("get", "", "pods/proxy", Need::Should, "no Prometheus metrics of the nodes: GPU busy time"),
    right("list", "metrics.k8s.io", "pods", Need::Should, "no CPU and memory of pods: no warning before an OOM kill"),
    wide("list", "nodes", "no sizes and pressure of the machines"),
    wide("watch", "nodes", "nodes are listed each 15 s instead of watched"),
    right("patch", "apps", "deployments", Need::Change, "settings cannot be changed from the screen; commands can be copied"),
    right("delete", "", "pods", Need::Change, "pods cannot be restarted from the screen; commands can be copied"),
];

/// Every right that is used: verb, API group, resource; whether it is in no
/// namespace; whether it is only for changes.
pub fn rights() -> impl Iterator<Item = (&'static str, &'static str, &'static str, bool, bool)> {
    RIGHTS.iter().map(|r| (r.verb, r.group, r.resource, r.wide, r.need == Need::Change))
}

async fn run(facts: Arc<Facts>) -> Outcome {
    let access = match facts.cluster().await {
        Ok(a) => a,
        Err(skipped) => return skipped,
    };
    let client = access.client().0;
    let ns = facts.namespace();
    let asked = futures::future::join_all(RIGHTS.iter().map(|r| ask(client.clone(), r, ns)));
    let (answers, user) = tokio::join!(asked, user(client.clone()));
    let mut o = Outcome::pass("");
    let (mut missing, mut unknown) = (Vec::new(), 0);
    for (r, answer) in RIGHTS.iter().zip(answers) {
        let name = format!("{} {}", r.verb, full(r));
        match answer {
            Ok(true) => {}
            Ok(false) => {
                let status = match r.need {
                    Need::Must => Status::Fail,
                    Need::Should => Status::Warn,
                    Need::Change => Status::Skipped,
                };
                o.add(status, format!("{name} is not allowed: {}", r.lost));
                if r.need != Need::Change {
                    missing.push(r);
                }
            }
            Err(why) => {
                unknown += 1;
                if unknown == 1 {
                    o.add(Status::Warn, format!("{name} could not be asked: {why}"));
                }
            }
        }
    }
    let who = user.as_deref().unwrap_or("this user");
    if unknown > 1 {
        o.details.push(Detail { status: Status::Warn, text: format!("{} more could not be asked", unknown - 1) });
    }
    let changes = o.details.iter().any(|d| d.status == Status::Skipped);
    o.summary = match (missing.len(), unknown) {
        (0, 0) if changes => format!("{who} may read everything; changes from the screen are not allowed"),
        (0, 0) => format!("{who} may do everything that is needed"),
        (0, _) => "the cluster does not say what is allowed".into(),
        (n, _) => format!("{who} lacks {n} of {} rights", RIGHTS.len()),
    };
    if !missing.is_empty() {
        o = o.because("the role of this user in the namespace does not have them");
        for (say, run) in grants(&missing, ns, user.as_deref().unwrap_or("USER")) {
            o = o.run(say, run);
        }
    }
    o
}

/// `pods/log`, `deployments.apps`
fn full(r: &Right) -> String {
    if r.group.is_empty() { r.resource.to_owned() } else { format!("{}.{}", r.resource, r.group) }
}

async fn ask(client: Client, r: &Right, namespace: &str) -> Result<bool, String> {
    let (resource, sub) = r.resource.split_once('/').map_or((r.resource, None), |(a, b)| (a, Some(b.to_owned())));
    let attributes = ResourceAttributes {
        verb: Some(r.verb.into()),
        group: Some(r.group.into()),
        resource: Some(resource.into()),
        subresource: sub,
        namespace: (!r.wide).then(|| namespace.to_owned()),
        ..ResourceAttributes::default()
    };
    allowed(client, attributes).await
}

/// Asks the cluster whether this user has a right.
pub async fn allowed(client: Client, attributes: ResourceAttributes) -> Result<bool, String> {
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..SelfSubjectAccessReviewSpec::default() },
        ..SelfSubjectAccessReview::default()
    };
    let api: Api<SelfSubjectAccessReview> = Api::all(client);
    match within(Duration::from_secs(4), api.create(&PostParams::default(), &review)).await {
        Some(Ok(answer)) => Ok(answer.status.is_some_and(|s| s.allowed)),
        Some(Err(e)) => Err(crate::sources::hub::one_line(&crate::sources::kube::access::chain(&e))),
        None => Err("no answer".into()),
    }
}

/// The user's name; `None` from API servers older than 1.28.
async fn user(client: Client) -> Option<String> {
    let api: Api<SelfSubjectReview> = Api::all(client);
    let answer = within(Duration::from_secs(3), api.create(&PostParams::default(), &SelfSubjectReview::default())).await?.ok()?;
    answer.status?.user_info?.username
}

/// The commands of an administrator that grant what is missing.
fn grants(missing: &[&Right], ns: &str, user: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (wide, kind, name, place) in [(false, "role", "sp1top", format!(" -n {ns}")), (true, "clusterrole", "sp1top-nodes", String::new())]
    {
        let mut by_verbs: BTreeMap<Vec<&str>, Vec<String>> = BTreeMap::new();
        let mut by_resource: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for r in missing.iter().filter(|r| r.wide == wide) {
            by_resource.entry(full(r)).or_default().push(r.verb);
        }
        for (resource, mut verbs) in by_resource {
            verbs.sort_unstable();
            by_verbs.entry(verbs).or_default().push(resource);
        }
        let binding = if wide { "clusterrolebinding" } else { "rolebinding" };
        // A service account is bound by another flag.
        let whom = user
            .strip_prefix("system:serviceaccount:")
            .map_or_else(|| format!("--user={user}"), |account| format!("--serviceaccount={account}"));
        for (n, (verbs, resources)) in by_verbs.into_iter().enumerate() {
            let name = if n == 0 { name.to_owned() } else { format!("{name}-{}", n + 1) };
            let run = format!(
                "kubectl create {kind} {name}{place} --verb={} --resource={} && kubectl create {binding} {name}{place} --{kind}={name} {whom}",
                verbs.join(","),
                resources.join(",")
            );
            out.push((format!("have an administrator grant {} on {}", verbs.join(", "), resources.join(", ")), run));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_granted_in_few_commands() {
        let missing: Vec<_> = RIGHTS.iter().filter(|r| matches!(r.resource, "pods/log" | "pods/proxy" | "nodes")).collect();
        let grants = grants(&missing, "prod", "system:serviceaccount:ops:viewer");
        let runs: Vec<_> = grants.iter().map(|g| g.1.as_str()).collect();
        assert_eq!(
            runs,
            [
                "kubectl create role sp1top -n prod --verb=get --resource=pods/log,pods/proxy && kubectl create rolebinding sp1top -n prod --role=sp1top --serviceaccount=ops:viewer",
                "kubectl create clusterrole sp1top-nodes --verb=list,watch --resource=nodes && kubectl create clusterrolebinding sp1top-nodes --clusterrole=sp1top-nodes --serviceaccount=ops:viewer",
            ]
        );
    }
}
