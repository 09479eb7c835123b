//! What several views say in the same words and marks.

use std::borrow::Cow;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::{TaskType, Timestamp, units};
use crate::event::ProofStatus;
use crate::model::{PodTie, WorkerState};
use crate::ui::widgets::pen::{Pen, middle, width};
use crate::ui::{Ctx, Role, Symbols};

/// The letter of a task type; `?` for one that is not known.
#[must_use]
pub const fn letter(kind: Option<&TaskType>) -> &'static str {
    match kind {
        Some(TaskType::Controller) => "C",
        Some(TaskType::SetupVkey) => "S",
        Some(TaskType::CoreExecute) => "E",
        Some(TaskType::ProveShard) => "P",
        Some(TaskType::MarkerDeferredRecord) => "M",
        Some(TaskType::RecursionDeferred) => "D",
        Some(TaskType::RecursionReduce) => "R",
        Some(TaskType::ShrinkWrap) => "W",
        Some(TaskType::PlonkWrap) => "K",
        Some(TaskType::Groth16Wrap) => "G",
        Some(TaskType::ExecuteOnly) => "X",
        Some(TaskType::UtilVkeyMapController) => "V",
        Some(TaskType::UtilVkeyMapChunk) => "U",
        Some(TaskType::Other(_)) | None => "?",
    }
}

/// A task type's name; `unknown` where the coordinator no longer knows it.
#[must_use]
pub fn kind_name(kind: Option<&TaskType>) -> &str {
    kind.map_or("unknown", TaskType::as_str)
}

/// A lower-case letter for the proof of that ordinal.
#[must_use]
pub fn proof_letter(ordinal: u32) -> &'static str {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
    let i = ordinal as usize % LETTERS.len();
    &LETTERS[i..=i]
}

/// How long ago, or how long: whole seconds in at most six characters.
#[must_use]
pub fn age(now: Timestamp, since: Timestamp) -> String {
    units::seconds(now.since(since))
}

/// The dot and role of a worker's state.
#[must_use]
pub const fn state_mark(symbols: &Symbols, state: WorkerState) -> (&'static str, Role) {
    match state {
        WorkerState::Live => (symbols.dots.0, Role::Good),
        WorkerState::Late => (symbols.dots.1, Role::Warn),
        WorkerState::Lost => (symbols.dots.2, Role::Bad),
    }
}

/// The mark, word and role of a proof's status.
#[must_use]
pub const fn status_mark(symbols: &Symbols, status: Option<ProofStatus>) -> (&'static str, &'static str, Role) {
    let (done, failed, running, pending) = symbols.marks;
    match status {
        Some(ProofStatus::Completed) => (done, "done", Role::Good),
        Some(ProofStatus::Failed) => (failed, "failed", Role::Bad),
        Some(ProofStatus::Cancelled) => (failed, "cancelled", Role::Dim),
        Some(ProofStatus::Running) => (running, "running", Role::Info),
        Some(ProofStatus::Pending) => (pending, "pending", Role::Text),
        None => ("?", "vanished", Role::Warn),
    }
}

/// A pod's name in at most `room` columns: the workload and the last part stay,
/// the replica set's hash goes first.
#[must_use]
pub fn short_pod<'a>(name: &'a str, room: u16, ellipsis: &str) -> Cow<'a, str> {
    if width(name) <= room {
        return Cow::Borrowed(name);
    }
    if let Some((rest, last)) = name.rsplit_once('-')
        && let Some((workload, _)) = rest.rsplit_once('-')
    {
        for short in [format!("{workload}-{ellipsis}-{last}"), format!("{workload}{ellipsis}{last}")] {
            if width(&short) <= room {
                return Cow::Owned(short);
            }
        }
    }
    Cow::Owned(middle(name, room, ellipsis))
}

/// False where a worker's pod is a guess: seen with only one task, or with some
/// that another pod received.
#[must_use]
pub const fn tie_is_sure(tie: &PodTie) -> bool {
    tie.votes >= 2 && tie.hits as u64 * 10 >= tie.votes as u64 * 9
}

/// `age` as a multiple of `typical`: `0.4×`, `2.1×`, `12×`.
#[must_use]
pub fn times(symbols: &Symbols, age: Duration, typical: Duration) -> String {
    let x = if symbols.unicode { "×" } else { "x" };
    let n = age.as_secs_f64() / typical.as_secs_f64().max(0.5);
    match n {
        n if n < 9.95 => format!("{n:.1}{x}"),
        n if n < 999.5 => format!("{n:.0}{x}"),
        _ => format!(">999{x}"),
    }
}

/// The symbol for what is not known.
#[must_use]
pub const fn unknown(ctx: &Ctx<'_>) -> &'static str {
    if ctx.symbols.unicode { "–" } else { "-" }
}

/// The line of a rule.
#[must_use]
pub const fn line(ctx: &Ctx<'_>) -> &'static str {
    ctx.symbols.border.horizontal_top
}

/// Puts facts into a row, each a dim name and a value, as long as a whole one
/// has room: half a number is worse than none.
pub struct Facts<'p, 'b, 'c> {
    pen: &'p mut Pen<'b>,
    ctx: &'p Ctx<'c>,
    begun: bool,
}

impl<'p, 'b, 'c> Facts<'p, 'b, 'c> {
    /// Facts from where the pen is.
    pub const fn new(ctx: &'p Ctx<'c>, pen: &'p mut Pen<'b>) -> Self {
        Self { pen, ctx, begun: false }
    }

    /// Adds one.
    pub fn add(&mut self, name: &str, value: &str, role: Role) -> &mut Self {
        let gap = if self.begun { 3 } else { 0 };
        if self.pen.left() >= width(name).saturating_add(width(value)).saturating_add(gap + 1) {
            let style = |r| self.ctx.theme.style(r);
            self.pen.gap(gap).put(name, style(Role::Dim)).gap(1).put(value, style(role));
            self.begun = true;
        }
        self
    }
}

/// Draws a line down the first column of an area.
pub fn divider(ctx: &Ctx<'_>, area: Rect, buf: &mut Buffer) {
    for y in 0..area.height {
        Pen::new(buf, area, y).put(ctx.symbols.border.vertical_left, ctx.theme.style(Role::Border));
    }
}

/// Says in the middle of an area why there is nothing and what to do.
pub fn empty(ctx: &Ctx<'_>, area: Rect, why: &str, what: &str, buf: &mut Buffer) {
    let style = |r| ctx.theme.style(r);
    let y = area.height / 3;
    for (i, (text, role)) in (0..).zip([(why, Role::Text), (what, Role::Dim)]) {
        let mut pen = Pen::new(buf, area, y + i);
        let side = pen.left().saturating_sub(width(text)) / 2;
        pen.gap(side).clip(text, style(role), ctx.symbols.ellipsis);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_keep_their_telling_ends() {
        let p = |room| short_pod("cpu-node-7d9f8b6c5d-djgm5", room, "…").into_owned();
        assert_eq!([p(30), p(20), p(14), p(12)], ["cpu-node-7d9f8b6c5d-djgm5", "cpu-node-…-djgm5", "cpu-node…djgm5", "cpu-n…-djgm5"]);
        assert_eq!(short_pod("redis-master-0", 9, "…"), "redis-…-0");
    }

    #[test]
    fn letters_are_unique() {
        let all: std::collections::BTreeSet<_> = TaskType::KNOWN.iter().map(|k| letter(Some(k))).collect();
        assert_eq!(all.len(), TaskType::KNOWN.len());
        assert_eq!((proof_letter(0), proof_letter(27)), ("a", "b"));
    }
}
