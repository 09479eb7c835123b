//! Each of this is told, once, in time.

use super::*;
use crate::alerts::Severity;
use crate::alerts::testing::{task, worker};

/// When the alert `id` first fired, in seconds of the script.
fn at(s: &Script, id: &str) -> i64 {
    let told = s.told();
    let found = told.iter().find_map(|t| t.strip_prefix(id)?.strip_prefix('@'));
    found.unwrap_or_else(|| panic!("{id} is not among {told:?}")).parse().unwrap()
}

/// One transition of each of these, and no other.
fn only(s: &Script, ids: &[&str]) {
    let mut told: Vec<String> = s.told().iter().map(|t| t.split('@').next().unwrap().to_owned()).collect();
    told.sort();
    let mut want: Vec<String> = ids.iter().map(|i| (*i).to_owned()).collect();
    want.sort();
    assert_eq!(told, want, "{:?}", s.told());
}

#[test]
fn a_wrap_that_never_fits() {
    let mut s = Script::new();
    s.restart().cpu(1, 32).gpu(11).gpu(12).pass(60);
    prove(&mut s, "cli_1", 3, 2, 1000);
    s.run(11, "cli_1", 1005, T::ShrinkWrap).pass(20);
    let stuck = s.now;
    s.done(1005).queue(1, 0).pass(600);
    only(&s, &["aggregation-stuck"]);
    // The first block shows it, the second one confirms it.
    assert!(at(&s, "aggregation-stuck") - stuck <= 20, "{:?}", s.told());
    let a = s.alert("aggregation-stuck");
    assert!(a.summary.contains("Controller 4 + PlonkWrap 32 = 36, the maximum is 32"), "{}", a.summary);
    assert_eq!(a.fix[0].run, "kubectl set env deploy/cpu-node -n sp1-cluster WORKER_MAX_WEIGHT_OVERRIDE=48");
    // More proofs queue behind it: the same story.
    s.claim("cli_2", 2).queue(2, 0).pass(120);
    only(&s, &["aggregation-stuck"]);
}

/// The same while a healthy compressed proof keeps the GPUs busy: nothing is
/// idle, and it is only told when it is certain.
#[test]
fn a_wrap_that_never_fits_beside_other_work() {
    let mut s = Script::new();
    s.restart().cpu(1, 32).gpu(11).gpu(12).pass(60);
    prove(&mut s, "cli_1", 3, 2, 1000);
    s.run(11, "cli_1", 1005, T::ShrinkWrap).pass(20);
    s.done(1005).queue(1, 20);
    let mut t = 5000;
    s.claim("cli_2", 2).run(1, "cli_2", 4000, T::Controller);
    for _ in 0..6 {
        s.run(12, "cli_2", t, T::ProveShard).pass(10);
        s.done(t);
        t += 1;
    }
    s.queue(1, 0).done(4000).end("cli_2", "Completed");
    let alone = s.now;
    s.pass(60);
    only(&s, &["aggregation-stuck"]);
    assert!(at(&s, "aggregation-stuck") - alone <= 20, "{:?}", s.told());
}

#[test]
fn controllers_that_hold_the_room_for_each_others_wraps() {
    let mut s = Script::new();
    s.weigh(T::Controller, 16);
    s.restart().cpu(1, 48).gpu(11).gpu(12).pass(60);
    prove(&mut s, "cli_1", 3, 2, 1000);
    prove(&mut s, "cli_2", 3, 2, 2000);
    s.run(11, "cli_1", 1005, T::ShrinkWrap).run(12, "cli_2", 2005, T::ShrinkWrap).pass(20);
    s.done(1005).done(2005).queue(2, 0).pass(300);
    only(&s, &["aggregation-stuck"]);
    let a = s.alert("aggregation-stuck");
    assert!(a.summary.contains("2 Controllers of 16 hold 32 of 48"), "{}", a.summary);
    assert!(a.fix.iter().any(|f| f.run.contains("--replicas=2")), "{:?}", a.fix);
}

#[test]
fn controllers_that_leave_no_room_for_execution() {
    let mut s = Script::new();
    s.weigh(T::CoreExecute, 32);
    s.restart().cpu(1, 48).gpu(11).pass(60);
    // The weight is seen once.
    s.claim("cli_0", 2).run(1, "cli_0", 1, T::Controller).pass(20);
    s.run(1, "cli_0", 2, T::CoreExecute).pass(20);
    s.done(1).done(2).end("cli_0", "Completed").pass(20);
    for n in 1..=5 {
        let id = format!("cli_{n}");
        s.claim(&id, 2).run(1, &id, 100 * n, T::Controller);
    }
    s.queue(5, 0).pass(120);
    only(&s, &["cpu-queue-blocked"]);
    assert!(s.alert("cpu-queue-blocked").summary.contains("5 Controllers hold 20 of 48"), "{}", s.alert("cpu-queue-blocked").summary);
}

#[test]
fn a_worker_that_dies_with_its_tasks() {
    let mut s = cluster(3);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(1, "cli_1", 101, T::CoreExecute);
    for t in 0..6 {
        s.run(11 + t % 3, "cli_1", 1000 + t, T::ProveShard);
    }
    s.queue(0, 9).pass(20);
    let died = s.now;
    for step in 1..7 {
        s.say("WARN", &format!("Failed to send heartbeat to worker {}: channel closed", worker(11)));
        for t in [1001, 1002, 1004, 1005] {
            s.done(t + 100 * (step - 1)).run(12 + t % 2, "cli_1", t + 100 * step, T::ProveShard);
        }
        s.pass(5);
    }
    for (proof, t, kind) in s.lose(11) {
        s.again(12, &proof, t, kind);
    }
    let lost = s.now;
    s.pass(30);
    assert_eq!(s.ids(), ["worker-silent", "worker-lost"], "{:?}", s.told());
    assert!(at(&s, "worker-silent") - died <= 15 && at(&s, "worker-lost") - lost <= 10, "{:?}", s.told());
    assert!(s.alert("worker-lost").summary.contains("it held 2 ProveShard of cli_1"), "{}", s.alert("worker-lost").summary);
    assert!(!s.fires("worker-silent"));
    // Its tasks run elsewhere: a minute later that is history, and stays so.
    s.gpu(14).queue(0, 0).end("cli_1", "Completed").pass(400);
    assert_eq!(s.told().len(), 2, "{:?}", s.told());
    assert!(!s.fires("worker-lost"));
}

/// Without its line, from the lists alone: its tasks begin again elsewhere.
#[test]
fn a_worker_that_is_gone_from_the_lists() {
    let mut s = cluster(2);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(11, "cli_1", 101, T::ProveShard).run(12, "cli_1", 102, T::ProveShard);
    s.pass(20);
    for (proof, t, kind) in s.leave(11) {
        s.again(12, &proof, t, kind);
    }
    s.pass(20);
    only(&s, &["worker-lost"]);
}

/// Twenty machines at once are one story.
#[test]
fn a_rack_that_is_lost() {
    let mut s = cluster(40);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(1, "cli_1", 101, T::CoreExecute);
    for n in 0..40 {
        s.run(11 + n, "cli_1", 1000 + n, T::ProveShard);
    }
    s.queue(0, 50).pass(20);
    for round in 0..6u32 {
        for n in 0..20 {
            s.say("WARN", &format!("Failed to send heartbeat to worker {}: channel closed", worker(11 + n)));
        }
        // The others go on.
        for n in 20..40 {
            s.done(1000 + n + 100 * round).run(11 + n, "cli_1", 1100 + n + 100 * round, T::ProveShard);
        }
        s.pass(5);
    }
    // The coordinator looks each ten seconds: some of them a look later.
    for n in 0..20 {
        if n == 12 {
            s.pass(10);
        }
        s.lose(11 + n);
    }
    s.pass(60);
    only(&s, &["worker-silent", "worker-lost"]);
    assert!(s.alert("worker-lost").summary.starts_with("20 gpu workers were lost"), "{}", s.alert("worker-lost").summary);
}

#[test]
fn a_task_that_kills_one_worker_after_the_other() {
    let mut s = cluster(4);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(1, "cli_1", 101, T::CoreExecute);
    s.run(11, "cli_1", 666, T::ProveShard).run(12, "cli_1", 102, T::ProveShard).queue(0, 5).pass(20);
    for victim in 11..14 {
        s.pass(30);
        s.lose(victim);
        s.again(victim + 1, "cli_1", 666, T::ProveShard).gpu(victim + 100).pass(10);
    }
    assert_eq!(s.ids(), ["worker-lost", "poison-task"], "{:?}", s.told());
    let a = s.alert("poison-task");
    assert!(a.summary.contains("ProveShard of cli_1 has brought down 3 workers") && a.evidence[0].contains(&task(666)), "{a:?}");
    assert_eq!(a.fix[0].run, "sp1top proofs cancel cli_1");
    // The second and the third worker are part of that story.
    assert_eq!(s.told().iter().filter(|t| t.starts_with("worker-lost")).count(), 1, "{:?}", s.told());
    s.forget("cli_1").say("WARN", "Running proof cli_1 is no longer pending in cluster DB").pass(300);
    assert_eq!(s.told().len(), 2, "what was part of it is not told again: {:?}", s.told());
}

/// Two workers die, and a Controller moves twice; new nodes roll in. Its victims
/// were told to stop.
#[test]
fn a_rollout_is_no_poison() {
    let mut s = cluster(2);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(1, "cli_1", 101, T::CoreExecute).pass(20);
    for n in 1..4 {
        s.cpu(n + 1, 48);
        for (proof, t, kind) in s.leave(n) {
            s.again(n + 1, &proof, t, kind);
        }
        s.run(11, "cli_1", 500 + n, T::ProveShard).pass(60);
        s.done(500 + n);
    }
    assert!(!s.ids().contains(&"poison-task"), "{:?}", s.told());
}

#[test]
fn gpus_that_stand_still() {
    let mut s = cluster(2);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller);
    let mut t = 1000;
    for _ in 0..30 {
        s.run(11, "cli_1", t, T::ProveShard).run(12, "cli_1", t + 1, T::ProveShard).queue(0, 30).pass(10);
        s.done(t).done(t + 1);
        t += 2;
    }
    s.run(11, "cli_1", t, T::ProveShard).run(12, "cli_1", t + 1, T::ProveShard).queue(0, 28).pass(10);
    let stands = s.now - 10;
    s.pass(600);
    only(&s, &["gpu-queue-stalled"]);
    assert!((170..=200).contains(&(at(&s, "gpu-queue-stalled") - stands)), "{:?}", s.told());
}

#[test]
fn a_controller_that_waits_for_ever() {
    let mut s = cluster(2);
    prove(&mut s, "cli_1", 2, 2, 1000);
    let alone = s.now;
    s.pass(400);
    only(&s, &["controller-wedged"]);
    assert!((170..=200).contains(&(at(&s, "controller-wedged") - alone)), "{:?}", s.told());
    assert_eq!(s.alert("controller-wedged").severity, Severity::Critical);
}

#[test]
fn a_queue_without_workers() {
    let mut s = cluster(0);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).queue(0, 1).pass(60);
    only(&s, &["no-gpu-workers"]);
    let mut s = Script::new();
    s.restart().gpu(11).pass(60);
    s.claim("cli_1", 2).queue(1, 0).pass(60);
    only(&s, &["no-cpu-workers"]);
}

#[test]
fn an_api_that_is_away() {
    let mut s = cluster(1);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(11, "cli_1", 101, T::ProveShard).pass(10);
    let away = s.now;
    for _ in 0..6 {
        s.pass(9)
            .say(
                "ERROR",
                "Failed to get filtered tasks: status: Unavailable, message: \"tcp connect error\", details: [], metadata: MetadataMap",
            )
            .pass(1);
    }
    only(&s, &["api-unreachable"]);
    assert!(at(&s, "api-unreachable") - away <= 20);
    s.pass(40);
    assert!(!s.fires("api-unreachable"));
}

/// The coordinator's clock is behind, and its API is away all the same.
#[test]
fn an_api_that_is_away_by_another_clock() {
    for ahead in [-45, 45] {
        let mut s = Script::new();
        s.ahead = ahead;
        s.restart().cpu(1, 48).gpu(11).pass(60);
        for _ in 0..6 {
            s.node("gpu-node-a", " INFO bin/node/src/main.rs:1: worker type: Gpu");
            s.pass(9).say("ERROR", "Failed to get filtered tasks: status: Unavailable, message: \"tcp connect error\"").pass(1);
        }
        only(&s, &["api-unreachable"]);
    }
}

/// It says other things, and no stats.
#[test]
fn a_coordinator_without_stats() {
    let mut s = cluster(1);
    let last = s.now;
    for _ in 0..30 {
        s.quiet(5).say("INFO", "Worker already exists");
    }
    only(&s, &["coordinator-silent"]);
    assert!((30..=41).contains(&(at(&s, "coordinator-silent") - last)), "{:?}", s.told());
    s.pass(20);
    assert!(!s.fires("coordinator-silent"));
}

#[test]
fn a_coordinator_that_dies_with_proofs_at_work() {
    let mut s = cluster(2);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(11, "cli_1", 101, T::ProveShard).made(40).pass(30);
    s.quiet(12);
    s.say("INFO", "logging initialized").restart().cpu(1, 48).gpu(11).gpu(12);
    s.claim("cli_1", 2).run(1, "cli_1", 200, T::Controller).pass(60);
    only(&s, &["coordinator-restarted"]);
    assert_eq!(s.alert("coordinator-restarted").severity, Severity::Warning);
}

/// The lines of two coordinators, each with its own totals.
#[test]
fn two_coordinators() {
    let mut s = cluster(2);
    s.made(500).pass(20);
    let begin = s.now;
    for _ in 0..6 {
        s.another("log:coordinator-b").made(7).block();
        s.another("log:coordinator").made(507).quiet(3).block().quiet(7);
    }
    assert!(s.ids().contains(&"coordinator-duplicated"), "{:?}", s.told());
    assert!(at(&s, "coordinator-duplicated") - begin <= 60, "{:?}", s.told());
}

/// Each story may come in the midst of noise: lines of others, colours, a block
/// that is cut.
#[test]
fn noise_does_not_hide_it() {
    let mut s = Script::new();
    s.restart().cpu(1, 32).gpu(11).gpu(12).pass(60);
    prove(&mut s, "cli_1", 3, 2, 1000);
    s.run(11, "cli_1", 1005, T::ShrinkWrap).pass(20);
    s.done(1005).queue(1, 0);
    for i in 0..6 {
        s.say("INFO", "[latency] [\"assign_tasks\", \"coordinator.assign_task\"]");
        s.say("INFO", "get_task_statuses proof_id: cli_1, task_ids: [], result: {}");
        if i == 2 {
            s.say("INFO", "[coordinator] GetStatsResponse { coordinator_version: \"unkn");
        }
        s.pass(10);
    }
    only(&s, &["aggregation-stuck"]);
}

#[test]
fn retries_that_run_out() {
    let mut s = cluster(2);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(1, "cli_1", 101, T::CoreExecute).pass(20);
    for _ in 0..3 {
        s.say("INFO", &format!("retrying task {}", task(101))).pass(20);
    }
    assert_eq!(s.ids(), ["task-retrying"]);
    assert_eq!(s.alert("task-retrying").severity, Severity::Warning);
    s.say("ERROR", &format!("task {} retries exhausted", task(101)));
    s.say("INFO", "Proof cli_1 controller has no more retries, failing").end("cli_1", "Failed").pass(20);
    assert_eq!(s.ids(), ["task-retrying", "proof-failed"]);
    assert_eq!(s.alert("task-retrying").severity, Severity::Critical);
}
