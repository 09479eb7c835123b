//! Where artifacts go, from flags, the environment and a file; with where each
//! value came from, so that an error can say it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::envfile;
use crate::base::redact::{hide_passwords, redact};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line.
    Flag(&'static str),
    /// The environment.
    Environment,
    /// A file of variables.
    File(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => f.write_str(name),
            Self::Environment => f.write_str("the environment"),
            Self::File(path) => f.write_str(path),
        }
    }
}

/// The API's URL.
pub const CLUSTER_RPC: &str = "CLI_CLUSTER_RPC";
/// Redis nodes, comma-separated URLs.
pub const REDIS_NODES: &str = "CLI_REDIS_NODES";
/// The S3 bucket.
pub const S3_BUCKET: &str = "CLI_S3_BUCKET";
/// Its region.
pub const S3_REGION: &str = "CLI_S3_REGION";

/// Everything that is read, so that nothing else of the environment is kept.
const NAMES: &[&str] = &[
    CLUSTER_RPC,
    REDIS_NODES,
    S3_BUCKET,
    S3_REGION,
    "ARTIFACT_TIMEOUT_SECONDS",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_S3_FORCE_PATH_STYLE",
];

/// The values, the first of each name wins.
#[derive(Clone, Default)]
pub struct Settings {
    values: Vec<(String, String, Origin)>,
}

// Values may be secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values.iter().map(|(name, _, origin)| (name, origin))).finish()
    }
}

impl Settings {
    /// Values of flags: variable, flag, value.
    #[must_use]
    pub fn flags(flags: &[(&'static str, &'static str, Option<&str>)]) -> Self {
        let values = flags.iter().filter_map(|(name, flag, v)| Some(((*name).to_owned(), (*v)?.to_owned(), Origin::Flag(flag))));
        Self { values: values.collect() }
    }

    /// With a store that was typed instead of the one that is set; all else
    /// stays.
    #[must_use]
    pub fn with_typed(&self, values: &[(&'static str, &str)]) -> Self {
        let flags: Vec<_> = values.iter().map(|(name, v)| (*name, "the dialog", Some(*v))).collect();
        let mut all = Self::flags(&flags);
        all.values.extend(self.values.iter().filter(|(n, ..)| ![REDIS_NODES, S3_BUCKET, S3_REGION].contains(&n.as_str())).cloned());
        all
    }

    /// Adds what the environment has.
    #[must_use]
    pub fn environment(mut self, get: impl Fn(&str) -> Option<String>) -> Self {
        self.values.extend(NAMES.iter().filter_map(|n| Some(((*n).to_owned(), get(n)?, Origin::Environment))));
        self
    }

    /// Adds what a file of variables has; as with `dotenv`, the environment goes
    /// before it.
    pub fn file(mut self, path: &Path, text: &str) -> Result<Self, String> {
        let shown = path.display().to_string();
        let found = envfile::parse(text).map_err(|e| format!("{shown}: {e}"))?;
        self.values
            .extend(found.into_iter().filter(|(n, _)| NAMES.contains(&n.as_str())).map(|(n, v)| (n, v, Origin::File(shown.clone()))));
        Ok(self)
    }

    /// A value that is not empty, with its origin.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<(&str, &Origin)> {
        self.values.iter().find(|(n, v, _)| n == name && !v.trim().is_empty()).map(|(_, v, o)| (v.trim(), o))
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|(v, _)| v.to_owned())
    }

    /// The one artifact store that is set, or what is wrong and where.
    pub fn store(&self) -> Result<StoreConfig, String> {
        let redis = self.get(REDIS_NODES);
        let bucket = self.get(S3_BUCKET);
        match (redis, bucket) {
            (Some((_, r)), Some((_, b))) => Err(format!(
                "two artifact stores are set: {REDIS_NODES} (from {r}) and {S3_BUCKET} (from {b}); a cluster has exactly one: unset the other"
            )),
            (None, None) => {
                let empty: Vec<String> = [REDIS_NODES, S3_BUCKET]
                    .iter()
                    .filter_map(|n| self.values.iter().find(|(name, ..)| name == n))
                    .map(|(n, _, o)| format!("{n} is set but empty (from {o})"))
                    .collect();
                let why = if empty.is_empty() { format!("neither {REDIS_NODES} nor {S3_BUCKET} is set") } else { empty.join(", ") };
                Err(format!(
                    "no artifact store: {why}; set the one that the cluster's nodes use (NODE_REDIS_NODES or NODE_S3_BUCKET), in the environment, with --env-file, --redis-nodes or --s3-bucket"
                ))
            }
            (Some((nodes, origin)), None) => {
                let nodes: Vec<String> = nodes.split(',').map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()).collect();
                for n in &nodes {
                    if !n.starts_with("redis://") && !n.starts_with("rediss://") {
                        return Err(format!(
                            "{REDIS_NODES} (from {origin}): '{}' is no redis:// or rediss:// URL; write redis://[:PASSWORD@]HOST:PORT/DB, several with commas",
                            redact(&hide_passwords(n))
                        ));
                    }
                }
                Ok(StoreConfig::Redis { nodes, ttl: self.ttl()? })
            }
            (None, Some((bucket, origin))) => {
                let Some(region) = self.text(S3_REGION).or_else(|| self.text("AWS_REGION")) else {
                    return Err(format!("{S3_BUCKET} is set (from {origin}) without {S3_REGION}: set the bucket's region too"));
                };
                let keys = match (self.get("AWS_ACCESS_KEY_ID"), self.text("AWS_SECRET_ACCESS_KEY")) {
                    // Those of the environment are the SDK's own business.
                    (Some((id, Origin::File(_))), Some(secret)) => {
                        Some(Keys { id: id.to_owned(), secret, token: self.text("AWS_SESSION_TOKEN") })
                    }
                    _ => None,
                };
                Ok(StoreConfig::S3(S3Config {
                    bucket: bucket.to_owned(),
                    region,
                    endpoint: self.text("AWS_ENDPOINT_URL_S3").or_else(|| self.text("AWS_ENDPOINT_URL")),
                    path_style: self.text("AWS_S3_FORCE_PATH_STYLE").is_some_and(|v| v == "1" || v.eq_ignore_ascii_case("true")),
                    profile: self.text("AWS_PROFILE"),
                    keys,
                }))
            }
        }
    }

    /// How long artifacts other than programs are kept in Redis: 6 h, as v2.4
    /// and later do (facts section 5).
    fn ttl(&self) -> Result<Duration, String> {
        match self.get("ARTIFACT_TIMEOUT_SECONDS") {
            None => Ok(Duration::from_secs(6 * 3600)),
            Some((v, origin)) => match v.parse::<u64>() {
                Ok(s) if s > 0 => Ok(Duration::from_secs(s)),
                _ => Err(format!("ARTIFACT_TIMEOUT_SECONDS (from {origin}) is '{v}', no number of seconds")),
            },
        }
    }
}

/// An artifact store and how to reach it.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreConfig {
    /// Redis.
    Redis {
        /// URLs, in the cluster's order: an artifact's node follows from it.
        nodes: Vec<String>,
        /// Time to live of all but programs.
        ttl: Duration,
    },
    /// S3.
    S3(S3Config),
}

/// A bucket and how to reach it.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Config {
    /// The bucket's name.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// Another endpoint than Amazon's.
    pub endpoint: Option<String>,
    /// The bucket in the path instead of the host (MinIO).
    pub path_style: bool,
    /// Profile of the shared configuration.
    pub profile: Option<String>,
    /// Keys of the file of variables; else the SDK's whole chain.
    pub keys: Option<Keys>,
}

/// Static credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Access key id.
    pub id: String,
    /// Secret access key.
    pub secret: String,
    /// Session token.
    pub token: Option<String>,
}

impl StoreConfig {
    /// What it is, without secrets: kept with jobs and shown.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Redis { nodes, .. } => nodes.iter().map(|n| redact(n).into_owned()).collect::<Vec<_>>().join(","),
            Self::S3(s) => match &s.endpoint {
                Some(e) => format!("s3://{} at {}", s.bucket, redact(e)),
                None => format!("s3://{} in {}", s.bucket, s.region),
            },
        }
    }
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(env: &[(&str, &str)], file: &str) -> Settings {
        let env: Vec<(String, String)> = env.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
        let get = move |n: &str| env.iter().find(|(a, _)| a == n).map(|(_, b)| b.clone());
        Settings::default().environment(get).file(Path::new("/x/.env"), file).unwrap()
    }

    #[test]
    fn exactly_one_store() {
        let both = with(&[(REDIS_NODES, "redis://:hunter2@r:6379/0")], "CLI_S3_BUCKET=proofs\nCLI_S3_REGION=eu\n").store().unwrap_err();
        assert!(both.contains("CLI_REDIS_NODES (from the environment)") && both.contains("CLI_S3_BUCKET (from /x/.env)"), "{both}");
        assert!(!both.contains("hunter2"));
        let none = with(&[], "").store().unwrap_err();
        assert!(none.contains("neither CLI_REDIS_NODES nor CLI_S3_BUCKET"), "{none}");
        let empty = with(&[(REDIS_NODES, "")], "").store().unwrap_err();
        assert!(empty.contains("CLI_REDIS_NODES is set but empty (from the environment)"), "{empty}");
        let region = with(&[(S3_BUCKET, "b")], "").store().unwrap_err();
        assert!(region.contains("without CLI_S3_REGION"), "{region}");
        let scheme = with(&[(REDIS_NODES, "redis://a, http://u:hunter2@b")], "").store().unwrap_err();
        assert!(scheme.contains("http://u:***@b") && !scheme.contains("hunter2"), "{scheme}");
    }

    #[test]
    fn the_environment_goes_before_the_file_and_flags_before_both() {
        let s = with(&[(REDIS_NODES, "redis://env:6379")], "CLI_REDIS_NODES=redis://file:6379\nCLI_CLUSTER_RPC=http://file:50051\n");
        assert_eq!(s.get(REDIS_NODES).unwrap().0, "redis://env:6379");
        assert_eq!(s.get(CLUSTER_RPC).unwrap().1, &Origin::File("/x/.env".into()));
        let flags = Settings::flags(&[(REDIS_NODES, "--redis-nodes", Some("redis://flag:6379")), (S3_BUCKET, "--s3-bucket", None)]);
        let s = flags.environment(|n| (n == REDIS_NODES).then(|| "redis://env:6379".into()));
        assert_eq!(s.store().unwrap().describe(), "redis://flag:6379");
    }

    #[test]
    fn what_is_typed_is_read_as_a_flag_is() {
        let set = with(&[(REDIS_NODES, "redis://env:6379"), ("AWS_REGION", "eu-1")], "CLI_S3_REGION=eu-9\n");
        let store = |values: &[(&'static str, &str)]| set.with_typed(values).store().map(|s| s.describe());
        assert_eq!(store(&[(REDIS_NODES, " redis://:hunter2@a:1 , redis://b ")]).unwrap(), "redis://:***@a:1,redis://b");
        assert!(store(&[(S3_BUCKET, "b")]).unwrap().contains("eu-1"), "the region of the environment");
        assert!(store(&[(REDIS_NODES, "")]).unwrap_err().contains("CLI_REDIS_NODES is set but empty (from the dialog)"));
        let e = store(&[(REDIS_NODES, ":hunter2@a:6379")]).unwrap_err();
        assert!(e.contains("is no redis:// or rediss:// URL") && !e.contains("hunter2"), "{e}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let s = with(&[(REDIS_NODES, "redis://:hunter2@r:6379/0,rediss://u:hunter2@q:6379")], "");
        let store = s.store().unwrap();
        for text in [format!("{s:?}"), format!("{store:?}"), store.describe()] {
            assert!(!text.contains("hunter2"), "{text}");
        }
        assert_eq!(store.describe(), "redis://:***@r:6379/0,rediss://u:***@q:6379");
        let s3 = with(&[], "CLI_S3_BUCKET=b\nCLI_S3_REGION=eu\nAWS_ACCESS_KEY_ID=AKIA1\nAWS_SECRET_ACCESS_KEY=hunter2\n").store().unwrap();
        assert!(!format!("{s3:?}").contains("hunter2"));
        assert!(matches!(s3, StoreConfig::S3(S3Config { keys: Some(_), .. })));
    }

    #[test]
    fn the_time_to_live_can_be_set() {
        let ttl = |env: &[(&str, &str)]| match with(env, "").store() {
            Ok(StoreConfig::Redis { ttl, .. }) => Ok(ttl.as_secs()),
            Ok(_) => panic!(),
            Err(e) => Err(e),
        };
        assert_eq!(ttl(&[(REDIS_NODES, "redis://r")]), Ok(21_600));
        assert_eq!(ttl(&[(REDIS_NODES, "redis://r"), ("ARTIFACT_TIMEOUT_SECONDS", "600")]), Ok(600));
        assert!(ttl(&[(REDIS_NODES, "redis://r"), ("ARTIFACT_TIMEOUT_SECONDS", "soon")]).is_err());
    }
}
