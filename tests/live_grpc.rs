//! The gRPC sources against real sockets.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sp1top::envelope::{Kind, SourceState};
use sp1top::event::{ProofRow, ProofStatus, What};
use sp1top::sources::grpc::calls::ClusterApi;
use sp1top::sources::grpc::poll::PollOptions;
use sp1top::sources::hub::{Clock, WallClock};
use sp1top::sources::live::{self, Live, LiveConfig};
use support::Seen;
use support::grpc::{Services, row};
use support::kube::{Fake, pod};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Code;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

fn quick() -> PollOptions {
    PollOptions {
        stats: Duration::from_millis(50),
        proofs: Duration::from_millis(100),
        versions: Duration::from_millis(200),
        deadline: Duration::from_millis(500),
    }
}

async fn to(addr: SocketAddr) -> Live {
    let url = Some(format!("http://{addr}"));
    let config = LiveConfig { coordinator_rpc: url.clone(), cluster_rpc: url, poll: quick(), ..LiveConfig::default() };
    live::start(config, None, Arc::new(WallClock)).await.unwrap()
}

fn now() -> u64 {
    u64::try_from(WallClock.now().secs()).unwrap()
}

fn rows(seen: &Seen) -> Vec<ProofRow> {
    seen.events("grpc:proofs").into_iter().filter_map(|w| if let What::ProofRows(r) = w { Some(r) } else { None }).flatten().collect()
}

#[tokio::test]
async fn stats_proofs_and_versions_come() {
    let services = Services::default();
    services.with(|s| {
        s.total_tasks = 47;
        s.rows.push(row("cli_1", 1, now()));
        s.rows.push(row("cli_0", 2, now() - 1_000));
    });
    let server = services.serve(ANY).await;
    let (mut live, mut seen) = (to(server.addr).await, Seen::default());
    seen.until(&mut live, "all of it", |s| {
        ["grpc:coordinator", "grpc:proofs", "grpc:versions"].iter().all(|n| s.is(n, SourceState::Live) && s.events(n).len() > 1)
            || s.of("grpc:versions").any(|e| e.kind == Kind::Manifest)
                && s.of("grpc:coordinator").filter(|e| e.kind == Kind::Stats).count() > 2
                && rows(s).len() > 2
    })
    .await;
    let What::Stats(stats) = &seen.events("grpc:coordinator")[0] else { panic!() };
    assert_eq!((stats.total_tasks, stats.cpu_queue, stats.from_grpc), (Some(47), Some(0), true));
    assert!(rows(&seen).iter().any(|r| r.id.as_str() == "cli_0" && r.status == ProofStatus::Completed));
    live.hub.shutdown().await;
}

#[tokio::test]
async fn a_proof_that_ends_is_looked_up_among_thousands() {
    let services = Services::default();
    let born = now() - 100_000;
    services.with(|s| {
        s.rows.extend((0..5_000).map(|n| row(&format!("cli_{n}"), 2, born + n)));
        s.rows.push(row("cli_mine", 1, now()));
    });
    let server = services.serve(ANY).await;
    let (mut live, mut seen) = (to(server.addr).await, Seen::default());
    let has = |s: &Seen, id: &str, status| rows(s).iter().any(|r| r.id.as_str() == id && r.status == status);
    seen.until(&mut live, "pending and newest", |s| has(s, "cli_mine", ProofStatus::Pending) && has(s, "cli_4999", ProofStatus::Completed))
        .await;
    assert!(rows(&seen).len() < 300, "only the newest, not all: {}", rows(&seen).len());
    // It fails and, as on an old server, its row moves to where nobody looks.
    services.with(|s| {
        let mut row = s.rows.pop().unwrap();
        row.proof_status = 3;
        row.extra_data = Some(r#"{"proving_failure":{"reason":"out of luck\n more","task_type":"ProveShard"}}"#.into());
        s.rows.insert(0, row);
    });
    seen.until(&mut live, "the end", |s| has(s, "cli_mine", ProofStatus::Failed)).await;
    let ended = rows(&seen).into_iter().rfind(|r| r.id.as_str() == "cli_mine").unwrap();
    assert_eq!(ended.failure.as_deref(), Some("out of luck"));
    assert!(services.with(|s| s.calls.iter().filter(|c| c.starts_with("Get cli_")).count()) == 1);
    // The database begins anew.
    services.with(|s| s.rows = vec![row("cli_new", 2, now())]);
    seen.until(&mut live, "the new one", |s| has(s, "cli_new", ProofStatus::Completed)).await;
}

#[tokio::test]
async fn an_old_api_lacks_versions_and_nothing_else() {
    let services = Services::default();
    services.with(|s| s.old = true);
    let server = services.serve(ANY).await;
    let (mut live, mut seen) = (to(server.addr).await, Seen::default());
    seen.until(&mut live, "state", |s| s.is("grpc:versions", SourceState::Ended) && s.is("grpc:proofs", SourceState::Live)).await;
    assert!(seen.detail("grpc:versions").contains("older than v2.5.4"));
    seen.for_a_while(&mut live, Duration::from_millis(500)).await;
    assert_eq!(services.with(|s| s.calls.iter().filter(|c| *c == "GetClusterComponentInfo").count()), 1, "no storm");
}

#[tokio::test]
async fn a_server_that_hangs_and_wakes_up() {
    let services = Services::default();
    services.with(|s| s.hang = true);
    let server = services.serve(ANY).await;
    let (mut live, mut seen) = (to(server.addr).await, Seen::default());
    seen.until(&mut live, "a word", |s| s.detail("grpc:coordinator").contains("does not answer in time")).await;
    services.with(|s| s.hang = false);
    seen.until(&mut live, "recovery", |s| s.is("grpc:coordinator", SourceState::Live) && s.is("grpc:proofs", SourceState::Live)).await;
}

#[tokio::test]
async fn a_server_that_restarts() {
    let services = Services::default();
    let server = services.serve(ANY).await;
    let (mut live, mut seen) = (to(server.addr).await, Seen::default());
    seen.until(&mut live, "live", |s| s.is("grpc:coordinator", SourceState::Live)).await;
    let addr = server.addr;
    drop(server);
    seen.until(&mut live, "a word", |s| s.is("grpc:coordinator", SourceState::Connecting) && s.is("grpc:proofs", SourceState::Connecting))
        .await;
    assert!(seen.detail("grpc:coordinator").contains("is not reachable"), "{}", seen.detail("grpc:coordinator"));
    let _server = services.serve(addr).await;
    seen.until(&mut live, "recovery", |s| s.is("grpc:coordinator", SourceState::Live) && s.is("grpc:proofs", SourceState::Live)).await;
}

/// Accepts and answers each connection with `answer`, then holds it.
async fn talks(answer: &'static [u8]) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind(ANY).await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(answer).await;
                tokio::time::sleep(Duration::from_secs(5)).await;
            });
        }
    });
    addr
}

#[tokio::test]
async fn what_is_no_grpc_server_is_a_state_and_no_loop() {
    for answer in [b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".as_slice(), b"\x00\xff garbage".as_slice(), b"".as_slice()] {
        let addr = talks(answer).await;
        let (mut live, mut seen) = (to(addr).await, Seen::default());
        seen.until(&mut live, "a word", |s| !s.detail("grpc:coordinator").is_empty()).await;
        assert!(seen.is("grpc:coordinator", SourceState::Connecting), "{:?}", seen.states());
        let before = seen.envelopes.len();
        seen.for_a_while(&mut live, Duration::from_millis(700)).await;
        assert!(seen.envelopes.len() - before < 20);
        assert!(!seen.envelopes.iter().any(|e| e.kind == Kind::Stats));
    }
}

#[tokio::test]
async fn wrong_urls_are_told_at_once() {
    for url in ["localhost:50051", "ftp://x", "http://", "::"] {
        let config = LiveConfig { coordinator_rpc: Some(url.into()), ..LiveConfig::default() };
        let Err(why) = live::start(config, None, Arc::new(WallClock)).await else { panic!("{url}") };
        assert!(why.contains("http://HOST:PORT"), "{why}");
    }
}

#[tokio::test]
async fn requests_are_created_found_and_cancelled() {
    let services = Services::default();
    let server = services.serve(ANY).await;
    let live = to(server.addr).await;
    let api = ClusterApi(live.cluster.clone().unwrap());
    let request =
        sp1top::proto::cluster::ProofRequestCreateRequest { proof_id: "p".into(), deadline: now() + 14_400, ..Default::default() };
    api.create(&request).await.unwrap();
    assert_eq!(api.create(&request).await.unwrap_err().code, Code::AlreadyExists);
    api.cancel("p").await.unwrap();
    assert_eq!(api.get("p").await.unwrap().unwrap().proof_status, 4);
    assert_eq!(api.get("q").await.unwrap(), None);
    api.healthcheck().await.unwrap();
}

#[tokio::test]
async fn through_the_kubernetes_api_to_a_pod_and_to_the_next_one() {
    let services = Services::default();
    services.with(|s| s.total_tasks = 7);
    let server = services.serve(ANY).await;
    let mut fake = Fake::start().await;
    fake.with(|s| s.forward_to = Some(server.addr));
    fake.put("pods", pod("coordinator", "coordinator-1"));
    fake.put("pods", pod("api", "api-1"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    std::fs::write(&path, fake.kubeconfig(&serde_json::json!({}))).unwrap();
    let kube = sp1top::sources::kube::access::AccessOptions { kubeconfig: Some(path), context: None, namespace: support::kube::NS.into() };
    let config =
        LiveConfig { kube: Some(kube), poll: PollOptions { deadline: Duration::from_secs(2), ..quick() }, ..LiveConfig::default() };
    let (mut live, mut seen) = (live::spawn(config, Arc::new(WallClock)).await.unwrap(), Seen::default());
    seen.until(&mut live, "stats", |s| s.is("grpc:coordinator", SourceState::Live) && s.is("grpc:proofs", SourceState::Live)).await;
    assert_eq!(fake.asked("coordinator-1/portforward").len(), 1);
    // The pod is replaced.
    drop(server);
    fake.delete("pods", "coordinator-1");
    fake.put("pods", pod("coordinator", "coordinator-2"));
    let server = services.serve(ANY).await;
    services.with(|s| s.total_tasks = 8);
    fake.with(|s| s.forward_to = Some(server.addr));
    seen.until(&mut live, "the next pod", |s| {
        s.events("grpc:coordinator").iter().any(|w| matches!(w, What::Stats(st) if st.total_tasks == Some(8)))
    })
    .await;
    assert!(!fake.asked("coordinator-2/portforward").is_empty());
    // The API server goes and comes back; the tunnel opens itself again.
    fake.stop().await;
    seen.until(&mut live, "a word", |s| s.is("grpc:coordinator", SourceState::Connecting)).await;
    fake.start_again().await;
    seen.until(&mut live, "recovery", |s| s.is("grpc:coordinator", SourceState::Live)).await;
}

#[tokio::test]
async fn a_port_forward_that_is_forbidden_says_what_to_ask_for() {
    let fake = Fake::start().await;
    fake.put("pods", pod("coordinator", "coordinator-1"));
    fake.refuse("/portforward", 403, r#"pods "coordinator-1" is forbidden: User "viewer" cannot create resource "pods/portforward""#);
    let client = kube::Client::try_from(kube::Config::new(format!("http://{}", fake.addr).parse().unwrap())).unwrap();
    let access = sp1top::sources::kube::access::Access::with_client(client, support::kube::NS);
    let config = LiveConfig { poll: quick(), ..LiveConfig::default() };
    let (mut live, mut seen) = (live::start(config, Some(access), Arc::new(WallClock)).await.unwrap(), Seen::default());
    seen.until(&mut live, "denied", |s| s.is("grpc:coordinator", SourceState::Denied)).await;
    assert_eq!(
        seen.detail("grpc:coordinator"),
        "403: viewer may not create pods/portforward; ask for verb create on resource pods/portforward in namespace sp1-cluster"
    );
    seen.until(&mut live, "a word", |s| s.detail("grpc:proofs").contains("no running pod with the label app=api")).await;
    seen.for_a_while(&mut live, Duration::from_millis(600)).await;
    assert_eq!(fake.asked("/portforward").len(), 1, "not asked again at once");
}
