//! Two coordinators at once (F32).

use std::time::Duration;

use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::event::Component;

pub const RULE: Rule = Rule {
    id: "coordinator-duplicated",
    doc: "Two coordinators run at once: both claim the same proofs, and the workers are split between them.",
    clock: Clock::Data,
    hold: s(20),
    clear: s(30),
    check,
};

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let m = look.model;
    let pods: Vec<_> = m
        .kube
        .pods()
        .filter(|p| {
            p.component == Some(Component::Coordinator) && p.info.phase == "Running" && p.info.deleting_since.is_none() && p.info.ready
        })
        .collect();
    // Logs that tell different totals at the same time are of different processes; copies of one log do not.
    let fresh: Vec<_> = m.signals.heard().filter(|(_, h)| look.since(h.stats_at) < Duration::from_secs(25) && h.count >= 2).collect();
    let apart = fresh.iter().any(|(n, a)| {
        fresh.iter().any(|(o, b)| {
            let near = a.stats_at.since(b.stats_at).max(b.stats_at.since(a.stats_at)) < Duration::from_secs(12);
            n != o && near && !a.shares(b)
        })
    });
    let flaps = m.signals.flaps_since(look.now().minus(Duration::from_secs(90)));
    if pods.len() < 2 && !apart && flaps < 3 {
        return;
    }
    let ns = look.namespace();
    let mut f = Finding::new(
        "coordinator",
        Severity::Critical,
        "two coordinators run at once: both claim the same proofs, workers are split between them",
    );
    if pods.len() > 1 {
        f = f.evidence(format!("pods {}", words::list(pods.iter().map(|p| p.info.name.clone()), 4)));
    }
    for (name, h) in fresh.iter().take(3).filter(|_| apart) {
        f = f.evidence(format!("{name}: total_tasks {} at {}", h.total_tasks.unwrap_or(0), h.stats_at.clock()));
    }
    if flaps >= 3 {
        f = f.evidence(format!("total_tasks fell {flaps} times within 90 s"));
    }
    out.push(f.fix("keep one", commands::scale(ns, "coordinator", 1)).fix(
        "and never two during a roll-out",
        format!(
            "kubectl patch deploy coordinator -n {ns} -p '{{\"spec\":{{\"strategy\":{{\"type\":\"Recreate\",\"rollingUpdate\":null}}}}}}'"
        ),
    ));
}
