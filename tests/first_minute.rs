//! The first minute with the real program: no kubeconfig, a wrong context, an
//! empty or a wrong namespace, no cluster, no right, a login that has expired.
//! Each is told in one line that says what was found and what to try.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::kube::{Fake, NS, pod};
use tempfile::TempDir;

struct Machine {
    home: TempDir,
}

impl Machine {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn kubeconfig(&self, fake: &Fake, user: &Value) -> PathBuf {
        let path = self.path("kubeconfig");
        std::fs::write(&path, fake.kubeconfig(user)).unwrap();
        path
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut c = Command::new(env!("CARGO_BIN_EXE_sp1top"));
        c.args(args).env_clear().env("HOME", self.home.path()).env("PATH", std::env::var_os("PATH").unwrap());
        c
    }

    async fn run(&self, kubeconfig: Option<&Path>, args: &[&str]) -> Told {
        let mut c = self.command(args);
        if let Some(k) = kubeconfig {
            c.env("KUBECONFIG", k);
        }
        let out = tokio::task::spawn_blocking(move || c.output().unwrap()).await.unwrap();
        Told::new(&out)
    }
}

struct Told {
    code: Option<i32>,
    out: String,
    /// The one line on standard error.
    line: String,
}

impl Told {
    fn new(o: &Output) -> Self {
        let (out, err) = (String::from_utf8_lossy(&o.stdout).into_owned(), String::from_utf8_lossy(&o.stderr).into_owned());
        assert_eq!(err.lines().count(), 1, "one line: {err}\n{out}");
        Self { code: o.status.code(), out, line: err.trim().to_owned() }
    }

    fn says(&self, all: &[&str]) {
        for text in all {
            assert!(self.line.contains(text), "'{text}' is not in: {}", self.line);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kubeconfig() {
    let told = Machine::new().run(None, &["status"]).await;
    assert_eq!(told.code, Some(1));
    told.says(&["sp1top: no cluster to look at: there is no /", "/.kube/config;", "--kubeconfig", "KUBECONFIG", "sp1top demo"]);
    assert!(told.out.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_that_there_is_not() {
    let (m, fake) = (Machine::new(), Fake::start().await);
    let told = m.run(Some(&m.kubeconfig(&fake, &json!({}))), &["status", "--context", "prod"]).await;
    assert_eq!(told.code, Some(1));
    told.says(&["context 'prod'", "contexts there are: test", "--context"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_namespace_and_the_cluster_in_another() {
    let (m, fake) = (Machine::new(), Fake::start().await);
    fake.put("namespaces", json!({"metadata": {"name": NS}}));
    fake.put("deployments", json!({"metadata": {"name": "coordinator", "namespace": "prod", "labels": {"app": "coordinator"}}}));
    let told = m.run(Some(&m.kubeconfig(&fake, &json!({}))), &["status"]).await;
    assert_eq!(told.code, Some(1));
    told.says(&["no SP1 cluster here", "namespace sp1-cluster is empty", "there is one in prod; try `sp1top -n prod", "sp1top demo"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sp1_cluster_anywhere() {
    let (m, fake) = (Machine::new(), Fake::start().await);
    fake.put("namespaces", json!({"metadata": {"name": NS}}));
    fake.put("pods", pod("nginx", "nginx-1"));
    let begun = std::time::Instant::now();
    let told = m.run(Some(&m.kubeconfig(&fake, &json!({}))), &["status", "-o", "json"]).await;
    told.says(&["no coordinator among its 1 pod", "no other namespace has one", "--context NAME"]);
    // What is printed is still the snapshot, and nobody waits for what cannot come.
    assert!(serde_json::from_str::<Value>(&told.out).unwrap()["stats"].is_null());
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_there_is_not() {
    let (m, fake) = (Machine::new(), Fake::start().await);
    fake.refuse("/api/v1/namespaces/typo?", 404, "namespaces \"typo\" not found");
    let told = m.run(Some(&m.kubeconfig(&fake, &json!({}))), &["status", "-n", "typo"]).await;
    told.says(&["there is no namespace 'typo'"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_right_to_look() {
    let (m, fake) = (Machine::new(), Fake::start().await);
    fake.refuse("/", 403, r#"pods is forbidden: User "viewer" cannot list resource "pods" in API group "" in the namespace "sp1-cluster""#);
    let told = m.run(Some(&m.kubeconfig(&fake, &json!({}))), &["status"]).await;
    told.says(&[
        "may not look into the namespace",
        "viewer may not list pods",
        "sp1top doctor --context test -n sp1-cluster",
        "sp1top demo",
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_has_expired() {
    let (m, fake) = (Machine::new(), Fake::start().await);
    fake.with(|s| s.token = "right".into());
    let told = m.run(Some(&m.kubeconfig(&fake, &json!({"token": "old"}))), &["status", "--wait", "2"]).await;
    told.says(&["The login is missing or has expired", "401", "kubectl get pods --context test -n sp1-cluster"]);
    assert!(!told.line.contains("old"), "a token is told: {}", told.line);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_plugin_that_fails() {
    let (m, fake) = (Machine::new(), Fake::start().await);
    let user = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "false", "interactiveMode": "Never"}});
    let told = m.run(Some(&m.kubeconfig(&fake, &user)), &["status"]).await;
    assert_eq!(told.code, Some(1));
    told.says(&["exec plugin is 'false'", "log in again", "kubectl get pods"]);
    assert!(!told.line.contains("KUBERNETES_EXEC_INFO"), "{}", told.line);
    let user = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-login", "interactiveMode": "Never"}});
    let told = m.run(Some(&m.kubeconfig(&fake, &user)), &["status"]).await;
    told.says(&["exec plugin is 'no-such-login'", "cannot be run", "PATH"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn kubeconfigs_that_are_not_there_empty_or_broken() {
    let (m, fake) = (Machine::new(), Fake::start().await);
    let good = m.kubeconfig(&fake, &json!({}));
    let gone = m.path("gone");
    let told = m.run(Some(&gone), &["status"]).await;
    told.says(&["no cluster to look at: KUBECONFIG names", "gone, which is not there", "sp1top demo"]);
    // Of several kubectl passes over those that are not there.
    let both = std::env::join_paths([&gone, &good]).unwrap();
    let told = m.run(Some(Path::new(&both)), &["status", "--context", "prod"]).await;
    told.says(&["there is no context 'prod'", "contexts there are: test"]);
    let file = m.path("other");
    for (text, says) in [("", "has no contexts"), ("contexts: [", "/other: failed to parse")] {
        std::fs::write(&file, text).unwrap();
        let told = m.run(Some(&file), &["status"]).await;
        told.says(&[says, "sp1top demo"]);
        assert!(!told.line.contains("no cluster to look at"), "{}", told.line);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn as_a_plugin_of_kubectl_it_says_so() {
    let m = Machine::new();
    let name = m.path("kubectl-sp1top");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sp1top"), &name).unwrap();
    let out = Command::new(&name).arg("--help").output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.contains("Usage: kubectl sp1top [OPTIONS]"), "{text}");
}

#[test]
fn settings_are_written_once_read_and_refused() {
    let m = Machine::new();
    let run = |args: &[&str]| {
        let o = m.command(args).env("XDG_CONFIG_HOME", m.path("etc")).output().unwrap();
        (o.status.code().unwrap(), String::from_utf8(o.stdout).unwrap(), String::from_utf8(o.stderr).unwrap())
    };
    let file = m.path("etc/sp1top/config.toml");
    assert_eq!(run(&["config", "--init"]).0, 0);
    let (code, _, err) = run(&["config", "--init"]);
    assert!(code == 1 && err.contains("is there already"), "{err}");
    let (code, out, _) = run(&["config", "--theme", "light"]);
    assert!(code == 0 && out.contains("theme = \"light\"") && out.contains("# flag: --theme"), "{out}");
    std::fs::write(&file, "namespace = 'prod'\n[keys]\nquit = 'Q'\n").unwrap();
    let (_, out, _) = run(&["config"]);
    assert!(out.contains("namespace = \"prod\"") && out.contains("# file"), "{out}");
    let (_, out, _) = run(&["keys"]);
    assert!(out.lines().any(|l| l.trim_start().starts_with("Q ") && l.ends_with(" quit")), "{out}");
    // The example that is printed is one that is taken.
    std::fs::write(&file, "").unwrap();
    let (_, out, _) = run(&["keys"]);
    let example = out.lines().next().unwrap().split_once(": ").unwrap().1.to_owned();
    std::fs::write(&file, format!("[keys]\n{example}\n")).unwrap();
    let (code, out, err) = run(&["keys"]);
    assert!(code == 0 && out.lines().any(|l| l.starts_with("  Q ^c ")), "{example}: {err}{out}");
    for (text, says) in [
        ("nmespace = 'x'", "did you mean 'namespace'?"),
        ("[keys]\nquit = 'j'", "would be both 'down' and 'quit'"),
        ("[alerts]\nmemory-ratoi = 0.5", "memory-ratoi"),
        ("[alerts]\ndisabled = ['no-such']", "there is no alert 'no-such'"),
    ] {
        std::fs::write(&file, text).unwrap();
        let (code, _, err) = run(&["keys"]);
        assert_eq!(code, 2, "{text}: {err}");
        assert!(err.contains(says) && err.lines().count() == 1, "{err}");
        // What mends it still works.
        assert_eq!(run(&["man"]).0, 0);
    }
}
