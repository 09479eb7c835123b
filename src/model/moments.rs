//! What happened, in words, for the recent-events list and for stepping through
//! a recording.

use std::time::Duration;

use crate::base::{Ring, Timestamp};

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MomentKind {
    /// The coordinator took a proof on.
    ProofClaimed,
    /// A proof is complete.
    ProofCompleted,
    /// A proof failed.
    ProofFailed,
    /// A proof was cancelled or dropped.
    ProofCancelled,
    /// A worker registered.
    WorkerJoined,
    /// A worker was lost.
    WorkerLost,
    /// The coordinator began anew.
    CoordinatorRestarted,
    /// A container ended.
    ContainerDied,
    /// The coordinator could not reach the API.
    ApiUnreachable,
    /// A task is out of retries.
    TaskExhausted,
}

impl MomentKind {
    /// True for what an operator should look at.
    #[must_use]
    pub const fn is_bad(self) -> bool {
        matches!(
            self,
            Self::ProofFailed
                | Self::WorkerLost
                | Self::CoordinatorRestarted
                | Self::ContainerDied
                | Self::ApiUnreachable
                | Self::TaskExhausted
        )
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub kind: MomentKind,
    /// In words.
    pub text: String,
}

/// The last of them.
#[derive(Clone, Debug)]
pub struct Moments {
    ring: Ring<Moment>,
    total: u64,
}

impl Default for Moments {
    fn default() -> Self {
        Self { ring: Ring::new(1024), total: 0 }
    }
}

impl Moments {
    /// Notes that something happened.
    pub fn push(&mut self, at: Timestamp, kind: MomentKind, text: String) {
        self.total += 1;
        self.ring.push(Moment { at, kind, text });
    }

    /// Notes something that repeats: only once in two minutes.
    pub fn once(&mut self, at: Timestamp, kind: MomentKind, text: String) {
        const AGAIN: Duration = Duration::from_secs(120);
        let recent = self.ring.iter().rev().take(64).any(|m| m.kind == kind && m.text == text && at.since(m.at) < AGAIN);
        if !recent {
            self.push(at, kind, text);
        }
    }

    /// How many there were so far, forgotten ones too.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Moment> + ExactSizeIterator {
        self.ring.iter()
    }
}
