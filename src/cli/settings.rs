//! Where the settings come from in this process: the file, the environment, the
//! command line.

use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::Failure;
use super::args::Cli;
use crate::alerts::Thresholds;
use crate::config::{Given, Resolved, resolve};
use crate::runtime::tell::Webhook;

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

/// The folder of this program's settings and themes.
pub(super) fn folder() -> Option<PathBuf> {
    let config = env("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| env("HOME").map(|h| PathBuf::from(h).join(".config")));
    config.map(|c| c.join("sp1top"))
}

/// The settings' file: `SP1TOP_CONFIG`, or `config.toml` in the folder.
pub(super) fn file() -> Option<PathBuf> {
    env("SP1TOP_CONFIG").map(PathBuf::from).or_else(|| folder().map(|f| f.join("config.toml")))
}

/// The flags of the command line that are settings.
fn given(cli: &Cli, matches: &ArgMatches) -> Vec<Given> {
    let (place, look) = (&cli.place, &cli.look);
    let path = |p: &Option<PathBuf>| p.as_ref().map(|p| p.display().to_string());
    let rows: [(&str, &'static str, Option<String>, &'static str); 12] = [
        ("theme", "theme", Some(look.theme.clone()), "--theme"),
        ("ascii", "ascii", Some("true".into()), "--ascii"),
        ("no_mouse", "mouse", Some("false".into()), "--no-mouse"),
        ("read_only", "read-only", Some("true".into()), "--read-only"),
        ("bell", "bell", Some("true".into()), "--bell"),
        ("notify", "notify", Some("true".into()), "--notify"),
        ("kubeconfig", "kubeconfig", path(&place.kubeconfig), "--kubeconfig"),
        ("context", "context", place.contexts.last().cloned(), "--context"),
        ("namespace", "namespace", Some(place.namespace.clone()), "--namespace"),
        ("coordinator_rpc", "coordinator-rpc", place.coordinator_rpc.clone(), "--coordinator-rpc"),
        ("gpu_logs", "logs.gpu-nodes", Some(place.gpu_logs.to_string()), "--gpu-logs"),
        ("cluster_rpc", "cluster-rpc", place.cluster_rpc.clone(), "--cluster-rpc"),
    ];
    rows.into_iter()
        .filter(|(id, ..)| matches.value_source(id) == Some(ValueSource::CommandLine))
        .filter_map(|(_, name, text, flag)| Some((name, text?, flag)))
        .collect()
}

/// The settings in effect with where each comes from.
pub(super) fn load(cli: &Cli, matches: &ArgMatches) -> Result<Resolved, Failure> {
    let path = file();
    let text = match &path {
        None => None,
        Some(p) => match std::fs::read_to_string(p) {
            Ok(t) => Some(t),
            // A file that was asked for by name has to be there.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && env("SP1TOP_CONFIG").is_none() => None,
            Err(e) => return Err(Failure::usage(format!("settings {}: {e}", p.display()))),
        },
    };
    let at = |e: String| match &path {
        Some(p) if !e.starts_with("SP1TOP_") && !e.starts_with("--") => format!("settings {}: {e}", p.display()),
        _ => e,
    };
    let resolved = resolve(text.as_deref(), env, &given(cli, matches)).map_err(|e| Failure::usage(at(e)))?;
    if let Some(url) = &resolved.settings.webhook {
        Webhook::new(url).map_err(|e| Failure::usage(at(e)))?;
    }
    thresholds(&resolved.settings.alerts).map_err(|e| Failure::usage(at(e)))?;
    Ok(resolved)
}

/// The thresholds of `[alerts]`.
pub(super) fn thresholds(table: &toml::Table) -> Result<Thresholds, String> {
    let limits: Thresholds = table.clone().try_into().map_err(|e| format!("[alerts]: {}", e.to_string().trim().replace('\n', " ")))?;
    limits.check().map_err(|e| format!("[alerts]: {e}"))?;
    Ok(limits)
}

/// Puts the settings where the commands look.
pub(super) fn apply(cli: &mut Cli, resolved: &Resolved) {
    let s = &resolved.settings;
    let (place, look) = (&mut cli.place, &mut cli.look);
    look.theme = s.theme.clone().unwrap_or_else(|| "dark".into());
    look.ascii = s.ascii;
    look.no_mouse = !s.mouse;
    look.read_only = s.read_only;
    (look.tell.bell, look.tell.notify) = (s.bell, s.notify);
    // A flag is checked by itself; the file's was checked when it was read.
    look.tell.webhook = look.tell.webhook.take().or_else(|| s.webhook.as_deref().and_then(|u| Webhook::new(u).ok()));
    look.settings = s.clone();
    place.kubeconfig = s.kubeconfig.as_ref().map(PathBuf::from);
    place.context.clone_from(&s.context);
    let mut seen = std::collections::BTreeSet::new();
    place.contexts.retain(|c| seen.insert(c.clone()));
    place.namespace = s.namespace.clone().unwrap_or_else(|| "sp1-cluster".into());
    place.coordinator_rpc.clone_from(&s.coordinator_rpc);
    place.cluster_rpc.clone_from(&s.cluster_rpc);
    place.settings = s.clone();
}
