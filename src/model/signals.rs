//! Counters and last times of troubles, for the alert rules.

use crate::base::{SourceName, Timestamp};
use crate::event::What;

/// What the logs complained about, counted and bounded.
#[derive(Clone, Debug, Default)]
pub struct Signals {}

impl Signals {
    /// Takes note of an event before the model does.
    #[allow(clippy::unused_self, clippy::needless_pass_by_ref_mut, reason = "the rules have no troubles to read yet")]
    pub(super) fn note(&mut self, _at: Timestamp, _source: &SourceName, _what: &What) {}
}
