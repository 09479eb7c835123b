//! Keys as data: what is pressed, what it does, and the words that explain it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::Action;
pub use super::remap::{DEFAULT, Keymap};
use super::view::ViewId;

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

/// Bindings that belong together in the help.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// What they are about.
    pub title: &'static str,
    /// The bindings.
    pub bindings: &'static [Binding],
}

const fn key(keys: &'static [&'static str], action: fn() -> Action, what: &'static str) -> Binding {
    Binding { keys, action, what, hint: false }
}

const fn hinted(keys: &'static [&'static str], action: fn() -> Action, what: &'static str) -> Binding {
    Binding { keys, action, what, hint: true }
}

/// The title of the group that not every view knows all of.
pub const CLOSER: &str = "Look closer";

/// The keys that work on every screen, unless the view has its own for them.
pub const GLOBAL: &[Group] = &[
    Group {
        title: "Views",
        bindings: &[
            key(&["1"], || Action::Show(ViewId::Overview), "overview"),
            key(&["2"], || Action::Show(ViewId::Workers), "workers"),
            key(&["3"], || Action::Show(ViewId::Proofs), "proofs"),
            key(&["4"], || Action::Show(ViewId::Logs), "logs"),
            key(&["5"], || Action::Show(ViewId::Alerts), "alerts"),
            key(&["6"], || Action::Show(ViewId::Capacity), "capacity"),
            key(&["7"], || Action::Show(ViewId::Pods), "pods"),
            key(&["8"], || Action::Show(ViewId::Sources), "sources"),
            key(&["9"], || Action::Show(ViewId::Help), "help"),
            key(&["tab"], || Action::NextView, "next view"),
            key(&["shift-tab"], || Action::PreviousView, "previous view"),
            key(&["0"], || Action::LastView, "the view before this one"),
            key(&["F"], || Action::Fleet, "fleet: all clusters"),
        ],
    },
    Group {
        title: "Move",
        bindings: &[
            key(&["j", "down"], || Action::Move(1), "down"),
            key(&["k", "up"], || Action::Move(-1), "up"),
            key(&["h", "left"], || Action::MoveSideways(-1), "left"),
            key(&["l", "right"], || Action::MoveSideways(1), "right"),
            key(&["g", "home"], || Action::Top, "to the top"),
            key(&["G", "end"], || Action::Bottom, "to the bottom"),
            key(&["ctrl-d"], || Action::HalfPage(1), "half a page down"),
            key(&["ctrl-u"], || Action::HalfPage(-1), "half a page up"),
            key(&["pagedown", "ctrl-f"], || Action::Page(1), "a page down"),
            key(&["pageup", "ctrl-b"], || Action::Page(-1), "a page up"),
            key(&["enter"], || Action::Enter, "open what is selected"),
            key(&["esc", "backspace"], || Action::Back, "one step back"),
        ],
    },
    Group {
        title: CLOSER,
        bindings: &[
            key(&["/"], || Action::Filter, "filter"),
            key(&["!"], || Action::InvertFilter, "invert the filter"),
            key(&["s"], || Action::NextSort, "sort by the next column"),
            key(&["S"], || Action::ReverseSort, "sort the other way round"),
            key(&["v"], || Action::Toggle, "the view's other shape"),
            key(&["+", "="], || Action::ZoomIn, "shorter time in graphs"),
            key(&["-"], || Action::ZoomOut, "longer time in graphs"),
            key(&["f"], || Action::Follow, "follow the end of the log"),
            key(&["w"], || Action::Wrap, "wrap long lines"),
            key(&["n"], || Action::NextError, "next error"),
            key(&["N"], || Action::PreviousError, "previous error"),
            key(&["y"], || Action::Copy, "copy what is selected"),
        ],
    },
    Group {
        title: "Time: recordings, the demo, the past of a live session",
        bindings: &[
            key(&["space"], || Action::PlayPause, "play or pause"),
            key(&["<"], || Action::Speed(-1), "slower"),
            key(&[">"], || Action::Speed(1), "faster"),
            key(&["["], || Action::Seek(-10), "10 s back"),
            key(&["]"], || Action::Seek(10), "10 s on"),
            key(&["{"], || Action::Seek(-300), "5 min back"),
            key(&["}"], || Action::Seek(300), "5 min on"),
            key(&[","], || Action::SeekMoment(-1), "to the previous event; live: a period back"),
            key(&["."], || Action::SeekMoment(1), "to the next event; live: a period on"),
            key(&["("], || Action::SeekAlert(-1), "to the previous alert"),
            key(&[")"], || Action::SeekAlert(1), "to the next alert"),
            key(&["E"], || Action::SeekProof(-1), "to the previous proof event"),
            key(&["e"], || Action::SeekProof(1), "to the next proof event"),
            key(&["b"], || Action::Loop, "loop: begin here, end here, leave it"),
            key(&["r"], || Action::ToLive, "from the past back to live"),
            key(&["@"], || Action::AskTime, "go to a time"),
        ],
    },
    Group {
        title: "Program",
        bindings: &[
            hinted(&[":"], || Action::Palette, "commands"),
            hinted(&["?"], || Action::Help, "help"),
            key(&["p"], || Action::Launch, "send a test proof"),
            key(&["R"], || Action::RangeProof, "range proof of op-succinct, or its output"),
            key(&["t"], || Action::NextTheme, "next theme"),
            key(&["m"], || Action::ToggleMouse, "free the mouse, to select text"),
            key(&["ctrl-l"], || Action::Redraw, "draw anew"),
            key(&["ctrl-z"], || Action::Suspend, "suspend"),
            hinted(&["q", "ctrl-c"], || Action::Quit, "quit"),
        ],
    },
];

/// Keys, and what they do in words.
pub type KeyRow = (Vec<&'static str>, &'static str);

/// A key as it is shown: arrows and names in short.
#[must_use]
pub fn label(key: &str, unicode: bool) -> String {
    let (up, down, left, right) = if unicode { ("↑", "↓", "←", "→") } else { ("up", "down", "left", "right") };
    match key {
        "up" => up.into(),
        "down" => down.into(),
        "left" => left.into(),
        "right" => right.into(),
        "pageup" => "pgup".into(),
        "pagedown" => "pgdn".into(),
        _ => key.replace("ctrl-", "^"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_parse_have_words_and_are_used_once() {
        let mut seen = std::collections::BTreeSet::new();
        for b in GLOBAL.iter().flat_map(|g| g.bindings) {
            assert!(!b.what.is_empty() && !b.keys.is_empty());
            for k in b.keys {
                assert!(parse_key(k).is_some(), "{k}");
                assert!(seen.insert(*k), "{k} is bound twice");
            }
        }
    }

    #[test]
    fn a_key_is_what_the_terminal_sends() {
        let e = |code, m| KeyEvent::new(code, m);
        assert!(matches("G", &e(KeyCode::Char('G'), KeyModifiers::SHIFT)));
        assert!(matches("?", &e(KeyCode::Char('?'), KeyModifiers::NONE)));
        assert!(matches("ctrl-d", &e(KeyCode::Char('d'), KeyModifiers::CONTROL)));
        assert!(!matches("d", &e(KeyCode::Char('d'), KeyModifiers::CONTROL)));
        assert!(matches("shift-tab", &e(KeyCode::BackTab, KeyModifiers::SHIFT)));
        assert!(matches("-", &e(KeyCode::Char('-'), KeyModifiers::NONE)));
        assert!(!matches("tab", &e(KeyCode::BackTab, KeyModifiers::SHIFT)));
        assert!(parse_key("nonsense").is_none());
    }
}
