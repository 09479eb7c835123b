//! Do the weights, maxima and limits let every proof end? By the deployments
//! and the coordinator alone, before any proof is lost.

use std::sync::Arc;
use std::time::Duration;

use crate::capacity::Capacity;
use crate::capacity::preflight::{self, Verdict};
use crate::doctor::{Check, Facts, Outcome, Status};

/// The check.
pub const CHECK: Check = Check {
    id: "capacity",
    title: "weights and limits",
    about: "Works out from the deployments and the coordinator's stats which proofs fit, which deadlock, and what memory that takes.",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

/// Rules that have a check of their own here.
const ELSEWHERE: [&str; 3] = ["R6", "R7", "R11"];

async fn run(facts: Arc<Facts>) -> Outcome {
    let model = facts.model().await;
    let capacity = Capacity::of(&model);
    let found = preflight::check(&model, &capacity, facts.namespace());
    let mut o = Outcome::pass("");
    let mut known = 0;
    for p in found.iter().filter(|p| !ELSEWHERE.contains(&p.id)) {
        let status = match p.verdict {
            Verdict::Pass => Status::Pass,
            Verdict::Warn => Status::Warn,
            Verdict::Fail => Status::Fail,
            Verdict::Skipped => continue,
        };
        known += 1;
        o.add(status, format!("{}: {}", p.title, p.text));
        if status >= Status::Warn
            && let Some((say, run)) = &p.fix
            && !o.fixes.iter().any(|f| f.run.as_deref() == Some(run))
        {
            o = o.run(say, run);
        }
    }
    if known == 0 {
        return Outcome::skipped("neither deployments nor the coordinator tell weights and limits");
    }
    let bad = o.details.iter().filter(|d| d.status >= Status::Warn).count();
    o.summary = match (capacity.setup(), bad) {
        (Some(s), 0) => format!("maximum weight {} on {} cpu-nodes holds every proof", s.max, s.nodes),
        (None, 0) => format!("{known} rules hold; the maximum weight is not known"),
        (_, n) => format!("{n} of {known} rules do not hold"),
    };
    if bad > 0 {
        o.cause = o.details.iter().max_by_key(|d| d.status).map(|d| d.text.clone());
    }
    o
}
