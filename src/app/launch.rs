//! The dialogs that change the cluster: sending proofs and cancelling them.
//! Nothing is done before a second question, whose default is No.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::form::{self, Fill, Value};
use super::popup::Popup;
use super::store::StoreForm;
use super::{App, World};
use crate::base::{ProofId, units};
use crate::capacity;
use crate::event::ProofMode;
use crate::ui::draw::{put, wrap};
use crate::ui::widgets::input::Input;
use crate::ui::widgets::panel::Panel;
use crate::ui::{Action, Ctx, Effect, Launch, Program, Request, Role, TimeBase};

/// What the dialogs need to know of the set-up; read by the shell.
#[derive(Clone, Debug, Default)]
pub struct ProverSetup {
    /// Nothing may be changed, whatever is confirmed.
    pub read_only: bool,
    /// The artifact store without secrets, or why there is none.
    pub store: Option<Result<String, String>>,
    /// The store that was set for another cluster: it is this one's only where
    /// somebody says so.
    pub other_store: Option<String>,
    /// The folder that the dialog for range proofs begins with.
    pub checkout: String,
}

const MODES: [ProofMode; 4] = [ProofMode::Core, ProofMode::Compressed, ProofMode::Plonk, ProofMode::Groth16];

/// A line of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Program,
    N,
    Elf,
    Input,
    Mode,
    Count,
    Timeout,
    Store,
    Urls,
    Bucket,
    Region,
}

/// The dialog that sends proofs.
#[derive(Clone, Debug)]
pub struct Launcher {
    elf: bool,
    n: Input,
    path: Input,
    item: Input,
    mode: usize,
    count: Input,
    timeout: Input,
    at: usize,
    /// What is wrong with what was typed.
    pub(super) wrong: Option<String>,
    /// The artifact store, where none is set.
    pub(super) store: Option<StoreForm>,
}

/// A question with Yes and No.
#[derive(Clone, Debug)]
pub struct Confirm {
    title: &'static str,
    /// What will be done, a paragraph each; the first is the question.
    text: Vec<(Role, String)>,
    request: Request,
    yes: bool,
}

impl Launcher {
    /// As it is opened.
    pub fn new(store: Option<StoreForm>) -> Self {
        Self {
            elf: false,
            n: Input::new("1000"),
            path: Input::default(),
            item: Input::default(),
            mode: 1,
            count: Input::new("1"),
            timeout: Input::new("4h"),
            at: 0,
            wrong: None,
            store,
        }
    }

    fn fields(&self) -> Vec<Field> {
        let own: &[Field] = if self.elf { &[Field::Elf, Field::Input] } else { &[Field::N] };
        let store = self.store.as_ref().map_or(&[][..], StoreForm::fields);
        [&[Field::Program], own, &[Field::Mode, Field::Count, Field::Timeout], store].concat()
    }

    fn field(&self) -> Field {
        self.fields().get(self.at).copied().unwrap_or(Field::Program)
    }

    fn mode(&self) -> ProofMode {
        MODES[self.mode % MODES.len()]
    }

    fn row(&self, field: Field) -> (&'static str, Value<'_>) {
        match field {
            Field::Program => ("program", Value::Choice(vec![("fibonacci", !self.elf), ("an ELF file", self.elf)])),
            Field::N => ("n", Value::Text(&self.n, "which number; about five cycles each")),
            Field::Elf => ("ELF file", Value::Text(&self.path, "path of an SP1 v6 program")),
            Field::Input => ("input", Value::Text(&self.item, "none; hex digits, or @FILE")),
            Field::Mode => ("mode", Value::Choice(MODES.map(|m| (m.as_str(), m == self.mode())).to_vec())),
            Field::Count => ("at once", Value::Text(&self.count, "1")),
            Field::Timeout => ("deadline in", Value::Text(&self.timeout, "4h")),
            field => self.store.as_ref().map_or(("", Value::Choice(Vec::new())), |s| s.row(field)),
        }
    }

    /// What was typed, or what is wrong with it.
    fn launch(&self) -> Result<Launch, String> {
        let program = if self.elf {
            let path = self.path.text().trim();
            if path.is_empty() {
                return Err("give the path of an SP1 v6 ELF".into());
            }
            Program::Elf { path: path.to_owned(), input: self.item.text().trim().to_owned() }
        } else {
            let n = self.n.text().trim().parse().map_err(|_| format!("n is a whole number up to {}", u32::MAX))?;
            Program::Fibonacci(n)
        };
        let count = self.count.text().trim().parse().ok().filter(|n| (1..=256).contains(n));
        let count = count.ok_or("so many at once: a number from 1 to 256")?;
        let timeout = units::parse_duration(self.timeout.text()).ok_or("a time is a number with s, m, h or d behind it: 90s, 30m, 4h")?;
        Ok(Launch { program, mode: self.mode(), count, timeout })
    }
}

impl Fill for Launcher {
    fn rows(&self) -> Vec<(&'static str, Value<'_>)> {
        self.fields().into_iter().map(|f| self.row(f)).collect()
    }

    fn at(&mut self) -> &mut usize {
        self.wrong = None;
        &mut self.at
    }

    fn input(&mut self) -> Option<&mut Input> {
        Some(match self.field() {
            Field::N => &mut self.n,
            Field::Elf => &mut self.path,
            Field::Input => &mut self.item,
            Field::Count => &mut self.count,
            Field::Timeout => &mut self.timeout,
            Field::Program | Field::Mode | Field::Store => return None,
            field => return self.store.as_mut().and_then(|s| s.input(field)),
        })
    }

    fn choose(&mut self, i: usize) {
        match self.field() {
            Field::Program => self.elf = i == 1,
            Field::Mode => self.mode = i,
            Field::Store => self.store.iter_mut().for_each(|s| s.choose(i)),
            _ => {}
        }
    }
}

impl Confirm {
    fn launch(l: &Launch, store: &str, word: Option<capacity::Word>) -> Self {
        let what = match &l.program {
            Program::Fibonacci(n) => format!("fibonacci (n={n})"),
            Program::Elf { path, .. } => path.clone(),
        };
        let many = if l.count == 1 { "one".to_owned() } else { format!("{}", l.count) };
        let proofs = if l.count == 1 { "proof" } else { "proofs" };
        let question =
            format!("Send {many} {} {proofs} of {what} to this cluster, deadline in {}?", l.mode.as_str(), units::duration(l.timeout));
        let mut text = vec![(Role::Text, question)];
        text.extend(word.map(|w| (if w.bad { Role::Warn } else { Role::Good }, w.text)));
        text.push((Role::Dim, format!("Its program and input go to {store}. It takes the cluster's workers like any other proof.")));
        Self::new("send", text, Request::Prove(l.clone()))
    }

    /// A question with what is done on a Yes.
    pub(super) fn new(title: &'static str, text: Vec<(Role, String)>, request: Request) -> Self {
        Self { title, text, request, yes: false }
    }

    #[cfg(test)]
    pub(super) const fn yes(&self) -> bool {
        self.yes
    }

    /// A click on an answer chooses it; Enter gives it.
    pub(super) fn click(&mut self, area: Rect, at: Position) {
        let inner = Panel::inner(area);
        let lines: usize = self.text.iter().map(|(_, t)| wrap(t, inner.width).len() + 1).sum();
        if usize::from(at.y.saturating_sub(inner.y)) != lines {
            return;
        }
        match at.x.checked_sub(inner.x) {
            Some(0..4) => self.yes = false,
            Some(6..11) => self.yes = true,
            _ => {}
        }
    }

    fn cancel(id: &ProofId, about: String) -> Self {
        let text = vec![(Role::Text, format!("Cancel {id}?")), (Role::Dim, about)];
        Self::new("cancel", text, Request::Cancel(id.clone()))
    }
}

impl App {
    /// Opens the dialog, or says why not.
    pub(super) fn open_launch(&mut self, world: &World<'_>) {
        if self.may_change(world) {
            match &self.prover.store {
                Some(Ok(_)) if self.typed_store.is_none() => self.popup = Some(Popup::Launch(Box::new(Launcher::new(None)))),
                // It is typed here, or was.
                other => {
                    let wrong = other.as_ref().and_then(|s| s.as_ref().err().cloned());
                    let begin = || StoreForm::new(self.prover.other_store.clone());
                    let store = Some(self.typed_store.clone().unwrap_or_else(begin));
                    self.popup = Some(Popup::Launch(Box::new(Launcher { wrong, ..Launcher::new(store) })));
                }
            }
        }
    }

    /// Opens the question, or says why not.
    pub(super) fn open_cancel(&mut self, id: &ProofId, world: &World<'_>) {
        if !self.may_change(world) {
            return;
        }
        let Some(p) = world.model.proofs.get(id).filter(|p| p.is_active()) else {
            self.say(format!("{id} is over: there is nothing to cancel"));
            return;
        };
        let mode = p.mode.map_or("", ProofMode::as_str);
        let running = p.running();
        let ours =
            if world.model.jobs.get(id).is_some() { "It was sent from here." } else { "It was not sent from here: somebody waits for it." };
        let since = units::duration(world.model.now.since(p.began_at()));
        let about = format!("A {mode} proof, requested {since} ago, {running} tasks running. What was proved so far is lost. {ours}");
        self.popup = Some(Popup::Confirm(Box::new(Confirm::cancel(id, about))));
    }

    pub(super) fn may_change(&mut self, world: &World<'_>) -> bool {
        let why = match world.time {
            _ if self.prover.read_only => "read-only: nothing in the cluster is changed (start without --read-only)".to_owned(),
            TimeBase::Live | TimeBase::Demo { .. } => return true,
            TimeBase::Past { .. } => format!("this is the past: go back to now first ({})", self.key_of(&Action::ToLive)),
            TimeBase::Replay { .. } => "a recording takes no proofs: sp1top watch, or sp1top demo".to_owned(),
        };
        self.say(why);
        false
    }

    /// The key that does it.
    pub(super) fn key_of(&self, action: &Action) -> String {
        let all = crate::ui::keymap::GLOBAL.iter().flat_map(|g| g.bindings);
        all.filter(|b| (b.action)() == *action).map(|b| self.symbols.keys.first("", b)).next().unwrap_or_default().to_owned()
    }

    pub(super) fn key_in_launch(&mut self, key: &KeyEvent, mut form: Box<Launcher>, world: &World<'_>) -> Vec<Effect> {
        form.wrong = None;
        match key.code {
            KeyCode::Esc => return Vec::new(),
            KeyCode::Enter => match form.launch() {
                Ok(_) => {
                    if let Some(store) = form.store.as_ref().filter(|s| !s.is_taken()) {
                        if let Some(what) = store.lacks() {
                            form.wrong = Some(what.into());
                            self.popup = Some(Popup::Launch(form));
                            return Vec::new();
                        }
                        let typed = store.typed();
                        self.popup = Some(Popup::Launch(form));
                        return vec![Effect::Store(typed)];
                    }
                    self.ask_launch(form, world);
                    return Vec::new();
                }
                Err(e) => form.wrong = Some(e),
            },
            _ => form.fill(key),
        }
        self.popup = Some(Popup::Launch(form));
        Vec::new()
    }

    /// Asks whether to send what the form says.
    pub(super) fn ask_launch(&mut self, mut form: Box<Launcher>, world: &World<'_>) {
        match form.launch() {
            Ok(launch) => {
                let word = capacity::word(world.model, launch.mode, u32::from(launch.count));
                let store = self.prover.store.clone().and_then(Result::ok).unwrap_or_default();
                self.popup = Some(Popup::Confirm(Box::new(Confirm::launch(&launch, &store, word))));
            }
            Err(e) => {
                form.wrong = Some(e);
                self.popup = Some(Popup::Launch(form));
            }
        }
    }

    pub(super) fn key_in_confirm(&mut self, key: &KeyEvent, mut ask: Box<Confirm>, world: &World<'_>) -> Vec<Effect> {
        match key.code {
            KeyCode::Char('y' | 'Y') => return self.confirmed(ask.request, world),
            KeyCode::Enter if ask.yes => return self.confirmed(ask.request, world),
            KeyCode::Left
            | KeyCode::Right
            | KeyCode::Up
            | KeyCode::Down
            | KeyCode::Tab
            | KeyCode::BackTab
            | KeyCode::Char('h' | 'j' | 'k' | 'l') => {
                ask.yes = !ask.yes;
                self.popup = Some(Popup::Confirm(ask));
            }
            _ => self.say(match ask.request {
                Request::Prove(_) => "nothing was sent",
                Request::Cancel(_) => "nothing was cancelled",
                Request::Range(_) | Request::StopRange { .. } => "nothing was changed",
            }),
        }
        Vec::new()
    }

    fn confirmed(&mut self, request: Request, world: &World<'_>) -> Vec<Effect> {
        if matches!(request, Request::Range(_)) {
            // Its output is what one wants to see now; the key to its proof is told there.
            self.popup = Some(Popup::run());
            self.await_run(world);
        }
        vec![Effect::Cluster(request)]
    }

    pub(super) fn launch_area(form: &Launcher, room: Rect) -> Rect {
        // What is wrong may take some lines.
        let rows = form.store.as_ref().map_or(0, |s| s.fields().len() + 1);
        super::popup::centre(room, 72.min(room.width.saturating_sub(4)), 13 + u16::try_from(rows).unwrap_or(0))
    }

    pub(super) fn confirm_area(ask: &Confirm, room: Rect) -> Rect {
        let w = room.width.saturating_sub(4).min(72);
        let lines: usize = ask.text.iter().map(|(_, t)| wrap(t, w.saturating_sub(4)).len() + 1).sum();
        super::popup::centre(room, w, u16::try_from(lines).unwrap_or(20).saturating_add(3))
    }

    pub(super) fn draw_launch(&self, area: Rect, form: &Launcher, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let inner = Panel::new("send a proof").right("enter goes on  esc closes").focus(true).draw(area, ctx, buf);
        let y = form::draw(inner, &form.rows(), form.at, ctx, buf) + 1;
        let mut lines: Vec<(Role, String)> = Vec::new();
        lines.extend(form.wrong.clone().map(|w| (Role::Bad, w)));
        match capacity::word(ctx.model, form.mode(), form.launch().map_or(1, |l| u32::from(l.count))) {
            Some(w) => lines.push((if w.bad { Role::Warn } else { Role::Good }, w.text)),
            None => lines.push((Role::Dim, "whether it fits is not known: no maximum weight of a CPU worker is seen yet".into())),
        }
        if let Some(store) = &form.store {
            // Of what is wrong all is to be seen.
            if form.wrong.is_none() {
                lines.push(store.note());
            }
        } else if let Some(Ok(store)) = &self.prover.store {
            lines.push((Role::Dim, format!("store: {store}")));
        }
        form::paragraphs(inner, y, &lines, ctx, buf);
    }

    pub(super) fn draw_confirm(&self, area: Rect, ask: &Confirm, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let theme = &self.theme;
        let inner = Panel::new(ask.title).right("y: yes  esc: no").focus(true).draw(area, ctx, buf);
        let mut y = inner.y;
        for (role, text) in &ask.text {
            for l in wrap(text, inner.width) {
                put(buf, inner, inner.x, y, &l, theme.style(*role));
                y += 1;
            }
            y += 1;
        }
        let button = |on: bool| -> Style { theme.style(if on { Role::TabActive } else { Role::Tab }) };
        let x = put(buf, inner, inner.x, y, " No ", button(!ask.yes));
        put(buf, inner, x + 2, y, " Yes ", button(ask.yes));
    }
}
