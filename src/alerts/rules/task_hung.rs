//! One task runs far longer than its kind does here.

use std::time::Duration;

use super::worker_silent::others_moved;
use super::{Clock, Rule, s, words};
use crate::alerts::look::running;
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{TaskType, WorkerKind, units};
use crate::model::{Proof, Running, Worker};

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

/// So many workers with tasks that run too long have one cause.
const MANY: usize = 4;
/// A worker that works has something begin or end in every third block.
const STILL: Duration = Duration::from_secs(30);
/// A worker that had something begin or end so long after a task began is not stuck with it.
const GOES_ON: Duration = Duration::from_secs(45);

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

/// [`limit`] for all types that run, by their index: asked for every task of
/// every worker.
pub struct Limits([Duration; TaskType::KNOWN.len() + 1]);

impl Limits {
    /// Whether any task of such a kind is too old: usually none is, which a look
    /// at the oldest of each kind tells without one at every worker.
    pub fn any_beyond(&self, look: &Look<'_>, of: impl Fn(&TaskType) -> bool) -> bool {
        let Some(listed) = &look.model.stats_log else { return false };
        let old = |k: &TaskType| look.digest.oldest(k).is_some_and(|t| listed.at.since(t) > self.0[k.index()]);
        look.digest.running.keys().any(|k| of(k) && old(k))
    }

    /// Those of this moment.
    pub fn of(look: &Look<'_>) -> Self {
        let mut limits = [Duration::MAX; TaskType::KNOWN.len() + 1];
        for kind in look.digest.running.keys() {
            limits[kind.index()] = limit(look, kind);
        }
        Self(limits)
    }

    /// After how long a task of `kind` is hung on worker `w`: the first ones on a
    /// fresh GPU worker wait for what it has to load.
    pub fn on(&self, kind: &TaskType, w: &Worker) -> Duration {
        let limit = self.0[kind.index()];
        let fresh = w.finished == 0 && kind.worker_kind() == Some(WorkerKind::Gpu);
        if fresh { limit.saturating_mul(2) } else { limit }
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
    let limits = Limits::of(look);
    if !limits.any_beyond(look, |_| true) {
        return;
    }
    // Where GPU work waits and none finishes anywhere, gpu-queue-stalled says it, once.
    let queued = look.stats().and_then(|s| s.gpu_queue).unwrap_or(0) > 0;
    // The tasks of one worker are one story, told by the oldest of them.
    let mut stories: Vec<Vec<(&Worker, &Running)>> = Vec::new();
    for (w, t) in running(look.model) {
        let Some(kind) = &t.kind else { continue };
        let gpu = kind.worker_kind() == Some(WorkerKind::Gpu);
        let limit = limits.on(kind, w);
        if age(look, t) <= limit || words::is_planned(look, w) {
            continue;
        }
        // Its own worker went on after it began, or others did.
        let alone = w.changed_at.since(t.since) >= GOES_ON || others_moved(look, w);
        if gpu && queued && !alone {
            continue;
        }
        // Where nothing of a worker moves, its other tasks will soon be as old: then it is the worker.
        let still = look.model.stats_log.as_ref().is_some_and(|l| l.at.since(w.changed_at) >= STILL);
        if gpu && still && w.tasks.iter().any(|o| o.kind.as_ref().is_none_or(|k| age(look, o) <= limits.on(k, w))) {
            continue;
        }
        let Some(p) = look.model.proofs.get(&t.proof).filter(|p| p.is_active()) else { continue };
        if !gpu && proof_moves(look, p, limit / 2) {
            continue;
        }
        // Retried or moved meanwhile, it began anew.
        if look.model.tasks.get(&t.task).is_some_and(|k| look.since(k.assigned_at) <= limit) {
            continue;
        }
        match stories.last_mut() {
            Some(s) if s.first().is_some_and(|(o, _)| o.id == w.id) => s.push((w, t)),
            _ => stories.push(vec![(w, t)]),
        }
    }
    for s in &mut stories {
        s.sort_by_key(|(_, t)| (t.since, &t.task));
    }
    // Many workers at once have one cause.
    if stories.len() > MANY {
        let mut all: Vec<(&Worker, &Running)> = stories.concat();
        all.sort_by_key(|(_, t)| (t.since, &t.task));
        out.extend(tell(look, &all, stories.len()));
    } else {
        out.extend(stories.iter().filter_map(|s| tell(look, s, 1)));
    }
}

/// What runs too long on `workers` workers, the oldest first.
fn tell(look: &Look<'_>, tasks: &[(&Worker, &Running)], workers: usize) -> Option<Finding> {
    let (w, t) = *tasks.first()?;
    let kind = t.kind.as_ref()?;
    let usual = look.model.durations.typical(kind);
    let usual = usual.map_or_else(
        || "none has ended here yet".into(),
        |u| format!("{} is usual, {} the longest", units::duration(u.median), units::duration(u.max)),
    );
    let (ns, name, ran) = (look.namespace(), kind.as_str(), units::seconds(age(look, t)));
    let summary = if workers > 1 {
        format!("{} tasks on {workers} workers run far too long, {name} of {} for {ran}: {usual}", tasks.len(), t.proof)
    } else {
        format!("{name} of {} has run for {ran} on {}: {usual}", t.proof, words::worker(w))
    };
    let mut f = Finding::new(if workers > 1 { "tasks".to_owned() } else { t.task.to_string() }, Severity::Warning, summary)
        .evidence(format!("on this worker since {}; more than {} is far too long here", t.since.clock(), units::seconds(limit(look, kind))))
        .since(t.since)
        .under("worker-silent", w.id.to_string())
        .under("gpu-queue-stalled", "gpu-node");
    if tasks.len() > 1 {
        let others = tasks[1..]
            .iter()
            .map(|(_, t)| format!("{} {} since {}", t.kind.as_ref().map_or("task", TaskType::as_str), t.task, t.since.clock()));
        f = f.evidence(format!("as old: {}", words::list(others, 4)));
    }
    Some(match words::pod(w).filter(|_| workers == 1) {
        Some(pod) => f.fix("delete the worker's pod: its tasks are queued again, without using a retry", commands::delete_pod(ns, pod)),
        None => f.fix(
            "see which pod has gone silent",
            format!("kubectl logs -n {ns} -l app={} --prefix --since=5m --tail=2", words::deployment(w.kind)),
        ),
    })
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;
    use crate::base::TaskType as T;

    /// Thirty shards of ten seconds, then one that stays while others go on.
    fn one_stays(seconds: i64) -> Script {
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).gpu(12).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller);
        for t in 100..130 {
            s.run(11, "cli_1", t, T::ProveShard).queue(0, 5).pass(10);
            s.done(t);
        }
        s.run(11, "cli_1", 666, T::ProveShard);
        for t in 200..200 + u32::try_from(seconds / 10).unwrap() {
            s.run(11, "cli_1", t, T::ProveShard).pass(10);
            s.done(t);
        }
        s
    }

    #[test]
    fn far_beyond_what_is_usual_here() {
        assert!(!one_stays(90).fires("task-hung"));
        let s = one_stays(120);
        let a = s.alert("task-hung");
        assert_eq!(a.subject, task(666));
        assert!(a.summary.contains("ProveShard of cli_1 has run for ") && a.summary.contains("10s is usual"), "{a:?}");
        assert!(!s.fires("worker-silent"));
    }

    #[test]
    fn without_experience_there_is_patience() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller).run(11, "cli_1", 2, T::ProveShard).pass(1100);
        assert!(!s.fires("task-hung"));
        s.pass(1400);
        assert!(s.fires("task-hung"));
    }
}
