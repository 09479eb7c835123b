//! When the trouble of a story came out: the moments of the lines, periodic
//! blocks and Kubernetes states that prove it, by what the simulation itself
//! knows. Alerts are judged by them (`tests/alerts_table`); nothing of it can be
//! seen from outside.

use std::collections::VecDeque;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::Cluster;
use super::coordinator::{Coordinator, Proof, TaskState, Worker};
use super::fault::Outcome;
use super::kind::Kind;
use super::node::{Node, Running};
use super::release::Release;
use crate::base::{Timestamp, WorkerKind};

/// Signs that are kept: a day's of a cluster in trouble.
const KEEP: usize = 8192;
/// Where the contract says "for minutes".
const MINUTES: Duration = Duration::from_secs(180);
/// Tasks of a kind that must have ended before it is known how long they take.
const ENOUGH: usize = 5;

/// What can be known from something that a cluster put out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Sign {
    /// A block: a wrap is at the head, fits no CPU worker, and nothing runs that
    /// would make room.
    WrapWaits,
    /// A block: the same of other CPU work.
    CpuWorkWaits,
    /// A block: no CPU worker's maximum holds a Controller and the heaviest task
    /// of some mode.
    ModeTooHeavy,
    /// A block: two PlonkWraps are on one worker.
    TwoWraps,
    /// A block: the CPU workers run Controllers alone, and these weigh other than
    /// a deployment's environment says.
    WeightIgnored,
    /// A block: CPU work waits and there is no CPU worker.
    NoCpuWorker,
    /// A block: GPU work waits and there is no GPU worker.
    NoGpuWorker,
    /// A block: all workers of a kind have a maximum below any task.
    TakesNothing,
    /// A block: GPU work waits, and none has ended for three minutes.
    GpuStalled,
    /// A block: of a proof only the Controller is left, nothing is queued, and
    /// nothing has moved for three minutes.
    Wedged,
    /// A block: a task that will never end is far older than its kind becomes.
    TaskHung,
    /// A block: all tasks of a frozen worker are, while others work.
    WorkerHung,
    /// A block: what is left of a proof takes longer than its deadline allows.
    TooLate,
    /// A block: a second coordinator has told as often as the first that it is
    /// there.
    TwoCoordinators,
    /// A block is due and does not come.
    BlockMissing,
    /// A line: a worker is given up.
    WorkerGivenUp,
    /// A line: with that worker a task was lost that another one had died with.
    SecondVictim,
    /// A line: a request can never be claimed.
    CannotClaim,
    /// A line: the tenth within a minute that something waited too long for the
    /// coordinator's lock.
    LockHeld,
    /// A line: the API could not be asked.
    PollFailed,
    /// A line: a proof's end could not be recorded.
    StatusLost,
    /// A line: a coordinator begins that is not the first.
    CoordinatorBegan,
    /// A line: a task is tried again for the second time, or the fourth one within
    /// ten minutes is.
    Retries,
    /// A line: a proof has failed.
    ProofFailed,
    /// A line: a proof is dropped at its deadline.
    ProofExpired,
    /// A line: an upload waits for room in the store.
    StoreFull,
    /// A line: the store cannot be reached.
    StoreAway,
    /// Kubernetes: a container was killed (exit code 137).
    Killed,
    /// Kubernetes: `CrashLoopBackOff`.
    BackOff,
    /// Kubernetes: a pod is above nine tenths of its memory limit, at the metrics
    /// server's sample.
    MemoryNear,
    /// Kubernetes: releases differ and no roll-out is on its way.
    VersionsDiffer,
    /// Kubernetes: a pod finds no machine.
    Unschedulable,
}

#[derive(Default)]
pub(super) struct Signs {
    all: VecDeque<(Timestamp, Sign)>,
    /// Seconds that tasks took which ended well, by kind.
    took: [Vec<f64>; Kind::ALL.len()],
    gpu_ended_at: Timestamp,
    gpu_queued_since: Option<Timestamp>,
    /// Workers that were given up with a task.
    victims: FxHashMap<u128, u32>,
    retries: VecDeque<Timestamp>,
    waits: VecDeque<Timestamp>,
    /// Blocks by coordinator.
    blocks: FxHashMap<usize, u32>,
    revision: u64,
}

impl Signs {
    pub fn put(&mut self, at: Timestamp, sign: Sign) {
        if self.all.len() == KEEP {
            self.all.pop_front();
        }
        self.all.push_back((at, sign));
    }

    /// A task has ended well.
    pub fn ended(&mut self, r: &Running, now: Timestamp) {
        let took = &mut self.took[r.kind as usize];
        if took.len() < KEEP {
            took.push(now.since(r.since).as_secs_f64());
        }
        if !r.kind.on_cpu() {
            self.gpu_ended_at = now;
        }
    }

    /// A worker is given up with these tasks.
    pub fn given_up(&mut self, now: Timestamp, tasks: impl Iterator<Item = u128>) {
        self.put(now, Sign::WorkerGivenUp);
        let mut second = false;
        for task in tasks {
            let n = self.victims.entry(task).or_default();
            *n += 1;
            second |= *n >= 2;
        }
        if second {
            self.put(now, Sign::SecondVictim);
        }
    }

    /// Something waited too long for the coordinator's lock.
    pub fn waited(&mut self, now: Timestamp) {
        self.waits.push_back(now);
        self.waits.retain(|t| now.since(*t) < Duration::from_secs(60));
        if self.waits.len() >= 10 {
            self.put(now, Sign::LockHeld);
        }
    }

    /// A task is tried again, for the `nth` time.
    pub fn retried(&mut self, now: Timestamp, nth: u8) {
        self.retries.push_back(now);
        while self.retries.front().is_some_and(|t| now.since(*t) >= Duration::from_secs(600)) {
            self.retries.pop_front();
        }
        if nth >= 2 || self.retries.len() >= 4 {
            self.put(now, Sign::Retries);
        }
    }

    /// From which age on a task of a kind is far older than they become here.
    fn far(&self, kind: Kind) -> Option<f64> {
        let mut took = self.took[kind as usize].clone();
        took.sort_by(f64::total_cmp);
        let (max, p90) = (took.last()?, took[(took.len() * 9 / 10).min(took.len() - 1)]);
        (took.len() >= ENOUGH).then(|| (p90 * 6.0).max(max * 2.0).max(90.0))
    }

    fn is_far(&self, r: &Running, now: Timestamp) -> bool {
        self.far(r.kind).is_some_and(|far| now.since(r.since).as_secs_f64() > far)
    }
}

impl Cluster {
    /// The moments at which trouble came out, in order of time; the newest ones
    /// where there were very many.
    pub fn signs(&self) -> impl Iterator<Item = (Timestamp, Sign)> {
        self.signs.all.iter().copied()
    }

    pub(super) fn sign(&mut self, sign: Sign) {
        let now = self.now;
        self.signs.put(now, sign);
    }

    /// What the block that is written now shows.
    pub(super) fn signs_of_block(&mut self, c: usize) {
        let now = self.now;
        *self.signs.blocks.entry(c).or_default() += 1;
        let co = &self.coords[c];
        self.signs.gpu_queued_since = if co.gpu_queued > 0 { self.signs.gpu_queued_since.or(Some(now)) } else { None };
        let found = [
            (Sign::TwoCoordinators, self.are_two(c)),
            (Sign::GpuStalled, self.is_gpu_stalled()),
            (Sign::TwoWraps, co.workers.iter().flatten().any(|w| kinds(co, w).filter(|k| *k == Kind::PlonkWrap).count() > 1)),
            (Sign::NoCpuWorker, !co.cpu_queue.is_empty() && of_kind(co, WorkerKind::Cpu).next().is_none()),
            (Sign::NoGpuWorker, co.gpu_queued > 0 && of_kind(co, WorkerKind::Gpu).next().is_none()),
            (Sign::TakesNothing, takes_nothing(co)),
            (Sign::ModeTooHeavy, self.is_mode_too_heavy(co)),
            (Sign::WeightIgnored, self.is_weight_ignored(co)),
            (Sign::Wedged, is_wedged(co, now)),
            (Sign::TooLate, self.is_too_late(co)),
            (Sign::TaskHung, self.nodes.iter().any(|n| self.has_hung_task(n))),
            (Sign::WorkerHung, self.nodes.iter().any(|n| self.is_hung(n))),
        ];
        let waits = match stuck_head(co) {
            Some(Kind::PlonkWrap | Kind::Groth16Wrap) => Some(Sign::WrapWaits),
            Some(_) => Some(Sign::CpuWorkWaits),
            None => None,
        };
        for sign in found.into_iter().filter_map(|(s, is)| is.then_some(s)).chain(waits) {
            self.signs.put(now, sign);
        }
    }

    fn are_two(&self, c: usize) -> bool {
        let told = |c: usize| self.signs.blocks.get(&c).copied().unwrap_or(0);
        (0..self.coords.len()).any(|o| o != c && self.coords[o].up && !self.coords[o].shutting && told(o) >= 2 && told(c) >= 2)
    }

    fn is_gpu_stalled(&self) -> bool {
        let since = self.signs.gpu_queued_since.map(|t| t.max(self.signs.gpu_ended_at));
        since.is_some_and(|t| self.now.since(t) >= MINUTES)
    }

    fn is_mode_too_heavy(&self, co: &Coordinator) -> bool {
        let mut all = of_kind(co, WorkerKind::Cpu).peekable();
        all.peek().is_some()
            && all.all(|w| {
                let heaviest = [Kind::CoreExecute, Kind::PlonkWrap, Kind::Groth16Wrap].map(|k| self.nodes[w.node].weight(k));
                w.max > 0 && heaviest.into_iter().any(|weight| co.controller_weight + weight > w.max)
            })
    }

    fn is_weight_ignored(&self, co: &Coordinator) -> bool {
        let mut all = of_kind(co, WorkerKind::Cpu).flat_map(|w| kinds(co, w)).peekable();
        let alone = all.peek().is_some() && all.all(|k| k == Kind::Controller);
        let set = |env: &[(String, String)]| super::config::get_env(env, "WORKER_CONTROLLER_WEIGHT").and_then(|v| v.parse::<u32>().ok());
        alone && self.kube.deployments.iter().filter_map(|d| set(&d.spec.env)).any(|w| w != co.controller_weight)
    }

    /// Whether the GPU tasks that a proof has now, alone on all GPUs, take longer
    /// than there is time.
    fn is_too_late(&self, co: &Coordinator) -> bool {
        let all: u32 = of_kind(co, WorkerKind::Gpu).map(|w| w.max).sum();
        co.live.iter().filter_map(|&p| co.proof(p)).any(|p| {
            let left = Timestamp::from_secs(i64::try_from(p.deadline).unwrap_or(i64::MAX / 2_000_000)).seconds_since(self.now);
            let open = p.tasks.iter().filter(|t| t.state != TaskState::Ended && !t.kind.on_cpu());
            let work: f64 = open.map(|t| self.config.durations.mean(t.kind) * f64::from(t.weight)).sum();
            all > 0 && work / f64::from(all) > left
        })
    }

    fn has_hung_task(&self, n: &Node) -> bool {
        n.alive && !n.frozen && n.running.iter().any(|r| r.outcome == Outcome::TimesOut && self.signs.is_far(r, self.now))
    }

    fn is_hung(&self, n: &Node) -> bool {
        n.alive
            && n.frozen
            && !n.running.is_empty()
            && n.running.iter().all(|r| self.signs.is_far(r, self.now))
            && self.nodes.iter().any(|o| o.alive && !o.frozen && o.kind == n.kind)
    }

    /// What Kubernetes shows by now; looked at every second.
    pub(super) fn signs_of_pods(&mut self) {
        let now = self.now;
        if now.secs() % 15 == 0 && self.kube.present.iter().any(|&p| self.is_near_its_limit(p)) {
            self.signs.put(now, Sign::MemoryNear);
        }
        if self.kube.revision != self.signs.revision {
            self.signs.revision = self.kube.revision;
            if self.do_versions_differ() {
                self.signs.put(now, Sign::VersionsDiffer);
            }
        }
    }

    fn is_near_its_limit(&self, pod: usize) -> bool {
        let p = &self.kube.pods[pod];
        let used = self.pod_usage(pod).map(|u| u.memory_bytes as f64);
        used.zip(p.memory_limit).is_some_and(|(used, limit)| used >= 0.9 * limit as f64)
    }

    fn do_versions_differ(&self) -> bool {
        let mut releases: Vec<Release> = Vec::new();
        for (d, dep) in self.kube.deployments.iter().enumerate() {
            let mut pods = 0;
            for p in self.kube.present.iter().map(|&p| &self.kube.pods[p]).filter(|p| p.deployment == Some(d)) {
                if p.deleting_since.is_some() || !p.ready || p.template_hash != dep.template_hash {
                    return false;
                }
                pods += 1;
            }
            if pods != dep.spec.replicas {
                return false;
            }
            releases.push(dep.spec.release);
        }
        releases.windows(2).any(|r| r[0] != r[1])
    }
}

fn of_kind(co: &Coordinator, kind: WorkerKind) -> impl Iterator<Item = &Worker> {
    co.workers.iter().flatten().filter(move |w| w.kind == kind)
}

fn kinds<'a>(co: &'a Coordinator, w: &'a Worker) -> impl Iterator<Item = Kind> + 'a {
    w.tasks.iter().filter_map(|at| co.task(*at)).map(|t| t.kind)
}

/// The kind of what is first in the CPU queue, where it can only wait.
fn stuck_head(co: &Coordinator) -> Option<Kind> {
    let std::cmp::Reverse((_, _, at, _)) = co.cpu_queue.peek()?;
    let head = co.task(*at).filter(|t| t.state == TaskState::Queued)?;
    let mut running = co.workers.iter().flatten().flat_map(|w| kinds(co, w)).peekable();
    let idle = running.peek().is_some() && running.all(|k| k == Kind::Controller);
    let fits = co.workers.iter().flatten().any(|w| w.kind != WorkerKind::Gpu && w.used + head.weight <= w.max);
    (idle && !fits && co.gpu_queued == 0).then_some(head.kind)
}

fn takes_nothing(co: &Coordinator) -> bool {
    let least = [(WorkerKind::Cpu, co.controller_weight), (WorkerKind::Gpu, co.release.weight(Kind::ProveShard))];
    least.into_iter().any(|(kind, weight)| {
        let mut all = of_kind(co, kind).peekable();
        all.peek().is_some() && all.all(|w| w.max < weight)
    })
}

fn is_wedged(co: &Coordinator, now: Timestamp) -> bool {
    let alone = |p: &Proof| {
        let mut open = p.tasks.iter().filter(|t| t.state != TaskState::Ended);
        open.next().is_some_and(|t| t.kind == Kind::Controller && matches!(t.state, TaskState::Running(_))) && open.next().is_none()
    };
    let still = |p: &Proof| alone(p) && now.since(p.moved_at) >= MINUTES;
    let live = || co.live.iter().filter_map(|&p| co.proof(p));
    co.cpu_queue.is_empty() && co.gpu_queued == 0 && live().all(alone) && live().any(still)
}
