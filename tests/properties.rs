//! What holds for any bytes: the decoder never panics, counts what it cannot
//! read, is indifferent to where a stream is cut, and never shows control bytes.
#![allow(clippy::unwrap_used, reason = "a test may")]

use bytes::Bytes;
use proptest::prelude::*;
use sp1top::base::{SourceName, Timestamp};
use sp1top::envelope::{Envelope, Kind};
use sp1top::event::{Batch, What};
use sp1top::model::Model;
use sp1top::parse::Decoder;
use sp1top::pipeline::Pipeline;

const KINDS: [Kind; 11] = [
    Kind::Log,
    Kind::LogBreak,
    Kind::Json,
    Kind::PodMetrics,
    Kind::Stats,
    Kind::Proofs,
    Kind::Manifest,
    Kind::Prometheus,
    Kind::Source,
    Kind::Session,
    Kind::Effect,
];

/// Pieces of real lines, to be put together wrongly.
const PARTS: &[&[u8]] = &[
    b"2026-08-14T03:35:45.123456Z  INFO bin/coordinator/src/lib.rs:2016: ",
    b"\x1b[2m2026-11-24T01:16:31.816515Z\x1b[0m \x1b[32m INFO\x1b[0m \x1b[2msp1_cluster_coordinator\x1b[0m\x1b[2m:\x1b[0m ",
    b"[coordinator] ",
    b"GetStatsResponse { ",
    b"cpu_queue: 1, gpu_queue: 18446744073709551616, ",
    b"coordinator_version: \"a \\\" b\" }",
    b"worker unknown_9f86d081884c7d659a2feaa0c55ad015 Cpu () 17 [",
    b"(\"cli_1786678545123\", \"task_01kzz5e2q3fay9vvr1081g8186\", Some(Some(Controller)))",
    b", ",
    b"]",
    b"Some(None)",
    b"{\"timestamp\":\"2026-08-14T03:35:45.123456Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"",
    b"\"},\"filename\":\"a.rs\",\"line_number\":1}",
    b"[pod/gpu-node-5f6c7d8e9b-5tpzb/gpu-node] ",
    b"Completed task ProveShard (\"P\", \"task_01kzz5e2q3fay9vvr1081g8186\") after Some(1.5\xc2\xb5s)",
    b"retrying task ",
    b"task_01kzz5e2q3fay9vvr1081g8186",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff\xfe",
    b"\x1b]0;title\x07",
];

fn envelope(seq: u64, kind: Kind, raw: &[u8]) -> Envelope {
    Envelope { seq, at: Timestamp::from_secs(1_786_678_500), source: SourceName::new("s"), kind, raw: Bytes::copy_from_slice(raw) }
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop_oneof![
            6 => prop::sample::select(PARTS).prop_map(<[u8]>::to_vec),
            1 => prop::collection::vec(any::<u8>(), 0..24),
        ],
        0..40,
    )
    .prop_map(|v| v.concat())
}

fn facts(batches: &[Batch]) -> Vec<String> {
    let mut all = Vec::new();
    for b in batches {
        all.extend(b.events.iter().map(|e| format!("{} {:?}", e.at, e.what)));
    }
    for b in batches {
        all.extend(b.unread.iter().map(|u| format!("unread {:?}", u.why)));
    }
    all
}

fn decode(pieces: &[&[u8]]) -> Vec<Batch> {
    let mut d = Decoder::new(true);
    let mut out: Vec<Batch> = (1..).zip(pieces).map(|(n, p)| d.decode(&envelope(n, Kind::Log, p))).collect();
    out.push(d.decode(&envelope(9999, Kind::LogBreak, b"")));
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_of_any_kind_panic(raw in text(), kind in prop::sample::select(&KINDS[..])) {
        let (mut pipeline, mut model) = (Pipeline::new(true), Model::new());
        pipeline.apply(&envelope(1, kind, &raw), &mut model);
        pipeline.apply(&envelope(2, Kind::LogBreak, b""), &mut model);
    }

    #[test]
    fn where_a_stream_is_cut_does_not_matter(raw in text(), at in any::<prop::sample::Index>(), also in any::<prop::sample::Index>()) {
        let (a, b) = (at.index(raw.len() + 1), also.index(raw.len() + 1));
        let (a, b) = (a.min(b), a.max(b));
        prop_assert_eq!(facts(&decode(&[&raw[..a], &raw[a..b], &raw[b..]])), facts(&decode(&[&raw])));
    }

    #[test]
    fn nothing_shown_holds_control_bytes(raw in text()) {
        for batch in decode(&[&raw]) {
            for event in batch.events {
                if let What::Log(r) = event.what {
                    prop_assert!(r.text.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", r.text);
                }
            }
            for u in batch.unread {
                prop_assert!(u.text.chars().all(|c| !c.is_control()), "{:?}", u.text);
            }
        }
    }
}

#[test]
fn a_line_of_ten_megabytes_is_counted_and_what_follows_is_read() {
    let mut raw = b"2026-08-14T03:35:45.123456Z  INFO a.rs:1: ".to_vec();
    raw.resize(10 << 20, b'x');
    raw.extend_from_slice(b"\n2026-08-14T03:35:46.123456Z  INFO a.rs:1: retrying task task_01kzz5e2q3fay9vvr1081g8186\n");
    let pieces: Vec<&[u8]> = raw.chunks(65_536).collect();
    let all = facts(&decode(&pieces));
    assert_eq!(all.iter().filter(|f| f.contains("TooLong")).count(), 1, "{all:?}");
    assert_eq!(all.iter().filter(|f| f.contains("TaskRetrying")).count(), 1);
}
