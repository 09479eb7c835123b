//! What a simulated cluster is made of.

use super::kind::Kind;
use super::log::LogFormat;
use super::release::Release;

/// One GiB in bytes.
pub const GIB: u64 = 1 << 30;

/// How much the worker nodes log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum NodeLogs {
    /// Nothing but their start, errors and end.
    Quiet,
    /// Also `Received task` and `Completed task`.
    Tasks,
    /// Also artifact transfers and the ends of spans.
    Full,
}

/// A Deployment: how many pods of what, and the room there is for them.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Pods wanted.
    pub replicas: u32,
    /// The release of its image.
    pub release: Release,
    /// Environment variables of the container, in order.
    pub env: Vec<(String, String)>,
    /// CPU limit in thousandths of a core.
    pub cpu_limit_millis: Option<u64>,
    /// Memory limit in bytes.
    pub memory_limit: Option<u64>,
    /// Size of `/dev/shm` in bytes; 64 MiB where no volume is mounted.
    pub shm: u64,
    /// Memory of the machine in bytes.
    pub host_memory: u64,
    /// Pods that fit the machines (GPUs, memory); more stay Pending.
    pub room: u32,
}

/// How long tasks take, in seconds on average.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Durations {
    /// One SetupVkey.
    pub setup_vkey: f64,
    /// Execution of one shard's worth of the guest.
    pub execute_shard: f64,
    /// One ProveShard beside its neighbours on the same GPU.
    pub prove_shard: f64,
    /// One RecursionDeferred.
    pub deferred: f64,
    /// One RecursionReduce.
    pub reduce: f64,
    /// One ShrinkWrap.
    pub shrink_wrap: f64,
    /// One PlonkWrap.
    pub plonk_wrap: f64,
    /// One Groth16Wrap.
    pub groth16_wrap: f64,
    /// Relative spread of all of them.
    pub spread: f64,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            setup_vkey: 7.0,
            execute_shard: 0.24,
            prove_shard: 8.5,
            deferred: 4.0,
            reduce: 3.0,
            shrink_wrap: 17.0,
            plonk_wrap: 170.0,
            groth16_wrap: 65.0,
            spread: 0.28,
        }
    }
}

impl Durations {
    /// All of them longer or shorter by a factor.
    #[must_use]
    pub fn scaled(mut self, by: f64) -> Self {
        for d in [
            &mut self.setup_vkey,
            &mut self.execute_shard,
            &mut self.prove_shard,
            &mut self.deferred,
            &mut self.reduce,
            &mut self.shrink_wrap,
            &mut self.plonk_wrap,
            &mut self.groth16_wrap,
        ] {
            *d *= by;
        }
        self
    }

    pub(super) fn mean(&self, kind: Kind) -> f64 {
        match kind {
            Kind::Controller | Kind::CoreExecute => 0.0,
            Kind::SetupVkey => self.setup_vkey,
            Kind::ProveShard => self.prove_shard,
            Kind::RecursionDeferred => self.deferred,
            Kind::RecursionReduce => self.reduce,
            Kind::ShrinkWrap => self.shrink_wrap,
            Kind::PlonkWrap => self.plonk_wrap,
            Kind::Groth16Wrap => self.groth16_wrap,
        }
    }
}

/// A whole cluster.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// The Kubernetes namespace.
    pub namespace: String,
    /// Shape of all log lines.
    pub log_format: LogFormat,
    /// False sets `NO_COLOR`.
    pub colour: bool,
    /// How much the nodes log.
    pub node_logs: NodeLogs,
    /// No more than that of the gpu-nodes, of which there may be a thousand.
    pub gpu_node_logs: NodeLogs,
    /// The coordinator.
    pub coordinator: Workload,
    /// The API.
    pub api: Workload,
    /// The CPU workers.
    pub cpu_node: Workload,
    /// The GPU workers.
    pub gpu_node: Workload,
    /// How long tasks take.
    pub durations: Durations,
    /// Core shards of a proof whose size the request does not say: from, to.
    pub shards: (u32, u32),
    /// Seconds that a cpu-node downloads circuits before it registers; 0 where
    /// they are cached.
    pub circuit_download: f64,
    /// Seconds between two looks of a client at its proof, each of which is a
    /// line of the API's log (official clients: 0.05); 0 for no looks.
    pub client_poll: f64,
}

impl ClusterConfig {
    /// A cluster as that release's example values make it: one cpu-node with
    /// a 96 GiB limit, four gpu-nodes with maximum 24.
    #[must_use]
    pub fn new(release: Release) -> Self {
        let base = Workload {
            replicas: 1,
            release,
            env: vec![("RUST_BACKTRACE".into(), "full".into())],
            cpu_limit_millis: None,
            memory_limit: None,
            shm: 64 << 20,
            host_memory: 128 * GIB,
            room: 64,
        };
        let coordinator = base.clone().with_env("COORDINATOR_CLUSTER_RPC", "http://api-grpc:50051");
        let coordinator = coordinator.with_env("COORDINATOR_METRICS_ADDR", "0.0.0.0:9090").with_env("COORDINATOR_ADDR", "0.0.0.0:50051");
        let api = base.clone().with_env("API_GRPC_ADDR", "0.0.0.0:50051").with_env("API_HTTP_ADDR", "0.0.0.0:3000");
        let api = api.with_env("API_AUTO_MIGRATE", "true");
        let node = |kind| {
            let node = base.clone().with_env("WORKER_TYPE", kind).with_env("NODE_COORDINATOR_RPC", "http://coordinator-grpc:50051");
            node.with_env("WORKER_METRICS_ADDR", "0.0.0.0:9090").with_env("NODE_ARTIFACT_STORE", "redis")
        };
        let mut cpu_node = node("CPU");
        (cpu_node.memory_limit, cpu_node.shm) = (Some(96 * GIB), 96 * GIB);
        (cpu_node.cpu_limit_millis, cpu_node.room) = (Some(32_000), 4);
        if !release.at_least(2, 4, 0) {
            cpu_node = cpu_node.with_env("WORKER_MAX_WEIGHT_OVERRIDE", if release.at_least(2, 2, 0) { "96" } else { "48" });
        }
        let mut gpu_node = node("GPU").with_env("WORKER_MAX_WEIGHT_OVERRIDE", "24");
        (gpu_node.replicas, gpu_node.room, gpu_node.host_memory) = (4, 6, 64 * GIB);
        Self {
            namespace: "sp1-cluster".into(),
            log_format: LogFormat::FileLine,
            colour: true,
            node_logs: NodeLogs::Full,
            gpu_node_logs: NodeLogs::Full,
            coordinator,
            api,
            cpu_node,
            gpu_node,
            durations: Durations::default(),
            shards: (80, 220),
            circuit_download: 0.0,
            client_poll: 2.0,
        }
    }
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self::new(Release::LATEST)
    }
}

impl Workload {
    /// The same with one more variable, or another value for it.
    #[must_use]
    pub fn with_env(mut self, key: &str, value: &str) -> Self {
        set_env(&mut self.env, key, Some(value));
        self
    }
}

/// Sets, replaces or (with `None`) removes a variable; true when that changed
/// anything.
pub(super) fn set_env(env: &mut Vec<(String, String)>, key: &str, value: Option<&str>) -> bool {
    match (env.iter().position(|(k, _)| k == key), value) {
        (Some(i), Some(v)) if env[i].1 == v => false,
        (Some(i), Some(v)) => {
            v.clone_into(&mut env[i].1);
            true
        }
        (Some(i), None) => {
            env.remove(i);
            true
        }
        (None, Some(v)) => {
            env.push((key.to_owned(), v.to_owned()));
            true
        }
        (None, None) => false,
    }
}

/// A variable's value.
pub(super) fn get_env<'a>(env: &'a [(String, String)], key: &str) -> Option<&'a str> {
    env.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
}
