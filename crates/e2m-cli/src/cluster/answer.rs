//! What a job leaves of its task besides the results: how it ended.

use super::submission::{RecordError, Submission, read_json, write_json};
use e2m_pipeline::TaskOutcome;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How a task ended in a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Answer {
    /// The job, as `12_3`.
    pub(super) job: String,
    /// Where it ran.
    pub(super) node: Option<String>,
    /// Whether it is to start again, in the same job.
    pub(super) requeued: bool,
    pub(super) outcome: TaskOutcome,
}

impl Answer {
    fn path(folder: &Path, task: usize) -> PathBuf {
        folder.join("answers").join(format!("{task}.json"))
    }

    pub(super) fn write(&self, folder: &Path, task: usize) -> Result<(), RecordError> {
        write_json(&Self::path(folder, task), self)
    }

    /// The last answer of the job that a task is in now, if it has ended with one.
    pub(super) fn of(submission: &Submission, task: usize) -> Option<Self> {
        let answer: Self = read_json(&Self::path(&submission.folder, task)).ok()?;
        let is_last = submission.job_of(task).is_some_and(|job| job == answer.job);
        (is_last && !answer.requeued).then_some(answer)
    }
}

/// What earlier starts of a task's jobs in this submission came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Starts {
    /// The last stage that was done, 0 before: what was asked to be done again need not be done a third time.
    pub(super) done: u8,
    /// Starts, one after another, that were warned before a stage was finished.
    pub(super) in_vain: u32,
}

impl Starts {
    fn path(folder: &Path, task: usize) -> PathBuf {
        folder.join("starts").join(format!("{task}.json"))
    }

    pub(super) fn of(folder: &Path, task: usize) -> Self {
        read_json(&Self::path(folder, task)).unwrap_or_default()
    }

    /// Adds a start that was stopped after these stages.
    pub(super) fn add(&mut self, stages_done: &[u8]) {
        match stages_done.iter().max() {
            Some(last) => {
                self.done = self.done.max(*last);
                self.in_vain = 0;
            }
            None => self.in_vain += 1,
        }
    }

    pub(super) fn write(&self, folder: &Path, task: usize) -> Result<(), RecordError> {
        write_json(&Self::path(folder, task), self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_that_come_to_nothing_are_counted_until_one_does() {
        let mut starts = Starts::default();
        starts.add(&[]);
        starts.add(&[]);
        assert_eq!(
            starts,
            Starts {
                done: 0,
                in_vain: 2
            }
        );
        starts.add(&[1, 2]);
        starts.add(&[]);
        assert_eq!(
            starts,
            Starts {
                done: 2,
                in_vain: 1
            }
        );
    }
}
