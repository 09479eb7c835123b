//! Commands that print a table of the program's own.

use std::fmt::Write as _;

use super::screen::theme_dirs;
use super::{Outcome, print};
use crate::runtime::themes;
use crate::ui::keymap::{self, KeyRow};
use crate::ui::views;

pub(super) fn themes() -> Outcome {
    let mut out = String::new();
    for t in themes::all(&theme_dirs()) {
        let _ = writeln!(out, "{:<18} {}", t.name, t.about);
    }
    print(&out)
}

pub(super) fn keys() -> Outcome {
    let mut out = String::new();
    for (title, rows) in keymap::remaining(&[]) {
        group(&mut out, title, rows);
    }
    for view in views::all() {
        let own: Vec<KeyRow> = view.bindings().iter().map(|b| (b.keys.to_vec(), b.what)).collect();
        if !own.is_empty() {
            group(&mut out, view.title(), own);
        }
    }
    print(&out)
}

fn group(out: &mut String, title: &str, rows: Vec<KeyRow>) {
    let _ = writeln!(out, "{}{title}", if out.is_empty() { "" } else { "\n" });
    for (keys, what) in rows {
        let keys = keys.iter().map(|k| keymap::label(k, false)).collect::<Vec<_>>().join(" ");
        let _ = writeln!(out, "  {keys:<20} {what}");
    }
}
