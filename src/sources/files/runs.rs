//! Logs that were put one after the other into one file, the later one first.
//!
//! A recording goes forward in time, so each is read as a part of its own. To
//! know that there are several, the times in the file are sampled.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::lines::line_time;
use super::open;
use crate::base::Timestamp;

/// From sample to sample.
const STRIDE: u64 = 64 << 10;
/// Read of each stride in a file that is not small.
const WINDOW: usize = 8 << 10;
/// Files up to this size, and the end of all others, are looked at whole.
const SMALL: u64 = 1 << 20;
/// Lines of one log are out of order by less than this.
const BACK_SECS: i64 = 60;

/// A stretch of a file in which time goes forward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Its first byte.
    pub start: u64,
    /// How many; the last one goes to the file's end, however long that is.
    pub len: u64,
    /// The first time in it.
    pub first: Timestamp,
    /// About the last one.
    last: Timestamp,
}

/// The runs of a file of lines in their own order, if there is more than one and
/// they do not overlap: two logs of the same time stay as they are.
pub(super) fn of(path: &Path) -> io::Result<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    let mut before = 0;
    let mut samples = Samples::new(path)?;
    while let Some((offset, block)) = samples.next()? {
        for (at, t) in times(offset, &block, samples.whole) {
            match runs.last_mut() {
                None => runs.push(Run { start: 0, len: u64::MAX, first: t, last: t }),
                Some(r) if r.last.secs() - t.secs() <= BACK_SECS => r.last = r.last.max(t),
                Some(r) => {
                    let last = r.last;
                    let start = boundary(path, before, at, last)?;
                    r.len = start - r.start;
                    runs.push(Run { start, len: u64::MAX, first: t, last: t });
                }
            }
            before = at;
        }
    }
    let mut in_time: Vec<&Run> = runs.iter().collect();
    in_time.sort_by_key(|r| r.first);
    let apart = in_time.windows(2).all(|w| w[0].last <= w[1].first);
    Ok(if apart && runs.len() > 1 { runs } else { Vec::new() })
}

/// Reads one run.
pub(super) fn read(path: &Path, run: &Run) -> io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(from(path, run.start)?.take(run.len)))
}

/// The file's text from an offset on.
fn from(path: &Path, offset: u64) -> io::Result<Box<dyn Read + Send>> {
    if open::compressed(path)? {
        let mut stream = open::plain(path).map_err(super::Error::into_io)?;
        io::copy(&mut stream.by_ref().take(offset), &mut io::sink())?;
        return Ok(stream);
    }
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(Box::new(file))
}

/// The line between two samples with which time goes back.
fn boundary(path: &Path, after: u64, until: u64, last: Timestamp) -> io::Result<u64> {
    let mut text = Vec::new();
    from(path, after)?.take(until - after).read_to_end(&mut text)?;
    let back = times(after, &text, true).find(|(_, t)| last.secs() - t.secs() > BACK_SECS);
    Ok(back.map_or(until, |(at, _)| at))
}

/// The lines with a time in a block, each with its offset: all, or the first.
fn times(offset: u64, block: &[u8], all: bool) -> impl Iterator<Item = (u64, Timestamp)> + '_ {
    // A block begins within a line, except for the first one.
    let begin = if offset == 0 { 0 } else { memchr::memchr(b'\n', block).map_or(block.len(), |n| n + 1) };
    let mut pos = begin;
    let lines = std::iter::from_fn(move || {
        let rest = block.get(pos..).filter(|r| !r.is_empty())?;
        let n = memchr::memchr(b'\n', rest).map_or(rest.len(), |n| n + 1);
        let at = pos;
        pos += n;
        Some((at, &rest[..n]))
    });
    let timed = lines.filter_map(move |(at, line)| Some((offset + at as u64, line_time(line)?.0)));
    timed.take(if all { usize::MAX } else { 1 })
}

/// Pieces of a file's text, far apart where it is large.
struct Samples {
    from: Box<dyn Read + Send>,
    /// Of a file that is large and can be skipped in.
    file: Option<(File, u64)>,
    offset: u64,
    /// All lines of a piece count.
    whole: bool,
}

impl Samples {
    fn new(path: &Path) -> io::Result<Self> {
        let size = std::fs::metadata(path)?.len();
        let skip = size > SMALL && !open::compressed(path)?;
        let file = if skip { Some((File::open(path)?, size)) } else { None };
        Ok(Self { from: from(path, 0)?, file, offset: 0, whole: size <= SMALL })
    }

    fn next(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        let offset = self.offset;
        let mut block = Vec::new();
        if let Some((file, size)) = &mut self.file {
            file.seek(SeekFrom::Start(offset))?;
            self.whole = offset + STRIDE >= *size;
            let most = if self.whole { STRIDE } else { WINDOW as u64 };
            file.take(most).read_to_end(&mut block)?;
        } else {
            self.from.by_ref().take(STRIDE).read_to_end(&mut block)?;
        }
        self.offset += STRIDE;
        Ok((!block.is_empty()).then_some((offset, block)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(hour: u32, lines: u32) -> String {
        let line = |n: u32| format!("2026-11-24T{hour:02}:{:02}:{:02}.000000Z  INFO a: line {n}\n  more\n", n / 60 % 60, n % 60);
        (0..lines).map(line).collect()
    }

    fn runs(text: &[u8], name: &str) -> Vec<(u64, u64)> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let runs = of(&path).unwrap();
        for r in &runs {
            let mut got = Vec::new();
            read(&path, r).unwrap().read_to_end(&mut got).unwrap();
            assert!(got.starts_with(b"2026-11-24T"));
        }
        runs.into_iter().map(|r| (r.start, r.len)).collect()
    }

    #[test]
    fn the_later_log_first() {
        let (late, early) = (log(9, 500), log(3, 400));
        let both = format!("{late}{early}");
        let want = [(0, late.len() as u64), (late.len() as u64, u64::MAX)];
        assert_eq!(runs(both.as_bytes(), "x.log"), want);
        assert_eq!(runs(&zstd::encode_all(both.as_bytes(), 0).unwrap(), "x.log.zst"), want);
        // In order, at the same time, or a line out of order: one log.
        assert!(runs(format!("{early}{late}").as_bytes(), "x.log").is_empty());
        assert!(runs(format!("{late}{late}").as_bytes(), "x.log").is_empty());
        assert!(runs(format!("{late}{}{}", log(3, 1), log(10, 3)).as_bytes(), "x.log").is_empty());
    }

    #[test]
    fn large_files_are_sampled_and_told_apart_at_the_line() {
        let late: String = log(9, 3600);
        let filler = format!("{}\n", "x".repeat(900)).repeat(1500);
        let (late, early) = (format!("{late}{filler}{}", log(10, 3600)), format!("{}{filler}{}", log(3, 3600), log(4, 100)));
        assert!(late.len() > 1 << 20);
        assert_eq!(runs(format!("{late}{early}").as_bytes(), "x.log"), [(0, late.len() as u64), (late.len() as u64, u64::MAX)]);
    }
}
