//! Answers of the coordinator and the API: protobuf as they come over the wire,
//! and JSON as recorders and `grpcurl` write it (numbers of 64 bits as text,
//! enumerations by name).

use prost::Message;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Out, safe};
use crate::base::id::is_clean;
use crate::base::{ProofId, TaskType, Timestamp};
use crate::event::{ComponentVersion, Level, LogRecord, ProofMode, ProofRow, ProofStatus, Stats, UnreadReason, What};
use crate::proto::{cluster, worker};

/// `worker.GetStatsResponse`. Proto3 does not send zeros, so that absent is 0
/// here; an empty version is unknown.
pub(super) fn stats(raw: &[u8], out: &mut Out<'_>) {
    let Ok(s) = worker::GetStatsResponse::decode(raw) else { return out.unread(UnreadReason::BadMessage, raw) };
    let version = |v: String| (!v.is_empty()).then(|| safe(&v, 128));
    out.push(What::Stats(Box::new(Stats {
        coordinator_version: version(s.coordinator_version),
        sp1_circuit_version: version(s.sp1_circuit_version),
        total_tasks: Some(s.total_tasks),
        active_tasks: Some(s.active_tasks),
        cpu_workers: Some(s.cpu_workers),
        gpu_workers: Some(s.gpu_workers),
        cpu_utilization_current: Some(s.cpu_utilization_current),
        cpu_utilization_max: Some(s.cpu_utilization_max),
        gpu_utilization_current: Some(s.gpu_utilization_current),
        gpu_utilization_max: Some(s.gpu_utilization_max),
        active_proofs: Some(s.active_proofs),
        cpu_queue: Some(s.cpu_queue),
        gpu_queue: Some(s.gpu_queue),
        active_subscribers: Some(s.active_subscribers),
        from_grpc: true,
    })));
}

/// `cluster.ProofRequestListResponse`; an answer to `ProofRequestGet` reads the
/// same (the request has the same number).
pub(super) fn proofs(raw: &[u8], out: &mut Out<'_>) {
    let Ok(list) = cluster::ProofRequestListResponse::decode(raw) else { return out.unread(UnreadReason::BadMessage, raw) };
    let mut rows = Vec::with_capacity(list.proof_requests.len());
    for p in list.proof_requests {
        let id = p.id.clone();
        match row(p) {
            Some(r) => rows.push(r),
            None => out.unread(UnreadReason::Malformed, id.as_bytes()),
        }
    }
    out.push(What::ProofRows(rows));
}

/// `cluster.ClusterComponentManifest`: one entry a connected worker.
pub(super) fn manifest(raw: &[u8], out: &mut Out<'_>) {
    let Ok(m) = cluster::ClusterComponentManifest::decode(raw) else { return out.unread(UnreadReason::BadMessage, raw) };
    let version = |c: cluster::ClusterComponentInfo| ComponentVersion {
        component: safe(&c.component, 64),
        version: safe(&c.version, 64),
        git_sha: safe(&c.git_sha, 64),
        image_tag: safe(&c.image_tag, 128),
    };
    out.push(What::Manifest(m.components.into_iter().map(version).collect()));
}

/// A row of the API; `None` where its id or status is none.
fn row(p: cluster::ProofRequest) -> Option<ProofRow> {
    use cluster::ProofRequestStatus as S;
    let status = match S::try_from(p.proof_status).ok()? {
        S::Unspecified => return None,
        S::Pending => ProofStatus::Pending,
        S::Completed => ProofStatus::Completed,
        S::Failed => ProofStatus::Failed,
        S::Cancelled => ProofStatus::Cancelled,
    };
    let failure = p.extra_data.as_deref().and_then(failure);
    Some(ProofRow {
        id: ProofId::read(p.id.as_bytes())?,
        status,
        mode: p.options_artifact_id.as_deref().and_then(|m| ProofMode::read(m.as_bytes())),
        created_at: seconds(p.created_at)?,
        deadline: seconds(p.deadline).filter(|d| d.is_set()),
        proof_artifact: p.proof_artifact_id.and_then(artifact),
        program_artifact: artifact(p.program_artifact_id),
        failed_task: failure.as_ref().and_then(|f| f.task.clone()),
        failure: failure.map(|f| f.reason),
        cycles: p.execution_result.map(|r| r.cycles).filter(|c| *c > 0),
        handled: p.handled,
    })
}

/// Unix seconds as far as they can be a time (up to the year 9999).
fn seconds(s: u64) -> Option<Timestamp> {
    i64::try_from(s).ok().filter(|s| *s <= 253_402_300_799).map(Timestamp::from_secs)
}

/// An artifact's id where it may be one.
fn artifact(id: String) -> Option<String> {
    is_clean(id.as_bytes()).then_some(id)
}

/// Why a proof failed, from `extra_data` (v2.4.0 and later).
pub(super) struct Failure {
    pub(super) reason: String,
    task: Option<TaskType>,
}

pub(super) fn failure(extra: &str) -> Option<Failure> {
    #[derive(Deserialize)]
    struct Extra {
        proving_failure: Option<Proving>,
        failure_message: Option<String>,
    }
    #[derive(Deserialize)]
    struct Proving {
        reason: Option<String>,
        task_type: Option<String>,
    }
    let extra: Extra = serde_json::from_str(extra).ok()?;
    let (reason, task) = match extra.proving_failure {
        Some(p) => (p.reason, p.task_type),
        None => (extra.failure_message, None),
    };
    let reason = reason?;
    let first = reason.lines().map(str::trim).find(|l| !l.is_empty())?;
    Some(Failure { reason: safe(first, 300), task: task.and_then(|t| TaskType::read(t.as_bytes())) })
}

/// A whole number, bare or as text.
#[derive(Deserialize, Clone, Copy)]
#[serde(try_from = "Loose")]
struct Int(u64);

#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Number(u64),
    Text(String),
}

impl TryFrom<Loose> for Int {
    type Error = String;

    fn try_from(n: Loose) -> Result<Self, String> {
        match n {
            Loose::Number(n) => Ok(Self(n)),
            Loose::Text(s) => s.parse().map(Self).map_err(|_| format!("'{s}' is no number")),
        }
    }
}

/// `"t"` of a recorder's line: Unix seconds with a fraction.
pub(super) fn unix_seconds(raw: &str) -> Option<Timestamp> {
    let (whole, fraction) = raw.split_once('.').unwrap_or((raw, ""));
    let secs: u64 = whole.parse().ok()?;
    if !fraction.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6.6}").parse().ok()?;
    Some(Timestamp(seconds(secs)?.0 + micros))
}

/// GetStatsResponse as JSON: a field that is absent is unknown.
pub(super) fn json_stats(at: Timestamp, raw: &str, out: &mut Out<'_>) {
    #[derive(Deserialize)]
    struct Json {
        #[serde(alias = "coordinatorVersion")]
        coordinator_version: Option<String>,
        #[serde(alias = "sp1CircuitVersion")]
        sp1_circuit_version: Option<String>,
        #[serde(alias = "totalTasks")]
        total_tasks: Option<Int>,
        #[serde(alias = "activeTasks")]
        active_tasks: Option<Int>,
        #[serde(alias = "cpuWorkers")]
        cpu_workers: Option<Int>,
        #[serde(alias = "gpuWorkers")]
        gpu_workers: Option<Int>,
        #[serde(alias = "cpuUtilizationCurrent")]
        cpu_utilization_current: Option<Int>,
        #[serde(alias = "cpuUtilizationMax")]
        cpu_utilization_max: Option<Int>,
        #[serde(alias = "gpuUtilizationCurrent")]
        gpu_utilization_current: Option<Int>,
        #[serde(alias = "gpuUtilizationMax")]
        gpu_utilization_max: Option<Int>,
        #[serde(alias = "activeProofs")]
        active_proofs: Option<Int>,
        #[serde(alias = "cpuQueue")]
        cpu_queue: Option<Int>,
        #[serde(alias = "gpuQueue")]
        gpu_queue: Option<Int>,
        #[serde(alias = "activeSubscribers")]
        active_subscribers: Option<Int>,
    }
    let Ok(s) = serde_json::from_str::<Json>(raw) else { return out.unread(UnreadReason::Malformed, raw.as_bytes()) };
    let small = |n: Option<Int>| n.and_then(|n| u32::try_from(n.0).ok());
    let version = |v: Option<String>| v.filter(|v| !v.is_empty()).map(|v| safe(&v, 128));
    let stats = Stats {
        coordinator_version: version(s.coordinator_version),
        sp1_circuit_version: version(s.sp1_circuit_version),
        total_tasks: s.total_tasks.map(|n| n.0),
        active_tasks: small(s.active_tasks),
        cpu_workers: small(s.cpu_workers),
        gpu_workers: small(s.gpu_workers),
        cpu_utilization_current: small(s.cpu_utilization_current),
        cpu_utilization_max: small(s.cpu_utilization_max),
        gpu_utilization_current: small(s.gpu_utilization_current),
        gpu_utilization_max: small(s.gpu_utilization_max),
        active_proofs: small(s.active_proofs),
        cpu_queue: small(s.cpu_queue),
        gpu_queue: small(s.gpu_queue),
        active_subscribers: small(s.active_subscribers),
        from_grpc: true,
    };
    if stats == (Stats { from_grpc: true, ..Stats::default() }) {
        return out.unread(UnreadReason::Malformed, raw.as_bytes());
    }
    out.push_at(at, What::Stats(Box::new(stats)));
}

/// A list of proof requests as JSON.
pub(super) fn json_proofs(at: Timestamp, raw: &str, out: &mut Out<'_>) {
    let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(raw) else { return out.unread(UnreadReason::Malformed, raw.as_bytes()) };
    let mut rows = Vec::with_capacity(list.len());
    for item in list {
        match serde_json::from_str::<JsonProof>(item.get()).ok().and_then(JsonProof::row) {
            Some(r) => rows.push(r),
            None => out.unread(UnreadReason::Malformed, item.get().as_bytes()),
        }
    }
    out.push_at(at, What::ProofRows(rows));
}

/// A proof request as JSON.
#[derive(Deserialize)]
struct JsonProof {
    id: String,
    #[serde(alias = "proofStatus")]
    proof_status: Status,
    #[serde(alias = "programArtifactId")]
    program_artifact_id: Option<String>,
    #[serde(alias = "proofArtifactId")]
    proof_artifact_id: Option<String>,
    #[serde(alias = "optionsArtifactId")]
    options_artifact_id: Option<String>,
    #[serde(alias = "executionResult")]
    execution_result: Option<JsonExecution>,
    deadline: Option<Int>,
    #[serde(alias = "createdAt")]
    created_at: Int,
    #[serde(default)]
    handled: bool,
    #[serde(alias = "extraData")]
    extra_data: Option<String>,
}

#[derive(Deserialize)]
struct JsonExecution {
    cycles: Option<Int>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Status {
    Number(i32),
    Name(String),
}

impl JsonProof {
    fn row(self) -> Option<ProofRow> {
        let proof_status = match self.proof_status {
            Status::Number(n) => n,
            Status::Name(name) => cluster::ProofRequestStatus::from_str_name(&name)?.into(),
        };
        row(cluster::ProofRequest {
            id: self.id,
            proof_status,
            program_artifact_id: self.program_artifact_id.unwrap_or_default(),
            proof_artifact_id: self.proof_artifact_id,
            options_artifact_id: self.options_artifact_id,
            execution_result: self
                .execution_result
                .map(|r| cluster::ExecutionResult { cycles: r.cycles.map_or(0, |c| c.0), ..Default::default() }),
            deadline: self.deadline.map_or(0, |d| d.0),
            created_at: self.created_at.0,
            handled: self.handled,
            extra_data: self.extra_data,
            ..Default::default()
        })
    }
}

/// Components and their versions as JSON.
pub(super) fn json_manifest(raw: &str, out: &mut Out<'_>) {
    #[derive(Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct Info {
        component: String,
        version: String,
        #[serde(alias = "gitSha")]
        git_sha: String,
        #[serde(alias = "imageTag")]
        image_tag: String,
    }
    let Ok(list) = serde_json::from_str::<Vec<Info>>(raw) else { return out.unread(UnreadReason::UnknownDocument, raw.as_bytes()) };
    let version = |c: Info| ComponentVersion {
        component: safe(&c.component, 64),
        version: safe(&c.version, 64),
        git_sha: safe(&c.git_sha, 64),
        image_tag: safe(&c.image_tag, 128),
    };
    out.push(What::Manifest(list.into_iter().map(version).collect()));
}

/// A bare `extra_data` of a failed proof: it names no proof, so it is only shown.
pub(super) fn json_failure(raw: &str, out: &mut Out<'_>) {
    let Some(f) = failure(raw) else { return out.unread(UnreadReason::Malformed, raw.as_bytes()) };
    let target = "proving failure: ";
    let task = f.task.map(|t| format!("{t}: ")).unwrap_or_default();
    let text = format!("{target}{task}{}", f.reason).into_boxed_str();
    let target_len = u16::try_from(target.len()).unwrap_or(0);
    out.push(What::Log(LogRecord { level: Level::Error, periodic: false, text: text.into(), target_len, origin: None }));
}
