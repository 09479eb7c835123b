//! Alerts: what is wrong or will be, early, with its numbers and what to type.
//!
//! [`rules`] look at the model and say what they find; [`Alerts`] (the engine)
//! turns findings into alerts that are pending, fire and resolve, each rule with
//! durations of its own; what follows from another alert is told under it. All
//! of it is driven by the time in the data.

pub mod commands;
mod engine;
pub mod look;
mod rollout;
pub mod rules;
mod thresholds;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use engine::{Alerts, Transition, TransitionState};
pub use look::Look;
pub use thresholds::Thresholds;

use crate::base::Timestamp;

/// How bad an alert is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Proofs stand still or die.
    Critical,
    /// They will, or something is not as it should be.
    Warning,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// The contract's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// Something to do about it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fix {
    /// In words.
    pub say: String,
    /// The command, ready to run.
    pub run: String,
}

/// What makes an alert the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The rule's id, for example `aggregation-stuck`.
    pub id: &'static str,
    /// What it is about: a worker, a proof, a pod, a deployment.
    pub subject: String,
}

/// What a rule sees at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about. Stable while the trouble lasts.
    pub subject: String,
    /// How bad it is.
    pub severity: Severity,
    /// One line: the cause, with its numbers.
    pub summary: String,
    /// What was seen, with times.
    pub evidence: Vec<String>,
    /// What to do.
    pub fix: Vec<Fix>,
    /// Since when it is so, where the data says it; else since it was first found.
    pub since: Option<Timestamp>,
    /// Certain at once: it does not wait for the rule's duration.
    pub sure: bool,
    /// It happened, rather than that it is so: what was told under its cause is
    /// not told again when that is over.
    pub event: bool,
    /// While one of these fires, this is told under it.
    pub under: Vec<Key>,
}

impl Finding {
    /// A finding without evidence, fix or cause.
    #[must_use]
    pub fn new(subject: impl Into<String>, severity: Severity, summary: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            severity,
            summary: summary.into(),
            evidence: Vec::new(),
            fix: Vec::new(),
            since: None,
            sure: false,
            event: false,
            under: Vec::new(),
        }
    }

    /// Adds what was seen.
    #[must_use]
    pub fn evidence(mut self, text: impl Into<String>) -> Self {
        self.evidence.push(text.into());
        self
    }

    /// Adds something to do.
    #[must_use]
    pub fn fix(mut self, say: impl Into<String>, run: impl Into<String>) -> Self {
        self.fix.push(Fix { say: say.into(), run: run.into() });
        self
    }

    /// Says since when it is so.
    #[must_use]
    pub fn since(mut self, at: Timestamp) -> Self {
        self.since = Some(at);
        self
    }

    /// It does not wait for the rule's duration.
    #[must_use]
    pub fn sure(mut self) -> Self {
        self.sure = true;
        self
    }

    /// It happened, rather than that it is so.
    #[must_use]
    pub fn event(mut self) -> Self {
        self.event = true;
        self
    }

    /// While that one fires, this is told under it.
    #[must_use]
    pub fn under(mut self, id: &'static str, subject: impl Into<String>) -> Self {
        self.under.push(Key { id, subject: subject.into() });
        self
    }
}

/// An alert that fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// The rule's id.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// Since when it is so (not since when it fires).
    pub since: Timestamp,
    /// Since when it fires.
    pub fired_at: Timestamp,
    /// One line: the cause, with its numbers.
    pub summary: String,
    /// What was seen, with times.
    pub evidence: Vec<String>,
    /// What to do.
    pub fix: Vec<Fix>,
    /// What follows from it and is not told separately, a line each.
    pub consequences: Vec<String>,
    /// Alerts that were told by themselves and turned out to belong to this one:
    /// what led to it, or follows from it.
    pub told_before: Vec<Alert>,
    /// Somebody has seen it.
    pub acknowledged: bool,
    /// Nobody wants to hear of it.
    pub muted: bool,
}

impl Alert {
    /// As a line in the story of another.
    #[must_use]
    pub fn told_as(&self) -> String {
        format!("{}: {}", self.id, self.summary)
    }

    /// Of one of [`Self::told_before`]: it was so before this was, and led to it.
    #[must_use]
    pub fn led_here(&self, other: &Self) -> bool {
        other.since < self.since
    }

    /// What makes it the same one.
    #[must_use]
    pub fn key(&self) -> Key {
        Key { id: self.id, subject: self.subject.clone() }
    }
}
