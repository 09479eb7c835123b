//! sp1top is killed at every step, and goes on with the one request.

use std::process::Child;
use std::sync::atomic::Ordering;

use crate::support::stores::{Redis, line, redis};
use crate::{Bench, proof, put, screen, text, until, value};

/// Kills sp1top at `moment` and goes on with `proofs attach`: the one request
/// reaches its end.
async fn killed(redis: &Redis, bench: &Bench, mut child: Child, mend: impl FnOnce()) {
    child.kill().unwrap();
    child.wait().unwrap();
    let id = bench.job()["proof_id"].as_str().unwrap().to_owned();
    mend();
    let child = bench.start(&["proofs", "attach"]);
    until("the request", || bench.services.with(|s| !s.rows.is_empty()));
    let row = bench.services.with(|s| s.rows[0].clone());
    assert_eq!(row.id, id);
    let (raw, stored) = proof(1, "v6.1.0");
    // Program and input are whole, whenever it was killed.
    for id in [&row.program_artifact_id, &row.stdin_artifact_id] {
        assert!(zstd::decode_all(&value(redis, id).await[..]).unwrap().len() >= 36);
    }
    put(redis, row.proof_artifact_id.as_ref().unwrap(), &stored).await;
    bench.end(2);
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert_eq!(std::fs::read(bench.dir.path().join(format!("{id}.bin"))).unwrap(), raw);
    assert_eq!(bench.services.with(|s| s.rows.len()), 1, "sent twice");
    assert_eq!(bench.state(), "fetched");
    let left: Vec<_> = std::fs::read_dir(bench.dir.path()).unwrap().flatten().map(|e| e.file_name()).collect();
    assert!(!left.iter().any(|n| n.to_string_lossy().contains(".part")), "{left:?}");
}

pub async fn killed_while_it_uploads() {
    let redis = redis(&[]);
    let cut = line(redis.addr);
    let bench = Bench::new(&[("CLI_REDIS_NODES", format!("redis://{}/0", cut.addr))]).await;
    // In the middle of the program.
    cut.up.store(500, Ordering::SeqCst);
    let child = bench.start(&["prove", "fibonacci"]);
    until("the stall", || cut.up.load(Ordering::SeqCst) == 0);
    assert_eq!(bench.state(), "planned");
    killed(&redis, &bench, child, || cut.up.store(u64::MAX, Ordering::SeqCst)).await;
    assert_eq!(bench.created().len(), 1);
}

/// Another store than the one it was begun with may be another cluster's.
pub async fn killed_and_resumed_with_another_store() {
    let (ours, other) = (redis(&[]), redis(&["--requirepass", "hunter2"]));
    let cut = line(ours.addr);
    let mut bench = Bench::new(&[("CLI_REDIS_NODES", format!("redis://{}/0", cut.addr))]).await;
    cut.up.store(500, Ordering::SeqCst);
    let mut child = bench.start(&["prove", "fibonacci"]);
    until("the stall", || cut.up.load(Ordering::SeqCst) == 0);
    child.kill().unwrap();
    child.wait().unwrap();
    let before = std::mem::replace(&mut bench.env[0].1, format!("redis://:hunter2@{}/0", other.addr));
    let mut child = bench.start(&["proofs", "attach"]);
    until("its refusal", || child.try_wait().unwrap().is_some());
    let out = child.wait_with_output().unwrap();
    let said = text(&out);
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("was to be sent with the artifact store redis://{}/0", cut.addr)), "{said}");
    assert!(said.contains("sp1top proofs cancel cli_") && !said.contains("hunter2"), "{said}");
    let there: u64 = redis::cmd("DBSIZE").query_async(&mut screen::connection(&other, "hunter2").await).await.unwrap();
    assert!(there == 0 && bench.created().is_empty() && bench.state() == "planned");
    bench.env[0].1 = before;
    let child = bench.start(&["proofs", "attach"]);
    killed(&ours, &bench, child, || cut.up.store(u64::MAX, Ordering::SeqCst)).await;
    assert_eq!(bench.created().len(), 1);
}

pub async fn killed_between_upload_and_submission() {
    let redis = redis(&[]);
    let mut bench = Bench::new(&[("CLI_REDIS_NODES", redis.url())]).await;
    // Nobody listens, so nothing is taken.
    bench.api = None;
    let child = bench.start(&["prove", "fibonacci"]);
    until("the attempt", || bench.state() == "submitting");
    assert!(bench.created().is_empty());
    let api = bench.services.serve(bench.addr).await;
    bench.api = Some(api);
    // It may just have been tried again: then that was the one.
    killed(&redis, &bench, child, || {}).await;
    assert_eq!(bench.created().len(), 1);
}

pub async fn killed_before_the_answer_to_the_submission() {
    let redis = redis(&[]);
    let bench = Bench::new(&[("CLI_REDIS_NODES", redis.url())]).await;
    bench.services.with(|s| s.swallow = true);
    let child = bench.start(&["prove", "fibonacci"]);
    until("the request", || bench.created().len() == 1);
    assert_eq!(bench.state(), "submitting");
    killed(&redis, &bench, child, || bench.services.with(|s| s.swallow = false)).await;
    assert_eq!(bench.created().len(), 1, "it was found, not sent again");
}

pub async fn killed_while_it_follows() {
    let redis = redis(&[]);
    let bench = Bench::new(&[("CLI_REDIS_NODES", redis.url())]).await;
    let child = bench.start(&["prove", "fibonacci"]);
    until("submission", || bench.state() == "submitted");
    killed(&redis, &bench, child, || {}).await;
    assert_eq!(bench.created().len(), 1);
}

pub async fn killed_while_it_downloads() {
    let redis = redis(&[]);
    let cut = line(redis.addr);
    let bench = Bench::new(&[("CLI_REDIS_NODES", format!("redis://{}/0", cut.addr))]).await;
    let child = bench.start(&["prove", "fibonacci"]);
    until("submission", || bench.state() == "submitted");
    let request = bench.created().remove(0);
    put(&redis, request.proof_artifact_id.as_ref().unwrap(), &proof(1, "v6.1.0").1).await;
    cut.down.store(10_000, Ordering::SeqCst);
    bench.end(2);
    until("the stall", || cut.down.load(Ordering::SeqCst) == 0);
    assert_eq!(bench.state(), "completed");
    assert!(!bench.dir.path().join(format!("{}.bin", request.proof_id)).exists(), "half a proof");
    killed(&redis, &bench, child, || cut.down.store(u64::MAX, Ordering::SeqCst)).await;
    assert_eq!(bench.created().len(), 1);
}
