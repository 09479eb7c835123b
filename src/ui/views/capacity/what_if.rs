//! The settings, as they are and as they might be.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::TaskType;
use crate::capacity::{Capacity, Origin, Setup};
use crate::ui::views::common::{Title, unknown};
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::table::{Column, TableState};
use crate::ui::{Ctx, Role};

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Weight of a Controller.
    Controller,
    /// Weight of a CoreExecute.
    CoreExecute,
    /// Weight of a PlonkWrap.
    PlonkWrap,
    /// Weight of a Groth16Wrap.
    Groth16Wrap,
    /// Maximum weight of a CPU worker.
    Max,
    /// CPU workers.
    Nodes,
    /// Memory limit of each.
    Memory,
    /// Proofs at once.
    AtOnce,
}

/// All of them, as they are listed.
pub const FIELDS: [Field; 8] =
    [Field::Controller, Field::CoreExecute, Field::PlonkWrap, Field::Groth16Wrap, Field::Max, Field::Nodes, Field::Memory, Field::AtOnce];

/// The columns.
pub const COLUMNS: [Column; 4] = [
    Column::text("setting", 18, 18, 255).unsorted(),
    Column::number("now", 4, 254).unsorted(),
    Column::number("if", 4, 253).unsorted(),
    Column::text("from", 4, 24, 2).flex(1).unsorted(),
];

impl Field {
    const fn name(self) -> &'static str {
        match self {
            Self::Controller => "Controller weight",
            Self::CoreExecute => "CoreExecute weight",
            Self::PlonkWrap => "PlonkWrap weight",
            Self::Groth16Wrap => "Groth16Wrap weight",
            Self::Max => "maximum weight",
            Self::Nodes => "cpu-nodes",
            Self::Memory => "memory limit, GiB",
            Self::AtOnce => "proofs at once",
        }
    }

    fn of(self, s: &Setup) -> Option<u32> {
        Some(match self {
            Self::Controller => s.controller,
            Self::CoreExecute => s.core_execute,
            Self::PlonkWrap => s.plonk_wrap,
            Self::Groth16Wrap => s.groth16_wrap,
            Self::Max => s.max,
            Self::Nodes => s.nodes,
            Self::Memory => return s.memory_limit,
            Self::AtOnce => s.at_once,
        })
    }

    const fn set(self, s: &mut Setup, value: u32) {
        match self {
            Self::Controller => s.controller = value,
            Self::CoreExecute => s.core_execute = value,
            Self::PlonkWrap => s.plonk_wrap = value,
            Self::Groth16Wrap => s.groth16_wrap = value,
            Self::Max => s.max = value,
            Self::Nodes => s.nodes = value,
            Self::Memory => s.memory_limit = Some(value),
            Self::AtOnce => s.at_once = value,
        }
    }

    /// The least that makes sense.
    const fn least(self) -> u32 {
        match self {
            Self::Nodes | Self::AtOnce | Self::Memory => 1,
            _ => 0,
        }
    }

    const fn kind(self) -> Option<TaskType> {
        match self {
            Self::Controller => Some(TaskType::Controller),
            Self::CoreExecute => Some(TaskType::CoreExecute),
            Self::PlonkWrap => Some(TaskType::PlonkWrap),
            Self::Groth16Wrap => Some(TaskType::Groth16Wrap),
            _ => None,
        }
    }

    /// How the value is known.
    fn origin(self, c: &Capacity) -> String {
        if let Some(w) = self.kind().and_then(|k| c.weights.get(&k)) {
            return match &w.origin {
                Origin::Observed(n) => format!("seen in {}", crate::base::units::plural(*n, "block")),
                other => other.text(),
            };
        }
        match self {
            Self::Max => match c.cpu_max {
                Some(m) if m.equal => m.origin.as_str().to_owned(),
                Some(m) => format!("{}: mean, they differ", m.origin.as_str()),
                None => "not known yet".to_owned(),
            },
            Self::Nodes if c.cpu_nodes == 0 => "none is connected".to_owned(),
            Self::Nodes => "connected".to_owned(),
            Self::Memory if c.memory_limit.is_none() => "not known".to_owned(),
            Self::Memory => "deployment".to_owned(),
            _ => "active now".to_owned(),
        }
    }
}

/// What is changed of the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WhatIf {
    values: [Option<u32>; FIELDS.len()],
}

/// The settings as they are; what is not known counts as 0.
fn base(c: &Capacity) -> Setup {
    c.setup().unwrap_or_else(|| {
        let w = |k: TaskType| c.weights.value(&k);
        Setup {
            controller: w(TaskType::Controller),
            core_execute: w(TaskType::CoreExecute),
            plonk_wrap: w(TaskType::PlonkWrap),
            groth16_wrap: w(TaskType::Groth16Wrap),
            nodes: c.cpu_nodes.max(1),
            max: 0,
            memory_limit: c.memory_limit.map(crate::capacity::limits::gib),
            at_once: c.active.max(1),
        }
    })
}

impl WhatIf {
    /// The settings with the changes.
    pub fn apply(&self, c: &Capacity) -> Setup {
        let mut s = base(c);
        for (f, v) in FIELDS.iter().zip(self.values) {
            if let Some(v) = v {
                f.set(&mut s, v);
            }
        }
        s
    }

    /// True when anything is changed.
    pub fn is_changed(&self) -> bool {
        self.values.iter().any(Option::is_some)
    }

    /// Changes a setting; back at what is, it is no change.
    pub fn change(&mut self, field: Field, by: i64, c: &Capacity) {
        let Some(i) = FIELDS.iter().position(|f| *f == field) else { return };
        let is = field.of(&base(c));
        let now = self.values[i].or(is).unwrap_or(if field == Field::Memory { 96 } else { 0 });
        let next = u32::try_from((i64::from(now) + by).clamp(i64::from(field.least()), 4096)).unwrap_or(now);
        self.values[i] = Some(next).filter(|v| Some(*v) != is);
    }
}

/// Draws them.
pub fn draw(state: &TableState<Field>, what_if: &WhatIf, c: &Capacity, area: Rect, ctx: &Ctx<'_>, buf: &mut Buffer) {
    let style = |r| ctx.theme.style(r);
    let version = match (c.cpu_node, c.coordinator) {
        (Some(v), _) => format!("cpu-node {}", v.version),
        (None, Some(v)) => format!("coordinator {}", v.version),
        (None, None) => String::new(),
    };
    Panel::new(Title::new(ctx, "settings").line()).right(version).focus(true).draw(area, ctx, buf);
    let list = Panel::list(area);
    let table = state.table(&COLUMNS, FIELDS.len(), list, |i| FIELDS[i]);
    let (now, then) = (base(c), what_if.apply(c));
    table.draw(ctx, list, buf, |row, column, pen| {
        let f = FIELDS[row];
        let value = f.of(&now).filter(|_| f != Field::Max || c.cpu_max.is_some());
        match column {
            0 => {
                pen.put(f.name(), style(Role::Text));
            }
            1 => {
                pen.right(&value.map_or_else(|| unknown(ctx).to_owned(), |v| v.to_string()), style(Role::Text));
            }
            2 => {
                if let Some(v) = what_if.values[row] {
                    pen.right(&v.to_string(), style(Role::Accent));
                } else if table.selected == Some(row) {
                    pen.right(&f.of(&then).map_or_else(String::new, |v| v.to_string()), style(Role::Dim));
                }
            }
            _ => {
                pen.clip(&f.origin(c), style(Role::Dim), ctx.symbols.ellipsis);
            }
        }
    });
}
