use super::{Clock, Rule, s};
use crate::alerts::{Finding, Look};
pub const RULE: Rule = Rule { id: "aggregation-stuck", doc: "", clock: Clock::Stats, hold: s(8), clear: s(0), check };
fn check(_: &Look<'_>, _: &mut Vec<Finding>) {}
