//! Workers are connected and take nothing (F12, R7).

use super::{Clock, Rule, TWO_BLOCKS, s};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{TaskType, WorkerKind};
use crate::capacity::{plan, version};
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
    for (kind, deployment, task, weight, workers, max, queue) in kinds {
        let (Some(workers), Some(max)) = (workers.filter(|n| *n > 0), max) else { continue };
        let each = max / workers;
        if each >= weight || look.digest.all_workers() > 0 {
            continue;
        }
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
    fn gpu_workers_too_small_for_a_shard() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).join(11, crate::base::WorkerKind::Gpu, 3).queue(0, 4).pass(20);
        let a = s.alert("no-capacity");
        assert_eq!((a.subject.as_str(), a.severity), ("gpu-node", Severity::Critical));
    }
}
