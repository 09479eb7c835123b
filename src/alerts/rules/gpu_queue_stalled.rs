//! GPU work waits and no GPU task finishes.

use std::time::Duration;

use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{TaskType, Timestamp, WorkerKind, units};
use crate::model::Gauge;

pub const RULE: Rule = Rule {
    id: "gpu-queue-stalled",
    doc: "GPU work waits and no GPU task has finished anywhere for minutes, far longer than they take here.",
    clock: Clock::Stats,
    hold: s(0),
    clear: s(0),
    check,
};

/// Since when the queue has not been empty, within the time that matters.
fn queued_since(look: &Look<'_>, longest: Duration) -> Option<Timestamp> {
    let mut since = None;
    for sample in look.model.history.raw().rev() {
        if sample.get(Gauge::GpuQueue)? == 0 {
            break;
        }
        since = Some(sample.at);
        if look.since(sample.at) > longest * 2 {
            break;
        }
    }
    since
}

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let Some(now) = look.model.stats.as_ref() else { return };
    let stats = &now.stats;
    let queue = stats.gpu_queue.unwrap_or(0);
    if queue == 0 || stats.active_proofs == Some(0) || (stats.gpu_workers == Some(0) && look.digest.all_workers() == 0) {
        return;
    }
    let usual = [TaskType::ProveShard, TaskType::RecursionReduce, TaskType::ShrinkWrap]
        .iter()
        .filter_map(|k| look.model.durations.typical(k))
        .map(|t| t.max)
        .max()
        .unwrap_or_default();
    let limit = Duration::from_secs(look.limits.gpu_stall).max(usual * 3);
    let Some(queued) = queued_since(look, limit) else { return };
    let moved = look.digest.gpu_moved_at.unwrap_or(queued);
    // A worker list that no longer comes says nothing of what finishes.
    let listed = look.model.stats_log.as_ref().is_some_and(|l| now.at.since(l.at) < Duration::from_secs(25));
    let quiet = now.at.since(moved.max(queued));
    if !listed || quiet < limit {
        return;
    }
    let workers = stats.gpu_workers.unwrap_or(0);
    let running = look.digest.gpu_running();
    let ns = look.namespace();
    let busiest = look.model.workers.connected().filter(|w| w.kind != Some(WorkerKind::Cpu)).max_by_key(|w| w.tasks.len());
    let mut f = Finding::new(
        "gpu-node",
        Severity::Critical,
        format!("no GPU task has finished for {}: {queue} wait, {running} run on {workers} workers", units::seconds(quiet)),
    )
    .evidence(format!(
        "gpu_queue {queue}, gpu weight {} of {}",
        stats.gpu_utilization_current.unwrap_or(0),
        stats.gpu_utilization_max.unwrap_or(0)
    ))
    .since(moved.max(queued))
    .under("no-gpu-workers", "gpu-node");
    if let Some(t) = look.model.durations.typical(&TaskType::ProveShard) {
        f = f.evidence(format!("a ProveShard takes {} here ({} seen)", units::duration(t.median), t.count));
    }
    if let Some(w) = busiest {
        f = f.evidence(format!("{} has run {} since {}", words::worker(w), words::tasks(&w.tasks), w.changed_at.clock()));
    }
    out.push(
        f.fix("see what the GPU nodes say", commands::logs(ns, "deploy/gpu-node", ""))
            .fix("restart them: their tasks are queued again without using a retry", commands::restart(ns, "gpu-node")),
    );
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;
    use crate::base::TaskType as T;

    #[test]
    fn three_minutes_without_an_end_while_work_waits() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller).run(11, "cli_1", 2, T::ProveShard);
        s.queue(0, 5).pass(170);
        assert!(!s.fires("gpu-queue-stalled"));
        s.pass(30);
        let a = s.alert("gpu-queue-stalled");
        assert!(a.summary.contains("5 wait, 1 run on 1 workers"), "{a:?}");
        assert!(a.evidence[0].contains("gpu_queue 5, gpu weight 4 of 24"), "{a:?}");
        s.done(2).run(11, "cli_1", 3, T::ProveShard).pass(10);
        assert!(!s.fires("gpu-queue-stalled"));
    }

    #[test]
    fn longer_where_tasks_take_longer() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller);
        for t in 10..14 {
            s.run(11, "cli_1", t, T::ProveShard).queue(0, 5).pass(150);
            s.done(t);
        }
        s.run(11, "cli_1", 20, T::ProveShard).pass(400);
        assert!(!s.fires("gpu-queue-stalled"));
        s.pass(100);
        assert!(s.fires("gpu-queue-stalled"));
    }

    #[test]
    fn not_without_a_queue() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller).run(11, "cli_1", 2, T::ProveShard).pass(600);
        assert!(!s.fires("gpu-queue-stalled"));
    }
}
