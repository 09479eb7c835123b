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
        for part in batch.periods() {
            model.apply(part);
            self.alerts.evaluate(model);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{SourceName, Timestamp};
    use crate::envelope::Kind;

    #[test]
    fn a_log_that_is_read_late_in_one_piece_tells_what_it_proves() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures/stuck-plonk32/coordinator.log.zst");
        let raw = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
        let (mut pipeline, mut model) = (Pipeline::new(false), Model::new());
        let at = Timestamp::parse_prefix(b"2026-11-24T09:00:00.000000Z").unwrap().0;
        pipeline.apply(&Envelope { seq: 1, at, source: SourceName::new("log:coordinator"), kind: Kind::Log, raw: raw.into() }, &mut model);
        let told: Vec<_> = pipeline.alerts().history().map(|t| t.alert.id).collect();
        assert!(told.contains(&"aggregation-stuck"), "{told:?}");
        assert_eq!(model.now, at);
    }
}
