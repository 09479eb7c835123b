//! Requests to the Kubernetes API, raw: what came is what is recorded.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Request;
use http_body_util::BodyExt;
use kube::client::Body;
use serde::Deserialize;

use super::access::{Access, chain};
use crate::envelope::SourceState;
use crate::sources::hub::one_line;

/// How long the API server may take to begin its answer.
const HEADERS: Duration = Duration::from_secs(15);
/// How long a whole document may take.
const DOCUMENT: Duration = Duration::from_secs(60);
/// The most that is read of a refusal.
const MAX_ERROR: usize = 64 << 10;

/// What a request needs permission for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// `get`, `list`, `watch`, `create`
    pub verb: &'static str,
    /// `pods`, `pods/log`, `nodes`, …
    pub resource: &'static str,
    /// True for what is in no namespace.
    pub cluster_wide: bool,
}

impl Ask {
    /// For a resource of the namespace.
    #[must_use]
    pub const fn new(verb: &'static str, resource: &'static str) -> Self {
        Self { verb, resource, cluster_wide: false }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// 403: permission is missing.
    Denied(String),
    /// 401: credentials are missing or expired.
    Unauthorized,
    /// 410: the resourceVersion is too old.
    Gone,
    /// Any other status.
    Status(u16, String),
    /// No connection, or it broke.
    Unreachable(String),
    /// The API server answers; what is looked for is not there.
    Missing(String),
    /// Nothing came for too long.
    Timeout,
    /// What came is not what was asked for.
    Garbage(String),
}

impl Failure {
    /// The source's state that it means.
    #[must_use]
    pub const fn state(&self) -> SourceState {
        match self {
            Self::Denied(_) => SourceState::Denied,
            _ => SourceState::Connecting,
        }
    }

    /// One line for a person.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Denied(d) => d.clone(),
            Self::Unauthorized => {
                "401: the credentials are not accepted or have expired; renew them (for example `kubectl get pods` runs the login)".into()
            }
            Self::Gone => "410: listing again".into(),
            Self::Status(code, message) => format!("the API server answered {code}: {message}"),
            Self::Unreachable(why) => format!("the API server is not reachable: {why}"),
            Self::Missing(what) => what.clone(),
            Self::Timeout => "the API server does not answer".into(),
            Self::Garbage(why) => format!("the API server answered what is not expected: {why}"),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    message: String,
    reason: String,
    code: u16,
}

/// Opens a request; the answer's body follows as a stream.
pub async fn open(access: &Access, path: &str, ask: Ask) -> Result<Body, Failure> {
    let request = Request::get(path)
        // Newer API servers compress each event of a watch by itself.
        .header(http::header::ACCEPT_ENCODING, "identity")
        .header(http::header::ACCEPT, "application/json, */*")
        .body(Body::empty())
        .map_err(|e| Failure::Garbage(e.to_string()))?;
    let (client, generation) = access.client();
    let response = match tokio::time::timeout(HEADERS, client.send(request)).await {
        Err(_) => return Err(Failure::Timeout),
        Ok(Err(e)) => return Err(Failure::Unreachable(short(&e))),
        Ok(Ok(r)) => r,
    };
    let status = response.status();
    if status.is_success() {
        return Ok(response.into_body());
    }
    let body = tokio::time::timeout(HEADERS, collect(response.into_body(), MAX_ERROR)).await;
    let body = body.ok().and_then(Result::ok).unwrap_or_default();
    let told: Status = serde_json::from_slice(&body)
        .unwrap_or_else(|_| Status { message: one_line(&String::from_utf8_lossy(&body)), ..Status::default() });
    Err(match status.as_u16() {
        401 => {
            if let Err(e) = access.renew(generation).await {
                return Err(Failure::Unreachable(e));
            }
            Failure::Unauthorized
        }
        403 => Failure::Denied(denied_for(ask, access.namespace(), &told.message)),
        410 => Failure::Gone,
        code => Failure::Status(code, if told.message.is_empty() { told.reason } else { told.message }),
    })
}

/// Gets a whole document of at most `max` bytes.
pub async fn document(access: &Access, path: &str, ask: Ask, max: usize) -> Result<Bytes, Failure> {
    let body = open(access, path, ask).await?;
    tokio::time::timeout(DOCUMENT, collect(body, max)).await.map_err(|_| Failure::Timeout)?
}

async fn collect(mut body: Body, max: usize) -> Result<Bytes, Failure> {
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| Failure::Unreachable(short(&e)))?;
        if let Some(data) = frame.data_ref() {
            if all.len() + data.len() > max {
                return Err(Failure::Garbage(format!("more than {max} bytes")));
            }
            all.extend_from_slice(data);
        }
    }
    Ok(all.freeze())
}

/// What to ask the cluster's administrator for. The server's own words count:
/// which verb a port-forward needs, for example, depends on its version.
pub(super) fn denied_for(ask: Ask, namespace: &str, message: &str) -> String {
    // `pods is forbidden: User "viewer" cannot list resource "pods" in API group "" in the namespace "x"`
    let quoted = |after: &str| message.split_once(after).and_then(|(_, rest)| rest.split_once('"')).map(|(word, _)| word);
    let verb = message.split_once(" cannot ").and_then(|(_, rest)| rest.split_once(' ')).map_or(ask.verb, |(verb, _)| verb);
    let mut resource = quoted(" resource \"").unwrap_or(ask.resource).to_owned();
    if let Some(group) = quoted(" API group \"").filter(|g| !g.is_empty()) {
        resource = format!("{resource}.{group}");
    }
    let place = if ask.cluster_wide { "in the whole cluster".into() } else { format!("in namespace {namespace}") };
    match quoted("User \"") {
        Some(user) => format!("403: {user} may not {verb} {resource}; ask for verb {verb} on resource {resource} {place}"),
        None => format!("403: ask for verb {verb} on resource {resource} {place}"),
    }
}

/// The error that a person can use: the innermost causes, once.
fn short(error: &kube::Error) -> String {
    let text = chain(error);
    one_line(text.trim_start_matches("ServiceError: ").trim_start_matches("HyperError: "))
}

/// A body's lines, however it is cut into frames.
pub struct Lines {
    body: Body,
    buffer: BytesMut,
    /// The buffer holds no newline before this place.
    searched: usize,
    max: usize,
}

impl Lines {
    /// Lines of at most `max` bytes.
    #[must_use]
    pub fn new(body: Body, max: usize) -> Self {
        Self { body, buffer: BytesMut::new(), searched: 0, max }
    }

    /// The next line without its end; `None` at the end of the body. A last
    /// line without an end is not given: it is cut.
    pub async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        loop {
            if let Some(n) = memchr::memchr(b'\n', &self.buffer[self.searched..]) {
                let end = self.searched + n;
                let line = self.buffer.split_to(end + 1).freeze();
                self.searched = 0;
                return Some(Ok(line.slice(..end)));
            }
            self.searched = self.buffer.len();
            if self.searched > self.max {
                return Some(Err(Failure::Garbage(format!("a line of more than {} bytes", self.max))));
            }
            match self.body.frame().await? {
                Ok(frame) => {
                    if let Some(data) = frame.data_ref() {
                        self.buffer.extend_from_slice(data);
                    }
                }
                Err(e) => return Some(Err(Failure::Unreachable(short(&e)))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_ask_for() {
        let message = r#"pods is forbidden: User "viewer" cannot list resource "pods" in API group "" in the namespace "sp1-cluster""#;
        assert_eq!(
            denied_for(Ask::new("list", "pods"), "sp1-cluster", message),
            "403: viewer may not list pods; ask for verb list on resource pods in namespace sp1-cluster"
        );
        let nodes = Ask { verb: "list", resource: "nodes", cluster_wide: true };
        assert_eq!(denied_for(nodes, "x", ""), "403: ask for verb list on resource nodes in the whole cluster");
    }
}
