//! What will happen, in order of time; ties keep the order of planning.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::base::Timestamp;

/// A step of a proof's course that its Controller takes a little later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Step {
    /// The Controller has read its inputs.
    Begin,
    /// The verifying key is there.
    Execute,
    /// The last artifact is uploaded.
    Finish,
}

/// Something planned. Numbers are indexes into the simulation's tables; an
/// event about something that is gone does nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Event {
    /// The coordinator's 10 s block and sweeps.
    Block(usize),
    /// The coordinator's heartbeats to all workers, every 5 s.
    Heartbeats(usize),
    /// The coordinator's poll of the API, every 0.5 s.
    Claim(usize),
    /// The coordinator pushes the component manifest, every 240 s.
    Manifest(usize),
    /// The coordinator has begun to listen.
    Listening(usize),
    /// A worker process ends a task.
    TaskEnds { node: usize, seq: u64 },
    /// A Controller's next step.
    Course { coord: usize, proof: usize, run: u32, step: Step },
    /// An execution's next shard.
    Shard { coord: usize, proof: usize, token: u64 },
    /// A worker process has initialised and connects.
    NodeReady(usize),
    /// A worker process tries to connect (again); how often it has tried.
    Connect { node: usize, attempt: u32 },
    /// A draining worker says how much is left; seconds since the signal.
    Draining { node: usize, elapsed: u32 },
    /// A cut connection mends.
    Mend(usize),
    /// A pod's container starts.
    PodStarts { pod: usize, run: u32 },
    /// A pod's container has ended by itself after a signal.
    PodEnds { pod: usize, run: u32 },
    /// A pod's grace period is over.
    GraceOver(usize),
    /// A lost pod's machine is back.
    PodReturns(usize),
    /// A deployment looks at its pods.
    Reconcile(usize),
    /// A pending pod is offered to the scheduler again.
    Schedule(usize),
    /// Memory of the pods that have limits is compared with them, every second.
    Memory,
    /// A command of the script.
    Script(usize),
    /// Clients look at their proofs.
    Poll,
    /// The next request of a demand.
    Demand(u32),
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Timestamp,
    seq: u64,
    event: Event,
}

/// The queue of what will happen.
#[derive(Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<Entry>>,
    seq: u64,
}

impl Agenda {
    pub fn add(&mut self, at: Timestamp, event: Event) {
        self.seq += 1;
        self.heap.push(Reverse(Entry { at, seq: self.seq, event }));
    }

    /// When the next event is.
    pub fn next_time(&self) -> Option<Timestamp> {
        self.heap.peek().map(|e| e.0.at)
    }

    /// The next event up to `limit`, with its time.
    pub fn next_until(&mut self, limit: Timestamp) -> Option<(Timestamp, Event)> {
        if self.heap.peek()?.0.at > limit {
            return None;
        }
        self.heap.pop().map(|Reverse(e)| (e.at, e.event))
    }
}
