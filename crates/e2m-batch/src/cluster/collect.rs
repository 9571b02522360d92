//! What is left of a batch as a whole, when its tasks were run one by one or on a cluster.

use super::job_report::JobReport;
use super::job_failure::JobFailure;
use super::queue::Queue;
use super::submission::{
    ArrayRecord, PATIENCE_OF_JOBS, RecordError, Submission, all, alone, alone_reporting, is_same,
};
use super::submit::Sender;
use super::{sizing, slurm};
use crate::args::{RunArgs, SlurmCollectArgs, StageArgs, TalkArgs, TaskArgs};
use crate::exit::Exit;
use crate::human;
use crate::logging;
use crate::plan::Plan;
use crate::report::log::RunLog;
use crate::report::results::{TaskEnding, TaskResult};
use crate::report::summary::tally;
use crate::report::{self, BatchReport};
use crate::run::Journal;
use crate::task_name;
use crate::terminal::Terminal;
use e2m_io::TaskPaths;
use e2m_pipeline::{Outlook, Status, TaskSpec, outlook, settle, suffix};
use e2m_schedule::slurm::{JobEnd, JobState, QueuedJob};
use jiff::Zoned;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// A node may take so long to clear up after a job.
const ENDING: Duration = Duration::from_secs(120);
/// Longer than the lock of a dead run on another machine has to stand still.
const LOCKS_OF_THE_DEAD: Duration = Duration::from_secs(75);
/// SLURM is asked so often, and so much later each time, before it is taken to be out of order.
const ASK_TIMES: u32 = 4;
const ASK_PAUSE: Duration = Duration::from_secs(10);

/// `e2m collect`: writes the batch's result, table and report from what is on record of its tasks.
pub(crate) fn collect(plan: &Plan, terminal: &Terminal) -> Exit {
    let collected = || -> Result<Exit, RecordError> {
        let _reporting = alone_reporting(&plan.output_dir)?;
        let queue = Queue::look(plan);
        for note in &queue.notes {
            terminal.warn(note);
        }
        // What jobs left that nobody has collected.
        let mut results = Vec::new();
        if queue.is_empty() && queue.collectors.is_empty() && queue.notes.is_empty() {
            let open = all(&plan.output_dir).0.into_iter();
            for submission in open.filter(|one| !one.record.closed) {
                let (submission, found) = reconcile(&submission.folder, plan, false, terminal)?;
                log_results(&submission, &found);
                results.extend(found);
            }
        }
        Ok(write(
            plan,
            whole(plan, results, &queue),
            Zoned::now(),
            terminal,
        ))
    };
    collected().unwrap_or_else(|error| {
        terminal.error(&error.to_string());
        Exit::TaskFailed
    })
}

/// A result for every task of the plan: those that were found now, the last of each, and otherwise what is on record.
fn whole(plan: &Plan, results: Vec<TaskResult>, queue: &Queue) -> Vec<TaskResult> {
    let name = |result: &TaskResult| (result.sample.clone(), result.dye.clone());
    let mut found: BTreeMap<_, _> = results
        .into_iter()
        .map(|result| (name(&result), result))
        .collect();
    let of_task = |task: &TaskSpec| {
        let found = found.remove(&(task.sample.clone(), task.dye.clone()));
        found.unwrap_or_else(|| match queue.of(task) {
            Some(there) => {
                TaskResult::queued(task, &format!("job {}, {}", there.job, there.told()))
            }
            None => TaskResult::earlier(task).unwrap_or_else(|| TaskResult::not_begun(task)),
        })
    };
    plan.tasks.iter().map(of_task).collect()
}

/// Writes and prints what is left of a batch.
fn write(plan: &Plan, results: Vec<TaskResult>, started: Zoned, terminal: &Terminal) -> Exit {
    let seconds = Zoned::now().duration_since(&started).as_secs_f64();
    let report = BatchReport {
        plan,
        results,
        started,
        seconds,
        interrupted: false,
    };
    let exit = report.exit();
    let failures = report::write_files(&report::with_earlier(&report), exit);
    report::print(&report, failures.is_empty(), terminal);
    for error in &failures {
        terminal.warn(error);
    }
    let mut log = RunLog::open(&plan.output_dir);
    log.line(&format!(
        "results collected: {}, exit code {}",
        tally(&report),
        exit.code()
    ));
    if failures.is_empty() {
        exit
    } else {
        Exit::TaskFailed
    }
}

/// `e2m slurm-collect`: the job that comes after all others. What died of memory is submitted once more.
pub(crate) fn collect_submission(args: &SlurmCollectArgs) -> Exit {
    let talk = TalkArgs::default();
    let terminal = Terminal::plain(talk);
    logging::start(&terminal, talk);
    match try_to_collect(args, &terminal) {
        Ok(exit) => exit,
        Err(error) => {
            terminal.error(&error.to_string());
            Exit::TaskFailed
        }
    }
}

fn try_to_collect(args: &SlurmCollectArgs, terminal: &Terminal) -> Result<Exit, RecordError> {
    let folder = std::path::absolute(&args.folder).unwrap_or_else(|_| args.folder.clone());
    let submission = Submission::read(&folder)?;
    let plan = plan_of(&submission, &submission.tasks()?)?;
    let _reporting = alone_reporting(&plan.output_dir)?;
    let (submission, results) = reconcile(&folder, &plan, true, terminal)?;
    log_results(&submission, &results);
    let queue = Queue::look(&plan);
    let started = submission.record.submitted.clone();
    let results = whole(&plan, results, &queue);
    write(&plan, results, started, terminal);
    // That tasks failed is in the report; the job itself has done what it is for.
    Ok(Exit::Complete)
}

/// Writes how the tasks of a submission ended into the run log and `events.jsonl`.
fn log_results(submission: &Submission, results: &[TaskResult]) {
    let Some(output_dir) = submission.folder.parent().and_then(Path::parent) else {
        return;
    };
    let record = &submission.record;
    let mut log = RunLog::open(output_dir);
    let mut journal = Journal::open(output_dir, &record.submitted);
    for result in results {
        log.task(&result.name(), result);
        let event = match result.ending() {
            TaskEnding::Queued => "task_retried",
            _ => "task_finished",
        };
        journal.add(event, Some(&result.name()), facts(result));
    }
    if record.closed {
        let seconds = Zoned::now().duration_since(&record.submitted).as_secs_f64();
        let all = |endings: &[TaskEnding]| {
            results
                .iter()
                .all(|result| endings.contains(&result.ending()))
        };
        let exit = if all(&[TaskEnding::Complete]) {
            Exit::Complete
        } else if all(&[TaskEnding::Complete, TaskEnding::Suspect]) {
            Exit::Suspect
        } else {
            Exit::TaskFailed
        };
        let facts = json!({"exit_code": exit.code(), "seconds": seconds});
        journal.add("run_finished", None, facts);
    }
}

fn facts(result: &TaskResult) -> serde_json::Value {
    json!({
        "status": result.status.to_string(),
        "seconds": result.seconds,
        "peak_rss_bytes": result.peak_rss_bytes,
        "stages_done": result.stages_done,
    })
}

/// How each task of a submission ended, after those that died of memory were submitted once more, if they are to be. The
/// submission is over when none of its jobs is left.
fn reconcile(
    folder: &Path,
    plan: &Plan,
    retry: bool,
    terminal: &Terminal,
) -> Result<(Submission, Vec<TaskResult>), RecordError> {
    let _lock = alone(&plan.output_dir, PATIENCE_OF_JOBS)?;
    let submission = Submission::read(folder)?;
    let tasks = submission.tasks()?;
    let mut stock = Reconciliation {
        sender: Sender {
            site: sizing::site(&plan.slurm),
            settings: plan.slurm.clone(),
            program: std::env::current_exe().map_err(|source| RecordError::Read {
                path: "/proc/self/exe".into(),
                source,
            })?,
            client: slurm(&plan.slurm),
            submission,
            tasks,
        },
        terminal,
    };
    let results = stock.results(retry)?;
    let over = !results
        .iter()
        .any(|result| result.ending() == TaskEnding::Queued);
    let mut submission = stock.sender.submission;
    submission.record.closed = over;
    submission.write()?;
    Ok((submission, results))
}

/// What has become of a task.
enum JobOutcome {
    /// Its job left an answer.
    Answered(JobReport),
    /// Whatever its job says, the results are there.
    Finished(TaskResult),
    /// Its job waits or runs, or nobody knows.
    Open(String),
    Dead(JobFailure),
}

struct Reconciliation<'a> {
    sender: Sender,
    terminal: &'a Terminal,
}

impl Reconciliation<'_> {
    fn results(&mut self, retry: bool) -> Result<Vec<TaskResult>, RecordError> {
        let became = self.what_became();
        let may_again = |index: usize| {
            let array = self.sender.submission.array_of(index);
            retry && array.is_some_and(|(array, _)| !array.again)
        };
        let again: Vec<usize> = (0..became.len())
            .filter(|index| matches!(&became[*index], JobOutcome::Dead(death) if death.error.is_memory_death()))
            .filter(|index| may_again(*index))
            .collect();
        let tried = self.try_again(&again);
        self.put_in_order(&became, &tried);
        let mut results = Vec::new();
        for (index, became) in became.into_iter().enumerate() {
            let task = &self.sender.tasks[index];
            results.push(match became {
                JobOutcome::Answered(answer) => {
                    TaskResult::of(task, Some(&answer.outcome), &task.output_dir)
                }
                JobOutcome::Finished(result) => result,
                JobOutcome::Open(what) => TaskResult::queued(task, &what),
                JobOutcome::Dead(death) => match tried.get(&index) {
                    Some(Ok(())) => self.waiting(index, task, &death),
                    other => {
                        let why = other.and_then(|tried| tried.as_ref().err());
                        let note = why.map(|why| {
                            format!("it could not be submitted again with more memory: {why}")
                        });
                        let answer = death.answer(task, note);
                        // SLURM forgets; the next one that collects should not.
                        answer.write(&self.sender.submission.folder, index)?;
                        TaskResult::of(task, Some(&answer.outcome), &task.output_dir)
                    }
                },
            });
        }
        Ok(results)
    }

    /// What is known of each task, by its answer, by what is on the disk, and by SLURM.
    fn what_became(&self) -> Vec<JobOutcome> {
        let submission = &self.sender.submission;
        let known = self.known_jobs();
        let mut endings: BTreeMap<u64, BTreeMap<usize, JobEnd>> = BTreeMap::new();
        let mut of_task = |(index, task): (usize, &TaskSpec)| {
            let answer = JobReport::of(submission, index);
            if let Some(answer) = &answer
                && matches!(answer.outcome.status, Status::Complete | Status::Suspect(_))
            {
                return JobOutcome::Answered(answer.clone());
            }
            // It may have been finished elsewhere, or the job have died afterwards.
            if let Some(result) = finished(task, &submission.record.submitted) {
                return JobOutcome::Finished(result);
            }
            let Some((array, place)) = submission.array_of(index) else {
                return JobOutcome::Open("it was not submitted".to_owned());
            };
            let job = array.job.unwrap_or_default();
            let is_it = |one: &&QueuedJob| one.job == job && one.array_task == Some(place);
            match &known {
                Ok(known) => {
                    if known
                        .iter()
                        .find(is_it)
                        .is_some_and(|one| one.state.is_live())
                    {
                        return JobOutcome::Open(format!("job {job}_{place}"));
                    }
                }
                Err(why) if answer.is_none() => return JobOutcome::Open(why.clone()),
                Err(_) => {}
            }
            if let Some(answer) = answer {
                return JobOutcome::Answered(answer);
            }
            if submission.record.cancelled.contains(&index) {
                // What it was to do again has not been begun, unless its manifest says so.
                let as_before = TaskSpec {
                    force: false,
                    from_stage: 1,
                    ..task.clone()
                };
                let before = finished(&as_before, &submission.record.submitted);
                return before.map_or_else(
                    || JobOutcome::Dead(JobFailure::by_cancelling(submission, index)),
                    JobOutcome::Finished,
                );
            }
            let of_array = endings
                .entry(job)
                .or_insert_with(|| self.sender.client.endings(job));
            JobOutcome::Dead(JobFailure::of(submission, index, of_array.get(&place)))
        };
        self.sender
            .tasks
            .iter()
            .enumerate()
            .map(&mut of_task)
            .collect()
    }

    /// What SLURM says of the submission's jobs, when none of them is about to end any more.
    fn known_jobs(&self) -> Result<Vec<QueuedJob>, String> {
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
                    self.terminal.warn(&error.to_string());
                    refused += 1;
                    if refused >= ASK_TIMES {
                        return Err("how its job ended is not known".to_owned());
                    }
                    std::thread::sleep(ASK_PAUSE * refused);
                }
            }
        }
    }

    /// Submits tasks once more with half as much memory again, and a job that collects after them. Answers with how that went
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
                self.terminal.warn(why);
                // One that was refused is none.
                self.sender.submission.record.arrays.pop();
            }
            tried.extend(of_array.into_iter().map(|task| (task, sent.clone())));
        }
        if !jobs.is_empty()
            && let Err(error) = self.sender.send_collector(&jobs)
        {
            // What they leave is found by `e2m collect`.
            self.terminal.warn(&format!(
                "no job will collect what jobs {jobs:?} leave, run `e2m collect` when they have ended: {error}"
            ));
        }
        tried
    }

    /// Does for dead jobs what they could not do themselves.
    fn put_in_order(&self, became: &[JobOutcome], tried: &BTreeMap<usize, Result<(), String>>) {
        let mut whose = Vec::new();
        for (index, became) in became.iter().enumerate() {
            if let JobOutcome::Dead(death) = became {
                let goes_on = matches!(tried.get(&index), Some(Ok(())));
                let why = death.for_the_record().filter(|_| !goes_on);
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
        for ((task, _), settled) in tasks.iter().zip(settle(&tasks, LOCKS_OF_THE_DEAD)) {
            match settled {
                Ok(true) => {}
                Ok(false) => self
                    .terminal
                    .warn(&format!("{}: another run works on it", task_name(task))),
                Err(error) => self.terminal.warn(&format!(
                    "{}: what a job left could not be put in order: {error}",
                    task_name(task)
                )),
            }
        }
    }

    fn waiting(&self, index: usize, task: &TaskSpec, death: &JobFailure) -> TaskResult {
        let submission = &self.sender.submission;
        let memory = submission
            .array_of(index)
            .map_or(0, |(array, _)| array.memory_bytes);
        let what = format!(
            "{}; submitted again with {} as job {}",
            death.error,
            human::bytes(memory),
            submission.job_of(index).unwrap_or_default()
        );
        self.terminal.say(&format!("{}: {what}", task_name(task)));
        TaskResult::queued(task, &what)
    }
}

/// The result of a task of which all is there; where something was to be done again, only if it was since then.
fn finished(task: &TaskSpec, since: &Zoned) -> Option<TaskResult> {
    let again = task.force || task.from_stage > 1;
    let as_is = TaskSpec {
        force: false,
        from_stage: 1,
        ..task.clone()
    };
    outlook(&as_is).ok().filter(Outlook::is_finished)?;
    if again {
        let paths = TaskPaths::new(&task.output_dir, &task.sample, &task.dye).ok()?;
        let path = paths.manifest_path(&suffix(&task.params, 4));
        let written = std::fs::metadata(path)
            .and_then(|about| about.modified())
            .ok()?;
        if written < SystemTime::from(since.timestamp()) {
            return None;
        }
    }
    TaskResult::earlier(&as_is)
}

/// The whole batch as it was submitted: its tasks in their order, those of this submission as they were then.
fn plan_of(submission: &Submission, tasks: &[TaskSpec]) -> Result<Plan, RecordError> {
    let record = &submission.record;
    let batch = submission.batch()?;
    let args = RunArgs {
        batch: Some(record.batch.clone()),
        tasks: TaskArgs {
            samples: record.samples.clone(),
            dyes: record.dyes.clone(),
        },
        stages: StageArgs::default(),
        dry_run: false,
        talk: TalkArgs::default(),
    };
    let Ok(mut plan) = Plan::with_gaps(&batch, &args) else {
        return Ok(Plan::of_tasks(&batch, tasks.to_vec()));
    };
    for task in tasks {
        match plan.tasks.iter_mut().find(|one| is_same(one, task)) {
            Some(one) => *one = task.clone(),
            // Its raw images have gone since; its results have not.
            None => plan.tasks.push(task.clone()),
        }
    }
    plan.missing.retain(|missing| {
        let is_of = |task: &TaskSpec| {
            task.sample == missing.sample && missing.dye.as_ref() == Some(&task.dye)
        };
        !tasks.iter().any(is_of)
    });
    Ok(plan)
}
