//! Do the clocks agree? Deadlines are times of the client's clock, and the
//! coordinator compares them with its own.

use std::sync::Arc;
use std::time::Duration;

use crate::base::{Timestamp, units};
use crate::doctor::{Check, Facts, Outcome, Status};

/// The check.
pub const CHECK: Check = Check {
    id: "clock",
    title: "clocks",
    about: "Compares this machine's clock with that of the API server and with the newest time in the coordinator's log.",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

/// More than this is told (reference F39).
const SKEW: i64 = 5_000;

async fn run(facts: Arc<Facts>) -> Outcome {
    let access = match facts.cluster().await {
        Ok(a) => a,
        Err(skipped) => return skipped,
    };
    let mut o = Outcome::pass("");
    let mut said = Vec::new();
    if let Ok(server) = facts.server().await
        && let Some((theirs, ours)) = server.clock
    {
        // The header has whole seconds: the middle of that second.
        let skew = theirs.millis() + 500 - ours.millis();
        let rough = i64::try_from(server.took.as_millis()).unwrap_or(i64::MAX) / 2 + 500;
        said.push(format!("API server {}", word(skew, rough)));
        if skew.abs() > SKEW + rough {
            o.add(Status::Warn, format!("the API server's clock is {}", word(skew, rough)));
        }
    }
    if let Some((newest, ours)) = coordinator(&facts, &access).await {
        // A line is written before it is read, at most some ten seconds: only a
        // time in the future proves anything.
        let ahead = newest.millis() - ours.millis();
        said.push(if ahead > 0 {
            format!("coordinator {} ahead", units::duration(millis(ahead)))
        } else {
            "coordinator not ahead".to_owned()
        });
        if ahead > SKEW {
            o.add(Status::Warn, format!("the coordinator's clock is {} ahead of this machine's", units::duration(millis(ahead))));
        }
    }
    if said.is_empty() {
        return Outcome::skipped("neither the API server nor the coordinator told a time");
    }
    o.summary = said.join(", ");
    if o.status == Status::Warn {
        o = o
            .because("deadlines are set by the client's clock and judged by the coordinator's: a client behind by the deadline's length is never served")
            .run("see whether this machine's clock is kept", "timedatectl status");
    }
    o
}

fn millis(n: i64) -> Duration {
    Duration::from_millis(n.unsigned_abs())
}

fn word(skew: i64, rough: i64) -> String {
    if skew.abs() <= rough {
        return format!("in step (to {})", units::duration(millis(rough)));
    }
    format!("{} {}", units::duration(millis(skew)), if skew > 0 { "ahead" } else { "behind" })
}

/// The newest time in the coordinator's log, as the kubelet stamped it, and ours.
async fn coordinator(facts: &Facts, access: &crate::sources::kube::access::Access) -> Option<(Timestamp, Timestamp)> {
    let model = facts.model().await;
    let pod = model.kube.pods().find(|p| p.component == Some(crate::event::Component::Coordinator) && p.info.phase == "Running")?;
    let path = format!("/api/v1/namespaces/{}/pods/{}/log?timestamps=true&tailLines=1", facts.namespace(), pod.info.name);
    let (_, body) = facts.get(access, &path).await.ok()?;
    let text = String::from_utf8_lossy(&body);
    let newest = Timestamp::parse(text.split_whitespace().next()?)?;
    Some((newest, super::super::facts::wall()))
}
