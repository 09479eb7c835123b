//! A scripted Kubernetes API server on loopback: it does what the API server
//! does for lists, watches, logs and port-forwards, and fails as it is told.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sp1top::base::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

pub const NS: &str = "sp1-cluster";

#[derive(Default)]
pub struct State {
    pub version: u64,
    /// By plural and name.
    pub objects: BTreeMap<(String, String), Value>,
    /// Version, plural, change, object.
    pub history: Vec<(u64, String, String, Value)>,
    /// Watches from before this are answered 410.
    pub oldest: u64,
    /// Lines (time, text) of a pod's container now, and of the one before.
    pub logs: HashMap<String, Vec<(Timestamp, String)>>,
    pub previous: HashMap<String, Vec<(Timestamp, String)>>,
    /// Logs whose container is not running: the stream ends after its last line.
    pub ended: Vec<String>,
    /// How many bytes each next log stream may have before it is cut.
    pub log_cuts: VecDeque<usize>,
    /// Paths that contain the text are answered so.
    pub refuse: Vec<(String, u16, String)>,
    /// Wait this long before each answer.
    pub slow: Duration,
    /// Body of metrics.k8s.io.
    pub pod_metrics: Option<String>,
    /// Where port-forwards lead.
    pub forward_to: Option<SocketAddr>,
    /// The bearer token that is accepted; empty for any.
    pub token: String,
    /// Watches end at once with this event.
    pub watch_error: Option<Value>,
    /// Paths with their queries, as asked.
    pub requests: Vec<String>,
    /// Rights that access reviews deny: `verb resource`, with the subresource.
    pub denied: Vec<String>,
    /// The time that `/version` answers in its `date` header.
    pub date: Option<String>,
    /// Method, path and body of what would change something.
    pub changes: Vec<(String, String, Value)>,
}

pub struct Fake {
    pub state: Arc<Mutex<State>>,
    pub addr: SocketAddr,
    changed: watch::Sender<u64>,
    server: tokio::task::JoinHandle<()>,
}

impl Fake {
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State { version: 100, ..State::default() }));
        let (changed, _) = watch::channel(0);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let server = serve(listener, Arc::clone(&state), changed.clone());
        Self { state, addr, changed, server }
    }

    /// Goes away with all its connections.
    pub async fn stop(&mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }

    pub async fn start_again(&mut self) {
        let listener = loop {
            match TcpListener::bind(self.addr).await {
                Ok(l) => break l,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        self.server = serve(listener, Arc::clone(&self.state), self.changed.clone());
    }

    pub fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let out = f(&mut self.state.lock().unwrap());
        self.changed.send_modify(|n| *n += 1);
        out
    }

    pub fn put(&self, plural: &str, mut object: Value) {
        self.with(|s| {
            s.version += 1;
            object["metadata"]["resourceVersion"] = json!(s.version.to_string());
            let key = (plural.to_owned(), object["metadata"]["name"].as_str().unwrap().to_owned());
            let change = if s.objects.insert(key, object.clone()).is_some() { "MODIFIED" } else { "ADDED" };
            s.history.push((s.version, plural.into(), change.into(), object));
        });
    }

    pub fn delete(&self, plural: &str, name: &str) {
        self.with(|s| {
            s.version += 1;
            let object = s.objects.remove(&(plural.to_owned(), name.to_owned())).unwrap();
            s.history.push((s.version, plural.into(), "DELETED".into(), object));
        });
    }

    pub fn log(&self, pod: &str, millis: i64, text: &str) {
        let at = Timestamp::from_millis(1_795_480_000_000 + millis);
        self.with(|s| s.logs.entry(pod.into()).or_default().push((at, text.into())));
    }

    pub fn refuse(&self, path: &str, code: u16, message: &str) {
        self.with(|s| s.refuse.push((path.into(), code, message.into())));
    }

    pub fn asked(&self, text: &str) -> Vec<String> {
        self.with(|s| s.requests.iter().filter(|r| r.contains(text)).cloned().collect())
    }

    pub fn kubeconfig(&self, user: &Value) -> String {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "c", "cluster": {"server": format!("http://{}", self.addr)}}],
            "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u", "namespace": "other"}}],
            "users": [{"name": "u", "user": user}],
        })
        .to_string()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A pod as the API server has it.
pub fn pod(app: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": NS, "uid": format!("uid-{name}"), "labels": {"app": app}, "creationTimestamp": "2026-11-24T00:00:00Z",
                     "managedFields": [{"manager": "kubectl"}], "annotations": {"secret": "annotation-secret"}},
        "spec": {"containers": [{"name": app, "image": "x:base-v2.7.2", "env": [{"name": "MY_TOKEN", "value": "env-secret"}]}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                   "containerStatuses": [{"name": app, "restartCount": 0, "state": {"running": {"startedAt": "2026-11-24T00:00:00Z"}}, "lastState": {}}]},
    })
}

fn serve(listener: TcpListener, state: Arc<Mutex<State>>, changed: watch::Sender<u64>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        // Dropped with the task: then all connections are gone too.
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(connection(stream, Arc::clone(&state), changed.clone()));
        }
    })
}

struct Request {
    method: String,
    body: Vec<u8>,
    path: String,
    query: HashMap<String, String>,
    headers: HashMap<String, String>,
}

async fn head(stream: &mut TcpStream) -> Option<Request> {
    let mut raw = Vec::new();
    while !raw.ends_with(b"\r\n\r\n") {
        raw.push(stream.read_u8().await.ok()?);
    }
    let text = String::from_utf8(raw).ok()?;
    let mut lines = text.lines();
    let first = lines.next()?.to_owned();
    let (method, target) = (first.split(' ').next()?.to_owned(), first.split(' ').nth(1)?.to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pairs = query.split('&').filter_map(|p| p.split_once('='));
    let headers: HashMap<_, _> = lines.filter_map(|l| l.split_once(": ")).map(|(k, v)| (k.to_lowercase(), v.to_owned())).collect();
    let mut body = vec![0; headers.get("content-length").map_or(0, |n: &String| n.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request {
        method,
        body,
        path: path.to_owned(),
        query: pairs.map(|(k, v)| (k.to_owned(), v.replace("%3A", ":"))).collect(),
        headers,
    })
}

async fn connection(mut stream: TcpStream, state: Arc<Mutex<State>>, changed_by_request: watch::Sender<u64>) {
    let changed = changed_by_request.subscribe();
    while let Some(request) = head(&mut stream).await {
        let (slow, refused) = {
            let mut s = state.lock().unwrap();
            let pairs: Vec<_> = request.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let asked = format!("{}?{}", request.path, pairs.join("&"));
            let refused = s.refuse.iter().find(|(p, _, _)| asked.contains(p.as_str())).map(|(_, c, m)| (*c, m.clone()));
            let refused = refused.or_else(|| {
                let token = request.headers.get("authorization").cloned().unwrap_or_default();
                (!s.token.is_empty() && token != format!("Bearer {}", s.token)).then(|| (401, "Unauthorized".into()))
            });
            s.requests.push(asked);
            (s.slow, refused)
        };
        tokio::time::sleep(slow).await;
        if let Some((code, message)) = refused {
            let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}).to_string();
            answer(&mut stream, code, &body).await;
            continue;
        }
        let done = if request.method != "GET" {
            change(&mut stream, &request, &state).await;
            changed_by_request.send_modify(|n| *n += 1);
            Some(())
        } else if request.path == "/version" {
            let date = state.lock().unwrap().date.clone().map(|d| format!("date: {d}\r\n")).unwrap_or_default();
            let body = r#"{"gitVersion":"v1.33.2"}"#;
            let text = format!("HTTP/1.1 200 X\r\n{date}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(text.as_bytes()).await;
            Some(())
        } else if request.path.ends_with("/log") {
            log(&mut stream, &request, &state, changed.clone()).await
        } else if request.path.ends_with("/portforward") {
            forward(stream, &request, &state).await;
            return;
        } else if request.query.get("watch").is_some_and(|w| w == "true") {
            watch_objects(&mut stream, &request, &state, changed.clone()).await
        } else if request.path.starts_with("/apis/metrics.k8s.io/") {
            let body = state.lock().unwrap().pod_metrics.clone();
            match body {
                Some(b) => answer(&mut stream, 200, &b).await,
                None => answer(&mut stream, 404, "404 page not found\n").await,
            }
            Some(())
        } else if request.path.ends_with("/proxy/metrics") {
            answer(&mut stream, 200, "spn_cluster_worker_num_gpu_workers{service=\"sp1-worker\"} 1\n").await;
            Some(())
        } else {
            list(&mut stream, &request, &state).await;
            Some(())
        };
        if done.is_none() {
            return;
        }
    }
}

async fn answer(stream: &mut TcpStream, code: u16, body: &str) {
    let text = format!("HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let _ = stream.write_all(text.as_bytes()).await;
}

async fn chunk(stream: &mut TcpStream, data: &[u8]) -> Option<()> {
    let mut out = format!("{:x}\r\n", data.len()).into_bytes();
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
    stream.write_all(&out).await.ok()
}

const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// Access reviews, merge patches and deletions.
async fn change(stream: &mut TcpStream, request: &Request, state: &Mutex<State>) {
    let mut body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let mut parts = request.path.rsplit('/');
    let name = parts.next().unwrap_or_default().to_owned();
    let plural = parts.next().unwrap_or_default().to_owned();
    if name == "selfsubjectreviews" {
        body["status"] = json!({"userInfo": {"username": "viewer"}});
        return answer(stream, 201, &body.to_string()).await;
    }
    if name == "selfsubjectaccessreviews" {
        let ask = &body["spec"]["resourceAttributes"];
        let word = |k: &str| ask[k].as_str().unwrap_or_default().to_owned();
        let sub = if word("subresource").is_empty() { String::new() } else { format!("/{}", word("subresource")) };
        let right = format!("{} {}{sub}", word("verb"), word("resource"));
        let allowed = !state.lock().unwrap().denied.contains(&right);
        body["status"] = json!({"allowed": allowed});
        return answer(stream, 201, &body.to_string()).await;
    }
    let done = {
        let mut s = state.lock().unwrap();
        s.changes.push((request.method.clone(), request.path.clone(), body.clone()));
        s.version += 1;
        let (version, key) = (s.version, (plural.clone(), name));
        match (request.method.as_str(), s.objects.get_mut(&key)) {
            ("PATCH", Some(object)) => {
                merge(object, &body);
                object["metadata"]["resourceVersion"] = json!(version.to_string());
                let object = object.clone();
                s.history.push((version, plural, "MODIFIED".into(), object.clone()));
                Some(object)
            }
            ("DELETE", Some(object)) => {
                let object = object.clone();
                s.objects.remove(&key);
                s.history.push((version, plural, "DELETED".into(), object.clone()));
                Some(object)
            }
            _ => None,
        }
    };
    match done {
        Some(object) => answer(stream, 200, &object.to_string()).await,
        None => answer(stream, 404, r#"{"kind":"Status","status":"Failure","message":"not found","reason":"NotFound","code":404}"#).await,
    }
}

/// What the API server's strategic merge does to the lists that matter here:
/// items of the same name are merged.
fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(a), Value::Object(b)) => {
            for (k, v) in b {
                if v.is_null() {
                    a.remove(k);
                } else {
                    merge(a.entry(k.clone()).or_insert(Value::Null), v);
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for item in b {
                match a.iter_mut().find(|x| x.get("name").is_some() && x.get("name") == item.get("name")) {
                    Some(x) => merge(x, item),
                    None => a.push(item.clone()),
                }
            }
        }
        (a, b) => *a = b.clone(),
    }
}

async fn list(stream: &mut TcpStream, request: &Request, state: &Mutex<State>) {
    let plural = request.path.rsplit('/').next().unwrap_or_default().to_owned();
    let kind = match plural.as_str() {
        "pods" => "PodList",
        "deployments" => "DeploymentList",
        "statefulsets" => "StatefulSetList",
        "events" => "EventList",
        "nodes" => "NodeList",
        "services" => "ServiceList",
        "namespaces" => "NamespaceList",
        _ if single(stream, request, state).await => return,
        _ => {
            return answer(stream, 404, r#"{"kind":"Status","status":"Failure","message":"not found","reason":"NotFound","code":404}"#)
                .await;
        }
    };
    let body = {
        let s = state.lock().unwrap();
        let limit: usize = request.query.get("limit").map_or(usize::MAX, |l| l.parse().unwrap());
        let from: usize = request.query.get("continue").map_or(0, |c| c.parse().unwrap());
        let all: Vec<_> = s.objects.iter().filter(|((p, _), _)| *p == plural).map(|(_, o)| o).collect();
        let page: Vec<_> = all.iter().skip(from).take(limit).collect();
        let next = if from + page.len() < all.len() { (from + page.len()).to_string() } else { String::new() };
        json!({"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": s.version.to_string(), "continue": next}, "items": page})
            .to_string()
    };
    answer(stream, 200, &body).await;
}

/// Answers for one object, where there is one of that name.
async fn single(stream: &mut TcpStream, request: &Request, state: &Mutex<State>) -> bool {
    let mut parts = request.path.rsplit('/');
    let name = parts.next().unwrap_or_default().to_owned();
    let plural = parts.next().unwrap_or_default().to_owned();
    let object = state.lock().unwrap().objects.get(&(plural, name)).cloned();
    match object {
        Some(o) => {
            answer(stream, 200, &o.to_string()).await;
            true
        }
        None => false,
    }
}

async fn watch_objects(stream: &mut TcpStream, request: &Request, state: &Mutex<State>, mut changed: watch::Receiver<u64>) -> Option<()> {
    let plural = request.path.rsplit('/').next()?.to_owned();
    let mut at: u64 = request.query["resourceVersion"].parse().ok()?;
    stream.write_all(STREAM).await.ok()?;
    let until = tokio::time::Instant::now() + Duration::from_secs(request.query["timeoutSeconds"].parse().ok()?);
    loop {
        changed.borrow_and_update();
        let (lines, end) = {
            let s = state.lock().unwrap();
            if let Some(error) = &s.watch_error {
                (vec![error.to_string()], true)
            } else if at < s.oldest {
                let gone = json!({"type": "ERROR", "object": {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410, "message": "too old resource version"}});
                (vec![gone.to_string()], true)
            } else {
                let news: Vec<_> = s.history.iter().filter(|(v, p, _, _)| *v > at && *p == plural).collect();
                let mut lines: Vec<_> =
                    news.iter().map(|(_, _, change, object)| json!({"type": change, "object": object}).to_string()).collect();
                if s.version > at {
                    at = s.version;
                    lines.push(
                        json!({"type": "BOOKMARK", "object": {"kind": "X", "metadata": {"resourceVersion": at.to_string()}}}).to_string(),
                    );
                }
                (lines, false)
            }
        };
        for line in lines {
            // In two pieces: a line is not a frame.
            let line = format!("{line}\n");
            let (a, b) = line.as_bytes().split_at(line.len() / 2);
            chunk(stream, a).await?;
            stream.flush().await.ok()?;
            chunk(stream, b).await?;
        }
        let over = tokio::time::timeout_at(until, changed.changed()).await;
        if end || over.is_err() {
            return chunk(stream, b"").await;
        }
    }
}

async fn log(stream: &mut TcpStream, request: &Request, state: &Mutex<State>, mut changed: watch::Receiver<u64>) -> Option<()> {
    let pod = request.path.split('/').nth(6)?.to_owned();
    let previous = request.query.get("previous").is_some_and(|p| p == "true");
    let since = request.query.get("sinceTime").and_then(|t| Timestamp::parse(t));
    let tail: Option<usize> = request.query.get("tailLines").map(|t| t.parse().unwrap());
    let lines = |s: &State| if previous { s.previous.get(&pod).cloned() } else { s.logs.get(&pod).cloned() };
    let (mut at, cut) = {
        let mut s = state.lock().unwrap();
        match lines(&s) {
            None => (None, None),
            Some(all) => {
                let first = match (since, tail) {
                    (Some(since), _) => all.iter().position(|(t, _)| *t >= since).unwrap_or(all.len()),
                    (None, Some(n)) => all.len().saturating_sub(n),
                    _ => 0,
                };
                (Some(first), if previous { None } else { s.log_cuts.pop_front() })
            }
        }
    };
    if at.is_none() {
        let message = if previous {
            "previous terminated container not found"
        } else {
            "container \"x\" in pod is waiting to start: ContainerCreating"
        };
        let body = json!({"kind": "Status", "status": "Failure", "message": message, "code": 400}).to_string();
        answer(stream, 400, &body).await;
        return Some(());
    }
    stream.write_all(STREAM).await.ok()?;
    let mut left = cut.unwrap_or(usize::MAX);
    loop {
        changed.borrow_and_update();
        let (news, ended) = {
            let s = state.lock().unwrap();
            let all = lines(&s).unwrap_or_default();
            let from = at.replace(all.len()).unwrap_or(0);
            (all.into_iter().skip(from).collect::<Vec<_>>(), previous || s.ended.contains(&pod))
        };
        for (t, text) in news {
            let line = format!("{}000Z {text}\n", t.to_chrono().unwrap().format("%Y-%m-%dT%H:%M:%S%.6f"));
            let bytes = &line.as_bytes()[..line.len().min(left)];
            left -= bytes.len();
            if !bytes.is_empty() {
                chunk(stream, bytes).await?;
            }
            if left == 0 {
                return None;
            }
        }
        if ended {
            return chunk(stream, b"").await;
        }
        let mut one = [0u8; 1];
        tokio::select! {
            c = changed.changed() => c.ok()?,
            // The client went away.
            _ = stream.read(&mut one) => return None,
        }
    }
}

/// The WebSocket protocol of port-forwards: channel byte, then data; each
/// channel begins with the port.
async fn forward(mut stream: TcpStream, request: &Request, state: &Mutex<State>) {
    let to = state.lock().unwrap().forward_to;
    let key = derive_accept_key(request.headers["sec-websocket-key"].as_bytes());
    let protocol = request.headers.get("sec-websocket-protocol").map_or("v4.channel.k8s.io", |p| p.split(',').next().unwrap().trim());
    let text = format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {key}\r\nsec-websocket-protocol: {protocol}\r\n\r\n"
    );
    if stream.write_all(text.as_bytes()).await.is_err() {
        return;
    }
    let (mut sink, mut source) = WebSocketStream::from_raw_socket(stream, Role::Server, None).await.split();
    let port: u16 = request.query["ports"].parse().unwrap();
    for channel in [0u8, 1] {
        let [a, b] = port.to_le_bytes();
        let _ = sink.send(Message::Binary(vec![channel, a, b].into())).await;
    }
    let Some(Ok(pod)) = (match to {
        Some(a) => Some(TcpStream::connect(a).await),
        None => None,
    }) else {
        let _ = sink.send(Message::Binary(b"\x01connection refused".to_vec().into())).await;
        return;
    };
    let (mut from_pod, mut to_pod) = pod.into_split();
    let up = async {
        while let Some(Ok(message)) = source.next().await {
            if let Message::Binary(data) = message
                && to_pod.write_all(&data[1..]).await.is_err()
            {
                return;
            }
        }
    };
    let down = async {
        let mut buffer = vec![0u8; 16 << 10];
        while let Ok(n) = from_pod.read(&mut buffer).await {
            if n == 0 {
                return;
            }
            let mut data = vec![0u8];
            data.extend_from_slice(&buffer[..n]);
            if sink.send(Message::Binary(data.into())).await.is_err() {
                return;
            }
        }
    };
    tokio::select! { () = up => {}, () = down => {} }
}
