//! Takes a job from wherever it is to its end.
//!
//! Every step is on disk before the next begins. The request is sent under an
//! id that the journal knows already, and the API takes an id only once; so
//! whatever was sent before a crash is found again by asking for it, and nothing
//! is sent twice.

mod adopt;
mod follow;
mod send;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use adopt::adopt;
pub use follow::{end_of, failure as failure_of};

use super::fetch::{self, Metadata};
use super::job::{self, Fetched, Job, JobState, SCHEMA, Stored};
use super::journal::Journal;
use super::program::Payload;
use super::store::{ArtifactKind, Store};
use super::update::{Step, Update};
use super::{encode, ids};
use crate::base::Timestamp;
use crate::event::ProofMode;
use crate::sources::backoff::Backoff;
use crate::sources::grpc::calls::ClusterApi;
use crate::sources::hub::Clock;

/// Name of the payload files in the journal.
const PROGRAM: &str = "program.zst";
const STDIN: &str = "stdin.zst";

/// Who is told.
pub type Tell = Arc<dyn Fn(Update) + Send + Sync>;

/// Tells the SP1 version of the cluster, where it is known by then.
pub type Version = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// How patiently.
#[derive(Clone, Debug)]
pub struct DriveOptions {
    /// Between two questions for the state. The API logs each, so not too often.
    pub poll: Duration,
    /// Between two signs of life.
    pub progress: Duration,
    /// How long a store or an API that does not answer is asked before anything
    /// of the job was sent, and for the download. Once it is sent, its deadline
    /// decides.
    pub patience: Duration,
    /// Whether the proof is downloaded.
    pub fetch: bool,
    /// Whether it is followed to its end, or only sent.
    pub follow: bool,
}

impl Default for DriveOptions {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            progress: Duration::from_secs(10),
            patience: Duration::from_secs(60),
            fetch: true,
            follow: true,
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Order {
    /// Program and input.
    pub payload: Payload,
    /// Mode.
    pub mode: ProofMode,
    /// From sending to the deadline.
    pub timeout: Duration,
    /// `None` for no limit.
    pub cycle_limit: Option<u64>,
    /// `None` for no limit.
    pub gas_limit: Option<u64>,
    /// The folder or file that the proof is written to.
    pub out: PathBuf,
    /// The API, without secrets.
    pub cluster: String,
    /// The store, without secrets.
    pub store: String,
}

/// Puts an order into the journal `count` times. The copies share the program,
/// which is never deleted, and not the input, which the cluster deletes with the
/// first proof that is done (reference 5.5).
pub fn plan(journal: &Journal, order: &Order, count: usize, now: Timestamp) -> Result<Vec<Job>, String> {
    let program = encode::compress(&encode::program(&order.payload.elf))?;
    let stdin = encode::compress(&order.payload.stdin)?;
    let program_id = ids::artifact();
    let stored = |id: String, value: &[u8]| Stored { id, bytes: value.len() as u64, sha256: encode::sha256(value), at: None };
    let mut jobs = Vec::new();
    for _ in 0..count {
        let proof_id = ids::proof(now);
        let out = if count > 1 || order.out.is_dir() || order.out.as_os_str().is_empty() {
            order.out.join(format!("{proof_id}.bin"))
        } else {
            order.out.clone()
        };
        let job = Job {
            schema: SCHEMA.into(),
            proof_id,
            state: JobState::Planned,
            program: order.payload.name.clone(),
            input: order.payload.input.clone(),
            key: order.payload.key(),
            program_sha256: encode::sha256(&order.payload.elf),
            mode: order.mode,
            cluster: order.cluster.clone(),
            store: order.store.clone(),
            created_at: now,
            timeout_secs: order.timeout.as_secs(),
            deadline: None,
            cycle_limit: order.cycle_limit.unwrap_or(u64::MAX),
            gas_limit: order.gas_limit.unwrap_or(u64::MAX),
            program_artifact: stored(program_id.clone(), &program),
            stdin_artifact: stored(ids::artifact(), &stdin),
            proof_artifact: Stored { id: ids::artifact(), ..Stored::default() },
            submitted_at: None,
            ended_at: None,
            end_seen: false,
            failure: None,
            cycles: None,
            out: std::path::absolute(&out).unwrap_or(out),
            fetched: None,
        };
        journal.create(&job, &[(PROGRAM, &program), (STDIN, &stdin)])?;
        jobs.push(job);
    }
    Ok(jobs)
}

/// What takes jobs on.
#[derive(Clone)]
pub struct Driver {
    /// The API.
    pub api: ClusterApi,
    /// The store; without it nothing is uploaded or downloaded.
    pub store: Option<Store>,
    /// The jobs.
    pub journal: Journal,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How patiently.
    pub options: DriveOptions,
    /// Who is told.
    pub tell: Tell,
    /// The cluster's SP1 version.
    pub cluster_version: Version,
}

impl Driver {
    /// Takes the job to its end, or as far as it goes. The error is one line:
    /// why it stopped here and how it goes on; the job stays in the journal.
    pub async fn run(&self, mut job: Job) -> Result<Job, String> {
        let Some(_hold) = self.journal.hold(&job.proof_id)? else {
            let mut u = self.update(&job, Step::Progress);
            u.detail = Some("another sp1top works on it".into());
            (self.tell)(u);
            return Err(format!("another sp1top works on {} and goes on with it; sp1top proofs list shows how far it is", job.proof_id));
        };
        // Another process may have moved it on before the lock was ours.
        if let Some(newest) = self.journal.load(&job.proof_id)? {
            job = newest;
        }
        let result = self.steps(&mut job).await;
        if let Err(e) = &result {
            let mut u = self.update(&job, Step::Stopped);
            u.detail = Some(e.clone());
            (self.tell)(u);
        }
        result.map(|()| job)
    }

    async fn steps(&self, job: &mut Job) -> Result<(), String> {
        // Whether this process has just begun to send it, so that nobody else can have.
        let mut fresh = false;
        loop {
            match job.state {
                JobState::Planned => self.upload(job).await?,
                JobState::Uploaded => {
                    self.begin_submission(job)?;
                    fresh = true;
                }
                JobState::Submitting => self.submit(job, std::mem::take(&mut fresh)).await?,
                JobState::Submitted if self.options.follow => self.follow(job).await?,
                JobState::Completed if self.options.fetch && self.store.is_some() => self.fetch(job).await?,
                _ => return Ok(()),
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn update(&self, job: &Job, step: Step) -> Update {
        Update::of(job, self.now(), step)
    }

    /// Saves a new state and tells it.
    fn move_on(&self, job: &mut Job, state: JobState, step: Step) -> Result<(), String> {
        job.state = state;
        self.journal.save(job)?;
        (self.tell)(self.told(job, step));
        Ok(())
    }

    fn told(&self, job: &Job, step: Step) -> Update {
        let mut u = self.update(job, step);
        u.detail.clone_from(&job.failure);
        u
    }

    /// Brings a completed proof home.
    async fn fetch(&self, job: &mut Job) -> Result<(), String> {
        let Some(store) = &self.store else { return Err(no_store(job)) };
        let meter = Meter::new(self, job, ArtifactKind::Proof, Step::Downloading);
        let patience = Patience::new(self.options.patience);
        let proof = loop {
            match fetch::download(store, &job.proof_artifact.id, Some(job.mode), &|d, t| meter.at(d, t)).await {
                Ok(p) => break p,
                Err(e) if e.passing && patience.left() => patience.wait(self, job, &e.message).await,
                Err(e) => {
                    let other = if e.missing && !job.store.is_empty() && job.store != store.name() {
                        format!(" (it was sent with {})", job.store)
                    } else {
                        String::new()
                    };
                    return Err(format!(
                        "the proof is complete and could not be fetched: {e}{other}; try again: sp1top proofs fetch {}",
                        job.proof_id
                    ));
                }
            }
        };
        patience.over(self, job);
        let now = self.now();
        let mut metadata = Metadata::of(&job.proof_id, &job.proof_artifact.id, &proof, &job.cluster, now).with(job);
        metadata.cluster_sp1_version = (self.cluster_version)();
        fetch::save(&job.out, &proof, &metadata)?;
        job.proof_artifact.bytes = meter.total();
        job.fetched = Some(Fetched {
            path: job.out.clone(),
            bytes: metadata.bytes,
            sha256: metadata.sha256.clone(),
            sp1_version: metadata.sp1_version.clone(),
            at: now,
        });
        job.state = JobState::Fetched;
        self.journal.save(job)?;
        let mut u = self.update(job, Step::Fetched);
        u.path = Some(job.out.display().to_string());
        u.total_bytes = Some(metadata.bytes);
        u.sha256 = Some(metadata.sha256);
        let other = metadata.cluster_sp1_version.as_ref().filter(|v| **v != metadata.sp1_version);
        u.detail = other.map(|v| format!("its version is not the cluster's, {v}"));
        u.sp1_version = Some(metadata.sp1_version);
        (self.tell)(u);
        self.journal.prune();
        Ok(())
    }

    /// How it compares with earlier runs.
    fn comparison(&self, job: &Job) -> Option<String> {
        job::compare(job, &self.journal.all().0).map(|c| c.to_string())
    }
}

fn no_store(job: &Job) -> String {
    format!("{} is {} and no artifact store is set; set the one of this cluster ({})", job.proof_id, job.state.as_str(), job.store)
}

/// Tells a transfer's progress, at most twice a second.
struct Meter<'a> {
    driver: &'a Driver,
    job: Job,
    kind: ArtifactKind,
    step: Step,
    begun: std::time::Instant,
    last: std::sync::Mutex<(Option<std::time::Instant>, u64)>,
}

impl<'a> Meter<'a> {
    fn new(driver: &'a Driver, job: &Job, kind: ArtifactKind, step: Step) -> Self {
        let last = std::sync::Mutex::new((None, 0));
        Self { driver, job: job.clone(), kind, step, begun: std::time::Instant::now(), last }
    }

    fn at(&self, done: u64, total: u64) {
        let mut last = crate::sources::hub::lock(&self.last);
        last.1 = total;
        let now = std::time::Instant::now();
        let recent = last.0.is_some_and(|t| now.duration_since(t) < Duration::from_millis(500));
        if recent && done < total {
            return;
        }
        last.0 = Some(now);
        drop(last);
        let mut u = self.driver.update(&self.job, self.step);
        self.fill(&mut u, done, total);
        (self.driver.tell)(u);
    }

    fn total(&self) -> u64 {
        crate::sources::hub::lock(&self.last).1
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate in whole bytes, never negative")]
    fn fill(&self, u: &mut Update, done: u64, total: u64) {
        let artifact = match self.kind {
            ArtifactKind::Program => &self.job.program_artifact.id,
            ArtifactKind::Stdin => &self.job.stdin_artifact.id,
            ArtifactKind::Proof => &self.job.proof_artifact.id,
        };
        u.what = Some(self.kind.as_str().into());
        u.artifact = Some(artifact.clone());
        u.done_bytes = Some(done);
        u.total_bytes = Some(total);
        let seconds = self.begun.elapsed().as_secs_f64();
        u.bytes_per_second = (done > 0 && seconds > 0.001).then(|| (done as f64 / seconds) as u64);
    }
}

/// Tries again for some time, and says so once.
struct Patience {
    limit: Duration,
    state: std::sync::Mutex<(Option<std::time::Instant>, Backoff)>,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self { limit, state: std::sync::Mutex::new((None, Backoff::network())) }
    }

    /// False when it has failed for too long.
    fn left(&self) -> bool {
        crate::sources::hub::lock(&self.state).0.is_none_or(|t| t.elapsed() < self.limit)
    }

    async fn wait(&self, driver: &Driver, job: &Job, why: &str) {
        let wait = {
            let mut state = crate::sources::hub::lock(&self.state);
            if state.0.is_none() {
                state.0 = Some(std::time::Instant::now());
                let mut u = driver.update(job, Step::Delayed);
                u.detail = Some(why.to_owned());
                (driver.tell)(u);
            }
            state.1.wait()
        };
        tokio::time::sleep(wait).await;
    }

    /// It worked.
    fn over(&self, driver: &Driver, job: &Job) {
        let mut state = crate::sources::hub::lock(&self.state);
        if state.0.take().is_some() {
            (driver.tell)(driver.update(job, Step::Recovered));
        }
        state.1.reset();
    }
}
