//! Whether what is about to be sent can fit, in a line.

use super::{Capacity, Fit};
use crate::event::ProofMode;
use crate::model::Model;

/// A word on a launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// True where it will not go well.
    pub bad: bool,
    /// One line with its numbers.
    pub text: String,
}

/// Whether `count` more proofs of `mode` fit this cluster, and how many may run
/// at once; `None` while no maximum weight is known.
#[must_use]
pub fn word(model: &Model, mode: ProofMode, count: u32) -> Option<Word> {
    let capacity = Capacity::of(model);
    let plan = capacity.plan()?;
    let setup = capacity.setup()?;
    let fit = plan.mode(mode);
    let name = mode.as_str();
    let sure = if capacity.is_sure_of(mode) { "" } else { " (by the usual weights of its version)" };
    let max = setup.max;
    let all = capacity.active.saturating_add(count);
    let now = match capacity.active {
        0 => "none runs now".to_owned(),
        1 => "1 runs now".to_owned(),
        n => format!("{n} run now"),
    };
    let word = |bad, text: String| Some(Word { bad, text: format!("{text}{sure}") });
    match fit.fit {
        Fit::Never => word(
            true,
            format!(
                "{name} never fits: it needs {} GB of weight on one CPU worker, the maximum is {max}; set WORKER_MAX_WEIGHT_OVERRIDE",
                fit.needs
            ),
        ),
        Fit::OnlyApart if setup.nodes < 2 => word(
            true,
            format!(
                "{name} never fits: Controller and {} GB together need {} on the only CPU worker, the maximum is {max}",
                fit.heaviest, fit.needs
            ),
        ),
        _ => {
            let fits = format!("{name} fits: {} of {max} GB", fit.needs);
            match (fit.at_once, fit.by_memory.filter(|_| fit.is_memory_first())) {
                (Some(n), _) if all > n => word(
                    true,
                    format!(
                        "{all} at once ({} now, {count} new) can lock each other out: {n} {name} proofs at most, by {} of {max} GB",
                        capacity.active, fit.needs
                    ),
                ),
                (_, Some(m)) if all > m => {
                    let limit = setup.memory_limit.unwrap_or_default();
                    let peak = setup.peak_gib(mode);
                    let holds = if m == 0 { "not even one".into() } else { format!("about {m}") };
                    word(
                        true,
                        format!(
                            "{all} at once ({} now, {count} new) fit by weight, by memory {holds}: one {name} proof can reach {peak} GiB, the limit is {limit}",
                            capacity.active
                        ),
                    )
                }
                (Some(n), Some(m)) => word(false, format!("{fits}; at once up to {n} by weight, about {m} by memory, {now}")),
                (None, Some(m)) => word(false, format!("{fits}; at once any number by weight, about {m} by memory, {now}")),
                (Some(n), None) => word(false, format!("{fits}; up to {n} at once, {now}")),
                (None, None) => word(false, format!("{fits}, any number at once, {now}")),
            }
        }
    }
}
