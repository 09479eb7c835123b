//! Which API there is: version, groups, resources.

use http::{Method, Response};
use serde_json::{Value, json};

use super::metrics;
use super::request::Asked;
use super::respond::{self, Body};
use crate::sim::serve::objects::fixed::VERSION;
use crate::sim::serve::resources::{RESOURCES, Resource};

/// Groups with their version.
const GROUPS: &[(&str, &str)] =
    &[("apps", "v1"), ("authorization.k8s.io", "v1"), ("authentication.k8s.io", "v1"), (metrics::GROUP, "v1beta1")];

/// Subresources of the core group and of apps: name, kind, group and version
/// of the kind, verbs.
const SUB: &[(&str, &str, &str, &[&str])] = &[
    ("", "pods/log", "Pod", &["get"]),
    ("", "pods/portforward", "PodPortForwardOptions", &["create", "get"]),
    ("", "pods/proxy", "PodProxyOptions", &["get"]),
    ("apps", "deployments/scale", "Scale", &["get", "patch", "update"]),
    ("apps", "deployments/status", "Deployment", &["get"]),
];

/// The answer to a question about the API itself.
pub fn answer(asked: &Asked, method: &Method) -> Option<Response<Body>> {
    if *method != Method::GET {
        return None;
    }
    let path = asked.path.trim_end_matches('/');
    Some(match path {
        "/version" => respond::json(&json!({
            "major": "1", "minor": "33", "gitVersion": VERSION, "gitCommit": "simulated", "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z",
            "goVersion": "none", "compiler": "rustc", "platform": "linux/amd64",
        })),
        "/healthz" | "/livez" | "/readyz" => respond::bytes(200, "text/plain; charset=utf-8", "ok"),
        "/api" => respond::json(&json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})),
        "/api/v1" => respond::json(&resources("", "v1")),
        "/apis" => {
            let groups: Vec<Value> = GROUPS.iter().map(|(g, v)| group(g, v)).collect();
            respond::json(&json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
        }
        "/openapi/v3" => respond::json(&json!({"paths": {}})),
        _ => {
            let (g, v) = GROUPS.iter().find_map(|g| {
                let rest = path.strip_prefix("/apis/")?.strip_prefix(g.0)?;
                (rest.is_empty() || rest.strip_prefix('/') == Some(g.1)).then_some((g, rest))
            })?;
            respond::json(&if v.is_empty() { with_kind(group(g.0, g.1)) } else { resources(g.0, g.1) })
        }
    })
}

fn with_kind(mut group: Value) -> Value {
    group["kind"] = "APIGroup".into();
    group["apiVersion"] = "v1".into();
    group
}

fn group(name: &str, version: &str) -> Value {
    let v = json!({"groupVersion": format!("{name}/{version}"), "version": version});
    json!({"name": name, "versions": [v], "preferredVersion": v})
}

fn resources(group: &str, version: &str) -> Value {
    let one = |r: &Resource| {
        let mut out = json!({
            "name": r.plural, "singularName": r.singular, "namespaced": r.namespaced, "kind": r.kind, "verbs": r.verbs, "shortNames": r.short,
        });
        if r.all {
            out["categories"] = json!(["all"]);
        }
        out
    };
    let mut all: Vec<Value> = RESOURCES.iter().filter(|r| r.group == group).map(one).collect();
    all.extend(SUB.iter().filter(|s| s.0 == group).map(|(_, name, kind, verbs)| {
        let mut sub = json!({"name": name, "singularName": "", "namespaced": true, "kind": kind, "verbs": verbs});
        if *kind == "Scale" {
            sub["group"] = "autoscaling".into();
            sub["version"] = "v1".into();
        }
        sub
    }));
    let plain = |name: &str, kind: &str, namespaced: bool, verbs: &[&str]| json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": verbs});
    match group {
        metrics::GROUP => {
            all.push(plain("pods", "PodMetrics", true, &["get", "list"]));
            all.push(plain("nodes", "NodeMetrics", false, &["get", "list"]));
        }
        "authorization.k8s.io" => {
            all.push(plain("selfsubjectaccessreviews", "SelfSubjectAccessReview", false, &["create"]));
            all.push(plain("selfsubjectrulesreviews", "SelfSubjectRulesReview", false, &["create"]));
        }
        "authentication.k8s.io" => all.push(plain("selfsubjectreviews", "SelfSubjectReview", false, &["create"])),
        _ => {}
    }
    let version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": all})
}
