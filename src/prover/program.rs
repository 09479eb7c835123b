//! What is proved: the built-in program, or a file, with its input.

use super::{elf, encode};

/// The built-in program (source and recipe in `fixtures/programs/fibonacci`).
pub const FIBONACCI: &[u8] = include_bytes!("../../fixtures/programs/fibonacci/fibonacci.elf");

/// A program with its input, checked and ready to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// What it is called: `fibonacci`, or the file's name.
    pub name: String,
    /// What its input is, in short: `n=1000`, `2 items, 12 B`.
    pub input: String,
    /// The ELF.
    pub elf: Vec<u8>,
    /// The encoded `SP1Stdin`.
    pub stdin: Vec<u8>,
}

impl Payload {
    /// The n-th Fibonacci number: about five cycles for each of `n`.
    #[must_use]
    pub fn fibonacci(n: u32) -> Self {
        Self { name: "fibonacci".into(), input: format!("n={n}"), elf: FIBONACCI.to_vec(), stdin: encode::stdin(&[n.to_le_bytes()]) }
    }

    /// Any program with items for its input.
    pub fn elf(name: &str, elf: Vec<u8>, items: &[Vec<u8>], checked: bool) -> Result<Self, String> {
        if checked {
            elf::check(&elf).map_err(|e| format!("{name}: {e}"))?;
        }
        let bytes: usize = items.iter().map(Vec::len).sum();
        let input = match items.len() {
            0 => "no input".into(),
            1 => format!("1 item, {bytes} B"),
            n => format!("{n} items, {bytes} B"),
        };
        Ok(Self { name: name.into(), input, elf, stdin: encode::stdin(items) })
    }

    /// Any program with an encoded `SP1Stdin`, compressed or not.
    pub fn with_stdin(name: &str, elf: Vec<u8>, stdin: Vec<u8>, checked: bool) -> Result<Self, String> {
        if checked {
            elf::check(&elf).map_err(|e| format!("{name}: {e}"))?;
        }
        let stdin = if encode::is_zstd(&stdin) { encode::decompress(&stdin)? } else { stdin };
        let shape =
            encode::stdin_shape(&stdin).map_err(|e| format!("the stdin file is no bincode SP1Stdin: {e}; use --input for plain items"))?;
        let bytes: usize = shape.items.iter().sum();
        let input = format!("stdin of {} items, {bytes} B{}", shape.items.len(), if shape.proofs > 0 { " and proofs" } else { "" });
        Ok(Self { name: name.into(), input, elf, stdin })
    }

    /// Adds a digest of the input where its short form does not tell it whole,
    /// so that runs with different input are not compared.
    #[must_use]
    pub fn key(&self) -> String {
        encode::sha256(&[encode::sha256(&self.elf), encode::sha256(&self.stdin)].concat().into_bytes())
    }
}
