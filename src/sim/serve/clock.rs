//! The simulated cluster's time: the wall's, faster or slower, and it can stand
//! still.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::base::Timestamp;
use crate::sources::hub::{Clock, lock};

/// Simulated time that runs by the wall's.
pub struct SimClock(Mutex<State>);

struct State {
    /// The simulated time at `since`.
    at: Timestamp,
    since: Instant,
    /// Simulated seconds a second.
    speed: f64,
    paused: bool,
}

impl State {
    fn now(&self) -> Timestamp {
        if self.paused { self.at } else { self.at.plus(self.since.elapsed().mul_f64(self.speed)) }
    }

    /// Goes on from the present time under other conditions.
    fn change(&mut self, change: impl FnOnce(&mut Self)) {
        self.at = self.now();
        self.since = Instant::now();
        change(self);
    }
}

impl SimClock {
    /// Speeds that are taken: below, nothing moves; above, a cluster's thirty
    /// seconds are shorter than what screens and sockets need.
    pub const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=64.0;

    /// A clock that shows `at` now and runs.
    #[must_use]
    pub fn new(at: Timestamp, speed: f64) -> Self {
        let speed = speed.clamp(*Self::SPEEDS.start(), *Self::SPEEDS.end());
        Self(Mutex::new(State { at, since: Instant::now(), speed, paused: false }))
    }

    /// Simulated seconds a second, also while it stands still.
    #[must_use]
    pub fn rate(&self) -> f64 {
        lock(&self.0).speed
    }

    /// Sets the speed, within [`Self::SPEEDS`]; returns what it is now.
    pub fn set_rate(&self, speed: f64) -> f64 {
        let speed = if speed.is_finite() { speed.clamp(*Self::SPEEDS.start(), *Self::SPEEDS.end()) } else { 1.0 };
        lock(&self.0).change(|s| s.speed = speed);
        speed
    }

    /// Stands still.
    #[must_use]
    pub fn paused(&self) -> bool {
        lock(&self.0).paused
    }

    /// Makes it stand still, or run again.
    pub fn pause(&self, paused: bool) {
        lock(&self.0).change(|s| s.paused = paused);
    }

    /// Moves it on, also while it stands still.
    pub fn skip(&self, by: Duration) {
        lock(&self.0).change(|s| s.at = s.at.plus(by));
    }

    /// How long until it shows `at`; `None` while it stands still.
    #[must_use]
    pub fn until(&self, at: Timestamp) -> Option<Duration> {
        let s = lock(&self.0);
        (!s.paused).then(|| at.since(s.now()).div_f64(s.speed))
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        lock(&self.0).now()
    }

    fn speed(&self) -> f64 {
        self.rate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_goes_back_and_stands_still_when_told() {
        let begin = Timestamp::from_secs(1_795_480_000);
        let clock = SimClock::new(begin, 1000.0);
        assert!((clock.rate() - 64.0).abs() < f64::EPSILON, "held back");
        let mut last = clock.now();
        for speed in [0.5, 20.0, 1.0, f64::NAN, 64.0] {
            clock.set_rate(speed);
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
        clock.pause(true);
        let still = clock.now();
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(clock.now(), still);
        assert_eq!(clock.until(still.plus(Duration::from_secs(1))), None);
        clock.skip(Duration::from_secs(30));
        assert_eq!(clock.now(), still.plus(Duration::from_secs(30)));
        clock.pause(false);
        assert!(clock.until(clock.now().plus(Duration::from_secs(64))).is_some_and(|d| d <= Duration::from_secs(1)));
    }
}
