//! The simulated API server: what of the Kubernetes API clients of a proving
//! cluster use.

mod discovery;
mod forward;
mod list;
mod log;
mod merge;
pub(super) mod metrics;
mod proxy;
mod request;
mod respond;
mod review;
mod select;
mod table;
mod watch;
mod write;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::resources;
use super::users;
use super::world::World;
use request::{Asked, Target};
use respond::Body;

/// What the API server needs to answer.
pub struct Api {
    pub(super) world: Arc<World>,
    /// Where the coordinator's and the API's services listen.
    pub(super) coordinator: SocketAddr,
    pub(super) cluster: SocketAddr,
}

impl Api {
    /// Listens and answers until dropped; goes away and comes back as
    /// [`super::net::Net::down`] tells.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        let Ok(addr) = listener.local_addr() else { return };
        let mut changes = self.world.changes();
        let mut listener = Some(listener);
        // Dropped with all its connections when the server goes away.
        let mut connections = JoinSet::new();
        loop {
            let down = self.world.read(|s| s.net.down);
            if down {
                listener = None;
                connections.shutdown().await;
                if changes.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let Some(open) = &listener else {
                match TcpListener::bind(addr).await {
                    Ok(l) => listener = Some(l),
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                }
                continue;
            };
            tokio::select! {
                accepted = open.accept() => {
                    if let Ok((stream, _)) = accepted {
                        connections.spawn(connection(Arc::clone(&self), stream));
                    }
                    while connections.try_join_next().is_some() {}
                }
                changed = changes.changed() => if changed.is_err() { return },
            }
        }
    }

    async fn handle(self: Arc<Self>, mut request: Request<Incoming>) -> Response<Body> {
        let (slow, unauthorized) = self.world.read(|s| (s.net.slow, s.net.unauthorized));
        if !slow.is_zero() {
            tokio::time::sleep(slow).await;
        }
        let header = |name| request.headers().get(name).and_then(|v| v.to_str().ok());
        let (path, name) = users::of_path(request.uri().path());
        let Some(user) = users::find(name, header(http::header::AUTHORIZATION)).filter(|_| !unauthorized) else {
            return respond::status(401, "Unauthorized", "Unauthorized");
        };
        let asked = Asked::read(path, request.uri().query(), header(http::header::ACCEPT));
        if let Some(answer) = discovery::answer(&asked, request.method()) {
            return answer;
        }
        if let Some(review) = review::kind(&asked) {
            return review::answer(&self, user, review, request).await;
        }
        let Some(target) = Target::read(&asked.path) else {
            return respond::not_served();
        };
        let verb = target.verb(request.method(), &asked);
        let resource = target.qualified();
        if !user.may(verb, &resource) || self.world.read(|s| s.net.denies(verb, &resource)) {
            return respond::forbidden(user.name, verb, &target);
        }
        if target.group == metrics::GROUP {
            return metrics::answer(&self, &asked, &target);
        }
        match (request.method(), target.sub.as_deref()) {
            (&Method::GET, Some("log")) => return log::answer(&self, &asked, &target),
            (&Method::GET | &Method::POST, Some("portforward")) => return forward::answer(&self, &asked, &target, &mut request),
            (&Method::GET, Some("proxy")) => return proxy::answer(&self, &target),
            _ => {}
        }
        let Some(kind) = resources::find(&target.group, &target.plural) else {
            return respond::not_served();
        };
        match *request.method() {
            Method::GET if asked.watch() => watch::answer(&self, &asked, &target, kind),
            Method::GET if target.name.is_none() => list::answer(&self, &asked, &target, kind),
            Method::GET => list::one(&self, &asked, &target, kind),
            _ => write::answer(&self, &asked, &target, kind, request).await,
        }
    }
}

async fn connection(api: Arc<Api>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Infallible>(api.handle(request).await) }
    });
    let http = hyper::server::conn::http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    // A connection that breaks is the client's affair.
    let _ = http.with_upgrades().await;
}
