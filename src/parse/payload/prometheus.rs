//! The Prometheus text format, as the nodes' exporter writes it (reference 6.1).

use super::Out;
use crate::event::{Metric, UnreadReason, What};

/// At most this many series of one answer are read; a node has about a hundred.
const MAX_SERIES: usize = 10_000;

/// Reads a whole answer into one event; comments are skipped.
pub(super) fn text(raw: &[u8], out: &mut Out<'_>) {
    let mut metrics = Vec::new();
    for line in raw.split(|c| *c == b'\n') {
        let line = line.trim_ascii();
        if line.is_empty() || line[0] == b'#' {
            continue;
        }
        if metrics.len() == MAX_SERIES {
            out.unread(UnreadReason::TooLong, line);
            break;
        }
        match std::str::from_utf8(line).ok().and_then(series) {
            Some(m) => metrics.push(m),
            None => out.unread(UnreadReason::Malformed, line),
        }
    }
    if !metrics.is_empty() {
        out.push(What::Metrics(metrics));
    }
}

/// `name{label="value",…} number [milliseconds]`
fn series(line: &str) -> Option<Metric> {
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))).unwrap_or(line.len());
    let (name, mut rest) = line.split_at(end);
    if name.is_empty() || name.as_bytes()[0].is_ascii_digit() {
        return None;
    }
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = read_labels(inside, &mut labels)?;
    }
    let mut words = rest.split_ascii_whitespace();
    let value: f64 = match words.next()? {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        // Rust reads more words as numbers than the format has.
        n if n.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'+' | b'-' | b'.' | b'e' | b'E')) => n.parse().ok()?,
        _ => return None,
    };
    let stamped = words.next().is_none_or(|t| t.parse::<i64>().is_ok());
    (stamped && words.next().is_none()).then(|| Metric { name: name.to_owned(), labels, value })
}

/// Reads labels up to and with the closing brace; returns what follows.
fn read_labels<'a>(mut s: &'a str, labels: &mut Vec<(String, String)>) -> Option<&'a str> {
    loop {
        s = s.trim_start_matches([' ', ',']);
        if let Some(rest) = s.strip_prefix('}') {
            return Some(rest);
        }
        let (name, rest) = s.split_once('=')?;
        let name = name.trim();
        if name.is_empty() || labels.len() == 64 || !name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_') {
            return None;
        }
        let rest = rest.trim_start().strip_prefix('"')?;
        let mut value = String::new();
        let mut chars = rest.char_indices();
        let end = loop {
            match chars.next()? {
                (i, '"') => break i + 1,
                (_, '\\') => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    c @ ('"' | '\\') => value.push(c),
                    c => value.extend(['\\', c]),
                },
                (_, c) => value.push(c),
            }
        };
        labels.push((name.to_owned(), super::safe(&value, 256)));
        s = &rest[end..];
    }
}
