//! What is left of a batch as a whole, when its tasks were run one by one or on a cluster.

use super::queue::Queue;
use super::reconciliation::reconcile;
use super::record_error::RecordError;
use super::submission::{Submission, all, alone_reporting, is_same};
use crate::ending::BatchEnding;
use crate::environment::Environment;
use crate::event::BatchEvent;
use crate::logs::event_log::{EventLog, end_facts};
use crate::logs::run_log::RunLog;
use crate::plan::Plan;
use crate::report::last::LastResults;
use crate::report::results::{NotBegun, TaskEnding, TaskResult};
use crate::report::{self, BatchReport, tally};
use crate::reporter::Reporter;
use crate::selection::{PlanOptions, TaskSelection};
use crate::shared_files::settle;
use e2m_pipeline::TaskSpec;
use jiff::Zoned;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// What came of collecting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collected {
    /// How the batch ended as a whole.
    pub ending: BatchEnding,
    /// Whether result, table and report were written.
    pub all_written: bool,
}

/// Writes the batch's result, table and report from what is on record of its tasks. `reporter` hears notes, warnings and
/// [`BatchEvent::Ended`].
///
/// # Errors
/// Records that cannot be read or written, and somebody else who is at it.
pub fn collect(
    plan: &Plan,
    environment: &Environment,
    reporter: &mut dyn Reporter,
) -> Result<Collected, RecordError> {
    let _reporting = alone_reporting(&plan.output_dir)?;
    let queue = Queue::ask(plan, environment);
    for note in &queue.notes {
        reporter.on_event(&BatchEvent::Warning { text: note });
    }
    // What jobs left that nobody has collected.
    let mut results = Vec::new();
    if queue.is_empty() && queue.collectors.is_empty() && queue.notes.is_empty() {
        let open = all(&plan.output_dir).0.into_iter();
        for submission in open.filter(|one| !one.record.closed) {
            let (submission, found) =
                reconcile(&submission.folder, plan, false, environment, reporter)?;
            log_results(&submission, &found);
            results.extend(found);
        }
    }
    Ok(write(
        plan,
        whole(plan, results, &queue),
        Zoned::now(),
        reporter,
    ))
}

/// A result for every task of the plan: those that were found now, the last of each, and otherwise what is on record.
fn whole(plan: &Plan, results: Vec<TaskResult>, queue: &Queue) -> Vec<TaskResult> {
    let name = |result: &TaskResult| (result.sample.clone(), result.dye.clone());
    let mut found: BTreeMap<_, _> = results
        .into_iter()
        .map(|result| (name(&result), result))
        .collect();
    let last = LastResults::read(&plan.output_dir);
    let of_task = |task: &TaskSpec| {
        let found = found.remove(&(task.sample.clone(), task.dye.clone()));
        found.unwrap_or_else(|| match queue.of(task) {
            Some(there) => {
                TaskResult::queued(task, &format!("job {}, {}", there.job, there.text()))
            }
            None => TaskResult::earlier(task)
                .or_else(|| last.failure_of(task))
                .unwrap_or_else(|| TaskResult::not_begun(task, &NotBegun::NotYet)),
        })
    };
    plan.tasks.iter().map(of_task).collect()
}

/// Writes what is left of a batch.
fn write(
    plan: &Plan,
    mut results: Vec<TaskResult>,
    started: Zoned,
    reporter: &mut dyn Reporter,
) -> Collected {
    settle(plan, &mut results, reporter);
    let seconds = Zoned::now().duration_since(&started).as_secs_f64();
    let mut report = BatchReport {
        plan,
        results,
        started,
        seconds,
        interrupted: false,
        results_unwritten: false,
        is_whole: false,
    };
    let unwritten = report::write_files(&report);
    report.results_unwritten = !unwritten.is_empty();
    reporter.on_event(&BatchEvent::Ended {
        report: &report,
        unwritten: &unwritten,
    });
    let mut log = RunLog::open(&plan.output_dir);
    log.line(&format!(
        "results collected: {}, exit code {}",
        tally(&report),
        report.ending().code()
    ));
    Collected {
        ending: report.ending(),
        all_written: unwritten.is_empty(),
    }
}

/// The same for the submission in a folder, in the job that comes after all others: what died of memory is submitted once more.
///
/// # Errors
/// Records that cannot be read or written.
pub fn collect_submission(
    folder: &Path,
    environment: &Environment,
    reporter: &mut dyn Reporter,
) -> Result<Collected, RecordError> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let submission = Submission::read(&folder)?;
    let plan = plan_of(&submission, &submission.tasks()?)?;
    let _reporting = alone_reporting(&plan.output_dir)?;
    let (submission, results) = reconcile(&folder, &plan, true, environment, reporter)?;
    log_results(&submission, &results);
    let queue = Queue::ask(&plan, environment);
    let started = submission.record.submitted.clone();
    let results = whole(&plan, results, &queue);
    Ok(write(&plan, results, started, reporter))
}

/// Writes how the tasks of a submission ended into the run log and `events.jsonl`.
fn log_results(submission: &Submission, results: &[TaskResult]) {
    let Some(output_dir) = submission.folder.parent().and_then(Path::parent) else {
        return;
    };
    let record = &submission.record;
    let mut log = RunLog::open(output_dir);
    let mut event_log = EventLog::open(output_dir, &record.submitted);
    for result in results {
        log.task(&result.name(), result);
        let event = match result.ending() {
            TaskEnding::Queued => "task_retried",
            _ => "task_finished",
        };
        event_log.add(event, Some(&result.name()), end_facts(result, None));
    }
    if record.closed {
        let seconds = Zoned::now().duration_since(&record.submitted).as_secs_f64();
        let all = |endings: &[TaskEnding]| {
            results
                .iter()
                .all(|result| endings.contains(&result.ending()))
        };
        let ending = if all(&[TaskEnding::Complete]) {
            BatchEnding::Complete
        } else if all(&[TaskEnding::Complete, TaskEnding::Suspect]) {
            BatchEnding::Suspect
        } else {
            BatchEnding::TaskFailed
        };
        let facts = json!({"exit_code": ending.code(), "seconds": seconds});
        event_log.add("run_finished", None, facts);
    }
}

/// The whole batch as it was submitted: its tasks in their order, those of this submission as they were then.
fn plan_of(submission: &Submission, tasks: &[TaskSpec]) -> Result<Plan, RecordError> {
    let record = &submission.record;
    let batch = submission.batch()?;
    let options = PlanOptions {
        tasks: TaskSelection {
            samples: record.samples.clone(),
            dyes: record.dyes.clone(),
        },
        ..PlanOptions::default()
    };
    let Ok(mut plan) = Plan::with_gaps(&batch, &options) else {
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
