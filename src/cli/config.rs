//! `config`: the settings in effect, or a file to begin with.

use std::io::Write as _;

use super::args::ConfigArgs;
use super::{Failure, Outcome, print, settings};
use crate::config::{Resolved, template};

pub(super) fn run(args: &ConfigArgs, resolved: &Resolved) -> Outcome {
    let path = settings::file();
    if args.init {
        return init(path);
    }
    let file = match &path {
        Some(p) if p.is_file() => format!("# file: {}", p.display()),
        Some(p) => format!("# file: {} (not there; sp1top config --init writes it)", p.display()),
        None => "# file: none, as neither XDG_CONFIG_HOME nor HOME is set".into(),
    };
    print(&format!("{file}\n{}", resolved.text()))
}

/// Writes a file with everything commented out; never over one that is there.
fn init(path: Option<std::path::PathBuf>) -> Outcome {
    let path = path.ok_or_else(|| Failure::from("neither XDG_CONFIG_HOME nor HOME is set: set SP1TOP_CONFIG to the file to write"))?;
    let failed = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::from(format!("{} is there already; move it away, or see what it says with sp1top config", path.display()))
        }
        _ => Failure::from(format!("cannot write {}: {e}", path.display())),
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = std::fs::File::create_new(&path).map_err(failed)?;
    file.write_all(template().as_bytes()).map_err(failed)?;
    print(&format!("wrote {}\n", path.display()))
}
