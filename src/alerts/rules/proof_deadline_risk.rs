//! A proof will miss its deadline, or its artifacts expire first (F13, F16).

use std::time::Duration;

use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::units;
use crate::capacity::{version::version, weights::env};
use crate::model::Proof;

pub const RULE: Rule = Rule {
    id: "proof-deadline-risk",
    doc: "At its rate a proof will miss its deadline, or the artifact store forgets its inputs before it is done.",
    clock: Clock::Data,
    // Estimates jump when a stage ends.
    hold: s(30),
    clear: s(30),
    check,
};

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let ttl = ttl(look);
    for p in look.model.proofs.active().filter(|p| p.deadline.is_some() || ttl.is_some()) {
        let Some(eta) = look.model.eta(p) else { continue };
        deadline(look, p, &eta, out);
        if let Some(ttl) = ttl {
            time_to_live(look, p, ttl, &eta, out);
        }
    }
}

fn deadline(look: &Look<'_>, p: &Proof, eta: &crate::model::Eta, out: &mut Vec<Finding>) {
    let Some(at) = p.deadline.filter(|d| *d > look.now()) else { return };
    let left = at.since(look.now());
    // Even the good case is late.
    if eta.least <= left.mul_f64(1.0 + look.limits.deadline_margin) {
        return;
    }
    out.push(
        Finding::new(
            p.id.to_string(),
            Severity::Warning,
            format!(
                "{} needs {} to {} more, its deadline is in {}",
                p.id,
                units::seconds(eta.least),
                units::seconds(eta.most),
                units::seconds(left)
            ),
        )
        .evidence(format!("stage {}, by {}", p.stage().as_str(), eta.basis))
        .evidence(format!("deadline {}", at.date_clock()))
        .fix(
            "add GPU workers while it proves shards",
            commands::scale(look.namespace(), "gpu-node", look.stats().and_then(|s| s.gpu_workers).unwrap_or(1) * 2),
        )
        .fix("cancel it and ask again with more time (PROVING_TIMEOUT, --cluster-timeout)", commands::cancel(p.id.as_str())),
    );
}

/// How long the store keeps what is uploaded; `None` where it keeps all or that is not known.
fn ttl(look: &Look<'_>) -> Option<Duration> {
    if env(look.model, "cpu-node", "NODE_ARTIFACT_STORE")? != "redis" {
        return None;
    }
    if let Some(seconds) = env(look.model, "cpu-node", "ARTIFACT_TIMEOUT_SECONDS").and_then(|v| v.trim().parse().ok()) {
        return Some(Duration::from_secs(seconds));
    }
    let v = look.capacity.cpu_node?.version;
    Some(Duration::from_secs(if v < version(2, 4, 0) { 4 * 3600 } else { 6 * 3600 }))
}

fn time_to_live(look: &Look<'_>, p: &Proof, ttl: Duration, eta: &crate::model::Eta, out: &mut Vec<Finding>) {
    let Some(from) = p.requested_at.or(p.claimed_at) else { return };
    let age = look.since(from);
    if age.saturating_add(eta.least) <= ttl {
        return;
    }
    out.push(
        Finding::new(
            format!("{} artifacts", p.id),
            Severity::Warning,
            format!(
                "{} is {} old and needs {} more; Redis forgets its inputs after {}",
                p.id,
                units::seconds(age),
                units::seconds(eta.least),
                units::seconds(ttl)
            ),
        )
        .evidence(format!("{} proof in stage {}", words::mode(p), p.stage().as_str()))
        .fix(
            "for the next ones, keep artifacts longer (v2.4 and later; its pods restart)",
            commands::set_env(look.namespace(), "cpu-node", "ARTIFACT_TIMEOUT_SECONDS", ttl.as_secs() * 2),
        ),
    );
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;
    use crate::base::TaskType as T;

    #[test]
    fn what_is_left_takes_longer_than_there_is() {
        for (deadline, risk) in [(300, true), (4000, false)] {
            let mut s = Script::new();
            s.restart().cpu(1, 48).gpu(11).claim("cli_1", 1).run(1, "cli_1", 1, T::Controller).run(11, "cli_1", 9, T::ProveShard).pass(40);
            // Twenty tasks a block, and six hundred that wait.
            s.made(600);
            for i in 0..15 {
                s.made(10).queue(0, 600 - i * 10).pass(10);
                s.row("cli_1", "PENDING", "1", Some(deadline));
            }
            assert_eq!(s.fires("proof-deadline-risk"), risk, "{:?}", s.told());
            if risk {
                let a = s.alert("proof-deadline-risk");
                assert!(a.summary.starts_with("cli_1 needs ") && a.summary.contains("its deadline is in "), "{a:?}");
                assert!(a.evidence[0].contains("tasks left at the rate"), "{a:?}");
            }
        }
    }
}
