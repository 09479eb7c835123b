//! From when to when a recording goes, without reading all of it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::lines::line_time;
use super::{open, runs};
use crate::base::Timestamp;
use crate::tape;

/// How much of a file's end is searched for its last time.
const TAIL: u64 = 1 << 20;

/// The first and the last time in a file of lines; `None` for standard input and
/// for files without times. Compressed files are read to their end.
#[must_use]
pub fn span(path: &Path) -> Option<(Timestamp, Timestamp)> {
    if path.as_os_str() == "-" {
        return None;
    }
    let mut from = open::plain(path).ok()?;
    let mut file = File::open(path).ok()?;
    let mut head = vec![0; 1 << 16];
    let n = read_full(&mut from, &mut head);
    if head[..n].starts_with(tape::MAGIC) {
        let index = tape::Index::of(&mut file).ok()?;
        return Some((index.frames.first()?.at, index.last_at));
    }
    let mut first = times(&head[..n]).next()?;
    // The later of two logs may stand before the earlier one.
    first = runs::of(path).ok()?.iter().map(|r| r.first).fold(first, Timestamp::min);
    let mut last = times(&head[..n]).max();
    if open::compressed(path).ok()? {
        let mut block = vec![0; 1 << 20];
        loop {
            let n = read_full(&mut from, &mut block);
            if n == 0 {
                break;
            }
            last = last.max(times(&block[..n]).last());
        }
    } else {
        let len = file.seek(SeekFrom::End(0)).ok()?;
        file.seek(SeekFrom::Start(len.saturating_sub(TAIL))).ok()?;
        let mut tail = Vec::new();
        file.take(TAIL).read_to_end(&mut tail).ok()?;
        last = last.max(times(&tail).max());
    }
    Some((first, last?))
}

fn read_full(from: &mut dyn Read, buf: &mut [u8]) -> usize {
    let mut n = 0;
    while n < buf.len() {
        match from.read(&mut buf[n..]) {
            Ok(0) | Err(_) => break,
            Ok(got) => n += got,
        }
    }
    n
}

fn times(text: &[u8]) -> impl Iterator<Item = Timestamp> + '_ {
    text.split(|c| *c == b'\n').filter_map(|l| line_time(l).map(|t| t.0))
}
