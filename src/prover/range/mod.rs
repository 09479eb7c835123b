//! Range proofs and aggregations of op-succinct: its own programs `multi` and
//! `agg` are run in a given checkout, after a look at what they will need
//! (reference part 7).

pub mod check;
mod http;
pub mod output;
pub mod process;
pub mod saved;
pub mod session;

use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Blocks from the first to the second.
    Blocks(u64, u64),
    /// The newest finalised blocks, so many.
    Newest(u64),
    /// Range proofs put together: their names, the prover's address.
    Aggregate {
        /// File stems of `data/<chain>/proofs/range/`.
        proofs: Vec<String>,
        /// `0x…`
        prover: String,
    },
}

impl Task {
    /// What is wrong with it in itself.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Blocks(a, b) if a >= b => Err(format!("the first block ({a}) is not before the last ({b})")),
            Self::Newest(0) => Err("a range has at least one block".into()),
            Self::Aggregate { proofs, .. } if proofs.is_empty() => {
                Err("which range proofs? their names, with commas: 1000-1005,1005-1010".into())
            }
            Self::Aggregate { prover, .. } if !is_address(prover) => Err(format!("'{prover}' is no address of 0x and 40 hex digits")),
            _ => Ok(()),
        }
    }

    /// op-succinct's program.
    #[must_use]
    pub const fn program(&self) -> &'static str {
        match self {
            Self::Blocks(..) | Self::Newest(_) => "multi",
            Self::Aggregate { .. } => "agg",
        }
    }

    /// In short.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Blocks(a, b) => format!("range {a}-{b}"),
            Self::Newest(n) => format!("range of the newest {n} blocks"),
            Self::Aggregate { proofs, .. } => format!("aggregation of {} ranges", proofs.len()),
        }
    }
}

/// A run of one of the programs.
#[derive(Clone, Debug)]
pub struct Run {
    /// The checkout.
    pub dir: PathBuf,
    /// Its file of variables.
    pub env_file: PathBuf,
    /// What is proved.
    pub task: Task,
    /// Seconds until the client gives up.
    pub timeout_secs: u64,
    /// More arguments for the program.
    pub more: Vec<String>,
}

impl Run {
    /// A run in that checkout, as far as can be told without running anything.
    pub fn plan(dir: &Path, env_file: Option<&Path>, task: Task, timeout: Duration, more: Vec<String>) -> Result<Self, String> {
        let full = |p: &Path| std::path::absolute(p).map_err(|e| format!("{}: {e}", p.display()));
        let dir = full(dir)?;
        let hint = "give --op-succinct the folder that its repository was cloned into";
        match std::fs::metadata(&dir) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(format!("--op-succinct: there is no folder {}; {hint}", dir.display()));
            }
            Err(e) => return Err(format!("--op-succinct: cannot look into {}: {e}; {hint}", dir.display())),
            Ok(m) if !m.is_dir() => return Err(format!("--op-succinct: {} is no folder; {hint}", dir.display())),
            Ok(_) if !is_checkout(&dir) => {
                return Err(format!(
                    "--op-succinct: {} is no checkout of op-succinct, there is no Cargo.toml in it; {hint}",
                    dir.display()
                ));
            }
            Ok(_) => {}
        }
        let env_file = env_file.map_or_else(|| Ok(dir.join(".env")), full)?;
        task.check()?;
        Ok(Self { dir, env_file, task, timeout_secs: timeout.as_secs(), more })
    }

    /// Whether the range proofs are there that it puts together: agg panics on
    /// one that is not, after minutes of building.
    pub fn look_for_ranges(&self) -> Result<(), String> {
        let Task::Aggregate { proofs, .. } = &self.task else { return Ok(()) };
        let chains = || std::fs::read_dir(self.dir.join("data")).into_iter().flatten().flatten();
        for name in proofs {
            let mut places = chains().flat_map(|c| {
                let proofs = c.path().join("proofs");
                [proofs.join("range").join(format!("{name}.bin")), proofs.join(format!("{name}.bin"))]
            });
            if !places.any(|p| p.is_file()) {
                return Err(format!("there is no range proof {name}.bin under {}/data/*/proofs/range", self.dir.display()));
            }
        }
        Ok(())
    }

    /// The arguments of `cargo`; with `prove` a proof is made, else only its
    /// witness is run.
    #[must_use]
    pub fn arguments(&self, prove: bool) -> Vec<String> {
        let mut a: Vec<String> = ["run", "--bin", self.task.program(), "--release", "--", "--env-file"].map(String::from).to_vec();
        a.push(self.env_file.display().to_string());
        match &self.task {
            Task::Blocks(start, end) => a.extend(["--start".into(), start.to_string(), "--end".into(), end.to_string()]),
            Task::Newest(n) => a.extend(["--default-range".into(), n.to_string()]),
            // Three of agg's options have the same short form; only the long ones work.
            Task::Aggregate { proofs, prover } => a.extend(["--proofs".into(), proofs.join(","), "--prover".into(), prover.clone()]),
        }
        if prove {
            a.extend(["--prove".into(), "--cluster-timeout".into(), self.timeout_secs.to_string()]);
        }
        a.extend(self.more.iter().cloned());
        a
    }
}

fn is_address(text: &str) -> bool {
    text.strip_prefix("0x").is_some_and(|hex| hex.len() == 40 && hex.bytes().all(|c| c.is_ascii_hexdigit()))
}

/// True for what looks like a checkout of op-succinct.
#[must_use]
pub fn is_checkout(dir: &Path) -> bool {
    dir.join("Cargo.toml").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_those_of_multi_and_agg() {
        let run = |task, more: &[&str]| Run {
            dir: "/x".into(),
            env_file: "/x/.env".into(),
            task,
            timeout_secs: 21_600,
            more: more.iter().map(|s| (*s).into()).collect(),
        };
        assert_eq!(
            run(Task::Blocks(10, 15), &["--cache"]).arguments(true).join(" "),
            "run --bin multi --release -- --env-file /x/.env --start 10 --end 15 --prove --cluster-timeout 21600 --cache"
        );
        assert_eq!(
            run(Task::Newest(5), &[]).arguments(false).join(" "),
            "run --bin multi --release -- --env-file /x/.env --default-range 5"
        );
        let agg = Task::Aggregate { proofs: vec!["10-15".into(), "15-20".into()], prover: "0xab".into() };
        assert_eq!(
            run(agg, &[]).arguments(true).join(" "),
            "run --bin agg --release -- --env-file /x/.env --proofs 10-15,15-20 --prover 0xab --prove --cluster-timeout 21600"
        );
    }
}
