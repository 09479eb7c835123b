//! The coordinator lost its memory (F21).

use std::time::Duration;

use super::{Clock, Rule, s};
use crate::alerts::{Finding, Look, Severity};

pub const RULE: Rule = Rule {
    id: "coordinator-restarted",
    doc: "The coordinator began anew: what it knew is lost, workers register again, and all pending proofs start from scratch.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check,
};

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let m = look.model;
    let Some(at) = m.coordinator.restarted_at.filter(|t| m.coordinator_now().since(*t) < Duration::from_secs(look.limits.told)) else { return };
    // Two that answer in turn look like one that restarts.
    if m.signals.flaps_since(look.now().minus(Duration::from_secs(90))) >= 3 {
        return;
    }
    // Those that were worked on, whether they have been claimed again or not yet.
    let anew = m.proofs.active().filter(|p| p.claims > 1 || (p.first_seen < at && p.claimed_at.is_some_and(|t| t < at))).count();
    let planned = m.signals.shutting_down.is_some_and(|t| t <= at && at.since(t) < Duration::from_secs(120));
    let how = if planned { "was stopped and began anew" } else { "began anew" };
    let mut f = Finding::new(
        "coordinator",
        if anew > 0 { Severity::Warning } else { Severity::Info },
        format!("the coordinator {how}: its memory is lost, {}", if anew == 0 { "no proof was worked on".into() } else { format!("{anew} proofs start from scratch") }),
    )
    .evidence(format!("at {}; restarts seen: {}", at.clock(), m.coordinator.restarts))
    .since(at)
    .event();
    let pod = m.kube.pods().find(|p| p.component == Some(crate::event::Component::Coordinator));
    if let Some(t) = pod.and_then(|p| p.info.last_termination.as_ref()) {
        f = f.evidence(format!("its container ended last with {} ({})", t.reason, t.exit_code));
    }
    let ns = look.namespace();
    out.push(f.fix("see how the last one ended", format!("kubectl logs deploy/coordinator -n {ns} --previous --tail=50")));
}
