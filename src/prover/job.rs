//! A proof that this program sent, as the journal keeps it.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::Timestamp;
use crate::event::ProofMode;

/// How far a job is. It only moves on, and each step is on disk before the next
/// is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// On disk, nothing sent.
    Planned,
    /// Program and input are in the store.
    Uploaded,
    /// The request may have been sent: only the API knows.
    Submitting,
    /// The API has the request.
    Submitted,
    /// The proof is made and waits in the store.
    Completed,
    /// The proof is here.
    Fetched,
    /// The cluster gave up.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// Its deadline passed.
    Expired,
}

impl JobState {
    /// As in the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Uploaded => "uploaded",
            Self::Submitting => "submitting",
            Self::Submitted => "submitted",
            Self::Completed => "completed",
            Self::Fetched => "fetched",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// True when nothing is left to do.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Fetched | Self::Failed | Self::Cancelled | Self::Expired)
    }

    /// True when it ended without a proof.
    #[must_use]
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled | Self::Expired)
    }
}

/// Something of a job that is in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Artifact id.
    pub id: String,
    /// Bytes in the store (compressed).
    #[serde(default)]
    pub bytes: u64,
    /// SHA-256 of those bytes.
    #[serde(default)]
    pub sha256: String,
    /// When it was stored.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

/// The file that came home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    /// Where it is.
    pub path: PathBuf,
    /// Its bytes (decompressed).
    pub bytes: u64,
    /// SHA-256 of them.
    pub sha256: String,
    /// The SP1 version that made it.
    pub sp1_version: String,
    /// When it was written.
    pub at: Timestamp,
}

/// One proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Version of this file.
    pub schema: String,
    /// The request's id.
    pub proof_id: String,
    /// How far it is.
    pub state: JobState,
    /// What is proved: `fibonacci`, or a file's name.
    pub program: String,
    /// Its input in short.
    pub input: String,
    /// Digest of program and input: runs with the same one are compared.
    pub key: String,
    /// SHA-256 of the ELF.
    pub program_sha256: String,
    /// Proof mode.
    #[serde(with = "mode")]
    pub mode: ProofMode,
    /// The API that it goes to, without secrets.
    pub cluster: String,
    /// The store, without secrets.
    pub store: String,
    /// When it was planned.
    pub created_at: Timestamp,
    /// Seconds from sending to the deadline.
    pub timeout_secs: u64,
    /// The deadline that was sent, Unix seconds.
    #[serde(default)]
    pub deadline: Option<u64>,
    /// 2^64 - 1 for none.
    pub cycle_limit: u64,
    /// 2^64 - 1 for none.
    pub gas_limit: u64,
    /// The ELF's artifact.
    pub program_artifact: Stored,
    /// The input's artifact.
    pub stdin_artifact: Stored,
    /// The result's artifact.
    pub proof_artifact: Stored,
    /// When the API took it.
    #[serde(default)]
    pub submitted_at: Option<Timestamp>,
    /// When it was seen to be over.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// True where the end was seen as it came, so that the time it took is known.
    #[serde(default)]
    pub end_seen: bool,
    /// Why it failed.
    #[serde(default)]
    pub failure: Option<String>,
    /// Cycles of the program, where the cluster told.
    #[serde(default)]
    pub cycles: Option<u64>,
    /// Where the proof is to be written.
    pub out: PathBuf,
    /// The proof that came.
    #[serde(default)]
    pub fetched: Option<Fetched>,
}

/// The journal's version.
pub const SCHEMA: &str = "sp1top.job/1";

impl Job {
    /// How long the proof took, where both ends were seen.
    #[must_use]
    pub fn took(&self) -> Option<Duration> {
        let end = self.ended_at.filter(|_| self.end_seen)?;
        Some(end.since(self.submitted_at?))
    }

    /// True where `other` is an earlier run of the same thing on this cluster.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.key == other.key && self.mode == other.mode && self.cluster == other.cluster && self.proof_id != other.proof_id
    }
}

/// How a run compares with those before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// Runs before.
    pub runs: usize,
    /// Their median.
    pub median: Duration,
    /// This one over the median, less one: 0.12 is 12 % slower.
    pub slower: f64,
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = (self.slower * 100.0).round();
        let of = if self.runs == 1 { "the one run before".into() } else { format!("the median of {}", self.runs) };
        if percent.abs() < 1.0 {
            write!(f, "as fast as {of}")
        } else {
            write!(f, "{:.0}% {} than {of}", percent.abs(), if percent > 0.0 { "slower" } else { "faster" })
        }
    }
}

/// The median of earlier runs of the same thing, and how many they are.
#[must_use]
pub fn usual(job: &Job, others: &[Job]) -> Option<(Duration, usize)> {
    let done = |j: &&Job| job.is_like(j) && matches!(j.state, JobState::Completed | JobState::Fetched);
    let mut times: Vec<Duration> = others.iter().filter(done).filter_map(Job::took).collect();
    times.sort_unstable();
    let n = times.len();
    if n == 0 {
        return None;
    }
    Some((times[(n - 1) / 2].midpoint_with(times[n / 2]), n))
}

/// Compares a completed run with those before it.
#[must_use]
pub fn compare(job: &Job, others: &[Job]) -> Option<Comparison> {
    let took = job.took()?;
    let (median, runs) = usual(job, others)?;
    if median.is_zero() {
        return None;
    }
    Some(Comparison { runs, median, slower: took.as_secs_f64() / median.as_secs_f64() - 1.0 })
}

trait Midpoint {
    fn midpoint_with(self, other: Self) -> Self;
}

impl Midpoint for Duration {
    fn midpoint_with(self, other: Self) -> Self {
        (self + other) / 2
    }
}

mod mode {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::event::ProofMode;
    use crate::prover::job::mode_of;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
    pub fn serialize<S: Serializer>(mode: &ProofMode, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(mode.as_str())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<ProofMode, D::Error> {
        let s = String::deserialize(d)?;
        mode_of(&s).ok_or_else(|| D::Error::custom(format!("'{s}' is no proof mode")))
    }
}

/// Reads `core`, `compressed`, `plonk` or `groth16`.
#[must_use]
pub fn mode_of(s: &str) -> Option<ProofMode> {
    [ProofMode::Core, ProofMode::Compressed, ProofMode::Plonk, ProofMode::Groth16].into_iter().find(|m| m.as_str() == s)
}

/// The number that requests carry.
#[must_use]
pub const fn mode_number(mode: ProofMode) -> u32 {
    match mode {
        ProofMode::Core => 1,
        ProofMode::Compressed => 2,
        ProofMode::Plonk => 3,
        ProofMode::Groth16 => 4,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn job(id: &str) -> Job {
        Job {
            schema: SCHEMA.into(),
            proof_id: id.into(),
            state: JobState::Planned,
            program: "fibonacci".into(),
            input: "n=20".into(),
            key: "k".into(),
            program_sha256: "p".into(),
            mode: ProofMode::Core,
            cluster: "http://api:50051".into(),
            store: "redis://r".into(),
            created_at: Timestamp::from_secs(1_000),
            timeout_secs: 3600,
            deadline: None,
            cycle_limit: u64::MAX,
            gas_limit: u64::MAX,
            program_artifact: Stored::default(),
            stdin_artifact: Stored::default(),
            proof_artifact: Stored::default(),
            submitted_at: None,
            ended_at: None,
            end_seen: false,
            failure: None,
            cycles: None,
            out: "x.bin".into(),
            fetched: None,
        }
    }

    pub(crate) fn ran(id: &str, seconds: i64) -> Job {
        Job {
            state: JobState::Fetched,
            submitted_at: Some(Timestamp::from_secs(2_000)),
            ended_at: Some(Timestamp::from_secs(2_000 + seconds)),
            end_seen: true,
            ..job(id)
        }
    }

    #[test]
    fn runs_are_compared_with_their_like() {
        let now = ran("now", 112);
        let mut before: Vec<Job> = [100, 90, 110, 100, 130, 100, 95].iter().enumerate().map(|(n, s)| ran(&format!("b{n}"), *s)).collect();
        assert_eq!(compare(&now, &before).unwrap().to_string(), "12% slower than the median of 7");
        // Another mode, cluster, input, a failure, and an end that nobody saw do not count.
        before.push(Job { mode: ProofMode::Plonk, ..ran("m", 1) });
        before.push(Job { cluster: "other".into(), ..ran("c", 1) });
        before.push(Job { key: "other".into(), ..ran("i", 1) });
        before.push(Job { state: JobState::Failed, ..ran("f", 1) });
        before.push(Job { end_seen: false, ..ran("u", 1) });
        before.push(ran("now", 1));
        assert_eq!(compare(&now, &before).unwrap().runs, 7);
        assert_eq!(compare(&ran("x", 90), &before[..1]).unwrap().to_string(), "10% faster than the one run before");
        assert_eq!(compare(&ran("x", 100), &before[..2]).unwrap().to_string(), "5% slower than the median of 2");
        assert_eq!(compare(&now, &[]), None);
    }

    #[test]
    fn a_job_is_read_back() {
        let job = ran("cli_1_abc", 5);
        let text = serde_json::to_string(&job).unwrap();
        assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), job);
        assert!(text.contains("18446744073709551615"));
    }
}
