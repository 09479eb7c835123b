//! When this program stood still: it was suspended, or its machine slept.

use std::time::Duration;

use crate::base::Timestamp;

/// What the ticks of the clock tell of it; they come each second.
#[derive(Clone, Debug, Default)]
pub(super) struct Pauses {
    /// The last tick, and how long after the one before it came.
    last: Option<(Timestamp, Duration)>,
    /// When it last went on.
    woke: Option<Timestamp>,
}

/// No shorter pause counts.
const SHORTEST: Duration = Duration::from_secs(20);
/// Within this all sources have told what is new: a log period, and a little.
const SETTLES: Duration = Duration::from_secs(12);
/// The coordinator is waited for no longer than this.
const AT_MOST: Duration = Duration::from_secs(30);

impl Pauses {
    pub(super) fn tick(&mut self, at: Timestamp) {
        let Some((last, usual)) = self.last else {
            self.last = Some((at, Duration::ZERO));
            return;
        };
        let gap = at.since(last);
        // A simulation whose time flies has long ticks always.
        let paused = gap >= SHORTEST && gap > usual * 3 / 2;
        if paused {
            self.woke = Some(at);
        }
        self.last = Some((at, if paused && !usual.is_zero() { usual } else { gap }));
    }

    pub(super) fn is_waking(&self, now: Timestamp, stats: Option<Timestamp>) -> bool {
        self.woke.is_some_and(|woke| {
            let awake = now.since(woke);
            awake < SETTLES || (awake < AT_MOST && stats.is_some_and(|heard| heard < woke))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ticks_are_no_pauses_and_long_gaps_are() {
        let mut p = Pauses::default();
        let at = Timestamp::from_secs;
        for t in [100, 120, 140, 160] {
            p.tick(at(t));
        }
        // Only the second one has nothing before it to be compared with.
        assert!(!p.is_waking(at(160), None));
        p.tick(at(400));
        assert!(p.is_waking(at(400), Some(at(390))) && p.is_waking(at(429), Some(at(390))));
        assert!(!p.is_waking(at(430), Some(at(390))) && !p.is_waking(at(412), Some(at(401))));
        // Ticks of a faster time are usual from the second one on.
        p.tick(at(430));
        assert!(p.woke == Some(at(400)));
    }
}
