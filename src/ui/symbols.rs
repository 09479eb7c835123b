//! Marks and lines, for terminals with and without Unicode.

use ratatui::symbols::border;

use super::keymap::{self, Keymap};

/// Everything drawn that is not text.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbols {
    /// False for terminals without Unicode.
    pub unicode: bool,
    /// Borders of panels.
    pub border: border::Set<'static>,
    /// Where a line within meets the left and the right border.
    pub tees: (&'static str, &'static str),
    /// A vertical bar's levels, from empty to full.
    pub bars: &'static [&'static str],
    /// A horizontal bar's full and empty cell.
    pub gauge: (&'static str, &'static str),
    /// A task's cell on the map.
    pub cell: &'static str,
    /// Live, late, lost.
    pub dots: (&'static str, &'static str, &'static str),
    /// Done, failed, running, pending.
    pub marks: (&'static str, &'static str, &'static str, &'static str),
    /// Ascending and descending.
    pub sort: (&'static str, &'static str),
    /// What stands for cut text.
    pub ellipsis: &'static str,
    /// Between words of a line.
    pub separator: &'static str,
    /// Play and pause.
    pub play: (&'static str, &'static str),
    /// The selected row's marker.
    pub pointer: &'static str,
    /// Before alerts: critical, warning, info.
    pub alerts: (&'static str, &'static str, &'static str),
    /// A handle on a line, such as the place in a recording.
    pub knob: &'static str,
    /// A mark on a line, such as a bad moment in a recording.
    pub notch: &'static str,
    /// Between the steps of a path.
    pub step: &'static str,
    /// The part of a scroll bar that is shown, and the rest.
    pub scroll: (&'static str, &'static str),
    /// The keys as the user has them, for hints and help.
    pub keys: &'static Keymap,
}

impl Symbols {
    /// For terminals with Unicode.
    #[must_use]
    pub const fn unicode() -> Self {
        Self {
            unicode: true,
            border: border::ROUNDED,
            tees: ("├", "┤"),
            bars: &[" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
            gauge: ("━", "─"),
            cell: "■",
            dots: ("●", "◐", "○"),
            marks: ("✓", "✗", "▶", "·"),
            sort: ("▲", "▼"),
            ellipsis: "…",
            separator: "·",
            play: ("▶", "‖"),
            pointer: "▌",
            alerts: ("✗", "!", "i"),
            knob: "●",
            notch: "╿",
            step: "›",
            scroll: ("┃", "│"),
            keys: &keymap::DEFAULT,
        }
    }

    /// For those without.
    #[must_use]
    pub const fn ascii() -> Self {
        Self {
            unicode: false,
            border: border::Set {
                top_left: "+",
                top_right: "+",
                bottom_left: "+",
                bottom_right: "+",
                vertical_left: "|",
                vertical_right: "|",
                horizontal_top: "-",
                horizontal_bottom: "-",
            },
            tees: ("+", "+"),
            bars: &[" ", ".", ":", "|", "#"],
            gauge: ("=", "-"),
            cell: "#",
            dots: ("*", "~", "o"),
            marks: ("+", "x", ">", "."),
            sort: ("^", "v"),
            ellipsis: "~",
            separator: "-",
            play: (">", "="),
            pointer: ">",
            alerts: ("x", "!", "i"),
            knob: "O",
            notch: "!",
            step: ">",
            scroll: ("#", "|"),
            keys: &keymap::DEFAULT,
        }
    }
}
