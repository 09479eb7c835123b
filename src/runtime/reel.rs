//! Envelopes of a recording, again and again; and one who reads it ahead.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::points::{Marker, Point, Points};
use crate::alerts::Thresholds;
use crate::base::Timestamp;
use crate::envelope::Envelope;
use crate::model::Model;
use crate::pipeline::Pipeline;
use crate::sources::files::{Error, Recording, Tapes, span};

/// Envelopes of standard input are kept up to this many bytes, to go back in.
const KEPT: usize = 256 << 20;

/// Where envelopes come from.
pub(super) struct Reel {
    paths: Vec<PathBuf>,
    recording: Option<Recording>,
    tapes: Tapes,
    /// Standard input cannot be read twice.
    kept: Option<Vec<Envelope>>,
    kept_bytes: usize,
    /// The last envelope that was given, by its number; of standard input, by
    /// its place.
    last: u64,
}

impl Reel {
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut this = Self::closed(paths);
        this.recording = Some(Recording::open(paths, "replay")?);
        Ok(this)
    }

    /// One that is opened by going somewhere.
    pub(super) fn closed(paths: &[PathBuf]) -> Self {
        let stdin = paths.iter().any(|p| p.as_os_str() == "-");
        Self { paths: paths.to_vec(), recording: None, tapes: Tapes::default(), kept: stdin.then(Vec::new), kept_bytes: 0, last: 0 }
    }

    pub(super) const fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    pub(super) const fn is_open(&self) -> bool {
        self.recording.is_some()
    }

    /// The first number and time of tapes, whose beginning may be gone by now.
    pub(super) fn begin(&mut self) -> Option<(u64, Timestamp)> {
        self.tapes.begin(&self.paths)
    }

    /// The number of the last envelope that was given.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    fn ahead(&self) -> Option<&Envelope> {
        self.kept.as_ref()?.get(usize::try_from(self.last).ok()?)
    }

    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.ahead().map(|e| e.at).or_else(|| self.recording.as_ref()?.next_at())
    }

    pub(super) fn next(&mut self) -> Result<Option<Envelope>, Error> {
        if let Some(e) = self.ahead().cloned() {
            self.last += 1;
            return Ok(Some(e));
        }
        let Some(recording) = &mut self.recording else { return Ok(None) };
        let e = recording.next()?;
        match (&e, &mut self.kept) {
            (Some(e), Some(kept)) => {
                self.kept_bytes += e.raw.len();
                if self.kept_bytes <= KEPT {
                    kept.push(e.clone());
                }
                self.last += 1;
            }
            (Some(e), None) => self.last = e.seq,
            (None, _) => {}
        }
        Ok(e)
    }

    /// Goes back (or on) so that the envelope after number `seq` comes next.
    pub(super) fn rewind(&mut self, seq: u64) -> Result<(), Error> {
        if self.kept.is_none() {
            self.recording = Some(Recording::reopen(&self.paths, "replay", seq, &mut self.tapes)?);
        }
        self.last = seq;
        Ok(())
    }
}

/// Reads a recording ahead of the one who shows it, for points and marks.
pub(super) fn scout(paths: Vec<PathBuf>, points: &Arc<Points>, limits: Thresholds) {
    let points = Arc::clone(points);
    let read = move || {
        // The end first, which is there at once for most files.
        for p in &paths {
            if let Some((_, last)) = span(p) {
                points.reaches(last);
            }
        }
        let Ok(mut recording) = Recording::open(&paths, "replay") else { return points.finish() };
        let (mut pipeline, mut model, mut marker) = (Pipeline::with(true, limits), Model::new(), Marker::default());
        let (mut pos, mut clock) = (0, Timestamp::ZERO);
        // What cannot be read is told by the one who shows it.
        while let Ok(Some(e)) = recording.next() {
            if points.stop.load(Ordering::Relaxed) {
                return;
            }
            // Between two times, so that all of one time comes after it.
            if e.at > clock && points.wants(pos) {
                points.put(Point { at: clock, seq: model.seq, pos, pipeline: pipeline.clone(), model: model.clone() });
            }
            clock = clock.max(e.at);
            pos += e.raw.len() as u64;
            pipeline.apply(&e, &mut model);
            marker.note(&model, pipeline.alerts(), &points);
            points.reaches(clock);
        }
        points.finish();
    };
    // Without that thread one can go only where one has been.
    let _ = std::thread::Builder::new().name("scout".into()).spawn(read);
}
