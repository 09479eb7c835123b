//! sp1top: a terminal dashboard for self-hosted SP1 proving clusters.
//!
//! ```text
//! sources ──► Envelope ──► parse ──► Event ──► Model::apply ──► alerts ──► views / json
//! ```
//!
//! Live, demo, record and replay differ only in their source. Layers import
//! downwards only, in the order of the modules below; `tests/architecture.rs`
//! checks it.

pub mod base;

pub mod config;

pub mod envelope;

pub mod event;

pub mod proto;

pub mod parse;

pub mod model;

pub mod capacity;

pub mod alerts;

pub mod pipeline;

pub mod output;

pub mod ui;

pub mod app;

pub mod tape;

pub mod sources;

pub mod prover;

pub mod doctor;

pub mod sim;

pub mod runtime;

pub mod cli;
