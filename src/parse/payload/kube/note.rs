//! Kubernetes events: what its controllers say about objects.

use serde::Deserialize;

use super::{Meta, or_default, time};
use crate::base::Timestamp;
use crate::base::redact::redact;
use crate::event::KubeNote;
use crate::parse::payload::safe;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Note {
    metadata: Meta,
    #[serde(deserialize_with = "or_default", alias = "regarding")]
    involved_object: Involved,
    reason: Option<String>,
    #[serde(alias = "note")]
    message: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    count: Option<u32>,
    first_timestamp: Option<String>,
    last_timestamp: Option<String>,
    event_time: Option<String>,
    series: Option<Series>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Involved {
    kind: String,
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Series {
    count: Option<u32>,
    last_observed_time: Option<String>,
}

/// Reads an Event of `v1` (or `events.k8s.io/v1`); its time is the last that it
/// tells, else `at`.
#[must_use]
pub fn note(raw: &str, at: Timestamp) -> Option<KubeNote> {
    let n: Note = serde_json::from_str(raw).ok()?;
    if n.involved_object.name.is_empty() {
        return None;
    }
    let series = n.series.unwrap_or_default();
    let times = [&series.last_observed_time, &n.last_timestamp, &n.event_time, &n.first_timestamp, &n.metadata.creation_timestamp];
    let object = format!("{}/{}", n.involved_object.kind.to_lowercase(), n.involved_object.name);
    Some(KubeNote {
        at: times.into_iter().find_map(|t| time(t.as_deref())).unwrap_or(at),
        kind: safe(n.kind.as_deref().unwrap_or("Normal"), 32),
        reason: safe(n.reason.as_deref().unwrap_or_default(), 64),
        object: safe(&object, 256),
        message: redact(&safe(n.message.as_deref().unwrap_or_default(), 1024)).into_owned(),
        count: series.count.or(n.count).unwrap_or(1),
    })
}
