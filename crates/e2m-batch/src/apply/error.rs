//! Why nothing was warped.

use e2m_image::{BandError, Size};
use e2m_io::{AtomicError, CheckpointError, FactError, RawError};
use e2m_pipeline::{RegionError, Status};
use std::io;
use std::path::PathBuf;

/// Why nothing was warped. The message is the sentence for the user; nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The task's record.
    #[error(transparent)]
    Record(#[from] RegionError),
    /// The task has no warp.
    #[error("there is no alignment on record of {task} ({status}); a run finds it")]
    NoAlignment {
        /// Sample and dye.
        task: String,
        /// What its record says.
        status: Status,
    },
    /// The alignment failed.
    #[error(
        "the alignment of {task} failed: {}. Its warp says nothing of where things are; --anyway takes it all the same",
        reasons.join("; ")
    )]
    Failed {
        /// Sample and dye.
        task: String,
        /// Why.
        reasons: Vec<String>,
    },
    /// The warp has no opposite direction.
    #[error("the warp of {task} cannot be turned around")]
    NoInverse {
        /// Sample and dye.
        task: String,
    },
    /// An image of post cannot be brought onto pre where the local correction has no way back everywhere on the canvas.
    #[error(
        "{task} was corrected locally, by so much from one place to the next that several places of post come to lie on one of pre, and \
         no image can be warped back through that; points and outlines can where they lie elsewhere, and local_correction = \"off\" \
         aligns without it"
    )]
    OneWay {
        /// Sample and dye.
        task: String,
    },
    /// The image is not of the geometry that the warp is about.
    #[error(
        "{} is {found} px, and the raw {stain} image of the task is {expected}: a warp is about images of that size only",
        path.display()
    )]
    Geometry {
        /// The image.
        path: PathBuf,
        /// Its size.
        found: Size,
        /// `pre` or `post`.
        stain: &'static str,
        /// The size of that raw image.
        expected: Size,
    },
    /// It does not fit into the memory of this machine.
    #[error(
        "{} needs {needed} bytes of memory, and {available} are free; end other programs, or do it on a larger machine",
        path.display()
    )]
    Memory {
        /// The image.
        path: PathBuf,
        /// Bytes.
        needed: u64,
        /// Bytes.
        available: u64,
    },
    /// A point that the warp leads nowhere.
    #[error("{}: the point ({x}, {y}) lies beyond the horizon of the warp", path.display())]
    Horizon {
        /// The file.
        path: PathBuf,
        /// Its coordinates in the file.
        x: f64,
        /// Its coordinates in the file.
        y: f64,
    },
    /// A file that is not what its name says.
    #[error("{}: {why}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The image cannot be read.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// The image cannot be written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A text that no header takes.
    #[error(transparent)]
    Fact(#[from] FactError),
    /// Its pixels cannot be read or written.
    #[error(transparent)]
    Pixels(#[from] BandError),
    /// The file cannot be given its name.
    #[error(transparent)]
    File(#[from] AtomicError),
}

impl ApplyError {
    /// Whether what was asked for cannot be, and no file is at fault.
    pub fn is_question(&self) -> bool {
        match self {
            Self::Record(error) => error.is_question(),
            Self::NoAlignment { .. } | Self::Geometry { .. } => true,
            _ => false,
        }
    }
}
