//! The coordinator gave a worker up, or it vanished with tasks (F18, F2, F27).

use std::time::Duration;

use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{WorkerKind, units};
use crate::model::Worker;

pub const RULE: Rule = Rule {
    id: "worker-lost",
    doc: "The coordinator gave a worker up (no heartbeat for 30 s), or it vanished while it held tasks. Its tasks are queued again \
          without using a retry.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check,
};

/// A loss is told at least this long.
const AT_LEAST: Duration = Duration::from_secs(60);
/// A worker that came so shortly before is the replacement.
const REPLACED: Duration = Duration::from_secs(120);
/// Losses that follow each other so closely are one story: the coordinator looks
/// for dead workers every 10 s, so that a rack that vanishes takes several looks.
const TOGETHER: Duration = Duration::from_secs(15);

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let told = Duration::from_secs(look.limits.told);
    let m = look.model;
    let now = m.coordinator_now();
    // One that is no longer told still belongs to the story that it began.
    let mut lost: Vec<&Worker> =
        m.workers.iter().filter(|w| !w.is_connected() && w.lost_at.is_some_and(|t| now.since(t) < told * 2) && counts(look, w)).collect();
    lost.sort_by_key(|w| (w.lost_at, &w.id));
    for kind in [WorkerKind::Cpu, WorkerKind::Gpu, WorkerKind::All] {
        let of_kind = lost.iter().copied().filter(|w| w.kind.unwrap_or(WorkerKind::All) == kind);
        let mut stories: Vec<Vec<&Worker>> = Vec::new();
        for w in of_kind {
            let last = stories.last().and_then(|s| s.last()).and_then(|l| l.lost_at);
            match stories.last_mut() {
                Some(story) if last.is_some_and(|l| w.lost_at.is_some_and(|t| t.since(l) <= TOGETHER)) => story.push(w),
                _ => stories.push(vec![w]),
            }
        }
        for story in stories.iter().filter(|s| s.iter().any(|w| is_told(look, w))) {
            match story.as_slice() {
                [w] => out.push(one(look, w)),
                many => out.extend(together(look, kind, many)),
            }
        }
    }
}

/// Whether a worker of that kind came since shortly before `w` was lost, ever.
fn is_replaced(look: &Look<'_>, w: &Worker) -> bool {
    let Some(lost) = w.lost_at else { return false };
    let came = |o: &Worker| o.registered_at.unwrap_or(o.first_seen) >= lost.minus(REPLACED) && o.id != w.id;
    look.model.workers.iter().filter(|o| o.kind == w.kind || o.kind.is_none()).any(came)
}

/// Whether the loss of `w` is worth telling at all.
fn counts(look: &Look<'_>, w: &Worker) -> bool {
    let Some(lost) = w.lost_at else { return false };
    // One that finishes what it has and leaves may still be listed with tasks: only when they begin
    // again elsewhere did it leave too soon.
    if !w.timed_out && w.requeued == 0 {
        return false;
    }
    if words::is_planned(look, w) {
        return false;
    }
    // An idle worker that was restarted.
    if w.tasks.is_empty() && is_replaced(look, w) {
        return false;
    }
    // A coordinator that begins anew or ends forgets all of them.
    let m = look.model;
    let near = |t: crate::base::Timestamp| lost.since(t) < Duration::from_secs(15) && t.since(lost) < Duration::from_secs(15);
    w.timed_out || ![m.coordinator.restarted_at, m.signals.shutting_down].into_iter().flatten().any(near)
}

/// Whether it still matters. Once it does not, it never does again.
fn is_told(look: &Look<'_>, w: &Worker) -> bool {
    let m = look.model;
    let Some(lost) = w.lost_at else { return false };
    let ago = m.coordinator_now().since(lost);
    let waiting = || w.tasks.iter().any(|t| m.tasks.get(&t.task).is_some_and(|t| t.waiting_since == Some(lost)));
    ago < AT_LEAST || (ago < Duration::from_secs(look.limits.told) && (waiting() || !is_replaced(look, w)))
}

fn reason(w: &Worker) -> &'static str {
    if w.timed_out { "was given up: no heartbeat" } else { "vanished" }
}

fn one(look: &Look<'_>, w: &Worker) -> Finding {
    let (ns, lost) = (look.namespace(), w.lost_at.unwrap_or(w.last_seen));
    let name = words::worker(w);
    let mut f = Finding::new(w.id.to_string(), Severity::Warning, format!("{name} {}; it held {}", reason(w), words::tasks(&w.tasks)))
        .evidence(format!("last listed at {}, lost at {}", w.last_seen.clock(), lost.clock()))
        .since(lost)
        .event();
    let moved = w.tasks.iter().filter(|t| look.model.tasks.get(&t.task).is_some_and(|t| t.waiting_since.is_none())).count();
    let waiting = w.tasks.iter().filter(|t| look.model.tasks.get(&t.task).is_some_and(|t| t.waiting_since.is_some())).count();
    if !w.tasks.is_empty() {
        f = f.evidence(format!("{moved} of its tasks run elsewhere, {waiting} wait, the others are over"));
    }
    if let Some(late) = w.unreachable_since {
        f = f.evidence(format!("heartbeats could not be sent to it since {}", late.clock()));
    }
    f = causes(look, w, f);
    let deployment = words::deployment(w.kind);
    match words::pod(w) {
        Some(pod) => f
            .fix("see what became of its pod", commands::describe(ns, pod))
            .fix("see how its container ended", commands::logs(ns, &format!("pod/{pod}"), "--previous")),
        None => f
            .fix("see what became of its pod", commands::pods(ns, deployment))
            .fix("see how a container of that deployment ended", commands::logs(ns, &format!("deploy/{deployment}"), "--previous")),
    }
}

/// What this follows from, while that is told.
fn causes(look: &Look<'_>, w: &Worker, mut f: Finding) -> Finding {
    if let Some(d) = words::death(look, w) {
        f = f.under("oom-killed", super::oom_killed::subject(look, d)).under("crash-loop", words::deployment(w.kind));
    }
    f.under("poison-task", words::deployment(w.kind))
}

fn together(look: &Look<'_>, kind: WorkerKind, lost: &[&Worker]) -> Option<Finding> {
    let tasks: usize = lost.iter().map(|w| w.tasks.len()).sum();
    let first = lost.first()?;
    let (from, to) = (first.lost_at?, lost.last()?.lost_at?);
    let name = kind.as_str();
    let left = look.model.workers.connected().filter(|w| w.kind == Some(kind)).count();
    let span = to.since(from);
    let within = if span.is_zero() { "at once".into() } else { format!("within {}", units::seconds(span)) };
    let f = Finding::new(
        first.id.to_string(),
        Severity::Warning,
        format!("{} {name} workers were lost {within} with {tasks} tasks; {left} are left", lost.len()),
    )
    .since(from)
    .event()
    .evidence(words::list(lost.iter().map(|w| format!("{} at {}", w.id, w.lost_at.unwrap_or(from).clock())), 8))
    .fix("look for a node that they share", commands::pods(look.namespace(), words::deployment(Some(kind))));
    Some(causes(look, first, f))
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;
    use crate::base::TaskType as T;

    #[test]
    fn told_until_its_tasks_run_elsewhere() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).gpu(12).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller);
        s.run(11, "cli_1", 2, T::ProveShard).run(12, "cli_1", 3, T::ProveShard).pass(200);
        s.lose(11);
        s.queue(0, 1).pass(90);
        let a = s.alert("worker-lost");
        assert!(
            a.summary.starts_with("gpu worker ") && a.summary.ends_with("was given up: no heartbeat; it held 1 ProveShard of cli_1"),
            "{a:?}"
        );
        assert!(a.evidence.iter().any(|e| e.starts_with("0 of its tasks run elsewhere, 1 wait")), "{a:?}");
        s.queue(0, 0).gpu(13).again(13, "cli_1", 2, T::ProveShard).pass(20);
        assert!(!s.fires("worker-lost"));
    }

    #[test]
    fn an_idle_one_that_comes_back_is_none() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).pass(200);
        s.gpu(12).lose(11);
        s.pass(60);
        assert!(s.told().is_empty(), "{:?}", s.told());
    }
}
