//! Running `cargo run --bin multi|agg`, its output line by line.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::{Run, output};

/// The longest line that is kept.
const LINE: usize = 8 << 10;

/// A running program.
pub struct Process {
    child: Child,
    /// Its lines, safe to show; closed when it ends.
    pub lines: mpsc::Receiver<String>,
}

impl Process {
    /// Starts it in its checkout; `environment` is added to ours. It gets a
    /// process group of its own, so that Ctrl-C asks us and not it.
    pub fn start(run: &Run, prove: bool, environment: &[(String, String)]) -> Result<Self, String> {
        let mut command = Command::new("cargo");
        command
            .args(run.arguments(prove))
            .current_dir(&run.dir)
            .envs(environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child =
            command.spawn().map_err(|e| format!("cannot run cargo in {}: {e}; is Rust installed (rustup.rs)?", run.dir.display()))?;
        // Bounded: a program that prints faster than we show waits.
        let (tx, lines) = mpsc::channel(256);
        if let Some(out) = child.stdout.take() {
            tokio::spawn(pass(out, tx.clone()));
        }
        if let Some(err) = child.stderr.take() {
            tokio::spawn(pass(err, tx));
        }
        Ok(Self { child, lines })
    }

    /// Waits for its end; true when it went well.
    pub async fn wait(&mut self) -> Result<bool, String> {
        self.child.wait().await.map(|s| s.success()).map_err(|e| format!("cannot wait for cargo: {e}"))
    }

    /// Its process group while it lives, all its children with it.
    fn group(&self) -> Option<rustix::process::Pid> {
        self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
    }

    /// Asks it and all its children to end; those that do not within some
    /// seconds are ended.
    pub async fn stop(&mut self) {
        let group = self.group();
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        }
        if tokio::time::timeout(std::time::Duration::from_secs(5), self.child.wait()).await.is_err() {
            if let Some(group) = group {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            let _ = self.child.kill().await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody reads what it prints any more: it would only fail later.
        if let Some(group) = self.group() {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        }
    }
}

async fn pass(from: impl AsyncRead + Unpin, to: mpsc::Sender<String>) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        line.truncate(LINE);
        if to.send(output::safe(&line)).await.is_err() {
            return;
        }
    }
}
