//! Does the cpu-node have the shared memory that execution needs?

use std::sync::Arc;
use std::time::Duration;

use crate::base::units;
use crate::doctor::facts::List;
use crate::doctor::{Check, Facts, Outcome};

/// The check.
pub const CHECK: Check = Check {
    id: "shm",
    title: "/dev/shm of the cpu-node",
    about: "Looks for a memory-backed volume at /dev/shm: without one it is 64 MiB, too small for the executor's ring buffer since v2.1.0.",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

/// Ring of one execution: about 11 GiB from v2.1.0, 1.4 GiB from v2.3.0
/// (reference 8.0, R6).
const RING_OLD: u64 = 12 << 30;
const RING_NEW: u64 = 2 << 30;

async fn run(facts: Arc<Facts>) -> Outcome {
    if let Err(skipped) = facts.cluster().await {
        return skipped;
    }
    if let Err(f) = facts.list(List::Deployments).await {
        return Outcome::skipped(format!("deployments cannot be listed: {}", f.detail()));
    }
    let model = facts.model().await;
    let Some(cpu) = model.kube.workload("cpu-node") else {
        return Outcome::skipped("there is no deployment cpu-node");
    };
    let ns = facts.namespace();
    let version = cpu.image.as_deref().and_then(super::versions::release).and_then(numbers);
    if version.is_some_and(|v| v < [2, 1, 0]) {
        return Outcome::skipped("releases before v2.1.0 do not need it");
    }
    let wanted = if version.is_some_and(|v| v < [2, 3, 0]) { RING_OLD } else { RING_NEW };
    let patch = |gib: u64| {
        format!(
            "kubectl patch deploy/cpu-node -n {ns} -p '{{\"spec\":{{\"template\":{{\"spec\":{{\"volumes\":[{{\"name\":\"dshm\",\"emptyDir\":{{\"medium\":\"Memory\",\"sizeLimit\":\"{gib}Gi\"}}}}],\
             \"containers\":[{{\"name\":\"cpu-node\",\"volumeMounts\":[{{\"name\":\"dshm\",\"mountPath\":\"/dev/shm\"}}]}}]}}}}}}}}'"
        )
    };
    // The shipped size is that of the memory limit: v2.4.0 and later take the
    // smaller of both as the worker's maximum weight.
    let size = cpu.memory_limit.map_or(96, |l| l >> 30).max(16);
    match cpu.shm_size {
        None => {
            let limited = version.is_none_or(|v| v >= [2, 4, 0]) && !cpu.env.iter().any(|(k, _)| k == "WORKER_MAX_WEIGHT_OVERRIDE");
            let more = if limited { "; since v2.4.0 the worker's maximum weight is then 0 and it takes no task" } else { "" };
            Outcome::fail(format!("no memory-backed volume: /dev/shm is 64 MiB{more}"))
                .because("Helm replaces lists: values that set volumes for the circuits leave out the chart's shared memory")
                .run("add it (the pod restarts: its running tasks begin anew)", patch(size))
        }
        Some(n) if n < wanted => {
            Outcome::fail(format!("/dev/shm is {}: one execution needs about {}", units::bytes(n), units::bytes(wanted)))
                .because("the executor's ring buffer lies in it")
                .run("make it larger (the pod restarts: its running tasks begin anew)", patch(size))
        }
        Some(u64::MAX) => Outcome::pass("memory-backed, without a limit of its own (it counts against the pod's memory)"),
        Some(n) => Outcome::pass(format!("memory-backed, {}", units::bytes(n))),
    }
}

/// `v2.7.2` as numbers.
fn numbers(release: &str) -> Option<[u32; 3]> {
    let mut parts = release.strip_prefix('v')?.split(['.', '-']);
    let mut next = || parts.next()?.parse().ok();
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_ordered_as_numbers() {
        assert_eq!(numbers("v2.10.2"), Some([2, 10, 2]));
        assert!(numbers("v2.3.0-rc.1").unwrap() < numbers("v2.10.0").unwrap());
        assert_eq!(numbers("latest"), None);
    }
}
