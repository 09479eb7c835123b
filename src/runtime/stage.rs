//! The program on a stage without a terminal: a recording is played to a time,
//! keys are pressed, and the screen is looked at. For the README's pictures and
//! for tests.

use std::path::PathBuf;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::feed::Feed as _;
use super::player::Player;
use super::screen::Screen;
use crate::app::{App, AppOptions, Msg, World};
use crate::base::Timestamp;
use crate::model::Model;
use crate::sources::files::Error;
use crate::ui::{Effect, TimeBase, keymap};

/// A recording with the program before it.
pub struct Stage {
    app: App,
    player: Player,
    model: Model,
    area: Rect,
    /// Shown as if it were live.
    live: bool,
}

impl Stage {
    /// Opens recordings and stands at their beginning.
    pub fn open(paths: &[PathBuf], options: AppOptions, (width, height): (u16, u16), live: bool) -> Result<Self, Error> {
        let player = Player::open(paths, Some(1.0))?;
        let area = Rect::new(0, 0, width, height);
        let mut this = Self { app: App::new(options), player, model: Model::new(), area, live };
        this.tell(Msg::Resize(width, height));
        Ok(this)
    }

    /// The recording's first and last time.
    pub fn span(&mut self) -> (Timestamp, Timestamp) {
        self.settle();
        self.player.time().span().unwrap_or_default()
    }

    fn time(&self) -> TimeBase {
        if self.live { TimeBase::Live } else { self.player.time() }
    }

    fn tell(&mut self, msg: Msg) -> Vec<Effect> {
        let world = World { model: &self.model, time: self.time(), alerts: self.player.alerts(), track: self.player.track(), fleet: &[] };
        self.app.update(msg, &world)
    }

    /// Until all that was asked for is done and the recording has been read: then
    /// the picture does not depend on how fast this machine is.
    fn settle(&mut self) {
        while !self.player.settled() {
            self.player.advance(Duration::ZERO, &mut self.model);
            std::thread::sleep(Duration::from_millis(1));
        }
        self.player.advance(Duration::ZERO, &mut self.model);
    }

    /// Goes to a time and stands still there.
    pub fn go(&mut self, at: Timestamp) -> Result<(), String> {
        self.player.stand();
        self.player.go(at, &mut self.model)?;
        self.settle();
        Ok(())
    }

    /// Presses a key, named as in the keymap; text in quotes is typed.
    pub fn press(&mut self, key: &str) -> Result<(), String> {
        if let Some(text) = key.strip_prefix('"') {
            self.tell(Msg::Paste(text.trim_end_matches('"').to_owned()));
            return Ok(());
        }
        let event = keymap::parse_key(key).ok_or_else(|| format!("'{key}' is no key; see sp1top keys"))?;
        for effect in self.tell(Msg::Key(event)) {
            if let Effect::Playback(p) = effect {
                super::Feed::control(&mut self.player, &p, &mut self.model)?;
                self.settle();
            }
        }
        Ok(())
    }

    /// The screen.
    #[must_use]
    pub fn draw(&self) -> Buffer {
        let mut buf = Buffer::empty(self.area);
        let world = World { model: &self.model, time: self.time(), alerts: self.player.alerts(), track: self.player.track(), fleet: &[] };
        self.app.draw(&world, &mut buf);
        buf
    }

    /// The bytes that bring a terminal from what `screen` showed to this.
    pub fn bytes(&self, screen: &mut Screen) -> Vec<u8> {
        let now = self.draw();
        screen.frame(|b| b.clone_from(&now)).to_vec()
    }

    /// The model behind it.
    #[must_use]
    pub const fn model(&self) -> &Model {
        &self.model
    }
}
