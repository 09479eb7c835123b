//! The engine, with rules that are held still by what the log says.

use std::collections::BTreeMap;

use super::*;
use crate::alerts::{Severity, Thresholds, TransitionState};

/// GPU work without a GPU worker, or with one.
fn blocks(s: &mut Script, gone: bool, n: i64) {
    s.queue(0, if gone { 3 } else { 0 }).pass(n * 10);
}

fn begun() -> Script {
    let mut s = cluster(0);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(1, "cli_1", 101, T::CoreExecute).pass(10);
    s
}

#[test]
fn one_block_is_not_enough_and_two_are() {
    let mut s = begun();
    blocks(&mut s, true, 1);
    assert_eq!(s.told(), [""; 0]);
    blocks(&mut s, false, 1);
    blocks(&mut s, true, 2);
    assert_eq!(s.ids(), ["no-gpu-workers"]);
    let t = s.pipeline.alerts().history().next().unwrap();
    // Since it was first found; fired when it was confirmed.
    assert_eq!(t.alert.fired_at.seconds_since(t.alert.since).round(), 10.0);
    assert_eq!(t.at, t.alert.fired_at);
}

#[test]
fn the_hold_can_be_set() {
    let limits = Thresholds { hold: BTreeMap::from([("no-gpu-workers".to_owned(), 60)]), ..Thresholds::default() };
    let mut s = Script::with(limits);
    s.restart().cpu(1, 48).pass(60).claim("cli_1", 2).run(1, "cli_1", 100, T::Controller);
    blocks(&mut s, true, 6);
    assert_eq!(s.told(), [""; 0]);
    blocks(&mut s, true, 1);
    assert_eq!(s.ids(), ["no-gpu-workers"]);
}

#[test]
fn a_rule_can_be_switched_off() {
    let mut s = Script::with(Thresholds { disabled: vec!["no-gpu-workers".into()], ..Thresholds::default() });
    s.restart().cpu(1, 48).pass(60).claim("cli_1", 2).run(1, "cli_1", 100, T::Controller);
    blocks(&mut s, true, 30);
    assert_eq!(s.told(), [""; 0]);
}

#[test]
fn blocks_far_apart_do_not_confirm_each_other() {
    let mut s = begun();
    blocks(&mut s, true, 1);
    s.quiet(300).block();
    assert_eq!(s.told(), [""; 0]);
    s.quiet(10).block();
    assert_eq!(s.ids(), ["no-gpu-workers"]);
}

#[test]
fn what_comes_and_goes_is_damped() {
    let mut s = begun();
    for _ in 0..8 {
        blocks(&mut s, true, 2);
        blocks(&mut s, false, 1);
    }
    // Three times it went; then it has to stay away for longer.
    let fired = s.told().len();
    assert!((3..=4).contains(&fired), "{:?}", s.told());
    assert!(s.fires("no-gpu-workers"));
    blocks(&mut s, false, 15);
    assert!(!s.fires("no-gpu-workers"));
    assert_eq!(s.told().len(), fired);
}

#[test]
fn every_firing_is_resolved_once() {
    let mut s = begun();
    blocks(&mut s, true, 3);
    blocks(&mut s, false, 3);
    let states: Vec<_> = s.pipeline.alerts().history().map(|t| t.state).collect();
    assert_eq!(states, [TransitionState::Firing, TransitionState::Resolved]);
    assert_eq!(s.pipeline.alerts().total(), 2);
    assert_eq!(s.pipeline.alerts().after(1).count(), 1);
    assert_eq!(s.pipeline.alerts().after(2).count(), 0);
}

#[test]
fn worse_is_told_again_and_better_is_not() {
    let mut s = Script::new();
    // A worker that takes nothing is a warning; with work that waits it is critical.
    s.restart().cpu(1, 0).gpu(11).pass(60);
    assert_eq!(s.alert("no-capacity").severity, Severity::Warning);
    s.claim("cli_1", 2).queue(1, 0).pass(20);
    assert_eq!(s.alert("no-capacity").severity, Severity::Critical);
    assert_eq!(s.told().len(), 2);
    s.queue(0, 0).pass(20).queue(1, 0).pass(20);
    assert_eq!(s.told().len(), 2, "{:?}", s.told());
}

#[test]
fn marks_last_as_long_as_the_alert() {
    let mut s = begun();
    blocks(&mut s, true, 3);
    let key = s.alert("no-gpu-workers").key();
    assert!(s.pipeline.alerts_mut().acknowledge(&key));
    assert!(s.pipeline.alerts_mut().mute(&key));
    blocks(&mut s, true, 1);
    let a = s.alert("no-gpu-workers");
    assert!(a.acknowledged && a.muted);
    blocks(&mut s, false, 3);
    blocks(&mut s, true, 3);
    let a = s.alert("no-gpu-workers");
    // The next one is another one; silence was asked for until it is taken back.
    assert!(!a.acknowledged && a.muted);
    assert!(!s.pipeline.alerts_mut().mute(&key));
    assert!(!s.alert("no-gpu-workers").muted);
}

/// A worker that is killed is told under the kill, and not again when that is over.
#[test]
fn what_follows_is_told_under_its_cause() {
    use crate::alerts::testing::{ended, pod, worker};
    let mut s = begun();
    s.node("cpu-node-a", &format!(" INFO bin/node/src/main.rs:1: Received task: {}", crate::alerts::testing::task(100)));
    let p = pod("cpu-node-a", "cpu-node", &s.time());
    s.kube(&p).pass(20);
    let died = s.time();
    s.kube(&ended(p, 1, "OOMKilled", 137, &died, ""));
    assert_eq!(s.ids(), ["oom-killed"]);
    for _ in 0..7 {
        s.say("WARN", &format!("Failed to send heartbeat to worker {}: channel closed", worker(1))).pass(5);
    }
    s.cpu(2, 48);
    for (proof, t, kind) in s.lose(1) {
        s.again(2, &proof, t, kind);
    }
    s.pass(20);
    assert_eq!(s.ids(), ["oom-killed"], "{:?}", s.told());
    let a = s.alert("oom-killed");
    assert!(a.consequences.iter().any(|c| c.starts_with("worker-lost")), "{:?}", a.consequences);
    assert!(a.summary.contains("it held 1 Controller, 1 CoreExecute of cli_1"), "{}", a.summary);
    s.pass(400);
    assert_eq!(s.told().len(), 1, "{:?}", s.told());
    assert!(s.pipeline.alerts().firing().is_empty());
}

/// What is known to lead to it is told first, and belongs to it when it comes.
#[test]
fn what_was_told_before_joins_its_story() {
    use crate::alerts::testing::deployment;
    let mut s = Script::new();
    s.restart();
    s.kube(&deployment("coordinator", "v2.1.2", &[])).kube(&deployment("cpu-node", "v2.1.2", &[("WORKER_MAX_WEIGHT_OVERRIDE", "32")]));
    s.cpu(1, 32).gpu(11).claim("cli_1", 3).run(1, "cli_1", 1, T::Controller).pass(30);
    let alone: Vec<&str> = s.pipeline.alerts().firing().iter().map(|a| a.id).collect();
    assert_eq!(alone, ["capacity-too-small"]);
    s.run(11, "cli_1", 2, T::ShrinkWrap).pass(20).done(2).queue(1, 0).pass(30);
    let [story] = s.pipeline.alerts().firing() else { panic!("{:?}", s.pipeline.alerts().firing()) };
    let before: Vec<&str> = story.told_before.iter().map(|a| a.id).collect();
    assert_eq!((story.id, before), ("aggregation-stuck", vec!["capacity-too-small"]));
    assert!(story.led_here(&story.told_before[0]));
    assert_eq!(s.pipeline.alerts().told().count(), 2);
    // Told once each; neither is over.
    assert_eq!(s.told().len(), 2, "{:?}", s.told());
    // Without the proof it is so all the same.
    s.end("cli_1", "Failed").queue(0, 0).pass(20);
    let alone: Vec<(&str, usize)> = s.pipeline.alerts().firing().iter().map(|a| (a.id, a.told_before.len())).collect();
    assert!(alone.contains(&("capacity-too-small", 0)) && !s.fires("aggregation-stuck"), "{alone:?}");
    assert_eq!(s.told().iter().filter(|t| t.starts_with("capacity-too-small")).count(), 1, "{:?}", s.told());
}

#[test]
fn the_same_log_gives_the_same_alerts() {
    let run = || {
        let mut s = begun();
        blocks(&mut s, true, 5);
        s.lose(1);
        blocks(&mut s, true, 5);
        s.pipeline.alerts().history().map(|t| format!("{t:?}")).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

#[test]
fn a_pause_of_this_program_is_no_silence_of_the_cluster() {
    let mut s = begun();
    // Something else than the clock may be heard first.
    s.mode("live").suspended(3600).memory("cpu-node-0", 3.0);
    assert_eq!(s.told(), [""; 0]);
    s.quiet(2).pass(60);
    assert_eq!(s.told(), [""; 0]);
    // A coordinator that says nothing after it either is told.
    s.suspended(3600).quiet(29);
    assert_eq!(s.told(), [""; 0]);
    s.quiet(3);
    assert_eq!(s.ids(), ["coordinator-silent"]);
}

/// What belongs to the story of another and becomes worse is told once more.
#[test]
fn what_becomes_worse_within_a_story_is_told() {
    use crate::alerts::testing::deployment;
    let mut s = Script::new();
    s.restart();
    s.kube(&deployment("coordinator", "v2.1.2", &[])).kube(&deployment("cpu-node", "v2.1.2", &[("WORKER_MAX_WEIGHT_OVERRIDE", "32")]));
    // The mode of the first is not known yet.
    s.cpu(1, 32).gpu(11).claim("cli_2", 2).run(1, "cli_1", 1, T::Controller).pass(30);
    s.run(11, "cli_1", 2, T::ShrinkWrap).pass(20).done(2).queue(1, 0).pass(30);
    let parts = |s: &Script| -> Vec<(&'static str, Severity)> {
        s.pipeline.alerts().firing().iter().flat_map(|a| &a.told_before).map(|a| (a.id, a.severity)).collect()
    };
    assert_eq!(parts(&s), [("capacity-too-small", Severity::Warning)], "{:?}", s.told());
    s.claim("cli_1", 3).pass(20);
    assert_eq!(parts(&s), [("capacity-too-small", Severity::Critical)]);
    let told: Vec<Severity> =
        s.pipeline.alerts().history().filter(|t| t.alert.id == "capacity-too-small").map(|t| t.alert.severity).collect();
    assert_eq!(told, [Severity::Warning, Severity::Critical]);
}
