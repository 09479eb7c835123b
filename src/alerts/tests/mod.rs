//! Short logs written by hand: healthy ones that must be silent, faulty ones
//! that must be told, and the engine alone.

#![allow(clippy::cast_possible_truncation, clippy::explicit_counter_loop, clippy::float_cmp, reason = "scripts read as stories")]

mod engine;
mod faulty;
mod healthy;
mod modes;

use super::testing::Script;
use crate::base::TaskType as T;

/// One CPU worker (1) of maximum 48 and GPU workers from 11 on, in a cluster
/// that has been up for a minute.
fn cluster(gpus: u32) -> Script {
    let mut s = Script::new();
    s.restart().cpu(1, 48);
    for n in 0..gpus {
        s.gpu(11 + n);
    }
    s.pass(60);
    s
}

/// A proof of a mode from its claim to its last reduction, on CPU worker 1 and
/// the GPU workers from 11 on; some 100 s. Its tasks are numbered from `base`.
fn prove(s: &mut Script, proof: &str, mode: u32, gpus: u32, base: u32) {
    s.claim(proof, mode).run(1, proof, base, T::Controller).run(11, proof, base + 1, T::SetupVkey).pass(10);
    s.done(base + 1).run(1, proof, base + 2, T::CoreExecute);
    let mut t = base + 10;
    for step in 0..6 {
        for n in 0..gpus {
            for _ in 0..3 {
                s.run(11 + n, proof, t, T::ProveShard);
                t += 1;
            }
        }
        s.queue(0, 40 - step * 6).made(20).pass(10);
        for done in t - gpus * 3..t {
            s.done(done);
        }
    }
    s.done(base + 2).queue(0, 0);
    s.run(11, proof, base + 3, T::RecursionReduce).pass(10);
    s.done(base + 3).run(11, proof, base + 4, T::RecursionReduce).pass(10);
    s.done(base + 4);
}

/// The same, and its shrink and wrap of `seconds` on worker 1.
fn wrap(s: &mut Script, proof: &str, kind: T, base: u32, seconds: i64) {
    s.run(11, proof, base + 5, T::ShrinkWrap).pass(20);
    s.done(base + 5).run(1, proof, base + 6, kind).pass(seconds);
    s.done(base + 6).done(base).end(proof, "Completed");
}
