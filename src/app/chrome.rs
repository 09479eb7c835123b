//! What is around every view: top bar, tabs, scrub bar, hints.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{App, World};
use crate::alerts::{Alerts, Severity};
use crate::base::Timestamp;
use crate::ui::draw::{cut, fill, line_width, put, put_line, put_right, tint, width};
use crate::ui::{Ctx, MarkKind, Role, Symbols, TimeBase, View, ViewId, keymap};

/// Where everything is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The top bar.
    pub top: Rect,
    /// The tabs.
    pub tabs: Rect,
    /// The view.
    pub body: Rect,
    /// The place in a recording.
    pub scrub: Rect,
    /// Hints, messages and questions.
    pub bottom: Rect,
}

impl Frame {
    /// The parts of a screen of that size; the less important ones are empty on
    /// low ones.
    pub fn new(area: Rect, time: &TimeBase) -> Self {
        let replay = time.span().is_some();
        let mut y = area.y;
        let mut rows_left = area.height;
        let mut take = |wanted: u16| {
            let h = wanted.min(rows_left);
            rows_left -= h;
            let r = Rect { y, height: h, ..area };
            y += h;
            r
        };
        let h = area.height;
        let top = take(u16::from(h >= 6));
        let tabs = take(u16::from(h >= 5));
        let below = u16::from(h >= 7) + u16::from(replay && h >= 12);
        let body = take(h.saturating_sub(top.height + tabs.height + below));
        let scrub = take(u16::from(replay && h >= 12));
        let bottom = take(u16::from(h >= 7));
        Self { top, tabs, body, scrub, bottom }
    }
}

/// Too small for anything but a few words.
pub const fn is_tiny(area: Rect) -> bool {
    area.width < 24 || area.height < 5
}

/// The most important facts, one a line.
pub fn tiny(ctx: &Ctx<'_>, buf: &mut Buffer) {
    let area = ctx.area;
    let mut lines: Vec<(String, Role)> = Vec::new();
    if let Some(a) = ctx.alerts.loud().next() {
        lines.push((format!("{} {}", alert_mark(a.severity, ctx.symbols), a.id), alert_role(a.severity)));
    }
    match &ctx.model.stats {
        Some(s) => {
            let n = |v: Option<u32>| v.map_or_else(|| "?".into(), |v| v.to_string());
            lines.push((format!("queue cpu {} gpu {}", n(s.stats.cpu_queue), n(s.stats.gpu_queue)), Role::Text));
            lines.push((format!("proofs {} tasks {}", n(s.stats.active_proofs), n(s.stats.active_tasks)), Role::Text));
        }
        None => lines.push(("no data yet".into(), Role::Dim)),
    }
    lines.push((ctx.now().clock(), Role::Dim));
    for (y, (text, role)) in (area.top()..area.bottom()).zip(lines) {
        put(buf, area, area.x, y, &cut(&text, area.width, ctx.symbols.ellipsis), ctx.theme.style(role));
    }
}

/// The mark before an alert.
pub fn alert_mark(severity: Severity, symbols: &Symbols) -> &'static str {
    match severity {
        Severity::Critical => symbols.alerts.0,
        Severity::Warning => symbols.alerts.1,
        Severity::Info => symbols.alerts.2,
    }
}

/// The style of an alert.
pub const fn alert_role(severity: Severity) -> Role {
    match severity {
        Severity::Critical => Role::Bad,
        Severity::Warning => Role::Warn,
        Severity::Info => Role::Info,
    }
}

/// A piece of a bar; the highest rank goes first when there is no room.
pub struct Piece<'a> {
    /// Its text.
    pub line: Line<'a>,
    rank: u8,
}

impl<'a> Piece<'a> {
    /// A piece of that rank.
    pub fn new(rank: u8, spans: Vec<Span<'a>>) -> Self {
        Self { line: Line::from(spans), rank }
    }
}

/// Drops pieces until both sides fit into `room` with a blank between.
pub fn drop_pieces(left: &mut Vec<Piece<'_>>, right: &mut Vec<Piece<'_>>, gap: u16, room: u16) {
    loop {
        let side = |s: &[Piece<'_>]| s.iter().map(|p| line_width(&p.line) + gap).sum::<u16>();
        if side(left) + side(right) <= room {
            return;
        }
        let worst = left.iter().chain(right.iter()).map(|p| p.rank).max().unwrap_or(0);
        if worst == 0 {
            return;
        }
        left.retain(|p| p.rank != worst);
        right.retain(|p| p.rank != worst);
    }
}

impl App {
    pub(super) fn draw_chrome(&self, frame: &Frame, world: &World<'_>, buf: &mut Buffer) {
        self.draw_top(frame.top, world, buf);
        self.draw_tabs(frame, world, buf);
        self.draw_scrub(frame, world, buf);
        self.draw_bottom(frame.bottom, world, buf);
    }

    /// The tabs as they are shown: view, place, text.
    fn tabs(&self, frame: &Frame, world: &World<'_>) -> Vec<(ViewId, u16, String)> {
        // The names go from the right when there is no room; never that of the
        // view that is shown.
        let texts = |named: usize| -> Vec<(ViewId, String)> {
            let text = |(i, v): (usize, &dyn View)| {
                let name = if i < named || i == self.current { format!(" {}", v.title()) } else { String::new() };
                let alerts = if v.id() == ViewId::Alerts { alert_tab(world.alerts, &self.symbols) } else { String::new() };
                (v.id(), format!(" {}{name}{alerts} ", v.id().number()))
            };
            if self.view() == Some(ViewId::Fleet) {
                // Alone, and without a number that would be a key.
                return vec![(ViewId::Fleet, " fleet ".into())];
            }
            self.views.iter().map(|v| &**v).enumerate().map(text).collect()
        };
        // What is below the title stands on the view itself, too; the filter does not.
        let path = line_width(&self.path(false));
        let room = frame.tabs.width.saturating_sub(if path > 0 { path.min(32) + 3 } else { 0 });
        let total = |t: &[(ViewId, String)]| t.iter().map(|(_, t)| width(t)).sum::<u16>();
        let list = (0..=self.views.len()).rev().map(texts).find(|t| total(t) <= room).unwrap_or_else(|| texts(0));
        let mut x = frame.tabs.x;
        list.into_iter()
            .map(|(id, t)| {
                let at = x;
                x = x.saturating_add(width(&t));
                (id, at, t)
            })
            .collect()
    }

    /// The tab at column `x`.
    pub(super) fn tab_at(&self, frame: &Frame, x: u16, world: &World<'_>) -> Option<ViewId> {
        self.tabs(frame, world).into_iter().find(|(_, at, t)| (*at..at + width(t)).contains(&x)).map(|(id, ..)| id)
    }

    fn draw_tabs(&self, frame: &Frame, world: &World<'_>, buf: &mut Buffer) {
        let area = frame.tabs;
        if area.is_empty() {
            return;
        }
        let theme = &self.theme;
        let mut end = area.x;
        for (id, x, text) in self.tabs(frame, world) {
            let active = self.view() == Some(id);
            let style = theme.style(if active { Role::TabActive } else { Role::Tab });
            end = put(buf, area, x, area.y, &text, style);
            if !active {
                let number = id.number().to_string();
                put(buf, area, x + 1, area.y, &number, theme.style(Role::Key));
                if let Some(worst) = world.alerts.loud().next().filter(|_| id == ViewId::Alerts) {
                    let w = width(&alert_tab(world.alerts, &self.symbols));
                    tint(buf, Rect { x: end.saturating_sub(w + 1), width: w, ..area }, theme.style(alert_role(worst.severity)));
                }
            }
        }
        let room = area.right().saturating_sub(end + 3);
        let whole = self.path(true);
        let line = if line_width(&whole) <= room { whole } else { self.path(false) };
        if line_width(&line) > 0 && room >= 10 {
            if line_width(&line) <= room {
                put_right(buf, Rect { width: area.width - 1, ..area }, area.y, &line);
            } else {
                let text: String = line.spans.iter().map(|s| s.content.as_ref()).collect();
                let text = crate::ui::draw::cut_middle(&text, room, self.symbols.ellipsis).into_owned();
                put_right(buf, Rect { width: area.width - 1, ..area }, area.y, &Line::styled(text, theme.style(Role::Text)));
            }
        }
    }

    /// Where the view is below its title, and its filter; or the filter alone.
    fn path(&self, whole: bool) -> Line<'static> {
        let Some(view) = self.views.get(self.current) else { return Line::default() };
        let theme = &self.theme;
        let mut spans = Vec::new();
        if let Some(c) = view.crumb().filter(|_| whole) {
            spans.push(Span::styled(format!("{} ", self.symbols.step), theme.style(Role::Dim)));
            spans.push(Span::styled(c, theme.style(Role::Text)));
        }
        if let Some(f) = view.filter().filter(|f| !f.is_empty()) {
            spans.push(Span::styled(if spans.is_empty() { "/" } else { "  /" }, theme.style(Role::Key)));
            spans.push(Span::styled(f.to_owned(), theme.style(Role::Text)));
        }
        Line::from(spans)
    }

    fn draw_scrub(&self, frame: &Frame, world: &World<'_>, buf: &mut Buffer) {
        let (area, Some((begin, end))) = (frame.scrub, world.time.span()) else { return };
        if area.is_empty() {
            return;
        }
        let theme = &self.theme;
        let dim = theme.style(Role::Dim);
        put(buf, area, area.x + 1, area.y, &begin.clock(), dim);
        put_right(buf, Rect { width: area.width - 1, ..area }, area.y, &Line::styled(end.clock(), dim));
        let bar = scrub_bar(frame);
        if bar.width < 4 {
            return;
        }
        let cells = bar.width - 1;
        let place = |t: Timestamp| -> u16 {
            let span = end.since(begin);
            if span.is_zero() {
                return cells;
            }
            let x = t.since(begin).as_secs_f64() / span.as_secs_f64() * f64::from(cells);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the bar")]
            let x = x.round().clamp(0.0, f64::from(cells)) as u16;
            x
        };
        let now = place(world.model.now);
        let (on, off) = self.symbols.gauge;
        for i in 0..bar.width {
            let (s, role) = if i <= now { (on, Role::Accent) } else { (off, Role::Faint) };
            put(buf, bar, bar.x + i, bar.y, s, theme.style(role));
        }
        self.draw_marks(bar, (begin, end), &place, world, buf);
        put(buf, bar, bar.x + now, bar.y, self.symbols.knob, theme.style(Role::Accent));
    }

    /// What happened, on the scrub bar; the worst on top.
    fn draw_marks(
        &self,
        bar: Rect,
        (begin, end): (Timestamp, Timestamp),
        place: &dyn Fn(Timestamp) -> u16,
        world: &World<'_>,
        buf: &mut Buffer,
    ) {
        let theme = &self.theme;
        let mut notch = |at: Timestamp, role| {
            if at >= begin && at <= end {
                put(buf, bar, bar.x + place(at), bar.y, self.symbols.notch, theme.style(role));
            }
        };
        for m in world.model.moments.iter().filter(|m| m.kind.is_bad()) {
            notch(m.at, Role::Warn);
        }
        for m in world.track.marks.iter().filter(|m| matches!(m.kind, MarkKind::Trouble | MarkKind::ProofFailed)) {
            notch(m.at, Role::Warn);
        }
        for severity in [Severity::Info, Severity::Warning, Severity::Critical] {
            for m in world.track.marks.iter().filter(|m| m.kind == MarkKind::Alert(severity)) {
                notch(m.at, alert_role(severity));
            }
        }
        // The ends of the loop by their letters: told without colours too.
        if let Some((a, b)) = world.track.ab {
            for (at, letter) in std::iter::once((a, "A")).chain(b.map(|b| (b, "B"))) {
                put(buf, bar, bar.x + place(at), bar.y, letter, theme.style(Role::TabActive));
            }
        }
    }

    fn draw_bottom(&self, area: Rect, world: &World<'_>, buf: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        let theme = &self.theme;
        fill(buf, area, " ", theme.base().patch(theme.style(Role::Bar)));
        if let Some(s) = &self.status {
            let (mark, role) = if s.bad { (self.symbols.alerts.1, Role::Warn) } else { (self.symbols.separator, Role::Info) };
            let text = format!("{mark} {}", s.text);
            put(buf, area, area.x + 1, area.y, &cut(&text, area.width.saturating_sub(2), self.symbols.ellipsis), theme.style(role));
            return;
        }
        let mut left: Vec<Piece<'_>> = Vec::new();
        let mut right: Vec<Piece<'_>> = Vec::new();
        let hint = |rank, keys: String, what: &str, style: Style| {
            Piece::new(rank, vec![Span::styled(keys, theme.style(Role::Key)), Span::styled(format!(" {what}"), style)])
        };
        let dim = theme.style(Role::Dim);
        if let Some(popup) = &self.popup {
            // The view's keys do nothing while something lies over it.
            let mut x = area.x + 1;
            for (keys, what) in popup.hints() {
                let keys = if self.symbols.unicode {
                    (*keys).to_owned()
                } else {
                    keys.replace("↑↓", "up down").replace("←→", "left right")
                };
                let piece = hint(0, keys, what, dim);
                if x + line_width(&piece.line) < area.right() {
                    x = put_line(buf, area, x, area.y, &piece.line) + 3;
                }
            }
            return;
        }
        if let Some(v) = self.views.get(self.current) {
            let mut rank = 3;
            let ctx = self.ctx(world, area);
            for (keys, what) in v.hints().iter().filter(|(keys, _)| v.offers(keys, &ctx)) {
                left.push(hint(rank, self.symbols.keys.written(keys), what, dim));
                rank = (rank + 1).min(40);
            }
            for b in v.bindings().iter().filter(|b| b.hint) {
                let key = keymap::label(self.symbols.keys.first(v.title(), b), self.symbols.unicode);
                left.push(hint(rank, key, b.what, dim));
                rank = (rank + 1).min(40);
            }
        }
        let (below, filtered) = self.views.get(self.current).map_or((false, false), |v| (v.crumb().is_some(), v.filter().is_some()));
        if below || !self.trail.is_empty() {
            left.push(hint(2, "esc".into(), "back", dim));
        } else if filtered {
            left.push(hint(2, "esc".into(), "drop the filter", dim));
        } else if self.of_fleet {
            left.push(hint(2, "esc".into(), "fleet", dim));
        }
        match world.time {
            TimeBase::Live => {}
            TimeBase::Demo { paused, .. } => {
                left.push(hint(43, "space".into(), if paused { "go on" } else { "pause" }, dim));
                left.push(hint(44, "< >".into(), "speed", dim));
            }
            TimeBase::Past { .. } => {
                left.push(hint(1, "r".into(), "back to live", dim));
                left.push(hint(43, ", .".into(), "step", dim));
                left.push(hint(44, "@".into(), "time", dim));
                left.push(hint(45, "( )".into(), "alerts", dim));
            }
            TimeBase::Replay { paused, finished, .. } => {
                let space = match (finished, paused) {
                    (true, _) => "again",
                    (_, true) => "play",
                    _ => "pause",
                };
                left.push(hint(43, "space".into(), space, dim));
                left.push(hint(44, "< >".into(), "speed", dim));
                left.push(hint(45, "[ ]".into(), "10 s", dim));
                left.push(hint(46, ", .".into(), "events", dim));
                left.push(hint(48, "( )".into(), "alerts", dim));
                left.push(hint(47, "@".into(), "time", dim));
            }
        }
        for (rank, b) in (0..).zip(keymap::GLOBAL.iter().flat_map(|g| g.bindings).filter(|b| b.hint)) {
            // Help is the last to go.
            let rank = if b.keys.contains(&"?") { 0 } else { rank + 1 };
            right.push(hint(rank, keymap::label(self.symbols.keys.first("", b), self.symbols.unicode), b.what, dim));
        }
        drop_pieces(&mut left, &mut right, 3, area.width);
        let mut x = area.x + 1;
        for p in &left {
            x = put_line(buf, area, x, area.y, &p.line) + 3;
        }
        let total: u16 = right.iter().map(|p| line_width(&p.line) + 3).sum();
        let mut x = (area.right() + 2).saturating_sub(total).max(area.x);
        for p in &right {
            x = put_line(buf, area, x, area.y, &p.line) + 3;
        }
    }
}

impl App {
    /// What is too long for the bottom line is told whole, in lines above it.
    pub(super) fn draw_long(&self, bottom: Rect, buf: &mut Buffer) {
        let Some(s) = self.status.as_ref().filter(|s| width(&s.text) + 4 > bottom.width && self.popup.is_none()) else { return };
        let lines = crate::ui::draw::wrap(&s.text, bottom.width.saturating_sub(4));
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        let Some(top) = (bottom.y + 1).checked_sub(height).filter(|y| *y > buf.area.y + 2) else { return };
        let area = Rect { y: top, height, ..bottom };
        let (mark, role) = if s.bad { (self.symbols.alerts.1, Role::Warn) } else { (self.symbols.separator, Role::Info) };
        fill(buf, area, " ", self.theme.base().patch(self.theme.style(Role::Bar)));
        put(buf, area, area.x + 1, top, mark, self.theme.style(role));
        for (y, line) in (top..).zip(&lines) {
            put(buf, area, area.x + 3, y, line, self.theme.style(role));
        }
    }
}

/// The part of the scrub line that stands for time.
pub fn scrub_bar(frame: &Frame) -> Rect {
    let a = frame.scrub;
    Rect { x: a.x + 10.min(a.width), width: a.width.saturating_sub(20), ..a }
}

/// ` ✗3` behind the name of the alerts' tab: the worst kind, and how many there
/// are of all that are not muted.
fn alert_tab(alerts: &Alerts, symbols: &Symbols) -> String {
    let worst = alerts.loud().next();
    worst.map(|a| format!(" {}{}", alert_mark(a.severity, symbols), alerts.loud().count())).unwrap_or_default()
}
