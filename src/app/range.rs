//! Range proofs and aggregations of op-succinct: the dialog that begins one, the
//! pane with its output, and the question before it is stopped.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::form::{self, Fill, Value};
use super::launch::Confirm;
use super::popup::{Popup, centre};
use super::{App, World};
use crate::base::units;
use crate::event::RunEvent;
use crate::model::ProgramRun;
use crate::ui::draw::{cut, put, put_line, put_right, width, wrap};
use crate::ui::widgets::input::Input;
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::table::scroll_bar;
use crate::ui::{Ctx, Effect, RangeLaunch, RangeTask, Request, Role, TimeBase};

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Newest,
    Blocks,
    Aggregate,
}

const WHATS: [(What, &str); 3] = [(What::Newest, "newest blocks"), (What::Blocks, "from block to block"), (What::Aggregate, "aggregation")];

/// A line of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Dir,
    EnvFile,
    What,
    Newest,
    First,
    Last,
    Ranges,
    Address,
    Prove,
    Witness,
    Timeout,
}

/// The dialog.
#[derive(Clone, Debug)]
pub struct RangeForm {
    dir: Input,
    env_file: Input,
    what: usize,
    newest: Input,
    first: Input,
    last: Input,
    ranges: Input,
    address: Input,
    prove: bool,
    witness: bool,
    timeout: Input,
    at: usize,
    wrong: Option<String>,
}

/// The pane with a run's output.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pane {
    /// Lines up from the end; 0 stays at it.
    up: usize,
}

/// How to stop a run.
#[derive(Clone, Copy, Debug)]
pub struct StopAsk {
    /// The user leaves the program with it.
    quit: bool,
    /// The answer that is chosen: 0 is No.
    at: usize,
}

impl Pane {
    /// Follows the mouse wheel; down is towards the end.
    pub fn wheel(&mut self, by: i32) {
        self.up = self.up.saturating_add_signed(-isize::try_from(by * 3).unwrap_or(0));
    }
}

impl RangeForm {
    /// As it is opened for the first time.
    pub fn new(dir: &str) -> Self {
        Self {
            dir: Input::new(dir),
            env_file: Input::default(),
            what: 0,
            newest: Input::new("5"),
            first: Input::default(),
            last: Input::default(),
            ranges: Input::default(),
            address: Input::default(),
            prove: false,
            witness: true,
            timeout: Input::new("6h"),
            at: 0,
            wrong: None,
        }
    }

    fn what(&self) -> What {
        WHATS[self.what % WHATS.len()].0
    }

    fn fields(&self) -> Vec<Field> {
        let own: &[Field] = match self.what() {
            What::Newest => &[Field::Newest],
            What::Blocks => &[Field::First, Field::Last],
            What::Aggregate => &[Field::Ranges, Field::Address],
        };
        let rest: &[Field] = match (self.prove, self.what()) {
            (false, _) => &[Field::Prove],
            (true, What::Aggregate) => &[Field::Prove, Field::Timeout],
            (true, _) => &[Field::Prove, Field::Witness, Field::Timeout],
        };
        [&[Field::Dir, Field::EnvFile, Field::What], own, rest].concat()
    }

    fn field(&self) -> Field {
        self.fields().get(self.at).copied().unwrap_or(Field::Dir)
    }

    fn row(&self, field: Field) -> (&'static str, Value<'_>) {
        match field {
            Field::Dir => ("checkout", Value::Text(&self.dir, "folder of op-succinct")),
            Field::EnvFile => ("env file", Value::Text(&self.env_file, ".env in the checkout")),
            Field::What => ("what", Value::Choice(WHATS.map(|(w, name)| (name, w == self.what())).to_vec())),
            Field::Newest => ("how many", Value::Text(&self.newest, "the newest finalised blocks, so many")),
            Field::First => ("first block", Value::Text(&self.first, "number of a block")),
            Field::Last => ("last block", Value::Text(&self.last, "number of a block")),
            Field::Ranges => ("range proofs", Value::Text(&self.ranges, "their names, with commas: 1000-1005,1005-1010")),
            Field::Address => ("prover", Value::Text(&self.address, "its address: 0x and 40 hex digits")),
            Field::Prove => ("run", Value::Choice(vec![("the witness only, here", !self.prove), ("a proof, on the cluster", self.prove)])),
            Field::Witness => ("witness first", Value::Choice(vec![("yes", self.witness), ("no", !self.witness)])),
            Field::Timeout => ("give up after", Value::Text(&self.timeout, "6h")),
        }
    }

    /// What was typed, or what is wrong with it.
    fn launch(&self) -> Result<RangeLaunch, String> {
        let text = |i: &Input| i.text().trim().to_owned();
        let block = |i: &Input, name: &str| {
            let n = i.text().trim().parse::<u64>();
            n.map_err(|_| format!("{name}: a number"))
        };
        if text(&self.dir).is_empty() {
            return Err("where is op-succinct checked out?".into());
        }
        let what = match self.what() {
            What::Newest => RangeTask::Newest(
                block(&self.newest, "how many blocks")
                    .and_then(|n| if n == 0 { Err("a range has at least one block".into()) } else { Ok(n) })?,
            ),
            What::Blocks => {
                let (a, b) = (block(&self.first, "the first block")?, block(&self.last, "the last block")?);
                if a >= b {
                    return Err(format!("the first block ({a}) is not before the last ({b})"));
                }
                RangeTask::Blocks(a, b)
            }
            What::Aggregate => {
                let proofs: Vec<String> = text(&self.ranges).split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect();
                if proofs.is_empty() {
                    return Err("which range proofs? their names, with commas: 1000-1005,1005-1010".into());
                }
                RangeTask::Aggregate { proofs, prover: text(&self.address) }
            }
        };
        let timeout = units::parse_duration(self.timeout.text()).ok_or("a time is a number with s, m, h or d behind it: 90m, 6h")?;
        Ok(RangeLaunch { dir: text(&self.dir), env_file: text(&self.env_file), what, prove: self.prove, witness: self.witness, timeout })
    }
}

impl RangeTask {
    fn describe(&self) -> String {
        match self {
            Self::Newest(n) => format!("a range of the newest {n} blocks"),
            Self::Blocks(a, b) => format!("the range {a}-{b}"),
            Self::Aggregate { proofs, .. } => format!("an aggregation of {} ranges", proofs.len()),
        }
    }

    const fn program(&self) -> &'static str {
        match self {
            Self::Newest(_) | Self::Blocks(..) => "multi",
            Self::Aggregate { .. } => "agg",
        }
    }
}

fn question(l: &RangeLaunch, cluster: &str) -> Confirm {
    let (what, program) = (l.what.describe(), l.what.program());
    let first = if l.prove {
        format!("Prove {what} on {cluster}, giving up after {}?", units::duration(l.timeout))
    } else {
        format!("Run the witness of {what} here, without the cluster?")
    };
    let env_file = if l.env_file.is_empty() { "its .env".to_owned() } else { l.env_file.clone() };
    let mut text = vec![
        (Role::Text, first),
        (Role::Dim, format!("op-succinct's {program} is built and run in {}, with {env_file}; that is looked at first.", l.dir)),
    ];
    if l.prove {
        let witness = l.witness && !matches!(l.what, RangeTask::Aggregate { .. });
        let before = if witness { "The witness is run here before cluster time is spent. " } else { "" };
        text.push((Role::Dim, format!("{before}The proof takes the cluster's workers like any other.")));
    }
    Confirm::new("op-succinct", text, Request::Range(l.clone()))
}

impl Fill for RangeForm {
    fn rows(&self) -> Vec<(&'static str, Value<'_>)> {
        self.fields().into_iter().map(|f| self.row(f)).collect()
    }

    fn at(&mut self) -> &mut usize {
        self.wrong = None;
        &mut self.at
    }

    fn input(&mut self) -> Option<&mut Input> {
        Some(match self.field() {
            Field::Dir => &mut self.dir,
            Field::EnvFile => &mut self.env_file,
            Field::Newest => &mut self.newest,
            Field::First => &mut self.first,
            Field::Last => &mut self.last,
            Field::Ranges => &mut self.ranges,
            Field::Address => &mut self.address,
            Field::Timeout => &mut self.timeout,
            Field::What | Field::Prove | Field::Witness => return None,
        })
    }

    fn choose(&mut self, i: usize) {
        match self.field() {
            Field::What => self.what = i,
            Field::Prove => self.prove = i == 1,
            Field::Witness => self.witness = i == 0,
            _ => {}
        }
    }
}

impl App {
    /// Opens the pane of the run, or the dialog where there is none.
    pub(super) fn open_range(&mut self, world: &World<'_>) {
        if world.model.runs.newest().is_some() {
            self.popup = Some(Popup::run());
        } else {
            self.open_range_form(world);
        }
    }

    fn open_range_form(&mut self, world: &World<'_>) {
        match world.time {
            TimeBase::Live => {
                let form = self.range_form.take().unwrap_or_else(|| Box::new(RangeForm::new(&self.prover.checkout)));
                self.popup = Some(Popup::Range(form));
            }
            TimeBase::Demo { .. } => {
                self.say("op-succinct needs a real cluster: start sp1top on one, or sp1top range-proof --op-succinct DIR");
            }
            TimeBase::Past { .. } | TimeBase::Replay { .. } => drop(self.may_change(world)),
        }
    }

    pub(super) fn key_in_range(&mut self, key: &KeyEvent, mut form: Box<RangeForm>, world: &World<'_>) -> Vec<Effect> {
        form.wrong = None;
        match key.code {
            KeyCode::Esc => {
                // What was typed is there when it is opened again.
                form.at = 0;
                self.range_form = Some(form);
                return Vec::new();
            }
            KeyCode::Enter => match form.launch() {
                Ok(l) if l.prove && self.prover.read_only => {
                    form.wrong = Some("read-only: nothing in the cluster is changed; the witness can be run".into());
                }
                Ok(l) => {
                    let cluster = world.model.session.context.as_deref().unwrap_or("the cluster");
                    self.popup = Some(Popup::Confirm(Box::new(question(&l, cluster))));
                    form.at = 0;
                    self.range_form = Some(form);
                    return Vec::new();
                }
                Err(e) => form.wrong = Some(e),
            },
            _ => form.fill(key),
        }
        self.popup = Some(Popup::Range(form));
        Vec::new()
    }

    pub(super) fn key_in_run(&mut self, key: &KeyEvent, mut pane: Pane, world: &World<'_>) -> Vec<Effect> {
        let page = usize::from(self.area.height / 2).max(1);
        let most = world.model.runs.newest().map_or(0, |r| self.run_lines(r, self.run_columns()).len());
        pane.up = match key.code {
            KeyCode::Char('x') if world.model.runs.active().is_some() => {
                self.popup = Some(Popup::StopRun(StopAsk { quit: false, at: 0 }));
                return Vec::new();
            }
            KeyCode::Char('n') if world.model.runs.active().is_none() => {
                self.open_range_form(world);
                return Vec::new();
            }
            KeyCode::Char('o') if world.model.runs.newest().is_some_and(|r| r.proof.is_some()) => {
                let proof = world.model.runs.newest().and_then(|r| r.proof.clone());
                return proof.map(|id| self.leave_pane(id, world)).unwrap_or_default();
            }
            KeyCode::Up | KeyCode::Char('k') => pane.up + 1,
            KeyCode::Down | KeyCode::Char('j') => pane.up.saturating_sub(1),
            KeyCode::PageUp | KeyCode::Char('u') => pane.up + page,
            KeyCode::PageDown | KeyCode::Char('d') => pane.up.saturating_sub(page),
            KeyCode::Home | KeyCode::Char('g') => most,
            KeyCode::End | KeyCode::Char('G') => 0,
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q' | 'R') => return Vec::new(),
            _ => pane.up,
        }
        .min(most.saturating_sub(1));
        self.popup = Some(Popup::Run(pane));
        Vec::new()
    }

    /// True while a program of op-succinct runs that would be stopped with us.
    pub(super) fn runs_here(world: &World<'_>) -> bool {
        world.time == TimeBase::Live && world.model.runs.active().is_some()
    }

    /// Leaves; asks first while a program of op-succinct runs.
    pub(super) fn quit(&mut self, world: &World<'_>) -> Vec<Effect> {
        if Self::runs_here(world) {
            self.popup = Some(Popup::StopRun(StopAsk { quit: true, at: 0 }));
            return Vec::new();
        }
        vec![Effect::Quit]
    }

    /// The answers, and whether each stops the run and cancels its request.
    fn answers(ask: StopAsk, world: &World<'_>) -> Vec<(&'static str, Option<bool>)> {
        let stop = if ask.quit { " Leave, and stop it " } else { " Stop it " };
        let mut all = vec![(" No ", None), (stop, Some(false))];
        if world.model.runs.active().is_some_and(|r| r.proof.is_some()) {
            all.push((" Stop it, cancel its proof ", Some(true)));
        }
        all
    }

    pub(super) fn key_in_stop(&mut self, key: &KeyEvent, mut ask: StopAsk, world: &World<'_>) -> Vec<Effect> {
        let answers = Self::answers(ask, world);
        match key.code {
            KeyCode::Right | KeyCode::Tab | KeyCode::Char('l') => ask.at = (ask.at + 1) % answers.len(),
            KeyCode::Left | KeyCode::BackTab | KeyCode::Char('h') => ask.at = (ask.at + answers.len() - 1) % answers.len(),
            KeyCode::Enter => {
                let Some(&(_, Some(cancel))) = answers.get(ask.at) else { return self.goes_on() };
                self.popup = (!ask.quit).then(|| Popup::Run(Pane::default()));
                let mut effects = vec![Effect::Cluster(Request::StopRange { cancel, wait: ask.quit })];
                effects.extend(ask.quit.then_some(Effect::Quit));
                return effects;
            }
            KeyCode::Esc | KeyCode::Char('n' | 'q') => return self.goes_on(),
            _ => {}
        }
        self.popup = Some(Popup::StopRun(ask));
        Vec::new()
    }

    fn goes_on(&mut self) -> Vec<Effect> {
        self.say("it goes on");
        Vec::new()
    }

    pub(super) fn range_area(form: &RangeForm, room: Rect) -> Rect {
        let rows = u16::try_from(form.fields().len()).unwrap_or(9);
        centre(room, 76.min(room.width.saturating_sub(4)), rows + 5)
    }

    pub(super) fn draw_range(area: Rect, form: &RangeForm, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let inner = Panel::new("range proof of op-succinct").right("enter goes on  esc closes").focus(true).draw(area, ctx, buf);
        let y = form::draw(inner, &form.rows(), form.at, ctx, buf) + 1;
        let words = match (&form.wrong, form.prove) {
            (Some(w), _) => (Role::Bad, w.clone()),
            (None, true) => (Role::Dim, "Its file must name the RPC servers, one artifact store and CLI_CLUSTER_RPC.".into()),
            (None, false) => (Role::Dim, "The witness tells whether the RPC servers do, before cluster time is spent.".into()),
        };
        form::paragraphs(inner, y, &[words], ctx, buf);
    }

    fn run_columns(&self) -> u16 {
        self.area.width.saturating_sub(8).min(136)
    }

    pub(super) fn run_area(&self, room: Rect) -> Rect {
        centre(room, self.run_columns() + 4, room.height.saturating_sub(2))
    }

    fn run_lines(&self, run: &ProgramRun, columns: u16) -> Vec<Line<'static>> {
        let marks = self.symbols.marks;
        let mut out = Vec::new();
        for l in &run.lines {
            let (mark, role) = match l.event {
                RunEvent::Good | RunEvent::Ended => (marks.0, Role::Good),
                RunEvent::Bad | RunEvent::Failed => (marks.1, Role::Bad),
                RunEvent::Line => (" ", Role::Text),
                RunEvent::Stopped => (marks.3, Role::Warn),
                RunEvent::Started | RunEvent::Word | RunEvent::Submitted => (marks.2, Role::Accent),
            };
            let style = self.theme.style(role);
            for (n, text) in wrap(&l.text, columns.saturating_sub(2)).into_iter().enumerate() {
                let mark = if n == 0 { mark } else { " " };
                out.push(Line::from(vec![Span::styled(format!("{mark} "), style), Span::styled(text, style)]));
            }
        }
        out
    }

    pub(super) fn draw_run(&self, area: Rect, pane: Pane, world: &World<'_>, buf: &mut Buffer) {
        let ctx = self.ctx(world, area);
        let Some(run) = world.model.runs.newest() else {
            let inner = Panel::new("op-succinct").right("esc closes").focus(true).draw(area, &ctx, buf);
            put(buf, inner, inner.x, inner.y, "beginning ...", self.theme.style(Role::Dim));
            return;
        };
        let inner = Panel::new(run.what.clone()).right("esc closes").focus(true).draw(area, &ctx, buf);
        let foot = self.run_foot(run, world, inner.width);
        let rows = inner.height.saturating_sub(u16::try_from(foot.len()).unwrap_or(2) + 1);
        let lines = self.run_lines(run, inner.width);
        let most = lines.len().saturating_sub(usize::from(rows));
        let top = most.saturating_sub(pane.up);
        let body = Rect { height: rows, ..inner };
        for (y, l) in (body.top()..body.bottom()).zip(lines.iter().skip(top)) {
            put_line(buf, body, body.x, y, l);
        }
        scroll_bar(body, top, usize::from(rows), lines.len(), &ctx, buf);
        for (y, l) in (body.bottom() + 1..inner.bottom()).zip(&foot) {
            put_line(buf, inner, inner.x, y, l);
        }
        let keys = match (run.ended.is_some(), run.proof.is_some()) {
            (false, false) => "x stops it",
            (false, true) => "o opens its proof  x stops it",
            (true, true) => "o opens its proof  n another",
            (true, false) => "n another",
        };
        put_right(buf, inner, body.bottom() + 1, &Line::styled(keys, self.theme.style(Role::Dim)));
    }

    /// How far it is, and how far its proof is.
    fn run_foot(&self, run: &ProgramRun, world: &World<'_>, columns: u16) -> Vec<Line<'static>> {
        let style = |r| self.theme.style(r);
        let took = |end| units::duration(run.ended.map_or(end, |e| e.0).since(run.began));
        let (words, role) = match run.ended {
            None => (format!("running for {}", took(world.model.now)), Role::Accent),
            Some((_, RunEvent::Ended)) => (format!("done after {}", took(world.model.now)), Role::Good),
            Some((_, RunEvent::Stopped)) => (format!("stopped after {}", took(world.model.now)), Role::Warn),
            Some(_) => (format!("failed after {}", took(world.model.now)), Role::Bad),
        };
        let kept = run.lines.len() as u64;
        let lines = if run.total > kept { format!(", the last {kept} of {} lines", run.total) } else { String::new() };
        let mut out = vec![Line::from(vec![Span::styled(words, style(role)), Span::styled(lines, style(Role::Dim))])];
        if let Some(id) = &run.proof {
            let job = world.model.jobs.get(id).map_or_else(String::new, |j| j.note.line.clone());
            let stage = world.model.proofs.get(id).filter(|p| p.is_active()).map(|p| format!("stage {}, ", p.stage().as_str()));
            let text = format!("{id}  {}{job}", stage.unwrap_or_default());
            out.push(Line::styled(cut(&text, columns, self.symbols.ellipsis).into_owned(), style(Role::Info)));
        }
        out
    }

    fn stop_text(ask: StopAsk, world: &World<'_>) -> Vec<(Role, String)> {
        let Some(run) = world.model.runs.active() else { return vec![(Role::Dim, "It has ended meanwhile.".into())] };
        let since = units::duration(world.model.now.since(run.began));
        let mut text = Vec::new();
        if ask.quit {
            text.push((Role::Warn, format!("{} has run for {since}, and ends with sp1top.", run.what)));
        } else {
            text.push((Role::Text, format!("Stop {}, which has run for {since}?", run.what)));
        }
        text.push((Role::Text, String::new()));
        text.push((
            Role::Dim,
            match &run.proof {
                None => "Nothing was sent to the cluster yet.".into(),
                Some(id) => format!("Stopping it leaves {id} in the cluster: sp1top proofs attach brings the proof home. Cancelled, what was proved so far is lost."),
            },
        ));
        text
    }

    /// A click on an answer chooses it; Enter gives it.
    pub(super) fn click_stop(mut ask: StopAsk, area: Rect, at: Position, world: &World<'_>) -> StopAsk {
        let inner = Panel::inner(area);
        let mut x = inner.x;
        for (i, (name, _)) in Self::answers(ask, world).into_iter().enumerate() {
            let end = x + width(name);
            if at.y + 1 == inner.bottom() && (x..end).contains(&at.x) {
                ask.at = i;
            }
            x = end + 2;
        }
        ask
    }

    pub(super) fn stop_area(ask: StopAsk, world: &World<'_>, room: Rect) -> Rect {
        let w = room.width.saturating_sub(4).min(72);
        let lines: usize = Self::stop_text(ask, world).iter().map(|(_, t)| wrap(t, w.saturating_sub(4)).len()).sum();
        centre(room, w, u16::try_from(lines).unwrap_or(8).saturating_add(4))
    }

    pub(super) fn draw_stop(&self, area: Rect, ask: StopAsk, world: &World<'_>, buf: &mut Buffer) {
        let ctx = self.ctx(world, area);
        let inner = Panel::new("stop").right("enter chooses  esc: no").focus(true).draw(area, &ctx, buf);
        form::paragraphs(inner, inner.y, &Self::stop_text(ask, world), &ctx, buf);
        let y = inner.bottom().saturating_sub(1);
        let mut x = inner.x;
        for (i, (name, _)) in Self::answers(ask, world).into_iter().enumerate() {
            let style = self.theme.style(if i == ask.at { Role::TabActive } else { Role::Tab });
            x = put(buf, inner, x, y, name, style) + 2;
        }
    }
}
