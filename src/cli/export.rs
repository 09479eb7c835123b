//! `export`: metrics for Prometheus, on a loopback port unless told otherwise.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::args::{ExportArgs, Place};
use super::{Failure, Outcome, print, screen, settings, status};
use crate::alerts::Thresholds;
use crate::model::Model;
use crate::output::metrics::metrics;
use crate::pipeline::Pipeline;
use crate::runtime::live::Sources;
use crate::sources::hub::lock;

/// How often the text is made anew; Prometheus asks every 15 s or less often.
const EVERY: Duration = Duration::from_secs(1);
/// Whoever has not asked by then is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// A request's head is not longer than this.
const LONGEST: u64 = 16 << 10;

pub(super) fn run(args: &ExportArgs, place: &Place) -> Outcome {
    if !args.from.is_empty() {
        let (model, pipeline) = status::recorded(&args.from, place)?;
        return print(&metrics(&model, pipeline.alerts()));
    }
    let config = screen::live_config(place)?;
    let listener = TcpListener::bind(args.listen).map_err(|e| format!("cannot listen on {}: {e}; choose another --listen", args.listen))?;
    let at = listener.local_addr()?;
    eprintln!("sp1top: metrics at http://{at}/metrics");
    if !at.ip().is_loopback() {
        eprintln!("sp1top: everyone who reaches this address can read them: names of pods and proofs are among them");
    }
    let text = Arc::new(Mutex::new(String::new()));
    let shown = Arc::clone(&text);
    std::thread::Builder::new()
        .name("metrics".into())
        .spawn(move || serve(&listener, &shown))
        .map_err(|e| format!("cannot start a thread: {e}"))?;
    let limits = settings::thresholds(&place.settings.alerts)?;
    collect(Sources::start(config, place.log.clone())?, limits, &text)
}

/// Takes in what comes until the sources end.
fn collect(mut sources: Sources, limits: Thresholds, text: &Mutex<String>) -> Result<u8, Failure> {
    let (mut model, mut pipeline) = (Model::new(), Pipeline::with(false, limits));
    let mut made: Option<Instant> = None;
    loop {
        if let Some(e) = sources.wait(Duration::from_millis(500)) {
            pipeline.apply(&e, &mut model);
        }
        if made.is_none_or(|m| m.elapsed() >= EVERY) {
            *lock(text) = metrics(&model, pipeline.alerts());
            made = Some(Instant::now());
        }
    }
}

/// Answers one after another: an answer takes no time, and who is slow to ask
/// is cut off.
fn serve(listener: &TcpListener, text: &Mutex<String>) {
    for stream in listener.incoming().flatten() {
        // Whoever hangs up hurts nobody.
        let _ = answer(stream, text);
    }
}

fn answer(mut stream: TcpStream, text: &Mutex<String>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut head = BufReader::new(stream.try_clone()?.take(LONGEST));
    let mut request = String::new();
    head.read_line(&mut request)?;
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? <= 2 {
            break;
        }
    }
    let mut words = request.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = path.split('?').next().unwrap_or_default();
    let (code, kind, body) = match (method, path) {
        ("GET" | "HEAD", "/metrics") => ("200 OK", "text/plain; version=0.0.4; charset=utf-8", lock(text).clone()),
        ("GET" | "HEAD", "/" | "/healthz") => ("200 OK", "text/plain; charset=utf-8", "sp1top export: see /metrics\n".to_owned()),
        ("GET" | "HEAD", _) => ("404 Not Found", "text/plain; charset=utf-8", "there is /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "text/plain; charset=utf-8", "only GET\n".to_owned()),
    };
    let head = format!("HTTP/1.1 {code}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    if method != "HEAD" {
        stream.write_all(body.as_bytes())?;
    }
    stream.flush()
}
