//! How many colours a terminal has, and the nearest of them.

use ratatui::style::Color;

/// What a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// No colours at all.
    None,
    /// The sixteen named ones.
    Ansi16,
    /// The xterm palette.
    Ansi256,
    /// Any.
    Full,
}

impl Depth {
    /// What `NO_COLOR`, `COLORTERM` and `TERM` say, in this order. `env` gives
    /// the value of a variable.
    #[must_use]
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name| env(name).unwrap_or_default().to_ascii_lowercase();
        if !get("NO_COLOR").is_empty() {
            return Self::None;
        }
        let term = get("TERM");
        if matches!(term.as_str(), "dumb" | "vt100" | "vt102" | "vt220") {
            return Self::None;
        }
        if matches!(get("COLORTERM").as_str(), "truecolor" | "24bit") || term.ends_with("-direct") {
            return Self::Full;
        }
        if ["kitty", "ghostty", "alacritty", "wezterm", "foot", "contour"].iter().any(|t| term.contains(t)) {
            return Self::Full;
        }
        if term.contains("256") { Self::Ansi256 } else { Self::Ansi16 }
    }

    /// The colour of this depth that is nearest to `colour`.
    #[must_use]
    pub fn reduce(self, colour: Color) -> Color {
        match (self, colour) {
            (Self::None, _) => Color::Reset,
            (Self::Ansi256, Color::Rgb(r, g, b)) => Color::Indexed(nearest_256(r, g, b)),
            (Self::Ansi16, Color::Rgb(r, g, b)) => nearest_16(r, g, b),
            (Self::Ansi16, Color::Indexed(i)) if i > 15 => {
                let (r, g, b) = of_256(i);
                nearest_16(r, g, b)
            }
            _ => colour,
        }
    }
}

const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The red, green and blue of one of the colours from 16 to 255.
fn of_256(i: u8) -> (u8, u8, u8) {
    if i >= 232 {
        let v = 8 + (i - 232) * 10;
        return (v, v, v);
    }
    let i = usize::from(i.saturating_sub(16));
    (STEPS[i / 36 % 6], STEPS[i / 6 % 6], STEPS[i % 6])
}

/// Nearness as eyes see it, cheaply ("redmean").
fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> i32 {
    let mean = i32::midpoint(i32::from(a.0), i32::from(b.0));
    let (r, g, b) = (i32::from(a.0) - i32::from(b.0), i32::from(a.1) - i32::from(b.1), i32::from(a.2) - i32::from(b.2));
    (((512 + mean) * r * r) >> 8) + 4 * g * g + (((767 - mean) * b * b) >> 8)
}

fn nearest_256(r: u8, g: u8, b: u8) -> u8 {
    (16..=255).min_by_key(|i| distance(of_256(*i), (r, g, b))).unwrap_or(15)
}

fn nearest_16(r: u8, g: u8, b: u8) -> Color {
    use Color as C;
    // By hue and lightness: the actual sixteen differ from terminal to terminal.
    let (max, min) = (r.max(g).max(b), r.min(g).min(b));
    if max - min < 48 || u16::from(max - min) * 4 < u16::from(max) {
        return match max {
            0..=69 => C::Black,
            70..=169 => C::DarkGray,
            170..=219 => C::Gray,
            _ => C::White,
        };
    }
    let (r, g, b, top) = (f32::from(r), f32::from(g), f32::from(b), f32::from(max));
    let span = top - f32::from(min);
    let hue = if top <= r {
        60.0 * ((g - b) / span).rem_euclid(6.0)
    } else if top <= g {
        60.0 * ((b - r) / span + 2.0)
    } else {
        60.0 * ((r - g) / span + 4.0)
    };
    let light = max > 230;
    match hue {
        25.0..75.0 => {
            if light {
                C::LightYellow
            } else {
                C::Yellow
            }
        }
        75.0..160.0 => {
            if light {
                C::LightGreen
            } else {
                C::Green
            }
        }
        160.0..195.0 => {
            if light {
                C::LightCyan
            } else {
                C::Cyan
            }
        }
        195.0..250.0 => {
            if light {
                C::LightBlue
            } else {
                C::Blue
            }
        }
        250.0..335.0 => {
            if light {
                C::LightMagenta
            } else {
                C::Magenta
            }
        }
        _ => {
            if light {
                C::LightRed
            } else {
                C::Red
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_told_by_their_environment() {
        let d = |vars: &[(&str, &str)]| Depth::detect(|n| vars.iter().find(|(k, _)| *k == n).map(|(_, v)| (*v).to_owned()));
        assert_eq!(d(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Depth::Full);
        assert_eq!(d(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("NO_COLOR", "1")]), Depth::None);
        assert_eq!(d(&[("TERM", "xterm-256color"), ("NO_COLOR", "")]), Depth::Ansi256);
        assert_eq!(d(&[("TERM", "screen")]), Depth::Ansi16);
        assert_eq!(d(&[("TERM", "linux")]), Depth::Ansi16);
        assert_eq!(d(&[("TERM", "xterm-kitty")]), Depth::Full);
        assert_eq!(d(&[("TERM", "dumb")]), Depth::None);
        assert_eq!(d(&[]), Depth::Ansi16);
    }

    #[test]
    fn the_nearest_colours() {
        assert_eq!(Depth::Ansi256.reduce(Color::Rgb(255, 0, 0)), Color::Indexed(196));
        assert_eq!(Depth::Ansi256.reduce(Color::Rgb(8, 8, 8)), Color::Indexed(232));
        assert_eq!(Depth::Ansi16.reduce(Color::Rgb(124, 196, 138)), Color::Green);
        assert_eq!(Depth::Ansi16.reduce(Color::Rgb(239, 111, 112)), Color::LightRed);
        assert_eq!(Depth::Ansi16.reduce(Color::Rgb(19, 22, 28)), Color::Black);
        assert_eq!(Depth::Full.reduce(Color::Rgb(1, 2, 3)), Color::Rgb(1, 2, 3));
    }
}
