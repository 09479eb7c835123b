//! The names of things: proofs, tasks, workers, pods, sources.
//!
//! Ids come from hostile text, so they are only made from printable ASCII (see
//! [`is_clean`]) and printing one back gives exactly what was read.

use std::fmt;
use std::sync::Arc;

use smol_str::SmolStr;

/// The longest id that is believed; anything longer is not one of ours.
pub const MAX_ID: usize = 128;

/// True for what may be an id: 1 to [`MAX_ID`] printable ASCII bytes without
/// blanks, quotes or backslashes.
#[must_use]
pub fn is_clean(s: &[u8]) -> bool {
    !s.is_empty() && s.len() <= MAX_ID && s.iter().all(|c| c.is_ascii_graphic() && !matches!(c, b'"' | b'\\'))
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(SmolStr);

        impl $name {
            /// An id from text that is already known to be clean.
            #[must_use]
            pub fn new(s: &str) -> Self {
                Self(SmolStr::new(s))
            }

            /// An id from raw bytes, or `None` where [`is_clean`] says no.
            #[must_use]
            pub fn read(s: &[u8]) -> Option<Self> {
                if !is_clean(s) {
                    return None;
                }
                std::str::from_utf8(s).ok().map(Self::new)
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// A proof request's id, for example `cli_1795480853154_0` or `req_…`.
    ProofId
}
text_id! {
    /// A Kubernetes pod's name.
    PodName
}
text_id! {
    /// Where an envelope came from, for example `log:coordinator` or
    /// `kube:pods`; unique within a session.
    SourceName
}

/// 128 bits in two halves, aligned as words: a hundred thousand ids a second pass
/// through caches that are eight bytes too small for a `u128` each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bits {
    high: u64,
    low: u64,
}

impl Bits {
    /// Both halves.
    #[must_use]
    pub const fn get(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }

    /// The lower half: of a UUIDv7, its random part.
    #[must_use]
    pub const fn low(self) -> u64 {
        self.low
    }
}

impl From<u128> for Bits {
    #[expect(clippy::cast_possible_truncation, reason = "the halves are meant")]
    fn from(bits: u128) -> Self {
        Self { high: (bits >> 64) as u64, low: bits as u64 }
    }
}

/// A task's id: a `TypeID` (`task_` + 26 characters of Crockford base 32, a
/// UUIDv7) kept as its 128 bits, or any other text as it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskId {
    /// The UUIDv7 behind `task_…`.
    Uuid(Bits),
    /// Text that is no `TypeID`.
    Text(SmolStr),
}

impl std::hash::Hash for TaskId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self {
            // The lower half is random: it is hash enough, on a path that runs
            // millions of times.
            Self::Uuid(u) => state.write_u64(u.low),
            Self::Text(s) => s.hash(state),
        }
    }
}

const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Values of base-32 digits by byte; 0xff for bytes that are no digit.
const UNBASE32: [u8; 256] = {
    let mut table = [0xff; 256];
    let mut i = 0;
    while i < 32 {
        #[expect(clippy::cast_possible_truncation, reason = "i is below 32")]
        {
            table[BASE32[i] as usize] = i as u8;
        }
        i += 1;
    }
    table
};

impl TaskId {
    /// The id of that UUIDv7.
    #[must_use]
    pub fn uuid(bits: u128) -> Self {
        Self::Uuid(bits.into())
    }

    /// Reads a task id; `None` where it cannot be one. A `task_` id that is cut
    /// short or has a wrong digit is refused, so that a half line never makes a
    /// task that does not exist.
    #[must_use]
    pub fn read(s: &[u8]) -> Option<Self> {
        if let Some(suffix) = s.strip_prefix(b"task_") {
            return decode_base32(suffix).map(Self::uuid);
        }
        if !is_clean(s) {
            return None;
        }
        std::str::from_utf8(s).ok().map(|s| Self::Text(SmolStr::new(s)))
    }

    /// When the task was created, from the time within its UUIDv7, in
    /// milliseconds since the epoch; `None` for other ids.
    #[must_use]
    pub fn created_millis(&self) -> Option<i64> {
        match self {
            Self::Uuid(u) => i64::try_from(u.high >> 16).ok(),
            Self::Text(_) => None,
        }
    }
}

/// The 128 bits of a `TypeID` suffix: 26 lower-case base-32 digits, the first
/// at most 7.
fn decode_base32(s: &[u8]) -> Option<u128> {
    let s: &[u8; 26] = s.try_into().ok()?;
    let mut bad = 0u8;
    let mut half = |from: usize| {
        let mut n = 0u64;
        for c in &s[from..from + 12] {
            let v = UNBASE32[*c as usize];
            bad |= v;
            n = n << 5 | u64::from(v & 31);
        }
        n
    };
    let (middle, low) = (half(2), half(14));
    let (a, b) = (UNBASE32[s[0] as usize], UNBASE32[s[1] as usize]);
    if (bad | b) & 0x80 != 0 || a > 7 {
        return None;
    }
    Some(u128::from(a) << 125 | u128::from(b) << 120 | u128::from(middle) << 60 | u128::from(low))
}

/// The suffix of a `TypeID`: 128 bits as 26 digits of Crockford base 32.
fn encode_base32(bits: u128) -> [u8; 26] {
    std::array::from_fn(|i| BASE32[(bits >> (125 - 5 * i) & 31) as usize])
}

/// A `TypeID`: `prefix`, an underscore, and the 128 bits of a UUIDv7 as 26
/// digits (reference 5.1).
#[must_use]
pub fn type_id(prefix: &str, bits: u128) -> String {
    format!("{prefix}_{}", String::from_utf8_lossy(&encode_base32(bits)))
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(u) => {
                let mut out = *b"task_00000000000000000000000000";
                out[5..].copy_from_slice(&encode_base32(u.get()));
                f.pad(std::str::from_utf8(&out).unwrap_or_default())
            }
            Self::Text(s) => f.pad(s),
        }
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for TaskId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// A worker's id: `unknown_` + 32 hex digits off ECS (kept as 128 bits), or any
/// other text. Never a pod's name on Kubernetes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkerId {
    /// The 32 lower-case hex digits behind `unknown_`.
    Unknown(Bits),
    /// Any other text.
    Text(SmolStr),
}

impl std::hash::Hash for WorkerId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self {
            Self::Unknown(u) => state.write_u64(u.low),
            Self::Text(s) => s.hash(state),
        }
    }
}

/// Values of lower-case hex digits by byte; 0xff for others.
const UNHEX: [u8; 256] = {
    let mut table = [0xff; 256];
    let digits = b"0123456789abcdef";
    let mut i = 0;
    while i < 16 {
        #[expect(clippy::cast_possible_truncation, reason = "i is below 16")]
        {
            table[digits[i] as usize] = i as u8;
        }
        i += 1;
    }
    table
};

impl WorkerId {
    /// `unknown_` and these bits as hex digits.
    #[must_use]
    pub fn unknown(bits: u128) -> Self {
        Self::Unknown(bits.into())
    }

    /// Reads a worker id; `None` where it cannot be one.
    #[must_use]
    pub fn read(s: &[u8]) -> Option<Self> {
        if s.len() == 40 && s.starts_with(b"unknown_") {
            let mut bad = 0u8;
            let mut half = |from: usize| {
                let mut n = 0u64;
                for c in &s[from..from + 16] {
                    let v = UNHEX[*c as usize];
                    bad |= v;
                    n = n << 4 | u64::from(v & 15);
                }
                n
            };
            let (high, low) = (half(8), half(24));
            if bad & 0x80 == 0 {
                return Some(Self::Unknown(Bits { high, low }));
            }
        }
        if !is_clean(s) {
            return None;
        }
        std::str::from_utf8(s).ok().map(|s| Self::Text(SmolStr::new(s)))
    }

    /// A name short enough for a column: the first eight hex digits behind
    /// `unknown_`, else the id itself.
    #[must_use]
    pub fn short(&self) -> String {
        match self {
            Self::Unknown(u) => format!("{:08x}", u.high >> 32),
            Self::Text(s) => s.to_string(),
        }
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(u) => f.pad(&format!("unknown_{:016x}{:016x}", u.high, u.low)),
            Self::Text(s) => f.pad(s),
        }
    }
}

impl fmt::Debug for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for WorkerId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// What kind of task it is. Numbers and spellings: facts, section 2.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TaskType {
    /// Lives for the whole proof on a CPU worker and creates its other tasks.
    Controller,
    /// Prepares the verifying key (GPU).
    SetupVkey,
    /// Runs the guest and makes shards (CPU).
    CoreExecute,
    /// Proves one shard (GPU).
    ProveShard,
    /// A marker that is never assigned to a worker.
    MarkerDeferredRecord,
    /// Recursion over input proofs (GPU).
    RecursionDeferred,
    /// Recursion over shard proofs (GPU).
    RecursionReduce,
    /// Shrinks and wraps the last recursion proof (GPU).
    ShrinkWrap,
    /// The plonk wrap (CPU).
    PlonkWrap,
    /// The groth16 wrap (CPU).
    Groth16Wrap,
    /// Runs a guest without proving (CPU).
    ExecuteOnly,
    /// Builds a map of verifying keys (CPU).
    UtilVkeyMapController,
    /// One chunk of that map (GPU).
    UtilVkeyMapChunk,
    /// A type that this build does not know, as the log spells it.
    /// Behind a pointer, because it is rare and the others are many.
    Other(Arc<SmolStr>),
}

impl TaskType {
    /// The known types in the order of a proof's course.
    pub const KNOWN: [Self; 13] = [
        Self::Controller,
        Self::SetupVkey,
        Self::CoreExecute,
        Self::ProveShard,
        Self::MarkerDeferredRecord,
        Self::RecursionDeferred,
        Self::RecursionReduce,
        Self::ShrinkWrap,
        Self::PlonkWrap,
        Self::Groth16Wrap,
        Self::ExecuteOnly,
        Self::UtilVkeyMapController,
        Self::UtilVkeyMapChunk,
    ];

    /// Reads the spelling of the coordinator's log (`ProveShard`). Any other
    /// CamelCase word becomes [`Self::Other`]; `None` for what is no word.
    #[must_use]
    pub fn read(s: &[u8]) -> Option<Self> {
        Some(match s {
            b"ProveShard" => Self::ProveShard,
            b"RecursionReduce" => Self::RecursionReduce,
            b"Controller" => Self::Controller,
            b"CoreExecute" => Self::CoreExecute,
            b"SetupVkey" => Self::SetupVkey,
            b"RecursionDeferred" => Self::RecursionDeferred,
            b"ShrinkWrap" => Self::ShrinkWrap,
            b"PlonkWrap" => Self::PlonkWrap,
            b"Groth16Wrap" => Self::Groth16Wrap,
            b"MarkerDeferredRecord" => Self::MarkerDeferredRecord,
            b"ExecuteOnly" => Self::ExecuteOnly,
            b"UtilVkeyMapController" => Self::UtilVkeyMapController,
            b"UtilVkeyMapChunk" => Self::UtilVkeyMapChunk,
            other => {
                if other.len() > 64 || !other.first()?.is_ascii_uppercase() || !other.iter().all(u8::is_ascii_alphanumeric) {
                    return None;
                }
                Self::Other(Arc::new(SmolStr::new(std::str::from_utf8(other).ok()?)))
            }
        })
    }

    /// Reads the spelling of span fields and metric labels (`PROVE_SHARD`).
    #[must_use]
    pub fn read_screaming(s: &[u8]) -> Option<Self> {
        let mut camel = Vec::with_capacity(s.len());
        for word in s.split(|c| *c == b'_') {
            let (first, rest) = word.split_first()?;
            camel.push(*first);
            camel.extend(rest.iter().map(u8::to_ascii_lowercase));
        }
        Self::read(&camel)
    }

    /// The spelling of the coordinator's log.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Controller => "Controller",
            Self::SetupVkey => "SetupVkey",
            Self::CoreExecute => "CoreExecute",
            Self::ProveShard => "ProveShard",
            Self::MarkerDeferredRecord => "MarkerDeferredRecord",
            Self::RecursionDeferred => "RecursionDeferred",
            Self::RecursionReduce => "RecursionReduce",
            Self::ShrinkWrap => "ShrinkWrap",
            Self::PlonkWrap => "PlonkWrap",
            Self::Groth16Wrap => "Groth16Wrap",
            Self::ExecuteOnly => "ExecuteOnly",
            Self::UtilVkeyMapController => "UtilVkeyMapController",
            Self::UtilVkeyMapChunk => "UtilVkeyMapChunk",
            Self::Other(s) => s,
        }
    }

    /// True for the wraps that end a plonk or groth16 proof on a CPU worker.
    #[must_use]
    pub const fn is_wrap(&self) -> bool {
        matches!(self, Self::PlonkWrap | Self::Groth16Wrap)
    }

    /// The kind of worker it needs; `None` where unknown or never assigned.
    #[must_use]
    pub const fn worker_kind(&self) -> Option<WorkerKind> {
        match self {
            Self::Controller
            | Self::CoreExecute
            | Self::PlonkWrap
            | Self::Groth16Wrap
            | Self::ExecuteOnly
            | Self::UtilVkeyMapController => Some(WorkerKind::Cpu),
            Self::SetupVkey
            | Self::ProveShard
            | Self::RecursionDeferred
            | Self::RecursionReduce
            | Self::ShrinkWrap
            | Self::UtilVkeyMapChunk => Some(WorkerKind::Gpu),
            Self::MarkerDeferredRecord | Self::Other(_) => None,
        }
    }

    /// A small number for tables: the place in [`Self::KNOWN`], or its length.
    #[must_use]
    pub fn index(&self) -> usize {
        match self {
            Self::Controller => 0,
            Self::SetupVkey => 1,
            Self::CoreExecute => 2,
            Self::ProveShard => 3,
            Self::MarkerDeferredRecord => 4,
            Self::RecursionDeferred => 5,
            Self::RecursionReduce => 6,
            Self::ShrinkWrap => 7,
            Self::PlonkWrap => 8,
            Self::Groth16Wrap => 9,
            Self::ExecuteOnly => 10,
            Self::UtilVkeyMapController => 11,
            Self::UtilVkeyMapChunk => 12,
            Self::Other(_) => 13,
        }
    }
}

impl fmt::Display for TaskType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl serde::Serialize for TaskType {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

/// What a worker takes: CPU tasks, GPU tasks, or both.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerKind {
    /// Takes CPU tasks.
    Cpu,
    /// Takes GPU tasks.
    Gpu,
    /// Takes both; counted in neither the cpu nor the gpu fields of the stats.
    All,
}

impl WorkerKind {
    /// Reads the log's spelling (`Cpu`, `Gpu`, `All`); `None` for others.
    #[must_use]
    pub fn read(s: &[u8]) -> Option<Self> {
        match s {
            b"Cpu" | b"CPU" => Some(Self::Cpu),
            b"Gpu" | b"GPU" => Some(Self::Gpu),
            b"All" | b"ALL" => Some(Self::All),
            _ => None,
        }
    }

    /// `cpu`, `gpu` or `all`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::All => "all",
        }
    }
}

impl fmt::Display for WorkerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_ids_round_trip_and_tell_their_time() {
        let id = TaskId::read(b"task_01kzz5e2q3fay9vvr1081g8186").unwrap();
        assert_eq!(id.to_string(), "task_01kzz5e2q3fay9vvr1081g8186");
        // The vector of the reference, 5.1.
        assert_eq!(id, TaskId::uuid(0x019f_fe57_0ae3_7abc_9def_0102_0304_0506));
        assert_eq!(id.created_millis(), Some(1_786_678_545_123));
        for bad in ["task_01kzz5e2q3fay9vvr1081g818", "task_81kzz5e2q3fay9vvr1081g8186", "task_01kzz5e2q3fay9vvr1081g818u", "", "a b"] {
            assert_eq!(TaskId::read(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(TaskId::read(b"my-task").unwrap().to_string(), "my-task");
    }

    #[test]
    fn worker_ids_round_trip() {
        for id in [
            "unknown_9f86d081884c7d659a2feaa0c55ad015",
            "gpu-node-5f6c7d8e9b-t2q8j",
            "unknown_9F86d081884c7d659a2feaa0c55ad015",
            "unknown_1",
        ] {
            assert_eq!(WorkerId::read(id.as_bytes()).unwrap().to_string(), id);
        }
        assert_eq!(WorkerId::read(b"unknown_9f86d081884c7d659a2feaa0c55ad015").unwrap().short(), "9f86d081");
        assert_eq!(WorkerId::read(b"a\x1bb"), None);
    }

    #[test]
    fn task_types_in_both_spellings() {
        for t in TaskType::KNOWN {
            assert_eq!(TaskType::read(t.as_str().as_bytes()), Some(t.clone()));
            assert_eq!(TaskType::KNOWN.get(t.index()), Some(&t));
        }
        assert_eq!(TaskType::read_screaming(b"PROVE_SHARD"), Some(TaskType::ProveShard));
        assert_eq!(TaskType::read_screaming(b"GROTH16_WRAP"), Some(TaskType::Groth16Wrap));
        assert_eq!(TaskType::read(b"FutureThing"), Some(TaskType::Other(Arc::new("FutureThing".into()))));
        assert_eq!(TaskType::read(b"not a type"), None);
    }
}
