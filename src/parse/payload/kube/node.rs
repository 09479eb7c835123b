//! Nodes of the Kubernetes cluster.

use serde::Deserialize;

use super::{Amounts, Condition, Meta, or_default};
use crate::event::NodeInfo;
use crate::parse::payload::safe;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Node {
    metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    status: NodeStatus,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NodeStatus {
    #[serde(deserialize_with = "or_default")]
    allocatable: Amounts,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<Condition>,
}

/// Reads a Node.
#[must_use]
pub fn node(raw: &str) -> Option<NodeInfo> {
    let Node { metadata, status } = serde_json::from_str(raw).ok()?;
    let is_true = |c: &&Condition| c.status == "True";
    // Other conditions are other programs' own, and true may be well with them.
    let is_bad = |c: &&Condition| c.kind.ends_with("Pressure") || c.kind == "NetworkUnavailable";
    Some(NodeInfo {
        name: metadata.name()?,
        memory: status.allocatable.memory.as_ref().and_then(super::Amount::units),
        gpus: status.allocatable.gpu.as_ref().and_then(|g| u32::try_from(g.units()?).ok()),
        ready: status.conditions.iter().filter(is_true).any(|c| c.kind == "Ready"),
        pressure: status.conditions.iter().filter(is_true).filter(is_bad).map(|c| safe(&c.kind, 64)).collect(),
    })
}
