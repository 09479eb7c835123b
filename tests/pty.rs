//! The real program in a pseudo-terminal: start, keys, resize, quit, signals;
//! the terminal is as it was afterwards.
#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "support/pty.rs"]
mod pty;

use std::time::Duration;

use portable_pty::PtySize;
use pty::{SIZE, Terminal, log};

#[test]
fn replay_shows_walks_and_quits() {
    let mut p = Terminal::new(&[], &[]);
    p.shows("REPLAY");
    p.shows("overview");
    assert!(p.shown.screen().alternate_screen());
    for (key, text) in [("2", "worker"), ("3", "proof"), ("4", "Created proof"), ("?", "esc closes")] {
        p.keys(key);
        p.shows(text);
    }
    p.keys("\x1b");
    p.hides("esc closes");
    p.quits();
}

#[test]
fn a_resize_is_followed_down_to_nothing() {
    let mut p = Terminal::start(&[], &["replay", log().to_str().unwrap()]);
    p.shows("REPLAY");
    for (rows, cols) in [(50, 160), (16, 60), (5, 20), (1, 1), (24, 80)] {
        p.master.resize(PtySize { rows, cols, ..SIZE }).unwrap();
    }
    // The test's own terminal does not survive being that small.
    p.shown.screen_mut().set_size(24.try_into().unwrap(), 80.try_into().unwrap());
    p.bytes.clear();
    p.shows("REPLAY");
    p.quits();
}

#[test]
fn a_signal_ends_it_with_the_terminal_restored() {
    for signal in ["TERM", "HUP", "INT"] {
        let mut p = Terminal::start(&[], &["replay", log().to_str().unwrap()]);
        p.shows("REPLAY");
        p.kill(&format!("-{signal}"));
        p.ends();
    }
}

#[test]
fn without_colours_and_without_unicode() {
    let mut p = Terminal::start(&[("NO_COLOR", "1")], &["replay", log().to_str().unwrap(), "--ascii"]);
    p.shows("REPLAY");
    p.keys("3");
    p.shows("proof");
    p.quits();
    assert!(p.bytes.is_ascii(), "bytes that such a terminal does not know");
    let coloured = p.bytes.windows(5).any(|w| w.starts_with(b"\x1b[38;") || w.starts_with(b"\x1b[48;"));
    assert!(!coloured, "colours under NO_COLOR");
}

#[test]
fn nothing_is_drawn_when_nothing_changes() {
    let mut p = Terminal::new(&[], &[]);
    p.shows("REPLAY");
    // A recording at its end changes no more.
    let mut quiet = 0;
    for _ in 0..100 {
        match p.output.recv_timeout(Duration::from_millis(100)) {
            Ok(b) => {
                quiet = 0;
                p.shown.process(&b);
                p.bytes.extend(b);
            }
            Err(_) => quiet += 1,
        }
        if quiet >= 15 {
            break;
        }
    }
    assert!(quiet >= 15, "it still draws:\n{}", p.shown.screen().contents());
    p.quits();
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
