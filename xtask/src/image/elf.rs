//! As much of ELF as tells a static binary from one that needs a loader, which an empty image does not have, and one processor's
//! from another's.

use anyhow::{Context as _, Result, ensure};

/// The program header that names the loader.
const PT_INTERP: u32 = 3;

/// Whether a 64-bit little-endian binary runs without a loader.
pub(super) fn is_static(binary: &[u8]) -> Result<bool> {
    ensure!(
        binary.starts_with(b"\x7fELF\x02\x01"),
        "not a 64-bit little-endian ELF file"
    );
    let table = usize::try_from(u64::from_le_bytes(at(binary, 0x20)?))?;
    let size = usize::from(u16::from_le_bytes(at(binary, 0x36)?));
    let count = usize::from(u16::from_le_bytes(at(binary, 0x38)?));
    for index in 0..count {
        if u32::from_le_bytes(at(binary, table + index * size)?) == PT_INTERP {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The processor that the binary is for, as `e_machine` has it.
pub(super) fn machine(binary: &[u8]) -> Result<u16> {
    Ok(u16::from_le_bytes(at(binary, 0x12)?))
}

fn at<const N: usize>(binary: &[u8], offset: usize) -> Result<[u8; N]> {
    let bytes = binary.get(offset..).and_then(<[u8]>::first_chunk);
    bytes.copied().context("a truncated ELF file")
}

#[cfg(test)]
mod tests {
    use super::{is_static, machine};
    use crate::image::architecture::Architecture;

    #[test]
    fn this_test_itself_needs_a_loader() {
        let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(!is_static(&this).unwrap());
        assert_eq!(machine(&this).unwrap(), Architecture::HERE.machine());
        assert!(is_static(b"#!/bin/sh").is_err());
        assert!(is_static(&this[..80]).is_err());
    }
}
