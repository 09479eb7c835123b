//! The coordinator's memory: workers, proofs, tasks and queues, and the rule
//! by which tasks go to workers (facts 2, reference 3.2).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use super::course::Run;
use super::kind::Kind;
use super::log::{Level, Record, Site};
use super::release::Release;
use super::{Cluster, Mode, ProofStatus, Sign, id, sites};
use crate::base::{ProofId, Timestamp, WorkerKind};

/// A task's place: its proof in the coordinator, itself in the proof.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct TaskRef {
    pub proof: usize,
    pub task: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TaskState {
    Queued,
    /// On a worker (its slot).
    Running(usize),
    Ended,
}

pub(super) struct Task {
    pub id: u128,
    pub kind: Kind,
    pub weight: u32,
    pub state: TaskState,
    pub retries: u8,
    /// The Controller's run that made it.
    pub run: u32,
    /// Proves a core shard, and completes its marker.
    pub marker: bool,
    /// Attempts that an injected fault still spoils.
    pub spoiled: u8,
    pub seq: u64,
}

pub(super) struct Proof {
    pub id: ProofId,
    pub row: usize,
    pub mode: Option<Mode>,
    /// Order of creation in this coordinator.
    pub order: u64,
    /// Unix seconds.
    pub deadline: u64,
    /// Unfinished tasks, markers among them.
    pub active: u32,
    pub tasks: Vec<Task>,
    pub run: Run,
    /// Its GPU queue: class, order, task.
    pub gpu: BinaryHeap<Reverse<(u8, u64, usize)>>,
    /// Weight of its tasks on GPU workers.
    pub gpu_weight: u32,
    /// When one of its tasks was last made, begun or ended.
    pub moved_at: Timestamp,
}

/// A worker as the coordinator sees it.
pub(super) struct Worker {
    pub id: u128,
    pub node: usize,
    pub kind: WorkerKind,
    pub max: u32,
    pub used: u32,
    /// Unix milliseconds, 0 when idle.
    pub next_free: i64,
    /// In an order as good as a hash map's.
    pub tasks: Vec<TaskRef>,
    pub closed: bool,
    /// Its stream is open.
    pub link: bool,
    /// Meaningful once `link` is false; before that it is always recent.
    pub last_heartbeat: Timestamp,
}

/// What fits where, laid out for fast scans.
#[derive(Default)]
struct Fit {
    /// Free weight plus one by worker slot; 0 where it takes no such task.
    free: Vec<u32>,
    /// At least the largest of `free`.
    most: u32,
}

/// A final status not yet written to the API.
pub(super) struct Write {
    pub row: usize,
    pub status: ProofStatus,
    pub extra: Option<String>,
    pub fails_at: Timestamp,
    pub reported: bool,
}

/// A CPU queue entry: proof's order, task's order, task, task id.
type CpuEntry = (u64, u64, TaskRef, u128);

pub(super) struct Coordinator {
    pub pod: usize,
    pub release: Release,
    pub controller_weight: u32,
    /// It listens and has not ended.
    pub up: bool,
    pub shutting: bool,
    /// It hangs: connections stay open, and nothing is answered or logged.
    pub hangs: bool,
    /// Prompts that its workers have missed since.
    pub missed: u32,
    /// Orders its hash maps.
    pub salt: u64,
    pub workers: Vec<Option<Worker>>,
    spare: Vec<usize>,
    cpu_fit: Fit,
    gpu_fit: Fit,
    next_free: Vec<i64>,
    /// Worker slots in the order of the worker lines.
    pub order: Vec<usize>,
    pub order_stale: bool,
    pub proofs: Vec<Option<Box<Proof>>>,
    /// Proofs in memory, oldest first.
    pub live: Vec<usize>,
    /// Rows that this process has claimed, with their proofs.
    pub claimed: FxHashMap<usize, usize>,
    pub cpu_queue: BinaryHeap<Reverse<CpuEntry>>,
    /// GPU queue entries of removed proofs.
    pub stale_gpu: Vec<u128>,
    pub gpu_queued: u32,
    pub total_tasks: u64,
    pub writes: Vec<Write>,
    pub poll_fails_at: Option<Timestamp>,
    seq: u64,
}

impl Coordinator {
    pub fn new(pod: usize, release: Release, controller_weight: u32, salt: u64) -> Self {
        Self {
            pod,
            release,
            controller_weight,
            up: false,
            shutting: false,
            hangs: false,
            missed: 0,
            salt,
            workers: Vec::new(),
            spare: Vec::new(),
            cpu_fit: Fit::default(),
            gpu_fit: Fit::default(),
            next_free: Vec::new(),
            order: Vec::new(),
            order_stale: false,
            proofs: Vec::new(),
            live: Vec::new(),
            claimed: FxHashMap::default(),
            cpu_queue: BinaryHeap::new(),
            stale_gpu: Vec::new(),
            gpu_queued: 0,
            total_tasks: 0,
            writes: Vec::new(),
            poll_fails_at: None,
            seq: 0,
        }
    }

    /// It takes calls and acts.
    pub fn works(&self) -> bool {
        self.up && !self.shutting && !self.hangs
    }

    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    pub fn proof(&self, proof: usize) -> Option<&Proof> {
        self.proofs.get(proof)?.as_deref()
    }

    pub fn proof_mut(&mut self, proof: usize) -> Option<&mut Proof> {
        self.proofs.get_mut(proof)?.as_deref_mut()
    }

    pub fn task(&self, at: TaskRef) -> Option<&Task> {
        self.proof(at.proof)?.tasks.get(at.task)
    }

    pub fn task_mut(&mut self, at: TaskRef) -> Option<&mut Task> {
        self.proof_mut(at.proof)?.tasks.get_mut(at.task)
    }

    pub fn worker(&self, slot: usize) -> Option<&Worker> {
        self.workers.get(slot)?.as_ref()
    }

    pub fn worker_mut(&mut self, slot: usize) -> Option<&mut Worker> {
        self.workers.get_mut(slot)?.as_mut()
    }

    pub fn add_worker(&mut self, worker: Worker) -> usize {
        let slot = self.spare.pop().unwrap_or(self.workers.len());
        if slot == self.workers.len() {
            self.workers.push(None);
            self.cpu_fit.free.push(0);
            self.gpu_fit.free.push(0);
            self.next_free.push(0);
        }
        self.workers[slot] = Some(worker);
        self.order_stale = true;
        self.refit(slot);
        slot
    }

    pub fn take_worker(&mut self, slot: usize) -> Option<Worker> {
        let worker = self.workers.get_mut(slot)?.take()?;
        self.spare.push(slot);
        self.order_stale = true;
        self.refit(slot);
        Some(worker)
    }

    /// Brings the tables for [`Self::fitting`] up to date with a worker.
    pub fn refit(&mut self, slot: usize) {
        let (mut cpu, mut gpu, mut next) = (0, 0, 0);
        if let Some(w) = &self.workers[slot] {
            let free = if w.closed { 0 } else { w.max.saturating_sub(w.used) + 1 };
            cpu = if w.kind == WorkerKind::Gpu { 0 } else { free };
            gpu = if w.kind == WorkerKind::Cpu { 0 } else { free };
            next = w.next_free;
        }
        self.next_free[slot] = next;
        for (fit, free) in [(&mut self.cpu_fit, cpu), (&mut self.gpu_fit, gpu)] {
            fit.free[slot] = free;
            fit.most = fit.most.max(free);
        }
    }

    /// The worker with room for the task that is free first.
    fn fitting(&mut self, kind: Kind, weight: u32) -> Option<usize> {
        let fit = if kind.on_cpu() { &mut self.cpu_fit } else { &mut self.gpu_fit };
        if fit.most <= weight {
            return None;
        }
        let (mut best, mut soonest, mut most) = (None, i64::MAX, 0);
        for (slot, (&free, &next)) in fit.free.iter().zip(&self.next_free).enumerate() {
            most = most.max(free);
            if free > weight && next < soonest {
                (best, soonest) = (Some(slot), next);
            }
        }
        fit.most = most;
        best
    }

    /// Takes a task off its worker: weight, list and estimate.
    pub fn release_task(&mut self, slot: usize, at: TaskRef, weight: u32, kind: Kind) {
        if let Some(w) = self.worker_mut(slot)
            && let Some(i) = w.tasks.iter().position(|t| *t == at)
        {
            w.tasks.swap_remove(i);
            w.used = w.used.saturating_sub(weight);
            if w.tasks.is_empty() {
                w.next_free = 0;
            }
            self.refit(slot);
            if !kind.on_cpu()
                && let Some(p) = self.proof_mut(at.proof)
            {
                p.gpu_weight = p.gpu_weight.saturating_sub(weight);
            }
        }
    }

    /// Puts a task into its queue.
    pub fn enqueue(&mut self, at: TaskRef) {
        let Some(p) = self.proof_mut(at.proof) else { return };
        let order = p.order;
        let Some(t) = p.tasks.get_mut(at.task) else { return };
        t.state = TaskState::Queued;
        let (kind, seq, id) = (t.kind, t.seq, t.id);
        if kind.on_cpu() {
            self.cpu_queue.push(Reverse((order, seq, at, id)));
        } else {
            p.gpu.push(Reverse((kind.gpu_class(), seq, at.task)));
            self.gpu_queued += 1;
        }
    }

    /// The GPU task whose turn it is: of the proof with the least weight on
    /// GPUs, the oldest of equals.
    fn gpu_head(&self) -> Option<TaskRef> {
        let mut best: Option<(u32, TaskRef)> = None;
        for &proof in &self.live {
            if let Some(p) = self.proof(proof)
                && let Some(Reverse((_, _, task))) = p.gpu.peek()
                && best.is_none_or(|(w, _)| p.gpu_weight < w)
            {
                best = Some((p.gpu_weight, TaskRef { proof, task: *task }));
            }
        }
        best.map(|b| b.1)
    }
}

impl Cluster {
    /// Logs on a coordinator's stream within a millisecond from now.
    pub(super) fn coord_log(&mut self, c: usize, level: Level, site: Site, message: std::fmt::Arguments<'_>) {
        self.coord_record(c, &Record::new(level, site, message));
    }

    pub(super) fn coord_record(&mut self, c: usize, record: &Record<'_>) {
        let stream = self.stream(self.coords[c].pod);
        let at = self.now.plus(self.noise.micros(5, 60));
        self.log.put(stream, at, record);
    }

    /// Makes a task and queues it; its creator has stamped the weight.
    pub(super) fn create_task(&mut self, c: usize, proof: usize, kind: Kind, weight: u32, marker: bool) {
        let (id, spoiled) = (id::uuid7(&mut self.rng, self.now), self.spoil(kind));
        let now = self.now;
        let co = &mut self.coords[c];
        let seq = co.next_seq();
        let Some(p) = co.proof_mut(proof) else { return };
        p.moved_at = now;
        let at = TaskRef { proof, task: p.tasks.len() };
        let run = p.run.number;
        p.tasks.push(Task { id, kind, weight, state: TaskState::Queued, retries: 0, run, marker, spoiled, seq });
        let made = 1 + u32::from(marker);
        p.active += made;
        co.total_tasks += u64::from(made);
        co.enqueue(at);
        self.assign(c);
    }

    /// Gives out what fits: the CPU queue by its head alone, the GPU queues
    /// by the head whose turn it is.
    pub(super) fn assign(&mut self, c: usize) {
        if !self.coords[c].works() {
            return;
        }
        loop {
            let co = &mut self.coords[c];
            let Some(&Reverse((_, _, at, id))) = co.cpu_queue.peek() else { break };
            let (kind, weight) = match co.task(at) {
                Some(t) if t.state == TaskState::Queued => (t.kind, t.weight),
                found => {
                    let lost = found.is_none();
                    co.cpu_queue.pop();
                    if lost {
                        self.coord_log(c, Level::Warn, sites::STALE, format_args!("cpu queue task {} not found", id::Task(id)));
                    }
                    continue;
                }
            };
            let Some(slot) = co.fitting(kind, weight) else { break };
            co.cpu_queue.pop();
            self.start_task(c, at, slot);
        }
        for id in std::mem::take(&mut self.coords[c].stale_gpu) {
            self.coords[c].gpu_queued -= 1;
            self.coord_log(c, Level::Warn, sites::STALE, format_args!("gpu queue task {} not found", id::Task(id)));
        }
        loop {
            let co = &mut self.coords[c];
            if co.gpu_queued == 0 {
                break;
            }
            let Some(at) = co.gpu_head() else { break };
            let Some((kind, weight)) = co.task(at).map(|t| (t.kind, t.weight)) else { break };
            let Some(slot) = co.fitting(kind, weight) else { break };
            if let Some(p) = co.proof_mut(at.proof) {
                p.gpu.pop();
            }
            co.gpu_queued -= 1;
            self.start_task(c, at, slot);
        }
    }

    fn start_task(&mut self, c: usize, at: TaskRef, slot: usize) {
        let (now, now_ms) = (self.now, self.now.millis());
        let place = self.noise.bits();
        let co = &mut self.coords[c];
        let Some(t) = co.task_mut(at) else { return };
        t.state = TaskState::Running(slot);
        let (kind, weight) = (t.kind, t.weight);
        if let Some(p) = co.proof_mut(at.proof) {
            p.moved_at = now;
            p.gpu_weight += if kind.on_cpu() { 0 } else { weight };
        }
        let Some(w) = co.worker_mut(slot) else { return };
        w.used += weight;
        w.next_free = w.next_free.max(now_ms) + kind.estimate_ms();
        let i = usize::try_from(place % (w.tasks.len() as u64 + 1)).unwrap_or(0);
        w.tasks.insert(i, at);
        let (link, id, node) = (w.link, w.id, w.node);
        co.refit(slot);
        if link {
            self.node_receives(node, c, at);
        } else {
            self.coord_log(
                c,
                Level::Error,
                sites::SEND_TASK,
                format_args!("Failed to send task to worker {}: (channel closed)", id::Worker(id)),
            );
        }
    }

    /// A worker reports a task as done.
    pub(super) fn task_completed(&mut self, c: usize, at: TaskRef, slot: usize) {
        let now = self.now;
        let co = &mut self.coords[c];
        let Some(t) = co.task_mut(at) else { return };
        if t.state != TaskState::Running(slot) {
            return;
        }
        t.state = TaskState::Ended;
        let (kind, weight, run, ended) = (t.kind, t.weight, t.run, 1 + u32::from(t.marker));
        co.release_task(slot, at, weight, kind);
        if let Some(p) = co.proof_mut(at.proof) {
            p.active -= ended;
            p.moved_at = now;
        }
        self.assign(c);
        self.course_goes_on(c, at.proof, run, kind);
        self.remove_if_over(c, at.proof);
    }

    pub(super) fn remove_if_over(&mut self, c: usize, proof: usize) {
        let Some(p) = self.coords[c].proof(proof).filter(|p| p.active == 0) else { return };
        let id = p.id.clone();
        self.coord_log(c, Level::Info, sites::REMOVING, format_args!("Proof {id} has no more active tasks, removing"));
        self.drop_proof(c, proof);
    }

    /// A worker reports a task as failed, and it may be tried again.
    pub(super) fn task_failed(&mut self, c: usize, at: TaskRef, slot: usize) {
        let co = &mut self.coords[c];
        let Some(t) = co.task_mut(at).filter(|t| t.state == TaskState::Running(slot)) else { return };
        let (id, kind, weight, again) = (t.id, t.kind, t.weight, t.retries < 3);
        if again {
            t.retries += 1;
        } else {
            t.state = TaskState::Ended;
        }
        let nth = t.retries;
        co.release_task(slot, at, weight, kind);
        if again {
            self.signs.retried(self.now, nth);
            self.coord_log(c, Level::Info, sites::RETRYING, format_args!("retrying task {}", id::Task(id)));
            self.coords[c].enqueue(at);
            self.assign(c);
            return;
        }
        self.coord_log(c, Level::Error, sites::EXHAUSTED, format_args!("task {} retries exhausted", id::Task(id)));
        self.assign(c);
        let Some(p) = self.coords[c].proof_mut(at.proof) else { return };
        p.active -= 1;
        let (proof, row) = (p.id.clone(), p.row);
        if kind.fails_proof() {
            self.coord_log(c, Level::Info, sites::NO_RETRIES, format_args!("Proof {proof} controller has no more retries, failing"));
            self.coord_log(c, Level::Info, sites::FAIL, format_args!("Failed proof {proof} "));
            self.sign(Sign::ProofFailed);
            self.cancel_tasks(c, at.proof);
            self.drop_proof(c, at.proof);
            self.write_status(c, row, ProofStatus::Failed, None);
        } else {
            self.controller_gives_up(c, at.proof);
        }
    }
}
