//! What the coordinator does by the clock: the 10 s block with its sweeps,
//! heartbeats, and polling the API.

use std::time::Duration;

use super::coordinator::{Proof, TaskRef, TaskState};
use super::course::Run;
use super::event::Event;
use super::id;
use super::kind::Kind;
use super::log::{Level, Record};
use super::rng::{mix, secs};
use super::state::Stats;
use super::{Cluster, Mode, ProofStatus, Sign, sites};
use crate::base::WorkerKind;

/// What gRPC says while nothing listens.
const UNAVAILABLE: &str = "status: Unavailable, message: \"tcp connect error\", details: [], metadata: MetadataMap { headers: {} }";

impl Cluster {
    /// The 10 s tick: dead workers, expired proofs, then the block.
    pub(super) fn block(&mut self, c: usize) {
        if !self.coords[c].up || self.coords[c].shutting {
            return;
        }
        let later = Duration::from_secs(10) + self.noise.micros(350, 2100);
        self.agenda.add(self.now.plus(later), Event::Block(c));
        if self.coords[c].hangs {
            self.sign(Sign::BlockMissing);
            return;
        }
        self.sweep_workers(c);
        self.sweep_expired(c);
        self.write_block(c);
    }

    fn sweep_workers(&mut self, c: usize) {
        let now = self.now.secs();
        let gone: Vec<usize> = self
            .worker_order(c)
            .into_iter()
            .filter(|&s| self.coords[c].worker(s).is_some_and(|w| !w.link && w.last_heartbeat.secs() + 30 < now))
            .collect();
        for slot in gone {
            let Some(worker) = self.coords[c].take_worker(slot) else { continue };
            let (id, age) = (id::Worker(worker.id), now - worker.last_heartbeat.secs());
            if self.coords[c].release.at_least(2, 4, 0) {
                self.coord_log(c, Level::Warn, sites::TIMED_OUT, format_args!("worker {id} has timed out (last heartbeat {age}s ago)"));
            } else {
                self.coord_log(c, Level::Warn, sites::TIMED_OUT, format_args!("worker {id} has timed out"));
            }
            let tasks: Vec<u128> = worker.tasks.iter().filter_map(|at| self.coords[c].task(*at)).map(|t| t.id).collect();
            self.signs.given_up(self.now, tasks.into_iter());
            let node = &mut self.nodes[worker.node];
            if node.coord == Some(c) && node.worker == Some(slot) {
                node.worker = None;
            }
            self.requeue(c, slot, &worker.tasks);
        }
    }

    /// Puts a lost worker's tasks back, with their ids and without a retry.
    pub(super) fn requeue(&mut self, c: usize, slot: usize, tasks: &[TaskRef]) {
        for &at in tasks {
            let co = &mut self.coords[c];
            let Some(t) = co.task(at).filter(|t| t.state == TaskState::Running(slot)) else { continue };
            let (kind, weight) = (t.kind, t.weight);
            if !kind.on_cpu()
                && let Some(p) = co.proof_mut(at.proof)
            {
                p.gpu_weight = p.gpu_weight.saturating_sub(weight);
            }
            co.enqueue(at);
        }
        self.assign(c);
    }

    fn sweep_expired(&mut self, c: usize) {
        let now = u64::try_from(self.now.secs()).unwrap_or(0);
        for proof in self.coords[c].live.clone() {
            let Some(p) = self.coords[c].proof(proof).filter(|p| p.deadline < now) else { continue };
            let id = p.id.clone();
            self.coord_log(c, Level::Info, sites::FAIL, format_args!("Failed proof {id} "));
            self.sign(Sign::ProofExpired);
            self.cancel_tasks(c, proof);
            self.drop_proof(c, proof);
            self.assign(c);
        }
    }

    /// Worker slots in the order of the coordinator's hash map.
    fn worker_order(&mut self, c: usize) -> Vec<usize> {
        let co = &mut self.coords[c];
        if co.order_stale {
            let salt = co.salt;
            let mut order: Vec<(u64, usize)> = co
                .workers
                .iter()
                .enumerate()
                .filter_map(|(i, w)| w.as_ref().map(|w| (mix(salt ^ u64::try_from(w.id & u128::from(u64::MAX)).unwrap_or(0)), i)))
                .collect();
            order.sort_unstable();
            co.order = order.into_iter().map(|o| o.1).collect();
            co.order_stale = false;
        }
        co.order.clone()
    }

    fn write_block(&mut self, c: usize) {
        let order = self.worker_order(c);
        let stats = self.coordinator_stats(c);
        let stream = self.stream(self.coords[c].pod);
        let at = self.log.time(stream, self.now.plus(self.noise.micros(20, 500)));
        let mut bytes = Vec::with_capacity(512 + order.len() * 160);
        self.log.render(&mut bytes, at, &Record::new(Level::Info, sites::STATS, format_args!("[coordinator] {stats}")));
        let (mut line_at, mut text) = (at, String::new());
        let co = &self.coords[c];
        for slot in order {
            let Some(w) = co.worker(slot) else { continue };
            text.clear();
            list_tasks(co, &w.tasks, &mut text);
            line_at = self.log.time(stream, line_at);
            let kind = match w.kind {
                WorkerKind::Cpu => "Cpu",
                WorkerKind::Gpu => "Gpu",
                WorkerKind::All => "All",
            };
            let message = format_args!("[coordinator] worker {} {kind} () {} [{text}]", id::Worker(w.id), w.next_free);
            self.log.render(&mut bytes, line_at, &Record::new(Level::Info, sites::WORKER, message));
        }
        self.log.push(at, stream, bytes);
        self.signs_of_block(c);
    }

    /// The figures of `GetStatsResponse` of one coordinator.
    pub(super) fn coordinator_stats(&self, c: usize) -> Stats {
        let co = &self.coords[c];
        let mut s = Stats {
            coordinator_version: co.release.coordinator_version(),
            sp1_circuit_version: co.release.circuits().to_owned(),
            total_tasks: co.total_tasks,
            cpu_queue: u32::try_from(co.cpu_queue.len()).unwrap_or(u32::MAX),
            gpu_queue: co.gpu_queued,
            active_proofs: u32::try_from(co.live.len()).unwrap_or(u32::MAX),
            ..Stats::default()
        };
        for w in co.workers.iter().flatten() {
            match w.kind {
                WorkerKind::Cpu => {
                    s.cpu_workers += 1;
                    s.cpu_utilization_current += w.used;
                    s.cpu_utilization_max += w.max;
                }
                WorkerKind::Gpu => {
                    s.gpu_workers += 1;
                    s.gpu_utilization_current += w.used;
                    s.gpu_utilization_max += w.max;
                }
                WorkerKind::All => {}
            }
        }
        for &p in &co.live {
            if let Some(p) = co.proof(p) {
                s.active_tasks += p.active;
                s.active_subscribers += p.run.subscribers();
            }
        }
        s
    }

    /// Every 5 s: prompts to the workers, and a pass over the queues.
    pub(super) fn heartbeats(&mut self, c: usize) {
        if !self.coords[c].up || self.coords[c].shutting {
            return;
        }
        let later = Duration::from_secs(5) + self.noise.micros(500, 1900);
        self.agenda.add(self.now.plus(later), Event::Heartbeats(c));
        if self.coords[c].hangs {
            self.prompt_missed(c);
            return;
        }
        let closed: Vec<u128> = self.coords[c].workers.iter().flatten().filter(|w| !w.link).map(|w| w.id).collect();
        for w in closed {
            self.coord_log(
                c,
                Level::Warn,
                sites::HEARTBEAT,
                format_args!("Failed to send heartbeat to worker {}: channel closed", id::Worker(w)),
            );
        }
        if self.coords[c].workers.iter().flatten().any(|w| w.link && w.tasks.is_empty()) {
            self.assign(c);
        }
        self.churn(c);
    }

    /// Now and then a heartbeat crosses a task on its way, or a subscriber is
    /// slow to acknowledge.
    fn churn(&mut self, c: usize) {
        if self.noise.chance(0.01) && self.coordinator_stats(c).active_subscribers > 0 {
            let now = self.now;
            let message = id::type_id("msg", &mut self.noise, now);
            self.coord_log(c, Level::Warn, sites::RESEND, format_args!("Resending message {message}"));
        }
        if self.coords[c].workers.is_empty() || !self.noise.chance(0.02) {
            return;
        }
        let i = self.noise.index(self.coords[c].workers.len());
        let Some(w) = self.coords[c].worker(i).filter(|w| w.link) else { return };
        let (worker, node) = (w.id, w.node);
        let Some(&at) = w.tasks.last() else { return };
        let Some(p) = self.coords[c].proof(at.proof) else { return };
        let (proof, task) = (p.id.clone(), p.tasks[at.task].id);
        let message = format_args!("worker {} is not working on expected task (\"{proof}\", \"{}\")", id::Worker(worker), id::Task(task));
        self.coord_log(c, Level::Warn, sites::NOT_WORKING, message);
        self.node_log(node, Level::Info, sites::NODE_RECEIVED, format_args!("Already working on task {}", id::Task(task)));
    }

    /// Every 0.5 s: lost writes, rows to claim, rows that are over.
    pub(super) fn claim(&mut self, c: usize) {
        if !self.coords[c].up || self.coords[c].shutting {
            return;
        }
        let later = Duration::from_millis(500) + self.noise.micros(900, 4000);
        self.agenda.add(self.now.plus(later), Event::Claim(c));
        if self.coords[c].hangs {
            return;
        }
        self.slow_lock(c);
        self.lost_writes(c);
        if self.api.pod.is_none() {
            let wait = secs(self.rng.between(6.6, 10.2));
            let at = *self.coords[c].poll_fails_at.get_or_insert(self.now.plus(wait));
            if self.now >= at {
                self.coords[c].poll_fails_at = Some(self.now.plus(wait));
                self.coord_log(c, Level::Error, sites::FILTERED, format_args!("Failed to get filtered tasks: {UNAVAILABLE}"));
                self.sign(Sign::PollFailed);
            }
            return;
        }
        self.coords[c].poll_fails_at = None;
        self.drop_ended(c);
        // The listing is walked backwards: the newest are claimed first.
        let now = u64::try_from(self.now.secs()).unwrap_or(0);
        let new: Vec<usize> = self
            .api
            .pending
            .iter()
            .rev()
            .copied()
            .filter(|r| !self.coords[c].claimed.contains_key(r) && self.api.rows[*r].deadline >= now)
            .collect();
        for row in new {
            self.claim_row(c, row);
        }
    }

    /// Says now and then who waited for the coordinator's lock, where it is slow.
    fn slow_lock(&mut self, c: usize) {
        const KINDS: [&str; 5] =
            ["assign_tasks", "worker.heartbeat", "worker.complete_task", "worker.create_task", "coordinator.send_heartbeats"];
        if !self.faults.coordinator_slow || !self.noise.chance(0.3) {
            return;
        }
        let (kind, nanoseconds) = (KINDS[self.noise.index(KINDS.len())], self.noise.micros(101_000, 640_000).as_nanos());
        self.coord_log(c, Level::Error, sites::LATENCY, format_args!("latency {nanoseconds} for kind {kind} is too high"));
        self.signs.waited(self.now);
    }

    fn lost_writes(&mut self, c: usize) {
        for mut write in std::mem::take(&mut self.coords[c].writes) {
            if self.api.pod.is_some() {
                if write.reported {
                    let id = self.api.rows[write.row].id.clone();
                    self.coord_log(c, Level::Warn, sites::REISSUE, format_args!("re-issuing lost status write for proof {id}"));
                }
                self.written(c, write.row, write.status, write.extra);
                continue;
            }
            if !write.reported && self.now >= write.fails_at {
                write.reported = true;
                self.coord_log(c, Level::Error, sites::STATUS_FAILED, format_args!("Failed to update proof status: {UNAVAILABLE}"));
                self.sign(Sign::StatusLost);
            }
            // Releases before v2.4.0 never try again.
            if !write.reported || self.coords[c].release.at_least(2, 4, 0) {
                self.coords[c].writes.push(write);
            }
        }
    }

    /// Drops proofs whose rows were cancelled or ended by someone else.
    fn drop_ended(&mut self, c: usize) {
        for proof in self.coords[c].live.clone() {
            let Some(p) = self.coords[c].proof(proof) else { continue };
            let row = &self.api.rows[p.row];
            if row.proof_status == ProofStatus::Pending || p.run.reported {
                continue;
            }
            let id = p.id.clone();
            if self.coords[c].release.at_least(2, 7, 1) {
                self.coord_log(c, Level::Warn, sites::NO_LONGER, format_args!("Running proof {id} is no longer pending in cluster DB"));
            } else {
                self.coord_log(c, Level::Warn, sites::NO_LONGER, format_args!("Running proof {id} is no longer in cluster DB list"));
            }
            self.fail_proof(c, proof, None, false, None, false);
        }
    }

    fn claim_row(&mut self, c: usize, row: usize) {
        let r = &self.api.rows[row];
        let id = r.id.clone();
        let (Some(mode), Some(limit), Some(output)) = (&r.options_artifact_id, r.cycle_limit, &r.proof_artifact_id) else {
            let what = match r.options_artifact_id {
                None => "Options artifact ID",
                Some(_) if r.cycle_limit.is_none() => "Cycle limit",
                Some(_) => "Proof artifact ID",
            };
            self.coord_log(c, Level::Error, sites::MALFORMED, format_args!("{what} not found for proof {id}"));
            self.sign(Sign::CannotClaim);
            return;
        };
        let mut inputs = vec![r.program_artifact_id.clone(), r.stdin_artifact_id.clone(), mode.clone(), limit.to_string()];
        if self.coords[c].release.at_least(2, 3, 0) {
            inputs.extend([String::new(), format!("{{\"stdin_private\":{}}}", r.stdin_private)]);
        }
        let (output, mode, deadline) = (output.clone(), Mode::read(mode), r.deadline);
        self.coord_log(c, Level::Info, sites::INPUTS, format_args!("inputs: {inputs:?}"));
        self.coord_log(c, Level::Info, sites::OUTPUTS, format_args!("outputs: {:?}", [output]));
        let co = &mut self.coords[c];
        let (proof, order, weight) = (co.proofs.len(), co.next_seq(), co.controller_weight);
        let made = Proof {
            id: id.clone(),
            row,
            mode,
            order,
            deadline,
            active: 0,
            tasks: Vec::new(),
            run: Run::default(),
            gpu: std::collections::BinaryHeap::default(),
            gpu_weight: 0,
            moved_at: self.now,
        };
        co.proofs.push(Some(Box::new(made)));
        co.live.push(proof);
        co.claimed.insert(row, proof);
        self.create_task(c, proof, Kind::Controller, weight, false);
        if let Some(task) = self.coords[c].proof(proof).and_then(|p| p.tasks.first()).map(|t| t.id) {
            self.coord_log(c, Level::Info, sites::CREATED, format_args!("Created proof {id} with task {}", id::Task(task)));
        }
    }

    /// v2.5.4 and later push the versions of all components; an older API
    /// does not know the call.
    pub(super) fn manifest(&mut self, c: usize) {
        if !self.coords[c].up || self.coords[c].shutting || !self.coords[c].release.at_least(2, 5, 4) {
            return;
        }
        self.agenda.add(self.now.plus(Duration::from_secs(240)), Event::Manifest(c));
        if self.coords[c].hangs {
            return;
        }
        let status = match self.api.pod {
            None => UNAVAILABLE,
            Some(pod) if self.kube.pods[pod].release.at_least(2, 5, 4) => {
                self.manifest = Some((self.now, self.components()));
                return;
            }
            Some(_) => "status: Unimplemented, message: \"\", details: [], metadata: MetadataMap { headers: {} }",
        };
        let message = format_args!("failed to push cluster component manifest to API (retrying next tick): {status}");
        self.coord_log(c, Level::Warn, sites::MANIFEST, message);
    }
}

/// The task list of a worker line, without its brackets.
fn list_tasks(co: &super::coordinator::Coordinator, tasks: &[TaskRef], to: &mut String) {
    use std::fmt::Write as _;
    for (i, at) in tasks.iter().enumerate() {
        let Some(p) = co.proof(at.proof) else { continue };
        let t = &p.tasks[at.task];
        let comma = if i > 0 { ", " } else { "" };
        _ = write!(to, "{comma}(\"{}\", \"{}\", Some(Some({})))", p.id, id::Task(t.id), t.kind.name());
    }
}
