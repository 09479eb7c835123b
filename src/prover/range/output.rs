//! What the programs print, line by line (reference 2.5 and 7).

use std::borrow::Cow;

use crate::base::id::is_clean;
use crate::base::redact::redact;
use crate::base::text::{clean, strip_ansi};

/// What a line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The request was taken, with that id.
    Submitted(String),
    /// The proof is made.
    Completed,
    /// The proof is in that file, as the program names it.
    Saved(String),
    /// The local run of the witness went well.
    Executed,
    /// The proof failed or timed out in the cluster.
    ClusterFailed(String),
    /// The program ends with an error.
    Failed(String),
}

/// A line made safe to show: no colours, no control bytes, no secrets.
#[must_use]
pub fn safe(raw: &[u8]) -> String {
    // The end of the line is not of its text.
    let raw = raw.trim_ascii_end();
    let plain = strip_ansi(raw);
    let text: Cow<'_, str> = clean(&plain);
    redact(text.trim_end()).into_owned()
}

/// What a safe line means, if it does.
#[must_use]
pub fn read(line: &str) -> Option<Said> {
    let behind = |mark: &str| line.find(mark).map(|at| line[at + mark.len()..].trim());
    if let Some(id) = behind("Successfully created proof request ") {
        let id = id.split_whitespace().next().unwrap_or_default();
        return is_clean(id.as_bytes()).then(|| Said::Submitted(id.to_owned()));
    }
    if line.contains("Proof request for proof id ") && line.contains(" completed after ") {
        return Some(Said::Completed);
    }
    if let Some(path) = behind("proof saved to ") {
        return Some(Said::Saved(path.to_owned()));
    }
    if line.contains("Execution Stats:") {
        return Some(Said::Executed);
    }
    let cluster = ["cluster range proof ", "cluster aggregation proof ", "cluster proof "];
    if cluster.iter().any(|m| line.contains(m)) && (line.contains("failed") || line.contains("timed out")) {
        return Some(Said::ClusterFailed(line.to_owned()));
    }
    let fatal = line.starts_with("Error: ") || line.starts_with("error: ") || line.contains("panicked at");
    fatal.then(|| Said::Failed(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_lines_are_read() {
        let of = |s: &str| read(&safe(s.as_bytes()));
        assert_eq!(
            of("\x1b[2m2026-04-20T10:00:00.000000Z\x1b[0m \x1b[32m INFO\x1b[0m Successfully created proof request cli_1776099600123"),
            Some(Said::Submitted("cli_1776099600123".into()))
        );
        assert_eq!(
            of("2026-04-20T10:07:55Z  INFO Proof request for proof id cli_1776099600123 completed after 475.123456789s"),
            Some(Said::Completed)
        );
        assert_eq!(
            of("Range proof saved to data/8453/proofs/range/10-15.bin"),
            Some(Said::Saved("data/8453/proofs/range/10-15.bin".into()))
        );
        assert_eq!(of("Execution Stats:"), Some(Said::Executed));
        assert!(matches!(of("Error: cluster range proof timed out after 21600s"), Some(Said::ClusterFailed(_))));
        assert!(matches!(of("Error: Environment file not found: .env"), Some(Said::Failed(_))));
        assert!(matches!(of("thread 'main' panicked at src/main.rs:1:1:"), Some(Said::Failed(_))));
        assert_eq!(of("2026-04-20T10:00:00Z  INFO connecting to http://10.0.0.9:50051"), None);
        assert_eq!(safe(b"using redis://:hunter2@r\x07\x1b[31m!\x1b[0m\r"), safe(b"using redis://:***@r\x07!\r"));
        assert_eq!(of("INFO Successfully created proof request cli_1\r\n"), Some(Said::Submitted("cli_1".into())));
        assert!(!safe(b"a\x1b]0;title\x07b").contains('\x1b'));
    }
}
