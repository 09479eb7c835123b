//! Plays recordings: at any speed, back and forth, round and round.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::feed::Feed;
use super::points::{Marker, Point, Points};
use super::reel::{Reel, scout};
use crate::alerts::Alerts;
use crate::alerts::Thresholds;
use crate::base::{Timestamp, when};
use crate::model::Model;
use crate::pipeline::Pipeline;
use crate::sources::files::{Error, span};
use crate::ui::{Mark, MarkKind, Playback, TimeBase, Track};

/// Wall time that one step may take, so that keys are answered meanwhile.
const STEP: Duration = Duration::from_millis(25);
/// Points to go back to.
const POINTS: usize = 48;

/// Plays a recording.
pub struct Player {
    reel: Reel,
    points: Arc<Points>,
    pipeline: Pipeline,
    marker: Marker,
    /// Bytes taken in so far.
    pos: u64,
    speed: Option<f64>,
    paused: bool,
    finished: bool,
    clock: Timestamp,
    begin: Timestamp,
    /// A time that is being gone to.
    seeking: Option<Seek>,
    /// A time to start at that is not gone to yet, as it was typed.
    start: Option<String>,
    /// The files' last time, where it can be told without reading them.
    last: Option<Timestamp>,
    /// The way to a time that was named goes on: it may not be there.
    named: bool,
    trouble: Option<String>,
    marks: Vec<Mark>,
    /// Where a loop begins and ends.
    ab: Option<(Timestamp, Option<Timestamp>)>,
}

#[derive(Clone, Copy)]
enum Seek {
    To(Timestamp),
    /// To the next mark of that kind, which nobody has read yet.
    Mark(fn(MarkKind) -> bool, &'static str),
}

/// What is said where a time before the beginning was asked for.
#[must_use]
pub fn starts_before(begin: Timestamp) -> String {
    format!("the recording begins at {begin}, after the time to start at")
}

/// What is said where a time after the end was asked for.
#[must_use]
pub fn ends_before(end: Timestamp, wanted: Timestamp) -> String {
    format!("the recording ends at {end}, before the time to go to ({wanted})")
}

impl Player {
    /// Opens recordings. `speed` is recorded seconds a second, `None` for as fast
    /// as possible.
    pub fn open(paths: &[PathBuf], speed: Option<f64>) -> Result<Self, Error> {
        Self::with_limits(paths, speed, &Thresholds::default())
    }

    /// [`Self::open`] with alert rules that compare with `limits`.
    pub fn with_limits(paths: &[PathBuf], speed: Option<f64>, limits: &Thresholds) -> Result<Self, Error> {
        let reel = Reel::open(paths)?;
        let begin = reel.next_at().unwrap_or_default();
        let points = Arc::new(Points::new(POINTS));
        points.reaches(begin);
        if !reel.is_kept() {
            scout(paths.to_vec(), &points, limits.clone());
        }
        // Only where all of them tell it.
        let last = paths.iter().map(|p| span(p).map(|s| s.1)).collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max());
        let mut this = Self::with(reel, points, begin, speed, limits);
        this.last = last;
        Ok(this)
    }

    /// Plays tapes that are still being written by one who keeps the points.
    /// Stands still, and nowhere before it is told where to go.
    #[must_use]
    pub fn past(tapes: &[PathBuf], points: Arc<Points>, limits: &Thresholds) -> Self {
        let mut reel = Reel::closed(tapes);
        let (first, begin) = reel.begin().unwrap_or_default();
        points.forget_before(first);
        let mut this = Self::with(reel, points, begin, Some(1.0), limits);
        this.paused = true;
        this
    }

    fn with(reel: Reel, points: Arc<Points>, begin: Timestamp, speed: Option<f64>, limits: &Thresholds) -> Self {
        Self {
            reel,
            points,
            pipeline: Pipeline::with(true, limits.clone()),
            marker: Marker::default(),
            pos: 0,
            speed,
            paused: false,
            finished: false,
            clock: begin,
            begin,
            seeking: None,
            start: None,
            last: None,
            named: false,
            trouble: None,
            marks: Vec::new(),
            ab: None,
        }
    }

    /// The recording's first time.
    #[must_use]
    pub const fn begin(&self) -> Timestamp {
        self.begin
    }

    /// True at the end of what there is.
    #[must_use]
    pub const fn finished(&self) -> bool {
        self.finished
    }

    /// Goes to a time as people write it before anything is shown. The error
    /// says how times are written.
    pub fn start_at(&mut self, text: &str) -> Result<(), String> {
        when::start(text, self.begin, self.begin)?;
        self.start = Some(text.to_owned());
        Ok(())
    }

    /// Looks where the start is, as soon as that can be told. True where it has
    /// to be waited for.
    fn find_start(&mut self, model: &mut Model, changed: &mut bool) -> bool {
        let Some(text) = self.start.take() else { return false };
        let known = !when::needs_end(&text) || self.last.is_some() || self.points.is_done() || self.finished;
        // What comes through a pipe has an end only once all of it came.
        let told = known || self.reel.is_kept() && self.play(None, model, changed);
        if !told {
            self.start = Some(text);
            return true;
        }
        let end = self.end().max(self.last.unwrap_or_default());
        match when::start(&text, self.begin, end) {
            Ok(to) => {
                if to < self.begin {
                    self.trouble = Some(starts_before(self.begin));
                }
                if let Err(e) = self.go(to, model) {
                    self.trouble = Some(e);
                }
                self.named = true;
            }
            Err(e) => self.trouble = Some(e),
        }
        false
    }

    /// The time that is shown.
    #[must_use]
    pub const fn clock(&self) -> Timestamp {
        self.clock
    }

    /// Stands still.
    pub fn stand(&mut self) {
        self.paused = true;
    }

    /// True when nothing is under way, and all of the recording has been read
    /// by somebody.
    #[must_use]
    pub fn settled(&self) -> bool {
        self.seeking.is_none() && self.start.is_none() && (self.reel.is_kept() || self.points.is_done())
    }

    /// What is shown is already there: nothing has to be played to it.
    pub fn stand_at(&mut self, at: Timestamp) {
        self.clock = at;
    }

    /// The points that are kept of it, by whoever reads it.
    #[must_use]
    pub const fn points(&self) -> &Arc<Points> {
        &self.points
    }

    fn end(&self) -> Timestamp {
        self.points.end().max(self.clock)
    }

    /// Plays up to `until`, but no longer than one step. True when it got there.
    fn play(&mut self, until: Option<Timestamp>, model: &mut Model, changed: &mut bool) -> bool {
        let begun = Instant::now();
        let mut n = 0_u32;
        loop {
            match self.reel.next_at() {
                None => {
                    self.finished = true;
                    return true;
                }
                Some(at) if until.is_some_and(|u| at > u) => return true,
                Some(at) if at > self.clock => self.keep_point(model),
                Some(_) => {}
            }
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
            self.pos += envelope.raw.len() as u64;
            self.pipeline.apply(&envelope, model);
            *changed = true;
            n += 1;
            if self.reel.is_kept() {
                self.marker.note(model, self.pipeline.alerts(), &self.points);
                if let Some(Seek::Mark(wanted, _)) = self.seeking
                    && self.points.find(self.clock.minus(Duration::from_micros(1)), false, wanted).is_some()
                {
                    return true;
                }
            }
            // A clock is read now and then only.
            if (n.is_multiple_of(16) || envelope.raw.len() > 1 << 16) && begun.elapsed() > STEP {
                return false;
            }
        }
    }

    /// Keeps a point to go back to, unless somebody has one near.
    fn keep_point(&self, model: &Model) {
        if self.points.wants(self.pos) {
            let (pipeline, model) = (self.pipeline.clone(), model.clone());
            self.points.put(Point { at: self.clock, seq: self.reel.last(), pos: self.pos, pipeline, model });
        }
    }

    /// Goes to a time, from the nearest point before it.
    pub fn go(&mut self, to: Timestamp, model: &mut Model) -> Result<(), String> {
        self.named = false;
        // Wherever it was to start, one wants to be there now.
        self.start = None;
        let to = to.max(self.begin);
        let point = self.points.before(to);
        let nearer = point.as_ref().is_some_and(|p| p.at > self.clock);
        if to < self.clock || nearer || self.finished || !self.reel.is_open() {
            let (pipeline, there, pos, seq, at) = match &point {
                Some(p) => (p.pipeline.clone(), p.model.clone(), p.pos, p.seq, p.at),
                None => (Pipeline::with(true, self.pipeline.alerts().limits().clone()), Model::new(), 0, 0, self.begin),
            };
            let played = std::mem::replace(&mut self.pipeline, pipeline);
            self.pipeline.alerts_mut().keep_marks(played.alerts());
            (*model, self.pos) = (there, pos);
            self.reel.rewind(seq).map_err(|e| e.to_string())?;
            self.clock = at.min(to).max(self.begin);
        }
        self.finished = false;
        self.seeking = Some(Seek::To(to));
        Ok(())
    }

    /// Goes to the next mark, or to the one before.
    fn mark(&mut self, back: bool, wanted: fn(MarkKind) -> bool, what: &'static str, model: &mut Model) -> Result<(), String> {
        match self.points.find(self.clock, back, wanted) {
            Some(to) => {
                self.paused = true;
                self.go(to, model)
            }
            None if back => Err(format!("no {what} before this")),
            None if self.finished || self.points.is_done() => Err(format!("no {what} after this")),
            None => {
                self.paused = true;
                self.seeking = Some(Seek::Mark(wanted, what));
                Ok(())
            }
        }
    }

    /// Goes on with a search for a mark that nobody had read.
    fn search(&mut self, wanted: fn(MarkKind) -> bool, what: &str, model: &mut Model, changed: &mut bool) {
        if self.reel.is_kept() {
            if self.play(None, model, changed) {
                self.seeking = None;
                if self.finished {
                    self.trouble = Some(format!("no {what} after this"));
                }
            }
            return;
        }
        match self.points.find(self.clock, false, wanted) {
            Some(to) => {
                self.seeking = None;
                if let Err(e) = self.go(to, model) {
                    self.trouble = Some(e);
                }
            }
            None if self.points.is_done() => {
                self.seeking = None;
                self.trouble = Some(format!("no {what} after this"));
            }
            None => {}
        }
    }

    fn step(&mut self, elapsed: Duration, model: &mut Model) -> bool {
        let mut changed = false;
        if self.find_start(model, &mut changed) {
            return changed;
        }
        match self.seeking {
            Some(Seek::To(t)) => {
                if self.play(Some(t), model, &mut changed) {
                    self.seeking = None;
                    let named = std::mem::take(&mut self.named);
                    if !self.finished {
                        self.clock = self.clock.max(t);
                    } else if named && self.clock < t {
                        self.trouble = Some(ends_before(self.clock, t));
                    }
                }
                return true;
            }
            Some(Seek::Mark(wanted, what)) => {
                self.search(wanted, what, model, &mut changed);
                return changed || self.seeking.is_none();
            }
            None => {}
        }
        if self.paused || self.finished {
            return false;
        }
        let until = self.speed.map(|s| self.clock.plus(elapsed.mul_f64(s.clamp(0.0, 1e6))));
        let stop = self.ab.and_then(|(_, b)| b);
        let until = match (until, stop) {
            (Some(u), Some(b)) => Some(u.min(b)),
            (u, b) => u.or(b),
        };
        if self.play(until, model, &mut changed)
            && let Some(u) = until
            && !self.finished
        {
            self.clock = self.clock.max(u);
        }
        if let Some((a, Some(b))) = self.ab
            && (self.clock >= b || self.finished)
        {
            if let Err(e) = self.go(a, model) {
                self.trouble = Some(e);
                self.ab = None;
            }
            return true;
        }
        changed | self.finished
    }

    /// Begins a loop, closes it, ends it.
    fn turn_loop(&mut self) -> Result<(), String> {
        self.ab = match self.ab {
            None => Some((self.clock, None)),
            Some((a, None)) if self.clock > a => Some((a, Some(self.clock))),
            Some((_, None)) => return Err("the end of a loop comes after its beginning: play on, then press again".into()),
            Some((_, Some(_))) => None,
        };
        Ok(())
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // Those of a live session are its own.
        self.points.stop.store(true, Ordering::Relaxed);
    }
}

impl Feed for Player {
    fn advance(&mut self, elapsed: Duration, model: &mut Model) -> bool {
        let changed = self.step(elapsed, model);
        if self.points.has_more_marks(self.marks.len()) {
            self.marks = self.points.marks();
            return true;
        }
        changed
    }

    fn control(&mut self, what: &Playback, model: &mut Model) -> Result<(), String> {
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
            Playback::SeekTo(t) => {
                // From the end, where it stood, one goes to look.
                self.paused |= self.finished;
                self.go(*t, model)?;
                self.named = true;
            }
            Playback::SeekBy { by, back } => {
                let to = if *back { self.clock.minus(*by) } else { self.clock.plus(*by) };
                self.paused |= self.finished;
                self.go(to, model)?;
            }
            Playback::Moment { back } => self.mark(*back, |_| true, "event", model)?,
            Playback::Alert { back } => self.mark(*back, |k| matches!(k, MarkKind::Alert(_)), "alert", model)?,
            Playback::Proof { back } => self.mark(*back, |k| matches!(k, MarkKind::Proof | MarkKind::ProofFailed), "proof event", model)?,
            Playback::Loop => self.turn_loop()?,
            Playback::Live => return Err("this is a recording: it has no present".into()),
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

    fn track(&self) -> Track<'_> {
        Track { marks: &self.marks, ab: self.ab }
    }

    fn trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    fn next_wake(&self) -> Option<Duration> {
        match self.seeking {
            _ if self.start.is_some() => return Some(Duration::from_millis(if self.reel.is_kept() { 0 } else { 30 })),
            Some(Seek::Mark(..)) if !self.reel.is_kept() => return Some(Duration::from_millis(30)),
            Some(_) => return Some(Duration::ZERO),
            None => {}
        }
        // The scout's marks come to the bar while nothing else moves.
        let scouting = (!self.reel.is_kept() && !self.points.is_done()).then_some(Duration::from_millis(200));
        if self.paused || self.finished {
            return scouting;
        }
        let Some(speed) = self.speed else { return Some(Duration::ZERO) };
        let gap = self.reel.next_at().map_or(Duration::ZERO, |t| t.since(self.clock));
        Some(gap.div_f64(speed.max(1e-6)).clamp(Duration::from_millis(15), Duration::from_secs(1)))
    }
}
