//! Where the data comes from: what flows, what does not and why.

use std::cmp::Reverse;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::base::{SourceName, units};
use crate::envelope::SourceState;
use crate::event::{Component, UnreadReason};
use crate::model::{Model, Source};
use crate::ui::draw::{cut, cut_middle, put, put_line, wrap};
use crate::ui::keymap::Binding;
use crate::ui::widgets::grid::{Column, Cursor, Grid, Sort, column_at};
use crate::ui::widgets::panel::Panel;
use crate::ui::{Action, Ctx, Effect, Outcome, Role, View, ViewId};

const COLUMNS: [Column; 9] = [
    Column::text("source", 22, 0).grows(2),
    Column::text("state", 12, 0),
    Column::number("last data", 9, 1),
    Column::text("component", 15, 4),
    Column::number("bytes", 7, 3),
    Column::number("unread", 6, 1),
    Column::number("dropped", 7, 2),
    Column::number("messages", 8, 5),
    Column::text("detail", 12, 6).grows(5),
];

/// The list of sources and the details of one.
pub struct Sources {
    cursor: Cursor<SourceName>,
    sort: Sort,
}

impl Default for Sources {
    fn default() -> Self {
        Self { cursor: Cursor::default(), sort: Sort { column: 0, reverse: false } }
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
        match self.sort.column {
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
        if self.sort.reverse {
            list.reverse();
        }
        list.into_iter().map(|(n, _)| n.clone()).collect()
    }
}

/// The list and, below it, the details.
fn split(area: Rect, rows: usize) -> (Rect, Rect) {
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(3);
    let list = if area.height >= 14 { wanted.clamp(6, area.height * 55 / 100) } else { area.height };
    (Rect { height: list, ..area }, Rect { y: area.y + list, height: area.height - list, ..area })
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
            "Unread counts what looked like ours and could not be read: a line of a newer version, or one that was cut. Dropped counts what was \
             lost because this program could not keep up. A denied source says which permission to ask for.",
        ]
    }

    fn bindings(&self) -> &'static [Binding] {
        &[]
    }

    fn hints(&self) -> &'static [(&'static str, &'static str)] {
        &[("enter", "its logs"), ("s", "sort")]
    }

    fn update(&mut self, action: &Action, ctx: &Ctx<'_>) -> Outcome {
        let keys = self.keys(ctx.model);
        let (list, _) = split(ctx.area, keys.len());
        let inner = Panel::inner(list);
        let height = usize::from(inner.height.saturating_sub(1));
        if self.sort.update(action, COLUMNS.len()) || self.cursor.update(action, &keys, height) {
            return Outcome::done();
        }
        match action {
            Action::Enter => {
                return self.cursor.selected(&keys).map_or_else(Outcome::done, |n| Outcome::then(Action::OpenLogs(n.to_string())));
            }
            Action::Copy => {
                let text = self.cursor.selected(&keys).and_then(|n| ctx.model.sources.get(n).map(|s| format!("{n} {}", s.detail)));
                return text.map_or_else(Outcome::done, |t| Outcome::effect(Effect::Copy(t.trim_end().to_owned())));
            }
            Action::Click(x, y) | Action::DoubleClick(x, y) => {
                let (x, y) = (ctx.area.x + x, ctx.area.y + y);
                if y == inner.y {
                    if let Some(c) = x.checked_sub(inner.x.saturating_sub(1)).and_then(|x| column_at(&COLUMNS, inner.width + 1, x)) {
                        self.sort.update(&Action::SortBy(c), COLUMNS.len());
                    }
                } else if y > inner.y && y < inner.bottom() {
                    let row = self.cursor.top(&keys, height) + usize::from(y - inner.y - 1);
                    if row < keys.len() {
                        self.cursor.select(&keys, row, height);
                        if matches!(action, Action::DoubleClick(..)) {
                            return Outcome::then(Action::OpenLogs(keys[row].to_string()));
                        }
                    }
                }
            }
            _ => return Outcome::ignored(),
        }
        Outcome::done()
    }

    fn draw(&self, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let keys = self.keys(ctx.model);
        let (list, rest) = split(ctx.area, keys.len());
        let theme = ctx.theme;
        let unread: u64 = ctx.model.sources.iter().map(|(_, s)| s.unread_total()).sum();
        let dropped: u64 = ctx.model.sources.iter().map(|(_, s)| s.dropped).sum();
        let right = format!("{} unread {} {} dropped", units::count(unread), ctx.symbols.separator, units::count(dropped));
        let value = Span::styled(keys.len().to_string(), theme.style(Role::Accent));
        let inner = Panel::new(Line::from(vec![Span::raw("sources "), value])).right(right).focus(true).draw(list, ctx, buf);
        if keys.is_empty() {
            let text = "No source is open. This program reads a Kubernetes context (--context, --namespace), the coordinator's gRPC \
                        (--coordinator-rpc), the cluster API (--cluster-rpc), and log files (--log coordinator=FILE). sp1top doctor checks \
                        each of them.";
            for (y, l) in (inner.top()..inner.bottom()).zip(wrap(text, inner.width)) {
                put(buf, inner, inner.x, y, &l, theme.style(Role::Dim));
            }
            return;
        }
        let height = usize::from(inner.height.saturating_sub(1));
        let wide = Rect { x: inner.x.saturating_sub(1), width: inner.width + 1, ..inner };
        let grid = Grid {
            columns: &COLUMNS,
            sort: Some(self.sort),
            rows: keys.len(),
            top: self.cursor.top(&keys, height),
            selected: self.cursor.row(&keys),
        };
        grid.draw(wide, ctx, buf, |row, column, width| {
            keys.get(row).and_then(|n| ctx.model.sources.get(n).map(|s| cell(n, s, column, width, ctx))).unwrap_or_default()
        });
        if let Some(name) = self.cursor.selected(&keys)
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
    let words = s.state.map_or("opening", SourceState::as_str);
    Line::from(vec![Span::styled(mark, ctx.theme.style(role)), Span::styled(format!(" {words}"), ctx.theme.style(role))])
}

fn cell<'a>(name: &'a SourceName, s: &'a Source, column: usize, width: u16, ctx: &Ctx<'a>) -> Line<'a> {
    let theme = ctx.theme;
    let (text, dim, warn) = (theme.style(Role::Text), theme.style(Role::Dim), theme.style(Role::Warn));
    let count = |n: u64| Line::styled(units::count(n), if n > 0 { warn } else { dim });
    match column {
        0 => Line::styled(cut_middle(name.as_str(), width, ctx.symbols.ellipsis), text),
        1 => state(s, ctx),
        2 => Line::styled(s.last_at.map_or_else(|| "never".into(), |t| units::seconds(ctx.now().since(t))), dim),
        3 => Line::styled(s.component.map_or("", Component::as_str), dim),
        4 => Line::styled(units::bytes(s.bytes), dim),
        5 => count(s.unread_total()),
        6 => count(s.dropped),
        7 => Line::styled(units::count(s.envelopes), dim),
        8 => Line::styled(cut(&s.detail, width, ctx.symbols.ellipsis), text),
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
    let inner = Panel::new(name.to_string()).draw(area, ctx, buf);
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
    if let Some(t) = s.last_data {
        head.spans.push(Span::styled(format!("   newest data of {} UTC", t.date_clock()), dim));
    }
    say(buf, head);
    if !s.detail.is_empty() {
        let role = if matches!(s.state, Some(SourceState::Live)) { Role::Text } else { Role::Warn };
        for l in wrap(&s.detail, inner.width) {
            say(buf, Line::styled(l, theme.style(role)));
        }
    }
    if s.dropped > 0 {
        say(buf, Line::styled(format!("{} messages were dropped because a queue was full", s.dropped), theme.style(Role::Warn)));
    }
    if s.unread.is_empty() {
        say(buf, Line::styled("everything that looked like ours was read", dim));
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
