//! Tapes come back as they were, and as far as they can after damage.

use std::io::Cursor;

use bytes::Bytes;
use proptest::prelude::*;

use super::recorder::{Recorder, Sink};
use super::ring::{self, Limits, Ring};
use super::share::Sharer;
use super::*;
use crate::base::{SourceName, Timestamp};
use crate::envelope::{Envelope, Kind, Session};

fn envelope(seq: u64, at: i64, source: &str, kind: Kind, raw: &[u8]) -> Envelope {
    Envelope { seq, at: Timestamp(at), source: SourceName::new(source), kind, raw: Bytes::copy_from_slice(raw) }
}

/// Envelopes of a session, with flushes after some.
fn session() -> impl Strategy<Value = Vec<(Envelope, bool)>> {
    let kinds = prop::sample::select(vec![Kind::Log, Kind::LogBreak, Kind::Json, Kind::Stats, Kind::Source, Kind::Tick, Kind::Effect]);
    let one = (kinds, 0..5_u8, -3_000_000..90_000_000_i64, prop::collection::vec(any::<u8>(), 0..300), prop::bool::weighted(0.3));
    prop::collection::vec(one, 0..60).prop_map(|all| {
        let mut at = 1_795_480_000_000_000;
        let name = |n| format!("source-{n}");
        let number = |(i, (kind, n, step, raw, flush)): (usize, (Kind, u8, i64, Vec<u8>, bool))| {
            at += step;
            (envelope(i as u64 + 1, at, &name(n), kind, &raw), flush)
        };
        all.into_iter().enumerate().map(number).collect()
    })
}

fn write(session: &[(Envelope, bool)], close: bool) -> Vec<u8> {
    let mut w = Writer::new(Vec::new(), &Head::new()).unwrap();
    for (e, flush) in session {
        w.put(e).unwrap();
        if *flush {
            w.flush().unwrap();
        }
    }
    if close {
        return w.finish().unwrap();
    }
    w.flush().unwrap();
    w.into_inner()
}

fn read(tape: &[u8]) -> (Vec<Envelope>, Option<End>, u64) {
    let mut r = Reader::new(Cursor::new(tape), true).unwrap();
    let mut out = Vec::new();
    while let Some(e) = r.next().unwrap() {
        out.push(e);
    }
    (out, r.end(), r.damage_count())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn what_is_written_comes_back(session in session(), close in any::<bool>()) {
        let tape = write(&session, close);
        let (got, end, damages) = read(&tape);
        let want: Vec<Envelope> = session.into_iter().map(|s| s.0).collect();
        prop_assert_eq!(&got, &want);
        prop_assert_eq!((end, damages), (Some(if close { End::Closed } else { End::Open }), 0));
        // The index made by walking is the one that was written.
        let index = Index::of(&mut Cursor::new(&tape)).unwrap();
        if close {
            let cut = tape.len() - 1;
            prop_assert_eq!(&Index::of(&mut Cursor::new(&tape[..cut])).unwrap().frames, &index.frames);
        }
        // Reading can begin at every frame.
        for f in &index.frames {
            let mut r = Reader::at_frame(Cursor::new(&tape[usize::try_from(f.offset).unwrap()..]), f.offset);
            prop_assert_eq!(r.next().unwrap(), want.iter().find(|e| e.seq == f.seq).cloned());
        }
    }

    #[test]
    fn a_cut_tape_is_read_up_to_the_cut(session in session(), cut in any::<prop::sample::Index>()) {
        let tape = write(&session, false);
        let n = cut.index(tape.len() + 1);
        let Ok(mut r) = Reader::new(Cursor::new(&tape[..n]), true) else {
            prop_assert!(n < MAGIC.len());
            return Ok(());
        };
        let mut got = Vec::new();
        while let Some(e) = r.next().unwrap() {
            got.push(e);
        }
        let want: Vec<Envelope> = session.iter().map(|s| s.0.clone()).collect();
        prop_assert_eq!(&got[..], &want[..got.len()]);
        prop_assert_eq!(r.damage_count(), 0);
        // All chunks before the cut were read: the tear is within the next one.
        let torn = match r.end() { Some(End::Torn(at)) => at, Some(End::Open) => n as u64, other => panic!("{other:?}") };
        let chunk_ends: Vec<u64> = (0..=session.len())
            .filter(|k| *k == session.len() || *k > 0 && session[k - 1].1)
            .map(|k| write(&session[..k], false).len() as u64)
            .collect();
        let head = Head::new().encode().len() as u64;
        let last_whole = chunk_ends.iter().rev().find(|e| **e <= n as u64).copied().unwrap_or(head);
        prop_assert!(torn <= n as u64 && (torn == last_whole || (n as u64) < head), "torn at {torn}, {last_whole} bytes are whole");
        let _ = Index::of(&mut Cursor::new(&tape[..n]));
    }

    #[test]
    fn flipped_bits_cost_their_frame_and_are_told(session in session(), flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..5), close in any::<bool>()) {
        let mut tape = write(&session, close);
        for (at, bit) in flips {
            let i = at.index(tape.len());
            tape[i] ^= 1 << bit;
        }
        let want: Vec<Envelope> = session.into_iter().map(|s| s.0).collect();
        let _ = Index::of(&mut Cursor::new(&tape));
        let Ok(mut r) = Reader::new(Cursor::new(&tape), true) else { return Ok(()) };
        let mut got = Vec::new();
        while let Some(e) = r.next().unwrap() {
            got.push(e);
        }
        // Nothing but what was written, in its order.
        let mut rest = want.iter();
        for e in &got {
            prop_assert!(rest.any(|w| w == e), "{e:?} was never written");
        }
        let whole = got.len() == want.len();
        prop_assert!(whole || r.damage_count() > 0 || matches!(r.end(), Some(End::Torn(_))), "lost without a word");
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(raw in prop::collection::vec(any::<u8>(), 0..4000)) {
        let mut tape = Head::new().encode();
        tape.extend(raw);
        read(&tape);
        let _ = Index::of(&mut Cursor::new(&tape));
    }
}

#[test]
fn a_newer_tape_is_refused_and_says_so() {
    let mut head = Head::new().encode();
    head[8] = 9;
    let body = head.len() - 4;
    let crc = crc32fast::hash(&head[..body]).to_le_bytes();
    head[body..].copy_from_slice(&crc);
    let e = Reader::new(Cursor::new(head), true).err().unwrap().to_string();
    assert!(e.contains("version 9") && e.contains("update sp1top"), "{e}");
    assert!(matches!(Reader::new(Cursor::new(b"2026-11-24T00:00:00Z INFO"), true), Err(Error::NotATape)));
}

#[test]
fn a_bomb_is_damage() {
    let mut w = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    for _ in 0..6 {
        std::io::Write::write_all(&mut w, &vec![0; 1 << 20]).unwrap();
    }
    let payload = w.finish().unwrap();
    let at = Timestamp::from_secs(1);
    let mut tape = Head::new().encode();
    tape.extend(format::ChunkHead::new(format::ChunkKind::Begin, 1, 1, at, at).encode(&payload));
    assert_eq!(read(&tape).2, 1);
}

const LIST: &[u8] = br#"{"kind":"PodList","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#;
const GONE: &[u8] = br#"{"type":"DELETED","object":{"kind":"Pod","metadata":{"name":"a"}}}"#;

#[test]
fn a_ring_forgets_the_oldest_and_stays_readable() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { segment: 4_000, session: 16_000, all: 40_000 };
    let mut ring = Ring::begin(dir.path(), limits, Timestamp::from_secs(1_795_480_000), 7).unwrap();
    let at = |n: i64| 1_795_480_000_000_000 + n * 1_000_000;
    let session = serde_json::to_vec(&Session { mode: "live".into(), ..Session::default() }).unwrap();
    ring.put(&envelope(1, at(0), "session", Kind::Session, &session)).unwrap();
    ring.put(&envelope(2, at(0), "kube:pods", Kind::Json, LIST)).unwrap();
    ring.put(&envelope(3, at(0), "kube:pods", Kind::Json, GONE)).unwrap();
    let mut noise = 1_u64;
    for n in 4..400_u64 {
        let text: Vec<u8> = (0..200)
            .map(|_| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (noise >> 56) as u8
            })
            .collect();
        ring.put(&envelope(n, at(n.cast_signed()), "log", Kind::Log, &text)).unwrap();
        ring.flush().unwrap();
    }
    let session_dir = ring.dir().to_owned();
    ring.finish().unwrap();
    let segments = ring::segments(&session_dir);
    let bytes: u64 = segments.iter().map(|s| std::fs::metadata(s).unwrap().len()).sum();
    assert!(bytes <= limits.session + limits.segment && segments.len() > 2, "{bytes} bytes in {} segments", segments.len());
    let mut r = Reader::new(std::fs::File::open(&segments[0]).unwrap(), true).unwrap();
    let mut begin = Vec::new();
    while let Some(e) = r.next().unwrap() {
        if e.kind == Kind::Log {
            break;
        }
        begin.push(e);
    }
    let kinds: Vec<Kind> = begin.iter().map(|e| e.kind).collect();
    assert_eq!(kinds, [Kind::Session, Kind::Json]);
    let pods = String::from_utf8_lossy(&begin[1].raw).into_owned();
    assert!(pods.contains("\"b\"") && !pods.contains("\"a\"") && pods.contains("\"kind\":\"Pod\""), "{pods}");
    // One that goes on with what an earlier one told does not tell it again.
    let mut all = Vec::new();
    for (i, s) in segments.iter().enumerate() {
        let mut r = Reader::new(std::fs::File::open(s).unwrap(), i == 0).unwrap();
        while let Some(e) = r.next().unwrap() {
            all.push((e.kind, e.seq));
        }
    }
    let logs: Vec<u64> = all[2..].iter().map(|e| e.1).collect();
    assert_eq!(logs, (logs[0]..400).collect::<Vec<_>>());
    // A new session makes room by the oldest.
    for pid in 8..12 {
        let mut r = Ring::begin(dir.path(), limits, Timestamp::from_secs(1_795_490_000 + pid), u32::try_from(pid).unwrap()).unwrap();
        r.put(&envelope(1, at(0), "log", Kind::Log, &[7; 100])).unwrap();
        r.finish().unwrap();
    }
    assert!(ring::list(dir.path()).iter().map(|s| ring::segments(s).len()).sum::<usize>() >= 4);
}

#[test]
fn what_was_given_before_a_flush_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.tape");
    let recorder = Recorder::start(Sink::file(&path, None).unwrap(), path.clone()).unwrap();
    let sent: Vec<Envelope> = (1..=50).map(|n| envelope(n, n.cast_signed(), "log", Kind::Log, b"line\n")).collect();
    for e in &sent {
        recorder.put(e);
    }
    recorder.flush();
    // As it is on the disk now, with nothing closed.
    let (got, end, _) = read(&std::fs::read(&path).unwrap());
    assert_eq!((got, end), (sent, Some(End::Open)));
    recorder.finish().unwrap();
    assert_eq!(read(&std::fs::read(&path).unwrap()).1, Some(End::Closed));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let other = dir.path().join("notes.txt");
    std::fs::write(&other, "mine").unwrap();
    assert!(Sink::file(&other, None).is_err(), "another file was overwritten");
}

#[test]
fn names_are_replaced_everywhere_and_alike() {
    let mut s = Sharer::new(42);
    let pod = "gpu-node-5f6c7d8e9b-5tpzb";
    let worker = "unknown_041351339b098f3f67bf114087f18469";
    let json = format!(
        r#"{{"kind":"PodList","items":[{{"metadata":{{"name":"{pod}","uid":"0a1b2c3d-0a1b-4c3d-8a1b-0a1b2c3d4e5f"}},"spec":{{"nodeName":"metal-box-7","containers":[{{"image":"registry.acme.example/sp1:base-v2.1.2"}}]}},"status":{{"hostIP":"203.0.113.77"}}}}]}}"#
    );
    let log = format!(
        "[pod/{pod}/gpu-node] worker {worker} of (\"cli_1795482984393_2\") on metal-box-7 metal-box-70 via redis://redis-master:6379 http://prover.acme.example:50051/x 127.0.0.1 203.0.113.77\n"
    );
    let (first, second) = log.split_at(70);
    let mut out = String::new();
    for (n, (kind, raw)) in [(Kind::Json, json.as_str()), (Kind::Log, first), (Kind::Log, second)].into_iter().enumerate() {
        for e in s.share(&envelope(n as u64, 0, &format!("log:{pod}"), kind, raw.as_bytes())) {
            assert!(!e.source.as_str().contains("5tpzb"));
            out.push_str(std::str::from_utf8(&e.raw).unwrap());
        }
    }
    assert_eq!(out.len(), json.len() + log.len(), "lengths changed");
    for gone in
        ["5f6c7d8e9b", "5tpzb", "041351339b09", "1795482984393", "metal-box-7 ", "\"metal-box-7\"", "acme", "203.0.113.77", "0a1b2c3d"]
    {
        assert!(!out.contains(gone), "{gone} is still there: {out}");
    }
    for kept in ["gpu-node-", "unknown_", "_2\")", "redis-master:6379", ":50051/x", "127.0.0.1", "/sp1:base-v2.1.2", "metal-box-70"] {
        assert!(out.contains(kept), "{kept} is gone: {out}");
    }
    // The same name is the same in both.
    let name = out.split("\"name\":\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(out.contains(&format!("[pod/{name}/gpu-node]")), "{out}");
    let node = out.split("\"nodeName\":\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(out.contains(&format!("on {node} ")), "{out}");
    // And another one for another tape.
    let other = Sharer::new(43).share(&envelope(1, 0, "x", Kind::Log, log.as_bytes()));
    assert!(!String::from_utf8_lossy(&other[0].raw).contains(name));
}

#[test]
fn a_shared_session_names_no_path_and_no_cluster() {
    let session = Session {
        context: Some("arn:aws:eks:eu-west-1:123456789012:cluster/prod".into()),
        kubeconfig: Some("/home/somebody/kube/prod.yaml".into()),
        ..Session::default()
    };
    let e = envelope(1, 0, "session", Kind::Session, &serde_json::to_vec(&session).unwrap());
    let mut sharer = Sharer::new(7);
    sharer.learn(&e);
    let shared = sharer.share(&e);
    let text = String::from_utf8_lossy(&shared[0].raw).into_owned();
    assert!(!text.contains("somebody") && !text.contains("123456789012"), "{text}");
}
