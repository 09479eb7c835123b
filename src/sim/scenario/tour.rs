//! The demo's default: one cluster through good and bad days. At 20 times real
//! time each chapter is 40 to 60 s on the screen.

use super::Plan;
use super::stories::{crowd, pinned, request};
use crate::sim::Mode::{Compressed, Groth16, Plonk};
use crate::sim::{ClusterConfig, Command, Mode, NodeLogs, Target};

const MIX: [(Mode, u32); 3] = [(Compressed, 5), (Groth16, 2), (Plonk, 2)];
const SIZE: (u32, u32) = (80, 200);

pub(super) fn config() -> ClusterConfig {
    let mut config = pinned("48");
    config.durations.plonk_wrap = 80.0;
    config
}

pub(super) fn story(p: &mut Plan) {
    p.at(20).demand(&MIX, 60.0, 2, SIZE);
    p.at(900).chapter("Healthy", "One CPU and four GPU workers; proofs come and go.");
    p.at(1620).does(Command::Demand(None));

    p.at(1700).chapter(
        "Stuck aggregation",
        "Somebody sets the maximum weight to 32. A PlonkWrap beside its Controller needs 36: it waits for ever, and all behind it.",
    );
    p.set("cpu-node", "WORKER_MAX_WEIGHT_OVERRIDE", "32");
    p.at(1720).demand(&[(Plonk, 1)], 20.0, 2, (80, 140));
    p.at(2600).chapter("The mend", "kubectl set env deploy/cpu-node WORKER_MAX_WEIGHT_OVERRIDE=48. The queue drains.");
    p.set("cpu-node", "WORKER_MAX_WEIGHT_OVERRIDE", "48").does(Command::Demand(None));

    p.at(3100).chapter("Two wraps at once", "Now the maximum is 96, as much as the pod has GiB. Two PlonkWraps fit by weight; by memory they do not, and the kernel kills the pod.");
    p.set("cpu-node", "WORKER_MAX_WEIGHT_OVERRIDE", "96");
    p.at(3115).does(request(Plonk, 90)).does(request(Plonk, 96));
    p.at(3700).chapter("The mend", "WORKER_MAX_WEIGHT_OVERRIDE=48: one wrap after the other.");
    p.set("cpu-node", "WORKER_MAX_WEIGHT_OVERRIDE", "48");

    p.at(4200).chapter("A worker is lost", "A GPU machine vanishes. After 30 s its tasks start elsewhere.");
    p.demand(&[(Compressed, 1)], 25.0, 2, (180, 320));
    p.at(4280).does(Command::Lose(Target::Busiest("gpu-node"), 420.0));

    p.at(5100).chapter("1,000 GPUs", "The same cluster with 30 CPU and 1,000 GPU workers, and sixty proofs.");
    p.does(Command::GpuNodeLogs(NodeLogs::Quiet)).does(Command::Durations(Box::new(crowd())));
    p.does(Command::Machines("gpu-node", 1100)).does(Command::Machines("cpu-node", 40));
    p.does(Command::Scale("cpu-node", 30)).does(Command::Scale("gpu-node", 1000));
    p.at(5140).demand(&[(Compressed, 4), (Groth16, 1)], 1.6, 60, (300, 900));
}
