//! A coordinator's log written by hand, for tests of the rules and the engine.

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Alert, Thresholds, TransitionState};
use crate::base::{SourceName, TaskId, TaskType, Timestamp, WorkerId, WorkerKind};
use crate::envelope::{Envelope, Kind, Session, SourceState, SourceUpdate};
use crate::model::Model;
use crate::pipeline::Pipeline;

/// 2026-11-24 12:00:00 UTC.
const NOON: i64 = 1_795_521_600;

struct Worker {
    kind: WorkerKind,
    max: u32,
    tasks: Vec<(String, u32, TaskType)>,
}

/// A cluster as its coordinator logs it. What it does is said line by line; the
/// sums of the periodic blocks are worked out.
pub struct Script {
    pub model: Model,
    pub pipeline: Pipeline,
    /// Seconds since noon.
    pub now: i64,
    seq: u64,
    source: String,
    known: BTreeSet<String>,
    workers: BTreeMap<u32, Worker>,
    weights: BTreeMap<TaskType, u32>,
    proofs: BTreeSet<String>,
    total: u64,
    queue: (u32, u32),
    /// Seconds that the coordinator's clock is ahead of the others.
    pub ahead: i64,
    pub version: &'static str,
    /// What is said in one second has the same time.
    pub copies: bool,
}

pub fn worker(n: u32) -> String {
    WorkerId::unknown(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835_u128.wrapping_mul(u128::from(n) + 1)).to_string()
}

pub fn task(n: u32) -> String {
    TaskId::uuid(0x019f_fe57_0ae3_7abc_9def_0000_0000_0000 + u128::from(n)).to_string()
}

impl Script {
    /// v2.1.2: Controller 4, CoreExecute 4, PlonkWrap 32, Groth16Wrap 14.
    pub fn new() -> Self {
        Self::with(Thresholds::default())
    }

    pub fn with(limits: Thresholds) -> Self {
        use TaskType as T;
        let weights = [
            (T::Controller, 4),
            (T::CoreExecute, 4),
            (T::PlonkWrap, 32),
            (T::Groth16Wrap, 14),
            (T::ProveShard, 4),
            (T::RecursionReduce, 3),
            (T::ShrinkWrap, 4),
            (T::SetupVkey, 1),
        ];
        let mut this = Self {
            model: Model::new(),
            pipeline: Pipeline::with(false, limits),
            now: 0,
            seq: 0,
            source: "log:coordinator".into(),
            known: BTreeSet::new(),
            workers: BTreeMap::new(),
            weights: weights.into(),
            proofs: BTreeSet::new(),
            total: 0,
            queue: (0, 0),
            ahead: 0,
            version: "unknown 2026-04-13T21:10:44",
            copies: false,
        };
        this.mode("files");
        this
    }

    /// How it is looked at.
    pub fn mode(&mut self, mode: &str) -> &mut Self {
        let session = Session { mode: mode.into(), ..Session::default() };
        self.send("session", Kind::Session, serde_json::to_vec(&session).unwrap());
        self
    }

    /// Another weight of a kind of task.
    pub fn weigh(&mut self, kind: TaskType, weight: u32) -> &mut Self {
        self.weights.insert(kind, weight);
        self
    }

    /// The coordinator of another pod speaks from now on.
    pub fn another(&mut self, source: &str) -> &mut Self {
        self.source = source.into();
        self.total = 0;
        self
    }

    fn send(&mut self, source: &str, kind: Kind, raw: Vec<u8>) {
        self.seq += 1;
        let at = Timestamp::from_secs(NOON + self.now);
        let e = Envelope { seq: self.seq, at, source: SourceName::new(source), kind, raw: raw.into() };
        self.pipeline.apply(&e, &mut self.model);
    }

    /// What the sources say of themselves.
    pub fn state(&mut self, source: &str, component: &str, pod: Option<&str>, state: SourceState) -> &mut Self {
        let update = SourceUpdate { state, detail: String::new(), component: Some(component.into()), pod: pod.map(Into::into), dropped: 0 };
        self.send(source, Kind::Source, serde_json::to_vec(&update).unwrap());
        self
    }

    fn line(&mut self, source: &str, component: &str, pod: Option<&str>, at: i64, text: &str) {
        if self.known.insert(source.to_owned()) {
            self.state(source, component, pod, SourceState::Live);
        }
        // No two lines have the same time, but for copies.
        let micros = if self.copies { 0 } else { self.seq % 1_000_000 };
        let at = Timestamp::from_secs(NOON + at).plus(std::time::Duration::from_micros(micros));
        self.send(source, Kind::Log, format!("{at} {text}\n").into_bytes());
    }

    /// A line of the coordinator: level, then its text.
    pub fn say(&mut self, level: &str, text: &str) -> &mut Self {
        let (source, at) = (self.source.clone(), self.now + self.ahead);
        self.line(&source, "coordinator", None, at, &format!("{level:>5} bin/coordinator/src/lib.rs:1: {text}"));
        self
    }

    /// A line of a node's log.
    pub fn node(&mut self, pod: &str, text: &str) -> &mut Self {
        let component = if pod.starts_with("cpu") { "cpu-node" } else { "gpu-node" };
        let at = self.now;
        self.line(&format!("log:{pod}"), component, Some(pod), at, text);
        self
    }

    pub fn claim(&mut self, proof: &str, mode: u32) -> &mut Self {
        self.say("INFO", &format!("inputs: [\"artifact_{proof}p\", \"artifact_{proof}s\", \"{mode}\", \"18446744073709551615\"]"));
        self.say("INFO", &format!("outputs: [\"artifact_{proof}o\"]"));
        self.say("INFO", &format!("Created proof {proof} with task {}", task(900_000 + self.seq as u32)));
        self.proofs.insert(proof.into());
        self.total += 1;
        self
    }

    /// A proof ends: `Completed` or `Failed`.
    pub fn end(&mut self, proof: &str, how: &str) -> &mut Self {
        self.say("INFO", &format!("{how} proof {proof}{}", if how == "Failed" { " " } else { "" }));
        self.say("INFO", &format!("Setting proof status to {how} for {proof}"));
        self.forget(proof)
    }

    /// Nothing of a proof is left.
    pub fn forget(&mut self, proof: &str) -> &mut Self {
        self.proofs.remove(proof);
        for w in self.workers.values_mut() {
            w.tasks.retain(|t| t.0 != proof);
        }
        self
    }

    /// A worker registers.
    pub fn join(&mut self, n: u32, kind: WorkerKind, max: u32) -> &mut Self {
        self.say("INFO", &format!("Worker registered: {}", worker(n)));
        self.workers.insert(n, Worker { kind, max, tasks: Vec::new() });
        self
    }

    pub fn cpu(&mut self, n: u32, max: u32) -> &mut Self {
        self.join(n, WorkerKind::Cpu, max)
    }

    pub fn gpu(&mut self, n: u32) -> &mut Self {
        self.join(n, WorkerKind::Gpu, 24)
    }

    /// A worker leaves in peace. What it still had comes back as `(proof, task, type)`.
    pub fn leave(&mut self, n: u32) -> Vec<(String, u32, TaskType)> {
        self.workers.remove(&n).map_or_else(Vec::new, |w| w.tasks)
    }

    /// The coordinator gives a worker up.
    pub fn lose(&mut self, n: u32) -> Vec<(String, u32, TaskType)> {
        self.say("WARN", &format!("worker {} has timed out", worker(n)));
        self.leave(n)
    }

    /// A worker is given a task.
    pub fn run(&mut self, n: u32, proof: &str, t: u32, kind: TaskType) -> &mut Self {
        self.total += 1;
        self.again(n, proof, t, kind)
    }

    /// A worker is given a task that another one had.
    pub fn again(&mut self, n: u32, proof: &str, t: u32, kind: TaskType) -> &mut Self {
        self.workers.get_mut(&n).expect("a worker").tasks.push((proof.into(), t, kind));
        self
    }

    pub fn done(&mut self, t: u32) -> &mut Self {
        for w in self.workers.values_mut() {
            w.tasks.retain(|r| r.1 != t);
        }
        self
    }

    pub fn queue(&mut self, cpu: u32, gpu: u32) -> &mut Self {
        self.queue = (cpu, gpu);
        self
    }

    /// Tasks that came and went.
    pub fn made(&mut self, n: u64) -> &mut Self {
        self.total += n;
        self
    }

    /// The memory of the coordinator is lost.
    pub fn restart(&mut self) -> &mut Self {
        (self.total, self.queue) = (0, (0, 0));
        self.proofs.clear();
        self.workers.clear();
        self.say("INFO", &format!("coordinator (version {}) listening on 0.0.0.0:50051", self.version))
    }

    /// A periodic block.
    pub fn block(&mut self) -> &mut Self {
        let of = |k: WorkerKind| self.workers.values().filter(move |w| w.kind == k);
        let used = |k| -> u32 { of(k).flat_map(|w| &w.tasks).map(|t| self.weights.get(&t.2).copied().unwrap_or(0)).sum() };
        let max = |k| -> u32 { of(k).map(|w| w.max).sum() };
        let (cpu, gpu) = (WorkerKind::Cpu, WorkerKind::Gpu);
        let running: usize = self.workers.values().map(|w| w.tasks.len()).sum();
        let stats = format!(
            "[coordinator] GetStatsResponse {{ coordinator_version: \"{}\", sp1_circuit_version: \"v6.1.0\", total_tasks: {}, active_tasks: {}, cpu_workers: {}, gpu_workers: {}, cpu_utilization_current: {}, cpu_utilization_max: {}, gpu_utilization_current: {}, gpu_utilization_max: {}, active_proofs: {}, cpu_queue: {}, gpu_queue: {}, active_subscribers: 0 }}",
            self.version,
            self.total,
            running as u32 + self.queue.0 + self.queue.1,
            of(cpu).count(),
            of(gpu).count(),
            used(cpu),
            max(cpu),
            used(gpu),
            max(gpu),
            self.proofs.len(),
            self.queue.0,
            self.queue.1,
        );
        let lines: Vec<String> = self
            .workers
            .iter()
            .map(|(n, w)| {
                let kind = match w.kind {
                    WorkerKind::Cpu => "Cpu",
                    WorkerKind::Gpu => "Gpu",
                    WorkerKind::All => "All",
                };
                let mut tasks = String::new();
                for (proof, t, kind) in &w.tasks {
                    let comma = if tasks.is_empty() { "" } else { ", " };
                    let _ = write!(tasks, "{comma}(\"{proof}\", \"{}\", Some(Some({})))", task(*t), kind.as_str());
                }
                format!("[coordinator] worker {} {kind} () 0 [{tasks}]", worker(*n))
            })
            .collect();
        self.say("INFO", &stats);
        for l in lines {
            self.say("INFO", &l);
        }
        self
    }

    /// So many seconds go by with a block each ten seconds; a last one at the end.
    pub fn pass(&mut self, seconds: i64) -> &mut Self {
        let end = self.now + seconds;
        while self.now < end {
            let next = (self.now / 10 + 1) * 10;
            self.quiet(next.min(end) - self.now);
            if self.now % 10 == 0 {
                self.block();
            }
        }
        self
    }

    /// So many seconds go by without a line of anybody.
    pub fn quiet(&mut self, seconds: i64) -> &mut Self {
        for _ in 0..seconds {
            self.now += 1;
            self.send("clock", Kind::Tick, Vec::new());
        }
        self
    }

    /// This program is suspended for so many seconds, and goes on.
    pub fn suspended(&mut self, seconds: i64) -> &mut Self {
        self.now += seconds;
        self
    }

    /// Something of Kubernetes changed.
    pub fn kube(&mut self, object: &Value) -> &mut Self {
        let event = json!({"type": "MODIFIED", "object": object});
        self.send("kube:watch", Kind::Json, event.to_string().into_bytes());
        self
    }

    /// A pod is gone.
    pub fn kube_gone(&mut self, name: &str) -> &mut Self {
        let event = json!({"type": "DELETED", "object": pod(name, "", &self.time())});
        self.send("kube:watch", Kind::Json, event.to_string().into_bytes());
        self
    }

    /// A measurement of a pod's memory in GiB.
    pub fn memory(&mut self, pod: &str, gib: f64) -> &mut Self {
        let list = json!({"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "items": [{
            "metadata": {"name": pod, "namespace": "sp1-cluster"}, "timestamp": self.time(), "window": "15s",
            "containers": [{"name": "main", "usage": {"cpu": "1", "memory": format!("{}Ki", (gib * 1_048_576.0) as u64)}}],
        }]});
        self.send("kube:podmetrics", Kind::PodMetrics, list.to_string().into_bytes());
        self
    }

    /// A row of the API: status and, where there is one, the deadline in seconds since noon.
    pub fn row(&mut self, proof: &str, status: &str, mode: &str, deadline: Option<i64>) -> &mut Self {
        let row = json!({
            "id": proof, "proof_status": format!("PROOF_REQUEST_STATUS_{status}"), "options_artifact_id": mode, "created_at": NOON.to_string(),
            "deadline": (NOON + deadline.unwrap_or(86_400)).to_string(),
        });
        let answer = json!({"t": NOON + self.now, "proofs": [row]});
        self.send("grpc:proofs", Kind::Json, answer.to_string().into_bytes());
        self
    }

    /// Now, as Kubernetes prints it.
    pub fn time(&self) -> String {
        Timestamp::from_secs(NOON + self.now).to_string()
    }

    /// Every alert that began to fire, with the second when: `id@seconds`.
    pub fn told(&self) -> Vec<String> {
        let firing = self.pipeline.alerts().history().filter(|t| t.state == TransitionState::Firing);
        firing.map(|t| format!("{}@{}", t.alert.id, t.at.secs() - NOON)).collect()
    }

    /// The ids of all that began to fire, once each, in order.
    pub fn ids(&self) -> Vec<&'static str> {
        let mut out: Vec<&'static str> = Vec::new();
        for t in self.pipeline.alerts().history().filter(|t| t.state == TransitionState::Firing) {
            if !out.contains(&t.alert.id) {
                out.push(t.alert.id);
            }
        }
        out
    }

    /// The firing alert of that rule, in the story of another too.
    pub fn alert(&self, id: &str) -> &Alert {
        let mut firing = self.pipeline.alerts().told();
        firing.find(|a| a.id == id).unwrap_or_else(|| panic!("{id} does not fire; there were {:?}", self.told()))
    }

    /// Whether that rule's alert fires now.
    pub fn fires(&self, id: &str) -> bool {
        self.pipeline.alerts().told().any(|a| a.id == id)
    }
}

/// A pod that runs and is ready.
pub fn pod(name: &str, app: &str, since: &str) -> Value {
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "sp1-cluster", "uid": name, "resourceVersion": "1", "creationTimestamp": since, "labels": {"app": app}},
        "spec": {"containers": [{"name": app, "resources": {"limits": {"memory": "96Gi"}}}]},
        "status": {
            "phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": since}],
            "containerStatuses": [{"name": app, "ready": true, "restartCount": 0, "state": {"running": {"startedAt": since}}, "lastState": {}}],
        },
    })
}

/// The same after a container's end, waiting for `waiting` where that is not empty.
pub fn ended(mut pod: Value, restarts: u32, reason: &str, code: i32, at: &str, waiting: &str) -> Value {
    let c = &mut pod["status"]["containerStatuses"][0];
    c["restartCount"] = restarts.into();
    c["lastState"] = json!({"terminated": {"reason": reason, "exitCode": code, "finishedAt": at}});
    if !waiting.is_empty() {
        c["state"] = json!({"waiting": {"reason": waiting, "message": "back-off 10s"}});
        c["ready"] = false.into();
        pod["status"]["conditions"][0] = json!({"type": "Ready", "status": "False", "lastTransitionTime": at});
    }
    pod
}

/// A deployment whose pods are all there.
pub fn deployment(name: &str, tag: &str, env: &[(&str, &str)]) -> Value {
    let env: Vec<Value> = env.iter().map(|(n, v)| json!({"name": n, "value": v})).collect();
    let shm = json!([{"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": "96Gi"}}]);
    json!({
        "kind": "Deployment", "apiVersion": "apps/v1",
        "metadata": {"name": name, "namespace": "sp1-cluster", "generation": 1, "resourceVersion": "1"},
        "spec": {"replicas": 1, "template": {"metadata": {"labels": {"app": name}}, "spec": {"volumes": shm, "containers": [{
            "name": name, "image": format!("ghcr.io/succinctlabs/sp1-cluster:base-{tag}"), "env": env,
            "resources": {"limits": {"memory": "96Gi"}}, "volumeMounts": [{"name": "dshm", "mountPath": "/dev/shm"}],
        }]}}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1},
    })
}
