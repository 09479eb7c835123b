//! The stories of the simulated cluster, each seen through the logs alone and
//! through all sources.

use std::collections::BTreeSet;
use std::time::Duration;

use sp1top::alerts::rules::RULES;
use sp1top::alerts::{Transition, TransitionState};
use sp1top::base::Timestamp;
use sp1top::envelope::{Envelope, Kind};
use sp1top::model::Model;
use sp1top::pipeline::Pipeline;
use sp1top::sim::serve::direct::{Direct, View};
use sp1top::sim::{Scenario, Sign};

use super::{CAPTURES, judge, proven};

const START: Timestamp = Timestamp::from_secs(1_795_480_000);

/// What a story is to give, seen through the logs alone or through all sources.
struct Story {
    name: &'static str,
    /// Seconds of the story: when somebody begins to look, and when he ends.
    look: std::ops::Range<u64>,
    /// By the logs alone: must, and may.
    logs: (&'static [&'static str], &'static [&'static str]),
    /// With Kubernetes and the services.
    all: (&'static [&'static str], &'static [&'static str]),
}

/// A story that tells the same either way.
const fn both(name: &'static str, look: std::ops::Range<u64>, must: &'static [&'static str]) -> Story {
    Story { name, look, logs: (must, &[]), all: (must, &[]) }
}

/// A story that only Kubernetes tells.
const fn pods(name: &'static str, look: std::ops::Range<u64>, must: &'static [&'static str]) -> Story {
    Story { name, look, logs: (&[], &[]), all: (must, &[]) }
}

const STORIES: &[Story] = &[
    both("healthy", 300..1800, &[]),
    Story {
        name: "stuck-aggregation",
        look: 400..2100,
        logs: (&["aggregation-stuck"], &[]),
        all: (&["capacity-too-small", "aggregation-stuck"], &[]),
    },
    both("plonk-deadlock", 400..2100, &["aggregation-stuck"]),
    Story {
        name: "two-plonks-oom",
        look: 400..1200,
        logs: (&["wrap-overcommit", "worker-lost", "poison-task"], &["no-cpu-workers", "worker-silent"]),
        all: (&["wrap-overcommit", "memory-near-limit", "oom-killed", "crash-loop", "poison-task"], &["no-cpu-workers"]),
    },
    Story {
        name: "worker-lost",
        look: 400..1300,
        logs: (&["worker-lost"], &["worker-silent"]),
        all: (&["worker-lost"], &["worker-silent", "pod-not-ready"]),
    },
    both("api-outage", 400..1200, &["api-unreachable", "status-lost"]),
    Story {
        name: "coordinator-restart",
        look: 400..1200,
        logs: (&["coordinator-restarted"], &[]),
        all: (&["coordinator-restarted", "oom-killed"], &[]),
    },
    // While they are replaced one by one, the last old one stands beside new ones that work.
    Story { name: "gpu-stalled", look: 400..1900, logs: (&["gpu-queue-stalled"], &["worker-silent"]), all: (&["gpu-queue-stalled"], &[]) },
    both("hung-worker", 400..2050, &["worker-silent"]),
    both("redis-pressure", 500..1500, &["artifact-store-pressure", "proof-failed"]),
    both("redis-away", 500..1500, &["artifact-store-unreachable", "proof-failed"]),
    both("hung-coordinator", 500..1300, &["coordinator-silent"]),
    both("slow-coordinator", 500..1300, &["coordinator-slow"]),
    both("malformed-request", 500..1700, &["request-malformed"]),
    pods("crash-loop", 400..1800, &["crash-loop"]),
    Story {
        name: "task-poison",
        look: 400..1300,
        logs: (&["worker-lost", "poison-task"], &["worker-silent"]),
        all: (&["worker-lost", "poison-task"], &["worker-silent", "crash-loop"]),
    },
    both("retries-exhausted", 400..1500, &["task-retrying", "proof-failed"]),
    both("hung-task", 300..1900, &["task-hung"]),
    both("wedged-controller", 400..1600, &["controller-wedged"]),
    both("two-coordinators", 500..1250, &["coordinator-duplicated"]),
    Story { name: "late-proof", look: 400..1250, logs: (&["proof-failed"], &[]), all: (&["proof-deadline-risk", "proof-expired"], &[]) },
    pods("no-room", 500..1350, &["pod-not-ready"]),
    both("no-gpus", 500..1250, &["no-gpu-workers"]),
    both("no-shm", 600..1650, &["no-capacity"]),
    both("crowded-controllers", 400..1500, &["cpu-queue-blocked"]),
    pods("weight-ignored", 100..1600, &["controller-weight-ignored"]),
    pods("version-skew", 400..2000, &["version-skew"]),
];

/// Another one may be tried.
fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1)
}

/// What is seen of a cluster.
struct Watcher {
    model: Model,
    pipeline: Pipeline,
}

impl Watcher {
    fn new() -> Self {
        Self { model: Model::new(), pipeline: Pipeline::new(false) }
    }

    fn sees(&mut self, e: &Envelope) {
        self.pipeline.apply(e, &mut self.model);
    }

    fn told(&self) -> Vec<Transition> {
        self.pipeline.alerts().history().cloned().collect()
    }
}

/// Runs a story once: what was told by the logs alone, what by everything, and
/// when it came out.
fn simulate(story: &Story) -> ([Vec<Transition>; 2], Vec<(Timestamp, Sign)>) {
    let at = |second| START.plus(Duration::from_secs(second));
    let mut cluster = Direct::new(Scenario::find(story.name).unwrap().build(seed(), START), View::All);
    let (mut logs, mut all) = (Watcher::new(), Watcher::new());
    let mut envelopes = Vec::new();
    cluster.skip(at(story.look.start));
    for second in story.look.start + 1..=story.look.end {
        cluster.step(at(second), &mut envelopes);
        for e in envelopes.drain(..) {
            all.sees(&e);
            if e.kind == Kind::Tick || e.source.as_str().starts_with("log:") {
                logs.sees(&e);
            }
        }
    }
    ([logs.told(), all.told()], cluster.cluster().signs().collect())
}

fn tell(name: &str) {
    let story = STORIES.iter().find(|s| s.name == name).unwrap();
    let (told, signs) = simulate(story);
    let from = START.plus(Duration::from_secs(story.look.start));
    let mut wrong = Vec::new();
    for ((seen, (must, may)), got) in [("logs", story.logs), ("all", story.all)].into_iter().zip(&told) {
        if std::env::var("SHOW").is_ok() {
            for t in got {
                println!("  {:>5.0} {:?} {} {} {}", t.at.seconds_since(START), t.state, t.alert.id, t.alert.subject, t.alert.summary);
                for line in t.alert.consequences.iter().filter(|_| t.state == TransitionState::Resolved) {
                    println!("          - {line}");
                }
            }
        }
        let must: Vec<_> = must.iter().map(|id| (*id, proven::when(id, from, &signs))).collect();
        wrong.extend(judge(&format!("{} ({seen})", story.name), &must, may, got));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// No rule is never seen to fire.
#[test]
fn every_alert_has_a_story_or_a_recording() {
    let stories = STORIES.iter().flat_map(|s| s.logs.0.iter().chain(s.all.0)).copied();
    let seen: BTreeSet<&str> = stories.chain(CAPTURES.iter().flat_map(|c| c.must).map(|m| m.0)).collect();
    let missing: Vec<&str> = RULES.iter().map(|r| r.id).filter(|id| !seen.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// One test a story, so that they run beside each other.
macro_rules! stories {
    ($($test:ident $name:literal,)*) => {
        $(#[test] fn $test() { tell($name); })*

        #[test]
        fn every_story_is_told() {
            assert_eq!(STORIES.iter().map(|s| s.name).collect::<Vec<_>>(), [$($name),*]);
        }
    };
}

stories! {
    healthy "healthy",
    stuck_aggregation "stuck-aggregation",
    plonk_deadlock "plonk-deadlock",
    two_plonks_oom "two-plonks-oom",
    worker_lost "worker-lost",
    api_outage "api-outage",
    coordinator_restart "coordinator-restart",
    gpu_stalled "gpu-stalled",
    hung_worker "hung-worker",
    redis_pressure "redis-pressure",
    redis_away "redis-away",
    hung_coordinator "hung-coordinator",
    slow_coordinator "slow-coordinator",
    malformed_request "malformed-request",
    crash_loop "crash-loop",
    task_poison "task-poison",
    retries_exhausted "retries-exhausted",
    hung_task "hung-task",
    wedged_controller "wedged-controller",
    two_coordinators "two-coordinators",
    late_proof "late-proof",
    no_room "no-room",
    no_gpus "no-gpus",
    no_shm "no-shm",
    crowded_controllers "crowded-controllers",
    weight_ignored "weight-ignored",
    version_skew "version-skew",
}
