//! How long tasks of each type take on this cluster, learnt from the data.

use std::sync::OnceLock;
use std::time::Duration;

use crate::base::{Ring, TaskType};

const SAMPLES: usize = 256;
const KINDS: usize = TaskType::KNOWN.len();

/// Recent durations by task type.
#[derive(Clone, Debug)]
pub struct Durations {
    kinds: Vec<Kind>,
}

#[derive(Clone, Debug)]
struct Kind {
    recent: Ring<f32>,
    /// What they amount to: worked out when asked for, forgotten when one is
    /// added, which happens a million times as often.
    typical: OnceLock<Option<Typical>>,
    count: u64,
    exact: u64,
}

impl Kind {
    fn work_out(&self) -> Option<Typical> {
        let mut v: Vec<f32> = self.recent.iter().copied().collect();
        v.sort_unstable_by(f32::total_cmp);
        let at = |q: usize| v.get((v.len().max(1) - 1) * q / 100).map(|s| Duration::from_secs_f32(s.max(0.0)));
        Some(Typical { median: at(50)?, p90: at(90)?, max: at(100)?, count: self.count, exact: self.exact > 0 })
    }
}

/// What is known of one type's durations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Typical {
    /// Half take no longer.
    pub median: Duration,
    /// Nine in ten take no longer.
    pub p90: Duration,
    /// The longest of the recent ones.
    pub max: Duration,
    /// How many have been seen in all.
    pub count: u64,
    /// True when they come from nodes' logs and not from the periodic block,
    /// whose resolution is ten seconds.
    pub exact: bool,
}

impl Default for Durations {
    fn default() -> Self {
        Self { kinds: vec![Kind { recent: Ring::new(SAMPLES), typical: OnceLock::new(), count: 0, exact: 0 }; KINDS] }
    }
}

impl Durations {
    /// Notes that a task of `kind` took `took`. Exact ones (from nodes) push out
    /// the estimates.
    pub fn add(&mut self, kind: &TaskType, took: Duration, exact: bool) {
        let Some(k) = self.kinds.get_mut(kind.index()) else { return };
        if exact && k.exact == 0 {
            k.recent.clear();
        }
        if !exact && k.exact > 0 {
            return;
        }
        k.recent.push(took.as_secs_f32());
        k.typical = OnceLock::new();
        k.count += 1;
        k.exact += u64::from(exact);
    }

    /// What is known of `kind`; `None` before the first has ended.
    #[must_use]
    pub fn typical(&self, kind: &TaskType) -> Option<Typical> {
        let k = self.kinds.get(kind.index())?;
        *k.typical.get_or_init(|| k.work_out())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_ones_replace_estimates() {
        let mut d = Durations::default();
        let t = TaskType::ProveShard;
        assert_eq!(d.typical(&t), None);
        d.add(&t, Duration::from_secs(10), false);
        for s in 1..=10 {
            d.add(&t, Duration::from_secs(s), true);
        }
        d.add(&t, Duration::from_secs(100), false);
        let got = d.typical(&t).unwrap();
        assert_eq!((got.median.as_secs(), got.p90.as_secs(), got.max.as_secs(), got.exact), (5, 9, 10, true));
    }
}
