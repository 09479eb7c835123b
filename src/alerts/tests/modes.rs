//! How such clusters fail (reference 8.2), and what here tells of each: alert
//! rules, and checks of `doctor` for what can be told before.

use std::collections::BTreeSet;

use crate::alerts::rules::RULES;
use crate::doctor::checks::TABLE;

/// The failure mode, the alert rules, the checks of `doctor`.
type Mode = (&'static str, &'static [&'static str], &'static [&'static str]);

const MODES: [Mode; 39] = [
    ("F1 a wrap can never be placed", &["aggregation-stuck", "capacity-too-small"], &["capacity"]),
    ("F2 cpu-node killed for its memory", &["memory-near-limit", "oom-killed", "crash-loop"], &["pods", "capacity"]),
    ("F3 two wraps on one worker", &["wrap-overcommit"], &["capacity"]),
    ("F4 memory of Controller and CoreExecute", &["memory-near-limit", "proof-failed"], &["capacity"]),
    ("F5 an endless loop of kills", &["poison-task"], &[]),
    ("F6 Controllers fill the room", &["cpu-queue-blocked", "aggregation-stuck"], &["capacity"]),
    // While something runs that ends it is only a queue; where nothing does it is one of these.
    ("F7 the head of the CPU queue blocks", &["cpu-queue-blocked", "aggregation-stuck"], &[]),
    ("F8 a client that says nothing", &[], &["op-succinct"]),
    ("F9 the API is not reachable", &["api-unreachable"], &["api-grpc", "services"]),
    ("F10 the API is alive and useless", &["api-unreachable"], &["api-grpc"]),
    ("F11 the artifact store is away", &["artifact-store-unreachable", "proof-failed"], &["redis", "artifact-store"]),
    ("F12 /dev/shm too small", &["no-capacity", "proof-failed"], &["shm"]),
    ("F13 artifacts expire", &["proof-deadline-risk"], &["redis", "op-succinct"]),
    ("F14 Redis is full", &["artifact-store-pressure", "oom-killed"], &["redis"]),
    ("F15 large uploads to an old Redis", &["proof-failed"], &["redis"]),
    ("F16 deadlines", &["proof-expired", "proof-deadline-risk"], &[]),
    ("F17 the six hours of a task", &["task-hung", "task-retrying"], &["artifact-store", "op-succinct"]),
    ("F18 workers die, or are thought dead", &["worker-silent", "worker-lost"], &[]),
    ("F19 panics of unknown tasks", &["worker-lost", "crash-loop"], &["versions"]),
    ("F20 a wedged Controller", &["controller-wedged"], &[]),
    ("F21 the coordinator restarts", &["coordinator-restarted"], &[]),
    ("F22 an end that is not recorded", &["status-lost"], &[]),
    ("F23 circuits are downloaded", &["no-cpu-workers", "proof-failed"], &["pods"]),
    ("F24 versions differ", &["version-skew"], &["versions"]),
    ("F25 no workers", &["no-gpu-workers", "no-cpu-workers", "pod-not-ready"], &["pods", "capacity"]),
    ("F26 trouble of the workers' channels", &["worker-silent", "worker-lost"], &[]),
    // A roll-out is meant: that it kills what runs is told before.
    ("F27 roll-outs and drains", &[], &["capacity"]),
    ("F28 malformed rows", &["request-malformed"], &[]),
    ("F29 too many pending rows", &[], &["api-grpc"]),
    ("F30 faults of the guest", &["proof-failed"], &[]),
    ("F31 the coordinator is slow", &["coordinator-slow"], &[]),
    ("F32 two coordinators", &["coordinator-duplicated"], &[]),
    ("F33 Postgres forgets", &[], &["postgres"]),
    ("F34 faults of a GPU", &["task-retrying", "proof-failed"], &[]),
    ("F35 the client's store is another one", &["proof-failed"], &["artifact-store"]),
    ("F36 a shared input", &["proof-failed"], &[]),
    ("F37 silent failure after retries", &["task-retrying", "proof-failed"], &[]),
    ("F38 disks", &["pod-not-ready"], &["pods"]),
    ("F39 clocks differ", &[], &["clock"]),
];

/// Rules of the contract that the catalogue has under no number of its own.
const MORE: [&str; 4] = ["coordinator-silent", "gpu-queue-stalled", "controller-weight-ignored", "worker-silent"];

#[test]
fn every_way_to_fail_is_told_by_something_that_exists() {
    let rules: BTreeSet<&str> = RULES.iter().map(|r| r.id).collect();
    let checks: BTreeSet<&str> = TABLE.iter().map(|c| c.id).collect();
    for (n, (mode, by, before)) in MODES.iter().enumerate() {
        assert!(mode.starts_with(&format!("F{} ", n + 1)), "{mode}");
        assert!(!by.is_empty() || !before.is_empty(), "{mode} is told by nothing");
        for id in *by {
            assert!(rules.contains(id), "{mode}: there is no rule {id}");
        }
        for id in *before {
            assert!(checks.contains(id), "{mode}: there is no check {id}; there are {checks:?}");
        }
    }
    let told: BTreeSet<&str> = MODES.iter().flat_map(|m| m.1.iter().copied()).chain(MORE).collect();
    let idle: Vec<&&str> = rules.difference(&told).collect();
    assert!(idle.is_empty(), "rules that tell no failure: {idle:?}");
}
