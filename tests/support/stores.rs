//! Real artifact stores: a redis-server of the test's own, an S3 server in this
//! process, and a line that can be cut.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A redis-server on a port of its own, in memory only.
pub struct Redis {
    pub addr: SocketAddr,
    child: Child,
    _dir: tempfile::TempDir,
}

/// Starts one; tests that do so say that they need it (`suite`).
pub fn redis(args: &[&str]) -> Redis {
    start(args, false)
}

fn start(args: &[&str], tls: bool) -> Redis {
    for _ in 0..5 {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new("redis-server")
            .args(if tls { ["--port", "0", "--tls-port"] } else { ["--tls-port", "0", "--port"] })
            .args([&port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(args)
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is needed: apt-get install redis-server");
        let addr: SocketAddr = ([127, 0, 0, 1], port).into();
        let limit = Instant::now() + Duration::from_secs(10);
        while Instant::now() < limit {
            if TcpStream::connect(addr).is_ok() {
                return Redis { addr, child, _dir: dir };
            }
            if child.try_wait().unwrap().is_some() {
                // Somebody else took the port meanwhile.
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    panic!("redis-server does not start");
}

/// A redis-server that speaks TLS only, and the certificate of the authority that
/// its own is signed by.
pub fn redis_tls(args: &[&str]) -> (Redis, std::path::PathBuf, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let openssl = |line: &str| {
        let done =
            Command::new("openssl").args(line.split(' ')).current_dir(dir.path()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(done.expect("openssl is needed: apt-get install openssl").success(), "openssl {line}");
    };
    std::fs::write(dir.path().join("names"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=authority");
    openssl("req -newkey rsa:2048 -nodes -keyout own.key -out own.csr -subj /CN=localhost");
    openssl("x509 -req -in own.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out own.crt");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (ca, own, key) = (path("ca.crt"), path("own.crt"), path("own.key"));
    let tls = ["--tls-cert-file", &own, "--tls-key-file", &key, "--tls-ca-cert-file", &ca, "--tls-auth-clients", "no"];
    let server = start(&[&tls[..], args].concat(), true);
    (server, dir.path().join("ca.crt"), dir)
}

impl Redis {
    pub fn url(&self) -> String {
        format!("redis://{}/0", self.addr)
    }

    pub async fn connection(&self) -> redis::aio::MultiplexedConnection {
        redis::Client::open(self.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An S3 server over a folder.
pub struct S3 {
    pub addr: SocketAddr,
    pub root: tempfile::TempDir,
    runtime: Option<tokio::runtime::Runtime>,
}

pub fn s3(bucket: &str) -> S3 {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join(bucket)).unwrap();
    let fs = s3s_fs::FileSystem::new(root.path()).unwrap();
    let mut builder = s3s::service::S3ServiceBuilder::new(fs);
    builder.set_auth(s3s::auth::SimpleAuth::from_single("AKIATEST", "hunter2secret"));
    let service = builder.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let http = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
                let _ = http.serve_connection(hyper_util::rt::TokioIo::new(socket), service).await;
            });
        }
    });
    S3 { addr, root, runtime: Some(runtime) }
}

impl S3 {
    pub fn object(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.root.path().join(bucket).join(key)).ok()
    }

    pub fn env(&self, bucket: &str) -> Vec<(String, String)> {
        [
            ("CLI_S3_BUCKET", bucket.to_owned()),
            ("CLI_S3_REGION", "eu-central-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIATEST".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "hunter2secret".to_owned()),
            ("AWS_ENDPOINT_URL", format!("http://{}", self.addr)),
            ("AWS_S3_FORCE_PATH_STYLE", "true".to_owned()),
        ]
        .map(|(k, v)| (k.to_owned(), v))
        .to_vec()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        if let Some(r) = self.runtime.take() {
            r.shutdown_background();
        }
    }
}

/// A line to a server that stops passing on after so many bytes of one
/// direction, without closing.
pub struct Line {
    pub addr: SocketAddr,
    /// Bytes that may still go to the server.
    pub up: Arc<AtomicU64>,
    /// Bytes that may still come back.
    pub down: Arc<AtomicU64>,
    /// Connections from before it was raised are dead, and nobody is told.
    epoch: Arc<AtomicU64>,
    runtime: Option<tokio::runtime::Runtime>,
}

pub fn line(to: SocketAddr) -> Line {
    let (up, down) = (Arc::new(AtomicU64::new(u64::MAX)), Arc::new(AtomicU64::new(u64::MAX)));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let epoch = Arc::new(AtomicU64::new(0));
    let (u, d, e) = (up.clone(), down.clone(), epoch.clone());
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = tokio::net::TcpStream::connect(to).await else { continue };
            let ((cr, cw), (sr, sw)) = (client.into_split(), server.into_split());
            tokio::spawn(pass(cr, sw, u.clone(), e.clone()));
            tokio::spawn(pass(sr, cw, d.clone(), e.clone()));
        }
    });
    Line { addr, up, down, epoch, runtime: Some(runtime) }
}

impl Line {
    /// All connections die as those of a router that was switched off: nothing
    /// comes through any more, and neither side is told.
    pub fn forget(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    left: Arc<AtomicU64>,
    epoch: Arc<AtomicU64>,
) {
    let mut buffer = vec![0; 16 << 10];
    let born = epoch.load(Ordering::SeqCst);
    loop {
        let Ok(n) = from.read(&mut buffer).await else { return };
        if epoch.load(Ordering::SeqCst) != born {
            std::future::pending::<()>().await;
        }
        if n == 0 {
            return;
        }
        let mut sent = 0;
        while sent < n {
            let may = usize::try_from(left.load(Ordering::SeqCst)).unwrap_or(usize::MAX).min(n - sent);
            if may == 0 {
                // Stalled; a side that gives up is not told to the other either.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
            if to.write_all(&buffer[sent..sent + may]).await.is_err() {
                return;
            }
            left.fetch_sub(may as u64, Ordering::SeqCst);
            sent += may;
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(r) = self.runtime.take() {
            r.shutdown_background();
        }
    }
}
