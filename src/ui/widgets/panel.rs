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
    /// In the lower border, at the left: what the marks within stand for. Those
    /// that have no room are left out.
    pub legend: Vec<Line<'a>>,
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

    /// Explains marks in its lower border.
    #[must_use]
    pub fn legend(mut self, legend: Vec<Line<'a>>) -> Self {
        self.legend = legend;
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

    /// The area within for a table or a list, which begins with the column of
    /// the selected row's mark.
    #[must_use]
    pub const fn list(area: Rect) -> Rect {
        let r = Self::inner(area);
        if r.x > area.x + 1 { Rect { x: r.x - 1, width: r.width + 1, ..r } } else { r }
    }

    /// The area within for text that stands below the title and below the text of
    /// tables.
    #[must_use]
    pub const fn text(area: Rect) -> Rect {
        let r = Self::inner(area);
        if r.width > 1 { Rect { x: r.x + 1, width: r.width - 1, ..r } } else { r }
    }

    /// Draws a line with a title through the panel on `area`, at row `y` of the
    /// screen, joined to its border.
    pub fn divide(&self, area: Rect, y: u16, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if y <= area.y || y + 1 >= area.bottom() || area.width < 2 {
            return;
        }
        let style = ctx.theme.style(if self.focus { Role::BorderFocus } else { Role::Border });
        for x in area.left() + 1..area.right() - 1 {
            put(buf, area, x, y, ctx.symbols.border.horizontal_top, style);
        }
        put(buf, area, area.left(), y, ctx.symbols.tees.0, style);
        put(buf, area, area.right() - 1, y, ctx.symbols.tees.1, style);
        self.titles(Rect { y, height: 1, ..area }, style, ctx, buf);
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
        self.titles(Rect { height: 1, ..area }, style, ctx, buf);
        self.marks(Rect { y: bottom, height: 1, ..area }, style, ctx, buf);
        Self::inner(area)
    }

    /// Writes the legend into a line of the border.
    fn marks(&self, row: Rect, style: ratatui::style::Style, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let edge = Rect { x: row.x + 2, width: row.width.saturating_sub(4), ..row };
        let mut x = edge.x;
        for (i, mark) in self.legend.iter().enumerate() {
            let gap = if i == 0 { 1 } else { 2 };
            if x + gap + line_width(mark) + 1 > edge.right() {
                break;
            }
            for _ in 0..gap {
                x = put(buf, edge, x, edge.y, " ", style);
            }
            let mut mark = mark.clone();
            mark.style = ctx.theme.style(Role::Dim).patch(mark.style);
            x = put_line(buf, edge, x, edge.y, &mark);
        }
        if x > edge.x {
            put(buf, edge, x, edge.y, " ", style);
        }
    }

    /// Writes title and right end into a line of the border.
    fn titles(&self, row: Rect, style: ratatui::style::Style, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let (left, top) = (row.left(), row.top());
        let edge = Rect { x: left + 2, y: top, width: row.width.saturating_sub(4), height: 1 };
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
    }
}
