//! Records out of lines, and events out of records.

use std::time::Duration;

use super::formats::{self, Record};
use super::messages::{self, component_of_target, task_seen};
use super::repeats::Repeats;
use super::{block, excerpt, prefix};
use crate::base::{PodName, TaskId, TaskType, Timestamp, WorkerKind, text};
use crate::event::{Batch, Component, Event, Level, LogRecord, NodeEvent, StoreEvent, Unread, UnreadReason, What};

/// Beginnings of plain output (no time, no level) of the programs and of
/// `kubectl`: not the second half of a cut line.
const PLAIN: &[&str] = &[
    "not loading .env",
    "failed to load .env",
    "using redis artifact store",
    "using s3 artifact store",
    "redis is set up",
    "thread '",
    "stack backtrace",
    "note: ",
    "Error",
    "error: ",
    "Usage: ",
    "Shutdown",
    "Received signal",
    "Stats:",
    "Execution Stats",
];

/// A task's span is reported alive this often.
const SEEN_EVERY: Duration = Duration::from_secs(5);

/// What a stream's lines are read with.
#[derive(Clone, Debug)]
pub struct Reader {
    logs: bool,
    /// The time of the last record.
    last_at: Timestamp,
    /// The pod that the last record's line named.
    last_origin: Option<PodName>,
    /// A record was shown that further lines belong to.
    in_record: bool,
    /// A line's beginning was seen.
    begun: bool,
    /// The last record was there before, and is not told again.
    dropped: bool,
    told: Option<Component>,
    template: Option<Template>,
    proofs: block::KnownProofs,
    seen: Vec<(TaskId, Timestamp)>,
    /// Of the coordinator's.
    repeats: Repeats,
}

/// How worker lines of this stream look around their time: compared bytewise, a
/// thousand such lines are read without searching.
#[derive(Clone, Debug)]
struct Template {
    lead: Box<[u8]>,
    mid: Box<[u8]>,
    target: Box<str>,
    /// The last time's first 19 bytes and what they mean, in microseconds.
    second: ([u8; 19], i64),
}

impl Template {
    /// Learns from a line that was read as a worker line.
    fn learn(line: &[u8], target: &[u8]) -> Option<Self> {
        let start = if line.first() == Some(&0x1b) { text::skip_escape(line, 0) } else { 0 };
        let (_, n) = Timestamp::parse_prefix(line.get(start..)?)?;
        (n == 27).then_some(())?;
        let mark = memchr::memmem::find(&line[..line.len().min(600)], b"[coordinator] worker ")?;
        let mut target = text::clean(target).into_owned();
        if !target.is_empty() {
            target.push_str(": ");
        }
        Some(Self { lead: line[..start].into(), mid: line.get(start + 27..mark + 21)?.into(), target: target.into(), second: ([0; 19], 0) })
    }

    /// The time of a line of this shape, and what follows `worker `.
    fn matches<'a>(&mut self, line: &'a [u8]) -> Option<(Timestamp, &'a [u8])> {
        let rest = line.strip_prefix(&*self.lead)?;
        let time: &[u8; 27] = rest.first_chunk()?;
        let after = rest[27..].strip_prefix(&*self.mid)?;
        if time[19] != b'.' || time[26] != b'Z' {
            return None;
        }
        let second: &[u8; 19] = time.first_chunk()?;
        if *second != self.second.0 {
            let (at, _) = Timestamp::parse_prefix(time)?;
            self.second = (*second, at.secs() * 1_000_000);
        }
        let mut micros = 0;
        for c in &time[20..26] {
            if !c.is_ascii_digit() {
                return None;
            }
            micros = micros * 10 + i64::from(c - b'0');
        }
        Some((Timestamp(self.second.1 + micros), after))
    }
}

impl Reader {
    /// A reader that has seen nothing.
    #[must_use]
    pub const fn new(logs: bool) -> Self {
        Self {
            logs,
            last_at: Timestamp::ZERO,
            last_origin: None,
            in_record: false,
            begun: false,
            dropped: false,
            told: None,
            template: None,
            proofs: block::KnownProofs::new(),
            seen: Vec::new(),
            repeats: Repeats::new(),
        }
    }

    /// A line was skipped.
    pub const fn line_lost(&mut self) {
        self.begun = true;
        self.in_record = false;
    }

    /// What comes next does not follow what came last.
    pub fn interrupted(&mut self) {
        self.begun = false;
        self.in_record = false;
    }

    /// Reads one line. `ended` tells that its line end was seen; without it, it
    /// is believed only where more text could not change its meaning.
    pub fn line(&mut self, raw: &[u8], env_at: Timestamp, ended: bool, out: &mut Batch) {
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        let bare = prefix::strip(raw);
        if let Some(t) = &mut self.template
            && let Some((at, rest)) = t.matches(bare.line)
            && let Some((report, b"")) = block::worker(rest, &mut self.proofs)
        {
            if self.repeats.is_of_known(at) {
                (self.begun, self.in_record, self.dropped) = (true, false, true);
                return;
            }
            (self.last_at, self.begun, self.in_record, self.dropped) = (at, true, self.logs, false);
            if self.logs {
                let target_len = u16::try_from(t.target.len()).unwrap_or(0);
                let t = format!("{}[coordinator] worker {}", t.target, text::clean(rest));
                self.last_origin = bare.origin.map(PodName::new);
                let record = LogRecord { level: Level::Info, periodic: true, text: t.into(), target_len, origin: self.last_origin.clone() };
                out.events.push(Event { at, what: What::Log(record) });
            }
            out.events.push(Event { at, what: What::Worker(report) });
            return;
        }
        self.any(bare, env_at, ended, out);
    }

    /// Reads a line of any shape; it may be several that were glued together.
    fn any(&mut self, bare: prefix::Bare<'_>, env_at: Timestamp, ended: bool, out: &mut Batch) {
        let origin = bare.origin.map(PodName::new);
        let mut line = bare.line;
        loop {
            let Some((format, record)) = formats::read(line) else {
                // A cut line with a whole one behind it.
                if let Some(n) = formats::FORMATS.iter().find_map(|f| (f.glued)(line)) {
                    self.plain(&line[..n], env_at, bare.outer, false, out);
                    line = &line[n..];
                    continue;
                }
                self.plain(line, env_at, bare.outer, ended, out);
                return;
            };
            if let Some(n) = (format.glued)(line).filter(|n| *n > 0 && *n < line.len()) {
                // Without a line end between them the first is not known to be whole.
                if let Some((_, first)) = formats::read(&line[..n]) {
                    self.record(&first, &line[..n], origin.clone(), false, out);
                }
                line = &line[n..];
                continue;
            }
            self.record(&record, line, origin, ended, out);
            return;
        }
    }

    fn record(&mut self, r: &Record<'_>, line: &[u8], origin: Option<PodName>, ended: bool, out: &mut Batch) {
        let found = self.meaning(r);
        if !ended && !is_whole(r, line, found.as_ref()) {
            unread(r.at, UnreadReason::Partial, line, out);
            (self.begun, self.in_record) = (true, false);
            return;
        }
        let component = component_of_target(&r.target).or_else(|| found.as_ref()?.as_ref().ok()?.1);
        if component == Some(Component::Coordinator) {
            let stats = matches!(found, Some(Ok((What::Stats(_), _))));
            let worker = matches!(found, Some(Ok((What::Worker(_), _))));
            if if worker { self.repeats.is_of_known(r.at) } else { self.repeats.is_known(r.at, line, stats) } {
                (self.begun, self.in_record, self.dropped) = (true, false, true);
                return;
            }
        }
        (self.last_at, self.begun) = (r.at, true);
        self.dropped = false;
        let periodic = matches!(found, Some(Ok((What::Stats(_) | What::Worker(_), _))));
        self.tell(component, found.as_ref().and_then(|f| f.as_ref().ok()).map(|f| &f.0), r.at, out);
        self.in_record = self.logs || r.level >= Level::Warn;
        if self.in_record {
            self.last_origin.clone_from(&origin);
            out.events.push(Event { at: r.at, what: What::Log(shown(r, periodic, origin)) });
        }
        match found {
            Some(Ok((what, _))) => {
                if matches!(what, What::Worker(_)) {
                    self.template = Template::learn(line, &r.target);
                }
                let store = matches!(what, What::Store(_));
                out.events.push(Event { at: r.at, what });
                if !store && r.level >= Level::Warn {
                    missing(&r.message, r.at, out);
                }
            }
            Some(Err(())) => unread(r.at, UnreadReason::Malformed, line, out),
            None if r.level >= Level::Warn => missing(&r.message, r.at, out),
            None => {}
        }
        if let Some(NodeEvent::TaskSeen { proof, task, kind }) = task_seen(r)
            && self.seen_again(&task, r.at)
        {
            out.events.push(Event { at: r.at, what: What::Node(NodeEvent::TaskSeen { proof, task, kind }) });
        }
    }

    /// What a record means, the periodic block first.
    fn meaning(&mut self, r: &Record<'_>) -> Option<Result<(What, Option<Component>), ()>> {
        const HERE: Option<Component> = Some(Component::Coordinator);
        let Some(rest) = r.message.strip_prefix(block::MARK) else { return messages::meaning(r) };
        // Fields of a span may follow.
        let ends = |rest: &[u8]| rest.is_empty() || (rest[0] == b' ' && !r.spans.is_empty());
        if rest.starts_with(b"GetStatsResponse") {
            let stats = block::stats(rest).filter(|(_, rest)| ends(rest));
            return Some(stats.map(|(s, _)| (What::Stats(Box::new(s)), HERE)).ok_or(()));
        }
        if let Some(rest) = rest.strip_prefix(b"worker ") {
            let report = block::worker(rest, &mut self.proofs).filter(|(_, rest)| ends(rest));
            return Some(report.map(|(w, _)| (What::Worker(w), HERE)).ok_or(()));
        }
        None
    }

    /// Tells once which component writes this stream.
    fn tell(&mut self, component: Option<Component>, what: Option<&What>, at: Timestamp, out: &mut Batch) {
        let closer = match what {
            Some(What::Node(NodeEvent::Started { kind: Some(k) })) => Some(match k {
                WorkerKind::Cpu => Component::CpuNode,
                WorkerKind::Gpu | WorkerKind::All => Component::GpuNode,
            }),
            Some(What::Node(NodeEvent::Completed { kind, .. })) => side(kind),
            _ => None,
        };
        let Some(c) = closer.or(component) else { return };
        let vaguer = c == Component::Node && matches!(self.told, Some(Component::CpuNode | Component::GpuNode));
        // A store's lines within a client's, a client's within a node's: the first to tell is right.
        let other = self.told.is_some() && closer.is_none() && component == Some(Component::Client);
        if self.told != Some(c) && !vaguer && !other {
            self.told = Some(c);
            out.events.push(Event { at, what: What::ComponentTold(c) });
        }
    }

    fn seen_again(&mut self, task: &TaskId, at: Timestamp) -> bool {
        if let Some(s) = self.seen.iter_mut().find(|s| s.0 == *task) {
            let again = at.since(s.1) >= SEEN_EVERY;
            if again {
                s.1 = at;
            }
            return again;
        }
        if self.seen.len() >= 32 {
            self.seen.remove(0);
        }
        self.seen.push((task.clone(), at));
        true
    }

    /// A line without a time: more of the last record, plain output, or half a
    /// line.
    fn plain(&mut self, line: &[u8], env_at: Timestamp, outer: Option<Timestamp>, ended: bool, out: &mut Batch) {
        let at = outer.unwrap_or(if self.last_at.is_set() { self.last_at } else { env_at });
        let bare = text::strip_ansi(line);
        let said = bare.trim_ascii();
        if said.is_empty() {
            return;
        }
        let begun = std::mem::replace(&mut self.begun, true);
        let known = is_plain(said);
        // More of a record that was there before.
        if self.dropped && !known && outer.is_none() {
            return;
        }
        self.dropped = false;
        let ours = memchr::memmem::find(line, block::MARK).is_some() || memchr::memmem::find(line, b"GetStatsResponse {").is_some();
        if !ended || (!begun && !known) {
            unread(at, UnreadReason::Partial, line, out);
            return;
        }
        if ours || said.starts_with(b"{\"timestamp\":") {
            unread(at, UnreadReason::Malformed, line, out);
            self.in_record = false;
            return;
        }
        missing(said, at, out);
        let panicked = said.starts_with(b"thread '") && memchr::memmem::find(said, b"panicked at").is_some();
        let level = if panicked { Level::Error } else { Level::Info };
        if known || !self.in_record {
            if self.logs || panicked {
                let record = LogRecord {
                    level,
                    periodic: false,
                    text: text::clean(&bare[..bare.len().min(4096)]).into(),
                    target_len: 0,
                    origin: self.last_origin.clone(),
                };
                out.events.push(Event { at, what: What::Log(record) });
                self.in_record = true;
            }
        } else {
            let more = text::clean(&bare[..bare.len().min(4096)]).into();
            out.events.push(Event { at, what: What::LogMore(more) });
        }
        if panicked {
            let words = text::clean(&said[..said.len().min(400)]).into_owned();
            out.events.push(Event { at, what: What::Node(NodeEvent::Panicked { text: words }) });
        }
    }
}

/// Where tasks of a type run when workers are of one kind.
const fn side(kind: &TaskType) -> Option<Component> {
    Some(match kind {
        TaskType::Controller | TaskType::CoreExecute | TaskType::PlonkWrap | TaskType::Groth16Wrap | TaskType::ExecuteOnly => {
            Component::CpuNode
        }
        TaskType::ProveShard | TaskType::RecursionReduce | TaskType::RecursionDeferred | TaskType::ShrinkWrap | TaskType::SetupVkey => {
            Component::GpuNode
        }
        _ => return None,
    })
}

/// True when more text behind an unterminated line could not have changed what
/// it means.
fn is_whole(r: &Record<'_>, line: &[u8], found: Option<&Result<(What, Option<Component>), ()>>) -> bool {
    match found {
        // Read strictly to their closing bracket.
        Some(Ok((What::Stats(_) | What::Worker(_), _))) => return true,
        // The type is the span's last field.
        Some(Err(()) | Ok((What::Node(NodeEvent::TaskSpan { kind: None, .. }), _))) => return false,
        _ => {}
    }
    if r.message.is_empty() {
        return false;
    }
    let Some(Ok((what, _))) = found else { return false };
    // A word or a number may go on.
    b"x9".iter().all(|c| {
        let mut longer = line.to_vec();
        longer.push(*c);
        let Some((_, more)) = formats::read(&longer) else { return true };
        more.at == r.at && messages::meaning(&more).and_then(Result::ok).is_some_and(|(w, _)| w == *what)
    })
}

fn shown(r: &Record<'_>, periodic: bool, origin: Option<PodName>) -> LogRecord {
    const LONGEST: usize = 64 << 10;
    let mut text = String::with_capacity(r.target.len() + r.message.len() + 2);
    if !r.target.is_empty() {
        text.push_str(&text::clean(&r.target));
        text.push_str(": ");
    }
    let target_len = u16::try_from(text.len()).unwrap_or(0);
    // JSON carries line ends within messages.
    for (i, part) in r.message[..r.message.len().min(LONGEST)].split(|c| *c == b'\n').enumerate() {
        if i > 0 {
            text.push('\n');
        }
        text.push_str(&text::clean(part));
    }
    LogRecord { level: r.level, periodic, text: text.into(), target_len, origin }
}

/// Text of nodes that says an artifact is gone, wherever it stands.
fn missing(said: &[u8], at: Timestamp, out: &mut Batch) {
    const SIGNS: [&[u8]; 2] = [b"artifact not found", b"Failed to decompress"];
    if SIGNS.iter().any(|s| memchr::memmem::find(said, s).is_some()) {
        let text = text::clean(&said[..said.len().min(400)]).into_owned();
        out.events.push(Event { at, what: What::Store(StoreEvent::Missing { text }) });
    }
}

fn is_plain(said: &[u8]) -> bool {
    // klog, as `kubectl -v` prints it: `I1124 01:30:19.400229 …`
    let klog =
        said.len() > 20 && matches!(said[0], b'I' | b'W' | b'E' | b'F') && said[1..5].iter().all(u8::is_ascii_digit) && said[5] == b' ';
    klog || PLAIN.iter().any(|p| said.starts_with(p.as_bytes()))
}

fn unread(at: Timestamp, why: UnreadReason, line: &[u8], out: &mut Batch) {
    out.unread.push(Unread { at, why, text: excerpt(line) });
}
