//! A pod does not come up.

use std::time::Duration;

use super::{Clock, Rule, s};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::units;
use crate::event::Component;
use crate::model::Pod;

pub const RULE: Rule = Rule {
    id: "pod-not-ready",
    doc: "A pod of the cluster is pending, cannot be scheduled, cannot get its image, or is not ready beyond its usual start.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check,
};

/// Reasons of a waiting container that do not mend themselves.
const BROKEN: &[&str] =
    &["ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"];
/// A scheduler that scales nodes up takes a while.
const UNSCHEDULED: Duration = Duration::from_secs(60);

/// A pod that its node threw out: for want of disk, mostly (F38). It stays in
/// the list until somebody deletes it.
fn evicted(look: &Look<'_>, p: &Pod) -> Option<Finding> {
    let i = &p.info;
    let at = i.ready_since.unwrap_or(p.first_seen).min(look.now());
    if p.component.is_none() || look.since(at) > Duration::from_secs(look.limits.told) {
        return None;
    }
    let name = p.component.map_or("pod", Component::as_str);
    let node = i.node.as_deref().unwrap_or("its node");
    let mut f = Finding::new(i.name.clone(), Severity::Warning, format!("{name} {} was evicted from {node}", i.name)).since(at).event();
    let object = format!("pod/{}", i.name);
    for n in look.model.kube.notes().rev().filter(|n| n.object.eq_ignore_ascii_case(&object) && n.reason == "Evicted").take(1) {
        f = f.evidence(format!("{} at {}: {}", n.reason, n.at.clock(), n.message));
    }
    let ns = look.namespace();
    Some(
        f.fix("see what the node lacked", commands::describe(ns, &i.name))
            .fix("see the node's conditions", format!("kubectl describe node {node}")),
    )
}

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    for p in look.model.kube.pods() {
        let i = &p.info;
        if i.reason.as_deref() == Some("Evicted") {
            out.extend(evicted(look, p));
            continue;
        }
        let done = matches!(i.phase.as_str(), "Succeeded" | "Failed");
        let looping = i.waiting.as_deref() == Some("CrashLoopBackOff");
        if (i.ready && i.phase == "Running") || done || looping || i.deleting_since.is_some() || p.component.is_none() {
            continue;
        }
        let since = i.ready_since.or(i.created_at).unwrap_or(p.first_seen).min(look.now());
        let lasted = look.since(since);
        let (limit, why) = match (&i.waiting, &i.unschedulable) {
            (Some(w), _) if BROKEN.contains(&w.as_str()) => (Duration::from_secs(30), w.clone()),
            (_, Some(u)) => (UNSCHEDULED, u.clone()),
            (Some(w), None) => (Duration::from_secs(look.limits.pod_start), w.clone()),
            (None, None) => (Duration::from_secs(look.limits.pod_start), i.phase.clone()),
        };
        if lasted < limit {
            continue;
        }
        let ns = look.namespace();
        let name = p.component.map_or("pod", Component::as_str);
        let mut f = Finding::new(
            i.name.clone(),
            Severity::Warning,
            format!("{name} {} is not ready for {}: {why}", i.name, units::seconds(lasted)),
        )
        .since(since);
        if let Some(m) = &i.waiting_message {
            f = f.evidence(m.clone());
        }
        let object = format!("pod/{}", i.name);
        for n in look.model.kube.notes().rev().filter(|n| n.object.eq_ignore_ascii_case(&object) && n.kind == "Warning").take(2) {
            f = f.evidence(format!("{} at {}: {}", n.reason, n.at.clock(), n.message));
        }
        out.push(f.fix("see its events", commands::describe(ns, &i.name)));
    }
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;

    fn pending(reason: &str, waiting: &str, since: &str) -> serde_json::Value {
        let mut p = pod("gpu-node-a", "gpu-node", since);
        p["status"] = serde_json::json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": if reason.is_empty() { "True" } else { "False" }, "reason": reason, "message": "0/6 nodes are available: 6 Insufficient nvidia.com/gpu."}]});
        if !waiting.is_empty() {
            p["status"]["containerStatuses"] = serde_json::json!([{"name": "gpu-node", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": waiting, "message": "no such image"}}}]);
        }
        p
    }

    #[test]
    fn one_that_its_node_threw_out() {
        let mut s = Script::new();
        let mut p = pod("gpu-node-a", "gpu-node", &s.time());
        s.kube(&p).quiet(30);
        p["status"] =
            serde_json::json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: ephemeral-storage."});
        s.kube(&p).quiet(1);
        assert!(s.alert("pod-not-ready").summary.contains("gpu-node-a was evicted"), "{:?}", s.alert("pod-not-ready"));
        s.quiet(400);
        assert!(!s.fires("pod-not-ready"));
    }

    #[test]
    fn each_reason_has_its_time() {
        for (reason, waiting, after) in [("Unschedulable", "", 60), ("", "ImagePullBackOff", 30), ("", "ContainerCreating", 300)] {
            let mut s = Script::new();
            s.kube(&pending(reason, waiting, &s.time())).quiet(after - 2);
            assert!(!s.fires("pod-not-ready"), "{reason}{waiting}");
            s.quiet(4);
            let a = s.alert("pod-not-ready");
            assert!(a.summary.contains("gpu-node-a") && (a.summary.contains(reason) || a.summary.contains(waiting)), "{a:?}");
            assert_eq!(a.fix[0].run, "kubectl describe pod gpu-node-a -n sp1-cluster");
            s.kube(&pod("gpu-node-a", "gpu-node", &s.time())).quiet(1);
            assert!(!s.fires("pod-not-ready"));
        }
    }
}
