//! Components run different versions (F24, R11).

use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity};
use crate::capacity::{Version, version};

pub const RULE: Rule = Rule {
    id: "version-skew",
    doc: "Coordinator and nodes run different versions: messages, weights and artifacts of one are not what the other expects.",
    clock: Clock::Data,
    // A roll-out that has not begun to show: its controller takes a moment.
    hold: s(5),
    clear: s(0),
    check,
};

const PARTS: [&str; 4] = ["api", "coordinator", "cpu-node", "gpu-node"];

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let versions: Vec<(&str, Version)> = PARTS.iter().filter_map(|p| Some((*p, version::of_workload(look.model, p)?.version))).collect();
    let Some(newest) = versions.iter().map(|v| v.1).max() else { return };
    if versions.iter().all(|v| v.1 == newest) || PARTS.iter().any(|p| words::rolling(look, p)) {
        return;
    }
    let list = words::list(versions.iter().map(|(p, v)| format!("{p} {v}")), 4);
    let mut f = Finding::new("cluster", Severity::Warning, format!("components run different versions: {list}"));
    for (part, v) in versions.iter().filter(|v| v.1 != newest) {
        let image = look.model.kube.workload(part).and_then(|w| w.image.as_deref()).unwrap_or_default();
        f = f.evidence(format!("{part} {v} {image}").trim_end().to_owned());
        if let Some((base, tag)) = image.rsplit_once(':') {
            let prefix = tag.rfind('v').map_or("", |i| &tag[..i]);
            f = f.fix(
                format!("bring {part} to {newest}"),
                format!("kubectl set image deploy/{part} -n {} {part}={base}:{prefix}{newest}", look.namespace()),
            );
        }
    }
    out.push(f);
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;

    fn versions(api: &str, coordinator: &str, cpu: &str, gpu: &str) -> Script {
        let mut s = Script::new();
        for (name, tag) in [("api", api), ("coordinator", coordinator), ("cpu-node", cpu), ("gpu-node", gpu)] {
            s.kube(&deployment(name, tag, &[]));
        }
        s.quiet(20);
        s
    }

    #[test]
    fn one_that_differs_and_how_to_bring_it_along() {
        let s = versions("v2.7.2", "v2.7.2", "v2.7.2", "v2.3.2");
        let a = s.alert("version-skew");
        assert!(a.summary.ends_with("api v2.7.2, coordinator v2.7.2, cpu-node v2.7.2, gpu-node v2.3.2"), "{a:?}");
        assert_eq!(a.fix[0].run, "kubectl set image deploy/gpu-node -n sp1-cluster gpu-node=ghcr.io/succinctlabs/sp1-cluster:base-v2.7.2");
        assert!(!versions("v2.7.2", "v2.7.2", "v2.7.2", "v2.7.2").fires("version-skew"));
    }

    #[test]
    fn not_while_it_is_rolled_out() {
        let mut s = versions("v2.7.2", "v2.7.2", "v2.7.2", "v2.7.2");
        let mut d = deployment("gpu-node", "v2.3.2", &[]);
        (d["metadata"]["generation"], d["status"]["observedGeneration"]) = (2.into(), 1.into());
        s.kube(&d).quiet(60);
        assert!(!s.fires("version-skew"));
        d["status"]["observedGeneration"] = 2.into();
        s.kube(&d).quiet(30);
        assert!(s.fires("version-skew"));
    }
}
