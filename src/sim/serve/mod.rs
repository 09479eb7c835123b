//! The simulated cluster behind real sockets on loopback: the Kubernetes API
//! over HTTP, and the coordinator's and the API's gRPC services.
//!
//! Clients cannot tell it from a cluster by what they use of one: sp1top's own
//! live sources run on it, and so does kubectl. The time is a [`SimClock`]: the
//! wall's, faster or slower.
//!
//! | module | what |
//! |---|---|
//! | `world` | the simulation, moved on by the clock; its logs and objects |
//! | `objects` | pods, deployments and so on as JSON |
//! | `store` | their versions and changes, for lists and watches |
//! | `api` | the Kubernetes API |
//! | `grpc` | the two services |
//! | `artifacts` | the artifact store |
//! | `direct` | all of that without sockets, for tests |
//! | `order`, `control` | what can be done to it, by lines of text |

mod api;
mod artifacts;
mod clock;
mod control;
pub mod direct;
mod grpc;
pub mod logs;
pub mod net;
mod objects;
pub mod order;
mod resources;
mod store;
pub mod users;
pub mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use clock::SimClock;
use world::World;

use crate::base::Timestamp;
use crate::sim::{Chapter, Cluster, Scenario};

/// A simulated cluster that listens.
pub struct Server {
    /// The simulation; orders go to it.
    pub world: Arc<World>,
    /// Where the Kubernetes API listens.
    pub kube: SocketAddr,
    /// Where the coordinator's service listens.
    pub coordinator: SocketAddr,
    /// Where the API's service listens.
    pub cluster: SocketAddr,
    /// Where the artifact store listens, which speaks Redis' protocol.
    pub artifacts: SocketAddr,
    /// Where orders are taken.
    pub control: SocketAddr,
    /// Ends with the server.
    tasks: JoinSet<()>,
}

impl Server {
    /// Builds a scenario whose warm-up ends at `now`, and serves it. Must be
    /// called within a tokio runtime.
    pub async fn of(scenario: &Scenario, seed: u64, speed: f64, now: Timestamp) -> std::io::Result<Self> {
        let start = now.minus(scenario.warm_up);
        let cluster = scenario.build(seed, start);
        let chapters = scenario.plan().chapters.into_iter().map(|c| (start.plus(c.at), c)).collect();
        Self::start(cluster, chapters, SimClock::new(now, speed)).await
    }

    /// Serves a cluster by a clock.
    pub async fn start(cluster: Cluster, chapters: Vec<(Timestamp, Chapter)>, clock: SimClock) -> std::io::Result<Self> {
        let world = World::new(cluster, chapters, Arc::new(clock));
        // The past happens before anybody can look.
        world.with(|_| ());
        let listen = || TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0));
        let (kube, coordinator, cluster, control) = (listen().await?, listen().await?, listen().await?, listen().await?);
        let artifacts = listen().await?;
        let mut server = Self {
            kube: kube.local_addr()?,
            coordinator: coordinator.local_addr()?,
            cluster: cluster.local_addr()?,
            artifacts: artifacts.local_addr()?,
            control: control.local_addr()?,
            tasks: JoinSet::new(),
            world: Arc::clone(&world),
        };
        let api = Arc::new(api::Api { world: Arc::clone(&world), coordinator: server.coordinator, cluster: server.cluster });
        server.tasks.spawn(api.serve(kube));
        server.tasks.spawn(grpc::coordinator(Arc::clone(&world), coordinator));
        server.tasks.spawn(grpc::cluster(Arc::clone(&world), cluster));
        server.tasks.spawn(artifacts::serve(Arc::clone(&world), artifacts));
        server.tasks.spawn(control::serve(Arc::clone(&world), control));
        server.tasks.spawn(world.run());
        Ok(server)
    }

    /// A kubeconfig with one context a user of [`users::USERS`].
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        let namespace = self.world.read(|s| s.cluster.namespace().to_owned());
        let name = |user: &str| if user == users::USERS[0].name { CONTEXT.to_owned() } else { format!("{CONTEXT}-{user}") };
        let contexts: Vec<_> = users::USERS
            .iter()
            .map(|u| json!({"name": name(u.name), "context": {"cluster": name(u.name), "user": u.name, "namespace": namespace}}))
            .collect();
        let server = format!("http://{}", self.kube);
        let clusters: Vec<_> = users::USERS
            .iter()
            .map(|u| json!({"name": name(u.name), "cluster": {"server": format!("{server}{}{}", users::PREFIX, u.name)}}))
            .collect();
        let users: Vec<_> = users::USERS.iter().map(|u| json!({"name": u.name, "user": {"token": u.name}})).collect();
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": CONTEXT,
            "clusters": clusters, "contexts": contexts, "users": users,
        });
        // JSON is YAML too.
        serde_json::to_string_pretty(&config).unwrap_or_default()
    }

    /// Stops listening and waits until all is closed, at most a moment.
    pub async fn stop(mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(1), self.tasks.shutdown()).await;
    }
}

/// The name of the kubeconfig's cluster and first context.
pub const CONTEXT: &str = "sp1top-demo";
