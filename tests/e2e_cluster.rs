//! The live sources on the simulated cluster, over real sockets: what an
//! operator's network, administrator and cluster do to them.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use sp1top::base::Timestamp;
use sp1top::envelope::{Kind, SourceState};
use sp1top::event::{KubeEvent, What};
use sp1top::model::Model;
use sp1top::output::status::Status;
use sp1top::pipeline::Pipeline;
use sp1top::proto::cluster::{ProofRequestCreateRequest, ProofRequestListRequest};
use sp1top::sim::serve::{Server, SimClock, order, users};
use sp1top::sim::{Cluster, ClusterConfig, NodeLogs, Release, Scenario};
use sp1top::sources::grpc::calls::{ClusterApi, CoordinatorApi};
use sp1top::sources::kube::access::Access;
use sp1top::sources::live::{self, Command, Live, LiveConfig};
use support::Seen;
use tonic::Code;

const NS: &str = "sp1-cluster";

/// A served cluster, and what the live sources saw of it.
struct Rig {
    server: Server,
    live: Live,
    seen: Seen,
}

fn access(server: &Server, user: &str) -> Arc<Access> {
    let url = format!("http://{}{}{user}", server.kube, users::PREFIX);
    let mut config = kube::Config::new(url.parse().unwrap());
    config.default_retry = false;
    Access::with_client(kube::Client::try_from(config).unwrap(), NS)
}

fn begin() -> Timestamp {
    Timestamp::from_secs(1_795_480_000)
}

impl Rig {
    /// A small cluster that has run for a minute.
    async fn small() -> Self {
        Self::of(ClusterConfig::new(Release::LATEST), 60, "admin", LiveConfig::default()).await
    }

    async fn of(config: ClusterConfig, age: u64, user: &str, live: LiveConfig) -> Self {
        let cluster = Cluster::new(config, 7, begin());
        let clock = SimClock::new(begin().plus(Duration::from_secs(age)), 1.0);
        let server = Server::start(cluster, Vec::new(), clock).await.unwrap();
        let clock = Arc::clone(&server.world.clock);
        let live = live::start(live, Some(access(&server, user)), clock).await.unwrap();
        Self { server, live, seen: Seen::default() }
    }

    fn order(&self, line: &str) -> String {
        order::run(&self.server.world, line).unwrap()
    }

    fn skip(&self, seconds: u64) {
        self.order(&format!("skip {seconds}"));
    }

    async fn until(&mut self, what: &str, done: impl FnMut(&Seen) -> bool) {
        self.seen.until(&mut self.live, what, done).await;
    }

    /// The pod of a part of the cluster.
    fn pod(&self, app: &str) -> String {
        self.server.world.read(|s| s.cluster.pods().find(|(_, p)| p.app == app && p.ready).map(|(_, p)| p.name.clone())).unwrap()
    }

    /// The whole log of a pod's present container, as it was written.
    fn written(&self, pod: &str) -> Vec<String> {
        self.server.world.read(|s| {
            let (n, p) = s.cluster.pods().find(|(_, p)| p.name == pod).unwrap();
            let log = s.logs.stream(n, p.restarts).unwrap();
            (log.first()..log.end()).map(|n| String::from_utf8_lossy(&log.line(n).unwrap().text).into_owned()).collect()
        })
    }

    /// What the screens would know.
    fn model(&self) -> Model {
        let (mut model, mut pipeline) = (Model::new(), Pipeline::new(false));
        for e in &self.seen.envelopes {
            pipeline.apply(e, &mut model);
        }
        model
    }
}

fn lists(seen: &Seen) -> usize {
    seen.events("kube:pods").iter().filter(|w| matches!(w, What::Kube(KubeEvent::PodList(_)))).count()
}

fn knows(seen: &Seen, pod: &str) -> bool {
    seen.events("kube:pods").iter().any(|w| match w {
        What::Kube(KubeEvent::PodList(l)) => l.iter().any(|p| p.name == pod),
        What::Kube(KubeEvent::Pod(p)) => p.name == pod,
        _ => false,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_screen_is_whole_at_once() {
    let scenario = Scenario::find("healthy").unwrap();
    let server = Server::of(scenario, 1, 1.0, begin()).await.unwrap();
    let clock = Arc::clone(&server.world.clock);
    let started = Instant::now();
    let live = live::start(LiveConfig::default(), Some(access(&server, "admin")), clock).await.unwrap();
    let mut rig = Rig { server, live, seen: Seen::default() };
    let coordinator = format!("log:{}/coordinator", rig.pod("coordinator"));
    let node = format!("log:{}/cpu-node", rig.pod("cpu-node"));
    rig.until("everything", |s| {
        let live = [
            "kube:pods",
            "kube:deployments",
            "kube:events",
            "kube:nodes",
            "kube:podmetrics",
            "grpc:coordinator",
            "grpc:proofs",
            "grpc:versions",
        ];
        live.iter().all(|n| s.is(n, SourceState::Live))
            && s.of("grpc:coordinator").any(|e| e.kind == Kind::Stats)
            && s.of("grpc:proofs").any(|e| e.kind == Kind::Proofs)
            && s.of("kube:podmetrics").any(|e| e.kind == Kind::PodMetrics)
            && s.of(&coordinator).filter(|e| e.kind == Kind::Log).count() > 0
            && s.of(&node).any(|e| e.kind == Kind::Log)
    })
    .await;
    println!("whole after {:?}", started.elapsed());
    // The rest of the logs' tails: until they tie every worker to its pod.
    for _ in 0..40 {
        rig.seen.for_a_while(&mut rig.live, Duration::from_millis(500)).await;
        if rig.model().workers.iter().all(|w| w.tie.is_some()) {
            break;
        }
    }
    for source in ["kube:pods", "kube:deployments", "kube:statefulsets", "kube:events", "kube:nodes", "kube:podmetrics", "grpc:proofs"] {
        rig.seen.events(source);
    }
    let model = rig.model();
    let status = serde_json::to_value(Status::of(&model, sp1top::alerts::Alerts::none())).unwrap();
    assert_eq!(status["workers"].as_array().unwrap().len(), 5, "{status:#}");
    assert_eq!(status["pods"].as_array().unwrap().len(), 9);
    assert_eq!(status["stats"]["gpu_workers"], 4);
    assert!(status["proofs"].as_array().unwrap().len() > 3);
    let unread: u64 = status["sources"].as_array().unwrap().iter().map(|s| s["unread"].as_u64().unwrap()).sum();
    assert_eq!(unread, 0, "{status:#}");
    // Ten minutes of graph are there from the beginning.
    let known = model.history.begins().unwrap();
    assert!(model.now.since(known) > Duration::from_secs(500), "{known}");
    let tied = model.workers.iter().filter(|w| w.tie.is_some()).count();
    assert_eq!(tied, 5, "workers and pods are tied through the tasks");
}

#[tokio::test(flavor = "multi_thread")]
async fn watches_resume_after_a_break_and_list_again_after_410() {
    let mut rig = Rig::small().await;
    let gpu = rig.pod("gpu-node");
    rig.until("the list", |s| knows(s, &gpu) && lists(s) == 1).await;
    // All connections break; what happens meanwhile is told, and nothing twice.
    rig.order("apiserver down");
    rig.until("a word", |s| s.is("kube:pods", SourceState::Connecting)).await;
    rig.order("scale gpu-node 5");
    rig.skip(5);
    rig.order("apiserver up");
    let new = rig.server.world.read(|s| s.cluster.pods().map(|(_, p)| p.name.clone()).max_by_key(|n| s_age(s, n))).unwrap();
    rig.until("the new pod", |s| knows(s, &new) && s.is("kube:pods", SourceState::Live)).await;
    assert_eq!(lists(&rig.seen), 1, "resumed, not listed again");
    rig.order("expire");
    rig.until("a second list", |s| lists(s) == 2).await;
    rig.until("all live", |s| ["kube:pods", "kube:deployments", "kube:nodes"].iter().all(|n| s.is(n, SourceState::Live))).await;
}

fn s_age(s: &sp1top::sim::serve::world::State, name: &str) -> Timestamp {
    s.cluster.pods().find(|(_, p)| p.name == name).map_or(Timestamp::ZERO, |(_, p)| p.created_at)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_was_away_costs_nothing_but_the_time() {
    let mut rig = Rig::small().await;
    let pod = rig.pod("coordinator");
    let log = format!("log:{pod}/coordinator");
    rig.until("the first lines", |s| !s.lines(&log).is_empty() && s.is("grpc:coordinator", SourceState::Live)).await;
    rig.order("apiserver down");
    rig.until("words", |s| s.is(&log, SourceState::Connecting) && s.is("grpc:coordinator", SourceState::Connecting)).await;
    assert!(rig.seen.detail("grpc:coordinator").contains("not reachable"), "{}", rig.seen.detail("grpc:coordinator"));
    rig.skip(30);
    rig.order("apiserver up");
    rig.until("all again", |s| s.is(&log, SourceState::Live) && s.is("grpc:coordinator", SourceState::Live)).await;
    rig.skip(11);
    let written = rig.written(&pod);
    rig.until("all lines", |s| s.lines(&log).len() >= written.len()).await;
    assert_eq!(rig.seen.lines(&log)[..written.len()], written, "no line lost or doubled over the outage");
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_that_are_cut_in_mid_line_or_rotated_lose_nothing_that_can_be_had() {
    let mut rig = Rig::small().await;
    let pod = rig.pod("coordinator");
    let log = format!("log:{pod}/coordinator");
    for bytes in [333, 0, 1_000] {
        rig.order(&format!("cut-log {bytes}"));
    }
    rig.order("break");
    rig.skip(40);
    let written = rig.written(&pod);
    rig.until("all lines", |s| s.lines(&log).len() >= written.len()).await;
    assert_eq!(rig.seen.lines(&log)[..written.len()], written);
    assert!(rig.seen.of(&log).filter(|e| e.kind == Kind::Log).all(|e| e.raw.ends_with(b"\n")));
    // After a rotation it goes on, with what is new.
    rig.order("rotate coordinator");
    rig.skip(11);
    let after = rig.written(&pod);
    assert!(!after.is_empty());
    rig.until("the lines after it", |s| s.lines(&log).ends_with(&after)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_dies_and_a_pod_that_is_replaced_are_followed_through() {
    let mut rig = Rig::small().await;
    let old = rig.pod("cpu-node");
    let log = format!("log:{old}/cpu-node");
    rig.until("its log", |s| !s.lines(&log).is_empty()).await;
    let before = rig.written(&old);
    rig.order("kill cpu-node");
    rig.skip(5);
    rig.until("the next container", |s| s.lines(&log).len() > before.len()).await;
    assert_eq!(rig.seen.lines(&log)[..before.len()], before, "with what the first one said last");
    rig.until("its end in the pods", |s| {
        s.events("kube:pods").iter().any(|w| matches!(w, What::Kube(KubeEvent::Pod(p)) if p.name == old && p.restarts == 1 && p.last_termination.as_ref().is_some_and(|t| t.exit_code == 137)))
    })
    .await;
    rig.order(&format!("delete {old}"));
    rig.skip(40);
    let new = rig.pod("cpu-node");
    assert_ne!(old, new);
    let next = format!("log:{new}/cpu-node");
    rig.until("one ended, one live", |s| s.is(&log, SourceState::Ended) && s.is(&next, SourceState::Live) && !s.lines(&next).is_empty())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_read_pods_and_logs_sees_all_that_this_allows() {
    let mut rig = Rig::of(ClusterConfig::new(Release::LATEST), 60, "viewer", LiveConfig::default()).await;
    let log = format!("log:{}/coordinator", rig.pod("coordinator"));
    let denied = [
        "kube:deployments",
        "kube:statefulsets",
        "kube:events",
        "kube:nodes",
        "kube:podmetrics",
        "kube:prometheus",
        "grpc:coordinator",
        "grpc:proofs",
    ];
    rig.until("the refusals, and the rest", |s| denied.iter().all(|n| s.is(n, SourceState::Denied)) && !s.lines(&log).is_empty()).await;
    for (source, words) in [
        ("kube:nodes", "403: viewer may not list nodes; ask for verb list on resource nodes in the whole cluster"),
        (
            "kube:deployments",
            "403: viewer may not list deployments.apps; ask for verb list on resource deployments.apps in namespace sp1-cluster",
        ),
        ("kube:podmetrics", "ask for verb list on resource pods.metrics.k8s.io"),
        ("grpc:coordinator", "on resource pods/portforward in namespace sp1-cluster"),
    ] {
        assert!(rig.seen.detail(source).contains(words), "{source}: {}", rig.seen.detail(source));
    }
    assert!(rig.seen.is("kube:pods", SourceState::Live));
    let model = rig.model();
    assert!(model.stats.is_some() && model.kube.known, "the log tells the stats");
    // Nothing is asked again in a loop.
    rig.seen.for_a_while(&mut rig.live, Duration::from_secs(1)).await;
    let before = rig.seen.envelopes.iter().filter(|e| e.kind == Kind::Source).count();
    rig.seen.for_a_while(&mut rig.live, Duration::from_secs(1)).await;
    assert_eq!(rig.seen.envelopes.iter().filter(|e| e.kind == Kind::Source).count(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_single_right_may_be_missing() {
    for (deny, source) in [
        ("get pods/log", ""),
        ("list events", "kube:events"),
        ("* pods/portforward", "grpc:coordinator"),
        ("list pods", "kube:pods"),
        ("get pods/proxy", "kube:prometheus"),
    ] {
        let cluster = Cluster::new(ClusterConfig::new(Release::LATEST), 7, begin());
        let server = Server::start(cluster, Vec::new(), SimClock::new(begin().plus(Duration::from_secs(30)), 1.0)).await.unwrap();
        order::run(&server.world, &format!("deny {deny}")).unwrap();
        let clock = Arc::clone(&server.world.clock);
        let live = live::start(LiveConfig::default(), Some(access(&server, "operator")), clock).await.unwrap();
        let mut rig = Rig { server, live, seen: Seen::default() };
        let source = if source.is_empty() { format!("log:{}/coordinator", rig.pod("coordinator")) } else { source.to_owned() };
        rig.until(deny, |s| s.is(&source, SourceState::Denied)).await;
        let resource = deny.split(' ').nth(1).unwrap();
        assert!(rig.seen.detail(&source).contains(resource), "{}", rig.seen.detail(&source));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_may_be_missing_and_answers_slow() {
    let cluster = Cluster::new(ClusterConfig::new(Release::LATEST), 7, begin());
    let server = Server::start(cluster, Vec::new(), SimClock::new(begin().plus(Duration::from_secs(60)), 1.0)).await.unwrap();
    order::run(&server.world, "metrics off").unwrap();
    order::run(&server.world, "slow 300").unwrap();
    let clock = Arc::clone(&server.world.clock);
    let live = live::start(LiveConfig::default(), Some(access(&server, "admin")), clock).await.unwrap();
    let mut rig = Rig { server, live, seen: Seen::default() };
    let log = format!("log:{}/coordinator", rig.pod("coordinator"));
    rig.until("all but the metrics", |s| {
        s.is("kube:podmetrics", SourceState::Ended) && s.is("grpc:coordinator", SourceState::Live) && !s.lines(&log).is_empty()
    })
    .await;
    assert!(rig.seen.detail("kube:podmetrics").contains("install metrics-server"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_workers_are_seen_and_few_of_their_logs_followed() {
    let mut config = ClusterConfig::new(Release::LATEST);
    (config.gpu_node.replicas, config.gpu_node.room, config.node_logs) = (1_000, 1_100, NodeLogs::Quiet);
    let mut rig = Rig::of(config, 45, "admin", LiveConfig::default()).await;
    let log = format!("log:{}/coordinator", rig.pod("coordinator"));
    // Two blocks of a line a worker, whatever is between.
    let lines = 2_400;
    rig.until("the pods and the log", |s| {
        s.detail("kube:logs").contains("16 of 1000 gpu-node logs")
            && s.of(&log).filter(|e| e.kind == Kind::Log).map(|e| memchr::memchr_iter(b'\n', &e.raw).count()).sum::<usize>() >= lines
    })
    .await;
    let model = rig.model();
    assert_eq!(model.workers.iter().count(), 1_001);
    assert!(rig.seen.detail("kube:prometheus").starts_with("off"), "{}", rig.seen.detail("kube:prometheus"));
    // The one that is looked at is followed too.
    let looked_at =
        rig.server.world.read(|s| s.cluster.pods().filter(|(_, p)| p.app == "gpu-node").map(|(_, p)| p.name.clone()).max()).unwrap();
    rig.live.commands.send(Command::Focus(Some(looked_at.clone()))).await.unwrap();
    let log = format!("log:{looked_at}/gpu-node");
    rig.until("its log", |s| s.is(&log, SourceState::Live) && !s.lines(&log).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_are_created_proven_cancelled_dropped_and_expire() {
    let rig = Rig::small().await;
    let api = ClusterApi(rig.live.cluster.clone().unwrap());
    let coordinator = CoordinatorApi(rig.live.coordinator.clone().unwrap());
    api.healthcheck().await.unwrap();
    coordinator.healthcheck().await.unwrap();
    let now = u64::try_from(begin().secs()).unwrap();
    let request = |id: &str, deadline| ProofRequestCreateRequest {
        proof_id: id.into(),
        program_artifact_id: "artifact_program".into(),
        stdin_artifact_id: "artifact_stdin".into(),
        options_artifact_id: Some("2".into()),
        proof_artifact_id: Some("artifact_proof".into()),
        deadline,
        cycle_limit: u64::MAX,
        gas_limit: u64::MAX,
        ..ProofRequestCreateRequest::default()
    };
    for id in ["cli_1", "cli_2", "cli_3"] {
        api.create(&request(id, now + 14_400)).await.unwrap();
    }
    api.create(&request("cli_4", now + 120)).await.unwrap();
    assert_eq!(api.create(&request("cli_1", now + 14_400)).await.unwrap_err().code, Code::AlreadyExists);
    assert_eq!(api.get("cli_9").await.unwrap(), None);
    rig.skip(5);
    assert!(coordinator.stats().await.unwrap().active_proofs >= 3);
    api.cancel("cli_2").await.unwrap();
    coordinator.cancel("cli_3").await.unwrap();
    // In steps: a real second has many.
    for _ in 0..60 {
        rig.skip(10);
    }
    let mut status = Vec::new();
    for id in ["cli_1", "cli_2", "cli_3", "cli_4"] {
        status.push(api.get(id).await.unwrap().unwrap().proof_status);
    }
    assert_eq!(status, [2, 4, 3, 1], "completed, cancelled, failed, and one that expired stays pending");
    let newest = api.list(&ProofRequestListRequest { limit: Some(1), offset: Some(3), ..Default::default() }).await.unwrap();
    assert_eq!(newest[0].id, "cli_4");
    assert_eq!(coordinator.stats().await.unwrap().active_proofs, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_are_away_are_a_state_and_come_back() {
    let mut rig = Rig::small().await;
    rig.until("both", |s| s.is("grpc:coordinator", SourceState::Live) && s.is("grpc:proofs", SourceState::Live)).await;
    rig.order("kill coordinator");
    rig.order("api down");
    // The coordinator is back within two seconds.
    let was_away = |s: &Seen, name: &str| {
        s.updates(name).iter().skip_while(|u| u.state != SourceState::Live).any(|u| u.state == SourceState::Connecting)
    };
    rig.until("words", |s| was_away(s, "grpc:coordinator") && was_away(s, "grpc:proofs")).await;
    rig.order("api up");
    rig.skip(15);
    rig.until("both again", |s| s.is("grpc:coordinator", SourceState::Live) && s.is("grpc:proofs", SourceState::Live)).await;
}
