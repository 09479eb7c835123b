//! The three kinds of patches.

use serde_json::{Map, Value};

/// By which field the items of a list are told apart; other lists are replaced
/// as a whole.
const KEYS: &[(&str, &str)] = &[
    ("containers", "name"),
    ("initContainers", "name"),
    ("env", "name"),
    ("volumes", "name"),
    ("ports", "containerPort"),
    ("volumeMounts", "mountPath"),
    ("conditions", "type"),
    ("ownerReferences", "uid"),
];

/// Applies a patch of that media type.
pub fn apply(object: &mut Value, patch: &Value, media: &str) -> Result<(), String> {
    match media.split(';').next().unwrap_or_default().trim() {
        "application/json-patch+json" => json(object, patch),
        "application/merge-patch+json" => {
            merge(object, patch);
            Ok(())
        }
        "application/strategic-merge-patch+json" | "application/apply-patch+yaml" => {
            strategic(object, patch);
            Ok(())
        }
        other => Err(format!("the body of the request was in an unknown format ({other})")),
    }
}

/// RFC 7386.
fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *object = patch.clone();
        return;
    };
    let to = as_map(object);
    for (key, value) in changes {
        if value.is_null() {
            to.remove(key);
        } else {
            merge(to.entry(key).or_insert(Value::Null), value);
        }
    }
}

fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(m) => m,
        _ => unreachable!("made one above"),
    }
}

/// Kubernetes' own: lists of named things are merged by their names.
fn strategic(object: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *object = patch.clone();
        return;
    };
    let to = as_map(object);
    if let Some(Value::Array(keep)) = changes.get("$retainKeys") {
        to.retain(|k, _| keep.iter().any(|v| v.as_str() == Some(k)));
    }
    for (key, value) in changes.iter().filter(|(k, _)| !k.starts_with('$')) {
        let by = KEYS.iter().find(|k| k.0 == key).map(|k| k.1);
        match (value, by) {
            (Value::Null, _) => {
                to.remove(key);
            }
            (Value::Array(items), Some(by)) => list(to.entry(key).or_insert_with(|| Value::Array(Vec::new())), items, by),
            _ => strategic(to.entry(key).or_insert(Value::Null), value),
        }
    }
}

fn list(object: &mut Value, items: &[Value], by: &str) {
    if !object.is_array() {
        *object = Value::Array(Vec::new());
    }
    let Value::Array(all) = object else { return };
    for item in items {
        let directive = item.get("$patch").and_then(Value::as_str);
        let found = all.iter().position(|o| o.get(by).is_some() && o.get(by) == item.get(by));
        match (directive, found) {
            (Some("replace"), _) => all.clear(),
            (Some("delete"), Some(i)) => {
                all.remove(i);
            }
            (Some("delete"), None) => {}
            (_, Some(i)) => strategic(&mut all[i], item),
            (_, None) => {
                let mut new = Value::Null;
                strategic(&mut new, item);
                all.push(new);
            }
        }
    }
}

/// RFC 6902.
fn json(object: &mut Value, patch: &Value) -> Result<(), String> {
    for op in patch.as_array().ok_or("a JSON patch is a list")? {
        let word = |name: &str| op[name].as_str().ok_or(format!("an operation lacks \"{name}\""));
        let (what, path) = (word("op")?, word("path")?);
        match what {
            "add" => put(object, path, op["value"].clone(), true)?,
            "replace" => put(object, path, op["value"].clone(), false)?,
            "remove" => {
                take(object, path)?;
            }
            "test" if object.pointer(path) == Some(&op["value"]) => {}
            "test" => return Err(format!("testing path {path} failed")),
            "copy" => {
                let value = object.pointer(word("from")?).cloned().ok_or("\"from\" does not exist")?;
                put(object, path, value, true)?;
            }
            "move" => {
                let value = take(object, word("from")?)?;
                put(object, path, value, true)?;
            }
            other => return Err(format!("unknown operation {other}")),
        }
    }
    Ok(())
}

fn parent<'a>(object: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), String> {
    let (above, last) = path.rsplit_once('/').ok_or(format!("{path} is no path"))?;
    let above = object.pointer_mut(above).ok_or(format!("the path {path} does not exist"))?;
    Ok((above, last.replace("~1", "/").replace("~0", "~")))
}

fn put(object: &mut Value, path: &str, value: Value, insert: bool) -> Result<(), String> {
    let (above, last) = parent(object, path)?;
    match above {
        Value::Array(items) if insert && last == "-" => items.push(value),
        Value::Array(items) => {
            let i: usize = last.parse().map_err(|_| format!("{path} is no place in a list"))?;
            match (insert, i.cmp(&items.len())) {
                (false, std::cmp::Ordering::Less) => items[i] = value,
                (true, std::cmp::Ordering::Less | std::cmp::Ordering::Equal) => items.insert(i, value),
                _ => return Err(format!("the path {path} does not exist")),
            }
        }
        Value::Object(map) => {
            if !insert && !map.contains_key(&last) {
                return Err(format!("the path {path} does not exist"));
            }
            map.insert(last, value);
        }
        _ => return Err(format!("the path {path} does not exist")),
    }
    Ok(())
}

fn take(object: &mut Value, path: &str) -> Result<Value, String> {
    let (above, last) = parent(object, path)?;
    let taken = match above {
        Value::Array(items) => last.parse().ok().filter(|i| *i < items.len()).map(|i| items.remove(i)),
        Value::Object(map) => map.remove(&last),
        _ => None,
    };
    taken.ok_or(format!("the path {path} does not exist"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment() -> Value {
        json!({"spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "cpu-node", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}]}}}})
    }

    #[test]
    fn lists_of_named_things_merge_by_name() {
        let mut d = deployment();
        // What kubectl sends for `set env deploy/cpu-node A=3 B- C=4`.
        let patch = json!({"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "cpu-node"}], "containers": [
            {"name": "cpu-node", "$setElementOrder/env": [{"name": "A"}, {"name": "C"}],
             "env": [{"name": "A", "value": "3"}, {"name": "C", "value": "4"}, {"$patch": "delete", "name": "B"}]}]}}}});
        apply(&mut d, &patch, "application/strategic-merge-patch+json").unwrap();
        assert_eq!(
            d["spec"]["template"]["spec"]["containers"],
            json!([{"name": "cpu-node", "env": [{"name": "A", "value": "3"}, {"name": "C", "value": "4"}]}])
        );
        assert_eq!(d["spec"]["replicas"], 1);
    }

    #[test]
    fn merge_and_json_patches() {
        let mut d = deployment();
        apply(&mut d, &json!({"spec": {"replicas": 3, "x": {"y": null}}}), "application/merge-patch+json; charset=utf-8").unwrap();
        assert_eq!((&d["spec"]["replicas"], &d["spec"]["x"]), (&json!(3), &json!({})));
        let env = "/spec/template/spec/containers/0/env";
        let patch = json!([
            {"op": "test", "path": "/spec/replicas", "value": 3},
            {"op": "replace", "path": "/spec/replicas", "value": 2},
            {"op": "add", "path": format!("{env}/-"), "value": {"name": "C", "value": "4"}},
            {"op": "remove", "path": format!("{env}/0")},
        ]);
        apply(&mut d, &patch, "application/json-patch+json").unwrap();
        assert_eq!(d["spec"]["replicas"], 2);
        assert_eq!(d.pointer(env).unwrap(), &json!([{"name": "B", "value": "2"}, {"name": "C", "value": "4"}]));
        for bad in [
            json!([{"op": "replace", "path": "/no", "value": 1}]),
            json!([{"op": "test", "path": "/spec/replicas", "value": 9}]),
            json!({}),
        ] {
            assert!(apply(&mut d, &bad, "application/json-patch+json").is_err());
        }
        assert!(apply(&mut d, &json!({}), "text/plain").is_err());
    }
}
