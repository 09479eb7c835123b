//! The log records of all sources, merged by time.

mod index;
mod line;
mod record;
mod screen;

use std::cell::RefCell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::index::{Index, Query, Spot};
use self::line::{Prefix, source_name, wrap};
use crate::event::Level;
use crate::model::{LogEntry, Logs};
use crate::ui::keymap::Binding;
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::table::{position, scroll};
use crate::ui::{Action, Ctx, Effect, Outcome, View, ViewId};

/// The view of the logs.
pub struct LogsView {
    query: Query,
    /// Changes with the query.
    generation: u64,
    /// Stays at the end.
    follow: bool,
    /// The newest record when following was paused.
    paused_at: u64,
    wrap: bool,
    /// Columns scrolled to the right.
    across: u16,
    selected: Option<Spot>,
    top: Option<Spot>,
    /// The selected record is shown in full.
    open: bool,
    /// Lines of it that are scrolled away.
    skip: u16,
    /// A memo of what the query keeps; the screen is the same without it.
    index: RefCell<Index>,
}

impl Default for LogsView {
    fn default() -> Self {
        Self {
            query: Query::default(),
            generation: 0,
            follow: true,
            paused_at: 0,
            wrap: false,
            across: 0,
            selected: None,
            top: None,
            open: false,
            skip: 0,
            index: RefCell::default(),
        }
    }
}

/// Where things are.
struct Areas {
    /// The panel of the records.
    panel: Rect,
    /// The records.
    list: Rect,
    /// The panel of the one that is shown in full.
    record: Rect,
}

/// A wrapped record takes at most so many lines of the list.
const MOST_LINES: usize = 40;

impl LogsView {
    fn areas(&self, area: Rect) -> Areas {
        let mut panel = area;
        let mut record = Rect { height: 0, width: 0, ..area };
        if self.open && area.width >= 150 {
            let w = area.width * 2 / 5;
            panel.width -= w;
            record = Rect { x: panel.right(), width: w, ..area };
        } else if self.open && area.height >= 12 {
            let h = area.height / 2;
            panel.height -= h;
            record = Rect { y: panel.bottom(), height: h, ..area };
        } else if self.open {
            record = area;
            panel.height = 0;
        }
        Areas { panel, list: if panel.height == 0 { panel } else { Panel::list(panel) }, record }
    }

    /// Changes the query.
    fn ask(&mut self, change: impl FnOnce(&mut Query)) {
        change(&mut self.query);
        self.generation += 1;
    }

    fn refresh(&self, ctx: &Ctx<'_>) -> std::cell::Ref<'_, Index> {
        self.index.borrow_mut().refresh(&ctx.model.logs, &ctx.model.sources, &self.query, self.generation);
        self.index.borrow()
    }

    /// The selected row.
    fn at(&self, index: &Index) -> Option<usize> {
        let last = index.len().checked_sub(1)?;
        match self.selected {
            Some(spot) if !self.follow => index.find(spot),
            _ => Some(last),
        }
    }

    /// Lines that a record takes.
    fn height(&self, e: &LogEntry, room: u16) -> usize {
        if self.wrap { wrap(&e.record.text, room, MOST_LINES).len() } else { 1 }
    }

    /// The first visible row: as near to where it was as can be with row `at`
    /// visible and no emptiness at the end.
    fn first(&self, logs: &Logs, index: &Index, at: usize, list: Rect) -> usize {
        let height = usize::from(list.height);
        let rows = index.len();
        if height == 0 || rows == 0 {
            return 0;
        }
        let top = match self.top {
            Some(spot) if !self.follow => index.find(spot).unwrap_or(0),
            _ => rows,
        };
        if !self.wrap {
            return scroll(top, at, rows, height);
        }
        let room = list.width.saturating_sub(Prefix::of(list.width).width());
        // The lowest first row with which row `end` is the last one in view.
        let before = |end: usize| {
            let mut used = 0;
            let mut first = end;
            for i in (0..=end).rev() {
                used += index.get(logs, i).map_or(1, |e| self.height(e, room));
                if used > height {
                    break;
                }
                first = i;
            }
            first
        };
        top.clamp(before(at), at.max(before(at))).min(before(rows - 1).max(before(at)))
    }

    /// Selects row `to`, or the end.
    fn select(&mut self, ctx: &Ctx<'_>, to: Option<usize>, follow: bool) {
        let spot = {
            let index = self.refresh(ctx);
            let last = index.len().saturating_sub(1);
            index.spot(to.unwrap_or(last).min(last))
        };
        if self.follow && !follow {
            self.paused_at = ctx.model.logs.version();
        }
        self.follow = follow;
        if self.selected != spot {
            self.skip = 0;
        }
        self.selected = spot;
    }

    fn step(&mut self, ctx: &Ctx<'_>, by: i64) {
        let (at, last) = {
            let index = self.refresh(ctx);
            (self.at(&index), index.len().saturating_sub(1))
        };
        let Some(at) = at else { return };
        let to = i64::try_from(at).unwrap_or(i64::MAX).saturating_add(by).max(0);
        let to = usize::try_from(to).unwrap_or(usize::MAX).min(last);
        // Going down at the end does not stop following.
        let follow = self.follow && to == last;
        self.select(ctx, Some(to), follow);
    }

    /// The next or previous ERROR.
    fn error(&mut self, ctx: &Ctx<'_>, back: bool) -> Outcome {
        let found = {
            let index = self.refresh(ctx);
            let logs = &ctx.model.logs;
            let is = |i: &usize| index.get(logs, *i).is_some_and(|e| e.record.level == Level::Error);
            match self.at(&index) {
                None => None,
                Some(at) if back => (0..at).rev().find(is),
                Some(at) => (at + 1..index.len()).find(is),
            }
        };
        if found.is_some() {
            self.select(ctx, found, false);
            return Outcome::done();
        }
        let way = if back { "before" } else { "after" };
        Outcome { message: Some(format!("no ERROR {way} this one")), ..Outcome::done() }
    }

    fn next_source(&mut self, ctx: &Ctx<'_>) {
        let mut names: Vec<&str> = ctx.model.sources.iter().filter_map(|(_, s)| s.component).map(crate::event::Component::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let next = match names.iter().position(|n| *n == self.query.source) {
            Some(i) => names.get(i + 1).copied(),
            None if self.query.source.is_empty() => names.first().copied(),
            None => None,
        };
        let next = next.unwrap_or("").to_owned();
        self.ask(|q| q.source = next);
    }

    fn back(&mut self) -> Outcome {
        if self.open {
            self.open = false;
        } else if !self.query.pattern.is_empty() || self.query.pattern.invert {
            self.ask(|q| q.pattern.clear());
        } else if self.query.level.is_some() || !self.query.source.is_empty() {
            self.ask(|q| {
                q.level = None;
                q.source.clear();
            });
        } else {
            return Outcome::ignored();
        }
        Outcome::done()
    }

    /// A click; true where it hit a record.
    fn click(&mut self, ctx: &Ctx<'_>, x: u16, y: u16) -> bool {
        let list = self.areas(ctx.area).list;
        let (x, y) = (ctx.area.x.saturating_add(x), ctx.area.y.saturating_add(y));
        if !(x >= list.x && x < list.right() && y >= list.y && y < list.bottom()) {
            return false;
        }
        let to = {
            let index = self.refresh(ctx);
            let Some(at) = self.at(&index) else { return false };
            let logs = &ctx.model.logs;
            let room = list.width.saturating_sub(Prefix::of(list.width).width());
            let mut line = usize::from(y - list.y);
            let mut row = self.first(logs, &index, at, list);
            while let Some(h) = index.get(logs, row).map(|e| self.height(e, room)).filter(|h| *h <= line) {
                line -= h;
                row += 1;
            }
            (row < index.len()).then_some(row)
        };
        if to.is_some() {
            self.select(ctx, to, false);
        }
        to.is_some()
    }

    fn copy(&self, ctx: &Ctx<'_>) -> Outcome {
        let index = self.refresh(ctx);
        let entry = self.at(&index).and_then(|i| index.get(&ctx.model.logs, i));
        entry.map_or_else(Outcome::done, |e| {
            let level = e.record.level.padded().trim_start();
            Outcome::effect(Effect::Copy(format!("{} {level} {} {}", e.at, source_name(ctx.model, e), e.record.text)))
        })
    }
}

impl View for LogsView {
    fn id(&self) -> ViewId {
        ViewId::Logs
    }

    fn title(&self) -> &'static str {
        "logs"
    }

    fn about(&self) -> &'static [&'static str] {
        &[
            "The records of all logs that are read, merged by the time in them: time (UTC), level (E error, W warn, I info, D debug, T trace), \
             where from, and the text with its target dimmed. The last 20,000 are kept.",
            "What the coordinator prints every 10 s is folded away, and so is what is said of every step: ends of spans, uploads, downloads, \
             polling. v shows it; a filter finds it, except the periodic lines.",
            "The filter is a regular expression over the text, in any case unless it has a capital letter; ! keeps what does not match. While \
             it is no valid expression the last one stays in force.",
            "f stays at the end; moving away from it pauses, and the top line counts what came since. n and N go to the next and previous ERROR. L and c keep a level and a component.",
            "Enter shows a record in full, a line a field; J and K scroll it. w wraps long lines; else h and l move sideways.",
        ]
    }

    fn bindings(&self) -> &'static [Binding] {
        &[
            Binding { keys: &["f"], action: || Action::Follow, what: "follow the end, or pause", hint: false },
            Binding { keys: &["w"], action: || Action::Wrap, what: "wrap long lines", hint: false },
            Binding { keys: &["v"], action: || Action::Toggle, what: "fold or show the periodic and routine lines", hint: false },
            Binding { keys: &["L"], action: || Action::Own("level"), what: "only from this level on: info, warn, error", hint: false },
            Binding { keys: &["c"], action: || Action::Own("source"), what: "only of the next component", hint: false },
            Binding { keys: &["J"], action: || Action::Own("record-down"), what: "scroll the record down", hint: false },
            Binding { keys: &["K"], action: || Action::Own("record-up"), what: "scroll the record up", hint: false },
        ]
    }

    fn hints(&self) -> &'static [(&'static str, &'static str)] {
        if self.open {
            return &[("enter", "close"), ("J K", "scroll it"), ("n N", "errors"), ("y", "copy"), ("/", "filter")];
        }
        if self.follow {
            return &[
                ("enter", "open"),
                ("/", "filter"),
                ("n N", "errors"),
                ("f", "pause"),
                ("L", "level"),
                ("c", "component"),
                ("w", "wrap"),
            ];
        }
        &[("enter", "open"), ("/", "filter"), ("n N", "errors"), ("f", "follow"), ("L", "level"), ("c", "component"), ("w", "wrap")]
    }

    fn offers(&self, _keys: &str, ctx: &Ctx<'_>) -> bool {
        let logs = &ctx.model.logs;
        !logs.records().is_empty() || !logs.periodic().is_empty()
    }

    fn filter(&self) -> Option<&str> {
        Some(self.query.pattern.text()).filter(|t| !t.is_empty())
    }

    fn crumb(&self) -> Option<String> {
        self.open.then(|| "record".into())
    }

    fn update(&mut self, action: &Action, ctx: &Ctx<'_>) -> Outcome {
        let page = i64::from(self.areas(ctx.area).list.height.max(2) - 1);
        let outcome = match action {
            Action::Move(n) => {
                self.step(ctx, i64::from(*n));
                Outcome::done()
            }
            Action::HalfPage(n) => {
                self.step(ctx, i64::from(*n) * (page / 2).max(1));
                Outcome::done()
            }
            Action::Page(n) => {
                self.step(ctx, i64::from(*n) * page);
                Outcome::done()
            }
            Action::Top => {
                self.select(ctx, Some(0), false);
                Outcome::done()
            }
            Action::Bottom => {
                self.select(ctx, None, true);
                Outcome::done()
            }
            Action::Follow => {
                let follow = !self.follow;
                self.select(ctx, None, follow);
                Outcome::done()
            }
            Action::Wrap => {
                self.wrap = !self.wrap;
                self.across = 0;
                Outcome::done()
            }
            Action::MoveSideways(n) => {
                if !self.wrap {
                    let by = i16::try_from(n.saturating_mul(8)).unwrap_or(if *n < 0 { i16::MIN } else { i16::MAX });
                    self.across = self.across.saturating_add_signed(by);
                }
                Outcome::done()
            }
            Action::Toggle => {
                self.ask(|q| q.periodic = !q.periodic);
                Outcome::done()
            }
            Action::NextError => self.error(ctx, false),
            Action::PreviousError => self.error(ctx, true),
            Action::FilterText(text) => {
                self.ask(|q| q.pattern.set(text));
                Outcome::done()
            }
            Action::InvertFilter => {
                self.ask(|q| q.pattern.invert = !q.pattern.invert);
                Outcome::done()
            }
            Action::Own("level") => {
                self.ask(|q| {
                    q.level = match q.level {
                        None => Some(Level::Info),
                        Some(Level::Info) => Some(Level::Warn),
                        Some(Level::Warn) => Some(Level::Error),
                        Some(_) => None,
                    }
                });
                Outcome::done()
            }
            Action::Own("source") => {
                self.next_source(ctx);
                Outcome::done()
            }
            Action::Own("record-down") => {
                self.skip = self.skip.saturating_add(1).min(400);
                Outcome::done()
            }
            Action::Own("record-up") => {
                self.skip = self.skip.saturating_sub(1);
                Outcome::done()
            }
            Action::OpenLogs(text) => {
                let source = text.to_lowercase();
                self.ask(|q| *q = Query { source, periodic: q.periodic, ..Query::default() });
                self.select(ctx, None, true);
                Outcome::done()
            }
            Action::DoubleClick(x, y) if !self.click(ctx, *x, *y) => Outcome::done(),
            Action::Enter | Action::DoubleClick(..) => {
                // What is looked at must not run away.
                let at = {
                    let index = self.refresh(ctx);
                    self.at(&index)
                };
                self.open = !self.open && at.is_some();
                self.skip = 0;
                if self.open {
                    self.select(ctx, at, false);
                }
                Outcome::done()
            }
            Action::Back => self.back(),
            Action::Copy => self.copy(ctx),
            Action::Click(x, y) => {
                self.click(ctx, *x, *y);
                Outcome::done()
            }
            _ => return Outcome::ignored(),
        };
        let top = {
            let index = self.refresh(ctx);
            let list = self.areas(ctx.area).list;
            self.at(&index).and_then(|at| index.spot(self.first(&ctx.model.logs, &index, at, list)))
        };
        self.top = top;
        outcome
    }

    fn draw(&self, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let areas = self.areas(ctx.area);
        let index = self.refresh(ctx);
        let at = self.at(&index);
        if areas.panel.height > 0 {
            let panel = Panel::new(self.title_line(ctx, &index)).right(position(at, index.len())).focus(true);
            panel.legend(self.notes(ctx, &index)).draw(areas.panel, ctx, buf);
        }
        let Some(at) = at else {
            self.draw_empty(ctx, areas.list, &index, buf);
            return;
        };
        self.draw_list(ctx, areas.list, &index, at, buf);
        if areas.record.height > 0
            && let Some(e) = index.get(&ctx.model.logs, at)
        {
            record::draw(ctx, areas.record, e, self.skip, buf);
        }
    }
}
