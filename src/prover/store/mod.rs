//! Artifact stores: where a cluster keeps programs, inputs and proofs.

pub mod redis;
pub mod s3;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::settings::StoreConfig;

/// Values larger than this are stored in pieces of this size (facts section 5).
pub const PIECE: usize = 32 << 20;

/// What an artifact is: it decides its time to live and its place in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArtifactKind {
    /// An ELF.
    Program,
    /// A program's input.
    Stdin,
    /// A finished proof.
    Proof,
}

impl ArtifactKind {
    /// The folder in a bucket (reference 5.4).
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Program => "programs",
            Self::Stdin => "stdins",
            Self::Proof => "proofs",
        }
    }

    /// One word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Stdin => "stdin",
            Self::Proof => "proof",
        }
    }
}

/// Why a store did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// One line without secrets: what happened and what to try.
    pub message: String,
    /// True where trying again later may help.
    pub passing: bool,
    /// True where the artifact is not there.
    pub missing: bool,
}

impl StoreError {
    fn lasting(message: impl Into<String>) -> Self {
        Self { message: message.into(), passing: false, missing: false }
    }

    fn passing(message: impl Into<String>) -> Self {
        Self { message: message.into(), passing: true, missing: false }
    }

    fn missing(id: &str, place: &str) -> Self {
        let message = format!("artifact {id} is not in {place}; has its time to live passed, or is this another cluster's store?");
        Self { message, passing: false, missing: true }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}

/// Told of bytes done, of so many.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

/// A store that can be used.
#[derive(Clone)]
pub struct Store {
    name: Arc<str>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Redis(redis::RedisStore),
    S3(s3::S3Store),
}

impl Store {
    /// Makes it; nothing is connected before the first use.
    pub async fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        Self::in_pieces(config, PIECE).await
    }

    /// One that stores larger values in pieces of so many bytes.
    pub async fn in_pieces(config: &StoreConfig, piece: usize) -> Result<Self, StoreError> {
        let kind = match config {
            StoreConfig::Redis { nodes, ttl } => Kind::Redis(redis::RedisStore::new(nodes, *ttl, piece)?),
            StoreConfig::S3(s) => Kind::S3(s3::S3Store::new(s, piece).await),
        };
        Ok(Self { name: config.describe().into(), kind })
    }

    /// Which one it is, without secrets, as jobs keep it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Stores a compressed value. `at_least` lengthens the time to live of what
    /// has one.
    pub async fn put(
        &self,
        kind: ArtifactKind,
        id: &str,
        value: &[u8],
        at_least: Duration,
        progress: Progress<'_>,
    ) -> Result<(), StoreError> {
        match &self.kind {
            Kind::Redis(s) => s.put(kind, id, value, at_least, progress).await,
            Kind::S3(s) => s.put(kind, id, value, progress).await,
        }
    }

    /// Reads a compressed value whole.
    pub async fn get(&self, kind: ArtifactKind, id: &str, progress: Progress<'_>) -> Result<Vec<u8>, StoreError> {
        match &self.kind {
            Kind::Redis(s) => s.get(id, progress).await,
            Kind::S3(s) => s.get(kind, id, progress).await,
        }
    }

    /// Whether it is there, whole.
    pub async fn exists(&self, kind: ArtifactKind, id: &str) -> Result<bool, StoreError> {
        match &self.kind {
            Kind::Redis(s) => s.exists(id).await,
            Kind::S3(s) => s.exists(kind, id).await,
        }
    }
}
