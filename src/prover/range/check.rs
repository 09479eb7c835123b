//! Looks at op-succinct's variables before cluster time is spent.

use std::collections::BTreeMap;

use super::{Task, http};
use crate::base::text::clean;

/// The variables as the program will see them: the environment before the file.
#[derive(Clone, Default)]
pub struct Variables {
    values: BTreeMap<String, String>,
}

impl Variables {
    /// From the file and the environment.
    #[must_use]
    pub fn new(file: Vec<(String, String)>, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut values: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in file {
            // As with dotenv, the first of a name counts.
            values.entry(name).or_insert(value);
        }
        values.extend(environment);
        Self { values }
    }

    /// A value that is not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|v| v.trim()).filter(|v| !v.is_empty())
    }

    fn is_empty_but_set(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|v| v.trim().is_empty())
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|v| v == "1" || v.eq_ignore_ascii_case("true"))
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// True when it is well.
    pub good: bool,
    /// One line without secrets.
    pub text: String,
}

fn good(text: impl Into<String>) -> Finding {
    Finding { good: true, text: text.into() }
}

fn bad(text: impl Into<String>) -> Finding {
    Finding { good: false, text: text.into() }
}

/// What can be told without asking anybody.
#[must_use]
pub fn offline(v: &Variables, prove: bool) -> Vec<Finding> {
    let mut out = Vec::new();
    for name in ["OP_SUCCINCT_MOCK", "MOCK_MODE"] {
        if prove && v.is_true(name) {
            out.push(bad(format!("{name} is true: mock and cluster modes exclude each other; remove it")));
        }
    }
    if !prove {
        return out;
    }
    match v.get("SP1_PROVER") {
        None | Some("cluster") => {}
        Some("mock") => out.push(bad("SP1_PROVER is mock: no proof would be made; set SP1_PROVER=cluster or remove it")),
        Some(other) => {
            let other = clean(other.as_bytes());
            out.push(bad(format!("SP1_PROVER is '{other}'; it must be exactly cluster (set it, or remove it: sp1top sets it)")));
        }
    }
    // op-succinct panics on both and on neither, and counts an empty one as set.
    for name in ["CLI_REDIS_NODES", "CLI_S3_BUCKET"] {
        if v.is_empty_but_set(name) {
            out.push(bad(format!("{name} is set but empty, which op-succinct counts as set: remove it")));
        }
    }
    match (v.get("CLI_REDIS_NODES"), v.get("CLI_S3_BUCKET")) {
        (Some(_), Some(_)) => out.push(bad("both CLI_REDIS_NODES and CLI_S3_BUCKET are set: exactly one may be")),
        (None, None) => out.push(bad("neither CLI_REDIS_NODES nor CLI_S3_BUCKET is set: set the store of the cluster")),
        (None, Some(_)) if v.get("CLI_S3_REGION").is_none() => out.push(bad("CLI_S3_BUCKET is set without CLI_S3_REGION")),
        (Some(_), None) => out.push(good("artifact store: Redis")),
        (None, Some(_)) => out.push(good("artifact store: S3")),
    }
    if v.get("CLI_CLUSTER_RPC").is_none() {
        out.push(bad("CLI_CLUSTER_RPC is not set: give the API's URL with --cluster-rpc, or in the file"));
    }
    out
}

/// Asks each RPC server whether it is one.
pub async fn servers(v: &Variables, task: &Task) -> Vec<Finding> {
    let names: &[&str] = match task {
        Task::Blocks(..) | Task::Newest(_) => &["L1_RPC", "L1_BEACON_RPC", "L2_RPC", "L2_NODE_RPC"],
        Task::Aggregate { .. } => &["L1_RPC", "L1_BEACON_RPC"],
    };
    let asked = names.iter().map(|name| async move {
        let Some(url) = v.get(name) else { return bad(format!("{name} is not set")) };
        let place = http::shown(url);
        let answer = match *name {
            "L1_BEACON_RPC" => http::beacon_version(url).await,
            "L2_NODE_RPC" => node(url).await,
            _ => http::json_rpc(url, "eth_chainId").await.map(|id| format!("chain {}", chain_id(&id))),
        };
        match answer {
            Ok(said) => good(format!("{name} {place}: {}", clean(said.as_bytes()))),
            Err(why) => bad(format!("{name} {place}: {}", crate::base::redact::redact(&clean(why.as_bytes())))),
        }
    });
    futures::future::join_all(asked).await
}

/// An op-node knows no `eth_chainId`; its own call tells that it is one.
async fn node(url: &str) -> Result<String, String> {
    match http::json_rpc(url, "optimism_version").await {
        Ok(v) => Ok(format!("op-node {}", v.as_str().unwrap_or_default())),
        Err(first) => match http::json_rpc(url, "eth_chainId").await {
            Ok(_) => Err("it is an execution client, not an op-node: L2_NODE_RPC wants the rollup node (port 9545 by habit)".into()),
            Err(_) => Err(first),
        },
    }
}

fn chain_id(v: &serde_json::Value) -> String {
    let text = v.as_str().unwrap_or_default();
    u64::from_str_radix(text.trim_start_matches("0x"), 16).map_or_else(|_| text.chars().take(20).collect(), |n| n.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        Variables::new(pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(), [])
    }

    fn faults(pairs: &[(&str, &str)]) -> String {
        offline(&variables(pairs), true).into_iter().filter(|f| !f.good).map(|f| f.text).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_fault_is_found_before_it_costs_time() {
        let base = [("CLI_CLUSTER_RPC", "http://api:50051"), ("CLI_REDIS_NODES", "redis://:hunter2@r")];
        let with = |more: &[(&'static str, &'static str)]| faults(&[&base[..], more].concat());
        assert_eq!(with(&[]), "");
        assert!(with(&[("CLI_S3_BUCKET", "b")]).contains("both CLI_REDIS_NODES and CLI_S3_BUCKET"));
        assert!(with(&[("CLI_S3_BUCKET", "")]).contains("CLI_S3_BUCKET is set but empty"));
        assert!(with(&[("SP1_PROVER", "mock")]).contains("SP1_PROVER is mock"));
        assert!(with(&[("SP1_PROVER", "Cluster")]).contains("exactly cluster"));
        assert!(with(&[("OP_SUCCINCT_MOCK", "true")]).contains("exclude each other"));
        assert!(!with(&[("OP_SUCCINCT_MOCK", "false")]).contains("mock"));
        assert!(faults(&[]).contains("neither") && faults(&[]).contains("CLI_CLUSTER_RPC is not set"));
        assert!(faults(&[("CLI_S3_BUCKET", "b")]).contains("without CLI_S3_REGION"));
        assert!(!with(&[("CLI_S3_BUCKET", "b")]).contains("hunter2"));
        // Without --prove none of this is needed.
        assert_eq!(offline(&variables(&[]), false), []);
    }

    #[test]
    fn the_environment_goes_before_the_file() {
        let v = Variables::new(vec![("A".into(), "file".into()), ("A".into(), "twice".into())], [("A".to_owned(), "env".to_owned())]);
        assert_eq!(v.get("A"), Some("env"));
        assert_eq!(chain_id(&"0x2105".into()), "8453");
    }
}
