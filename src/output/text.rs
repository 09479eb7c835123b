//! `status -o text`: a page for a person, 80 columns wide, no colour, no lines
//! drawn, so that a screen reader or a chat message can take it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::status::Status;
use crate::base::{Timestamp, units};
use crate::envelope::SourceState;
use crate::model::WorkerState;

/// How many rows a list may have before the rest is only counted.
const ROWS: usize = 12;

/// The page.
#[must_use]
pub fn status(s: &Status) -> String {
    let mut out = String::new();
    let _ = page(&mut out, s);
    out
}

fn page(o: &mut String, s: &Status) -> std::fmt::Result {
    let Some(at) = s.at else {
        return writeln!(o, "No data: nothing in the input has a time or a meaning for sp1top.");
    };
    let place = match (&s.cluster.context, &s.cluster.namespace) {
        (Some(c), Some(n)) => format!("{c} / {n}, "),
        (None, Some(n)) => format!("{n}, "),
        _ => String::new(),
    };
    writeln!(o, "SP1 cluster: {place}at {} UTC", at.date_clock())?;
    if let Some(v) = &s.cluster.coordinator_version {
        let circuit = s.cluster.sp1_circuit_version.as_deref().unwrap_or("unknown");
        match &s.cluster.coordinator_release {
            Some(release) => writeln!(o, "Coordinator: {release} (build {v}), circuits {circuit}")?,
            None => writeln!(o, "Coordinator: build {v}, circuits {circuit}")?,
        }
    }
    let stories = || s.alerts.iter().filter(|a| a.part_of.is_none());
    if !s.alerts.is_empty() {
        writeln!(o, "\nALERTS ({})", stories().count())?;
        for a in stories() {
            wrapped(o, &format!("  {} {}: {}", a.severity.as_str().to_uppercase(), a.id, a.summary), 4)?;
            for l in &a.led_here {
                wrapped(o, &format!("    led here: {l}"), 6)?;
            }
            for fix in &a.fix {
                writeln!(o, "    $ {}", fix.run)?;
            }
        }
    }
    stats(o, s, at)?;
    workers(o, s)?;
    proofs(o, s)?;
    pods(o, s)?;
    sources(o, s, at)
}

fn stats(o: &mut String, s: &Status, at: Timestamp) -> std::fmt::Result {
    writeln!(o, "\nQUEUES")?;
    let Some(st) = &s.stats else {
        return writeln!(o, "  unknown: no GetStatsResponse yet (the coordinator logs one every 10 s)");
    };
    let n = |v: Option<u32>| v.map_or_else(|| "?".into(), |v| v.to_string());
    let row = |o: &mut String, name: &str, workers, queue, current, max| {
        let word = if workers == Some(1) { "worker " } else { "workers" };
        writeln!(o, "  {name}  {:>5} waiting   {:>5} {word}   weight {} of {} GB", n(queue), n(workers), n(current), n(max))
    };
    row(o, "cpu", st.cpu_workers, st.cpu_queue, st.cpu_utilization_current, st.cpu_utilization_max)?;
    row(o, "gpu", st.gpu_workers, st.gpu_queue, st.gpu_utilization_current, st.gpu_utilization_max)?;
    let total = st.total_tasks.map_or_else(|| "?".into(), |v| v.to_string());
    let many = |v: Option<u32>, word: &str| v.map_or_else(|| format!("? {word}s"), |v| units::plural(v, word));
    writeln!(o, "  {} active, {} unfinished, {total} created so far", many(st.active_proofs, "proof"), many(st.active_tasks, "task"))?;
    let age = at.since(st.at);
    if age > Duration::from_secs(30) {
        writeln!(o, "  (as of {}, {} ago)", st.at.clock(), units::seconds(age))?;
    }
    Ok(())
}

fn workers(o: &mut String, s: &Status) -> std::fmt::Result {
    if s.workers.is_empty() {
        return Ok(());
    }
    let count = |state| s.workers.iter().filter(|w| w.state == state).count();
    let (live, late, lost) = (count(WorkerState::Live), count(WorkerState::Late), count(WorkerState::Lost));
    write!(o, "\nWORKERS ({live} live")?;
    if late > 0 {
        write!(o, ", {late} late")?;
    }
    if lost > 0 {
        write!(o, ", {lost} lost")?;
    }
    writeln!(o, ")")?;
    let mut shown: Vec<_> = s.workers.iter().filter(|w| w.state != WorkerState::Lost).collect();
    shown.sort_by_key(|w| (w.kind != Some("cpu"), w.tasks.is_empty()));
    for w in shown.iter().take(ROWS) {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for t in &w.tasks {
            *kinds.entry(t.kind.as_deref().unwrap_or("?")).or_default() += 1;
        }
        let tasks: Vec<String> = kinds.iter().map(|(k, n)| if *n > 1 { format!("{n} {k}") } else { (*k).to_owned() }).collect();
        let tasks = if tasks.is_empty() { "idle".into() } else { tasks.join(", ") };
        let name = w.pod.as_deref().unwrap_or(&w.id);
        let weight = match (w.weight.current, w.weight.max) {
            (Some(c), Some(m)) => format!("{c}/{m}"),
            (Some(c), None) => format!("{c}/?"),
            (None, Some(m)) => format!("?/{m}"),
            (None, None) => String::new(),
        };
        let state = if w.state == WorkerState::Late { " LATE" } else { "" };
        wrapped(o, &format!("  {:<4}{:<28} {weight:>7}{state}  {tasks}", w.kind.unwrap_or("?"), middle(name, 28)), 42)?;
    }
    more(o, shown.len())
}

fn proofs(o: &mut String, s: &Status) -> std::fmt::Result {
    if s.proofs.is_empty() {
        return Ok(());
    }
    let open: Vec<_> = s.proofs.iter().filter(|p| p.status.is_some_and(|s| !s.is_final())).collect();
    let done: Vec<_> = s.proofs.iter().filter(|p| p.status.is_none_or(super::super::event::ProofStatus::is_final)).collect();
    writeln!(o, "\nPROOFS ({} open, {} ended)", open.len(), done.len())?;
    for p in open.iter().take(ROWS).chain(done.iter().rev().take(5)) {
        let mode = p.mode.map_or("mode ?", |m| m.as_str());
        let status = p.status.map_or("vanished", |s| s.as_str());
        let took = p.elapsed_seconds.map_or_else(String::new, |e| units::seconds(Duration::from_secs_f64(e.max(0.0))));
        let running: Vec<String> = p
            .tasks
            .iter()
            .filter(|(_, t)| t.running > 0)
            .map(|(k, t)| if t.running > 1 { format!("{} {k}", t.running) } else { k.clone() })
            .collect();
        let what = p.failure.clone().unwrap_or_else(|| running.join(", "));
        wrapped(o, &format!("  {:<24} {mode:<11}{status:<10}{took:>8}  {what}", middle(&p.id, 24)), 8)?;
    }
    more(o, open.len())
}

fn pods(o: &mut String, s: &Status) -> std::fmt::Result {
    if s.pods.is_empty() {
        return Ok(());
    }
    writeln!(o, "\nPODS ({})", s.pods.len())?;
    let mut list: Vec<_> = s.pods.iter().collect();
    list.sort_by_key(|p| (p.ready && p.restarts == 0, p.name.clone()));
    for p in list.iter().take(ROWS) {
        let memory = match (p.memory_bytes, p.memory_limit_bytes) {
            (Some(u), Some(l)) => format!("{} of {}", units::bytes(u), units::bytes(l)),
            (Some(u), None) => units::bytes(u),
            _ => String::new(),
        };
        let ready = if p.ready { "ready" } else { "NOT READY" };
        let end = p.last_termination.as_ref().map_or_else(String::new, |t| format!(", last ended: {} ({})", t.reason, t.exit_code));
        let restarts = if p.restarts > 0 { format!(", {} restarts", p.restarts) } else { String::new() };
        wrapped(o, &format!("  {:<36} {} {ready}{restarts}{end}  {memory}", middle(&p.name, 36), p.phase), 8)?;
    }
    more(o, list.len())
}

fn sources(o: &mut String, s: &Status, at: Timestamp) -> std::fmt::Result {
    writeln!(o, "\nSOURCES")?;
    for src in s.sources.iter().take(3 * ROWS) {
        let state = src.state.map_or("unknown", SourceState::as_str);
        let age = src.last_at.map_or_else(|| "no data".into(), |t| format!("last data {} ago", units::seconds(at.since(t))));
        let mut line = format!("  {:<32} {state:<11}{age}", middle(&src.name, 32));
        if src.unread > 0 {
            let _ = write!(line, ", {} unread", src.unread);
        }
        if src.dropped > 0 {
            let _ = write!(line, ", {} dropped", src.dropped);
        }
        if let Some(d) = &src.detail {
            let _ = write!(line, ": {d}");
        }
        wrapped(o, &line, 8)?;
    }
    Ok(())
}

fn more(o: &mut String, n: usize) -> std::fmt::Result {
    if n > ROWS { writeln!(o, "  … and {} more (-o json lists all)", n - ROWS) } else { Ok(()) }
}

/// Shortens the middle: both ends of an id tell it apart.
fn middle(s: &str, max: usize) -> String {
    let n = s.chars().count();
    if n <= max {
        return s.to_owned();
    }
    let keep = max - 1;
    let head: String = s.chars().take(keep / 2).collect();
    let tail: String = s.chars().skip(n - (keep - keep / 2)).collect();
    format!("{head}…{tail}")
}

/// Writes a line, broken at blanks to stay within 80 columns.
fn wrapped(o: &mut String, line: &str, indent: usize) -> std::fmt::Result {
    const WIDTH: usize = 80;
    let line = line.trim_end();
    if line.chars().count() <= WIDTH {
        return writeln!(o, "{line}");
    }
    let mut rest: Vec<char> = line.chars().collect();
    let mut first = true;
    while !rest.is_empty() {
        let room = if first { WIDTH } else { WIDTH - indent };
        let cut =
            if rest.len() <= room { rest.len() } else { (indent.max(room / 2)..=room).rev().find(|i| rest[*i] == ' ').unwrap_or(room) };
        let part: String = rest.drain(..cut).collect();
        let part = if first { part.trim_end().to_owned() } else { part.trim().to_owned() };
        writeln!(o, "{}{part}", if first { String::new() } else { " ".repeat(indent) })?;
        first = false;
    }
    Ok(())
}
