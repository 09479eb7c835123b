//! The program of op-succinct that this program runs, and what it said.

use crate::base::{ProofId, Ring, Timestamp};
use crate::event::{RunEvent, RunNote};

/// Lines that are kept.
const LINES: usize = 500;

/// A line of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLine {
    /// When it came.
    pub at: Timestamp,
    /// Whose it is, or what it tells.
    pub event: RunEvent,
    /// The text.
    pub text: String,
}

/// A run.
#[derive(Clone, Debug)]
pub struct ProgramRun {
    /// Names it.
    pub id: String,
    /// What it makes: `range 10-15`.
    pub what: String,
    /// When it began.
    pub began: Timestamp,
    /// When and how it ended.
    pub ended: Option<(Timestamp, RunEvent)>,
    /// Its request, once the API has it.
    pub proof: Option<ProofId>,
    /// The last lines.
    pub lines: Ring<RunLine>,
    /// Lines in all.
    pub total: u64,
}

/// The newest run; there is one at a time.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    newest: Option<ProgramRun>,
}

impl Runs {
    /// The newest run.
    #[must_use]
    pub const fn newest(&self) -> Option<&ProgramRun> {
        self.newest.as_ref()
    }

    /// The run that goes on.
    #[must_use]
    pub fn active(&self) -> Option<&ProgramRun> {
        self.newest.as_ref().filter(|r| r.ended.is_none())
    }

    pub(super) fn note(&mut self, at: Timestamp, note: RunNote) {
        if self.newest.as_ref().is_none_or(|r| r.id != note.run) {
            self.newest =
                Some(ProgramRun { id: note.run, what: note.what, began: at, ended: None, proof: None, lines: Ring::new(LINES), total: 0 });
        }
        let Some(run) = &mut self.newest else { return };
        if note.proof.is_some() {
            run.proof = note.proof;
        }
        if note.event.is_end() {
            run.ended = Some((at, note.event));
        }
        if !note.text.is_empty() {
            run.total += 1;
            run.lines.push(RunLine { at, event: note.event, text: note.text });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(run: &str, event: RunEvent, text: &str) -> RunNote {
        RunNote { run: run.into(), what: "range 10-15".into(), event, text: text.into(), proof: None }
    }

    #[test]
    fn the_newest_run_keeps_its_last_lines_and_its_request() {
        let mut runs = Runs::default();
        let at = Timestamp::from_secs;
        runs.note(at(1), note("a", RunEvent::Started, ""));
        assert!(runs.active().is_some_and(|r| r.total == 0 && r.began == at(1)));
        for n in 0..600 {
            runs.note(at(2), note("a", RunEvent::Line, &format!("line {n}")));
        }
        let proof = Some(ProofId::new("cli_1"));
        runs.note(at(3), RunNote { proof: proof.clone(), ..note("a", RunEvent::Submitted, "") });
        runs.note(at(9), note("a", RunEvent::Ended, "proof saved"));
        assert!(runs.active().is_none());
        let run = runs.newest().unwrap();
        assert_eq!((run.total, run.lines.len(), &run.proof, run.ended), (601, LINES, &proof, Some((at(9), RunEvent::Ended))));
        assert_eq!(run.lines.iter().last().unwrap().text, "proof saved");
        // Another one takes its place.
        runs.note(at(20), note("b", RunEvent::Started, ""));
        assert!(runs.active().is_some_and(|r| r.id == "b" && r.proof.is_none() && r.lines.is_empty()));
    }
}
