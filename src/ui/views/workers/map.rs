//! All workers on one screen: a cell each.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use rustc_hash::FxHashMap;

use super::list::{GROUPS, Row};
use super::rows::{kind_style, task_cell};
use super::{Paint, WorkersView};
use crate::model::WorkerState;
use crate::ui::views::common::state_mark;
use crate::ui::widgets::heatmap::{Map, MapRow, WIDEST};
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::table::scroll;
use crate::ui::{Ctx, Role};

/// Columns left of the cells.
pub const MARGIN: u16 = 2;

/// The map of groups of those sizes on `area`.
pub fn map(area: Rect, sizes: &[usize]) -> Map {
    Map::new(sizes, area.width.saturating_sub(MARGIN), area.height)
}

/// The first visible row when worker `at` has the cursor and row `top` was the
/// first one before.
pub fn offset(map: &Map, top: usize, at: Option<usize>, height: u16) -> usize {
    let y = at.and_then(|n| map.find(n)).map_or(0, |p| p.0);
    scroll(top, y, map.rows().len(), usize::from(height))
}

pub fn draw(view: &WorkersView, ctx: &Ctx<'_>, area: Rect, (rows, sizes): (&[Row<'_>], &[usize]), at: Option<usize>, buf: &mut Buffer) {
    let map = map(area, sizes);
    let first = offset(&map, view.map_top, at, area.height);
    for (y, r) in (0..area.height).zip(map.rows().iter().skip(first)) {
        match *r {
            MapRow::Heading(g) => heading(ctx, area, y, g, rows, buf),
            MapRow::Cells { first, len } => {
                let mut pen = Pen::new(buf, area, y);
                pen.gap(MARGIN);
                for (i, row) in rows.iter().enumerate().skip(first).take(len) {
                    let (glyph, mut style) = glyph(view.paint, ctx, row);
                    if at == Some(i) {
                        style = style.patch(ctx.theme.style(Role::Selected)).add_modifier(Modifier::REVERSED | Modifier::BOLD);
                    }
                    pen.put(glyph, style);
                    let n = row.worker.tasks.len();
                    // Where there is room: how many tasks, as one of them is shown.
                    let number =
                        if map.cell >= WIDEST && n > 1 && row.worker.is_connected() { n.min(99).to_string() } else { String::new() };
                    pen.part(map.cell - 1).put(&number, ctx.theme.style(Role::Dim));
                }
            }
        }
    }
}

fn heading(ctx: &Ctx<'_>, area: Rect, y: u16, g: usize, rows: &[Row<'_>], buf: &mut Buffer) {
    let style = |r| ctx.theme.style(r);
    let of = rows.iter().filter(|r| r.group() == g);
    let (mut n, mut busy, mut late) = (0, 0, 0);
    for r in of {
        n += 1;
        busy += usize::from(!r.worker.tasks.is_empty());
        late += usize::from(r.worker.state == WorkerState::Late);
    }
    let mut pen = Pen::new(buf, area, y);
    pen.gap(MARGIN).put(GROUPS[g], style(Role::Title)).gap(1).put(&n.to_string(), style(Role::Text));
    if GROUPS[g] == "lost" {
        let held = busy;
        if held > 0 {
            pen.put(&format!("  {held} of them held tasks"), style(Role::Dim));
        }
        return;
    }
    pen.put(&format!("  {busy} busy  {} idle", n - busy), style(Role::Dim));
    if late > 0 {
        pen.put(&format!("  {late} late"), style(Role::Warn));
    }
}

/// A worker's cell. A late one shows its state whatever the cells show: it
/// needs an eye.
fn glyph(paint: Paint, ctx: &Ctx<'_>, row: &Row<'_>) -> (&'static str, Style) {
    let w = row.worker;
    let (dot, role) = state_mark(ctx.symbols, w.state);
    if w.state != WorkerState::Live || paint == Paint::State {
        return (dot, ctx.theme.style(role));
    }
    let idle = (ctx.symbols.marks.3, ctx.theme.style(Role::Faint));
    if w.tasks.is_empty() {
        return idle;
    }
    if paint == Paint::Load {
        let Some(load) = row.load() else { return ("?", ctx.theme.style(Role::Dim)) };
        let bars = ctx.symbols.bars;
        let levels = bars.len().saturating_sub(1);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
        let level = ((load * levels as f64).ceil() as usize).clamp(1, levels.max(1));
        return (bars.get(level).copied().unwrap_or("#"), kind_style(ctx, w.kind));
    }
    // The type (or proof) with the most tasks; of equals the later stage.
    let mut counts: FxHashMap<usize, (usize, &'static str, Style)> = FxHashMap::default();
    for t in &w.tasks {
        let (order, glyph, style) = task_cell(ctx, t, paint);
        counts.entry(order).or_insert((0, glyph, style)).0 += 1;
    }
    counts.into_iter().max_by_key(|(order, c)| (c.0, *order)).map_or(idle, |(_, c)| (c.1, c.2))
}
