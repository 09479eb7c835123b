//! Roll-outs of workers as the coordinator's log alone shows them.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::{Timestamp, WorkerId, WorkerKind};
use crate::model::{Model, Worker};

/// A roll-out starts the new one first and ends the old one so much later: it
/// begins, is ready, and the old one has 30 s to finish what it has.
const OVERLAP: Duration = Duration::from_secs(150);
/// A container that dies may be back before a heartbeat, each 5 s, has failed.
const BACK: Duration = Duration::from_secs(15);
/// Those that come so soon after the beginning are no replacements.
const GATHERING: Duration = Duration::from_secs(120);

/// Which workers of a kind were replaced before they went, by the coordinator's
/// log alone (Kubernetes knows it): each newcomer is for one that goes after it,
/// unless it came for one that had gone before.
pub(super) fn replaced(model: &Model, kind: WorkerKind) -> Vec<WorkerId> {
    let went = |w: &Worker| w.unreachable_since.or(w.lost_at).map(|t| t.minus(BACK));
    let of_kind = || model.workers.iter().filter(|w| w.kind == Some(kind));
    if model.kube.known || !of_kind().any(|w| went(w).is_some()) {
        return Vec::new();
    }
    let begun = [model.workers.iter().map(|w| w.first_seen).min(), model.coordinator.started_at, model.coordinator.restarted_at];
    let gathers = |t: Timestamp| begun.into_iter().flatten().any(|b| t >= b && t.since(b) < GATHERING);
    // One that was known before has only connected again.
    let came = |w: &Worker| w.registered_at.filter(|t| *t <= w.first_seen && !gathers(*t));
    let mut moves: Vec<(Timestamp, bool, &Worker)> = of_kind().filter_map(|w| Some((came(w)?, true, w))).collect();
    moves.extend(of_kind().filter_map(|w| Some((went(w)?, false, w))));
    moves.sort_by_key(|(at, comes, w)| (*at, *comes, &w.id));
    let (mut there, mut owed) = (of_kind().filter(|w| came(w).is_none()).count(), 0usize);
    let (mut free, mut out) = (VecDeque::<(Timestamp, &WorkerId)>::new(), Vec::new());
    for (at, comes, w) in moves {
        free.retain(|(t, _)| at.since(*t) <= OVERLAP);
        if comes {
            there += 1;
            match owed.checked_sub(1) {
                Some(less) => owed = less,
                None => free.push_back((at, &w.id)),
            }
            continue;
        }
        // Nobody comes for oneself.
        if let Some(own) = free.iter().position(|(_, id)| **id == w.id) {
            free.remove(own);
            (owed, there) = (owed + 1, there.saturating_sub(1));
            continue;
        }
        // While the old ones take their time to end, all of the new ones may have come, and no more.
        let is_roll_out = free.len() * 2 <= there;
        there = there.saturating_sub(1);
        match free.pop_front() {
            Some(_) if is_roll_out => out.push(w.id.clone()),
            Some(_) => {}
            None => owed += 1,
        }
    }
    out
}
