//! Pieces that several views draw.

pub mod filter;
pub mod heatmap;
pub mod pen;
pub mod table;
pub mod timeline;
