//! `sp1top doctor`: does everything between here and the proofs stand?
//!
//! A table of checks, one file each in `checks/`, run side by side, each with
//! its own time limit and all together within [`TOTAL`]. What several of them
//! need is asked once ([`facts::Facts`]). A check whose ground is missing is
//! skipped and says why, so that one cause is one failure.

pub mod checks;
pub mod env_file;
pub mod facts;
pub mod report;
pub mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};

use crate::sources::kube::access::AccessOptions;
pub use facts::Facts;
pub use report::{Checked, Report};

/// All checks together take no longer than this.
pub const TOTAL: Duration = Duration::from_millis(9_500);

/// What is examined.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The Kubernetes cluster; `None` with `--no-kube`.
    pub kube: Option<AccessOptions>,
    /// The namespace, also without Kubernetes: commands name it.
    pub namespace: String,
    /// The coordinator's URL; else through Kubernetes.
    pub coordinator_rpc: Option<String>,
    /// The API's URL; else through Kubernetes.
    pub cluster_rpc: Option<String>,
    /// The client's environment: `CLI_*`, `SP1_PROVER`, `AWS_*`, `RUST_LOG` and
    /// what else [`env_file::NAMES`] lists.
    pub env: BTreeMap<String, String>,
    /// op-succinct's environment file.
    pub env_file: Option<PathBuf>,
}

impl Config {
    /// Takes the client's variables of the environment file where this process's
    /// environment does not have them: as the programs that load it do.
    pub fn adopt_env_file(&mut self) {
        // What is wrong with the file is a check of its own.
        for (name, value) in self.env_file.as_deref().and_then(|p| env_file::read(p).ok()).unwrap_or_default() {
            self.env.entry(name).or_insert(value);
        }
        if self.cluster_rpc.is_none() {
            self.cluster_rpc = self.env.get("CLI_CLUSTER_RPC").filter(|v| !v.is_empty()).cloned();
        }
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It could not be made, or there was nothing to check.
    Skipped,
    /// As it should be.
    Pass,
    /// Something will hurt, or is missing that one can do without.
    Warn,
    /// Proofs cannot be made, or cannot be watched.
    Fail,
}

impl Status {
    /// `pass`, `warn`, `fail` or `skipped`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What mends it: in words, and as a command where there is one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fix {
    /// What to do.
    pub say: String,
    /// The command, with this cluster's names.
    pub run: Option<String>,
}

/// One thing among those that a check looked at.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Detail {
    /// How good it is.
    pub status: Status,
    /// What it is.
    pub text: String,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The worst of it.
    pub status: Status,
    /// In one line.
    pub summary: String,
    /// Why, where it is not as it should be.
    pub cause: Option<String>,
    /// The parts.
    pub details: Vec<Detail>,
    /// What mends it.
    pub fixes: Vec<Fix>,
}

impl Outcome {
    fn new(status: Status, summary: impl Into<String>) -> Self {
        Self { status, summary: summary.into(), cause: None, details: Vec::new(), fixes: Vec::new() }
    }

    /// All is well.
    #[must_use]
    pub fn pass(summary: impl Into<String>) -> Self {
        Self::new(Status::Pass, summary)
    }

    /// Something will hurt.
    #[must_use]
    pub fn warn(summary: impl Into<String>) -> Self {
        Self::new(Status::Warn, summary)
    }

    /// It does not work.
    #[must_use]
    pub fn fail(summary: impl Into<String>) -> Self {
        Self::new(Status::Fail, summary)
    }

    /// It was not looked at.
    #[must_use]
    pub fn skipped(why: impl Into<String>) -> Self {
        Self::new(Status::Skipped, why)
    }

    /// Says why.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds what to do, in words.
    #[must_use]
    pub fn say(mut self, say: impl Into<String>) -> Self {
        self.fixes.push(Fix { say: say.into(), run: None });
        self
    }

    /// Adds what to do, as a command.
    #[must_use]
    pub fn run(mut self, say: impl Into<String>, run: impl Into<String>) -> Self {
        self.fixes.push(Fix { say: say.into(), run: Some(run.into()) });
        self
    }

    /// Adds a part; the whole is as bad as its worst part.
    pub fn add(&mut self, status: Status, text: impl Into<String>) {
        self.status = self.status.max(status);
        self.details.push(Detail { status, text: text.into() });
    }
}

/// One check.
pub struct Check {
    /// Its name in the JSON.
    pub id: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// What it looks at, in a sentence.
    pub about: &'static str,
    /// How long it may take.
    pub limit: Duration,
    /// Does it.
    pub run: fn(Arc<Facts>) -> BoxFuture<'static, Outcome>,
}

/// Makes all checks. `told` hears of each as it ends.
pub async fn examine(config: Config, mut told: impl FnMut(&Checked)) -> Report {
    let begun = Instant::now();
    let facts = Arc::new(Facts::new(config));
    let mut running: FuturesUnordered<_> = checks::TABLE
        .iter()
        .enumerate()
        .map(|(place, check)| {
            let facts = Arc::clone(&facts);
            async move {
                let limit = check.limit.min(TOTAL);
                // In a task of its own: a check that blocks or panics harms no other.
                let mut task = tokio::spawn((check.run)(facts));
                let outcome = match tokio::time::timeout(limit, &mut task).await {
                    Ok(Ok(outcome)) => outcome,
                    Ok(Err(e)) => {
                        Outcome::fail(format!("the check itself failed: {e}")).say("report it with the output of sp1top --version")
                    }
                    Err(_) => {
                        task.abort();
                        Outcome::fail(format!("no answer within {} s", limit.as_secs_f32()))
                            .because("what it asks hangs, or the way to it is slow")
                            .say("look at the checks above; try again, and see whether the network or the service is overloaded")
                    }
                };
                (place, Checked::new(check, outcome, begun.elapsed()))
            }
        })
        .collect();
    let mut done = Vec::with_capacity(checks::TABLE.len());
    while let Some((place, checked)) = running.next().await {
        told(&checked);
        done.push((place, checked));
    }
    done.sort_by_key(|(place, _)| *place);
    Report::new(done.into_iter().map(|(_, c)| c).collect(), begun.elapsed())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_check_is_whole() {
        let mut ids = BTreeSet::new();
        for c in checks::TABLE {
            assert!(ids.insert(c.id), "{} twice", c.id);
            assert!(c.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", c.id);
            assert!(!c.title.is_empty() && c.about.ends_with('.') && c.about.len() > 20, "{}", c.id);
            assert!(c.limit <= TOTAL, "{}", c.id);
        }
    }

    #[tokio::test]
    async fn without_anything_it_still_answers() {
        let report = examine(Config { namespace: "sp1-cluster".into(), ..Config::default() }, |_| {}).await;
        assert_eq!(report.checks.len(), checks::TABLE.len());
        let of = |id: &str| report.checks.iter().find(|c| c.id == id).unwrap();
        assert_eq!(of("kubeconfig").status, Status::Skipped);
        assert!(of("kubeconfig").summary.contains("--no-kube"), "{}", of("kubeconfig").summary);
        assert_eq!(of("pods").status, Status::Skipped);
        assert!(!report.failed());
        assert!(report.checks.iter().all(|c| !c.summary.is_empty()));
    }

    #[test]
    fn a_whole_is_as_bad_as_its_worst_part() {
        let mut o = Outcome::pass("x");
        o.add(Status::Skipped, "a");
        assert_eq!(o.status, Status::Pass);
        o.add(Status::Fail, "b");
        o.add(Status::Warn, "c");
        assert_eq!(o.status, Status::Fail);
    }
}
