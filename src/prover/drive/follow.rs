//! Following a request that the API has.

use std::time::Duration;

use tonic::Code;

use super::{Driver, Patience};
use crate::base::Timestamp;
use crate::parse::payload::failure_reason;
use crate::proto::cluster::{ExecutionFailureCause, ExecutionStatus, ProofRequest, ProofRequestStatus};
use crate::prover::job::{self, Job, JobState};
use crate::prover::update::Step;

/// The coordinator drops what is past its deadline within a second; the API's
/// clock may differ a little from ours.
const GRACE: Duration = Duration::from_secs(10);
/// An end counts as seen when the answer before it is no older.
const SEEN: Duration = Duration::from_secs(15);
/// Answers without the row before it is believed to be gone.
const ABSENT: u32 = 10;

impl Driver {
    /// Asks until it is over. An API that does not answer only delays; one that
    /// refuses does not.
    pub(super) async fn follow(&self, job: &mut Job) -> Result<(), String> {
        let patience = Patience::new(Duration::MAX);
        let usual = job::usual(job, &self.journal.all().0);
        let mut pending_at: Option<Timestamp> = None;
        let mut told = self.now();
        let mut absent = 0;
        loop {
            let row = match self.api.get(&job.proof_id).await {
                Ok(row) => row,
                // Somebody says no: asking again gets the same answer.
                Err(e) if matches!(e.code, Code::Unauthenticated | Code::PermissionDenied) => {
                    return Err(format!(
                        "{}; the proof goes on in the cluster; go on with: sp1top proofs attach {}",
                        e.message, job.proof_id
                    ));
                }
                Err(e) => {
                    patience.wait(self, job, &e.message).await;
                    continue;
                }
            };
            patience.over(self, job);
            let now = self.now();
            if let Some(row) = &row {
                absent = 0;
                if let Some(end) = end_of(row) {
                    return self.end(job, row, end, pending_at);
                }
                pending_at = Some(now);
            } else {
                absent += 1;
                if absent >= ABSENT {
                    job.failure = Some("the API does not know the request any more; was its database emptied?".into());
                    job.ended_at = Some(now);
                    return self.move_on(job, JobState::Failed, Step::Failed);
                }
            }
            let over = job.deadline.and_then(|d| i64::try_from(d).ok()).map(Timestamp::from_secs);
            if over.is_some_and(|d| now > d.plus(GRACE)) {
                job.failure = Some("the cluster has dropped it; send it again with a longer --timeout, or see what it waited for".into());
                job.ended_at = over;
                return self.move_on(job, JobState::Expired, Step::Expired);
            }
            if now.since(told) >= self.options.progress {
                told = now;
                let mut u = self.update(job, Step::Progress);
                u.eta_seconds =
                    usual.zip(u.elapsed_seconds).map(|((median, _), e)| (median.as_secs_f64() - e).round()).filter(|s| *s > 0.0);
                (self.tell)(u);
            }
            tokio::time::sleep(self.options.poll).await;
        }
    }

    fn end(&self, job: &mut Job, row: &ProofRequest, end: JobState, pending_at: Option<Timestamp>) -> Result<(), String> {
        let now = self.now();
        job.ended_at = Some(now);
        job.end_seen = pending_at.is_some_and(|t| now.since(t) <= SEEN);
        job.cycles = row.execution_result.as_ref().map(|r| r.cycles).filter(|c| *c > 0);
        if let Some(id) = &row.proof_artifact_id {
            job.proof_artifact.id.clone_from(id);
        }
        let step = match end {
            JobState::Completed => Step::Completed,
            JobState::Cancelled => Step::Cancelled,
            _ => {
                job.failure = Some(failure(row));
                Step::Failed
            }
        };
        job.state = end;
        self.journal.save(job)?;
        let mut u = self.told(job, step);
        if end == JobState::Completed {
            u.detail = self.comparison(job);
        }
        (self.tell)(u);
        Ok(())
    }
}

/// The state that a row's end means; `None` while it is pending.
#[must_use]
pub fn end_of(row: &ProofRequest) -> Option<JobState> {
    match ProofRequestStatus::try_from(row.proof_status) {
        Ok(ProofRequestStatus::Completed) => Some(JobState::Completed),
        Ok(ProofRequestStatus::Failed) => Some(JobState::Failed),
        Ok(ProofRequestStatus::Cancelled) => Some(JobState::Cancelled),
        _ => None,
    }
}

/// Why a request failed, from what the API keeps (reference 4.3).
#[must_use]
pub fn failure(row: &ProofRequest) -> String {
    let execution = row.execution_result.as_ref().filter(|r| r.status == i32::from(ExecutionStatus::Failed));
    let cause = execution.map(|r| match ExecutionFailureCause::try_from(r.failure_cause) {
        Ok(c) => format!("the program failed: {}", c.as_str_name().to_ascii_lowercase().replace('_', " ")),
        Err(_) => format!("the program failed: cause {}", r.failure_cause),
    });
    let extra = row.extra_data.as_deref().filter(|x| !x.trim().is_empty()).map(|x| failure_reason(x.as_bytes()));
    match (cause, extra) {
        (Some(c), Some(x)) => format!("{c}; {x}"),
        (Some(c), None) => c,
        (None, Some(x)) => x,
        (None, None) => {
            "the API keeps no reason (before v2.4.0, or retries exhausted); the logs of the coordinator and the nodes have it".into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::cluster::ExecutionResult;

    #[test]
    fn the_cause_of_a_failure_is_told() {
        let extra = include_str!("../../../fixtures/grpc/failed-proof.json");
        let row = ProofRequest { extra_data: Some(extra.into()), ..ProofRequest::default() };
        assert_eq!(failure(&row), "attempted to perform base field division 1065949189/0");
        let executed = ExecutionResult { status: 3, failure_cause: 1, ..ExecutionResult::default() };
        let row = ProofRequest { execution_result: Some(executed), ..ProofRequest::default() };
        assert!(failure(&row).contains("halt with non zero exit code"), "{}", failure(&row));
        assert!(failure(&ProofRequest::default()).contains("no reason"));
    }
}
