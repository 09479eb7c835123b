//! What a worker process does with its tasks.

use std::time::Duration;

use super::config::NodeLogs;
use super::coordinator::TaskRef;
use super::event::Event;
use super::fault::Outcome;
use super::kind::Kind;
use super::log::{Level, Record, Site, Span, Value, span_time};
use super::node::Running;
use super::objects::Exit;
use super::rng::{secs, whole};
use super::state::Ended;
use super::{Cluster, Sign, id, sites};
use crate::base::Timestamp;

/// The task timeout of every release.
const TASK_TIMEOUT: Duration = Duration::from_secs(6 * 3600);
/// How long a node tries to reach Redis.
const TRIES: Duration = Duration::from_millis(400);
/// What a shard of the guest is, about, in cycles.
const CYCLES_PER_SHARD: u64 = 3_100_000;

impl Cluster {
    /// The coordinator sends a node a task.
    pub(super) fn node_receives(&mut self, n: usize, c: usize, at: TaskRef) {
        let Some(owner) = self.coords[c].proof_mut(at.proof) else { return };
        let (proof, row) = (owner.id.clone(), owner.row);
        let sent = &mut owner.tasks[at.task];
        let (task, kind, spoiled) = (sent.id, sent.kind, sent.spoiled > 0);
        sent.spoiled = sent.spoiled.saturating_sub(1);
        self.running_seq += 1;
        let seq = self.running_seq;
        let mut outcome = self.outcome(kind, task, spoiled);
        let shards = self.api.rows[row].work.shards;
        let mut span = match kind {
            Kind::Controller => Duration::MAX,
            Kind::CoreExecute => self.execution_time(shards),
            _ => {
                let d = &self.config.durations;
                let (mean, spread) = (d.mean(kind), d.spread);
                secs(self.rng.around(mean, spread))
            }
        };
        if kind == Kind::CoreExecute {
            let cycles = u64::from(shards) * CYCLES_PER_SHARD;
            if let Some(limit) = self.api.rows[row].cycle_limit.filter(|l| *l < cycles) {
                outcome = Outcome::Guest(format!("ExceededCycleLimit({limit})"));
                span = span.mul_f64(limit as f64 / cycles as f64);
            }
        }
        if self.faults.redis_away && outcome == Outcome::Done {
            // Its inputs cannot be read.
            outcome = Outcome::Fatal(self.store_is_away(n));
            span = TRIES.mul_f64(3.0);
        }
        match outcome {
            Outcome::TimesOut => span = TASK_TIMEOUT,
            Outcome::Retryable | Outcome::Fatal(_) | Outcome::Kills => {
                span = span.min(Duration::from_secs(600)).mul_f64(self.rng.between(0.3, 0.8));
            }
            Outcome::Done | Outcome::Guest(_) => {}
        }
        let size = self.rng.around(1.0, 0.06);
        let node = &mut self.nodes[n];
        node.memory.grow(seq, kind, node.release, size, self.now);
        node.metrics.begin(kind, self.now);
        let hangs = outcome == Outcome::TimesOut;
        node.running.push(Running { seq, coord: c, at, proof, id: task, kind, since: self.now, outcome });
        if self.node_logs(n) >= NodeLogs::Tasks {
            self.node_log(n, Level::Info, sites::NODE_RECEIVED, format_args!("Received task: {}", id::Task(task)));
        }
        self.artifacts(n, seq, true);
        if kind == Kind::ShrinkWrap && self.node_logs(n) == NodeLogs::Full {
            self.node_log(n, Level::Info, sites::WORK_SHRINK, format_args!("shrinkwrap time"));
        }
        if span < Duration::MAX {
            self.agenda.add(self.now.plus(span), Event::TaskEnds { node: n, seq });
        }
        let run = self.coords[c].task(at).map_or(0, |t| t.run);
        match kind {
            Kind::Controller => self.controller_starts(c, at, n, seq),
            Kind::CoreExecute if !hangs => self.execution_starts(c, at.proof, run, n, seq, span),
            _ => {}
        }
    }

    /// A task in a worker process comes to its end.
    pub(super) fn task_ends(&mut self, n: usize, seq: u64) {
        let Some(i) = self.nodes[n].running.iter().position(|r| r.seq == seq) else { return };
        if self.nodes[n].frozen {
            return;
        }
        let r = &self.nodes[n].running[i];
        if self.faults.redis_away && r.outcome == Outcome::Done && r.kind != Kind::Controller {
            let (c, at) = (r.coord, r.at);
            let why = self.store_is_away(n);
            self.fatal_error(n, c, at, &why);
            return;
        }
        let waits = r.kind == Kind::CoreExecute && r.outcome == Outcome::Done && self.faults.redis_full;
        // A report that cannot be delivered is tried again, and so are writes
        // to a full store.
        if self.nodes[n].cut || self.nodes[n].coord.is_none_or(|c| !self.coords[c].up || self.coords[c].hangs) || waits {
            let later = secs(self.rng.between(1.0, 3.0));
            self.agenda.add(self.now.plus(later), Event::TaskEnds { node: n, seq });
            return;
        }
        let (c, at, kind) = (r.coord, r.at, r.kind);
        match r.outcome.clone() {
            Outcome::Fatal(reason) => return self.fatal_error(n, c, at, &reason),
            Outcome::Guest(fault) => return self.guest_fault(n, c, at, &fault),
            Outcome::Retryable => {
                return self.fail_running(n, seq, "status: Unavailable, message: \"error reading a body from connection\"");
            }
            Outcome::TimesOut => return self.times_out(n, seq),
            Outcome::Kills => {
                let pod = self.nodes[n].pod;
                return self.container_exits(pod, Exit::crashed());
            }
            Outcome::Done => {}
        }
        self.artifacts(n, seq, false);
        let r = self.take_running(n, i);
        self.nodes[n].metrics.end(kind, r.since, self.now, Ended::Done);
        self.signs.ended(&r, self.now);
        if self.nodes[n].coord == Some(c) {
            self.report(n, c, &r, true);
        }
        self.completed_line(n, &r);
        self.drained(n);
    }

    /// A node tries to reach Redis, and gives up after about a second; the error
    /// (reference F11).
    fn store_is_away(&mut self, n: usize) -> String {
        const ERROR: &str = "Connection refused (os error 111)";
        let stream = self.stream(self.nodes[n].pod);
        for attempt in 0..3 {
            let message = format_args!("Failed to get redis connection: {ERROR}");
            let at = self.now.plus(Duration::from_micros(700 + 1900 * attempt));
            self.log.put(stream, at, &Record::new(Level::Warn, sites::REDIS_CONNECTION, message));
            self.sign(Sign::StoreAway);
        }
        format!("Failed to get redis connection: {ERROR}")
    }

    /// Tells the coordinator how a task ended.
    fn report(&mut self, n: usize, c: usize, r: &Running, done: bool) {
        let id = id::Worker(self.nodes[n].id);
        match self.nodes[n].worker {
            Some(slot) if done => self.task_completed(c, r.at, slot),
            Some(slot) => self.task_failed(c, r.at, slot),
            None => {
                let message = format_args!("task {} was assigned to an unknown worker: {id} not found (possibly evicted)", id::Task(r.id));
                self.coord_log(c, Level::Warn, sites::UNKNOWN_WORKER, message);
            }
        }
    }

    fn take_running(&mut self, n: usize, i: usize) -> Running {
        let now = self.now;
        let node = &mut self.nodes[n];
        let r = node.running.remove(i);
        node.memory.shrink(r.seq, node.release, now);
        r
    }

    /// How much this node logs.
    fn node_logs(&self, n: usize) -> NodeLogs {
        let all = self.config.node_logs;
        if self.kube.pods[self.nodes[n].pod].app == "gpu-node" { all.min(self.config.gpu_node_logs) } else { all }
    }

    fn completed_line(&mut self, n: usize, r: &Running) {
        if self.node_logs(n) >= NodeLogs::Tasks {
            let nanos = Duration::from_nanos(self.noise.bits() % 1000);
            let took = self.now.since(r.since) + nanos;
            let message = format_args!("Completed task {} (\"{}\", \"{}\") after Some({took:?})", r.kind.name(), r.proof, id::Task(r.id));
            let stream = self.stream(self.nodes[n].pod);
            let at = self.now.plus(self.noise.micros(600, 1500));
            self.log.put(stream, at, &Record::new(Level::Info, sites::NODE_COMPLETED, message));
        }
    }

    /// A task fails in a way that may be tried again.
    pub(super) fn fail_running(&mut self, n: usize, seq: u64, error: &str) {
        let Some(i) = self.nodes[n].running.iter().position(|r| r.seq == seq) else { return };
        let r = self.take_running(n, i);
        self.nodes[n].metrics.end(r.kind, r.since, self.now, Ended::Retryable);
        let message =
            format_args!("Retryable error in task {} proof {}: TaskType: {}, Error: {error}", id::Task(r.id), r.proof, r.kind.name());
        self.node_log(n, Level::Error, sites::WORK_ERROR, message);
        self.work_lost(&r);
        self.report(n, r.coord, &r, false);
        self.completed_line(n, &r);
        self.drained(n);
    }

    fn times_out(&mut self, n: usize, seq: u64) {
        let Some(i) = self.nodes[n].running.iter().position(|r| r.seq == seq) else { return };
        let r = self.take_running(n, i);
        let message = format_args!("Task (\"{}\", \"{}\") timed out after 21600s", r.proof, id::Task(r.id));
        self.node_log(n, Level::Error, sites::NODE_TIMEOUT, message);
        self.work_lost(&r);
        self.report(n, r.coord, &r, false);
        self.drained(n);
    }

    /// A task fails for good: its proof is unclaimed and fails at once.
    pub(super) fn fatal_error(&mut self, n: usize, c: usize, at: TaskRef, reason: &str) {
        let Some((task, proof, kind)) = self.running_names(n, c, at) else { return };
        let message = format_args!("Fatal error in task {} proof {proof}: TaskType: {}, Error: {reason}", id::Task(task), kind.name());
        self.node_log(n, Level::Error, sites::WORK_ERROR, message);
        self.unclaim(n, c, at, reason);
    }

    fn guest_fault(&mut self, n: usize, c: usize, at: TaskRef, fault: &str) {
        let Some((task, proof, _)) = self.running_names(n, c, at) else { return };
        let message = format_args!("Execution error on task {} proof {proof}: {fault}", id::Task(task));
        self.node_log(n, Level::Error, sites::WORK_ERROR, message);
        self.unclaim(n, c, at, fault);
    }

    fn running_names(&self, n: usize, c: usize, at: TaskRef) -> Option<(u128, crate::base::ProofId, Kind)> {
        let r = self.nodes.get(n)?.running.iter().find(|r| r.coord == c && r.at == at)?;
        Some((r.id, r.proof.clone(), r.kind))
    }

    fn unclaim(&mut self, n: usize, c: usize, at: TaskRef, reason: &str) {
        let Some((task, proof, kind)) = self.running_names(n, c, at) else { return };
        self.nodes[n].metrics.fatal(kind);
        self.node_log(n, Level::Info, sites::WORK_ERROR, format_args!("Unclaiming proof {proof}"));
        let extra = self.coords[c].release.at_least(2, 4, 0).then(|| {
            let failure = serde_json::json!({ "proving_failure": { "reason": reason, "task_type": kind.name() } });
            failure.to_string()
        });
        self.fail_proof(c, at.proof, Some(task), true, extra, true);
    }

    /// CancelTask: a running task is given up.
    pub(super) fn node_aborts(&mut self, n: usize, c: usize, at: TaskRef) {
        let Some(i) = self.nodes[n].running.iter().position(|r| r.coord == c && r.at == at) else { return };
        let r = self.take_running(n, i);
        self.nodes[n].metrics.end(r.kind, r.since, self.now, Ended::Aborted);
        self.work_lost(&r);
        self.node_log(n, Level::Info, sites::NODE_ABORTING, format_args!("Aborting task {} {}", r.proof, id::Task(r.id)));
        if self.nodes[n].release.at_least(2, 7, 0) {
            let message = format_args!("Task (\"{}\", \"{}\") cancelled before completing", r.proof, id::Task(r.id));
            self.node_log(n, Level::Info, sites::NODE_CANCELLED, message);
        }
        self.drained(n);
    }

    /// The artifact transfers and span ends of a task, at its start or end.
    fn artifacts(&mut self, n: usize, seq: u64, start: bool) {
        if self.node_logs(n) < NodeLogs::Full || self.faults.redis_away {
            return;
        }
        let Some(r) = self.nodes[n].running.iter().find(|r| r.seq == seq) else { return };
        let (kind, took) = (r.kind, self.now.since(r.since));
        let (task, proof) = (id::Task(r.id).to_string(), r.proof.to_string());
        let inner = [("proof_id", Value::Text(&proof)), ("task_id", Value::Text(&task)), ("otel.name", Value::Text(kind.screaming()))];
        let outer = [("task_id", Value::Text(&task)), ("proof_id", Value::Text(&proof)), ("otel.name", Value::Text(kind.screaming()))];
        let now = self.now;
        let inner = Span { name: "task", fields: &inner };
        let size = whole(match kind {
            Kind::Controller | Kind::CoreExecute => self.noise.between(25.0, 400_000.0),
            Kind::SetupVkey => self.noise.between(900_000.0, 2_400_000.0),
            Kind::ProveShard if start => self.noise.between(3e6, 1.9e7),
            _ => self.noise.between(690_000.0, 880_000.0),
        });
        let ms = self.noise.between(0.4, 2.0) + size as f64 / 400_000.0;
        let elapsed = Duration::from_secs_f64(ms / 1e3);
        let elapsed = Duration::from_nanos(u64::try_from(elapsed.as_nanos()).unwrap_or(0));
        if self.noise.chance(0.3) {
            let connection = Span { name: "get_redis_connection", fields: &[] };
            let (busy, idle) = self.span_times();
            self.span_end(n, now, sites::REDIS_CONNECTION, &[inner, connection], &busy, &idle);
        }
        if start {
            let message = format_args!("download took {elapsed:?}, size: {size}");
            self.node_record(n, &Record { spans: &[inner], ..Record::new(Level::Info, sites::REDIS_DOWNLOAD, message) });
            return;
        }
        let message = format_args!("upload took {elapsed:?}, size: {size}");
        self.node_record(n, &Record { spans: &[inner], ..Record::new(Level::Info, sites::REDIS_UPLOAD, message) });
        let busy = took.mul_f64(self.noise.between(0.3, 0.9));
        let (busy, idle) = (span_time(busy), span_time(took.saturating_sub(busy)));
        if matches!(kind, Kind::PlonkWrap | Kind::Groth16Wrap) {
            let wrap = Span { name: if kind == Kind::PlonkWrap { "prove plonk" } else { "prove groth16" }, fields: &[] };
            self.span_end(n, now, sites::WORK, &[inner, wrap], &busy, "12.4µs");
        }
        self.span_end(n, now, sites::WORK, &[inner], &busy, &idle);
        let (short, whole_time) = (self.span_times().0, span_time(took));
        let outer = Span { name: "task", fields: &outer };
        if kind == Kind::Controller {
            let name = format!("Prove {proof}");
            let fields = [("otel.name", Value::Text(&name)), ("proof.id", Value::Raw(&proof))];
            let prove = Span { name: "Prove", fields: &fields };
            self.span_end(n, now, sites::WORK, &[prove, outer], &short, &whole_time);
            self.span_end(n, now, sites::WORK, &[prove], &short, &whole_time);
        } else {
            self.span_end(n, now, sites::WORK, &[outer], &short, &whole_time);
        }
    }

    fn span_end(&mut self, n: usize, at: Timestamp, site: Site, spans: &[Span<'_>], busy: &str, idle: &str) {
        let fields = [("time.busy", Value::Raw(busy)), ("time.idle", Value::Raw(idle))];
        let stream = self.stream(self.nodes[n].pod);
        let record = Record { spans, fields: &fields, close: true, ..Record::new(Level::Info, site, format_args!("close")) };
        self.log.put(stream, at.plus(Duration::from_micros(250)), &record);
    }
}
