//! A pod's memory nears its limit.

use std::time::Duration;

use super::{Clock, Rule, s};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::{Timestamp, units};
use crate::event::Component;
use crate::model::Pod;

pub const RULE: Rule = Rule {
    id: "memory-near-limit",
    doc: "A pod's working set nears its memory limit, or will reach it within minutes at its present slope: the kernel then kills it.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check,
};

/// Below this share of the limit a slope is only a beginning.
const SLOPE_FROM: f64 = 0.75;
/// An older measurement says nothing of now.
const FRESH: Duration = Duration::from_secs(180);
/// It must be away from the limit for so long before that is over. (Not the
/// table's `clear`: a container that is gone is no longer near its limit, at once.)
const AWAY: Duration = Duration::from_secs(60);

type Sample = (Timestamp, u64);

/// What the container that runs now was measured to use lately.
fn samples(pod: &Pod, now: Timestamp) -> Vec<Sample> {
    let began = pod.info.started_at.max(pod.info.last_termination.as_ref().and_then(|t| t.at));
    let its = |at: Timestamp| now.since(at) <= FRESH && began.is_none_or(|t| t <= at);
    pod.usage.iter().filter(|u| its(u.at)).filter_map(|u| Some((u.at, u.memory_bytes?))).collect()
}

/// Seconds until `limit` bytes are reached, by the last three samples, where
/// they rise. A task's memory grows fast at first and then less and less: a rise
/// that becomes smaller goes on becoming smaller, and may end below the limit.
fn seconds_left(recent: &[Sample], limit: u64) -> Option<f64> {
    let [a, b, c] = *recent.get(recent.len().checked_sub(3)?..)? else { return None };
    let rate = |x: Sample, y: Sample| {
        let (rise, seconds) = (y.1.checked_sub(x.1)? as f64, y.0.seconds_since(x.0));
        (rise > 0.0 && seconds > 0.0).then(|| rise / seconds)
    };
    let (before, last) = (rate(a, b)?, rate(b, c)?);
    let left = limit.saturating_sub(c.1) as f64;
    let step = c.0.seconds_since(b.0);
    let shrinks = last / before;
    if shrinks >= 0.98 {
        return Some(left / last);
    }
    // Each step brings `shrinks` times what the one before brought.
    let next = last * step * shrinks;
    let part = 1.0 - left * (1.0 - shrinks) / next;
    (part > 0.0).then(|| part.ln() / shrinks.ln() * step)
}

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    for p in look.model.kube.pods() {
        let Some(limit) = p.info.memory_limit.filter(|l| *l > 0 && p.info.deleting_since.is_none()) else { continue };
        let samples = samples(p, look.now());
        let Some(&(at, used)) = samples.last() else { continue };
        let ratio = |used: u64| used as f64 / limit as f64;
        // As of one of them, by those before it.
        // What Redis holds rises to its maxmemory, and uploads wait before that.
        let bounded = p.component == Some(Component::Redis);
        let left = |i: usize| seconds_left(&samples[..=i], limit).filter(|_| !bounded && ratio(samples[i].1) >= SLOPE_FROM);
        let near =
            |i: usize| ratio(samples[i].1) >= look.limits.memory_ratio || left(i).is_some_and(|s| s <= look.limits.memory_seconds as f64);
        let Some(last_near) = (0..samples.len()).rev().find(|i| near(*i)) else { continue };
        if samples.get(last_near + 1).is_some_and(|(at, _)| look.since(*at) >= AWAY) {
            continue;
        }
        let left = left(samples.len() - 1);
        let name = p.component.map_or("pod", Component::as_str);
        let when = left
            .filter(|s| *s < 3600.0)
            .map_or_else(String::new, |s| format!(", full in {}", units::seconds(Duration::from_secs_f64(s.max(0.0)))));
        let mut f = Finding::new(
            p.info.name.clone(),
            Severity::Warning,
            format!("{name} {} uses {} of {} ({:.0}%){when}", p.info.name, units::bytes(used), units::bytes(limit), ratio(used) * 100.0),
        )
        .evidence(format!("measured at {}", at.clock()));
        let ns = look.namespace();
        let deployment = match p.component {
            Some(Component::CpuNode) => Some("cpu-node"),
            Some(Component::GpuNode) => Some("gpu-node"),
            _ => None,
        };
        if let Some(d) = deployment {
            let have = u32::try_from(limit >> 30).unwrap_or(u32::MAX);
            let want = if have < 96 && d == "cpu-node" { 96 } else { have.saturating_mul(3) / 2 };
            f = f.fix(format!("give {d} {want} GiB (its pods restart)"), commands::memory(ns, d, want));
        } else {
            f = f.fix("see what it is", commands::describe(ns, &p.info.name));
        }
        // One that was just killed for it and comes near it again is the same story.
        let killed = look.model.kube.deaths().rev().find(|d| d.pod == p.info.name && d.termination.reason == "OOMKilled");
        out.push(match killed {
            Some(d) => f.under("oom-killed", super::oom_killed::subject(look, d)),
            None => f,
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;

    fn measured(samples: &[f64]) -> Script {
        let mut s = Script::new();
        s.kube(&pod("cpu-node-a", "cpu-node", &s.time()));
        for gib in samples {
            s.quiet(15).memory("cpu-node-a", *gib);
        }
        s.quiet(1);
        s
    }

    #[test]
    fn near_the_limit() {
        let s = measured(&[40.0, 40.0, 87.0]);
        let a = s.alert("memory-near-limit");
        assert!(a.summary.contains("cpu-node-a uses 87GiB of 96GiB (91%)"), "{a:?}");
        assert!(a.fix[0].run.contains("--limits=memory=144Gi"), "{a:?}");
        assert!(!measured(&[40.0, 40.0, 85.0]).fires("memory-near-limit"));
    }

    #[test]
    fn on_its_way_there() {
        // 6 GiB each 15 s: the 22 that are left last 55 s.
        let s = measured(&[62.0, 68.0, 74.0]);
        assert!(s.alert("memory-near-limit").summary.contains("full in 55s"), "{:?}", s.alert("memory-near-limit"));
        // Half of the limit is only a beginning.
        assert!(!measured(&[20.0, 30.0, 40.0]).fires("memory-near-limit"));
        // A wrap grows fast and then less and less: 44, 65, 73, 76 GiB.
        assert!(!measured(&[44.0, 64.0, 73.0]).fires("memory-near-limit"));
        // Two of them end above the limit, and that can be seen.
        assert!(measured(&[30.0, 58.0, 76.0]).fires("memory-near-limit"));
    }

    #[test]
    fn redis_fills_up_to_its_maxmemory() {
        let redis = |last: f64| {
            let mut s = Script::new();
            s.kube(&pod("redis-master-0", "redis", &s.time()));
            for gib in [62.0, 68.0, last] {
                s.quiet(15).memory("redis-master-0", gib);
            }
            s.quiet(1);
            s.fires("memory-near-limit")
        };
        assert!(!redis(76.0) && redis(88.0));
    }

    #[test]
    fn over_when_it_has_been_away_from_it_for_a_while() {
        let mut s = measured(&[40.0, 40.0, 90.0, 70.0]);
        s.quiet(40);
        assert!(s.fires("memory-near-limit"));
        s.memory("cpu-node-a", 88.0).quiet(40).memory("cpu-node-a", 70.0).quiet(50);
        assert!(s.fires("memory-near-limit"), "it came back to it");
        s.quiet(15);
        assert!(!s.fires("memory-near-limit"));
    }

    #[test]
    fn over_at_once_when_that_container_is_gone() {
        let near = |then: fn(&mut Script)| {
            let mut s = measured(&[40.0, 40.0, 90.0]);
            assert!(s.fires("memory-near-limit"));
            then(&mut s);
            s.quiet(1);
            s.fires("memory-near-limit")
        };
        assert!(near(|_| ()));
        assert!(!near(|s| {
            let died = ended(pod("cpu-node-a", "cpu-node", "2026-11-24T12:00:00Z"), 1, "OOMKilled", 137, &s.time(), "CrashLoopBackOff");
            s.quiet(1).kube(&died);
        }));
        // A new start that says nothing of how the last one ended.
        assert!(!near(|s| {
            s.quiet(1);
            let p = pod("cpu-node-a", "cpu-node", &s.time());
            s.kube(&p);
        }));
        assert!(!near(|s| _ = s.kube_gone("cpu-node-a")));
        // What the next one uses is its own.
        assert!(near(|s| {
            s.quiet(1);
            let p = pod("cpu-node-a", "cpu-node", &s.time());
            s.kube(&p).quiet(15).memory("cpu-node-a", 90.0);
        }));
    }

    #[test]
    fn old_measurements_say_nothing() {
        let mut s = measured(&[40.0, 40.0, 90.0]);
        assert!(s.fires("memory-near-limit"));
        s.quiet(300);
        assert!(!s.fires("memory-near-limit"));
    }
}
