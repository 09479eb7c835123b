//! `range-proof`: op-succinct's `multi` and `agg`, looked after.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use tokio::sync::mpsc;

use super::args::{Look, Place};
use super::client::{self, Client, printer};
use super::prover_args::{Lines, RangeProofArgs};
use super::{Failure, Outcome};
use crate::prover::range::session::{self, Cluster, End, Failed, Session, Stop, Stopper, Told};
use crate::prover::range::{Run, Task};

pub(super) fn run(args: &RangeProofArgs, place: &Place, look: &Look) -> Outcome {
    if args.prove {
        client::may_write(look, "range-proof --prove")?;
    }
    let run = plan(args)?;
    let environment: Vec<(String, String)> =
        std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
    let prepared = session::prepare(&run, args.prove, place.cluster_rpc.clone(), &environment).map_err(Failure::usage)?;
    let place = Place { cluster_rpc: prepared.rpc.clone(), no_kube: true, ..place.clone() };
    let client = if args.prove && place.cluster_rpc.is_some() { Some(Client::open(&place, &prepared.settings)?) } else { None };
    let cluster = match &client {
        Some(c) => {
            let tell = printer(Lines::Text, &c.sights);
            Some(Cluster { api: c.api.clone(), name: c.cluster.clone(), journal: client::journal()?, tell })
        }
        None => None,
    };
    let mut stopper = Asking { program: run.task.program(), cancel: args.cancel_on_stop, can_cancel: cluster.is_some(), code: 130 };
    let (listen, mut told) = mpsc::channel(16);
    let mut session = Session { run, prove: args.prove, witness: false, ask_servers: !args.skip_checks, prepared, cluster, listen };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let end = runtime.block_on(async {
        let printing = tokio::spawn(async move {
            while let Some(t) = told.recv().await {
                print(&t);
            }
        });
        let end = async {
            session.look_first().await?;
            session.witness = args.prove && !matches!(session.run.task, Task::Aggregate { .. }) && wants_witness(args);
            session.go(&mut stopper).await
        };
        let end = end.await;
        drop(session);
        // All of it is printed before the last word.
        let _ = printing.await;
        end
    });
    match end {
        Ok(End::Well(text)) => {
            say(&text);
            Ok(0)
        }
        Ok(End::Stopped(text)) => {
            say(&text);
            Ok(stopper.code)
        }
        Err(Failed { in_cluster, text }) => Err(Failure { code: if in_cluster { 5 } else { 1 }, text }),
    }
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "sp1top: {text}");
}

fn print(told: &Told) {
    match told {
        Told::Checked(f) => say(&format!("{} {}", if f.good { "ok  " } else { "BAD " }, f.text)),
        Told::Line(line) => drop(writeln!(std::io::stdout().lock(), "{line}")),
        Told::Say(text) => say(text),
        // The program's own line has said it.
        Told::Submitted(_) => {}
    }
}

fn plan(args: &RangeProofArgs) -> Result<Run, Failure> {
    let task = match (args.start, args.end, &args.prover) {
        (_, _, Some(prover)) => Task::Aggregate { proofs: args.agg.clone(), prover: prover.clone() },
        (Some(a), Some(b), None) => Task::Blocks(a, b),
        _ => Task::Newest(args.default_range.unwrap_or(5)),
    };
    let more = if args.cache { vec!["--cache".to_owned()] } else { Vec::new() };
    let run = Run::plan(&args.op_succinct, args.env_file.as_deref(), task, args.cluster_timeout, more).map_err(Failure::usage)?;
    run.look_for_ranges()?;
    Ok(run)
}

fn ask(question: &str, default: bool) -> Option<bool> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    eprint!("{question} [{}] ", if default { "Y/n" } else { "y/N" });
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).ok()?;
    Some(match answer.trim() {
        "" => default,
        a => matches!(a, "y" | "Y" | "yes"),
    })
}

fn wants_witness(args: &RangeProofArgs) -> bool {
    // Where nobody can be asked, the default holds.
    !args.skip_witness && ask("Run the witness here first, before cluster time is spent?", true).unwrap_or(true)
}

/// Asks on the terminal when a signal comes.
struct Asking {
    program: &'static str,
    /// Cancel without asking.
    cancel: bool,
    can_cancel: bool,
    /// What the last signal asks to exit with.
    code: u8,
}

impl Stopper for Asking {
    async fn wanted(&mut self, id: Option<&str>) -> Option<Stop> {
        self.code = client::interrupted().await;
        if ask(&format!("Stop {}?", self.program), false) == Some(false) {
            return None;
        }
        let Some(id) = id.filter(|_| self.can_cancel) else { return Some(Stop::Leave) };
        let question = format!("Cancel {id} on the cluster too? What was proved so far is lost.");
        Some(if self.cancel || ask(&question, false) == Some(true) { Stop::Cancel } else { Stop::Leave })
    }
}
