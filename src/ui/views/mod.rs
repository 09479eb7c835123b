//! One file a view; the table of views is at the end of this one.

pub mod common;
pub mod logs;
pub mod proofs;
pub mod workers;

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
