//! A Controller waits for something that will not come (F20).

use std::time::Duration;

use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{TaskType, units};
use crate::capacity::version::version;

pub const RULE: Rule = Rule {
    id: "controller-wedged",
    doc: "A proof has only its Controller running, nothing is queued and nothing moves, for longer than any gap between stages.",
    clock: Clock::Stats,
    hold: s(0),
    clear: s(0),
    check,
};

/// Releases before v2.1.0 execute the guest within the Controller.
const EXECUTES_ITSELF: Duration = Duration::from_secs(3600);

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    // The block that lists the tasks, and whatever is newer.
    let (Some(now), Some(newest)) = (&look.model.stats_log, look.stats()) else { return };
    let stats = &now.stats;
    if newest.cpu_queue != Some(0) || newest.gpu_queue != Some(0) || newest.total_tasks != stats.total_tasks {
        return;
    }
    if stats.cpu_queue != Some(0) || stats.gpu_queue != Some(0) || stats.gpu_utilization_current.unwrap_or(0) > 0 {
        return;
    }
    let d = look.digest;
    if d.running.iter().any(|(k, n)| *n > 0 && *k != TaskType::Controller) || d.running(&TaskType::Controller) == 0 {
        return;
    }
    let old = look.capacity.cpu_node.is_some_and(|d| d.version < version(2, 1, 0));
    let limit = if old { EXECUTES_ITSELF } else { Duration::from_secs(look.limits.wedged) };
    // New tasks that come and go between two blocks are progress too.
    let made = look.model.signals.tasks_made_at().unwrap_or(now.at);
    for p in look.model.proofs.active() {
        if p.tally(&TaskType::Controller).running == 0 {
            continue;
        }
        let moved = p.progress_at.max(made);
        let quiet = now.at.since(moved);
        if quiet < limit {
            continue;
        }
        let ns = look.namespace();
        let mut f = Finding::new(
            p.id.to_string(),
            Severity::Critical,
            format!(
                "only the Controller of {} runs, nothing is queued, and nothing has moved for {} (stage {})",
                p.id,
                units::seconds(quiet),
                p.stage().as_str()
            ),
        )
        .evidence(format!("cpu_queue 0, gpu_queue 0, gpu weight 0, total_tasks {} since {}", stats.total_tasks.unwrap_or(0), made.clock()))
        .since(moved);
        let holder =
            look.model.workers.connected().find(|w| w.tasks.iter().any(|t| t.proof == p.id && t.kind == Some(TaskType::Controller)));
        if let Some(w) = holder {
            f = f.evidence(format!("it is on {}", words::worker(w)));
        }
        out.push(
            f.fix("cancel the proof and ask for it again", commands::cancel(p.id.as_str()))
                .fix("restart the CPU workers: their Controllers start from scratch", commands::restart(ns, "cpu-node")),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;
    use crate::base::TaskType as T;

    #[test]
    fn three_minutes_of_nothing_but_a_controller() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller).run(11, "cli_1", 2, T::RecursionReduce).pass(20);
        s.done(2).pass(170);
        assert!(!s.fires("controller-wedged"));
        s.pass(30);
        let a = s.alert("controller-wedged");
        assert_eq!(a.subject, "cli_1");
        assert!(a.evidence[0].contains("cpu_queue 0, gpu_queue 0, gpu weight 0, total_tasks 3"), "{a:?}");
        assert_eq!(a.fix[0].run, "sp1top proofs cancel cli_1");
        s.run(11, "cli_1", 3, T::RecursionReduce).pass(10);
        assert!(!s.fires("controller-wedged"));
    }

    #[test]
    fn not_while_tasks_come_and_go_between_the_blocks() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller);
        for _ in 0..60 {
            s.made(2).pass(10);
        }
        assert!(!s.fires("controller-wedged"));
    }

    #[test]
    fn releases_that_execute_in_the_controller_have_an_hour() {
        let mut s = Script::new();
        s.version = "unknown 2026-02-27T19:44:12";
        s.restart().kube(&deployment("cpu-node", "v2.0.3", &[]));
        s.cpu(1, 48).gpu(11).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller).pass(1800);
        assert!(!s.fires("controller-wedged"));
    }
}
