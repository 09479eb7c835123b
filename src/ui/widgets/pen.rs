//! Writes text into one row of a buffer, piece by piece, and never beyond it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use unicode_segmentation::UnicodeSegmentation as _;

use crate::ui::draw::line_width;
pub use crate::ui::draw::{cut_middle as middle, width};

/// A place in one row that moves to the right as text is put down. Nothing is
/// written outside the row's part that it was made for, whatever the text.
pub struct Pen<'b> {
    buf: &'b mut Buffer,
    y: u16,
    x: u16,
    end: u16,
}

impl<'b> Pen<'b> {
    /// A pen for the `row`-th row of `area`; one without room where that row is
    /// outside of the area or the buffer.
    pub fn new(buf: &'b mut Buffer, area: Rect, row: u16) -> Self {
        let inside = area.intersection(buf.area);
        let y = area.y.saturating_add(row);
        let room = y >= inside.y && y < inside.bottom();
        Self { y, x: inside.x, end: if room { inside.right() } else { inside.x }, buf }
    }

    /// Columns that are left.
    #[must_use]
    pub const fn left(&self) -> u16 {
        self.end.saturating_sub(self.x)
    }

    /// The column that is written next, in the buffer's coordinates.
    #[must_use]
    pub const fn x(&self) -> u16 {
        self.x
    }

    /// Leaves `n` columns as they are.
    pub fn gap(&mut self, n: u16) -> &mut Self {
        self.x = self.x.saturating_add(n).min(self.end);
        self
    }

    /// Moves on to column `x`; never back.
    pub fn to(&mut self, x: u16) -> &mut Self {
        self.x = self.x.max(x).min(self.end.max(self.x));
        self
    }

    /// Puts `text` down, cut where the room ends.
    pub fn put(&mut self, text: &str, style: Style) -> &mut Self {
        if text.is_ascii() {
            let n = usize::from(self.left()).min(text.len());
            for c in text.bytes().take(n) {
                let c = if c.is_ascii_control() { ' ' } else { char::from(c) };
                if let Some(cell) = self.buf.cell_mut((self.x, self.y)) {
                    cell.set_char(c).set_style(style);
                }
                self.x += 1;
            }
            return self;
        }
        for g in text.graphemes(true) {
            if !self.grapheme(g, style) {
                break;
            }
        }
        self
    }

    /// Puts one grapheme down. False when it has no room; then nothing more is
    /// written by this pen. Graphemes without a width are left out.
    pub fn grapheme(&mut self, g: &str, style: Style) -> bool {
        if g.contains(char::is_control) {
            return true;
        }
        let w = width(g);
        if w == 0 {
            return true;
        }
        if w > self.left() {
            self.x = self.end;
            return false;
        }
        if let Some(cell) = self.buf.cell_mut((self.x, self.y)) {
            cell.set_symbol(g).set_style(style);
        }
        for x in self.x + 1..self.x + w {
            if let Some(cell) = self.buf.cell_mut((x, self.y)) {
                cell.reset();
                cell.set_style(style);
            }
        }
        self.x += w;
        true
    }

    /// Puts `text` down; where it is too long, it ends in `ellipsis`.
    pub fn clip(&mut self, text: &str, style: Style, ellipsis: &str) -> &mut Self {
        let room = self.left();
        if width(text) <= room {
            return self.put(text, style);
        }
        let mark = width(ellipsis).min(room);
        self.part(room - mark).put(text, style);
        self.put(ellipsis, style);
        self
    }

    /// Puts `text` down with its end at the end of the room.
    pub fn right(&mut self, text: &str, style: Style) -> &mut Self {
        let w = width(text).min(self.left());
        self.gap(self.left() - w).put(text, style)
    }

    /// Puts a line of several styles down; `right`: with its end at the end of
    /// the room.
    pub fn line(&mut self, line: &Line<'_>, right: bool) -> &mut Self {
        if right {
            let w = line_width(line).min(self.left());
            self.gap(self.left() - w);
        }
        for s in &line.spans {
            self.put(&s.content, line.style.patch(s.style));
        }
        self
    }

    /// Puts `text` down `n` times or until the room ends.
    pub fn repeat(&mut self, text: &str, n: u16, style: Style) -> &mut Self {
        for _ in 0..n {
            if self.left() == 0 {
                break;
            }
            self.put(text, style);
        }
        self
    }

    /// A pen for the next `n` columns; this one goes on behind them when that
    /// one is done.
    pub fn part(&mut self, n: u16) -> Pen<'_> {
        let (x, y) = (self.x, self.y);
        let end = x.saturating_add(n).min(self.end);
        self.x = end;
        Pen { buf: self.buf, y, x, end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(w: u16, f: impl FnOnce(&mut Pen<'_>)) -> String {
        let area = Rect::new(0, 0, w, 1);
        let mut buf = Buffer::empty(area);
        f(&mut Pen::new(&mut buf, area, 0));
        buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn wide_and_combining_text_stays_within() {
        assert_eq!(
            shown(5, |p| {
                p.put("日本語", Style::new());
            }),
            "日 本  "
        );
        assert_eq!(
            shown(4, |p| {
                p.put("e\u{301}a\u{200b}b\u{7}c", Style::new());
            }),
            "e\u{301}abc"
        );
        assert_eq!(
            shown(6, |p| {
                p.clip("abcdefgh", Style::new(), "…");
            }),
            "abcde…"
        );
        assert_eq!(
            shown(6, |p| {
                p.put("a", Style::new()).right("日", Style::new());
            }),
            "a   日 "
        );
        assert_eq!(
            shown(3, |p| {
                p.part(2).put("abc", Style::new());
                p.put("x", Style::new());
            }),
            "abx"
        );
        assert_eq!(
            shown(0, |p| {
                p.put("a", Style::new()).clip("日本", Style::new(), "…");
            }),
            ""
        );
    }
}
