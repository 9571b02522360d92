//! Files of a batch that could not be written.

use super::page::PageError;
use super::results::ResultsError;
use std::path::PathBuf;

/// A file of a batch that could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unwritten {
    /// The results, or the table.
    #[error("the results of the batch could not be written: {0}")]
    Results(ResultsError),
    /// The page.
    #[error("the report {} could not be written: {error}", path.display())]
    Page {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: PageError,
    },
    /// The run log.
    #[error("the run log {} could not be written: {reason}", path.display())]
    RunLog {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The log of events.
    #[error("{} could not be written: {reason}", path.display())]
    EventLog {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
}
