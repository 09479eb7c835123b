//! The merge point: everything that enters gets its number and its time here.
//!
//! All queues are bounded. What can be asked again (polled answers) is dropped
//! and counted when the queue is full; what cannot (log lines, watch events,
//! states) waits, which makes its source read more slowly.

use std::borrow::Cow;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::base::redact::{mask_bytes, redact, redact_bytes};
use crate::base::text::clean;
use crate::base::{SourceName, Timestamp};
use crate::envelope::{Envelope, Kind, SourceState, SourceUpdate};

/// Tells the time; tests bring their own.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;

    /// How many of its seconds pass in a second; polling keeps pace with it.
    fn speed(&self) -> f64 {
        1.0
    }
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::ZERO.plus(since)
    }
}

/// How large the queue is and how often the clock ticks.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// Envelopes that may wait to be taken; an envelope has at most some hundred
    /// kilobytes, lists of pods apart.
    pub queue: usize,
    /// Time between two [`Kind::Tick`]; `None` for none.
    pub tick: Option<Duration>,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self { queue: 256, tick: Some(Duration::from_secs(1)) }
    }
}

/// Nothing is polled faster than this, however fast the clock runs.
const FASTEST: Duration = Duration::from_millis(400);

struct Merge {
    out: mpsc::Sender<Envelope>,
    clock: Arc<dyn Clock>,
    seq: Mutex<u64>,
}

impl Merge {
    /// Stamps and sends with a place that is already reserved.
    fn put(&self, permit: mpsc::Permit<'_, Envelope>, source: SourceName, kind: Kind, raw: Bytes) {
        let raw = hide(kind, raw);
        // Number, time and place in the queue are taken in one step.
        let mut seq = lock(&self.seq);
        *seq += 1;
        permit.send(Envelope { seq: *seq, at: self.clock.now(), source, kind, raw });
    }
}

/// Hides what nobody should see or record. Log streams are cut at line ends by
/// their sources, so that no secret is cut in two.
#[must_use]
pub fn hide(kind: Kind, raw: Bytes) -> Bytes {
    let hidden = match kind {
        Kind::Stats | Kind::Proofs | Kind::Manifest => mask_bytes(&raw),
        Kind::Tick | Kind::LogBreak => return raw,
        _ => redact_bytes(&raw),
    };
    match hidden {
        Cow::Borrowed(_) => raw,
        Cow::Owned(hidden) => hidden.into(),
    }
}

/// The merge point; clones are handles to the same one.
#[derive(Clone)]
pub struct Hub {
    merge: Arc<Merge>,
    tasks: Arc<Mutex<JoinSet<()>>>,
    stop: CancellationToken,
}

impl Hub {
    /// Starts it. Must be called within a tokio runtime.
    #[must_use]
    pub fn new(config: &HubConfig, clock: Arc<dyn Clock>) -> (Self, mpsc::Receiver<Envelope>) {
        let (out, envelopes) = mpsc::channel(config.queue.max(1));
        let merge = Arc::new(Merge { out, clock, seq: Mutex::new(0) });
        let hub = Self { merge, tasks: Arc::default(), stop: CancellationToken::new() };
        if let Some(every) = config.tick {
            let port = hub.port("clock");
            hub.spawn(async move {
                let mut interval = tokio::time::interval(every);
                interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
                loop {
                    interval.tick().await;
                    if port.closed() {
                        return;
                    }
                    // A tick that finds the queue full is not worth waiting for.
                    port.try_put(Kind::Tick, Bytes::new());
                }
            });
        }
        (hub, envelopes)
    }

    /// A way in for the source of that name.
    #[must_use]
    pub fn port(&self, name: &str) -> Port {
        Port {
            name: SourceName::new(name),
            merge: Arc::clone(&self.merge),
            component: None,
            pod: None,
            dropped: AtomicU64::new(0),
            told: Mutex::new(None),
        }
    }

    /// Runs a task until it ends or the hub is shut down.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = task => {}
            }
        });
    }

    /// Cancelled when the hub is shut down.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// The hub's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.merge.clock.now()
    }

    /// Stops all tasks and waits for them, at most two seconds.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        let all = async { while tasks.join_next().await.is_some() {} };
        // What does not stop by then is aborted by dropping the set.
        let _ = tokio::time::timeout(Duration::from_secs(2), all).await;
    }
}

/// Nobody takes envelopes any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// One source's way into the hub.
pub struct Port {
    name: SourceName,
    merge: Arc<Merge>,
    component: Option<String>,
    pod: Option<String>,
    dropped: AtomicU64,
    told: Mutex<Option<(SourceState, String)>>,
}

impl Port {
    /// The same port, whose states tell the component and pod that it belongs to.
    #[must_use]
    pub fn of(mut self, component: Option<&str>, pod: Option<&str>) -> Self {
        self.component = component.map(str::to_owned);
        self.pod = pod.map(str::to_owned);
        self
    }

    /// The source's name.
    #[must_use]
    pub const fn name(&self) -> &SourceName {
        &self.name
    }

    /// The hub's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.merge.clock.now()
    }

    /// How long to wait, by the wall, for `d` of the hub's clock: the same,
    /// except where that clock runs faster.
    #[must_use]
    pub fn pace(&self, d: Duration) -> Duration {
        let speed = self.merge.clock.speed();
        if speed > 1.0 { d.div_f64(speed).max(FASTEST.min(d)) } else { d }
    }

    /// True when nobody takes envelopes any more.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.merge.out.is_closed()
    }

    /// Sends, waiting for room: for data that cannot be asked again.
    pub async fn send(&self, kind: Kind, raw: impl Into<Bytes>) -> Result<(), Closed> {
        let permit = self.merge.out.reserve().await.map_err(|_| Closed)?;
        self.merge.put(permit, self.name.clone(), kind, raw.into());
        Ok(())
    }

    /// Sends if there is room, else drops and counts: for answers that the next
    /// one replaces. True when it was sent.
    pub fn offer(&self, kind: Kind, raw: impl Into<Bytes>) -> bool {
        if !self.try_put(kind, raw.into()) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let (state, detail) = lock(&self.told).clone().unwrap_or((SourceState::Live, String::new()));
            if !self.try_put(Kind::Source, self.update(state, detail, dropped)) {
                self.dropped.fetch_add(dropped, Ordering::Relaxed);
            }
        }
        true
    }

    fn try_put(&self, kind: Kind, raw: Bytes) -> bool {
        match self.merge.out.try_reserve() {
            Ok(permit) => {
                self.merge.put(permit, self.name.clone(), kind, raw);
                true
            }
            // Nobody is left who could miss it.
            Err(TrySendError::Closed(())) => true,
            Err(TrySendError::Full(())) => false,
        }
    }

    /// Tells the source's state; nothing is sent while it stays the same. The
    /// detail becomes one short line without secrets.
    pub async fn state(&self, state: SourceState, detail: &str) {
        let detail = one_line(detail);
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        {
            let mut told = lock(&self.told);
            let news = (state, detail.clone());
            if dropped == 0 && told.as_ref() == Some(&news) {
                return;
            }
            *told = Some(news);
        }
        let _ = self.send(Kind::Source, self.update(state, detail, dropped)).await;
    }

    /// The state that was told last.
    #[must_use]
    pub fn told(&self) -> Option<SourceState> {
        lock(&self.told).as_ref().map(|t| t.0)
    }

    fn update(&self, state: SourceState, detail: String, dropped: u64) -> Bytes {
        let update = SourceUpdate { state, detail, component: self.component.clone(), pod: self.pod.clone(), dropped };
        serde_json::to_vec(&update).unwrap_or_default().into()
    }
}

/// One line for a person, at most 300 characters, without secrets or control
/// bytes.
#[must_use]
pub fn one_line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = redact(&clean(words.as_bytes())).into_owned();
    match shown.char_indices().nth(300) {
        None => shown,
        Some((cut, _)) => format!("{}…", &shown[..cut]),
    }
}

/// A lock that a panic elsewhere does not poison: its data are plain values.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Steps(AtomicU64);

    impl Clock for Steps {
        fn now(&self) -> Timestamp {
            Timestamp::from_secs(1_000_000 + i64::try_from(self.0.fetch_add(1, Ordering::Relaxed)).unwrap())
        }
    }

    fn hub(queue: usize) -> (Hub, mpsc::Receiver<Envelope>) {
        Hub::new(&HubConfig { queue, tick: None }, Arc::new(Steps(AtomicU64::new(0))))
    }

    #[tokio::test]
    async fn numbers_and_times_have_no_gaps() {
        let (hub, mut rx) = hub(64);
        for n in 0..4 {
            let port = hub.port(&format!("s{n}"));
            hub.spawn(async move {
                for _ in 0..100 {
                    port.send(Kind::Log, "x").await.unwrap();
                }
            });
        }
        for n in 1..=400 {
            let e = rx.recv().await.unwrap();
            assert_eq!((e.seq, e.at), (n, Timestamp::from_secs(999_999 + i64::try_from(n).unwrap())));
        }
    }

    #[tokio::test]
    async fn what_can_be_asked_again_is_dropped_and_counted() {
        let (hub, mut rx) = hub(2);
        let port = hub.port("grpc:coordinator").of(Some("coordinator"), None);
        let sent: Vec<_> = (0..5).map(|_| port.offer(Kind::Stats, "s")).collect();
        assert_eq!(sent, [true, true, false, false, false]);
        rx.recv().await.unwrap();
        rx.recv().await.unwrap();
        assert!(port.offer(Kind::Stats, "s"));
        assert_eq!(rx.recv().await.unwrap().kind, Kind::Stats);
        let told: SourceUpdate = serde_json::from_slice(&rx.recv().await.unwrap().raw).unwrap();
        assert_eq!((told.dropped, told.component.as_deref()), (3, Some("coordinator")));
    }

    #[tokio::test]
    async fn states_are_told_once_and_without_secrets() {
        let (hub, mut rx) = hub(8);
        let port = hub.port("x");
        port.state(SourceState::Connecting, "cannot reach\n  redis://:pw@h\x1b[31m").await;
        port.state(SourceState::Connecting, "cannot reach redis://:pw@h\x1b[31m").await;
        port.state(SourceState::Live, "").await;
        let one: SourceUpdate = serde_json::from_slice(&rx.recv().await.unwrap().raw).unwrap();
        assert_eq!(one.detail, "cannot reach redis://:***@h\\x1b[31m");
        let two: SourceUpdate = serde_json::from_slice(&rx.recv().await.unwrap().raw).unwrap();
        assert_eq!(two.state, SourceState::Live);
    }

    #[tokio::test]
    async fn shutdown_ends_tasks_that_wait() {
        let (hub, rx) = hub(1);
        let port = hub.port("log:a");
        hub.spawn(async move { while port.send(Kind::Log, "x").await.is_ok() {} });
        hub.spawn(std::future::pending());
        tokio::time::sleep(Duration::from_millis(10)).await;
        tokio::time::timeout(Duration::from_secs(1), hub.shutdown()).await.unwrap();
        drop(rx);
    }
}
