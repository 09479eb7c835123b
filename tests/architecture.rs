//! The shape of the house, read from its source text: layers import downwards
//! only, every table is complete, no file is two.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// What of a file is in the product: everything before its tests.
fn production(text: &str) -> &str {
    text.find("\n#[cfg(test)]\nmod tests {").map_or(text, |n| &text[..n])
}

fn is_test(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    matches!(&*name, "tests.rs" | "testing.rs" | "screens.rs" | "look.rs")
        || path.components().any(|c| c.as_os_str() == "tests")
        || root().join("app/tests") == path.parent().unwrap()
}

/// The modules of the library in the order of `lib.rs`, which is the order of
/// the layers.
fn layers() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("lib.rs")).unwrap();
    let all: Vec<String> = text.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';')).map(str::to_owned).collect();
    assert!(all.len() > 10, "{all:?}");
    all
}

#[test]
fn layers_import_downwards_only() {
    let layers = layers();
    let rank: BTreeMap<&str, usize> = layers.iter().enumerate().map(|(i, l)| (l.as_str(), i)).collect();
    let mut all = Vec::new();
    files(&root(), &mut all);
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for path in all.iter().filter(|p| !is_test(p)) {
        let of = path.strip_prefix(root()).unwrap();
        let layer = of.components().next().unwrap().as_os_str().to_string_lossy();
        let layer = layer.trim_end_matches(".rs");
        let Some(mine) = rank.get(layer) else { continue };
        seen.insert(layer.to_owned());
        let text = std::fs::read_to_string(path).unwrap();
        for (n, line) in production(&text).lines().enumerate() {
            let code = line.trim_start();
            if code.starts_with("//") {
                continue;
            }
            for piece in code.split("crate::").skip(1) {
                let name: String = piece.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if let Some(other) = rank.get(name.as_str())
                    && other > mine
                {
                    wrong.push(format!("{}:{}: {layer} imports {name}, which is above it", of.display(), n + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(seen.len(), layers.len(), "a layer without files: {layers:?} {seen:?}");
}

#[test]
fn nothing_below_the_shell_reads_a_clock_the_environment_or_the_disk() {
    const PURE: [&str; 12] =
        ["envelope", "event", "parse", "model", "capacity", "alerts", "pipeline", "output", "ui", "app", "config", "base"];
    const IMPURE: [&str; 7] = ["SystemTime::now", "Instant::now", "Utc::now", "env::var", "std::fs::", "File::open", "thread::sleep"];
    let mut all = Vec::new();
    files(&root(), &mut all);
    let mut wrong = Vec::new();
    for path in all.iter().filter(|p| !is_test(p)) {
        let of = path.strip_prefix(root()).unwrap();
        let layer = of.components().next().unwrap().as_os_str().to_string_lossy();
        if !PURE.contains(&layer.trim_end_matches(".rs")) {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        for (n, line) in production(&text).lines().enumerate() {
            if !line.trim_start().starts_with("//") && IMPURE.iter().any(|i| line.contains(i)) {
                wrong.push(format!("{}:{}: {}", of.display(), n + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn only_the_model_looks_into_events() {
    let mut all = Vec::new();
    files(&root(), &mut all);
    for path in all.iter().filter(|p| !is_test(p)) {
        let of = path.strip_prefix(root()).unwrap();
        if ["model", "parse", "event"].iter().any(|l| of.starts_with(l)) {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        // The simulation has a `What` of its own.
        if !text.contains("event::What") && !text.lines().any(|l| l.starts_with("use crate::event::") && l.contains("What")) {
            continue;
        }
        let matches = production(&text).lines().filter(|l| !l.trim_start().starts_with("//")).any(|l| l.contains("What::"));
        assert!(!matches, "{} looks into events; let the model keep what it needs", of.display());
    }
}

#[test]
fn the_design_page_has_every_layer_in_its_order() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/design.md")).unwrap();
    let table = page.split("| module | is |").nth(1).unwrap();
    let rows = table.lines().skip(2).take_while(|l| l.starts_with('|'));
    let named: Vec<String> =
        rows.flat_map(|l| l.split('|').nth(1).unwrap().split(',')).map(|m| m.trim().trim_matches('`').to_owned()).collect();
    assert_eq!(named, layers());
    // The files that it names are there.
    for word in page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|w| Path::new(w).extension().is_some_and(|e| e == "rs") && w.contains('/') && !w.contains('<'))
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(path.join(word).exists() || root().join(word).exists(), "{word} is not there");
    }
}

#[test]
fn files_are_one_thing() {
    /// Generated code may be longer.
    const MAY: [&str; 2] = ["proto/worker.rs", "proto/cluster.rs"];
    const MOST: usize = 650;
    let mut all = Vec::new();
    files(&root(), &mut all);
    let mut long = Vec::new();
    for path in all.iter().filter(|p| !is_test(p)) {
        let of = path.strip_prefix(root()).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let lines = production(&text).lines().count();
        if lines > MOST && !MAY.iter().any(|m| of == Path::new(m)) {
            long.push(format!("{}: {lines} lines", of.display()));
        }
    }
    assert!(long.is_empty(), "asking to be two:\n{}", long.join("\n"));
}

#[test]
fn every_view_is_documented_and_its_keys_are_its_own() {
    use sp1top::ui::{ViewId, views};
    let all = views::all();
    let ids: BTreeSet<ViewId> = all.iter().map(|v| v.id()).collect();
    assert_eq!(ids.len(), all.len(), "two views with one id");
    for v in all.iter().filter(|v| v.id() != ViewId::Help) {
        assert!(!v.title().is_empty() && !v.title().contains(' '), "{:?}", v.id());
        assert!(v.about().iter().map(|p| p.len()).sum::<usize>() > 200, "{} is not explained", v.title());
    }
}

#[test]
fn every_scenario_is_described() {
    let mut names = BTreeSet::new();
    for s in sp1top::sim::SCENARIOS {
        assert!(names.insert(s.name), "{} twice", s.name);
        assert!(s.about.len() > 20, "{}", s.name);
    }
    for must in ["healthy", "stuck-aggregation", "two-plonks-oom", "worker-lost", "big", "tour"] {
        assert!(names.contains(must), "{must} is missing");
    }
}

#[test]
fn shipped_themes_are_read_and_differ() {
    let folder = root().parent().unwrap().join("themes");
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        names.insert(entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned());
    }
    for must in ["dark", "light", "high-contrast", "colour-blind-safe", "ansi16"] {
        assert!(names.contains(must), "{must}: {names:?}");
    }
    let mut looks = BTreeSet::new();
    for name in &names {
        let theme = sp1top::ui::Theme::shipped(name).unwrap_or_else(|| panic!("themes/{name}.toml is not embedded"));
        assert!(looks.insert(format!("{theme:?}")), "{name} looks like another");
    }
}
