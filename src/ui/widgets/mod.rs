//! Pieces that several views draw.
