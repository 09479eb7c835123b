//! Changes of the cluster against a scripted API server: looked at, made,
//! refused, written down.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use sp1top::base::change::{Change, ChangeNews, Order, Progress};
use sp1top::envelope::Kind;
use sp1top::sources::hub::WallClock;
use sp1top::sources::kube::access::Access;
use sp1top::sources::kube::change::ChangeOptions;
use sp1top::sources::live::{self, Command, Live, LiveConfig};
use support::Seen;
use support::kube::{Fake, NS, pod};

struct Bench {
    fake: Fake,
    live: Live,
    seen: Seen,
    id: u64,
    journal: PathBuf,
    _dir: tempfile::TempDir,
}

async fn bench(read_only: bool) -> Bench {
    let fake = Fake::start().await;
    fake.put(
        "deployments",
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "cpu-node", "namespace": NS, "generation": 3},
            "spec": {"replicas": 1, "selector": {}, "template": {"spec": {"containers": [
                {"name": "sidecar"},
                {"name": "cpu-node", "env": [{"name": "WORKER_MAX_WEIGHT_OVERRIDE", "value": "32"}, {"name": "RUST_LOG", "value": "info"}],
                 "resources": {"limits": {"memory": "64Gi"}}}]}}},
        }),
    );
    fake.put("pods", pod("cpu-node", "cpu-node-1"));
    let config = kube::Config::new(format!("http://{}", fake.addr).parse().unwrap());
    let access = Access::with_client(kube::Client::try_from(config).unwrap(), NS);
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("state").join("journal.jsonl");
    let nowhere = Some("http://127.0.0.1:1".to_owned());
    let config = LiveConfig {
        coordinator_rpc: nowhere.clone(),
        cluster_rpc: nowhere,
        changes: ChangeOptions { read_only, journal: Some(journal.clone()) },
        ..LiveConfig::default()
    };
    let live = live::start(config, Some(access), Arc::new(WallClock)).await.unwrap();
    Bench { fake, live, seen: Seen::default(), id: 0, journal, _dir: dir }
}

impl Bench {
    /// Orders something and waits for what comes of it.
    async fn order(&mut self, order: Order) -> Progress {
        let id = match &order {
            Order::Look { id, .. } | Order::Apply { id, .. } => *id,
        };
        let before = self.news(id).len();
        self.live.commands.send(Command::Change(order)).await.unwrap();
        let (live, seen) = (&mut self.live, &mut self.seen);
        seen.until(live, "news of the change", |s| news(s, id).len() > before).await;
        self.news(id).pop().unwrap().progress
    }

    fn news(&self, id: u64) -> Vec<ChangeNews> {
        news(&self.seen, id)
    }

    async fn look(&mut self, change: &Change) -> Progress {
        self.id += 1;
        self.order(Order::Look { id: self.id, change: change.clone() }).await
    }

    async fn apply(&mut self, change: &Change, version: &str) -> Progress {
        self.order(Order::Apply { id: self.id, change: change.clone(), version: version.into() }).await
    }

    fn changes(&self) -> Vec<(String, String, Value)> {
        self.fake.with(|s| s.changes.clone())
    }

    fn written(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.journal).unwrap_or_default();
        text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }
}

fn news(seen: &Seen, id: u64) -> Vec<ChangeNews> {
    let all = seen.envelopes.iter().filter(|e| e.kind == Kind::Effect);
    all.map(|e| serde_json::from_slice::<ChangeNews>(&e.raw).unwrap()).filter(|n| n.id == id).collect()
}

fn read(command: &str) -> Change {
    Change::of_command(command).unwrap()
}

fn shown(p: &Progress) -> (Vec<String>, bool, String) {
    let Progress::Ready { differences, interrupts, version } = p else { panic!("{p:?}") };
    let word = |v: &Option<String>| v.clone().unwrap_or_else(|| "-".into());
    (differences.iter().map(|d| format!("{}: {} -> {}", d.what, word(&d.from), word(&d.to))).collect(), *interrupts, version.clone())
}

#[tokio::test]
async fn the_environment_is_changed_as_it_was_shown_and_written_down() {
    let mut b = bench(false).await;
    let change = read("kubectl set env deploy/cpu-node -n sp1-cluster WORKER_MAX_WEIGHT_OVERRIDE=48");
    let ready = b.look(&change).await;
    let (differences, interrupts, version) = shown(&ready);
    assert_eq!(differences, ["deploy/cpu-node: WORKER_MAX_WEIGHT_OVERRIDE: 32 -> 48"]);
    assert!(interrupts);
    assert!(b.changes().is_empty() && b.written().is_empty(), "looking changes nothing");
    assert!(matches!(b.apply(&change, &version).await, Progress::Done(_)));
    let changes = b.changes();
    assert_eq!((changes.len(), changes[0].0.as_str()), (1, "PATCH"));
    let now = b.fake.with(|s| s.objects[&("deployments".to_owned(), "cpu-node".to_owned())].clone());
    let containers = &now["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers[1]["env"], json!([{"name": "WORKER_MAX_WEIGHT_OVERRIDE", "value": "48"}, {"name": "RUST_LOG", "value": "info"}]));
    assert_eq!(containers[0], json!({"name": "sidecar"}));
    let states: Vec<_> = b.written().iter().map(|l| l["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, ["asked", "done"]);
    assert_eq!((&b.written()[0]["namespace"], &b.written()[0]["schema"]), (&json!(NS), &json!("sp1top.journal/1")));
    // The same again changes nothing.
    let (differences, ..) = shown(&b.look(&change).await);
    assert!(differences.is_empty());
}

#[tokio::test]
async fn what_somebody_else_changed_meanwhile_is_not_overwritten() {
    let mut b = bench(false).await;
    let change = read("kubectl set resources deploy/cpu-node --limits=memory=96Gi --requests=memory=96Gi");
    let (differences, _, version) = shown(&b.look(&change).await);
    assert_eq!(differences, ["deploy/cpu-node: memory limit: 64Gi -> 96Gi", "deploy/cpu-node: memory request: - -> 96Gi"]);
    let mut other = b.fake.with(|s| s.objects[&("deployments".to_owned(), "cpu-node".to_owned())].clone());
    other["metadata"]["generation"] = json!(4);
    b.fake.put("deployments", other);
    let failed = b.apply(&change, &version).await;
    assert!(matches!(&failed, Progress::Failed(why) if why.contains("somebody else")), "{failed:?}");
    assert!(b.changes().is_empty());
}

#[tokio::test]
async fn pods_are_deleted_and_more_pods_interrupt_nothing() {
    let mut b = bench(false).await;
    let (differences, interrupts, _) = shown(&b.look(&read("kubectl scale deploy/cpu-node --replicas=2")).await);
    assert_eq!((differences, interrupts), (vec!["deploy/cpu-node: replicas: 1 -> 2".to_owned()], false));
    assert!(shown(&b.look(&read("kubectl scale deploy/cpu-node --replicas=0")).await).1);
    let change = read("kubectl delete pod cpu-node-1");
    let (_, interrupts, uid) = shown(&b.look(&change).await);
    assert_eq!((interrupts, uid.as_str()), (true, "uid-cpu-node-1"));
    assert!(matches!(b.apply(&change, &uid).await, Progress::Done(_)));
    let changes = b.changes();
    assert_eq!(changes[0].0, "DELETE");
    assert_eq!(changes[0].2["preconditions"]["uid"], "uid-cpu-node-1");
    let gone = b.look(&change).await;
    assert!(matches!(&gone, Progress::Refused(why) if why.contains("not there")), "{gone:?}");
}

#[tokio::test]
async fn without_the_right_or_when_only_reading_nothing_is_changed() {
    let mut b = bench(false).await;
    b.fake.with(|s| s.denied = vec!["patch deployments".into()]);
    let change = read("kubectl rollout restart deploy/cpu-node");
    let refused = b.look(&change).await;
    assert!(matches!(&refused, Progress::Refused(why) if why.contains("may not patch deployments.apps")), "{refused:?}");
    assert!(matches!(b.apply(&change, "generation 3").await, Progress::Refused(_)));
    assert!(b.changes().is_empty());
    let mut b = bench(true).await;
    for progress in [b.look(&change).await, b.apply(&change, "generation 3").await] {
        assert!(matches!(&progress, Progress::Refused(why) if why.contains("--read-only")), "{progress:?}");
    }
    assert!(b.changes().is_empty() && b.written().is_empty());
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_done() {
    let mut b = bench(false).await;
    std::fs::write(b.journal.parent().unwrap(), "a file where the folder should be").unwrap();
    let change = read("kubectl rollout restart deploy/cpu-node");
    let (_, _, version) = shown(&b.look(&change).await);
    let failed = b.apply(&change, &version).await;
    assert!(matches!(&failed, Progress::Failed(why) if why.contains("journal")), "{failed:?}");
    assert!(b.changes().is_empty());
}
