//! The file: read, and written.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::{KEYS, Key, Origin, Resolved, Settings, nearest};

/// Sections whose names are not settings but what the settings are about.
const OPEN: [&str; 2] = ["keys", "alerts"];

/// Reads a file over what is there.
pub(super) fn read(text: &str, out: &mut Resolved) -> Result<(), String> {
    let table: Table = toml::from_str(text).map_err(|e| place(text, &e))?;
    for (name, value) in &table {
        match (name.as_str(), value) {
            ("keys", Value::Table(t)) => keys(t, out)?,
            ("alerts", Value::Table(t)) => {
                out.settings.alerts = t.clone();
                out.origins.insert("alerts", Origin::File);
            }
            (_, Value::Table(section)) if KEYS.iter().any(|k| k.parts().0 == Some(name.as_str())) => {
                for (inner, value) in section {
                    set(&format!("{name}.{inner}"), value, out)?;
                }
            }
            _ => set(name, value, out)?,
        }
    }
    Ok(())
}

fn set(name: &str, value: &Value, out: &mut Resolved) -> Result<(), String> {
    let Some(key) = KEYS.iter().find(|k| k.name == name) else {
        let meant = nearest(name, KEYS.iter().map(|k| k.name).chain(OPEN));
        let meant = meant.map(|m| format!("did you mean '{m}'? ")).unwrap_or_default();
        return Err(format!("there is no setting '{name}'; {meant}sp1top config lists all"));
    };
    key.set(&mut out.settings, value).map_err(|e| format!("{name}: {e}"))?;
    out.origins.insert(key.name, Origin::File);
    Ok(())
}

fn keys(table: &Table, out: &mut Resolved) -> Result<(), String> {
    for (name, value) in table {
        let wrong = || format!("keys.{name}: a key like \"Q\" or a list of keys like [\"Q\", \"f10\"] is wanted, not {value}");
        let list = match value {
            Value::String(k) => vec![k.clone()],
            Value::Array(list) => list.iter().map(|k| k.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>().ok_or_else(wrong)?,
            _ => return Err(wrong()),
        };
        out.settings.keys.insert(name.clone(), list);
    }
    out.origins.insert("keys", Origin::File);
    Ok(())
}

/// TOML's complaint in one line.
fn place(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map(|s| text[..s.start.min(text.len())].matches('\n').count() + 1);
    let what = error.message().replace('\n', " ");
    line.map_or_else(|| what.clone(), |n| format!("line {n}: {what}"))
}

/// Writes each key's line by `line`, section by section, then the open sections.
fn write(mut line: impl FnMut(&mut String, &Key, &str), out: &mut String) {
    let mut section = None;
    for key in KEYS {
        let (own, name) = key.parts();
        if own != section {
            section = own;
            let _ = writeln!(out, "\n[{}]", own.unwrap_or_default());
        }
        line(out, key, name);
    }
}

/// The effective settings, each with where it comes from.
pub(super) fn effective(r: &Resolved) -> String {
    let mut out = String::new();
    let line = |out: &mut String, key: &Key, name: &str| {
        let text = key.show(&r.settings).map_or_else(|| format!("# {name} is not set"), |v| format!("{name} = {v}"));
        let _ = writeln!(out, "{text:<44} # {}", r.origin(key.name));
    };
    write(line, &mut out);
    if !r.settings.keys.is_empty() {
        let _ = writeln!(out, "\n[keys] # {}", r.origin("keys"));
        for (name, keys) in &r.settings.keys {
            let list = Value::Array(keys.iter().map(|k| Value::String(k.clone())).collect());
            let _ = writeln!(out, "{} = {list}", quoted(name));
        }
    }
    if !r.settings.alerts.is_empty() {
        let mut whole = Table::new();
        whole.insert("alerts".into(), Value::Table(r.settings.alerts.clone()));
        let _ = write!(out, "\n# {}\n{whole}", r.origin("alerts"));
    }
    out
}

/// A name as a key of TOML: bare where it may be.
fn quoted(name: &str) -> String {
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        name.to_owned()
    } else {
        Value::String(name.into()).to_string()
    }
}

/// A file with every setting, commented out, each with its meaning.
#[must_use]
pub fn template() -> String {
    let mut out = String::from(
        "# Settings of sp1top. Flags win over the environment, which wins over this file.\n\
         # Take the '#: ' away from what you want to set. sp1top config shows what is in effect.\n\n",
    );
    let defaults = Settings::default();
    let line = |out: &mut String, key: &Key, name: &str| {
        let value = key.show(&defaults).unwrap_or_else(|| "\"\"".into());
        let _ = writeln!(out, "# {} ({})\n#: {name} = {value}", key.about, key.env);
    };
    write(line, &mut out);
    out.push_str(
        "\n# Keys by the name of what they do (sp1top keys lists the names); those of one view begin with its name.\n\
         [keys]\n\
         #: quit = [\"Q\", \"ctrl-c\"]\n\
         \n# Thresholds of the alerts, durations in seconds; rules that never fire, and seconds that a rule must hold.\n\
         [alerts]\n\
         #: memory-ratio = 0.9\n\
         #: disabled = []\n\
         #: hold = { }\n",
    );
    out
}
