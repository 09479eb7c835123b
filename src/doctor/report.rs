//! The result as data: `sp1top.doctor/1`.

use std::time::Duration;

use serde::Serialize;

use super::{Check, Detail, Fix, Outcome, Status};
use crate::base::Timestamp;
use crate::base::redact::redact;
use crate::base::text::clean;

/// A check that was made.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Its name.
    pub id: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// How it ended.
    pub status: Status,
    /// In one line; for a skipped one: why.
    pub summary: String,
    /// Why it is not as it should be; `null` where that is not known or all is
    /// well.
    pub cause: Option<String>,
    /// The parts that it looked at.
    pub details: Vec<Detail>,
    /// What mends it.
    pub fix: Vec<Fix>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

impl Checked {
    /// A check with what it found.
    #[must_use]
    pub fn new(check: &Check, outcome: Outcome, took: Duration) -> Self {
        let Outcome { status, summary, cause, details, fixes } = outcome;
        // What servers answer may hold anything.
        let hide = |s: String| redact(&clean(s.as_bytes())).into_owned();
        Self {
            id: check.id,
            title: check.title,
            status,
            summary: hide(summary),
            cause: cause.map(hide),
            details: details.into_iter().map(|d| Detail { text: hide(d.text), ..d }).collect(),
            fix: fixes.into_iter().map(|f| Fix { say: hide(f.say), run: f.run.map(hide) }).collect(),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// How many checks ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Counts {
    pub pass: usize,
    pub warn: usize,
    pub fail: usize,
    pub skipped: usize,
}

/// All checks.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `sp1top.doctor/1`
    pub schema: &'static str,
    /// When it was made; `null` until the shell stamps it.
    pub at: Option<Timestamp>,
    /// The worst of all.
    pub status: Status,
    /// How many ended how.
    pub counts: Counts,
    /// How long all took, in milliseconds.
    pub took_ms: u64,
    /// In the order of the table.
    pub checks: Vec<Checked>,
}

impl Report {
    /// Counts and collects.
    #[must_use]
    pub fn new(checks: Vec<Checked>, took: Duration) -> Self {
        let count = |s| checks.iter().filter(|c| c.status == s).count();
        let counts =
            Counts { pass: count(Status::Pass), warn: count(Status::Warn), fail: count(Status::Fail), skipped: count(Status::Skipped) };
        Self {
            schema: "sp1top.doctor/1",
            at: None,
            status: checks.iter().map(|c| c.status).max().unwrap_or(Status::Skipped),
            counts,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            checks,
        }
    }

    /// True when a check failed: exit code 4.
    #[must_use]
    pub const fn failed(&self) -> bool {
        self.counts.fail > 0
    }
}
