//! What is left of a batch as a whole, when its tasks were run one by one or on a cluster.

use super::answer::Answer;
use super::deaths::Death;
use super::queue::Queue;
use super::submission::{ArrayRecord, RecordError, Submission, alone, is_same};
use super::submit::Sender;
use super::{sizing, slurm};
use crate::args::{RunArgs, SlurmCollectArgs, StageArgs, TalkArgs, TaskArgs};
use crate::exit::Exit;
use crate::human;
use crate::logging;
use crate::plan::Plan;
use crate::report::log::RunLog;
use crate::report::results::TaskResult;
use crate::report::{self, BatchReport};
use crate::run::Journal;
use crate::task_name;
use crate::terminal::Terminal;
use e2m_pipeline::TaskSpec;
use e2m_schedule::slurm::Slurm;
use jiff::Zoned;
use serde_json::json;

/// `e2m collect`: writes the batch's result, table and report from what is on record of its tasks.
pub(crate) fn collect(plan: &Plan, terminal: &Terminal) -> Exit {
    let queue = Queue::look(&plan.output_dir);
    for note in &queue.notes {
        terminal.warn(note);
    }
    let began = Zoned::now();
    let results = plan
        .tasks
        .iter()
        .map(|task| on_record(task, &queue))
        .collect();
    write(plan, results, began, terminal)
}

/// What is on record of a task.
fn on_record(task: &TaskSpec, queue: &Queue) -> TaskResult {
    match queue.of(task) {
        Some(there) => TaskResult::queued(task, &format!("job {}, {}", there.job, there.told())),
        None => TaskResult::earlier(task).unwrap_or_else(|| TaskResult::not_begun(task)),
    }
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
    let tasks = Submission::read(&folder)?.tasks()?;
    let plan = plan_of(&Submission::read(&folder)?, &tasks)?;
    let lock = alone(&plan.output_dir)?;
    // As it is now that nobody else changes it.
    let submission = Submission::read(&folder)?;
    let mut collector = Collector {
        sender: Sender {
            site: sizing::site(&plan.slurm),
            program: std::env::current_exe().unwrap_or_default(),
            client: slurm(),
            submission,
            tasks,
        },
        terminal,
    };
    let mut results = collector.results();
    let waits = results
        .iter()
        .any(|result| result.ending() == report::results::Ending::Queued);
    collector.sender.submission.record.closed = !waits;
    collector.sender.submission.write()?;
    drop(lock);
    let record = &collector.sender.submission.record;
    let mut log = RunLog::open(&plan.output_dir);
    let mut journal = Journal::open(&plan.output_dir, &record.submitted);
    for result in &results {
        log.task(&result.name(), result);
        journal.add("task_finished", Some(&result.name()), facts(result));
    }
    let started = record.submitted.clone();
    let mut whole = Vec::new();
    let queue = Queue::look(&plan.output_dir);
    for task in &plan.tasks {
        let place = results
            .iter()
            .position(|result| (&result.sample, &result.dye) == (&task.sample, &task.dye));
        whole.push(match place {
            Some(place) => results.swap_remove(place),
            None => on_record(task, &queue),
        });
    }
    let exit = write(&plan, whole, started, terminal);
    if !waits {
        journal.add("run_finished", None, json!({"exit_code": exit.code()}));
        log.line(&format!(
            "the submission is collected, exit code {}",
            exit.code()
        ));
    }
    // That tasks failed is in the report; the job itself has done what it is for.
    Ok(Exit::Complete)
}

fn facts(result: &TaskResult) -> serde_json::Value {
    json!({
        "status": result.status.to_string(),
        "seconds": result.seconds,
        "peak_rss_bytes": result.peak_rss_bytes,
        "stages_done": result.stages_done,
    })
}

struct Collector<'a> {
    sender: Sender,
    terminal: &'a Terminal,
}

impl Collector<'_> {
    /// How each task of the submission ended.
    fn results(&mut self) -> Vec<TaskResult> {
        let submission = &self.sender.submission;
        let client: &Slurm = &self.sender.client;
        let ended: Vec<Result<Answer, Death>> = (0..self.sender.tasks.len())
            .map(|task| {
                Answer::of(submission, task).ok_or_else(|| Death::of(submission, task, client))
            })
            .collect();
        let again: Vec<usize> = (0..ended.len())
            .filter(|task| matches!(&ended[*task], Err(death) if death.error.is_memory_death()))
            .filter(|task| {
                submission
                    .array_of(*task)
                    .is_some_and(|(array, _)| !array.again)
            })
            .collect();
        let tried = self.try_again(&again);
        ended
            .into_iter()
            .zip(&self.sender.tasks)
            .enumerate()
            .map(|(index, (ended, task))| match ended {
                Ok(answer) => TaskResult::of(task, Some(&answer.outcome), &task.output_dir),
                Err(death) if again.contains(&index) => match &tried {
                    Ok(()) => {
                        death.settle(task, None);
                        self.waiting(index, task, &death)
                    }
                    Err(why) => death.settle(
                        task,
                        Some(format!(
                            "it could not be submitted again with more memory: {why}"
                        )),
                    ),
                },
                Err(death) => death.settle(task, None),
            })
            .collect()
    }

    /// Submits tasks once more with half as much memory again, and a job that collects after them.
    fn try_again(&mut self, tasks: &[usize]) -> Result<(), String> {
        let arrays: Vec<ArrayRecord> = self.sender.submission.record.arrays.clone();
        let mut jobs = Vec::new();
        for array in arrays {
            let of_array: Vec<usize> = array
                .tasks
                .iter()
                .copied()
                .filter(|task| !array.again && tasks.contains(task))
                .collect();
            if of_array.is_empty() {
                continue;
            }
            let record = &mut self.sender.submission.record;
            record.arrays.push(ArrayRecord {
                name: format!("{}-again", array.name),
                job: None,
                tasks: of_array,
                memory_bytes: sizing::raised(array.memory_bytes),
                again: true,
                ..array
            });
            let index = record.arrays.len() - 1;
            match self.sender.send_array(index) {
                Ok(job) => jobs.push(job),
                Err(error) => {
                    self.terminal.warn(&error.to_string());
                    self.take_back(&jobs);
                    return Err(error.to_string());
                }
            }
        }
        if jobs.is_empty() {
            return Ok(());
        }
        self.sender.send_collector(&jobs).map_err(|error| {
            self.terminal.warn(&error.to_string());
            self.take_back(&jobs);
            error.to_string()
        })
    }

    /// Nobody would collect what these jobs leave.
    fn take_back(&mut self, jobs: &[u64]) {
        let numbers: Vec<String> = jobs.iter().map(u64::to_string).collect();
        if let Err(error) = self.sender.client.cancel(&numbers) {
            self.terminal.warn(&error.to_string());
        }
        self.sender
            .submission
            .record
            .arrays
            .retain(|array| !array.again);
    }

    fn waiting(&self, index: usize, task: &TaskSpec, death: &Death) -> TaskResult {
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
