//! Tasks fail and are tried again, more than the odd one (F37).

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Clock, Rule, s};
use crate::alerts::{Finding, Look, Severity};
use crate::base::{TaskId, TaskType};
use crate::model::Retry;

pub const RULE: Rule = Rule {
    id: "task-retrying",
    doc: "Tasks fail and are tried again, more than the odd one. A task that is out of retries fails its proof.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check,
};

/// Retries are counted over this long.
const WINDOW: Duration = Duration::from_secs(600);

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let told = Duration::from_secs(look.limits.told);
    let recent: Vec<&Retry> = look.model.signals.retries().rev().take_while(|r| look.since(r.at) < WINDOW).collect();
    let Some(newest) = recent.first() else { return };
    let exhausted: Vec<&&Retry> = recent.iter().filter(|r| r.exhausted && look.since(r.at) < told).collect();
    let retries: Vec<&&Retry> = recent.iter().filter(|r| !r.exhausted).collect();
    let mut by_task: BTreeMap<&TaskId, u32> = BTreeMap::new();
    for r in &retries {
        *by_task.entry(&r.task).or_default() += 1;
    }
    let most = by_task.values().copied().max().unwrap_or(0);
    let workers = u32::try_from(look.model.workers.connected().count()).unwrap_or(u32::MAX);
    // A large cluster has more of everything, odd ones too.
    let many = look.limits.retries.max(workers / 25);
    let count = u32::try_from(retries.len()).unwrap_or(u32::MAX);
    // One task that is at its last attempts is more than the odd one.
    let over = count >= many || most >= 2;
    if exhausted.is_empty() && (!over || look.since(newest.at) >= told / 2) {
        return;
    }
    let kinds = kinds(&retries);
    let severity = if exhausted.is_empty() { Severity::Warning } else { Severity::Critical };
    let summary = if exhausted.is_empty() {
        format!(
            "{count} retries of {} tasks within {} min{kinds}; one task was tried {} times of 4",
            by_task.len(),
            WINDOW.as_secs() / 60,
            most + 1
        )
    } else {
        match exhausted.len() {
            1 => format!("a task is out of retries after {count} retries{kinds}: its proof fails"),
            n => format!("{n} tasks are out of retries after {count} retries{kinds}: their proofs fail"),
        }
    };
    let mut f = Finding::new("tasks", severity, summary);
    if let Some(first) = recent.last() {
        f = f.since(first.at);
    }
    for r in exhausted.iter().take(4) {
        let of = r.proof.as_ref().map_or_else(String::new, |p| format!(" of {p}"));
        let kind = r.kind.as_ref().map_or("task", TaskType::as_str);
        f = f.evidence(format!("{kind} {}{of} out of retries at {}", r.task, r.at.clock()));
    }
    let worst: Vec<_> = by_task.iter().filter(|(_, n)| **n == most).take(3).map(|(t, n)| format!("{t} {n} times")).collect();
    if !worst.is_empty() {
        f = f.evidence(format!("retried most: {}", worst.join(", ")));
    }
    // What the nodes say of it, where their logs are read.
    for x in look.model.signals.failures().rev().filter(|x| look.since(x.at) < WINDOW).take(2) {
        f = f.evidence(format!("{} at {}: {}", x.source, x.at.clock(), x.error));
    }
    let cpu =
        retries.iter().chain(&exhausted).any(|r| r.kind.as_ref().and_then(TaskType::worker_kind) == Some(crate::base::WorkerKind::Cpu));
    let app = if cpu { "cpu-node" } else { "gpu-node" };
    out.push(f.fix(
        "see why they fail",
        format!(
            "kubectl logs -n {} -l app={app} --prefix --since=10m --tail=-1 | grep -E 'Retryable error|Fatal error|panicked'",
            look.namespace()
        ),
    ));
}

fn kinds(retries: &[&&Retry]) -> String {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for r in retries {
        if let Some(k) = &r.kind {
            *counts.entry(k.as_str()).or_default() += 1;
        }
    }
    if counts.is_empty() {
        return String::new();
    }
    format!(" ({})", counts.into_iter().map(|(k, n)| format!("{n} {k}")).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;
    use crate::base::TaskType as T;

    #[test]
    fn four_in_ten_minutes_or_one_task_twice() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).gpu(11).claim("cli_1", 2).run(1, "cli_1", 1, T::Controller);
        for t in 10..16 {
            s.run(11, "cli_1", t, T::ProveShard);
        }
        s.pass(10);
        for t in 10..13 {
            s.say("INFO", &format!("retrying task {}", task(t))).pass(10);
        }
        assert!(!s.fires("task-retrying"));
        s.say("INFO", &format!("retrying task {}", task(13))).pass(1);
        let a = s.alert("task-retrying");
        assert!(a.summary.starts_with("4 retries of 4 tasks within 10 min (4 ProveShard)"), "{a:?}");
        let mut s = Script::new();
        s.restart().gpu(11).claim("cli_1", 2).run(11, "cli_1", 10, T::ProveShard).pass(10);
        s.say("INFO", &format!("retrying task {}", task(10))).pass(10).say("INFO", &format!("retrying task {}", task(10))).pass(1);
        assert!(s.alert("task-retrying").summary.contains("one task was tried 3 times of 4"), "{:?}", s.alert("task-retrying"));
    }
}
