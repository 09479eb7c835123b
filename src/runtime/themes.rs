//! Themes from the user's folders, before the shipped ones.

use std::path::{Path, PathBuf};

use crate::ui::Theme;
use crate::ui::theme::SHIPPED;

/// The theme of that name: `NAME.toml` from the first of `dirs` that has it,
/// else a shipped one; or a path to a theme file. The error is one line: what is
/// wrong and what there is.
pub fn load(name: &str, dirs: &[PathBuf]) -> Result<Theme, String> {
    let read = |path: &Path| -> Result<Theme, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        Theme::parse(&text).map_err(|e| format!("{}: {e}", path.display()))
    };
    if name.contains(['/', '\\']) || Path::new(name).extension().is_some_and(|e| e == "toml") {
        return read(Path::new(name));
    }
    for dir in dirs {
        let path = dir.join(format!("{name}.toml"));
        if path.is_file() {
            return read(&path);
        }
    }
    Theme::shipped(name).ok_or_else(|| format!("there is no theme '{name}'; there are {}", names(dirs).join(", ")))
}

/// The names of all themes: the shipped ones, then those of the folders.
#[must_use]
pub fn names(dirs: &[PathBuf]) -> Vec<String> {
    let mut out: Vec<String> = SHIPPED.iter().map(|(n, _)| (*n).to_owned()).collect();
    let mut own: Vec<String> = dirs
        .iter()
        .filter_map(|d| std::fs::read_dir(d).ok())
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            (path.extension()? == "toml").then(|| path.file_stem()?.to_str().map(str::to_owned))?
        })
        .filter(|n| !out.contains(n))
        .collect();
    own.sort();
    own.dedup();
    out.extend(own);
    out
}

/// All themes that can be read, for `t`.
#[must_use]
pub fn all(dirs: &[PathBuf]) -> Vec<Theme> {
    names(dirs).iter().filter_map(|n| load(n, dirs).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_folder_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = [dir.path().to_owned()];
        std::fs::write(dir.path().join("light.toml"), "name = 'light'\nabout = 'mine'").unwrap();
        std::fs::write(dir.path().join("night.toml"), "name = 'night'").unwrap();
        std::fs::write(dir.path().join("broken.toml"), "name = 'broken'\n[roles]\nnope = 'red'").unwrap();
        assert_eq!(load("light", &dirs).unwrap().about, "mine");
        assert_eq!(load("dark", &dirs).unwrap().name, "dark");
        assert!(load("broken", &dirs).unwrap_err().contains("broken.toml: [roles] has no 'nope'"));
        let error = load("nigth", &dirs).unwrap_err();
        assert!(error.starts_with("there is no theme 'nigth'; there are dark, light,") && error.ends_with("broken, night"), "{error}");
        assert_eq!(all(&dirs).len(), SHIPPED.len() + 1);
    }
}
