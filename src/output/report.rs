//! `report`: an incident as Markdown, short enough to paste into an issue, and
//! its graphs as SVG.

use std::fmt::Write as _;
use std::time::Duration;

use crate::alerts::{Alerts, Transition, TransitionState};
use crate::base::{TaskType, Timestamp, units};
use crate::capacity::Capacity;
use crate::event::Level;
use crate::model::{Gauge, Model, Moment, Worker, WorkerState};

/// Columns of the text graphs.
const COLUMNS: usize = 60;
/// Lines of a list; what is more is counted.
const MOST: usize = 12;

/// Name, values of the columns, upper limit, how a value is told.
type Graph = (String, Vec<Option<u64>>, Option<u64>, fn(u64) -> String);

/// What a report is made of.
pub struct Report<'a> {
    /// The cluster at the moment.
    pub model: &'a Model,
    /// The alerts at the moment.
    pub alerts: &'a Alerts,
    /// The cluster some time later, for what followed.
    pub later: &'a Model,
    /// The alerts' changes up to then.
    pub later_alerts: &'a Alerts,
    /// The moment.
    pub at: Timestamp,
    /// How much time before it is told.
    pub before: Duration,
    /// Where the graphs are, as a link.
    pub graphs: Option<&'a str>,
    /// What it was made from.
    pub from: &'a str,
}

impl Report<'_> {
    /// The Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        let m = self.model;
        let _ = writeln!(out, "# SP1 cluster at {} UTC\n", self.at.date_clock());
        self.facts(&mut out);
        self.firing(&mut out);
        self.course(&mut out);
        self.graphs(&mut out);
        workers(m, &mut out);
        weights(m, &mut out);
        self.log(&mut out);
        let _ = writeln!(out, "\n_Made by {} of `{}`._", concat!("sp1top ", env!("CARGO_PKG_VERSION")), self.from);
        out
    }

    fn begin(&self) -> Timestamp {
        self.at.minus(self.before)
    }

    fn facts(&self, out: &mut String) {
        let m = self.model;
        let mut rows: Vec<(&str, String)> = Vec::new();
        if let (Some(c), Some(n)) = (&m.session.context, &m.session.namespace) {
            rows.push(("cluster", format!("{c} / {n}")));
        }
        if let Some(v) = &m.coordinator.version {
            rows.push(("coordinator", v.clone()));
        }
        let capacity = Capacity::of(m);
        if let Some(d) = &capacity.coordinator {
            rows.push(("release", d.version.to_string()));
        }
        if let Some(c) = &m.coordinator.circuit {
            rows.push(("circuits", c.clone()));
        }
        for v in &m.manifest {
            rows.push(("component", format!("{} {} {}", v.component, v.image_tag, v.git_sha)));
        }
        if let Some(s) = &m.stats {
            let n = |g: Gauge| g.of(&s.stats).map_or_else(|| "?".into(), |v| v.to_string());
            rows.push((
                "queues",
                format!(
                    "cpu {}, gpu {}; {} proofs, {} tasks",
                    n(Gauge::CpuQueue),
                    n(Gauge::GpuQueue),
                    n(Gauge::ActiveProofs),
                    n(Gauge::ActiveTasks)
                ),
            ));
        }
        for (k, v) in rows {
            let _ = writeln!(out, "- {k}: {}", inline(&v));
        }
    }

    fn firing(&self, out: &mut String) {
        let _ = writeln!(out, "\n## Alerts that fire\n");
        let firing = self.alerts.firing();
        if firing.is_empty() {
            let _ = writeln!(out, "None at this moment.\n");
        }
        for a in firing.iter().take(MOST) {
            let _ = writeln!(out, "### {}: {} ({})\n", a.severity.as_str(), a.id, inline(&a.subject));
            let _ = writeln!(out, "{} Since {} UTC.\n", sentence(&inline(&a.summary)), a.since.clock());
            for e in &a.evidence {
                let _ = writeln!(out, "- {}", inline(e));
            }
            for b in &a.told_before {
                let what = if a.led_here(b) { "led to it" } else { "follows from it" };
                let _ = writeln!(out, "- {what}: {}", inline(&b.told_as()));
            }
            for c in &a.consequences {
                let _ = writeln!(out, "- follows from it: {}", inline(c));
            }
            for f in &a.fix {
                let _ = writeln!(out, "\n{}:\n\n```\n{}\n```", inline(&f.say), f.run.replace("```", "'''"));
            }
            let _ = writeln!(out);
        }
        more(firing.len(), out);
    }

    /// What happened before and after, in time.
    fn course(&self, out: &mut String) {
        let (from, to) = (self.begin(), self.later.now);
        let mut lines: Vec<(Timestamp, String)> = Vec::new();
        let fired = self.later_alerts.history().filter(|t| t.at >= from && t.at <= to);
        lines.extend(fired.map(|t: &Transition| {
            let what = if t.state == TransitionState::Firing { t.alert.severity.as_str() } else { "resolved" };
            (t.at, format!("**{what}** {} {}", t.alert.id, inline(&t.alert.subject)))
        }));
        let moments = self.later.moments.iter().filter(|m| m.at >= from && m.at <= to);
        lines.extend(moments.map(|m: &Moment| (m.at, inline(&m.text))));
        lines.sort_by_key(|l| l.0);
        let _ = writeln!(out, "## What happened\n");
        if lines.is_empty() {
            let _ = writeln!(out, "Nothing in the {} before.", units::seconds(self.before));
        }
        // Those nearest to the moment matter most.
        let n = lines.len();
        lines.sort_by_key(|l| (l.0.since(self.at) + self.at.since(l.0), l.0));
        lines.truncate(2 * MOST);
        lines.sort_by_key(|l| l.0);
        for (at, text) in &lines {
            let mark = if *at <= self.at { "" } else { " (after)" };
            let _ = writeln!(out, "- {} {text}{mark}", at.clock());
        }
        if n > lines.len() {
            let _ = writeln!(out, "- … and {} more", n - lines.len());
        }
    }

    fn series(&self, gauge: Gauge) -> Vec<Option<u32>> {
        let points = self.model.history.series(gauge, self.at, self.before, COLUMNS);
        points.into_iter().map(|p| p.map(|p| p.max)).collect()
    }

    fn graphs(&self, out: &mut String) {
        let _ = writeln!(out, "\n## Queues and memory, {} up to then\n\n```", units::seconds(self.before));
        for (name, gauge, most) in [
            ("cpu queue", Gauge::CpuQueue, None),
            ("gpu queue", Gauge::GpuQueue, None),
            ("cpu weight", Gauge::CpuCurrent, Some(Gauge::CpuMax)),
            ("gpu weight", Gauge::GpuCurrent, Some(Gauge::GpuMax)),
        ] {
            let values: Vec<Option<u64>> = self.series(gauge).into_iter().map(|v| v.map(u64::from)).collect();
            let top = most.and_then(|g| self.series(g).into_iter().flatten().max()).map(u64::from);
            let last = values.last().copied().flatten().map_or_else(|| "?".into(), |v| v.to_string());
            let of = top.map(|t| format!(" of {t}")).unwrap_or_default();
            let _ = writeln!(out, "{name:<24} {} {last}{of}", spark(&values, top));
        }
        let pods = self.memory();
        for (name, values, limit) in pods.iter().take(MOST) {
            let last = values.iter().rev().flatten().next().map_or_else(|| "?".into(), |v| units::bytes(*v));
            let of = limit.map(|l| format!(" of {}", units::bytes(l))).unwrap_or_default();
            let _ = writeln!(out, "{:<24} {} {last}{of}", tail(name, 24), spark(values, *limit));
        }
        let _ = writeln!(out, "```");
        if let Some(link) = self.graphs {
            let _ = writeln!(out, "\n![queues and memory]({link})");
        }
    }

    /// Memory of the pods that use most of what they may.
    fn memory(&self) -> Vec<(String, Vec<Option<u64>>, Option<u64>)> {
        let begin = self.begin();
        let step = self.before.as_secs_f64() / COLUMNS as f64;
        let mut pods: Vec<_> = self
            .model
            .kube
            .pods()
            .filter(|p| !p.usage.is_empty())
            .map(|p| {
                let mut values = vec![None; COLUMNS];
                for u in p.usage.iter().filter(|u| u.at >= begin && u.at <= self.at) {
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the columns")]
                    let c = ((u.at.since(begin).as_secs_f64() / step.max(1e-9)) as usize).min(COLUMNS - 1);
                    values[c] = values[c].max(u.memory_bytes);
                }
                // A sample stands until the next one.
                let mut held = None;
                for v in &mut values {
                    held = v.or(held);
                    *v = held;
                }
                (p.info.name.clone(), values, p.info.memory_limit)
            })
            .collect();
        let full = |v: &(String, Vec<Option<u64>>, Option<u64>)| -> f64 {
            let last = v.1.last().copied().flatten().unwrap_or(0) as f64;
            v.2.map_or(0.0, |l| last / (l as f64).max(1.0))
        };
        pods.sort_by(|a, b| full(b).total_cmp(&full(a)).then_with(|| a.0.cmp(&b.0)));
        pods
    }

    /// The last warnings and errors before the moment.
    fn log(&self, out: &mut String) {
        let begin = self.begin();
        let bad = self.model.logs.records().iter().rev().filter(|e| e.record.level >= Level::Warn && e.at >= begin && e.at <= self.at);
        let mut lines: Vec<String> = bad
            .take(MOST)
            .map(|e| {
                let first = e.record.text.lines().next().unwrap_or_default();
                let first: String = first.chars().take(200).collect();
                format!("{} {} {} {first}", e.at.clock(), e.record.level.padded(), e.source)
            })
            .collect();
        if lines.is_empty() {
            return;
        }
        lines.reverse();
        let _ = writeln!(out, "\n## Last warnings and errors\n\n```\n{}\n```", lines.join("\n").replace("```", "'''"));
    }

    /// The graphs as one picture.
    #[must_use]
    pub fn svg(&self) -> String {
        let mut graphs: Vec<Graph> = Vec::new();
        for (name, gauge, most) in [
            ("cpu queue", Gauge::CpuQueue, None),
            ("gpu queue", Gauge::GpuQueue, None),
            ("cpu weight, GB", Gauge::CpuCurrent, Some(Gauge::CpuMax)),
            ("gpu weight", Gauge::GpuCurrent, Some(Gauge::GpuMax)),
        ] {
            let top = most.and_then(|g| self.series(g).into_iter().flatten().max()).map(u64::from);
            graphs.push((name.into(), self.series(gauge).into_iter().map(|v| v.map(u64::from)).collect(), top, |v| v.to_string()));
        }
        graphs.extend(self.memory().into_iter().take(4).map(|(n, v, l)| (n, v, l, units::bytes as fn(u64) -> String)));
        let (w, h) = (640, 90 * graphs.len() + 30);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        );
        for (i, (name, values, limit, show)) in graphs.iter().enumerate() {
            let top = values.iter().flatten().copied().chain(*limit).max().unwrap_or(0).max(1);
            let base = 90 * i + 80;
            let _ = writeln!(
                out,
                "<text x=\"10\" y=\"{}\" fill=\"#333333\">{}</text><text x=\"630\" y=\"{}\" text-anchor=\"end\" fill=\"#777777\">{}</text>",
                base - 62,
                xml(name),
                base - 62,
                show(top)
            );
            if let Some(l) = limit {
                let y = base as f64 - 55.0 * (*l as f64 / top as f64);
                let _ = writeln!(
                    out,
                    "<line x1=\"10\" x2=\"630\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#c0392b\" stroke-dasharray=\"4 3\"/>\n\
                     <text x=\"320\" y=\"{}\" text-anchor=\"middle\" fill=\"#c0392b\">most {}</text>",
                    base - 62,
                    show(*l)
                );
            }
            let width = 620.0 / values.len().max(1) as f64;
            for (c, v) in values.iter().enumerate() {
                let Some(v) = v else { continue };
                let bar = 55.0 * (*v as f64 / top as f64);
                let _ = writeln!(
                    out,
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"#2e86c1\"/>",
                    10.0 + c as f64 * width,
                    base as f64 - bar,
                    bar.max(0.6)
                );
            }
            let _ = writeln!(out, "<line x1=\"10\" x2=\"630\" y1=\"{base}\" y2=\"{base}\" stroke=\"#999999\"/>");
        }
        let _ = writeln!(
            out,
            "<text x=\"10\" y=\"{}\" fill=\"#777777\">{}</text><text x=\"630\" y=\"{}\" text-anchor=\"end\" fill=\"#777777\">{} UTC</text>\n</svg>",
            h - 10,
            self.begin().clock(),
            h - 10,
            self.at.clock()
        );
        out
    }
}

fn more(n: usize, out: &mut String) {
    if n > MOST {
        let _ = writeln!(out, "… and {} more.\n", n - MOST);
    }
}

/// A worker a sign, and those that do something by name.
fn workers(m: &Model, out: &mut String) {
    let _ = writeln!(out, "\n## Workers\n");
    let all: Vec<&Worker> = m.workers.iter().collect();
    if all.is_empty() {
        let _ = writeln!(out, "None is known.");
        return;
    }
    let _ = writeln!(out, "`#` busy, `.` idle, `~` late, `x` lost\n\n```");
    for kind in ["cpu", "gpu", "all", "?"] {
        let mut of: Vec<&&Worker> = all.iter().filter(|w| w.kind.map_or("?", crate::base::WorkerKind::as_str) == kind).collect();
        if of.is_empty() {
            continue;
        }
        of.sort_by(|a, b| a.id.cmp(&b.id));
        let signs: String = of
            .iter()
            .map(|w| match w.state {
                WorkerState::Lost => 'x',
                WorkerState::Late => '~',
                WorkerState::Live if w.tasks.is_empty() => '.',
                WorkerState::Live => '#',
            })
            .collect();
        for (i, row) in signs.as_bytes().chunks(100).enumerate() {
            let _ = writeln!(out, "{:<4} {}", if i == 0 { kind } else { "" }, String::from_utf8_lossy(row));
        }
    }
    let mut busy: Vec<&Worker> = all.into_iter().filter(|w| !w.tasks.is_empty()).collect();
    let gpu = Some(crate::base::WorkerKind::Gpu);
    busy.sort_by(|a, b| (a.kind == gpu, a.state, &a.id).cmp(&(b.kind == gpu, b.state, &b.id)));
    for w in busy.iter().take(MOST) {
        let tasks: Vec<String> = w
            .tasks
            .iter()
            .take(8)
            .map(|t| format!("{} {}", t.kind.as_ref().map_or("?", TaskType::as_str), units::seconds(m.now.since(t.since))))
            .collect();
        let pod = w.tie.as_ref().map(|t| format!(" ({})", t.pod)).unwrap_or_default();
        let _ = writeln!(out, "{}{pod} {}: {}", w.id, w.state.as_str(), tasks.join(", "));
    }
    if busy.len() > MOST {
        let _ = writeln!(out, "... and {} more that are busy", busy.len() - MOST);
    }
    let _ = writeln!(out, "```");
}

fn weights(m: &Model, out: &mut String) {
    let capacity = Capacity::of(m);
    let _ = writeln!(out, "\n## Weights\n\n| task | GB | from |\n|---|---|---|");
    for (kind, _, _, w) in capacity.weights.iter() {
        let _ = writeln!(out, "| {} | {} | {} |", kind.as_str(), w.value, inline(&w.origin.text()).replace('|', "/"));
    }
    if let Some(max) = &capacity.cpu_max {
        let _ = writeln!(out, "| most on a CPU worker | {} | {} |", max.value, inline(max.origin.as_str()).replace('|', "/"));
    }
    if let Some(l) = capacity.memory_limit {
        let _ = writeln!(out, "| memory limit of cpu-node | {} | Kubernetes |", units::bytes(l));
    }
}

/// Bars of eighths. Unknown is a blank.
fn spark(values: &[Option<u64>], top: Option<u64>) -> String {
    const BARS: [char; 9] = ['▁', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let top = values.iter().flatten().copied().chain(top).max().unwrap_or(0).max(1);
    let bar = |v: u64| BARS[usize::try_from(v.saturating_mul(8).div_ceil(top)).unwrap_or(8).min(8)];
    values.iter().map(|v| v.map_or(' ', bar)).collect()
}

/// The end of a name, which tells pods apart.
fn tail(name: &str, most: usize) -> String {
    let n = name.chars().count();
    if n <= most { name.to_owned() } else { format!("…{}", name.chars().skip(n - most + 1).collect::<String>()) }
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// Text within a line of Markdown: nothing in it is markup.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '|' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
