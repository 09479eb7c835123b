//! The list of records and the line above it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::LogsView;
use super::MOST_LINES;
use super::index::Index;
use super::line::{Looks, Prefix, draw_prefix, draw_text, skip_columns, wrap};
use crate::event::Level;
use crate::ui::views::common::empty;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::table::position;
use crate::ui::{Ctx, Role};

impl LogsView {
    pub(super) fn draw_list(&self, ctx: &Ctx<'_>, area: Rect, index: &Index, at: usize, buf: &mut Buffer) {
        let logs = &ctx.model.logs;
        let prefix = Prefix::of(area.width);
        let room = area.width.saturating_sub(prefix.width());
        let first = self.first(logs, index, at, area);
        let mut y = 0;
        for row in first.. {
            let Some(e) = index.get(logs, row) else { break };
            if y >= area.height {
                break;
            }
            let looks = Looks::new(e, self.query.pattern.regex().filter(|_| !self.query.pattern.invert));
            let text = &e.record.text;
            let lines = if self.wrap {
                wrap(text, room, MOST_LINES)
            } else {
                let from = skip_columns(text, usize::from(self.across));
                std::iter::once(from..text.len()).collect()
            };
            let selected = row == at;
            let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height - y);
            let rows = Rect { y: area.y + y, height, ..area }.intersection(buf.area);
            // The end, when it is followed, is marked but not lit up.
            if selected && !self.follow {
                buf.set_style(rows, ctx.theme.style(Role::Selected));
            }
            for (i, range) in lines.into_iter().enumerate() {
                if y >= area.height {
                    break;
                }
                let mut pen = Pen::new(buf, area, y);
                if i == 0 {
                    draw_prefix(ctx, e, prefix, &mut pen);
                } else {
                    pen.gap(prefix.width());
                }
                draw_text(ctx, e, &looks, range, &mut pen);
                y += 1;
            }
            if selected {
                Pen::new(buf, rows, 0).put(ctx.symbols.pointer, ctx.theme.style(Role::Accent));
            }
        }
    }

    pub(super) fn draw_top(&self, ctx: &Ctx<'_>, area: Rect, index: &Index, at: Option<usize>, buf: &mut Buffer) {
        let style = |r| ctx.theme.style(r);
        let logs = &ctx.model.logs;
        let mut pen = Pen::new(buf, area, 0);
        let spot = position(at, index.len());
        let room = pen.left().saturating_sub(u16::try_from(spot.len()).unwrap_or(0) + 2);
        let mut left = pen.part(room);
        if self.follow {
            left.put(ctx.symbols.play.0, style(Role::Good)).put(" follow", style(Role::Text));
        } else {
            left.put("paused", style(Role::Warn));
            let new = index.newer(self.paused_at);
            if new > 0 {
                left.gap(1).put(&format!("{new} new"), style(Role::Accent));
            }
        }
        left.gap(3);
        if let Some(error) = self.query.pattern.error() {
            left.put(&format!("/{}/ ", self.query.pattern.text()), style(Role::Bad));
            left.put(&format!("{error}; the last good filter stays"), style(Role::Bad)).gap(3);
        } else if !self.query.pattern.is_empty() {
            let not = if self.query.pattern.invert { "not " } else { "" };
            left.put(not, style(Role::Accent)).put(&format!("/{}/", self.query.pattern.text()), style(Role::Accent)).gap(3);
        }
        if let Some(level) = self.query.level {
            let up = if level == Level::Error { "" } else { " and worse" };
            left.put("level ", style(Role::Dim)).put(level.padded().trim_start(), style(Role::Accent)).put(up, style(Role::Dim)).gap(3);
        }
        if !self.query.source.is_empty() {
            left.put("source ", style(Role::Dim)).put(&self.query.source, style(Role::Accent)).gap(3);
        }
        let all = logs.records().len() + if self.query.periodic { logs.periodic().len() } else { 0 };
        if self.query.is_set() {
            left.put(&format!("{} of {all}", index.len()), style(Role::Dim)).gap(3);
        }
        for (n, word, role) in [(logs.errors, "error", Role::Bad), (logs.warnings, "warning", Role::Warn)] {
            if n > 0 {
                let s = if n == 1 { "" } else { "s" };
                left.put(&n.to_string(), style(role)).gap(1).put(word, style(Role::Dim)).put(s, style(Role::Dim)).gap(3);
            }
        }
        if self.across > 0 {
            left.put(&format!("from column {}", self.across), style(Role::Dim)).gap(3);
        }
        if !self.query.periodic && !logs.periodic().is_empty() {
            left.put("periodic lines folded", style(Role::Faint));
        }
        pen.gap(2).put(&spot, style(Role::Dim));
    }

    pub(super) fn draw_empty(&self, ctx: &Ctx<'_>, area: Rect, buf: &mut Buffer) {
        let logs = &ctx.model.logs;
        let all = logs.records().len();
        if self.query.is_set() && all > 0 {
            let why = if self.query.source.is_empty() || !self.query.pattern.is_empty() {
                format!("None of {all} records matches.")
            } else {
                format!("None of {all} records is from '{}'.", self.query.source)
            };
            empty(ctx, area, &why, "Esc clears the filter; L and o change level and source.", buf);
        } else if !logs.periodic().is_empty() {
            empty(ctx, area, "Only the coordinator's periodic lines have come, and they are folded away.", "v shows them.", buf);
        } else {
            empty(ctx, area, "No log record yet.", "Sources says which logs are read; --log and --from give others.", buf);
        }
    }
}
