//! Exceptions: the classes of the package's `_errors.py`, with the words of the workspace's errors.

use e2m_align::AlignError;
use e2m_batch::{BatchFileError, NotOneTask, PlanError, StartError};
use e2m_pipeline::{FailureKind, ParamError, RegionError};
use e2m_scale::ScaleError;
use pyo3::prelude::*;

/// Which exception is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `BatchFileError`
    BatchFile,
    /// `RawImageError`
    RawImage,
    /// `RefusedError`
    Refused,
    /// `AlignmentError`
    Alignment,
    /// `ScaleError`
    Scale,
    /// `ResultError`
    Result,
    /// `TaskError`
    Task,
    /// `ArrayError`
    Array,
    /// `Cancelled`
    Cancelled,
    /// `E2mError`
    Other,
}

impl Kind {
    const fn class(self) -> &'static str {
        match self {
            Self::BatchFile => "BatchFileError",
            Self::RawImage => "RawImageError",
            Self::Refused => "RefusedError",
            Self::Alignment => "AlignmentError",
            Self::Scale => "ScaleError",
            Self::Result => "ResultError",
            Self::Task => "TaskError",
            Self::Array => "ArrayError",
            Self::Cancelled => "Cancelled",
            Self::Other => "E2mError",
        }
    }
}

/// An error on its way to Python, as it can be made on any thread.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Which exception.
    pub(crate) kind: Kind,
    /// Its words.
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn new(kind: Kind, error: impl ToString) -> Self {
        Self {
            kind,
            text: error.to_string(),
        }
    }

    /// The exception.
    pub(crate) fn raised(self, py: Python<'_>) -> PyErr {
        let made = py
            .import("e2m._errors")
            .and_then(|module| module.getattr(self.kind.class()))
            .and_then(|class| class.call1((self.text,)));
        made.map_or_else(|error| error, PyErr::from_value)
    }
}

impl From<BatchFileError> for Failure {
    fn from(error: BatchFileError) -> Self {
        Self::new(Kind::BatchFile, error)
    }
}

impl From<ParamError> for Failure {
    fn from(error: ParamError) -> Self {
        Self::new(Kind::BatchFile, error)
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let kind = match &error {
            PlanError::BatchFile(_) | PlanError::Stages { .. } | PlanError::TooLong { .. } => {
                Kind::BatchFile
            }
            // All others are about what lies in the raw folder.
            _ => Kind::RawImage,
        };
        Self::new(kind, error)
    }
}

impl From<NotOneTask> for Failure {
    fn from(error: NotOneTask) -> Self {
        let kind = match &error {
            NotOneTask::Missing(_) => Kind::RawImage,
            NotOneTask::Several { .. } => Kind::BatchFile,
        };
        Self::new(kind, error)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let kind = match &error {
            StartError::Refused(_) => Kind::Refused,
            StartError::OutputDir(_) => Kind::Other,
        };
        Self::new(kind, error)
    }
}

impl From<AlignError> for Failure {
    fn from(error: AlignError) -> Self {
        Self::new(Kind::Alignment, error)
    }
}

impl From<ScaleError> for Failure {
    fn from(error: ScaleError) -> Self {
        Self::new(Kind::Scale, error)
    }
}

impl From<RegionError> for Failure {
    fn from(error: RegionError) -> Self {
        let kind = match &error {
            RegionError::Raw(_) | RegionError::RawChanged { .. } => Kind::RawImage,
            _ => Kind::Result,
        };
        Self::new(kind, error)
    }
}

impl From<FailureKind> for Kind {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::RawImage => Self::RawImage,
            FailureKind::Alignment => Self::Alignment,
            FailureKind::Scale => Self::Scale,
            FailureKind::Other => Self::Task,
        }
    }
}
