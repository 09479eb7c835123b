//! Recordings: the committed tapes show what they showed, seeking is the same as
//! playing, and what was live replays as it was.
#![allow(clippy::format_push_string, missing_docs, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sp1top::app::AppOptions;
use sp1top::base::Timestamp;
use sp1top::envelope::Envelope;
use sp1top::model::Model;
use sp1top::output::alerts::Line;
use sp1top::output::status::Status;
use sp1top::pipeline::Pipeline;
use sp1top::runtime::Feed as _;
use sp1top::runtime::demo::{Demo, DemoOptions};
use sp1top::runtime::live::Sources;
use sp1top::runtime::picture;
use sp1top::runtime::player::Player;
use sp1top::runtime::stage::Stage;
use sp1top::sim::Scenario;
use sp1top::sources::files::Recording;
use sp1top::tape::recorder::{Recorder, Sink};
use sp1top::ui::{Playback, ViewId};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn tapes() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(root("fixtures/tapes")).unwrap().map(|e| e.unwrap().path()).collect();
    all.retain(|p| p.extension().is_some_and(|e| e == "tape"));
    all.sort();
    assert!(all.len() >= 3, "the tapes are gone");
    all
}

/// Compares with a committed file, or writes it with `UPDATE_EXPECT=1`.
fn expect(path: &Path, got: &str) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, got).unwrap();
        return;
    }
    let want = std::fs::read_to_string(path).unwrap_or_default();
    if want != got {
        let line = want.lines().zip(got.lines()).position(|(a, b)| a != b).unwrap_or_else(|| want.lines().count().min(got.lines().count()));
        let near = |t: &str| t.lines().skip(line.saturating_sub(2)).take(6).collect::<Vec<_>>().join("\n");
        panic!(
            "{} is not what is replayed; from line {}:\n{}\n--- now\n{}\nlook at it, then UPDATE_EXPECT=1 cargo test --test replay",
            path.display(),
            line + 1,
            near(&want),
            near(got)
        );
    }
}

fn status(model: &Model, pipeline: &Pipeline) -> String {
    serde_json::to_string_pretty(&Status::of(model, pipeline.alerts())).unwrap() + "\n"
}

/// Everything that a recording says at its end, and all transitions on the way.
fn replay(paths: &[PathBuf], logs: bool) -> (Model, Pipeline, String) {
    let (mut model, mut pipeline, mut seen, mut lines) = (Model::new(), Pipeline::new(logs), 0, String::new());
    let mut recording = Recording::open(paths, "files").unwrap();
    while let Some(e) = recording.next().unwrap() {
        pipeline.apply(&e, &mut model);
        for t in pipeline.alerts().after(seen) {
            lines.push_str(&Line::of(t).json());
            lines.push('\n');
        }
        seen = pipeline.alerts().total();
    }
    (model, pipeline, lines)
}

#[test]
fn committed_tapes_replay_as_recorded() {
    for tape in tapes() {
        let beside = |ending: &str| tape.with_extension(ending);
        let (model, pipeline, lines) = replay(std::slice::from_ref(&tape), false);
        expect(&beside("status.json"), &status(&model, &pipeline));
        expect(&beside("alerts.jsonl"), &lines);
        let mut stage = Stage::open(std::slice::from_ref(&tape), AppOptions::default(), (120, 40), false).unwrap();
        let (begin, end) = stage.span();
        let mut frames = String::new();
        for part in [1, 2, 4] {
            stage.go(begin.plus(end.since(begin) * part / 4)).unwrap();
            frames.push_str(&picture::text(&stage.draw()));
        }
        expect(&beside("frames.txt"), &frames);
    }
}

#[test]
fn a_tape_of_raw_logs_says_what_they_say() {
    let logs: Vec<PathBuf> = std::fs::read_dir(root("fixtures/grpc"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let tape = dir.path().join("x.tape");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sp1top"));
    command.args(["record", "-o"]).arg(&tape).arg("--from").args(&logs);
    assert!(command.stderr(Stdio::null()).status().unwrap().success());
    let (raw, again) = (replay(&logs, true), replay(&[tape], true));
    assert_eq!(status(&raw.0, &raw.1), status(&again.0, &again.1));
    assert_eq!(raw.2, again.2);
    assert_eq!(raw.0.seq, again.0.seq);
}

/// Waits until the player has done what it was asked for.
fn settle(player: &mut Player, model: &mut Model) {
    settle_within(player, model, Duration::from_secs(60));
}

fn settle_within(player: &mut Player, model: &mut Model, limit: Duration) {
    let begun = Instant::now();
    while !player.settled() {
        player.advance(Duration::ZERO, model);
        assert!(begun.elapsed() < limit, "it never gets there");
        std::thread::sleep(Duration::from_millis(1));
    }
    player.advance(Duration::ZERO, model);
}

#[test]
fn going_somewhere_is_the_same_as_playing_to_it() {
    let tape = tapes().remove(0);
    let paths = std::slice::from_ref(&tape);
    let mut recording = Recording::open(paths, "files").unwrap();
    let mut ends: Vec<(Timestamp, String)> = Vec::new();
    let (mut model, mut pipeline) = (Model::new(), Pipeline::new(true));
    let mut times = Vec::new();
    while let Some(e) = recording.next().unwrap() {
        pipeline.apply(&e, &mut model);
        if recording.next_at().is_none_or(|n| n > e.at) {
            times.push(e.at);
            ends.push((e.at, status(&model, &pipeline)));
        }
    }
    let mut player = Player::open(paths, Some(1.0)).unwrap();
    player.stand();
    let mut shown = Model::new();
    let n = ends.len();
    // Forth and back in all lengths of step.
    for i in [n - 1, 0, n / 2, n / 3, n / 2 + 1, n - 2, n / 5, n / 5 + 1, n / 5, 3, n - 1] {
        let (at, want) = &ends[i.min(n - 1)];
        player.go(*at, &mut shown).unwrap();
        settle(&mut player, &mut shown);
        let got = serde_json::to_string_pretty(&Status::of(&shown, player.alerts())).unwrap() + "\n";
        assert_eq!(&got, want, "at {at}");
    }
}

#[test]
fn any_speed_shows_the_same_and_marks_can_be_gone_to() {
    let fires = |t: &PathBuf| replay(std::slice::from_ref(t), false).2.contains("\"firing\"");
    let tape = tapes().into_iter().find(fires).expect("a tape in which an alert fires");
    let paths = std::slice::from_ref(&tape);
    let at_end = |speed| {
        let mut player = Player::open(paths, speed).unwrap();
        let mut model = Model::new();
        while !player.finished() {
            player.advance(Duration::from_millis(700), &mut model);
        }
        serde_json::to_string(&Status::of(&model, player.alerts())).unwrap()
    };
    let fast = at_end(None);
    assert_eq!(fast, at_end(Some(3.7)));
    assert_eq!(fast, at_end(Some(400.0)));

    let mut player = Player::open(paths, Some(1.0)).unwrap();
    let mut model = Model::new();
    player.control(&Playback::Alert { back: false }, &mut model).unwrap();
    settle(&mut player, &mut model);
    assert!(!player.alerts().firing().is_empty(), "no alert fires where it begins to");
    let first = model.now;
    player.control(&Playback::Alert { back: true }, &mut model).unwrap_err();
    player.control(&Playback::Proof { back: true }, &mut model).unwrap();
    settle(&mut player, &mut model);
    assert!(model.now < first && player.alerts().firing().iter().all(|a| a.fired_at < first));
    // A loop from here to the alert.
    player.control(&Playback::Loop, &mut model).unwrap();
    let begin = player.clock();
    player.control(&Playback::Alert { back: false }, &mut model).unwrap();
    settle(&mut player, &mut model);
    player.control(&Playback::Loop, &mut model).unwrap();
    player.control(&Playback::Toggle, &mut model).unwrap();
    player.advance(Duration::from_secs(1), &mut model);
    settle(&mut player, &mut model);
    assert!(player.clock() < first && player.clock() >= begin, "it did not go round");
}

#[test]
fn from_the_end_one_goes_back_to_look_not_to_play() {
    let tape = &tapes()[0];
    for back in [true, false] {
        let mut player = Player::open(std::slice::from_ref(tape), None).unwrap();
        let mut model = Model::new();
        while !player.finished() {
            player.advance(Duration::from_millis(700), &mut model);
        }
        let to = player.clock().minus(Duration::from_secs(10));
        let what = if back { Playback::SeekBy { by: Duration::from_secs(10), back } } else { Playback::SeekTo(to) };
        player.control(&what, &mut model).unwrap();
        settle(&mut player, &mut model);
        player.advance(Duration::from_secs(60), &mut model);
        assert_eq!((player.clock(), player.finished()), (to, false));
        // And plays when it is told to.
        player.control(&Playback::Toggle, &mut model).unwrap();
        player.advance(Duration::from_secs(60), &mut model);
        assert!(player.clock() > to);
    }
}

#[test]
fn a_start_outside_of_the_recording_is_told() {
    let tape = &tapes()[0];
    let open = || Player::open(std::slice::from_ref(tape), Some(1.0)).unwrap();
    let begin = open().begin();
    for (at, words) in [
        (begin.minus(Duration::from_secs(60)), Some("the recording begins at ")),
        (begin.plus(Duration::from_secs(86_400 * 3)), Some("the recording ends at ")),
        (begin.plus(Duration::from_secs(1)), None),
    ] {
        let (mut player, mut model) = (open(), Model::new());
        player.start_at(&at.to_string()).unwrap();
        settle(&mut player, &mut model);
        let told = player.trouble();
        assert_eq!(told.as_deref().map(|t| words.is_some_and(|w| t.starts_with(w))), words.map(|_| true), "{told:?}");
    }
}

#[test]
fn a_start_is_written_as_in_the_dialog() {
    let dir = tempfile::tempdir().unwrap();
    let tape = &tapes()[0];
    // Where the end is told by the file, and where all of it has to be read first.
    let folder = dir.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(tape, folder.join("a.tape")).unwrap();
    for path in [tape, &folder] {
        let open = || Player::open(std::slice::from_ref(path), Some(1.0)).unwrap();
        let (mut whole, mut model) = (open(), Model::new());
        settle(&mut whole, &mut model);
        let (begin, end) = whole.time().span().unwrap();
        let half = begin.plus(end.since(begin) / 2);
        let clock = half.date_clock()[11..].to_owned();
        let secs = Timestamp::from_secs(half.secs());
        for (text, want) in [
            ("50%", half),
            ("0%", begin),
            ("100%", end),
            ("-10s", end.minus(Duration::from_secs(10))),
            ("+10s", begin.plus(Duration::from_secs(10))),
            (clock.as_str(), secs),
        ] {
            let (mut player, mut model) = (open(), Model::new());
            player.start_at(text).unwrap();
            settle(&mut player, &mut model);
            assert_eq!((player.clock(), player.trouble()), (want, None), "{text} of {}", path.display());
        }
        assert!(open().start_at("half").unwrap_err().contains("50%"));
    }
}

#[test]
fn a_live_session_replays_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("live.tape");
    let scenario = Scenario::find(sp1top::sim::DEFAULT_SCENARIO).unwrap();
    let demo = Demo::start(DemoOptions { scenario, seed: 3, speed: 60.0 }).unwrap();
    let mut sources = Sources::start_by(demo.config(), Vec::new(), demo.clock()).unwrap();
    let recorder = Recorder::start(Sink::file(&path, None).unwrap(), path.clone()).unwrap();
    let (mut model, mut pipeline, mut sent) = (Model::new(), Pipeline::new(true), Vec::<Envelope>::new());
    let (mut seen, mut lines) = (0, String::new());
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        let Some(e) = sources.wait(Duration::from_millis(100)) else { continue };
        recorder.put(&e);
        pipeline.apply(&e, &mut model);
        for t in pipeline.alerts().after(seen) {
            lines.push_str(&Line::of(t).json());
            lines.push('\n');
        }
        seen = pipeline.alerts().total();
        sent.push(e);
    }
    sources.stop();
    recorder.finish().unwrap();
    let kinds: std::collections::BTreeSet<String> = sent.iter().map(|e| format!("{:?}", e.kind)).collect();
    assert!(sent.len() > 50 && kinds.len() >= 6, "{} envelopes of {kinds:?}", sent.len());
    let mut recording = Recording::open(std::slice::from_ref(&path), "replay").unwrap();
    for e in &sent {
        assert_eq!(recording.next().unwrap().as_ref(), Some(e));
    }
    assert!(recording.next().unwrap().is_none());
    let again = replay(&[path], true);
    assert_eq!(status(&again.0, &again.1), status(&model, &pipeline));
    assert_eq!(again.2, lines);
}

/// Everything that a tape holds, as one text.
fn content(tape: &Path) -> String {
    let mut recording = Recording::open(&[tape.to_owned()], "files").unwrap();
    let mut out = String::new();
    while let Some(e) = recording.next().unwrap() {
        out.push_str(e.source.as_str());
        out.push_str(&String::from_utf8_lossy(&e.raw));
        out.push('\n');
    }
    out
}

const SECRETS: [&str; 7] = [
    "hunter2",
    "correct-horse",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "0xfeedfacecafe",
    "sk-live-4242",
    "s3cr3t-env",
    "annotated-pw",
];

#[test]
fn no_planted_secret_is_on_a_tape() {
    let dir = tempfile::tempdir().unwrap();
    let (log, pods, tape) = (dir.path().join("node.log"), dir.path().join("pods.json"), dir.path().join("x.tape"));
    let line = |n: usize, text: &str| format!("2026-11-24T00:00:{n:02}.000000Z  INFO sp1_cluster_node: {text}\n");
    let mut text = line(0, "worker type: Cpu");
    for (n, secret) in [
        "connecting to redis://user:hunter2@redis-master:6379/0",
        "DATABASE_URL=postgresql://u:hunter2@db/x PRIVATE_KEY=0xfeedfacecafe",
        "env {\"AWS_SECRET_ACCESS_KEY\": \"correct-horse\"} api_token=sk-live-4242",
        "GET https://x/y Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "bare eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl in a line",
    ]
    .into_iter()
    .enumerate()
    {
        text.push_str(&line(n + 1, secret));
    }
    std::fs::write(&log, &text).unwrap();
    let pod = serde_json::json!({"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {"name": "cpu-node-1", "creationTimestamp": "2026-11-24T00:00:00Z",
        "annotations": {"note": "annotated-pw"}, "managedFields": [{"x": "annotated-pw"}]},
        "spec": {"containers": [{"name": "cpu-node", "command": ["x", "--key", "s3cr3t-env"], "env": [
            {"name": "MY_THING", "value": "s3cr3t-env"}, {"name": "WORKER_MAX_WEIGHT_OVERRIDE", "value": "48"}, {"name": "NODE_REDIS_NODES", "value": "redis://:hunter2@r:6379"}]}]},
        "status": {"phase": "Running"}}]});
    std::fs::write(&pods, pod.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sp1top"));
    command.args(["record", "-o"]).arg(&tape).arg("--from").args([&log, &pods]);
    assert!(command.stderr(Stdio::null()).status().unwrap().success());
    let kept = content(&tape);
    for s in SECRETS {
        assert!(!kept.contains(s), "{s} is on the tape:\n{kept}");
    }
    for useful in ["worker type: Cpu", "WORKER_MAX_WEIGHT_OVERRIDE", "\"48\"", "redis-master:6379"] {
        assert!(kept.contains(useful), "{useful} is gone:\n{kept}");
    }
    // The same through a live source that grows.
    let live = dir.path().join("live.tape");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sp1top"));
    command.args(["record", "--no-kube", "--for", "1s", "-o"]).arg(&live).arg("--log").arg(format!("cpu-node={}", log.display()));
    assert!(command.stderr(Stdio::null()).status().unwrap().success());
    let kept = content(&live);
    assert!(kept.contains("worker type: Cpu"));
    for s in SECRETS {
        assert!(!kept.contains(s), "{s} is on the live tape:\n{kept}");
    }
}

#[test]
fn a_kill_loses_at_most_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let (log, tape) = (dir.path().join("c.log"), dir.path().join("x.tape"));
    std::fs::write(&log, "").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sp1top"));
    command.args(["record", "--no-kube", "-o"]).arg(&tape).arg("--log").arg(format!("coordinator={}", log.display()));
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let mut written = String::new();
    let mut times = Vec::new();
    while begun.elapsed() < Duration::from_millis(2500) {
        written.push_str(&format!("2026-11-24T00:00:00.000000Z  INFO x: line {}\n", times.len()));
        times.push(Instant::now());
        std::fs::write(&log, &written).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    let killed = Instant::now();
    child.wait().unwrap();
    let kept = content(&tape);
    let lost: Vec<usize> = (0..times.len()).filter(|n| !kept.contains(&format!("line {n}\n"))).collect();
    let oldest = lost.first().map_or(Duration::ZERO, |n| killed - times[*n]);
    assert!(lost.len() < times.len() && oldest < Duration::from_millis(1400), "lost what was {oldest:?} old");
}

#[test]
fn pictures_of_the_readme_are_current() {
    // Name, tape, further arguments.
    let list = std::fs::read_to_string(root("docs/pictures/list.txt")).unwrap();
    for line in list.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')) {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap();
        let out = Command::new(env!("CARGO_BIN_EXE_sp1top"))
            .arg("frame")
            .args(words)
            .current_dir(root(""))
            .env_remove("SP1TOP_THEME")
            .output()
            .unwrap();
        assert!(out.status.success(), "{line}: {}", String::from_utf8_lossy(&out.stderr));
        expect(&root("docs/pictures").join(name), &String::from_utf8(out.stdout).unwrap());
    }
}

#[test]
fn every_view_of_every_tape_draws() {
    for tape in tapes() {
        let mut stage = Stage::open(std::slice::from_ref(&tape), AppOptions::default(), (80, 24), false).unwrap();
        let (_, end) = stage.span();
        stage.go(end).unwrap();
        for view in ViewId::ALL {
            stage.press(&view.number().to_string()).unwrap();
            assert!(picture::text(&stage.draw()).trim().len() > 100, "{view:?} of {}", tape.display());
        }
    }
}

/// Run it with `--release`: `cargo test --release --test replay day -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement: 24 h of 50 workers"]
fn a_day_can_be_gone_through_at_once() {
    use sp1top::base::SourceName;
    use sp1top::envelope::Kind;
    use std::fmt::Write as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("day.tape");
    let mut sink = Sink::file(&path, None).unwrap();
    let begin = Timestamp::parse("2026-11-24T00:00:00Z").unwrap();
    let (mut seq, mut raw_bytes) = (0, 0);
    for n in 0..8640_u64 {
        let at = begin.plus(Duration::from_secs(10 * n));
        let stamp = at.to_string().replace('Z', ".000001Z");
        let mut text = format!(
            "{stamp}  INFO sp1_cluster_coordinator: [coordinator] GetStatsResponse {{ coordinator_version: \"x\", sp1_circuit_version: \"v6.1.0\", total_tasks: {}, active_tasks: 300, cpu_workers: 10, gpu_workers: 40, cpu_utilization_current: 100, cpu_utilization_max: 480, gpu_utilization_current: 960, gpu_utilization_max: 960, active_proofs: 8, cpu_queue: {}, gpu_queue: {}, active_subscribers: 0 }}\n",
            n * 30,
            n % 3,
            n % 200
        );
        for w in 0..50 {
            let kind = if w < 10 { "Cpu" } else { "Gpu" };
            let task = if w < 10 { "Controller" } else { "ProveShard" };
            let tasks: Vec<String> = (0..6)
                .map(|t| {
                    format!("(\"cli_179548{:07}\", \"task_01m85j{:020}\", Some(Some({task})))", (n / 60) * 10 + t, n / 6 * 300 + w * 6 + t)
                })
                .collect();
            let _ = writeln!(
                text,
                "{stamp}  INFO sp1_cluster_coordinator: [coordinator] worker unknown_{w:032x} {kind} () 0 [{}]",
                tasks.join(", ")
            );
        }
        raw_bytes += text.len();
        seq += 1;
        sink.put(&Envelope { seq, at, source: SourceName::new("log:coordinator"), kind: Kind::Log, raw: text.into() }).unwrap();
        for s in 1..10 {
            seq += 1;
            let at = at.plus(Duration::from_secs(s));
            sink.put(&Envelope { seq, at, source: SourceName::new("clock"), kind: Kind::Tick, raw: bytes::Bytes::new() }).unwrap();
        }
    }
    sink.finish().unwrap();
    let begun = Instant::now();
    let mut player = Player::open(std::slice::from_ref(&path), Some(1.0)).unwrap();
    let mut model = Model::new();
    player.stand();
    player.advance(Duration::from_millis(10), &mut model);
    println!("opened in {:?}; {} MiB on disk, {} MiB raw", begun.elapsed(), std::fs::metadata(&path).unwrap().len() >> 20, raw_bytes >> 20);
    settle_within(&mut player, &mut model, Duration::from_secs(900));
    println!("read ahead in {:?}, {} points", begun.elapsed(), player.points().count());
    let mut worst = Duration::ZERO;
    for i in 0..40_u64 {
        let to = begin.plus(Duration::from_secs(i * 7919 * 11 % 86_400));
        let begun = Instant::now();
        player.go(to, &mut model).unwrap();
        loop {
            player.advance(Duration::ZERO, &mut model);
            if player.settled() {
                break;
            }
        }
        worst = worst.max(begun.elapsed());
    }
    println!("the longest way took {worst:?}");
    assert!(worst < Duration::from_millis(100) || cfg!(debug_assertions), "{worst:?}");
}
