//! What several views say in the same words and marks.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use crate::base::{TaskType, Timestamp, WorkerId, units};
use crate::event::ProofStatus;
use crate::model::{PodTie, Proof, Stage, WorkerState};
use crate::ui::draw::{put_centre, wrap};
use crate::ui::widgets::pen::{Pen, middle, width};
use crate::ui::{Ctx, Role, Symbols};

/// A list of `rows` rows with its frame, of at least so many lines, and the room
/// below it for the details of one: where there are `tall` lines, the list has at
/// most `percent` of them.
#[must_use]
pub fn list_over_details(area: Rect, rows: usize, least: u16, (tall, percent): (u16, u16)) -> (Rect, Rect) {
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(3);
    let list = if area.height >= tall { wanted.clamp(least, (area.height * percent / 100).max(least)) } else { area.height };
    (Rect { height: list, ..area }, Rect { y: area.y + list, height: area.height - list, ..area })
}

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
        Some(ProofStatus::Completed) => (done, "completed", Role::Good),
        Some(ProofStatus::Failed) => (failed, "failed", Role::Bad),
        Some(ProofStatus::Cancelled) => (failed, "cancelled", Role::Dim),
        Some(ProofStatus::Running) => (running, "running", Role::Info),
        Some(ProofStatus::Pending) => (pending, "pending", Role::Text),
        None => ("?", "vanished", Role::Warn),
    }
}

/// The stages of a proof: in words where there is room, else as marks with the
/// present one's name.
#[must_use]
pub fn course<'a>(p: &Proof, width: u16, ctx: &Ctx<'a>) -> Line<'a> {
    if !p.is_active() {
        return Line::default();
    }
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
        // Begun beside the present one.
        Ordering::Greater if p.has_begun(s) => (running, theme.style(Role::Accent), theme.style(Role::Text)),
        Ordering::Greater => (pending, theme.style(Role::Dim), theme.style(Role::Dim)),
    };
    let mut spans = Vec::new();
    if stage == Stage::Waiting && p.claimed_at.is_some() {
        // Its Controller waits for a worker.
        return Line::styled("queued", theme.style(Role::Dim));
    }
    if stage == Stage::Waiting {
        return Line::styled(if width >= 21 { "waiting to be claimed" } else { "waiting" }, theme.style(Role::Dim));
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

/// A proof's colour, as a cell; faint once it is over.
#[must_use]
pub fn proof_cell(ctx: &Ctx<'_>, p: &Proof) -> Span<'static> {
    Span::styled(ctx.symbols.cell, if p.is_active() { ctx.theme.proof(p.ordinal) } else { ctx.theme.style(Role::Faint) })
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
    middle(name, room, ellipsis)
}

/// A worker's name in at most `room` columns: its first digits, or what tells
/// the pod apart whose name it is.
#[must_use]
pub fn short_worker(id: &WorkerId, room: u16, ellipsis: &str) -> String {
    match id {
        WorkerId::Unknown(_) => id.short(),
        WorkerId::Text(name) => short_pod(name, room, ellipsis).into_owned(),
    }
}

/// True for a worker that is not called by eight digits.
#[must_use]
pub fn is_named(id: &WorkerId) -> bool {
    matches!(id, WorkerId::Text(name) if name.len() > 8)
}

/// The pod whose log tells of a task, where the coordinator's id of its worker
/// is not known: then the log's name stands in for it.
#[must_use]
pub fn log_pod(id: &WorkerId) -> Option<&str> {
    match id {
        WorkerId::Text(s) => s.strip_prefix("log:")?.split('/').next(),
        WorkerId::Unknown(_) => None,
    }
}

/// False where a worker's pod is a guess: seen with only one task, or with some
/// that another pod received.
#[must_use]
pub const fn tie_is_sure(tie: &PodTie) -> bool {
    tie.is_sure()
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

/// In what time a proof is expected to end: a range, `None` where nothing tells.
#[must_use]
pub fn ends_in(ctx: &Ctx<'_>, p: &Proof) -> Option<String> {
    ctx.model.eta(p).map(|e| units::range(e.least, e.most))
}

/// Numbers that came at `at`, when they are older than three log periods: their
/// age, to stand beside them in [`Role::Warn`].
#[must_use]
pub fn old(ctx: &Ctx<'_>, at: Option<Timestamp>) -> Option<String> {
    const OLD: Duration = Duration::from_secs(30);
    let age = ctx.now().since(at?);
    (age > OLD).then(|| format!("{} old", units::seconds(age)))
}

/// The age of the list of workers, when it is old.
#[must_use]
pub fn old_list(ctx: &Ctx<'_>) -> Option<String> {
    old(ctx, ctx.model.stats_log.as_ref().map(|s| s.at))
}

/// The symbol for what is not known.
#[must_use]
pub const fn unknown(ctx: &Ctx<'_>) -> &'static str {
    if ctx.symbols.unicode { "–" } else { "-" }
}

/// The title of a panel, piece by piece.
pub struct Title<'c> {
    ctx: &'c Ctx<'c>,
    spans: Vec<Span<'static>>,
}

impl<'c> Title<'c> {
    /// A title that begins with a name.
    #[must_use]
    pub fn new(ctx: &'c Ctx<'c>, name: impl Into<String>) -> Self {
        Self { ctx, spans: vec![Span::raw(name.into())] }
    }

    /// Adds how many things are shown of how many.
    #[must_use]
    pub fn count(self, shown: usize, all: usize) -> Self {
        let text = if shown == all { format!(" {all}") } else { format!(" {shown} of {all}") };
        self.add(text, Role::Accent)
    }

    /// Adds a piece, as it is.
    #[must_use]
    pub fn add(mut self, text: impl Into<String>, role: Role) -> Self {
        let plain = ratatui::style::Modifier::BOLD;
        let bold = matches!(role, Role::Accent | Role::Title);
        let style = self.ctx.theme.style(role);
        self.spans.push(Span::styled(text.into(), if bold { style } else { style.remove_modifier(plain) }));
        self
    }

    /// Adds a mark, a number and a word, apart from what is before.
    #[must_use]
    pub fn fact(self, mark: (&str, Role), n: usize, word: &str) -> Self {
        self.add(format!("   {}", mark.0), mark.1).add(format!(" {n}"), Role::Text).add(format!(" {word}"), Role::Dim)
    }

    /// Adds that a filter is inverted, where it is.
    #[must_use]
    pub fn inverted(self, invert: bool) -> Self {
        if invert { self.add("   not", Role::Dim).add(" what matches", Role::Dim) } else { self }
    }

    /// The title.
    #[must_use]
    pub fn line(self) -> Line<'static> {
        Line::from(self.spans)
    }
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

/// Says in the middle of an area why there is nothing and what to do.
pub fn empty(ctx: &Ctx<'_>, area: Rect, why: &str, what: &str, buf: &mut Buffer) {
    empty_lines(ctx, area, &[(why.into(), Role::Text), (what.into(), Role::Dim)], buf);
}

/// The same in any number of paragraphs.
pub fn empty_lines(ctx: &Ctx<'_>, area: Rect, paragraphs: &[(String, Role)], buf: &mut Buffer) {
    let columns = area.width.saturating_sub(4).min(92);
    let lines: Vec<(String, Role)> =
        paragraphs.iter().flat_map(|(t, r)| wrap(t, columns).into_iter().map(|l| (l, *r)).collect::<Vec<_>>()).collect();
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let top = area.y + area.height.saturating_sub(height) / 3;
    for (y, (text, role)) in (top..area.bottom()).zip(lines) {
        put_centre(buf, area, y, &text, ctx.theme.style(role));
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
