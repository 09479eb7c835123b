//! What a later segment must repeat, so that it can be read without those
//! before it: what is looked at, how the sources fare, the Kubernetes objects
//! that there are.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::base::{SourceName, Timestamp};
use crate::envelope::{Envelope, Kind};

/// Objects that are remembered at most.
const MOST: usize = 20_000;

/// Follows a session.
#[derive(Debug, Default)]
pub(super) struct Sticky {
    session: Option<Envelope>,
    states: BTreeMap<SourceName, Envelope>,
    /// By source, kind and name: the object as a watch event would bring it.
    objects: BTreeMap<(SourceName, String, String), Bytes>,
    manifest: Option<Envelope>,
    stats: BTreeMap<SourceName, Envelope>,
}

#[derive(Deserialize)]
struct Doc<'a> {
    #[serde(rename = "type", default)]
    event: Option<&'a str>,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
    #[serde(default)]
    kind: Option<&'a str>,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(default)]
    kind: Option<String>,
    #[serde(borrow)]
    metadata: Meta<'a>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(default)]
    name: std::borrow::Cow<'a, str>,
}

impl Sticky {
    pub(super) fn note(&mut self, e: &Envelope) {
        match e.kind {
            Kind::Session => self.session = Some(e.clone()),
            Kind::Source if self.states.len() < MOST => {
                self.states.insert(e.source.clone(), e.clone());
            }
            Kind::Manifest => self.manifest = Some(e.clone()),
            Kind::Stats => {
                self.stats.insert(e.source.clone(), e.clone());
            }
            Kind::Json => self.documents(e),
            _ => {}
        }
    }

    fn documents(&mut self, e: &Envelope) {
        for line in e.raw.split(|c| *c == b'\n') {
            let Ok(doc) = serde_json::from_slice::<Doc<'_>>(line) else { continue };
            if let Some(items) = doc.items {
                // A list says all that there is of its kind.
                self.objects.retain(|(s, ..), _| *s != e.source);
                let kind = doc.kind.and_then(|k| k.strip_suffix("List")).unwrap_or_default();
                for item in items {
                    self.object(&e.source, kind, item);
                }
            } else if let (Some(event), Some(object)) = (doc.event, doc.object) {
                let Ok(o) = serde_json::from_str::<Object<'_>>(object.get()) else { continue };
                if event == "DELETED" {
                    self.objects.remove(&(e.source.clone(), o.kind.unwrap_or_default(), o.metadata.name.into_owned()));
                } else if matches!(event, "ADDED" | "MODIFIED") {
                    self.object(&e.source, o.kind.as_deref().unwrap_or_default(), object);
                }
            }
        }
    }

    fn object(&mut self, source: &SourceName, kind: &str, raw: &RawValue) {
        let Ok(o) = serde_json::from_str::<Object<'_>>(raw.get()) else { return };
        let key = (source.clone(), kind.to_owned(), o.metadata.name.into_owned());
        // Items of a list do not say their kind; watch events do.
        let body = if o.kind.is_some() || kind.is_empty() {
            format!("{{\"type\":\"ADDED\",\"object\":{}}}\n", raw.get())
        } else {
            let rest = raw.get().trim_start().strip_prefix('{').unwrap_or_default();
            format!("{{\"type\":\"ADDED\",\"object\":{{\"kind\":\"{kind}\",\"apiVersion\":\"v1\",{rest}}}\n")
        };
        if self.objects.len() < MOST || self.objects.contains_key(&key) {
            self.objects.insert(key, body.into());
        }
    }

    /// What to repeat at `at`, before the envelope of number `seq`.
    pub(super) fn envelopes(&self, seq: u64, at: Timestamp) -> Vec<Envelope> {
        let mut out: Vec<Envelope> = self.session.iter().chain(self.states.values()).cloned().collect();
        let mut lines: BTreeMap<&SourceName, Vec<u8>> = BTreeMap::new();
        for ((source, ..), raw) in &self.objects {
            lines.entry(source).or_default().extend_from_slice(raw);
        }
        out.extend(lines.into_iter().map(|(source, raw)| Envelope { seq, at, source: source.clone(), kind: Kind::Json, raw: raw.into() }));
        out.extend(self.manifest.iter().chain(self.stats.values()).cloned());
        for e in &mut out {
            (e.seq, e.at) = (seq.saturating_sub(1), at);
        }
        out
    }
}
