//! A container dies again and again.

use std::collections::BTreeMap;

use super::{Clock, Rule, s};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::model::Pod;

pub const RULE: Rule = Rule {
    id: "crash-loop",
    doc: "Kubernetes waits longer and longer before it starts a container again that dies each time (CrashLoopBackOff).",
    clock: Clock::Data,
    hold: s(0),
    // Between two tries it runs for some seconds.
    clear: s(90),
    check,
};

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    // What kills one pod of a deployment kills the others: one story.
    let mut stories: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
    for p in look.model.kube.pods().filter(|p| p.info.waiting.as_deref() == Some("CrashLoopBackOff") && p.info.deleting_since.is_none()) {
        let name: &str = match p.component {
            Some(c) => c.as_str(),
            None => &p.info.name,
        };
        stories.entry(name).or_default().push(p);
    }
    for (name, pods) in stories {
        let Some(worst) = pods.iter().max_by_key(|p| (p.info.restarts, &p.info.name)) else { continue };
        let i = &worst.info;
        let last = i.last_termination.as_ref();
        let ended = last.map_or_else(String::new, |t| format!(", last {} with exit code {}", t.reason, t.exit_code));
        let others = if pods.len() > 1 { format!(" and {} more", pods.len() - 1) } else { String::new() };
        let mut f = Finding::new(
            name,
            Severity::Critical,
            format!("{name} {}{others} dies again and again: {} restarts{ended}", i.name, i.restarts),
        );
        for p in pods.iter().take(4) {
            let m = p.info.waiting_message.as_deref().unwrap_or("CrashLoopBackOff");
            f = f.evidence(format!("{}: {m}", p.info.name));
        }
        let ns = look.namespace();
        out.push(
            f.fix("see what it said before it died", commands::logs(ns, &i.name, "--previous"))
                .fix("see its settings and events", commands::describe(ns, &i.name)),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;

    #[test]
    fn pods_of_one_deployment_are_one_story() {
        let mut s = Script::new();
        let t = s.time();
        let gpu = |n: &str| pod(n, "gpu-node", &t);
        s.kube(&gpu("gpu-node-a")).kube(&gpu("gpu-node-b")).quiet(5);
        assert!(s.told().is_empty());
        s.kube(&ended(gpu("gpu-node-a"), 2, "Error", 101, &t, "CrashLoopBackOff")).quiet(5);
        s.kube(&ended(gpu("gpu-node-b"), 3, "Error", 101, &t, "CrashLoopBackOff")).quiet(5);
        assert_eq!(s.told().len(), 1, "{:?}", s.told());
        let a = s.alert("crash-loop");
        assert_eq!(a.subject, "gpu-node");
        assert!(a.summary.contains("gpu-node-b and 1 more dies again and again: 3 restarts, last Error with exit code 101"), "{a:?}");
        assert!(a.fix[0].run.contains("gpu-node-b") && a.fix[0].run.contains("--previous"), "{a:?}");
        // Between two tries it runs for a while.
        s.kube(&gpu("gpu-node-a")).kube(&gpu("gpu-node-b")).quiet(60);
        assert!(s.fires("crash-loop"));
        s.quiet(60);
        assert!(!s.fires("crash-loop"));
    }
}
