//! Replay: plays recordings into a model at any speed, and goes back in them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use super::feed::Feed;
use crate::alerts::Alerts;
use crate::base::Timestamp;
use crate::envelope::Envelope;
use crate::model::Model;
use crate::pipeline::Pipeline;
use crate::sources::files::{Error, Recording, span};
use crate::ui::{Playback, TimeBase};

/// Wall time that one step may take, so that keys are answered meanwhile.
const STEP: Duration = Duration::from_millis(25);
/// Envelopes of standard input are kept up to this many bytes, to go back in.
const KEPT: usize = 256 << 20;
/// Points to go back to.
const POINTS: usize = 40;

/// A point in the recording that can be gone back to.
struct Point {
    at: Timestamp,
    seq: u64,
    pipeline: Pipeline,
    model: Model,
}

/// Where envelopes come from, again and again.
struct Reel {
    paths: Vec<PathBuf>,
    recording: Recording,
    /// Standard input cannot be read twice.
    kept: Option<Vec<Envelope>>,
    kept_bytes: usize,
    /// The envelope that comes next, by its number.
    next_seq: u64,
}

impl Reel {
    fn next_at(&self) -> Option<Timestamp> {
        match &self.kept {
            Some(k) => k.get(usize::try_from(self.next_seq - 1).ok()?).map(|e| e.at).or_else(|| self.recording.next_at()),
            None => self.recording.next_at(),
        }
    }

    fn next(&mut self) -> Result<Option<Envelope>, Error> {
        if let Some(k) = &mut self.kept {
            let i = usize::try_from(self.next_seq - 1).unwrap_or(usize::MAX);
            if let Some(e) = k.get(i) {
                self.next_seq += 1;
                return Ok(Some(e.clone()));
            }
            let Some(e) = self.recording.next()? else { return Ok(None) };
            self.kept_bytes += e.raw.len();
            if self.kept_bytes <= KEPT {
                k.push(e.clone());
            }
            self.next_seq = e.seq + 1;
            return Ok(Some(e));
        }
        let e = self.recording.next()?;
        if let Some(e) = &e {
            self.next_seq = e.seq + 1;
        }
        Ok(e)
    }

    /// Goes back (or on) so that the envelope after `seq` comes next.
    fn rewind(&mut self, seq: u64) -> Result<(), Error> {
        if self.kept.is_some() {
            self.next_seq = seq + 1;
            return Ok(());
        }
        self.recording = Recording::open(&self.paths, "replay")?;
        self.next_seq = 1;
        while self.next_seq <= seq && self.next()?.is_some() {}
        Ok(())
    }
}

/// Plays a recording.
pub struct Player {
    reel: Reel,
    pipeline: Pipeline,
    speed: Option<f64>,
    paused: bool,
    finished: bool,
    clock: Timestamp,
    begin: Timestamp,
    end: Arc<AtomicI64>,
    points: Vec<Point>,
    /// A time that is being gone to.
    seeking: Option<Seek>,
    bytes_since_point: usize,
    trouble: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Seek {
    To(Timestamp),
    /// To the next moment: the number of moments so far.
    Moment(u64),
}

impl Player {
    /// Opens recordings. `speed` is recorded seconds a second, `None` for as fast
    /// as possible.
    pub fn open(paths: &[PathBuf], speed: Option<f64>) -> Result<Self, Error> {
        let recording = Recording::open(paths, "replay")?;
        let begin = recording.next_at().unwrap_or_default();
        let end = Arc::new(AtomicI64::new(begin.0));
        {
            // The end of a large compressed file is not waited for.
            let (paths, end) = (paths.to_vec(), Arc::clone(&end));
            let look = move || {
                for p in paths {
                    if let Some((_, last)) = span(&p) {
                        end.fetch_max(last.0, Ordering::Relaxed);
                    }
                }
            };
            // Without that thread the end is what was played so far.
            let _ = std::thread::Builder::new().name("span".into()).spawn(look);
        }
        let stdin = paths.iter().any(|p| p.as_os_str() == "-");
        Ok(Self {
            reel: Reel { paths: paths.to_vec(), recording, kept: stdin.then(Vec::new), kept_bytes: 0, next_seq: 1 },
            pipeline: Pipeline::new(true),
            speed,
            paused: false,
            finished: false,
            clock: begin,
            begin,
            end,
            points: Vec::new(),
            seeking: None,
            bytes_since_point: 0,
            trouble: None,
        })
    }

    /// The recording's first time.
    #[must_use]
    pub const fn begin(&self) -> Timestamp {
        self.begin
    }

    /// Goes there before anything is shown.
    pub fn start_at(&mut self, at: Timestamp) {
        self.seeking = Some(Seek::To(at));
    }

    fn end(&self) -> Timestamp {
        Timestamp(self.end.load(Ordering::Relaxed)).max(self.clock)
    }

    /// Plays up to `until`, but no longer than one step. True when it got there.
    fn play(&mut self, until: Option<Timestamp>, model: &mut Model, changed: &mut bool) -> bool {
        let begun = Instant::now();
        let mut n = 0u32;
        loop {
            match self.reel.next_at() {
                None => {
                    self.finished = true;
                    return true;
                }
                Some(at) if until.is_some_and(|u| at > u) => return true,
                Some(_) => {}
            }
            self.keep_point(model);
            let envelope = match self.reel.next() {
                Ok(Some(e)) => e,
                Ok(None) => continue,
                Err(e) => {
                    self.trouble = Some(e.to_string());
                    self.finished = true;
                    return true;
                }
            };
            self.clock = self.clock.max(envelope.at);
            self.bytes_since_point += envelope.raw.len();
            self.pipeline.apply(&envelope, model);
            *changed = true;
            n += 1;
            if let Some(Seek::Moment(before)) = self.seeking
                && model.moments.total() > before
            {
                return true;
            }
            // A clock is read now and then only.
            if (n.is_multiple_of(16) || envelope.raw.len() > 1 << 16) && begun.elapsed() > STEP {
                return false;
            }
        }
    }

    /// Keeps a point to go back to now and then.
    fn keep_point(&mut self, model: &Model) {
        let due = match self.points.last() {
            None => true,
            Some(p) => self.clock > p.at && (self.clock.since(p.at) >= Duration::from_secs(60) || self.bytes_since_point > 8 << 20),
        };
        if !due {
            return;
        }
        self.bytes_since_point = 0;
        if self.points.len() >= POINTS {
            // Every second one goes: they stay spread over all that was played.
            let mut i = 0;
            self.points.retain(|_| {
                i += 1;
                i % 2 == 1
            });
        }
        self.points.push(Point { at: self.clock, seq: self.reel.next_seq - 1, pipeline: self.pipeline.clone(), model: model.clone() });
    }

    /// Goes to a time; back means from the nearest point before it.
    fn go(&mut self, to: Timestamp, model: &mut Model) -> Result<(), String> {
        let to = to.max(self.begin);
        if to < self.clock {
            let i = self.points.iter().rposition(|p| p.at <= to).unwrap_or(0);
            let Some(p) = self.points.get(i) else { return Err("nothing was played yet".into()) };
            self.reel.rewind(p.seq).map_err(|e| e.to_string())?;
            *model = p.model.clone();
            let played = std::mem::replace(&mut self.pipeline, p.pipeline.clone());
            self.pipeline.alerts_mut().keep_marks(played.alerts());
            self.clock = p.at.min(to);
            self.bytes_since_point = 0;
            self.points.truncate(i + 1);
        }
        self.finished = false;
        self.seeking = Some(Seek::To(to));
        Ok(())
    }
}

impl Feed for Player {
    fn advance(&mut self, elapsed: Duration, model: &mut Model) -> bool {
        let mut changed = false;
        if let Some(seek) = self.seeking {
            let until = match seek {
                Seek::To(t) => Some(t),
                Seek::Moment(_) => None,
            };
            if self.play(until, model, &mut changed) {
                self.seeking = None;
                if let Seek::To(t) = seek
                    && !self.finished
                {
                    self.clock = self.clock.max(t);
                }
                changed = true;
            }
            return changed;
        }
        if self.paused || self.finished {
            return false;
        }
        let until = self.speed.map(|s| self.clock.plus(elapsed.mul_f64(s.clamp(0.0, 1e6))));
        if self.play(until, model, &mut changed)
            && let Some(u) = until
            && !self.finished
        {
            self.clock = self.clock.max(u);
        }
        changed | self.finished
    }

    fn control(&mut self, what: &Playback, model: &mut Model) -> Result<(), String> {
        if let Some(t) = self.trouble.take() {
            return Err(t);
        }
        match what {
            Playback::Toggle if self.finished => {
                self.paused = false;
                self.go(self.begin, model)?;
            }
            Playback::Toggle => self.paused = !self.paused,
            Playback::Speed(s) => {
                if s.is_some_and(|s| !s.is_finite() || s <= 0.0) {
                    return Err("a speed is a number above 0, or max".into());
                }
                self.speed = *s;
            }
            Playback::SeekTo(t) => self.go(*t, model)?,
            Playback::SeekBy { by, back } => {
                let to = if *back { self.clock.minus(*by) } else { self.clock.plus(*by) };
                self.go(to, model)?;
            }
            Playback::Moment { back: true } => {
                let before = self.clock.minus(Duration::from_secs(1));
                let to = model.moments.iter().rev().map(|m| m.at).find(|t| *t < before);
                let Some(to) = to else { return Err("nothing happened before".into()) };
                self.paused = true;
                self.go(to, model)?;
            }
            Playback::Moment { back: false } => {
                if self.finished {
                    return Err("this is the end of the recording".into());
                }
                self.paused = true;
                self.seeking = Some(Seek::Moment(model.moments.total()));
            }
        }
        Ok(())
    }

    fn time(&self) -> TimeBase {
        TimeBase::Replay { speed: self.speed, paused: self.paused, begin: self.begin, end: self.end(), finished: self.finished }
    }

    fn alerts(&self) -> &Alerts {
        self.pipeline.alerts()
    }

    fn alerts_mut(&mut self) -> Option<&mut Alerts> {
        Some(self.pipeline.alerts_mut())
    }

    fn next_wake(&self) -> Option<Duration> {
        if self.seeking.is_some() {
            return Some(Duration::ZERO);
        }
        if self.paused || self.finished {
            return None;
        }
        let Some(speed) = self.speed else { return Some(Duration::ZERO) };
        let gap = self.reel.next_at().map_or(Duration::ZERO, |t| t.since(self.clock));
        Some(gap.div_f64(speed.max(1e-6)).clamp(Duration::from_millis(15), Duration::from_secs(1)))
    }
}
