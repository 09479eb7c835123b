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
/// More of one kind at once are told together.
const TOGETHER: usize = 5;

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let told = Duration::from_secs(look.limits.told);
    let m = look.model;
    let recent: Vec<&Worker> = m
        .workers
        .iter()
        .filter(|w| !w.is_connected() && w.lost_at.is_some_and(|t| look.since(t) < told))
        .filter(|w| is_told(look, w))
        .collect();
    if recent.is_empty() {
        return;
    }
    for kind in [WorkerKind::Cpu, WorkerKind::Gpu, WorkerKind::All] {
        let lost: Vec<&Worker> = recent.iter().copied().filter(|w| w.kind.unwrap_or(WorkerKind::All) == kind).collect();
        if lost.len() > TOGETHER {
            out.push(many(look, kind, &lost));
        } else {
            out.extend(lost.into_iter().map(|w| one(look, w)));
        }
    }
}

/// Workers of that kind that came since shortly before `w` was lost.
fn replacements(look: &Look<'_>, w: &Worker) -> usize {
    let Some(lost) = w.lost_at else { return 0 };
    let came = |o: &&Worker| o.registered_at.unwrap_or(o.first_seen) >= lost.minus(REPLACED) && o.id != w.id;
    look.model.workers.connected().filter(|o| o.kind == w.kind || o.kind.is_none()).filter(came).count()
}

fn is_told(look: &Look<'_>, w: &Worker) -> bool {
    let Some(lost) = w.lost_at else { return false };
    let held = !w.tasks.is_empty();
    if !w.timed_out && !held {
        return false;
    }
    if words::rolling(look, words::deployment(w.kind)) {
        return false;
    }
    let replaced = replacements(look, w) > 0;
    // An idle worker that was restarted.
    if !held && replaced {
        return false;
    }
    // A coordinator that begins anew or ends forgets all of them.
    let m = look.model;
    let near = |t: crate::base::Timestamp| lost.since(t) < Duration::from_secs(15) && t.since(lost) < Duration::from_secs(15);
    if !w.timed_out && [m.coordinator.restarted_at, m.signals.shutting_down].into_iter().flatten().any(near) {
        return false;
    }
    let waiting = w.tasks.iter().any(|t| m.tasks.get(&t.task).is_some_and(|t| t.waiting_since.is_some()));
    look.since(lost) < AT_LEAST || waiting || !replaced
}

fn reason(w: &Worker) -> &'static str {
    if w.timed_out { "was given up: no heartbeat" } else { "vanished" }
}

fn one(look: &Look<'_>, w: &Worker) -> Finding {
    let (ns, lost) = (look.namespace(), w.lost_at.unwrap_or(w.last_seen));
    let name = words::worker(w);
    let mut f = Finding::new(w.id.to_string(), Severity::Warning, format!("{name} {}; it held {}", reason(w), words::tasks(&w.tasks)))
        .evidence(format!("last listed at {}, lost at {}", w.last_seen.clock(), lost.clock()))
        .since(lost);
    let moved = w.tasks.iter().filter(|t| look.model.tasks.get(&t.task).is_some_and(|t| t.waiting_since.is_none())).count();
    let waiting = w.tasks.iter().filter(|t| look.model.tasks.get(&t.task).is_some_and(|t| t.waiting_since.is_some())).count();
    if !w.tasks.is_empty() {
        f = f.evidence(format!("{moved} of its tasks run elsewhere, {waiting} wait, the others are over"));
    }
    if let Some(late) = w.unreachable_since {
        f = f.evidence(format!("heartbeats could not be sent to it since {}", late.clock()));
    }
    let death = look.model.kube.deaths().rev().find(|d| {
        let at = d.termination.at.unwrap_or(d.seen_at);
        let near = at <= lost && lost.since(at) < Duration::from_secs(120);
        near && (words::pod(w) == Some(d.pod.as_str()) || d.component.is_some_and(|c| c.as_str() == words::deployment(w.kind)))
    });
    if let Some(d) = death {
        f = f.under("oom-killed", format!("{} restart {}", d.pod, d.restarts)).under("crash-loop", d.pod.clone());
    }
    let deployment = words::deployment(w.kind);
    f = match words::pod(w) {
        Some(pod) => f.fix("see what became of its pod", commands::describe(ns, pod)),
        None => f.fix("see what became of its pod", commands::pods(ns, deployment)),
    };
    f.fix("see how its container ended", commands::logs(ns, &format!("deploy/{deployment}"), "--previous"))
}

fn many(look: &Look<'_>, kind: WorkerKind, lost: &[&Worker]) -> Finding {
    let tasks: usize = lost.iter().map(|w| w.tasks.len()).sum();
    let first = lost.iter().filter_map(|w| w.lost_at).min().unwrap_or(look.now());
    let last = lost.iter().filter_map(|w| w.lost_at).max().unwrap_or(look.now());
    let name = kind.as_str();
    let left = look.model.workers.connected().filter(|w| w.kind == Some(kind)).count();
    Finding::new(
        format!("{name} workers"),
        Severity::Warning,
        format!("{} {name} workers were lost within {} with {tasks} tasks; {left} are left", lost.len(), units::seconds(last.since(first))),
    )
    .since(first)
    .evidence(words::list(lost.iter().map(|w| format!("{} at {}", w.id, w.lost_at.unwrap_or(first).clock())), 8))
    .fix("look for a node that they share", commands::pods(look.namespace(), words::deployment(Some(kind))))
}
