//! Changes of the cluster that can be made from the screen: read from the
//! commands that fixes carry, so that what is applied is what is shown.

use serde::{Deserialize, Serialize};

/// A change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Sets variables of a deployment's environment; its pods are replaced.
    Env {
        /// The deployment.
        deployment: String,
        /// Names and values.
        set: Vec<(String, String)>,
    },
    /// Sets the memory limit and request of a deployment's container; its pods
    /// are replaced.
    Memory {
        /// The deployment.
        deployment: String,
        /// The limit, as Kubernetes writes it: `96Gi`.
        limit: String,
    },
    /// Wants another number of pods.
    Scale {
        /// The deployment.
        deployment: String,
        /// How many.
        replicas: u32,
    },
    /// Replaces all pods of a deployment.
    Restart {
        /// The deployment.
        deployment: String,
    },
    /// Deletes a pod; its deployment makes another one.
    DeletePod {
        /// The pod.
        pod: String,
    },
}

impl Change {
    /// What `command` would change, where it is one of those that can be applied
    /// and names nothing else.
    #[must_use]
    pub fn of_command(command: &str) -> Option<Self> {
        let mut words = Vec::new();
        let mut rest = command.split_whitespace();
        if rest.next() != Some("kubectl") {
            return None;
        }
        while let Some(w) = rest.next() {
            match w {
                // The namespace is the one that is looked at.
                "-n" | "--namespace" => {
                    rest.next()?;
                }
                w if w.starts_with("--namespace=") => {}
                w => words.push(w),
            }
        }
        let deployment = |w: &str| {
            let name = w.strip_prefix("deploy/").or_else(|| w.strip_prefix("deployment/"))?;
            is_name(name).then(|| name.to_owned())
        };
        match &words[..] {
            ["set", "env", d, vars @ ..] if !vars.is_empty() => {
                let set: Option<Vec<_>> = vars.iter().map(|v| variable(v)).collect();
                Some(Self::Env { deployment: deployment(d)?, set: set? })
            }
            ["set", "resources", d, limits, more @ ..] => {
                let limit = limits.strip_prefix("--limits=memory=")?;
                let same = match more {
                    [] => true,
                    [r] => r.strip_prefix("--requests=memory=") == Some(limit),
                    _ => false,
                };
                let digits = limit.strip_suffix("Gi").or_else(|| limit.strip_suffix("Mi"))?;
                (same && digits.parse::<u32>().is_ok_and(|n| n > 0)).then_some(())?;
                Some(Self::Memory { deployment: deployment(d)?, limit: limit.to_owned() })
            }
            ["scale", d, n] => Some(Self::Scale { deployment: deployment(d)?, replicas: n.strip_prefix("--replicas=")?.parse().ok()? }),
            ["rollout", "restart", d] => Some(Self::Restart { deployment: deployment(d)? }),
            ["delete", "pod", p] => is_name(p).then(|| Self::DeletePod { pod: (*p).to_owned() }),
            _ => None,
        }
    }

    /// The deployment's or the pod's name: what is typed to confirm.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Env { deployment, .. }
            | Self::Memory { deployment, .. }
            | Self::Scale { deployment, .. }
            | Self::Restart { deployment } => deployment,
            Self::DeletePod { pod } => pod,
        }
    }

    /// In a few words.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Env { deployment, .. } => format!("change the environment of {deployment}"),
            Self::Memory { deployment, .. } => format!("change the memory of {deployment}"),
            Self::Scale { deployment, .. } => format!("scale {deployment}"),
            Self::Restart { deployment } => format!("restart {deployment}"),
            Self::DeletePod { pod } => format!("delete pod {pod}"),
        }
    }

    /// What becomes of the work that runs.
    #[must_use]
    pub fn consequence(&self) -> &'static str {
        match self {
            Self::Env { deployment, .. } | Self::Memory { deployment, .. } | Self::Restart { deployment }
                if deployment == "coordinator" =>
            {
                "The coordinator restarts: all running proofs start anew."
            }
            Self::Env { .. } | Self::Memory { .. } | Self::Restart { .. } => {
                "All its pods are replaced: the tasks that they run begin anew elsewhere, and a Controller's proof with it."
            }
            Self::Scale { .. } => "More pods interrupt nothing. Fewer pods: the tasks of those that go begin anew elsewhere.",
            Self::DeletePod { .. } => "The tasks that it runs begin anew elsewhere.",
        }
    }
}

/// A name that Kubernetes takes; nothing of a shell.
fn is_name(s: &str) -> bool {
    !s.is_empty() && s.len() <= 253 && s.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'.'))
}

fn variable(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let clean = |s: &str| s.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.'));
    (!name.is_empty() && clean(name) && clean(value)).then(|| (name.to_owned(), value.to_owned()))
}

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What changes.
    pub what: String,
    /// As it is in the cluster; `None` where it is not there.
    pub from: Option<String>,
    /// As it will be; `None` where it goes.
    pub to: Option<String>,
}

/// How far a change has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// The cluster was read: this is what it would change.
    Ready {
        /// Line by line.
        differences: Vec<Difference>,
        /// Whether running work is interrupted: then the name must be typed.
        interrupts: bool,
        /// The version of the object that was read: a change of anybody else's
        /// since then makes it void.
        version: String,
    },
    /// It cannot be made: a right is missing, the object is gone.
    Refused(String),
    /// It was made.
    Done(String),
    /// It was tried and failed.
    Failed(String),
}

/// News of a change: the payload of an effect's envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeNews {
    /// Which request it answers.
    pub id: u64,
    /// The change.
    pub change: Change,
    /// How far it has come.
    pub progress: Progress,
}

/// What is asked of whoever makes changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Read the cluster and tell what would change.
    Look {
        /// Names the request.
        id: u64,
        /// The change.
        change: Change,
    },
    /// Make it.
    Apply {
        /// Names the request.
        id: u64,
        /// The change.
        change: Change,
        /// The version that was shown.
        version: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_can_be_applied_are_read() {
        let d = "cpu-node".to_owned();
        for (command, change) in [
            (
                "kubectl set env deploy/cpu-node -n sp1-cluster WORKER_MAX_WEIGHT_OVERRIDE=48",
                Change::Env { deployment: d.clone(), set: vec![("WORKER_MAX_WEIGHT_OVERRIDE".into(), "48".into())] },
            ),
            (
                "kubectl set resources deploy/cpu-node -n x --limits=memory=96Gi --requests=memory=96Gi",
                Change::Memory { deployment: d.clone(), limit: "96Gi".into() },
            ),
            ("kubectl scale deploy/cpu-node -n x --replicas=2", Change::Scale { deployment: d.clone(), replicas: 2 }),
            ("kubectl rollout restart deploy/cpu-node -n x", Change::Restart { deployment: d.clone() }),
            ("kubectl delete pod cpu-node-7d9f-abc -n x", Change::DeletePod { pod: "cpu-node-7d9f-abc".into() }),
        ] {
            assert_eq!(Change::of_command(command), Some(change), "{command}");
        }
    }

    #[test]
    fn all_others_are_only_copied() {
        for command in [
            "kubectl describe pod x -n y",
            "kubectl delete pod a b -n x",
            "kubectl delete deploy cpu-node",
            "kubectl set env deploy/cpu-node A=$(rm)",
            "kubectl set env deploy/cpu-node A-",
            "kubectl set resources deploy/cpu-node --limits=cpu=4",
            "kubectl set resources deploy/cpu-node --limits=memory=0Gi",
            "kubectl scale deploy/cpu-node --replicas=2 && rm x",
            "kubectl delete pod ../x",
            "sp1top proofs cancel x",
            "",
        ] {
            assert_eq!(Change::of_command(command), None, "{command}");
        }
    }
}
