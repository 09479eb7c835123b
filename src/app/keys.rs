//! What keys and pasted text do.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::form::Fill as _;
use super::popup::{Ask, Popup};
use super::{App, World, command};
use crate::base::when;
use crate::ui::widgets::input::Input;
use crate::ui::{Action, Effect};

impl App {
    pub(super) fn key(&mut self, key: &KeyEvent, world: &World<'_>) -> Vec<Effect> {
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            // Pressed again, it is meant.
            let again = matches!(self.popup, Some(Popup::StopRun(_)));
            return if again { vec![Effect::Quit] } else { self.quit(world) };
        }
        match self.popup.take() {
            None => {}
            Some(Popup::Help { scroll }) => return self.key_in_help(key, scroll, world),
            Some(Popup::Copied(text)) => {
                // Any key but those of the mouse closes it; `m` is there to select the text.
                if key.code == KeyCode::Char('m') {
                    self.popup = Some(Popup::Copied(text));
                    return self.act(Action::ToggleMouse, world);
                }
                return Vec::new();
            }
            Some(Popup::Palette { input, selected }) => return self.key_in_palette(key, input, selected, world),
            Some(Popup::Ask(ask)) => return self.key_in_ask(key, ask, world),
            Some(Popup::Launch(form)) => return self.key_in_launch(key, form, world),
            Some(Popup::Confirm(ask)) => return self.key_in_confirm(key, ask, world),
            Some(Popup::Range(form)) => return self.key_in_range(key, form, world),
            Some(Popup::Run(pane)) => return self.key_in_run(key, pane, world),
            Some(Popup::StopRun(ask)) => return self.key_in_stop(key, ask, world),
            Some(Popup::Change(asked)) => return self.key_in_change(key, asked, world),
        }
        let (title, own) = self.views.get(self.current).map_or(("", &[][..]), |v| (v.title(), v.bindings()));
        match self.symbols.keys.find(title, own, key) {
            Some(b) => {
                let action = (b.action)();
                self.act(action, world)
            }
            None => Vec::new(),
        }
    }

    fn key_in_help(&mut self, key: &KeyEvent, scroll: usize, world: &World<'_>) -> Vec<Effect> {
        let most = self.help_height(world);
        let page = usize::from(self.area.height / 2).max(1);
        let scroll = match self.symbols.keys.find("", &[], key).map(|b| (b.action)()) {
            Some(Action::Move(n)) => scroll.saturating_add_signed(isize::try_from(n).unwrap_or(0)),
            Some(Action::HalfPage(n) | Action::Page(n)) => {
                if n > 0 {
                    scroll + page
                } else {
                    scroll.saturating_sub(page)
                }
            }
            Some(Action::Top) => 0,
            Some(Action::Bottom) => most,
            Some(Action::Redraw) => {
                self.popup = Some(Popup::Help { scroll });
                return vec![Effect::Redraw];
            }
            Some(a @ (Action::Show(_) | Action::NextView | Action::PreviousView)) => return self.act(a, world),
            _ => return Vec::new(),
        };
        self.popup = Some(Popup::Help { scroll: scroll.min(most) });
        Vec::new()
    }

    fn key_in_palette(&mut self, key: &KeyEvent, mut input: Input, selected: usize, world: &World<'_>) -> Vec<Effect> {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let found = self.palette_found(&input, world).len();
        let last = found.saturating_sub(1);
        let selected = match key.code {
            KeyCode::Esc => return Vec::new(),
            KeyCode::Backspace if input.text().is_empty() => return Vec::new(),
            KeyCode::Enter => return self.run_command(&input, selected, world),
            KeyCode::Down | KeyCode::Tab => {
                if selected >= last {
                    0
                } else {
                    selected + 1
                }
            }
            KeyCode::Up | KeyCode::BackTab => {
                if selected == 0 {
                    last
                } else {
                    selected - 1
                }
            }
            KeyCode::Char('n') if ctrl => {
                if selected >= last {
                    0
                } else {
                    selected + 1
                }
            }
            KeyCode::Char('p') if ctrl => {
                if selected == 0 {
                    last
                } else {
                    selected - 1
                }
            }
            KeyCode::PageDown => (selected + 8).min(last),
            KeyCode::PageUp => selected.saturating_sub(8),
            _ => {
                let before = input.text().to_owned();
                input.key(key);
                if input.text() == before { selected } else { 0 }
            }
        };
        self.popup = Some(Popup::Palette { input, selected });
        Vec::new()
    }

    pub(super) fn palette_found(&self, input: &Input, world: &World<'_>) -> Vec<command::Found> {
        let views: Vec<_> = self.views.iter().map(|v| (v.id(), v.title())).collect();
        let mut all = command::all(&views, &self.themes, self.symbols.keys, world);
        let places = self.places.commands(world);
        let typed = self.places.typed(input.text(), &places);
        all.extend(places);
        let whole = self.places.whole(input.text());
        let mut found = command::find(whole.as_deref().unwrap_or(input.text()), &all);
        found.extend(typed.map(|command| command::Found { command, at: Vec::new() }));
        found
    }

    pub(super) fn run_command(&mut self, input: &Input, selected: usize, world: &World<'_>) -> Vec<Effect> {
        if let Some(found) = self.palette_found(input, world).into_iter().nth(selected) {
            return self.act(found.command.action, world);
        }
        match self.places.only_here(input.text()) {
            Some(why) => self.say(why),
            None => self.say(format!("nothing is called '{}'", input.text())),
        }
        Vec::new()
    }

    fn key_in_ask(&mut self, key: &KeyEvent, ask: Ask, world: &World<'_>) -> Vec<Effect> {
        let Ask { time, mut input, before } = ask;
        match key.code {
            KeyCode::Esc => {
                if !time {
                    return self.filter_text(before, world);
                }
                Vec::new()
            }
            KeyCode::Enter if time => self.go_to_time(input, before, world),
            KeyCode::Enter => Vec::new(),
            KeyCode::Down if !time => self.act(Action::Move(1), world).into_iter().chain(self.keep_asking(input, before)).collect(),
            KeyCode::Up if !time => self.act(Action::Move(-1), world).into_iter().chain(self.keep_asking(input, before)).collect(),
            KeyCode::Backspace if input.text().is_empty() => Vec::new(),
            _ => {
                let old = input.text().to_owned();
                input.key(key);
                let new = input.text().to_owned();
                self.popup = Some(Popup::Ask(Ask { time, input, before }));
                if !time && new != old {
                    return self.filter_text(new, world);
                }
                Vec::new()
            }
        }
    }

    /// Keeps the filter open while the selection moves.
    fn keep_asking(&mut self, input: Input, before: String) -> Vec<Effect> {
        self.popup = Some(Popup::Ask(Ask { time: false, input, before }));
        Vec::new()
    }

    fn filter_text(&mut self, text: String, world: &World<'_>) -> Vec<Effect> {
        let popup = self.popup.take();
        let effects = self.act(Action::FilterText(text), world);
        self.popup = popup;
        effects
    }

    fn go_to_time(&mut self, input: Input, before: String, world: &World<'_>) -> Vec<Effect> {
        // Live, it is what this program has seen.
        let (begin, end) = world.time.span().unwrap_or((world.model.first, world.model.now));
        match when::parse(input.text(), world.model.now, begin, end) {
            Ok(t) => self.act(Action::SeekTo(t.max(begin).min(end)), world),
            Err(e) => {
                self.popup = Some(Popup::Ask(Ask { time: true, input, before }));
                self.update(super::Msg::Complain(e), world)
            }
        }
    }

    /// Pasted text goes into what is being typed, and nowhere else.
    pub(super) fn paste(&mut self, text: &str, world: &World<'_>) {
        match &mut self.popup {
            Some(Popup::Palette { input, selected }) => {
                input.insert(text);
                *selected = 0;
            }
            Some(Popup::Launch(form)) => form.paste(text),
            Some(Popup::Range(form)) => form.paste(text),
            Some(Popup::Ask(ask)) => {
                ask.input.insert(text);
                if !ask.time {
                    let text = ask.input.text().to_owned();
                    self.filter_text(text, world);
                }
            }
            _ => {}
        }
    }
}
