//! The schemas of what is printed, against what is printed; and the dashboard
//! for Grafana against the metrics.
#![allow(clippy::unwrap_used, clippy::match_same_arms, clippy::items_after_statements, reason = "a test may")]
#![allow(missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn validator(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(root("schemas").join(name)).unwrap()).unwrap()
}

/// The part of JSON Schema that the schemas use; anything else is refused.
fn errors(root: &Value, schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    let is = |t: &str| match t {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    };
    let wrong = |why: String| format!("{at}: {why}, but it is {value}");
    for (key, rule) in schema.as_object().unwrap() {
        match key.as_str() {
            "$schema" | "title" | "description" | "$defs" => {}
            "$ref" => {
                let target = root.pointer(rule.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                errors(root, target, value, at, out);
                return;
            }
            "type" => {
                let any = rule.as_array().map_or_else(|| is(rule.as_str().unwrap()), |l| l.iter().any(|t| is(t.as_str().unwrap())));
                if !any {
                    out.push(wrong(format!("must be {rule}")));
                }
            }
            "const" if rule != value => out.push(wrong(format!("must be {rule}"))),
            "enum" if !rule.as_array().unwrap().contains(value) => out.push(wrong(format!("must be one of {rule}"))),
            "const" | "enum" => {}
            "minimum" if value.as_i64().is_some_and(|v| v < rule.as_i64().unwrap()) => out.push(wrong(format!("must be at least {rule}"))),
            "minimum" => {}
            "format" => {
                assert_eq!(rule, "date-time");
                if value.as_str().is_some_and(|v| sp1top::base::Timestamp::parse(v).is_none()) {
                    out.push(wrong("must be a time".into()));
                }
            }
            "pattern" => {
                if value.as_str().is_some_and(|v| !regex::Regex::new(rule.as_str().unwrap()).unwrap().is_match(v)) {
                    out.push(wrong(format!("must match {rule}")));
                }
            }
            "oneOf" => {
                let fits = |s: &&Value| {
                    let mut e = Vec::new();
                    errors(root, s, value, at, &mut e);
                    e.is_empty()
                };
                if rule.as_array().unwrap().iter().filter(fits).count() != 1 {
                    let mut e = Vec::new();
                    errors(root, &rule[0], value, at, &mut e);
                    out.extend(e);
                    return;
                }
            }
            "required" => {
                for name in rule.as_array().unwrap() {
                    if value.as_object().is_some_and(|o| !o.contains_key(name.as_str().unwrap())) {
                        out.push(format!("{at}: {name} is missing"));
                    }
                }
            }
            "properties" | "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                for (name, v) in value.as_object().into_iter().flatten() {
                    let at = format!("{at}/{name}");
                    match (known.and_then(|k| k.get(name)), key == "properties") {
                        (Some(s), true) => errors(root, s, v, &at, out),
                        (None, false) if rule == false => out.push(format!("{at} is in no schema: add it")),
                        (None, false) if rule.is_object() => errors(root, rule, v, &at, out),
                        _ => {}
                    }
                }
            }
            "items" => {
                for (i, v) in value.as_array().into_iter().flatten().enumerate() {
                    errors(root, rule, v, &format!("{at}/{i}"), out);
                }
            }
            other => panic!("the check does not know {other}"),
        }
    }
}

fn check(schema: &Value, value: &Value, of: &str) {
    let mut found = Vec::new();
    errors(schema, schema, value, "", &mut found);
    found.truncate(8);
    assert!(found.is_empty(), "{of}: {found:#?}");
}

#[test]
fn the_check_finds_what_is_wrong() {
    let schema = validator("sp1top.alert-1.schema.json");
    let good = serde_json::json!({"schema": "sp1top.alert/1", "at": "2026-11-24T00:00:00Z", "id": "oom-killed", "state": "firing", "severity": "critical",
        "subject": "x", "since": "2026-11-24T00:00:00Z", "summary": "s", "evidence": [], "fix": [{"say": "a", "run": "b"}], "consequences": [],
        "led_here": [], "part_of": null, "acknowledged": false, "muted": false});
    check(&schema, &good, "good");
    for (at, bad) in [
        ("state", Value::from("odd")),
        ("at", Value::from("noon")),
        ("fix", serde_json::json!([{"say": 1, "run": "b"}])),
        ("more", Value::Null),
    ] {
        let mut value = good.clone();
        value[at] = bad;
        let mut found = Vec::new();
        errors(&schema, &schema, &value, "", &mut found);
        assert_eq!(found.len(), 1, "{at}: {found:?}");
    }
}

fn run(args: &[&str], paths: &[PathBuf]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_sp1top")).args(args).args(paths).output().unwrap();
    String::from_utf8(out.stdout).unwrap()
}

fn tapes() -> Vec<PathBuf> {
    let all = std::fs::read_dir(root("fixtures/tapes")).unwrap().map(|e| e.unwrap().path());
    all.filter(|p| p.extension().is_some_and(|e| e == "tape")).collect()
}

#[test]
fn status_and_alerts_are_as_their_schemas_say() {
    let (status, alert) = (validator("sp1top.status-1.schema.json"), validator("sp1top.alert-1.schema.json"));
    let mut seen = (0, 0, 0);
    for tape in tapes() {
        let of = tape.display().to_string();
        let value: Value = serde_json::from_str(&run(&["status", "-o", "json", "--from"], std::slice::from_ref(&tape))).unwrap();
        check(&status, &value, &of);
        seen.0 += value["workers"].as_array().unwrap().len();
        seen.1 += value["pods"].as_array().unwrap().len();
        for line in std::fs::read_to_string(tape.with_extension("alerts.jsonl")).unwrap().lines() {
            check(&alert, &serde_json::from_str(line).unwrap(), &of);
            seen.2 += 1;
        }
    }
    assert!(seen.0 > 5 && seen.1 > 2 && seen.2 > 5, "the tapes show too little: {seen:?}");
}

#[test]
fn doctor_is_as_its_schema_says() {
    let text = run(&["doctor", "-o", "json", "--no-kube", "--coordinator-rpc", "http://127.0.0.1:1"], &[]);
    check(&validator("sp1top.doctor-1.schema.json"), &serde_json::from_str(&text).unwrap(), "doctor");
}

/// A field that goes is a broken promise: the contract's are here by name.
#[test]
fn no_schema_loses_a_field() {
    for (name, at, fields) in [
        ("sp1top.status-1", "/required", "schema at cluster stats workers proofs pods alerts sources"),
        ("sp1top.status-1", "/$defs/worker/required", "id type state last_seen weight tasks"),
        ("sp1top.status-1", "/$defs/proof/required", "id mode status created_at elapsed_seconds deadline eta_seconds tasks"),
        (
            "sp1top.status-1",
            "/$defs/pod/required",
            "name component phase ready restarts last_termination cpu_millicores memory_bytes memory_limit_bytes",
        ),
        ("sp1top.status-1", "/$defs/source/required", "name state last_at dropped unread detail"),
        (
            "sp1top.status-1",
            "/$defs/stats/required",
            "coordinator_version sp1_circuit_version total_tasks active_tasks cpu_workers gpu_workers cpu_utilization_current cpu_utilization_max gpu_utilization_current gpu_utilization_max active_proofs cpu_queue gpu_queue active_subscribers at source",
        ),
        ("sp1top.alert-1", "/required", "schema at id state severity subject since summary evidence fix"),
    ] {
        let text = std::fs::read_to_string(root("schemas").join(format!("{name}.schema.json"))).unwrap();
        let schema: Value = serde_json::from_str(&text).unwrap();
        let required = schema.pointer(at).unwrap().as_array().unwrap();
        for field in fields.split_whitespace() {
            assert!(required.iter().any(|r| r == field), "{name}{at} has lost {field}");
        }
    }
}

#[test]
fn metrics_are_what_prometheus_reads_and_the_dashboard_shows() {
    let names = sp1top::output::metrics::names();
    let text = run(&["export", "--from"], &tapes()[..1]);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            assert!(rest.starts_with("HELP ") || rest.starts_with("TYPE "), "{line}");
            continue;
        }
        let name = line.split(['{', ' ']).next().unwrap();
        assert!(names.contains(&name), "{line}");
        assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
    }
    for must in [
        "sp1_cluster_cpu_queue_tasks ",
        "sp1_cluster_gpu_weight_max ",
        "sp1_cluster_active_proofs ",
        "sp1_cluster_running_tasks{task_type=",
        "sp1top_source_age_seconds{",
    ] {
        assert!(text.lines().any(|l| l.starts_with(must)), "{must} is missing:\n{text}");
    }
    let board = std::fs::read_to_string(root("grafana/sp1top.json")).unwrap();
    let board: Value = serde_json::from_str(&board).unwrap();
    let mut shown = 0;
    for target in board["panels"].as_array().unwrap().iter().flat_map(|p| p["targets"].as_array().unwrap()) {
        let words = target["expr"].as_str().unwrap().split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for word in words.filter(|w| w.starts_with("sp1")) {
            assert!(names.contains(&word), "the dashboard shows {word}, which is no metric");
            shown += 1;
        }
    }
    assert!(shown > 15);
}

/// As Prometheus asks: over HTTP, on loopback.
#[test]
fn export_answers_on_loopback() {
    use std::io::{BufRead as _, Read as _, Write as _};
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("c.log");
    std::fs::write(&log, "2026-11-24T00:00:00.000000Z  INFO x: hello\n").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sp1top"))
        .args(["export", "--listen", "127.0.0.1:0", "--no-kube", "--log"])
        .arg(format!("coordinator={}", log.display()))
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    std::io::BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
    let addr = said.trim().split("http://").nth(1).unwrap().trim_end_matches("/metrics").to_owned();
    let ask = |request: &str| {
        let mut s = std::net::TcpStream::connect(&addr).unwrap();
        s.write_all(request.as_bytes()).unwrap();
        let mut out = String::new();
        s.read_to_string(&mut out).unwrap();
        out
    };
    let mut got = String::new();
    for _ in 0..50 {
        got = ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        if got.contains("sp1top_source_state") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let (missing, post) = (ask("GET /x HTTP/1.1\r\n\r\n"), ask("POST /metrics HTTP/1.1\r\n\r\n"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(got.starts_with("HTTP/1.1 200 OK") && got.contains("sp1top_source_state{source=\"log:"), "{got}");
    assert!(missing.starts_with("HTTP/1.1 404") && post.starts_with("HTTP/1.1 405"));
}
