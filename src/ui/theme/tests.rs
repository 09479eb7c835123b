use std::collections::BTreeSet;

use super::*;

fn table(text: &str, name: &str) -> toml::Table {
    let all: toml::Table = text.parse().unwrap();
    all[name].as_table().unwrap().clone()
}

#[test]
fn every_shipped_theme_defines_everything() {
    for (name, text) in SHIPPED {
        let theme = Theme::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(theme.name, *name);
        assert!(!theme.about.is_empty());
        for role in Role::ALL {
            assert!(table(text, "roles").contains_key(role.name()), "{name} lacks {}", role.name());
        }
        for task in TaskType::KNOWN.iter().map(TaskType::as_str).chain(["unknown"]) {
            assert!(table(text, "tasks").contains_key(task), "{name} lacks {task}");
        }
        let colours: BTreeSet<_> = theme.proofs.iter().map(|s| format!("{s:?}")).collect();
        assert!(colours.len() >= 8, "{name}: proofs cannot be told apart");
    }
}

/// Relative luminance, WCAG 2.
fn luminance(colour: Color) -> Option<f64> {
    let Color::Rgb(red, green, blue) = colour else { return None };
    let linear = |v: u8| {
        let v = f64::from(v) / 255.0;
        if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    };
    Some(0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue))
}

#[test]
fn text_stands_out_from_its_ground() {
    for (name, text) in SHIPPED {
        let t = Theme::parse(text).unwrap();
        for role in Role::ALL {
            let s = t.base().patch(t.style(role));
            let (Some(a), Some(b)) = (s.fg.and_then(luminance), s.bg.and_then(luminance)) else { continue };
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            let least = match role {
                Role::Border | Role::Faint => 1.3,
                Role::BorderFocus => 3.0,
                _ => 4.5,
            };
            assert!(contrast >= least, "{name}: {} has a contrast of {contrast:.1}", role.name());
        }
        for s in t.tasks.iter().chain(&t.proofs) {
            let s = t.base().patch(*s);
            let (Some(a), Some(b)) = (s.fg.and_then(luminance), s.bg.and_then(luminance)) else { continue };
            assert!((a.max(b) + 0.05) / (a.min(b) + 0.05) >= 3.0, "{name}: {s:?}");
        }
    }
}

#[test]
fn colours_stay_readable_on_the_selected_row() {
    for (name, text) in SHIPPED {
        let t = Theme::parse(text).unwrap();
        for on in [Role::Selected, Role::SelectedDim] {
            let Some(ground) = t.style(on).bg.and_then(luminance) else { continue };
            let over = [Role::Text, Role::Dim, Role::Good, Role::Warn, Role::Bad, Role::Info, Role::Accent].map(|r| (r.name(), t.style(r)));
            let tasks = t.tasks.iter().map(|s| ("a task", *s));
            for (what, s) in over.into_iter().chain(tasks) {
                let Some(l) = s.fg.and_then(luminance) else { continue };
                let contrast = (l.max(ground) + 0.05) / (l.min(ground) + 0.05);
                let least = if what == "a task" { 2.2 } else { 3.0 };
                assert!(contrast >= least, "{name}: {what} {:?} on {} has a contrast of {contrast:.1}", s.fg, on.name());
            }
        }
    }
}

#[test]
fn errors_say_what_there_is() {
    let error = |text: &str| Theme::parse(text).unwrap_err();
    assert!(error("name = 'x'\n[roles]\nbordr = 'red'").contains("there are text, dim, title, border"));
    assert!(error("name = 'x'\n[tasks]\nFoo = 'red'").contains("ProveShard"));
    assert!(error("name = 'x'\n[roles]\ntext = 'rde'").starts_with("text = \"rde\": 'rde' is neither"));
    assert!(error("name = 'x'\n[roles]\ntext = '#12'").contains("not a colour like"));
    assert!(error("name = 'x'\ninherits = 'y'").contains("there are dark, light"));
    assert!(error("name = 'x'\n[palette]\ndim = '#000000'").contains("taken by an attribute"));
    assert!(error("nam = 'x'").contains("unknown field"));
}

#[test]
fn a_small_file_changes_a_little() {
    let t = Theme::parse("name = 'mine'\ninherits = 'light'\n[palette]\nink = '#102030'\n[roles]\ntext = 'bold ink on 7'").unwrap();
    assert_eq!(t.style(Role::Text), Style::new().fg(Color::Rgb(16, 32, 48)).bg(Color::Indexed(7)).add_modifier(Modifier::BOLD));
    assert_eq!(t.style(Role::Dim), Theme::shipped("light").unwrap().style(Role::Dim));
}

#[test]
fn fewer_colours_lose_no_meaning() {
    for (name, text) in SHIPPED {
        let t = Theme::parse(text).unwrap();
        for depth in [Depth::None, Depth::Ansi16, Depth::Ansi256, Depth::Full] {
            let t = t.reduced(depth);
            assert_eq!(t.name, *name);
            assert_ne!(t.base().patch(t.style(Role::Selected)), t.base().patch(t.style(Role::Text)), "{name} {depth:?}");
            assert_ne!(t.base().patch(t.style(Role::TabActive)), t.base().patch(t.style(Role::Tab)), "{name} {depth:?}");
        }
    }
}
