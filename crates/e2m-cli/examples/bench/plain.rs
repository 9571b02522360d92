//! What the disk takes for large writes one after another.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;

const BLOCK_BYTES: usize = 8 << 20;

/// Writes `bytes` to a file, syncs once, and removes it again; the seconds until the sync was through.
pub(crate) fn write(path: &Path, bytes: u64) -> io::Result<f64> {
    // No zeros: a disk may be quicker with those.
    let block: Vec<u8> = (0..BLOCK_BYTES as u32)
        .map(|i| (i.wrapping_mul(0x9e37_79b9) >> 24) as u8)
        .collect();
    let started = Instant::now();
    let mut file = File::create(path)?;
    let mut left = bytes;
    while left > 0 {
        let length = left.min(BLOCK_BYTES as u64) as usize;
        file.write_all(&block[..length])?;
        left -= length as u64;
    }
    file.sync_all()?;
    let seconds = started.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(seconds)
}
