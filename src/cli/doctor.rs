//! `doctor`: checks the set-up from here to the cluster.

use std::io::IsTerminal as _;

use super::args::{DoctorArgs, Format, Place};
use super::{Failure, Outcome, print, screen};
use crate::doctor::{self, Config, env_file, facts};

/// Exit code when a check failed.
const FAILED: u8 = 4;

pub(super) fn run(args: &DoctorArgs, place: &Place) -> Outcome {
    let env = env_file::NAMES.iter().filter_map(|n| Some(((*n).to_owned(), std::env::var(n).ok()?))).collect();
    let mut config = Config {
        kube: screen::access(place),
        namespace: place.namespace.clone(),
        coordinator_rpc: place.coordinator_rpc.clone(),
        cluster_rpc: place.cluster_rpc.clone(),
        env,
        env_file: args.env_file.clone(),
    };
    config.adopt_env_file();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::from(format!("cannot start threads: {e}")))?;
    let progress = args.output == Format::Text && std::io::stderr().is_terminal();
    let mut left = doctor::checks::TABLE.len();
    let mut report = runtime.block_on(doctor::examine(config, |_| {
        left -= 1;
        if progress {
            eprint!("\r\x1b[K{}", if left > 0 { format!("checking: {left} to go") } else { String::new() });
        }
    }));
    // A login plugin that hangs is not waited for.
    runtime.shutdown_background();
    report.at = Some(facts::wall());
    let text = match args.output {
        Format::Text => {
            let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
            doctor::text::page(&report, std::io::stdout().is_terminal() && !plain)
        }
        Format::Json => {
            let mut t = serde_json::to_string_pretty(&report)?;
            t.push('\n');
            t
        }
    };
    print(&text)?;
    Ok(if report.failed() { FAILED } else { 0 })
}
