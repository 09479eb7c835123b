//! What the user types behind `/`: words for tables, a regular expression for
//! logs.

use regex::{Regex, RegexBuilder};

/// Words that must all be found, in any case; or, inverted, not all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    text: String,
    each: Vec<String>,
    /// Keep what does not match.
    pub invert: bool,
}

impl Words {
    /// Replaces the text.
    pub fn set(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        self.each = text.split_whitespace().map(str::to_lowercase).collect();
    }

    /// The text as it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// True when nothing is filtered out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.each.is_empty()
    }

    /// Forgets the text and the inversion.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether a thing is kept, of which `has` says if a word (lower case) is
    /// in one of its texts.
    pub fn keeps(&self, mut has: impl FnMut(&str) -> bool) -> bool {
        self.each.is_empty() || self.each.iter().all(|w| has(w)) != self.invert
    }
}

/// True when `text` holds `word` (which is in lower case), in any case.
#[must_use]
pub fn holds(text: &str, word: &str) -> bool {
    if !text.is_ascii() || !word.is_ascii() {
        return text.to_lowercase().contains(word);
    }
    let (text, word) = (text.as_bytes(), word.as_bytes());
    word.is_empty() || text.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word))
}

/// A regular expression that keeps its last good form while it is typed.
#[derive(Clone, Debug, Default)]
pub struct Pattern {
    text: String,
    regex: Option<Regex>,
    error: Option<String>,
    /// Keep what does not match.
    pub invert: bool,
}

/// A compiled expression may take so many bytes.
const SIZE: usize = 1 << 20;

impl Pattern {
    /// Replaces the text. Where it is no regular expression, the last one stays
    /// in force and [`Self::error`] says why. Capital letters make it heed case.
    pub fn set(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        self.error = None;
        if text.is_empty() {
            self.regex = None;
            return;
        }
        let any_case = !text.chars().any(char::is_uppercase);
        match RegexBuilder::new(text).case_insensitive(any_case).size_limit(SIZE).dfa_size_limit(SIZE).build() {
            Ok(r) => self.regex = Some(r),
            Err(e) => self.error = Some(first_reason(&e)),
        }
    }

    /// The text as it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Why the text is no regular expression.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The expression in force.
    #[must_use]
    pub const fn regex(&self) -> Option<&Regex> {
        self.regex.as_ref()
    }

    /// True when nothing was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether a line of that text is kept.
    #[must_use]
    pub fn keeps(&self, text: &str) -> bool {
        self.regex.as_ref().is_none_or(|r| r.is_match(text) != self.invert)
    }
}

/// The line of the error that says what is wrong.
fn first_reason(e: &regex::Error) -> String {
    match e {
        regex::Error::CompiledTooBig(_) => "too big".into(),
        other => {
            let text = other.to_string();
            let last = text.lines().rev().find_map(|l| l.trim().strip_prefix("error: ").map(str::to_owned));
            last.unwrap_or_else(|| "not a regular expression".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_must_be_found() {
        let mut w = Words::default();
        let keeps = |w: &Words, text: &str| w.keeps(|x| holds(text, x));
        assert!(keeps(&w, "anything"));
        w.set("GPU late");
        assert!(keeps(&w, "a late gpu") && !keeps(&w, "gpu live"));
        w.invert = true;
        assert!(!keeps(&w, "a late gpu") && keeps(&w, "gpu live"));
        w.set("");
        assert!(keeps(&w, "anything"));
        assert!(holds("Ärger", "ärg") && holds("x", "") && !holds("", "x"));
    }

    #[test]
    fn a_bad_expression_leaves_the_last_good_one_in_force() {
        let mut p = Pattern::default();
        p.set("retry|lost");
        assert!(p.keeps("Worker LOST") && !p.keeps("fine"));
        p.set("retry|lost(");
        assert_eq!(p.error(), Some("unclosed group"));
        assert!(p.keeps("Worker LOST") && !p.keeps("fine"));
        p.set("LOST");
        assert!(p.error().is_none() && !p.keeps("lost"));
        p.set("(a{1000}){1000}");
        assert!(p.error().is_some());
        p.set("");
        assert!(p.keeps("fine"));
    }
}
