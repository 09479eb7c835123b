//! Artifacts in Redis (reference 5.3).
//!
//! Small values are strings at the artifact's id. Larger ones are hashes at
//! `<id>:chunks` with fields `0`, `1`, … and, since v2.7, `__n`, how many; they
//! are built aside and renamed into place, so that nobody reads half of one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, Pipeline, RedisError, cmd};

use super::{ArtifactKind, Progress, StoreError};
use crate::base::redact::redact;
use crate::prover::ids;

const CONNECT: Duration = Duration::from_secs(5);
/// As long as the cluster's own clients give a command.
const ANSWER: Duration = Duration::from_secs(60);
/// What is built aside lives this long when it is left behind.
const STAGE_TTL: i64 = 120;
/// Bytes a command, so that progress is seen on slow lines.
const STEP: usize = 2 << 20;

/// Redis nodes.
#[derive(Clone)]
pub struct RedisStore {
    nodes: Arc<Vec<Node>>,
    ttl: Duration,
    piece: usize,
}

struct Node {
    client: Client,
    /// Its URL without the password.
    shown: String,
    connection: Mutex<Option<MultiplexedConnection>>,
}

/// The node of an artifact: all its keys are there.
#[must_use]
pub fn node_of(id: &str, nodes: usize) -> usize {
    let h = hash(id);
    usize::try_from(h % (nodes.max(1) as u64)).unwrap_or(0)
}

/// The cluster's hash of an id (called FNV-1a there, which it is not).
fn hash(id: &str) -> u64 {
    id.bytes().fold(0, |h: u64, b| h.wrapping_mul(16_777_619).wrapping_add(u64::from(b)))
}

impl RedisStore {
    /// With these URLs; values above `piece` bytes are stored in pieces.
    pub fn new(nodes: &[String], ttl: Duration, piece: usize) -> Result<Self, StoreError> {
        let node = |url: &String| {
            let shown = redact(url).into_owned();
            let client = Client::open(url.as_str()).map_err(|e| {
                // Its own text may repeat the URL.
                StoreError::lasting(format!("{shown} is no Redis URL: {}; write redis://[:PASSWORD@]HOST:PORT/DB", e.category()))
            })?;
            Ok::<_, StoreError>(Node { client, shown, connection: Mutex::new(None) })
        };
        Ok(Self { nodes: Arc::new(nodes.iter().map(node).collect::<Result<_, _>>()?), ttl, piece: piece.max(1) })
    }

    /// Whether all nodes answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        for n in self.nodes.iter() {
            n.ask::<String>(&cmd("PING")).await?;
        }
        Ok(())
    }

    fn node(&self, id: &str) -> Result<&Node, StoreError> {
        self.nodes.get(node_of(id, self.nodes.len())).ok_or_else(|| StoreError::lasting("there is no Redis node"))
    }

    /// Stores a value, replacing what was there.
    pub async fn put(
        &self,
        kind: ArtifactKind,
        id: &str,
        value: &[u8],
        at_least: Duration,
        progress: Progress<'_>,
    ) -> Result<(), StoreError> {
        let node = self.node(id)?;
        let total = value.len() as u64;
        let ttl = (kind != ArtifactKind::Program).then(|| self.ttl.max(at_least).as_secs());
        progress(0, total);
        if value.len() > self.piece {
            self.put_pieces(node, id, value, ttl, progress).await?;
        } else {
            put_string(node, id, value, ttl, progress).await?;
        }
        progress(total, total);
        Ok(())
    }

    async fn put_pieces(&self, node: &Node, id: &str, value: &[u8], ttl: Option<u64>, progress: Progress<'_>) -> Result<(), StoreError> {
        let last = format!("{id}:chunks");
        let stage = format!("{last}:{}", ids::stage());
        let mut done = 0;
        let mut pieces = 0;
        for (n, piece) in value.chunks(self.piece).enumerate() {
            node.ask::<()>(cmd("HSET").arg(&stage).arg(n).arg(piece)).await?;
            node.ask::<()>(cmd("EXPIRE").arg(&stage).arg(STAGE_TTL)).await?;
            done += piece.len() as u64;
            pieces = n + 1;
            progress(done, value.len() as u64);
        }
        let mut all = redis::pipe();
        all.atomic();
        all.cmd("HSET").arg(&stage).arg("__n").arg(pieces).ignore();
        all.cmd("RENAME").arg(&stage).arg(&last).ignore();
        lifetime(&mut all, &last, ttl);
        all.cmd("UNLINK").arg(id).ignore();
        node.run(&all).await
    }

    /// Reads a value in either style.
    pub async fn get(&self, id: &str, progress: Progress<'_>) -> Result<Vec<u8>, StoreError> {
        let node = self.node(id)?;
        let chunks = format!("{id}:chunks");
        let told: Option<u64> = node.ask(cmd("HGET").arg(&chunks).arg("__n")).await?;
        let pieces: u64 = match told {
            Some(n) => n,
            None => node.ask(cmd("HLEN").arg(&chunks)).await?,
        };
        if pieces == 0 {
            return get_string(node, id, progress).await;
        }
        let mut sizes = Vec::new();
        for n in 0..pieces {
            sizes.push(node.ask::<u64>(cmd("HSTRLEN").arg(&chunks).arg(n)).await?);
        }
        let total = sizes.iter().sum();
        let mut value = Vec::new();
        for n in 0..pieces {
            let piece: Option<Vec<u8>> = node.ask(cmd("HGET").arg(&chunks).arg(n)).await?;
            let piece = piece.ok_or_else(|| StoreError::missing(id, &node.shown))?;
            value.extend_from_slice(&piece);
            progress(value.len() as u64, total);
        }
        Ok(value)
    }

    /// Whether a reader would find it: a hash counts when it is whole.
    pub async fn exists(&self, id: &str) -> Result<bool, StoreError> {
        let node = self.node(id)?;
        if node.ask::<bool>(cmd("EXISTS").arg(id)).await? {
            return Ok(true);
        }
        node.ask(cmd("HEXISTS").arg(format!("{id}:chunks")).arg("__n")).await
    }
}

/// Sets or takes away the time to live.
fn lifetime(all: &mut Pipeline, key: &str, ttl: Option<u64>) {
    match ttl {
        Some(s) => all.cmd("EXPIRE").arg(key).arg(s).ignore(),
        None => all.cmd("PERSIST").arg(key).ignore(),
    };
}

async fn put_string(node: &Node, id: &str, value: &[u8], ttl: Option<u64>, progress: Progress<'_>) -> Result<(), StoreError> {
    let chunks = format!("{id}:chunks");
    let mut all = redis::pipe();
    all.atomic();
    if value.len() <= STEP {
        let set = all.cmd("SET").arg(id).arg(value);
        if let Some(s) = ttl {
            set.arg("EX").arg(s);
        }
        set.ignore();
    } else {
        // Built aside in steps, so that progress is seen and nobody reads half.
        let stage = format!("{id}:{}", ids::stage());
        let mut done = 0;
        for step in value.chunks(STEP) {
            let length: u64 = node.ask(cmd("APPEND").arg(&stage).arg(step)).await?;
            done += step.len() as u64;
            if length != done {
                return Err(StoreError::passing(format!("{} lost a part of the upload", node.shown)));
            }
            node.ask::<()>(cmd("EXPIRE").arg(&stage).arg(STAGE_TTL)).await?;
            progress(done, value.len() as u64);
        }
        all.cmd("RENAME").arg(&stage).arg(id).ignore();
        lifetime(&mut all, id, ttl);
    }
    all.cmd("UNLINK").arg(&chunks).ignore();
    node.run(&all).await
}

async fn get_string(node: &Node, id: &str, progress: Progress<'_>) -> Result<Vec<u8>, StoreError> {
    let total: u64 = node.ask(cmd("STRLEN").arg(id)).await?;
    if total == 0 {
        return Err(StoreError::missing(id, &node.shown));
    }
    let mut value: Vec<u8> = Vec::new();
    while (value.len() as u64) < total {
        let from = value.len();
        let part: Vec<u8> = node.ask(cmd("GETRANGE").arg(id).arg(from).arg(from + STEP - 1)).await?;
        if part.is_empty() {
            return Err(StoreError::missing(id, &node.shown));
        }
        value.extend_from_slice(&part);
        progress(value.len() as u64, total.max(value.len() as u64));
    }
    Ok(value)
}

impl Node {
    async fn connection(&self) -> Result<MultiplexedConnection, RedisError> {
        let have = self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(c) = have {
            return Ok(c);
        }
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(ANSWER));
        let new = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = Some(new.clone());
        Ok(new)
    }

    /// A broken connection is not used again.
    fn drop_connection(&self) {
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, StoreError> {
        let work = async {
            let mut c = self.connection().await?;
            command.query_async(&mut c).await
        };
        work.await.map_err(|e| self.error(&e))
    }

    async fn run(&self, all: &Pipeline) -> Result<(), StoreError> {
        let work = async {
            let mut c = self.connection().await?;
            all.exec_async(&mut c).await
        };
        work.await.map_err(|e| self.error(&e))
    }

    fn error(&self, e: &RedisError) -> StoreError {
        let node = &self.shown;
        let text = redact(&e.to_string()).replace(['\n', '\r'], " ");
        if text.contains("certificate") {
            self.drop_connection();
            return StoreError::lasting(format!(
                "{node}: its certificate is not trusted: {text}; name the authority that signed it: SSL_CERT_FILE=/path/ca.crt, and use the host name that it was made for"
            ));
        }
        if e.is_io_error() || e.is_timeout() || e.is_connection_dropped() || e.is_connection_refusal() {
            self.drop_connection();
            return StoreError::passing(format!(
                "{node} is not reachable: {text}; check the URL, and that the store can be reached from here (kubectl port-forward)"
            ));
        }
        if e.kind() == ErrorKind::AuthenticationFailed || text.contains("NOAUTH") || text.contains("WRONGPASS") {
            return StoreError::lasting(format!(
                "{node} refuses the password: {text}; the cluster's is in the secret cluster-secrets (REDIS_NODES)"
            ));
        }
        if text.contains("NoPerm") || text.contains("NOPERM") {
            return StoreError::lasting(format!(
                "{node} permits this user too little: {text}; use the cluster's own user, or widen this one's ACL"
            ));
        }
        if text.contains("OOM") {
            return StoreError::passing(format!("{node} is full (maxmemory): {text}; free memory or raise maxmemory"));
        }
        let busy = ["LOADING", "BUSY", "TRYAGAIN", "MASTERDOWN", "CLUSTERDOWN"].iter().any(|w| text.contains(w));
        if busy { StoreError::passing(format!("{node}: {text}")) } else { StoreError::lasting(format!("{node}: {text}")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_vectors_of_the_hash() {
        assert_eq!(hash("a"), 97);
        assert_eq!(hash("ab"), 1_627_429_141);
        let id = "artifact_01k3a8zq5xe4vbm0w6y2t9r7dn";
        assert_eq!(hash(id), 6_744_118_837_468_674_693);
        assert_eq!([1, 2, 3, 5].map(|n| node_of(id, n)), [0, 1, 0, 3]);
    }

    #[test]
    fn a_wrong_url_is_told_without_its_password() {
        let e = RedisStore::new(&["redis://:hunter2@:::".into()], Duration::from_secs(1), 1).err().unwrap();
        assert!(!e.message.contains("hunter2") && e.message.contains("no Redis URL"), "{e}");
    }
}
