//! From buffers to bytes: only what changed, in one piece.

use std::io::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

/// What the terminal shows, and what is drawn next.
pub struct Screen {
    shown: Buffer,
    next: Buffer,
    /// Nothing is known of what the terminal shows.
    stale: bool,
    out: Vec<u8>,
}

/// The style of the pen.
#[derive(Clone, Copy, PartialEq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

impl Screen {
    /// A screen of so many columns and rows, of which nothing is known.
    #[must_use]
    pub fn new(width: u16, height: u16) -> Self {
        let area = Rect::new(0, 0, width, height);
        Self { shown: Buffer::empty(area), next: Buffer::empty(area), stale: true, out: Vec::new() }
    }

    /// The terminal has another size.
    pub fn resize(&mut self, width: u16, height: u16) {
        *self = Self { out: std::mem::take(&mut self.out), ..Self::new(width, height) };
    }

    /// Everything has to be drawn anew.
    pub fn invalidate(&mut self) {
        self.stale = true;
    }

    /// Draws a frame and returns the bytes that show it; none when nothing
    /// changed.
    pub fn frame(&mut self, draw: impl FnOnce(&mut Buffer)) -> &[u8] {
        self.next.reset();
        draw(&mut self.next);
        self.out.clear();
        if self.stale {
            self.shown.reset();
        }
        let mut pen = PLAIN;
        // Where the terminal's cursor is, while that is certain.
        let mut cursor: Option<(u16, u16)> = None;
        let begin: &[u8] = if self.stale { b"\x1b[?2026h\x1b[0m\x1b[2J" } else { b"\x1b[?2026h\x1b[0m" };
        self.out.extend_from_slice(begin);
        for (x, y, cell) in self.shown.diff_iter(&self.next) {
            move_to(&mut self.out, cursor, x, y);
            style(&mut self.out, &mut pen, cell);
            let symbol = cell.symbol();
            self.out.extend_from_slice(symbol.as_bytes());
            cursor = after(symbol, x, y);
        }
        let nothing = self.out.len() == begin.len() && !self.stale;
        std::mem::swap(&mut self.shown, &mut self.next);
        self.stale = false;
        if nothing {
            self.out.clear();
            return &self.out;
        }
        self.out.extend_from_slice(b"\x1b[0m\x1b[?2026l");
        &self.out
    }
}

/// Text in a style, for a terminal, outside of the dashboard.
#[must_use]
pub fn styled(text: &str, look: ratatui::style::Style) -> String {
    let mut cell = Cell::default();
    cell.set_style(look);
    let mut out = Vec::new();
    let mut pen = PLAIN;
    style(&mut out, &mut pen, &cell);
    format!("{}{text}\x1b[0m", String::from_utf8_lossy(&out))
}

fn move_to(out: &mut Vec<u8>, cursor: Option<(u16, u16)>, x: u16, y: u16) {
    // Writing to a Vec cannot fail.
    let _ = match cursor {
        Some(at) if at == (x, y) => Ok(()),
        Some((cx, cy)) if cy == y && cx < x => write!(out, "\x1b[{}C", x - cx),
        _ => write!(out, "\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1),
    };
}

/// Where the cursor is after a symbol, if all terminals agree on its width.
fn after(symbol: &str, x: u16, y: u16) -> Option<(u16, u16)> {
    let mut chars = symbol.chars();
    let (c, more) = (chars.next()?, chars.next().is_some());
    // ASCII, a little punctuation, braille and box drawing are one column wide
    // everywhere that matters.
    let certain = !more
        && (c.is_ascii()
            || matches!(c, '·' | '–' | '…')
            || ('\u{2800}'..='\u{28ff}').contains(&c)
            || ('\u{2500}'..='\u{259f}').contains(&c));
    certain.then(|| (x + u16::try_from(symbol.width()).unwrap_or(1), y))
}

fn style(out: &mut Vec<u8>, pen: &mut Pen, cell: &Cell) {
    let want = Pen { fg: cell.fg, bg: cell.bg, modifier: cell.modifier };
    if *pen == want {
        return;
    }
    out.extend_from_slice(b"\x1b[");
    let start = out.len();
    if !(pen.modifier - want.modifier).is_empty() {
        out.extend_from_slice(b"0;");
        *pen = PLAIN;
    }
    let more = want.modifier - pen.modifier;
    for (m, code) in [
        (Modifier::BOLD, &b"1;"[..]),
        (Modifier::DIM, b"2;"),
        (Modifier::ITALIC, b"3;"),
        (Modifier::UNDERLINED, b"4;"),
        (Modifier::REVERSED, b"7;"),
        (Modifier::CROSSED_OUT, b"9;"),
    ] {
        if more.contains(m) {
            out.extend_from_slice(code);
        }
    }
    if pen.fg != want.fg {
        colour(out, want.fg, 30);
    }
    if pen.bg != want.bg {
        colour(out, want.bg, 40);
    }
    if out.len() > start {
        out.pop();
    }
    out.push(b'm');
    *pen = want;
}

/// The codes of a colour; `base` is 30 for text and 40 for its ground.
fn colour(out: &mut Vec<u8>, colour: Color, base: u8) {
    let named = |n: u8| base + n;
    let bright = |n: u8| base + 60 + n;
    let code = match colour {
        Color::Reset => base + 9,
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(n) => {
            let _ = write!(out, "{};5;{n};", base + 8);
            return;
        }
        Color::Rgb(r, g, b) => {
            let _ = write!(out, "{};2;{r};{g};{b};", base + 8);
            return;
        }
    };
    let _ = write!(out, "{code};");
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    /// What a real terminal emulator shows after these bytes.
    fn shows(parser: &mut vt100::Parser, bytes: &[u8]) -> String {
        parser.process(bytes);
        parser.screen().contents().lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }

    #[test]
    fn a_terminal_shows_what_was_drawn() {
        let mut terminal = vt100::Parser::new(4.try_into().unwrap(), 12.try_into().unwrap(), 0);
        let mut screen = Screen::new(12, 4);
        let red = Style::new().fg(Color::Red).bg(Color::Rgb(1, 2, 3)).add_modifier(Modifier::BOLD);
        let bytes = screen.frame(|b| {
            b.set_string(0, 0, "hello world", Style::new());
            b.set_string(2, 1, "コン▶x", red);
        });
        assert_eq!(shows(&mut terminal, bytes), "hello world\n  コン▶x");
        let cell = terminal.screen().cell(1, 2).unwrap();
        assert_eq!((cell.fgcolor(), cell.bgcolor(), cell.bold()), (vt100::Color::Idx(1), vt100::Color::Rgb(1, 2, 3), true));
        let bytes = screen
            .frame(|b| {
                b.set_string(0, 0, "hello there", Style::new());
                b.set_string(2, 1, "コaa", Style::new());
            })
            .to_vec();
        assert_eq!(shows(&mut terminal, &bytes), "hello there\n  コaa");
        assert!(bytes.len() < 80, "{}", bytes.escape_ascii());
        let cell = terminal.screen().cell(1, 2).unwrap();
        assert_eq!((cell.fgcolor(), cell.bold()), (vt100::Color::Default, false));
    }

    #[test]
    fn nothing_new_is_nothing_written() {
        let mut screen = Screen::new(20, 2);
        let draw = |b: &mut Buffer| {
            b.set_string(0, 0, "same", Style::new());
        };
        assert!(!screen.frame(draw).is_empty());
        assert!(screen.frame(draw).is_empty());
        screen.invalidate();
        assert!(!screen.frame(draw).is_empty());
        screen.resize(10, 1);
        assert!(!screen.frame(draw).is_empty());
        assert!(screen.frame(draw).is_empty());
    }
}
