//! The screens: pure functions from `&Model` and a view's own state to a buffer.
//!
//! Nothing here changes the model, reads a clock or touches the terminal.

pub mod action;
pub mod keymap;
pub mod symbols;
pub mod theme;
pub mod view;
pub mod views;
pub mod widgets;

pub use action::{Action, Effect};
pub use symbols::Symbols;
pub use theme::{Role, Theme};
pub use view::{Ctx, Outcome, TimeBase, View, ViewId};
