//! Jobs that ended without a report: why, and what becomes of them.

use super::job_report::JobReport;
use super::submission::Submission;
use e2m_pipeline::{Status, TaskOutcome, TaskSpec};
use e2m_schedule::WorkerError;
use e2m_schedule::slurm::{JobExit, why_it_ended};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// So much of the end of a job's log is looked at, bytes …
const LOG_BYTES: u64 = 64 << 10;
/// … and so many of its last lines are repeated in the report.
const LOG_LINES: usize = 20;
/// SLURM's word.
const CANCELLED: &str = "CANCELLED";

/// A job that ended without a report.
pub(super) struct JobFailure {
    pub(super) error: WorkerError,
    job: String,
    log: String,
    seconds: u64,
}

impl JobFailure {
    /// Finds out why, by what SLURM remembers of the job and what stands in its log.
    pub(super) fn of(submission: &Submission, task: usize, end: Option<&JobExit>) -> Self {
        let job = submission.job_of(task).unwrap_or_default();
        let memory = submission
            .array_of(task)
            .map_or(0, |(array, _)| array.memory_bytes);
        let log = end_of(&submission.log_of(&job));
        Self {
            error: why_it_ended(end, of_last_start(&log), memory),
            seconds: end.map_or(0, |end| end.seconds),
            job,
            log,
        }
    }

    /// Of a job that the user cancelled before it could leave a report.
    pub(super) fn by_cancelling(submission: &Submission, task: usize) -> Self {
        let job = submission.job_of(task).unwrap_or_default();
        Self {
            error: WorkerError::EndedByCluster {
                state: CANCELLED.to_owned(),
            },
            log: end_of(&submission.log_of(&job)),
            job,
            seconds: 0,
        }
    }

    /// Whether somebody wanted it so.
    pub(super) fn was_cancelled(&self) -> bool {
        matches!(&self.error, WorkerError::EndedByCluster { state } if state == CANCELLED)
    }

    /// What a manifest is to say of it; nothing where the task is as it was left.
    pub(super) fn for_the_record(&self) -> Option<String> {
        (!self.was_cancelled()).then(|| self.error.to_string())
    }

    /// The report that it did not leave.
    pub(super) fn report(&self, task: &TaskSpec, note: Option<String>) -> JobReport {
        let lines: Vec<&str> = self.log.trim_end().lines().collect();
        let last = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        let said = if last.is_empty() {
            format!("job {} left no word in its log", self.job)
        } else {
            format!("the log of job {} ends: {last}", self.job)
        };
        let mut outcome = TaskOutcome {
            seconds: self.seconds as f64,
            peak_rss_bytes: match self.error {
                WorkerError::MemoryLimit { peak_bytes, .. } => peak_bytes,
                _ => 0,
            },
            notes: note.into_iter().chain([said]).collect(),
            ..TaskOutcome::failed(&task.sample, &task.dye, self.error.to_string())
        };
        if self.was_cancelled() {
            outcome.status =
                Status::Incomplete("cancelled, the next run goes on from here".to_owned());
            outcome.interrupted = true;
        }
        JobReport {
            job: self.job.clone(),
            node: None,
            requeued: false,
            outcome,
        }
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

/// What a job wrote since it was started last: what ended an earlier start is no news.
fn of_last_start(log: &str) -> &str {
    let starts = |line: &str| line.starts_with("e2m ") && line.contains(" as job ");
    let mut at = 0;
    let mut last = 0;
    for line in log.split_inclusive('\n') {
        if starts(line) {
            last = at;
        }
        at += line.len();
    }
    log.get(last..).unwrap_or(log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_start_of_a_job_tells_how_it_ended() {
        let log = "e2m 0.1.0: S/D as job 1_0 on n1\nslurmstepd: error: *** JOB 1 ON n1 CANCELLED AT x DUE TO TIME LIMIT ***\n\
                   e2m 0.1.0: S/D as job 1_0 on n2, started again (1 time)\nhm\n";
        assert_eq!(
            of_last_start(log),
            "e2m 0.1.0: S/D as job 1_0 on n2, started again (1 time)\nhm\n"
        );
        assert_eq!(of_last_start("no start\n"), "no start\n");
        assert_eq!(of_last_start(""), "");
    }
}
