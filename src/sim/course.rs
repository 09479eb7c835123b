//! A proof's course as its Controller leads it (reference 3.6): verifying key,
//! execution, shards, a recursion tree of arity four, shrink, wrap, done.
//!
//! All of it lives in the Controller's process: when that dies, the next run
//! starts from nothing, and what the last one left behind is work for nobody.

use std::time::Duration;

use super::coordinator::{TaskRef, TaskState};
use super::event::{Event, Step};
use super::kind::Kind;
use super::log::{Level, Record, Value};
use super::rng::secs;
use super::{Cluster, Mode, Sign, sites};
use crate::base::Timestamp;

/// The recursion tree's arity.
const ARITY: u32 = 4;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
enum Stage {
    #[default]
    Setup,
    Execute,
    Recursion,
    Wrap,
    Finish,
}

/// One run of a proof's Controller.
#[derive(Default)]
pub(super) struct Run {
    /// Counts from 1; tasks of other runs are not its own.
    pub number: u32,
    pub alive: bool,
    /// The result is with the coordinator.
    pub reported: bool,
    /// The Controller's node and the entry there.
    node: usize,
    seq: u64,
    stage: Stage,
    /// Names the execution whose shards are expected.
    token: u64,
    exec_node: usize,
    made: u32,
    executed: bool,
    /// Shard proofs (and batches of input proofs) made, and to be made.
    proved: u32,
    expected: u32,
    /// Proofs waiting to be folded, folds under way, folds so far.
    open: u32,
    folding: u32,
    folds: u32,
    blocked_since: Option<Timestamp>,
}

impl Run {
    /// The process of an execution has gone.
    pub fn forget_execution(&mut self, token: u64) {
        if self.token == token {
            self.token = 0;
        }
    }

    /// Task subscriptions that it holds (reference 2.2: three to six).
    pub fn subscribers(&self) -> u32 {
        match self.stage {
            _ if !self.alive => 0,
            Stage::Setup | Stage::Finish => 1,
            Stage::Execute => 5,
            Stage::Recursion => 4,
            Stage::Wrap => 2,
        }
    }
}

impl Cluster {
    fn run_of(&mut self, c: usize, proof: usize, number: u32) -> Option<&mut Run> {
        let run = &mut self.coords[c].proof_mut(proof)?.run;
        (run.alive && run.number == number).then_some(run)
    }

    /// A node has taken a proof's Controller.
    pub(super) fn controller_starts(&mut self, c: usize, at: TaskRef, node: usize, seq: u64) {
        let Some(p) = self.coords[c].proof_mut(at.proof) else { return };
        let number = p.run.number + 1;
        p.run = Run { number, alive: true, node, seq, ..Run::default() };
        p.tasks[at.task].run = number;
        let later = secs(self.rng.between(0.25, 1.4));
        let event = Event::Course { coord: c, proof: at.proof, run: number, step: Step::Begin };
        self.agenda.add(self.now.plus(later), event);
    }

    pub(super) fn course(&mut self, c: usize, proof: usize, number: u32, step: Step) {
        let Some(run) = self.run_of(c, proof, number) else { return };
        let (node, seq) = (run.node, run.seq);
        if self.nodes[node].frozen {
            return;
        }
        if self.coords[c].hangs {
            let event = Event::Course { coord: c, proof, run: number, step };
            self.agenda.add(self.now.plus(Duration::from_secs(1)), event);
            return;
        }
        match step {
            Step::Begin => {
                let row = self.coords[c].proof(proof).map_or(0, |p| p.row);
                let program = self.api.rows[row].program_artifact_id.clone();
                if self.nodes[node].knows_program(program) {
                    self.begin_execution(c, proof, number);
                } else {
                    self.create_from(c, proof, Kind::SetupVkey, node, false);
                }
            }
            Step::Execute => self.begin_execution(c, proof, number),
            Step::Finish => {
                if let Some(run) = self.run_of(c, proof, number) {
                    run.reported = true;
                }
                self.complete_proof(c, proof);
                let later = self.rng.micros(280, 900);
                self.agenda.add(self.now.plus(later), Event::TaskEnds { node, seq });
            }
        }
    }

    /// A task whose weight that node's environment decides.
    fn create_from(&mut self, c: usize, proof: usize, kind: Kind, node: usize, marker: bool) {
        let weight = self.nodes[node].weight(kind);
        self.create_task(c, proof, kind, weight, marker);
    }

    fn begin_execution(&mut self, c: usize, proof: usize, number: u32) {
        let Some(p) = self.coords[c].proof(proof) else { return };
        let work = self.api.rows[p.row].work;
        let Some(run) = self.run_of(c, proof, number) else { return };
        run.stage = Stage::Execute;
        run.expected = work.shards + work.memory_shards + work.deferred;
        let (node, seq) = (run.node, run.seq);
        if self.nodes[node].release.at_least(2, 1, 0) {
            self.create_from(c, proof, Kind::CoreExecute, node, false);
        } else {
            // v2.0 and before: the Controller executes by itself.
            let span = self.execution_time(work.shards);
            self.execution_starts(c, proof, number, node, seq, span);
        }
    }

    pub(super) fn execution_time(&mut self, shards: u32) -> Duration {
        let d = &self.config.durations;
        let mean = 1.5 + d.execute_shard * f64::from(shards);
        secs(self.rng.around(mean, 0.2))
    }

    /// The guest runs on `node`: shards appear over `span`.
    pub(super) fn execution_starts(&mut self, c: usize, proof: usize, number: u32, node: usize, token: u64, span: Duration) {
        let Some(run) = self.run_of(c, proof, number) else { return };
        (run.token, run.exec_node) = (token, node);
        let first = span.mul_f64(0.02);
        self.agenda.add(self.now.plus(first), Event::Shard { coord: c, proof, token });
        let deferred = self.coords[c].proof(proof).map_or(0, |p| self.api.rows[p.row].work.deferred);
        if self.coords[c].proof(proof).is_some_and(|p| p.run.made == 0) {
            for _ in 0..deferred {
                self.create_from(c, proof, Kind::RecursionDeferred, node, false);
            }
        }
    }

    /// The next shard of an execution, and when the one after it comes.
    pub(super) fn shard(&mut self, c: usize, proof: usize, token: u64) {
        let Some(p) = self.coords[c].proof(proof).filter(|p| p.run.alive && p.run.token == token) else { return };
        let (node, made, work) = (p.run.exec_node, p.run.made, self.api.rows[p.row].work);
        if self.nodes[node].frozen {
            return;
        }
        if self.coords[c].hangs {
            self.agenda.add(self.now.plus(Duration::from_secs(1)), Event::Shard { coord: c, proof, token });
            return;
        }
        if self.faults.redis_full {
            self.back_pressure(c, proof, node, token);
            return;
        }
        self.pressure_over(c, proof, node);
        if made >= work.shards {
            if !self.nodes[node].release.at_least(2, 1, 0) {
                self.execution_ends(c, proof);
            }
            return;
        }
        if let Some(p) = self.coords[c].proof_mut(proof) {
            p.run.made += 1;
        }
        self.create_from(c, proof, Kind::ProveShard, node, true);
        let gap = self.config.durations.execute_shard * 0.93;
        let later = secs(self.rng.around(gap, 0.5));
        self.agenda.add(self.now.plus(later), Event::Shard { coord: c, proof, token });
    }

    /// Redis is near its limit: uploads wait, 120 s at most.
    fn back_pressure(&mut self, c: usize, proof: usize, node: usize, token: u64) {
        let now = self.now;
        let Some(p) = self.coords[c].proof_mut(proof) else { return };
        let waited = now.since(*p.run.blocked_since.get_or_insert(now));
        let full = waited >= Duration::from_secs(120);
        let used = 24_300_000_000 + waited.as_secs() * 1_250_000;
        let fields = [
            ("shard", Value::Int(0)),
            ("used", Value::Int(used)),
            ("max", Value::Int(30_064_771_072)),
            ("budget", Value::Int(24_051_816_857)),
            ("in_flight", Value::Int(0)),
            ("incoming", Value::Int(31_000_000)),
            if full {
                ("waited_secs", Value::Int(waited.as_secs()))
            } else {
                ("waited_ms", Value::Int(u64::try_from(waited.as_millis()).unwrap_or(0)))
            },
        ];
        let (level, message) = if full {
            (Level::Error, "admission wait cap exceeded; failing upload")
        } else {
            (Level::Warn, "Redis near capacity; blocking upload (backpressure)")
        };
        self.node_record(node, &Record { fields: &fields, ..Record::new(level, sites::REDIS_ADMISSION, format_args!("{message}")) });
        self.sign(Sign::StoreFull);
        if full {
            self.execution_fails(c, proof, "admission wait cap exceeded: Redis stayed above its memory budget for 120s");
        } else {
            self.agenda.add(self.now.plus(Duration::from_secs(10)), Event::Shard { coord: c, proof, token });
        }
    }

    fn pressure_over(&mut self, c: usize, proof: usize, node: usize) {
        let now = self.now;
        let Some(since) = self.coords[c].proof_mut(proof).and_then(|p| p.run.blocked_since.take()) else { return };
        let waited = u64::try_from(now.since(since).as_millis()).unwrap_or(0);
        let fields = [("shard", Value::Int(0)), ("waited_ms", Value::Int(waited))];
        let message = format_args!("admission cleared; upload resumed");
        self.node_record(node, &Record { fields: &fields, ..Record::new(Level::Info, sites::REDIS_ADMISSION, message) });
    }

    /// The execution of a proof cannot go on: fatal.
    fn execution_fails(&mut self, c: usize, proof: usize, reason: &str) {
        let Some(p) = self.coords[c].proof(proof) else { return };
        let found = p.tasks.iter().position(|t| matches!(t.state, TaskState::Running(_)) && t.kind == Kind::CoreExecute);
        let node = p.run.exec_node;
        if let Some(task) = found {
            self.fatal_error(node, c, TaskRef { proof, task }, reason);
        }
    }

    /// The guest has run to its end: the memory shards follow.
    fn execution_ends(&mut self, c: usize, proof: usize) {
        let Some(p) = self.coords[c].proof_mut(proof) else { return };
        let (node, missing) = (p.run.exec_node, self.api.rows[p.row].work.shards.saturating_sub(p.run.made));
        p.run.executed = true;
        p.run.made += missing;
        p.run.token = 0;
        let memory = self.api.rows[p.row].work.memory_shards;
        for _ in 0..missing {
            self.create_from(c, proof, Kind::ProveShard, node, true);
        }
        for _ in 0..memory {
            self.create_from(c, proof, Kind::ProveShard, node, false);
        }
    }

    /// A task of a proof is done: what its Controller does next.
    pub(super) fn course_goes_on(&mut self, c: usize, proof: usize, number: u32, kind: Kind) {
        if self.run_of(c, proof, number).is_none() || self.is_unheard(kind) {
            return;
        }
        let Some(run) = self.run_of(c, proof, number) else { return };
        match kind {
            Kind::Controller => run.alive = false,
            Kind::SetupVkey => {
                let later = self.rng.micros(900, 2800);
                let event = Event::Course { coord: c, proof, run: number, step: Step::Execute };
                self.agenda.add(self.now.plus(later), event);
            }
            Kind::CoreExecute => {
                self.execution_ends(c, proof);
                self.fold(c, proof, number);
            }
            Kind::ProveShard | Kind::RecursionDeferred => {
                run.proved += 1;
                run.open += 1;
                self.fold(c, proof, number);
            }
            Kind::RecursionReduce => {
                run.folding -= 1;
                run.open += 1;
                self.fold(c, proof, number);
            }
            Kind::ShrinkWrap => {
                let node = run.node;
                let mode = self.coords[c].proof(proof).and_then(|p| p.mode);
                let wrap = if mode == Some(Mode::Groth16) { Kind::Groth16Wrap } else { Kind::PlonkWrap };
                self.create_from(c, proof, wrap, node, false);
            }
            Kind::PlonkWrap | Kind::Groth16Wrap => self.finish(c, proof, number),
        }
    }

    /// Folds shard proofs as they come, the last of them into one.
    fn fold(&mut self, c: usize, proof: usize, number: u32) {
        let mode = self.coords[c].proof(proof).and_then(|p| p.mode);
        let Some(run) = self.run_of(c, proof, number) else { return };
        if run.stage > Stage::Recursion {
            return;
        }
        let all = run.executed && run.proved >= run.expected;
        if all {
            run.stage = Stage::Recursion;
        }
        if mode == Some(Mode::Core) {
            if all {
                self.finish(c, proof, number);
            }
            return;
        }
        let mut folds = 0;
        while run.open >= ARITY && (run.open > ARITY || !all || run.folding > 0) {
            run.open -= ARITY;
            run.folding += 1;
            folds += 1;
        }
        let last = all && run.folding == 0;
        if last && (run.open > 1 || run.folds == 0) {
            run.open = 0;
            run.folding += 1;
            folds += 1;
        }
        run.folds += folds;
        let (node, done) = (run.node, last && folds == 0);
        for _ in 0..folds {
            self.create_from(c, proof, Kind::RecursionReduce, node, false);
        }
        if done {
            if mode == Some(Mode::Compressed) {
                self.finish(c, proof, number);
            } else {
                if let Some(run) = self.run_of(c, proof, number) {
                    run.stage = Stage::Wrap;
                }
                self.create_from(c, proof, Kind::ShrinkWrap, node, false);
            }
        }
    }

    fn finish(&mut self, c: usize, proof: usize, number: u32) {
        let Some(run) = self.run_of(c, proof, number).filter(|r| r.stage != Stage::Finish) else { return };
        run.stage = Stage::Finish;
        let later = secs(self.rng.between(0.04, 0.4));
        let event = Event::Course { coord: c, proof, run: number, step: Step::Finish };
        self.agenda.add(self.now.plus(later), event);
    }

    /// One of its tasks can never be done: the Controller fails (and may be
    /// tried again, from nothing).
    pub(super) fn controller_gives_up(&mut self, c: usize, proof: usize) {
        let Some(p) = self.coords[c].proof_mut(proof).filter(|p| p.run.alive) else { return };
        p.run.alive = false;
        let (node, seq) = (p.run.node, p.run.seq);
        self.fail_running(node, seq, "a task of the proof failed: FailedFatal");
    }
}
