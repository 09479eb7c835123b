//! The proofs: a table of them, and one in detail.

mod detail;
mod entries;
mod held;
mod lanes;
mod list;
mod ours;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use self::detail::Detail;
pub(super) use self::entries::outcome_mark;
use self::list::{COLUMNS, Row, col};
use super::common::{Title, empty, status_mark};
use crate::base::ProofId;
use crate::event::ProofStatus;
use crate::ui::draw::put;
use crate::ui::keymap::Binding;
use crate::ui::widgets::filter::Words;
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::table::{Hit, Table, TableState, position};
use crate::ui::{Action, Ctx, Effect, Outcome, Role, View, ViewId};

/// The view of the proofs.
pub struct ProofsView {
    table: TableState<ProofId>,
    words: Words,
    detail: Option<Detail>,
    /// The cursor was put on a proof that may not be there yet.
    follows: bool,
}

impl Default for ProofsView {
    fn default() -> Self {
        Self { table: TableState::new(col::BEGAN), words: Words::default(), detail: None, follows: false }
    }
}

/// Where things are.
struct Areas {
    /// The panel of the table.
    panel: Rect,
    /// The table.
    main: Rect,
    /// The panel of the selected proof's stages, where there is room.
    preview: Rect,
}

/// The preview has room for so many types of tasks, with all around them.
const PREVIEW: u16 = 10 + 4;

fn areas(area: Rect, rows: usize) -> Areas {
    let mut panel = area;
    let mut preview = Rect { height: 0, ..area };
    if area.height >= 14 && rows > 0 {
        // What the rows do not need; one line in a border at least.
        let rows = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(3);
        let least = if area.height >= 26 { PREVIEW } else { 3 };
        let h = area.height.saturating_sub(rows.max(6)).clamp(least, PREVIEW.max(area.height / 2));
        panel.height -= h;
        preview = Rect { y: panel.bottom(), height: h, ..area };
    }
    Areas { panel, main: Panel::list(panel), preview }
}

fn key(rows: &[Row<'_>], i: usize) -> ProofId {
    rows.get(i).map_or_else(|| ProofId::new(""), |r| r.proof.id.clone())
}

impl ProofsView {
    fn rows<'m>(&self, ctx: &Ctx<'m>) -> Vec<Row<'m>> {
        list::sorted(ctx.model, &self.words, self.table.sort, self.table.reverse)
    }

    /// A click; true where it hit a proof.
    fn click(&mut self, ctx: &Ctx<'_>, rows: &[Row<'_>], x: u16, y: u16) -> bool {
        let Areas { main, .. } = areas(ctx.area, rows.len());
        let table = self.table.table(&COLUMNS, rows.len(), main, |i| key(rows, i));
        let hit = self.table.click(&table, main, ctx.area.x.saturating_add(x), ctx.area.y.saturating_add(y), |i| key(rows, i));
        matches!(hit, Hit::Row(_))
    }

    /// The proof that the cursor is for, while the cluster does not list it.
    fn awaited(&self, ctx: &Ctx<'_>) -> Option<&ProofId> {
        self.table.selected().filter(|id| self.follows && ctx.model.proofs.get(id).is_none())
    }

    /// Puts the cursor on a proof, which may come only later.
    fn follow(&mut self, id: &ProofId, ctx: &Ctx<'_>) -> Outcome {
        self.detail = None;
        // It is not to be hidden by what was looked for before.
        self.words.clear();
        self.words.invert = false;
        self.table.select(id.clone());
        self.follows = true;
        let list = self.rows(ctx);
        let height = Table::height(areas(ctx.area, list.len()).main);
        self.table.settle(list.len(), height, |i| key(&list, i));
        Outcome::done()
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
        "proofs"
    }

    fn about(&self) -> &'static [&'static str] {
        &[
            "One row a proof: those that are worked on first, then the newest. STAGE is where it is in its course: setup, execute, shards, \
             recursion, shrink, wrap; which of them there are depends on its mode.",
            "SHARDS counts ProveShard tasks that are done, of those seen so far. New ones appear while the guest executes, so the second \
             number grows. Tasks that came and went between two periodic blocks of the coordinator's log (10 s) are not counted unless a \
             node's log names them.",
            "RUN counts the tasks that run now. ELAPSED counts from the request, or, where the API is not read, from the claim. RETRY counts the \
             tasks that the coordinator gave out again.",
            "HELD UP BY is the task that runs longest compared with what is typical of its type on this cluster, with its worker; or the task \
             that waits for a worker, with the length of the queue.",
            "ENDS IN is a range: by the tasks that are left and the rate at which they end, by how long the last stages usually take, or by earlier \
             proofs of that mode; none where nothing tells. DEADLINE is the time until it passes. A request whose deadline passes stays pending in the API; nobody works on it any more.",
            "Enter shows one proof: its facts, its stages over time, and its tasks with their workers. There, + and - zoom, h and l move in \
             time, v shows workers instead of stages, Enter goes to the task's worker. TYPICAL is the median time of that type of task on this \
             cluster, OF TYPICAL a task's time as a multiple of it; CLAIMS is how often the coordinator took the proof up.",
        ]
    }

    fn bindings(&self) -> &'static [Binding] {
        &[
            Binding { keys: &["v"], action: || Action::Toggle, what: "one proof by stage or by worker", hint: false },
            Binding { keys: &["x"], action: || Action::Own("cancel"), what: "cancel the proof; asks first", hint: false },
            Binding { keys: &["o"], action: || Action::Own("logs"), what: "logs of the task's pod", hint: false },
        ]
    }

    fn hints(&self) -> &'static [(&'static str, &'static str)] {
        match &self.detail {
            Some(d) if d.by_worker => {
                &[("enter", "the task's worker"), ("v", "by stage"), ("+ -", "zoom"), ("h l", "in time"), ("o", "logs")]
            }
            Some(_) => &[("enter", "the task's worker"), ("v", "by worker"), ("+ -", "zoom"), ("h l", "in time"), ("o", "logs")],
            None => &[("enter", "open"), ("/", "filter"), ("s", "sort"), ("y", "copy its id"), ("p", "send one"), ("x", "cancel")],
        }
    }

    fn offers(&self, keys: &str, ctx: &Ctx<'_>) -> bool {
        match keys {
            "p" => ctx.time.is_now(),
            "x" if !ctx.time.is_now() => false,
            "/" => !ctx.model.proofs.is_empty(),
            _ => self.detail.is_some() || !self.rows(ctx).is_empty(),
        }
    }

    fn filter(&self) -> Option<&str> {
        Some(self.words.text()).filter(|t| !t.is_empty())
    }

    fn crumb(&self) -> Option<String> {
        self.detail.as_ref().map(|d| d.proof.to_string())
    }

    fn update(&mut self, action: &Action, ctx: &Ctx<'_>) -> Outcome {
        let (ctx, _) = &ours::split(ctx);
        if let Action::OpenProof(id) = action {
            return self.open(id, ctx);
        }
        if let Action::FollowProof(id) = action {
            return self.follow(id, ctx);
        }
        if let Some(detail) = &mut self.detail {
            if *action == Action::Back {
                self.detail = None;
                return Outcome::done();
            }
            if *action == Action::Own("cancel") {
                return Outcome::then(Action::CancelProof(detail.proof.clone()));
            }
            return detail.update(action, ctx);
        }
        let list = self.rows(ctx);
        let height = Table::height(areas(ctx.area, list.len()).main);
        let awaited = self.awaited(ctx).cloned();
        let selected = self.table.locate(list.len(), |i| key(&list, i)).and_then(|i| list.get(i)).map(|r| r.proof.id.clone());
        // No other proof is meant meanwhile.
        let selected = selected.filter(|_| awaited.is_none());
        let outcome = match (action, selected) {
            (Action::DoubleClick(x, y), Some(id)) => {
                if self.click(ctx, &list, *x, *y) {
                    self.open(&id, ctx)
                } else {
                    Outcome::done()
                }
            }
            (Action::Enter, Some(id)) => self.open(&id, ctx),
            (Action::Copy, Some(id)) => Outcome::effect(Effect::Copy(id.to_string())),
            (Action::Own("cancel"), Some(id)) => Outcome::then(Action::CancelProof(id)),
            (Action::Copy, None) if awaited.is_some() => {
                Outcome::effect(Effect::Copy(awaited.map(|id| id.to_string()).unwrap_or_default()))
            }
            (Action::Enter | Action::Own("cancel"), None) if awaited.is_some() => {
                Outcome { message: awaited.map(|id| format!("the cluster does not list {id} yet")), ..Outcome::done() }
            }
            (Action::Enter | Action::Copy | Action::DoubleClick(..) | Action::Own("cancel"), None) => Outcome::done(),
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
                self.follows &= !matches!(action, Action::Move(_) | Action::HalfPage(_) | Action::Page(_) | Action::Top | Action::Bottom);
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
        let (ctx, sent) = &ours::split(ctx);
        ours::draw(ctx, *sent, buf);
        if let Some(detail) = &self.detail {
            detail.draw(ctx, buf);
            return;
        }
        let list = self.rows(ctx);
        let Areas { panel, main, preview } = areas(ctx.area, list.len());
        let mut table = self.table.table(&COLUMNS, list.len(), main, |i| key(&list, i));
        let awaited = self.awaited(ctx);
        table.selected = table.selected.filter(|_| awaited.is_none());
        let spot = position(table.selected, list.len());
        Panel::new(self.title_line(ctx, list.len())).right(spot).focus(true).draw(panel, ctx, buf);
        if list.is_empty() {
            self.empty(ctx, main, buf);
            return;
        }
        table.draw(ctx, main, buf, |r, c, pen| {
            if let Some(row) = list.get(r) {
                list::cell(ctx, row, c, pen);
            }
        });
        if let Some(row) = table.selected.and_then(|i| list.get(i)).filter(|_| preview.height > 0) {
            detail::preview(ctx, preview, row.proof, buf);
        }
        if let Some(id) = awaited.filter(|_| preview.height > 0) {
            let inner = Panel::new(id.to_string()).draw(preview, ctx, buf);
            put(buf, inner, inner.x, inner.y, "On its way: the cluster does not list it yet.", ctx.theme.style(Role::Dim));
        }
    }
}

impl ProofsView {
    fn title_line(&self, ctx: &Ctx<'_>, shown: usize) -> Line<'static> {
        let all = &ctx.model.proofs;
        let mut title = Title::new(ctx, "proofs").count(shown, all.len()).inverted(self.words.invert);
        for s in [ProofStatus::Running, ProofStatus::Pending, ProofStatus::Completed, ProofStatus::Failed, ProofStatus::Cancelled] {
            let n = all.iter().filter(|p| p.status == Some(s)).count();
            if n > 0 {
                let (mark, word, role) = status_mark(ctx.symbols, Some(s));
                title = title.fact((mark, role), n, word);
            }
        }
        title.line()
    }

    fn empty(&self, ctx: &Ctx<'_>, area: Rect, buf: &mut Buffer) {
        if !ctx.model.proofs.is_empty() {
            let why = format!("None of {} proofs matches '{}'.", ctx.model.proofs.len(), self.words.text());
            empty(ctx, area, &why, "Esc clears the filter.", buf);
        } else if ctx.model.stats.is_some() {
            empty(
                ctx,
                area,
                "The cluster is idle: no proof has been requested.",
                "p, or 'sp1top prove fibonacci', sends a small one.",
                buf,
            );
        } else {
            empty(ctx, area, "No data of the coordinator or the API yet.", "Sources says what is connected.", buf);
        }
    }
}
