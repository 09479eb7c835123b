//! What brings the data.

use std::time::Duration;

use crate::alerts::Alerts;
use crate::app::ProverSetup;
use crate::base::ProofId;
use crate::base::change::Order;
use crate::model::Model;
use crate::ui::{Playback, Request, TimeBase, Track, TypedStore};

/// What came of something that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// One line for the status bar.
    pub said: String,
    /// The proof that was sent by it, the first one of several.
    pub sent: Option<ProofId>,
}

impl From<String> for Done {
    fn from(said: String) -> Self {
        Self { said, sent: None }
    }
}

/// What feeds the model: a recording, a simulated cluster, or live sources.
pub trait Feed {
    /// Moves on by `elapsed` of wall time and applies what came. True when the
    /// model changed.
    fn advance(&mut self, elapsed: Duration, model: &mut Model) -> bool;

    /// Playback control; the error is one line for the status bar ("a live
    /// cluster cannot be paused").
    fn control(&mut self, what: &Playback, model: &mut Model) -> Result<(), String>;

    /// Where the time on screen comes from.
    fn time(&self) -> TimeBase;

    /// How long the loop may sleep before it calls `advance` again; `None` until
    /// a wake-up comes through the channel.
    fn next_wake(&self) -> Option<Duration>;

    /// A log (a source, or a pod's name) is being looked at: follow it, if it is
    /// one of too many to be followed by default.
    fn follow(&mut self, _log: &str) {}

    /// Does what was confirmed; how it goes on comes as data. The error is one
    /// line for the status bar.
    fn request(&mut self, _what: &Request) -> Result<Done, String> {
        Err("only a live cluster takes proofs".into())
    }

    /// Takes an artifact store that was typed; what it is called without its
    /// passwords, or what is wrong with it.
    fn store(&mut self, _typed: &TypedStore) -> Result<String, String> {
        Err("only a live cluster takes proofs".into())
    }

    /// Something to be told at the bottom of the screen, once.
    fn says(&mut self) -> Option<String> {
        None
    }

    /// Bad news since the last call, one line.
    fn trouble(&mut self) -> Option<String> {
        None
    }

    /// Looks which namespaces the cluster has; they come by
    /// [`Self::namespaces`].
    fn ask_namespaces(&mut self) {}

    /// The namespaces of the cluster, when they are news.
    fn namespaces(&mut self) -> Option<Vec<String>> {
        None
    }

    /// What sending proofs needs, once, where it is known only now.
    fn prover(&mut self) -> Option<ProverSetup> {
        None
    }

    /// Marks and loop of the scrub bar.
    fn track(&self) -> Track<'_> {
        Track::default()
    }

    /// Looks at, or makes, a change of the cluster; what comes of it comes with
    /// the data. The error is one line for the status bar.
    fn change(&mut self, _order: Order) -> Result<(), String> {
        Err("there is no cluster here to change".into())
    }

    /// The alerts as of the last `advance`.
    fn alerts(&self) -> &Alerts {
        Alerts::none()
    }

    /// To acknowledge and mute them; `None` where there are none.
    fn alerts_mut(&mut self) -> Option<&mut Alerts> {
        None
    }
}
