//! What this program does itself: proofs that it sends, programs that it runs.

use crate::base::ProofId;

/// How far a proof is that this program sends: the result of an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobNote {
    /// The proof.
    pub proof: ProofId,
    /// What happened: `uploading`, `submitted`, `failed`, …
    pub event: String,
    /// The job's state: `planned`, `submitted`, `fetched`, …
    pub state: String,
    /// The program's name.
    pub program: String,
    /// Its input in short.
    pub input: String,
    /// The proof mode.
    pub mode: String,
    /// The same as a line for a person.
    pub line: String,
}

/// News of a program of op-succinct that this program runs: the result of an
/// effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunNote {
    /// Names the run.
    pub run: String,
    /// What it makes: `range 10-15`.
    pub what: String,
    /// What happened.
    pub event: RunEvent,
    /// In words: the program's line, or ours.
    pub text: String,
    /// The request that it made.
    pub proof: Option<ProofId>,
}

/// What happened to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunEvent {
    /// It begins.
    Started,
    /// Something was looked at beforehand, and is well.
    Good,
    /// Something was looked at beforehand, and is not well.
    Bad,
    /// The program printed a line.
    Line,
    /// A word of ours.
    Word,
    /// The API has its request.
    Submitted,
    /// It ended well.
    Ended,
    /// It failed.
    Failed,
    /// It was stopped.
    Stopped,
}

impl RunEvent {
    /// True when nothing more comes.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Ended | Self::Failed | Self::Stopped)
    }
}
