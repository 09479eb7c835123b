//! `alerts -o jsonl`: the schema `sp1top.alert/1`, and the same as text.

use std::fmt::Write as _;

use serde::Serialize;

use crate::alerts::{Alert, Fix, Severity, Transition, TransitionState};
use crate::base::Timestamp;

/// The schema's name.
pub const SCHEMA: &str = "sp1top.alert/1";

/// One transition, or one firing alert of a snapshot.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The time in the data.
    pub at: Timestamp,
    /// The rule's id.
    pub id: &'static str,
    /// It fires, or is over.
    pub state: TransitionState,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// Since when it is so.
    pub since: Timestamp,
    /// One line: the cause, with its numbers.
    pub summary: String,
    /// What was seen, with times.
    pub evidence: Vec<String>,
    /// What to do.
    pub fix: Vec<Fix>,
    /// What follows from it, a line each.
    pub consequences: Vec<String>,
    /// Alerts that fired by themselves and belong to it: what led to it, or follows from it.
    pub told_before: Vec<Line>,
    /// Somebody has seen it.
    pub acknowledged: bool,
    /// Nobody wants to hear of it.
    pub muted: bool,
}

impl Line {
    /// An alert that fires at `at`.
    #[must_use]
    pub fn firing(at: Timestamp, a: &Alert) -> Self {
        Self::new(at, TransitionState::Firing, a)
    }

    /// A change of state.
    #[must_use]
    pub fn of(t: &Transition) -> Self {
        Self::new(t.at, t.state, &t.alert)
    }

    fn new(at: Timestamp, state: TransitionState, a: &Alert) -> Self {
        Self {
            schema: SCHEMA,
            at,
            id: a.id,
            state,
            severity: a.severity,
            subject: a.subject.clone(),
            since: a.since,
            summary: a.summary.clone(),
            evidence: a.evidence.clone(),
            fix: a.fix.clone(),
            consequences: a.consequences.clone(),
            told_before: a.told_before.iter().map(|b| Self::new(at, TransitionState::Firing, b)).collect(),
            acknowledged: a.acknowledged,
            muted: a.muted,
        }
    }

    /// As one line of JSON, without its end.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// For people: a line, and below it what was seen and what to do.
    #[must_use]
    pub fn text(&self) -> String {
        let mark = match self.state {
            TransitionState::Firing => self.severity.as_str(),
            TransitionState::Resolved => "resolved",
        };
        let mut out = format!("{}  {mark:<8}  {}  {}\n", self.at, self.id, self.subject);
        let _ = writeln!(out, "    {}", self.summary);
        if self.state == TransitionState::Resolved {
            return out;
        }
        for e in &self.evidence {
            let _ = writeln!(out, "    seen: {e}");
        }
        for b in &self.told_before {
            let what = if b.since < self.since { "led here" } else { "and so" };
            let _ = writeln!(out, "    {what}: {}: {}", b.id, b.summary);
        }
        for c in &self.consequences {
            let _ = writeln!(out, "    and so: {c}");
        }
        for f in &self.fix {
            let _ = writeln!(out, "    {}:\n        {}", f.say, f.run);
        }
        out
    }
}
