//! The commands that open the dashboard.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{Look, Place, ReplayArgs, WatchArgs};
use super::{Failure, Outcome};
use crate::app::ProverSetup;
use crate::model::Model;
use crate::prover::drive::DriveOptions;
use crate::prover::journal::Journal;
use crate::prover::range;
use crate::prover::settings::{Settings, StoreConfig};
use crate::runtime::clipboard::Clipboard;
use crate::runtime::live::{LiveFeed, Sources};
use crate::runtime::player::Player;
use crate::runtime::prover::{Prover, ProverOptions};
use crate::runtime::{Ending, Feed, Inbox, TuiOptions, channel, run, themes};
use crate::sources::grpc::poll::PollOptions;
use crate::sources::hub::WallClock;
use crate::sources::kube::access::AccessOptions;
use crate::sources::kube::change::ChangeOptions;
use crate::sources::kube::logs::LogOptions;
use crate::sources::live::LiveConfig;
use crate::ui::Depth;

/// Exit code of a process that a signal ended, as a shell reports it.
pub(super) fn code(ending: Ending) -> u8 {
    match ending {
        Ending::Quit => 0,
        Ending::Signal(n) => u8::try_from(128 + n).unwrap_or(1),
    }
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Folders of the user's own themes.
pub(super) fn theme_dirs() -> Vec<PathBuf> {
    super::settings::folder().map(|f| f.join("themes")).into_iter().collect()
}

/// True where the terminal or the locale cannot show more than ASCII. The
/// console of Linux has a font of 512 characters: no braille, few marks.
fn ascii_only(env: impl Fn(&str) -> Option<String>) -> bool {
    if env("TERM").is_some_and(|t| matches!(t.as_str(), "linux" | "dumb" | "emacs") || t.starts_with("vt")) {
        return true;
    }
    // Where nothing is said, as in most containers, terminals know UTF-8.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(env).find(|v| !v.is_empty());
    locale.is_some_and(|l| {
        let l = l.to_ascii_lowercase();
        !l.contains("utf-8") && !l.contains("utf8")
    })
}

pub(super) fn options(look: &Look, title: Option<String>) -> Result<TuiOptions, Failure> {
    let depth = Depth::detect(env);
    let dirs = theme_dirs();
    let theme = themes::load(&look.theme, &dirs).map_err(Failure::usage)?.reduced(depth);
    Ok(TuiOptions {
        theme,
        themes: themes::all(&dirs).into_iter().map(|t| t.reduced(depth)).collect(),
        ascii: look.ascii || ascii_only(env),
        title,
        mouse: !look.no_mouse,
        clipboard: Clipboard::detect(env),
        hint: first_time().then(|| "new here? ? explains this screen, : finds everything by name, q leaves".into()),
        reduced_motion: look.settings.reduced_motion,
        keys: super::tables::keymap(look)?,
        read_only: look.read_only,
        tell: look.tell.options(),
        ..TuiOptions::default()
    })
}

/// True once for every user: a file in the state's folder remembers it. Where
/// there is no such folder, nobody is told each time.
fn first_time() -> bool {
    let set = |n: &str| env(n).filter(|v| !v.is_empty()).map(PathBuf::from);
    let Some(state) = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|h| h.join(".local").join("state"))) else { return false };
    let folder = state.join("sp1top");
    std::fs::create_dir_all(&folder).is_ok() && std::fs::File::create_new(folder.join("greeted")).is_ok()
}

pub(super) fn show(feed: Box<dyn Feed>, options: TuiOptions, inbox: Inbox) -> Outcome {
    Ok(code(run(feed, Model::new(), options, inbox)?))
}

pub(super) fn needs_a_terminal(instead: &str) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Failure::from(format!("the dashboard needs a terminal; without one, use {instead}")))
}

pub(super) fn replay(args: &ReplayArgs, look: &Look) -> Outcome {
    needs_a_terminal("sp1top status --from PATH")?;
    let paths = if args.last { vec![super::record::last_session()?] } else { args.paths.clone() };
    let title = match &paths[..] {
        [one] => tail(one),
        [first, rest @ ..] => format!("{} +{}", tail(first), rest.len()),
        [] => String::new(),
    };
    let options = options(look, Some(title))?;
    let limits = super::settings::thresholds(&look.settings.alerts)?;
    let mut player = Player::with_limits(&paths, args.speed.0, &limits)?;
    if let Some(s) = &args.start {
        player.start_at(s).map_err(Failure::usage)?;
    }
    let (_waker, inbox) = channel();
    show(Box::new(player), options, inbox)
}

/// What tells a recording from others in a narrow header: a file and the folder
/// that it is in.
fn tail(path: &Path) -> String {
    if path.as_os_str() == "-" {
        return "standard input".into();
    }
    let parts: Vec<_> = path.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    parts[parts.len().saturating_sub(2)..].join("/")
}

/// Where changes are written down.
fn journal() -> Option<PathBuf> {
    let set = |n: &str| env(n).filter(|v| !v.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|h| h.join(".local").join("state")));
    state.map(|s| s.join("sp1top").join("journal.jsonl"))
}

/// What the flags say of Kubernetes; `None` with `--no-kube`.
pub(super) fn access(place: &Place) -> Option<AccessOptions> {
    (!place.no_kube).then(|| AccessOptions {
        kubeconfig: place.kubeconfig.clone(),
        context: place.context.clone(),
        namespace: place.namespace.clone(),
    })
}

/// What the flags say of the cluster.
pub(super) fn live_config(place: &Place) -> Result<LiveConfig, Failure> {
    let kube = access(place);
    if place.no_kube && place.log.is_empty() && place.coordinator_rpc.is_none() && place.cluster_rpc.is_none() {
        return Err(Failure::usage(
            "--no-kube leaves nothing to look at: add --log COMPONENT=PATH, --coordinator-rpc URL or --cluster-rpc URL",
        ));
    }
    let s = &place.settings;
    let seconds = std::time::Duration::from_secs_f64;
    Ok(LiveConfig {
        kube,
        coordinator_rpc: place.coordinator_rpc.clone(),
        cluster_rpc: place.cluster_rpc.clone(),
        logs: LogOptions {
            gpu_nodes: s.logs_gpu_nodes,
            others: s.logs_others,
            coordinator_tail: s.logs_coordinator_tail,
            ..LogOptions::default()
        },
        poll: PollOptions {
            stats: seconds(s.poll_stats),
            proofs: seconds(s.poll_proofs),
            versions: seconds(s.poll_versions),
            ..PollOptions::default()
        },
        ..LiveConfig::default()
    })
}

/// What is watched, and how it may be changed from the screen.
pub(super) fn watched(place: &Place, look: &Look) -> Result<LiveConfig, Failure> {
    let changes = ChangeOptions { read_only: look.read_only, journal: journal() };
    Ok(LiveConfig { changes, ..live_config(place)? })
}

pub(super) fn watch(args: &WatchArgs, place: &Place, look: &Look) -> Outcome {
    needs_a_terminal("sp1top status")?;
    let variables = super::client::settings(&args.store)?;
    let mut options = options(look, None)?;
    let (waker, inbox) = channel();
    if place.contexts.len() > 1 {
        return super::elsewhere::fleet(args, place, look, variables, options, inbox);
    }
    let place = &super::client::with_rpc_of(place, &variables);
    let config = watched(place, look)?;
    let taping = super::record::taping(args.record.as_deref(), !args.no_session_tape)?;
    let sources = Sources::start(config, place.log.clone())?;
    let limits = super::settings::thresholds(&place.settings.alerts)?;
    let (setup, prover) = prover(place, look, &sources, &variables, true);
    options.prover = setup;
    options.opener = Some(super::elsewhere::opener(args, place, look, variables));
    show(Box::new(LiveFeed::new(sources, waker, taping).with_limits(limits).with_prover(prover)), options, inbox)
}

/// The folder that we are in, where it is a checkout of op-succinct.
fn checkout() -> String {
    let here = std::env::current_dir().unwrap_or_default();
    if range::is_checkout(&here) && here.join("fault-proof").is_dir() { here.display().to_string() } else { String::new() }
}

/// What sends proofs from the screens, where the API can be reached. `ours`: the
/// variables were set for this very cluster; a proof sent into another one's
/// store would never be found.
pub(super) fn prover(place: &Place, look: &Look, sources: &Sources, variables: &Settings, ours: bool) -> (ProverSetup, Option<Prover>) {
    let set = variables.store();
    let shown = match &set {
        Ok(s) => ours.then(|| Ok(s.describe())),
        // Nothing set is the common case and no fault.
        Err(e) if e.starts_with("no artifact store") => None,
        Err(e) => ours.then(|| Err(e.clone())),
    };
    let (store, other_store) = if ours { (set.ok(), None) } else { (None, set.ok()) };
    let other = other_store.as_ref().map(StoreConfig::describe);
    let start = || {
        let link = sources.cluster.clone()?;
        let journal = Journal::new(Journal::default_dir(env).ok()?);
        let prover = ProverOptions {
            cluster: super::client::cluster_name(place),
            store,
            other_store,
            variables: variables.clone(),
            journal,
            out: std::env::current_dir().unwrap_or_default(),
            read_only: look.read_only,
            rpc: place.cluster_rpc.clone().filter(|u| !u.trim().is_empty()),
            clock: Arc::new(WallClock),
            drive: DriveOptions::default(),
        };
        Some(Prover::start(prover, link, &sources.hub, sources.handle()))
    };
    let prover = start();
    (ProverSetup { read_only: look.read_only, store: shown, other_store: other, checkout: checkout() }, prover)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unicode_where_terminal_and_locale_know_it() {
        let ascii = |vars: &[(&str, &str)]| ascii_only(|n| vars.iter().find(|(k, _)| *k == n).map(|(_, v)| (*v).to_owned()));
        for vars in [
            &[("TERM", "xterm-256color")][..],
            &[("TERM", "tmux-256color"), ("LANG", "de_CH.UTF-8")],
            &[("TERM", "xterm"), ("LC_ALL", ""), ("LC_CTYPE", "C.utf8"), ("LANG", "C")],
            &[],
        ] {
            assert!(!ascii(vars), "{vars:?}");
        }
        for vars in [
            &[("TERM", "linux"), ("LANG", "en_US.UTF-8")][..],
            &[("TERM", "dumb")],
            &[("TERM", "vt220"), ("LANG", "C.UTF-8")],
            &[("TERM", "xterm"), ("LANG", "C")],
            &[("TERM", "xterm"), ("LANG", "en_US.ISO-8859-1")],
            &[("TERM", "xterm"), ("LC_ALL", "POSIX"), ("LANG", "en_US.UTF-8")],
        ] {
            assert!(ascii(vars), "{vars:?}");
        }
    }
}
