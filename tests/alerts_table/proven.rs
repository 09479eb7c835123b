//! When the data of a simulated story proves an alert: by the signs that the
//! simulation itself recorded, whatever the rules think.

use sp1top::base::Timestamp;
use sp1top::sim::Sign;

/// How signs prove an alert.
struct Proof {
    id: &'static str,
    /// Any of these is one.
    signs: &'static [Sign],
    /// It takes so many, none later than so many seconds after the one before.
    times: usize,
    within: f64,
    /// And so many seconds more.
    then: u64,
}

/// A block and the next one, which confirms it.
const TWO_BLOCKS: (usize, f64) = (2, 12.0);
/// It is certain by itself.
const ONCE: (usize, f64) = (1, 0.0);

const fn by(id: &'static str, signs: &'static [Sign], (times, within): (usize, f64)) -> Proof {
    Proof { id, signs, times, within, then: 0 }
}

const PROOFS: &[Proof] = &[
    by("aggregation-stuck", &[Sign::WrapWaits], TWO_BLOCKS),
    by("cpu-queue-blocked", &[Sign::CpuWorkWaits], TWO_BLOCKS),
    by("capacity-too-small", &[Sign::ModeTooHeavy], TWO_BLOCKS),
    by("wrap-overcommit", &[Sign::TwoWraps], ONCE),
    // A single sum may be of two moments.
    by("controller-weight-ignored", &[Sign::WeightIgnored], (2, 3600.0)),
    by("no-cpu-workers", &[Sign::NoCpuWorker], TWO_BLOCKS),
    by("no-gpu-workers", &[Sign::NoGpuWorker], TWO_BLOCKS),
    by("no-capacity", &[Sign::TakesNothing], TWO_BLOCKS),
    by("gpu-queue-stalled", &[Sign::GpuStalled], ONCE),
    by("controller-wedged", &[Sign::Wedged], ONCE),
    by("task-hung", &[Sign::TaskHung], ONCE),
    by("worker-silent", &[Sign::WorkerHung], ONCE),
    // An estimate jumps when a stage ends: for half a minute.
    by("proof-deadline-risk", &[Sign::TooLate], (4, 12.0)),
    // In a roll-out there are two for as long as one takes to end.
    by("coordinator-duplicated", &[Sign::TwoCoordinators], (4, 12.0)),
    // Over 30 s: the third one after the last.
    by("coordinator-silent", &[Sign::BlockMissing], (3, 12.0)),
    by("worker-lost", &[Sign::WorkerGivenUp], ONCE),
    by("poison-task", &[Sign::SecondVictim], ONCE),
    // It is said twice a second; thrice is no row that is only being written.
    by("request-malformed", &[Sign::CannotClaim], (3, 2.0)),
    by("coordinator-slow", &[Sign::LockHeld], ONCE),
    // Once is an accident.
    by("api-unreachable", &[Sign::PollFailed], (2, 16.0)),
    by("status-lost", &[Sign::StatusLost], ONCE),
    by("coordinator-restarted", &[Sign::CoordinatorBegan], ONCE),
    by("task-retrying", &[Sign::Retries], ONCE),
    // The coordinator's log does not say that a deadline was the cause.
    by("proof-failed", &[Sign::ProofFailed, Sign::ProofExpired], ONCE),
    by("proof-expired", &[Sign::ProofExpired], ONCE),
    by("artifact-store-pressure", &[Sign::StoreFull], ONCE),
    by("artifact-store-unreachable", &[Sign::StoreAway], (2, 60.0)),
    by("oom-killed", &[Sign::Killed], ONCE),
    by("crash-loop", &[Sign::BackOff], ONCE),
    by("memory-near-limit", &[Sign::MemoryNear], ONCE),
    by("version-skew", &[Sign::VersionsDiffer], ONCE),
    // A cluster that adds machines by itself needs a minute.
    Proof { id: "pod-not-ready", signs: &[Sign::Unschedulable], times: 1, within: 0.0, then: 60 },
];

/// When alert `id` is proven to somebody who looks since `from`.
pub fn when(id: &str, from: Timestamp, signs: &[(Timestamp, Sign)]) -> Option<Timestamp> {
    let proof = PROOFS.iter().find(|p| p.id == id)?;
    let mut run: Vec<Timestamp> = Vec::new();
    for (at, _) in signs.iter().filter(|(at, s)| *at >= from && proof.signs.contains(s)) {
        if run.last().is_some_and(|last| at.seconds_since(*last) > proof.within) {
            run.clear();
        }
        run.push(*at);
        if run.len() == proof.times {
            return Some(at.plus(std::time::Duration::from_secs(proof.then)));
        }
    }
    None
}
