//! Calls that change or look up one proof request: for whoever sends and
//! cancels proofs.

use std::time::Duration;

use tonic::{Code, Status};

use super::channel::Link;
use super::raw;
use crate::proto::cluster::{
    ProofRequest, ProofRequestCancelRequest, ProofRequestCreateRequest, ProofRequestGetRequest, ProofRequestGetResponse,
    ProofRequestListRequest, ProofRequestListResponse,
};
use crate::proto::worker::{CancelProofRequest, GetStatsResponse};

/// Each attempt may take this long.
const DEADLINE: Duration = Duration::from_secs(5);
/// Attempts of calls that may be made twice.
const ATTEMPTS: u32 = 3;

/// The API's service.
#[derive(Clone)]
pub struct ClusterApi(pub Link);

/// The coordinator's service.
#[derive(Clone)]
pub struct CoordinatorApi(pub Link);

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// The gRPC code.
    pub code: Code,
    /// One line that says why and what to try.
    pub message: String,
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CallError {}

fn error(link: &Link, status: &Status) -> CallError {
    let mut message = link.explain(status).1;
    if status.code() == Code::Unavailable && link.is_url() {
        message += "; check the address, and the tunnel if it is one (kubectl port-forward svc/api-grpc 50051)";
    }
    CallError { code: status.code(), message }
}

/// Calls again what may have met a server that was just restarting.
async fn patiently<Q: prost::Message, A: prost::Message + Default>(link: &Link, path: &'static str, question: &Q) -> Result<A, CallError> {
    let mut backoff = crate::sources::backoff::Backoff::network();
    let mut attempt = 1;
    loop {
        match raw::call::<Q, A>(&link.channel, path, question, DEADLINE).await {
            Ok((_, answer)) => return Ok(answer),
            Err(status) => {
                let passing = matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded | Code::Aborted | Code::ResourceExhausted);
                if !passing || attempt == ATTEMPTS {
                    return Err(error(link, &status));
                }
                attempt += 1;
                backoff.sleep().await;
            }
        }
    }
}

impl ClusterApi {
    /// Stores a request. Not repeated by itself: an attempt that timed out may
    /// have been stored, and its id would be answered ALREADY_EXISTS (INTERNAL
    /// before v2.7.0); ask with [`Self::get`] instead.
    pub async fn create(&self, request: &ProofRequestCreateRequest) -> Result<(), CallError> {
        let path = "/cluster.ClusterService/ProofRequestCreate";
        let answer = raw::call::<_, ()>(&self.0.channel, path, request, DEADLINE).await;
        answer.map(drop).map_err(|s| error(&self.0, &s))
    }

    /// Cancels a request; OK too when it was not pending (v2.3.2 and later).
    pub async fn cancel(&self, proof_id: &str) -> Result<(), CallError> {
        let question = ProofRequestCancelRequest { proof_id: proof_id.to_owned() };
        patiently::<_, ()>(&self.0, "/cluster.ClusterService/ProofRequestCancel", &question).await
    }

    /// A request; `None` for an unknown id.
    pub async fn get(&self, proof_id: &str) -> Result<Option<ProofRequest>, CallError> {
        let question = ProofRequestGetRequest { proof_id: proof_id.to_owned() };
        let answer: ProofRequestGetResponse = patiently(&self.0, "/cluster.ClusterService/ProofRequestGet", &question).await?;
        Ok(answer.proof_request)
    }

    /// A page of requests.
    pub async fn list(&self, question: &ProofRequestListRequest) -> Result<Vec<ProofRequest>, CallError> {
        let answer: ProofRequestListResponse = patiently(&self.0, "/cluster.ClusterService/ProofRequestList", question).await?;
        Ok(answer.proof_requests)
    }

    /// Whether the process serves; it does not ask its database.
    pub async fn healthcheck(&self) -> Result<(), CallError> {
        patiently::<_, ()>(&self.0, "/cluster.ClusterService/Healthcheck", &()).await
    }
}

impl CoordinatorApi {
    /// Totals.
    pub async fn stats(&self) -> Result<GetStatsResponse, CallError> {
        patiently(&self.0, "/worker.WorkerService/GetStats", &()).await
    }

    /// Drops a running proof at once; its row becomes FAILED if it is still
    /// pending, so cancel it in the API first.
    pub async fn cancel(&self, proof_id: &str) -> Result<(), CallError> {
        let question = CancelProofRequest { worker_id: String::new(), proof_id: proof_id.to_owned() };
        patiently::<_, ()>(&self.0, "/worker.WorkerService/CancelProof", &question).await
    }

    /// Whether the process serves.
    pub async fn healthcheck(&self) -> Result<(), CallError> {
        patiently::<_, ()>(&self.0, "/worker.WorkerService/Healthcheck", &()).await
    }
}
