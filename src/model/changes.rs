//! Changes that were asked for from the screen, and how far they have come.

use crate::base::Ring;
use crate::base::change::ChangeNews;

/// The last changes.
#[derive(Clone, Debug)]
pub struct Changes {
    news: Ring<ChangeNews>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { news: Ring::new(32) }
    }
}

impl Changes {
    /// Takes in news.
    pub fn apply(&mut self, news: ChangeNews) {
        self.news.push(news);
    }

    /// The newest of the change with that number.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&ChangeNews> {
        self.news.iter().rev().find(|n| n.id == id)
    }
}
