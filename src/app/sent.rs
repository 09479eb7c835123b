//! From what was sent to where it is followed: its row among the proofs.

use super::popup::Popup;
use super::{App, Step, World};
use crate::base::ProofId;
use crate::ui::{Action, Effect, TimeBase, ViewId};

/// A run of op-succinct that was begun from here.
#[derive(Clone, Debug)]
pub struct Awaited {
    /// The newest run before it: that one is not meant.
    before: Option<String>,
}

impl App {
    /// A proof was sent: the screen goes to it. Esc leads back.
    pub(super) fn sent(&mut self, said: String, proof: ProofId, world: &World<'_>) -> Vec<Effect> {
        let from = self.current;
        let effects = self.act(Action::FollowProof(proof), world);
        self.say(if from == self.current { said } else { format!("{said}; esc leads back") });
        effects
    }

    /// A run was begun: once its proof is known, the key that goes to it is told.
    pub(super) fn await_run(&mut self, world: &World<'_>) {
        self.awaited = Some(Awaited { before: world.model.runs.newest().map(|r| r.id.clone()) });
    }

    /// Looks whether what is waited for came.
    pub(super) fn news(&mut self, world: &World<'_>) -> Vec<Effect> {
        let Some(awaited) = self.awaited.as_ref().filter(|_| world.time == TimeBase::Live) else { return Vec::new() };
        let Some(run) = world.model.runs.newest().filter(|r| Some(&r.id) != awaited.before.as_ref()) else { return Vec::new() };
        let Some(proof) = run.proof.clone() else {
            if run.ended.is_some() {
                self.awaited = None;
            }
            return Vec::new();
        };
        self.awaited = None;
        // Whoever reads the output stays there, and whoever has gone elsewhere too.
        let there = match self.popup {
            Some(Popup::Run(_)) => "o follows it".to_owned(),
            _ => format!("{} then o follows it", self.key_of(&Action::RangeProof)),
        };
        let text = format!("{} is proved as {proof}: {there}", run.what);
        self.say_long(text);
        Vec::new()
    }

    /// From the pane of a run to its proof; Esc leads back to the pane.
    pub(super) fn leave_pane(&mut self, proof: ProofId, world: &World<'_>) -> Vec<Effect> {
        self.popup = None;
        let from = self.current;
        let effects = self.act(Action::FollowProof(proof), world);
        if self.view() == Some(ViewId::Proofs) {
            match self.trail.last_mut().filter(|s| from != self.current && s.from == from) {
                Some(step) => step.pane = true,
                None => self.trail.push(Step { from, landed: None, pane: true }),
            }
        }
        effects
    }
}
