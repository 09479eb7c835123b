//! The simulated cluster without sockets: the envelopes that the live sources
//! would make of what its servers answer, at simulated times. For tests that run
//! whole stories, faster than any clock.

use std::collections::BTreeMap;

use prost::Message as _;
use serde_json::{Value, json};

use super::api::metrics;
use super::grpc;
use super::world::State;
use crate::base::{SourceName, Timestamp};
use crate::envelope::{Envelope, Kind, Session, SourceState, SourceUpdate};
use crate::proto::cluster::ProofRequestListResponse;
use crate::sim::{Cluster, Output, RowFilter, StreamId};
use crate::sources::kube::objects::RESOURCES;
use crate::sources::kube::strip;

/// Which of the live sources there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The logs of all containers, as somebody sees who only has files.
    Logs,
    /// The logs, Kubernetes and the two services.
    All,
}

/// How often the pods' metrics are asked for, as the live source does.
const METRICS_SECS: i64 = 15;
/// How often the services are asked. Seldom, for speed; more often tells nothing
/// that rules look at.
const SERVICES_SECS: i64 = 5;

/// A cluster seen from outside.
pub struct Direct {
    state: State,
    view: View,
    seq: u64,
    outputs: Vec<Output>,
    /// The runs of containers whose logs have begun, with their sources.
    logs: BTreeMap<StreamId, SourceName>,
    /// The last version of each kind of objects that was told.
    versions: BTreeMap<&'static str, u64>,
    revision: u64,
    asked: BTreeMap<&'static str, i64>,
}

impl Direct {
    /// Looks at a cluster.
    #[must_use]
    pub fn new(cluster: Cluster, view: View) -> Self {
        Self {
            state: State::new(cluster, Vec::new()),
            view,
            seq: 0,
            outputs: Vec::new(),
            logs: BTreeMap::new(),
            versions: BTreeMap::new(),
            revision: 0,
            asked: BTreeMap::new(),
        }
    }

    /// The simulation.
    #[must_use]
    pub const fn cluster(&self) -> &Cluster {
        &self.state.cluster
    }

    /// Does something to it.
    pub const fn cluster_mut(&mut self) -> &mut Cluster {
        &mut self.state.cluster
    }

    /// Lets the time go by up to `now` while nobody looks.
    pub fn skip(&mut self, now: Timestamp) {
        self.state.cluster.step_into(now, &mut self.outputs);
        self.outputs.clear();
    }

    /// Lets the time go by up to `now`; what was seen meanwhile goes into `out`.
    pub fn step(&mut self, now: Timestamp, out: &mut Vec<Envelope>) {
        self.state.cluster.step_into(now, &mut self.outputs);
        if self.seq == 0 && self.view == View::All {
            let namespace = Some(self.state.cluster.namespace().to_owned());
            let session = Session { context: Some(super::CONTEXT.into()), namespace, mode: "live".into(), kubeconfig: None };
            self.put(now, "session", Kind::Session, serde_json::to_vec(&session).unwrap_or_default(), out);
        }
        self.tell_logs(now, out);
        if self.view == View::All {
            if self.state.cluster.revision() != self.revision || self.versions.is_empty() {
                self.revision = self.state.cluster.revision();
                self.state.sync();
            }
            self.tell_objects(now, out);
            if self.is_due("metrics", METRICS_SECS, now) {
                let list = json!({"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "items": metrics::pods(&self.state)});
                self.put(now, "kube:podmetrics", Kind::PodMetrics, list.to_string().into_bytes(), out);
            }
            if self.is_due("services", SERVICES_SECS, now) {
                self.ask_services(now, out);
            }
        }
        self.put(now, "clock", Kind::Tick, Vec::new(), out);
    }

    fn is_due(&mut self, what: &'static str, every: i64, now: Timestamp) -> bool {
        let due = self.asked.get(what).is_none_or(|t| now.secs() - t >= every);
        if due {
            self.asked.insert(what, now.secs());
        }
        due
    }

    fn put(&mut self, at: Timestamp, source: &str, kind: Kind, raw: Vec<u8>, out: &mut Vec<Envelope>) {
        self.seq += 1;
        out.push(Envelope { seq: self.seq, at, source: SourceName::new(source), kind, raw: raw.into() });
    }

    /// The lines of each container since the last step together: one read.
    fn tell_logs(&mut self, now: Timestamp, out: &mut Vec<Envelope>) {
        let mut reads: BTreeMap<StreamId, (Timestamp, Vec<u8>)> = BTreeMap::new();
        for o in self.outputs.drain(..) {
            let read = reads.entry(o.source).or_insert((o.at, Vec::new()));
            read.0 = read.0.max(o.at);
            read.1.extend_from_slice(&o.bytes);
        }
        for (stream, (at, bytes)) in reads {
            let Some(pod) = self.state.cluster.pod(stream.pod) else { continue };
            let (name, container) = (pod.name.clone(), pod.container.to_owned());
            let source = format!("log:{name}");
            if self.logs.insert(stream, SourceName::new(&source)).is_none() {
                let update = SourceUpdate {
                    state: SourceState::Live,
                    detail: String::new(),
                    component: Some(container),
                    pod: Some(name),
                    dropped: 0,
                };
                self.put(at, &source, Kind::LogBreak, Vec::new(), out);
                self.put(at, &source, Kind::Source, serde_json::to_vec(&update).unwrap_or_default(), out);
            }
            self.put(at.min(now), &source, Kind::Log, bytes, out);
        }
    }

    /// Lists at first, then what changed.
    fn tell_objects(&mut self, now: Timestamp, out: &mut Vec<Envelope>) {
        for r in RESOURCES {
            let source = format!("kube:{}", r.plural);
            let newest = self.state.store.version();
            let Some(since) = self.versions.insert(r.plural, newest) else {
                let items: Vec<Value> =
                    self.state.store.table(r.plural).into_iter().flat_map(|t| t.objects.values()).map(|o| kept(&o.value)).collect();
                let list = json!({
                    "kind": format!("{}List", r.kind), "apiVersion": r.api,
                    "metadata": {"resourceVersion": newest.to_string()}, "items": items,
                });
                self.put(now, &source, Kind::Json, list.to_string().into_bytes(), out);
                continue;
            };
            let changes = self.state.store.table(r.plural).and_then(|t| t.since(since)).unwrap_or_default();
            for c in changes {
                let event = json!({"type": c.what.as_str(), "object": kept(&c.object.value)});
                self.put(now, &source, Kind::Json, event.to_string().into_bytes(), out);
            }
        }
    }

    fn ask_services(&mut self, now: Timestamp, out: &mut Vec<Envelope>) {
        if let Ok(stats) = self.state.cluster.stats() {
            self.put(now, "grpc:coordinator", Kind::Stats, grpc::stats(stats).encode_to_vec(), out);
        }
        let filter = RowFilter { limit: Some(1000), ..RowFilter::default() };
        if let Ok(rows) = self.state.cluster.list_proofs(&filter) {
            let list = ProofRequestListResponse { proof_requests: rows.into_iter().map(grpc::wire).collect() };
            self.put(now, "grpc:proofs", Kind::Proofs, list.encode_to_vec(), out);
        }
        if let Ok(Some((at, parts))) = self.state.cluster.component_info() {
            let manifest = grpc::manifest(at, parts);
            self.put(now, "grpc:versions", Kind::Manifest, manifest.encode_to_vec(), out);
        }
    }
}

/// An object as the live source keeps it.
fn kept(object: &Value) -> Value {
    let mut object = object.clone();
    strip::object(&mut object);
    object
}
