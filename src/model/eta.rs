//! How long a proof will still take: from what it has done, at what rate, and
//! how long such proofs took here. A range; unknown when unknown.

use std::time::Duration;

use super::{Gauge, Model, Proof, Stage};
use crate::base::{TaskType, Timestamp};
use crate::event::{ProofMode, ProofStatus};

/// How long a proof will still take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eta {
    /// When all goes well.
    pub least: Duration,
    /// When it does not.
    pub most: Duration,
    /// What it is worked out from, in words.
    pub basis: &'static str,
}

impl Eta {
    /// The middle of the range.
    #[must_use]
    pub fn middle(&self) -> Duration {
        (self.least + self.most) / 2
    }
}

/// The rate is measured over this long.
const RATE_SPAN: Duration = Duration::from_secs(120);

impl Model {
    /// How long `p` will still take; `None` when nothing here tells.
    #[must_use]
    pub fn eta(&self, p: &Proof) -> Option<Eta> {
        if !p.is_active() {
            return None;
        }
        match p.stage() {
            Stage::Wrap | Stage::Shrink => self.tail(p, p.stage()),
            Stage::Shards => self.shards(p).or_else(|| self.alike(p)),
            Stage::Execute => self.executing(p),
            Stage::Waiting | Stage::Setup | Stage::Recursion => self.alike(p),
            Stage::Done => None,
        }
    }

    /// The last stages: what they usually take, less what they have taken.
    fn tail(&self, p: &Proof, stage: Stage) -> Option<Eta> {
        let wrap = p.mode?.wrap()?;
        let rest = |kind: &TaskType| {
            let t = self.durations.typical(kind)?;
            let since =
                self.workers.connected().flat_map(|w| &w.tasks).find(|r| r.proof == p.id && r.kind.as_ref() == Some(kind)).map(|r| r.since);
            let gone = since.map_or(Duration::ZERO, |s| self.now.since(s));
            // Beyond the longest ever seen nobody knows.
            (gone <= t.max + t.max / 2).then(|| (t.median.saturating_sub(gone), t.max.saturating_sub(gone).max(t.median / 4)))
        };
        if stage == Stage::Wrap {
            // One that only waits has no end in sight.
            if p.tally(&wrap).running == 0 {
                return None;
            }
            let (least, most) = rest(&wrap)?;
            return Some(Eta { least, most, basis: "usual duration of the wrap" });
        }
        let (shrink, wrap) = (rest(&TaskType::ShrinkWrap)?, rest(&wrap)?);
        Some(Eta { least: shrink.0 + wrap.0, most: shrink.1 + wrap.1, basis: "usual durations of the last stages" })
    }

    /// The tasks that are left, at the rate at which they end. Counted are all
    /// of them, markers too: `total_tasks` less `active_tasks` have ended.
    fn shards(&self, p: &Proof) -> Option<Eta> {
        // Until the first shard is proved there is no rate.
        let usual = self.durations.typical(&TaskType::ProveShard).map_or(Duration::from_secs(20), |t| t.median);
        let begun = p.tally(&TaskType::ProveShard).first_at?.plus(usual);
        let last = self.history.last()?;
        let first = self.history.raw().rev().take_while(|s| last.at.since(s.at) <= RATE_SPAN && s.at >= begun).last()?;
        let ended = |s: &super::Sample| s.get(Gauge::EndedTasks).map(f64::from);
        let (done, seconds) = (ended(last)? - ended(first)?, last.at.seconds_since(first.at));
        if done < 10.0 || seconds < 20.0 || self.proofs.active().any(|o| o.id != p.id && o.claimed_at.is_some()) {
            return None;
        }
        let held = [TaskType::Controller, TaskType::CoreExecute].iter().map(|k| p.tally(k).running).sum();
        let left = last.get(Gauge::ActiveTasks)?.saturating_sub(held);
        let least = Duration::try_from_secs_f64(f64::from(left) * seconds / done).ok()?;
        let after = self.after_shards(p.mode?)?;
        let basis = "tasks left at the rate of the last two minutes";
        Some(Eta { least: least + after / 2, most: least * 2 + after, basis })
    }

    /// While the guest runs: like earlier proofs, unless the tasks that it has
    /// made already take longer than those did.
    fn executing(&self, p: &Proof) -> Option<Eta> {
        match (self.alike(p), self.shards(p)) {
            (Some(alike), Some(made)) if made.least <= alike.most => Some(alike),
            (alike, made) => made.or(alike),
        }
    }

    /// What comes after the last shard.
    fn after_shards(&self, mode: ProofMode) -> Option<Duration> {
        let usual = |k: &TaskType| self.durations.typical(k).map(|t| t.median);
        let tree = usual(&TaskType::RecursionReduce).map_or(Duration::from_secs(10), |d| d * 4);
        Some(match mode {
            ProofMode::Core => Duration::ZERO,
            ProofMode::Compressed => tree,
            ProofMode::Plonk | ProofMode::Groth16 => tree + usual(&TaskType::ShrinkWrap)? + usual(&mode.wrap()?)?,
        })
    }

    /// Proofs of the same mode that ended here took so long.
    fn alike(&self, p: &Proof) -> Option<Eta> {
        let mode = p.mode?;
        let begun = p.claimed_at?;
        let took = |o: &Proof| Some(o.ended_at?.since(o.claimed_at?));
        let mut ended: Vec<(Timestamp, Duration)> = self
            .proofs
            .iter()
            .filter(|o| o.status == Some(ProofStatus::Completed) && o.mode == Some(mode))
            .filter_map(|o| Some((o.ended_at?, took(o)?)))
            .collect();
        ended.sort_unstable();
        // The last ones are most alike.
        let recent = &ended[ended.len().saturating_sub(12)..];
        let (least, most) = (recent.iter().map(|e| e.1).min()?, recent.iter().map(|e| e.1).max()?);
        let gone = self.now.since(begun);
        let spread = if recent.len() < 3 { most / 2 } else { most / 10 };
        if gone > most + spread {
            return None;
        }
        Some(Eta { least: least.saturating_sub(gone), most: (most + spread).saturating_sub(gone), basis: "earlier proofs of this mode" })
    }
}
