//! What is printed without a screen: versioned JSON with types of its own, and
//! text for people.

pub mod alerts;
pub mod metrics;
pub mod plight;
pub mod report;
pub mod status;
mod text;

pub use text::status as status_text;
