//! A bounded queue that forgets its oldest entries.

use std::collections::VecDeque;

/// At most `cap` entries, oldest first; pushing into a full ring drops the
/// oldest.
#[derive(Clone, Debug)]
pub struct Ring<T> {
    items: VecDeque<T>,
    cap: usize,
    dropped: u64,
}

impl<T> Ring<T> {
    /// An empty ring for `cap` entries (at least one).
    #[must_use]
    pub fn new(cap: usize) -> Self {
        Self { items: VecDeque::new(), cap: cap.max(1), dropped: 0 }
    }

    /// Adds `item` and returns the entry that had to go, if any.
    pub fn push(&mut self, item: T) -> Option<T> {
        let out = if self.items.len() == self.cap {
            self.dropped += 1;
            self.items.pop_front()
        } else {
            None
        };
        self.items.push_back(item);
        out
    }

    /// Adds `item` as the `i`-th oldest entry; into a full ring, at the expense
    /// of the oldest, which is returned. An item that would itself be the oldest
    /// of a full ring comes back.
    pub fn insert(&mut self, i: usize, item: T) -> Option<T> {
        if self.items.len() < self.cap {
            self.items.insert(i.min(self.items.len()), item);
            return None;
        }
        let Some(i) = i.checked_sub(1) else { return Some(item) };
        self.dropped += 1;
        let out = self.items.pop_front();
        self.items.insert(i.min(self.items.len()), item);
        out
    }

    /// The `i`-th oldest entry, to change.
    pub fn get_mut(&mut self, i: usize) -> Option<&mut T> {
        self.items.get_mut(i)
    }

    /// Removes the oldest entry.
    pub fn pop_front(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many entries were dropped by pushes since the beginning. Entry `i`
    /// has the stable number `dropped() + i`.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Oldest to newest, to change.
    pub fn iter_mut(&mut self) -> std::collections::vec_deque::IterMut<'_, T> {
        self.items.iter_mut()
    }

    /// Oldest to newest.
    pub fn iter(&self) -> std::collections::vec_deque::Iter<'_, T> {
        self.items.iter()
    }

    /// The `i`-th oldest entry.
    #[must_use]
    pub fn get(&self, i: usize) -> Option<&T> {
        self.items.get(i)
    }

    /// The newest entry.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.items.back()
    }

    /// The newest entry, to change.
    pub fn last_mut(&mut self) -> Option<&mut T> {
        self.items.back_mut()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.items.clear();
    }

    /// The first index whose entry is not before, by a predicate that is true
    /// for a prefix of the entries.
    pub fn partition_point(&self, before: impl FnMut(&T) -> bool) -> usize {
        self.items.partition_point(before)
    }
}

impl<'a, T> IntoIterator for &'a Ring<T> {
    type Item = &'a T;
    type IntoIter = std::collections::vec_deque::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Ring<T> {
    type Item = &'a mut T;
    type IntoIter = std::collections::vec_deque::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_newest() {
        let mut r = Ring::new(3);
        for i in 0..5 {
            r.push(i);
        }
        assert_eq!(r.iter().copied().collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!((r.dropped(), r.len(), r.last()), (2, 3, Some(&4)));
    }
}
