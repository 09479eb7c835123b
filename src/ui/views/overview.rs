//! Everything at a glance: queues, proofs, workers, what happened.

mod lists;
mod proofs;
mod queues;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::ProofId;
use crate::ui::keymap::Binding;
use crate::ui::views::common::empty_lines;
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::table::{Hit, Table, TableState};
use crate::ui::{Action, Ctx, Effect, Outcome, Role, TimeBase, View, ViewId};

/// What the graphs can span.
const ZOOMS: [(Duration, &str); 4] = [
    (Duration::from_secs(900), "15 min"),
    (Duration::from_secs(3600), "1 h"),
    (Duration::from_secs(6 * 3600), "6 h"),
    (Duration::from_secs(24 * 3600), "24 h"),
];

/// The first screen.
pub struct Overview {
    zoom: usize,
    table: TableState<ProofId>,
}

impl Default for Overview {
    fn default() -> Self {
        Self { zoom: 0, table: TableState::new(0) }
    }
}

/// Where its parts are; empty ones are not drawn.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    alerts: Rect,
    cpu: Rect,
    gpu: Rect,
    proofs: Rect,
    workers: Rect,
    moments: Rect,
}

impl Parts {
    fn new(area: Rect, alerts: usize, proofs: usize) -> Self {
        let mut p = Self::default();
        let mut y = area.y;
        let mut left = area.height;
        let mut take = |wanted: u16| {
            let h = wanted.min(left);
            left -= h;
            let r = Rect { y, height: h, ..area };
            y += h;
            r
        };
        let h = area.height;
        let alerts = u16::try_from(alerts).unwrap_or(u16::MAX);
        if alerts > 0 {
            p.alerts = take(if h >= 20 { alerts.min(h / 8).max(1) + 2 } else { 1 });
        }
        let queues = match h {
            0..=4 => 0,
            5..=9 => 3,
            10..=15 => 6,
            _ => (h * 36 / 100).clamp(8, 18),
        };
        let row = take(queues);
        let half = row.width / 2;
        p.cpu = Rect { width: half, ..row };
        p.gpu = Rect { x: row.x + half, width: row.width - half, ..row };
        let rest = h.saturating_sub(p.alerts.height + queues);
        let bottom = if rest >= 11 { (rest * 40 / 100).clamp(5, 16) } else { 0 };
        let wanted = u16::try_from(proofs).unwrap_or(u16::MAX).saturating_add(3).max(5);
        p.proofs = take(if bottom > 0 { wanted.min(rest - bottom) } else { rest });
        let row = take(u16::MAX);
        if row.width >= 90 {
            let w = (row.width * 36 / 100).min(64);
            p.workers = Rect { width: w, ..row };
            p.moments = Rect { x: row.x + w, width: row.width - w, ..row };
        } else {
            p.moments = row;
        }
        p
    }
}

impl Overview {
    fn parts(ctx: &Ctx<'_>, proofs: usize) -> Parts {
        // Muted ones are counted in the top bar; they take no room here.
        Parts::new(ctx.area, ctx.alerts.loud().count(), proofs)
    }
}

impl View for Overview {
    fn id(&self) -> ViewId {
        ViewId::Overview
    }

    fn title(&self) -> &'static str {
        "overview"
    }

    fn about(&self) -> &'static [&'static str] {
        &[
            "The two graphs are the coordinator's queues: tasks that wait for a CPU or a GPU worker. A queue that rises and falls is work; one \
             that stands still while nothing runs is trouble. Each column shows the highest value in its stretch of time; where the log was \
             silent there is nothing.",
            "Weight is what the coordinator counts in when it gives tasks to workers, meant as GB of memory: the weight of the tasks that are \
             assigned, of what the workers can take. It is not a percentage of anything's load.",
            "The list has the proofs that are worked on, the oldest first, and below them those that ended last. A proof goes through setup, \
             execute, shards, recursion, and, for plonk and groth16, shrink and wrap; shards are proved while execution still goes on. ELAPSED \
             counts from the request; ENDS IN is a range, and how it is found is said on proofs (3).",
            "Queues, weights and numbers of workers are the coordinator's GetStats: asked for every second where its gRPC is reached, else read from its \
             log, which has them every 10 s. The top line has the alerts that fire, the sources by state (8 lists them), the time in the data (UTC) and \
             the age of the newest stats.",
        ]
    }

    fn bindings(&self) -> &'static [Binding] {
        &[]
    }

    fn hints(&self) -> &'static [(&'static str, &'static str)] {
        &[("enter", "open the proof"), ("+ -", "zoom")]
    }

    fn offers(&self, keys: &str, ctx: &Ctx<'_>) -> bool {
        if keys == "enter" { !ctx.model.proofs.is_empty() } else { ctx.model.stats.is_some() }
    }

    fn update(&mut self, action: &Action, ctx: &Ctx<'_>) -> Outcome {
        let keys = proofs::listed(ctx.model);
        let area = Panel::list(Self::parts(ctx, keys.len()).proofs);
        let key = |i: usize| keys[i].clone();
        let selected = self.table.locate(keys.len(), key).map(key);
        let mut outcome = Outcome::done();
        match action {
            Action::ZoomIn => self.zoom = self.zoom.saturating_sub(1),
            Action::ZoomOut => self.zoom = (self.zoom + 1).min(ZOOMS.len() - 1),
            Action::Enter => outcome = selected.map_or(outcome, |id| Outcome::then(Action::OpenProof(id))),
            Action::Copy => outcome = selected.map_or(outcome, |id| Outcome::effect(Effect::Copy(id.to_string()))),
            Action::Click(x, y) | Action::DoubleClick(x, y) => {
                let columns = proofs::columns(area.width);
                let table = self.table.table(&columns, keys.len(), area, key);
                let hit = self.table.click(&table, area, ctx.area.x + x, ctx.area.y + y, key);
                if let (Hit::Row(r), Action::DoubleClick(..)) = (hit, action) {
                    outcome = Outcome::then(Action::OpenProof(key(r)));
                }
            }
            action => {
                if !self.table.act(action, keys.len(), Table::height(area), key) {
                    return Outcome::ignored();
                }
            }
        }
        self.table.settle(keys.len(), Table::height(area), key);
        outcome
    }

    fn draw(&self, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let model = ctx.model;
        if model.stats.is_none() && model.proofs.is_empty() && model.workers.is_empty() {
            nothing_yet(ctx, buf);
            return;
        }
        let keys = proofs::listed(model);
        let parts = Self::parts(ctx, keys.len());
        lists::alerts(parts.alerts, ctx, buf);
        let (span, words) = ZOOMS[self.zoom.min(ZOOMS.len() - 1)];
        queues::draw(queues::Kind::Cpu, parts.cpu, span, words, ctx, buf);
        queues::draw(queues::Kind::Gpu, parts.gpu, span, words, ctx, buf);
        proofs::draw(parts.proofs, &keys, &self.table, ctx, buf);
        lists::workers(parts.workers, ctx, buf);
        lists::moments(parts.moments, ctx, buf);
    }
}

/// Why there is nothing to show, and what to do.
fn nothing_yet(ctx: &Ctx<'_>, buf: &mut Buffer) {
    let blank = || (String::new(), Role::Text);
    if let Some(p) = crate::output::plight::of(ctx.model) {
        let mut lines: Vec<(String, Role)> = vec![(p.what.into(), Role::Title), blank(), (format!("Found: {}", p.found), Role::Warn)];
        for (why, run) in p.tries {
            lines.extend([blank(), (why.into(), Role::Dim), (run, Role::Text)]);
        }
        lines.extend([blank(), ("It goes on by itself once that is mended. 8 shows the sources.".into(), Role::Dim)]);
        if ctx.time == TimeBase::Live {
            lines.push((": context NAME and : namespace NAME look elsewhere without leaving.".into(), Role::Dim));
        }
        empty_lines(ctx, ctx.area, &lines, buf);
        return;
    }
    let mut lines: Vec<(String, Role)> = vec![("Nothing is known of the cluster yet".into(), Role::Title), blank()];
    let sources = &ctx.model.sources;
    let begin = ctx.time.span().map(|(begin, _)| begin);
    if begin.is_some_and(|b| ctx.now() <= b) {
        // Nothing was heard yet then.
        let what = if matches!(ctx.time, TimeBase::Past { .. }) { "The session begins here." } else { "The recording begins here." };
        let on = "Go on with ] (10 s), } (5 min) or . (the next event).";
        let lines = [(what.into(), Role::Title), blank(), (on.into(), Role::Dim)];
        empty_lines(ctx, ctx.area, &lines, buf);
        return;
    }
    if sources.is_empty() {
        lines.push((
            "No source of data is open. Sources are a Kubernetes context, --coordinator-rpc, or --log coordinator=FILE.".into(),
            Role::Text,
        ));
    } else {
        lines.extend([("This screen needs the coordinator's log, or its GetStats.".into(), Role::Text), blank()]);
        for (name, s) in sources.iter().take(8) {
            let state = s.state.map_or("opening", crate::envelope::SourceState::as_str);
            let text = if s.detail.is_empty() { format!("{name}: {state}") } else { format!("{name}: {state}: {}", s.detail) };
            let role = if s.state == Some(crate::envelope::SourceState::Denied) { Role::Warn } else { Role::Dim };
            lines.push((text, role));
        }
        if sources.len() > 8 {
            lines.push((format!("and {} more", sources.len() - 8), Role::Dim));
        }
    }
    lines.push(blank());
    lines.push(("8 shows the sources; sp1top doctor checks the way to the cluster; sp1top demo needs none.".into(), Role::Dim));
    empty_lines(ctx, ctx.area, &lines, buf);
}
