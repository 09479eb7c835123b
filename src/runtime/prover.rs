//! The prover client behind the screens: what the dialogs ask for is done in the
//! background, and comes back as envelopes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::feed::Done;
use super::range::{Around, Runner};
use crate::base::ProofId;
use crate::base::redact::redact_bytes;
use crate::envelope::Kind;
use crate::prover::drive::{DriveOptions, Driver, Order, Tell, plan};
use crate::prover::encode;
use crate::prover::job::{Job, JobState};
use crate::prover::journal::Journal;
use crate::prover::program::Payload;
use crate::prover::range::session::{Cluster, Stop};
use crate::prover::settings::{REDIS_NODES, S3_BUCKET, S3_REGION, Settings, StoreConfig};
use crate::prover::store::redis::RedisStore;
use crate::prover::store::{PIECE, Store};
use crate::prover::update::{Step, Update};
use crate::sources::grpc::calls::ClusterApi;
use crate::sources::grpc::channel::Link;
use crate::sources::hub::{Clock, Hub, Port};
use crate::ui::{Launch, Program, Request, TypedStore};

/// What it works with.
pub struct ProverOptions {
    /// The API without secrets, as jobs keep it.
    pub cluster: String,
    /// The artifact store.
    pub store: Option<StoreConfig>,
    /// The one that was set for another cluster, for when somebody says that it
    /// is this one's too.
    pub other_store: Option<StoreConfig>,
    /// Where all else that a typed store needs is read from.
    pub variables: Settings,
    /// The jobs.
    pub journal: Journal,
    /// Where proofs are written.
    pub out: PathBuf,
    /// Nothing is changed in the cluster.
    pub read_only: bool,
    /// The API's address, where it was given as one.
    pub rpc: Option<String>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How patiently proofs are followed.
    pub drive: DriveOptions,
}

/// It.
pub struct Prover {
    options: ProverOptions,
    api: ClusterApi,
    runtime: tokio::runtime::Handle,
    port: Arc<Port>,
    runner: Runner,
}

/// An update as the payload of its envelope.
fn payload(u: &Update) -> Bytes {
    let mut value = serde_json::to_value(u).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        map.insert("line".into(), u.line().into());
    }
    let raw = serde_json::to_vec(&value).unwrap_or_default();
    Bytes::from(redact_bytes(&raw).into_owned())
}

impl Prover {
    /// Starts it, and goes on with what the journal has of this cluster.
    pub fn start(options: ProverOptions, link: Link, hub: &Hub, runtime: tokio::runtime::Handle) -> Self {
        let port = Arc::new(hub.port("prover"));
        let this = Self { options, api: ClusterApi(link), runtime, port, runner: Runner::default() };
        let (jobs, _) = this.options.journal.all();
        let ours = jobs.into_iter().filter(|j| !j.state.is_over() && j.cluster == this.options.cluster);
        // Under --read-only nothing is sent; what was sent is followed.
        let jobs: Vec<Job> = ours.filter(|j| !this.options.read_only || j.state >= JobState::Submitted).collect();
        if !jobs.is_empty() {
            this.drive(jobs, Step::Resumed);
        }
        this
    }

    /// Does what was confirmed.
    pub fn request(&mut self, what: &Request) -> Result<Done, String> {
        // Running a witness changes nothing.
        let harmless = matches!(what, Request::Range(l) if !l.prove) || matches!(what, Request::StopRange { cancel: false, .. });
        if self.options.read_only && !harmless {
            return Err("read-only: nothing in the cluster is changed".into());
        }
        match what {
            Request::Range(launch) => {
                let cluster = Cluster {
                    api: self.api.clone(),
                    name: self.options.cluster.clone(),
                    journal: self.options.journal.clone(),
                    tell: self.teller(),
                };
                let around = Around { cluster, rpc: self.options.rpc.clone(), port: Arc::clone(&self.port), runtime: self.runtime.clone() };
                self.runner.start(launch, around).map(Done::from)
            }
            Request::StopRange { cancel, wait } => {
                self.runner.stop(if *cancel { Stop::Cancel } else { Stop::Leave }, *wait, &self.runtime).map(Done::from)
            }
            Request::Prove(launch) => self.prove(launch),
            Request::Cancel(id) => {
                let (api, port, id) = (self.api.clone(), Arc::clone(&self.port), id.to_string());
                let said = format!("cancelling {id}");
                let journal = self.options.journal.clone();
                self.runtime.spawn(async move {
                    if let Err(e) = api.cancel(&id).await {
                        let job = journal.load(&id).ok().flatten();
                        let line = format!("not cancelled: {e}");
                        let state = job.map_or("submitted", |j| j.state.as_str());
                        let note = serde_json::json!({"proof_id": id, "event": "delayed", "state": state, "line": line});
                        let _ = port.send(Kind::Effect, note.to_string().into_bytes()).await;
                    }
                });
                Ok(said.into())
            }
        }
    }

    /// Takes a store that was typed, for as long as this program runs. What waits
    /// for that very store goes on.
    pub fn take_store(&mut self, typed: &TypedStore) -> Result<String, String> {
        let read = |values: &[(&'static str, &str)]| self.options.variables.with_typed(values).store();
        let config = match typed {
            TypedStore::Redis(urls) => read(&[(REDIS_NODES, urls)])?,
            TypedStore::S3 { bucket, region } => read(&[(S3_BUCKET, bucket), (S3_REGION, region)])?,
            TypedStore::Set => self.options.other_store.clone().ok_or("no artifact store was set")?,
        };
        if let StoreConfig::Redis { nodes, ttl } = &config {
            RedisStore::new(nodes, *ttl, PIECE).map_err(|e| e.message)?;
        }
        let name = config.describe();
        self.options.store = Some(config);
        let waits = |j: &Job| matches!(j.state, JobState::Planned | JobState::Completed) && j.store == name;
        let jobs: Vec<Job> = self.options.journal.all().0.into_iter().filter(|j| j.cluster == self.options.cluster && waits(j)).collect();
        if !jobs.is_empty() {
            self.drive(jobs, Step::Resumed);
        }
        Ok(name)
    }

    fn prove(&self, launch: &Launch) -> Result<Done, String> {
        let Some(config) = &self.options.store else { return Err("no artifact store is set".into()) };
        let order = Order {
            payload: read(&launch.program)?,
            mode: launch.mode,
            timeout: launch.timeout,
            cycle_limit: None,
            gas_limit: None,
            out: self.options.out.clone(),
            cluster: self.options.cluster.clone(),
            store: config.describe(),
        };
        let jobs = plan(&self.options.journal, &order, usize::from(launch.count), self.options.clock.now())?;
        let said = match &jobs[..] {
            [one] => format!("{} is on its way", one.proof_id),
            many => format!("{} proofs are on their way", many.len()),
        };
        let sent = jobs.first().map(|j| ProofId::new(&j.proof_id));
        self.drive(jobs, Step::Planned);
        Ok(Done { said, sent })
    }

    /// Puts updates among the envelopes.
    fn teller(&self) -> Tell {
        let port = Arc::clone(&self.port);
        let (tx, mut updates) = tokio::sync::mpsc::channel::<Update>(256);
        self.runtime.spawn(async move {
            while let Some(u) = updates.recv().await {
                if port.send(Kind::Effect, payload(&u)).await.is_err() {
                    return;
                }
            }
        });
        // Each tells the whole state: one that finds the queue full is made good
        // by the next.
        Arc::new(move |u: Update| drop(tx.try_send(u)))
    }

    fn drive(&self, jobs: Vec<Job>, first: Step) {
        let tell = self.teller();
        let clock = Arc::clone(&self.options.clock);
        for job in &jobs {
            tell(Update::of(job, clock.now(), first));
        }
        let (api, journal, follow) = (self.api.clone(), self.options.journal.clone(), self.options.drive.clone());
        let store = self.options.store.clone();
        self.runtime.spawn(async move {
            let store = match &store {
                Some(config) => Store::open(config).await.ok(),
                None => None,
            };
            let options = DriveOptions { follow: false, ..follow.clone() };
            let sends = Driver { api, store, journal, clock, options, tell, cluster_version: Arc::new(|| None) };
            let follows = Driver { options: follow, ..sends.clone() };
            for job in jobs {
                // One after another: a program that they share is uploaded once.
                if let Ok(job) = sends.run(job).await {
                    let follows = follows.clone();
                    // Errors are told as updates.
                    tokio::spawn(async move { drop(follows.run(job).await) });
                }
            }
        });
    }
}

fn read(program: &Program) -> Result<Payload, String> {
    match program {
        Program::Fibonacci(n) => Ok(Payload::fibonacci(*n)),
        Program::Elf { path, input } => {
            let load = |p: &str| std::fs::read(p).map_err(|e| format!("cannot read {p}: {e}"));
            let elf = load(path)?;
            let name = Path::new(path).file_name().map_or_else(|| path.clone(), |n| n.to_string_lossy().into_owned());
            let items = match input.strip_prefix('@') {
                _ if input.is_empty() => Vec::new(),
                Some(file) => vec![load(file)?],
                None => vec![encode::unhex(input)?],
            };
            Payload::elf(&name, elf, &items, true)
        }
    }
}
