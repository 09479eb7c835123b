//! A way to look at the screens on a made-up cluster, in a real terminal:
//!
//! ```text
//! LOOK=stuck cargo test --lib look::at_the_screens -- --ignored --nocapture
//! ```
//!
//! `LOOK` is `healthy`, `stuck`, `big`, `empty`, `denied`, `run` (a cluster that
//! goes on), `replay` or `panic` (at space); `THEME` is a theme's name; `ASCII` may be set.

use std::time::Duration;

use super::*;
use crate::alerts::Alerts;
use crate::model::Model;
use crate::ui::testing::{self, Cluster};
use crate::ui::{Depth, Playback, TimeBase};

struct Still {
    alerts: Alerts,
    time: TimeBase,
    panics: bool,
}

impl Feed for Still {
    fn advance(&mut self, _: Duration, _: &mut Model) -> bool {
        assert!(!self.panics, "the feed panics, as asked");
        false
    }

    fn control(&mut self, what: &Playback, model: &mut Model) -> Result<(), String> {
        if std::env::var("LOOK").is_ok_and(|l| l == "panic") {
            self.panics = true;
        }
        let TimeBase::Replay { paused, speed, .. } = &mut self.time else {
            return Err("a live cluster can be neither paused nor moved in time".into());
        };
        match what {
            Playback::Toggle => *paused = !*paused,
            Playback::Speed(s) => *speed = *s,
            Playback::SeekTo(t) => model.now = *t,
            _ => return Err("not here".into()),
        }
        Ok(())
    }

    fn time(&self) -> TimeBase {
        self.time
    }

    fn next_wake(&self) -> Option<Duration> {
        None
    }

    fn alerts(&self) -> &Alerts {
        &self.alerts
    }
}

struct Running {
    cluster: Cluster,
    left: Duration,
    speed: f64,
    paused: bool,
}

impl Feed for Running {
    fn advance(&mut self, elapsed: Duration, model: &mut Model) -> bool {
        if !self.paused {
            self.left += elapsed.mul_f64(self.speed);
        }
        let seconds = self.left.as_secs();
        self.left -= Duration::from_secs(seconds);
        if seconds == 0 {
            return false;
        }
        self.cluster.run(seconds.min(600));
        *model = self.cluster.model.clone();
        true
    }

    fn control(&mut self, what: &Playback, _: &mut Model) -> Result<(), String> {
        match what {
            Playback::Toggle => self.paused = !self.paused,
            Playback::Speed(Some(s)) => self.speed = *s,
            _ => return Err("the demo has no past to go to".into()),
        }
        Ok(())
    }

    fn time(&self) -> TimeBase {
        TimeBase::Demo { speed: self.speed, paused: self.paused }
    }

    fn next_wake(&self) -> Option<Duration> {
        (!self.paused).then(|| Duration::from_secs_f64(1.0 / self.speed))
    }
}

#[test]
#[ignore = "needs a terminal and an eye"]
fn at_the_screens() {
    let env = |n: &str| std::env::var(n).ok();
    let look = env("LOOK").unwrap_or_else(|| "healthy".into());
    let depth = Depth::detect(env);
    let dirs = [];
    let mut options = TuiOptions {
        theme: themes::load(&env("THEME").unwrap_or_else(|| "dark".into()), &dirs).unwrap().reduced(depth),
        themes: themes::all(&dirs).into_iter().map(|t| t.reduced(depth)).collect(),
        ascii: env("ASCII").is_some(),
        clipboard: clipboard::Clipboard::detect(env),
        ..TuiOptions::default()
    };
    let model = match look.as_str() {
        "stuck" => testing::stuck(),
        "big" => testing::big(),
        "empty" | "panic" => testing::empty(),
        "denied" => testing::denied(),
        _ => testing::healthy(),
    };
    let mut time = TimeBase::Live;
    if look == "replay" {
        time = testing::replay(&model);
        options.title = Some("incident-2026-11-24.tape".into());
    }
    let alerts = if matches!(look.as_str(), "stuck" | "big") { testing::alerts(model.now) } else { Alerts::default() };
    let feed: Box<dyn Feed> = if look == "run" {
        let mut cluster = Cluster::new(8, 48);
        cluster.run(900);
        Box::new(Running { cluster, left: Duration::ZERO, speed: 4.0, paused: false })
    } else {
        Box::new(Still { alerts, time, panics: false })
    };
    let (_waker, inbox) = channel();
    let ending = run(feed, model, options, inbox).unwrap();
    println!("{ending:?}");
}
