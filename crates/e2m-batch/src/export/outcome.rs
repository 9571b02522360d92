//! What came of an export.

use super::subject::ExportSubject;
use crate::ending::BatchEnding;
use e2m_pipeline::{ResultImage, Status};
use std::path::PathBuf;

/// What came of all tasks.
#[derive(Debug)]
pub struct ExportedBatch {
    /// In the order of the batch.
    pub tasks: Vec<ExportedTask>,
    /// How long it took.
    pub seconds: f64,
}

/// What came of one task.
#[derive(Debug)]
pub struct ExportedTask {
    /// `CD070/DAPI`.
    pub name: String,
    /// What its record says; none where there is no record.
    pub status: Option<Status>,
    /// Its file, or why there is none.
    pub result: Result<Exported, String>,
    /// What there is to know of the file.
    pub notes: Vec<String>,
}

/// The file of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Its channels.
    pub images: Vec<ResultImage>,
    /// Whether it was there already and is up to date.
    pub was_there: bool,
}

/// How an export ended, beyond the endings of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportEnding {
    /// As a batch with these tasks would.
    Batch(BatchEnding),
    /// Raw images are missing of a task that has nothing on record.
    RawFilesMissing,
}

impl ExportedBatch {
    /// How it ended: stopped, before anything that could not be exported or failed, before missing raw images, before doubts.
    pub fn ending(&self, subject: &ExportSubject) -> ExportEnding {
        let stopped = self.tasks.len() < subject.tasks.len();
        let any = |is: fn(&ExportedTask) -> bool| self.tasks.iter().any(is);
        ExportEnding::Batch(if stopped {
            BatchEnding::Interrupted
        } else if any(ExportedTask::has_failed) {
            BatchEnding::TaskFailed
        } else if subject.strict && !subject.missing.is_empty() {
            return ExportEnding::RawFilesMissing;
        } else if any(|task| matches!(task.status, Some(Status::Suspect(_)))) {
            BatchEnding::Suspect
        } else {
            BatchEnding::Complete
        })
    }
}

impl ExportedTask {
    /// Whether there is no file, or one of a task that failed or was not finished.
    pub fn has_failed(&self) -> bool {
        let unfinished = matches!(
            self.status,
            Some(Status::Error(_) | Status::Incomplete(_)) | None
        );
        self.result.is_err() || unfinished
    }
}
