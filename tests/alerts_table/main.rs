//! The alerts on every recording in `fixtures/captures` (a real coordinator) and
//! on every scenario of the simulated cluster, against what must fire, what may,
//! and when the data proves it. Prints the table of the README:
//! `cargo nextest run --test alerts_table --no-capture`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod proven;
mod stories;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sp1top::alerts::{Transition, TransitionState};
use sp1top::base::{SourceName, Timestamp};
use sp1top::model::Model;
use sp1top::pipeline::Pipeline;
use sp1top::sources::files::Recording;

/// What a recording is to give.
struct Expected {
    name: &'static str,
    /// Must fire: the id, and when the data proves it, a time of day.
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

/// Compares, prints a row, and returns what is wrong.
fn judge(name: &str, must: &[(&str, Option<Timestamp>)], may: &[&str], got: &[Transition]) -> Vec<String> {
    let mut wrong = Vec::new();
    let firing = |id: &str| got.iter().find(|t| t.state == TransitionState::Firing && t.alert.id == id);
    let mut delays = Vec::new();
    for (id, proven) in must {
        let Some(t) = firing(id) else {
            wrong.push(format!("{name}: {id} did not fire"));
            continue;
        };
        let Some(proven) = *proven else {
            wrong.push(format!("{name}: nothing proves {id}"));
            continue;
        };
        let delay = t.at.seconds_since(proven);
        delays.push(if delay < -1.0 { format!("{:.0} s before", -delay) } else { format!("{:.0} s", delay.max(0.0)) });
        if delay > 10.5 {
            wrong.push(format!("{name}: {id} fired {delay:.1} s late"));
        }
    }
    let known = |id: &str| may.contains(&id) || must.iter().any(|m| m.0 == id);
    let fired: BTreeSet<&str> = got.iter().filter(|t| t.state == TransitionState::Firing).map(|t| t.alert.id).collect();
    let false_ones: Vec<&str> = fired.iter().copied().filter(|id| !known(id)).collect();
    for id in &false_ones {
        let t = firing(id).unwrap();
        wrong.push(format!("{name}: {id} fired at {} on {}: {}", t.at, t.alert.subject, t.alert.summary));
    }
    let list = |l: Vec<&str>| if l.is_empty() { "none".to_owned() } else { l.join(", ") };
    let must = list(must.iter().map(|m| m.0).collect());
    let delay = if delays.is_empty() { "-".to_owned() } else { delays.join(", ") };
    println!("| {name} | {must} | {} | {delay} | {} |", list(fired.into_iter().collect()), list(false_ones));
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
        let must: Vec<_> = e.must.iter().map(|(id, clock)| (*id, time_of_day(&got, clock))).collect();
        wrong.extend(judge(e.name, &must, e.may, &got));
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

/// No fact of a log is lost because parts of it come again, and none is doubled but
/// workers' lines, of which the first counts.
fn lost_and_doubled(name: &str, once: &[u8], again: &[u8]) {
    use sp1top::event::{Batch, What};
    let facts = |text: &[u8]| {
        let source = SourceName::new("log:coordinator");
        let mut out = Batch { seq: 0, at: Timestamp::ZERO, source, events: Vec::new(), unread: Vec::new(), bytes: 0 };
        sp1top::parse::stream::Stream::new(false).feed(text, Timestamp::ZERO, &mut out);
        let of_worker = |e: &sp1top::event::Event| matches!(e.what, What::Worker(_));
        let show = |e: &sp1top::event::Event| format!("{e:?}");
        let (workers, others): (Vec<_>, Vec<_>) = out.events.iter().partition(|e| of_worker(e));
        (workers.into_iter().map(show).collect::<BTreeSet<_>>(), others.into_iter().map(show).collect::<Vec<_>>())
    };
    let (a, b) = (facts(once), facts(again));
    assert!(a.0 == b.0, "{name}: workers' lines are lost: {:?}", a.0.difference(&b.0).take(3).collect::<Vec<_>>());
    assert_eq!(a.1, b.1, "{name}");
}

/// Who follows a log anew is given its tail once more: nothing else is told.
#[test]
fn a_tail_that_comes_again_tells_nothing_new() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let dir = tempfile::tempdir().unwrap();
    for e in CAPTURES.iter().filter(|e| !matches!(e.name, "debug-compressed" | "scale-1000gpu")) {
        let bytes = zstd::decode_all(std::fs::File::open(root.join(e.name).join("coordinator.log.zst")).unwrap()).unwrap();
        let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
        let mut again: Vec<u8> = Vec::new();
        for (i, line) in lines.iter().enumerate() {
            again.extend_from_slice(line);
            if i % 97 == 96 {
                again.extend(lines[i - i.min(40 + i % 211)..=i].concat());
            }
        }
        lost_and_doubled(e.name, &bytes, &again);
        let told = |name: &str, text: &[u8]| {
            let path = dir.path().join(format!("{}-{name}.log", e.name));
            std::fs::write(&path, text).unwrap();
            play(&[path])
                .iter()
                .map(|t| (t.at, t.alert.id, t.state == TransitionState::Firing, t.alert.summary.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(told("again", &again), told("once", &bytes), "{}", e.name);
    }
}

/// Two logs in one file tell what each of them tells, whichever is first.
#[test]
fn glued_recordings_both_tell() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let read = |name: &str| zstd::decode_all(std::fs::File::open(root.join(name).join("coordinator.log.zst")).unwrap()).unwrap();
    let (early, late) = (read("stuck-plonk32"), read("plonk-queue"));
    let dir = tempfile::tempdir().unwrap();
    let told = |name: &str, parts: [&[u8]; 2]| {
        let path = dir.path().join(name);
        std::fs::write(&path, parts.concat()).unwrap();
        play(&[path]).iter().map(|t| (t.at, t.alert.id, t.state == TransitionState::Firing)).collect::<Vec<_>>()
    };
    let (good, bad) = (told("in-order.log", [&early, &late]), told("late-first.log", [&late, &early]));
    let stuck: Vec<String> = bad.iter().filter(|t| t.1 == "aggregation-stuck" && t.2).map(|t| t.0.clock()).collect();
    assert_eq!(stuck.len(), 2, "{bad:?}");
    assert_eq!(bad, good);
    assert!(bad.is_sorted_by_key(|t| t.0), "in the order of time");
}
