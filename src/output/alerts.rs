//! `alerts -o jsonl`: the schema `sp1top.alert/1`, and the same as text.

use std::fmt::Write as _;

use serde::Serialize;

use crate::alerts::{Alert, Fix, Severity, Transition, TransitionState};
use crate::base::Timestamp;

/// The schema's name.
pub const SCHEMA: &str = "sp1top.alert/1";

/// Which alert another one belongs to.
#[derive(Clone, Debug, Serialize)]
pub struct PartOf {
    /// The rule's id.
    pub id: &'static str,
    /// What it is about.
    pub subject: String,
}

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
    /// Alerts that fired by themselves before and led to it, a line each.
    pub led_here: Vec<String>,
    /// In a snapshot: the alert in whose story it belongs, which fires too.
    pub part_of: Option<PartOf>,
    /// Somebody has seen it.
    pub acknowledged: bool,
    /// Nobody wants to hear of it.
    pub muted: bool,
}

impl Line {
    /// An alert that fires at `at`, and behind it those that were told before it
    /// and belong to its story.
    pub fn firing(at: Timestamp, a: &Alert) -> impl Iterator<Item = Self> {
        let part_of = move || Some(PartOf { id: a.id, subject: a.subject.clone() });
        let parts = a.told_before.iter().map(move |b| Self { part_of: part_of(), ..Self::new(at, TransitionState::Firing, b) });
        std::iter::once(Self::new(at, TransitionState::Firing, a)).chain(parts)
    }

    /// A change of state.
    #[must_use]
    pub fn of(t: &Transition) -> Self {
        Self::new(t.at, t.state, &t.alert)
    }

    fn new(at: Timestamp, state: TransitionState, a: &Alert) -> Self {
        let (led, follow): (Vec<&Alert>, Vec<&Alert>) = a.told_before.iter().partition(|b| a.led_here(b));
        let follow = follow.into_iter().map(Alert::told_as);
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
            consequences: a.consequences.iter().cloned().chain(follow).collect(),
            led_here: led.into_iter().map(Alert::told_as).collect(),
            part_of: None,
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
        for l in &self.led_here {
            let _ = writeln!(out, "    led here: {l}");
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
