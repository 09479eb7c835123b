//! The coordinator lost its memory (F21).

use std::time::Duration;

use super::{Clock, Rule, s};
use crate::alerts::{Finding, Look, Severity};
use crate::base::Timestamp;

pub const RULE: Rule = Rule {
    id: "coordinator-restarted",
    doc: "The coordinator began anew: what it knew is lost, workers register again, and all pending proofs start from scratch.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check,
};

/// What other coordinators' logs do after one began.
enum Others {
    /// They end, or there are none.
    Go,
    /// They go on.
    GoOn,
    /// They were there; their next block would tell.
    Unknown,
}

fn others(look: &Look<'_>, at: Timestamp) -> Others {
    const BLOCK: Duration = Duration::from_secs(12);
    let m = look.model;
    if m.signals.shutting_down.is_some_and(|t| t.since(at).max(at.since(t)) < Duration::from_secs(60)) {
        return Others::Go;
    }
    let began = m.signals.process_started.is_some_and(|t| t.since(at).max(at.since(t)) < BLOCK);
    let Some(source) = m.signals.process_source.as_ref().filter(|_| began).or(m.stats.as_ref().map(|s| &s.source)) else {
        return Others::Go;
    };
    let own = m.signals.heard().find(|h| h.0 == source).map(|h| h.1);
    // Copies of one log are the same process.
    let mut others = m
        .signals
        .heard()
        .filter(|(n, h)| *n != source && own.is_none_or(|o| !h.shares(o)) && h.stats_at.plus(BLOCK + BLOCK) >= at)
        .peekable();
    if others.peek().is_none() {
        return Others::Go;
    }
    if others.any(|(_, h)| h.stats_at > at.plus(Duration::from_secs(2))) {
        return Others::GoOn;
    }
    if m.coordinator_now().since(at) < BLOCK { Others::Unknown } else { Others::Go }
}

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let m = look.model;
    let Some(at) = m.coordinator.restarted_at.filter(|t| m.coordinator_now().since(*t) < Duration::from_secs(look.limits.told)) else {
        return;
    };
    // Two that answer in turn look like one that restarts.
    if m.signals.flaps_since(look.now().minus(Duration::from_secs(90))) >= 3 {
        return;
    }
    // Where another one goes on nothing is lost: there are two, which is another alert.
    if !matches!(others(look, at), Others::Go) {
        return;
    }
    // Those that were worked on, whether they have been claimed again or not yet.
    let anew = m.proofs.active().filter(|p| p.claims > 1 || (p.first_seen < at && p.claimed_at.is_some_and(|t| t < at))).count();
    let planned = m.signals.shutting_down.is_some_and(|t| t <= at && at.since(t) < Duration::from_secs(120));
    let how = if planned { "was stopped and began anew" } else { "began anew" };
    let mut f = Finding::new(
        "coordinator",
        if anew > 0 { Severity::Warning } else { Severity::Info },
        format!(
            "the coordinator {how}: its memory is lost, {}",
            if anew == 0 { "no proof was worked on".into() } else { format!("{anew} proofs start from scratch") }
        ),
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

#[cfg(test)]
mod tests {
    use crate::alerts::Severity;
    use crate::alerts::testing::*;

    #[test]
    fn total_tasks_that_fall() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).claim("cli_1", 2).made(100).run(1, "cli_1", 1, crate::base::TaskType::Controller).pass(90);
        // Without its first lines: the log was cut there.
        s.another("log:coordinator").claim("cli_1", 2).pass(10);
        let a = s.alert("coordinator-restarted");
        assert_eq!(a.severity, Severity::Warning);
        assert!(a.summary.contains("1 proofs start from scratch"), "{a:?}");
        s.pass(310);
        assert!(!s.fires("coordinator-restarted"));
    }

    #[test]
    fn an_idle_one_is_only_worth_knowing() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).pass(90);
        s.say("INFO", "Received signal SIGTERM. Shutting down...").quiet(5).restart().cpu(1, 48).pass(20);
        let a = s.alert("coordinator-restarted");
        assert_eq!(a.severity, Severity::Info);
        assert!(a.summary.contains("was stopped and began anew") && a.summary.contains("no proof was worked on"), "{a:?}");
    }

    #[test]
    fn a_first_start_is_none() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).pass(60);
        assert!(!s.fires("coordinator-restarted"));
    }
}
