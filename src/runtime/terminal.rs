//! The terminal's modes: taken once, always given back.

use std::io::{self, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ThreadId;

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

/// True while the terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// The thread that draws, while it does.
static DRAWS: Mutex<Option<ThreadId>> = Mutex::new(None);
/// What other threads said when they panicked while the screen was ours.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h";
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1002l\x1b[?1000l";
/// In the order in which a half-finished frame is best left.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[?2004l\x1b[0m\x1b[?25h\x1b[?1049l";

/// Writes in one piece.
pub fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Raw mode, the other screen, bracketed paste, and the mouse if wanted.
pub fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut bytes = ENTER.to_vec();
    if mouse {
        bytes.extend_from_slice(MOUSE_ON);
    }
    write(&bytes)
}

/// Gives everything back; does nothing the second time. Never fails: there is
/// nobody left to tell.
pub fn leave() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = write(LEAVE);
        let _ = disable_raw_mode();
    }
}

/// Takes the mouse or gives it back to the terminal.
pub fn mouse(on: bool) -> io::Result<()> {
    write(if on { MOUSE_ON } else { MOUSE_OFF })
}

/// Gives the terminal back when it goes out of scope, in whatever way.
pub struct Guard(());

impl Guard {
    /// Takes the terminal.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        *DRAWS.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(std::thread::current().id());
        install_panic_hook();
        let guard = Self(());
        enter(mouse)?;
        Ok(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        leave();
        *DRAWS.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
        for p in take_panics() {
            eprintln!("sp1top: a background thread panicked: {p}");
        }
    }
}

/// What background threads said when they panicked, once.
pub fn take_panics() -> Vec<String> {
    std::mem::take(&mut *PANICS.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// Before a panic of the drawing thread is printed, the terminal is given back.
/// A panic of another thread must not print over the screen: it is kept.
fn install_panic_hook() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let draws = *DRAWS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if TAKEN.load(Ordering::SeqCst) && draws.is_some_and(|t| t != std::thread::current().id()) {
                let mut panics = PANICS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if panics.len() < 16 {
                    panics.push(info.to_string().replace('\n', " "));
                }
                return;
            }
            leave();
            previous(info);
        }));
    });
}
