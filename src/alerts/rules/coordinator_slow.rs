//! The coordinator holds its lock too long (F31).

use std::time::Duration;

use super::{Clock, Rule, s};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::model::Trouble;

pub const RULE: Rule = Rule {
    id: "coordinator-slow",
    doc: "The coordinator says again and again that it held its lock for over 100 ms: its pod starves, or too many ask too much of it. \
          Heartbeats then come too late, and live workers are given up.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(60),
    check,
};

/// Complaints are counted over this long.
const WINDOW: Duration = Duration::from_secs(60);
/// So many within it are more than a busy moment.
const MANY: usize = 10;
/// One a second: workers are about to be lost.
const TOO_MANY: usize = 60;

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let now = look.model.coordinator_now();
    let count = look.model.signals.slow_locks().rev().take_while(|t| now.since(**t) < WINDOW).count();
    if count < MANY {
        return;
    }
    let severity = if count >= TOO_MANY { Severity::Critical } else { Severity::Warning };
    let ns = look.namespace();
    let mut f =
        Finding::new("coordinator", severity, format!("the coordinator held its lock for over 100 ms {count} times within a minute"));
    if let Some((source, c)) = look.model.signals.latest(Trouble::SlowLock) {
        f = f.evidence(format!("{source} at {}: {}", c.last.clock(), c.text));
    }
    out.push(
        f.fix("see what it uses; it needs CPU of its own", format!("kubectl top pod -n {ns} -l app=coordinator"))
            .fix(
                "give it a CPU request (this restarts it: running proofs start anew)",
                format!("kubectl set resources deploy/coordinator -n {ns} --requests=cpu=2"),
            )
            .fix("see what else it says", commands::logs(ns, "deploy/coordinator", "")),
    );
}

#[cfg(test)]
mod tests {
    use crate::alerts::Severity;
    use crate::alerts::testing::*;

    #[test]
    fn a_busy_moment_is_none_and_a_busy_minute_is() {
        const SLOW: &str = "latency 153000000 for kind worker.complete_task is too high";
        let mut s = Script::new();
        s.restart().cpu(1, 48).pass(20);
        for _ in 0..9 {
            s.say("ERROR", SLOW);
        }
        s.pass(60);
        assert!(!s.fires("coordinator-slow"));
        for _ in 0..12 {
            s.say("ERROR", SLOW).pass(2);
        }
        let a = s.alert("coordinator-slow");
        assert_eq!(a.severity, Severity::Warning);
        assert!(a.evidence[0].contains("153 ms for worker.complete_task"), "{a:?}");
        s.pass(130);
        assert!(!s.fires("coordinator-slow"));
    }
}
