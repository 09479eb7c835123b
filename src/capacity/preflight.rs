//! The pre-flight rules of reference 8.0: what can be told before any proof is
//! lost, one finding each.

use crate::event::ProofMode;
use crate::model::Model;

use super::plan::PLONK_GIB;
use super::{Capacity, Fit, Meeting, Memory, version, weights};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// It may go wrong.
    Warn,
    /// It will.
    Fail,
    /// Not enough is known.
    Skipped,
}

/// What one rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preflight {
    /// `R1` to `R18`.
    pub id: &'static str,
    /// What it looks at.
    pub title: &'static str,
    /// What it found.
    pub verdict: Verdict,
    /// With its numbers; for a skipped one, what is missing.
    pub text: String,
    /// What makes it right: in words, and the command.
    pub fix: Option<(String, String)>,
}

/// A rule's answer.
type Answer = (Verdict, String, Option<(String, String)>);

struct Rule {
    id: &'static str,
    title: &'static str,
    check: fn(&Model, &Capacity, &str) -> Answer,
}

/// All that Kubernetes or the logs can answer. The others look into Redis, pods,
/// services and the client's environment, and are checks of `doctor`: R12 `redis`,
/// R15 `postgres`, R16 `services`, R17 `artifact-store`, R18 `redis`,
/// `artifact-store` and `op-succinct`.
const RULES: &[Rule] = &[
    Rule { id: "R1", title: "a PlonkWrap fits beside its Controller", check: |_, c, ns| fits(c, ProofMode::Plonk, ns) },
    Rule { id: "R2", title: "a Groth16Wrap fits beside its Controller", check: |_, c, ns| fits(c, ProofMode::Groth16, ns) },
    Rule { id: "R3", title: "a CoreExecute fits beside its Controller", check: |_, c, ns| fits(c, ProofMode::Core, ns) },
    Rule { id: "R4", title: "the maximum weight is within the memory limit", check: |_, c, ns| memory(c, ns) },
    Rule { id: "R5", title: "two PlonkWraps never meet on one worker", check: |_, c, ns| wraps_apart(c, ns) },
    Rule { id: "R6", title: "cpu-node has shared memory for CoreExecute", check: |m, c, ns| shared_memory(m, c, ns) },
    Rule { id: "R7", title: "cpu-node takes work at all", check: |m, c, ns| takes_work(m, c, ns) },
    Rule { id: "R8", title: "cpu-node has a memory limit or an override", check: |m, c, ns| bounded(m, c, ns) },
    Rule { id: "R9", title: "WORKER_CONTROLLER_WEIGHT is set where it is read", check: |m, c, ns| controller_weight(m, c, ns) },
    Rule { id: "R10", title: "proofs at once do not lock each other out", check: |_, c, ns| at_once(c, ns) },
    Rule { id: "R11", title: "one release everywhere, no latest tag", check: |m, _, ns| one_release(m, ns) },
    Rule { id: "R13", title: "there are workers and GPUs for them", check: |m, _, ns| replicas(m, ns) },
    Rule { id: "R14", title: "nodes have time to drain", check: |m, _, ns| grace(m, ns) },
];

/// Runs all rules; `namespace` goes into the commands.
#[must_use]
pub fn check(model: &Model, capacity: &Capacity, namespace: &str) -> Vec<Preflight> {
    let run = |r: &Rule| {
        let (verdict, text, fix) = (r.check)(model, capacity, namespace);
        Preflight { id: r.id, title: r.title, verdict, text, fix }
    };
    RULES.iter().map(run).collect()
}

fn skipped(what: &str) -> Answer {
    (Verdict::Skipped, format!("{what} is not known"), None)
}

fn pass(text: String) -> Answer {
    (Verdict::Pass, text, None)
}

/// `kubectl set env` for the maximum weight.
fn set_max(ns: &str, max: u32) -> (String, String) {
    (
        format!("set the maximum weight of cpu-node to {max}"),
        format!("kubectl set env deploy/cpu-node -n {ns} WORKER_MAX_WEIGHT_OVERRIDE={max}"),
    )
}

fn fits(c: &Capacity, mode: ProofMode, ns: &str) -> Answer {
    let Some((setup, plan)) = c.setup().map(|s| (s, s.plan())) else { return skipped("the maximum weight of cpu-node") };
    let m = plan.mode(mode);
    if mode == ProofMode::Core && setup.core_execute == 0 {
        return (Verdict::Skipped, "this release has no CoreExecute".into(), None);
    }
    let name = mode.wrap().map_or("CoreExecute", |k| if k == crate::base::TaskType::PlonkWrap { "PlonkWrap" } else { "Groth16Wrap" });
    let sum = format!("Controller {} + {name} {} = {}; the maximum is {}", setup.controller, m.heaviest, m.needs, setup.max);
    match m.fit {
        Fit::Fits => pass(sum),
        Fit::OnlyApart => {
            (Verdict::Warn, format!("{sum}: it fits only a worker without a Controller"), Some(set_max(ns, plan.recommended.max)))
        }
        Fit::Never if c.is_sure_of(mode) => (Verdict::Fail, format!("{sum}: it never fits"), Some(set_max(ns, plan.recommended.max))),
        Fit::Never => {
            (Verdict::Warn, format!("{sum}: it never fits, if the weights are the defaults"), Some(set_max(ns, plan.recommended.max)))
        }
    }
}

fn memory(c: &Capacity, ns: &str) -> Answer {
    let (Some(setup), Some(limit)) = (c.setup(), c.memory_limit.map(super::limits::gib)) else {
        return skipped("the maximum weight or the memory limit of cpu-node");
    };
    let text = format!("maximum weight {}, memory limit {limit} GiB", setup.max);
    let fix = || {
        let to = setup.max.saturating_mul(2).clamp(96, 1024);
        let set = format!("kubectl set resources deploy/cpu-node -n {ns} --limits=memory={to}Gi --requests=memory={to}Gi");
        Some((format!("give cpu-node {to}Gi: real peaks are above the weights"), set))
    };
    match setup.plan().memory {
        Memory::Over => (Verdict::Fail, format!("{text}: the kernel kills it before the weights are full"), fix()),
        Memory::Tight => (Verdict::Warn, format!("{text}: little is left for peaks above the weights"), fix()),
        Memory::TightForPlonk => {
            (Verdict::Warn, format!("{text}: a PlonkWrap and its Controller really reach 60 to {PLONK_GIB} GiB"), fix())
        }
        Memory::Ample | Memory::Unknown => pass(text),
    }
}

fn wraps_apart(c: &Capacity, ns: &str) -> Answer {
    let Some((setup, plan)) = c.setup().map(|s| (s, s.plan())) else { return skipped("the maximum weight of cpu-node") };
    let text = format!(
        "two PlonkWraps weigh {}, with their Controllers {}; the maximum is {}",
        setup.plonk_wrap * 2,
        plan.two_plonks_need,
        setup.max
    );
    match plan.two_plonks {
        Meeting::Possible => (Verdict::Warn, text, Some(set_max(ns, plan.recommended.max))),
        Meeting::Nearly | Meeting::Never => pass(text),
    }
}

fn shared_memory(m: &Model, c: &Capacity, ns: &str) -> Answer {
    let Some(w) = m.kube.workload("cpu-node") else { return skipped("the deployment cpu-node") };
    let Some(v) = c.cpu_node.map(|d| d.version) else { return skipped("the version of cpu-node") };
    if v < version::version(2, 1, 0) {
        return pass(format!("{v} needs none"));
    }
    let want = if v < version::version(2, 3, 0) { 12 } else { 4 };
    let fix = Some((
        "mount a memory-backed /dev/shm".into(),
        format!(
            "kubectl patch deploy cpu-node -n {ns} --type=strategic -p '{{\"spec\":{{\"template\":{{\"spec\":{{\"volumes\":[{{\"name\":\"dshm\",\"emptyDir\":{{\"medium\":\"Memory\"}}}}],\"containers\":[{{\"name\":\"cpu-node\",\"volumeMounts\":[{{\"name\":\"dshm\",\"mountPath\":\"/dev/shm\"}}]}}]}}}}}}}}'"
        ),
    ));
    match w.shm_size {
        None => (Verdict::Fail, format!("no memory volume at /dev/shm: 64 MiB, and CoreExecute of {v} needs {want} GiB"), fix),
        Some(size) if super::limits::gib(size) < want => {
            (Verdict::Warn, format!("/dev/shm has {} GiB; CoreExecute of {v} needs {want} GiB each", super::limits::gib(size)), fix)
        }
        Some(_) => pass(format!("/dev/shm is there; CoreExecute of {v} needs {want} GiB each")),
    }
}

fn takes_work(m: &Model, c: &Capacity, ns: &str) -> Answer {
    let Some(max) = c.cpu_max.or_else(|| super::limits::configured(m, "cpu-node")) else {
        return skipped("the maximum weight of cpu-node");
    };
    if max.value > 0 {
        return pass(format!("its maximum weight is {} ({})", max.value, max.origin.as_str()));
    }
    let fix = c.setup().map(|s| set_max(ns, s.plan().recommended.max));
    (Verdict::Fail, "its maximum weight is 0: it registers and takes nothing (/dev/shm below 1 GiB)".into(), fix)
}

fn bounded(m: &Model, c: &Capacity, ns: &str) -> Answer {
    let Some(w) = m.kube.workload("cpu-node") else { return skipped("the deployment cpu-node") };
    if weights::env(m, "cpu-node", "WORKER_MAX_WEIGHT_OVERRIDE").is_some() {
        return pass("WORKER_MAX_WEIGHT_OVERRIDE is set".into());
    }
    let old = c.cpu_node.is_some_and(|d| !d.version.measures_container());
    let fix = c.setup().map(|s| set_max(ns, s.plan().recommended.max));
    match w.memory_limit {
        Some(l) if old => (
            Verdict::Warn,
            format!(
                "no override: this release takes the whole host's memory as its maximum, whatever the limit of {} GiB",
                super::limits::gib(l)
            ),
            fix,
        ),
        Some(l) => pass(format!("memory limit {} GiB", super::limits::gib(l))),
        None => (Verdict::Warn, "no memory limit and no override: it takes as much as the host has".into(), fix),
    }
}

fn controller_weight(m: &Model, c: &Capacity, ns: &str) -> Answer {
    const NAME: &str = "WORKER_CONTROLLER_WEIGHT";
    if m.kube.workloads().next().is_none() {
        return skipped("the deployments");
    }
    let real = c.weights.value(&crate::base::TaskType::Controller);
    let there = weights::env(m, "coordinator", NAME);
    let Some((on, value)) = ["cpu-node", "gpu-node"].iter().find_map(|w| Some((*w, weights::env(m, w, NAME)?))) else {
        return pass(format!("a Controller weighs {real}"));
    };
    if there == Some(value) {
        return pass(format!("{NAME}={value} is set on the coordinator, which reads it"));
    }
    let to = value.trim();
    (
        Verdict::Warn,
        format!("{NAME}={to} on {on} is not read there: a Controller weighs {real}; the coordinator's own environment decides"),
        Some((
            "set it on the coordinator (this restarts it: running proofs start anew)".into(),
            format!("kubectl set env deploy/coordinator -n {ns} {NAME}={to}"),
        )),
    )
}

fn at_once(c: &Capacity, ns: &str) -> Answer {
    let Some((setup, plan)) = c.setup().map(|s| (s, s.plan())) else { return skipped("the maximum weight of cpu-node") };
    let plonk = plan.mode(ProofMode::Plonk);
    match plonk.at_once {
        None => pass("any number of plonk proofs".into()),
        Some(0) => (Verdict::Skipped, "not even one plonk proof fits (R1)".into(), None),
        Some(n) if n <= 2 => (
            Verdict::Warn,
            format!(
                "{} plonk proofs at once lock each other out: Controllers of {} fill the room of the wrap of {}",
                n + 1,
                setup.controller,
                plonk.heaviest
            ),
            Some(("add a cpu-node".into(), format!("kubectl scale deploy/cpu-node -n {ns} --replicas={}", setup.nodes + 1))),
        ),
        Some(n) => pass(format!("up to {n} plonk proofs at once")),
    }
}

fn one_release(m: &Model, ns: &str) -> Answer {
    let tags: Vec<(String, String)> = ["api", "coordinator", "cpu-node", "gpu-node"]
        .iter()
        .filter_map(|n| {
            let image = m.kube.workload(n)?.image.clone()?;
            let tag = image.rsplit(':').next().unwrap_or(&image).to_owned();
            Some(((*n).to_owned(), tag))
        })
        .collect();
    if tags.is_empty() {
        return skipped("the images");
    }
    if let Some((name, tag)) = tags.iter().find(|(_, t)| t.ends_with("latest")) {
        return (Verdict::Warn, format!("{name} runs {tag}: nobody can say which release that is"), None);
    }
    let versions: Vec<(&String, version::Version)> = tags.iter().filter_map(|(n, t)| Some((n, version::Version::read(t)?))).collect();
    let list = || versions.iter().map(|(n, v)| format!("{n} {v}")).collect::<Vec<_>>().join(", ");
    let newest = versions.iter().map(|(_, v)| *v).max();
    if versions.iter().all(|(_, v)| Some(*v) == newest) {
        return pass(list());
    }
    let fix = versions.iter().filter(|(_, v)| Some(*v) != newest).find_map(|(n, _)| {
        let image = m.kube.workload(n)?.image.clone()?;
        let (base, tag) = image.rsplit_once(':')?;
        let prefix = &tag[..tag.rfind('v')?];
        let newest = newest?;
        Some((format!("bring {n} to {newest}"), format!("kubectl set image deploy/{n} -n {ns} {n}={base}:{prefix}{newest}")))
    });
    (Verdict::Fail, list(), fix)
}

fn replicas(m: &Model, ns: &str) -> Answer {
    let (Some(cpu), Some(gpu)) = (m.kube.workload("cpu-node"), m.kube.workload("gpu-node")) else {
        return skipped("cpu-node or gpu-node");
    };
    let scale = |name: &str, n: u32| Some((format!("scale {name}"), format!("kubectl scale deploy/{name} -n {ns} --replicas={n}")));
    if cpu.replicas == 0 {
        return (Verdict::Fail, "cpu-node has 0 replicas (the chart's default)".into(), scale("cpu-node", 1));
    }
    if gpu.replicas == 0 {
        return (Verdict::Fail, "gpu-node has 0 replicas".into(), scale("gpu-node", 1));
    }
    let gpus: u32 = m.kube.nodes().filter_map(|n| n.gpus).sum();
    let want = gpu.replicas * gpu.gpus.unwrap_or(1);
    if m.kube.nodes().next().is_some() && gpus > 0 && want > gpus {
        return (Verdict::Warn, format!("gpu-node wants {want} GPUs, the nodes have {gpus}"), scale("gpu-node", gpus));
    }
    pass(format!("{} cpu-node, {} gpu-node", cpu.replicas, gpu.replicas))
}

fn grace(m: &Model, ns: &str) -> Answer {
    let found = ["cpu-node", "gpu-node"].iter().find_map(|n| {
        let g = m.kube.workload(n)?.grace_secs?;
        (g < 1800).then_some((*n, g))
    });
    if m.kube.workload("cpu-node").is_none() {
        return skipped("cpu-node");
    }
    let Some((name, g)) = found else { return pass("terminationGracePeriodSeconds is enough".into()) };
    (
        Verdict::Warn,
        format!("{name} has {g} s to end, a drain takes up to 1800 s: a rollout kills what runs"),
        Some((
            "give it half an hour".into(),
            format!(
                "kubectl patch deploy {name} -n {ns} -p '{{\"spec\":{{\"template\":{{\"spec\":{{\"terminationGracePeriodSeconds\":1800}}}}}}}}'"
            ),
        )),
    )
}
