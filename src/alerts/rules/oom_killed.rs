//! A container was killed for its memory (F2).

use std::time::Duration;

use super::{Clock, Rule, s, words};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{TaskType, Timestamp, units};
use crate::event::Component;
use crate::model::{ContainerDeath, Worker};

pub const RULE: Rule = Rule {
    id: "oom-killed",
    doc: "A container was killed because it used more memory than its limit. What it ran is queued again without using a retry, so a \
          task that needs too much kills one worker after the other.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check,
};

/// 128 + SIGKILL.
const KILLED: i32 = 137;

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let told = Duration::from_secs(look.limits.told);
    for d in look.model.kube.deaths() {
        let at = d.termination.at.unwrap_or(d.seen_at);
        // One that was there when this began to look is old news, unless it is fresh.
        if look.since(at) >= told || look.since(d.seen_at) >= told {
            continue;
        }
        let oom = d.termination.reason == "OOMKilled";
        let pod = look.model.kube.pod(&d.pod);
        // A container that does not end in time when its pod is deleted is killed as well.
        let ending = pod.is_none_or(|p| p.info.deleting_since.is_some());
        if !(oom || (d.termination.exit_code == KILLED && !ending)) {
            continue;
        }
        out.push(tell(look, d, at, oom));
    }
}

/// The worker that the container was.
fn worker<'a>(look: &Look<'a>, d: &ContainerDeath, at: Timestamp) -> Option<&'a Worker> {
    let near = |t: Timestamp| t.since(at).max(at.since(t)) < Duration::from_secs(90);
    let model = look.model;
    let tied = |w: &&Worker| words::pod(w) == Some(d.pod.as_str()) || w.id.to_string() == d.pod;
    // The coordinator notices some seconds later: until then it is listed as if nothing had been.
    let held = |w: &&Worker| w.first_seen <= at && (w.lost_at.is_some_and(near) || (w.is_connected() && near(w.last_seen)));
    model.workers.iter().filter(held).filter(tied).max_by_key(|w| (w.first_seen, &w.id)).or_else(|| {
        // Where only one worker of that kind went, it is that one.
        let kind = |w: &&Worker| words::deployment(w.kind) == d.component.map_or("", Component::as_str);
        let mut fitting = model.workers.iter().filter(held).filter(kind);
        let one = fitting.next()?;
        fitting.next().is_none().then_some(one)
    })
}

/// What the alert of a container's end is about. An end may be seen before it is
/// counted as a restart or after: the time tells two of one count apart.
pub fn subject(look: &Look<'_>, d: &ContainerDeath) -> String {
    let same = |o: &&ContainerDeath| o.pod == d.pod && o.restarts == d.restarts;
    let first = look.model.kube.deaths().find(same).is_none_or(|o| o.termination == d.termination);
    let at = d.termination.at.filter(|_| !first).map_or_else(String::new, |t| format!(" at {}", t.clock()));
    format!("{} restart {}{at}", d.pod, d.restarts)
}

fn tell(look: &Look<'_>, d: &ContainerDeath, at: Timestamp, oom: bool) -> Finding {
    let ns = look.namespace();
    let pod = look.model.kube.pod(&d.pod);
    let name = d.component.map_or("container", Component::as_str);
    let limit = pod.and_then(|p| p.info.memory_limit);
    // A pod that is gone tells no limit any more.
    let limit_text = match (pod, limit) {
        (_, Some(l)) => format!(" at its limit of {}", units::bytes(l)),
        (Some(_), None) => " without a limit".into(),
        (None, None) => String::new(),
    };
    let how = if oom { format!("was killed for its memory{limit_text}") } else { "was killed (exit code 137)".into() };
    let worker = worker(look, d, at);
    let held = worker.map_or_else(String::new, |w| format!("; it held {}", words::tasks(&w.tasks)));
    let mut f =
        Finding::new(subject(look, d), if oom { Severity::Critical } else { Severity::Warning }, format!("{name} {} {how}{held}", d.pod))
            .evidence(format!(
                "{} with exit code {} at {}, restart {}",
                d.termination.reason,
                d.termination.exit_code,
                at.clock(),
                d.restarts
            ))
            .since(at)
            .event();
    if let Some(w) = worker {
        f = f.evidence(format!("{} weighed {}", words::worker(w), look.capacity.used(w)));
    }
    if let Some(u) = pod.and_then(|p| p.usage.iter().filter(|u| u.at <= at).filter_map(|u| Some((u.at, u.memory_bytes?))).next_back()) {
        f = f.evidence(format!("it used {} at {}", units::bytes(u.1), u.0.clock()));
    }
    if let Some(setup) = look.capacity.setup().filter(|_| d.component == Some(Component::CpuNode)) {
        let plan = setup.plan();
        let wraps = worker.is_some_and(|w| w.tasks.iter().filter(|t| t.kind.as_ref().is_some_and(TaskType::is_wrap)).count() > 1);
        if wraps || plan.two_plonks == crate::capacity::Meeting::Possible {
            let right = crate::capacity::plan::right_max(setup.controller, setup.plonk_wrap, 1);
            f = f.fix(
                format!("let only one wrap run at once: maximum weight {right}"),
                commands::set_env(ns, "cpu-node", "WORKER_MAX_WEIGHT_OVERRIDE", right),
            );
        }
        let have = limit.map_or(0, |l| u32::try_from(l >> 30).unwrap_or(u32::MAX));
        let want = if have < 96 { 96 } else { have.saturating_mul(3) / 2 };
        f = f.fix(format!("give cpu-node {want} GiB"), commands::memory(ns, "cpu-node", want));
    }
    f.fix("see how it ended", format!("{} | grep -A3 'Last State'", commands::describe(ns, &d.pod)))
}

#[cfg(test)]
mod tests {
    use crate::alerts::Severity;
    use crate::alerts::testing::*;

    #[test]
    fn keyed_by_pod_and_restart_and_told_for_a_while() {
        let mut s = Script::new();
        s.quiet(600);
        let p = pod("cpu-node-a", "cpu-node", &s.time());
        s.kube(&p).quiet(30);
        let at = s.time();
        s.kube(&ended(p.clone(), 1, "OOMKilled", 137, &at, "")).quiet(5);
        let a = s.alert("oom-killed");
        assert_eq!((a.subject.as_str(), a.severity), ("cpu-node-a restart 1", Severity::Critical));
        assert!(a.summary.contains("was killed for its memory at its limit of 96GiB"), "{a:?}");
        assert!(a.evidence[0].contains("OOMKilled with exit code 137 at 12:10:30, restart 1"), "{a:?}");
        // The same end again, in another list.
        s.kube(&ended(p.clone(), 1, "OOMKilled", 137, &at, "")).quiet(400);
        assert_eq!(s.told().len(), 1);
        assert!(!s.fires("oom-killed"));
        let again = s.time();
        s.kube(&ended(p, 2, "OOMKilled", 137, &again, "")).quiet(5);
        assert_eq!(s.alert("oom-killed").subject, "cpu-node-a restart 2");
    }

    /// The first was seen when it was counted already, the second before that.
    #[test]
    fn two_of_one_count_are_two() {
        let mut s = Script::new();
        let p = pod("cpu-node-a", "cpu-node", &s.time());
        s.kube(&p).quiet(30);
        for _ in 0..2 {
            let at = s.time();
            s.kube(&ended(p.clone(), 1, "OOMKilled", 137, &at, "")).quiet(60);
        }
        let subjects: Vec<&str> = s.pipeline.alerts().told().map(|a| a.subject.as_str()).collect();
        assert_eq!(subjects, ["cpu-node-a restart 1", "cpu-node-a restart 1 at 12:01:30"]);
    }

    #[test]
    fn an_old_one_is_no_news() {
        let mut s = Script::new();
        let at = s.time();
        s.quiet(3600);
        s.kube(&ended(pod("cpu-node-a", "cpu-node", &at), 1, "OOMKilled", 137, &at, "")).quiet(30);
        assert!(s.told().is_empty(), "{:?}", s.told());
    }

    #[test]
    fn other_ends_are_not() {
        let mut s = Script::new();
        let p = pod("cpu-node-a", "cpu-node", &s.time());
        s.kube(&p).quiet(10);
        let at = s.time();
        s.kube(&ended(p.clone(), 1, "Error", 1, &at, "")).quiet(5);
        assert!(!s.fires("oom-killed"));
        // Killed at the end of its grace when it was deleted.
        let mut going = ended(p, 2, "Error", 137, &at, "");
        going["metadata"]["deletionTimestamp"] = at.into();
        s.kube(&going).quiet(5);
        assert!(!s.fires("oom-killed"));
    }
}
