//! What is told of a job while it goes on: one flat record, which is also a
//! line of `-o jsonl` and the payload of an effect's envelope. Each tells the
//! whole state, so that one that is lost is made good by the next.

use serde::{Deserialize, Serialize};

use super::job::{Job, JobState};
use crate::base::Timestamp;
use crate::base::units;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// It is in the journal.
    Planned,
    /// It was found in the journal and goes on.
    Resumed,
    /// Bytes go to the store.
    Uploading,
    /// An artifact is in the store.
    Uploaded,
    /// The API has the request.
    Submitted,
    /// The coordinator works on it.
    Claimed,
    /// It goes on.
    Progress,
    /// Something does not answer; it is tried again.
    Delayed,
    /// It answers again.
    Recovered,
    /// The proof is made.
    Completed,
    /// The cluster gave up.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// The deadline passed.
    Expired,
    /// Bytes come from the store.
    Downloading,
    /// The proof is here.
    Fetched,
    /// This program stops working on it; the job stays in the journal.
    Stopped,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// `sp1top.prove/1`.
    pub schema: String,
    /// When.
    pub at: Timestamp,
    /// The proof.
    pub proof_id: String,
    /// What happened.
    pub event: Step,
    /// How far the job is.
    pub state: JobState,
    /// The program's name.
    pub program: String,
    /// Its input in short.
    pub input: String,
    /// The proof mode.
    pub mode: String,
    /// `program`, `stdin` or `proof`, of a transfer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub what: Option<String>,
    /// The artifact of a transfer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub artifact: Option<String>,
    /// Bytes done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub done_bytes: Option<u64>,
    /// Bytes in all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub total_bytes: Option<u64>,
    /// Bytes a second.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes_per_second: Option<u64>,
    /// SHA-256 of what was transferred.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<String>,
    /// Since it was sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub elapsed_seconds: Option<f64>,
    /// Until its deadline.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deadline_seconds: Option<f64>,
    /// Until it is likely done, by earlier runs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub eta_seconds: Option<f64>,
    /// The stage that its tasks tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stage: Option<String>,
    /// Its tasks: `ProveShard 3 running, 12 seen`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tasks: Option<String>,
    /// A line for a person: why, how it compares.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// The file that was written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<String>,
    /// The SP1 version within the proof.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sp1_version: Option<String>,
}

impl Update {
    /// Of a job, now.
    #[must_use]
    pub fn of(job: &Job, at: Timestamp, event: Step) -> Self {
        let running = matches!(event, Step::Progress | Step::Claimed | Step::Completed | Step::Failed | Step::Cancelled | Step::Expired);
        let elapsed = job.submitted_at.filter(|_| running).map(|s| job.ended_at.unwrap_or(at).since(s).as_secs_f64());
        let deadline = job.deadline.filter(|_| matches!(event, Step::Progress | Step::Submitted | Step::Claimed));
        Self {
            schema: "sp1top.prove/1".into(),
            at,
            proof_id: job.proof_id.clone(),
            event,
            state: job.state,
            program: job.program.clone(),
            input: job.input.clone(),
            mode: job.mode.as_str().into(),
            what: None,
            artifact: None,
            done_bytes: None,
            total_bytes: None,
            bytes_per_second: None,
            sha256: None,
            elapsed_seconds: elapsed.map(|s| (s * 1000.0).round() / 1000.0),
            deadline_seconds: deadline.and_then(|d| i64::try_from(d).ok()).map(|d| Timestamp::from_secs(d).seconds_since(at).round()),
            eta_seconds: None,
            stage: None,
            tasks: None,
            detail: None,
            path: None,
            sp1_version: None,
        }
    }

    /// The record as a line for a person, without time and id.
    #[must_use]
    pub fn line(&self) -> String {
        let seconds = |s: f64| units::duration(std::time::Duration::from_secs_f64(s.max(0.0)));
        let what = self.what.as_deref().unwrap_or("artifact");
        let bytes = |n: Option<u64>| units::bytes(n.unwrap_or(0));
        let rate = self.bytes_per_second.map(|r| format!(", {}/s", units::bytes(r))).unwrap_or_default();
        let detail = self.detail.as_deref().unwrap_or_default();
        let took = self.elapsed_seconds.map(|s| format!(" after {}", seconds(s))).unwrap_or_default();
        let more = |text: &str| if text.is_empty() { String::new() } else { format!(": {text}") };
        match self.event {
            Step::Planned => format!("planned: {} ({}), {}", self.program, self.input, self.mode),
            Step::Resumed => format!("goes on: {} ({}), {}; it was {}", self.program, self.input, self.mode, self.state.as_str()),
            Step::Uploading | Step::Downloading => {
                let verb = if self.event == Step::Uploading { "uploading" } else { "downloading" };
                format!("{verb} {what}: {} of {}{rate}", bytes(self.done_bytes), bytes(self.total_bytes))
            }
            Step::Uploaded => format!("uploaded {what}: {}{rate}, sha256 {}", bytes(self.total_bytes), short(self.sha256.as_deref())),
            Step::Submitted => match self.deadline_seconds {
                Some(d) => format!("submitted; deadline in {}", seconds(d)),
                None => "submitted".into(),
            },
            Step::Claimed => "claimed: the coordinator works on it".into(),
            Step::Progress => {
                let mut parts = vec![format!("proving for {}", seconds(self.elapsed_seconds.unwrap_or(0.0)))];
                parts.extend(self.detail.clone());
                parts.extend(self.stage.as_ref().map(|s| format!("stage {s}")));
                parts.extend(self.tasks.clone());
                parts.extend(self.eta_seconds.map(|s| format!("about {} left", seconds(s))));
                parts.extend(self.deadline_seconds.map(|d| format!("deadline in {}", seconds(d))));
                parts.join(", ")
            }
            Step::Delayed => format!("delayed{}", more(detail)),
            Step::Recovered => "it answers again".into(),
            Step::Completed => format!("completed{took}{}", more(detail)),
            Step::Failed => format!("failed{took}{}", more(detail)),
            Step::Cancelled => format!("cancelled{took}{}", more(detail)),
            Step::Expired => format!("deadline passed{took}{}", more(detail)),
            Step::Fetched => format!(
                "fetched: {} ({}, {}){}",
                self.path.as_deref().unwrap_or_default(),
                bytes(self.total_bytes),
                self.sp1_version.as_deref().unwrap_or("unknown version"),
                more(detail)
            ),
            Step::Stopped => format!("stopped{}", more(detail)),
        }
    }
}

fn short(digest: Option<&str>) -> String {
    digest.unwrap_or("unknown").chars().take(16).collect()
}
