//! What a downloaded proof says of itself.
//!
//! `{ proof, public_values, sp1_version }` in bincode (reference 5.2). Core and
//! compressed proofs are deep structures that only SP1 itself can read; their
//! first and last bytes tell the mode and the version, which is enough to see
//! that the right thing came whole.

use crate::event::ProofMode;

/// What was read of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofHead {
    /// Its mode.
    pub mode: ProofMode,
    /// The SP1 version at its end, for example `v6.1.0`.
    pub sp1_version: String,
    /// The public values; only known of plonk and groth16 proofs.
    pub public_values: Option<Vec<u8>>,
}

/// Reads a decompressed proof.
pub fn head(raw: &[u8]) -> Result<ProofHead, String> {
    let mut read = Reader { raw, at: 0 };
    let tag = read.u32().ok_or_else(|| format!("{} bytes are no proof", raw.len()))?;
    let mode = match tag {
        0 => ProofMode::Core,
        1 => ProofMode::Compressed,
        2 => ProofMode::Plonk,
        3 => ProofMode::Groth16,
        n => return Err(format!("it begins with {n}, which is no kind of proof (0 core, 1 compressed, 2 plonk, 3 groth16)")),
    };
    if let ProofMode::Plonk | ProofMode::Groth16 = mode
        && let Some((public_values, sp1_version)) = read.wrapped()
    {
        return Ok(ProofHead { mode, sp1_version, public_values: Some(public_values) });
    }
    let sp1_version = version_at_end(raw).ok_or("it does not end with an SP1 version: is it cut short?")?;
    Ok(ProofHead { mode, sp1_version, public_values: None })
}

/// The string at the very end: its length as u64, then itself.
fn version_at_end(raw: &[u8]) -> Option<String> {
    (2..=32.min(raw.len().saturating_sub(8))).find_map(|n| {
        let (rest, text) = raw.split_at(raw.len() - n);
        let len = u64::from_le_bytes(rest[rest.len() - 8..].try_into().ok()?);
        let text = std::str::from_utf8(text).ok()?;
        (len == n as u64 && is_version(text)).then(|| text.to_owned())
    })
}

fn is_version(s: &str) -> bool {
    let s = s.strip_prefix('v').unwrap_or(s);
    s.starts_with(|c: char| c.is_ascii_digit()) && s.contains('.') && s.bytes().all(|c| c.is_ascii_graphic())
}

struct Reader<'a> {
    raw: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(n)?;
        let bytes = self.raw.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = u64::from_le_bytes(self.take(8)?.try_into().ok()?);
        self.take(usize::try_from(len).ok()?)
    }

    /// Behind the tag of a plonk or groth16 proof: five strings of public
    /// inputs, two proofs as text, the hash of the key; then the public values
    /// and the version, and the end.
    fn wrapped(&mut self) -> Option<(Vec<u8>, String)> {
        for _ in 0..7 {
            std::str::from_utf8(self.bytes()?).ok()?;
        }
        self.take(32)?;
        let values = self.bytes()?.to_vec();
        let version = std::str::from_utf8(self.bytes()?).ok()?.to_owned();
        (self.at == self.raw.len() && is_version(&version)).then_some((values, version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(out: &mut Vec<u8>, s: &[u8]) {
        out.extend_from_slice(&(s.len() as u64).to_le_bytes());
        out.extend_from_slice(s);
    }

    #[test]
    fn each_kind_is_read() {
        for (tag, mode) in [(0_u32, ProofMode::Core), (1, ProofMode::Compressed)] {
            let mut raw = tag.to_le_bytes().to_vec();
            raw.extend_from_slice(&[9; 5_000]);
            text(&mut raw, b"");
            text(&mut raw, b"v6.1.0");
            let head = head(&raw).unwrap();
            assert_eq!((head.mode, head.sp1_version.as_str(), head.public_values), (mode, "v6.1.0", None));
            // Cut short, it is noticed.
            assert!(super::head(&raw[..raw.len() - 1]).unwrap_err().contains("cut short"));
        }
        for (tag, mode) in [(2_u32, ProofMode::Plonk), (3, ProofMode::Groth16)] {
            let mut raw = tag.to_le_bytes().to_vec();
            for s in ["1", "2", "3", "4", "5", "encoded", "raw"] {
                text(&mut raw, s.as_bytes());
            }
            raw.extend_from_slice(&[3; 32]);
            text(&mut raw, b"\x01\x02");
            text(&mut raw, b"v6.2.1-rc.1");
            let head = head(&raw).unwrap();
            assert_eq!((head.mode, head.sp1_version.as_str(), head.public_values), (mode, "v6.2.1-rc.1", Some(vec![1, 2])));
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        assert!(head(b"").is_err());
        assert!(head(b"\x7fELF and more").is_err());
        assert!(head(&[0; 64]).is_err());
    }
}
