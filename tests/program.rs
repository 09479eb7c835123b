//! The test program that `prove` sends: that source and committed file agree,
//! and that it computes what it says, on a small rv64im machine.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "support/suite.rs"]
mod suite;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use sp1top::prover::elf::{self, Program};
use sp1top::prover::program::{FIBONACCI, Payload};
use suite::Tools;

type Essence = (u64, u64, bool, Vec<u8>);

/// Code, addresses and entry: all that a cluster looks at. The rest of the file
/// tells the compiler's version.
fn essence(elf: &[u8]) -> (u64, Vec<Essence>) {
    let p = elf::check(elf).unwrap();
    let code = |s: &elf::Segment| if s.executable { p.bytes(elf, s).to_vec() } else { Vec::new() };
    (p.entry, p.segments.iter().map(|s| (s.address, s.memory_size, s.executable, code(s))).collect())
}

fn source_and_committed_file_agree() {
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/programs/fibonacci/build.sh");
    let dir = tempfile::tempdir().unwrap();
    let built = dir.path().join("built.elf");
    let out = Command::new("sh").arg(recipe).arg(&built).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(essence(&std::fs::read(built).unwrap()), essence(FIBONACCI), "run fixtures/programs/fibonacci/build.sh and commit the file");
}

/// rv64im as far as programs of ours go, with SP1's system calls.
struct Machine<'a> {
    program: &'a Program,
    elf: &'a [u8],
    pc: u64,
    x: [u64; 32],
    memory: BTreeMap<u64, u8>,
    hints: Vec<Vec<u8>>,
    commits: BTreeMap<u64, u32>,
    deferred: BTreeMap<u64, u32>,
    steps: u64,
}

impl<'a> Machine<'a> {
    fn new(program: &'a Program, elf: &'a [u8], hints: Vec<Vec<u8>>) -> Self {
        let mut m = Self {
            program,
            elf,
            pc: program.entry,
            x: [0; 32],
            memory: BTreeMap::new(),
            hints,
            commits: BTreeMap::new(),
            deferred: BTreeMap::new(),
            steps: 0,
        };
        m.hints.reverse();
        m
    }

    fn load(&self, at: u64, n: u64) -> u64 {
        (0..n).map(|i| u64::from(self.memory.get(&(at + i)).copied().unwrap_or(0)) << (8 * i)).sum()
    }

    /// Runs to HALT; its exit code.
    fn run(&mut self) -> u64 {
        loop {
            let s = self.program.segments.iter().find(|s| s.executable && (s.address..s.address + s.file_size).contains(&self.pc)).unwrap();
            let at = usize::try_from(self.pc - s.address).unwrap();
            let word = u32::from_le_bytes(self.program.bytes(self.elf, s)[at..at + 4].try_into().unwrap());
            self.steps += 1;
            assert!(self.steps < 10_000_000, "it does not end");
            if let Some(exit) = self.step(word) {
                return exit;
            }
            self.x[0] = 0;
        }
    }

    #[allow(clippy::cast_sign_loss, clippy::cast_possible_wrap, clippy::cast_possible_truncation)]
    fn step(&mut self, w: u32) -> Option<u64> {
        let (rd, rs1, rs2) = ((w >> 7 & 31) as usize, (w >> 15 & 31) as usize, (w >> 20 & 31) as usize);
        let (f3, f7) = (w >> 12 & 7, w >> 25);
        let (a, b) = (self.x[rs1], self.x[rs2]);
        let imm = i64::from(w as i32 >> 20) as u64;
        let mut next = self.pc + 4;
        match w & 0x7f {
            0x37 => self.x[rd] = i64::from((w & 0xffff_f000) as i32) as u64,
            0x13 => {
                self.x[rd] = match f3 {
                    0 => a.wrapping_add(imm),
                    1 => a << (w >> 20 & 63),
                    7 => a & imm,
                    _ => panic!("instruction {w:#010x} at {:#x}", self.pc),
                }
            }
            0x1b if f3 == 0 => self.x[rd] = i64::from(a.wrapping_add(imm) as i32) as u64,
            0x33 => {
                self.x[rd] = match (f3, f7) {
                    (0, 0) => a.wrapping_add(b),
                    (0, 0x20) => a.wrapping_sub(b),
                    (0, 1) => a.wrapping_mul(b),
                    (7, 1) => a.checked_rem(b).unwrap_or(a),
                    _ => panic!("instruction {w:#010x} at {:#x}", self.pc),
                }
            }
            0x03 => {
                let at = a.wrapping_add(imm);
                self.x[rd] = match f3 {
                    3 => self.load(at, 8),
                    6 => self.load(at, 4),
                    _ => panic!("load {w:#010x}"),
                }
            }
            0x63 => {
                let taken = match f3 {
                    0 => a == b,
                    1 => a != b,
                    6 => a < b,
                    _ => panic!("branch {w:#010x}"),
                };
                let offset = (w as i32 >> 31 << 12) | ((w << 4) as i32 & 0x800) | ((w >> 20) as i32 & 0x7e0) | ((w >> 7) as i32 & 0x1e);
                if taken {
                    next = self.pc.wrapping_add(i64::from(offset) as u64);
                }
            }
            0x73 if w == 0x73 => {
                return self.call().or_else(|| {
                    self.pc = next;
                    None
                });
            }
            _ => panic!("instruction {w:#010x} at {:#x}", self.pc),
        }
        self.pc = next;
        None
    }

    fn call(&mut self) -> Option<u64> {
        let (a0, a1) = (self.x[10], self.x[11]);
        match self.x[5] {
            0x00 => return Some(a0),
            0x10 => assert!(self.commits.insert(a0, u32::try_from(a1).unwrap()).is_none()),
            0x1a => assert!(self.deferred.insert(a0, u32::try_from(a1).unwrap()).is_none()),
            0xf0 => self.x[5] = self.hints.last().map_or(u64::from(u32::MAX), |h| h.len() as u64),
            0xf1 => {
                let item = self.hints.pop().unwrap();
                assert_eq!(item.len() as u64, a1);
                assert!(a0.is_multiple_of(8));
                let inside = |s: &elf::Segment| a0 < s.address + s.memory_size.next_multiple_of(4096) && s.address < a0 + a1;
                assert!(!self.program.segments.iter().any(inside), "HINT_READ into a segment: its compressed proof would fail");
                for (i, b) in (0..).zip(item) {
                    self.memory.insert(a0 + i, b);
                }
            }
            n => panic!("system call {n:#x}"),
        }
        None
    }
}

fn it_computes_fibonacci_numbers_and_commits_to_nothing() {
    let program = elf::check(FIBONACCI).unwrap();
    for (n, want) in
        [(0_u32, 0_u64), (1, 1), (2, 1), (10, 55), (20, 6_765), (90, 2_880_067_194_370_816_120), (1_000, 817_770_325_994_397_771)]
    {
        let mut m = Machine::new(&program, FIBONACCI, vec![n.to_le_bytes().to_vec()]);
        assert_eq!(m.run(), 0);
        assert_eq!(m.x[9], want, "F({n}) mod 2^64");
        // SHA-256 of nothing, as little-endian words.
        let digest: Vec<u8> = m.commits.values().flat_map(|w| w.to_le_bytes()).collect();
        assert_eq!(sp1top::prover::encode::hex(&digest), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(m.deferred.into_iter().collect::<Vec<_>>(), (0..8).map(|i| (i, 0)).collect::<Vec<_>>());
        assert!(m.steps <= 5 * u64::from(n) + 120, "{} steps for n={n}", m.steps);
    }
    // An input that is not one u32 ends with an error.
    let mut m = Machine::new(&program, FIBONACCI, vec![vec![1; 8]]);
    assert_eq!(m.run(), 1);
}

fn what_is_sent_is_this_program() {
    let payload = Payload::fibonacci(7);
    assert_eq!(payload.elf, FIBONACCI);
    assert_ne!(payload.key(), Payload::fibonacci(8).key());
}

fn main() -> std::process::ExitCode {
    suite::run(vec![
        (Tools::COMPILER, tests![source_and_committed_file_agree]),
        (Tools::NONE, tests![it_computes_fibonacci_numbers_and_commits_to_nothing, what_is_sent_is_this_program]),
    ])
}
