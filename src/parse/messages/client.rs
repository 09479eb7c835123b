//! The messages of the cluster CLI and op-succinct (reference 2.5).

use super::{Meaning, Table, proof, words};
use crate::base::ProofId;
use crate::base::time::parse_rust_duration;
use crate::event::{ClientEvent as C, Component, What};
use crate::parse::formats::Record;
use crate::parse::scan;

pub const TABLE: Table = Table { component: Some(Component::Client), meanings: MEANINGS, other: |_| None };

#[expect(clippy::unnecessary_wraps, reason = "the table's signature")]
fn failed(_: &[u8], r: &Record<'_>) -> Option<What> {
    Some(What::Client(C::Failed { text: words(&r.message) }))
}

const MEANINGS: &[Meaning] = &[
    Meaning { begins: "Successfully created proof request ", read: |s, _| Some(What::Client(C::Submitted { proof: proof(s)?.0 })) },
    Meaning {
        begins: "Proof request for proof id ",
        read: |s, _| {
            let (id, s) = scan::word(s);
            let (took, _) = parse_rust_duration(s.strip_prefix(b"completed after ")?)?;
            Some(What::Client(C::Completed { proof: ProofId::read(id)?, took }))
        },
    },
    Meaning { begins: "Timeout exceeded for proof request", read: failed },
    Meaning { begins: "Proof request Failed after", read: failed },
    Meaning { begins: "Proof request Cancelled after", read: failed },
    Meaning { begins: "Proof request not found after", read: failed },
];
