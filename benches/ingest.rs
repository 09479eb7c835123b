//! How long `sp1top status --from` takes on a large coordinator log, against
//! `grep -c GetStatsResponse` on the same cached file: the ratio, pair by pair.
//!
//! The log is a recording of 1,030 workers repeated with its times moved on;
//! `SP1TOP_BENCH_MB` sets its size (1024). Goal: at most 5 times grep, below
//! 150 MB of memory.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sp1top::base::Timestamp;

const RECORDING: &str = "fixtures/captures/scale-1000gpu/coordinator.log.zst";
const TIME: usize = "2026-11-24T01:06:24.111871Z".len();

/// Repeats `text`, each time with all times later by its whole span.
fn repeat(text: &[u8], bytes: usize, to: &Path) {
    let is_time = |at: usize| {
        let t = &text[at..at + TIME];
        t.starts_with(b"20") && t[4] == b'-' && t[10] == b'T' && t[19] == b'.' && t[26] == b'Z'
    };
    let places: Vec<usize> = memchr::memmem::find_iter(text, b"20").filter(|i| i + TIME <= text.len() && is_time(*i)).collect();
    let read = |at: usize| Timestamp::parse_prefix(&text[at..]).unwrap().0;
    let span = read(places[places.len() - 1]).since(read(places[0])) + Duration::from_secs(5);
    let mut out = BufWriter::new(std::fs::File::create(to).unwrap());
    let (mut written, mut round) = (0, 0);
    while written < bytes {
        let mut from = 0;
        for at in &places {
            out.write_all(&text[from..*at]).unwrap();
            let moved = read(*at).plus(span * round);
            let (whole, micros) = (moved.to_string(), moved.0.rem_euclid(1_000_000));
            write!(out, "{}.{micros:06}Z", &whole[..19]).unwrap();
            from = at + TIME;
        }
        out.write_all(&text[from..]).unwrap();
        written += text.len();
        round += 1;
    }
    out.flush().unwrap();
}

/// Wall time, and peak memory in MB where it can be had.
fn run(command: &mut Command) -> (Duration, Option<f64>) {
    let begin = Instant::now();
    // Not to /dev/null: grep notices that and stops at its first match.
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = None;
    loop {
        if let Ok(text) = std::fs::read_to_string(&status)
            && let Some(kb) = text.lines().find_map(|l| l.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok())
        {
            peak = Some(kb / 1024.0);
        }
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            return (begin.elapsed(), peak);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn main() {
    if std::env::args().any(|a| a == "--test") {
        return;
    }
    let mb: usize = std::env::var("SP1TOP_BENCH_MB").ok().and_then(|s| s.parse().ok()).unwrap_or(1024);
    let mut text = Vec::new();
    let file = std::fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDING)).unwrap();
    zstd::Decoder::new(file).unwrap().read_to_end(&mut text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("coordinator.log");
    repeat(&text, mb << 20, &path);
    let size = std::fs::metadata(&path).unwrap().len();
    println!("{:.0} MB, {} rounds of {RECORDING}", size as f64 / 1e6, size / text.len() as u64);
    let grep = || run(Command::new("grep").args(["-c", "GetStatsResponse"]).arg(&path)).0;
    grep();
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let g = grep();
        let (s, peak) = run(Command::new(env!("CARGO_BIN_EXE_sp1top")).args(["status", "--no-kube", "--from"]).arg(&path));
        let ratio = s.as_secs_f64() / g.as_secs_f64();
        println!(
            "grep {:6.3} s   sp1top {:6.3} s ({:.0} MB/s)   {ratio:5.2} times   peak {} MB",
            g.as_secs_f64(),
            s.as_secs_f64(),
            size as f64 / 1e6 / s.as_secs_f64(),
            peak.map_or_else(|| "?".into(), |p| format!("{p:.0}"))
        );
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median: {:.2} times grep", ratios[ratios.len() / 2]);
}
