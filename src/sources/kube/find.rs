//! Where the cluster is, when it is not in the namespace that is looked at.
//!
//! Says nothing while a coordinator's pod is there. Else its state is
//! `connecting`, and the detail says what is missing and which namespaces have
//! what is looked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::access::Access;
use super::http::{self, Ask, Failure};
use super::pods::{PodsReader, component};
use crate::base::text::clean;
use crate::envelope::SourceState;
use crate::event::Component;
use crate::output::plight::GO;
use crate::sources::hub::Port;

/// How often other namespaces are searched while there is no coordinator.
const EACH: Duration = Duration::from_secs(60);
/// The most that is read of an answer.
const MAX: usize = 16 << 20;

/// The coordinators of all namespaces.
const COORDINATORS: &str = "/apis/apps/v1/deployments?labelSelector=app%3Dcoordinator&limit=200";

/// Watches the pods for a coordinator, and searches for one where there is none.
pub async fn run(access: Arc<Access>, port: Port, mut pods: PodsReader) {
    let mut searched: Option<Instant> = None;
    loop {
        let (known, there, count) = {
            let table = pods.borrow_and_update();
            let there = table.by_name.values().any(|p| component(p) == Some(Component::Coordinator));
            (table.known, there, table.by_name.len())
        };
        if known && there && searched.take().is_some() {
            port.state(SourceState::Live, "").await;
        }
        if known && !there && searched.is_none_or(|t| t.elapsed() >= EACH) {
            port.state(SourceState::Connecting, &search(&access, count).await).await;
            searched = Some(Instant::now());
        }
        tokio::select! {
            changed = pods.changed() => if changed.is_err() {
                return;
            },
            () = tokio::time::sleep(EACH), if searched.is_some() => {}
        }
    }
}

/// The namespaces of the cluster; where they may not be listed, those with a
/// coordinator; empty where that is refused too.
pub async fn list(access: &Access) -> Vec<String> {
    let all = Ask { verb: "list", resource: "namespaces", cluster_wide: true };
    let Ok(body) = http::document(access, "/api/v1/namespaces?limit=1000", all, MAX).await else {
        let some = Ask { verb: "list", resource: "deployments", cluster_wide: true };
        let found = http::document(access, COORDINATORS, some, MAX).await;
        return found.map(|body| namespaces(&body)).unwrap_or_default();
    };
    let list: Value = serde_json::from_slice(&body).unwrap_or_default();
    let items = list.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let names = items.iter().filter_map(|i| i.pointer("/metadata/name").and_then(Value::as_str));
    names.map(|n| clean(n.as_bytes()).into_owned()).collect()
}

/// What is missing, and where it is instead.
async fn search(access: &Access, pods: usize) -> String {
    let ns = access.namespace();
    let one = Ask { verb: "get", resource: "namespaces", cluster_wide: true };
    let all = Ask { verb: "list", resource: "deployments", cluster_wide: true };
    let path = format!("/api/v1/namespaces/{ns}");
    let (namespace, deployments) = tokio::join!(http::document(access, &path, one, MAX), http::document(access, COORDINATORS, all, MAX));
    let missing = match (namespace, pods) {
        (Err(Failure::Status(404, _)), _) => format!("there is no namespace '{ns}'"),
        (_, 0) => format!("namespace {ns} is empty: no coordinator, no pods at all"),
        (_, 1) => format!("namespace {ns} has no coordinator among its 1 pod"),
        (_, n) => format!("namespace {ns} has no coordinator among its {n} pods"),
    };
    let elsewhere = match deployments {
        Ok(body) => {
            let found = namespaces(&body);
            if found.iter().any(|f| f == ns) {
                format!("its deployment is there but has no pod: kubectl describe deploy/coordinator -n {ns}")
            } else if found.is_empty() {
                "no other namespace has one either: is it the right --context?".into()
            } else {
                let file = access.kubeconfig().map_or_else(String::new, |f| format!(" --kubeconfig {f}"));
                let context = access.context().map_or_else(String::new, |c| format!(" --context {c}"));
                format!("there is one in {}{GO}{}{file}{context}", found.join(", "), found[0])
            }
        }
        Err(Failure::Denied(_)) => "other namespaces may not be searched by this user: name yours with -n".into(),
        Err(f) => format!("other namespaces could not be searched: {}", f.detail()),
    };
    format!("{missing}; {elsewhere}")
}

/// The namespaces of a list of deployments.
fn namespaces(body: &[u8]) -> Vec<String> {
    let list: Value = serde_json::from_slice(body).unwrap_or_default();
    let items = list.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let named = |i: &Value| i.pointer("/metadata/labels/app").and_then(Value::as_str) == Some("coordinator");
    let mut out: Vec<String> = items
        .iter()
        .filter(|i| named(i))
        .filter_map(|i| i.pointer("/metadata/namespace").and_then(Value::as_str).map(str::to_owned))
        .collect();
    out.sort();
    out.dedup();
    out
}
