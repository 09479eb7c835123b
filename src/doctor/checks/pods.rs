//! Does each part of the cluster have a pod that runs?

use std::sync::Arc;
use std::time::Duration;

use crate::base::units;
use crate::doctor::facts::{List, wall};
use crate::doctor::{Check, Facts, Outcome, Status};
use crate::event::Component;
use crate::model::{Model, Pod};

/// The check.
pub const CHECK: Check = Check {
    id: "pods",
    title: "pods of each part",
    about: "Looks for a ready pod of coordinator, api, cpu-node and gpu-node, and at restarts, crashes and what keeps pods from starting.",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

/// Parts that a cluster cannot do without, and what does not go without them.
const PARTS: [(Component, &str); 4] = [
    (Component::Coordinator, "nothing is scheduled"),
    (Component::Api, "no proof can be requested"),
    (Component::CpuNode, "no proof can begin, no wrap can run"),
    (Component::GpuNode, "no shard is proved"),
];

async fn run(facts: Arc<Facts>) -> Outcome {
    if let Err(skipped) = facts.cluster().await {
        return skipped;
    }
    if let Err(f) = facts.list(List::Pods).await {
        return Outcome::skipped(format!("pods cannot be listed: {}", f.detail()));
    }
    judge(&*facts.model().await, facts.namespace())
}

/// What is wrong with a pod; `None` for one that is as it should be.
fn trouble(p: &Pod) -> Option<(Status, String)> {
    let i = &p.info;
    if i.deleting_since.is_some() || i.phase == "Succeeded" {
        return None;
    }
    if let Some(w) = &i.waiting {
        let starting = matches!(w.as_str(), "ContainerCreating" | "PodInitializing");
        let more = i.waiting_message.as_deref().map(|m| format!(": {m}")).unwrap_or_default();
        return Some((if starting { Status::Warn } else { Status::Fail }, format!("{w}{more}")));
    }
    if let Some(u) = &i.unschedulable {
        return Some((Status::Fail, format!("no machine takes it: {u}")));
    }
    if i.phase != "Running" || !i.ready {
        return Some((Status::Warn, format!("{}, not ready", if i.phase.is_empty() { "unknown" } else { &i.phase })));
    }
    let last = i.last_termination.as_ref()?;
    let killed = last.reason == "OOMKilled" || last.exit_code == 137;
    let when = last.at.map(|t| format!(" {} ago", units::seconds(wall().since(t)))).unwrap_or_default();
    let recent = last.at.is_some_and(|t| wall().since(t) < Duration::from_secs(24 * 3600));
    (recent && last.exit_code != 0).then(|| {
        let word = if killed { "was killed for its memory".to_owned() } else { format!("ended with {} ({})", last.reason, last.exit_code) };
        (Status::Warn, format!("{word}{when}, {} restarts", i.restarts))
    })
}

fn judge(model: &Model, ns: &str) -> Outcome {
    let mut o = Outcome::pass("");
    let mut parts = Vec::new();
    let mut fixes = Vec::new();
    for (part, without) in PARTS {
        let pods: Vec<&Pod> = model.kube.pods().filter(|p| p.component == Some(part)).collect();
        let ready = pods.iter().filter(|p| p.info.ready && p.info.deleting_since.is_none()).count();
        let name = part.as_str();
        parts.push(format!("{name} {ready}/{}", pods.len()));
        if pods.is_empty() {
            let wanted = model.kube.workload(name).map(|w| w.replicas);
            // A cluster may have workers of type ALL only.
            let status = if part == Component::GpuNode || part == Component::CpuNode { worker_less(model, part) } else { Status::Fail };
            match wanted {
                Some(0) => {
                    o.add(status, format!("{name}: scaled to 0 (the chart's default for cpu-node): {without}"));
                    fixes.push((format!("start one {name}"), format!("kubectl scale deploy/{name} -n {ns} --replicas=1")));
                }
                Some(n) => {
                    o.add(status, format!("{name}: no pod, though {n} are wanted: {without}"));
                    fixes.push((format!("see why {name} has no pod"), format!("kubectl describe deploy/{name} -n {ns}")));
                }
                None => o.add(status, format!("{name}: no pod: {without}")),
            }
        }
    }
    for p in model.kube.pods() {
        if let Some((status, text)) = trouble(p) {
            o.add(status, format!("{}: {text}", p.info.name));
            if status >= Status::Warn && fixes.len() < 6 {
                fixes.push(match p.info.last_termination {
                    Some(_) => (
                        format!("read its last words: {}", p.info.name),
                        format!("kubectl logs {} -n {ns} --previous --tail=50", p.info.name),
                    ),
                    None => (format!("see what keeps {}", p.info.name), format!("kubectl describe pod {} -n {ns}", p.info.name)),
                });
            }
        }
    }
    o.summary = format!("ready: {}", parts.join(", "));
    if o.status >= Status::Warn {
        o.cause = o.details.iter().max_by_key(|d| d.status).map(|d| d.text.clone());
    }
    for (say, run) in fixes {
        o = o.run(say, run);
    }
    o
}

/// How bad it is that a kind of worker has no pod: workers may run outside of
/// Kubernetes, and the coordinator knows of them.
fn worker_less(model: &Model, part: Component) -> Status {
    let Some(stats) = &model.stats else { return Status::Fail };
    let of_kind = if part == Component::CpuNode { stats.stats.cpu_workers } else { stats.stats.gpu_workers };
    if of_kind.unwrap_or(0) > 0 { Status::Pass } else { Status::Fail }
}
