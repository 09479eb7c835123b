//! The report as a page for a person, and for a chat message: no lines drawn,
//! the status in words, colours only where they are wanted.

use std::fmt::Write as _;

use super::Status;
use super::report::{Checked, Report};
use crate::ui::draw::width;

/// Columns of the page.
const WIDTH: usize = 100;
/// Columns before what a check says.
const INDENT: usize = 6;

/// The word in front of a check, of four letters so that they stand below each
/// other.
const fn word(status: Status) -> &'static str {
    match status {
        Status::Pass => " ok ",
        Status::Warn => "WARN",
        Status::Fail => "FAIL",
        Status::Skipped => "skip",
    }
}

const fn colour(status: Status) -> &'static str {
    match status {
        Status::Pass => "\x1b[32m",
        Status::Warn => "\x1b[33m",
        Status::Fail => "\x1b[1;31m",
        Status::Skipped => "\x1b[2m",
    }
}

/// The page; with `coloured` words in colour.
#[must_use]
pub fn page(report: &Report, coloured: bool) -> String {
    let mut out = String::new();
    for c in report.checks.iter().filter(|c| !is_plain_skip(c)) {
        check(&mut out, c, coloured);
    }
    skipped(&mut out, report, coloured);
    let n = &report.counts;
    let _ = writeln!(
        out,
        "\n{} passed, {} with warnings, {} failed, {} skipped, in {:.1} s",
        n.pass,
        n.warn,
        n.fail,
        n.skipped,
        std::time::Duration::from_millis(report.took_ms).as_secs_f64()
    );
    if let Some(first) = report.checks.iter().find(|c| c.status == Status::Fail) {
        let _ = writeln!(out, "Begin with the first failure: {}. It may be the cause of others.", first.title);
    }
    out
}

/// Skipped, with nothing to say but why.
fn is_plain_skip(c: &Checked) -> bool {
    c.status == Status::Skipped && c.details.is_empty() && c.fix.is_empty()
}

/// The skipped checks, those with the same reason together.
fn skipped(out: &mut String, report: &Report, coloured: bool) {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for c in report.checks.iter().filter(|c| is_plain_skip(c)) {
        match reasons.iter_mut().find(|(r, _)| *r == c.summary) {
            Some((_, titles)) => titles.push(c.title),
            None => reasons.push((&c.summary, vec![c.title])),
        }
    }
    let (on, off) = if coloured { (colour(Status::Skipped), "\x1b[0m") } else { ("", "") };
    for (reason, titles) in reasons {
        let _ = write!(out, "{on}{}{off}  ", word(Status::Skipped));
        lines(out, &format!("{}: {reason}", titles.join(", ")), INDENT, true);
    }
}

fn check(out: &mut String, c: &Checked, coloured: bool) {
    let (on, off) = if coloured { (colour(c.status), "\x1b[0m") } else { ("", "") };
    let _ = write!(out, "{on}{}{off}  ", word(c.status));
    lines(out, &format!("{}: {}", c.title, c.summary), INDENT, true);
    let said = |text: &str| c.summary.contains(text) || text.contains(c.summary.as_str()) && c.details.len() == 1;
    for d in c.details.iter().filter(|d| !said(&d.text)) {
        let mark = match d.status {
            Status::Pass => "+",
            Status::Warn => "!",
            Status::Fail => "x",
            Status::Skipped => "-",
        };
        let _ = write!(out, "{:INDENT$}{mark} ", "");
        lines(out, &d.text, INDENT + 2, true);
    }
    if let Some(cause) = c.cause.as_deref().filter(|t| !said(t) && !c.details.iter().any(|d| d.text == **t)) {
        lines(out, &format!("why: {cause}"), INDENT, false);
    }
    for f in &c.fix {
        lines(out, &format!("fix: {}", f.say), INDENT, false);
        if let Some(run) = &f.run {
            // In one piece, so that it can be copied.
            let _ = writeln!(out, "{:width$}$ {run}", "", width = INDENT + 2);
        }
    }
}

/// Writes text in lines; the first without indent where something stands before
/// it.
fn lines(out: &mut String, text: &str, indent: usize, begun: bool) {
    let room = WIDTH - indent;
    let mut used = 0;
    if !begun {
        let _ = write!(out, "{:indent$}", "");
    }
    // Broken at blanks alone: flags and URLs stay whole.
    for word in text.split_whitespace() {
        let w = usize::from(width(word));
        if used > 0 && used + 1 + w > room {
            let _ = write!(out, "\n{:indent$}", "");
            used = 0;
        }
        if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += w;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::doctor::{Outcome, checks};

    #[test]
    fn a_page_says_what_is_wrong_and_what_to_type() {
        let mut o = Outcome::fail("both CLI_REDIS_NODES and CLI_S3_BUCKET are set")
            .because("the client panics")
            .run("keep one", "unset CLI_S3_BUCKET");
        o.add(Status::Skipped, "the nodes use redis://:hunter2@h");
        let find = |id: &str| checks::TABLE.iter().find(|c| c.id == id).unwrap();
        let made = vec![
            Checked::new(find("kubeconfig"), Outcome::pass("context a"), Duration::ZERO),
            Checked::new(find("artifact-store"), o, Duration::ZERO),
        ];
        let page = page(&Report::new(made, Duration::from_millis(1_230)), false);
        expect_test::expect![[r"
             ok   kubeconfig and context: context a
            FAIL  artifact store of the client: both CLI_REDIS_NODES and CLI_S3_BUCKET are set
                  - the nodes use redis://:***@h
                  why: the client panics
                  fix: keep one
                    $ unset CLI_S3_BUCKET

            1 passed, 0 with warnings, 1 failed, 0 skipped, in 1.2 s
            Begin with the first failure: artifact store of the client. It may be the cause of others.
        "]]
        .assert_eq(&page);
    }
}
