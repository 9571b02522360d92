//! What is left of a batch: files in output_dir, and a summary on the terminal.

pub(crate) mod log;
mod page;
pub(crate) mod problems;
pub(crate) mod results;
pub(crate) mod summary;

use crate::exit::Exit;
use crate::plan::Plan;
use crate::terminal::Terminal;
use jiff::Zoned;
use results::{Ending, TaskResult};

/// A batch that has ended.
#[derive(Debug)]
pub(crate) struct BatchReport<'a> {
    /// What was to run.
    pub(crate) plan: &'a Plan,
    /// How each task ended, in the order of the plan.
    pub(crate) results: Vec<TaskResult>,
    /// When it began.
    pub(crate) started: Zoned,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Whether the user stopped it.
    pub(crate) interrupted: bool,
}

impl BatchReport<'_> {
    /// Tasks that ended so.
    pub(crate) fn count(&self, ending: Ending) -> usize {
        self.results
            .iter()
            .filter(|result| result.ending() == ending)
            .count()
    }

    /// The exit code. Pairs that were left out because the batch file allows it do not change it. An interrupt that came too
    /// late to stop anything is none.
    pub(crate) fn exit(&self) -> Exit {
        let open = [Ending::Interrupted, Ending::NotBegun, Ending::Queued];
        let stopped = open.iter().any(|ending| self.count(*ending) > 0);
        if self.interrupted && stopped {
            Exit::Interrupted
        } else if self.count(Ending::Failed) > 0 || stopped {
            Exit::TaskFailed
        } else if self.count(Ending::Suspect) > 0 {
            Exit::Suspect
        } else {
            Exit::Complete
        }
    }
}

/// The whole batch: besides what this run did, what earlier runs left of the tasks that it was told to leave alone.
pub(crate) fn with_earlier<'a>(report: &BatchReport<'a>) -> BatchReport<'a> {
    let plan = report.plan;
    let mut results = report.results.clone();
    for (place, task) in plan.left_alone.iter().rev() {
        if let Some(earlier) = TaskResult::earlier(task) {
            results.insert((*place).min(results.len()), earlier);
        }
    }
    BatchReport {
        plan,
        results,
        started: report.started.clone(),
        ..*report
    }
}

/// Writes `e2m_batch.json`, `e2m_batch.csv` and `report.html`; answers with what went wrong.
pub(crate) fn write_files(report: &BatchReport<'_>, exit: Exit) -> Vec<String> {
    let results = results::write(report, exit)
        .map_err(|error| format!("the results of the batch could not be written: {error}"));
    let page = page::write(report).map_err(|error| {
        format!(
            "the report {} could not be written: {error}",
            report.plan.output_dir.join(page::NAME).display()
        )
    });
    [results.err(), page.err()].into_iter().flatten().collect()
}

/// Prints the summary, then what is wrong, then where everything is.
pub(crate) fn print(report: &BatchReport<'_>, all_written: bool, terminal: &Terminal) {
    terminal.summary(&format!("\n{}", summary::table(report)));
    let problems = problems::of(report);
    if !problems.is_empty() {
        terminal.problem(&format!("\n{}", problems::text(&problems)));
    }
    let words = summary::last_words(report, all_written);
    terminal.summary(&format!("\n{words}"));
}
