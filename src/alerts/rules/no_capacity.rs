//! Workers are connected and take nothing (F12, R7).

use super::{Clock, Rule, TWO_BLOCKS, s};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{TaskType, WorkerKind};
use crate::capacity::{plan, version};
use crate::envelope::SourceState;
use crate::event::Component;
use crate::model::Trouble;

pub const RULE: Rule = Rule {
    id: "no-capacity",
    doc: "Workers are connected but their maximum weight is 0 or too small for any task: /dev/shm below 1 GiB, a tiny memory limit, or a \
          wrong override.",
    clock: Clock::Stats,
    hold: TWO_BLOCKS,
    clear: s(0),
    check,
};

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let Some(stats) = look.stats() else { return };
    let controller = look.capacity.weights.value(&TaskType::Controller);
    let shard = version::NEWEST.weight(&TaskType::ProveShard).unwrap_or(4);
    let kinds = [
        (WorkerKind::Cpu, "cpu-node", "Controller", controller, stats.cpu_workers, stats.cpu_utilization_max, stats.cpu_queue),
        (WorkerKind::Gpu, "gpu-node", "ProveShard", shard, stats.gpu_workers, stats.gpu_utilization_max, stats.gpu_queue),
    ];
    let mut told = Vec::new();
    for (kind, deployment, task, weight, workers, max, queue) in kinds {
        let (Some(workers), Some(max)) = (workers.filter(|n| *n > 0), max) else { continue };
        let each = max / workers;
        if each >= weight || look.digest.all_workers() > 0 {
            continue;
        }
        told.push(deployment);
        let ns = look.namespace();
        let waits = queue.unwrap_or(0);
        let severity = if waits > 0 { Severity::Critical } else { Severity::Warning };
        let why = look.model.signals.complaints(Trouble::NoCapacity).map(|(s, c)| format!("{s}: {}", c.text)).next();
        let mut f = Finding::new(
            deployment,
            severity,
            format!(
                "{workers} {} workers take no work: their maximum weight is {each}, a {task} weighs {weight}; {waits} tasks wait",
                kind.as_str()
            ),
        )
        .evidence(format!("{}_utilization_max {max} with {workers} workers", kind.as_str()));
        if let Some(why) = why {
            f = f.evidence(why);
        }
        if each == 0 {
            f = f.fix(
                "mount a memory-backed /dev/shm (v2.4 and later take nothing without 1 GiB of it)",
                format!("kubectl patch deploy {deployment} -n {ns} -p '{{\"spec\":{{\"template\":{{\"spec\":{{\"volumes\":[{{\"name\":\"dshm\",\"emptyDir\":{{\"medium\":\"Memory\"}}}}],\"containers\":[{{\"name\":\"{deployment}\",\"volumeMounts\":[{{\"name\":\"dshm\",\"mountPath\":\"/dev/shm\"}}]}}]}}}}}}}}'"),
            );
        }
        let w = |k| look.capacity.weights.value(&k);
        let right =
            if kind == WorkerKind::Cpu { plan::right_max(controller, w(TaskType::PlonkWrap).max(w(TaskType::CoreExecute)), 1) } else { 24 };
        out.push(
            f.fix(format!("or set its maximum weight to {right}"), commands::set_env(ns, deployment, "WORKER_MAX_WEIGHT_OVERRIDE", right)),
        );
    }
    some(look, &told, out);
}

/// Single ones that say so themselves, where others of their kind take work.
fn some(look: &Look<'_>, told: &[&str], out: &mut Vec<Finding>) {
    let ns = look.namespace();
    for (source, c) in look.model.signals.complaints(Trouble::NoCapacity).filter(|(_, c)| c.over.is_none()) {
        let Some((name, s)) = look.model.sources.iter().find(|(n, s)| *n == source && s.state == Some(SourceState::Live)) else { continue };
        let deployment = match s.component {
            Some(Component::GpuNode) => "gpu-node",
            _ => "cpu-node",
        };
        let pod = s.pod.as_deref();
        let gone = look.model.kube.known && pod.is_some_and(|p| look.model.kube.pod(p).is_none());
        if gone || told.contains(&deployment) {
            continue;
        }
        let who = pod.unwrap_or(name.as_str());
        out.push(
            Finding::new(who, Severity::Warning, format!("{who} is connected and takes no work: {}", c.text))
                .evidence(format!("it said so at {}", c.last.clock()))
                .fix(
                    "see its memory limit and its /dev/shm",
                    pod.map_or_else(|| commands::pods(ns, deployment), |p| commands::describe(ns, p)),
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::alerts::Severity;
    use crate::alerts::testing::*;

    #[test]
    fn a_maximum_of_zero() {
        let mut s = Script::new();
        s.restart().cpu(1, 0).gpu(11).pass(20);
        let a = s.alert("no-capacity");
        assert_eq!(a.severity, Severity::Warning);
        assert!(a.summary.contains("1 cpu workers take no work: their maximum weight is 0, a Controller weighs 4; 0 tasks wait"), "{a:?}");
        assert!(a.fix[0].run.contains("/dev/shm") && a.fix[1].run.ends_with("WORKER_MAX_WEIGHT_OVERRIDE=48"), "{a:?}");
        let mut s = Script::new();
        s.restart().cpu(1, 4).gpu(11).pass(60);
        assert!(!s.fires("no-capacity"));
    }

    #[test]
    fn one_of_two_that_says_so_itself() {
        const SAYS: &str = "ERROR crates/worker/src/limiter.rs:1: /dev/shm unconfigured (shm_size required); worker will accept no work \
                            until set ram_weight=96";
        let mut s = Script::new();
        s.restart().cpu(1, 96).cpu(2, 0).gpu(11).node("cpu-node-b", SAYS).pass(20);
        let a = s.alert("no-capacity");
        assert_eq!((a.subject.as_str(), a.severity), ("cpu-node-b", Severity::Warning));
        assert!(a.summary.starts_with("cpu-node-b is connected and takes no work: /dev/shm unconfigured"), "{a:?}");
        s.node(
            "cpu-node-b",
            " INFO crates/worker/src/limiter.rs:1: computed worker max_weight total_ram_gb=96 shm_gb=Some(96) max_weight=96",
        );
        s.pass(20);
        assert!(!s.fires("no-capacity"));
    }

    #[test]
    fn gpu_workers_too_small_for_a_shard() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).join(11, crate::base::WorkerKind::Gpu, 3).queue(0, 4).pass(20);
        let a = s.alert("no-capacity");
        assert_eq!((a.subject.as_str(), a.severity), ("gpu-node", Severity::Critical));
    }
}
