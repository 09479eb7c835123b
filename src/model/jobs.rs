//! Proofs that this program sends, as their effects tell.

use std::collections::BTreeMap;

use crate::base::{ProofId, Timestamp};
use crate::event::JobNote;

/// Jobs that are kept; the oldest that are over go first.
const MOST: usize = 64;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The newest word of it.
    pub note: JobNote,
    /// When it was first heard of.
    pub first: Timestamp,
    /// When that word came.
    pub at: Timestamp,
}

impl Job {
    /// True when nothing more will come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_bad() || self.note.state == "fetched"
    }

    /// True when it ended without a proof, or was stopped by an error.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        matches!(self.note.state.as_str(), "failed" | "cancelled" | "expired") || self.note.event == "stopped"
    }
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Jobs {
    by_id: BTreeMap<ProofId, Job>,
}

impl Jobs {
    /// The job of that proof.
    #[must_use]
    pub fn get(&self, id: &ProofId) -> Option<&Job> {
        self.by_id.get(id)
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Those that go on first, then the newest.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Job> {
        let mut all: Vec<&Job> = self.by_id.values().collect();
        all.sort_by(|a, b| (a.is_over(), b.at, &a.note.proof).cmp(&(b.is_over(), a.at, &b.note.proof)));
        all
    }

    pub(super) fn note(&mut self, at: Timestamp, note: JobNote) {
        if !self.by_id.contains_key(&note.proof) && self.by_id.len() >= MOST {
            let oldest = self.by_id.values().min_by_key(|j| (!j.is_over(), j.at)).map(|j| j.note.proof.clone());
            if let Some(id) = oldest {
                self.by_id.remove(&id);
            }
        }
        let first = self.by_id.get(&note.proof).map_or(at, |j| j.first);
        self.by_id.insert(note.proof.clone(), Job { note, first, at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(id: &str, event: &str, state: &str) -> JobNote {
        JobNote {
            proof: ProofId::new(id),
            event: event.into(),
            state: state.into(),
            program: "fibonacci".into(),
            input: "n=20".into(),
            mode: "core".into(),
            line: String::new(),
        }
    }

    #[test]
    fn what_goes_on_comes_first_and_the_number_is_bounded() {
        let mut jobs = Jobs::default();
        let at = Timestamp::from_secs;
        jobs.note(at(1), note("open", "submitted", "submitted"));
        jobs.note(at(2), note("done", "fetched", "fetched"));
        jobs.note(at(3), note("bad", "failed", "failed"));
        let order = |j: &Jobs| j.sorted().iter().map(|j| j.note.proof.to_string()).collect::<Vec<_>>();
        assert_eq!(order(&jobs), ["open", "bad", "done"]);
        for n in 0..200 {
            jobs.note(at(10 + n), note(&format!("j{n}"), "fetched", "fetched"));
        }
        assert_eq!(jobs.sorted().len(), MOST);
        assert_eq!(order(&jobs)[0], "open", "what goes on is not forgotten");
        jobs.note(at(500), note("open", "fetched", "fetched"));
        assert_eq!(jobs.get(&ProofId::new("open")).unwrap().first, at(1));
    }
}
