//! What messages mean. One file a component, each with a table of beginnings;
//! a new message is one line in its table.

mod api;
mod client;
mod coordinator;
mod node;
mod store;

pub use node::task_seen;

use super::formats::Record;
use super::scan;
use crate::base::{ProofId, TaskId, text};
use crate::event::{Component, What};

/// A message that means something: how it begins, and how the rest is read.
/// `None` from the reader means that it begins like ours but is not: unread.
pub struct Meaning {
    /// The beginning.
    pub begins: &'static str,
    /// Reads the rest.
    pub read: fn(&[u8], &Record<'_>) -> Option<What>,
}

/// The table of one component.
pub struct Table {
    /// Whose messages these are; `None` for messages of several components.
    pub component: Option<Component>,
    /// The messages.
    pub meanings: &'static [Meaning],
    /// Reads messages that begin with a name (`worker W has timed out`); `None`
    /// when it is none of them.
    pub other: fn(&Record<'_>) -> Option<Result<What, ()>>,
}

/// All tables.
pub const TABLES: &[&Table] = &[&coordinator::TABLE, &node::TABLE, &store::TABLE, &api::TABLE, &client::TABLE];

/// What a record means: an event and the component that its table belongs to, or
/// `Err` where it begins like one of ours and cannot be read.
pub fn meaning(record: &Record<'_>) -> Option<Result<(What, Option<Component>), ()>> {
    for table in TABLES {
        for m in table.meanings {
            if let Some(rest) = record.message.strip_prefix(m.begins.as_bytes()) {
                return Some((m.read)(rest, record).map(|w| (w, table.component)).ok_or(()));
            }
        }
        if let Some(found) = (table.other)(record) {
            return Some(found.map(|w| (w, table.component)));
        }
    }
    None
}

/// Which component writes lines with that target (`file.rs:12` or module path).
#[must_use]
pub fn component_of_target(target: &[u8]) -> Option<Component> {
    const TARGETS: &[(&str, Component)] = &[
        ("sp1_cluster_coordinator", Component::Coordinator),
        ("bin/coordinator/", Component::Coordinator),
        ("sp1_cluster_node", Component::Node),
        ("bin/node/", Component::Node),
        ("sp1_cluster_worker", Component::Node),
        ("crates/worker/", Component::Node),
        ("sp1_cluster_api", Component::Api),
        ("bin/api/", Component::Api),
        ("sp1_cluster_network_gateway", Component::Gateway),
        ("bin/network-gateway/", Component::Gateway),
        ("sp1_cluster_fulfiller", Component::Gateway),
        ("sp1_cluster_cli", Component::Client),
        ("bin/cli/", Component::Client),
    ];
    TARGETS.iter().find(|(t, _)| target.starts_with(t.as_bytes()) || has_path(target, t)).map(|(_, c)| *c)
}

/// True for an absolute path (`/app/bin/node/src/lib.rs:3`) that has `part` in it.
fn has_path(target: &[u8], part: &str) -> bool {
    target.first() == Some(&b'/') && part.ends_with('/') && memchr::memmem::find(target, part.as_bytes()).is_some()
}

/// Text for a person: the first line, made safe, of a reasonable length.
fn words(s: &[u8]) -> String {
    const LONGEST: usize = 400;
    let line = s.split(|c| *c == b'\n').next().unwrap_or(s);
    let mut t = text::clean(line).into_owned();
    if t.len() > LONGEST {
        let cut = (0..=LONGEST).rev().find(|i| t.is_char_boundary(*i)).unwrap_or(0);
        t.truncate(cut);
        t.push('…');
    }
    t
}

/// Reads a proof id up to the first blank.
fn proof(s: &[u8]) -> Option<(ProofId, &[u8])> {
    let (id, rest) = scan::word(s);
    Some((ProofId::read(id)?, rest))
}

/// Reads a task id up to the first blank.
fn task(s: &[u8]) -> Option<(TaskId, &[u8])> {
    let (id, rest) = scan::word(s);
    Some((TaskId::read(id)?, rest))
}

/// Reads `("P", "T")`.
fn pair(s: &[u8]) -> Option<(ProofId, TaskId, &[u8])> {
    let s = s.strip_prefix(b"(")?;
    let (p, s) = scan::plain_string(s)?;
    let (t, s) = scan::plain_string(s.strip_prefix(b", ")?)?;
    Some((ProofId::read(p)?, TaskId::read(t)?, s.strip_prefix(b")")?))
}
