//! The simulated cluster from the outside: the rules of facts section 2, and
//! what each scenario promises. `GetStats` is checked against the log, so a
//! simulation that only pretends would show.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sp1top::base::{TaskType, Timestamp, WorkerKind};
use sp1top::sim::{
    Cluster, ClusterConfig, Command, ContainerState, Fault, LogFormat, Mode, ProofStatus, Refusal, Release, RowFilter, SCENARIOS, Scenario,
    Sign, Stats, Target, Work, WorkerState,
};

const START: Timestamp = Timestamp::from_secs(1_795_480_000);

/// The seed of the stories: any must do, and `SIM_SEED` tries another.
fn seed() -> u64 {
    std::env::var("SIM_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1)
}

fn after(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

fn pinned(max: &str) -> ClusterConfig {
    let mut config = ClusterConfig::new(Release::named("v2.1.2"));
    config.cpu_node = config.cpu_node.with_env("WORKER_MAX_WEIGHT_OVERRIDE", max);
    config
}

fn request(mode: Mode, shards: u32) -> Command {
    Command::Request(mode, Some(Work { shards, memory_shards: 1, deferred: 0 }))
}

fn count(workers: &[WorkerState], kind: &TaskType) -> usize {
    workers.iter().flat_map(|w| &w.tasks).filter(|t| t.kind == *kind).count()
}

/// Most wraps on one worker at once.
fn wraps_on_one(cluster: &Cluster) -> usize {
    cluster.workers().iter().map(|w| w.tasks.iter().filter(|t| t.kind.is_wrap()).count()).max().unwrap_or(0)
}

/// The lines of one component, without colours.
fn lines(cluster: &mut Cluster, until: Timestamp, container: &str) -> Vec<String> {
    let mut text = Vec::new();
    for o in cluster.step_until(until) {
        if cluster.pod(o.source.pod).unwrap().container == container {
            text.extend_from_slice(&o.bytes);
        }
    }
    plain(&text).lines().map(str::to_owned).collect()
}

fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('\x1b') {
        out.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    out + rest
}

fn pod_of(cluster: &Cluster, app: &str) -> usize {
    cluster.pods().find(|(_, p)| p.app == app && p.ready).unwrap().0
}

/// Steps in tens of seconds until `done`, at most so long.
fn run_until(cluster: &mut Cluster, limit: u64, mut done: impl FnMut(&Cluster) -> bool) -> bool {
    let end = cluster.now().plus(Duration::from_secs(limit));
    while cluster.now() < end {
        if done(cluster) {
            return true;
        }
        let next = cluster.now().plus(Duration::from_secs(2));
        cluster.step_until(next);
    }
    done(cluster)
}

#[test]
fn the_same_seed_gives_the_same_bytes_however_time_is_cut() {
    for name in ["tour", "two-plonks-oom", "coordinator-restart"] {
        let s = Scenario::find(name).unwrap();
        let run = |seed, step: u64| {
            let mut cluster = s.build(seed, START);
            let mut out = Vec::new();
            let mut at = 0;
            while at < 1200 {
                at = (at + step).min(1200);
                cluster.step_into(after(at), &mut out);
            }
            (out, cluster.revision(), cluster.proof_requests().to_vec())
        };
        let whole = run(5, 1200);
        assert!(whole == run(5, 7), "{name}");
        assert!(whole.0 != run(6, 1200).0, "{name}");
        assert!(whole.0.is_sorted_by_key(|o| o.at), "{name}");
    }
}

#[test]
fn logging_less_changes_nothing_else() {
    let run = |quiet: bool| {
        let mut config = ClusterConfig::default();
        if quiet {
            config.node_logs = sp1top::sim::NodeLogs::Quiet;
        }
        let mut cluster = Cluster::new(config, 3, START);
        for s in [20, 60, 90] {
            cluster.schedule_command(after(s), request(Mode::Plonk, 60));
        }
        cluster.step_until(after(500));
        (cluster.stats().unwrap(), cluster.proof_requests().to_vec())
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn a_proof_of_each_mode_runs_its_course() {
    for release in ["v1.0.4", "v2.0.4", "v2.1.2", "v2.3.0", "v2.7.2"] {
        for mode in [Mode::Core, Mode::Compressed, Mode::Plonk, Mode::Groth16] {
            let mut cluster = Cluster::new(ClusterConfig::new(Release::named(release)), 1, START);
            cluster.step_until(after(30));
            cluster.command(request(mode, 30)).unwrap();
            let mut seen = BTreeSet::new();
            let done = run_until(&mut cluster, 900, |c| {
                seen.extend(c.workers().into_iter().flat_map(|w| w.tasks).map(|t| t.kind));
                c.proof_requests()[0].proof_status == ProofStatus::Completed
            });
            assert!(done, "{release} {mode:?}");
            let has = |t: TaskType| seen.contains(&t);
            assert!(has(TaskType::Controller) && has(TaskType::ProveShard) && has(TaskType::SetupVkey), "{release} {mode:?}");
            assert_eq!(has(TaskType::RecursionReduce), mode != Mode::Core, "{release} {mode:?}");
            assert_eq!(has(TaskType::ShrinkWrap), matches!(mode, Mode::Plonk | Mode::Groth16), "{release} {mode:?}");
            assert_eq!(has(TaskType::PlonkWrap), mode == Mode::Plonk, "{release} {mode:?}");
            assert_eq!(has(TaskType::Groth16Wrap), mode == Mode::Groth16, "{release} {mode:?}");
            assert_eq!(has(TaskType::CoreExecute), release > "v2.1", "{release} {mode:?}");
            cluster.step_until(cluster.now().plus(Duration::from_secs(20)));
            let s = cluster.stats().unwrap();
            assert_eq!(
                (s.active_proofs, s.active_tasks, s.cpu_utilization_current, s.gpu_utilization_current, s.active_subscribers),
                (0, 0, 0, 0, 0)
            );
            // Reference 3.6: two a core shard, memory shards, a third of the
            // shards in folds, three to six more.
            assert!((62..=62 + 1 + 12 + 6).contains(&s.total_tasks), "{release} {mode:?}: {}", s.total_tasks);
        }
    }
}

#[test]
fn a_wrap_that_does_not_fit_blocks_the_queue() {
    let mut cluster = Cluster::new(pinned("32"), 1, START);
    cluster.step_until(after(30));
    cluster.command(request(Mode::Plonk, 40)).unwrap();
    assert!(run_until(&mut cluster, 300, |c| c.stats().unwrap().cpu_queue == 1 && c.stats().unwrap().gpu_queue == 0));
    // A Controller of 4 beside the one of 4 would fit 32. It is not the head.
    cluster.command(request(Mode::Core, 10)).unwrap();
    for _ in 0..60 {
        cluster.step_until(cluster.now().plus(Duration::from_secs(10)));
        let s = cluster.stats().unwrap();
        assert_eq!((s.cpu_utilization_current, s.cpu_utilization_max, s.gpu_utilization_current), (4, 32, 0));
        assert_eq!(count(&cluster.workers(), &TaskType::PlonkWrap), 0);
    }
    assert_eq!((cluster.stats().unwrap().cpu_queue, cluster.stats().unwrap().active_proofs), (2, 2));
    let (first, second) = (cluster.proof_requests()[0].id.clone(), cluster.proof_requests()[1].id.clone());
    assert_eq!(cluster.waiting(&first), [TaskType::PlonkWrap]);
    assert_eq!(cluster.waiting(&second), [TaskType::Controller]);
    // The advice for these weights mends it.
    cluster.command(Command::SetEnv("cpu-node", "WORKER_MAX_WEIGHT_OVERRIDE".into(), Some("48".into()))).unwrap();
    assert!(run_until(&mut cluster, 900, |c| c.proof_requests().iter().all(|r| r.proof_status == ProofStatus::Completed)));
}

#[test]
fn two_wraps_share_a_worker_only_when_both_controllers_fit_too() {
    // 64 is twice the wrap and has no room for a Controller: never two, just
    // as in the recording `two-plonk-oom64`.
    for (max, most) in [("48", 1), ("64", 1), ("71", 1), ("72", 2), ("96", 2)] {
        let mut config = pinned(max);
        config.cpu_node.memory_limit = None;
        let mut cluster = Cluster::new(config, 1, START);
        cluster.step_until(after(30));
        cluster.command(request(Mode::Plonk, 40)).unwrap();
        cluster.command(request(Mode::Plonk, 44)).unwrap();
        let mut seen = 0;
        assert!(run_until(&mut cluster, 1200, |c| {
            seen = seen.max(wraps_on_one(c));
            c.proof_requests().iter().all(|r| r.proof_status == ProofStatus::Completed)
        }));
        assert_eq!(seen, most, "maximum {max}");
    }
}

#[test]
fn the_controllers_weight_is_the_coordinators_to_say() {
    for (on, weight) in [("cpu-node", 1), ("coordinator", 16)] {
        let mut config = ClusterConfig::default();
        let workload = if on == "cpu-node" { &mut config.cpu_node } else { &mut config.coordinator };
        *workload = workload.clone().with_env("WORKER_CONTROLLER_WEIGHT", "16");
        let mut cluster = Cluster::new(config, 1, START);
        cluster.step_until(after(30));
        cluster.command(request(Mode::Compressed, 40)).unwrap();
        assert!(run_until(&mut cluster, 60, |c| count(&c.workers(), &TaskType::Controller) == 1));
        let task = cluster.workers().into_iter().flat_map(|w| w.tasks).find(|t| t.kind == TaskType::Controller).unwrap();
        assert_eq!(task.weight, weight, "{on}");
    }
}

#[test]
fn a_lost_workers_tasks_move_after_thirty_seconds() {
    let mut cluster = Cluster::new(ClusterConfig::default(), 1, START);
    cluster.step_until(after(30));
    cluster.command(request(Mode::Compressed, 200)).unwrap();
    cluster.step_until(after(70));
    cluster.command(Command::Lose(Target::Busiest("gpu-node"), 120.0)).unwrap();
    let dead = cluster.workers().into_iter().find(|w| !w.connected).unwrap();
    assert!(!dead.tasks.is_empty());
    let mut log = Vec::new();
    let mut elsewhere = BTreeMap::new();
    for s in 0..180 {
        let now = lines(&mut cluster, after(70 + s), "coordinator");
        if s <= 45 {
            log.extend(now);
        }
        let others = cluster.workers().into_iter().filter(|w| w.id != dead.id);
        elsewhere.extend(others.flat_map(|w| w.tasks).map(|t| (t.task, t.retries)));
    }
    let at = |needle: &str| log.iter().position(|l| l.contains(needle)).map(|i| Timestamp::parse_prefix(log[i].as_bytes()).unwrap().0);
    let gone = format!("worker {} has timed out (last heartbeat 3", dead.id);
    let noticed = at(&format!("Failed to send heartbeat to worker {}: channel closed", dead.id)).unwrap();
    let given_up = at(&gone).unwrap();
    assert!(noticed <= after(76));
    assert!(given_up.seconds_since(after(70)) > 25.0 && given_up.seconds_since(after(70)) < 45.0, "{given_up:?}");
    assert!(cluster.workers().iter().all(|w| w.id != dead.id));
    // Its tasks keep their ids, and no retry is used.
    for t in &dead.tasks {
        assert_eq!(elsewhere.get(&t.task), Some(&0));
    }
    assert!(run_until(&mut cluster, 300, |c| c.proof_requests()[0].proof_status == ProofStatus::Completed));
    // The pod comes back as another worker.
    assert_eq!(cluster.stats().unwrap().gpu_workers, 4);
}

/// Figures of the blocks in a coordinator's log, and what must hold in each
/// (and does in all recordings).
#[derive(Default)]
struct Blocks {
    total: u64,
    seen: usize,
    stats: BTreeMap<String, u64>,
    running: u64,
    cpu_weight: u64,
    gpu_weight: u64,
    workers: u64,
}

impl Blocks {
    fn read(&mut self, line: &str, weights: &dyn Fn(&str) -> u64) {
        if let Some((_, figures)) = line.split_once("GetStatsResponse { ") {
            self.check();
            *self = Self { total: self.total, seen: self.seen + 1, ..Self::default() };
            for pair in figures.trim_end_matches(" }").split(", ") {
                let (k, v) = pair.split_once(": ").unwrap();
                if let Ok(v) = v.parse() {
                    self.stats.insert(k.to_owned(), v);
                }
            }
            assert_eq!(self.stats.len(), 12, "{line}");
        } else if let Some((_, rest)) = line.split_once("[coordinator] worker ") {
            self.workers += 1;
            let (head, tasks) = rest.split_once(" [").unwrap();
            assert_eq!(head.ends_with(" 0"), tasks == "]", "idle workers, and only those, are free at 0: {line}");
            for t in tasks.split("Some(Some(").skip(1) {
                let kind = t.split(')').next().unwrap();
                self.running += 1;
                *(if head.contains(" Cpu ") { &mut self.cpu_weight } else { &mut self.gpu_weight }) += weights(kind);
            }
        }
    }

    fn check(&mut self) {
        if self.seen == 0 {
            return;
        }
        let s = |k: &str| self.stats[k];
        assert_eq!(self.workers, s("cpu_workers") + s("gpu_workers"));
        assert_eq!(self.cpu_weight, s("cpu_utilization_current"), "{:?}", self.stats);
        assert_eq!(self.gpu_weight, s("gpu_utilization_current"), "{:?}", self.stats);
        assert!(self.cpu_weight <= s("cpu_utilization_max") && self.gpu_weight <= s("gpu_utilization_max"));
        assert!(s("active_tasks") >= self.running, "{:?}", self.stats);
        assert!(s("total_tasks") >= s("active_tasks"));
        assert!(s("active_proofs") > 0 || s("active_tasks") == 0);
        self.total = s("total_tasks");
    }
}

#[test]
fn every_block_of_every_scenario_adds_up() {
    for s in SCENARIOS {
        // Version-dependent weights: those of the scenario's coordinator.
        let config = (s.config)();
        let old = !config.coordinator.release.at_least(2, 2, 0);
        let controller = config
            .coordinator
            .env
            .iter()
            .find(|e| e.0 == "WORKER_CONTROLLER_WEIGHT")
            .map_or(if old { 4 } else { 1 }, |e| e.1.parse().unwrap());
        let weights = move |kind: &str| match kind {
            "Controller" => controller,
            "CoreExecute" => {
                if !old {
                    8
                } else if config.cpu_node.release.at_least(2, 1, 3) {
                    32
                } else {
                    4
                }
            }
            "PlonkWrap" => {
                if old {
                    32
                } else {
                    60
                }
            }
            "Groth16Wrap" => 14,
            "ProveShard" | "ShrinkWrap" => 4,
            "SetupVkey" => 1,
            "RecursionReduce" | "RecursionDeferred" => 3,
            other => panic!("{other}"),
        };
        let mut cluster = s.build(2, START);
        // Two coordinators at once would be two streams.
        let mut blocks: BTreeMap<_, Blocks> = BTreeMap::new();
        let end = if s.name == "big" { 300 } else { s.length.as_secs().min(3900) };
        for o in cluster.step_until(after(end)) {
            if cluster.pod(o.source.pod).unwrap().container == "coordinator" {
                let b = blocks.entry(o.source).or_default();
                for line in plain(&o.bytes).lines() {
                    b.read(line, &weights);
                }
            }
        }
        let missing = cluster.signs().filter(|s| s.1 == Sign::BlockMissing).count();
        let seen: usize = blocks.values().map(|b| b.seen).sum::<usize>() + missing;
        assert!(seen as u64 * 10 > end - 60, "{}: {seen} blocks", s.name);
    }
}

/// What was seen while a scenario ran.
#[derive(Default)]
struct Seen {
    stuck: u64,
    wraps: usize,
    oom: u32,
    back_off: bool,
    most_memory: f64,
    completed: usize,
    failed: usize,
    gpus: u32,
    most_queue: u32,
    unavailable: u64,
    fell: bool,
    busy: f64,
    steps: u64,
    words: BTreeSet<&'static str>,
}

fn watch(name: &str, from: u64, to: u64) -> Seen {
    const WORDS: [&str; 8] = [
        "has timed out",
        "Failed to get filtered tasks",
        "re-issuing lost status write",
        "Redis near capacity",
        "admission wait cap exceeded",
        "retries exhausted",
        "panicked at",
        "retrying task",
    ];
    let s = Scenario::find(name).unwrap();
    let mut cluster = s.build(seed(), START);
    cluster.step_until(after(from));
    let mut seen = Seen::default();
    let (mut last, steps) = (Stats::default(), cluster.steps());
    let done = |c: &Cluster, status| c.proof_requests().iter().filter(|r| r.proof_status == status).count();
    let before = (done(&cluster, ProofStatus::Completed), done(&cluster, ProofStatus::Failed));
    let mut t = from;
    while t < to {
        t += 5;
        for o in cluster.step_until(after(t)) {
            let text = String::from_utf8_lossy(&o.bytes);
            seen.words.extend(WORDS.iter().filter(|w| text.contains(**w)));
        }
        let stats = cluster.stats().unwrap_or_default();
        let wrapping = cluster.workers().iter().flat_map(|w| &w.tasks).any(|t| t.kind.is_wrap());
        seen.stuck += 5 * u64::from(
            stats.cpu_queue > 0 && stats.gpu_queue == 0 && stats.gpu_utilization_current == 0 && stats.cpu_workers > 0 && !wrapping,
        );
        seen.wraps = seen.wraps.max(wraps_on_one(&cluster));
        seen.gpus = seen.gpus.max(stats.gpu_workers);
        seen.most_queue = seen.most_queue.max(stats.gpu_queue);
        seen.busy += f64::from(stats.gpu_utilization_current) / f64::from(stats.gpu_utilization_max.max(1)) * 5.0 / (to - from) as f64;
        seen.unavailable += 5 * u64::from(cluster.api_up().is_err());
        for (i, p) in cluster.pods() {
            seen.oom = seen.oom.max(
                p.restarts * u32::from(p.last_termination.as_ref().is_some_and(|t| t.exit.reason == "OOMKilled" && t.exit.code == 137)),
            );
            seen.back_off |= matches!(p.state, ContainerState::Waiting { reason: "CrashLoopBackOff", .. });
            if let (Some(u), Some(limit), "cpu-node") = (cluster.pod_usage(i), p.memory_limit, p.app) {
                seen.most_memory = seen.most_memory.max(u.memory_bytes as f64 / limit as f64);
            }
        }
        if cluster.stats().is_ok() {
            seen.fell |= stats.total_tasks < last.total_tasks;
            last = stats;
        }
    }
    (seen.completed, seen.failed) = (done(&cluster, ProofStatus::Completed) - before.0, done(&cluster, ProofStatus::Failed) - before.1);
    seen.steps = cluster.steps() - steps;
    seen
}

#[test]
fn healthy_is_healthy() {
    let s = watch("healthy", 60, 2400);
    assert!(s.completed >= 15 && s.failed == 0 && s.stuck == 0 && s.oom == 0 && !s.back_off, "{}", s.completed);
    assert!(s.most_memory < 0.9 && s.words.is_empty(), "{} {:?}", s.most_memory, s.words);
}

#[test]
fn an_aggregation_gets_stuck_and_is_mended() {
    let s = watch("stuck-aggregation", 630, 1900);
    assert!(s.stuck > 900 && s.wraps == 0, "{}", s.stuck);
    assert!(watch("stuck-aggregation", 1900, 2400).completed >= 3);
}

#[test]
fn two_plonk_proofs_deadlock() {
    let s = watch("plonk-deadlock", 720, 1900);
    assert!(s.stuck > 900 && s.wraps == 0 && s.completed == 0, "{}", s.stuck);
    assert_eq!(watch("plonk-deadlock", 1900, 2400).completed, 3);
}

#[test]
fn two_wraps_at_once_are_killed() {
    assert_eq!(watch("two-plonks-oom", 60, 700).oom, 0);
    let s = watch("two-plonks-oom", 720, 1500);
    assert!(s.wraps == 2 && s.oom >= 3 && s.back_off && s.completed == 0, "{} {}", s.wraps, s.oom);
    let s = watch("two-plonks-oom", 1600, 2400);
    assert!(s.wraps == 1 && s.oom == 0 && s.completed == 2, "{} {} {}", s.wraps, s.oom, s.completed);
}

#[test]
fn a_worker_is_lost() {
    let s = watch("worker-lost", 720, 2400);
    assert!(s.words.contains("has timed out") && s.failed == 0 && s.completed > 5);
}

#[test]
fn a_thousand_gpus_are_cheap() {
    let s = watch("big", 180, 600);
    assert!(s.gpus == 1000 && s.busy > 0.6 && s.completed > 20 && s.oom == 0 && s.failed == 0, "{} {} {}", s.gpus, s.busy, s.completed);
    // An event costs some microseconds: at 20 times real time 700 a simulated
    // second are a few percent of a core.
    assert!(s.steps / 420 < 700, "{} steps a second", s.steps / 420);
    let big = Scenario::find("big").unwrap();
    let mut cluster = big.build(seed(), START);
    let warm: usize = cluster.step_until(START.plus(big.warm_up)).iter().map(|o| o.bytes.len()).sum();
    assert!(cluster.steps() < 100_000 && warm < 30_000_000, "{} {warm}", cluster.steps());
}

#[test]
fn cpu_nodes_tell_of_their_tasks_in_every_scenario() {
    for s in SCENARIOS {
        let mut cluster = s.build(seed(), START);
        let told = lines(&mut cluster, START.plus(s.warm_up.min(Duration::from_secs(600))), "cpu-node");
        let idle = told.iter().all(|l| !l.contains("Received task"));
        let worked = cluster.proof_requests().iter().any(|p| p.proof_status != ProofStatus::Pending);
        assert!(!(idle && worked), "{}: {} lines of cpu-nodes, none of a task", s.name, told.len());
    }
    // A thousand others would tell much.
    let mut big = Scenario::find("big").unwrap().build(seed(), START);
    assert!(lines(&mut big, after(120), "gpu-node").iter().all(|l| !l.contains("Received task")));
}

#[test]
fn the_api_goes_away() {
    let s = watch("api-outage", 700, 1300);
    assert!((200..300).contains(&s.unavailable), "{}", s.unavailable);
    assert!(s.words.contains("Failed to get filtered tasks") && s.words.contains("re-issuing lost status write"), "{:?}", s.words);
    assert!(s.completed >= 3);
}

#[test]
fn the_coordinator_forgets() {
    let s = watch("coordinator-restart", 700, 1500);
    assert!(s.fell && s.completed >= 3 && s.failed == 0, "{} {} {}", s.fell, s.completed, s.failed);
}

#[test]
fn the_gpus_stall() {
    let s = watch("gpu-stalled", 900, 1700);
    assert!(s.completed == 0 && s.busy > 0.9 && s.most_queue > 0 && s.words.is_empty(), "{} {:?}", s.busy, s.words);
    assert!(watch("gpu-stalled", 1700, 2400).completed > 2);
}

#[test]
fn one_worker_hangs() {
    let s = Scenario::find("hung-worker").unwrap();
    let mut cluster = s.build(seed(), START);
    cluster.step_until(after(740));
    let held = |c: &Cluster| -> Vec<BTreeSet<_>> {
        c.workers().iter().filter(|w| w.kind == WorkerKind::Gpu).map(|w| w.tasks.iter().map(|t| t.task.clone()).collect()).collect()
    };
    let before = held(&cluster);
    cluster.step_until(after(1800));
    let hung = before.iter().filter(|b| !b.is_empty() && held(&cluster).iter().any(|a| a.is_superset(b))).count();
    assert_eq!(hung, 1);
    assert!(cluster.workers().iter().all(|w| w.connected));
    cluster.step_until(after(2400));
    assert!(
        cluster.proof_requests().iter().filter(|r| r.proof_status == ProofStatus::Completed && r.ended_at > Some(after(1900))).count() > 3
    );
}

#[test]
fn redis_fills_up() {
    let s = watch("redis-pressure", 715, 1400);
    assert!(s.words.contains("Redis near capacity") && s.words.contains("admission wait cap exceeded") && s.failed > 0, "{:?}", s.words);
}

#[test]
fn pods_crash_again_and_again() {
    let s = watch("crash-loop", 715, 1600);
    assert!(s.back_off && s.words.contains("panicked at"));
    assert!(watch("crash-loop", 1700, 2400).completed > 2);
}

#[test]
fn a_task_poisons_its_workers() {
    let s = Scenario::find("task-poison").unwrap();
    let mut cluster = s.build(seed(), START);
    cluster.step_until(after(1790));
    let hit = |c: &Cluster| c.pods().filter(|(_, p)| p.last_termination.as_ref().is_some_and(|t| t.exit.code == 139)).count();
    assert!(hit(&cluster) >= 3, "{}", hit(&cluster));
    cluster.step_until(after(2400));
    let rows = cluster.proof_requests();
    assert_eq!(rows.iter().filter(|r| r.proof_status == ProofStatus::Cancelled).count(), 1);
    assert!(rows.iter().any(|r| r.proof_status == ProofStatus::Completed && r.ended_at > Some(after(1850))));
}

#[test]
fn retries_run_out() {
    let s = watch("retries-exhausted", 690, 2000);
    assert!(s.words.contains("retrying task") && s.words.contains("retries exhausted") && s.failed >= 2, "{:?} {}", s.words, s.failed);
}

#[test]
fn versions_differ() {
    let s = Scenario::find("version-skew").unwrap();
    let mut cluster = s.build(seed(), START);
    cluster.step_until(after(1700));
    let info = cluster.component_info().unwrap().unwrap().1;
    let tags: BTreeSet<_> = info.iter().map(|c| (c.component, c.version.as_str())).collect();
    assert_eq!(tags, BTreeSet::from([("coordinator", "2.7.2"), ("cpu-node", "2.7.2"), ("gpu-node", "2.3.2")]));
}

#[test]
fn the_tour_passes_through_all_its_chapters() {
    let tour = Scenario::find("tour").unwrap();
    let titles: Vec<_> = tour.plan().chapters.iter().map(|c| c.title).collect();
    assert_eq!(titles, ["Healthy", "Stuck aggregation", "The mend", "Two wraps at once", "The mend", "A worker is lost", "1,000 GPUs"]);
    let healthy = watch("tour", 600, 1690);
    assert!(
        healthy.stuck == 0 && healthy.oom == 0 && healthy.completed > 6 && healthy.words.is_empty(),
        "{} {:?}",
        healthy.completed,
        healthy.words
    );
    let stuck = watch("tour", 1700, 2600);
    assert!(stuck.stuck > 300, "{}", stuck.stuck);
    assert!(watch("tour", 2600, 3100).completed >= 2);
    let oom = watch("tour", 3100, 3700);
    assert!(oom.wraps == 2 && oom.oom >= 2, "{} {}", oom.wraps, oom.oom);
    assert!(watch("tour", 3700, 4200).completed == 2);
    let lost = watch("tour", 4250, 5000);
    assert!(lost.words.contains("has timed out") && lost.oom == 0);
    let big = watch("tour", 5100, 5500);
    assert!(big.gpus == 1000 && big.completed > 10 && big.oom == 0);
}

#[test]
fn scenarios_are_well_formed() {
    let mut names = BTreeSet::new();
    for s in SCENARIOS {
        assert!(names.insert(s.name), "{}", s.name);
        assert!(!s.about.is_empty() && s.speed >= 1.0 && s.warm_up < s.length, "{}", s.name);
        let plan = s.plan();
        assert!(
            !plan.chapters.is_empty() && plan.chapters.is_sorted_by_key(|c| c.at) && plan.commands.is_sorted_by_key(|c| c.0),
            "{}",
            s.name
        );
        assert!(plan.chapters.iter().all(|c| c.at >= s.warm_up && c.at < s.length), "{}", s.name);
    }
}

#[test]
fn the_deployments_obey() {
    let mut cluster = Cluster::new(ClusterConfig::default(), 1, START);
    cluster.step_until(after(30));
    let (old, seen) = (pod_of(&cluster, "cpu-node"), cluster.revision());
    let name = cluster.pod(old).unwrap().name.clone();
    cluster.command(Command::SetEnv("cpu-node", "WORKER_PLONK_WRAP_WEIGHT".into(), Some("50".into()))).unwrap();
    cluster.step_until(after(60));
    assert!(cluster.pod(old).unwrap().gone && cluster.rollout("cpu-node") == sp1top::sim::Rollout { replicas: 1, ready: 1, updated: 1 });
    assert!(cluster.pods_since(seen).iter().any(|(_, p)| p.name == name && p.gone));
    assert!(cluster.events_since(seen).any(|e| e.reason == "Killing" && e.pod == name));
    assert!(cluster.pods_since(cluster.revision()).is_empty());
    // More than the machines hold stay Pending, and say why.
    cluster.command(Command::Scale("gpu-node", 8)).unwrap();
    cluster.step_until(after(100));
    let pending: Vec<_> = cluster.pods().filter(|(_, p)| p.phase() == "Pending").collect();
    assert!(pending.len() == 2 && pending[0].1.unschedulable.as_ref().unwrap().contains("Insufficient nvidia.com/gpu"));
    assert_eq!(cluster.stats().unwrap().gpu_workers, 6);
    let machines = cluster.machines();
    assert_eq!(machines.iter().filter(|m| m.gpus == 1).count(), 6);
    cluster.command(Command::Scale("gpu-node", 2)).unwrap();
    cluster.step_until(after(150));
    assert_eq!((cluster.stats().unwrap().gpu_workers, cluster.rollout("gpu-node").replicas), (2, 2));
    assert!(matches!(cluster.command(Command::Scale("nonsense", 1)), Err(Refusal::NotFound(_))));
}

#[test]
fn the_api_obeys() {
    let mut cluster = Cluster::new(ClusterConfig::default(), 1, START);
    cluster.step_until(after(30));
    let new = cluster.new_proof(Mode::Compressed);
    let id = new.proof_id.clone();
    cluster.submit(new.clone()).unwrap();
    assert_eq!(cluster.submit(new), Err(Refusal::AlreadyExists(id.clone())));
    cluster.step_until(after(60));
    cluster.command(Command::Cancel(id.clone())).unwrap();
    let log = lines(&mut cluster, after(62), "coordinator");
    assert!(log.iter().any(|l| l.ends_with(&format!("Running proof {id} is no longer pending in cluster DB"))));
    assert_eq!(cluster.stats().unwrap().active_proofs, 0);
    assert_eq!(cluster.get_proof(&id).unwrap().unwrap().proof_status, ProofStatus::Cancelled);
    let pending = RowFilter { statuses: vec![ProofStatus::Pending], ..RowFilter::default() };
    assert!(cluster.list_proofs(&pending).unwrap().is_empty());
    // Past its deadline a row stays PENDING, and nobody works on it.
    let late = sp1top::sim::NewProof { deadline: u64::try_from(after(90).secs()).unwrap(), ..cluster.new_proof(Mode::Plonk) };
    cluster.submit(late).unwrap();
    cluster.step_until(after(80));
    assert_eq!(cluster.stats().unwrap().active_proofs, 1);
    cluster.step_until(after(105));
    assert_eq!((cluster.stats().unwrap().active_proofs, cluster.list_proofs(&pending).unwrap().len()), (0, 1));
    // A request without its mode is never claimed.
    let odd = sp1top::sim::NewProof { options_artifact_id: None, ..cluster.new_proof(Mode::Core) };
    cluster.submit(odd).unwrap();
    assert!(lines(&mut cluster, after(107), "coordinator").iter().any(|l| l.contains("Options artifact ID not found for proof")));
    cluster.command(Command::Api(false)).unwrap();
    cluster.step_until(after(110));
    assert_eq!(cluster.command(request(Mode::Core, 5)), Err(Refusal::ApiUnavailable));
    assert!(cluster.stats().is_ok());
}

#[test]
fn a_fatal_task_fails_its_proof_with_a_reason() {
    let mut cluster = Cluster::new(ClusterConfig::default(), 1, START);
    cluster.command(Command::Inject(Fault::Fatal { kind: TaskType::RecursionReduce, reason: "out of luck".into() })).unwrap();
    cluster.step_until(after(30));
    cluster.command(request(Mode::Compressed, 30)).unwrap();
    assert!(run_until(&mut cluster, 200, |c| c.proof_requests()[0].proof_status == ProofStatus::Failed));
    let extra = cluster.proof_requests()[0].extra_data.clone().unwrap();
    assert!(extra.contains("out of luck") && extra.contains("RecursionReduce"), "{extra}");
    let pods: Vec<_> = cluster.pods().filter(|(_, p)| p.app == "gpu-node").map(|(i, _)| i).collect();
    let metrics: String = pods.iter().filter_map(|p| cluster.node_metrics(*p)).collect();
    assert!(
        metrics.contains("spn_cluster_worker_task_failures{service=\"sp1-worker\",task_type=\"RECURSION_REDUCE\",retryable=\"false\"} 1"),
        "{metrics}"
    );
    assert!(metrics.contains("spn_cluster_worker_num_gpu_workers{service=\"sp1-worker\"} 1"));
}

#[test]
fn lines_have_the_shape_of_their_format() {
    let first = |format, colour| {
        let mut cluster = Cluster::new(ClusterConfig { log_format: format, colour, ..ClusterConfig::default() }, 1, START);
        let outputs = cluster.step_until(after(25));
        let all: Vec<u8> =
            outputs.into_iter().filter(|o| cluster.pod(o.source.pod).unwrap().app == "coordinator").flat_map(|o| o.bytes).collect();
        let text = String::from_utf8(all).unwrap();
        text.lines().find(|l| l.contains("GetStatsResponse")).unwrap().to_owned()
    };
    let line = first(LogFormat::FileLine, true);
    assert!(line.contains("\x1b[0m \x1b[32m INFO\x1b[0m \x1b[2mbin/coordinator/src/lib.rs\x1b[0m\x1b[2m:\x1b[0m\x1b[2m2208\x1b[0m\x1b[2m:\x1b[0m [coordinator] GetStatsResponse {"), "{line}");
    let line = first(LogFormat::Target, true);
    assert!(
        line.contains("\x1b[0m \x1b[32m INFO\x1b[0m \x1b[2msp1_cluster_coordinator\x1b[0m\x1b[2m:\x1b[0m [coordinator] GetStatsResponse {"),
        "{line}"
    );
    let line = first(LogFormat::Target, false);
    assert!(line.contains("Z  INFO sp1_cluster_coordinator: [coordinator] GetStatsResponse { coordinator_version: \"e27316f 2026-08-14T03:20:00\", sp1_circuit_version: \"v6.1.0\", total_tasks: 0, "), "{line}");
    let line: serde_json::Value = serde_json::from_str(&first(LogFormat::Json, true)).unwrap();
    assert_eq!((line["level"].as_str(), line["filename"].as_str()), (Some("INFO"), Some("bin/coordinator/src/lib.rs")));
    assert!(line["fields"]["message"].as_str().unwrap().starts_with("[coordinator] GetStatsResponse {"));
}

/// Everything that was logged until then: component, line.
fn everything(cluster: &mut Cluster, until: Timestamp) -> Vec<(&'static str, String)> {
    let outputs = cluster.step_until(until);
    let of = |o: &sp1top::sim::Output| cluster.pod(o.source.pod).unwrap().container;
    outputs.iter().flat_map(|o| plain(&o.bytes).lines().map(|l| (of(o), l.to_owned())).collect::<Vec<_>>()).collect()
}

#[test]
fn a_coordinator_that_hangs_is_silent_and_goes_on() {
    let mut cluster = Cluster::new(ClusterConfig::new(Release::named("v2.3.2")), seed(), START);
    cluster.step_until(after(30));
    cluster.command(request(Mode::Compressed, 30)).unwrap();
    cluster.step_until(after(60));
    cluster.command(Command::Hang(true)).unwrap();
    cluster.step_until(after(61));
    let meanwhile = everything(&mut cluster, after(120));
    assert!(!meanwhile.iter().any(|(c, _)| *c == "coordinator"), "{meanwhile:?}");
    let late = meanwhile.iter().filter(|(c, l)| c.ends_with("-node") && l.contains("Heartbeat timed out, reconnecting...")).count();
    assert_eq!(late, cluster.workers().len(), "each worker once");
    assert_eq!(cluster.stats(), Err(Refusal::CoordinatorUnavailable));
    let missing = cluster.signs().filter(|s| s.1 == Sign::BlockMissing).count();
    assert!((5..=6).contains(&missing), "{missing}");
    cluster.command(Command::Hang(false)).unwrap();
    let then = everything(&mut cluster, after(135));
    assert!(then.iter().any(|(_, l)| l.contains("Worker already exists")) && then.iter().any(|(_, l)| l.contains("GetStatsResponse")));
    assert!(!then.iter().any(|(_, l)| l.contains("has timed out")), "they were only late");
    assert!(run_until(&mut cluster, 600, |c| c.proof_requests()[0].proof_status == ProofStatus::Completed));
}

#[test]
fn without_redis_each_proof_fails_at_once() {
    let mut cluster = Cluster::new(ClusterConfig::default(), seed(), START);
    cluster.step_until(after(30));
    cluster.command(request(Mode::Compressed, 30)).unwrap();
    cluster.step_until(after(50));
    cluster.command(Command::Inject(Fault::RedisAway(true))).unwrap();
    let log = everything(&mut cluster, after(80));
    assert!(log.iter().any(|(c, l)| c.ends_with("-node") && l.contains("WARN") && l.contains("Failed to get redis connection: ")));
    assert!(!log.iter().any(|(_, l)| l.contains("load took")), "nothing is transferred");
    let row = &cluster.proof_requests()[0];
    assert_eq!(row.proof_status, ProofStatus::Failed);
    assert!(row.extra_data.as_ref().unwrap().contains("Failed to get redis connection"), "{:?}", row.extra_data);
    assert!(cluster.signs().any(|s| s.1 == Sign::StoreAway) && cluster.signs().any(|s| s.1 == Sign::ProofFailed));
    cluster.command(Command::Inject(Fault::RedisAway(false))).unwrap();
    cluster.command(request(Mode::Compressed, 10)).unwrap();
    assert!(run_until(&mut cluster, 600, |c| c.proof_requests()[1].proof_status == ProofStatus::Completed));
}
