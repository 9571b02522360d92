//! Takes the jobs of a batch off the cluster.

use super::record_error::RecordError;
use super::slurm;
use super::submission::{PATIENCE, Submission, all, alone};
use crate::batch_file::BatchFile;
use crate::batch_file::values::Names;
use crate::environment::Environment;
use crate::event::BatchEvent;
use crate::plan::asked_for;
use crate::reporter::Reporter;
use crate::selection::TaskSelection;
use e2m_pipeline::TaskSpec;
use e2m_schedule::slurm::{QueuedJob, SlurmError};

/// What was cancelled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cancelled {
    /// How many jobs.
    pub jobs: usize,
    /// The jobs that still write the report of what there is.
    pub reporting: Vec<u64>,
    /// Whether any task that was ever submitted has the names asked for.
    pub known: bool,
}

/// Why nothing could be cancelled, or not all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CancelError {
    /// What is on record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// What SLURM says.
    #[error(transparent)]
    Slurm(#[from] SlurmError),
}

/// Cancels what waits or runs of a batch, whatever lies in its raw folder. The job that collects stays, and writes what there
/// is.
///
/// # Errors
/// Records that cannot be read or written, and what `scancel` says.
pub fn cancel(
    batch: &BatchFile,
    wanted: &TaskSelection,
    environment: &Environment,
    reporter: &mut dyn Reporter,
) -> Result<Cancelled, CancelError> {
    let chosen = Chosen::of(batch, wanted);
    let output_dir = batch.output_dir();
    let _lock = alone(&output_dir, PATIENCE)?;
    let mut warn = |error: &RecordError| {
        let text = error.to_string();
        reporter.on_event(&BatchEvent::Warning { text: &text });
    };
    let (submissions, errors) = all(&output_dir);
    errors.iter().for_each(&mut warn);
    let client = slurm(&batch.slurm, environment);
    let mut cancelled = Cancelled {
        known: chosen.is_everything(),
        ..Cancelled::default()
    };
    for mut submission in submissions.into_iter().filter(|one| !one.record.closed) {
        let live = client.queue(&submission.jobs())?;
        let live: Vec<&QueuedJob> = live.iter().filter(|job| job.state.is_live()).collect();
        // Without its list everything of a submission can be cancelled, and nothing of it chosen.
        let tasks = match submission.tasks() {
            Ok(tasks) => tasks,
            Err(error) => {
                warn(&error);
                Vec::new()
            }
        };
        cancelled.known |= tasks.iter().any(|task| chosen.include(Some(task)));
        let mut jobs = Vec::new();
        let mut indices = Vec::new();
        for job in &live {
            let index = index_of(&submission, job);
            if let Some(number) = job.array_task
                && chosen.include(index.and_then(|index| tasks.get(index)))
            {
                jobs.push(format!("{}_{number}", job.job));
                indices.extend(index);
            }
        }
        if jobs.is_empty() {
            continue;
        }
        client.cancel(&jobs)?;
        submission.record.cancelled.extend(indices);
        submission.write()?;
        cancelled.jobs += jobs.len();
        let collectors = submission.record.collectors.iter();
        let waiting = collectors.filter(|job| live.iter().any(|one| one.job == **job));
        cancelled.reporting.extend(waiting);
    }
    Ok(cancelled)
}

/// Which tasks.
enum Chosen {
    Everything,
    Named { samples: Names, dyes: Names },
}

impl Chosen {
    fn of(batch: &BatchFile, wanted: &TaskSelection) -> Self {
        if wanted.samples.is_empty() && wanted.dyes.is_empty() {
            return Self::Everything;
        }
        let (samples, dyes) = asked_for(batch, wanted);
        Self::Named { samples, dyes }
    }

    fn is_everything(&self) -> bool {
        matches!(self, Self::Everything)
    }

    fn include(&self, task: Option<&TaskSpec>) -> bool {
        match (self, task) {
            (Self::Everything, _) => true,
            (Self::Named { samples, dyes }, Some(task)) => {
                samples.include(&task.sample) && dyes.include(&task.dye)
            }
            (Self::Named { .. }, None) => false,
        }
    }
}

/// The index of a job's task in its submission.
fn index_of(submission: &Submission, job: &QueuedJob) -> Option<usize> {
    let mut arrays = submission.record.arrays.iter();
    let array = arrays.find(|array| array.job == Some(job.job))?;
    array.tasks.get(job.array_task?).copied()
}
