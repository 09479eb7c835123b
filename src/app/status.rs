//! The short line at the bottom, which goes away by itself.

use std::time::Duration;

use super::App;

/// A short line at the bottom.
#[derive(Clone, Debug)]
pub(super) struct Status {
    pub(super) text: String,
    pub(super) bad: bool,
    /// On the app's clock.
    pub(super) until: Duration,
    /// It is the word to a newcomer.
    greets: bool,
}

/// How long it stands.
const TIME: Duration = Duration::from_secs(4);

impl App {
    fn status_for(&mut self, text: String, bad: bool, times: u32) {
        self.status = Some(Status { text, bad, until: self.clock + TIME * times, greets: false });
    }

    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.status_for(text.into(), false, 1);
    }

    /// Says something that takes longer to read, or to act upon.
    pub(super) fn say_long(&mut self, text: String) {
        self.status_for(text, false, 4);
    }

    pub(super) fn complain(&mut self, text: String) {
        self.status_for(text, true, 2);
    }

    /// A word to a newcomer: where something else is said, it comes after it.
    pub(super) fn hint(&mut self, text: String) {
        self.hint = Some(text);
        self.greet();
    }

    fn greet(&mut self) {
        if self.status.is_none()
            && let Some(text) = self.hint.clone()
        {
            self.status_for(text, false, 4);
            self.status.iter_mut().for_each(|s| s.greets = true);
        }
    }

    /// A key was pressed: what was said is read.
    pub(super) fn drop_status(&mut self) {
        if self.status.take().is_some_and(|s| s.greets) {
            self.hint = None;
        }
    }

    /// The clock went on.
    pub(super) fn status_time(&mut self) {
        if self.status.as_ref().is_some_and(|s| s.until <= self.clock) {
            self.drop_status();
        }
        self.greet();
    }
}
