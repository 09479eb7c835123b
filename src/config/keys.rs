//! The table of settings.

use toml::Value;

use super::Settings;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in the file; `poll.stats` is `stats` in `[poll]`.
    pub name: &'static str,
    /// Its variable in the environment.
    pub env: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// What it holds, and where.
    pub slot: Slot,
}

/// What a setting holds, and its place in [`Settings`].
#[derive(Clone, Copy, Debug)]
pub enum Slot {
    /// Any text, or none.
    Text(fn(&mut Settings) -> &mut Option<String>),
    /// The same, and never shown.
    Secret(fn(&mut Settings) -> &mut Option<String>),
    /// Yes or no.
    Switch(fn(&mut Settings) -> &mut bool),
    /// Seconds.
    Seconds(fn(&mut Settings) -> &mut f64),
    /// How many.
    Count(fn(&mut Settings) -> &mut usize),
}

/// The seconds that may be set: nothing is polled faster than the sources do.
const SECONDS: std::ops::RangeInclusive<f64> = 0.4..=3600.0;
/// The most that may be counted.
const MOST: usize = 100_000;

const fn key(name: &'static str, env: &'static str, slot: Slot, about: &'static str) -> Key {
    Key { name, env, about, slot }
}

/// All settings, in the order of the file; those of a section stand together.
pub const KEYS: &[Key] = &[
    key("theme", "SP1TOP_THEME", Slot::Text(|s| &mut s.theme), "Theme by name (see sp1top themes), or a .toml file"),
    key("ascii", "SP1TOP_ASCII", Slot::Switch(|s| &mut s.ascii), "Only ASCII: no lines, bars or marks of Unicode; false: by the locale"),
    key("mouse", "SP1TOP_MOUSE", Slot::Switch(|s| &mut s.mouse), "Take the mouse; false leaves it to the terminal"),
    key(
        "reduced-motion",
        "SP1TOP_REDUCED_MOTION",
        Slot::Switch(|s| &mut s.reduced_motion),
        "Draw new data once a second instead of as it comes; keys are answered at once",
    ),
    key("read-only", "SP1TOP_READ_ONLY", Slot::Switch(|s| &mut s.read_only), "Never change anything in the cluster, whatever is confirmed"),
    key("kubeconfig", "SP1TOP_KUBECONFIG", Slot::Text(|s| &mut s.kubeconfig), "kubeconfig file, instead of $KUBECONFIG and ~/.kube/config"),
    key("context", "SP1TOP_CONTEXT", Slot::Text(|s| &mut s.context), "Context of the kubeconfig, instead of the current one"),
    key("namespace", "SP1TOP_NAMESPACE", Slot::Text(|s| &mut s.namespace), "Namespace of the cluster"),
    key(
        "coordinator-rpc",
        "SP1TOP_COORDINATOR_RPC",
        Slot::Text(|s| &mut s.coordinator_rpc),
        "URL of the coordinator's WorkerService, instead of through Kubernetes",
    ),
    key(
        "cluster-rpc",
        "CLI_CLUSTER_RPC",
        Slot::Text(|s| &mut s.cluster_rpc),
        "URL of the API's ClusterService, instead of through Kubernetes",
    ),
    key("bell", "SP1TOP_BELL", Slot::Switch(|s| &mut s.bell), "Ring the terminal's bell on new critical alerts"),
    key("notify", "SP1TOP_NOTIFY", Slot::Switch(|s| &mut s.notify), "Ask the terminal for a desktop notification (OSC 9) on them"),
    key(
        "webhook",
        "SP1TOP_WEBHOOK",
        Slot::Secret(|s| &mut s.webhook),
        "URL to post critical alerts and warnings to, as JSON with text for Slack and its kin",
    ),
    key("poll.stats", "SP1TOP_POLL_STATS", Slot::Seconds(|s| &mut s.poll_stats), "Seconds between two GetStats of the coordinator"),
    key(
        "poll.proofs",
        "SP1TOP_POLL_PROOFS",
        Slot::Seconds(|s| &mut s.poll_proofs),
        "Seconds between two lists of the API's proof requests",
    ),
    key(
        "poll.versions",
        "SP1TOP_POLL_VERSIONS",
        Slot::Seconds(|s| &mut s.poll_versions),
        "Seconds between two questions for the components' versions",
    ),
    key(
        "logs.gpu-nodes",
        "SP1TOP_LOGS_GPU_NODES",
        Slot::Count(|s| &mut s.logs_gpu_nodes),
        "Logs of gpu-nodes that are followed; the one that is looked at always is",
    ),
    key("logs.others", "SP1TOP_LOGS_OTHERS", Slot::Count(|s| &mut s.logs_others), "Logs of all other pods that are followed"),
    key(
        "logs.coordinator-tail",
        "SP1TOP_LOGS_COORDINATOR_TAIL",
        Slot::Count(|s| &mut s.logs_coordinator_tail),
        "Lines that the coordinator's log is begun with, at least",
    ),
];

impl Key {
    /// Its section and its name within; no section for those at the top.
    #[must_use]
    pub fn parts(&self) -> (Option<&'static str>, &'static str) {
        self.name.split_once('.').map_or((None, self.name), |(s, n)| (Some(s), n))
    }

    /// Sets it to a value of the file.
    pub(super) fn set(&self, settings: &mut Settings, value: &Value) -> Result<(), String> {
        match (self.slot, value) {
            (Slot::Text(slot) | Slot::Secret(slot), Value::String(t)) => *slot(settings) = Some(t.clone()).filter(|t| !t.is_empty()),
            (Slot::Switch(slot), Value::Boolean(b)) => *slot(settings) = *b,
            (Slot::Seconds(slot), Value::Integer(_) | Value::Float(_)) => {
                #[expect(clippy::cast_precision_loss, reason = "out of range either way")]
                let n = value.as_float().or_else(|| value.as_integer().map(|n| n as f64)).unwrap_or(f64::NAN);
                if !SECONDS.contains(&n) {
                    return Err(self.wanted(value));
                }
                *slot(settings) = n;
            }
            (Slot::Count(slot), Value::Integer(n)) => {
                let n = usize::try_from(*n).ok().filter(|n| *n <= MOST).ok_or_else(|| self.wanted(value))?;
                *slot(settings) = n;
            }
            _ => return Err(self.wanted(value)),
        }
        Ok(())
    }

    /// Sets it to what a variable or a flag says.
    pub(super) fn set_text(&self, settings: &mut Settings, text: &str) -> Result<(), String> {
        let value = match self.slot {
            Slot::Text(_) | Slot::Secret(_) => Value::String(text.into()),
            Slot::Switch(_) => match text {
                "1" | "true" | "yes" | "on" => Value::Boolean(true),
                "0" | "false" | "no" | "off" => Value::Boolean(false),
                _ => Value::String(text.into()),
            },
            Slot::Seconds(_) => text.parse().map_or_else(|_| Value::String(text.into()), Value::Float),
            Slot::Count(_) => text.parse().map_or_else(|_| Value::String(text.into()), Value::Integer),
        };
        self.set(settings, &value)
    }

    fn wanted(&self, value: &Value) -> String {
        let wanted = match self.slot {
            Slot::Text(_) => "a text in quotes".to_owned(),
            // What stands there may be the secret.
            Slot::Secret(_) => return "a text in quotes is wanted".into(),
            Slot::Switch(_) => "true or false".into(),
            Slot::Seconds(_) => format!("a number of seconds from {} to {}", SECONDS.start(), SECONDS.end()),
            Slot::Count(_) => format!("a whole number from 0 to {MOST}"),
        };
        format!("{wanted} is wanted, not {value}")
    }

    /// Its value as the file would have it; `None` where nothing is set.
    #[must_use]
    pub fn show(&self, settings: &Settings) -> Option<String> {
        let mut s = settings.clone();
        Some(match self.slot {
            Slot::Text(slot) => Value::String(slot(&mut s).clone()?).to_string(),
            Slot::Secret(slot) => slot(&mut s).as_ref().map(|_| "\"***\"".to_owned())?,
            Slot::Switch(slot) => slot(&mut s).to_string(),
            Slot::Seconds(slot) => slot(&mut s).to_string(),
            Slot::Count(slot) => slot(&mut s).to_string(),
        })
    }
}
