//! Which workers are shown, in which order.

use std::cmp::{Ordering, Reverse};

use super::weights::Weights;
use crate::base::{Timestamp, WorkerId, WorkerKind};
use crate::model::{Model, Worker, WorkerState};
use crate::ui::views::common::is_named;
use crate::ui::widgets::filter::{Words, holds};
use crate::ui::widgets::table::Column;

/// The columns of the rows.
pub const COLUMNS: [Column; 10] = columns(true, false);

/// The columns of `rows`.
pub fn columns_of(rows: &[Row<'_>]) -> [Column; 10] {
    columns(rows.iter().any(|r| r.worker.tie.is_some()), rows.iter().any(|r| is_named(&r.worker.id)))
}

/// The columns; that of the pods is small where none is known, that of the
/// workers large where they have names.
const fn columns(pods: bool, names: bool) -> [Column; 10] {
    let (least, want) = if pods { (14, 26) } else { (3, 3) };
    let (short, long) = if names { (16, 26) } else { (8, 8) };
    [
        Column::text("state", 6, 6, 9).falling(),
        Column::text("worker", short, long, 255),
        Column::text("type", 4, 4, 7),
        Column::text("pod", least, want, 5),
        Column::text("load", 7, 22, 6).falling(),
        Column::text("tasks", 8, 14, 8).flex(3).falling(),
        Column::number("run", 3, 3),
        Column::number("oldest", 6, 6),
        Column::number("done", 5, 2),
        Column::number("seen", 5, 4),
    ]
}

/// Places in [`COLUMNS`].
pub mod col {
    pub const STATE: usize = 0;
    pub const WORKER: usize = 1;
    pub const TYPE: usize = 2;
    pub const POD: usize = 3;
    pub const LOAD: usize = 4;
    pub const TASKS: usize = 5;
    pub const COUNT: usize = 6;
    pub const OLDEST: usize = 7;
    pub const DONE: usize = 8;
    pub const SEEN: usize = 9;
}

/// A worker with what is computed of it.
#[derive(Clone, Copy)]
pub struct Row<'m> {
    /// The worker.
    pub worker: &'m Worker,
    /// The weight of its tasks.
    pub current: Option<u32>,
    /// The weight that it can take.
    pub max: Option<u32>,
    /// When its oldest task began.
    pub oldest: Option<Timestamp>,
}

impl<'m> Row<'m> {
    fn new(worker: &'m Worker, weights: &Weights<'_>) -> Self {
        Self { worker, current: weights.current(worker), max: weights.max(worker), oldest: worker.tasks.iter().map(|t| t.since).min() }
    }

    /// How full it is, 0 to 1 and sometimes more; `None` where unknown.
    pub fn load(&self) -> Option<f64> {
        let max = self.max.filter(|m| *m > 0)?;
        Some(f64::from(self.current?) / f64::from(max))
    }

    /// Its group on the map.
    pub const fn group(&self) -> usize {
        group(self.worker)
    }
}

/// The groups of the map, in order.
pub const GROUPS: [&str; 5] = ["cpu", "all", "gpu", "unknown type", "lost"];

const fn group(w: &Worker) -> usize {
    match (w.state, w.kind) {
        (WorkerState::Lost, _) => 4,
        (_, Some(WorkerKind::Cpu)) => 0,
        (_, Some(WorkerKind::All)) => 1,
        (_, Some(WorkerKind::Gpu)) => 2,
        (_, None) => 3,
    }
}

/// The workers that the filter keeps, in the order in which they were seen.
fn kept<'m>(model: &'m Model, words: &Words, weights: &Weights<'_>) -> Vec<Row<'m>> {
    model.workers.iter().filter(|w| words.is_empty() || keeps(words, w)).map(|w| Row::new(w, weights)).collect()
}

/// Whether the filter keeps a worker: by its ids, pod, type, state, and the
/// types, proofs and ids of its tasks.
pub fn keeps(words: &Words, w: &Worker) -> bool {
    let id = w.id.to_string();
    words.keeps(|word| {
        holds(&id, word)
            || holds(w.state.as_str(), word)
            || w.kind.is_some_and(|k| holds(k.as_str(), word))
            || w.tie.as_ref().is_some_and(|t| holds(&t.pod, word))
            || (word == "idle" && w.tasks.is_empty() && w.is_connected())
            || w.tasks.iter().any(|t| {
                t.kind.as_ref().is_some_and(|k| holds(k.as_str(), word))
                    || holds(t.proof.as_str(), word)
                    || (word.starts_with("task_") && holds(&t.task.to_string(), word))
            })
    })
}

/// Rows sorted by a column.
pub fn sorted<'m>(model: &'m Model, words: &Words, weights: &Weights<'_>, column: usize, reverse: bool) -> Vec<Row<'m>> {
    let mut rows = kept(model, words, weights);
    // Sorting is stable, so the order in which workers were seen breaks ties.
    let by: fn(&Row<'_>, &Row<'_>) -> Ordering = match column {
        col::STATE => |a, b| b.worker.state.cmp(&a.worker.state),
        col::WORKER => |a, b| a.worker.id.cmp(&b.worker.id),
        col::POD => |a, b| pod(a).cmp(&pod(b)),
        col::LOAD => |a, b| b.load().partial_cmp(&a.load()).unwrap_or(Ordering::Equal).then(b.current.cmp(&a.current)),
        col::TASKS | col::COUNT => |a, b| b.worker.tasks.len().cmp(&a.worker.tasks.len()),
        col::OLDEST => |a, b| oldest(a).cmp(&oldest(b)),
        col::DONE => |a, b| b.worker.finished.cmp(&a.worker.finished),
        col::SEEN => |a, b| a.worker.last_seen.cmp(&b.worker.last_seen),
        _ => |a, b| a.group().cmp(&b.group()),
    };
    rows.sort_by(by);
    if reverse {
        rows.reverse();
    }
    rows
}

/// Rows in the order of the map, and how many are in each group.
pub fn mapped<'m>(model: &'m Model, words: &Words, weights: &Weights<'_>) -> (Vec<Row<'m>>, [usize; GROUPS.len()]) {
    let mut rows = kept(model, words, weights);
    rows.sort_by_key(|r| (r.group(), Reverse(r.worker.lost_at)));
    let mut sizes = [0; GROUPS.len()];
    for r in &rows {
        sizes[r.group()] += 1;
    }
    (rows, sizes)
}

/// The identity of a row.
pub fn key(rows: &[Row<'_>], i: usize) -> WorkerId {
    rows.get(i).map_or_else(|| WorkerId::Text("".into()), |r| r.worker.id.clone())
}

fn pod<'m>(r: &Row<'m>) -> (bool, Option<&'m str>) {
    let pod = r.worker.tie.as_ref().map(|t| t.pod.as_str());
    (pod.is_none(), pod)
}

fn oldest(r: &Row<'_>) -> (bool, Option<Timestamp>) {
    // What a lost worker ran does not get older.
    let at = r.oldest.filter(|_| r.worker.is_connected());
    (at.is_none(), at)
}
