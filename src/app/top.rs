//! The top bar: which cluster, how fresh, how bad.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::chrome::{Frame, Piece, alert_mark, alert_role, drop_pieces};
use super::{App, World};
use crate::alerts::Severity;
use crate::base::units;
use crate::capacity::version;
use crate::envelope::SourceState;
use crate::model::Source;
use crate::ui::draw::{cut, fill, line_width, put_line};
use crate::ui::{Role, Symbols, Theme, TimeBase, ViewId};

/// `unknown 2026-11-24T00:32:00` or `<sha> <build time>` in short.
fn short_version(text: &str) -> &str {
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (Some("unknown"), Some(built)) => built.get(..10).unwrap_or(built),
        (Some(sha), _) if sha.len() > 12 && sha.bytes().all(|b| b.is_ascii_hexdigit()) => sha.get(..8).unwrap_or(sha),
        (Some(v), _) => v,
        _ => text,
    }
}

/// Speed as it is shown: `4x`, `0.5x`, `max`.
fn speed_text(speed: Option<f64>) -> String {
    speed.map_or_else(|| "max".into(), |s| format!("{s}x"))
}

impl App {
    pub(super) fn draw_top(&self, area: Rect, world: &World<'_>, buf: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        let theme = &self.theme;
        fill(buf, area, " ", theme.base().patch(theme.style(Role::Bar)));
        let (left, right) = self.top_pieces(area.width, world);
        let mut x = area.x + 1;
        for p in &left {
            x = put_line(buf, area, x, area.y, &p.line) + 2;
        }
        let mut end = area.right().saturating_sub(1);
        for p in right.iter().rev() {
            let from = end.saturating_sub(line_width(&p.line)).max(area.x);
            put_line(buf, area, from, area.y, &p.line);
            end = from.saturating_sub(2);
        }
    }

    fn top_pieces<'a>(&'a self, room: u16, world: &'a World<'_>) -> (Vec<Piece<'a>>, Vec<Piece<'a>>) {
        let theme = &self.theme;
        let dim = theme.style(Role::Dim);
        let model = world.model;
        let dot = format!(" {} ", self.symbols.separator);
        let mut left = vec![Piece::new(3, vec![Span::styled("sp1top", theme.style(Role::Accent))])];
        let place = match (&self.title, &model.session.context, &model.session.namespace) {
            (Some(t), _, _) => cut(t, (room / 3).max(12), self.symbols.ellipsis).into_owned(),
            (None, Some(c), Some(n)) => format!("{c}/{n}"),
            (None, Some(c), None) => c.clone(),
            (None, None, Some(n)) => n.clone(),
            (None, None, None) => String::new(),
        };
        if !place.is_empty() {
            left.push(Piece::new(2, vec![Span::styled(place, theme.style(Role::Title))]));
        }
        let mut versions = Vec::new();
        if let Some(d) = version::surely_of_coordinator(model) {
            versions.push(format!("coordinator {}", d.version));
        } else if let Some(v) = &model.coordinator.version {
            versions.push(format!("coordinator {}", short_version(v)));
        }
        if let Some(c) = &model.coordinator.circuit {
            versions.push(format!("circuit {c}"));
        }
        if !versions.is_empty() {
            left.push(Piece::new(6, vec![Span::styled(versions.join(&dot), dim)]));
        }
        let mut right = Vec::new();
        if let Some(spans) = alert_counts(self.counts(world), &self.symbols, theme) {
            right.push(Piece::new(0, spans));
        }
        let muted = if self.view() == Some(ViewId::Fleet) { 0 } else { world.alerts.firing().iter().filter(|a| a.muted).count() };
        if muted > 0 {
            right.push(Piece::new(3, vec![Span::styled(format!("{muted} muted"), dim)]));
        }
        if let Some((dots, words)) = self.source_dots(world) {
            right.push(Piece::new(4, dots));
            if let Some(words) = words {
                right.push(Piece::new(5, vec![words]));
            }
        }
        if model.now.is_set() {
            let mut clock = vec![Span::styled(format!("{} UTC", model.now.clock()), theme.style(Role::Text))];
            if let Some(s) = &model.stats {
                let age = model.now.since(s.at);
                let role = match age.as_secs() {
                    0..16 => Role::Dim,
                    16..31 => Role::Warn,
                    _ => Role::Bad,
                };
                clock.push(Span::styled(format!("  stats {} old", units::seconds(age)), theme.style(role)));
            }
            let whole = Piece::new(2, clock.clone());
            if room < 90 {
                // The age matters more than the clock where there is no room.
                clock.truncate(1);
                right.push(Piece::new(2, clock));
            } else {
                right.push(whole);
            }
        }
        right.push(Piece::new(0, self.mode(world)));
        drop_pieces(&mut left, &mut right, 2, room);
        (left, right)
    }

    fn mode(&self, world: &World<'_>) -> Vec<Span<'static>> {
        let (theme, play) = (&self.theme, self.symbols.play.0);
        // Two strokes are known to mean it; a sign of equality is not.
        let pause = if self.symbols.unicode { self.symbols.play.1 } else { "paused" };
        let bold = |role| theme.style(role).add_modifier(ratatui::style::Modifier::BOLD);
        match &world.time {
            TimeBase::Live => {
                let (live, none) = if self.view() == Some(ViewId::Fleet) {
                    (world.fleet.iter().any(|r| r.sources.0 > 0), world.fleet.iter().all(|r| r.plight.is_none()))
                } else {
                    let sources = &world.model.sources;
                    (sources.iter().any(|(_, s)| s.state == Some(SourceState::Live)), sources.is_empty())
                };
                let (word, role) = match (live, none) {
                    (true, _) => ("LIVE", Role::Good),
                    (_, true) => ("STARTING", Role::Info),
                    _ => ("NO SOURCE", Role::Bad),
                };
                vec![Span::styled(word, bold(role))]
            }
            TimeBase::Demo { speed, paused } => {
                let (mark, role) = if *paused { (pause, Role::Warn) } else { (play, Role::Info) };
                vec![Span::styled(format!("DEMO {mark} {}", speed_text(Some(*speed))), bold(role))]
            }
            TimeBase::Past { end, paused, .. } => {
                let mark = if *paused { pause } else { play };
                let ago = units::seconds(end.since(world.model.now));
                vec![Span::styled(format!(" PAST {mark} {ago} ago "), theme.style(Role::Alarm))]
            }
            TimeBase::Replay { speed, paused, finished, .. } => {
                let text = match (finished, paused) {
                    (true, _) => "REPLAY end".to_owned(),
                    (_, true) => format!("REPLAY {pause} {}", speed_text(*speed)),
                    _ => format!("REPLAY {play} {}", speed_text(*speed)),
                };
                vec![Span::styled(text, bold(if *paused || *finished { Role::Warn } else { Role::Info }))]
            }
        }
    }

    /// A dot for each source, or counts of their states when there are many;
    /// and words when something is not live.
    fn source_dots(&self, world: &World<'_>) -> Option<(Vec<Span<'static>>, Option<Span<'static>>)> {
        let (theme, dots) = (&self.theme, self.symbols.dots);
        // What a pod said that is gone, and what is not offered here, is no trouble.
        let kube = &world.model.kube;
        let past = |s: &Source| {
            let gone = kube.known && s.pod.as_ref().is_some_and(|p| kube.pod(p).is_none());
            s.state == Some(SourceState::Ended) && gone || s.is_not_offered()
        };
        let sources: Vec<&Source> = world.model.sources.iter().map(|(_, s)| s).filter(|s| !past(s)).collect();
        if sources.is_empty() {
            return None;
        }
        let look = |s: Option<SourceState>| match s {
            Some(SourceState::Live) => (dots.0, Role::Good),
            Some(SourceState::Connecting) | None => (dots.1, Role::Info),
            Some(SourceState::Stale) => (dots.1, Role::Warn),
            Some(SourceState::Denied) => (dots.2, Role::Bad),
            Some(SourceState::Ended) => (dots.2, Role::Dim),
        };
        let count = |state| sources.iter().filter(|s| s.state == state).count();
        let mut spans = Vec::new();
        if sources.len() <= 10 {
            spans.extend(sources.iter().map(|s| {
                let (mark, role) = look(s.state);
                Span::styled(mark, theme.style(role))
            }));
        } else {
            for state in [SourceState::Live, SourceState::Connecting, SourceState::Stale, SourceState::Denied, SourceState::Ended] {
                let n = count(Some(state));
                if n > 0 {
                    let (mark, role) = look(Some(state));
                    spans.push(Span::styled(format!("{mark}{n} "), theme.style(role)));
                }
            }
            if let Some(last) = spans.last_mut() {
                last.content = last.content.trim_end().to_owned().into();
            }
        }
        let words = [
            (SourceState::Denied, "denied", Role::Bad),
            (SourceState::Stale, "stale", Role::Warn),
            (SourceState::Connecting, "connecting", Role::Info),
        ]
        .into_iter()
        .map(|(s, w, r)| (count(Some(s)), w, r))
        .find(|(n, ..)| *n > 0)
        .map(|(n, w, r)| Span::styled(format!("{n} {w}"), theme.style(r)));
        Some((spans, words))
    }

    /// How many critical alerts, warnings and infos fire.
    fn counts(&self, world: &World<'_>) -> [usize; 3] {
        if self.view() == Some(ViewId::Fleet) {
            return world.fleet.iter().fold([0; 3], |sum, r| std::array::from_fn(|i| sum[i] + r.counts[i]));
        }
        [Severity::Critical, Severity::Warning, Severity::Info].map(|s| world.alerts.loud().filter(|a| a.severity == s).count())
    }

    /// Whether the alerts of the top bar are at column `x`.
    pub(super) fn alerts_at(&self, frame: &Frame, x: u16, world: &World<'_>) -> bool {
        if world.alerts.firing().is_empty() {
            return false;
        }
        let (_, right) = self.top_pieces(frame.top.width, world);
        let from: u16 = right.iter().map(|p| line_width(&p.line) + 2).sum();
        let begin = (frame.top.right() + 1).saturating_sub(from);
        right.first().is_some_and(|p| (begin..begin + line_width(&p.line)).contains(&x))
    }
}

/// `✗ 2  ! 1`, or nothing.
fn alert_counts(counts: [usize; 3], symbols: &Symbols, theme: &Theme) -> Option<Vec<Span<'static>>> {
    let mut spans = Vec::new();
    for (severity, n) in [Severity::Critical, Severity::Warning, Severity::Info].into_iter().zip(counts) {
        if n > 0 {
            if !spans.is_empty() {
                spans.push(Span::raw(" "));
            }
            let role = if severity == Severity::Critical { Role::Alarm } else { alert_role(severity) };
            spans.push(Span::styled(format!(" {} {n} ", alert_mark(severity, symbols)), theme.style(role)));
        }
    }
    (!spans.is_empty()).then_some(spans)
}
