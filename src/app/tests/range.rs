//! The dialog for range proofs, the pane of a run, and how it is stopped.

use super::*;
use crate::event::{RunEvent, RunNote};
use crate::ui::{RangeLaunch, RangeTask, Request};

fn note(event: RunEvent, text: &str, proof: Option<&str>) -> crate::event::What {
    let proof = proof.map(ProofId::new);
    crate::event::What::Run(Box::new(RunNote { run: "1".into(), what: "range 10-15".into(), event, text: text.into(), proof }))
}

impl Session {
    fn hears(&mut self, event: RunEvent, text: &str, proof: Option<&str>) {
        let at = self.model.now.plus(Duration::from_secs(1));
        let event = crate::event::Event { at, what: note(event, text, proof) };
        let batch = crate::event::Batch {
            seq: self.model.seq + 1,
            at,
            source: crate::base::SourceName::new("prover"),
            events: vec![event],
            unread: Vec::new(),
            bytes: 0,
        };
        self.model.apply(batch);
    }
}

#[test]
fn a_range_proof_is_begun_after_two_questions() {
    let mut s = Session::new(healthy().clone()).size(80, 24);
    s.app.prover.checkout = "/op".into();
    s.press(&["R"]);
    assert!(s.text().contains("range proof of op-succinct") && s.text().contains("/op"), "{}", s.text());
    // From block to block, on the cluster.
    s.press(&["down", "down", "right", "down", "10", "down", "5", "enter"]);
    assert!(s.text().contains("the first block (10) is not before the last (5)"), "{}", s.text());
    s.press(&["ctrl-u", "15", "down", "right", "enter"]);
    assert!(s.text().contains("Prove the range 10-15 on ") && s.text().contains("giving up after 6h"), "{}", s.text());
    assert_eq!(s.press(&["enter"]), [], "No is the default");
    // What was typed is still there.
    s.press(&["R"]);
    assert!(s.text().contains("10") && s.text().contains("from block to block"), "{}", s.text());
    let launch = RangeLaunch {
        dir: "/op".into(),
        env_file: String::new(),
        what: RangeTask::Blocks(10, 15),
        prove: true,
        witness: true,
        timeout: Duration::from_secs(21_600),
    };
    assert_eq!(s.press(&["enter", "y"]), [Effect::Cluster(Request::Range(launch))]);
    assert!(s.text().contains("beginning"), "{}", s.text());
    // Read-only: the witness only.
    let mut s = Session::new(healthy().clone()).size(80, 24);
    s.app.prover.read_only = true;
    s.press(&["R", "/op", "down", "down", "down", "down", "right", "enter"]);
    assert!(s.text().contains("read-only"), "{}", s.text());
    let effects = s.press(&["left", "enter", "y"]);
    assert!(matches!(&effects[..], [Effect::Cluster(Request::Range(l))] if !l.prove && l.what == RangeTask::Newest(5)), "{effects:?}");
    s.time = TimeBase::Demo { speed: 1.0, paused: false };
    s.press(&["esc", "R"]);
    assert!(s.text().contains("needs a real cluster"), "{}", s.text());
}

#[test]
fn the_output_of_a_run_is_shown_and_it_is_stopped_after_a_question() {
    let mut s = Session::new(healthy().clone()).size(80, 24);
    s.hears(RunEvent::Started, "", None);
    s.hears(RunEvent::Good, "L1_RPC http://l1: chain 1", None);
    for n in 0..50 {
        s.hears(RunEvent::Line, &format!("line {n}"), None);
    }
    s.press(&["R"]);
    assert!(s.text().contains("range 10-15") && s.text().contains("line 49") && s.text().contains("running for"), "{}", s.text());
    s.press(&["g"]);
    assert!(s.text().contains("L1_RPC http://l1: chain 1") && !s.text().contains("line 49"), "{}", s.text());
    // It goes on while the pane is closed.
    s.press(&["esc", "3"]);
    assert!(s.text().contains("op-succinct, range 10-15"), "{}", s.text());
    s.press(&["R", "x"]);
    assert!(s.text().contains("Nothing was sent to the cluster yet") && !s.text().contains("cancel its proof"), "{}", s.text());
    assert_eq!(s.press(&["enter"]), [], "No is the default");
    s.hears(RunEvent::Submitted, "its request is cli_1", Some("cli_1"));
    let stop = |cancel, wait| Effect::Cluster(Request::StopRange { cancel, wait });
    assert_eq!(s.press(&["R", "x", "right", "enter"]), [stop(false, false)]);
    assert_eq!(s.press(&["esc", "R", "x", "left", "enter"]), [stop(true, false)]);
    // Whoever leaves is asked too; the second ctrl-c is meant.
    assert_eq!(s.press(&["esc", "q"]), []);
    assert!(s.text().contains("ends with sp1top"), "{}", s.text());
    assert_eq!(s.press(&["esc", "q", "right", "enter"]), [stop(false, true), Effect::Quit]);
    assert_eq!(s.press(&["ctrl-c"]), []);
    assert_eq!(s.press(&["ctrl-c"]), [Effect::Quit]);
    s.hears(RunEvent::Failed, "multi failed: Error: no", None);
    s.press(&["esc", "R"]);
    assert!(s.text().contains("failed after") && s.text().contains("n another"), "{}", s.text());
    s.press(&["n"]);
    assert!(s.text().contains("folder of op-succinct"), "{}", s.text());
    assert_eq!(s.press(&["esc", "q"]), [Effect::Quit]);
}
