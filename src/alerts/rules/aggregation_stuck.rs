//! A wrap waits for ever (F1, F6 with wraps): the classic.

use super::{Clock, Rule, TWO_BLOCKS, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{TaskType, WorkerKind, units};
use crate::capacity::{plan, version};
use crate::event::ProofMode;
use crate::model::{Proof, WorkerState};

pub const RULE: Rule = Rule {
    id: "aggregation-stuck",
    doc: "A wrap (PlonkWrap, Groth16Wrap) waits and fits no CPU worker, whatever finishes first: it is too heavy beside its own \
          Controller, or several Controllers hold the room for each other's wraps. Nothing ends this but a setting or a cancellation; \
          all CPU work behind it waits too.",
    clock: Clock::Stats,
    hold: TWO_BLOCKS,
    clear: s(0),
    check,
};

/// Whether the proof's wrap can only be waiting: shrunk, nothing runs but its Controller.
fn waits_for_wrap(p: &Proof) -> bool {
    let t = |k: &TaskType| p.tally(k);
    let others = p.tallies.iter().any(|(k, t)| *k != TaskType::Controller && (t.running > 0 || t.waiting > 0));
    t(&TaskType::Controller).running > 0 && !others && p.mode.is_none_or(|m| m.wrap().is_some())
}

/// Proved enough to be near its wrap, as far as the blocks showed.
fn is_late(p: &Proof) -> bool {
    [TaskType::ShrinkWrap, TaskType::RecursionReduce].iter().any(|k| p.tally(k).seen > 0)
}

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let Some(stats) = look.stats() else { return };
    if stats.cpu_queue.unwrap_or(0) == 0 || stats.active_proofs == Some(0) {
        return;
    }
    let d = look.digest;
    if d.running.keys().any(TaskType::is_wrap) {
        return;
    }
    let cpu: Vec<_> = look.model.workers.connected().filter(|w| w.kind == Some(WorkerKind::Cpu)).collect();
    // One that may be dead holds what is about to be given back.
    if cpu.is_empty() || d.all_workers() > 0 || cpu.iter().any(|w| w.state == WorkerState::Late) {
        return;
    }
    let Some(max) = look.capacity.cpu_max else { return };
    let max = max.value;
    let weights = &look.capacity.weights;
    let controller = weights.value(&TaskType::Controller);
    let waiting: Vec<&Proof> = look.model.proofs.active().filter(|p| waits_for_wrap(p)).collect();
    if waiting.is_empty() || d.running(&TaskType::Controller) == 0 {
        return;
    }
    // The most room any worker has now, by the stats where there is one worker.
    let used = |w: &crate::model::Worker| look.capacity.used(w);
    let room = if let ([_], Some(current)) = (cpu.as_slice(), stats.cpu_utilization_current) {
        max.saturating_sub(current)
    } else {
        cpu.iter().map(|w| max.saturating_sub(used(w))).max().unwrap_or(0)
    };
    let quiet = stats.gpu_queue == Some(0)
        && d.gpu_running() == 0
        && stats.gpu_utilization_current.unwrap_or(0) == 0
        && d.running(&TaskType::CoreExecute) + d.running(&TaskType::ExecuteOnly) == 0;
    // The kind of wrap: of the longest waiting proof whose mode is known.
    let mut order = waiting.clone();
    order.sort_by_key(|p| (!is_late(p), p.claimed_at.unwrap_or(p.first_seen)));
    let head = order[0];
    let mode = order.iter().find_map(|p| p.mode).unwrap_or(ProofMode::Plonk);
    let kind = mode.wrap().unwrap_or(TaskType::PlonkWrap);
    let known = weights.get(&kind);
    let sure = known.is_some_and(|w| w.origin.is_sure());
    if !quiet {
        // While other work goes on it is only proven where the weights are certain and the proof is seen to wait.
        let holders = u32::try_from(waiting.iter().filter(|p| is_late(p)).count()).unwrap_or(u32::MAX);
        let value = known.map_or(0, |w| w.value);
        let never = cpu.len() == 1 && holders.saturating_mul(controller).saturating_add(value) > max;
        let shrunk = head.tally(&TaskType::ShrinkWrap).seen > 0;
        if !(sure && never && shrunk && head.mode.is_some()) {
            return;
        }
    } else if is_core_execute_at_the_head(look, room, &waiting) {
        // F6 without wraps: another alert's story.
        return;
    }
    // What waits does not fit the room, so it weighs more than that.
    let guess = known.map_or(version::NEWEST.weight(&kind).unwrap_or(0), |w| w.value);
    let wrap = if sure || guess > room { guess } else { room + 1 };
    if quiet && sure && guess <= room {
        // It would fit: something else is wrong, or it is about to be placed.
        return;
    }
    let controllers = d.running(&TaskType::Controller);
    let at_once = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
    // By certain weights it is proven at once: one worker never holds both.
    let certain = sure && cpu.len() == 1 && controller.saturating_add(wrap) > max && head.mode.is_some() && is_late(head);
    let found = tell(look, &Stuck { kind: &kind, wrap, sure, controller, controllers, max, room, at_once, nodes: cpu.len() }, &waiting);
    out.push(if certain { found.sure() } else { found });
}

/// Whether what waits can only be a CoreExecute: a proof has its Controller and
/// has never been executed, and a CoreExecute does not fit the room.
fn is_core_execute_at_the_head(look: &Look<'_>, room: u32, waiting: &[&Proof]) -> bool {
    let core = look.capacity.weights.value(&TaskType::CoreExecute);
    let executed = |p: &&Proof| {
        [TaskType::CoreExecute, TaskType::ProveShard, TaskType::RecursionReduce, TaskType::ShrinkWrap].iter().any(|k| p.tally(k).seen > 0)
    };
    core > room && !waiting.iter().any(executed)
}

struct Stuck<'a> {
    kind: &'a TaskType,
    wrap: u32,
    sure: bool,
    controller: u32,
    controllers: u32,
    max: u32,
    room: u32,
    at_once: u32,
    nodes: usize,
}

fn tell(look: &Look<'_>, k: &Stuck<'_>, waiting: &[&Proof]) -> Finding {
    let (ns, name) = (look.namespace(), k.kind.as_str());
    let sum = k.controller.saturating_add(k.wrap);
    let right = plan::right_max(k.controller, k.wrap, k.at_once);
    let about = if k.sure { String::new() } else { format!(" (it weighs more than the {} that are free)", k.room) };
    let alone = sum > k.max;
    let summary = if alone {
        format!(
            "{name} can never run: Controller {} + {name} {} = {sum}, the maximum is {}{about}; set the maximum to {right}",
            k.controller, k.wrap, k.max
        )
    } else {
        format!(
            "{} of {} {} {} of {}{}: {name} {} does not fit ({} + {} = {} > {}){about}; a maximum of {} holds them all",
            units::plural(k.controllers, "Controller"),
            k.controller,
            if k.controllers == 1 { "holds" } else { "hold" },
            k.max.saturating_sub(k.room),
            k.max,
            if k.controllers == 1 { " with what else runs" } else { " and wait for each other" },
            k.wrap,
            k.max.saturating_sub(k.room),
            k.wrap,
            k.max.saturating_sub(k.room).saturating_add(k.wrap),
            k.max,
            right.max(k.max.saturating_sub(k.room).saturating_add(k.wrap))
        )
    };
    let stats = look.stats();
    let n = |v: Option<u32>| v.map_or_else(|| "?".into(), |v| v.to_string());
    let mut f = Finding::new("cpu-node", Severity::Critical, summary)
        .evidence(format!(
            "cpu_queue {}, gpu_queue {}, cpu weight {} of {}, gpu weight {}; no wrap runs",
            n(stats.and_then(|s| s.cpu_queue)),
            n(stats.and_then(|s| s.gpu_queue)),
            n(stats.and_then(|s| s.cpu_utilization_current)),
            n(stats.and_then(|s| s.cpu_utilization_max)),
            n(stats.and_then(|s| s.gpu_utilization_current)),
        ))
        .evidence(format!(
            "weights: {}",
            words::list(
                [TaskType::Controller, k.kind.clone()].iter().filter_map(|t| Some(words::weight(t, look.capacity.weights.get(t)?))),
                4
            )
        ));
    for p in waiting.iter().take(4) {
        let since = look.since(p.progress_at);
        f = f.evidence(format!("{} {}: only its Controller runs, nothing of it moved for {}", p.id, words::mode(p), units::seconds(since)));
    }
    if let Some(limit) = look.capacity.memory_limit {
        f = f.evidence(format!("memory limit of cpu-node: {}", units::bytes(limit)));
    }
    let more_nodes = u32::try_from(k.nodes).unwrap_or(u32::MAX).saturating_add(1);
    // With that maximum all that wait now find room; else a worker without Controllers does at once.
    let enough = right >= k.controller.saturating_mul(k.at_once).saturating_add(k.wrap);
    if alone || enough {
        f = f.fix(
            format!("set the maximum weight of cpu-node to {right} (its pods restart: running proofs start anew)"),
            commands::set_env(ns, "cpu-node", "WORKER_MAX_WEIGHT_OVERRIDE", right),
        );
    }
    if k.wrap <= k.max {
        f = f.fix(
            format!("add a CPU worker (now {}): an empty one takes the wrap that waits, at once", k.nodes),
            commands::scale(ns, "cpu-node", more_nodes),
        );
    }
    if let Some(last) = waiting.last().filter(|_| !alone) {
        f = f.fix("cancel one of the proofs that wait", commands::cancel(last.id.as_str()));
    }
    f
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;
    use crate::base::TaskType as T;

    /// A plonk proof whose shrink is done, beside a maximum of `max`.
    fn shrunk(max: u32) -> Script {
        let mut s = Script::new();
        s.restart().cpu(1, max).gpu(11).claim("cli_1", 3).run(1, "cli_1", 1, T::Controller).pass(20);
        s.run(11, "cli_1", 2, T::ShrinkWrap).pass(20);
        s.done(2);
        s
    }

    #[test]
    fn fires_where_the_wrap_does_not_fit_and_not_where_it_does() {
        let mut s = shrunk(35);
        s.queue(1, 0).pass(30);
        let a = s.alert("aggregation-stuck");
        assert!(
            a.summary.contains("Controller 4 + PlonkWrap 32 = 36, the maximum is 35") && a.summary.ends_with("set the maximum to 48"),
            "{a:?}"
        );
        assert!(a.evidence[0].contains("cpu_queue 1, gpu_queue 0, cpu weight 4 of 35"), "{a:?}");
        // One more, and it runs.
        let mut s = shrunk(36);
        s.run(1, "cli_1", 3, T::PlonkWrap).pass(120);
        assert!(!s.fires("aggregation-stuck"));
    }

    #[test]
    fn names_the_wrap_of_the_mode_and_the_maximum_of_the_release() {
        let mut s = Script::new();
        s.version = "e27316f 2026-08-14T03:20:00";
        s.weigh(T::Controller, 1).weigh(T::CoreExecute, 8).weigh(T::PlonkWrap, 60);
        s.restart().cpu(1, 48).gpu(11).claim("cli_1", 3).run(1, "cli_1", 1, T::Controller).pass(20);
        s.run(11, "cli_1", 2, T::ShrinkWrap).pass(20);
        s.done(2).queue(1, 0).pass(30);
        // 48 is no answer where the wrap weighs 60.
        assert!(
            s.alert("aggregation-stuck").fix[0].run.ends_with("WORKER_MAX_WEIGHT_OVERRIDE=64"),
            "{:?}",
            s.alert("aggregation-stuck").fix
        );
        let mut s = Script::new();
        s.restart().cpu(1, 16).gpu(11).claim("cli_1", 4).run(1, "cli_1", 1, T::Controller).pass(20);
        s.run(11, "cli_1", 2, T::ShrinkWrap).pass(20);
        s.done(2).queue(1, 0).pass(30);
        assert!(
            s.alert("aggregation-stuck").summary.contains("Groth16Wrap 14 = 18, the maximum is 16"),
            "{:?}",
            s.alert("aggregation-stuck")
        );
    }
}
