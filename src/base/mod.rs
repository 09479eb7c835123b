//! The ground floor: time, ids, bounded collections, units and safe text.
//!
//! Nothing here knows what a cluster is beyond the spelling of its ids, reads a
//! clock or touches the world.

pub mod change;
pub mod id;
pub mod redact;
pub mod ring;
pub mod text;
pub mod time;
pub mod units;
pub mod when;

pub use id::{PodName, ProofId, SourceName, TaskId, TaskType, WorkerId, WorkerKind};
pub use ring::Ring;
pub use time::Timestamp;
