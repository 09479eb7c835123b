//! `proofs list`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::env_file;
use crate::base::{Timestamp, text, units};
use crate::cli::args::{Format, Place};
use crate::cli::client::{self, Client};
use crate::cli::prover_args::{ListArgs, StatusName};
use crate::cli::{Failure, Outcome, print};
use crate::event::ProofMode;
use crate::proto::cluster::{ProofRequest, ProofRequestListRequest, ProofRequestStatus};
use crate::prover::drive::{end_of, failure_of};
use crate::prover::job::{Job, JobState};
use crate::sources::grpc::calls::ClusterApi;
use crate::sources::grpc::tail::{NEWEST, PAGE, Tail};
use crate::sources::hub::{Clock as _, WallClock};

/// Up to so many requests are all read, which is right whatever the order in
/// which the API lists them (none before v2.7.1).
const WALK: u32 = 20_000;

#[derive(Serialize)]
struct List {
    schema: &'static str,
    at: Timestamp,
    proofs: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: String,
    status: &'static str,
    mode: Option<&'static str>,
    created_at: Timestamp,
    deadline: Timestamp,
    failure: Option<String>,
    cycles: Option<u64>,
    proof_artifact: Option<String>,
    /// What the journal knows.
    job: Option<JobRow>,
}

#[derive(Serialize)]
struct JobRow {
    state: &'static str,
    program: String,
    input: String,
    path: Option<String>,
}

impl From<&Job> for JobRow {
    fn from(j: &Job) -> Self {
        let path = j.fetched.as_ref().map(|f| f.path.display().to_string());
        Self { state: j.state.as_str(), program: j.program.clone(), input: j.input.clone(), path }
    }
}

pub(super) fn run(args: &ListArgs, place: &Place) -> Outcome {
    let settings = client::settings(&env_file(args.env_file.as_deref()))?;
    let client = Client::open(place, &settings)?;
    let now = WallClock.now();
    let (requests, all) = client.block_on(requests(&client.api, args, now))?;
    let jobs: BTreeMap<String, Job> =
        client::journal().map(|j| j.all().0).unwrap_or_default().into_iter().map(|j| (j.proof_id.clone(), j)).collect();
    let mut rows: Vec<Row> = requests.iter().map(|r| row(r, jobs.get(&r.id), now)).collect();
    let known: std::collections::BTreeSet<&str> = requests.iter().map(|r| r.id.as_str()).collect();
    // What was planned and did not reach the API is of this cluster too.
    let unsent = |j: &&Job| j.state < JobState::Submitted && j.cluster == client.cluster && !known.contains(j.proof_id.as_str());
    if args.status.is_empty() {
        rows.extend(jobs.values().filter(unsent).map(unsent_row));
    }
    rows.retain(|r| {
        (args.status.is_empty() || args.status.iter().any(|s| s.as_str() == r.status))
            && args.since.is_none_or(|d| now.since(r.created_at) <= d)
    });
    rows.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    let found = rows.len();
    if args.limit > 0 {
        rows.truncate(args.limit);
    }
    if args.output == Format::Json {
        let mut text = serde_json::to_string_pretty(&List { schema: "sp1top.proofs/1", at: now, proofs: rows })?;
        text.push('\n');
        return print(&text);
    }
    print(&table(&rows, found, all, now))
}

/// The requests that may fit; whether they are all there are.
async fn requests(api: &ClusterApi, args: &ListArgs, now: Timestamp) -> Result<(Vec<ProofRequest>, bool), Failure> {
    let mut status: Vec<i32> = args
        .status
        .iter()
        .map(|s| match s {
            StatusName::Pending | StatusName::Expired => ProofRequestStatus::Pending,
            StatusName::Completed => ProofRequestStatus::Completed,
            StatusName::Failed => ProofRequestStatus::Failed,
            StatusName::Cancelled => ProofRequestStatus::Cancelled,
        })
        .map(i32::from)
        .collect();
    status.dedup();
    let only_pending = args.status == [StatusName::Pending];
    let question = |offset: u32, limit: u32| ProofRequestListRequest {
        proof_status: status.clone(),
        minimum_deadline: only_pending.then(|| u64::try_from(now.secs()).unwrap_or(0)),
        limit: Some(limit),
        offset: Some(offset),
        ..ProofRequestListRequest::default()
    };
    let mut rows = api.list(&question(0, PAGE)).await?;
    if rows.len() < PAGE as usize {
        return Ok((rows, true));
    }
    // More than a page: find the end, and where that is far, read only the newest.
    let mut tail = Tail::default();
    let known = &status;
    let exists = |offset| async move { Ok::<_, Failure>(!api.list(&question_at(known, offset)).await?.is_empty()) };
    let end = tail.offset(exists).await? + NEWEST;
    let wanted = u32::try_from(args.limit).unwrap_or(WALK).max(PAGE);
    let all = end <= WALK || args.limit == 0;
    let mut offset = if all { PAGE } else { end.saturating_sub(wanted) };
    if !all {
        rows.clear();
    }
    loop {
        let page = api.list(&question(offset, PAGE)).await?;
        let short = page.len() < PAGE as usize;
        offset += PAGE;
        rows.extend(page);
        if short {
            break;
        }
    }
    // Rows that came while it was read may be on two pages.
    let mut seen = std::collections::BTreeSet::new();
    rows.retain(|r| seen.insert(r.id.clone()));
    Ok((rows, all))
}

fn question_at(status: &[i32], offset: u32) -> ProofRequestListRequest {
    ProofRequestListRequest { proof_status: status.to_vec(), limit: Some(1), offset: Some(offset), ..ProofRequestListRequest::default() }
}

fn time(secs: u64) -> Timestamp {
    Timestamp::from_secs(i64::try_from(secs).unwrap_or(0))
}

fn row(r: &ProofRequest, job: Option<&Job>, now: Timestamp) -> Row {
    let end = end_of(r);
    let status = match end {
        Some(s) => s.as_str(),
        None if time(r.deadline) < now => "expired",
        None => "pending",
    };
    Row {
        id: text::clean(r.id.as_bytes()).into_owned(),
        status,
        mode: r.options_artifact_id.as_deref().and_then(|o| ProofMode::read(o.as_bytes())).map(ProofMode::as_str),
        created_at: time(r.created_at),
        deadline: time(r.deadline),
        failure: (end == Some(JobState::Failed)).then(|| failure_of(r)),
        cycles: r.execution_result.as_ref().map(|e| e.cycles).filter(|c| *c > 0),
        proof_artifact: r.proof_artifact_id.clone(),
        job: job.map(JobRow::from),
    }
}

fn unsent_row(j: &Job) -> Row {
    Row {
        id: j.proof_id.clone(),
        status: "unsent",
        mode: Some(j.mode.as_str()),
        created_at: j.created_at,
        deadline: j.created_at.plus(std::time::Duration::from_secs(j.timeout_secs)),
        failure: None,
        cycles: None,
        proof_artifact: Some(j.proof_artifact.id.clone()),
        job: Some(JobRow::from(j)),
    }
}

fn table(rows: &[Row], found: usize, all: bool, now: Timestamp) -> String {
    let mut o = String::new();
    if rows.is_empty() {
        return "no proof requests fit\n".into();
    }
    let wide = rows.iter().map(|r| r.id.len()).max().unwrap_or(0).max(2);
    let _ = writeln!(o, "{:wide$}  {:9}  {:10}  {:>8}  {:>8}  NOTE", "ID", "STATUS", "MODE", "AGE", "DEADLINE");
    for r in rows {
        let ago = units::duration(now.since(r.created_at));
        let left = if r.status == "pending" { units::duration(r.deadline.since(now)) } else { "-".into() };
        let mut note: Vec<String> = Vec::new();
        if let Some(j) = &r.job {
            note.push(format!("{} ({})", j.program, j.input));
            match &j.path {
                Some(p) => note.push(p.clone()),
                None if r.status == "completed" => note.push("not fetched".into()),
                None if r.status == "unsent" => note.push("goes on with proofs attach".into()),
                None => {}
            }
        }
        note.extend(r.failure.clone());
        let _ = writeln!(o, "{:wide$}  {:9}  {:10}  {ago:>8}  {left:>8}  {}", r.id, r.status, r.mode.unwrap_or("-"), note.join("; "));
    }
    if found > rows.len() {
        let _ = writeln!(o, "{} more fit; --limit 0 shows all", found - rows.len());
    }
    if !all {
        let _ = writeln!(o, "the API has more requests than were read; an API before v2.7.1 lists them in no order, --limit 0 reads all");
    }
    o
}
