//! How proofs leave the coordinator: completed, failed, dropped.

use std::cmp::Reverse;

use super::coordinator::{TaskRef, TaskState, Write};
use super::log::{Level, Record, Site, Span, Value};
use super::{Cluster, ProofStatus, Sign, id, sites};

impl Cluster {
    /// A proof leaves memory through the FailProof or CancelProof call or the
    /// claimer. With a status it is written to the API.
    pub(super) fn fail_proof(&mut self, c: usize, proof: usize, task: Option<u128>, sender: bool, extra: Option<String>, write: bool) {
        let Some(p) = self.coords[c].proof(proof) else { return };
        let (id, row) = (p.id.clone(), p.row);
        let task = format!("{:?}", task.map(|t| id::Task(t).to_string()));
        let why = format!("{extra:?}");
        let sender = if sender { "true" } else { "false" };
        let fields = [
            ("proof_id", Value::Text(id.as_str())),
            ("task_id", Value::Raw(&task)),
            ("notify_sender", Value::Raw(sender)),
            ("extra_data", Value::Raw(&why)),
        ];
        let spans = [Span { name: "fail_proof", fields: &fields }];
        let (busy, idle) = self.span_times();
        self.coord_record(c, &Record { spans: &spans, ..Record::new(Level::Info, sites::FAIL, format_args!("Failed proof {id} ")) });
        if write {
            self.sign(Sign::ProofFailed);
        }
        self.close_span(c, sites::FAIL_SPAN, &spans, &busy, &idle);
        self.cancel_tasks(c, proof);
        self.drop_proof(c, proof);
        if write {
            self.write_status(c, row, ProofStatus::Failed, extra);
        }
        self.assign(c);
    }

    /// The Controller has the result: CompleteProof.
    pub(super) fn complete_proof(&mut self, c: usize, proof: usize) {
        let Some(p) = self.coords[c].proof(proof) else { return };
        let (id, row) = (p.id.clone(), p.row);
        let fields = [("proof_id", Value::Text(id.as_str())), ("extra_data", Value::Raw("None"))];
        let spans = [Span { name: "complete_proof", fields: &fields }];
        let (busy, idle) = self.span_times();
        self.coord_record(c, &Record { spans: &spans, ..Record::new(Level::Info, sites::COMPLETE, format_args!("Completed proof {id}")) });
        self.close_span(c, sites::COMPLETE_SPAN, &spans, &busy, &idle);
        self.write_status(c, row, ProofStatus::Completed, None);
    }

    fn close_span(&mut self, c: usize, site: Site, spans: &[Span<'_>], busy: &str, idle: &str) {
        let fields = [("time.busy", Value::Raw(busy)), ("time.idle", Value::Raw(idle))];
        self.coord_record(c, &Record { spans, fields: &fields, close: true, ..Record::new(Level::Info, site, format_args!("close")) });
    }

    /// Short times of a span that did little.
    pub(super) fn span_times(&mut self) -> (String, String) {
        let busy = self.noise.between(31.0, 64.0);
        let idle = self.noise.between(6.3, 9.99);
        (format!("{busy:.1}µs"), format!("{idle:.2}µs"))
    }

    pub(super) fn write_status(&mut self, c: usize, row: usize, status: ProofStatus, extra: Option<String>) {
        let id = self.api.rows[row].id.clone();
        let word = if status == ProofStatus::Completed { "Completed" } else { "Failed" };
        self.coord_log(c, Level::Info, sites::STATUS, format_args!("Setting proof status to {word} for {id}"));
        if self.api.pod.is_some() {
            self.written(c, row, status, extra);
        } else {
            let fails_at = self.now.plus(super::rng::secs(self.rng.between(5.5, 9.5)));
            self.coords[c].writes.push(Write { row, status, extra, fails_at, reported: false });
        }
    }

    pub(super) fn written(&mut self, c: usize, row: usize, status: ProofStatus, extra: Option<String>) {
        if !self.update_row(row, status, extra) && status == ProofStatus::Completed && self.coords[c].release.at_least(2, 4, 0) {
            let id = self.api.rows[row].id.clone();
            self.coord_log(
                c,
                Level::Error,
                sites::UNEXPECTED_STATE,
                format_args!("proof {id} completed from an unexpected (non-Pending) state"),
            );
        }
    }

    /// Cancels what a proof runs on workers.
    pub(super) fn cancel_tasks(&mut self, c: usize, proof: usize) {
        let Some(p) = self.coords[c].proof_mut(proof) else { return };
        p.run.alive = false;
        let mut running = Vec::new();
        for (task, t) in p.tasks.iter_mut().enumerate() {
            if let TaskState::Running(slot) = t.state {
                t.state = TaskState::Ended;
                running.push((TaskRef { proof, task }, slot, t.weight, t.kind));
            }
        }
        for (at, slot, weight, kind) in running {
            let node = self.coords[c].worker(slot).filter(|w| w.link).map(|w| w.node);
            self.coords[c].release_task(slot, at, weight, kind);
            if let Some(node) = node {
                self.node_aborts(node, c, at);
            }
        }
    }

    /// Forgets a proof; what it has in queues goes stale.
    pub(super) fn drop_proof(&mut self, c: usize, proof: usize) {
        let co = &mut self.coords[c];
        let Some(p) = co.proofs.get_mut(proof).and_then(Option::take) else { return };
        co.stale_gpu.extend(p.gpu.iter().filter_map(|Reverse((_, _, t))| p.tasks.get(*t)).map(|t| t.id));
        co.live.retain(|l| *l != proof);
    }
}
