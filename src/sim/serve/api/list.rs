//! One object, and lists of them, whole or in pages.

use http::Response;
use serde_json::{Value, json};

use super::request::{Asked, Target};
use super::respond::{self, Body};
use super::select::Selector;
use super::{Api, table};
use crate::sim::serve::resources::Resource;

/// GET of one.
pub fn one(api: &Api, asked: &Asked, target: &Target, kind: &Resource) -> Response<Body> {
    let name = target.name.as_deref().unwrap_or_default();
    let found = api.world.read(|s| {
        let here = !kind.namespaced || target.namespace.as_deref() == Some(s.cluster.namespace());
        s.store.get(kind.plural, name).filter(|_| here).cloned().map(|o| (o, s.cluster.now()))
    });
    match (found, target.sub.as_deref()) {
        (Some((o, _)), Some("scale")) => respond::json(&scale(&o.value)),
        (Some((o, now)), None | Some("status")) => {
            respond::json(&if asked.table { table::of(kind, &[&o.value], &o.version.to_string(), now, true) } else { o.value.clone() })
        }
        (Some(_), Some(_)) => respond::not_served(),
        (None, _) => respond::not_found(target),
    }
}

/// The `scale` subresource.
pub fn scale(object: &Value) -> Value {
    let meta = &object["metadata"];
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"], "resourceVersion": meta["resourceVersion"], "creationTimestamp": meta["creationTimestamp"]},
        "spec": {"replicas": object["spec"]["replicas"]},
        "status": {"replicas": object["status"]["replicas"].as_u64().unwrap_or(0),
                   "selector": format!("app={}", object["spec"]["selector"]["matchLabels"]["app"].as_str().unwrap_or_default())},
    })
}

/// GET of many.
pub fn answer(api: &Api, asked: &Asked, target: &Target, kind: &Resource) -> Response<Body> {
    let limit = asked.number("limit").filter(|n| *n > 0).map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    // `VERSION:NAME`: the last name of the page before.
    let after = asked.get("continue").and_then(|c| c.split_once(':'));
    let (objects, more, version, now) = api.world.read(|s| {
        let selector = Selector::read(asked, target, s.cluster.namespace());
        let version = after.and_then(|a| a.0.parse().ok()).unwrap_or(s.store.version());
        let all = s.store.table(kind.plural).map(|t| &t.objects);
        let fits = all.into_iter().flatten().filter(|(_, o)| selector.takes(&o.value));
        let mut page: Vec<_> = fits.filter(|(n, _)| after.is_none_or(|a| n.as_str() > a.1)).map(|(_, o)| o.clone()).collect();
        let more = page.len().saturating_sub(limit);
        page.truncate(limit);
        (page, more, version.to_string(), s.cluster.now())
    });
    let mut meta = json!({"resourceVersion": version});
    if let (true, Some(last)) = (more > 0, objects.last()) {
        meta["continue"] = format!("{version}:{}", last.name()).into();
        meta["remainingItemCount"] = more.into();
    }
    if asked.table {
        let values: Vec<&Value> = objects.iter().map(|o| &o.value).collect();
        let mut rows = table::of(kind, &values, &version, now, true);
        rows["metadata"] = meta;
        return respond::json(&rows);
    }
    let items: Vec<Value> = objects.iter().map(|o| o.value.clone()).collect();
    respond::json(&json!({"kind": format!("{}List", kind.kind), "apiVersion": kind.api_version(), "metadata": meta, "items": items}))
}
