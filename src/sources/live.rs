//! All live sources together.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::grpc::channel::{Link, Target};
use super::grpc::poll::{self, PollOptions};
use super::hub::{Clock, Hub, HubConfig};
use super::kube::access::{Access, AccessOptions};
use super::kube::change::{self, ChangeOptions};
use super::kube::logs::LogOptions;
use super::kube::metrics::Scrape;
use super::kube::pods::PodsReader;
use super::kube::{find, forward, logs, metrics, objects, pods};
use crate::base::change::Order;
use crate::envelope::{Envelope, Kind, Session};

/// What to look at, and how closely.
#[derive(Clone, Debug)]
pub struct LiveConfig {
    /// The Kubernetes cluster; `None` for none.
    pub kube: Option<AccessOptions>,
    /// URL of the coordinator's service; else through Kubernetes.
    pub coordinator_rpc: Option<String>,
    /// URL of the API's service; else through Kubernetes.
    pub cluster_rpc: Option<String>,
    /// How many logs are followed.
    pub logs: LogOptions,
    /// Whether the pods' own metrics are read.
    pub scrape: Scrape,
    /// How often the services are asked.
    pub poll: PollOptions,
    /// The queue and the clock's tick.
    pub hub: HubConfig,
    /// What the session says of itself: `live` or `demo`.
    pub mode: String,
    /// Whether and how the cluster is changed from the screen.
    pub changes: ChangeOptions,
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self {
            kube: None,
            coordinator_rpc: None,
            cluster_rpc: None,
            logs: LogOptions::default(),
            scrape: Scrape::UpTo(8),
            poll: PollOptions::default(),
            hub: HubConfig::default(),
            mode: "live".into(),
            changes: ChangeOptions::default(),
        }
    }
}

/// What may be asked of the running sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Follow the log of this gpu-node pod too, beyond the limit; `None` for
    /// none.
    Focus(Option<String>),
    /// Look at, or make, a change.
    Change(Order),
    /// Look which namespaces there are; they come by [`Live::namespaces`].
    Namespaces,
}

/// The running sources.
pub struct Live {
    /// What comes in.
    pub envelopes: mpsc::Receiver<Envelope>,
    /// What may be asked.
    pub commands: mpsc::Sender<Command>,
    /// The namespaces of the cluster, when they were asked for. They are no data:
    /// only somebody who types a name needs them.
    pub namespaces: watch::Receiver<Vec<String>>,
    /// For further sources, and to shut all down.
    pub hub: Hub,
    /// The cluster, where there is one.
    pub access: Option<Arc<Access>>,
    /// The API's service, for whoever sends and cancels proofs.
    pub cluster: Option<Link>,
    /// The coordinator's service.
    pub coordinator: Option<Link>,
}

/// Starts all sources. Fails only where the configuration is wrong, with one
/// line that says what to do; whatever is wrong later is a source's state.
pub async fn spawn(config: LiveConfig, clock: Arc<dyn Clock>) -> Result<Live, String> {
    let access = match &config.kube {
        Some(options) => Some(Access::open(options.clone()).await?),
        None => None,
    };
    start(config, access, clock).await
}

/// [`spawn`] with access to the cluster that is already there.
pub async fn start(config: LiveConfig, access: Option<Arc<Access>>, clock: Arc<dyn Clock>) -> Result<Live, String> {
    let (hub, envelopes) = Hub::new(&config.hub, clock);
    let (focus_tx, focus) = watch::channel(None);
    let session = Session {
        context: access.as_ref().and_then(|a| a.context().map(str::to_owned)),
        namespace: access.as_ref().map(|a| a.namespace().to_owned()),
        mode: config.mode.clone(),
        kubeconfig: access.as_ref().and_then(|a| a.kubeconfig()),
    };
    let _ = hub.port("session").send(Kind::Session, serde_json::to_vec(&session).unwrap_or_default()).await;
    let table = access.as_ref().map(|access| kubernetes(&hub, access, &config, focus));
    let link = |url: &Option<String>, behind| {
        let target = match (url, &access, &table) {
            (Some(url), _, _) => Target::Url(url.clone()),
            (None, Some(access), Some(pods)) => Target::Pod { access: Arc::clone(access), pods: pods.clone(), behind },
            _ => return Ok(None),
        };
        Link::new(&target).map(Some)
    };
    let coordinator = link(&config.coordinator_rpc, forward::COORDINATOR)?;
    let cluster = link(&config.cluster_rpc, forward::API)?;
    if let Some(link) = &coordinator {
        let port = hub.port("grpc:coordinator").of(Some("coordinator"), None);
        hub.spawn(poll::stats(link.clone(), config.poll.clone(), port));
    }
    if let Some(link) = &cluster {
        let port = |name| hub.port(name).of(Some("api"), None);
        hub.spawn(poll::proofs(link.clone(), config.poll.clone(), port("grpc:proofs")));
        hub.spawn(poll::versions(link.clone(), config.poll.clone(), port("grpc:versions")));
    }
    let (commands, mut orders) = mpsc::channel(16);
    let (names, namespaces) = watch::channel(Vec::new());
    let names = Arc::new(names);
    let (changer, to_change, options) = (hub.clone(), access.clone(), config.changes.clone());
    hub.spawn(async move {
        while let Some(command) = orders.recv().await {
            match command {
                Command::Focus(pod) => {
                    focus_tx.send_if_modified(|now| {
                        let changed = *now != pod;
                        *now = pod;
                        changed
                    });
                }
                Command::Namespaces => {
                    if let Some(access) = to_change.clone() {
                        let names = Arc::clone(&names);
                        changer.spawn(async move {
                            names.send_replace(find::list(&access).await);
                        });
                    }
                }
                Command::Change(order) => {
                    let port = changer.port("changes");
                    changer.spawn(change::carry_out(order, to_change.clone(), options.clone(), port));
                }
            }
        }
        // Whoever reads the focus waits for changes for ever.
        std::future::pending::<()>().await;
    });
    Ok(Live { envelopes, commands, namespaces, hub, access, cluster, coordinator })
}

fn kubernetes(hub: &Hub, access: &Arc<Access>, config: &LiveConfig, focus: watch::Receiver<Option<String>>) -> PodsReader {
    let (writer, reader) = pods::table();
    let mut writer = Some(writer);
    for resource in objects::RESOURCES {
        let table = (resource.plural == "pods").then(|| writer.take()).flatten();
        let port = hub.port(&format!("kube:{}", resource.plural));
        hub.spawn(objects::run(Arc::clone(access), *resource, port, table));
    }
    hub.spawn(metrics::pod_metrics(Arc::clone(access), hub.port("kube:podmetrics")));
    hub.spawn(metrics::scrape(hub.clone(), Arc::clone(access), config.scrape, hub.port("kube:prometheus"), reader.clone()));
    hub.spawn(find::run(Arc::clone(access), hub.port("kube:coordinator"), reader.clone()));
    hub.spawn(logs::run(hub.clone(), Arc::clone(access), config.logs.clone(), hub.port("kube:logs"), reader.clone(), focus));
    reader
}
