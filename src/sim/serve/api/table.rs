//! Rows to print, as `kubectl get` asks for them.

use serde_json::{Value, json};

use crate::base::Timestamp;
use crate::sim::serve::resources::Resource;

/// A column: its name, 0 for always and 1 for `-o wide`, and what is in it.
type Column = (&'static str, u8, fn(&Value, Timestamp) -> Value);

const NAME: Column = ("Name", 0, |o, _| o["metadata"]["name"].clone());
const AGE: Column = ("Age", 0, |o, now| age(&o["metadata"]["creationTimestamp"], now).into());

const PODS: &[Column] = &[
    NAME,
    ("Ready", 0, |o, _| {
        let all = list(&o["status"]["containerStatuses"]);
        let ready = all.iter().filter(|c| c["ready"] == true).count();
        format!("{ready}/{}", list(&o["spec"]["containers"]).len()).into()
    }),
    ("Status", 0, |o, _| pod_status(o).into()),
    ("Restarts", 0, |o, now| {
        let first = &o["status"]["containerStatuses"][0];
        let n = first["restartCount"].as_u64().unwrap_or(0);
        match first["lastState"]["terminated"]["finishedAt"].as_str() {
            Some(at) if n > 0 => format!("{n} ({} ago)", age(&json!(at), now)).into(),
            _ => n.to_string().into(),
        }
    }),
    AGE,
    ("IP", 1, |o, _| or_none(&o["status"]["podIP"])),
    ("Node", 1, |o, _| or_none(&o["spec"]["nodeName"])),
    ("Nominated Node", 1, |_, _| "<none>".into()),
    ("Readiness Gates", 1, |_, _| "<none>".into()),
];

const DEPLOYMENTS: &[Column] = &[
    NAME,
    ("Ready", 0, |o, _| format!("{}/{}", number(&o["status"]["readyReplicas"]), number(&o["spec"]["replicas"])).into()),
    ("Up-to-date", 0, |o, _| number(&o["status"]["updatedReplicas"]).into()),
    ("Available", 0, |o, _| number(&o["status"]["availableReplicas"]).into()),
    AGE,
    ("Containers", 1, |o, _| o["spec"]["template"]["spec"]["containers"][0]["name"].clone()),
    ("Images", 1, |o, _| o["spec"]["template"]["spec"]["containers"][0]["image"].clone()),
    ("Selector", 1, |o, _| selector(&o["spec"]["selector"]["matchLabels"]).into()),
];

const REPLICA_SETS: &[Column] = &[
    NAME,
    ("Desired", 0, |o, _| number(&o["spec"]["replicas"]).into()),
    ("Current", 0, |o, _| number(&o["status"]["replicas"]).into()),
    ("Ready", 0, |o, _| number(&o["status"]["readyReplicas"]).into()),
    AGE,
];

const STATEFUL_SETS: &[Column] =
    &[NAME, ("Ready", 0, |o, _| format!("{}/{}", number(&o["status"]["readyReplicas"]), number(&o["spec"]["replicas"])).into()), AGE];

const SERVICES: &[Column] = &[
    NAME,
    ("Type", 0, |o, _| o["spec"]["type"].clone()),
    ("Cluster-IP", 0, |o, _| o["spec"]["clusterIP"].clone()),
    ("External-IP", 0, |_, _| "<none>".into()),
    ("Port(s)", 0, |o, _| {
        let all = list(&o["spec"]["ports"]).iter().map(|p| format!("{}/{}", p["port"], p["protocol"].as_str().unwrap_or("TCP")));
        all.collect::<Vec<_>>().join(",").into()
    }),
    AGE,
    ("Selector", 1, |o, _| selector(&o["spec"]["selector"]).into()),
];

const ENDPOINTS: &[Column] = &[
    NAME,
    ("Endpoints", 0, |o, _| {
        let port = &o["subsets"][0]["ports"][0]["port"];
        let all = list(&o["subsets"][0]["addresses"]).iter().map(|a| format!("{}:{port}", a["ip"].as_str().unwrap_or_default()));
        let all = all.collect::<Vec<_>>().join(",");
        if all.is_empty() { "<none>".into() } else { all.into() }
    }),
    AGE,
];

const EVENTS: &[Column] = &[
    ("Last Seen", 0, |o, now| age(&o["lastTimestamp"], now).into()),
    ("Type", 0, |o, _| o["type"].clone()),
    ("Reason", 0, |o, _| o["reason"].clone()),
    ("Object", 0, |o, _| {
        let about = &o["involvedObject"];
        format!("{}/{}", about["kind"].as_str().unwrap_or_default().to_lowercase(), about["name"].as_str().unwrap_or_default()).into()
    }),
    ("Subobject", 1, |_, _| "".into()),
    ("Source", 1, |o, _| o["source"]["component"].clone()),
    ("Message", 0, |o, _| o["message"].clone()),
    ("First Seen", 1, |o, now| age(&o["firstTimestamp"], now).into()),
    ("Count", 1, |o, _| o["count"].clone()),
    ("Name", 1, |o, _| o["metadata"]["name"].clone()),
];

const NODES: &[Column] = &[
    NAME,
    ("Status", 0, |o, _| {
        let ready = list(&o["status"]["conditions"]).iter().any(|c| c["type"] == "Ready" && c["status"] == "True");
        if ready { "Ready" } else { "NotReady" }.into()
    }),
    ("Roles", 0, |_, _| "<none>".into()),
    AGE,
    ("Version", 0, |o, _| o["status"]["nodeInfo"]["kubeletVersion"].clone()),
    ("Internal-IP", 1, |o, _| o["status"]["addresses"][0]["address"].clone()),
    ("External-IP", 1, |_, _| "<none>".into()),
    ("OS-Image", 1, |o, _| o["status"]["nodeInfo"]["osImage"].clone()),
    ("Kernel-Version", 1, |o, _| o["status"]["nodeInfo"]["kernelVersion"].clone()),
    ("Container-Runtime", 1, |o, _| o["status"]["nodeInfo"]["containerRuntimeVersion"].clone()),
];

const NAMESPACES: &[Column] = &[NAME, ("Status", 0, |o, _| o["status"]["phase"].clone()), AGE];

/// The columns of each kind; others have a name and an age.
const TABLES: &[(&str, &[Column])] = &[
    ("pods", PODS),
    ("deployments", DEPLOYMENTS),
    ("replicasets", REPLICA_SETS),
    ("statefulsets", STATEFUL_SETS),
    ("services", SERVICES),
    ("endpoints", ENDPOINTS),
    ("events", EVENTS),
    ("nodes", NODES),
    ("namespaces", NAMESPACES),
];

/// A `Table` of objects; a watch tells the columns only once.
pub fn of(kind: &Resource, objects: &[&Value], version: &str, now: Timestamp, with_columns: bool) -> Value {
    let columns = TABLES.iter().find(|t| t.0 == kind.plural).map_or(&[NAME, AGE][..], |t| t.1);
    let definitions: Vec<Value> =
        columns.iter().map(|(name, priority, _)| json!({"name": name, "type": "string", "format": if *name == "Name" { "name" } else { "" }, "description": "", "priority": priority})).collect();
    let rows: Vec<Value> = objects
        .iter()
        .map(|o| {
            let cells: Vec<Value> = columns.iter().map(|c| (c.2)(o, now)).collect();
            json!({"cells": cells, "object": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": o["metadata"]}})
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": version},
        "columnDefinitions": if with_columns { definitions } else { Vec::new() }, "rows": rows,
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn or_none(value: &Value) -> Value {
    if value.is_null() { "<none>".into() } else { value.clone() }
}

fn selector(labels: &Value) -> String {
    let pairs = labels.as_object().into_iter().flatten().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()));
    pairs.collect::<Vec<_>>().join(",")
}

fn pod_status(o: &Value) -> String {
    if o["metadata"].get("deletionTimestamp").is_some() {
        return "Terminating".into();
    }
    let state = &o["status"]["containerStatuses"][0]["state"];
    let word = state["waiting"]["reason"].as_str().or_else(|| state["terminated"]["reason"].as_str());
    word.or_else(|| o["status"]["phase"].as_str()).unwrap_or("Unknown").to_owned()
}

/// As kubectl writes durations: the two largest units, one from a certain size.
fn age(at: &Value, now: Timestamp) -> String {
    let Some(at) = at.as_str().and_then(Timestamp::parse) else { return "<unknown>".into() };
    let s = now.since(at).as_secs();
    let (m, h, d) = (s / 60, s / 3600, s / 86_400);
    match s {
        0..120 => format!("{s}s"),
        120..600 if !s.is_multiple_of(60) => format!("{m}m{}s", s % 60),
        120..10_800 => format!("{m}m"),
        10_800..28_800 if m % 60 > 0 => format!("{h}h{}m", m % 60),
        10_800..172_800 => format!("{h}h"),
        172_800..691_200 if h % 24 > 0 => format!("{d}d{}h", h % 24),
        _ => format!("{d}d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_kubectls() {
        let begin = Timestamp::from_secs(1_795_480_000);
        let of = |s| age(&json!(begin.to_string()), begin.plus(std::time::Duration::from_secs(s)));
        for (s, text) in [
            (5, "5s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (700, "11m"),
            (10_860, "3h1m"),
            (40_000, "11h"),
            (180_000, "2d2h"),
            (900_000, "10d"),
        ] {
            assert_eq!(of(s), text);
        }
    }
}
