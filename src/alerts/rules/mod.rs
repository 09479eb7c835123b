//! The table of rules: one file each, one line here.

use std::time::Duration;

use super::{Finding, Look};

mod aggregation_stuck;
mod api_unreachable;
mod artifact_store;
mod capacity_too_small;
mod controller_wedged;
mod controller_weight_ignored;
mod coordinator_duplicated;
mod coordinator_restarted;
mod coordinator_silent;
mod coordinator_slow;
mod cpu_queue_blocked;
mod crash_loop;
mod gpu_queue_stalled;
mod memory_near_limit;
mod no_capacity;
mod no_workers;
mod oom_killed;
mod pod_not_ready;
mod poison_task;
mod proof_deadline_risk;
mod proof_ended;
mod request_malformed;
mod status_lost;
mod task_hung;
mod task_retrying;
mod version_skew;
mod worker_lost;
mod worker_silent;
mod wrap_overcommit;

mod words;

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

/// Two periodic blocks: the second one confirms the first.
const TWO_BLOCKS: Duration = s(8);

/// All rules.
pub const RULES: &[Rule] = &[
    aggregation_stuck::RULE,
    wrap_overcommit::RULE,
    controller_weight_ignored::RULE,
    capacity_too_small::RULE,
    cpu_queue_blocked::RULE,
    gpu_queue_stalled::RULE,
    no_workers::GPU,
    no_workers::CPU,
    oom_killed::RULE,
    crash_loop::RULE,
    memory_near_limit::RULE,
    worker_lost::RULE,
    worker_silent::RULE,
    task_hung::RULE,
    task_retrying::RULE,
    proof_ended::FAILED,
    proof_ended::EXPIRED,
    proof_deadline_risk::RULE,
    request_malformed::RULE,
    api_unreachable::RULE,
    coordinator_restarted::RULE,
    coordinator_silent::RULE,
    coordinator_slow::RULE,
    artifact_store::PRESSURE,
    artifact_store::UNREACHABLE,
    pod_not_ready::RULE,
    version_skew::RULE,
    poison_task::RULE,
    controller_wedged::RULE,
    no_capacity::RULE,
    status_lost::RULE,
    coordinator_duplicated::RULE,
];

/// The rule of that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|r| r.id == id)
}
