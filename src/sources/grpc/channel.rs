//! Connections to the two services: to a URL, or through the Kubernetes API.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint, Uri};
use tonic::{Code, Status};

use crate::base::redact::redact;
use crate::envelope::SourceState;
use crate::sources::hub::lock;
use crate::sources::kube::access::{Access, chain};
use crate::sources::kube::forward::{self, Behind};
use crate::sources::kube::http::Failure;
use crate::sources::kube::pods::PodsReader;

/// Where a service is.
#[derive(Clone)]
pub enum Target {
    /// `http://` or `https://`
    Url(String),
    /// A ready pod, through the Kubernetes API.
    Pod {
        /// The cluster.
        access: Arc<Access>,
        /// Its pods.
        pods: PodsReader,
        /// Which of them.
        behind: Behind,
    },
}

/// A connection that opens itself, again and again, and why it last did not.
#[derive(Clone)]
pub struct Link {
    /// For calls.
    pub channel: Channel,
    target: String,
    failure: Arc<Mutex<Option<Failure>>>,
}

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(3);

impl Link {
    /// Makes it; nothing is connected before the first call. The error says
    /// what is wrong with a URL.
    pub fn new(target: &Target) -> Result<Self, String> {
        let failure = Arc::new(Mutex::new(None));
        let (channel, target) = match target {
            Target::Url(url) => (to_url(url)?, redact(url).into_owned()),
            Target::Pod { access, pods, behind } => {
                let channel = through_kubernetes(Arc::clone(access), pods.clone(), *behind, Arc::clone(&failure));
                (channel, format!("a pod of app={} through the Kubernetes API", behind.app))
            }
        };
        Ok(Self { channel, target, failure })
    }

    /// True for an address that somebody gave.
    #[must_use]
    pub fn is_url(&self) -> bool {
        self.target.contains("://")
    }

    /// The state and one line for a person that a failed call means.
    #[must_use]
    pub fn explain(&self, status: &Status) -> (SourceState, String) {
        let target = &self.target;
        if let Some(failure) = lock(&self.failure).take() {
            return (failure.state(), failure.detail());
        }
        let message = cause(status);
        let detail = match status.code() {
            Code::DeadlineExceeded => format!("{target} does not answer in time; is it overloaded, or no gRPC server?"),
            Code::Unavailable => format!("{target} is not reachable: {message}"),
            // A connection that breaks within a call.
            Code::Unknown if message.starts_with("transport error") => format!("{target} is not reachable: {message}"),
            Code::Unimplemented => format!("{target} does not know this call: {message}; is the URL that of the right service?"),
            Code::DataLoss => format!("{target}: {message}"),
            Code::Unauthenticated | Code::PermissionDenied => {
                return (SourceState::Denied, format!("{target} refuses: {message}; what stands in front of it asks for credentials"));
            }
            code => format!("{target} answered {code:?}: {message}; is it a gRPC server?"),
        };
        (SourceState::Connecting, detail)
    }
}

/// A status with the causes that its message leaves out.
fn cause(status: &Status) -> String {
    let mut text = status.message().to_owned();
    if let Some(source) = std::error::Error::source(status) {
        let more = chain(source);
        if !text.contains(&more) {
            text = if text.is_empty() || more.contains(&text) { more } else { format!("{text}: {more}") };
        }
    }
    redact(&text).into_owned()
}

fn to_url(url: &str) -> Result<Channel, String> {
    let shown = redact(url);
    let wrong = |why: &str| format!("{shown}: {why}; give it as http://HOST:PORT or https://HOST:PORT");
    let uri: Uri = url.parse().map_err(|_| wrong("is no URL"))?;
    let https = match uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(wrong("has no http:// or https:// in front")),
    };
    if uri.host().is_none_or(str::is_empty) {
        return Err(wrong("has no host"));
    }
    let mut endpoint = tuned(Endpoint::from(uri));
    if https {
        endpoint = endpoint.tls_config(ClientTlsConfig::new().with_native_roots()).map_err(|e| wrong(&chain(&e)))?;
    }
    Ok(endpoint.connect_lazy())
}

fn tuned(endpoint: Endpoint) -> Endpoint {
    endpoint
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(Duration::from_secs(15)))
        // A peer that is gone without a word is noticed within half a minute.
        .http2_keep_alive_interval(Duration::from_secs(15))
        .keep_alive_timeout(Duration::from_secs(15))
}

fn through_kubernetes(access: Arc<Access>, pods: PodsReader, behind: Behind, failure: Arc<Mutex<Option<Failure>>>) -> Channel {
    // The name is only the request's authority; the connector knows the way.
    let uri = Uri::builder().scheme("http").authority(format!("{}-grpc:{}", behind.app, behind.port)).path_and_query("/").build();
    let endpoint = tuned(Endpoint::from(uri.unwrap_or_default()))
        // Opening the tunnel takes several round trips.
        .connect_timeout(Duration::from_secs(15));
    let connector = tower::service_fn(move |_: Uri| {
        let (access, pods, failure) = (Arc::clone(&access), pods.clone(), Arc::clone(&failure));
        async move {
            match forward::open(&access, &pods, behind).await {
                Ok(stream) => {
                    *lock(&failure) = None;
                    Ok(TokioIo::new(stream))
                }
                Err(why) => {
                    let error = std::io::Error::other(why.detail());
                    *lock(&failure) = Some(why);
                    Err(error)
                }
            }
        }
    });
    endpoint.connect_with_connector_lazy(connector)
}
