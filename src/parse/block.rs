//! The coordinator's periodic block: one `GetStatsResponse` line and one line a
//! worker (reference 2.2). Both are read strictly, so that a cut or glued line is
//! refused and never half believed.

use super::scan;
use crate::base::{ProofId, TaskId, TaskType, WorkerId, WorkerKind};
use crate::event::{AssignedTask, Stats, WorkerReport};

/// Begins every line of the block.
pub const MARK: &[u8] = b"[coordinator] ";

/// Reads `GetStatsResponse { … }` with its fields in any order; unknown ones are
/// skipped, missing ones stay `None`. Returns it with what follows.
#[must_use]
pub fn stats(s: &[u8]) -> Option<(Stats, &[u8])> {
    let mut rest = s.strip_prefix(b"GetStatsResponse {")?;
    let mut out = Stats::default();
    let mut known = 0;
    loop {
        rest = rest.trim_ascii_start();
        if let Some(r) = rest.strip_prefix(b"}") {
            return (known > 0).then_some((out, r));
        }
        let colon = memchr::memchr(b':', rest)?;
        let name = &rest[..colon];
        if !name.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'_') {
            return None;
        }
        rest = rest[colon + 1..].trim_ascii_start();
        let len = scan::value_len(rest)?;
        let value = rest[..len].trim_ascii_end();
        known += usize::from(stats_field(&mut out, name, value)?);
        rest = &rest[len..];
        match rest.first()? {
            b',' => rest = &rest[1..],
            b'}' => {}
            _ => return None,
        }
    }
}

/// Sets one field. `None` where its value is not of its type; `Some(false)` for a
/// field that this build does not know.
fn stats_field(out: &mut Stats, name: &[u8], value: &[u8]) -> Option<bool> {
    let text = || {
        let n = scan::string_len(value)?;
        (n == value.len()).then(|| crate::base::text::clean(&scan::unescape(&value[1..n - 1])).into_owned())
    };
    let count = || scan::decimal(value).and_then(|n| u32::try_from(n).ok());
    match name {
        b"coordinator_version" => out.coordinator_version = Some(text()?),
        b"sp1_circuit_version" => out.sp1_circuit_version = Some(text()?),
        b"total_tasks" => out.total_tasks = Some(scan::decimal(value)?),
        b"active_tasks" => out.active_tasks = Some(count()?),
        b"cpu_workers" => out.cpu_workers = Some(count()?),
        b"gpu_workers" => out.gpu_workers = Some(count()?),
        b"cpu_utilization_current" => out.cpu_utilization_current = Some(count()?),
        b"cpu_utilization_max" => out.cpu_utilization_max = Some(count()?),
        b"gpu_utilization_current" => out.gpu_utilization_current = Some(count()?),
        b"gpu_utilization_max" => out.gpu_utilization_max = Some(count()?),
        b"active_proofs" => out.active_proofs = Some(count()?),
        b"cpu_queue" => out.cpu_queue = Some(count()?),
        b"gpu_queue" => out.gpu_queue = Some(count()?),
        b"active_subscribers" => out.active_subscribers = Some(count()?),
        _ => return Some(false),
    }
    Some(true)
}

/// So many that a few dozen proofs seldom share one.
const SLOTS: usize = 256;

/// Proofs whose ids were read lately: a block names each of them many times.
#[derive(Clone, Debug, Default)]
pub struct KnownProofs(Vec<Option<ProofId>>);

impl KnownProofs {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    fn read(&mut self, id: &[u8]) -> Option<ProofId> {
        // Only streams that name proofs pay for it.
        if self.0.is_empty() {
            self.0.resize(SLOTS, None);
        }
        // Ids differ in their last digits.
        let tail = id.last_chunk::<8>().map_or(0, |t| u64::from_le_bytes(*t));
        let place = tail.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOTS.ilog2());
        let known = self.0.get_mut(usize::try_from(place).ok()?)?;
        match known {
            Some(p) if p.as_str().as_bytes() == id => {}
            _ => *known = Some(ProofId::read(id)?),
        }
        known.clone()
    }
}

/// Reads what follows `worker `: id, type, policy state, next free time, tasks.
/// Returns it with what follows the list. `proofs` saves reading the same
/// ids again and again.
#[must_use]
pub fn worker<'a>(s: &'a [u8], proofs: &mut KnownProofs) -> Option<(WorkerReport, &'a [u8])> {
    let (id, rest) = scan::word(s);
    let worker = WorkerId::read(id)?;
    let (kind, rest) = scan::word(rest);
    if kind.is_empty() || !kind.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let kind = WorkerKind::read(kind);
    // The policy's own state: `()` in the public code, anything in a fork.
    let rest = match rest.strip_prefix(b"() ") {
        Some(r) => r,
        None => after_policy_state(rest)?,
    };
    let (free, rest) = scan::leading_decimal(rest)?;
    let mut rest = rest.strip_prefix(b" [")?;
    let mut tasks = Vec::new();
    if let Some(r) = rest.strip_prefix(b"]") {
        return Some((WorkerReport { worker, kind, next_free_ms: free, tasks }, r));
    }
    tasks.reserve_exact(8.min(rest.len() / 64 + 1));
    loop {
        let (task, r) = assigned(rest, proofs)?;
        tasks.push(task);
        if let Some(r) = r.strip_prefix(b", ") {
            rest = r;
        } else {
            let r = r.strip_prefix(b"]")?;
            return Some((WorkerReport { worker, kind, next_free_ms: free, tasks }, r));
        }
    }
}

/// Skips one value and the blank after it, such that ` <digits> [` follows.
fn after_policy_state(s: &[u8]) -> Option<&[u8]> {
    let mut depth = 0u32;
    let mut at = 0;
    while at < s.len() {
        match s[at] {
            b'"' => {
                at += scan::string_len(&s[at..])?;
                continue;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.checked_sub(1)?,
            b' ' if depth == 0 && at > 0 => {
                let next = &s[at + 1..];
                if scan::leading_decimal(next).is_some_and(|(_, r)| r.starts_with(b" [")) {
                    return Some(next);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Reads one `("proof", "task", Some(Some(Type)))`.
fn assigned<'a>(s: &'a [u8], proofs: &mut KnownProofs) -> Option<(AssignedTask, &'a [u8])> {
    let s = s.strip_prefix(b"(")?;
    let (proof, s) = scan::plain_string(s)?;
    let proof = proofs.read(proof)?;
    let s = s.strip_prefix(b", \"")?;
    // A TypeID is 31 bytes; the quote tells where others end.
    let (task, s) = if let Some(b'"') = s.get(31) {
        (&s[..31], &s[32..])
    } else {
        let n = memchr::memchr(b'"', s)?;
        (&s[..n], &s[n + 1..])
    };
    let task = TaskId::read(task)?;
    let s = s.strip_prefix(b", ")?;
    let (kind, proof_known, s) = if let Some(s) = s.strip_prefix(b"Some(Some(") {
        let n = memchr::memchr(b')', s)?;
        (Some(TaskType::read(&s[..n])?), true, s[n..].strip_prefix(b"))")?)
    } else if let Some(s) = s.strip_prefix(b"Some(None)") {
        (None, true, s)
    } else {
        (None, false, s.strip_prefix(b"None")?)
    };
    Some((AssignedTask { proof, task, kind, proof_known }, s.strip_prefix(b")")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: &str = "task_01kzz5e2q3fay9vvr1081g8186";

    fn read(s: &str) -> Option<WorkerReport> {
        worker(s.as_bytes(), &mut KnownProofs::new()).filter(|(_, r)| r.is_empty()).map(|(w, _)| w)
    }

    #[test]
    fn every_nesting() {
        let line = format!(
            r#"unknown_9f86d081884c7d659a2feaa0c55ad015 Cpu () 1786678546210 [("cli_1", "{T}", Some(Some(Controller))), ("cli_1", "{T}", Some(None)), ("cli_2", "odd-task", None), ("cli_2", "{T}", Some(Some(BrandNew)))]"#
        );
        let w = read(&line).unwrap();
        assert_eq!(w.kind, Some(WorkerKind::Cpu));
        assert_eq!(w.next_free_ms, 1_786_678_546_210);
        let kinds: Vec<_> = w.tasks.iter().map(|t| (t.proof.as_str(), t.kind.as_ref().map(TaskType::as_str), t.proof_known)).collect();
        assert_eq!(
            kinds,
            [("cli_1", Some("Controller"), true), ("cli_1", None, true), ("cli_2", None, false), ("cli_2", Some("BrandNew"), true)]
        );
        assert_eq!(read("w Gpu () 0 []").unwrap().tasks, []);
        assert_eq!(read("w Tpu () 0 []").unwrap().kind, None);
        assert_eq!(read(r#"w Gpu State { a: [1, 2], b: "x 1 [" } 0 []"#).unwrap().next_free_ms, 0);
    }

    #[test]
    fn a_cut_anywhere_is_refused() {
        let line = format!(r#"unknown_9f86d081884c7d659a2feaa0c55ad015 Cpu () 17 [("cli_1", "{T}", Some(Some(Controller)))]"#);
        for n in 0..line.len() {
            assert_eq!(read(&line[..n]), None, "{}", &line[..n]);
        }
        assert!(read(&line).is_some());
    }

    #[test]
    fn stats_in_any_order_with_new_and_missing_fields() {
        let s = br#"GetStatsResponse { gpu_queue: 7, brand_new: Some(Foo { a: "}, gpu_queue: 9" }), total_tasks: 18446744073709551615, coordinator_version: "a \"b\" 1" } proof=1"#;
        let (got, rest) = stats(s).unwrap();
        assert_eq!((got.gpu_queue, got.total_tasks, got.cpu_queue), (Some(7), Some(u64::MAX), None));
        assert_eq!(got.coordinator_version.as_deref(), Some("a \"b\" 1"));
        assert_eq!(rest, b" proof=1");
        for bad in [
            "GetStatsResponse { gpu_queue: 4294967296 }",
            "GetStatsResponse { gpu_queue: -1 }",
            "GetStatsResponse { gpu_queue: 1",
            "GetStatsResponse { }",
        ] {
            assert_eq!(stats(bad.as_bytes()), None, "{bad}");
        }
    }
}
