//! A log file that grows, is rotated or truncated, or standard input.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;

use super::files;
use super::hub::{Closed, Port};
use crate::base::redact::Lines;
use crate::envelope::{Kind, SourceState};

/// How often a file is looked at.
const EVERY: Duration = Duration::from_millis(250);
/// Bytes read at once.
const BLOCK: usize = 256 << 10;
/// A file that is larger than this at the beginning is read from its end.
const BACKLOG: u64 = 64 << 20;

/// Follows `path` until the port closes; `-` is standard input.
pub async fn follow(path: PathBuf, port: Port) {
    if path.as_os_str() == "-" {
        standard_input(port).await;
    } else {
        file(&path, port).await;
    }
}

async fn standard_input(port: Port) {
    once(|| Ok(Box::new(std::io::stdin())), "standard input", &port).await;
}

/// A compressed file does not grow: it is read once.
async fn compressed(path: &Path, port: &Port) {
    let (path, name) = (path.to_owned(), path.display().to_string());
    once(move || files::plain(&path).map_err(|e| e.to_string()), &name, port).await;
}

/// Reads a stream to its end.
async fn once(open: impl FnOnce() -> Result<Box<dyn Read + Send>, String> + Send + 'static, name: &str, port: &Port) {
    port.state(SourceState::Live, "").await;
    let (tx, mut rx) = tokio::sync::mpsc::channel::<Result<Bytes, String>>(16);
    // A read of standard input cannot be interrupted: the thread ends with it.
    let reader = move || {
        let mut input = match open() {
            Ok(i) => i,
            Err(e) => return drop(tx.blocking_send(Err(e))),
        };
        loop {
            let mut buf = vec![0; BLOCK];
            let got = input.read(&mut buf).map(|n| {
                buf.truncate(n);
                Bytes::from(buf)
            });
            let got = got.map_err(|e| e.to_string());
            let over = got.as_ref().map_or(true, Bytes::is_empty);
            if tx.blocking_send(got).is_err() || over {
                return;
            }
        }
    };
    if let Err(e) = std::thread::Builder::new().name("read".into()).spawn(reader) {
        port.state(SourceState::Ended, &format!("cannot read {name}: {e}")).await;
        return;
    }
    let mut why = String::new();
    let mut lines = Lines::default();
    while let Some(got) = rx.recv().await {
        match got {
            Ok(raw) if raw.is_empty() => break,
            Ok(raw) => {
                if lines_on(port, lines.push(&raw)).await.is_err() {
                    return;
                }
            }
            Err(e) => {
                why = format!("cannot read {name}: {e}");
                break;
            }
        }
    }
    let _ = lines_on(port, lines.end()).await;
    let _ = port.send(Kind::LogBreak, Bytes::new()).await;
    port.state(SourceState::Ended, &why).await;
}

/// Sends whole lines, if there are any.
async fn lines_on(port: &Port, raw: Vec<u8>) -> Result<(), Closed> {
    if raw.is_empty() { Ok(()) } else { port.send(Kind::Log, raw).await }
}

/// A file that is open, and how much of it was read.
struct Reading {
    file: std::fs::File,
    id: u128,
    read: u64,
    /// The first bytes: a file that is truncated and written again at once may
    /// be as long as before.
    head: Vec<u8>,
}

const HEAD: usize = 64;

async fn file(path: &Path, port: Port) {
    let mut open: Option<Reading> = None;
    let mut first = true;
    let mut said = String::new();
    let mut lines = Lines::default();
    loop {
        if port.closed() {
            return;
        }
        if open.is_none() {
            match start(path, first) {
                Ok(r) if files::is_compressed(&r.head) => {
                    compressed(path, &port).await;
                    return;
                }
                Ok(r) => {
                    open = Some(r);
                    first = false;
                    said.clear();
                    port.state(SourceState::Live, "").await;
                }
                Err(e) => {
                    let text = match e.kind() {
                        std::io::ErrorKind::NotFound => format!("{}: no such file yet", path.display()),
                        _ => format!("{}: {e}", path.display()),
                    };
                    if text != said {
                        port.state(SourceState::Connecting, &text).await;
                        said = text;
                    }
                }
            }
        }
        if let Some(r) = &mut open {
            match more(r) {
                Ok(raw) if !raw.is_empty() => {
                    if lines_on(&port, lines.push(&raw)).await.is_err() {
                        return;
                    }
                    continue;
                }
                // All is read; has the file been replaced or emptied?
                Ok(_) if !changed(path, r) => {}
                Ok(_) | Err(_) => {
                    open = None;
                    if lines_on(&port, lines.end()).await.is_err() {
                        return;
                    }
                    if port.send(Kind::LogBreak, Bytes::new()).await.is_err() {
                        return;
                    }
                    continue;
                }
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn start(path: &Path, first: bool) -> std::io::Result<Reading> {
    let mut file = std::fs::File::open(path)?;
    let meta = file.metadata()?;
    if meta.is_dir() {
        return Err(std::io::Error::other("is a directory, not a log file"));
    }
    let mut head = vec![0; HEAD];
    let n = file.read(&mut head)?;
    head.truncate(n);
    let skip = if first { meta.len().saturating_sub(BACKLOG) } else { 0 };
    file.seek(SeekFrom::Start(skip))?;
    Ok(Reading { file, id: identity(&meta), read: skip, head })
}

fn more(r: &mut Reading) -> std::io::Result<Bytes> {
    let mut buf = vec![0; BLOCK];
    let n = r.file.read(&mut buf)?;
    buf.truncate(n);
    if r.head.len() < HEAD && r.read == r.head.len() as u64 {
        r.head.extend_from_slice(&buf[..n.min(HEAD - r.head.len())]);
    }
    r.read += n as u64;
    Ok(buf.into())
}

/// True when what the path names now is not what was read so far.
fn changed(path: &Path, r: &Reading) -> bool {
    let Ok(meta) = std::fs::metadata(path) else { return false };
    if identity(&meta) != r.id || meta.len() < r.read {
        return true;
    }
    let mut head = vec![0; r.head.len()];
    let same = std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut head)).is_ok() && head == r.head;
    !same
}

#[cfg(unix)]
fn identity(meta: &std::fs::Metadata) -> u128 {
    use std::os::unix::fs::MetadataExt as _;
    u128::from(meta.dev()) << 64 | u128::from(meta.ino())
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> u128 {
    0
}
