//! Checkpoints: float images with facts, as TIFF or FITS, written and read band by band.
//!
//! [`writer`] and [`reader`] hold what both formats have in common. `tiff` and [`fits`] know one format each.
//!
//! A checkpoint gets its name when it is complete and durable. A checkpoint that exists was therefore finished.

mod error;
mod facts;
mod fits;
mod paths;
mod reader;
mod writer;

pub use error::CheckpointError;
pub use facts::{Fact, FactError, FactValue, Facts};
pub use fits::CfitsioError;
pub use paths::{NameError, TaskPaths, check_name, task_dir};
pub use reader::CheckpointReader;
use serde::{Deserialize, Serialize};
use std::fmt;
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
