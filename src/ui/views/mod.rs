//! One file a view; the table of views is at the end of this one.
