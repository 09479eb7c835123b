//! `record`: a tape without a screen, of a cluster or of other recordings.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::args::{Place, RecordArgs};
use super::{Failure, Outcome, screen, status};
use crate::base::units;
use crate::envelope::{Envelope, Kind, SourceUpdate};
use crate::model::Model;
use crate::pipeline::Pipeline;
use crate::runtime::demo::{Demo, DemoOptions};
use crate::runtime::live::{Sources, Taping};
use crate::sim::Scenario;
use crate::sources::files::Recording;
use crate::sources::hub::{Clock as _, WallClock, hide};
use crate::sources::kube::strip;
use crate::tape::recorder::{Recorder, Sink, unwritable};
use crate::tape::ring::{self, Limits, Ring};
use crate::tape::share::Sharer;

pub(super) fn run(args: &RecordArgs, place: &Place) -> Outcome {
    let (tally, unseen) = if args.from.is_empty() { live(args, place)? } else { (convert(args)?, None) };
    let size = std::fs::metadata(&args.output).map_or(0, |m| m.len());
    let span = units::seconds(tally.span);
    eprintln!("sp1top: {}: {} envelopes, {span}, {}", args.output.display(), tally.count, units::bytes(size));
    // A script is to know that nobody answered.
    unseen.map_or(Ok(0), |why| Err(Failure::from(why)))
}

/// What was recorded.
#[derive(Default)]
struct Tally {
    count: u64,
    first: Option<crate::base::Timestamp>,
    span: Duration,
}

impl Tally {
    fn note(&mut self, e: &Envelope) {
        self.count += 1;
        self.span = e.at.since(*self.first.get_or_insert(e.at));
    }
}

/// A tape that is there already may be of the incident that somebody looks for:
/// it is kept under another name. Any other file is refused later.
fn keep_earlier(path: &Path) -> Result<(), String> {
    if !Sink::is_tape(path) {
        return Ok(());
    }
    let other = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{n}"));
        PathBuf::from(name)
    };
    let free = (1..=999).map(other).find(|p| !p.exists());
    let free = free.ok_or_else(|| format!("{} and 999 earlier ones are there already; give another name", path.display()))?;
    std::fs::rename(path, &free)
        .map_err(|e| format!("{} is there already and cannot be renamed: {e}; give another name", path.display()))?;
    eprintln!("sp1top: note: the {} that was there is now {}", path.display(), free.display());
    Ok(())
}

fn sharer(share: bool) -> Option<Sharer> {
    share.then(|| {
        use std::hash::{BuildHasher as _, Hasher as _};
        // Seeded by the system, once a process: nobody can try names.
        Sharer::new(std::hash::RandomState::new().build_hasher().finish())
    })
}

/// What was recorded, and why nothing was seen of a cluster where nothing was.
fn live(args: &RecordArgs, place: &Place) -> Result<(Tally, Option<String>), Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for s in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(s, Arc::clone(&stop))?;
    }
    keep_earlier(&args.output)?;
    let sink = Sink::file(&args.output, sharer(args.share))?;
    // Held until the end: the sources look at it.
    let demo = demo(args)?;
    let mut sources = match &demo {
        Some(d) => Sources::start_by(d.config(), Vec::new(), d.clock())?,
        None => Sources::start(screen::live_config(place)?, place.log.clone())?,
    };
    let recorder = Recorder::start(sink, args.output.clone())?;
    let begun = Instant::now();
    let mut tally = Tally::default();
    // Until something is seen: a recorder has no other use for a model.
    let mut unseen = Some((Pipeline::new(false), Model::new()));
    while !stop.load(Ordering::Relaxed) && args.r#for.is_none_or(|d| if demo.is_some() { tally.span < d } else { begun.elapsed() < d }) {
        if let Some(t) = recorder.trouble() {
            return Err(Failure::from(t));
        }
        let Some(e) = sources.wait(Duration::from_millis(200)) else { continue };
        tell(&e);
        tally.note(&e);
        if let Some((pipeline, model)) = &mut unseen {
            pipeline.apply(&e, model);
            if status::seen(model) {
                unseen = None;
            }
        }
        recorder.put(&e);
    }
    sources.stop();
    recorder.finish()?;
    Ok((tally, unseen.and_then(|(_, model)| status::nothing_seen(&model))))
}

/// The simulated cluster that was asked for.
fn demo(args: &RecordArgs) -> Result<Option<Demo>, Failure> {
    let Some(name) = &args.demo else { return Ok(None) };
    let scenario = Scenario::find(name).ok_or_else(|| Failure::usage(format!("there is no scenario '{name}'; see sp1top demo --list")))?;
    Ok(Some(Demo::start(DemoOptions { scenario, seed: args.seed, speed: args.demo_speed })?))
}

/// Without a screen, trouble is told as it comes.
fn tell(e: &Envelope) {
    if e.kind == Kind::Source
        && let Ok(u) = serde_json::from_slice::<SourceUpdate>(&e.raw)
        && !u.detail.is_empty()
    {
        eprintln!("sp1top: {}: {}", e.source, u.detail);
    }
}

/// Makes a tape of other recordings: of raw logs, or of a tape to be shown
/// around.
fn convert(args: &RecordArgs) -> Result<Tally, Failure> {
    let mut sharer = sharer(args.share);
    if let Some(s) = &mut sharer {
        // Names are replaced where they stand before they can be known for such.
        let mut recording = Recording::open(&args.from, "files")?;
        while let Some(e) = recording.next()? {
            s.learn(&e);
        }
    }
    let mut recording = Recording::open(&args.from, "files")?;
    let out = std::fs::canonicalize(&args.output).ok();
    if out.is_some_and(|o| args.from.iter().any(|p| std::fs::canonicalize(p).is_ok_and(|p| p == o))) {
        return Err(Failure::usage("the tape would be written over what it is made of; give another name"));
    }
    keep_earlier(&args.output)?;
    let mut sink = Sink::file(&args.output, sharer)?;
    let mut tally = Tally::default();
    let told = |e: std::io::Error| unwritable(&args.output, &e);
    while let Some(e) = recording.next()? {
        tally.note(&e);
        sink.put(&clean(e)).map_err(told)?;
    }
    sink.finish().map_err(told)?;
    Ok(tally)
}

/// What a live source would have left out.
pub(super) fn clean(mut e: Envelope) -> Envelope {
    if e.kind == Kind::Json
        && let Some(raw) = strip::documents(&e.raw)
    {
        e.raw = raw;
    }
    e.raw = hide(e.kind, e.raw);
    e
}

/// Where the sessions of this user are.
pub(super) fn sessions_dir() -> Option<PathBuf> {
    let env = |n: &str| std::env::var_os(n).map(PathBuf::from).filter(|p| p.is_absolute());
    let state = env("XDG_STATE_HOME").or_else(|| env("HOME").map(|h| h.join(".local").join("state")))?;
    Some(ring::sessions(&state))
}

/// The tapes of a live dashboard. That of the session may fail: the dashboard
/// does without. One that was asked for may not.
pub(super) fn taping(asked: Option<&Path>, session: bool) -> Result<Taping, Failure> {
    let asked = match asked {
        Some(path) => {
            keep_earlier(path)?;
            Some(Recorder::start(Sink::file(path, None)?, path.to_owned())?)
        }
        None => None,
    };
    Ok(Taping { session: if session { session_tape() } else { Err("--no-session-tape was given".into()) }, asked })
}

fn session_tape() -> Result<(Recorder, PathBuf), String> {
    let dir = sessions_dir().ok_or("neither XDG_STATE_HOME nor HOME is set")?;
    let ring = Ring::begin(&dir, Limits::default(), WallClock.now(), std::process::id());
    let ring = ring.map_err(|e| format!("cannot write {}: {e}", dir.display()))?;
    let path = ring.dir().to_owned();
    Ok((Recorder::start(Sink::Ring(Box::new(ring)), path.clone())?, path))
}

/// The session before this one.
pub(super) fn last_session() -> Result<PathBuf, Failure> {
    let dir = sessions_dir().ok_or("neither XDG_STATE_HOME nor HOME is set: there are no sessions")?;
    let last = ring::list(&dir).pop();
    last.ok_or_else(|| Failure::from(format!("no session is kept in {}; sp1top watch keeps one", dir.display())))
}
