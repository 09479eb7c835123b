//! New ids: artifacts as the cluster makes them, and proofs.

use uuid::Uuid;

use crate::base::Timestamp;
use crate::base::id::type_id;

/// A new artifact id: a `TypeID`, `artifact_` and a UUIDv7 (reference 5.1).
#[must_use]
pub fn artifact() -> String {
    type_id("artifact", Uuid::now_v7().as_u128())
}

/// A new id with the cluster's prefix for keys that are still being written.
#[must_use]
pub fn stage() -> String {
    type_id("stage", Uuid::now_v7().as_u128())
}

/// A new proof id, `cli_<unix ms>_<six digits>`: the form of the cluster's own
/// clients, whose plain milliseconds collide when two are made at once
/// (reference 4.4).
#[must_use]
pub fn proof(now: Timestamp) -> String {
    let suffix = type_id("", Uuid::now_v7().as_u128());
    // The last digits are the random ones.
    format!("cli_{}_{}", now.millis(), &suffix[suffix.len() - 6..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_vector() {
        let bits = 0x019f_fe57_0ae3_7abc_9def_0102_0304_0506_u128;
        assert_eq!(type_id("artifact", bits), "artifact_01kzz5e2q3fay9vvr1081g8186");
    }

    #[test]
    fn ids_differ_and_look_like_the_clusters() {
        let ids: std::collections::BTreeSet<_> = (0..1_000).map(|_| artifact()).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(ids.iter().all(|i| i.len() == 35 && i.starts_with("artifact_0")), "{ids:?}");
        let at = Timestamp::from_millis(1_795_480_853_154);
        let (a, b) = (proof(at), proof(at));
        assert!(a.starts_with("cli_1795480853154_") && a.len() == 24 && a != b, "{a} {b}");
    }
}
