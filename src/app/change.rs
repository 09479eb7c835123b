//! The question before a change: the difference first, No by default, and the
//! name typed where running work is interrupted.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::popup::Popup;
use super::{App, World};
use crate::base::change::{Change, Difference, Order, Progress};
use crate::ui::draw::{put_line, width, wrap};
use crate::ui::widgets::input::Input;
use crate::ui::widgets::panel::Panel;
use crate::ui::{Effect, Role, TimeBase};

/// A change that is asked about.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Names the request.
    id: u64,
    change: Change,
    /// The name as it is typed.
    input: Input,
    /// It was confirmed; waits for the result.
    sent: bool,
    /// What was typed and confirmed is not the name.
    wrong: bool,
}

impl App {
    /// Begins to ask about a change.
    pub(super) fn ask_change(&mut self, change: Change, world: &World<'_>, effects: &mut Vec<Effect>) {
        if self.read_only {
            self.say("refused: sp1top was started with --read-only; y copies the command");
            return;
        }
        match world.time {
            TimeBase::Live | TimeBase::Demo { .. } => {}
            TimeBase::Replay { .. } => return self.say("a recording cannot be changed; y copies the command"),
            TimeBase::Past { .. } => return self.say("the past cannot be changed: go back to now first; y copies the command"),
        }
        self.changes += 1;
        let id = self.changes;
        effects.push(Effect::Change(Order::Look { id, change: change.clone() }));
        self.popup = Some(Popup::Change(Box::new(Asked { id, change, input: Input::default(), sent: false, wrong: false })));
    }

    /// A key while a change is asked about. Whatever is not a Yes is a No.
    pub(super) fn key_in_change(&mut self, key: &KeyEvent, mut asked: Box<Asked>, world: &World<'_>) -> Vec<Effect> {
        let progress = world.model.changes.get(asked.id).map(|n| &n.progress);
        let Some(Progress::Ready { interrupts, version, differences }) = progress.filter(|_| !asked.sent) else {
            // Nothing to confirm: any key but a stray Enter closes it.
            let waits = progress.is_none() || asked.sent && matches!(progress, Some(Progress::Ready { .. }));
            if waits && key.code != KeyCode::Esc {
                self.popup = Some(Popup::Change(asked));
            }
            return Vec::new();
        };
        let typed = *interrupts;
        let confirmed = match key.code {
            KeyCode::Esc => return self.no_change(),
            KeyCode::Enter if typed => asked.input.text() == asked.change.name(),
            KeyCode::Char('y' | 'Y') if !typed => true,
            _ if !typed => return self.no_change(),
            _ => {
                asked.wrong = false;
                asked.input.key(key);
                self.popup = Some(Popup::Change(asked));
                return Vec::new();
            }
        };
        if !confirmed && !asked.input.text().is_empty() {
            asked.wrong = true;
            self.popup = Some(Popup::Change(asked));
            return Vec::new();
        }
        if !confirmed || differences.is_empty() {
            return self.no_change();
        }
        asked.sent = true;
        let order = Order::Apply { id: asked.id, change: asked.change.clone(), version: version.clone() };
        self.popup = Some(Popup::Change(asked));
        vec![Effect::Change(order)]
    }

    fn no_change(&mut self) -> Vec<Effect> {
        self.say("nothing was changed");
        Vec::new()
    }

    fn change_lines(&self, asked: &Asked, columns: u16, world: &World<'_>) -> Vec<Line<'static>> {
        let style = |r| self.theme.style(r);
        let mut out: Vec<Line<'static>> = Vec::new();
        let say = |out: &mut Vec<Line<'static>>, text: &str, role: Role| {
            out.extend(wrap(text, columns).into_iter().map(|l| Line::styled(l, style(role))));
        };
        let context = world.model.session.context.as_deref().unwrap_or("the cluster");
        let namespace = world.model.session.namespace.as_deref().unwrap_or("sp1-cluster");
        say(&mut out, &format!("in {context}, namespace {namespace}"), Role::Dim);
        out.push(Line::default());
        match world.model.changes.get(asked.id).map(|n| &n.progress) {
            None => say(&mut out, "Reading the cluster ...", Role::Dim),
            Some(Progress::Ready { .. }) if asked.sent => say(&mut out, "Making the change ...", Role::Dim),
            Some(Progress::Ready { differences, interrupts, .. }) => {
                self.differences(differences, columns, &mut out);
                out.push(Line::default());
                if differences.is_empty() {
                    say(&mut out, "It is already so: there is nothing to change. Any key closes this.", Role::Good);
                    return out;
                }
                say(&mut out, asked.change.consequence(), if *interrupts { Role::Warn } else { Role::Text });
                out.push(Line::default());
                if *interrupts {
                    say(&mut out, &format!("Type {} and press enter to do it; esc: No (the default).", asked.change.name()), Role::Text);
                    if asked.wrong {
                        say(&mut out, &format!("That is not {}.", asked.change.name()), Role::Bad);
                    }
                } else {
                    say(&mut out, "Do it? y: Yes   any other key: No (the default)", Role::Text);
                }
            }
            Some(Progress::Refused(why)) => {
                say(&mut out, "It cannot be done from here:", Role::Warn);
                say(&mut out, why, Role::Text);
            }
            Some(Progress::Done(what)) => {
                say(&mut out, &format!("{} Done: {what}", self.symbols.marks.0), Role::Good);
                say(&mut out, "It is in the journal. Any key closes this.", Role::Dim);
            }
            Some(Progress::Failed(why)) => {
                say(&mut out, &format!("{} It failed, nothing was changed:", self.symbols.marks.1), Role::Bad);
                say(&mut out, why, Role::Text);
            }
        }
        out
    }

    /// `- from` and `+ to`, so that it is told without colours too.
    fn differences(&self, list: &[Difference], columns: u16, out: &mut Vec<Line<'static>>) {
        for d in list {
            out.extend(wrap(&d.what, columns).into_iter().map(|l| Line::styled(l, self.theme.style(Role::Title))));
            for (mark, value, role) in [("-", &d.from, Role::Bad), ("+", &d.to, Role::Good)] {
                let absent = if mark == "-" { "not set" } else { "gone" };
                let text = value.as_deref().unwrap_or(absent);
                for (n, l) in wrap(text, columns.saturating_sub(4)).into_iter().enumerate() {
                    let mark = if n == 0 { mark } else { " " };
                    out.push(Line::from(vec![
                        Span::styled(format!("  {mark} "), self.theme.style(role)),
                        Span::styled(l, self.theme.style(role)),
                    ]));
                }
            }
        }
    }

    pub(super) fn change_area(&self, asked: &Asked, body: Rect, world: &World<'_>) -> Rect {
        let w = self.area.width.saturating_sub(4).min(84).min(body.width);
        let lines = u16::try_from(self.change_lines(asked, w.saturating_sub(4), world).len()).unwrap_or(u16::MAX);
        let h = lines.saturating_add(2 + u16::from(Self::types(asked, world)) * 2).min(body.height);
        Rect { x: body.x + (body.width - w) / 2, y: body.y + (body.height - h) / 3, width: w, height: h }
    }

    /// True while a name is to be typed.
    fn types(asked: &Asked, world: &World<'_>) -> bool {
        let ready = world.model.changes.get(asked.id).map(|n| &n.progress);
        !asked.sent && matches!(ready, Some(Progress::Ready { interrupts: true, differences, .. }) if !differences.is_empty())
    }

    pub(super) fn draw_change(&self, asked: &Asked, area: Rect, world: &World<'_>, buf: &mut Buffer) {
        let ctx = self.ctx(world, area);
        let inner = Panel::new(asked.change.title()).right("esc: no").focus(true).draw(area, &ctx, buf);
        let types = Self::types(asked, world);
        let rows = inner.height.saturating_sub(u16::from(types));
        let lines = self.change_lines(asked, inner.width, world);
        for (y, l) in (inner.top()..inner.top() + rows).zip(&lines) {
            put_line(buf, inner, inner.x, y, l);
        }
        if types && inner.height > 0 {
            let y = inner.bottom() - 1;
            let prompt = "> ";
            put_line(buf, inner, inner.x, y, &Line::styled(prompt, self.theme.style(Role::Key)));
            let field = Rect { x: inner.x + width(prompt), y, width: inner.width.saturating_sub(width(prompt)), height: 1 };
            asked.input.draw(field, self.theme.style(Role::Text), buf);
        }
    }
}
