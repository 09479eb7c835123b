//! What the mouse does.

use std::time::Duration;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::chrome::{self, Frame};
use super::form::Fill as _;
use super::popup::Popup;
use super::{App, World};
use crate::ui::{Action, Effect, ViewId};

/// Two clicks at one place within this are a double click.
const DOUBLE: Duration = Duration::from_millis(400);

impl App {
    pub(super) fn mouse(&mut self, event: MouseEvent, world: &World<'_>) -> Vec<Effect> {
        let at = Position::new(event.column, event.row);
        match event.kind {
            MouseEventKind::ScrollDown => self.wheel(1, world),
            MouseEventKind::ScrollUp => self.wheel(-1, world),
            MouseEventKind::Down(MouseButton::Left) => self.press(at, world),
            MouseEventKind::Drag(MouseButton::Left) if self.scrubbing => self.scrub(at, world),
            MouseEventKind::Up(_) => {
                self.scrubbing = false;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn wheel(&mut self, by: i32, world: &World<'_>) -> Vec<Effect> {
        let most = self.help_height(world);
        match &mut self.popup {
            None => self.act(Action::Move(by * 3), world),
            Some(Popup::Help { scroll }) => {
                *scroll = scroll.saturating_add_signed(isize::try_from(by * 3).unwrap_or(0)).min(most);
                Vec::new()
            }
            Some(Popup::Palette { input, selected }) => {
                let input = input.clone();
                let selected = *selected;
                let last = self.palette_found(&input, world).len().saturating_sub(1);
                let selected = selected.saturating_add_signed(isize::try_from(by).unwrap_or(0)).min(last);
                self.popup = Some(Popup::Palette { input, selected });
                Vec::new()
            }
            Some(Popup::Run(pane)) => {
                pane.wheel(by);
                Vec::new()
            }
            Some(_) => Vec::new(),
        }
    }

    fn press(&mut self, at: Position, world: &World<'_>) -> Vec<Effect> {
        if chrome::is_tiny(self.area) {
            return Vec::new();
        }
        if let Some(popup) = self.popup.take() {
            return self.press_on_popup(popup, at, world);
        }
        let frame = Frame::new(self.area, &world.time);
        let double = self.click.take().is_some_and(|(t, x, y)| self.clock.saturating_sub(t) <= DOUBLE && (x, y) == (at.x, at.y));
        if frame.tabs.contains(at) {
            return match self.tab_at(&frame, at.x, world) {
                // It is there already; a number would open a cluster.
                Some(ViewId::Fleet) if self.view() == Some(ViewId::Fleet) => Vec::new(),
                Some(id) => self.act(Action::Show(id), world),
                None => Vec::new(),
            };
        }
        if frame.top.contains(at) {
            return if self.alerts_at(&frame, at.x, world) { self.act(Action::Show(ViewId::Alerts), world) } else { Vec::new() };
        }
        if frame.scrub.contains(at) {
            self.scrubbing = true;
            return self.scrub(at, world);
        }
        if frame.body.contains(at) {
            if !double {
                self.click = Some((self.clock, at.x, at.y));
            }
            let (x, y) = (at.x - frame.body.x, at.y - frame.body.y);
            return self.act(if double { Action::DoubleClick(x, y) } else { Action::Click(x, y) }, world);
        }
        Vec::new()
    }

    fn press_on_popup(&mut self, mut popup: Popup, at: Position, world: &World<'_>) -> Vec<Effect> {
        let area = self.popup_area(&popup, world);
        if !area.contains(at) {
            return Vec::new();
        }
        if let Popup::Palette { input, selected } = &popup {
            let rows = super::popup::palette_rows(area);
            if rows.contains(at) {
                let found = self.palette_found(input, world).len();
                let top = super::popup::palette_top(*selected, found, usize::from(rows.height));
                let row = top + usize::from(at.y - rows.y);
                if row < found {
                    let input = input.clone();
                    return self.run_command(&input, row, world);
                }
            }
        }
        match &mut popup {
            Popup::Launch(form) => form.click(area, at),
            Popup::Range(form) => form.click(area, at),
            Popup::Confirm(ask) => ask.click(area, at),
            Popup::StopRun(ask) => *ask = Self::click_stop(*ask, area, at, world),
            _ => {}
        }
        self.popup = Some(popup);
        Vec::new()
    }

    fn scrub(&mut self, at: Position, world: &World<'_>) -> Vec<Effect> {
        let Some((begin, end)) = world.time.span() else { return Vec::new() };
        let bar = chrome::scrub_bar(&Frame::new(self.area, &world.time));
        if bar.width < 2 {
            return Vec::new();
        }
        let x = f64::from(at.x.clamp(bar.x, bar.right() - 1) - bar.x) / f64::from(bar.width - 1);
        self.act(Action::SeekTo(begin.plus(end.since(begin).mul_f64(x))), world)
    }
}
