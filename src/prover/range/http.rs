//! The two questions that are put to RPC servers.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::sources::kube::access::chain;

/// How long an RPC server may take; some are slow to wake.
const ANSWER: Duration = Duration::from_secs(10);
const LARGEST: usize = 1 << 20;

/// A URL without what may be a key: providers put it into the path.
#[must_use]
pub fn shown(url: &str) -> String {
    match url.parse::<Uri>() {
        Ok(u) => match (u.scheme_str(), u.host()) {
            (Some(s), Some(h)) => {
                let port = u.port_u16().map(|p| format!(":{p}")).unwrap_or_default();
                let path = if u.path().len() > 1 || u.query().is_some() { "/…" } else { "" };
                format!("{s}://{h}{port}{path}")
            }
            _ => "what is set is no URL".into(),
        },
        Err(_) => "what is set is no URL".into(),
    }
}

async fn ask(method: Method, url: &str, body: Option<String>) -> Result<(u16, Bytes), String> {
    let uri: Uri = url.parse().map_err(|_| "it is no URL".to_owned())?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("it is no http:// or https:// URL".into());
    }
    let tls = hyper_rustls::HttpsConnectorBuilder::new()
        .with_native_roots()
        .map_err(|e| format!("the system's certificates cannot be read: {e}"))?
        .https_or_http()
        .enable_http1()
        .build();
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(tls);
    let request =
        Request::builder().method(method).uri(uri).header("content-type", "application/json").header("accept", "application/json");
    let request = request.body(Full::new(Bytes::from(body.unwrap_or_default()))).map_err(|e| e.to_string())?;
    let work = async {
        let answer = client.request(request).await.map_err(|e| format!("it does not answer: {}", chain(&e)))?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), LARGEST).collect().await.map_err(|e| format!("its answer broke off: {e}"))?;
        Ok((status, body.to_bytes()))
    };
    tokio::time::timeout(ANSWER, work).await.map_err(|_| format!("it does not answer within {} s", ANSWER.as_secs()))?
}

/// The result of a JSON-RPC call without parameters.
pub async fn json_rpc(url: &str, method: &str) -> Result<serde_json::Value, String> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":[]}}"#);
    let (status, answer) = ask(Method::POST, url, Some(body)).await?;
    let Ok(answer) = serde_json::from_slice::<serde_json::Value>(&answer) else {
        return Err(format!("it answers {method} with HTTP {status} and no JSON; is the key valid?"));
    };
    if let Some(result) = answer.get("result").filter(|r| !r.is_null()) {
        return Ok(result.clone());
    }
    let why = answer.pointer("/error/message").and_then(|m| m.as_str()).unwrap_or("no result");
    Err(format!("it answers {method} with HTTP {status}: {why}"))
}

/// A beacon node's version.
pub async fn beacon_version(url: &str) -> Result<String, String> {
    // The path goes before a query that holds a key.
    let (base, query) = url.split_once('?').map_or((url, String::new()), |(b, q)| (b, format!("?{q}")));
    let (status, answer) = ask(Method::GET, &format!("{}/eth/v1/node/version{query}", base.trim_end_matches('/')), None).await?;
    let version = serde_json::from_slice::<serde_json::Value>(&answer)
        .ok()
        .and_then(|a| a.pointer("/data/version").and_then(|v| v.as_str()).map(str::to_owned));
    version.ok_or_else(|| format!("it answers /eth/v1/node/version with HTTP {status} and no version: is it a beacon node?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_urls_are_not_shown() {
        assert_eq!(shown("https://mainnet.infura.io/v3/hunter2"), "https://mainnet.infura.io/…");
        assert_eq!(shown("http://u:hunter2@node:8545"), "http://node:8545");
        assert_eq!(shown("http://node:8545?key=hunter2"), "http://node:8545/…");
        assert_eq!(shown("hunter2 hunter2"), "what is set is no URL");
    }
}
