//! The same task brings down one worker after another (F5).

use std::cmp::Reverse;

use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{TaskId, TaskType, WorkerId, WorkerKind};
use crate::model::Task;

pub const RULE: Rule = Rule {
    id: "poison-task",
    doc: "The same task was on two or more workers that died, one after the other. A task of a dead worker uses no retry, so only the \
          proof's deadline ends this.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check,
};

/// A task that has brought down workers, with those that it has.
struct Suspect<'a> {
    id: &'a TaskId,
    task: &'a Task,
    victims: Vec<&'a WorkerId>,
}

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    for kind in [WorkerKind::Cpu, WorkerKind::Gpu] {
        out.extend(story(look, kind));
    }
}

/// Workers that died of something that they ran: not those that were told to
/// stop, and not those that just left.
fn victims<'a>(look: &Look<'_>, task: &'a Task, kind: WorkerKind) -> Vec<&'a WorkerId> {
    let died = |id: &&WorkerId| {
        look.model
            .workers
            .get(id)
            .is_none_or(|w| w.timed_out && !words::is_planned(look, w) && w.kind.is_none_or(|k| k == kind || k == WorkerKind::All))
    };
    task.victims().iter().filter(died).collect()
}

fn name<'a>(s: &Suspect<'a>) -> &'a str {
    s.task.kind.as_ref().map_or("task", TaskType::as_str)
}

fn story(look: &Look<'_>, kind: WorkerKind) -> Option<Finding> {
    let m = look.model;
    let many = m.tasks.iter().filter(|(_, t)| t.victims().len() >= 2 && t.kind.as_ref().and_then(TaskType::worker_kind) == Some(kind));
    let mut suspects: Vec<Suspect<'_>> =
        many.map(|(id, task)| Suspect { id, task, victims: victims(look, task, kind) }).filter(|s| s.victims.len() >= 2).collect();
    // The one with the most victims, and rather the wrap than its Controller, which only had to be there.
    let weight = |s: &Suspect<'_>| look.capacity.weights.value(s.task.kind.as_ref().unwrap_or(&TaskType::Controller));
    suspects.sort_by_key(|s| (Reverse(s.victims.len()), s.task.kind == Some(TaskType::Controller), Reverse(weight(s)), s.id));
    let first = suspects.first()?;
    // Machines that die for other reasons take many tasks of many proofs with them, again and again.
    let lost = m.workers.iter().filter(|w| !w.is_connected() && w.timed_out && w.kind == Some(kind)).count();
    if lost > 4 * first.victims.len() {
        return None;
    }
    let f = Finding::new(
        words::deployment(Some(kind)),
        Severity::Critical,
        format!(
            "{} of {} has brought down {} workers one after the other; it uses no retry and goes on",
            name(first),
            first.task.proof,
            first.victims.len()
        ),
    )
    .evidence(format!("{} was on {}", first.id, words::list(first.victims.iter().map(ToString::to_string), 4)))
    .evidence(match first.task.waiting_since {
        Some(at) => format!("it waits for the next one since {}", at.clock()),
        None => format!("it runs on the next one since {}", first.task.assigned_at.clock()),
    })
    .since(first.task.first_seen);
    // As likely: they were always there too.
    let others = suspects.iter().skip(1).filter(|s| s.victims == first.victims && (name(s) != "Controller"));
    let others = words::list(others.map(|s| format!("{} of {}", name(s), s.task.proof)), 4);
    let f = if others.is_empty() { f } else { f.evidence(format!("it may as well be one that was there each time: {others}")) };
    let ns = look.namespace();
    Some(f.fix("cancel its proof", commands::cancel(first.task.proof.as_str())).fix(
        "see how the containers ended",
        format!("kubectl get pods -n {ns} -o custom-columns=POD:.metadata.name,RESTARTS:.status.containerStatuses[0].restartCount,LAST:.status.containerStatuses[0].lastState.terminated.reason"),
    ))
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;
    use crate::base::TaskType as T;

    /// A shard on worker 11, which dies, then on 12, which dies as well.
    fn twice(timed_out: bool) -> Script {
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).gpu(12).gpu(13).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller);
        s.run(11, "cli_1", 666, T::ProveShard).run(12, "cli_1", 2, T::ProveShard).pass(20);
        for n in [11, 12] {
            if timed_out {
                s.lose(n);
            } else {
                s.leave(n);
            }
            s.again(n + 1, "cli_1", 666, T::ProveShard).pass(20);
        }
        s
    }

    #[test]
    fn the_second_victim_proves_it() {
        let s = twice(true);
        let a = s.alert("poison-task");
        assert!(a.summary.contains("ProveShard of cli_1 has brought down 2 workers"), "{a:?}");
        assert!(a.evidence[0].starts_with(&task(666)) && a.evidence[1].starts_with("it runs on the next one"), "{a:?}");
    }

    #[test]
    fn workers_that_leave_are_no_victims() {
        assert!(!twice(false).fires("poison-task"));
    }
}
