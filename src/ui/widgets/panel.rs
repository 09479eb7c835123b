//! A border with a title, and something at its right end.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::ui::draw::{line_width, put, put_line};
use crate::ui::{Ctx, Role};

/// A frame around a part of a screen.
#[derive(Clone, Debug, Default)]
pub struct Panel<'a> {
    /// In the upper border, at the left.
    pub title: Line<'a>,
    /// In the upper border, at the right, if there is room.
    pub right: Line<'a>,
    /// True for the one that has the keys.
    pub focus: bool,
}

impl<'a> Panel<'a> {
    /// A panel with a title.
    #[must_use]
    pub fn new(title: impl Into<Line<'a>>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Puts something at the right end of its upper border.
    #[must_use]
    pub fn right(mut self, right: impl Into<Line<'a>>) -> Self {
        self.right = right.into();
        self
    }

    /// Marks it as the one that has the keys.
    #[must_use]
    pub const fn focus(mut self, focus: bool) -> Self {
        self.focus = focus;
        self
    }

    /// The area within its border and one blank column on each side.
    #[must_use]
    pub const fn inner(area: Rect) -> Rect {
        let (dx, dy) = (if area.width >= 4 { 2 } else { area.width / 2 }, if area.height >= 2 { 1 } else { area.height });
        Rect { x: area.x + dx, y: area.y + dy, width: area.width - 2 * dx, height: area.height.saturating_sub(2 * dy) }
    }

    /// Draws it and returns the area within.
    pub fn draw(&self, area: Rect, ctx: &Ctx<'_>, buf: &mut Buffer) -> Rect {
        let area = area.intersection(buf.area);
        if area.width < 2 || area.height < 2 {
            return Rect { width: 0, height: 0, ..area };
        }
        let set = &ctx.symbols.border;
        let style = ctx.theme.style(if self.focus { Role::BorderFocus } else { Role::Border });
        let (left, right, top, bottom) = (area.left(), area.right() - 1, area.top(), area.bottom() - 1);
        for x in left + 1..right {
            put(buf, area, x, top, set.horizontal_top, style);
            put(buf, area, x, bottom, set.horizontal_bottom, style);
        }
        for y in top + 1..bottom {
            put(buf, area, left, y, set.vertical_left, style);
            put(buf, area, right, y, set.vertical_right, style);
        }
        for (x, y, s) in
            [(left, top, set.top_left), (right, top, set.top_right), (left, bottom, set.bottom_left), (right, bottom, set.bottom_right)]
        {
            put(buf, area, x, y, s, style);
        }
        let edge = Rect { x: left + 2, y: top, width: area.width.saturating_sub(4), height: 1 };
        let title_width = line_width(&self.title);
        if title_width > 0 && edge.width > 2 {
            let mut title = self.title.clone();
            title.style = ctx.theme.style(Role::Title).patch(title.style);
            put(buf, edge, edge.x, top, " ", style);
            let x = put_line(buf, Rect { width: edge.width - 1, ..edge }, edge.x + 1, top, &title);
            put(buf, edge, x, top, " ", style);
        }
        let w = line_width(&self.right);
        if w > 0 && edge.width >= title_width + w + 6 {
            let mut line = self.right.clone();
            line.style = ctx.theme.style(Role::Dim).patch(line.style);
            let x = edge.right() - w - 2;
            put(buf, edge, x, top, " ", style);
            put_line(buf, edge, x + 1, top, &line);
            put(buf, edge, x + 1 + w, top, " ", style);
        }
        Self::inner(area)
    }
}
