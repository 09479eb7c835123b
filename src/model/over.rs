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
    /// When the newest of all was created, in milliseconds since the epoch.
    newest: i64,
}

impl Over {
    pub(super) fn insert(&mut self, id: &TaskId) {
        self.young.insert(fingerprint(id));
        self.newest = self.newest.max(id.created_millis().unwrap_or(0));
        if self.young.len() >= MAX_OVER {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
    }

    pub(super) fn contains(&self, id: &TaskId) -> bool {
        // Queues are first in, first out: mostly what comes is newer than all that is over.
        if id.created_millis().is_some_and(|t| t > self.newest) {
            return false;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_known_in_whatever_order_it_ended() {
        let id = |created: u128, n: u128| TaskId::uuid(created << 80 | n);
        let mut over = Over::default();
        assert!(!over.contains(&id(5, 1)));
        for (created, n) in [(7, 1), (5, 2), (9, 3), (0, 4)] {
            over.insert(&id(created, n));
        }
        over.insert(&TaskId::read(b"odd-task").unwrap());
        for (created, n) in [(7, 1), (5, 2), (9, 3), (0, 4)] {
            assert!(over.contains(&id(created, n)));
        }
        assert!(over.contains(&TaskId::read(b"odd-task").unwrap()) && !over.contains(&TaskId::read(b"other").unwrap()));
        assert!(!over.contains(&id(9, 5)) && !over.contains(&id(10, 6)));
    }
}
