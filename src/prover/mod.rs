//! The embedded prover client: proofs are sent to a real cluster, followed, and
//! fetched.
//!
//! A proof request needs three things: its program and its input in the
//! cluster's artifact store ([`store`]), written as the cluster reads them
//! ([`encode`]), and a row in the API. Every job is in the [`journal`] on disk
//! before anything of it leaves this machine, so that it outlives this process;
//! [`drive`] takes it from wherever it is to its end.

pub mod drive;
pub mod elf;
pub mod encode;
pub mod envfile;
pub mod fetch;
pub mod ids;
pub mod job;
pub mod journal;
pub mod program;
pub mod proof;
pub mod range;
pub mod settings;
pub mod store;
pub mod update;
