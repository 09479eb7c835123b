//! List and watch, resumed where they broke off.
//!
//! Not kube-runtime's: envelopes hold what the API server said, list by list
//! and line by line, so that a recording replays.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxBuildHasher;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::access::Access;
use super::http::{self, Ask, Failure, Lines};
use super::pods::{PodChange, PodsWriter};
use super::strip;
use crate::envelope::{Kind, SourceState};
use crate::parse::payload::kube as read;
use crate::sources::backoff::{Backoff, jitter};
use crate::sources::hub::Port;

/// Objects of a list that are asked for at once.
const PAGE: usize = 500;
/// The largest page or watch line that is taken.
const MAX_DOCUMENT: usize = 64 << 20;
/// How long a watch is asked to last. Short enough that a connection that died
/// without a word is noticed soon; resuming costs one request.
const WATCH: Duration = Duration::from_secs(150);
/// How often is tried again what was refused.
pub const DENIED: Duration = Duration::from_secs(60);
/// How often is listed where watching is refused.
const POLL: Duration = Duration::from_secs(15);

/// A kind of objects to list and watch.
#[derive(Clone, Copy, Debug)]
pub struct Resource {
    /// Plural name; the source is `kube:` and this.
    pub plural: &'static str,
    /// `Pod`
    pub kind: &'static str,
    /// `v1` or `apps/v1`
    pub api: &'static str,
    /// True for what is in no namespace.
    pub cluster_wide: bool,
}

/// What is watched.
pub const RESOURCES: &[Resource] = &[
    Resource { plural: "pods", kind: "Pod", api: "v1", cluster_wide: false },
    Resource { plural: "deployments", kind: "Deployment", api: "apps/v1", cluster_wide: false },
    Resource { plural: "statefulsets", kind: "StatefulSet", api: "apps/v1", cluster_wide: false },
    Resource { plural: "events", kind: "Event", api: "v1", cluster_wide: false },
    Resource { plural: "nodes", kind: "Node", api: "v1", cluster_wide: true },
];

impl Resource {
    fn path(&self, namespace: &str) -> String {
        let root = if self.api == "v1" { "/api/v1".into() } else { format!("/apis/{}", self.api) };
        if self.cluster_wide { format!("{root}/{}", self.plural) } else { format!("{root}/namespaces/{namespace}/{}", self.plural) }
    }

    const fn ask(&self, verb: &'static str) -> Ask {
        Ask { verb, resource: self.plural, cluster_wide: self.cluster_wide }
    }
}

/// How a watch ended.
enum End {
    /// The server's time limit, or its connection: resume.
    Over,
    /// The resourceVersion is too old: list again.
    Gone,
    /// Nobody listens any more.
    Closed,
    /// It did not begin, or broke.
    Failed(Failure),
}

/// Lists and watches for ever. Pods also go into `pods`.
pub async fn run(access: Arc<Access>, resource: Resource, port: Port, pods: Option<PodsWriter>) {
    let mut task = Task { access, resource, port, pods, version: String::new(), told: HashSet::new() };
    let mut backoff = Backoff::network();
    task.port.state(SourceState::Connecting, "").await;
    loop {
        match task.list().await {
            // Only a watch that lasts shows that all is well.
            Ok(true) => {}
            Ok(false) => return,
            Err(failure) => {
                task.wait(&failure, &mut backoff).await;
                continue;
            }
        }
        task.port.state(SourceState::Live, "").await;
        // Watches until the list is too old or something is odd.
        loop {
            let began = Instant::now();
            match task.watch().await {
                End::Closed => return,
                End::Over if began.elapsed() > Duration::from_secs(5) => backoff.reset(),
                // A server that ends watches at once is not asked in a loop.
                End::Over => backoff.sleep().await,
                End::Gone => {
                    if began.elapsed() < Duration::from_secs(5) {
                        backoff.sleep().await;
                    }
                    break;
                }
                End::Failed(Failure::Denied(detail)) => {
                    let detail = format!("{detail}; until then listed each {} s", POLL.as_secs());
                    task.port.state(SourceState::Live, &detail).await;
                    tokio::time::sleep(jitter(POLL)).await;
                    break;
                }
                End::Failed(failure) => {
                    task.wait(&failure, &mut backoff).await;
                    if !matches!(failure, Failure::Unreachable(_) | Failure::Timeout | Failure::Unauthorized) {
                        break;
                    }
                }
            }
        }
    }
}

struct Task {
    access: Arc<Access>,
    resource: Resource,
    port: Port,
    pods: Option<PodsWriter>,
    /// Where the next watch goes on.
    version: String,
    /// Events (uid and version) that were told: a second list does not tell
    /// them again. Other objects may come as often as they like.
    told: HashSet<u64>,
}

/// Events that are remembered; the API server keeps an hour of them.
const MAX_TOLD: usize = 100_000;

#[derive(Deserialize)]
struct ListHead<'a> {
    metadata: ListMeta,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    resource_version: Option<String>,
    #[serde(rename = "continue")]
    next: Option<String>,
}

impl Task {
    async fn wait(&self, failure: &Failure, backoff: &mut Backoff) {
        self.port.state(failure.state(), &failure.detail()).await;
        if matches!(failure, Failure::Denied(_)) {
            tokio::time::sleep(jitter(DENIED)).await;
        } else {
            backoff.sleep().await;
        }
    }

    /// Lists all pages and sends them as one list; false when nobody listens.
    async fn list(&mut self) -> Result<bool, Failure> {
        let Resource { kind, api, .. } = self.resource;
        let path = self.resource.path(self.access.namespace());
        let mut items = String::new();
        let mut pods = Vec::new();
        let mut next = String::new();
        let version = loop {
            let token = if next.is_empty() { String::new() } else { format!("&continue={}", escape(&next)) };
            let page =
                http::document(&self.access, &format!("{path}?limit={PAGE}{token}"), self.resource.ask("list"), MAX_DOCUMENT).await?;
            let head: ListHead<'_> =
                serde_json::from_slice(&page).map_err(|e| Failure::Garbage(format!("no list of {}: {e}", self.resource.plural)))?;
            for item in head.items.unwrap_or_default() {
                let mut value: Value = serde_json::from_str(item.get()).map_err(|e| Failure::Garbage(e.to_string()))?;
                strip::object(&mut value);
                if !self.is_news(&value) {
                    continue;
                }
                let text = value.to_string();
                if self.pods.is_some() {
                    pods.extend(read::pod(&text));
                }
                if !items.is_empty() {
                    items.push(',');
                }
                items.push_str(&text);
            }
            match head.metadata.next.filter(|n| !n.is_empty()) {
                Some(token) => next = token,
                None => break head.metadata.resource_version.unwrap_or_default(),
            }
        };
        let list = format!(
            r#"{{"kind":"{kind}List","apiVersion":"{api}","metadata":{{"resourceVersion":{}}},"items":[{items}]}}"#,
            Value::from(version.as_str())
        );
        self.version = version;
        if let Some(table) = &self.pods {
            table.apply(PodChange::All(pods));
        }
        Ok(self.port.send(Kind::Json, list).await.is_ok())
    }

    /// False for an event that was told before.
    fn is_news(&mut self, object: &Value) -> bool {
        if self.resource.kind != "Event" {
            return true;
        }
        if self.told.len() >= MAX_TOLD {
            self.told.clear();
        }
        let meta = &object["metadata"];
        self.told.insert(FxBuildHasher.hash_one((meta["uid"].as_str(), meta["resourceVersion"].as_str())))
    }

    /// Watches from `version` until it ends.
    async fn watch(&mut self) -> End {
        let path = self.resource.path(self.access.namespace());
        let lasts = jitter(WATCH);
        let path = format!(
            "{path}?watch=true&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
            escape(&self.version),
            lasts.as_secs().max(1)
        );
        let body = match http::open(&self.access, &path, self.resource.ask("watch")).await {
            Ok(body) => body,
            Err(Failure::Gone) => return End::Gone,
            Err(f) => return End::Failed(f),
        };
        self.port.state(SourceState::Live, "").await;
        let mut lines = Lines::new(body, MAX_DOCUMENT);
        // The server ends the watch by itself; if it does not, it is gone.
        let limit = tokio::time::Instant::now() + lasts + Duration::from_secs(10);
        loop {
            let line = match tokio::time::timeout_at(limit, lines.next()).await {
                Ok(Some(Ok(line))) => line,
                Ok(Some(Err(f @ Failure::Garbage(_)))) => return End::Failed(f),
                // A connection that breaks within a watch is what watches do.
                Err(_) | Ok(None | Some(Err(_))) => return End::Over,
            };
            if line.trim_ascii().is_empty() {
                continue;
            }
            match self.line(&line).await {
                None => {}
                Some(end) => return end,
            }
        }
    }

    /// One event of a watch.
    async fn line(&mut self, line: &[u8]) -> Option<End> {
        let Ok(mut event) = serde_json::from_slice::<Value>(line) else {
            return Some(End::Failed(Failure::Garbage("a line of a watch is no JSON".into())));
        };
        let change = event["type"].as_str().unwrap_or_default().to_owned();
        if change == "ERROR" {
            let code = event["object"]["code"].as_u64().unwrap_or(0);
            let message = event["object"]["message"].as_str().unwrap_or_default().to_owned();
            return Some(match u16::try_from(code) {
                Ok(410) => End::Gone,
                code => End::Failed(Failure::Status(code.unwrap_or(0), message)),
            });
        }
        let object = &mut event["object"];
        if let Some(version) = object["metadata"]["resourceVersion"].as_str() {
            version.clone_into(&mut self.version);
        }
        if change == "BOOKMARK" {
            // It only moves the place to resume from.
            return None;
        }
        strip::object(object);
        let text = object.to_string();
        self.is_news(&event["object"]);
        if let Some(table) = &self.pods
            && let Some(pod) = read::pod(&text)
        {
            table.apply(if change == "DELETED" { PodChange::Gone(pod.name) } else { PodChange::Put(Box::new(pod)) });
        }
        let event = format!(r#"{{"type":{},"object":{text}}}"#, Value::from(change));
        self.port.send(Kind::Json, event).await.is_err().then_some(End::Closed)
    }
}

/// Escapes a value for a query.
#[must_use]
pub fn escape(value: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(value.len());
    for c in value.bytes() {
        if c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(c));
        } else {
            let _ = write!(out, "%{c:02X}");
        }
    }
    out
}
