//! From findings to alerts: pending, firing, resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::look::{Digest, Look};
use super::rules::{Clock, RULES, Rule};
use super::{Alert, Finding, Fix, Key, Severity, Thresholds};
use crate::base::{Ring, Timestamp};
use crate::capacity::Capacity;
use crate::model::Model;

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TransitionState {
    /// It fires from now on.
    Firing,
    /// It is over.
    Resolved,
}

/// A change of an alert's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The time in the data.
    pub at: Timestamp,
    /// What happened.
    pub state: TransitionState,
    /// The alert as it is then; for a resolved one, as it was last.
    pub alert: Alert,
}

/// One finding over time.
#[derive(Clone, Debug)]
struct Entry {
    /// When it was first found, by the rule's clock.
    found_at: Timestamp,
    /// When it was last found, by the rule's clock.
    seen_at: Timestamp,
    /// When it stopped being found while it fires.
    gone_since: Option<Timestamp>,
    /// It fires, as that.
    firing: Option<Alert>,
    /// What may be its cause.
    under: Vec<Key>,
    /// Happened, rather than is so.
    event: bool,
    /// It was told by itself, as bad as that.
    told: Option<Severity>,
    /// It has been told under another alert.
    covered: bool,
    /// Since when that one is over, or its like.
    bare_since: Option<Timestamp>,
}

impl Entry {
    /// Whether it is to be told now. One whose severity rose is told again;
    /// silently it would be missed.
    fn is_news(&mut self, severity: Severity) -> bool {
        let news = self.told.is_none_or(|worst| severity < worst);
        if news {
            self.told = Some(severity);
        }
        news
    }
}

impl Entry {
    const fn new(at: Timestamp) -> Self {
        Self {
            found_at: at,
            seen_at: at,
            gone_since: None,
            firing: None,
            under: Vec::new(),
            event: false,
            told: None,
            covered: false,
            bare_since: None,
        }
    }
}

/// Transitions kept to be shown.
const HISTORY: usize = 1024;
/// No more alerts than this at once; a rule that finds more is wrong.
const MAX_ENTRIES: usize = 2048;
/// One that came back within this long after it went is flapping: it then must
/// be gone for as long before it counts as over.
const FLAP: Duration = Duration::from_secs(120);
/// So often within [`FLAP_SPAN`] is flapping.
const FLAPS: usize = 3;
const FLAP_SPAN: Duration = Duration::from_secs(600);
/// What outlasts its cause by this long is a story of its own.
const OUTLASTS: Duration = Duration::from_secs(30);
/// Two blocks further apart than this do not confirm each other: between them a
/// part of the log is missing.
const BLOCKS_APART: Duration = Duration::from_secs(45);

/// The engine, with all alerts.
#[derive(Clone, Debug, Default)]
pub struct Alerts {
    limits: Thresholds,
    entries: BTreeMap<Key, Entry>,
    /// The firing ones, the worst first.
    firing: Vec<Alert>,
    history: Option<Ring<Transition>>,
    total: u64,
    /// When alerts went, to tell flapping.
    went: BTreeMap<Key, Vec<Timestamp>>,
    acknowledged: BTreeSet<Key>,
    muted: BTreeSet<Key>,
    evaluated_at: Timestamp,
    /// The periodic block that was last looked at, by its time.
    block: Option<Timestamp>,
    /// What the digest was made from.
    revision: Option<u64>,
    digest: Digest,
    capacity: Option<Capacity>,
}

/// A cluster of more workers than this is large.
const LARGE: usize = 256;
/// How many seconds of the data's time may pass between two looks at a large
/// cluster, other than at the end of a block: a log period.
const SELDOM_SECS: i64 = 10;

impl Alerts {
    /// No alerts yet; rules compare with `limits`.
    #[must_use]
    pub fn new(limits: Thresholds) -> Self {
        Self { limits, ..Self::default() }
    }

    /// What the rules compare with.
    #[must_use]
    pub const fn limits(&self) -> &Thresholds {
        &self.limits
    }

    /// Nothing fires, for ever.
    #[must_use]
    pub fn none() -> &'static Self {
        static NONE: std::sync::LazyLock<Alerts> = std::sync::LazyLock::new(Alerts::default);
        &NONE
    }

    /// A fixed set of firing alerts, the worst first, for tests of screens.
    #[must_use]
    pub fn fixed(mut alerts: Vec<Alert>) -> Self {
        alerts.sort_by(|a, b| order(a).cmp(&order(b)));
        Self { firing: alerts, ..Self::default() }
    }

    /// The stories that fire, the worst first, muted ones too. An alert that was
    /// told and then turned out to belong to another is in that one's
    /// [`Alert::told_before`].
    #[must_use]
    pub fn firing(&self) -> &[Alert] {
        &self.firing
    }

    /// Every alert that was told and is not over, those in the story of another too.
    pub fn told(&self) -> impl Iterator<Item = &Alert> {
        self.firing.iter().flat_map(|a| std::iter::once(a).chain(&a.told_before))
    }

    /// Those that fire and are not muted, the worst first: what is counted and
    /// shown outside of the list of all.
    pub fn loud(&self) -> impl Iterator<Item = &Alert> {
        self.firing.iter().filter(|a| !a.muted)
    }

    /// Changes so far that are still kept, oldest first.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &Transition> {
        self.history.iter().flat_map(Ring::iter)
    }

    /// How many changes there were, forgotten ones too. The newest
    /// `total - n` of [`Self::history`] came after there were `n`.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Changes that came after there were `seen`, oldest first.
    pub fn after(&self, seen: u64) -> impl Iterator<Item = &Transition> {
        let new = usize::try_from(self.total.saturating_sub(seen)).unwrap_or(usize::MAX);
        let kept = self.history.as_ref().map_or(0, Ring::len);
        self.history().skip(kept.saturating_sub(new))
    }

    /// What fits, as of the last evaluation.
    #[must_use]
    pub const fn capacity(&self) -> Option<&Capacity> {
        self.capacity.as_ref()
    }

    /// Marks an alert as seen, or no longer. True when it is marked now.
    pub fn acknowledge(&mut self, key: &Key) -> bool {
        let on = toggle(&mut self.acknowledged, key);
        self.mark();
        on
    }

    /// Silences an alert, or no longer. True when it is silent now.
    pub fn mute(&mut self, key: &Key) -> bool {
        let on = toggle(&mut self.muted, key);
        self.mark();
        on
    }

    /// Takes over what somebody marked in `other`, which replay jumped away from.
    pub fn keep_marks(&mut self, other: &Self) {
        self.acknowledged.clone_from(&other.acknowledged);
        self.muted.clone_from(&other.muted);
        self.mark();
    }

    fn mark(&mut self) {
        for a in &mut self.firing {
            let key = a.key();
            a.acknowledged = self.acknowledged.contains(&key);
            a.muted = self.muted.contains(&key);
        }
    }

    /// Looks at the model if something changed or a second has passed. Cheap
    /// when not. Never in the midst of a periodic block, nor right after a pause of
    /// this program: that nothing was heard meanwhile is no fault of the cluster.
    pub fn evaluate(&mut self, model: &Model) {
        if model.in_block() || model.is_waking() {
            return;
        }
        let revision = model.revision();
        let changed = self.revision != Some(revision);
        // Looking at thousands of workers takes long, and what is known of them
        // changes with the blocks: once a log period is early enough.
        let block = model.stats_log.as_ref().map(|s| s.at);
        if model.workers.len() > LARGE && block == self.block && model.now.secs() - self.evaluated_at.secs() < SELDOM_SECS {
            return;
        }
        self.block = block;
        // A second by the data's clock: envelopes of a log carry its seconds.
        if !changed && model.now.secs() == self.evaluated_at.secs() {
            return;
        }
        if changed || self.capacity.is_none() {
            self.digest = Digest::of(model);
            self.capacity = Some(Capacity::of(model));
            self.revision = Some(revision);
        }
        self.evaluated_at = model.now;
        let Some(capacity) = self.capacity.take() else { return };
        let look = Look { model, capacity: &capacity, digest: &self.digest, limits: &self.limits };
        let mut found: Vec<(&'static Rule, Vec<Finding>)> = Vec::with_capacity(RULES.len());
        for rule in RULES {
            let mut list = Vec::new();
            if !self.limits.disabled.iter().any(|d| d == rule.id) {
                (rule.check)(&look, &mut list);
            }
            found.push((rule, list));
        }
        self.capacity = Some(capacity);
        self.take(model, found);
    }

    /// Moves every entry on by what was found.
    fn take(&mut self, model: &Model, found: Vec<(&'static Rule, Vec<Finding>)>) {
        let mut now_found: BTreeMap<Key, (&'static Rule, Finding)> = BTreeMap::new();
        for (rule, list) in found {
            for f in list {
                now_found.entry(Key { id: rule.id, subject: f.subject.clone() }).or_insert((rule, f));
            }
        }
        let seen: BTreeSet<Key> = now_found.keys().cloned().collect();
        for (key, (rule, f)) in now_found {
            let clock = rule.clock.read(model);
            if !self.entries.contains_key(&key) && self.entries.len() >= MAX_ENTRIES {
                continue;
            }
            let e = self.entries.entry(key.clone()).or_insert_with(|| Entry::new(clock));
            if e.firing.is_none() && rule.clock == Clock::Stats && clock.since(e.seen_at) > BLOCKS_APART {
                e.found_at = clock;
            }
            e.seen_at = clock;
            e.gone_since = None;
            let hold = self.limits.hold(rule.id, rule.hold);
            let due = f.sure || clock.since(e.found_at) >= hold;
            if e.firing.is_none() && !due {
                continue;
            }
            let at = e.found_at.min(model.now);
            let (since, fired_at) = e
                .firing
                .as_ref()
                .map_or((f.since.unwrap_or(at).min(model.now), model.now), |a| (a.since.min(f.since.unwrap_or(a.since)), a.fired_at));
            (e.under, e.event) = (f.under, f.event);
            e.firing = Some(Alert {
                id: rule.id,
                severity: f.severity,
                subject: f.subject,
                since,
                fired_at,
                summary: f.summary,
                evidence: f.evidence,
                fix: f.fix,
                consequences: Vec::new(),
                told_before: Vec::new(),
                acknowledged: self.acknowledged.contains(&key),
                muted: self.muted.contains(&key),
            });
        }
        let gone = self.forget(model, &seen);
        self.tell(model.now, gone);
    }

    /// Takes away what has not been found for long enough. Returns the alerts
    /// that were told and are over.
    fn forget(&mut self, model: &Model, seen: &BTreeSet<Key>) -> Vec<Alert> {
        let mut over: Vec<Key> = Vec::new();
        for (key, e) in &mut self.entries {
            if seen.contains(key) {
                continue;
            }
            let Some(rule) = RULES.iter().find(|r| r.id == key.id) else { continue };
            let clock = rule.clock.read(model);
            let gone = *e.gone_since.get_or_insert(clock);
            let flaps = self.went.get(key).map_or(0, |w| w.iter().filter(|t| clock.since(**t) < FLAP_SPAN).count());
            let clear = if flaps >= FLAPS { rule.clear.max(FLAP) } else { rule.clear };
            if e.firing.is_none() || clock.since(gone) >= clear {
                over.push(key.clone());
            }
        }
        let mut resolved = Vec::new();
        for key in over {
            let Some(e) = self.entries.remove(&key) else { continue };
            let Some(alert) = e.firing else { continue };
            let went = self.went.entry(key).or_default();
            went.push(model.now);
            if went.len() > FLAPS {
                went.remove(0);
            }
            if e.told.is_some() {
                resolved.push(alert);
            }
        }
        if self.went.len() > MAX_ENTRIES {
            self.went.retain(|_, w| w.last().is_some_and(|t| model.now.since(*t) < FLAP_SPAN));
        }
        resolved
    }

    /// The alert in whose story `key` belongs, if there is one: the first cause
    /// of its causes that is told, or is about to be.
    fn cause(&self, key: &Key, depth: u8) -> Option<Key> {
        let e = self.entries.get(key).filter(|_| depth < 8)?;
        for under in e.under.iter().filter(|u| *u != key) {
            let Some(c) = self.entries.get(under).filter(|c| c.firing.is_some()) else { continue };
            // Of two that name each other the one that was told is the cause, or was found first.
            let place = |e: &Entry, key| (e.told.is_none(), e.found_at, rank(key));
            if c.under.contains(key) && place(c, under) > place(e, key) {
                continue;
            }
            match self.cause(under, depth + 1) {
                Some(root) if root == *key => {}
                Some(root) => return Some(root),
                None if c.told.is_none() && c.covered && c.event => {}
                None => return Some(under.clone()),
            }
        }
        None
    }

    /// Puts consequences under their causes and tells what changed.
    fn tell(&mut self, now: Timestamp, resolved: Vec<Alert>) {
        for alert in resolved {
            self.push(Transition { at: now, state: TransitionState::Resolved, alert });
        }
        let firing: Vec<Key> = self.entries.iter().filter(|(_, e)| e.firing.is_some()).map(|(k, _)| k.clone()).collect();
        let causes: BTreeMap<&Key, Key> = firing.iter().filter_map(|k| Some((k, self.cause(k, 0)?))).collect();
        let mut under: BTreeMap<Key, Vec<String>> = BTreeMap::new();
        let mut before: BTreeMap<Key, Vec<Alert>> = BTreeMap::new();
        let mut list: Vec<Alert> = Vec::new();
        let mut news: Vec<Alert> = Vec::new();
        for key in &firing {
            let Some(e) = self.entries.get_mut(key) else { continue };
            let Some(alert) = e.firing.clone() else { continue };
            if let Some(cause) = causes.get(key).cloned() {
                e.bare_since = None;
                if e.told.is_none() {
                    e.covered = true;
                    under.entry(cause).or_default().push(alert.told_as());
                    continue;
                }
                news.extend(e.is_news(alert.severity).then(|| alert.clone()));
                before.entry(cause).or_default().push(alert);
                continue;
            }
            if e.told.is_none() {
                // What happened is history when its cause is; what is so may only go a little later.
                let bare = *e.bare_since.get_or_insert(now);
                if e.covered && (e.event || now.since(bare) < OUTLASTS) {
                    continue;
                }
            }
            news.extend(e.is_news(alert.severity).then(|| alert.clone()));
            list.push(alert);
        }
        for a in list.iter_mut().chain(&mut news) {
            let key = a.key();
            if let Some(lines) = under.get(&key) {
                a.consequences.clone_from(lines);
            }
            if let Some(alerts) = before.get(&key) {
                a.told_before.clone_from(alerts);
            }
        }
        // What was told stays told where its cause is not, yet.
        before.retain(|cause, _| !list.iter().any(|a| a.id == cause.id && a.subject == cause.subject));
        list.extend(before.into_values().flatten());
        list.sort_by(|a, b| order(a).cmp(&order(b)));
        news.sort_by(|a, b| order(a).cmp(&order(b)));
        for alert in news {
            self.push(Transition { at: now, state: TransitionState::Firing, alert });
        }
        // Marks of alerts that are over are forgotten.
        self.acknowledged.retain(|k| firing.contains(k));
        self.firing = list;
    }

    fn push(&mut self, t: Transition) {
        self.total += 1;
        self.history.get_or_insert_with(|| Ring::new(HISTORY)).push(t);
    }
}

fn toggle(set: &mut BTreeSet<Key>, key: &Key) -> bool {
    if set.remove(key) {
        return false;
    }
    set.insert(key.clone());
    true
}

/// The place of an alert's rule in the table, then its subject.
fn rank(key: &Key) -> (usize, &str) {
    (RULES.iter().position(|r| r.id == key.id).unwrap_or(RULES.len()), &key.subject)
}

/// The worst and the oldest first.
fn order(a: &Alert) -> (Severity, Timestamp, &'static str, &str) {
    (a.severity, a.since, a.id, &a.subject)
}

impl Clock {
    fn read(self, model: &Model) -> Timestamp {
        match self {
            Self::Data => model.now,
            Self::Stats => model.stats.as_ref().map_or(model.now, |s| s.at),
        }
    }
}

/// Only for tests of what is made from alerts.
impl Default for Alert {
    fn default() -> Self {
        Self {
            id: "aggregation-stuck",
            severity: Severity::Critical,
            subject: String::new(),
            since: Timestamp::ZERO,
            fired_at: Timestamp::ZERO,
            summary: String::new(),
            evidence: Vec::new(),
            fix: Vec::<Fix>::new(),
            consequences: Vec::new(),
            told_before: Vec::new(),
            acknowledged: false,
            muted: false,
        }
    }
}
