//! Two wraps on one worker (F3): their memory is not what their weights say.

use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{TaskType, units};
use crate::capacity::{Meeting, plan, version};
use crate::event::ProofMode;
use crate::model::Worker;

pub const RULE: Rule = Rule {
    id: "wrap-overcommit",
    doc: "Two wraps run on one worker at once that need more memory than it has, or two PlonkWraps could by their weights: real peaks are \
          above the weights, and the kernel kills the pod.",
    clock: Clock::Stats,
    hold: s(0),
    // A worker that was killed is back soon, with the same wraps.
    clear: s(60),
    check,
};

/// A Controller and a PlonkWrap reach so many GiB together (facts, trap 5).
const REAL_GIB: u64 = 70;

/// Whether the tasks of a worker with two wraps need more than it has. The
/// weights of the newest release are what they were found to need; real peaks of
/// two PlonkWraps are higher still.
fn is_too_much(look: &Look<'_>, w: &Worker) -> bool {
    let limit = look.capacity.memory_limit;
    if w.count(&TaskType::PlonkWrap) >= 2 {
        return limit.is_none_or(|l| l < (2 * REAL_GIB) << 30);
    }
    let need: u32 = w.tasks.iter().filter_map(|t| version::NEWEST.weight(t.kind.as_ref()?)).sum();
    limit.is_some_and(|l| u64::from(need) << 30 > l)
}

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let ns = look.namespace();
    let weights = &look.capacity.weights;
    let (c, p) = (weights.value(&TaskType::Controller), weights.value(&TaskType::PlonkWrap));
    let right = plan::right_max(c, p, 1);
    let set = commands::set_env(ns, "cpu-node", "WORKER_MAX_WEIGHT_OVERRIDE", right);
    let say = format!("set the maximum weight of cpu-node to {right}: one PlonkWrap of {p} fits, two do not (its pods restart)");
    let wraps = |w: &Worker| w.tasks.iter().filter(|t| t.kind.as_ref().is_some_and(TaskType::is_wrap)).count();
    if look.digest.running.iter().filter(|(k, _)| k.is_wrap()).map(|(_, n)| n).sum::<u32>() >= 2 {
        let held: Vec<&Worker> = look.model.workers.connected().filter(|w| wraps(w) >= 2 && is_too_much(look, w)).collect();
        if let Some(w) = held.iter().max_by_key(|w| (wraps(w), &w.id)) {
            let list: Vec<_> = w.tasks.iter().filter(|t| t.kind.as_ref().is_some_and(TaskType::is_wrap)).collect();
            let sum: u32 = list.iter().filter_map(|t| t.kind.as_ref()).map(|k| weights.value(k)).sum();
            let limit = look.capacity.memory_limit.map_or_else(String::new, |l| format!("; the memory limit is {}", units::bytes(l)));
            let kinds = words::list(list.iter().map(|t| format!("{} of {}", t.kind.as_ref().map_or("wrap", TaskType::as_str), t.proof)), 4);
            let mut f = Finding::new(
                "cpu-node",
                Severity::Critical,
                format!("{} wraps of {sum} in all run on one worker: {kinds}{limit}", list.len()),
            )
            .sure();
            for w in held.iter().take(4) {
                f = f.evidence(format!("{} runs {}", words::worker(w), words::tasks(&w.tasks)));
            }
            out.push(f.fix(say, set));
            return;
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
