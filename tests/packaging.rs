//! The Roles that are shipped give what the program asks for, and nothing more.
#![allow(clippy::unwrap_used, clippy::match_same_arms, clippy::items_after_statements, reason = "a test may")]
#![allow(missing_docs)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sp1top::doctor::checks::permissions::rights;
use sp1top::sources::hub::WallClock;
use sp1top::sources::kube::access::Access;
use sp1top::sources::live::{self, LiveConfig};
use support::kube::{Fake, NS, pod};

/// Verb, API group, resource, whether it is in no namespace.
type Right = (String, String, String, bool);

fn documents(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(file)).unwrap();
    text.split("\n---\n").map(|d| serde_saphyr::from_str(d).unwrap()).collect()
}

fn granted(file: &str) -> BTreeSet<Right> {
    let mut out = BTreeSet::new();
    let texts = |v: &Value| v.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect::<Vec<_>>();
    for d in documents(file) {
        let wide = d["kind"] == "ClusterRole";
        for rule in d["rules"].as_array().into_iter().flatten() {
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    out.extend(texts(&rule["verbs"]).into_iter().map(|v| (v, group.clone(), resource.clone(), wide)));
                }
            }
        }
    }
    out
}

fn wanted(change: bool) -> BTreeSet<Right> {
    rights().filter(|r| r.4 == change).map(|(v, g, r, wide, _)| (v.into(), g.into(), r.into(), wide)).collect()
}

#[test]
fn to_watch_is_what_doctor_asks_after() {
    assert_eq!(granted("rbac/watch.yaml"), wanted(false));
}

#[test]
fn to_operate_is_the_changes_and_to_look_before() {
    let granted = granted("rbac/operate.yaml");
    assert!(wanted(true).is_subset(&granted), "{granted:?}");
    let changes = wanted(true);
    let more: Vec<_> = granted.difference(&changes).map(|r| (r.0.as_str(), r.2.as_str())).collect();
    assert_eq!(more, [("get", "pods"), ("get", "deployments")]);
}

/// What a request of the sources needs.
fn right(asked: &str) -> Option<Right> {
    let (path, query) = asked.split_once('?').unwrap();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (group, rest) = match parts.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        _ => return None,
    };
    let (wide, rest) = match rest {
        ["namespaces", _, rest @ ..] if !rest.is_empty() => (false, rest),
        rest => (true, rest),
    };
    let verb = match (rest.len(), query.contains("watch=true")) {
        (1, true) => "watch",
        (1, false) => "list",
        _ => "get",
    };
    let resource = match rest {
        [r, _, sub, ..] => format!("{r}/{sub}"),
        [r, ..] => (*r).to_owned(),
        [] => return None,
    };
    Some((verb.into(), group.into(), resource, wide))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sources_ask_for_nothing_else() {
    let fake = Fake::start().await;
    for (app, name) in [("coordinator", "coordinator-1"), ("api", "api-1"), ("cpu-node", "cpu-1"), ("gpu-node", "gpu-1")] {
        fake.put("pods", pod(app, name));
        fake.log(name, 0, "hello");
    }
    fake.with(|s| s.pod_metrics = Some(r#"{"kind":"PodMetricsList","items":[]}"#.into()));
    let mut config = kube::Config::new(format!("http://{}", fake.addr).parse().unwrap());
    config.default_retry = false;
    let access = Access::with_client(kube::Client::try_from(config).unwrap(), NS);
    let mut live = live::start(LiveConfig::default(), Some(access), Arc::new(WallClock)).await.unwrap();
    let end = tokio::time::Instant::now() + Duration::from_secs(5);
    let wanted = ["/log?", "/portforward", "/proxy/metrics", "metrics.k8s.io", "/nodes?", "watch=true"];
    while tokio::time::Instant::now() < end && !wanted.iter().all(|w| !fake.asked(w).is_empty()) {
        let _ = tokio::time::timeout(Duration::from_millis(50), live.envelopes.recv()).await;
    }
    let granted = granted("rbac/watch.yaml");
    let asked: BTreeSet<Right> = fake.asked("").iter().filter_map(|a| right(a)).collect();
    assert!(asked.len() >= 8, "{asked:?}");
    let missing: Vec<_> = asked.difference(&granted).collect();
    assert!(missing.is_empty(), "asked for, and in no Role: {missing:?}");
}

#[test]
fn the_deployment_runs_with_little() {
    let all = documents("export.yaml");
    let of = |kind: &str| all.iter().find(|d| d["kind"] == kind).unwrap();
    let (binding, deployment) = (of("RoleBinding"), of("Deployment"));
    assert_eq!(binding["roleRef"]["name"], "sp1top-watch");
    let spec = &deployment["spec"]["template"]["spec"];
    assert_eq!(spec["serviceAccountName"], of("ServiceAccount")["metadata"]["name"]);
    assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
    assert_eq!(spec["containers"][0]["securityContext"]["capabilities"], json!({"drop": ["ALL"]}));
    // The arguments are ones that there are.
    use clap::Parser as _;
    let args = spec["containers"][0]["args"].as_array().unwrap().iter().map(|a| a.as_str().unwrap());
    sp1top::cli::args::Cli::try_parse_from(std::iter::once("sp1top").chain(args)).unwrap();
}

/// Reads a document as the type that it says it is, and writes it again: what is
/// misspelt or in the wrong place is lost on the way.
fn through<T: serde::Serialize + serde::de::DeserializeOwned>(d: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<T>(d.clone()).unwrap_or_else(|e| panic!("{e}: {d}"))).unwrap()
}

#[test]
fn every_document_is_what_kubernetes_knows() {
    use k8s_openapi::api::{apps::v1 as apps, core::v1 as core, rbac::v1 as rbac};
    let mut count = 0;
    for file in ["rbac/watch.yaml", "rbac/operate.yaml", "export.yaml"] {
        for d in documents(file) {
            let read = match d["kind"].as_str().unwrap() {
                "Role" => through::<rbac::Role>(&d),
                "ClusterRole" => through::<rbac::ClusterRole>(&d),
                "RoleBinding" => through::<rbac::RoleBinding>(&d),
                "ClusterRoleBinding" => through::<rbac::ClusterRoleBinding>(&d),
                "ServiceAccount" => through::<core::ServiceAccount>(&d),
                "Service" => through::<core::Service>(&d),
                "Deployment" => through::<apps::Deployment>(&d),
                other => panic!("{file}: {other} is not checked"),
            };
            assert_eq!(read, d, "{file}");
            count += 1;
        }
    }
    assert!(count >= 9, "{count}");
}

fn script(name: &str, args: &[&str], env: &[(&str, &Path)]) -> std::process::Output {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name);
    std::process::Command::new(path).args(args).envs(env.iter().copied()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Everything but the build: the program of the tests is packaged.
#[test]
fn packages_are_made_of_a_program() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("packages");
    // A stand-in that calls it: the program with all its debug information would take minutes to pack.
    let program = dir.path().join("program");
    std::fs::write(&program, format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_sp1top"))).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let env = [("BINARY", program.as_path()), ("PACKAGES", out.as_path()), ("RELEASE_URL", Path::new("https://example.org/a&b"))];
    let made = script("build.sh", &[], &env);
    assert!(made.status.success(), "{}", text(&made.stderr));
    // A page for each command, and completions that know the commands.
    for page in ["sp1top.1", "sp1top-prove.1", "sp1top-proofs.1", "sp1top-proofs-list.1", "sp1top-range-proof.1"] {
        let page = std::fs::read_to_string(out.join("man").join(page)).unwrap();
        assert!(page.contains(".SH") && page.contains("sp1top"), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let file = std::fs::read_to_string(out.join(format!("completions/sp1top.{shell}"))).unwrap();
        assert!(file.contains("range-proof") && file.contains("context"), "{shell}");
    }
    // The manifest is of that archive, and in it is what it names.
    let manifest: Value = serde_saphyr::from_str(&std::fs::read_to_string(out.join("krew-sp1top.yaml")).unwrap()).unwrap();
    let (version, platform) = (&manifest["spec"]["version"], &manifest["spec"]["platforms"][0]);
    assert_eq!(*version, format!("v{}", env!("CARGO_PKG_VERSION")));
    let uri = platform["uri"].as_str().unwrap();
    let archive = out.join(uri.strip_prefix("https://example.org/a&b/").unwrap());
    let run = |c: &str, a: &[&std::ffi::OsStr]| text(&std::process::Command::new(c).args(a).output().unwrap().stdout);
    let sum = run("sha256sum", &[archive.as_os_str()]);
    assert_eq!(platform["sha256"], sum.split(' ').next().unwrap());
    let listed = run("tar", &["-tzvf".as_ref(), archive.as_os_str()]);
    let bin = platform["bin"].as_str().unwrap();
    let line = listed.lines().find(|l| l.ends_with(bin)).unwrap_or_else(|| panic!("no {bin} in:\n{listed}"));
    assert!(line.starts_with("-rwxr-xr-x"), "a file, not a link: {line}");
    assert!(listed.contains("LICENSE-MIT"), "{listed}");
    // Debian's tools read the package, where they are.
    if std::process::Command::new("dpkg-deb").arg("--version").output().is_err() {
        eprintln!("skipped: dpkg-deb is not installed");
        return;
    }
    let made = script("deb.sh", &[], &env);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let name = text(&made.stdout).trim().strip_prefix("built ").unwrap().to_owned();
    let control = run("dpkg-deb", &["--info".as_ref(), name.as_ref()]);
    for part in
        ["Package: sp1top", concat!("Version: ", env!("CARGO_PKG_VERSION")), "Maintainer: The sp1top developers", "plugin of kubectl"]
    {
        assert!(control.contains(part), "{part}:\n{control}");
    }
    let files = run("dpkg-deb", &["--contents".as_ref(), name.as_ref()]);
    for part in
        ["./usr/bin/sp1top", "./usr/bin/kubectl-sp1top -> sp1top", "man1/sp1top-prove.1.gz", "completions/sp1top", "rbac/watch.yaml"]
    {
        assert!(files.contains(part), "{part}:\n{files}");
    }
}

#[test]
fn the_manifest_takes_no_nonsense() {
    let refused = script("krew/fill.sh", &["1.2.3", "http://example.org/x", "/etc/hostname"], &[]);
    assert_eq!(refused.status.code(), Some(2));
    let filled = script("krew/fill.sh", &["v1.2.3", "https://example.org/x.tar.gz", "/etc/hostname"], &[]);
    let manifest: Value = serde_saphyr::from_str(&text(&filled.stdout)).unwrap();
    assert_eq!(manifest["spec"]["version"], "v1.2.3");
    assert_eq!(manifest["spec"]["platforms"][0]["uri"], "https://example.org/x.tar.gz");
    assert!(!text(&filled.stdout).contains("SHA256") && !text(&filled.stdout).contains("ARCH"), "{}", text(&filled.stdout));
    let missing = script("krew/fill.sh", &["1.2.3", "https://example.org/x.tar.gz", "/nowhere"], &[]);
    assert!(!missing.status.success());
}
