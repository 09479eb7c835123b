//! `status`: one snapshot, then exit.

use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use super::args::{Format, Place, StatusArgs};
use super::{Failure, Outcome, print, screen, settings};
use crate::envelope::SourceState;
use crate::event::Batch;
use crate::model::Model;
use crate::output::plight;
use crate::output::status::Status;
use crate::output::status_text;
use crate::parse::Decoder;
use crate::pipeline::Pipeline;
use crate::runtime::live::Sources;
use crate::sources::files::Recording;

pub(super) fn run(args: &StatusArgs, place: &Place) -> Outcome {
    let (model, pipeline) = if args.from.is_empty() { live(args, place)? } else { recorded(&args.from, place)? };
    let why = if args.from.is_empty() { nothing_seen(&model) } else { None };
    for text in nothing_ours(&model, &args.from) {
        eprintln!("sp1top: {text}");
    }
    if let Some(why) = &why {
        eprintln!("sp1top: {}", crate::base::redact::redact(why));
    }
    let status = Status::of(&model, pipeline.alerts());
    let text = match args.output {
        Format::Text => status_text(&status),
        Format::Json => {
            let mut t = serde_json::to_string_pretty(&status)?;
            t.push('\n');
            t
        }
    };
    let code = print(&text)?;
    // What could be told is told; a script is to know that nobody answered.
    Ok(if why.is_some() { 1 } else { code })
}

/// Why a live cluster showed nothing; `None` where it showed something or may
/// just be idle.
pub(super) fn nothing_seen(model: &Model) -> Option<String> {
    if let Some(p) = plight::of(model) {
        return Some(p.line());
    }
    if seen(model) || model.kube.known {
        return None;
    }
    let silent = |s: &crate::model::Source| matches!(s.state, Some(SourceState::Connecting | SourceState::Denied | SourceState::Ended));
    let (name, s) = model.sources.iter().find(|(_, s)| silent(s) && !s.detail.is_empty())?;
    Some(format!("nothing was heard: {name}: {}; check the address or the path, or try `sp1top doctor`", s.detail))
}

/// True where something of the cluster itself was seen.
pub(super) fn seen(model: &Model) -> bool {
    model.stats.is_some() || !model.workers.is_empty() || !model.proofs.is_empty()
}

/// Of each recorded file that gave nothing, how much of it was read and what to
/// try instead.
fn nothing_ours(model: &Model, paths: &[PathBuf]) -> Vec<String> {
    if paths.is_empty() {
        return Vec::new();
    }
    let own = |name: &str| matches!(name, "session" | "clock" | "tape");
    let silent = model
        .sources
        .iter()
        .filter(|(name, s)| !own(name.as_str()) && s.state == Some(SourceState::Ended) && s.component.is_none() && s.last_data.is_none());
    silent
        .map(|(name, s)| {
            let what = match (s.bytes, s.unread_total()) {
                (0, _) => "it is empty".to_owned(),
                (n, 0) => format!("{n} bytes were read"),
                (n, lines) => format!("{n} bytes were read, and {lines} lines of it are cut or broken"),
            };
            format!(
                "nothing of an SP1 cluster was found in {name}: {what}; name a log of the coordinator, api or a node (kubectl logs deploy/coordinator > FILE), or a tape of sp1top record"
            )
        })
        .collect()
}

/// Reads whole recordings: one thread reads and parses, this one applies.
pub(super) fn recorded(paths: &[PathBuf], place: &Place) -> Result<(Model, Pipeline), Failure> {
    // Several at a time: waking the other thread for each costs more than reading it.
    const AT_ONCE: (usize, u64) = (64, 256 << 10);
    let mut recording = Recording::open(paths, "files")?;
    let (tx, rx) = sync_channel::<Result<Vec<Batch>, String>>(4);
    let read = move || {
        let mut decoder = Decoder::new(false);
        loop {
            let (mut batches, mut bytes) = (Vec::with_capacity(AT_ONCE.0), 0);
            let end = loop {
                match recording.next() {
                    Ok(Some(e)) => {
                        bytes += u64::try_from(e.raw.len()).unwrap_or(u64::MAX);
                        batches.push(decoder.decode(&e));
                    }
                    Ok(None) => break Some(None),
                    Err(e) => break Some(Some(e.to_string())),
                }
                if batches.len() == AT_ONCE.0 || bytes >= AT_ONCE.1 {
                    break None;
                }
            };
            if tx.send(Ok(batches)).is_err() {
                return;
            }
            if let Some(end) = end {
                // Nobody listens any more: nothing is lost.
                let _ = end.map(|e| tx.send(Err(e)));
                return;
            }
        }
    };
    std::thread::Builder::new().name("read".into()).spawn(read).map_err(|e| format!("cannot start a thread: {e}"))?;
    let mut model = Model::new();
    let mut pipeline = Pipeline::with(false, settings::thresholds(&place.settings.alerts)?);
    for batches in rx {
        for batch in batches? {
            pipeline.apply_batch(batch, &mut model);
        }
    }
    Ok((model, pipeline))
}

/// Waits for the first answers of a live cluster.
fn live(args: &StatusArgs, place: &Place) -> Result<(Model, Pipeline), Failure> {
    let mut sources = Sources::start(screen::live_config(place)?, place.log.clone())?;
    let mut model = Model::new();
    let mut pipeline = Pipeline::with(false, settings::thresholds(&place.settings.alerts)?);
    let begun = Instant::now();
    let most = Duration::from_secs(args.wait.max(1));
    // Once the main things are there, the rest has this long to arrive.
    let grace = Duration::from_millis(1500);
    let mut enough: Option<Instant> = None;
    loop {
        let left = most.saturating_sub(begun.elapsed());
        let left = enough.map_or(left, |t| left.min(grace.saturating_sub(t.elapsed())));
        match sources.wait(left) {
            Some(e) => pipeline.apply(&e, &mut model),
            // The time is up, and all that has come is read.
            None if left.is_zero() => break,
            None => {}
        }
        if begun.elapsed() > most * 2 {
            break;
        }
        let seen = model.stats.is_some() && (place.no_kube || model.kube.known);
        // Where there is no cluster, or no right to see one, waiting does not help.
        let nothing = place.coordinator_rpc.is_none() && place.log.is_empty() && plight::of(&model).is_some_and(|p| p.settled);
        if enough.is_none() && (seen || nothing) {
            enough = Some(Instant::now());
        }
    }
    sources.stop();
    Ok((model, pipeline))
}
