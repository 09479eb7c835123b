//! The stories of the simulated cluster, each seen through the logs alone and
//! through all sources.

use std::time::Duration;

use sp1top::alerts::{Transition, TransitionState};
use sp1top::base::Timestamp;
use sp1top::model::Model;
use sp1top::pipeline::Pipeline;
use sp1top::sim::serve::direct::{Direct, View};
use sp1top::sim::{SCENARIOS, Scenario};

use super::judge;

const START: Timestamp = Timestamp::from_secs(1_795_480_000);

/// What a story is to give, seen through the logs alone or through all sources.
struct Story {
    name: &'static str,
    /// Seconds of the story: when somebody begins to look, and when he ends.
    look: std::ops::Range<u64>,
    /// By the logs alone: must, and may. The times are seconds of the story.
    logs: (&'static [(&'static str, &'static str)], &'static [&'static str]),
    /// With Kubernetes and the services.
    all: (&'static [(&'static str, &'static str)], &'static [&'static str]),
}

/// Runs a story with `view` of it.
fn simulate(s: &Scenario, story: &Story, view: View) -> Vec<Transition> {
    let at = |second| START.plus(Duration::from_secs(second));
    let mut cluster = Direct::new(s.build(seed(), START), view);
    let (mut pipeline, mut model) = (Pipeline::new(false), Model::new());
    let mut envelopes = Vec::new();
    cluster.skip(at(story.look.start));
    for second in story.look.start + 1..=story.look.end {
        cluster.step(at(second), &mut envelopes);
        for e in envelopes.drain(..) {
            pipeline.apply(&e, &mut model);
        }
    }
    pipeline.alerts().history().cloned().collect()
}

/// Another one may be tried.
fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1)
}

fn tell(story: &Story) {
    let s = SCENARIOS.iter().find(|s| s.name == story.name).unwrap();
    let mut wrong = Vec::new();
    for (view, expected) in [(View::Logs, &story.logs), (View::All, &story.all)] {
        let got = simulate(s, story, view);
        if std::env::var("SHOW").is_ok() {
            for t in &got {
                println!("  {:>5.0} {:?} {} {} {}", t.at.seconds_since(START), t.state, t.alert.id, t.alert.subject, t.alert.summary);
                for line in t.alert.consequences.iter().filter(|_| t.state == TransitionState::Resolved) {
                    println!("          - {line}");
                }
            }
        }
        let seen = if view == View::Logs { "logs" } else { "all" };
        wrong.extend(judge(&format!("{} ({seen})", story.name), expected.0, expected.1, &got, |c| {
            c.parse().ok().map(|s| START.plus(Duration::from_secs(s)))
        }));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const NONE: (&[(&str, &str)], &[&str]) = (&[], &[]);

#[test]
fn healthy() {
    tell(&Story { name: "healthy", look: 300..1800, logs: NONE, all: NONE });
}

#[test]
fn stuck_aggregation() {
    tell(&Story {
        name: "stuck-aggregation",
        look: 400..2100,
        logs: (&[("aggregation-stuck", "782")], &[]),
        // The weights are known from the start: the first block that shows it is enough.
        all: (&[("capacity-too-small", "410"), ("aggregation-stuck", "762")], &[]),
    });
}

#[test]
fn plonk_deadlock() {
    tell(&Story {
        name: "plonk-deadlock",
        look: 400..2100,
        logs: (&[("aggregation-stuck", "872")], &[]),
        all: (&[("aggregation-stuck", "872")], &[]),
    });
}

#[test]
fn two_plonks_oom() {
    tell(&Story {
        name: "two-plonks-oom",
        look: 400..1200,
        logs: (&[("wrap-overcommit", "852"), ("worker-lost", "922"), ("poison-task", "1002")], &["no-cpu-workers", "worker-silent"]),
        all: (
            &[("wrap-overcommit", ""), ("memory-near-limit", ""), ("oom-killed", ""), ("crash-loop", ""), ("poison-task", "")],
            &["no-cpu-workers"],
        ),
    });
}

#[test]
fn worker_lost() {
    tell(&Story {
        name: "worker-lost",
        look: 400..1300,
        logs: (&[("worker-lost", "752")], &["worker-silent"]),
        all: (&[("worker-lost", "752")], &["worker-silent", "pod-not-ready"]),
    });
}

#[test]
fn api_outage() {
    let expected: (&[_], &[_]) = (&[("api-unreachable", "738"), ("status-lost", "750")], &[]);
    tell(&Story { name: "api-outage", look: 400..1200, logs: expected, all: expected });
}

#[test]
fn coordinator_restart() {
    tell(&Story {
        name: "coordinator-restart",
        look: 400..1200,
        logs: (&[("coordinator-restarted", "722")], &[]),
        all: (&[("coordinator-restarted", "722"), ("oom-killed", "720")], &[]),
    });
}

#[test]
fn gpu_stalled() {
    let must: &[_] = &[("gpu-queue-stalled", "900")];
    // While they are replaced one by one, the last old one stands beside new ones that work.
    tell(&Story { name: "gpu-stalled", look: 400..1900, logs: (must, &["worker-silent"]), all: (must, &[]) });
}

#[test]
fn hung_worker() {
    let expected: (&[_], &[_]) = (&[("worker-silent", "812")], &[]);
    tell(&Story { name: "hung-worker", look: 400..2050, logs: expected, all: expected });
}

#[test]
fn redis_pressure() {
    let expected: (&[_], &[_]) = (&[("artifact-store-pressure", ""), ("proof-failed", "")], &[]);
    tell(&Story { name: "redis-pressure", look: 500..1500, logs: expected, all: expected });
}

#[test]
fn crash_loop() {
    tell(&Story { name: "crash-loop", look: 400..1800, logs: NONE, all: (&[("crash-loop", "724")], &[]) });
}

#[test]
fn task_poison() {
    tell(&Story {
        name: "task-poison",
        look: 400..1300,
        logs: (&[("worker-lost", ""), ("poison-task", "")], &["worker-silent"]),
        all: (&[("worker-lost", ""), ("poison-task", "")], &["worker-silent", "crash-loop"]),
    });
}

#[test]
fn retries_exhausted() {
    let expected: (&[_], &[_]) = (&[("task-retrying", ""), ("proof-failed", "")], &[]);
    tell(&Story { name: "retries-exhausted", look: 400..1500, logs: expected, all: expected });
}

#[test]
fn version_skew() {
    tell(&Story { name: "version-skew", look: 400..2000, logs: NONE, all: (&[("version-skew", "")], &[]) });
}

#[test]
fn hung_task() {
    let expected: (&[_], &[_]) = (&[("task-hung", "812")], &[]);
    tell(&Story { name: "hung-task", look: 300..1900, logs: expected, all: expected });
}

#[test]
fn wedged_controller() {
    let expected: (&[_], &[_]) = (&[("controller-wedged", "960")], &[]);
    tell(&Story { name: "wedged-controller", look: 400..1600, logs: expected, all: expected });
}

#[test]
fn two_coordinators() {
    tell(&Story {
        name: "two-coordinators",
        look: 500..1250,
        logs: (&[("coordinator-duplicated", "")], &[]),
        all: (&[("coordinator-duplicated", "")], &[]),
    });
}

#[test]
fn late_proof() {
    tell(&Story {
        name: "late-proof",
        look: 400..1250,
        // The coordinator's log does not say that a deadline was the cause.
        logs: (&[("proof-failed", "1060")], &[]),
        all: (&[("proof-deadline-risk", ""), ("proof-expired", "1060")], &[]),
    });
}

#[test]
fn no_room() {
    tell(&Story { name: "no-room", look: 500..1350, logs: NONE, all: (&[("pod-not-ready", "780")], &[]) });
}

#[test]
fn no_gpus() {
    let expected: (&[_], &[_]) = (&[("no-gpu-workers", "742")], &[]);
    tell(&Story { name: "no-gpus", look: 500..1250, logs: expected, all: expected });
}

#[test]
fn no_shm() {
    let expected: (&[_], &[_]) = (&[("no-capacity", "612")], &[]);
    tell(&Story { name: "no-shm", look: 600..1650, logs: expected, all: expected });
}

#[test]
fn crowded_controllers() {
    let expected: (&[_], &[_]) = (&[("cpu-queue-blocked", "752")], &[]);
    tell(&Story { name: "crowded-controllers", look: 400..1500, logs: expected, all: expected });
}

#[test]
fn weight_ignored() {
    tell(&Story { name: "weight-ignored", look: 100..1600, logs: NONE, all: (&[("controller-weight-ignored", "")], &[]) });
}
