//! What wakes the loop: keys, signals, and threads that have something for it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crossterm::event::Event;

/// Messages that are taken in before a frame is drawn.
const AT_ONCE: usize = 512;

/// What wakes the loop.
pub(super) enum Wake {
    Data,
    Input(Event),
    InputEnded(io::Error),
    Signal(i32),
}

/// Wakes the loop from any thread: there is something for `advance`.
#[derive(Clone)]
pub struct Waker {
    tx: SyncSender<Wake>,
    pending: Arc<AtomicBool>,
}

impl Waker {
    /// Wakes the loop, once however often it is called meanwhile. Never blocks.
    pub fn wake(&self) {
        if !self.pending.swap(true, Ordering::AcqRel) {
            // A full channel means that the loop is about to run anyhow.
            let _ = self.tx.try_send(Wake::Data);
        }
    }
}

/// The loop's end of the channel.
pub struct Inbox {
    pub(super) tx: SyncSender<Wake>,
    pub(super) wakes: Wakes,
}

/// What woke the loop.
pub(super) struct Wakes {
    pub rx: Receiver<Wake>,
    pending: Arc<AtomicBool>,
}

impl Wakes {
    /// `first` and what has come beside it, as far as one turn takes it. At its end
    /// whoever wakes is heard anew, and not before: a wake that came meanwhile would
    /// be taken here with its mark left, and nobody could wake us again. What its
    /// sender sent is seen by who looks after the end.
    pub fn taken(&self, first: Option<Wake>) -> impl Iterator<Item = Wake> {
        let (mut first, mut left) = (first, AT_ONCE);
        std::iter::from_fn(move || {
            left = left.saturating_sub(1);
            let next = first.take().or_else(|| if left > 0 { self.rx.try_recv().ok() } else { None });
            if next.is_none() {
                self.pending.swap(false, Ordering::AcqRel);
            }
            next
        })
        .fuse()
    }
}

impl Inbox {
    pub(super) fn waker(&self) -> Waker {
        Waker { tx: self.tx.clone(), pending: Arc::clone(&self.wakes.pending) }
    }
}

/// The channel between a feed's threads and the loop.
#[must_use]
pub fn channel() -> (Waker, Inbox) {
    let (tx, rx) = sync_channel(256);
    let pending = Arc::new(AtomicBool::new(false));
    (Waker { tx: tx.clone(), pending: pending.clone() }, Inbox { tx, wakes: Wakes { rx, pending } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wake_is_lost_that_comes_while_others_are_taken() {
        let (waker, Inbox { tx, wakes }) = channel();
        let key = || tx.send(Wake::Input(Event::FocusGained)).unwrap();
        key();
        let first = wakes.rx.recv().ok();
        let mut taken = wakes.taken(first);
        assert!(matches!(taken.next(), Some(Wake::Input(_))));
        // While the key is dealt with.
        waker.wake();
        assert!(matches!(taken.next(), Some(Wake::Data)));
        assert!(taken.next().is_none());
        waker.wake();
        assert!(matches!(wakes.rx.try_recv(), Ok(Wake::Data)), "nobody wakes the loop any more");
        // Once, however often.
        waker.wake();
        assert!(wakes.rx.try_recv().is_err());
    }

    #[test]
    fn a_flood_is_taken_in_parts() {
        let (waker, Inbox { tx, wakes }) = channel();
        // The channel ends with its last sender.
        drop(waker);
        let sender = std::thread::spawn(move || (0..=AT_ONCE).for_each(|_| tx.send(Wake::Data).unwrap()));
        let first = wakes.rx.recv().ok();
        assert!(wakes.taken(first).count() <= AT_ONCE);
        while wakes.rx.recv().is_ok() {}
        sender.join().unwrap();
    }
}
