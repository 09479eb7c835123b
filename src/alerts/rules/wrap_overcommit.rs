//! Two wraps on one worker (F3): their memory is not what their weights say.

use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{TaskType, units};
use crate::capacity::{Meeting, plan};
use crate::event::ProofMode;

pub const RULE: Rule = Rule {
    id: "wrap-overcommit",
    doc: "Two wraps run on one worker at once, or could by their weights: real peaks are above the weights, and the kernel kills the pod.",
    clock: Clock::Stats,
    hold: s(0),
    clear: s(0),
    check,
};

/// A Controller and a PlonkWrap reach so many GiB together (facts, trap 5).
const REAL_GIB: u64 = 70;

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let ns = look.namespace();
    let weights = &look.capacity.weights;
    let (c, p) = (weights.value(&TaskType::Controller), weights.value(&TaskType::PlonkWrap));
    let right = plan::right_max(c, p, 1);
    let set = commands::set_env(ns, "cpu-node", "WORKER_MAX_WEIGHT_OVERRIDE", right);
    let say = format!("set the maximum weight of cpu-node to {right}: one PlonkWrap of {p} fits, two do not (its pods restart)");
    if look.digest.running.iter().filter(|(k, _)| k.is_wrap()).map(|(_, n)| n).sum::<u32>() >= 2 {
        for w in look.model.workers.connected() {
            let wraps: Vec<_> = w.tasks.iter().filter(|t| t.kind.as_ref().is_some_and(TaskType::is_wrap)).collect();
            if wraps.len() < 2 {
                continue;
            }
            let sum: u32 = wraps.iter().filter_map(|t| t.kind.as_ref()).map(|k| weights.value(k)).sum();
            let limit = look.capacity.memory_limit.map_or_else(String::new, |l| format!("; the memory limit is {}", units::bytes(l)));
            let kinds =
                words::list(wraps.iter().map(|t| format!("{} of {}", t.kind.as_ref().map_or("wrap", TaskType::as_str), t.proof)), 4);
            out.push(
                Finding::new(
                    w.id.to_string(),
                    Severity::Critical,
                    format!("{} wraps of {sum} in all run on one worker: {kinds}{limit}", wraps.len()),
                )
                .evidence(format!("{} runs {}", words::worker(w), words::tasks(&w.tasks)))
                .fix(say.clone(), set.clone())
                .sure(),
            );
        }
    }
    let Some((setup, plan)) = look.capacity.setup().map(|s| (s, s.plan())) else { return };
    let ample = look.capacity.memory_limit.is_some_and(|l| l >= (2 * REAL_GIB) << 30);
    if ample || !look.capacity.is_sure_of(ProofMode::Plonk) || look.capacity.cpu_nodes == 0 {
        return;
    }
    let two = setup.plonk_wrap * 2;
    let plonks = look.model.proofs.active().filter(|p| p.mode == Some(ProofMode::Plonk)).count();
    let (severity, summary) = match plan.two_plonks {
        Meeting::Possible => (
            Severity::Warning,
            format!(
                "two PlonkWraps can run on one cpu-node: 2×{} = {two}, with their Controllers {}, the maximum is {}",
                setup.plonk_wrap, plan.two_plonks_need, setup.max
            ),
        ),
        // Only while it can come to that.
        Meeting::Nearly if plonks >= 2 => (
            Severity::Info,
            format!(
                "two PlonkWraps of {} fit the maximum of {}: only their Controllers on the same worker keep them apart",
                setup.plonk_wrap, setup.max
            ),
        ),
        Meeting::Nearly | Meeting::Never => return,
    };
    out.push(
        Finding::new("cpu-node", severity, summary)
            .evidence(format!(
                "weights: {}",
                words::list([TaskType::Controller, TaskType::PlonkWrap].iter().filter_map(|t| Some(words::weight(t, weights.get(t)?))), 3)
            ))
            .evidence(format!("{plonks} plonk proofs are worked on"))
            .fix(say, set),
    );
}
