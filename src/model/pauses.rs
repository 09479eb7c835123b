//! When this program stood still: it was suspended, or its machine slept.

use std::time::Duration;

use crate::base::Timestamp;

/// What the ticks of the clock tell of it; they come each second.
#[derive(Clone, Debug, Default)]
pub(super) struct Pauses {
    /// The last tick.
    last: Option<Timestamp>,
    /// How long after one another the last ones came.
    gaps: [Duration; 2],
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
    /// The clock ticks.
    pub(super) fn tick(&mut self, at: Timestamp) {
        self.heard(at);
        if let Some(last) = self.last {
            self.gaps = [self.gaps[1], at.since(last)];
        }
        self.last = Some(at);
    }

    /// Anything came: after a pause it may be quicker than the clock.
    pub(super) fn heard(&mut self, at: Timestamp) {
        let Some(last) = self.last.filter(|last| self.woke.is_none_or(|woke| woke <= *last)) else { return };
        // A simulation whose time flies has long ticks always.
        let usual = self.gaps[0].max(self.gaps[1]);
        let gap = at.since(last);
        if gap >= SHORTEST && gap > usual * 3 / 2 && !usual.is_zero() {
            self.woke = Some(at);
        }
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
        p.heard(at(179));
        assert_eq!(p.woke, None);
        // What comes first after one may be no tick.
        p.heard(at(400));
        p.tick(at(401));
        assert_eq!(p.woke, Some(at(400)));
        assert!(p.is_waking(at(411), Some(at(401))) && !p.is_waking(at(412), Some(at(401))));
        assert!(p.is_waking(at(429), Some(at(390))) && !p.is_waking(at(430), Some(at(390))));
        for t in [402, 403, 404] {
            p.tick(at(t));
        }
        assert_eq!(p.woke, Some(at(400)));
        p.tick(at(430));
        assert_eq!(p.woke, Some(at(430)));
    }
}
