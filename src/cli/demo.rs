//! `demo`: the dashboard on a simulated cluster, or the cluster alone for other
//! tools.

use super::args::{DemoArgs, Look};
use super::{Failure, Outcome, print, screen};
use crate::app::ProverSetup;
use crate::runtime::channel;
use crate::runtime::demo::{Demo, DemoFeed, DemoOptions};
use crate::sim::{SCENARIOS, Scenario};

pub(super) fn run(args: &DemoArgs, look: &Look) -> Outcome {
    if args.list {
        return print(&list());
    }
    let scenario = Scenario::find(&args.scenario).ok_or_else(|| {
        let names = SCENARIOS.iter().map(|s| s.name).collect::<Vec<_>>().join(", ");
        Failure::usage(format!("there is no scenario '{}'; there are {names}", args.scenario))
    })?;
    let own = if args.serve { 1.0 } else { scenario.speed };
    let speed = match args.speed {
        None => own,
        Some(s) => s.0.ok_or_else(|| Failure::usage("a demo has no greatest speed: give a number, for example 20"))?,
    };
    let options = DemoOptions { scenario, seed: args.seed, speed };
    if args.serve {
        Demo::start(options)?.serve(&mut std::io::stdout())?;
        return Ok(0);
    }
    screen::needs_a_terminal("sp1top demo --serve, and sp1top status on its kubeconfig")?;
    let mut tui = screen::options(look, None)?;
    let (waker, inbox) = channel();
    let demo = Demo::start(options)?;
    tui.prover = ProverSetup { read_only: look.read_only, ..demo.prover() };
    let feed = DemoFeed::new(demo, waker, super::settings::thresholds(&look.settings.alerts)?)?;
    screen::show(Box::new(feed), tui, inbox)
}

/// The stories, a line each.
fn list() -> String {
    let line = |s: &Scenario| format!("{:<20} {} ({}×)\n", s.name, s.about, s.speed);
    SCENARIOS.iter().map(line).collect::<Vec<_>>().concat()
}
