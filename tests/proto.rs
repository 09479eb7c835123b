//! The committed code in `src/proto` is what `proto/*.proto` generates.

use std::path::{Path, PathBuf};

/// Generates into `out`, without `protoc`.
fn generate(out: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let fds = protox::compile(["worker.proto", "cluster.proto"], [&root]).expect("proto files compile");
    tonic_prost_build::configure()
        .build_client(true)
        .build_server(true)
        .build_transport(false)
        .emit_rerun_if_changed(false)
        .out_dir(out)
        .compile_fds(fds)
        .expect("code generates");
}

#[test]
fn committed_code_is_current() {
    let out = tempfile::tempdir().expect("a folder");
    generate(out.path());
    for name in ["worker.rs", "cluster.rs"] {
        let fresh = std::fs::read_to_string(out.path().join(name)).expect("generated");
        let kept: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/proto").join(name);
        if std::env::var_os("SP1TOP_WRITE_PROTO").is_some() {
            std::fs::write(&kept, &fresh).expect("written");
        }
        let committed = std::fs::read_to_string(&kept).expect("committed");
        assert!(committed == fresh, "{name} is not current: SP1TOP_WRITE_PROTO=1 cargo test --test proto");
    }
}
