//! The numbers that rules compare with, as a table that a file can change.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// All thresholds. Durations are in seconds. Unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Thresholds {
    /// Rules that never fire.
    pub disabled: Vec<String>,
    /// Seconds that a rule's condition must hold before it fires, by id.
    pub hold: BTreeMap<String, u64>,
    /// Share of a pod's memory limit that is near it.
    pub memory_ratio: f64,
    /// A pod that will reach its limit within so many seconds is near it.
    pub memory_seconds: u64,
    /// Seconds without a finished GPU task, work waiting, that are a stall.
    pub gpu_stall: u64,
    /// Seconds that a proof may have only its Controller running.
    pub wedged: u64,
    /// Seconds without stats from a connected source.
    pub silent: u64,
    /// A task is hung after so many times what its kind usually takes.
    pub hung_factor: f64,
    /// Retries within ten minutes that are more than the odd one.
    pub retries: u32,
    /// Seconds that events (a lost worker, an OOM kill) are told for.
    pub told: u64,
    /// Seconds that a pod may take to become ready.
    pub pod_start: u64,
    /// A proof at risk when its remaining time is less than that share above its estimate.
    pub deadline_margin: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            disabled: Vec::new(),
            hold: BTreeMap::new(),
            memory_ratio: 0.9,
            memory_seconds: 120,
            gpu_stall: 180,
            wedged: 180,
            silent: 30,
            hung_factor: 6.0,
            retries: 4,
            told: 300,
            pod_start: 300,
            deadline_margin: 0.1,
        }
    }
}

impl Thresholds {
    /// Whether every rule named exists; the error names the one that does not.
    pub fn check(&self) -> Result<(), String> {
        let known = |id: &String| super::rules::RULES.iter().any(|r| r.id == id);
        match self.disabled.iter().chain(self.hold.keys()).find(|id| !known(id)) {
            None => Ok(()),
            Some(id) => {
                let all: Vec<_> = super::rules::RULES.iter().map(|r| r.id).collect();
                Err(format!("there is no alert '{id}'; there are {}", all.join(", ")))
            }
        }
    }

    /// How long the condition of rule `id` must hold.
    #[must_use]
    pub fn hold(&self, id: &str, default: Duration) -> Duration {
        self.hold.get(id).map_or(default, |s| Duration::from_secs(*s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_refused() {
        assert!(toml::from_str::<Thresholds>("memory-ratio = 0.8\nhold = { aggregation-stuck = 3 }").unwrap().check().is_ok());
        assert!(toml::from_str::<Thresholds>("memory-ratoi = 0.8").is_err());
        let unknown: Thresholds = toml::from_str("disabled = [\"aggregation-stuk\"]").unwrap();
        assert!(unknown.check().unwrap_err().contains("aggregation-stuk"));
    }
}
