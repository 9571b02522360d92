//! FITS checkpoints: one primary image of 32 bit floats, written and read by CFITSIO.
//!
//! [`cfitsio`] is the library behind a safe type. [`writer`] gives it cards, and the pixels to the file; [`header`] knows
//! which cards in which order, and [`card`] how each is spelt: CFITSIO would spell them otherwise than astropy, which
//! wrote the trees that exist. [`checksum`] sums up pixels as they pass, so that no file has to be read again. Before a
//! file is opened by CFITSIO, [`header`] has seen that it is as long as it says it is.

mod card;
mod cfitsio;
mod checksum;
mod header;
mod writer;

pub use cfitsio::CfitsioError;
pub(crate) use cfitsio::{Access, FitsFile};
pub(crate) use checksum::OnesSum;
pub(crate) use header::{FitsHeader, HeaderProblem};
pub(crate) use writer::FitsWriter;

/// Headers and data are padded to multiples of this.
pub(crate) const BLOCK_BYTES: u64 = 2880;

/// `bytes` and what pads them to whole blocks.
pub(crate) fn padded(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK_BYTES) * BLOCK_BYTES
}
