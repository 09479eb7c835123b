//! Requests that another program made.

use std::path::PathBuf;

use super::follow::{end_of, failure};
use crate::base::Timestamp;
use crate::event::ProofMode;
use crate::proto::cluster::ProofRequest;
use crate::prover::job::{Job, JobState, SCHEMA, Stored};

/// A job for a request that another client made.
pub fn adopt(row: &ProofRequest, cluster: &str, store: &str, out: PathBuf) -> Result<Job, String> {
    let mode = row.options_artifact_id.as_deref().and_then(|o| ProofMode::read(o.as_bytes()));
    let mode = mode.ok_or_else(|| format!("the request {} names no proof mode; it is no request of this kind", row.id))?;
    let artifact = row.proof_artifact_id.clone().ok_or_else(|| format!("the request {} names no place for its proof", row.id))?;
    let created = Timestamp::from_secs(i64::try_from(row.created_at).unwrap_or(0));
    let stored = |id: &str| Stored { id: id.to_owned(), ..Stored::default() };
    Ok(Job {
        schema: SCHEMA.into(),
        proof_id: row.id.clone(),
        state: end_of(row).unwrap_or(JobState::Submitted),
        program: "another client's".into(),
        input: row.stdin_artifact_id.clone(),
        // Like no other: nothing is known of its program and input.
        key: format!("request {}", row.id),
        program_sha256: String::new(),
        mode,
        cluster: cluster.into(),
        store: store.into(),
        created_at: created,
        timeout_secs: row.deadline.saturating_sub(row.created_at),
        deadline: Some(row.deadline),
        cycle_limit: row.cycle_limit.unwrap_or(u64::MAX),
        gas_limit: row.gas_limit.unwrap_or(u64::MAX),
        program_artifact: stored(&row.program_artifact_id),
        stdin_artifact: stored(&row.stdin_artifact_id),
        proof_artifact: stored(&artifact),
        submitted_at: Some(created),
        ended_at: None,
        end_seen: false,
        failure: end_of(row).filter(|s| *s == JobState::Failed).map(|_| failure(row)),
        cycles: row.execution_result.as_ref().map(|r| r.cycles).filter(|c| *c > 0),
        out,
        fetched: None,
    })
}
