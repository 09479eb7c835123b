//! The artifact store is full or away (F11, F14).

use std::time::Duration;

use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::units;
use crate::model::{Complaint, Trouble};

pub const PRESSURE: Rule = Rule {
    id: "artifact-store-pressure",
    doc: "Redis is near its maxmemory: uploads wait, and after two minutes they are given up and their proofs fail.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check: pressure,
};

pub const UNREACHABLE: Rule = Rule {
    id: "artifact-store-unreachable",
    doc: "Nodes cannot reach the artifact store. Redis errors fail their proofs at once, after about a second of tries.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check: unreachable,
};

/// Without a further complaint it is over after this long.
const QUIET: Duration = Duration::from_secs(60);

fn active<'a>(look: &Look<'a>, what: Trouble, within: Duration) -> Vec<(String, &'a Complaint)> {
    let list = look.model.signals.complaints(what).filter(|(_, c)| c.over.is_none() && look.since(c.heard) < within);
    list.map(|(s, c)| (s.to_string(), c)).collect()
}

fn pressure(look: &Look<'_>, out: &mut Vec<Finding>) {
    let waiting = active(look, Trouble::StorePressure, QUIET);
    let failed = active(look, Trouble::StoreUploadFailed, QUIET * 2);
    let Some((source, worst)) = failed.iter().chain(&waiting).max_by_key(|(_, c)| c.heard) else { return };
    let since = waiting.iter().chain(&failed).map(|(_, c)| c.first).min().unwrap_or(worst.first);
    let ns = look.namespace();
    let (severity, what) =
        if failed.is_empty() { (Severity::Warning, "uploads wait") } else { (Severity::Critical, "uploads are given up") };
    out.push(
        Finding::new("redis", severity, format!("Redis is near its maxmemory and {what}: {}", worst.text))
            .evidence(format!("{source} at {}; {} nodes wait", worst.last.clock(), waiting.len()))
            .since(since)
            .fix(
                "see how full it is",
                format!("kubectl exec redis-master-0 -n {ns} -- sh -c 'redis-cli -a \"$REDIS_PASSWORD\" info memory'"),
            )
            .fix(
                "give it more memory: maxmemory about 80% of the pod's limit, and a higher limit",
                format!("kubectl edit statefulset redis-master -n {ns}"),
            ),
    );
}

fn unreachable(look: &Look<'_>, out: &mut Vec<Finding>) {
    let list = active(look, Trouble::StoreUnreachable, QUIET);
    let count: u64 = list.iter().map(|(_, c)| c.count).sum();
    // One that is tried again is noise.
    if count < 2 {
        return;
    }
    let Some((source, worst)) = list.iter().max_by_key(|(_, c)| c.heard) else { return };
    let since = list.iter().map(|(_, c)| c.first).min().unwrap_or(worst.first);
    let ns = look.namespace();
    out.push(
        Finding::new(
            "artifact store",
            Severity::Critical,
            format!("{} nodes cannot reach the artifact store for {}: {}", list.len(), units::seconds(look.since(since)), worst.text),
        )
        .evidence(words::list(list.iter().map(|(s, c)| format!("{s}: {} times, last at {}", c.count, c.last.clock())), 4))
        .evidence(format!("last said by {source}"))
        .since(since)
        .fix("see whether Redis runs", format!("kubectl get pods -n {ns} -l app.kubernetes.io/name=redis -o wide"))
        .fix("when it is back, restart nodes that keep complaining", commands::restart(ns, "cpu-node")),
    );
}

#[cfg(test)]
mod tests {
    use crate::alerts::Severity;
    use crate::alerts::testing::*;

    const FULL: &str = "WARN sp1_cluster_artifact::redis: Redis near capacity; blocking upload (backpressure) shard=0 used=30064771072 max=32212254720 budget=25769803776 in_flight=3 incoming=73282 waited_ms=12000";
    const GIVEN_UP: &str = "ERROR sp1_cluster_artifact::redis: admission wait cap exceeded; failing upload shard=0 used=30064771072 max=32212254720 budget=25769803776 in_flight=3 incoming=73282 waited_secs=120";
    const AWAY: &str = "WARN sp1_cluster_artifact::redis: Failed to get redis connection: Connection refused (os error 111)";

    #[test]
    fn waiting_is_a_warning_and_giving_up_is_worse() {
        let mut s = Script::new();
        s.node("cpu-node-a", FULL).pass(1);
        let a = s.alert("artifact-store-pressure");
        assert_eq!(a.severity, Severity::Warning);
        assert!(a.summary.contains("shard 0 at 93% of maxmemory, an upload has waited 12s"), "{a:?}");
        s.node("cpu-node-a", GIVEN_UP).pass(1);
        assert_eq!(s.alert("artifact-store-pressure").severity, Severity::Critical);
        s.quiet(130);
        assert!(!s.fires("artifact-store-pressure"));
    }

    #[test]
    fn an_upload_that_goes_on_is_over_it() {
        let mut s = Script::new();
        s.node("cpu-node-a", FULL).pass(5);
        s.node("cpu-node-a", "INFO sp1_cluster_artifact::redis: admission cleared; upload resumed shard=0 waited_ms=15000").pass(1);
        assert!(!s.fires("artifact-store-pressure"));
    }

    #[test]
    fn one_failed_connection_is_noise_and_two_are_not() {
        let mut s = Script::new();
        s.node("cpu-node-a", AWAY).pass(5);
        assert!(!s.fires("artifact-store-unreachable"));
        s.node("gpu-node-a", AWAY).pass(1);
        let a = s.alert("artifact-store-unreachable");
        assert!(a.summary.starts_with("2 nodes cannot reach the artifact store") && a.summary.contains("Connection refused"), "{a:?}");
        s.node("cpu-node-a", "INFO sp1_cluster_artifact::redis: upload took 4.43ms, size: 73282");
        s.node("gpu-node-a", "INFO sp1_cluster_artifact::redis: download took 4.43ms, size: 73282").pass(1);
        assert!(!s.fires("artifact-store-unreachable"));
    }
}
