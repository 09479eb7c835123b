//! A thin horizontal bar.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::ui::draw::put;
use crate::ui::{Ctx, Role};

/// Draws how much of `max` is `value` over the first row of `area`. A value
/// above zero shows at least one full cell, one below the maximum at least one
/// empty cell.
pub fn gauge(buf: &mut Buffer, area: Rect, value: u64, max: u64, style: Style, ctx: &Ctx<'_>) {
    let cells = u64::from(area.width);
    if cells == 0 || area.height == 0 {
        return;
    }
    let full = if max == 0 {
        0
    } else {
        let value = value.min(max);
        let exact = u128::from(value) * u128::from(cells);
        let n = u64::try_from((exact + u128::from(max) / 2) / u128::from(max)).unwrap_or(cells);
        n.clamp(u64::from(value > 0), cells - u64::from(value < max && cells > 1))
    };
    let (on, off) = ctx.symbols.gauge;
    let faint = ctx.theme.style(Role::Faint);
    for i in 0..area.width {
        let (symbol, style) = if u64::from(i) < full { (on, style) } else { (off, faint) };
        put(buf, area, area.x + i, area.y, symbol, style);
    }
}
