//! How long a frame of each view takes on a big cluster: medians, in
//! milliseconds. The goal is 4 ms for the workers; a frame happens at most ten
//! times a second.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use sp1top::ui::views::{logs::LogsView, proofs::ProofsView, workers::WorkersView};
use sp1top::ui::{Action, Ctx, Symbols, Theme, TimeBase, View};
#[allow(unused_imports, reason = "the included file names the crate's modules by `crate::`")]
use sp1top::{base, envelope, event, model};

#[path = "../src/ui/views/testing.rs"]
mod testing;

fn median(mut f: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..60)
        .map(|_| {
            let begin = Instant::now();
            f();
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

type Case<'c> = (&'c str, Box<dyn View>, &'c testing::Cluster, Vec<Action>);

fn main() {
    let (theme, symbols) = (Theme::plain(), Symbols::unicode());
    let area = Rect::new(0, 0, 200, 60);
    let filter = |t: &str| Action::FilterText(t.into());
    let thousand = testing::big(1000, 10);
    let ten_thousand = testing::big(10_000, 6);
    let mut chatty = testing::chatty(20_000);
    let proof = thousand.model.proofs.iter().next().map(|p| p.id.clone()).unwrap();

    let cases: Vec<Case<'_>> = vec![
        ("workers, 1,000 with 10,000 tasks", Box::new(WorkersView::default()), &thousand, vec![]),
        ("  in the middle, by load", Box::new(WorkersView::default()), &thousand, vec![Action::SortBy(4), Action::Page(9)]),
        ("  filtered", Box::new(WorkersView::default()), &thousand, vec![filter("gpu proveshard")]),
        ("  map", Box::new(WorkersView::default()), &thousand, vec![Action::Toggle]),
        ("workers, 10,000 with 60,000 tasks", Box::new(WorkersView::default()), &ten_thousand, vec![Action::Page(9)]),
        ("  map", Box::new(WorkersView::default()), &ten_thousand, vec![Action::Toggle]),
        ("proofs, 20 with 10,000 tasks", Box::new(ProofsView::default()), &thousand, vec![]),
        ("  one of them", Box::new(ProofsView::default()), &thousand, vec![Action::OpenProof(proof.clone())]),
        ("  by worker", Box::new(ProofsView::default()), &thousand, vec![Action::OpenProof(proof), Action::Toggle]),
        ("logs, 20,000", Box::new(LogsView::default()), &chatty, vec![]),
        ("  filtered", Box::new(LogsView::default()), &chatty, vec![filter("after some.6[0-4]")]),
        (
            "  filtered and wrapped, in the middle",
            Box::new(LogsView::default()),
            &chatty,
            vec![filter("task"), Action::Wrap, Action::Page(-99)],
        ),
    ];
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    println!("{:<44} {:>8} {:>8}", "200x60", "frame ms", "key ms");
    for (name, mut view, cluster, actions) in cases {
        let ctx = Ctx {
            model: &cluster.model,
            theme: &theme,
            symbols: &symbols,
            time: TimeBase::Live,
            alerts: sp1top::alerts::Alerts::none(),
            fleet: &[],
            area,
        };
        for a in &actions {
            view.update(a, &ctx);
        }
        let mut buf = Buffer::empty(area);
        let frame = median(|| {
            buf.reset();
            view.draw(&ctx, &mut buf);
        });
        let key = median(|| {
            view.update(&Action::Move(1), &ctx);
        });
        println!("{name:<44} {:>8.2} {:>8.2}", ms(frame), ms(key));
    }
    // A frame after each new record, with the query's verdicts remembered.
    let mut view = LogsView::default();
    let mut buf = Buffer::empty(area);
    macro_rules! ctx {
        () => {
            Ctx {
                model: &chatty.model,
                theme: &theme,
                symbols: &symbols,
                time: TimeBase::Live,
                alerts: sp1top::alerts::Alerts::none(),
                fleet: &[],
                area,
            }
        };
    }
    view.update(&filter("after some.6[0-4]"), &ctx!());
    let fresh = median(|| {
        chatty.log("log:gpu-0", event::Level::Info, "t", "after Some(61s)");
        view.draw(&ctx!(), &mut buf);
    });
    println!("{:<44} {:>8.2}", "  filtered, one new record a frame", ms(fresh));
    let mut n = 0;
    let asked = median(|| {
        n += 1;
        view.update(&filter(&format!("after some.6[0-4]|{n}")), &ctx!());
        view.draw(&ctx!(), &mut buf);
    });
    println!("{:<44} {:>8.2}", "  a new filter", ms(asked));
}
