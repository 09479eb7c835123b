//! What of a Kubernetes object is kept: everything but what is large and of no
//! use (managed fields, image lists) and what may be secret (annotations, which
//! hold whole applied manifests; commands; environment values that are not on
//! the allow-list). Recordings are shared with others.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::base::redact::redact;
use crate::parse::payload::env;

/// Strips one object (an item of a list, or a watch event's object) in place.
pub fn object(value: &mut Value) {
    let Value::Object(o) = value else { return };
    if let Some(Value::Object(meta)) = o.get_mut("metadata") {
        meta.remove("managedFields");
        meta.remove("annotations");
    }
    if let Some(Value::Object(spec)) = o.get_mut("spec") {
        pod_spec(spec);
        if let Some(Value::Object(template)) = spec.get_mut("template") {
            if let Some(Value::Object(meta)) = template.get_mut("metadata") {
                meta.remove("annotations");
            }
            if let Some(Value::Object(spec)) = template.get_mut("spec") {
                pod_spec(spec);
            }
        }
        spec.remove("volumeClaimTemplates");
    }
    if let Some(Value::Object(status)) = o.get_mut("status") {
        for large in ["images", "volumesInUse", "volumesAttached", "nodeInfo"] {
            status.remove(large);
        }
    }
    if let Some(Value::String(message)) = o.get_mut("message") {
        *message = redact(message).into_owned();
    }
}

/// Strips Kubernetes documents as they were saved or recorded, one a line or
/// one after another; `None` where there is none of Kubernetes.
#[must_use]
pub fn documents(raw: &[u8]) -> Option<Bytes> {
    memchr::memmem::find(raw, b"\"metadata\"")?;
    let mut out = Vec::with_capacity(raw.len() / 2);
    for doc in serde_json::Deserializer::from_slice(raw).into_iter::<Value>() {
        // What cannot be read is not kept: nobody knows what is in it.
        let Ok(mut doc) = doc else { break };
        if let Some(items) = doc.get_mut("items").and_then(Value::as_array_mut) {
            items.iter_mut().for_each(object);
        } else if let Some(inner) = doc.get_mut("object") {
            object(inner);
        } else {
            object(&mut doc);
        }
        serde_json::to_writer(&mut out, &doc).ok()?;
        out.push(b'\n');
    }
    Some(out.into())
}

fn pod_spec(spec: &mut Map<String, Value>) {
    for of_no_use in ["tolerations", "affinity", "imagePullSecrets", "securityContext"] {
        spec.remove(of_no_use);
    }
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        let Some(Value::Array(containers)) = spec.get_mut(list) else { continue };
        for container in containers.iter_mut().filter_map(Value::as_object_mut) {
            for of_no_use in ["command", "args", "envFrom", "lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                container.remove(of_no_use);
            }
            if let Some(Value::Array(env)) = container.get_mut("env") {
                env.iter_mut().filter_map(Value::as_object_mut).for_each(variable);
            }
        }
    }
}

fn variable(env: &mut Map<String, Value>) {
    let allowed = env.get("name").and_then(Value::as_str).is_some_and(env::is_allowed);
    match env.get_mut("value") {
        Some(Value::String(value)) if allowed => *value = redact(value).into_owned(),
        Some(_) => {
            env.remove("value");
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_what_is_read_stays() {
        let raw = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/kubernetes/deployments.list.json")).unwrap();
        let raw = String::from_utf8(raw).unwrap().replace("RUST_BACKTRACE", "MY_PASSWORD");
        let mut list: Value = serde_json::from_str(&raw).unwrap();
        for item in list["items"].as_array_mut().unwrap() {
            object(item);
        }
        let kept = list.to_string();
        assert!(kept.contains("WORKER_MAX_WEIGHT_OVERRIDE") && kept.contains("\"48\"") && kept.contains("secretKeyRef"));
        for gone in ["managedFields", "last-applied", "\"command\"", "\"full\""] {
            assert!(!kept.contains(gone), "{gone}");
        }
        assert!(kept.len() < raw.len() / 2);
    }
}
