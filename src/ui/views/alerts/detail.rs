//! One alert: cause, what was seen, what follows, what to type.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::list::Entry;
use super::severity;
use crate::alerts::Alert;
use crate::base::change::Change;
use crate::base::{ProofId, WorkerId, units};
use crate::model::Model;
use crate::ui::draw::{put_line, wrap};
use crate::ui::views::common::Title;
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::table::scroll_bar;
use crate::ui::{Ctx, Role};

/// Columns of the labels at the left.
const LABEL: u16 = 10;

/// What an alert names that has a screen of its own.
#[derive(Debug, Default)]
pub struct Concerned {
    /// A proof.
    pub proof: Option<ProofId>,
    /// A worker.
    pub worker: Option<WorkerId>,
    /// What the logs are filtered by: a pod, or a component.
    pub logs: Option<String>,
}

impl Concerned {
    /// Looks for names of this cluster in an alert's words, what it is about
    /// first.
    pub fn of(a: &Alert, model: &Model) -> Self {
        let mut out = Self::default();
        let before = a.told_before.iter().flat_map(|b| [&b.subject, &b.summary]);
        let texts = [&a.subject, &a.summary].into_iter().chain(&a.evidence).chain(&a.consequences).chain(before);
        let between = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '(' | ')' | '"' | '\'' | '[' | ']' | '/');
        for word in texts.flat_map(|t| t.split(between)).map(|w| w.trim_end_matches('.')).filter(|w| w.len() > 2) {
            if out.proof.is_none() {
                out.proof = Some(ProofId::new(word)).filter(|id| model.proofs.get(id).is_some());
            }
            if out.worker.is_none() {
                out.worker = WorkerId::read(word.as_bytes()).filter(|id| model.workers.get(id).is_some());
            }
            if out.logs.is_none() {
                let known = model.kube.pod(word).is_some() || model.sources.iter().any(|(_, s)| s.pod.as_deref() == Some(word));
                out.logs = known.then(|| word.to_owned());
            }
        }
        if out.logs.is_none() {
            let part = |w: &str| crate::event::Component::read(w).map(|_| w.to_owned());
            out.logs = a.subject.split(between).find_map(part);
        }
        out
    }
}

/// The lines of an alert, so many columns wide; the second number is the line
/// of the selected fix.
fn lines(e: &Entry<'_>, fix: usize, columns: u16, ctx: &Ctx<'_>) -> (Vec<Line<'static>>, usize) {
    let a = e.alert;
    let style = |r| ctx.theme.style(r);
    let room = columns.saturating_sub(LABEL).max(8);
    let mut out: Vec<Line<'static>> = Vec::new();
    let say = |out: &mut Vec<Line<'static>>, label: &str, text: &str, role: Role| {
        for (n, l) in wrap(text, room).into_iter().enumerate() {
            let label = format!("{:<w$}", if n == 0 { label } else { "" }, w = usize::from(LABEL));
            out.push(Line::from(vec![Span::styled(label, style(Role::Dim)), Span::styled(l, style(role))]));
        }
    };
    say(&mut out, "cause", &a.summary, Role::Text);
    let now = ctx.now();
    let told = if a.fired_at > a.since { format!("; told at {}", a.fired_at.clock()) } else { String::new() };
    let since = format!("{} UTC, {} ago{told}", a.since.date_clock(), units::seconds(now.since(a.since)));
    say(&mut out, "since", &since, Role::Text);
    if let Some(t) = e.resolved_at {
        say(&mut out, "over", &format!("{} UTC, after {}", t.date_clock(), units::seconds(t.since(a.since))), Role::Good);
    }
    for (n, t) in a.evidence.iter().enumerate() {
        if n == 0 {
            out.push(Line::default());
        }
        say(&mut out, if n == 0 { "seen" } else { "" }, t, Role::Text);
    }
    let told = |led: bool| a.told_before.iter().filter(move |b| a.led_here(b) == led).map(Alert::told_as);
    for (label, texts) in
        [("led here", told(true).collect::<Vec<_>>()), ("and so", a.consequences.iter().cloned().chain(told(false)).collect())]
    {
        for (n, t) in texts.iter().enumerate() {
            if n == 0 {
                out.push(Line::default());
            }
            say(&mut out, if n == 0 { label } else { "" }, t, Role::Warn);
        }
    }
    let mut selected = 0;
    for (n, f) in a.fix.iter().enumerate() {
        out.push(Line::default());
        if n == fix.min(a.fix.len() - 1) {
            selected = out.len();
        }
        say(&mut out, if n == 0 { "fix" } else { "or" }, &f.say, Role::Text);
        if f.run.is_empty() {
            continue;
        }
        let here = n == fix.min(a.fix.len() - 1);
        let pointer = if here { ctx.symbols.pointer } else { " " };
        let run = if here { style(Role::Accent).add_modifier(Modifier::BOLD) } else { style(Role::Accent) };
        for (i, l) in wrap(&f.run, room.saturating_sub(4)).into_iter().enumerate() {
            out.push(Line::from(vec![
                Span::raw(" ".repeat(usize::from(LABEL))),
                Span::styled(format!("{pointer} "), style(Role::Accent)),
                Span::styled(if i == 0 { "$ " } else { "  " }, style(Role::Dim)),
                Span::styled(l, run),
            ]));
        }
        if here && e.resolved_at.is_none() {
            let can = Change::of_command(&f.run).is_some();
            let keys: &[(&str, &str)] =
                if can { &[("y", "copies it"), ("x", "applies it, after a question")] } else { &[("y", "copies it")] };
            let mut spans = vec![Span::raw(" ".repeat(usize::from(LABEL) + 4))];
            for (key, what) in keys {
                spans.push(Span::styled((*key).to_owned(), style(Role::Key)));
                spans.push(Span::styled(format!(" {what}   "), style(Role::Dim)));
            }
            out.push(Line::from(spans));
        }
    }
    let found = Concerned::of(a, ctx.model);
    let names = [
        ("p", "proof", found.proof.map(|p| p.to_string())),
        ("w", "worker", found.worker.map(|w| w.short())),
        ("o", "logs of", found.logs),
    ];
    if names.iter().any(|(_, _, n)| n.is_some()) {
        out.push(Line::default());
        for (key, what, name) in names {
            let Some(name) = name else { continue };
            out.push(Line::from(vec![
                Span::styled(format!("{:<w$}", "go to", w = usize::from(LABEL)), style(Role::Dim)),
                Span::styled(key, style(Role::Key)),
                Span::styled(format!(" {what} "), style(Role::Dim)),
                Span::styled(name, style(Role::Text)),
            ]));
        }
    }
    (out, selected)
}

fn title(e: &Entry<'_>, ctx: &Ctx<'_>) -> Line<'static> {
    let a = e.alert;
    let (mark, word, role) = severity(ctx, a.severity);
    let mut t = Title::new(ctx, "")
        .add(format!("{mark} {word}"), if e.resolved_at.is_some() { Role::Dim } else { role })
        .add(format!("  {}", a.id), Role::Title);
    if !a.subject.is_empty() {
        t = t.add(format!("  {}", a.subject), Role::Text);
    }
    t.line()
}

fn right(e: &Entry<'_>) -> String {
    match e.state() {
        "seen" => "acknowledged".to_owned(),
        "firing" => String::new(),
        other => other.to_owned(),
    }
}

/// How far an alert that fills `area` can be scrolled.
pub fn most(e: &Entry<'_>, fix: usize, area: Rect, ctx: &Ctx<'_>) -> usize {
    let inner = Panel::text(area);
    lines(e, fix, inner.width, ctx).0.len().saturating_sub(usize::from(inner.height))
}

/// An alert on the whole area.
pub fn whole(e: &Entry<'_>, fix: usize, scroll: usize, area: Rect, ctx: &Ctx<'_>, buf: &mut Buffer) {
    Panel::new(title(e, ctx)).right(right(e)).focus(true).draw(area, ctx, buf);
    let inner = Panel::text(area);
    let (lines, _) = lines(e, fix, inner.width, ctx);
    let top = scroll.min(lines.len().saturating_sub(usize::from(inner.height)));
    for (y, l) in (inner.top()..inner.bottom()).zip(lines.iter().skip(top)) {
        put_line(buf, inner, inner.x, y, l);
    }
    scroll_bar(inner, top, usize::from(inner.height), lines.len(), ctx, buf);
}

/// An alert below the list, as far as there is room; the selected fix is shown
/// in any case.
pub fn below(e: &Entry<'_>, fix: usize, area: Rect, ctx: &Ctx<'_>, buf: &mut Buffer) {
    Panel::new(title(e, ctx)).right(right(e)).draw(area, ctx, buf);
    let inner = Panel::text(area);
    let (lines, selected) = lines(e, fix, inner.width, ctx);
    let height = usize::from(inner.height);
    // The cause stays; what was seen gives way to what to do.
    let skip = if lines.len() > height { selected.saturating_sub(height.saturating_sub(4)).min(lines.len() - height) } else { 0 };
    let cause = wrap(&e.alert.summary, inner.width.saturating_sub(LABEL).max(8)).len();
    let shown = lines.iter().take(cause).chain(lines.iter().skip(cause + skip));
    for (y, l) in (inner.top()..inner.bottom()).zip(shown) {
        put_line(buf, inner, inner.x, y, l);
    }
}
