//! From what was sent to where it is followed.

use super::*;
use crate::event::{RunEvent, RunNote};

impl Session {
    fn run_says(&mut self, run: &str, event: RunEvent, proof: Option<&str>) -> Vec<Effect> {
        let proof = proof.map(ProofId::new);
        self.takes_in(What::Run(Box::new(RunNote { run: run.into(), what: "range 10-15".into(), event, text: "x".into(), proof })));
        self.send(Msg::News)
    }

    fn takes_in(&mut self, what: What) {
        let at = self.model.now.plus(Duration::from_secs(1));
        let batch = crate::event::Batch {
            seq: self.model.seq + 1,
            at,
            source: SourceName::new("prover"),
            events: vec![Event { at, what }],
            unread: Vec::new(),
            bytes: 0,
        };
        self.model.apply(batch);
    }

    /// Begins a run with the dialog.
    fn begins_a_run(&mut self) {
        self.app.prover.checkout = "/op".into();
        self.app.popup = None;
        self.press(&["R"]);
        if self.model.runs.newest().is_some() {
            self.press(&["n"]);
        }
        let effects = self.press(&["enter", "y"]);
        assert!(matches!(effects[..], [Effect::Cluster(crate::ui::Request::Range(_))]), "{effects:?}");
    }

    fn is_in_the_pane(&self) -> bool {
        matches!(self.app.popup, Some(Popup::Run(_)))
    }
}

#[test]
fn a_proof_that_was_sent_is_followed_and_esc_leads_back() {
    let mut s = Session::new(healthy().clone()).size(100, 30);
    s.press(&["4"]);
    let before = s.app.view();
    s.send(Msg::Sent { said: "cli_77 is on its way".into(), proof: ProofId::new("cli_77") });
    assert_eq!(s.app.view(), Some(ViewId::Proofs));
    assert!(s.text().contains("cli_77 is on its way; esc leads back"), "{}", s.text());
    // The cluster does not list it yet: no other proof is meant meanwhile.
    assert!(s.text().contains("On its way: the cluster does not list it yet"), "{}", s.text());
    assert_eq!(s.press(&["x"]), []);
    assert!(s.app.popup.is_none() && s.text().contains("the cluster does not list cli_77 yet"), "{}", s.text());
    assert_eq!(s.press(&["y"]), [Effect::Copy("cli_77".into())]);
    // Then it does, and the cursor is on it.
    s.takes_in(What::Client(crate::event::ClientEvent::Submitted { proof: ProofId::new("cli_77") }));
    assert!(!s.text().contains("On its way"), "{}", s.text());
    assert_eq!(s.press(&["y"]), [Effect::Copy("cli_77".into())]);
    s.press(&["enter"]);
    assert!(s.text().contains("cli_77"), "{}", s.text());
    s.press(&["esc", "esc"]);
    assert_eq!(s.app.view(), before);
    // A filter does not hide it.
    s.press(&["3", "/", "nothing is called so", "enter"]);
    s.send(Msg::Sent { said: String::new(), proof: ProofId::new("cli_77") });
    assert_eq!(s.press(&["y"]), [Effect::Copy("cli_77".into())]);
    // Whoever moves on leaves it.
    s.send(Msg::Sent { said: String::new(), proof: ProofId::new("cli_78") });
    s.press(&["g"]);
    assert!(!s.text().contains("On its way"), "{}", s.text());
}

#[test]
fn the_proof_of_a_run_is_a_key_away_once_it_is_known() {
    let mut s = Session::new(healthy().clone()).size(100, 30);
    s.begins_a_run();
    s.run_says("1", RunEvent::Started, None);
    assert!(s.is_in_the_pane() && s.app.view() == Some(ViewId::Overview));
    // The output goes on before the eyes.
    s.run_says("1", RunEvent::Submitted, Some("cli_5"));
    assert!(s.is_in_the_pane() && s.app.view() == Some(ViewId::Overview));
    assert!(s.text().contains("range 10-15 is proved as cli_5: o follows it"), "{}", s.text());
    s.press(&["o"]);
    assert_eq!((s.is_in_the_pane(), s.app.view()), (false, Some(ViewId::Proofs)));
    assert!(s.text().contains("cli_5"), "{}", s.text());
    // Back to the pane, then to where it was begun.
    s.press(&["esc"]);
    assert!(s.is_in_the_pane() && s.app.view() == Some(ViewId::Overview));
    s.run_says("1", RunEvent::Line, None);
    assert!(s.is_in_the_pane());
    s.press(&["esc"]);
    assert_eq!((s.is_in_the_pane(), s.app.view()), (false, Some(ViewId::Overview)));
}

#[test]
fn whoever_has_gone_elsewhere_is_told_the_key() {
    let mut s = Session::new(healthy().clone()).size(100, 30);
    // The proof of the run before is not meant.
    s.run_says("0", RunEvent::Submitted, Some("cli_4"));
    s.run_says("0", RunEvent::Ended, None);
    s.begins_a_run();
    s.send(Msg::News);
    assert!(s.is_in_the_pane());
    s.press(&["esc", "7"]);
    s.run_says("1", RunEvent::Submitted, Some("cli_5"));
    assert_eq!(s.app.view(), Some(ViewId::Pods));
    assert!(s.text().contains("range 10-15 is proved as cli_5: R then o follows it"), "{}", s.text());
    s.press(&["R", "o"]);
    assert_eq!(s.app.view(), Some(ViewId::Proofs));
    // A run without a proof leads nowhere.
    s.run_says("1", RunEvent::Ended, None);
    s.begins_a_run();
    s.run_says("2", RunEvent::Failed, None);
    assert!(s.is_in_the_pane() && s.app.awaited.is_none());
}

#[test]
fn a_store_that_is_not_set_is_typed_and_its_password_never_shown() {
    use crate::ui::TypedStore;

    let mut s = Session::new(healthy().clone()).size(80, 24);
    s.press(&["p"]);
    assert!(s.text().contains("its URLs") && s.text().contains("written nowhere"), "{}", s.text());
    s.press(&["up"]);
    for c in "redis://:hunter2@r:6379".chars() {
        s.send(Msg::Key(parse_key(&c.to_string()).unwrap()));
        let text = s.text();
        let row = text.lines().find(|l| l.contains("its URLs")).unwrap();
        assert!(!row.contains("hu") && !row.contains(":h"), "{row}");
    }
    assert!(s.text().contains("redis://:*******@r:6379"), "{}", s.text());
    let typed = TypedStore::Redis("redis://:hunter2@r:6379".into());
    let effects = s.press(&["enter"]);
    assert_eq!(effects, [Effect::Store(typed)]);
    assert!(!format!("{effects:?} {:?}", s.app.popup).contains("hunter2"));
    // What is wrong with it is said there; nothing is asked.
    s.send(Msg::Store(Err("it is no URL".into())));
    assert!(s.text().contains("it is no URL") && s.text().contains("send a proof"), "{}", s.text());
    s.press(&["enter"]);
    s.send(Msg::Store(Ok("redis://:***@r:6379".into())));
    assert!(s.text().contains("Send one compressed proof") && s.text().contains("redis://:***@r:6379"), "{}", s.text());
    assert!(matches!(s.press(&["y"])[..], [Effect::Cluster(crate::ui::Request::Prove(_))]));
    // The next time it is there, and is not taken again unless it changes.
    s.press(&["p"]);
    assert!(s.text().contains("redis://:*******@r:6379"), "{}", s.text());
    assert_eq!(s.press(&["enter"]), []);
    assert!(s.text().contains("Send one compressed proof"), "{}", s.text());
    s.press(&["esc", "p", "up", "0"]);
    assert!(matches!(s.press(&["enter"])[..], [Effect::Store(TypedStore::Redis(_))]));
    // Or a bucket.
    s.press(&["esc", "p", "up", "up", "right", "down"]);
    s.send(Msg::Paste("proofs".into()));
    s.press(&["down"]);
    s.send(Msg::Paste("eu-1".into()));
    assert_eq!(s.press(&["enter"]), [Effect::Store(TypedStore::S3 { bucket: "proofs".into(), region: "eu-1".into() })]);
    // Another cluster has another one.
    s.press(&["esc"]);
    s.send(Msg::Prover(ProverSetup::default()));
    s.press(&["p"]);
    assert!(!s.text().contains("*****"), "{}", s.text());
}

#[test]
fn a_proof_that_nobody_claimed_yet_says_since_when_it_waits() {
    use crate::event::{ProofMode, ProofStatus};
    use crate::ui::views::testing::Cluster;

    let waits = |log: bool, deadline: i64| {
        let mut c = Cluster::new();
        c.at(0).row("cli_9", ProofMode::Core, ProofStatus::Pending, deadline);
        if log {
            c.block((0, 0), (48, 24), &[]);
        }
        c.at(90).row("cli_9", ProofMode::Core, ProofStatus::Pending, deadline);
        if log {
            c.block((0, 0), (48, 24), &[]);
        }
        Session::new(c.model).size(160, 40).text()
    };
    let text = waits(true, 3600);
    assert!(text.contains("claimed for 1m30s") && !text.contains("nothing runs"), "{text}");
    // Past its deadline nobody will claim it; without the log nobody knows who did.
    assert!(waits(true, 60).contains("nobody works on it"), "{}", waits(true, 60));
    let text = waits(false, 3600);
    assert!(text.contains("cli_9") && !text.contains("claimed for") && !text.contains("nothing runs"), "{text}");
}
