//! What can be set, as plain data: defaults, then the file, then the
//! environment, then flags; the later wins.
//!
//! Reads nothing itself: the shell gives it the file's text, a look-up for the
//! environment and the flags that were given. A new setting is one field of
//! [`Settings`] and one line of [`KEYS`].

mod file;
mod keys;
mod near;

use std::collections::BTreeMap;
use std::fmt;

pub use file::template;
pub use keys::{KEYS, Key, Slot};
pub use near::nearest;

/// The settings in effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Name of the theme, or path of a theme file.
    pub theme: Option<String>,
    /// Only ASCII; false leaves it to the locale.
    pub ascii: bool,
    /// Whether the mouse is the program's.
    pub mouse: bool,
    /// Data is drawn once a second, not as it comes.
    pub reduced_motion: bool,
    /// Never change anything in the cluster.
    pub read_only: bool,
    /// The kubeconfig's path.
    pub kubeconfig: Option<String>,
    /// The context of the kubeconfig.
    pub context: Option<String>,
    /// The cluster's namespace.
    pub namespace: Option<String>,
    /// URL of the coordinator's service.
    pub coordinator_rpc: Option<String>,
    /// URL of the API's service.
    pub cluster_rpc: Option<String>,
    /// Seconds between two GetStats.
    pub poll_stats: f64,
    /// Seconds between two lists of proof requests.
    pub poll_proofs: f64,
    /// Seconds between two questions for the versions.
    pub poll_versions: f64,
    /// Logs of gpu-nodes that are followed.
    pub logs_gpu_nodes: usize,
    /// Logs of other pods that are followed.
    pub logs_others: usize,
    /// Lines that the coordinator's log is begun with, at least.
    pub logs_coordinator_tail: usize,
    /// Ring the bell on new critical alerts.
    pub bell: bool,
    /// Ask for a desktop notification on them.
    pub notify: bool,
    /// Where alerts are posted; may hold a secret.
    pub webhook: Option<String>,
    /// Keys by the name of what they do.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Thresholds of the alerts, as they stand in the file: the alerts know
    /// what they mean.
    pub alerts: toml::Table,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Some("dark".into()),
            ascii: false,
            mouse: true,
            reduced_motion: false,
            read_only: false,
            kubeconfig: None,
            context: None,
            namespace: Some("sp1-cluster".into()),
            coordinator_rpc: None,
            cluster_rpc: None,
            poll_stats: 1.0,
            poll_proofs: 4.0,
            poll_versions: 60.0,
            logs_gpu_nodes: 16,
            logs_others: 128,
            logs_coordinator_tail: 2_500,
            bell: false,
            notify: false,
            webhook: None,
            keys: BTreeMap::new(),
            alerts: toml::Table::new(),
        }
    }
}

/// Where a setting comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said otherwise.
    #[default]
    Default,
    /// The file.
    File,
    /// That variable of the environment.
    Environment(String),
    /// That flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("file"),
            Self::Environment(name) => write!(f, "environment: {name}"),
            Self::Flag(name) => write!(f, "flag: {name}"),
        }
    }
}

/// A flag that was given: the setting's name, the value as text, the flag.
pub type Given = (&'static str, String, &'static str);

/// The settings with where each comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolved {
    /// The settings.
    pub settings: Settings,
    /// By the setting's name; what is missing is a default.
    pub origins: BTreeMap<&'static str, Origin>,
}

impl Resolved {
    /// Where the setting of that name comes from.
    #[must_use]
    pub fn origin(&self, name: &str) -> Origin {
        self.origins.get(name).cloned().unwrap_or_default()
    }

    /// All settings as a file would have them, each with where it comes from.
    #[must_use]
    pub fn text(&self) -> String {
        file::effective(self)
    }
}

/// Puts the layers over each other. The error is one line: what is wrong, where,
/// and what there is.
pub fn resolve(file: Option<&str>, env: impl Fn(&str) -> Option<String>, flags: &[Given]) -> Result<Resolved, String> {
    let mut out = Resolved::default();
    if let Some(text) = file {
        file::read(text, &mut out)?;
    }
    for key in KEYS {
        if let Some(text) = env(key.env).filter(|t| !t.is_empty()) {
            key.set_text(&mut out.settings, &text).map_err(|e| format!("{}: {e}", key.env))?;
            out.origins.insert(key.name, Origin::Environment(key.env.into()));
        }
    }
    for (name, text, flag) in flags {
        let Some(key) = KEYS.iter().find(|k| k.name == *name) else { continue };
        key.set_text(&mut out.settings, text).map_err(|e| format!("{flag}: {e}"))?;
        out.origins.insert(key.name, Origin::Flag((*flag).into()));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn the_later_layer_wins_and_is_told() {
        let file = "theme = 'light'\nnamespace = 'prod'\nmouse = false\n[poll]\nstats = 2\n[logs]\ngpu-nodes = 4\n";
        let env = |n: &str| match n {
            "SP1TOP_THEME" => Some("ansi16".to_owned()),
            "SP1TOP_POLL_STATS" => Some("5".to_owned()),
            _ => None,
        };
        let flags = [("namespace", "stage".to_owned(), "--namespace"), ("theme", "high-contrast".to_owned(), "--theme")];
        let r = resolve(Some(file), env, &flags).unwrap();
        let s = &r.settings;
        assert_eq!((s.theme.as_deref(), s.namespace.as_deref(), s.mouse), (Some("high-contrast"), Some("stage"), false));
        assert_eq!((s.poll_stats, s.logs_gpu_nodes, s.poll_proofs), (5.0, 4, 4.0));
        assert_eq!(r.origin("theme"), Origin::Flag("--theme".into()));
        assert_eq!(r.origin("poll.stats"), Origin::Environment("SP1TOP_POLL_STATS".into()));
        assert_eq!((r.origin("mouse"), r.origin("ascii")), (Origin::File, Origin::Default));
        assert!(r.text().contains("theme = \"high-contrast\""), "{}", r.text());
        assert!(r.text().contains("# flag: --theme") && r.text().contains("# default"));
    }

    #[test]
    fn what_is_printed_is_a_file_that_says_the_same() {
        let file =
            "theme = 'light'\ncontext = 'a \"b\"'\nreduced-motion = true\n[keys]\nquit = ['Q', 'f10']\n[alerts]\nmemory-ratio = 0.8\n";
        let r = resolve(Some(file), none, &[]).unwrap();
        let again = resolve(Some(&r.text()), none, &[]).unwrap();
        assert_eq!(again.settings, r.settings);
        assert_eq!(again.settings.keys["quit"], ["Q", "f10"]);
    }

    #[test]
    fn the_template_is_the_defaults() {
        assert_eq!(resolve(Some(&template()), none, &[]).unwrap().settings, Settings::default());
        // With every line that is commented out taken in, too.
        let all: String = template().lines().map(|l| l.strip_prefix("#: ").unwrap_or(l)).fold(String::new(), |t, l| t + l + "\n");
        let r = resolve(Some(&all), none, &[]).unwrap_or_else(|e| panic!("{e}\n{all}"));
        assert_eq!(r.settings.logs_others, Settings::default().logs_others);
        for k in KEYS {
            assert!(template().contains(k.about), "{}", k.name);
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_what_was_meant() {
        let error = |file: &str| resolve(Some(file), none, &[]).unwrap_err();
        assert_eq!(error("thme = 'x'"), "there is no setting 'thme'; did you mean 'theme'? sp1top config lists all");
        assert!(error("[poll]\nstat = 1").contains("'poll.stat'; did you mean 'poll.stats'?"));
        assert!(error("zzzzzzzzz = 1").contains("sp1top config lists all"));
        assert!(error("mouse = 'yes'").contains("mouse: true or false is wanted, not \"yes\""));
        assert!(error("[poll]\nstats = 0").contains("poll.stats: a number of seconds from 0.4 to 3600 is wanted"));
        assert!(error("[keys]\nquit = 3").contains("keys.quit: "));
        assert!(error("theme =").contains("line 1"), "{}", error("theme ="));
        let env = |n: &str| (n == "SP1TOP_ASCII").then(|| "perhaps".to_owned());
        assert!(resolve(None, env, &[]).unwrap_err().starts_with("SP1TOP_ASCII: true or false"));
    }

    #[test]
    fn the_table_is_whole() {
        let mut seen = std::collections::BTreeSet::new();
        for k in KEYS {
            assert!(seen.insert(k.name) && seen.insert(k.env), "{} twice", k.name);
            assert!(k.about.len() > 10 && !k.about.contains('\n'), "{}", k.name);
            assert_eq!(
                k.env,
                format!("SP1TOP_{}", k.name.to_uppercase().replace(['.', '-'], "_")).replace("SP1TOP_CLUSTER_RPC", "CLI_CLUSTER_RPC")
            );
        }
    }
}
