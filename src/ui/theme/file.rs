//! Theme files: `role = "bold red on #202020"`.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use super::{Role, Theme};
use crate::base::TaskType;

/// The themes that come with the program, the default first: name and text.
pub const SHIPPED: &[(&str, &str)] = &[
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("colour-blind-safe", include_str!("../../../themes/colour-blind-safe.toml")),
    ("ansi16", include_str!("../../../themes/ansi16.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default)]
    about: String,
    /// The shipped theme that gives what this file leaves out.
    inherits: Option<String>,
    base: Option<String>,
    #[serde(default)]
    palette: BTreeMap<String, String>,
    #[serde(default)]
    roles: BTreeMap<String, String>,
    #[serde(default)]
    tasks: BTreeMap<String, String>,
    #[serde(default)]
    proofs: ProofColours,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct ProofColours {
    colours: Vec<String>,
}

impl Theme {
    /// The shipped theme of that name.
    #[must_use]
    pub fn shipped(name: &str) -> Option<Self> {
        SHIPPED.iter().find(|(n, _)| *n == name).and_then(|(_, text)| Self::parse(text).ok())
    }

    /// Reads a theme file. What it leaves out is taken from the shipped theme
    /// that it `inherits`, or from the default one. The error is for a person:
    /// what is wrong and what there is.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|e| e.to_string().trim_end().to_owned())?;
        let mut theme = match &file.inherits {
            Some(n) => Self::shipped(n)
                .filter(|_| *n != file.name)
                .ok_or_else(|| format!("inherits = \"{n}\": no such theme; there are {}", list(SHIPPED.iter().map(|(n, _)| *n))))?,
            None if SHIPPED.iter().any(|(_, t)| *t == text) => Self::plain(),
            None => Self::default(),
        };
        if let Some(n) = file.palette.keys().find(|n| ATTRIBUTES.iter().any(|(a, _)| a == n) || *n == "on") {
            return Err(format!("[palette] {n}: that word is taken by an attribute; choose another"));
        }
        theme.name.clone_from(&file.name);
        theme.about = file.about;
        let style = |at: &str, text: &str| parse_style(text, &file.palette).map_err(|e| format!("{at} = \"{text}\": {e}"));
        if let Some(base) = &file.base {
            theme.base = style("base", base)?;
        }
        for (name, text) in &file.roles {
            let role = Role::ALL
                .into_iter()
                .find(|r| r.name() == name)
                .ok_or_else(|| format!("[roles] has no '{name}'; there are {}", list(Role::ALL.iter().map(|r| r.name()))))?;
            theme.roles[role as usize] = style(name, text)?;
        }
        for (name, text) in &file.tasks {
            let i = TaskType::KNOWN
                .iter()
                .position(|t| t.as_str() == name)
                .or_else(|| (name == "unknown").then_some(TaskType::KNOWN.len()))
                .ok_or_else(|| {
                    format!("[tasks] has no '{name}'; there are {}, unknown", list(TaskType::KNOWN.iter().map(TaskType::as_str)))
                })?;
            theme.tasks[i] = style(name, text)?;
        }
        if !file.proofs.colours.is_empty() {
            theme.proofs = file.proofs.colours.iter().map(|c| style("colours", c)).collect::<Result<_, _>>()?;
        }
        Ok(theme)
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

const ATTRIBUTES: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
];

/// `bold underline red on #202020`: attributes and colours in any order, the
/// ground behind `on`.
fn parse_style(text: &str, palette: &BTreeMap<String, String>) -> Result<Style, String> {
    let mut style = Style::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if let Some((_, modifier)) = ATTRIBUTES.iter().find(|(a, _)| *a == word) {
            style = style.add_modifier(*modifier);
        } else if word == "on" {
            let word = words.next().ok_or("a colour must follow 'on'")?;
            style.bg = Some(parse_colour(word, palette)?);
        } else {
            style.fg = Some(parse_colour(word, palette)?);
        }
    }
    Ok(style)
}

fn parse_colour(word: &str, palette: &BTreeMap<String, String>) -> Result<Color, String> {
    let word = palette.get(word).map_or(word, String::as_str);
    if let Some(hex) = word.strip_prefix('#') {
        if hex.len() == 6
            && let Ok(n) = u32::from_str_radix(hex, 16)
        {
            let [_, r, g, b] = n.to_be_bytes();
            return Ok(Color::Rgb(r, g, b));
        }
        return Err(format!("'{word}' is not a colour like #7cc48a"));
    }
    if let Ok(n) = word.parse::<u8>() {
        return Ok(Color::Indexed(n));
    }
    Ok(match word {
        "default" => Color::Reset,
        "black" => Color::Black,
        "red" => Color::Red,
        "green" => Color::Green,
        "yellow" => Color::Yellow,
        "blue" => Color::Blue,
        "magenta" => Color::Magenta,
        "cyan" => Color::Cyan,
        "white" => Color::Gray,
        "bright-black" => Color::DarkGray,
        "bright-red" => Color::LightRed,
        "bright-green" => Color::LightGreen,
        "bright-yellow" => Color::LightYellow,
        "bright-blue" => Color::LightBlue,
        "bright-magenta" => Color::LightMagenta,
        "bright-cyan" => Color::LightCyan,
        "bright-white" => Color::White,
        _ => {
            return Err(format!(
                "'{word}' is neither an attribute (bold, dim, italic, underline, reverse) nor a colour: #rrggbb, 0 to 255, default, \
                 black, red, green, yellow, blue, magenta, cyan, white, bright-…, or a name from [palette]"
            ));
        }
    })
}
