//! Artifact stores against real servers: what the cluster reads and writes.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "support/suite.rs"]
mod suite;
mod support;

use std::time::Duration;

use redis::AsyncCommands as _;
use sp1top::doctor::{Config, Status, examine};
use sp1top::prover::settings::{S3Config, StoreConfig};
use sp1top::prover::store::redis::{RedisStore, node_of};
use sp1top::prover::store::{ArtifactKind, PIECE, Store};
use suite::Tools;
use support::stores::{redis, s3};

const HOUR: Duration = Duration::from_secs(3600);

/// Bytes that do not compress.
fn noise(n: usize) -> Vec<u8> {
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(|| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x.to_le_bytes()
    })
    .flatten()
    .take(n)
    .collect()
}

async fn large_values_are_written_as_v2_7_does() {
    let server = redis(&[]);
    let store = RedisStore::new(&[server.url()], 6 * HOUR, PIECE).unwrap();
    let value = noise(PIECE + 1_000_000);
    let told = std::sync::Mutex::new(Vec::new());
    store.put(ArtifactKind::Stdin, "artifact_big", &value, HOUR, &|d, t| told.lock().unwrap().push((d, t))).await.unwrap();
    let mut c = server.connection().await;
    let key = "artifact_big:chunks";
    let fields: std::collections::BTreeMap<String, Vec<u8>> = c.hgetall(key).await.unwrap();
    assert_eq!(fields.keys().map(String::as_str).collect::<Vec<_>>(), ["0", "1", "__n"]);
    assert_eq!(fields["__n"], b"2");
    assert_eq!((fields["0"].len(), fields["1"].len()), (PIECE, 1_000_000));
    assert!([&fields["0"][..], &fields["1"]].concat() == value);
    let ttl: i64 = c.ttl(key).await.unwrap();
    assert!((21_500..=21_600).contains(&ttl), "{ttl}");
    // No staging key is left, nor a plain one.
    let keys: Vec<String> = c.keys("*").await.unwrap();
    assert_eq!(keys, [key]);
    assert!(store.exists("artifact_big").await.unwrap());
    assert!(store.get("artifact_big", &|_, _| {}).await.unwrap() == value);
    let told = told.into_inner().unwrap();
    assert!(told.len() >= 3 && told.is_sorted() && told.last() == Some(&(value.len() as u64, value.len() as u64)), "{told:?}");
    // A program has no time to live.
    store.put(ArtifactKind::Program, "artifact_elf", &value, HOUR, &|_, _| {}).await.unwrap();
    assert_eq!(c.ttl::<_, i64>("artifact_elf:chunks").await.unwrap(), -1);
}

async fn both_styles_are_read() {
    let server = redis(&[]);
    let store = RedisStore::new(&[server.url()], HOUR, PIECE).unwrap();
    let mut c = server.connection().await;
    // v1 to v2.6: pieces only. v2.7: with their number, here with a stray field.
    let _: () = c.hset_multiple("old:chunks", &[("0", "abc"), ("1", "def"), ("2", "g")]).await.unwrap();
    let _: () = c.hset_multiple("new:chunks", &[("0", "abc"), ("1", "def"), ("__n", "2")]).await.unwrap();
    let _: () = c.set("plain", "xyz").await.unwrap();
    for (id, want) in [("old", "abcdefg"), ("new", "abcdef"), ("plain", "xyz")] {
        assert_eq!(store.get(id, &|_, _| {}).await.unwrap(), want.as_bytes(), "{id}");
    }
    let e = store.get("none", &|_, _| {}).await.unwrap_err();
    assert!(e.missing && !e.passing && e.message.contains("none is not in redis://"), "{e}");
    assert!(!store.exists("none").await.unwrap());
    // A small value replaces a large one of the same id.
    store.put(ArtifactKind::Proof, "new", b"small", HOUR, &|_, _| {}).await.unwrap();
    assert_eq!(store.get("new", &|_, _| {}).await.unwrap(), b"small");
    // Values of some size go in steps and come whole.
    let value = noise(5 << 20);
    store.put(ArtifactKind::Stdin, "middle", &value, HOUR, &|_, _| {}).await.unwrap();
    assert!(c.get::<_, Vec<u8>>("middle").await.unwrap() == value && store.get("middle", &|_, _| {}).await.unwrap() == value);
    assert!((3_500..=3_600).contains(&c.ttl::<_, i64>("middle").await.unwrap()));
}

async fn several_nodes_each_have_their_own() {
    let (a, b) = (redis(&[]), redis(&[]));
    let store = RedisStore::new(&[a.url(), b.url()], HOUR, PIECE).unwrap();
    let mut counts = [0, 0];
    for n in 0..20 {
        let id = sp1top::prover::ids::artifact();
        store.put(ArtifactKind::Stdin, &id, &[n], HOUR, &|_, _| {}).await.unwrap();
        let at = node_of(&id, 2);
        counts[at] += 1;
        let (mut here, mut there) =
            if at == 0 { (a.connection().await, b.connection().await) } else { (b.connection().await, a.connection().await) };
        assert_eq!(here.get::<_, Vec<u8>>(&id).await.unwrap(), [n]);
        assert!(!there.exists::<_, bool>(&id).await.unwrap());
        assert_eq!(store.get(&id, &|_, _| {}).await.unwrap(), [n]);
    }
    assert!(counts[0] > 0 && counts[1] > 0, "{counts:?}");
}

async fn a_server_that_comes_back_is_used_again() {
    let server = redis(&[]);
    let store = RedisStore::new(&[server.url()], HOUR, PIECE).unwrap();
    store.ping().await.unwrap();
    // All its connections are cut.
    let _: () = redis::cmd("CLIENT")
        .arg("KILL")
        .arg("TYPE")
        .arg("normal")
        .arg("SKIPME")
        .arg("yes")
        .query_async(&mut server.connection().await)
        .await
        .unwrap();
    let mut tries = 0;
    while let Err(e) = store.put(ArtifactKind::Stdin, "x", b"y", HOUR, &|_, _| {}).await {
        assert!(e.passing, "{e}");
        tries += 1;
        assert!(tries < 5);
    }
    assert_eq!(store.get("x", &|_, _| {}).await.unwrap(), b"y");
    // Nobody listens at all.
    let gone = RedisStore::new(&["redis://:hunter2@127.0.0.1:1/0".into()], HOUR, PIECE).unwrap();
    let e = gone.ping().await.unwrap_err();
    assert!(e.passing && e.message.contains("redis://:***@127.0.0.1:1/0 is not reachable"), "{e}");
}

async fn s3_in_parts_and_whole() {
    let server = s3("proofs");
    let config = S3Config {
        bucket: "proofs".into(),
        region: "eu-central-1".into(),
        endpoint: Some(format!("http://{}", server.addr)),
        path_style: true,
        profile: None,
        keys: Some(sp1top::prover::settings::Keys { id: "AKIATEST".into(), secret: "hunter2secret".into(), token: None }),
    };
    // The smallest part that S3 takes.
    let store = Store::in_pieces(&StoreConfig::S3(config), 5 << 20).await.unwrap();
    let value = noise((5 << 20) + 1_000_000);
    store.put(ArtifactKind::Stdin, "artifact_1", &value, HOUR, &|_, _| {}).await.unwrap();
    assert!(server.object("proofs", "stdins/artifact_1").unwrap() == value);
    assert!(store.get(ArtifactKind::Stdin, "artifact_1", &|_, _| {}).await.unwrap() == value);
    store.put(ArtifactKind::Program, "artifact_2", b"small", HOUR, &|_, _| {}).await.unwrap();
    assert_eq!(server.object("proofs", "programs/artifact_2").unwrap(), b"small");
    assert!(store.exists(ArtifactKind::Program, "artifact_2").await.unwrap());
    assert!(!store.exists(ArtifactKind::Proof, "artifact_2").await.unwrap());
    let e = store.get(ArtifactKind::Proof, "artifact_3", &|_, _| {}).await.unwrap_err();
    assert!(e.missing, "{e}");
}

async fn redis_is_asked_and_judged() {
    let good = redis(&["--requirepass", "hunter2", "--maxmemory", "100mb", "--maxmemory-policy", "noeviction"]);
    let bad = redis(&["--requirepass", "hunter2", "--maxmemory-policy", "allkeys-lru", "--maxmemory", "0"]);
    let check = async |urls: String| {
        let config = Config { env: [("CLI_REDIS_NODES".to_owned(), urls)].into(), ..Config::default() };
        let report = examine(config, |_| {}).await;
        assert!(!serde_json::to_string(&report).unwrap().contains("hunter2"));
        report.checks.iter().find(|c| c.id == "redis").unwrap().clone()
    };
    let c = check(format!("redis://:hunter2@127.0.0.1:{}/0", good.addr.port())).await;
    assert_eq!(c.status, Status::Pass, "{c:?}");
    let c = check(format!("redis://:hunter2@127.0.0.1:{}/0,redis://:hunter2@127.0.0.1:{}/0", good.addr.port(), bad.addr.port())).await;
    let has = |word: &str| c.details.iter().any(|d| d.status == Status::Warn && d.text.contains(word));
    assert!(c.status == Status::Warn && has("maxmemory is not set") && has("evicts"), "{c:?}");
    let c = check(format!("redis://:wrong@127.0.0.1:{}/0", good.addr.port())).await;
    assert!(c.status == Status::Fail && c.summary.contains("refuses the password"), "{c:?}");
    let c = check("redis://:hunter2@127.0.0.1:1/0".into()).await;
    assert!(c.status == Status::Fail && c.summary.contains("127.0.0.1:1: not reachable"), "{c:?}");
}

fn main() -> std::process::ExitCode {
    suite::run(vec![
        (Tools::NONE, tests![async s3_in_parts_and_whole]),
        (
            Tools::REDIS,
            tests![async large_values_are_written_as_v2_7_does, both_styles_are_read, several_nodes_each_have_their_own, a_server_that_comes_back_is_used_again, redis_is_asked_and_judged],
        ),
    ])
}
