//! The demo: a simulated cluster behind sockets on loopback, its kubeconfig in
//! a folder of its own that goes with it, and the screens on the live sources.

use std::io::{BufRead as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::feed::{Done, Feed};
use super::live::{LiveFeed, Sources, Taping};
use super::prover::{Prover, ProverOptions};
use super::wake::Waker;
use crate::alerts::Alerts;
use crate::alerts::Thresholds;
use crate::app::ProverSetup;
use crate::base::Timestamp;
use crate::base::change::Order;
use crate::model::Model;
use crate::prover::drive::DriveOptions;
use crate::prover::journal::Journal;
use crate::prover::settings::{Settings, StoreConfig};
use crate::sim::Scenario;
use crate::sim::serve::{Server, SimClock};
use crate::sources::hub::Clock as _;
use crate::sources::kube::access::AccessOptions;
use crate::sources::kube::logs::LogOptions;
use crate::sources::live::LiveConfig;
use crate::tape::recorder::{Recorder, Sink};
use crate::tape::ring::{Limits, Ring};
use crate::ui::{Playback, Request, TimeBase, Track};

/// What to play.
#[derive(Clone, Copy)]
pub struct DemoOptions {
    /// The story.
    pub scenario: &'static Scenario,
    /// Decides all dice.
    pub seed: u64,
    /// Simulated seconds a second.
    pub speed: f64,
}

/// A running simulated cluster.
pub struct Demo {
    /// What listens, and where.
    pub server: Server,
    folder: tempfile::TempDir,
    namespace: String,
    /// Stops everything when dropped.
    runtime: tokio::runtime::Runtime,
}

/// The least of the coordinator's log that is read at first: the whole warm-up.
const TAIL: usize = 20_000;

impl Demo {
    /// Builds the cluster and lets it listen.
    pub fn start(options: DemoOptions) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("cluster")
            .enable_all()
            .build()
            .map_err(|e| format!("cannot start threads: {e}"))?;
        let now = Timestamp::ZERO.plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        let server = runtime.block_on(Server::of(options.scenario, options.seed, options.speed, now));
        let server = server.map_err(|e| format!("cannot listen on loopback: {e}"))?;
        let folder = tempfile::Builder::new().prefix("sp1top-demo-").tempdir();
        let folder = folder.map_err(|e| format!("cannot make a folder in {}: {e}; set TMPDIR", std::env::temp_dir().display()))?;
        let demo = Self { namespace: server.world.read(|s| s.cluster.namespace().to_owned()), server, folder, runtime };
        let path = demo.kubeconfig();
        std::fs::write(&path, demo.server.kubeconfig()).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        Ok(demo)
    }

    /// The kubeconfig's file.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// The clock that it runs by.
    #[must_use]
    pub fn clock(&self) -> Arc<SimClock> {
        Arc::clone(&self.server.world.clock)
    }

    /// What the live sources are to look at.
    #[must_use]
    pub fn config(&self) -> LiveConfig {
        LiveConfig {
            kube: Some(AccessOptions { kubeconfig: Some(self.kubeconfig()), context: None, namespace: self.namespace.clone() }),
            // At a slow speed, or while the time stands still, ten simulated
            // seconds are long.
            logs: LogOptions { coordinator_silence: Duration::from_secs(3600), coordinator_tail: TAIL, ..LogOptions::default() },
            mode: "demo".into(),
            ..LiveConfig::default()
        }
    }

    /// What a person needs to use it with other tools.
    #[must_use]
    pub fn card(&self) -> String {
        let s = &self.server;
        let path = self.kubeconfig();
        format!(
            "A simulated SP1 cluster, on loopback only, until Ctrl-C.\n\n  \
             export KUBECONFIG={}\n  kubectl get pods -o wide        # contexts: sp1top-demo, -operator, -viewer, -nobody\n  \
             sp1top --kubeconfig $KUBECONFIG\n\n\
             coordinator  http://{}\napi          http://{}\nkubernetes   http://{}\n\
             artifacts    redis://{}    for example: sp1top prove fibonacci --redis-nodes redis://{}\n\
             orders       http://{}      for example: curl -d 'lose gpu-node 60' http://{}\n\
             Orders can be typed here too; help tells all.{}\n",
            path.display(),
            s.coordinator,
            s.cluster,
            s.kube,
            s.artifacts,
            s.artifacts,
            s.control,
            s.control,
            self.pace(),
        )
    }

    /// A word on the time, where it does not go with the wall's.
    fn pace(&self) -> String {
        let speed = self.server.world.clock.rate();
        if (speed - 1.0).abs() < 1e-9 {
            return String::new();
        }
        format!(
            "\n\nIts time goes {speed} times as fast as the wall's: ages and deadlines of other tools, which go by the wall's clock, are wrong."
        )
    }

    /// The store that its proofs are in.
    fn store(&self) -> StoreConfig {
        StoreConfig::Redis { nodes: vec![format!("redis://{}", self.server.artifacts)], ttl: Duration::from_secs(6 * 3600) }
    }

    /// What the dialogs that send proofs need to know.
    #[must_use]
    pub fn prover(&self) -> ProverSetup {
        ProverSetup { store: Some(Ok(format!("the demo's own, {}", self.store().describe()))), ..ProverSetup::default() }
    }

    /// Serves until a signal comes; lines of standard input are orders.
    pub fn serve(self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        out.write_all(self.card().as_bytes())?;
        out.flush()?;
        let world = Arc::clone(&self.server.world);
        // A thread that nobody waits for: standard input cannot be interrupted.
        let _ = std::thread::Builder::new().name("orders".into()).spawn(move || {
            let mut input = std::io::stdin().lock();
            while let Some(line) = order(&mut input) {
                let answer = crate::sim::serve::order::run(&world, &line).unwrap_or_else(|e| format!("? {e}"));
                let mut out = std::io::stdout().lock();
                let _ = writeln!(out, "{}", answer.trim_end());
            }
        });
        self.runtime.block_on(interrupted());
        Ok(())
    }

    /// The folder that everything is written into.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The next line. One that does not end is no order, and nothing comes behind it.
fn order(input: &mut impl std::io::BufRead) -> Option<String> {
    const LONGEST: u64 = 4096;
    let mut line = Vec::new();
    let n = input.take(LONGEST).read_until(b'\n', &mut line).ok()?;
    let whole = n > 0 && line.len() < usize::try_from(LONGEST).unwrap_or(usize::MAX);
    whole.then(|| String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// SIGINT, SIGTERM or SIGHUP.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut s) => drop(s.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::hangup()) => {}
    }
}

/// Feeds the screens from a demo: live sources whose time can be steered.
pub struct DemoFeed {
    // Dropped first: the sources before what they look at.
    live: LiveFeed,
    clock: Arc<SimClock>,
    demo: Demo,
}

impl DemoFeed {
    /// The screens' feed on a demo.
    pub fn new(demo: Demo, waker: Waker, limits: Thresholds) -> Result<Self, String> {
        let clock = demo.clock();
        let sources = Sources::start_by(demo.config(), Vec::new(), clock.clone())?;
        let taping = Taping { session: tape(&demo), asked: None };
        let options = ProverOptions {
            cluster: "the demo".into(),
            store: Some(demo.store()),
            other_store: None,
            variables: Settings::default(),
            journal: Journal::new(demo.folder().join("jobs")),
            out: demo.folder().to_owned(),
            read_only: false,
            rpc: None,
            clock: clock.clone(),
            // Its time may go fast.
            drive: DriveOptions { poll: Duration::from_millis(250), progress: Duration::from_secs(60), ..DriveOptions::default() },
        };
        let link = sources.cluster.clone();
        let prover = link.map(|link| Prover::start(options, link, &sources.hub, sources.handle()));
        Ok(Self { live: LiveFeed::new(sources, waker, taping).with_limits(limits).with_prover(prover), clock, demo })
    }
}

/// The demo's tape, which goes with its folder: its past can be gone back to.
fn tape(demo: &Demo) -> Result<(Recorder, PathBuf), String> {
    let ring = Ring::begin(&demo.folder().join("sessions"), Limits::default(), demo.clock().now(), 0);
    let ring = ring.map_err(|e| format!("cannot write {}: {e}", demo.folder().display()))?;
    let path = ring.dir().to_owned();
    Ok((Recorder::start(Sink::Ring(Box::new(ring)), path.clone())?, path))
}

impl Feed for DemoFeed {
    fn advance(&mut self, elapsed: Duration, model: &mut Model) -> bool {
        self.live.advance(elapsed, model)
    }

    fn control(&mut self, what: &Playback, model: &mut Model) -> Result<(), String> {
        let past = matches!(self.live.time(), TimeBase::Past { .. });
        match what {
            _ if past => self.live.control(what, model),
            Playback::Toggle => {
                self.clock.pause(!self.clock.paused());
                Ok(())
            }
            Playback::Speed(speed) => {
                let wanted = speed.unwrap_or(*SimClock::SPEEDS.end());
                let got = self.clock.set_rate(wanted);
                if (got - wanted).abs() > 1e-9 { Err(format!("a demo runs at most at {}×", SimClock::SPEEDS.end())) } else { Ok(()) }
            }
            Playback::SeekBy { by, back: false } => {
                self.clock.skip((*by).min(Duration::from_secs(600)));
                Ok(())
            }
            other => self.live.control(other, model),
        }
    }

    fn request(&mut self, what: &Request) -> Result<Done, String> {
        self.live.request(what)
    }

    fn time(&self) -> TimeBase {
        if let past @ TimeBase::Past { .. } = self.live.time() {
            return past;
        }
        TimeBase::Demo { speed: self.clock.rate(), paused: self.clock.paused() }
    }

    fn follow(&mut self, log: &str) {
        self.live.follow(log);
    }

    fn next_wake(&self) -> Option<Duration> {
        self.live.next_wake()
    }

    fn track(&self) -> Track<'_> {
        self.live.track()
    }

    fn trouble(&mut self) -> Option<String> {
        self.live.trouble()
    }

    fn change(&mut self, order: Order) -> Result<(), String> {
        self.live.change(order)
    }

    fn alerts(&self) -> &Alerts {
        self.live.alerts()
    }

    fn alerts_mut(&mut self) -> Option<&mut Alerts> {
        self.live.alerts_mut()
    }

    fn says(&mut self) -> Option<String> {
        let news = self.demo.server.world.news();
        news.last().map(|c| format!("{}: {}", c.title, c.text))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn orders_are_lines_and_a_line_without_end_is_none() {
        let mut input = &b"help\nlose gpu-node 60"[..];
        assert_eq!(super::order(&mut input).as_deref(), Some("help"));
        assert_eq!(super::order(&mut input).as_deref(), Some("lose gpu-node 60"));
        assert_eq!(super::order(&mut input), None);
        let mut endless = std::io::BufReader::new(std::io::repeat(0));
        assert_eq!(super::order(&mut endless), None);
    }
}
