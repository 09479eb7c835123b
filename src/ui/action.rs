//! What a key, a click or a palette entry asks for; and what the shell is asked
//! to do.

use std::time::Duration;

use super::view::ViewId;
use crate::alerts::Key;
use crate::base::change::{Change, Order};
use crate::base::redact::hide_passwords;
use crate::base::{ProofId, Timestamp, WorkerId};
use crate::event::ProofMode;

/// A request from the user, after the keymap.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Leave the program.
    Quit,
    /// Look at the cluster of that context of the kubeconfig.
    UseContext(String),
    /// Look into that namespace of this cluster.
    UseNamespace(String),
    /// To the view of all clusters.
    Fleet,
    /// Show a view.
    Show(ViewId),
    /// The next view of the tab bar.
    NextView,
    /// The one before.
    PreviousView,
    /// The view that was shown before this one.
    LastView,
    /// Explain this screen.
    Help,
    /// Open the command palette.
    Palette,
    /// One step back: close what is open, clear a filter, leave a detail.
    Back,
    /// Move the selection by so many rows.
    Move(i32),
    /// Move it sideways (heat-map, timelines).
    MoveSideways(i32),
    /// Move it by half pages.
    HalfPage(i32),
    /// Move it by pages.
    Page(i32),
    /// To the first row.
    Top,
    /// To the last row.
    Bottom,
    /// Drill in.
    Enter,
    /// Begin to type a filter.
    Filter,
    /// The filter's text changed (while it is typed).
    FilterText(String),
    /// Keep only what does not match.
    InvertFilter,
    /// Sort by the next column.
    NextSort,
    /// Sort the other way round.
    ReverseSort,
    /// Sort by that column (a click on its header).
    SortBy(usize),
    /// The view's next shape (rows or heat-map, folded or not).
    Toggle,
    /// A longer stretch of time in graphs.
    ZoomOut,
    /// A shorter one.
    ZoomIn,
    /// Logs: stay at the end.
    Follow,
    /// Logs: wrap long lines.
    Wrap,
    /// Jump to the next error or bad moment.
    NextError,
    /// Jump to the one before.
    PreviousError,
    /// Copy what is selected.
    Copy,
    /// Open the dialog that sends a proof.
    Launch,
    /// Open the dialog that runs op-succinct, or the pane of its run.
    RangeProof,
    /// Ask whether to cancel that proof.
    CancelProof(ProofId),
    /// Show that proof's detail.
    OpenProof(ProofId),
    /// Put the cursor on a proof in the list of all, which it may come to only
    /// later: it was just sent.
    FollowProof(ProofId),
    /// Show one alert, by its rule and what it is about.
    OpenAlert {
        /// The rule.
        id: &'static str,
        /// What it is about.
        subject: String,
    },
    /// Show that worker.
    OpenWorker(WorkerId),
    /// Change the cluster: shows what would change and asks.
    Change(Change),
    /// Show the logs of that source or pod, filtered by that text.
    OpenLogs(String),
    /// Replay: play or pause.
    PlayPause,
    /// Replay: faster or slower by one step.
    Speed(i32),
    /// Replay: move in time by so many seconds.
    Seek(i64),
    /// Replay: go to a time.
    SeekTo(Timestamp),
    /// Replay: ask for a time to go to.
    AskTime,
    /// Replay: to the next (or previous) moment.
    SeekMoment(i32),
    /// Replay: to the next (or previous) alert.
    SeekAlert(i32),
    /// Replay: to the next (or previous) proof that was claimed or ended.
    SeekProof(i32),
    /// Replay: where a loop begins, then where it ends, then none.
    Loop,
    /// From the past back to what is live.
    ToLive,
    /// Change the theme to the next one.
    NextTheme,
    /// Change to the theme of that name.
    UseTheme(String),
    /// Give the mouse back to the terminal, to select text; or take it again.
    ToggleMouse,
    /// Draw everything anew.
    Redraw,
    /// Suspend the process (Ctrl-Z).
    Suspend,
    /// A key that only the shown view knows, by its name.
    Own(&'static str),
    /// A click at a column and row of the view's own area.
    Click(u16, u16),
    /// A second click at the same place.
    DoubleClick(u16, u16),
}

/// What the shell is asked to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Leave.
    Quit,
    /// Put text into the clipboard of the terminal (OSC 52).
    Copy(String),
    /// Take the mouse, or give it back to the terminal.
    Mouse(bool),
    /// Clear the terminal and draw everything.
    Redraw,
    /// Suspend the process.
    Suspend,
    /// That log (a source, or a pod's name) is looked at: follow it, if it is one
    /// of too many to be followed by default.
    Follow(String),
    /// Control of a replay or a demo.
    Playback(Playback),
    /// Do something in the cluster; it was confirmed.
    Cluster(Request),
    /// Take this artifact store for this session.
    Store(TypedStore),
    /// Mark an alert.
    MarkAlert(Key, AlertMark),
    /// Look at, or make, a change of the cluster.
    Change(Order),
    /// Look at another cluster: a context, or a namespace of this one.
    Switch {
        /// The context; `None` for this one.
        context: Option<String>,
        /// The namespace; `None` for that of the context.
        namespace: Option<String>,
    },
    /// To the view of all clusters.
    Fleet,
    /// Show one of several clusters.
    OpenCluster {
        /// Its place.
        at: usize,
        /// The view to show it in; else the one that it was last seen in.
        view: Option<ViewId>,
    },
    /// Open one of several clusters anew.
    Reopen(usize),
    /// Tell which contexts and namespaces there are.
    Places,
}

/// An artifact store as it was typed. It may hold passwords.
#[derive(Clone, PartialEq, Eq)]
pub enum TypedStore {
    /// Redis: URLs with commas between them.
    Redis(String),
    /// S3.
    S3 {
        /// The bucket.
        bucket: String,
        /// Its region.
        region: String,
    },
    /// The one that was set where the program began, though it was set for
    /// another cluster.
    Set,
}

impl std::fmt::Debug for TypedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Redis(urls) => write!(f, "Redis({})", hide_passwords(urls)),
            Self::S3 { bucket, region } => write!(f, "S3({bucket}, {region})"),
            Self::Set => f.write_str("Set"),
        }
    }
}

/// Something that changes the cluster.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Send proofs.
    Prove(Launch),
    /// Cancel a proof.
    Cancel(ProofId),
    /// Run a program of op-succinct.
    Range(RangeLaunch),
    /// Stop it.
    StopRange {
        /// Cancel its request in the cluster too.
        cancel: bool,
        /// The user leaves: wait until it has ended.
        wait: bool,
    },
}

/// A run of op-succinct's `multi` or `agg`, as the dialog leaves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeLaunch {
    /// The checkout.
    pub dir: String,
    /// Its file of variables; empty for `.env` in the checkout.
    pub env_file: String,
    /// What is proved.
    pub what: RangeTask,
    /// Make a proof; else only the witness is run.
    pub prove: bool,
    /// Run the witness before the proof.
    pub witness: bool,
    /// When the program gives up on the cluster.
    pub timeout: Duration,
}

/// What a [`RangeLaunch`] proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeTask {
    /// The newest finalised blocks, so many.
    Newest(u64),
    /// From the first block to the last.
    Blocks(u64, u64),
    /// Range proofs put together: their names and the prover's address.
    Aggregate {
        /// `1000-1005`
        proofs: Vec<String>,
        /// `0x…`
        prover: String,
    },
}

/// A launch, as the dialog leaves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// What is proved.
    pub program: Program,
    /// In which mode.
    pub mode: ProofMode,
    /// How many at once.
    pub count: u16,
    /// From sending to the deadline.
    pub timeout: Duration,
}

/// A program with its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// The built-in one.
    Fibonacci(u32),
    /// A file, and its input: hex digits, `@FILE`, or nothing.
    Elf {
        /// The ELF.
        path: String,
        /// One item.
        input: String,
    },
}

/// A mark of an alert, set or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertMark {
    /// Somebody has seen it.
    Acknowledge,
    /// Nobody wants to hear of it.
    Mute,
}

/// Control of what feeds the program.
#[derive(Clone, Debug, PartialEq)]
pub enum Playback {
    /// Play or pause.
    Toggle,
    /// Set the speed; `None` for as fast as possible.
    Speed(Option<f64>),
    /// Go to a time (back means from the nearest snapshot).
    SeekTo(Timestamp),
    /// Move by a duration, forth or back.
    SeekBy {
        /// How far.
        by: Duration,
        /// Towards the past.
        back: bool,
    },
    /// Go to the next moment that something happens, or to the previous one; in
    /// a live session, one log period back or forth.
    Moment {
        /// Towards the past.
        back: bool,
    },
    /// Go to the next alert, or to the previous one.
    Alert {
        /// Towards the past.
        back: bool,
    },
    /// Go to the next event of a proof, or to the previous one.
    Proof {
        /// Towards the past.
        back: bool,
    },
    /// Begin a loop here, end it here, leave it.
    Loop,
    /// From the past back to what is live.
    Live,
}
