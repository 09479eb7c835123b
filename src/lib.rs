//! sp1top: a terminal dashboard for self-hosted SP1 proving clusters.
pub mod base;
