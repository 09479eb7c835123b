//! Uploading and submitting.

use std::time::{Duration, Instant};

use tonic::Code;

use super::{Driver, Meter, PROGRAM, Patience, STDIN, no_store};
use crate::proto::cluster::ProofRequestCreateRequest;
use crate::prover::job::{Job, JobState, mode_number};
use crate::prover::store::ArtifactKind;
use crate::prover::update::Step;

/// The store keeps an input this much longer than its proof may take.
const SPARE: Duration = Duration::from_secs(3600);
/// Refusals of a request before it is given up.
const REFUSALS: u32 = 3;

impl Driver {
    /// Brings program and input into the store; what is there already is not
    /// sent again.
    pub(super) async fn upload(&self, job: &mut Job) -> Result<(), String> {
        for (kind, file) in [(ArtifactKind::Program, PROGRAM), (ArtifactKind::Stdin, STDIN)] {
            self.upload_one(job, kind, file, false).await?;
        }
        job.state = JobState::Uploaded;
        self.journal.save(job)
    }

    async fn upload_one(&self, job: &mut Job, kind: ArtifactKind, file: &str, again: bool) -> Result<(), String> {
        let Some(store) = &self.store else { return Err(no_store(job)) };
        // Half of it may be in the other one, and that may be another cluster's.
        if store.name() != job.store {
            return Err(format!(
                "{} was to be sent with the artifact store {}, and now {} is set; nothing was sent; set the one before and go on with: sp1top proofs attach {0}; or drop it with: sp1top proofs cancel {0}",
                job.proof_id,
                job.store,
                store.name()
            ));
        }
        let patience = Patience::new(self.options.patience);
        let stored = if kind == ArtifactKind::Program { job.program_artifact.clone() } else { job.stdin_artifact.clone() };
        let resume = |e: &str| format!("{e}; nothing was sent; go on later with: sp1top proofs attach {}", job.proof_id);
        loop {
            // Shared by several jobs, or stored before a crash.
            let there = match store.exists(kind, &stored.id).await {
                Ok(there) => there,
                Err(e) if e.passing && patience.left() => {
                    patience.wait(self, job, &e.message).await;
                    continue;
                }
                Err(e) => return Err(resume(&e.message)),
            };
            if there {
                break;
            }
            let value = self.journal.payload(&job.proof_id, file)?;
            let meter = Meter::new(self, job, kind, Step::Uploading);
            let begun = Instant::now();
            let at_least = Duration::from_secs(job.timeout_secs) + SPARE;
            match store.put(kind, &stored.id, &value, at_least, &|d, t| meter.at(d, t)).await {
                Ok(()) => {
                    let mut u = self.update(job, Step::Uploaded);
                    meter.fill(&mut u, stored.bytes, stored.bytes);
                    u.sha256 = Some(stored.sha256.clone());
                    u.elapsed_seconds = Some(begun.elapsed().as_secs_f64());
                    (self.tell)(u);
                    break;
                }
                Err(e) if e.passing && patience.left() => patience.wait(self, job, &e.message).await,
                Err(e) => return Err(resume(&e.message)),
            }
        }
        patience.over(self, job);
        let now = self.now();
        let place = if kind == ArtifactKind::Program { &mut job.program_artifact } else { &mut job.stdin_artifact };
        if place.at.is_none() || again {
            place.at = Some(now);
        }
        self.journal.save(job)
    }

    /// From here on the request may have been sent.
    pub(super) fn begin_submission(&self, job: &mut Job) -> Result<(), String> {
        job.deadline = Some(u64::try_from(self.now().secs()).unwrap_or(0) + job.timeout_secs);
        job.state = JobState::Submitting;
        self.journal.save(job)
    }

    /// Sends the request, once. `fresh`: nobody can have sent it yet.
    pub(super) async fn submit(&self, job: &mut Job, fresh: bool) -> Result<(), String> {
        let patience = Patience::new(self.options.patience);
        let mut ask_first = !fresh;
        let mut refusals = 0;
        loop {
            let id = job.proof_id.clone();
            let failed =
                |e: &str| format!("{e}; whether the request was taken is not known; sp1top proofs attach {id} finds out and goes on");
            if ask_first {
                match self.api.get(&job.proof_id).await {
                    Ok(Some(row)) if row.program_artifact_id == job.program_artifact.id => break,
                    Ok(Some(_)) => return Err(format!("the API has another request with the id {}; this one was not sent", job.proof_id)),
                    Ok(None) => self.refresh(job).await?,
                    Err(e) if is_passing(e.code) && patience.left() => {
                        patience.wait(self, job, &e.message).await;
                        continue;
                    }
                    Err(e) => return Err(failed(&e.message)),
                }
            }
            ask_first = true;
            match self.api.create(&request(job)).await {
                Ok(()) => break,
                Err(e) => match e.code {
                    // Taken before, by an attempt whose answer was lost.
                    Code::AlreadyExists => {}
                    code if is_passing(code) => {
                        if !patience.left() {
                            return Err(failed(&e.message));
                        }
                        patience.wait(self, job, &e.message).await;
                    }
                    // Before v2.7.0 an id that is taken is an internal error too.
                    Code::Internal | Code::Unknown if refusals + 1 < REFUSALS => {
                        refusals += 1;
                        patience.wait(self, job, &e.message).await;
                    }
                    _ => return Err(format!("the API refuses the request: {}; job {} stays in the journal", e.message, job.proof_id)),
                },
            }
        }
        patience.over(self, job);
        job.submitted_at = Some(self.now());
        self.move_on(job, JobState::Submitted, Step::Submitted)?;
        for file in [PROGRAM, STDIN] {
            self.journal.drop_payload(&job.proof_id, file);
        }
        Ok(())
    }

    /// The API does not have it. Time may have passed since it was planned: its
    /// artifacts may be gone and its deadline over.
    async fn refresh(&self, job: &mut Job) -> Result<(), String> {
        let now = u64::try_from(self.now().secs()).unwrap_or(0);
        if job.deadline.is_none_or(|d| d < now + job.timeout_secs / 2) {
            job.deadline = Some(now + job.timeout_secs);
            self.journal.save(job)?;
        }
        for (kind, file) in [(ArtifactKind::Program, PROGRAM), (ArtifactKind::Stdin, STDIN)] {
            self.upload_one(job, kind, file, true).await?;
        }
        Ok(())
    }
}

/// True where the request may come through later.
fn is_passing(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::DeadlineExceeded | Code::Aborted | Code::ResourceExhausted | Code::Cancelled)
}

fn request(job: &Job) -> ProofRequestCreateRequest {
    ProofRequestCreateRequest {
        proof_id: job.proof_id.clone(),
        program_artifact_id: job.program_artifact.id.clone(),
        stdin_artifact_id: job.stdin_artifact.id.clone(),
        options_artifact_id: Some(mode_number(job.mode).to_string()),
        proof_artifact_id: Some(job.proof_artifact.id.clone()),
        requester: Vec::new(),
        deadline: job.deadline.unwrap_or(0),
        cycle_limit: job.cycle_limit,
        gas_limit: job.gas_limit,
        ..ProofRequestCreateRequest::default()
    }
}
