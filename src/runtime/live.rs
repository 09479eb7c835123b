//! Live sources behind the screens: a tokio runtime in the background, a
//! bounded channel, a wake-up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::feed::Feed;
use super::tui::Waker;
use crate::alerts::Alerts;
use crate::envelope::Envelope;
use crate::model::Model;
use crate::pipeline::Pipeline;
use crate::sources::follow::follow;
use crate::sources::grpc::channel::Link;
use crate::sources::hub::{Clock, Hub, WallClock};
use crate::sources::live::{self, Command, LiveConfig};
use crate::ui::{Playback, TimeBase};

/// Wall time that one step may take, so that keys are answered meanwhile.
const STEP: Duration = Duration::from_millis(25);

/// A log that is read from a file: `--log COMPONENT=PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// The component that writes it.
    pub component: String,
    /// The file; `-` for standard input.
    pub path: PathBuf,
}

/// Running live sources.
pub struct Sources {
    /// Stops the sources when dropped, last of all.
    runtime: tokio::runtime::Runtime,
    /// What comes in.
    pub envelopes: mpsc::Receiver<Envelope>,
    /// What may be asked of them.
    pub commands: mpsc::Sender<Command>,
    /// The API's service, where it can be reached.
    pub cluster: Option<Link>,
    /// The way in for what this program does itself. The sources end when its
    /// last handle goes.
    pub hub: Hub,
}

impl Sources {
    /// Starts them. The error is one line that says what to do.
    pub fn start(config: LiveConfig, files: Vec<LogFile>) -> Result<Self, String> {
        Self::start_by(config, files, Arc::new(WallClock))
    }

    /// [`Self::start`] by another clock than the wall's.
    pub fn start_by(config: LiveConfig, files: Vec<LogFile>, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sources")
            .enable_all()
            .build()
            .map_err(|e| format!("cannot start threads: {e}"))?;
        let live = runtime.block_on(live::spawn(config, clock))?;
        for f in files {
            let name = if f.path.as_os_str() == "-" { "stdin".into() } else { f.path.display().to_string() };
            let port = live.hub.port(&format!("log:{name}")).of(Some(&f.component), None);
            let _guard = runtime.enter();
            live.hub.spawn(follow(f.path, port));
        }
        Ok(Self { runtime, envelopes: live.envelopes, commands: live.commands, cluster: live.cluster, hub: live.hub })
    }

    /// Waits for the next envelope, at most for `most`.
    pub fn wait(&mut self, most: Duration) -> Option<Envelope> {
        let (runtime, envelopes) = (&self.runtime, &mut self.envelopes);
        runtime.block_on(async { tokio::time::timeout(most, envelopes.recv()).await.ok().flatten() })
    }

    /// The runtime that the sources live in.
    #[must_use]
    pub fn handle(&self) -> tokio::runtime::Handle {
        self.runtime.handle().clone()
    }

    /// Ends the sources without waiting for those that hang.
    pub fn stop(self) {
        self.runtime.shutdown_timeout(Duration::from_millis(200));
    }
}

/// Feeds the screens from live sources.
pub struct LiveFeed {
    rx: std::sync::mpsc::Receiver<Envelope>,
    pipeline: Pipeline,
    more: bool,
    sources: Option<tokio::runtime::Runtime>,
    commands: mpsc::Sender<Command>,
    #[expect(dead_code, reason = "the sources end when the last handle goes")]
    hub: Hub,
}

impl LiveFeed {
    /// Passes what the sources give on to the loop.
    #[must_use]
    pub fn new(sources: Sources, waker: Waker) -> Self {
        let Sources { runtime, mut envelopes, commands, hub, .. } = sources;
        let (tx, rx) = std::sync::mpsc::sync_channel(64);
        // A thread: a full queue then slows the sources down, not the loop.
        let pass = move || {
            while let Some(e) = envelopes.blocking_recv() {
                if tx.send(e).is_err() {
                    return;
                }
                waker.wake();
            }
        };
        let _ = std::thread::Builder::new().name("merge".into()).spawn(pass);
        Self { rx, pipeline: Pipeline::new(true), more: false, sources: Some(runtime), commands, hub }
    }
}

impl Drop for LiveFeed {
    fn drop(&mut self) {
        if let Some(r) = self.sources.take() {
            r.shutdown_background();
        }
    }
}

impl Feed for LiveFeed {
    fn advance(&mut self, _elapsed: Duration, model: &mut Model) -> bool {
        let begun = Instant::now();
        let mut changed = false;
        self.more = false;
        while let Ok(e) = self.rx.try_recv() {
            self.pipeline.apply(&e, model);
            changed = true;
            if begun.elapsed() > STEP {
                self.more = true;
                break;
            }
        }
        changed
    }

    fn control(&mut self, _what: &Playback, _model: &mut Model) -> Result<(), String> {
        Err("this is live: there is nothing to play, pause or seek".into())
    }

    fn time(&self) -> TimeBase {
        TimeBase::Live
    }

    fn follow(&mut self, log: &str) {
        // A source's name, or the pod's own. When the queue is full the sources
        // are busy with the ones before: the user will ask again.
        let pod = log.strip_prefix("log:").unwrap_or(log).split('/').next().unwrap_or_default();
        let _ = self.commands.try_send(Command::Focus(Some(pod.to_owned())));
    }

    fn alerts(&self) -> &Alerts {
        self.pipeline.alerts()
    }

    fn alerts_mut(&mut self) -> Option<&mut Alerts> {
        Some(self.pipeline.alerts_mut())
    }

    fn next_wake(&self) -> Option<Duration> {
        self.more.then_some(Duration::ZERO)
    }
}
