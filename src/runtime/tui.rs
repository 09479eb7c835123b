//! The loop: keys, signals and wake-ups in, frames out.

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use crossterm::event::{self, Event};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};

use super::clipboard::Clipboard;
use super::feed::Feed;
use super::opening::Opener;
use super::screen::Screen;
use super::sites::Sites;
use super::tell::TellOptions;
use super::terminal::{self, Guard};
use super::wake::{Inbox, Wake, Waker};
use crate::app::{AppOptions, Msg, ProverSetup};
use crate::model::Model;
use crate::ui::fleet::Spot;
use crate::ui::keymap::{self, Keymap};
use crate::ui::{Effect, Symbols, Theme, ViewId};

/// Between two frames: about thirty a second.
const FRAME: Duration = Duration::from_millis(33);
/// Between two frames of new data where motion is reduced.
const CALM: Duration = Duration::from_secs(1);
/// Before a webhook is tried for the second time.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How the dashboard is to look and begin.
#[derive(Clone, Debug)]
pub struct TuiOptions {
    /// The theme, already reduced to what the terminal can show.
    pub theme: Theme,
    /// All themes that `t` goes through, reduced too.
    pub themes: Vec<Theme>,
    /// No Unicode lines and marks.
    pub ascii: bool,
    /// Shown in the top bar instead of context and namespace: a file's name.
    pub title: Option<String>,
    /// The view to begin with.
    pub view: ViewId,
    /// Whether to take the mouse.
    pub mouse: bool,
    /// Where copied text goes.
    pub clipboard: Clipboard,
    /// What sending proofs needs.
    pub prover: ProverSetup,
    /// A word to somebody who is here for the first time.
    pub hint: Option<String>,
    /// New data is drawn once a second.
    pub reduced_motion: bool,
    /// The keys as the user has them.
    pub keys: &'static Keymap,
    /// The cluster is never changed.
    pub read_only: bool,
    /// Who is told of alerts besides the screen.
    pub tell: TellOptions,
    /// What opens other clusters, where that is possible.
    pub opener: Option<Opener>,
}

impl Default for TuiOptions {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            themes: Vec::new(),
            ascii: false,
            title: None,
            view: ViewId::Overview,
            mouse: true,
            clipboard: Clipboard::default(),
            prover: ProverSetup::default(),
            hint: None,
            reduced_motion: false,
            keys: &keymap::DEFAULT,
            read_only: false,
            tell: TellOptions::default(),
            opener: None,
        }
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The user left.
    Quit,
    /// That signal came; a shell would report 128 and this.
    Signal(i32),
}

/// Why it could not go on.
#[derive(Debug)]
pub enum Error {
    /// There is no terminal to draw on.
    NoTerminal,
    /// The terminal failed.
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTerminal => f.write_str("the dashboard needs a terminal; without one, use sp1top status or sp1top alerts"),
            Self::Io(e) => write!(f, "the terminal failed: {e}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

/// Runs the dashboard until the user leaves or a signal comes. The terminal is
/// given back in every case.
pub fn run(feed: Box<dyn Feed>, model: Model, options: TuiOptions, inbox: Inbox) -> Result<Ending, Error> {
    begin(options, inbox, |make, tell, opener, waker| Sites::one(feed, model, make, tell, opener, waker))
}

/// [`run`] with several clusters, which are opened while the view of all of them
/// is there already.
pub fn run_fleet(spots: Vec<Spot>, opener: &Opener, options: TuiOptions, inbox: Inbox) -> Result<Ending, Error> {
    begin(options, inbox, |make, tell, _, waker| Sites::many(spots, make, tell, opener.clone(), waker))
}

fn begin(
    options: TuiOptions,
    inbox: Inbox,
    sites: impl FnOnce(AppOptions, TellOptions, Option<Opener>, Waker) -> Sites,
) -> Result<Ending, Error> {
    if !io::stdout().is_terminal() {
        return Err(Error::NoTerminal);
    }
    // From the moment that the terminal is taken, a signal must give it back.
    let signals = Signals::listen(&inbox.tx)?;
    let guard = Guard::enter(options.mouse)?;
    let result = Loop::new(options, inbox.waker(), sites).and_then(|l| l.run(inbox, signals));
    drop(guard);
    result
}

struct Loop {
    sites: Sites,
    screen: Screen,
    clipboard: Clipboard,
    mouse: bool,
    dirty: bool,
    /// The user did something, and waits to see it.
    asked: bool,
    calm: bool,
}

fn size() -> (u16, u16) {
    match crossterm::terminal::size() {
        Ok((w, h)) if w > 0 && h > 0 => (w, h),
        _ => (80, 24),
    }
}

impl Loop {
    fn new(
        options: TuiOptions,
        waker: Waker,
        sites: impl FnOnce(AppOptions, TellOptions, Option<Opener>, Waker) -> Sites,
    ) -> Result<Self, Error> {
        let TuiOptions { theme, themes, ascii, title, view, mouse, clipboard, prover, hint, reduced_motion: calm, keys, read_only, .. } =
            options;
        let symbols = Symbols { keys, ..if ascii { Symbols::ascii() } else { Symbols::unicode() } };
        let make = AppOptions { theme, themes, symbols, title, view, mouse, prover, read_only, of_fleet: false };
        let (w, h) = size();
        let sites = sites(make, options.tell, options.opener, waker);
        let mut this = Self { sites, screen: Screen::new(w, h), clipboard, mouse, dirty: true, asked: true, calm };
        this.update(Msg::Resize(w, h));
        if let Some(text) = hint {
            this.update(Msg::Hint(text));
        }
        // Something is on the screen before anything else is begun.
        this.draw()?;
        Ok(this)
    }

    fn run(mut self, inbox: Inbox, signals: Signals) -> Result<Ending, Error> {
        let Inbox { tx, wakes } = inbox;
        read_input(tx);
        let mut advanced = Instant::now();
        let mut drawn = Instant::now();
        loop {
            let first = match wakes.rx.recv_timeout(self.sleep(advanced, drawn)) {
                Ok(w) => Some(w),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(Ending::Quit),
            };
            let elapsed = advanced.elapsed();
            advanced = Instant::now();
            let had_status = self.sites.next_tick().is_some();
            self.update(Msg::Tick(elapsed));
            self.dirty |= had_status && self.sites.next_tick().is_none();
            for wake in wakes.taken(first) {
                let was = Instant::now();
                if let Some(ending) = self.take(wake)? {
                    drop(signals);
                    return Ok(ending);
                }
                if was.elapsed() > Duration::from_secs(1) {
                    // It was suspended: that was no time of the recording.
                    advanced = Instant::now();
                }
            }
            self.dirty |= self.sites.advance(elapsed);
            self.tell()?;
            for p in terminal::take_panics() {
                self.update(Msg::Complain(format!("a background thread panicked: {p}")));
                self.dirty = true;
            }
            if self.dirty && drawn.elapsed() >= self.pace() {
                self.draw()?;
                drawn = Instant::now();
            }
        }
    }

    /// The least time between two frames.
    const fn pace(&self) -> Duration {
        if self.calm && !self.asked { CALM } else { FRAME }
    }

    /// Tells of new alerts outside of the screen.
    fn tell(&mut self) -> Result<(), Error> {
        let (bytes, complaint) = self.sites.tell();
        if !bytes.is_empty() {
            terminal::write(&bytes)?;
        }
        if let Some(why) = complaint {
            self.update(Msg::Complain(why));
            self.dirty = true;
        }
        Ok(())
    }

    /// How long nothing has to be done.
    fn sleep(&self, advanced: Instant, drawn: Instant) -> Duration {
        const LONG: Duration = Duration::from_secs(3600);
        let since = advanced.elapsed();
        let mut wait = self.sites.next_wake().unwrap_or(LONG).saturating_sub(since);
        if let Some(t) = self.sites.next_tick() {
            wait = wait.min(t.saturating_sub(since));
        }
        if self.dirty {
            wait = wait.min(self.pace().saturating_sub(drawn.elapsed()));
        }
        wait
    }

    fn take(&mut self, wake: Wake) -> Result<Option<Ending>, Error> {
        match wake {
            Wake::Data => Ok(None),
            Wake::InputEnded(e) => Err(Error::Io(e)),
            Wake::Signal(SIGTSTP) => {
                self.suspend()?;
                Ok(None)
            }
            Wake::Signal(SIGCONT) => {
                // Whoever stopped us may have changed the terminal's modes.
                terminal::enter(self.mouse)?;
                self.resized();
                Ok(None)
            }
            // Heard here too: the reader of the input begins to listen only
            // after the first frame, and a resize before that would be lost.
            Wake::Signal(SIGWINCH) => {
                self.resized();
                Ok(None)
            }
            Wake::Signal(n) => Ok(Some(Ending::Signal(n))),
            Wake::Input(event) => {
                self.dirty = true;
                self.asked = true;
                let msg = match event {
                    Event::Key(k) => Msg::Key(k),
                    Event::Mouse(m) => Msg::Mouse(m),
                    Event::Paste(text) => Msg::Paste(text),
                    Event::Resize(..) => {
                        self.resized();
                        return Ok(None);
                    }
                    Event::FocusGained | Event::FocusLost => return Ok(None),
                };
                for effect in self.update(msg) {
                    if self.effect(effect)? {
                        return Ok(Some(Ending::Quit));
                    }
                }
                Ok(None)
            }
        }
    }

    fn update(&mut self, msg: Msg) -> Vec<Effect> {
        self.sites.update(msg)
    }

    /// Does what the app asked for; true to leave.
    fn effect(&mut self, effect: Effect) -> Result<bool, Error> {
        match effect {
            Effect::Quit => return Ok(self.sites.may_quit()),
            Effect::Redraw => self.resized(),
            Effect::Suspend => self.suspend()?,
            Effect::Mouse(on) => {
                self.mouse = on;
                terminal::mouse(on)?;
            }
            Effect::Copy(text) => {
                terminal::write(&self.clipboard.sequence(&text))?;
                self.update(Msg::Copied { text, sure: self.clipboard.sure });
            }
            other => self.sites.effect(other),
        }
        Ok(false)
    }

    /// Gives the terminal back, stops, and takes it again when continued.
    fn suspend(&mut self) -> Result<(), Error> {
        terminal::leave();
        signal_hook::low_level::emulate_default_handler(SIGTSTP)?;
        terminal::enter(self.mouse)?;
        self.resized();
        Ok(())
    }

    /// Takes the terminal's size anew and draws everything.
    fn resized(&mut self) {
        let (w, h) = size();
        self.screen.resize(w, h);
        self.update(Msg::Resize(w, h));
        self.dirty = true;
        self.asked = true;
    }

    fn draw(&mut self) -> Result<(), Error> {
        let Self { sites, screen, .. } = self;
        let bytes = screen.frame(|buf| sites.draw(buf));
        if !bytes.is_empty() {
            terminal::write(bytes)?;
        }
        self.dirty = false;
        self.asked = false;
        Ok(())
    }
}

fn read_input(tx: SyncSender<Wake>) {
    std::thread::spawn(move || {
        loop {
            let wake = match event::read() {
                Ok(event) => Wake::Input(event),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => {
                    let _ = tx.send(Wake::InputEnded(e));
                    return;
                }
            };
            if tx.send(wake).is_err() {
                return;
            }
        }
    });
}

/// Signals as messages, for as long as it lives; afterwards they do again what
/// they do by default.
struct Signals {
    handle: signal_hook::iterator::Handle,
    default: Arc<AtomicBool>,
}

impl Signals {
    fn listen(tx: &SyncSender<Wake>) -> Result<Self, Error> {
        let default = Arc::new(AtomicBool::new(false));
        for s in [SIGTERM, SIGHUP, SIGINT, SIGQUIT] {
            signal_hook::flag::register_conditional_default(s, default.clone())?;
        }
        let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH])?;
        let handle = signals.handle();
        let tx = tx.clone();
        std::thread::spawn(move || {
            for s in signals.forever() {
                if tx.send(Wake::Signal(s)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { handle, default })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.default.store(true, Ordering::SeqCst);
        self.handle.close();
    }
}
