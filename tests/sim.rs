//! The simulated cluster from the outside: the rules of facts section 2, and
//! what each scenario promises.

use std::collections::BTreeMap;
use std::time::Duration;

use sp1top::base::Timestamp;
use sp1top::sim::Scenario;

const START: Timestamp = Timestamp::from_secs(1_795_480_000);

#[test]
#[ignore = "prints a scenario: SCENARIO=name STEP=seconds cargo test --test sim -- --ignored --nocapture show"]
fn show() {
    let name = std::env::var("SCENARIO").unwrap_or_else(|_| "healthy".into());
    let step = std::env::var("STEP").ok().and_then(|s| s.parse().ok()).unwrap_or(30u64);
    let s = Scenario::find(&name).unwrap();
    let mut cluster = s.build(1, START);
    let clock = std::time::Instant::now();
    let mut bytes = 0;
    let mut per: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut t = Duration::ZERO;
    while t < s.length {
        t += Duration::from_secs(step);
        for o in cluster.step_until(START.plus(t)) {
            bytes += o.bytes.len();
            let e = per.entry(cluster.pod(o.source.pod).unwrap().container).or_default();
            e.0 += 1;
            e.1 += o.bytes.len();
            if let Ok(want) = std::env::var("LOG")
                && cluster.pod(o.source.pod).unwrap().container.contains(&want)
            {
                print!("{}", String::from_utf8_lossy(&o.bytes));
            }
        }
        let st = cluster.stats().unwrap_or_default();
        let mem: Vec<String> = cluster
            .pods()
            .filter(|(_, p)| p.app == "cpu-node")
            .take(3)
            .map(|(i, p)| {
                format!(
                    "{}GB r{} {:?}",
                    cluster.pod_usage(i).map_or(0, |u| u.memory_bytes / 1_000_000_000),
                    p.restarts,
                    p.last_termination.as_ref().map(|t| t.exit.reason)
                )
            })
            .collect();
        let rows = cluster.proof_requests();
        let ended = rows.iter().filter(|r| r.ended_at.is_some()).count();
        println!(
            "{:5}s total {} active {} cpu {}w {}/{} gpu {}w {}/{} proofs {} q {}/{} subs {} rows {}/{} steps {} | {}",
            t.as_secs(),
            st.total_tasks,
            st.active_tasks,
            st.cpu_workers,
            st.cpu_utilization_current,
            st.cpu_utilization_max,
            st.gpu_workers,
            st.gpu_utilization_current,
            st.gpu_utilization_max,
            st.active_proofs,
            st.cpu_queue,
            st.gpu_queue,
            st.active_subscribers,
            ended,
            rows.len(),
            cluster.steps(),
            mem.join(", ")
        );
    }
    println!("{:?}, {bytes} bytes, {per:?}", clock.elapsed());
}
