//! Worker processes: start, connection to a coordinator, end.

use std::collections::VecDeque;
use std::fmt::Arguments;
use std::time::Duration;

use super::config::{GIB, get_env};
use super::coordinator::{TaskRef, TaskState, Worker};
use super::event::Event;
use super::fault::Outcome;
use super::kind::Kind;
use super::log::{Level, Record, Site, Value};
use super::memory::Memory;
use super::objects::Exit;
use super::release::Release;
use super::rng::secs;
use super::state::NodeMetrics;
use super::{Cluster, id, sites};
use crate::base::{ProofId, Timestamp, WorkerKind};

/// A task in a worker process.
pub(super) struct Running {
    pub seq: u64,
    pub coord: usize,
    pub at: TaskRef,
    pub proof: ProofId,
    pub id: u128,
    pub kind: Kind,
    pub since: Timestamp,
    pub outcome: Outcome,
}

/// A worker process: one run of a node pod's container.
pub(super) struct Node {
    pub pod: usize,
    pub id: u128,
    pub kind: WorkerKind,
    pub release: Release,
    pub max: u32,
    weights: [u32; Kind::ALL.len()],
    pub alive: bool,
    /// SIGTERM has come.
    pub draining: bool,
    /// Its tasks do not move; its heartbeats go on.
    pub frozen: bool,
    /// Its connection is cut though the process lives.
    pub cut: bool,
    /// The coordinator that it is connected to, and its slot there.
    pub coord: Option<usize>,
    pub worker: Option<usize>,
    pub linked_at: Timestamp,
    pub running: Vec<Running>,
    pub memory: Memory,
    pub metrics: NodeMetrics,
    /// Programs whose verifying keys it has (an LRU of twenty).
    programs: VecDeque<String>,
}

impl Node {
    pub fn weight(&self, kind: Kind) -> u32 {
        self.weights[kind as usize]
    }

    /// Whether the program's verifying key is cached; it is from now on.
    pub fn knows_program(&mut self, program: String) -> bool {
        let known = self.programs.contains(&program);
        if !known {
            self.programs.push_back(program);
            if self.programs.len() > 20 {
                self.programs.pop_front();
            }
        }
        known
    }
}

impl Cluster {
    pub(super) fn node_log(&mut self, n: usize, level: Level, site: Site, message: Arguments<'_>) {
        self.node_record(n, &Record::new(level, site, message));
    }

    pub(super) fn node_record(&mut self, n: usize, record: &Record<'_>) {
        let stream = self.stream(self.nodes[n].pod);
        let at = self.now.plus(self.noise.micros(180, 900));
        self.log.put(stream, at, record);
    }

    fn node_says(&mut self, n: usize, site: Site, text: &str) {
        self.node_log(n, Level::Info, site, format_args!("{text}"));
    }

    /// A node pod's container has started: its process begins.
    pub(super) fn node_starts(&mut self, pod: usize) -> usize {
        let p = &self.kube.pods[pod];
        let kind = match get_env(&p.env, "WORKER_TYPE") {
            Some("GPU") => WorkerKind::Gpu,
            Some("ALL") => WorkerKind::All,
            _ => WorkerKind::Cpu,
        };
        let (release, env) = (p.release, &p.env);
        let weights = Kind::ALL.map(|k| {
            let from_env = get_env(env, &format!("WORKER_{}_WEIGHT", k.screaming())).and_then(|v| v.parse().ok());
            match k {
                Kind::CoreExecute | Kind::PlonkWrap | Kind::Groth16Wrap => from_env.unwrap_or_else(|| release.weight(k)),
                _ => release.weight(k),
            }
        });
        let store = get_env(env, "NODE_ARTIFACT_STORE").unwrap_or("s3").to_owned();
        let max = self.max_weight(pod);
        let n = self.nodes.len();
        let id = self.rng.wide();
        self.nodes.push(Node {
            pod,
            id,
            kind,
            release,
            max,
            weights,
            alive: true,
            draining: false,
            frozen: false,
            cut: false,
            coord: None,
            worker: None,
            linked_at: self.now,
            running: Vec::new(),
            memory: Memory::new(self.now, kind == WorkerKind::Gpu),
            metrics: NodeMetrics::new(self.now),
            programs: VecDeque::new(),
        });
        let stream = self.stream(pod);
        self.log.raw(stream, self.now, "failed to load .env file: Io(Custom { kind: NotFound, error: \"path not found\" })\n");
        self.node_says(n, sites::LOGGER, "logging initialized");
        self.node_log(n, Level::Info, sites::NODE_MAIN, format_args!("worker type: {kind:?}"));
        let ip = self.kube.pods[pod].ip.clone();
        self.node_log(n, Level::Info, sites::NODE_MAIN, format_args!("private IP address: {ip}"));
        self.node_says(n, sites::METRICS_LISTENING, "metrics server listening on 0.0.0.0:9090");
        self.node_says(n, sites::NODE_METRICS, "metrics server is ready");
        if store != "redis" && store != "s3" {
            let at = self.now.plus(Duration::from_millis(2));
            let text = format!(
                "\nthread 'main' panicked at bin/node/src/main.rs:112:18:\nunknown artifact store: {store}\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n"
            );
            self.log.raw(stream, at, &text);
            self.nodes[n].alive = false;
            self.process_ends_later(pod, 0.4, Exit::panic());
            return n;
        }
        self.log.raw(stream, self.now, &format!("using {store} artifact store\n"));
        if store == "redis" {
            self.node_says(n, sites::REDIS_POOL, "initializing redis pool");
            self.log.raw(stream, self.now.plus(Duration::from_micros(400)), "redis is set up\n");
        }
        self.node_says(n, sites::CONNECTING, "connecting to http://coordinator-grpc:50051");
        if release.at_least(2, 4, 0) {
            let fields = [("log2_shard_size", Value::Int(24)), ("shard_threshold", Value::Int(201_326_592))];
            self.node_record(
                n,
                &Record { fields: &fields, ..Record::new(Level::Info, sites::NODE_OPTS, format_args!("cluster_opts configured")) },
            );
        }
        let mut start = if kind == WorkerKind::Gpu { self.rng.between(4.0, 11.0) } else { self.rng.between(1.5, 3.5) };
        if kind != WorkerKind::Gpu && release.at_least(2, 0, 0) {
            self.node_says(n, sites::NODE_MAIN, "Downloading circuit artifacts before connecting to server");
            start += self.config.circuit_download;
        }
        self.agenda.add(self.now.plus(secs(start)), Event::NodeReady(n));
        n
    }

    /// The max_weight a node pod's process works out (reference 3.4).
    fn max_weight(&self, pod: usize) -> u32 {
        let p = &self.kube.pods[pod];
        if let Some(v) = get_env(&p.env, "WORKER_MAX_WEIGHT_OVERRIDE").and_then(|v| v.parse().ok()) {
            return v;
        }
        let gib = |b: u64| u32::try_from(b / GIB).unwrap_or(u32::MAX);
        if !p.release.at_least(2, 4, 0) {
            return gib(p.host_memory).div_ceil(16) * 16;
        }
        let ram = gib(p.memory_limit.unwrap_or(p.host_memory));
        if p.shm < GIB { 0 } else { ram.min(gib(p.shm)) }
    }

    pub(super) fn node_ready(&mut self, n: usize) {
        if !self.nodes[n].alive {
            return;
        }
        if self.nodes[n].kind != WorkerKind::Gpu && self.nodes[n].release.at_least(2, 0, 0) {
            let took = self.now.seconds_since(self.kube.pods[self.nodes[n].pod].started_at);
            self.node_log(n, Level::Info, sites::NODE_MAIN, format_args!("Circuit artifacts ready after {took:.1} seconds"));
        }
        self.connect(n, 0);
        if self.nodes[n].release.at_least(2, 4, 0) {
            self.node_says(n, sites::NODE_LOOP, "Waiting for main loop...");
        }
    }

    /// What a node of v2.4 and later says of its maximum at each connect.
    fn says_max_weight(&mut self, n: usize) {
        let (node, p) = (&self.nodes[n], &self.kube.pods[self.nodes[n].pod]);
        let (ram, shm) = (p.memory_limit.unwrap_or(p.host_memory) / GIB, p.shm / GIB);
        let (max, overridden) = (node.max, get_env(&p.env, "WORKER_MAX_WEIGHT_OVERRIDE").is_some());
        if node.release.at_least(2, 3, 0) && overridden && u64::from(max) > ram {
            let fields = [("max_weight", Value::Int(max.into())), ("total_ram_gb", Value::Int(ram))];
            let message = format_args!("WORKER_MAX_WEIGHT_OVERRIDE exceeds available RAM; risk of OOM");
            self.node_record(n, &Record { fields: &fields, ..Record::new(Level::Error, sites::NODE_LIMIT, message) });
        }
        if !self.nodes[n].release.at_least(2, 4, 0) {
            return;
        }
        if !overridden && shm == 0 {
            let fields = [("ram_weight", Value::Int(ram))];
            let message = format_args!("/dev/shm unconfigured (shm_size required); worker will accept no work until set");
            self.node_record(n, &Record { fields: &fields, ..Record::new(Level::Error, sites::NODE_LIMIT, message) });
        }
        let shm = format!("Some({shm})");
        let fields = [("total_ram_gb", Value::Int(ram)), ("shm_gb", Value::Raw(&shm)), ("max_weight", Value::Int(max.into()))];
        self.node_record(
            n,
            &Record { fields: &fields, ..Record::new(Level::Info, sites::NODE_LIMIT, format_args!("computed worker max_weight")) },
        );
    }

    /// Tries to open the stream to a coordinator.
    pub(super) fn connect(&mut self, n: usize, attempt: u32) {
        let node = &self.nodes[n];
        if !node.alive || node.cut || node.coord.is_some_and(|c| self.coords[c].up && self.linked(n)) {
            return;
        }
        if node.draining && node.running.is_empty() {
            return;
        }
        if attempt == 0 {
            self.says_max_weight(n);
        }
        self.node_says(n, sites::CONNECTING, "connecting to http://coordinator-grpc:50051");
        let up: Vec<usize> = (0..self.coords.len()).filter(|&c| self.coords[c].works()).collect();
        // A coordinator that still knows the worker gets it back.
        let back = up.iter().copied().find(|c| Some(*c) == self.nodes[n].coord);
        let pick = self.rng.index(up.len());
        let Some(c) = back.or_else(|| up.get(pick).copied()) else {
            let message = format_args!(
                "Failed to connect: tonic::transport::Error(Transport, ConnectError(ConnectError(\"tcp connect error\", 10.96.41.7:50051, Os {{ code: 111, kind: ConnectionRefused, message: \"Connection refused\" }})))"
            );
            self.node_log(n, Level::Warn, sites::CONNECT_FAILED, message);
            let wait = (0.1 * f64::from(1u32 << attempt.min(6))).min(4.0);
            let later = secs(self.rng.around(wait, 0.3));
            self.agenda.add(self.now.plus(later), Event::Connect { node: n, attempt: attempt + 1 });
            return;
        };
        self.register(n, c);
    }

    fn linked(&self, n: usize) -> bool {
        let node = &self.nodes[n];
        node.coord.zip(node.worker).and_then(|(c, w)| self.coords[c].worker(w)).is_some_and(|w| w.link && w.node == n)
    }

    pub(super) fn register(&mut self, n: usize, c: usize) {
        let node = &mut self.nodes[n];
        let (id, kind, max) = (node.id, node.kind, node.max);
        let known = node.coord == Some(c) && node.worker.is_some();
        (node.coord, node.linked_at) = (Some(c), self.now);
        let closed = node.draining;
        if self.coords[c].release.at_least(2, 7, 0) {
            self.coord_log(c, Level::Info, sites::REGISTERED, format_args!("Worker registered: {} (location: None)", id::Worker(id)));
        } else {
            self.coord_log(c, Level::Info, sites::REGISTERED, format_args!("Worker registered: {}", id::Worker(id)));
        }
        if known {
            self.coord_log(c, Level::Info, sites::EXISTS, format_args!("Worker already exists"));
            if let Some(w) = self.nodes[n].worker.and_then(|w| self.coords[c].worker_mut(w)) {
                w.link = true;
            }
        } else {
            let worker =
                Worker { id, node: n, kind, max, used: 0, next_free: 0, tasks: Vec::new(), closed, link: true, last_heartbeat: self.now };
            let slot = self.coords[c].add_worker(worker);
            self.nodes[n].worker = Some(slot);
        }
        self.reconcile_tasks(n, c);
        self.assign(c);
    }

    /// The first heartbeat: tasks that one side knows and the other does not.
    fn reconcile_tasks(&mut self, n: usize, c: usize) {
        let Some(slot) = self.nodes[n].worker else { return };
        let mine: Vec<(usize, TaskRef, ProofId, u128)> =
            self.nodes[n].running.iter().map(|r| (r.coord, r.at, r.proof.clone(), r.id)).collect();
        let worker = id::Worker(self.nodes[n].id);
        for (coord, at, proof, task) in &mine {
            let expected = *coord == c && self.coords[c].task(*at).is_some_and(|t| t.state == TaskState::Running(slot));
            if !expected {
                let message = format_args!("worker {worker} is working on unexpected task (\"{proof}\", \"{}\")", id::Task(*task));
                self.coord_log(c, Level::Warn, sites::UNEXPECTED, message);
                self.node_aborts(n, *coord, *at);
            }
        }
        let missing: Vec<TaskRef> = self.coords[c]
            .worker(slot)
            .map_or_else(Vec::new, |w| w.tasks.iter().copied().filter(|t| !mine.iter().any(|m| m.0 == c && m.1 == *t)).collect());
        for at in missing {
            let Some((proof, task)) = self.coords[c].proof(at.proof).map(|p| (p.id.clone(), p.tasks[at.task].id)) else { continue };
            let message = format_args!("worker {worker} is not working on expected task (\"{proof}\", \"{}\")", id::Task(task));
            self.coord_log(c, Level::Warn, sites::NOT_WORKING, message);
            self.node_receives(n, c, at);
        }
    }

    /// The worker's stream has gone: from here its heartbeats are missing.
    pub(super) fn link_lost(&mut self, n: usize) {
        let node = &self.nodes[n];
        let (Some(c), Some(slot), since) = (node.coord, node.worker, node.linked_at) else { return };
        let age = self.now.since(since).as_micros() % 5_000_000;
        let last = self.now.minus(Duration::from_micros(u64::try_from(age).unwrap_or(0)));
        if let Some(w) = self.coords[c].worker_mut(slot).filter(|w| w.link && w.node == n) {
            (w.link, w.last_heartbeat) = (false, last);
        }
    }

    /// The process is gone, without a word.
    pub(super) fn node_dies(&mut self, n: usize) {
        if !self.nodes[n].alive {
            return;
        }
        self.link_lost(n);
        self.nodes[n].alive = false;
        for r in std::mem::take(&mut self.nodes[n].running) {
            self.work_lost(&r);
        }
    }

    /// A task's process has gone: a Controller's run with it, and the shards
    /// an execution would still have made.
    pub(super) fn work_lost(&mut self, r: &Running) {
        let Some(p) = self.coords[r.coord].proof_mut(r.at.proof) else { return };
        match r.kind {
            Kind::Controller if p.tasks[r.at.task].run == p.run.number => p.run.alive = false,
            Kind::CoreExecute => p.run.forget_execution(r.seq),
            _ => {}
        }
    }

    /// SIGTERM: finish what is running, take nothing new.
    pub(super) fn node_drains(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        if !node.alive || node.draining {
            return;
        }
        node.draining = true;
        let (pod, tasks, linked) = (node.pod, node.running.len(), node.coord.zip(node.worker));
        self.node_says(n, sites::SIGNAL, "Received signal SIGTERM. Shutting down...");
        if let Some((c, slot)) = linked
            && let Some(w) = self.coords[c].worker_mut(slot)
        {
            w.closed = true;
            self.coords[c].refit(slot);
        }
        if tasks == 0 {
            self.node_says(n, sites::NODE_DRAIN, "No in-flight tasks; shutting down immediately");
            self.node_leaves(n);
            self.process_ends_later(pod, 0.3, Exit::clean());
        } else {
            self.node_log(n, Level::Info, sites::NODE_DRAIN, format_args!("Shutdown signal received; draining {tasks} in-flight task(s)"));
            self.agenda.add(self.now.plus(Duration::from_secs(5)), Event::Draining { node: n, elapsed: 5 });
        }
    }

    pub(super) fn draining(&mut self, n: usize, elapsed: u32) {
        let tasks = self.nodes[n].running.len();
        if !self.nodes[n].alive || tasks == 0 {
            return;
        }
        self.node_log(n, Level::Info, sites::NODE_DRAIN, format_args!("Draining: {tasks} task(s) in flight, {elapsed}.0s elapsed"));
        self.agenda.add(self.now.plus(Duration::from_secs(5)), Event::Draining { node: n, elapsed: elapsed + 5 });
    }

    /// The last task of a draining node is done.
    pub(super) fn drained(&mut self, n: usize) {
        if self.nodes[n].draining && self.nodes[n].alive && self.nodes[n].running.is_empty() {
            let pod = self.nodes[n].pod;
            self.node_says(n, sites::NODE_END, "Worker is closed and has no tasks, breaking out of loop");
            self.node_leaves(n);
            self.process_ends_later(pod, 0.5, Exit::clean());
        }
    }

    /// Says good-bye to the coordinator and ends.
    fn node_leaves(&mut self, n: usize) {
        if let Some((c, slot)) = self.nodes[n].coord.zip(self.nodes[n].worker)
            && self.coords[c].worker(slot).is_some_and(|w| w.node == n)
            && let Some(worker) = self.coords[c].take_worker(slot)
        {
            self.requeue(c, slot, &worker.tasks);
        }
        self.nodes[n].worker = None;
        self.nodes[n].alive = false;
        self.node_says(n, sites::NODE_END, "Main loop complete");
        self.node_says(n, sites::NODE_END, "Shutdown complete");
    }

    /// The network between a node and its coordinator is cut for a while.
    pub(super) fn cut(&mut self, n: usize, seconds: f64) {
        if self.nodes[n].alive {
            self.link_lost(n);
            self.nodes[n].cut = true;
            self.node_log(n, Level::Error, sites::NODE_SILENT, format_args!("Heartbeat timed out, reconnecting..."));
            self.agenda.add(self.now.plus(secs(seconds)), Event::Mend(n));
        }
    }

    pub(super) fn mend(&mut self, n: usize) {
        self.nodes[n].cut = false;
        self.connect(n, 0);
    }

    /// The coordinator's process has gone: its workers look for it.
    pub(super) fn coordinator_lost(&mut self, c: usize) {
        for n in 0..self.nodes.len() {
            if self.nodes[n].alive && self.nodes[n].coord == Some(c) {
                (self.nodes[n].coord, self.nodes[n].worker) = (None, None);
                self.node_log(n, Level::Error, sites::NODE_CLOSED, format_args!("Server closed connection"));
                let later = self.rng.micros(80_000, 900_000);
                self.agenda.add(self.now.plus(later), Event::Connect { node: n, attempt: 0 });
            }
        }
    }
}
