//! FITS checkpoints: one primary image of 32 bit floats.
//!
//! The format is simple enough to be written directly: 80-character cards in blocks of 2880 bytes, big-endian pixels,
//! checksums that can be summed up as the rows pass. No C library means that every write goes through the same atomic
//! file as all others, whatever characters its path holds.

mod card;
mod checksum;
mod header;
mod writer;

pub(crate) use checksum::OnesSum;
pub(crate) use header::{FitsHeader, HeaderProblem};
pub(crate) use writer::FitsWriter;

/// Headers and data are padded to multiples of this.
pub(crate) const BLOCK_BYTES: u64 = 2880;

/// `bytes` and what pads them to whole blocks.
pub(crate) fn padded(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK_BYTES) * BLOCK_BYTES
}
