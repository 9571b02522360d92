//! What is left of a batch: files in the output folder.
//!
//! | file | module | what it is |
//! |---|---|---|
//! | `e2m_batch.json`, `e2m_batch.csv` | `results` | how each task ended, and what was measured |
//! | `microbes.csv` | `microbes` | microbes of each task, and what blanks say about them |
//! | `report.html` | `page` | the same with pictures, for people |

pub(crate) mod last;
mod microbes;
mod page;
mod problems;
pub(crate) mod results;
mod tally;
mod unwritten;

pub use microbes::enter as enter_judgements;
pub use page::PageError;
pub(crate) use page::RUN_LOG_NAME;
pub use problems::{TaskProblem, problems};
pub use results::{ResultsError, TaskEnding, TaskResult};
pub use tally::tally;
pub use unwritten::Unwritten;

use crate::ending::BatchEnding;
use crate::plan::Plan;
use e2m_io::MissingPair;
use jiff::Zoned;
use last::LastResults;
use results::RunFacts;

/// Name of the results in the output folder.
pub const RESULTS_NAME: &str = results::JSON_NAME;
/// Name of the same as a table.
pub const TABLE_NAME: &str = results::CSV_NAME;
/// Name of the table of microbes.
pub const MICROBES_NAME: &str = microbes::NAME;
/// Name of the page.
pub const PAGE_NAME: &str = page::NAME;

/// The exit code of a batch whose raw images are missing.
const MISSING_CODE: u8 = 4;

/// A batch that has ended.
#[derive(Debug)]
pub struct BatchReport<'a> {
    /// What was to run.
    pub plan: &'a Plan,
    /// How each task ended, in the order of the plan.
    pub results: Vec<TaskResult>,
    /// When it began.
    pub started: Zoned,
    /// How long it took.
    pub seconds: f64,
    /// Whether it was stopped.
    pub interrupted: bool,
    /// Whether results, table or page could not be written.
    pub results_unwritten: bool,
    /// Whether it is about all tasks of the batch, and not only about those of this run.
    pub is_whole: bool,
}

impl BatchReport<'_> {
    /// Pairs that are not there: those asked for, and those of the whole batch where it is about that.
    pub fn missing(&self) -> impl Iterator<Item = &MissingPair> {
        let besides = self.is_whole.then_some(&self.plan.missing_besides);
        self.plan
            .missing
            .iter()
            .chain(besides.into_iter().flatten())
    }

    /// What the exit code would be if the run had been of all tasks; `run` is how it ended.
    fn code_of_batch(&self, run: BatchEnding) -> u8 {
        match (run, self.ending()) {
            (BatchEnding::Interrupted, _) => run.code(),
            (BatchEnding::TaskFailed, _)
            | (_, BatchEnding::TaskFailed | BatchEnding::Interrupted) => {
                BatchEnding::TaskFailed.code()
            }
            _ if self.plan.strict && self.missing().next().is_some() => MISSING_CODE,
            (_, ending) => ending.code(),
        }
    }

    /// Tasks that ended so.
    pub fn count(&self, ending: TaskEnding) -> usize {
        self.results
            .iter()
            .filter(|result| result.ending() == ending)
            .count()
    }

    /// How it ended as a whole. Pairs that were left out because the batch file allows it do not change that. An interrupt that
    /// came too late to stop anything is none.
    pub fn ending(&self) -> BatchEnding {
        let open = [
            TaskEnding::Interrupted,
            TaskEnding::NotBegun,
            TaskEnding::Queued,
        ];
        let stopped = open.iter().any(|ending| self.count(*ending) > 0);
        if self.interrupted && stopped {
            BatchEnding::Interrupted
        } else if self.count(TaskEnding::Failed) > 0 || stopped || self.results_unwritten {
            BatchEnding::TaskFailed
        } else if self.count(TaskEnding::Suspect) > 0 {
            BatchEnding::Suspect
        } else {
            BatchEnding::Complete
        }
    }
}

/// Writes `e2m_batch.json`, `e2m_batch.csv` and `report.html` about the whole batch; returns those that could not be
/// written.
pub(crate) fn write_files(report: &BatchReport<'_>) -> Vec<Unwritten> {
    let whole = with_earlier(report);
    let mut unwritten = Vec::new();
    // What this run did decides, not what earlier runs left of other tasks.
    let mut run = RunFacts {
        ending: report.ending(),
        tasks: report.results.iter().map(TaskResult::name).collect(),
    };
    unwritten.extend(results::write(&whole, &run).err().map(Unwritten::Results));
    if let Err(error) = page::write(&whole) {
        unwritten.push(Unwritten::Page {
            path: report.plan.output_dir.join(page::NAME),
            error,
        });
        // The results are to say what the program will say.
        if matches!(run.ending, BatchEnding::Complete | BatchEnding::Suspect) {
            run.ending = BatchEnding::TaskFailed;
        }
        if unwritten.len() == 1 {
            unwritten.extend(results::write(&whole, &run).err().map(Unwritten::Results));
        }
    }
    unwritten
}

/// The whole batch: besides what this run did, what earlier runs left of all other tasks.
fn with_earlier<'a>(report: &BatchReport<'a>) -> BatchReport<'a> {
    let plan = report.plan;
    let mut results = report.results.clone();
    let mut last = LastResults::read(&plan.output_dir);
    for task in &plan.tasks {
        last.take(task);
    }
    for missing in plan.missing.iter().chain(&plan.missing_besides) {
        last.drop_missing(missing);
    }
    for (index, task) in plan.left_alone.iter().rev() {
        // A task may have failed before it had a record of its own.
        let row = last.take(task);
        if let Some(earlier) = TaskResult::earlier(task).or(row) {
            results.insert((*index).min(results.len()), earlier);
        }
    }
    results.extend(last.with_folder());
    BatchReport {
        plan,
        results,
        started: report.started.clone(),
        is_whole: true,
        ..*report
    }
}

impl BatchReport<'_> {
    /// What is not as it should be with tasks that were not asked for, as in `1 failed, 2 left out`; empty where nothing is.
    pub fn trouble_besides(&self) -> String {
        let whole = with_earlier(self);
        let besides = |ending| whole.count(ending) - self.count(ending).min(whole.count(ending));
        let counts = [
            (besides(TaskEnding::Suspect), "suspect"),
            (besides(TaskEnding::Failed), "failed"),
            (besides(TaskEnding::Interrupted), "interrupted"),
            (self.plan.missing_besides.len(), "without images"),
        ];
        let words = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"));
        words.collect::<Vec<_>>().join(", ")
    }
}
