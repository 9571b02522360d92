//! What is left of a batch: files in the output folder.
//!
//! | file | module | what it is |
//! |---|---|---|
//! | `e2m_batch.json`, `e2m_batch.csv` | `results` | how each task ended, and what was measured |
//! | `report.html` | `page` | the same with pictures, for people |

mod page;
mod problems;
pub(crate) mod results;
mod tally;
mod unwritten;

pub use page::PageError;
pub(crate) use page::RUN_LOG_NAME;
pub use problems::{TaskProblem, problems};
pub use results::{ResultsError, TaskEnding, TaskResult};
pub use tally::tally;
pub use unwritten::Unwritten;

use crate::ending::BatchEnding;
use crate::plan::Plan;
use jiff::Zoned;

/// Name of the results in the output folder.
pub const RESULTS_NAME: &str = results::JSON_NAME;
/// Name of the same as a table.
pub const TABLE_NAME: &str = results::CSV_NAME;
/// Name of the page.
pub const PAGE_NAME: &str = page::NAME;

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
}

impl BatchReport<'_> {
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
    unwritten.extend(
        results::write(&whole, report.ending())
            .err()
            .map(Unwritten::Results),
    );
    if let Err(error) = page::write(&whole) {
        unwritten.push(Unwritten::Page {
            path: report.plan.output_dir.join(page::NAME),
            error,
        });
        // The results are to say what the program will say.
        let ending = match report.ending() {
            BatchEnding::Complete | BatchEnding::Suspect => BatchEnding::TaskFailed,
            other => other,
        };
        if unwritten.len() == 1 {
            unwritten.extend(results::write(&whole, ending).err().map(Unwritten::Results));
        }
    }
    unwritten
}

/// The whole batch: besides what this run did, what earlier runs left of the tasks that were not asked for.
fn with_earlier<'a>(report: &BatchReport<'a>) -> BatchReport<'a> {
    let plan = report.plan;
    let mut results = report.results.clone();
    for (index, task) in plan.left_alone.iter().rev() {
        if let Some(earlier) = TaskResult::earlier(task) {
            results.insert((*index).min(results.len()), earlier);
        }
    }
    BatchReport {
        plan,
        results,
        started: report.started.clone(),
        ..*report
    }
}
