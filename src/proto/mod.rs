//! The messages and services of the coordinator and the API, generated from
//! `proto/*.proto`.
//!
//! The generated code is committed, so that nobody needs `protoc`; the test
//! `tests/proto.rs` makes it anew in memory and compares. After a change:
//! `SP1TOP_WRITE_PROTO=1 cargo test --test proto`.

/// `worker.WorkerService`: the coordinator.
#[allow(clippy::all, clippy::pedantic, clippy::unwrap_used, missing_docs, rustdoc::all)]
#[rustfmt::skip]
pub mod worker;

/// `cluster.ClusterService`: the API.
#[allow(clippy::all, clippy::pedantic, clippy::unwrap_used, missing_docs, rustdoc::all)]
#[rustfmt::skip]
pub mod cluster;
