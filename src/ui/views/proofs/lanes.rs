//! A proof's stages or workers with their counts, each beside its timeline.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::entries::{Entry, outcome_mark};
use crate::base::{TaskType, Timestamp, WorkerId, units};
use crate::model::{Proof, SpanEnd};
use crate::ui::views::common::{is_named, kind_name, letter, log_pod, short_pod, short_worker, unknown};
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::table::{Column, Table, places};
use crate::ui::widgets::timeline::{Axis, Segment, density, lane};
use crate::ui::{Ctx, Role};

const STAGES: [Column; 7] = [
    Column::text("stage", 14, 19, 255).unsorted(),
    Column::number("run", 4, 8).unsorted(),
    Column::number("wait", 4, 6).unsorted(),
    Column::number("done", 7, 7).unsorted(),
    Column::number("retry", 5, 4).unsorted(),
    Column::number("typical", 7, 3).unsorted(),
    Column::text("", 16, 24, 9).flex(1).unsorted(),
];

const WORKERS: [Column; 4] = workers_columns(8);
/// Workers have names, those of their pods.
const WORKERS_NAMED: [Column; 4] = workers_columns(16);

const fn workers_columns(name: u16) -> [Column; 4] {
    [
        Column::text("worker", 8, name, 255).unsorted(),
        Column::text("pod", 12, 20, 3).unsorted(),
        Column::number("tasks", 5, 6).unsorted(),
        Column::text("", 16, 24, 9).flex(1).unsorted(),
    ]
}

/// Which stretch of the proof's time is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Each step halves the stretch.
    pub zoom: u32,
    /// Eighths of the stretch that it is moved back from the end.
    pub back: u32,
}

impl Window {
    /// The stretch that is shown of `from..to`.
    pub fn of(self, from: Timestamp, to: Timestamp) -> (Timestamp, Timestamp) {
        let all = to.since(from).max(Duration::from_secs(10));
        let span = all / 2u32.saturating_pow(self.zoom).max(1);
        let back = (span / 8).saturating_mul(self.back).min(all.saturating_sub(span));
        let end = from.plus(all).minus(back);
        (end.minus(span), end)
    }

    /// Steps back that still show something new.
    pub fn max_back(self) -> u32 {
        2u32.saturating_pow(self.zoom).saturating_sub(1).saturating_mul(8)
    }
}

/// A proof's time from its claim (or first task) to its end, or now.
pub fn span(ctx: &Ctx<'_>, p: &Proof, list: &[Entry<'_>]) -> (Timestamp, Timestamp) {
    let first = list.iter().map(|e| e.start).min();
    let from = match (p.claimed_at, first) {
        (Some(a), Some(b)) => a.min(b),
        (a, b) => a.or(b).unwrap_or_else(|| p.began_at()),
    };
    let to = if p.is_active() { ctx.now() } else { p.ended_at.unwrap_or(p.progress_at) };
    (from, to.max(from))
}

/// A worker's part in a proof.
pub struct Part<'m> {
    worker: &'m WorkerId,
    running: usize,
    last: Timestamp,
    tasks: usize,
}

/// The workers that did or do something for the proof: those that run
/// something first, then the last to end something.
pub fn parts<'m>(list: &[Entry<'m>]) -> Vec<Part<'m>> {
    let mut out: Vec<Part<'m>> = Vec::new();
    let mut at: rustc_hash::FxHashMap<&WorkerId, usize> = rustc_hash::FxHashMap::default();
    for e in list {
        let i = *at.entry(e.worker).or_insert_with(|| {
            out.push(Part { worker: e.worker, running: 0, last: e.start, tasks: 0 });
            out.len() - 1
        });
        let part = &mut out[i];
        part.tasks += 1;
        part.running += usize::from(e.end.is_none());
        part.last = part.last.max(e.end.map_or(e.start, |x| x.0));
    }
    out.sort_by(|a, b| (b.running > 0).cmp(&(a.running > 0)).then(b.last.cmp(&a.last)).then(a.worker.cmp(b.worker)));
    out
}

fn segments<'a>(ctx: &Ctx<'a>, list: &[&Entry<'_>], glyph: impl Fn(&Entry<'_>) -> &'static str) -> Vec<Segment<'a>> {
    list.iter()
        .map(|e| Segment {
            start: e.start,
            end: e.end.map_or_else(|| ctx.now(), |x| x.0),
            glyph: glyph(e),
            style: ctx.theme.task(e.kind),
            mark: e.end.filter(|x| !matches!(x.1, SpanEnd::Done | SpanEnd::Dropped)).map(|x| {
                let (mark, _, role) = outcome_mark(ctx, x.1);
                (mark, ctx.theme.style(role))
            }),
        })
        .collect()
}

fn axis(columns: &[Column], area: Rect, window: (Timestamp, Timestamp)) -> (Option<u16>, Axis) {
    let place = places(columns, area.width).into_iter().find(|p| p.column == columns.len() - 1);
    let width = place.map_or(0, |p| p.width.min(area.width.saturating_sub(p.x)));
    (place.map(|p| p.x), Axis { from: window.0, to: window.1, columns: width })
}

/// Draws a lane for each type of task; as many as fit.
pub fn stages(ctx: &Ctx<'_>, area: Rect, p: &Proof, list: &[Entry<'_>], window: (Timestamp, Timestamp), buf: &mut Buffer) {
    let style = |r| ctx.theme.style(r);
    let (x, axis) = axis(&STAGES, area, window);
    let kinds: Vec<&TaskType> = p.tallies.keys().collect();
    let none = unknown(ctx);
    let empty = (ctx.symbols.marks.3, style(Role::Faint));
    let table = Table { columns: &STAGES, sort: None, rows: kinds.len(), selected: None, offset: 0, focus: false };
    table.draw(ctx, area, buf, |r, c, pen| {
        let Some(kind) = kinds.get(r) else { return };
        let t = p.tally(kind);
        let text = style(if t.running + t.waiting > 0 { Role::Text } else { Role::Dim });
        let count = |pen: &mut Pen<'_>, n: u32, some: Role| {
            pen.right(&if n == 0 { none.into() } else { n.to_string() }, style(if n == 0 { Role::Faint } else { some }));
        };
        match c {
            0 => {
                pen.put(letter(Some(kind)), ctx.theme.task(Some(kind))).gap(1).clip(kind_name(Some(kind)), text, ctx.symbols.ellipsis);
            }
            1 => count(pen, t.running, Role::Text),
            2 => count(pen, t.waiting, Role::Warn),
            3 => {
                pen.right(&format!("{}/{}", t.done, t.seen), text);
            }
            4 => count(pen, t.retries, Role::Warn),
            5 => {
                let typical = ctx.model.durations.typical(kind).filter(|_| **kind != TaskType::Controller);
                pen.right(
                    &typical.map_or_else(|| none.into(), |t| units::seconds(t.median)),
                    style(if typical.is_some() { Role::Dim } else { Role::Faint }),
                );
            }
            _ => {
                let of: Vec<&Entry<'_>> = list.iter().filter(|e| e.kind == Some(*kind)).collect();
                let single = t.seen <= 1;
                let segments = segments(ctx, &of, |_| ctx.symbols.gauge.0);
                if single {
                    lane(pen, &axis, &segments, empty);
                } else {
                    density(pen, &axis, &segments, ctx.symbols.bars, empty);
                }
            }
        }
    });
    if let Some(x) = x {
        axis.draw(&mut Pen::new(buf, Rect { x: area.x + x, width: axis.columns, ..area }, 0), style(Role::Dim));
    }
}

/// Draws a lane for each worker; as many as fit.
pub fn workers(ctx: &Ctx<'_>, area: Rect, list: &[Entry<'_>], window: (Timestamp, Timestamp), buf: &mut Buffer) {
    let style = |r| ctx.theme.style(r);
    let parts = parts(list);
    let columns = if parts.iter().any(|p| is_named(p.worker)) { &WORKERS_NAMED } else { &WORKERS };
    let (x, axis) = axis(columns, area, window);
    let empty = (ctx.symbols.marks.3, style(Role::Faint));
    let height = Table::height(area);
    // The last line says how many there is no room for.
    let rows = if parts.len() > height { height.saturating_sub(1) } else { parts.len() };
    let table = Table { columns, sort: None, rows, selected: None, offset: 0, focus: false };
    table.draw(ctx, area, buf, |r, c, pen| {
        let Some(part) = parts.get(r) else { return };
        let text = style(if part.running > 0 { Role::Text } else { Role::Dim });
        match c {
            0 => {
                let room = pen.left();
                match log_pod(part.worker) {
                    None => pen.put(&short_worker(part.worker, room, ctx.symbols.ellipsis), text),
                    Some(pod) => pen.put(&short_pod(pod, room, ctx.symbols.ellipsis), style(Role::Dim)),
                };
            }
            1 => {
                let room = pen.left();
                let tie = ctx.model.workers.get(part.worker).and_then(|w| w.tie.as_ref());
                let pod = tie.map(|t| t.pod.as_str()).or(log_pod(part.worker));
                pen.put(&pod.map_or_else(|| unknown(ctx).into(), |p| short_pod(p, room, ctx.symbols.ellipsis)), text);
            }
            2 => {
                pen.right(&part.tasks.to_string(), text);
            }
            _ => {
                let of: Vec<&Entry<'_>> = list.iter().filter(|e| e.worker == part.worker).collect();
                lane(pen, &axis, &segments(ctx, &of, |e| letter(e.kind)), empty);
            }
        }
    });
    if rows < parts.len() {
        let y = u16::try_from(rows + 1).unwrap_or(u16::MAX);
        Pen::new(buf, area, y).gap(2).put(&format!("and {} more workers", parts.len() - rows), style(Role::Dim));
    }
    if let Some(x) = x {
        axis.draw(&mut Pen::new(buf, Rect { x: area.x + x, width: axis.columns, ..area }, 0), style(Role::Dim));
    }
}
