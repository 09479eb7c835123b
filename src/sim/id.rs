//! Ids as the cluster makes them: `TypeID`s over UUIDv7, worker ids, pod names.

use super::rng::Rng;
use crate::base::Timestamp;

const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The letters of generated Kubernetes names: no vowels, no look-alikes.
const KUBE: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A UUIDv7 of the given time (milliseconds).
pub(super) fn uuid7(rng: &mut Rng, at: Timestamp) -> u128 {
    let ms = u128::try_from(at.millis()).unwrap_or(0) & 0xffff_ffff_ffff;
    let random = rng.wide();
    let (a, b) = (random >> 116, random & 0x3fff_ffff_ffff_ffff);
    ms << 80 | 7 << 76 | a << 64 | 2 << 62 | b
}

/// The 26 base-32 characters of a `TypeID`.
#[derive(Clone, Copy)]
pub(super) struct Suffix([u8; 26]);

impl Suffix {
    pub fn of(id: u128) -> Self {
        let mut out = [b'0'; 26];
        let (mut high, mut low) = ((id >> 65) as u64, id & ((1 << 65) - 1));
        for c in out[13..].iter_mut().rev() {
            *c = BASE32[(low & 31) as usize];
            low >>= 5;
        }
        for c in out[..13].iter_mut().rev() {
            *c = BASE32[(high & 31) as usize];
            high >>= 5;
        }
        Self(out)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A task id in messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Task(pub u128);

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("task_")?;
        f.write_str(Suffix::of(self.0).as_str())
    }
}

/// A worker id in messages, as off ECS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Worker(pub u128);

impl std::fmt::Display for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut out = *b"unknown_00000000000000000000000000000000";
        for (i, c) in out[8..].iter_mut().enumerate() {
            *c = HEX[(self.0 >> (124 - 4 * i) & 15) as usize];
        }
        f.write_str(std::str::from_utf8(&out).unwrap_or_default())
    }
}

/// A new `TypeID` with any prefix, `artifact` for example.
pub(super) fn type_id(prefix: &str, rng: &mut Rng, at: Timestamp) -> String {
    format!("{prefix}_{}", Suffix::of(uuid7(rng, at)).as_str())
}

/// `n` letters of a generated Kubernetes name.
pub(super) fn kube_suffix(rng: &mut Rng, n: usize) -> String {
    (0..n).map(|_| char::from(KUBE[rng.index(KUBE.len())])).collect()
}

/// A pod template's hash, 9 or 10 letters.
pub(super) fn template_hash(rng: &mut Rng) -> String {
    let n = 9 + rng.index(2);
    kube_suffix(rng, n)
}

/// A Kubernetes object's uid (a UUIDv4).
pub(super) fn kube_uid(rng: &mut Rng) -> String {
    let r = rng.wide();
    let hex = format!("{r:032x}");
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{TaskId, WorkerId};

    #[test]
    fn ids_are_what_the_base_reads() {
        let (mut rng, at) = (Rng::new(1), Timestamp::from_millis(1_795_486_463_000));
        for _ in 0..100 {
            let id = uuid7(&mut rng, at);
            let text = Task(id).to_string();
            assert_eq!(TaskId::read(text.as_bytes()), Some(TaskId::uuid(id)), "{text}");
            assert_eq!(TaskId::uuid(id).created_millis(), Some(at.millis()));
            let id = rng.wide();
            assert_eq!(WorkerId::read(Worker(id).to_string().as_bytes()), Some(WorkerId::unknown(id)));
        }
    }
}
