//! Two coordinators at once (F32).

use std::time::Duration;

use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::SourceName;
use crate::event::Component;
use crate::model::{Heard, Pod};

pub const RULE: Rule = Rule {
    id: "coordinator-duplicated",
    doc: "Two coordinators run at once: both claim the same proofs, and the workers are split between them.",
    clock: Clock::Data,
    hold: s(20),
    clear: s(30),
    check,
};

/// What tells of a second coordinator.
struct Seen<'a> {
    pods: Vec<&'a Pod>,
    fresh: Vec<(&'a SourceName, &'a Heard)>,
    apart: bool,
    flaps: usize,
}

/// Whether two seem to run, be it for the moment of a roll-out: what one of them
/// lacks the other one may have.
pub fn are_two(look: &Look<'_>) -> bool {
    seen(look).is_some()
}

fn seen<'a>(look: &Look<'a>) -> Option<Seen<'a>> {
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
    (pods.len() > 1 || apart || flaps >= 3).then_some(Seen { pods, fresh, apart, flaps })
}

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let Some(Seen { pods, fresh, apart, flaps }) = seen(look) else { return };
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

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;

    #[test]
    fn two_pods_that_are_ready_and_not_one_that_replaces_the_other() {
        let mut s = Script::new();
        let time = s.time();
        let (a, b) = (pod("coordinator-a", "coordinator", &time), pod("coordinator-b", "coordinator", &time));
        s.kube(&a).kube(&b).quiet(30);
        let found = s.alert("coordinator-duplicated");
        assert!(found.evidence[0].contains("coordinator-a, coordinator-b"), "{found:?}");
        assert_eq!(found.fix[0].run, "kubectl scale deploy/coordinator -n sp1-cluster --replicas=1");
        let mut s = Script::new();
        let mut going = a.clone();
        going["metadata"]["deletionTimestamp"] = time.into();
        s.kube(&going).kube(&b).quiet(60);
        assert!(!s.fires("coordinator-duplicated"));
    }

    /// Copies of one log are one process.
    #[test]
    fn the_same_log_twice() {
        let mut s = Script::new();
        s.copies = true;
        for _ in 0..10 {
            s.another("log:coordinator").made(40).block();
            s.another("log:coordinator.1").made(40).block().quiet(10);
        }
        assert!(s.told().is_empty(), "{:?}", s.told());
        // Each with times of its own they are two.
        s.copies = false;
        for _ in 0..6 {
            s.another("log:coordinator").made(40).block();
            s.another("log:coordinator.1").made(41).block().quiet(10);
        }
        assert!(s.fires("coordinator-duplicated"), "{:?}", s.told());
    }
}
