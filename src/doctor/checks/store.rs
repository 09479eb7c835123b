//! Does the client's environment name exactly one artifact store, and is it the
//! nodes' one?

use std::sync::Arc;
use std::time::Duration;

use crate::base::units;
use crate::doctor::env_file::{place, reach};
use crate::doctor::{Check, Facts, Outcome, Status};
use crate::model::Model;

/// The check.
pub const CHECK: Check = Check {
    id: "artifact-store",
    title: "artifact store of the client",
    about: "Looks for exactly one of CLI_REDIS_NODES and CLI_S3_BUCKET with CLI_S3_REGION, and compares it with what the nodes use.",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

/// How long a client lets a proof take: the validity proposer's and the fault
/// proof proposer's variable.
pub const TIMEOUTS: [&str; 2] = ["PROVING_TIMEOUT", "TIMEOUT"];
/// How long any task may run (R18): the Controller lives as long as its proof.
const TASK: u64 = 6 * 3600;

/// What the nodes' deployments say of their store; `None` where it is not known.
fn of_nodes(model: &Model, name: &str) -> Option<String> {
    ["cpu-node", "gpu-node"].iter().find_map(|w| {
        let env = &model.kube.workload(w)?.env;
        env.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone())
    })
}

async fn run(facts: Arc<Facts>) -> Outcome {
    let (redis, bucket, region) = (facts.env("CLI_REDIS_NODES"), facts.env("CLI_S3_BUCKET"), facts.env("CLI_S3_REGION"));
    let wanted = facts.config.env_file.is_some() || facts.env("CLI_CLUSTER_RPC").is_some();
    let model = facts.model().await;
    let nodes = of_nodes(&model, "NODE_ARTIFACT_STORE");
    let text = "Exactly one of Redis nodes or S3 bucket must be specified";
    let export = |what: &str| match (what, &nodes) {
        ("s3", _) => "export CLI_S3_BUCKET=BUCKET CLI_S3_REGION=REGION; unset CLI_REDIS_NODES",
        _ => "export CLI_REDIS_NODES=redis://:PASSWORD@HOST:6379/0; unset CLI_S3_BUCKET CLI_S3_REGION",
    };
    let kind = nodes.as_deref().unwrap_or("redis").to_lowercase();
    match (redis, bucket) {
        (None, None) if !wanted => {
            let o = Outcome::skipped("no client environment here (CLI_*): it is only needed to send proofs from this machine");
            match nodes {
                Some(n) => {
                    let mut o = o;
                    o.add(Status::Skipped, format!("the nodes use {n}"));
                    o
                }
                None => o,
            }
        }
        (None, None) => Outcome::fail("neither CLI_REDIS_NODES nor CLI_S3_BUCKET is set")
            .because(format!("the client then panics: {text}"))
            .run(format!("name the store that the nodes use ({kind})"), export(&kind)),
        (Some(_), Some(_)) => Outcome::fail("both CLI_REDIS_NODES and CLI_S3_BUCKET are set")
            .because(format!("the client then panics: {text}; an empty value counts as set"))
            .run(format!("keep the one that the nodes use ({kind})"), export(&kind)),
        (Some(urls), None) => limits(&facts, redis_store(urls, &model, nodes.as_deref())),
        (None, Some(bucket)) => limits(&facts, s3_store(&facts, bucket, region, &model, nodes.as_deref()).await),
    }
}

/// What is allowed longer than any task may run.
fn limits(facts: &Facts, mut o: Outcome) -> Outcome {
    for name in TIMEOUTS {
        if let Some(secs) = facts.env(name).and_then(|v| v.trim().parse::<u64>().ok()).filter(|s| *s > TASK) {
            let text = format!(
                "{name} is {}: the Controller is ended after 6 h, and its proof begins anew",
                units::seconds(Duration::from_secs(secs))
            );
            if o.status < Status::Warn {
                o.summary.clone_from(&text);
            }
            o.add(Status::Warn, text);
        }
    }
    o
}

/// The number of the database in a Redis URL; 0 where it names none.
fn database(url: &str) -> u32 {
    let rest = url.trim().split_once("://").map_or("", |u| u.1);
    let path = rest.split_once('/').map_or("", |p| p.1);
    path.split(['?', '#']).next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// What differs between two lists of Redis URLs that should be the same (R17):
/// artifacts are then looked for where they are not.
fn differs(ours: &str, theirs: &str) -> Option<String> {
    let (a, b) = (places(ours), places(theirs));
    if a.len() != b.len() {
        return Some(format!("the client lists {} Redis nodes, the cluster's nodes {}", a.len(), b.len()));
    }
    let sorted = |l: &[Option<(String, u16)>]| {
        let mut l = l.to_vec();
        l.sort();
        l
    };
    if a != b && sorted(&a) == sorted(&b) {
        return Some(
            "the client lists the Redis nodes in another order than the cluster's nodes, and the order decides where an artifact lies"
                .into(),
        );
    }
    let pairs = ours.split(',').zip(theirs.split(','));
    pairs
        .map(|(x, y)| (database(x), database(y)))
        .find(|(x, y)| x != y)
        .map(|(x, y)| format!("the client uses database {x} of Redis, the cluster's nodes database {y}"))
}

/// The places of a list of Redis URLs, without passwords.
pub fn places(urls: &str) -> Vec<Option<(String, u16)>> {
    urls.split(',').map(place).collect()
}

fn redis_store(urls: &str, model: &Model, nodes: Option<&str>) -> Outcome {
    let all = places(urls);
    let shown = |p: &Option<(String, u16)>| p.as_ref().map_or_else(|| "?".to_owned(), |(h, p)| format!("{h}:{p}"));
    let list = all.iter().map(shown).collect::<Vec<_>>().join(", ");
    let mut o = Outcome::pass(format!("Redis at {list}"));
    if urls.trim().is_empty() || all.iter().any(Option::is_none) {
        return Outcome::fail("CLI_REDIS_NODES is no list of URLs")
            .because("it is empty, or an entry does not begin with redis:// or rediss://")
            .run("write URLs, with commas between", "export CLI_REDIS_NODES=redis://:PASSWORD@HOST:6379/0");
    }
    if nodes.is_some_and(|n| n.eq_ignore_ascii_case("s3")) {
        o.add(Status::Fail, "the nodes use S3 (NODE_ARTIFACT_STORE=s3): they will not find what the client uploads to Redis".to_owned());
        o.summary = "the client uses Redis, the nodes S3".into();
        return o.run("use the nodes' store", "export CLI_S3_BUCKET=BUCKET CLI_S3_REGION=REGION; unset CLI_REDIS_NODES");
    }
    if let Some(theirs) = of_nodes(model, "NODE_REDIS_NODES") {
        if let Some(why) = differs(urls, &theirs) {
            o.add(Status::Fail, format!("{why}: artifacts are looked for on the wrong one"));
            o.summary = "the client's list of Redis nodes is not that of the cluster".into();
            o = o.because(why).say("give the same list, in the same order and with the same database, everywhere");
        } else if all.len() > 1 {
            o.add(
                Status::Pass,
                "several Redis nodes: their order must be the same everywhere (it decides where an artifact lies)".to_owned(),
            );
        }
    }
    o
}

async fn s3_store(facts: &Facts, bucket: &str, region: Option<&str>, model: &Model, nodes: Option<&str>) -> Outcome {
    let Some(region) = region.filter(|r| !r.is_empty()) else {
        return Outcome::fail("CLI_S3_BUCKET is set, CLI_S3_REGION is not")
            .because("the client then panics")
            .run("name the bucket's region", "export CLI_S3_REGION=us-east-1");
    };
    let mut o = Outcome::pass(format!("S3 bucket {bucket} in {region}"));
    if nodes.is_some_and(|n| n.eq_ignore_ascii_case("redis")) {
        o.add(Status::Fail, "the nodes use Redis (NODE_ARTIFACT_STORE=redis): they will not find what the client uploads to S3".to_owned());
        o.summary = "the client uses S3, the nodes Redis".into();
        o = o.run("use the nodes' store", "export CLI_REDIS_NODES=redis://:PASSWORD@HOST:6379/0; unset CLI_S3_BUCKET CLI_S3_REGION");
    }
    for (name, ours) in [("NODE_S3_BUCKET", bucket), ("NODE_S3_REGION", region)] {
        if let Some(theirs) = of_nodes(model, name)
            && theirs != ours
        {
            o.add(Status::Fail, format!("the nodes have {name}={theirs}, the client {ours}"));
            o.summary = "the client's bucket is not the nodes' one".into();
            o = o.run("use theirs", format!("export {}={theirs}", name.replace("NODE_", "CLI_")));
        }
    }
    let known = [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    ];
    if !known.iter().any(|n| facts.env(n).is_some()) {
        o.add(Status::Skipped, "no AWS_* credentials in the environment: those of ~/.aws or of the machine are used".to_owned());
    }
    let endpoint = facts.env("AWS_ENDPOINT_URL").and_then(place).unwrap_or_else(|| (format!("s3.{region}.amazonaws.com"), 443));
    match reach(&endpoint.0, endpoint.1, Duration::from_secs(3)).await {
        Ok(took) => o.add(Status::Pass, format!("{}:{} is reachable, within {}", endpoint.0, endpoint.1, units::duration(took))),
        Err(why) => {
            o.add(Status::Fail, format!("{}:{} is not reachable: {why}", endpoint.0, endpoint.1));
            o.summary = format!("S3 at {}:{} is not reachable from here", endpoint.0, endpoint.1);
            o = o.because(why).say("check the region's name, AWS_ENDPOINT_URL (for MinIO), and the network");
        }
    }
    o
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_redis_nodes_are_compared_by_count_order_and_database() {
        let theirs = "redis://:***@redis-0:6379/0,redis://:***@redis-1:6379/0";
        assert_eq!(differs("redis://:x@redis-0:6379/0,redis://:x@redis-1/0", theirs), None);
        assert!(differs("redis://:x@redis-0:6379/0", theirs).unwrap().contains("lists 1 Redis nodes, the cluster's nodes 2"));
        assert!(differs("redis://:x@redis-1:6379/0,redis://:x@redis-0:6379/0", theirs).unwrap().contains("another order"));
        assert!(differs("redis://:x@redis-0:6379/0,redis://:x@redis-1:6379/3", theirs).unwrap().contains("database 3"));
        // A tunnel has another address; that alone is no fault.
        assert_eq!(differs("redis://:x@127.0.0.1:6379", "redis://:***@redis-master:6379/0"), None);
    }
}
