//! The keys as the user has them: the tables of keys, with what the settings
//! say instead.

use std::collections::BTreeMap;

use crossterm::event::KeyEvent;

use super::action::Action;
use super::keymap::{Binding, GLOBAL, KeyRow, matches, parse_key};
use crate::config::nearest;

/// The keys of all bindings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keymap {
    /// Other keys than the table's, by the binding's name.
    own: BTreeMap<String, Vec<String>>,
}

/// The keys of the tables.
pub static DEFAULT: Keymap = Keymap { own: BTreeMap::new() };

/// A binding's name in the settings: `play-or-pause`; for a binding of a view's
/// own `logs.fold`.
#[must_use]
pub fn name(view: &str, b: &Binding) -> String {
    // `?` is called as the view that `9` shows.
    let what = if (b.action)() == Action::Help { "explain this screen" } else { b.what };
    let head = what.split([';', ':', ',']).next().unwrap_or_default();
    let words: Vec<String> = head.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect();
    let slug = words.join("-");
    if view.is_empty() { slug } else { format!("{view}.{slug}") }
}

fn global() -> impl Iterator<Item = &'static Binding> {
    GLOBAL.iter().flat_map(|g| g.bindings)
}

/// True when both name the same key.
fn same(a: &str, b: &str) -> bool {
    parse_key(b).is_some_and(|e| matches(a, &e))
}

/// The keys of a scope, each with the name of its binding.
type Taken = Vec<(String, String)>;

impl Keymap {
    /// The tables with other keys for some names. Refused are names and keys
    /// that there are not, and a key that would do two things.
    pub fn new(own: BTreeMap<String, Vec<String>>, views: &[(&'static str, &'static [Binding])]) -> Result<Self, String> {
        let mut names: Vec<String> = global().map(|b| name("", b)).collect();
        names.extend(views.iter().flat_map(|(v, list)| list.iter().map(|b| name(v, b))));
        for (n, keys) in &own {
            if !names.contains(n) {
                let meant = nearest(n, names.iter().map(String::as_str)).map(|m| format!("did you mean '{m}'? ")).unwrap_or_default();
                return Err(format!("nothing is called '{n}'; {meant}sp1top keys lists the names"));
            }
            if let Some(k) = keys.iter().find(|k| parse_key(k).is_none()) {
                return Err(format!("{n}: there is no key '{k}'; keys are written like x, X, ctrl-x, alt-x, f5, enter, space, pageup"));
            }
        }
        let this = Self { own };
        this.check(views)?;
        Ok(this)
    }

    fn check(&self, views: &[(&'static str, &'static [Binding])]) -> Result<(), String> {
        let everywhere = self.scope("", global())?;
        for (view, list) in views {
            for (key, mine) in self.scope(view, list.iter())? {
                let Some((_, theirs)) = everywhere.iter().find(|(k, _)| same(k, &key)) else { continue };
                // A view may take a key for itself, but not one that the user gave to something else.
                if self.own.contains_key(&mine) || self.own.contains_key(theirs) {
                    return Err(twice(&key, theirs, &mine));
                }
            }
        }
        Ok(())
    }

    /// The keys of bindings that are listened to together.
    fn scope<'b>(&self, view: &str, bindings: impl Iterator<Item = &'b Binding>) -> Result<Taken, String> {
        let mut taken: Taken = Vec::new();
        for b in bindings {
            let mine = name(view, b);
            for key in self.list(&mine, b) {
                if let Some((_, other)) = taken.iter().find(|(k, n)| same(k, key) && *n != mine) {
                    return Err(twice(key, other, &mine));
                }
                taken.push((key.to_owned(), mine.clone()));
            }
        }
        Ok(taken)
    }

    fn list<'a>(&'a self, name: &str, b: &Binding) -> Vec<&'a str> {
        match self.own.get(name) {
            Some(keys) => keys.iter().map(String::as_str).collect(),
            None => b.keys.to_vec(),
        }
    }

    /// The keys of a binding; `view` is empty for those that work everywhere.
    #[must_use]
    pub fn of(&self, view: &str, b: &Binding) -> Vec<&str> {
        if self.own.is_empty() { b.keys.to_vec() } else { self.list(&name(view, b), b) }
    }

    /// The first of them; empty where there is none.
    #[must_use]
    pub fn first(&self, view: &str, b: &Binding) -> &str {
        self.of(view, b).first().copied().unwrap_or_default()
    }

    /// The binding for a key press: the view's own first, then those that work
    /// everywhere.
    #[must_use]
    pub fn find<'b>(&self, view: &str, own: &'b [Binding], event: &KeyEvent) -> Option<&'b Binding> {
        let hit = |view: &str, b: &Binding| self.of(view, b).iter().any(|k| matches(k, event));
        own.iter().find(|b| hit(view, b)).or_else(|| global().find(|b| hit("", b)))
    }

    /// The global groups without the keys that `own` takes for itself.
    #[must_use]
    pub fn remaining(&'static self, view: &str, own: &[Binding]) -> Vec<(&'static str, Vec<KeyRow>)> {
        let taken: Vec<&str> = own.iter().flat_map(|b| self.of(view, b)).collect();
        GLOBAL
            .iter()
            .map(|g| {
                let rows = g.bindings.iter().filter_map(|b| {
                    let keys: Vec<_> = self.of("", b).into_iter().filter(|k| !taken.contains(k)).collect();
                    (!keys.is_empty()).then_some((keys, b.what))
                });
                (g.title, rows.collect())
            })
            .collect()
    }

    /// Keys of the table in a hint (`enter`, `+ -`), as the user has them.
    #[must_use]
    pub fn written(&self, hint: &str) -> String {
        if self.own.is_empty() {
            return hint.to_owned();
        }
        let one = |word: &str| {
            let b = global().find(|b| b.keys.contains(&word));
            let other = b.filter(|b| self.own.contains_key(&name("", b))).map(|b| self.first("", b).to_owned());
            other.unwrap_or_else(|| word.to_owned())
        };
        hint.split(' ').map(one).collect::<Vec<_>>().join(" ")
    }
}

fn twice(key: &str, a: &str, b: &str) -> String {
    format!("the key '{key}' would be both '{a}' and '{b}'; give one of them another key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Action, views};

    const OWN: &[Binding] = &[Binding { keys: &["space"], action: || Action::Toggle, what: "fold", hint: false }];

    fn map(rows: &[(&str, &[&str])]) -> Result<Keymap, String> {
        let own = rows.iter().map(|(n, k)| ((*n).to_owned(), k.iter().map(|k| (*k).to_owned()).collect())).collect();
        let views: Vec<_> = views::all().iter().map(|v| (v.title(), v.bindings())).collect();
        Keymap::new(own, &views)
    }

    #[test]
    fn a_view_takes_keys_for_itself() {
        let space = parse_key("space").unwrap();
        assert_eq!((DEFAULT.find("x", OWN, &space).unwrap().action)(), Action::Toggle);
        assert_eq!((DEFAULT.find("x", &[], &space).unwrap().action)(), Action::PlayPause);
        let left: Vec<_> = DEFAULT.remaining("x", OWN).into_iter().flat_map(|(_, rows)| rows).flat_map(|(keys, _)| keys).collect();
        assert!(!left.contains(&"space") && left.contains(&"q"));
    }

    #[test]
    fn the_tables_have_no_conflict_and_names_are_unique() {
        assert_eq!(map(&[]), Ok(Keymap::default()));
        let mut seen = std::collections::BTreeSet::new();
        for b in global() {
            assert!(seen.insert(name("", b)), "{} is called twice", name("", b));
        }
    }

    #[test]
    fn other_keys_do_it_and_the_old_ones_no_more() {
        let m = map(&[("quit", &["f10"]), ("play-or-pause", &["ctrl-p", "P"])]).unwrap();
        let find = |k: &str| m.find("", &[], &parse_key(k).unwrap()).map(|b| (b.action)());
        assert_eq!((find("f10"), find("q")), (Some(Action::Quit), None));
        assert_eq!((find("P"), find("ctrl-p"), find("space")), (Some(Action::PlayPause), Some(Action::PlayPause), None));
        assert_eq!(find("j"), Some(Action::Move(1)));
        assert_eq!((m.written("space"), m.written("enter")), ("ctrl-p".into(), "enter".into()));
    }

    #[test]
    fn what_cannot_be_is_refused_with_names() {
        let error = |n: &str, k: &str| map(&[(n, &[k])]).unwrap_err();
        assert_eq!(error("quit", "j"), "the key 'j' would be both 'down' and 'quit'; give one of them another key");
        assert!(error("qit", "x").starts_with("nothing is called 'qit'; did you mean 'quit'?"));
        assert!(error("quit", "hyper-x").contains("there is no key 'hyper-x'"));
        // Two that change places are no conflict.
        assert!(map(&[("down", &["k"]), ("up", &["j"])]).is_ok());
    }

    #[test]
    fn a_key_of_a_view_cannot_be_given_away() {
        let Some((view, b)) = views::all().into_iter().find_map(|v| v.bindings().first().map(|b| (v.title(), b))) else { return };
        let error = map(&[("quit", &[b.keys[0]])]).unwrap_err();
        assert!(error.contains("'quit'"), "{error}");
        let _ = view;
    }
}
