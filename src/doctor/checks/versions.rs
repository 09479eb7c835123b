//! Which release runs, and is it the same everywhere?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::doctor::{Check, Facts, Outcome, Status};
use crate::model::Model;

/// The check.
pub const CHECK: Check = Check {
    id: "versions",
    title: "versions",
    about: "Compares the image tags of all parts and what the API knows of their versions (v2.5.4 and later).",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

/// Workloads whose images belong to one release.
const PARTS: [&str; 4] = ["coordinator", "api", "cpu-node", "gpu-node"];

async fn run(facts: Arc<Facts>) -> Outcome {
    judge(&*facts.model().await, facts.namespace())
}

/// The release in an image's tag: `v2.7.2` of `…:base-v2.7.2`; `latest` or a
/// commit where it names none.
pub fn release(image: &str) -> Option<&str> {
    let (_, tag) = image.rsplit_once('/').unwrap_or(("", image)).1.rsplit_once(':')?;
    Some(tag.strip_prefix("base-").or_else(|| tag.strip_prefix("node-gpu-")).unwrap_or(tag))
}

fn judge(model: &Model, ns: &str) -> Outcome {
    let mut by_release: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut o = Outcome::pass("");
    for name in PARTS {
        let Some(image) = model.kube.workload(name).and_then(|w| w.image.as_deref()) else { continue };
        let of = release(image).unwrap_or("latest");
        by_release.entry(of.to_owned()).or_default().push(name);
    }
    if by_release.is_empty() {
        for c in &model.manifest {
            let of = release(&c.image_tag).unwrap_or(&c.image_tag);
            let of = if of.is_empty() { c.version.as_str() } else { of };
            by_release.entry(of.to_owned()).or_default().push(&c.component);
        }
    }
    let build = model.coordinator.version.as_deref();
    if by_release.is_empty() {
        return match (build, &model.coordinator.circuit) {
            (Some(b), circuit) => Outcome::pass(format!("coordinator build {b}, circuits {}", circuit.as_deref().unwrap_or("unknown"))),
            _ => Outcome::skipped("neither deployments nor a service tell any version"),
        };
    }
    let list = by_release.iter().map(|(r, parts)| format!("{r} ({})", parts.join(", "))).collect::<Vec<_>>();
    for (r, parts) in &by_release {
        o.details.push(crate::doctor::Detail { status: Status::Pass, text: format!("{r}: {}", parts.join(", ")) });
        if r.ends_with("latest") {
            o.add(Status::Warn, format!("{} run a 'latest' tag: which code that is depends on the day of the pull", parts.join(", ")));
        }
    }
    for c in &model.manifest {
        let known = by_release.iter().find(|(_, parts)| parts.contains(&c.component.as_str())).map(|(r, _)| r.as_str());
        let told = release(&c.image_tag).unwrap_or(&c.image_tag);
        if let Some(k) = known
            && !told.is_empty()
            && told != k
        {
            o.add(Status::Warn, format!("{} runs {told}, its deployment says {k}: the rollout is not over", c.component));
        }
    }
    o.summary = list.join(", ");
    if by_release.len() > 1 {
        o.status = o.status.max(Status::Fail);
        o.summary = format!("parts run different versions: {}", list.join(", "));
        o = o.because("tasks and messages change between versions: proofs fail or hang where they differ");
        let best = by_release.iter().filter(|(r, _)| !r.ends_with("latest")).max_by_key(|(_, parts)| parts.len()).map(|(r, _)| r.clone());
        if let Some(best) = best {
            for (_, parts) in by_release.iter().filter(|(r, _)| **r != best) {
                for part in parts {
                    let family = if *part == "gpu-node" { "node-gpu" } else { "base" };
                    let image = model.kube.workload(part).and_then(|w| w.image.as_deref()).unwrap_or_default();
                    let at = image.rfind('/').map_or(0, |n| n + 1);
                    let repo = image[at..].rfind(':').map_or(image, |n| &image[..at + n]);
                    o = o.run(
                        format!("bring {part} to {best} (its running tasks begin anew)"),
                        format!("kubectl set image deploy/{part} -n {ns} {part}={repo}:{family}-{best}"),
                    );
                }
            }
        }
    }
    o
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_name_releases() {
        assert_eq!(release("ghcr.io/succinctlabs/sp1-cluster:base-v2.7.2"), Some("v2.7.2"));
        assert_eq!(release("localhost:5000/sp1-cluster:node-gpu-v2.1.2"), Some("v2.1.2"));
        assert_eq!(release("localhost:5000/sp1-cluster"), None);
    }
}
