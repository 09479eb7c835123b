//! `LOG_FORMAT=json` (v2.4.0 and later): one object a line.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Record;
use crate::base::Timestamp;
use crate::event::Level;

#[derive(Deserialize)]
struct JsonRecord<'a> {
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    level: Cow<'a, str>,
    #[serde(default)]
    fields: Fields,
    #[serde(default, borrow)]
    target: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    filename: Option<Cow<'a, str>>,
    #[serde(default)]
    line_number: Option<u64>,
    #[serde(default)]
    spans: Vec<BTreeMap<String, Value>>,
}

#[derive(Deserialize, Default)]
struct Fields {
    #[serde(default)]
    message: String,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// Reads one line.
pub fn read(line: &[u8]) -> Option<Record<'_>> {
    if line.first() != Some(&b'{') {
        return None;
    }
    let l: JsonRecord<'_> = serde_json::from_slice(line).ok()?;
    let at = Timestamp::parse(&l.timestamp)?;
    let level = Level::read(l.level.as_bytes())?;
    let mut message = l.fields.message;
    // What the `log` crate's bridge adds stands for the target.
    let target = match (l.target, l.fields.others.get("log.target").and_then(Value::as_str)) {
        (Some(t), _) => t.into_owned(),
        (None, Some(t)) => t.to_owned(),
        (None, None) => match (l.filename, l.line_number) {
            (Some(f), Some(n)) => format!("{f}:{n}"),
            (Some(f), None) => f.into_owned(),
            _ => String::new(),
        },
    };
    for (k, v) in l.fields.others.iter().filter(|(k, _)| !k.starts_with("log.")) {
        add(&mut message, k, v);
    }
    let mut spans = String::new();
    for s in &l.spans {
        for (k, v) in s {
            if k == "name" {
                if !spans.is_empty() {
                    spans.push(':');
                }
                spans.push_str(v.as_str().unwrap_or_default());
            } else {
                add(&mut message, k, v);
            }
        }
    }
    Some(Record { at, level, spans: spans.into_bytes().into(), target: target.into_bytes().into(), message: message.into_bytes().into() })
}

fn add(message: &mut String, name: &str, value: &Value) {
    use std::fmt::Write as _;
    let _ = match value {
        Value::String(s) => write!(message, " {name}={s:?}"),
        other => write!(message, " {name}={other}"),
    };
}

/// Finds a second object.
pub fn glued(line: &[u8]) -> Option<usize> {
    memchr::memmem::find(line.get(1..)?, b"{\"timestamp\":\"").map(|n| n + 1)
}
