//! Which proofs are shown, in which order, and a row of them.

use std::cmp::{Ordering, Reverse};
use std::time::Duration;

use ratatui::text::Line;

use super::held::{Held, Typicals, held, running};
use crate::base::{TaskType, Timestamp, units};
use crate::event::ProofMode;
use crate::model::{Model, Proof};
use crate::ui::views::common::{course, ends_in, proof_cell, status_mark, unknown};
use crate::ui::widgets::filter::{Words, holds};
use crate::ui::widgets::pen::{Pen, middle};
use crate::ui::widgets::table::Column;
use crate::ui::{Ctx, Role};

/// The columns.
pub const COLUMNS: [Column; 12] = [
    Column::text("proof", 21, 26, 255),
    Column::text("mode", 10, 10, 7),
    Column::text("status", 11, 11, 10),
    Column::text("stage", 17, 17, 8),
    Column::number("run", 4, 4),
    Column::number("shards", 7, 7),
    Column::number("elapsed", 7, 9),
    Column::number("ends in", 8, 8).unsorted(),
    Column::number("deadline", 8, 7).rising(),
    Column::number("retry", 5, 2),
    Column::text("began", 8, 8, 1).falling(),
    Column::text("held up by", 26, 40, 6).flex(1),
];

/// Places in [`COLUMNS`].
pub mod col {
    pub const PROOF: usize = 0;
    pub const MODE: usize = 1;
    pub const STATUS: usize = 2;
    pub const STAGE: usize = 3;
    pub const RUN: usize = 4;
    pub const SHARDS: usize = 5;
    pub const ELAPSED: usize = 6;
    pub const ENDS: usize = 7;
    pub const LEFT: usize = 8;
    pub const RETRY: usize = 9;
    pub const BEGAN: usize = 10;
}

/// A proof with what is computed of it.
pub struct Row<'m> {
    /// The proof.
    pub proof: &'m Proof,
    /// What holds it up.
    pub held: Held<'m>,
}

/// How long a proof has taken, or took; `None` where its end is not known.
pub fn elapsed(now: Timestamp, p: &Proof) -> Option<Duration> {
    if p.is_active() {
        return Some(now.since(p.began_at()));
    }
    p.ended_at.map(|t| t.since(p.began_at()))
}

/// Whether the filter keeps a proof: by id, mode, status, stage, what holds it
/// up, and why it failed.
fn keeps(words: &Words, p: &Proof, held: &Held<'_>, now: Timestamp) -> bool {
    let by = held.short(now, &crate::ui::Symbols::ascii());
    let word_of = p.status.map_or("vanished", crate::event::ProofStatus::as_str);
    words.keeps(|w| {
        holds(p.id.as_str(), w)
            || p.mode.is_some_and(|m| holds(m.as_str(), w))
            || holds(word_of, w)
            || (w == "active" && p.is_active())
            || holds(p.stage().as_str(), w)
            || holds(&by, w)
            || p.failure.as_deref().is_some_and(|f| holds(f, w))
    })
}

/// Rows sorted by a column.
pub fn sorted<'m>(model: &'m Model, words: &Words, column: usize, reverse: bool) -> Vec<Row<'m>> {
    let (running, typicals) = (running(model), Typicals::of(model));
    let now = model.now;
    let mut rows: Vec<Row<'m>> = model
        .proofs
        .iter()
        .map(|proof| Row { proof, held: held(model, &typicals, proof, running.get(&proof.id).map_or(&[][..], |v| v)) })
        .filter(|r| words.is_empty() || keeps(words, r.proof, &r.held, now))
        .collect();
    let newest = |a: &Row<'_>, b: &Row<'_>| {
        let k = |r: &Row<'_>| (Reverse(r.proof.is_active()), Reverse(r.proof.began_at()));
        k(a).cmp(&k(b)).then_with(|| b.proof.id.cmp(&a.proof.id))
    };
    rows.sort_by(|a, b| {
        let (p, q) = (a.proof, b.proof);
        let first = match column {
            col::PROOF => p.id.cmp(&q.id),
            col::MODE => p.mode.cmp(&q.mode),
            col::STATUS => status_rank(p).cmp(&status_rank(q)),
            col::STAGE => p.stage().cmp(&q.stage()),
            col::RUN => q.running().cmp(&p.running()),
            col::SHARDS => q.tally(&TaskType::ProveShard).seen.cmp(&p.tally(&TaskType::ProveShard).seen),
            col::ELAPSED => elapsed(now, q).cmp(&elapsed(now, p)),
            col::LEFT => left_rank(p).cmp(&left_rank(q)),
            col::RETRY => q.retries().cmp(&p.retries()),
            col::BEGAN => Ordering::Equal,
            _ => b.held.is_slow().cmp(&a.held.is_slow()),
        };
        first.then_with(|| newest(a, b))
    });
    if reverse {
        rows.reverse();
    }
    rows
}

const fn status_rank(p: &Proof) -> u8 {
    use crate::event::ProofStatus as S;
    match p.status {
        Some(S::Failed) => 0,
        None => 1,
        Some(S::Running) => 2,
        Some(S::Pending) => 3,
        Some(S::Cancelled) => 4,
        Some(S::Completed) => 5,
    }
}

fn left_rank(p: &Proof) -> (bool, Option<Timestamp>) {
    let deadline = p.deadline.filter(|_| p.is_active());
    (deadline.is_none(), deadline)
}

/// Draws column `column` of a row.
pub fn cell(ctx: &Ctx<'_>, row: &Row<'_>, column: usize, pen: &mut Pen<'_>) {
    let style = |r| ctx.theme.style(r);
    let p = row.proof;
    let text = style(if p.is_active() { Role::Text } else { Role::Dim });
    let number = |pen: &mut Pen<'_>, n: u32| {
        pen.right(&if n == 0 { unknown(ctx).into() } else { n.to_string() }, if n == 0 { style(Role::Faint) } else { text });
    };
    match column {
        col::PROOF => {
            pen.line(&Line::from(proof_cell(ctx, p)), false).gap(1);
            let room = pen.left();
            pen.put(&middle(p.id.as_str(), room, ctx.symbols.ellipsis), text);
        }
        col::MODE => {
            pen.clip(p.mode.map_or(unknown(ctx), ProofMode::as_str), text, ctx.symbols.ellipsis);
        }
        col::STATUS => {
            let (mark, word, role) = status_mark(ctx.symbols, p.status);
            pen.put(mark, style(role)).gap(1).put(word, style(role));
        }
        col::STAGE => {
            pen.line(&course(p, pen.left(), ctx), false);
        }
        col::RUN => number(pen, p.running()),
        col::SHARDS => {
            let t = p.tally(&TaskType::ProveShard);
            if t.seen == 0 {
                number(pen, 0);
            } else {
                pen.right(&format!("{}/{}", t.done, t.seen), text);
            }
        }
        col::ELAPSED => {
            let t = elapsed(ctx.now(), p);
            pen.right(&t.map_or_else(|| unknown(ctx).into(), units::seconds), if t.is_some() { text } else { style(Role::Faint) });
        }
        col::ENDS => {
            let eta = ends_in(ctx, p);
            pen.right(eta.as_deref().unwrap_or(unknown(ctx)), if eta.is_some() { text } else { style(Role::Faint) });
        }
        col::LEFT => {
            left(ctx, p, pen);
        }
        col::RETRY => {
            let n = p.retries();
            pen.right(&if n == 0 { unknown(ctx).into() } else { n.to_string() }, style(if n == 0 { Role::Faint } else { Role::Warn }));
        }
        col::BEGAN => {
            pen.put(&p.began_at().clock(), style(Role::Dim));
        }
        _ => {
            if let (false, Some(failure)) = (p.is_active(), &p.failure) {
                pen.clip(failure, style(Role::Dim), ctx.symbols.ellipsis);
            } else {
                pen.clip(&row.held.short(ctx.now(), ctx.symbols), style(row.held.role()), ctx.symbols.ellipsis);
            }
        }
    }
}

/// The time until the deadline; `passed` after it.
pub fn left(ctx: &Ctx<'_>, p: &Proof, pen: &mut Pen<'_>) {
    let style = |r| ctx.theme.style(r);
    match p.deadline.filter(|_| p.is_active()) {
        None => pen.right(unknown(ctx), style(Role::Faint)),
        Some(d) if d <= ctx.now() => pen.right("passed", style(Role::Bad)),
        Some(d) => {
            let rest = d.since(ctx.now());
            let near = rest < Duration::from_secs(900);
            pen.right(&units::seconds(rest), style(if near { Role::Warn } else { Role::Text }))
        }
    };
}
