//! The dialogs that send proofs, cancel them and change Deployments.

use super::*;

/// Clicks on a text of the screen.
fn click_on(s: &mut Session, text: &str) {
    let screen = s.text();
    let found = screen.lines().enumerate().find_map(|(y, l)| l.find(text).map(|x| (l[..x].chars().count(), y)));
    let (x, y) = found.unwrap_or_else(|| panic!("no '{text}':\n{screen}"));
    s.click(u16::try_from(x).unwrap(), u16::try_from(y).unwrap());
}

#[test]
fn clicks_choose_in_dialogs_and_do_nothing_yet() {
    let mut s = Session::new(healthy().clone()).size(100, 40);
    s.app.prover.store = Some(Ok("redis://x".into()));
    s.press(&["p"]);
    click_on(&mut s, "plonk ");
    click_on(&mut s, "an ELF file");
    assert!(s.text().contains("▌plonk") && s.text().contains("▌an ELF file"), "{}", s.text());
    // To a field, where keys go then.
    click_on(&mut s, "at once");
    s.press(&["backspace", "7"]);
    assert!(s.text().contains("at once       7"), "{}", s.text());
    click_on(&mut s, "fibonacci");
    s.press(&["enter"]);
    let yes = |s: &Session| matches!(&s.app.popup, Some(Popup::Confirm(a)) if a.yes());
    assert!(s.text().contains("Send 7 plonk proofs of fibonacci") && !yes(&s), "{}", s.text());
    click_on(&mut s, "Yes ");
    assert!(yes(&s));
    click_on(&mut s, "No ");
    assert!(!yes(&s));
    s.press(&["esc", "R"]);
    click_on(&mut s, "from block to block");
    click_on(&mut s, "a proof, on");
    assert!(s.text().contains("▌from block") && s.text().contains("▌a proof") && s.text().contains("witness first"), "{}", s.text());
}

#[test]
fn a_proof_is_sent_after_two_questions_whose_default_is_no() {
    let mut s = Session::new(healthy().clone()).size(100, 30);
    s.app.prover.store = Some(Ok("redis://:***@redis:6379".into()));
    s.press(&["p"]);
    assert!(s.text().contains("send a proof") && s.text().contains("redis://:***@redis:6379"), "{}", s.text());
    // n, mode and how many.
    s.press(&["down", "ctrl-u", "20", "down", "left", "down", "ctrl-u", "3"]);
    assert_eq!(s.press(&["enter"]), []);
    assert!(s.text().contains("Send 3 core proofs of fibonacci (n=20)"), "{}", s.text());
    // Enter alone does nothing.
    assert_eq!(s.press(&["enter"]), []);
    assert!(s.text().contains("nothing was sent"));
    s.press(&["p", "enter"]);
    let launch = crate::ui::Launch {
        program: crate::ui::Program::Fibonacci(1000),
        mode: crate::event::ProofMode::Compressed,
        count: 1,
        timeout: Duration::from_secs(14_400),
    };
    assert_eq!(s.press(&["y"]), [Effect::Cluster(crate::ui::Request::Prove(launch.clone()))]);
    s.press(&["p", "enter", "right", "up", "down"]);
    assert_eq!(s.press(&["enter"]), [Effect::Cluster(crate::ui::Request::Prove(launch))]);
    // What cannot be is said before anything is asked.
    s.press(&["p", "down", "ctrl-u", "x", "enter"]);
    assert!(s.text().contains("n is a whole number"), "{}", s.text());
    s.press(&["esc", "p", "right", "enter"]);
    assert!(s.text().contains("give the path of an SP1 v6 ELF"), "{}", s.text());
    s.press(&["esc"]);
    s.app.prover.read_only = true;
    s.press(&["p"]);
    assert!(s.text().contains("read-only"), "{}", s.text());
}

#[test]
fn a_proof_is_cancelled_after_a_question() {
    let mut s = Session::new(healthy().clone()).size(100, 30);
    let id = s.model.proofs.active().next().unwrap().id.clone();
    let world = World { model: &s.model, time: s.time, alerts: &s.alerts, track: crate::ui::Track::default(), fleet: &[] };
    assert_eq!(s.app.act(Action::CancelProof(id.clone()), &world), []);
    assert!(s.text().contains(&format!("Cancel {id}?")), "{}", s.text());
    assert_eq!(s.press(&["n"]), []);
    let world = World { model: &s.model, time: s.time, alerts: &s.alerts, track: crate::ui::Track::default(), fleet: &[] };
    s.app.act(Action::CancelProof(id.clone()), &world);
    assert_eq!(s.press(&["y"]), [Effect::Cluster(crate::ui::Request::Cancel(id.clone()))]);
    let (begin, end) = (s.model.first, s.model.now);
    for (time, words) in [
        (TimeBase::Past { paused: true, begin, end }, "this is the past: go back to now first (r)"),
        (TimeBase::Replay { speed: None, paused: true, begin, end, finished: false }, "a recording takes no proofs"),
    ] {
        s.time = time;
        let world = World { model: &s.model, time: s.time, alerts: &s.alerts, track: crate::ui::Track::default(), fleet: &[] };
        s.app.act(Action::CancelProof(id.clone()), &world);
        assert!(s.text().contains(words), "{}", s.text());
    }
}

/// A session in which a change was asked for and the cluster answered so.
fn asked(progress: Option<Progress>) -> Session {
    let mut s = Session::new(stuck().clone()).size(100, 30);
    s.alerts = testing::alerts(s.model.now);
    let effects = s.press(&["5", "x"]);
    let [Effect::Change(Order::Look { id, change })] = &effects[..] else { panic!("{effects:?}") };
    if let Some(progress) = progress {
        s.model.changes.apply(ChangeNews { id: *id, change: change.clone(), progress });
    }
    s
}

fn ready(interrupts: bool) -> Progress {
    let difference =
        Difference { what: "deploy/cpu-node: WORKER_MAX_WEIGHT_OVERRIDE".into(), from: Some("32".into()), to: Some("48".into()) };
    Progress::Ready { differences: vec![difference], interrupts, version: "generation 3".into() }
}

#[test]
fn a_change_shows_the_difference_and_wants_the_name_typed() {
    let mut s = asked(None);
    assert!(s.text().contains("Reading the cluster"));
    assert_eq!(s.press(&["enter", "y"]), [], "nothing is confirmed blindly");
    let mut s = asked(Some(ready(true)));
    let text = s.text();
    for part in ["change the environment of cpu-node", "- 32", "+ 48", "begin anew", "Type cpu-node", "No (the default)"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(s.press(&["enter"]), [], "Enter alone is a No");
    assert!(s.text().contains("nothing was changed"));
    let mut s = asked(Some(ready(true)));
    assert_eq!(s.press(&["y", "enter"]), []);
    assert!(s.text().contains("That is not cpu-node.") && s.text().contains("+ 48"), "{}", s.text());
    // It is typed again.
    s.press(&["backspace"]);
    assert!(!s.text().contains("That is not"), "{}", s.text());
    let effects = s.press(&["cpu-node", "enter"]);
    assert!(matches!(&effects[..], [Effect::Change(Order::Apply { version, .. })] if version == "generation 3"), "{effects:?}");
    assert!(s.text().contains("Making the change"));
}

#[test]
fn what_interrupts_nothing_is_asked_with_no_by_default() {
    for key in ["enter", "n", "esc", "space"] {
        assert_eq!(asked(Some(ready(false))).press(&[key]), [], "{key}");
    }
    assert!(matches!(&asked(Some(ready(false))).press(&["y"])[..], [Effect::Change(Order::Apply { .. })]));
    let mut refused = asked(Some(Progress::Refused("this user may not patch deployments.apps".into())));
    assert!(refused.text().contains("may not patch"));
    assert_eq!(refused.press(&["y"]), []);
}

#[test]
fn nothing_is_changed_in_recordings_and_when_only_reading() {
    let mut s = Session::new(stuck().clone()).size(100, 30);
    s.alerts = testing::alerts(s.model.now);
    s.app.read_only = true;
    assert_eq!(s.press(&["5", "x"]), []);
    assert!(s.text().contains("--read-only"), "{}", s.text());
    s.app.read_only = false;
    s.time = testing::replay(&s.model);
    assert_eq!(s.press(&["x"]), []);
    assert!(s.text().contains("a recording cannot be changed"));
}
