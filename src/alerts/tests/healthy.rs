//! Nothing of this is an alert.

use super::*;

fn silent(s: &Script) {
    assert_eq!(s.told(), Vec::<String>::new());
}

#[test]
fn an_idle_cluster() {
    let mut s = cluster(3);
    s.pass(3600);
    silent(&s);
}

#[test]
fn one_proof_of_each_mode() {
    let mut s = cluster(2);
    for (i, mode) in [1, 2, 3, 4].into_iter().enumerate() {
        let (base, id) = (1000 * (i as u32 + 1), format!("cli_{i}"));
        prove(&mut s, &id, mode, 2, base);
        match mode {
            3 => wrap(&mut s, &id, T::PlonkWrap, base, 150),
            4 => wrap(&mut s, &id, T::Groth16Wrap, base, 60),
            _ => _ = s.done(base).end(&id, "Completed"),
        }
        s.pass(30);
    }
    silent(&s);
}

/// A range of many blocks executes for an hour before its shards are through.
#[test]
fn a_long_execution() {
    let mut s = cluster(2);
    prove(&mut s, "cli_1", 2, 2, 100);
    s.done(100).end("cli_1", "Completed").pass(30);
    s.claim("cli_2", 2).run(1, "cli_2", 2000, T::Controller).run(1, "cli_2", 2001, T::CoreExecute);
    let mut t = 3000;
    for _ in 0..360 {
        // Execution is the bound: the GPUs wait for shards most of the time.
        s.run(11, "cli_2", t, T::ProveShard).made(1).pass(10);
        s.done(t);
        t += 1;
    }
    silent(&s);
}

/// Execution alone, without a shard for ten minutes: the first chunk is slow.
#[test]
fn an_execution_that_makes_no_shard_yet() {
    let mut s = cluster(2);
    s.claim("cli_2", 2).run(1, "cli_2", 2000, T::Controller).run(1, "cli_2", 2001, T::CoreExecute).pass(600);
    silent(&s);
}

#[test]
fn a_queue_of_a_thousand_that_drains_slowly() {
    let mut s = cluster(4);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller);
    let mut t = 1000;
    for n in 0..4 {
        for _ in 0..6 {
            s.run(11 + n, "cli_1", t, T::ProveShard);
            t += 1;
        }
    }
    for left in (0..1000).rev().step_by(5) {
        // Each ten seconds some of them end, on one worker or another.
        let n = 11 + (t / 6) % 4;
        for _ in 0..6 {
            s.done(t - 24).run(n, "cli_1", t, T::ProveShard);
            t += 1;
        }
        s.queue(0, left).pass(10);
    }
    silent(&s);
}

/// A CPU worker of 96: a PlonkWrap of 60 and a Groth16Wrap of 14 fit at once, and
/// other proofs begin beside them.
#[test]
fn plonk_and_groth16_at_once_that_fit() {
    let mut s = Script::new();
    s.version = "e27316f 2026-08-14T03:20:00";
    s.weigh(T::Controller, 1).weigh(T::CoreExecute, 8).weigh(T::PlonkWrap, 60);
    s.restart().cpu(1, 96).gpu(11).gpu(12).pass(60);
    prove(&mut s, "cli_1", 3, 2, 1000);
    s.run(11, "cli_1", 1005, T::ShrinkWrap).pass(20);
    s.done(1005).run(1, "cli_1", 1006, T::PlonkWrap).pass(30);
    prove(&mut s, "cli_2", 4, 2, 2000);
    s.run(11, "cli_2", 2005, T::ShrinkWrap).pass(20);
    s.done(2005).run(1, "cli_2", 2006, T::Groth16Wrap).pass(60);
    s.done(2006).done(2000).end("cli_2", "Completed").pass(20);
    s.done(1006).done(1000).end("cli_1", "Completed").pass(60);
    silent(&s);
}

/// Two plonk proofs one after the other on 48: the second wrap waits for the first.
#[test]
fn a_wrap_that_waits_for_another_one() {
    let mut s = cluster(2);
    s.weigh(T::Controller, 4);
    prove(&mut s, "cli_1", 3, 2, 1000);
    prove(&mut s, "cli_2", 3, 2, 2000);
    s.run(11, "cli_1", 1005, T::ShrinkWrap).run(12, "cli_2", 2005, T::ShrinkWrap).pass(20);
    s.done(1005).done(2005).run(1, "cli_1", 1006, T::PlonkWrap).queue(1, 0).pass(200);
    s.done(1006).done(1000).end("cli_1", "Completed");
    s.run(1, "cli_2", 2006, T::PlonkWrap).queue(0, 0).pass(200);
    s.done(2006).done(2000).end("cli_2", "Completed").pass(30);
    // By their weights alone two wraps of 32 do not fit 48.
    silent(&s);
}

#[test]
fn a_cluster_that_is_scaled_up_and_down() {
    let mut s = cluster(4);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(1, "cli_1", 101, T::CoreExecute);
    let mut t = 1000;
    let mut gpus = 4;
    for step in 0..30 {
        match step {
            5..=7 => {
                s.gpu(11 + gpus);
                gpus += 1;
            }
            // They finish what they have and leave: still listed with it in the last block.
            18 | 20 | 22 => {
                gpus -= 1;
                s.leave(11 + gpus);
            }
            _ => {}
        }
        let begun = t;
        for n in 0..gpus {
            s.run(11 + n, "cli_1", t, T::ProveShard);
            t += 1;
        }
        s.queue(0, 20).pass(10);
        for done in begun..t {
            s.done(done);
        }
    }
    silent(&s);
}

/// The coordinator's log alone: nodes are replaced one by one, each new one first.
#[test]
fn a_rollout_of_nodes_that_drain() {
    let mut s = cluster(3);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(1, "cli_1", 101, T::CoreExecute);
    let mut t = 1000;
    for round in 0..12u32 {
        if (4..7).contains(&round) {
            s.gpu(21 + round);
            s.leave(7 + round);
        }
        let begun = t;
        let there: Vec<u32> = (0..3).map(|n| if round >= 4 + n { 25 + n } else { 11 + n }).collect();
        for n in there {
            s.run(n, "cli_1", t, T::ProveShard);
            t += 1;
        }
        s.queue(0, 20).pass(10);
        for done in begun..t {
            s.done(done);
        }
    }
    silent(&s);
}

/// The nodes' logs say that they were told to stop; after 30 s they are killed.
#[test]
fn a_rollout_of_nodes_that_are_killed_while_they_drain() {
    let mut s = cluster(1);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(1, "cli_1", 101, T::CoreExecute);
    s.node("gpu-node-a", "INFO sp1_cluster_node: worker type: Gpu");
    for t in 1000..1006 {
        s.node("gpu-node-a", &format!(" INFO bin/node/src/main.rs:1: Received task: {}", crate::alerts::testing::task(t)));
        s.run(11, "cli_1", t, T::ProveShard);
    }
    s.queue(0, 9).pass(10);
    s.node("gpu-node-a", " INFO bin/node/src/main.rs:1: Shutdown signal received; draining 6 in-flight task(s)");
    s.pass(10);
    s.gpu(12).run(12, "cli_1", 1006, T::ProveShard).pass(10);
    for _ in 0..6 {
        let w = crate::alerts::testing::worker(11);
        s.say("WARN", &format!("Failed to send heartbeat to worker {w}: channel closed")).pass(5);
    }
    for (proof, t, kind) in s.lose(11) {
        s.again(12, &proof, t, kind);
    }
    s.pass(60);
    silent(&s);
}

/// By the coordinator's log alone: a new one comes, and half a minute later an old
/// one is killed with what it has.
#[test]
fn a_rollout_that_only_the_coordinator_tells_of() {
    let mut s = cluster(3);
    s.pass(200).claim("cli_1", 2).run(1, "cli_1", 100, T::Controller);
    for n in 0..3 {
        s.run(11 + n, "cli_1", 1000 + n, T::ProveShard).pass(10);
        s.gpu(21 + n).pass(30);
        replaced(&mut s, 11 + n, 21 + n);
    }
    silent(&s);
    // The next one that goes has nobody who came for it: who is back before its heartbeats fail came after it.
    s.run(21, "cli_1", 1010, T::ProveShard).pass(20).gpu(24).pass(4);
    replaced(&mut s, 21, 24);
    assert_eq!(s.ids(), ["worker-silent", "worker-lost"]);
}

/// One that was added and dies soon had nobody who came for it, nor had the one after it.
#[test]
fn a_newcomer_is_not_its_own_replacement() {
    let mut s = cluster(4);
    s.pass(200).claim("cli_1", 2).run(1, "cli_1", 100, T::Controller);
    for n in 0..2 {
        s.gpu(24 + n).run(24 + n, "cli_1", 1000 + n, T::ProveShard).pass(40);
        replaced(&mut s, 24 + n, 12);
    }
    assert_eq!(s.told().iter().filter(|t| t.starts_with("worker-lost")).count(), 2, "{:?}", s.told());
}

/// Heartbeats to it fail, it is given up, and another one goes on with its tasks.
fn replaced(s: &mut Script, old: u32, new: u32) {
    for _ in 0..7 {
        s.say("WARN", &format!("Failed to send heartbeat to worker {}: channel closed", crate::alerts::testing::worker(old))).pass(5);
    }
    for (proof, t, kind) in s.lose(old) {
        s.again(new, &proof, t, kind);
    }
    s.pass(20);
    for t in 1000..1020 {
        s.done(t);
    }
}

/// A new one after each that goes is none.
#[test]
fn workers_that_come_back_after_they_went_are_lost() {
    let mut s = cluster(3);
    s.pass(200).claim("cli_1", 2).run(1, "cli_1", 100, T::Controller);
    for n in 0..3 {
        s.run(11 + n, "cli_1", 1000 + n, T::ProveShard).pass(10);
        replaced(&mut s, 11 + n, if n == 0 { 12 } else { 20 + n });
        s.gpu(21 + n).pass(30);
    }
    assert_eq!(s.told().iter().filter(|t| t.starts_with("worker-lost")).count(), 3, "{:?}", s.told());
}

/// Told to stop, with a proof at work: its proofs start anew, which is said; no
/// worker is lost, nothing is silent.
#[test]
fn a_coordinator_that_is_rolled_out() {
    let mut s = cluster(2);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(11, "cli_1", 101, T::ProveShard).pass(30);
    s.say("INFO", "Received signal SIGTERM. Shutting down...").say("INFO", "Cancelled 2 tasks").say("INFO", "Graceful shutdown complete");
    s.quiet(45);
    s.restart().cpu(1, 48).gpu(11).gpu(12);
    s.claim("cli_1", 2).run(1, "cli_1", 200, T::Controller).run(11, "cli_1", 201, T::ProveShard).pass(120);
    assert_eq!(s.ids(), ["coordinator-restarted"]);
    assert!(s.alert("coordinator-restarted").summary.contains("1 proofs start from scratch"));
}

#[test]
fn a_log_that_begins_in_the_middle() {
    let mut s = Script::new();
    // No start, no registrations, no claim: a block out of nowhere.
    s.version = "";
    s.cpu(1, 48).gpu(11).made(4711);
    s.run(1, "cli_1", 100, T::Controller).run(1, "cli_1", 101, T::PlonkWrap).pass(120);
    s.done(101).done(100).end("cli_1", "Completed").pass(60);
    silent(&s);
}

/// Parts of the log are missing, for minutes each.
#[test]
fn a_log_with_gaps() {
    let mut s = cluster(2);
    for i in 0..6u32 {
        let (base, id) = (1000 * (i + 1), format!("cli_{i}"));
        prove(&mut s, &id, 3, 2, base);
        s.run(11, &id, base + 5, T::ShrinkWrap).pass(10);
        s.done(base + 5);
        // The wrap runs and ends in the gap; another block begins in the midst of things.
        s.queue(0, 0).quiet(240 + i64::from(i) * 37);
        s.done(base).end(&id, "Completed").made(7).pass(10);
    }
    silent(&s);
}

/// Only its Controller before a gap and after it: nobody knows what was between.
#[test]
fn the_same_on_both_sides_of_a_gap() {
    let mut s = cluster(2);
    s.claim("cli_1", 3).run(1, "cli_1", 100, T::Controller).queue(1, 0).pass(10);
    s.queue(0, 0).run(1, "cli_1", 101, T::CoreExecute).pass(10);
    s.done(101).queue(1, 0).quiet(300);
    s.block().queue(0, 0).run(11, "cli_1", 102, T::ProveShard).pass(60);
    silent(&s);
}

/// The nodes' clocks are ahead of the coordinator's by most of a minute.
#[test]
fn clocks_that_differ() {
    for ahead in [-50, 50] {
        let mut s = Script::new();
        s.ahead = ahead;
        s.restart().cpu(1, 48).gpu(11);
        s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(1, "cli_1", 101, T::CoreExecute);
        for t in 1000..1030 {
            s.node("gpu-node-a", &format!(" INFO bin/node/src/main.rs:1: Received task: {}", crate::alerts::testing::task(t)));
            s.run(11, "cli_1", t, T::ProveShard).pass(10);
            s.done(t);
        }
        silent(&s);
    }
}

/// One retry, one failed heartbeat, one failed poll, churn: none of them alone.
#[test]
fn the_odd_trouble() {
    let mut s = cluster(2);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(11, "cli_1", 101, T::ProveShard).pass(20);
    s.say("INFO", &format!("retrying task {}", crate::alerts::testing::task(101))).pass(20);
    let w = crate::alerts::testing::worker(11);
    s.say("WARN", &format!("Failed to send heartbeat to worker {w}: channel closed")).pass(1);
    s.say("INFO", "Worker already exists").pass(30);
    s.say("ERROR", "Failed to get filtered tasks: status: Unavailable, message: \"tcp connect error\", details: [], metadata: MetadataMap")
        .pass(60);
    s.say("WARN", &format!("worker {w} is not working on expected task (\"cli_1\", \"{}\")", crate::alerts::testing::task(101))).pass(30);
    s.say("WARN", "gpu queue task task_01kzz5e2q3fay9vvr1081g8186 not found");
    s.say("ERROR", "latency 153000000 for kind worker.complete_task is too high");
    s.say("WARN", "Resending message msg_01kzz5e2q3fay9vvr1081g8186").pass(60);
    s.done(101).done(100).end("cli_1", "Completed").pass(60);
    silent(&s);
}

/// Leftovers of a cancelled proof in the queue of an idle cluster.
#[test]
fn leftovers_in_a_queue() {
    let mut s = cluster(2);
    s.queue(1, 3).pass(600);
    silent(&s);
}

/// What clients cancel is not a failure.
#[test]
fn a_cancelled_proof() {
    let mut s = cluster(2);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).run(11, "cli_1", 101, T::ProveShard).pass(30);
    s.say("WARN", "Running proof cli_1 is no longer pending in cluster DB");
    s.say("INFO", "Failed proof cli_1  proof_id=\"cli_1\" task_id=None notify_sender=false extra_data=None");
    s.forget("cli_1").pass(60);
    silent(&s);
}

/// Between the stages nothing runs for up to two minutes: large inputs are read.
#[test]
fn gaps_between_stages() {
    let mut s = cluster(2);
    s.claim("cli_1", 2).run(1, "cli_1", 100, T::Controller).pass(120);
    s.run(1, "cli_1", 101, T::CoreExecute).pass(30);
    s.done(101).run(11, "cli_1", 102, T::ProveShard).pass(20);
    s.done(102).pass(90);
    s.run(11, "cli_1", 103, T::RecursionReduce).pass(20);
    s.done(103).done(100).end("cli_1", "Completed").pass(30);
    silent(&s);
}
