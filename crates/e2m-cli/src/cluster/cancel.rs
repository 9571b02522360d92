//! `e2m cancel`: takes the jobs of a batch off the cluster.

use super::slurm;
use super::submission::{Submission, all, alone, is_same};
use crate::args::TaskArgs;
use crate::exit::Exit;
use crate::human::count;
use crate::plan::Plan;
use crate::terminal::Terminal;
use e2m_pipeline::TaskSpec;

/// Cancels what waits or runs of the tasks of a plan. Where that is all that a submission has, the job that collects goes too.
pub(crate) fn cancel(plan: &Plan, asked: &TaskArgs, terminal: &Terminal) -> Exit {
    match try_to(plan, asked, terminal) {
        Ok(exit) => exit,
        Err(error) => {
            terminal.error(&error.to_string());
            Exit::TaskFailed
        }
    }
}

fn try_to(
    plan: &Plan,
    asked: &TaskArgs,
    terminal: &Terminal,
) -> Result<Exit, Box<dyn std::error::Error>> {
    let everything = asked.samples.is_empty() && asked.dyes.is_empty();
    let _lock = alone(&plan.output_dir)?;
    let (submissions, errors) = all(&plan.output_dir);
    for error in &errors {
        terminal.warn(&error.to_string());
    }
    let client = slurm();
    let mut cancelled = 0;
    for mut submission in submissions.into_iter().filter(|one| !one.record.closed) {
        let tasks = submission.tasks()?;
        let live = client.queue(&submission.jobs())?;
        let live: Vec<_> = live.iter().filter(|job| job.state.is_live()).collect();
        let mut jobs = Vec::new();
        let mut left = 0;
        for job in &live {
            let Some(task) = task_of(&submission, &tasks, job.job, job.array_task) else {
                continue;
            };
            if everything || plan.tasks.iter().any(|one| is_same(one, task)) {
                jobs.push(format!(
                    "{}_{}",
                    job.job,
                    job.array_task.unwrap_or_default()
                ));
            } else {
                left += 1;
            }
        }
        cancelled += jobs.len();
        if left == 0 {
            let collectors = submission.record.collectors.iter();
            let waiting = collectors.filter(|job| live.iter().any(|one| one.job == **job));
            jobs.extend(waiting.map(u64::to_string));
        }
        client.cancel(&jobs)?;
        if left == 0 {
            submission.record.closed = true;
            submission.write()?;
        }
    }
    terminal.result(&match cancelled {
        0 => "Nothing of it waits or runs.".to_owned(),
        jobs => format!(
            "Cancelled {}. What is finished stays; `e2m submit` or `e2m` with the same batch file goes on from there.",
            count(jobs, "job")
        ),
    });
    Ok(Exit::Complete)
}

fn task_of<'t>(
    submission: &Submission,
    tasks: &'t [TaskSpec],
    job: u64,
    array_task: Option<usize>,
) -> Option<&'t TaskSpec> {
    let arrays = &submission.record.arrays;
    let array = arrays.iter().find(|array| array.job == Some(job))?;
    tasks.get(*array.tasks.get(array_task?)?)
}
