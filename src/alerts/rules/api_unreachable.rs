//! The coordinator cannot reach the cluster API (F9, F10).

use std::time::Duration;

use super::{Clock, Rule, s};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::units;
use crate::model::Trouble;

pub const RULE: Rule = Rule {
    id: "api-unreachable",
    doc: "The coordinator cannot reach the cluster API or its database: nothing new is claimed, and ends of proofs are not recorded.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check,
};

/// A poll gives up after about 10 s: longer silence means that they succeed.
const QUIET: Duration = Duration::from_secs(16);

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let Some((source, c)) = look.model.signals.latest(Trouble::ApiUnreachable) else { return };
    // Once is an accident.
    if c.count < 2 || c.over.is_some() || look.since(c.heard) > QUIET {
        return;
    }
    let ns = look.namespace();
    let error = c.text.split(", details").next().unwrap_or(&c.text);
    let down = look.model.kube.pods().find(|p| p.component == Some(crate::event::Component::Api) && !p.info.ready);
    let mut f = Finding::new(
        "api",
        Severity::Critical,
        format!("the coordinator has not reached the API for {}: {error}", units::seconds(c.last.since(c.first) + look.since(c.heard))),
    )
    .evidence(format!("`Failed to get filtered tasks` {} times in {source} since {}", c.count, c.first.clock()))
    .since(c.first);
    let writes = look.model.signals.lost_writes().count();
    if writes > 0 {
        f = f.evidence(format!("{} ended and could not be recorded", units::plural(writes, "proof")));
    }
    if let Some(p) = down {
        f = f.evidence(format!("pod {} is {}", p.info.name, p.info.waiting.as_deref().unwrap_or(&p.info.phase)));
    }
    out.push(
        f.fix(
            "see the API and its database",
            format!("kubectl get pods -n {ns} -l 'app in (api)' -o wide; kubectl get pod postgresql-0 -n {ns}"),
        )
        .fix("restart the API", commands::restart(ns, "api")),
    );
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;

    const FAILED: &str =
        "Failed to get filtered tasks: status: Unavailable, message: \"tcp connect error\", details: [], metadata: MetadataMap";

    #[test]
    fn twice_is_told_and_once_is_not() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).pass(20).say("ERROR", FAILED).pass(30);
        assert!(!s.fires("api-unreachable"));
        s.say("ERROR", FAILED).pass(10).say("ERROR", FAILED).pass(1);
        let a = s.alert("api-unreachable");
        assert!(a.summary.contains("status: Unavailable, message: \"tcp connect error\"") && !a.summary.contains("details"), "{a:?}");
        assert!(a.evidence[0].contains("`Failed to get filtered tasks` 3 times"), "{a:?}");
        // It claims a proof: it is back.
        s.claim("cli_1", 2).pass(1);
        assert!(!s.fires("api-unreachable"));
    }
}
