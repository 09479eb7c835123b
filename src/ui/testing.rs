//! Models in known states, built from real events, and buffers as text: for
//! tests of screens.
//!
//! [`Cluster`] is a small scheduler with the real rules of weight; it tells the
//! model what the coordinator's log, Kubernetes and the metrics server would.

use std::fmt::Write as _;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::{Ctx, Symbols, Theme, TimeBase, View};
use crate::alerts::{Alert, Alerts, Fix, Severity};
use crate::base::{PodName, ProofId, SourceName, TaskId, TaskType, Timestamp, WorkerId, WorkerKind};
use crate::envelope::{Session, SourceState, SourceUpdate};
use crate::event::{
    AssignedTask, Batch, CoordinatorEvent, Event, KubeEvent, KubeNote, Level, LogRecord, PodInfo, PodUsage, ProofMode, Stats, Termination,
    Unread, UnreadReason, What, WorkerReport,
};
use crate::model::Model;

/// When every made-up story begins: 2026-11-24 12:00:00 UTC.
pub const START: Timestamp = Timestamp::from_secs(1_795_521_600);

struct Task {
    proof: usize,
    id: TaskId,
    kind: TaskType,
    ends: u64,
    worker: Option<usize>,
}

struct Job {
    id: ProofId,
    mode: ProofMode,
    shards: u32,
    /// Tasks of the present stage that are not over.
    open: u32,
    stage: u8,
    over: bool,
}

struct Node {
    id: WorkerId,
    kind: WorkerKind,
    max: u32,
    pod: String,
}

/// A made-up cluster that tells a model what happens.
pub struct Cluster {
    /// What is known of it.
    pub model: Model,
    seconds: u64,
    seq: u64,
    ids: u128,
    tasks: Vec<Task>,
    jobs: Vec<Job>,
    nodes: Vec<Node>,
    total: u64,
    /// A new proof every so many seconds; 0 for never.
    pub every: u64,
    /// Shards of a proof.
    pub shards: u32,
    /// Modes that take turns.
    pub modes: &'static [ProofMode],
}

const COORDINATOR: &str = "log:coordinator";

impl Cluster {
    /// A cluster with so many GPU workers, and one CPU worker of that weight.
    pub fn new(gpus: u32, cpu_weight: u32) -> Self {
        let mut c = Self {
            model: Model::new(),
            seconds: 0,
            seq: 0,
            ids: 0,
            tasks: Vec::new(),
            jobs: Vec::new(),
            nodes: Vec::new(),
            total: 0,
            every: 240,
            shards: 60,
            modes: &[ProofMode::Plonk, ProofMode::Compressed, ProofMode::Groth16],
        };
        let session =
            Session { context: Some("prod-eu".into()), namespace: Some("sp1-cluster".into()), mode: "live".into(), kubeconfig: None };
        c.tell("session", vec![What::Session(session)]);
        for (name, component) in [
            (COORDINATOR, Some("coordinator")),
            ("log:api", Some("api")),
            ("kube:pods", None),
            ("kube:metrics", None),
            ("kube:events", None),
        ] {
            c.source(name, SourceState::Live, "", component);
        }
        c.tell(COORDINATOR, vec![What::Coordinator(CoordinatorEvent::Listening { version: "4f2c9e1 2026-11-20T09:00:00".into() })]);
        c.join(WorkerKind::Cpu, cpu_weight);
        for _ in 0..gpus {
            c.join(WorkerKind::Gpu, 24);
        }
        c
    }

    /// The time of the story.
    pub fn now(&self) -> Timestamp {
        START.plus(Duration::from_secs(self.seconds))
    }

    fn next_id(&mut self) -> u128 {
        self.ids += 1;
        // Spread, so that ids do not look alike.
        self.ids.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }

    /// Tells the model something as of now.
    pub fn tell(&mut self, source: &str, what: Vec<What>) {
        let at = self.now();
        self.seq += 1;
        let told = what.iter().filter(|w| !matches!(w, What::Tick | What::Session(_) | What::Source(_))).count();
        let bytes = 120 * u64::try_from(told).unwrap_or(0);
        let events = what.into_iter().map(|what| Event { at, what }).collect();
        self.model.apply(Batch { seq: self.seq, at, source: SourceName::new(source), events, unread: Vec::new(), bytes });
    }

    /// Something that cannot be read.
    pub fn unread(&mut self, source: &str, why: UnreadReason, text: &str) {
        let at = self.now();
        self.seq += 1;
        let unread = vec![Unread { at, why, text: text.into() }];
        self.model.apply(Batch {
            seq: self.seq,
            at,
            source: SourceName::new(source),
            events: Vec::new(),
            unread,
            bytes: text.len() as u64,
        });
    }

    /// A source has a state.
    pub fn source(&mut self, name: &str, state: SourceState, detail: &str, component: Option<&str>) {
        let update = SourceUpdate { state, detail: detail.into(), component: component.map(Into::into), pod: None, dropped: 0 };
        self.tell(name, vec![What::Source(update)]);
    }

    /// A line of a log.
    pub fn log(&mut self, source: &str, level: Level, target: &str, message: &str) {
        let text = format!("{target}: {message}").into_boxed_str();
        let target_len = u16::try_from(target.len() + 2).unwrap_or(0);
        self.tell(source, vec![What::Log(LogRecord { level, periodic: false, text: text.into(), target_len, origin: None })]);
    }

    /// A worker registers.
    pub fn join(&mut self, kind: WorkerKind, max: u32) {
        let n = self.next_id();
        let id = WorkerId::unknown(n);
        let pod = format!("{kind}-node-{:05x}-{:05x}", (n >> 96) & 0xf_ffff, n & 0xf_ffff);
        self.nodes.push(Node { id: id.clone(), kind, max, pod });
        self.tell(COORDINATOR, vec![What::Coordinator(CoordinatorEvent::WorkerRegistered { worker: id, has_location: true })]);
    }

    /// The coordinator gives the last worker up; its tasks are queued again.
    pub fn lose(&mut self) {
        let Some(node) = self.nodes.pop() else { return };
        let gone = self.nodes.len();
        for t in &mut self.tasks {
            if t.worker == Some(gone) {
                t.worker = None;
            }
        }
        self.tell(COORDINATOR, vec![What::Coordinator(CoordinatorEvent::WorkerTimedOut { worker: node.id, heartbeat_age_secs: Some(39) })]);
    }

    /// A proof is requested and claimed.
    pub fn prove(&mut self, mode: ProofMode) {
        let id = ProofId::new(&format!("cli_{}", self.now().millis() - 700));
        let controller = TaskId::uuid(self.next_id());
        let artifact = |n: u32| format!("artifact_{n:026}");
        self.tell(
            COORDINATOR,
            vec![
                What::Coordinator(CoordinatorEvent::ClaimInputs { program: artifact(1), stdin: artifact(2), mode: Some(mode), items: 6 }),
                What::Coordinator(CoordinatorEvent::ClaimOutputs { proof_artifact: artifact(3) }),
                What::Coordinator(CoordinatorEvent::ProofCreated { proof: id.clone(), task: controller.clone() }),
            ],
        );
        self.log(COORDINATOR, Level::Info, "sp1_cluster_coordinator::cluster", &format!("Created proof {id} with task {controller}"));
        let job = self.jobs.len();
        self.jobs.push(Job { id, mode, shards: self.shards, open: 2, stage: 0, over: false });
        self.total += 1;
        self.tasks.push(Task { proof: job, id: controller, kind: TaskType::Controller, ends: u64::MAX, worker: None });
        self.create(job, TaskType::SetupVkey);
        self.create(job, TaskType::CoreExecute);
    }

    fn create(&mut self, proof: usize, kind: TaskType) {
        let id = TaskId::uuid(self.next_id());
        self.total += 1;
        self.tasks.push(Task { proof, id, kind, ends: 0, worker: None });
    }

    fn weight(kind: &TaskType) -> u32 {
        match kind {
            TaskType::PlonkWrap => 32,
            TaskType::Groth16Wrap => 14,
            TaskType::RecursionReduce => 3,
            TaskType::SetupVkey => 1,
            _ => 4,
        }
    }

    fn takes(kind: &TaskType, n: u128) -> u64 {
        let spread = u64::try_from(n % 17).unwrap_or(0);
        match kind {
            TaskType::SetupVkey => 6,
            TaskType::CoreExecute => 70,
            TaskType::ProveShard => 18 + spread,
            TaskType::ShrinkWrap => 14,
            TaskType::PlonkWrap => 130,
            TaskType::Groth16Wrap => 80,
            _ => 8 + spread / 2,
        }
    }

    fn used(&self, node: usize) -> u32 {
        self.tasks.iter().filter(|t| t.worker == Some(node)).map(|t| Self::weight(&t.kind)).sum()
    }

    /// Lets so many seconds pass.
    pub fn run(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.seconds += 1;
            if self.every > 0 && self.seconds % self.every == 5 {
                let turn = usize::try_from(self.seconds / self.every).unwrap_or(0);
                self.prove(self.modes[turn % self.modes.len()]);
            }
            if self.seconds.is_multiple_of(2) {
                self.schedule();
            }
            if self.seconds.is_multiple_of(10) {
                self.block();
            }
            if self.seconds.is_multiple_of(30) {
                self.kube();
            }
            self.tell("clock", vec![What::Tick]);
        }
    }

    fn schedule(&mut self) {
        let now = self.seconds;
        let mut ended = Vec::new();
        self.tasks.retain(|t| {
            let over = t.worker.is_some() && t.ends <= now;
            if over {
                ended.push((t.proof, t.kind.clone()));
            }
            !over
        });
        for (proof, kind) in ended {
            self.jobs[proof].open = self.jobs[proof].open.saturating_sub(1);
            if kind == TaskType::SetupVkey {
                for _ in 0..self.jobs[proof].shards {
                    self.jobs[proof].open += 1;
                    self.create(proof, TaskType::ProveShard);
                }
            }
            if self.jobs[proof].open == 0 {
                self.next_stage(proof);
            }
        }
        let mut cpu_blocked = false;
        for i in 0..self.tasks.len() {
            if self.tasks[i].worker.is_some() {
                continue;
            }
            let kind = self.tasks[i].kind.clone();
            let wants = kind.worker_kind().unwrap_or(WorkerKind::Gpu);
            if wants == WorkerKind::Cpu && cpu_blocked {
                continue;
            }
            let fits = (0..self.nodes.len())
                .filter(|n| self.nodes[*n].kind == wants && self.used(*n) + Self::weight(&kind) <= self.nodes[*n].max)
                .min_by_key(|n| self.used(*n));
            match fits {
                Some(n) => {
                    let TaskId::Uuid(id) = self.tasks[i].id else { continue };
                    let id = id.get();
                    self.tasks[i].worker = Some(n);
                    if self.tasks[i].ends != u64::MAX {
                        self.tasks[i].ends = now + Self::takes(&kind, id);
                    }
                }
                None if wants == WorkerKind::Cpu => cpu_blocked = true,
                None => {}
            }
        }
    }

    fn next_stage(&mut self, proof: usize) {
        let job = &mut self.jobs[proof];
        job.stage += 1;
        let wrap = if job.mode == ProofMode::Groth16 { TaskType::Groth16Wrap } else { TaskType::PlonkWrap };
        let (kind, n) = match (job.stage, job.mode) {
            (1, ProofMode::Compressed | ProofMode::Plonk | ProofMode::Groth16) => (TaskType::RecursionReduce, job.shards / 2),
            (2, ProofMode::Compressed | ProofMode::Plonk | ProofMode::Groth16) => (TaskType::RecursionReduce, job.shards / 8),
            (3, ProofMode::Plonk | ProofMode::Groth16) => (TaskType::ShrinkWrap, 1),
            (4, ProofMode::Plonk | ProofMode::Groth16) => (wrap, 1),
            _ => {
                job.over = true;
                let id = job.id.clone();
                self.tasks.retain(|t| t.proof != proof);
                self.tell(COORDINATOR, vec![What::Coordinator(CoordinatorEvent::ProofCompleted { proof: id.clone() })]);
                self.log(COORDINATOR, Level::Info, "sp1_cluster_coordinator::cluster", &format!("Completed proof {id}"));
                return;
            }
        };
        job.open = n.max(1);
        for _ in 0..n.max(1) {
            self.create(proof, kind.clone());
        }
    }

    /// The last unfinished proof fails.
    pub fn fail(&mut self, reason: &str) {
        let Some(i) = self.jobs.iter().rposition(|j| !j.over) else { return };
        self.jobs[i].over = true;
        self.tasks.retain(|t| t.proof != i);
        let proof = self.jobs[i].id.clone();
        self.log(COORDINATOR, Level::Error, "sp1_cluster_coordinator::cluster", &format!("Failed proof {proof} {reason}"));
        self.tell(COORDINATOR, vec![What::Coordinator(CoordinatorEvent::ProofFailed { proof, task: None, reason: Some(reason.into()) })]);
    }

    /// What the stats line says now.
    pub fn stats(&self) -> Stats {
        let n = |v: usize| Some(u32::try_from(v).unwrap_or(u32::MAX));
        let of = |kind| self.nodes.iter().enumerate().filter(move |(_, w)| w.kind == kind);
        let current = |kind| Some(of(kind).map(|(i, _)| self.used(i)).sum());
        let max = |kind| Some(of(kind).map(|(_, w)| w.max).sum());
        let queue = |kind| n(self.tasks.iter().filter(|t| t.worker.is_none() && t.kind.worker_kind() == Some(kind)).count());
        Stats {
            coordinator_version: Some("4f2c9e1 2026-11-20T09:00:00".into()),
            sp1_circuit_version: Some("v6.1.0".into()),
            total_tasks: Some(self.total),
            active_tasks: n(self.tasks.len()),
            cpu_workers: n(of(WorkerKind::Cpu).count()),
            gpu_workers: n(of(WorkerKind::Gpu).count()),
            cpu_utilization_current: current(WorkerKind::Cpu),
            cpu_utilization_max: max(WorkerKind::Cpu),
            gpu_utilization_current: current(WorkerKind::Gpu),
            gpu_utilization_max: max(WorkerKind::Gpu),
            active_proofs: n(self.jobs.iter().filter(|j| !j.over).count()),
            cpu_queue: queue(WorkerKind::Cpu),
            gpu_queue: queue(WorkerKind::Gpu),
            active_subscribers: Some(0),
            from_grpc: false,
        }
    }

    fn block(&mut self) {
        let mut what = vec![What::Stats(Box::new(self.stats()))];
        for (i, node) in self.nodes.iter().enumerate() {
            let tasks: Vec<AssignedTask> = self
                .tasks
                .iter()
                .filter(|t| t.worker == Some(i))
                .map(|t| AssignedTask {
                    proof: self.jobs[t.proof].id.clone(),
                    task: t.id.clone(),
                    kind: Some(t.kind.clone()),
                    proof_known: true,
                })
                .collect();
            what.push(What::Worker(WorkerReport { worker: node.id.clone(), kind: Some(node.kind), next_free_ms: 0, tasks }));
        }
        self.tell(COORDINATOR, what);
    }

    fn kube(&mut self) {
        let at = self.now();
        let mut pods: Vec<PodInfo> = Vec::new();
        let mut usage = Vec::new();
        let gib = 1u64 << 30;
        let mut add = |name: &str, app: &str, limit: u64, used: u64, millis: u64| {
            let mut p = PodInfo {
                name: name.into(),
                app: Some(app.into()),
                phase: "Running".into(),
                ready: true,
                memory_limit: Some(limit),
                created_at: Some(START.minus(Duration::from_secs(93_000))),
                node: Some(format!("ip-10-0-{}-17", name.len())),
                image: Some(format!("ghcr.io/succinctlabs/sp1-cluster:{}-v2.7.2", if app == "gpu-node" { "node-gpu" } else { "base" })),
                containers: vec![app.into()],
                ..PodInfo::default()
            };
            if app == "cpu-node" {
                p.restarts = 2;
                p.last_termination =
                    Some(Termination { reason: "OOMKilled".into(), exit_code: 137, at: Some(START.minus(Duration::from_secs(4200))) });
            }
            pods.push(p);
            usage.push(PodUsage { pod: PodName::new(name), at, cpu_millicores: Some(millis), memory_bytes: Some(used) });
        };
        add("api-6d9c7b5f4-x2k8p", "api", gib, 210 << 20, 40);
        add("coordinator-7f8d9c6b5-qw4rt", "coordinator", 2 * gib, 640 << 20, 310);
        add("postgresql-0", "postgresql", 4 * gib, 1800 << 20, 120);
        for (i, n) in self.nodes.iter().enumerate() {
            let used = u64::from(self.used(i));
            let app = if n.kind == WorkerKind::Cpu { "cpu-node" } else { "gpu-node" };
            let limit = if n.kind == WorkerKind::Cpu { 64 } else { 32 };
            add(&n.pod, app, limit * gib, (used * 5 / 4 + 2) * gib, 200 + used * 150);
        }
        self.tell("kube:pods", vec![What::Kube(KubeEvent::PodList(pods))]);
        self.tell("kube:metrics", vec![What::PodMetrics(usage)]);
    }

    /// A Kubernetes event about the first pod of that kind.
    pub fn note(&mut self, kind: WorkerKind, reason: &str, message: &str) {
        let Some(pod) = self.nodes.iter().find(|n| n.kind == kind).map(|n| n.pod.clone()) else { return };
        let note = KubeNote {
            at: self.now(),
            kind: "Warning".into(),
            reason: reason.into(),
            object: format!("pod/{pod}"),
            message: message.into(),
            count: 3,
        };
        self.tell("kube:events", vec![What::Kube(KubeEvent::Events(vec![note]))]);
    }
}

/// Twenty minutes of a small cluster that works.
pub fn healthy() -> Model {
    let mut c = Cluster::new(4, 48);
    c.run(1210);
    c.note(WorkerKind::Cpu, "BackOff", "Back-off restarting failed container cpu-node");
    c.unread(COORDINATOR, UnreadReason::Partial, "t_current: 48, gpu_utilization_max: 96, active_proofs: 1 }");
    c.model
}

/// A plonk wrap of weight 32 on a CPU worker of 32: it never fits.
pub fn stuck() -> Model {
    let mut c = Cluster::new(2, 32);
    c.every = 0;
    c.modes = &[ProofMode::Plonk];
    c.shards = 24;
    c.run(20);
    c.prove(ProofMode::Plonk);
    c.run(700);
    c.source("kube:metrics", SourceState::Denied, "pods.metrics.k8s.io is forbidden: ask for get and list on pods in metrics.k8s.io", None);
    c.model
}

/// Many GPUs, many proofs, some trouble.
pub fn big() -> Model {
    let mut c = Cluster::new(120, 512);
    c.every = 31;
    c.shards = 160;
    c.run(400);
    c.lose();
    c.run(30);
    c.fail("Fatal error in task: artifact not found");
    c.run(190);
    c.model
}

/// Nothing has come yet.
pub fn empty() -> Model {
    Model::new()
}

/// Only a denied way to the cluster.
pub fn denied() -> Model {
    let mut c = Cluster::new(0, 0);
    c.model = Model::new();
    c.source("kube:pods", SourceState::Denied, "pods is forbidden: User \"dev\" cannot list pods in the namespace \"sp1-cluster\"", None);
    c.source(COORDINATOR, SourceState::Connecting, "waiting for the pod's name", Some("coordinator"));
    c.model
}

/// A few alerts.
pub fn alerts(now: Timestamp) -> Alerts {
    Alerts::fixed(vec![
        Alert {
            severity: Severity::Critical,
            id: "aggregation-stuck",
            subject: "cpu-node".into(),
            summary: "PlonkWrap weighs 32 and fits no worker: Controller 4 + wrap 32 = 36 > 32".into(),
            since: now.minus(Duration::from_secs(312)),
            fired_at: now.minus(Duration::from_secs(302)),
            evidence: vec![
                "cpu_queue 1, gpu_queue 0, no wrap running since 03:09:10 (31 blocks)".into(),
                "worker 9f86d081 runs 1 Controller, weight 4 of 32".into(),
            ],
            consequences: vec!["proof-deadline-risk: cli_1795482984393 reaches its deadline in 2h41m".into()],
            fix: vec![
                Fix {
                    say: "let the wrap fit beside its Controller, and no second one: maximum weight 48".into(),
                    run: "kubectl set env deploy/cpu-node -n sp1-cluster WORKER_MAX_WEIGHT_OVERRIDE=48".into(),
                },
                Fix { say: "see the cpu-node's log".into(), run: "kubectl logs deploy/cpu-node -n sp1-cluster --tail=50".into() },
            ],
            ..Alert::default()
        },
        Alert {
            severity: Severity::Warning,
            id: "memory-near-limit",
            subject: "cpu-node-3ef6a-c31b2".into(),
            summary: "59.1GiB of 64GiB, and 0.4GiB more each minute".into(),
            since: now.minus(Duration::from_secs(40)),
            ..Alert::default()
        },
    ])
}

/// A recording that has just been played to its model's time.
pub fn replay(model: &Model) -> TimeBase {
    let end = model.first.plus(model.now.since(model.first) * 2);
    TimeBase::Replay { speed: Some(8.0), paused: false, begin: model.first, end, finished: false }
}

/// Draws one view alone over a buffer of that size, with the default theme.
pub fn draw_view(view: &dyn View, model: &Model, width: u16, height: u16) -> Buffer {
    let (theme, symbols) = (Theme::default(), Symbols::unicode());
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    let ctx = Ctx { model, theme: &theme, symbols: &symbols, time: TimeBase::Live, alerts: Alerts::none(), fleet: &[], area };
    view.draw(&ctx, &mut buf);
    buf
}

/// Lets a view that has an area of that size do an action.
pub fn act(view: &mut dyn View, action: &super::Action, model: &Model, width: u16, height: u16) -> super::Outcome {
    let (theme, symbols) = (Theme::default(), Symbols::unicode());
    let area = Rect::new(0, 0, width, height);
    view.update(action, &Ctx { model, theme: &theme, symbols: &symbols, time: TimeBase::Live, alerts: Alerts::none(), fleet: &[], area })
}

/// A buffer as lines of text.
pub fn text(buf: &Buffer) -> String {
    let mut out = String::new();
    for y in buf.area.top()..buf.area.bottom() {
        let mut line = String::new();
        let mut skip = 0;
        for x in buf.area.left()..buf.area.right() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buf[(x, y)].symbol();
            skip = super::draw::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A buffer as text, and below it its styles: for each line letters and how many
/// cells they go on for, then what the letters mean.
pub fn picture(buf: &Buffer) -> String {
    let mut styles: Vec<Style> = Vec::new();
    let mut rows = String::new();
    for y in buf.area.top()..buf.area.bottom() {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for x in buf.area.left()..buf.area.right() {
            let style = buf[(x, y)].style();
            let i = styles.iter().position(|s| *s == style).unwrap_or_else(|| {
                styles.push(style);
                styles.len() - 1
            });
            match runs.last_mut() {
                Some((last, n)) if *last == i => *n += 1,
                _ => runs.push((i, 1)),
            }
        }
        for (i, n) in runs {
            let _ = write!(rows, "{}{n} ", letter(i));
        }
        rows.truncate(rows.trim_end().len());
        rows.push('\n');
    }
    let mut out = text(buf);
    out.push_str("\n-- styles --\n");
    out.push_str(&rows);
    for (i, s) in styles.iter().enumerate() {
        let _ = writeln!(out, "{} = {}", letter(i), describe(*s));
    }
    out
}

fn letter(i: usize) -> String {
    let c = |i: usize| char::from(b'a' + u8::try_from(i % 26).unwrap_or(0));
    if i < 26 { c(i).to_string() } else { format!("{}{}", c(i / 26 - 1).to_ascii_uppercase(), c(i)) }
}

fn describe(s: Style) -> String {
    let colour = |c: Option<Color>| match c {
        Some(Color::Rgb(r, g, b)) => format!("#{r:02x}{g:02x}{b:02x}"),
        Some(Color::Reset) | None => "default".into(),
        Some(c) => format!("{c:?}").to_lowercase(),
    };
    let mut out = format!("{} on {}", colour(s.fg), colour(s.bg));
    for (m, word) in
        [(Modifier::BOLD, "bold"), (Modifier::DIM, "dim"), (Modifier::UNDERLINED, "underline"), (Modifier::REVERSED, "reverse")]
    {
        if s.add_modifier.contains(m) {
            out.push(' ');
            out.push_str(word);
        }
    }
    out
}
