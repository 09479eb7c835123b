use std::sync::OnceLock;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use expect_test::expect_file;
use proptest::prelude::*;

use super::*;
use crate::base::change::{ChangeNews, Difference, Order, Progress};
use crate::base::{ProofId, SourceName};
use crate::envelope::{SourceState, SourceUpdate};
use crate::event::{Event, What};
use crate::ui::keymap::{self, Binding, parse_key};
use crate::ui::{AlertMark, Outcome, testing};

mod dialogs;
mod range;
mod screens;
mod sent;

/// An app with what it needs to live.
struct Session {
    app: App,
    model: Model,
    time: TimeBase,
    alerts: Alerts,
}

impl Session {
    fn new(model: Model) -> Self {
        let themes = vec![Theme::default(), Theme::shipped("light").unwrap()];
        let app = App::new(AppOptions { themes, ..AppOptions::default() });
        Self { app, model, time: TimeBase::Live, alerts: Alerts::default() }
    }

    fn size(mut self, w: u16, h: u16) -> Self {
        self.send(Msg::Resize(w, h));
        self
    }

    fn send(&mut self, msg: Msg) -> Vec<Effect> {
        let world = World { model: &self.model, time: self.time, alerts: &self.alerts, track: Track::default(), fleet: &[] };
        self.app.update(msg, &world)
    }

    /// Presses keys; words longer than a key's name are typed.
    fn press(&mut self, keys: &[&str]) -> Vec<Effect> {
        let mut effects = Vec::new();
        for k in keys {
            match parse_key(k) {
                Some(key) => effects.extend(self.send(Msg::Key(key))),
                None => {
                    for c in k.chars() {
                        effects.extend(self.send(Msg::Key(parse_key(&c.to_string()).unwrap())));
                    }
                }
            }
        }
        effects
    }

    fn click(&mut self, x: u16, y: u16) -> Vec<Effect> {
        let event = |kind| Msg::Mouse(MouseEvent { kind, column: x, row: y, modifiers: KeyModifiers::NONE });
        let effects = self.send(event(MouseEventKind::Down(MouseButton::Left)));
        self.send(event(MouseEventKind::Up(MouseButton::Left)));
        effects
    }

    fn buffer(&self) -> Buffer {
        let mut buf = Buffer::empty(self.app.area());
        self.app.draw(&World { model: &self.model, time: self.time, alerts: &self.alerts, track: Track::default(), fleet: &[] }, &mut buf);
        buf
    }

    fn text(&self) -> String {
        testing::text(&self.buffer())
    }
}

fn healthy() -> &'static Model {
    static M: OnceLock<Model> = OnceLock::new();
    M.get_or_init(testing::healthy)
}

fn stuck() -> &'static Model {
    static M: OnceLock<Model> = OnceLock::new();
    M.get_or_init(testing::stuck)
}

fn big() -> &'static Model {
    static M: OnceLock<Model> = OnceLock::new();
    M.get_or_init(testing::big)
}

/// One proof of each kind, workers of which the pods are known, logs with errors.
fn small() -> &'static Model {
    static M: OnceLock<Model> = OnceLock::new();
    M.get_or_init(|| crate::ui::views::testing::small().model)
}

/// A view that notes what it was asked.
#[derive(Default)]
struct Fake(Option<ViewId>, std::rc::Rc<std::cell::RefCell<Vec<Action>>>);

impl View for Fake {
    fn id(&self) -> ViewId {
        self.0.unwrap_or(ViewId::Proofs)
    }

    fn title(&self) -> &'static str {
        "fake"
    }

    fn about(&self) -> &'static [&'static str] {
        &["It is not real."]
    }

    fn bindings(&self) -> &'static [Binding] {
        &[Binding { keys: &["space"], action: || Action::Toggle, what: "fold", hint: true }]
    }

    fn update(&mut self, action: &Action, _: &Ctx<'_>) -> Outcome {
        self.1.borrow_mut().push(action.clone());
        if matches!(action, Action::Back) { Outcome::ignored() } else { Outcome::done() }
    }

    fn draw(&self, _: &Ctx<'_>, _: &mut Buffer) {}
}

#[test]
fn numbers_tabs_and_the_mouse_change_views() {
    let mut s = Session::new(healthy().clone()).size(100, 30);
    assert_eq!(s.app.view(), Some(ViewId::Overview));
    s.press(&["7"]);
    assert_eq!(s.app.view(), Some(ViewId::Pods));
    s.press(&["shift-tab"]);
    assert_eq!(s.app.view(), Some(ViewId::Capacity));
    s.press(&["0"]);
    assert_eq!(s.app.view(), Some(ViewId::Pods));
    s.press(&["tab", "tab", "tab"]);
    assert_eq!(s.app.view(), Some(ViewId::Overview));
    let tabs = s.text().lines().nth(1).unwrap().to_owned();
    let x = tabs.find("sources").unwrap();
    s.click(u16::try_from(x).unwrap(), 1);
    assert_eq!(s.app.view(), Some(ViewId::Sources));
    assert_eq!(s.press(&["q"]), [Effect::Quit]);
    assert_eq!(s.press(&["?", "ctrl-c"]), [Effect::Quit]);
}

#[test]
fn esc_comes_back_from_what_was_opened() {
    let seen = std::rc::Rc::default();
    let mut s = Session::new(healthy().clone()).size(100, 30);
    s.app.views.insert(1, Box::new(Fake(None, std::rc::Rc::clone(&seen))));
    let first = s.model.proofs.active().next().unwrap().id.clone();
    s.press(&["enter"]);
    assert_eq!(s.app.view(), Some(ViewId::Proofs));
    assert_eq!(seen.borrow()[..], [Action::OpenProof(first)]);
    // The view's own key wins over the global one.
    assert_eq!(s.press(&["space"]), []);
    assert_eq!(seen.borrow().last(), Some(&Action::Toggle));
    s.press(&["esc"]);
    assert_eq!(s.app.view(), Some(ViewId::Overview));
    s.press(&["esc"]);
    assert_eq!(s.app.view(), Some(ViewId::Overview));
    assert_eq!(s.press(&["space"]), [Effect::Playback(Playback::Toggle)]);
}

#[test]
fn the_palette_finds_and_does() {
    let mut s = Session::new(healthy().clone()).size(100, 30);
    assert_eq!(s.press(&[":", "q", "enter"]), [Effect::Quit]);
    s.press(&[":", "sourc", "enter"]);
    assert_eq!(s.app.view(), Some(ViewId::Sources));
    s.press(&[":", "thlight", "enter"]);
    assert_eq!(s.app.theme.name, "light");
    s.press(&[":", "nosuchthing", "enter"]);
    assert!(s.text().contains("nothing is called 'nosuchthing'"));
    s.press(&[":"]);
    assert!(s.text().contains("╭─ commands"));
    s.press(&["esc"]);
    assert!(!s.text().contains("╭─ commands"));
}

#[test]
fn pasted_text_never_does_anything() {
    let mut s = Session::new(healthy().clone()).size(100, 30);
    assert_eq!(s.send(Msg::Paste("q".into())), []);
    assert_eq!(s.send(Msg::Paste(":q\r\n7".into())), []);
    assert_eq!(s.app.view(), Some(ViewId::Overview));
    s.press(&[":"]);
    assert_eq!(s.send(Msg::Paste("pods\r\x1b".into())), []);
    assert_eq!(s.app.view(), Some(ViewId::Overview));
    assert!(s.text().contains(": pods"), "{}", s.text());
}

#[test]
fn a_filter_is_typed_kept_and_dropped() {
    let mut s = Session::new(healthy().clone()).size(120, 30);
    s.press(&["1", "/"]);
    assert!(s.text().contains("there is nothing to filter here"));
    s.press(&["7", "/", "coord"]);
    assert!(s.text().contains("pods 1 of 8") && s.text().contains("/ coord"));
    s.press(&["enter"]);
    assert!(s.text().contains("pods 1 of 8") && s.text().contains("/coord"));
    s.press(&["/", "xyz", "esc"]);
    assert!(s.text().contains("pods 1 of 8"));
    s.press(&["esc"]);
    assert!(s.text().contains("pods 8"));
}

#[test]
fn a_recording_is_moved_in() {
    let mut s = Session::new(healthy().clone()).size(100, 30);
    s.press(&["@"]);
    assert!(s.text().contains("go to time"));
    s.press(&["esc"]);
    s.time = testing::replay(&s.model);
    assert_eq!(s.press(&[">"]), [Effect::Playback(Playback::Speed(Some(16.0)))]);
    assert_eq!(s.press(&["["]), [Effect::Playback(Playback::SeekBy { by: Duration::from_secs(10), back: true })]);
    let at = crate::base::Timestamp::parse("2026-11-24T12:05:00Z").unwrap();
    assert_eq!(s.press(&["@", "12:05", "enter"]), [Effect::Playback(Playback::SeekTo(at))]);
    s.press(&["@", "nonsense", "enter"]);
    assert!(s.text().contains("'nonsense' is no time"));
    s.press(&["esc"]);
    let TimeBase::Replay { begin, end, .. } = s.time else { panic!() };
    let effects = s.click(89, 28);
    assert_eq!(effects, [Effect::Playback(Playback::SeekTo(end))]);
    assert_eq!(s.click(10, 28), [Effect::Playback(Playback::SeekTo(begin))]);
}

#[test]
fn two_clicks_open() {
    let mut s = Session::new(healthy().clone()).size(100, 40);
    let y = s.text().lines().position(|l| l.contains("groth16")).unwrap();
    s.app.views.insert(1, Box::new(Fake::default()));
    let y = u16::try_from(y).unwrap();
    s.click(20, y);
    s.send(Msg::Tick(Duration::from_secs(2)));
    s.click(20, y);
    assert_eq!(s.app.view(), Some(ViewId::Overview));
    s.click(20, y);
    assert_eq!(s.app.view(), Some(ViewId::Proofs));
}

#[test]
fn what_is_said_goes_away() {
    let mut s = Session::new(healthy().clone()).size(100, 30);
    s.send(Msg::Complain("it broke".into()));
    assert!(s.text().contains("it broke"));
    assert!(s.app.next_tick().is_some());
    s.send(Msg::Tick(Duration::from_secs(9)));
    assert!(!s.text().contains("it broke"));
    assert_eq!(s.app.next_tick(), None);
    s.send(Msg::Copied { text: "kubectl get pods".into(), sure: false });
    assert!(s.text().contains("kubectl get pods"));
    s.press(&["esc"]);
    assert!(!s.text().contains("kubectl get pods"));
}

#[test]
fn a_newcomer_is_told_after_what_else_is_said_and_once() {
    let mut s = Session::new(healthy().clone()).size(100, 30);
    s.send(Msg::Hint("new here?".into()));
    s.send(Msg::Say("Healthy: a story".into()));
    assert!(s.text().contains("a story") && !s.text().contains("new here?"));
    s.send(Msg::Tick(Duration::from_secs(5)));
    assert!(s.text().contains("new here?"));
    s.press(&["2"]);
    s.send(Msg::Tick(Duration::from_secs(5)));
    assert!(!s.text().contains("new here?") && s.app.next_tick().is_none());
    // Without a key it goes away by itself.
    s.send(Msg::Hint("new here?".into()));
    s.send(Msg::Tick(Duration::from_secs(17)));
    assert!(!s.text().contains("new here?") && s.app.next_tick().is_none());
}

#[test]
fn an_unknown_view_is_no_panic() {
    let mut s = Session::new(testing::empty()).size(80, 24);
    s.app.views.clear();
    s.press(&["1", "tab", "enter", "?", "esc", ":", "q"]);
    s.buffer();
    assert_eq!(s.app.view(), None);
    let id = ProofId::new("x");
    let world = World { model: &s.model, time: s.time, alerts: &s.alerts, track: Track::default(), fleet: &[] };
    assert_eq!(s.app.act(Action::OpenProof(id), &world), []);
}

#[test]
fn a_loop_is_told_and_its_ends_are_on_the_bar() {
    let mut s = Session::new(healthy().clone()).size(100, 30);
    let (begin, end) = (s.model.now.minus(Duration::from_secs(600)), s.model.now);
    s.time = TimeBase::Replay { speed: Some(1.0), paused: true, begin, end, finished: false };
    assert_eq!(s.press(&["b"]), [Effect::Playback(crate::ui::Playback::Loop)]);
    assert!(s.text().contains("it begins here (A)"), "{}", s.text());
    let track = Track { marks: &[], ab: Some((begin.plus(Duration::from_secs(60)), Some(begin.plus(Duration::from_secs(300))))) };
    let world = World { model: &s.model, time: s.time, alerts: &s.alerts, track, fleet: &[] };
    let mut buf = Buffer::empty(s.app.area());
    s.app.draw(&world, &mut buf);
    let row: String = (0..100).map(|x| buf[(x, 28)].symbol().to_owned()).collect();
    let (a, b) = (row.find('A').unwrap(), row.find('B').unwrap());
    assert!(a < b && row.matches('A').count() == 1, "{row}");
}

#[test]
fn alerts_are_opened_copied_marked_and_followed() {
    let mut s = Session::new(stuck().clone()).size(100, 30);
    s.alerts = testing::alerts(s.model.now);
    let fix = "kubectl set env deploy/cpu-node -n sp1-cluster WORKER_MAX_WEIGHT_OVERRIDE=48";
    assert_eq!(s.press(&["5", "y"]), [Effect::Copy(fix.into())]);
    s.press(&["esc", "enter"]);
    assert_eq!(s.press(&["n", "c"]), [Effect::Copy("kubectl logs deploy/cpu-node -n sp1-cluster --tail=50".into())]);
    s.press(&["esc"]);
    let key = s.alerts.firing()[0].key();
    assert_eq!(s.press(&["a"]), [Effect::MarkAlert(key.clone(), AlertMark::Acknowledge)]);
    assert_eq!(s.press(&["z"]), [Effect::MarkAlert(key, AlertMark::Mute)]);
    s.press(&["esc", "o"]);
    assert_eq!(s.app.view(), Some(ViewId::Logs));
    s.press(&["5", "/", "memory", "enter"]);
    assert!(s.text().contains("memory-near-limit") && !s.text().contains("critical  aggregation-stuck"), "{}", s.text());
}

#[test]
fn what_is_gone_or_not_offered_is_no_trouble_of_sources() {
    let mut s = Session::new(healthy().clone()).size(120, 40);
    let dots = |s: &Session| s.text().lines().next().unwrap().matches(['●', '◐', '○']).count();
    let before = dots(&s);
    let at = s.model.now;
    let mut tell = |name: &str, state, detail: &str, pod: Option<&str>| {
        let update = SourceUpdate { state, detail: detail.into(), component: None, pod: pod.map(Into::into), dropped: 0 };
        let events = vec![Event { at, what: What::Source(update) }];
        s.model.apply(crate::event::Batch { seq: s.model.seq + 1, at, source: SourceName::new(name), events, unread: vec![], bytes: 0 });
    };
    tell("grpc:versions", SourceState::Ended, "not offered: the API is older than v2.5.4", None);
    tell("log:old-pod/coordinator", SourceState::Ended, "", Some("old-pod"));
    s.model.kube.known = true;
    assert_eq!(dots(&s), before);
    // A file that ended is shown.
    let mut tell = |name: &str, state| {
        let update = SourceUpdate { state, detail: String::new(), component: None, pod: None, dropped: 0 };
        let events = vec![Event { at, what: What::Source(update) }];
        s.model.apply(crate::event::Batch { seq: s.model.seq + 1, at, source: SourceName::new(name), events, unread: vec![], bytes: 0 });
    };
    tell("log:file", SourceState::Ended);
    assert_eq!(dots(&s), before + 1);
}

#[test]
fn the_beginning_of_a_session_says_so() {
    let mut s = Session::new(Model::new()).size(100, 30);
    let (begin, end) = (healthy().first, healthy().now);
    s.time = TimeBase::Past { paused: true, begin, end };
    let text = s.text();
    assert!(text.contains("The session begins here.") && !text.contains("No source"), "{text}");
    assert!(!text.contains("open the proof") && !text.contains("zoom"), "{text}");
}

#[test]
fn help_lists_only_keys_that_the_view_knows() {
    let mut s = Session::new(healthy().clone()).size(120, 60);
    s.press(&["?"]);
    let text = s.text();
    for no in ["follow the end", "wrap long lines", "next error", "the view's other shape", "invert the filter"] {
        assert!(!text.contains(no), "{no}\n{text}");
    }
    assert!(text.contains("shorter time in graphs"), "{text}");
    s.press(&["esc", "4", "?"]);
    let text = s.text();
    for yes in ["follow the end", "wrap long lines", "next error", "invert the filter", "copy what is selected"] {
        assert!(text.contains(yes), "{yes}\n{text}");
    }
    assert!(!text.contains("shorter time in graphs"), "{text}");
}

#[test]
fn help_tells_all_of_what_a_key_does() {
    let mut s = Session::new(healthy().clone()).size(120, 200);
    s.press(&["?"]);
    let words = s.text().split_whitespace().collect::<Vec<_>>().join(" ");
    for b in keymap::GLOBAL.iter().filter(|g| g.title != keymap::CLOSER).flat_map(|g| g.bindings) {
        let first: Vec<&str> = b.what.split_whitespace().take(3).collect();
        assert!(words.contains(&first.join(" ")), "{}", b.what);
    }
    assert!(words.contains("live: a period on"), "{words}");
}

#[test]
fn muted_alerts_are_not_counted() {
    let mut s = Session::new(stuck().clone()).size(120, 40);
    s.alerts = testing::alerts(s.model.now);
    let (n, first) = (s.alerts.loud().count(), s.alerts.firing()[0].clone());
    let worst = s.alerts.loud().filter(|a| a.severity == first.severity).count();
    assert!(!s.text().contains("muted"));
    s.alerts.mute(&first.key());
    assert_eq!(s.alerts.loud().count(), n - 1);
    let text = s.text();
    let top = text.lines().next().unwrap();
    assert!(top.contains("1 muted") && !top.contains(&format!("✗ {worst} ")), "{text}");
    assert!(text.lines().nth(1).unwrap().contains(&format!("alerts !{}", n - 1)), "{text}");
    assert!(!text.contains(&first.summary[..24]), "{text}");
    // When all are muted, their rows are the others'.
    let row = |text: &str| text.lines().position(|l| l.contains("cpu queue")).unwrap();
    let before = row(&text);
    for a in s.alerts.firing().to_vec().iter().filter(|a| a.key() != first.key()) {
        s.alerts.mute(&a.key());
    }
    let text = s.text();
    assert!(row(&text) < before && row(&text) <= 3, "{text}");
    assert!(text.lines().next().unwrap().contains(&format!("{n} muted")), "{text}");
}

#[test]
fn what_if_changes_what_would_fit_and_nothing_else() {
    let mut s = Session::new(stuck().clone()).size(120, 40);
    s.press(&["6"]);
    assert!(s.text().contains("plonk      ✗ never fits"), "{}", s.text());
    s.press(&["j", "j", "j", "j", "L", "L", "l"]);
    assert!(
        s.text().contains("what would fit") && s.text().contains("plonk      ! fits by weight, memory may not hold it"),
        "{}",
        s.text()
    );
    s.press(&["h", "h"]);
    assert!(s.text().contains("plonk      ✗ never fits"), "{}", s.text());
    s.press(&["r"]);
    assert!(s.text().contains("what fits") && !s.text().contains("› what if"), "{}", s.text());
    assert_eq!(s.press(&["y"]), [Effect::Copy("kubectl set env deploy/cpu-node -n sp1-cluster WORKER_MAX_WEIGHT_OVERRIDE=64".into())]);
}
