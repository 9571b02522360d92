//! What can go wrong with a checkpoint.

use crate::atomic::AtomicError;
use crate::shortage::shortage;
use crate::tiff::TiffProblem;
use e2m_image::Size;
use std::io;
use std::path::{Path, PathBuf};

/// An error of a checkpoint; every message names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file does not exist or may not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file could not be written.
    #[error("cannot write {}: {source}{}", path.display(), shortage(source, *needed_bytes, *written_bytes))]
    Write {
        /// The final name of the file.
        path: PathBuf,
        /// The length that it was to have, at most.
        needed_bytes: u64,
        /// Bytes of pixels that were written before.
        written_bytes: u64,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file could not be created, synced or renamed.
    #[error(transparent)]
    Atomic(#[from] AtomicError),
    /// The file is a TIFF that cannot be read.
    #[error("{}: {problem}", path.display())]
    Tiff {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: TiffProblem,
    },
    /// The file is a FITS that cannot be read.
    #[error("{}: {problem}", path.display())]
    Fits {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file is a valid image, but not one channel of 32 bit floats.
    #[error("{} is not a checkpoint: it holds {found}, not one channel of 32 bit floats", path.display())]
    NotFloat {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
    /// The file ends before its data.
    #[error("{} is truncated: it should have at least {expected_bytes} bytes and has {found_bytes}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes it should have.
        expected_bytes: u64,
        /// Bytes it has.
        found_bytes: u64,
    },
    /// The content does not match a checksum in the header.
    #[error("{} is damaged: its {what} does not match its content", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// `CHECKSUM` or `DATASUM`.
        what: &'static str,
    },
    /// Whoever watched the reading wanted it to stop.
    #[error("{} was not read to its end", path.display())]
    Stopped {
        /// The file.
        path: PathBuf,
    },
    /// Not all rows were written.
    #[error("{} was finished after {rows_written} of {size} rows", path.display())]
    Unfinished {
        /// The file.
        path: PathBuf,
        /// Rows that were written.
        rows_written: usize,
        /// The size it should have.
        size: Size,
    },
    /// No image of this size can be written.
    #[error("{} cannot hold an image of {size} pixels", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// The size.
        size: Size,
    },
}

impl CheckpointError {
    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn tiff(path: &Path, problem: TiffProblem) -> Self {
        Self::Tiff {
            path: path.to_owned(),
            problem,
        }
    }

    pub(crate) fn fits(path: &Path, problem: impl Into<String>) -> Self {
        Self::Fits {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }

    /// The file that the error is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Read { path, .. }
            | Self::Write { path, .. }
            | Self::Tiff { path, .. }
            | Self::Fits { path, .. }
            | Self::NotFloat { path, .. }
            | Self::Truncated { path, .. }
            | Self::Checksum { path, .. }
            | Self::Stopped { path }
            | Self::Unfinished { path, .. }
            | Self::Size { path, .. } => path,
            Self::Atomic(error) => &error.path,
        }
    }
}
