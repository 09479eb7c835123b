//! The rows of a dialog: a label, and a text or a choice.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::base::redact::passwords;
use crate::ui::draw::{put, put_line, tint, width, wrap};
use crate::ui::widgets::input::Input;
use crate::ui::widgets::panel::Panel;
use crate::ui::{Ctx, Role};

/// Columns of the labels.
const LABEL: u16 = 14;

/// What stands behind a label.
pub(super) enum Value<'a> {
    /// One of these.
    Choice(Vec<(&'static str, bool)>),
    /// A text; the words are shown while it is empty.
    Text(&'a Input, &'static str),
    /// Redis URLs, whose passwords are not shown.
    Urls(&'a Input, &'static str),
}

/// A dialog whose fields are walked through and filled in.
pub(super) trait Fill {
    /// Its fields as they are.
    fn rows(&self) -> Vec<(&'static str, Value<'_>)>;
    /// Which of them is edited.
    fn at(&mut self) -> &mut usize;
    /// Its text, where it has one.
    fn input(&mut self) -> Option<&mut Input>;
    /// Takes a choice of it.
    fn choose(&mut self, i: usize);

    /// Takes pasted text.
    fn paste(&mut self, text: &str) {
        if let Some(i) = self.input() {
            i.insert(text.trim());
        }
    }

    /// A click goes to a field, and takes one of its choices.
    fn click(&mut self, area: Rect, at: Position) {
        let Some((row, choice)) = hit(Panel::inner(area), &self.rows(), at) else { return };
        *self.at() = row;
        if let Some(i) = choice {
            self.choose(i);
        }
    }

    /// A key that walks or fills in.
    fn fill(&mut self, key: &KeyEvent) {
        let last = self.rows().len().saturating_sub(1);
        let at = self.at();
        match key.code {
            KeyCode::Down | KeyCode::Tab => *at = if *at >= last { 0 } else { *at + 1 },
            KeyCode::Up | KeyCode::BackTab => *at = if *at == 0 { last } else { *at - 1 },
            code => match self.input() {
                Some(input) => drop(input.key(key)),
                None => match code {
                    KeyCode::Right | KeyCode::Char(' ' | 'l') => self.turn(1),
                    KeyCode::Left | KeyCode::Char('h') => self.turn(-1),
                    _ => {}
                },
            },
        }
    }

    /// The next of a field's choices, or the one before.
    fn turn(&mut self, by: isize) {
        let at = *self.at();
        let Some((_, Value::Choice(all))) = self.rows().into_iter().nth(at) else { return };
        let now = all.iter().position(|(_, on)| *on).unwrap_or(0);
        let next = now.checked_add_signed(by).unwrap_or(all.len().saturating_sub(1)) % all.len().max(1);
        self.choose(next);
    }
}

/// Draws the rows, the one at `at` being edited; returns the row below them.
pub(super) fn draw(inner: Rect, rows: &[(&'static str, Value<'_>)], at: usize, ctx: &Ctx<'_>, buf: &mut Buffer) -> u16 {
    let theme = ctx.theme;
    let mut y = inner.y;
    for (i, (label, value)) in rows.iter().enumerate() {
        let row = Rect { y, height: 1, ..inner };
        if !inner.contains(row.as_position()) {
            return y;
        }
        let here = i == at;
        if here {
            tint(buf, Rect { x: inner.x.saturating_sub(1), width: inner.width + 2, ..row }, theme.style(Role::Selected));
        }
        put(buf, row, row.x, y, label, theme.style(Role::Dim));
        let room = Rect { x: row.x + LABEL.min(row.width), width: row.width.saturating_sub(LABEL), ..row };
        let starred;
        let value = match value {
            Value::Urls(input, note) => {
                starred = input.starred(&passwords(input.text(), here));
                &Value::Text(&starred, note)
            }
            other => other,
        };
        match value {
            Value::Choice(all) => {
                let mut spans = Vec::new();
                for (name, on) in all {
                    let style = theme.style(if *on { Role::Accent } else { Role::Dim });
                    let mark = if *on { ctx.symbols.pointer } else { " " };
                    spans.push(Span::styled(format!("{mark}{name}  "), style));
                }
                put_line(buf, room, room.x, y, &Line::from(spans));
            }
            Value::Text(input, note) | Value::Urls(input, note) => {
                let text = theme.style(Role::Text);
                if here {
                    input.draw(room, text, buf);
                } else {
                    put(buf, room, room.x, y, input.text(), text);
                }
                if input.text().is_empty() {
                    put(buf, room, room.x + 2, y, note, theme.style(Role::Dim));
                }
            }
        }
        y += 1;
    }
    y
}

/// What a click is on: the row, and which of its choices.
pub(super) fn hit(inner: Rect, rows: &[(&'static str, Value<'_>)], at: Position) -> Option<(usize, Option<usize>)> {
    if !inner.contains(at) {
        return None;
    }
    let n = usize::from(at.y - inner.y);
    let (_, value) = rows.get(n)?;
    let mut choice = None;
    if let Value::Choice(all) = value {
        let mut x = inner.x + LABEL.min(inner.width);
        for (i, (name, _)) in all.iter().enumerate() {
            let end = x + width(name) + 3;
            if (x..end).contains(&at.x) {
                choice = Some(i);
            }
            x = end;
        }
    }
    Some((n, choice))
}

/// Draws paragraphs from row `y` on.
pub(super) fn paragraphs(inner: Rect, mut y: u16, list: &[(Role, String)], ctx: &Ctx<'_>, buf: &mut Buffer) {
    for (role, text) in list {
        for l in wrap(text, inner.width) {
            put(buf, inner, inner.x, y, &l, ctx.theme.style(*role));
            y += 1;
        }
    }
}
