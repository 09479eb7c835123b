//! A simulated SP1 cluster: a scheduler with the real rules, and the log bytes,
//! Kubernetes objects and answers that a real one would give.
//!
//! It is a discrete-event simulation with its own clock and its own dice: no
//! wall time, no input or output. The same configuration, seed, start and
//! commands give the same bytes, however the time is cut into steps. Rules:
//! `facts` sections 2 and 3; stages, weights and timers differ by [`Release`].
//!
//! Simulated servers stand on top of it: they call [`Cluster::step_until`] as
//! the time goes by, hand out what it returns, and answer from the readers.
//!
//! ```
//! use sp1top::{base::Timestamp, sim};
//! let scenario = sim::Scenario::find("healthy").expect("a scenario");
//! let start = Timestamp::from_secs(1_795_480_000);
//! let mut cluster = scenario.build(7, start);
//! let outputs = cluster.step_until(start.plus(scenario.warm_up));
//! assert!(!outputs.is_empty());
//! ```

mod api;
mod command;
mod config;
mod coordinator;
mod course;
mod ending;
mod event;
mod fault;
mod id;
mod kind;
mod kube;
mod log;
mod memory;
mod node;
mod objects;
mod periodic;
mod process;
mod release;
mod rng;
mod scenario;
pub mod serve;
mod sign;
mod sites;
mod state;
mod work;

use std::fmt;

pub use api::{Mode, NewProof, ProofRequest, ProofStatus, Work};
pub use command::{Command, Demand, Target, Template};
pub use config::{ClusterConfig, Durations, GIB, NodeLogs, Workload};
pub use fault::Fault;
pub use log::LogFormat;
pub use objects::{ContainerState, Deployment, Exit, KubeEvent, Pod, Termination};
pub use release::Release;
pub use scenario::{Chapter, DEFAULT as DEFAULT_SCENARIO, Plan, SCENARIOS, Scenario};
pub use sign::Sign;
pub use state::{Component, Machine, PodUsage, Rollout, RowFilter, Stats, WorkerState, WorkerTask};

use crate::base::{ProofId, Timestamp};
use api::Api;
use coordinator::Coordinator;
use event::{Agenda, Event};
use fault::Faults;
use kube::Kube;
use log::Log;
use node::Node;
use objects::Process;
use rng::{Rng, mix};
use sign::Signs;

/// Whose bytes they are: a pod of [`Cluster::pod`], and which run of its
/// container (0 is the first; `kubectl logs --previous` gives the one before).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StreamId {
    /// Index for [`Cluster::pod`].
    pub pod: usize,
    /// The container's restart count at the time.
    pub run: u32,
}

/// Bytes that a container wrote: whole lines, at least one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output {
    /// When (of its first line).
    pub at: Timestamp,
    /// Who.
    pub source: StreamId,
    /// What, with line ends.
    pub bytes: Vec<u8>,
}

/// Why something asked for was not done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// `ALREADY_EXISTS`: a proof request with that id is there.
    AlreadyExists(ProofId),
    /// The API does not answer.
    ApiUnavailable,
    /// No coordinator answers.
    CoordinatorUnavailable,
    /// There is no such deployment, pod or worker.
    NotFound(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyExists(id) => write!(f, "Proof request already exists: {id}"),
            Self::ApiUnavailable | Self::CoordinatorUnavailable => f.write_str("tcp connect error"),
            Self::NotFound(what) => write!(f, "{what} not found"),
        }
    }
}

impl std::error::Error for Refusal {}

/// A simulated cluster.
pub struct Cluster {
    config: ClusterConfig,
    now: Timestamp,
    agenda: Agenda,
    log: Log,
    /// Decides what happens.
    rng: Rng,
    /// Decides what cannot matter (microseconds, sizes), so that logging more
    /// or less changes nothing else.
    noise: Rng,
    kube: Kube,
    api: Api,
    coords: Vec<Coordinator>,
    nodes: Vec<Node>,
    faults: Faults,
    signs: Signs,
    running_seq: u64,
    script: Vec<Option<Command>>,
    demand: Option<Demand>,
    /// Names the demand whose requests are expected.
    demand_run: u32,
    /// Versions that the coordinator has told the API, and when.
    manifest: Option<(Timestamp, Vec<Component>)>,
    steps: u64,
}

impl Cluster {
    /// A cluster whose pods are made at `start`.
    #[must_use]
    pub fn new(config: ClusterConfig, seed: u64, start: Timestamp) -> Self {
        let mut cluster = Self {
            now: start,
            agenda: Agenda::default(),
            log: Log::new(config.log_format, config.colour),
            rng: Rng::new(seed),
            noise: Rng::new(mix(seed ^ 0x006e_6f69_7365)),
            kube: Kube::default(),
            api: Api::default(),
            coords: Vec::new(),
            nodes: Vec::new(),
            faults: Faults::default(),
            signs: Signs::default(),
            running_seq: 0,
            script: Vec::new(),
            demand: None,
            demand_run: 0,
            manifest: None,
            steps: 0,
            config,
        };
        cluster.deploy();
        cluster
    }

    fn deploy(&mut self) {
        let c = &self.config;
        let workloads = [
            ("api", c.api.clone()),
            ("coordinator", c.coordinator.clone()),
            ("cpu-node", c.cpu_node.clone()),
            ("gpu-node", c.gpu_node.clone()),
        ];
        let store = Workload { env: Vec::new(), memory_limit: Some(30 * GIB), replicas: 1, ..c.api.clone() };
        let stores = [
            ("redis-master-0", "redis", "docker.io/bitnamilegacy/redis:7.4.2-debian-12-r6"),
            ("postgresql-0", "postgresql", "docker.io/bitnamilegacy/postgresql:17.5.0-debian-12-r3"),
        ];
        for (name, container, image) in stores {
            let spec = if container == "redis" { store.clone() } else { Workload { memory_limit: None, ..store.clone() } };
            let pod = self.new_pod(name.into(), "", container, &spec, image.into());
            self.schedule(pod);
        }
        for (d, (name, spec)) in workloads.into_iter().enumerate() {
            let image = kube::image(name, spec.release);
            let template_hash = id::template_hash(&mut self.rng);
            self.kube.deployments.push(Deployment { name, spec, image, template_hash, generation: 1, created_at: self.now });
            self.reconcile(d);
        }
        self.agenda.add(self.now.plus(std::time::Duration::from_secs(1)), Event::Memory);
        if self.config.client_poll > 0.0 {
            self.agenda.add(self.now, Event::Poll);
        }
    }

    /// The simulated time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// When something next happens or is to be handed out; there is always
    /// something.
    #[must_use]
    pub fn next_time(&self) -> Timestamp {
        let soonest = [self.agenda.next_time(), self.log.next_time()].into_iter().flatten().min();
        soonest.unwrap_or(self.now)
    }

    /// Lets everything up to and at `limit` happen, and returns what was
    /// logged until then, in order of time.
    pub fn step_until(&mut self, limit: Timestamp) -> Vec<Output> {
        let mut out = Vec::new();
        self.step_into(limit, &mut out);
        out
    }

    /// [`Self::step_until`] into a buffer that is used again.
    pub fn step_into(&mut self, limit: Timestamp, out: &mut Vec<Output>) {
        while let Some((at, event)) = self.agenda.next_until(limit) {
            self.now = self.now.max(at);
            self.steps += 1;
            self.happen(event);
        }
        self.now = self.now.max(limit);
        self.log.drain_until(limit, out);
    }

    /// How many events have happened: what the simulation costs.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Block(c) => self.block(c),
            Event::Heartbeats(c) => self.heartbeats(c),
            Event::Claim(c) => self.claim(c),
            Event::Manifest(c) => self.manifest(c),
            Event::Listening(c) => self.coordinator_listens(c),
            Event::TaskEnds { node, seq } => self.task_ends(node, seq),
            Event::Course { coord, proof, run, step } => self.course(coord, proof, run, step),
            Event::Shard { coord, proof, token } => self.shard(coord, proof, token),
            Event::NodeReady(n) => self.node_ready(n),
            Event::Connect { node, attempt } => self.connect(node, attempt),
            Event::Draining { node, elapsed } => self.draining(node, elapsed),
            Event::Mend(n) => self.mend(n),
            Event::PodStarts { pod, run } => self.pod_starts(pod, run),
            Event::PodEnds { pod, run } => self.pod_ends(pod, run),
            Event::GraceOver(pod) => self.grace_over(pod),
            Event::PodReturns(pod) => self.pod_returns(pod),
            Event::Reconcile(d) => self.reconcile(d),
            Event::Schedule(pod) => self.schedule(pod),
            Event::Memory => self.compare_memory(),
            Event::Script(i) => self.scripted(i),
            Event::Poll => self.clients_poll(),
            Event::Demand(run) => self.demanded(run),
        }
    }

    /// The kernel's part: a container above its memory limit is killed.
    fn compare_memory(&mut self) {
        self.agenda.add(self.now.plus(std::time::Duration::from_secs(1)), Event::Memory);
        self.signs_of_pods();
        let now = self.now;
        let over = |&pod: &usize| {
            let p = &self.kube.pods[pod];
            match (p.process, p.memory_limit) {
                (Process::Node(n), Some(limit)) => self.nodes[n].memory.bytes(p.release, now) > limit as f64,
                _ => false,
            }
        };
        let killed: Vec<usize> = self.kube.present.iter().copied().filter(over).collect();
        for pod in killed {
            self.container_exits(pod, Exit::out_of_memory());
        }
    }
}
