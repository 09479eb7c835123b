//! The same task brings down one worker after another (F5).

use std::collections::BTreeMap;

use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{ProofId, TaskId, TaskType};
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

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    // One story a proof: of its tasks the one with the most victims, and rather the wrap than its Controller.
    let mut worst: BTreeMap<&ProofId, (&TaskId, &Task)> = BTreeMap::new();
    for (id, t) in look.model.tasks.iter().filter(|(_, t)| t.victims.len() >= 2) {
        let rank = |id: &TaskId, t: &Task| {
            (
                t.victims.len(),
                t.kind != Some(TaskType::Controller),
                look.capacity.weights.value(t.kind.as_ref().unwrap_or(&TaskType::Controller)),
                id.clone(),
            )
        };
        let e = worst.entry(&t.proof).or_insert((id, t));
        if rank(id, t) > rank(e.0, e.1) {
            *e = (id, t);
        }
    }
    for (proof, (id, t)) in worst {
        // Machines that die for other reasons take many tasks of many proofs with them, again and again.
        let lost = look.model.workers.iter().filter(|w| !w.is_connected() || w.lost_at.is_some()).count();
        if lost > 4 * t.victims.len().max(2) {
            continue;
        }
        let kind = t.kind.as_ref().map_or("task", TaskType::as_str);
        out.push(
            Finding::new(
                id.to_string(),
                Severity::Critical,
                format!("{kind} of {proof} has brought down {} workers one after the other; it uses no retry and goes on", t.victims.len()),
            )
            .evidence(format!("it ran on {}", words::list(t.victims.iter().map(ToString::to_string), 4)))
            .evidence(match t.waiting_since {
                Some(at) => format!("it waits for the next one since {}", at.clock()),
                None => format!("it runs on the next one since {}", t.assigned_at.clock()),
            })
            .since(t.first_seen)
            .fix("cancel its proof", commands::cancel(proof.as_str()))
            .fix("see how the containers ended", format!("kubectl get pods -n {} -o custom-columns=POD:.metadata.name,RESTARTS:.status.containerStatuses[0].restartCount,LAST:.status.containerStatuses[0].lastState.terminated.reason", look.namespace())),
        );
    }
}
