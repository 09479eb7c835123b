//! The API's messages (reference 2.4).

use super::{Meaning, Table, proof, words};
use crate::base::ProofId;
use crate::event::{ApiEvent as A, Component, What};
use crate::parse::formats::Record;

pub const TABLE: Table = Table { component: Some(Component::Api), meanings: MEANINGS, other: |_| None };

#[expect(clippy::unnecessary_wraps, reason = "readers of the table return an option")]
const fn some(e: A) -> Option<What> {
    Some(What::Api(e))
}

fn id(s: &[u8]) -> Option<ProofId> {
    Some(proof(s)?.0)
}

fn trouble(_: &[u8], r: &Record<'_>) -> Option<What> {
    some(A::Trouble { text: words(&r.message) })
}

const MEANINGS: &[Meaning] = &[
    Meaning { begins: "Getting proof request with ID: ", read: |s, _| some(A::Polled { proof: id(s)? }) },
    Meaning { begins: "Creating proof request with ID: ", read: |s, _| some(A::Created { proof: id(s)? }) },
    Meaning { begins: "Successfully cancelled proof request: ", read: |s, _| some(A::Cancelled { proof: id(s)? }) },
    Meaning { begins: "Successfully updated proof request: ", read: |s, _| some(A::Updated { proof: id(s)? }) },
    Meaning { begins: "Starting gRPC server on ", read: |_, _| some(A::Started) },
    Meaning { begins: "gRPC server error: ", read: trouble },
    Meaning { begins: "Failed to create proof request", read: trouble },
    Meaning { begins: "Failed to cancel proof request", read: trouble },
    Meaning { begins: "Failed to update proof request", read: trouble },
    Meaning { begins: "api shut down cleanly", read: |_, _| some(A::Stopped) },
];
