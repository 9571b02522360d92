//! What has become of the tasks of a submission: by the reports of their jobs, by what is on the disk, and by SLURM.

use super::job_failure::JobFailure;
use super::job_report::JobReport;
use super::record_error::RecordError;
use super::sender::Sender;
use super::submission::{ArrayRecord, PATIENCE_OF_JOBS, Submission, alone};
use super::{sizing, slurm};
use crate::environment::Environment;
use crate::event::BatchEvent;
use crate::human;
use crate::plan::{Plan, task_name};
use crate::report::results::{TaskEnding, TaskResult};
use crate::reporter::Reporter;
use e2m_io::TaskPaths;
use e2m_pipeline::{Stage, Status, TaskPreview, TaskSpec, preview, recover, suffix};
use e2m_schedule::slurm::{JobExit, JobState, QueuedJob};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// A node may take so long to clear up after a job.
const ENDING: Duration = Duration::from_secs(120);
/// Longer than the lock of a dead run on another machine has to stand still.
const LOCKS_OF_THE_DEAD: Duration = Duration::from_secs(75);
/// SLURM is asked so often, and so much later each time, before it is taken to be out of order.
const ASK_TIMES: u32 = 4;
const ASK_PAUSE: Duration = Duration::from_secs(10);

/// How each task of a submission ended, after those that died of memory were submitted once more, if they are to be. The
/// submission is over when none of its jobs is left.
pub(super) fn reconcile(
    folder: &Path,
    plan: &Plan,
    retry: bool,
    environment: &Environment,
    reporter: &mut dyn Reporter,
) -> Result<(Submission, Vec<TaskResult>), RecordError> {
    let _lock = alone(&plan.output_dir, PATIENCE_OF_JOBS)?;
    let submission = Submission::read(folder)?;
    let tasks = submission.tasks()?;
    let mut reconciliation = Reconciliation {
        sender: Sender {
            site: sizing::site(&plan.slurm),
            settings: plan.slurm.clone(),
            program: environment
                .program()
                .ok_or(RecordError::NoProgram)?
                .to_owned(),
            client: slurm(&plan.slurm, environment),
            submission,
            tasks,
        },
        reporter,
    };
    let results = reconciliation.results(retry)?;
    let over = !results
        .iter()
        .any(|result| result.ending() == TaskEnding::Queued);
    let mut submission = reconciliation.sender.submission;
    submission.record.closed = over;
    submission.write()?;
    Ok((submission, results))
}

/// What has become of a task's job.
#[expect(
    clippy::large_enum_variant,
    reason = "one is made at a time and taken apart at once"
)]
enum JobOutcome {
    /// Its job left a report.
    Reported(JobReport),
    /// Whatever its job says, the results are there.
    Finished(TaskResult),
    /// Its job waits or runs, or nobody knows.
    Open(String),
    /// It ended without a report.
    Failed(JobFailure),
}

struct Reconciliation<'a> {
    sender: Sender,
    reporter: &'a mut dyn Reporter,
}

impl Reconciliation<'_> {
    fn warn(&mut self, text: &str) {
        self.reporter.on_event(&BatchEvent::Warning { text });
    }

    fn results(&mut self, retry: bool) -> Result<Vec<TaskResult>, RecordError> {
        let outcomes = self.job_outcomes();
        let may_again = |index: usize| {
            let array = self.sender.submission.array_of(index);
            retry && array.is_some_and(|(array, _)| !array.again)
        };
        let again: Vec<usize> = (0..outcomes.len())
            .filter(|index| matches!(&outcomes[*index], JobOutcome::Failed(failure) if failure.error.is_out_of_memory()))
            .filter(|index| may_again(*index))
            .collect();
        let tried = self.try_again(&again);
        self.put_in_order(&outcomes, &tried);
        let mut results = Vec::new();
        for (index, outcome) in outcomes.into_iter().enumerate() {
            let task = &self.sender.tasks[index];
            results.push(match outcome {
                JobOutcome::Reported(report) => {
                    TaskResult::of(task, &report.outcome, &task.output_dir)
                }
                JobOutcome::Finished(result) => result,
                JobOutcome::Open(what) => TaskResult::queued(task, &what),
                JobOutcome::Failed(failure) => match tried.get(&index) {
                    Some(Ok(())) => {
                        let what = self.waiting(index, &failure);
                        let text = format!("{}: {what}", task_name(task));
                        self.reporter.on_event(&BatchEvent::Note { text: &text });
                        TaskResult::queued(task, &what)
                    }
                    other => {
                        let why = other.and_then(|tried| tried.as_ref().err());
                        let note = why.map(|why| {
                            format!("it could not be submitted again with more memory: {why}")
                        });
                        let report = failure.report(task, note);
                        // SLURM forgets; the next one that collects should not.
                        report.write(&self.sender.submission.folder, index)?;
                        TaskResult::of(task, &report.outcome, &task.output_dir)
                    }
                },
            });
        }
        Ok(results)
    }

    /// What is known of each task, by the report of its job, by what is on the disk, and by SLURM.
    fn job_outcomes(&mut self) -> Vec<JobOutcome> {
        let known = self.known_jobs();
        let submission = &self.sender.submission;
        let mut endings: BTreeMap<u64, BTreeMap<usize, JobExit>> = BTreeMap::new();
        let mut of_task = |(index, task): (usize, &TaskSpec)| {
            let report = JobReport::of(submission, index);
            if let Some(report) = &report
                && matches!(report.outcome.status, Status::Complete | Status::Suspect(_))
            {
                return JobOutcome::Reported(report.clone());
            }
            // It may have been finished elsewhere, or the job have died afterwards.
            if let Some(result) = finished(task, submission) {
                return JobOutcome::Finished(result);
            }
            let Some((array, number)) = submission.array_of(index) else {
                return JobOutcome::Open("it was not submitted".to_owned());
            };
            let job = array.job.unwrap_or_default();
            let is_it = |one: &&QueuedJob| one.job == job && one.array_task == Some(number);
            match &known {
                Ok(known) => {
                    if known
                        .iter()
                        .find(is_it)
                        .is_some_and(|one| one.state.is_live())
                    {
                        return JobOutcome::Open(format!("job {job}_{number}"));
                    }
                }
                Err(why) if report.is_none() => return JobOutcome::Open(why.clone()),
                Err(_) => {}
            }
            if let Some(report) = report {
                return JobOutcome::Reported(report);
            }
            if submission.record.cancelled.contains(&index) {
                // What it was to do again has not been begun, unless its manifest says so.
                let as_before = TaskSpec {
                    force: false,
                    redraw: false,
                    from_stage: Stage::Pad,
                    ..task.clone()
                };
                let before = finished(&as_before, submission);
                return before.map_or_else(
                    || JobOutcome::Failed(JobFailure::by_cancelling(submission, index)),
                    JobOutcome::Finished,
                );
            }
            let of_array = endings
                .entry(job)
                .or_insert_with(|| self.sender.client.exits(job));
            JobOutcome::Failed(JobFailure::of(submission, index, of_array.get(&number)))
        };
        self.sender
            .tasks
            .iter()
            .enumerate()
            .map(&mut of_task)
            .collect()
    }

    /// What SLURM says of the submission's jobs, when none of them is about to end any more.
    fn known_jobs(&mut self) -> Result<Vec<QueuedJob>, String> {
        let jobs: Vec<u64> = self
            .sender
            .submission
            .record
            .arrays
            .iter()
            .filter_map(|array| array.job)
            .collect();
        let (began, mut refused) = (Instant::now(), 0);
        loop {
            match self.sender.client.queue(&jobs) {
                Ok(known) => {
                    let ending = known
                        .iter()
                        .any(|one| matches!(one.state, JobState::Ending { .. }));
                    if !ending || began.elapsed() > ENDING {
                        return Ok(known);
                    }
                    std::thread::sleep(Duration::from_secs(2));
                }
                Err(error) => {
                    self.warn(&error.to_string());
                    refused += 1;
                    if refused >= ASK_TIMES {
                        return Err("how its job ended is not known".to_owned());
                    }
                    std::thread::sleep(ASK_PAUSE * refused);
                }
            }
        }
    }

    /// Submits tasks once more with half as much memory again, and a job that collects after them. Returns how that went
    /// for each.
    fn try_again(&mut self, tasks: &[usize]) -> BTreeMap<usize, Result<(), String>> {
        let arrays: Vec<ArrayRecord> = self.sender.submission.record.arrays.clone();
        let mut tried = BTreeMap::new();
        let mut jobs = Vec::new();
        for array in arrays.into_iter().filter(|array| !array.again) {
            let of_array: Vec<usize> = array
                .tasks
                .iter()
                .copied()
                .filter(|task| tasks.contains(task))
                .collect();
            if of_array.is_empty() {
                continue;
            }
            let record = &mut self.sender.submission.record;
            record.arrays.push(ArrayRecord {
                name: format!("{}-again", array.name),
                job: None,
                tasks: of_array.clone(),
                memory_bytes: sizing::raised(array.memory_bytes),
                again: true,
                after: None,
                ..array
            });
            let index = record.arrays.len() - 1;
            let sent = self.sender.send_array(index).map(|job| jobs.push(job));
            let sent = sent.map_err(|error| error.to_string());
            if let Err(why) = &sent {
                self.warn(why);
                // One that was refused is none.
                self.sender.submission.record.arrays.pop();
            }
            tried.extend(of_array.into_iter().map(|task| (task, sent.clone())));
        }
        if !jobs.is_empty()
            && let Err(error) = self.sender.send_collector(&jobs)
        {
            // What they leave is found by `e2m collect`.
            self.warn(&format!(
                "no job will collect what jobs {jobs:?} leave, run `e2m collect` when they have ended: {error}"
            ));
        }
        tried
    }

    /// Does for dead jobs what they could not do themselves.
    fn put_in_order(
        &mut self,
        outcomes: &[JobOutcome],
        tried: &BTreeMap<usize, Result<(), String>>,
    ) {
        let mut whose = Vec::new();
        for (index, outcome) in outcomes.iter().enumerate() {
            if let JobOutcome::Failed(failure) = outcome {
                let goes_on = matches!(tried.get(&index), Some(Ok(())));
                let why = failure.for_the_record().filter(|_| !goes_on);
                whose.push((&self.sender.tasks[index], why));
            }
        }
        if whose.is_empty() {
            return;
        }
        let tasks: Vec<(&TaskSpec, Option<&str>)> = whose
            .iter()
            .map(|(task, why)| (*task, why.as_deref()))
            .collect();
        let mut warnings = Vec::new();
        for ((task, _), recovered) in tasks.iter().zip(recover(&tasks, LOCKS_OF_THE_DEAD)) {
            match recovered {
                Ok(true) => {}
                Ok(false) => warnings.push(format!("{}: another run works on it", task_name(task))),
                Err(error) => warnings.push(format!(
                    "{}: what a job left could not be put in order: {error}",
                    task_name(task)
                )),
            }
        }
        for text in warnings {
            self.warn(&text);
        }
    }

    /// What is said of a task that was submitted again.
    fn waiting(&self, index: usize, failure: &JobFailure) -> String {
        let submission = &self.sender.submission;
        let memory = submission
            .array_of(index)
            .map_or(0, |(array, _)| array.memory_bytes);
        format!(
            "{}; submitted again with {} as job {}",
            failure.error,
            human::bytes(memory),
            submission.job_of(index).unwrap_or_default()
        )
    }
}

/// The result of a task of which all is there; where something was to be done again, only if it was done since the submission.
fn finished(task: &TaskSpec, submission: &Submission) -> Option<TaskResult> {
    let again = task.force || task.from_stage > Stage::Pad;
    let as_is = TaskSpec {
        force: false,
        redraw: false,
        from_stage: Stage::Pad,
        ..task.clone()
    };
    preview(&as_is).ok().filter(TaskPreview::is_finished)?;
    if again {
        let paths = TaskPaths::new(&task.output_dir, &task.sample, &task.dye).ok()?;
        let path = paths.manifest_path(&suffix(&task.params, Stage::LAST));
        if !submission.is_older_than(&path) {
            return None;
        }
    }
    TaskResult::earlier(&as_is)
}
