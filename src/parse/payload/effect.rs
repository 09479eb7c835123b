//! Results of effects: how far the proofs are that this program sends, and what
//! the programs of op-succinct say that it runs.

use serde::Deserialize;

use super::{Out, safe};
use crate::base::ProofId;
use crate::event::{JobNote, RunEvent, RunNote, UnreadReason, What};

#[derive(Deserialize)]
struct Note {
    proof_id: String,
    event: String,
    state: String,
    #[serde(default)]
    program: String,
    #[serde(default)]
    input: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    line: String,
}

#[derive(Deserialize)]
struct RunDocument {
    #[serde(rename = "run")]
    id: String,
    what: String,
    event: RunEvent,
    #[serde(default)]
    text: String,
    #[serde(default)]
    proof_id: Option<String>,
}

/// Reads one of either kind.
pub(super) fn read(raw: &[u8], out: &mut Out<'_>) {
    match serde_json::from_slice::<RunDocument>(raw) {
        Ok(r) => out.push(What::Run(Box::new(RunNote {
            run: safe(&r.id, 40),
            what: safe(&r.what, 80),
            event: r.event,
            text: safe(&r.text, 2_000),
            proof: r.proof_id.and_then(|id| ProofId::read(id.as_bytes())),
        }))),
        Err(_) => job(raw, out),
    }
}

/// Reads one; a recording may come from anywhere, so its text is made safe.
fn job(raw: &[u8], out: &mut Out<'_>) {
    let note = serde_json::from_slice::<Note>(raw).ok();
    let Some((note, proof)) = note.and_then(|n| ProofId::read(n.proof_id.as_bytes()).map(|id| (n, id))) else {
        out.unread(UnreadReason::UnknownDocument, raw);
        return;
    };
    let word = |s: &str| safe(s, 32);
    out.push(What::Job(Box::new(JobNote {
        proof,
        event: word(&note.event),
        state: word(&note.state),
        program: safe(&note.program, 80),
        input: safe(&note.input, 80),
        mode: word(&note.mode),
        line: safe(&note.line, 400),
    })));
}
