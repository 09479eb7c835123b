//! What a node counts itself: tasks by type, failures, durations, its GPU
//! (facts, section 6). From its Prometheus text.

use std::time::Duration;

use crate::base::{TaskType, Timestamp};
use crate::event::Metric;

/// In front of the names of a node's metrics.
const PREFIX: &str = "spn_cluster_worker_";
/// Types that are kept; there are fourteen.
const MAX_TYPES: usize = 32;

/// A node's counts of one type of task, since its process began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OfType {
    /// The type, as logs spell it.
    pub name: String,
    /// Running now.
    pub running: u64,
    /// Ended, well or not.
    pub ended: u64,
    /// Ended well.
    pub done: u64,
    /// Failures.
    pub failed: u64,
    /// All their durations together, in milliseconds.
    millis: f64,
    timed: u64,
}

impl OfType {
    /// How long one took on average.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        (self.timed > 0 && self.millis >= 0.0 && self.millis.is_finite())
            .then(|| Duration::from_secs_f64((self.millis / self.timed as f64 / 1e3).min(1e9)))
    }
}

/// A node's counters as of its last answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Counters {
    /// When it answered.
    pub at: Timestamp,
    /// By type, in the order of its answer.
    pub types: Vec<OfType>,
    /// Milliseconds that its GPU was busy, since its process began.
    busy_ms: Option<f64>,
    /// The part of the time since the answer before in which the GPU was busy,
    /// 0 to 1.
    pub gpu_busy: Option<f64>,
}

impl Counters {
    /// Reads an answer; `before` is the one before it.
    #[must_use]
    pub fn read(at: Timestamp, metrics: &[Metric], before: Option<&Self>) -> Option<Self> {
        let mut new = Self { at, types: Vec::new(), busy_ms: None, gpu_busy: None };
        let mut gpus = false;
        let mut any = false;
        for m in metrics {
            let Some(name) = m.name.strip_prefix(PREFIX) else { continue };
            any = true;
            let kind = m.labels.iter().find(|l| l.0 == "task_type").map(|l| l.1.as_str());
            match (name, kind) {
                ("gpu_busy_time", _) => new.busy_ms = Some(m.value),
                ("num_gpu_workers", _) => gpus = m.value > 0.0,
                (name, Some(kind)) => new.count(name, kind, m.value),
                _ => {}
            }
        }
        if let (true, Some(now), Some(b)) = (gpus, new.busy_ms, before)
            && let (Some(then), passed @ 1e-3..) = (b.busy_ms, at.seconds_since(b.at))
            && now >= then
        {
            new.gpu_busy = Some(((now - then) / 1e3 / passed).clamp(0.0, 1.0));
        }
        any.then_some(new)
    }

    fn count(&mut self, name: &str, kind: &str, value: f64) {
        let kind = spelt(kind);
        let i = match self.types.iter().position(|t| t.name == kind) {
            Some(i) => i,
            None if self.types.len() < MAX_TYPES => {
                self.types.push(OfType { name: kind, ..OfType::default() });
                self.types.len() - 1
            }
            None => return,
        };
        let t = &mut self.types[i];
        match name {
            "tasks_in_progress" => t.running = whole(value),
            "tasks_processed" => t.ended = whole(value),
            "task_successes" => t.done = whole(value),
            // By whether it may be tried again, and so on: several series.
            "task_failures" => t.failed = t.failed.saturating_add(whole(value)),
            "task_processing_duration_ms_sum" => t.millis = value,
            "task_processing_duration_ms_count" => t.timed = whole(value),
            _ => {}
        }
    }
}

/// `PROVE_SHARD` as logs spell it, also a type that is not known yet.
fn spelt(label: &str) -> String {
    let mut camel = String::with_capacity(label.len());
    for word in label.split('_') {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        camel.extend(letters.map(|c| c.to_ascii_lowercase()));
    }
    match TaskType::read(camel.as_bytes()) {
        Some(known) => known.to_string(),
        None => label.to_owned(),
    }
}

fn whole(value: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and counters are no larger")]
    if value.is_finite() { value.max(0.0) as u64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &str, kind: Option<&str>, more: &str, value: f64) -> Metric {
        let mut labels = vec![("service".to_owned(), "sp1-worker".to_owned())];
        labels.extend(kind.map(|k| ("task_type".to_owned(), k.to_owned())));
        labels.push(("retryable".to_owned(), more.to_owned()));
        Metric { name: format!("{PREFIX}{name}"), labels, value }
    }

    #[test]
    fn counters_are_read_by_type_and_the_gpu_by_what_passed() {
        let at = Timestamp::from_secs(1_000);
        let answer = |busy: f64, sum: f64| {
            vec![
                metric("num_gpu_workers", None, "", 1.0),
                metric("gpu_busy_time", None, "", busy),
                metric("tasks_in_progress", Some("PROVE_SHARD"), "", 3.0),
                metric("tasks_processed", Some("PROVE_SHARD"), "", 10.0),
                metric("task_successes", Some("PROVE_SHARD"), "", 8.0),
                metric("task_failures", Some("PROVE_SHARD"), "true", 1.0),
                metric("task_failures", Some("PROVE_SHARD"), "false", 1.0),
                metric("task_processing_duration_ms_sum", Some("PROVE_SHARD"), "", sum),
                metric("task_processing_duration_ms_count", Some("PROVE_SHARD"), "", 10.0),
            ]
        };
        let first = Counters::read(at, &answer(5_000.0, 85_000.0), None).unwrap();
        assert_eq!(first.gpu_busy, None);
        let t = &first.types[0];
        assert_eq!((t.name.as_str(), t.running, t.ended, t.done, t.failed), ("ProveShard", 3, 10, 8, 2));
        assert_eq!(t.mean(), Some(Duration::from_millis(8_500)));
        let later = at.plus(Duration::from_secs(30));
        let second = Counters::read(later, &answer(20_000.0, f64::NAN), Some(&first)).unwrap();
        assert_eq!((second.gpu_busy, second.types[0].mean()), (Some(0.5), None));
        // The process began anew: nothing is said of the time between.
        assert_eq!(Counters::read(later, &answer(1.0, 0.0), Some(&first)).unwrap().gpu_busy, None);
        assert_eq!(Counters::read(at, &[Metric { name: "other".into(), labels: Vec::new(), value: 1.0 }], None), None);
        assert_eq!(spelt("NEW_KIND"), "NewKind");
    }
}
