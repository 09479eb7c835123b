//! The checks, one file each, and the table of them.

mod api;
mod api_server;
mod capacity;
mod clock;
mod coordinator;
mod kubeconfig;
mod metrics;
mod namespace;
mod op_succinct;
pub mod permissions;
mod pods;
mod postgres;
mod redis;
mod services;
mod shm;
mod store;
mod versions;

use super::Check;

/// Every check, in the order in which they are told: from here outwards, so
/// that the first failure is most often the cause of those below.
pub const TABLE: &[Check] = &[
    kubeconfig::CHECK,
    api_server::CHECK,
    namespace::CHECK,
    permissions::CHECK,
    pods::CHECK,
    services::CHECK,
    versions::CHECK,
    capacity::CHECK,
    shm::CHECK,
    metrics::CHECK,
    coordinator::CHECK,
    api::CHECK,
    store::CHECK,
    redis::CHECK,
    postgres::CHECK,
    op_succinct::CHECK,
    clock::CHECK,
];
