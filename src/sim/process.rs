//! The coordinator's and the API's processes: start and end.

use std::time::Duration;

use super::config::get_env;
use super::coordinator::{Coordinator, TaskState};
use super::event::Event;
use super::kind::Kind;
use super::log::{Level, Record, Span, Value};
use super::objects::Exit;
use super::{Cluster, Sign, id, sites};

impl Cluster {
    pub(super) fn coordinator_starts(&mut self, pod: usize) -> usize {
        let c = self.coords.len();
        let p = &self.kube.pods[pod];
        let weight = get_env(&p.env, "WORKER_CONTROLLER_WEIGHT").and_then(|v| v.parse().ok());
        let release = p.release;
        let salt = self.rng.bits();
        self.coords.push(Coordinator::new(pod, release, weight.unwrap_or_else(|| release.weight(Kind::Controller)), salt));
        for (site, text) in [
            (sites::LOGGER, "logging initialized"),
            (sites::METRICS_LISTENING, "metrics server listening on 0.0.0.0:9090"),
            (sites::COORD_METRICS, "metrics server is ready"),
            (sites::CONNECTING, "connecting to http://api-grpc:50051"),
        ] {
            self.coord_log(c, Level::Info, site, format_args!("{text}"));
        }
        let later = self.rng.micros(350, 5000);
        self.agenda.add(self.now.plus(later), Event::Listening(c));
        c
    }

    pub(super) fn coordinator_listens(&mut self, c: usize) {
        if self.coords[c].shutting {
            return;
        }
        let release = self.coords[c].release;
        self.coords[c].up = true;
        if release.at_least(2, 0, 0) {
            self.coord_log(c, Level::Info, sites::COORD_MODE, format_args!("execute_only_mode=false"));
        }
        let message = format_args!("coordinator (version {}) listening on 0.0.0.0:50051", release.coordinator_version());
        self.coord_log(c, Level::Info, sites::COORD_LISTENING, message);
        if c > 0 {
            self.sign(Sign::CoordinatorBegan);
        }
        let soon = self.noise.micros(300, 2600);
        self.agenda.add(self.now.plus(soon), Event::Block(c));
        self.agenda.add(self.now.plus(Duration::from_secs(5)), Event::Heartbeats(c));
        self.agenda.add(self.now.plus(Duration::from_millis(500)), Event::Claim(c));
        self.agenda.add(self.now.plus(Duration::from_secs(240)), Event::Manifest(c));
    }

    /// SIGTERM: all running work is cancelled.
    pub(super) fn coordinator_shuts_down(&mut self, c: usize) {
        if self.coords[c].shutting {
            return;
        }
        self.coords[c].shutting = true;
        self.coord_log(c, Level::Info, sites::SIGNAL, format_args!("Received signal SIGTERM. Shutting down..."));
        let spans = [Span { name: "shutdown", fields: &[] }];
        let mut cancelled = 0u32;
        for proof in self.coords[c].live.clone() {
            let Some(p) = self.coords[c].proof(proof) else { continue };
            let id = p.id.clone();
            let running: Vec<(u128, usize)> =
                p.tasks.iter().filter_map(|t| if let TaskState::Running(w) = t.state { Some((t.id, w)) } else { None }).collect();
            for (task, slot) in running {
                cancelled += 1;
                if self.coords[c].worker(slot).is_none_or(|w| !w.link) {
                    let message = format_args!("Failed to cancel task {id} {}: channel closed", id::Task(task));
                    self.coord_record(c, &Record { spans: &spans, ..Record::new(Level::Error, sites::SHUT_TASK, message) });
                }
            }
            self.cancel_tasks(c, proof);
        }
        let subscribers = self.coordinator_stats(c).active_subscribers;
        for (site, text) in
            [(sites::SHUT_TASKS, format!("Cancelled {cancelled} tasks")), (sites::SHUT_SUBS, format!("Closed {subscribers} subscribers"))]
        {
            self.coord_record(c, &Record { spans: &spans, ..Record::new(Level::Info, site, format_args!("{text}")) });
        }
        let (busy, idle) = self.span_times();
        let fields = [("time.busy", Value::Raw(busy.as_str())), ("time.idle", Value::Raw(idle.as_str()))];
        self.coord_record(
            c,
            &Record { spans: &spans, fields: &fields, close: true, ..Record::new(Level::Info, sites::SHUT_SPAN, format_args!("close")) },
        );
        for (site, text) in [
            (sites::METRICS_EXTERNAL, "received external shutdown signal, initiating graceful shutdown..."),
            (sites::METRICS_SIGNAL, "shutdown signal received for metrics server"),
            (sites::METRICS_DOWN, "metrics server shut down gracefully"),
        ] {
            self.coord_log(c, Level::Info, site, format_args!("{text}"));
        }
        let stream = self.stream(self.coords[c].pod);
        let end = self.now.plus(Duration::from_millis(2001));
        self.log.put(stream, end, &Record::new(Level::Info, sites::COORD_ABORTED, format_args!("Metrics server aborted")));
        self.log.put(stream, end, &Record::new(Level::Info, sites::COORD_DOWN, format_args!("Graceful shutdown complete")));
        let pod = self.coords[c].pod;
        self.process_ends_later(pod, 2.01, Exit::clean());
    }

    /// The coordinator hangs from now on, or goes on. Its workers have tried to
    /// connect again meanwhile, and are heard then.
    pub(super) fn coordinator_hangs(&mut self, c: usize, hangs: bool) {
        let hung = std::mem::replace(&mut self.coords[c].hangs, hangs);
        self.coords[c].missed = 0;
        if hangs || !hung {
            return;
        }
        for n in self.workers_of(c) {
            self.register(n, c);
        }
    }

    /// Workers wait for a prompt every 5 s, and for no longer than 10 s.
    pub(super) fn prompt_missed(&mut self, c: usize) {
        self.coords[c].missed += 1;
        if self.coords[c].missed == 2 {
            for n in self.workers_of(c) {
                self.node_log(n, Level::Error, sites::NODE_SILENT, format_args!("Heartbeat timed out, reconnecting..."));
                self.node_log(n, Level::Info, sites::CONNECTING, format_args!("connecting to http://coordinator-grpc:50051"));
            }
        }
    }

    /// The worker processes that are connected to it.
    fn workers_of(&self, c: usize) -> Vec<usize> {
        (0..self.nodes.len()).filter(|&n| self.nodes[n].alive && !self.nodes[n].cut && self.nodes[n].coord == Some(c)).collect()
    }

    /// The process is gone, and all that it knew.
    pub(super) fn coordinator_dies(&mut self, c: usize) {
        (self.coords[c].up, self.coords[c].shutting) = (false, true);
        self.coordinator_lost(c);
        let old = &mut self.coords[c];
        let (pod, release, weight) = (old.pod, old.release, old.controller_weight);
        let proofs = old.proofs.len();
        *old = Coordinator::new(pod, release, weight, 0);
        old.proofs.resize_with(proofs, || None);
        old.shutting = true;
    }

    pub(super) fn api_starts(&mut self, pod: usize) {
        let stream = self.stream(pod);
        let now = self.now;
        self.log.put(stream, now, &Record::new(Level::Info, sites::LOGGER, format_args!("logging initialized")));
        self.log.raw(stream, now, "not loading .env file: path not found\n");
        self.log.put(stream, now, &Record::new(Level::Info, sites::API_ENV, format_args!("Loaded environment variables")));
        if self.api.database_down {
            let text = "\nthread 'main' panicked at bin/api/src/lib.rs:33:10:\nFailed to connect to database: PoolTimedOut\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";
            self.log.raw(stream, now.plus(Duration::from_millis(3)), text);
            self.process_ends_later(pod, 3.0, Exit::panic());
            return;
        }
        let at = now.plus(Duration::from_millis(5));
        self.log.put(stream, at, &Record::new(Level::Info, sites::API_MIGRATE, format_args!("Running database migrations")));
        let at = now.plus(Duration::from_millis(62));
        self.log.put(stream, at, &Record::new(Level::Info, sites::API_GRPC, format_args!("Starting gRPC server on 0.0.0.0:50051")));
        self.log.put(stream, at, &Record::new(Level::Info, sites::API_HTTP, format_args!("Starting HTTP server on 0.0.0.0:3000")));
        self.api.pod = Some(pod);
    }

    pub(super) fn api_shuts_down(&mut self, pod: usize) {
        let stream = self.stream(pod);
        let at = self.now;
        self.log.put(stream, at, &Record::new(Level::Info, sites::SIGNAL, format_args!("Received signal SIGTERM. Shutting down...")));
        self.log.put(stream, at, &Record::new(Level::Info, sites::API_DOWN, format_args!("api shut down cleanly")));
        if self.api.pod == Some(pod) {
            let other = self.kube.present.iter().copied().find(|&p| p != pod && self.kube.pods[p].app == "api" && self.kube.pods[p].ready);
            self.api.pod = other;
        }
        self.process_ends_later(pod, 0.2, Exit::clean());
    }
}
