//! The list of records and the line above it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::LogsView;
use super::MOST_LINES;
use super::index::Index;
use super::line::{Looks, Prefix, draw_prefix, draw_text, skip_columns, wrap};
use crate::event::Level;
use crate::ui::views::common::{Title, empty};
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::table::{select, selected_done};
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
                // Where it is narrow the target gives way: the source says nearly as much.
                let whole = if prefix.names_target() { 0 } else { looks.target_end() };
                let from = whole + skip_columns(&text[whole..], usize::from(self.across));
                std::iter::once(from..text.len()).collect()
            };
            let selected = row == at;
            let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height - y);
            let rows = Rect { y: area.y + y, height, ..area }.intersection(buf.area);
            // The end, when it is followed, is marked but not lit up.
            if selected && !self.follow {
                select(rows, true, ctx, buf);
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
            if selected && !self.follow {
                selected_done(rows, true, ctx, buf);
            } else if selected {
                Pen::new(buf, rows, 0).put(ctx.symbols.pointer, ctx.theme.style(Role::Accent));
            }
        }
    }

    pub(super) fn title_line(&self, ctx: &Ctx<'_>, index: &Index) -> Line<'static> {
        let logs = &ctx.model.logs;
        let query = &self.query;
        let all = logs.records().len() - index.folded() + if query.periodic { logs.periodic().len() } else { 0 };
        let mut title = Title::new(ctx, "logs").count(index.len(), all);
        if self.follow {
            title = title.add(format!("   {}", ctx.symbols.play.0), Role::Good).add(" follow", Role::Text);
        } else {
            let mark = if ctx.symbols.unicode { format!("{} ", ctx.symbols.play.1) } else { String::new() };
            title = title.add(format!("   {mark}paused"), Role::Warn);
            let new = index.newer(self.paused_at);
            if new > 0 {
                title = title.add(format!(", {new} new"), Role::Text);
            }
        }
        if let Some(error) = query.pattern.error() {
            title = title.add(format!("   {error}; the last good filter stays"), Role::Bad);
        }
        title = title.inverted(query.pattern.invert);
        if let Some(level) = query.level {
            let up = if level == Level::Error { "" } else { " and worse" };
            title = title.add("   level ", Role::Dim).add(level.padded().trim_start(), Role::Text).add(up, Role::Dim);
        }
        if !query.source.is_empty() {
            title = title.add("   only ", Role::Dim).add(query.source.clone(), Role::Text);
        }
        for (n, word, role) in [(logs.errors, "error", Role::Bad), (logs.warnings, "warning", Role::Warn)] {
            if n > 0 {
                title = title.add(format!("   {n}"), role).add(format!(" {word}{}", if n == 1 { "" } else { "s" }), Role::Dim);
            }
        }
        title.line()
    }

    /// What is not seen, for the lower border.
    pub(super) fn notes(&self, ctx: &Ctx<'_>, index: &Index) -> Vec<Line<'static>> {
        let mut out = Vec::new();
        if self.across > 0 {
            out.push(Line::from(format!("from column {}", self.across)));
        }
        let n = ctx.model.logs.periodic().len() + index.folded();
        if !self.query.periodic && n > 0 {
            out.push(Line::from(format!("{n} routine lines folded, v shows them")));
        }
        out
    }

    pub(super) fn draw_empty(&self, ctx: &Ctx<'_>, area: Rect, index: &Index, buf: &mut Buffer) {
        let logs = &ctx.model.logs;
        let all = logs.records().len() - index.folded();
        if self.query.is_set() && all > 0 {
            let why = if self.query.source.is_empty() || !self.query.pattern.is_empty() {
                format!("None of {all} records matches.")
            } else {
                format!("None of {all} records is from '{}'.", self.query.source)
            };
            empty(ctx, area, &why, "Esc clears the filter; L and c change level and component.", buf);
        } else if !logs.periodic().is_empty() || index.folded() > 0 {
            empty(ctx, area, "Only periodic and routine lines have come, and they are folded away.", "v shows them.", buf);
        } else {
            empty(ctx, area, "No log record yet.", "Sources says which logs are read; --log and --from give others.", buf);
        }
    }
}
