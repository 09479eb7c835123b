//! The last log records of all sources, merged by time, bounded by number and
//! by bytes.

use std::collections::VecDeque;

use crate::base::{SourceName, Timestamp};
use crate::event::{Component, Level, LogRecord};

/// A record with where it came from.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// Counts records from 1 in the order in which they came; stable.
    pub number: u64,
    /// Its time.
    pub at: Timestamp,
    /// Its source.
    pub source: SourceName,
    /// Which component wrote it, as far as known.
    pub component: Option<Component>,
    /// The record.
    pub record: LogRecord,
}

const MAX_RECORDS: usize = 20_000;
const MAX_BYTES: usize = 12 << 20;
const MAX_PERIODIC: usize = 3_000;
/// How far back a late record is sorted in.
const SORT_BACK: usize = 2_000;

/// Ordinary records and the lines of the periodic block, which would otherwise
/// push everything else out.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    records: VecDeque<LogEntry>,
    periodic: VecDeque<LogEntry>,
    bytes: usize,
    next: u64,
    /// Records forgotten so far.
    pub forgotten: u64,
    /// WARN records since the beginning.
    pub warnings: u64,
    /// ERROR records since the beginning.
    pub errors: u64,
}

impl Logs {
    /// Adds a record at its place by time.
    pub fn push(&mut self, at: Timestamp, source: &SourceName, component: Option<Component>, record: LogRecord) {
        self.next += 1;
        match record.level {
            Level::Warn => self.warnings += 1,
            Level::Error => self.errors += 1,
            _ => {}
        }
        let periodic = record.periodic;
        let entry = LogEntry { number: self.next, at, source: source.clone(), component, record };
        if periodic {
            insert(&mut self.periodic, entry);
            if self.periodic.len() > MAX_PERIODIC {
                self.periodic.pop_front();
            }
            return;
        }
        self.bytes += entry.record.text.len();
        insert(&mut self.records, entry);
        while self.records.len() > MAX_RECORDS || (self.bytes > MAX_BYTES && self.records.len() > 1) {
            if let Some(old) = self.records.pop_front() {
                self.bytes -= old.record.text.len();
                self.forgotten += 1;
            }
        }
    }

    /// Adds a further line to the last record of `source`, within reason.
    pub fn append(&mut self, source: &SourceName, more: &str) {
        const LONGEST: usize = 16 << 10;
        let Some(e) = self.records.iter_mut().rev().take(64).filter(|e| e.source == *source).max_by_key(|e| e.number) else { return };
        if e.record.text.len() + more.len() > LONGEST {
            return;
        }
        let mut text = String::from(&*e.record.text);
        text.push('\n');
        text.push_str(more);
        e.record.text = text.into();
        self.bytes += more.len() + 1;
    }

    /// Ordinary records, oldest first.
    #[must_use]
    pub const fn records(&self) -> &VecDeque<LogEntry> {
        &self.records
    }

    /// Lines of the periodic block, oldest first.
    #[must_use]
    pub const fn periodic(&self) -> &VecDeque<LogEntry> {
        &self.periodic
    }

    /// Changes with every record.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.next
    }
}

fn insert(list: &mut VecDeque<LogEntry>, entry: LogEntry) {
    let mut i = list.len();
    let stop = i.saturating_sub(SORT_BACK);
    while i > stop && list[i - 1].at > entry.at {
        i -= 1;
    }
    if i == list.len() {
        list.push_back(entry);
    } else {
        list.insert(i, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rec(text: &str) -> LogRecord {
        LogRecord { level: Level::Info, periodic: false, text: text.into(), target_len: 0, origin: None }
    }

    #[test]
    fn merged_by_time_and_bounded() {
        let mut l = Logs::default();
        let s = SourceName::new("a");
        for t in [1, 3, 2] {
            l.push(Timestamp::from_secs(t), &s, None, rec(&t.to_string()));
        }
        assert_eq!(l.records().iter().map(|e| &*e.record.text).collect::<Vec<_>>(), ["1", "2", "3"]);
        for t in 0..30_000 {
            l.push(Timestamp::from_secs(10 + t), &s, None, rec("x"));
        }
        assert_eq!(l.records().len(), MAX_RECORDS);
        l.push(Timestamp::from_secs(99_999), &s, None, rec(&"y".repeat(MAX_BYTES)));
        assert_eq!(l.records().len(), 1);
    }
}
