//! A record as lines of cells.

use std::ops::Range;

use ratatui::style::Style;
use regex::Regex;
use unicode_segmentation::UnicodeSegmentation as _;

use crate::event::Level;
use crate::model::{LogEntry, Model};
use crate::ui::views::common::short_pod;
use crate::ui::widgets::pen::{Pen, width};
use crate::ui::{Ctx, Role};

/// Widths of what stands before the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// `HH:MM:SS`, or with milliseconds.
    pub time: u16,
    /// The source's name; 0 to leave it out.
    pub source: u16,
}

impl Prefix {
    /// What a screen of that width has room for.
    pub const fn of(room: u16) -> Self {
        match room {
            0..40 => Self { time: 8, source: 0 },
            40..100 => Self { time: 8, source: 11 },
            100..160 => Self { time: 12, source: 14 },
            _ => Self { time: 12, source: 20 },
        }
    }

    /// Whether there is room for the target, or the place in the source text,
    /// before the message.
    pub const fn names_target(self) -> bool {
        self.source >= 20
    }

    /// All columns before the text: marker, time, level, source.
    pub const fn width(self) -> u16 {
        2 + self.time + 1 + 1 + 1 + if self.source > 0 { self.source + 1 } else { 0 }
    }
}

/// The role of a level.
pub const fn level_role(level: Level) -> Role {
    match level {
        Level::Error => Role::Bad,
        Level::Warn => Role::Warn,
        Level::Info => Role::Text,
        Level::Debug | Level::Trace => Role::LogDebug,
    }
}

/// The letter of a level.
pub const fn level_letter(level: Level) -> &'static str {
    match level {
        Level::Error => "E",
        Level::Warn => "W",
        Level::Info => "I",
        Level::Debug => "D",
        Level::Trace => "T",
    }
}

/// Where a record comes from in a few letters: its pod, else its component,
/// else the source.
pub fn source_name<'m>(model: &'m Model, e: &'m LogEntry) -> &'m str {
    if let Some(pod) = &e.record.origin {
        return pod.as_str();
    }
    if let Some(pod) = model.sources.get(&e.source).and_then(|s| s.pod.as_deref()) {
        return pod;
    }
    match e.component {
        Some(c) => c.as_str(),
        None => e.source.as_str().rsplit(':').next().unwrap_or(""),
    }
}

/// How that begins.
const CHATTER: [&str; 3] = ["download took ", "upload took ", "Getting proof request"];

/// True for what the processes say of each step that they do: ends of spans,
/// artifacts that come and go, clients that ask how far a proof is.
pub fn is_chatter(e: &LogEntry) -> bool {
    if e.record.level >= Level::Warn {
        return false;
    }
    let said = e.record.text.get(usize::from(e.record.target_len)..).unwrap_or(&e.record.text);
    CHATTER.iter().any(|b| said.starts_with(b)) || (said.starts_with("close") && said.contains("time.busy"))
}

/// Draws what stands before the text.
pub fn draw_prefix(ctx: &Ctx<'_>, e: &LogEntry, prefix: Prefix, pen: &mut Pen<'_>) {
    let style = |r| ctx.theme.style(r);
    pen.gap(2);
    let mut time = pen.part(prefix.time);
    time.put(&e.at.clock(), style(Role::LogMeta));
    if prefix.time >= 12 {
        time.put(&format!(".{:03}", e.at.millis().rem_euclid(1000)), style(Role::Faint));
    }
    pen.gap(1).put(level_letter(e.record.level), style(level_role(e.record.level))).gap(1);
    if prefix.source > 0 {
        let name = short_pod(source_name(ctx.model, e), prefix.source, ctx.symbols.ellipsis);
        pen.part(prefix.source).put(&name, style(Role::Dim));
        pen.gap(1);
    }
}

/// Where the parts of a text begin and end that look different.
pub struct Looks {
    target_end: usize,
    matches: Vec<Range<usize>>,
}

/// No more matches than this are marked in one record.
const MAX_MATCHES: usize = 64;

impl Looks {
    /// Of a record's text under the pattern in force.
    pub fn new(e: &LogEntry, regex: Option<&Regex>) -> Self {
        let text = &e.record.text;
        let target_end = usize::from(e.record.target_len);
        let target_end = if text.is_char_boundary(target_end) { target_end } else { 0 };
        let matches =
            regex.map_or_else(Vec::new, |r| r.find_iter(text).filter(|m| !m.is_empty()).take(MAX_MATCHES).map(|m| m.range()).collect());
        Self { target_end, matches }
    }

    /// Where the target ends and the message begins.
    pub const fn target_end(&self) -> usize {
        self.target_end
    }

    /// The end of the piece that begins at `at`, and whether it is matched.
    fn piece(&self, at: usize, end: usize) -> (usize, bool) {
        let mut stop = end;
        if at < self.target_end {
            stop = stop.min(self.target_end);
        }
        for m in &self.matches {
            if m.contains(&at) {
                return (stop.min(m.end), true);
            }
            if m.start > at {
                stop = stop.min(m.start);
                break;
            }
        }
        (stop, false)
    }
}

/// Draws the bytes `range` of a record's text.
pub fn draw_text(ctx: &Ctx<'_>, e: &LogEntry, looks: &Looks, range: Range<usize>, pen: &mut Pen<'_>) {
    let text = &e.record.text;
    let target = ctx.theme.style(Role::LogMeta);
    let body = ctx.theme.style(match e.record.level {
        Level::Error => Role::Bad,
        Level::Warn => Role::Warn,
        _ if e.record.periodic => Role::Dim,
        other => level_role(other),
    });
    let mut at = range.start;
    while at < range.end && pen.left() > 0 {
        let (end, matched) = looks.piece(at, range.end);
        let base = if at < looks.target_end { target } else { body };
        let style = if matched { base.patch(ctx.theme.style(Role::Match)) } else { base };
        put_lines(ctx, &text[at..end], style, pen);
        at = end;
    }
}

/// Puts text down with marks for its line breaks.
fn put_lines(ctx: &Ctx<'_>, text: &str, style: Style, pen: &mut Pen<'_>) {
    for (i, part) in text.split('\n').enumerate() {
        if i > 0 {
            pen.put(if ctx.symbols.unicode { "↵ " } else { "\\ " }, ctx.theme.style(Role::Faint));
        }
        pen.put(part, style);
    }
}

/// The bytes of `text` from column `across` on.
pub fn skip_columns(text: &str, across: usize) -> usize {
    if across == 0 {
        return 0;
    }
    if text.is_ascii() {
        return across.min(text.len());
    }
    let mut used = 0;
    for (i, g) in text.grapheme_indices(true) {
        if used >= across {
            return i;
        }
        used += usize::from(width(g));
    }
    text.len()
}

/// The lines of `text` when it is wrapped into `room` columns; line breaks in
/// the text end a line. At most `most` of them.
pub fn wrap(text: &str, room: u16, most: usize) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let room = usize::from(room.max(1));
    let mut begin = 0;
    for part in text.split('\n') {
        let (mut from, mut used) = (begin, 0);
        let end = begin + part.len();
        if part.is_ascii() {
            while end - from > room && out.len() < most {
                out.push(from..from + room);
                from += room;
            }
        } else {
            for (i, g) in part.grapheme_indices(true) {
                let w = usize::from(width(g));
                if used + w > room && used > 0 {
                    out.push(from..begin + i);
                    (from, used) = (begin + i, 0);
                    if out.len() >= most {
                        break;
                    }
                }
                used += w;
            }
        }
        if out.len() >= most {
            return out;
        }
        out.push(from..end);
        begin = end + 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_loses_nothing_and_never_overflows() {
        let parts = |t: &str, room, most| wrap(t, room, most).into_iter().map(|r| t[r].to_owned()).collect::<Vec<_>>();
        assert_eq!(parts("abcdefg", 3, 99), ["abc", "def", "g"]);
        assert_eq!(parts("abc\n\nd", 3, 99), ["abc", "", "d"]);
        assert_eq!(parts("日本語x", 3, 99), ["日", "本", "語x"]);
        assert_eq!(parts("日本", 1, 99), ["日", "本"]);
        assert_eq!(parts("e\u{301}e\u{301}e", 2, 99), ["e\u{301}e\u{301}", "e"]);
        assert_eq!(parts("abcdefg", 2, 2), ["ab", "cd"]);
        assert_eq!(parts("", 2, 9), [""]);
        assert_eq!((skip_columns("日本", 1), skip_columns("日本", 2), skip_columns("ab", 5)), (3, 3, 2));
    }
}
