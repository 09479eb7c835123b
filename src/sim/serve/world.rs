//! The simulated cluster as its servers see it: moved on by the clock, its
//! logs, and the API server's objects.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use super::clock::SimClock;
use super::logs::Logs;
use super::net::Net;
use super::objects::workload::Extra;
use super::objects::{fixed, node, note, pod, workload};
use super::store::Store;
use crate::base::Timestamp;
use crate::sim::{Chapter, Cluster, Machine, Output};
use crate::sources::hub::{Clock as _, lock};

/// Logs of the coordinator, of others, and of each of many GPU workers are kept
/// up to these sizes.
const COORDINATOR_LOG: usize = 32 << 20;
const OTHER_LOG: usize = 4 << 20;
const GPU_LOG: usize = 192 << 10;
/// Between two steps of the simulation, in wall time.
const STEP: Duration = Duration::from_millis(20);
const IDLE: Duration = Duration::from_millis(250);

/// Everything that the servers answer from.
pub struct State {
    /// The simulation.
    pub cluster: Cluster,
    /// What its containers wrote.
    pub logs: Logs,
    /// The API server's objects.
    pub store: Store,
    /// How the way to it is disturbed.
    pub net: Net,
    /// What was written into deployments beside what the simulation knows.
    pub extra: BTreeMap<&'static str, Extra>,
    /// The headings of the story that are still to come, the next one last.
    chapters: Vec<(Timestamp, Chapter)>,
    /// Those that have come and were not asked for.
    news: Vec<Chapter>,
    outputs: Vec<Output>,
    seen: u64,
    machines: HashMap<String, (Machine, Timestamp)>,
    /// By event object: since when, how often.
    told: HashMap<(String, &'static str, String), (Timestamp, u32)>,
}

/// The state behind its lock, and the clock that moves it.
pub struct World {
    /// The simulated time.
    pub clock: Arc<SimClock>,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

impl World {
    /// A world around a cluster; `chapters` with their times.
    #[must_use]
    pub fn new(cluster: Cluster, chapters: Vec<(Timestamp, Chapter)>, clock: Arc<SimClock>) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::new(State::new(cluster, chapters)), changed: watch::channel(0).0 })
    }

    /// Brings the world to the present time and does something with it.
    pub fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let mut state = lock(&self.state);
        let moved = state.step(self.clock.now());
        let before = (state.store.version(), state.net.changes());
        let out = f(&mut state);
        // What was done may show at once.
        let now = state.cluster.now();
        let moved = state.step(now) || moved || before != (state.store.version(), state.net.changes());
        drop(state);
        if moved {
            self.changed.send_modify(|n| *n += 1);
        }
        out
    }

    /// Reads what is there, at most a step old. (What waits for changes must not
    /// make the next ones, or everything wakes everything.)
    pub fn read<T>(&self, f: impl FnOnce(&State) -> T) -> T {
        f(&lock(&self.state))
    }

    /// Wakes when something was logged or changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Lets the time go by, for ever.
    pub async fn run(self: Arc<Self>) {
        loop {
            let next = self.with(|s| s.cluster.next_time());
            let wait = self.clock.until(next).unwrap_or(IDLE);
            tokio::time::sleep(wait.clamp(STEP, IDLE)).await;
        }
    }

    /// The headings that have come since the last call.
    pub fn news(&self) -> Vec<Chapter> {
        std::mem::take(&mut lock(&self.state).news)
    }
}

impl State {
    /// A cluster before anybody has looked at it; `chapters` with their times.
    #[must_use]
    pub fn new(cluster: Cluster, mut chapters: Vec<(Timestamp, Chapter)>) -> Self {
        chapters.reverse();
        let mut state = Self {
            logs: Logs::default(),
            store: Store::new(),
            net: Net::default(),
            extra: BTreeMap::new(),
            chapters,
            news: Vec::new(),
            outputs: Vec::new(),
            seen: 0,
            machines: HashMap::new(),
            told: HashMap::new(),
            cluster,
        };
        state.begin();
        state
    }

    /// What is there before anything happens.
    fn begin(&mut self) {
        let (namespace, at) = (self.cluster.namespace().to_owned(), self.cluster.now());
        for name in ["default", "kube-system", namespace.as_str()] {
            self.store.put("namespaces", fixed::namespace(name, at));
        }
        for n in 0..fixed::SERVICES.len() {
            self.store.put("services", fixed::service(n, &namespace, at));
        }
        self.store.put("secrets", fixed::secret(&namespace, at));
        self.sync();
    }

    /// Lets everything up to `now` happen; true when anything was logged or
    /// changed.
    fn step(&mut self, now: Timestamp) -> bool {
        self.cluster.step_into(now, &mut self.outputs);
        let wrote = !self.outputs.is_empty();
        let cluster = &self.cluster;
        let keep = |p: usize| match cluster.pod(p).map_or("", |p| p.app) {
            "coordinator" => COORDINATOR_LOG,
            "gpu-node" => GPU_LOG,
            _ => OTHER_LOG,
        };
        self.logs.take(&mut self.outputs, keep);
        while self.chapters.last().is_some_and(|(at, _)| *at <= now) {
            self.news.extend(self.chapters.pop().map(|c| c.1));
        }
        let changed = self.cluster.revision() != self.seen;
        if changed {
            self.sync();
        }
        wrote || changed
    }

    /// Brings the API server's objects up to date.
    pub fn sync(&mut self) {
        let seen = std::mem::replace(&mut self.seen, self.cluster.revision());
        let namespace = self.cluster.namespace().to_owned();
        let (store, cluster) = (&mut self.store, &self.cluster);
        let mut gone = false;
        for (_, p) in cluster.pods_since(seen) {
            if p.gone {
                gone = true;
                store.remove("pods", &p.name);
            } else {
                store.put("pods", pod::render(p, &namespace));
                if p.app.is_empty() {
                    store.put("statefulsets", workload::stateful_set(p, &namespace));
                }
            }
        }
        for e in cluster.events_since(seen) {
            let key = (e.pod.clone(), e.reason, e.message.clone());
            let told = self.told.entry(key).or_insert((e.at, 0));
            told.1 += 1;
            let about = store.get("pods", &e.pod);
            let field = |path: &str| about.and_then(|p| p.value.pointer(path)).and_then(|v| v.as_str()).map(str::to_owned);
            let (uid, machine) = (field("/metadata/uid").unwrap_or_default(), field("/spec/nodeName"));
            let object = note::render(e, &uid, machine.as_deref(), told.0, told.1, &namespace);
            store.put("events", object);
        }
        self.forget_events();
        if gone {
            let cluster = &self.cluster;
            self.logs.retain(|p| cluster.pod(p).is_some_and(|p| !p.gone || p.revision + 400 > cluster.revision()));
        }
        self.sync_workloads(&namespace);
        self.sync_machines();
        self.sync_endpoints(&namespace);
    }

    /// Events live for an hour.
    fn forget_events(&mut self) {
        let now = self.cluster.now();
        if self.told.len() < 500 && now.secs() % 64 != 0 {
            return;
        }
        let Some(table) = self.store.table("events") else { return };
        let hour = super::objects::time(now.minus(Duration::from_secs(3600)));
        let old: Vec<String> = table
            .objects
            .iter()
            .filter(|(_, o)| o.value["lastTimestamp"].as_str().is_some_and(|t| t < hour.as_str()))
            .map(|(n, _)| n.clone())
            .collect();
        for name in old {
            self.store.remove("events", &name);
        }
        let begin = now.minus(Duration::from_secs(7200));
        self.told.retain(|_, t| t.0 > begin);
    }

    /// Deployments and their replica sets.
    pub fn sync_workloads(&mut self, namespace: &str) {
        for d in self.cluster.deployments() {
            let rollout = self.cluster.rollout(d.name);
            let extra = self.extra.entry(d.name).or_default();
            self.store.put("deployments", workload::deployment(d, rollout, extra, namespace));
            let mut sets: BTreeMap<&str, (u32, u32, &crate::sim::Pod)> = BTreeMap::new();
            for (_, p) in self.cluster.pods().filter(|(_, p)| p.app == d.name && p.deleting_since.is_none()) {
                let set = sets.entry(&p.template_hash).or_insert((0, 0, p));
                set.0 += 1;
                set.1 += u32::from(p.ready);
            }
            let (n, ready) = sets.remove(d.template_hash.as_str()).map_or((0, 0), |s| (s.0, s.1));
            self.store.put("replicasets", workload::replica_set(d, &d.template_hash, d.spec.replicas, n, ready, None, namespace));
            for (hash, (n, ready, like)) in &sets {
                self.store.put("replicasets", workload::replica_set(d, hash, *n, *n, *ready, Some(like), namespace));
            }
            let prefix = format!("{}-", d.name);
            let stale: Vec<String> = self
                .store
                .table("replicasets")
                .into_iter()
                .flat_map(|t| t.objects.keys())
                .filter(|k| k.strip_prefix(&prefix).is_some_and(|h| h != d.template_hash && !sets.contains_key(h)))
                .cloned()
                .collect();
            for name in stale {
                self.store.remove("replicasets", &name);
            }
        }
    }

    fn sync_machines(&mut self) {
        let now = self.cluster.now();
        for m in self.cluster.machines() {
            let known = self.machines.get(&m.name);
            if known.is_some_and(|k| k.0 == m) {
                continue;
            }
            let since = known.map_or(now, |k| k.1);
            self.store.put("nodes", node::render(&m, since, now));
            self.machines.insert(m.name.clone(), (m, since));
        }
    }

    fn sync_endpoints(&mut self, namespace: &str) {
        for (n, (_, (key, value), ..)) in fixed::SERVICES.iter().enumerate() {
            let selects = |p: &crate::sim::Pod| if *key == "app" { p.app == *value } else { p.app.is_empty() && p.container == *value };
            let ready = self.cluster.pods().map(|p| p.1).filter(|p| p.ready && p.deleting_since.is_none() && selects(p));
            let ready: Vec<_> =
                ready.map(|p| (p.name.as_str(), p.uid.as_str(), p.ip.as_str(), p.machine.as_deref().unwrap_or_default())).collect();
            let at = self.cluster.deployments().first().map_or(Timestamp::ZERO, |d| d.created_at);
            self.store.put("endpoints", fixed::endpoints(n, &ready, namespace, at));
        }
    }
}
