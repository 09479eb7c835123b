//! `sp1top demo --serve` as a process: other programs use it, and it leaves
//! nothing behind.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "support/pty.rs"]
mod pty;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

struct Served {
    child: Child,
    stdin: ChildStdin,
    lines: BufReader<std::process::ChildStdout>,
    card: String,
    temp: tempfile::TempDir,
}

impl Served {
    fn start(args: &[&str]) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_sp1top"))
            .args(["demo", "--serve"])
            .args(args)
            .env("TMPDIR", temp.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut card = String::new();
        while !card.contains("help tells all") {
            assert_ne!(lines.read_line(&mut card).unwrap(), 0, "{card}");
        }
        let stdin = child.stdin.take().unwrap();
        Self { child, stdin, lines, card, temp }
    }

    fn word(&self, after: &str) -> String {
        let rest = self.card.split_once(after).unwrap_or_else(|| panic!("no {after} in {}", self.card)).1;
        rest.split_whitespace().next().unwrap().to_owned()
    }

    fn kubeconfig(&self) -> PathBuf {
        self.word("KUBECONFIG=").into()
    }

    fn order(&mut self, line: &str) -> String {
        writeln!(self.stdin, "{line}").unwrap();
        let mut answer = String::new();
        self.lines.read_line(&mut answer).unwrap();
        answer.trim().to_owned()
    }

    fn sp1top(args: &[&str]) -> (i32, String) {
        let out = Command::new(env!("CARGO_BIN_EXE_sp1top")).args(args).env_remove("CLI_CLUSTER_RPC").output().unwrap();
        (out.status.code().unwrap(), format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn status_works_on_it_and_nothing_is_left() {
    let mut served = Served::start(&["--scenario", "healthy", "--seed", "3"]);
    let config = served.kubeconfig();
    assert!(config.starts_with(served.temp.path()), "{}", config.display());
    let (code, text) = Served::sp1top(&["status", "-o", "json", "--kubeconfig", config.to_str().unwrap()]);
    assert_eq!(code, 0, "{text}");
    let status: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status["cluster"]["context"], "sp1top-demo");
    assert_eq!(status["workers"].as_array().unwrap().len(), 5);
    assert_eq!(status["pods"].as_array().unwrap().len(), 9);
    assert!(status["pods"][0]["memory_bytes"].as_u64().is_some());
    // The services by URL, without Kubernetes.
    let (coordinator, api) = (served.word("coordinator  "), served.word("api          "));
    let (code, text) =
        Served::sp1top(&["status", "-o", "json", "--no-kube", "--coordinator-rpc", &coordinator, "--cluster-rpc", &api, "--wait", "3"]);
    assert_eq!(code, 0, "{text}");
    let status: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&status["stats"]["source"], &status["stats"]["gpu_workers"]), (&"grpc".into(), &4.into()));
    assert!(!status["proofs"].as_array().unwrap().is_empty());
    // Orders are taken on standard input.
    assert!(served.order("prove plonk 50").starts_with("cli_"));
    assert_eq!(served.order("kill gpu-node"), "done");
    assert!(served.order("explode").starts_with("? 'explode' is no order"));
    // SIGTERM ends it, and its folder goes with it.
    assert_eq!(std::fs::read_dir(served.temp.path()).unwrap().count(), 1);
    let pid = served.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(served.child.wait().unwrap().success());
    assert_eq!(std::fs::read_dir(served.temp.path()).unwrap().count(), 0);
    let mut rest = String::new();
    served.lines.read_to_string(&mut rest).unwrap();
}

#[test]
fn a_wrong_scenario_says_which_there_are() {
    let out = Command::new(env!("CARGO_BIN_EXE_sp1top")).args(["demo", "--scenario", "nope"]).output().unwrap();
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{text}");
    assert!(text.contains("stuck-aggregation") && text.contains("tour"), "{text}");
    let out = Command::new(env!("CARGO_BIN_EXE_sp1top")).args(["demo", "--list"]).output().unwrap();
    assert!(String::from_utf8_lossy(&out.stdout).lines().count() >= 10);
}

impl Served {
    /// `sp1top prove` as somebody without any settings runs it on the card's words.
    fn prove(&self, more: &[&str]) -> (Option<i32>, String, String) {
        let state = self.temp.path().join("state");
        let out = Command::new(env!("CARGO_BIN_EXE_sp1top"))
            .args(["prove", "fibonacci", "--redis-nodes", &self.word("--redis-nodes ")])
            .args(more)
            .env_clear()
            .env("HOME", self.temp.path())
            .env("XDG_STATE_HOME", state)
            .env("KUBECONFIG", self.kubeconfig())
            .current_dir(self.temp.path())
            .output()
            .unwrap();
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        (out.status.code(), text(&out.stdout), text(&out.stderr))
    }
}

#[test]
fn a_proof_is_made_of_it_from_end_to_end() {
    let served = Served::start(&["--scenario", "healthy", "--seed", "3", "--speed", "30"]);
    let (code, said, word) = served.prove(&["--mode", "core", "--out", "p.bin"]);
    assert_eq!(code, Some(0), "{said}{word}");
    // Whether it fits is said before.
    assert!(word.contains("core fits:") && !word.contains("careful"), "{word}");
    for step in ["uploaded program", "submitted", "claimed: the coordinator works on it", "completed", "fetched: "] {
        assert!(said.contains(step), "no '{step}' in {said}");
    }
    let proof = std::fs::read(served.temp.path().join("p.bin")).unwrap();
    assert_eq!(&proof[..4], 0_u32.to_le_bytes());
    assert!(String::from_utf8_lossy(&proof).contains("This is no proof"), "it says what it is");
}

#[test]
fn what_does_not_fit_is_said_before_it_is_sent() {
    let served = Served::start(&["--scenario", "stuck-aggregation", "--seed", "3"]);
    let (code, said, word) = served.prove(&["--mode", "plonk", "--detach"]);
    assert_eq!(code, Some(0), "{said}{word}");
    assert!(word.contains("careful: ") && word.contains("plonk"), "{word}");
    let (code, said, word) = served.prove(&["--mode", "core", "--detach"]);
    assert!(code == Some(0) && !word.contains("careful"), "{said}{word}");
}

#[test]
fn the_demo_takes_proofs_from_its_screen() {
    let mut t = pty::Terminal::start(&[], &["demo", "--scenario", "healthy", "--seed", "3", "--speed", "30"]);
    t.shows("4 workers");
    t.keys("p");
    t.shows("the demo's own");
    // Core.
    t.keys("\t\t\x1b[D\r");
    t.shows("Send one core proof of fibonacci");
    t.keys("y");
    t.shows("on its way");
    t.keys("3");
    t.shows("sent from here: 1 running");
    t.shows("fetched: ");
    t.shows("sent from here: 0 running, 1 ended");
    // Cancelling is real too.
    t.keys("p");
    t.shows("send a proof");
    t.keys("\r");
    t.shows("Send one");
    t.keys("y");
    t.shows("sent from here: 1 running");
    t.quits();
}
