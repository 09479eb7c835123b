//! The cluster's artifact store: as much of Redis as clients of a cluster use,
//! in memory. Proofs that the simulation has completed are in it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::world::World;
use crate::base::Timestamp;
use crate::prover::encode;
use crate::sim::{Mode, ProofStatus};
use crate::sources::hub::{Clock as _, lock};

/// The longest argument, all values together, and the most words of a command.
const LONGEST: usize = 64 << 20;
const MEMORY: usize = 512 << 20;
const WORDS: usize = 4096;
/// How long a proof can be fetched (v2.4 and later).
const LIFE: Duration = Duration::from_secs(6 * 3600);

/// Serves until dropped.
pub async fn serve(world: Arc<World>, listener: TcpListener) {
    let db = Arc::new(Db { world, values: Mutex::default() });
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let db = Arc::clone(&db);
        connections.spawn(async move { drop(talk(&db, stream).await) });
        while connections.try_join_next().is_some() {}
    }
}

type Words = Vec<Vec<u8>>;

/// An answer in Redis' protocol (RESP2).
enum Reply {
    Ok,
    Queued,
    Int(i64),
    Bulk(Vec<u8>),
    Nil,
    Error(&'static str),
    All(Vec<Reply>),
}

impl Reply {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ok => out.extend_from_slice(b"+OK\r\n"),
            Self::Queued => out.extend_from_slice(b"+QUEUED\r\n"),
            Self::Int(n) => out.extend_from_slice(format!(":{n}\r\n").as_bytes()),
            Self::Bulk(v) => {
                out.extend_from_slice(format!("${}\r\n", v.len()).as_bytes());
                out.extend_from_slice(v);
                out.extend_from_slice(b"\r\n");
            }
            Self::Nil => out.extend_from_slice(b"$-1\r\n"),
            Self::Error(e) => out.extend_from_slice(format!("-{e}\r\n").as_bytes()),
            Self::All(list) => {
                out.extend_from_slice(format!("*{}\r\n", list.len()).as_bytes());
                for r in list {
                    r.write(out);
                }
            }
        }
    }
}

async fn talk(db: &Db, stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut queue: Option<Vec<Words>> = None;
    while let Some(words) = command(&mut read).await? {
        let reply = match (name(&words).as_str(), &mut queue) {
            ("MULTI", None) => {
                queue = Some(Vec::new());
                Reply::Ok
            }
            ("EXEC", Some(_)) => Reply::All(db.run(&queue.take().unwrap_or_default())),
            ("DISCARD", Some(_)) => {
                queue = None;
                Reply::Ok
            }
            (_, Some(q)) if q.len() < WORDS => {
                q.push(words);
                Reply::Queued
            }
            _ => db.run(&[words]).pop().unwrap_or(Reply::Nil),
        };
        let mut out = Vec::new();
        reply.write(&mut out);
        write.write_all(&out).await?;
    }
    Ok(())
}

/// The next command, an array of strings; `None` at the end, or where it is none.
async fn command(read: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> std::io::Result<Option<Words>> {
    let Some(n) = number(read, b'*').await?.filter(|n| (1..=WORDS).contains(n)) else { return Ok(None) };
    let mut words = Vec::with_capacity(n);
    for _ in 0..n {
        let Some(len) = number(read, b'$').await?.filter(|n| *n <= LONGEST) else { return Ok(None) };
        let mut word = vec![0; len + 2];
        read.read_exact(&mut word).await?;
        word.truncate(len);
        words.push(word);
    }
    Ok(Some(words))
}

async fn number(read: &mut (impl tokio::io::AsyncBufRead + Unpin), mark: u8) -> std::io::Result<Option<usize>> {
    let mut line = Vec::new();
    (&mut *read).take(32).read_until(b'\n', &mut line).await?;
    let digits = line.strip_prefix(&[mark]).and_then(|l| l.strip_suffix(b"\r\n"));
    Ok(digits.and_then(|d| std::str::from_utf8(d).ok()?.parse().ok()))
}

fn name(words: &Words) -> String {
    words.first().map(|w| String::from_utf8_lossy(w).to_ascii_uppercase()).unwrap_or_default()
}

enum Value {
    Text(Vec<u8>),
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
}

impl Value {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(v) => v.len(),
            Self::Hash(h) => h.iter().map(|(k, v)| k.len() + v.len()).sum(),
        }
    }
}

struct Entry {
    value: Value,
    until: Option<Timestamp>,
}

type Values = HashMap<Vec<u8>, Entry>;

struct Db {
    world: Arc<World>,
    values: Mutex<Values>,
}

const WRONG: Reply = Reply::Error("WRONGTYPE Operation against a key holding the wrong kind of value");

impl Db {
    /// Runs commands at one moment.
    fn run(&self, commands: &[Words]) -> Vec<Reply> {
        let full = self.world.read(|s| s.cluster.redis_full());
        let mut values = lock(&self.values);
        let now = self.world.clock.now();
        values.retain(|_, e| e.until.is_none_or(|t| t > now));
        commands
            .iter()
            .map(|words| {
                for key in words.iter().skip(1).take(1) {
                    self.bring(key, now, &mut values);
                }
                one(words, full, now, &mut values)
            })
            .collect()
    }

    /// Puts a proof there that is asked for and that the cluster has completed.
    fn bring(&self, key: &[u8], now: Timestamp, values: &mut Values) {
        let Ok(id) = std::str::from_utf8(key) else { return };
        if values.contains_key(key) || !id.starts_with("artifact_") {
            return;
        }
        let found = self.world.read(|s| {
            let row = s.cluster.proof_of_artifact(id).filter(|r| r.proof_status == ProofStatus::Completed)?;
            let version = s.cluster.stats().map_or_else(|_| "v6.1.0".into(), |s| s.sp1_circuit_version);
            Some((Mode::read(row.options_artifact_id.as_deref()?)?, version, row.ended_at?))
        });
        if let Some((mode, version, ended)) = found
            && ended.plus(LIFE) > now
            && let Ok(value) = encode::compress(&proof(mode, &version))
        {
            values.insert(key.to_owned(), Entry { value: Value::Text(value), until: Some(ended.plus(LIFE)) });
        }
    }
}

/// What stands for a proof: its kind in front and the version at the end, as in a
/// real one; between them a word that says what it is.
fn proof(mode: Mode, version: &str) -> Vec<u8> {
    let tag: u32 = match mode {
        Mode::Core => 0,
        Mode::Compressed => 1,
        Mode::Plonk => 2,
        Mode::Groth16 => 3,
    };
    let mut raw = tag.to_le_bytes().to_vec();
    raw.extend_from_slice(&b"This is no proof: a simulated cluster made it. ".repeat(256));
    raw.extend_from_slice(&(version.len() as u64).to_le_bytes());
    raw.extend_from_slice(version.as_bytes());
    raw
}

fn one(words: &Words, full: bool, now: Timestamp, values: &mut Values) -> Reply {
    let arg = |n: usize| words.get(n).map(Vec::as_slice).unwrap_or_default();
    let int = |n: usize| std::str::from_utf8(arg(n)).ok().and_then(|t| t.parse::<i64>().ok());
    let key = arg(1);
    let command = name(words);
    let grows = matches!(command.as_str(), "SET" | "APPEND" | "HSET");
    let used: usize = if grows { values.values().map(|e| e.value.bytes()).sum() } else { 0 };
    if grows && (full || used + words.iter().map(Vec::len).sum::<usize>() > MEMORY) {
        return Reply::Error("OOM command not allowed when used memory > 'maxmemory'.");
    }
    match command.as_str() {
        "PING" => Reply::Bulk(b"PONG".to_vec()),
        "AUTH" | "SELECT" | "CLIENT" => Reply::Ok,
        "INFO" => {
            let used: usize = values.values().map(|e| e.value.bytes()).sum();
            let text = format!(
                "# Server\r\nredis_version:8.2.1\r\n# Memory\r\nused_memory:{used}\r\nmaxmemory:{MEMORY}\r\nmaxmemory_policy:noeviction\r\n"
            );
            Reply::Bulk(text.into_bytes())
        }
        "SET" => {
            let life = arg(3).eq_ignore_ascii_case(b"EX").then(|| int(4)).flatten();
            let until = life.and_then(|s| u64::try_from(s).ok()).map(|s| now.plus(Duration::from_secs(s)));
            values.insert(key.to_owned(), Entry { value: Value::Text(arg(2).to_owned()), until });
            Reply::Ok
        }
        "APPEND" => {
            let e = values.entry(key.to_owned()).or_insert(Entry { value: Value::Text(Vec::new()), until: None });
            let Value::Text(v) = &mut e.value else { return WRONG };
            v.extend_from_slice(arg(2));
            length(v.len())
        }
        "HSET" => {
            let e = values.entry(key.to_owned()).or_insert(Entry { value: Value::Hash(BTreeMap::new()), until: None });
            let Value::Hash(h) = &mut e.value else { return WRONG };
            let before = h.len();
            for pair in words.get(2..).unwrap_or_default().chunks_exact(2) {
                h.insert(pair[0].clone(), pair[1].clone());
            }
            length(h.len() - before)
        }
        "GET" | "STRLEN" | "GETRANGE" => match values.get(key).map(|e| &e.value) {
            Some(Value::Hash(_)) => WRONG,
            Some(Value::Text(v)) => match command.as_str() {
                "GET" => Reply::Bulk(v.clone()),
                "STRLEN" => length(v.len()),
                _ => Reply::Bulk(range(v, int(2).unwrap_or(0), int(3).unwrap_or(-1)).to_owned()),
            },
            None if command == "STRLEN" => Reply::Int(0),
            None if command == "GETRANGE" => Reply::Bulk(Vec::new()),
            None => Reply::Nil,
        },
        "HGET" | "HLEN" | "HSTRLEN" | "HEXISTS" => match values.get(key).map(|e| &e.value) {
            Some(Value::Text(_)) => WRONG,
            found => {
                let hash = found.and_then(|v| if let Value::Hash(h) = v { Some(h) } else { None });
                let field = hash.and_then(|h| h.get(arg(2)));
                match command.as_str() {
                    "HLEN" => length(hash.map_or(0, BTreeMap::len)),
                    "HSTRLEN" => length(field.map_or(0, Vec::len)),
                    "HEXISTS" => Reply::Int(field.is_some().into()),
                    _ => field.map_or(Reply::Nil, |f| Reply::Bulk(f.clone())),
                }
            }
        },
        "EXISTS" => Reply::Int(values.contains_key(key).into()),
        "DEL" | "UNLINK" => length(words.iter().skip(1).filter(|k| values.remove(*k).is_some()).count()),
        "RENAME" => match values.remove(key) {
            Some(e) => {
                values.insert(arg(2).to_owned(), e);
                Reply::Ok
            }
            None => Reply::Error("ERR no such key"),
        },
        "EXPIRE" => {
            let until = int(2).and_then(|s| u64::try_from(s).ok()).map(|s| now.plus(Duration::from_secs(s)));
            let found = values.get_mut(key);
            Reply::Int(found.map(|e| e.until = until).is_some().into())
        }
        "PERSIST" => Reply::Int(values.get_mut(key).and_then(|e| e.until.take()).is_some().into()),
        "TTL" => Reply::Int(match values.get(key).map(|e| e.until) {
            None => -2,
            Some(None) => -1,
            Some(Some(t)) => i64::try_from(t.since(now).as_secs()).unwrap_or(i64::MAX),
        }),
        _ => Reply::Error("ERR unknown command: this is a simulated store, which knows what clients of a cluster use"),
    }
}

fn length(n: usize) -> Reply {
    Reply::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

/// From the first byte to the last, both counted; negative ones from the end.
fn range(v: &[u8], from: i64, to: i64) -> &[u8] {
    let len = i64::try_from(v.len()).unwrap_or(i64::MAX);
    let at = |n: i64| if n < 0 { (len + n).max(0) } else { n.min(len) };
    let (from, to) = (at(from), if to < 0 { len + to + 1 } else { (to + 1).min(len) });
    let index = |n: i64| usize::try_from(n).unwrap_or(0);
    if from < to { &v[index(from)..index(to)] } else { &[] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(values: &mut Values, line: &str) -> String {
        let words = line.split(' ').map(|w| w.as_bytes().to_vec()).collect();
        let mut out = Vec::new();
        one(&words, false, Timestamp::from_secs(100), values).write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_answers_as_redis_does() {
        let v = &mut Values::new();
        for (line, answer) in [
            ("SET a hello EX 60", "+OK\r\n"),
            ("get a", "$5\r\nhello\r\n"),
            ("GETRANGE a 1 2", "$2\r\nel\r\n"),
            ("GETRANGE a 3 99", "$2\r\nlo\r\n"),
            ("GETRANGE a 9 99", "$0\r\n\r\n"),
            ("GETRANGE a -3 -1", "$3\r\nllo\r\n"),
            ("TTL a", ":60\r\n"),
            ("PERSIST a", ":1\r\n"),
            ("TTL a", ":-1\r\n"),
            ("TTL b", ":-2\r\n"),
            ("GET b", "$-1\r\n"),
            ("APPEND b xy", ":2\r\n"),
            ("APPEND b z", ":3\r\n"),
            ("RENAME b c", "+OK\r\n"),
            ("STRLEN c", ":3\r\n"),
            ("RENAME b c", "-ERR no such key\r\n"),
            ("HSET h 0 abc 1 de", ":2\r\n"),
            ("HLEN h", ":2\r\n"),
            ("HSTRLEN h 0", ":3\r\n"),
            ("HEXISTS h __n", ":0\r\n"),
            ("HGET h 1", "$2\r\nde\r\n"),
            ("GET h", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
            ("EXISTS h", ":1\r\n"),
            ("UNLINK h c x", ":2\r\n"),
            ("EXISTS h", ":0\r\n"),
        ] {
            assert_eq!(ask(v, line), answer, "{line}");
        }
        assert!(ask(v, "FLUSHALL").starts_with("-ERR unknown command"));
        let mut out = Vec::new();
        one(&vec![b"SET".to_vec(), b"a".to_vec(), b"b".to_vec()], true, Timestamp::ZERO, v).write(&mut out);
        assert!(out.starts_with(b"-OOM "), "a full store takes nothing");
    }

    #[test]
    fn what_stands_for_a_proof_reads_like_one() {
        for (mode, want) in [(Mode::Core, "core"), (Mode::Compressed, "compressed"), (Mode::Plonk, "plonk"), (Mode::Groth16, "groth16")] {
            let head = crate::prover::proof::head(&proof(mode, "v6.1.0")).unwrap();
            assert_eq!((head.mode.as_str(), head.sp1_version.as_str()), (want, "v6.1.0"));
        }
    }
}
