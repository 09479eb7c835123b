//! `range-proof` with a stand-in for op-succinct's programs, RPC servers on
//! loopback and the API behind a real socket.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "support/pty.rs"]
mod pty;
mod support;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use pty::Terminal;
use support::grpc::{Server, Services, row, unix_now};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
const ID: &str = "cli_1776099600123";

/// What the stand-in for cargo does: the documented lines (reference 2.5, 7).
const CARGO: &str = r#"#!/bin/sh
echo "$*" >> "$HOME/calls"
echo "RUST_LOG=$RUST_LOG SP1_PROVER=$SP1_PROVER CLI_CLUSTER_RPC=$CLI_CLUSTER_RPC" >> "$HOME/env"
case "$*" in *"--bin multi"*) what=range ;; *) what=aggregation ;; esac
case "$*" in
*--prove*) ;;
*) printf 'Generating witness\033[0m\n'; [ -f "$HOME/bad-rpc" ] && { echo "Error: failed to fetch block: hunter2"; exit 1; }; echo "Execution Stats:"; exit 0 ;;
esac
printf '\033[2m2026-04-20T10:00:00.000000Z\033[0m \033[32m INFO\033[0m using redis artifact store\n'
echo "2026-04-20T10:00:00.000000Z  INFO connecting to redis://:hunter2@redis:6379"
echo "2026-04-20T10:00:01.000000Z  INFO Successfully created proof request cli_1776099600123"
while [ ! -f "$HOME/go" ]; do sleep 0.05; done
if [ -f "$HOME/fail" ]; then echo "Error: cluster $what proof failed: Proof request Failed after 12.3s" >&2; exit 1; fi
echo "2026-04-20T10:07:56.000000Z  INFO Proof request for proof id cli_1776099600123 completed after 475.123456789s"
if [ $what = range ]; then
    mkdir -p data/8453/proofs/range && cp "$HOME/proof" data/8453/proofs/range/10-15.bin
    echo "Range proof saved to data/8453/proofs/range/10-15.bin"
else
    cp "$HOME/proof" output.bin
fi
"#;

/// Answers like an execution client, an op-node and a beacon node.
async fn rpc() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind(ANY).await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = vec![0; 4_096];
                let mut got = Vec::new();
                while let Ok(n) = socket.read(&mut buffer).await {
                    got.extend_from_slice(&buffer[..n]);
                    let text = String::from_utf8_lossy(&got).into_owned();
                    if n == 0 || text.starts_with("GET") && text.contains("\r\n\r\n") || text.contains("params") {
                        break;
                    }
                }
                let text = String::from_utf8_lossy(&got).into_owned();
                let body = if text.starts_with("GET /beacon/eth/v1/node/version") {
                    r#"{"data":{"version":"Lighthouse/v5.1.0"}}"#
                } else if text.contains("optimism_version") && text.starts_with("POST /node") {
                    r#"{"jsonrpc":"2.0","id":1,"result":"v1.9.1"}"#
                } else if text.contains("eth_chainId") && text.starts_with("POST /l") {
                    r#"{"jsonrpc":"2.0","id":1,"result":"0x2105"}"#
                } else {
                    r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"the method does not exist"}}"#
                };
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
                let _ = socket.write_all(answer.as_bytes()).await;
            });
        }
    });
    addr
}

struct Bench {
    services: Services,
    api: Server,
    home: tempfile::TempDir,
    env_file: String,
}

impl Bench {
    async fn new() -> Self {
        let services = Services::default();
        services.with(|s| {
            let mut row = row(ID, 1, unix_now());
            row.proof_artifact_id = Some("artifact_1".into());
            s.rows.push(row);
        });
        let api = services.serve(ANY).await;
        let rpc = rpc().await;
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        std::fs::create_dir(at("bin")).unwrap();
        std::fs::write(at("bin/cargo"), CARGO).unwrap();
        std::fs::set_permissions(at("bin/cargo"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir(at("op")).unwrap();
        std::fs::write(at("op/Cargo.toml"), "[workspace]\n").unwrap();
        // As the SDK writes it: the three fields and an empty option.
        let mut proof = 1_u32.to_le_bytes().to_vec();
        proof.extend_from_slice(&[7; 1_000]);
        proof.extend_from_slice(&6_u64.to_le_bytes());
        proof.extend_from_slice(b"v6.1.0\0");
        std::fs::write(at("proof"), proof).unwrap();
        let env_file = format!(
            "L1_RPC=http://{rpc}/l1/hunter2\nL1_BEACON_RPC=http://{rpc}/beacon\nL2_RPC=http://{rpc}/l2\nL2_NODE_RPC=http://{rpc}/node\n\
             CLI_CLUSTER_RPC=http://{}\nCLI_REDIS_NODES=redis://:hunter2@redis:6379\n",
            api.addr
        );
        std::fs::write(at("op/.env"), &env_file).unwrap();
        Self { services, api, home, env_file }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.home.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.home.path().join(name)).unwrap_or_default()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut c = Command::new(env!("CARGO_BIN_EXE_sp1top"));
        c.args(["range-proof", "--op-succinct"]).arg(self.home.path().join("op")).args(args);
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.home.path().join("bin").display());
        c.env_clear().env("HOME", self.home.path()).env("XDG_STATE_HOME", self.home.path().join("state")).env("PATH", path);
        c.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        c
    }

    fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } = self.command(args).output().unwrap();
        (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
    }

    fn until(&self, name: &str, words: &str) {
        let limit = Instant::now() + Duration::from_secs(20);
        while !self.read(name).contains(words) {
            assert!(Instant::now() < limit, "no '{words}' in {name}: {}", self.read(name));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_witness_runs_without_the_cluster() {
    let bench = Bench::new().await;
    let (code, said) = bench.run(&["--start", "10", "--end", "15"]);
    assert_eq!(code, Some(0), "{said}");
    for words in
        ["L1_RPC http://127.0.0.1:", "chain 8453", "Lighthouse/v5.1.0", "op-node v1.9.1", "Generating witness", "the witness run went well"]
    {
        assert!(said.contains(words), "no '{words}' in {said}");
    }
    assert!(!said.contains("hunter2") && !said.contains('\x1b'), "{said}");
    let env_file = bench.home.path().join("op/.env");
    assert_eq!(bench.read("calls"), format!("run --bin multi --release -- --env-file {} --start 10 --end 15\n", env_file.display()));
    assert!(bench.read("env").starts_with("RUST_LOG=info SP1_PROVER= "), "{}", bench.read("env"));
    bench.write("bad-rpc", "");
    let (code, said) = bench.run(&["--default-range", "3"]);
    assert!(code == Some(1) && said.contains("multi failed: Error: failed to fetch block"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_proved_followed_and_found() {
    let bench = Bench::new().await;
    bench.write("go", "");
    bench.services.with(|s| s.rows[0].proof_status = 2);
    let (code, said) = bench.run(&["--start", "10", "--end", "15", "--prove", "--cluster-timeout", "90m"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("op/data/8453/proofs/range/10-15.bin (1019B, compressed, SP1 v6.1.0)"), "{said}");
    assert!(said.contains("redis://:***@redis:6379") && !said.contains("hunter2"), "{said}");
    let calls = bench.read("calls");
    // The witness first, by default.
    assert!(calls.lines().count() == 2 && calls.ends_with("--prove --cluster-timeout 5400\n"), "{calls}");
    let env = bench.read("env");
    assert!(env.lines().last().unwrap().contains(&format!("SP1_PROVER=cluster CLI_CLUSTER_RPC=http://{}", bench.api.addr)), "{env}");
    // It is in the journal.
    let job: serde_json::Value = serde_json::from_str(&bench.read(&format!("state/sp1top/jobs/{ID}/job.json"))).unwrap();
    assert_eq!((&job["state"], &job["program"]), (&"completed".into(), &"range 10-15".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aggregation_needs_its_ranges_and_a_failure_is_the_exit_code() {
    let bench = Bench::new().await;
    bench.services.with(|s| s.rows[0].proof_status = 2);
    let address = "0x00000000000000000000000000000000000000aa";
    let (code, said) = bench.run(&["--agg", "10-15", "--prover", address, "--prove"]);
    assert!(code == Some(1) && said.contains("no range proof 10-15.bin"), "{said}");
    std::fs::create_dir_all(bench.home.path().join("op/data/8453/proofs/range")).unwrap();
    bench.write("op/data/8453/proofs/range/10-15.bin", "x");
    bench.write("go", "");
    let (code, said) = bench.run(&["--agg", "10-15", "--prover", address, "--prove"]);
    assert!(code == Some(0) && said.contains("op/output.bin"), "{said}");
    assert!(bench.read("calls").contains(&format!("--proofs 10-15 --prover {address} --prove")), "{}", bench.read("calls"));
    bench.write("fail", "");
    let (code, said) = bench.run(&["--start", "10", "--end", "15", "--prove", "--skip-witness"]);
    assert!(code == Some(5) && said.contains("cluster range proof failed"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_found_before_anything_runs() {
    let bench = Bench::new().await;
    let good = bench.env_file.clone();
    for (text, words) in [
        (good.replace("/node\n", "/l2\n"), "not an op-node"),
        (good.replace("L2_RPC=", "#L2_RPC="), "L2_RPC is not set"),
        (good.replace("/l1/hunter2", "/nothing/hunter2"), "the method does not exist"),
        (format!("{good}CLI_S3_BUCKET=b\n"), "both CLI_REDIS_NODES and CLI_S3_BUCKET"),
        (format!("{good}SP1_PROVER=mock\n"), "SP1_PROVER is mock"),
        (format!("{good}OP_SUCCINCT_MOCK=true\n"), "exclude each other"),
        (good.replace(&bench.api.addr.port().to_string(), "1"), "the cluster's API"),
    ] {
        bench.write("op/.env", &text);
        let (code, said) = bench.run(&["--prove"]);
        assert!(code == Some(1) && said.contains(words) && !said.contains("hunter2"), "no '{words}': {code:?} {said}");
    }
    assert_eq!(bench.read("calls"), "", "nothing ran");
    std::fs::remove_file(bench.home.path().join("op/.env")).unwrap();
    let (code, said) = bench.run(&[]);
    assert!(code == Some(2) && said.contains("--env-file"), "{said}");
    let (code, said) = bench.run(&["--start", "15", "--end", "10"]);
    assert!(code == Some(2) && said.contains("not before"), "{said}");
    let (code, _) = bench.run(&["--prove", "--read-only"]);
    assert_eq!(code, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_leaves_the_proof_or_cancels_it() {
    let bench = Bench::new().await;
    for (more, signal, code, status, words) in
        [(&[][..], "-INT", 130, 1, "goes on in the cluster"), (&["--cancel-on-stop"][..], "-TERM", 143, 4, "is cancelled")]
    {
        let said = bench.home.path().join("said");
        let mut command = bench.command(&[&["--start", "10", "--end", "15", "--prove", "--skip-witness"], more].concat());
        let mut child = command.stdout(std::fs::File::create(&said).unwrap()).spawn().unwrap();
        bench.until("said", "Successfully created");
        let pid = child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{}", bench.read("said"));
        assert!(bench.read("said").contains(words), "{}", bench.read("said"));
        assert_eq!(bench.services.with(|s| s.rows[0].proof_status), status);
    }
}

/// The dashboard on the bench's API, in a pseudo-terminal.
fn dashboard(bench: &Bench) -> Terminal {
    let home = bench.home.path().to_str().unwrap();
    let path = format!("{home}/bin:/usr/local/bin:/usr/bin:/bin");
    let state = format!("{home}/state");
    let url = format!("http://{}", bench.api.addr);
    let env = [("HOME", home), ("XDG_STATE_HOME", &state), ("PATH", &path)];
    let mut t = Terminal::start(&env, &["--no-kube", "--cluster-rpc", &url]);
    t.shows("1 overview");
    t
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dialog_does_the_same() {
    let bench = Bench::new().await;
    let mut t = dashboard(&bench);
    t.keys("R");
    t.shows("range proof of op-succinct");
    // A paste does not press Enter.
    t.keys(&format!("\x1b[200~{}\x1b[201~", bench.home.path().join("op").display()));
    // From block to block, on the cluster.
    t.keys("\t\t\x1b[C\t10\t15\t\x1b[C\r");
    t.shows("Prove the range 10-15");
    t.keys("y");
    t.shows("Successfully created proof request");
    assert!(bench.read("calls").lines().count() == 2, "the witness first: {}", bench.read("calls"));
    t.shows(ID);
    bench.services.with(|s| s.rows[0].proof_status = 2);
    bench.write("go", "");
    t.shows("done after");
    t.shows("range/10-15.bin");
    let all = t.shown.screen().contents();
    assert!(!all.contains("hunter2") && all.contains(":***@redis"), "{all}");
    let job: serde_json::Value = serde_json::from_str(&bench.read(&format!("state/sp1top/jobs/{ID}/job.json"))).unwrap();
    assert_eq!((&job["state"], &job["program"]), (&"completed".into(), &"range 10-15".into()));
    t.keys("\x1b");
    t.hides("done after");
    t.quits();
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_the_screen_stops_the_run_and_cancels_its_proof_when_told() {
    let bench = Bench::new().await;
    for (answer, status) in [("\x1b[C", 1), ("\x1b[D", 4)] {
        let mut t = dashboard(&bench);
        t.keys("R");
        t.shows("range proof of op-succinct");
        t.keys(&format!("{}\t\t\t\t\x1b[C\t\x1b[C\r", bench.home.path().join("op").display()));
        t.shows("Prove a range of the newest 5 blocks");
        t.keys("y");
        t.shows("Successfully created proof request");
        t.shows(ID);
        t.keys("\x1b");
        t.hides("x stops it");
        t.keys("q");
        t.shows("ends with sp1top");
        t.keys(&format!("{answer}\r"));
        assert_eq!(t.ends(), 0);
        assert_eq!(bench.services.with(|s| s.rows[0].proof_status), status);
        // The program is gone too.
        let limit = Instant::now() + Duration::from_secs(10);
        let op = bench.home.path().join("op").display().to_string();
        let lives = || {
            std::fs::read_dir("/proc")
                .unwrap()
                .flatten()
                .any(|p| std::fs::read_to_string(p.path().join("cmdline")).is_ok_and(|c| c.contains("--default-range") && c.contains(&op)))
        };
        while lives() {
            assert!(Instant::now() < limit, "the program lives on");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
