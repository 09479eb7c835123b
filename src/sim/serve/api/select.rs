//! Label and field selectors.

use serde_json::Value;

use super::request::{Asked, Target};

/// What a request wants of a kind of objects.
pub struct Selector {
    labels: Vec<Term>,
    fields: Vec<(String, bool, String)>,
    name: Option<String>,
    /// False where the namespace is another: nothing is there.
    here: bool,
}

enum Term {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

impl Selector {
    pub fn read(asked: &Asked, target: &Target, namespace: &str) -> Self {
        Self {
            labels: asked.get("labelSelector").map(labels).unwrap_or_default(),
            fields: asked.get("fieldSelector").map(fields).unwrap_or_default(),
            name: target.name.clone(),
            here: target.namespace.as_deref().is_none_or(|n| n == namespace),
        }
    }

    pub fn takes(&self, object: &Value) -> bool {
        let meta = &object["metadata"];
        let label = |key: &str| meta["labels"].get(key).and_then(Value::as_str);
        self.here
            && self.name.as_deref().is_none_or(|n| meta["name"].as_str() == Some(n))
            && self.labels.iter().all(|t| match t {
                Term::In(k, values) => label(k).is_some_and(|v| values.iter().any(|w| w == v)),
                Term::NotIn(k, values) => label(k).is_none_or(|v| values.iter().all(|w| w != v)),
                Term::Exists(k) => label(k).is_some(),
                Term::Missing(k) => label(k).is_none(),
            })
            && self.fields.iter().all(|(path, equal, value)| {
                let at = format!("/{}", path.replace('.', "/"));
                let is = object.pointer(&at).and_then(Value::as_str).unwrap_or_default() == value;
                is == *equal
            })
    }
}

fn fields(text: &str) -> Vec<(String, bool, String)> {
    let term = |t: &str| {
        let (k, equal, v) = if let Some((k, v)) = t.split_once("!=") {
            (k, false, v)
        } else {
            let (k, v) = t.split_once("==").or_else(|| t.split_once('='))?;
            (k, true, v)
        };
        Some((k.trim().to_owned(), equal, v.trim().to_owned()))
    };
    text.split(',').filter_map(term).collect()
}

fn labels(text: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        // A comma within brackets separates values.
        let end = rest.char_indices().scan(0i32, |depth, (i, c)| {
            *depth += i32::from(c == '(') - i32::from(c == ')');
            Some((i, c == ',' && *depth == 0))
        });
        let end = end.into_iter().find(|e| e.1).map_or(rest.len(), |e| e.0);
        let t = rest[..end].trim();
        rest = rest.get(end + 1..).unwrap_or_default().trim();
        let values =
            |s: &str| s.trim().trim_start_matches('(').trim_end_matches(')').split(',').map(|v| v.trim().to_owned()).collect::<Vec<_>>();
        let key = |s: &str| s.trim().to_owned();
        terms.push(if let Some((k, v)) = t.split_once(" notin ") {
            Term::NotIn(key(k), values(v))
        } else if let Some((k, v)) = t.split_once(" in ") {
            Term::In(key(k), values(v))
        } else if let Some((k, v)) = t.split_once("!=") {
            Term::NotIn(key(k), vec![key(v)])
        } else if let Some((k, v)) = t.split_once("==").or_else(|| t.split_once('=')) {
            Term::In(key(k), vec![key(v)])
        } else if let Some(k) = t.strip_prefix('!') {
            Term::Missing(key(k))
        } else {
            Term::Exists(key(t))
        });
    }
    terms
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn takes(query: &str) -> bool {
        let object = json!({"metadata": {"name": "a", "labels": {"app": "gpu-node", "x": "1"}}, "status": {"phase": "Running"}});
        let asked = Asked::read("/api/v1/namespaces/ns/pods", Some(query), None);
        Selector::read(&asked, &Target::read(&asked.path).unwrap(), "ns").takes(&object)
    }

    #[test]
    fn selectors_select() {
        for yes in [
            "",
            "labelSelector=app%3Dgpu-node",
            "labelSelector=app%20in%20(cpu-node,gpu-node),x",
            "labelSelector=app!=api,!y",
            "labelSelector=app+notin+(api)",
            "fieldSelector=status.phase%3DRunning,metadata.name%3Da",
            "fieldSelector=status.phase!=Pending",
        ] {
            assert!(takes(yes), "{yes}");
        }
        for no in [
            "labelSelector=app%3Dapi",
            "labelSelector=y",
            "labelSelector=!x",
            "fieldSelector=metadata.name%3Db",
            "fieldSelector=status.phase!=Running",
        ] {
            assert!(!takes(no), "{no}");
        }
    }
}
