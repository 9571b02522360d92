//! Why a part of an image cannot be shown.

use super::images::StageImage;
use crate::manifest_file::ManifestError;
use e2m_image::{BandError, Size};
use e2m_io::{CheckpointError, NameError, RawError};
use std::path::PathBuf;

/// Why a part of an image cannot be shown. The message is the sentence for the user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegionError {
    /// Nothing of the task is on record.
    #[error("nothing is on record of {task} in {}; run it first: e2m BATCH", dir.display())]
    NotRun {
        /// Sample and dye.
        task: String,
        /// Its folder.
        dir: PathBuf,
    },
    /// Only records of other parameters are there.
    #[error(
        "{task} has not run with the parameters of the batch file; on record in {} are {}. Run it, or put the parameters of \
         that record into the batch file",
        dir.display(),
        there.join(", ")
    )]
    OtherParameters {
        /// Sample and dye.
        task: String,
        /// Its folder.
        dir: PathBuf,
        /// The manifests in it.
        there: Vec<String>,
    },
    /// A manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A sample or dye that cannot be a folder name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The task has no such image.
    #[error("there is no {image} of this task: {why}")]
    NotMade {
        /// The image.
        image: StageImage,
        /// Why not.
        why: String,
    },
    /// The file of an image is not what was written.
    #[error("{} {how}; `e2m verify` tells more, and a run makes it again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What became of it.
        how: &'static str,
    },
    /// A raw file that an image would have to be made from again is not the one on record.
    #[error(
        "{image} was not kept, and the raw image that it can be made from again, {}, {how}",
        path.display()
    )]
    RawChanged {
        /// The image.
        image: StageImage,
        /// The raw file.
        path: PathBuf,
        /// What became of it.
        how: &'static str,
    },
    /// A region that is not on the canvas.
    #[error("the region does not lie on the canvas, which is {canvas} px")]
    Outside {
        /// The canvas.
        canvas: Size,
    },
    /// No catalogue.
    #[error("no catalogue of microbes is on record of this task: {why}")]
    NoCatalogue {
        /// Why.
        why: &'static str,
    },
    /// No such object.
    #[error(
        "there is no object {id} in {}{}",
        path.display(),
        ids.map_or_else(|| ", which has none at all".to_owned(), |[low, high]| format!(", whose numbers go from {low} to {high}"))
    )]
    NoObject {
        /// The catalogue.
        path: PathBuf,
        /// The number that was asked for.
        id: u64,
        /// The smallest and the largest number.
        ids: Option<[u64; 2]>,
    },
    /// The catalogue is damaged.
    #[error("the catalogue {} cannot be used: {what}", path.display())]
    Catalogue {
        /// The catalogue.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The record does not say which tile is the worst.
    #[error(
        "no residual tile is on record of this task: {why}. `e2m BATCH --from-stage 3` measures them"
    )]
    NoTile {
        /// Why.
        why: &'static str,
    },
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A checkpoint cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A raw image cannot be read.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// Pixels cannot be read.
    #[error(transparent)]
    Pixels(#[from] BandError),
}

impl RegionError {
    /// Whether what was asked for is not there, and no file is at fault.
    pub fn is_question(&self) -> bool {
        match self {
            Self::NotRun { .. }
            | Self::OtherParameters { .. }
            | Self::Name(_)
            | Self::NotMade { .. }
            | Self::Outside { .. }
            | Self::NoCatalogue { .. }
            | Self::NoObject { .. }
            | Self::NoTile { .. } => true,
            Self::Manifest(_)
            | Self::Changed { .. }
            | Self::RawChanged { .. }
            | Self::Catalogue { .. }
            | Self::Read { .. }
            | Self::Checkpoint(_)
            | Self::Raw(_)
            | Self::Pixels(_) => false,
        }
    }
}
