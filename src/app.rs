//! The program as the user sees it: views, popups and what the keys do.
//!
//! [`App::update`] takes a message and returns what the shell is to do;
//! [`App::draw`] takes `&self` and fills a buffer. Neither reads a clock: wall
//! time comes as [`Msg::Tick`], everything else is in the [`World`].

mod change;
mod chrome;
mod command;
mod form;
mod keys;
mod launch;
mod mouse;
mod places;
mod popup;
mod range;
mod sent;
mod speed;
mod status;
mod store;
#[cfg(test)]
mod tests;
mod top;

use std::time::Duration;

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::alerts::Alerts;
use crate::base::ProofId;
use crate::model::Model;
use crate::ui::fleet::FleetRow;
use crate::ui::{Action, Ctx, Effect, Outcome, Playback, Symbols, Theme, TimeBase, Track, View, ViewId, views};
pub use launch::ProverSetup;
use places::Places;
use popup::Popup;
use status::Status;

/// What the screens read.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// The cluster.
    pub model: &'a Model,
    /// Where its time comes from.
    pub time: TimeBase,
    /// The alerts: those that fire, and what changed.
    pub alerts: &'a Alerts,
    /// Marks and loop of the scrub bar.
    pub track: Track<'a>,
    /// All clusters, where there are several.
    pub fleet: &'a [FleetRow],
}

/// What happens to the program.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// The terminal has another size: columns and rows.
    Resize(u16, u16),
    /// Text was pasted. It goes into an open input, and never does anything else.
    Paste(String),
    /// So much wall time passed since the last one.
    Tick(Duration),
    /// There is something new in what the screens read.
    News,
    /// The shell has something to say.
    Say(String),
    /// A proof was sent from here.
    Sent {
        /// One line on it.
        said: String,
        /// It, or the first one of several.
        proof: ProofId,
    },
    /// A word to somebody who is here for the first time: goes away by itself,
    /// or at the first key.
    Hint(String),
    /// The shell has bad news.
    Complain(String),
    /// The artifact store that was typed is taken, by that name; or what is wrong
    /// with it.
    Store(Result<String, String>),
    /// The contexts of the kubeconfig: one can go to them from here.
    Contexts(Vec<String>),
    /// The namespaces of this cluster.
    Namespaces(Vec<String>),
    /// What sending proofs needs, of a cluster that was opened meanwhile.
    Prover(ProverSetup),
    /// The text was sent to the terminal's clipboard. When it is not `sure` that
    /// the terminal takes it, the text is shown.
    Copied {
        /// What was copied.
        text: String,
        /// True for terminals that are known to take it.
        sure: bool,
    },
}

/// How an [`App`] begins.
#[derive(Clone, Debug)]
pub struct AppOptions {
    /// The theme to begin with.
    pub theme: Theme,
    /// All that `t` goes through.
    pub themes: Vec<Theme>,
    /// Lines and marks.
    pub symbols: Symbols,
    /// Shown in the top bar instead of context and namespace: a file's name.
    pub title: Option<String>,
    /// The view to begin with.
    pub view: ViewId,
    /// Whether the mouse is the program's.
    pub mouse: bool,
    /// What sending proofs needs.
    pub prover: ProverSetup,
    /// The cluster is never changed.
    pub read_only: bool,
    /// It is one of several clusters.
    pub of_fleet: bool,
}

impl Default for AppOptions {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            themes: Vec::new(),
            symbols: Symbols::unicode(),
            title: None,
            view: ViewId::Overview,
            mouse: true,
            prover: ProverSetup::default(),
            read_only: false,
            of_fleet: false,
        }
    }
}

/// How an [`App`] looks.
#[derive(Clone, Debug)]
pub struct Look {
    theme: Theme,
    mouse: bool,
    area: Rect,
}

/// A view that was left for another one, to come back to.
#[derive(Clone, Debug)]
struct Step {
    /// Its place among the views.
    from: usize,
    /// Where the other one was at once, below its list.
    landed: Option<String>,
    /// The pane of a run of op-succinct was over it.
    pane: bool,
}

/// The program.
pub struct App {
    views: Vec<Box<dyn View>>,
    current: usize,
    /// The view that was shown before.
    last: Option<usize>,
    /// Views to come back to with Esc, the latest last.
    trail: Vec<Step>,
    popup: Option<Popup>,
    status: Option<Status>,
    /// A word to a newcomer that was not read yet.
    hint: Option<String>,
    theme: Theme,
    themes: Vec<Theme>,
    symbols: Symbols,
    title: Option<String>,
    area: Rect,
    mouse: bool,
    /// Wall time since the beginning.
    clock: Duration,
    /// The last click: when and where.
    click: Option<(Duration, u16, u16)>,
    /// The mouse holds the handle of the scrub bar.
    scrubbing: bool,
    /// What sending proofs needs.
    prover: ProverSetup,
    /// The dialog for range proofs as it was left.
    range_form: Option<Box<range::RangeForm>>,
    /// The artifact store as it was typed, for this session only.
    typed_store: Option<store::StoreForm>,
    /// A run of op-succinct whose proof is to be followed.
    awaited: Option<sent::Awaited>,
    read_only: bool,
    places: Places,
    of_fleet: bool,
    /// Changes asked about so far.
    changes: u64,
}

/// True for what has no meaning for several clusters at once.
const fn needs_a_cluster(action: &Action) -> bool {
    matches!(
        action,
        Action::PlayPause
            | Action::Speed(_)
            | Action::Seek(_)
            | Action::SeekTo(_)
            | Action::SeekMoment(_)
            | Action::SeekAlert(_)
            | Action::SeekProof(_)
            | Action::Loop
            | Action::ToLive
            | Action::AskTime
            | Action::Launch
            | Action::CancelProof(_)
            | Action::UseNamespace(_)
    )
}

const STOP_FIRST: &str = "a program of op-succinct runs for this cluster and would be stopped: wait for it, or stop it first (R)";

impl App {
    /// A program with all views.
    #[must_use]
    pub fn new(options: AppOptions) -> Self {
        Self::with_views(options, views::all())
    }

    /// A program with these views.
    #[must_use]
    pub fn with_views(options: AppOptions, views: Vec<Box<dyn View>>) -> Self {
        let AppOptions { theme, themes, symbols, title, view, mouse, prover, read_only, of_fleet } = options;
        let current = views.iter().position(|v| v.id() == view).unwrap_or(0);
        Self {
            views,
            current,
            last: None,
            trail: Vec::new(),
            popup: None,
            status: None,
            hint: None,
            theme,
            themes,
            symbols,
            title,
            area: Rect::new(0, 0, 80, 24),
            mouse,
            clock: Duration::ZERO,
            click: None,
            scrubbing: false,
            prover,
            range_form: None,
            typed_store: None,
            awaited: None,
            read_only,
            places: Places::default(),
            of_fleet,
            changes: 0,
        }
    }

    /// The view of several clusters.
    #[must_use]
    pub fn fleet(options: AppOptions) -> Self {
        Self::with_views(AppOptions { view: ViewId::Fleet, ..options }, vec![views::fleet()])
    }

    /// Shows a view.
    pub fn show_view(&mut self, id: ViewId) {
        self.popup = None;
        self.show(id, false);
    }

    /// How it looks: another one can look the same.
    #[must_use]
    pub fn look(&self) -> Look {
        Look { theme: self.theme.clone(), mouse: self.mouse, area: self.area }
    }

    /// Looks so.
    pub fn set_look(&mut self, look: Look) {
        Look { theme: self.theme, mouse: self.mouse, area: self.area } = look;
    }

    /// The view that is shown.
    #[must_use]
    pub fn view(&self) -> Option<ViewId> {
        self.views.get(self.current).map(|v| v.id())
    }

    /// The size that it draws for.
    #[must_use]
    pub const fn area(&self) -> Rect {
        self.area
    }

    /// How long until it must be told the time again, to drop a status line.
    #[must_use]
    pub fn next_tick(&self) -> Option<Duration> {
        self.status.as_ref().map(|s| s.until.saturating_sub(self.clock))
    }

    /// Takes in what happened and says what the shell is to do.
    pub fn update(&mut self, msg: Msg, world: &World<'_>) -> Vec<Effect> {
        match msg {
            Msg::Key(key) => {
                // Who presses the next key has read what the last one led to.
                self.drop_status();
                self.key(&key, world)
            }
            Msg::Mouse(event) => self.mouse(event, world),
            Msg::Resize(w, h) => {
                self.area = Rect::new(0, 0, w, h);
                Vec::new()
            }
            Msg::Paste(text) => {
                self.paste(&text, world);
                Vec::new()
            }
            Msg::Tick(elapsed) => {
                self.clock += elapsed;
                self.status_time();
                Vec::new()
            }
            Msg::News => self.news(world),
            Msg::Say(text) => {
                self.say(text);
                Vec::new()
            }
            Msg::Store(answer) => {
                self.store_answered(answer, world);
                Vec::new()
            }
            Msg::Sent { said, proof } => self.sent(said, proof, world),
            Msg::Hint(text) => {
                self.hint(text);
                Vec::new()
            }
            Msg::Complain(text) => {
                self.complain(text);
                Vec::new()
            }
            Msg::Contexts(names) => {
                self.places.can_switch = true;
                self.places.contexts = names;
                Vec::new()
            }
            Msg::Namespaces(names) => {
                self.places.namespaces = names;
                Vec::new()
            }
            Msg::Prover(setup) => {
                self.prover = setup;
                self.typed_store = None;
                Vec::new()
            }
            Msg::Copied { text, sure } => {
                if sure {
                    let first = text.lines().next().unwrap_or_default();
                    self.say(format!("copied: {first}"));
                } else {
                    self.popup = Some(Popup::Copied(text));
                }
                Vec::new()
            }
        }
    }

    fn ctx<'a>(&'a self, world: &World<'a>, area: Rect) -> Ctx<'a> {
        Ctx {
            model: world.model,
            theme: &self.theme,
            symbols: &self.symbols,
            time: world.time,
            alerts: world.alerts,
            fleet: world.fleet,
            area,
        }
    }

    fn body(&self, world: &World<'_>) -> Rect {
        chrome::Frame::new(self.area, &world.time).body
    }

    /// Lets the current view do `action`.
    fn view_update(&mut self, action: &Action, world: &World<'_>) -> crate::ui::Outcome {
        let area = self.body(world);
        let (theme, symbols) = (&self.theme, &self.symbols);
        let ctx = Ctx { model: world.model, theme, symbols, time: world.time, alerts: world.alerts, fleet: world.fleet, area };
        self.views.get_mut(self.current).map(|v| v.update(action, &ctx)).unwrap_or_default()
    }

    /// Does an action and what follows from it.
    fn act(&mut self, action: Action, world: &World<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut next = Some(action);
        // A view's answer may ask for another action; never in circles.
        for _ in 0..8 {
            let Some(action) = next.take() else { break };
            next = self.step(action, world, &mut effects);
        }
        effects
    }

    fn step(&mut self, action: Action, world: &World<'_>, effects: &mut Vec<Effect>) -> Option<Action> {
        let all_clusters = self.view() == Some(ViewId::Fleet);
        if all_clusters && needs_a_cluster(&action) {
            self.say("that is for one cluster: enter opens the selected one");
            return None;
        }
        match action {
            Action::Quit => effects.extend(self.quit(world)),
            Action::UseContext(_) if !self.of_fleet && Self::runs_here(world) => self.say(STOP_FIRST),
            Action::UseNamespace(_) if Self::runs_here(world) => self.say(STOP_FIRST),
            Action::UseContext(name) => effects.push(Effect::Switch { context: Some(name), namespace: None }),
            Action::UseNamespace(name) => effects.push(Effect::Switch { context: None, namespace: Some(name) }),
            Action::Fleet => effects.push(Effect::Fleet),
            Action::Show(_) if all_clusters => {
                let outcome = self.view_update(&action, world);
                return self.take(outcome, effects);
            }
            Action::Redraw => effects.push(Effect::Redraw),
            Action::Suspend => effects.push(Effect::Suspend),
            Action::Show(id) => self.show(id, false),
            Action::NextView => self.turn(1),
            Action::PreviousView => self.turn(-1),
            Action::LastView => {
                if let Some(i) = self.last {
                    self.go(i);
                }
            }
            Action::Help => self.popup = Some(Popup::help()),
            Action::Launch => self.open_launch(world),
            Action::RangeProof => self.open_range(world),
            Action::CancelProof(id) => self.open_cancel(&id, world),
            Action::Palette => {
                self.popup = Some(Popup::palette());
                if self.places.can_switch {
                    effects.push(Effect::Places);
                }
            }
            Action::NextTheme => self.next_theme(),
            Action::UseTheme(name) => {
                if let Some(t) = self.themes.iter().find(|t| t.name == name) {
                    self.theme = t.clone();
                }
            }
            Action::ToggleMouse => {
                self.mouse = !self.mouse;
                self.say(if self.mouse {
                    "the mouse works here again"
                } else {
                    "the mouse is the terminal's: select text; m takes it back"
                });
                effects.push(Effect::Mouse(self.mouse));
            }
            Action::PlayPause => effects.push(Effect::Playback(Playback::Toggle)),
            Action::Speed(steps) => effects.push(Effect::Playback(Playback::Speed(speed::speed(&world.time, steps)))),
            Action::Seek(secs) => {
                let by = Duration::from_secs(secs.unsigned_abs());
                effects.push(Effect::Playback(Playback::SeekBy { by, back: secs < 0 }));
            }
            Action::SeekTo(at) => effects.push(Effect::Playback(Playback::SeekTo(at))),
            Action::SeekMoment(n) => effects.push(Effect::Playback(Playback::Moment { back: n < 0 })),
            Action::SeekAlert(n) => effects.push(Effect::Playback(Playback::Alert { back: n < 0 })),
            Action::SeekProof(n) => effects.push(Effect::Playback(Playback::Proof { back: n < 0 })),
            Action::Loop => {
                // Where it cannot be, the answer says so instead.
                self.say(match world.track.ab {
                    None => "loop: it begins here (A); the same key again where it ends",
                    Some((_, None)) => "loop: it ends here (B); the same key again leaves it",
                    Some(_) => "the loop is left",
                });
                effects.push(Effect::Playback(Playback::Loop));
            }
            Action::ToLive => effects.push(Effect::Playback(Playback::Live)),
            Action::AskTime => {
                self.popup = Some(Popup::ask_time());
            }
            Action::Filter => {
                let before = self.views.get(self.current).and_then(|v| v.filter()).unwrap_or_default().to_owned();
                let known = self.view_update(&Action::Filter, world).handled
                    || self.view_update(&Action::FilterText(before.clone()), world).handled;
                if known {
                    self.popup = Some(Popup::filter(before));
                } else {
                    self.say("there is nothing to filter here");
                }
            }
            Action::Change(change) => self.ask_change(change, world, effects),
            Action::OpenAlert { .. } => return self.open(ViewId::Alerts, &action, world, effects),
            Action::OpenProof(_) | Action::FollowProof(_) => return self.open(ViewId::Proofs, &action, world, effects),
            Action::OpenWorker(_) => return self.open(ViewId::Workers, &action, world, effects),
            Action::OpenLogs(ref log) => {
                effects.push(Effect::Follow(log.clone()));
                return self.open(ViewId::Logs, &action, world, effects);
            }
            Action::Back => {
                // What was opened from elsewhere is left for elsewhere, not for its list.
                let whole = self
                    .trail
                    .last()
                    .is_some_and(|s| s.landed.is_some() && self.views.get(self.current).and_then(|v| v.crumb()) == s.landed);
                if whole {
                    self.view_update(&Action::Back, world);
                    self.step_back();
                    return None;
                }
                // Logs of one pod were opened from elsewhere: back is there, not all logs.
                let one_log = !self.trail.is_empty()
                    && self.views.get(self.current).is_some_and(|v| v.id() == ViewId::Logs && v.crumb().is_none() && v.filter().is_none());
                let outcome = if one_log { Outcome::ignored() } else { self.view_update(&Action::Back, world) };
                if one_log {
                    self.view_update(&Action::OpenLogs(String::new()), world);
                }
                if outcome.handled {
                    return self.take(outcome, effects);
                }
                if !self.step_back() && self.of_fleet {
                    effects.push(Effect::Fleet);
                }
            }
            other => {
                let outcome = self.view_update(&other, world);
                return self.take(outcome, effects);
            }
        }
        None
    }

    fn take(&mut self, outcome: crate::ui::Outcome, effects: &mut Vec<Effect>) -> Option<Action> {
        effects.extend(outcome.effects);
        if let Some(m) = outcome.message {
            self.say(m);
        }
        outcome.then
    }

    /// Shows a view and lets it do `action`; Esc comes back.
    fn open(&mut self, id: ViewId, action: &Action, world: &World<'_>, effects: &mut Vec<Effect>) -> Option<Action> {
        self.show(id, true);
        let outcome = self.view_update(action, world);
        let landed = self.views.get(self.current).and_then(|v| v.crumb());
        if let Some(s) = self.trail.last_mut() {
            s.landed = landed;
        }
        self.take(outcome, effects)
    }

    /// Goes back to the view that this one was opened from. False where there is
    /// none.
    fn step_back(&mut self) -> bool {
        let Some(s) = self.trail.pop() else { return false };
        self.last = Some(self.current);
        self.current = s.from;
        self.popup = s.pane.then(Popup::run);
        true
    }

    fn show(&mut self, id: ViewId, come_back: bool) {
        let Some(i) = self.views.iter().position(|v| v.id() == id) else {
            self.say("there is no such view");
            return;
        };
        if come_back {
            if i != self.current {
                self.trail.retain(|s| s.from != self.current && s.from != i);
                self.trail.push(Step { from: self.current, landed: None, pane: false });
                self.last = Some(self.current);
                self.current = i;
            }
        } else {
            self.go(i);
        }
    }

    fn go(&mut self, i: usize) {
        self.trail.clear();
        if i != self.current && i < self.views.len() {
            self.last = Some(self.current);
            self.current = i;
        }
    }

    fn turn(&mut self, by: isize) {
        let n = self.views.len();
        if n > 0 {
            let by = by.rem_euclid(isize::try_from(n).unwrap_or(1)).unsigned_abs();
            self.go((self.current + by) % n);
        }
    }

    fn next_theme(&mut self) {
        if self.themes.is_empty() {
            self.say("there is no other theme");
            return;
        }
        let next = self.themes.iter().position(|t| t.name == self.theme.name).map_or(0, |i| (i + 1) % self.themes.len());
        self.theme = self.themes[next].clone();
        self.say(format!("theme: {} {} {}", self.theme.name, self.symbols.separator, self.theme.about));
    }

    /// Draws everything into `buf`, whose size is what counts.
    pub fn draw(&self, world: &World<'_>, buf: &mut Buffer) {
        let area = buf.area;
        if area.is_empty() {
            return;
        }
        crate::ui::draw::fill(buf, area, " ", self.theme.base().patch(self.theme.style(crate::ui::Role::Text)));
        if chrome::is_tiny(area) {
            chrome::tiny(&self.ctx(world, area), buf);
            return;
        }
        let frame = chrome::Frame::new(area, &world.time);
        self.draw_chrome(&frame, world, buf);
        if let Some(v) = self.views.get(self.current)
            && !frame.body.is_empty()
        {
            v.draw(&self.ctx(world, frame.body), buf);
        }
        self.draw_long(frame.bottom, buf);
        self.draw_popup(&frame, world, buf);
    }
}
