//! Where the real programs make their lines. Targets and files are those of
//! the captures; line numbers change with every release and mean nothing.

use super::log::Site;

const fn site(target: &'static str, file: &'static str, line: u32) -> Site {
    Site { target, file, line }
}

const METRICS: &str = "/usr/src/network/crates/node/metrics/src/server.rs";
const COORDINATOR: &str = "bin/coordinator/src/lib.rs";
const SERVER: &str = "bin/coordinator/src/server.rs";
const CLUSTER: &str = "bin/coordinator/src/cluster.rs";
const NODE: &str = "bin/node/src/lib.rs";
const REDIS: &str = "crates/artifact/src/redis.rs";

pub(super) const LOGGER: Site = site("sp1_cluster_common::logger", "crates/common/src/logger.rs", 218);
pub(super) const CONNECTING: Site = site("sp1_cluster_common::client", "crates/common/src/client.rs", 41);
pub(super) const CONNECT_FAILED: Site = site("sp1_cluster_common::client", "crates/common/src/client.rs", 58);
pub(super) const SIGNAL: Site = site("sp1_cluster_common::shutdown", "crates/common/src/shutdown.rs", 9);
pub(super) const METRICS_LISTENING: Site = site("spn_metrics::server", METRICS, 146);
pub(super) const METRICS_EXTERNAL: Site = site("spn_metrics::server", METRICS, 119);
pub(super) const METRICS_SIGNAL: Site = site("spn_metrics::server", METRICS, 155);
pub(super) const METRICS_DOWN: Site = site("spn_metrics::server", METRICS, 128);

pub(super) const COORD_METRICS: Site = site("sp1_cluster_coordinator::metrics", "bin/coordinator/src/metrics.rs", 161);
pub(super) const COORD_MODE: Site = site("sp1_cluster_coordinator::server", SERVER, 616);
pub(super) const COORD_LISTENING: Site = site("sp1_cluster_coordinator::server", SERVER, 655);
pub(super) const COORD_ABORTED: Site = site("sp1_cluster_coordinator::server", SERVER, 715);
pub(super) const COORD_DOWN: Site = site("sp1_cluster_coordinator::server", SERVER, 718);
pub(super) const REGISTERED: Site = site("sp1_cluster_coordinator::server", SERVER, 72);
pub(super) const RESEND: Site = site("sp1_cluster_coordinator::server", SERVER, 487);
pub(super) const MANIFEST: Site = site("sp1_cluster_coordinator::server", SERVER, 688);
pub(super) const STATS: Site = site("sp1_cluster_coordinator", COORDINATOR, 2208);
pub(super) const WORKER: Site = site("sp1_cluster_coordinator", COORDINATOR, 2230);
pub(super) const LATENCY: Site = site("sp1_cluster_coordinator::latency", "bin/coordinator/src/latency.rs", 74);
pub(super) const EXISTS: Site = site("sp1_cluster_coordinator", COORDINATOR, 604);
pub(super) const COMPLETE: Site = site("sp1_cluster_coordinator", COORDINATOR, 1723);
pub(super) const COMPLETE_SPAN: Site = site("sp1_cluster_coordinator", COORDINATOR, 1705);
pub(super) const FAIL: Site = site("sp1_cluster_coordinator", COORDINATOR, 1581);
pub(super) const FAIL_SPAN: Site = site("sp1_cluster_coordinator", COORDINATOR, 1468);
pub(super) const REMOVING: Site = site("sp1_cluster_coordinator", COORDINATOR, 913);
pub(super) const RETRYING: Site = site("sp1_cluster_coordinator", COORDINATOR, 1371);
pub(super) const EXHAUSTED: Site = site("sp1_cluster_coordinator", COORDINATOR, 1380);
pub(super) const NO_RETRIES: Site = site("sp1_cluster_coordinator", COORDINATOR, 1401);
pub(super) const HEARTBEAT: Site = site("sp1_cluster_coordinator", COORDINATOR, 1802);
pub(super) const TIMED_OUT: Site = site("sp1_cluster_coordinator", COORDINATOR, 1868);
pub(super) const SEND_TASK: Site = site("sp1_cluster_coordinator", COORDINATOR, 1120);
pub(super) const UNEXPECTED: Site = site("sp1_cluster_coordinator", COORDINATOR, 776);
pub(super) const NOT_WORKING: Site = site("sp1_cluster_coordinator", COORDINATOR, 803);
pub(super) const UNKNOWN_WORKER: Site = site("sp1_cluster_coordinator", COORDINATOR, 1262);
pub(super) const STALE: Site = site("sp1_cluster_coordinator::policy::balanced", "bin/coordinator/src/policy/balanced.rs", 214);
pub(super) const SHUT_TASK: Site = site("sp1_cluster_coordinator", COORDINATOR, 2405);
pub(super) const SHUT_TASKS: Site = site("sp1_cluster_coordinator", COORDINATOR, 2412);
pub(super) const SHUT_SUBS: Site = site("sp1_cluster_coordinator", COORDINATOR, 2435);
pub(super) const SHUT_SPAN: Site = site("sp1_cluster_coordinator", COORDINATOR, 2386);
pub(super) const INPUTS: Site = site("sp1_cluster_coordinator::cluster", CLUSTER, 312);
pub(super) const OUTPUTS: Site = site("sp1_cluster_coordinator::cluster", CLUSTER, 313);
pub(super) const CREATED: Site = site("sp1_cluster_coordinator::cluster", CLUSTER, 325);
pub(super) const STATUS: Site = site("sp1_cluster_coordinator::cluster", CLUSTER, 106);
pub(super) const STATUS_FAILED: Site = site("sp1_cluster_coordinator::cluster", CLUSTER, 151);
pub(super) const REISSUE: Site = site("sp1_cluster_coordinator::cluster", CLUSTER, 186);
pub(super) const FILTERED: Site = site("sp1_cluster_coordinator::cluster", CLUSTER, 231);
pub(super) const MALFORMED: Site = site("sp1_cluster_coordinator::cluster", CLUSTER, 289);
pub(super) const NO_LONGER: Site = site("sp1_cluster_coordinator::cluster", CLUSTER, 364);
pub(super) const UNEXPECTED_STATE: Site = site("sp1_cluster_coordinator::cluster", CLUSTER, 133);

pub(super) const API_ENV: Site = site("sp1_cluster_api", "bin/api/src/main.rs", 15);
pub(super) const API_MIGRATE: Site = site("sp1_cluster_api", "bin/api/src/lib.rs", 41);
pub(super) const API_GRPC: Site = site("sp1_cluster_api", "bin/api/src/lib.rs", 59);
pub(super) const API_HTTP: Site = site("sp1_cluster_api", "bin/api/src/lib.rs", 78);
pub(super) const API_DOWN: Site = site("sp1_cluster_api", "bin/api/src/lib.rs", 85);
pub(super) const API_CREATING: Site = site("sp1_cluster_api::service", "bin/api/src/service.rs", 100);
pub(super) const API_CREATED: Site = site("sp1_cluster_api::service", "bin/api/src/service.rs", 124);
pub(super) const API_EXISTS: Site = site("sp1_cluster_api::service", "bin/api/src/service.rs", 117);
pub(super) const API_UPDATING: Site = site("sp1_cluster_api::service", "bin/api/src/service.rs", 180);
pub(super) const API_UPDATED: Site = site("sp1_cluster_api::service", "bin/api/src/service.rs", 268);
pub(super) const API_SKIPPED: Site = site("sp1_cluster_api::service", "bin/api/src/service.rs", 259);
pub(super) const API_CANCELLING: Site = site("sp1_cluster_api::service", "bin/api/src/service.rs", 140);
pub(super) const API_CANCELLED: Site = site("sp1_cluster_api::service", "bin/api/src/service.rs", 166);
pub(super) const API_GETTING: Site = site("sp1_cluster_api::service", "bin/api/src/service.rs", 278);

pub(super) const NODE_MAIN: Site = site("sp1_cluster_node", "bin/node/src/main.rs", 88);
pub(super) const NODE_METRICS: Site = site("sp1_cluster_worker::metrics", "crates/worker/src/metrics.rs", 161);
pub(super) const NODE_OPTS: Site = site("sp1_cluster_worker::config", "crates/worker/src/config.rs", 63);
pub(super) const NODE_LIMIT: Site = site("sp1_cluster_worker::limiter", "crates/worker/src/limiter.rs", 97);
pub(super) const NODE_LOOP: Site = site("sp1_cluster_node", NODE, 204);
pub(super) const NODE_RECEIVED: Site = site("sp1_cluster_node", NODE, 372);
pub(super) const NODE_COMPLETED: Site = site("sp1_cluster_node", NODE, 455);
pub(super) const NODE_ABORTING: Site = site("sp1_cluster_node", NODE, 401);
pub(super) const NODE_CANCELLED: Site = site("sp1_cluster_node", NODE, 468);
pub(super) const NODE_TIMEOUT: Site = site("sp1_cluster_node", NODE, 512);
pub(super) const NODE_CLOSED: Site = site("sp1_cluster_node", NODE, 540);
pub(super) const NODE_SILENT: Site = site("sp1_cluster_node", NODE, 561);
pub(super) const NODE_DRAIN: Site = site("sp1_cluster_node", NODE, 610);
pub(super) const NODE_END: Site = site("sp1_cluster_node", "bin/node/src/main.rs", 141);
pub(super) const WORK: Site = site("sp1_cluster_worker", "crates/worker/src/lib.rs", 98);
pub(super) const WORK_ERROR: Site = site("sp1_cluster_worker", "crates/worker/src/lib.rs", 187);
pub(super) const WORK_SHRINK: Site = site("sp1_cluster_worker", "crates/worker/src/tasks/shrinkwrap.rs", 31);
pub(super) const REDIS_POOL: Site = site("sp1_cluster_artifact::redis", REDIS, 96);
pub(super) const REDIS_CONNECTION: Site = site("sp1_cluster_artifact::redis", REDIS, 211);
pub(super) const REDIS_DOWNLOAD: Site = site("sp1_cluster_artifact::redis", REDIS, 402);
pub(super) const REDIS_UPLOAD: Site = site("sp1_cluster_artifact::redis", REDIS, 355);
pub(super) const REDIS_ADMISSION: Site = site("sp1_cluster_artifact::redis", REDIS, 148);
