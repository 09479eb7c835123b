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

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;
    use crate::base::TaskType as T;

    fn seen(on: &str, value: &str, weight: u32) -> Script {
        let mut s = Script::new();
        s.weigh(T::Controller, weight).restart();
        s.kube(&deployment("coordinator", "v2.1.2", if on == "coordinator" { &[("WORKER_CONTROLLER_WEIGHT", "16")] } else { &[] }));
        s.kube(&deployment("cpu-node", "v2.1.2", if on == "cpu-node" { &[("WORKER_CONTROLLER_WEIGHT", "16")] } else { &[] }));
        assert_eq!(value, "16");
        s.cpu(1, 48).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller).pass(30);
        s
    }

    #[test]
    fn fires_where_it_is_set_and_not_read() {
        let s = seen("cpu-node", "16", 4);
        let a = s.alert("controller-weight-ignored");
        assert!(a.summary.contains("WORKER_CONTROLLER_WEIGHT=16 on cpu-node has no effect: Controllers weigh 4"), "{a:?}");
        assert_eq!(a.fix[0].run, "kubectl set env deploy/coordinator -n sp1-cluster WORKER_CONTROLLER_WEIGHT=16");
        // Read by the coordinator it is what is seen.
        assert!(!seen("coordinator", "16", 16).fires("controller-weight-ignored"));
        assert!(!seen("", "16", 4).fires("controller-weight-ignored"));
    }
}
