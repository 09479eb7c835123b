//! Pods' CPU and memory from metrics.k8s.io, and the components' own metrics in
//! Prometheus format through the API server's proxy to pods.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::access::Access;
use super::http::{self, Ask, Failure};
use super::objects::DENIED;
use super::pods::{Pods, PodsReader, component};
use crate::envelope::{Kind, SourceState};
use crate::event::Component;
use crate::sources::backoff::{Backoff, jitter};
use crate::sources::hub::{Hub, Port};

/// metrics-server measures about each 15 s.
const POD_METRICS: Duration = Duration::from_secs(15);
/// How often is looked whether a metrics server was installed meanwhile.
const ABSENT: Duration = Duration::from_secs(120);
/// How often each pod's own metrics are read.
const SCRAPE: Duration = Duration::from_secs(30);
/// How long a pod may take to answer.
const SCRAPE_LIMIT: Duration = Duration::from_secs(5);
const MAX_POD_METRICS: usize = 64 << 20;
const MAX_SCRAPE: usize = 4 << 20;
/// Where coordinator and nodes serve their metrics (reference 1.2).
const METRICS_PORT: u16 = 9090;

/// Polls the use of resources of all pods.
pub async fn pod_metrics(access: Arc<Access>, port: Port) {
    let path = format!("/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods", access.namespace());
    // The resource's name as roles spell it.
    let ask = Ask::new("list", "pods.metrics.k8s.io");
    let mut backoff = Backoff::network();
    port.state(SourceState::Connecting, "").await;
    loop {
        match http::document(&access, &path, ask, MAX_POD_METRICS).await {
            Ok(raw) => {
                backoff.reset();
                port.state(SourceState::Live, "").await;
                // Seldom, so it waits for room: the next one is far away.
                let _ = port.send(Kind::PodMetrics, raw).await;
                tokio::time::sleep(port.pace(jitter(POD_METRICS).max(POD_METRICS * 9 / 10))).await;
            }
            Err(failure) => {
                let (state, detail, wait) = missing(&failure, &mut backoff);
                port.state(state, &detail).await;
                tokio::time::sleep(wait).await;
            }
        }
        if port.closed() {
            return;
        }
    }
}

/// What the absence of pod metrics means and how soon to look again.
fn missing(failure: &Failure, backoff: &mut Backoff) -> (SourceState, String, Duration) {
    match failure {
        Failure::Denied(d) => (SourceState::Denied, format!("{d}; CPU and memory of pods stay unknown"), jitter(DENIED)),
        // Nobody serves the group at all.
        Failure::Status(404, _) => (
            SourceState::Ended,
            "not offered: metrics.k8s.io is not served here; install metrics-server to see CPU and memory of pods".into(),
            jitter(ABSENT),
        ),
        Failure::Status(503, message) => {
            let detail = format!("metrics.k8s.io has nothing yet (503: {message}): is metrics-server ready?");
            (SourceState::Connecting, detail, jitter(Duration::from_secs(20)))
        }
        f => (f.state(), f.detail(), backoff.wait()),
    }
}

/// Whether the components' own metrics are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scrape {
    /// Never.
    Off,
    /// While no more pods than this have any.
    UpTo(usize),
}

/// Reads the metrics of each coordinator and node pod in turn.
pub async fn scrape(hub: Hub, access: Arc<Access>, mode: Scrape, port: Port, mut pods: PodsReader) {
    let Scrape::UpTo(max) = mode else {
        port.state(SourceState::Ended, "off").await;
        return;
    };
    let mut ports: BTreeMap<String, Port> = BTreeMap::new();
    loop {
        // Nothing can be said before the first list.
        if pods.wait_for(|p| p.known).await.is_err() {
            return;
        }
        let targets = targets(&pods.borrow());
        let gone: Vec<_> = ports.keys().filter(|p| !targets.iter().any(|t| t.0 == **p)).cloned().collect();
        for name in gone {
            if let Some(port) = ports.remove(&name) {
                port.state(SourceState::Ended, "the pod is gone").await;
            }
        }
        if targets.len() > max {
            let detail = format!("off: {} pods have metrics, more than {max}", targets.len());
            port.state(SourceState::Ended, &detail).await;
        } else {
            let mut denied = None;
            for (pod, component) in &targets {
                let out =
                    ports.entry(pod.clone()).or_insert_with(|| hub.port(&format!("prom:{pod}")).of(Some(component.as_str()), Some(pod)));
                if let Err(failure) = one(&access, pod, out).await {
                    if let Failure::Denied(detail) = failure {
                        denied = Some(detail);
                        break;
                    }
                    out.state(failure.state(), &failure.detail()).await;
                }
            }
            match &denied {
                Some(detail) => port.state(SourceState::Denied, detail).await,
                None => port.state(SourceState::Live, "").await,
            }
            if denied.is_some() {
                tokio::time::sleep(jitter(DENIED)).await;
            }
        }
        if port.closed() {
            return;
        }
        tokio::time::sleep(port.pace(jitter(SCRAPE))).await;
    }
}

async fn one(access: &Access, pod: &str, port: &Port) -> Result<(), Failure> {
    let path = format!("/api/v1/namespaces/{}/pods/{pod}:{METRICS_PORT}/proxy/metrics", access.namespace());
    let got = http::document(access, &path, Ask::new("get", "pods/proxy"), MAX_SCRAPE);
    let raw = tokio::time::timeout(SCRAPE_LIMIT, got).await.map_err(|_| Failure::Timeout)??;
    port.state(SourceState::Live, "").await;
    let _ = port.send(Kind::Prometheus, raw).await;
    Ok(())
}

/// Running pods that serve metrics; the API has none (reference 1.2).
fn targets(pods: &Pods) -> Vec<(String, Component)> {
    let has = |c: &Component| matches!(c, Component::Coordinator | Component::CpuNode | Component::GpuNode | Component::Node);
    let running = pods.by_name.values().filter(|p| p.phase == "Running" && p.deleting_since.is_none());
    running.filter_map(|p| Some((p.name.clone(), component(p).filter(has)?))).collect()
}
