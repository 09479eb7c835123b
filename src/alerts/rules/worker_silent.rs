//! A connected worker makes no progress.

use std::time::Duration;

use super::task_hung::{age, limit};
use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{TaskType, WorkerKind, units};
use crate::model::{Worker, WorkerState};

pub const RULE: Rule = Rule {
    id: "worker-silent",
    doc: "A connected worker makes no progress: heartbeats cannot be sent to it, or all its tasks have run far beyond their usual time \
          while other workers finish theirs. Only the six-hour limit of a task would end that.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check,
};

/// Heartbeats are sent every 5 s: the second one that fails is no accident.
const LATE: Duration = Duration::from_secs(9);

/// More of one kind at once are told together.
const TOGETHER: usize = 5;

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let now = look.now();
    let mut unreachable: Vec<(&Worker, crate::base::Timestamp)> = Vec::new();
    for w in look.model.workers.connected() {
        if w.state == WorkerState::Late {
            if let Some(since) = w.unreachable_since
                && now.since(since) >= LATE
                && !w.tasks.is_empty()
                && !words::rolling(look, words::deployment(w.kind))
            {
                unreachable.push((w, since));
            }
            continue;
        }
        if w.kind == Some(WorkerKind::Cpu) || w.tasks.is_empty() {
            continue;
        }
        // The newest first: it decides, and usually says no.
        let all_old = w
            .tasks
            .iter()
            .rev()
            .all(|t| t.kind.as_ref().is_some_and(|k| age(look, t) > limit(look, k) && k.worker_kind() == Some(WorkerKind::Gpu)));
        if all_old && others_move(look, w) {
            out.push(hung(look, w));
        }
    }
    for kind in [WorkerKind::Cpu, WorkerKind::Gpu, WorkerKind::All] {
        let of: Vec<_> = unreachable.iter().filter(|(w, _)| w.kind.unwrap_or(WorkerKind::All) == kind).collect();
        if of.len() <= TOGETHER {
            out.extend(of.into_iter().map(|(w, since)| late(look, w, *since)));
            continue;
        }
        let first = of.iter().map(|o| o.1).min().unwrap_or(now);
        let tasks: usize = of.iter().map(|o| o.0.tasks.len()).sum();
        let name = kind.as_str();
        out.push(
            Finding::new(
                format!("{name} workers"),
                Severity::Warning,
                format!("{} {name} workers cannot be reached: heartbeats fail; they hold {tasks} tasks", of.len()),
            )
            .evidence(words::list(of.iter().map(|(w, t)| format!("{} since {}", w.id, t.clock())), 8))
            .since(first)
            .fix("look for a node that they share", commands::pods(look.namespace(), words::deployment(Some(kind)))),
        );
    }
}

/// Whether another worker of that kind had something begin or end lately.
fn others_move(look: &Look<'_>, w: &Worker) -> bool {
    const LATELY: Duration = Duration::from_secs(60);
    look.model.workers.connected().any(|o| o.id != w.id && o.kind == w.kind && look.since(o.changed_at) < LATELY && o.finished > 0)
}

fn late(look: &Look<'_>, w: &Worker, since: crate::base::Timestamp) -> Finding {
    Finding::new(
        w.id.to_string(),
        Severity::Warning,
        format!(
            "{} cannot be reached for {}: heartbeats fail; it holds {}",
            words::worker(w),
            units::seconds(look.since(since)),
            words::tasks(&w.tasks)
        ),
    )
    .evidence(format!("`Failed to send heartbeat` since {}; after 30 s without one it is given up", since.clock()))
    .since(since)
    .fix("see its pod", commands::pods(look.namespace(), words::deployment(w.kind)))
}

fn hung(look: &Look<'_>, w: &Worker) -> Finding {
    let oldest = w.tasks.iter().map(|t| age(look, t)).max().unwrap_or_default();
    let kind = w.tasks.first().and_then(|t| t.kind.clone()).unwrap_or(TaskType::ProveShard);
    let usual = look
        .model
        .durations
        .typical(&kind)
        .map_or_else(String::new, |t| format!("; {} takes {} here", kind.as_str(), units::duration(t.median)));
    let ns = look.namespace();
    let mut f = Finding::new(
        w.id.to_string(),
        Severity::Warning,
        format!(
            "{} has finished nothing for {} while others do: {}{usual}",
            words::worker(w),
            units::seconds(oldest),
            words::tasks(&w.tasks)
        ),
    )
    .evidence(format!("its tasks have not changed since {}", w.changed_at.clock()))
    .since(w.changed_at);
    f = match words::pod(w) {
        Some(pod) => f.fix("delete its pod: its tasks are queued again after 30 s, without using a retry", commands::delete_pod(ns, pod)),
        None => f.fix(
            "find its pod (the one whose log has been silent), then delete it",
            format!("kubectl logs -n {ns} -l app={} --prefix --since=5m --tail=2", words::deployment(w.kind)),
        ),
    };
    f
}
