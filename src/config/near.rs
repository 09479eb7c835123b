//! What was meant by a name that there is not.

/// The name that is most like `name`, if any is like it at all.
#[must_use]
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let close = |n: &&str| strsim::jaro_winkler(name, n);
    names.into_iter().filter(|n| close(n) > 0.75).max_by(|a, b| close(a).total_cmp(&close(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood_and_nonsense_is_not() {
        let names = ["theme", "mouse", "poll.stats", "poll.proofs"];
        assert_eq!(nearest("thme", names), Some("theme"));
        assert_eq!(nearest("poll.stat", names), Some("poll.stats"));
        assert_eq!(nearest("zzzz", names), None);
    }
}
