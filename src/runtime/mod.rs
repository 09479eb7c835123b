//! The terminal and the loop: the only part of the dashboard that does input
//! and output.

pub mod clipboard;
pub mod demo;
pub mod feed;
pub mod live;
#[cfg(test)]
mod look;
pub mod opening;
pub mod picture;
pub mod player;
pub mod points;
pub mod prover;
pub mod range;
mod reel;
pub mod screen;
mod sites;
pub mod stage;
pub mod tell;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod themes;
pub mod tui;
mod wake;

pub use feed::Feed;
pub use tui::{Ending, Error, TuiOptions, run, run_fleet};
pub use wake::{Inbox, Waker, channel};
