//! The kubeconfig, read as kubectl reads it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use kube::config::{Kubeconfig, KubeconfigError};

use super::access::chain;
use crate::base::redact::redact;
use crate::sources::files::unreadable;

/// Why there is no kubeconfig.
#[derive(Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is none: what was looked for.
    Missing(String),
    /// There is one that cannot be read: which, and why.
    Broken(String),
}

/// Reads the files that `KUBECONFIG` names, else `~/.kube/config`.
///
/// # Errors
///
/// When there is none of them, or one of them cannot be read.
pub fn read() -> Result<Kubeconfig, Trouble> {
    let named = std::env::var_os("KUBECONFIG").unwrap_or_default();
    if let Some(merged) = merged(&named)? {
        return Ok(merged);
    }
    Kubeconfig::read().map_err(|e| match e {
        KubeconfigError::ReadConfig(e, path) if e.kind() == std::io::ErrorKind::NotFound => {
            Trouble::Missing(format!("there is no {}", path.display()))
        }
        KubeconfigError::ReadConfig(e, path) => Trouble::Broken(unreadable(&path, &e)),
        KubeconfigError::FindPath => Trouble::Missing("KUBECONFIG is not set, and there is no home folder".into()),
        e => Trouble::Broken(format!("~/.kube/config: {}", why(&e))),
    })
}

/// The files of a list of paths as one; `None` where the list is empty. Like
/// kubectl it passes over files that there are not, as long as there is one.
fn merged(list: &OsStr) -> Result<Option<Kubeconfig>, Trouble> {
    let paths: Vec<PathBuf> = std::env::split_paths(list).filter(|p| !p.as_os_str().is_empty()).collect();
    let mut out: Option<Kubeconfig> = None;
    for path in paths.iter().filter(|p| p.exists()) {
        let broken = |e: &KubeconfigError| Trouble::Broken(format!("{}: {}", path.display(), why(e)));
        let next = of_file(path).map_err(Trouble::Broken)?;
        out = Some(match out {
            Some(before) => before.merge(next).map_err(|e| broken(&e))?,
            None => next,
        });
    }
    match &paths[..] {
        [one] if out.is_none() => Err(Trouble::Missing(format!("KUBECONFIG names {}, which is not there", one.display()))),
        [_, ..] if out.is_none() => Err(Trouble::Missing("KUBECONFIG names files of which none is there".into())),
        _ => Ok(out),
    }
}

/// Reads one file.
///
/// # Errors
///
/// When it cannot be read: the path, and why.
pub fn of_file(path: &Path) -> Result<Kubeconfig, String> {
    std::fs::File::open(path).map_err(|e| unreadable(path, &e))?;
    Kubeconfig::read_from(path).map_err(|e| format!("{}: {}", path.display(), why(&e)))
}

/// Without the lines of the file that the error shows: they may hold a token.
fn why(e: &KubeconfigError) -> String {
    let all = chain(e);
    redact(all.split("-->").next().unwrap_or_default().trim()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_there_are_not_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let context = |name: &str| format!("contexts: [{{name: {name}, context: {{cluster: c, user: u}}}}]\n");
        let (a, b) = (file("a", &context("eu")), file("b", &context("us")));
        let gone = dir.path().join("gone");
        let read = |paths: &[&Path]| merged(&std::env::join_paths(paths).unwrap());
        let names = |k: Kubeconfig| k.contexts.into_iter().map(|c| c.name).collect::<Vec<_>>();
        assert_eq!(names(read(&[&gone, &a, &b]).unwrap().unwrap()), ["eu", "us"]);
        assert!(merged(OsStr::new(":")).unwrap().is_none(), "as if it were not set");
        let Err(Trouble::Missing(why)) = read(&[&gone]) else { panic!() };
        assert!(why.contains("gone"), "{why}");
        assert!(matches!(read(&[&gone, &gone]), Err(Trouble::Missing(_))));
        // What cannot be read is named, and nothing of it is shown.
        let bad = file("bad", "users: [{name: u, user: {token: s3cr3t}}\ncontexts: [");
        let Err(Trouble::Broken(why)) = read(&[&a, &bad]) else { panic!() };
        assert!(why.contains("/bad: ") && !why.contains("s3cr3t"), "{why}");
    }
}
