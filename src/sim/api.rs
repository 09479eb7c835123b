//! The API: proof requests as its table keeps them, and its log.

use rustc_hash::FxHashMap;

use super::event::Event;
use super::log::{Level, Record};
use super::rng::secs;
use super::{Cluster, Refusal, id, sites};
use crate::base::{ProofId, Timestamp};

/// What kind of proof is asked for; the numbers of `options_artifact_id`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mode {
    /// Shard proofs only (1).
    Core,
    /// One compressed proof (2).
    Compressed,
    /// A plonk proof (3).
    Plonk,
    /// A groth16 proof (4).
    Groth16,
}

impl Mode {
    /// The number as `options_artifact_id` has it.
    #[must_use]
    pub const fn number(self) -> &'static str {
        match self {
            Self::Core => "1",
            Self::Compressed => "2",
            Self::Plonk => "3",
            Self::Groth16 => "4",
        }
    }

    /// Reads `options_artifact_id`.
    #[must_use]
    pub fn read(number: &str) -> Option<Self> {
        [Self::Core, Self::Compressed, Self::Plonk, Self::Groth16].into_iter().find(|m| m.number() == number)
    }
}

/// `proof_status` of a request, with the protocol's numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ProofStatus {
    /// 1: waiting, claimed or being proved; also past its deadline.
    Pending = 1,
    /// 2.
    Completed = 2,
    /// 3.
    Failed = 3,
    /// 4.
    Cancelled = 4,
}

/// How much work a proof is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Work {
    /// Shards of the guest's execution, each with a marker.
    pub shards: u32,
    /// Memory and precompile shards, without markers.
    pub memory_shards: u32,
    /// Batches of input proofs (RecursionDeferred).
    pub deferred: u32,
}

/// A request to be made: the fields of `ProofRequestCreateRequest`, and how
/// much work the simulation is to make of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewProof {
    /// Unique id.
    pub proof_id: ProofId,
    /// The program's artifact id.
    pub program_artifact_id: String,
    /// The input's artifact id.
    pub stdin_artifact_id: String,
    /// The mode's number; a request without it is never claimed.
    pub options_artifact_id: Option<String>,
    /// Where the result will be.
    pub proof_artifact_id: Option<String>,
    /// Who asks.
    pub requester: Vec<u8>,
    /// Unix seconds.
    pub deadline: u64,
    /// `u64::MAX` for none.
    pub cycle_limit: Option<u64>,
    /// `u64::MAX` for none.
    pub gas_limit: Option<u64>,
    /// Free text.
    pub scheduled_by: Option<String>,
    /// Whether the input is private.
    pub stdin_private: bool,
    /// How much work it is; the simulation chooses where `None`.
    pub work: Option<Work>,
}

/// A row of the API's table: the fields of `ProofRequest`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProofRequest {
    /// Unique id.
    pub id: ProofId,
    /// Its status.
    pub proof_status: ProofStatus,
    /// Who asked.
    pub requester: Vec<u8>,
    /// The input's artifact id.
    pub stdin_artifact_id: String,
    /// The program's artifact id.
    pub program_artifact_id: String,
    /// Where the result will be.
    pub proof_artifact_id: Option<String>,
    /// The mode's number.
    pub options_artifact_id: Option<String>,
    /// `u64::MAX` for none.
    pub cycle_limit: Option<u64>,
    /// `u64::MAX` for none.
    pub gas_limit: Option<u64>,
    /// Unix seconds.
    pub deadline: u64,
    /// Set only by the fulfiller of the public network.
    pub handled: bool,
    /// Always `null` here.
    pub metadata: String,
    /// Unix seconds.
    pub created_at: u64,
    /// Unix seconds; never differs from `created_at`.
    pub updated_at: u64,
    /// JSON of a failure, v2.4.0 and later.
    pub extra_data: Option<String>,
    /// Free text.
    pub scheduled_by: Option<String>,
    /// Whether the input is private.
    pub stdin_private: bool,
    /// How much work it is (not part of the protocol).
    pub work: Work,
    /// When its status became final (not part of the protocol).
    pub ended_at: Option<Timestamp>,
}

/// The API and its table.
#[derive(Default)]
pub(super) struct Api {
    pub rows: Vec<ProofRequest>,
    pub by_id: FxHashMap<ProofId, usize>,
    /// Rows that are PENDING, oldest first.
    pub pending: Vec<usize>,
    /// The pod that serves, while one does.
    pub pod: Option<usize>,
    /// Postgres cannot be reached: the API cannot start.
    pub database_down: bool,
}

impl Cluster {
    pub(super) fn api_log(&mut self, level: Level, site: super::log::Site, message: std::fmt::Arguments<'_>) {
        if let Some(pod) = self.api.pod {
            let stream = self.stream(pod);
            let at = self.now.plus(self.noise.micros(150, 900));
            self.log.put(stream, at, &Record::new(level, site, message));
        }
    }

    /// A request as the official client makes one: a `cli_<ms>` id of this
    /// moment, four hours of time, no limits.
    pub fn new_proof(&mut self, mode: Mode) -> NewProof {
        let mut ms = self.now.millis();
        while self.api.by_id.contains_key(&ProofId::new(&format!("cli_{ms}"))) {
            ms += 1;
        }
        let at = self.now;
        let mut artifact = || id::type_id("artifact", &mut self.rng, at);
        NewProof {
            proof_id: ProofId::new(&format!("cli_{ms}")),
            program_artifact_id: artifact(),
            stdin_artifact_id: artifact(),
            options_artifact_id: Some(mode.number().to_owned()),
            proof_artifact_id: Some(artifact()),
            requester: Vec::new(),
            deadline: u64::try_from(at.secs()).unwrap_or(0) + 4 * 3600,
            cycle_limit: Some(u64::MAX),
            gas_limit: Some(u64::MAX),
            scheduled_by: None,
            stdin_private: false,
            work: None,
        }
    }

    /// `ProofRequestCreate`.
    pub fn submit(&mut self, new: NewProof) -> Result<(), Refusal> {
        self.api_up()?;
        self.api_log(Level::Info, sites::API_CREATING, format_args!("Creating proof request with ID: {}", new.proof_id));
        if self.api.by_id.contains_key(&new.proof_id) {
            self.api_log(Level::Info, sites::API_EXISTS, format_args!("Proof request already exists: {}", new.proof_id));
            return Err(Refusal::AlreadyExists(new.proof_id));
        }
        let work = new.work.unwrap_or_else(|| {
            let shards = self.config.shards;
            self.some_work(shards)
        });
        let now = u64::try_from(self.now.secs()).unwrap_or(0);
        let row = self.api.rows.len();
        self.api.by_id.insert(new.proof_id.clone(), row);
        self.api.pending.push(row);
        self.api_log(Level::Info, sites::API_CREATED, format_args!("Successfully created proof request: {}", new.proof_id));
        self.api.rows.push(ProofRequest {
            id: new.proof_id,
            proof_status: ProofStatus::Pending,
            requester: new.requester,
            stdin_artifact_id: new.stdin_artifact_id,
            program_artifact_id: new.program_artifact_id,
            proof_artifact_id: new.proof_artifact_id,
            options_artifact_id: new.options_artifact_id,
            cycle_limit: new.cycle_limit,
            gas_limit: new.gas_limit,
            deadline: new.deadline,
            handled: false,
            metadata: "null".into(),
            created_at: now,
            updated_at: now,
            extra_data: None,
            scheduled_by: new.scheduled_by,
            stdin_private: new.stdin_private,
            work,
            ended_at: None,
        });
        Ok(())
    }

    /// `ProofRequestCancel`: CANCELLED if it was PENDING, and fine in any case.
    pub fn cancel(&mut self, proof: &ProofId) -> Result<(), Refusal> {
        self.api_up()?;
        self.api_log(Level::Info, sites::API_CANCELLING, format_args!("Cancelling proof request {proof}"));
        let Some(&row) = self.api.by_id.get(proof) else { return Ok(()) };
        if self.end_row(row, ProofStatus::Cancelled, None) {
            self.api_log(Level::Info, sites::API_CANCELLED, format_args!("Successfully cancelled proof request: {proof}"));
        }
        Ok(())
    }

    /// `ProofRequestGet`, which the API logs as the real one does.
    pub fn get_proof(&mut self, proof: &ProofId) -> Result<Option<&ProofRequest>, Refusal> {
        self.api_up()?;
        self.api_log(Level::Info, sites::API_GETTING, format_args!("Getting proof request with ID: {proof}"));
        Ok(self.api.by_id.get(proof).map(|&row| &self.api.rows[row]))
    }

    /// The clients of the oldest pending proofs ask how they are. (Not those of
    /// all: sixty of them would drown the log, here as there.)
    pub(super) fn clients_poll(&mut self) {
        self.agenda.add(self.now.plus(secs(self.config.client_poll)), Event::Poll);
        for row in self.api.pending.iter().take(8).copied().collect::<Vec<_>>() {
            let id = self.api.rows[row].id.clone();
            self.api_log(Level::Info, sites::API_GETTING, format_args!("Getting proof request with ID: {id}"));
        }
    }

    /// Where the API answers: `Err` with what a client sees while it does not.
    pub fn api_up(&self) -> Result<(), Refusal> {
        if self.api.pod.is_some() { Ok(()) } else { Err(Refusal::ApiUnavailable) }
    }

    /// Writes a final status; false where the row was final already.
    pub(super) fn end_row(&mut self, row: usize, status: ProofStatus, extra_data: Option<String>) -> bool {
        let now = self.now;
        let r = &mut self.api.rows[row];
        if r.proof_status != ProofStatus::Pending {
            return false;
        }
        (r.proof_status, r.extra_data, r.ended_at) = (status, extra_data, Some(now));
        self.api.pending.retain(|&p| p != row);
        true
    }

    /// The coordinator's `ProofRequestUpdate`.
    pub(super) fn update_row(&mut self, row: usize, status: ProofStatus, extra_data: Option<String>) -> bool {
        let id = self.api.rows[row].id.clone();
        self.api_log(Level::Info, sites::API_UPDATING, format_args!("Updating proof request with ID: {id}"));
        let written = self.end_row(row, status, extra_data);
        if written {
            self.api_log(Level::Info, sites::API_UPDATED, format_args!("Successfully updated proof request: {id}"));
        } else {
            self.api_log(Level::Info, sites::API_SKIPPED, format_args!("Proof request {id} no longer Pending; completion write skipped"));
        }
        written
    }
}
