//! The loop in a real terminal: this test program runs [`super::look`] in a pty.

use std::io::{Read as _, Write as _};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

struct Pty {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    input: Box<dyn std::io::Write + Send>,
    output: Receiver<Vec<u8>>,
    terminal: vt100::Parser,
    /// All bytes so far.
    bytes: Vec<u8>,
}

const SIZE: PtySize = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };

impl Pty {
    fn start(look: &str) -> Self {
        let pair = native_pty_system().openpty(SIZE).unwrap();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--nocapture", "--exact", "runtime::look::at_the_screens"]);
        command.env("LOOK", look);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env_remove("NO_COLOR");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let input = pair.master.take_writer().unwrap();
        let (tx, output) = channel();
        std::thread::spawn(move || {
            let mut buf = [0; 8192];
            while let Ok(n @ 1..) = reader.read(&mut buf) {
                if tx.send(buf[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let terminal = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        Self { master: pair.master, child, input, output, terminal, bytes: Vec::new() }
    }

    /// Takes what comes for so long, or until `done`.
    fn wait(&mut self, millis: u64, done: impl Fn(&Self) -> bool) -> bool {
        let until = Instant::now() + Duration::from_millis(millis);
        loop {
            if done(self) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            if let Ok(bytes) = self.output.recv_timeout(left.min(Duration::from_millis(50))) {
                self.terminal.process(&bytes);
                self.bytes.extend(bytes);
            }
        }
    }

    fn shows(&mut self, text: &str) {
        let found = self.wait(15_000, |p| p.terminal.screen().contents().contains(text));
        assert!(found, "'{text}' is not on the screen:\n{}", self.terminal.screen().contents());
    }

    fn press(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    /// Everything that was taken from the terminal was given back.
    fn is_restored(&mut self) {
        assert!(self.wait(15_000, |p| p.has("\x1b[?1049l")), "{}", self.bytes.escape_ascii());
        for (on, off) in
            [("\x1b[?25l", "\x1b[?25h"), ("\x1b[?2004h", "\x1b[?2004l"), ("\x1b[?1006h", "\x1b[?1006l"), ("\x1b[?2026h", "\x1b[?2026l")]
        {
            assert!(self.last(on) < self.last(off), "{} is not undone", off.escape_debug());
        }
    }

    fn has(&self, text: &str) -> bool {
        memchr::memmem::find(&self.bytes, text.as_bytes()).is_some()
    }

    fn last(&self, text: &str) -> Option<usize> {
        memchr::memmem::rfind(&self.bytes, text.as_bytes())
    }

    fn signal(&self, name: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }
}

#[test]
fn quitting_gives_the_terminal_back() {
    let mut p = Pty::start("healthy");
    p.shows("cpu queue");
    p.press("7");
    p.shows("coordinator-7f8d9c6b5-qw4rt");
    p.press("q");
    p.is_restored();
    assert!(p.child.wait().unwrap().success());
    assert!(p.wait(15_000, |p| p.has("Quit")), "it did not end as one that quit");
}

#[test]
fn signals_and_panics_give_it_back_too() {
    for signal in ["TERM", "HUP", "INT"] {
        let mut p = Pty::start("empty");
        p.shows("Nothing is known");
        p.signal(signal);
        p.is_restored();
        assert!(p.child.wait().unwrap().success(), "{signal}");
    }
    let mut p = Pty::start("panic");
    p.shows("Nothing is known");
    p.press(" ");
    p.is_restored();
    assert!(p.wait(15_000, |p| p.has("the feed panics, as asked")));
    assert!(p.last("\x1b[?1049l") < p.last("the feed panics, as asked"), "the message was printed over the screen");
    assert!(!p.child.wait().unwrap().success());
}

#[test]
fn a_resize_is_drawn_and_stillness_writes_nothing() {
    let mut p = Pty::start("healthy");
    p.shows("cpu queue");
    p.wait(300, |_| false);
    let before = p.bytes.len();
    p.wait(700, |_| false);
    assert_eq!(p.bytes.len(), before, "{}", p.bytes[before..].escape_ascii());
    p.master.resize(PtySize { rows: 16, cols: 60, ..SIZE }).unwrap();
    assert!(p.wait(15_000, |p| p.bytes.len() > before));
    // One row down is a few cells, not a screen.
    p.wait(300, |_| false);
    let before = p.bytes.len();
    p.press("j");
    assert!(p.wait(15_000, |p| p.bytes.len() > before));
    p.wait(200, |_| false);
    assert!(p.bytes.len() - before < 2500, "{} bytes for a row", p.bytes.len() - before);
    p.press("q");
    p.is_restored();
}
