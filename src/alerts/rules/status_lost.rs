//! A proof's end was not recorded (F22).

use std::time::Duration;

use super::{Clock, Rule, s};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{ProofId, Timestamp, units};
use crate::capacity::version::version;
use crate::event::ProofStatus;

pub const RULE: Rule = Rule {
    id: "status-lost",
    doc: "A proof is complete for the coordinator and still pending in the API: its client waits until it times out. Releases before \
          v2.4.0 never write it again.",
    clock: Clock::Data,
    hold: s(0),
    // A write that is tried again may fail again after about 10 s.
    clear: s(11),
    check,
};

/// The write follows the end at once.
const WRITTEN: Duration = Duration::from_secs(5);

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let told = |id: &ProofId, at: Timestamp, why: String| {
        let late = look.capacity.coordinator.is_some_and(|d| d.version >= version(2, 4, 0));
        let ns = look.namespace();
        let mut f = Finding::new(
            id.to_string(),
            Severity::Warning,
            format!("{id} ended {} ago, and the API still has it pending", units::seconds(look.since(at))),
        )
        .evidence(format!("the coordinator ended it at {}", at.clock()))
        .evidence(why)
        .since(at);
        f = if late {
            f.fix("restore the API: the coordinator writes it again by itself", commands::pods(ns, "api"))
        } else {
            f.fix("this release never writes it again: fetch the result by its artifact", format!("sp1top proofs fetch {id}"))
        };
        f
    };
    let mut seen = Vec::new();
    for p in look.model.proofs.iter() {
        let Some((ProofStatus::Completed, at)) = p.coordinator_end else { continue };
        let Some((ProofStatus::Pending, row)) = p.row else { continue };
        if row.since(at) > WRITTEN && look.since(row) < Duration::from_secs(120) {
            out.push(told(&p.id, at, format!("the API answered at {}: pending", row.clock())));
            seen.push(&p.id);
        }
    }
    for (id, at) in look.model.signals.lost_writes() {
        if !seen.contains(&id) && look.since(*at) < Duration::from_secs(3600) {
            out.push(told(id, *at, "`Failed to update proof status`".into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;

    #[test]
    fn complete_here_and_pending_there() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).claim("cli_1", 2).row("cli_1", "PENDING", "2", None).pass(20).end("cli_1", "Completed").quiet(3);
        s.row("cli_1", "PENDING", "2", None).quiet(1);
        assert!(!s.fires("status-lost"));
        s.quiet(4).row("cli_1", "PENDING", "2", None).quiet(1);
        let a = s.alert("status-lost");
        assert!(a.evidence[0].starts_with("the coordinator ended it at") && a.evidence[1].contains("pending"), "{a:?}");
        // v2.1.2 does not write it again.
        assert_eq!(a.fix[0].run, "sp1top proofs fetch cli_1");
        s.row("cli_1", "COMPLETED", "2", None).quiet(15);
        assert!(!s.fires("status-lost"));
    }

    #[test]
    fn a_write_that_failed_and_was_made_again() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).claim("cli_1", 2).pass(20).end("cli_1", "Completed").quiet(10);
        s.say("ERROR", "Failed to update proof status: status: Unavailable, message: \"tcp connect error\"").quiet(1);
        assert!(s.fires("status-lost"));
        s.say("WARN", "re-issuing lost status write for proof cli_1").quiet(15);
        assert!(!s.fires("status-lost"));
    }
}
