//! Why a task ended without a result.

use crate::params::ParamError;
use crate::stage::Stage;
use e2m_align::AlignError;
use e2m_image::BandError;
use e2m_io::{
    AtomicError, CheckpointError, FactError, FolderError, LockError, NameError, RawError,
};
use e2m_scale::ScaleError;
use std::path::{Path, PathBuf};

/// Why a task ended without a result. The message is the sentence for the user.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// A raw image cannot be read.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// A raw file is not the one any more that was begun with.
    #[error("{} {how} while it was read; nothing was kept of it. Run again once it stays as it is", path.display())]
    RawChanged {
        /// The file.
        path: PathBuf,
        /// What became of it.
        how: &'static str,
    },
    /// A folder for results cannot be made, or leads elsewhere.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The task's folder cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A small file cannot be written.
    #[error(transparent)]
    Write(#[from] AtomicError),
    /// A checkpoint cannot be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A fact that does not fit into a checkpoint's header.
    #[error(transparent)]
    Fact(#[from] FactError),
    /// A sample or dye that cannot be a folder name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No trustworthy alignment; no difference image is made.
    #[error("alignment failed: {0}")]
    Align(AlignError),
    /// A warp was found and is wrong; no difference image is made.
    #[error("alignment failed: {0}")]
    AlignmentWrong(String),
    /// A picture cannot be drawn.
    #[error("drawing {stem}: {source}")]
    Plot {
        /// Which picture.
        stem: String,
        /// Why.
        source: e2m_plot::PlotError,
    },
    /// A parameter out of its range.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// Stages in the wrong order.
    #[error("from_stage is {from} and to_stage {to}: they are in the wrong order")]
    Stages {
        /// The first stage.
        from: Stage,
        /// The last stage.
        to: Stage,
    },
    /// No scale.
    #[error("no scale: {0}")]
    Scale(#[from] ScaleError),
    /// Stopped between two bands.
    #[error("interrupted")]
    Interrupted,
    /// Reading or writing bands failed.
    #[error(transparent)]
    Band(BandError),
    /// A file or folder that the file system refuses.
    #[error("{}: {what}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was to be done with it.
        what: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// A panic in what goes on beside the stages.
    #[error("internal error: {0}; this is a defect in e2m, please report it with the output of -v")]
    Defect(String),
    /// The system gives no thread to work with.
    #[error("the system gives no further thread: {0}")]
    Thread(std::io::Error),
    /// A stage's input is missing.
    #[error(
        "stage {stage} needs the result of stage {needs}, which is not there; start from stage {needs}"
    )]
    MissingStage {
        /// The stage that was to run.
        stage: Stage,
        /// The stage whose result it needs.
        needs: Stage,
    },
}

impl PipelineError {
    /// An [`PipelineError::Io`] for `map_err`.
    pub(crate) fn io(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, what, source }
    }
}

impl From<AlignError> for PipelineError {
    fn from(error: AlignError) -> Self {
        match error {
            AlignError::Bands(error) => error.into(),
            other => Self::Align(other),
        }
    }
}

impl From<BandError> for PipelineError {
    fn from(error: BandError) -> Self {
        match error {
            BandError::Interrupted => Self::Interrupted,
            other => Self::Band(other),
        }
    }
}
