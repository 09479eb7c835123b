//! What every view is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::action::{Action, Effect};
use super::fleet::FleetRow;
use super::keymap::Binding;
use super::{Symbols, Theme};
use crate::alerts::Alerts;
use crate::alerts::Severity;
use crate::base::Timestamp;
use crate::model::Model;

/// The views, in the order of the tab bar; the number is the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ViewId {
    /// Everything at a glance.
    Overview,
    /// Workers and their tasks.
    Workers,
    /// Proofs.
    Proofs,
    /// Log records.
    Logs,
    /// Alerts.
    Alerts,
    /// What fits.
    Capacity,
    /// Pods.
    Pods,
    /// Where the data comes from.
    Sources,
    /// Keys and explanations.
    Help,
    /// Several clusters; it is on no tab bar but its own.
    Fleet,
}

impl ViewId {
    /// Those of one cluster, in the order of the tab bar.
    pub const ALL: [Self; 9] =
        [Self::Overview, Self::Workers, Self::Proofs, Self::Logs, Self::Alerts, Self::Capacity, Self::Pods, Self::Sources, Self::Help];

    /// The number on its tab, which is its key.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }
}

/// Where the data's time comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TimeBase {
    /// A cluster, now.
    Live,
    /// A simulated cluster at that speed.
    Demo {
        /// Simulated seconds a second.
        speed: f64,
        /// True while it stands still.
        paused: bool,
    },
    /// A recording.
    Replay {
        /// Recorded seconds a second; `None` for as fast as possible.
        speed: Option<f64>,
        /// True while it stands still.
        paused: bool,
        /// Its first time.
        begin: Timestamp,
        /// Its last time.
        end: Timestamp,
        /// True at its end.
        finished: bool,
    },
    /// The past of a live session, which goes on meanwhile.
    Past {
        /// True while it stands still.
        paused: bool,
        /// The first time that is kept.
        begin: Timestamp,
        /// Now, in the live session.
        end: Timestamp,
    },
}

impl TimeBase {
    /// The first and the last time that one can go to.
    #[must_use]
    pub const fn span(&self) -> Option<(Timestamp, Timestamp)> {
        match self {
            Self::Replay { begin, end, .. } | Self::Past { begin, end, .. } => Some((*begin, *end)),
            Self::Live | Self::Demo { .. } => None,
        }
    }

    /// Whether it is now, so that the cluster can be changed.
    #[must_use]
    pub const fn is_now(&self) -> bool {
        matches!(self, Self::Live | Self::Demo { .. })
    }
}

/// What happened at a place of the scrub bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// An alert began to fire.
    Alert(Severity),
    /// A proof was claimed or ended.
    Proof,
    /// A proof failed.
    ProofFailed,
    /// Another thing that an operator should look at.
    Trouble,
    /// Anything else.
    Other,
}

/// A place of the scrub bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When it was seen.
    pub at: Timestamp,
    /// What happened.
    pub kind: MarkKind,
}

/// What is on the scrub bar.
#[derive(Clone, Copy, Debug, Default)]
pub struct Track<'a> {
    /// What happened, in time.
    pub marks: &'a [Mark],
    /// Where a loop begins, and ends.
    pub ab: Option<(Timestamp, Option<Timestamp>)>,
}

/// What a view may read while it draws or updates.
#[derive(Clone, Copy)]
pub struct Ctx<'a> {
    /// The cluster.
    pub model: &'a Model,
    /// Colours.
    pub theme: &'a Theme,
    /// Line-drawing and marks, Unicode or ASCII.
    pub symbols: &'a Symbols,
    /// Where time comes from.
    pub time: TimeBase,
    /// The alerts: those that fire, and what changed.
    pub alerts: &'a Alerts,
    /// All clusters, where there are several.
    pub fleet: &'a [FleetRow],
    /// The area that the view has (while it updates: had, when last drawn).
    pub area: Rect,
}

impl Ctx<'_> {
    /// The time on screen.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.model.now
    }
}

/// What an action did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The view knew the action.
    pub handled: bool,
    /// What the shell is to do.
    pub effects: Vec<Effect>,
    /// What the app is to do next (open another view, …).
    pub then: Option<Action>,
    /// A short line for the status bar.
    pub message: Option<String>,
}

impl Outcome {
    /// The view does not know the action.
    #[must_use]
    pub fn ignored() -> Self {
        Self::default()
    }

    /// The view did it.
    #[must_use]
    pub fn done() -> Self {
        Self { handled: true, ..Self::default() }
    }

    /// The view did it, and then asks for another.
    #[must_use]
    pub fn then(action: Action) -> Self {
        Self { handled: true, then: Some(action), ..Self::default() }
    }

    /// The view did it, and has something to say.
    #[must_use]
    pub fn say(message: impl Into<String>) -> Self {
        Self { handled: true, message: Some(message.into()), ..Self::default() }
    }

    /// The view did it, and the shell has something to do.
    #[must_use]
    pub fn effect(effect: Effect) -> Self {
        Self { handled: true, effects: vec![effect], ..Self::default() }
    }
}

/// A screen. State that outlives a frame (selection, filter, sort) is the
/// view's own; everything else is read from the context. Selections are kept by
/// identity (a worker's id), never by row number, so that they survive a change
/// of the order.
pub trait View {
    /// Which one it is.
    fn id(&self) -> ViewId;

    /// Its name on the tab bar: one word.
    fn title(&self) -> &'static str;

    /// What is on it and what its numbers mean, a paragraph each, for `?`.
    fn about(&self) -> &'static [&'static str];

    /// The keys that only it has.
    fn bindings(&self) -> &'static [Binding];

    /// The global keys that do something here, with the words for it: shown at
    /// the bottom, the most important first.
    fn hints(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Whether the key of a hint does anything at this moment.
    fn offers(&self, _keys: &str, _ctx: &Ctx<'_>) -> bool {
        true
    }

    /// The text of its filter, where it has one that is not empty.
    fn filter(&self) -> Option<&str> {
        None
    }

    /// Where it is, below its title (`Proofs > cli_…`); empty at its top.
    fn crumb(&self) -> Option<String> {
        None
    }

    /// Does `action`, or says that it does not know it.
    fn update(&mut self, action: &Action, ctx: &Ctx<'_>) -> Outcome;

    /// Draws into `ctx.area`, and nowhere else.
    fn draw(&self, ctx: &Ctx<'_>, buf: &mut Buffer);
}
