//! The short stories: one thing goes wrong, and is mended near the end.

use super::Plan;
use crate::base::TaskType;
use crate::sim::Mode::{Compressed, Core, Groth16, Plonk};
use crate::sim::{ClusterConfig, Command, Durations, Fault, GIB, Mode, NodeLogs, Release, Target, Work};

/// Ordinary demand: mostly compressed proofs, now and then a wrapped one.
const MIX: [(Mode, u32); 4] = [(Compressed, 6), (Groth16, 2), (Plonk, 2), (Core, 1)];
const SIZE: (u32, u32) = (80, 220);

/// v2.7.2, with more memory than weight (`/dev/shm` decides the maximum, 96),
/// so that nothing but the story goes wrong.
pub(super) fn latest() -> ClusterConfig {
    let mut config = ClusterConfig::new(Release::LATEST);
    (config.cpu_node.memory_limit, config.cpu_node.host_memory) = (Some(128 * GIB), 192 * GIB);
    config
}

/// v2.1.2 (which op-succinct pins) with a maximum weight of choice.
/// (Only the maximum and the default weights of that release: Controller 4,
/// CoreExecute 4, PlonkWrap 32.)
pub(super) fn pinned(max: &str) -> ClusterConfig {
    let mut config = ClusterConfig::new(Release::named("v2.1.2"));
    config.cpu_node = config.cpu_node.with_env("WORKER_MAX_WEIGHT_OVERRIDE", max);
    config
}

pub(super) fn with_32() -> ClusterConfig {
    pinned("32")
}

/// As much as the pod has memory: twice a Controller (4) and a PlonkWrap (32)
/// fit that. (64 would not do: 2×32 leaves nothing for the Controllers, which
/// is why the recording `two-plonk-oom64` never shows two wraps at once.)
pub(super) fn with_96() -> ClusterConfig {
    pinned("96")
}

/// The guide's 16/32/48, with the 16 where it counts: on the coordinator.
pub(super) fn with_16_of_48() -> ClusterConfig {
    let mut config = pinned("48");
    config.coordinator = config.coordinator.with_env("WORKER_CONTROLLER_WEIGHT", "16");
    config
}

/// v2.1.3: a CoreExecute weighs 32, and 48 holds four Controllers beside it.
pub(super) fn heavy_execution() -> ClusterConfig {
    let mut config = ClusterConfig::new(Release::named("v2.1.3"));
    config.cpu_node = config.cpu_node.with_env("WORKER_MAX_WEIGHT_OVERRIDE", "48");
    config
}

/// What the guide says: 16 on the cpu-node. The Controllers weigh 4 all the same.
pub(super) fn guide() -> ClusterConfig {
    let mut config = pinned("48");
    config.cpu_node = config.cpu_node.with_env("WORKER_CONTROLLER_WEIGHT", "16");
    config
}

/// v2.7.2 with the 64 MiB of /dev/shm that a container has by itself.
pub(super) fn without_shm() -> ClusterConfig {
    let mut config = latest();
    config.cpu_node.shm = 64 << 20;
    config
}

fn ordinary(p: &mut Plan) -> &mut Plan {
    p.at(20).demand(&MIX, 70.0, 2, SIZE)
}

/// A request of a known size.
pub(super) fn request(mode: Mode, shards: u32) -> Command {
    Command::Request(mode, Some(Work { shards, memory_shards: 1 + shards / 9, deferred: 0 }))
}

pub(super) fn healthy(p: &mut Plan) {
    ordinary(p).at(600).chapter("Healthy", "Proofs come and go. Nothing to do.");
}

pub(super) fn stuck_aggregation(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 1)], 60.0, 2, SIZE);
    p.at(630).chapter("A plonk proof arrives", "Its wrap weighs 32 and its Controller 4, but the maximum is 32.");
    p.does(request(Plonk, 110));
    p.at(1900).chapter("The mend", "kubectl set env deploy/cpu-node WORKER_MAX_WEIGHT_OVERRIDE=48");
    p.set("cpu-node", "WORKER_MAX_WEIGHT_OVERRIDE", "48");
}

pub(super) fn plonk_deadlock(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 1)], 90.0, 1, SIZE);
    p.at(540).does(Command::Demand(None));
    p.at(720).chapter("Two plonk proofs at once", "Their Controllers hold 2×16 of 48: neither wrap of 32 will ever fit.");
    p.does(request(Plonk, 110)).does(request(Plonk, 130));
    p.at(1000).does(request(Compressed, 90));
    p.at(1900).chapter("The mend", "A second cpu-node takes the first wrap.");
    p.does(Command::Scale("cpu-node", 2));
}

pub(super) fn two_plonks_oom(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 1)], 90.0, 1, SIZE);
    p.at(540).does(Command::Demand(None));
    p.at(720)
        .chapter("Two plonk proofs at once", "Both wraps and their Controllers weigh 72, which fits 96. Their memory does not fit 96 GiB.");
    p.does(request(Plonk, 110)).does(request(Plonk, 116));
    p.at(1500).chapter("The mend", "kubectl set env deploy/cpu-node WORKER_MAX_WEIGHT_OVERRIDE=48");
    p.set("cpu-node", "WORKER_MAX_WEIGHT_OVERRIDE", "48");
}

pub(super) fn worker_lost(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 1)], 30.0, 3, (180, 320));
    p.at(720).chapter("A machine vanishes", "The coordinator gives its worker up after 30 s, and its tasks start elsewhere.");
    p.does(Command::Lose(Target::Busiest("gpu-node"), 420.0));
}

pub(super) fn thousand() -> ClusterConfig {
    let mut config = latest();
    (config.gpu_node.replicas, config.gpu_node.room) = (1000, 1100);
    (config.cpu_node.replicas, config.cpu_node.room) = (30, 40);
    config.cpu_node.memory_limit = Some(176 * GIB);
    config.durations = crowd();
    // The cpu-nodes alone tell which pod is which worker; a thousand others would tell much.
    (config.gpu_node_logs, config.client_poll) = (NodeLogs::Quiet, 0.0);
    config
}

/// Durations for many GPUs: shards appear faster and take longer, so that 60
/// proofs keep most of 1,000 busy.
pub(super) fn crowd() -> Durations {
    Durations { execute_shard: 0.2, prove_shard: 22.0, reduce: 5.0, ..Durations::default() }
}

/// What 1,000 GPUs are for.
pub(super) fn crowd_demand(p: &mut Plan) {
    p.demand(&[(Compressed, 8), (Groth16, 2), (Plonk, 1)], 1.6, 60, (300, 900));
}

pub(super) fn big(p: &mut Plan) {
    crowd_demand(p.at(15));
    p.at(180).chapter("1,000 GPUs", "Sixty proofs at once.");
    p.at(600).chapter("A rack is lost", "Twenty workers vanish; nobody waits for them.");
    for _ in 0..20 {
        p.does(Command::Lose(Target::Busiest("gpu-node"), 400.0));
    }
}

pub(super) fn api_outage(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 1)], 45.0, 2, SIZE);
    p.at(720).chapter("The API goes away", "Proving goes on; results cannot be recorded, and nothing new is claimed.");
    p.does(Command::Api(false));
    p.at(960).chapter("The API is back", "The lost completions are written again.");
    p.does(Command::Api(true));
}

pub(super) fn coordinator_restart(p: &mut Plan) {
    ordinary(p).at(720).chapter("The coordinator dies", "Its memory is gone: workers register again, pending proofs start anew.");
    p.does(Command::Kill(Target::Oldest("coordinator")));
}

pub(super) fn gpu_stalled(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 1)], 25.0, 3, (180, 320));
    p.at(720).chapter("The GPUs stall", "Every worker is connected and full, and nothing finishes.");
    p.does(Command::FreezeAll("gpu-node"));
    p.at(1700).chapter("The mend", "kubectl rollout restart deploy/gpu-node");
    p.does(Command::Restart("gpu-node"));
}

pub(super) fn hung_worker(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 1)], 45.0, 3, SIZE);
    p.at(720).chapter("One worker hangs", "It is connected and beats, but its tasks are as old as the hills.");
    p.does(Command::Freeze(Target::Busiest("gpu-node")));
    p.at(1900).chapter("The mend", "kubectl delete pod: the next one takes its tasks.");
    p.does(Command::DeletePod(Target::Frozen("gpu-node")));
}

pub(super) fn redis_pressure(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 1)], 30.0, 3, (180, 320));
    p.at(720).chapter("Redis is full", "Uploads wait for room.");
    p.does(Command::Inject(Fault::RedisFull(true)));
    p.at(800).does(Command::Inject(Fault::RedisFull(false)));
    p.at(1020).chapter("And again, for longer", "After 120 s an upload gives up, and its proof fails.");
    p.does(Command::Inject(Fault::RedisFull(true)));
    p.at(1320).does(Command::Inject(Fault::RedisFull(false)));
}

pub(super) fn redis_away(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 1)], 45.0, 2, SIZE);
    p.at(720)
        .chapter("Redis is gone", "After a second of tries an artifact is given up, and its proof with it; nobody can upload another.");
    p.does(Command::Inject(Fault::RedisAway(true)));
    p.at(900).chapter("Redis is back", "The next proofs end well.");
    p.does(Command::Inject(Fault::RedisAway(false)));
}

pub(super) fn hung_coordinator(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 1)], 45.0, 2, SIZE);
    p.at(720).chapter("The coordinator hangs", "Its log stops and its port answers nobody; the pod is Running and ready.");
    p.does(Command::Hang(true));
    p.at(840).chapter("It goes on", "As if nothing had been.");
    p.does(Command::Hang(false));
}

pub(super) fn slow_coordinator(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 1)], 45.0, 2, SIZE);
    p.at(720).chapter("The coordinator is slow", "Whoever asks it for something waits for its lock, and it says so.");
    p.does(Command::Inject(Fault::CoordinatorSlow(true)));
    p.at(1000).chapter("The mend", "kubectl set resources deploy/coordinator --requests=cpu=2");
    p.does(Command::Inject(Fault::CoordinatorSlow(false)));
}

pub(super) fn malformed_request(p: &mut Plan) {
    ordinary(p).at(720).chapter("A request without its mode", "The coordinator reads it twice a second and can never claim it.");
    p.does(Command::RequestWithoutMode(Work { shards: 90, memory_shards: 10, deferred: 0 }));
    p.at(1500).chapter("The mend", "sp1top proofs cancel ID, and ask again.");
    p.does(Command::CancelOldest);
}

/// Releases before v2.6.0: their nodes do not exit after 45 s without a word of
/// the coordinator.
pub(super) fn patient() -> ClusterConfig {
    let mut config = ClusterConfig::new(Release::named("v2.3.2"));
    (config.cpu_node.memory_limit, config.cpu_node.host_memory) = (Some(128 * GIB), 192 * GIB);
    config
}

pub(super) fn crash_loop(p: &mut Plan) {
    ordinary(p).at(720).chapter("A slip of the pen", "kubectl set env deploy/gpu-node NODE_ARTIFACT_STORE=redsi");
    p.set("gpu-node", "NODE_ARTIFACT_STORE", "redsi");
    p.at(1600).chapter("The mend", "kubectl set env deploy/gpu-node NODE_ARTIFACT_STORE=redis");
    p.set("gpu-node", "NODE_ARTIFACT_STORE", "redis");
}

pub(super) fn task_poison(p: &mut Plan) {
    ordinary(p).at(720).chapter("A poisonous task", "One ProveShard kills each worker that takes it, and returns without using a retry.");
    p.does(Command::Inject(Fault::Poison { kind: TaskType::ProveShard }));
    p.at(1800).chapter("The mend", "Cancel its proof.");
    p.does(Command::CancelPoisoned);
}

pub(super) fn retries_exhausted(p: &mut Plan) {
    ordinary(p).at(700).chapter("Flaky tasks", "Some tasks fail once or twice, and one more often than it may.");
    p.does(Command::Inject(Fault::Retryable { kind: TaskType::ProveShard, tasks: 12, attempts: 1 }));
    p.does(Command::Inject(Fault::Retryable { kind: TaskType::CoreExecute, tasks: 1, attempts: 4 }));
    p.at(1300).does(Command::Inject(Fault::Fatal {
        kind: TaskType::ProveShard,
        reason: "failed to prove shard: CUDA error: out of memory".into(),
    }));
}

pub(super) fn version_skew(p: &mut Plan) {
    ordinary(p).at(720).chapter("Half an upgrade", "The gpu-nodes go back to v2.3.2; all else stays.");
    p.does(Command::SetRelease("gpu-node", Release::named("v2.3.2")));
    p.at(1800).chapter("The mend", "One release everywhere.");
    p.does(Command::SetRelease("gpu-node", Release::LATEST));
}

pub(super) fn hung_task(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 1)], 45.0, 3, SIZE);
    p.at(720).chapter("One shard hangs", "Its worker goes on with others; its proof waits for this one.");
    p.does(Command::Inject(Fault::Hang { kind: TaskType::ProveShard }));
    p.at(1700).chapter("The mend", "kubectl rollout restart deploy/gpu-node: the shard is proved elsewhere.");
    p.does(Command::Restart("gpu-node"));
}

pub(super) fn wedged_controller(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 1)], 60.0, 2, SIZE);
    p.at(600).does(Command::Demand(None));
    p.at(720).chapter("A message is lost", "The last shrink is done; the Controller never hears of it.");
    p.does(Command::Inject(Fault::Unheard { kind: TaskType::ShrinkWrap })).does(request(Groth16, 60));
    p.at(1500).chapter("The mend", "sp1top proofs cancel ID, and ask again.");
    p.does(Command::CancelOldest);
}

pub(super) fn two_coordinators(p: &mut Plan) {
    ordinary(p).at(720).chapter("Two coordinators", "kubectl scale deploy/coordinator --replicas=2");
    p.does(Command::Scale("coordinator", 2));
    p.at(1100).chapter("The mend", "kubectl scale deploy/coordinator --replicas=1");
    p.does(Command::Scale("coordinator", 1));
}

pub(super) fn late_proof(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 1)], 60.0, 1, SIZE);
    p.at(600).does(Command::Demand(None));
    p.at(760).chapter("Too little time", "Twelve hundred shards in five minutes, on four GPUs.");
    p.does(Command::RequestWithin(Compressed, Work { shards: 1200, memory_shards: 130, deferred: 0 }, 300));
}

pub(super) fn no_room(p: &mut Plan) {
    ordinary(p).at(720).chapter("Two GPUs too few", "kubectl scale deploy/gpu-node --replicas=8, and there are six GPUs.");
    p.does(Command::Scale("gpu-node", 8));
    p.at(1200).chapter("The mend", "Two more machines.");
    p.does(Command::Machines("gpu-node", 8));
}

pub(super) fn no_gpus(p: &mut Plan) {
    ordinary(p).at(720).chapter("No GPUs", "kubectl scale deploy/gpu-node --replicas=0");
    p.does(Command::Scale("gpu-node", 0));
    p.at(1100).chapter("The mend", "kubectl scale deploy/gpu-node --replicas=4");
    p.does(Command::Scale("gpu-node", 4));
}

pub(super) fn no_shm(p: &mut Plan) {
    p.at(720).chapter("No shared memory", "The cpu-node is connected with a maximum weight of 0: proofs are claimed and wait.");
    p.demand(&[(Compressed, 1)], 60.0, 2, SIZE);
    p.at(1500).chapter("The mend", "kubectl set env deploy/cpu-node WORKER_MAX_WEIGHT_OVERRIDE=96");
    p.set("cpu-node", "WORKER_MAX_WEIGHT_OVERRIDE", "96");
}

pub(super) fn crowded_controllers(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 1)], 90.0, 1, SIZE);
    p.at(540).does(Command::Demand(None));
    p.at(720).chapter("Five proofs at once", "Their Controllers hold 5×4 of 48: no CoreExecute of 32 will ever fit.");
    for _ in 0..5 {
        p.does(request(Compressed, 90));
    }
    p.at(1300).chapter("The mend", "A second cpu-node takes the first CoreExecute.");
    p.does(Command::Scale("cpu-node", 2));
}

pub(super) fn weight_ignored(p: &mut Plan) {
    p.at(20).demand(&[(Compressed, 2), (Plonk, 1)], 70.0, 1, SIZE);
    p.at(720).chapter("A weight that nobody reads", "16 on the cpu-node; a Controller weighs 4 all the same.");
    p.at(1500).chapter("The mend", "The setting is taken away.");
    p.does(Command::SetEnv("cpu-node", "WORKER_CONTROLLER_WEIGHT".into(), None));
}
