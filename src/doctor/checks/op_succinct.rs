//! op-succinct's environment file: would `multi --prove` use this cluster?

use std::sync::Arc;
use std::time::Duration;

use crate::base::units;
use crate::doctor::env_file::{place, reach, read};
use crate::doctor::{Check, Facts, Outcome, Status};

/// The check.
pub const CHECK: Check = Check {
    id: "op-succinct",
    title: "op-succinct's environment file",
    about: "Reads the file of --env-file: the prover, the four RPCs and whether they are reachable, time limits against what artifacts live.",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

/// The RPCs that op-succinct needs, and for what.
const RPCS: [(&str, &str); 4] = [
    ("L1_RPC", "the L1 execution node"),
    ("L1_BEACON_RPC", "the L1 beacon node, for blobs"),
    ("L2_RPC", "the L2 execution node"),
    ("L2_NODE_RPC", "the L2 rollup node"),
];

/// How long artifacts that op-succinct writes live in Redis: it pins v2.1.2.
const LIFE: u64 = 4 * 3600;
/// How long any task may run.
const TASK: u64 = 6 * 3600;

async fn run(facts: Arc<Facts>) -> Outcome {
    let Some(path) = facts.config.env_file.clone() else {
        return Outcome::skipped("no --env-file was given");
    };
    let file = match read(&path) {
        Ok(f) => f,
        Err(why) => {
            return Outcome::fail("the file cannot be read")
                .because(why)
                .say("op-succinct ends with 'Environment file not found' then; it looks in its working directory");
        }
    };
    // What is exported wins over the file, as in op-succinct.
    let value = |name: &str| facts.env(name).or_else(|| file.get(name).map(String::as_str)).filter(|v| !v.is_empty());
    let mut o = Outcome::pass("");
    match value("SP1_PROVER") {
        Some("cluster") => {}
        other => {
            o.add(Status::Fail, format!("SP1_PROVER is {}: proofs would not go to this cluster", other.unwrap_or("not set")));
            o = o.run("set it", format!("echo 'SP1_PROVER=cluster' >> {}", path.display()));
        }
    }
    if value("CLI_CLUSTER_RPC").is_none() {
        o.add(Status::Fail, "CLI_CLUSTER_RPC is not set: op-succinct panics".to_owned());
        o = o.run("name the API", format!("echo 'CLI_CLUSTER_RPC=http://HOST:50051' >> {}", path.display()));
    }
    for mock in ["OP_SUCCINCT_MOCK", "MOCK_MODE"] {
        if value(mock).is_some_and(|v| v.eq_ignore_ascii_case("true") || v == "1") {
            o.add(Status::Fail, format!("{mock} and cluster mode exclude each other"));
            o = o.run("turn it off", format!("sed -i 's/^{mock}=.*/{mock}=false/' {}", path.display()));
        }
    }
    let missing: Vec<_> = RPCS.iter().filter(|(n, _)| value(n).is_none()).collect();
    for (name, what) in missing {
        o.add(Status::Fail, format!("{name} is not set: {what}"));
        o = o.run(format!("name {what}"), format!("echo '{name}=https://...' >> {}", path.display()));
    }
    let tries = RPCS.iter().filter_map(|(n, what)| value(n).map(|url| (*n, *what, url.to_owned()))).map(|(name, what, url)| async move {
        match place(&url) {
            None => (Status::Fail, format!("{name} is no URL with a host")),
            Some((host, port)) => match reach(&host, port, Duration::from_secs(3)).await {
                Ok(took) => (Status::Pass, format!("{name} at {host}:{port} is reachable, within {}", units::duration(took))),
                Err(why) => (Status::Fail, format!("{name} at {host}:{port} ({what}) is not reachable: {why}")),
            },
        }
    });
    for (status, text) in futures::future::join_all(tries).await {
        o.add(status, text);
    }
    let on_redis = value("CLI_REDIS_NODES").is_some();
    for name in super::store::TIMEOUTS {
        let Some(secs) = value(name).and_then(|v| v.parse::<u64>().ok()) else { continue };
        let word = units::seconds(Duration::from_secs(secs));
        if on_redis && secs > LIFE {
            o.add(
                Status::Warn,
                format!("{name} is {word}, but what op-succinct uploads lives 4 h in Redis: a longer proof loses its input"),
            );
        }
        if secs > TASK {
            o.add(Status::Warn, format!("{name} is {word}: a task is ended after 6 h and the proof begins anew"));
        }
    }
    if value("RUST_LOG").is_none() {
        o.add(Status::Warn, "RUST_LOG is not set: multi prints nothing of the cluster".to_owned());
        o = o.run("see what it does", format!("echo 'RUST_LOG=info' >> {}", path.display()));
    }
    let bad = o.details.iter().filter(|d| d.status >= Status::Warn).count();
    o.summary = match bad {
        0 => format!("{}: cluster mode, four RPCs reachable", path.display()),
        1 => o.details.iter().find(|d| d.status >= Status::Warn).map(|d| d.text.clone()).unwrap_or_default(),
        n => format!("{}: {n} things to mend", path.display()),
    };
    if o.status == Status::Fail {
        o.cause = o.details.iter().find(|d| d.status == Status::Fail).map(|d| d.text.clone());
    }
    o
}
