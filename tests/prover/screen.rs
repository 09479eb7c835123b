//! Proofs sent, followed and cancelled from the dashboard.

use crate::pty::Terminal;
use crate::support::stores::{Redis, redis, s3};
use crate::{Bench, proof, support, until};

/// The dashboard on the bench's API, with the bench's store and journal.
fn dashboard(bench: &Bench, more: &[&str]) -> Terminal {
    let url = format!("http://{}", bench.addr);
    let state = bench.dir.path().join("state").display().to_string();
    let mut env: Vec<(&str, &str)> = bench.env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    env.push(("XDG_STATE_HOME", &state));
    env.push(("PWD", "/"));
    let mut args = vec!["--no-kube", "--cluster-rpc", &url];
    args.extend(more);
    let mut t = Terminal::start(&env, &args);
    t.shows("1 overview");
    t
}

pub async fn the_screen_sends_a_proof_and_the_next_one_brings_it_home() {
    let redis = redis(&["--requirepass", "hunter2"]);
    let bench = Bench::new(&[("CLI_REDIS_NODES", format!("redis://:hunter2@{}/0", redis.addr))]).await;
    // Nothing is sent before the second question is answered.
    let mut t = dashboard(&bench, &[]);
    t.keys("p");
    t.shows("send a proof");
    t.keys("\r");
    t.shows("Send one compressed proof of fibonacci");
    assert!(bench.created().is_empty());
    t.keys("y");
    t.shows("on its way");
    until("submission", || bench.state() == "submitted");
    let request = bench.created().remove(0);
    assert_eq!(request.options_artifact_id.as_deref(), Some("2"));
    t.keys("3");
    t.shows("sent from here: 1 running, 0 ended");
    assert!(!t.text().contains("hunter2"), "{}", t.text());
    // Killed, it leaves the proof to itself; the next one finds it again.
    t.kill("-KILL");
    t.child.wait().unwrap();
    let (raw, stored) = proof(1, "v6.1.0");
    let key = request.proof_artifact_id.clone().unwrap();
    redis::cmd("SET").arg(&key).arg(&stored).exec_async(&mut connection(&redis, "hunter2").await).await.unwrap();
    let mut t = dashboard(&bench, &[]);
    t.keys("3");
    t.shows("sent from here: 1 running, 0 ended");
    bench.end(2);
    t.shows("sent from here: 0 running, 1 ended");
    until("the proof", || bench.state() == "fetched");
    let path = bench.job()["out"].as_str().unwrap().to_owned();
    assert_eq!(std::fs::read(&path).unwrap(), raw);
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(path.replace(".bin", ".json")).unwrap();
    assert_eq!(bench.created().len(), 1, "sent once");
    t.quits();
    // Nothing but follow under --read-only.
    let mut t = dashboard(&bench, &["--read-only"]);
    t.keys("p");
    t.shows("read-only");
    t.quits();
    assert!(!bench.everything().contains("hunter2"));
}

pub async fn the_screen_takes_a_store_that_is_typed_and_shows_no_password() {
    let redis = redis(&["--requirepass", "hunter2"]);
    let bench = Bench::new(&[]).await;
    let mut t = dashboard(&bench, &[]);
    t.keys("p");
    t.shows("No store is set");
    // The last row is the URLs'.
    t.keys("\x1b[A");
    t.keys(&format!("redis//:hunter2@{}/0\r", redis.addr));
    t.shows("is no redis:// or rediss:// URL");
    t.keys("\x15");
    t.keys(&format!("redis://:hunter2@{}/0", redis.addr));
    t.shows(&format!("redis://:*******@{}/0", redis.addr));
    t.keys("\r");
    t.shows("Send one compressed proof of fibonacci");
    t.shows(&format!("redis://:***@{}/0", redis.addr));
    t.keys("y");
    // To where it is followed.
    t.shows("sent from here: 1 running, 0 ended");
    until("submission", || bench.state() == "submitted");
    let request = bench.created().remove(0);
    let mut there = connection(&redis, "hunter2").await;
    for id in [request.program_artifact_id, request.stdin_artifact_id] {
        let found: bool = redis::cmd("EXISTS").arg(&id).query_async(&mut there).await.unwrap();
        assert!(found, "{id} was not uploaded");
    }
    // It is brought home with that store too.
    let (raw, stored) = proof(1, "v6.1.0");
    redis::cmd("SET").arg(request.proof_artifact_id.unwrap()).arg(&stored).exec_async(&mut there).await.unwrap();
    bench.end(2);
    until("the proof", || bench.state() == "fetched");
    let path = bench.job()["out"].as_str().unwrap().to_owned();
    assert_eq!(std::fs::read(&path).unwrap(), raw);
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(path.replace(".bin", ".json")).unwrap();
    t.quits();
    assert!(!t.has(b"hunter"), "it was on the screen");
    assert!(!bench.everything().contains("hunter2"), "it was written: {}", bench.everything());
    // For that session only.
    let mut t = dashboard(&bench, &[]);
    t.keys("p");
    t.shows("No store is set");
    t.keys("\x1b");
    t.hides("send a proof");
    t.quits();
}

pub async fn the_screen_takes_a_bucket_that_is_typed() {
    let s3 = s3("proofs");
    let mut bench = Bench::new(&[]).await;
    // Everything but the bucket and its region is the environment's: address and keys.
    bench.env = s3.env("proofs");
    let region = bench.env.iter().find(|(n, _)| n == "CLI_S3_REGION").unwrap().1.clone();
    bench.env.retain(|(n, _)| !n.starts_with("CLI_"));
    let mut t = dashboard(&bench, &[]);
    t.keys("p");
    t.shows("No store is set");
    // Up to the kind of store, to S3, and down to its fields.
    t.keys("\x1b[A\x1b[A\x1b[C");
    t.shows("bucket");
    t.keys("\x1b[Bproofs\x1b[B");
    t.keys(&format!("{region}\r"));
    t.shows("Send one compressed proof of fibonacci");
    t.keys("y");
    t.shows("sent from here: 1 running, 0 ended");
    until("submission", || bench.state() == "submitted");
    let request = bench.created().remove(0);
    for (folder, id) in [("programs", &request.program_artifact_id), ("stdins", &request.stdin_artifact_id)] {
        assert!(s3.object("proofs", &format!("{folder}/{id}")).is_some(), "{id} was not uploaded");
    }
    t.quits();
    assert!(!bench.everything().contains("hunter2"));
}

pub async fn the_screen_cancels_a_proof_after_a_question() {
    let bench = Bench::new(&[]).await;
    bench.services.with(|s| s.rows.push(support::grpc::row("cli_1795482984393", 1, support::grpc::unix_now())));
    let mut t = dashboard(&bench, &[]);
    t.keys("3");
    t.shows("cli_1795482984393");
    t.keys("x");
    t.shows("Cancel cli_1795482984393?");
    // No is the default.
    t.keys("\r");
    t.shows("nothing was cancelled");
    assert_eq!(bench.services.with(|s| s.rows[0].proof_status), 1);
    t.keys("x");
    t.shows("Cancel cli_1795482984393?");
    t.keys("y");
    until("the cancellation", || bench.services.with(|s| s.rows[0].proof_status) == 4);
    t.shows("cancelled");
    // Without a store it is asked for.
    t.keys("p");
    t.shows("No store is set");
    t.keys("\r");
    t.shows("type the URLs of the Redis that the cluster's nodes use");
    t.keys("\x1b");
    t.hides("send a proof");
    t.quits();
}

/// To a store with a password.
pub async fn connection(redis: &Redis, password: &str) -> redis::aio::MultiplexedConnection {
    redis::Client::open(format!("redis://:{password}@{}/0", redis.addr)).unwrap().get_multiplexed_async_connection().await.unwrap()
}
