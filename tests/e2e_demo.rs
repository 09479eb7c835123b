//! `sp1top demo --serve` as a process: other programs use it, and it leaves
//! nothing behind.
#![allow(missing_docs, clippy::unwrap_used)]

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
