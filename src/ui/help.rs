//! Help, made from what the views say and from the keymap.

use ratatui::text::{Line, Span};

use super::draw::{line_width, width, wrap};
use super::keymap::{self, Binding, KeyRow, Keymap};
use super::view::View;
use super::{Action, Ctx, Role};
use crate::base::TaskType;
use crate::model::Model;

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
        let rows: Vec<KeyRow> = rows.into_iter().filter(|(_, what)| does(view, what, ctx)).collect();
        if rows.is_empty() {
            continue;
        }
        heading(&mut out, title, ctx);
        key_rows(&mut out, rows, columns, ctx);
    }
    out
}

/// False for a key by which one looks closer that this view does not know. A
/// new one of its kind is asked, before an empty cluster.
fn does(view: &dyn View, what: &str, ctx: &Ctx<'_>) -> bool {
    let mut closer = keymap::GLOBAL.iter().filter(|g| g.title == keymap::CLOSER).flat_map(|g| g.bindings);
    let Some(binding) = closer.find(|b| b.what == what) else { return true };
    if view.hints().iter().any(|(keys, _)| keys.split(' ').any(|k| binding.keys.contains(&k))) {
        return true;
    }
    let action = match (binding.action)() {
        Action::Filter | Action::InvertFilter => Action::FilterText(String::new()),
        other => other,
    };
    let model = Model::new();
    let mut fresh = super::views::all();
    let fresh = fresh.iter_mut().find(|v| v.id() == view.id());
    fresh.is_some_and(|v| v.update(&action, &Ctx { model: &model, ..*ctx }).handled)
}

/// From this width on the help is laid out in two columns.
const TWO: u16 = 160;
/// Between these.
const GAP: u16 = 4;

/// Everything: the program, its marks, each view, all keys.
#[must_use]
pub fn of_program(
    views: &[(&'static str, &'static [&'static str], &'static [Binding])],
    columns: u16,
    ctx: &Ctx<'_>,
) -> Vec<Line<'static>> {
    // Wide screens have room for two columns of groups.
    let whole = columns;
    let columns = if whole >= TWO { (whole - GAP) / 2 } else { whole };
    let mut groups: Vec<Vec<Line<'static>>> = Vec::new();
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
    groups.push(std::mem::take(&mut out));
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
    groups.push(std::mem::take(&mut out));
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
    let n = places(28, columns);
    let cells: Vec<Vec<Line<'static>>> = cells.into_iter().map(|l| vec![l]).collect();
    in_columns(&mut out, &cells, n, 30);
    groups.push(std::mem::take(&mut out));
    for (title, about, bindings) in views {
        heading(&mut out, &capital(title), ctx);
        paragraphs(&mut out, about, columns, ctx);
        if !bindings.is_empty() {
            key_rows(&mut out, own_rows(title, bindings, ctx.symbols.keys), columns, ctx);
        }
        groups.push(std::mem::take(&mut out));
    }
    for (title, rows) in ctx.symbols.keys.remaining("", &[]) {
        heading(&mut out, title, ctx);
        key_rows(&mut out, rows, columns, ctx);
        groups.push(std::mem::take(&mut out));
    }
    // A blank line before each but the first of a column.
    let n = if whole >= TWO { 2 } else { 1 };
    let half = (groups.iter().map(|g| g.len() + 1).sum::<usize>()).div_ceil(n);
    let mut stacks: Vec<Vec<&Line<'static>>> = vec![Vec::new()];
    let blank = Line::default();
    for g in &groups {
        if stacks.len() < n && stacks.last().is_some_and(|s| s.len() + g.len() / 2 > half) {
            stacks.push(Vec::new());
        }
        if let Some(s) = stacks.last_mut() {
            if !s.is_empty() {
                s.push(&blank);
            }
            s.extend(g);
        }
    }
    side_by_side(&mut out, &stacks, columns + GAP);
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
    let rows: Vec<(String, &'static str)> = rows
        .into_iter()
        .map(|(keys, what)| (keys.iter().map(|k| keymap::label(k, ctx.symbols.unicode)).collect::<Vec<_>>().join(" "), what))
        .collect();
    // As wide as the longest needs, and no wider than half.
    let longest = rows.iter().map(|(keys, what)| 2 + KEYS.max(width(keys) + 1) + width(what)).max().unwrap_or(0);
    let n = places(longest.min((columns / 2).max(40)), columns);
    let wide = columns / u16::try_from(n).unwrap_or(1);
    let items: Vec<Vec<Line<'static>>> = rows
        .into_iter()
        .map(|(keys, what)| {
            let pad = KEYS.saturating_sub(width(&keys)).max(1);
            let head = 2 + width(&keys) + pad;
            let room = wide.saturating_sub(head + u16::from(n > 1) * 2).max(8);
            wrap(what, room)
                .into_iter()
                .enumerate()
                .map(|(i, l)| {
                    if i > 0 {
                        return Line::styled(format!("{}{l}", " ".repeat(usize::from(head))), ctx.theme.style(Role::Text));
                    }
                    Line::from(vec![
                        Span::raw("  "),
                        Span::styled(keys.clone(), ctx.theme.style(Role::Key)),
                        Span::raw(" ".repeat(usize::from(pad))),
                        Span::styled(l, ctx.theme.style(Role::Text)),
                    ])
                })
                .collect()
        })
        .collect();
    in_columns(out, &items, n, wide);
}

/// How many columns of that width there is room for, at most three.
fn places(wide: u16, columns: u16) -> usize {
    usize::from(((columns + 2) / (wide + 2).max(1)).clamp(1, 3))
}

/// Lays items out in `n` columns, downwards first; an item is not torn.
fn in_columns(out: &mut Vec<Line<'static>>, items: &[Vec<Line<'static>>], n: usize, wide: u16) {
    let lines: usize = items.iter().map(Vec::len).sum();
    // The least height at which all fit side by side.
    let stacks = (lines.div_ceil(n).max(1)..).find_map(|height| {
        let mut stacks: Vec<Vec<&Line<'static>>> = vec![Vec::new()];
        for item in items {
            if stacks.last().is_some_and(|s| !s.is_empty() && s.len() + item.len() > height) {
                stacks.push(Vec::new());
            }
            if let Some(s) = stacks.last_mut() {
                s.extend(item);
            }
        }
        (stacks.len() <= n).then_some(stacks)
    });
    side_by_side(out, &stacks.unwrap_or_default(), wide);
}

fn side_by_side(out: &mut Vec<Line<'static>>, stacks: &[Vec<&Line<'static>>], wide: u16) {
    for y in 0..stacks.iter().map(Vec::len).max().unwrap_or(0) {
        let mut row = Line::default();
        for (x, stack) in (0..).zip(stacks) {
            let Some(l) = stack.get(y) else { continue };
            let pad = usize::from(wide) * x;
            let used = usize::from(line_width(&row));
            row.spans.push(Span::raw(" ".repeat(pad.saturating_sub(used))));
            row.spans.extend(l.spans.iter().map(|s| Span::styled(s.content.clone(), l.style.patch(s.style))));
        }
        out.push(row);
    }
}
