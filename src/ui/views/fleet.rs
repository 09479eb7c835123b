//! Several clusters side by side: how each is, and the worst of it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::common::{empty_lines, unknown};
use crate::alerts::Severity;
use crate::base::units;
use crate::ui::draw::{cut_middle, put, put_line, put_right, tint, width, wrap};
use crate::ui::fleet::{FleetRow, Health};
use crate::ui::keymap::Binding;
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::table::{position, scroll_bar};
use crate::ui::{Action, Ctx, Effect, Outcome, Role, View, ViewId};

/// The view of all clusters.
#[derive(Default)]
pub struct Fleet {
    /// The selected cluster's name.
    selected: Option<String>,
    /// In the order of how bad they are, not of the command line.
    worst_first: bool,
}

/// A column of numbers: what it is, its width, and how soon it goes where there
/// is no room (the highest first).
struct Column {
    group: &'static str,
    name: &'static str,
    width: u16,
    rank: u8,
    value: fn(&FleetRow) -> Option<(String, Role)>,
}

fn number(n: u32) -> (String, Role) {
    (n.to_string(), if n == 0 { Role::Dim } else { Role::Text })
}

const COLUMNS: [Column; 7] = [
    Column { group: "", name: "sources", width: 9, rank: 4, value: sources },
    Column { group: "workers", name: "cpu", width: 8, rank: 2, value: |r| r.workers.map(|w| number(w.0)) },
    Column { group: "", name: "gpu", width: 6, rank: 2, value: |r| r.workers.map(|w| number(w.1)) },
    Column { group: "queue", name: "cpu", width: 8, rank: 1, value: |r| r.queues.0.map(number) },
    Column { group: "", name: "gpu", width: 6, rank: 1, value: |r| r.queues.1.map(number) },
    Column { group: "", name: "proofs", width: 8, rank: 3, value: |r| r.proofs.map(number) },
    Column { group: "", name: "age", width: 7, rank: 0, value: age },
];

fn sources(r: &FleetRow) -> Option<(String, Role)> {
    let (live, denied, all) = r.sources;
    let role = match (live == all, denied) {
        (_, 1..) => Role::Warn,
        (true, _) => Role::Dim,
        _ => Role::Text,
    };
    (all > 0).then(|| (format!("{live}/{all}"), role))
}

fn age(r: &FleetRow) -> Option<(String, Role)> {
    let age = r.age?;
    let role = match age.as_secs() {
        0..16 => Role::Dim,
        16..31 => Role::Warn,
        _ => Role::Bad,
    };
    Some((units::seconds(age), role))
}

/// The least that a cluster's name has.
const NAME: u16 = 22;
/// Beyond that, the numbers would be far from the names.
const WIDEST: u16 = 130;

/// The columns that there is room for.
fn columns(width: u16) -> Vec<&'static Column> {
    let mut out: Vec<&Column> = COLUMNS.iter().collect();
    while let Some(rank) = out.iter().map(|c| c.rank).max()
        && out.iter().map(|c| c.width).sum::<u16>() + NAME > width
    {
        out.retain(|c| c.rank != rank);
    }
    out
}

/// Where things are.
struct Parts {
    list: Rect,
    /// The rows of clusters within the list.
    rows: Rect,
    /// Lines of a cluster.
    each: u16,
    details: Rect,
}

impl Parts {
    fn new(area: Rect, clusters: usize) -> Self {
        const HEAD: u16 = 2;
        const DETAILS: u16 = 7;
        let n = u16::try_from(clusters.max(1)).unwrap_or(u16::MAX);
        let frame = 2 + HEAD;
        let wanted = |each: u16| n.saturating_mul(each).saturating_add(frame);
        let (each, details) = if wanted(3).saturating_add(DETAILS) <= area.height {
            (3, area.height - wanted(3))
        } else if wanted(2).saturating_add(DETAILS) <= area.height {
            (2, area.height - wanted(2))
        } else {
            (2, 0)
        };
        let list = Rect { height: area.height - details, ..area };
        let inner = Panel::list(list);
        let head = HEAD.min(inner.height);
        let rows = Rect { y: inner.y + head, height: inner.height - head, ..inner };
        Self { list, rows, each, details: Rect { y: list.bottom(), height: details, ..area } }
    }

    fn fit(&self) -> usize {
        usize::from(self.rows.height / self.each).max(1)
    }
}

impl Fleet {
    /// The rows as they are shown, with their places in the fleet.
    fn rows<'a>(&self, ctx: &Ctx<'a>) -> Vec<(usize, &'a FleetRow)> {
        let mut out: Vec<(usize, &FleetRow)> = ctx.fleet.iter().enumerate().collect();
        if self.worst_first {
            out.sort_by_key(|(_, r)| std::cmp::Reverse(r.health()));
        }
        out
    }

    fn at(&self, rows: &[(usize, &FleetRow)]) -> usize {
        let place = self.selected.as_ref().and_then(|s| rows.iter().position(|(_, r)| r.spot.name() == *s));
        place.unwrap_or(0)
    }

    /// The first row that is shown.
    fn top(at: usize, fit: usize, all: usize) -> usize {
        (at + 1).saturating_sub(fit).min(all.saturating_sub(fit))
    }
}

impl View for Fleet {
    fn id(&self) -> ViewId {
        ViewId::Fleet
    }

    fn title(&self) -> &'static str {
        "fleet"
    }

    fn about(&self) -> &'static [&'static str] {
        &[
            "All clusters that were given with --context, each with its namespace: how many of its sources are live, the connected CPU and GPU \
             workers, the tasks that wait for them, the active proofs, and how old the newest stats are. Below stands the worst alert that fires \
             there with its cause, or why nothing is seen of that cluster.",
            "Enter opens a cluster's dashboard, a number opens it on that view; esc at its top, or F from anywhere, comes back. All clusters go on \
             meanwhile: what happened in one while another was looked at is in its history. A cluster that cannot be opened is tried again each \
             half minute, and at once with r.",
        ]
    }

    fn bindings(&self) -> &'static [Binding] {
        &[Binding { keys: &["r"], action: || Action::Own("retry"), what: "open the cluster anew", hint: false }]
    }

    fn hints(&self) -> &'static [(&'static str, &'static str)] {
        &[("enter", "open"), ("1", "overview"), ("5", "alerts"), ("s", "worst first")]
    }

    fn update(&mut self, action: &Action, ctx: &Ctx<'_>) -> Outcome {
        let rows = self.rows(ctx);
        let Some(last) = rows.len().checked_sub(1) else { return Outcome::ignored() };
        let at = self.at(&rows);
        let parts = Parts::new(ctx.area, rows.len());
        let page = parts.fit();
        let by = |n: i32, step: usize| {
            let to = at.saturating_add_signed(isize::try_from(n).unwrap_or(0).saturating_mul(isize::try_from(step).unwrap_or(1)));
            to.min(last)
        };
        let open = |at: usize, view| Outcome::effect(Effect::OpenCluster { at: rows[at].0, view });
        let (to, outcome) = match *action {
            Action::Move(n) => (by(n, 1), Outcome::done()),
            Action::HalfPage(n) => (by(n, (page / 2).max(1)), Outcome::done()),
            Action::Page(n) => (by(n, page), Outcome::done()),
            Action::Top => (0, Outcome::done()),
            Action::Bottom => (last, Outcome::done()),
            Action::Enter => (at, open(at, None)),
            Action::Show(view) => (at, open(at, Some(view))),
            Action::Own("retry") => (at, Outcome::effect(Effect::Reopen(rows[at].0))),
            Action::Copy => {
                let r = rows[at].1;
                let text = r.alerts.first().map_or_else(|| r.spot.name(), |a| format!("{} {}: {}", r.spot.name(), a.id, a.summary));
                (at, Outcome::effect(Effect::Copy(text)))
            }
            Action::NextSort => {
                self.worst_first = !self.worst_first;
                let words = if self.worst_first { "the worst first" } else { "in the order that they were given" };
                self.selected = Some(rows[at].1.spot.name());
                return Outcome::say(words);
            }
            Action::Click(x, y) | Action::DoubleClick(x, y) => {
                let (x, y) = (ctx.area.x + x, ctx.area.y + y);
                if !parts.rows.contains((x, y).into()) {
                    return Outcome::done();
                }
                let row = Self::top(at, page, rows.len()) + usize::from((y - parts.rows.y) / parts.each);
                if row > last {
                    return Outcome::done();
                }
                (row, if matches!(action, Action::DoubleClick(..)) { open(row, None) } else { Outcome::done() })
            }
            _ => return Outcome::ignored(),
        };
        self.selected = Some(rows[to].1.spot.name());
        outcome
    }

    fn draw(&self, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let rows = self.rows(ctx);
        let (at, parts) = (self.at(&rows), Parts::new(ctx.area, rows.len()));
        let (fit, theme) = (parts.fit(), ctx.theme);
        let title = Line::from(vec![Span::raw("clusters "), Span::styled(rows.len().to_string(), theme.style(Role::Accent))]);
        let right = if rows.len() > fit { position(Some(at), rows.len()) } else { String::new() };
        Panel::new(title).right(right).focus(true).draw(parts.list, ctx, buf);
        if rows.is_empty() {
            empty_lines(ctx, Panel::inner(parts.list), &[("There is no cluster here.".into(), Role::Text)], buf);
            return;
        }
        let table = Rect { width: parts.rows.width.min(WIDEST), ..parts.rows };
        let columns = columns(table.width.saturating_sub(2));
        let first = rows.first().map(|(_, r)| &r.spot.namespace);
        let alike = rows.iter().all(|(_, r)| Some(&r.spot.namespace) == first);
        // Beside the mark and a space on both sides of it.
        let room = table.width.saturating_sub(3 + columns.iter().map(|c| c.width).sum::<u16>());
        let short = alike && rows.iter().any(|(_, r)| width(&r.spot.name()) > room);
        head(Rect { y: Panel::list(parts.list).y, height: table.y - Panel::list(parts.list).y, ..table }, &columns, ctx, buf);
        let top = Self::top(at, fit, rows.len());
        for (n, (_, row)) in rows.iter().enumerate().skip(top).take(fit) {
            let y = parts.rows.y + u16::try_from(n - top).unwrap_or(0) * parts.each;
            let lines = 2.min(parts.rows.bottom().saturating_sub(y));
            if n == at {
                tint(buf, Rect { y, height: lines, ..parts.rows }, theme.style(Role::Selected));
                for y in y..y + lines {
                    put(buf, parts.rows, parts.rows.x, y, ctx.symbols.pointer, theme.style(Role::Accent));
                }
            }
            numbers(Rect { y, height: 1, ..table }, row, short, &columns, ctx, buf);
            if lines == 2 {
                let cause = Rect { x: parts.rows.x + 3, y: y + 1, width: parts.rows.width.saturating_sub(3), height: 1 };
                let mut line = cause_of(row, ctx);
                let more = row.counts.iter().sum::<usize>().saturating_sub(1);
                let more = if more > 0 && row.plight.is_none() { format!("  +{more} more") } else { String::new() };
                let room = cause.width.saturating_sub(width(&more));
                shorten(&mut line, room, ctx.symbols.ellipsis);
                let x = put_line(buf, cause, cause.x, cause.y, &line);
                put(buf, cause, x, cause.y, &more, theme.style(Role::Dim));
            }
        }
        let bar = Panel::inner(parts.list);
        scroll_bar(Rect { y: parts.rows.y, height: parts.rows.height, ..bar }, top, fit, rows.len(), ctx, buf);
        if let Some((_, row)) = rows.get(at).filter(|_| parts.details.height > 0) {
            details(parts.details, row, ctx, buf);
        }
    }
}

fn head(area: Rect, columns: &[&Column], ctx: &Ctx<'_>, buf: &mut Buffer) {
    let style = ctx.theme.style(Role::Header);
    let wide: u16 = columns.iter().map(|c| c.width).sum();
    let mut x = area.right().saturating_sub(wide);
    put(buf, area, area.x + 3, area.y + 1, "cluster", style);
    for c in columns {
        let cell = Rect { x, width: c.width, ..area };
        // Over both of its columns.
        put_right(buf, Rect { width: c.width + 6, ..cell }, area.y, &Line::styled(c.group, style));
        put_right(buf, cell, area.y + 1, &Line::styled(c.name, style));
        x += c.width;
    }
}

/// The mark and role of a cluster's health.
const fn mark(ctx: &Ctx<'_>, health: Health) -> (&'static str, Role) {
    let (dots, alerts) = (ctx.symbols.dots, ctx.symbols.alerts);
    match health {
        Health::Good => (dots.0, Role::Good),
        Health::Connecting => (dots.1, Role::Info),
        Health::Old => (dots.1, Role::Warn),
        Health::Warning => (alerts.1, Role::Warn),
        Health::Critical => (alerts.0, Role::Bad),
        Health::Unreachable => (dots.2, Role::Bad),
    }
}

/// The name and numbers of one. `short`: there is no room for all names, and the
/// context alone tells each from the others.
fn numbers(area: Rect, row: &FleetRow, short: bool, columns: &[&Column], ctx: &Ctx<'_>, buf: &mut Buffer) {
    let theme = ctx.theme;
    let wide: u16 = columns.iter().map(|c| c.width).sum();
    let (symbol, role) = mark(ctx, row.health());
    let mut pen = Pen::new(buf, area, 0);
    pen.gap(1).put(symbol, theme.style(role)).gap(1);
    let room = pen.left().saturating_sub(wide);
    let mut name = row.spot.name();
    if short {
        name = row.spot.context.clone().unwrap_or(name);
    }
    let name = cut_middle(&name, room, ctx.symbols.ellipsis);
    pen.part(room).put(&name, theme.style(Role::Title));
    for c in columns {
        let (text, role) = (c.value)(row).unwrap_or_else(|| (unknown(ctx).to_owned(), Role::Faint));
        pen.part(c.width).right(&text, theme.style(role));
    }
}

/// What is worst about a cluster, in one line.
fn cause_of(row: &FleetRow, ctx: &Ctx<'_>) -> Line<'static> {
    let theme = ctx.theme;
    if let Some(p) = &row.plight {
        return Line::from(vec![
            Span::styled(format!("{}: ", p.what), theme.style(Role::Bad)),
            Span::styled(p.found.clone(), theme.style(Role::Text)),
        ]);
    }
    if let Some(a) = row.alerts.first() {
        let (_, role) = severity(a.severity, ctx);
        return Line::from(vec![
            Span::styled(format!("{}  ", a.id), theme.style(role)),
            Span::styled(a.summary.clone(), theme.style(Role::Text)),
        ]);
    }
    if let Some(t) = &row.trouble {
        let old = Span::styled("what is known is old: ", theme.style(Role::Warn));
        return Line::from(vec![old, Span::styled(t.clone(), theme.style(Role::Text))]);
    }
    let (words, role) = match row.health() {
        Health::Connecting => ("connecting: no stats of the coordinator yet", Role::Info),
        Health::Old => ("no alert fires, but what is known is old", Role::Warn),
        _ => ("no alert fires", Role::Dim),
    };
    Line::styled(words, theme.style(role))
}

const fn severity(s: Severity, ctx: &Ctx<'_>) -> (&'static str, Role) {
    let marks = ctx.symbols.alerts;
    match s {
        Severity::Critical => (marks.0, Role::Bad),
        Severity::Warning => (marks.1, Role::Warn),
        Severity::Info => (marks.2, Role::Info),
    }
}

/// Cuts a line of several styles.
fn shorten(line: &mut Line<'static>, room: u16, ellipsis: &str) {
    let mut left = room;
    for s in &mut line.spans {
        let short = crate::ui::draw::cut(&s.content, left, ellipsis).into_owned();
        left = left.saturating_sub(crate::ui::draw::width(&short));
        s.content = short.into();
    }
}

/// All alerts of the selected cluster, or what to try.
fn details(area: Rect, row: &FleetRow, ctx: &Ctx<'_>, buf: &mut Buffer) {
    let theme = ctx.theme;
    let style = |role| theme.style(role);
    Panel::new(row.spot.name()).draw(area, ctx, buf);
    let inner = Panel::text(area);
    let mut lines: Vec<(String, Style)> = Vec::new();
    let mut say = |text: &str, role: Role, indent: &str| {
        for (n, l) in wrap(text, inner.width.saturating_sub(u16::try_from(indent.len()).unwrap_or(0)).min(WIDEST)).into_iter().enumerate() {
            lines.push((if n == 0 { l } else { format!("{indent}{l}") }, style(role)));
        }
    };
    if let Some(p) = &row.plight {
        say(&format!("{}.", p.what), Role::Bad, "");
        say(&p.found, Role::Text, "");
        for (why, run) in &p.tries {
            say(&format!("{why}: {run}"), Role::Dim, "    ");
        }
    } else if row.alerts.is_empty() {
        let (live, denied, all) = row.sources;
        say(&format!("No alert fires. {live} of {all} sources are live, {denied} refused."), Role::Dim, "");
    }
    for a in row.alerts.iter().filter(|_| row.plight.is_none()) {
        let (mark, role) = severity(a.severity, ctx);
        say(&format!("{mark} {} {}", a.id, a.subject), role, "  ");
        say(&format!("  {}", a.summary), Role::Text, "  ");
    }
    let fit = usize::from(inner.height);
    let hidden = lines.len().saturating_sub(fit);
    for ((text, look), y) in lines.iter().zip(inner.top()..inner.bottom()) {
        put(buf, inner, inner.x, y, text, *look);
    }
    if hidden > 0 {
        let words = format!(" enter shows all {} ", row.counts.iter().sum::<usize>());
        let edge = Rect { y: area.bottom() - 1, height: 1, width: area.width.saturating_sub(2), ..area };
        put_right(buf, edge, edge.y, &Line::styled(words, style(Role::Dim)));
    }
}
