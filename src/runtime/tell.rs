//! Tells of alerts outside of the screens: the terminal's bell, a desktop
//! notification (OSC 9), a webhook. Nothing here ever waits for anybody: what a
//! slow webhook has no room for is dropped, counted and said.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use crate::alerts::{Alerts, Severity, Transition, TransitionState};
use crate::base::text::clean;
use crate::output::alerts::Line;

/// A webhook's address. It is a secret: whoever has it can write there.
#[derive(Clone)]
pub struct Webhook(String);

impl Webhook {
    /// Takes an address; the error does not hold it.
    pub fn new(url: &str) -> Result<Self, String> {
        let good = url.parse::<http::Uri>().is_ok_and(|u| matches!(u.scheme_str(), Some("http" | "https")) && u.host().is_some());
        if good { Ok(Self(url.to_owned())) } else { Err("the webhook is no http:// or https:// URL".into()) }
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhook(***)")
    }
}

/// Who is told, and how.
#[derive(Clone, Debug, Default)]
pub struct TellOptions {
    /// Ring the terminal's bell on new critical alerts.
    pub bell: bool,
    /// Ask the terminal for a desktop notification on new critical alerts.
    pub notify: bool,
    /// Post each alert that is critical or a warning.
    pub webhook: Option<Webhook>,
}

/// Posts that may wait for a slow webhook.
const QUEUE: usize = 64;
/// How often one post is tried.
const ATTEMPTS: u32 = 5;
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);

/// What the sending thread and the loop share.
#[derive(Default)]
struct Shared {
    lost: AtomicU64,
    why: Mutex<String>,
}

/// Tells of alerts as they come.
pub struct Teller {
    options: TellOptions,
    /// Transitions that were seen.
    seen: u64,
    posts: Option<SyncSender<String>>,
    shared: Arc<Shared>,
    lost_said: u64,
}

impl Teller {
    /// Nothing is told yet. `first_pause` is what is waited before the second
    /// attempt at a post; it doubles each time.
    #[must_use]
    pub fn new(options: TellOptions, first_pause: Duration) -> Self {
        let shared = Arc::new(Shared::default());
        let posts = options.webhook.clone().and_then(|hook| {
            let (tx, rx) = sync_channel(QUEUE);
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name("webhook".into()).spawn(move || send(&hook, &rx, &shared, first_pause));
            thread.ok().map(|_| tx)
        });
        Self { options, seen: 0, posts, shared, lost_said: 0 }
    }

    /// Tells what is new. Returns bytes for the terminal.
    pub fn take(&mut self, alerts: &Alerts) -> Vec<u8> {
        let mut out = Vec::new();
        if alerts.total() < self.seen {
            // The past was gone back to.
            self.seen = alerts.total();
        }
        for t in alerts.after(self.seen).filter(|t| !t.alert.muted) {
            self.one(t, &mut out);
        }
        self.seen = alerts.total();
        out
    }

    fn one(&self, t: &Transition, out: &mut Vec<u8>) {
        let firing = t.state == TransitionState::Firing;
        if firing && t.alert.severity == Severity::Critical {
            if self.options.notify {
                let text = format!("sp1top: {} {}", t.alert.id, t.alert.summary);
                out.extend_from_slice(format!("\x1b]9;{}\x07", short(&text)).as_bytes());
            }
            if self.options.bell {
                out.push(0x07);
            }
        }
        if t.alert.severity == Severity::Info {
            return;
        }
        if let Some(posts) = &self.posts
            && let Err(TrySendError::Full(_)) = posts.try_send(body(t))
        {
            self.shared.lose("it is slower than the alerts");
        }
    }

    /// A line for the status bar when posts were lost since it was last asked.
    pub fn complaint(&mut self) -> Option<String> {
        let lost = self.shared.lost.load(Ordering::Relaxed);
        if lost == self.lost_said {
            return None;
        }
        self.lost_said = lost;
        let why = self.shared.why.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(format!("the webhook was not told of {lost} alerts: {why}"))
    }
}

impl Shared {
    fn lose(&self, why: &str) {
        why.clone_into(&mut self.why.lock().unwrap_or_else(PoisonError::into_inner));
        self.lost.fetch_add(1, Ordering::Relaxed);
    }
}

/// Text for an escape sequence: clean, and not long.
fn short(text: &str) -> String {
    clean(text.as_bytes()).chars().take(200).collect()
}

/// What is posted: `text` as Slack and its kin take it, and the whole alert.
fn body(t: &Transition) -> String {
    let a = &t.alert;
    let head = match (t.state, a.severity) {
        (TransitionState::Resolved, _) => ":white_check_mark: resolved",
        (_, Severity::Critical) => ":rotating_light: CRITICAL",
        (_, Severity::Warning) => ":warning: warning",
        (_, Severity::Info) => "info",
    };
    let mut text = format!("{head} *{}* {}\n{}", a.id, a.subject, a.summary);
    if t.state == TransitionState::Firing {
        for c in &a.consequences {
            let _ = write!(text, "\nand so: {c}");
        }
        for f in &a.fix {
            let _ = write!(text, "\n{}: `{}`", f.say, f.run);
        }
    }
    json!({"text": clean_lines(&text), "alert": Line::of(t)}).to_string()
}

/// [`clean`] that leaves line ends.
fn clean_lines(text: &str) -> String {
    text.lines().map(|l| clean(l.as_bytes()).into_owned()).collect::<Vec<_>>().join("\n")
}

fn send(hook: &Webhook, posts: &Receiver<String>, shared: &Shared, first_pause: Duration) {
    let config = ureq::Agent::config_builder().timeout_global(Some(ATTEMPT)).http_status_as_error(false).max_redirects(0).build();
    let agent = ureq::Agent::new_with_config(config);
    while let Ok(post) = posts.recv() {
        let mut pause = first_pause;
        let mut attempt = 1;
        loop {
            let why = match agent.post(&hook.0).content_type("application/json").send(post.as_str()) {
                Ok(r) if r.status().is_success() => break,
                Ok(r) => {
                    let code = r.status().as_u16();
                    // What it refuses now it will refuse again.
                    if code != 408 && code != 429 && code < 500 {
                        shared.lose(&format!("it answers {code}; is the address right?"));
                        break;
                    }
                    format!("it answers {code}")
                }
                // The error's own words may hold the address.
                Err(ureq::Error::Timeout(_)) => "it does not answer".to_owned(),
                Err(_) => "it is not reachable".to_owned(),
            };
            if attempt == ATTEMPTS {
                shared.lose(&why);
                break;
            }
            attempt += 1;
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(60));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc::channel;

    use super::*;
    use crate::alerts::Alert;
    use crate::base::Timestamp;

    fn transition(severity: Severity, state: TransitionState) -> Transition {
        let alert =
            Alert { severity, subject: "cpu-node".into(), summary: "PlonkWrap\x1b[31m 32 fits no worker".into(), ..Alert::default() };
        Transition { at: Timestamp::from_secs(1_795_480_000), state, alert }
    }

    /// A server that answers with these codes, one a request, and then 200.
    fn server(codes: &'static [u16]) -> (String, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/services/SECRET", listener.local_addr().unwrap());
        let (tx, rx) = channel();
        std::thread::spawn(move || {
            let mut codes = codes.iter();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut raw = Vec::new();
                let mut buffer = [0; 4096];
                loop {
                    let text = String::from_utf8_lossy(&raw).into_owned();
                    if let Some((head, body)) = text.split_once("\r\n\r\n") {
                        let length = head
                            .lines()
                            .find_map(|l| l.to_lowercase().strip_prefix("content-length: ").map(|n| n.parse::<usize>().unwrap()));
                        if body.len() >= length.unwrap_or(0) {
                            tx.send(body.to_owned()).unwrap();
                            break;
                        }
                    }
                    let n = stream.read(&mut buffer).unwrap();
                    raw.extend_from_slice(&buffer[..n]);
                }
                let code = codes.next().copied().unwrap_or(200);
                write!(stream, "HTTP/1.1 {code} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            }
        });
        (url, rx)
    }

    fn teller(url: &str) -> Teller {
        let options = TellOptions { webhook: Some(Webhook::new(url).unwrap()), ..TellOptions::default() };
        Teller::new(options, Duration::from_millis(1))
    }

    const WAIT: Duration = Duration::from_secs(10);

    #[test]
    fn a_webhook_that_fails_is_tried_again_and_told_in_full() {
        let (url, got) = server(&[500, 429]);
        let t = teller(&url);
        t.one(&transition(Severity::Critical, TransitionState::Firing), &mut Vec::new());
        t.one(&transition(Severity::Info, TransitionState::Firing), &mut Vec::new());
        t.one(&transition(Severity::Critical, TransitionState::Resolved), &mut Vec::new());
        let bodies: Vec<_> = (0..4).map(|_| got.recv_timeout(WAIT).unwrap()).collect();
        assert_eq!((&bodies[0], &bodies[1]), (&bodies[1], &bodies[2]));
        let first: serde_json::Value = serde_json::from_str(&bodies[0]).unwrap();
        let text = first["text"].as_str().unwrap();
        assert!(text.contains("CRITICAL *aggregation-stuck* cpu-node") && !text.contains('\x1b'), "{text}");
        assert_eq!((&first["alert"]["schema"], &first["alert"]["state"]), (&json!("sp1top.alert/1"), &json!("firing")));
        assert!(bodies[3].contains("resolved"), "{}", bodies[3]);
    }

    #[test]
    fn one_that_refuses_is_given_up_and_its_address_never_shown() {
        let (url, got) = server(&[404]);
        let mut t = teller(&url);
        assert!(t.complaint().is_none());
        t.one(&transition(Severity::Warning, TransitionState::Firing), &mut Vec::new());
        got.recv_timeout(WAIT).unwrap();
        let begun = std::time::Instant::now();
        let said = loop {
            if let Some(c) = t.complaint() {
                break c;
            }
            assert!(begun.elapsed() < WAIT);
            std::thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(said, "the webhook was not told of 1 alerts: it answers 404; is the address right?");
        assert!(t.complaint().is_none());
        assert!(!format!("{:?}", t.options).contains("SECRET"));
        assert!(!Webhook::new("ftp://SECRET").unwrap_err().contains("SECRET"));
    }

    #[test]
    fn a_webhook_that_hangs_holds_nothing_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut t = teller(&format!("http://{}", listener.local_addr().unwrap()));
        let begun = std::time::Instant::now();
        for _ in 0..QUEUE * 2 {
            t.one(&transition(Severity::Critical, TransitionState::Firing), &mut Vec::new());
        }
        assert!(begun.elapsed() < Duration::from_secs(1));
        assert!(t.complaint().is_some_and(|c| c.contains("slower")));
    }

    #[test]
    fn the_terminal_rings_for_critical_ones_only() {
        let t = Teller::new(TellOptions { bell: true, notify: true, webhook: None }, Duration::ZERO);
        let mut out = Vec::new();
        t.one(&transition(Severity::Warning, TransitionState::Firing), &mut out);
        t.one(&transition(Severity::Critical, TransitionState::Resolved), &mut out);
        assert!(out.is_empty());
        t.one(&transition(Severity::Critical, TransitionState::Firing), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\x1b]9;sp1top: aggregation-stuck PlonkWrap\\x1b[31m 32 fits no worker\x07\x07");
    }
}
