//! `WORKER_CONTROLLER_WEIGHT` set where nobody reads it (R9).

use super::{Clock, Rule, s};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::TaskType;
use crate::capacity::weights::env;

pub const RULE: Rule = Rule {
    id: "controller-weight-ignored",
    doc: "Controllers are seen to weigh other than WORKER_CONTROLLER_WEIGHT of a deployment says: the coordinator's own environment \
          decides, and it was set elsewhere. Capacity is then not what was planned.",
    clock: Clock::Stats,
    hold: s(0),
    clear: s(0),
    check,
};

const NAME: &str = "WORKER_CONTROLLER_WEIGHT";

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let Some((seen, blocks)) = look.model.weighing.observed(&TaskType::Controller) else { return };
    // A single sum may be of two moments.
    if blocks < 2 {
        return;
    }
    let set = |w: &str| env(look.model, w, NAME).and_then(|v| v.trim().parse::<u32>().ok());
    let Some((on, value)) = ["cpu-node", "gpu-node", "coordinator"].into_iter().find_map(|w| Some((w, set(w)?))) else { return };
    if value == seen || super::words::rolling(look, "coordinator") {
        return;
    }
    let there = set("coordinator").map_or_else(|| "does not set it".into(), |v| format!("sets it to {v}"));
    out.push(
        Finding::new(
            on,
            Severity::Warning,
            format!("{NAME}={value} on {on} has no effect: Controllers weigh {seen}; the coordinator decides and {there}"),
        )
        .evidence(format!("cpu_utilization_current says {seen} a Controller in {blocks} periodic blocks"))
        .fix(
            "set it on the coordinator (this restarts it: running proofs start anew)",
            commands::set_env(look.namespace(), "coordinator", NAME, value),
        ),
    );
}
