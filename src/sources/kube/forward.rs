//! A way to a pod's port through the Kubernetes API, in this process: no
//! kubectl, no local port.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::io::DuplexStream;

use super::access::{Access, chain};
use super::http::{Ask, Failure, denied_for};
use super::pods::PodsReader;
use crate::sources::hub::one_line;

/// How long the tunnel may take to open.
const OPEN: Duration = Duration::from_secs(10);
/// How long to wait for the first list of pods.
const FIRST_LIST: Duration = Duration::from_secs(10);

/// Which pods, and which of their ports.
#[derive(Clone, Copy, Debug)]
pub struct Behind {
    /// The `app` label that the service selects by.
    pub app: &'static str,
    /// The container's port.
    pub port: u16,
}

/// The pods behind the service `coordinator-grpc`.
pub const COORDINATOR: Behind = Behind { app: "coordinator", port: 50051 };
/// The pods behind the service `api-grpc`.
pub const API: Behind = Behind { app: "api", port: 50051 };

/// Opens a stream to a ready pod.
pub async fn open(access: &Arc<Access>, pods: &PodsReader, to: Behind) -> Result<DuplexStream, Failure> {
    let mut reader = pods.clone();
    let name = {
        let known = tokio::time::timeout(FIRST_LIST, reader.wait_for(|p| p.known)).await;
        let Ok(Ok(table)) = known else {
            return Err(Failure::Missing(format!("the pods are not known, so none of app={} can be chosen", to.app)));
        };
        match table.behind(to.app) {
            Some(pod) => pod.name.clone(),
            None => return Err(Failure::Missing(format!("no running pod with the label app={}", to.app))),
        }
    };
    let (client, generation) = access.client();
    let api: Api<Pod> = Api::namespaced(client, access.namespace());
    let ports = [to.port];
    let forward = tokio::time::timeout(OPEN, api.portforward(&name, &ports)).await.map_err(|_| Failure::Timeout)?;
    let mut forward = match forward {
        Ok(f) => f,
        Err(kube::Error::Api(status)) => {
            return Err(match status.code {
                403 => Failure::Denied(denied_for(Ask::new("create", "pods/portforward"), access.namespace(), &status.message)),
                401 => {
                    access.renew(generation).await.map_err(Failure::Unreachable)?;
                    Failure::Unauthorized
                }
                code => Failure::Status(code, status.message.clone()),
            });
        }
        Err(e) => return Err(Failure::Unreachable(one_line(&format!("port-forward to {name}: {}", chain(&e))))),
    };
    // The task behind the tunnel lives on by itself and ends with the stream.
    forward.take_stream(to.port).ok_or_else(|| Failure::Garbage("the port-forward has no stream".into()))
}
