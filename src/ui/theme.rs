//! Colours by what they mean. Themes are TOML files; see `themes/`.

mod depth;
mod file;

use ratatui::style::{Color, Modifier, Style};

pub use depth::Depth;
pub use file::SHIPPED;

use crate::base::TaskType;

/// What a style is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Less important text: labels, units, what is old.
    Dim,
    /// Titles of panels.
    Title,
    /// Borders of panels.
    Border,
    /// The border of the panel that has the keys.
    BorderFocus,
    /// Column headers.
    Header,
    /// The selected row.
    Selected,
    /// The selected row of a list that does not have the keys.
    SelectedDim,
    /// What a search matched.
    Match,
    /// A tab of the tab bar.
    Tab,
    /// The tab that is shown.
    TabActive,
    /// The top line.
    Bar,
    /// A key in a hint.
    Key,
    /// Something is as it should be.
    Good,
    /// Something needs an eye.
    Warn,
    /// Something is wrong.
    Bad,
    /// An alarm, in reverse.
    Alarm,
    /// News without judgement.
    Info,
    /// Emphasis.
    Accent,
    /// Bars and graphs of CPU things.
    Cpu,
    /// Bars and graphs of GPU things.
    Gpu,
    /// The empty part of a bar; grid lines.
    Faint,
    /// TRACE and DEBUG lines.
    LogDebug,
    /// Targets and times of log lines.
    LogMeta,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::Text,
        Self::Dim,
        Self::Title,
        Self::Border,
        Self::BorderFocus,
        Self::Header,
        Self::Selected,
        Self::SelectedDim,
        Self::Match,
        Self::Tab,
        Self::TabActive,
        Self::Bar,
        Self::Key,
        Self::Good,
        Self::Warn,
        Self::Bad,
        Self::Alarm,
        Self::Info,
        Self::Accent,
        Self::Cpu,
        Self::Gpu,
        Self::Faint,
        Self::LogDebug,
        Self::LogMeta,
    ];

    /// Its name in theme files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Dim => "dim",
            Self::Title => "title",
            Self::Border => "border",
            Self::BorderFocus => "border-focus",
            Self::Header => "header",
            Self::Selected => "selected",
            Self::SelectedDim => "selected-dim",
            Self::Match => "match",
            Self::Tab => "tab",
            Self::TabActive => "tab-active",
            Self::Bar => "bar",
            Self::Key => "key",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Alarm => "alarm",
            Self::Info => "info",
            Self::Accent => "accent",
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::Faint => "faint",
            Self::LogDebug => "log-debug",
            Self::LogMeta => "log-meta",
        }
    }
}

/// Styles for every role, task type and for telling proofs apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// One line about it.
    pub about: String,
    base: Style,
    roles: [Style; Role::ALL.len()],
    tasks: [Style; TaskType::KNOWN.len() + 1],
    proofs: Vec<Style>,
}

impl Default for Theme {
    /// The first shipped theme.
    fn default() -> Self {
        SHIPPED.first().and_then(|(_, text)| Self::parse(text).ok()).unwrap_or_else(Self::plain)
    }
}

impl Theme {
    /// A theme without any colour: attributes only (`NO_COLOR`).
    #[must_use]
    pub fn plain() -> Self {
        use Modifier as M;
        let mut t = Self {
            name: "plain".into(),
            about: "no colours, only bold, dim and reverse".into(),
            base: Style::new(),
            roles: [Style::new(); Role::ALL.len()],
            tasks: [Style::new(); TaskType::KNOWN.len() + 1],
            proofs: vec![Style::new()],
        };
        for (roles, m) in [
            (&[Role::Title, Role::Header, Role::Key, Role::Accent, Role::Warn, Role::Bad][..], M::BOLD),
            (&[Role::Dim, Role::Faint, Role::LogDebug, Role::LogMeta, Role::Border][..], M::DIM),
            (&[Role::Selected, Role::TabActive, Role::Alarm, Role::Match][..], M::REVERSED),
            (&[Role::SelectedDim][..], M::UNDERLINED),
        ] {
            for r in roles {
                t.roles[*r as usize] = Style::new().add_modifier(m);
            }
        }
        t
    }

    /// What lies under everything: the colours of the ground and of plain text.
    #[must_use]
    pub const fn base(&self) -> Style {
        self.base
    }

    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.roles[role as usize]
    }

    /// The style of a task type; for `None` that of unknown ones.
    #[must_use]
    pub fn task(&self, kind: Option<&TaskType>) -> Style {
        self.tasks[kind.map_or(TaskType::KNOWN.len(), TaskType::index)]
    }

    /// A style to tell the `n`-th proof from others.
    #[must_use]
    pub fn proof(&self, ordinal: u32) -> Style {
        self.proofs.get(ordinal as usize % self.proofs.len().max(1)).copied().unwrap_or_default()
    }

    /// The theme as a terminal with fewer colours can show it.
    #[must_use]
    pub fn reduced(&self, depth: Depth) -> Self {
        if depth == Depth::None {
            return Self { name: self.name.clone(), about: self.about.clone(), ..Self::plain() };
        }
        let mut t = self.clone();
        let reduce = |s: &mut Style| {
            s.fg = s.fg.map(|c| depth.reduce(c));
            s.bg = s.bg.map(|c| depth.reduce(c));
        };
        reduce(&mut t.base);
        t.roles.iter_mut().chain(&mut t.tasks).chain(&mut t.proofs).for_each(reduce);
        if depth == Depth::Ansi16 {
            // Sixteen colours have no shades: what was set off by its ground is
            // set off by its attributes.
            let bold = Modifier::REVERSED | Modifier::BOLD;
            for (role, m) in [(Role::Selected, bold), (Role::TabActive, bold), (Role::SelectedDim, Modifier::UNDERLINED)] {
                t.roles[role as usize] = Style::new().add_modifier(m);
            }
            let ground = t.base.bg.unwrap_or(Color::Reset);
            for role in [Role::Match, Role::Alarm] {
                let s = &mut t.roles[role as usize];
                if s.bg.unwrap_or(ground) == ground {
                    *s = s.add_modifier(Modifier::REVERSED);
                }
            }
        }
        t
    }
}

#[cfg(test)]
mod tests;
