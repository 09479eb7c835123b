//! Other clusters and namespaces, by name.

use super::World;
use super::command::Command;
use crate::ui::Action;

/// Where else one can look from here.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// False for recordings and the demo, which are at one place.
    pub can_switch: bool,
    /// The contexts of the kubeconfig.
    pub contexts: Vec<String>,
    /// The namespaces of this cluster, as far as they may be listed.
    pub namespaces: Vec<String>,
}

fn context(name: &str, detail: &str) -> Command {
    Command { name: format!("context {name}"), detail: detail.into(), alias: "", action: Action::UseContext(name.into()) }
}

fn namespace(name: &str, detail: &str) -> Command {
    Command { name: format!("namespace {name}"), detail: detail.into(), alias: "", action: Action::UseNamespace(name.into()) }
}

/// A query that begins with the word for a place, or a shorter one for it, with
/// the word written out.
fn read(query: &str) -> Option<(&'static str, &str)> {
    let (word, name) = query.trim_start().split_once(char::is_whitespace)?;
    let word = match word.to_lowercase().as_str() {
        "context" | "ctx" => "context",
        "namespace" | "ns" => "namespace",
        _ => return None,
    };
    Some((word, name.trim()))
}

impl Places {
    /// All of them.
    pub fn commands(&self, world: &World<'_>) -> Vec<Command> {
        if !self.can_switch {
            return Vec::new();
        }
        let session = &world.model.session;
        let here = |name: &str, now: &Option<String>, other: &'static str| {
            if now.as_deref() == Some(name) { "opens it anew" } else { other }
        };
        let mut out: Vec<Command> = self.contexts.iter().map(|c| context(c, here(c, &session.context, "another cluster"))).collect();
        let now = session.namespace.iter().filter(|n| !self.namespaces.contains(n));
        let all = now.chain(&self.namespaces);
        out.extend(all.map(|n| namespace(n, here(n, &session.namespace, "another namespace"))));
        out
    }

    /// The query with its word written out, where it is about a place.
    pub fn whole(&self, query: &str) -> Option<String> {
        let (word, name) = read(query).filter(|_| self.can_switch)?;
        Some(format!("{word} {name}"))
    }

    /// Why one cannot go there, where a place was typed and there is only this one.
    pub fn only_here(&self, query: &str) -> Option<&'static str> {
        let (word, _) = read(query).filter(|_| !self.can_switch)?;
        Some(match word {
            "context" => "the demo and recordings are at one place: sp1top --context NAME looks at a cluster",
            _ => "the demo and recordings are at one place: sp1top -n NAME looks at a namespace",
        })
    }

    /// What was typed as a place that is not known: it may be there all the
    /// same.
    pub fn typed(&self, query: &str, known: &[Command]) -> Option<Command> {
        let (word, name) = read(query).filter(|(_, name)| self.can_switch && !name.is_empty() && !name.contains(char::is_whitespace))?;
        let command = match word {
            "context" => context(name, "as typed"),
            _ => namespace(name, "as typed"),
        };
        (!known.iter().any(|k| k.name == command.name)).then_some(command)
    }
}

#[cfg(test)]
mod tests;
