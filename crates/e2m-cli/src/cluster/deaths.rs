//! Tasks whose jobs ended without an answer: why, and what becomes of them.

use super::submission::Submission;
use crate::report::results::TaskResult;
use e2m_pipeline::{TaskOutcome, TaskSpec, record_failure, remove_leftovers};
use e2m_schedule::WorkerError;
use e2m_schedule::slurm::{Slurm, why_it_ended};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// So much of the end of a job's log is looked at, bytes …
const LOG_BYTES: u64 = 64 << 10;
/// … and so many of its last lines are repeated in the report.
const LOG_LINES: usize = 20;

/// A job that ended without an answer.
pub(super) struct Death {
    pub(super) error: WorkerError,
    job: String,
    log: String,
    seconds: u64,
}

impl Death {
    /// Finds out why.
    pub(super) fn of(submission: &Submission, task: usize, client: &Slurm) -> Self {
        let job = submission.job_of(task).unwrap_or_default();
        let memory = submission
            .array_of(task)
            .map_or(0, |(array, _)| array.memory_bytes);
        let end = client.ending(&job);
        let log = end_of(&submission.log_of(&job));
        Self {
            error: why_it_ended(end.as_ref(), &log, memory),
            seconds: end.map_or(0, |end| end.seconds),
            job,
            log,
        }
    }

    /// Puts the task's folder in order, and makes a result of it.
    pub(super) fn settle(&self, task: &TaskSpec, note: Option<String>) -> TaskResult {
        let removed = remove_leftovers(task).map(drop);
        let recorded = record_failure(task, &self.error.to_string());
        for error in [removed, recorded].into_iter().filter_map(Result::err) {
            tracing::warn!(%error, "what a job left could not be put in order");
        }
        let lines: Vec<&str> = self.log.trim_end().lines().collect();
        let last = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        let said = match last.is_empty() {
            true => format!("job {} left no word in its log", self.job),
            false => format!("the log of job {} ends: {last}", self.job),
        };
        let outcome = TaskOutcome {
            seconds: self.seconds as f64,
            peak_rss_bytes: match self.error {
                WorkerError::MemoryLimit { peak_bytes, .. } => peak_bytes,
                _ => 0,
            },
            notes: note.into_iter().chain([said]).collect(),
            ..TaskOutcome::failed(&task.sample, &task.dye, self.error.to_string())
        };
        TaskResult::of(task, Some(&outcome), &task.output_dir)
    }
}

/// The end of a file; nothing where there is none.
fn end_of(path: &Path) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES)))?;
        file.take(LOG_BYTES).read_to_end(&mut bytes)
    });
    match read {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    }
}
