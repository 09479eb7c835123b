//! The arguments of all commands. The doc comments are the help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::prover_args::StoreArgs;
use crate::config::Settings;
use crate::event::Component;
use crate::runtime::live::LogFile;
use crate::runtime::tell::{TellOptions, Webhook};

/// A terminal dashboard for self-hosted SP1 proving clusters
///
/// Shows whether proofs move, which worker does what, what will go wrong next,
/// and what to type to mend it. It only reads, unless told otherwise and asked
/// twice.
#[derive(Debug, Parser)]
#[command(name = "sp1top", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What to do; `watch` when left out
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened: the documentation would become help")]
    pub place: Place,
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened: the documentation would become help")]
    pub look: Look,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The dashboard on the current Kubernetes context (the default)
    Watch(WatchArgs),
    /// The dashboard on recordings: tapes, or raw logs of any component
    Replay(ReplayArgs),
    /// The dashboard on a simulated cluster: no cluster, network or key needed
    Demo(DemoArgs),
    /// Write a tape without a screen: of the cluster, or of other recordings
    Record(RecordArgs),
    /// One snapshot as text or JSON, then exit
    Status(StatusArgs),
    /// Check the set-up from here to the cluster; each failure with its fix
    Doctor(DoctorArgs),
    /// Send a test proof, follow it, fetch it
    Prove(super::prover_args::ProveArgs),
    /// A range proof or an aggregation with a checkout of op-succinct
    RangeProof(super::prover_args::RangeProofArgs),
    /// The cluster's proof requests: list, attach, cancel, fetch
    Proofs(super::prover_args::ProofsArgs),
    /// Metrics for Prometheus, on a loopback port: the queues that the cluster itself does not tell
    Export(ExportArgs),
    /// An incident of a recording as Markdown, short enough to paste
    Report(ReportArgs),
    /// A screen of a recording as a picture: what the README's pictures are made by
    #[command(hide = true)]
    Frame(FrameArgs),
    /// Every alert as it begins to fire and as it ends
    Alerts(AlertsArgs),
    /// The settings in effect and where each comes from
    Config(ConfigArgs),
    /// The themes there are
    Themes,
    /// The keys of every screen
    Keys,
    /// A completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// The manual page, for man -l; or those of all commands
    Man {
        /// Write a page for each command into this folder
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// Where the data comes from
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Where the data comes from")]
pub struct Place {
    /// kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account]
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: the current one]; several times: the dashboard shows
    /// these clusters side by side
    #[arg(long = "context", id = "context", global = true, value_name = "NAME")]
    pub contexts: Vec<String>,
    /// The context in effect, where there is one
    #[arg(skip)]
    pub context: Option<String>,
    /// Namespace of the cluster; of several, each looks into that of its context where this is
    /// left out
    #[arg(short, long, global = true, value_name = "NAME", default_value = "sp1-cluster")]
    pub namespace: String,
    /// Do without Kubernetes: only --log, --coordinator-rpc and --cluster-rpc
    #[arg(long, global = true)]
    pub no_kube: bool,
    /// The coordinator's WorkerService [default: reached through Kubernetes]
    #[arg(long, global = true, value_name = "URL")]
    pub coordinator_rpc: Option<String>,
    /// The API's ClusterService [default: reached through Kubernetes]
    #[arg(long, global = true, value_name = "URL", env = "CLI_CLUSTER_RPC", hide_env_values = true)]
    pub cluster_rpc: Option<String>,
    /// Follow the logs of at most so many gpu-nodes; the one looked at is followed too
    #[arg(long, global = true, value_name = "N", default_value_t = 16)]
    pub gpu_logs: usize,
    /// Read a component's log from a file that may grow and rotate; - is standard input
    #[arg(long, global = true, value_name = "COMPONENT=PATH", value_parser = log_file)]
    pub log: Vec<LogFile>,
    /// The settings in effect.
    #[arg(skip)]
    pub settings: Settings,
}

/// How it looks
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "How it looks")]
pub struct Look {
    /// Theme by name (see sp1top themes) or a .toml file
    #[arg(long, global = true, value_name = "NAME", env = "SP1TOP_THEME", default_value = "dark")]
    pub theme: String,
    /// Only ASCII: no lines, bars or marks of Unicode [default: by the locale]
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Leave the mouse to the terminal
    #[arg(long, global = true)]
    pub no_mouse: bool,
    /// Never change anything in the cluster, whatever is confirmed
    #[arg(long, global = true)]
    pub read_only: bool,
    /// The settings in effect.
    #[arg(skip)]
    pub settings: Settings,
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened: the documentation would become help")]
    pub tell: Tell,
}

/// Arguments of `config`.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    /// Write a file with every setting and its meaning, commented out
    #[arg(long)]
    pub init: bool,
}

/// Telling of alerts
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Telling of alerts")]
pub struct Tell {
    /// Ring the terminal's bell on new critical alerts
    #[arg(long, global = true)]
    pub bell: bool,
    /// Ask the terminal for a desktop notification (OSC 9) on new critical alerts
    #[arg(long, global = true)]
    pub notify: bool,
    /// Post critical alerts and warnings there as JSON, with `text` for Slack and its kin
    #[arg(long, global = true, value_name = "URL", env = "SP1TOP_WEBHOOK", hide_env_values = true, value_parser = Webhook::new)]
    pub webhook: Option<Webhook>,
}

impl Tell {
    /// For whoever tells.
    #[must_use]
    pub fn options(&self) -> TellOptions {
        TellOptions { bell: self.bell, notify: self.notify, webhook: self.webhook.clone() }
    }
}

/// Arguments of `replay`.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// Tapes or raw logs, merged by time; may end in .gz or .zst; - is standard input,
    /// a directory all files in it
    #[arg(required_unless_present = "last", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The last session of the dashboard, which keeps a tape by itself
    #[arg(long, conflicts_with = "paths")]
    pub last: bool,
    /// Recorded seconds a second, or max
    #[arg(long, default_value = "10", value_parser = speed)]
    pub speed: Speed,
    /// Begin at this time: 2026-11-24T01:02:03Z, 01:02:03, +12m from the beginning, -90s from the
    /// end, or 50%
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub start: Option<String>,
}

/// Arguments of `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Which story to play (see --list)
    #[arg(long, value_name = "NAME", default_value = crate::sim::DEFAULT_SCENARIO)]
    pub scenario: String,
    /// Simulated seconds a second [default: the scenario's own; 1 with --serve]
    #[arg(long, value_name = "X", value_parser = speed)]
    pub speed: Option<Speed>,
    /// Decides all dice: the same seed, the same story
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// List the stories
    #[arg(long)]
    pub list: bool,
    /// Print a kubeconfig and URLs for other tools and serve until Ctrl-C
    #[arg(long, conflicts_with = "list")]
    pub serve: bool,
}

/// Arguments of `watch`.
#[derive(Clone, Debug, Default, Args)]
pub struct WatchArgs {
    /// Write a tape of all that comes, beside what is shown
    #[arg(long, value_name = "TAPE")]
    pub record: Option<PathBuf>,
    /// Keep no tape of the session: then there is no going back in time
    #[arg(long)]
    pub no_session_tape: bool,
    /// Where the proofs that are sent from the screen go
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Arguments of `export`.
#[derive(Clone, Debug, Args)]
pub struct ExportArgs {
    /// Where to listen; anything but loopback shows names of pods and proofs to whoever reaches it
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:9464")]
    pub listen: std::net::SocketAddr,
    /// Print the metrics as of the end of recordings instead, and exit
    #[arg(long, num_args = 1.., value_name = "PATH")]
    pub from: Vec<PathBuf>,
}

/// Arguments of `report`.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// Tapes or raw logs
    #[arg(long, num_args = 1.., required = true, value_name = "PATH")]
    pub from: Vec<PathBuf>,
    /// The moment: a time as for replay --start, or an alert's id (when it first fired)
    /// [default: the worst alert]
    #[arg(long, value_name = "TIME|ALERT", allow_hyphen_values = true)]
    pub around: Option<String>,
    /// How much before it is told
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = duration)]
    pub before: Duration,
    /// The file, with its graphs beside it as SVG; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Arguments of `frame`.
#[derive(Clone, Debug, Args)]
pub struct FrameArgs {
    /// Tapes or raw logs
    #[arg(long, num_args = 1.., required = true, value_name = "PATH")]
    pub from: Vec<PathBuf>,
    /// The time to show, as for replay --start [default: the end]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// Columns and rows
    #[arg(long, value_name = "WxH", default_value = "120x40", value_parser = size)]
    pub size: (u16, u16),
    /// The view, by its name or number
    #[arg(long, value_name = "VIEW", default_value = "overview")]
    pub view: String,
    /// Keys to press before, named as in the list of keys; \"TEXT\" is typed
    #[arg(long, num_args = 1.., value_name = "KEY")]
    pub keys: Vec<String>,
    /// As if the recording were live
    #[arg(long)]
    pub live: bool,
    /// What to make
    #[arg(short, long, value_enum, default_value_t = FrameFormat::Text)]
    pub output: FrameFormat,
    /// For a cast: the stretch of the recording
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub r#for: Option<Duration>,
    /// For a cast: recorded seconds a second
    #[arg(long, default_value = "10", value_parser = speed)]
    pub speed: Speed,
}

/// What a frame becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FrameFormat {
    /// The characters
    Text,
    /// A picture
    Svg,
    /// An asciicast, version 2
    Cast,
}

fn size(s: &str) -> Result<(u16, u16), String> {
    let parsed = s.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    parsed.filter(|(w, h)| (1..=1000).contains(w) && (1..=1000).contains(h)).ok_or_else(|| "write a size like 120x40".into())
}

/// Arguments of `record`.
#[derive(Clone, Debug, Args)]
pub struct RecordArgs {
    /// The tape to write
    #[arg(short, long, value_name = "TAPE")]
    pub output: PathBuf,
    /// For so long: 90s, 10m, 24h [default: until interrupted]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub r#for: Option<Duration>,
    /// Replace host names, addresses, pods' suffixes, worker and proof ids, alike wherever they stand
    #[arg(long)]
    pub share: bool,
    /// Make the tape of other recordings instead of a cluster: raw logs, or a tape to share
    #[arg(long, num_args = 1.., value_name = "PATH")]
    pub from: Vec<PathBuf>,
    /// Make the tape of a story of the simulated cluster (see sp1top demo --list); --for is then its time
    #[arg(long, value_name = "SCENARIO", conflicts_with = "from")]
    pub demo: Option<String>,
    /// For --demo: decides all dice
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// For --demo: simulated seconds a second
    #[arg(long, value_name = "X", default_value_t = 20.0)]
    pub demo_speed: f64,
}

fn duration(s: &str) -> Result<Duration, String> {
    crate::base::time::span(s).filter(|d| !d.is_zero()).ok_or_else(|| "write a duration like 90s, 10m or 1h30m".into())
}

/// Recorded seconds a second; `None` for as fast as possible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed(pub Option<f64>);

/// Arguments of `status`.
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// Read recordings instead of a cluster: tapes or raw logs; - is standard input, read as it
    /// comes: of several logs on it the earlier one comes first (files are told apart)
    #[arg(long, num_args = 1.., value_name = "PATH")]
    pub from: Vec<PathBuf>,
    /// As text for people or as JSON
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
    /// How long to wait for the cluster's first answers, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 12)]
    pub wait: u64,
}

/// Arguments of `doctor`.
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// As text for people or as JSON; exit code 4 when a check failed
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
    /// Also check op-succinct's environment file: .env, .env.proposer
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
}

/// Arguments of `alerts`.
#[derive(Clone, Debug, Args)]
pub struct AlertsArgs {
    /// Read whole recordings instead of a cluster: tapes or raw logs; - is standard input, read as it
    /// comes: of several logs on it the earlier one comes first (files are told apart)
    #[arg(long, num_args = 1.., value_name = "PATH")]
    pub from: Vec<PathBuf>,
    /// As text for people or one JSON object a line
    #[arg(short, long, value_enum, default_value_t = Lines::Text)]
    pub output: Lines,
    /// Exit with 3 when something critical fires at the end
    #[arg(long)]
    pub exit_code: bool,
    /// Thresholds of the alerts, a TOML file (see sp1top alerts --defaults)
    #[arg(long, value_name = "FILE")]
    pub thresholds: Option<PathBuf>,
    /// Print the thresholds there are with their defaults, then exit
    #[arg(long)]
    pub defaults: bool,
}

/// How a stream of things is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lines {
    /// For people
    Text,
    /// For programs: one JSON object a line
    Jsonl,
}

/// How something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

fn log_file(s: &str) -> Result<LogFile, String> {
    let Some((component, path)) = s.split_once('=') else {
        return Err("write COMPONENT=PATH, for example coordinator=/var/log/coordinator.log".into());
    };
    if Component::read(component).is_none() {
        return Err(format!("'{component}' is no component; there are coordinator, api, cpu-node, gpu-node, node"));
    }
    if path.is_empty() {
        return Err("the path is missing".into());
    }
    Ok(LogFile { component: component.to_owned(), path: path.into() })
}

fn speed(s: &str) -> Result<Speed, String> {
    if s == "max" {
        return Ok(Speed(None));
    }
    match s.trim_end_matches(['x', '×']).parse::<f64>() {
        Ok(n) if n.is_finite() && n > 0.0 => Ok(Speed(Some(n))),
        _ => Err("a speed is a number above 0, for example 0.5 or 20, or max".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
