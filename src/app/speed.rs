//! Speeds as people step through them.

use crate::ui::TimeBase;

const SPEEDS: [f64; 13] = [0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// The speed so many steps from the present one; `None` is as fast as possible.
pub fn speed(time: &TimeBase, steps: i32) -> Option<f64> {
    let (now, unbounded) = match time {
        TimeBase::Live | TimeBase::Past { .. } => (Some(1.0), false),
        TimeBase::Demo { speed, .. } => (Some(*speed), false),
        TimeBase::Replay { speed, .. } => (*speed, true),
    };
    let last = SPEEDS.len() - 1;
    let at = now.map_or(SPEEDS.len(), |v| SPEEDS.iter().rposition(|s| *s <= v * 1.001).unwrap_or(0));
    let to = i64::try_from(at).unwrap_or(0) + i64::from(steps);
    match usize::try_from(to.max(0)) {
        Ok(i) if i > last && unbounded => None,
        Ok(i) => Some(SPEEDS[i.min(last)]),
        Err(_) => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    #[test]
    fn speeds_step_up_to_the_fastest() {
        let replay = |speed| TimeBase::Replay { speed, paused: false, begin: Timestamp::ZERO, end: Timestamp::ZERO, finished: false };
        assert_eq!(speed(&replay(Some(1.0)), 1), Some(2.0));
        assert_eq!(speed(&replay(Some(512.0)), 1), None);
        assert_eq!(speed(&replay(None), -1), Some(512.0));
        assert_eq!(speed(&replay(None), 1), None);
        assert_eq!(speed(&replay(Some(0.25)), -1), Some(0.1));
        assert_eq!(speed(&replay(Some(0.1)), -1), Some(0.1));
        assert_eq!(speed(&TimeBase::Demo { speed: 512.0, paused: false }, 1), Some(512.0));
    }
}
