//! A container dies again and again.

use super::{Clock, Rule, s};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::event::Component;

pub const RULE: Rule = Rule {
    id: "crash-loop",
    doc: "Kubernetes waits longer and longer before it starts a container again that dies each time (CrashLoopBackOff).",
    clock: Clock::Data,
    hold: s(0),
    // Between two tries it runs for some seconds.
    clear: s(90),
    check,
};

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    for p in look.model.kube.pods().filter(|p| p.info.waiting.as_deref() == Some("CrashLoopBackOff")) {
        let i = &p.info;
        if i.deleting_since.is_some() {
            continue;
        }
        let last = i.last_termination.as_ref();
        let ended = last.map_or_else(String::new, |t| format!(", last {} with exit code {}", t.reason, t.exit_code));
        let mut f = Finding::new(
            i.name.clone(),
            Severity::Critical,
            format!("{} {} dies again and again: {} restarts{ended}", p.component.map_or("pod", Component::as_str), i.name, i.restarts),
        );
        if let Some(m) = &i.waiting_message {
            f = f.evidence(m.clone());
        }
        let ns = look.namespace();
        out.push(
            f.fix("see what it said before it died", commands::logs(ns, &i.name, "--previous"))
                .fix("see its settings and events", commands::describe(ns, &i.name)),
        );
    }
}
