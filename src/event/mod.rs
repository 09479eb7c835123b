//! What envelopes mean, after parsing: facts, each at a time in the data.
//!
//! Sources of the facts: `facts/sp1-cluster.md` section 3 and part 2 of
//! `facts/reference.md`. Only `Model::apply` matches on these.

mod api;
mod coordinator;
mod kube;
mod log;
mod node;
mod prover;

use crate::base::{SourceName, Timestamp};
use crate::envelope::{Session, SourceUpdate};

pub use api::{ApiEvent, ClientEvent, ComponentVersion, ProofRow};
pub use coordinator::{AssignedTask, CoordinatorEvent, ProofMode, ProofStatus, Stats, StatsSource, WorkerReport};
pub use kube::{KubeEvent, KubeNote, Metric, NodeInfo, PodInfo, PodUsage, Termination, WorkloadInfo};
pub use log::{Component, Level, LogRecord};
pub use node::{NodeEvent, StoreEvent, TaskFailure};
pub use prover::{JobNote, RunEvent, RunNote};

/// The events of one envelope.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Sequence number of the envelope.
    pub seq: u64,
    /// The envelope's own time.
    pub at: Timestamp,
    /// The source of all of them.
    pub source: SourceName,
    /// In the order of the bytes.
    pub events: Vec<Event>,
    /// What looked like ours and could not be read.
    pub unread: Vec<Unread>,
    /// Bytes of the envelope.
    pub bytes: u64,
}

/// No piece of a log is taken apart further than this.
const MOST_PERIODS: usize = 4096;

impl Batch {
    /// Its log periods: a log that is read late comes in large pieces,
    /// and what lasted for minutes in it is to be seen to have lasted. Each but the
    /// last is as of its own end.
    #[must_use]
    pub fn periods(mut self) -> Vec<Self> {
        let begins = |e: &Event| matches!(&e.what, What::Stats(s) if !s.from_grpc);
        let mut starts: Vec<(usize, Timestamp)> =
            self.events.iter().enumerate().filter(|(_, e)| begins(e)).map(|(i, e)| (i, e.at)).collect();
        // What stands before the first belongs to it.
        starts.truncate(MOST_PERIODS);
        if starts.len() < 2 {
            return vec![self];
        }
        let mut parts = Vec::with_capacity(starts.len());
        for (i, at) in starts.drain(1..).rev() {
            let events = self.events.split_off(i);
            parts.push(Self { seq: self.seq, at: self.at, source: self.source.clone(), events, unread: Vec::new(), bytes: 0 });
            // The one before ends where this one begins.
            self.at = self.at.min(at);
        }
        parts.push(self);
        parts.reverse();
        parts
    }
}

/// Something that could not be read, counted and shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The time of the line where it had one, else of the envelope.
    pub at: Timestamp,
    /// Why.
    pub why: UnreadReason,
    /// The beginning of it, made safe to show.
    pub text: String,
}

/// Why a line is unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UnreadReason {
    /// It begins like a line of ours but its content is not what ours has.
    Malformed,
    /// The first or last line of a stream, cut.
    Partial,
    /// Longer than a line may be.
    TooLong,
    /// A document that is not JSON, or JSON that is nothing we know.
    UnknownDocument,
    /// A protobuf answer that does not decode.
    BadMessage,
}

/// One fact, at a time in the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The line's own time, or the envelope's where it has none.
    pub at: Timestamp,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A log record to show. Emitted for every record when logs are wanted, and
    /// for WARN and ERROR always. A record that means something is followed by
    /// its other event.
    Log(LogRecord),
    /// A further line of this source's last record (errors with a cause or a
    /// backtrace), safe to show.
    LogMore(Box<str>),
    /// The source's text tells which component writes it.
    ComponentTold(Component),
    /// Queue and worker totals.
    Stats(Box<Stats>),
    /// One worker's running tasks, from the coordinator's periodic block.
    Worker(WorkerReport),
    /// The coordinator said something else that matters.
    Coordinator(CoordinatorEvent),
    /// A cpu-node or gpu-node said something that matters.
    Node(NodeEvent),
    /// The API said something that matters.
    Api(ApiEvent),
    /// An artifact store was used or is in trouble (nodes and clients).
    Store(StoreEvent),
    /// A client (cluster CLI, op-succinct) said something that matters.
    Client(ClientEvent),
    /// Kubernetes objects.
    Kube(KubeEvent),
    /// Proof requests as the API keeps them: a page of them.
    ProofRows(Vec<ProofRow>),
    /// Versions of the components as the API knows them.
    Manifest(Vec<ComponentVersion>),
    /// CPU and memory of pods.
    PodMetrics(Vec<PodUsage>),
    /// Metrics of one pod: name, labels, value.
    Metrics(Vec<Metric>),
    /// News of a change that was asked for from the screen.
    Change(Box<crate::base::change::ChangeNews>),
    /// A source changed its state.
    Source(SourceUpdate),
    /// What is looked at.
    Session(Session),
    /// A proof that this program sends goes on.
    Job(Box<JobNote>),
    /// A program of op-succinct that this program runs says something.
    Run(Box<RunNote>),
    /// Time passed.
    Tick,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_lose_nothing_and_end_where_the_next_begins() {
        let event = |secs, what| Event { at: Timestamp::from_secs(secs), what };
        let stats = |secs| event(secs, What::Stats(Box::default()));
        let events = vec![event(1, What::Tick), stats(10), event(11, What::Tick), stats(20), stats(30), event(31, What::Tick)];
        let batch = Batch {
            seq: 7,
            at: Timestamp::from_secs(40),
            source: SourceName::new("x"),
            events: events.clone(),
            unread: Vec::new(),
            bytes: 9,
        };
        let parts = batch.periods();
        assert_eq!(parts.iter().map(|p| (p.at.secs(), p.events.len(), p.bytes)).collect::<Vec<_>>(), [(20, 3, 9), (30, 1, 0), (40, 2, 0)]);
        assert_eq!(parts.into_iter().flat_map(|p| p.events).collect::<Vec<_>>(), events);
    }
}
