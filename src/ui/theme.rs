//! Colours by what they mean. Themes are TOML files; see `themes/`.

use ratatui::style::Style;

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
}

/// Styles for every role, task type and for telling proofs apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// One line about it.
    pub about: String,
    roles: [Style; Role::ALL.len()],
    tasks: [Style; TaskType::KNOWN.len() + 1],
    proofs: Vec<Style>,
}

impl Theme {
    /// A theme without any colour: attributes only (`NO_COLOR`).
    #[must_use]
    pub fn plain() -> Self {
        use ratatui::style::Modifier as M;
        let mut t = Self {
            name: "plain".into(),
            about: "no colours, only bold, dim and reverse".into(),
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
    pub fn proof(&self, n: usize) -> Style {
        self.proofs.get(n % self.proofs.len().max(1)).copied().unwrap_or_default()
    }
}
