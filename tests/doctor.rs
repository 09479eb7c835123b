//! `doctor` against a scripted API server and scripted services.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sp1top::doctor::{Config, Report, Status, examine};
use sp1top::sources::kube::access::AccessOptions;
use support::grpc::Services;
use support::kube::{Fake, NS, pod};

fn deployment(name: &str, tag: &str) -> Value {
    let dshm = name == "cpu-node";
    json!({
        "metadata": {"name": name, "namespace": NS, "labels": {"app": name}},
        "spec": {"replicas": 1, "template": {"metadata": {"labels": {"app": name}}, "spec": {
            "containers": [{"name": name, "image": format!("ghcr.io/succinctlabs/sp1-cluster:{tag}"),
                "resources": {"limits": {"memory": "160Gi"}},
                "env": [{"name": "NODE_ARTIFACT_STORE", "value": "redis"}, {"name": "WORKER_MAX_WEIGHT_OVERRIDE", "value": "96"}],
                "volumeMounts": if dshm { json!([{"name": "dshm", "mountPath": "/dev/shm"}]) } else { json!([]) }}],
            "volumes": if dshm { json!([{"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": "96Gi"}}]) } else { json!([]) },
        }}},
        "status": {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1},
    })
}

fn service(name: &str, app: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"type": "ClusterIP", "ports": [{"port": 50051}], "selector": {"app": app}}})
}

/// A whole and healthy cluster.
async fn healthy() -> (Fake, support::grpc::Server, tempfile::TempDir, Config) {
    let fake = Fake::start().await;
    for (app, tag) in [("coordinator", "base-v2.7.2"), ("api", "base-v2.7.2"), ("cpu-node", "base-v2.7.2"), ("gpu-node", "node-gpu-v2.7.2")]
    {
        fake.put("deployments", deployment(app, tag));
        fake.put("pods", pod(app, &format!("{app}-1")));
    }
    fake.put("services", service("coordinator-grpc", "coordinator"));
    fake.put("services", service("api-grpc", "api"));
    fake.put("namespaces", json!({"metadata": {"name": NS}}));
    let server = Services::default().serve("127.0.0.1:0".parse().unwrap()).await;
    fake.with(|s| {
        s.forward_to = Some(server.addr);
        s.pod_metrics = Some(r#"{"kind":"PodMetricsList","items":[{"metadata":{"name":"cpu-node-1"}}]}"#.into());
    });
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    std::fs::write(&path, fake.kubeconfig(&json!({}))).unwrap();
    let kube = Some(AccessOptions { kubeconfig: Some(path), context: None, namespace: NS.into() });
    (fake, server, dir, Config { kube, namespace: NS.into(), ..Config::default() })
}

/// `id: status summary` of what is not well.
fn ill(report: &Report) -> Vec<String> {
    let bad = report.checks.iter().filter(|c| c.status >= Status::Warn);
    bad.map(|c| format!("{} {}: {}", c.id, c.status.as_str(), c.summary)).collect()
}

fn of<'a>(report: &'a Report, id: &str) -> &'a sp1top::doctor::Checked {
    report.checks.iter().find(|c| c.id == id).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_cluster_has_nothing_to_complain_of() {
    let (fake, _server, _dir, config) = healthy().await;
    let report = examine(config, |_| {}).await;
    // The scripted coordinator has no worker: that is told, and nothing else.
    assert_eq!(ill(&report).len(), 1, "{:?}", ill(&report));
    assert!(of(&report, "coordinator-grpc").details[0].text.contains("no worker is connected"));
    assert!(!report.failed());
    assert_eq!(of(&report, "kubeconfig").summary, "context test, namespace sp1-cluster");
    assert_eq!(of(&report, "namespace").summary, "sp1-cluster holds a coordinator");
    assert_eq!(of(&report, "permissions").summary, "viewer may do everything that is needed");
    assert_eq!(of(&report, "pods").summary, "ready: coordinator 1/1, api 1/1, cpu-node 1/1, gpu-node 1/1");
    assert_eq!(of(&report, "versions").summary, "v2.7.2 (coordinator, api, cpu-node, gpu-node)");
    assert_eq!(of(&report, "shm").summary, "memory-backed, 96GiB");
    assert_eq!(of(&report, "metrics-server").summary, "it measures 1 pods");
    assert_eq!(of(&report, "api-grpc").status, Status::Pass);
    assert_eq!(of(&report, "capacity").summary, "maximum weight 96 on 1 cpu-nodes holds every proof");
    // Nothing was changed, and what may be secret never leaves.
    assert!(fake.with(|s| s.changes.is_empty()));
    let text = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("env-secret") && !text.contains("annotation-secret"));
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["schema"], "sp1top.doctor/1");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_is_told_with_its_cause_and_its_fix() {
    let (fake, _server, _dir, mut config) = healthy().await;
    fake.with(|s| {
        s.denied = vec!["get pods/log".into(), "patch deployments".into()];
        s.pod_metrics = None;
        s.date = Some("Tue, 24 Nov 2020 23:06:50 GMT".into());
    });
    fake.put("deployments", deployment("gpu-node", "node-gpu-v2.1.2"));
    fake.delete("services", "api-grpc");
    fake.delete("pods", "cpu-node-1");
    let mut cpu = deployment("cpu-node", "base-v2.7.2");
    cpu["spec"]["replicas"] = json!(0);
    cpu["spec"]["template"]["spec"]["volumes"] = json!([]);
    fake.put("deployments", cpu);
    config.env = [("CLI_REDIS_NODES", "redis://:hunter2@127.0.0.1:1"), ("CLI_S3_BUCKET", "b")].map(|(k, v)| (k.into(), v.into())).into();
    let report = examine(config, |_| {}).await;
    let shown = |id: &str| {
        let c = of(&report, id);
        (c.status, c.summary.clone(), c.fix.iter().filter_map(|f| f.run.clone()).collect::<Vec<_>>().join("\n"))
    };
    let (status, summary, run) = shown("permissions");
    assert_eq!((status, summary.as_str()), (Status::Fail, "viewer lacks 1 of 18 rights"));
    assert!(
        run.contains("kubectl create role sp1top -n sp1-cluster --verb=get --resource=pods/log") && run.contains("--user=viewer"),
        "{run}"
    );
    let (status, _, run) = shown("pods");
    assert_eq!(status, Status::Fail);
    assert!(run.contains("kubectl scale deploy/cpu-node -n sp1-cluster --replicas=1"), "{run}");
    let (status, summary, run) = shown("versions");
    assert_eq!(status, Status::Fail, "{summary}");
    assert_eq!(run, "kubectl set image deploy/gpu-node -n sp1-cluster gpu-node=ghcr.io/succinctlabs/sp1-cluster:node-gpu-v2.7.2");
    let (status, summary, run) = shown("services");
    assert_eq!(status, Status::Fail);
    assert!(summary.contains("api-grpc") && run.contains("--name=api-grpc"));
    assert_eq!(shown("shm").0, Status::Fail);
    assert_eq!(shown("metrics-server").0, Status::Warn);
    let (status, _, run) = shown("artifact-store");
    assert_eq!((status, run.contains("unset CLI_S3_BUCKET")), (Status::Fail, true));
    let (status, summary, _) = shown("clock");
    assert_eq!(status, Status::Warn, "{summary}");
    assert!(report.failed());
    assert!(!serde_json::to_string(&report).unwrap().contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_namespace_is_told_where_the_cluster_is() {
    let (fake, _server, _dir, mut config) = healthy().await;
    config.namespace = "default".into();
    config.kube.as_mut().unwrap().namespace = "default".into();
    // The fake server does not tell namespaces apart; the objects go elsewhere.
    for app in ["coordinator", "api", "cpu-node", "gpu-node"] {
        fake.delete("pods", &format!("{app}-1"));
    }
    fake.refuse("/namespaces/default/deployments", 404, "not found");
    let report = examine(config, |_| {}).await;
    let c = of(&report, "namespace");
    assert_eq!((c.status, c.summary.as_str()), (Status::Fail, "there is no namespace default"));
    assert_eq!(c.fix[0].run.as_deref(), Some("sp1top doctor -n sp1-cluster"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_does_not_hold_it_up() {
    let (fake, _server, _dir, config) = healthy().await;
    fake.with(|s| s.slow = Duration::from_secs(60));
    let begun = Instant::now();
    let report = examine(config, |_| {}).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(of(&report, "api-server").status, Status::Fail);
    assert_eq!(of(&report, "api-server").cause.as_deref(), Some("the API server does not answer"));
    assert_eq!(of(&report, "pods").status, Status::Skipped);
    assert_eq!(ill(&report).len(), 1, "{:?}", ill(&report));
}

#[tokio::test(flavor = "multi_thread")]
async fn op_succinct_is_told_what_it_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".env");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let here = listener.local_addr().unwrap();
    std::fs::write(
        &path,
        format!(
            "SP1_PROVER=network\nCLI_CLUSTER_RPC=http://127.0.0.1:1\nCLI_REDIS_NODES=redis://:hunter2@127.0.0.1:1\nL1_RPC=http://{here}/v2/APIKEY\nL1_BEACON_RPC=http://{here}\nL2_RPC=http://127.0.0.1:1/APIKEY\nPROVING_TIMEOUT=20000\n"
        ),
    )
    .unwrap();
    let mut config = Config { namespace: NS.into(), env_file: Some(path), ..Config::default() };
    config.adopt_env_file();
    assert_eq!(config.cluster_rpc.as_deref(), Some("http://127.0.0.1:1"));
    let report = examine(config, |_| {}).await;
    let c = of(&report, "op-succinct");
    let details: Vec<_> = c.details.iter().map(|d| format!("{} {}", d.status.as_str(), d.text)).collect();
    let has =
        |status: &str, text: &str| assert!(details.iter().any(|d| d.starts_with(status) && d.contains(text)), "{text} in {details:#?}");
    has("fail", "SP1_PROVER is network");
    has("fail", "L2_NODE_RPC is not set");
    has("pass", "L1_RPC at 127.0.0.1");
    has("fail", "L2_RPC at 127.0.0.1:1");
    has("warn", "lives 4 h in Redis");
    has("warn", "RUST_LOG");
    let all = serde_json::to_string(&report).unwrap();
    assert!(!all.contains("APIKEY") && !all.contains("hunter2"));
}
