//! From bytes to events.
//!
//! Parsing never fails: it gives events and what it could not read. One
//! [`Decoder`] serves all sources; it keeps half lines and the last record's
//! time for each of them, and nothing else, so that the same envelopes always
//! give the same events.
//!
//! - [`formats`]: the shapes of a line (compact, JSON), one file each;
//! - [`messages`]: what a record's message means, a table for each component;
//! - [`block`]: the coordinator's periodic block, the hot path;
//! - [`stream`]: lines out of a byte stream, and records out of lines;
//! - [`payload`]: answers of Kubernetes, gRPC and Prometheus.

pub mod block;
pub mod formats;
mod line;
pub mod messages;
pub mod payload;
pub mod prefix;
mod repeats;
pub mod scan;
pub mod stream;

use rustc_hash::FxHashMap;

use crate::base::{SourceName, Timestamp};
use crate::envelope::{Envelope, Kind, Session, SourceUpdate};
use crate::event::{Batch, Event, Unread, UnreadReason, What};
use stream::Stream;

/// Streams that are remembered at once; pods come and go.
const MAX_STREAMS: usize = 8_192;

/// Turns envelopes into events.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    /// All log records are wanted, not only WARN and ERROR.
    logs: bool,
    streams: FxHashMap<SourceName, Stream>,
    /// Events that the last piece of a log held, and a few more.
    usual: usize,
}

impl Decoder {
    /// A decoder; with `logs` it gives every log record to be shown, else only
    /// those at WARN and ERROR.
    #[must_use]
    pub fn new(logs: bool) -> Self {
        Self { logs, streams: FxHashMap::default(), usual: 0 }
    }

    /// Reads one envelope.
    pub fn decode(&mut self, e: &Envelope) -> Batch {
        let mut batch = Batch {
            seq: e.seq,
            at: e.at,
            source: e.source.clone(),
            events: Vec::new(),
            unread: Vec::new(),
            bytes: u64::try_from(e.raw.len()).unwrap_or(u64::MAX),
        };
        match e.kind {
            Kind::Log => {
                // Most pieces of a log hold as many events as the last one: room for
                // them at once saves moving a thousand of them again and again.
                batch.events.reserve_exact(self.usual.min(e.raw.len() / 64));
                self.stream(&e.source).feed(&e.raw, e.at, &mut batch);
                self.usual = batch.events.len() + batch.events.len() / 16;
            }
            Kind::LogBreak => self.stream(&e.source).cut(e.at, &mut batch),
            Kind::Source => match serde_json::from_slice::<SourceUpdate>(&e.raw) {
                Ok(update) => batch.events.push(Event { at: e.at, what: What::Source(update) }),
                Err(_) => unknown_document(e.at, &e.raw, &mut batch),
            },
            Kind::Session => match serde_json::from_slice::<Session>(&e.raw) {
                Ok(session) => batch.events.push(Event { at: e.at, what: What::Session(session) }),
                Err(_) => unknown_document(e.at, &e.raw, &mut batch),
            },
            Kind::Tick => batch.events.push(Event { at: e.at, what: What::Tick }),
            Kind::Effect => match serde_json::from_slice(&e.raw) {
                Ok(news) => batch.events.push(Event { at: e.at, what: What::Change(Box::new(news)) }),
                Err(_) => payload::parse(e.kind, e.at, &e.raw, &mut batch.events, &mut batch.unread),
            },
            Kind::Json | Kind::PodMetrics | Kind::Stats | Kind::Proofs | Kind::Manifest | Kind::Prometheus => {
                payload::parse(e.kind, e.at, &e.raw, &mut batch.events, &mut batch.unread);
            }
        }
        batch
    }

    fn stream(&mut self, source: &SourceName) -> &mut Stream {
        if self.streams.len() >= MAX_STREAMS && !self.streams.contains_key(source) {
            // The ones that hold no half line lose nothing but a hint.
            self.streams.retain(|_, s| s.holds_half_a_line());
        }
        let logs = self.logs;
        self.streams.entry(source.clone()).or_insert_with(|| Stream::new(logs))
    }
}

fn unknown_document(at: Timestamp, raw: &[u8], batch: &mut Batch) {
    batch.unread.push(Unread { at, why: UnreadReason::UnknownDocument, text: excerpt(raw) });
}

/// The beginning of something unread, safe to show.
fn excerpt(raw: &[u8]) -> String {
    payload::safe(&String::from_utf8_lossy(&raw[..raw.len().min(400)]), 200)
}

/// The first line of the reason in a failed proof's `extra_data`
/// (`{"proving_failure":{"reason":…}}`, v2.4.0 and later); other text as it is.
#[must_use]
pub fn failure_reason(extra: &[u8]) -> String {
    payload::failure_reason(extra)
}
