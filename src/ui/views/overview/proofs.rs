//! The proofs that are worked on, with how far they are.

use std::cmp::Reverse;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::base::{ProofId, TaskType, units};
use crate::event::{ProofMode, ProofStatus};
use crate::model::{Model, Proof};
use crate::ui::draw::{cut, cut_middle, put, wrap};
use crate::ui::views::common::{course, ends_in, proof_cell, status_mark, unknown};
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::table::{Column, TableState};
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
const ENDS: usize = 5;
const DEADLINE: usize = 6;

/// The columns of a list of that width.
pub fn columns(width: u16) -> [Column; 7] {
    let stage = if width >= 131 { 65 } else { 17 };
    let proof = if width >= 101 { 25 } else { 20 };
    [
        Column::text("proof", proof, proof, 255).flex(1).unsorted(),
        Column::text("mode", 10, 10, 7).unsorted(),
        Column::text("stage", stage, stage, 9).unsorted(),
        Column::text("tasks running", 22, 22, 7).flex(2).unsorted(),
        Column::number("elapsed", 8, 254).unsorted(),
        Column::number("ends in", 8, 8).unsorted(),
        Column::number("deadline", 8, 6).unsorted(),
    ]
}

/// Draws the list.
pub fn draw(area: Rect, keys: &[ProofId], state: &TableState<ProofId>, ctx: &Ctx<'_>, buf: &mut Buffer) {
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
    let list = Panel::list(area);
    let columns = columns(list.width);
    state.table(&columns, keys.len(), list, |i| keys[i].clone()).draw(ctx, list, buf, |row, column, pen| {
        if let Some(p) = keys.get(row).and_then(|id| model.proofs.get(id)) {
            pen.line(&cell(p, column, pen.left(), ctx), columns[column].right);
        }
    });
}

fn cell<'a>(p: &'a Proof, column: usize, width: u16, ctx: &Ctx<'a>) -> Line<'a> {
    let theme = ctx.theme;
    let quiet = theme.style(if p.is_active() { Role::Text } else { Role::Dim });
    let dim = theme.style(Role::Dim);
    match column {
        PROOF => Line::from(vec![
            proof_cell(ctx, p),
            Span::raw(" "),
            Span::styled(cut_middle(p.id.as_str(), width.saturating_sub(2), ctx.symbols.ellipsis), quiet),
        ]),
        MODE => Line::styled(p.mode.map_or("", ProofMode::as_str), dim),
        STAGE => {
            if p.is_active() {
                course(p, width, ctx)
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
        ENDS => Line::styled(if p.is_active() { ends_in(ctx, p).unwrap_or_else(|| unknown(ctx).into()) } else { String::new() }, quiet),
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
    let (mark, words, role) = status_mark(ctx.symbols, p.status);
    Line::from(vec![
        Span::styled(mark, ctx.theme.style(role)),
        Span::styled(format!(" {}", cut(words, width.saturating_sub(2), ctx.symbols.ellipsis)), ctx.theme.style(Role::Dim)),
    ])
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
        let (words, role) = idle(p, width, ctx);
        return Line::styled(cut(&words, width, ctx.symbols.ellipsis).into_owned(), ctx.theme.style(role));
    }
    Line::from(spans)
}

/// Why no task of it runs.
fn idle(p: &Proof, width: u16, ctx: &Ctx<'_>) -> (String, Role) {
    if p.status != Some(ProofStatus::Pending) {
        return ("nothing runs".into(), Role::Dim);
    }
    if p.deadline.is_some_and(|d| d <= ctx.now()) {
        return ("nobody works on it".into(), Role::Dim);
    }
    // Without the coordinator's log nobody knows whether it was claimed.
    if ctx.model.stats_log.is_none() {
        return (unknown(ctx).into(), Role::Dim);
    }
    let since = units::seconds(ctx.now().since(p.began_at()));
    let long = format!("waits to be claimed for {since}");
    // The coordinator claims what is new within a second.
    (if crate::ui::draw::width(&long) <= width { long } else { format!("unclaimed for {since}") }, Role::Warn)
}
