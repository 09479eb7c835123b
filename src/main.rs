//! The `sp1top` program.

fn main() {}
