//! The command line: arguments in, exit code out.

mod alerts;
pub mod args;
mod client;
mod config;
mod demo;
mod doctor;
mod elsewhere;
mod export;
mod frame;
mod proofs;
mod prove;
pub mod prover_args;
mod range_proof;
mod record;
mod report;
mod screen;
mod settings;
mod sight;
mod status;
mod tables;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use args::{Cli, Command};

/// Why a command failed: one line that says what happened and what to try.
#[derive(Debug)]
pub struct Failure {
    /// The exit code: 1 failed, 2 bad usage.
    pub code: u8,
    /// The line.
    pub text: String,
}

impl Failure {
    fn usage(text: impl Into<String>) -> Self {
        Self { code: 2, text: text.into() }
    }
}

impl<T: std::fmt::Display> From<T> for Failure {
    fn from(e: T) -> Self {
        Self { code: 1, text: e.to_string() }
    }
}

/// What a command gives: its exit code.
pub type Outcome = Result<u8, Failure>;

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let parsed = command().try_get_matches().and_then(|m| Ok((Cli::from_arg_matches(&m)?, m)));
    let (cli, matches) = match parsed {
        Ok(both) => both,
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(u8::from(e.use_stderr()) * 2);
        }
    };
    match run(cli, &matches) {
        Ok(code) => ExitCode::from(code),
        Err(f) => {
            let text = crate::base::redact::redact(&f.text).into_owned();
            eprintln!("sp1top: {text}");
            ExitCode::from(f.code)
        }
    }
}

/// The command line; as a plugin of kubectl it calls itself as it was called.
fn command() -> clap::Command {
    let plugin = std::env::args_os()
        .next()
        .is_some_and(|a| std::path::Path::new(&a).file_stem().is_some_and(|n| n.to_string_lossy().starts_with("kubectl-")));
    let command = Cli::command();
    if plugin { command.bin_name("kubectl sp1top").display_name("kubectl sp1top") } else { command }
}

fn run(mut cli: Cli, matches: &clap::ArgMatches) -> Outcome {
    // What does not depend on settings works whatever they are.
    let needs =
        !matches!(cli.command, Some(Command::Completions { .. } | Command::Man { .. } | Command::Config(args::ConfigArgs { init: true })));
    let resolved = if needs { settings::load(&cli, matches)? } else { crate::config::Resolved::default() };
    if needs {
        settings::apply(&mut cli, &resolved);
    }
    let Cli { command, place, look } = cli;
    if let Some(c) = &command
        && !matches!(c, Command::Watch(_))
    {
        elsewhere::refuse(&place, name(matches))?;
    }
    match command.unwrap_or_else(|| Command::Watch(args::WatchArgs::default())) {
        Command::Watch(a) => screen::watch(&a, &place, &look),
        Command::Export(a) => export::run(&a, &place),
        Command::Report(a) => report::run(&a, &place),
        Command::Frame(a) => frame::run(&a, &look),
        Command::Record(a) => record::run(&a, &place),
        Command::Replay(a) => screen::replay(&a, &look),
        Command::Demo(a) => demo::run(&a, &look),
        Command::Status(a) => status::run(&a, &place),
        Command::Doctor(a) => doctor::run(&a, &place),
        Command::Prove(a) => prove::run(&a, &place, &look),
        Command::RangeProof(a) => range_proof::run(&a, &place, &look),
        Command::Proofs(a) => proofs::run(&a, &place, &look),
        Command::Alerts(a) => alerts::run(&a, &place, &look),
        Command::Config(a) => config::run(&a, &resolved),
        Command::Themes => tables::themes(),
        Command::Keys => tables::keys(&look),
        Command::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "sp1top", &mut out);
            print(&String::from_utf8_lossy(&out))
        }
        Command::Man { dir: Some(dir) } => {
            std::fs::create_dir_all(&dir).and_then(|()| clap_mangen::generate_to(Cli::command(), &dir))?;
            Ok(0)
        }
        Command::Man { dir: None } => {
            let mut out = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut out)?;
            print(&String::from_utf8_lossy(&out))
        }
    }
}

/// The command as it was typed.
fn name(matches: &clap::ArgMatches) -> &str {
    matches.subcommand_name().unwrap_or("watch")
}

/// Writes to standard output. A reader that has left (`| head`) is no error.
fn print(text: &str) -> Outcome {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::from(format!("cannot write: {e}"))),
        _ => Ok(0),
    }
}
