//! JSON documents, told apart by their content: one, or one after another.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::kube::{self, ObjectKind};
use super::{Out, grpc};
use crate::base::text::clean;
use crate::base::{PodName, Timestamp};
use crate::event::{KubeEvent, UnreadReason, What};

/// The fields that tell what a document is.
#[derive(Deserialize)]
struct Probe<'a> {
    #[serde(borrow)]
    kind: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    change: Option<&'a RawValue>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    items: Option<&'a RawValue>,
    #[serde(borrow)]
    t: Option<&'a RawValue>,
    #[serde(borrow)]
    stats: Option<&'a RawValue>,
    #[serde(borrow)]
    proofs: Option<&'a RawValue>,
    #[serde(borrow)]
    stats_error: Option<&'a RawValue>,
    #[serde(borrow)]
    proofs_error: Option<&'a RawValue>,
    #[serde(borrow, alias = "proofRequests")]
    proof_requests: Option<&'a RawValue>,
    #[serde(borrow, alias = "proofRequest")]
    proof_request: Option<&'a RawValue>,
    #[serde(borrow)]
    proving_failure: Option<&'a RawValue>,
    #[serde(borrow)]
    components: Option<&'a RawValue>,
    #[serde(borrow, alias = "coordinatorVersion")]
    coordinator_version: Option<&'a RawValue>,
    #[serde(borrow, alias = "proofStatus")]
    proof_status: Option<&'a RawValue>,
}

/// `null` is there too: Go prints an empty list that way.
fn present<'de: 'a, 'a, D: serde::Deserializer<'de>>(d: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(d).map(Some)
}

/// Reads documents one after another, with or without lines between them.
pub(super) fn documents(raw: &[u8], out: &mut Out<'_>) {
    let mut at = 0;
    while at < raw.len() {
        let mut stream = serde_json::Deserializer::from_slice(&raw[at..]).into_iter::<&RawValue>();
        let mut done = at;
        loop {
            match stream.next() {
                None => return,
                Some(Ok(doc)) => {
                    document(doc, out);
                    done = at + stream.byte_offset();
                }
                Some(Err(_)) => break,
            }
        }
        // What cannot be read ends with its line; the next may be whole.
        let bad = &raw[done..];
        let skip = bad.iter().position(|c| !c.is_ascii_whitespace()).unwrap_or(bad.len());
        let end = memchr::memchr(b'\n', &bad[skip..]).map_or(bad.len(), |n| skip + n + 1);
        out.unread(UnreadReason::UnknownDocument, &bad[skip..end]);
        at = done + end;
    }
}

fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(raw?.get()).ok().map(|t| t.0)
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn document(doc: &RawValue, out: &mut Out<'_>) {
    let unknown = |out: &mut Out<'_>| out.unread(UnreadReason::UnknownDocument, doc.get().as_bytes());
    let Ok(probe) = serde_json::from_str::<Probe<'_>>(doc.get()) else { return unknown(out) };
    if let (Some(change), Some(object)) = (text(probe.change), probe.object) {
        return watch_event(&change, object, out);
    }
    if let Some(kind) = text(probe.kind) {
        return object(&kind, probe.items, doc, out);
    }
    if probe.t.is_some() || probe.stats.is_some() || probe.proofs.is_some() {
        let at = probe.t.and_then(|t| grpc::unix_seconds(t.get())).unwrap_or(out.at);
        if let Some(stats) = probe.stats.filter(|s| s.get() != "null") {
            grpc::json_stats(at, stats.get(), out);
        }
        if let Some(proofs) = probe.proofs.filter(|p| p.get() != "null") {
            grpc::json_proofs(at, proofs.get(), out);
        }
        // An answer that did not come is nothing that could be read.
        let told = [probe.stats, probe.proofs, probe.stats_error, probe.proofs_error];
        if told.iter().all(Option::is_none) {
            unknown(out);
        }
        return;
    }
    let at = out.at;
    if let Some(rows) = probe.proof_requests {
        grpc::json_proofs(at, rows.get(), out);
    } else if let Some(row) = probe.proof_request {
        grpc::json_proofs(at, &format!("[{}]", row.get()), out);
    } else if probe.proof_status.is_some() {
        grpc::json_proofs(at, &format!("[{}]", doc.get()), out);
    } else if probe.proving_failure.is_some() {
        grpc::json_failure(doc.get(), out);
    } else if let Some(list) = probe.components {
        grpc::json_manifest(list.get(), out);
    } else if probe.coordinator_version.is_some() {
        grpc::json_stats(at, doc.get(), out);
    } else {
        unknown(out);
    }
}

/// A line of a watch: `{"type": …, "object": …}`.
fn watch_event(change: &str, object: &RawValue, out: &mut Out<'_>) {
    let malformed = |out: &mut Out<'_>| out.unread(UnreadReason::Malformed, object.get().as_bytes());
    let kind = serde_json::from_str::<Probe<'_>>(object.get()).ok().and_then(|p| text(p.kind));
    let deleted = match change {
        "BOOKMARK" => return,
        "ERROR" => return status(object.get(), out),
        "ADDED" | "MODIFIED" => false,
        "DELETED" => true,
        _ => return malformed(out),
    };
    let Some(kind) = kind.as_deref().and_then(ObjectKind::read) else { return malformed(out) };
    match read(kind, object.get(), out.at) {
        Some(one) => match (one, deleted) {
            (One::Pod(p), false) => out.push(What::Kube(KubeEvent::Pod(p))),
            (One::Pod(p), true) => match PodName::read(p.name.as_bytes()) {
                Some(name) => out.push(What::Kube(KubeEvent::PodDeleted(name))),
                None => malformed(out),
            },
            (One::Workload(w), false) => out.push(What::Kube(KubeEvent::Workload(w))),
            (One::Workload(w), true) => out.push(What::Kube(KubeEvent::WorkloadDeleted(w.name))),
            (One::Node(n), false) => out.push(What::Kube(KubeEvent::Node(n))),
            (One::Node(n), true) => out.push(What::Kube(KubeEvent::NodeDeleted(n.name))),
            // An event that expired still happened.
            (One::Note(n), false) => out.push(What::Kube(KubeEvent::Events(vec![n]))),
            (One::Usage(u), false) => out.push(What::PodMetrics(vec![u])),
            (One::Note(_) | One::Usage(_), true) => {}
        },
        None => malformed(out),
    }
}

/// One object of any kind.
enum One {
    Pod(Box<crate::event::PodInfo>),
    Workload(Box<crate::event::WorkloadInfo>),
    Node(Box<crate::event::NodeInfo>),
    Note(crate::event::KubeNote),
    Usage(crate::event::PodUsage),
}

fn read(kind: ObjectKind, raw: &str, at: Timestamp) -> Option<One> {
    Some(match kind {
        ObjectKind::Pod => One::Pod(Box::new(kube::pod(raw)?)),
        ObjectKind::Deployment => One::Workload(Box::new(kube::workload(raw, false)?)),
        ObjectKind::StatefulSet => One::Workload(Box::new(kube::workload(raw, true)?)),
        ObjectKind::Event => One::Note(kube::note(raw, at)?),
        ObjectKind::Node => One::Node(Box::new(kube::node(raw)?)),
        ObjectKind::PodMetrics => One::Usage(kube::pod_usage(raw, at)?),
    })
}

/// A Kubernetes object or list by its `kind`.
fn object(kind: &str, items: Option<&RawValue>, doc: &RawValue, out: &mut Out<'_>) {
    let malformed = |out: &mut Out<'_>| out.unread(UnreadReason::Malformed, doc.get().as_bytes());
    if kind == "Status" {
        return status(doc.get(), out);
    }
    let kind_of_items = ObjectKind::read(kind);
    let is_list = kind.ends_with("List");
    match (kind_of_items, is_list, items) {
        (Some(kind), false, _) => match read(kind, doc.get(), out.at) {
            Some(one) => {
                let mut lists = Lists::default();
                lists.add(one);
                lists.finish(out, None);
            }
            None => malformed(out),
        },
        // `kubectl get a,b -o json` gives a List of items that tell their kind.
        (kind_of_items, true, Some(items)) if kind_of_items.is_some() || kind == "List" => {
            let Ok(items) = serde_json::from_str::<Option<Vec<&RawValue>>>(items.get()) else { return malformed(out) };
            let mut lists = Lists::default();
            for item in items.unwrap_or_default() {
                let kind = kind_of_items.or_else(|| {
                    let probe = serde_json::from_str::<Probe<'_>>(item.get()).ok()?;
                    ObjectKind::read(&text(probe.kind)?)
                });
                match kind.map(|k| read(k, item.get(), out.at)) {
                    Some(Some(one)) => lists.add(one),
                    Some(None) => out.unread(UnreadReason::Malformed, item.get().as_bytes()),
                    None => out.unread(UnreadReason::UnknownDocument, item.get().as_bytes()),
                }
            }
            lists.whole = true;
            lists.finish(out, kind_of_items);
        }
        (Some(_), true, None) => malformed(out),
        _ => out.unread(UnreadReason::UnknownDocument, doc.get().as_bytes()),
    }
}

/// The items of a list by what they are.
#[derive(Default)]
struct Lists {
    pods: Vec<crate::event::PodInfo>,
    workloads: Vec<crate::event::WorkloadInfo>,
    nodes: Vec<crate::event::NodeInfo>,
    notes: Vec<crate::event::KubeNote>,
    usages: Vec<crate::event::PodUsage>,
    /// True for a list, which replaces what was known.
    whole: bool,
}

impl Lists {
    fn add(&mut self, one: One) {
        match one {
            One::Pod(p) => self.pods.push(*p),
            One::Workload(w) => self.workloads.push(*w),
            One::Node(n) => self.nodes.push(*n),
            One::Note(n) => self.notes.push(n),
            One::Usage(u) => self.usages.push(u),
        }
    }

    /// Makes the events. An empty list of the kind `told` is news too.
    fn finish(mut self, out: &mut Out<'_>, told: Option<ObjectKind>) {
        let whole = self.whole;
        let mut kube = |e| out.push(What::Kube(e));
        if whole && (told == Some(ObjectKind::Pod) || !self.pods.is_empty()) {
            kube(KubeEvent::PodList(self.pods));
        } else {
            for p in self.pods {
                kube(KubeEvent::Pod(Box::new(p)));
            }
        }
        let (sets, deployments): (Vec<_>, Vec<_>) = self.workloads.into_iter().partition(|w| w.stateful);
        if whole && (told == Some(ObjectKind::Deployment) || !deployments.is_empty()) {
            kube(KubeEvent::WorkloadList(deployments));
        } else {
            for w in deployments {
                kube(KubeEvent::Workload(Box::new(w)));
            }
        }
        if whole && (told == Some(ObjectKind::StatefulSet) || !sets.is_empty()) {
            kube(KubeEvent::StatefulSetList(sets));
        } else {
            for w in sets {
                kube(KubeEvent::Workload(Box::new(w)));
            }
        }
        if whole && (told == Some(ObjectKind::Node) || !self.nodes.is_empty()) {
            kube(KubeEvent::Nodes(self.nodes));
        } else {
            for n in self.nodes {
                kube(KubeEvent::Node(Box::new(n)));
            }
        }
        if !self.notes.is_empty() {
            // A list comes in the order of names.
            self.notes.sort_by_key(|n| n.at);
            kube(KubeEvent::Events(self.notes));
        }
        if !self.usages.is_empty() {
            out.push(What::PodMetrics(self.usages));
        }
    }
}

/// A `Status` document: a refusal or a failure; a success says nothing.
fn status(raw: &str, out: &mut Out<'_>) {
    #[derive(Deserialize)]
    struct Failure {
        status: Option<String>,
        #[serde(default)]
        message: Option<String>,
        code: Option<u16>,
    }
    match serde_json::from_str::<Failure>(raw) {
        Ok(s) if s.status.as_deref() == Some("Success") => {}
        Ok(Failure { message, code: Some(code), .. }) => {
            let message = clean(message.unwrap_or_default().as_bytes()).chars().take(1024).collect();
            out.push(What::Kube(KubeEvent::Status { code, message }));
        }
        _ => out.unread(UnreadReason::Malformed, raw.as_bytes()),
    }
}
