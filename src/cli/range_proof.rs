//! `range-proof`: op-succinct's `multi` and `agg`, looked after.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::SystemTime;

use super::args::{Look, Place};
use super::client::{self, Client, printer};
use super::prover_args::{Lines, RangeProofArgs};
use super::{Failure, Outcome};
use crate::base::units;
use crate::prover::drive::DriveOptions;
use crate::prover::envfile;
use crate::prover::job::Job;
use crate::prover::range::check::{self, Finding, Variables};
use crate::prover::range::output::{Said, read};
use crate::prover::range::process::Process;
use crate::prover::range::{Run, Task, is_checkout, saved};
use crate::prover::settings::{self, Settings};
use crate::prover::update::{Step, Update};
use crate::sources::hub::{Clock as _, WallClock};

pub(super) fn run(args: &RangeProofArgs, place: &Place, look: &Look) -> Outcome {
    if args.prove {
        client::may_write(look, "range-proof --prove")?;
    }
    let run = plan(args)?;
    let text = std::fs::read_to_string(&run.env_file).map_err(|e| {
        Failure::usage(format!("cannot read {}: {e}; op-succinct needs it: copy .env.example, or give --env-file", run.env_file.display()))
    })?;
    let file = envfile::parse(&text).map_err(|e| Failure::usage(format!("{}: {e}", run.env_file.display())))?;
    let settings = Settings::default().environment(client::env).file(&run.env_file, &text).map_err(Failure::usage)?;
    let rpc = place.cluster_rpc.clone().filter(|u| !u.trim().is_empty());
    let rpc = rpc.or_else(|| settings.get(settings::CLUSTER_RPC).map(|(v, _)| v.to_owned()));
    let environment = environment(rpc.as_deref(), args.prove);
    // What is set is looked at, before what is added to it: a file that asks for
    // mock proofs is a mistake, although it would be overruled.
    let added = environment.iter().filter(|(name, _)| name == settings::CLUSTER_RPC).cloned();
    let variables = Variables::new(file, std::env::vars().chain(added));
    let place = Place { cluster_rpc: rpc, no_kube: true, ..place.clone() };
    let client = if args.prove && place.cluster_rpc.is_some() { Some(Client::open(&place, &settings)?) } else { None };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        look_first(args, &run, &variables, client.as_ref()).await?;
        if !args.prove || wants_witness(args) {
            if matches!(run.task, Task::Aggregate { .. }) && args.prove {
                // agg has no run of its own without the cluster worth waiting for.
            } else {
                say("running the witness here, without the cluster");
                let code = Session::new(args, &run, None).go(false, &environment).await?;
                if code != 0 || !args.prove {
                    return Ok(code);
                }
            }
        }
        say(&format!("{}: proving on the cluster", run.task.describe()));
        Session::new(args, &run, client.as_ref()).go(true, &environment).await
    })
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "sp1top: {text}");
}

fn plan(args: &RangeProofArgs) -> Result<Run, Failure> {
    let dir = std::path::absolute(&args.op_succinct)?;
    if !is_checkout(&dir) {
        return Err(Failure::usage(format!("{} is no checkout of op-succinct: there is no Cargo.toml in it", dir.display())));
    }
    let env_file = match &args.env_file {
        Some(f) => std::path::absolute(f)?,
        None => dir.join(".env"),
    };
    let task = match (args.start, args.end, &args.prover) {
        (_, _, Some(prover)) => {
            if !prover.starts_with("0x") || prover.len() != 42 || !prover[2..].bytes().all(|c| c.is_ascii_hexdigit()) {
                return Err(Failure::usage(format!("--prover: '{prover}' is no address of 0x and 40 hex digits")));
            }
            for name in &args.agg {
                range_file(&dir, name)?;
            }
            Task::Aggregate { proofs: args.agg.clone(), prover: prover.clone() }
        }
        (Some(a), Some(b), None) if a >= b => return Err(Failure::usage(format!("--start {a} is not before --end {b}"))),
        (Some(a), Some(b), None) => Task::Blocks(a, b),
        _ => Task::Newest(args.default_range.unwrap_or(5)),
    };
    let more = if args.cache { vec!["--cache".to_owned()] } else { Vec::new() };
    Ok(Run { dir, env_file, task, timeout_secs: args.cluster_timeout.as_secs(), more })
}

/// agg panics on a proof that is not there, after minutes of building.
fn range_file(dir: &std::path::Path, name: &str) -> Result<PathBuf, Failure> {
    let chains = std::fs::read_dir(dir.join("data")).into_iter().flatten().flatten();
    let mut places = chains.flat_map(|c| {
        let proofs = c.path().join("proofs");
        [proofs.join("range").join(format!("{name}.bin")), proofs.join(format!("{name}.bin"))]
    });
    places
        .find(|p| p.is_file())
        .ok_or_else(|| Failure::from(format!("there is no range proof {name}.bin under {}/data/*/proofs/range", dir.display())))
}

/// What is added to the program's environment; it goes before its file.
fn environment(rpc: Option<&str>, prove: bool) -> Vec<(String, String)> {
    let mut out = Vec::new();
    // Without it multi and agg print nothing; agg reads it before its file.
    if client::env("RUST_LOG").is_none_or(|v| v.trim().is_empty()) {
        out.push(("RUST_LOG".to_owned(), "info".to_owned()));
    }
    if prove {
        if let Some(rpc) = rpc {
            out.push((settings::CLUSTER_RPC.to_owned(), rpc.to_owned()));
        }
        if client::env("SP1_PROVER").is_none() {
            out.push(("SP1_PROVER".to_owned(), "cluster".to_owned()));
        }
    }
    out
}

/// Everything that can be known before time is spent.
async fn look_first(args: &RangeProofArgs, run: &Run, v: &Variables, client: Option<&Client>) -> Result<(), Failure> {
    let mut findings = check::offline(v, args.prove);
    if !args.skip_checks {
        findings.extend(check::servers(v, &run.task).await);
        if let Some(client) = client {
            findings.push(match client.api.healthcheck().await {
                Ok(()) => Finding { good: true, text: format!("the cluster's API {} answers", client.cluster) },
                Err(e) => Finding { good: false, text: format!("the cluster's API: {e}") },
            });
        }
    }
    for f in &findings {
        say(&format!("{} {}", if f.good { "ok  " } else { "BAD " }, f.text));
    }
    let bad = findings.iter().filter(|f| !f.good).count();
    if bad > 0 {
        let first = findings.iter().find(|f| !f.good).map(|f| f.text.as_str()).unwrap_or_default();
        return Err(Failure::from(format!(
            "{first}{}; mend {}",
            if bad > 1 { format!(" (and {} more)", bad - 1) } else { String::new() },
            run.env_file.display()
        )));
    }
    Ok(())
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

/// One run of the program.
struct Session<'a> {
    args: &'a RangeProofArgs,
    run: &'a Run,
    client: Option<&'a Client>,
    /// The request, once it is known.
    id: Option<String>,
    saved: Option<String>,
    executed: bool,
    failed_in_cluster: Option<String>,
    failed: Option<String>,
}

impl<'a> Session<'a> {
    fn new(args: &'a RangeProofArgs, run: &'a Run, client: Option<&'a Client>) -> Self {
        Self { args, run, client, id: None, saved: None, executed: false, failed_in_cluster: None, failed: None }
    }

    async fn go(mut self, prove: bool, environment: &[(String, String)]) -> Outcome {
        let since = SystemTime::now();
        let mut process = Process::start(self.run, prove, environment)?;
        let mut follower = None;
        loop {
            tokio::select! {
                line = process.lines.recv() => match line {
                    Some(line) => {
                        let _ = writeln!(std::io::stdout().lock(), "{line}");
                        let new = self.line(&line);
                        if new && follower.is_none() {
                            follower = self.follow();
                        }
                    }
                    None => break,
                },
                () = client::interrupted() => {
                    if self.stop(&mut process).await? {
                        return Ok(130);
                    }
                }
            }
        }
        let well = process.wait().await?;
        if let Some(f) = follower {
            // The program has seen the end; ours is seconds behind at most.
            let _ = tokio::time::timeout(std::time::Duration::from_secs(10), f).await;
        }
        self.report(prove, well, since)
    }

    /// Takes in a line; true when it names the request.
    fn line(&mut self, line: &str) -> bool {
        match read(line) {
            Some(Said::Submitted(id)) => {
                self.id = Some(id);
                return true;
            }
            Some(Said::Saved(path)) => self.saved = Some(path),
            Some(Said::Executed) => self.executed = true,
            Some(Said::ClusterFailed(e)) => self.failed_in_cluster = Some(e),
            Some(Said::Failed(e)) => self.failed = self.failed.take().or(Some(e)),
            Some(Said::Completed) | None => {}
        }
        false
    }

    /// Follows the request in the API beside the program, into the journal.
    fn follow(&self) -> Option<tokio::task::JoinHandle<()>> {
        let (client, id) = (self.client?, self.id.clone()?);
        let journal = client::journal().ok()?;
        let (api, cluster) = (client.api.clone(), client.cluster.clone());
        let driver = client.driver(
            None,
            journal.clone(),
            DriveOptions { fetch: false, ..DriveOptions::default() },
            printer(Lines::Text, &client.sights),
        );
        let name = self.run.task.describe();
        let out = self.run.dir.join(format!("{id}.bin"));
        Some(tokio::spawn(async move {
            let Ok(Some(row)) = api.get(&id).await else { return };
            let Ok(job) = super::proofs::adopt(&row, &cluster, "", out) else { return };
            // The request's own program fetches it.
            let job = Job { program: name, ..job };
            if journal.create(&job, &[]).is_ok() {
                (driver.tell)(Update::of(&job, WallClock.now(), Step::Submitted));
                let _ = driver.run(job).await;
            }
        }))
    }

    /// Asks whether to stop; true when it was stopped.
    async fn stop(&self, process: &mut Process) -> Result<bool, Failure> {
        if ask(&format!("Stop {}?", self.run.task.program()), false) == Some(false) {
            return Ok(false);
        }
        process.stop().await;
        let (Some(id), Some(client)) = (&self.id, self.client) else {
            say("stopped; nothing had been sent to the cluster");
            return Ok(true);
        };
        let cancel = self.args.cancel_on_stop
            || ask(&format!("Cancel {id} on the cluster too? What was proved so far is lost."), false) == Some(true);
        if cancel {
            client.api.cancel(id).await?;
            say(&format!("stopped, and {id} is cancelled"));
        } else {
            say(&format!("stopped; {id} goes on in the cluster: sp1top proofs attach {id}, or proofs cancel {id}"));
        }
        Ok(true)
    }

    fn report(&self, prove: bool, well: bool, since: SystemTime) -> Outcome {
        if let Some(e) = &self.failed_in_cluster {
            return Err(Failure { code: 5, text: format!("{e}; its cause is in: sp1top proofs list{}", self.hint()) });
        }
        if !well {
            let why = self.failed.as_deref().unwrap_or("its output above says why");
            return Err(Failure::from(format!("{} failed: {why}{}", self.run.task.program(), self.hint())));
        }
        if !prove {
            say(if self.executed {
                "the witness run went well: the RPC servers do"
            } else {
                "the run ended well, but printed no Execution Stats"
            });
            return Ok(0);
        }
        let Some(found) = saved::find(&self.run.dir, &self.run.task, self.saved.as_deref(), since) else {
            return Err(Failure::from(format!(
                "{} ended well and left no proof under {}{}",
                self.run.task.program(),
                self.run.dir.display(),
                self.hint()
            )));
        };
        let about =
            found.head.map_or_else(|| "its header could not be read".to_owned(), |h| format!("{}, SP1 {}", h.mode.as_str(), h.sp1_version));
        say(&format!("proof saved: {} ({}, {about})", found.path.display(), units::bytes(found.bytes)));
        Ok(0)
    }

    /// What to do with a request that was sent.
    fn hint(&self) -> String {
        self.id.as_ref().map(|id| format!(" (request {id}: sp1top proofs attach {id})")).unwrap_or_default()
    }
}
