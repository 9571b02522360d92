//! What one task is asked to do.

use crate::params::Params;
use crate::stage::Stage;
use e2m_io::{CheckpointCompression, CheckpointFormat};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// In which formats checkpoints and masks are written. The difference images are always written in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckpointFormats {
    /// TIFF.
    #[default]
    Tiff,
    /// FITS.
    Fits,
    /// TIFF and FITS.
    Both,
}

impl CheckpointFormats {
    /// The formats one by one.
    pub fn list(self) -> &'static [CheckpointFormat] {
        match self {
            Self::Tiff => &[CheckpointFormat::Tiff],
            Self::Fits => &[CheckpointFormat::Fits],
            Self::Both => &[CheckpointFormat::Tiff, CheckpointFormat::Fits],
        }
    }
}

/// Which images besides difference and mask are kept as files. Nothing later needs them: stages 4 and 5 and later runs go on from
/// the warp on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeptCheckpoints {
    /// All of them.
    #[default]
    All,
    /// Aligned pre only: that of stage 3, or of stage 2 where stage 3 refines nothing.
    Aligned,
    /// None: a task writes its difference images and its mask.
    None,
}

impl KeptCheckpoints {
    /// Whether it is that of most batches.
    pub(crate) fn is_all(&self) -> bool {
        *self == Self::All
    }
}

/// One (sample, dye), with all that is needed to run it anywhere: it can be written as JSON and handed to another process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// The sample.
    pub sample: String,
    /// The dye.
    pub dye: String,
    /// The raw image after staining.
    pub post: PathBuf,
    /// The raw image before staining.
    pub pre: PathBuf,
    /// Where results go.
    pub output_dir: PathBuf,
    /// Parameters of the stages.
    pub params: Params,
    /// Stages from this one on are done again; the first forces nothing.
    pub from_stage: Stage,
    /// The last stage.
    pub to_stage: Stage,
    /// Do every stage again.
    pub force: bool,
    /// Draw every picture again. The alignment and the images stay as they are.
    #[serde(default)]
    pub redraw: bool,
    /// Formats of the checkpoints.
    pub checkpoint_format: CheckpointFormats,
    /// Compression of TIFF checkpoints.
    pub checkpoint_compression: CheckpointCompression,
    /// Which images besides difference and mask are kept.
    #[serde(default)]
    pub checkpoints: KeptCheckpoints,
}
