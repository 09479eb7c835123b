//! A filled graph over time with labelled axes.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::base::{Timestamp, units};
use crate::model::Point;
use crate::ui::draw::{put, width};
use crate::ui::{Ctx, Role};

/// Columns left of the graph for the labels of its scale.
pub const GUTTER: u16 = 5;

/// What is drawn, and over which time.
pub struct Graph<'a> {
    /// One point a column of dots, oldest first; see [`Graph::columns`].
    pub series: &'a [Option<Point>],
    /// The value at the upper edge.
    pub top: u32,
    /// The time at the right edge.
    pub until: Timestamp,
    /// From the left edge to the right one.
    pub span: Duration,
    /// Of the filled part.
    pub style: Style,
    /// Whether the times are written below.
    pub times: bool,
}

impl Graph<'_> {
    /// How many points a graph over `area` wants.
    #[must_use]
    pub fn columns(area: Rect, ctx: &Ctx<'_>) -> usize {
        usize::from(area.width.saturating_sub(GUTTER)) * if ctx.symbols.unicode { 2 } else { 1 }
    }

    /// A round number not below `max` for the upper edge.
    #[must_use]
    pub fn round_top(max: u32) -> u32 {
        let mut decade = 1_u32;
        loop {
            for m in [1, 2, 4, 5, 6, 8] {
                let v = decade.saturating_mul(m);
                if v >= max.max(4) || v == u32::MAX {
                    return v;
                }
            }
            decade = decade.saturating_mul(10);
        }
    }

    /// Draws it into `area`.
    pub fn draw(&self, area: Rect, ctx: &Ctx<'_>, buf: &mut Buffer) {
        if area.width <= GUTTER + 1 || area.height == 0 {
            return;
        }
        let dim = ctx.theme.style(Role::Dim);
        let times = self.times && area.height >= 3;
        let plot = Rect { x: area.x + GUTTER, width: area.width - GUTTER, height: area.height - u16::from(times), ..area };
        self.scale(area, plot, dim, buf);
        if ctx.symbols.unicode {
            self.dots(plot, ctx, buf);
        } else {
            self.bars(plot, ctx, buf);
        }
        if times {
            self.times(plot, area.bottom() - 1, dim, buf);
        }
    }

    fn scale(&self, area: Rect, plot: Rect, style: Style, buf: &mut Buffer) {
        let mut label = |value: u32, y: u16| {
            let text = units::count(u64::from(value));
            put(buf, area, plot.x.saturating_sub(width(&text) + 1), y, &text, style);
        };
        label(self.top, plot.y);
        if plot.height >= 2 {
            label(0, plot.bottom() - 1);
        }
        if plot.height >= 7 && plot.height % 2 == 1 && self.top.is_multiple_of(2) {
            label(self.top / 2, plot.y + plot.height / 2);
        }
    }

    /// The height of a value in `steps`; at least one for what is not zero.
    fn height(&self, value: u32, steps: u32) -> u32 {
        if value == 0 || self.top == 0 {
            return 0;
        }
        let h = (u64::from(value) * u64::from(steps)).div_ceil(u64::from(self.top));
        u32::try_from(h).unwrap_or(steps).clamp(1, steps)
    }

    fn dots(&self, plot: Rect, ctx: &Ctx<'_>, buf: &mut Buffer) {
        // Braille dots of a cell from its bottom to its top, left and right.
        const LEFT: [u32; 4] = [0x40, 0x04, 0x02, 0x01];
        const RIGHT: [u32; 4] = [0x80, 0x20, 0x10, 0x08];
        let faint = ctx.theme.style(Role::Faint);
        let steps = u32::from(plot.height) * 4;
        for x in 0..plot.width {
            let at = usize::from(x) * 2;
            let pair = [self.series.get(at).copied().flatten(), self.series.get(at + 1).copied().flatten()];
            let heights = pair.map(|p| p.map(|p| self.height(p.max, steps)));
            for row in 0..plot.height {
                let from = u32::from(row) * 4;
                let mut dots = 0;
                let mut lit = false;
                for (h, bits) in heights.iter().zip([LEFT, RIGHT]) {
                    let Some(h) = *h else { continue };
                    let n = h.saturating_sub(from).min(4);
                    lit |= n > 0;
                    // A known zero is a line on the ground; the unknown is nothing.
                    let n = if row == 0 { n.max(1) } else { n };
                    dots |= bits.iter().take(n as usize).sum::<u32>();
                }
                if dots > 0
                    && let Some(c) = char::from_u32(0x2800 + dots)
                {
                    let style = if lit { self.style } else { faint };
                    put(buf, plot, plot.x + x, plot.bottom() - 1 - row, c.encode_utf8(&mut [0; 4]), style);
                }
            }
        }
    }

    fn bars(&self, plot: Rect, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let bars = ctx.symbols.bars;
        let levels = u32::try_from(bars.len().saturating_sub(1)).unwrap_or(1).max(1);
        let faint = ctx.theme.style(Role::Faint);
        for x in 0..plot.width {
            let Some(p) = self.series.get(usize::from(x)).copied().flatten() else { continue };
            let h = self.height(p.max, u32::from(plot.height) * levels);
            for row in 0..plot.height {
                let n = h.saturating_sub(u32::from(row) * levels).min(levels);
                let y = plot.bottom() - 1 - row;
                if n > 0 {
                    put(buf, plot, plot.x + x, y, bars.get(n as usize).copied().unwrap_or(" "), self.style);
                } else if row == 0 {
                    put(buf, plot, plot.x + x, y, "_", faint);
                }
            }
        }
    }

    /// Times at round minutes below the plot.
    fn times(&self, plot: Rect, y: u16, style: Style, buf: &mut Buffer) {
        const STEPS: [i64; 12] = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
        let span = i64::try_from(self.span.as_secs()).unwrap_or(i64::MAX).max(1);
        let room = i64::from(plot.width / 12).max(1);
        let step = STEPS.into_iter().find(|s| span / s <= room).unwrap_or(86_400);
        let until = self.until.secs();
        let begin = until - span;
        let mut t = begin.div_euclid(step) * step + step;
        while t <= until {
            let text = Timestamp::from_secs(t).clock();
            let text = text.get(..5).unwrap_or_default();
            let x = i64::from(plot.width) * (t - begin) / span;
            let x = u16::try_from(x).unwrap_or(0);
            if x >= 2 && x + 3 <= plot.width {
                put(buf, plot.union(Rect { y, height: 1, ..plot }), plot.x + x - 2, y, text, style);
            }
            t += step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_scales() {
        let got = [0, 3, 5, 7, 9, 11, 35, 47, 999, 1001].map(Graph::round_top);
        assert_eq!(got, [4, 4, 5, 8, 10, 20, 40, 50, 1000, 2000]);
        assert!(Graph::round_top(u32::MAX) >= 4_000_000_000);
    }
}
