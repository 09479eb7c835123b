//! Bringing a proof home: read, decoded, checked, and written in one step with
//! what is known of it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::journal::write_whole;
use super::proof::{self, ProofHead};
use super::store::{ArtifactKind, Progress, Store, StoreError};
use super::{encode, job};
use crate::base::Timestamp;
use crate::event::ProofMode;

/// A proof that came whole.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Its bytes, decompressed.
    pub raw: Vec<u8>,
    /// What they say.
    pub head: ProofHead,
}

/// Reads and checks a proof. `mode`: what was asked for.
pub async fn download(store: &Store, artifact: &str, mode: Option<ProofMode>, progress: Progress<'_>) -> Result<Proof, StoreError> {
    let value = store.get(ArtifactKind::Proof, artifact, progress).await?;
    let lasting = |message: String| StoreError { message: format!("artifact {artifact}: {message}"), passing: false, missing: false };
    let decode = move || {
        let raw = encode::decompress(&value)?;
        let head = proof::head(&raw)?;
        Ok::<_, String>(Proof { raw, head })
    };
    let proof = tokio::task::spawn_blocking(decode).await.map_err(|e| lasting(e.to_string()))?.map_err(lasting)?;
    if let Some(mode) = mode
        && proof.head.mode != mode
    {
        return Err(lasting(format!("it is a {} proof, and {} was asked for", proof.head.mode.as_str(), mode.as_str())));
    }
    Ok(proof)
}

/// What is written beside a proof.
#[derive(Clone, Debug, Serialize)]
pub struct Metadata {
    /// `sp1top.proof/1`.
    pub schema: &'static str,
    /// The request.
    pub proof_id: String,
    /// Its mode.
    pub mode: &'static str,
    /// The program's name, where this program sent it.
    pub program: Option<String>,
    /// SHA-256 of its ELF, where this program sent it.
    pub program_sha256: Option<String>,
    /// Artifact of the ELF.
    pub program_artifact: Option<String>,
    /// Its input in short.
    pub input: Option<String>,
    /// Artifact of the proof.
    pub proof_artifact: String,
    /// The API.
    pub cluster: String,
    /// When it was requested.
    pub created_at: Option<Timestamp>,
    /// When the API took it.
    pub submitted_at: Option<Timestamp>,
    /// When it was seen to be complete.
    pub completed_at: Option<Timestamp>,
    /// From submission to completion, where both were seen.
    pub took_seconds: Option<f64>,
    /// When this file was written.
    pub fetched_at: Timestamp,
    /// The SP1 version that made it, from the proof itself.
    pub sp1_version: String,
    /// The version that the coordinator tells, where it was asked.
    pub cluster_sp1_version: Option<String>,
    /// Cycles, where the cluster told.
    pub cycles: Option<u64>,
    /// The public values in hex; only known of plonk and groth16 proofs.
    pub public_values: Option<String>,
    /// Bytes of the proof's file.
    pub bytes: u64,
    /// SHA-256 of them.
    pub sha256: String,
}

impl Metadata {
    /// Of a proof of which only the request is known.
    #[must_use]
    pub fn of(proof_id: &str, artifact: &str, proof: &Proof, cluster: &str, now: Timestamp) -> Self {
        Self {
            schema: "sp1top.proof/1",
            proof_id: proof_id.into(),
            mode: proof.head.mode.as_str(),
            program: None,
            program_sha256: None,
            program_artifact: None,
            input: None,
            proof_artifact: artifact.into(),
            cluster: cluster.into(),
            created_at: None,
            submitted_at: None,
            completed_at: None,
            took_seconds: None,
            fetched_at: now,
            sp1_version: proof.head.sp1_version.clone(),
            cluster_sp1_version: None,
            cycles: None,
            public_values: proof.head.public_values.as_deref().map(encode::hex),
            bytes: proof.raw.len() as u64,
            sha256: encode::sha256(&proof.raw),
        }
    }

    /// Adds what the journal knows.
    #[must_use]
    pub fn with(mut self, job: &job::Job) -> Self {
        self.program = Some(job.program.clone());
        self.program_sha256 = Some(job.program_sha256.clone());
        self.program_artifact = Some(job.program_artifact.id.clone());
        self.input = Some(job.input.clone());
        self.created_at = Some(job.created_at);
        self.submitted_at = job.submitted_at;
        self.completed_at = job.ended_at;
        self.took_seconds = job.took().map(|d| d.as_secs_f64());
        self.cycles = job.cycles;
        self
    }
}

/// Where the metadata of a proof's file is: beside it, `.json`.
#[must_use]
pub fn metadata_path(path: &Path) -> PathBuf {
    let json = path.with_extension("json");
    // A proof that itself is to be called so keeps its name.
    if json == path { PathBuf::from(format!("{}.json", path.display())) } else { json }
}

/// Writes proof and metadata, each in one step.
pub fn save(path: &Path, proof: &Proof, metadata: &Metadata) -> Result<(), String> {
    let failed = |path: &Path, e: std::io::Error| {
        format!("cannot write {}: {e}; the proof stays in the store: try again with --out and another place", path.display())
    };
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
    }
    write_whole(path, &proof.raw).map_err(|e| failed(path, e))?;
    let beside = metadata_path(path);
    let mut text = serde_json::to_vec_pretty(metadata).map_err(|e| e.to_string())?;
    text.push(b'\n');
    write_whole(&beside, &text).map_err(|e| failed(&beside, e))
}
