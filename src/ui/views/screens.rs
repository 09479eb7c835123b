use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

use super::logs::LogsView;
use super::proofs::ProofsView;
use super::sources::Sources;
use super::testing::{COORDINATOR, Cluster, OLD, PLONK, SMALL, big, chatty, small, stuck, task, worker};
use super::workers::WorkersView;
use crate::alerts::Alerts;
use crate::base::{ProofId, TaskType, WorkerKind};
use crate::envelope::SourceState;
use crate::event::{CoordinatorEvent, Level};
use crate::model::Model;
use crate::ui::{Action, Ctx, Effect, Outcome, Role, Symbols, Theme, TimeBase, View};

/// A view over a cluster, on a screen of a size.
struct Screen<V> {
    view: V,
    theme: Theme,
    symbols: Symbols,
    area: Rect,
}

/// A line without the border around it.
fn inside(line: &str) -> &str {
    line.trim_matches(['│', '┃']).trim_end()
}

fn screen<V: View + Default>(w: u16, h: u16) -> Screen<V> {
    Screen { view: V::default(), theme: Theme::plain(), symbols: Symbols::unicode(), area: Rect::new(0, 0, w, h) }
}

impl<V: View> Screen<V> {
    fn ctx<'a>(&'a self, model: &'a Model) -> Ctx<'a> {
        Ctx { model, theme: &self.theme, symbols: &self.symbols, time: TimeBase::Live, alerts: Alerts::none(), fleet: &[], area: self.area }
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads better in the tests")]
    fn act(&mut self, c: &Cluster, action: Action) -> Outcome {
        let ctx = Ctx {
            model: &c.model,
            theme: &self.theme,
            symbols: &self.symbols,
            time: TimeBase::Live,
            alerts: Alerts::none(),
            fleet: &[],
            area: self.area,
        };
        self.view.update(&action, &ctx)
    }

    fn buffer(&self, c: &Cluster) -> Buffer {
        let mut buf = Buffer::empty(self.area);
        self.view.draw(&self.ctx(&c.model), &mut buf);
        buf
    }

    fn text(&self, c: &Cluster) -> String {
        let buf = self.buffer(c);
        let mut out = String::new();
        for row in buf.content.chunks(usize::from(buf.area.width.max(1))) {
            let mut line = String::new();
            let mut skip = 0;
            for cell in row {
                if skip == 0 {
                    line.push_str(cell.symbol());
                    skip = crate::ui::widgets::pen::width(cell.symbol()).max(1);
                }
                skip -= 1;
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// The first line that has the selection's pointer.
    fn selected(&self, c: &Cluster) -> String {
        let text = self.text(c);
        text.lines().find(|l| inside(l).starts_with(self.symbols.pointer)).unwrap_or("none").to_owned()
    }

    /// The title of the first panel.
    fn top(&self, c: &Cluster) -> String {
        self.text(c).lines().next().unwrap_or_default().to_owned()
    }
}

#[test]
fn ascii_terminals_get_ascii() {
    let c = small();
    let mut views: Vec<Box<dyn View>> =
        vec![Box::new(WorkersView::default()), Box::new(ProofsView::default()), Box::new(LogsView::default())];
    let (theme, symbols, area) = (Theme::plain(), Symbols::ascii(), Rect::new(0, 0, 130, 40));
    let ctx = Ctx { model: &c.model, theme: &theme, symbols: &symbols, time: TimeBase::Live, alerts: Alerts::none(), fleet: &[], area };
    for v in &mut views {
        for a in [Action::Wrap, Action::NextError, Action::Enter, Action::Toggle, Action::Own("paint"), Action::Back, Action::Toggle] {
            let mut buf = Buffer::empty(area);
            v.draw(&ctx, &mut buf);
            let odd: Vec<&str> = buf.content.iter().map(Cell::symbol).filter(|s| !s.is_ascii()).collect();
            assert!(odd.is_empty(), "{}: {odd:?}", v.title());
            v.update(&a, &ctx);
        }
    }
}

/// Every view in every shape.
fn every_shape(c: &Cluster, ctx: &Ctx<'_>) -> Vec<Box<dyn View>> {
    let with = |mut v: Box<dyn View>, actions: &[Action]| {
        for a in actions {
            v.update(a, ctx);
        }
        v
    };
    let proof = c.model.proofs.iter().next().map_or_else(|| ProofId::new("none"), |p| p.id.clone());
    let workers = || Box::new(WorkersView::default());
    let proofs = || Box::new(ProofsView::default());
    let logs = || Box::new(LogsView::default());
    vec![
        with(workers(), &[Action::Bottom]),
        with(workers(), &[Action::Enter, Action::Move(1)]),
        with(workers(), &[Action::Toggle, Action::Own("paint"), Action::Own("paint"), Action::Bottom]),
        with(workers(), &[Action::FilterText("no such".into())]),
        with(proofs(), &[Action::Bottom]),
        with(proofs(), &[Action::OpenProof(ProofId::new(PLONK)), Action::Bottom]),
        with(proofs(), &[Action::OpenProof(proof), Action::Toggle, Action::ZoomIn, Action::ZoomIn, Action::MoveSideways(-9)]),
        with(logs(), &[]),
        with(logs(), &[Action::Wrap, Action::FilterText("task|日".into()), Action::Move(-2)]),
        with(logs(), &[Action::Toggle, Action::Enter, Action::MoveSideways(3), Action::Own("record-down")]),
        with(logs(), &[Action::FilterText("(".into())]),
    ]
}

#[test]
fn no_size_panics_or_writes_outside_its_area() {
    let mut c = small();
    let text = "日本語 e\u{301}\u{301} 👩‍👩‍👧 a\u{200b}b | pipes\nand 行 lines x=1 y=\"日\"";
    for _ in 0..5 {
        c.log(COORDINATOR, Level::Warn, "t", text).record(COORDINATOR, Level::Info, "", text, true, Some("pod-a-b"));
    }
    let (theme, symbols) = (Theme::plain(), Symbols::unicode());
    for c in [&c, &Cluster::new()] {
        let ctx = |area| Ctx {
            model: &c.model,
            theme: &theme,
            symbols: &symbols,
            time: TimeBase::Live,
            alerts: Alerts::none(),
            fleet: &[],
            area,
        };
        let mut views = every_shape(c, &ctx(Rect::new(0, 0, 120, 40)));
        let small = (1..=10).flat_map(|w| (1..=10).map(move |h| (w, h)));
        let wide = (1..=250).step_by(3).map(|w| (w, w * 7 % 80 + 1));
        let high = (1..=80).map(|h| (h * 13 % 250 + 1, h));
        for (w, h) in small.chain(wide).chain(high).chain([(0, 0), (0, 5), (5, 0), (250, 80)]) {
            let area = Rect::new(2, 1, w, h);
            let mut blank = Buffer::filled(Rect::new(0, 0, w + 4, h + 2), Cell::new("x"));
            for (i, v) in views.iter_mut().enumerate() {
                for a in [Action::Move(1), Action::Page(-1), Action::MoveSideways(1), Action::Click(w / 2, h / 2), Action::HalfPage(1)] {
                    v.update(&a, &ctx(area));
                }
                let mut buf = blank.clone();
                v.draw(&ctx(area), &mut buf);
                for (p, cell) in buf.content.iter().enumerate() {
                    let (x, y) = buf.pos_of(p);
                    let inside = x >= area.x && x < area.right() && y >= area.y && y < area.bottom();
                    assert!(inside || cell.symbol() == "x", "shape {i} writes outside of {w}x{h} at {x},{y}");
                }
                // An area that sticks out of the buffer must not panic either.
                if w > 3 && h > 3 {
                    blank.resize(Rect::new(0, 0, w - 2, h - 2));
                    v.draw(&ctx(area), &mut blank.clone());
                    blank = Buffer::filled(Rect::new(0, 0, w + 4, h + 2), Cell::new("x"));
                }
            }
        }
    }
}

#[test]
fn every_action_is_answered_in_every_shape() {
    let c = small();
    let (theme, symbols, area) = (Theme::plain(), Symbols::unicode(), Rect::new(0, 0, 100, 30));
    let ctx = Ctx { model: &c.model, theme: &theme, symbols: &symbols, time: TimeBase::Live, alerts: Alerts::none(), fleet: &[], area };
    let actions = [
        Action::Move(i32::MAX),
        Action::Move(i32::MIN),
        Action::MoveSideways(i32::MIN),
        Action::MoveSideways(i32::MAX),
        Action::HalfPage(i32::MIN),
        Action::Page(i32::MAX),
        Action::Top,
        Action::Bottom,
        Action::Enter,
        Action::Toggle,
        Action::Enter,
        Action::Back,
        Action::ZoomIn,
        Action::ZoomOut,
        Action::NextSort,
        Action::ReverseSort,
        Action::SortBy(usize::MAX),
        Action::NextError,
        Action::PreviousError,
        Action::Follow,
        Action::Wrap,
        Action::Copy,
        Action::InvertFilter,
        Action::Click(u16::MAX, u16::MAX),
        Action::DoubleClick(0, 0),
        Action::Own("paint"),
        Action::Own("nonsense"),
        Action::Own("level"),
        Action::Own("source"),
        Action::Own("logs"),
        Action::OpenLogs("x".into()),
        Action::OpenWorker(worker(99)),
        Action::OpenProof(ProofId::new("gone")),
        Action::Back,
        Action::Back,
        Action::Back,
    ];
    for mut v in every_shape(&c, &ctx) {
        for a in actions.iter().chain(actions.iter().rev()) {
            v.update(a, &ctx);
            v.draw(&ctx, &mut Buffer::empty(area));
        }
        let about: usize = v.about().iter().map(|p| p.len()).sum();
        assert!(about > 200 && !v.bindings().is_empty());
        assert!(v.bindings().iter().flat_map(|b| b.keys).all(|k| crate::ui::keymap::parse_key(k).is_some()));
    }
}

#[test]
fn the_selected_worker_stays_selected() {
    let mut c = small();
    let mut s = screen::<WorkersView>(120, 30);
    s.act(&c, Action::Move(2));
    assert!(s.selected(&c).contains("daa66d2c"));
    for _ in 0..12 {
        s.act(&c, Action::NextSort);
        assert!(s.selected(&c).contains("daa66d2c"));
        s.act(&c, Action::ReverseSort);
        assert!(s.selected(&c).contains("daa66d2c"));
    }
    // It changes places when it is lost, and stays selected.
    c.coordinator(CoordinatorEvent::WorkerTimedOut { worker: worker(2), heartbeat_age_secs: None });
    assert!(s.selected(&c).contains("lost"), "{}", s.text(&c));
    // The filter hides it: a neighbour is selected; it comes back with the filter gone.
    s.act(&c, Action::FilterText("live".into()));
    assert!(s.selected(&c).contains("live"));
    // The map and the rows share their selection.
    s.act(&c, Action::FilterText(String::new()));
    assert!(s.selected(&c).contains("daa66d2c"));
    s.act(&c, Action::OpenWorker(worker(3)));
    s.act(&c, Action::Toggle);
    s.act(&c, Action::Move(-99));
    s.act(&c, Action::Enter);
    assert!(s.selected(&c).contains("9e3779b9"), "{}", s.text(&c));
}

#[test]
fn worker_filters_are_words_over_all_that_is_shown() {
    let c = small();
    let mut s = screen::<WorkersView>(120, 30);
    let mut kept = |text: &str, invert: bool| {
        s.act(&c, Action::Back);
        s.act(&c, Action::FilterText(text.into()));
        if invert {
            s.act(&c, Action::InvertFilter);
        }
        let text = s.text(&c);
        ["9e3779b9", "3c6ef372", "daa66d2c", "78dde6e5"].iter().filter(|w| text.lines().skip(2).take(4).any(|l| l.contains(**w))).count()
    };
    assert_eq!(kept("", false), 4);
    assert_eq!(kept("gpu", false), 3);
    assert_eq!(kept("GPU lost", false), 1);
    assert_eq!(kept("proveshard", false), 3);
    assert_eq!(kept("controller", true), 3);
    assert_eq!(kept(SMALL, false), 2);
    assert_eq!(kept("djgm5", false), 1);
    assert_eq!(kept(&task(501).to_string(), false), 1);
    assert_eq!(kept("nothing of the kind", false), 0);
}

#[test]
fn a_click_on_a_header_sorts_and_one_on_a_row_selects() {
    let c = small();
    let mut s = screen::<WorkersView>(120, 30);
    let header = s.text(&c).lines().nth(1).unwrap().to_owned();
    let x = u16::try_from(header[..header.find("tasks").unwrap()].chars().count()).unwrap();
    s.act(&c, Action::Click(x, 1));
    assert!(s.text(&c).lines().nth(1).unwrap().contains("tasks▼"));
    assert!(s.text(&c).lines().nth(2).unwrap().contains("3c6ef372"));
    s.act(&c, Action::Click(x, 1));
    assert!(s.text(&c).lines().nth(1).unwrap().contains("tasks▲"));
    s.act(&c, Action::Click(20, 4));
    assert!(s.selected(&c).contains(s.text(&c).lines().nth(4).unwrap().split_whitespace().nth(3).unwrap()));
    // Two quick clicks on a header sort twice, and open nothing.
    s.act(&c, Action::DoubleClick(x, 1));
    assert!(s.view.crumb().is_none() && s.text(&c).lines().nth(1).unwrap().contains("tasks▼"));
    s.act(&c, Action::DoubleClick(20, 4));
    assert!(s.view.crumb().is_some());
}

#[test]
fn from_worker_to_proof_to_worker() {
    let c = small();
    let mut w = screen::<WorkersView>(120, 40);
    w.act(&c, Action::OpenWorker(worker(1)));
    assert_eq!(w.act(&c, Action::Enter), Outcome::done());
    assert_eq!(w.view.crumb().as_deref(), Some("3c6ef372"));
    assert_eq!(w.act(&c, Action::Enter).then, Some(Action::OpenProof(ProofId::new(PLONK))));
    assert_eq!(w.act(&c, Action::Own("logs")).then, Some(Action::OpenLogs("gpu-node-5f6c7d8e9b-t2q8j".into())));
    assert!(w.act(&c, Action::Back).handled && !w.act(&c, Action::Back).handled);

    let mut p = screen::<ProofsView>(120, 40);
    p.act(&c, Action::OpenProof(ProofId::new(PLONK)));
    assert_eq!(p.view.crumb().as_deref(), Some(PLONK));
    assert_eq!(p.act(&c, Action::Enter).then, Some(Action::OpenWorker(worker(1))));
    assert_eq!(p.act(&c, Action::Copy).effects, [Effect::Copy(task(139).to_string())]);
    assert!(p.act(&c, Action::Back).handled && p.view.crumb().is_none());
}

#[test]
fn proofs_say_what_holds_them_up() {
    let shown = |c: &Cluster| {
        let mut s = screen::<ProofsView>(160, 30);
        s.act(c, Action::OpenProof(ProofId::new(PLONK)));
        inside(s.text(c).lines().nth(1).unwrap()).trim().to_owned()
    };
    assert_eq!(
        shown(&stuck()),
        "held up by PlonkWrap waits for a cpu worker: only its Controller runs, cpu_queue is 1, nothing has moved for 9m30s"
    );
    let mut c = small();
    assert!(shown(&c).starts_with("slowest ProveShard for 1m00s, 0.8× its typical 1m12s, on worker 3c6ef372 (gpu-node-"), "{}", shown(&c));
    // The same task, much later.
    let tasks = [(PLONK, 139, TaskType::ProveShard)];
    for t in 33..60 {
        c.at(t * 10).block((0, 0), (64, 24), &[(0, WorkerKind::Cpu, &[(PLONK, 1, TaskType::Controller)]), (1, WorkerKind::Gpu, &tasks)]);
    }
    assert!(shown(&c).starts_with("held up by ProveShard for 5m30s, "), "{}", shown(&c));
    let mut c = Cluster::new();
    c.row(PLONK, crate::event::ProofMode::Plonk, crate::event::ProofStatus::Pending, 9);
    assert!(shown(&c).contains("has not claimed it"));
}

#[test]
fn proof_filters_and_order() {
    let c = small();
    let mut s = screen::<ProofsView>(120, 20);
    let rows = |s: &Screen<ProofsView>| {
        s.text(&c)
            .lines()
            .skip(2)
            .take_while(|l| !l.starts_with('╰'))
            .filter_map(|l| l.split_whitespace().find(|w| w.starts_with("cli_")).map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(rows(&s), [SMALL, PLONK, "cli_1795518500000", "cli_1795518000000"]);
    s.act(&c, Action::FilterText("active".into()));
    assert_eq!(rows(&s), [SMALL, PLONK]);
    s.act(&c, Action::InvertFilter);
    assert_eq!(rows(&s), ["cli_1795518500000", "cli_1795518000000"]);
    s.act(&c, Action::Back);
    s.act(&c, Action::FilterText("artifact not found".into()));
    assert_eq!(rows(&s), ["cli_1795518500000"]);
    s.act(&c, Action::FilterText("nope".into()));
    assert!(s.text(&c).contains("None of 4 proofs matches 'nope'."));
}

#[test]
fn logs_follow_pause_and_count_what_is_new() {
    let mut c = small();
    let mut s = screen::<LogsView>(120, 20);
    assert!(s.text(&c).contains("follow"));
    s.act(&c, Action::Move(-1));
    let spot = s.selected(&c);
    assert!(s.top(&c).contains("paused") && !s.top(&c).contains("new") && spot.contains("12:04:44"));
    c.at(500).log("log:gpu-0", Level::Info, "t", "one more").log("log:gpu-0", Level::Info, "t", "and another");
    assert!(s.top(&c).contains("paused, 2 new"), "{}", s.text(&c));
    assert_eq!(s.selected(&c), spot, "it does not run away");
    s.act(&c, Action::Bottom);
    assert!(s.selected(&c).contains("and another") && s.text(&c).contains("follow"));
    c.log("log:gpu-0", Level::Error, "t", "the newest");
    assert!(s.selected(&c).contains("the newest"));
    // A late record is sorted in, and the selection stays with its record.
    s.act(&c, Action::Follow);
    c.at(1).log("log:gpu-0", Level::Info, "t", "late");
    assert!(s.selected(&c).contains("the newest"));
    s.act(&c, Action::PreviousError);
    assert!(s.selected(&c).contains("Retryable"));
    assert_eq!(s.act(&c, Action::PreviousError).message.as_deref(), Some("no ERROR before this one"));
    s.act(&c, Action::NextError);
    assert!(s.selected(&c).contains("the newest"));
    let Some(Effect::Copy(text)) = s.act(&c, Action::Copy).effects.pop() else { panic!("nothing copied") };
    assert_eq!(text, "2026-11-24T12:08:20Z ERROR gpu-node-5f6c7d8e9b-t2q8j t: the newest");
}

#[test]
fn log_filters() {
    let mut c = small();
    let mut s = screen::<LogsView>(140, 30);
    let shown = |s: &Screen<LogsView>, c: &Cluster| {
        let top = s.top(c);
        let spot = top.split_whitespace().find(|w| w.contains('/') && w.starts_with(|c: char| c.is_ascii_digit()));
        spot.and_then(|w| w.split('/').nth(1)?.parse::<usize>().ok()).unwrap_or(0)
    };
    assert_eq!(shown(&s, &c), 30);
    s.act(&c, Action::FilterText(r"after some\(6[0-3]".into()));
    let n = shown(&s, &c);
    assert!(n > 5 && n < 24, "{n}");
    s.act(&c, Action::FilterText(r"after some\(6[0-3".into()));
    assert_eq!(shown(&s, &c), n, "the last good one stays");
    assert!(s.text(&c).contains("unclosed character class"));
    s.act(&c, Action::FilterText(r"after some\(6[0-3]".into()));
    c.at(600).log("log:gpu-0", Level::Info, "t", "after some(60s)").log("log:gpu-0", Level::Info, "t", "after none");
    assert_eq!(shown(&s, &c), n + 1);
    s.act(&c, Action::InvertFilter);
    assert_eq!(shown(&s, &c), 32 - n - 1);
    assert!(s.act(&c, Action::Back).handled);
    assert_eq!(shown(&s, &c), 32);
    s.act(&c, Action::Own("level"));
    s.act(&c, Action::Own("level"));
    assert_eq!(shown(&s, &c), 3);
    s.act(&c, Action::Own("level"));
    assert_eq!(shown(&s, &c), 1);
    s.act(&c, Action::OpenLogs("gpu-node-5f6c7d8e9b-x9k4w".into()));
    assert_eq!(shown(&s, &c), 12);
    s.act(&c, Action::OpenLogs("nobody".into()));
    assert!(s.text(&c).contains("None of 32 records is from 'nobody'."));
    assert!(s.act(&c, Action::Back).handled && !s.act(&c, Action::Back).handled);
    s.act(&c, Action::Own("source"));
    assert!(s.top(&c).contains("only coordinator"));
    s.act(&c, Action::Own("source"));
    assert!(s.top(&c).contains("only cpu-node"));
}

#[test]
fn matches_are_marked_even_in_the_selected_row() {
    let c = small();
    let mut s = screen::<LogsView>(140, 30);
    s.theme = Theme::plain();
    s.act(&c, Action::FilterText("PROVE_SHARD".into()));
    s.act(&c, Action::Wrap);
    let buf = s.buffer(&c);
    let marked: String =
        buf.content.iter().filter(|c| c.modifier.intersects(s.theme.style(Role::Match).add_modifier)).map(Cell::symbol).collect();
    assert_eq!(marked, "PROVE_SHARD");
}

#[test]
fn many_records_and_workers_are_scrolled_to_their_ends() {
    let c = chatty(25_000);
    let mut s = screen::<LogsView>(120, 30);
    assert!(s.text(&c).contains("20000/20000"));
    s.act(&c, Action::Top);
    assert!(s.text(&c).contains("1/20000"));
    let text = s.text(&c);
    assert!(inside(text.lines().nth(1).unwrap()).starts_with('▌'), "{text}");
    let c = big(10_000, 3);
    let mut s = screen::<WorkersView>(120, 30);
    s.act(&c, Action::Bottom);
    assert!(s.text(&c).contains("10000/10000"));
}

#[test]
fn chatter_is_folded_away_with_the_periodic_lines() {
    let mut c = small();
    let before = c.model.logs.records().len();
    for (target, text) in [
        ("sp1_cluster_artifact::redis", "upload took 429.665µs, size: 113"),
        ("crates/artifact/src/redis.rs:355", "download took 558µs, size: 25"),
        ("sp1_cluster_worker", "close time.busy=8.01s time.idle=41.3ms"),
        ("sp1_cluster_api", "Getting proof request with ID: cli_1"),
    ] {
        c.record("log:cpu-0", Level::Info, target, text, false, None);
    }
    c.record("log:cpu-0", Level::Warn, "sp1_cluster_artifact::redis", "upload took 99s, too long", false, None);
    let mut s = screen::<LogsView>(120, 30);
    let text = s.text(&c);
    assert!(!text.contains("429.665") && !text.contains("558µs") && !text.contains("8.01s") && !text.contains("Getting"), "{text}");
    assert!(text.contains(&format!("logs {} ", before + 1)) && text.contains("too long"), "{text}");
    s.act(&c, Action::Toggle);
    assert!(s.text(&c).contains("429.665"), "{}", s.text(&c));
    s.act(&c, Action::Toggle);
    // What is looked for is found.
    s.act(&c, Action::FilterText("redis.rs".into()));
    assert!(s.text(&c).contains("558µs"), "{}", s.text(&c));
    assert!(!s.text(&c).contains("redis.rs:355"), "the place in the source text is for wide screens: {}", s.text(&c));
}

#[test]
fn an_opened_proof_tells_all_of_what_holds_it_up() {
    let c = stuck();
    let mut s = screen::<ProofsView>(80, 22);
    s.act(&c, Action::OpenProof(ProofId::new(PLONK)));
    let text = s.text(&c);
    assert!(text.contains("held up by PlonkWrap waits") && text.contains("nothing has moved for 9m30s"), "{text}");
}

#[test]
fn why_a_sent_proof_could_not_be_fetched_is_told_whole() {
    let mut c = small();
    let line = format!(
        "the proof is complete and could not be fetched: artifact store redis://redis-master:6379: connection refused; try again: sp1top proofs fetch {OLD}"
    );
    let note = crate::event::JobNote {
        proof: ProofId::new(OLD),
        event: "stopped".into(),
        state: "completed".into(),
        program: "fibonacci".into(),
        input: "n=20".into(),
        mode: "core".into(),
        line,
    };
    c.send("job", vec![crate::event::What::Job(Box::new(note))]);
    let mut s = screen::<ProofsView>(80, 40);
    let text = s.text(&c);
    assert!(text.contains("sent from here: 0 running, 1 ended"), "{text}");
    let words = |t: &str| t.replace(['│', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&text).contains(&format!("connection refused; try again: sp1top proofs fetch {OLD}")), "{text}");
    s.act(&c, Action::OpenProof(ProofId::new(OLD)));
    let text = s.text(&c);
    assert_eq!(words(&text).matches(&format!("try again: sp1top proofs fetch {OLD}")).count(), 2, "{text}");
}

#[test]
fn sources_have_room_for_their_names_and_say_what_they_look_after() {
    let mut c = Cluster::new();
    let long = "log:cpu-node-7d9f8b6c5d-djgm5/cpu-node-with-a-long-name";
    for (name, state, detail) in [
        (long, SourceState::Live, ""),
        ("kube:logs", SourceState::Live, ""),
        ("grpc:versions", SourceState::Ended, "not offered: the API is older than v2.5.4"),
    ] {
        let update = crate::envelope::SourceUpdate { state, detail: detail.into(), component: None, pod: None, dropped: 0 };
        c.send(name, vec![crate::event::What::Source(update)]);
    }
    let text = screen::<Sources>(120, 40).text(&c);
    assert!(text.contains(long), "{text}");
    assert!(text.contains("idle"), "{text}");
    assert!(screen::<Sources>(200, 40).text(&c).contains("opens and closes the logs of pods: 1 log followed"));
    assert!(text.contains("not offered") && !text.contains(" ended"), "{text}");
}

#[test]
fn a_worker_shows_what_it_ended_last() {
    let c = small();
    let mut s = screen::<WorkersView>(120, 40);
    s.act(&c, Action::OpenWorker(worker(1)));
    s.act(&c, Action::Enter);
    let text = s.text(&c);
    let ended: Vec<&str> = text.lines().skip_while(|l| !l.contains("ended last")).skip(1).filter(|l| l.contains("done")).collect();
    assert!(ended.len() >= 3 && ended.iter().all(|l| l.contains("ProveShard")), "{text}");
}

#[test]
fn the_map_uses_the_room_that_there_is() {
    let c = big(1030, 3);
    let mut s = screen::<WorkersView>(200, 56);
    s.act(&c, Action::Toggle);
    let text = s.text(&c);
    let rows = text.lines().skip(1).take_while(|l| !l.starts_with('╰')).filter(|l| l.contains('P')).count();
    assert!(rows >= 20, "{rows}\n{text}");
}
