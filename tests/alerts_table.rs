//! The alerts on every recording in `fixtures/captures` (a real coordinator) and
//! on every scenario of the simulated cluster, against what must fire, what may,
//! and when the data proves it. Prints the table of the README:
//! `cargo nextest run --test alerts_table --no-capture`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sp1top::alerts::{Transition, TransitionState};
use sp1top::base::{SourceName, Timestamp};
use sp1top::envelope::{Envelope, Kind, SourceState, SourceUpdate};
use sp1top::model::Model;
use sp1top::pipeline::Pipeline;
use sp1top::sim::{SCENARIOS, Scenario};
use sp1top::sources::files::Recording;

/// What a recording or a scenario is to give.
struct Expected {
    name: &'static str,
    /// Must fire: the id, and when the data proves it: a time of day, or
    /// seconds of the story.
    must: &'static [(&'static str, &'static str)],
    /// True as well, and may be told.
    may: &'static [&'static str],
}

const fn quiet(name: &'static str) -> Expected {
    Expected { name, must: &[], may: &[] }
}

const CAPTURES: &[Expected] = &[
    // The API is gone at 00:55:13; a poll gives up after about 10 s, and the second one that does is proof.
    Expected { name: "api-outage", must: &[("api-unreachable", "00:55:31"), ("status-lost", "00:55:38")], may: &[] },
    quiet("debug-compressed"),
    Expected { name: "gpu-worker-death", must: &[("worker-lost", "00:50:37")], may: &["worker-silent"] },
    quiet("healthy-compressed"),
    quiet("healthy-plonk48"),
    quiet("idle"),
    quiet("json-plonk48"),
    quiet("plain-all-worker"),
    // The second block with a queue, an idle GPU side and Controllers only.
    Expected { name: "plonk-queue", must: &[("aggregation-stuck", "00:55:07")], may: &[] },
    Expected { name: "real-cpu-cluster", must: &[("proof-failed", "01:26:32")], may: &[] },
    Expected { name: "retries-exhausted", must: &[("task-retrying", "00:50:06"), ("proof-failed", "00:50:51")], may: &[] },
    Expected { name: "scale-1000gpu", must: &[("worker-lost", "01:08:34")], may: &["worker-silent"] },
    Expected { name: "stuck-plonk32", must: &[("aggregation-stuck", "00:42:06")], may: &[] },
    Expected { name: "stuck32-nodes", must: &[("aggregation-stuck", "01:25:20")], may: &[] },
    Expected {
        name: "two-plonk-oom64",
        must: &[("worker-lost", "00:43:36"), ("no-cpu-workers", "00:43:46")],
        // Two wraps of 32 fit 64 by their own weights.
        may: &["wrap-overcommit", "worker-silent"],
    },
    quiet("v272-json"),
    quiet("v272-plonk48"),
    Expected { name: "v272-stuck32", must: &[("aggregation-stuck", "02:15:23")], may: &[] },
];

/// From the logs alone. Times are those of the events of the stories, and what
/// the coordinator needs to notice: 31 to 41 s for a lost worker.
const STORIES: &[Expected] = &[
    quiet("healthy"),
    Expected { name: "stuck-aggregation", must: &[("aggregation-stuck", "")], may: &["worker-lost"] },
    Expected { name: "plonk-deadlock", must: &[("aggregation-stuck", "")], may: &[] },
    Expected {
        name: "two-plonks-oom",
        must: &[("wrap-overcommit", ""), ("worker-lost", "")],
        may: &["no-cpu-workers", "worker-silent", "poison-task"],
    },
    Expected { name: "worker-lost", must: &[("worker-lost", "762")], may: &["worker-silent"] },
    Expected { name: "api-outage", must: &[("api-unreachable", "740")], may: &["status-lost"] },
    Expected { name: "coordinator-restart", must: &[("coordinator-restarted", "")], may: &["coordinator-silent"] },
    Expected { name: "gpu-stalled", must: &[("gpu-queue-stalled", "905")], may: &["worker-lost", "worker-silent"] },
    Expected { name: "hung-worker", must: &[("worker-silent", "")], may: &["worker-lost", "task-hung"] },
    Expected { name: "redis-pressure", must: &[("artifact-store-pressure", ""), ("proof-failed", "")], may: &[] },
    // Two wraps of different kinds share a worker by its maximum of 96 as well.
    Expected { name: "crash-loop", must: &[], may: &["worker-lost", "worker-silent", "wrap-overcommit"] },
    Expected { name: "task-poison", must: &[("worker-lost", ""), ("poison-task", "")], may: &["worker-silent"] },
    Expected { name: "retries-exhausted", must: &[("task-retrying", ""), ("proof-failed", "")], may: &[] },
    Expected { name: "version-skew", must: &[], may: &["worker-lost", "worker-silent"] },
];

const START: Timestamp = Timestamp::from_secs(1_795_480_000);

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut list: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    list.sort();
    list
}

fn play(paths: &[PathBuf]) -> Vec<Transition> {
    let mut recording = Recording::open(paths, "files").unwrap();
    let (mut pipeline, mut model) = (Pipeline::new(false), Model::new());
    while let Some(e) = recording.next().unwrap() {
        pipeline.apply(&e, &mut model);
    }
    pipeline.alerts().history().cloned().collect()
}

/// Runs a scenario, with its containers' logs as the only source.
fn simulate(s: &Scenario, seed: u64) -> Vec<Transition> {
    let mut cluster = s.build(seed, START);
    let (mut pipeline, mut model) = (Pipeline::new(false), Model::new());
    let mut seq = 0;
    let mut send = |at, source: &str, kind, raw: Vec<u8>| {
        seq += 1;
        pipeline.apply(&Envelope { seq, at, source: SourceName::new(source), kind, raw: raw.into() }, &mut model);
    };
    let mut known = BTreeSet::new();
    for second in 1..=s.length.as_secs() {
        let now = START.plus(Duration::from_secs(second));
        for o in cluster.step_until(now) {
            let pod = cluster.pod(o.source.pod).unwrap();
            let source = format!("log:{}", pod.name);
            if known.insert(o.source) {
                let update = SourceUpdate {
                    state: SourceState::Live,
                    detail: String::new(),
                    component: Some(pod.container.to_string()),
                    pod: Some(pod.name.clone()),
                    dropped: 0,
                };
                send(o.at, &source, Kind::LogBreak, Vec::new());
                send(o.at, &source, Kind::Source, serde_json::to_vec(&update).unwrap());
            }
            send(o.at, &source, Kind::Log, o.bytes);
        }
        send(now, "clock", Kind::Tick, Vec::new());
    }
    pipeline.alerts().history().cloned().collect()
}

/// Compares, prints a row, and returns what is wrong.
fn judge(e: &Expected, got: &[Transition], clock: impl Fn(&str) -> Option<Timestamp>) -> Vec<String> {
    let mut wrong = Vec::new();
    let firing = |id: &str| got.iter().find(|t| t.state == TransitionState::Firing && t.alert.id == id);
    let mut delays = Vec::new();
    for (id, proven) in e.must {
        let Some(t) = firing(id) else {
            wrong.push(format!("{}: {id} did not fire", e.name));
            continue;
        };
        let Some(proven) = clock(proven) else { continue };
        let delay = t.at.seconds_since(proven);
        delays.push(format!("{delay:.0} s"));
        if delay > 10.5 {
            wrong.push(format!("{}: {id} fired {delay:.1} s late", e.name));
        }
    }
    let known = |id: &str| e.may.contains(&id) || e.must.iter().any(|m| m.0 == id);
    let fired: BTreeSet<&str> = got.iter().filter(|t| t.state == TransitionState::Firing).map(|t| t.alert.id).collect();
    let false_ones: Vec<&str> = fired.iter().copied().filter(|id| !known(id)).collect();
    for id in &false_ones {
        let t = firing(id).unwrap();
        wrong.push(format!("{}: {id} fired at {} on {}: {}", e.name, t.at, t.alert.subject, t.alert.summary));
    }
    let list = |l: Vec<&str>| if l.is_empty() { "none".to_owned() } else { l.join(", ") };
    let must = list(e.must.iter().map(|m| m.0).collect());
    let delay = if delays.is_empty() { "-".to_owned() } else { delays.join(", ") };
    println!("| {} | {must} | {} | {delay} | {} |", e.name, list(fired.into_iter().collect()), list(false_ones));
    wrong
}

fn time_of_day(folder: &[Transition], clock: &str) -> Option<Timestamp> {
    let day = folder.first()?.at.to_string()[..10].to_owned();
    Timestamp::parse(&format!("{day}T{clock}Z"))
}

const HEAD: &str = "| recording | expected | fired | delay | false |\n|---|---|---|---|---|";

#[test]
fn recordings_of_a_real_coordinator() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    println!("{HEAD}");
    let mut wrong = Vec::new();
    for e in CAPTURES {
        let all = files(&root.join(e.name));
        let log: Vec<PathBuf> = all.iter().filter(|p| p.file_name().unwrap() == "coordinator.log.zst").cloned().collect();
        let with_stats = log.iter().chain(all.iter().filter(|p| p.ends_with("grpc.jsonl.zst"))).cloned().collect::<Vec<_>>();
        // The coordinator's log alone; with the answers of gRPC; everything.
        let runs: BTreeSet<Vec<PathBuf>> = [all.clone(), with_stats].into();
        let got = play(&log);
        wrong.extend(judge(e, &got, |c| time_of_day(&got, c)));
        for paths in runs.iter().filter(|p| **p != log) {
            let fired = |t: &[Transition]| {
                t.iter().map(|t| (t.alert.id, t.state == TransitionState::Firing, t.alert.subject.clone())).collect::<BTreeSet<_>>()
            };
            let more = play(paths);
            for extra in fired(&more).symmetric_difference(&fired(&got)) {
                let known = e.must.iter().any(|m| m.0 == extra.0) || e.may.contains(&extra.0);
                if !known {
                    wrong.push(format!("{} with {} files: {extra:?}", e.name, paths.len()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Wherever a healthy log is cut, nothing fires.
#[test]
fn healthy_recordings_may_begin_and_end_anywhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let dir = tempfile::tempdir().unwrap();
    for e in CAPTURES.iter().filter(|e| e.must.is_empty() && e.name != "debug-compressed") {
        let bytes = zstd::decode_all(std::fs::File::open(root.join(e.name).join("coordinator.log.zst")).unwrap()).unwrap();
        for i in 1..4 {
            let at = bytes.len() * i / 4 + 37 * i;
            for (n, part) in [&bytes[..at], &bytes[at..]].into_iter().enumerate() {
                let path = dir.path().join(format!("{}-{i}-{n}.log", e.name));
                std::fs::write(&path, part).unwrap();
                let got: Vec<_> = play(&[path]).iter().map(|t| t.alert.summary.clone()).collect();
                assert!(got.is_empty(), "{} cut at {at}: {got:?}", e.name);
            }
        }
    }
}

/// `cargo nextest run --release --run-ignored all --test alerts_table --no-capture`; `STORY=name` for
/// one of them, `SHOW=1` for every transition.
#[test]
#[ignore = "minutes of simulated time: slow without --release"]
fn stories_of_the_simulated_cluster() {
    println!("{HEAD}");
    let mut wrong = Vec::new();
    let only = std::env::var("STORY").ok();
    for e in STORIES.iter().filter(|e| only.as_deref().is_none_or(|o| o == e.name)) {
        let s = SCENARIOS.iter().find(|s| s.name == e.name).unwrap();
        let got = simulate(s, 1);
        if std::env::var("SHOW").is_ok() {
            for t in &got {
                println!("  {:>5.0} {:?} {} {} {}", t.at.seconds_since(START), t.state, t.alert.id, t.alert.subject, t.alert.summary);
            }
        }
        wrong.extend(judge(e, &got, |c| c.parse().ok().map(|s| START.plus(Duration::from_secs(s)))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
