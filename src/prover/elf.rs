//! Looks at a program before it is sent: what the cluster would refuse minutes
//! later is refused here at once (facts section 5).

/// The lowest address that SP1 v6 loads at.
pub const LOWEST: u64 = 0x7800_0000;

/// A segment that is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it is in the file.
    pub offset: u64,
    /// Its address.
    pub address: u64,
    /// Bytes in the file.
    pub file_size: u64,
    /// Bytes in memory.
    pub memory_size: u64,
    /// Whether it is executed.
    pub executable: bool,
    /// Whether it is written to.
    pub writable: bool,
}

/// What was read of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Address of the first instruction.
    pub entry: u64,
    /// What is loaded.
    pub segments: Vec<Segment>,
}

impl Program {
    /// A segment's bytes in the file.
    #[must_use]
    pub fn bytes<'a>(&self, elf: &'a [u8], s: &Segment) -> &'a [u8] {
        let begin = usize::try_from(s.offset).unwrap_or(usize::MAX);
        let end = begin.saturating_add(usize::try_from(s.file_size).unwrap_or(usize::MAX));
        elf.get(begin..end).unwrap_or_default()
    }
}

fn number<const N: usize>(elf: &[u8], at: u64) -> Option<[u8; N]> {
    let at = usize::try_from(at).ok()?;
    elf.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Checks that an SP1 v6 cluster can run it. The error is one line that says
/// what is wrong and what to do.
pub fn check(elf: &[u8]) -> Result<Program, String> {
    let program = read(elf)?;
    for s in &program.segments {
        if s.memory_size > 0 && s.address < LOWEST {
            return Err(format!(
                "a segment is loaded at {:#x}; SP1 wants all at or above {LOWEST:#x}: link with --image-base={LOWEST:#x}, or build with cargo prove",
                s.address
            ));
        }
        if s.executable {
            instructions(program.bytes(elf, s), s.address)?;
        }
    }
    if !program.entry.is_multiple_of(4) {
        return Err(format!("its entry {:#x} is no multiple of 4", program.entry));
    }
    let inside = |s: &Segment| s.executable && (s.address..s.address + s.file_size).contains(&program.entry);
    if !program.segments.iter().any(inside) {
        return Err(format!("its entry {:#x} is in no executable segment: has it a _start?", program.entry));
    }
    Ok(program)
}

/// A linker that pads the last segment to a page leaves zeros, which are no
/// instruction: SetupVkey fails on them with `execution error` (seen).
fn instructions(code: &[u8], address: u64) -> Result<(), String> {
    if code.is_empty() || !code.len().is_multiple_of(4) {
        return Err(format!("its executable segment at {address:#x} has {} bytes, no whole instructions of 4", code.len()));
    }
    if code[code.len() - 4..] == [0; 4] {
        let zeros = code.iter().rev().take_while(|b| **b == 0).count() / 4 * 4;
        return Err(format!(
            "its executable segment at {address:#x} ends with {zeros} bytes of zeros, which are no instructions: the cluster would fail in SetupVkey; \
             link with -z separate-code and a writable section behind the code, so that the linker does not pad it"
        ));
    }
    Ok(())
}

fn read(elf: &[u8]) -> Result<Program, String> {
    const SHORT: &str = "it is cut short";
    if !elf.starts_with(b"\x7fELF") {
        return Err("it is no ELF file; give the built program (cargo prove build), not its source".into());
    }
    let class = elf.get(4).copied().unwrap_or(0);
    let machine = number::<2>(elf, 18).map(u16::from_le_bytes).ok_or(SHORT)?;
    if elf.get(5) != Some(&1) || machine != 243 {
        return Err(format!("it is a program for another machine (ELF machine {machine}); SP1 runs little-endian RISC-V"));
    }
    if class == 1 {
        return Err(
            "it is a 32-bit program, for SP1 v5 and clusters v1.x; SP1 v6 (clusters v2 and later) runs 64-bit RISC-V: build it with SP1 v6"
                .into(),
        );
    }
    if class != 2 {
        return Err(format!("its ELF class is {class}; SP1 v6 runs 64-bit RISC-V (2)"));
    }
    let kind = number::<2>(elf, 16).map(u16::from_le_bytes).ok_or(SHORT)?;
    if kind != 2 {
        return Err(format!("it is no static executable (ELF type {kind}): link it without -pie and -shared"));
    }
    let entry = number::<8>(elf, 24).map(u64::from_le_bytes).ok_or(SHORT)?;
    let table = number::<8>(elf, 32).map(u64::from_le_bytes).ok_or(SHORT)?;
    let size = number::<2>(elf, 54).map(u16::from_le_bytes).ok_or(SHORT)?;
    let count = number::<2>(elf, 56).map(u16::from_le_bytes).ok_or(SHORT)?;
    let mut segments = Vec::new();
    for n in 0..count {
        let at = table.saturating_add(u64::from(n) * u64::from(size));
        let word = |o: u64| number::<8>(elf, at.saturating_add(o)).map(u64::from_le_bytes).ok_or(SHORT);
        let kind = number::<4>(elf, at).map(u32::from_le_bytes).ok_or(SHORT)?;
        let flags = number::<4>(elf, at.saturating_add(4)).map(u32::from_le_bytes).ok_or(SHORT)?;
        if kind != 1 {
            continue;
        }
        let s = Segment {
            offset: word(8)?,
            address: word(16)?,
            file_size: word(32)?,
            memory_size: word(40)?,
            executable: flags & 1 != 0,
            writable: flags & 2 != 0,
        };
        if s.offset.checked_add(s.file_size).is_none_or(|e| e > elf.len() as u64) || s.address.checked_add(s.memory_size).is_none() {
            return Err(SHORT.into());
        }
        segments.push(s);
    }
    if segments.is_empty() {
        return Err("it has nothing to load: is it an object file? Link it first".into());
    }
    Ok(Program { entry, segments })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prover::program::FIBONACCI;

    #[test]
    fn our_own_program_is_well() {
        let program = check(FIBONACCI).unwrap();
        assert_eq!(program.entry, 0x7800_1000);
        // The code is not the last segment (a linker would pad it).
        assert!(!program.segments.last().unwrap().executable);
    }

    #[test]
    fn each_fault_has_its_word() {
        let with = |at: usize, bytes: &[u8]| {
            let mut elf = FIBONACCI.to_vec();
            elf[at..at + bytes.len()].copy_from_slice(bytes);
            check(&elf).unwrap_err()
        };
        assert!(with(0, b"MZ").contains("no ELF file"));
        assert!(with(4, &[1]).contains("32-bit"));
        assert!(with(18, &62_u16.to_le_bytes()).contains("another machine (ELF machine 62)"));
        assert!(with(16, &3_u16.to_le_bytes()).contains("no static executable"));
        assert!(with(24, &0x7800_1002_u64.to_le_bytes()).contains("no multiple of 4"));
        assert!(with(24, &0x7900_0000_u64.to_le_bytes()).contains("no executable segment"));
        // The second program header: PHDR is the first.
        assert!(with(64 + 56 + 16, &0x1_0000_u64.to_le_bytes()).contains("0x10000"));
        // The last instruction.
        assert!(with(0x1124, &[0; 4]).contains("zeros"));
        assert!(check(&FIBONACCI[..70]).unwrap_err().contains("cut short"));
        assert!(check(b"#!/bin/sh").is_err());
    }

    #[test]
    fn hostile_numbers_do_no_harm() {
        for at in 0..400 {
            for byte in [0, 0x7f, 0xff] {
                let mut elf = FIBONACCI.to_vec();
                elf[at] = byte;
                let _ = check(&elf);
            }
        }
    }
}
