//! Live sources behind the screens: a tokio runtime in the background, a
//! bounded channel, a wake-up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::feed::{Done, Feed};
use super::player::Player;
use super::points::{Marker, Point, Points};
use super::prover::Prover;
use super::wake::Waker;
use crate::alerts::{Alerts, Thresholds};
use crate::base::Timestamp;
use crate::base::change::Order;
use crate::envelope::Envelope;
use crate::model::Model;
use crate::pipeline::Pipeline;
use crate::sources::follow::follow;
use crate::sources::grpc::channel::Link;
use crate::sources::hub::{Clock, Hub, WallClock};
use crate::sources::live::{self, Command, LiveConfig};
use crate::tape::recorder::Recorder;
use crate::ui::{Mark, Playback, Request, TimeBase, Track, TypedStore};

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
    /// The namespaces of the cluster, when they were asked for.
    pub namespaces: watch::Receiver<Vec<String>>,
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
        let live::Live { envelopes, commands, namespaces, cluster, hub, .. } = live;
        Ok(Self { runtime, envelopes, commands, namespaces, cluster, hub })
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

/// What is recorded of a live session.
pub struct Taping {
    /// The session's own tape: what one can go back in. Else why there is none.
    pub session: Result<(Recorder, PathBuf), String>,
    /// A tape that was asked for.
    pub asked: Option<Recorder>,
}

impl Taping {
    fn recorders(&self) -> impl Iterator<Item = &Recorder> {
        self.session.iter().map(|s| &s.0).chain(&self.asked)
    }
}

const NO_API: &str = "the API is not connected: give --cluster-rpc, or a context that reaches it";

/// Points of a live session's past: each is a whole model.
const POINTS: usize = 24;
/// Workers of a cluster whose model takes megabytes.
const LARGE: usize = 256;
/// One log period.
const PERIOD: Duration = Duration::from_secs(10);

/// Feeds the screens from live sources, or from what they gave before.
pub struct LiveFeed {
    rx: std::sync::mpsc::Receiver<Envelope>,
    pipeline: Pipeline,
    more: bool,
    sources: Option<tokio::runtime::Runtime>,
    commands: mpsc::Sender<Command>,
    namespaces: watch::Receiver<Vec<String>>,
    #[expect(dead_code, reason = "the sources end when the last handle goes")]
    hub: Hub,
    taping: Arc<Taping>,
    points: Arc<Points>,
    marker: Marker,
    marks: Vec<Mark>,
    /// Bytes taken in so far.
    pos: u64,
    past: Option<Past>,
    told: bool,
    prover: Option<Prover>,
}

/// While the past is shown, the present goes on here.
struct Past {
    player: Player,
    present: Model,
    /// Where the tape was opened again to go on.
    resumed: Option<Timestamp>,
}

impl LiveFeed {
    /// With alert rules that compare with `limits`.
    #[must_use]
    pub fn with_limits(mut self, limits: Thresholds) -> Self {
        self.pipeline = Pipeline::with(true, limits);
        self
    }

    /// Passes what the sources give on to the loop and to the tapes.
    #[must_use]
    pub fn new(sources: Sources, waker: Waker, taping: Taping) -> Self {
        let Sources { runtime, mut envelopes, commands, namespaces, hub, .. } = sources;
        let (tx, rx) = std::sync::mpsc::sync_channel(64);
        let taping = Arc::new(taping);
        let tapes = Arc::clone(&taping);
        // A thread: a full queue then slows the sources down, not the loop.
        let pass = move || {
            while let Some(e) = envelopes.blocking_recv() {
                // First on the tape: what is on the screen can be gone back to.
                tapes.recorders().for_each(|r| r.put(&e));
                if tx.send(e).is_err() {
                    return;
                }
                waker.wake();
            }
        };
        let _ = std::thread::Builder::new().name("merge".into()).spawn(pass);
        let points = Arc::new(Points::new(POINTS));
        // All there is has been read, always.
        points.finish();
        Self {
            rx,
            pipeline: Pipeline::new(true),
            more: false,
            sources: Some(runtime),
            commands,
            namespaces,
            hub,
            taping,
            points,
            marker: Marker::default(),
            marks: Vec::new(),
            pos: 0,
            past: None,
            told: false,
            prover: None,
        }
    }

    /// Takes proofs too.
    #[must_use]
    pub fn with_prover(mut self, prover: Option<Prover>) -> Self {
        self.prover = prover;
        self
    }

    /// Takes in what came.
    fn take_in(&mut self, model: &mut Model) -> bool {
        let begun = Instant::now();
        let mut changed = false;
        self.more = false;
        while let Ok(e) = self.rx.try_recv() {
            if e.at > model.now && self.taping.session.is_ok() && self.points.wants(self.pos) {
                let (pipeline, model) = (self.pipeline.clone(), model.clone());
                // Each is a whole model: of a large cluster two, and a longer way from them.
                self.points.keep(if model.workers.len() > LARGE { 2 } else { POINTS });
                self.points.put(Point { at: model.now, seq: model.seq, pos: self.pos, pipeline, model });
            }
            self.pos += e.raw.len() as u64;
            self.pipeline.apply(&e, model);
            self.marker.note(model, self.pipeline.alerts(), &self.points);
            self.points.reaches(model.now);
            changed = true;
            if begun.elapsed() > STEP {
                self.more = true;
                break;
            }
        }
        changed
    }

    /// The player of the past, which is begun at `model` where it is live.
    fn past(&mut self, model: &mut Model) -> Result<&mut Player, String> {
        let (recorder, tape) = self.taping.session.as_ref().map_err(|why| format!("the past is not kept: {why}"))?;
        recorder.flush();
        let past = self.past.get_or_insert_with(|| {
            let player = Player::past(std::slice::from_ref(tape), Arc::clone(&self.points), self.pipeline.alerts().limits());
            Past { player, present: model.clone(), resumed: None }
        });
        Ok(&mut past.player)
    }

    fn back_to_live(&mut self, model: &mut Model) {
        if let Some(p) = self.past.take() {
            // What was acknowledged there is acknowledged here.
            self.pipeline.alerts_mut().keep_marks(p.player.alerts());
            *model = p.present;
        }
    }

    /// The tape's end as it was when it was opened: there may be more by now.
    fn go_on(&mut self, model: &mut Model) {
        let Some(past) = &mut self.past else { return };
        let at = past.player.clock();
        let more = past.present.now.since(at) > Duration::from_secs(2) && past.resumed != Some(at);
        past.resumed = Some(at);
        if let (true, Ok((recorder, _))) = (more, &self.taping.session) {
            recorder.flush();
            if past.player.go(at, model).is_ok() {
                return;
            }
        }
        self.back_to_live(model);
    }

    fn now(&self, model: &Model) -> Timestamp {
        self.past.as_ref().map_or(model.now, |p| p.present.now)
    }

    /// Shows the session as it was then.
    fn go(&mut self, to: Timestamp, model: &mut Model) -> Result<(), String> {
        if to >= self.now(model) {
            if self.past.is_none() {
                return Err("this is now: nothing is known of later".into());
            }
            self.back_to_live(model);
            return Ok(());
        }
        let was_live = self.past.is_none();
        let went = self.past(model)?.go(to, model);
        if went.is_err() && was_live {
            self.back_to_live(model);
        }
        went
    }
}

impl Drop for LiveFeed {
    fn drop(&mut self) {
        if let Some(r) = self.sources.take() {
            r.shutdown_background();
        }
        for r in self.taping.recorders() {
            // It was told while it ran.
            let _ = r.finish();
        }
    }
}

impl Feed for LiveFeed {
    fn advance(&mut self, elapsed: Duration, model: &mut Model) -> bool {
        let Some(mut past) = self.past.take() else {
            let changed = self.take_in(model);
            if self.points.has_more_marks(self.marks.len()) {
                self.marks = self.points.marks();
            }
            return changed;
        };
        // Nothing is missed meanwhile. It changes what the bar says of now.
        let mut changed = self.take_in(&mut past.present);
        changed |= past.player.advance(elapsed, model);
        let at_the_end = past.player.finished();
        self.past = Some(past);
        if at_the_end {
            self.go_on(model);
        }
        changed
    }

    fn control(&mut self, what: &Playback, model: &mut Model) -> Result<(), String> {
        let now = model.now;
        match what {
            Playback::Live if self.past.is_none() => Err("this is live already".into()),
            Playback::Live => {
                self.back_to_live(model);
                Ok(())
            }
            Playback::SeekTo(t) => self.go(*t, model),
            Playback::SeekBy { by, back: true } => self.go(now.minus(*by), model),
            Playback::SeekBy { by, back: false } => self.go(now.plus(*by), model),
            Playback::Moment { back: true } => self.go(now.minus(PERIOD), model),
            Playback::Moment { back: false } => self.go(now.plus(PERIOD), model),
            Playback::Speed(_) | Playback::Loop if self.past.is_none() => {
                Err("this is live: go back first ( , or @ ), then the past can be played".into())
            }
            // Stands still where it is.
            Playback::Toggle if self.past.is_none() => {
                let to = now.minus(Duration::from_micros(1));
                self.go(to, model)
            }
            other => {
                let was_live = self.past.is_none();
                let player = self.past(model)?;
                if was_live {
                    player.stand_at(now);
                }
                let done = player.control(other, model);
                if done.is_err() && was_live {
                    self.back_to_live(model);
                }
                done
            }
        }
    }

    fn request(&mut self, what: &Request) -> Result<Done, String> {
        match &mut self.prover {
            Some(p) => p.request(what),
            None => Err(NO_API.into()),
        }
    }

    fn store(&mut self, typed: &TypedStore) -> Result<String, String> {
        match &mut self.prover {
            Some(p) => p.take_store(typed),
            None => Err(NO_API.into()),
        }
    }

    fn time(&self) -> TimeBase {
        let Some(p) = &self.past else { return TimeBase::Live };
        let TimeBase::Replay { paused, begin, .. } = p.player.time() else { return TimeBase::Live };
        TimeBase::Past { paused, begin, end: p.present.now }
    }

    fn track(&self) -> Track<'_> {
        self.past.as_ref().map_or(Track { marks: &self.marks, ab: None }, |p| p.player.track())
    }

    fn trouble(&mut self) -> Option<String> {
        if let Some(t) = self.past.as_mut().and_then(|p| p.player.trouble()) {
            return Some(t);
        }
        if self.told {
            return None;
        }
        let trouble = self.taping.recorders().find_map(Recorder::trouble);
        self.told = trouble.is_some();
        trouble
    }

    fn follow(&mut self, log: &str) {
        // A source's name, or the pod's own. When the queue is full the sources
        // are busy with the ones before: the user will ask again.
        let pod = log.strip_prefix("log:").unwrap_or(log).split('/').next().unwrap_or_default();
        let _ = self.commands.try_send(Command::Focus(Some(pod.to_owned())));
    }

    fn ask_namespaces(&mut self) {
        // Those of the last time are there until the new ones come.
        let _ = self.commands.try_send(Command::Namespaces);
    }

    fn namespaces(&mut self) -> Option<Vec<String>> {
        self.namespaces.has_changed().is_ok_and(|c| c).then(|| self.namespaces.borrow_and_update().clone())
    }

    fn change(&mut self, order: Order) -> Result<(), String> {
        self.commands.try_send(Command::Change(order)).map_err(|_| "too much is asked of the cluster at once: try again".to_owned())
    }

    fn alerts(&self) -> &Alerts {
        self.past.as_ref().map_or(self.pipeline.alerts(), |p| p.player.alerts())
    }

    fn alerts_mut(&mut self) -> Option<&mut Alerts> {
        match &mut self.past {
            Some(p) => p.player.alerts_mut(),
            None => Some(self.pipeline.alerts_mut()),
        }
    }

    fn next_wake(&self) -> Option<Duration> {
        if self.more {
            return Some(Duration::ZERO);
        }
        self.past.as_ref().and_then(|p| p.player.next_wake())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::Thresholds;
    use crate::base::SourceName;
    use crate::envelope::Kind;
    use crate::output::status::Status;
    use crate::sources::hub::HubConfig;
    use crate::tape::recorder::Sink;
    use crate::tape::ring::{Limits, Ring};

    /// A feed whose envelopes are put in by hand.
    struct Rig {
        feed: LiveFeed,
        model: Model,
        put: mpsc::Sender<Envelope>,
        sent: Vec<Envelope>,
        begin: Timestamp,
        _dir: tempfile::TempDir,
    }

    impl Rig {
        fn new(keep: bool) -> Self {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let (hub, _) = {
                let _guard = runtime.enter();
                Hub::new(&HubConfig::default(), Arc::new(WallClock))
            };
            let (put, envelopes) = mpsc::channel(64);
            let sources =
                Sources { runtime, envelopes, commands: mpsc::channel(1).0, namespaces: watch::channel(Vec::new()).1, cluster: None, hub };
            let dir = tempfile::tempdir().unwrap();
            let begin = Timestamp::from_secs(1_795_480_000);
            let session = if keep {
                let ring = Ring::begin(dir.path(), Limits::default(), begin, 0).unwrap();
                let path = ring.dir().to_owned();
                Ok((Recorder::start(Sink::Ring(Box::new(ring)), path.clone()).unwrap(), path))
            } else {
                Err("not wanted".to_owned())
            };
            let (waker, _inbox) = super::super::channel();
            let feed = LiveFeed::new(sources, waker, Taping { session, asked: None }).with_limits(Thresholds::default());
            Self { feed, model: Model::new(), put, sent: Vec::new(), begin, _dir: dir }
        }

        fn at(&self, period: u64) -> Timestamp {
            self.begin.plus(PERIOD * u32::try_from(period).unwrap())
        }

        /// The stats of a period, with its number as the CPU queue.
        fn period(&mut self, n: u64) {
            let at = self.at(n);
            let line = format!(
                "{}Z  INFO sp1_cluster_coordinator: [coordinator] GetStatsResponse {{ coordinator_version: \"x\", sp1_circuit_version: \"v6.1.0\", total_tasks: 1, active_tasks: 1, \
                 cpu_workers: 1, gpu_workers: 1, cpu_utilization_current: 1, cpu_utilization_max: 48, gpu_utilization_current: 0, gpu_utilization_max: 24, active_proofs: 1, \
                 cpu_queue: {n}, gpu_queue: 0, active_subscribers: 0 }}\n",
                at.to_string().trim_end_matches('Z')
            );
            let seq = self.sent.len() as u64 + 1;
            let e = Envelope { seq, at, source: SourceName::new("log:coordinator"), kind: Kind::Log, raw: line.into() };
            self.put.blocking_send(e.clone()).unwrap();
            self.sent.push(e);
        }

        /// Advances until it is so.
        fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
            let limit = Instant::now() + Duration::from_secs(60);
            while !so(self) {
                assert!(Instant::now() < limit, "{what} never came; cpu queue {:?}, {:?}", self.queue(), self.feed.time());
                self.feed.advance(Duration::from_millis(5), &mut self.model);
                std::thread::sleep(Duration::from_millis(1));
            }
        }

        fn queue(&self) -> Option<u32> {
            self.model.stats.as_ref().and_then(|s| s.stats.cpu_queue)
        }

        fn is_past(&self) -> bool {
            matches!(self.feed.time(), TimeBase::Past { .. })
        }

        fn json(&self) -> String {
            serde_json::to_string(&Status::of(&self.model, self.feed.alerts())).unwrap()
        }
    }

    #[test]
    fn the_past_is_shown_while_the_present_goes_on() {
        let mut rig = Rig::new(true);
        for n in 0..20 {
            rig.period(n);
        }
        rig.until("the present", |r| r.queue() == Some(19));
        assert_eq!(rig.feed.time(), TimeBase::Live);
        // Two periods back, one on.
        for (back, want) in [(true, 18), (true, 17), (false, 18)] {
            rig.feed.control(&Playback::Moment { back }, &mut rig.model).unwrap();
            rig.until("a step", |r| r.queue() == Some(want));
        }
        let end = rig.at(19);
        assert!(matches!(rig.feed.time(), TimeBase::Past { paused: true, end: e, .. } if e == end), "{:?}", rig.feed.time());
        // To a time, as it was then: the same as if nothing later had ever come.
        let then = rig.at(5);
        rig.feed.control(&Playback::SeekTo(then), &mut rig.model).unwrap();
        rig.until("the time", |r| r.queue() == Some(5) && r.model.now == then);
        let (mut model, mut pipeline) = (Model::new(), Pipeline::with(true, Thresholds::default()));
        for e in &rig.sent[..6] {
            pipeline.apply(e, &mut model);
        }
        assert_eq!(rig.json(), serde_json::to_string(&Status::of(&model, pipeline.alerts())).unwrap());
        // Meanwhile it goes on, unseen, and nothing of it is missed.
        for n in 20..30 {
            rig.period(n);
        }
        let end = rig.at(29);
        rig.until("what came meanwhile", |r| matches!(r.feed.time(), TimeBase::Past { end: e, .. } if e == end));
        assert_eq!(rig.queue(), Some(5), "what is shown stands still");
        rig.feed.control(&Playback::Live, &mut rig.model).unwrap();
        assert_eq!((rig.queue(), rig.feed.time()), (Some(29), TimeBase::Live));
        for e in &rig.sent[6..] {
            pipeline.apply(e, &mut model);
        }
        assert_eq!(rig.json(), serde_json::to_string(&Status::of(&model, pipeline.alerts())).unwrap());
        assert!(rig.feed.control(&Playback::Live, &mut rig.model).is_err(), "it is live already");
    }

    #[test]
    fn played_on_the_past_comes_to_the_present() {
        let mut rig = Rig::new(true);
        for n in 0..10 {
            rig.period(n);
        }
        rig.until("the present", |r| r.queue() == Some(9));
        rig.feed.control(&Playback::SeekTo(rig.at(2)), &mut rig.model).unwrap();
        rig.until("the time", |r| r.queue() == Some(2));
        rig.period(10);
        rig.feed.control(&Playback::Speed(None), &mut rig.model).unwrap();
        rig.feed.control(&Playback::Toggle, &mut rig.model).unwrap();
        rig.until("the present again", |r| !r.is_past() && r.queue() == Some(10));
        // What is later than now is not known; a step on is no step.
        let e = rig.feed.control(&Playback::Moment { back: false }, &mut rig.model).unwrap_err();
        assert!(e.contains("this is now"), "{e}");
        let e = rig.feed.control(&Playback::Loop, &mut rig.model).unwrap_err();
        assert!(e.contains("go back first"), "{e}");
        // Before the beginning there is the beginning.
        rig.feed.control(&Playback::SeekBy { by: Duration::from_secs(86_400), back: true }, &mut rig.model).unwrap();
        rig.until("the beginning", |r| r.is_past() && r.queue() == Some(0));
    }

    #[test]
    fn without_a_tape_there_is_no_past_and_it_says_why() {
        let mut rig = Rig::new(false);
        rig.period(1);
        rig.until("the present", |r| r.queue() == Some(1));
        let e = rig.feed.control(&Playback::Moment { back: true }, &mut rig.model).unwrap_err();
        assert!(e.contains("the past is not kept: not wanted") && !rig.is_past(), "{e}");
    }
}
