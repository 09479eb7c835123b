//! One row a worker.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::list::{Row, col, columns_of, key};
use super::{Paint, WorkersView};
use crate::base::{TaskType, WorkerKind, units};
use crate::model::Running;
use crate::ui::views::common::{age, letter, proof_letter, short_pod, short_worker, state_mark, tie_is_sure, unknown};
use crate::ui::widgets::pen::{Pen, width};
use crate::ui::widgets::table::{Column, Table, bar};
use crate::ui::{Ctx, Role};

pub fn draw(view: &WorkersView, ctx: &Ctx<'_>, area: Rect, rows: &[Row<'_>], buf: &mut Buffer) {
    let columns = columns_of(rows);
    table(view, &columns, rows, area).draw(ctx, area, buf, |r, c, pen| {
        if let Some(row) = rows.get(r) {
            cell(view, ctx, row, c, pen);
        }
    });
}

pub fn table<'c>(view: &WorkersView, columns: &'c [Column], rows: &[Row<'_>], area: Rect) -> Table<'c> {
    Table { focus: !view.open, ..view.table.table(columns, rows.len(), area, |i| key(rows, i)) }
}

fn cell(view: &WorkersView, ctx: &Ctx<'_>, row: &Row<'_>, column: usize, pen: &mut Pen<'_>) {
    let style = |r| ctx.theme.style(r);
    let w = row.worker;
    let text = style(if w.is_connected() { Role::Text } else { Role::Dim });
    let now = ctx.now();
    match column {
        col::STATE => {
            let (mark, role) = state_mark(ctx.symbols, w.state);
            let word = if role == Role::Good { style(Role::Dim) } else { style(role) };
            pen.put(mark, style(role)).gap(1).put(w.state.as_str(), word);
        }
        col::WORKER => {
            let room = pen.left();
            pen.put(&short_worker(&w.id, room, ctx.symbols.ellipsis), text);
        }
        col::TYPE => {
            let kind = kind_style(ctx, w.kind);
            pen.put(w.kind.map_or("?", WorkerKind::as_str), if w.is_connected() { kind } else { text });
        }
        col::POD => pod(ctx, row, pen),
        col::LOAD => load(ctx, row, pen),
        col::TASKS => tasks(ctx, &w.tasks, view.paint, pen),
        col::COUNT => {
            let n = w.tasks.len();
            pen.right(&n.to_string(), if n == 0 { style(Role::Dim) } else { text });
        }
        col::OLDEST => {
            let at = row.oldest.filter(|_| w.is_connected());
            pen.right(&at.map_or_else(|| unknown(ctx).into(), |t| age(now, t)), if at.is_none() { style(Role::Faint) } else { text });
        }
        col::DONE => {
            pen.right(&units::count(w.finished), if w.finished == 0 { style(Role::Dim) } else { text });
        }
        _ => {
            pen.right(&age(now, w.last_seen), style(if w.is_connected() { Role::Dim } else { Role::Bad }));
        }
    }
}

/// The style of things of that kind of worker.
pub fn kind_style(ctx: &Ctx<'_>, kind: Option<WorkerKind>) -> Style {
    ctx.theme.style(match kind {
        Some(WorkerKind::Cpu) => Role::Cpu,
        Some(WorkerKind::Gpu) => Role::Gpu,
        Some(WorkerKind::All) => Role::Accent,
        None => Role::Dim,
    })
}

fn pod(ctx: &Ctx<'_>, row: &Row<'_>, pen: &mut Pen<'_>) {
    let Some(tie) = &row.worker.tie else {
        pen.put(unknown(ctx), ctx.theme.style(Role::Faint));
        return;
    };
    let sure = tie_is_sure(tie);
    let style = ctx.theme.style(if sure && row.worker.is_connected() { Role::Text } else { Role::Dim });
    if !sure {
        pen.put("~", ctx.theme.style(Role::Warn));
    }
    let room = pen.left();
    pen.put(&short_pod(&tie.pod, room, ctx.symbols.ellipsis), style);
}

/// `━━━━──  12/48`; only the numbers where it is tight.
fn load(ctx: &Ctx<'_>, row: &Row<'_>, pen: &mut Pen<'_>) {
    let style = |r| ctx.theme.style(r);
    let w = row.worker;
    if !w.is_connected() {
        return;
    }
    let text = |n: Option<u32>| n.map_or_else(|| "?".into(), |n| n.to_string());
    let numbers = format!("{}/{}", text(row.current), text(row.max));
    let numbers_width = width(&numbers).max(6);
    let bar_width = pen.left().saturating_sub(numbers_width + 1).min(16);
    if bar_width >= 4 {
        match row.load() {
            Some(share) => {
                let full = if share > 1.0 { style(Role::Warn) } else { kind_style(ctx, w.kind) };
                bar(&mut pen.part(bar_width), bar_width, share, ctx.symbols.gauge, full, style(Role::Faint));
            }
            None => {
                pen.repeat(" ", bar_width, style(Role::Faint));
            }
        }
        pen.gap(1);
    }
    let role = if row.current == Some(0) { Role::Dim } else { Role::Text };
    pen.part(numbers_width).right(&numbers, style(role));
}

/// A cell a task, in the order of a proof's course; `P×12 R×3` where there are
/// too many.
fn tasks(ctx: &Ctx<'_>, list: &[Running], paint: Paint, pen: &mut Pen<'_>) {
    if list.is_empty() {
        pen.put("idle", ctx.theme.style(Role::Dim));
        return;
    }
    let mut cells: Vec<(usize, &'static str, Style)> = list.iter().map(|t| task_cell(ctx, t, paint)).collect();
    cells.sort_by_key(|c| c.0);
    if cells.len() <= usize::from(pen.left()) {
        for (_, glyph, style) in cells {
            pen.put(glyph, style);
        }
        return;
    }
    let by = if ctx.symbols.unicode { "×" } else { "x" };
    for same in cells.chunk_by(|a, b| a.0 == b.0) {
        pen.put(same[0].1, same[0].2).put(&format!("{by}{} ", same.len()), ctx.theme.style(Role::Text));
    }
}

/// A task's order, letter and style.
pub fn task_cell(ctx: &Ctx<'_>, t: &Running, paint: Paint) -> (usize, &'static str, Style) {
    if paint == Paint::Proof {
        return ctx
            .model
            .proofs
            .get(&t.proof)
            .map(|p| p.ordinal)
            .map_or((usize::MAX, "?", ctx.theme.style(Role::Dim)), |n| (n as usize, proof_letter(n), ctx.theme.proof(n)));
    }
    let order = t.kind.as_ref().map_or(TaskType::KNOWN.len() + 1, TaskType::index);
    (order, letter(t.kind.as_ref()), ctx.theme.task(t.kind.as_ref()))
}
