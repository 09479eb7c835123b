//! How screens are drawn, at every size.

use super::*;

#[test]
fn what_fits_is_told_whole_at_80_columns() {
    for model in [stuck(), healthy(), small(), big()] {
        let mut s = Session::new(model.clone()).size(80, 24);
        s.press(&["6"]);
        let text = s.text();
        let told: Vec<&str> = text.lines().skip(3).take(8).map(|l| l.split("││").nth(1).unwrap()).collect();
        assert!(!told.iter().any(|l| l.contains('…')) && told[0].contains("core"), "{told:#?}");
        assert!(text.contains(" if "), "{text}");
    }
}

#[test]
fn a_resize_keeps_the_selection() {
    let mut s = Session::new(big().clone()).size(120, 40);
    s.press(&["j", "j", "j", "j"]);
    let selected = |s: &Session| s.text().lines().find(|l| l.contains('▌')).map(|l| l[l.find("cli_").unwrap()..][..17].to_owned());
    let before = selected(&s);
    assert!(before.is_some());
    for (w, h) in [(80, 24), (60, 16), (200, 60), (3, 2), (120, 40)] {
        s.send(Msg::Resize(w, h));
        s.buffer();
        if w >= 60 {
            assert_eq!(selected(&s), before, "{w}x{h}");
        }
    }
}

#[test]
fn the_important_stays_on_narrow_screens() {
    let mut s = Session::new(stuck().clone()).size(60, 16);
    s.alerts = testing::alerts(s.model.now);
    let text = s.text();
    for part in ["LIVE", "✗ 1", "? help", "cli_", "wrap waits", "cpu queue 1", "aggregation-stuck"] {
        assert!(text.contains(part), "{part} is not on\n{text}");
    }
    s.send(Msg::Resize(20, 4));
    assert!(s.text().contains("aggregation-stuck") && s.text().contains("queue cpu 1 gpu 0"), "{}", s.text());
}

/// Every screen as it is, with its styles. `UPDATE_EXPECT=1` takes new ones.
#[test]
fn pictures() {
    for (w, h) in [(80, 24), (120, 40), (200, 60)] {
        for (name, model, keys) in [
            ("overview", healthy(), &["1"][..]),
            ("sources", stuck(), &["8", "j"]),
            ("workers", healthy(), &["2", "j"]),
            ("workers-map", big(), &["2", "v", "j", "l", "l", "l"]),
            ("worker", small(), &["2", "j", "enter", "j"]),
            ("proofs", small(), &["3", "j"]),
            ("proof", small(), &["3", "j", "enter"]),
            ("proof-workers", stuck(), &["3", "enter", "v", "+", "h"]),
            ("logs", small(), &["4", "k"]),
            ("logs-record", small(), &["4", "w", "/", "task", "enter", "N", "enter"]),
            ("alerts", stuck(), &["5"]),
            ("alert", stuck(), &["5", "enter"]),
            ("capacity", stuck(), &["6"]),
            ("capacity-what-if", stuck(), &["6", "j", "j", "j", "j", "L"]),
            ("pods", healthy(), &["7", "j", "j"]),
            ("help", healthy(), &["9"]),
            ("palette", stuck(), &["1", ":", "pro"]),
        ] {
            let mut s = Session::new(model.clone()).size(w, h);
            if name.starts_with("alert") {
                s.alerts = testing::alerts(s.model.now);
            }
            s.press(keys);
            expect_file![format!("{}/src/app/snapshots/{name}-{w}x{h}.txt", env!("CARGO_MANIFEST_DIR"))]
                .assert_eq(&testing::picture(&s.buffer()));
        }
    }
    let mut s = Session::new(stuck().clone()).size(120, 40);
    s.alerts = testing::alerts(s.model.now);
    s.time = testing::replay(&s.model);
    expect_file![concat!(env!("CARGO_MANIFEST_DIR"), "/src/app/snapshots/stuck-replay-120x40.txt")]
        .assert_eq(&testing::picture(&s.buffer()));
    let none = ["/", "no such thing", "enter"];
    for (name, model, view, keys) in vec![
        ("empty", testing::empty(), "1", &[][..]),
        ("denied", testing::denied(), "1", &[]),
        ("workers-empty", testing::empty(), "2", &[]),
        ("proofs-empty", testing::empty(), "3", &[]),
        ("logs-empty", testing::empty(), "4", &[]),
        ("alerts-empty", testing::empty(), "5", &[]),
        ("capacity-empty", testing::empty(), "6", &[]),
        ("alerts-none", healthy().clone(), "5", &[]),
        ("pods-empty", testing::empty(), "7", &[]),
        ("sources-empty", testing::empty(), "8", &[]),
        ("workers-none", small().clone(), "2", &none),
        ("proofs-none", small().clone(), "3", &none),
        ("logs-none", small().clone(), "4", &none),
        ("pods-none", healthy().clone(), "7", &none),
    ] {
        let mut s = Session::new(model).size(80, 24);
        s.press(&[view]);
        s.press(keys);
        expect_file![format!("{}/src/app/snapshots/{name}-80x24.txt", env!("CARGO_MANIFEST_DIR"))].assert_eq(&testing::text(&s.buffer()));
    }
}

#[test]
fn without_unicode_there_is_only_ascii() {
    for keys in [&["1"][..], &["2"], &["2", "v"], &["3"], &["3", "enter"], &["4"], &["7"], &["8"], &["9"], &["?"], &[":", "th"]] {
        let mut s = Session::new(stuck().clone()).size(120, 40);
        s.app.symbols = Symbols::ascii();
        s.alerts = testing::alerts(s.model.now);
        s.time = testing::replay(&s.model);
        s.press(keys);
        let text = s.text();
        assert!(text.is_ascii(), "{keys:?}: {:?}", text.chars().filter(|c| !c.is_ascii()).collect::<String>());
    }
}

/// Keys that change what is shown, for walks over the screens.
const WALK: &[&str] = &[
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "0",
    "tab",
    "shift-tab",
    "j",
    "k",
    "G",
    "g",
    "ctrl-d",
    "ctrl-u",
    "pagedown",
    "pageup",
    "enter",
    "esc",
    "/",
    "!",
    "s",
    "S",
    "v",
    "+",
    "-",
    "n",
    "N",
    "y",
    "?",
    ":",
    "t",
    "@",
    "x",
    "backspace",
    "h",
    "l",
    "f",
    "w",
    "left",
    "down",
    "space",
    "o",
    "c",
    "L",
    "J",
    "K",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever is pressed and clicked at whatever size: no panic.
    #[test]
    fn any_size_any_keys(
        which in 0..5_usize,
        replay in any::<bool>(),
        ascii in any::<bool>(),
        steps in prop::collection::vec((0..WALK.len(), 0..250_u16, 0..80_u16), 1..24),
        sizes in prop::collection::vec((1..=250_u16, 1..=80_u16), 1..4),
    ) {
        let model = match which {
            0 => healthy().clone(),
            1 => stuck().clone(),
            2 => big().clone(),
            3 => testing::empty(),
            _ => testing::denied(),
        };
        let mut s = Session::new(model);
        if replay {
            s.time = testing::replay(&s.model);
        }
        if which > 0 {
            s.alerts = testing::alerts(s.model.now);
        }
        if ascii {
            s.app.symbols = Symbols::ascii();
        }
        for (w, h) in sizes {
            s.send(Msg::Resize(w, h));
            s.buffer();
            for (key, x, y) in &steps {
                s.press(&[WALK[*key]]);
                if x % 5 == 0 {
                    s.click(x % w, y % h);
                }
            }
            s.buffer();
        }
    }
}

#[test]
fn every_small_size() {
    for view in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        for popup in ["esc", "?", ":", "/"] {
            let mut s = Session::new(stuck().clone());
            s.alerts = testing::alerts(s.model.now);
            s.time = testing::replay(&s.model);
            s.press(&[view, popup]);
            for w in (1..30).chain([59, 60, 79]) {
                for h in 1..26 {
                    s.send(Msg::Resize(w, h));
                    s.buffer();
                }
            }
        }
    }
}

#[test]
fn drawing_is_quick() {
    let mut s = Session::new(big().clone()).size(200, 60);
    s.press(&["1"]);
    let begin = std::time::Instant::now();
    for _ in 0..10 {
        s.buffer();
    }
    // Generous: a debug build on a busy machine.
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

#[test]
fn the_selected_setting_is_seen_on_a_small_screen() {
    let mut s = Session::new(stuck().clone()).size(60, 16);
    s.press(&["6"]);
    let row = |s: &Session| s.text().lines().find(|l| l.contains('▌')).map(str::to_owned);
    assert!(row(&s).unwrap().contains("Controller weight"), "{}", s.text());
    s.press(&["j", "j", "j", "j", "j"]);
    assert!(row(&s).unwrap().contains("cpu-nodes"), "{}", s.text());
}
