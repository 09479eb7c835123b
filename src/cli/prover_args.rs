//! The arguments of the commands that send, follow and fetch proofs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::event::ProofMode;

/// The artifact store of the cluster
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "The artifact store")]
pub struct StoreArgs {
    /// Read CLI_* and AWS_* variables from this file; the environment goes before it
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// Redis URLs with commas, in the cluster's order [env: CLI_REDIS_NODES]
    #[arg(long, value_name = "URL,...")]
    pub redis_nodes: Option<String>,
    /// S3 bucket [env: CLI_S3_BUCKET]
    #[arg(long, value_name = "NAME")]
    pub s3_bucket: Option<String>,
    /// Region of the bucket [env: CLI_S3_REGION]
    #[arg(long, value_name = "NAME")]
    pub s3_region: Option<String>,
}

/// What is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProgramName {
    /// The built-in test program
    Fibonacci,
    /// A program of your own: an SP1 v6 ELF
    Elf,
}

/// A proof mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeName {
    /// Shard proofs only: the quickest
    Core,
    /// One recursive proof
    Compressed,
    /// Wrapped for the EVM, PLONK
    Plonk,
    /// Wrapped for the EVM, Groth16
    Groth16,
}

impl From<ModeName> for ProofMode {
    fn from(m: ModeName) -> Self {
        match m {
            ModeName::Core => Self::Core,
            ModeName::Compressed => Self::Compressed,
            ModeName::Plonk => Self::Plonk,
            ModeName::Groth16 => Self::Groth16,
        }
    }
}

/// Progress for people or programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lines {
    /// A line for each step
    Text,
    /// A JSON object for each step
    Jsonl,
}

/// Arguments of `prove`.
#[derive(Clone, Debug, Args)]
pub struct ProveArgs {
    /// What is proved
    #[arg(value_enum, required_unless_present = "elf")]
    pub program: Option<ProgramName>,
    /// The ELF, for `prove elf FILE`
    #[arg(value_name = "FILE", conflicts_with = "elf")]
    pub file: Option<PathBuf>,
    /// The ELF to prove
    #[arg(long, value_name = "FILE")]
    pub elf: Option<PathBuf>,
    /// fibonacci: which number; about five cycles each
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub n: u32,
    /// The program's whole input: a bincode SP1Stdin, compressed or not
    #[arg(long, value_name = "FILE", conflicts_with = "input")]
    pub stdin: Option<PathBuf>,
    /// An input item, once for each: hex digits, or @FILE for a file's bytes
    #[arg(long, value_name = "HEX|@FILE")]
    pub input: Vec<String>,
    /// Send the program without looking at it first
    #[arg(long)]
    pub no_elf_check: bool,
    /// Proof mode
    #[arg(long, value_enum, default_value_t = ModeName::Compressed)]
    pub mode: ModeName,
    /// How many proofs at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub count: u16,
    /// From sending to the deadline: 90s, 30m, 4h
    #[arg(long, value_name = "TIME", default_value = "4h", value_parser = duration)]
    pub timeout: Duration,
    /// Cycles that the program may take [default: no limit]
    #[arg(long, value_name = "N")]
    pub cycle_limit: Option<u64>,
    /// Gas that the proof may take [default: no limit]
    #[arg(long, value_name = "N")]
    pub gas_limit: Option<u64>,
    /// File or folder for the proof [default: ./PROOF_ID.bin]
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// Only send it; attach to it later
    #[arg(long)]
    pub detach: bool,
    /// Do not download the proof when it is complete
    #[arg(long)]
    pub no_fetch: bool,
    /// How progress is told
    #[arg(short, long, value_enum, default_value_t = Lines::Text)]
    pub output: Lines,
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened: the documentation would become help")]
    pub store: StoreArgs,
}

/// Arguments of `range-proof`.
#[derive(Clone, Debug, Args)]
pub struct RangeProofArgs {
    /// The checkout of op-succinct
    #[arg(long, value_name = "DIR")]
    pub op_succinct: PathBuf,
    /// Its file of variables [default: .env in the checkout]
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// First block
    #[arg(long, value_name = "N", requires = "end")]
    pub start: Option<u64>,
    /// Last block
    #[arg(long, value_name = "N", requires = "start")]
    pub end: Option<u64>,
    /// The newest finalised blocks, so many [default: 5]
    #[arg(long, value_name = "N", conflicts_with_all = ["start", "end"])]
    pub default_range: Option<u64>,
    /// Aggregate these range proofs instead: 1000-1005,1005-1010
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', requires = "prover", conflicts_with_all = ["start", "end", "default_range"])]
    pub agg: Vec<String>,
    /// The prover's address, for --agg
    #[arg(long, value_name = "0x...", requires = "agg")]
    pub prover: Option<String>,
    /// Make the proof on the cluster; else only the witness is run here
    #[arg(long)]
    pub prove: bool,
    /// With --prove: do not run the witness here first
    #[arg(long)]
    pub skip_witness: bool,
    /// Do not ask the RPC servers first
    #[arg(long)]
    pub skip_checks: bool,
    /// When the client gives up on the cluster: 90m, 6h
    #[arg(long, value_name = "TIME", default_value = "6h", value_parser = duration)]
    pub cluster_timeout: Duration,
    /// Keep the witness for the next run
    #[arg(long)]
    pub cache: bool,
    /// When stopped: cancel the proof too, without asking
    #[arg(long)]
    pub cancel_on_stop: bool,
}

/// Arguments of `proofs`.
#[derive(Clone, Debug, Args)]
pub struct ProofsArgs {
    /// What to do with them
    #[command(subcommand)]
    pub command: ProofsCommand,
}

/// What can be done with proofs.
#[derive(Clone, Debug, Subcommand)]
pub enum ProofsCommand {
    /// The cluster's requests, the newest first
    List(ListArgs),
    /// Go on with a proof: send it if that was interrupted, follow it, fetch it
    Attach(AttachArgs),
    /// Cancel a request; asks first
    Cancel(CancelArgs),
    /// Download a finished proof, also one that another client asked for
    Fetch(FetchArgs),
}

/// Arguments of `proofs list`.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// Only these
    #[arg(long, value_enum, value_delimiter = ',')]
    pub status: Vec<StatusName>,
    /// Only those of the last: 30m, 4h, 7d
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub since: Option<Duration>,
    /// At most so many; 0 for all
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// As text for people or as JSON
    #[arg(short, long, value_enum, default_value_t = super::args::Format::Text)]
    pub output: super::args::Format,
    /// Read CLI_CLUSTER_RPC from this file
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
}

/// A status to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusName {
    /// Waiting or being proved
    Pending,
    /// Done
    Completed,
    /// Given up by the cluster
    Failed,
    /// Cancelled by somebody
    Cancelled,
    /// Still pending, but past its deadline: nobody works on it
    Expired,
}

impl StatusName {
    /// As it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// Arguments of `proofs attach`.
#[derive(Clone, Debug, Args)]
pub struct AttachArgs {
    /// The proof [default: all of the journal that are not over]
    pub id: Option<String>,
    /// File or folder for the proof
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// Do not download the proof when it is complete
    #[arg(long)]
    pub no_fetch: bool,
    /// How progress is told
    #[arg(short, long, value_enum, default_value_t = Lines::Text)]
    pub output: Lines,
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened: the documentation would become help")]
    pub store: StoreArgs,
}

/// Arguments of `proofs cancel`.
#[derive(Clone, Debug, Args)]
pub struct CancelArgs {
    /// The proof
    pub id: String,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Read CLI_CLUSTER_RPC from this file
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
}

/// Arguments of `proofs fetch`.
#[derive(Clone, Debug, Args)]
pub struct FetchArgs {
    /// The proof
    pub id: String,
    /// File or folder for the proof [default: where it was to go, else ./PROOF_ID.bin]
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// How progress is told
    #[arg(short, long, value_enum, default_value_t = Lines::Text)]
    pub output: Lines,
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened: the documentation would become help")]
    pub store: StoreArgs,
}

/// Reads `90`, `90s`, `30m`, `4h`, `7d`.
pub fn duration(s: &str) -> Result<Duration, String> {
    crate::base::units::parse_duration(s).ok_or_else(|| "a time is a number above 0 with s, m, h or d behind it: 90s, 30m, 4h".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("4h"), Ok(Duration::from_secs(14_400)));
        for bad in ["", "0", "h", "4x", "-1", "1.5h", "99999999999999999999d"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
