//! Other clusters: several at once, or one after another without leaving.

use std::sync::Arc;

use super::args::{Look, Place, WatchArgs};
use super::client::cluster_name;
use super::{Failure, Outcome, screen};
use crate::prover::settings::Settings;
use crate::runtime::live::{LiveFeed, Sources};
use crate::runtime::opening::{Open, Opened, Opener};
use crate::runtime::{Inbox, TuiOptions, Waker, run_fleet};
use crate::sources::kube::access;
use crate::ui::fleet::Spot;

/// Only the dashboard looks at several clusters.
pub(super) fn refuse(place: &Place, command: &str) -> Result<(), Failure> {
    if place.contexts.len() < 2 {
        return Ok(());
    }
    let names = place.contexts.join(" ");
    Err(Failure::usage(format!(
        "{command} looks at one cluster, and --context was given {} times; run it for each: for c in {names}; do sp1top {command} --context $c; done",
        place.contexts.len()
    )))
}

/// Opens clusters as the command line says of the first one.
struct Elsewhere {
    place: Place,
    look: Look,
    session_tape: bool,
    variables: Settings,
    /// The cluster that the variables were set for; with several, nobody knows.
    first: Option<String>,
    /// What is of the first cluster alone.
    left_behind: Option<String>,
}

/// What opens other clusters from the screens.
pub(super) fn opener(args: &WatchArgs, place: &Place, look: &Look, variables: Settings) -> Opener {
    let first = (place.contexts.len() < 2).then(|| cluster_name(place));
    let mut left: Vec<&str> = Vec::new();
    for (given, name) in [
        (args.record.is_some(), "--record"),
        (place.coordinator_rpc.is_some(), "--coordinator-rpc"),
        (place.cluster_rpc.is_some(), "--cluster-rpc"),
        (!place.log.is_empty(), "--log"),
    ] {
        if given {
            left.push(name);
        }
    }
    let left_behind = (!left.is_empty()).then(|| format!("{} stays with the cluster before", left.join(", ")));
    // They are where the other cluster is not.
    let place = Place { coordinator_rpc: None, cluster_rpc: None, log: Vec::new(), no_kube: false, ..place.clone() };
    Opener(Arc::new(Elsewhere { place, look: look.clone(), session_tape: !args.no_session_tape, variables, first, left_behind }))
}

impl Open for Elsewhere {
    fn contexts(&self) -> Vec<String> {
        access::contexts(self.place.kubeconfig.as_deref()).into_iter().map(|c| c.name).collect()
    }

    fn kubeconfig(&self) -> Option<String> {
        self.place.kubeconfig.as_ref().map(|p| p.display().to_string())
    }

    fn spot(&self, context: &str) -> Spot {
        let own = || {
            let all = access::contexts(self.place.kubeconfig.as_deref());
            // Where a context says nothing, kubectl looks into `default`; nobody has a cluster there.
            all.into_iter().find(|c| c.name == context).and_then(|c| c.namespace).filter(|n| n != "default")
        };
        let namespace = self.place.settings.namespace.clone().or_else(own).unwrap_or_else(|| self.place.namespace.clone());
        Spot { context: Some(context.to_owned()), namespace }
    }

    fn left_behind(&self) -> Option<String> {
        self.left_behind.clone()
    }

    fn open(&self, spot: &Spot, waker: Waker) -> Result<Opened, String> {
        let place = Place { context: spot.context.clone(), namespace: spot.namespace.clone(), ..self.place.clone() };
        let said = |f: Failure| f.text;
        let config = screen::watched(&place, &self.look).map_err(said)?;
        let limits = super::settings::thresholds(&place.settings.alerts)?;
        let sources = Sources::start(config, Vec::new())?;
        let taping = super::record::taping(None, self.session_tape).map_err(said)?;
        let ours = self.first.as_ref() == Some(&cluster_name(&place));
        let (setup, prover) = screen::prover(&place, &self.look, &sources, &self.variables, ours);
        let feed = LiveFeed::new(sources, waker, taping).with_limits(limits).with_prover(prover);
        Ok(Opened { feed: Box::new(feed), prover: setup })
    }
}

/// The dashboard on several clusters.
pub(super) fn fleet(args: &WatchArgs, place: &Place, look: &Look, variables: Settings, options: TuiOptions, inbox: Inbox) -> Outcome {
    let one = |flag: &str| Failure::usage(format!("{flag} is of one cluster: give one --context with it"));
    for (given, flag) in [
        (place.no_kube, "--no-kube"),
        (args.record.is_some(), "--record"),
        (place.coordinator_rpc.is_some(), "--coordinator-rpc"),
        (!place.log.is_empty(), "--log"),
    ] {
        if given {
            return Err(one(flag));
        }
    }
    super::settings::thresholds(&place.settings.alerts)?;
    let opener = opener(args, place, look, variables);
    let spots = place.contexts.iter().map(|c| opener.0.spot(c)).collect();
    Ok(screen::code(run_fleet(spots, &opener, options, inbox)?))
}
