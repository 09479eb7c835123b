//! What several checks need, asked once.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{Config, Outcome};
use crate::base::{SourceName, Timestamp};
use crate::envelope::{Envelope, Kind, Session};
use crate::model::Model;
use crate::parse::payload::kube as read;
use crate::pipeline::Pipeline;
use crate::proto::cluster::ClusterComponentManifest;
use crate::proto::worker::GetStatsResponse;
use crate::sources::grpc::channel::{Link, Target};
use crate::sources::grpc::raw;
use crate::sources::kube::access::{Access, chain};
use crate::sources::kube::forward::{self, Behind};
use crate::sources::kube::http::{self, Ask, Failure};
use crate::sources::kube::pods::{self, PodChange};
use crate::sources::kube::strip;

/// How long reading the kubeconfig may take, with its login plugin.
const ACCESS: Duration = Duration::from_secs(5);
/// How long one question to the API server may take.
const QUESTION: Duration = Duration::from_secs(4);
/// How long one gRPC call may take, with the tunnel to it.
const CALL: Duration = Duration::from_secs(4);
/// The largest list that is taken.
const MAX_LIST: usize = 32 << 20;

/// The API server as it answered.
#[derive(Clone, Debug)]
pub struct Server {
    /// `v1.33.2`
    pub version: String,
    /// How long the answer took.
    pub took: Duration,
    /// Its clock (to the second), and ours in the middle of the question.
    pub clock: Option<(Timestamp, Timestamp)>,
}

/// An answer of a gRPC service.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// As it came.
    pub raw: Bytes,
    /// What it says.
    pub message: T,
    /// How long it took, the way there included.
    pub took: Duration,
}

/// A list of Kubernetes objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Pods of the namespace.
    Pods,
    /// Deployments of the namespace.
    Deployments,
    /// Stateful sets of the namespace.
    StatefulSets,
    /// Services of the namespace.
    Services,
    /// Nodes.
    Nodes,
}

const LISTS: [(&str, &str, bool); 5] = [
    ("pods", "/api/v1", false),
    ("deployments", "/apis/apps/v1", false),
    ("statefulsets", "/apis/apps/v1", false),
    ("services", "/api/v1", false),
    ("nodes", "/api/v1", true),
];

/// What is asked once.
pub struct Facts {
    /// What is examined.
    pub config: Config,
    access: OnceCell<Result<Arc<Access>, String>>,
    server: OnceCell<Result<Server, Failure>>,
    lists: [OnceCell<Result<Bytes, Failure>>; 5],
    coordinator: OnceCell<Result<Link, String>>,
    api: OnceCell<Result<Link, String>>,
    stats: OnceCell<Result<Answer<GetStatsResponse>, String>>,
    manifest: OnceCell<Result<Option<Answer<ClusterComponentManifest>>, String>>,
    model: OnceCell<Arc<Model>>,
}

impl Facts {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            access: OnceCell::new(),
            server: OnceCell::new(),
            lists: std::array::from_fn(|_| OnceCell::new()),
            coordinator: OnceCell::new(),
            api: OnceCell::new(),
            stats: OnceCell::new(),
            manifest: OnceCell::new(),
            model: OnceCell::new(),
        }
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.config.namespace
    }

    /// A variable of the client's environment.
    #[must_use]
    pub fn env(&self, name: &str) -> Option<&str> {
        self.config.env.get(name).map(String::as_str)
    }

    /// The way to the cluster as the kubeconfig tells it; nothing of the cluster
    /// is asked. The error is one line that says what to do.
    pub async fn access(&self) -> Result<Arc<Access>, String> {
        let open = Box::pin(async {
            let Some(options) = self.config.kube.clone() else { return Err("--no-kube was given".into()) };
            match tokio::time::timeout(ACCESS, Access::open(options)).await {
                Ok(result) => result,
                Err(_) => Err(format!(
                    "the kubeconfig gives no credentials within {} s: does its login plugin wait for somebody?",
                    ACCESS.as_secs()
                )),
            }
        });
        self.access.get_or_init(|| open).await.clone()
    }

    /// The API server's version and clock.
    pub async fn server(&self) -> Result<Server, Failure> {
        let ask = Box::pin(async {
            let access = self.access().await.map_err(Failure::Unreachable)?;
            let begun = (Instant::now(), wall());
            let (head, body) = self.get(&access, "/version").await?;
            let took = begun.0.elapsed();
            let middle = begun.1.plus(took / 2);
            let said: Value = serde_json::from_slice(&body).map_err(|_| Failure::Garbage("/version is no JSON".into()))?;
            let date = head.get("date").and_then(|d| d.to_str().ok()).and_then(http_date);
            let version = said.get("gitVersion").and_then(Value::as_str).unwrap_or("unknown").to_owned();
            Ok(Server { version, took, clock: date.map(|d| (d, middle)) })
        });
        self.server.get_or_init(|| ask).await.clone()
    }

    /// The cluster, when it answers; else the outcome of a check that needs it.
    pub async fn cluster(&self) -> Result<Arc<Access>, Outcome> {
        if self.config.kube.is_none() {
            return Err(Outcome::skipped("--no-kube was given"));
        }
        let Ok(access) = self.access().await else {
            return Err(Outcome::skipped("there is no way to a Kubernetes cluster: see kubeconfig"));
        };
        match self.server().await {
            // Whoever may not read the version may still do the rest.
            Ok(_) | Err(Failure::Denied(_) | Failure::Status(..) | Failure::Garbage(_)) => Ok(access),
            Err(_) => Err(Outcome::skipped("the API server does not answer: see api-server")),
        }
    }

    /// Gets a path: headers and body.
    pub async fn get(&self, access: &Access, path: &str) -> Result<(::http::HeaderMap, Bytes), Failure> {
        let request = ::http::Request::get(path).body(Body::empty()).map_err(|e| Failure::Garbage(e.to_string()))?;
        let work = async {
            let (client, _) = access.client();
            let response = client.send(request).await.map_err(|e| Failure::Unreachable(short(&e)))?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(|e| Failure::Unreachable(short(&e)))?.to_bytes();
            let message = || {
                let said: Value = serde_json::from_slice(&body).unwrap_or_default();
                said.get("message").and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            match parts.status.as_u16() {
                200..=299 => Ok((parts.headers, body)),
                401 => Err(Failure::Unauthorized),
                403 => Err(Failure::Denied(message())),
                code => Err(Failure::Status(code, message())),
            }
        };
        tokio::time::timeout(QUESTION, work).await.map_err(|_| Failure::Timeout)?
    }

    /// A list of objects, stripped of what may be secret.
    pub async fn list(&self, which: List) -> Result<Bytes, Failure> {
        let (plural, root, wide) = LISTS[which as usize];
        let ask = Box::pin(async {
            let access = self.access().await.map_err(Failure::Unreachable)?;
            let path = if wide { format!("{root}/{plural}") } else { format!("{root}/namespaces/{}/{plural}", access.namespace()) };
            let ask = Ask { verb: "list", resource: plural, cluster_wide: wide };
            let raw =
                tokio::time::timeout(QUESTION, http::document(&access, &path, ask, MAX_LIST)).await.map_err(|_| Failure::Timeout)??;
            let mut value: Value =
                serde_json::from_slice(&raw).map_err(|_| Failure::Garbage(format!("the list of {plural} is no JSON")))?;
            for item in value.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
                strip::object(item);
            }
            Ok(Bytes::from(value.to_string()))
        });
        self.lists[which as usize].get_or_init(|| ask).await.clone()
    }

    /// The items of a list as JSON.
    pub async fn items(&self, which: List) -> Result<Vec<Value>, Failure> {
        let raw = self.list(which).await?;
        let mut value: Value = serde_json::from_slice(&raw).unwrap_or_default();
        Ok(value.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default())
    }

    /// The coordinator's service. The error says why there is no way to it.
    pub async fn coordinator(&self) -> Result<Link, String> {
        let make = Box::pin(self.link(self.config.coordinator_rpc.as_ref(), forward::COORDINATOR, "--coordinator-rpc"));
        self.coordinator.get_or_init(|| make).await.clone()
    }

    /// The API's service.
    pub async fn api(&self) -> Result<Link, String> {
        let make = Box::pin(self.link(self.config.cluster_rpc.as_ref(), forward::API, "--cluster-rpc"));
        self.api.get_or_init(|| make).await.clone()
    }

    async fn link(&self, url: Option<&String>, behind: Behind, flag: &str) -> Result<Link, String> {
        if let Some(url) = url {
            return Link::new(&Target::Url(url.clone()));
        }
        let access = self.cluster().await.map_err(|o| format!("{}, and no {flag} URL was given", o.summary))?;
        let list = self.items(List::Pods).await.map_err(|f| format!("the pods cannot be listed: {}", f.detail()))?;
        let (writer, pods) = pods::table();
        let known = list.iter().filter_map(|p| read::pod(&p.to_string())).collect();
        writer.apply(PodChange::All(known));
        Link::new(&Target::Pod { access, pods, behind })
    }

    /// GetStats of the coordinator. The error says why there are none.
    pub async fn stats(&self) -> Result<Answer<GetStatsResponse>, String> {
        let ask = Box::pin(async {
            let link = self.coordinator().await?;
            call(&link, "/worker.WorkerService/GetStats", &()).await.map_err(|(_, why)| why)
        });
        self.stats.get_or_init(|| ask).await.clone()
    }

    /// The versions that the API knows; `None` from an API older than v2.5.4.
    pub async fn manifest(&self) -> Result<Option<Answer<ClusterComponentManifest>>, String> {
        let ask = Box::pin(async {
            let link = self.api().await?;
            match call(&link, "/cluster.ClusterService/GetClusterComponentInfo", &()).await {
                Ok(a) => Ok(Some(a)),
                Err((tonic::Code::Unimplemented, _)) => Ok(None),
                Err((_, why)) => Err(why),
            }
        });
        self.manifest.get_or_init(|| ask).await.clone()
    }

    /// A model of the cluster as it stands: pods, workloads, nodes, stats and
    /// versions, as far as they can be had.
    pub async fn model(&self) -> Arc<Model> {
        // Boxed: the parts' futures lie within this one, and stacks are short.
        let build = Box::pin(async {
            let kube = async {
                if self.cluster().await.is_err() {
                    return Vec::new();
                }
                let lists = [List::Pods, List::Deployments, List::StatefulSets, List::Nodes];
                let raw = futures::future::join_all(lists.map(|l| self.list(l))).await;
                raw.into_iter().flatten().map(|r| (Kind::Json, r)).collect::<Vec<_>>()
            };
            let (mut parts, stats, manifest) = tokio::join!(kube, self.stats(), self.manifest());
            parts.extend(stats.ok().map(|a| (Kind::Stats, a.raw)));
            parts.extend(manifest.ok().flatten().map(|a| (Kind::Manifest, a.raw)));
            assemble(self.namespace(), parts)
        });
        Arc::clone(self.model.get_or_init(|| build).await)
    }
}

fn assemble(namespace: &str, parts: Vec<(Kind, Bytes)>) -> Arc<Model> {
    let session = Session { context: None, namespace: Some(namespace.to_owned()), mode: "live".into(), kubeconfig: None };
    let session = (Kind::Session, Bytes::from(serde_json::to_vec(&session).unwrap_or_default()));
    let (mut model, mut pipeline, at) = (Model::new(), Pipeline::new(false), wall());
    for (seq, (kind, raw)) in (1..).zip(std::iter::once(session).chain(parts)) {
        pipeline.apply(&Envelope { seq, at, source: SourceName::new("doctor"), kind, raw }, &mut model);
    }
    Arc::new(model)
}

/// Calls a service; the error is a code and one line for a person.
pub async fn call<Q: prost::Message, A: prost::Message + Default>(
    link: &Link,
    path: &'static str,
    question: &Q,
) -> Result<Answer<A>, (tonic::Code, String)> {
    let begun = Instant::now();
    match Box::pin(raw::call::<Q, A>(&link.channel, path, question, CALL)).await {
        Ok((raw, message)) => Ok(Answer { raw, message, took: begun.elapsed() }),
        Err(status) => Err((status.code(), link.explain(&status).1)),
    }
}

/// Runs `work` for at most `limit`.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

fn short(error: &(dyn std::error::Error + 'static)) -> String {
    crate::sources::hub::one_line(chain(error).trim_start_matches("ServiceError: ").trim_start_matches("HyperError: "))
}

/// The machine's clock.
#[must_use]
pub fn wall() -> Timestamp {
    use crate::sources::hub::{Clock as _, WallClock};
    WallClock.now()
}

/// A time as HTTP has it: `Tue, 24 Nov 2026 23:06:50 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    let time = chrono::NaiveDateTime::parse_from_str(text, "%a, %d %b %Y %H:%M:%S GMT").ok()?;
    Some(Timestamp::from_secs(time.and_utc().timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_http_are_read() {
        assert_eq!(http_date("Tue, 24 Nov 2026 23:06:50 GMT").unwrap().to_string(), "2026-11-24T23:06:50Z");
        assert!(http_date("yesterday").is_none());
    }
}
