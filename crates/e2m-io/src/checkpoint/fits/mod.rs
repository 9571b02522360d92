//! FITS checkpoints: one primary image of 32 bit floats, written and read by CFITSIO.
//!
//! | module | what it does |
//! |---|---|
//! | [`cfitsio`] | is the library behind a safe type |
//! | [`writer`] | gives cards to the library, and pixels to the file |
//! | [`header`] | knows which cards a file has, in which order |
//! | [`card`] | spells each card as astropy does, which wrote the trees that exist; CFITSIO would spell them otherwise |
//! | [`checksum`] | sums up pixels as they pass, so that no file has to be read again |
//!
//! [`header`] makes sure that a file is as long as it says, before CFITSIO opens it.

mod card;
mod cfitsio;
mod checksum;
mod header;
mod writer;

pub use cfitsio::CfitsioError;
pub(crate) use cfitsio::{Access, FitsFile};
pub(crate) use checksum::OnesSum;
pub(crate) use header::{FitsHeader, HeaderProblem, header_blocks};
pub(crate) use writer::FitsWriter;

/// Headers and data are padded to multiples of this.
pub(crate) const BLOCK_BYTES: u64 = 2880;

/// `bytes` and what pads them to whole blocks.
pub(crate) fn padded(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK_BYTES) * BLOCK_BYTES
}
