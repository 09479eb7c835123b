//! Deployments and pods as Kubernetes keeps them: scheduling, starts, exits,
//! back-off, rollouts and events.

use std::collections::VecDeque;
use std::time::Duration;

use super::config::Workload;
use super::event::Event;
use super::objects::{ContainerState, Deployment, Exit, KubeEvent, Pod, Process, Termination};
use super::release::Release;
use super::rng::secs;
use super::{Cluster, Sign, StreamId, id};
use crate::base::Timestamp;

/// Events kept, as a cluster keeps them for about an hour.
const EVENTS: usize = 2000;

#[derive(Default)]
pub(super) struct Kube {
    pub deployments: Vec<Deployment>,
    pub pods: Vec<Pod>,
    /// Indexes of the pods that exist.
    pub present: Vec<usize>,
    pub events: VecDeque<KubeEvent>,
    pub revision: u64,
}

pub(super) fn image(name: &str, release: Release) -> String {
    let family = if name == "gpu-node" { "node-gpu" } else { "base" };
    format!("ghcr.io/succinctlabs/sp1-cluster:{family}-{}", release.tag())
}

impl Cluster {
    pub(super) fn stream(&self, pod: usize) -> StreamId {
        StreamId { pod, run: self.kube.pods[pod].restarts }
    }

    pub(super) fn touch(&mut self, pod: usize) {
        self.kube.revision += 1;
        self.kube.pods[pod].revision = self.kube.revision;
    }

    pub(super) fn kube_event(&mut self, pod: usize, kind: &'static str, reason: &'static str, message: String) {
        self.kube.revision += 1;
        let event = KubeEvent { at: self.now, kind, reason, message, pod: self.kube.pods[pod].name.clone(), revision: self.kube.revision };
        if self.kube.events.len() == EVENTS {
            self.kube.events.pop_front();
        }
        self.kube.events.push_back(event);
    }

    /// Makes a pod of a deployment.
    pub(super) fn create_pod(&mut self, d: usize) -> usize {
        let dep = &self.kube.deployments[d];
        let (name, hash, spec, image) = (dep.name, dep.template_hash.clone(), dep.spec.clone(), dep.image.clone());
        let pod_name = format!("{name}-{hash}-{}", id::kube_suffix(&mut self.rng, 5));
        let pod = self.new_pod(pod_name, name, name, &spec, image);
        let p = &mut self.kube.pods[pod];
        (p.deployment, p.template_hash) = (Some(d), hash);
        self.schedule(pod);
        pod
    }

    /// Makes a pod of anything, not yet scheduled.
    pub(super) fn new_pod(&mut self, name: String, app: &'static str, container: &'static str, spec: &Workload, image: String) -> usize {
        let pod = self.kube.pods.len();
        self.kube.pods.push(Pod {
            name,
            uid: id::kube_uid(&mut self.rng),
            app,
            container,
            template_hash: String::new(),
            image,
            env: spec.env.clone(),
            cpu_limit_millis: spec.cpu_limit_millis,
            memory_limit: spec.memory_limit,
            shm: spec.shm,
            host_memory: spec.host_memory,
            machine: None,
            unschedulable: None,
            ip: format!("10.244.{}.{}", pod / 250 % 256, pod % 250 + 4),
            created_at: self.now,
            started_at: Timestamp::ZERO,
            state: ContainerState::Waiting { reason: "ContainerCreating", message: String::new() },
            ready: false,
            restarts: 0,
            last_termination: None,
            deleting_since: None,
            lost: false,
            lost_since: Timestamp::ZERO,
            gone: false,
            revision: 0,
            release: spec.release,
            deployment: None,
            process: Process::None,
            run: 0,
            crashes: 0,
            exit: None,
        });
        self.kube.present.push(pod);
        self.touch(pod);
        pod
    }

    /// Finds a machine for a pod, or says that there is none.
    pub(super) fn schedule(&mut self, pod: usize) {
        let p = &self.kube.pods[pod];
        if p.gone || p.machine.is_some() {
            return;
        }
        if let Some(d) = p.deployment {
            let (gpu, room) = (p.app == "gpu-node", self.kube.deployments[d].spec.room);
            let placed = self
                .kube
                .present
                .iter()
                .filter(|&&o| self.kube.pods[o].deployment == Some(d) && self.kube.pods[o].machine.is_some())
                .count();
            if placed >= room as usize {
                let what = if gpu { "nvidia.com/gpu" } else { "memory" };
                let message = format!(
                    "0/{0} nodes are available: {0} Insufficient {what}. preemption: 0/{0} nodes are available: {0} No preemption victims found for incoming pod.",
                    room + 3
                );
                if self.kube.pods[pod].unschedulable.as_ref() != Some(&message) {
                    self.kube.pods[pod].unschedulable = Some(message.clone());
                    self.touch(pod);
                    self.sign(Sign::Unschedulable);
                }
                self.kube_event(pod, "Warning", "FailedScheduling", message);
                let later = secs(self.rng.between(8.0, 14.0));
                self.agenda.add(self.now.plus(later), Event::Schedule(pod));
                return;
            }
            let machine = self.free_machine(d, gpu, placed);
            let (name, namespace) = (self.kube.pods[pod].name.clone(), self.config.namespace.clone());
            self.kube_event(pod, "Normal", "Scheduled", format!("Successfully assigned {namespace}/{name} to {machine}"));
            self.kube.pods[pod].machine = Some(machine);
            self.kube.pods[pod].unschedulable = None;
        } else {
            self.kube.pods[pod].machine = Some("node-a".into());
        }
        self.touch(pod);
        let later = secs(self.rng.between(0.9, 2.6));
        self.start_later(pod, later);
    }

    /// A GPU machine has one GPU and takes one pod: the first free one. Others
    /// take as many as come.
    fn free_machine(&self, d: usize, gpu: bool, placed: usize) -> String {
        if !gpu {
            return format!("node-{}", char::from(b"abcdefgh"[placed % 8]));
        }
        let mut taken = vec![false; placed + 1];
        for &o in &self.kube.present {
            let pod = &self.kube.pods[o];
            let number =
                pod.machine.as_deref().filter(|_| pod.deployment == Some(d)).and_then(|m| m.strip_prefix("gpu-")?.parse::<usize>().ok());
            if let Some(slot) = number.and_then(|n| taken.get_mut(n - 1)) {
                *slot = true;
            }
        }
        format!("gpu-{}", taken.iter().position(|t| !t).unwrap_or(placed) + 1)
    }

    fn start_later(&mut self, pod: usize, later: Duration) {
        let p = &mut self.kube.pods[pod];
        p.run += 1;
        let run = p.run;
        self.agenda.add(self.now.plus(later), Event::PodStarts { pod, run });
    }

    pub(super) fn pod_starts(&mut self, pod: usize, run: u32) {
        let now = self.now;
        let p = &mut self.kube.pods[pod];
        if p.gone || p.run != run || p.process != Process::None || p.deleting_since.is_some() {
            return;
        }
        (p.state, p.ready, p.started_at) = (ContainerState::Running, true, now);
        let (app, container, image) = (p.app, p.container, p.image.clone());
        self.kube_event(pod, "Normal", "Pulled", format!("Container image \"{image}\" already present on machine"));
        self.kube_event(pod, "Normal", "Created", format!("Created container: {container}"));
        self.kube_event(pod, "Normal", "Started", format!("Started container {container}"));
        self.kube.pods[pod].process = match app {
            "coordinator" => Process::Coordinator(self.coordinator_starts(pod)),
            "api" => {
                self.api_starts(pod);
                Process::Api
            }
            "cpu-node" | "gpu-node" => Process::Node(self.node_starts(pod)),
            _ => Process::Store,
        };
        self.touch(pod);
        self.reconcile_later(pod);
    }

    fn reconcile_later(&mut self, pod: usize) {
        if let Some(d) = self.kube.pods[pod].deployment {
            let later = self.rng.micros(80_000, 400_000);
            self.agenda.add(self.now.plus(later), Event::Reconcile(d));
        }
    }

    /// The process has decided to end, and will in a moment.
    pub(super) fn process_ends_later(&mut self, pod: usize, seconds: f64, exit: Exit) {
        let p = &mut self.kube.pods[pod];
        p.exit = Some(exit);
        let run = p.run;
        self.agenda.add(self.now.plus(secs(seconds)), Event::PodEnds { pod, run });
    }

    pub(super) fn pod_ends(&mut self, pod: usize, run: u32) {
        let p = &mut self.kube.pods[pod];
        if p.run == run
            && let Some(exit) = p.exit.take()
        {
            self.container_exits(pod, exit);
        }
    }

    /// The container has ended: whatever ran in it is gone, and Kubernetes
    /// starts it again (later and later), unless the pod is being deleted.
    pub(super) fn container_exits(&mut self, pod: usize, exit: Exit) {
        let now = self.now;
        let p = &mut self.kube.pods[pod];
        if p.gone || p.process == Process::None {
            return;
        }
        let process = std::mem::replace(&mut p.process, Process::None);
        if exit.code == 137 {
            self.signs.put(now, Sign::Killed);
        }
        let p = &mut self.kube.pods[pod];
        p.exit = None;
        let ran = now.since(p.started_at);
        p.last_termination = Some(Termination { exit, started_at: p.started_at, finished_at: now });
        p.ready = false;
        match process {
            Process::Node(n) => self.node_dies(n),
            Process::Coordinator(c) => self.coordinator_dies(c),
            Process::Api => self.api.pod = self.api.pod.filter(|a| *a != pod),
            Process::Store | Process::None => {}
        }
        let p = &mut self.kube.pods[pod];
        if p.deleting_since.is_some() {
            self.pod_gone(pod);
            return;
        }
        p.crashes = if ran >= Duration::from_secs(600) { 1 } else { p.crashes + 1 };
        let crashes = p.crashes;
        let wait = if crashes == 1 { self.rng.between(0.8, 2.0) } else { (10.0 * f64::from(1u32 << (crashes - 2).min(6))).min(300.0) };
        self.kube.pods[pod].restarts += 1;
        self.kube.pods[pod].state = if crashes == 1 {
            ContainerState::Waiting { reason: "ContainerCreating", message: String::new() }
        } else {
            let (container, name) = (self.kube.pods[pod].container, self.kube.pods[pod].name.clone());
            let (namespace, uid) = (self.config.namespace.clone(), self.kube.pods[pod].uid.clone());
            self.kube_event(
                pod,
                "Warning",
                "BackOff",
                format!("Back-off restarting failed container {container} in pod {name}_{namespace}({uid})"),
            );
            let (m, s) = (super::rng::whole(wait) / 60, super::rng::whole(wait) % 60);
            let back_off = if m > 0 { format!("{m}m{s}s") } else { format!("{s}s") };
            let message = format!("back-off {back_off} restarting failed container={container} pod={name}_{namespace}({uid})");
            self.sign(Sign::BackOff);
            ContainerState::Waiting { reason: "CrashLoopBackOff", message }
        };
        self.touch(pod);
        self.start_later(pod, secs(wait));
    }

    fn pod_gone(&mut self, pod: usize) {
        let p = &mut self.kube.pods[pod];
        (p.gone, p.ready) = (true, false);
        self.kube.present.retain(|o| *o != pod);
        self.touch(pod);
        self.reconcile_later(pod);
    }

    /// `kubectl delete pod`: SIGTERM, thirty seconds, SIGKILL.
    pub(super) fn delete_pod_at(&mut self, pod: usize) {
        let p = &mut self.kube.pods[pod];
        if p.gone || p.deleting_since.is_some() {
            return;
        }
        p.deleting_since = Some(self.now);
        let (process, container) = (p.process, p.container);
        self.kube_event(pod, "Normal", "Killing", format!("Stopping container {container}"));
        self.touch(pod);
        self.agenda.add(self.now.plus(Duration::from_secs(30)), Event::GraceOver(pod));
        match process {
            Process::Node(n) => self.node_drains(n),
            Process::Coordinator(c) => self.coordinator_shuts_down(c),
            Process::Api => self.api_shuts_down(pod),
            Process::Store => self.process_ends_later(pod, 0.5, Exit::clean()),
            Process::None => self.pod_gone(pod),
        }
        if !self.kube.pods[pod].gone {
            self.reconcile_later(pod);
        }
    }

    pub(super) fn grace_over(&mut self, pod: usize) {
        if !self.kube.pods[pod].gone {
            if self.kube.pods[pod].process == Process::None {
                self.pod_gone(pod);
            } else {
                self.container_exits(pod, Exit::killed());
            }
        }
    }

    /// The pod's machine vanishes, and comes back.
    pub(super) fn pod_lost(&mut self, pod: usize, seconds: f64) {
        let now = self.now;
        let p = &mut self.kube.pods[pod];
        if p.gone || p.lost {
            return;
        }
        (p.lost, p.lost_since, p.ready) = (true, now, false);
        p.run += 1;
        if let Process::Node(n) = p.process {
            self.node_dies(n);
        }
        self.kube_event(pod, "Warning", "NodeNotReady", "Node is not ready".into());
        self.touch(pod);
        self.agenda.add(self.now.plus(secs(seconds)), Event::PodReturns(pod));
    }

    pub(super) fn pod_returns(&mut self, pod: usize) {
        if !self.kube.pods[pod].gone {
            self.kube.pods[pod].lost = false;
            self.container_exits(pod, Exit { reason: "Unknown", code: 255 });
        }
    }

    /// Brings a deployment's pods nearer to what is wanted, a quarter at a
    /// time (the default rolling update).
    pub(super) fn reconcile(&mut self, d: usize) {
        let dep = &self.kube.deployments[d];
        let (want, hash) = (dep.spec.replicas as usize, dep.template_hash.clone());
        let pods = &self.kube.pods;
        let live: Vec<usize> =
            self.kube.present.iter().copied().filter(|&p| pods[p].deployment == Some(d) && pods[p].deleting_since.is_none()).collect();
        let (new, old): (Vec<usize>, Vec<usize>) = live.iter().partition(|&&p| pods[p].template_hash == hash);
        let ready = live.iter().filter(|&&p| pods[p].ready).count();
        let surge = if old.is_empty() { 0 } else { want.div_ceil(4) };
        let spare = (want + surge).saturating_sub(live.len());
        for _ in 0..spare.min(want.saturating_sub(new.len())) {
            self.create_pod(d);
        }
        let mut doomed: Vec<usize> = Vec::new();
        if !old.is_empty() {
            let mut room = ready.saturating_sub(want - want / 4);
            for p in old {
                let up = self.kube.pods[p].ready;
                if !up || room > 0 {
                    room -= usize::from(up);
                    doomed.push(p);
                }
            }
        } else if new.len() > want {
            // Unready pods go first, then the youngest.
            let mut order = new;
            order.sort_by_key(|&p| (self.kube.pods[p].ready, std::cmp::Reverse(p)));
            doomed.extend(order.iter().take(order.len() - want));
        }
        for p in doomed {
            self.delete_pod_at(p);
        }
    }
}
