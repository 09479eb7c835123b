//! Tapes of live sessions: no secret that a cluster holds is on one, names of a
//! shared one are other names, and a session can be gone back in and replayed.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "support/pty.rs"]
mod pty;
mod support;

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pty::Terminal;
use serde_json::json;
use sp1top::base::Timestamp;
use sp1top::sources::files::Recording;
use support::grpc::{Server, Services, row, unix_now};
use support::kube::{Fake, NS, pod};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

/// Everything that a tape holds, as one text.
fn content(tape: &Path) -> String {
    let mut recording = Recording::open(&[tape.to_owned()], "files").unwrap();
    let mut out = String::new();
    while let Some(e) = recording.next().unwrap() {
        let _ = writeln!(out, "{} {}", e.source.as_str(), String::from_utf8_lossy(&e.raw));
    }
    out
}

/// A cluster full of secrets.
struct Secretive {
    fake: Fake,
    api: Server,
    dir: tempfile::TempDir,
}

const CPU: &str = "cpu-node-6b9c8d7f5d-x2m4q";
const COORDINATOR: &str = "coordinator-7c9d5b8f64-zk2lp";
const WORKER: &str = "unknown_041351339b098f3f67bf114087f18469";
const PROOF: &str = "cli_1795482984393";

impl Secretive {
    async fn new() -> Self {
        let fake = Fake::start().await;
        let mut node = pod("cpu-node", CPU);
        node["metadata"]["annotations"] =
            json!({"note": "planted-annotation", "kubectl.kubernetes.io/last-applied-configuration": "{\"x\":\"planted-applied\"}"});
        node["spec"]["nodeName"] = json!("gpu-box-7.rack3.acme-corp.example");
        node["spec"]["containers"][0] = json!({
            "name": "cpu-node", "image": "registry.acme-corp.example/base:base-v2.7.2", "args": ["--key", "planted-arg"], "command": ["sh", "-c", "planted-command"],
            "env": [{"name": "MY_TOKEN", "value": "planted-env"}, {"name": "NODE_REDIS_NODES", "value": "redis://:planted-url@redis-master:6379/0"},
                    {"name": "WORKER_MAX_WEIGHT_OVERRIDE", "value": "48"}],
        });
        fake.put("pods", node);
        fake.put("pods", pod("coordinator", COORDINATOR));
        let template = json!({"spec": {"containers": [{"name": "cpu-node", "image": "x:base-v2.7.2", "env": [
            {"name": "PRIVATE_KEY", "value": "planted-key"}, {"name": "WORKER_TYPE", "value": "CPU"}]}]}});
        fake.put("deployments", json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "cpu-node", "namespace": NS, "uid": "d",
            "annotations": {"a": "planted-deployment"}}, "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "cpu-node"}}, "template": template}}));
        fake.put(
            "events",
            json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e1", "namespace": NS}, "reason": "Failed", "type": "Warning",
            "message": format!("Error: redis://:planted-event@redis-master refused Bearer {JWT}"), "lastTimestamp": "2026-11-24T00:00:01Z",
            "involvedObject": {"kind": "Pod", "name": CPU, "namespace": NS}}),
        );
        let line = |pod: &str, ms, text: &str| fake.log(pod, ms, &format!("2026-11-24T00:00:00.000000Z  INFO sp1_cluster_node: {text}"));
        line(CPU, 1, "worker type: Cpu");
        line(CPU, 2, "connecting to redis://user:planted-log@redis-master:6379/0");
        line(CPU, 3, "DATABASE_URL=postgresql://u:planted-database@db/x PRIVATE_KEY=planted-private");
        line(CPU, 4, &format!("GET https://x/y Authorization: Bearer {JWT}"));
        line(CPU, 5, "env {\"AWS_SECRET_ACCESS_KEY\": \"planted-aws\"} api_token=planted-api-token");
        line(
            COORDINATOR,
            6,
            &format!("[coordinator] worker {WORKER} Cpu () 0 [(\"{PROOF}\", \"task_01m85j089sfys9ym8xec0r7yjz\", Some(Some(Controller)))]"),
        );
        let services = Services::default();
        services.with(|s| {
            let mut row = row(PROOF, 3, unix_now());
            row.extra_data = Some(format!(
                r#"{{"proving_failure":{{"reason":"redis://:planted-extra@redis: no, token {JWT}","task_type":"ProveShard"}}}}"#
            ));
            row.metadata = r#"{"password":"planted-metadata"}"#.into();
            s.rows.push(row);
        });
        let api = services.serve(ANY).await;
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("kubeconfig"), fake.kubeconfig(&json!({"token": "planted-bearer"}))).unwrap();
        Self { fake, api, dir }
    }

    fn record(&self, name: &str, more: &[&str]) -> String {
        let tape = self.dir.path().join(name);
        let url = format!("http://user:planted-rpc@{}", self.api.addr);
        let mut c = Command::new(env!("CARGO_BIN_EXE_sp1top"));
        c.args(["record", "--for", "4s", "--namespace", NS, "--cluster-rpc", &url, "-o"]).arg(&tape).args(more);
        c.arg("--kubeconfig").arg(self.dir.path().join("kubeconfig")).env("HOME", self.dir.path());
        let out = c.stdin(Stdio::null()).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        assert!(!String::from_utf8_lossy(&out.stderr).contains("planted"), "{}", String::from_utf8_lossy(&out.stderr));
        // Neither unpacked nor in the file as it is.
        assert!(memchr::memmem::find(&std::fs::read(&tape).unwrap(), b"planted-").is_none());
        content(&tape)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_live_cluster_is_on_its_tape() {
    let cluster = Secretive::new().await;
    let kept = cluster.record("x.tape", &[]);
    // What is needed is there: from every source that held a secret.
    let needed = [
        "WORKER_MAX_WEIGHT_OVERRIDE",
        "\"48\"",
        "worker type: Cpu",
        "redis-master:6379",
        CPU,
        WORKER,
        PROOF,
        "proving_failure",
        "refused",
        "connecting to redis://",
        "DATABASE_URL",
        "AWS_SECRET_ACCESS_KEY",
    ];
    for n in needed {
        assert!(kept.contains(n), "{n} is not on the tape:\n{kept}");
    }
    for word in kept.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.')) {
        assert!(!word.contains("planted-") && !word.contains(JWT), "{word} is on the tape:\n{kept}");
    }
    assert!(!cluster.fake.asked("secrets").iter().any(|r| r.contains("/secrets")), "secrets are not even asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_tape_names_nobody_and_means_the_same() {
    let cluster = Secretive::new().await;
    let kept = cluster.record("shared.tape", &["--share"]);
    for name in ["acme-corp", "rack3", "x2m4q", "6b9c8d7f5d", "zk2lp", "7c9d5b8f64", "041351339b098f3f67bf114087f18469", PROOF, "planted-"]
    {
        assert!(!kept.contains(name), "{name} is on the tape:\n{kept}");
    }
    for n in ["worker type: Cpu", "WORKER_MAX_WEIGHT_OVERRIDE", "Controller"] {
        assert!(kept.contains(n), "{n} is not on the tape:\n{kept}");
    }
    // One name is one other name wherever it stands: as an object and as a log.
    let of = |text: &str| {
        kept.match_indices(text)
            .map(|(at, _)| kept[at + text.len()..].chars().take(16).collect::<String>())
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(of("cpu-node-").iter().filter(|n| n.chars().nth(10) == Some('-')).count(), 1, "{:?}", of("cpu-node-"));
    let proofs: std::collections::BTreeSet<String> = of("cli_179548").into_iter().map(|p| p.chars().take(7).collect()).collect();
    assert_eq!(proofs.len(), 1, "the API's row and the coordinator's line name one proof: {proofs:?}");
    // What it says is the same.
    let status = |name: &str| {
        let out = Command::new(env!("CARGO_BIN_EXE_sp1top"))
            .args(["status", "-o", "json", "--from"])
            .arg(cluster.dir.path().join(name))
            .output()
            .unwrap();
        serde_json::from_slice::<serde_json::Value>(&out.stdout).unwrap()
    };
    let shared = status("shared.tape");
    assert_eq!(
        (&shared["workers"][0]["tasks"][0]["type"], &shared["proofs"][0]["status"]),
        (&"Controller".into(), &"failed".into()),
        "{shared}"
    );
}

/// A coordinator's log that grows, under a dashboard.
struct Growing {
    path: PathBuf,
    dir: tempfile::TempDir,
}

impl Growing {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("coordinator.log");
        std::fs::write(&path, "").unwrap();
        Self { path, dir }
    }

    /// One stats line, with so many in the CPU queue.
    fn says(&self, cpu_queue: u32) {
        let at = now().to_string();
        let line = format!(
            "{}.000001Z  INFO sp1_cluster_coordinator: [coordinator] GetStatsResponse {{ coordinator_version: \"x\", sp1_circuit_version: \"v6.1.0\", total_tasks: 47, \
             active_tasks: 14, cpu_workers: 1, gpu_workers: 2, cpu_utilization_current: 1, cpu_utilization_max: 48, gpu_utilization_current: 48, gpu_utilization_max: 48, \
             active_proofs: 1, cpu_queue: {cpu_queue}, gpu_queue: 1, active_subscribers: 0 }}\n",
            &at[..19]
        );
        std::fs::OpenOptions::new().append(true).open(&self.path).unwrap().write_all(line.as_bytes()).unwrap();
    }

    fn watch(&self, more: &[&str]) -> Terminal {
        let log = format!("coordinator={}", self.path.display());
        let state = self.dir.path().to_str().unwrap();
        let mut args = vec!["watch", "--no-kube", "--log", &log];
        args.extend(more);
        Terminal::start(&[("XDG_STATE_HOME", state)], &args)
    }
}

fn now() -> Timestamp {
    Timestamp::ZERO.plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())
}

/// Waits for the next second, and the one after it: its beginning as it is typed.
fn next_second() -> String {
    let next = Timestamp::from_secs(now().secs() + 1);
    while now() < next.plus(Duration::from_millis(100)) {
        std::thread::sleep(Duration::from_millis(10));
    }
    next.to_string()
}

#[test]
fn a_live_session_is_gone_back_in_and_misses_nothing() {
    let log = Growing::new();
    let mut t = log.watch(&[]);
    log.says(7);
    t.shows("cpu queue 7");
    let then = next_second();
    log.says(9);
    t.shows("cpu queue 9");
    t.keys("@");
    t.shows("go to time");
    t.keys(&format!("{then}\r"));
    t.shows("PAST");
    t.shows("cpu queue 7");
    assert!(!t.text().contains("LIVE"), "{}", t.text());
    // It goes on meanwhile, and shows none of it.
    log.says(11);
    next_second();
    t.take(Duration::from_millis(200));
    assert!(t.text().contains("cpu queue 7") && t.text().contains("PAST"), "{}", t.text());
    t.keys("r");
    t.shows("cpu queue 11");
    assert!(t.text().contains("LIVE") && !t.text().contains("PAST"), "{}", t.text());
    // A step of a period leads before everything; one on is now again.
    t.keys(",");
    t.shows("PAST");
    t.hides("cpu queue 11");
    t.keys(".");
    t.shows("cpu queue 11");
    t.shows("LIVE");
    t.quits();
    // The session can be opened again.
    let state = log.dir.path().to_str().unwrap().to_owned();
    let mut t = Terminal::start(&[("XDG_STATE_HOME", &state)], &["replay", "--last", "--speed", "max"]);
    t.shows("REPLAY");
    t.shows("cpu queue 11");
    t.quits();
}

#[test]
fn a_session_is_recorded_where_told_and_says_the_same() {
    let log = Growing::new();
    let tape = log.dir.path().join("told.tape");
    let mut t = log.watch(&["--record", tape.to_str().unwrap(), "--no-session-tape"]);
    log.says(7);
    t.shows("cpu queue 7");
    log.says(13);
    t.shows("cpu queue 13");
    // Without a session's tape there is no going back, and it is said.
    t.keys(",");
    t.shows("the past is not kept");
    t.quits();
    let out = Command::new(env!("CARGO_BIN_EXE_sp1top")).args(["status", "-o", "json", "--from"]).arg(&tape).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((&status["stats"]["cpu_queue"], &status["stats"]["source"]), (&13.into(), &"log".into()));
    let state = log.dir.path().to_str().unwrap();
    let last = Command::new(env!("CARGO_BIN_EXE_sp1top"))
        .args(["status", "--from"])
        .arg(log.dir.path().join("none"))
        .env("XDG_STATE_HOME", state)
        .output()
        .unwrap();
    assert_eq!(last.status.code(), Some(1));
    assert!(!log.dir.path().join("sp1top/sessions").exists(), "no session was kept");
}
