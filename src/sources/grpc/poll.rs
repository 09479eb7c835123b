//! Asking the coordinator and the API again and again, kindly.

use std::collections::{BTreeSet, VecDeque};
use std::hash::BuildHasher;
use std::time::Duration;

use rustc_hash::FxBuildHasher;
use tonic::{Code, Status};

use super::channel::Link;
use super::raw;
use super::tail::{NEWEST, PAGE, Tail};
use crate::envelope::{Kind, SourceState};
use crate::proto::cluster::{
    ClusterComponentManifest, ProofRequestGetRequest, ProofRequestGetResponse, ProofRequestListRequest, ProofRequestListResponse,
    ProofRequestStatus,
};
use crate::proto::worker::GetStatsResponse;
use crate::sources::backoff::{Backoff, jitter};
use crate::sources::hub::Port;

/// How often is asked.
#[derive(Clone, Debug)]
pub struct PollOptions {
    /// GetStats: a read lock in the coordinator.
    pub stats: Duration,
    /// ProofRequestList.
    pub proofs: Duration,
    /// GetClusterComponentInfo; the coordinator pushes it every 240 s.
    pub versions: Duration,
    /// How long each call may take.
    pub deadline: Duration,
}

impl Default for PollOptions {
    fn default() -> Self {
        Self {
            stats: Duration::from_secs(1),
            proofs: Duration::from_secs(4),
            versions: Duration::from_secs(60),
            deadline: Duration::from_secs(3),
        }
    }
}

/// The service does not know the call: nothing changes before it is upgraded.
const UNKNOWN_CALL: Duration = Duration::from_secs(600);
/// Requests that left the pending list are looked up, this many a round.
const LOOK_UPS: usize = 20;
/// The newest requests are listed each so many rounds.
const TAIL_EACH: u32 = 4;

/// GetStats, for ever.
pub async fn stats(link: Link, options: PollOptions, port: Port) {
    let mut backoff = Backoff::network();
    port.state(SourceState::Connecting, "").await;
    let mut next = tokio::time::Instant::now();
    while !port.closed() {
        tokio::time::sleep_until(next).await;
        next = tokio::time::Instant::now() + port.pace(options.stats);
        match raw::call::<_, GetStatsResponse>(&link.channel, "/worker.WorkerService/GetStats", &(), options.deadline).await {
            Ok((raw, _)) => {
                backoff.reset();
                port.state(SourceState::Live, "").await;
                port.offer(Kind::Stats, raw);
            }
            Err(status) => failed(&link, &status, &port, &mut backoff).await,
        }
    }
}

async fn failed(link: &Link, status: &Status, port: &Port, backoff: &mut Backoff) {
    let (state, detail) = link.explain(status);
    port.state(state, &detail).await;
    match (state, status.code()) {
        (SourceState::Denied, _) => tokio::time::sleep(jitter(crate::sources::kube::objects::DENIED)).await,
        (_, Code::Unimplemented) => tokio::time::sleep(jitter(Duration::from_secs(30))).await,
        _ => backoff.sleep().await,
    }
}

/// GetClusterComponentInfo, for ever; seldom where it is unknown.
pub async fn versions(link: Link, options: PollOptions, port: Port) {
    let path = "/cluster.ClusterService/GetClusterComponentInfo";
    let mut backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(60));
    port.state(SourceState::Connecting, "").await;
    while !port.closed() {
        match raw::call::<_, ClusterComponentManifest>(&link.channel, path, &(), options.deadline).await {
            Ok((raw, _)) => {
                backoff.reset();
                port.state(SourceState::Live, "").await;
                let _ = port.send(Kind::Manifest, raw).await;
                tokio::time::sleep(port.pace(jitter(options.versions))).await;
            }
            Err(status) if status.code() == Code::Unimplemented => {
                port.state(
                    SourceState::Ended,
                    "not offered: the API is older than v2.5.4 and does not tell versions; image tags tell them",
                )
                .await;
                tokio::time::sleep(jitter(UNKNOWN_CALL)).await;
            }
            Err(status) => failed(&link, &status, &port, &mut backoff).await,
        }
    }
}

/// ProofRequestList, for ever: what is pending each time, what left that list
/// one by one, and now and then the newest.
pub async fn proofs(link: Link, options: PollOptions, port: Port) {
    let mut poll = Proofs { link, options, port, pending: BTreeSet::new(), left: VecDeque::new(), tail: Tail::default(), last_tail: 0 };
    let mut backoff = Backoff::network();
    poll.port.state(SourceState::Connecting, "").await;
    let mut round = 0u32;
    while !poll.port.closed() {
        match poll.round(round.is_multiple_of(TAIL_EACH)).await {
            Ok(()) => {
                backoff.reset();
                round = round.wrapping_add(1);
                poll.port.state(SourceState::Live, "").await;
                let wait = jitter(poll.options.proofs).max(poll.options.proofs * 3 / 4);
                tokio::time::sleep(poll.port.pace(wait)).await;
            }
            Err(status) => {
                // What happened meanwhile is in the newest rows.
                round = 0;
                failed(&poll.link, &status, &poll.port, &mut backoff).await;
            }
        }
    }
}

struct Proofs {
    link: Link,
    options: PollOptions,
    port: Port,
    /// Ids that were pending last time.
    pending: BTreeSet<String>,
    /// Ids that are not pending any more and have not been looked up.
    left: VecDeque<String>,
    tail: Tail,
    /// Hash of the last page of the newest, which is not sent twice.
    last_tail: u64,
}

impl Proofs {
    async fn round(&mut self, newest: bool) -> Result<(), Status> {
        let now = u64::try_from(self.port.now().secs()).unwrap_or(0);
        let (raw, list) = self
            .list(&ProofRequestListRequest {
                proof_status: vec![ProofRequestStatus::Pending.into()],
                // Those whose deadline passed stay pending for ever and are nobody's.
                minimum_deadline: Some(now),
                limit: Some(PAGE),
                ..ProofRequestListRequest::default()
            })
            .await?;
        let _ = self.port.send(Kind::Proofs, raw).await;
        let pending: BTreeSet<String> = list.proof_requests.into_iter().map(|p| p.id).collect();
        // A full page says nothing of those that are not in it.
        if pending.len() < PAGE as usize {
            self.left.extend(self.pending.difference(&pending).cloned());
        }
        self.pending = pending;
        for _ in 0..LOOK_UPS {
            let Some(proof_id) = self.left.front().cloned() else { break };
            let question = ProofRequestGetRequest { proof_id };
            let path = "/cluster.ClusterService/ProofRequestGet";
            let (raw, _) = raw::call::<_, ProofRequestGetResponse>(&self.link.channel, path, &question, self.options.deadline).await?;
            self.left.pop_front();
            // One request reads the same as a list of one: both are field 1.
            let _ = self.port.send(Kind::Proofs, raw).await;
        }
        self.left.truncate(PAGE as usize);
        if newest { self.newest().await } else { Ok(()) }
    }

    async fn newest(&mut self) -> Result<(), Status> {
        let (link, deadline) = (self.link.clone(), self.options.deadline);
        let exists = |offset| {
            let link = link.clone();
            async move {
                let question = ProofRequestListRequest { limit: Some(1), offset: Some(offset), ..Default::default() };
                let (_, list) = list(&link, &question, deadline).await?;
                Ok::<_, Status>(!list.proof_requests.is_empty())
            }
        };
        let mut offset = self.tail.offset(exists).await?;
        // Two pages: a thousand new requests between two rounds are many.
        for _ in 0..2 {
            let question = ProofRequestListRequest { limit: Some(PAGE), offset: Some(offset), ..Default::default() };
            let (raw, list) = self.list(&question).await?;
            let rows = list.proof_requests.len();
            let hash = FxBuildHasher.hash_one(&raw);
            if hash != self.last_tail {
                self.last_tail = hash;
                let _ = self.port.send(Kind::Proofs, raw).await;
            }
            if !self.tail.read(offset, rows) {
                break;
            }
            offset = offset.saturating_add(PAGE - NEWEST);
        }
        Ok(())
    }

    async fn list(&self, question: &ProofRequestListRequest) -> Result<(bytes::Bytes, ProofRequestListResponse), Status> {
        list(&self.link, question, self.options.deadline).await
    }
}

async fn list(
    link: &Link,
    question: &ProofRequestListRequest,
    deadline: Duration,
) -> Result<(bytes::Bytes, ProofRequestListResponse), Status> {
    raw::call(&link.channel, "/cluster.ClusterService/ProofRequestList", question, deadline).await
}
