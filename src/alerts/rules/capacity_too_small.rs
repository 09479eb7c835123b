//! A mode that can never end here, by the settings alone (R1, R2, R3).

use super::{Clock, Rule, TWO_BLOCKS, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{TaskType, units};
use crate::capacity::{Fit, plan};
use crate::event::ProofMode;

pub const RULE: Rule = Rule {
    id: "capacity-too-small",
    doc: "By the settings alone a proof mode can never fit: no CPU worker's maximum weight holds a Controller and the mode's heaviest \
          task. Told before a proof is lost to it.",
    clock: Clock::Stats,
    hold: TWO_BLOCKS,
    clear: s(20),
    check,
};

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    // A worker that takes nothing at all is another story.
    let Some(setup) = look.capacity.setup().filter(|s| s.max > 0) else { return };
    if look.digest.all_workers() > 0 || look.capacity.cpu_max.is_some_and(|m| !m.equal) || words::rolling(look, "cpu-node") {
        return;
    }
    let with = setup.plan();
    for mode in [ProofMode::Core, ProofMode::Groth16, ProofMode::Plonk] {
        let fit = with.mode(mode);
        if fit.fit == Fit::Fits || !look.capacity.is_sure_of(mode) || fit.heaviest == 0 {
            continue;
        }
        // Told by the lighter mode, or by core for all.
        if mode != ProofMode::Core && with.mode(ProofMode::Core).fit != Fit::Fits {
            continue;
        }
        let kind = mode.wrap().unwrap_or(TaskType::CoreExecute);
        let right = plan::right_max(setup.controller, fit.heaviest, 1);
        let used = look.model.proofs.active().any(|p| p.mode == Some(mode));
        let severity = if fit.fit == Fit::Never && (used || mode == ProofMode::Core) { Severity::Critical } else { Severity::Warning };
        let what = if mode == ProofMode::Core { "no proof" } else { mode.as_str() };
        let how = if fit.fit == Fit::Never { "can never end here" } else { "ends only on a worker without a Controller" };
        out.push(
            Finding::new(
                format!("cpu-node {}", mode.as_str()),
                severity,
                format!(
                    "{what} {how}: Controller {} + {} {} = {} > {}, the maximum weight; set it to {right}",
                    setup.controller,
                    kind.as_str(),
                    fit.heaviest,
                    fit.needs,
                    setup.max
                ),
            )
            .evidence(format!(
                "weights: {}",
                words::list([TaskType::Controller, kind].iter().filter_map(|t| Some(words::weight(t, look.capacity.weights.get(t)?))), 3)
            ))
            .evidence(format!(
                "maximum weight {} ({}), {}",
                setup.max,
                look.capacity.cpu_max.map_or("unknown", |m| m.origin.as_str()),
                units::plural(setup.nodes, "CPU worker")
            ))
            .fix(
                format!("set the maximum weight of cpu-node to {right} (its pods restart)"),
                commands::set_env(look.namespace(), "cpu-node", "WORKER_MAX_WEIGHT_OVERRIDE", right),
            )
            .under("aggregation-stuck", "cpu-node"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::alerts::Severity;
    use crate::alerts::testing::*;

    fn configured(max: &str) -> Script {
        let mut s = Script::new();
        s.restart();
        s.kube(&deployment("coordinator", "v2.1.2", &[])).kube(&deployment("cpu-node", "v2.1.2", &[("WORKER_MAX_WEIGHT_OVERRIDE", max)]));
        s.cpu(1, max.parse().unwrap()).pass(30);
        s
    }

    #[test]
    fn told_before_any_proof_where_a_mode_can_never_end() {
        let s = configured("32");
        let a = s.alert("capacity-too-small");
        assert_eq!((a.subject.as_str(), a.severity), ("cpu-node plonk", Severity::Warning));
        assert!(a.summary.contains("Controller 4 + PlonkWrap 32 = 36 > 32"), "{a:?}");
        assert!(a.fix[0].run.ends_with("WORKER_MAX_WEIGHT_OVERRIDE=48"), "{a:?}");
        assert!(!configured("48").fires("capacity-too-small"));
    }

    #[test]
    fn worse_when_such_a_proof_comes() {
        let mut s = configured("32");
        s.claim("cli_1", 3).run(1, "cli_1", 1, crate::base::TaskType::Controller).pass(10);
        assert_eq!(s.alert("capacity-too-small").severity, Severity::Critical);
    }

    #[test]
    fn silent_while_the_weights_are_only_supposed() {
        let mut s = Script::new();
        s.restart().cpu(1, 32).pass(60);
        assert!(!s.fires("capacity-too-small"));
    }
}
