//! A cluster that is opened while the screens are there already: it may take a
//! while (a login plugin, a slow network), or fail.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

use super::feed::{Done, Feed};
use super::wake::Waker;
use crate::alerts::Alerts;
use crate::app::ProverSetup;
use crate::base::SourceName;
use crate::base::change::Order;
use crate::envelope::{Envelope, Kind, Session, SourceState, SourceUpdate};
use crate::model::Model;
use crate::pipeline::Pipeline;
use crate::sources::hub::{Clock as _, WallClock};
use crate::ui::fleet::Spot;
use crate::ui::{Playback, Request, TimeBase, Track, TypedStore};

/// A cluster that was opened.
pub struct Opened {
    /// Its data.
    pub feed: Box<dyn Feed + Send>,
    /// What sending proofs to it needs.
    pub prover: ProverSetup,
}

/// Opens clusters.
pub trait Open: Send + Sync {
    /// The contexts that there are.
    fn contexts(&self) -> Vec<String>;

    /// The place that a context means by itself.
    fn spot(&self, context: &str) -> Spot;

    /// What stays behind where one goes elsewhere, in a few words.
    fn left_behind(&self) -> Option<String> {
        None
    }

    /// The kubeconfig that was named, where one was.
    fn kubeconfig(&self) -> Option<String> {
        None
    }

    /// Opens a cluster. May take a while. The error is one line that says what
    /// to try.
    fn open(&self, spot: &Spot, waker: Waker) -> Result<Opened, String>;
}

/// What opens clusters from the screens.
#[derive(Clone)]
pub struct Opener(pub Arc<dyn Open>);

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener")
    }
}

/// Before it is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// The feed of a cluster that is being opened, and then of that cluster.
pub struct Opening {
    spot: Spot,
    opener: Opener,
    waker: Waker,
    state: State,
    /// Only for what it says itself.
    pipeline: Pipeline,
    seq: u64,
    prover: Option<ProverSetup>,
}

enum State {
    /// It was not begun to be told.
    New(Receiver<Result<Opened, String>>),
    Waiting(Receiver<Result<Opened, String>>),
    Failed {
        left: Duration,
    },
    Open(Box<dyn Feed + Send>),
}

fn begin(spot: &Spot, opener: &Opener, waker: &Waker) -> Receiver<Result<Opened, String>> {
    let (tx, rx) = sync_channel(1);
    let (spot, opener, waker) = (spot.clone(), opener.clone(), waker.clone());
    let work = move || {
        let opened = opener.0.open(&spot, waker.clone());
        // Whoever waited may have gone elsewhere: then it is closed again here.
        let _ = tx.send(opened);
        waker.wake();
    };
    // Without the thread the channel is closed, which is told as a failure.
    let _ = std::thread::Builder::new().name("open".into()).spawn(work);
    rx
}

impl Opening {
    /// Begins to open it.
    #[must_use]
    pub fn start(spot: Spot, opener: Opener, waker: Waker) -> Self {
        let state = State::New(begin(&spot, &opener, &waker));
        Self { spot, opener, waker, state, pipeline: Pipeline::new(true), seq: 0, prover: None }
    }

    fn say(&mut self, kind: Kind, source: &str, raw: Vec<u8>, model: &mut Model) {
        self.seq += 1;
        let e = Envelope { seq: self.seq, at: WallClock.now(), source: SourceName::new(source), kind, raw: raw.into() };
        self.pipeline.apply(&e, model);
    }

    fn tell(&mut self, state: SourceState, detail: String, model: &mut Model) {
        let update = SourceUpdate { state, detail, component: None, pod: None, dropped: 0 };
        self.say(Kind::Source, "kubeconfig", serde_json::to_vec(&update).unwrap_or_default(), model);
    }

    fn open(&self) -> Option<&(dyn Feed + Send)> {
        if let State::Open(feed) = &self.state { Some(&**feed) } else { None }
    }

    fn open_mut(&mut self) -> Option<&mut (dyn Feed + Send)> {
        if let State::Open(feed) = &mut self.state { Some(&mut **feed) } else { None }
    }
}

const NOT_YET: &str = "this cluster is not open yet";

impl Feed for Opening {
    fn advance(&mut self, elapsed: Duration, model: &mut Model) -> bool {
        match std::mem::replace(&mut self.state, State::Failed { left: AGAIN }) {
            State::Open(mut feed) => {
                let changed = feed.advance(elapsed, model);
                self.state = State::Open(feed);
                changed
            }
            State::New(rx) => {
                let session = Session {
                    context: self.spot.context.clone(),
                    namespace: Some(self.spot.namespace.clone()),
                    mode: "live".into(),
                    kubeconfig: self.opener.0.kubeconfig(),
                };
                self.say(Kind::Session, "session", serde_json::to_vec(&session).unwrap_or_default(), model);
                self.tell(SourceState::Connecting, "reading the kubeconfig; a login plugin may take a while".into(), model);
                self.state = State::Waiting(rx);
                true
            }
            State::Waiting(rx) => match rx.try_recv() {
                Ok(Ok(opened)) => {
                    *model = Model::new();
                    self.prover = Some(opened.prover);
                    self.state = State::Open(opened.feed);
                    self.advance(Duration::ZERO, model);
                    true
                }
                Ok(Err(why)) => {
                    self.tell(SourceState::Ended, why, model);
                    true
                }
                Err(TryRecvError::Empty) => {
                    self.state = State::Waiting(rx);
                    false
                }
                Err(TryRecvError::Disconnected) => {
                    self.tell(SourceState::Ended, "it ended unexpectedly".into(), model);
                    true
                }
            },
            State::Failed { left } => {
                let left = left.saturating_sub(elapsed);
                // What went wrong stays on screen meanwhile.
                self.state =
                    if left.is_zero() { State::Waiting(begin(&self.spot, &self.opener, &self.waker)) } else { State::Failed { left } };
                false
            }
        }
    }

    fn control(&mut self, what: &Playback, model: &mut Model) -> Result<(), String> {
        self.open_mut().map_or_else(|| Err(NOT_YET.into()), |f| f.control(what, model))
    }

    fn time(&self) -> TimeBase {
        self.open().map_or(TimeBase::Live, Feed::time)
    }

    fn next_wake(&self) -> Option<Duration> {
        match &self.state {
            State::New(_) => Some(Duration::ZERO),
            State::Waiting(_) => None,
            State::Failed { left } => Some(*left),
            State::Open(f) => f.next_wake(),
        }
    }

    fn follow(&mut self, log: &str) {
        if let Some(f) = self.open_mut() {
            f.follow(log);
        }
    }

    fn request(&mut self, what: &Request) -> Result<Done, String> {
        self.open_mut().map_or_else(|| Err(NOT_YET.into()), |f| f.request(what))
    }

    fn store(&mut self, typed: &TypedStore) -> Result<String, String> {
        self.open_mut().map_or_else(|| Err(NOT_YET.into()), |f| f.store(typed))
    }

    fn says(&mut self) -> Option<String> {
        self.open_mut().and_then(Feed::says)
    }

    fn trouble(&mut self) -> Option<String> {
        self.open_mut().and_then(Feed::trouble)
    }

    fn ask_namespaces(&mut self) {
        if let Some(f) = self.open_mut() {
            f.ask_namespaces();
        }
    }

    fn namespaces(&mut self) -> Option<Vec<String>> {
        self.open_mut().and_then(Feed::namespaces)
    }

    fn prover(&mut self) -> Option<ProverSetup> {
        self.prover.take()
    }

    fn track(&self) -> Track<'_> {
        self.open().map_or_else(Track::default, Feed::track)
    }

    fn change(&mut self, order: Order) -> Result<(), String> {
        self.open_mut().map_or_else(|| Err(NOT_YET.into()), |f| f.change(order))
    }

    fn alerts(&self) -> &Alerts {
        self.open().map_or(self.pipeline.alerts(), Feed::alerts)
    }

    fn alerts_mut(&mut self) -> Option<&mut Alerts> {
        match &mut self.state {
            State::Open(f) => f.alerts_mut(),
            _ => Some(self.pipeline.alerts_mut()),
        }
    }
}
