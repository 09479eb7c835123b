//! Secrets do not leave the place where they were read.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind, packed};

/// What stands in a secret's place.
pub const HIDDEN: &str = "***";

/// What a secret stands beside. Searched for all at once, in one pass.
const SIGNS: &[&str] = &[
    "://",
    "Bearer ",
    "bearer ",
    "eyJ",
    "password",
    "PASSWORD",
    "Password",
    "passwd",
    "PASSWD",
    "secret",
    "SECRET",
    "Secret",
    "token",
    "TOKEN",
    "Token",
    "_key",
    "_KEY",
    "ApiKey",
    "apiKey",
    "api-key",
    "ignature=",
];

/// All of a log passes through this: several bytes at a time where the machine
/// can, byte by byte where it cannot.
enum Search {
    Packed(packed::Searcher),
    Automaton(AhoCorasick),
}

impl Search {
    fn get() -> Option<&'static Self> {
        static SEARCH: OnceLock<Option<Search>> = OnceLock::new();
        SEARCH.get_or_init(|| packed::Searcher::new(SIGNS).map(Self::Packed).or_else(Self::automaton)).as_ref()
    }

    fn automaton() -> Option<Self> {
        AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(SIGNS).ok().map(Self::Automaton)
    }

    /// Which sign stands where: its number, its begin and its end.
    fn hits<'a>(&'a self, raw: &'a [u8]) -> Box<dyn Iterator<Item = aho_corasick::Match> + 'a> {
        match self {
            Self::Packed(s) => Box::new(s.find_iter(raw)),
            Self::Automaton(s) => Box::new(s.find_iter(raw)),
        }
    }
}

/// Hides passwords within URLs (`redis://:PASSWORD@host`), tokens behind
/// `Bearer`, web tokens (`eyJ….….…`), and what is assigned to a name that says
/// so (`PRIVATE_KEY=…`, `"password":"…"`), in text from anywhere. Borrowed where
/// there is nothing to hide.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    match redact_bytes(text.as_bytes()) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(b) => Cow::Owned(String::from_utf8_lossy(&b).into_owned()),
    }
}

/// [`redact`] for bytes; everything else stays as it is.
#[must_use]
pub fn redact_bytes(raw: &[u8]) -> Cow<'_, [u8]> {
    let cuts = cuts(raw);
    if cuts.is_empty() {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    for (begin, end) in cuts {
        if begin < at {
            continue;
        }
        out.extend_from_slice(&raw[at..begin]);
        out.extend_from_slice(HIDDEN.as_bytes());
        at = end;
    }
    out.extend_from_slice(&raw[at..]);
    Cow::Owned(out)
}

/// [`redact_bytes`] for messages that tell the lengths of their texts: as many
/// stars as the secret has bytes.
#[must_use]
pub fn mask_bytes(raw: &[u8]) -> Cow<'_, [u8]> {
    let cuts = cuts(raw);
    if cuts.is_empty() {
        return Cow::Borrowed(raw);
    }
    let mut out = raw.to_vec();
    for (begin, end) in cuts {
        out[begin..end].fill(b'*');
    }
    Cow::Owned(out)
}

/// Where passwords are, or may be in the making, in Redis URLs with commas
/// between them that a person types: byte ranges. While it is `typed` at, what
/// stands behind a colon may become a password, a port too.
#[must_use]
pub fn passwords(text: &str, typed: bool) -> Vec<Range<usize>> {
    // A comma begins another URL only where a scheme follows: it may stand in a password.
    let mut begins = vec![0];
    begins.extend(text.match_indices(',').map(|(i, _)| i + 1).filter(|i| text[*i..].split(',').next().is_some_and(|n| n.contains("://"))));
    let ends = begins.iter().skip(1).map(|b| b - 1).chain([text.len()]);
    begins.iter().zip(ends).filter_map(|(begin, end)| password(&text[*begin..end], typed).map(|r| begin + r.start..begin + r.end)).collect()
}

/// The password of one URL.
fn password(url: &str, typed: bool) -> Option<Range<usize>> {
    let from = match url.find("://") {
        Some(i) => i + 3,
        // A scheme in the making.
        None if ["redis://", "rediss://"].iter().any(|s| s.starts_with(url.trim_start())) => return None,
        None => 0,
    };
    let rest = &url[from..];
    if let Some(at) = rest.rfind('@') {
        let begin = rest[..at].find(':').map_or(0, |i| i + 1);
        return (begin < at).then_some(from + begin..from + at);
    }
    let host = if rest.starts_with('[') { rest.find(']')? } else { 0 };
    let colon = host + rest[host..].find(':')?;
    let tail = &rest[colon + 1..];
    let port = &tail[..tail.find(['/', '?']).unwrap_or(tail.len())];
    let is_port = colon > 0 && (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
    let open = typed && port.len() == tail.len();
    (!tail.is_empty() && (open || !is_port)).then_some(from + colon + 1..url.len())
}

/// The text with [`passwords`] hidden.
#[must_use]
pub fn hide_passwords(text: &str) -> String {
    let (mut out, mut at) = (String::new(), 0);
    for r in passwords(text, false) {
        out.push_str(&text[at..r.start]);
        out.push_str(HIDDEN);
        at = r.end;
    }
    out.push_str(&text[at..]);
    out
}

/// Where the secrets are.
fn cuts(raw: &[u8]) -> Vec<(usize, usize)> {
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    let Some(search) = Search::get() else { return cuts };
    let mut from = 0;
    for hit in search.hits(raw) {
        let cut = match SIGNS[hit.pattern().as_usize()] {
            "://" if hit.end() < from => None,
            "://" => {
                let begin = hit.end();
                let end = begin + raw[begin..].iter().position(|c| ends_authority(*c)).unwrap_or(raw.len() - begin);
                from = end;
                // The last '@': a password may hold one that nobody escaped.
                raw[begin..end].iter().rposition(|c| *c == b'@').and_then(|host| {
                    let user = raw[begin..begin + host].iter().position(|c| *c == b':').map_or(begin, |n| begin + n + 1);
                    (user < begin + host).then_some((user, begin + host))
                })
            }
            "Bearer " | "bearer " => run(raw, hit.end(), is_token).filter(|(a, b)| b - a >= 8),
            "eyJ" => run(raw, hit.start(), is_token).filter(|(a, b)| b - a >= 24 && memchr::memchr_iter(b'.', &raw[*a..*b]).count() == 2),
            "ignature=" => run(raw, hit.end(), |c| is_token(c) || c == b'%'),
            _ => assigned(raw, hit.end()),
        };
        cuts.extend(cut);
    }
    cuts.sort_unstable();
    cuts
}

/// The bytes from `begin` on that are so.
fn run(raw: &[u8], begin: usize, is: impl Fn(u8) -> bool) -> Option<(usize, usize)> {
    let end = begin + raw[begin..].iter().position(|c| !is(*c)).unwrap_or(raw.len() - begin);
    (end > begin).then_some((begin, end))
}

/// What is assigned to the name that goes on at `at`: `NAME=value`,
/// `"name":"value"`, `name: "value"`.
fn assigned(raw: &[u8], at: usize) -> Option<(usize, usize)> {
    let name_end = run(raw, at, |c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-')).map_or(at, |r| r.1);
    // `secretName` and the like name a secret; they do not tell it.
    let rest_of_name = &raw[at..name_end];
    if [b"Name".as_slice(), b"Ref", b"name", b"_id"].iter().any(|w| rest_of_name.ends_with(w)) {
        return None;
    }
    let mut at = name_end;
    let quoted_name = matches!(raw.get(at), Some(b'"' | b'\''));
    at += usize::from(quoted_name);
    let spaces = |at: usize| run(raw, at, |c| c == b' ').map_or(at, |r| r.1);
    let equals = match raw.get(spaces(at)) {
        Some(b'=') => true,
        Some(b':') => false,
        _ => return None,
    };
    at = spaces(at) + 1;
    let after = spaces(at);
    let quote = raw.get(after).copied().filter(|c| matches!(c, b'"' | b'\''));
    let value = match quote {
        Some(q) => run(raw, after + 1, |c| c != q && c != b'\n')?,
        None if equals => {
            run(raw, at, |c| !c.is_ascii_whitespace() && !c.is_ascii_control() && !matches!(c, b'&' | b',' | b';' | b')' | b'}' | b'"'))?
        }
        None => return None,
    };
    let text = &raw[value.0..value.1];
    let plain = text.starts_with(HIDDEN.as_bytes()) || matches!(text, b"true" | b"false" | b"None" | b"null");
    (!plain && !text.iter().all(u8::is_ascii_digit)).then_some(value)
}

/// Puts the lines of a stream that was cut anywhere together, so that no secret
/// is cut in two, and hides secrets.
#[derive(Debug, Default)]
pub struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// A longer line is not waited for.
    const LONGEST: usize = 1 << 20;

    /// The whole lines so far; what follows the last line end waits.
    pub fn push(&mut self, raw: &[u8]) -> Vec<u8> {
        self.rest.extend_from_slice(raw);
        let n = match memchr::memrchr(b'\n', &self.rest) {
            Some(n) => n + 1,
            None if self.rest.len() > Self::LONGEST => self.rest.len(),
            None => return Vec::new(),
        };
        let rest = self.rest.split_off(n);
        redact_bytes(&std::mem::replace(&mut self.rest, rest)).into_owned()
    }

    /// The half line that waited.
    pub fn end(&mut self) -> Vec<u8> {
        redact_bytes(&std::mem::take(&mut self.rest)).into_owned()
    }
}

const fn ends_authority(c: u8) -> bool {
    c.is_ascii_whitespace() || c.is_ascii_control() || matches!(c, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\')
}

const fn is_token(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_hidden_before_it_is_whole() {
        let shown = |text: &str, typed: bool| {
            let mut out = text.as_bytes().to_vec();
            for r in passwords(text, typed) {
                out[r].fill(b'*');
            }
            String::from_utf8(out).unwrap()
        };
        // Letter by letter, whatever the password is made of.
        for secret in ["hunter2", "12345", "p,w", "a:b", "x/y"] {
            for url in
                [format!("redis://:{secret}@h:6379/0"), format!("rediss://user:{secret}@h"), format!("redis://a:1/0,redis://:{secret}@b")]
            {
                let begin = url.rfind(secret).unwrap();
                for n in begin + 1..=url.len() {
                    let text = shown(&url[..n], true);
                    assert!(!text[begin..n.min(begin + secret.len())].contains(|c| c != '*'), "{} is shown as {text}", &url[..n]);
                }
                assert!(!hide_passwords(&url).contains(secret), "{url}");
            }
        }
        // What is none is shown, once it is clear.
        for (text, typed, want) in [
            ("redi", true, "redi"),
            ("redis://h", true, "redis://h"),
            ("redis://h:6379", true, "redis://h:****"),
            ("redis://h:6379", false, "redis://h:6379"),
            ("redis://h:6379/0", true, "redis://h:6379/0"),
            ("redis://[::1]:6379", false, "redis://[::1]:6379"),
            ("redis://:123", false, "redis://:***"),
            (":hunter2@h:6379", false, ":*******@h:6379"),
            ("redis://:a@h:1,rediss://u:bc@i", true, "redis://:*@h:1,rediss://u:**@i"),
        ] {
            assert_eq!(shown(text, typed), want, "{text}");
        }
        assert_eq!(hide_passwords("redis://:a@h:1/0"), "redis://:***@h:1/0");
    }

    #[test]
    fn passwords_and_tokens_are_hidden_and_nothing_else() {
        for (raw, want) in [
            ("redis://:hunter2@redis-master:6379/0", "redis://:***@redis-master:6379/0"),
            ("postgresql://u:p@ss@h/db, redis://a:b@c", "postgresql://u:***@h/db, redis://a:***@c"),
            ("https://token@host/x", "https://***@host/x"),
            ("Authorization: Bearer abcDEF.ghi-123 next", "Authorization: Bearer *** next"),
            ("http://coordinator-grpc:50051 a@b", "http://coordinator-grpc:50051 a@b"),
            ("no url: bearer of news", "no url: bearer of news"),
            ("://", "://"),
            ("redis://:@h", "redis://:@h"),
            ("PRIVATE_KEY=0xabcdef0123 next", "PRIVATE_KEY=*** next"),
            ("{\"db_password\": \"a b c\", \"x\": 1}", "{\"db_password\": \"***\", \"x\": 1}"),
            ("auth_token='abc' AWS_SECRET_ACCESS_KEY=q/w+e", "auth_token='***' AWS_SECRET_ACCESS_KEY=***"),
            ("GET /x?X-Amz-Signature=12ab%2F&y=1", "GET /x?X-Amz-Signature=***&y=1"),
            ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_1 end", "jwt *** end"),
            (
                "\"secretKeyRef\":{\"name\":\"cluster-secrets\",\"key\":\"DATABASE_URL\"}",
                "\"secretKeyRef\":{\"name\":\"cluster-secrets\",\"key\":\"DATABASE_URL\"}",
            ),
            ("\"secretName\":\"tls\" unexpected token: x max_tokens=5", "\"secretName\":\"tls\" unexpected token: x max_tokens=5"),
        ] {
            assert_eq!(redact(raw), want);
            assert_eq!(mask_bytes(raw.as_bytes()).len(), raw.len());
        }
    }

    #[test]
    fn both_ways_of_searching_find_the_same() {
        let text = "a redis://:p@h _key=1 secretToken PASSWORD=x eyJ ://Signature= tokentoken api-key Bearer bearer x".repeat(3);
        let (packed, plain) = (packed::Searcher::new(SIGNS), Search::automaton().unwrap());
        let want: Vec<_> = plain.hits(text.as_bytes()).collect();
        assert!(want.len() > 20);
        if let Some(p) = packed {
            assert_eq!(Search::Packed(p).hits(text.as_bytes()).collect::<Vec<_>>(), want);
        }
    }

    #[test]
    fn a_secret_that_is_cut_in_two_is_hidden_too() {
        let text = b"a redis://:hunter2@h b\nPASSWORD=correct-horse\nhalf token=abcd";
        for cut in 0..text.len() {
            let mut lines = Lines::default();
            let mut out = lines.push(&text[..cut]);
            out.extend(lines.push(&text[cut..]));
            out.extend(lines.end());
            assert_eq!(out, b"a redis://:***@h b\nPASSWORD=***\nhalf token=***", "{cut}");
        }
    }
}
