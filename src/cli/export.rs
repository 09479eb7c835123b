//! `export`: metrics for Prometheus, on a loopback port unless told otherwise.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
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
/// How many are answered at once, and how long each may take in all.
#[derive(Clone, Copy)]
struct Limits {
    clients: usize,
    patience: Duration,
}

const LIMITS: Limits = Limits { clients: 32, patience: Duration::from_secs(10) };
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
        .spawn(move || serve(&listener, &shown, LIMITS))
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

/// Answers each client in a thread of its own, so many at once. Whoever is slow
/// to ask or to take the answer is cut off, and hurts nobody else.
fn serve(listener: &TcpListener, text: &Arc<Mutex<String>>, limits: Limits) {
    let now = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // Out of files, it may be: some are about to be closed.
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        if now.fetch_add(1, Ordering::AcqRel) >= limits.clients {
            now.fetch_sub(1, Ordering::AcqRel);
            refuse(stream);
            continue;
        }
        let (text, held) = (Arc::clone(text), Held(Arc::clone(&now)));
        // Without a thread the client is dropped, and asks again.
        let _ = std::thread::Builder::new().name("metrics".into()).stack_size(256 << 10).spawn(move || {
            let _held = held;
            // Whoever hangs up hurts nobody.
            let _ = answer(stream, &text, Instant::now() + limits.patience);
        });
    }
}

/// Counts a client for as long as it lives.
struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn refuse(mut stream: TcpStream) {
    // A fresh connection has room for so little.
    let _ = stream.set_nonblocking(true);
    let _ = stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

/// A stream whose reads and writes all end at one time.
struct Timed {
    stream: TcpStream,
    until: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(buf)
    }
}

impl Write for Timed {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn answer(stream: TcpStream, text: &Mutex<String>, until: Instant) -> io::Result<()> {
    let mut head = BufReader::new(Timed { stream: stream.try_clone()?, until }.take(LONGEST));
    let mut stream = Timed { stream, until };
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A server with that much to tell.
    fn server(body: &str, limits: Limits) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let text = Arc::new(Mutex::new(body.to_owned()));
        std::thread::spawn(move || serve(&listener, &text, limits));
        at
    }

    fn get(at: std::net::SocketAddr) -> String {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut said = String::new();
        // A refusal may come before the request was read.
        let _ = stream.read_to_string(&mut said);
        said
    }

    #[test]
    fn slow_clients_do_not_keep_others_waiting() {
        // More than the sockets' buffers hold.
        let body = "x 1\n".repeat(8 << 20);
        let at = server(&body, Limits { clients: 4, patience: Duration::from_secs(3600) });
        // One says nothing, one never ends its head, one does not read.
        let mut slow: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(at).unwrap()).collect();
        slow[1].write_all(b"GET /metrics HTTP/1.1\r\nHost: ").unwrap();
        slow[2].write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
        for _ in 0..2 {
            assert!(get(at).ends_with(&body[body.len() - 100..]));
        }
    }

    #[test]
    fn more_than_so_many_are_refused_until_one_is_gone() {
        let at = server("x 1\n", Limits { clients: 2, patience: Duration::from_secs(3600) });
        let slow: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect(at).unwrap()).collect();
        let until = |words: &str| {
            let limit = Instant::now() + Duration::from_secs(20);
            while !get(at).contains(words) {
                assert!(Instant::now() < limit, "never '{words}'");
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        until("503 Service Unavailable");
        drop(slow);
        until("x 1\n");
    }

    #[test]
    fn patience_ends_however_slowly_a_client_goes_on() {
        let at = server("x 1\n", Limits { clients: 1, patience: Duration::from_millis(300) });
        let mut slow = TcpStream::connect(at).unwrap();
        slow.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // A byte now and then.
        let mut dripping = slow.try_clone().unwrap();
        std::thread::spawn(move || {
            while dripping.write_all(b"G").is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let mut said = Vec::new();
        let _ = slow.read_to_end(&mut said);
        assert_eq!(said, b"", "it was cut off without an answer");
    }
}
