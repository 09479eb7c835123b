//! One worker and what it runs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::list::Row;
use super::rows::kind_style;
use crate::base::{TaskId, TaskType, Timestamp, WorkerId, WorkerKind, units};
use crate::model::{Proof, Running, TaskSpan, WorkerState};
use crate::ui::views::common::{Facts, Title, age, kind_name, letter, proof_cell, state_mark, tie_is_sure, times, unknown};
use crate::ui::views::proofs::outcome_mark;
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::pen::{Pen, middle};
use crate::ui::widgets::table::{Column, Table, TableState, bar, position};
use crate::ui::{Ctx, Role};

/// The columns of its tasks.
const COLUMNS: [Column; 5] = [
    Column::text("task", 14, 19, 9).unsorted(),
    Column::text("proof", 12, 26, 8).unsorted(),
    Column::number("since", 6, 255).unsorted(),
    Column::number("of typical", 10, 6).unsorted(),
    Column::text("task id", 12, 31, 5).unsorted(),
];

/// Rows above the list of tasks: two lines, and one for trouble.
const fn head(row: &Row<'_>) -> u16 {
    match row.worker.state {
        WorkerState::Live => 2,
        WorkerState::Late | WorkerState::Lost => 3,
    }
}

/// The part of the panel that lists tasks.
pub const fn task_area(row: &Row<'_>, area: Rect) -> Rect {
    let area = Panel::list(area);
    let used = head(row);
    let used = if used < area.height { used } else { area.height };
    Rect { x: area.x, y: area.y.saturating_add(used), width: area.width, height: area.height - used }
}

/// A worker's tasks, the oldest first.
pub fn tasks<'m>(row: &Row<'m>) -> Vec<&'m Running> {
    let mut list: Vec<&Running> = row.worker.tasks.iter().collect();
    list.sort_by_key(|t| t.since);
    list
}

/// The table of a worker's tasks.
pub fn table(state: &TableState<TaskId>, list: &[&Running], open: bool, area: Rect) -> Table<'static> {
    let table = state.table(&COLUMNS, list.len(), area, |i| list[i].task.clone());
    if open { table } else { Table { selected: None, focus: false, ..table } }
}

pub fn draw(ctx: &Ctx<'_>, area: Rect, row: &Row<'_>, state: &TableState<TaskId>, open: bool, buf: &mut Buffer) {
    let style = |r| ctx.theme.style(r);
    let w = row.worker;
    let list = tasks(row);
    let below = task_area(row, area);
    let table = table(state, &list, open, below);
    let id = w.id.to_string();
    let title = Title::new(ctx, middle(&id, area.width.saturating_sub(6), ctx.symbols.ellipsis));
    Panel::new(title.line()).right(position(table.selected, list.len())).focus(open).draw(area, ctx, buf);
    let area = Panel::list(area);

    let now = ctx.now();
    let (mark, role) = state_mark(ctx.symbols, w.state);
    let mut pen = Pen::new(buf, area, 0);
    pen.gap(2).put(mark, style(role)).gap(1).put(w.state.as_str(), style(role));
    pen.gap(2).put(w.kind.map_or("type unknown", WorkerKind::as_str), kind_style(ctx, w.kind));
    if let (Some(share), true) = (row.load(), w.is_connected()) {
        pen.gap(2);
        bar(&mut pen.part(12), 12, share, ctx.symbols.gauge, kind_style(ctx, w.kind), style(Role::Faint));
        pen.gap(1).put(&format!("{}/{}", row.current.unwrap_or(0), row.max.unwrap_or(0)), style(Role::Text));
    }
    pen.gap(3);
    let mut facts = Facts::new(ctx, &mut pen);
    facts.add("seen", &format!("{} ago", age(now, w.last_seen)), Role::Text);
    facts.add("finished", &w.finished.to_string(), Role::Text);
    let began = w.registered_at.unwrap_or(w.first_seen);
    let name = if !w.is_connected() {
        "lived"
    } else if w.registered_at.is_some() {
        "up"
    } else {
        "known for"
    };
    facts.add(name, &age(until(now, row), began), Role::Text);

    let mut pen = Pen::new(buf, area, 1);
    pen.gap(2).put("pod", style(Role::Dim)).gap(1);
    match &w.tie {
        Some(tie) => {
            let sure = tie_is_sure(tie);
            pen.put(if sure { "" } else { "~" }, style(Role::Warn)).put(&tie.pod, style(Role::Text));
            let word = if sure { "by" } else { "a guess: by" };
            pen.gap(2).put(&format!("{word} {} of {} tasks that both name", tie.hits, tie.votes), style(Role::Dim));
        }
        None => {
            pen.clip("not known: no node's log has named one of its tasks yet", style(Role::Dim), ctx.symbols.ellipsis);
        }
    }
    let trouble = match w.state {
        WorkerState::Live => None,
        WorkerState::Late => {
            let since = w.unreachable_since.map_or_else(String::new, |t| format!(" for {}", age(now, t)));
            Some(format!("the coordinator cannot send it heartbeats{since}; it is given up after 30s without one"))
        }
        WorkerState::Lost => {
            let when = w.lost_at.map_or_else(String::new, |t| format!(" {} ago", age(now, t)));
            let how = if w.timed_out { "given up after missed heartbeats" } else { "gone from the coordinator's list" };
            let held = if w.tasks.is_empty() { "it held no task" } else { "it held these tasks, which others must do again" };
            Some(format!("{how}{when}; {held}"))
        }
    };
    if let Some(t) = trouble {
        Pen::new(buf, area, 2).gap(2).clip(&t, style(role), ctx.symbols.ellipsis);
    }

    let used = u16::try_from(list.len()).unwrap_or(u16::MAX).saturating_add(2);
    if below.height >= used.saturating_add(3) {
        ended(ctx, Rect { y: below.y + used, height: below.height - used, ..below }, &w.id, buf);
    }
    if list.is_empty() {
        if w.is_connected() {
            Pen::new(buf, below, 0).gap(2).put("idle: it runs no task", style(Role::Dim));
        }
        return;
    }
    table.draw(ctx, below, buf, |r, c, pen| {
        if let Some(t) = list.get(r) {
            task(ctx, row, t, c, pen);
        }
    });
}

/// The columns of what it ended.
const ENDED: [Column; 5] = [
    Column::text("ended last", 14, 19, 9).unsorted(),
    Column::text("proof", 12, 26, 8).unsorted(),
    Column::number("took", 6, 255).unsorted(),
    Column::text("how, and when", 18, 18, 7).unsorted(),
    Column::text("task id", 12, 31, 5).unsorted(),
];

/// The tasks that ended last on a worker, as far as they are remembered.
fn ended(ctx: &Ctx<'_>, area: Rect, id: &WorkerId, buf: &mut Buffer) {
    let style = |r| ctx.theme.style(r);
    let all = ctx.model.proofs.iter().flat_map(|p| p.spans.iter().filter(|s| s.worker == *id).map(move |s| (p, s)));
    let mut list: Vec<(&Proof, &TaskSpan)> = all.collect();
    if list.is_empty() {
        return;
    }
    list.sort_by(|a, b| b.1.end.cmp(&a.1.end).then_with(|| a.1.task.cmp(&b.1.task)));
    let table = Table { columns: &ENDED, sort: None, rows: list.len().min(Table::height(area)), selected: None, offset: 0, focus: false };
    table.draw(ctx, area, buf, |r, c, pen| {
        let Some((proof, s)) = list.get(r) else { return };
        let kind = s.kind.as_ref();
        match c {
            0 => {
                pen.put(letter(kind), ctx.theme.task(kind)).gap(1).clip(kind_name(kind), style(Role::Dim), ctx.symbols.ellipsis);
            }
            1 => {
                pen.line(&Line::from(proof_cell(ctx, proof)), false).gap(1);
                let room = pen.left();
                pen.put(&middle(proof.id.as_str(), room, ctx.symbols.ellipsis), style(Role::Dim));
            }
            2 => {
                pen.right(&units::seconds(s.end.since(s.start)), style(Role::Dim));
            }
            3 => {
                let (mark, word, role) = outcome_mark(ctx, s.outcome);
                pen.put(mark, style(role)).gap(1).put(word, style(role)).gap(1).right(&s.end.clock(), style(Role::Dim));
            }
            _ => {
                let room = pen.left();
                pen.put(&middle(&s.task.to_string(), room, ctx.symbols.ellipsis), style(Role::Dim));
            }
        }
    });
}

/// What a lost worker ran does not get older.
fn until(now: Timestamp, row: &Row<'_>) -> Timestamp {
    row.worker.lost_at.filter(|_| !row.worker.is_connected()).unwrap_or(now)
}

fn task(ctx: &Ctx<'_>, row: &Row<'_>, t: &Running, column: usize, pen: &mut Pen<'_>) {
    let style = |r| ctx.theme.style(r);
    let connected = row.worker.is_connected();
    let now = until(ctx.now(), row);
    let text = style(if connected { Role::Text } else { Role::Dim });
    let kind = t.kind.as_ref();
    match column {
        0 => {
            pen.put(letter(kind), ctx.theme.task(kind)).gap(1).clip(kind_name(kind), text, ctx.symbols.ellipsis);
        }
        1 => {
            if let Some(p) = ctx.model.proofs.get(&t.proof) {
                pen.line(&Line::from(proof_cell(ctx, p)), false).gap(1);
            }
            let room = pen.left();
            pen.put(&middle(t.proof.as_str(), room, ctx.symbols.ellipsis), text);
        }
        2 => {
            pen.right(&age(now, t.since), text);
        }
        // It lives as long as its proof.
        3 if kind == Some(&TaskType::Controller) && connected => {
            pen.right("its proof", style(Role::Dim));
        }
        3 => match kind.filter(|k| **k != TaskType::Controller).and_then(|k| ctx.model.durations.typical(k)) {
            Some(typical) if connected => {
                let took = ctx.model.surely_ran(t.since);
                let slow = took > typical.median * 3;
                pen.right(&times(ctx.symbols, took, typical.median), style(if slow { Role::Warn } else { Role::Dim }));
            }
            _ => {
                pen.right(unknown(ctx), style(Role::Faint));
            }
        },
        _ => {
            let room = pen.left();
            pen.put(&middle(&t.task.to_string(), room, ctx.symbols.ellipsis), style(Role::Dim));
        }
    }
}
