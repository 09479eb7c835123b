//! From bytes to events.

pub mod payload;
