//! Keys as data: what is pressed, what it does, and the words that explain it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::Action;

/// One key and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The key as people write it: `j`, `ctrl-d`, `enter`, `?`.
    pub keys: &'static [&'static str],
    /// What it does.
    pub action: fn() -> Action,
    /// In a few words, for the help and the hints.
    pub what: &'static str,
    /// Shown among the hints at the bottom.
    pub hint: bool,
}

/// Parses `ctrl-d`, `shift-tab`, `G`, `enter`, `f5` …; `None` for nonsense.
#[must_use]
pub fn parse_key(text: &str) -> Option<KeyEvent> {
    let mut modifiers = KeyModifiers::NONE;
    let mut rest = text;
    loop {
        if let Some(r) = rest.strip_prefix("ctrl-").filter(|r| !r.is_empty()) {
            modifiers |= KeyModifiers::CONTROL;
            rest = r;
        } else if let Some(r) = rest.strip_prefix("alt-").filter(|r| !r.is_empty()) {
            modifiers |= KeyModifiers::ALT;
            rest = r;
        } else if let Some(r) = rest.strip_prefix("shift-").filter(|r| !r.is_empty()) {
            modifiers |= KeyModifiers::SHIFT;
            rest = r;
        } else {
            break;
        }
    }
    let code = match rest {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        "tab" => KeyCode::Tab,
        "space" => KeyCode::Char(' '),
        "backspace" => KeyCode::Backspace,
        "delete" => KeyCode::Delete,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pageup" => KeyCode::PageUp,
        "pagedown" => KeyCode::PageDown,
        _ => {
            if let Some(n) = rest.strip_prefix('f').and_then(|n| n.parse::<u8>().ok()).filter(|n| (1..=12).contains(n)) {
                KeyCode::F(n)
            } else {
                let mut chars = rest.chars();
                let c = chars.next()?;
                if chars.next().is_some() {
                    return None;
                }
                KeyCode::Char(c)
            }
        }
    };
    Some(KeyEvent::new(code, modifiers))
}

/// True when `event` is the key that `text` names. Shift is part of the
/// character for letters and marks.
#[must_use]
pub fn matches(text: &str, event: &KeyEvent) -> bool {
    let Some(want) = parse_key(text) else { return false };
    let mask = if matches!(want.code, KeyCode::Char(_) | KeyCode::BackTab) {
        KeyModifiers::CONTROL | KeyModifiers::ALT
    } else {
        KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT
    };
    want.code == event.code && want.modifiers & mask == event.modifiers & mask
}
