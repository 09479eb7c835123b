//! Replaces what tells whose cluster it is: host names and addresses, the random
//! parts of pod names, worker ids, proof ids, the context's name. The same name
//! always becomes the same other name, of the same length and shape: so texts
//! and messages stay readable, protobuf answers too.
//!
//! Some names are known by their shape; host names are learnt from where
//! Kubernetes and URLs tell them, and replaced wherever they stand from then on.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, MatchKind};
use bytes::Bytes;
use regex::bytes::{Captures, Regex};

use crate::base::SourceName;
use crate::base::redact::Lines;
use crate::envelope::{Envelope, Kind, Session};

/// Letters and digits of the random parts of Kubernetes names.
const KUBE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const HEX: &[u8] = b"0123456789abcdef";
const DIGITS: &[u8] = b"0123456789";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

/// Host names that say nothing of anyone.
const WELL_KNOWN: &[&str] = &[
    "localhost",
    "coordinator",
    "coordinator-grpc",
    "api",
    "api-grpc",
    "api-http",
    "redis",
    "redis-master",
    "postgresql",
    "network-gateway",
    "kubernetes.default.svc",
    "0.0.0.0",
    "127.0.0.1",
    "cluster.local",
];

/// Names that are learnt at most.
const MOST: usize = 20_000;

/// Shapes and what becomes of them; in the order in which they are tried.
const SHAPES: &str = concat!(
    // Worker ids on Kubernetes.
    r"unknown_(?P<worker>[0-9a-f]{32})",
    // Proof ids of the cluster's client, and those of the network.
    // Those of the client are a time in milliseconds, which is believed: it
    // stays right to ten seconds.
    r"|cli_[0-9]{9}(?P<cli>[0-9]{4})\b",
    r"|cli_[0-9]{9}(?P<cli_i>[0-9]{4})_",
    r"|0x(?P<hash>[0-9a-f]{64}|[0-9a-f]{40})\b",
    // Pods of a deployment: its hash and five more.
    r"|\b[a-z][a-z0-9-]*?-(?P<set>[a-z0-9]{6,10})-(?P<pod>[a-z0-9]{5})\b",
    // IPv4 addresses.
    r"|\b(?P<ip>(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3})\b",
    // Uids.
    r"|\b(?P<uid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b",
    // Names that clouds give to machines.
    r"|\b(?P<cloud>ip-[0-9]+-[0-9]+-[0-9]+-[0-9]+(?:\.[a-z0-9-]+)*)\b",
);

/// Where Kubernetes objects and URLs tell host names.
const PLACES: &str = concat!(
    r#""(?:nodeName|hostIP|podIP|hostname|kubernetes\.io/hostname|host|ip|address|clusterIP)"\s*:\s*"(?P<json>[^"\\]{2,253})""#,
    r"|://(?:[^\s/@]*@)?(?P<url>[A-Za-z0-9][A-Za-z0-9.-]{1,252})",
    r#"|"image"\s*:\s*"(?P<registry>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)(?::[0-9]+)?/"#,
);

/// Replaces names in one session's envelopes.
pub struct Sharer {
    shapes: Regex,
    places: Regex,
    secret: u64,
    learnt: BTreeSet<String>,
    search: Option<(AhoCorasick, Vec<Vec<u8>>)>,
    lines: BTreeMap<SourceName, Lines>,
}

impl Sharer {
    /// The pseudonyms depend on `secret`: without it they cannot be traced back
    /// by trying.
    #[must_use]
    pub fn new(secret: u64) -> Self {
        Self { shapes: regex(SHAPES), places: regex(PLACES), secret, learnt: BTreeSet::new(), search: None, lines: BTreeMap::new() }
    }

    /// Learns the names in an envelope without giving anything: for a first run
    /// over a recording.
    pub fn learn(&mut self, e: &Envelope) {
        let before = self.learnt.len();
        if e.kind == Kind::Session
            && let Ok(s) = serde_json::from_slice::<Session>(&e.raw)
        {
            // The context's name is replaced where it stands; learnt, it might
            // be a word of every text.
            if let Some(c) = s.context.filter(|c| c.len() >= 6) {
                self.name(&c);
            }
        }
        if matches!(e.kind, Kind::Json | Kind::Log | Kind::Source | Kind::Effect | Kind::Prometheus) {
            let found: Vec<String> = self
                .places
                .captures_iter(&e.raw)
                .filter_map(|c| c.name("json").or_else(|| c.name("url")).or_else(|| c.name("registry")))
                .map(|m| String::from_utf8_lossy(m.as_bytes()).into_owned())
                .collect();
            for name in found {
                self.name(&name);
            }
        }
        if e.kind == Kind::Json && memchr::memmem::find(&e.raw, b"\"Node").is_some() {
            self.nodes(&e.raw);
        }
        if self.learnt.len() != before {
            self.rebuild();
        }
    }

    /// Nodes are hosts by their own names.
    fn nodes(&mut self, raw: &[u8]) {
        for doc in serde_json::Deserializer::from_slice(raw).into_iter::<serde_json::Value>().flatten() {
            let object = doc.get("object").unwrap_or(&doc);
            let list = object.get("items").and_then(|i| i.as_array()).map_or(&[][..], Vec::as_slice);
            let is_list = object["kind"] == "NodeList";
            let nodes = list.iter().filter(|_| is_list).chain((object["kind"] == "Node").then_some(object));
            let names: Vec<String> = nodes.filter_map(|n| n["metadata"]["name"].as_str()).map(str::to_owned).collect();
            for n in names {
                self.name(&n);
            }
        }
    }

    fn name(&mut self, name: &str) {
        let name = name.trim_end_matches('.');
        let known = WELL_KNOWN.iter().any(|k| name == *k || name.strip_prefix(k).is_some_and(|r| r.starts_with(".sp1-cluster")));
        let number = name.bytes().all(|c| c.is_ascii_digit() || c == b'.' || c == b':');
        // Addresses have a shape of their own.
        if !known && !number && name.len() >= 4 && self.learnt.len() < MOST {
            self.learnt.insert(name.to_owned());
        }
    }

    fn rebuild(&mut self) {
        let with: Vec<Vec<u8>> = self.learnt.iter().map(|n| self.host(n.as_bytes())).collect();
        self.search = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&self.learnt).ok().map(|s| (s, with));
    }

    /// The envelope with its names replaced: none while half a line waits for
    /// its rest.
    pub fn share(&mut self, e: &Envelope) -> Vec<Envelope> {
        self.learn(e);
        let source = self.source(&e.source);
        let put = |kind, raw: Vec<u8>| Envelope { seq: e.seq, at: e.at, source: source.clone(), kind, raw: Bytes::from(raw) };
        match e.kind {
            Kind::Log => {
                let whole = self.lines.entry(e.source.clone()).or_default().push(&e.raw);
                // An empty one is as good as none, but its number is not missed.
                vec![put(e.kind, self.text(&whole))]
            }
            Kind::LogBreak => {
                let rest = self.lines.remove(&e.source).map(|mut l| l.end()).unwrap_or_default();
                let mut out = Vec::new();
                if !rest.is_empty() {
                    out.push(put(Kind::Log, self.text(&rest)));
                }
                out.push(put(e.kind, Vec::new()));
                out
            }
            Kind::Session => {
                let mut s: Session = serde_json::from_slice(&e.raw).unwrap_or_default();
                // A path of this machine: often with somebody's name in it.
                s.kubeconfig = None;
                s.context = s.context.map(|c| String::from_utf8_lossy(&self.host(c.as_bytes())).into_owned());
                vec![put(e.kind, serde_json::to_vec(&s).unwrap_or_default())]
            }
            _ => vec![put(e.kind, self.text(&e.raw))],
        }
    }

    fn source(&self, name: &SourceName) -> SourceName {
        SourceName::new(&String::from_utf8_lossy(&self.text(name.as_str().as_bytes())))
    }

    /// Text with its names replaced; as long as before.
    fn text(&self, raw: &[u8]) -> Vec<u8> {
        let mut out = raw.to_vec();
        if let Some((search, with)) = &self.search {
            let inside = |c: Option<&u8>| c.is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'_');
            for m in search.find_iter(raw) {
                // A name is no part of a longer word.
                let alone = !inside(m.start().checked_sub(1).and_then(|i| raw.get(i))) && !inside(raw.get(m.end()));
                if alone {
                    out[m.range()].copy_from_slice(&with[m.pattern().as_usize()]);
                }
            }
        }
        let shaped = self.shapes.replace_all(&out, |c: &Captures<'_>| self.shaped(c));
        shaped.into_owned()
    }

    fn shaped(&self, c: &Captures<'_>) -> Vec<u8> {
        let Some(whole) = c.get(0) else { return Vec::new() };
        let mut out = whole.as_bytes().to_vec();
        // Words with dashes between are no pod's name.
        if c.name("set").is_some_and(|m| !m.as_bytes().iter().any(u8::is_ascii_digit)) {
            return out;
        }
        for (name, alphabet) in [
            ("worker", HEX),
            ("cli", DIGITS),
            ("cli_i", DIGITS),
            ("hash", HEX),
            ("set", KUBE),
            ("pod", KUBE),
            ("uid", HEX),
            ("ip", DIGITS),
            ("cloud", DIGITS),
        ] {
            let Some(m) = c.name(name) else { continue };
            let with = match name {
                "ip" => self.address(m.as_bytes()),
                "cloud" => self.host(m.as_bytes()),
                "cli" | "cli_i" => self.random(whole.as_bytes().get(..17).unwrap_or_default(), alphabet).split_off(13),
                _ => self.random(m.as_bytes(), alphabet),
            };
            let at = m.start() - whole.start();
            out[at..at + with.len()].copy_from_slice(&with);
        }
        out
    }

    /// As many characters of `alphabet`; dashes stay. The first digit of a number
    /// is no zero.
    fn random(&self, name: &[u8], alphabet: &[u8]) -> Vec<u8> {
        let mut dice = Dice::new(self.secret, name);
        let mut out: Vec<u8> = name.iter().map(|c| if *c == b'-' { b'-' } else { dice.of(alphabet) }).collect();
        let lead = match alphabet {
            DIGITS if out.first() == Some(&b'0') => Some(b'1'),
            // By their digits, pods' names are told from words.
            KUBE if !out.iter().any(u8::is_ascii_digit) => Some(b'7'),
            _ => None,
        };
        if let (Some(first), Some(lead)) = (out.first_mut(), lead) {
            *first = lead;
        }
        out
    }

    /// Letters become letters, digits digits; what is between them stays.
    fn host(&self, name: &[u8]) -> Vec<u8> {
        let mut dice = Dice::new(self.secret, name);
        let letter = |c: &u8, dice: &mut Dice| match c {
            b'0'..=b'9' => dice.of(DIGITS),
            b'a'..=b'z' => dice.of(LOWER),
            b'A'..=b'Z' => dice.of(LOWER).to_ascii_uppercase(),
            other => *other,
        };
        name.iter().map(|c| letter(c, &mut dice)).collect()
    }

    /// Another address with as many digits, `10.…` where it fits.
    fn address(&self, name: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(name);
        if WELL_KNOWN.contains(&&*text) {
            return name.to_vec();
        }
        let mut dice = Dice::new(self.secret, name);
        let part = |p: &str, dice: &mut Dice| match p.len() {
            1 => (b'1' + dice.below(9)) as char,
            _ => '1',
        };
        let parts: Vec<String> = text
            .split('.')
            .map(|p| {
                let mut s = String::from(part(p, &mut dice));
                while s.len() < p.len() {
                    s.push(dice.of(DIGITS) as char);
                }
                s
            })
            .collect();
        parts.join(".").into_bytes()
    }
}

/// The patterns are constants that the tests compile.
fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|e| unreachable!("{e}"))
}

/// Dice that a name and the secret throw (SplitMix64 over FNV-1a).
struct Dice(u64);

impl Dice {
    fn new(secret: u64, name: &[u8]) -> Self {
        let mut h = 0xcbf2_9ce4_8422_2325 ^ secret;
        for b in name {
            h = (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
        }
        Self(h ^ secret.rotate_left(32))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u8 {
        u8::try_from(self.next() % n).unwrap_or(0)
    }

    fn of(&mut self, alphabet: &[u8]) -> u8 {
        alphabet[usize::from(self.below(alphabet.len() as u64))]
    }
}
