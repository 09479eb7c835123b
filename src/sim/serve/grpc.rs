//! The coordinator's and the API's gRPC services.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::world::World;
use crate::base::{ProofId, Timestamp};
use crate::proto::cluster::cluster_service_server::{ClusterService, ClusterServiceServer};
use crate::proto::cluster::{
    ClusterComponentInfo, ClusterComponentManifest, ProofRequest, ProofRequestCancelRequest, ProofRequestCreateRequest,
    ProofRequestGetRequest, ProofRequestGetResponse, ProofRequestListRequest, ProofRequestListResponse,
};
use crate::proto::worker::worker_service_server::{WorkerService, WorkerServiceServer};
use crate::proto::worker::{CancelProofRequest, GetStatsResponse};
use crate::sim::{Command, Component, NewProof, ProofRequest as Row, ProofStatus, Refusal, RowFilter};

/// The coordinator's service.
pub struct Coordinator(pub Arc<World>);

/// The API's service.
pub struct Cluster(pub Arc<World>);

/// Serves the coordinator until dropped.
pub async fn coordinator(world: Arc<World>, listener: tokio::net::TcpListener) {
    let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
    let _ =
        tonic::transport::Server::builder().add_service(WorkerServiceServer::new(Coordinator(world))).serve_with_incoming(incoming).await;
}

/// Serves the API until dropped.
pub async fn cluster(world: Arc<World>, listener: tokio::net::TcpListener) {
    let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
    let _ = tonic::transport::Server::builder().add_service(ClusterServiceServer::new(Cluster(world))).serve_with_incoming(incoming).await;
}

fn refused(refusal: &Refusal) -> Status {
    match refusal {
        Refusal::AlreadyExists(_) => Status::already_exists(refusal.to_string()),
        Refusal::ApiUnavailable | Refusal::CoordinatorUnavailable => Status::unavailable(refusal.to_string()),
        Refusal::NotFound(what) => Status::not_found(what.clone()),
    }
}

fn id(text: &str) -> Result<ProofId, Status> {
    ProofId::read(text.as_bytes()).ok_or_else(|| Status::invalid_argument("a proof id with control characters, or none, or one too long"))
}

#[tonic::async_trait]
impl WorkerService for Coordinator {
    async fn get_stats(&self, _: Request<()>) -> Result<Response<GetStatsResponse>, Status> {
        let now = self.0.with(|s| s.cluster.stats()).map_err(|e| refused(&e))?;
        Ok(Response::new(stats(now)))
    }

    async fn healthcheck(&self, _: Request<()>) -> Result<Response<()>, Status> {
        self.0.with(|s| s.cluster.stats()).map_err(|e| refused(&e))?;
        Ok(Response::new(()))
    }

    async fn cancel_proof(&self, r: Request<CancelProofRequest>) -> Result<Response<()>, Status> {
        let proof = id(&r.into_inner().proof_id)?;
        self.0.with(|s| s.cluster.command(Command::DropProof(proof))).map_err(|e| refused(&e))?;
        Ok(Response::new(()))
    }
}

/// The answer to GetStats.
pub(super) fn stats(s: crate::sim::Stats) -> GetStatsResponse {
    GetStatsResponse {
        coordinator_version: s.coordinator_version,
        sp1_circuit_version: s.sp1_circuit_version,
        total_tasks: s.total_tasks,
        active_tasks: s.active_tasks,
        cpu_workers: s.cpu_workers,
        gpu_workers: s.gpu_workers,
        cpu_utilization_current: s.cpu_utilization_current,
        cpu_utilization_max: s.cpu_utilization_max,
        gpu_utilization_current: s.gpu_utilization_current,
        gpu_utilization_max: s.gpu_utilization_max,
        active_proofs: s.active_proofs,
        cpu_queue: s.cpu_queue,
        gpu_queue: s.gpu_queue,
        active_subscribers: s.active_subscribers,
    }
}

/// The answer to GetClusterComponentInfo.
pub(super) fn manifest(at: Timestamp, components: &[Component]) -> ClusterComponentManifest {
    let info = |c: &Component| ClusterComponentInfo {
        component: c.component.to_owned(),
        version: c.version.clone(),
        git_sha: c.git_sha.clone(),
        image_tag: c.image_tag.clone(),
    };
    ClusterComponentManifest {
        components: components.iter().map(info).collect(),
        updated_at: u64::try_from(at.secs()).unwrap_or(0),
        capacity: None,
    }
}

/// A row as the API sends it.
pub(super) fn wire(r: &Row) -> ProofRequest {
    ProofRequest {
        id: r.id.to_string(),
        proof_status: r.proof_status as i32,
        requester: r.requester.clone(),
        execution_result: None,
        stdin_artifact_id: r.stdin_artifact_id.clone(),
        program_artifact_id: r.program_artifact_id.clone(),
        proof_artifact_id: r.proof_artifact_id.clone(),
        options_artifact_id: r.options_artifact_id.clone(),
        cycle_limit: r.cycle_limit,
        gas_limit: r.gas_limit,
        deadline: r.deadline,
        handled: r.handled,
        metadata: r.metadata.clone(),
        created_at: r.created_at,
        updated_at: r.updated_at,
        extra_data: r.extra_data.clone(),
        scheduled_by: r.scheduled_by.clone(),
        stdin_private: r.stdin_private,
    }
}

#[tonic::async_trait]
impl ClusterService for Cluster {
    async fn proof_request_create(&self, r: Request<ProofRequestCreateRequest>) -> Result<Response<()>, Status> {
        let r = r.into_inner();
        let new = NewProof {
            proof_id: id(&r.proof_id)?,
            program_artifact_id: r.program_artifact_id,
            stdin_artifact_id: r.stdin_artifact_id,
            options_artifact_id: r.options_artifact_id,
            proof_artifact_id: r.proof_artifact_id,
            requester: r.requester,
            deadline: r.deadline,
            cycle_limit: Some(r.cycle_limit),
            gas_limit: Some(r.gas_limit),
            scheduled_by: r.scheduled_by,
            stdin_private: r.stdin_private,
            work: None,
        };
        self.0.with(|s| s.cluster.command(Command::Submit(Box::new(new)))).map_err(|e| refused(&e))?;
        Ok(Response::new(()))
    }

    async fn proof_request_cancel(&self, r: Request<ProofRequestCancelRequest>) -> Result<Response<()>, Status> {
        let proof = id(&r.into_inner().proof_id)?;
        self.0.with(|s| s.cluster.command(Command::Cancel(proof))).map_err(|e| refused(&e))?;
        Ok(Response::new(()))
    }

    async fn proof_request_get(&self, r: Request<ProofRequestGetRequest>) -> Result<Response<ProofRequestGetResponse>, Status> {
        let proof = id(&r.into_inner().proof_id)?;
        let proof_request = self.0.with(|s| s.cluster.get_proof(&proof).map(|row| row.map(wire))).map_err(|e| refused(&e))?;
        Ok(Response::new(ProofRequestGetResponse { proof_request }))
    }

    async fn proof_request_list(&self, r: Request<ProofRequestListRequest>) -> Result<Response<ProofRequestListResponse>, Status> {
        let r = r.into_inner();
        let status = |n: i32| {
            [ProofStatus::Pending, ProofStatus::Completed, ProofStatus::Failed, ProofStatus::Cancelled].into_iter().find(|s| *s as i32 == n)
        };
        let filter = RowFilter {
            statuses: r.proof_status.into_iter().filter_map(status).collect(),
            minimum_deadline: r.minimum_deadline,
            handled: r.handled,
            limit: r.limit,
            offset: r.offset,
            scheduled_by: r.scheduled_by,
        };
        let proof_requests = self.0.with(|s| s.cluster.list_proofs(&filter).map(|rows| rows.into_iter().map(wire).collect()));
        Ok(Response::new(ProofRequestListResponse { proof_requests: proof_requests.map_err(|e| refused(&e))? }))
    }

    async fn get_cluster_component_info(&self, _: Request<()>) -> Result<Response<ClusterComponentManifest>, Status> {
        let info = self.0.with(|s| {
            let info = s.cluster.component_info()?;
            Ok(info.map(|(at, components)| manifest(at, components)))
        });
        match info.map_err(|e: Refusal| refused(&e))? {
            Some(manifest) => Ok(Response::new(manifest)),
            None => Err(Status::unimplemented("")),
        }
    }

    async fn healthcheck(&self, _: Request<()>) -> Result<Response<()>, Status> {
        self.0.with(|s| s.cluster.api_up()).map_err(|e| refused(&e))?;
        Ok(Response::new(()))
    }
}
