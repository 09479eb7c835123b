//! Which environment variables of a workload may be looked at.

use crate::base::redact::redact;

/// Names whose plain values are kept: those that decide scheduling, addresses
/// and logging (reference 1.3), none of which carries a secret. A value that
/// comes from a secret or a config map is never read.
const ALLOWED: &[&str] = &[
    "API_AUTO_MIGRATE",
    "API_GRPC_ADDR",
    "API_HTTP_ADDR",
    "ARTIFACT_CHUNK_SIZE_BYTES",
    "ARTIFACT_TIMEOUT_SECONDS",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_S3_FORCE_PATH_STYLE",
    "ELEMENT_THRESHOLD",
    "ENABLE_LATENCY_DEBUG",
    "IMAGE_TAG",
    "LOG_FORMAT",
    "MEMORY_LIMIT",
    "MINIMAL_TRACE_CHUNK_THRESHOLD",
    "NODE_ARTIFACT_STORE",
    "NODE_COORDINATOR_RPC",
    "NODE_REDIS_NODES",
    "NODE_REDIS_POOL_MAX_SIZE",
    "NODE_S3_BUCKET",
    "NODE_S3_CONCURRENCY",
    "NODE_S3_REGION",
    "NO_COLOR",
    "PROVE_SHARD_MAX_BYTES",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "SHARD_SIZE",
    "TRACE_CHUNK_SLOTS",
];

/// Prefixes of further names.
const ALLOWED_PREFIXES: &[&str] = &["WORKER_", "COORDINATOR_", "SP1_WORKER_", "SP1_CLUSTER_"];

/// Words within a name that make it a secret whatever its prefix.
const SECRET_WORDS: &[&str] = &["KEY", "SECRET", "TOKEN", "PASSWORD", "PASSWD", "CREDENTIAL", "AUTH", "PRIVATE", "DATABASE_URL"];

/// True for a name whose plain value may be kept.
#[must_use]
pub fn is_allowed(name: &str) -> bool {
    if ALLOWED.contains(&name) {
        return true;
    }
    // `SP1_WORKER_USE_FIXED_PK` and its kin hold no word of the list.
    ALLOWED_PREFIXES.iter().any(|p| name.starts_with(p)) && !SECRET_WORDS.iter().any(|w| name.contains(w))
}

/// The value to keep for an allowed name: passwords within URLs are hidden.
#[must_use]
pub fn shown(value: &str) -> String {
    redact(&super::safe(value, 512)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_kept_and_secrets_are_not() {
        for name in ["WORKER_MAX_WEIGHT_OVERRIDE", "WORKER_PLONK_WRAP_WEIGHT", "COORDINATOR_CLUSTER_RPC", "NODE_ARTIFACT_STORE", "RUST_LOG"]
        {
            assert!(is_allowed(name), "{name}");
        }
        for name in [
            "API_DATABASE_URL",
            "COORDINATOR_AUTH_TOKEN",
            "WORKER_API_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "PRIVATE_KEY",
            "HOME",
            "OTLP_ENDPOINT",
        ] {
            assert!(!is_allowed(name), "{name}");
        }
        assert_eq!(shown("redis://:pw@redis-master:6379"), "redis://:***@redis-master:6379");
    }
}
