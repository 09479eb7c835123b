//! Releases of sp1-cluster, and what changed between them (reference 9).

use super::kind::Kind;

/// A release of sp1-cluster.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Release {
    version: (u8, u8, u8),
    sha: &'static str,
    built: &'static str,
}

const fn release(version: (u8, u8, u8), sha: &'static str, built: &'static str) -> Release {
    Release { version, sha, built }
}

/// Tags with their commits and dates (reference 9.2).
const RELEASES: [Release; 24] = [
    release((1, 0, 4), "852733b", "2025-09-11T18:02:41"),
    release((2, 0, 0), "1b82ce4", "2026-02-12T20:31:05"),
    release((2, 0, 3), "68b4073", "2026-02-27T19:44:12"),
    release((2, 0, 4), "4ccf816", "2026-03-13T17:20:33"),
    release((2, 1, 0), "adf0bd7", "2026-04-13T16:08:27"),
    release((2, 1, 1), "1312e77", "2026-04-13T18:51:02"),
    release((2, 1, 2), "78ed979", "2026-04-13T21:10:44"),
    release((2, 1, 3), "f75867c", "2026-04-14T19:37:15"),
    release((2, 1, 5), "9329b7d", "2026-04-23T15:12:50"),
    release((2, 2, 0), "c8f3da9", "2026-04-28T22:05:31"),
    release((2, 2, 1), "3ec31f0", "2026-04-29T18:40:09"),
    release((2, 3, 0), "cbbc40f", "2026-05-15T01:15:56"),
    release((2, 3, 1), "0184406", "2026-05-15T17:03:22"),
    release((2, 3, 2), "0abbe39", "2026-05-15T23:48:17"),
    release((2, 4, 0), "e82c9ef", "2026-06-10T16:29:40"),
    release((2, 4, 3), "cbece67", "2026-06-19T20:11:28"),
    release((2, 5, 0), "f5b349b", "2026-06-22T18:55:13"),
    release((2, 5, 2), "2a06fe0", "2026-06-25T21:34:58"),
    release((2, 5, 3), "8f75ef6", "2026-07-01T17:42:06"),
    release((2, 5, 4), "ab6a6bd", "2026-07-10T19:20:44"),
    release((2, 6, 0), "b8a7187", "2026-07-23T16:47:35"),
    release((2, 7, 0), "60bea34", "2026-08-07T18:09:51"),
    release((2, 7, 1), "2836ce6", "2026-08-11T20:26:19"),
    release((2, 7, 2), "e27316f", "2026-08-14T03:20:00"),
];

impl Release {
    /// v2.7.2, the newest release known.
    pub const LATEST: Self = RELEASES[RELEASES.len() - 1];

    /// The release of a tag such as `v2.1.2`; the newest one below it where
    /// the tag itself is not in the table, [`Self::LATEST`] where it is no tag.
    #[must_use]
    pub fn named(tag: &str) -> Self {
        let mut parts = tag.trim_start_matches('v').split('.').map(|p| p.parse::<u8>().ok());
        let mut part = || parts.next().flatten();
        let (Some(a), Some(b), Some(c)) = (part(), part(), part()) else { return Self::LATEST };
        RELEASES.iter().rev().find(|r| r.version <= (a, b, c)).copied().unwrap_or(RELEASES[0])
    }

    /// True for this release and all after it.
    #[must_use]
    pub fn at_least(self, major: u8, minor: u8, patch: u8) -> bool {
        self.version >= (major, minor, patch)
    }

    /// `v2.7.2`.
    #[must_use]
    pub fn tag(self) -> String {
        let (a, b, c) = self.version;
        format!("v{a}.{b}.{c}")
    }

    /// The short commit.
    #[must_use]
    pub const fn sha(self) -> &'static str {
        self.sha
    }

    /// `coordinator_version`: the commit (`unknown` before v2.5.3) and the
    /// time of the build.
    #[must_use]
    pub fn coordinator_version(self) -> String {
        let sha = if self.at_least(2, 5, 3) { self.sha } else { "unknown" };
        format!("{sha} {}", self.built)
    }

    /// `sp1_circuit_version`.
    #[must_use]
    pub fn circuits(self) -> &'static str {
        if self.at_least(2, 1, 0) {
            "v6.1.0"
        } else if self.at_least(2, 0, 0) {
            "v6.0.0"
        } else {
            "v5.0.0"
        }
    }

    /// The weight of a kind of task where no variable says otherwise
    /// (reference 3.3).
    pub(super) fn weight(self, kind: Kind) -> u32 {
        match kind {
            Kind::Controller if self.at_least(2, 3, 1) => 1,
            Kind::CoreExecute if self.at_least(2, 3, 1) => 8,
            Kind::CoreExecute if self.at_least(2, 1, 3) => 32,
            Kind::Controller | Kind::CoreExecute | Kind::ProveShard | Kind::ShrinkWrap => 4,
            Kind::PlonkWrap if self.at_least(2, 2, 0) => 60,
            Kind::PlonkWrap => 32,
            Kind::Groth16Wrap => 14,
            Kind::SetupVkey => 1,
            Kind::RecursionDeferred | Kind::RecursionReduce => 3,
        }
    }
}
