//! Pieces that several views draw.

pub mod filter;
pub mod gauge;
pub mod graph;
pub mod heatmap;
pub mod input;
pub mod panel;
pub mod pen;
pub mod table;
pub mod timeline;
