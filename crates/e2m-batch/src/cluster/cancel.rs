//! `e2m cancel`: takes the jobs of a batch off the cluster.

use super::slurm;
use super::submission::{PATIENCE, Submission, all, alone};
use crate::args::TaskArgs;
use crate::batch_file::BatchFile;
use crate::batch_file::values::Names;
use crate::exit::Exit;
use crate::human::count;
use crate::plan::asked_for;
use crate::terminal::Terminal;
use e2m_pipeline::TaskSpec;
use e2m_schedule::slurm::QueuedJob;

/// Cancels what waits or runs of a batch, whatever lies in its raw folder. The job that collects stays, and writes what there is.
pub(crate) fn cancel(batch: &BatchFile, wanted: &TaskArgs, terminal: &Terminal) -> Exit {
    match try_to(batch, wanted, terminal) {
        Ok(exit) => exit,
        Err(error) => {
            terminal.error(&error.to_string());
            Exit::TaskFailed
        }
    }
}

fn try_to(
    batch: &BatchFile,
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
    let mut known = chosen.is_everything();
    for mut submission in submissions.into_iter().filter(|one| !one.record.closed) {
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
        known |= tasks.iter().any(|task| chosen.include(Some(task)));
        let mut jobs = Vec::new();
        let mut places = Vec::new();
        for job in &live {
            let place = place_of(&submission, job);
            if let Some(number) = job.array_task
                && chosen.include(place.and_then(|place| tasks.get(place)))
            {
                jobs.push(format!("{}_{number}", job.job));
                places.extend(place);
            }
        }
        if jobs.is_empty() {
            continue;
        }
        client.cancel(&jobs)?;
        submission.record.cancelled.extend(places);
        submission.write()?;
        cancelled += jobs.len();
        let collectors = submission.record.collectors.iter();
        let waiting = collectors.filter(|job| live.iter().any(|one| one.job == **job));
        reports.extend(waiting.map(u64::to_string));
    }
    if !known {
        terminal.error(
            "none of the tasks that were submitted has these names; `e2m status` lists them",
        );
        return Ok(Exit::BadInput);
    }
    if cancelled == 0 {
        terminal.summary("Nothing of it waits or runs.");
        return Ok(Exit::Complete);
    }
    let mut told = format!(
        "Cancelled {}. What is finished stays; `e2m submit` or `e2m` with the same batch file goes on from there.",
        count(cancelled, "job")
    );
    if !reports.is_empty() {
        let jobs = reports.join(" and ");
        let (plural, verb) = if reports.len() == 1 {
            ("", "writes")
        } else {
            ("s", "write")
        };
        told.push_str(&format!(
            "\nJob{plural} {jobs} {verb} the report of what there is."
        ));
    }
    terminal.summary(&told);
    Ok(Exit::Complete)
}

/// Which tasks.
enum Chosen {
    Everything,
    Named { samples: Names, dyes: Names },
}

impl Chosen {
    fn of(batch: &BatchFile, wanted: &TaskArgs) -> Self {
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

/// The place of a job's task in its submission.
fn place_of(submission: &Submission, job: &QueuedJob) -> Option<usize> {
    let mut arrays = submission.record.arrays.iter();
    let array = arrays.find(|array| array.job == Some(job.job))?;
    array.tasks.get(job.array_task?).copied()
}
