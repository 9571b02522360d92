//! What was submitted, for people and on record.

use super::submission::Submission;
use crate::human::{self, count};
use crate::logs::{EventLog, RunLog};
use crate::plan::Plan;
use serde_json::json;
use std::path::PathBuf;

/// What was submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionSummary {
    /// The arrays, in the order of their submission.
    pub arrays: Vec<SubmittedArray>,
    /// The jobs that write the result and the report.
    pub collectors: Vec<u64>,
    /// Where scripts and logs are.
    pub folder: PathBuf,
}

/// An array of jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmittedArray {
    /// Its number.
    pub job: u64,
    /// Its tasks.
    pub tasks: usize,
    /// Memory of each, bytes.
    pub memory_bytes: u64,
    /// Processors of each.
    pub cpus: usize,
    /// Time of each, seconds.
    pub seconds: u64,
    /// How many run at a time, where that is fewer than all.
    pub at_a_time: Option<usize>,
}

impl SubmissionSummary {
    /// The summary, after it went into the run log and `events.jsonl`.
    pub(super) fn written_down(submission: &Submission, plan: &Plan) -> Self {
        let record = &submission.record;
        let summary = Self::of(submission);
        let mut log = RunLog::open(&plan.output_dir);
        log.start(plan);
        for line in summary.lines() {
            log.line(&line);
        }
        let jobs: Vec<Option<u64>> = record.arrays.iter().map(|array| array.job).collect();
        EventLog::open(&plan.output_dir, &record.submitted).add(
            "submitted",
            None,
            json!({"version": record.version, "batch": record.batch, "tasks": summary.tasks(), "jobs": jobs, "collector": record.collectors.last()}),
        );
        summary
    }

    fn of(submission: &Submission) -> Self {
        let record = &submission.record;
        let arrays = record.arrays.iter().map(|array| SubmittedArray {
            job: array.job.unwrap_or_default(),
            tasks: array.tasks.len(),
            memory_bytes: array.memory_bytes,
            cpus: array.cpus,
            seconds: array.seconds,
            at_a_time: array
                .at_a_time
                .filter(|at_a_time| *at_a_time < array.tasks.len()),
        });
        Self {
            arrays: arrays.collect(),
            collectors: record.collectors.clone(),
            folder: submission.folder.clone(),
        }
    }

    /// Tasks in all.
    pub fn tasks(&self) -> usize {
        self.arrays.iter().map(|array| array.tasks).sum()
    }

    /// The same for people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("Submitted {}:", count(self.tasks(), "task"))];
        lines.extend(self.arrays.iter().map(|array| {
            format!(
                "  job {}: {}, each with {} of memory, {} and at most {}{}",
                array.job,
                count(array.tasks, "task"),
                human::bytes(array.memory_bytes),
                count(array.cpus, "CPU"),
                human::about(array.seconds as f64),
                array
                    .at_a_time
                    .map_or_else(String::new, |at_a_time| format!(", {at_a_time} at a time"))
            )
        }));
        lines.extend(self.collectors.iter().map(|collector| {
            format!("  job {collector}: writes the result and the report when they have ended")
        }));
        lines
    }
}
