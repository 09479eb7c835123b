//! One container's log, followed for as long as its pod lives.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::access::Access;
use super::http::{self, Ask, Failure};
use super::lines::Had;
use super::objects::{DENIED, escape};
use super::pods::PodsReader;
use crate::base::redact::redact_bytes;
use crate::envelope::{Kind, SourceState};
use crate::sources::backoff::{Backoff, jitter};
use crate::sources::hub::{Closed, Port};

/// A longer line is sent in pieces.
const MAX_LINE: usize = 1 << 20;
/// A chunk of whole lines is about this large at most.
const MAX_CHUNK: usize = 64 << 10;
/// How long a stream may go on after its pod is gone.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// A container that died so long ago is asked for its last words at first.
const DIED_LATELY: Duration = Duration::from_secs(15 * 60);

/// What to follow and how.
#[derive(Clone, Debug)]
pub struct Follow {
    /// The pod.
    pub pod: String,
    /// Its uid: a pod of the same name with another is another.
    pub uid: Option<String>,
    /// The container.
    pub container: String,
    /// Lines to begin with.
    pub tail: u32,
    /// Silence that cannot be: the stream is suspected and opened anew.
    /// `None` for a component that may have nothing to say.
    pub silence: Option<Duration>,
}

/// A stream that may be silent is opened anew after this, unseen: connections
/// die without a word.
const QUIET: Duration = Duration::from_secs(300);

/// How a stream ended.
enum End {
    /// The server ended it.
    Eof,
    /// The connection broke.
    Broken(Failure),
    /// Nothing came for longer than can be.
    Silent,
    /// The pod is gone and had time for its last words.
    Gone,
    /// Nobody listens.
    Closed,
}

/// Follows until the pod is gone, `stop` is cancelled or nobody listens.
/// `pods` tells restarts.
pub async fn run(access: Arc<Access>, follow: Follow, port: Port, pods: PodsReader, stop: CancellationToken) {
    let mut f = Follower {
        access,
        follow,
        port,
        pods,
        stop,
        had: Had::default(),
        opened: false,
        broken: false,
        restarts: None,
        cut: BytesMut::new(),
    };
    let ended = f.run().await;
    if let Some(detail) = ended {
        f.port.state(SourceState::Ended, &detail).await;
    }
}

struct Follower {
    access: Arc<Access>,
    follow: Follow,
    port: Port,
    pods: PodsReader,
    stop: CancellationToken,
    had: Had,
    /// A stream was read before.
    opened: bool,
    /// Another stream began, and nothing of it has been sent.
    broken: bool,
    /// Restarts of the pod when a stream was last opened.
    restarts: Option<u32>,
    /// The line in which the last stream was cut.
    cut: BytesMut,
}

impl Follower {
    /// Returns why it ended, `None` when nobody listens.
    async fn run(&mut self) -> Option<String> {
        let mut backoff = Backoff::network();
        let mut quiet = self.follow.silence.unwrap_or(QUIET);
        self.port.state(SourceState::Connecting, "").await;
        loop {
            if self.port.closed() {
                return None;
            }
            if let Some(why) = self.over() {
                return self.last_words(why).await;
            }
            if self.previous().await.is_err() {
                return None;
            }
            let asked = Instant::now();
            let body = match http::open(&self.access, &self.path(false), Ask::new("get", "pods/log")).await {
                Ok(body) => body,
                Err(failure) => {
                    self.failed(&failure, &mut backoff).await;
                    continue;
                }
            };
            self.begin().await;
            let (end, any) = self.read(body, quiet).await;
            if any {
                backoff.reset();
                quiet = self.follow.silence.unwrap_or(QUIET);
            }
            match end {
                End::Closed => return None,
                End::Gone => {
                    let why = self.over().unwrap_or_else(|| "not followed any more".into());
                    return self.last_words(why).await;
                }
                End::Silent if self.follow.silence.is_some() => {
                    let detail = format!("open, but silent for {} s: opened again", quiet.as_secs());
                    self.port.state(SourceState::Stale, &detail).await;
                    // A coordinator that logs only warnings is not asked for ever.
                    quiet = (quiet * 2).min(QUIET);
                }
                End::Silent => {}
                End::Eof => {
                    // The container ended, or the kubelet let go: what is true
                    // the next request tells.
                    if asked.elapsed() > Duration::from_secs(10) {
                        backoff.reset();
                    }
                    backoff.sleep().await;
                }
                End::Broken(failure) => {
                    self.port.state(SourceState::Connecting, &failure.detail()).await;
                    backoff.sleep().await;
                }
            }
        }
    }

    /// Why nothing more can come, if so.
    fn over(&self) -> Option<String> {
        let pods = self.pods.borrow();
        match pods.by_name.get(&self.follow.pod) {
            None => Some("the pod is gone".into()),
            Some(p) if p.uid != self.follow.uid => Some("the pod was replaced".into()),
            Some(_) if self.stop.is_cancelled() => Some("not followed any more".into()),
            Some(p) if self.opened && matches!(p.phase.as_str(), "Succeeded" | "Failed") => Some(format!("the pod is {}", p.phase)),
            Some(_) => None,
        }
    }

    /// A last line that has no end is all there will be of it.
    async fn last_words(&mut self, why: String) -> Option<String> {
        let cut = std::mem::take(&mut self.cut);
        if !cut.is_empty() && self.had.is_new(&cut) {
            let mut line = cut.to_vec();
            line.push(b'\n');
            self.send(line).await.ok()?;
        }
        Some(why)
    }

    async fn failed(&mut self, failure: &Failure, backoff: &mut Backoff) {
        // `container "x" in pod "y" is waiting to start: ContainerCreating`
        let detail = match failure {
            Failure::Status(400, message) if message.contains("waiting to start") => message.clone(),
            Failure::Status(404, _) => "the kubelet has no log of this container yet".into(),
            f => f.detail(),
        };
        // What is stale stays so until data comes.
        self.port.state(failure.state(), &detail).await;
        let wait = if matches!(failure, Failure::Denied(_)) { jitter(DENIED) } else { backoff.wait() };
        let stop = self.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }

    fn path(&self, previous: bool) -> String {
        let Follow { pod, container, tail, .. } = &self.follow;
        let from = match self.had.since() {
            Some(since) => format!("&sinceTime={}", escape(&since)),
            None => format!("&tailLines={tail}"),
        };
        let how = if previous { "&previous=true" } else { "&follow=true" };
        let namespace = self.access.namespace();
        format!("/api/v1/namespaces/{namespace}/pods/{pod}/log?container={}&timestamps=true{how}{from}", escape(container))
    }

    /// The log of the container that died since the last stream, if one did.
    async fn previous(&mut self) -> Result<(), Closed> {
        let (restarts, died) = {
            let pods = self.pods.borrow();
            let Some(pod) = pods.by_name.get(&self.follow.pod) else { return Ok(()) };
            (pod.restarts, pod.last_termination.as_ref().and_then(|t| t.at))
        };
        let before = self.restarts.replace(restarts);
        let wanted = match before {
            Some(n) => n < restarts,
            None => restarts > 0 && died.is_some_and(|d| self.port.now().since(d) < DIED_LATELY),
        };
        if !wanted {
            return Ok(());
        }
        // It is gone when it restarted again meanwhile; then that is that.
        let Ok(body) = http::open(&self.access, &self.path(true), Ask::new("get", "pods/log")).await else { return Ok(()) };
        self.begin().await;
        let (end, _) = self.read(body, Duration::from_secs(10)).await;
        if matches!(end, End::Closed) { Err(Closed) } else { Ok(()) }
    }

    /// A new stream follows.
    async fn begin(&mut self) {
        self.broken = self.opened;
        self.opened = true;
        self.cut.clear();
        self.had.resume();
        if self.port.told() != Some(SourceState::Stale) {
            self.port.state(SourceState::Live, "").await;
        }
    }

    /// Reads a stream to its end; true when new lines came.
    async fn read(&mut self, mut body: Body, quiet: Duration) -> (End, bool) {
        let mut buffer = BytesMut::new();
        let mut any = false;
        let mut gone: Option<Instant> = None;
        let stop = self.stop.clone();
        let end = loop {
            let limit = gone.unwrap_or_else(|| Instant::now() + quiet);
            let frame = tokio::select! {
                biased;
                frame = tokio::time::timeout_at(limit, body.frame()) => frame,
                () = stop.cancelled(), if gone.is_none() => {
                    gone = Some(Instant::now() + LAST_WORDS);
                    continue;
                }
            };
            match frame {
                Err(_) | Ok(None) if gone.is_some() => break End::Gone,
                Err(_) => break End::Silent,
                Ok(None) => break End::Eof,
                Ok(Some(Err(e))) => break End::Broken(Failure::Unreachable(super::access::chain(&e))),
                Ok(Some(Ok(frame))) => {
                    let Some(data) = frame.data_ref() else { continue };
                    buffer.extend_from_slice(data);
                    match self.lines(&mut buffer).await {
                        Err(Closed) => break End::Closed,
                        Ok(news) => {
                            any |= news;
                            if news && self.port.told() != Some(SourceState::Live) {
                                self.port.state(SourceState::Live, "").await;
                            }
                        }
                    }
                }
            }
        };
        self.cut = buffer;
        (end, any)
    }

    /// Takes the whole lines out of `buffer` and sends those that are new.
    async fn lines(&mut self, buffer: &mut BytesMut) -> Result<bool, Closed> {
        let mut out = Vec::new();
        let mut any = false;
        let mut from = 0;
        while let Some(n) = memchr::memchr(b'\n', &buffer[from..]) {
            let line = &buffer[from..from + n];
            from += n + 1;
            if self.had.is_new(line) {
                any = true;
                out.extend_from_slice(line);
                out.push(b'\n');
                if out.len() >= MAX_CHUNK {
                    self.send(std::mem::take(&mut out)).await?;
                }
            }
        }
        let rest = buffer.split_off(from);
        *buffer = rest;
        if buffer.len() > MAX_LINE {
            any = true;
            out.extend_from_slice(buffer);
            buffer.clear();
        }
        self.send(out).await?;
        Ok(any)
    }

    async fn send(&mut self, out: Vec<u8>) -> Result<(), Closed> {
        if out.is_empty() {
            return Ok(());
        }
        if std::mem::take(&mut self.broken) {
            // Half a line before it is not its beginning.
            self.port.send(Kind::LogBreak, "").await?;
        }
        let raw = match redact_bytes(&out) {
            std::borrow::Cow::Borrowed(_) => out,
            std::borrow::Cow::Owned(hidden) => hidden,
        };
        self.port.send(Kind::Log, raw).await
    }
}
