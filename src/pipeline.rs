//! Envelopes in, a model out: what live, demo, record and replay share.

use crate::alerts::{Alerts, Thresholds};
use crate::envelope::Envelope;
use crate::event::Batch;
use crate::model::Model;
use crate::parse::Decoder;

/// Everything between a source and the screens that keeps a state, except the
/// model itself. A clone of both is a point that replay can go back to.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    decoder: Decoder,
    alerts: Alerts,
}

impl Pipeline {
    /// A pipeline at its beginning; with `logs` all log records are kept to be
    /// shown, not only WARN and ERROR.
    #[must_use]
    pub fn new(logs: bool) -> Self {
        Self::with(logs, Thresholds::default())
    }

    /// [`Self::new`] with alert rules that compare with `limits`.
    #[must_use]
    pub fn with(logs: bool, limits: Thresholds) -> Self {
        Self { decoder: Decoder::new(logs), alerts: Alerts::new(limits) }
    }

    /// The alerts as of the last envelope.
    #[must_use]
    pub const fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    /// To acknowledge and mute.
    pub const fn alerts_mut(&mut self) -> &mut Alerts {
        &mut self.alerts
    }

    /// Takes in one envelope.
    pub fn apply(&mut self, envelope: &Envelope, model: &mut Model) {
        let batch = self.decoder.decode(envelope);
        self.apply_batch(batch, model);
    }

    /// Takes in an envelope that was decoded elsewhere.
    pub fn apply_batch(&mut self, batch: Batch, model: &mut Model) {
        model.apply(batch);
        self.alerts.evaluate(model);
    }
}
