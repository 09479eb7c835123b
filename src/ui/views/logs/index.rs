//! Which records are shown. Judging a record by a regular expression is slow
//! and its verdict never changes, so verdicts are remembered.

use rustc_hash::FxHashMap;

use super::line::is_chatter;
use crate::base::Timestamp;
use crate::event::Level;
use crate::model::{LogEntry, Logs, Sources};
use crate::ui::widgets::filter::{Pattern, holds};

/// What is to be shown.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// What their text must match.
    pub pattern: Pattern,
    /// At least so severe.
    pub level: Option<Level>,
    /// Part of the source's, component's or pod's name (lower case).
    pub source: String,
    /// The periodic blocks too, and the chatter.
    pub periodic: bool,
}

impl Query {
    fn keeps(&self, e: &LogEntry, sources: &Sources) -> bool {
        self.level.is_none_or(|l| e.record.level >= l)
            && (self.source.is_empty() || self.source_matches(e, sources))
            && self.pattern.keeps(&e.record.text)
    }

    fn source_matches(&self, e: &LogEntry, sources: &Sources) -> bool {
        let has = |text: &str| holds(text, &self.source);
        has(e.source.as_str())
            || e.component.is_some_and(|c| has(c.as_str()))
            || match &e.record.origin {
                Some(pod) => has(pod.as_str()),
                None => sources.get(&e.source).and_then(|s| s.pod.as_deref()).is_some_and(has),
            }
    }

    /// Whether chatter is folded away: not where a text is looked for.
    fn folds(&self) -> bool {
        !self.periodic && self.pattern.is_empty()
    }

    /// True where anything is left out.
    pub fn is_set(&self) -> bool {
        !self.pattern.is_empty() || self.level.is_some() || !self.source.is_empty()
    }
}

/// A record's identity and place in time.
pub type Spot = (Timestamp, u64);

/// Where a shown record is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its identity.
    pub spot: Spot,
    periodic: bool,
    at: u32,
}

/// The shown records, oldest first.
#[derive(Debug, Default)]
pub struct Index {
    /// Logs and query that it is of.
    stamp: Option<(u64, u64, u64)>,
    generation: u64,
    verdicts: FxHashMap<u64, bool>,
    rows: Vec<Place>,
    folded: usize,
}

impl Index {
    /// Makes it that of those logs and that query; `generation` changes with
    /// the query.
    pub fn refresh(&mut self, logs: &Logs, sources: &Sources, query: &Query, generation: u64) {
        let stamp = (logs.version(), logs.forgotten, generation);
        if self.stamp == Some(stamp) {
            return;
        }
        let older = self.stamp.is_some_and(|s| s.0 > logs.version());
        let live = logs.records().len() + logs.periodic().len();
        if self.generation != generation || older || self.verdicts.len() > 2 * live + 1024 {
            self.verdicts.clear();
        }
        self.generation = generation;
        self.stamp = Some(stamp);
        self.rows.clear();
        let verdicts = &mut self.verdicts;
        let all = !query.is_set();
        let folds = query.folds();
        let folded = &mut self.folded;
        *folded = 0;
        let mut keeps = |e: &LogEntry| all || *verdicts.entry(e.number).or_insert_with(|| query.keeps(e, sources));
        let place =
            |i: usize, e: &LogEntry, periodic: bool| Place { spot: (e.at, e.number), periodic, at: u32::try_from(i).unwrap_or(u32::MAX) };
        let mut heard = |e: &LogEntry| {
            let chatter = folds && is_chatter(e);
            *folded += usize::from(chatter);
            !chatter
        };
        self.rows.extend(logs.records().iter().enumerate().filter(|(_, e)| keeps(e) && heard(e)).map(|(i, e)| place(i, e, false)));
        if query.periodic {
            self.rows.extend(logs.periodic().iter().enumerate().filter(|(_, e)| keeps(e)).map(|(i, e)| place(i, e, true)));
            self.rows.sort_by_key(|p| p.spot);
        }
    }

    /// Ordinary records that are folded away.
    pub const fn folded(&self) -> usize {
        self.folded
    }

    /// How many are shown.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Identity of row `i`.
    pub fn spot(&self, i: usize) -> Option<Spot> {
        self.rows.get(i).map(|p| p.spot)
    }

    /// The record of row `i`.
    pub fn get<'m>(&self, logs: &'m Logs, i: usize) -> Option<&'m LogEntry> {
        let p = self.rows.get(i)?;
        let list = if p.periodic { logs.periodic() } else { logs.records() };
        list.get(usize::try_from(p.at).ok()?)
    }

    /// The row of that identity, or of the next one in time; `None` only
    /// without rows.
    pub fn find(&self, spot: Spot) -> Option<usize> {
        let last = self.rows.len().checked_sub(1)?;
        // Equal times keep the order in which they came, so this is sorted
        // wherever two neighbours differ in time.
        let i = self.rows.partition_point(|p| p.spot.0 < spot.0);
        let same = self.rows[i..].iter().take_while(|p| p.spot.0 == spot.0).position(|p| p.spot.1 == spot.1);
        Some((i + same.unwrap_or(0)).min(last))
    }

    /// How many rows came after that record.
    pub fn newer(&self, number: u64) -> usize {
        self.rows.iter().rev().take(5000).filter(|p| p.spot.1 > number).count()
    }
}
