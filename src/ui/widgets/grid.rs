//! A small table: columns that drop out by importance, and a cursor that keeps
//! to what is selected.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;

use crate::ui::draw::{line_width, put, put_line, tint, width};
use crate::ui::{Action, Ctx, Role};

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its header.
    pub title: &'static str,
    /// The columns that it takes at least.
    pub width: u16,
    /// Its share of what is left over.
    pub grow: u16,
    /// Numbers stand at the right.
    pub right: bool,
    /// The highest drop out first when there is no room; 0 never does.
    pub rank: u8,
}

impl Column {
    /// A column of text.
    #[must_use]
    pub const fn text(title: &'static str, width: u16, rank: u8) -> Self {
        Self { title, width, grow: 0, right: false, rank }
    }

    /// A column of numbers.
    #[must_use]
    pub const fn number(title: &'static str, width: u16, rank: u8) -> Self {
        Self { title, width, grow: 0, right: true, rank }
    }

    /// Lets it take a share of what is left over.
    #[must_use]
    pub const fn grows(mut self, share: u16) -> Self {
        self.grow = share;
        self
    }
}

/// Blank columns between two columns.
const GAP: u16 = 2;
/// Left of the first column, for the mark of the selected row.
const MARK: u16 = 2;

/// The columns that fit into `room`: number, place from the left, width.
#[must_use]
pub fn fit(columns: &[Column], room: u16) -> Vec<(usize, u16, u16)> {
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let need = |shown: &[usize]| shown.iter().map(|i| columns[*i].width + GAP).sum::<u16>().saturating_sub(GAP) + MARK;
    while need(&shown) > room {
        let worst = shown.iter().copied().filter(|i| columns[*i].rank > 0).max_by_key(|i| (columns[*i].rank, *i));
        let Some(worst) = worst else { break };
        shown.retain(|i| *i != worst);
    }
    let spare = room.saturating_sub(need(&shown));
    let shares: u16 = shown.iter().map(|i| columns[*i].grow).sum();
    let mut x = MARK;
    shown
        .into_iter()
        .filter_map(|i| {
            let c = columns[i];
            let more = (spare * c.grow).checked_div(shares).unwrap_or(0);
            let w = (c.width + more).min(room.saturating_sub(x));
            let place = (i, x, w);
            x += w + GAP;
            (w > 0).then_some(place)
        })
        .collect()
}

/// The column at `x` from the left.
#[must_use]
pub fn column_at(columns: &[Column], room: u16, x: u16) -> Option<usize> {
    fit(columns, room).into_iter().find(|(_, at, w)| (*at..at + w + GAP).contains(&x)).map(|(i, _, _)| i)
}

/// Which row is selected, by its identity.
#[derive(Clone, Debug)]
pub struct Cursor<K> {
    key: Option<K>,
    row: usize,
    top: usize,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Self { key: None, row: 0, top: 0 }
    }
}

impl<K: PartialEq + Clone> Cursor<K> {
    /// The selected row; where the selected thing is gone, the row that it had.
    #[must_use]
    pub fn row(&self, keys: &[K]) -> Option<usize> {
        let found = self.key.as_ref().and_then(|k| keys.iter().position(|o| o == k));
        found.or_else(|| keys.len().checked_sub(1).map(|last| self.row.min(last)))
    }

    /// What is selected.
    #[must_use]
    pub fn selected<'a>(&self, keys: &'a [K]) -> Option<&'a K> {
        self.row(keys).and_then(|i| keys.get(i))
    }

    /// The first row to show so that the selected one is among `height` rows.
    #[must_use]
    pub fn top(&self, keys: &[K], height: usize) -> usize {
        let row = self.row(keys).unwrap_or(0);
        let most = keys.len().saturating_sub(height);
        self.top.min(row).max((row + 1).saturating_sub(height.max(1))).min(most)
    }

    /// Selects a row.
    pub fn select(&mut self, keys: &[K], row: usize, height: usize) {
        let Some(last) = keys.len().checked_sub(1) else { return };
        let before = self.top(keys, height);
        self.row = row.min(last);
        self.key = keys.get(self.row).cloned();
        self.top = before;
        self.top = self.top(keys, height);
    }

    /// Does the actions that move the selection; false for others.
    pub fn update(&mut self, action: &Action, keys: &[K], height: usize) -> bool {
        let page = i64::try_from(height.max(1)).unwrap_or(i64::MAX);
        let by = match action {
            Action::Move(n) => i64::from(*n),
            Action::HalfPage(n) => i64::from(*n) * (page / 2).max(1),
            Action::Page(n) => i64::from(*n) * (page - 1).max(1),
            Action::Top => i64::MIN / 2,
            Action::Bottom => i64::MAX / 2,
            _ => return false,
        };
        let row = i64::try_from(self.row(keys).unwrap_or(0)).unwrap_or(0).saturating_add(by).max(0);
        self.select(keys, usize::try_from(row).unwrap_or(usize::MAX), height);
        true
    }
}

/// How rows are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By which column.
    pub column: usize,
    /// The other way round.
    pub reverse: bool,
}

impl Sort {
    /// Does the actions that change it; false for others.
    pub fn update(&mut self, action: &Action, columns: usize) -> bool {
        match action {
            Action::NextSort => *self = Self { column: (self.column + 1) % columns.max(1), reverse: false },
            Action::ReverseSort => self.reverse = !self.reverse,
            Action::SortBy(c) if *c == self.column => self.reverse = !self.reverse,
            Action::SortBy(c) if *c < columns => *self = Self { column: *c, reverse: false },
            _ => return false,
        }
        true
    }
}

/// What a table shows.
pub struct Grid<'a> {
    /// Its columns.
    pub columns: &'a [Column],
    /// The sorted one, marked in the header.
    pub sort: Option<Sort>,
    /// Number of rows.
    pub rows: usize,
    /// The first that is shown.
    pub top: usize,
    /// The selected one.
    pub selected: Option<usize>,
}

impl Grid<'_> {
    /// Draws the header and as many rows as fit; `cell` gives the text of a row
    /// and a column in so many columns.
    pub fn draw<'c>(&self, area: Rect, ctx: &Ctx<'_>, buf: &mut Buffer, cell: impl Fn(usize, usize, u16) -> Line<'c>) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let places = fit(self.columns, area.width);
        let header = ctx.theme.style(Role::Header);
        for (i, x, w) in &places {
            let c = &self.columns[*i];
            let mark = match self.sort {
                Some(s) if s.column == *i => {
                    if s.reverse {
                        ctx.symbols.sort.1
                    } else {
                        ctx.symbols.sort.0
                    }
                }
                _ => "",
            };
            let title = format!("{}{mark}", c.title);
            let skip = if c.right { w.saturating_sub(width(&title)) } else { 0 };
            let field = Rect { x: area.x + x, width: (*w + GAP).min(area.width.saturating_sub(*x)), height: 1, ..area };
            put(buf, field, field.x + skip, area.y, &title, header);
        }
        for (n, row) in (self.top..self.rows).enumerate().take(usize::from(area.height.saturating_sub(1))) {
            let y = area.y + 1 + u16::try_from(n).unwrap_or(0);
            let selected = self.selected == Some(row);
            if selected {
                tint(buf, Rect { y, height: 1, ..area }, ctx.theme.style(Role::Selected));
                put(buf, area, area.x, y, ctx.symbols.pointer, ctx.theme.style(Role::Accent));
            }
            for (i, x, w) in &places {
                let line = cell(row, *i, *w);
                let field = Rect { x: area.x + x, width: *w, y, height: 1 };
                let skip = if self.columns[*i].right { w.saturating_sub(line_width(&line)) } else { 0 };
                put_line(buf, field, field.x + skip, y, &line);
            }
            if selected && ctx.theme.style(Role::Selected).add_modifier.contains(Modifier::REVERSED) {
                // Reversed, every colour would be a patch of ground.
                let fg = ctx.theme.base().fg.unwrap_or(Color::Reset);
                tint(buf, Rect { y, height: 1, ..area }, Style::new().fg(fg));
            }
        }
        self.scroll_bar(area, ctx, buf);
    }

    fn scroll_bar(&self, area: Rect, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let height = usize::from(area.height.saturating_sub(1));
        scroll_bar(Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }, self.top, height, self.rows, ctx, buf);
    }
}

/// Draws a scroll bar over the right border of a panel whose inside is `area`,
/// when not everything is shown.
pub fn scroll_bar(area: Rect, top: usize, height: usize, rows: usize, ctx: &Ctx<'_>, buf: &mut Buffer) {
    if rows <= height || area.height < 3 {
        return;
    }
    let x = area.right() + 1;
    let cells = usize::from(area.height);
    let size = (cells * height / rows).max(1);
    let start = (cells - size) * top / (rows - height).max(1);
    let bar = Rect { x, width: 1, ..area };
    for i in start..(start + size).min(cells) {
        put(buf, bar, x, area.y + u16::try_from(i).unwrap_or(0), ctx.symbols.scroll.0, ctx.theme.style(Role::Dim));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_drop_out_by_rank() {
        let c = [Column::text("name", 10, 0).grows(1), Column::number("age", 5, 2), Column::number("size", 6, 1)];
        assert_eq!(fit(&c, 40), [(0, 2, 23), (1, 27, 5), (2, 34, 6)]);
        assert_eq!(fit(&c, 22), [(0, 2, 12), (2, 16, 6)]);
        assert_eq!(fit(&c, 8), [(0, 2, 6)]);
        assert_eq!(fit(&c, 0), []);
        assert_eq!(column_at(&c, 40, 28), Some(1));
    }

    #[test]
    fn the_selection_stays_with_its_thing() {
        let mut c = Cursor::default();
        let keys: Vec<u32> = (0..10).collect();
        assert_eq!(c.selected(&keys), Some(&0));
        c.update(&Action::Move(3), &keys, 4);
        c.update(&Action::Move(2), &keys, 4);
        assert_eq!((c.selected(&keys), c.top(&keys, 4)), (Some(&5), 2));
        let keys: Vec<u32> = (0..10).rev().collect();
        assert_eq!((c.row(&keys), c.top(&keys, 4)), (Some(4), 2));
        let keys = [7, 8];
        assert_eq!(c.selected(&keys), Some(&8));
        assert_eq!(c.selected(&[]), None);
        c.update(&Action::Bottom, &[1, 2, 3], 2);
        assert_eq!((c.row(&[1, 2, 3]), c.top(&[1, 2, 3], 2), c.top(&[1, 2, 3], 0)), (Some(2), 1, 2));
    }
}
