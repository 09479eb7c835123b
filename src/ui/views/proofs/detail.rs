//! One proof: its facts, its stages over time, its tasks.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::entries::{self, Entry, Key, entries};
use super::held::{Typicals, held, running_of};
use super::lanes::{self, Window};
use super::list::{course, elapsed, left};
use crate::base::{ProofId, units};
use crate::event::ProofMode;
use crate::model::Proof;
use crate::ui::views::common::{Facts, age, empty, line, status_mark, unknown};
use crate::ui::widgets::pen::{Pen, middle, rule};
use crate::ui::widgets::table::{Hit, Table, TableState, position};
use crate::ui::{Action, Ctx, Effect, Outcome, Role};

/// The state of the detail.
pub struct Detail {
    /// Which proof.
    pub proof: ProofId,
    tasks: TableState<Key>,
    by_worker: bool,
    window: Window,
}

/// Where things are.
struct Areas {
    head: Rect,
    lanes: Rect,
    tasks: Rect,
}

/// Lines of facts above the lanes.
const fn head_height(area: Rect) -> u16 {
    match area.height {
        0..8 => 2,
        8..20 => 4,
        _ => 5,
    }
}

impl Detail {
    /// The detail of that proof, with nothing selected yet.
    pub fn new(proof: ProofId) -> Self {
        Self { proof, tasks: TableState::new(0), by_worker: false, window: Window::default() }
    }

    fn areas(&self, area: Rect, lanes: usize, tasks: usize) -> Areas {
        let cut = |y: u16, h: u16| Rect { y: area.y.saturating_add(y), height: h.min(area.height.saturating_sub(y)), ..area };
        let head = cut(0, head_height(area));
        let rest = area.height - head.height;
        let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        // The rule and the header are two lines more.
        let want = if lanes == 0 { 0 } else { small(lanes).saturating_add(2) };
        let least_tasks = small(tasks).saturating_add(2).min(if self.by_worker { 8 } else { 7 });
        let mut h = want.min(rest.saturating_sub(least_tasks));
        if h < 3 {
            h = 0;
        }
        Areas { head, lanes: cut(head.height, h), tasks: cut(head.height + h, rest - h) }
    }

    fn lane_count(&self, p: &Proof, list: &[Entry<'_>]) -> usize {
        if self.by_worker { lanes::parts(list).len() } else { p.tallies.len() }
    }

    /// Does `action`.
    pub fn update(&mut self, action: &Action, ctx: &Ctx<'_>) -> Outcome {
        let Some(p) = ctx.model.proofs.get(&self.proof) else { return Outcome::ignored() };
        let list = entries(ctx.model, p);
        let table_area = self.table_area(ctx, p, &list);
        let at = self.tasks.locate(list.len(), |i| list[i].key());
        let entry = at.and_then(|i| list.get(i));
        let say = |text: &str| Outcome { message: Some(text.into()), ..Outcome::done() };
        match action {
            Action::Toggle => self.by_worker = !self.by_worker,
            Action::ZoomIn => self.window.zoom = (self.window.zoom + 1).min(10),
            Action::ZoomOut => {
                self.window.zoom = self.window.zoom.saturating_sub(1);
                self.window.back = self.window.back.min(self.window.max_back());
            }
            Action::MoveSideways(n) => {
                self.window.back = self.window.back.saturating_add_signed(n.saturating_neg()).min(self.window.max_back());
            }
            Action::Enter | Action::DoubleClick(..) => {
                let Some(e) = entry else { return Outcome::done() };
                if ctx.model.workers.get(e.worker).is_none() {
                    return say("that worker is not known any more");
                }
                return Outcome::then(Action::OpenWorker(e.worker.clone()));
            }
            Action::Own("logs") => {
                let tie = entry.and_then(|e| ctx.model.workers.get(e.worker)).and_then(|w| w.tie.as_ref());
                return tie.map_or_else(
                    || say("the pod of that task's worker is not known, so neither are its logs"),
                    |t| Outcome::then(Action::OpenLogs(t.pod.clone())),
                );
            }
            Action::Copy => {
                let text = entry.map_or_else(|| self.proof.to_string(), |e| e.task.to_string());
                return Outcome::effect(Effect::Copy(text));
            }
            Action::Click(x, y) => {
                let (x, y) = (ctx.area.x.saturating_add(*x), ctx.area.y.saturating_add(*y));
                if let (Some(dx), Some(dy)) = (x.checked_sub(table_area.x), y.checked_sub(table_area.y))
                    && let Hit::Row(r) = entries::table(&self.tasks, &list, table_area).hit(table_area, dx, dy)
                {
                    self.tasks.select_at(r, list.len(), |i| list[i].key());
                }
            }
            action => {
                if !self.tasks.act(action, list.len(), Table::height(table_area), |i| list[i].key()) {
                    return Outcome::ignored();
                }
            }
        }
        let table_area = self.table_area(ctx, p, &list);
        self.tasks.settle(list.len(), Table::height(table_area), |i| list[i].key());
        Outcome::done()
    }

    /// The list of tasks without its rule.
    fn table_area(&self, ctx: &Ctx<'_>, p: &Proof, list: &[Entry<'_>]) -> Rect {
        let a = self.areas(ctx.area, self.lane_count(p, list), list.len()).tasks;
        let rule = a.height.min(1);
        Rect { y: a.y.saturating_add(rule), height: a.height - rule, ..a }
    }

    /// Draws it.
    pub fn draw(&self, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let style = |r| ctx.theme.style(r);
        let Some(p) = ctx.model.proofs.get(&self.proof) else {
            let why = format!("Proof {} is not known any more.", self.proof);
            empty(ctx, ctx.area, &why, "Old proofs are forgotten when there are too many. Esc goes back.", buf);
            return;
        };
        let list = entries(ctx.model, p);
        let areas = self.areas(ctx.area, self.lane_count(p, &list), list.len());
        head(ctx, areas.head, p, buf);
        if areas.lanes.height > 0 {
            let (from, to) = lanes::span(ctx, p, &list);
            let window = self.window.of(from, to);
            let by = if self.by_worker { "workers" } else { "stages" };
            let times = if ctx.symbols.unicode { "×" } else { "x" };
            let zoom = if self.window.zoom == 0 { String::new() } else { format!("  {}{times}", 2u32.saturating_pow(self.window.zoom)) };
            rule(buf, areas.lanes, 0, line(ctx), &format!("{by}{zoom}"), style(Role::Border), style(Role::Title));
            let below = Rect { y: areas.lanes.y + 1, height: areas.lanes.height - 1, ..areas.lanes };
            if self.by_worker {
                lanes::workers(ctx, below, &list, window, buf);
            } else {
                lanes::stages(ctx, below, p, &list, window, buf);
            }
        }
        if areas.tasks.height == 0 {
            return;
        }
        let running = list.iter().filter(|e| e.end.is_none()).count();
        let bad = list.iter().filter(|e| e.is_bad()).count();
        let ended = list.len() - running;
        let trouble = if bad > 0 { format!(", {bad} badly") } else { String::new() };
        let table_area = self.table_area(ctx, p, &list);
        let table = entries::table(&self.tasks, &list, table_area);
        let spot = position(table.selected, list.len());
        let title = format!("tasks  {running} running, {ended} ended{trouble}  {spot}");
        rule(buf, areas.tasks, 0, line(ctx), title.trim_end(), style(Role::Border), style(Role::Title));
        if list.is_empty() {
            Pen::new(buf, table_area, 0).gap(2).put("none seen yet", style(Role::Dim));
            return;
        }
        table.draw(ctx, table_area, buf, |r, c, pen| {
            if let Some(e) = list.get(r) {
                entries::cell(ctx, e, c, pen);
            }
        });
    }
}

/// A proof's id, what holds it up, and its stages over time.
pub fn preview(ctx: &Ctx<'_>, area: Rect, p: &Proof, buf: &mut Buffer) {
    let style = |r| ctx.theme.style(r);
    let mode = p.mode.map_or("mode unknown", ProofMode::as_str);
    rule(buf, area, 0, line(ctx), &format!("{}  {mode}", p.id), style(Role::Border), style(Role::Title));
    let mut pen = Pen::new(buf, area, 1);
    verdict(ctx, p, pen.gap(2));
    if area.height < 4 {
        return;
    }
    let list = entries(ctx.model, p);
    let (from, to) = lanes::span(ctx, p, &list);
    let below = Rect { y: area.y + 2, height: area.height - 2, ..area };
    lanes::stages(ctx, below, p, &list, (from, to), buf);
}

/// The facts of a proof, the most important ones first.
fn head(ctx: &Ctx<'_>, area: Rect, p: &Proof, buf: &mut Buffer) {
    let style = |r| ctx.theme.style(r);
    let none = unknown(ctx);
    let (mark, word, role) = status_mark(ctx.symbols, p.status);
    let mut pen = Pen::new(buf, area, 0);
    let half = pen.left().saturating_sub(44).max(12);
    pen.put(&middle(p.id.as_str(), half, ctx.symbols.ellipsis), style(Role::Title)).gap(2);
    pen.put(p.mode.map_or("mode unknown", ProofMode::as_str), style(Role::Accent)).gap(2);
    pen.put(mark, style(role)).gap(1).put(word, style(role)).gap(2);
    course(ctx, p, &mut pen);

    verdict(ctx, p, &mut Pen::new(buf, area, 1));

    let mut pen = Pen::new(buf, area, 2);
    let mut facts = Facts::new(ctx, &mut pen);
    let mut fact = |name: &str, value: &str| {
        facts.add(name, value, Role::Text);
    };
    let now = ctx.now();
    let clock = |t: Option<crate::base::Timestamp>| t.map_or_else(|| none.to_owned(), crate::base::Timestamp::clock);
    fact("elapsed", &elapsed(now, p).map_or_else(|| none.to_owned(), units::seconds));
    fact("requested", &clock(p.requested_at));
    fact("claimed", &clock(p.claimed_at));
    if p.ended_at.is_some() {
        fact("ended", &clock(p.ended_at));
    } else {
        fact("last progress", &format!("{} ago", age(now, p.progress_at)));
    }

    let mut pen = Pen::new(buf, area, 3);
    pen.put("deadline", style(Role::Dim)).gap(1);
    match p.deadline {
        Some(d) => {
            pen.put(&d.clock(), style(Role::Text));
            if p.is_active() {
                pen.gap(1);
                let mut part = pen.part(7);
                left(ctx, p, &mut part);
                pen.put(if d > now { " left" } else { "" }, style(Role::Dim));
            }
            pen.gap(3);
        }
        None => {
            pen.put(none, style(Role::Text)).gap(3);
        }
    }
    let mut facts = Facts::new(ctx, &mut pen);
    let retries = p.retries();
    facts.add("retries", &retries.to_string(), if retries > 0 { Role::Warn } else { Role::Text });
    facts.add("claims", &p.claims.to_string(), if p.claims > 1 { Role::Warn } else { Role::Text });
    if let Some((status, at)) = p.row {
        facts.add("API says", &format!("{} {} ago", status.as_str(), age(now, at)), Role::Text);
    }

    let mut pen = Pen::new(buf, area, 4);
    let artifacts = [("program", &p.program_artifact), ("stdin", &p.stdin_artifact), ("proof", &p.proof_artifact)];
    let known: Vec<_> = artifacts.into_iter().filter_map(|(n, a)| a.as_deref().map(|a| (n, a))).collect();
    if known.is_empty() {
        pen.put("artifacts", style(Role::Dim)).gap(1).put(none, style(Role::Text));
    }
    let each = pen.left() / u16::try_from(known.len().max(1)).unwrap_or(1);
    for (name, id) in known {
        let room = each.saturating_sub(u16::try_from(name.len()).unwrap_or(0) + 4);
        pen.put(name, style(Role::Dim)).gap(1).put(&middle(id, room, ctx.symbols.ellipsis), style(Role::Text)).gap(3);
    }
}

/// What holds a proof up, or why it failed.
fn verdict(ctx: &Ctx<'_>, p: &Proof, pen: &mut Pen<'_>) {
    let style = |r| ctx.theme.style(r);
    if let Some(failure) = p.failure.as_deref().filter(|_| !p.is_active()) {
        pen.put("because ", style(Role::Dim));
        if let Some(kind) = &p.failed_task {
            pen.put(kind.as_str(), style(Role::Bad)).put(": ", style(Role::Dim));
        }
        pen.clip(failure, style(Role::Bad), ctx.symbols.ellipsis);
    } else if p.is_active() {
        let held = held(ctx.model, &Typicals::of(ctx.model), p, &running_of(ctx.model, &p.id));
        let text = held.long(ctx.now(), ctx.symbols);
        let label = if held.is_slow() { "held up by " } else { "slowest " };
        let label = if matches!(held, super::held::Held::Task { .. }) || held.is_slow() { label } else { "" };
        pen.put(label, style(Role::Dim));
        pen.clip(&text, style(if held.is_slow() { Role::Warn } else { Role::Text }), ctx.symbols.ellipsis);
    } else if let Some((status, at)) = p.coordinator_end {
        pen.put(&format!("the coordinator says {} at {}", status.as_str(), at.clock()), style(Role::Dim));
    }
}
