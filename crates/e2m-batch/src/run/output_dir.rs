//! Whether the output folder takes files.

use crate::logs::event_log;
use e2m_io::{AtomicFile, FolderError, create_folders};
use std::io;
use std::path::{Path, PathBuf};

/// The output folder takes no files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputDirError {
    /// A folder above it cannot be made.
    #[error("output_dir {} cannot be made, as {} cannot: {source}", folder.display(), above.display())]
    Above {
        /// The output folder.
        folder: PathBuf,
        /// The folder above it.
        above: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It cannot be made itself.
    #[error("output_dir {} cannot be made: {source}", folder.display())]
    Make {
        /// The output folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is there and cannot be written to.
    #[error("output_dir {} takes no files: {source}", folder.display())]
    Write {
        /// The output folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Anything else about folders.
    #[error(transparent)]
    Folder(FolderError),
}

/// Makes the folder and checks whether it takes files: one refusal is better than one for each task.
pub(crate) fn check_output_dir(folder: &Path) -> Result<(), OutputDirError> {
    create_folders(folder).map_err(|error| match error {
        FolderError::Make { path, source } if path != folder => OutputDirError::Above {
            folder: folder.to_owned(),
            above: path,
            source,
        },
        FolderError::Make { source, .. } => OutputDirError::Make {
            folder: folder.to_owned(),
            source,
        },
        other => OutputDirError::Folder(other),
    })?;
    let probe = AtomicFile::create(&folder.join(event_log::NAME));
    probe.map(drop).map_err(|error| OutputDirError::Write {
        folder: folder.to_owned(),
        source: error.source,
    })
}
