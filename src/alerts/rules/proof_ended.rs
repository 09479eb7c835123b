//! Proofs that ended badly: failed, or past their deadline (F16, F30, F35).

use std::time::Duration;

use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::units;
use crate::event::{ProofStatus, TaskFailure};
use crate::model::{Proof, Trouble};

pub const FAILED: Rule = Rule {
    id: "proof-failed",
    doc: "A proof failed. Says the first cause that the logs have.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check: |look, out| {
        for p in look.model.proofs.iter() {
            if p.status == Some(ProofStatus::Failed) && is_fresh(look, p) && !is_expired(p) {
                out.push(failed(look, p));
            }
        }
    },
};

pub const EXPIRED: Rule = Rule {
    id: "proof-expired",
    doc: "A proof's deadline passed before it was done. The coordinator drops it without a word; its row stays pending for ever.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check: |look, out| {
        for p in look.model.proofs.iter().filter(|p| is_expired(p)) {
            if let Some(deadline) = p.deadline
                && look.since(deadline) < Duration::from_secs(look.limits.told)
            {
                out.push(expired(look, p, deadline));
            }
        }
    },
};

/// Ended while this program watched, and lately.
fn is_fresh(look: &Look<'_>, p: &Proof) -> bool {
    p.ended_at.is_some_and(|t| look.since(t) < Duration::from_secs(look.limits.told))
}

/// Past its deadline when it ended, or still not ended.
fn is_expired(p: &Proof) -> bool {
    let Some(deadline) = p.deadline else { return false };
    match p.status {
        Some(ProofStatus::Failed | ProofStatus::Cancelled) => p.ended_at.is_some_and(|t| t >= deadline),
        Some(ProofStatus::Pending | ProofStatus::Running) | None => {
            p.row.as_ref().is_some_and(|r| r.1 >= deadline && r.0 == ProofStatus::Pending)
        }
        Some(ProofStatus::Completed) => false,
    }
}

fn failed(look: &Look<'_>, p: &Proof) -> Finding {
    let ended = p.ended_at.unwrap_or(p.progress_at);
    let from = p.claimed_at.unwrap_or(p.first_seen);
    // The first failure of its tasks that a node's log has is the cause; what the proof was failed with follows from it.
    let failures: Vec<_> = look.model.signals.failures().filter(|f| f.proof == p.id && f.at >= from).collect();
    let fatal = failures.iter().find(|f| f.failure != TaskFailure::Retryable).or(failures.first());
    let missing = look.model.signals.latest(Trouble::ArtifactMissing).filter(|(_, c)| ended.since(c.last) < Duration::from_secs(30));
    let cause = match (fatal, &p.failure, missing) {
        (Some(f), _, _) => format!("{}{}", f.kind.as_ref().map_or_else(String::new, |k| format!("{}: ", k.as_str())), f.error),
        (None, Some(text), _) => text.clone(),
        (None, None, Some((_, c))) => c.text.clone(),
        (None, None, None) => "the coordinator's log does not say why; the nodes' logs do".into(),
    };
    let guest = failures.iter().any(|f| f.failure == TaskFailure::Execution);
    let severity = if guest { Severity::Warning } else { Severity::Critical };
    let after = units::seconds(ended.since(from));
    let mode = words::mode(p);
    let mut f =
        Finding::new(p.id.to_string(), severity, format!("{mode} proof {} failed after {after}: {cause}", p.id).trim_start().to_owned())
            .evidence(format!("failed at {}; claimed {} times, {} retries", ended.clock(), p.claims, p.retries()))
            .since(ended)
            .event();
    for x in failures.iter().take(3) {
        f = f.evidence(format!("{} at {}: {}", x.source, x.at.clock(), x.error));
    }
    let exhausted = look.model.signals.retries().filter(|r| r.exhausted && r.proof.as_ref() == Some(&p.id)).count();
    if exhausted > 0 {
        f = f.evidence(format!("{exhausted} of its tasks were out of retries"));
    }
    if guest {
        return f.fix("the program itself is at fault: the same input fails again; run it locally", "cargo run --release".to_owned());
    }
    let ns = look.namespace();
    f.fix(
        "see what the nodes say of it",
        format!("kubectl logs -n {ns} -l 'app in (cpu-node,gpu-node)' --prefix --tail=-1 | grep {} | grep -E 'ERROR|panicked'", p.id),
    )
}

fn expired(look: &Look<'_>, p: &Proof, deadline: crate::base::Timestamp) -> Finding {
    let from = p.requested_at.or(p.claimed_at).unwrap_or(p.first_seen);
    Finding::new(
        p.id.to_string(),
        Severity::Critical,
        format!(
            "{} proof {} was not done by its deadline, {} after the request",
            words::mode(p),
            p.id,
            units::seconds(deadline.since(from))
        )
        .trim_start()
        .to_owned(),
    )
    .evidence(format!("deadline {}; it was in stage {}", deadline.date_clock(), p.stage().as_str()))
    .since(deadline)
    .event()
    .fix("cancel what is left of it, then ask again with more time (PROVING_TIMEOUT, --cluster-timeout)", commands::cancel(p.id.as_str()))
    .fix("see what is worked on", format!("sp1top proofs list -n {}", look.namespace()))
}

#[cfg(test)]
mod tests {
    use crate::alerts::Severity;
    use crate::alerts::testing::*;
    use crate::base::TaskType as T;

    #[test]
    fn says_the_first_cause_that_a_node_logged() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).claim("cli_1", 3).run(1, "cli_1", 1, T::Controller).pass(20);
        s.node(
            "gpu-node-a",
            &format!(
                "ERROR sp1_cluster_worker: Fatal error in task {} proof cli_1: TaskType: PROVE_SHARD, Error: CUDA error: out of memory",
                task(7)
            ),
        );
        s.end("cli_1", "Failed").pass(1);
        let a = s.alert("proof-failed");
        assert_eq!((a.subject.as_str(), a.severity), ("cli_1", Severity::Critical));
        assert!(a.summary.starts_with("plonk proof cli_1 failed after 20s: ") && a.summary.contains("CUDA error: out of memory"), "{a:?}");
        s.pass(310);
        assert!(!s.fires("proof-failed"));
    }

    #[test]
    fn the_guests_own_fault_is_a_warning() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller).pass(20);
        s.node(
            "cpu-node-a",
            &format!("ERROR sp1_cluster_worker: Execution error on task {} proof cli_1: ExceededCycleLimit(1000)", task(2)),
        );
        s.end("cli_1", "Failed").pass(1);
        assert_eq!(s.alert("proof-failed").severity, Severity::Warning);
    }

    #[test]
    fn one_that_ends_well_or_is_cancelled_is_none() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).claim("cli_1", 2).claim("cli_2", 2).pass(20).end("cli_1", "Completed");
        s.say("WARN", "Running proof cli_2 is no longer pending in cluster DB").forget("cli_2").pass(20);
        assert!(s.told().is_empty(), "{:?}", s.told());
    }

    #[test]
    fn a_deadline_that_passed() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller).pass(20).row("cli_1", "PENDING", "2", Some(60));
        s.pass(45);
        s.say("INFO", "Failed proof cli_1 ").forget("cli_1").row("cli_1", "PENDING", "2", Some(60)).pass(1);
        let a = s.alert("proof-expired");
        assert!(a.summary.contains("compressed proof cli_1 was not done by its deadline"), "{a:?}");
        assert!(!s.fires("proof-failed"));
    }
}
