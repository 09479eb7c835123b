//! A small cluster made of events, for tests, benches and pictures.
//!
//! Benches include this file by its path, so it names the crate's modules by
//! `crate::` alone.

#![allow(missing_docs, dead_code, reason = "a helper of tests")]
#![allow(clippy::missing_panics_doc, clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "a helper of tests")]

use std::time::Duration;

use crate::base::{PodName, ProofId, SourceName, TaskId, TaskType, Timestamp, WorkerId, WorkerKind};
use crate::envelope::{SourceState, SourceUpdate};
use crate::event::{
    AssignedTask, Batch, CoordinatorEvent, Event, Level, LogRecord, NodeEvent, ProofMode, ProofRow, ProofStatus, Stats, What, WorkerReport,
};
use crate::model::Model;

pub const COORDINATOR: &str = "log:coordinator";

/// 2026-11-24 12:00:00 UTC.
pub const NOON: i64 = 1_795_521_600;

pub struct Cluster {
    pub model: Model,
    pub now: Timestamp,
    seq: u64,
}

pub type Line<'a> = (u32, WorkerKind, &'a [(&'a str, u32, TaskType)]);

pub fn worker(n: u32) -> WorkerId {
    // Spread, so that ids look as random as they are.
    let x = u128::from(n).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    WorkerId::unknown(x)
}

pub fn task(n: u32) -> TaskId {
    TaskId::uuid(0x019f_fe57_0ae3_7abc_9def_0000_0000_0000 + u128::from(n))
}

impl Default for Cluster {
    fn default() -> Self {
        Self::new()
    }
}

impl Cluster {
    pub fn new() -> Self {
        Self { model: Model::new(), now: Timestamp::from_secs(NOON), seq: 0 }
    }

    pub fn at(&mut self, secs: i64) -> &mut Self {
        self.now = Timestamp::from_secs(NOON + secs);
        self
    }

    pub fn send(&mut self, source: &str, events: Vec<What>) -> &mut Self {
        self.seq += 1;
        let at = self.now;
        let events = events.into_iter().map(|what| Event { at, what }).collect();
        self.model.apply(Batch { seq: self.seq, at, source: SourceName::new(source), events, unread: vec![], bytes: 1 });
        self
    }

    pub fn coordinator(&mut self, e: CoordinatorEvent) -> &mut Self {
        self.send(COORDINATOR, vec![What::Coordinator(e)])
    }

    pub fn register(&mut self, n: u32) -> &mut Self {
        self.coordinator(CoordinatorEvent::WorkerRegistered { worker: worker(n), has_location: true })
    }

    /// A source that speaks for a pod.
    pub fn pod(&mut self, source: &str, component: &str, pod: &str) -> &mut Self {
        let update = SourceUpdate {
            state: SourceState::Live,
            detail: String::new(),
            component: Some(component.into()),
            pod: Some(pod.into()),
            dropped: 0,
        };
        self.send(source, vec![What::Source(update)])
    }

    pub fn received(&mut self, source: &str, tasks: &[u32]) -> &mut Self {
        self.send(source, tasks.iter().map(|t| What::Node(NodeEvent::Received { task: task(*t) })).collect())
    }

    pub fn completed(&mut self, source: &str, proof: &str, t: u32, kind: TaskType, secs: u64) -> &mut Self {
        let took = Some(Duration::from_secs(secs));
        self.send(source, vec![What::Node(NodeEvent::Completed { proof: ProofId::new(proof), task: task(t), kind, took })])
    }

    pub fn claim(&mut self, proof: &str, mode: ProofMode, controller: u32) -> &mut Self {
        self.coordinator(CoordinatorEvent::ClaimInputs {
            program: "artifact_01kzz5e2q3fay9vvr1081g8186".into(),
            stdin: "artifact_01kzz5e2q3fay9vvr1081g8187".into(),
            mode: Some(mode),
            items: 6,
        });
        self.coordinator(CoordinatorEvent::ClaimOutputs { proof_artifact: "artifact_01kzz5e2q3fay9vvr1081g8188".into() });
        self.coordinator(CoordinatorEvent::ProofCreated { proof: ProofId::new(proof), task: task(controller) })
    }

    pub fn row(&mut self, proof: &str, mode: ProofMode, status: ProofStatus, deadline: i64) -> &mut Self {
        let created_at = self.model.proofs.get(&ProofId::new(proof)).map_or(self.now, |p| p.first_seen);
        let row = ProofRow {
            id: ProofId::new(proof),
            status,
            mode: Some(mode),
            created_at,
            deadline: Some(Timestamp::from_secs(NOON + deadline)),
            proof_artifact: None,
            program_artifact: None,
            failure: None,
            failed_task: None,
            cycles: None,
            handled: false,
        };
        self.send("grpc:api", vec![What::ProofRows(vec![row])])
    }

    /// A whole periodic block; `max` are the weights of one CPU and one GPU
    /// worker.
    pub fn block(&mut self, queues: (u32, u32), max: (u32, u32), lines: &[Line<'_>]) -> &mut Self {
        let count = |k| lines.iter().filter(|l| l.1 == k).count() as u32;
        let (cpu, gpu) = (count(WorkerKind::Cpu), count(WorkerKind::Gpu));
        let stats = Stats {
            total_tasks: Some(100_000),
            cpu_workers: Some(cpu),
            gpu_workers: Some(gpu),
            cpu_utilization_max: Some(cpu * max.0),
            gpu_utilization_max: Some(gpu * max.1),
            cpu_queue: Some(queues.0),
            gpu_queue: Some(queues.1),
            ..Stats::default()
        };
        let mut out = vec![What::Stats(Box::new(stats))];
        for (n, kind, tasks) in lines {
            let tasks = tasks
                .iter()
                .map(|(p, t, k)| AssignedTask { proof: ProofId::new(p), task: task(*t), kind: Some(k.clone()), proof_known: true })
                .collect();
            out.push(What::Worker(WorkerReport { worker: worker(*n), kind: Some(*kind), next_free_ms: 0, tasks }));
        }
        self.send(COORDINATOR, out)
    }

    pub fn log(&mut self, source: &str, level: Level, target: &str, text: &str) -> &mut Self {
        self.record(source, level, target, text, false, None)
    }

    pub fn record(&mut self, source: &str, level: Level, target: &str, text: &str, periodic: bool, origin: Option<&str>) -> &mut Self {
        let text = if target.is_empty() { text.to_owned() } else { format!("{target}: {text}") };
        let target_len = if target.is_empty() { 0 } else { target.len() as u16 + 2 };
        let origin = origin.map(PodName::new);
        self.send(source, vec![What::Log(LogRecord { level, periodic, text: text.into(), target_len, origin })])
    }
}

const PODS: [(&str, &str, &str); 4] = [
    ("log:cpu-0", "cpu-node", "cpu-node-7d9f8b6c5d-djgm5"),
    ("log:gpu-0", "gpu-node", "gpu-node-5f6c7d8e9b-t2q8j"),
    ("log:gpu-1", "gpu-node", "gpu-node-5f6c7d8e9b-x9k4w"),
    ("log:gpu-2", "gpu-node", "gpu-node-5f6c7d8e9b-p7rzm"),
];

pub const PLONK: &str = "cli_1795521590120_0";
pub const SMALL: &str = "cli_1795521720500";
pub const OLD: &str = "cli_1795518000000";

/// A quarter of an hour of a small cluster: one CPU node, three GPU nodes (one
/// of which is lost and one late), a plonk proof half-way, a compressed one, one
/// that is done and one that failed.
pub fn small() -> Cluster {
    use TaskType as T;
    use WorkerKind::{Cpu, Gpu};
    let mut c = Cluster::new();
    c.at(0);
    c.send(COORDINATOR, vec![What::ComponentTold(crate::event::Component::Coordinator)]);
    for (source, component, pod) in PODS {
        c.pod(source, component, pod);
    }
    for n in 0..4 {
        c.register(n);
    }
    c.claim(OLD, ProofMode::Core, 900);
    for (i, kind) in [T::SetupVkey, T::CoreExecute, T::ProveShard, T::ProveShard, T::ProveShard, T::ProveShard].into_iter().enumerate() {
        let t = 901 + i as u32;
        let source = if kind == T::CoreExecute { "log:cpu-0" } else { "log:gpu-0" };
        let secs = if kind == T::ProveShard { 60 + 4 * i as u64 } else { 9 + i as u64 };
        c.received(source, &[t]).completed(source, OLD, t, kind, secs);
    }
    c.coordinator(CoordinatorEvent::ProofCompleted { proof: ProofId::new(OLD) });
    c.claim("cli_1795518500000", ProofMode::Groth16, 950).coordinator(CoordinatorEvent::ProofFailed {
        proof: ProofId::new("cli_1795518500000"),
        task: None,
        reason: Some("Groth16Wrap: artifact not found: artifact_01kzz5e2q3fay9vvr1081g8199".into()),
    });
    c.claim(PLONK, ProofMode::Plonk, 1);
    c.row(PLONK, ProofMode::Plonk, ProofStatus::Pending, 4 * 3600);
    c.received("log:cpu-0", &[1, 3, 60]).received("log:gpu-0", &[2]);
    c.at(10).block(
        (0, 0),
        (64, 24),
        &[(0, Cpu, &[(PLONK, 1, T::Controller)]), (1, Gpu, &[(PLONK, 2, T::SetupVkey)]), (2, Gpu, &[]), (3, Gpu, &[])],
    );
    let shards = |first: u32, n: u32| (first..first + n).map(|t| (PLONK, t, T::ProveShard)).collect::<Vec<_>>();
    let control = [(PLONK, 1, T::Controller), (PLONK, 3, T::CoreExecute)];
    for i in 1..30u32 {
        // Shards come and go: each takes 60 s, six on a worker.
        let first = 10 + i;
        c.received("log:gpu-0", &[100 + first]).received("log:gpu-1", &[200 + first]);
        let (a, b, d) = (shards(100 + first, 5), shards(200 + first, (i % 6) + 1), shards(300 + first, 4));
        let mut head = control.to_vec();
        if i > 12 {
            head.remove(1);
            head.push((SMALL, 60, T::Controller));
        }
        if i == 12 {
            c.claim(SMALL, ProofMode::Compressed, 60);
        }
        let mut lines: Vec<Line<'_>> = vec![(0, Cpu, &head), (1, Gpu, &a), (2, Gpu, &b)];
        if i < 24 {
            lines.push((3, Gpu, &d));
        }
        c.at(10 + i64::from(i) * 10).block((0, 7), (64, 24), &lines);
        if i == 9 {
            c.coordinator(CoordinatorEvent::TaskRetrying { task: task(100 + first) });
        }
        if i == 24 {
            c.coordinator(CoordinatorEvent::WorkerTimedOut { worker: worker(3), heartbeat_age_secs: Some(39) });
        }
        if i >= 27 {
            c.coordinator(CoordinatorEvent::HeartbeatFailed { worker: worker(2) });
        }
    }
    c.at(315).coordinator(CoordinatorEvent::HeartbeatFailed { worker: worker(2) });
    c.at(320);
    let mut a = shards(139, 2);
    a.push((PLONK, 501, T::RecursionReduce));
    a.push((SMALL, 601, T::ProveShard));
    let b = [(PLONK, 239, T::ProveShard), (PLONK, 502, T::RecursionReduce)];
    c.block(
        (1, 3),
        (64, 24),
        &[(0, Cpu, &[(PLONK, 1, T::Controller), (SMALL, 60, T::Controller), (SMALL, 61, T::CoreExecute)]), (1, Gpu, &a), (2, Gpu, &b)],
    );
    let (co, srv) = ("sp1_cluster_coordinator::cluster", "sp1_cluster_coordinator::server");
    c.at(0).log(COORDINATOR, Level::Info, srv, "coordinator (version unknown 2026-11-24T00:32:00) listening on 0.0.0.0:50051");
    c.log(COORDINATOR, Level::Info, co, &format!("Created proof {PLONK} with task {}", task(1)));
    for i in 0..24u32 {
        c.at(20 + i64::from(i) * 12);
        let text = format!(r#"Completed task ProveShard ("{PLONK}", "{}") after Some(6{}.{}s)"#, task(110 + i), i % 10, i % 7);
        c.log(["log:gpu-0", "log:gpu-1"][i as usize % 2], Level::Info, "sp1_cluster_node", &text);
        if i == 8 {
            c.log("log:gpu-0", Level::Error, "sp1_cluster_worker", &format!("Retryable error in task {} proof {PLONK}: TaskType: PROVE_SHARD, Error: cuda: out of memory\n  at prove_shard\n  at run", task(119)));
            c.log(COORDINATOR, Level::Info, co, &format!("retrying task {}", task(119)));
        }
        if i == 12 {
            let text = "Redis near capacity; blocking upload (backpressure) shard=0 used=30064771072 max=32212254720 budget=0 in_flight=3 incoming=73282 waited_ms=1200";
            c.log("log:cpu-0", Level::Warn, "sp1_cluster_artifact::redis", text);
        }
        if i == 19 {
            c.log(COORDINATOR, Level::Warn, co, &format!("worker {} has timed out (last heartbeat 39s ago)", worker(3)));
        }
        if i % 3 == 0 {
            let stats = "[coordinator] GetStatsResponse { coordinator_version: \"unknown 2026-11-24T00:32:00\", sp1_circuit_version: \"v6.1.0\", total_tasks: 47, active_tasks: 14, cpu_workers: 1, gpu_workers: 2, cpu_utilization_current: 1, cpu_utilization_max: 48, gpu_utilization_current: 48, gpu_utilization_max: 48, active_proofs: 1, cpu_queue: 0, gpu_queue: 1, active_subscribers: 0 }";
            c.record(COORDINATOR, Level::Info, "sp1_cluster_coordinator", stats, true, None);
        }
    }
    c.at(326).send("clock", vec![What::Tick]);
    c
}

/// One plonk proof whose wrap waits: only its Controller runs.
pub fn stuck() -> Cluster {
    use TaskType as T;
    let mut c = Cluster::new();
    c.claim(PLONK, ProofMode::Plonk, 1);
    let control: &[_] = &[(PLONK, 1, T::Controller)];
    c.at(10).block((0, 0), (32, 24), &[(0, WorkerKind::Cpu, control), (1, WorkerKind::Gpu, &[(PLONK, 5, T::ShrinkWrap)])]);
    for i in 2..60 {
        c.at(i * 10).block((1, 0), (32, 24), &[(0, WorkerKind::Cpu, control), (1, WorkerKind::Gpu, &[])]);
    }
    c
}

/// Many workers with `each` tasks on every GPU worker, of 20 proofs.
pub fn big(workers: u32, each: u32) -> Cluster {
    use TaskType as T;
    let mut c = Cluster::new();
    let proofs: Vec<String> = (0..20u32).map(|i| format!("cli_{}", 1_795_521_000_000u64 + u64::from(i) * 20_000)).collect();
    for (i, p) in proofs.iter().enumerate() {
        c.claim(p, [ProofMode::Plonk, ProofMode::Compressed][i % 2], 1_000_000 + i as u32);
    }
    for (i, kind) in [T::ProveShard, T::RecursionReduce, T::RecursionDeferred, T::ShrinkWrap].into_iter().enumerate() {
        for t in 0..256 {
            c.completed("log:gpu-0", &proofs[0], 5_000_000 + i as u32 * 1000 + t, kind.clone(), 20 + u64::from(t % 40));
        }
    }
    let cpus = (workers / 100).max(2);
    for round in 0..2u32 {
        let mut tasks: Vec<Vec<(&str, u32, T)>> = Vec::new();
        for n in 0..workers {
            let mut list = Vec::new();
            if n < cpus {
                for (i, p) in proofs.iter().enumerate().filter(|(i, _)| *i as u32 % cpus == n) {
                    list.push((p.as_str(), 1_000_000 + i as u32, T::Controller));
                }
            } else if n % 17 != 3 {
                for t in 0..each {
                    let kind = match (n / 40 + t / 4) % 9 {
                        0..=5 => T::ProveShard,
                        6 => T::RecursionReduce,
                        7 => T::RecursionDeferred,
                        _ => T::ShrinkWrap,
                    };
                    let p = proofs[((n + t) % 20) as usize].as_str();
                    list.push((p, round * 500 * u32::from(t == 0) + n * 1000 + t, kind));
                }
            }
            tasks.push(list);
        }
        let lines: Vec<Line<'_>> = tasks
            .iter()
            .enumerate()
            .map(|(n, t)| (n as u32, if (n as u32) < cpus { WorkerKind::Cpu } else { WorkerKind::Gpu }, t.as_slice()))
            .collect();
        c.at(10 + i64::from(round) * 30).block((0, 40), (64, each * 4), &lines);
    }
    for n in (5..workers).step_by(97) {
        c.coordinator(CoordinatorEvent::HeartbeatFailed { worker: worker(n) });
    }
    for n in (11..workers).step_by(151) {
        c.coordinator(CoordinatorEvent::WorkerTimedOut { worker: worker(n), heartbeat_age_secs: Some(31) });
    }
    c.at(75).send("clock", vec![What::Tick]);
    c
}

/// As many log records.
pub fn chatty(records: u32) -> Cluster {
    let mut c = small();
    for i in 0..records {
        c.at(400 + i64::from(i));
        let level = if i % 100 == 7 { Level::Error } else { Level::Info };
        let text = format!("Completed task ProveShard (\"{PLONK}\", \"{}\") after Some(6{}.1s)", task(i), i % 10);
        c.log("log:gpu-0", level, "bin/node/src/main.rs:412", &text);
    }
    c
}

/// Text that is hard to lay out.
pub fn odd() -> Cluster {
    let mut c = small();
    for text in [
        "日本語のログ 行 proof",
        "e\u{301}e\u{301} cafe\u{301} 👩‍👩‍👧 family 👍🏽 thumbs",
        "zero\u{200b}width and tab",
        "several\nlines 日本\nin one",
    ] {
        c.at(400).log("log:gpu-0", Level::Warn, "sp1_cluster_worker", text);
    }
    c
}
