//! One proof: its facts, its stages over time, its tasks.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::entries::{self, Entry, Key, entries};
use super::held::{Typicals, held, running_of};
use super::lanes::{self, Window};
use super::list::{elapsed, left};
use crate::base::{ProofId, units};
use crate::event::ProofMode;
use crate::model::Proof;
use crate::ui::draw::wrap;
use crate::ui::views::common::{Facts, Title, age, course, empty, log_pod, status_mark, unknown};
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::pen::{Pen, middle};
use crate::ui::widgets::table::{Hit, Table, TableState, position};
use crate::ui::{Action, Ctx, Effect, Outcome, Role};

/// The state of the detail.
pub struct Detail {
    /// Which proof.
    pub proof: ProofId,
    tasks: TableState<Key>,
    /// Lanes are workers instead of stages.
    pub by_worker: bool,
    window: Window,
}

/// Where things are: all in one panel.
struct Areas {
    head: Rect,
    /// The line above the lanes.
    lanes_rule: u16,
    lanes: Rect,
    /// The line above the tasks.
    tasks_rule: u16,
    tasks: Rect,
}

/// Lines of facts above the lanes, where the first of them takes `verdict`.
const fn head_height(area: Rect, verdict: u16) -> u16 {
    match area.height {
        0..8 => 1,
        8..19 => 2 + verdict,
        _ => 3 + verdict,
    }
}

/// Lines that the verdict may take on `area`.
const fn most_verdict(area: Rect) -> usize {
    match area.height {
        0..14 => 1,
        14..19 => 2,
        _ => 5,
    }
}

impl Detail {
    /// The detail of that proof, with nothing selected yet.
    pub fn new(proof: ProofId) -> Self {
        Self { proof, tasks: TableState::new(0), by_worker: false, window: Window::default() }
    }

    fn areas(&self, area: Rect, verdict: u16, lanes: usize, tasks: usize) -> Areas {
        let area = Panel::list(area);
        let cut = |y: u16, h: u16| Rect { y: area.y.saturating_add(y), height: h.min(area.height.saturating_sub(y)), ..area };
        let head = cut(0, head_height(area, verdict));
        let rest = area.height - head.height;
        let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        // The rule and the header are two lines more.
        let want = if lanes == 0 { 0 } else { small(lanes).saturating_add(2) };
        let least_tasks = small(tasks).saturating_add(2).min(if self.by_worker { 8 } else { 7 });
        let mut h = want.min(rest.saturating_sub(least_tasks));
        if h < 3 {
            h = 0;
        }
        let y = head.height;
        let rule = u16::from(h > 0);
        let below = u16::from(rest > h);
        Areas {
            head,
            lanes_rule: area.y + y,
            lanes: cut(y + rule, h - rule),
            tasks_rule: area.y + y + h,
            tasks: cut(y + h + below, rest - h - below),
        }
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
            Action::Enter => {
                let Some(e) = entry else { return Outcome::done() };
                if ctx.model.workers.get(e.worker).is_none() {
                    return say("that worker is not known; o shows the log of its pod");
                }
                return Outcome::then(Action::OpenWorker(e.worker.clone()));
            }
            Action::Own("logs") => {
                let tie = entry.and_then(|e| ctx.model.workers.get(e.worker)).and_then(|w| w.tie.as_ref());
                if let (None, Some(pod)) = (tie, entry.and_then(|e| log_pod(e.worker))) {
                    return Outcome::then(Action::OpenLogs(pod.to_owned()));
                }
                return tie.map_or_else(
                    || say("the pod of that task's worker is not known, so neither are its logs"),
                    |t| Outcome::then(Action::OpenLogs(t.pod.clone())),
                );
            }
            Action::Copy => {
                let text = entry.map_or_else(|| self.proof.to_string(), |e| e.task.to_string());
                return Outcome::effect(Effect::Copy(text));
            }
            Action::Click(x, y) | Action::DoubleClick(x, y) => {
                let (x, y) = (ctx.area.x.saturating_add(*x), ctx.area.y.saturating_add(*y));
                let table = entries::table(&self.tasks, &list, table_area);
                let hit = self.tasks.click(&table, table_area, x, y, |i| list[i].key());
                if let (Hit::Row(_), Action::DoubleClick(..)) = (hit, action) {
                    return self.update(&Action::Enter, ctx);
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

    /// The list of tasks.
    fn table_area(&self, ctx: &Ctx<'_>, p: &Proof, list: &[Entry<'_>]) -> Rect {
        self.areas(ctx.area, verdict_height(ctx, p), self.lane_count(p, list), list.len()).tasks
    }

    /// Draws it.
    pub fn draw(&self, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let style = |r| ctx.theme.style(r);
        let Some(p) = ctx.model.proofs.get(&self.proof) else {
            let why = format!("Proof {} is not known any more.", self.proof);
            Panel::new("proof").focus(true).draw(ctx.area, ctx, buf);
            empty(ctx, Panel::list(ctx.area), &why, "Old proofs are forgotten when there are too many. Esc goes back.", buf);
            return;
        };
        let list = entries(ctx.model, p);
        let areas = self.areas(ctx.area, verdict_height(ctx, p), self.lane_count(p, &list), list.len());
        let panel = Panel::new(title(ctx, p, ctx.area.width)).focus(true);
        panel.draw(ctx.area, ctx, buf);
        head(ctx, areas.head, p, buf);
        if areas.lanes.height > 0 {
            let (from, to) = lanes::span(ctx, p, &list);
            let window = self.window.of(from, to);
            let by = if self.by_worker { "workers" } else { "stages" };
            let times = if ctx.symbols.unicode { "×" } else { "x" };
            let zoom = if self.window.zoom == 0 { String::new() } else { format!("{times}{}", 2u32.saturating_pow(self.window.zoom)) };
            Panel::new(by).right(zoom).focus(true).divide(ctx.area, areas.lanes_rule, ctx, buf);
            if self.by_worker {
                lanes::workers(ctx, areas.lanes, &list, window, buf);
            } else {
                lanes::stages(ctx, areas.lanes, p, &list, window, buf);
            }
        }
        if areas.tasks.height == 0 {
            return;
        }
        let running = list.iter().filter(|e| e.end.is_none()).count();
        let bad = list.iter().filter(|e| e.is_bad()).count();
        let table = entries::table(&self.tasks, &list, areas.tasks);
        let mut name = Title::new(ctx, "tasks").count(list.len(), list.len());
        for (mark, role, n, word) in [
            (ctx.symbols.marks.2, Role::Info, running, "running"),
            (ctx.symbols.marks.0, Role::Good, list.len() - running - bad, "ended"),
            (ctx.symbols.marks.1, Role::Bad, bad, "ended badly"),
        ] {
            if n > 0 {
                name = name.fact((mark, role), n, word);
            }
        }
        let spot = position(table.selected, list.len());
        Panel::new(name.line()).right(spot).focus(true).divide(ctx.area, areas.tasks_rule, ctx, buf);
        if list.is_empty() {
            Pen::new(buf, areas.tasks, 0).gap(2).put("none seen yet", style(Role::Dim));
            return;
        }
        table.draw(ctx, areas.tasks, buf, |r, c, pen| {
            if let Some(e) = list.get(r) {
                entries::cell(ctx, e, c, pen);
            }
        });
    }
}

/// A proof's id, mode, status and stage.
fn title(ctx: &Ctx<'_>, p: &Proof, width: u16) -> Line<'static> {
    let (mark, word, role) = status_mark(ctx.symbols, p.status);
    let room = width.saturating_sub(54).max(12);
    let title = Title::new(ctx, middle(p.id.as_str(), room, ctx.symbols.ellipsis))
        .add(format!("  {}", p.mode.map_or("mode unknown", ProofMode::as_str)), Role::Text)
        .add(format!("  {mark} {word}  "), role);
    let mut line = title.line();
    let course = course(p, 20, ctx).spans;
    line.spans.extend(course.into_iter().map(|s| Span::styled(s.content.into_owned(), s.style.remove_modifier(Modifier::BOLD))));
    line
}

/// A proof's id, what holds it up, and its stages over time.
pub fn preview(ctx: &Ctx<'_>, area: Rect, p: &Proof, buf: &mut Buffer) {
    Panel::new(title(ctx, p, area.width)).draw(area, ctx, buf);
    let area = Panel::list(area);
    let mut pen = Pen::new(buf, area, 0);
    verdict(ctx, p, pen.gap(2));
    if area.height < 3 {
        return;
    }
    let list = entries(ctx.model, p);
    let (from, to) = lanes::span(ctx, p, &list);
    let below = Rect { y: area.y + 1, height: area.height - 1, ..area };
    lanes::stages(ctx, below, p, &list, (from, to), buf);
}

/// The facts of a proof, the most important ones first.
fn head(ctx: &Ctx<'_>, area: Rect, p: &Proof, buf: &mut Buffer) {
    let style = |r| ctx.theme.style(r);
    let none = unknown(ctx);
    let lines = verdict_lines(ctx, p);
    for (y, l) in (0..).zip(&lines) {
        Pen::new(buf, area, y).gap(2).line(l, false);
    }
    let below = u16::try_from(lines.len()).unwrap_or(1).max(1);

    let mut pen = Pen::new(buf, area, below);
    pen.gap(2);
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
        if let Some(e) = ctx.model.eta(p) {
            fact("ends in", &format!("{} (by {})", units::range(e.least, e.most), e.basis));
        }
        fact("last progress", &format!("{} ago", age(now, p.progress_at)));
    }

    let mut pen = Pen::new(buf, area, below + 1);
    pen.gap(2).put("deadline", style(Role::Dim)).gap(1);
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

    let mut pen = Pen::new(buf, area, below + 2);
    pen.gap(2);
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

/// What holds a proof up, or why it failed, in pieces.
fn verdict_pieces(ctx: &Ctx<'_>, p: &Proof) -> Vec<(String, Role)> {
    let mut out = Vec::new();
    if let Some(failure) = p.failure.as_deref().filter(|_| !p.is_active()) {
        out.push(("because ".to_owned(), Role::Dim));
        out.extend(p.failed_task.as_ref().map(|kind| (format!("{}: ", kind.as_str()), Role::Bad)));
        out.push((failure.to_owned(), Role::Bad));
    } else if p.is_active() {
        let held = held(ctx.model, &Typicals::of(ctx.model), p, &running_of(ctx.model, &p.id));
        let label = if held.is_slow() { "held up by " } else { "slowest " };
        if matches!(held, super::held::Held::Task { .. }) || held.is_slow() {
            out.push((label.to_owned(), Role::Dim));
        }
        out.push((held.long(ctx.now(), ctx.symbols), if held.is_slow() { Role::Warn } else { Role::Text }));
    } else if let Some((status, at)) = p.coordinator_end {
        out.push((format!("the coordinator says {} at {}", status.as_str(), at.clock()), Role::Dim));
    }
    out
}

/// The same in one line.
fn verdict(ctx: &Ctx<'_>, p: &Proof, pen: &mut Pen<'_>) {
    for (text, role) in verdict_pieces(ctx, p) {
        pen.clip(&text, ctx.theme.style(role), ctx.symbols.ellipsis);
    }
}

/// The same in as many lines as it needs and there is room for; and what
/// became of it, where it was sent from here and something went wrong.
fn verdict_lines(ctx: &Ctx<'_>, p: &Proof) -> Vec<Line<'static>> {
    let area = Panel::list(ctx.area);
    let (columns, most) = (area.width.saturating_sub(3), most_verdict(area));
    let style = |r| ctx.theme.style(r);
    let pieces = verdict_pieces(ctx, p);
    let text: String = pieces.iter().map(|(t, _)| t.as_str()).collect();
    let label = pieces.first().filter(|_| pieces.len() > 1).map_or(0, |(t, _)| t.len());
    let role = pieces.last().map_or(Role::Text, |(_, r)| *r);
    let mut out: Vec<Line<'static>> = Vec::new();
    for (i, l) in wrap(&text, columns).into_iter().enumerate() {
        let at = if i == 0 && l.is_char_boundary(label.min(l.len())) { label.min(l.len()) } else { 0 };
        let (head, rest) = l.split_at(at);
        out.push(Line::from(vec![Span::styled(head.to_owned(), style(Role::Dim)), Span::styled(rest.to_owned(), style(role))]));
    }
    if let Some(job) = ctx.model.jobs.get(&p.id).filter(|j| j.is_bad()) {
        if text.is_empty() {
            out.clear();
        }
        out.extend(wrap(&format!("sent from here: {}", job.note.line), columns).into_iter().map(|l| Line::styled(l, style(Role::Bad))));
    }
    if out.len() > most {
        out.truncate(most);
        if let Some(last) = out.last_mut() {
            let room = columns.saturating_sub(crate::ui::draw::width(ctx.symbols.ellipsis));
            while crate::ui::draw::line_width(last) > room {
                let Some(s) = last.spans.last_mut() else { break };
                if s.content.is_empty() {
                    last.spans.pop();
                } else {
                    let mut text = s.content.to_string();
                    text.pop();
                    s.content = text.into();
                }
            }
            let style = last.spans.last().map_or_else(|| style(role), |s| s.style);
            last.spans.push(Span::styled(ctx.symbols.ellipsis.to_owned(), style));
        }
    }
    out
}

fn verdict_height(ctx: &Ctx<'_>, p: &Proof) -> u16 {
    u16::try_from(verdict_lines(ctx, p).len()).unwrap_or(1).max(1)
}
