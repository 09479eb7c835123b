//! Messages about artifact stores, from nodes, gateways and clients (reference
//! 2.3).

use std::time::Duration;

use super::{Meaning, Table, words};
use crate::base::time::parse_rust_duration;
use crate::event::{StoreEvent as S, What};
use crate::parse::formats::Record;
use crate::parse::scan;

pub const TABLE: Table = Table { component: None, meanings: MEANINGS, other: |_| None };

#[expect(clippy::unnecessary_wraps, reason = "readers of the table return an option")]
const fn some(e: S) -> Option<What> {
    Some(What::Store(e))
}

fn unreachable(_: &[u8], r: &Record<'_>) -> Option<What> {
    some(S::Unreachable { text: words(&r.message) })
}

fn missing(_: &[u8], r: &Record<'_>) -> Option<What> {
    some(S::Missing { text: words(&r.message) })
}

/// `182.3ms, size: 2307656`
fn transfer(s: &[u8]) -> Option<(Duration, u64)> {
    let (took, n) = parse_rust_duration(s)?;
    let (size, _) = scan::leading_decimal(s[n..].strip_prefix(b", size: ")?)?;
    Some((took, size))
}

fn shard(s: &[u8]) -> u32 {
    scan::number(s, "shard").and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
}

const MEANINGS: &[Meaning] = &[
    Meaning {
        begins: "upload took ",
        read: |s, _| {
            let (took, size) = transfer(s)?;
            some(S::Uploaded { took, size })
        },
    },
    Meaning {
        begins: "download took ",
        read: |s, _| {
            let (took, size) = transfer(s)?;
            some(S::Downloaded { took, size })
        },
    },
    Meaning {
        begins: "Redis near capacity; blocking upload",
        read: |s, _| {
            some(S::Backpressure {
                shard: shard(s),
                used: scan::number(s, "used")?,
                max: scan::number(s, "max")?,
                waited: Duration::from_millis(scan::number(s, "waited_ms").unwrap_or(0)),
                failed: false,
            })
        },
    },
    Meaning {
        begins: "admission wait cap exceeded",
        read: |s, _| {
            some(S::Backpressure {
                shard: shard(s),
                used: scan::number(s, "used")?,
                max: scan::number(s, "max")?,
                waited: Duration::from_secs(scan::number(s, "waited_secs").unwrap_or(0)),
                failed: true,
            })
        },
    },
    Meaning { begins: "admission cleared; upload resumed", read: |s, _| some(S::Resumed { shard: shard(s) }) },
    Meaning { begins: "Redis maxmemory=0", read: |_, _| some(S::MaxmemoryUnset) },
    Meaning { begins: "Failed to get redis connection", read: unreachable },
    Meaning { begins: "Upload attempt timed out", read: unreachable },
    Meaning { begins: "Download attempt timed out", read: unreachable },
    Meaning { begins: "retrying s3 download error", read: unreachable },
    Meaning { begins: "artifact not found", read: missing },
    Meaning { begins: "Failed to decompress", read: missing },
    Meaning { begins: "using redis artifact store", read: |_, _| some(S::Kind { kind: "redis".into() }) },
    Meaning { begins: "using s3 artifact store", read: |_, _| some(S::Kind { kind: "s3".into() }) },
];
