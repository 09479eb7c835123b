//! Range proofs and aggregations of op-succinct: its own programs `multi` and
//! `agg` are run in a given checkout, after a look at what they will need
//! (reference part 7).

pub mod check;
mod http;
pub mod output;
pub mod process;
pub mod saved;

use std::path::{Path, PathBuf};

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
