//! `e2m cancel`: takes the jobs of a batch off the cluster.

use super::slurm;
use super::submission::{PATIENCE, Submission, all, alone};
use crate::args::TaskArgs;
use crate::batch::Batch;
use crate::batch::values::Names;
use crate::exit::Exit;
use crate::human::count;
use crate::plan::asked_for;
use crate::terminal::Terminal;
use e2m_pipeline::TaskSpec;
use e2m_schedule::slurm::QueuedJob;

/// Cancels what waits or runs of a batch, whatever lies in its raw folder. The job that collects stays, and writes what there is.
pub(crate) fn cancel(batch: &Batch, wanted: &TaskArgs, terminal: &Terminal) -> Exit {
    match try_to(batch, wanted, terminal) {
        Ok(exit) => exit,
        Err(error) => {
            terminal.error(&error.to_string());
            Exit::TaskFailed
        }
    }
}

fn try_to(
    batch: &Batch,
    wanted: &TaskArgs,
    terminal: &Terminal,
) -> Result<Exit, Box<dyn std::error::Error>> {
    let chosen = Chosen::of(batch, wanted);
    let output_dir = batch.output_dir();
    let _lock = alone(&output_dir, PATIENCE)?;
    let (submissions, errors) = all(&output_dir);
    for error in &errors {
        terminal.warn(&error.to_string());
    }
    let client = slurm(&batch.slurm);
    let mut cancelled = 0;
    let mut reports = Vec::new();
    for submission in submissions.iter().filter(|one| !one.record.closed) {
        let live = client.queue(&submission.jobs())?;
        let live: Vec<&QueuedJob> = live.iter().filter(|job| job.state.is_live()).collect();
        // Without its list everything of a submission can be cancelled, and nothing of it chosen.
        let tasks = match submission.tasks() {
            Ok(tasks) => tasks,
            Err(error) => {
                terminal.warn(&error.to_string());
                Vec::new()
            }
        };
        let jobs: Vec<String> = live
            .iter()
            .filter(|job| job.array_task.is_some())
            .filter(|job| chosen.include(task_of(submission, &tasks, job)))
            .map(|job| format!("{}_{}", job.job, job.array_task.unwrap_or_default()))
            .collect();
        client.cancel(&jobs)?;
        cancelled += jobs.len();
        let collectors = submission.record.collectors.iter();
        let waiting = collectors.filter(|job| live.iter().any(|one| one.job == **job));
        if !jobs.is_empty() {
            reports.extend(waiting.map(u64::to_string));
        }
    }
    if cancelled == 0 {
        terminal.result("Nothing of it waits or runs.");
        return Ok(Exit::Complete);
    }
    let mut told = format!(
        "Cancelled {}. What is finished stays; `e2m submit` or `e2m` with the same batch file goes on from there.",
        count(cancelled, "job")
    );
    if !reports.is_empty() {
        let jobs = reports.join(", ");
        told.push_str(&format!("\nJob {jobs} writes the report of what there is."));
    }
    terminal.result(&told);
    Ok(Exit::Complete)
}

/// Which tasks.
enum Chosen {
    Everything,
    Named { samples: Names, dyes: Names },
}

impl Chosen {
    fn of(batch: &Batch, wanted: &TaskArgs) -> Self {
        if wanted.samples.is_empty() && wanted.dyes.is_empty() {
            return Self::Everything;
        }
        let (samples, dyes) = asked_for(batch, wanted);
        Self::Named { samples, dyes }
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

fn task_of<'t>(
    submission: &Submission,
    tasks: &'t [TaskSpec],
    job: &QueuedJob,
) -> Option<&'t TaskSpec> {
    let mut arrays = submission.record.arrays.iter();
    let array = arrays.find(|array| array.job == Some(job.job))?;
    tasks.get(*array.tasks.get(job.array_task?)?)
}
