//! Odd terminals, with the real program in a pseudo-terminal.
#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "support/pty.rs"]
mod pty;

use std::time::{Duration, Instant};

use portable_pty::PtySize;
use pty::{LIMIT, SIZE, Terminal};

#[test]
fn terminals_that_are_not_known_work() {
    for term in ["dumb", "", "no-such-terminal", "linux", "screen", "tmux-256color", "vt100"] {
        let mut t = Terminal::new(&[("TERM", term)], &[]);
        t.shows("REPLAY");
        t.keys("2");
        t.shows("worker");
        t.quits();
    }
}

#[test]
fn no_more_colours_than_there_are() {
    let with = |env: &[(&str, &str)]| {
        let mut t = Terminal::new(env, &[]);
        t.shows("REPLAY");
        t.keys("3");
        t.shows("proof");
        t.quits();
        [b"\x1b[38;2;".as_slice(), b";38;2;", b"38;5;"].map(|p| t.has(p))
    };
    let [a, b, indexed] = with(&[("TERM", "xterm-256color")]);
    assert!(!a && !b && indexed, "256 colours");
    assert_eq!(with(&[("TERM", "linux")]), [false; 3], "16 colours");
    assert_eq!(with(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]), [false; 3], "NO_COLOR");
    let [a, b, _] = with(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]);
    assert!(a || b, "true colour");
}

#[test]
fn without_unicode_in_the_locale_there_is_only_ascii() {
    for (term, lang) in [("xterm-256color", "C"), ("linux", "C.UTF-8")] {
        let mut t = Terminal::new(&[("TERM", term), ("LANG", lang)], &[]);
        t.shows("REPLAY");
        for key in ["2", "3", "5", "6", "7", "8", "9", "1"] {
            t.keys(key);
        }
        t.shows("gpu queue");
        t.quits();
        assert!(t.bytes.is_ascii(), "{term} {lang}");
    }
}

#[test]
fn the_mouse_is_left_alone_when_told() {
    let mut t = Terminal::new(&[], &["--no-mouse"]);
    t.shows("REPLAY");
    t.quits();
    assert!(!t.has(b"\x1b[?1000h") && !t.has(b"\x1b[?1006h"));
}

#[test]
fn a_storm_of_resizes_ends_in_the_right_size() {
    let mut t = Terminal::new(&[], &[]);
    t.shows("REPLAY");
    for i in 0..120_u16 {
        let (rows, cols) = (1 + i * 7 % 60, 1 + i * 13 % 200);
        t.master.resize(PtySize { rows, cols, ..SIZE }).unwrap();
    }
    t.master.resize(SIZE).unwrap();
    t.keys("3");
    t.shows("proof");
    t.keys("1");
    t.shows("REPLAY");
    t.quits();
}

#[test]
fn a_key_that_comes_with_a_resize_is_heard() {
    let mut t = Terminal::new(&[], &[]);
    t.shows("REPLAY");
    for i in 0..30_u16 {
        let (key, text) = [("4", "Created proof"), ("8", "everything that looked like ours")][usize::from(i % 2)];
        // One column less, and back: two signals and a key at once.
        t.master.resize(PtySize { cols: SIZE.cols - 1, ..SIZE }).unwrap();
        t.keys(key);
        t.master.resize(SIZE).unwrap();
        t.shows(text);
    }
    t.quits();
}

#[test]
fn it_stops_and_goes_on() {
    for how in ["key", "signal"] {
        let mut t = Terminal::new(&[], &[]);
        t.shows("REPLAY");
        if how == "key" {
            t.keys("\x1a");
        } else {
            t.kill("-TSTP");
        }
        t.until(&format!("its stop by {how}"), |t| t.state() == "T" && !t.shown.screen().alternate_screen());
        t.kill("-CONT");
        t.until(&format!("its return after {how}"), |t| t.shown.screen().alternate_screen());
        t.shows("REPLAY");
        t.quits();
    }
}

#[test]
fn it_ends_when_its_terminal_hangs_up() {
    let mut t = Terminal::new(&[], &[]);
    t.shows("REPLAY");
    let Terminal { master, mut child, input, output, home: _home, .. } = t;
    drop((input, master));
    let end = Instant::now() + LIMIT;
    loop {
        // Its end of the terminal is only gone when nobody reads it either.
        let _ = output.try_recv();
        if child.try_wait().unwrap().is_some() {
            return;
        }
        if Instant::now() > end {
            let _ = child.kill();
            panic!("it goes on without a terminal");
        }
        // What a terminal that is closed sends to its processes.
        let id = child.process_id().unwrap().to_string();
        let _ = std::process::Command::new("kill").args(["-HUP", &id]).status();
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn pasting_does_nothing_but_fill_an_input() {
    let mut t = Terminal::new(&[], &[]);
    t.shows("REPLAY");
    // All of these are keys; the last would quit.
    t.keys("\x1b[200~3:theme light\r\nxq\x1b[201~");
    t.keys("4");
    t.shows("logs");
    t.keys("/");
    t.shows(" / ");
    t.keys("\x1b[200~so\x1b[31mme\r\nq\x1b[201~");
    t.shows("so[31mme");
    assert!(t.child.try_wait().unwrap().is_none(), "a pasted q is no q");
    // With the key after it, it would be Alt and that key.
    t.keys("\x1b");
    t.hides("so[31mme");
    t.quits();
}

#[test]
fn wide_and_combining_characters_keep_the_borders_straight() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("coordinator.log");
    let mut text = String::new();
    for (i, word) in
        ["証明の作業者が失敗しました", "e\u{301}e\u{301}e\u{301} combining", "👩‍🚀👍🏽 emoji", "\u{202e}gnorw\u{7} control", "plain"]
            .iter()
            .enumerate()
    {
        let line = format!("2026-11-24T00:00:0{i}.000000Z  WARN crates/x/src/y.rs:1: {}\n", format!("{word} ").repeat(20));
        text.push_str(&line);
    }
    std::fs::write(&log, text).unwrap();
    let mut t = Terminal::start(&[], &["replay", log.to_str().unwrap(), "--speed", "max"]);
    t.shows("REPLAY");
    t.keys("4");
    t.shows("plain plain");
    let screen = t.shown.screen();
    let column = |x: u16| (3..22).filter_map(|y| screen.cell(y, x)).map(|c| c.contents().to_owned()).collect::<Vec<_>>();
    for x in [0, 79] {
        let bad: Vec<_> = column(x).into_iter().filter(|c| !matches!(&**c, "│" | "┃" | "├" | "┤")).collect();
        assert!(bad.len() <= 1, "the border at {x} is broken: {bad:?}\n{}", screen.contents());
    }
    assert!(!t.has("\u{202e}".as_bytes()) && !t.has(b"\x07"), "hostile characters reach the terminal");
    t.quits();
}

#[test]
fn the_first_hint_is_told_once_and_goes_at_a_key() {
    let mut t = Terminal::new(&[], &[]);
    t.shows("new here?");
    t.keys("j");
    t.hides("new here?");
    t.quits();
}
