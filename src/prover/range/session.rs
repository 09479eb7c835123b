//! A run from the first look to the saved proof: the same for the command and
//! for the screens.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::check::{self, Finding, Variables};
use super::output::{Said, read};
use super::process::Process;
use super::{Run, Task, saved};
use crate::base::units;
use crate::prover::drive::{DriveOptions, Driver, Tell, adopt};
use crate::prover::envfile;
use crate::prover::job::Job;
use crate::prover::journal::Journal;
use crate::prover::settings::{self, Settings};
use crate::prover::update::{Step, Update};
use crate::sources::grpc::calls::ClusterApi;
use crate::sources::hub::{Clock as _, WallClock};

/// How long the API may be asked after the program has seen the end.
const LATE: Duration = Duration::from_secs(10);

/// What a run tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Something was looked at beforehand.
    Checked(Finding),
    /// A line of the program, safe to show.
    Line(String),
    /// A word of ours.
    Say(String),
    /// The API has the request of that id.
    Submitted(String),
}

/// Who is told. Bounded: a program that prints faster than that waits.
pub type Listen = mpsc::Sender<Told>;

/// How a run ended, unless it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// As it should: in a few words.
    Well(String),
    /// It was stopped: what became of its request.
    Stopped(String),
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The proof failed in the cluster; else something here did.
    pub in_cluster: bool,
    /// One line: why, and what to try.
    pub text: String,
}

impl From<String> for Failed {
    fn from(text: String) -> Self {
        Self { in_cluster: false, text }
    }
}

/// Who may stop a run.
pub trait Stopper: Send {
    /// Resolves with how it is to be stopped, or with `None` when it goes on
    /// after all. Dropped and called again for every line.
    fn wanted(&mut self, id: Option<&str>) -> impl Future<Output = Option<Stop>> + Send;
}

/// How a run is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Its request goes on in the cluster.
    Leave,
    /// Its request is cancelled.
    Cancel,
}

/// The variables of a run.
pub struct Prepared {
    /// The API's address, where one is known.
    pub rpc: Option<String>,
    /// What is added to the program's environment; it goes before its file.
    pub environment: Vec<(String, String)>,
    /// The variables as the program will see them.
    pub variables: Variables,
    /// Those that are settings of ours too.
    pub settings: Settings,
}

/// Reads the file of variables. `rpc` is the API's address where it was given
/// otherwise; `all` is this process' environment.
pub fn prepare(run: &Run, prove: bool, rpc: Option<String>, all: &[(String, String)]) -> Result<Prepared, String> {
    let env = |name: &str| all.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone());
    let text = std::fs::read_to_string(&run.env_file).map_err(|e| {
        format!("cannot read {}: {e}; op-succinct needs it: copy .env.example, or give another file (--env-file)", run.env_file.display())
    })?;
    let file = envfile::parse(&text).map_err(|e| format!("{}: {e}", run.env_file.display()))?;
    let settings = Settings::default().environment(env).file(&run.env_file, &text)?;
    let rpc = rpc.filter(|u| !u.trim().is_empty()).or_else(|| settings.get(settings::CLUSTER_RPC).map(|(v, _)| v.to_owned()));
    let mut environment = Vec::new();
    // Without it multi and agg print nothing; agg reads it before its file.
    if env("RUST_LOG").is_none_or(|v| v.trim().is_empty()) {
        environment.push(("RUST_LOG".to_owned(), "info".to_owned()));
    }
    if prove {
        environment.extend(rpc.iter().map(|rpc| (settings::CLUSTER_RPC.to_owned(), rpc.clone())));
        if env("SP1_PROVER").is_none() {
            environment.push(("SP1_PROVER".to_owned(), "cluster".to_owned()));
        }
    }
    // What is set is looked at, before what is added to it: a file that asks for
    // mock proofs is a mistake, although it would be overruled.
    let added = environment.iter().filter(|(name, _)| name == settings::CLUSTER_RPC).cloned();
    let variables = Variables::new(file, all.iter().cloned().chain(added));
    Ok(Prepared { rpc, environment, variables, settings })
}

/// The cluster's API, and where the request is written down.
#[derive(Clone)]
pub struct Cluster {
    /// The API.
    pub api: ClusterApi,
    /// The API without secrets, as jobs keep it.
    pub name: String,
    /// The jobs.
    pub journal: Journal,
    /// Told of the request's progress.
    pub tell: Tell,
}

/// A run.
pub struct Session {
    /// What is run.
    pub run: Run,
    /// Whether a proof is made; else only the witness is run.
    pub prove: bool,
    /// Whether the witness is run before the proof.
    pub witness: bool,
    /// Whether the servers are asked beforehand.
    pub ask_servers: bool,
    /// Its variables.
    pub prepared: Prepared,
    /// The cluster, where its API can be asked.
    pub cluster: Option<Cluster>,
    /// Told of what happens.
    pub listen: Listen,
}

/// What one run of the program has said.
#[derive(Default)]
struct Heard {
    /// The request, once it is known.
    id: Option<String>,
    saved: Option<String>,
    executed: bool,
    failed_in_cluster: Option<String>,
    failed: Option<String>,
}

impl Session {
    /// A listener that has left does not stop a run.
    async fn tell(&self, told: Told) {
        let _ = self.listen.send(told).await;
    }

    async fn say(&self, text: String) {
        self.tell(Told::Say(text)).await;
    }

    /// Looks at everything that can be known before time is spent; the error is
    /// the first fault.
    pub async fn look_first(&self) -> Result<(), Failed> {
        let mut findings = check::offline(&self.prepared.variables, self.prove);
        if self.ask_servers {
            findings.extend(check::servers(&self.prepared.variables, &self.run.task).await);
            if let Some(c) = self.cluster.as_ref().filter(|_| self.prove) {
                findings.push(match c.api.healthcheck().await {
                    Ok(()) => Finding { good: true, text: format!("the cluster's API {} answers", c.name) },
                    Err(e) => Finding { good: false, text: format!("the cluster's API: {e}") },
                });
            }
        }
        let mut faults: Vec<String> = findings.iter().filter(|f| !f.good).map(|f| f.text.clone()).collect();
        for f in findings {
            self.tell(Told::Checked(f)).await;
        }
        if faults.is_empty() {
            return Ok(());
        }
        let more = if faults.len() > 1 { format!(" (and {} more)", faults.len() - 1) } else { String::new() };
        Err(format!("{}{more}; mend {}", faults.swap_remove(0), self.run.env_file.display()).into())
    }

    /// Runs the witness where that is wanted, then the proof.
    pub async fn go(&self, stopper: &mut impl Stopper) -> Result<End, Failed> {
        // agg has no run of its own without the cluster worth waiting for.
        let witness = !self.prove || self.witness && !matches!(self.run.task, Task::Aggregate { .. });
        if witness {
            self.say("running the witness here, without the cluster".into()).await;
            let end = self.once(false, stopper).await?;
            if !self.prove || matches!(end, End::Stopped(_)) {
                return Ok(end);
            }
            if let End::Well(text) = end {
                self.say(text).await;
            }
        }
        self.say(format!("{}: proving on the cluster", self.run.task.describe())).await;
        self.once(true, stopper).await
    }

    async fn once(&self, prove: bool, stopper: &mut impl Stopper) -> Result<End, Failed> {
        let since = SystemTime::now();
        let mut process = Process::start(&self.run, prove, &self.prepared.environment)?;
        let mut heard = Heard::default();
        let mut follower = None;
        loop {
            tokio::select! {
                line = process.lines.recv() => match line {
                    Some(line) => {
                        let new = heard.line(&line);
                        self.tell(Told::Line(line)).await;
                        if let (true, Some(id), None) = (new, &heard.id, &follower) {
                            self.tell(Told::Submitted(id.clone())).await;
                            follower = self.follow(id);
                        }
                    }
                    None => break,
                },
                wanted = stopper.wanted(heard.id.as_deref()) => {
                    if let Some(how) = wanted {
                        process.stop().await;
                        return self.stopped(heard.id.as_deref(), how).await;
                    }
                }
            }
        }
        let well = process.wait().await?;
        if let Some(f) = follower {
            // The program has seen the end; ours is seconds behind at most.
            let _ = tokio::time::timeout(LATE, f).await;
        }
        self.report(&heard, prove, well, since)
    }

    /// Follows the request in the API beside the program, into the journal.
    fn follow(&self, id: &str) -> Option<JoinHandle<()>> {
        let c = self.cluster.clone()?;
        let (id, name) = (id.to_owned(), self.run.task.describe());
        let out = self.run.dir.join(format!("{id}.bin"));
        let driver = Driver {
            api: c.api.clone(),
            store: None,
            journal: c.journal.clone(),
            clock: Arc::new(WallClock),
            // The request's own program fetches it.
            options: DriveOptions { fetch: false, ..DriveOptions::default() },
            tell: Arc::clone(&c.tell),
            cluster_version: Arc::new(|| None),
        };
        Some(tokio::spawn(async move {
            let Ok(Some(row)) = c.api.get(&id).await else { return };
            let Ok(job) = adopt(&row, &c.name, "", out) else { return };
            let job = Job { program: name, ..job };
            if c.journal.create(&job, &[]).is_ok() {
                (driver.tell)(Update::of(&job, WallClock.now(), Step::Submitted));
                let _ = driver.run(job).await;
            }
        }))
    }

    async fn stopped(&self, id: Option<&str>, how: Stop) -> Result<End, Failed> {
        let (Some(id), Some(c)) = (id, &self.cluster) else {
            return Ok(End::Stopped(match id {
                None => "stopped; nothing had been sent to the cluster".into(),
                Some(id) => format!("stopped; {id} goes on in the cluster"),
            }));
        };
        if how == Stop::Leave {
            return Ok(End::Stopped(format!("stopped; {id} goes on in the cluster: sp1top proofs attach {id}, or proofs cancel {id}")));
        }
        match c.api.cancel(id).await {
            Ok(()) => Ok(End::Stopped(format!("stopped, and {id} is cancelled"))),
            Err(e) => Err(format!("stopped, but {id} is not cancelled: {e}; try sp1top proofs cancel {id}").into()),
        }
    }

    fn report(&self, heard: &Heard, prove: bool, well: bool, since: SystemTime) -> Result<End, Failed> {
        let hint = heard.id.as_ref().map(|id| format!(" (request {id}: sp1top proofs attach {id})")).unwrap_or_default();
        let program = self.run.task.program();
        if let Some(e) = &heard.failed_in_cluster {
            return Err(Failed { in_cluster: true, text: format!("{e}; its cause is in: sp1top proofs list{hint}") });
        }
        if !well {
            let why = heard.failed.as_deref().unwrap_or("its output above says why");
            return Err(format!("{program} failed: {why}{hint}").into());
        }
        if !prove {
            return Ok(End::Well(if heard.executed {
                "the witness run went well: the RPC servers do".into()
            } else {
                "the run ended well, but printed no Execution Stats".into()
            }));
        }
        let Some(found) = saved::find(&self.run.dir, &self.run.task, heard.saved.as_deref(), since) else {
            return Err(format!("{program} ended well and left no proof under {}{hint}", self.run.dir.display()).into());
        };
        let about =
            found.head.map_or_else(|| "its header could not be read".to_owned(), |h| format!("{}, SP1 {}", h.mode.as_str(), h.sp1_version));
        Ok(End::Well(format!("proof saved: {} ({}, {about})", found.path.display(), units::bytes(found.bytes))))
    }
}

impl Heard {
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
}
