//! The real program in a pseudo-terminal of 80x24.
#![allow(dead_code, missing_docs, clippy::unwrap_used, reason = "each test uses its part")]

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long a machine with much else to do may take; nobody waits longer than
/// needed.
pub const LIMIT: Duration = Duration::from_secs(60);

pub const SIZE: PtySize = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };

/// A small recording.
pub fn log() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs/compact-file-line/coordinator.log")
}

/// The program, and what it shows.
pub struct Terminal {
    pub master: Box<dyn MasterPty + Send>,
    pub child: Box<dyn Child + Send + Sync>,
    pub input: Box<dyn std::io::Write + Send>,
    pub output: Receiver<Vec<u8>>,
    pub shown: vt100::Parser,
    pub bytes: Vec<u8>,
    pub home: tempfile::TempDir,
}

impl Terminal {
    /// A replay of a small log, at its end.
    pub fn new(env: &[(&str, &str)], args: &[&str]) -> Self {
        let log = log();
        let mut all = vec!["replay", log.to_str().unwrap(), "--speed", "max"];
        all.extend(args);
        Self::start(env, &all)
    }

    pub fn start(env: &[(&str, &str)], args: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let pair = native_pty_system().openpty(SIZE).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_sp1top"));
        command.args(args);
        for gone in ["NO_COLOR", "LC_ALL", "LC_CTYPE", "COLORTERM", "SP1TOP_THEME", "TMUX", "STY", "TERM_PROGRAM"] {
            command.env_remove(gone);
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("HOME", home.path());
        command.env("XDG_STATE_HOME", home.path());
        command.env("XDG_CONFIG_HOME", home.path());
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
        let shown = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        Self { master: pair.master, child, input, output, shown, bytes: Vec::new(), home }
    }

    pub fn take(&mut self, most: Duration) {
        if let Ok(bytes) = self.output.recv_timeout(most) {
            self.shown.process(&bytes);
            self.bytes.extend(bytes);
        }
    }

    /// Waits until it is so, looked at between two frames, never within one.
    pub fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let end = Instant::now() + LIMIT;
        while !(self.between_frames() && so(self)) {
            assert!(Instant::now() < end, "{what} does not come:\n{}", self.shown.screen().contents());
            self.take(Duration::from_millis(50));
        }
    }

    /// Every frame is a synchronized update.
    fn between_frames(&self) -> bool {
        let last = |part: &[u8]| self.bytes.windows(part.len()).rposition(|w| w == part);
        last(b"\x1b[?2026h") <= last(b"\x1b[?2026l")
    }

    pub fn text(&self) -> String {
        self.shown.screen().contents()
    }

    pub fn shows(&mut self, text: &str) {
        self.until(&format!("'{text}'"), |t| t.text().contains(text));
    }

    pub fn hides(&mut self, text: &str) {
        self.until(&format!("a screen without '{text}'"), |t| !t.text().contains(text));
    }

    pub fn keys(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    pub fn kill(&self, signal: &str) {
        let id = self.child.process_id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// `R`, `S`, `T` (stopped) …, of the process.
    pub fn state(&self) -> String {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.process_id().unwrap())).unwrap();
        stat.rsplit_once(')').unwrap().1.trim()[..1].to_owned()
    }

    /// Waits for the end, and that the terminal is the user's again; the exit
    /// code.
    pub fn ends(&mut self) -> u32 {
        let end = Instant::now() + LIMIT;
        let status = loop {
            self.take(Duration::from_millis(20));
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "does not end:\n{}", self.shown.screen().contents());
        };
        // What it wrote last may still be on its way.
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_secs(2)) {
            self.shown.process(&bytes);
            self.bytes.extend(bytes);
        }
        let screen = self.shown.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste(), "the terminal is not given back");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is left on");
        status.exit_code()
    }

    pub fn quits(&mut self) {
        self.keys("q");
        assert_eq!(self.ends(), 0);
    }

    pub fn has(&self, part: &[u8]) -> bool {
        self.bytes.windows(part.len()).any(|w| w == part)
    }
}
