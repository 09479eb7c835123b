//! Pods of the cluster: state, restarts, memory.

use std::cmp::Reverse;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::base::units;
use crate::envelope::SourceState;
use crate::event::{Component, Termination};
use crate::model::{Counters, Model, Pod};
use crate::ui::draw::{cut, cut_middle, put, put_line, wrap};
use crate::ui::keymap::Binding;
use crate::ui::views::common::{empty_lines, list_over_details};
use crate::ui::widgets::filter::{Words, holds};
use crate::ui::widgets::gauge::gauge;
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::table::{Column, Hit, Table, TableState, position};
use crate::ui::{Action, Ctx, Effect, Outcome, Role, TimeBase, View, ViewId};

const COLUMNS: [Column; 9] = [
    Column::text("pod", 27, 27, 255).flex(3),
    Column::text("state", 16, 16, 254).flex(1).falling(),
    Column::number("restarts", 8, 8),
    Column::number("age", 6, 6).rising(),
    Column::number("cpu", 6, 7),
    Column::number("memory", 8, 9),
    Column::number("limit", 8, 9),
    Column::text("last end", 18, 18, 5).falling(),
    Column::text("node", 14, 14, 4).flex(1),
];

/// The list of pods and the details of one.
pub struct Pods {
    table: TableState<String>,
    words: Words,
}

impl Default for Pods {
    fn default() -> Self {
        Self { table: TableState::new(0), words: Words::default() }
    }
}

impl Pods {
    fn keys(&self, model: &Model) -> Vec<String> {
        let mut list: Vec<&Pod> = model
            .kube
            .pods()
            .filter(|p| {
                self.words.keeps(|w| {
                    holds(&p.info.name, w)
                        || p.component.is_some_and(|c| holds(c.as_str(), w))
                        || holds(&state(p).0, w)
                        || p.info.node.as_ref().is_some_and(|n| holds(n, w))
                })
            })
            .collect();
        let usage = |p: &Pod| p.last_usage().and_then(|u| u.memory_bytes);
        match self.table.sort {
            1 => list.sort_by_key(|p| Reverse(state(p).1 as u8)),
            2 => list.sort_by_key(|p| Reverse(p.info.restarts)),
            3 => list.sort_by_key(|p| Reverse(p.info.created_at)),
            4 => list.sort_by_key(|p| Reverse(p.last_usage().and_then(|u| u.cpu_millicores))),
            5 => list.sort_by_key(|p| Reverse(usage(p))),
            6 => list.sort_by_key(|p| Reverse(p.info.memory_limit)),
            7 => list.sort_by_key(|p| Reverse(p.info.last_termination.as_ref().and_then(|t| t.at))),
            8 => list.sort_by(|a, b| a.info.node.cmp(&b.info.node)),
            _ => {}
        }
        if self.table.reverse {
            list.reverse();
        }
        list.into_iter().map(|p| p.info.name.clone()).collect()
    }
}

/// How good a pod's state is, the worst last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Health {
    Over,
    Good,
    Unsure,
    Bad,
}

/// A pod's state as kubectl would say it.
fn state(p: &Pod) -> (String, Health) {
    let i = &p.info;
    if i.deleting_since.is_some() {
        return ("Terminating".into(), Health::Unsure);
    }
    if let Some(w) = &i.waiting {
        let starting = matches!(w.as_str(), "ContainerCreating" | "PodInitializing");
        return (w.clone(), if starting { Health::Unsure } else { Health::Bad });
    }
    if i.unschedulable.is_some() {
        return ("Unschedulable".into(), Health::Bad);
    }
    match (i.phase.as_str(), i.ready) {
        ("Running", true) => ("Running".into(), Health::Good),
        ("Running", false) => ("not ready".into(), Health::Unsure),
        ("Succeeded", _) => ("Succeeded".into(), Health::Over),
        ("Failed", _) => (i.reason.clone().unwrap_or_else(|| "Failed".into()), Health::Bad),
        ("", _) => ("unknown".into(), Health::Unsure),
        (phase, _) => (phase.into(), Health::Unsure),
    }
}

/// The list and, below it, the details.
fn split(area: Rect, rows: usize) -> (Rect, Rect) {
    list_over_details(area, rows, 6, (16, 62))
}

impl View for Pods {
    fn id(&self) -> ViewId {
        ViewId::Pods
    }

    fn title(&self) -> &'static str {
        "pods"
    }

    fn about(&self) -> &'static [&'static str] {
        &[
            "The pods of the namespace as Kubernetes tells them. Memory is the working set that counts against the limit; a pod that reaches its \
             limit is killed (OOMKilled, exit code 137), and the tasks that it ran begin anew elsewhere.",
            "RESTARTS and LAST END are the container's as Kubernetes counts them. CPU is in cores, or thousandths of one: 250m is a quarter. LIMIT is the \
             memory limit; where it is empty there is none but the node's.",
            "CPU and memory come from the metrics server. Where it is not installed or not allowed, they are empty, and the sources view says so.",
        ]
    }

    fn bindings(&self) -> &'static [Binding] {
        &[Binding { keys: &["o"], action: || Action::Own("logs"), what: "its logs", hint: false }]
    }

    fn hints(&self) -> &'static [(&'static str, &'static str)] {
        &[("enter", "its logs"), ("/", "filter"), ("s", "sort")]
    }

    fn offers(&self, keys: &str, ctx: &Ctx<'_>) -> bool {
        let none = if keys == "/" { ctx.model.kube.pods().next().is_none() } else { self.keys(ctx.model).is_empty() };
        !none
    }

    fn filter(&self) -> Option<&str> {
        Some(self.words.text()).filter(|t| !t.is_empty())
    }

    fn update(&mut self, action: &Action, ctx: &Ctx<'_>) -> Outcome {
        let keys = self.keys(ctx.model);
        let (list, _) = split(ctx.area, keys.len());
        let area = Panel::list(list);
        let key = |i: usize| keys[i].clone();
        let selected = self.table.locate(keys.len(), key).map(key);
        let mut outcome = Outcome::done();
        match action {
            Action::Filter => {}
            Action::FilterText(text) => self.words.set(text),
            Action::InvertFilter => self.words.invert = !self.words.invert,
            Action::Back if !self.words.is_empty() || self.words.invert => self.words.clear(),
            Action::Enter | Action::Own("logs") => {
                outcome = selected.map_or(outcome, |n| Outcome::then(Action::OpenLogs(n)));
            }
            Action::Copy => outcome = selected.map_or(outcome, |n| Outcome::effect(Effect::Copy(n))),
            Action::Click(x, y) | Action::DoubleClick(x, y) => {
                let table = self.table.table(&COLUMNS, keys.len(), area, key);
                let hit = self.table.click(&table, area, ctx.area.x + x, ctx.area.y + y, key);
                if let (Hit::Row(r), Action::DoubleClick(..)) = (hit, action) {
                    outcome = Outcome::then(Action::OpenLogs(key(r)));
                }
            }
            action => {
                let moved = self.table.act(action, keys.len(), Table::height(area), key);
                if !moved && !self.table.act_sort(action, &COLUMNS) {
                    return Outcome::ignored();
                }
            }
        }
        let keys = self.keys(ctx.model);
        let (list, _) = split(ctx.area, keys.len());
        self.table.settle(keys.len(), Table::height(Panel::list(list)), |i| keys[i].clone());
        outcome
    }

    fn draw(&self, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let theme = ctx.theme;
        let all = ctx.model.kube.pods().count();
        let ready = ctx.model.kube.pods().filter(|p| p.info.ready).count();
        let keys = self.keys(ctx.model);
        let (list, rest) = if keys.is_empty() { (ctx.area, Rect::default()) } else { split(ctx.area, keys.len()) };
        let value = if keys.len() == all { all.to_string() } else { format!("{} of {all}", keys.len()) };
        let mut title = vec![Span::raw("pods "), Span::styled(value, theme.style(Role::Accent))];
        title.extend(no_metrics(ctx).map(|why| Span::styled(format!("   no cpu and memory: {why}"), theme.style(Role::Warn))));
        let title = Line::from(title);
        let area = Panel::list(list);
        let table = self.table.table(&COLUMNS, keys.len(), area, |i| keys[i].clone());
        let right =
            if all > 0 { format!("{ready} ready   {}", position(table.selected, keys.len())).trim_end().to_owned() } else { String::new() };
        Panel::new(title).right(right).focus(true).draw(list, ctx, buf);
        if keys.is_empty() {
            let lines = if all > 0 {
                let why = format!("None of {all} pods matches '{}'.", self.words.text());
                vec![(why, Role::Text), ("Esc clears the filter.".into(), Role::Dim)]
            } else {
                why_empty(ctx)
            };
            empty_lines(ctx, Panel::inner(list), &lines, buf);
            return;
        }
        table.draw(ctx, area, buf, |row, column, pen| {
            if let Some(p) = keys.get(row).and_then(|n| ctx.model.kube.pod(n)) {
                pen.line(&cell(p, column, pen.left(), ctx), COLUMNS[column].right);
            }
        });
        if let Some(p) = table.selected.and_then(|i| ctx.model.kube.pod(&keys[i]))
            && rest.height >= 3
        {
            detail(rest, p, ctx, buf);
        }
    }
}

/// Why cpu and memory are not known of any pod.
fn no_metrics<'a>(ctx: &Ctx<'a>) -> Option<&'a str> {
    let (_, s) = ctx.model.sources.iter().find(|(n, _)| n.as_str() == "kube:podmetrics")?;
    let without = !matches!(s.state, Some(SourceState::Live)) && !s.detail.is_empty();
    (without && ctx.model.kube.pods().all(|p| p.last_usage().is_none())).then_some(s.detail.as_str())
}

/// Why there are no pods, and what to do.
fn why_empty(ctx: &Ctx<'_>) -> Vec<(String, Role)> {
    let session = &ctx.model.session;
    let namespace = session.namespace.as_deref().unwrap_or("sp1-cluster");
    if ctx.model.kube.known {
        return vec![
            (format!("There is no pod in the namespace {namespace}."), Role::Text),
            ("Is it the right one? -n NAME chooses another; kubectl get pods -A shows all.".into(), Role::Dim),
        ];
    }
    let mut out = Vec::new();
    let mut kube = false;
    for (name, s) in ctx.model.sources.iter().filter(|(n, _)| n.as_str().starts_with("kube")) {
        kube = true;
        let words = s.state.map_or("opening", SourceState::as_str);
        let bad = matches!(s.state, Some(SourceState::Denied | SourceState::Stale));
        let text = if s.detail.is_empty() { format!("{name}: {words}") } else { format!("{name}: {words}: {}", s.detail) };
        out.push((text, if bad { Role::Warn } else { Role::Dim }));
    }
    if kube {
        out.insert(0, ("Kubernetes has not told of any pod yet.".into(), Role::Text));
    } else {
        let text = match ctx.time {
            TimeBase::Replay { .. } => "This recording holds nothing from Kubernetes: logs alone do not tell of pods.",
            _ => "Kubernetes is not among the sources (--no-kube, or no context): logs alone do not tell of pods.",
        };
        out.push((text.into(), Role::Text));
        out.push(("With a context that may list and watch pods they appear here: sp1top doctor checks it.".into(), Role::Dim));
    }
    out
}

fn role_of(health: Health) -> Role {
    match health {
        Health::Over => Role::Dim,
        Health::Good => Role::Good,
        Health::Unsure => Role::Warn,
        Health::Bad => Role::Bad,
    }
}

fn memory_role(used: u64, limit: u64) -> Role {
    match used.saturating_mul(100).checked_div(limit) {
        Some(95..) => Role::Bad,
        Some(85..) => Role::Warn,
        _ => Role::Text,
    }
}

fn ended(t: &Termination) -> String {
    format!("{} ({})", t.reason, t.exit_code)
}

fn cell<'a>(p: &'a Pod, column: usize, width: u16, ctx: &Ctx<'a>) -> Line<'a> {
    let theme = ctx.theme;
    let dim = theme.style(Role::Dim);
    let usage = p.last_usage();
    match column {
        0 => Line::styled(cut_middle(&p.info.name, width, ctx.symbols.ellipsis), theme.style(Role::Text)),
        1 => {
            let (words, health) = state(p);
            let mark = match health {
                Health::Good => ctx.symbols.dots.0,
                Health::Unsure => ctx.symbols.dots.1,
                Health::Bad => ctx.symbols.marks.1,
                Health::Over => ctx.symbols.marks.0,
            };
            let text = format!("{mark} {words}");
            Line::styled(cut(&text, width, ctx.symbols.ellipsis).into_owned(), theme.style(role_of(health)))
        }
        2 => Line::styled(p.info.restarts.to_string(), if p.info.restarts > 0 { theme.style(Role::Warn) } else { dim }),
        3 => Line::styled(p.info.created_at.map(|t| age(ctx.now().since(t))).unwrap_or_default(), dim),
        4 => Line::styled(usage.and_then(|u| u.cpu_millicores).map(cores).unwrap_or_default(), dim),
        5 => match usage.and_then(|u| u.memory_bytes) {
            Some(m) => Line::styled(units::bytes(m), theme.style(memory_role(m, p.info.memory_limit.unwrap_or(0)))),
            None => Line::default(),
        },
        6 => Line::styled(p.info.memory_limit.map(units::bytes).unwrap_or_default(), dim),
        7 => match &p.info.last_termination {
            Some(t) => {
                let role = if t.exit_code == 0 { Role::Dim } else { Role::Warn };
                Line::styled(cut(&ended(t), width, ctx.symbols.ellipsis).into_owned(), theme.style(role))
            }
            None => Line::default(),
        },
        8 => Line::styled(cut(p.info.node.as_deref().unwrap_or_default(), width, ctx.symbols.ellipsis), dim),
        _ => Line::default(),
    }
}

/// The larger unit alone, as kubectl has it.
fn age(d: std::time::Duration) -> String {
    match d.as_secs() {
        s @ 0..120 => format!("{s}s"),
        s @ 120..7200 => format!("{}m", s / 60),
        s @ 7200..172_800 => format!("{}h", s / 3600),
        s => format!("{}d", s / 86_400),
    }
}

fn cores(millis: u64) -> String {
    if millis < 1000 { format!("{millis}m") } else { format!("{}.{}", millis / 1000, millis % 1000 / 100) }
}

/// What a node counts itself, in one line.
fn counted(c: &Counters, ctx: &Ctx<'_>) -> String {
    let mut words: Vec<String> = c.gpu_busy.map(|b| format!("GPU busy {:.0}%", b * 100.0)).into_iter().collect();
    for t in c.types.iter().filter(|t| t.ended > 0) {
        let each = t.mean().map(|d| format!(" of {}", units::seconds(d))).unwrap_or_default();
        let failed = if t.failed > 0 { format!(", {} failed", t.failed) } else { String::new() };
        words.push(format!("{} {}{each}{failed}", t.ended, t.name));
    }
    if words.is_empty() {
        words.push("no task yet".into());
    }
    format!("{} ({} ago)", words.join(&format!(" {} ", ctx.symbols.separator)), units::seconds(ctx.now().since(c.at)))
}

fn detail(area: Rect, p: &Pod, ctx: &Ctx<'_>, buf: &mut Buffer) {
    let theme = ctx.theme;
    let (text, dim) = (theme.style(Role::Text), theme.style(Role::Dim));
    let i = &p.info;
    Panel::new(i.name.clone()).right(p.component.map_or("", Component::as_str)).draw(area, ctx, buf);
    let inner = Panel::text(area);
    let mut y = inner.y;
    let mut say = |buf: &mut Buffer, label: &str, value: &str, role: Role| {
        for (n, l) in wrap(value, inner.width.saturating_sub(12)).into_iter().take(3).enumerate() {
            if y < inner.bottom() {
                put(buf, inner, inner.x, y, if n == 0 { label } else { "" }, dim);
                put(buf, inner, inner.x + 12, y, &l, theme.style(role));
                y += 1;
            }
        }
    };
    if let Some(u) = i.unschedulable.as_deref() {
        say(buf, "schedule", u, Role::Bad);
    }
    if let Some(m) = i.waiting_message.as_deref() {
        say(buf, "waiting", m, Role::Warn);
    }
    if let Some(t) = &i.last_termination {
        let when = t.at.map(|t| format!(", {} UTC, {} ago", t.date_clock(), units::seconds(ctx.now().since(t)))).unwrap_or_default();
        say(buf, "last end", &format!("{}{when}", ended(t)), if t.exit_code == 0 { Role::Text } else { Role::Warn });
    }
    if let Some(image) = &i.image {
        say(buf, "image", image, Role::Text);
    }
    if let Some(c) = &p.counters {
        let role = if c.types.iter().any(|t| t.failed > 0) { Role::Warn } else { Role::Text };
        say(buf, "its counts", &counted(c, ctx), role);
    }
    if let (Some(u), Some(limit)) = (p.last_usage().and_then(|u| u.memory_bytes), i.memory_limit)
        && y < inner.bottom()
    {
        put(buf, inner, inner.x, y, "memory", dim);
        let bar = Rect { x: inner.x + 12, y, width: inner.width.saturating_sub(36).min(40), height: 1 };
        let role = memory_role(u, limit);
        gauge(buf, bar, u, limit, theme.style(if role == Role::Text { Role::Good } else { role }), ctx);
        put(buf, inner, bar.right() + 1, y, &format!("{} of {}", units::bytes(u), units::bytes(limit)), text);
        y += 1;
    }
    y += u16::from(y + 1 < inner.bottom());
    let object = format!("pod/{}", i.name);
    for n in ctx.model.kube.notes().rev().filter(|n| n.object == object) {
        if y >= inner.bottom() {
            break;
        }
        let role = if n.kind == "Warning" { Role::Warn } else { Role::Dim };
        let count = if n.count > 1 { format!(" ({} times)", n.count) } else { String::new() };
        let line = Line::from(vec![
            Span::styled(format!("{}  ", n.at.clock()), dim),
            Span::styled(n.reason.clone(), theme.style(role)),
            Span::styled(format!("  {}{count}", n.message), text),
        ]);
        put_line(buf, inner, inner.x, y, &line);
        y += 1;
    }
}
