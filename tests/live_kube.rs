//! The Kubernetes sources against a scripted API server.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sp1top::base::Timestamp;
use sp1top::envelope::{Kind, SourceState};
use sp1top::event::{KubeEvent, What};
use sp1top::sources::hub::WallClock;
use sp1top::sources::kube::access::{Access, AccessOptions};
use sp1top::sources::kube::logs::LogOptions;
use sp1top::sources::live::{self, Command, Live, LiveConfig};
use support::Seen;
use support::kube::{Fake, NS, pod};

fn access(fake: &Fake) -> Arc<Access> {
    let mut config = kube::Config::new(format!("http://{}", fake.addr).parse().unwrap());
    config.default_retry = false;
    Access::with_client(kube::Client::try_from(config).unwrap(), NS)
}

async fn watch(fake: &Fake, config: LiveConfig) -> Live {
    // The services are not what is looked at here.
    let nowhere = Some("http://127.0.0.1:1".to_owned());
    let config = LiveConfig { coordinator_rpc: nowhere.clone(), cluster_rpc: nowhere, ..config };
    live::start(config, Some(access(fake)), Arc::new(WallClock)).await.unwrap()
}

fn kube_events(seen: &Seen, source: &str) -> Vec<KubeEvent> {
    seen.events(source).into_iter().filter_map(|w| if let What::Kube(k) = w { Some(k) } else { None }).collect()
}

fn lists(seen: &Seen) -> usize {
    kube_events(seen, "kube:pods").iter().filter(|e| matches!(e, KubeEvent::PodList(_))).count()
}

fn knows(seen: &Seen, name: &str) -> bool {
    kube_events(seen, "kube:pods").iter().any(|e| match e {
        KubeEvent::PodList(l) => l.iter().any(|p| p.name == name),
        KubeEvent::Pod(p) => p.name == name,
        _ => false,
    })
}

#[tokio::test]
async fn the_first_screen_comes_at_once_and_without_secrets() {
    let fake = Fake::start().await;
    for (app, name) in
        [("coordinator", "coordinator-1"), ("api", "api-1"), ("cpu-node", "cpu-1"), ("gpu-node", "gpu-1"), ("gpu-node", "gpu-2")]
    {
        fake.put("pods", pod(app, name));
        fake.log(name, 0, &format!("hello of {name} redis://:log-secret@redis"));
    }
    fake.put("deployments", json!({"metadata": {"name": "cpu-node"}, "spec": {"template": {"spec": {"containers": [{"name": "cpu-node", "env": [{"name": "WORKER_MAX_WEIGHT_OVERRIDE", "value": "48"}]}]}}}}));
    fake.put("events", json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "cpu-1"}, "reason": "Killing", "message": "m", "lastTimestamp": "2026-11-24T00:00:00Z"}));
    fake.put("nodes", json!({"metadata": {"name": "node-a"}, "status": {"allocatable": {"memory": "96Gi"}, "images": [{"names": ["x"]}]}}));
    fake.with(|s| s.pod_metrics = Some(r#"{"kind":"PodMetricsList","items":[{"metadata":{"name":"cpu-1"},"timestamp":"2026-11-24T00:00:00Z","containers":[{"name":"cpu-node","usage":{"cpu":"1500m","memory":"2Gi"}}]}]}"#.into()));
    let begun = std::time::Instant::now();
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    let sources = [
        "kube:pods",
        "kube:deployments",
        "kube:statefulsets",
        "kube:events",
        "kube:nodes",
        "kube:podmetrics",
        "log:gpu-2/gpu-node",
        "prom:cpu-1",
    ];
    seen.until(&mut live, "everything", |s| {
        sources.iter().all(|n| s.is(n, SourceState::Live))
            && s.of("kube:podmetrics").any(|e| e.kind == Kind::PodMetrics)
            && ["log:coordinator-1/coordinator", "log:gpu-2/gpu-node"].iter().all(|n| s.lines(n).len() == 1)
            && s.of("prom:cpu-1").any(|e| e.kind == Kind::Prometheus)
            && sources[..5].iter().all(|n| s.of(n).any(|e| e.kind == Kind::Json))
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(seen.envelopes[0].kind, Kind::Session);
    for source in sources {
        seen.events(source);
    }
    let told = &seen.updates("log:gpu-2/gpu-node")[0];
    assert_eq!((told.component.as_deref(), told.pod.as_deref()), (Some("gpu-node"), Some("gpu-2")));
    for e in &seen.envelopes {
        let text = String::from_utf8_lossy(&e.raw);
        assert!(!text.contains("-secret"), "{}: {text}", e.source);
    }
    // Ticks come, and it ends when told.
    seen.until(&mut live, "a tick", |s| s.envelopes.iter().any(|e| e.kind == Kind::Tick)).await;
    tokio::time::timeout(Duration::from_secs(3), live.hub.shutdown()).await.unwrap();
}

#[tokio::test]
async fn a_watch_resumes_where_it_was_and_lists_again_when_that_is_gone() {
    let mut fake = Fake::start().await;
    fake.put("pods", pod("cpu-node", "cpu-1"));
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    seen.until(&mut live, "the list", |s| knows(s, "cpu-1")).await;
    fake.put("pods", pod("cpu-node", "cpu-2"));
    seen.until(&mut live, "an event", |s| knows(s, "cpu-2")).await;
    // Gone for a moment; what happened meanwhile is not lost.
    fake.stop().await;
    seen.until(&mut live, "a word", |s| s.is("kube:pods", SourceState::Connecting)).await;
    assert!(seen.detail("kube:pods").starts_with("the API server is not reachable"), "{}", seen.detail("kube:pods"));
    fake.put("pods", pod("cpu-node", "cpu-3"));
    fake.start_again().await;
    seen.until(&mut live, "the event meanwhile", |s| knows(s, "cpu-3") && s.is("kube:pods", SourceState::Live)).await;
    assert_eq!(lists(&seen), 1, "resumed, not listed again");
    // Now it forgets what was.
    fake.stop().await;
    fake.delete("pods", "cpu-1");
    fake.with(|s| s.oldest = s.version);
    fake.start_again().await;
    seen.until(&mut live, "a second list", |s| lists(s) == 2).await;
    let all = kube_events(&seen, "kube:pods");
    let KubeEvent::PodList(last) = all.iter().rfind(|e| matches!(e, KubeEvent::PodList(_))).unwrap() else { panic!() };
    assert_eq!(last.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["cpu-2", "cpu-3"]);
    fake.delete("pods", "cpu-2");
    seen.until(&mut live, "a deletion", |s| {
        kube_events(s, "kube:pods").iter().any(|e| matches!(e, KubeEvent::PodDeleted(n) if n.as_str() == "cpu-2"))
    })
    .await;
}

#[tokio::test]
async fn a_server_that_answers_every_watch_with_gone_is_not_asked_in_a_loop() {
    let fake = Fake::start().await;
    fake.with(|s| s.watch_error = Some(json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "expired"}})));
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    seen.for_a_while(&mut live, Duration::from_secs(2)).await;
    let asked = fake.asked("/pods?").len();
    assert!((2..12).contains(&asked), "{asked}");
}

#[tokio::test]
async fn large_lists_come_page_by_page_as_one() {
    let fake = Fake::start().await;
    for n in 0..1_203 {
        fake.put("pods", pod("gpu-node", &format!("gpu-{n:04}")));
    }
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    seen.until(&mut live, "the list", |s| lists(s) == 1).await;
    assert!(matches!(&kube_events(&seen, "kube:pods")[0], KubeEvent::PodList(l) if l.len() == 1_203));
    assert_eq!(fake.asked("/pods?").iter().filter(|r| r.contains("limit=500")).count(), 3);
    seen.until(&mut live, "a word", |s| s.detail("kube:logs").contains("16 of 1203 gpu-node logs")).await;
    assert!(seen.detail("kube:prometheus").is_empty() || seen.detail("kube:prometheus").contains("off"));
    // One is looked at.
    fake.log("gpu-1000", 0, "task");
    live.commands.send(Command::Focus(Some("gpu-1000".into()))).await.unwrap();
    seen.until(&mut live, "its log", |s| s.lines("log:gpu-1000/gpu-node") == ["task"]).await;
    live.commands.send(Command::Focus(None)).await.unwrap();
    seen.until(&mut live, "its end", |s| s.is("log:gpu-1000/gpu-node", SourceState::Ended)).await;
}

#[tokio::test]
async fn every_refusal_says_what_to_ask_for_and_all_else_works() {
    let fake = Fake::start().await;
    fake.put("pods", pod("cpu-node", "cpu-1"));
    fake.log("cpu-1", 0, "line");
    for (path, verb, resource) in [
        ("/nodes?", "list", "nodes"),
        ("/events?", "list", "events"),
        ("/statefulsets?", "list", "statefulsets"),
        ("/deployments?", "list", "deployments"),
        ("metrics.k8s.io", "list", "pods\" in API group \"metrics.k8s.io"),
        ("/proxy/", "get", "pods/proxy"),
    ] {
        fake.refuse(path, 403, &format!("{resource} is forbidden: User \"viewer\" cannot {verb} resource \"{resource}\""));
    }
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    let denied = ["kube:nodes", "kube:events", "kube:statefulsets", "kube:deployments", "kube:podmetrics", "kube:prometheus"];
    seen.until(&mut live, "the refusals", |s| {
        denied.iter().all(|n| s.is(n, SourceState::Denied)) && s.lines("log:cpu-1/cpu-node") == ["line"]
    })
    .await;
    assert_eq!(seen.detail("kube:nodes"), "403: viewer may not list nodes; ask for verb list on resource nodes in the whole cluster");
    assert_eq!(
        seen.detail("kube:events"),
        "403: viewer may not list events; ask for verb list on resource events in namespace sp1-cluster"
    );
    assert!(seen.detail("kube:podmetrics").contains("pods.metrics.k8s.io"));
    let asked = fake.with(|s| s.requests.len());
    seen.for_a_while(&mut live, Duration::from_secs(1)).await;
    assert_eq!(fake.with(|s| s.requests.len()), asked, "no loop");
}

#[tokio::test]
async fn pods_that_may_not_be_listed_or_logged_are_a_state() {
    let fake = Fake::start().await;
    fake.put("pods", pod("cpu-node", "cpu-1"));
    fake.refuse("/log?", 403, r#"pods "cpu-1" is forbidden: User "viewer" cannot get resource "pods/log""#);
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    seen.until(&mut live, "a refusal", |s| s.is("log:cpu-1/cpu-node", SourceState::Denied)).await;
    assert_eq!(
        seen.detail("log:cpu-1/cpu-node"),
        "403: viewer may not get pods/log; ask for verb get on resource pods/log in namespace sp1-cluster"
    );
    let fake = Fake::start().await;
    fake.refuse("/pods?", 403, r#"pods is forbidden: User "viewer" cannot list resource "pods""#);
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    seen.until(&mut live, "a refusal", |s| s.is("kube:pods", SourceState::Denied)).await;
}

#[tokio::test]
async fn who_may_list_but_not_watch_polls() {
    let fake = Fake::start().await;
    fake.put("pods", pod("cpu-node", "cpu-1"));
    fake.refuse("watch=true", 403, r#"pods is forbidden: User "viewer" cannot watch resource "pods""#);
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    seen.until(&mut live, "a word", |s| s.detail("kube:pods").contains("watch") && knows(s, "cpu-1")).await;
    assert!(seen.is("kube:pods", SourceState::Live) && seen.detail("kube:pods").contains("listed each 15 s"));
}

#[tokio::test]
async fn metrics_that_nobody_serves() {
    let fake = Fake::start().await;
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    seen.until(&mut live, "a word", |s| s.is("kube:podmetrics", SourceState::Ended)).await;
    assert!(seen.detail("kube:podmetrics").contains("install metrics-server"));
    let fake = Fake::start().await;
    fake.refuse("metrics.k8s.io", 503, "metrics not available yet");
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    seen.until(&mut live, "a word", |s| s.detail("kube:podmetrics").contains("metrics not available yet")).await;
}

#[tokio::test]
async fn a_log_that_is_cut_anywhere_loses_and_doubles_nothing() {
    let fake = Fake::start().await;
    fake.put("pods", pod("coordinator", "coordinator-1"));
    for n in 0..40 {
        fake.log("coordinator-1", n * 300, &format!("line {n}"));
    }
    // In the middle of lines, at their ends, before the first byte.
    fake.with(|s| s.log_cuts = [101, 0, 38, 250, 777].into());
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    let name = "log:coordinator-1/coordinator";
    seen.until(&mut live, "all lines", |s| s.lines(name).len() >= 40).await;
    fake.log("coordinator-1", 12_001, "last");
    seen.until(&mut live, "the last", |s| s.lines(name).contains(&"last".into())).await;
    let want: Vec<_> = (0..40).map(|n| format!("line {n}")).chain(["last".into()]).collect();
    assert_eq!(seen.lines(name), want);
    let breaks = seen.of(name).filter(|e| e.kind == Kind::LogBreak).count();
    assert!((3..=5).contains(&breaks), "{breaks}");
    // Each chunk is whole lines.
    assert!(seen.of(name).filter(|e| e.kind == Kind::Log).all(|e| e.raw.ends_with(b"\n")));
    assert!(fake.asked("/log?")[0].contains("tailLines=2500"));
    assert!(fake.asked("/log?").last().unwrap().contains("sinceTime="));
}

#[tokio::test]
async fn a_container_that_restarts_says_its_last_words() {
    let fake = Fake::start().await;
    fake.put("pods", pod("cpu-node", "cpu-1"));
    fake.log("cpu-1", 0, "first");
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    let name = "log:cpu-1/cpu-node";
    seen.until(&mut live, "its log", |s| s.lines(name) == ["first"]).await;
    // The stream is cut, then the container dies with words that nobody heard.
    let at = Timestamp::from_millis(1_795_480_000_000);
    fake.with(|s| {
        let mut dead = s.logs.remove("cpu-1").unwrap();
        dead.push((at.plus(Duration::from_secs(5)), "last words".into()));
        s.previous.insert("cpu-1".into(), dead);
        s.logs.insert("cpu-1".into(), vec![(at.plus(Duration::from_secs(9)), "again".into())]);
        s.ended.push("cpu-1".into());
    });
    let mut dead = pod("cpu-node", "cpu-1");
    dead["status"]["containerStatuses"][0]["restartCount"] = json!(1);
    dead["status"]["containerStatuses"][0]["lastState"] =
        json!({"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-11-24T00:00:05Z"}});
    fake.put("pods", dead);
    seen.until(&mut live, "the question", |_| !fake.asked("previous=true").is_empty()).await;
    fake.with(|s| s.ended.clear());
    seen.until(&mut live, "the rest", |s| s.lines(name).contains(&"again".into())).await;
    assert_eq!(seen.lines(name), ["first", "last words", "again"]);
}

#[tokio::test]
async fn pods_that_are_replaced_end_and_begin() {
    let fake = Fake::start().await;
    fake.put("pods", pod("cpu-node", "cpu-1"));
    fake.log("cpu-1", 0, "old");
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    seen.until(&mut live, "its log", |s| s.lines("log:cpu-1/cpu-node") == ["old"]).await;
    fake.delete("pods", "cpu-1");
    fake.put("pods", pod("cpu-node", "cpu-2"));
    seen.until(&mut live, "a word", |s| s.detail("log:cpu-2/cpu-node").contains("waiting to start")).await;
    fake.log("cpu-1", 100, "draining");
    fake.log("cpu-2", 200, "new");
    fake.with(|s| s.ended.push("cpu-1".into()));
    seen.until(&mut live, "both", |s| s.lines("log:cpu-2/cpu-node") == ["new"] && s.is("log:cpu-1/cpu-node", SourceState::Ended)).await;
    assert_eq!(seen.lines("log:cpu-1/cpu-node"), ["old", "draining"]);
    assert_eq!(seen.detail("log:cpu-1/cpu-node"), "the pod is gone");
    // The same name again (a stateful set's): another uid, another stream.
    let mut again = pod("cpu-node", "cpu-2");
    again["metadata"]["uid"] = json!("another");
    fake.with(|s| s.ended.push("cpu-2".into()));
    fake.put("pods", again);
    seen.until(&mut live, "its end", |s| s.is("log:cpu-2/cpu-node", SourceState::Ended)).await;
    fake.with(|s| s.ended.clear());
    fake.log("cpu-2", 300, "newer");
    seen.until(&mut live, "the newer", |s| s.lines("log:cpu-2/cpu-node").contains(&"newer".into())).await;
}

#[tokio::test]
async fn a_coordinator_that_is_silent_is_suspected() {
    let fake = Fake::start().await;
    fake.put("pods", pod("coordinator", "coordinator-1"));
    fake.log("coordinator-1", 0, "stats");
    let logs = LogOptions { coordinator_silence: Duration::from_millis(300), ..LogOptions::default() };
    let (mut live, mut seen) = (watch(&fake, LiveConfig { logs, ..LiveConfig::default() }).await, Seen::default());
    let name = "log:coordinator-1/coordinator";
    seen.until(&mut live, "suspicion", |s| s.is(name, SourceState::Stale)).await;
    let asked = fake.asked("/log?").len();
    seen.until(&mut live, "another try", |_| fake.asked("/log?").len() > asked).await;
    assert!(seen.is(name, SourceState::Stale), "no data came: it stays stale");
    fake.log("coordinator-1", 1_000, "more");
    seen.until(&mut live, "recovery", |s| s.is(name, SourceState::Live)).await;
    assert_eq!(seen.lines(name), ["stats", "more"]);
}

#[tokio::test]
async fn logs_survive_an_api_server_that_goes_and_comes_back() {
    let mut fake = Fake::start().await;
    fake.put("pods", pod("coordinator", "coordinator-1"));
    fake.log("coordinator-1", 0, "a");
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    let name = "log:coordinator-1/coordinator";
    seen.until(&mut live, "its log", |s| s.lines(name) == ["a"]).await;
    fake.stop().await;
    fake.log("coordinator-1", 2_000, "b");
    seen.until(&mut live, "a word", |s| s.is(name, SourceState::Connecting)).await;
    fake.log("coordinator-1", 3_000, "c");
    fake.start_again().await;
    seen.until(&mut live, "recovery", |s| s.lines(name).len() == 3).await;
    assert_eq!(seen.lines(name), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_container_that_is_down_is_asked_seldom_and_quietly() {
    let fake = Fake::start().await;
    fake.put("pods", pod("cpu-node", "cpu-1"));
    fake.log("cpu-1", 0, "its end");
    fake.with(|s| s.ended.push("cpu-1".into()));
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    seen.for_a_while(&mut live, Duration::from_secs(3)).await;
    assert_eq!(seen.lines("log:cpu-1/cpu-node"), ["its end"]);
    assert!((2..8).contains(&fake.asked("/log?").len()));
    assert!(!seen.of("log:cpu-1/cpu-node").any(|e| e.kind == Kind::LogBreak), "nothing follows");
}

#[tokio::test]
async fn events_are_not_told_twice_when_they_are_listed_again() {
    let fake = Fake::start().await;
    let event = |n: u32, count: u32| {
        json!({"kind": "Event", "metadata": {"name": format!("e{n}"), "uid": format!("u{n}")}, "involvedObject": {"kind": "Pod", "name": "p"}, "reason": format!("R{n}"),
               "count": count, "lastTimestamp": "2026-11-24T00:00:00Z"})
    };
    fake.put("events", event(1, 1));
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    let told = |s: &Seen| -> Vec<(String, u32)> {
        let notes = kube_events(s, "kube:events").into_iter().filter_map(|e| if let KubeEvent::Events(n) = e { Some(n) } else { None });
        notes.flatten().map(|n| (n.reason, n.count)).collect()
    };
    seen.until(&mut live, "the first", |s| told(s).len() == 1).await;
    fake.put("events", event(2, 1));
    seen.until(&mut live, "the second", |s| told(s).len() == 2).await;
    fake.with(|s| s.watch_error = Some(json!({"type": "ERROR", "object": {"code": 410}})));
    seen.until(&mut live, "a second list", |s| s.of("kube:events").filter(|e| e.raw.starts_with(b"{\"kind\":\"EventList\"")).count() > 1)
        .await;
    fake.with(|s| s.watch_error = None);
    fake.put("events", event(1, 2));
    seen.until(&mut live, "its second time", |s| told(s).len() == 3).await;
    assert_eq!(told(&seen), [("R1".into(), 1), ("R2".into(), 1), ("R1".into(), 2)]);
}

#[tokio::test]
async fn https_that_is_none_is_a_state() {
    let fake = Fake::start().await;
    let mut config = kube::Config::new(format!("https://{}", fake.addr).parse().unwrap());
    config.connect_timeout = Some(Duration::from_secs(1));
    let client = kube::Client::try_from(config).unwrap();
    let url = Some(format!("https://{}", fake.addr));
    let config = LiveConfig { coordinator_rpc: url.clone(), cluster_rpc: url, ..LiveConfig::default() };
    let (mut live, mut seen) =
        (live::start(config, Some(Access::with_client(client, NS)), Arc::new(WallClock)).await.unwrap(), Seen::default());
    seen.until(&mut live, "a word", |s| !s.detail("kube:pods").is_empty() && !s.detail("grpc:coordinator").is_empty()).await;
}

#[tokio::test]
async fn a_slow_server_is_only_slow() {
    let fake = Fake::start().await;
    fake.put("pods", pod("coordinator", "coordinator-1"));
    fake.log("coordinator-1", 0, "a");
    fake.with(|s| s.slow = Duration::from_secs(1));
    let (mut live, mut seen) = (watch(&fake, LiveConfig::default()).await, Seen::default());
    seen.until(&mut live, "its log", |s| s.lines("log:coordinator-1/coordinator") == ["a"]).await;
    assert_eq!(lists(&seen), 1);
}

fn options(dir: &tempfile::TempDir, text: &str) -> AccessOptions {
    let path = dir.path().join("config");
    std::fs::write(&path, text).unwrap();
    AccessOptions { kubeconfig: Some(path), context: None, namespace: NS.into() }
}

#[tokio::test]
async fn an_exec_plugin_whose_token_expires_is_run_again() {
    let fake = Fake::start().await;
    fake.put("pods", pod("cpu-node", "cpu-1"));
    fake.with(|s| s.token = "one".into());
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, "one").unwrap();
    let script = format!(
        r#"t=$(cat {}); echo "{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"$t\"}}}}""#,
        token.display()
    );
    let user = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script], "interactiveMode": "IfAvailable"}});
    let nowhere = Some("http://127.0.0.1:1".to_owned());
    let kube = Some(options(&dir, &fake.kubeconfig(&user)));
    let config = LiveConfig { kube, coordinator_rpc: nowhere.clone(), cluster_rpc: nowhere, ..LiveConfig::default() };
    let (mut live, mut seen) = (live::spawn(config, Arc::new(WallClock)).await.unwrap(), Seen::default());
    seen.until(&mut live, "pods", |s| knows(s, "cpu-1") && s.is("kube:pods", SourceState::Live)).await;
    assert_eq!(live.access.as_ref().unwrap().context(), Some("test"));
    // Ten seconds must pass before it is run again.
    tokio::time::sleep(Duration::from_secs(10)).await;
    std::fs::write(&token, "two").unwrap();
    fake.with(|s| {
        s.token = "two".into();
        // All watches end.
        s.watch_error = Some(json!({"type": "ERROR", "object": {"code": 410}}));
    });
    seen.until(&mut live, "a word", |s| s.updates("kube:pods").iter().any(|u| u.detail.starts_with("401"))).await;
    fake.with(|s| s.watch_error = None);
    seen.until(&mut live, "recovery", |s| lists(s) > 1 && s.is("kube:pods", SourceState::Live)).await;
    let text: Vec<_> = seen.envelopes.iter().map(|e| String::from_utf8_lossy(&e.raw).into_owned()).collect();
    assert!(!text.iter().any(|t| t.contains("Bearer")));
}

#[tokio::test]
async fn a_wrong_configuration_is_one_line_that_helps() {
    let dir = tempfile::tempdir().unwrap();
    let fake = Fake::start().await;
    let missing = AccessOptions { kubeconfig: Some(dir.path().join("none")), context: None, namespace: NS.into() };
    let mut other = options(&dir, &fake.kubeconfig(&json!({})));
    other.context = Some("prod".into());
    for (options, word) in [(missing, "none"), (other, "contexts there are: test")] {
        let Err(why) = Access::open(options).await else { panic!() };
        assert!(why.contains(word) && !why.contains('\n'), "{why}");
    }
    let failing = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/nonexistent/plugin"}});
    let options = options(&dir, &fake.kubeconfig(&failing));
    let Err(why) = Access::open(options).await else { panic!() };
    assert!(why.contains("/nonexistent/plugin"), "{why}");
}
