//! What fits, what to set, and the workers as they stand.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use crate::alerts::{Fix, commands as run};
use crate::base::{TaskType, WorkerKind, units};
use crate::capacity::plan::PLONK_GIB;
use crate::capacity::{Capacity, Fit, Meeting, Memory, Setup};
use crate::event::ProofMode;
use crate::model::Stage;
use crate::ui::draw::{cut, put, put_line, width, wrap};
use crate::ui::views::common::kind_name;
use crate::ui::widgets::gauge::gauge;
use crate::ui::widgets::panel::Panel;
use crate::ui::{Ctx, Role};

const MODES: [ProofMode; 4] = [ProofMode::Core, ProofMode::Compressed, ProofMode::Plonk, ProofMode::Groth16];

/// The heaviest CPU task of a mode beside its Controller.
fn heaviest(s: &Setup, mode: ProofMode) -> &'static str {
    let (name, wrap) = match mode {
        ProofMode::Plonk => ("PlonkWrap", s.plonk_wrap),
        ProofMode::Groth16 => ("Groth16Wrap", s.groth16_wrap),
        ProofMode::Core | ProofMode::Compressed => ("", 0),
    };
    if wrap >= s.core_execute && wrap > 0 {
        name
    } else if s.core_execute > 0 {
        "CoreExecute"
    } else {
        "nothing"
    }
}

/// The first of these that has room; else the last, cut.
fn fitting(mark: &str, room: u16, ctx: &Ctx<'_>, texts: &[String]) -> String {
    let marked = |t: &String| format!("{mark} {t}");
    let fits = texts.iter().map(marked).find(|t| width(t) <= room);
    fits.unwrap_or_else(|| cut(&texts.last().map_or_else(String::new, marked), room, ctx.symbols.ellipsis).into_owned())
}

/// Which proofs fit, and how many.
pub fn fits(s: &Setup, what_if: bool, area: Rect, ctx: &Ctx<'_>, buf: &mut Buffer) {
    let style = |r| ctx.theme.style(r);
    let (done, failed, ..) = ctx.symbols.marks;
    let title = if what_if { "what would fit" } else { "what fits" };
    let inner = Panel::new(title).right(if what_if { "what if" } else { "" }).draw(area, ctx, buf);
    let plan = s.plan();
    let mut y = inner.y;
    let mut row = |buf: &mut Buffer, spans: Vec<Span<'static>>| {
        if y < inner.bottom() {
            put_line(buf, Rect { y, height: 1, ..inner }, inner.x, y, &Line::from(spans));
            y += 1;
        }
    };
    if s.max == 0 {
        for (text, role) in [
            ("The maximum weight of a CPU worker is 0, or not known yet.", Role::Warn),
            ("Set one among the settings to see what would fit.", Role::Dim),
        ] {
            for l in wrap(text, inner.width) {
                row(buf, vec![Span::styled(l, style(role))]);
            }
        }
        return;
    }
    for mode in MODES {
        let m = plan.mode(mode);
        let warn = ctx.symbols.alerts.1;
        let (mark, word, role) = match (m.fit, m.at_once, m.by_memory) {
            (Fit::Never, ..) => (failed, "never fits", Role::Bad),
            (_, Some(n), _) if n < s.at_once => (warn, "jams beyond", Role::Bad),
            (Fit::OnlyApart, ..) => (warn, "needs a free cpu-node", Role::Warn),
            // By weight it does; the memory of two is another matter, told below.
            (Fit::Fits, ..) if mode == ProofMode::Plonk && plan.two_plonks == Meeting::Possible => (warn, "fits by weight", Role::Warn),
            (Fit::Fits, _, Some(n)) if n < s.at_once => (warn, "fits by weight", Role::Warn),
            (Fit::Fits, ..) => (done, "fits", Role::Good),
        };
        let (at_once, short) = match (m.fit, m.at_once) {
            (Fit::Never, _) => (String::new(), String::new()),
            (_, Some(n)) if n < s.at_once => (format!(" {n} at once"), format!(" {n}")),
            _ if m.by_memory == Some(0) => (", memory may not hold it".into(), ", not by memory".into()),
            _ if m.is_memory_first() => {
                let n = m.by_memory.unwrap_or(0);
                (format!(", ~{n} at once by memory"), format!(", ~{n} by memory"))
            }
            (_, None) => (", any number at once".into(), ", any number".into()),
            (_, Some(n)) => (format!(", {n} at once"), format!(", {n}")),
        };
        let sum = format!("{} {}+{}={} of {}", heaviest(s, mode), s.controller, m.heaviest, m.needs, s.max);
        let texts = [format!("{word}{at_once}"), format!("{word}{short}"), word.to_owned()];
        let mut spans = vec![
            Span::styled(format!("{:<11}", mode.as_str()), style(Role::Text)),
            Span::styled(fitting(mark, inner.width.saturating_sub(11), ctx, &texts), style(role)),
        ];
        if inner.width >= 62 {
            spans.push(Span::styled(format!("   {sum}"), style(Role::Dim)));
        }
        row(buf, spans);
    }
    let fact = |name: &str, mark: &str, texts: [String; 2], role| {
        vec![
            Span::styled(format!("{name:<11}"), style(Role::Dim)),
            Span::styled(fitting(mark, inner.width.saturating_sub(11), ctx, &texts), style(role)),
        ]
    };
    row(buf, Vec::new());
    let (mark, texts, role) = match plan.two_plonks {
        Meeting::Possible => {
            let peaks = format!("peaks of {} GiB", plan.two_plonks_need.max(2 * PLONK_GIB));
            (ctx.symbols.alerts.1, [format!("can meet on one worker: {peaks}"), format!("can meet: {peaks}")], Role::Bad)
        }
        Meeting::Nearly => (done, ["kept apart by their Controllers only".into(), "kept apart by Controllers".into()], Role::Text),
        Meeting::Never => (done, ["never on one worker".into(), "never together".into()], Role::Good),
    };
    row(buf, fact("two plonks", mark, texts, role));
    let mixed = s.plonk_wrap + s.groth16_wrap;
    if s.plonk_wrap > 0 && s.groth16_wrap > 0 && mixed <= s.max {
        let gib = mixed + 2 * s.controller;
        let texts = [format!("PlonkWrap and Groth16Wrap can meet: {gib} GiB"), format!("both wraps can meet: {gib} GiB")];
        row(buf, fact("mixed", ctx.symbols.separator, texts, Role::Dim));
    }
    let limit = s.memory_limit.unwrap_or(0);
    let (weight, short) = (format!("{} of weight in {limit} GiB", s.max), format!("{} in {limit} GiB", s.max));
    let warn = ctx.symbols.alerts.1;
    let (mark, texts, role) = match plan.memory {
        Memory::Unknown => ("?", ["its limit is not known".into(), "limit not known".into()], Role::Dim),
        Memory::Ample => (done, [weight, short], Role::Good),
        Memory::Tight => (warn, [format!("{weight}: peaks are higher"), format!("{short}, peaks higher")], Role::Warn),
        Memory::TightForPlonk => {
            let text = |what: &str, to: &str| format!("{what} 60{to}{PLONK_GIB} of {limit} GiB");
            (warn, [text("a plonk's wrap reaches", " to "), text("plonk takes", "-")], Role::Warn)
        }
        Memory::Over => (failed, [format!("{weight}: killed when full"), format!("{} in {limit}: killed if full", s.max)], Role::Bad),
    };
    row(buf, fact("memory", mark, texts, role));
}

/// What sets right what is not, on the deployment that decides.
pub fn commands(c: &Capacity, s: &Setup, ctx: &Ctx<'_>) -> Vec<Fix> {
    let ns = ctx.model.session.namespace.as_deref().unwrap_or("sp1-cluster");
    let (plan, mut out) = (s.plan(), Vec::new());
    if s.max == 0 && c.cpu_max.is_none() {
        return out;
    }
    let r = plan.recommended;
    let wraps = [ProofMode::Plonk, ProofMode::Groth16].map(|m| plan.mode(m));
    let lacks = wraps.iter().any(|m| m.fit != Fit::Fits);
    if (lacks || plan.two_plonks == Meeting::Possible) && r.max != s.max {
        let why = if lacks { "so that every wrap fits beside its Controller" } else { "so that two PlonkWraps never meet" };
        out.push(run::fix(format!("maximum weight {} {why}", r.max), run::set_env(ns, "cpu-node", "WORKER_MAX_WEIGHT_OVERRIDE", r.max)));
    }
    // Against the maximum as it will be: a higher one asks for more memory.
    let max = if out.is_empty() { s.max } else { r.max };
    if matches!(Setup { max, ..*s }.plan().memory, Memory::Tight | Memory::TightForPlonk | Memory::Over) {
        let to = r.memory_limit.max(96);
        if s.memory_limit.is_some_and(|l| l < to) {
            out.push(run::fix(
                format!("a memory limit of {to} GiB, since real peaks are above the weights"),
                run::memory(ns, "cpu-node", to),
            ));
        }
    }
    if r.nodes > s.nodes {
        let say = format!("{} cpu-nodes (now {}): then {} proofs at once can never lock each other out", r.nodes, s.nodes, s.at_once);
        out.push(run::fix(say, run::scale(ns, "cpu-node", r.nodes)));
    }
    out
}

/// What stands at the head of the CPU queue, as far as it can be told.
fn head(c: &Capacity, ctx: &Ctx<'_>) -> Option<(String, Role)> {
    let waiting = ctx.model.stats.as_ref()?.stats.cpu_queue.filter(|n| *n > 0)?;
    let wraps = |k: &TaskType| ctx.model.workers.connected().flat_map(|w| &w.tasks).filter(|t| t.kind.as_ref() == Some(k)).count();
    let waits = ctx.model.proofs.active().find_map(|p| {
        let wrap = p.mode?.wrap()?;
        (p.stage() == Stage::Wrap && wraps(&wrap) == 0).then(|| (p.id.clone(), wrap))
    });
    let free = ctx
        .model
        .workers
        .connected()
        .filter(|w| w.kind == Some(WorkerKind::Cpu))
        .filter_map(|w| Some(crate::capacity::limits::of_worker(ctx.model, w)?.value.saturating_sub(c.used(w))))
        .max();
    Some(match (waits, free) {
        (Some((proof, wrap)), Some(free)) => {
            let weight = c.weights.value(&wrap);
            let fits = weight <= free;
            let behind = match waiting {
                0 | 1 => String::new(),
                2 => "; 1 more behind it is not even tried".to_owned(),
                n => format!("; {} more behind it are not even tried", n - 1),
            };
            let verdict = if fits { "it fits" } else { "it fits nowhere" };
            let text = format!(
                "head of the queue: the {} of {proof} weighs {weight}, the most room on a worker is {free}: {verdict}{behind}",
                wrap.as_str()
            );
            (text, if fits { Role::Text } else { Role::Bad })
        }
        (_, Some(free)) => (format!("{}; the most room on a worker is {free}", wait(waiting)), Role::Text),
        (_, None) => (format!("{}, and no CPU worker is connected", wait(waiting)), Role::Bad),
    })
}

fn wait(n: u32) -> String {
    format!("{} wait{}", units::plural(n, "CPU task"), if n == 1 { "s" } else { "" })
}

/// What holds up the queue now, and what to set.
#[expect(clippy::too_many_arguments, reason = "what the whole view knows")]
pub fn advice(c: &Capacity, s: &Setup, list: &[Fix], selected: usize, what_if: bool, area: Rect, ctx: &Ctx<'_>, buf: &mut Buffer) {
    if area.height < 3 {
        return;
    }
    let style = |r| ctx.theme.style(r);
    let title = if what_if { "what these settings would need" } else { "what to set" };
    let inner = Panel::text(area);
    Panel::new(title).draw(area, ctx, buf);
    let mut lines: Vec<Line<'static>> = Vec::new();
    let say = |lines: &mut Vec<Line<'static>>, text: &str, role: Role| {
        lines.extend(wrap(text, inner.width).into_iter().map(|l| Line::styled(l, style(role))));
    };
    if !what_if && let Some((text, role)) = head(c, ctx) {
        say(&mut lines, &text, role);
    }
    if list.is_empty() {
        let text = if s.max == 0 { "Nothing can be said before the maximum weight is known." } else { "Nothing needs to change." };
        say(&mut lines, text, if s.max == 0 { Role::Dim } else { Role::Good });
    }
    for (n, f) in list.iter().enumerate() {
        let here = n == selected.min(list.len() - 1);
        say(&mut lines, &f.say, Role::Text);
        let mut run = style(Role::Accent);
        if here {
            run = run.add_modifier(Modifier::BOLD);
        }
        for (i, l) in wrap(&f.run, inner.width.saturating_sub(4)).into_iter().enumerate() {
            let pointer = if here { ctx.symbols.pointer } else { " " };
            lines.push(Line::from(vec![
                Span::styled(format!("{pointer} "), style(Role::Accent)),
                Span::styled(if i == 0 { "$ " } else { "  " }, style(Role::Dim)),
                Span::styled(l, run),
            ]));
        }
    }
    for (y, l) in (inner.top()..inner.bottom()).zip(&lines) {
        put_line(buf, inner, inner.x, y, l);
    }
}

/// The CPU workers: what they hold of what they take.
pub fn workers(c: &Capacity, area: Rect, ctx: &Ctx<'_>, buf: &mut Buffer) {
    if area.height < 3 {
        return;
    }
    let style = |r| ctx.theme.style(r);
    let list: Vec<_> = ctx.model.workers.connected().filter(|w| w.kind != Some(WorkerKind::Gpu)).collect();
    let gpu = c
        .gpu_max
        .map_or_else(String::new, |m| format!("a GPU worker takes {} ({}): {} ProveShards", m.value, m.origin.as_str(), m.value / 4));
    let inner = Panel::new(format!("CPU workers {}", list.len())).right(gpu).draw(area, ctx, buf);
    if list.is_empty() {
        put(buf, inner, inner.x, inner.y, "No CPU worker is connected.", style(Role::Dim));
    }
    let memory = |pod: &str| ctx.model.kube.pod(pod).and_then(|p| Some((p.last_usage()?.memory_bytes?, p.info.memory_limit)));
    for (y, w) in (inner.top()..inner.bottom()).zip(list) {
        let used = c.used(w);
        let max = crate::capacity::limits::of_worker(ctx.model, w).map_or(0, |m| m.value);
        put(buf, inner, inner.x, y, &w.id.short(), style(Role::Text));
        let bar = Rect { x: inner.x + 10, y, width: 20.min(inner.width.saturating_sub(10)), height: 1 };
        gauge(buf, bar, u64::from(used), u64::from(max.max(1)), style(Role::Cpu), ctx);
        let mut text = format!("{used} of {max}  ");
        let mut kinds: Vec<(&str, usize)> = Vec::new();
        for t in &w.tasks {
            let name = kind_name(t.kind.as_ref());
            match kinds.iter_mut().find(|(k, _)| *k == name) {
                Some((_, n)) => *n += 1,
                None => kinds.push((name, 1)),
            }
        }
        let tasks: Vec<_> = kinds.iter().map(|(k, n)| if *n > 1 { format!("{n} {k}") } else { (*k).to_owned() }).collect();
        text.push_str(if tasks.is_empty() { "idle" } else { "" });
        text.push_str(&tasks.join(", "));
        if let Some((used, limit)) = w.tie.as_ref().and_then(|t| memory(&t.pod)) {
            let limit = limit.map(|l| format!(" of {}", units::bytes(l))).unwrap_or_default();
            text = format!("{text}   memory {}{limit}", units::bytes(used));
        }
        let x = bar.right() + 2;
        put(buf, inner, x, y, &cut(&text, inner.right().saturating_sub(x), ctx.symbols.ellipsis), style(Role::Text));
    }
}
