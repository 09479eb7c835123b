//! Parts of screens.

pub mod gauge;
pub mod graph;
pub mod grid;
pub mod input;
pub mod panel;
