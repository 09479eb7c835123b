//! No stats from any source though they are connected.

use std::time::Duration;

use super::{Clock, Rule, s};
use crate::alerts::{Finding, Look, Severity, commands};
use crate::base::units;
use crate::envelope::SourceState;
use crate::event::Component;
use crate::model::StatsNow;

pub const RULE: Rule = Rule {
    id: "coordinator-silent",
    doc: "No stats have come for over 30 s from any source though the source says it is connected: the coordinator logs them every 10 s.",
    clock: Clock::Data,
    hold: s(0),
    clear: s(0),
    check,
};

/// Whether nothing but the clock says that time has passed: in files a part may
/// be missing, and nobody is connected to them.
fn is_only_a_gap(look: &Look<'_>, stats: &StatsNow) -> bool {
    const GOES_ON: Duration = Duration::from_secs(12);
    if !matches!(look.model.session.mode.as_str(), "files" | "replay") {
        return false;
    }
    let limit = Duration::from_secs(look.limits.silent);
    !look.model.since_stats().is_some_and(|(first, last)| last.since(first) >= GOES_ON && last.since(stats.heard) > limit)
}

fn check(look: &Look<'_>, out: &mut Vec<Finding>) {
    let m = look.model;
    let Some(stats) = &m.stats else { return };
    // By when they came: the coordinator's clock may be behind.
    let quiet = look.since(stats.heard);
    if quiet <= Duration::from_secs(look.limits.silent) || is_only_a_gap(look, stats) {
        return;
    }
    // Where the rest of its blocks comes, the lines with the stats were lost on their way.
    if m.listed_at().is_some_and(|t| look.since(t) <= Duration::from_secs(look.limits.silent)) {
        return;
    }
    // One that was told to stop is silent rightly.
    if m.signals.shutting_down.is_some_and(|t| t >= stats.at.minus(Duration::from_secs(15))) {
        return;
    }
    let connected = m.sources.iter().find(|(name, s)| {
        s.state == Some(SourceState::Live)
            && s.component == Some(Component::Coordinator)
            && (**name == stats.source || m.signals.heard().any(|(h, _)| h == *name))
    });
    let Some((name, source)) = connected else { return };
    let ns = look.namespace();
    let mut f = Finding::new("coordinator", Severity::Critical, format!("no stats from the coordinator for {}", units::seconds(quiet)))
        .evidence(format!("last stats at {} from {}", stats.at.clock(), stats.source))
        .evidence(format!("{name} is connected"))
        .since(stats.at);
    if let Some(t) = source.last_data.filter(|t| *t > stats.at) {
        f = f.evidence(format!("it said other things until {}", t.clock()));
    }
    out.push(
        f.fix("see whether it runs", commands::pods(ns, "coordinator"))
            .fix("see what it said last", commands::logs(ns, "deploy/coordinator", "")),
    );
}

#[cfg(test)]
mod tests {
    use crate::alerts::testing::*;

    #[test]
    fn after_half_a_minute_of_a_log_that_goes_on() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).pass(30);
        for _ in 0..5 {
            s.quiet(5).say("INFO", "Worker already exists");
        }
        assert!(!s.fires("coordinator-silent"));
        s.quiet(5).say("INFO", "Worker already exists").quiet(5).say("INFO", "Worker already exists");
        let a = s.alert("coordinator-silent");
        assert!(a.evidence[0].starts_with("last stats at 12:00:30"), "{a:?}");
        s.block().quiet(1);
        assert!(!s.fires("coordinator-silent"));
    }

    #[test]
    fn not_one_that_was_told_to_stop_and_not_a_file_that_pauses() {
        let mut s = Script::new();
        s.restart()
            .cpu(1, 48)
            .pass(30)
            .say("INFO", "Received signal SIGTERM. Shutting down...")
            .say("INFO", "Cancelled 7 tasks")
            .quiet(120);
        assert!(!s.fires("coordinator-silent"));
        let mut s = Script::new();
        s.restart().cpu(1, 48).pass(30).quiet(600);
        assert!(!s.fires("coordinator-silent"));
        // It goes on in the midst of a period, and began to pause in one.
        let mut s = Script::new();
        s.restart().cpu(1, 48).pass(30).quiet(5).say("INFO", "Worker already exists").quiet(65);
        s.say("INFO", "Worker already exists").quiet(7).say("INFO", "Worker already exists");
        assert!(s.told().is_empty(), "{:?}", s.told());
        s.pass(60);
        assert!(s.told().is_empty(), "{:?}", s.told());
    }

    #[test]
    fn not_where_only_the_lines_with_the_stats_are_lost() {
        let mut s = Script::new();
        s.restart().cpu(1, 48).pass(30);
        for _ in 0..6 {
            s.quiet(10).say("INFO", &format!("[coordinator] worker {} Cpu () 0 []", worker(1)));
        }
        assert!(s.told().is_empty(), "{:?}", s.told());
    }
}
