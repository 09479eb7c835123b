//! Commands that print a table of the program's own.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::sync::OnceLock;

use super::args::Look;
use super::screen::theme_dirs;
use super::{Failure, Outcome, print};
use crate::runtime::screen::styled;
use crate::runtime::themes;
use crate::ui::keymap::{self, Binding, Keymap};
use crate::ui::{Depth, Role, Theme, remap, views};

/// The themes, on a terminal each with its colours.
pub(super) fn themes() -> Outcome {
    let depth = Depth::detect(|n| std::env::var(n).ok());
    let coloured = std::io::stdout().is_terminal();
    let mut out = String::new();
    for t in themes::all(&theme_dirs()) {
        let swatch = if coloured { swatch(&t.clone().reduced(depth)) } else { String::new() };
        let _ = writeln!(out, "{:<18} {swatch}{}", t.name, t.about);
    }
    print(&out)
}

/// The theme's colours: what is selected, good, at risk, bad, and the tasks.
fn swatch(t: &Theme) -> String {
    let roles = [(" tab ", Role::TabActive), (" row ", Role::Selected), (" good", Role::Good), (" warn", Role::Warn), (" bad ", Role::Bad)];
    let mut out: String = roles.iter().map(|(text, r)| styled(text, t.base().patch(t.style(*r)))).collect();
    out.extend(crate::base::TaskType::KNOWN.iter().take(10).map(|k| styled("#", t.base().patch(t.task(Some(k))))));
    out + "  "
}

pub(super) fn keys(look: &Look) -> Outcome {
    let map = keymap(look)?;
    let mut out = String::from("A name can be given other keys in [keys] of the settings: quit = [\"Q\", \"ctrl-c\"]\n");
    let row = |out: &mut String, view: &str, b: &Binding| {
        let keys = map.of(view, b).iter().map(|k| keymap::label(k, false)).collect::<Vec<_>>().join(" ");
        let _ = writeln!(out, "  {keys:<16} {:<40} {}", b.what, remap::name(view, b));
    };
    for g in keymap::GLOBAL {
        let _ = writeln!(out, "\n{}", g.title);
        g.bindings.iter().for_each(|b| row(&mut out, "", b));
    }
    for view in views::all().iter().filter(|v| !v.bindings().is_empty()) {
        let _ = writeln!(out, "\n{}", view.title());
        view.bindings().iter().for_each(|b| row(&mut out, view.title(), b));
    }
    print(&out)
}

/// The keys as the settings have them. They are made once: what is on screen
/// refers to them as long as the program runs.
pub(super) fn keymap(look: &Look) -> Result<&'static Keymap, Failure> {
    static KEYS: OnceLock<Keymap> = OnceLock::new();
    if let Some(k) = KEYS.get() {
        return Ok(k);
    }
    let views: Vec<_> = views::all().iter().map(|v| (v.title(), v.bindings())).collect();
    let map = Keymap::new(look.settings.keys.clone(), &views).map_err(|e| Failure::usage(format!("[keys] of the settings: {e}")))?;
    Ok(KEYS.get_or_init(|| map))
}
