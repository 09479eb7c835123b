//! Jobs on disk: `<dir>/<proof id>/job.json`, and beside it what is still to be
//! uploaded. A job is there before anything of it is sent, so that a crash at
//! any point loses nothing; every change replaces the file in one step.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::job::{Job, SCHEMA};

/// The folder of all jobs.
#[derive(Clone, Debug)]
pub struct Journal {
    dir: PathBuf,
}

/// Jobs that are over and are kept for comparison; older ones are forgotten.
const KEEP: usize = 500;

/// The right to move a job on; held by at most one process.
#[derive(Debug)]
pub struct Hold {
    _file: File,
}

impl Journal {
    /// The jobs in `dir`.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Where jobs are by default: `$XDG_STATE_HOME/sp1top/jobs`, else
    /// `~/.local/state/sp1top/jobs`.
    pub fn default_dir(env: impl Fn(&str) -> Option<String>) -> Result<PathBuf, String> {
        let absolute = |v: String| Some(PathBuf::from(v)).filter(|p| p.is_absolute());
        let state = env("XDG_STATE_HOME").and_then(absolute);
        let state = state.or_else(|| env("HOME").and_then(absolute).map(|h| h.join(".local").join("state")));
        state.map(|s| s.join("sp1top").join("jobs")).ok_or_else(|| "there is no place for the journal: set HOME or XDG_STATE_HOME".into())
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn folder(&self, id: &str) -> Result<PathBuf, String> {
        // An id comes from the command line too and must stay in this folder.
        if !crate::base::id::is_clean(id.as_bytes()) || id.contains(['/', '\0']) || id.starts_with('.') {
            return Err(format!("'{id}' is no proof id"));
        }
        Ok(self.dir.join(id))
    }

    /// Writes a new job with what it will upload: file name, bytes.
    pub fn create(&self, job: &Job, payloads: &[(&str, &[u8])]) -> Result<(), String> {
        let folder = self.folder(&job.proof_id)?;
        let failed = |e: io::Error| {
            format!("cannot write the journal in {}: {e}; set XDG_STATE_HOME to a folder that can be written", folder.display())
        };
        private_folder(&folder).map_err(failed)?;
        for (name, bytes) in payloads {
            write_whole(&folder.join(name), bytes).map_err(failed)?;
        }
        self.save(job)
    }

    /// Replaces a job's file.
    pub fn save(&self, job: &Job) -> Result<(), String> {
        let path = self.folder(&job.proof_id)?.join("job.json");
        let text = serde_json::to_vec_pretty(job).map_err(|e| format!("the job cannot be written: {e}"))?;
        write_whole(&path, &text).map_err(|e| format!("cannot write {}: {e}; the proof itself is not touched by that", path.display()))
    }

    /// Reads what a job has still to upload.
    pub fn payload(&self, id: &str, name: &str) -> Result<Vec<u8>, String> {
        let path = self.folder(id)?.join(name);
        fs::read(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))
    }

    /// Forgets what is uploaded.
    pub fn drop_payload(&self, id: &str, name: &str) {
        if let Ok(folder) = self.folder(id) {
            // It only takes room when it stays.
            let _ = fs::remove_file(folder.join(name));
        }
    }

    /// The job of that id; `None` where there is none.
    pub fn load(&self, id: &str) -> Result<Option<Job>, String> {
        let path = self.folder(id)?.join("job.json");
        read_job(&path)
    }

    /// All jobs, the newest first. Files that cannot be read are left out and
    /// told.
    pub fn all(&self) -> (Vec<Job>, Vec<String>) {
        let (mut jobs, mut bad) = (Vec::new(), Vec::new());
        let Ok(entries) = fs::read_dir(&self.dir) else { return (jobs, bad) };
        for entry in entries.flatten() {
            match read_job(&entry.path().join("job.json")) {
                Ok(Some(job)) => jobs.push(job),
                Ok(None) => {}
                Err(e) => bad.push(e),
            }
        }
        jobs.sort_by(|a, b| (b.created_at, &b.proof_id).cmp(&(a.created_at, &a.proof_id)));
        (jobs, bad)
    }

    /// Takes the job for this process until the hold is dropped (or the process
    /// dies); `None` when another one has it.
    pub fn hold(&self, id: &str) -> Result<Option<Hold>, String> {
        let folder = self.folder(id)?;
        let path = folder.join("lock");
        let file = private_folder(&folder).and_then(|()| File::options().create(true).truncate(false).write(true).open(&path));
        let file = file.map_err(|e| format!("cannot open {}: {e}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Hold { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(e)) => Err(format!("cannot lock {}: {e}", path.display())),
        }
    }

    /// Removes the oldest jobs that are over, beyond what is kept.
    pub fn prune(&self) {
        let (jobs, _) = self.all();
        for job in jobs.iter().filter(|j| j.state.is_over()).skip(KEEP) {
            if let Ok(folder) = self.folder(&job.proof_id) {
                let _ = fs::remove_dir_all(folder);
            }
        }
    }
}

fn read_job(path: &Path) -> Result<Option<Job>, String> {
    let text = match fs::read(path) {
        Ok(t) => t,
        Err(e) if e.kind() == io::ErrorKind::NotFound || e.kind() == io::ErrorKind::NotADirectory => return Ok(None),
        Err(e) => return Err(format!("cannot read {}: {e}", path.display())),
    };
    let job: Job = serde_json::from_slice(&text).map_err(|e| format!("{} is no job of this version: {e}", path.display()))?;
    if job.schema != SCHEMA {
        return Err(format!("{} is a {}; this sp1top knows {SCHEMA}", path.display(), job.schema));
    }
    Ok(Some(job))
}

/// Makes a folder that only its owner reads: inputs may be secret.
fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file in one step: whoever reads sees the old one or the new one,
/// whole, also after a crash.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = folder.join(format!(".{name}.{}.part", std::process::id()));
    let write = || {
        let mut file = File::create(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, path)?;
        // The rename itself must survive a power cut.
        File::open(folder)?.sync_all()
    };
    let done = write();
    if done.is_err() {
        let _ = fs::remove_file(&aside);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prover::job::JobState;
    use crate::prover::job::tests::{job, ran};

    #[test]
    fn jobs_are_kept_and_found_the_newest_first() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::new(dir.path().join("jobs"));
        assert_eq!(journal.all(), (vec![], vec![]));
        let mut old = job("cli_1_a");
        journal.create(&old, &[("stdin.zst", b"abc")]).unwrap();
        let mut new = job("cli_2_b");
        new.created_at = crate::base::Timestamp::from_secs(2_000);
        journal.create(&new, &[]).unwrap();
        assert_eq!(journal.payload("cli_1_a", "stdin.zst").unwrap(), b"abc");
        old.state = JobState::Submitted;
        journal.save(&old).unwrap();
        journal.drop_payload("cli_1_a", "stdin.zst");
        assert!(journal.payload("cli_1_a", "stdin.zst").is_err());
        assert_eq!(journal.load("cli_1_a").unwrap(), Some(old.clone()));
        assert_eq!(journal.load("cli_3").unwrap(), None);
        assert_eq!(journal.all(), (vec![new, old], vec![]));
        // Nothing half written stays.
        let names: Vec<_> = fs::read_dir(dir.path().join("jobs/cli_1_a")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["job.json"]);
    }

    #[test]
    fn what_cannot_be_read_is_told_and_nothing_leaves_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::new(dir.path().to_owned());
        fs::create_dir(dir.path().join("cli_9")).unwrap();
        fs::write(dir.path().join("cli_9/job.json"), "{").unwrap();
        let (jobs, bad) = journal.all();
        assert!(jobs.is_empty() && bad.len() == 1 && bad[0].contains("cli_9"), "{bad:?}");
        for id in ["../x", "a/b", ".hidden", "", "a b"] {
            assert!(journal.load(id).is_err(), "{id}");
        }
    }

    #[test]
    fn one_process_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::new(dir.path().to_owned());
        journal.create(&job("cli_1"), &[]).unwrap();
        let hold = journal.hold("cli_1").unwrap();
        assert!(hold.is_some() && journal.hold("cli_1").unwrap().is_none());
        drop(hold);
        assert!(journal.hold("cli_1").unwrap().is_some());
    }

    #[test]
    fn old_jobs_are_forgotten_and_open_ones_never() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::new(dir.path().to_owned());
        journal.create(&job("open"), &[]).unwrap();
        for n in 0..4 {
            let mut j = ran(&format!("j{n}"), 1);
            j.created_at = crate::base::Timestamp::from_secs(3_000 + n);
            journal.create(&j, &[]).unwrap();
        }
        journal.prune();
        assert_eq!(journal.all().0.len(), 5, "below what is kept");
    }

    #[test]
    fn the_folder_follows_the_environment() {
        let dir =
            |pairs: &'static [(&str, &str)]| Journal::default_dir(|n| pairs.iter().find(|(k, _)| *k == n).map(|(_, v)| (*v).to_owned()));
        assert_eq!(dir(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")]).unwrap(), Path::new("/s/sp1top/jobs"));
        assert_eq!(dir(&[("XDG_STATE_HOME", "relative"), ("HOME", "/h")]).unwrap(), Path::new("/h/.local/state/sp1top/jobs"));
        assert!(dir(&[]).is_err());
    }
}
