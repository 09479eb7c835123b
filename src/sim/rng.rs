//! The simulation's own dice: xoshiro256++ seeded through splitmix64, so that
//! a seed gives the same cluster on every machine and with every toolchain.

use std::time::Duration;

/// A small seeded generator; not for secrets.
#[derive(Clone)]
pub(super) struct Rng([u64; 4]);

/// One step of splitmix64; also a good mixer of any 64 bits.
pub(super) fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Rng {
    pub fn new(seed: u64) -> Self {
        let (a, b) = (mix(seed), mix(seed ^ 0x5851_f42d_4c95_7f2d));
        Self([a, b, mix(a), mix(b)])
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.0;
        let out = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        out
    }

    /// 128 bits.
    pub fn wide(&mut self) -> u128 {
        u128::from(self.bits()) << 64 | u128::from(self.bits())
    }

    /// From 0 up to but not including 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// An index below `n`; 0 when `n` is 0.
    pub fn index(&mut self, n: usize) -> usize {
        let wide = u128::from(self.bits()) * u128::try_from(n).unwrap_or(0);
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// From `lo` to `hi`.
    pub fn between(&mut self, lo: f64, hi: f64) -> f64 {
        lo + (hi - lo) * self.unit()
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Near `mean`: bell-shaped, `spread` of it to either side at most 1.5
    /// times, never below a tenth of it.
    pub fn around(&mut self, mean: f64, spread: f64) -> f64 {
        let bell = self.unit() + self.unit() + self.unit() - 1.5;
        (mean * (1.0 + spread * bell)).max(mean * 0.1)
    }

    /// Whole microseconds from `lo` to `hi`.
    pub fn micros(&mut self, lo: u64, hi: u64) -> Duration {
        let span = u128::from(hi.saturating_sub(lo)) + 1;
        let off = u64::try_from((u128::from(self.bits()) * span) >> 64).unwrap_or(0);
        Duration::from_micros(lo + off)
    }
}

/// A duration of so many seconds; zero for what is no duration.
pub(super) fn secs(s: f64) -> Duration {
    Duration::try_from_secs_f64(s).unwrap_or(Duration::ZERO)
}

/// The whole part of a number of bytes, milliseconds and the like; zero for
/// negative numbers.
pub(super) fn whole(f: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float to integer cast saturates, which is what is wanted"
    )]
    {
        f as u64
    }
}
