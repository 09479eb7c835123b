//! The rows: what fires, the worst first, then what is over, the latest first.

use crate::alerts::{Alert, Alerts, TransitionState};
use crate::base::Timestamp;
use crate::base::units;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::table::Column;
use crate::ui::{Ctx, Role};

/// The columns.
pub const COLUMNS: [Column; 5] = [
    Column::text("severity", 10, 10, 255).unsorted(),
    Column::text("alert", 19, 25, 254).unsorted(),
    Column::text("about", 16, 25, 9).unsorted(),
    Column::number("for", 6, 253).unsorted(),
    Column::text("what", 20, 40, 252).flex(1).unsorted(),
];

/// What makes a row the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowKey {
    /// The rule.
    pub id: &'static str,
    /// What it is about.
    pub subject: String,
    /// When it was over; `None` while it fires.
    pub over: Option<Timestamp>,
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The alert, or what it was last.
    pub alert: &'a Alert,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
}

impl Entry<'_> {
    /// Its identity.
    pub fn key(&self) -> RowKey {
        RowKey { id: self.alert.id, subject: self.alert.subject.clone(), over: self.resolved_at }
    }

    /// In a word.
    pub const fn state(&self) -> &'static str {
        match (self.resolved_at.is_some(), self.alert.muted, self.alert.acknowledged) {
            (true, ..) => "over",
            (_, true, _) => "muted",
            (_, _, true) => "seen",
            _ => "firing",
        }
    }
}

/// All rows.
pub fn entries(alerts: &Alerts, firing_only: bool) -> Vec<Entry<'_>> {
    let mut out: Vec<_> = alerts.firing().iter().map(|alert| Entry { alert, resolved_at: None }).collect();
    if !firing_only {
        let over = alerts.history().rev().filter(|t| t.state == TransitionState::Resolved);
        out.extend(over.map(|t| Entry { alert: &t.alert, resolved_at: Some(t.at) }));
    }
    out
}

/// Draws one cell.
pub fn cell(e: &Entry<'_>, column: usize, ctx: &Ctx<'_>, pen: &mut Pen<'_>) {
    let style = |r| ctx.theme.style(r);
    let (a, dots) = (e.alert, ctx.symbols.ellipsis);
    let (mark, word, role) = super::severity(ctx, a.severity);
    let over = e.resolved_at.is_some();
    let quiet = over || a.muted || a.acknowledged;
    match column {
        0 if over => {
            pen.put(&format!("{} over", ctx.symbols.marks.0), style(Role::Dim));
        }
        0 => {
            pen.put(&format!("{mark} {word}"), style(if a.muted { Role::Dim } else { role }));
        }
        1 => {
            pen.clip(a.id, style(if quiet { Role::Dim } else { role }), dots);
        }
        2 => {
            pen.line(
                &ratatui::text::Line::styled(
                    crate::ui::draw::cut_middle(&a.subject, pen.left(), dots),
                    style(if over { Role::Dim } else { Role::Text }),
                ),
                false,
            );
        }
        3 => {
            let end = e.resolved_at.unwrap_or(ctx.now());
            pen.right(&units::seconds(end.since(a.since)), style(Role::Dim));
        }
        _ => {
            if !over && e.state() != "firing" {
                pen.put(&format!("{}: ", e.state()), style(Role::Dim));
            }
            if let Some(t) = e.resolved_at {
                pen.put(&format!("until {}: ", t.clock()), style(Role::Dim));
            }
            pen.clip(&a.summary, style(if quiet { Role::Dim } else { Role::Text }), dots);
        }
    }
}
