//! Screens as pictures: the buffer that would go to a terminal as SVG, as text,
//! and as the bytes of an asciicast.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

/// Size of a cell in the picture's units, for a 14-unit monospaced font.
const CELL: (f64, f64) = (8.4, 17.0);
/// Room around the screen.
const MARGIN: f64 = 10.0;

/// The characters, without blanks at the ends of lines.
#[must_use]
pub fn text(buf: &Buffer) -> String {
    let mut out = String::new();
    for y in buf.area.top()..buf.area.bottom() {
        let mut line = String::new();
        let mut x = buf.area.left();
        while x < buf.area.right() {
            let symbol = buf[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(symbol.width().max(1)).unwrap_or(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// One run of cells that look alike.
struct Run<'a> {
    x: u16,
    width: u16,
    text: String,
    cell: &'a Cell,
}

fn alike(a: &Cell, b: &Cell) -> bool {
    (a.fg, a.bg, a.modifier) == (b.fg, b.bg, b.modifier)
}

fn runs(buf: &Buffer, y: u16) -> Vec<Run<'_>> {
    let mut out: Vec<Run<'_>> = Vec::new();
    let mut x = buf.area.left();
    while x < buf.area.right() {
        let cell = &buf[(x, y)];
        let width = u16::try_from(cell.symbol().width().max(1)).unwrap_or(1);
        match out.last_mut() {
            Some(r) if alike(r.cell, cell) => {
                r.text.push_str(cell.symbol());
                r.width += width;
            }
            _ => out.push(Run { x: x - buf.area.left(), width, text: cell.symbol().to_owned(), cell }),
        }
        x += width;
    }
    out
}

/// The picture; `colours` are those of the terminal's own text and ground.
#[must_use]
pub fn svg(buf: &Buffer, colours: (Color, Color)) -> String {
    let (w, h) = (f64::from(buf.area.width) * CELL.0, f64::from(buf.area.height) * CELL.1);
    let (full_w, full_h) = (w + 2.0 * MARGIN, h + 2.0 * MARGIN);
    let ground = hex(colours.1, "#101014");
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {full_w:.0} {full_h:.0}\" width=\"{full_w:.0}\" height=\"{full_h:.0}\" \
         font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{ground}\"/>\n"
    );
    let mut texts = String::new();
    for y in buf.area.top()..buf.area.bottom() {
        let top = MARGIN + f64::from(y - buf.area.top()) * CELL.1;
        for r in runs(buf, y) {
            let (mut fg, mut bg) = (hex(r.cell.fg, &hex(colours.0, "#d0d0d0")), hex(r.cell.bg, &ground));
            if r.cell.modifier.contains(Modifier::REVERSED) {
                std::mem::swap(&mut fg, &mut bg);
            }
            let (x, width) = (MARGIN + f64::from(r.x) * CELL.0, f64::from(r.width) * CELL.0);
            if bg != ground {
                let _ = writeln!(out, "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{bg}\"/>", CELL.1);
            }
            if r.text.trim().is_empty() {
                continue;
            }
            let mut style = String::new();
            for (m, s) in [
                (Modifier::BOLD, " font-weight=\"bold\""),
                (Modifier::ITALIC, " font-style=\"italic\""),
                (Modifier::UNDERLINED, " text-decoration=\"underline\""),
                (Modifier::DIM, " opacity=\"0.6\""),
            ] {
                if r.cell.modifier.contains(m) {
                    style.push_str(s);
                }
            }
            // The length holds columns in line whatever font there is.
            let _ = writeln!(
                texts,
                "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{fg}\" xml:space=\"preserve\"{style}>{}</text>",
                top + 13.0,
                escape(&r.text)
            );
        }
    }
    out.push_str(&texts);
    out.push_str("</svg>\n");
    out
}

/// Text within XML.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn hex(colour: Color, other: &str) -> String {
    let named = |n: usize| {
        const ANSI: [&str; 16] = [
            "#15161e", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf", "#5c6370", "#ff7b86", "#a9d689",
            "#f0d197", "#7fc1ff", "#d898ee", "#70cbd6", "#ffffff",
        ];
        ANSI[n].to_owned()
    };
    match colour {
        Color::Reset => other.to_owned(),
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => named(8),
        Color::LightRed => named(9),
        Color::LightGreen => named(10),
        Color::LightYellow => named(11),
        Color::LightBlue => named(12),
        Color::LightMagenta => named(13),
        Color::LightCyan => named(14),
        Color::White => named(15),
        Color::Indexed(n) => indexed(n),
    }
}

/// The 256 colours of xterm.
fn indexed(n: u8) -> String {
    match n {
        0..16 => hex(
            [
                Color::Black,
                Color::Red,
                Color::Green,
                Color::Yellow,
                Color::Blue,
                Color::Magenta,
                Color::Cyan,
                Color::Gray,
                Color::DarkGray,
                Color::LightRed,
                Color::LightGreen,
                Color::LightYellow,
                Color::LightBlue,
                Color::LightMagenta,
                Color::LightCyan,
                Color::White,
            ][usize::from(n)],
            "",
        ),
        16..232 => {
            let level = |v: u8| if v == 0 { 0 } else { 55 + v * 40 };
            let n = n - 16;
            format!("#{:02x}{:02x}{:02x}", level(n / 36), level(n / 6 % 6), level(n % 6))
        }
        232..=255 => {
            let v = 8 + (n - 232) * 10;
            format!("#{v:02x}{v:02x}{v:02x}")
        }
    }
}

/// A recording of a terminal (asciicast, version 2): frames with their times in
/// seconds.
#[derive(Debug)]
pub struct Cast {
    out: String,
}

impl Cast {
    /// An empty one for a screen of that size.
    #[must_use]
    pub fn new(width: u16, height: u16, title: &str) -> Self {
        let head = serde_json::json!({"version": 2, "width": width, "height": height, "title": title, "env": {"TERM": "xterm-256color"}});
        Self { out: format!("{head}\n") }
    }

    /// What the terminal is sent at that time.
    pub fn push(&mut self, seconds: f64, bytes: &[u8]) {
        let event = serde_json::json!([(seconds * 1000.0).round() / 1000.0, "o", String::from_utf8_lossy(bytes)]);
        let _ = writeln!(self.out, "{event}");
    }

    /// The file.
    #[must_use]
    pub fn finish(self) -> String {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn a_picture_has_every_word_and_colour() {
        let mut b = Buffer::empty(Rect::new(0, 0, 12, 2));
        b.set_string(0, 0, "a <b> & c", Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
        b.set_string(2, 1, "コx", Style::new().bg(Color::Rgb(1, 2, 3)));
        assert_eq!(text(&b), "a <b> & c\n  コx\n");
        let s = svg(&b, (Color::Reset, Color::Reset));
        assert!(s.contains(">a &lt;b&gt; &amp; c</text>") && s.contains("font-weight=\"bold\"") && s.contains("#010203"), "{s}");
        assert_eq!(indexed(196), "#ff0000");
        let mut c = Cast::new(12, 2, "t");
        c.push(0.5, b"\x1b[0mx");
        assert_eq!(c.finish().lines().nth(1), Some("[0.5,\"o\",\"\\u001b[0mx\"]"));
    }
}
