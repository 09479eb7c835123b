//! Log lines as bytes, in the shapes of the real programs (reference 2.1).

use std::fmt::{Arguments, Write as _};
use std::io::Write as _;

use super::{Output, StreamId};
use crate::base::Timestamp;

/// The shape of log lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// `file:line:` before the message: every release up to v2.7.2.
    FileLine,
    /// The target (module path) before the message: newer than v2.7.2.
    Target,
    /// `LOG_FORMAT=json`, v2.4.0 and later.
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Info,
    Warn,
    Error,
}

/// Where in the real sources a line is made.
#[derive(Clone, Copy)]
pub(super) struct Site {
    pub target: &'static str,
    pub file: &'static str,
    pub line: u32,
}

/// A field's value.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    /// Debug of a string: quoted in text.
    Text(&'a str),
    /// Printed as it is in text, a string in JSON.
    Raw(&'a str),
    /// A number.
    Int(u64),
}

pub(super) type Fields<'a> = &'a [(&'a str, Value<'a>)];

/// A tracing span: its name and its fields.
#[derive(Clone, Copy)]
pub(super) struct Span<'a> {
    pub name: &'a str,
    pub fields: Fields<'a>,
}

/// One record.
pub(super) struct Record<'a> {
    pub level: Level,
    pub site: Site,
    /// Outermost first.
    pub spans: &'a [Span<'a>],
    pub message: Arguments<'a>,
    pub fields: Fields<'a>,
    /// The record is the end of its innermost span (JSON leaves that one out
    /// of `spans`).
    pub close: bool,
}

impl<'a> Record<'a> {
    pub fn new(level: Level, site: Site, message: Arguments<'a>) -> Self {
        Self { level, site, spans: &[], message, fields: &[], close: false }
    }
}

/// Everything that has been logged and not yet handed out.
pub(super) struct Log {
    pub format: LogFormat,
    pub colour: bool,
    out: Vec<Output>,
    /// The time of the last line by pod: lines of one stream keep their order.
    last: Vec<Timestamp>,
    second: (i64, String),
    scratch: String,
}

impl Log {
    pub fn new(format: LogFormat, colour: bool) -> Self {
        Self { format, colour, out: Vec::new(), last: Vec::new(), second: (i64::MIN, String::new()), scratch: String::new() }
    }

    /// A time for the next line of `stream`: `want`, or just after its last.
    pub fn time(&mut self, stream: StreamId, want: Timestamp) -> Timestamp {
        if self.last.len() <= stream.pod {
            self.last.resize(stream.pod + 1, Timestamp::ZERO);
        }
        let last = &mut self.last[stream.pod];
        *last = Timestamp(want.0.max(last.0 + 3 + want.0 % 9));
        *last
    }

    /// Hands over a piece of finished bytes.
    pub fn push(&mut self, at: Timestamp, source: StreamId, bytes: Vec<u8>) {
        self.out.push(Output { at, source, bytes });
    }

    /// Logs one record at or just after `want`.
    pub fn put(&mut self, source: StreamId, want: Timestamp, record: &Record<'_>) {
        let at = self.time(source, want);
        let mut bytes = Vec::with_capacity(224);
        self.render(&mut bytes, at, record);
        self.push(at, source, bytes);
    }

    /// Writes text that is no record (`println!`), with its line ends.
    pub fn raw(&mut self, source: StreamId, want: Timestamp, text: &str) {
        let at = self.time(source, want);
        self.push(at, source, text.as_bytes().to_vec());
    }

    /// The time of the earliest piece that waits.
    pub fn next_time(&self) -> Option<Timestamp> {
        self.out.iter().map(|o| o.at).min()
    }

    /// Moves everything up to `limit` to `to`, in order of time.
    pub fn drain_until(&mut self, limit: Timestamp, to: &mut Vec<Output>) {
        self.out.sort_by_key(|o| o.at);
        let n = self.out.partition_point(|o| o.at <= limit);
        to.extend(self.out.drain(..n));
    }

    /// Writes a record with its line end.
    pub fn render(&mut self, to: &mut Vec<u8>, at: Timestamp, r: &Record<'_>) {
        if self.format == LogFormat::Json { self.render_json(to, at, r) } else { self.render_text(to, at, r) }
    }

    fn stamp(&mut self, to: &mut Vec<u8>, at: Timestamp) {
        let s = at.secs();
        if self.second.0 != s {
            self.second.0 = s;
            self.second.1 = at.to_chrono().map_or_else(String::new, |t| t.format("%Y-%m-%dT%H:%M:%S").to_string());
        }
        to.extend_from_slice(self.second.1.as_bytes());
        _ = write!(to, ".{:06}Z", at.0.rem_euclid(1_000_000));
    }

    fn render_text(&mut self, to: &mut Vec<u8>, at: Timestamp, r: &Record<'_>) {
        let colour = |code: &'static str| if self.colour { code } else { "" };
        let (dim, bold, italic, reset) = (colour("\x1b[2m"), colour("\x1b[1m"), colour("\x1b[3m"), colour("\x1b[0m"));
        let level = match r.level {
            Level::Info => [colour("\x1b[32m"), " INFO"],
            Level::Warn => [colour("\x1b[33m"), " WARN"],
            Level::Error => [colour("\x1b[31m"), "ERROR"],
        };
        let file_line = self.format == LogFormat::FileLine;
        to.extend_from_slice(dim.as_bytes());
        self.stamp(to, at);
        _ = write!(to, "{reset} {}{}{reset} ", level[0], level[1]);
        for span in r.spans {
            _ = write!(to, "{bold}{}{reset}:", span.name);
        }
        if !r.spans.is_empty() {
            to.push(b' ');
        }
        if file_line {
            _ = write!(to, "{dim}{}{reset}{dim}:{reset}{dim}{}{reset}{dim}:{reset} ", r.site.file, r.site.line);
        } else {
            _ = write!(to, "{dim}{}{reset}{dim}:{reset} ", r.site.target);
        }
        _ = to.write_fmt(r.message);
        for (name, value) in r.fields {
            _ = write!(to, " {italic}{name}{reset}{dim}={reset}");
            write_text(to, *value);
        }
        for span in r.spans.iter().filter(|s| !s.fields.is_empty()) {
            for (i, (name, value)) in span.fields.iter().enumerate() {
                _ = write!(to, " {}{italic}{name}{reset}{dim}={reset}", if i == 0 { dim } else { "" });
                write_text(to, *value);
            }
            to.extend_from_slice(reset.as_bytes());
        }
        to.push(b'\n');
    }

    fn render_json(&mut self, to: &mut Vec<u8>, at: Timestamp, r: &Record<'_>) {
        let level = match r.level {
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
        };
        to.extend_from_slice(b"{\"timestamp\":\"");
        self.stamp(to, at);
        _ = write!(to, "\",\"level\":\"{level}\",\"fields\":{{\"message\":");
        self.scratch.clear();
        _ = self.scratch.write_fmt(r.message);
        write_json(to, &self.scratch);
        for (name, value) in r.fields {
            _ = write!(to, ",\"{name}\":");
            write_json_value(to, *value);
        }
        _ = write!(to, "}},\"filename\":\"{}\",\"line_number\":{}", r.site.file, r.site.line);
        if let Some((last, above)) = r.spans.split_last() {
            to.extend_from_slice(b",\"span\":");
            write_json_span(to, last);
            to.extend_from_slice(b",\"spans\":[");
            for (i, span) in if r.close { above } else { r.spans }.iter().enumerate() {
                if i > 0 {
                    to.push(b',');
                }
                write_json_span(to, span);
            }
            to.push(b']');
        }
        to.extend_from_slice(b"}\n");
    }
}

fn write_text(to: &mut Vec<u8>, value: Value<'_>) {
    _ = match value {
        Value::Text(s) => write!(to, "{s:?}"),
        Value::Raw(s) => to.write_all(s.as_bytes()),
        Value::Int(n) => write!(to, "{n}"),
    };
}

fn write_json_value(to: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Text(s) | Value::Raw(s) => write_json(to, s),
        Value::Int(n) => _ = write!(to, "{n}"),
    }
}

/// Fields in alphabetical order, then the name, as the real formatter does.
fn write_json_span(to: &mut Vec<u8>, span: &Span<'_>) {
    let mut fields = span.fields.to_vec();
    fields.sort_by_key(|f| f.0);
    to.push(b'{');
    for (name, value) in fields {
        _ = write!(to, "\"{name}\":");
        write_json_value(to, value);
        to.push(b',');
    }
    _ = write!(to, "\"name\":\"{}\"}}", span.name);
}

fn write_json(to: &mut Vec<u8>, s: &str) {
    _ = serde_json::to_writer(to, s);
}

/// A span's time as tracing prints it: three significant digits.
pub(super) fn span_time(d: std::time::Duration) -> String {
    let ns = d.as_nanos() as f64;
    let (value, unit) = match ns {
        n if n < 1e3 => return format!("{n}ns"),
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    match value {
        v if v < 9.995 => format!("{v:.2}{unit}"),
        v if v < 99.95 => format!("{v:.1}{unit}"),
        v => format!("{v:.0}{unit}"),
    }
}
