//! Faults that a scenario injects.

use super::Cluster;
use super::kind::Kind;
use crate::base::TaskType;

/// Something that goes wrong.
#[derive(Clone, PartialEq, Debug)]
pub enum Fault {
    /// The next `tasks` tasks of a type fail `attempts` times each, in a way
    /// that may be retried (more than three: they never succeed).
    Retryable {
        /// The type.
        kind: TaskType,
        /// How many tasks.
        tasks: u32,
        /// How often each.
        attempts: u8,
    },
    /// The next task of a type fails for good, and its proof with it.
    Fatal {
        /// The type.
        kind: TaskType,
        /// What the error says.
        reason: String,
    },
    /// The next task of a type never ends (until the 6 h task timeout).
    Hang {
        /// The type.
        kind: TaskType,
    },
    /// The next task of a type to start kills its worker (exit code 139),
    /// wherever it is started again.
    Poison {
        /// The type.
        kind: TaskType,
    },
    /// The end of the next task of a type is never told to its Controller,
    /// which waits for it for ever.
    Unheard {
        /// The type.
        kind: TaskType,
    },
    /// Redis reaches its memory budget, or has room again.
    RedisFull(bool),
    /// Redis cannot be reached by the nodes, or can again.
    RedisAway(bool),
    /// The coordinator waits for its lock again and again, or no more.
    CoordinatorSlow(bool),
}

#[derive(Default)]
pub(super) struct Faults {
    retryable: Vec<(Kind, u32, u8)>,
    fatal: Vec<(Kind, String)>,
    hang: Vec<Kind>,
    poison: Vec<Kind>,
    unheard: Vec<Kind>,
    /// Tasks that kill.
    poisoned: Vec<u128>,
    pub redis_full: bool,
    pub redis_away: bool,
    pub coordinator_slow: bool,
}

/// How an attempt at a task will go.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Outcome {
    Done,
    Retryable,
    Fatal(String),
    /// The guest's own fault.
    Guest(String),
    TimesOut,
    /// The process dies of it.
    Kills,
}

impl Cluster {
    /// Injects a fault. One about a type that is not simulated does nothing.
    pub fn inject(&mut self, fault: Fault) {
        match fault {
            Fault::Retryable { kind, tasks, attempts } => self.faults.retryable.extend(Kind::of(&kind).map(|k| (k, tasks, attempts))),
            Fault::Fatal { kind, reason } => self.faults.fatal.extend(Kind::of(&kind).map(|k| (k, reason))),
            Fault::Hang { kind } => self.faults.hang.extend(Kind::of(&kind)),
            Fault::Poison { kind } => self.faults.poison.extend(Kind::of(&kind)),
            Fault::Unheard { kind } => self.faults.unheard.extend(Kind::of(&kind)),
            Fault::RedisFull(full) => self.faults.redis_full = full,
            Fault::RedisAway(away) => self.faults.redis_away = away,
            Fault::CoordinatorSlow(slow) => self.faults.coordinator_slow = slow,
        }
    }

    /// Whether a task kills its worker.
    pub(super) fn is_poison(&self, task: u128) -> bool {
        self.faults.poisoned.contains(&task)
    }

    /// Whether the end of a task of a type gets lost on its way to the Controller.
    pub(super) fn is_unheard(&mut self, kind: Kind) -> bool {
        let found = self.faults.unheard.iter().position(|k| *k == kind);
        found.is_some_and(|i| self.faults.unheard.swap_remove(i) == kind)
    }

    /// How many attempts at a new task an injected fault spoils.
    pub(super) fn spoil(&mut self, kind: Kind) -> u8 {
        let Some(i) = self.faults.retryable.iter().position(|f| f.0 == kind) else { return 0 };
        let f = &mut self.faults.retryable[i];
        let attempts = f.2;
        f.1 = f.1.saturating_sub(1);
        if f.1 == 0 {
            self.faults.retryable.remove(i);
        }
        attempts
    }

    /// How the attempt that begins now will go.
    pub(super) fn outcome(&mut self, kind: Kind, task: u128, spoiled: bool) -> Outcome {
        if let Some(i) = self.faults.poison.iter().position(|k| *k == kind) {
            self.faults.poison.remove(i);
            self.faults.poisoned.push(task);
        }
        if self.is_poison(task) {
            return Outcome::Kills;
        }
        if spoiled {
            return Outcome::Retryable;
        }
        if let Some(i) = self.faults.hang.iter().position(|k| *k == kind) {
            self.faults.hang.remove(i);
            return Outcome::TimesOut;
        }
        match self.faults.fatal.iter().position(|f| f.0 == kind) {
            Some(i) => Outcome::Fatal(self.faults.fatal.remove(i).1),
            None => Outcome::Done,
        }
    }
}
