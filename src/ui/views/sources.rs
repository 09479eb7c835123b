//! Where the data comes from: what flows, what does not and why.

use std::borrow::Cow;
use std::cmp::Reverse;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::base::{SourceName, units};
use crate::envelope::SourceState;
use crate::event::{Component, UnreadReason};
use crate::model::{Model, Source};
use crate::ui::draw::{cut, cut_middle, line_width, put_line, width, wrap};
use crate::ui::keymap::Binding;
use crate::ui::views::common::{empty_lines, list_over_details};
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::table::{Column, Hit, Table, TableState, position};
use crate::ui::{Action, Ctx, Effect, Outcome, Role, View, ViewId};

const COLUMNS: [Column; 9] = [
    Column::text("source", 22, 22, 255).flex(1),
    Column::text("state", 13, 13, 254).falling(),
    Column::number("last data", 9, 9).rising(),
    Column::text("component", 15, 15, 6),
    Column::number("bytes", 7, 7),
    Column::number("unread", 6, 9),
    Column::number("dropped", 7, 8),
    Column::number("messages", 8, 3),
    Column::text("detail", 12, 12, 4).flex(5).falling(),
];

/// The columns with room for the whole names of what there is.
fn columns(model: &Model, room: u16) -> [Column; 9] {
    let longest = model.sources.iter().map(|(n, _)| width(n.as_str())).max().unwrap_or(0);
    let mut columns = COLUMNS;
    columns[0].min = longest.min(room / 2).max(COLUMNS[0].min);
    columns[0].want = longest.clamp(columns[0].min, 64.max(columns[0].min));
    if model.sources.iter().all(|(n, s)| said(n, s, model).is_empty()) {
        columns[8].flex = 1;
    }
    columns
}

/// What is said of a source: its own words, or what it looks after.
fn said<'a>(name: &SourceName, s: &'a Source, model: &Model) -> Cow<'a, str> {
    if !s.detail.is_empty() || name.as_str() != "kube:logs" {
        return Cow::Borrowed(&s.detail);
    }
    let logs = model.sources.iter().filter(|(n, s)| n.as_str().starts_with("log:") && s.state == Some(SourceState::Live)).count();
    Cow::Owned(format!("opens and closes the logs of pods: {} followed", units::plural(logs, "log")))
}

/// The list of sources and the details of one.
pub struct Sources {
    table: TableState<SourceName>,
}

impl Default for Sources {
    fn default() -> Self {
        Self { table: TableState::new(0) }
    }
}

/// Worse states first.
fn state_rank(s: &Source) -> u8 {
    match s.state {
        Some(SourceState::Denied) => 0,
        Some(SourceState::Stale) => 1,
        Some(SourceState::Connecting) | None => 2,
        Some(SourceState::Live) => 3,
        Some(SourceState::Ended) => 4,
    }
}

impl Sources {
    fn keys(&self, model: &Model) -> Vec<SourceName> {
        let mut list: Vec<(&SourceName, &Source)> = model.sources.iter().collect();
        match self.table.sort {
            1 => list.sort_by_key(|(_, s)| state_rank(s)),
            2 => list.sort_by_key(|(_, s)| Reverse(s.last_at)),
            3 => list.sort_by_key(|(_, s)| s.component),
            4 => list.sort_by_key(|(_, s)| Reverse(s.bytes)),
            5 => list.sort_by_key(|(_, s)| Reverse(s.unread_total())),
            6 => list.sort_by_key(|(_, s)| Reverse(s.dropped)),
            7 => list.sort_by_key(|(_, s)| Reverse(s.envelopes)),
            8 => list.sort_by(|a, b| b.1.detail.cmp(&a.1.detail)),
            _ => {}
        }
        if self.table.reverse {
            list.reverse();
        }
        list.into_iter().map(|(n, _)| n.clone()).collect()
    }
}

/// The list and, below it, the details.
fn split(area: Rect, rows: usize) -> (Rect, Rect) {
    list_over_details(area, rows, 6, (14, 55))
}

impl View for Sources {
    fn id(&self) -> ViewId {
        ViewId::Sources
    }

    fn title(&self) -> &'static str {
        "sources"
    }

    fn about(&self) -> &'static [&'static str] {
        &[
            "Where the data comes from: logs of pods and files, watches of the Kubernetes API, GetStats of the coordinator, the cluster API, \
             metrics. What this program shows is only as good as these.",
            "LAST DATA is how long ago something came; idle: it has nothing of its own to tell.",
            "Unread counts what looked like ours and could not be read: a line of a newer version, or one that was cut. Dropped counts what was \
             lost because this program could not keep up. A denied source says which permission to ask for.",
        ]
    }

    fn bindings(&self) -> &'static [Binding] {
        &[Binding { keys: &["o"], action: || Action::Own("logs"), what: "its logs", hint: false }]
    }

    fn hints(&self) -> &'static [(&'static str, &'static str)] {
        &[("enter", "its logs"), ("s", "sort")]
    }

    fn offers(&self, _keys: &str, ctx: &Ctx<'_>) -> bool {
        !ctx.model.sources.is_empty()
    }

    fn update(&mut self, action: &Action, ctx: &Ctx<'_>) -> Outcome {
        let keys = self.keys(ctx.model);
        let (list, _) = split(ctx.area, keys.len());
        let area = Panel::list(list);
        let key = |i: usize| keys[i].clone();
        let selected = self.table.locate(keys.len(), key).map(key);
        let mut outcome = Outcome::done();
        match action {
            Action::Enter | Action::Own("logs") => {
                outcome = selected.map_or(outcome, |n| Outcome::then(Action::OpenLogs(n.to_string())));
            }
            Action::Copy => {
                let text = selected.and_then(|n| ctx.model.sources.get(&n).map(|s| format!("{n} {}", s.detail)));
                outcome = text.map_or(outcome, |t| Outcome::effect(Effect::Copy(t.trim_end().to_owned())));
            }
            Action::Click(x, y) | Action::DoubleClick(x, y) => {
                let columns = columns(ctx.model, area.width);
                let table = self.table.table(&columns, keys.len(), area, key);
                let hit = self.table.click(&table, area, ctx.area.x + x, ctx.area.y + y, key);
                if let (Hit::Row(r), Action::DoubleClick(..)) = (hit, action) {
                    outcome = Outcome::then(Action::OpenLogs(key(r).to_string()));
                }
            }
            action => {
                let moved = self.table.act(action, keys.len(), Table::height(area), key);
                if !moved && !self.table.act_sort(action, &COLUMNS) {
                    return Outcome::ignored();
                }
            }
        }
        let keys = self.keys(ctx.model);
        self.table.settle(keys.len(), Table::height(area), |i| keys[i].clone());
        outcome
    }

    fn draw(&self, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let keys = self.keys(ctx.model);
        let (list, rest) = if keys.is_empty() { (ctx.area, Rect::default()) } else { split(ctx.area, keys.len()) };
        let theme = ctx.theme;
        let unread: u64 = ctx.model.sources.iter().map(|(_, s)| s.unread_total()).sum();
        let dropped: u64 = ctx.model.sources.iter().map(|(_, s)| s.dropped).sum();
        let right = format!("{} unread {} {} dropped", units::count(unread), ctx.symbols.separator, units::count(dropped));
        let value = Span::styled(keys.len().to_string(), theme.style(Role::Accent));
        let area = Panel::list(list);
        let columns = columns(ctx.model, area.width);
        let table = self.table.table(&columns, keys.len(), area, |i| keys[i].clone());
        let right = format!("{right}   {}", position(table.selected, keys.len()));
        Panel::new(Line::from(vec![Span::raw("sources "), value])).right(right.trim_end().to_owned()).focus(true).draw(list, ctx, buf);
        if keys.is_empty() {
            let how = "This program reads a Kubernetes context (--context, --namespace), the coordinator's gRPC (--coordinator-rpc), the \
                       cluster API (--cluster-rpc), and log files (--log coordinator=FILE). sp1top doctor checks each of them.";
            empty_lines(ctx, Panel::inner(list), &[("No source is open.".into(), Role::Text), (how.into(), Role::Dim)], buf);
            return;
        }
        table.draw(ctx, area, buf, |row, column, pen| {
            if let Some((n, s)) = keys.get(row).and_then(|n| ctx.model.sources.get(n).map(|s| (n, s))) {
                pen.line(&cell(n, s, column, pen.left(), ctx), columns[column].right);
            }
        });
        if let Some(name) = table.selected.map(|i| &keys[i])
            && let Some(source) = ctx.model.sources.get(name)
            && rest.height >= 3
        {
            detail(rest, name, source, ctx, buf);
        }
    }
}

fn state<'a>(s: &Source, ctx: &Ctx<'a>) -> Line<'a> {
    let dots = ctx.symbols.dots;
    let (mark, role) = match s.state {
        Some(SourceState::Live) => (dots.0, Role::Good),
        Some(SourceState::Connecting) | None => (dots.1, Role::Info),
        Some(SourceState::Stale) => (dots.1, Role::Warn),
        Some(SourceState::Denied) => (dots.2, Role::Bad),
        Some(SourceState::Ended) => (dots.2, Role::Dim),
    };
    let words = if s.is_not_offered() { "not offered" } else { s.state.map_or("opening", SourceState::as_str) };
    Line::from(vec![Span::styled(mark, ctx.theme.style(role)), Span::styled(format!(" {words}"), ctx.theme.style(role))])
}

fn cell<'a>(name: &'a SourceName, s: &'a Source, column: usize, width: u16, ctx: &Ctx<'a>) -> Line<'a> {
    let theme = ctx.theme;
    let (text, dim, warn) = (theme.style(Role::Text), theme.style(Role::Dim), theme.style(Role::Warn));
    let count = |n: u64| Line::styled(units::count(n), if n > 0 { warn } else { dim });
    match column {
        0 => Line::styled(cut_middle(name.as_str(), width, ctx.symbols.ellipsis), text),
        1 => state(s, ctx),
        // What only looks after others has no data of its own.
        2 if s.last_at.is_none() && name.as_str() == "kube:logs" => Line::styled("idle", dim),
        2 => Line::styled(s.last_at.map_or_else(|| "never".into(), |t| units::seconds(ctx.now().since(t))), dim),
        3 => Line::styled(s.component.map_or("", Component::as_str), dim),
        4 => Line::styled(units::bytes(s.bytes), dim),
        5 => count(s.unread_total()),
        6 => count(s.dropped),
        7 => Line::styled(units::count(s.envelopes), dim),
        8 => Line::styled(cut(&said(name, s, ctx.model), width, ctx.symbols.ellipsis).into_owned(), text),
        _ => Line::default(),
    }
}

/// Why something is unread, in words.
const fn reason(why: UnreadReason) -> &'static str {
    match why {
        UnreadReason::Malformed => "begins like ours but reads otherwise",
        UnreadReason::Partial => "cut lines",
        UnreadReason::TooLong => "too long",
        UnreadReason::UnknownDocument => "unknown documents",
        UnreadReason::BadMessage => "answers that do not decode",
    }
}

fn detail(area: Rect, name: &SourceName, s: &Source, ctx: &Ctx<'_>, buf: &mut Buffer) {
    let theme = ctx.theme;
    let (text, dim) = (theme.style(Role::Text), theme.style(Role::Dim));
    Panel::new(name.to_string()).draw(area, ctx, buf);
    let inner = Panel::text(area);
    let mut y = inner.y;
    let mut say = |buf: &mut Buffer, line: Line<'_>| {
        if y < inner.bottom() {
            put_line(buf, inner, inner.x, y, &line);
            y += 1;
        }
    };
    let mut head = state(s, ctx);
    if s.state_since.is_set() {
        head.spans.push(Span::styled(format!(" for {}", units::seconds(ctx.now().since(s.state_since))), dim));
    }
    if let Some(p) = &s.pod {
        head.spans.push(Span::styled(format!("   pod {p}"), dim));
    }
    let newest = s.last_data.map(|t| Span::styled(format!("newest data of {} UTC", t.date_clock()), dim));
    let fits = newest.as_ref().is_some_and(|n| line_width(&head) + 3 + width(&n.content) <= inner.width);
    if let Some(n) = newest.clone().filter(|_| fits) {
        head.spans.extend([Span::raw("   "), n]);
    }
    say(buf, head);
    if let Some(n) = newest.filter(|_| !fits) {
        say(buf, Line::from(n));
    }
    let words = said(name, s, ctx.model);
    if !words.is_empty() {
        let role = if matches!(s.state, Some(SourceState::Live)) || s.is_not_offered() { Role::Text } else { Role::Warn };
        for l in wrap(&words, inner.width) {
            say(buf, Line::styled(l, theme.style(role)));
        }
    }
    if s.dropped > 0 {
        say(buf, Line::styled(format!("{} messages were dropped because a queue was full", s.dropped), theme.style(Role::Warn)));
    }
    if s.unread.is_empty() {
        if s.bytes > 0 {
            say(buf, Line::styled("everything that looked like ours was read", dim));
        }
        return;
    }
    say(buf, Line::default());
    for (why, n) in &s.unread {
        let spans = vec![Span::styled(format!("{:>6}  ", units::count(*n)), theme.style(Role::Warn)), Span::styled(reason(*why), text)];
        say(buf, Line::from(spans));
    }
    say(buf, Line::default());
    for u in s.unread_recent.iter().rev() {
        let room = inner.width.saturating_sub(10);
        say(
            buf,
            Line::from(vec![
                Span::styled(format!("{}  ", u.at.clock()), dim),
                Span::styled(cut(&u.text, room, ctx.symbols.ellipsis).into_owned(), text),
            ]),
        );
    }
}
