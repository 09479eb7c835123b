//! A connected worker makes no progress.

use std::time::Duration;

use super::task_hung::{Limits, age};
use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{TaskType, Timestamp, WorkerKind, units};
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

/// A kind of which so many have ended is known.
const SEEN: u64 = 20;
/// So long a worker that was given up belongs to a story of others that are late.
const TOLD: Duration = Duration::from_secs(120);
/// Workers that go this shortly after each other are one story.
const TOGETHER: Duration = Duration::from_secs(15);

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let now = look.model.coordinator_now();
    let limits = Limits::of(look);
    let mut unreachable: Vec<(&Worker, Timestamp)> = Vec::new();
    for w in look.model.workers.iter().filter(|_| look.digest.unreachable) {
        // Those that were given up meanwhile still belong to the story that they began.
        let lately = w.is_connected() || w.lost_at.is_some_and(|t| now.since(t) < TOLD);
        // Once is an accident.
        if let (Some(since), Some(last)) = (w.unreachable_since, w.unreachable_last)
            && lately
            && last > since
            && !w.tasks.is_empty()
            && !words::is_planned(look, w)
        {
            unreachable.push((w, since));
        }
    }
    let any_old = limits.any_beyond(look, |k| k.worker_kind() == Some(WorkerKind::Gpu));
    for w in look.model.workers.connected().filter(|w| any_old && w.state != WorkerState::Late) {
        if w.kind == Some(WorkerKind::Cpu) || w.tasks.is_empty() {
            continue;
        }
        // The newest first: it decides, and usually says no. What of a kind is long that has not been
        // seen enough is what is long for the others on its worker, where there are any.
        let known = |k: &TaskType| look.model.durations.typical(k).is_some_and(|t| t.count >= SEEN);
        let longest = w.tasks.iter().filter_map(|t| t.kind.as_ref().filter(|k| known(k))).map(|k| limits.on(k, w)).max();
        let limit = |k: &TaskType| longest.filter(|_| !known(k)).map_or(limits.on(k, w), |l| l.min(limits.on(k, w)));
        let all_old = w
            .tasks
            .iter()
            .rev()
            .all(|t| t.kind.as_ref().is_some_and(|k| age(look, t) > limit(k) && k.worker_kind() == Some(WorkerKind::Gpu)));
        if all_old && others_moved(look, w) && !words::is_planned(look, w) {
            out.push(hung(look, w));
        }
    }
    unreachable.sort_by_key(|(w, t)| (*t, &w.id));
    for kind in [WorkerKind::Cpu, WorkerKind::Gpu, WorkerKind::All] {
        let mut stories: Vec<Vec<(&Worker, Timestamp)>> = Vec::new();
        for (w, t) in unreachable.iter().filter(|o| o.0.kind.unwrap_or(WorkerKind::All) == kind) {
            match stories.last_mut() {
                Some(s) if s.last().is_some_and(|l| t.since(l.1) <= TOGETHER) => s.push((w, *t)),
                _ => stories.push(vec![(w, *t)]),
            }
        }
        // The first one of a story is sure; what began with it belongs to it.
        for s in stories.iter().filter(|s| s.first().is_some_and(|f| now.since(f.1) >= LATE)) {
            let there: Vec<(&Worker, Timestamp)> = s.iter().copied().filter(|(w, _)| w.state == WorkerState::Late).collect();
            let found = match there.as_slice() {
                [] => None,
                [(w, since)] => Some(late(look, w, *since)),
                many => together(look, kind, many),
            };
            out.extend(found.zip(s.first()).map(|(f, (first, _))| Finding { subject: first.id.to_string(), ..f }));
        }
    }
}

fn together(look: &Look<'_>, kind: WorkerKind, all: &[(&Worker, Timestamp)]) -> Option<Finding> {
    let (first, since) = *all.first()?;
    let tasks: usize = all.iter().map(|o| o.0.tasks.len()).sum();
    let name = kind.as_str();
    let f = Finding::new(
        first.id.to_string(),
        Severity::Warning,
        format!("{} {name} workers cannot be reached: heartbeats fail; they hold {tasks} tasks", all.len()),
    )
    .evidence(words::list(all.iter().map(|(w, t)| format!("{} since {}", w.id, t.clock())), 8))
    .since(since)
    .fix("look for a node that they share", commands::pods(look.namespace(), words::deployment(Some(kind))));
    Some(causes(look, first, f))
}

/// What this follows from, while that is told.
fn causes(look: &Look<'_>, w: &Worker, mut f: Finding) -> Finding {
    if let Some(d) = words::death(look, w) {
        f = f.under("oom-killed", super::oom_killed::subject(look, d)).under("crash-loop", words::deployment(w.kind));
    }
    f.under("poison-task", words::deployment(w.kind))
}

/// Whether another worker of that kind had something begin or end well after
/// this one last had. Stays true while this one does nothing.
pub fn others_moved(look: &Look<'_>, w: &Worker) -> bool {
    const LATER: Duration = Duration::from_secs(60);
    look.model.workers.connected().any(|o| o.id != w.id && o.kind == w.kind && o.changed_at.since(w.changed_at) >= LATER && o.finished > 0)
}

fn late(look: &Look<'_>, w: &Worker, since: Timestamp) -> Finding {
    let f = Finding::new(
        w.id.to_string(),
        Severity::Warning,
        format!(
            "{} cannot be reached for {}: heartbeats fail; it holds {}",
            words::worker(w),
            units::seconds(look.model.coordinator_now().since(since)),
            words::tasks(&w.tasks)
        ),
    )
    .evidence(format!("`Failed to send heartbeat` since {}; after 30 s without one it is given up", since.clock()))
    .since(since)
    .fix("see its pod", commands::pods(look.namespace(), words::deployment(w.kind)));
    causes(look, w, f)
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
    // Its last task is the one that hangs.
    if let Some(t) = w.tasks.iter().min_by_key(|t| (t.since, &t.task)) {
        f = f.under("task-hung", t.task.to_string());
    }
    f = match words::pod(w) {
        Some(pod) => f.fix("delete its pod: its tasks are queued again after 30 s, without using a retry", commands::delete_pod(ns, pod)),
        None => f.fix(
            "find its pod (the one whose log has been silent), then delete it",
            format!("kubectl logs -n {ns} -l app={} --prefix --since=5m --tail=2", words::deployment(w.kind)),
        ),
    };
    f
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;
    use crate::base::TaskType as T;

    #[test]
    fn the_second_failed_heartbeat_tells() {
        let late = |n: u32| format!("Failed to send heartbeat to worker {}: channel closed", worker(n));
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller).run(11, "cli_1", 2, T::ProveShard).pass(20);
        s.say("WARN", &late(11)).pass(5).say("WARN", &late(11)).pass(5);
        let a = s.alert("worker-silent");
        assert!(a.summary.contains("cannot be reached for") && a.summary.ends_with("it holds 1 ProveShard of cli_1"), "{a:?}");
        // It answers again.
        s.pass(40);
        assert!(!s.fires("worker-silent"));
    }

    #[test]
    fn nothing_ends_on_one_while_others_go_on() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).gpu(12).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller);
        for t in 100..130 {
            s.run(11, "cli_1", t, T::ProveShard).queue(0, 5).pass(10);
            s.done(t);
        }
        // The other one is of a kind that has not been seen to end.
        s.run(11, "cli_1", 666, T::ProveShard).run(11, "cli_1", 667, T::ShrinkWrap);
        for t in 200..211 {
            s.run(12, "cli_1", t, T::ProveShard).pass(10);
            s.done(t);
        }
        let a = s.alert("worker-silent");
        assert!(a.summary.contains("has finished nothing for ") && a.summary.contains("ProveShard takes 10s here"), "{a:?}");
        assert!(!s.fires("task-hung"));
    }
}
