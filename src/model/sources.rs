//! What is known of each source: its state, age, losses.

use std::collections::BTreeMap;

use crate::base::{Ring, SourceName, Timestamp};
use crate::envelope::SourceState;
use crate::event::{Component, Unread, UnreadReason};

/// One source.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its state; `None` before anything was said of it.
    pub state: Option<SourceState>,
    /// Since when.
    pub state_since: Timestamp,
    /// One line for a person; empty when all is well.
    pub detail: String,
    /// The component that writes it: told beforehand, or by its content.
    pub component: Option<Component>,
    /// The pod that it belongs to, where known.
    pub pod: Option<String>,
    /// When data last came, by the merge point's clock.
    pub last_at: Option<Timestamp>,
    /// Time in its newest data.
    pub last_data: Option<Timestamp>,
    /// Envelopes with data.
    pub envelopes: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Envelopes lost because a queue was full.
    pub dropped: u64,
    /// What could not be read, by reason.
    pub unread: BTreeMap<UnreadReason, u64>,
    /// The last of them.
    pub unread_recent: Ring<Unread>,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            state: None,
            state_since: Timestamp::ZERO,
            detail: String::new(),
            component: None,
            pod: None,
            last_at: None,
            last_data: None,
            envelopes: 0,
            bytes: 0,
            dropped: 0,
            unread: BTreeMap::new(),
            unread_recent: Ring::new(16),
        }
    }
}

impl Source {
    /// True for what this cluster's release or set-up does not have: nothing is
    /// wrong with it.
    #[must_use]
    pub fn is_not_offered(&self) -> bool {
        // Before they began so, recordings had other words for the API's manifest.
        self.state == Some(SourceState::Ended) && (self.detail.starts_with("not offered") || self.detail.contains("does not tell versions"))
    }

    /// Everything that could not be read.
    #[must_use]
    pub fn unread_total(&self) -> u64 {
        self.unread.values().sum()
    }
}

/// At most this many sources are kept; the longest ended go first.
const MAX_SOURCES: usize = 4096;

/// All sources by name.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    by_name: BTreeMap<SourceName, Source>,
}

impl Sources {
    /// The source of that name, made when new.
    pub fn entry(&mut self, name: &SourceName) -> &mut Source {
        if !self.by_name.contains_key(name) && self.by_name.len() >= MAX_SOURCES {
            let oldest = self
                .by_name
                .iter()
                .min_by_key(|(_, s)| (s.state != Some(SourceState::Ended), s.last_at.unwrap_or(Timestamp::ZERO)))
                .map(|(n, _)| n.clone());
            if let Some(n) = oldest {
                self.by_name.remove(&n);
            }
        }
        self.by_name.entry(name.clone()).or_default()
    }

    /// The source of that name.
    #[must_use]
    pub fn get(&self, name: &SourceName) -> Option<&Source> {
        self.by_name.get(name)
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&SourceName, &Source)> {
        self.by_name.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}
