//! How the way to the simulated API server is disturbed: what a network, a
//! proxy, an administrator or an overloaded server does.

use std::collections::VecDeque;
use std::time::Duration;

/// A request that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The verb (`list`), or `*`.
    pub verb: String,
    /// The resource as roles spell it (`pods/log`, `deployments.apps`), or `*`.
    pub resource: String,
}

/// Disturbances, none at first.
#[derive(Debug, Default)]
pub struct Net {
    /// 403 for these.
    pub denied: Vec<Refused>,
    /// Every answer waits this long.
    pub slow: Duration,
    /// So many bytes of each next log stream, then its connection breaks.
    pub log_cuts: VecDeque<usize>,
    /// Logs stay open and give nothing.
    pub logs_silent: bool,
    /// `metrics.k8s.io` is not there at all.
    pub no_metrics: bool,
    /// 401 for everything.
    pub unauthorized: bool,
    /// The API server does not listen.
    pub down: bool,
    /// Counts what breaks open connections.
    epoch: u64,
    changes: u64,
}

impl Net {
    /// Changes something.
    pub fn change(&mut self, change: impl FnOnce(&mut Self)) {
        change(self);
        self.changes += 1;
    }

    /// How often anything was changed.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Breaks all open watches, logs and tunnels.
    pub fn break_streams(&mut self) {
        self.epoch += 1;
        self.changes += 1;
    }

    /// Streams that were opened at another epoch are broken.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether a request is refused.
    #[must_use]
    pub fn denies(&self, verb: &str, resource: &str) -> bool {
        let fits = |pattern: &str, word: &str| pattern == "*" || pattern == word;
        self.denied.iter().any(|d| fits(&d.verb, verb) && fits(&d.resource, resource))
    }
}
