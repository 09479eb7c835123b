//! What the tests of the live sources share.
#![allow(dead_code, missing_docs, clippy::missing_panics_doc, clippy::unwrap_used)]

pub mod grpc;
pub mod kube;
pub mod stores;

use std::time::Duration;

use sp1top::envelope::{Envelope, Kind, SourceState, SourceUpdate};
use sp1top::event::{Event, What};
use sp1top::sources::live::Live;

/// What has come so far.
#[derive(Default)]
pub struct Seen {
    pub envelopes: Vec<Envelope>,
}

impl Seen {
    /// Takes envelopes until `done` says so; panics after ten seconds.
    pub async fn until(&mut self, live: &mut Live, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let limit = tokio::time::Instant::now() + Duration::from_secs(10);
        while !done(self) {
            match tokio::time::timeout_at(limit, live.envelopes.recv()).await {
                Ok(Some(e)) => {
                    assert_eq!(e.seq, self.envelopes.last().map_or(1, |l| l.seq + 1));
                    self.envelopes.push(e);
                }
                _ => panic!("{what} did not happen; states: {:#?}", self.states()),
            }
        }
    }

    /// Takes envelopes for some time.
    pub async fn for_a_while(&mut self, live: &mut Live, time: Duration) {
        let limit = tokio::time::Instant::now() + time;
        while let Ok(Some(e)) = tokio::time::timeout_at(limit, live.envelopes.recv()).await {
            self.envelopes.push(e);
        }
    }

    pub fn of<'a>(&'a self, source: &'a str) -> impl Iterator<Item = &'a Envelope> {
        self.envelopes.iter().filter(move |e| e.source.as_str() == source)
    }

    pub fn updates(&self, source: &str) -> Vec<SourceUpdate> {
        self.of(source).filter(|e| e.kind == Kind::Source).map(|e| serde_json::from_slice(&e.raw).unwrap()).collect()
    }

    /// The last state of a source with its detail.
    pub fn state(&self, source: &str) -> Option<(SourceState, String)> {
        self.updates(source).pop().map(|u| (u.state, u.detail))
    }

    pub fn is(&self, source: &str, state: SourceState) -> bool {
        self.state(source).is_some_and(|s| s.0 == state)
    }

    pub fn detail(&self, source: &str) -> String {
        self.state(source).map(|s| s.1).unwrap_or_default()
    }

    /// The text of all log chunks of a source.
    pub fn log(&self, source: &str) -> String {
        let chunks = self.of(source).filter(|e| e.kind == Kind::Log);
        chunks.map(|e| String::from_utf8_lossy(&e.raw).into_owned()).collect()
    }

    /// The log's lines without the time in front.
    pub fn lines(&self, source: &str) -> Vec<String> {
        self.log(source).lines().map(|l| l.split_once(' ').unwrap().1.to_owned()).collect()
    }

    /// The events of all documents of a source; nothing may be unread.
    pub fn events(&self, source: &str) -> Vec<What> {
        let (mut events, mut unread) = (Vec::<Event>::new(), Vec::new());
        for e in self.of(source) {
            sp1top::parse::payload::parse(e.kind, e.at, &e.raw, &mut events, &mut unread);
        }
        assert!(unread.is_empty(), "{unread:?}");
        events.into_iter().map(|e| e.what).collect()
    }

    pub fn states(&self) -> Vec<(String, SourceState, String)> {
        let mut names: Vec<_> = self.envelopes.iter().map(|e| e.source.as_str().to_owned()).collect();
        names.sort();
        names.dedup();
        names.into_iter().filter_map(|n| self.state(&n).map(|(s, d)| (n, s, d))).collect()
    }
}
