//! Payloads that are whole documents: Kubernetes objects, gRPC answers,
//! Prometheus text. Pure functions: what cannot be read is returned, nothing
//! panics and nothing is guessed.

pub mod effect;
pub mod env;
pub mod grpc;
pub mod json;
pub mod kube;
pub mod prometheus;
pub mod quantity;

use crate::base::Timestamp;
use crate::base::text::clean;
use crate::envelope::Kind;
use crate::event::{Event, Unread, UnreadReason, What};

/// Where a parser puts what it finds, with the time that applies.
pub(crate) struct Out<'a> {
    /// Time of the envelope.
    pub at: Timestamp,
    /// What was read.
    pub events: &'a mut Vec<Event>,
    /// What was not.
    pub unread: &'a mut Vec<Unread>,
}

impl Out<'_> {
    /// Adds an event at the envelope's time.
    pub fn push(&mut self, what: What) {
        let at = self.at;
        self.push_at(at, what);
    }

    /// Adds an event at its own time.
    pub fn push_at(&mut self, at: Timestamp, what: What) {
        self.events.push(Event { at, what });
    }

    /// Notes what could not be read, with its beginning.
    pub fn unread(&mut self, why: UnreadReason, raw: &[u8]) {
        let head = &raw[..raw.len().min(160)];
        self.unread.push(Unread { at: self.at, why, text: clean(head).into_owned() });
    }
}

/// Reads a payload of kind [`Kind::Json`], [`Kind::PodMetrics`],
/// [`Kind::Stats`], [`Kind::Proofs`], [`Kind::Manifest`] or
/// [`Kind::Prometheus`]; other kinds are not its business and give nothing.
pub fn parse(kind: Kind, at: Timestamp, raw: &[u8], events: &mut Vec<Event>, unread: &mut Vec<Unread>) {
    let mut out = Out { at, events, unread };
    match kind {
        Kind::Json | Kind::PodMetrics => json::documents(raw, &mut out),
        Kind::Stats => grpc::stats(raw, &mut out),
        Kind::Proofs => grpc::proofs(raw, &mut out),
        Kind::Manifest => grpc::manifest(raw, &mut out),
        Kind::Prometheus => prometheus::text(raw, &mut out),
        Kind::Effect => effect::read(raw, &mut out),
        Kind::Log | Kind::LogBreak | Kind::Source | Kind::Session | Kind::Tick => {}
    }
}

/// Text from outside, safe to show and at most `max` characters.
pub(crate) fn safe(text: &str, max: usize) -> String {
    let text = clean(text.as_bytes());
    match text.char_indices().nth(max) {
        None => text.into_owned(),
        Some((cut, _)) => format!("{}…", &text[..cut]),
    }
}

/// Why a proof failed, from its `extra_data`: the first line of the reason.
pub(crate) fn failure_reason(extra: &[u8]) -> String {
    let text = String::from_utf8_lossy(extra);
    match grpc::failure(&text) {
        Some(f) => f.reason,
        None => safe(text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default(), 300),
    }
}

#[cfg(test)]
mod tests;
