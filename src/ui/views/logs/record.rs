//! One record in full: its message, then a line a field.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use super::line::{level_role, source_name, wrap};
use crate::model::LogEntry;
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::pen::Pen;
use crate::ui::{Ctx, Role};

/// A record's message and its fields.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts<'t> {
    /// The text before the fields.
    pub message: &'t str,
    /// Names and values.
    pub fields: Vec<(&'t str, &'t str)>,
}

/// No more fields than this are told apart.
const MAX_FIELDS: usize = 128;

/// Takes a text apart: the fields of a debug-printed struct (`Name { a: 1 }`)
/// or those that `tracing` appends (`message a=1 b="x y"`).
pub fn parts(text: &str) -> Parts<'_> {
    if let Some(open) = text.find(" { ")
        && let Some(inner) = text[open + 3..].trim_end().strip_suffix('}')
    {
        let fields = struct_fields(inner.trim_end());
        if !fields.is_empty() {
            return Parts { message: &text[..open], fields };
        }
    }
    let starts = field_starts(text);
    let Some(first) = starts.first() else { return Parts { message: text, fields: Vec::new() } };
    let message = text[..first.start].trim_end();
    let ends = starts.iter().skip(1).map(|r| r.start).chain([text.len()]);
    let fields = starts.iter().zip(ends).map(|(name, end)| (&text[name.clone()], text[name.end + 1..end].trim())).collect();
    Parts { message, fields }
}

/// `a: 1, b: Some(2, 3)` at its outermost commas.
fn struct_fields(inner: &str) -> Vec<(&str, &str)> {
    let (mut depth, mut quoted, mut from, mut before) = (0i32, false, 0, ' ');
    let mut cuts = Vec::new();
    for (i, c) in inner.char_indices() {
        match c {
            '"' if before != '\\' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                cuts.push((from, i));
                from = i + 1;
            }
            _ => {}
        }
        before = c;
    }
    cuts.push((from, inner.len()));
    let mut out = Vec::new();
    for (a, b) in cuts.into_iter().filter(|(a, b)| !inner[*a..*b].trim().is_empty()).take(MAX_FIELDS) {
        let Some((name, value)) = inner[a..b].split_once(": ") else { return Vec::new() };
        let name = name.trim();
        if !is_name(name) {
            return Vec::new();
        }
        out.push((name, value.trim()));
    }
    out
}

fn is_name(s: &str) -> bool {
    !s.is_empty() && s.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.')) && !s.as_bytes()[0].is_ascii_digit()
}

/// Where names of ` name=` begin and end, outside of quotes and brackets.
fn field_starts(text: &str) -> Vec<Range<usize>> {
    let (mut depth, mut quoted) = (0i32, false);
    let mut word = 0;
    let mut out = Vec::new();
    let mut before = ' ';
    for (i, c) in text.char_indices() {
        match c {
            '"' if before != '\\' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = (depth - 1).max(0),
            ' ' | '\n' => word = i + 1,
            '=' if depth == 0 && out.len() < MAX_FIELDS && is_name(&text[word..i]) => out.push(word..i),
            _ => {}
        }
        before = c;
    }
    out
}

/// Draws a record from its line `skip` on.
pub fn draw(ctx: &Ctx<'_>, area: Rect, e: &LogEntry, skip: u16, buf: &mut Buffer) {
    let style = |r| ctx.theme.style(r);
    let level = e.record.level;
    Panel::new(format!("record {}", e.number)).draw(area, ctx, buf);
    let area = Panel::list(area);
    let mut lines = Lines { area, skip, next: 0, buf };
    let fact = |name: &str, value: &str, role: Role, lines: &mut Lines<'_>, name_width: u16| {
        let room = area.width.saturating_sub(name_width + 4);
        for (i, r) in wrap(value, room, 256).into_iter().enumerate() {
            if let Some(mut pen) = lines.next() {
                pen.gap(2);
                pen.part(name_width).put(if i == 0 { name } else { "" }, style(Role::Dim));
                pen.gap(1).put(&value[r], style(role));
            }
        }
    };
    let target = usize::from(e.record.target_len);
    let (target, text) = if e.record.text.is_char_boundary(target) { e.record.text.split_at(target) } else { ("", &*e.record.text) };
    let mut from = source_name(ctx.model, e).to_owned();
    if from != e.source.as_str() {
        from = format!("{from}  ({})", e.source);
    }
    fact("time", &e.at.to_string(), Role::Text, &mut lines, 7);
    fact("level", level.padded().trim_start(), level_role(level), &mut lines, 7);
    fact("source", &from, Role::Text, &mut lines, 7);
    if !target.is_empty() {
        fact("target", target.trim_end().trim_end_matches(':'), Role::Text, &mut lines, 7);
    }
    let parts = parts(text);
    lines.next();
    for l in crate::ui::draw::wrap(parts.message, area.width.saturating_sub(3)).iter().take(256) {
        if let Some(mut pen) = lines.next() {
            pen.gap(2).put(l, style(level_role(level)));
        }
    }
    let widest = parts.fields.iter().map(|f| f.0.width()).max().unwrap_or(0).min(28);
    for (name, value) in parts.fields {
        fact(name, value, Role::Text, &mut lines, u16::try_from(widest).unwrap_or(28));
    }
}

/// Lines of an area, the first ones skipped.
struct Lines<'b> {
    area: Rect,
    skip: u16,
    next: u16,
    buf: &'b mut Buffer,
}

impl Lines<'_> {
    /// A pen for the next line; `None` for one out of view.
    fn next(&mut self) -> Option<Pen<'_>> {
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        let row = self.next;
        self.next = self.next.saturating_add(1);
        (row < self.area.height).then(|| Pen::new(self.buf, self.area, row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_both_shapes() {
        let p = parts(r#"[coordinator] GetStatsResponse { version: "a, b: {", cpu_workers: 1, x: Some([1, 2]) }"#);
        assert_eq!(p.message, "[coordinator] GetStatsResponse");
        assert_eq!(p.fields, [("version", r#""a, b: {""#), ("cpu_workers", "1"), ("x", "Some([1, 2])")]);
        let p = parts(r#"close time.busy=21.3µs time.idle=8ms proof_id="cli 1" e=Err(a=1 b=2)"#);
        assert_eq!(p.message, "close");
        assert_eq!(p.fields, [("time.busy", "21.3µs"), ("time.idle", "8ms"), ("proof_id", r#""cli 1""#), ("e", "Err(a=1 b=2)")]);
        for plain in ["", "hello", "a == b", "worker X { broken", "x { y }", "(a=1)", "1=2"] {
            assert_eq!(parts(plain), Parts { message: plain, fields: vec![] }, "{plain}");
        }
    }
}
