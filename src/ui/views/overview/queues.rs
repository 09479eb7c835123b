//! A queue over time, with the weight and the workers behind it.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::base::{WorkerKind, units};
use crate::model::{Gauge, Point, WorkerState};
use crate::ui::draw::{below, line_width, put, put_line, row, width};
use crate::ui::views::common::old;
use crate::ui::widgets::gauge::gauge;
use crate::ui::widgets::graph::Graph;
use crate::ui::widgets::panel::Panel;
use crate::ui::{Ctx, Role};

/// Which of the two queues.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Cpu,
    Gpu,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
        }
    }

    const fn role(self) -> Role {
        match self {
            Self::Cpu => Role::Cpu,
            Self::Gpu => Role::Gpu,
        }
    }

    const fn worker(self) -> WorkerKind {
        match self {
            Self::Cpu => WorkerKind::Cpu,
            Self::Gpu => WorkerKind::Gpu,
        }
    }

    /// Queue, assigned weight, most weight, workers.
    const fn gauges(self) -> [Gauge; 4] {
        match self {
            Self::Cpu => [Gauge::CpuQueue, Gauge::CpuCurrent, Gauge::CpuMax, Gauge::CpuWorkers],
            Self::Gpu => [Gauge::GpuQueue, Gauge::GpuCurrent, Gauge::GpuMax, Gauge::GpuWorkers],
        }
    }
}

/// Draws one queue's panel.
pub fn draw(kind: Kind, area: Rect, span: Duration, span_words: &str, ctx: &Ctx<'_>, buf: &mut Buffer) {
    if area.height == 0 || area.width < 8 {
        return;
    }
    let theme = ctx.theme;
    let style = theme.style(kind.role());
    let [queue_gauge, current_gauge, max_gauge, _] = kind.gauges();
    let stats = ctx.model.stats.as_ref().map(|s| &s.stats);
    let now = |g: Gauge| stats.and_then(|s| g.of(s));
    let inner = Panel::inner(area);
    let series = ctx.model.history.series(queue_gauge, ctx.now(), span, Graph::columns(inner, ctx));
    let queue = now(queue_gauge);
    // The newest value may not have reached the graph's last column yet.
    let peak = series.iter().flatten().map(|p| p.max).chain(queue).max();
    let value =
        Span::styled(queue.map_or_else(|| "?".into(), |q| q.to_string()), if queue == Some(0) { theme.style(Role::Dim) } else { style });
    let right = peak.map(|p| format!("peak {p} in {span_words}")).unwrap_or_default();
    let mut title = vec![Span::raw(format!("{} queue ", kind.word())), value];
    let age = old(ctx, ctx.model.stats.as_ref().map(|s| s.at));
    let style = if age.is_some() { theme.style(Role::Dim) } else { style };
    title.extend(age.map(|a| Span::styled(format!("  {a}"), theme.style(Role::Warn))));
    Panel::new(Line::from(title)).right(right).draw(area, ctx, buf);
    if inner.is_empty() {
        return;
    }
    // The weight's line is the last; with room, its graph stands over it.
    let last = Rect { y: inner.bottom() - 1, height: 1, ..inner };
    let above = Rect { height: inner.height - 1, ..inner };
    weight_line(kind, last, now(current_gauge), now(max_gauge), style, ctx, buf);
    let style = theme.style(kind.role());
    let weight_height = if above.height >= 11 { above.height / 3 } else { 0 };
    let queue_area = Rect { height: above.height - weight_height - u16::from(weight_height > 0), ..above };
    if series.iter().all(Option::is_none) {
        if !queue_area.is_empty() {
            put(buf, queue_area, inner.x, queue_area.y + queue_area.height / 2, "no stats in this stretch of time", theme.style(Role::Dim));
        }
        return;
    }
    let top = Graph::round_top(peak.unwrap_or(0));
    Graph { series: &series, top, until: ctx.now(), span, style, times: true }.draw(queue_area, ctx, buf);
    if weight_height > 0 {
        let weights = ctx.model.history.series(current_gauge, ctx.now(), span, Graph::columns(inner, ctx));
        let most = ctx.model.history.series(max_gauge, ctx.now(), span, Graph::columns(inner, ctx));
        let most = most.iter().chain(&weights).flatten().map(|p: &Point| p.max).max().unwrap_or(0);
        let area = below(above, above.height - weight_height);
        put(buf, above, area.x, area.y - 1, "weight", theme.style(Role::Dim));
        Graph { series: &weights, top: most.max(1), until: ctx.now(), span, style, times: false }.draw(area, ctx, buf);
    }
}

/// `weight ━━━━━─── 33/48   3 workers, 1 lost`
fn weight_line(kind: Kind, area: Rect, current: Option<u32>, max: Option<u32>, style: Style, ctx: &Ctx<'_>, buf: &mut Buffer) {
    let theme = ctx.theme;
    let dim = theme.style(Role::Dim);
    let count = |state| ctx.model.workers.iter().filter(|w| w.kind == Some(kind.worker()) && w.state == state).count();
    // The stats count what is registered; the list may not have come yet.
    let told = ctx.model.stats.as_ref().and_then(|s| kind.gauges()[3].of(&s.stats));
    let live = count(WorkerState::Live);
    if told.is_none() && ctx.model.workers.is_empty() {
        put(buf, area, area.x, area.y, "nothing has told of workers yet", dim);
        return;
    }
    let n = told.map_or(live, |n| usize::try_from(n).unwrap_or(live));
    let late = count(WorkerState::Late);
    let word = if n == 1 { "worker" } else { "workers" };
    let role = if n == 0 { Role::Warn } else { Role::Text };
    let mut workers = vec![Span::styled(format!("{n} {word}"), theme.style(role))];
    if late > 0 {
        workers.push(Span::styled(format!(" {} {late} late", ctx.symbols.dots.1), theme.style(Role::Warn)));
    }
    let workers = Line::from(workers);
    let (Some(current), Some(max)) = (current, max) else {
        put_line(buf, area, area.x, area.y, &workers);
        return;
    };
    let figures = format!(" {}/{}", units::count(u64::from(current)), units::count(u64::from(max)));
    let begin = put(buf, area, area.x, area.y, "weight ", dim);
    let right = line_width(&workers);
    let room = area.right().saturating_sub(begin).saturating_sub(right + 3 + width(&figures));
    let bar = Rect { x: begin, width: room.min(40), ..row(area, 0) };
    gauge(buf, bar, u64::from(current), u64::from(max), style, ctx);
    put(buf, area, bar.right(), area.y, &figures, theme.style(Role::Text));
    if bar.right() + width(&figures) + 1 + right <= area.right() {
        put_line(buf, area, area.right() - right, area.y, &workers);
    }
}
