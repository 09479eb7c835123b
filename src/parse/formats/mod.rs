//! The shapes of a log line. A new one is a file here and a line in [`FORMATS`].

mod compact;
mod json;

use std::borrow::Cow;

use crate::base::Timestamp;
use crate::event::Level;

/// A log line taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its time.
    pub at: Timestamp,
    /// Its level.
    pub level: Level,
    /// Names of the spans around it, `outer:inner`, may be empty.
    pub spans: Cow<'a, [u8]>,
    /// Target (`sp1_cluster_coordinator::server`) or `file.rs:123`, may be empty.
    pub target: Cow<'a, [u8]>,
    /// The message with its fields and the spans' fields as ` name=value`,
    /// without colours.
    pub message: Cow<'a, [u8]>,
}

/// A shape of lines.
pub struct Format {
    /// Its name, also that of its folder in `fixtures/logs`.
    pub name: &'static str,
    /// Reads a line of this shape, without its line end.
    pub read: for<'a> fn(&'a [u8]) -> Option<Record<'a>>,
    /// Where a second record begins within a line that was glued together.
    pub glued: fn(&[u8]) -> Option<usize>,
}

/// All shapes, tried in order.
pub const FORMATS: &[Format] = &[
    Format { name: "compact", read: compact::read, glued: compact::glued },
    Format { name: "json", read: json::read, glued: json::glued },
];

/// Takes a line apart with the first format that fits.
#[must_use]
pub fn read(line: &[u8]) -> Option<(&'static Format, Record<'_>)> {
    FORMATS.iter().find_map(|f| (f.read)(line).map(|r| (f, r)))
}
