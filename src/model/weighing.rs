//! What tasks on CPU workers really weigh, solved from the periodic blocks:
//! `cpu_utilization_current` is the sum over the tasks that the block lists.

use std::collections::{BTreeMap, VecDeque};

use super::{Model, StatsNow};
use crate::base::{TaskType, WorkerKind};

/// Weights in GB that blocks voted for, by type of task.
#[derive(Clone, Debug, Default)]
pub struct Weighing {
    votes: BTreeMap<TaskType, Vec<(u32, u32)>>,
    /// Sums with more than one unknown, the newest last: they are solved when
    /// one of them becomes known.
    unsolved: VecDeque<(BTreeMap<TaskType, u32>, u32)>,
}

/// Votes are halved when there are this many, so that a changed weight wins soon.
const MANY: u32 = 12;
/// Sums that wait for a weight to become known.
const UNSOLVED: usize = 16;

impl Weighing {
    /// The weight of `kind` that was seen, and in how many blocks.
    #[must_use]
    pub fn observed(&self, kind: &TaskType) -> Option<(u32, u32)> {
        self.votes.get(kind)?.iter().copied().max_by_key(|(_, n)| *n)
    }

    /// Takes in how many of each type weigh `sum` together.
    fn sum(&mut self, counts: BTreeMap<TaskType, u32>, sum: u32) {
        if !self.solve(&counts, sum) {
            if self.observed(&TaskType::Controller).is_none() || counts.keys().any(|k| fixed(k).is_none() && self.observed(k).is_none()) {
                if self.unsolved.len() >= UNSOLVED {
                    self.unsolved.pop_front();
                }
                self.unsolved.push_back((counts, sum));
            }
            return;
        }
        // What is known now may solve what came before.
        for (counts, sum) in std::mem::take(&mut self.unsolved) {
            if !self.solve(&counts, sum) {
                self.unsolved.push_back((counts, sum));
            }
        }
    }

    /// True when the sum told a weight.
    fn solve(&mut self, counts: &BTreeMap<TaskType, u32>, sum: u32) -> bool {
        let solved = solve(counts, sum, |k| self.observed(k).map(|o| o.0));
        let told = solved.is_some();
        if let Some((kind, weight)) = solved {
            self.vote(&kind, weight);
        }
        told
    }

    fn vote(&mut self, kind: &TaskType, weight: u32) {
        let list = self.votes.entry(kind.clone()).or_default();
        // The newest of two with equal votes comes last and wins.
        let before = list.iter().position(|(w, _)| *w == weight).map(|i| list.remove(i));
        list.push((weight, before.map_or(0, |b| b.1) + 1));
        if list.iter().map(|(_, n)| n).sum::<u32>() > MANY {
            for (_, n) in list.iter_mut() {
                *n /= 2;
            }
            list.retain(|(_, n)| *n > 0);
        }
    }
}

/// Weights that no variable changes (reference 3.3).
fn fixed(kind: &TaskType) -> Option<u32> {
    Some(match kind {
        TaskType::ProveShard | TaskType::ShrinkWrap => 4,
        TaskType::RecursionReduce | TaskType::RecursionDeferred => 3,
        TaskType::SetupVkey => 1,
        TaskType::UtilVkeyMapController | TaskType::UtilVkeyMapChunk => 2,
        _ => return None,
    })
}

/// Heavier than any task that is known.
const TOO_HEAVY: u32 = 1024;

impl Model {
    /// A whole block ended: where one type's weight is the only unknown of its
    /// sum, that is solved.
    pub(super) fn weigh(&mut self, stats: &StatsNow) {
        let Some(sum) = stats.stats.cpu_utilization_current else { return };
        if sum == 0 {
            return;
        }
        let mut counts: BTreeMap<TaskType, u32> = BTreeMap::new();
        for w in self.workers.connected().filter(|w| w.kind == Some(WorkerKind::Cpu)) {
            for t in &w.tasks {
                // A task that the coordinator forgot still weighs.
                let Some(kind) = &t.kind else { return };
                match counts.get_mut(kind) {
                    Some(n) => *n += 1,
                    None => {
                        counts.insert(kind.clone(), 1);
                    }
                }
            }
        }
        self.weighing.sum(counts, sum);
    }
}

fn solve(counts: &BTreeMap<TaskType, u32>, sum: u32, observed: impl Fn(&TaskType) -> Option<u32>) -> Option<(TaskType, u32)> {
    let settled: u32 = counts.iter().filter_map(|(k, n)| fixed(k).map(|w| w * n)).sum();
    let open: Vec<(&TaskType, u32)> = counts.iter().filter(|(k, _)| fixed(k).is_none()).map(|(k, n)| (k, *n)).collect();
    let left = sum.checked_sub(settled)?;
    let (kind, n, left) = match open.as_slice() {
        [(kind, n)] => (*kind, *n, left),
        [] => return None,
        many => {
            let mut unknown = many.iter().filter(|(k, _)| observed(k).is_none());
            let mut known: u32 = many.iter().filter_map(|(k, n)| Some(observed(k)? * n)).sum();
            let (kind, n) = match (unknown.next(), unknown.next()) {
                (Some(one), None) => *one,
                // All are known: the sum is a vote for the heaviest rare one.
                (None, _) => {
                    let one = many.iter().filter(|(k, _)| **k != TaskType::Controller).min_by_key(|(_, n)| *n)?;
                    known -= observed(one.0)? * one.1;
                    *one
                }
                _ => return None,
            };
            (kind, n, left.checked_sub(known)?)
        }
    };
    (left > 0 && left % n == 0 && left / n < TOO_HEAVY).then(|| (kind.clone(), left / n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use TaskType as T;

    fn told(w: &mut Weighing, sum: u32, tasks: &[(T, u32)]) {
        w.sum(tasks.iter().cloned().collect(), sum);
    }

    fn of(w: &Weighing, kind: &T) -> Option<u32> {
        w.observed(kind).map(|o| o.0)
    }

    #[test]
    fn the_only_unknown_of_a_sum_is_solved() {
        let mut w = Weighing::default();
        told(&mut w, 36, &[(T::Controller, 2), (T::CoreExecute, 1)]);
        assert_eq!(of(&w, &T::Controller), None, "two unknowns");
        told(&mut w, 32, &[(T::Controller, 2)]);
        assert_eq!(of(&w, &T::CoreExecute), Some(4), "solved afterwards");
        told(&mut w, 48, &[(T::Controller, 1), (T::PlonkWrap, 1)]);
        assert_eq!((of(&w, &T::Controller), of(&w, &T::CoreExecute), of(&w, &T::PlonkWrap)), (Some(16), Some(4), Some(32)));
    }

    #[test]
    fn a_stray_sum_is_outvoted_and_a_change_wins() {
        let mut w = Weighing::default();
        for _ in 0..3 {
            told(&mut w, 4, &[(T::Controller, 1)]);
        }
        told(&mut w, 8, &[(T::Controller, 1)]);
        assert_eq!(of(&w, &T::Controller), Some(4));
        for _ in 0..5 {
            told(&mut w, 16, &[(T::Controller, 1)]);
        }
        assert_eq!(of(&w, &T::Controller), Some(16));
    }

    #[test]
    fn gpu_tasks_on_a_cpu_only_build_are_taken_off() {
        let mut w = Weighing::default();
        told(&mut w, 9, &[(T::Controller, 1), (T::ProveShard, 2)]);
        assert_eq!(of(&w, &T::Controller), Some(1));
    }
}
