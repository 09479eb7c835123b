//! What a worker's process takes of memory and CPU.

use super::kind::Kind;
use super::release::Release;
use crate::base::Timestamp;

/// One GB in bytes.
const GB: f64 = 1e9;

struct Part {
    seq: u64,
    kind: Kind,
    since: Timestamp,
    peak: f64,
}

/// The working set of one process: what its tasks have grown to, and what
/// finished ones have not yet given back.
pub(super) struct Memory {
    born: Timestamp,
    base: f64,
    parts: Vec<Part>,
    rest: f64,
    rest_at: Timestamp,
}

/// Peak in GB and the seconds in which two thirds of it are reached. The sum
/// of a Controller and a PlonkWrap is 60 to 70 GB (facts, section 2, trap 5).
fn appetite(kind: Kind, release: Release) -> (f64, f64) {
    match kind {
        Kind::Controller if !release.at_least(2, 3, 1) => (16.5, 55.0),
        Kind::Controller => (12.0, 55.0),
        Kind::CoreExecute => (7.5, 18.0),
        Kind::PlonkWrap => (51.0, 32.0),
        Kind::Groth16Wrap => (17.0, 20.0),
        Kind::SetupVkey => (1.5, 3.0),
        Kind::ProveShard => (2.2, 3.0),
        Kind::ShrinkWrap => (4.0, 5.0),
        Kind::RecursionDeferred | Kind::RecursionReduce => (1.2, 2.0),
    }
}

/// Thousandths of a core that a running task of this kind keeps busy.
fn millicores(kind: Kind) -> f64 {
    match kind {
        Kind::Controller => 240.0,
        Kind::CoreExecute => 5200.0,
        Kind::PlonkWrap => 18_500.0,
        Kind::Groth16Wrap => 14_000.0,
        Kind::SetupVkey => 1900.0,
        Kind::ProveShard => 820.0,
        Kind::ShrinkWrap => 1600.0,
        Kind::RecursionDeferred | Kind::RecursionReduce => 950.0,
    }
}

impl Memory {
    pub fn new(now: Timestamp, gpu: bool) -> Self {
        Self { born: now, base: if gpu { 5.8 } else { 1.4 }, parts: Vec::new(), rest: 0.0, rest_at: now }
    }

    /// A task begins; `size` is near 1.
    pub fn grow(&mut self, seq: u64, kind: Kind, release: Release, size: f64, now: Timestamp) {
        self.parts.push(Part { seq, kind, since: now, peak: appetite(kind, release).0 * size });
    }

    /// A task is over: what it had goes within a minute.
    pub fn shrink(&mut self, seq: u64, release: Release, now: Timestamp) {
        if let Some(i) = self.parts.iter().position(|p| p.seq == seq) {
            let part = self.parts.swap_remove(i);
            self.rest = self.left(now) + level(&part, release, now);
            self.rest_at = now;
        }
    }

    fn left(&self, now: Timestamp) -> f64 {
        self.rest * (-now.seconds_since(self.rest_at) / 14.0).exp()
    }

    /// The working set in bytes.
    pub fn bytes(&self, release: Release, now: Timestamp) -> f64 {
        let age = now.seconds_since(self.born);
        let base = self.base * (1.0 - 0.9 * (-age / 9.0).exp());
        let grown: f64 = self.parts.iter().map(|p| level(p, release, now)).sum();
        let wobble = 1.0 + 0.004 * (age / 11.0).sin() + 0.003 * (age / 3.7).sin();
        (base + grown + self.left(now)) * wobble * GB
    }

    /// CPU use in thousandths of a core.
    pub fn millicores(&self, now: Timestamp) -> f64 {
        let age = now.seconds_since(self.born);
        let wobble = 1.0 + 0.05 * (age / 7.0).sin() + 0.03 * (age / 2.3).sin();
        (18.0 + self.parts.iter().map(|p| millicores(p.kind)).sum::<f64>()) * wobble
    }
}

fn level(part: &Part, release: Release, now: Timestamp) -> f64 {
    let tau = appetite(part.kind, release).1;
    part.peak * (1.0 - (-now.seconds_since(part.since) / tau).exp())
}
