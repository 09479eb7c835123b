//! The Roles that are shipped give what the program asks for, and nothing more.
#![allow(clippy::unwrap_used, clippy::match_same_arms, clippy::items_after_statements, reason = "a test may")]
#![allow(missing_docs)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sp1top::doctor::checks::permissions::rights;
use sp1top::sources::hub::WallClock;
use sp1top::sources::kube::access::Access;
use sp1top::sources::live::{self, LiveConfig};
use support::kube::{Fake, NS, pod};

/// Verb, API group, resource, whether it is in no namespace.
type Right = (String, String, String, bool);

fn documents(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(file)).unwrap();
    text.split("\n---\n").map(|d| serde_saphyr::from_str(d).unwrap()).collect()
}

fn granted(file: &str) -> BTreeSet<Right> {
    let mut out = BTreeSet::new();
    let texts = |v: &Value| v.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect::<Vec<_>>();
    for d in documents(file) {
        let wide = d["kind"] == "ClusterRole";
        for rule in d["rules"].as_array().into_iter().flatten() {
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    out.extend(texts(&rule["verbs"]).into_iter().map(|v| (v, group.clone(), resource.clone(), wide)));
                }
            }
        }
    }
    out
}

fn wanted(change: bool) -> BTreeSet<Right> {
    rights().filter(|r| r.4 == change).map(|(v, g, r, wide, _)| (v.into(), g.into(), r.into(), wide)).collect()
}

#[test]
fn to_watch_is_what_doctor_asks_after() {
    assert_eq!(granted("rbac/watch.yaml"), wanted(false));
}

#[test]
fn to_operate_is_the_changes_and_to_look_before() {
    let granted = granted("rbac/operate.yaml");
    assert!(wanted(true).is_subset(&granted), "{granted:?}");
    let changes = wanted(true);
    let more: Vec<_> = granted.difference(&changes).map(|r| (r.0.as_str(), r.2.as_str())).collect();
    assert_eq!(more, [("get", "pods"), ("get", "deployments")]);
}

/// What a request of the sources needs.
fn right(asked: &str) -> Option<Right> {
    let (path, query) = asked.split_once('?').unwrap();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (group, rest) = match parts.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        _ => return None,
    };
    let (wide, rest) = match rest {
        ["namespaces", _, rest @ ..] if !rest.is_empty() => (false, rest),
        rest => (true, rest),
    };
    let verb = match (rest.len(), query.contains("watch=true")) {
        (1, true) => "watch",
        (1, false) => "list",
        _ => "get",
    };
    let resource = match rest {
        [r, _, sub, ..] => format!("{r}/{sub}"),
        [r, ..] => (*r).to_owned(),
        [] => return None,
    };
    Some((verb.into(), group.into(), resource, wide))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sources_ask_for_nothing_else() {
    let fake = Fake::start().await;
    for (app, name) in [("coordinator", "coordinator-1"), ("api", "api-1"), ("cpu-node", "cpu-1"), ("gpu-node", "gpu-1")] {
        fake.put("pods", pod(app, name));
        fake.log(name, 0, "hello");
    }
    fake.with(|s| s.pod_metrics = Some(r#"{"kind":"PodMetricsList","items":[]}"#.into()));
    let mut config = kube::Config::new(format!("http://{}", fake.addr).parse().unwrap());
    config.default_retry = false;
    let access = Access::with_client(kube::Client::try_from(config).unwrap(), NS);
    let mut live = live::start(LiveConfig::default(), Some(access), Arc::new(WallClock)).await.unwrap();
    let end = tokio::time::Instant::now() + Duration::from_secs(5);
    let wanted = ["/log?", "/portforward", "/proxy/metrics", "metrics.k8s.io", "/nodes?", "watch=true"];
    while tokio::time::Instant::now() < end && !wanted.iter().all(|w| !fake.asked(w).is_empty()) {
        let _ = tokio::time::timeout(Duration::from_millis(50), live.envelopes.recv()).await;
    }
    let granted = granted("rbac/watch.yaml");
    let asked: BTreeSet<Right> = fake.asked("").iter().filter_map(|a| right(a)).collect();
    assert!(asked.len() >= 8, "{asked:?}");
    let missing: Vec<_> = asked.difference(&granted).collect();
    assert!(missing.is_empty(), "asked for, and in no Role: {missing:?}");
}

#[test]
fn the_deployment_runs_with_little() {
    let all = documents("export.yaml");
    let of = |kind: &str| all.iter().find(|d| d["kind"] == kind).unwrap();
    let (binding, deployment) = (of("RoleBinding"), of("Deployment"));
    assert_eq!(binding["roleRef"]["name"], "sp1top-watch");
    let spec = &deployment["spec"]["template"]["spec"];
    assert_eq!(spec["serviceAccountName"], of("ServiceAccount")["metadata"]["name"]);
    assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
    assert_eq!(spec["containers"][0]["securityContext"]["capabilities"], json!({"drop": ["ALL"]}));
    // The arguments are ones that there are.
    use clap::Parser as _;
    let args = spec["containers"][0]["args"].as_array().unwrap().iter().map(|a| a.as_str().unwrap());
    sp1top::cli::args::Cli::try_parse_from(std::iter::once("sp1top").chain(args)).unwrap();
    let krew = &documents("krew/sp1top.yaml")[0];
    assert_eq!(krew["spec"]["version"], format!("v{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(krew["spec"]["platforms"][0]["bin"], "kubectl-sp1top");
}
