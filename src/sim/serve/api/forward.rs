//! Port-forwards over WebSocket, as kube-rs speaks them: one channel for data
//! and one for errors, each of which begins with the port's number.

use std::sync::Arc;

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::Api;
use super::request::{Asked, Target};
use super::respond::{self, Body};

const PROTOCOL: &str = "v4.channel.k8s.io";
const SERVICES: u16 = 50051;

/// What a tunnel leads to.
struct End {
    pod: usize,
    run: u32,
    epoch: u64,
    /// Where the service listens; `None` where nothing does.
    to: Option<std::net::SocketAddr>,
    port: u16,
}

pub fn answer(api: &Arc<Api>, asked: &Asked, target: &Target, request: &mut Request<Incoming>) -> Response<Body> {
    let name = target.name.as_deref().unwrap_or_default();
    let Some(port) = asked.get("ports").and_then(|p| p.parse::<u16>().ok()) else {
        return respond::status(400, "BadRequest", "query parameter \"ports\" is required");
    };
    let end = api.world.with(|s| {
        let (pod, p) = s.cluster.pods().find(|(_, p)| p.name == name)?;
        let to = match (p.app, port) {
            ("coordinator", SERVICES) => Some(api.coordinator),
            ("api", SERVICES) => Some(api.cluster),
            _ => None,
        };
        let to = to.filter(|_| p.ready && !p.lost);
        Some(End { pod, run: p.restarts, epoch: s.net.epoch(), to, port })
    });
    let Some(end) = end else { return respond::not_found(target) };
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).map(|k| derive_accept_key(k.as_bytes()));
    let offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|v| v.to_str().ok());
    let speaks = offered.flat_map(|v| v.split(',')).any(|p| p.trim() == PROTOCOL);
    let Some(accept) = key.filter(|_| speaks).and_then(|k| HeaderValue::from_str(&k).ok()) else {
        return respond::status(
            400,
            "BadRequest",
            "Upgrade request required: this simulated cluster forwards ports only over WebSocket (v4.channel.k8s.io), which kubectl port-forward does not speak; use the URLs that `sp1top demo --serve` prints",
        );
    };
    let upgrade = hyper::upgrade::on(request);
    let api = Arc::clone(api);
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            tunnel(api, upgraded, end).await;
        }
    });
    let mut response = Response::new(Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    response
}

async fn tunnel(api: Arc<Api>, upgraded: Upgraded, end: End) {
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    let (mut sink, mut source) = socket.split();
    let [a, b] = end.port.to_le_bytes();
    for channel in [0u8, 1] {
        if sink.send(Message::Binary(vec![channel, a, b].into())).await.is_err() {
            return;
        }
    }
    let stream = match end.to {
        Some(addr) => TcpStream::connect(addr).await.ok(),
        None => None,
    };
    let Some(stream) = stream else {
        let why = format!("\x01an error occurred forwarding {0} -> {0}: dial tcp4 127.0.0.1:{0}: connect: connection refused", end.port);
        let _ = sink.send(Message::Binary(why.into_bytes().into())).await;
        let _ = sink.close().await;
        return;
    };
    let _ = stream.set_nodelay(true);
    let (mut from_pod, mut to_pod) = stream.into_split();
    let up = async {
        while let Some(Ok(message)) = source.next().await {
            if let Message::Binary(data) = message
                && let Some((0, data)) = data.split_first()
                && to_pod.write_all(data).await.is_err()
            {
                return;
            }
        }
    };
    let down = async {
        let mut buffer = vec![0u8; 16 << 10];
        while let Ok(n) = from_pod.read(&mut buffer[1..]).await {
            if n == 0 || sink.send(Message::Binary(buffer[..=n].to_vec().into())).await.is_err() {
                return;
            }
        }
    };
    // The tunnel ends with the container at its end.
    let over = async {
        let mut changes = api.world.changes();
        loop {
            let open = api.world.read(|s| {
                s.net.epoch() == end.epoch
                    && !s.net.down
                    && s.cluster.pod(end.pod).is_some_and(|p| !p.gone && p.ready && !p.lost && p.restarts == end.run)
            });
            if !open || changes.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! { () = up => {}, () = down => {}, () = over => {} }
}
