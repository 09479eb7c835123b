//! The real program in a pseudo-terminal: start, keys, resize, quit, signals;
//! the terminal is as it was afterwards.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

const SIZE: PtySize = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };

struct Program {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    input: Box<dyn std::io::Write + Send>,
    output: Receiver<Vec<u8>>,
    terminal: vt100::Parser,
    bytes: Vec<u8>,
}

fn log() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs/compact-file-line/coordinator.log")
}

impl Program {
    fn start(args: &[&str], env: &[(&str, &str)]) -> Self {
        let pair = native_pty_system().openpty(SIZE).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_sp1top"));
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("XDG_STATE_HOME", std::env::temp_dir());
        command.env("KUBECONFIG", "/nonexistent");
        for gone in ["NO_COLOR", "LC_ALL", "LC_CTYPE", "COLORTERM", "SP1TOP_THEME"] {
            command.env_remove(gone);
        }
        for (k, v) in env {
            command.env(k, v);
        }
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
        let terminal = vt100::Parser::new(SIZE.rows.try_into().unwrap(), SIZE.cols.try_into().unwrap(), 0);
        Self { master: pair.master, child, input, output, terminal, bytes: Vec::new() }
    }

    /// Reads on until `done`, at most ten seconds.
    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !done(self) {
            assert!(Instant::now() < end, "no {what} on:\n{}", self.screen());
            if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(50)) {
                self.terminal.process(&bytes);
                self.bytes.extend(bytes);
            }
        }
    }

    fn shows(&mut self, text: &str) {
        self.until(text, |p| p.screen().contains(text));
    }

    fn screen(&self) -> String {
        self.terminal.screen().contents()
    }

    fn keys(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    /// Waits for the end; the exit code.
    fn end(&mut self) -> u32 {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(20)) {
                self.terminal.process(&bytes);
                self.bytes.extend(bytes);
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                // What it wrote last may still be on its way.
                while let Ok(bytes) = self.output.recv_timeout(Duration::from_secs(2)) {
                    self.terminal.process(&bytes);
                    self.bytes.extend(bytes);
                }
                return status.exit_code();
            }
            assert!(Instant::now() < end, "does not end:\n{}", self.screen());
        }
    }

    /// The terminal is the user's again.
    fn is_restored(&self) {
        let screen = self.terminal.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left on");
        assert!(!screen.hide_cursor(), "the cursor is left hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste is left on");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is left on");
    }
}

#[test]
fn replay_shows_walks_and_quits() {
    let mut p = Program::start(&["replay", log().to_str().unwrap(), "--speed", "max"], &[]);
    p.shows("REPLAY");
    p.shows("overview");
    assert!(p.terminal.screen().alternate_screen());
    for (key, text) in [("2", "worker"), ("3", "proof"), ("4", "Created proof"), ("?", "esc")] {
        p.keys(key);
        p.shows(text);
    }
    p.keys("\x1b");
    std::thread::sleep(Duration::from_millis(50));
    p.keys("q");
    assert_eq!(p.end(), 0);
    p.is_restored();
}

#[test]
fn a_resize_is_followed_down_to_nothing() {
    let mut p = Program::start(&["replay", log().to_str().unwrap()], &[]);
    p.shows("REPLAY");
    for (rows, cols) in [(50, 160), (16, 60), (5, 20), (1, 1), (24, 80)] {
        p.master.resize(PtySize { rows, cols, ..SIZE }).unwrap();
    }
    // The test's own terminal does not survive being that small.
    p.terminal.screen_mut().set_size(24.try_into().unwrap(), 80.try_into().unwrap());
    p.bytes.clear();
    p.shows("REPLAY");
    p.keys("q");
    assert_eq!(p.end(), 0);
    p.is_restored();
}

#[test]
fn a_signal_ends_it_with_the_terminal_restored() {
    for signal in ["TERM", "HUP", "INT"] {
        let mut p = Program::start(&["replay", log().to_str().unwrap()], &[]);
        p.shows("REPLAY");
        let id = p.child.process_id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success());
        p.end();
        p.is_restored();
    }
}

#[test]
fn without_colours_and_without_unicode() {
    let mut p = Program::start(&["replay", log().to_str().unwrap(), "--ascii"], &[("NO_COLOR", "1")]);
    p.shows("REPLAY");
    p.keys("3");
    p.shows("proof");
    p.keys("q");
    assert_eq!(p.end(), 0);
    assert!(p.bytes.is_ascii(), "bytes that such a terminal does not know");
    let coloured = p.bytes.windows(5).any(|w| w.starts_with(b"\x1b[38;") || w.starts_with(b"\x1b[48;"));
    assert!(!coloured, "colours under NO_COLOR");
    p.is_restored();
}

#[test]
fn nothing_is_drawn_when_nothing_changes() {
    let mut p = Program::start(&["replay", log().to_str().unwrap(), "--speed", "max"], &[]);
    p.shows("REPLAY");
    // A recording at its end changes no more.
    let mut quiet = 0;
    for _ in 0..100 {
        match p.output.recv_timeout(Duration::from_millis(100)) {
            Ok(b) => {
                quiet = 0;
                p.terminal.process(&b);
            }
            Err(_) => quiet += 1,
        }
        if quiet >= 15 {
            break;
        }
    }
    assert!(quiet >= 15, "it still draws:\n{}", p.screen());
    p.keys("q");
    assert_eq!(p.end(), 0);
}

#[test]
fn no_terminal_is_said() {
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_sp1top"))
        .args(["replay", log().to_str().unwrap()])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    let err = String::from_utf8(out.stderr).unwrap();
    assert!(err.starts_with("sp1top: ") && err.lines().count() == 1, "{err}");
    assert!(err.contains("status"), "says what to try instead: {err}");
}
