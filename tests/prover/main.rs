//! The prover client against real stores and the API behind real sockets, as a
//! process that can be killed.
#![allow(missing_docs, clippy::unwrap_used)]

mod killed;
#[path = "../support/pty.rs"]
mod pty;
mod screen;
#[path = "../support/suite.rs"]
mod suite;
#[path = "../support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use sp1top::proto::cluster::ProofRequestCreateRequest;
use suite::Tools;
use support::grpc::{Server, Services};
use support::stores::{Redis, line, redis, redis_tls, s3};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// The API, a journal, a folder for proofs, and how sp1top is called.
struct Bench {
    services: Services,
    api: Option<Server>,
    addr: SocketAddr,
    dir: tempfile::TempDir,
    env: Vec<(String, String)>,
}

impl Bench {
    async fn new(store: &[(&str, String)]) -> Self {
        let services = Services::default();
        let api = services.serve(ANY).await;
        let addr = api.addr;
        let env = store.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        Self { services, api: Some(api), addr, dir: tempfile::tempdir().unwrap(), env }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut c = Command::new(env!("CARGO_BIN_EXE_sp1top"));
        c.args(args).args(["--no-kube", "--cluster-rpc", &format!("http://{}", self.addr)]);
        c.env_clear().envs(self.env.iter().cloned()).env("HOME", self.dir.path()).env("XDG_STATE_HOME", self.dir.path().join("state"));
        c.env("AWS_EC2_METADATA_DISABLED", "true");
        c.current_dir(self.dir.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        c
    }

    fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The only job of the journal.
    fn job(&self) -> serde_json::Value {
        let jobs = self.dir.path().join("state/sp1top/jobs");
        let Ok(mut found) = std::fs::read_dir(jobs) else { return serde_json::Value::Null };
        let Some(Ok(entry)) = found.next() else { return serde_json::Value::Null };
        let Ok(text) = std::fs::read(entry.path().join("job.json")) else { return serde_json::Value::Null };
        serde_json::from_slice(&text).unwrap()
    }

    fn state(&self) -> String {
        self.job()["state"].as_str().unwrap_or_default().to_owned()
    }

    fn created(&self) -> Vec<ProofRequestCreateRequest> {
        self.services.with(|s| s.created.clone())
    }

    /// The cluster ends the only request.
    fn end(&self, status: i32) {
        self.services.with(|s| s.rows[0].proof_status = status);
    }

    fn everything(&self) -> String {
        fn walk(dir: &Path, out: &mut String) {
            for e in std::fs::read_dir(dir).unwrap().flatten() {
                if e.path().is_dir() {
                    walk(&e.path(), out);
                } else {
                    out.push_str(&String::from_utf8_lossy(&std::fs::read(e.path()).unwrap()));
                }
            }
        }
        let mut out = String::new();
        walk(self.dir.path(), &mut out);
        out
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < limit, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn text(o: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&o.stdout), String::from_utf8_lossy(&o.stderr))
}

/// A proof as a cluster stores it, made here without the code under test.
fn proof(tag: u32, version: &str) -> (Vec<u8>, Vec<u8>) {
    let mut raw = tag.to_le_bytes().to_vec();
    raw.extend((0..300_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()));
    raw.extend(0_u64.to_le_bytes());
    raw.extend((version.len() as u64).to_le_bytes());
    raw.extend(version.as_bytes());
    let value = zstd::encode_all(&raw[..], 0).unwrap();
    (raw, value)
}

async fn value(redis: &Redis, id: &str) -> Vec<u8> {
    redis::cmd("GET").arg(id).query_async(&mut redis.connection().await).await.unwrap()
}

async fn put(redis: &Redis, id: &str, value: &[u8]) {
    redis::cmd("SET").arg(id).arg(value).arg("EX").arg(600).exec_async(&mut redis.connection().await).await.unwrap();
}

async fn a_proof_is_sent_followed_and_fetched() {
    let redis = redis(&[]);
    let bench = Bench::new(&[("CLI_REDIS_NODES", redis.url())]).await;
    let child = bench.start(&["prove", "fibonacci", "--n", "20", "--mode", "core", "--timeout", "30m", "-o", "jsonl", "--out", "p.bin"]);
    until("the request", || bench.created().len() == 1);
    let request = bench.created().remove(0);
    // What is in the store, read back by other means.
    let elf = include_bytes!("../../fixtures/programs/fibonacci/fibonacci.elf");
    let program = zstd::decode_all(&value(&redis, &request.program_artifact_id).await[..]).unwrap();
    assert_eq!((&program[..8], &program[8..]), (&(elf.len() as u64).to_le_bytes()[..], &elf[..]));
    let stdin = zstd::decode_all(&value(&redis, &request.stdin_artifact_id).await[..]).unwrap();
    assert_eq!(stdin, [&[1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0][..], &[0; 16]].concat());
    let ttl = |id: String| {
        let redis = &redis;
        async move { redis::cmd("TTL").arg(id).query_async::<i64>(&mut redis.connection().await).await.unwrap() }
    };
    assert_eq!(ttl(request.program_artifact_id.clone()).await, -1, "programs stay");
    assert!((21_500..=21_600).contains(&ttl(request.stdin_artifact_id.clone()).await));
    // The request.
    let now = support::grpc::unix_now();
    assert!(request.proof_id.starts_with("cli_"));
    assert_eq!(request.options_artifact_id.as_deref(), Some("1"));
    assert!(request.deadline.abs_diff(now + 1_800) < 10, "{} at {now}", request.deadline);
    assert_eq!((request.cycle_limit, request.gas_limit, request.requester.len()), (u64::MAX, u64::MAX, 0));
    for id in [&request.program_artifact_id, &request.stdin_artifact_id, request.proof_artifact_id.as_ref().unwrap()] {
        assert!(id.starts_with("artifact_0") && id.len() == 35, "{id}");
    }
    // It is proved and comes home.
    let (raw, stored) = proof(0, "v6.1.0");
    put(&redis, request.proof_artifact_id.as_ref().unwrap(), &stored).await;
    // How long it took is known to who has seen it pending.
    until("two looks at it", || bench.services.with(|s| s.calls.iter().filter(|c| c.starts_with("Get cli_")).count() >= 2));
    bench.end(2);
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert_eq!(std::fs::read(bench.dir.path().join("p.bin")).unwrap(), raw);
    let metadata: serde_json::Value = serde_json::from_slice(&std::fs::read(bench.dir.path().join("p.json")).unwrap()).unwrap();
    assert_eq!(metadata["proof_id"], *request.proof_id);
    assert_eq!(
        (&metadata["mode"], &metadata["sp1_version"], &metadata["program"]),
        (&"core".into(), &"v6.1.0".into(), &"fibonacci".into())
    );
    assert!(metadata["took_seconds"].as_f64().is_some_and(|s| s > 0.0 && s < 60.0), "{metadata}");
    // Each line is JSON with the id, and the steps are in order.
    let events: Vec<String> = String::from_utf8(out.stdout)
        .unwrap()
        .lines()
        .map(|l| {
            let line: serde_json::Value = serde_json::from_str(l).unwrap();
            assert_eq!(line["proof_id"], *request.proof_id);
            line["event"].as_str().unwrap().to_owned()
        })
        .filter(|e| !e.ends_with("loading") && e != "progress")
        .collect();
    assert_eq!(events, ["planned", "uploaded", "uploaded", "submitted", "completed", "fetched"]);
    assert_eq!(bench.state(), "fetched");
    // Asked again, it is fetched again, to another place.
    let again = bench.run(&["proofs", "fetch", &request.proof_id, "--out", "q.bin"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again));
    assert_eq!(std::fs::read(bench.dir.path().join("q.bin")).unwrap(), raw);
}

async fn the_same_through_s3() {
    let s3 = s3("proofs");
    let mut bench = Bench::new(&[]).await;
    bench.env = s3.env("proofs");
    let child = bench.start(&["prove", "fibonacci", "--mode", "groth16"]);
    until("the request", || bench.created().len() == 1);
    let request = bench.created().remove(0);
    let program = s3.object("proofs", &format!("programs/{}", request.program_artifact_id)).unwrap();
    assert_eq!(&zstd::decode_all(&program[..]).unwrap()[8..12], b"\x7fELF");
    let stdin = s3.object("proofs", &format!("stdins/{}", request.stdin_artifact_id)).unwrap();
    assert_eq!(zstd::decode_all(&stdin[..]).unwrap()[16..20], 1_000_u32.to_le_bytes());
    let (raw, stored) = proof(3, "v6.1.0");
    let folder = s3.root.path().join("proofs/proofs");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(request.proof_artifact_id.unwrap()), stored).unwrap();
    bench.end(2);
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    let path = bench.dir.path().join(format!("{}.bin", request.proof_id));
    assert_eq!(std::fs::read(path).unwrap(), raw);
    assert!(!bench.everything().contains("hunter2") && !text(&out).contains("hunter2"));
    // Keys from a file of variables do too, and a wrong one has its word.
    let file = bench.env.drain(..).map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("\n");
    std::fs::write(bench.dir.path().join("good.env"), &file).unwrap();
    let good = bench.run(&["prove", "fibonacci", "--detach", "--env-file", "good.env"]);
    assert_eq!(good.status.code(), Some(0), "{}", text(&good));
    std::fs::write(bench.dir.path().join("bad.env"), file.replace("hunter2secret", "wrong-hunter2")).unwrap();
    let bad = bench.run(&["prove", "fibonacci", "--detach", "--env-file", "bad.env"]);
    let said = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert!(bad.status.code() == Some(1) && said.contains("credentials") && !said.contains("hunter2"), "{said}");
}

async fn how_it_ends_is_the_exit_code() {
    let redis = redis(&[]);
    for (status, word) in [(3, "failed"), (4, "cancelled")] {
        let bench = Bench::new(&[("CLI_REDIS_NODES", redis.url())]).await;
        let child = bench.start(&["prove", "fibonacci"]);
        until("submission", || bench.state() == "submitted");
        bench.services.with(|s| {
            s.rows[0].extra_data = Some(r#"{"proving_failure":{"reason":"out of luck\nbacktrace","task_type":"ProveShard"}}"#.into());
            s.rows[0].proof_status = status;
        });
        let out = child.wait_with_output().unwrap();
        assert_eq!(out.status.code(), Some(5), "{}", text(&out));
        assert_eq!(bench.state(), word);
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(said.contains(word) && (status == 4 || said.contains("out of luck")) && !said.contains("backtrace"), "{said}");
    }
    // The deadline passes and the row stays pending for ever.
    let bench = Bench::new(&[("CLI_REDIS_NODES", redis.url())]).await;
    let child = bench.start(&["prove", "fibonacci"]);
    until("submission", || bench.state() == "submitted");
    let id = bench.job()["proof_id"].as_str().unwrap().to_owned();
    let mut child = child;
    child.kill().unwrap();
    child.wait().unwrap();
    let path = bench.dir.path().join("state/sp1top/jobs").join(&id).join("job.json");
    let mut job = bench.job();
    job["deadline"] = (support::grpc::unix_now() - 60).into();
    std::fs::write(path, job.to_string()).unwrap();
    let out = bench.run(&["proofs", "attach", &id]);
    assert!(out.status.code() == Some(5) && text(&out).contains("deadline passed"), "{}", text(&out));
}

async fn cancelling_asks_first_and_the_follower_sees_it() {
    let redis = redis(&[]);
    let bench = Bench::new(&[("CLI_REDIS_NODES", redis.url())]).await;
    let child = bench.start(&["prove", "fibonacci"]);
    until("submission", || bench.state() == "submitted");
    let id = bench.job()["proof_id"].as_str().unwrap().to_owned();
    // Nobody can be asked here.
    let out = bench.run(&["proofs", "cancel", &id]);
    assert!(out.status.code() == Some(2) && text(&out).contains("--yes"), "{}", text(&out));
    let out = bench.run(&["proofs", "cancel", &id, "--yes", "--read-only"]);
    assert!(out.status.code() == Some(2) && text(&out).contains("--read-only"), "{}", text(&out));
    assert_eq!(bench.services.with(|s| s.rows[0].proof_status), 1);
    let out = bench.run(&["proofs", "cancel", &id, "--yes"]);
    assert!(out.status.code() == Some(0) && text(&out).contains("is cancelled"), "{}", text(&out));
    assert_eq!(bench.services.with(|s| s.rows[0].proof_status), 4);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(5));
    let out = bench.run(&["proofs", "cancel", "cli_unknown", "--yes"]);
    assert!(out.status.code() == Some(1) && text(&out).contains("knows no proof cli_unknown"), "{}", text(&out));
}

async fn an_outage_of_the_api_only_delays() {
    let redis = redis(&[]);
    let mut bench = Bench::new(&[("CLI_REDIS_NODES", redis.url())]).await;
    let said = bench.dir.path().join("said.jsonl");
    let mut command = bench.command(&["prove", "fibonacci", "--mode", "core", "-o", "jsonl"]);
    let child = command.stdout(std::fs::File::create(&said).unwrap()).spawn().unwrap();
    until("submission", || bench.state() == "submitted");
    let request = bench.created().remove(0);
    bench.api = None;
    until("a word of it", || std::fs::read_to_string(&said).unwrap().contains(r#""event":"delayed""#));
    // Meanwhile the proof is done.
    put(&redis, request.proof_artifact_id.as_ref().unwrap(), &proof(0, "v6.1.0").1).await;
    bench.end(2);
    let api = bench.services.serve(bench.addr).await;
    bench.api = Some(api);
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    let said = std::fs::read_to_string(&said).unwrap();
    assert!(said.contains(r#""event":"recovered""#) && said.contains(r#""event":"fetched""#), "{said}");
    assert_eq!(bench.created().len(), 1);
}

async fn an_unknown_proof_needs_no_store() {
    let bench = Bench::new(&[]).await;
    for what in ["attach", "fetch"] {
        let out = bench.run(&["proofs", what, "cli_unknown"]);
        assert!(out.status.code() == Some(1) && text(&out).contains("knows no proof cli_unknown"), "{what}: {}", text(&out));
    }
    assert!(bench.job().is_null(), "nothing is written down");
    // One that is still proved, or was cancelled, needs none either; one that is there does.
    for (id, status) in [("cli_1", 1), ("cli_2", 2), ("cli_4", 4)] {
        bench.services.with(|s| {
            let mut row = support::grpc::row(id, status, support::grpc::unix_now());
            (row.options_artifact_id, row.proof_artifact_id) = (Some("1".into()), Some(format!("artifact_{id}")));
            s.rows.push(row);
        });
    }
    let fetch = |id: &str| bench.run(&["proofs", "fetch", id]);
    let (pending, done, cancelled) = (fetch("cli_1"), fetch("cli_2"), fetch("cli_4"));
    assert!(pending.status.code() == Some(1) && text(&pending).contains("not complete yet"), "{}", text(&pending));
    assert!(done.status.code() == Some(2) && text(&done).contains("CLI_REDIS_NODES"), "{}", text(&done));
    assert!(cancelled.status.code() == Some(5) && text(&cancelled).contains("is cancelled"), "{}", text(&cancelled));
}

/// Ends at once, with what it was refused for, and without a second try.
fn refused(bench: &Bench, what: &str, words: &[&str]) {
    let begun = Instant::now();
    let out = bench.run(&["prove", "fibonacci", "-o", "jsonl"]);
    let said = text(&out);
    assert!(out.status.code() == Some(1) && words.iter().all(|w| said.contains(w)), "{what}: {said}");
    assert!(
        !said.contains(r#""event":"delayed""#) && begun.elapsed() < Duration::from_secs(20),
        "{what} took {:?}: {said}",
        begun.elapsed()
    );
    assert!(bench.created().is_empty() && !said.contains("geheim"), "{what}: {said}");
}

async fn a_store_that_refuses_is_not_asked_again() {
    let server = redis(&["--requirepass", "geheim"]);
    let mut acl =
        redis::Client::open(format!("redis://:geheim@{}", server.addr)).unwrap().get_multiplexed_async_connection().await.unwrap();
    let _: () =
        redis::cmd("ACL").arg(&["SETUSER", "reader", "on", ">geheim", "~*", "+get", "+exists"]).query_async(&mut acl).await.unwrap();
    for (user, words) in [
        ("", ["refuses the password", "cluster-secrets"]),
        (":wrong@", ["refuses the password", "cluster-secrets"]),
        ("nobody:geheim@", ["refuses the password", "cluster-secrets"]),
        ("reader:geheim@", ["permits this user too little", "ACL"]),
    ] {
        let bench = Bench::new(&[("CLI_REDIS_NODES", format!("redis://{user}{}/0", server.addr))]).await;
        refused(&bench, user, &words);
    }
}

/// An S3 server that says no: to HEAD without a body, to all else with a code.
fn answering(head: u16, other: u16, code: &'static str) -> String {
    use std::io::{BufRead as _, Read as _, Write as _};
    let listener = std::net::TcpListener::bind(ANY).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut from = std::io::BufReader::new(stream.try_clone().unwrap());
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                if from.read_line(&mut line).unwrap_or(0) < 3 {
                    break;
                }
                lines.push(line.to_ascii_lowercase());
            }
            let length = lines.iter().find_map(|l| l.strip_prefix("content-length: ")?.trim().parse().ok()).unwrap_or(0);
            let _ = from.take(length).read_to_end(&mut Vec::new());
            let is_head = lines.first().is_some_and(|l| l.starts_with("head"));
            let body = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
            let (status, body) = if is_head { (head, "") } else { (other, body.as_str()) };
            let _ = write!(stream, "HTTP/1.1 {status} No\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
    });
    url
}

async fn s3_refusals_are_final() {
    let s3 = s3("proofs");
    let with = |name: &str, value: &str| {
        let set = |(k, v)| if k == name { (k, value.to_owned()) } else { (k, v) };
        s3.env("proofs").into_iter().map(set).collect::<Vec<(String, String)>>()
    };
    let missing = answering(404, 404, "NoSuchBucket");
    let denied = answering(404, 403, "AccessDenied");
    let moved = answering(301, 301, "PermanentRedirect");
    for (what, env, word) in [
        ("a wrong secret", with("AWS_SECRET_ACCESS_KEY", "geheim"), "credentials"),
        ("an unknown key", with("AWS_ACCESS_KEY_ID", "AKIANOBODY"), "credentials"),
        ("no such bucket", with("AWS_ENDPOINT_URL", &missing), "s3://proofs does not exist; check CLI_S3_BUCKET"),
        ("no right to write", with("AWS_ENDPOINT_URL", &denied), "what they may do"),
        ("another region", with("AWS_ENDPOINT_URL", &moved), "CLI_S3_REGION"),
    ] {
        let mut bench = Bench::new(&[]).await;
        bench.env = env;
        refused(&bench, what, &[word]);
    }
}

async fn an_api_that_refuses_is_not_asked_for_ever() {
    let s3 = s3("proofs");
    let mut bench = Bench::new(&[]).await;
    bench.env = s3.env("proofs");
    let child = bench.start(&["prove", "fibonacci"]);
    until("submission", || bench.state() == "submitted");
    bench.services.with(|s| s.get_fails = Some(tonic::Code::PermissionDenied));
    let out = child.wait_with_output().unwrap();
    let said = text(&out);
    assert!(out.status.code() == Some(1) && said.contains("refuses") && said.contains("proofs attach"), "{said}");
    assert_eq!(bench.state(), "submitted", "it goes on later");
}

async fn a_signal_leaves_it_running_and_is_the_exit_code() {
    let redis = redis(&[]);
    for (name, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let bench = Bench::new(&[("CLI_REDIS_NODES", redis.url())]).await;
        let child = bench.start(&["prove", "fibonacci"]);
        until("submission", || bench.state() == "submitted");
        assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
        let out = child.wait_with_output().unwrap();
        assert!(out.status.code() == Some(code) && text(&out).contains("proofs attach"), "{name}: {:?} {}", out.status, text(&out));
        assert_eq!(bench.services.with(|s| s.rows[0].proof_status), 1);
    }
}

async fn a_laptop_that_slept_goes_on() {
    let redis = redis(&[]);
    let mut bench = Bench::new(&[("CLI_REDIS_NODES", redis.url())]).await;
    let network = line(bench.addr);
    bench.addr = network.addr;
    let child = bench.start(&["prove", "fibonacci", "--mode", "core", "--out", "p.bin"]);
    until("submission", || bench.state() == "submitted");
    let signal = |name: &str| assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
    signal("-STOP");
    // Meanwhile the proof is made, and every connection dies without a word.
    let request = bench.created().remove(0);
    let (raw, stored) = proof(0, "v6.1.0");
    put(&redis, request.proof_artifact_id.as_ref().unwrap(), &stored).await;
    bench.end(2);
    network.forget();
    signal("-CONT");
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert_eq!(std::fs::read(bench.dir.path().join("p.bin")).unwrap(), raw);
    assert_eq!(bench.created().len(), 1, "sent once");
}

async fn several_at_once_share_the_program_and_not_the_input() {
    let redis = redis(&[]);
    let bench = Bench::new(&[("CLI_REDIS_NODES", redis.url())]).await;
    let out = bench.run(&["prove", "fibonacci", "--count", "3", "--detach"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    let created = bench.created();
    let different = |f: fn(&ProofRequestCreateRequest) -> String| created.iter().map(f).collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!(created.len(), 3);
    assert_eq!(different(|r| r.program_artifact_id.clone()), 1);
    assert_eq!(different(|r| r.stdin_artifact_id.clone()), 3);
    assert_eq!(different(|r| r.proof_id.clone()), 3);
    // The newest first, with what the journal knows; and as JSON.
    let list = bench.run(&["proofs", "list"]);
    assert!(text(&list).matches("fibonacci (n=1000)").count() == 3, "{}", text(&list));
    bench.services.with(|s| s.rows[1].proof_status = 3);
    let list = bench.run(&["proofs", "list", "--status", "failed", "-o", "json"]);
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(list["proofs"].as_array().unwrap().len(), 1);
    assert_eq!(list["proofs"][0]["id"], *created[1].proof_id);
}

async fn a_long_list_is_paged() {
    let bench = Bench::new(&[]).await;
    let born = support::grpc::unix_now() - 10_000;
    bench.services.with(|s| s.rows.extend((0..2_500).map(|n| support::grpc::row(&format!("cli_{n}"), 2, born + n))));
    let list = bench.run(&["proofs", "list", "--limit", "2", "-o", "json"]);
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let ids: Vec<_> = list["proofs"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["cli_2499", "cli_2498"]);
    let all = bench.run(&["proofs", "list", "--limit", "0", "-o", "json"]);
    let all: serde_json::Value = serde_json::from_slice(&all.stdout).unwrap();
    assert_eq!(all["proofs"].as_array().unwrap().len(), 2_500);
}

async fn a_proof_of_another_client_is_fetched() {
    let redis = redis(&[]);
    let bench = Bench::new(&[("CLI_REDIS_NODES", redis.url())]).await;
    let (raw, stored) = proof(1, "v6.1.0");
    put(&redis, "artifact_of_theirs", &stored).await;
    bench.services.with(|s| {
        let mut row = support::grpc::row("cli_1795482984393", 1, support::grpc::unix_now());
        row.proof_artifact_id = Some("artifact_of_theirs".into());
        s.rows.push(row);
    });
    let early = bench.run(&["proofs", "fetch", "cli_1795482984393"]);
    assert!(early.status.code() == Some(1) && text(&early).contains("not complete"), "{}", text(&early));
    bench.end(2);
    let out = bench.run(&["proofs", "fetch", "cli_1795482984393", "--out", "theirs.bin"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert_eq!(std::fs::read(bench.dir.path().join("theirs.bin")).unwrap(), raw);
}

async fn what_is_wrong_is_said_and_no_password_with_it() {
    let redis = redis(&["--requirepass", "hunter2"]);
    let mut bench = Bench::new(&[("CLI_REDIS_NODES", format!("redis://:hunter2wrong@{}/0", redis.addr))]).await;
    let out = bench.run(&["prove", "fibonacci", "--detach"]);
    assert!(out.status.code() == Some(1) && text(&out).contains("refuses the password"), "{}", text(&out));
    assert!(!text(&out).contains("hunter2") && !bench.everything().contains("hunter2"), "{}", bench.everything());
    // With the right one the same job goes on.
    bench.env = vec![("CLI_REDIS_NODES".into(), format!("redis://:hunter2@{}/0", redis.addr))];
    let child = bench.start(&["proofs", "attach"]);
    until("submission", || bench.state() == "submitted");
    bench.end(4);
    let out = child.wait_with_output().unwrap();
    assert!(out.status.code() == Some(5) && !text(&out).contains("hunter2") && !bench.everything().contains("hunter2"));
    for (env, code, words) in [
        (vec![], 2, "neither CLI_REDIS_NODES nor CLI_S3_BUCKET"),
        (vec![("CLI_REDIS_NODES", "redis://r"), ("CLI_S3_BUCKET", "b")], 2, "two artifact stores are set"),
        (vec![("CLI_S3_BUCKET", "b")], 2, "CLI_S3_REGION"),
    ] {
        bench.env = env.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        let out = bench.run(&["prove", "fibonacci"]);
        assert!(out.status.code() == Some(code) && text(&out).contains(words), "{}", text(&out));
    }
    let out = bench.run(&["prove", "elf", "/bin/sh"]);
    assert!(out.status.code() == Some(1) && text(&out).contains("another machine"), "{}", text(&out));
}

async fn a_wrong_proof_is_not_written() {
    let redis = redis(&[]);
    let bench = Bench::new(&[("CLI_REDIS_NODES", redis.url())]).await;
    let child = bench.start(&["prove", "fibonacci", "--mode", "compressed", "--out", "p.bin"]);
    until("submission", || bench.state() == "submitted");
    let request = bench.created().remove(0);
    put(&redis, request.proof_artifact_id.as_ref().unwrap(), &proof(0, "v6.1.0").1).await;
    bench.end(2);
    let out = child.wait_with_output().unwrap();
    assert!(out.status.code() == Some(1) && text(&out).contains("it is a core proof, and compressed was asked for"), "{}", text(&out));
    assert!(!bench.dir.path().join("p.bin").exists());
}

async fn a_store_behind_tls_is_used_when_its_authority_is_known() {
    let (redis, authority, _dir) = redis_tls(&["--requirepass", "hunter2"]);
    let url = format!("rediss://:hunter2@localhost:{}/0", redis.addr.port());
    let mut bench = Bench::new(&[("CLI_REDIS_NODES", url)]).await;
    let out = bench.run(&["prove", "fibonacci", "--detach"]);
    let said = text(&out);
    assert!(out.status.code() == Some(1) && said.contains("certificate is not trusted") && said.contains("SSL_CERT_FILE"), "{said}");
    assert!(!said.contains("hunter2") && bench.created().is_empty(), "{said}");
    bench.env.push(("SSL_CERT_FILE".into(), authority.display().to_string()));
    let mut child = bench.start(&["proofs", "attach", "--no-fetch"]);
    until("submission", || bench.state() == "submitted");
    assert_eq!(bench.created().len(), 1);
    bench.end(2);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    // A name that the certificate is not for.
    bench.env[0].1 = format!("rediss://:hunter2@127.0.0.1:{}/0", redis.addr.port());
    let out = bench.run(&["prove", "fibonacci", "--detach"]);
    assert!(out.status.code() == Some(1) && text(&out).contains("certificate is not trusted"), "{}", text(&out));
}

fn main() -> std::process::ExitCode {
    suite::run(vec![
        (
            Tools::NONE,
            tests![async the_same_through_s3,
            s3_refusals_are_final,
            an_unknown_proof_needs_no_store,
            an_api_that_refuses_is_not_asked_for_ever,
            a_long_list_is_paged,
            screen::the_screen_cancels_a_proof_after_a_question,
            screen::the_screen_takes_a_bucket_that_is_typed],
        ),
        (Tools::REDIS_TLS, tests![async a_store_behind_tls_is_used_when_its_authority_is_known]),
        (
            Tools::REDIS,
            tests![async a_proof_is_sent_followed_and_fetched,
            how_it_ends_is_the_exit_code,
            cancelling_asks_first_and_the_follower_sees_it,
            an_outage_of_the_api_only_delays,
            a_laptop_that_slept_goes_on,
            a_store_that_refuses_is_not_asked_again,
            a_signal_leaves_it_running_and_is_the_exit_code,
            killed::killed_while_it_uploads,
            killed::killed_and_resumed_with_another_store,
            killed::killed_between_upload_and_submission,
            killed::killed_before_the_answer_to_the_submission,
            killed::killed_while_it_follows,
            killed::killed_while_it_downloads,
            several_at_once_share_the_program_and_not_the_input,
            a_proof_of_another_client_is_fetched,
            what_is_wrong_is_said_and_no_password_with_it,
            a_wrong_proof_is_not_written,
            screen::the_screen_sends_a_proof_and_the_next_one_brings_it_home,
            screen::the_screen_takes_a_store_that_is_typed_and_shows_no_password],
        ),
    ])
}
