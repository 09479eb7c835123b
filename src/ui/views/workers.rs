//! The workers and what each of them does: as rows, or all on one screen.

mod detail;
mod list;
mod map;
mod rows;
pub mod weights;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use self::list::{COLUMNS, GROUPS, Row, col, key};
use self::weights::weights;
use super::common::{Title, letter, old_list, proof_letter, state_mark};
use crate::base::{TaskId, TaskType, WorkerId};
use crate::model::WorkerState;
use crate::ui::keymap::Binding;
use crate::ui::widgets::filter::Words;
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::pen::middle;
use crate::ui::widgets::table::{Hit, Table, TableState, position};
use crate::ui::{Action, Ctx, Effect, Outcome, Role, View, ViewId};

/// What the cells show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paint {
    /// The type of the task (on the map: of most of its tasks).
    Type,
    /// The proof.
    Proof,
    /// How full the worker is (the map only).
    Load,
    /// Live, late or lost (the map only).
    State,
}

/// The view of the workers.
pub struct WorkersView {
    table: TableState<WorkerId>,
    tasks: TableState<TaskId>,
    words: Words,
    paint: Paint,
    /// All on one screen.
    map: bool,
    /// The first visible row of the map.
    map_top: usize,
    /// The tasks of the selected worker have the keys.
    open: bool,
}

impl Default for WorkersView {
    fn default() -> Self {
        Self {
            table: TableState::new(col::TYPE),
            tasks: TableState::new(0),
            words: Words::default(),
            paint: Paint::Type,
            map: false,
            map_top: 0,
            open: false,
        }
    }
}

/// Where things are.
struct Areas {
    /// The panel of rows or map.
    panel: Rect,
    /// Rows or map.
    main: Rect,
    /// The panel of the selected worker.
    detail: Rect,
}

impl WorkersView {
    fn areas(&self, area: Rect, rows: usize) -> Areas {
        let mut panel = area;
        let mut detail = Rect { height: 0, width: 0, ..area };
        if rows == 0 {
            // Then the whole says why.
        } else if area.width >= 170 && !self.map && rows > usize::from(area.height / 2) {
            let w = (area.width / 3).min(88);
            detail = Rect { x: area.right() - w, width: w, ..area };
            panel.width -= w;
        } else if area.height >= 16 {
            let h = match (self.open, self.map) {
                (true, _) => area.height / 2,
                (false, true) => (area.height / 4).clamp(6, 13),
                // What the rows do not need, and a third at least.
                (false, false) => {
                    let rows = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(3);
                    (area.height / 3).clamp(7, 17).max(area.height.saturating_sub(rows.max(6)))
                }
            };
            panel.height -= h;
            detail = Rect { y: panel.bottom(), height: h, ..area };
        } else if self.open {
            detail = area;
            panel.height = 0;
        }
        Areas { panel, main: if panel.height == 0 { panel } else { Panel::list(panel) }, detail }
    }

    fn rows<'m>(&self, ctx: &Ctx<'m>) -> (Vec<Row<'m>>, [usize; GROUPS.len()]) {
        let weights = weights(ctx.model);
        if self.map {
            return list::mapped(ctx.model, &self.words, &weights);
        }
        (list::sorted(ctx.model, &self.words, &weights, self.table.sort, self.table.reverse), [0; GROUPS.len()])
    }

    /// Moves the cursor on the map. False for other actions.
    fn act_map(&mut self, action: &Action, ctx: &Ctx<'_>, rows: &[Row<'_>], sizes: &[usize]) -> bool {
        let area = self.areas(ctx.area, rows.len()).main;
        let map = map::map(area, sizes);
        let Some(at) = self.table.locate(rows.len(), |i| key(rows, i)) else { return false };
        let page = i64::from(area.height.max(2) - 1);
        let to = match action {
            Action::Move(n) => map.down(at, i64::from(*n)),
            Action::HalfPage(n) => map.down(at, i64::from(*n) * (page / 2).max(1)),
            Action::Page(n) => map.down(at, i64::from(*n) * page),
            Action::MoveSideways(n) => at.saturating_add_signed(isize::try_from(*n).unwrap_or(0)),
            Action::Top => 0,
            Action::Bottom => usize::MAX,
            _ => return false,
        };
        self.table.select_at(to, rows.len(), |i| key(rows, i));
        self.map_top = map::offset(&map, self.map_top, Some(to.min(rows.len() - 1)), area.height);
        true
    }

    /// A click; true where it hit a worker or a task.
    fn click(&mut self, ctx: &Ctx<'_>, rows: &[Row<'_>], sizes: &[usize], x: u16, y: u16) -> bool {
        let areas = self.areas(ctx.area, rows.len());
        let (x, y) = (ctx.area.x.saturating_add(x), ctx.area.y.saturating_add(y));
        let inside = |r: Rect| x >= r.x && x < r.right() && y >= r.y && y < r.bottom();
        let at = self.table.locate(rows.len(), |i| key(rows, i));
        if inside(areas.detail) {
            if let Some(row) = at.and_then(|i| rows.get(i)) {
                let below = detail::task_area(row, areas.detail);
                let tasks = detail::tasks(row);
                let table = detail::table(&self.tasks, &tasks, self.open, below);
                if inside(below)
                    && let Hit::Row(r) = table.hit(below, x - below.x, y - below.y)
                {
                    self.open = true;
                    self.tasks.select_at(r, tasks.len(), |i| tasks[i].task.clone());
                    return true;
                }
            }
        } else if inside(areas.main) {
            self.open = false;
            if self.map {
                let (dx, dy) = (x - areas.main.x, y - areas.main.y);
                let map = map::map(areas.main, sizes);
                let first = map::offset(&map, self.map_top, at, areas.main.height);
                if let Some(n) = dx.checked_sub(map::MARGIN).and_then(|dx| map.at(dx, first + usize::from(dy))) {
                    self.table.select_at(n, rows.len(), |i| key(rows, i));
                    return true;
                }
                return false;
            }
            let columns = list::columns_of(rows);
            let table = rows::table(self, &columns, rows, areas.main);
            let hit = self.table.click(&table, areas.main, x, y, |i| key(rows, i));
            return matches!(hit, Hit::Row(_));
        }
        false
    }

    fn enter(&mut self, row: Option<&Row<'_>>) -> Outcome {
        let Some(row) = row else { return Outcome::done() };
        self.table.select(row.worker.id.clone());
        if self.map {
            // Drills down to its row.
            self.map = false;
            if !matches!(self.paint, Paint::Type | Paint::Proof) {
                self.paint = Paint::Type;
            }
            return Outcome::done();
        }
        if self.open {
            let tasks = detail::tasks(row);
            let at = self.tasks.locate(tasks.len(), |i| tasks[i].task.clone());
            return at.map_or_else(Outcome::done, |i| Outcome::then(Action::OpenProof(tasks[i].proof.clone())));
        }
        self.open = true;
        Outcome::done()
    }

    fn back(&mut self) -> Outcome {
        if self.open {
            self.open = false;
        } else if !self.words.is_empty() || self.words.invert {
            self.words.clear();
        } else if self.map {
            self.map = false;
        } else {
            return Outcome::ignored();
        }
        Outcome::done()
    }

    fn open_worker(&mut self, id: &WorkerId, ctx: &Ctx<'_>) -> Outcome {
        let Some(w) = ctx.model.workers.get(id) else {
            return Outcome { message: Some(format!("worker {} is not known any more", id.short())), ..Outcome::done() };
        };
        if !list::keeps(&self.words, w) {
            self.words.clear();
        }
        self.map = false;
        self.table.select(id.clone());
        Outcome::done()
    }
}

impl View for WorkersView {
    fn id(&self) -> ViewId {
        ViewId::Workers
    }

    fn title(&self) -> &'static str {
        "workers"
    }

    fn about(&self) -> &'static [&'static str] {
        &[
            "One row a worker: its state, what it takes, the pod that it seems to be, how full it is and what it runs. A letter is a task: \
             C Controller, S SetupVkey, E CoreExecute, P ProveShard, D RecursionDeferred, R RecursionReduce, W ShrinkWrap, K PlonkWrap, \
             G Groth16Wrap, X ExecuteOnly. c turns the letters and colours to proofs, to load, to state, and back to types.",
            "LOAD is weight, not percent: the sum of what its tasks weigh, and what it can take, in GB. A maximum is known only where all \
             workers of its type have the same.",
            "RUN counts its tasks, OLDEST is how long the first of them runs: since its node's log names it, else since the coordinator lists it. \
             DONE counts the tasks that ended on it as far back as the logs are read.",
            "A worker's id is not its pod's name. The pod is found by the tasks that both the coordinator and a node's log name; ~ marks a guess.",
            "SEEN is how long ago the coordinator last listed it; that happens every 10 s. Late: the coordinator cannot send it heartbeats. \
             Lost: given up after 30 s without one, or gone from the list; lost ones stay for a while.",
            "v shows all workers on one screen, a cell each. c changes what the cells stand for: type of task, proof, load, state.",
            "A filter's words must all be found in a worker's id, pod, type, state, or in the type, proof or id of one of its tasks.",
        ]
    }

    fn bindings(&self) -> &'static [Binding] {
        &[
            Binding { keys: &["v"], action: || Action::Toggle, what: "rows or map", hint: false },
            Binding { keys: &["c"], action: || Action::Own("paint"), what: "letters by type, proof, load, state", hint: false },
            Binding { keys: &["o"], action: || Action::Own("logs"), what: "logs of its pod", hint: false },
        ]
    }

    fn hints(&self) -> &'static [(&'static str, &'static str)] {
        match (self.open, self.map) {
            (true, _) => &[("enter", "its proof"), ("y", "copy its id"), ("o", "logs")],
            (false, true) => &[("enter", "its row"), ("c", "letters"), ("v", "rows"), ("/", "filter"), ("o", "logs")],
            (false, false) => &[("enter", "its tasks"), ("v", "map"), ("c", "letters"), ("/", "filter"), ("s", "sort"), ("o", "logs")],
        }
    }

    fn offers(&self, keys: &str, ctx: &Ctx<'_>) -> bool {
        match keys {
            "/" | "v" | "c" | "s" => !ctx.model.workers.is_empty(),
            _ => !self.rows(ctx).0.is_empty(),
        }
    }

    fn filter(&self) -> Option<&str> {
        Some(self.words.text()).filter(|t| !t.is_empty())
    }

    fn crumb(&self) -> Option<String> {
        let id = self.table.selected().filter(|_| self.open)?;
        Some(id.short())
    }

    fn update(&mut self, action: &Action, ctx: &Ctx<'_>) -> Outcome {
        let (list, sizes) = self.rows(ctx);
        let at = self.table.locate(list.len(), |i| key(&list, i));
        let row = at.and_then(|i| list.get(i));
        let outcome = match action {
            Action::Enter => self.enter(row),
            Action::Back => self.back(),
            Action::Click(x, y) => {
                self.click(ctx, &list, &sizes, *x, *y);
                Outcome::done()
            }
            // The first click selected what the second opens.
            Action::DoubleClick(x, y) => {
                if self.click(ctx, &list, &sizes, *x, *y) {
                    self.enter(row)
                } else {
                    Outcome::done()
                }
            }
            Action::Toggle => {
                self.map = !self.map;
                self.open = false;
                if !self.map && !matches!(self.paint, Paint::Type | Paint::Proof) {
                    self.paint = Paint::Type;
                }
                Outcome::done()
            }
            Action::Own("paint") => {
                self.paint = match (self.paint, self.map) {
                    (Paint::Type, _) => Paint::Proof,
                    (Paint::Proof, true) => Paint::Load,
                    (Paint::Load, true) => Paint::State,
                    _ => Paint::Type,
                };
                Outcome::done()
            }
            Action::Own("logs") => match row.and_then(|r| r.worker.tie.as_ref()) {
                Some(tie) => Outcome::then(Action::OpenLogs(tie.pod.clone())),
                None => Outcome { message: Some("its pod is not known, so neither are its logs".into()), ..Outcome::done() },
            },
            Action::FilterText(text) => {
                self.words.set(text);
                Outcome::done()
            }
            Action::InvertFilter => {
                self.words.invert = !self.words.invert;
                Outcome::done()
            }
            Action::OpenWorker(id) => self.open_worker(id, ctx),
            Action::Copy => match row {
                Some(r) if self.open => {
                    let tasks = detail::tasks(r);
                    let at = self.tasks.locate(tasks.len(), |i| tasks[i].task.clone());
                    at.map_or_else(Outcome::done, |i| Outcome::effect(Effect::Copy(tasks[i].task.to_string())))
                }
                Some(r) => Outcome::effect(Effect::Copy(r.worker.id.to_string())),
                None => Outcome::done(),
            },
            action => {
                let height = Table::height(self.areas(ctx.area, list.len()).main);
                let done = if let (true, Some(row)) = (self.open, row) {
                    let tasks = detail::tasks(row);
                    let height = Table::height(detail::task_area(row, self.areas(ctx.area, list.len()).detail));
                    self.tasks.act(action, tasks.len(), height, |i| tasks[i].task.clone())
                } else if self.map {
                    self.act_map(action, ctx, &list, &sizes)
                } else {
                    self.table.act(action, list.len(), height, |i| key(&list, i)) || self.table.act_sort(action, &COLUMNS)
                };
                if !done {
                    return Outcome::ignored();
                }
                Outcome::done()
            }
        };
        // The list may have another order or length now.
        let (list, _) = self.rows(ctx);
        let height = Table::height(self.areas(ctx.area, list.len()).main);
        self.table.settle(list.len(), height, |i| key(&list, i));
        if list.is_empty() {
            self.open = false;
        }
        outcome
    }

    fn draw(&self, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let (list, sizes) = self.rows(ctx);
        let areas = self.areas(ctx.area, list.len());
        let at = self.table.locate(list.len(), |i| key(&list, i));
        if areas.panel.height > 0 {
            let panel = Panel::new(self.title_line(ctx, list.len())).right(self.right(ctx, at, list.len())).focus(!self.open);
            panel.legend(self.legend(ctx, &list)).draw(areas.panel, ctx, buf);
        }
        if list.is_empty() {
            self.empty(ctx, areas.main, buf);
            return;
        }
        if self.map {
            map::draw(self, ctx, areas.main, (&list, &sizes), at, buf);
        } else {
            rows::draw(self, ctx, areas.main, &list, buf);
        }
        if let Some(row) = at.and_then(|i| list.get(i))
            && areas.detail.height > 0
        {
            detail::draw(ctx, areas.detail, row, &self.tasks, self.open, buf);
        }
    }
}

impl WorkersView {
    fn title_line(&self, ctx: &Ctx<'_>, shown: usize) -> Line<'static> {
        let all = &ctx.model.workers;
        let mut title = Title::new(ctx, "workers").count(shown, all.len()).inverted(self.words.invert);
        for state in [WorkerState::Live, WorkerState::Late, WorkerState::Lost] {
            let n = all.iter().filter(|w| w.state == state).count();
            if n > 0 {
                title = title.fact(state_mark(ctx.symbols, state), n, state.as_str());
            }
        }
        if let Some(age) = old_list(ctx) {
            title = title.add(format!("   {age}"), Role::Warn);
        }
        title.line()
    }

    fn right(&self, ctx: &Ctx<'_>, at: Option<usize>, shown: usize) -> Line<'static> {
        let by = match self.paint {
            Paint::Type => "task type",
            Paint::Proof => "proof",
            Paint::Load => "load",
            Paint::State => "state",
        };
        let style = |r| ctx.theme.style(r);
        let mut spans = Vec::new();
        if self.map || self.paint != Paint::Type {
            spans.push(Span::raw("letters by "));
            spans.push(Span::styled(by, style(Role::Text)));
            spans.push(Span::raw("   "));
        }
        spans.push(Span::raw(position(at, shown)));
        Line::from(spans)
    }

    fn empty(&self, ctx: &Ctx<'_>, area: Rect, buf: &mut Buffer) {
        let (why, what): (String, &str) = if ctx.model.workers.is_empty() {
            if ctx.model.stats_grpc.is_some() && ctx.model.stats_log.is_none() {
                (
                    "Only the coordinator's log names workers, and no log of it is read.".into(),
                    "Sources says what is missing, and how to give it.",
                )
            } else if ctx.model.stats_log.is_some() {
                (
                    "The coordinator has no worker connected.".into(),
                    "Are the cpu-node and gpu-node pods up? New CPU nodes download circuits first.",
                )
            } else {
                ("No data of the coordinator yet: its log lists the workers every 10 s.".into(), "Sources says what is connected.")
            }
        } else {
            (format!("None of {} workers matches '{}'.", ctx.model.workers.len(), self.words.text()), "Esc clears the filter.")
        };
        super::common::empty(ctx, area, &why, what, buf);
    }

    /// What the letters and marks stand for.
    fn legend(&self, ctx: &Ctx<'_>, list: &[Row<'_>]) -> Vec<Line<'static>> {
        let dim = ctx.theme.style(Role::Dim);
        let mark =
            |m: &str, style, name: String| Line::from(vec![Span::styled(m.to_owned(), style), Span::styled(format!(" {name}"), dim)]);
        let mut out = Vec::new();
        if self.map {
            for state in [WorkerState::Live, WorkerState::Late, WorkerState::Lost] {
                let shown = list.iter().any(|r| r.worker.state == state);
                if shown && (state != WorkerState::Live || self.paint == Paint::State) {
                    let (m, role) = state_mark(ctx.symbols, state);
                    out.push(mark(m, ctx.theme.style(role), state.as_str().into()));
                }
            }
        }
        match self.paint {
            Paint::Type => {
                let mut present = [false; TaskType::KNOWN.len() + 1];
                for k in list.iter().flat_map(|r| &r.worker.tasks) {
                    present[k.kind.as_ref().map_or(TaskType::KNOWN.len(), TaskType::index)] = true;
                }
                for (i, _) in present.iter().enumerate().filter(|(_, p)| **p) {
                    let kind = TaskType::KNOWN.get(i);
                    out.push(mark(letter(kind), ctx.theme.task(kind), super::common::kind_name(kind).into()));
                }
            }
            Paint::Proof => {
                for p in ctx.model.proofs.active() {
                    let id = middle(p.id.as_str(), 18, ctx.symbols.ellipsis).into_owned();
                    out.push(mark(proof_letter(p.ordinal), ctx.theme.proof(p.ordinal), id));
                }
            }
            Paint::Load => {
                let bars: String = ctx.symbols.bars.iter().skip(1).copied().collect();
                out.push(mark(ctx.symbols.marks.3, ctx.theme.style(Role::Faint), "idle".into()));
                out.push(mark(&bars, ctx.theme.style(Role::Text), "a little to full".into()));
                out.push(mark("?", dim, "unknown maximum".into()));
            }
            Paint::State => {}
        }
        out
    }
}
