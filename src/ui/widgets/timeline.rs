//! Stretches of time drawn as lanes: one thing a column, or how many at once.

use std::time::Duration;

use ratatui::style::Style;

use super::pen::{Pen, width};
use crate::base::Timestamp;

/// A stretch of time on a number of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The left edge.
    pub from: Timestamp,
    /// The right edge.
    pub to: Timestamp,
    /// Columns.
    pub columns: u16,
}

impl Axis {
    /// Microseconds of the whole axis, at least one a column.
    fn span(&self) -> i128 {
        i128::from(self.to.0.saturating_sub(self.from.0)).max(i128::from(self.columns)).max(1)
    }

    /// The column of a time, also where it lies outside: −1 before, `columns`
    /// after.
    #[must_use]
    pub fn column(&self, t: Timestamp) -> i32 {
        let n = i128::from(t.0.saturating_sub(self.from.0)) * i128::from(self.columns);
        let c = n.div_euclid(self.span());
        i32::try_from(c.clamp(-1, i128::from(self.columns))).unwrap_or(-1)
    }

    /// The columns that a stretch covers: at least one where it is in view.
    fn cover(&self, start: Timestamp, end: Timestamp) -> std::ops::Range<usize> {
        if self.columns == 0 || end < self.from || start > self.to {
            return 0..0;
        }
        let last = i32::from(self.columns) - 1;
        let a = self.column(start).clamp(0, last);
        // A stretch that ends where a column begins does not reach into it.
        let b = self.column(Timestamp(end.0.saturating_sub(1))).clamp(a, last);
        usize::try_from(a).unwrap_or(0)..usize::try_from(b).unwrap_or(0) + 1
    }

    /// How long one column is.
    #[must_use]
    pub fn step(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.span() / i128::from(self.columns.max(1))).unwrap_or(u64::MAX))
    }

    /// Writes clock times along the axis.
    pub fn draw(&self, pen: &mut Pen<'_>, style: Style) {
        let begin = pen.x();
        let span = Duration::from_micros(u64::try_from(self.span()).unwrap_or(u64::MAX));
        // Each label has room for itself and a gap twice as wide.
        let ticks = i64::from((self.columns / 24).max(1));
        for i in 0..ticks {
            let at = self.from.plus(span.mul_f64(i as f64 / ticks as f64));
            let x = u16::try_from(self.column(at).max(0)).unwrap_or(0);
            pen.to(begin.saturating_add(x));
            let label = at.clock();
            if pen.left() < width(&label) + 1 {
                return;
            }
            pen.put(&label, style);
        }
        let end = self.to.clock();
        if pen.left() > width(&end) + 2 {
            pen.right(&end, style);
        }
    }
}

/// A stretch of time on a lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment<'a> {
    /// Its beginning.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
    /// What it is drawn with.
    pub glyph: &'a str,
    /// And how.
    pub style: Style,
    /// What its end is marked with, when it did not end well.
    pub mark: Option<(&'a str, Style)>,
}

/// What is in each column: the segment that began last, and the marks.
struct Columns<'s, 'a> {
    top: Vec<Option<&'s Segment<'a>>>,
    count: Vec<u16>,
    marks: Vec<Option<(&'a str, Style)>>,
}

fn columns<'s, 'a>(axis: &Axis, segments: &'s [Segment<'a>]) -> Columns<'s, 'a> {
    let n = usize::from(axis.columns);
    let mut c = Columns { top: vec![None; n], count: vec![0; n], marks: vec![None; n] };
    for s in segments {
        let cover = axis.cover(s.start, s.end);
        if let (Some(mark), Some(last)) = (s.mark, cover.clone().next_back()) {
            c.marks[last] = Some(mark);
        }
        for i in cover {
            c.count[i] = c.count[i].saturating_add(1);
            if c.top[i].is_none_or(|t| t.start <= s.start) {
                c.top[i] = Some(s);
            }
        }
    }
    c
}

/// Draws what ran when: where several overlap, the one that began last.
pub fn lane(pen: &mut Pen<'_>, axis: &Axis, segments: &[Segment<'_>], empty: (&str, Style)) {
    let c = columns(axis, segments);
    for (top, mark) in c.top.iter().zip(&c.marks) {
        match (mark, top) {
            (Some((m, style)), _) => pen.put(m, *style),
            (None, Some(s)) => pen.put(s.glyph, s.style),
            (None, None) => pen.put(empty.0, empty.1),
        };
    }
}

/// Draws how many ran at once, in levels of `bars` (from empty to full); the
/// most in any column is full. Returns that number.
pub fn density(pen: &mut Pen<'_>, axis: &Axis, segments: &[Segment<'_>], bars: &[&str], empty: (&str, Style)) -> u16 {
    let c = columns(axis, segments);
    let most = c.count.iter().copied().max().unwrap_or(0);
    let levels = bars.len().saturating_sub(1);
    for ((n, top), mark) in c.count.iter().zip(&c.top).zip(&c.marks) {
        if let Some((m, style)) = mark {
            pen.put(m, *style);
        } else if let Some(s) = top {
            let level = (usize::from(*n) * levels).div_ceil(usize::from(most.max(1))).min(levels);
            pen.put(bars.get(level).copied().unwrap_or("#"), s.style);
        } else {
            pen.put(empty.0, empty.1);
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::*;

    fn shown(w: u16, f: impl FnOnce(&mut Pen<'_>)) -> String {
        let area = Rect::new(0, 0, w, 1);
        let mut buf = Buffer::empty(area);
        f(&mut Pen::new(&mut buf, area, 0));
        buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    fn t(s: i64) -> Timestamp {
        Timestamp::from_secs(3600 + s)
    }

    fn seg(a: i64, b: i64, glyph: &str) -> Segment<'_> {
        Segment { start: t(a), end: t(b), glyph, style: Style::new(), mark: None }
    }

    #[test]
    fn lanes_show_what_ran_when() {
        let axis = Axis { from: t(0), to: t(100), columns: 10 };
        let mut late = seg(70, 90, "b");
        late.mark = Some(("x", Style::new()));
        let s = [seg(-50, 20, "a"), seg(10, 40, "c"), late, seg(95, 300, "d"), seg(400, 500, "e"), seg(55, 55, "f")];
        assert_eq!(shown(12, |p| lane(p, &axis, &s, (".", Style::new()))), "accc.f.bxd  ");
        assert_eq!(
            shown(10, |p| {
                density(p, &axis, &s, &[" ", "-", "="], (".", Style::new()));
            }),
            "-=--.-.-x-"
        );
        assert_eq!(shown(0, |p| lane(p, &Axis { columns: 0, ..axis }, &s, (".", Style::new()))), "");
        let point = Axis { from: t(0), to: t(0), columns: 4 };
        assert_eq!(shown(4, |p| lane(p, &point, &[seg(0, 0, "a")], (".", Style::new()))), "a...");
    }

    #[test]
    fn times_stand_along_the_axis() {
        let axis = Axis { from: t(0), to: t(100), columns: 48 };
        assert_eq!(shown(48, |p| axis.draw(p, Style::new())), "01:00:00                01:00:50        01:01:40");
        assert_eq!(shown(5, |p| axis.draw(p, Style::new())), "     ");
        assert_eq!(axis.step(), Duration::from_micros(2_083_333));
    }
}
