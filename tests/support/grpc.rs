//! Both gRPC services on loopback, as they are told to be.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sp1top::proto::cluster::cluster_service_server::{ClusterService, ClusterServiceServer};
use sp1top::proto::cluster::{
    ClusterComponentInfo, ClusterComponentManifest, ProofRequest, ProofRequestCancelRequest, ProofRequestCreateRequest,
    ProofRequestGetRequest, ProofRequestGetResponse, ProofRequestListRequest, ProofRequestListResponse,
};
use sp1top::proto::worker::worker_service_server::{WorkerService, WorkerServiceServer};
use sp1top::proto::worker::{CancelProofRequest, GetStatsResponse};
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

#[derive(Default)]
pub struct State {
    pub rows: Vec<ProofRequest>,
    pub total_tasks: u64,
    /// What is answered to `ProofRequestGet` instead.
    pub get_fails: Option<tonic::Code>,
    /// No answer at all.
    pub hang: bool,
    /// Requests are stored and never answered.
    pub swallow: bool,
    /// Requests as they came, refused ones too.
    pub created: Vec<ProofRequestCreateRequest>,
    /// No GetClusterComponentInfo.
    pub old: bool,
    pub calls: Vec<String>,
}

#[derive(Clone, Default)]
pub struct Services(pub Arc<Mutex<State>>);

impl Services {
    pub fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }

    /// Serves on `addr` (port 0 for any) until it is dropped, with all its
    /// connections.
    pub async fn serve(&self, addr: SocketAddr) -> Server {
        let listener = loop {
            match std::net::TcpListener::bind(addr) {
                Ok(l) => break l,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let router = tonic::transport::Server::builder()
            .add_service(WorkerServiceServer::new(self.clone()))
            .add_service(ClusterServiceServer::new(self.clone()));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            router.serve_with_incoming(TcpIncoming::from(listener)).await.unwrap();
        });
        Server { addr, runtime: Some(runtime) }
    }

    async fn note(&self, call: &str) {
        let hang = self.with(|s| {
            s.calls.push(call.into());
            s.hang
        });
        if hang {
            std::future::pending::<()>().await;
        }
    }
}

/// A process of its own, as far as its connections go.
pub struct Server {
    pub addr: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub fn unix_now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

pub fn row(id: &str, status: i32, created_at: u64) -> ProofRequest {
    ProofRequest {
        id: id.into(),
        proof_status: status,
        options_artifact_id: Some("2".into()),
        created_at,
        updated_at: created_at,
        deadline: created_at + 14_400,
        ..ProofRequest::default()
    }
}

#[tonic::async_trait]
impl WorkerService for Services {
    async fn get_stats(&self, _: Request<()>) -> Result<Response<GetStatsResponse>, Status> {
        self.note("GetStats").await;
        let total_tasks = self.with(|s| s.total_tasks);
        Ok(Response::new(GetStatsResponse { total_tasks, sp1_circuit_version: "v6.1.0".into(), ..GetStatsResponse::default() }))
    }

    async fn healthcheck(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }

    async fn cancel_proof(&self, _: Request<CancelProofRequest>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}

#[tonic::async_trait]
impl ClusterService for Services {
    async fn proof_request_create(&self, r: Request<ProofRequestCreateRequest>) -> Result<Response<()>, Status> {
        let r = r.into_inner();
        let swallow = self.with(|s| {
            s.created.push(r.clone());
            if s.rows.iter().any(|p| p.id == r.proof_id) {
                return Err(Status::already_exists("proof request exists"));
            }
            s.rows.push(ProofRequest {
                program_artifact_id: r.program_artifact_id,
                stdin_artifact_id: r.stdin_artifact_id,
                proof_artifact_id: r.proof_artifact_id,
                options_artifact_id: r.options_artifact_id,
                cycle_limit: Some(r.cycle_limit),
                gas_limit: Some(r.gas_limit),
                deadline: r.deadline,
                ..row(&r.proof_id, 1, unix_now())
            });
            Ok(s.swallow)
        })?;
        if swallow {
            std::future::pending::<()>().await;
        }
        Ok(Response::new(()))
    }

    async fn proof_request_cancel(&self, r: Request<ProofRequestCancelRequest>) -> Result<Response<()>, Status> {
        let id = r.into_inner().proof_id;
        self.with(|s| s.rows.iter_mut().filter(|p| p.id == id && p.proof_status == 1).for_each(|p| p.proof_status = 4));
        Ok(Response::new(()))
    }

    async fn proof_request_get(&self, r: Request<ProofRequestGetRequest>) -> Result<Response<ProofRequestGetResponse>, Status> {
        let id = r.into_inner().proof_id;
        self.note(&format!("Get {id}")).await;
        if let Some(code) = self.with(|s| s.get_fails) {
            return Err(Status::new(code, "no"));
        }
        let proof_request = self.with(|s| s.rows.iter().find(|p| p.id == id).cloned());
        Ok(Response::new(ProofRequestGetResponse { proof_request }))
    }

    async fn proof_request_list(&self, r: Request<ProofRequestListRequest>) -> Result<Response<ProofRequestListResponse>, Status> {
        let r = r.into_inner();
        self.note(&format!("List {:?} {:?}", r.proof_status, r.offset)).await;
        let proof_requests = self.with(|s| {
            let fits = |p: &&ProofRequest| {
                (r.proof_status.is_empty() || r.proof_status.contains(&p.proof_status))
                    && r.minimum_deadline.is_none_or(|d| p.deadline >= d)
            };
            let limit = r.limit.unwrap_or(10).min(1_000) as usize;
            s.rows.iter().filter(fits).skip(r.offset.unwrap_or(0) as usize).take(limit).cloned().collect()
        });
        Ok(Response::new(ProofRequestListResponse { proof_requests }))
    }

    async fn get_cluster_component_info(&self, _: Request<()>) -> Result<Response<ClusterComponentManifest>, Status> {
        self.note("GetClusterComponentInfo").await;
        if self.with(|s| s.old) {
            return Err(Status::unimplemented(""));
        }
        let info = ClusterComponentInfo { component: "coordinator".into(), version: "2.7.2".into(), ..ClusterComponentInfo::default() };
        Ok(Response::new(ClusterComponentManifest { components: vec![info], ..ClusterComponentManifest::default() }))
    }

    async fn healthcheck(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}
