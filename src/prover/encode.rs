//! How artifacts are written: bincode 1 (little endian, fixed-width integers,
//! lengths as u64), then zstd (reference 5.2). Three layouts are all that a
//! client needs, so they are written by hand.

use std::io::Read as _;

/// The level that the cluster's own clients use.
const LEVEL: i32 = 3;
/// The largest artifact that is taken from a store, in bytes after
/// decompression: nothing of ours comes near, and a zstd bomb does not either.
pub const MAX_ARTIFACT: u64 = 4 << 30;

/// `Vec<u8>`: a program's ELF.
#[must_use]
pub fn program(elf: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(elf.len() + 8);
    length(&mut out, elf.len());
    out.extend_from_slice(elf);
    out
}

/// `SP1Stdin { buffer: Vec<Vec<u8>>, ptr: usize, proofs: Vec<…> }` without
/// proofs. Each item is what one read in the guest takes.
#[must_use]
pub fn stdin<T: AsRef<[u8]>>(items: &[T]) -> Vec<u8> {
    let mut out = Vec::with_capacity(24 + items.iter().map(|i| 8 + i.as_ref().len()).sum::<usize>());
    length(&mut out, items.len());
    for item in items {
        length(&mut out, item.as_ref().len());
        out.extend_from_slice(item.as_ref());
    }
    length(&mut out, 0);
    length(&mut out, 0);
    out
}

fn length(out: &mut Vec<u8>, n: usize) {
    out.extend_from_slice(&(n as u64).to_le_bytes());
}

/// What an encoded `SP1Stdin` holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StdinShape {
    /// Length of each item in bytes.
    pub items: Vec<usize>,
    /// Proofs that the program verifies.
    pub proofs: u64,
}

/// Walks an encoded `SP1Stdin`, so that a file that is none is refused before it
/// costs anybody time. Proofs within are not looked into.
pub fn stdin_shape(raw: &[u8]) -> Result<StdinShape, String> {
    let mut at = 0;
    let mut next = |what: &str| {
        let bytes = raw.get(at..at + 8).ok_or_else(|| format!("it ends within {what}, at byte {at}"))?;
        at += 8;
        Ok::<_, String>(u64::from_le_bytes(bytes.try_into().unwrap_or_default()))
    };
    let count = next("the number of items")?;
    if count > raw.len() as u64 / 8 {
        return Err(format!("it would hold {count} items, more than {} bytes can", raw.len()));
    }
    let mut items = Vec::new();
    for n in 0..count {
        let bytes = raw.get(at..at + 8).ok_or_else(|| format!("it ends before item {n}"))?;
        let len = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        at += 8;
        let end = usize::try_from(len).ok().and_then(|l| at.checked_add(l)).filter(|e| *e <= raw.len());
        let Some(end) = end else { return Err(format!("item {n} would be {len} bytes long, {} are left", raw.len() - at)) };
        items.push(end - at);
        at = end;
    }
    let mut next = |what: &str| {
        let bytes = raw.get(at..at + 8).ok_or_else(|| format!("it ends before {what}"))?;
        at += 8;
        Ok::<_, String>(u64::from_le_bytes(bytes.try_into().unwrap_or_default()))
    };
    next("the read position")?;
    let proofs = next("the number of proofs")?;
    if proofs == 0 && at != raw.len() {
        return Err(format!("{} bytes follow its end", raw.len() - at));
    }
    Ok(StdinShape { items, proofs })
}

/// Compresses as the cluster does.
pub fn compress(raw: &[u8]) -> Result<Vec<u8>, String> {
    zstd::bulk::compress(raw, LEVEL).map_err(|e| format!("cannot compress: {e}"))
}

/// Decompresses any zstd stream, several frames one after another too.
pub fn decompress(value: &[u8]) -> Result<Vec<u8>, String> {
    let wrong = |e: std::io::Error| format!("the artifact is no zstd stream or is cut short: {e}");
    let mut out = Vec::new();
    let mut decoder = zstd::stream::read::Decoder::new(value).map_err(wrong)?.take(MAX_ARTIFACT);
    decoder.read_to_end(&mut out).map_err(wrong)?;
    if out.len() as u64 == MAX_ARTIFACT {
        return Err(format!("the artifact is larger than {MAX_ARTIFACT} bytes"));
    }
    Ok(out)
}

/// True for bytes that begin like a zstd frame.
#[must_use]
pub fn is_zstd(raw: &[u8]) -> bool {
    raw.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

/// SHA-256 as hex.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex(&sha2::Sha256::digest(bytes))
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

/// Hex digits to bytes; `0x` in front and blanks between are allowed.
pub fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text.trim().trim_start_matches("0x").bytes().filter(|c| !c.is_ascii_whitespace() && *c != b'_').collect();
    if !digits.len().is_multiple_of(2) {
        return Err(format!("{} hex digits are no whole bytes", digits.len()));
    }
    let digit = |c: u8| (c as char).to_digit(16).ok_or_else(|| format!("'{}' is no hex digit", c as char));
    digits.chunks(2).map(|p| Ok(u8::try_from(digit(p[0])? * 16 + digit(p[1])?).unwrap_or(0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_vectors() {
        // Fibonacci of 5 and 20 million cycles (reference 5.2).
        assert_eq!(hex(&stdin(&[416_665_u32.to_le_bytes()])), "01000000000000000400000000000000995b060000000000000000000000000000000000");
        assert_eq!(hex(&1_666_660_u32.to_le_bytes()), "646e1900");
        assert_eq!(hex(&program(b"\x7fELF")), "04000000000000007f454c46");
        assert_eq!(hex(&stdin::<&[u8]>(&[])), "00".repeat(24));
    }

    #[test]
    fn a_stdin_is_told_from_other_files() {
        let good = stdin(&[&b"abcd"[..], b"", b"0123456789"]);
        assert_eq!(stdin_shape(&good).unwrap(), StdinShape { items: vec![4, 0, 10], proofs: 0 });
        // Any cut, and anything behind it, is seen.
        for n in 0..good.len() {
            assert!(stdin_shape(&good[..n]).is_err(), "{n}");
        }
        assert!(stdin_shape(&[good.clone(), vec![0]].concat()).unwrap_err().contains("1 bytes follow"));
        assert!(stdin_shape(b"{\"n\": 20}                     ").is_err());
        assert!(stdin_shape(&[0xff; 64]).unwrap_err().contains("items"));
        // With proofs in it the rest is theirs.
        let mut with = good;
        let at = with.len() - 8;
        with[at..].copy_from_slice(&1_u64.to_le_bytes());
        with.extend_from_slice(b"opaque");
        assert_eq!(stdin_shape(&with).unwrap().proofs, 1);
    }

    #[test]
    fn compression_goes_both_ways_and_damage_is_seen() {
        let raw = program(&vec![7; 100_000]);
        let value = compress(&raw).unwrap();
        assert!(is_zstd(&value) && value.len() < 1_000);
        assert_eq!(decompress(&value).unwrap(), raw);
        // Frames one after another.
        assert_eq!(decompress(&[value.clone(), compress(b"x").unwrap()].concat()).unwrap().len(), raw.len() + 1);
        assert!(decompress(&value[..value.len() - 3]).is_err());
        assert!(decompress(b"").is_ok_and(|v| v.is_empty()) || decompress(b"").is_err());
        assert!(decompress(b"nonsense").is_err());
    }

    #[test]
    fn hex_is_read_back() {
        assert_eq!(unhex("0x00ff 10").unwrap(), [0, 255, 16]);
        assert!(unhex("abc").is_err() && unhex("zz").is_err());
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
