//! Log lines of every format and component beside what they must parse to:
//! `fixtures/logs/<format>/<component>.log` and `.events`. To take over what the
//! parser says now, run with `UPDATE_EXPECT=1` and read the difference.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sp1top::base::{SourceName, Timestamp};
use sp1top::envelope::{Envelope, Kind};
use sp1top::event::{Batch, What};
use sp1top::parse::Decoder;

fn logs() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs");
    for folder in std::fs::read_dir(root).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|e| e == "log") {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 15, "the fixtures are gone: {found:?}");
    found
}

fn envelope(seq: u64, kind: Kind, raw: &[u8]) -> Envelope {
    Envelope { seq, at: Timestamp::from_secs(1_786_678_500), source: SourceName::new("log"), kind, raw: Bytes::copy_from_slice(raw) }
}

/// Decodes `raw` in pieces of `piece` bytes.
fn decode(raw: &[u8], piece: usize, logs: bool) -> Vec<Batch> {
    let mut decoder = Decoder::new(logs);
    let mut seq = 0;
    let mut next = || {
        seq += 1;
        seq
    };
    let mut out: Vec<Batch> = raw.chunks(piece).map(|c| decoder.decode(&envelope(next(), Kind::Log, c))).collect();
    out.push(decoder.decode(&envelope(next(), Kind::LogBreak, b"")));
    out
}

/// What the batches say, a line a fact; log records only counted.
fn told(batches: &[Batch]) -> String {
    let mut out = String::new();
    let mut records = 0;
    for b in batches {
        for e in &b.events {
            match &e.what {
                What::Log(_) | What::LogMore(_) => records += 1,
                what => writeln!(out, "{} {what:?}", e.at).unwrap(),
            }
        }
        for u in &b.unread {
            writeln!(out, "{} UNREAD {:?} {}", u.at, u.why, u.text).unwrap();
        }
    }
    writeln!(out, "{records} records").unwrap();
    out
}

#[test]
fn every_line_means_what_it_should() {
    for path in logs() {
        let raw = std::fs::read(&path).unwrap();
        let got = told(&decode(&raw, usize::MAX, true));
        expect_test::expect_file![path.with_extension("events")].assert_eq(&got);
        assert!(!got.contains("UNREAD"), "{}: {got}", path.display());
    }
}

#[test]
fn a_cut_anywhere_changes_nothing() {
    for path in logs() {
        let raw = std::fs::read(&path).unwrap();
        let whole = told(&decode(&raw, usize::MAX, true));
        for piece in [1, 7, 100, 4096] {
            assert_eq!(told(&decode(&raw, piece, true)), whole, "{} in pieces of {piece}", path.display());
        }
    }
}

#[test]
fn line_ends_of_windows_change_nothing() {
    for path in logs() {
        let raw = std::fs::read(&path).unwrap();
        let windows: Vec<u8> = raw.iter().flat_map(|c| if *c == b'\n' { vec![b'\r', b'\n'] } else { vec![*c] }).collect();
        assert_eq!(told(&decode(&windows, usize::MAX, true)), told(&decode(&raw, usize::MAX, true)), "{}", path.display());
    }
}

/// Half a line may be unread, but never something else than the whole line is.
#[test]
fn half_lines_are_counted_and_never_believed() {
    for path in logs() {
        let raw = std::fs::read(&path).unwrap();
        let facts = |b: &[Batch]| {
            let mut all: Vec<String> = b.iter().flat_map(|b| &b.events).map(|e| format!("{} {:?}", e.at, e.what)).collect();
            all.retain(|f| !f.contains(" Log(") && !f.contains("LogMore(") && !f.contains("ComponentTold"));
            all
        };
        let whole = facts(&decode(&raw, usize::MAX, true));
        let step = (raw.len() / 400).max(1);
        for cut in (0..raw.len()).step_by(step) {
            for f in facts(&decode(&raw[..cut], usize::MAX, true)) {
                // A `TaskSeen` is what every line within a task's span says, half of it too.
                assert!(whole.contains(&f) || f.contains("TaskSeen"), "{} cut at {cut} believes {f}", path.display());
            }
        }
    }
}
