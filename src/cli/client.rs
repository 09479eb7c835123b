//! What the commands share that talk to the API and the artifact store.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::args::{Look, Place};
use super::prover_args::{Lines, StoreArgs};
use super::sight::Sights;
use super::{Failure, screen};
use crate::base::redact::redact;
use crate::capacity::{self, Word};
use crate::event::ProofMode;
use crate::model::Model;
use crate::pipeline::Pipeline;
use crate::prover::drive::{DriveOptions, Driver, Tell, Version};
use crate::prover::job::Job;
use crate::prover::journal::Journal;
use crate::prover::settings::{self, Settings};
use crate::prover::store::Store;
use crate::prover::update::{Step, Update};
use crate::runtime::live::Sources;
use crate::sources::grpc::calls::ClusterApi;
use crate::sources::grpc::channel::{Link, Target};
use crate::sources::hub::{Clock as _, WallClock, lock};
use crate::sources::kube::access::contexts;

pub(super) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Flags, environment and `--env-file` together.
pub(super) fn settings(args: &StoreArgs) -> Result<Settings, Failure> {
    let flags = Settings::flags(&[
        (settings::REDIS_NODES, "--redis-nodes", args.redis_nodes.as_deref()),
        (settings::S3_BUCKET, "--s3-bucket", args.s3_bucket.as_deref()),
        (settings::S3_REGION, "--s3-region", args.s3_region.as_deref()),
    ]);
    let all = flags.environment(env);
    match &args.env_file {
        None => Ok(all),
        Some(path) => {
            let text =
                std::fs::read_to_string(path).map_err(|e| Failure::usage(format!("--env-file: cannot read {}: {e}", path.display())))?;
            all.file(path, &text).map_err(Failure::usage)
        }
    }
}

pub(super) fn journal() -> Result<Journal, Failure> {
    Ok(Journal::new(Journal::default_dir(env)?))
}

/// Refuses what changes the cluster under `--read-only`.
pub(super) fn may_write(look: &Look, what: &str) -> Result<(), Failure> {
    if look.read_only {
        return Err(Failure::usage(format!("--read-only: {what} would change the cluster; run it without --read-only")));
    }
    Ok(())
}

/// How long the cluster is listened to for a word on its capacity.
const LISTEN: Duration = Duration::from_secs(5);

/// The API, and where there is more to see of the cluster, its sources.
pub(super) struct Client {
    pub api: ClusterApi,
    /// Kept with jobs and shown.
    pub cluster: String,
    runtime: tokio::runtime::Runtime,
    sources: Option<Sources>,
    /// What the sources have told so far.
    seen: (Pipeline, Model),
    pub sights: Sights,
}

impl Client {
    /// Connects. With `--cluster-rpc` (or its variable) Kubernetes is only a
    /// help, so that its absence is no failure.
    pub fn open(place: &Place, settings: &Settings) -> Result<Self, Failure> {
        let place = with_rpc_of(place, settings);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("client").enable_all().build()?;
        let watch = !place.no_kube || place.coordinator_rpc.is_some() || !place.log.is_empty();
        let sources = if watch {
            match Sources::start(screen::live_config(&place)?, place.log.clone()) {
                Ok(s) => Some(s),
                // Without a cluster at hand the URL alone will do.
                Err(_) if place.cluster_rpc.is_some() => None,
                Err(e) => {
                    return Err(Failure::from(format!("{e}; or give the API's address with --cluster-rpc or {}", settings::CLUSTER_RPC)));
                }
            }
        } else {
            None
        };
        let (link, cluster) = match (&place.cluster_rpc, &sources) {
            (Some(url), _) => {
                let _guard = runtime.enter();
                (Link::new(&Target::Url(url.clone())).map_err(Failure::usage)?, cluster_name(&place))
            }
            (None, Some(Sources { cluster: Some(link), .. })) => (link.clone(), cluster_name(&place)),
            _ => {
                return Err(Failure::usage(format!(
                    "the API's address is not known: give --cluster-rpc http://HOST:50051, set {}, or drop --no-kube",
                    settings::CLUSTER_RPC
                )));
            }
        };
        Ok(Self { api: ClusterApi(link), cluster, runtime, sources, seen: (Pipeline::new(false), Model::new()), sights: Sights::default() })
    }

    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Whether so many more proofs fit, as far as the cluster tells within some
    /// seconds.
    pub fn word(&mut self, mode: ProofMode, count: u32) -> Option<Word> {
        let sources = self.sources.as_mut()?;
        let (pipeline, model) = &mut self.seen;
        let limit = Instant::now() + LISTEN;
        loop {
            let e = sources.wait(limit.saturating_duration_since(Instant::now()))?;
            pipeline.apply(&e, model);
            // The weights come with the Deployments, the proofs with the stats.
            if model.stats.is_some() && model.kube.workload("cpu-node").is_some() {
                return capacity::word(model, mode, count);
            }
        }
    }

    /// Watches these proofs with what else there is of the cluster.
    pub fn watch(&mut self, jobs: &[Job], tell: &Tell) {
        let Some(sources) = self.sources.take() else { return };
        let ids = jobs.iter().map(|j| j.proof_id.clone()).collect();
        let (jobs, tell) = (jobs.to_vec(), Arc::clone(tell));
        self.sights.watch(sources, std::mem::take(&mut self.seen), ids, move |id| {
            if let Some(job) = jobs.iter().find(|j| j.proof_id == id) {
                let mut u = Update::of(job, WallClock.now(), Step::Claimed);
                u.state = crate::prover::job::JobState::Submitted;
                tell(u);
            }
        });
    }

    /// Makes what takes jobs on.
    pub fn driver(&self, store: Option<Store>, journal: Journal, options: DriveOptions, tell: Tell) -> Driver {
        let sights = self.sights.clone();
        let cluster_version: Version = Arc::new(move || sights.version());
        Driver { api: self.api.clone(), store, journal, clock: Arc::new(WallClock), options, tell, cluster_version }
    }

    /// Takes all jobs to their end; a signal leaves them running.
    pub fn drive(&self, driver: &Driver, jobs: Vec<Job>) -> Result<u8, Failure> {
        let ids: Vec<String> = jobs.iter().map(|j| j.proof_id.clone()).collect();
        let sent_only = Driver { options: DriveOptions { follow: false, ..driver.options.clone() }, ..driver.clone() };
        let work = async {
            let mut results = Vec::new();
            let mut followed = tokio::task::JoinSet::new();
            for job in jobs {
                // One after another: a program that they share is uploaded once.
                match sent_only.run(job).await {
                    Ok(job) if driver.options.follow && !job.state.is_over() => {
                        let driver = driver.clone();
                        followed.spawn(async move { driver.run(job).await });
                    }
                    result => results.push(result),
                }
            }
            while let Some(done) = followed.join_next().await {
                results.push(done.unwrap_or_else(|e| Err(format!("following a proof failed: {e}"))));
            }
            results
        };
        let results = self.block_on(async {
            tokio::select! {
                results = work => Ok(results),
                code = interrupted() => Err(code),
            }
        });
        let results = match results {
            Ok(results) => results,
            Err(code) => {
                eprintln!("sp1top: left alone; what was sent goes on in the cluster. Go on with: sp1top proofs attach {}", ids.join(" "));
                return Ok(code);
            }
        };
        let bad = results.iter().flatten().any(|j| j.state.is_bad());
        let mut errors: Vec<String> = results.into_iter().filter_map(Result::err).collect();
        match errors.pop() {
            Some(last) if errors.is_empty() => Err(Failure::from(last)),
            Some(last) => Err(Failure::from(format!("{last} (and {} more failures above)", errors.len()))),
            None => Ok(if bad { 5 } else { 0 }),
        }
    }
}

/// The cluster's API as jobs keep it, without secrets.
pub(super) fn cluster_name(place: &Place) -> String {
    if let Some(url) = place.cluster_rpc.as_deref().filter(|u| !u.trim().is_empty()) {
        return redact(url.trim().trim_end_matches('/')).into_owned();
    }
    // By its name: another context may be the current one when a job is taken up again.
    let current = || contexts(place.kubeconfig.as_deref()).into_iter().find(|c| c.current).map(|c| c.name);
    let context = place.context.clone().or_else(current);
    format!("kubernetes {}/{}", context.as_deref().unwrap_or("current"), place.namespace)
}

/// The place with the API's address that a file of variables may have.
pub(super) fn with_rpc_of(place: &Place, settings: &Settings) -> Place {
    let given = place.cluster_rpc.clone().filter(|u| !u.trim().is_empty());
    Place { cluster_rpc: given.or_else(|| settings.get(settings::CLUSTER_RPC).map(|(v, _)| v.to_owned())), ..place.clone() }
}

/// Waits for a signal that asks to end; gives the exit code that a shell expects
/// of it, 128 and its number.
pub(super) async fn interrupted() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    let one = |kind| async move {
        match signal(kind) {
            Ok(mut s) => {
                s.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = one(SignalKind::interrupt()) => 130,
        () = one(SignalKind::terminate()) => 143,
        () = one(SignalKind::hangup()) => 129,
    }
}

/// Prints each step, with what the cluster's own words add.
pub(super) fn printer(lines: Lines, sights: &Sights) -> Tell {
    let (sights, last) = (sights.clone(), Mutex::new(()));
    Arc::new(move |mut u: Update| {
        if u.event == Step::Progress
            && let Some(s) = sights.of(&u.proof_id)
        {
            u.stage = s.stage;
            u.tasks = s.tasks;
        }
        // What is over at once is told when it is done.
        if lines == Lines::Text && matches!(u.event, Step::Uploading | Step::Downloading) && u.total_bytes.is_none_or(|t| t < 1 << 20) {
            return;
        }
        let line = match lines {
            Lines::Jsonl => serde_json::to_string(&u).unwrap_or_default(),
            Lines::Text => format!("{} {}  {}", u.at.clock(), u.proof_id, u.line()),
        };
        let line = redact(&line);
        // Lines of several proofs do not mix.
        let _guard = lock(&last);
        // A reader that has left does not stop a proof.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    })
}

/// `--out` for one proof.
pub(super) fn out_path(out: Option<&Path>, id: &str) -> PathBuf {
    let name = format!("{id}.bin");
    let path = match out {
        None => PathBuf::from(name),
        Some(p) if p.is_dir() => p.join(name),
        Some(p) => p.to_owned(),
    };
    std::path::absolute(&path).unwrap_or(path)
}
