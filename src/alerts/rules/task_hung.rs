//! One task runs far longer than its kind does here.

use std::time::Duration;

use super::{Clock, Rule, s, words};
use crate::alerts::look::running;
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{TaskType, WorkerKind, units};
use crate::model::{Proof, Running};

pub const RULE: Rule = Rule {
    id: "task-hung",
    doc: "One task runs far longer than its kind takes on this cluster, and holds its proof. Controllers are as old as their proofs, and \
          wraps and executions of large proofs are long: they count only when they are beyond what was ever seen here and nothing else of \
          the proof moves.",
    clock: Clock::Stats,
    hold: s(0),
    clear: s(0),
    check,
};

/// What is known beforehand of a kind: how many must have been seen before
/// what is learnt counts, the least that is long, and what is long when nothing
/// is learnt.
const PRIORS: &[(TaskType, u64, u64, u64)] = &[
    (TaskType::SetupVkey, 5, 120, 900),
    (TaskType::ProveShard, 20, 90, 1200),
    (TaskType::RecursionReduce, 10, 90, 900),
    (TaskType::RecursionDeferred, 10, 90, 900),
    (TaskType::ShrinkWrap, 3, 180, 1200),
    (TaskType::CoreExecute, 5, 900, 7200),
    (TaskType::PlonkWrap, 3, 600, 3600),
    (TaskType::Groth16Wrap, 3, 600, 3600),
];

/// After how long a task of `kind` is hung.
pub fn limit(look: &Look<'_>, kind: &TaskType) -> Duration {
    let Some((_, count, least, unknown)) = PRIORS.iter().find(|p| p.0 == *kind) else { return Duration::MAX };
    let unknown = Duration::from_secs(*unknown);
    match look.model.durations.typical(kind) {
        Some(t) if t.count >= *count => t.p90.mul_f64(look.limits.hung_factor).max(t.max * 2).max(Duration::from_secs(*least)),
        Some(t) => (t.max * 10).max(unknown),
        None => unknown,
    }
}

/// How long a task has run, by the periodic blocks: a log that pauses does not age it.
pub fn age(look: &Look<'_>, t: &Running) -> Duration {
    look.model.stats_log.as_ref().map_or(Duration::ZERO, |l| l.at.since(t.since))
}

/// Whether anything else of the proof moved lately.
fn proof_moves(look: &Look<'_>, p: &Proof, within: Duration) -> bool {
    look.since(p.progress_at) < within
}

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    // One look for the kinds that run at all.
    let limits: Vec<(TaskType, Duration)> = look
        .digest
        .running
        .keys()
        .filter(|k| **k != TaskType::Controller)
        .map(|k| (k.clone(), limit(look, k)))
        .filter(|l| l.1 < Duration::MAX)
        .collect();
    if limits.is_empty() {
        return;
    }
    let mut found = 0;
    for (w, t) in running(look.model) {
        let Some((kind, limit)) = t.kind.as_ref().and_then(|k| limits.iter().find(|l| l.0 == *k)) else { continue };
        let age = age(look, t);
        if age <= *limit {
            continue;
        }
        let Some(p) = look.model.proofs.get(&t.proof).filter(|p| p.is_active()) else { continue };
        if kind.worker_kind() == Some(WorkerKind::Cpu) && proof_moves(look, p, *limit / 2) {
            continue;
        }
        // Retried or moved meanwhile, it began anew.
        if look.model.tasks.get(&t.task).is_some_and(|k| look.since(k.assigned_at) <= *limit) {
            continue;
        }
        found += 1;
        if found > 20 {
            break;
        }
        let usual = look.model.durations.typical(kind);
        let usual = usual.map_or_else(
            || "none has ended here yet".into(),
            |u| format!("{} is usual, {} the longest", units::duration(u.median), units::duration(u.max)),
        );
        let ns = look.namespace();
        let name = kind.as_str();
        let mut f = Finding::new(
            t.task.to_string(),
            Severity::Warning,
            format!("{name} of {} has run for {} on {}: {usual}", t.proof, units::seconds(age), words::worker(w)),
        )
        .evidence(format!("on this worker since {}; more than {} is far too long here", t.since.clock(), units::seconds(*limit)))
        .since(t.since)
        .under("worker-silent", w.id.to_string())
        .under("gpu-queue-stalled", "gpu-node");
        f = match words::pod(w) {
            Some(pod) => f.fix("delete the worker's pod: its tasks are queued again, without using a retry", commands::delete_pod(ns, pod)),
            None => f.fix(
                "see which pod has gone silent",
                format!("kubectl logs -n {ns} -l app={} --prefix --since=5m --tail=2", words::deployment(w.kind)),
            ),
        };
        out.push(f);
    }
}
