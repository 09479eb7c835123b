//! Several clusters with the real program, in a terminal: side by side, and one
//! after another without leaving.
#![allow(missing_docs, dead_code, clippy::unwrap_used)]

mod support;

#[path = "support/pty.rs"]
mod pty;

use std::path::{Path, PathBuf};
use std::process::Command;

use pty::Terminal;
use serde_json::{Value, json};
use sp1top::base::Timestamp;
use sp1top::sim::Scenario;
use sp1top::sim::serve::Server;
use support::kube::{Fake, NS, pod};

/// A kubeconfig with these contexts, the first one the current one.
fn kubeconfig(dir: &Path, contexts: &[(&str, &str)]) -> PathBuf {
    let named = |what: &str, value: &dyn Fn(&str, &str) -> Value| -> Vec<Value> {
        contexts.iter().map(|(n, url)| json!({"name": n, what: value(n, url)})).collect()
    };
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": contexts[0].0,
        "clusters": named("cluster", &|_, url| json!({"server": url})),
        "contexts": named("context", &|n, _| json!({"cluster": n, "user": "admin"})),
        "users": [{"name": "admin", "user": {"token": "admin"}}],
    });
    let path = dir.join("kubeconfig");
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

async fn cluster(scenario: &str, seed: u64) -> (Server, String) {
    let scenario = Scenario::find(scenario).unwrap();
    let now = Timestamp::ZERO.plus(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap());
    let server = Server::of(scenario, seed, 1.0, now).await.unwrap();
    let url = format!("http://{}/as/admin", server.kube);
    (server, url)
}

/// The line of the screen with `text`, and the one below it.
fn lines(t: &Terminal, text: &str) -> String {
    let screen = t.text();
    let at = screen.lines().position(|l| l.contains(text)).unwrap_or(usize::MAX);
    screen.lines().skip(at).take(2).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_of_two_and_one_that_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let ((one, url_one), (two, url_two)) = (cluster("healthy", 3).await, cluster("stuck-aggregation", 4).await);
    let config = kubeconfig(dir.path(), &[("east", &url_one), ("west", &url_two), ("gone", "http://127.0.0.1:1")]);
    tokio::task::block_in_place(|| {
        let env = [("KUBECONFIG", config.to_str().unwrap()), ("CLI_REDIS_NODES", "redis://one.redis:6379/0")];
        let args = ["--context", "east", "--context", "west", "--context", "gone", "--context", "typo"];
        let mut t = Terminal::start(&env, &args);
        // One row each: two with numbers, one that cannot be reached and one that
        // there is not, each with why.
        t.until("both clusters", |t| ["east/", "west/"].iter().all(|c| lines(t, c).contains("1     4")));
        t.shows("capacity-too-small");
        t.until("why one is not reached", |t| lines(t, "gone/").contains("The Kubernetes API does not answer"));
        t.until("why one is not opened", |t| lines(t, "typo/").contains("could not be opened"));
        // Into one, and back by Esc; into another on a view, and back by a key.
        t.keys("\r");
        t.shows(" 1 overview ");
        t.shows("east/sp1-cluster");
        t.shows("gpu queue");
        // Of several clusters nobody knows which one the store is of.
        t.keys("p");
        t.shows("redis://one.redis:6379/0 was set for the cluster");
        t.keys("\x1b");
        t.hides("send a proof");
        t.keys("\x1b");
        t.shows("clusters 4");
        t.keys("j5");
        t.shows("west/sp1-cluster");
        t.shows("cause     plonk");
        t.keys("F");
        t.shows("clusters 4");
        // The palette adds one that was not given, and Esc comes back to all.
        t.keys(":ctx elsewhere\r");
        t.shows("elsewhere/sp1-cluster");
        t.shows("there is no context 'elsewhere'");
        t.shows("east, west, gone");
        t.keys("\x1b");
        t.shows("clusters 5");
        t.quits();
    });
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_context_and_namespace_without_leaving() {
    let dir = tempfile::tempdir().unwrap();
    let (first, (other, url)) = (Fake::start().await, cluster("healthy", 5).await);
    for (app, name) in [("coordinator", "coordinator-1"), ("cpu-node", "cpu-1")] {
        first.put("pods", pod(app, name));
        first.log(name, 0, "hello");
    }
    first.put("namespaces", json!({"metadata": {"name": NS}}));
    first.put("namespaces", json!({"metadata": {"name": "playground"}}));
    let config = kubeconfig(dir.path(), &[("first", &format!("http://{}", first.addr)), ("other", &url)]);
    tokio::task::block_in_place(|| {
        let env = [("KUBECONFIG", config.to_str().unwrap()), ("CLI_REDIS_NODES", "redis://:hunter2@first.redis:6379/0")];
        let mut t = Terminal::start(&env, &[]);
        t.keys("7");
        t.shows("cpu-1");
        t.shows("first/sp1-cluster");
        // The environment's store is the first cluster's, and nobody else's unless somebody says so.
        let ours = |t: &mut Terminal, ours: bool| {
            t.keys("p");
            t.shows(if ours { "store: redis://:***@first.redis:6379/0" } else { "was set for the cluster that sp1top" });
            t.keys("\x1b");
            t.hides("send a proof");
        };
        ours(&mut t, true);
        // Names are completed from the kubeconfig and from the cluster.
        t.keys(":ns ");
        t.shows("namespace playground");
        t.keys("play\r");
        t.shows("first/playground");
        t.until("a look into it", |_| !first.asked("/namespaces/playground/pods").is_empty());
        ours(&mut t, false);
        t.keys(":context o");
        t.shows("context other");
        t.keys("\r");
        t.shows("other/sp1-cluster");
        // On the same screen as before, with the other cluster's pods.
        t.shows("coordinator-");
        t.keys("1");
        t.shows("4 workers");
        ours(&mut t, false);
        t.keys("p\x1b[A\x1b[A\x1b[D\r");
        t.shows("Send one compressed proof");
        t.shows("redis://:***@first.redis:6379/0");
        t.keys("\x1b");
        t.shows("nothing was sent");
        // One that there is not leaves the user on a screen with what to try.
        t.keys(":context typo\r");
        t.shows("could not be opened");
        t.shows("there is no context 'typo'");
        t.shows("contexts there are: first,");
        t.shows(": context NAME");
        t.keys(":context first\r");
        t.shows("first/sp1-cluster");
        t.keys("7");
        t.shows("cpu-1");
        ours(&mut t, true);
        // Each had a tape of its own.
        let tapes = std::fs::read_dir(t.home.path().join("sp1top/sessions")).unwrap().count();
        assert_eq!(tapes, 4, "one for each that was opened");
        t.quits();
        assert!(!t.has(b"hunter2"));
    });
    // The old sources ended: nobody asks for the namespace that was left.
    let asked = first.asked("/namespaces/playground/").len();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(first.asked("/namespaces/playground/").len(), asked);
    other.stop().await;
}

#[test]
fn commands_that_look_at_one_cluster_say_so() {
    let run = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_sp1top")).args(args).output().unwrap();
        (out.status.code(), String::from_utf8(out.stderr).unwrap())
    };
    for command in ["status", "alerts", "doctor", "export"] {
        let (code, err) = run(&[command, "--context", "a", "--context", "b"]);
        assert_eq!(code, Some(2), "{err}");
        assert!(err.contains(&format!("for c in a b; do sp1top {command} --context $c; done")), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
    // The same one twice is one.
    let (code, err) = run(&["status", "--context", "a", "--context", "a", "--kubeconfig", "/nowhere"]);
    assert!(code == Some(1) && err.contains("/nowhere"), "{err}");
}
