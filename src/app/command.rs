//! What the palette finds.

use super::World;
use crate::ui::keymap::{self, Keymap};
use crate::ui::{Action, Theme, ViewId};

/// Something that can be asked for by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// What it is called.
    pub name: String,
    /// What it is, or its key.
    pub detail: String,
    /// A short name that finds it at once.
    pub alias: &'static str,
    /// What it does.
    pub action: Action,
}

/// A command that matches, with the matched characters of its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The command.
    pub command: Command,
    /// Numbers of the matched characters.
    pub at: Vec<usize>,
}

/// No more proofs, and no more workers and pods, than this are offered.
const MOST: usize = 500;

/// Everything there is to ask for.
pub fn all(views: &[(ViewId, &'static str)], themes: &[Theme], keys: &'static Keymap, world: &World<'_>) -> Vec<Command> {
    let mut out: Vec<Command> = views
        .iter()
        .map(|(id, title)| Command { name: (*title).into(), detail: format!("view {}", id.number()), alias: "", action: Action::Show(*id) })
        .collect();
    for b in keymap::GLOBAL.iter().flat_map(|g| g.bindings) {
        let action = (b.action)();
        if matches!(
            action,
            Action::Show(_) | Action::Palette | Action::Move(_) | Action::MoveSideways(_) | Action::Page(_) | Action::HalfPage(_)
        ) {
            continue;
        }
        let alias = match action {
            Action::Quit => "q",
            Action::Help => "h",
            _ => "",
        };
        out.push(Command { name: b.what.into(), detail: format!("key {}", keys.first("", b)), alias, action });
    }
    out.extend(themes.iter().map(|t| Command {
        name: format!("theme {}", t.name),
        detail: t.about.clone(),
        alias: "",
        action: Action::UseTheme(t.name.clone()),
    }));
    let model = world.model;
    out.extend(world.alerts.firing().iter().take(MOST).map(|a| Command {
        name: format!("alert {} {}", a.id, a.subject).trim_end().to_owned(),
        detail: a.severity.as_str().into(),
        alias: "",
        action: Action::OpenAlert { id: a.id, subject: a.subject.clone() },
    }));
    let mut proofs: Vec<_> = model.proofs.iter().collect();
    proofs.sort_by_key(|p| (!p.is_active(), std::cmp::Reverse(p.progress_at)));
    out.extend(proofs.into_iter().take(MOST).map(|p| Command {
        name: format!("proof {}", p.id),
        detail: p.status.map_or("vanished", crate::event::ProofStatus::as_str).into(),
        alias: "",
        action: Action::OpenProof(p.id.clone()),
    }));
    out.extend(model.workers.connected().take(MOST).map(|w| Command {
        name: format!("worker {}", w.id),
        detail: w.kind.map_or("", crate::base::WorkerKind::as_str).into(),
        alias: "",
        action: Action::OpenWorker(w.id.clone()),
    }));
    out.extend(model.kube.pods().take(MOST).map(|p| Command {
        name: format!("logs {}", p.info.name),
        detail: p.component.map_or("pod", crate::event::Component::as_str).into(),
        alias: "",
        action: Action::OpenLogs(p.info.name.clone()),
    }));
    out
}

/// Those of `commands` that match, the best first. Without a query, the views
/// and actions in their order.
pub fn find(query: &str, commands: &[Command]) -> Vec<Found> {
    let query = query.trim();
    if query.is_empty() {
        return commands.iter().map(|c| Found { command: c.clone(), at: Vec::new() }).collect();
    }
    let mut hits: Vec<(i32, usize, Vec<usize>)> = commands
        .iter()
        .enumerate()
        .filter_map(|(i, c)| {
            if c.alias == query {
                return Some((i32::MAX, i, Vec::new()));
            }
            fuzzy(query, &c.name).map(|(score, at)| (score, i, at))
        })
        .collect();
    hits.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    hits.into_iter().map(|(_, i, at)| Found { command: commands[i].clone(), at }).collect()
}

/// Whether the characters of `query` occur in `text` in their order, case
/// aside; how well (runs, beginnings of words and short texts count), and where.
pub fn fuzzy(query: &str, text: &str) -> Option<(i32, Vec<usize>)> {
    let wanted: Vec<char> = query.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    let chars: Vec<char> = text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect();
    if wanted.is_empty() || wanted.len() > chars.len() {
        return None;
    }
    let starts_word = |i: usize| i == 0 || !chars[i - 1].is_alphanumeric();
    let mut best: Option<(i32, Vec<usize>)> = None;
    // From every place where the first character stands, greedily.
    for start in (0..chars.len()).filter(|i| chars[*i] == wanted[0]).take(64) {
        let mut at = Vec::with_capacity(wanted.len());
        let mut score = 0;
        let mut next = start;
        for w in &wanted {
            let run = at.last().map(|l: &usize| l + 1);
            // The rest of a run first, then the beginning of a word, then anywhere.
            let place = run
                .filter(|i| chars.get(*i) == Some(w))
                .or_else(|| (next..chars.len()).find(|i| chars[*i] == *w && starts_word(*i)))
                .or_else(|| (next..chars.len()).find(|i| chars[*i] == *w));
            let Some(i) = place else { break };
            score += if run == Some(i) { 8 } else { 1 };
            score += if starts_word(i) { 10 } else { 0 };
            at.push(i);
            next = i + 1;
        }
        if at.len() < wanted.len() {
            continue;
        }
        score -= i32::try_from(start.min(20) + chars.len().min(60) / 4).unwrap_or(0);
        if best.as_ref().is_none_or(|(s, _)| score > *s) {
            best = Some((score, at));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likelier_first() {
        let c = |name: &str, alias| Command { name: name.into(), detail: String::new(), alias, action: Action::Quit };
        let list = [c("next theme", ""), c("theme light", ""), c("quit", "q"), c("sort by the next column", ""), c("queues", "")];
        let names = |q: &str| find(q, &list).into_iter().map(|f| f.command.name).collect::<Vec<_>>();
        assert_eq!(names("q")[0], "quit");
        assert_eq!(names("thli"), ["theme light"]);
        assert_eq!(names("theme")[0], "theme light");
        assert_eq!(names("zzz"), Vec::<String>::new());
        assert_eq!(names("").len(), 5);
        assert_eq!(fuzzy("light", "theme light").unwrap().1, [6, 7, 8, 9, 10]);
    }
}
