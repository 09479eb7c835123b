//! Answers.

use std::io;

use bytes::Bytes;
use futures::stream;
use http::{Response, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::request::Target;

/// The body of an answer; an error in it breaks the connection.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Frames that may wait for a slow client.
const QUEUE: usize = 32;

pub fn bytes(code: u16, kind: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut r = Response::new(Full::new(body.into()).map_err(|never| match never {}).boxed_unsync());
    *r.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    r.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    r
}

pub fn json(body: &Value) -> Response<Body> {
    bytes(200, "application/json", body.to_string())
}

pub fn created(body: &Value) -> Response<Body> {
    bytes(201, "application/json", body.to_string())
}

/// A body that is written piece by piece.
pub fn streamed(kind: &'static str) -> (Response<Body>, mpsc::Sender<Result<Bytes, io::Error>>) {
    let (tx, rx) = mpsc::channel(QUEUE);
    let frames = stream::unfold(rx, |mut rx: mpsc::Receiver<Result<Bytes, io::Error>>| async move {
        let next = rx.recv().await?;
        Some((next.map(Frame::data), rx))
    });
    let mut r = Response::new(StreamBody::new(frames).boxed_unsync());
    r.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    (r, tx)
}

/// An error that breaks the connection in the middle of a body.
pub fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the simulated network breaks here")
}

/// A `Status` as JSON.
pub fn failure(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code})
}

pub fn status(code: u16, reason: &str, message: &str) -> Response<Body> {
    bytes(code, "application/json", failure(code, reason, message).to_string())
}

/// A path that nothing is behind.
pub fn not_served() -> Response<Body> {
    bytes(404, "text/plain; charset=utf-8", "404 page not found\n")
}

pub fn not_found(target: &Target) -> Response<Body> {
    let kind = if target.group.is_empty() { target.plural.clone() } else { format!("{}.{}", target.plural, target.group) };
    let name = target.name.as_deref().unwrap_or_default();
    let mut body = failure(404, "NotFound", &format!("{kind} \"{name}\" not found"));
    body["details"] = json!({"name": name, "group": target.group, "kind": target.plural});
    bytes(404, "application/json", body.to_string())
}

pub fn forbidden(user: &str, verb: &str, target: &Target) -> Response<Body> {
    let resource = match &target.sub {
        Some(sub) => format!("{}/{sub}", target.plural),
        None => target.plural.clone(),
    };
    let kind = if target.group.is_empty() { target.plural.clone() } else { format!("{}.{}", target.plural, target.group) };
    let name = target.name.as_ref().map(|n| format!(" \"{n}\"")).unwrap_or_default();
    let place = match &target.namespace {
        Some(ns) => format!("in the namespace \"{ns}\""),
        None => "at the cluster scope".to_owned(),
    };
    let message = format!(
        "{kind}{name} is forbidden: User \"{user}\" cannot {verb} resource \"{resource}\" in API group \"{}\" {place}",
        target.group
    );
    let mut body = failure(403, "Forbidden", &message);
    body["details"] = json!({"kind": target.plural, "group": target.group});
    bytes(403, "application/json", body.to_string())
}
