//! Work waits for a kind of worker of which none is connected (F25).

use std::time::Duration;

use super::{Clock, Rule, TWO_BLOCKS, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::event::Component;
use crate::model::Trouble;

pub const GPU: Rule = Rule {
    id: "no-gpu-workers",
    doc: "GPU work waits and no GPU worker is connected.",
    clock: Clock::Stats,
    hold: TWO_BLOCKS,
    clear: s(0),
    check: |look, out| {
        let stats = look.stats();
        check(look, "gpu-node", stats.and_then(|s| s.gpu_workers), stats.and_then(|s| s.gpu_queue), out);
    },
};

pub const CPU: Rule = Rule {
    id: "no-cpu-workers",
    doc: "CPU work waits and no CPU worker is connected: they are down, or still download circuits.",
    clock: Clock::Stats,
    hold: TWO_BLOCKS,
    clear: s(0),
    check: |look, out| {
        let stats = look.stats();
        check(look, "cpu-node", stats.and_then(|s| s.cpu_workers), stats.and_then(|s| s.cpu_queue), out);
    },
};

/// After a start of the coordinator workers take some seconds to come back.
const RECONNECT: Duration = Duration::from_secs(20);

fn check(look: &Look<'_>, deployment: &str, workers: Option<u32>, queue: Option<u32>, out: &mut Vec<Finding>) {
    let (Some(0), Some(queue)) = (workers, queue) else { return };
    let Some(stats) = look.stats() else { return };
    if queue == 0 || stats.active_proofs == Some(0) || look.digest.all_workers() > 0 {
        return;
    }
    let m = look.model;
    let began = [m.coordinator.started_at, m.coordinator.restarted_at].into_iter().flatten().max();
    if began.is_some_and(|t| look.since(t) < RECONNECT) || words::rolling(look, deployment) {
        return;
    }
    // Of two coordinators each has some of the workers.
    if super::coordinator_duplicated::are_two(look) {
        return;
    }
    let ns = look.namespace();
    let what = if deployment == "cpu-node" { "CPU" } else { "GPU" };
    let mut f = Finding::new(deployment, Severity::Critical, format!("{queue} {what} tasks wait and no {what} worker is connected"))
        .evidence(format!("{} workers 0, queue {queue}, {} active proofs", what.to_lowercase(), stats.active_proofs.unwrap_or(0)));
    let kind = if deployment == "cpu-node" { crate::base::WorkerKind::Cpu } else { crate::base::WorkerKind::Gpu };
    if let Some(w) = m.workers.iter().filter(|w| w.kind == Some(kind)).max_by_key(|w| w.lost_at)
        && let Some(t) = w.lost_at
    {
        f = f.evidence(format!("the last one, {}, was lost at {}", words::worker(w), t.clock()));
    }
    let component = Component::read(deployment);
    for p in m.kube.pods().filter(|p| p.component == component).take(4) {
        let state = p.info.waiting.clone().unwrap_or_else(|| p.info.phase.clone());
        f = f.evidence(format!("pod {}: {state}, {} restarts", p.info.name, p.info.restarts));
    }
    let loading = m.signals.complaints(Trouble::CircuitsDownloading).find(|(_, c)| c.over.is_none());
    if let Some((source, c)) = loading.filter(|_| deployment == "cpu-node") {
        f = f.evidence(format!("{source} downloads circuits since {}: it connects when that is done", c.first.clock()));
    }
    f = match m.kube.workload(deployment) {
        Some(w) if w.replicas == 0 => f.fix(format!("{deployment} is scaled to 0: start one"), commands::scale(ns, deployment, 1)),
        _ => f.fix("see why its pods are not there", commands::pods(ns, deployment)),
    };
    out.push(f.fix("see what they last said", commands::logs(ns, &format!("deploy/{deployment}"), "")));
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;
    use crate::base::TaskType as T;

    #[test]
    fn a_queue_and_nobody_for_it() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller).run(11, "cli_1", 2, T::ProveShard).pass(60);
        s.lose(11);
        s.queue(0, 3).pass(20);
        let a = s.alert("no-gpu-workers");
        assert!(a.summary.contains("3 GPU tasks wait and no GPU worker is connected"), "{a:?}");
        assert!(a.evidence.iter().any(|e| e.contains("the last one, gpu worker") && e.contains("was lost at")), "{a:?}");
        s.gpu(12).pass(10);
        assert!(!s.fires("no-gpu-workers"));
    }

    #[test]
    fn nobody_and_no_queue_is_fine() {
        let mut s = Script::new();
        s.restart().pass(300);
        assert!(s.told().is_empty(), "{:?}", s.told());
    }

    #[test]
    fn workers_have_a_moment_after_the_coordinators_start() {
        let mut s = Script::new();
        s.restart().claim("cli_1", 2).queue(1, 0).pass(20);
        assert!(s.told().is_empty(), "{:?}", s.told());
    }

    #[test]
    fn of_two_coordinators_each_has_some() {
        let mut s = Script::new();
        let time = s.time();
        s.restart().gpu(11).claim("cli_1", 2).queue(1, 0).pass(10);
        s.kube(&pod("coordinator-a", "coordinator", &time)).kube(&pod("coordinator-b", "coordinator", &time)).pass(60);
        assert!(s.fires("coordinator-duplicated") && !s.fires("no-cpu-workers"), "{:?}", s.told());
    }

    #[test]
    fn says_that_circuits_are_downloaded() {
        let mut s = Script::new();
        s.restart().gpu(11).claim("cli_1", 2).queue(1, 0);
        s.node("cpu-node-a", "INFO sp1_cluster_node: Downloading circuit artifacts before connecting to server").pass(60);
        assert!(s.alert("no-cpu-workers").evidence.iter().any(|e| e.contains("downloads circuits")), "{:?}", s.alert("no-cpu-workers"));
    }
}
