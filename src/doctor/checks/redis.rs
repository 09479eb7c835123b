//! Do the client's Redis nodes answer, and are they set up so that proofs
//! survive in them?

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{AsyncConnectionConfig, Client, RedisError, cmd};

use super::store::places;
use crate::base::redact::redact;
use crate::base::units;
use crate::capacity::version::{self, Version};
use crate::doctor::{Check, Facts, Outcome, Status};
use crate::model::Model;

/// The check.
pub const CHECK: Check = Check {
    id: "redis",
    title: "Redis",
    about: "Connects to each node of CLI_REDIS_NODES: PING, version, memory against maxmemory, eviction, and how long artifacts live.",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

/// How long connecting and each answer may take.
const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(2);

async fn run(facts: Arc<Facts>) -> Outcome {
    let Some(urls) = facts.env("CLI_REDIS_NODES").filter(|u| !u.trim().is_empty()) else {
        return Outcome::skipped("CLI_REDIS_NODES is not set here: the store is not known, or is S3");
    };
    let model = facts.model().await;
    let release = version::of_cpu_node(&model).or_else(|| version::of_coordinator(&model)).map(|d| d.version);
    let mut o = Outcome::pass("");
    let mut said = Vec::new();
    let nodes = urls.split(',').map(str::trim).zip(places(urls));
    for (answer, place) in futures::future::join_all(nodes.map(|(url, place)| async move { (ask(url).await, place) })).await {
        let shown = place.map_or_else(|| "a node".to_owned(), |(h, p)| format!("{h}:{p}"));
        match answer {
            Ok(info) => {
                said.push(format!("{shown} {} answers within {}", info.version, units::duration(info.took)));
                judge(&info, &shown, release, &model, &mut o);
            }
            Err((why, fix)) => {
                o.add(Status::Fail, format!("{shown}: {why}"));
                o = o.run("then try again", fix);
            }
        }
    }
    life(&facts, release, &model, &mut o);
    let worst = o.details.iter().max_by_key(|d| d.status).filter(|d| d.status >= Status::Warn).map(|d| d.text.clone());
    o.summary = worst.unwrap_or_else(|| said.join(", "));
    let ns = facts.namespace();
    if o.details.iter().any(|d| d.status >= Status::Warn && (d.text.contains("maxmemory") || d.text.contains("evict"))) {
        o = o
            .run(
                "set it now (it is lost when Redis restarts)",
                format!("kubectl exec -n {ns} redis-master-0 -- sh -c 'redis-cli -a \"$REDIS_PASSWORD\" config set maxmemory-policy noeviction'"),
            )
            .say("and in the values of the chart (redis-store: commonConfiguration: maxmemory 24gb, maxmemory-policy noeviction), below 0.85 of the pod's memory limit");
    }
    o
}

/// What a node says of itself.
#[derive(Debug, Default)]
struct Info {
    version: String,
    used: u64,
    max: u64,
    policy: String,
    /// Keys thrown away since it began because memory was short.
    evicted: u64,
    took: Duration,
}

/// Asks one node. The error is what is wrong and a command that helps.
async fn ask(url: &str) -> Result<Info, (String, String)> {
    let forward =
        || "kubectl port-forward svc/redis-master 6379:6379 & export CLI_REDIS_NODES=redis://:PASSWORD@127.0.0.1:6379/0".to_owned();
    let client = Client::open(url).map_err(|e| (format!("it is no Redis URL ({})", e.category()), forward()))?;
    let begun = Instant::now();
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(ANSWER));
    let work = async {
        let mut c = client.get_multiplexed_async_connection_with_config(&config).await?;
        cmd("PING").query_async::<()>(&mut c).await?;
        let took = begun.elapsed();
        let text: String = cmd("INFO").query_async(&mut c).await?;
        Ok::<_, RedisError>((took, text))
    };
    let (took, text) = work.await.map_err(|e| {
        let text = crate::sources::hub::one_line(&redact(&e.to_string()));
        if text.contains("NOAUTH") || text.contains("WRONGPASS") || text.to_lowercase().contains("authentication") {
            let secret = "kubectl get secret cluster-secrets -o jsonpath='{.data.REDIS_NODES}' | base64 -d";
            return ("it refuses the password".to_owned(), secret.to_owned());
        }
        (format!("not reachable: {text}"), forward())
    })?;
    Ok(Info { took, ..info(&text) })
}

fn info(text: &str) -> Info {
    let value = |name: &str| text.lines().find_map(|l| l.trim_end().strip_prefix(name)?.strip_prefix(':')).unwrap_or_default();
    Info {
        version: value("redis_version").to_owned(),
        used: value("used_memory").parse().unwrap_or(0),
        max: value("maxmemory").parse().unwrap_or(0),
        policy: value("maxmemory_policy").to_owned(),
        evicted: value("evicted_keys").parse().unwrap_or(0),
        took: Duration::ZERO,
    }
}

/// R12 of the reference.
fn judge(i: &Info, shown: &str, release: Option<Version>, model: &Model, o: &mut Outcome) {
    let since = |a, b, c| release.is_none_or(|v| v >= version::version(a, b, c));
    let full = i.used.saturating_mul(100).checked_div(i.max);
    if let Some(full) = full {
        let text = format!("{shown}: {} of maxmemory {} used ({full}%)", units::bytes(i.used), units::bytes(i.max));
        match full {
            95.. => o.add(Status::Fail, format!("{text}: uploads fail")),
            80.. => o.add(Status::Warn, format!("{text}: uploads wait from 80% on (v2.2.0 and later)")),
            _ => o.add(Status::Pass, text),
        }
        let limit = model.kube.pods().find(|p| p.component == Some(crate::event::Component::Redis)).and_then(|p| p.info.memory_limit);
        if let Some(limit) = limit
            && i.max > limit / 100 * 85
        {
            let (max, limit) = (units::bytes(i.max), units::bytes(limit));
            o.add(
                Status::Warn,
                format!("{shown}: maxmemory {max} is more than 0.85 of the pod's limit {limit}: it is killed before it is full"),
            );
        }
    } else {
        let (status, what) = if since(2, 2, 1) && release.is_some() {
            (Status::Fail, "nodes of this release refuse to start")
        } else {
            (Status::Warn, "it grows until the pod is killed, and nodes since v2.2.1 refuse to start")
        };
        o.add(status, format!("{shown}: maxmemory is not set: {what}"));
    }
    if !i.policy.is_empty() && i.policy != "noeviction" {
        o.add(
            Status::Warn,
            format!("{shown}: the policy {} evicts artifacts of running proofs when memory is short; noeviction is right", i.policy),
        );
    }
    if i.evicted > 0 {
        o.add(
            Status::Fail,
            format!("{shown}: it has evicted {} keys: artifacts of proofs are lost, with 'incomplete frame' or 'not found'", i.evicted),
        );
    }
    let old = i.version.split('.').next().and_then(|n| n.parse::<u32>().ok()).is_some_and(|n| n < 8);
    if old && release.is_some_and(|v| v <= version::version(2, 1, 4)) {
        o.add(
            Status::Warn,
            format!("{shown}: Redis {} has no HSETEX (8.0 has), which releases up to v2.1.4 use for artifacts above 32 MiB", i.version),
        );
    }
}

/// How long artifacts live, against how long proofs may take (R18).
fn life(facts: &Facts, release: Option<Version>, model: &Model, o: &mut Outcome) {
    let set = crate::capacity::weights::env(model, "cpu-node", "ARTIFACT_TIMEOUT_SECONDS").and_then(|v| v.trim().parse::<u64>().ok());
    let six = release.is_some_and(|v| v >= version::version(2, 4, 0));
    let secs = set.filter(|_| six).unwrap_or(if six { 6 * 3600 } else { 4 * 3600 });
    let word = units::seconds(Duration::from_secs(secs));
    let known = if release.is_some() { "" } else { " (the release is not known: the shorter time of older ones)" };
    o.add(Status::Pass, format!("artifacts that nodes write live {word}{known}; what op-succinct uploads lives 4 h"));
    for name in super::store::TIMEOUTS {
        if let Some(wanted) = facts.env(name).and_then(|v| v.parse::<u64>().ok())
            && wanted > secs
        {
            o.add(
                Status::Warn,
                format!("{name} is {}, artifacts live {word}: a longer proof loses its input", units::seconds(Duration::from_secs(wanted))),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str, release: Option<Version>) -> Vec<String> {
        let mut o = Outcome::pass("");
        judge(&info(text), "h:1", release, &Model::new(), &mut o);
        o.details.iter().map(|d| format!("{} {}", d.status.as_str(), d.text)).collect()
    }

    #[test]
    fn a_store_that_loses_or_refuses_artifacts_is_told() {
        let good = "redis_version:7.4.2\r\nused_memory:1048576\r\nmaxmemory:1073741824\r\nmaxmemory_policy:noeviction\r\n";
        assert_eq!(judged(good, Some(version::NEWEST)), ["pass h:1: 1.0MiB of maxmemory 1.0GiB used (0%)"]);
        let bad = "redis_version:7.4.2\r\nused_memory:1048576\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n";
        let of = judged(bad, Some(version::version(2, 2, 1)));
        assert!(of[0].starts_with("fail") && of[0].contains("refuse to start"), "{of:?}");
        assert!(of[1].starts_with("warn") && of[1].contains("evicts"), "{of:?}");
        let old = judged(bad, Some(version::version(2, 1, 2)));
        assert!(old[0].starts_with("warn") && old[2].contains("HSETEX"), "{old:?}");
        let evicted = judged(&format!("{good}evicted_keys:12\r\n"), Some(version::NEWEST));
        assert!(evicted[1].starts_with("fail") && evicted[1].contains("evicted 12 keys"), "{evicted:?}");
        let narrow = judged(&good.replace("used_memory:1048576", "used_memory:1000000000"), Some(version::NEWEST));
        assert!(narrow[0].starts_with("warn") && narrow[0].contains("93%"), "{narrow:?}");
    }
}
