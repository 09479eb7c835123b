//! The tasks of one proof: those that run, then those that ended.

use std::time::Duration;

use ratatui::layout::Rect;

use super::held::{Typicals, ratio, running_of};
use crate::base::{TaskId, TaskType, Timestamp, WorkerId, units};
use crate::model::{Model, Proof, SpanEnd};
use crate::ui::views::common::{is_named, kind_name, letter, log_pod, short_pod, short_worker, tie_is_sure, times, unknown};
use crate::ui::widgets::pen::{Pen, middle};
use crate::ui::widgets::table::{Column, Table, TableState};
use crate::ui::{Ctx, Role};

/// The columns.
const COLUMNS: [Column; 8] = columns(8, 8);
/// Workers have names, those of their pods.
const COLUMNS_NAMED: [Column; 8] = columns(16, 26);

const fn columns(short: u16, long: u16) -> [Column; 8] {
    [
        Column::text("task", 14, 19, 255).unsorted(),
        Column::text("worker", short, long, 8).unsorted(),
        Column::text("pod", 14, 26, 4).unsorted(),
        Column::number("time", 6, 9).unsorted(),
        Column::number("of typical", 10, 6).unsorted(),
        Column::text("began", 8, 8, 5).unsorted(),
        Column::text("ended", 18, 18, 7).unsorted(),
        Column::text("task id", 31, 31, 3).unsorted(),
    ]
}

/// A task of a proof on a worker, running or ended.
pub struct Entry<'m> {
    /// The task.
    pub task: &'m TaskId,
    /// Its type.
    pub kind: Option<&'m TaskType>,
    /// Where.
    pub worker: &'m WorkerId,
    /// Since when.
    pub start: Timestamp,
    /// Until when and how it ended.
    pub end: Option<(Timestamp, SpanEnd)>,
    /// How long.
    pub took: Duration,
    /// Multiple of its typical time, and that time.
    pub of_typical: Option<(f64, Duration)>,
}

/// A stay of a task on a worker: its identity.
pub type Key = (TaskId, Timestamp);

impl Entry<'_> {
    /// Its identity.
    pub fn key(&self) -> Key {
        (self.task.clone(), self.start)
    }

    /// True where it ended badly.
    pub fn is_bad(&self) -> bool {
        self.end.is_some_and(|e| matches!(e.1, SpanEnd::Retried | SpanEnd::Lost | SpanEnd::Failed))
    }
}

/// What runs, the furthest beyond its typical time first, the Controller last;
/// then what ended, the newest first, with what ended badly before the rest.
pub fn entries<'m>(model: &'m Model, proof: &'m Proof) -> Vec<Entry<'m>> {
    let typicals = Typicals::of(model);
    let mut running: Vec<Entry<'m>> = running_of(model, &proof.id)
        .into_iter()
        .map(|(w, t)| {
            let took = model.now.since(t.since);
            let kind = t.kind.as_ref();
            let of_typical = ratio(&typicals, kind, model.surely_ran(t.since));
            Entry { task: &t.task, kind, worker: &w.id, start: t.since, end: None, took, of_typical }
        })
        .collect();
    running.sort_by(|a, b| {
        let of = |e: &Entry<'_>| e.of_typical.map_or(-1.0, |r| r.0);
        let last = |e: &Entry<'_>| e.kind == Some(&TaskType::Controller);
        last(a).cmp(&last(b)).then(of(b).total_cmp(&of(a))).then(b.took.cmp(&a.took))
    });
    let mut ended: Vec<Entry<'m>> = proof
        .spans
        .iter()
        .rev()
        .map(|s| {
            let took = s.end.since(s.start);
            let kind = s.kind.as_ref();
            Entry {
                task: &s.task,
                kind,
                worker: &s.worker,
                start: s.start,
                end: Some((s.end, s.outcome)),
                took,
                of_typical: ratio(&typicals, kind, took),
            }
        })
        .collect();
    ended.sort_by_key(|e| !e.is_bad());
    running.extend(ended);
    running
}

/// The table of them.
pub fn table(state: &TableState<Key>, list: &[Entry<'_>], area: Rect) -> Table<'static> {
    let columns = if list.iter().any(|e| is_named(e.worker)) { &COLUMNS_NAMED } else { &COLUMNS };
    state.table(columns, list.len(), area, |i| list[i].key())
}

/// Draws column `column` of one of them.
pub fn cell(ctx: &Ctx<'_>, e: &Entry<'_>, column: usize, pen: &mut Pen<'_>) {
    let style = |r| ctx.theme.style(r);
    let text = style(if e.end.is_none() { Role::Text } else { Role::Dim });
    let ellipsis = ctx.symbols.ellipsis;
    match column {
        0 => {
            pen.put(letter(e.kind), ctx.theme.task(e.kind)).gap(1).clip(kind_name(e.kind), text, ellipsis);
        }
        1 => {
            let room = pen.left();
            match log_pod(e.worker) {
                None => pen.put(&short_worker(e.worker, room, ellipsis), text),
                Some(pod) => pen.put(&short_pod(pod, room, ellipsis), style(Role::Dim)),
            };
        }
        2 => {
            let room = pen.left();
            match ctx.model.workers.get(e.worker).and_then(|w| w.tie.as_ref()) {
                Some(tie) if tie_is_sure(tie) => pen.put(&short_pod(&tie.pod, room, ellipsis), text),
                Some(tie) => pen.put("~", style(Role::Warn)).put(&short_pod(&tie.pod, room.saturating_sub(1), ellipsis), style(Role::Dim)),
                None => match log_pod(e.worker) {
                    Some(pod) => pen.put(&short_pod(pod, room, ellipsis), text),
                    None => pen.put(unknown(ctx), style(Role::Faint)),
                },
            };
        }
        3 => {
            pen.right(&units::seconds(e.took), text);
        }
        4 => match e.of_typical {
            Some((n, typical)) => {
                let role = if e.end.is_none() && n >= 2.0 { Role::Warn } else { Role::Dim };
                let took = if e.end.is_none() { ctx.model.surely_ran(e.start) } else { e.took };
                pen.right(&times(ctx.symbols, took, typical), style(role));
            }
            None => {
                pen.right(unknown(ctx), style(Role::Faint));
            }
        },
        5 => {
            pen.put(&e.start.clock(), style(Role::Dim));
        }
        7 => {
            let room = pen.left();
            pen.put(&middle(&e.task.to_string(), room, ellipsis), style(Role::Dim));
        }
        _ => match e.end {
            None => {
                pen.put(ctx.symbols.marks.2, style(Role::Info)).put(" running", style(Role::Info));
            }
            Some((at, outcome)) => {
                let (mark, word, role) = outcome_mark(ctx, outcome);
                pen.put(mark, style(role)).gap(1).put(word, style(role)).gap(1).right(&at.clock(), style(Role::Dim));
            }
        },
    }
}

/// The mark, word and role of an end.
pub const fn outcome_mark(ctx: &Ctx<'_>, outcome: SpanEnd) -> (&'static str, &'static str, Role) {
    match outcome {
        SpanEnd::Done => (ctx.symbols.marks.0, "done", Role::Good),
        SpanEnd::Retried => ("r", "retried", Role::Warn),
        SpanEnd::Lost => ("!", "lost", Role::Bad),
        SpanEnd::Failed => (ctx.symbols.marks.1, "failed", Role::Bad),
        SpanEnd::Dropped => (ctx.symbols.marks.3, "dropped", Role::Dim),
    }
}
