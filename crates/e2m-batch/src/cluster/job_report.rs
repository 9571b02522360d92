//! What a job leaves of its task besides the results: its report of how it ended.

use super::record_error::RecordError;
use super::submission::{Submission, read_json, write_json};
use e2m_io::remove_file;
use e2m_pipeline::{Stage, TaskOutcome, TaskSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where they are in the folder of a submission. The name is older than the word.
pub(super) const REPORTS: &str = "answers";

/// How a task ended in a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct JobReport {
    /// The job, as `12_3`.
    pub(super) job: String,
    /// Where it ran.
    pub(super) node: Option<String>,
    /// Whether it is to start again, in the same job.
    pub(super) requeued: bool,
    pub(super) outcome: TaskOutcome,
}

impl JobReport {
    fn path(folder: &Path, task: usize) -> PathBuf {
        folder.join(REPORTS).join(format!("{task}.json"))
    }

    pub(super) fn write(&self, folder: &Path, task: usize) -> Result<(), RecordError> {
        write_json(&Self::path(folder, task), self)
    }

    /// Removes the report of an earlier start: if this one dies, that is not how it ended.
    pub(super) fn clear(folder: &Path, task: usize) -> std::io::Result<()> {
        remove_file(&Self::path(folder, task))
    }

    /// The last report of the job that a task is in now, if it has ended with one.
    pub(super) fn of(submission: &Submission, task: usize) -> Option<Self> {
        let report: Self = read_json(&Self::path(&submission.folder, task)).ok()?;
        let is_last = submission.job_of(task).is_some_and(|job| job == report.job);
        (is_last && !report.requeued).then_some(report)
    }
}

/// What earlier starts of a task's jobs in this submission came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Starts {
    /// The stages that were done.
    pub(super) done: BTreeSet<Stage>,
    /// Starts, one after another, whose time was up before a stage was finished.
    pub(super) in_vain: u32,
}

impl Starts {
    fn path(folder: &Path, task: usize) -> PathBuf {
        folder.join("starts").join(format!("{task}.json"))
    }

    pub(super) fn of(folder: &Path, task: usize) -> Self {
        read_json(&Self::path(folder, task)).unwrap_or_default()
    }

    /// Adds a start that was stopped after these stages, because its time was up or for another reason.
    pub(super) fn add(&mut self, stages_done: &[Stage], time_was_up: bool) {
        self.done.extend(stages_done);
        if !stages_done.is_empty() {
            self.in_vain = 0;
        } else if time_was_up {
            self.in_vain += 1;
        }
    }

    /// The task as it is to be done now: stages that were to be done again whatever is there, and have been, count now.
    pub(super) fn remaining(&self, mut task: TaskSpec) -> TaskSpec {
        if !task.force && task.from_stage == Stage::Pad {
            return task;
        }
        let first = if task.force {
            Stage::Pad
        } else {
            task.from_stage
        };
        let mut asked_for = Stage::up_to(task.to_stage).iter().copied();
        let next = asked_for.find(|stage| *stage >= first && !self.done.contains(stage));
        match next {
            Some(next) if next == first => {}
            Some(next) => {
                task.force = false;
                task.from_stage = next;
            }
            // All of them; what is missing besides is found by inspection.
            None => {
                task.force = false;
                task.from_stage = Stage::Pad;
            }
        }
        task
    }

    pub(super) fn write(&self, folder: &Path, task: usize) -> Result<(), RecordError> {
        write_json(&Self::path(folder, task), self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_pipeline::Params;

    fn stage(number: u8) -> Stage {
        Stage::try_from(number).expect("a stage")
    }

    fn task(force: bool, from_stage: u8, to_stage: u8) -> TaskSpec {
        TaskSpec {
            sample: "s".into(),
            dye: "d".into(),
            post: "post.tif".into(),
            pre: "pre.tif".into(),
            output_dir: "out".into(),
            params: Params::default(),
            from_stage: stage(from_stage),
            to_stage: stage(to_stage),
            force,
            redraw: false,
            checkpoint_format: Default::default(),
            checkpoint_compression: Default::default(),
            checkpoints: Default::default(),
        }
    }

    #[test]
    fn starts_that_come_to_nothing_are_counted_until_one_does() {
        let mut starts = Starts::default();
        starts.add(&[], true);
        starts.add(&[], false);
        starts.add(&[], true);
        assert_eq!(starts.in_vain, 2);
        starts.add(&[Stage::Pad, Stage::Coarse], true);
        starts.add(&[], true);
        assert_eq!((starts.in_vain, starts.done.len()), (1, 2));
    }

    #[test]
    fn what_was_done_again_before_a_restart_is_not_done_a_third_time() {
        let after = |(force, from, to), done: &[u8]| {
            let mut starts = Starts::default();
            let done: Vec<Stage> = done.iter().map(|&number| stage(number)).collect();
            starts.add(&done, true);
            let task = starts.remaining(task(force, from, to));
            (task.force, task.from_stage.number())
        };
        assert_eq!(after((true, 1, 4), &[]), (true, 1));
        assert_eq!(after((true, 1, 4), &[1, 2]), (false, 3));
        assert_eq!(after((false, 3, 4), &[3]), (false, 4));
        // A stage that was begun behind one that was not finished has to wait for it.
        assert_eq!(after((true, 1, 4), &[1, 2, 4]), (false, 3));
        // Nothing is left but perhaps a picture.
        assert_eq!(after((true, 1, 4), &[1, 2, 3, 4]), (false, 1));
        assert_eq!(after((true, 1, 2), &[1, 2]), (false, 1));
        assert_eq!(after((false, 4, 4), &[4]), (false, 1));
        // Nothing was asked to be done again: what is there counts anyway.
        assert_eq!(after((false, 1, 4), &[1, 2]), (false, 1));
    }
}
