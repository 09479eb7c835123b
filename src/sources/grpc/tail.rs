//! Finding the newest proof requests of an API that lists the oldest first.
//!
//! v2.7.1 and later order by creation; there is no count and no descending
//! order, and rows are never deleted, so the end only moves on. Older servers
//! give no order; there rows come about as they were stored.

use std::future::Future;

/// Rows before the end that are looked at again each time.
pub const NEWEST: u32 = 100;
/// Rows of a page.
pub const PAGE: u32 = 1_000;
/// No API has more rows than this; galloping stops.
const MAX_ROWS: u32 = 1 << 26;

/// The end of the list.
#[derive(Debug, Default)]
pub struct Tail {
    count: Option<u32>,
}

impl Tail {
    /// Where the page of the newest rows begins; finds the end first by asking
    /// `exists(offset)`, whether there is a row at that offset: about two
    /// questions a doubling.
    pub async fn offset<E, F>(&mut self, mut exists: impl FnMut(u32) -> F) -> Result<u32, E>
    where
        F: Future<Output = Result<bool, E>>,
    {
        if let Some(count) = self.count {
            return Ok(count.saturating_sub(NEWEST));
        }
        // There are at least `low` rows and fewer than or exactly `high`.
        let (mut low, mut high) = (0, PAGE);
        while high < MAX_ROWS && exists(high).await? {
            low = high + 1;
            high *= 4;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if exists(middle).await? { low = middle + 1 } else { high = middle }
        }
        self.count = Some(low);
        Ok(low.saturating_sub(NEWEST))
    }

    /// Takes in the page that was read at `offset`. True when another page
    /// follows at once.
    pub fn read(&mut self, offset: u32, rows: usize) -> bool {
        let rows = u32::try_from(rows).unwrap_or(PAGE);
        if rows == 0 && offset > 0 {
            // The rows are gone: the database began anew.
            self.count = None;
            return false;
        }
        let end = offset.saturating_add(rows);
        // Fewer than before: the database began anew, and nearer than the page.
        self.count = Some(end);
        rows >= PAGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(rows: u32) -> (u32, u32) {
        let mut asked = 0;
        let mut tail = Tail::default();
        let mut exists = |offset| {
            asked += 1;
            std::future::ready(Ok::<_, ()>(offset < rows))
        };
        let found = tail.offset(&mut exists);
        let mut found = Box::pin(found);
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        let std::task::Poll::Ready(Ok(offset)) = found.as_mut().poll(&mut context) else { panic!("it waits") };
        drop(found);
        (offset, asked)
    }

    #[test]
    fn the_end_is_found_in_few_questions() {
        for rows in [0, 1, 99, 100, 101, 999, 1_000, 1_001, 1_002, 5_000, 123_456, 3_000_000] {
            let (offset, asked) = find(rows);
            assert_eq!(offset, rows.saturating_sub(NEWEST), "{rows}");
            assert!(asked <= 32, "{asked} for {rows}");
        }
    }

    #[test]
    fn the_end_moves_on_and_begins_anew() {
        let mut tail = Tail { count: Some(500) };
        assert!(!tail.read(400, 103));
        assert_eq!(tail.count, Some(503));
        assert!(tail.read(403, PAGE as usize));
        assert_eq!(tail.count, Some(1_403));
        assert!(!tail.read(1_303, 0));
        assert_eq!(tail.count, None);
    }
}
