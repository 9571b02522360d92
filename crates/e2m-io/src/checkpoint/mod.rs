//! Checkpoints: float images with facts, and masks of one byte per pixel, as TIFF or FITS, written and read band by band.
//!
//! [`writer`], [`flags`] (of masks) and [`reader`] hold what both formats have in common. `tiff` and [`fits`] know one format each.
//!
//! A checkpoint gets its name when it is complete and durable. A checkpoint that exists was therefore finished.

mod error;
mod facts;
mod fits;
mod flags;
mod paths;
mod reader;
mod vouched;
mod writer;

pub use error::CheckpointError;
pub use facts::{Fact, FactError, FactValue, Facts};
pub use fits::CfitsioError;
pub(crate) use fits::{header_blocks, padded};
pub use flags::FlagsWriter;
pub use paths::{NameError, TaskPaths, check_name, task_dir};
pub use reader::CheckpointReader;
use serde::{Deserialize, Serialize};
use std::fmt;
pub use vouched::{OtherPixels, VouchedReader};
pub use writer::{CheckpointWriter, WrittenCheckpoint};

/// The file format of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckpointFormat {
    /// TIFF, or BigTIFF where the size calls for it.
    Tiff,
    /// FITS, a single image.
    Fits,
}

impl CheckpointFormat {
    /// `tiff` or `fits`.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Tiff => "tiff",
            Self::Fits => "fits",
        }
    }

    /// The folder of a task that holds such files.
    pub const fn folder(self) -> &'static str {
        self.extension()
    }
}

/// What the pixels of a checkpoint are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelKind {
    /// Floats of 32 bit: images.
    Float,
    /// Bytes whose bits are flags: masks.
    Flags,
}

impl PixelKind {
    /// Bytes of a pixel.
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Float => 4,
            Self::Flags => 1,
        }
    }

    /// BITPIX of a FITS header.
    pub(crate) const fn bitpix(self) -> i64 {
        match self {
            Self::Float => -32,
            Self::Flags => 8,
        }
    }
}

impl fmt::Display for CheckpointFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
}

/// How the pixels of a TIFF checkpoint are compressed. FITS checkpoints never are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckpointCompression {
    /// Not at all.
    #[default]
    None,
    /// Deflate with the floating-point predictor: lossless.
    Deflate,
}
