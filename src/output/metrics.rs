//! `export`: what is known, in the Prometheus text format. The queue metrics
//! among it are those that the cluster itself does not have.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::alerts::Alerts;
use crate::event::ProofStatus;
use crate::model::{Gauge, Model, WorkerState};

/// A metric: its name, what it says, and the samples.
struct Family {
    name: &'static str,
    help: &'static str,
    kind: &'static str,
    /// Labels as they are written, and values.
    samples: Vec<(String, f64)>,
}

/// Gauges of the coordinator's stats with their metrics.
const STATS: &[(Gauge, &str, &str)] = &[
    (Gauge::CpuQueue, "sp1_cluster_cpu_queue_tasks", "Tasks that wait for a CPU worker."),
    (Gauge::GpuQueue, "sp1_cluster_gpu_queue_tasks", "Tasks that wait for a GPU worker."),
    (Gauge::CpuCurrent, "sp1_cluster_cpu_weight_used", "Weight of the tasks on CPU workers, in GB."),
    (Gauge::CpuMax, "sp1_cluster_cpu_weight_max", "Weight that CPU workers take at most, in GB."),
    (Gauge::GpuCurrent, "sp1_cluster_gpu_weight_used", "Weight of the tasks on GPU workers."),
    (Gauge::GpuMax, "sp1_cluster_gpu_weight_max", "Weight that GPU workers take at most."),
    (Gauge::ActiveTasks, "sp1_cluster_active_tasks", "Unfinished tasks: queued and running."),
    (Gauge::ActiveProofs, "sp1_cluster_active_proofs", "Proofs that the coordinator works on."),
    (Gauge::CpuWorkers, "sp1_cluster_cpu_workers", "Registered CPU workers."),
    (Gauge::GpuWorkers, "sp1_cluster_gpu_workers", "Registered GPU workers."),
];

fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn family(name: &'static str, help: &'static str, samples: Vec<(String, f64)>) -> Family {
    Family { name, help, kind: "gauge", samples }
}

fn counted(name: &'static str, help: &'static str, by: &str, counts: BTreeMap<String, f64>) -> Family {
    family(name, help, counts.into_iter().map(|(k, v)| (label(by, &k), v)).collect())
}

/// All metrics as one text.
#[must_use]
pub fn metrics(model: &Model, alerts: &Alerts) -> String {
    let mut out = String::new();
    for f in families(model, alerts) {
        if f.samples.is_empty() {
            continue;
        }
        let _ = writeln!(out, "# HELP {} {}\n# TYPE {} {}", f.name, f.help, f.name, f.kind);
        for (labels, value) in f.samples {
            let _ = if labels.is_empty() { writeln!(out, "{} {value}", f.name) } else { writeln!(out, "{}{{{labels}}} {value}", f.name) };
        }
    }
    out
}

fn families(model: &Model, alerts: &Alerts) -> Vec<Family> {
    let now = model.now;
    let mut all = Vec::new();
    if let Some(s) = &model.stats {
        for (gauge, name, help) in STATS {
            // Unknown is absent, never a guess.
            all.push(family(name, help, gauge.of(&s.stats).map(|v| (String::new(), f64::from(v))).into_iter().collect()));
        }
        let total = s.stats.total_tasks.map(|v| (String::new(), v as f64));
        all.push(Family {
            name: "sp1_cluster_tasks_created_total",
            help: "Tasks created since the coordinator started.",
            kind: "counter",
            samples: total.into_iter().collect(),
        });
        all.push(family(
            "sp1_cluster_stats_age_seconds",
            "Age of the newest stats of the coordinator.",
            vec![(String::new(), now.since(s.at).as_secs_f64())],
        ));
    }
    let mut tasks: BTreeMap<String, f64> = BTreeMap::new();
    let mut workers: BTreeMap<String, f64> = BTreeMap::new();
    for w in model.workers.iter() {
        *workers.entry(w.state.as_str().to_owned()).or_default() += 1.0;
        for t in w.tasks.iter().filter(|_| w.state != WorkerState::Lost) {
            *tasks.entry(t.kind.as_ref().map_or("unknown", |k| k.as_str()).to_owned()).or_default() += 1.0;
        }
    }
    all.push(counted("sp1_cluster_running_tasks", "Tasks on workers, by type.", "task_type", tasks));
    all.push(counted("sp1_cluster_workers", "Workers by state, lost ones that are remembered too.", "state", workers));
    let mut proofs: BTreeMap<String, f64> = BTreeMap::new();
    for p in model.proofs.iter() {
        *proofs.entry(p.status.map_or("unknown", ProofStatus::as_str).to_owned()).or_default() += 1.0;
    }
    all.push(counted("sp1_cluster_proofs", "Proofs that are remembered, by status.", "status", proofs));
    let pod = |of: fn(&crate::model::Pod) -> Option<f64>| -> Vec<(String, f64)> {
        model.kube.pods().filter_map(|p| of(p).map(|v| (label("pod", &p.info.name), v))).collect()
    };
    all.push(family("sp1_cluster_pod_restarts", "Restarts of a pod's containers.", pod(|p| Some(f64::from(p.info.restarts)))));
    all.push(family(
        "sp1_cluster_pod_ready",
        "1 for a pod whose containers are all ready.",
        pod(|p| Some(f64::from(u8::from(p.info.ready)))),
    ));
    all.push(family(
        "sp1_cluster_pod_memory_bytes",
        "Working set of a pod.",
        pod(|p| p.last_usage().and_then(|u| u.memory_bytes).map(|v| v as f64)),
    ));
    all.push(family("sp1_cluster_pod_memory_limit_bytes", "Memory limit of a pod.", pod(|p| p.info.memory_limit.map(|v| v as f64))));
    let firing = alerts
        .told()
        .filter(|a| !a.muted)
        .map(|a| (format!("{},{},{}", label("alert", a.id), label("severity", a.severity.as_str()), label("subject", &a.subject)), 1.0));
    all.push(family("sp1top_alert_firing", "1 for an alert that fires.", firing.collect()));
    let sources: Vec<_> = model.sources.iter().filter(|(n, _)| !matches!(n.as_str(), "session" | "clock")).collect();
    let state = |(name, s): &(&crate::base::SourceName, &crate::model::Source)| {
        let state = s.state.map_or("unknown", crate::envelope::SourceState::as_str);
        (format!("{},{}", label("source", name.as_str()), label("state", state)), 1.0)
    };
    all.push(family("sp1top_source_state", "1 for the state that a source is in.", sources.iter().map(state).collect()));
    let ages = sources.iter().filter_map(|(n, s)| s.last_at.map(|at| (label("source", n.as_str()), now.since(at).as_secs_f64())));
    all.push(family("sp1top_source_age_seconds", "Time since a source last gave data.", ages.collect()));
    let dropped = sources.iter().map(|(n, s)| (label("source", n.as_str()), s.dropped as f64)).collect();
    all.push(Family {
        name: "sp1top_source_dropped_total",
        help: "Answers of a source that were dropped because a queue was full.",
        kind: "counter",
        samples: dropped,
    });
    let unread = sources.iter().map(|(n, s)| (label("source", n.as_str()), s.unread_total() as f64)).collect();
    all.push(Family {
        name: "sp1top_source_unread_total",
        help: "Lines and documents of a source that could not be read.",
        kind: "counter",
        samples: unread,
    });
    all
}

/// The names of all metrics, for the dashboard's test.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let mut model = Model::new();
    model.stats = Some(crate::model::StatsNow {
        at: model.now,
        heard: model.now,
        origin: crate::event::StatsSource::Log,
        source: crate::base::SourceName::new("x"),
        stats: crate::event::Stats::default(),
    });
    families(&model, Alerts::none()).into_iter().map(|f| f.name).collect()
}
