//! A table: columns that give way on narrow screens, a selection that is kept
//! by identity, and only the visible rows are drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::pen::{Pen, width};
use crate::ui::draw::{put, tint};
use crate::ui::{Action, Ctx, Role};

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its header, in small letters.
    pub title: &'static str,
    /// It is left out before it gets narrower than this.
    pub min: u16,
    /// As wide as it likes to be where there is room.
    pub want: u16,
    /// Its share of the room that is left when all have what they want.
    pub flex: u16,
    /// Numbers are flush right.
    pub right: bool,
    /// The least important ones are left out first; 255 stays always.
    pub importance: u8,
    /// Whether rows can be sorted by it.
    pub sortable: bool,
    /// Whether the largest comes first, unless it is turned round.
    pub falls: bool,
}

impl Column {
    /// A column of text.
    #[must_use]
    pub const fn text(title: &'static str, min: u16, want: u16, importance: u8) -> Self {
        Self { title, min, want, flex: 0, right: false, importance, sortable: true, falls: false }
    }

    /// A column of numbers.
    #[must_use]
    pub const fn number(title: &'static str, width: u16, importance: u8) -> Self {
        Self { title, min: width, want: width, flex: 0, right: true, importance, sortable: true, falls: true }
    }

    /// Takes a share of the room that is left.
    #[must_use]
    pub const fn flex(mut self, share: u16) -> Self {
        self.flex = share;
        self
    }

    /// The smallest comes first.
    #[must_use]
    pub const fn rising(mut self) -> Self {
        self.falls = false;
        self
    }

    /// The largest (newest, worst) comes first.
    #[must_use]
    pub const fn falling(mut self) -> Self {
        self.falls = true;
        self
    }

    /// Rows cannot be sorted by it.
    #[must_use]
    pub const fn unsorted(mut self) -> Self {
        self.sortable = false;
        self
    }
}

/// Columns between two columns.
const GAP: u16 = 2;
/// Columns before the first: the selected row's marker.
const GUTTER: u16 = 2;

/// A column's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which column.
    pub column: usize,
    /// Columns from the table's left edge.
    pub x: u16,
    /// How wide it is.
    pub width: u16,
}

/// Places of the columns that fit into `room` columns.
#[must_use]
pub fn places(columns: &[Column], room: u16) -> Vec<Place> {
    let room = room.saturating_sub(GUTTER);
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let need = |kept: &[usize]| -> u16 {
        let gaps = GAP.saturating_mul(u16::try_from(kept.len().saturating_sub(1)).unwrap_or(u16::MAX));
        kept.iter().fold(gaps, |n, c| n.saturating_add(columns[*c].min))
    };
    while kept.len() > 1 && need(&kept) > room {
        let Some(least) = (0..kept.len()).rev().min_by_key(|i| columns[kept[*i]].importance) else { break };
        kept.remove(least);
    }
    let mut widths: Vec<u16> = kept.iter().map(|c| columns[*c].min).collect();
    let mut spare = room.saturating_sub(need(&kept));
    // First what they want, the important ones first; then the shares.
    let mut order: Vec<usize> = (0..kept.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(columns[kept[*i]].importance));
    for i in order {
        let more = columns[kept[i]].want.saturating_sub(widths[i]).min(spare);
        widths[i] += more;
        spare -= more;
    }
    let mut shares: u16 = kept.iter().map(|c| columns[*c].flex).sum();
    for (i, c) in kept.iter().enumerate() {
        let share = columns[*c].flex;
        if share > 0 && shares > 0 {
            let more = u16::try_from(u32::from(spare) * u32::from(share) / u32::from(shares)).unwrap_or(spare);
            widths[i] += more;
            spare -= more;
            shares -= share;
        }
    }
    let mut x = GUTTER;
    kept.into_iter()
        .zip(widths)
        .map(|(column, width)| {
            let place = Place { column, x, width };
            x = x.saturating_add(width).saturating_add(GAP);
            place
        })
        .collect()
}

/// What is selected, how it is sorted and how far it is scrolled: kept by the
/// view. `K` is a row's identity.
#[derive(Clone, Debug)]
pub struct TableState<K> {
    selected: Option<K>,
    /// Where the selected row was last, for when it disappears.
    index: usize,
    offset: usize,
    /// The column that sorts.
    pub sort: usize,
    /// Sorted the other way round.
    pub reverse: bool,
}

/// What is below a click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// The header of that column.
    Header(usize),
    /// That row.
    Row(usize),
    /// Nothing.
    Nothing,
}

impl<K: Clone + PartialEq> TableState<K> {
    /// Sorted by column `sort`, nothing selected.
    #[must_use]
    pub const fn new(sort: usize) -> Self {
        Self { selected: None, index: 0, offset: 0, sort, reverse: false }
    }

    /// The identity of the selected row, which may have disappeared.
    #[must_use]
    pub const fn selected(&self) -> Option<&K> {
        self.selected.as_ref()
    }

    /// Where the selected row is among `rows`; where it has disappeared, the
    /// row that is at its place now. `None` only without rows.
    pub fn locate(&self, rows: usize, key: impl Fn(usize) -> K) -> Option<usize> {
        let last = rows.checked_sub(1)?;
        let near = self.index.min(last);
        let Some(want) = &self.selected else { return Some(near) };
        if key(near) == *want {
            return Some(near);
        }
        (0..rows).find(|i| key(*i) == *want).or(Some(near))
    }

    /// Selects the row of that identity, wherever it is.
    pub fn select(&mut self, key: K) {
        self.selected = Some(key);
    }

    /// Selects row `index` of `rows`.
    pub fn select_at(&mut self, index: usize, rows: usize, key: impl Fn(usize) -> K) {
        if let Some(last) = rows.checked_sub(1) {
            self.index = index.min(last);
            self.selected = Some(key(self.index));
        }
    }

    /// Takes note of where the selection is and scrolls to it; `height` is the
    /// number of visible rows. To be called at the end of each update.
    pub fn settle(&mut self, rows: usize, height: usize, key: impl Fn(usize) -> K) {
        match self.locate(rows, &key) {
            Some(at) => {
                // One that is hidden for now is selected again when it is back.
                if self.selected.as_ref().is_none_or(|want| key(at) == *want) {
                    self.index = at;
                }
                self.offset = scroll(self.offset, at, rows, height);
            }
            None => self.offset = 0,
        }
    }

    /// Does the actions that move the selection. False for all others.
    pub fn act(&mut self, action: &Action, rows: usize, height: usize, key: impl Fn(usize) -> K) -> bool {
        let page = i64::try_from(height.max(2) - 1).unwrap_or(i64::MAX);
        let by = match action {
            Action::Move(n) => i64::from(*n),
            Action::HalfPage(n) => i64::from(*n).saturating_mul(page.div_euclid(2).max(1)),
            Action::Page(n) => i64::from(*n).saturating_mul(page),
            Action::Top => i64::MIN,
            Action::Bottom => i64::MAX,
            _ => return false,
        };
        if let Some(at) = self.locate(rows, &key) {
            let at = i64::try_from(at).unwrap_or(i64::MAX).saturating_add(by).max(0);
            self.select_at(usize::try_from(at).unwrap_or(usize::MAX), rows, &key);
            self.offset = scroll(self.offset, self.index, rows, height);
        }
        true
    }

    /// Does the actions that sort. False for all others.
    pub fn act_sort(&mut self, action: &Action, columns: &[Column]) -> bool {
        match action {
            Action::NextSort => {
                let n = columns.len();
                if let Some(next) = (1..=n).map(|i| (self.sort + i) % n).find(|c| columns[*c].sortable) {
                    self.sort = next;
                    self.reverse = false;
                }
            }
            Action::ReverseSort => self.reverse = !self.reverse,
            Action::SortBy(c) => {
                if *c == self.sort {
                    self.reverse = !self.reverse;
                } else if columns.get(*c).is_some_and(|c| c.sortable) {
                    self.sort = *c;
                    self.reverse = false;
                }
            }
            _ => return false,
        }
        true
    }

    /// Does a click at column `x` and row `y` of the screen, on what `table` has
    /// drawn on `area`: a header sorts, a row is selected. Returns what was hit.
    pub fn click(&mut self, table: &Table<'_>, area: Rect, x: u16, y: u16, key: impl Fn(usize) -> K) -> Hit {
        let (Some(x), Some(y)) = (x.checked_sub(area.x), y.checked_sub(area.y)) else { return Hit::Nothing };
        let hit = table.hit(area, x, y);
        match hit {
            Hit::Header(c) => {
                self.act_sort(&Action::SortBy(c), table.columns);
            }
            Hit::Row(r) => self.select_at(r, table.rows, key),
            Hit::Nothing => {}
        }
        hit
    }

    /// The table of `rows` rows on `area` in this state.
    #[must_use]
    pub fn table<'c>(&self, columns: &'c [Column], rows: usize, area: Rect, key: impl Fn(usize) -> K) -> Table<'c> {
        let at = self.locate(rows, key);
        let offset = self.offset(at, rows, Table::height(area));
        let sort = columns.get(self.sort).filter(|c| c.sortable).map(|_| (self.sort, self.reverse));
        Table { columns, sort, rows, selected: at, offset, focus: true }
    }

    /// The first visible row when the selected one is `at`.
    #[must_use]
    pub fn offset(&self, at: Option<usize>, rows: usize, height: usize) -> usize {
        scroll(self.offset, at.unwrap_or(0), rows, height)
    }
}

/// The offset nearest to `offset` that shows row `at` and no more emptiness
/// than there must be. A little context is kept around the selection.
#[must_use]
pub fn scroll(offset: usize, at: usize, rows: usize, height: usize) -> usize {
    if height == 0 || rows <= height {
        return 0;
    }
    let margin = usize::from(height >= 8);
    let low = (at + margin + 1).saturating_sub(height);
    let high = at.saturating_sub(margin);
    offset.max(low).min(high.max(low)).min(rows - height)
}

/// One frame of a table.
pub struct Table<'a> {
    /// Its columns.
    pub columns: &'a [Column],
    /// The sorting column and whether it is turned round.
    pub sort: Option<(usize, bool)>,
    /// How many rows there are.
    pub rows: usize,
    /// Which one is selected.
    pub selected: Option<usize>,
    /// The first visible one.
    pub offset: usize,
    /// Whether it has the keys.
    pub focus: bool,
}

impl Table<'_> {
    /// Rows that fit into `area` below the header.
    #[must_use]
    pub const fn height(area: Rect) -> usize {
        area.height.saturating_sub(1) as usize
    }

    /// Draws the header and the visible rows; `cell` draws column `c` of row `r`.
    pub fn draw(&self, ctx: &Ctx<'_>, area: Rect, buf: &mut Buffer, mut cell: impl FnMut(usize, usize, &mut Pen<'_>)) {
        let area = area.intersection(buf.area);
        let places = places(self.columns, area.width);
        self.header(ctx, area, buf, &places);
        for line in 0..area.height.saturating_sub(1) {
            let row = self.offset + usize::from(line);
            if row >= self.rows {
                break;
            }
            let y = line + 1;
            let whole = Rect { y: area.y + y, height: 1, ..area };
            let selected = self.selected == Some(row);
            if selected {
                select(whole, self.focus, ctx, buf);
            }
            for p in &places {
                let mut pen = Pen::new(buf, area, y);
                pen.gap(p.x);
                cell(row, p.column, &mut pen.part(p.width));
            }
            if selected {
                selected_done(whole, self.focus, ctx, buf);
            }
        }
        let below = Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area };
        scroll_bar(below, self.offset, usize::from(below.height), self.rows, ctx, buf);
    }

    fn header(&self, ctx: &Ctx<'_>, area: Rect, buf: &mut Buffer, places: &[Place]) {
        let style = ctx.theme.style(Role::Header);
        for p in places {
            let column = &self.columns[p.column];
            let mark = match self.sort {
                Some((c, turned)) if c == p.column => {
                    if turned == column.falls {
                        ctx.symbols.sort.0
                    } else {
                        ctx.symbols.sort.1
                    }
                }
                _ => "",
            };
            let mut pen = Pen::new(buf, area, 0);
            // The mark may stand in the gap, so that titles do not move.
            pen.gap(p.x);
            if column.right {
                let w = width(column.title);
                // There is no gap behind the last one.
                let last = p.x.saturating_add(p.width) >= area.width;
                let mark = if last { width(mark) } else { 0 };
                pen.gap(p.width.saturating_sub(w.saturating_add(mark)));
                pen.part(w.min(p.width)).put(column.title, style);
            } else {
                pen.part(p.width.min(width(column.title))).put(column.title, style);
            }
            pen.put(mark, ctx.theme.style(Role::Accent));
        }
    }

    /// What is at column `x` and row `y` of the table's area.
    #[must_use]
    pub fn hit(&self, area: Rect, x: u16, y: u16) -> Hit {
        if x >= area.width || y >= area.height {
            return Hit::Nothing;
        }
        if y == 0 {
            let places = places(self.columns, area.width);
            let found = places.iter().find(|p| x >= p.x.saturating_sub(1) && x <= p.x.saturating_add(p.width));
            return found.map_or(Hit::Nothing, |p| Hit::Header(p.column));
        }
        let row = self.offset + usize::from(y - 1);
        if row < self.rows { Hit::Row(row) } else { Hit::Nothing }
    }
}

/// Lights up the lines of what is selected, before their text is put down: it
/// keeps its colours.
pub fn select(area: Rect, focus: bool, ctx: &Ctx<'_>, buf: &mut Buffer) {
    tint(buf, area, ctx.theme.style(if focus { Role::Selected } else { Role::SelectedDim }));
    put(buf, area, area.x, area.y, ctx.symbols.pointer, ctx.theme.style(Role::Accent));
}

/// Makes the text of lit-up lines readable, after it was put down.
pub fn selected_done(area: Rect, focus: bool, ctx: &Ctx<'_>, buf: &mut Buffer) {
    let role = if focus { Role::Selected } else { Role::SelectedDim };
    if ctx.theme.style(role).add_modifier.contains(Modifier::REVERSED) {
        // Reversed, every colour would be a patch of ground.
        let fg = ctx.theme.base().fg.unwrap_or(Color::Reset);
        tint(buf, area, Style::new().fg(fg));
        return;
    }
    let (faint, dim) = (ctx.theme.style(Role::Faint).fg, ctx.theme.style(Role::Dim).fg);
    let (Some(faint), Some(dim)) = (faint, dim) else { return };
    for p in area.intersection(buf.area).positions() {
        if let Some(cell) = buf.cell_mut(p).filter(|c| c.fg == faint) {
            cell.fg = dim;
        }
    }
}

/// Draws a scroll bar over the right border of a panel whose inside is `area`,
/// when not everything is shown.
pub fn scroll_bar(area: Rect, top: usize, height: usize, rows: usize, ctx: &Ctx<'_>, buf: &mut Buffer) {
    let x = area.right().saturating_add(1);
    if rows <= height || area.height < 3 || x >= ctx.area.right() {
        return;
    }
    let cells = usize::from(area.height);
    let size = (cells * height / rows).max(1);
    let start = (cells - size) * top / (rows - height).max(1);
    let bar = Rect { x, width: 1, ..area };
    for i in start..(start + size).min(cells) {
        put(buf, bar, x, area.y + u16::try_from(i).unwrap_or(0), ctx.symbols.scroll.0, ctx.theme.style(Role::Dim));
    }
}

/// `12/345`, the selected row's number among all; empty without rows.
#[must_use]
pub fn position(selected: Option<usize>, rows: usize) -> String {
    selected.map_or_else(String::new, |at| format!("{}/{rows}", at + 1))
}

/// A horizontal bar of `value` of `max`.
pub fn bar(pen: &mut Pen<'_>, n: u16, share: f64, symbols: (&str, &str), full: Style, empty: Style) {
    let share = share.clamp(0.0, 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and n")]
    let mut filled = (share * f64::from(n)).round() as u16;
    // A little is not nothing, and nearly all is not all.
    if share > 0.0 {
        filled = filled.max(1);
    }
    if share < 1.0 {
        filled = filled.min(n.saturating_sub(1));
    }
    pen.repeat(symbols.0, filled, full);
    pen.repeat(symbols.1, n.saturating_sub(filled), empty);
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column::text("ID", 4, 8, 255),
        Column::number("LOAD", 5, 2),
        Column::text("TASKS", 6, 10, 9).flex(1).unsorted(),
        Column::number("AGE", 5, 4),
    ];

    fn shape(room: u16) -> Vec<(usize, u16, u16)> {
        places(&COLUMNS, room).iter().map(|p| (p.column, p.x, p.width)).collect()
    }

    #[test]
    fn the_least_important_columns_give_way_first() {
        assert_eq!(shape(50), [(0, 2, 8), (1, 12, 5), (2, 19, 24), (3, 45, 5)]);
        assert_eq!(shape(28), [(0, 2, 4), (1, 8, 5), (2, 15, 6), (3, 23, 5)]);
        assert_eq!(shape(27).iter().map(|p| p.0).collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(shape(15).iter().map(|p| p.0).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(shape(3), [(0, 2, 4)]);
        for room in 0..80 {
            let ends = shape(room).iter().map(|p| p.1 + p.2).max().unwrap();
            assert!(ends <= room.max(6), "{room}");
        }
    }

    #[test]
    fn the_selection_follows_its_row() {
        let mut s = TableState::new(0);
        let rows = ["a", "b", "c", "d"];
        assert!(s.act(&Action::Move(2), rows.len(), 10, |i| rows[i]));
        assert_eq!(s.selected(), Some(&"c"));
        let turned = ["d", "c", "b", "a"];
        assert_eq!(s.locate(4, |i| turned[i]), Some(1));
        // Gone: what stands at its place is selected, nothing jumps.
        s.settle(4, 10, |i| turned[i]);
        let less = ["d", "b", "a"];
        assert_eq!(s.locate(3, |i| less[i]), Some(1));
        assert_eq!(s.locate(0, |_| unreachable!("no rows")), None);
        s.act(&Action::Bottom, 3, 10, |i| less[i]);
        assert_eq!(s.selected(), Some(&"a"));
        s.act(&Action::Page(-9), 3, 10, |i| less[i]);
        assert_eq!(s.selected(), Some(&"d"));
    }

    #[test]
    fn scrolling_shows_the_selection_and_moves_no_more_than_it_must() {
        assert_eq!(scroll(0, 5, 100, 10), 0);
        assert_eq!(scroll(0, 9, 100, 10), 1);
        assert_eq!(scroll(50, 9, 100, 10), 8);
        assert_eq!(scroll(99, 99, 100, 10), 90);
        assert_eq!(scroll(3, 1, 4, 10), 0);
        assert_eq!(scroll(3, 2, 4, 0), 0);
        for (o, at, rows, h) in (0..12).flat_map(|o| (0..12).flat_map(move |at| (1..14).map(move |h| (o, at, 12, h)))) {
            let got = scroll(o, at, rows, h);
            assert!(got <= at && at < got + h, "{o} {at} {h}: {got}");
        }
    }

    #[test]
    fn arrows_tell_the_order_that_is_seen() {
        let theme = crate::ui::Theme::default();
        let model = crate::model::Model::new();
        let alerts = crate::alerts::Alerts::default();
        let symbols = crate::ui::Symbols::unicode();
        let area = Rect::new(0, 0, 60, 3);
        let ctx =
            Ctx { model: &model, theme: &theme, symbols: &symbols, time: crate::ui::TimeBase::Live, alerts: &alerts, fleet: &[], area };
        let header = |sort| {
            let t = Table { columns: &COLUMNS, sort: Some(sort), rows: 0, selected: None, offset: 0, focus: true };
            let mut buf = Buffer::empty(area);
            t.draw(&ctx, area, &mut buf, |_, _, _| {});
            (0..60).map(|x| buf[(x, 0)].symbol().to_owned()).collect::<String>()
        };
        assert!(header((0, false)).contains("ID▲") && header((0, true)).contains("ID▼"));
        // Numbers begin with the largest.
        assert!(header((1, false)).contains("LOAD▼") && header((1, true)).contains("LOAD▲"));
    }

    #[test]
    fn headers_and_rows_can_be_clicked() {
        let t = Table { columns: &COLUMNS, sort: None, rows: 3, selected: None, offset: 1, focus: true };
        let area = Rect::new(7, 3, 50, 5);
        assert_eq!(t.hit(area, 13, 0), Hit::Header(1));
        assert_eq!(t.hit(area, 20, 0), Hit::Header(2));
        assert_eq!(t.hit(area, 0, 1), Hit::Row(1));
        assert_eq!(t.hit(area, 0, 3), Hit::Nothing);
        let mut s = TableState::<u8>::new(0);
        assert!(s.act_sort(&Action::SortBy(1), &COLUMNS) && s.sort == 1 && !s.reverse);
        assert!(s.act_sort(&Action::SortBy(1), &COLUMNS) && s.reverse);
        s.act_sort(&Action::SortBy(2), &COLUMNS);
        assert_eq!(s.sort, 1, "a column that does not sort");
        s.act_sort(&Action::NextSort, &COLUMNS);
        assert_eq!((s.sort, s.reverse), (3, false));
    }
}
