//! Orders by HTTP: `curl -d 'lose gpu-node 60' URL`.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::order;
use super::world::World;

/// Serves until dropped.
pub async fn serve(world: Arc<World>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let world = Arc::clone(&world);
        let service = service_fn(move |request| {
            let world = Arc::clone(&world);
            async move { Ok::<_, Infallible>(answer(&world, request).await) }
        });
        connections.spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(world: &World, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (mut code, mut text) = (StatusCode::OK, String::new());
    if request.method() == Method::POST {
        let body = Limited::new(request.into_body(), 64 << 10).collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        for line in String::from_utf8_lossy(&body).lines() {
            match order::run(world, line) {
                Ok(answer) => _ = writeln!(text, "{}", answer.trim_end()),
                Err(e) => {
                    code = StatusCode::BAD_REQUEST;
                    _ = writeln!(text, "{e}");
                    break;
                }
            }
        }
    } else {
        text = format!("POST lines of these orders:\n\n{}", order::help());
    }
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = code;
    response
}
