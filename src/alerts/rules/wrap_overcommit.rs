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

/// GiB that two PlonkWraps and their Controllers really reach.
const TWO_GIB: u64 = 2 * plan::PLONK_GIB as u64;

/// Whether the tasks of a worker with two wraps need more than it has. The
/// weights of the newest release are what they were found to need; real peaks of
/// two PlonkWraps are higher still.
fn is_too_much(look: &Look<'_>, w: &Worker) -> bool {
    let limit = look.capacity.memory_limit;
    if w.count(&TaskType::PlonkWrap) >= 2 {
        return limit.is_none_or(|l| l < TWO_GIB << 30);
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
                format!("{} wraps, {sum} together, run on one worker: {kinds}{limit}", list.len()),
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
    let ample = look.capacity.memory_limit.is_some_and(|l| l >= TWO_GIB << 30);
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

#[cfg(test)]
mod tests {
    use crate::alerts::Severity;
    use crate::alerts::testing::*;
    use crate::base::TaskType as T;

    #[test]
    fn two_plonk_wraps_on_one_worker() {
        let mut s = Script::new();
        s.restart().cpu(1, 96).claim("cli_1", 3).claim("cli_2", 3);
        s.run(1, "cli_1", 1, T::Controller).run(1, "cli_2", 2, T::Controller).run(1, "cli_1", 3, T::PlonkWrap).pass(20);
        assert!(!s.pipeline.alerts().firing().iter().any(|a| a.severity == Severity::Critical));
        s.run(1, "cli_2", 4, T::PlonkWrap).pass(1);
        s.block().quiet(4);
        let a = s.alert("wrap-overcommit");
        assert_eq!(a.severity, Severity::Critical);
        assert!(a.summary.starts_with("2 wraps, 64 together, run on one worker"), "{a:?}");
        assert!(a.fix[0].run.ends_with("WORKER_MAX_WEIGHT_OVERRIDE=48"), "{a:?}");
    }

    #[test]
    fn a_plonk_and_a_groth16_wrap_by_the_memory_that_there_is() {
        for (memory, told) in [("96Gi", false), ("64Gi", true), ("", false)] {
            let mut s = Script::new();
            s.weigh(T::Controller, 1).weigh(T::PlonkWrap, 60).restart();
            if !memory.is_empty() {
                let mut d = deployment("cpu-node", "v2.7.2", &[]);
                d["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = memory.into();
                s.kube(&d);
            }
            s.cpu(1, 96).claim("cli_1", 3).claim("cli_2", 4);
            s.run(1, "cli_1", 1, T::Controller).run(1, "cli_2", 2, T::Controller);
            s.run(1, "cli_1", 3, T::PlonkWrap).run(1, "cli_2", 4, T::Groth16Wrap).pass(20);
            assert_eq!(s.pipeline.alerts().firing().iter().any(|a| a.severity == Severity::Critical), told, "{memory}: {:?}", s.told());
        }
    }

    #[test]
    fn by_the_settings_alone() {
        for (max, told) in [("72", true), ("71", false), ("48", false)] {
            let mut s = Script::new();
            s.restart().kube(&deployment("coordinator", "v2.1.2", &[]));
            s.kube(&deployment("cpu-node", "v2.1.2", &[("WORKER_MAX_WEIGHT_OVERRIDE", max)]));
            s.cpu(1, max.parse().unwrap()).pass(30);
            assert_eq!(s.fires("wrap-overcommit"), told, "{max}: {:?}", s.told());
        }
    }
}
