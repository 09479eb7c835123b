//! What the asking user may do: `kubectl auth can-i`.

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use prost::Message as _;
use serde_json::{Value, json};

use super::Api;
use super::request::Asked;
use super::respond::{self, Body};
use crate::sim::serve::users::User;

/// Which question.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// May I do this?
    Access,
    /// What may I do?
    Rules,
    /// Who am I?
    Who,
}

pub fn kind(asked: &Asked) -> Option<Review> {
    match asked.path.as_str() {
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => Some(Review::Access),
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews" => Some(Review::Rules),
        "/apis/authentication.k8s.io/v1/selfsubjectreviews" => Some(Review::Who),
        _ => None,
    }
}

/// What wraps an object in Kubernetes' binary form.
#[derive(Clone, PartialEq, prost::Message)]
struct Unknown {
    #[prost(bytes = "bytes", tag = "2")]
    raw: bytes::Bytes,
}

/// `SelfSubjectAccessReview` and `SelfSubjectRulesReview`, as far as needed.
#[derive(Clone, PartialEq, prost::Message)]
struct Asking {
    #[prost(message, optional, tag = "2")]
    spec: Option<Spec>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Spec {
    #[prost(message, optional, tag = "1")]
    attributes: Option<Attributes>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Attributes {
    #[prost(string, tag = "1")]
    namespace: String,
    #[prost(string, tag = "2")]
    verb: String,
    #[prost(string, tag = "3")]
    group: String,
    #[prost(string, tag = "5")]
    resource: String,
    #[prost(string, tag = "6")]
    subresource: String,
    #[prost(string, tag = "7")]
    name: String,
}

/// Reads the binary form, which kubectl prefers for what it sends.
fn binary(body: &[u8], review: Review) -> Option<Value> {
    let raw = Unknown::decode(body.strip_prefix(b"k8s\0")?).ok()?.raw;
    let (kind, spec) = match review {
        // The rules' review has a namespace where this one has attributes.
        Review::Rules => ("SelfSubjectRulesReview", json!({})),
        Review::Who => ("SelfSubjectReview", json!({})),
        Review::Access => {
            let a = Asking::decode(raw).ok()?.spec?.attributes.unwrap_or_default();
            let spec = json!({"resourceAttributes": {"namespace": a.namespace, "verb": a.verb, "group": a.group, "resource": a.resource, "subresource": a.subresource, "name": a.name}});
            ("SelfSubjectAccessReview", spec)
        }
    };
    Some(json!({"kind": kind, "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": spec}))
}

pub async fn answer(api: &Api, user: &User, review: Review, request: Request<Incoming>) -> Response<Body> {
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let Some(mut body) = serde_json::from_slice::<Value>(&body).ok().or_else(|| binary(&body, review)) else {
        return respond::status(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: application/json",
        );
    };
    body["status"] = match review {
        Review::Access => {
            let a = &body["spec"]["resourceAttributes"];
            let word = |name: &str| a[name].as_str().unwrap_or_default();
            let mut resource = word("resource").to_owned();
            if !word("group").is_empty() && word("group") != "*" {
                resource = format!("{resource}.{}", word("group"));
            }
            if !word("subresource").is_empty() {
                resource = format!("{resource}/{}", word("subresource"));
            }
            let allowed = user.may(word("verb"), &resource) && !api.world.read(|s| s.net.denies(word("verb"), &resource));
            if allowed { json!({"allowed": true, "reason": "RBAC: allowed by the simulated role"}) } else { json!({"allowed": false}) }
        }
        Review::Rules => {
            let rule = |(verbs, resources): &(&[&str], &[&str])| {
                let groups: Vec<&str> =
                    resources.iter().map(|r| r.split('/').next().unwrap_or_default().split_once('.').map_or("", |g| g.1)).collect();
                let plain: Vec<String> = resources
                    .iter()
                    .map(|r| match r.split_once('.') {
                        Some((name, rest)) => format!("{name}{}", rest.find('/').map_or("", |i| &rest[i..])),
                        None => (*r).to_owned(),
                    })
                    .collect();
                let groups: Vec<&str> = if resources.contains(&"*") { vec!["*"] } else { groups };
                json!({"verbs": verbs, "apiGroups": groups, "resources": plain})
            };
            json!({"resourceRules": user.rules.iter().map(rule).collect::<Vec<_>>(), "nonResourceRules": [], "incomplete": false})
        }
        Review::Who => json!({"userInfo": {"username": user.name, "groups": ["system:authenticated"]}}),
    };
    respond::created(&body)
}
