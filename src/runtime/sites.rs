//! The clusters behind the screen: mostly one, which is then all there is; or
//! several, with a view of all of them. Each has its own feed, model and app.

use std::time::Duration;

use ratatui::buffer::Buffer;

use super::feed::{Done, Feed};
use super::opening::{Opener, Opening};
use super::tell::{TellOptions, Teller};
use super::tui::FIRST_PAUSE;
use super::wake::Waker;
use crate::alerts::Alerts;
use crate::app::{App, AppOptions, Msg, ProverSetup, World};
use crate::model::Model;
use crate::ui::fleet::{FleetRow, Spot};
use crate::ui::{AlertMark, Effect, Playback, TimeBase, Track, ViewId};

/// One cluster.
pub struct Site {
    app: App,
    feed: Box<dyn Feed>,
    model: Model,
    teller: Teller,
    spot: Spot,
    /// Its user was asked whether what runs here is to be stopped.
    leaving: bool,
}

impl Site {
    fn update(&mut self, msg: Msg) -> Vec<Effect> {
        let Self { app, feed, model, .. } = self;
        let world = World { model, time: feed.time(), alerts: feed.alerts(), track: feed.track(), fleet: &[] };
        app.update(msg, &world)
    }

    /// Takes in what came. True when there is something new to show.
    fn advance(&mut self, elapsed: Duration) -> bool {
        let mut changed = self.feed.advance(elapsed, &mut self.model);
        let news = [
            self.feed.prover().map(Msg::Prover),
            self.feed.namespaces().map(Msg::Namespaces),
            self.feed.says().map(Msg::Say),
            self.feed.trouble().map(Msg::Complain),
        ];
        for msg in news.into_iter().flatten() {
            self.update(msg);
            changed = true;
        }
        if changed {
            for effect in self.update(Msg::News) {
                self.effect(effect);
            }
        }
        changed
    }

    /// Tells of new alerts outside of the screen. Those of a recording are no
    /// news to anybody. Returns bytes for the terminal.
    fn tell(&mut self) -> Vec<u8> {
        if matches!(self.feed.time(), TimeBase::Replay { .. } | TimeBase::Past { .. }) {
            return Vec::new();
        }
        self.teller.take(self.feed.alerts())
    }

    /// Does what its app asked for and only it is concerned with.
    fn effect(&mut self, effect: Effect) {
        let done = match effect {
            Effect::Follow(log) => {
                self.feed.follow(&log);
                Ok(None)
            }
            Effect::Cluster(what) => match self.feed.request(&what) {
                Ok(Done { said, sent: Some(proof) }) => {
                    self.update(Msg::Sent { said, proof });
                    Ok(None)
                }
                Ok(done) => Ok(Some(done.said)),
                Err(e) => Err(e),
            },
            Effect::Store(typed) => {
                let answer = self.feed.store(&typed);
                self.update(Msg::Store(answer));
                Ok(None)
            }
            Effect::Playback(what) => self.feed.control(&what, &mut self.model).map(|()| None),
            Effect::Change(order) => self.feed.change(order).map(|()| None),
            Effect::MarkAlert(key, mark) => Ok(self.feed.alerts_mut().map(|alerts| {
                let said = match mark {
                    AlertMark::Acknowledge if alerts.acknowledge(&key) => "acknowledged",
                    AlertMark::Acknowledge => "no longer acknowledged",
                    AlertMark::Mute if alerts.mute(&key) => "muted",
                    AlertMark::Mute => "no longer muted",
                };
                format!("{said}: {}", key.id)
            })),
            // All others are not this cluster's alone.
            _ => Ok(None),
        };
        match done {
            Ok(Some(said)) => drop(self.update(Msg::Say(said))),
            Ok(None) => {}
            Err(e) => drop(self.update(Msg::Complain(e))),
        }
    }
}

/// The view of all clusters.
struct Head {
    app: App,
    rows: Vec<FleetRow>,
    /// It is about no cluster of its own.
    nothing: Model,
}

impl Head {
    fn world(nothing: &Model) -> World<'_> {
        World { model: nothing, time: TimeBase::Live, alerts: Alerts::none(), track: Track::default(), fleet: &[] }
    }

    fn update(&mut self, msg: Msg) -> Vec<Effect> {
        let world = World { fleet: &self.rows, ..Self::world(&self.nothing) };
        self.app.update(msg, &world)
    }
}

/// All clusters.
pub struct Sites {
    list: Vec<Site>,
    /// The one that is shown; with a head, none for that.
    shown: Option<usize>,
    head: Option<Head>,
    opener: Option<Opener>,
    waker: Waker,
    /// How apps are made.
    make: AppOptions,
    tell: TellOptions,
}

impl Sites {
    /// One cluster.
    #[must_use]
    pub fn one(feed: Box<dyn Feed>, model: Model, make: AppOptions, tell: TellOptions, opener: Option<Opener>, waker: Waker) -> Self {
        let mut site = Site {
            app: App::new(make.clone()),
            feed,
            model,
            teller: Teller::new(tell.clone(), FIRST_PAUSE),
            spot: Spot::default(),
            leaving: false,
        };
        if opener.is_some() {
            // Which there are is looked up when somebody asks.
            site.update(Msg::Contexts(Vec::new()));
        }
        let prover = ProverSetup { store: None, ..make.prover.clone() };
        let make = AppOptions { prover, ..make };
        Self { list: vec![site], shown: Some(0), head: None, opener, waker, make, tell }
    }

    /// Several clusters, and the view of all of them.
    #[must_use]
    pub fn many(spots: Vec<Spot>, make: AppOptions, tell: TellOptions, opener: Opener, waker: Waker) -> Self {
        let title = Some(format!("{} clusters", spots.len()));
        let mut head = Head { app: App::fleet(AppOptions { title, ..make.clone() }), rows: Vec::new(), nothing: Model::new() };
        head.update(Msg::Contexts(Vec::new()));
        let make = AppOptions { of_fleet: true, ..make };
        let mut this = Self { list: Vec::new(), shown: None, head: Some(head), opener: Some(opener), waker, make, tell };
        for spot in spots {
            this.add(spot);
        }
        this.advance(Duration::ZERO);
        this
    }

    /// Adds a cluster; its place.
    fn add(&mut self, spot: Spot) -> usize {
        if let Some(opener) = self.opener.clone() {
            let feed = Box::new(Opening::start(spot.clone(), opener, self.waker.clone()));
            let (app, teller) = (App::new(self.make.clone()), Teller::new(self.tell.clone(), FIRST_PAUSE));
            let mut site = Site { app, feed, model: Model::new(), teller, spot, leaving: false };
            site.update(Msg::Contexts(Vec::new()));
            self.list.push(site);
        }
        self.list.len().saturating_sub(1)
    }

    fn site(&mut self) -> Option<&mut Site> {
        self.shown.and_then(|at| self.list.get_mut(at))
    }

    fn app(&self) -> Option<&App> {
        match self.shown {
            Some(at) => self.list.get(at).map(|s| &s.app),
            None => self.head.as_ref().map(|h| &h.app),
        }
    }

    /// Tells the app that is shown.
    pub fn update(&mut self, msg: Msg) -> Vec<Effect> {
        match (self.shown, &mut self.head) {
            (None, Some(head)) => head.update(msg),
            _ => self.site().map(|s| s.update(msg)).unwrap_or_default(),
        }
    }

    /// When the app that is shown must be told the time.
    #[must_use]
    pub fn next_tick(&self) -> Option<Duration> {
        self.app().and_then(App::next_tick)
    }

    /// When the next feed has something to do by itself.
    #[must_use]
    pub fn next_wake(&self) -> Option<Duration> {
        self.list.iter().filter_map(|s| s.feed.next_wake()).min()
    }

    /// Takes in what came, for all clusters. True when what is shown changed.
    pub fn advance(&mut self, elapsed: Duration) -> bool {
        let mut changed = false;
        for (at, site) in self.list.iter_mut().enumerate() {
            let news = site.advance(elapsed);
            changed |= news && self.shown.is_none_or(|s| s == at);
        }
        if self.shown.is_none() && changed {
            self.refresh();
        }
        changed
    }

    /// Tells of new alerts outside of the screen: bytes for the terminal, and
    /// what went wrong with it.
    pub fn tell(&mut self) -> (Vec<u8>, Option<String>) {
        let mut bytes = Vec::new();
        let mut why = None;
        for site in &mut self.list {
            bytes.extend(site.tell());
            why = site.teller.complaint().or(why);
        }
        (bytes, why)
    }

    /// Draws what is shown.
    pub fn draw(&self, buf: &mut Buffer) {
        match (self.shown.and_then(|at| self.list.get(at)), &self.head) {
            (Some(Site { app, feed, model, .. }), _) => {
                let world = World { model, time: feed.time(), alerts: feed.alerts(), track: feed.track(), fleet: &[] };
                app.draw(&world, buf);
            }
            (None, Some(head)) => head.app.draw(&World { fleet: &head.rows, ..Head::world(&head.nothing) }, buf),
            (None, None) => {}
        }
    }

    /// Does what the app asked for, as far as it is about clusters.
    pub fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Switch { context, namespace } => self.switch(context, namespace),
            Effect::Fleet => self.show_fleet(),
            Effect::OpenCluster { at, view } => {
                self.show(at);
                if let (Some(site), Some(view)) = (self.site(), view) {
                    site.app.show_view(view);
                }
            }
            Effect::Reopen(at) => {
                if let Some(spot) = self.list.get(at).map(|s| s.spot.clone()) {
                    self.replace(at, spot);
                    self.advance(Duration::ZERO);
                }
            }
            Effect::Places => {
                if let Some(opener) = &self.opener {
                    let names = opener.0.contexts();
                    self.update(Msg::Contexts(names));
                }
                if let Some(site) = self.site() {
                    site.feed.ask_namespaces();
                }
            }
            other => {
                if let Some(site) = self.site() {
                    site.effect(other);
                }
            }
        }
    }

    /// Whether nothing runs behind the screen that would end with us; else it is
    /// shown, with the question.
    pub fn may_quit(&mut self) -> bool {
        if let Some(site) = self.site() {
            site.leaving = true;
        }
        let busy = |s: &Site| !s.leaving && s.model.runs.active().is_some();
        let Some(at) = self.list.iter().position(busy) else { return true };
        self.show(at);
        let key = crossterm::event::KeyEvent::new(crossterm::event::KeyCode::Char('c'), crossterm::event::KeyModifiers::CONTROL);
        self.update(Msg::Key(key)).contains(&Effect::Quit)
    }

    /// Shows one cluster as the screen looks now.
    fn show(&mut self, at: usize) {
        let look = self.app().map(App::look);
        let Some(site) = self.list.get_mut(at) else { return };
        if let Some(look) = look {
            site.app.set_look(look);
        }
        self.shown = Some(at);
    }

    fn show_fleet(&mut self) {
        let Some(mut head) = self.head.take() else {
            let mut words = "one cluster is looked at: start with --context A --context B for several".to_owned();
            if self.opener.is_some() {
                words.push_str(", or : context NAME to go elsewhere");
            }
            self.update(Msg::Say(words));
            return;
        };
        if let Some(site) = self.site() {
            // All of them are shown as they are now.
            if matches!(site.feed.time(), TimeBase::Past { .. }) {
                site.effect(Effect::Playback(Playback::Live));
            }
            head.app.set_look(site.app.look());
        }
        self.head = Some(head);
        self.shown = None;
        self.refresh();
    }

    fn refresh(&mut self) {
        if let Some(head) = &mut self.head {
            head.rows = self.list.iter().map(|s| FleetRow::of(&s.spot, &s.model, s.feed.alerts())).collect();
        }
    }

    /// Looks at another place: instead of this one, or with several clusters
    /// beside it.
    fn switch(&mut self, context: Option<String>, namespace: Option<String>) {
        let Some(opener) = self.opener.clone() else { return };
        let now = self.shown.and_then(|at| self.list.get(at)).map(|s| {
            let Site { model, spot, .. } = s;
            Spot {
                context: model.session.context.clone().or_else(|| spot.context.clone()),
                namespace: model.session.namespace.clone().unwrap_or_else(|| spot.namespace.clone()),
            }
        });
        let other = context.is_some();
        let Some(mut spot) = context.map(|c| opener.0.spot(&c)).or(now) else { return };
        if let Some(n) = namespace {
            spot.namespace = n;
        }
        let said = opener.0.left_behind();
        let words = match said.filter(|_| self.head.is_none()) {
            Some(left) => format!("looking at {}; {left}", spot.name()),
            None => format!("looking at {}", spot.name()),
        };
        if self.head.is_some() && other {
            let known = self.list.iter().position(|s| s.spot.context == spot.context);
            let at = known.unwrap_or_else(|| self.add(spot));
            self.show(at);
        } else if let Some(at) = self.shown {
            self.replace(at, spot);
        }
        self.advance(Duration::ZERO);
        self.update(Msg::Say(words));
    }

    /// Opens another cluster in the place of one: its sources end, its tape is
    /// finished, and a new model begins.
    fn replace(&mut self, at: usize, spot: Spot) {
        let (Some(opener), Some(site)) = (self.opener.clone(), self.list.get_mut(at)) else { return };
        let view = site.app.view().unwrap_or(ViewId::Overview);
        let mut app = App::new(AppOptions { view, title: None, ..self.make.clone() });
        app.set_look(site.app.look());
        site.app = app;
        // The old one ends before the new one begins.
        site.feed = Box::new(Nothing);
        site.feed = Box::new(Opening::start(spot.clone(), opener, self.waker.clone()));
        site.model = Model::new();
        site.spot = spot;
        site.update(Msg::Contexts(Vec::new()));
    }
}

/// The feed of no cluster.
struct Nothing;

impl Feed for Nothing {
    fn advance(&mut self, _: Duration, _: &mut Model) -> bool {
        false
    }

    fn control(&mut self, _: &Playback, _: &mut Model) -> Result<(), String> {
        Ok(())
    }

    fn time(&self) -> TimeBase {
        TimeBase::Live
    }

    fn next_wake(&self) -> Option<Duration> {
        None
    }
}
