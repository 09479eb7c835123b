//! The proofs that are worked on, with how far they are.

use std::cmp::{Ordering, Reverse};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use crate::base::{ProofId, TaskType, units};
use crate::event::{ProofMode, ProofStatus};
use crate::model::{Model, Proof, Stage};
use crate::ui::draw::{cut, cut_middle, put, wrap};
use crate::ui::widgets::grid::{Column, Cursor, Grid};
use crate::ui::widgets::panel::Panel;
use crate::ui::{Ctx, Role};

/// Ended proofs that are listed below the active ones.
const ENDED: usize = 20;
/// No more than this are listed at all.
const MOST: usize = 2000;

/// The proofs of the list: those worked on, the oldest first; then those that
/// ended last.
pub fn listed(model: &Model) -> Vec<ProofId> {
    let mut active: Vec<&Proof> = model.proofs.active().collect();
    active.sort_by_key(|p| (p.status != Some(ProofStatus::Running), p.began_at(), p.id.clone()));
    active.truncate(MOST);
    let mut ended: Vec<&Proof> = model.proofs.iter().filter(|p| !p.is_active()).collect();
    ended.sort_by_key(|p| (Reverse(p.ended_at.unwrap_or(p.progress_at)), p.id.clone()));
    active.into_iter().chain(ended.into_iter().take(ENDED)).map(|p| p.id.clone()).collect()
}

const PROOF: usize = 0;
const MODE: usize = 1;
const STAGE: usize = 2;
const TASKS: usize = 3;
const ELAPSED: usize = 4;
const DEADLINE: usize = 5;

fn columns(width: u16) -> [Column; 6] {
    let stage = if width >= 130 { 65 } else { 17 };
    [
        Column::text("proof", if width >= 100 { 25 } else { 20 }, 0).grows(1),
        Column::text("mode", 10, 3),
        Column::text("stage", stage, 1),
        Column::text("tasks running", 22, 2).grows(2),
        Column::number("elapsed", 8, 0),
        Column::number("deadline", 8, 4),
    ]
}

/// Draws the list.
pub fn draw(area: Rect, keys: &[ProofId], cursor: &Cursor<ProofId>, ctx: &Ctx<'_>, buf: &mut Buffer) {
    if area.height < 2 {
        return;
    }
    let model = ctx.model;
    let active = model.proofs.active().count();
    let mut counts = Vec::new();
    if model.proofs.completed > 0 {
        counts.push(format!("{} completed", model.proofs.completed));
    }
    if model.proofs.failed > 0 {
        counts.push(format!("{} failed", model.proofs.failed));
    }
    let right = if counts.is_empty() { String::new() } else { format!("{} since {}", counts.join(", "), model.first.clock()) };
    let value = Span::styled(active.to_string(), ctx.theme.style(if active > 0 { Role::Accent } else { Role::Dim }));
    let inner = Panel::new(Line::from(vec![Span::raw("proofs "), value])).right(right).focus(true).draw(area, ctx, buf);
    if keys.is_empty() {
        let text = "The coordinator works on no proof. One appears here as soon as the coordinator claims it from the API.";
        for (y, l) in (inner.top()..inner.bottom()).zip(wrap(text, inner.width)) {
            put(buf, inner, inner.x, y, &l, ctx.theme.style(Role::Dim));
        }
        return;
    }
    let columns = columns(inner.width);
    let height = usize::from(inner.height.saturating_sub(1));
    // The mark of the selected row stands in the panel's own margin.
    let wide = Rect { x: inner.x.saturating_sub(1), width: inner.width + 1, ..inner };
    Grid { columns: &columns, sort: None, rows: keys.len(), top: cursor.top(keys, height), selected: cursor.row(keys) }.draw(
        wide,
        ctx,
        buf,
        |row, column, width| {
            let proof = keys.get(row).and_then(|id| model.proofs.get(id));
            proof.map(|p| cell(p, column, width, ctx)).unwrap_or_default()
        },
    );
}

fn cell<'a>(p: &'a Proof, column: usize, width: u16, ctx: &Ctx<'a>) -> Line<'a> {
    let theme = ctx.theme;
    let quiet = theme.style(if p.is_active() { Role::Text } else { Role::Dim });
    let dim = theme.style(Role::Dim);
    match column {
        PROOF => Line::from(vec![
            Span::styled(ctx.symbols.cell, if p.is_active() { theme.proof(p.ordinal) } else { theme.style(Role::Faint) }),
            Span::raw(" "),
            Span::styled(cut_middle(p.id.as_str(), width.saturating_sub(2), ctx.symbols.ellipsis), quiet),
        ]),
        MODE => Line::styled(p.mode.map_or("", ProofMode::as_str), dim),
        STAGE => {
            if p.is_active() {
                chips(p, width, ctx)
            } else {
                ending(p, width, ctx)
            }
        }
        TASKS => {
            if p.is_active() {
                tasks(p, width, ctx)
            } else {
                Line::styled(cut(p.failure.as_deref().unwrap_or_default(), width, ctx.symbols.ellipsis), dim)
            }
        }
        ELAPSED => {
            let end = if p.is_active() { Some(ctx.now()) } else { p.ended_at };
            Line::styled(end.map_or_else(|| "?".into(), |t| units::seconds(t.since(p.began_at()))), quiet)
        }
        DEADLINE => match p.deadline.filter(|_| p.is_active()) {
            Some(d) if d <= ctx.now() => Line::styled("past", theme.style(Role::Bad)),
            Some(d) => {
                let left = d.since(ctx.now());
                Line::styled(units::seconds(left), theme.style(if left.as_secs() < 600 { Role::Warn } else { Role::Dim }))
            }
            None => Line::default(),
        },
        _ => Line::default(),
    }
}

fn ending<'a>(p: &Proof, width: u16, ctx: &Ctx<'a>) -> Line<'a> {
    let (mark, words, role) = match p.status {
        Some(ProofStatus::Completed) => (ctx.symbols.marks.0, "completed", Role::Good),
        Some(ProofStatus::Failed) => (ctx.symbols.marks.1, "failed", Role::Bad),
        Some(ProofStatus::Cancelled) => (ctx.symbols.marks.1, "cancelled", Role::Dim),
        _ => ("?", "vanished", Role::Warn),
    };
    Line::from(vec![
        Span::styled(mark, ctx.theme.style(role)),
        Span::styled(format!(" {}", cut(words, width.saturating_sub(2), ctx.symbols.ellipsis)), ctx.theme.style(Role::Dim)),
    ])
}

/// The stages of a proof: in words where there is room, else as marks with the
/// present one's name.
pub fn chips<'a>(p: &Proof, width: u16, ctx: &Ctx<'a>) -> Line<'a> {
    let theme = ctx.theme;
    let stage = p.stage();
    let course = Stage::course(p.mode);
    let (done, _, running, pending) = ctx.symbols.marks;
    // A wrap that waits for its worker is what a stuck proof looks like.
    let waits = stage == Stage::Wrap && p.tally(&TaskType::PlonkWrap).running + p.tally(&TaskType::Groth16Wrap).running == 0;
    let here = theme.style(if waits { Role::Warn } else { Role::Accent }).add_modifier(Modifier::BOLD);
    let running = if waits { ctx.symbols.dots.1 } else { running };
    let name = |s: Stage| if waits && s == stage { "wrap waits" } else { s.as_str() };
    let look = |s: Stage| match s.cmp(&stage) {
        Ordering::Less => (done, theme.style(Role::Good), theme.style(Role::Dim)),
        Ordering::Equal => (running, here, here),
        Ordering::Greater => (pending, theme.style(Role::Dim), theme.style(Role::Dim)),
    };
    let mut spans = Vec::new();
    if stage == Stage::Waiting {
        return Line::styled("waiting to be claimed".get(..usize::from(width.min(21))).unwrap_or("waiting"), theme.style(Role::Dim));
    }
    if width >= 65 {
        for s in course {
            let (mark, mark_style, word_style) = look(*s);
            if !spans.is_empty() {
                spans.push(Span::raw("  "));
            }
            spans.push(Span::styled(format!("{mark} "), mark_style));
            spans.push(Span::styled(name(*s), word_style));
        }
    } else {
        for s in course {
            let (mark, style, _) = look(*s);
            spans.push(Span::styled(mark, style));
        }
        spans.push(Span::styled(format!(" {}", name(stage)), here));
    }
    Line::from(spans)
}

/// `12 ProveShard, 3 RecursionReduce`
fn tasks<'a>(p: &Proof, width: u16, ctx: &Ctx<'a>) -> Line<'a> {
    let mut running: Vec<_> = p.tallies.iter().filter(|(_, t)| t.running > 0).collect();
    // The Controller runs all the time and says nothing when others run too.
    if running.len() > 1 {
        running.retain(|(k, _)| **k != TaskType::Controller);
    }
    running.sort_by_key(|(k, t)| (Reverse(t.running), k.index()));
    let mut spans: Vec<Span<'a>> = Vec::new();
    let mut used = 0;
    for (kind, tally) in running {
        let text = format!("{} {kind}", tally.running);
        let w = crate::ui::draw::width(&text) + if spans.is_empty() { 0 } else { 2 };
        if used + w > width && !spans.is_empty() {
            break;
        }
        if !spans.is_empty() {
            spans.push(Span::raw("  "));
        }
        spans.push(Span::styled(text, ctx.theme.task(Some(kind))));
        used += w;
    }
    if spans.is_empty() {
        return Line::styled("nothing runs", ctx.theme.style(Role::Dim));
    }
    Line::from(spans)
}
