//! Clusters with a story: what the demo plays and the tests run. A scenario is
//! one line of [`SCENARIOS`] and its two functions.

mod stories;
mod tour;

use std::time::Duration;

use super::{Cluster, ClusterConfig, Command, Demand, Mode};
use crate::base::Timestamp;

/// A story about a cluster.
pub struct Scenario {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it shows, in one line.
    pub about: &'static str,
    /// Simulated seconds a second that a person enjoys.
    pub speed: f64,
    /// History that is run silently first, so that graphs are filled.
    pub warm_up: Duration,
    /// From the start (warm-up too) to the end of the story; the cluster goes
    /// on after it.
    pub length: Duration,
    /// The cluster.
    pub config: fn() -> ClusterConfig,
    /// What happens to it.
    pub story: fn(&mut Plan),
}

/// A heading at a time of the story.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chapter {
    /// Since the start of the simulation, warm-up included.
    pub at: Duration,
    /// A few words.
    pub title: &'static str,
    /// What to see, in a sentence or two.
    pub text: &'static str,
}

/// What happens in a story, and when.
#[derive(Clone, Default, Debug)]
pub struct Plan {
    /// Since the start of the simulation.
    now: Duration,
    /// Commands with their times since the start.
    pub commands: Vec<(Duration, Command)>,
    /// The headings, in order.
    pub chapters: Vec<Chapter>,
}

impl Plan {
    /// What is written next happens so many seconds after the start.
    pub fn at(&mut self, seconds: u64) -> &mut Self {
        self.now = Duration::from_secs(seconds);
        self
    }

    /// A heading.
    pub fn chapter(&mut self, title: &'static str, text: &'static str) -> &mut Self {
        self.chapters.push(Chapter { at: self.now, title, text });
        self
    }

    /// Something happens.
    pub fn does(&mut self, command: Command) -> &mut Self {
        self.commands.push((self.now, command));
        self
    }

    /// `kubectl set env`.
    pub fn set(&mut self, deployment: &'static str, key: &str, value: &str) -> &mut Self {
        self.does(Command::SetEnv(deployment, key.to_owned(), Some(value.to_owned())))
    }

    /// Proof requests keep coming from now on.
    pub fn demand(&mut self, modes: &[(Mode, u32)], every: f64, at_most: usize, shards: (u32, u32)) -> &mut Self {
        self.does(Command::Demand(Some(Demand { modes: modes.to_vec(), every, at_most, shards })))
    }
}

/// The demo's default scenario.
pub const DEFAULT: &str = "tour";

/// All scenarios; the default one first.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: DEFAULT,
        about: "healthy, a stuck aggregation, two wraps at once, a lost worker and 1,000 GPUs, one after the other",
        speed: 20.0,
        warm_up: Duration::from_secs(900),
        length: Duration::from_secs(6300),
        config: tour::config,
        story: tour::story,
    },
    story("healthy", "proofs of all modes come and go on one CPU and four GPU workers", stories::latest, stories::healthy),
    story("stuck-aggregation", "maximum weight 32: the PlonkWrap can never run", stories::with_32, stories::stuck_aggregation),
    story("plonk-deadlock", "two plonk proofs hold the room for each other's wraps", stories::with_16_of_48, stories::plonk_deadlock),
    story(
        "two-plonks-oom",
        "maximum weight 96: two PlonkWraps at once, and the kernel kills the pod",
        stories::with_96,
        stories::two_plonks_oom,
    ),
    story("worker-lost", "a GPU machine vanishes; its tasks move after 30 s", stories::latest, stories::worker_lost),
    Scenario {
        name: "big",
        about: "30 CPU and 1,000 GPU workers with 60 proofs",
        speed: 10.0,
        warm_up: Duration::from_secs(180),
        length: Duration::from_secs(1500),
        config: stories::thousand,
        story: stories::big,
    },
    story("api-outage", "the API goes away for some minutes; a completion is written late", stories::latest, stories::api_outage),
    story("coordinator-restart", "the coordinator dies and starts with an empty memory", stories::latest, stories::coordinator_restart),
    story("gpu-stalled", "no GPU task finishes any more, and nothing says so", stories::latest, stories::gpu_stalled),
    story("hung-worker", "one GPU worker hangs with its tasks while it is connected", stories::latest, stories::hung_worker),
    story("redis-pressure", "Redis is full: uploads wait, then a proof fails", stories::latest, stories::redis_pressure),
    story("redis-away", "Redis cannot be reached for three minutes: every proof fails", stories::latest, stories::redis_away),
    story("hung-coordinator", "the coordinator hangs: connected, and silent", stories::patient, stories::hung_coordinator),
    story("slow-coordinator", "the coordinator's machine is too busy: whoever asks it waits", stories::latest, stories::slow_coordinator),
    story("malformed-request", "a request lacks its mode and is never claimed", stories::latest, stories::malformed_request),
    story("crash-loop", "a wrong variable: the new GPU pods crash again and again", stories::latest, stories::crash_loop),
    story("task-poison", "one task brings down one GPU worker after the other", stories::latest, stories::task_poison),
    story("retries-exhausted", "a task fails more often than it may, and its proof with it", stories::latest, stories::retries_exhausted),
    story("hung-task", "one shard never ends, and its proof waits for it", stories::latest, stories::hung_task),
    story(
        "wedged-controller",
        "a message is lost: a proof has nothing but its Controller, for ever",
        stories::latest,
        stories::wedged_controller,
    ),
    story("two-coordinators", "a second coordinator claims the same proofs", stories::latest, stories::two_coordinators),
    story("late-proof", "a proof is too large for the time that it was given", stories::latest, stories::late_proof),
    story("no-room", "more GPU pods are wanted than there are GPUs", stories::latest, stories::no_room),
    story("no-gpus", "the GPU workers are scaled away while proofs wait", stories::latest, stories::no_gpus),
    story("no-shm", "without /dev/shm the CPU worker takes no work at all", stories::without_shm, stories::no_shm),
    story(
        "crowded-controllers",
        "more proofs at once than leave room for a CoreExecute of 32",
        stories::heavy_execution,
        stories::crowded_controllers,
    ),
    story(
        "weight-ignored",
        "WORKER_CONTROLLER_WEIGHT is set on the cpu-node, where nobody reads it",
        stories::guide,
        stories::weight_ignored,
    ),
    story("version-skew", "gpu-nodes run an older release than the rest", stories::latest, stories::version_skew),
];

const fn story(name: &'static str, about: &'static str, config: fn() -> ClusterConfig, story: fn(&mut Plan)) -> Scenario {
    Scenario { name, about, speed: 10.0, warm_up: Duration::from_secs(600), length: Duration::from_secs(2400), config, story }
}

impl Scenario {
    /// The scenario of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|s| s.name == name)
    }

    /// What happens in it.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        (self.story)(&mut plan);
        plan
    }

    /// The cluster at its start, with the whole story planned.
    #[must_use]
    pub fn build(&self, seed: u64, start: Timestamp) -> Cluster {
        let mut cluster = Cluster::new((self.config)(), seed, start);
        for (at, command) in self.plan().commands {
            cluster.schedule_command(start.plus(at), command);
        }
        cluster
    }
}
