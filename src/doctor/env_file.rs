//! The client's environment: this process's, and op-succinct's `.env`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::prover::envfile;

/// The variables that are looked at (reference 1.3, 7.1, 7.5). Nothing else of
/// the environment is read.
pub const NAMES: &[&str] = &[
    "CLI_CLUSTER_RPC",
    "CLI_REDIS_NODES",
    "CLI_S3_BUCKET",
    "CLI_S3_REGION",
    "SP1_PROVER",
    "RUST_LOG",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_ENDPOINT_URL",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "L1_RPC",
    "L1_BEACON_RPC",
    "L2_RPC",
    "L2_NODE_RPC",
    "PROVING_TIMEOUT",
    "TIMEOUT",
    "AGG_PROOF_MODE",
    "OP_SUCCINCT_MOCK",
    "MOCK_MODE",
];

/// Reads a `.env` file; only [`NAMES`] are kept. The error is one line that
/// holds nothing of the file.
pub fn read(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut out = BTreeMap::new();
    for (name, value) in envfile::parse(&text).map_err(|e| format!("{}: {e}", path.display()))? {
        if NAMES.contains(&name.as_str()) {
            // The first one counts, as for the programs that load it.
            out.entry(name).or_insert(value);
        }
    }
    Ok(out)
}

/// Host and port of a URL: all of it that may be shown, since keys of RPC
/// providers stand in its path.
#[must_use]
pub fn place(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.trim().split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let default = match scheme {
        "https" | "wss" => 443,
        "http" | "ws" => 80,
        "redis" | "rediss" | "valkey" => 6379,
        _ => return None,
    };
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port.parse().ok()?),
        _ => (host, default),
    };
    (!name.is_empty()).then(|| (name.trim_matches(['[', ']']).to_owned(), port))
}

/// Whether something listens there, and how long it took to connect. The error
/// is a few words.
pub async fn reach(host: &str, port: u16, limit: Duration) -> Result<Duration, String> {
    let begun = std::time::Instant::now();
    match tokio::time::timeout(limit, tokio::net::TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Ok(begun.elapsed()),
        Ok(Err(e)) => Err(crate::sources::hub::one_line(&e.to_string())),
        Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn only_known_names_are_kept() {
        let mut f = tempfile::NamedTempFile::new().unwrap();
        writeln!(f, "# x\nexport SP1_PROVER=cluster\nPRIVATE_KEY=0xabc\nCLI_REDIS_NODES=\"redis://:pw@h:1/0\"\nSP1_PROVER=network")
            .unwrap();
        let read = read(f.path()).unwrap();
        assert_eq!(read.keys().collect::<Vec<_>>(), ["CLI_REDIS_NODES", "SP1_PROVER"]);
        assert_eq!(read["SP1_PROVER"], "cluster");
    }

    #[test]
    fn errors_hold_nothing_of_the_file() {
        let mut f = tempfile::NamedTempFile::new().unwrap();
        writeln!(f, "my secret words").unwrap();
        let why = read(f.path()).unwrap_err();
        assert!(!why.contains("secret"), "{why}");
        assert!(read(Path::new("/nonexistent/.env")).unwrap_err().contains("/nonexistent/.env"));
    }

    #[test]
    fn of_a_url_only_the_place_is_shown() {
        assert_eq!(place("https://eth.example.com/v2/KEY"), Some(("eth.example.com".into(), 443)));
        assert_eq!(place("redis://:p@ss@redis-master:6380/0"), Some(("redis-master".into(), 6380)));
        assert_eq!(place("http://[::1]:50051"), Some(("::1".into(), 50051)));
        assert_eq!(place("nonsense"), None);
    }
}
