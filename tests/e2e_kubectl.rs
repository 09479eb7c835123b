//! The real kubectl on the simulated cluster.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "support/suite.rs"]
mod suite;

use std::process::Command;
use std::time::{Duration, Instant};

use sp1top::base::Timestamp;
use sp1top::sim::serve::{CONTEXT, Server, SimClock, order};
use sp1top::sim::{Cluster, ClusterConfig, Release};
use suite::Tools;

struct Rig {
    server: Server,
    folder: tempfile::TempDir,
    /// Keeps the servers running.
    _runtime: tokio::runtime::Runtime,
}

/// A served cluster.
fn rig() -> Rig {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let now = Timestamp::ZERO.plus(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap());
    let start = now.minus(Duration::from_secs(120));
    let cluster = Cluster::new(ClusterConfig::new(Release::named("v2.1.2")), 7, start);
    let server = runtime.block_on(Server::start(cluster, Vec::new(), SimClock::new(now, 1.0))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config"), server.kubeconfig()).unwrap();
    Rig { server, folder, _runtime: runtime }
}

impl Rig {
    fn try_kubectl(&self, args: &str) -> (bool, String) {
        let out = Command::new("kubectl")
            .args(args.split(' '))
            .env("KUBECONFIG", self.folder.path().join("config"))
            .env("HOME", self.folder.path())
            .env("KUBECTL_EXTERNAL_DIFF", "")
            .output()
            .unwrap();
        (out.status.success(), format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)))
    }

    fn kubectl(&self, args: &str) -> String {
        let (ok, text) = self.try_kubectl(args);
        assert!(ok, "kubectl {args}: {text}");
        text
    }

    fn until(&self, args: &str, done: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let text = self.kubectl(args);
            if done(&text) {
                return text;
            }
            assert!(Instant::now() < end, "kubectl {args}: {text}");
        }
    }
}

fn has(text: &str, all: &[&str]) {
    for word in all {
        assert!(text.contains(word), "no {word} in:\n{text}");
    }
}

fn kubectl_reads_it() {
    let rig = rig();
    has(&rig.kubectl("get pods -o wide"), &["READY", "STATUS", "RESTARTS", "NODE", "cpu-node-", "1/1", "Running", "gpu-1", "10.244."]);
    has(
        &rig.kubectl("get all"),
        &["pod/coordinator-", "service/api-grpc", "deployment.apps/gpu-node", "4/4", "statefulset.apps/redis-master"],
    );
    has(&rig.kubectl("get pods -l app=gpu-node --field-selector status.phase=Running -o name"), &["pod/gpu-node-"]);
    assert!(!rig.kubectl("get pods -l app=gpu-node -o name").contains("coordinator"));
    let pod = rig.kubectl("get pods -l app=cpu-node -o jsonpath={.items[0].metadata.name}");
    has(
        &rig.kubectl(&format!("describe pod {pod}")),
        &["WORKER_MAX_WEIGHT_OVERRIDE:  48", "secret 'cluster-secrets'", "memory:  96Gi", "Events:", "Started container cpu-node"],
    );
    has(&rig.kubectl("describe deploy cpu-node"), &["RollingUpdate", "NewReplicaSet:   cpu-node-"]);
    has(&rig.kubectl("get events"), &["LAST SEEN", "Scheduled", "pod/cpu-node-"]);
    has(&rig.kubectl("get nodes"), &["gpu-1", "Ready", "v1.33.1"]);
    has(&rig.kubectl("top pod"), &["CPU(cores)", "MEMORY(bytes)", "redis-master-0"]);
    has(&rig.kubectl("top node"), &["node-a"]);
    has(&rig.kubectl("version"), &["Server Version: v1.33.1"]);
}

fn kubectl_reads_its_logs() {
    let rig = rig();
    has(&rig.kubectl("logs deploy/coordinator --tail=200"), &["GetStatsResponse {"]);
    let stamped = rig.kubectl("logs -l app=gpu-node --prefix --timestamps --tail=1");
    assert!(stamped.lines().count() == 4 && stamped.starts_with("[pod/gpu-node-"), "{stamped}");
    let pod = rig.kubectl("get pods -l app=cpu-node -o jsonpath={.items[0].metadata.name}");
    let (ok, text) = rig.try_kubectl(&format!("logs {pod} --previous"));
    assert!(!ok && text.contains("previous terminated container"), "{text}");
    order::run(&rig.server.world, "kill cpu-node").unwrap();
    order::run(&rig.server.world, "skip 5").unwrap();
    has(&rig.kubectl(&format!("logs {pod} --previous")), &["worker type: Cpu"]);
    has(&rig.kubectl("get pods"), &["1 ("]);
    // It follows: a stream with a deadline that a new block comes before.
    let world = std::sync::Arc::clone(&rig.server.world);
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        order::run(&world, "skip 11").unwrap();
        std::thread::sleep(Duration::from_millis(700));
        order::run(&world, "break").unwrap();
    });
    let (_, text) = rig.try_kubectl("logs -f deploy/coordinator --tail=0");
    later.join().unwrap();
    has(&text, &["GetStatsResponse {"]);
}

fn kubectl_changes_it() {
    let rig = rig();
    rig.kubectl("set env deploy/cpu-node WORKER_MAX_WEIGHT_OVERRIDE=64 EXTRA=1");
    has(&rig.kubectl("set env deploy/cpu-node --list"), &["WORKER_MAX_WEIGHT_OVERRIDE=64", "EXTRA=1"]);
    rig.kubectl("set env deploy/cpu-node EXTRA-");
    assert!(!rig.kubectl("set env deploy/cpu-node --list").contains("EXTRA"));
    order::run(&rig.server.world, "skip 60").unwrap();
    let max = rig.server.world.read(|s| s.cluster.workers().iter().filter(|w| w.max_weight == 64).count());
    assert_eq!(max, 1, "the new pod's worker has the new maximum");
    rig.kubectl("set resources deploy/cpu-node --limits=memory=120Gi");
    assert_eq!(rig.kubectl("get deploy cpu-node -o jsonpath={.spec.template.spec.containers[0].resources.limits.memory}"), "120Gi");
    rig.kubectl("set image deploy/gpu-node gpu-node=ghcr.io/succinctlabs/sp1-cluster:node-gpu-v2.3.2");
    has(&rig.kubectl("get deploy gpu-node -o wide"), &["node-gpu-v2.3.2"]);
    rig.kubectl("scale deploy/gpu-node --replicas=2");
    rig.kubectl("rollout restart deploy/gpu-node");
    for _ in 0..6 {
        order::run(&rig.server.world, "skip 20").unwrap();
    }
    has(&rig.kubectl("rollout status deploy/gpu-node --timeout=20s"), &["successfully rolled out"]);
    assert_eq!(rig.kubectl("get pods -l app=gpu-node -o name").lines().count(), 2);
    rig.kubectl("patch deploy cpu-node --type=json -p [{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":2}]");
    has(&rig.until("get deploy cpu-node", |t| t.contains("/2")), &["cpu-node"]);
    let pod = rig.kubectl("get pods -l app=api -o jsonpath={.items[0].metadata.name}");
    has(&rig.kubectl(&format!("delete pod {pod} --wait=true")), &["deleted"]);
    let (ok, text) = rig.try_kubectl("delete pod no-such-pod");
    assert!(!ok && text.contains("NotFound"), "{text}");
    let (ok, text) = rig.try_kubectl("scale deploy/cpu-node --replicas=99999");
    assert!(!ok && text.contains("room for 5000"), "{text}");
}

fn kubectl_is_told_what_each_user_may() {
    let rig = rig();
    assert_eq!(rig.kubectl("auth can-i patch deploy").trim(), "yes");
    has(&rig.kubectl("auth can-i --list"), &["*.*"]);
    let as_viewer = |args: &str| rig.try_kubectl(&format!("{args} --context {CONTEXT}-viewer"));
    assert!(as_viewer("get pods").0);
    assert!(as_viewer("logs deploy/coordinator --tail=1").1.contains("cannot get resource \"deployments\""));
    let (ok, text) = as_viewer("auth can-i list nodes");
    assert!(!ok && text.starts_with("no"), "{text}");
    let (ok, text) = as_viewer("get deploy");
    assert!(
        !ok && text.contains("User \"viewer\" cannot list resource \"deployments\" in API group \"apps\" in the namespace \"sp1-cluster\""),
        "{text}"
    );
    order::run(&rig.server.world, "deny delete pods").unwrap();
    let (ok, text) = rig.try_kubectl("delete pod redis-master-0");
    assert!(!ok && text.contains("Forbidden"), "{text}");
}

fn main() -> std::process::ExitCode {
    let all = tests![kubectl_reads_it, kubectl_reads_its_logs, kubectl_changes_it, kubectl_is_told_what_each_user_may];
    suite::run(vec![(Tools::KUBECTL, all)])
}
