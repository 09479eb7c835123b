//! The table of rules: one file each, one line here.

use std::time::Duration;

use super::{Finding, Look};

mod aggregation_stuck;

/// By what a rule's durations are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The time that the data has reached.
    Data,
    /// The time of the newest stats: a condition seen once must be seen again.
    Stats,
}

/// A rule.
pub struct Rule {
    /// The contract's id.
    pub id: &'static str,
    /// When it fires, and why that matters.
    pub doc: &'static str,
    /// By what its durations are measured.
    pub clock: Clock,
    /// How long what it finds must last before it fires.
    pub hold: Duration,
    /// How long it must be gone before it is over.
    pub clear: Duration,
    /// Looks, and says what it finds.
    pub check: fn(&Look<'_>, &mut Vec<Finding>),
}

/// Seconds, for the tables.
const fn s(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// All rules. Causes come before what follows from them.
pub const RULES: &[Rule] = &[aggregation_stuck::RULE];
