//! Tasks known to be over, so that a late line does not bring them back.

use rustc_hash::FxHashSet;

use crate::base::TaskId;

/// Tasks that are remembered at least.
const MAX_OVER: usize = 8_192;

/// Tasks known to be over, as fingerprints: at least the last [`MAX_OVER`] of
/// them. Two generations, so that forgetting the oldest costs nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Over {
    young: FxHashSet<u64>,
    old: FxHashSet<u64>,
}

impl Over {
    pub(super) fn insert(&mut self, id: &TaskId) {
        self.young.insert(fingerprint(id));
        if self.young.len() >= MAX_OVER {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
    }

    pub(super) fn contains(&self, id: &TaskId) -> bool {
        let print = fingerprint(id);
        self.young.contains(&print) || self.old.contains(&print)
    }
}

/// 64 bits that tell tasks apart: the random half of a UUIDv7.
fn fingerprint(id: &TaskId) -> u64 {
    match id {
        TaskId::Uuid(u) => u.low(),
        TaskId::Text(t) => {
            use std::hash::{BuildHasher as _, BuildHasherDefault};
            BuildHasherDefault::<rustc_hash::FxHasher>::default().hash_one(t)
        }
    }
}
