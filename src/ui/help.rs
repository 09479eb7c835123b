//! Help, made from what the views say and from the keymap.

use ratatui::text::{Line, Span};

use super::draw::{line_width, width, wrap};
use super::keymap::{self, Binding, KeyRow, Keymap};
use super::view::View;
use super::{Ctx, Role};
use crate::base::TaskType;

/// The lines about one view: what it shows, its keys, all other keys.
#[must_use]
pub fn of_view(view: &dyn View, columns: u16, ctx: &Ctx<'_>) -> Vec<Line<'static>> {
    let (mut out, keys) = (Vec::new(), ctx.symbols.keys);
    paragraphs(&mut out, view.about(), columns, ctx);
    if !view.bindings().is_empty() {
        heading(&mut out, "Keys of this view", ctx);
        key_rows(&mut out, own_rows(view.title(), view.bindings(), keys), columns, ctx);
    }
    for (title, rows) in keys.remaining(view.title(), view.bindings()) {
        heading(&mut out, title, ctx);
        key_rows(&mut out, rows, columns, ctx);
    }
    out
}

/// Everything: the program, its marks, each view, all keys.
#[must_use]
pub fn of_program(
    views: &[(&'static str, &'static [&'static str], &'static [Binding])],
    columns: u16,
    ctx: &Ctx<'_>,
) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    paragraphs(
        &mut out,
        &[
            "sp1top shows whether the proofs of a self-hosted SP1 cluster move, which worker does what, what will go wrong next, and what to \
             type to mend it. All times are UTC and come from the data.",
            "? explains the screen that you look at. : finds every view, action, theme, proof, worker and pod by a few letters of its name.",
        ],
        columns,
        ctx,
    );
    heading(&mut out, "Marks", ctx);
    let (live, late, lost) = ctx.symbols.dots;
    let (done, failed, running, pending) = ctx.symbols.marks;
    let (critical, warning, info) = ctx.symbols.alerts;
    let t = |role| ctx.theme.style(role);
    for (mark, style, words) in [
        (live, t(Role::Good), "a source or a worker that is live"),
        (late, t(Role::Warn), "late, stale, or being connected"),
        (lost, t(Role::Bad), "lost, denied or ended"),
        (done, t(Role::Good), "done"),
        (running, t(Role::Accent), "running"),
        (pending, t(Role::Dim), "not begun"),
        (failed, t(Role::Bad), "failed"),
        (critical, t(Role::Bad), "a critical alert: proofs stand still or die"),
        (warning, t(Role::Warn), "a warning: they will"),
        (info, t(Role::Info), "worth knowing"),
    ] {
        out.push(Line::from(vec![Span::raw("  "), Span::styled(mark, style), Span::styled(format!("  {words}"), t(Role::Text))]));
    }
    heading(&mut out, "Tasks, in the order of a proof's course", ctx);
    let cells: Vec<Line<'static>> = TaskType::KNOWN
        .iter()
        .map(|k| {
            Line::from(vec![
                Span::raw("  "),
                Span::styled(ctx.symbols.cell, ctx.theme.task(Some(k))),
                Span::styled(format!(" {k}"), t(Role::Text)),
            ])
        })
        .collect();
    in_columns(&mut out, &cells, 30, columns);
    for (title, about, bindings) in views {
        heading(&mut out, &capital(title), ctx);
        paragraphs(&mut out, about, columns, ctx);
        if !bindings.is_empty() {
            key_rows(&mut out, own_rows(title, bindings, ctx.symbols.keys), columns, ctx);
        }
    }
    for (title, rows) in ctx.symbols.keys.remaining("", &[]) {
        heading(&mut out, title, ctx);
        key_rows(&mut out, rows, columns, ctx);
    }
    out
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn own_rows(view: &str, bindings: &[Binding], keys: &'static Keymap) -> Vec<KeyRow> {
    bindings.iter().map(|b| (keys.of(view, b), b.what)).collect()
}

fn heading(out: &mut Vec<Line<'static>>, text: &str, ctx: &Ctx<'_>) {
    if !out.is_empty() {
        out.push(Line::default());
    }
    out.push(Line::styled(text.to_owned(), ctx.theme.style(Role::Title)));
}

fn paragraphs(out: &mut Vec<Line<'static>>, texts: &[&str], columns: u16, ctx: &Ctx<'_>) {
    for (i, p) in texts.iter().enumerate() {
        if i > 0 {
            out.push(Line::default());
        }
        let text = p.split_whitespace().collect::<Vec<_>>().join(" ");
        out.extend(wrap(&text, columns.min(92)).into_iter().map(|l| Line::styled(l, ctx.theme.style(Role::Text))));
    }
}

fn key_rows(out: &mut Vec<Line<'static>>, rows: Vec<KeyRow>, columns: u16, ctx: &Ctx<'_>) {
    const KEYS: u16 = 14;
    let lines: Vec<Line<'static>> = rows
        .into_iter()
        .map(|(keys, what)| {
            let keys = keys.iter().map(|k| keymap::label(k, ctx.symbols.unicode)).collect::<Vec<_>>().join(" ");
            let pad = usize::from(KEYS.saturating_sub(width(&keys)).max(1));
            Line::from(vec![
                Span::raw("  "),
                Span::styled(keys, ctx.theme.style(Role::Key)),
                Span::raw(" ".repeat(pad)),
                Span::styled(what.to_owned(), ctx.theme.style(Role::Text)),
            ])
        })
        .collect();
    in_columns(out, &lines, 40, columns);
}

/// Lays short lines out in up to three columns of at least `least`, downwards
/// first.
fn in_columns(out: &mut Vec<Line<'static>>, lines: &[Line<'static>], least: u16, columns: u16) {
    let n = (columns / least.max(1)).clamp(1, 3);
    let wide = (columns / n).min(least + 12);
    let n = usize::from(n);
    let height = lines.len().div_ceil(n).max(1);
    for y in 0..height {
        let mut row = Line::default();
        for x in 0..n {
            let Some(l) = lines.get(x * height + y) else { continue };
            let pad = usize::from(wide) * x;
            let used = usize::from(line_width(&row));
            row.spans.push(Span::raw(" ".repeat(pad.saturating_sub(used))));
            row.spans.extend(l.spans.iter().cloned());
        }
        if !row.spans.is_empty() {
            out.push(row);
        }
    }
}
