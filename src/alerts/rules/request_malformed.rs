//! A proof request that can never be claimed (F28).

use std::time::Duration;

use super::{Clock, Rule, s};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::model::Trouble;

pub const RULE: Rule = Rule {
    id: "request-malformed",
    doc: "A proof request lacks its mode, its cycle limit or its proof artifact: the coordinator says so twice a second and never claims it.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check,
};

/// It is said every 0.5 s for as long as the row is pending.
const QUIET: Duration = Duration::from_secs(15);

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    for (source, c) in look.model.signals.complaints(Trouble::MalformedRow) {
        if c.count < 3 || look.since(c.heard) > QUIET {
            continue;
        }
        let proof = c.text.split(':').next().unwrap_or_default();
        out.push(
            Finding::new(
                proof,
                Severity::Warning,
                format!("the request {proof} can never be claimed: {}", c.text[proof.len()..].trim_start_matches(':').trim()),
            )
            .evidence(format!("{source} said so {} times since {}", c.count, c.first.clock()))
            .since(c.first)
            .fix("cancel the request", commands::cancel(proof)),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;

    #[test]
    fn a_row_without_its_mode() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).pass(20).say("ERROR", "Options artifact ID not found for proof cli_7").pass(1);
        assert!(!s.fires("request-malformed"));
        s.say("ERROR", "Options artifact ID not found for proof cli_7")
            .say("ERROR", "Options artifact ID not found for proof cli_7")
            .pass(1);
        let a = s.alert("request-malformed");
        assert_eq!(a.subject, "cli_7");
        assert!(a.summary.starts_with("the request cli_7 can never be claimed: ") && a.fix[0].run == "sp1top proofs cancel cli_7", "{a:?}");
        s.pass(30);
        assert!(!s.fires("request-malformed"));
    }
}
