//! One line of text that is being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use unicode_segmentation::UnicodeSegmentation;

use crate::base::text;
use crate::ui::draw::{put, width};

/// The longest text that can be typed or pasted.
const MAX: usize = 1000;

/// Text with a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    text: String,
    /// Byte position, always at the edge of a grapheme.
    cursor: usize,
}

impl Input {
    /// An input that begins with `text`, the cursor at its end.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), cursor: text.len() }
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Inserts text without its control characters and line breaks.
    pub fn insert(&mut self, s: &str) {
        let clean: String = s.chars().map(|c| if c == '\n' || c == '\t' { ' ' } else { c }).filter(|c| !text::is_hostile(*c)).collect();
        if self.text.len() + clean.len() <= MAX {
            self.text.insert_str(self.cursor, &clean);
            self.cursor += clean.len();
        }
    }

    /// Takes a key; false when it does not know it.
    pub fn key(&mut self, key: &KeyEvent) -> bool {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Char('u') if ctrl => {
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            KeyCode::Char('k') if ctrl => self.text.truncate(self.cursor),
            KeyCode::Char('w') if ctrl => self.delete_word(),
            KeyCode::Backspace if alt || ctrl => self.delete_word(),
            KeyCode::Char('a') if ctrl => self.cursor = 0,
            KeyCode::Char('e') if ctrl => self.cursor = self.text.len(),
            KeyCode::Char('b') if ctrl => self.cursor = self.before(),
            KeyCode::Char('f') if ctrl => self.cursor = self.after(),
            KeyCode::Char('h') if ctrl => self.delete_before(),
            KeyCode::Char(c) if !ctrl && !alt => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace => self.delete_before(),
            KeyCode::Delete => {
                let end = self.after();
                self.text.drain(self.cursor..end);
            }
            KeyCode::Left => self.cursor = self.before(),
            KeyCode::Right => self.cursor = self.after(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            _ => return false,
        }
        true
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(i, _)| i)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..].graphemes(true).next().map_or(self.cursor, |g| self.cursor + g.len())
    }

    fn delete_before(&mut self) {
        let start = self.before();
        self.text.drain(start..self.cursor);
        self.cursor = start;
    }

    fn delete_word(&mut self) {
        let head = self.text[..self.cursor].trim_end();
        let start = head.rfind(char::is_whitespace).map_or(0, |i| i + head[i..].chars().next().map_or(1, char::len_utf8));
        self.text.drain(start..self.cursor);
        self.cursor = start;
    }

    /// The same with stars instead of these parts, for the screen.
    #[must_use]
    pub fn starred(&self, hidden: &[std::ops::Range<usize>]) -> Self {
        let mut out = Self::default();
        for (i, c) in self.text.char_indices() {
            if i == self.cursor {
                out.cursor = out.text.len();
            }
            out.text.push(if hidden.iter().any(|r| r.contains(&i)) { '*' } else { c });
        }
        if self.cursor == self.text.len() {
            out.cursor = out.text.len();
        }
        out
    }

    /// Draws it over the first row of `area`; the part around the cursor when
    /// it is too long.
    pub fn draw(&self, area: Rect, style: Style, buf: &mut Buffer) {
        if area.width == 0 || area.height == 0 {
            return;
        }
        let mut start = 0;
        while width(&self.text[start..self.cursor]) >= area.width {
            start += self.text[start..].graphemes(true).next().map_or(1, str::len);
        }
        let x = put(buf, area, area.x, area.y, &self.text[start..self.cursor], style);
        let rest = &self.text[self.cursor..];
        let under = rest.graphemes(true).next().unwrap_or(" ");
        let x = put(buf, area, x, area.y, under, style.add_modifier(Modifier::REVERSED));
        put(buf, area, x, area.y, rest.get(under.len()..).unwrap_or(""), style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::keymap::parse_key;

    #[test]
    fn typing_and_deleting() {
        let mut i = Input::new("prove shard");
        let mut press = |keys: &[&str]| {
            for k in keys {
                i.key(&parse_key(k).unwrap());
            }
            i.text().to_owned()
        };
        assert_eq!(press(&["x", "backspace", "ctrl-w"]), "prove ");
        assert_eq!(press(&["left", "left", "Z"]), "provZe ");
        assert_eq!(press(&["ctrl-k"]), "provZ");
        assert_eq!(press(&["home", "delete", "end", "!"]), "rovZ!");
        assert_eq!(press(&["ctrl-u", "backspace", "ctrl-w", "delete", "left"]), "");
        i.insert("a\x1b[31m\nb");
        assert_eq!(i.text(), "a[31m b");
    }
}
