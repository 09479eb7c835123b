//! The CPU queue stands still for another cause than a wrap (F6, F7).

use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{TaskType, units};
use crate::model::WorkerState;

pub const RULE: Rule = Rule {
    id: "cpu-queue-blocked",
    doc: "CPU work waits and nothing that runs will make room: Controllers hold all weight while what they wait for is queued behind \
          them, or workers take nothing though they have room.",
    clock: Clock::Stats,
    hold: s(18),
    clear: s(0),
    check,
};

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let Some(stats) = look.stats() else { return };
    let queue = stats.cpu_queue.unwrap_or(0);
    // Entries of proofs that are gone leave when they reach the head.
    if queue == 0 || stats.active_proofs == Some(0) || stats.cpu_workers == Some(0) || look.digest.all_workers() > 0 {
        return;
    }
    let d = look.digest;
    let cpu_busy =
        d.running.iter().any(|(k, n)| *n > 0 && *k != TaskType::Controller && k.worker_kind() == Some(crate::base::WorkerKind::Cpu));
    let gpu_busy = stats.gpu_queue.unwrap_or(0) > 0 || d.gpu_running() > 0 || stats.gpu_utilization_current.unwrap_or(0) > 0;
    if cpu_busy || gpu_busy || stats.cpu_utilization_max == Some(0) {
        return;
    }
    if look.model.workers.connected().any(|w| w.kind == Some(crate::base::WorkerKind::Cpu) && w.state == WorkerState::Late) {
        return;
    }
    let controllers = d.running(&TaskType::Controller);
    let (current, max) = (stats.cpu_utilization_current.unwrap_or(0), stats.cpu_utilization_max.unwrap_or(0));
    let core = look.capacity.weights.value(&TaskType::CoreExecute);
    let nodes = look.capacity.cpu_nodes;
    let summary = if controllers > 0 {
        format!(
            "{} wait{} and nothing moves: {} hold{} {current} of {max}, a CoreExecute of {core} does not fit",
            units::plural(queue, "CPU task"),
            if queue == 1 { "s" } else { "" },
            units::plural(controllers, "Controller"),
            if controllers == 1 { "s" } else { "" }
        )
    } else {
        let (tasks, s) = (units::plural(queue, "CPU task"), if queue == 1 { "s" } else { "" });
        format!("{tasks} wait{s} though CPU workers have {} of {max} free and run nothing", max.saturating_sub(current))
    };
    let ns = look.namespace();
    let mut f = Finding::new("cpu-node", Severity::Critical, summary)
        .evidence(format!(
            "cpu_queue {queue}, gpu_queue 0, cpu weight {current} of {max}, {} active proofs",
            stats.active_proofs.unwrap_or(0)
        ))
        .under("aggregation-stuck", "cpu-node");
    if controllers > 0 {
        f = f.fix("add a CPU worker: it takes what waits", commands::scale(ns, "cpu-node", nodes + 1));
        let newest = look.model.proofs.active().max_by_key(|p| p.claimed_at);
        if let Some(p) = newest {
            f = f.fix("cancel the newest proof", commands::cancel(p.id.as_str()));
        }
    } else {
        f = f.fix("look at what the coordinator says", commands::logs(ns, "deploy/coordinator", ""));
    }
    let claimed = look.model.proofs.active().filter(|p| p.running() == 0).map(|p| p.id.to_string());
    let waiting = words::list(claimed, 4);
    if !waiting.is_empty() {
        f = f.evidence(format!("nothing runs of {waiting}"));
    }
    out.push(f);
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;
    use crate::base::TaskType as T;

    #[test]
    fn work_that_nobody_takes_though_there_is_room() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).claim("cli_1", 2).queue(1, 0).pass(20);
        assert!(!s.fires("cpu-queue-blocked"));
        s.pass(20);
        let a = s.alert("cpu-queue-blocked");
        assert!(a.summary.contains("1 CPU task waits though CPU workers have 48 of 48 free"), "{a:?}");
        assert!(a.evidence.iter().any(|e| e == "nothing runs of cli_1"), "{a:?}");
    }

    #[test]
    fn not_while_something_runs_that_makes_room() {
        let mut s = Script::new();
        s.restart().cpu(1, 8).gpu(11).claim("cli_1", 2).claim("cli_2", 2);
        s.run(1, "cli_1", 1, T::Controller).run(1, "cli_1", 2, T::CoreExecute).queue(1, 0).pass(300);
        assert!(!s.fires("cpu-queue-blocked"));
        s.done(2).run(11, "cli_1", 3, T::ProveShard).pass(60);
        assert!(!s.fires("cpu-queue-blocked"));
    }
}
