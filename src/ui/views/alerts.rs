//! Alerts: what fires and what fired, why, and what to type.

mod detail;
mod list;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::list::{COLUMNS, Entry, RowKey};
use super::common::{Title, empty_lines, list_over_details};
use crate::alerts::{Alert, Severity};
use crate::base::change::Change;
use crate::base::units;
use crate::ui::action::AlertMark;
use crate::ui::keymap::Binding;
use crate::ui::widgets::filter::{Words, holds};
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::table::{Hit, Table, TableState, position};
use crate::ui::{Action, Ctx, Effect, Outcome, Role, TimeBase, View, ViewId};

/// The view of the alerts.
pub struct AlertsView {
    table: TableState<RowKey>,
    words: Words,
    /// Only those that fire.
    firing_only: bool,
    /// The selected one fills the screen.
    open: bool,
    /// Which of its fixes is selected.
    fix: usize,
    /// The first line of it that is shown.
    scroll: usize,
}

impl Default for AlertsView {
    fn default() -> Self {
        Self { table: TableState::new(0), words: Words::default(), firing_only: false, open: false, fix: 0, scroll: 0 }
    }
}

/// The mark, word and role of a severity.
pub const fn severity(ctx: &Ctx<'_>, s: Severity) -> (&'static str, &'static str, Role) {
    let marks = ctx.symbols.alerts;
    match s {
        Severity::Critical => (marks.0, "critical", Role::Bad),
        Severity::Warning => (marks.1, "warning", Role::Warn),
        Severity::Info => (marks.2, "info", Role::Info),
    }
}

/// How long a session has to have looked before it says that all is well.
const ENOUGH: Duration = Duration::from_secs(22);

fn split(area: Rect, rows: usize) -> (Rect, Rect) {
    list_over_details(area, rows, 5, (16, 45))
}

impl AlertsView {
    fn rows<'a>(&self, ctx: &Ctx<'a>) -> Vec<Entry<'a>> {
        list::entries(ctx.alerts, self.firing_only)
            .into_iter()
            .filter(|e| {
                let a = e.alert;
                self.words.keeps(|w| {
                    holds(a.id, w) || holds(&a.subject, w) || holds(&a.summary, w) || holds(a.severity.as_str(), w) || holds(e.state(), w)
                })
            })
            .collect()
    }

    /// The command of the selected fix.
    fn command<'a>(&self, a: &'a Alert) -> Option<&'a str> {
        let fix = a.fix.get(self.fix.min(a.fix.len().saturating_sub(1)))?;
        Some(fix.run.as_str()).filter(|r| !r.is_empty())
    }

    fn apply(&self, entry: Option<&Entry<'_>>) -> Outcome {
        let Some(command) = entry.and_then(|e| self.command(e.alert)) else { return Outcome::say("there is no command to apply") };
        match Change::of_command(command) {
            Some(change) => Outcome::then(Action::Change(change)),
            None => Outcome::say("that one is only to be copied: y"),
        }
    }

    /// Goes to what an alert is about.
    fn jump(entry: Option<&Entry<'_>>, to: &str, ctx: &Ctx<'_>) -> Outcome {
        let Some(e) = entry else { return Outcome::done() };
        let found = detail::Concerned::of(e.alert, ctx.model);
        let action = match to {
            "proof" => found.proof.map(Action::OpenProof),
            "worker" => found.worker.map(Action::OpenWorker),
            _ => found.logs.map(Action::OpenLogs),
        };
        action.map_or_else(|| Outcome::say(format!("this alert names no {}", if to == "logs" { "pod" } else { to })), Outcome::then)
    }
}

impl View for AlertsView {
    fn id(&self) -> ViewId {
        ViewId::Alerts
    }

    fn title(&self) -> &'static str {
        "alerts"
    }

    fn about(&self) -> &'static [&'static str] {
        &[
            "What is wrong or will be: those that fire, the worst first, and below them those that are over. FOR is how long, since the data proves it. Each has its cause with numbers, what \
             was seen and when, what follows from it, and commands that mend it, with this cluster's names.",
            "An alert resolves by itself when its cause is gone. Acknowledging marks it as seen; a muted one is not counted, neither rings nor is sent anywhere. \
             Where a command changes a deployment or deletes a pod it can be applied from here: the difference is shown first, and nothing \
             happens without a confirmation. All changes are written to a journal.",
        ]
    }

    fn bindings(&self) -> &'static [Binding] {
        &[
            Binding { keys: &["c"], action: || Action::Copy, what: "copy the fix", hint: false },
            Binding { keys: &["x"], action: || Action::Own("apply"), what: "apply the fix (asks first)", hint: false },
            Binding { keys: &["n"], action: || Action::Own("next-fix"), what: "next fix", hint: false },
            Binding { keys: &["N"], action: || Action::Own("previous-fix"), what: "previous fix", hint: false },
            Binding { keys: &["a"], action: || Action::Own("acknowledge"), what: "acknowledge, or no longer", hint: false },
            Binding { keys: &["z"], action: || Action::Own("mute"), what: "mute, or no longer", hint: false },
            Binding { keys: &["p"], action: || Action::Own("proof"), what: "its proof", hint: false },
            Binding { keys: &["w"], action: || Action::Own("worker"), what: "its worker", hint: false },
            Binding { keys: &["o"], action: || Action::Own("logs"), what: "its logs", hint: false },
        ]
    }

    fn hints(&self) -> &'static [(&'static str, &'static str)] {
        if self.open {
            &[("y", "copy the fix"), ("x", "apply"), ("n", "next fix"), ("a", "acknowledge"), ("o", "logs")]
        } else {
            &[
                ("enter", "open"),
                ("y", "copy the fix"),
                ("x", "apply"),
                ("a", "acknowledge"),
                ("z", "mute"),
                ("v", "firing only"),
                ("/", "filter"),
            ]
        }
    }

    fn offers(&self, keys: &str, ctx: &Ctx<'_>) -> bool {
        if matches!(keys, "v" | "/") {
            return true;
        }
        if keys != "x" {
            return !self.rows(ctx).is_empty();
        }
        // What is only to be copied cannot be applied, and the past cannot be changed.
        let rows = self.rows(ctx);
        let entry = self.table.locate(rows.len(), |i| rows[i].key()).and_then(|i| rows.get(i));
        let command = entry.filter(|e| e.resolved_at.is_none()).and_then(|e| self.command(e.alert));
        ctx.time.is_now() && command.is_some_and(|c| Change::of_command(c).is_some())
    }

    fn filter(&self) -> Option<&str> {
        Some(self.words.text()).filter(|t| !t.is_empty())
    }

    fn crumb(&self) -> Option<String> {
        self.table.selected().filter(|_| self.open).map(|k| k.id.to_owned())
    }

    fn update(&mut self, action: &Action, ctx: &Ctx<'_>) -> Outcome {
        let rows = self.rows(ctx);
        let key = |i: usize| rows[i].key();
        let area = Panel::list(split(ctx.area, rows.len()).0);
        let at = self.table.locate(rows.len(), key);
        let entry = at.and_then(|i| rows.get(i));
        let fixes = entry.map_or(0, |e| e.alert.fix.len());
        let mut outcome = Outcome::done();
        match action {
            // Known, and nothing to do.
            Action::Filter => {}
            Action::FilterText(text) => self.words.set(text),
            Action::InvertFilter => self.words.invert = !self.words.invert,
            Action::Back if self.open => (self.open, self.scroll) = (false, 0),
            Action::Back if !self.words.is_empty() || self.words.invert => self.words.clear(),
            Action::Enter => {
                if let Some(i) = at.filter(|_| !self.open) {
                    self.table.select_at(i, rows.len(), key);
                    (self.open, self.fix, self.scroll) = (true, 0, 0);
                }
            }
            Action::OpenAlert { id, subject } => {
                self.words.clear();
                let key = RowKey { id, subject: subject.clone(), over: None };
                let rows = self.rows(ctx);
                if rows.iter().any(|r| r.key() == key) {
                    self.table.select(key);
                    (self.open, self.fix, self.scroll) = (true, 0, 0);
                } else {
                    outcome = Outcome::say(format!("{id} {subject} is over"));
                }
            }
            Action::Toggle => self.firing_only = !self.firing_only,
            Action::Copy => {
                outcome = match entry.and_then(|e| self.command(e.alert)) {
                    Some(run) => Outcome::effect(Effect::Copy(run.to_owned())),
                    None => Outcome::say("there is no command to copy"),
                };
            }
            Action::Own("apply") => outcome = self.apply(entry),
            Action::Own("next-fix") => self.fix = if fixes > 0 { (self.fix + 1) % fixes } else { 0 },
            Action::Own("previous-fix") => self.fix = if fixes > 0 { (self.fix + fixes - 1) % fixes } else { 0 },
            Action::Own("acknowledge" | "mute") => {
                let what = if matches!(action, Action::Own("mute")) { AlertMark::Mute } else { AlertMark::Acknowledge };
                outcome = match entry {
                    Some(e) if e.resolved_at.is_none() => Outcome::effect(Effect::MarkAlert(e.alert.key(), what)),
                    _ => Outcome::say("it is over: there is nothing to mark"),
                };
            }
            Action::Own(to @ ("proof" | "worker" | "logs")) => outcome = Self::jump(entry, to, ctx),
            Action::Move(n) if self.open => self.scroll = self.scroll.saturating_add_signed(isize::try_from(*n).unwrap_or(0)),
            Action::HalfPage(n) | Action::Page(n) if self.open => {
                let by = isize::try_from(*n).unwrap_or(0).saturating_mul(isize::try_from(ctx.area.height / 2).unwrap_or(1));
                self.scroll = self.scroll.saturating_add_signed(by);
            }
            Action::Top if self.open => self.scroll = 0,
            Action::Bottom if self.open => self.scroll = usize::MAX,
            Action::Click(x, y) | Action::DoubleClick(x, y) if !self.open => {
                let table = self.table.table(&COLUMNS, rows.len(), area, key);
                let hit = self.table.click(&table, area, ctx.area.x + x, ctx.area.y + y, key);
                self.fix = 0;
                if let (Hit::Row(_), Action::DoubleClick(..)) = (hit, action) {
                    (self.open, self.scroll) = (true, 0);
                }
            }
            action if !self.open => {
                if !self.table.act(action, rows.len(), Table::height(area), key) {
                    return Outcome::ignored();
                }
                self.fix = 0;
            }
            // Whatever else belongs to the list.
            Action::Click(..) | Action::DoubleClick(..) => outcome.message = None,
            _ => return Outcome::ignored(),
        }
        if self.open {
            // The end is where the last line is: no further.
            let most = entry.map_or(0, |e| detail::most(e, self.fix, ctx.area, ctx));
            self.scroll = self.scroll.min(most);
        }
        let rows = self.rows(ctx);
        self.table.settle(rows.len(), Table::height(Panel::list(split(ctx.area, rows.len()).0)), |i| rows[i].key());
        outcome
    }

    fn draw(&self, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let rows = self.rows(ctx);
        let key = |i: usize| rows[i].key();
        let at = self.table.locate(rows.len(), key);
        if self.open
            && let Some(e) = at.and_then(|i| rows.get(i))
        {
            detail::whole(e, self.fix, self.scroll, ctx.area, ctx, buf);
            return;
        }
        let (list, rest) = if rows.is_empty() { (ctx.area, Rect::default()) } else { split(ctx.area, rows.len()) };
        let area = Panel::list(list);
        let table = self.table.table(&COLUMNS, rows.len(), area, key);
        let count = |s| ctx.alerts.loud().filter(|a| a.severity == s).count();
        let mut title = Title::new(ctx, "alerts");
        for s in [Severity::Critical, Severity::Warning, Severity::Info] {
            let n = count(s);
            if n > 0 {
                let (mark, word, role) = severity(ctx, s);
                title = title.fact((mark, role), n, word);
            }
        }
        let muted = ctx.alerts.firing().iter().filter(|a| a.muted).count();
        if muted > 0 {
            title = title.add(format!("   {muted} muted"), Role::Dim);
        }
        let right = if self.firing_only {
            format!("firing only   {}", position(table.selected, rows.len()))
        } else {
            position(table.selected, rows.len())
        };
        Panel::new(title.inverted(self.words.invert).line()).right(right.trim_end().to_owned()).focus(true).draw(list, ctx, buf);
        if rows.is_empty() {
            empty_lines(ctx, Panel::inner(list), &self.why_empty(ctx), buf);
            return;
        }
        table.draw(ctx, area, buf, |row, column, pen| {
            if let Some(e) = rows.get(row) {
                list::cell(e, column, ctx, pen);
            }
        });
        if let Some(e) = table.selected.and_then(|i| rows.get(i))
            && rest.height >= 3
        {
            detail::below(e, self.fix, rest, ctx, buf);
        }
    }
}

impl AlertsView {
    /// Why there are none, and whether that is good.
    fn why_empty(&self, ctx: &Ctx<'_>) -> Vec<(String, Role)> {
        let known = list::entries(ctx.alerts, false).len();
        if known > 0 && !self.words.is_empty() {
            let why = format!("None of {known} alerts matches '{}'.", self.words.text());
            return vec![(why, Role::Text), ("Esc clears the filter.".into(), Role::Dim)];
        }
        if ctx.model.stats.is_none() && !ctx.model.kube.known {
            return vec![
                ("Nothing is known of the cluster yet, so nothing can be told of it.".into(), Role::Text),
                ("The sources view (8) says what is missing; sp1top doctor checks the way there.".into(), Role::Dim),
            ];
        }
        // Most rules compare two of the coordinator's periods.
        let looked = ctx.now().since(ctx.model.opened);
        if matches!(ctx.time, TimeBase::Live) && looked < ENOUGH {
            let text = format!("Nothing was found yet; it takes {} to tell what lasts.", units::seconds(ENOUGH));
            return vec![(text, Role::Text)];
        }
        let mut out = vec![(format!("{} Nothing is wrong.", ctx.symbols.marks.0), Role::Good)];
        if known > 0 {
            out.push((format!("{known} alerts are over: v shows them."), Role::Dim));
        }
        out.push(("All rules look at the cluster each second; what they find appears here, the worst first.".into(), Role::Dim));
        out
    }
}
