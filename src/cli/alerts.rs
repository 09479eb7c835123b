//! `alerts`: every transition in the order of time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::args::{AlertsArgs, Lines, Look, Place};
use super::{Failure, Outcome, print, screen};
use crate::alerts::{Alerts, Severity, Thresholds};
use crate::model::Model;
use crate::output::alerts::Line;
use crate::pipeline::Pipeline;
use crate::runtime::live::Sources;
use crate::runtime::tell::Teller;
use crate::runtime::tui::FIRST_PAUSE;
use crate::sources::files::Recording;

pub(super) fn run(args: &AlertsArgs, place: &Place, look: &Look) -> Outcome {
    if args.defaults {
        return print(&toml::to_string(&Thresholds::default())?);
    }
    let limits = match &args.thresholds {
        Some(path) => thresholds(path)?,
        None => super::settings::thresholds(&place.settings.alerts)?,
    };
    let mut pipeline = Pipeline::with(false, limits);
    let mut printer = Printer { lines: args.output, told: 0 };
    if args.from.is_empty() {
        live(place, look, &mut pipeline, &mut printer)?;
    } else {
        let mut recording = Recording::open(&args.from, "files")?;
        let mut model = Model::new();
        while let Some(e) = recording.next()? {
            pipeline.apply(&e, &mut model);
            if !printer.tell(pipeline.alerts())? {
                break;
            }
        }
    }
    let critical = pipeline.alerts().told().any(|a| a.severity == Severity::Critical);
    Ok(if args.exit_code && critical { 3 } else { 0 })
}

fn thresholds(path: &Path) -> Result<Thresholds, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::usage(format!("cannot read {}: {e}", path.display())))?;
    let limits: Thresholds = toml::from_str(&text)
        .map_err(|e| Failure::usage(format!("{}: {}; sp1top alerts --defaults prints all of them", path.display(), e.message())))?;
    limits.check().map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
    Ok(limits)
}

/// A cluster that shows nothing for so long is said to.
const UNSEEN: Duration = Duration::from_secs(5);

/// Follows a cluster until a signal comes or nobody reads any more.
fn live(place: &Place, look: &Look, pipeline: &mut Pipeline, printer: &mut Printer) -> Result<(), Failure> {
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&ended)).map_err(|e| format!("cannot wait for signals: {e}"))?;
    }
    let mut sources = Sources::start(screen::live_config(place)?, place.log.clone())?;
    let mut model = Model::new();
    let mut teller = Teller::new(look.tell.options(), FIRST_PAUSE);
    // No alerts from a cluster that cannot be seen are no good news.
    let (begun, mut complained) = (std::time::Instant::now(), false);
    while !ended.load(Ordering::Relaxed) {
        if let Some(e) = sources.wait(Duration::from_millis(200)) {
            pipeline.apply(&e, &mut model);
            if !printer.tell(pipeline.alerts())? {
                break;
            }
            ring(&teller.take(pipeline.alerts()));
        }
        if !complained
            && begun.elapsed() > UNSEEN
            && let Some(p) = crate::output::plight::of(&model)
        {
            complained = true;
            eprintln!("sp1top: {}", crate::base::redact::redact(&p.line()));
        }
        if let Some(why) = teller.complaint() {
            eprintln!("sp1top: {why}");
        }
    }
    sources.stop();
    Ok(())
}

/// Writes the bell and notifications to the terminal, past standard output,
/// which belongs to whoever reads the alerts.
fn ring(bytes: &[u8]) {
    use std::io::{IsTerminal as _, Write as _};
    let mut err = std::io::stderr();
    if !bytes.is_empty() && err.is_terminal() {
        // Nobody can be told of a bell that does not ring.
        let _ = err.write_all(bytes);
    }
}

/// Prints what was not told yet.
struct Printer {
    lines: Lines,
    told: u64,
}

impl Printer {
    /// False when nobody reads any more.
    fn tell(&mut self, alerts: &Alerts) -> Result<bool, Failure> {
        use std::io::Write as _;
        if alerts.total() == self.told {
            return Ok(true);
        }
        let mut text = String::new();
        for t in alerts.after(self.told) {
            let line = Line::of(t);
            match self.lines {
                Lines::Text => text += &line.text(),
                Lines::Jsonl => {
                    text += &line.json();
                    text.push('\n');
                }
            }
        }
        self.told = alerts.total();
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
            Err(e) => Err(Failure::from(format!("cannot write: {e}"))),
        }
    }
}
