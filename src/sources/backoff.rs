//! Waiting times that grow and do not march in step.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Exponential back-off with jitter.
#[derive(Debug)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    /// Begins at `first`, doubles, stays at `max`.
    #[must_use]
    pub const fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, next: first }
    }

    /// The usual one for the network: 0.5 s to 8 s. No longer, so that what
    /// comes back after an outage is seen soon.
    #[must_use]
    pub const fn network() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_secs(8))
    }

    /// It worked: the next wait is the first again.
    pub const fn reset(&mut self) {
        self.next = self.first;
    }

    /// The next wait: between half of it and all of it.
    pub fn wait(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(self.max);
        jitter(now)
    }

    /// Sleeps for [`Self::wait`].
    pub async fn sleep(&mut self) {
        tokio::time::sleep(self.wait()).await;
    }
}

/// Between half of `d` and all of it.
#[must_use]
pub fn jitter(d: Duration) -> Duration {
    // The standard library's hasher is seeded from the system's randomness;
    // that is all the randomness that this needs.
    let random = RandomState::new().build_hasher().finish();
    let share = u32::try_from(random % 1024).unwrap_or(0);
    d / 2 + d / 2 * share / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_to_its_limit_and_begins_again() {
        let mut b = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        for full in [100, 200, 400, 800, 1000, 1000] {
            let (full, got) = (Duration::from_millis(full), b.wait());
            assert!(got >= full / 2 && got <= full, "{got:?} of {full:?}");
        }
        b.reset();
        assert!(b.wait() <= Duration::from_millis(100));
    }
}
