//! `report`: an incident of a recording as Markdown.

use std::path::PathBuf;
use std::time::Duration;

use super::args::{Place, ReportArgs};
use super::{Failure, Outcome, print};
use crate::alerts::{Severity, Thresholds, TransitionState};
use crate::base::{Timestamp, when};
use crate::model::Model;
use crate::output::report::Report;
use crate::pipeline::Pipeline;
use crate::sources::files::Recording;

/// How much is told of what followed.
const AFTER: Duration = Duration::from_secs(300);
/// The shortest time that is told.
const SHORTEST: Duration = Duration::from_secs(60);

pub(super) fn run(args: &ReportArgs, place: &Place) -> Outcome {
    let limits = super::settings::thresholds(&place.settings.alerts)?;
    let mut recording = Recording::open(&args.from, "files")?;
    let begin = recording.next_at().unwrap_or_default();
    let at = match &args.around {
        Some(text) if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-')) => {
            let end = if when::needs_end(text) { end(&args.from)?.max(begin) } else { begin };
            when::start(text, begin, end).map_err(Failure::usage)?
        }
        other => fired(&args.from, other.as_deref(), &limits)?,
    };
    let (mut model, mut pipeline) = (Model::new(), Pipeline::with(true, limits));
    while recording.next_at().is_some_and(|t| t <= at)
        && let Some(e) = recording.next()?
    {
        pipeline.apply(&e, &mut model);
    }
    let (then, alerts) = (model.clone(), pipeline.clone());
    let until = at.plus(AFTER);
    while recording.next_at().is_some_and(|t| t <= until)
        && let Some(e) = recording.next()?
    {
        pipeline.apply(&e, &mut model);
    }
    if at < begin || at > model.now {
        let asked = args.around.as_deref().unwrap_or_default();
        return Err(Failure::usage(format!("{asked} is not in the recording, which goes from {begin} to {}", model.now)));
    }
    let picture = args.output.as_ref().filter(|p| p.as_os_str() != "-").map(|p| p.with_extension("svg"));
    let link = picture.as_ref().and_then(|p| p.file_name()).map(|n| n.to_string_lossy().into_owned());
    let from: Vec<String> = args.from.iter().map(|p| p.display().to_string()).collect();
    let at = at.max(begin).min(model.now);
    // An empty graph of the time before the recording says nothing.
    let before = args.before.min(at.since(begin).max(SHORTEST));
    let report = Report {
        model: &then,
        alerts: alerts.alerts(),
        later: &model,
        later_alerts: pipeline.alerts(),
        at,
        before,
        graphs: link.as_deref(),
        from: &from.join(" "),
    };
    let (Some(path), Some(picture)) = (args.output.as_ref().filter(|p| p.as_os_str() != "-"), picture) else {
        return print(&report.markdown());
    };
    let write = |p: &PathBuf, text: String| std::fs::write(p, text).map_err(|e| format!("cannot write {}: {e}", p.display()));
    write(path, report.markdown())?;
    write(&picture, report.svg())?;
    eprintln!("sp1top: {} and {}", path.display(), picture.display());
    Ok(0)
}

/// The recording's last time.
fn end(paths: &[PathBuf]) -> Result<Timestamp, Failure> {
    let mut recording = Recording::open(paths, "files")?;
    let mut last = Timestamp::ZERO;
    while let Some(e) = recording.next()? {
        last = last.max(e.at);
    }
    Ok(last)
}

/// When an alert first fired: that one, or else the worst.
fn fired(paths: &[PathBuf], wanted: Option<&str>, limits: &Thresholds) -> Result<Timestamp, Failure> {
    let mut recording = Recording::open(paths, "files")?;
    let (mut model, mut pipeline) = (Model::new(), Pipeline::with(false, limits.clone()));
    let mut seen = 0;
    let mut first: Option<(Severity, Timestamp)> = None;
    let mut ids: Vec<&str> = Vec::new();
    while let Some(e) = recording.next()? {
        pipeline.apply(&e, &mut model);
        let alerts = pipeline.alerts();
        if alerts.total() == seen {
            continue;
        }
        for t in alerts.after(seen).filter(|t| t.state == TransitionState::Firing) {
            let hit =
                wanted.is_none_or(|w| t.alert.id == w || w.strip_prefix(t.alert.id).is_some_and(|r| r == format!("/{}", t.alert.subject)));
            if hit && first.is_none_or(|(s, _)| wanted.is_none() && t.alert.severity < s) {
                first = Some((t.alert.severity, t.at));
            }
            if !ids.contains(&t.alert.id) {
                ids.push(t.alert.id);
            }
        }
        seen = alerts.total();
    }
    match (first, wanted) {
        (Some((_, at)), _) => Ok(at),
        (None, None) => Ok(model.now),
        (None, Some(w)) if ids.is_empty() => Err(Failure::from(format!("'{w}' is no time, and no alert fires in this recording"))),
        (None, Some(w)) => {
            Err(Failure::from(format!("'{w}' is no time, and no alert that fires in this recording; there are {}", ids.join(", "))))
        }
    }
}
