//! What can be done to a cluster from outside, now or at a planned time.

use super::api::{Mode, NewProof, Work};
use super::config::{Durations, NodeLogs, set_env};
use super::event::Event;
use super::fault::Fault;
use super::objects::{Exit, Process};
use super::release::Release;
use super::rng::secs;
use super::{Cluster, Refusal, id, kube};
use crate::base::{PodName, ProofId, Timestamp};

/// Which pod is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// The pod of that name.
    Pod(PodName),
    /// The oldest ready pod with that `app` label.
    Oldest(&'static str),
    /// The pod with that `app` label whose worker is frozen.
    Frozen(&'static str),
    /// The ready pod with that `app` label that runs the most tasks.
    Busiest(&'static str),
}

/// Proof requests that keep coming.
#[derive(Clone, PartialEq, Debug)]
pub struct Demand {
    /// Modes with how often each is asked for, relative to the others.
    pub modes: Vec<(Mode, u32)>,
    /// Seconds between two requests, on average.
    pub every: f64,
    /// No request is made while so many are pending.
    pub at_most: usize,
    /// Core shards of one: from, to.
    pub shards: (u32, u32),
}

/// What a deployment's pods are to be, as somebody wrote it.
#[derive(Clone, PartialEq, Debug)]
pub struct Template {
    /// Environment variables, in order.
    pub env: Vec<(String, String)>,
    /// The image as written.
    pub image: String,
    /// The release of that image.
    pub release: Release,
    /// CPU limit in thousandths of a core.
    pub cpu_limit_millis: Option<u64>,
    /// Memory limit in bytes.
    pub memory_limit: Option<u64>,
    /// Size of `/dev/shm` in bytes.
    pub shm: u64,
}

/// Something done to a cluster.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// `ProofRequestCreate`.
    Submit(Box<NewProof>),
    /// The same with ids of that moment.
    Request(Mode, Option<Work>),
    /// The same with so many seconds until its deadline.
    RequestWithin(Mode, Work, u64),
    /// The same without the mode, which no coordinator can claim.
    RequestWithoutMode(Work),
    /// Starts, changes or ends a stream of requests.
    Demand(Option<Demand>),
    /// `ProofRequestCancel`.
    Cancel(ProofId),
    /// Cancels the oldest pending request.
    CancelOldest,
    /// Cancels the request whose task kills workers.
    CancelPoisoned,
    /// `kubectl set env deploy/NAME KEY=VALUE` (or `KEY-`): a rolling restart.
    SetEnv(&'static str, String, Option<String>),
    /// Another release of a deployment's image: a rolling restart.
    SetRelease(&'static str, Release),
    /// Another memory limit (bytes): a rolling restart.
    SetMemoryLimit(&'static str, Option<u64>),
    /// Another template of a deployment's pods: a rolling restart.
    SetTemplate(&'static str, Box<Template>),
    /// The coordinator's `CancelProof`: a running proof is dropped at once, and
    /// its row becomes FAILED if it is still PENDING. Fine for an unknown one.
    DropProof(ProofId),
    /// `kubectl rollout restart deploy/NAME`.
    Restart(&'static str),
    /// `kubectl scale deploy/NAME --replicas N`.
    Scale(&'static str, u32),
    /// How many pods of a deployment the machines have room for.
    Machines(&'static str, u32),
    /// `kubectl delete pod`.
    DeletePod(Target),
    /// The container's process is killed (exit code 137, not for memory).
    Kill(Target),
    /// The pod's machine vanishes for so many seconds.
    Lose(Target, f64),
    /// The network between a worker and the coordinator is cut for so many
    /// seconds.
    Cut(Target, f64),
    /// A worker's tasks stop moving; its heartbeats go on.
    Freeze(Target),
    /// All workers of a deployment freeze.
    FreezeAll(&'static str),
    /// The coordinator hangs, or goes on: its connections stay open, and it
    /// answers and logs nothing.
    Hang(bool),
    /// The API's pods are taken away, or brought back.
    Api(bool),
    /// Postgres stops or comes back; while it is away the API crashes.
    Database(bool),
    /// A fault of the work itself.
    Inject(Fault),
    /// How much the gpu-nodes log from now on.
    GpuNodeLogs(NodeLogs),
    /// How long tasks take from now on.
    Durations(Box<Durations>),
}

impl Cluster {
    /// Plans a command; what it is refused for later is nobody's business.
    pub fn schedule_command(&mut self, at: Timestamp, command: Command) {
        self.script.push(Some(command));
        self.agenda.add(at.max(self.now), Event::Script(self.script.len() - 1));
    }

    pub(super) fn scripted(&mut self, i: usize) {
        if let Some(command) = self.script.get_mut(i).and_then(Option::take) {
            _ = self.command(command);
        }
    }

    /// Does something to the cluster now.
    ///
    /// # Errors
    /// [`Refusal`] as the real service or API server would refuse.
    pub fn command(&mut self, command: Command) -> Result<(), Refusal> {
        match command {
            Command::Submit(new) => return self.submit(*new),
            Command::Request(mode, work) => {
                let new = NewProof { work, ..self.new_proof(mode) };
                return self.submit(new);
            }
            Command::RequestWithin(mode, work, seconds) => {
                let deadline = u64::try_from(self.now.secs()).unwrap_or(0) + seconds;
                let new = NewProof { work: Some(work), deadline, ..self.new_proof(mode) };
                return self.submit(new);
            }
            Command::RequestWithoutMode(work) => {
                let new = NewProof { work: Some(work), options_artifact_id: None, ..self.new_proof(Mode::Compressed) };
                return self.submit(new);
            }
            Command::Demand(demand) => self.set_demand(demand),
            Command::Cancel(proof) => return self.cancel(&proof),
            Command::CancelOldest => {
                if let Some(&row) = self.api.pending.first() {
                    let proof = self.api.rows[row].id.clone();
                    return self.cancel(&proof);
                }
            }
            Command::CancelPoisoned => {
                let Ok(c) = self.coordinator() else { return Err(Refusal::CoordinatorUnavailable) };
                let co = &self.coords[c];
                let guilty = co.live.iter().filter_map(|&p| co.proof(p)).find(|p| p.tasks.iter().any(|t| self.is_poison(t.id)));
                if let Some(proof) = guilty.map(|p| p.id.clone()) {
                    return self.cancel(&proof);
                }
            }
            Command::SetEnv(name, key, value) => {
                let d = self.deployment_index(name)?;
                if set_env(&mut self.kube.deployments[d].spec.env, &key, value.as_deref()) {
                    self.new_template(d);
                }
            }
            Command::SetRelease(name, release) => {
                let d = self.deployment_index(name)?;
                let dep = &mut self.kube.deployments[d];
                dep.spec.release = release;
                dep.image = kube::image(dep.name, release);
                self.new_template(d);
            }
            Command::SetMemoryLimit(name, limit) => {
                let d = self.deployment_index(name)?;
                self.kube.deployments[d].spec.memory_limit = limit;
                self.new_template(d);
            }
            Command::SetTemplate(name, new) => {
                let d = self.deployment_index(name)?;
                let dep = &mut self.kube.deployments[d];
                let Template { env, image, release, cpu_limit_millis, memory_limit, shm } = *new;
                dep.image = image;
                dep.spec = super::Workload { release, env, cpu_limit_millis, memory_limit, shm, ..dep.spec.clone() };
                self.new_template(d);
            }
            Command::DropProof(proof) => {
                let c = self.coordinator()?;
                let co = &self.coords[c];
                if let Some(p) = co.live.iter().copied().find(|&p| co.proof(p).is_some_and(|p| p.id == proof)) {
                    self.fail_proof(c, p, None, true, None, true);
                }
            }
            Command::Restart(name) => {
                let d = self.deployment_index(name)?;
                self.new_template(d);
            }
            Command::Scale(name, replicas) => {
                let d = self.deployment_index(name)?;
                self.scale(d, replicas);
            }
            Command::Machines(name, room) => {
                let d = self.deployment_index(name)?;
                self.kube.deployments[d].spec.room = room;
            }
            Command::DeletePod(target) => {
                let pod = self.find(&target)?;
                self.delete_pod_at(pod);
            }
            Command::Kill(target) => {
                let pod = self.find(&target)?;
                self.container_exits(pod, Exit::killed());
            }
            Command::Lose(target, seconds) => {
                let pod = self.find(&target)?;
                self.pod_lost(pod, seconds);
            }
            Command::Cut(target, seconds) => {
                let n = self.find_node(&target)?;
                self.cut(n, seconds);
            }
            Command::Freeze(target) => {
                let n = self.find_node(&target)?;
                self.nodes[n].frozen = true;
            }
            Command::FreezeAll(app) => {
                for &pod in &self.kube.present {
                    if let (true, Process::Node(n)) = (self.kube.pods[pod].app == app, self.kube.pods[pod].process) {
                        self.nodes[n].frozen = true;
                    }
                }
            }
            Command::Hang(hangs) => {
                let c = self.coordinator()?;
                self.coordinator_hangs(c, hangs);
            }
            Command::Api(up) => {
                let d = self.deployment_index("api")?;
                self.scale(d, u32::from(up));
            }
            Command::Database(up) => {
                self.api.database_down = !up;
                if let Some(pod) = self.api.pod.filter(|_| !up) {
                    self.container_exits(pod, Exit::panic());
                }
            }
            Command::Inject(fault) => self.inject(fault),
            Command::GpuNodeLogs(level) => self.config.gpu_node_logs = level,
            Command::Durations(durations) => self.config.durations = *durations,
        }
        Ok(())
    }

    fn scale(&mut self, d: usize, replicas: u32) {
        self.kube.deployments[d].spec.replicas = replicas;
        self.kube.deployments[d].generation += 1;
        self.kube.revision += 1;
        self.reconcile(d);
    }

    fn new_template(&mut self, d: usize) {
        self.kube.deployments[d].template_hash = id::template_hash(&mut self.rng);
        self.kube.deployments[d].generation += 1;
        self.kube.revision += 1;
        self.reconcile(d);
    }

    fn deployment_index(&self, name: &str) -> Result<usize, Refusal> {
        let found = self.kube.deployments.iter().position(|d| d.name == name);
        found.ok_or_else(|| Refusal::NotFound(format!("deployments.apps \"{name}\"")))
    }

    fn find(&self, target: &Target) -> Result<usize, Refusal> {
        let pods = &self.kube.pods;
        let of = |app: &str| -> Vec<usize> {
            self.kube.present.iter().copied().filter(|&p| pods[p].app == app && pods[p].ready && pods[p].deleting_since.is_none()).collect()
        };
        let found = match target {
            Target::Pod(name) => self.kube.present.iter().copied().find(|&p| pods[p].name == name.as_str()),
            Target::Oldest(app) => of(app).first().copied(),
            Target::Frozen(app) => of(app).into_iter().find(|&p| matches!(pods[p].process, Process::Node(n) if self.nodes[n].frozen)),
            Target::Busiest(app) => {
                let tasks = |p: usize| if let Process::Node(n) = pods[p].process { self.nodes[n].running.len() } else { 0 };
                of(app).into_iter().rev().max_by_key(|&p| tasks(p))
            }
        };
        found.ok_or_else(|| Refusal::NotFound(format!("pods \"{target:?}\"")))
    }

    fn find_node(&self, target: &Target) -> Result<usize, Refusal> {
        match self.kube.pods[self.find(target)?].process {
            Process::Node(n) => Ok(n),
            _ => Err(Refusal::NotFound(format!("worker of \"{target:?}\""))),
        }
    }

    fn set_demand(&mut self, demand: Option<Demand>) {
        self.demand_run += 1;
        if demand.is_some() {
            let later = secs(self.rng.between(0.2, 2.0));
            self.agenda.add(self.now.plus(later), Event::Demand(self.demand_run));
        }
        self.demand = demand;
    }

    /// The time for another request has come.
    pub(super) fn demanded(&mut self, run: u32) {
        let Some(demand) = self.demand.clone().filter(|_| run == self.demand_run) else { return };
        let later = secs(self.rng.around(demand.every, 0.6));
        self.agenda.add(self.now.plus(later), Event::Demand(run));
        // A client that cannot upload its program asks for nothing.
        if self.api.pending.len() >= demand.at_most || self.faults.redis_away {
            return;
        }
        let all: u32 = demand.modes.iter().map(|m| m.1).sum();
        let mut pick = u32::try_from(self.rng.index(all as usize)).unwrap_or(0);
        let mode = demand.modes.iter().find(|m| {
            let here = pick < m.1;
            pick = pick.saturating_sub(m.1);
            here
        });
        if let Some(&(mode, _)) = mode {
            let work = self.some_work(demand.shards);
            let new = NewProof { work: Some(work), ..self.new_proof(mode) };
            // A client that meets a closed door comes again with the next one.
            _ = self.submit(new);
        }
    }

    /// Work of a size between two numbers of shards.
    pub(super) fn some_work(&mut self, (lo, hi): (u32, u32)) -> Work {
        let shards = lo + u32::try_from(self.rng.index(hi.saturating_sub(lo) as usize + 1)).unwrap_or(0);
        Work { shards, memory_shards: 1 + shards / 9, deferred: 0 }
    }
}
