//! What fits, what locks itself out, what would be killed; and what if.

mod parts;
mod what_if;

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::what_if::{COLUMNS, FIELDS, Field, WhatIf};
use crate::base::change::Change;
use crate::capacity::Capacity;
use crate::ui::keymap::Binding;
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::table::{Table, TableState};
use crate::ui::{Action, Ctx, Effect, Outcome, TimeBase, View, ViewId};

/// The view of the capacity.
pub struct CapacityView {
    table: TableState<Field>,
    what_if: WhatIf,
    /// Which of the recommended commands is selected.
    command: usize,
}

impl Default for CapacityView {
    fn default() -> Self {
        Self { table: TableState::new(0), what_if: WhatIf::default(), command: 0 }
    }
}

/// The capacity as the alerts last worked it out, or now.
fn capacity<'a>(ctx: &Ctx<'a>) -> Cow<'a, Capacity> {
    ctx.alerts.capacity().map_or_else(|| Cow::Owned(Capacity::of(ctx.model)), Cow::Borrowed)
}

/// Where things are; empty ones are not drawn.
struct Areas {
    settings: Rect,
    fits: Rect,
    advice: Rect,
    workers: Rect,
}

impl Areas {
    fn new(area: Rect, commands: usize) -> Self {
        let none = Rect { width: 0, height: 0, ..area };
        let settings = u16::try_from(FIELDS.len()).unwrap_or(8) + 3;
        if area.width < 76 {
            // One below the other; what fits is what must be seen.
            // At least two settings beside it, so that the cursor is seen.
            let fits = Rect { height: area.height.saturating_sub(5).min(9), ..area };
            let y = fits.bottom();
            let left = area.height - fits.height;
            let settings = Rect { y, height: settings.min(left), ..area };
            let advice = Rect { y: settings.bottom(), height: left - settings.height, ..area };
            return Self { settings, fits, advice, workers: none };
        }
        let top = settings.min(area.height);
        // Where the origins of the settings have no room, what fits gets it.
        let half = if area.width < 100 { 35 } else { (area.width / 2).min(72) };
        let rest = area.height - top;
        let wanted = u16::try_from(commands).unwrap_or(3) * 2 + 4;
        let advice = if rest > wanted + 6 { wanted.max(rest * 45 / 100) } else { rest };
        Self {
            settings: Rect { width: half, height: top, ..area },
            fits: Rect { x: area.x + half, width: area.width - half, height: top, ..area },
            advice: Rect { y: area.y + top, height: advice, ..area },
            workers: Rect { y: area.y + top + advice, height: rest - advice, ..area },
        }
    }
}

impl CapacityView {
    fn advice(&self, c: &Capacity, ctx: &Ctx<'_>) -> Vec<crate::alerts::Fix> {
        parts::commands(c, &self.what_if.apply(c), ctx)
    }

    fn selected(&self, c: &Capacity, ctx: &Ctx<'_>) -> Option<String> {
        let list = self.advice(c, ctx);
        let i = self.command.min(list.len().checked_sub(1)?);
        Some(list[i].run.clone())
    }
}

impl View for CapacityView {
    fn id(&self) -> ViewId {
        ViewId::Capacity
    }

    fn title(&self) -> &'static str {
        "capacity"
    }

    fn about(&self) -> &'static [&'static str] {
        &[
            "What each kind of CPU task weighs and how that is known, what a worker takes at most, and what follows: which proofs fit at all, how \
             many at once before their Controllers lock out each other's wraps, whether two PlonkWraps can meet on one worker, and what that \
             means against the memory limit. Weights are nominal GB; real peaks are higher: an execution reaches up to 24 GiB (a Controller before \
             v2.1.0: 19), a Controller and a PlonkWrap together 60 to 70. Where memory ends before the weights do, about how many that holds \
             is said with a ~.",
            "NOW is what is found, and FROM is where: seen in the coordinator's blocks, told by its stats or the deployment, or the default of that release. \
             IF is what you try.",
            "Only the head of the CPU queue is tried: a wrap that fits nowhere blocks everything behind it. Change a number with left and right to \
             see what would be if; nothing of the cluster changes by that. The commands below set what is recommended, on the deployment that \
             really decides.",
        ]
    }

    fn bindings(&self) -> &'static [Binding] {
        &[
            Binding { keys: &["L", "shift-right"], action: || Action::Own("much-more"), what: "16 more", hint: false },
            Binding { keys: &["H", "shift-left"], action: || Action::Own("much-less"), what: "16 less", hint: false },
            Binding { keys: &["r"], action: || Action::Own("reset"), what: "back to what is", hint: false },
            Binding { keys: &["n"], action: || Action::Own("next-command"), what: "next command", hint: false },
            Binding { keys: &["c"], action: || Action::Copy, what: "copy the command", hint: false },
            Binding { keys: &["x"], action: || Action::Own("apply"), what: "apply the command (asks first)", hint: false },
        ]
    }

    fn hints(&self) -> &'static [(&'static str, &'static str)] {
        &[("←→", "what if"), ("L", "16 more"), ("r", "reset"), ("n", "next command"), ("y", "copy"), ("x", "apply")]
    }

    fn offers(&self, keys: &str, ctx: &Ctx<'_>) -> bool {
        if keys == "r" {
            return self.what_if.is_changed();
        }
        if !matches!(keys, "x" | "y" | "n") {
            return true;
        }
        let selected = self.selected(&capacity(ctx), ctx);
        match keys {
            "x" => ctx.time.is_now() && selected.as_deref().is_some_and(|c| Change::of_command(c).is_some()),
            _ => selected.is_some(),
        }
    }

    fn crumb(&self) -> Option<String> {
        self.what_if.is_changed().then(|| "what if".to_owned())
    }

    fn update(&mut self, action: &Action, ctx: &Ctx<'_>) -> Outcome {
        let c = capacity(ctx);
        let areas = Areas::new(ctx.area, self.advice(&c, ctx).len());
        let area = Panel::list(areas.settings);
        let key = |i: usize| FIELDS[i];
        let at = self.table.locate(FIELDS.len(), key).map(key);
        let mut change = |by: i64| {
            if let Some(f) = at {
                self.what_if.change(f, by, &c);
            }
            Outcome::done()
        };
        let outcome = match action {
            Action::MoveSideways(n) => change(i64::from(*n)),
            Action::ZoomIn => change(1),
            Action::ZoomOut => change(-1),
            Action::Own("much-more") => change(16),
            Action::Own("much-less") => change(-16),
            Action::Own("reset") => {
                let asked = self.what_if.is_changed();
                self.what_if = WhatIf::default();
                // The same key leads back from the past; it means what is there to leave.
                if asked || !matches!(ctx.time, TimeBase::Past { .. }) { Outcome::done() } else { Outcome::then(Action::ToLive) }
            }
            Action::Back if self.what_if.is_changed() => {
                self.what_if = WhatIf::default();
                Outcome::done()
            }
            Action::Own("next-command") => {
                let n = self.advice(&c, ctx).len().max(1);
                self.command = (self.command + 1) % n;
                Outcome::done()
            }
            Action::Copy => match self.selected(&c, ctx) {
                Some(run) => Outcome::effect(Effect::Copy(run)),
                None => Outcome::say("there is no command to copy: nothing needs to change"),
            },
            Action::Own("apply") => match self.selected(&c, ctx).as_deref().map(Change::of_command) {
                Some(Some(change)) => Outcome::then(Action::Change(change)),
                Some(None) => Outcome::say("that one is only to be copied: y"),
                None => Outcome::say("there is no command to apply: nothing needs to change"),
            },
            Action::Click(x, y) | Action::DoubleClick(x, y) => {
                let table = self.table.table(&COLUMNS, FIELDS.len(), area, key);
                self.table.click(&table, area, ctx.area.x + x, ctx.area.y + y, key);
                Outcome::done()
            }
            action => {
                if !self.table.act(action, FIELDS.len(), Table::height(area), key) {
                    return Outcome::ignored();
                }
                Outcome::done()
            }
        };
        self.table.settle(FIELDS.len(), Table::height(area), key);
        outcome
    }

    fn draw(&self, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let c = capacity(ctx);
        let setup = self.what_if.apply(&c);
        let advice = self.advice(&c, ctx);
        let areas = Areas::new(ctx.area, advice.len());
        what_if::draw(&self.table, &self.what_if, &c, areas.settings, ctx, buf);
        parts::fits(&setup, self.what_if.is_changed(), areas.fits, ctx, buf);
        parts::advice(&c, &setup, &advice, self.command, self.what_if.is_changed(), areas.advice, ctx, buf);
        parts::workers(&c, areas.workers, ctx, buf);
    }
}
