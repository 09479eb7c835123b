//! The file that a run leaves.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Task;
use crate::prover::proof::{ProofHead, head};

/// A proof that was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Where.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// What it says of itself; `None` where that cannot be read.
    pub head: Option<ProofHead>,
}

/// Finds the proof: where the program said, else where versions of op-succinct
/// put it, if it is newer than `since`.
#[must_use]
pub fn find(dir: &Path, task: &Task, said: Option<&str>, since: SystemTime) -> Option<Saved> {
    let mut places: Vec<PathBuf> = said.map(|s| dir.join(s)).into_iter().collect();
    match task {
        Task::Blocks(a, b) => places.extend(chains(dir).flat_map(|c| {
            let name = format!("{a}-{b}.bin");
            // Before #820 (2026-03-06) without `range/`.
            [c.join("proofs").join("range").join(&name), c.join("proofs").join(&name)]
        })),
        Task::Newest(_) => {
            let folders = chains(dir).flat_map(|c| [c.join("proofs").join("range"), c.join("proofs")]);
            let mut all: Vec<(SystemTime, PathBuf)> = folders.flat_map(|f| files(&f)).collect();
            all.sort();
            places.extend(all.pop().map(|(_, p)| p));
        }
        Task::Aggregate { .. } => places.push(dir.join("output.bin")),
    }
    places.into_iter().find_map(|path| {
        let about = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        // File systems keep coarser times than clocks.
        let limit = since.checked_sub(std::time::Duration::from_secs(2)).unwrap_or(since);
        if about.modified().is_ok_and(|t| t < limit) {
            return None;
        }
        let raw = std::fs::read(&path).ok()?;
        // The SDK's own form has an empty option behind the three fields.
        let whole = raw.strip_suffix(&[0]).and_then(|r| head(r).ok()).or_else(|| head(&raw).ok());
        Some(Saved { path, bytes: about.len(), head: whole })
    })
}

fn chains(dir: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(dir.join("data")).into_iter().flatten().flatten().map(|e| e.path())
}

fn files(dir: &Path) -> Vec<(SystemTime, PathBuf)> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(|e| e.path().extension().is_some_and(|x| x == "bin"))
        .filter_map(|e| Some((e.metadata().ok()?.modified().ok()?, e.path())))
        .collect()
}
