//! What fits, what deadlocks and what meets, from plain numbers: the same
//! arithmetic for the live cluster and for "what if" (reference 3.2 to 3.4, R1
//! to R10).

use crate::event::ProofMode;

/// Plain numbers of a cluster's CPU side. Weights in GB, memory in GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Weight of a Controller.
    pub controller: u32,
    /// Weight of a CoreExecute; 0 where the release has none.
    pub core_execute: u32,
    /// Weight of a PlonkWrap.
    pub plonk_wrap: u32,
    /// Weight of a Groth16Wrap.
    pub groth16_wrap: u32,
    /// CPU workers.
    pub nodes: u32,
    /// Maximum weight of each.
    pub max: u32,
    /// Memory limit of each, in GiB.
    pub memory_limit: Option<u32>,
    /// Proofs at once that are wanted.
    pub at_once: u32,
}

/// Whether a mode's heaviest CPU task finds room beside its own Controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It does on one worker.
    Fits,
    /// Only on a worker without a Controller, so with a second worker.
    OnlyApart,
    /// It never does.
    Never,
}

/// What becomes of proofs of one mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModeFit {
    /// The mode.
    pub mode: ProofMode,
    /// Weight of its heaviest CPU task beside the Controller.
    pub heaviest: u32,
    /// Controller and heaviest task together: what one worker must take.
    pub needs: u32,
    /// Whether that fits.
    pub fit: Fit,
    /// So many at once can never lock each other out, however they are placed;
    /// `None` for any number. By weight alone.
    pub at_once: Option<u32>,
    /// About so many at once before the memory that they really reach is above
    /// the limits of all workers; `None` where no limit is known.
    pub by_memory: Option<u32>,
}

impl ModeFit {
    /// So many at once go well by weight and by memory; `None` for any number.
    #[must_use]
    pub fn well(&self) -> Option<u32> {
        match (self.at_once, self.by_memory) {
            (Some(w), Some(m)) => Some(w.min(m)),
            (w, m) => w.or(m),
        }
    }

    /// True where memory ends before the weights do.
    #[must_use]
    pub fn is_memory_first(&self) -> bool {
        self.by_memory.is_some_and(|m| self.at_once.is_none_or(|w| m < w))
    }
}

/// Whether two PlonkWraps can run on one worker at once (R5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meeting {
    /// They cannot.
    Never,
    /// By their own weights they can; with one worker their Controllers are in
    /// the way.
    Nearly,
    /// They can.
    Possible,
}

/// The memory side: weights are nominal, real peaks are higher (F2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Memory {
    /// No limit is known.
    Unknown,
    /// The limit leaves room above the maximum weight, and for a PlonkWrap.
    Ample,
    /// The maximum weight is above three quarters of the limit.
    Tight,
    /// A Controller and a PlonkWrap fit by weight, and really reach about the limit.
    TightForPlonk,
    /// The maximum weight is above the limit: the kernel will kill.
    Over,
}

/// What `Setup` comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Core, compressed, plonk, groth16.
    pub modes: [ModeFit; 4],
    /// Two PlonkWraps on one worker.
    pub two_plonks: Meeting,
    /// Memory that two PlonkWraps and their Controllers ask for, in GiB.
    pub two_plonks_need: u32,
    /// The maximum weight against the memory limit.
    pub memory: Memory,
    /// Settings that make plonk and groth16 fit, `at_once` of them.
    pub recommended: Recommended,
}

/// Settings that would make it right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recommended {
    /// `WORKER_MAX_WEIGHT_OVERRIDE` of cpu-node.
    pub max: u32,
    /// CPU workers.
    pub nodes: u32,
    /// Memory limit of each in GiB, at least.
    pub memory_limit: u32,
}

/// Real peaks against nominal weights: 60 to 70 GB for 48, advised 96 (facts
/// section 2, trap 5).
const REAL_PER_WEIGHT: (u32, u32) = (2, 1);
/// GiB that a Controller and a PlonkWrap together really reach (trap 5).
pub const PLONK_GIB: u32 = 70;
/// The least limit in GiB that bears them under load (reference 7.6, row 6).
const PLONK_LIMIT_GIB: u32 = 88;
/// GiB that a proof's execution really reaches: 16 to 19 in a Controller that
/// executes itself (trap 5) …
const CONTROLLER_GIB: u32 = 19;
/// … and in a CoreExecute what `MEMORY_LIMIT` allows its child (F4).
const EXECUTION_GIB: u32 = 24;

/// Controllers that one worker can hold while `heaviest` still finds room.
fn beside(setup: &Setup, heaviest: u32) -> Option<u32> {
    let room = setup.max.checked_sub(heaviest)?;
    room.checked_div(setup.controller)
}

/// So many proofs at once never lock each other out: one more than every worker
/// can hold beside the heaviest task fills all of them.
fn safe(setup: &Setup, heaviest: u32) -> Option<u32> {
    if heaviest > setup.max {
        return Some(0);
    }
    let held = beside(setup, heaviest)?;
    // Where not even one more Controller fits, they cannot crowd it out.
    if (held + 1).saturating_mul(setup.controller) > setup.max {
        return None;
    }
    Some(setup.nodes.saturating_mul(held + 1).saturating_sub(1))
}

/// About so many at once that the memory of all workers holds.
fn by_memory(setup: &Setup, mode: ProofMode) -> Option<u32> {
    let limit = setup.memory_limit?;
    let one = setup.execution_gib();
    // One of them may be at its wrap while the others execute.
    let wrap = setup.peak_gib(mode);
    let held = limit.checked_sub(wrap).map_or(0, |left| 1 + left / one);
    Some(setup.nodes.saturating_mul(held))
}

fn mode_fit(setup: &Setup, mode: ProofMode) -> ModeFit {
    let wrap = match mode {
        ProofMode::Plonk => setup.plonk_wrap,
        ProofMode::Groth16 => setup.groth16_wrap,
        ProofMode::Core | ProofMode::Compressed => 0,
    };
    let heaviest = wrap.max(setup.core_execute);
    let needs = setup.controller.saturating_add(heaviest);
    let fit = if needs <= setup.max {
        Fit::Fits
    } else if heaviest.max(setup.controller) <= setup.max && setup.nodes > 1 {
        Fit::OnlyApart
    } else {
        Fit::Never
    };
    ModeFit { mode, heaviest, needs, fit, at_once: safe(setup, heaviest), by_memory: by_memory(setup, mode) }
}

/// The smallest multiple of 16 that holds `at_once` Controllers beside a wrap
/// and still keeps a second wrap out; just below two wraps where only that does.
#[must_use]
pub fn right_max(controller: u32, wrap: u32, at_once: u32) -> u32 {
    let one = controller.saturating_add(wrap);
    let want = controller.saturating_mul(at_once.max(1)).saturating_add(wrap);
    let below_two = wrap.saturating_mul(2).saturating_sub(1).max(one);
    let rounded = |n: u32| n.div_ceil(16).saturating_mul(16);
    [rounded(want), want, rounded(one), one].into_iter().find(|m| *m <= below_two).unwrap_or(one)
}

impl Setup {
    /// GiB that the execution of one proof really reaches.
    #[must_use]
    pub const fn execution_gib(&self) -> u32 {
        if self.core_execute == 0 { CONTROLLER_GIB } else { EXECUTION_GIB }
    }

    /// GiB that one proof of `mode` really reaches, at its wrap or before.
    #[must_use]
    pub fn peak_gib(&self, mode: ProofMode) -> u32 {
        match mode {
            ProofMode::Plonk => PLONK_GIB.max(self.controller.saturating_add(self.plonk_wrap)),
            ProofMode::Groth16 => self.execution_gib().max(self.controller.saturating_add(self.groth16_wrap)),
            ProofMode::Core | ProofMode::Compressed => self.execution_gib(),
        }
    }

    /// What these numbers come to.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let modes = [ProofMode::Core, ProofMode::Compressed, ProofMode::Plonk, ProofMode::Groth16].map(|m| mode_fit(self, m));
        let two = self.plonk_wrap.saturating_mul(2);
        let both = two.saturating_add(self.controller.saturating_mul(2));
        let two_plonks = if self.plonk_wrap > 0 && (both <= self.max || (two <= self.max && self.nodes > 1)) {
            Meeting::Possible
        } else if self.plonk_wrap > 0 && two <= self.max {
            Meeting::Nearly
        } else {
            Meeting::Never
        };
        let memory = match self.memory_limit {
            None => Memory::Unknown,
            Some(limit) if self.max > limit => Memory::Over,
            Some(limit) if self.max.saturating_mul(4) > limit.saturating_mul(3) => Memory::Tight,
            Some(limit)
                if limit < PLONK_LIMIT_GIB && self.plonk_wrap > 0 && self.controller.saturating_add(self.plonk_wrap) <= self.max =>
            {
                Memory::TightForPlonk
            }
            Some(_) => Memory::Ample,
        };
        let heaviest = self.plonk_wrap.max(self.groth16_wrap).max(self.core_execute);
        let max = right_max(self.controller, heaviest, self.at_once);
        let with = Self { max, ..*self };
        // Another worker at a time until `at_once` proofs cannot lock each other out.
        let nodes = (self.nodes.max(1)..=self.nodes.max(1).saturating_add(64))
            .find(|n| safe(&Self { nodes: *n, ..with }, heaviest).is_none_or(|s| s >= self.at_once))
            .unwrap_or(self.nodes.max(1));
        let memory_limit = max.saturating_mul(REAL_PER_WEIGHT.0) / REAL_PER_WEIGHT.1;
        let recommended = Recommended { max, nodes, memory_limit: memory_limit.min(96.max(max)) };
        Plan { modes, two_plonks, two_plonks_need: both, memory, recommended }
    }
}

impl Plan {
    /// What becomes of proofs of `mode`.
    #[must_use]
    pub fn mode(&self, mode: ProofMode) -> &ModeFit {
        let i = match mode {
            ProofMode::Core => 0,
            ProofMode::Compressed => 1,
            ProofMode::Plonk => 2,
            ProofMode::Groth16 => 3,
        };
        &self.modes[i]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(controller: u32, plonk_wrap: u32, max: u32, nodes: u32) -> Setup {
        Setup { controller, core_execute: 4, plonk_wrap, groth16_wrap: 14, nodes, max, memory_limit: None, at_once: 1 }
    }

    fn plonk(s: Setup) -> ModeFit {
        *s.plan().mode(ProofMode::Plonk)
    }

    #[test]
    fn the_known_traps() {
        // 1: 32 never holds 4+32, nor 16+32, nor 1+32; groth16 fits.
        for c in [16, 4, 1] {
            let p = setup(c, 32, 32, 1).plan();
            assert_eq!((p.mode(ProofMode::Plonk).fit, p.mode(ProofMode::Plonk).at_once), (Fit::Never, Some(0)), "{c}");
            assert_eq!(p.mode(ProofMode::Groth16).fit, Fit::Fits);
            assert_eq!(p.recommended.max, 48);
        }
        // 2: the wraps alone fit 64; with one worker their Controllers do not.
        assert_eq!(setup(1, 32, 64, 1).plan().two_plonks, Meeting::Nearly);
        assert_eq!(setup(1, 32, 64, 2).plan().two_plonks, Meeting::Possible);
        assert_eq!(setup(4, 32, 96, 1).plan().two_plonks, Meeting::Possible);
        assert_eq!(setup(16, 32, 48, 1).plan().two_plonks, Meeting::Never);
        // 3: 16/32/48 takes one at a time; each further worker takes two more.
        assert_eq!(plonk(setup(16, 32, 48, 1)).at_once, Some(1));
        assert_eq!(plonk(setup(16, 32, 48, 2)).at_once, Some(3));
        // 4: 60 never fits 48, and is not told 48.
        let p = setup(1, 60, 48, 1).plan();
        assert_eq!((p.mode(ProofMode::Plonk).fit, p.mode(ProofMode::Plonk).needs, p.recommended.max), (Fit::Never, 61, 64));
        assert_eq!(setup(4, 60, 48, 1).plan().recommended.max, 64);
    }

    #[test]
    fn two_workers_hold_what_one_cannot() {
        let p = plonk(setup(16, 32, 32, 2));
        assert_eq!((p.fit, p.at_once), (Fit::OnlyApart, Some(1)));
        assert_eq!(plonk(setup(16, 32, 31, 2)).fit, Fit::Never);
    }

    #[test]
    fn heavy_core_executes_lock_out_too() {
        // v2.1.3 to v2.3.0: CoreExecute 32 on 48 with Controllers of 4 (F6).
        let s = Setup { core_execute: 32, ..setup(4, 32, 48, 1) };
        assert_eq!(s.plan().mode(ProofMode::Core).at_once, Some(4));
    }

    #[test]
    fn small_controllers_can_crowd_out_but_light_wraps_do_not_care() {
        // A wrap lighter than a Controller finds room whenever a Controller would.
        let s = Setup { groth16_wrap: 14, core_execute: 14, ..setup(16, 14, 48, 1) };
        assert_eq!(s.plan().mode(ProofMode::Groth16).at_once, Some(2));
        assert_eq!(plonk(setup(0, 32, 48, 1)).at_once, None);
    }

    #[test]
    fn what_is_recommended_is_safe() {
        for (c, w) in [(1, 32), (4, 32), (16, 32), (1, 60), (4, 60), (16, 60), (1, 14), (16, 14)] {
            for at_once in 1..6 {
                let s = Setup { core_execute: 1, groth16_wrap: 1, at_once, ..setup(c, w, 16, 1) };
                let r = s.plan().recommended;
                let then = Setup { max: r.max, nodes: r.nodes, ..s }.plan();
                let p = then.mode(ProofMode::Plonk);
                assert_eq!(p.fit, Fit::Fits, "{c} {w} {at_once}");
                assert!(p.at_once.is_none_or(|n| n >= at_once), "{c} {w} {at_once}: {r:?}");
                // A Controller heavier than its wrap leaves room for two of them.
                assert!(c >= w || then.two_plonks == Meeting::Never, "{c} {w} {at_once}: {r:?}");
            }
        }
    }

    #[test]
    fn memory_ends_before_the_weights() {
        let s = Setup { memory_limit: Some(96), ..setup(1, 32, 96, 2) };
        let p = s.plan();
        let core = p.mode(ProofMode::Core);
        // By weight 2 × 93 − 1; in 96 GiB four execute at once.
        assert_eq!((core.by_memory, core.well(), core.is_memory_first()), (Some(8), Some(8), true));
        // A wrap of 70 leaves room for one more that executes.
        assert_eq!(p.mode(ProofMode::Plonk).by_memory, Some(4));
        let p = Setup { memory_limit: Some(64), ..s }.plan();
        assert_eq!(p.mode(ProofMode::Plonk).by_memory, Some(0));
        // A Controller that executes itself.
        let old = Setup { core_execute: 0, ..s }.plan();
        assert_eq!(old.mode(ProofMode::Core).by_memory, Some(2 * (1 + 77 / 19)));
        let p = setup(16, 32, 48, 1).plan();
        assert_eq!((p.mode(ProofMode::Plonk).well(), p.mode(ProofMode::Plonk).is_memory_first()), (Some(1), false));
    }

    #[test]
    fn memory_is_compared_with_the_limit() {
        let memory = |max, limit| Setup { memory_limit: limit, ..setup(1, 32, max, 1) }.plan().memory;
        assert_eq!(memory(48, None), Memory::Unknown);
        assert_eq!(memory(48, Some(96)), Memory::Ample);
        assert_eq!(memory(48, Some(48)), Memory::Tight);
        // 64Gi is killed under load (reference 7.6, row 6); without plonk it is enough.
        assert_eq!(memory(48, Some(64)), Memory::TightForPlonk);
        assert_eq!(memory(48, Some(88)), Memory::Ample);
        assert_eq!(memory(32, Some(64)), Memory::Ample);
        assert_eq!(memory(64, Some(48)), Memory::Over);
    }
}
