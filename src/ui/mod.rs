//! The screens: pure functions from `&Model` and a view's own state to a buffer.
//!
//! Nothing here changes the model, reads a clock or touches the terminal.

pub mod action;
pub mod draw;
pub mod fleet;
pub mod help;
pub mod keymap;
pub mod remap;
pub mod symbols;
#[cfg(test)]
pub mod testing;
pub mod theme;
pub mod view;
pub mod views;
pub mod widgets;

pub use action::{Action, AlertMark, Effect, Launch, Playback, Program, RangeLaunch, RangeTask, Request, TypedStore};
pub use symbols::Symbols;
pub use theme::{Depth, Role, Theme};
pub use view::{Ctx, Mark, MarkKind, Outcome, TimeBase, Track, View, ViewId};
