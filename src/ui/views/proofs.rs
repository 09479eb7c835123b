//! The proofs: a table of them, and one in detail.

mod detail;
mod entries;
mod held;
mod lanes;
mod list;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::detail::Detail;
use self::list::{COLUMNS, Row, col};
use super::common::{empty, status_mark};
use crate::base::ProofId;
use crate::event::ProofStatus;
use crate::ui::keymap::Binding;
use crate::ui::widgets::filter::Words;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::table::{Hit, Table, TableState, position};
use crate::ui::{Action, Ctx, Effect, Outcome, Role, View, ViewId};

/// The view of the proofs.
pub struct ProofsView {
    table: TableState<ProofId>,
    words: Words,
    detail: Option<Detail>,
}

impl Default for ProofsView {
    fn default() -> Self {
        Self { table: TableState::new(col::BEGAN), words: Words::default(), detail: None }
    }
}

/// Where things are.
struct Areas {
    /// One line: how many there are, what is filtered.
    top: Rect,
    /// The table.
    main: Rect,
    /// The stages of the selected proof, where there is room.
    preview: Rect,
}

/// The preview has room for so many types of tasks.
const PREVIEW: u16 = 10;

fn areas(area: Rect, rows: usize) -> Areas {
    let top = area.height.min(1);
    let mut main = Rect { y: area.y.saturating_add(top), height: area.height - top, ..area };
    let mut preview = Rect { height: 0, ..main };
    if main.height >= 10 {
        // What the rows do not need; two lines at least.
        let rows = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2);
        let least = if main.height >= 24 { PREVIEW + 3 } else { 2 };
        let h = main.height.saturating_sub(rows).clamp(least, PREVIEW + 3);
        main.height -= h;
        preview = Rect { y: main.bottom(), height: h, ..main };
    }
    Areas { top: Rect { height: top, ..area }, main, preview }
}

fn key(rows: &[Row<'_>], i: usize) -> ProofId {
    rows.get(i).map_or_else(|| ProofId::new(""), |r| r.proof.id.clone())
}

impl ProofsView {
    fn rows<'m>(&self, ctx: &Ctx<'m>) -> Vec<Row<'m>> {
        list::sorted(ctx.model, &self.words, self.table.sort, self.table.reverse)
    }

    fn table(&self, rows: usize, at: Option<usize>, area: Rect) -> Table<'static> {
        Table {
            columns: &COLUMNS,
            sort: Some((self.table.sort, self.table.reverse)),
            rows,
            selected: at,
            offset: self.table.offset(at, rows, Table::height(area)),
            focus: true,
        }
    }

    fn click(&mut self, ctx: &Ctx<'_>, rows: &[Row<'_>], x: u16, y: u16) {
        let Areas { top, main, .. } = areas(ctx.area, rows.len());
        let at = self.table.locate(rows.len(), |i| key(rows, i));
        let Some(y) = y.checked_sub(top.height) else { return };
        match self.table(rows.len(), at, main).hit(main, x, y) {
            Hit::Header(c) => {
                self.table.act_sort(&Action::SortBy(c), &COLUMNS);
            }
            Hit::Row(r) => self.table.select_at(r, rows.len(), |i| key(rows, i)),
            Hit::Nothing => {}
        }
    }

    fn open(&mut self, id: &ProofId, ctx: &Ctx<'_>) -> Outcome {
        if ctx.model.proofs.get(id).is_none() {
            return Outcome { message: Some(format!("proof {id} is not known any more")), ..Outcome::done() };
        }
        self.table.select(id.clone());
        self.detail = Some(Detail::new(id.clone()));
        Outcome::done()
    }
}

impl View for ProofsView {
    fn id(&self) -> ViewId {
        ViewId::Proofs
    }

    fn title(&self) -> &'static str {
        "Proofs"
    }

    fn about(&self) -> &'static [&'static str] {
        &[
            "One row a proof: those that are worked on first, then the newest. STAGE is where it is in its course: setup, execute, shards, \
             recursion, shrink, wrap; which of them there are depends on its mode.",
            "SHARDS counts ProveShard tasks that are done, of those seen so far. New ones appear while the guest executes, so the second \
             number grows. Tasks that came and went between two periodic blocks of the coordinator's log (10 s) are not counted unless a \
             node's log names them.",
            "HELD UP BY is the task that runs longest compared with what is typical of its type on this cluster, with its worker; or the task \
             that waits for a worker, with the length of the queue.",
            "LEFT is the time until the deadline. A request whose deadline passes stays pending in the API; nobody works on it any more.",
            "Enter shows one proof: its facts, its stages over time, and its tasks with their workers. There, + and - zoom, h and l move in \
             time, v shows workers instead of stages, Enter goes to the task's worker.",
        ]
    }

    fn bindings(&self) -> &'static [Binding] {
        &[
            Binding { keys: &["v"], action: || Action::Toggle, what: "detail: by stage or by worker", hint: true },
            Binding { keys: &["o"], action: || Action::Own("logs"), what: "logs of the task's pod", hint: true },
        ]
    }

    fn filter(&self) -> Option<&str> {
        Some(self.words.text()).filter(|t| !t.is_empty())
    }

    fn crumb(&self) -> Option<String> {
        self.detail.as_ref().map(|d| d.proof.to_string())
    }

    fn update(&mut self, action: &Action, ctx: &Ctx<'_>) -> Outcome {
        if let Action::OpenProof(id) = action {
            return self.open(id, ctx);
        }
        if let Some(detail) = &mut self.detail {
            if *action == Action::Back {
                self.detail = None;
                return Outcome::done();
            }
            return detail.update(action, ctx);
        }
        let list = self.rows(ctx);
        let height = Table::height(areas(ctx.area, list.len()).main);
        let selected = self.table.locate(list.len(), |i| key(&list, i)).and_then(|i| list.get(i)).map(|r| r.proof.id.clone());
        let outcome = match (action, selected) {
            (Action::Enter | Action::DoubleClick(..), Some(id)) => self.open(&id, ctx),
            (Action::Copy, Some(id)) => Outcome::effect(Effect::Copy(id.to_string())),
            (Action::Enter | Action::Copy | Action::DoubleClick(..), None) => Outcome::done(),
            (Action::Back, _) if !self.words.is_empty() || self.words.invert => {
                self.words.clear();
                Outcome::done()
            }
            (Action::FilterText(text), _) => {
                self.words.set(text);
                Outcome::done()
            }
            (Action::InvertFilter, _) => {
                self.words.invert = !self.words.invert;
                Outcome::done()
            }
            (Action::Click(x, y), _) => {
                self.click(ctx, &list, *x, *y);
                Outcome::done()
            }
            (action, _) => {
                let moved = self.table.act(action, list.len(), height, |i| key(&list, i));
                if !moved && !self.table.act_sort(action, &COLUMNS) {
                    return Outcome::ignored();
                }
                Outcome::done()
            }
        };
        let list = self.rows(ctx);
        let height = Table::height(areas(ctx.area, list.len()).main);
        self.table.settle(list.len(), height, |i| key(&list, i));
        outcome
    }

    fn draw(&self, ctx: &Ctx<'_>, buf: &mut Buffer) {
        if let Some(detail) = &self.detail {
            detail.draw(ctx, buf);
            return;
        }
        let list = self.rows(ctx);
        let Areas { top, main, preview } = areas(ctx.area, list.len());
        let at = self.table.locate(list.len(), |i| key(&list, i));
        self.top(ctx, top, list.len(), at, buf);
        if list.is_empty() {
            self.empty(ctx, main, buf);
            return;
        }
        self.table(list.len(), at, main).draw(ctx, main, buf, |r, c, pen| {
            if let Some(row) = list.get(r) {
                list::cell(ctx, row, c, pen);
            }
        });
        if let Some(row) = at.and_then(|i| list.get(i)).filter(|_| preview.height > 0) {
            detail::preview(ctx, preview, row.proof, buf);
        }
    }
}

impl ProofsView {
    fn top(&self, ctx: &Ctx<'_>, area: Rect, shown: usize, at: Option<usize>, buf: &mut Buffer) {
        let style = |r| ctx.theme.style(r);
        let mut counts = [0usize; 5];
        for p in ctx.model.proofs.iter() {
            if let Some(s) = p.status {
                counts[s as usize] += 1;
            }
        }
        let mut pen = Pen::new(buf, area, 0);
        let spot = position(at, shown);
        let room = pen.left().saturating_sub(u16::try_from(spot.len()).unwrap_or(0) + 2);
        let mut left = pen.part(room);
        for s in [ProofStatus::Running, ProofStatus::Pending, ProofStatus::Completed, ProofStatus::Failed, ProofStatus::Cancelled] {
            let n = counts[s as usize];
            if n > 0 || s == ProofStatus::Running {
                let (mark, word, role) = status_mark(ctx.symbols, Some(s));
                left.put(mark, style(role)).gap(1).put(&format!("{n} "), style(Role::Text)).put(word, style(Role::Dim)).gap(3);
            }
        }
        if !self.words.is_empty() {
            let not = if self.words.invert { "not " } else { "" };
            left.put("filter ", style(Role::Dim)).put(not, style(Role::Accent)).put(self.words.text(), style(Role::Accent));
            left.put(&format!("  {shown} of {}", ctx.model.proofs.len()), style(Role::Dim));
        }
        pen.gap(2).put(&spot, style(Role::Dim));
    }

    fn empty(&self, ctx: &Ctx<'_>, area: Rect, buf: &mut Buffer) {
        if !ctx.model.proofs.is_empty() {
            let why = format!("None of {} proofs matches '{}'.", ctx.model.proofs.len(), self.words.text());
            empty(ctx, area, &why, "Esc clears the filter.", buf);
        } else if ctx.model.stats.is_some() {
            empty(ctx, area, "The cluster is idle: no proof has been requested.", "'sp1top prove fibonacci' sends a small one.", buf);
        } else {
            empty(ctx, area, "No data of the coordinator or the API yet.", "Sources says what is connected.", buf);
        }
    }
}
