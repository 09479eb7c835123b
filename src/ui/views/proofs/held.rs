//! What holds a proof up.

use rustc_hash::FxHashMap;
use std::time::Duration;

use crate::base::{ProofId, TaskType, Timestamp, WorkerKind, units};
use crate::model::{Model, Proof, Running, Stage, Worker};
use crate::ui::views::common::{kind_name, times};
use crate::ui::{Role, Symbols};

/// A task of a proof with the worker that runs it.
pub type Placed<'m> = (&'m Worker, &'m Running);

/// What runs, by proof.
pub fn running(model: &Model) -> FxHashMap<&ProofId, Vec<Placed<'_>>> {
    let mut out: FxHashMap<&ProofId, Vec<Placed<'_>>> = FxHashMap::default();
    for w in model.workers.connected() {
        for t in &w.tasks {
            out.entry(&t.proof).or_default().push((w, t));
        }
    }
    out
}

/// What runs of one proof.
pub fn running_of<'m>(model: &'m Model, id: &ProofId) -> Vec<Placed<'m>> {
    model.workers.connected().flat_map(|w| w.tasks.iter().filter(|t| t.proof == *id).map(move |t| (w, t))).collect()
}

/// How many of a type must have ended before its typical time means something.
const ENOUGH: u64 = 3;
/// A task is slow from so many times its typical time on …
const SLOW: f64 = 2.0;
/// … and never before this: the periodic block resolves ten seconds.
const LEAST: Duration = Duration::from_secs(20);
/// A wait in a queue is worth a look from here: three periodic blocks.
const LONG_WAIT: Duration = Duration::from_secs(30);

/// A task's age in multiples of what is typical of its type here; `None` for
/// the Controller, which lives as long as its proof, and where nothing is known.
pub fn ratio(typicals: &Typicals, kind: Option<&TaskType>, took: Duration) -> Option<(f64, Duration)> {
    let median = typicals.0.get(kind?.index()).copied().flatten()?;
    Some((took.as_secs_f64() / median.as_secs_f64().max(0.5), median))
}

/// The typical time of each type, asked for once a frame.
pub struct Typicals(Vec<Option<Duration>>);

impl Typicals {
    /// As that model knows them.
    pub fn of(model: &Model) -> Self {
        let of = |k: &TaskType| {
            let t = model.durations.typical(k).filter(|t| t.count >= ENOUGH)?;
            (*k != TaskType::Controller).then_some(t.median)
        };
        Self(TaskType::KNOWN.iter().map(of).collect())
    }
}

/// What holds a proof up.
#[derive(Clone, Debug)]
pub enum Held<'m> {
    /// Nothing: it is over.
    Over,
    /// The coordinator has not claimed it.
    Unclaimed,
    /// Claimed, but none of its tasks is seen.
    Unseen,
    /// The next task waits for a worker.
    Waits {
        /// Which type, as far as known.
        kind: Option<TaskType>,
        /// `cpu` or `gpu`.
        queue: &'static str,
        /// Entries of that queue, over all proofs.
        entries: u32,
        /// For how long nothing of the proof has begun or ended.
        still: Duration,
    },
    /// Only its Controller runs and nothing is queued.
    ControllerAlone {
        /// Since when.
        since: Timestamp,
    },
    /// The task that is furthest beyond its typical time, or the oldest.
    Task {
        /// The task and its worker.
        placed: Placed<'m>,
        /// How long it ran when the coordinator last listed it.
        took: Duration,
        /// Multiple of its typical time, and that time.
        of_typical: Option<(f64, Duration)>,
    },
}

/// Judges one proof by what runs of it.
pub fn held<'m>(model: &'m Model, typicals: &Typicals, proof: &Proof, running: &[Placed<'m>]) -> Held<'m> {
    if !proof.is_active() {
        return Held::Over;
    }
    let slowest = running
        .iter()
        .filter(|(_, t)| t.kind != Some(TaskType::Controller))
        .map(|p| {
            let took = model.surely_ran(p.1.since);
            (*p, took, ratio(typicals, p.1.kind.as_ref(), took))
        })
        .max_by(|a, b| {
            let of = |x: &Option<(f64, Duration)>| x.map_or(-1.0, |r| r.0);
            of(&a.2).total_cmp(&of(&b.2)).then(a.1.cmp(&b.1))
        });
    if let Some((placed, took, of_typical)) = slowest {
        return Held::Task { placed, took, of_typical };
    }
    let queues = model.stats.as_ref().map_or((0, 0), |s| (s.stats.cpu_queue.unwrap_or(0), s.stats.gpu_queue.unwrap_or(0)));
    let still = model.now.since(proof.progress_at);
    // Known to wait: re-queued, or seen in debug lines.
    if let Some(kind) = proof.tallies.iter().find(|(_, t)| t.waiting > 0).map(|(k, _)| k.clone()) {
        let (queue, entries) = if kind.worker_kind() == Some(WorkerKind::Cpu) { ("cpu", queues.0) } else { ("gpu", queues.1) };
        return Held::Waits { kind: Some(kind), queue, entries, still };
    }
    if running.is_empty() {
        return match proof.claimed_at {
            None if proof.tallies.is_empty() => Held::Unclaimed,
            _ if queues.0 > 0 => Held::Waits { kind: Some(TaskType::Controller), queue: "cpu", entries: queues.0, still },
            _ => Held::Unseen,
        };
    }
    if queues.0 > 0 {
        let kind = match proof.stage() {
            Stage::Shrink | Stage::Wrap => proof.mode.and_then(crate::event::ProofMode::wrap),
            Stage::Waiting | Stage::Setup => Some(TaskType::CoreExecute),
            _ => None,
        };
        return Held::Waits { kind, queue: "cpu", entries: queues.0, still };
    }
    if queues.1 > 0 {
        return Held::Waits { kind: None, queue: "gpu", entries: queues.1, still };
    }
    Held::ControllerAlone { since: proof.progress_at }
}

impl Held<'_> {
    /// True where an operator should look.
    pub fn is_slow(&self) -> bool {
        match self {
            Self::Task { took, of_typical, .. } => *took >= LEAST && of_typical.is_some_and(|r| r.0 >= SLOW),
            Self::Waits { still, .. } => *still >= LONG_WAIT,
            _ => false,
        }
    }

    /// How to show it.
    pub fn role(&self) -> Role {
        match self {
            Self::Over => Role::Faint,
            _ if self.is_slow() => Role::Warn,
            _ => Role::Dim,
        }
    }

    /// In a few words, for a column.
    pub fn short(&self, now: Timestamp, symbols: &Symbols) -> String {
        match self {
            Self::Over => String::new(),
            Self::Unclaimed => "not claimed".into(),
            Self::Unseen => "no task seen".into(),
            Self::Waits { kind, queue, entries, .. } => {
                let what = kind.as_ref().map_or("a task", TaskType::as_str);
                if *entries > 0 { format!("{what} waits, {queue}_queue {entries}") } else { format!("{what} waits") }
            }
            Self::ControllerAlone { since } => format!("Controller alone {}", units::seconds(now.since(*since))),
            Self::Task { placed: (w, t), took, of_typical } => {
                let much = of_typical.map_or_else(|| units::seconds(*took), |r| times(symbols, *took, r.1));
                format!("{} {} {much}", kind_name(t.kind.as_ref()), w.id.short())
            }
        }
    }

    /// In a sentence.
    pub fn long(&self, now: Timestamp, symbols: &Symbols) -> String {
        match self {
            Self::Over => String::new(),
            Self::Unclaimed => "the coordinator has not claimed it yet; it looks for new proofs every 0.5 s".into(),
            Self::Unseen => "claimed, but none of its tasks is on a worker and no queue has entries".into(),
            Self::Waits { kind, queue, entries, still } => {
                let what = kind.as_ref().map_or("its next task", TaskType::as_str);
                let alone = if matches!(kind, Some(TaskType::Controller)) { "" } else { "only its Controller runs, " };
                let still = units::seconds(*still);
                format!("{what} waits for a {queue} worker: {alone}{queue}_queue is {entries}, nothing has moved for {still}")
            }
            Self::ControllerAlone { since } => {
                format!("only its Controller runs and nothing is queued, for {}", units::seconds(now.since(*since)))
            }
            Self::Task { placed: (w, t), took, of_typical } => {
                let on = w.tie.as_ref().map_or_else(String::new, |tie| format!(" ({})", tie.pod));
                let kind = kind_name(t.kind.as_ref());
                let much = of_typical
                    .map_or_else(String::new, |r| format!(", {} its typical {}", times(symbols, *took, r.1), units::seconds(r.1)));
                format!("{kind} for {}{much}, on worker {}{on}", units::seconds(*took), w.id.short())
            }
        }
    }
}
