//! What the services and the API server would answer, read from the outside.

use std::fmt;
use std::fmt::Write as _;

use super::config::GIB;
use super::coordinator::TaskState;
use super::kind::Kind;
use super::objects::{Deployment, KubeEvent, Pod, Process};
use super::release::Release;
use super::rng::whole;
use super::{Cluster, ProofRequest, ProofStatus, Refusal};
use crate::base::{ProofId, TaskId, TaskType, Timestamp, WorkerId, WorkerKind};

/// `GetStatsResponse`, field by field (facts, section 4).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Stats {
    /// 1: commit and time of the build.
    pub coordinator_version: String,
    /// 2: `v6.1.0` for example.
    pub sp1_circuit_version: String,
    /// 3: made since the coordinator began.
    pub total_tasks: u64,
    /// 4: not yet finished.
    pub active_tasks: u32,
    /// 5: workers of type Cpu.
    pub cpu_workers: u32,
    /// 6: workers of type Gpu.
    pub gpu_workers: u32,
    /// 7: weight of what they run.
    pub cpu_utilization_current: u32,
    /// 8: sum of their maxima.
    pub cpu_utilization_max: u32,
    /// 9: weight of what they run.
    pub gpu_utilization_current: u32,
    /// 10: sum of their maxima.
    pub gpu_utilization_max: u32,
    /// 11: proofs in memory.
    pub active_proofs: u32,
    /// 12: entries of the CPU queue.
    pub cpu_queue: u32,
    /// 13: entries of all GPU queues.
    pub gpu_queue: u32,
    /// 14: open task subscriptions.
    pub active_subscribers: u32,
}

impl fmt::Display for Stats {
    /// As the log prints it, which is the derived `Debug`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut s = f.debug_struct("GetStatsResponse");
        s.field("coordinator_version", &self.coordinator_version).field("sp1_circuit_version", &self.sp1_circuit_version);
        s.field("total_tasks", &self.total_tasks).field("active_tasks", &self.active_tasks);
        s.field("cpu_workers", &self.cpu_workers).field("gpu_workers", &self.gpu_workers);
        s.field("cpu_utilization_current", &self.cpu_utilization_current).field("cpu_utilization_max", &self.cpu_utilization_max);
        s.field("gpu_utilization_current", &self.gpu_utilization_current).field("gpu_utilization_max", &self.gpu_utilization_max);
        s.field("active_proofs", &self.active_proofs).field("cpu_queue", &self.cpu_queue).field("gpu_queue", &self.gpu_queue);
        s.field("active_subscribers", &self.active_subscribers).finish()
    }
}

/// A worker as the coordinator has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerState {
    /// Its id.
    pub id: WorkerId,
    /// Index of its pod, for [`Cluster::pod`].
    pub pod: usize,
    /// Its type.
    pub kind: WorkerKind,
    /// Weight of what it runs.
    pub weight: u32,
    /// Its maximum weight.
    pub max_weight: u32,
    /// Its stream is open.
    pub connected: bool,
    /// What it runs.
    pub tasks: Vec<WorkerTask>,
}

/// A task on a worker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerTask {
    /// Its proof.
    pub proof: ProofId,
    /// Its id.
    pub task: TaskId,
    /// Its type.
    pub kind: TaskType,
    /// Its weight.
    pub weight: u32,
    /// Attempts that have failed.
    pub retries: u8,
}

/// `metrics.k8s.io` of a pod's container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PodUsage {
    /// When it was sampled: every 15 s.
    pub at: Timestamp,
    /// Thousandths of a core.
    pub cpu_millicores: u64,
    /// Working set in bytes.
    pub memory_bytes: u64,
}

/// A Kubernetes node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// Allocatable memory in bytes.
    pub memory: u64,
    /// `nvidia.com/gpu`.
    pub gpus: u32,
    /// The Ready condition.
    pub ready: bool,
}

/// `status` of a Deployment.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Rollout {
    /// Pods of any template.
    pub replicas: u32,
    /// Pods that are ready.
    pub ready: u32,
    /// Pods of the present template.
    pub updated: u32,
}

/// One line of `GetClusterComponentInfo`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Component {
    /// `coordinator`, `cpu-node` or `gpu-node`.
    pub component: &'static str,
    /// `2.7.2` for example.
    pub version: String,
    /// The short commit.
    pub git_sha: String,
    /// The image's tag.
    pub image_tag: String,
}

/// What `ProofRequestList` filters by; empty or `None` filters nothing.
#[derive(Clone, Default, Debug)]
pub struct RowFilter {
    /// Statuses wanted.
    pub statuses: Vec<ProofStatus>,
    /// Unix seconds.
    pub minimum_deadline: Option<u64>,
    /// `handled` as wanted.
    pub handled: Option<bool>,
    /// At most so many; 10 where `None`, never above 1000.
    pub limit: Option<u32>,
    /// Skips so many.
    pub offset: Option<u32>,
    /// `scheduled_by` as wanted.
    pub scheduled_by: Option<String>,
}

impl Cluster {
    /// `GetStats`.
    ///
    /// # Errors
    /// While no coordinator answers.
    pub fn stats(&self) -> Result<Stats, Refusal> {
        let c = self.coordinator()?;
        if self.coords[c].hangs { Err(Refusal::CoordinatorUnavailable) } else { Ok(self.coordinator_stats(c)) }
    }

    pub(super) fn coordinator(&self) -> Result<usize, Refusal> {
        (0..self.coords.len()).rev().find(|&c| self.coords[c].up).ok_or(Refusal::CoordinatorUnavailable)
    }

    /// The workers that the coordinator knows; empty while there is none.
    #[must_use]
    pub fn workers(&self) -> Vec<WorkerState> {
        let Ok(c) = self.coordinator() else { return Vec::new() };
        let co = &self.coords[c];
        let task = |at: &super::coordinator::TaskRef| {
            let (p, t) = (co.proof(at.proof)?, co.task(*at)?);
            Some(WorkerTask {
                proof: p.id.clone(),
                task: TaskId::uuid(t.id),
                kind: t.kind.task_type(),
                weight: t.weight,
                retries: t.retries,
            })
        };
        let worker = |w: &super::coordinator::Worker| WorkerState {
            id: WorkerId::unknown(w.id),
            pod: self.nodes[w.node].pod,
            kind: w.kind,
            weight: w.used,
            max_weight: w.max,
            connected: w.link,
            tasks: w.tasks.iter().filter_map(task).collect(),
        };
        co.workers.iter().flatten().map(worker).collect()
    }

    /// Tasks of a proof that wait for a worker, by type.
    #[must_use]
    pub fn waiting(&self, proof: &ProofId) -> Vec<TaskType> {
        let Ok(c) = self.coordinator() else { return Vec::new() };
        let co = &self.coords[c];
        let of = co.live.iter().filter_map(|&p| co.proof(p)).filter(|p| p.id == *proof);
        of.flat_map(|p| &p.tasks).filter(|t| t.state == TaskState::Queued).map(|t| t.kind.task_type()).collect()
    }

    /// All rows of the API's table, oldest first.
    #[must_use]
    pub fn proof_requests(&self) -> &[ProofRequest] {
        &self.api.rows
    }

    /// The request whose proof goes to that artifact.
    #[must_use]
    pub fn proof_of_artifact(&self, artifact: &str) -> Option<&ProofRequest> {
        self.api.rows.iter().rev().find(|r| r.proof_artifact_id.as_deref() == Some(artifact))
    }

    /// Redis has reached its memory budget.
    #[must_use]
    pub const fn redis_full(&self) -> bool {
        self.faults.redis_full
    }

    /// `ProofRequestList`: oldest first, as v2.7.1 and later order them.
    ///
    /// # Errors
    /// While the API is down.
    pub fn list_proofs(&self, filter: &RowFilter) -> Result<Vec<&ProofRequest>, Refusal> {
        self.api_up()?;
        let wanted = |r: &&ProofRequest| {
            (filter.statuses.is_empty() || filter.statuses.contains(&r.proof_status))
                && filter.minimum_deadline.is_none_or(|d| r.deadline >= d)
                && filter.handled.is_none_or(|h| r.handled == h)
                && filter.scheduled_by.as_ref().is_none_or(|s| r.scheduled_by.as_ref() == Some(s))
        };
        let (skip, take) = (filter.offset.unwrap_or(0) as usize, filter.limit.unwrap_or(10).min(1000) as usize);
        Ok(self.api.rows.iter().filter(wanted).skip(skip).take(take).collect())
    }

    /// `GetClusterComponentInfo`: when it was written, and the components.
    /// `None` where the release does not know the call (UNIMPLEMENTED) or
    /// nothing was written yet.
    ///
    /// # Errors
    /// While the API is down.
    pub fn component_info(&self) -> Result<Option<(Timestamp, &[Component])>, Refusal> {
        self.api_up()?;
        let known = self.api.pod.is_some_and(|p| self.kube.pods[p].release.at_least(2, 5, 4));
        Ok(self.manifest.as_ref().filter(|_| known).map(|(at, c)| (*at, c.as_slice())))
    }

    /// The components as they are now: one line a component, of its first pod.
    pub(super) fn components(&self) -> Vec<Component> {
        let line = |name: &'static str| {
            let pod = self.kube.present.iter().map(|&p| &self.kube.pods[p]).find(|p| p.app == name && p.ready)?;
            let tag = pod.image.rsplit(':').next().unwrap_or_default();
            let version = pod.release.tag().trim_start_matches('v').to_owned();
            Some(Component { component: name, version, git_sha: pod.release.sha().to_owned(), image_tag: tag.to_owned() })
        };
        ["coordinator", "cpu-node", "gpu-node"].into_iter().filter_map(line).collect()
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.config.namespace
    }

    /// The API server's `resourceVersion`: grows with every change of a pod,
    /// a deployment or the events.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.kube.revision
    }

    /// A pod by its index, also one that is no more.
    #[must_use]
    pub fn pod(&self, pod: usize) -> Option<&Pod> {
        self.kube.pods.get(pod)
    }

    /// The pods that exist, with their indexes.
    pub fn pods(&self) -> impl Iterator<Item = (usize, &Pod)> {
        self.kube.present.iter().map(|&p| (p, &self.kube.pods[p]))
    }

    /// Pods changed since a revision, those deleted since among them
    /// ([`Pod::gone`]): what a watch would send. In order of change.
    #[must_use]
    pub fn pods_since(&self, revision: u64) -> Vec<(usize, &Pod)> {
        let mut changed: Vec<(usize, &Pod)> = self.kube.pods.iter().enumerate().filter(|(_, p)| p.revision > revision).collect();
        changed.sort_by_key(|(_, p)| p.revision);
        changed
    }

    /// The deployments.
    #[must_use]
    pub fn deployments(&self) -> &[Deployment] {
        &self.kube.deployments
    }

    /// How far a deployment's pods are.
    #[must_use]
    pub fn rollout(&self, deployment: &str) -> Rollout {
        let mut r = Rollout::default();
        let Some(d) = self.kube.deployments.iter().position(|d| d.name == deployment) else { return r };
        let hash = &self.kube.deployments[d].template_hash;
        for (_, p) in self.pods().filter(|(_, p)| p.deployment == Some(d) && p.deleting_since.is_none()) {
            r.replicas += 1;
            r.ready += u32::from(p.ready);
            r.updated += u32::from(p.template_hash == *hash);
        }
        r
    }

    /// Events after a revision, oldest first.
    pub fn events_since(&self, revision: u64) -> impl Iterator<Item = &KubeEvent> {
        let first = self.kube.events.partition_point(|e| e.revision <= revision);
        self.kube.events.range(first..)
    }

    /// What the metrics server says of a pod; `None` for one that does not
    /// run, or has for less than 20 s.
    #[must_use]
    pub fn pod_usage(&self, pod: usize) -> Option<PodUsage> {
        let p = self.kube.pods.get(pod)?;
        let age = self.now.seconds_since(p.started_at);
        if p.process == Process::None || p.lost || age < 20.0 {
            return None;
        }
        let at = Timestamp::from_secs(self.now.secs() / 15 * 15);
        let wobble = 1.0 + 0.02 * (age / 13.0).sin();
        let (cpu, memory) = match p.process {
            Process::Node(n) => (self.nodes[n].memory.millicores(self.now), self.nodes[n].memory.bytes(p.release, self.now)),
            Process::Coordinator(c) => {
                let co = &self.coords[c];
                (25.0 + co.live.len() as f64 * 9.0, 6e7 + co.workers.len() as f64 * 4e4 + co.live.len() as f64 * 2e6)
            }
            Process::Api => (14.0, 4.4e7),
            Process::Store if p.container == "redis" => {
                let used = if self.faults.redis_full { 24.4 } else { (1.1 + 0.6 * self.api.pending.len() as f64).min(19.0) };
                (160.0, used * 1e9)
            }
            Process::Store | Process::None => (22.0, 1.9e8),
        };
        Some(PodUsage { at, cpu_millicores: whole(cpu * wobble), memory_bytes: whole(memory) })
    }

    /// The Kubernetes nodes: those that pods are on, in order of name.
    #[must_use]
    pub fn machines(&self) -> Vec<Machine> {
        let mut all: std::collections::BTreeMap<&str, Machine> = std::collections::BTreeMap::new();
        for (_, p) in self.pods() {
            let Some(name) = p.machine.as_deref() else { continue };
            let gpus = u32::from(name.starts_with("gpu-"));
            let m = all.entry(name).or_insert_with(|| Machine { name: name.to_owned(), memory: p.host_memory.max(GIB), gpus, ready: true });
            m.ready &= !p.lost;
        }
        all.into_values().collect()
    }

    /// What a worker's pod answers at `:9090/metrics` (facts, section 6);
    /// `None` where nothing listens.
    #[must_use]
    pub fn node_metrics(&self, pod: usize) -> Option<String> {
        let p = self.kube.pods.get(pod).filter(|p| !p.lost)?;
        let Process::Node(n) = p.process else { return None };
        let node = &self.nodes[n];
        Some(node.metrics.render(node.kind, p.release, p.host_memory, node.memory.bytes(p.release, self.now), self.now))
    }
}

/// How a task left a process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Done,
    Retryable,
    Aborted,
}

#[derive(Clone, Copy, Default)]
struct OfKind {
    running: u32,
    done: u64,
    retryable: u64,
    fatal: u64,
    millis: f64,
}

/// A worker process's own counters.
pub(super) struct NodeMetrics {
    born: Timestamp,
    kinds: [OfKind; Kind::ALL.len()],
    on_gpu: u32,
    busy_since: Timestamp,
    busy_ms: f64,
}

impl NodeMetrics {
    pub fn new(now: Timestamp) -> Self {
        Self { born: now, kinds: [OfKind::default(); Kind::ALL.len()], on_gpu: 0, busy_since: now, busy_ms: 0.0 }
    }

    pub fn begin(&mut self, kind: Kind, now: Timestamp) {
        self.kinds[kind as usize].running += 1;
        if !kind.on_cpu() {
            if self.on_gpu == 0 {
                self.busy_since = now;
            }
            self.on_gpu += 1;
        }
    }

    pub fn end(&mut self, kind: Kind, since: Timestamp, now: Timestamp, how: Ended) {
        let k = &mut self.kinds[kind as usize];
        k.running = k.running.saturating_sub(1);
        match how {
            Ended::Done => k.done += 1,
            Ended::Retryable => k.retryable += 1,
            Ended::Aborted => {}
        }
        if how != Ended::Aborted {
            k.millis += now.seconds_since(since) * 1e3;
        }
        if !kind.on_cpu() {
            self.on_gpu = self.on_gpu.saturating_sub(1);
            if self.on_gpu == 0 {
                self.busy_ms += now.seconds_since(self.busy_since) * 1e3;
            }
        }
    }

    /// A task of this kind has failed for good; its end is the cancellation
    /// that follows.
    pub fn fatal(&mut self, kind: Kind) {
        self.kinds[kind as usize].fatal += 1;
    }

    fn render(&self, kind: WorkerKind, release: Release, host: u64, used: f64, now: Timestamp) -> String {
        const P: &str = "spn_cluster_worker_";
        const S: &str = "service=\"sp1-worker\"";
        let mut out = String::with_capacity(4096);
        let mut family = |name: &str, of: &str, lines: &[(String, String)]| {
            if !lines.is_empty() {
                _ = writeln!(out, "# HELP {P}{name} \n# TYPE {P}{name} {of}");
                for (series, value) in lines {
                    _ = writeln!(out, "{P}{series} {value}");
                }
                out.push('\n');
            }
        };
        let one = |name: &str, value: u64| vec![(format!("{name}{{{S}}}"), value.to_string())];
        let busy = self.busy_ms + if self.on_gpu > 0 { now.seconds_since(self.busy_since) * 1e3 } else { 0.0 };
        // Memory of the whole host, of which other pods have a little.
        let host_used = (used + 6e9).min(host as f64);
        if now.seconds_since(self.born) >= 60.0 {
            family("memory_usage_bytes", "gauge", &one("memory_usage_bytes", whole(host_used)));
            family("memory_usage_percent", "gauge", &one("memory_usage_percent", whole(host_used / host.max(1) as f64 * 100.0)));
        }
        family("num_gpu_workers", "gauge", &one("num_gpu_workers", u64::from(kind != WorkerKind::Cpu)));
        family("gpu_busy_time", "counter", &one("gpu_busy_time", whole(busy)));
        let label = |name: &str, k: Kind, more: &str| format!("{name}{{{S},task_type=\"{}\"{more}}}", k.screaming());
        let (mut running, mut processed, mut done, mut failed, mut took) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for k in Kind::ALL {
            let of = &self.kinds[k as usize];
            let ended = of.done + of.retryable + of.fatal;
            if ended == 0 && of.running == 0 {
                continue;
            }
            running.push((label("tasks_in_progress", k, ""), of.running.to_string()));
            if ended > 0 {
                processed.push((label("tasks_processed", k, ""), ended.to_string()));
                took.push((label("task_processing_duration_ms_sum", k, ""), format!("{:.0}", of.millis)));
                took.push((label("task_processing_duration_ms_count", k, ""), ended.to_string()));
            }
            if of.done > 0 {
                done.push((label("task_successes", k, ""), of.done.to_string()));
            }
            for (n, again) in [(of.retryable, "true"), (of.fatal, "false")] {
                if n > 0 {
                    failed.push((label("task_failures", k, &format!(",retryable=\"{again}\"")), n.to_string()));
                }
            }
        }
        family("tasks_in_progress", "gauge", &running);
        family("tasks_processed", "counter", &processed);
        family("task_successes", "counter", &done);
        family("task_failures", "counter", &failed);
        family("task_processing_duration_ms", "summary", &took);
        _ = writeln!(out, "# TYPE spn_info gauge\nspn_info{{{S},version=\"0.1.0\",git_sha=\"{}\"}} 1", release.sha());
        out
    }
}
