//! Several clusters, and the way from one to another.

use std::sync::OnceLock;
use std::time::Duration;

use expect_test::expect_file;
use ratatui::buffer::Buffer;

use crate::alerts::Alerts;
use crate::app::{App, AppOptions, Msg, World};
use crate::base::Timestamp;
use crate::model::Model;
use crate::ui::fleet::{FleetRow, Health, Spot};
use crate::ui::keymap::parse_key;
use crate::ui::{Effect, Symbols, TimeBase, Track, ViewId, testing};

struct Session {
    app: App,
    model: Model,
    rows: Vec<FleetRow>,
}

impl Session {
    fn fleet() -> Self {
        Self { app: App::fleet(AppOptions::default()), model: Model::new(), rows: rows().clone() }
    }

    fn one(of_fleet: bool) -> Self {
        let mut this =
            Self { app: App::new(AppOptions { of_fleet, ..AppOptions::default() }), model: testing::healthy(), rows: Vec::new() };
        this.send(Msg::Contexts(vec!["prod-eu".into(), "prod-us".into(), "arn:aws:eks:eu:1:cluster/x".into()]));
        this.send(Msg::Namespaces(vec!["default".into(), "sp1-cluster".into()]));
        this
    }

    fn world(&self) -> (World<'_>, &App) {
        let (model, fleet) = (&self.model, &self.rows[..]);
        (World { model, time: TimeBase::Live, alerts: Alerts::none(), track: Track::default(), fleet }, &self.app)
    }

    fn send(&mut self, msg: Msg) -> Vec<Effect> {
        let (model, fleet) = (&self.model, &self.rows[..]);
        self.app.update(msg, &World { model, time: TimeBase::Live, alerts: Alerts::none(), track: Track::default(), fleet })
    }

    fn press(&mut self, keys: &[&str]) -> Vec<Effect> {
        let typed = |k: &&str| match parse_key(k) {
            Some(key) => vec![key],
            None => k.chars().map(|c| parse_key(&c.to_string()).or_else(|| parse_key("space")).unwrap()).collect(),
        };
        keys.iter().flat_map(typed).collect::<Vec<_>>().into_iter().flat_map(|key| self.send(Msg::Key(key))).collect()
    }

    fn draw(&mut self, w: u16, h: u16) -> Buffer {
        self.send(Msg::Resize(w, h));
        let (world, app) = self.world();
        let mut buf = Buffer::empty(app.area());
        app.draw(&world, &mut buf);
        buf
    }
}

fn spot(context: &str) -> Spot {
    Spot { context: Some(context.into()), namespace: "sp1-cluster".into() }
}

/// A healthy cluster, one that is stuck, one that may not be looked at, one that
/// did not answer yet, one that answers no more.
fn rows() -> &'static Vec<FleetRow> {
    static ROWS: OnceLock<Vec<FleetRow>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let named = |mut m: Model, context: &str| {
            m.session.context = Some(context.into());
            m
        };
        let stuck = named(testing::stuck(), "prod-us");
        let mut gone = named(testing::healthy(), "lab");
        let at = gone.now;
        gone.now = at.plus(Duration::from_secs(95));
        gone.sources.entry(&crate::base::SourceName::new("kube:pods")).state = Some(crate::envelope::SourceState::Connecting);
        gone.sources.entry(&crate::base::SourceName::new("kube:pods")).detail =
            "the API server is not reachable: connection refused".into();
        vec![
            FleetRow::of(&spot("prod-eu"), &named(testing::healthy(), "prod-eu"), Alerts::none()),
            FleetRow::of(&spot("prod-us"), &stuck, &testing::alerts(stuck.now)),
            FleetRow::of(&spot("staging"), &testing::denied(), Alerts::none()),
            FleetRow::of(&spot("dev"), &testing::empty(), Alerts::none()),
            FleetRow::of(&spot("lab"), &gone, Alerts::none()),
        ]
    })
}

#[test]
fn the_worst_of_each_is_seen() {
    let health: Vec<Health> = rows().iter().map(FleetRow::health).collect();
    assert_eq!(health, [Health::Good, Health::Critical, Health::Unreachable, Health::Connecting, Health::Old]);
    assert_eq!(rows()[0].workers, Some((1, 4)));
    assert_eq!(rows()[4].trouble.as_deref(), Some("kube:pods: the API server is not reachable: connection refused"));
    for (w, h) in [(80, 24), (120, 40), (200, 60)] {
        let mut s = Session::fleet();
        s.press(&["j"]);
        expect_file![format!("{}/src/app/snapshots/fleet-{w}x{h}.txt", env!("CARGO_MANIFEST_DIR"))]
            .assert_eq(&testing::picture(&s.draw(w, h)));
    }
    // Small ones show the worst columns, and nothing is drawn beyond them.
    for (w, h) in [(60, 16), (40, 10), (24, 5), (8, 3)] {
        let mut s = Session::fleet();
        s.press(&["G"]);
        let text = testing::text(&s.draw(w, h));
        if h >= 10 {
            assert!(text.contains("lab") && text.contains("age"), "{w}x{h}:\n{text}");
        }
    }
}

#[test]
fn long_names_that_differ_in_their_contexts_stay_told_apart() {
    let mut s = Session::fleet();
    let row = |c: &str| FleetRow { spot: spot(c), ..rows()[0].clone() };
    s.rows = ["lab", "cluster-frankfurt-two"].map(row).into();
    let text = testing::text(&s.draw(80, 24));
    assert!(text.contains("● lab   ") && text.contains("● cluster-frankfurt-two "), "{text}");
    let text = testing::text(&s.draw(120, 24));
    assert!(text.contains("cluster-frankfurt-two/sp1-cluster"), "{text}");
}

#[test]
fn without_unicode_the_fleet_is_ascii() {
    let mut s = Session { app: App::fleet(AppOptions { symbols: Symbols::ascii(), ..AppOptions::default() }), ..Session::fleet() };
    let text = testing::text(&s.draw(100, 30));
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn keys_and_clicks_open_a_cluster() {
    let mut s = Session::fleet();
    let opens = |at, view| vec![Effect::OpenCluster { at, view }];
    assert_eq!(s.press(&["enter"]), opens(0, None));
    assert_eq!(s.press(&["j", "j", "5"]), opens(2, Some(ViewId::Alerts)));
    assert_eq!(s.press(&["r"]), [Effect::Reopen(2)]);
    assert_eq!(s.press(&["G", "enter"]), opens(4, None));
    // The selection stays with its cluster when the order changes.
    assert_eq!(s.press(&["s", "enter"]), opens(4, None));
    assert_eq!(s.press(&["g", "enter"]), opens(2, None));
    assert_eq!(s.press(&["j", "enter"]), opens(1, None));
    // What needs a cluster says so.
    for key in ["space", "p", ",", "@"] {
        assert_eq!(s.press(&[key]), [], "{key}");
        assert!(testing::text(&s.draw(100, 30)).contains("enter opens the selected one"), "{key}");
    }
    let mut s = Session::fleet();
    let text = testing::text(&s.draw(100, 30));
    let row = u16::try_from(text.lines().position(|l| l.contains("staging")).unwrap()).unwrap();
    let click_at = |s: &mut Session, column, y| {
        use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
        let kind = MouseEventKind::Down(MouseButton::Left);
        s.send(Msg::Mouse(MouseEvent { kind, column, row: y, modifiers: KeyModifiers::NONE }))
    };
    // The tab is where one is already.
    assert!(text.lines().nth(1).unwrap().starts_with(" fleet"), "{text}");
    assert_eq!(click_at(&mut s, 3, 1), []);
    let click = |s: &mut Session, y| click_at(s, 10, y);
    assert_eq!(click(&mut s, row + 1), []);
    assert_eq!(click(&mut s, row + 1), opens(2, None));
    assert_eq!(click(&mut s, 29), []);
}

#[test]
fn esc_at_the_top_of_a_cluster_is_the_fleet() {
    let mut s = Session::one(true);
    // First out of what was opened, then out of the cluster.
    assert_eq!(s.press(&["3", "enter", "esc"]), []);
    assert_eq!(s.press(&["esc"]), [Effect::Fleet]);
    assert!(testing::text(&s.draw(100, 30)).contains("esc fleet"));
    let mut alone = Session::one(false);
    assert_eq!(alone.press(&["3", "enter", "esc", "esc", "esc"]), []);
    assert_eq!(alone.press(&["F"]), [Effect::Fleet]);
    assert!(!testing::text(&alone.draw(100, 30)).contains("esc fleet"));
}

#[test]
fn the_palette_goes_elsewhere() {
    let to = |context: Option<&str>, namespace: Option<&str>| {
        vec![Effect::Places, Effect::Switch { context: context.map(Into::into), namespace: namespace.map(Into::into) }]
    };
    let run = |typed: &str| Session::one(false).press(&[":", typed, "enter"]);
    assert_eq!(run("context prod-us"), to(Some("prod-us"), None));
    assert_eq!(run("ctx us"), to(Some("prod-us"), None));
    assert_eq!(run("ctx cluster/x"), to(Some("arn:aws:eks:eu:1:cluster/x"), None));
    assert_eq!(run("ns def"), to(None, Some("default")));
    // What is not known may be there all the same: not everybody may list it.
    assert_eq!(run("namespace hidden"), to(None, Some("hidden")));
    assert_eq!(run("context elsewhere"), to(Some("elsewhere"), None));
    // Nothing of this for a recording.
    let mut s = Session { app: App::new(AppOptions::default()), ..Session::one(false) };
    assert_eq!(s.press(&[":", "context prod-us", "enter"]), []);
    assert!(testing::text(&s.draw(100, 30)).contains("sp1top --context NAME looks at a cluster"));
    // While it is typed, one sees what there is.
    let mut s = Session::one(false);
    s.press(&[":", "ctx "]);
    let text = testing::text(&s.draw(80, 24));
    for name in ["context prod-eu", "opens it anew", "context prod-us", "context arn:aws"] {
        assert!(text.contains(name), "{name}:\n{text}");
    }
}

#[test]
fn old_is_counted_from_the_newest_stats() {
    let mut m = testing::healthy();
    let at: Timestamp = m.stats.as_ref().unwrap().at;
    for (secs, health) in [(30, Health::Good), (31, Health::Old)] {
        m.now = at.plus(Duration::from_secs(secs));
        assert_eq!(FleetRow::of(&spot("x"), &m, Alerts::none()).health(), health, "{secs} s");
    }
}
