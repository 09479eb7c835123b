//! Which logs are followed: coordinator, api and cpu-nodes always, gpu-nodes up
//! to a limit and the one that is looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::access::Access;
use super::follow::{self, Follow};
use super::pods::{Pods, PodsReader, component, main_container};
use crate::envelope::SourceState;
use crate::event::{Component, PodInfo};
use crate::sources::hub::{Hub, Port};

/// How many logs are followed.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// gpu-node logs by default.
    pub gpu_nodes: usize,
    /// All others: a cluster with more of them has something odd.
    pub others: usize,
    /// The least that the coordinator's log is begun with, in lines.
    pub coordinator_tail: usize,
    /// Silence of the coordinator, which prints every 10 s, that is suspicious.
    pub coordinator_silence: Duration,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { gpu_nodes: 16, others: 128, coordinator_tail: 2_500, coordinator_silence: Duration::from_secs(25) }
    }
}

/// The most that a log is begun with, in lines.
const MAX_TAIL: usize = 25_000;

/// A container of a certain pod.
type Key = (String, Option<String>, String);

/// Opens and closes streams as pods come and go and `focus` changes.
pub async fn run(
    hub: Hub,
    access: Arc<Access>,
    options: LogOptions,
    port: Port,
    mut pods: PodsReader,
    mut focus: watch::Receiver<Option<String>>,
) {
    let mut open: BTreeMap<Key, CancellationToken> = BTreeMap::new();
    loop {
        let (wanted, detail) = {
            let table = pods.borrow_and_update();
            let focus = focus.borrow_and_update();
            choose(&table, &options, focus.as_deref(), &open)
        };
        open.retain(|key, stop| {
            let keep = wanted.contains_key(key);
            if !keep {
                stop.cancel();
            }
            keep
        });
        for (key, (follow, component)) in wanted {
            if open.contains_key(&key) {
                continue;
            }
            let source = hub.port(&format!("log:{}/{}", follow.pod, follow.container)).of(Some(component.as_str()), Some(&follow.pod));
            let stop = CancellationToken::new();
            hub.spawn(follow::run(Arc::clone(&access), follow, source, pods.clone(), stop.clone()));
            open.insert(key, stop);
        }
        if pods.borrow().known {
            port.state(SourceState::Live, &detail).await;
        }
        tokio::select! {
            changed = pods.changed() => if changed.is_err() { return },
            changed = focus.changed() => if changed.is_err() { return },
        }
        // Changes come in bursts.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The streams to have, and what to say of those that are not.
fn choose(
    pods: &Pods,
    options: &LogOptions,
    focus: Option<&str>,
    open: &BTreeMap<Key, CancellationToken>,
) -> (BTreeMap<Key, (Follow, Component)>, String) {
    let mut always = Vec::new();
    let mut gpu = Vec::new();
    for pod in pods.by_name.values() {
        match component(pod) {
            Some(c @ (Component::Coordinator | Component::Api | Component::CpuNode)) => always.push((c, pod)),
            Some(c @ (Component::GpuNode | Component::Node)) => gpu.push((c, pod)),
            _ => {}
        }
    }
    // The coordinator first: it must not fall behind the limit.
    always.sort_by_key(|(c, p)| (*c != Component::Coordinator, *c, p.name.clone()));
    let kept: BTreeSet<&str> = open.keys().map(|(pod, _, _)| pod.as_str()).collect();
    // Streams that are open stay open; then pods that run, in their order.
    gpu.sort_by_key(|(_, p)| {
        let looked_at = Some(p.name.as_str()) == focus;
        (!looked_at, !kept.contains(p.name.as_str()), p.phase != "Running", p.name.clone())
    });
    let limit = options.gpu_nodes + usize::from(gpu.first().is_some_and(|(_, p)| Some(p.name.as_str()) == focus));
    let mut left_out = Vec::new();
    if gpu.len() > limit {
        left_out.push(format!("{} of {} gpu-node logs are followed; looking at one follows it too", limit, gpu.len()));
    }
    if always.len() > options.others {
        left_out.push(format!("{} of {} coordinator, api and cpu-node logs are followed", options.others, always.len()));
    }
    let workers = pods.by_name.len();
    let wanted = always.into_iter().take(options.others).chain(gpu.into_iter().take(limit));
    let wanted = wanted.filter_map(|(c, pod)| {
        let follow = how(c, pod, workers, options)?;
        Some(((follow.pod.clone(), follow.uid.clone(), follow.container.clone()), (follow, c)))
    });
    (wanted.collect(), left_out.join("; "))
}

fn how(component: Component, pod: &PodInfo, workers: usize, options: &LogOptions) -> Option<Follow> {
    let lines = match component {
        // Each period prints a line a worker: two periods, and what is between.
        Component::Coordinator => (2 * workers + 500).max(options.coordinator_tail).min(MAX_TAIL),
        // A waiting client makes twenty lines a second.
        Component::Api => 300,
        Component::CpuNode => 1_000,
        _ => 400,
    };
    Some(Follow {
        pod: pod.name.clone(),
        uid: pod.uid.clone(),
        container: main_container(pod)?.to_owned(),
        tail: u32::try_from(lines).unwrap_or(u32::MAX),
        silence: (component == Component::Coordinator).then_some(options.coordinator_silence),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pods(names: &[(&str, &str)]) -> Pods {
        let pod = |(app, name): &(&str, &str)| {
            let info = PodInfo {
                name: (*name).into(),
                app: Some((*app).into()),
                phase: "Running".into(),
                containers: vec!["istio-proxy".into(), (*app).into()],
                ..PodInfo::default()
            };
            ((*name).to_owned(), info)
        };
        Pods { by_name: names.iter().map(pod).collect(), known: true }
    }

    #[test]
    fn thousands_of_gpu_nodes_do_not_open_thousands_of_streams() {
        let names: Vec<_> = (0..2_000).map(|n| format!("gpu-{n:04}")).collect();
        let mut all: Vec<_> = names.iter().map(|n| ("gpu-node", n.as_str())).collect();
        all.extend([("coordinator", "coordinator-1"), ("api", "api-1"), ("cpu-node", "cpu-1"), ("redis", "redis-master-0")]);
        let table = pods(&all);
        let options = LogOptions { gpu_nodes: 2, ..LogOptions::default() };
        let (wanted, detail) = choose(&table, &options, Some("gpu-1234"), &BTreeMap::new());
        let names: Vec<_> = wanted.keys().map(|k| k.0.as_str()).collect();
        assert_eq!(names, ["api-1", "coordinator-1", "cpu-1", "gpu-0000", "gpu-0001", "gpu-1234"]);
        assert_eq!(detail, "3 of 2000 gpu-node logs are followed; looking at one follows it too");
        let (follow, _) = &wanted[&("coordinator-1".into(), None, "coordinator".into())];
        assert_eq!((follow.tail, follow.silence.is_some()), (4_508, true));
        // What is open stays open when another is looked at.
        let open = wanted.keys().map(|k| (k.clone(), CancellationToken::new())).collect();
        let (wanted, _) = choose(&table, &options, None, &open);
        assert!(wanted.keys().any(|k| k.0 == "gpu-0001") && !wanted.keys().any(|k| k.0 == "gpu-1234"));
    }
}
