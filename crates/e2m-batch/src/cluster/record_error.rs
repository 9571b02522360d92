//! What can be wrong with the files of a submission.

use super::submission::SCHEMA;
use e2m_io::{AtomicError, LockError};
use std::path::PathBuf;

/// A file of a submission cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is not as it is written.
    #[error("{} is not as e2m {} writes it: {source}", path.display(), env!("CARGO_PKG_VERSION"))]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// It has another layout.
    #[error("{} is of another version of e2m (layout {found} instead of {SCHEMA})", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// Its layout.
        found: u32,
    },
    /// The copy of the batch file cannot be used.
    #[error("{} is no batch file any more; submit again", path.display())]
    Batch {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] AtomicError),
    /// A folder cannot be made.
    #[error(transparent)]
    Folder(#[from] e2m_io::FolderError),
    /// A lock cannot be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Somebody else has the lock.
    #[error("another e2m ({owner}) is at work in {}; try again", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
        /// Who.
        owner: String,
    },
    /// A path cannot stand in a script.
    #[error("{} is no text in UTF-8, which SLURM's scripts need; move or rename it", path.display())]
    NotText {
        /// The path.
        path: PathBuf,
    },
    /// The environment was given no program.
    #[error("this program does not know where it is, which its jobs have to")]
    NoProgram,
}
