//! Alerts, workers and what happened.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::alerts::Severity;
use crate::base::{WorkerKind, units};
use crate::model::{MomentKind, WorkerState};
use crate::ui::draw::{cut, put, put_line, put_right, width, wrap};
use crate::ui::views::common::old_list;
use crate::ui::widgets::gauge::gauge;
use crate::ui::widgets::panel::Panel;
use crate::ui::{Ctx, Role};

/// The worst alerts, one a line.
pub fn alerts(area: Rect, ctx: &Ctx<'_>, buf: &mut Buffer) {
    if area.is_empty() || ctx.alerts.loud().next().is_none() {
        return;
    }
    let muted = ctx.alerts.firing().len() - ctx.alerts.loud().count();
    let inner = if area.height >= 3 {
        let more = ctx.alerts.loud().count().saturating_sub(usize::from(area.height - 2));
        let mut right = "5: why and what to do".to_owned();
        for (n, word) in [(muted, "muted"), (more, "more")] {
            if n > 0 {
                right = format!("{n} {word}, {right}");
            }
        }
        Panel::new("alerts").right(right).draw(area, ctx, buf)
    } else {
        Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }
    };
    for (y, a) in (inner.top()..inner.bottom()).zip(ctx.alerts.loud()) {
        let (mark, role) = match a.severity {
            Severity::Critical => (ctx.symbols.alerts.0, Role::Bad),
            Severity::Warning => (ctx.symbols.alerts.1, Role::Warn),
            Severity::Info => (ctx.symbols.alerts.2, Role::Info),
        };
        let age = units::seconds(ctx.now().since(a.since));
        let x = put(buf, inner, inner.x, y, &format!("{mark} {}", a.id), ctx.theme.style(role));
        let room = inner.right().saturating_sub(x + 4 + width(&age));
        // Most summaries name their subject.
        let told = a.subject.is_empty() || a.summary.contains(&a.subject);
        let text = if told { a.summary.clone() } else { format!("{}: {}", a.subject, a.summary) };
        put(buf, inner, x + 2, y, &cut(&text, room, ctx.symbols.ellipsis), ctx.theme.style(Role::Text));
        put_right(buf, inner, y, &Line::styled(age, ctx.theme.style(Role::Dim)));
    }
}

/// Workers by kind and state, and the tasks that they run by type.
pub fn workers(area: Rect, ctx: &Ctx<'_>, buf: &mut Buffer) {
    if area.height < 3 || area.width < 20 {
        return;
    }
    let theme = ctx.theme;
    let workers = &ctx.model.workers;
    let unheard = workers.is_empty() && ctx.model.stats_log.is_none();
    let value = if unheard { "?".into() } else { workers.connected().count().to_string() };
    let mut title = vec![Span::raw("workers "), Span::styled(value, theme.style(Role::Accent))];
    title.extend(old_list(ctx).map(|age| Span::styled(format!("  {age}"), theme.style(Role::Warn))));
    let inner = Panel::new(Line::from(title)).draw(area, ctx, buf);
    let mut y = inner.y;
    if unheard {
        for (y, line) in
            (y..inner.bottom()).zip(wrap("The coordinator's log lists them every 10 s; nothing of it was heard yet.", inner.width))
        {
            put(buf, inner, inner.x, y, &line, theme.style(Role::Dim));
        }
        return;
    }
    for kind in [WorkerKind::Cpu, WorkerKind::Gpu, WorkerKind::All] {
        let of = |s| workers.iter().filter(|w| w.kind == Some(kind) && w.state == s).count();
        let (live, late, lost) = (of(WorkerState::Live), of(WorkerState::Late), of(WorkerState::Lost));
        if kind == WorkerKind::All && live + late + lost == 0 {
            continue;
        }
        let busy = workers.connected().filter(|w| w.kind == Some(kind) && !w.tasks.is_empty()).count();
        let mut spans = vec![Span::styled(format!("{:<5}", kind.as_str()), theme.style(Role::Dim))];
        let (dot, ..) = ctx.symbols.dots;
        let role = if live > 0 { Role::Good } else { Role::Warn };
        spans.push(Span::styled(format!("{dot} {live} live"), theme.style(role)));
        spans.push(Span::styled(format!("  {busy} busy"), theme.style(Role::Text)));
        if late > 0 {
            spans.push(Span::styled(format!("  {} {late} late", ctx.symbols.dots.1), theme.style(Role::Warn)));
        }
        if lost > 0 {
            spans.push(Span::styled(format!("  {} {lost} lost", ctx.symbols.dots.2), theme.style(Role::Dim)));
        }
        put_line(buf, inner, inner.x, y, &Line::from(spans));
        y += 1;
    }
    let mut kinds: BTreeMap<_, u64> = BTreeMap::new();
    for t in workers.connected().flat_map(|w| &w.tasks) {
        *kinds.entry(t.kind.as_ref()).or_default() += 1;
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(k, n)| (std::cmp::Reverse(*n), k.map_or(usize::MAX, crate::base::TaskType::index)));
    let most = kinds.first().map_or(1, |(_, n)| *n);
    if kinds.len() + 1 < usize::from(inner.bottom().saturating_sub(y)) {
        y += 1;
    }
    for (kind, n) in kinds {
        if y >= inner.bottom() {
            break;
        }
        let style = theme.task(kind);
        let x = put(buf, inner, inner.x, y, &format!("{} ", ctx.symbols.cell), style);
        put(buf, inner, x, y, kind.map_or("unknown", crate::base::TaskType::as_str), theme.style(Role::Text));
        let number = units::count(n);
        let from = x + 19;
        put(buf, inner, from + 4u16.saturating_sub(width(&number)), y, &number, theme.style(Role::Text));
        let bar = Rect { x: from + 5, y, width: inner.right().saturating_sub(from + 5), height: 1 };
        gauge(buf, bar, n, most, style, ctx);
        y += 1;
    }
}

/// What happened last, the newest first.
pub fn moments(area: Rect, ctx: &Ctx<'_>, buf: &mut Buffer) {
    if area.height < 3 || area.width < 16 {
        return;
    }
    let inner = Panel::new("events").draw(area, ctx, buf);
    let moments = &ctx.model.moments;
    if moments.iter().next().is_none() {
        put(
            buf,
            inner,
            inner.x,
            inner.y,
            "Nothing has happened yet: claims, completions, losses and restarts appear here.",
            ctx.theme.style(Role::Dim),
        );
        return;
    }
    let (done, failed, running, pending) = ctx.symbols.marks;
    let dots = ctx.symbols.dots;
    // Kubernetes tells late of how a container ended.
    let mut last: Vec<_> = moments.iter().rev().take(256).collect();
    last.sort_by_key(|m| std::cmp::Reverse(m.at));
    for (y, m) in (inner.top()..inner.bottom()).zip(last) {
        let (mark, role) = match m.kind {
            MomentKind::ProofClaimed => (running, Role::Info),
            MomentKind::ProofCompleted => (done, Role::Good),
            MomentKind::ProofFailed | MomentKind::TaskExhausted | MomentKind::ContainerDied | MomentKind::ApiUnreachable => {
                (failed, Role::Bad)
            }
            MomentKind::ProofCancelled => (pending, Role::Warn),
            MomentKind::WorkerJoined => (dots.0, Role::Good),
            MomentKind::WorkerLost => (dots.2, Role::Bad),
            MomentKind::CoordinatorRestarted => (ctx.symbols.alerts.1, Role::Bad),
        };
        let x = put(buf, inner, inner.x, y, &m.at.clock(), ctx.theme.style(Role::Dim));
        let x = put(buf, inner, x + 2, y, mark, ctx.theme.style(role));
        let text = cut(&m.text, inner.right().saturating_sub(x + 1), ctx.symbols.ellipsis);
        put(buf, inner, x + 1, y, &text, ctx.theme.style(if m.kind.is_bad() { Role::Text } else { Role::Dim }));
    }
}
