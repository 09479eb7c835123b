use prost::Message as _;

use super::*;
use crate::base::Timestamp;
use crate::event::{KubeEvent, PodInfo, ProofStatus};
use crate::proto::cluster::{ClusterComponentInfo, ClusterComponentManifest, ProofRequest, ProofRequestListResponse};
use crate::proto::worker::GetStatsResponse;

const AT: Timestamp = Timestamp::from_secs(1_795_483_800);

fn read(kind: Kind, raw: &[u8]) -> (Vec<What>, Vec<Unread>) {
    let (mut events, mut unread) = (Vec::new(), Vec::new());
    parse(kind, AT, raw, &mut events, &mut unread);
    (events.into_iter().map(|e| e.what).collect(), unread)
}

fn fixture(path: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn clean_read(kind: Kind, raw: &[u8]) -> Vec<What> {
    let (events, unread) = read(kind, raw);
    assert_eq!(unread, []);
    events
}

#[test]
fn a_real_pod_list() {
    let events = clean_read(Kind::Json, &fixture("kubernetes/pods.list.json"));
    let [What::Kube(KubeEvent::PodList(pods))] = &events[..] else { panic!("{events:?}") };
    let apps: Vec<_> = pods.iter().map(|p| p.app.as_deref().unwrap()).collect();
    assert_eq!(apps, ["api", "coordinator", "cpu-node", "gpu-node", "gpu-node"]);
    let cpu = &pods[2];
    assert_eq!((cpu.phase.as_str(), cpu.ready, cpu.restarts, cpu.memory_limit), ("Running", true, 0, Some(64 << 30)));
    assert_eq!(cpu.started_at, Timestamp::parse("2026-11-24T00:30:05Z"));
    assert_eq!(cpu.image.as_deref(), Some("ghcr.io/succinctlabs/sp1-cluster:base-v2.1.2"));
    assert_eq!((cpu.waiting.as_deref(), cpu.last_termination.as_ref(), cpu.containers.len()), (None, None, 1));
}

#[test]
fn a_real_watch_through_an_oom_kill_and_a_crash_loop() {
    let events = clean_read(Kind::Json, &fixture("kubernetes/pods.watch.jsonl"));
    // The two bookmarks say nothing.
    assert_eq!(events.len(), 20);
    let of = |name: &str| -> Vec<PodInfo> {
        events
            .iter()
            .filter_map(|e| match e {
                What::Kube(KubeEvent::Pod(p)) if p.name.starts_with(name) => Some((**p).clone()),
                _ => None,
            })
            .collect()
    };
    let cpu = of("cpu-node");
    let death = cpu[0].last_termination.as_ref().unwrap();
    assert_eq!((death.reason.as_str(), death.exit_code, death.at), ("OOMKilled", 137, Timestamp::parse("2026-11-24T01:29:47Z")));
    assert_eq!((cpu[1].waiting.as_deref(), cpu[1].restarts), (Some("CrashLoopBackOff"), 4));
    assert_eq!(cpu[1].waiting_message.as_deref(), Some("back-off 1m20s restarting failed container"));
    let pending = of("gpu-node-5f6c7d8e9b-t9n4h");
    let pending: Vec<_> = pending.iter().filter(|p| p.phase == "Pending").collect();
    assert_eq!(pending.len(), 1);
    assert_eq!((pending[0].ready, pending[0].started_at), (false, None));
    let unschedulable = br#"{"kind":"Pod","metadata":{"name":"gpu-node-1"},"status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"0/3 nodes are available"}]}}"#;
    let events = clean_read(Kind::Json, unschedulable);
    assert!(
        matches!(&events[..], [What::Kube(KubeEvent::Pod(p))] if p.unschedulable.as_deref() == Some("Unschedulable: 0/3 nodes are available"))
    );
}

#[test]
fn real_deployments_without_their_secrets() {
    let events = clean_read(Kind::Json, &fixture("kubernetes/deployments.list.json"));
    let [What::Kube(KubeEvent::WorkloadList(list))] = &events[..] else { panic!("{events:?}") };
    let cpu = list.iter().find(|w| w.name == "cpu-node").unwrap();
    let env = |name: &str| cpu.env.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    assert_eq!(env("WORKER_MAX_WEIGHT_OVERRIDE"), Some("48"));
    assert_eq!(env("NODE_REDIS_NODES"), None, "it comes from a secret");
    assert_eq!((cpu.memory_limit, cpu.memory_request, cpu.shm_size), (Some(64 << 30), Some(64 << 30), None));
    assert_eq!((cpu.strategy.as_deref(), cpu.grace_secs, cpu.rolling), (Some("RollingUpdate"), Some(30), false));
    assert_eq!(list.iter().find(|w| w.name == "gpu-node").unwrap().gpus, Some(1));
    assert!(!format!("{list:?}").contains("DATABASE_URL"));
}

#[test]
fn shared_memory_rollouts_and_plain_passwords() {
    let deployment = |status: &str| {
        format!(
            r#"{{"kind":"Deployment","metadata":{{"name":"cpu-node","generation":3}},"spec":{{"replicas":2,"template":{{"spec":{{
            "containers":[{{"name":"istio-proxy"}},{{"name":"cpu-node","env":[{{"name":"NODE_REDIS_NODES","value":"redis://:pw@redis:6379"}},{{"name":"API_DATABASE_URL","value":"postgres://u:p@h"}}],
            "volumeMounts":[{{"name":"dshm","mountPath":"/dev/shm"}}]}}],
            "volumes":[{{"name":"dshm","emptyDir":{{"medium":"Memory","sizeLimit":"96Gi"}}}}]}}}}}},"status":{status}}}"#
        )
    };
    let one = |status: &str| {
        let events = clean_read(Kind::Json, deployment(status).as_bytes());
        let [What::Kube(KubeEvent::Workload(w))] = &events[..] else { panic!("{events:?}") };
        (**w).clone()
    };
    let w = one("{}");
    assert_eq!(w.shm_size, Some(96 << 30));
    assert_eq!(w.env, [("NODE_REDIS_NODES".into(), "redis://:***@redis:6379".into())]);
    assert!(!w.rolling);
    assert!(one(r#"{"observedGeneration":2,"replicas":2,"updatedReplicas":2}"#).rolling);
    assert!(one(r#"{"observedGeneration":3,"replicas":3,"updatedReplicas":2}"#).rolling);
    assert!(!one(r#"{"observedGeneration":3,"replicas":2,"updatedReplicas":2,"readyReplicas":1}"#).rolling);
    assert!(!one(r#"{"observedGeneration":3,"updatedReplicas":1,"conditions":[{"type":"Progressing","status":"False"}]}"#).rolling);
}

#[test]
fn real_pod_metrics_are_those_of_kubectl_top() {
    for kind in [Kind::PodMetrics, Kind::Json] {
        let events = clean_read(kind, &fixture("kubernetes/podmetrics.list.json"));
        let [What::PodMetrics(list)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((list[2].cpu_millicores, list[2].memory_bytes), (Some(6317), Some(44_904_651 << 10)));
        assert_eq!(list[2].at, Timestamp::parse("2026-11-24T01:30:19Z").unwrap());
    }
}

#[test]
fn refusals_gone_and_empty_lists() {
    let events = clean_read(Kind::Json, &fixture("kubernetes/pods.forbidden.json"));
    assert!(
        matches!(&events[..], [What::Kube(KubeEvent::Status { code: 403, message })] if message.contains("cannot list resource \"pods\""))
    );
    let gone = br#"{"type":"ERROR","object":{"kind":"Status","status":"Failure","message":"too old resource version: 1 (2)","reason":"Expired","code":410}}"#;
    assert!(matches!(&clean_read(Kind::Json, gone)[..], [What::Kube(KubeEvent::Status { code: 410, .. })]));
    assert_eq!(clean_read(Kind::Json, br#"{"kind":"PodList","items":null}"#), [What::Kube(KubeEvent::PodList(vec![]))]);
    assert_eq!(clean_read(Kind::Json, br#"{"kind":"StatefulSetList","items":[]}"#), [What::Kube(KubeEvent::StatefulSetList(vec![]))]);
    assert_eq!(clean_read(Kind::Json, br#"{"kind":"Status","status":"Success"}"#), []);
}

#[test]
fn a_mixed_list_events_and_nodes() {
    let raw = br#"{"kind":"List","items":[
        {"kind":"Event","metadata":{"name":"e2"},"involvedObject":{"kind":"Pod","name":"cpu-node-1"},"reason":"BackOff","message":"Back-off \u001b[31mrestarting","type":"Warning","count":7,"lastTimestamp":"2026-11-24T01:00:02Z"},
        {"kind":"Event","metadata":{"name":"e1"},"involvedObject":{"kind":"Pod","name":"gpu-node-1"},"reason":"FailedScheduling","note":"0/3 nodes","type":"Warning","eventTime":"2026-11-24T01:00:01.000000Z","series":{"count":3}},
        {"kind":"Node","metadata":{"name":"node-a"},"status":{"allocatable":{"cpu":"8","memory":"65000000Ki","nvidia.com/gpu":"4"},"conditions":[{"type":"Ready","status":"True"},{"type":"MemoryPressure","status":"True"},{"type":"DiskPressure","status":"False"}]}},
        {"kind":"ConfigMap","metadata":{"name":"c"}}]}"#;
    let (events, unread) = read(Kind::Json, raw);
    assert_eq!((unread.len(), unread[0].why), (1, UnreadReason::UnknownDocument));
    let [What::Kube(KubeEvent::Nodes(nodes)), What::Kube(KubeEvent::Events(notes))] = &events[..] else { panic!("{events:?}") };
    assert_eq!((nodes[0].gpus, nodes[0].ready, &nodes[0].pressure[..]), (Some(4), true, &["MemoryPressure".to_owned()][..]));
    assert_eq!((notes[0].object.as_str(), notes[0].count, notes[1].count), ("pod/gpu-node-1", 3, 7));
    assert_eq!(notes[1].message, "Back-off \\x1b[31mrestarting");
}

#[test]
fn recorded_grpc_answers() {
    let events = clean_read(Kind::Json, &fixture("grpc/api-outage.jsonl"));
    let stats: Vec<_> = events.iter().filter_map(|e| if let What::Stats(s) = e { Some(s) } else { None }).collect();
    assert_eq!(stats.len(), 11);
    assert!(stats.iter().all(|s| s.from_grpc && s.total_tasks.is_some() && s.cpu_queue.is_some()));
    let rows: Vec<_> = events.iter().filter_map(|e| if let What::ProofRows(r) = e { Some(r) } else { None }).flatten().collect();
    assert!(rows.iter().any(|r| r.status == ProofStatus::Failed) && rows.iter().any(|r| r.status == ProofStatus::Pending));
    assert!(rows.iter().all(|r| r.deadline.is_some() && r.mode.is_some() && r.created_at.is_set()));
    assert_eq!(super::grpc::unix_seconds("1795480853.2545273"), Some(Timestamp(1_795_480_853_254_527)));
}

#[test]
fn a_failed_proof_is_its_first_line() {
    let raw = fixture("grpc/failed-proof.json");
    let events = clean_read(Kind::Json, &raw);
    let [What::Log(record)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(&*record.text, "proving failure: RecursionReduce: attempted to perform base field division 1065949189/0");
    let row = ProofRequest {
        id: "cli_1".into(),
        proof_status: 3,
        options_artifact_id: Some("2".into()),
        deadline: u64::MAX,
        created_at: 1_795_480_853,
        extra_data: Some(String::from_utf8(raw).unwrap()),
        ..Default::default()
    };
    let list = ProofRequestListResponse { proof_requests: vec![row, ProofRequest { id: "x y".into(), ..Default::default() }] };
    let (events, unread) = read(Kind::Proofs, &list.encode_to_vec());
    let [What::ProofRows(rows)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(rows[0].failure.as_deref(), Some("attempted to perform base field division 1065949189/0"));
    assert_eq!((rows[0].deadline, rows[0].failed_task.as_ref().unwrap().as_str()), (None, "RecursionReduce"));
    assert_eq!((rows.len(), unread.len()), (1, 1));
}

#[test]
fn protobuf_answers() {
    let stats = GetStatsResponse { coordinator_version: "abc 2026".into(), total_tasks: 47, cpu_queue: 2, ..Default::default() };
    let events = clean_read(Kind::Stats, &stats.encode_to_vec());
    let [What::Stats(s)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((s.total_tasks, s.cpu_queue, s.gpu_queue, s.sp1_circuit_version.as_deref()), (Some(47), Some(2), Some(0), None));
    let manifest = ClusterComponentManifest {
        components: vec![ClusterComponentInfo { component: "gpu-node".into(), git_sha: "e27316f".into(), ..Default::default() }],
        ..Default::default()
    };
    assert!(matches!(&clean_read(Kind::Manifest, &manifest.encode_to_vec())[..], [What::Manifest(m)] if m[0].git_sha == "e27316f"));
    let (events, unread) = read(Kind::Stats, b"<html>not a message</html>");
    assert_eq!((events.len(), unread[0].why), (0, UnreadReason::BadMessage));
}

#[test]
fn prometheus_text() {
    let raw = br#"# HELP spn_info build
# TYPE spn_info gauge
spn_info{service="sp1-worker",version="0.1.0",note="a\"b\\c\n"} 1
spn_cluster_worker_tasks_in_progress{service="sp1-worker",task_type="PROVE_SHARD"} 2
spn_cluster_worker_task_processing_duration_ms{task_type="PLONK_WRAP",quantile="0.5"} NaN
spn_process_cpu_seconds_total 12.5e1 1795480853000
broken{a="b" 1
also broken
"#;
    let (events, unread) = read(Kind::Prometheus, raw);
    let [What::Metrics(m)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((m.len(), unread.len()), (4, 2));
    assert_eq!(m[1].labels, [("service".into(), "sp1-worker".into()), ("task_type".into(), "PROVE_SHARD".into())]);
    assert!(m[2].value.is_nan() && (m[3].value - 125.0).abs() < 1e-9);
}

#[test]
fn broken_documents_do_not_hide_whole_ones() {
    let raw = b"{\"kind\":\"Pod\n{\"kind\":\"PodList\",\"items\":[]}\n{\"a\":1}\n[1,2]\nnull {\"kind\":\"Status\",\"code\":404,\"message\":\"x\"}";
    let (events, unread) = read(Kind::Json, raw);
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!(unread.len(), 4, "{unread:?}");
    let (events, unread) =
        read(Kind::Json, br#"{"kind":"PodList","items":[{"metadata":{"name":"a"}},{"metadata":{"name":7}},{"metadata":{}}]}"#);
    assert!(matches!(&events[..], [What::Kube(KubeEvent::PodList(p))] if p.len() == 1));
    assert_eq!(unread.len(), 2);
}

/// All recordings of real servers, where they are at hand.
#[test]
fn every_capture_parses_with_nothing_unread() {
    let Some(root) = std::env::var_os("SP1TOP_CAPTURES") else { return };
    let mut files = 0;
    for dir in std::fs::read_dir(root).unwrap().flatten().filter(|d| d.path().is_dir()) {
        for file in std::fs::read_dir(dir.path()).unwrap().flatten() {
            let path = file.path();
            if path.extension().is_some_and(|e| e == "json" || e == "jsonl") {
                assert!(!clean_read(Kind::Json, &std::fs::read(&path).unwrap()).is_empty(), "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files > 10, "{files}");
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    fn kinds() -> impl Strategy<Value = Kind> {
        prop_oneof![
            Just(Kind::Json),
            Just(Kind::PodMetrics),
            Just(Kind::Stats),
            Just(Kind::Proofs),
            Just(Kind::Manifest),
            Just(Kind::Prometheus)
        ]
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(kind in kinds(), raw in proptest::collection::vec(any::<u8>(), 0..400)) {
            read(kind, &raw);
        }

        #[test]
        fn json_like_text_never_panics(kind in kinds(), raw in r#"[{}\[\]:,"\\a-z0-9 \n.=#kinditems]{0,200}"#) {
            read(kind, raw.as_bytes());
        }

        #[test]
        fn a_cut_or_changed_document_never_panics(cut in 0usize..16_000, flip in 0usize..16_000, with in any::<u8>()) {
            let mut raw = fixture("kubernetes/pods.list.json");
            let at = flip % raw.len();
            raw[at] = with;
            raw.truncate(cut.max(1));
            let (events, _) = read(Kind::Json, &raw);
            let shown = format!("{events:?}");
            prop_assert!(!shown.contains('\x1b'));
        }

        #[test]
        fn quantities_never_panic(s in r"[0-9.+\-eEKMGTPEinum]{0,40}") {
            let _ = (super::super::quantity::units(&s), super::super::quantity::millis(&s));
        }
    }
}
