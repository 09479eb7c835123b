//! Which release of sp1-cluster runs, and what that release weighs (reference 3.3 and 9).

use std::fmt;

use crate::base::TaskType;
use crate::model::Model;

/// A release, for example v2.7.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Major, minor, patch.
    pub number: (u16, u16, u16),
}

/// `Version` from its three numbers.
#[must_use]
pub const fn version(major: u16, minor: u16, patch: u16) -> Version {
    Version { number: (major, minor, patch) }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (a, b, c) = self.number;
        write!(f, "v{a}.{b}.{c}")
    }
}

impl Version {
    /// The version within text such as `v2.7.2`, `base-v2.7.2` or an image's
    /// name with such a tag.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let tag = text.rsplit(['/', ':', '@']).next().unwrap_or(text);
        let begin = tag.rfind('v').map_or(0, |i| i + 1);
        let mut numbers = tag[begin..].splitn(3, '.').map(|p| {
            let digits = p.find(|c: char| !c.is_ascii_digit()).unwrap_or(p.len());
            p[..digits].parse::<u16>().ok()
        });
        let (a, b, c) = (numbers.next()??, numbers.next()??, numbers.next()??);
        Some(version(a, b, c))
    }

    /// The weight in GB of a kind of task where no variable says otherwise
    /// (reference 3.3); `None` for kinds that are never placed or not known.
    #[must_use]
    pub fn weight(self, kind: &TaskType) -> Option<u32> {
        let since = |x, y, z| self >= version(x, y, z);
        Some(match kind {
            TaskType::Controller => 4 - 3 * u32::from(since(2, 3, 1)),
            TaskType::CoreExecute if since(2, 3, 1) => 8,
            TaskType::CoreExecute if since(2, 1, 3) => 32,
            TaskType::CoreExecute | TaskType::ExecuteOnly | TaskType::ProveShard | TaskType::ShrinkWrap => 4,
            TaskType::PlonkWrap if since(2, 2, 0) => 60,
            TaskType::PlonkWrap => 32,
            TaskType::Groth16Wrap => 14,
            TaskType::SetupVkey => 1,
            TaskType::RecursionDeferred | TaskType::RecursionReduce => 3,
            TaskType::UtilVkeyMapController | TaskType::UtilVkeyMapChunk => 2,
            TaskType::MarkerDeferredRecord | TaskType::Other(_) => return None,
        })
    }

    /// Since v2.4.0 the maximum weight follows the container's limit and
    /// /dev/shm; before, the host's memory (reference 3.4).
    #[must_use]
    pub fn measures_container(self) -> bool {
        self >= version(2, 4, 0)
    }
}

/// Tags, the first seven digits of their commits, and the day of the tag in the
/// form of `coordinator_version` (reference 9.2).
const TAGS: [(Version, &str, &str); 34] = [
    (version(1, 0, 0), "57991db", "2025-07-11"),
    (version(1, 0, 1), "c0ad1cd", "2025-07-22"),
    (version(1, 0, 2), "bf1c2b2", "2025-08-11"),
    (version(1, 0, 3), "f848085", "2025-08-27"),
    (version(1, 0, 4), "852733b", "2025-09-11"),
    (version(2, 0, 0), "1b82ce4", "2026-02-12"),
    (version(2, 0, 1), "0f0dbae", "2026-02-19"),
    (version(2, 0, 2), "8db78e0", "2026-02-25"),
    (version(2, 0, 3), "68b4073", "2026-02-27"),
    (version(2, 0, 4), "4ccf816", "2026-03-13"),
    (version(2, 1, 0), "adf0bd7", "2026-04-13"),
    (version(2, 1, 1), "1312e77", "2026-04-13"),
    (version(2, 1, 2), "78ed979", "2026-04-13"),
    (version(2, 1, 3), "f75867c", "2026-04-14"),
    (version(2, 1, 4), "5a5a0df", "2026-04-17"),
    (version(2, 1, 5), "9329b7d", "2026-04-23"),
    (version(2, 2, 0), "c8f3da9", "2026-04-28"),
    (version(2, 2, 1), "3ec31f0", "2026-04-29"),
    (version(2, 3, 0), "cbbc40f", "2026-05-15"),
    (version(2, 3, 1), "0184406", "2026-05-15"),
    (version(2, 3, 2), "0abbe39", "2026-05-15"),
    (version(2, 4, 0), "e82c9ef", "2026-06-10"),
    (version(2, 4, 1), "39eadf3", "2026-06-10"),
    (version(2, 4, 2), "d527f64", "2026-06-12"),
    (version(2, 4, 3), "cbece67", "2026-06-19"),
    (version(2, 5, 0), "f5b349b", "2026-06-22"),
    (version(2, 5, 1), "89aa2b4", "2026-06-24"),
    (version(2, 5, 2), "2a06fe0", "2026-06-25"),
    (version(2, 5, 3), "8f75ef6", "2026-07-01"),
    (version(2, 5, 4), "ab6a6bd", "2026-07-10"),
    (version(2, 6, 0), "b8a7187", "2026-07-23"),
    (version(2, 7, 0), "60bea34", "2026-08-07"),
    (version(2, 7, 1), "2836ce6", "2026-08-11"),
    (version(2, 7, 2), "e27316f", "2026-08-14"),
];

/// The newest release known to this build.
pub const NEWEST: Version = version(2, 7, 2);

/// How a version is known, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// The tag of its image.
    ImageTag,
    /// The API's list of components.
    Manifest,
    /// The commit within `coordinator_version`.
    Commit,
    /// The time of the build within `coordinator_version`: the last tag before it.
    BuildDate,
    /// The circuits' version tells a range; its first release is taken.
    Circuit,
    /// The shape of log lines tells a range; its first release is taken.
    Lines,
}

impl How {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ImageTag => "image tag",
            Self::Manifest => "component list of the API",
            Self::Commit => "commit in coordinator_version",
            Self::BuildDate => "build date in coordinator_version",
            Self::Circuit => "circuit version",
            Self::Lines => "shape of the log lines",
        }
    }
}

/// A version and how it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The release.
    pub version: Version,
    /// How it is known.
    pub how: How,
}

/// The version of a workload (`coordinator`, `cpu-node`, `gpu-node`, `api`) by
/// what is known of itself: its image, or the API's list.
#[must_use]
pub fn of_workload(model: &Model, name: &str) -> Option<Detected> {
    let image = model.kube.workload(name).and_then(|w| w.image.as_deref()).or_else(|| {
        let mut pods = model.kube.pods().filter(|p| p.component.is_some_and(|c| c.as_str() == name));
        pods.find_map(|p| p.info.image.as_deref())
    });
    if let Some(version) = image.and_then(Version::read) {
        return Some(Detected { version, how: How::ImageTag });
    }
    let m = model.manifest.iter().find(|c| c.component == name)?;
    let by_sha = TAGS.iter().find(|(_, sha, _)| m.git_sha.starts_with(sha)).map(|t| t.0);
    // The crate's version is a constant before v2.7.
    let by_crate = Version::read(&m.version).filter(|v| *v >= version(2, 0, 0));
    let version = Version::read(&m.image_tag).or(by_sha).or(by_crate)?;
    Some(Detected { version, how: How::Manifest })
}

/// The coordinator's release where something names it, rather than a range that it is in.
#[must_use]
pub fn surely_of_coordinator(model: &Model) -> Option<Detected> {
    of_coordinator(model).filter(|d| !matches!(d.how, How::Circuit | How::Lines))
}

/// The coordinator's version by the best of what is known (reference 9.1).
#[must_use]
pub fn of_coordinator(model: &Model) -> Option<Detected> {
    if let Some(d) = of_workload(model, "coordinator") {
        return Some(d);
    }
    let c = &model.coordinator;
    if let Some(text) = &c.version {
        if let Some(version) = by_commit(text) {
            return Some(Detected { version, how: How::Commit });
        }
        if let Some(version) = by_date(text) {
            return Some(Detected { version, how: How::BuildDate });
        }
    }
    let lines = if c.prints_location {
        Some(version(2, 7, 0))
    } else if c.prints_heartbeat_age {
        Some(version(2, 4, 0))
    } else if c.claim_items == Some(6) {
        Some(version(2, 3, 0))
    } else {
        None
    };
    if let Some(version) = lines {
        return Some(Detected { version, how: How::Lines });
    }
    let version = match c.circuit.as_deref()? {
        s if s.starts_with("v5") => version(1, 0, 0),
        s if s.starts_with("v6.0") => version(2, 0, 0),
        s if s.starts_with("v6") => version(2, 1, 0),
        _ => return None,
    };
    Some(Detected { version, how: How::Circuit })
}

/// The cpu-node's version: its own, else the coordinator's.
#[must_use]
pub fn of_cpu_node(model: &Model) -> Option<Detected> {
    of_workload(model, "cpu-node").or_else(|| of_coordinator(model))
}

/// `"<sha> <time>"`; the sha is `unknown` before v2.5.3.
fn by_commit(text: &str) -> Option<Version> {
    let sha = text.split_whitespace().next()?;
    (sha.len() >= 7).then(|| TAGS.iter().find(|(_, s, _)| sha.starts_with(s)).map(|t| t.0)).flatten()
}

/// The last tag not later than the day of the build. Days compare as text.
fn by_date(text: &str) -> Option<Version> {
    let day = text.split_whitespace().nth(1)?.get(..10)?;
    let sound = day.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    if !sound {
        return None;
    }
    TAGS.iter().rev().find(|(_, _, d)| *d <= day).map(|t| t.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_tags() {
        let read = |s| Version::read(s).map(|v| v.to_string());
        assert_eq!(read("ghcr.io/succinctlabs/sp1-cluster:base-v2.1.2").as_deref(), Some("v2.1.2"));
        assert_eq!(read("ghcr.io/succinctlabs/sp1-cluster:node-gpu-v2.7.2").as_deref(), Some("v2.7.2"));
        assert_eq!(read("v2.3.0-rc.1").as_deref(), Some("v2.3.0"));
        assert_eq!(read("ghcr.io/succinctlabs/sp1-cluster:base-latest"), None);
        assert_eq!(read("localhost:5000/sp1-cluster"), None);
    }

    #[test]
    fn builds_are_told_by_commit_and_day() {
        assert_eq!(by_commit("e27316f0aa 2026-08-14T03:20:00"), Some(version(2, 7, 2)));
        assert_eq!(by_commit("unknown 2026-08-14T03:20:00"), None);
        assert_eq!(by_date("unknown 2026-04-13T21:10:44"), Some(version(2, 1, 2)));
        assert_eq!(by_date("unknown 2026-04-30T00:00:00"), Some(version(2, 2, 1)));
        assert_eq!(by_date("unknown 2026-11-24T00:32:00"), Some(NEWEST));
        assert_eq!(by_date("unknown soon"), None);
    }

    #[test]
    fn weights_changed_with_the_releases() {
        let w = |v: Version| [TaskType::Controller, TaskType::CoreExecute, TaskType::PlonkWrap].map(|k| v.weight(&k).unwrap());
        assert_eq!(w(version(2, 1, 2)), [4, 4, 32]);
        assert_eq!(w(version(2, 1, 3)), [4, 32, 32]);
        assert_eq!(w(version(2, 2, 0)), [4, 32, 60]);
        assert_eq!(w(version(2, 3, 1)), [1, 8, 60]);
    }
}
