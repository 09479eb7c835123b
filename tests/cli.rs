//! What scripts rely on: exit codes, and one line on standard error that says
//! what happened and what to try.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A port that nobody listens on.
const NOBODY: &str = "http://127.0.0.1:1";

struct Told {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Told {
    /// One line, the code, and all of these words.
    fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.err);
        let line = self.err.trim_end().lines().last().unwrap_or_default();
        for w in words {
            assert!(line.contains(w), "'{w}' is not in: {}", self.err);
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

fn run(dir: &TempDir, args: &[&str]) -> Told {
    let mut c = Command::new(env!("CARGO_BIN_EXE_sp1top"));
    c.args(args).env_clear().env("HOME", dir.path()).env("PATH", std::env::var_os("PATH").unwrap()).current_dir(dir.path());
    let o = c.output().unwrap();
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    Told { code: o.status.code(), out: text(&o.stdout), err: text(&o.stderr) }
}

fn dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures").join(name).join("coordinator.log.zst")
}

#[test]
fn a_frame_of_a_time_outside_of_the_tape_is_the_nearest_one() {
    let d = dir();
    let tape = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tapes/two-plonk-oom64.tape");
    let frame = |at: &[&str]| run(&d, &[&["frame", "--from", tape.to_str().unwrap()], at].concat());
    let (first, last) = (frame(&["--at", "0%"]), frame(&[]));
    assert_eq!((first.code, first.err.as_str(), last.err.as_str()), (Some(0), "", ""));
    assert_ne!(first.out, last.out);
    for (at, like, words) in
        [("2020-01-01T00:00:00Z", &first, "the recording begins at "), ("2030-01-01T00:00:00Z", &last, "the recording ends at ")]
    {
        let told = frame(&["--at", at]);
        assert_eq!((told.code, &told.out), (Some(0), &like.out), "{at}");
        assert!(told.err.contains(words), "{}", told.err);
    }
    // A time of day before the beginning is not that of the next day.
    let told = frame(&["--at", "00:00:01"]);
    assert!(told.out == first.out && told.err.contains("the recording begins at "), "{}", told.err);
    assert_eq!(frame(&["--at", "-0s"]).out, last.out);
    frame(&["--at", "soon"]).fails(2, &["'soon' is no time", "50%"]);
}

#[test]
fn files_that_cannot_be_read_or_written() {
    let d = dir();
    std::os::unix::fs::symlink("loop", d.path().join("loop")).unwrap();
    run(&d, &["status", "--from", "loop"]).fails(1, &["cannot read loop", "leads back to itself", "readlink loop"]);
    run(&d, &["status", "--from", "none.log"]).fails(1, &["none.log: no such file; check the path"]);
    run(&d, &["status", "--kubeconfig", "/nope"]).fails(1, &["--kubeconfig: /nope: no such file", "sp1top demo"]);
    run(&d, &["prove", "elf", "/missing"]).fails(1, &["/missing: no such file; check the path"]);
    std::fs::write(d.path().join("x.log"), "x\n").unwrap();
    run(&d, &["record", "--from", "x.log", "-o", "no/t.tape"]).fails(1, &["cannot write no/t.tape", "make its folder first"]);
    run(&d, &["record", "--from", "x.log", "-o", "x.log/t.tape"]).fails(1, &["cannot write x.log/t.tape", "give another place"]);
}

#[test]
fn op_succinct_is_not_there() {
    let d = dir();
    let range = |at: &str| run(&d, &["range-proof", "--op-succinct", at, "--start", "1", "--end", "2"]);
    range("/nonexist").fails(2, &["--op-succinct: there is no folder /nonexist", "cloned into"]);
    range(".").fails(2, &["is no checkout of op-succinct", "no Cargo.toml", "cloned into"]);
}

#[test]
fn nobody_answers() {
    let d = dir();
    let list = run(&d, &["proofs", "list", "--no-kube", "--cluster-rpc", NOBODY]);
    list.fails(1, &["is not reachable", "Connection refused", "check the address", "kubectl port-forward svc/api-grpc"]);
    let record = run(&d, &["record", "-o", "t.tape", "--for", "2s", "--no-kube", "--coordinator-rpc", NOBODY]);
    record.fails(1, &["nothing was heard: grpc:coordinator", "Connection refused", "sp1top doctor"]);
    // What was said meanwhile is kept all the same.
    assert!(d.path().join("t.tape").is_file());
}

#[test]
fn a_recording_without_anything_of_ours_is_told() {
    let d = dir();
    let noise: Vec<u8> = (0..5000_u32).map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).unwrap() | 0x80).collect();
    std::fs::write(d.path().join("noise.bin"), noise).unwrap();
    std::fs::write(d.path().join("empty.log"), "").unwrap();
    let told = run(&d, &["status", "-o", "json", "--from", "noise.bin", "empty.log"]);
    assert_eq!(told.code, Some(0));
    let lines: Vec<&str> = told.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", told.err);
    for (line, words) in [(lines[0], ["in empty.log", "it is empty"]), (lines[1], ["in noise.bin", "5000 bytes"])] {
        assert!(words.iter().all(|w| line.contains(w)) && line.contains("kubectl logs deploy/coordinator"), "{line}");
    }
    let sources = told.json()["sources"].clone();
    let named: Vec<(&str, &str)> =
        sources.as_array().unwrap().iter().map(|s| (s["name"].as_str().unwrap(), s["state"].as_str().unwrap())).collect();
    assert_eq!(named, [("empty.log", "ended"), ("noise.bin", "ended")]);
    let good = run(&d, &["status", "--from", &capture("healthy-plonk48").display().to_string()]);
    assert_eq!((good.code, good.err.as_str()), (Some(0), ""));
}

#[test]
fn a_tape_that_is_there_is_kept() {
    let d = dir();
    let record = |of: &str| run(&d, &["record", "--from", &capture(of).display().to_string(), "-o", "t.tape"]);
    let read = |name: &str| std::fs::read(d.path().join(name)).unwrap();
    record("healthy-plonk48");
    let first = read("t.tape");
    let told = record("idle");
    assert!(told.code == Some(0) && told.err.contains("the t.tape that was there is now t.tape.1"), "{}", told.err);
    assert!(read("t.tape.1") == first && read("t.tape") != first);
    record("idle");
    assert!(read("t.tape.1") == first && !read("t.tape.2").is_empty());
    // What is no tape stays where it is.
    std::fs::write(d.path().join("t.tape"), "notes").unwrap();
    record("idle").fails(1, &["t.tape is there and is no tape; give another name"]);
    assert!(read("t.tape") == b"notes" && !d.path().join("t.tape.3").exists());
}

#[test]
fn a_compressed_log_is_read_once() {
    let d = dir();
    let raw = zstd::decode_all(std::fs::File::open(capture("healthy-plonk48")).unwrap()).unwrap();
    let gz = d.path().join("c.log.gz");
    let mut out = flate2::write::GzEncoder::new(std::fs::File::create(&gz).unwrap(), flate2::Compression::fast());
    std::io::Write::write_all(&mut out, &raw).unwrap();
    out.finish().unwrap();
    for path in [capture("healthy-plonk48"), gz] {
        let told = run(&d, &["status", "-o", "json", "--no-kube", "--log", &format!("coordinator={}", path.display()), "--wait", "5"]);
        let s = told.json();
        assert_eq!(s["stats"]["source"], "log", "{}", told.err);
        let log = s["sources"].as_array().unwrap().iter().find(|s| s["name"].as_str().is_some_and(|n| n.starts_with("log:"))).unwrap();
        assert_eq!((&log["state"], &log["unread"]), (&"ended".into(), &0.into()), "{log}");
    }
}
