//! The run log: a text file in output_dir to which every run appends.

use crate::event::BatchEvent;
use crate::human;
use crate::plan::Plan;
use crate::report::{BatchReport, TaskResult, Unwritten, problems, tally};
use crate::reporter::Reporter;
use e2m_io::AppendFile;
use jiff::Zoned;
use std::path::{Path, PathBuf};

/// Its name; that of the Python program, whose users look for it there.
pub(crate) const NAME: &str = crate::report::RUN_LOG_NAME;

/// Appends to the run log. Each line is on the disk before the next task begins, so that a crash leaves what was known.
#[derive(Debug)]
pub struct RunLog {
    path: PathBuf,
    failure: Option<std::io::Error>,
}

impl RunLog {
    /// The log of this output_dir.
    pub fn open(output_dir: &Path) -> Self {
        Self {
            path: output_dir.join(NAME),
            failure: None,
        }
    }

    /// A run starts.
    pub(crate) fn start(&mut self, plan: &Plan) {
        let tasks = human::count(plan.tasks.len(), "task");
        let batch = plan.batch_path.display();
        self.line(&format!(
            "run starts: e2m {}, {batch}, {tasks}",
            env!("CARGO_PKG_VERSION")
        ));
        for warning in &plan.warnings {
            self.line(&format!("warning: {warning}"));
        }
    }

    /// A task has ended.
    pub(crate) fn task(&mut self, label: &str, result: &TaskResult) {
        let seconds = human::seconds(result.seconds);
        let memory = result
            .peak_rss_bytes
            .map_or_else(|| "unknown".to_owned(), human::bytes);
        let kept = if result.worked() { "" } else { "  (was there)" };
        self.line(&format!(
            "{label}  {}  {seconds}  peak {memory}{kept}",
            result.status
        ));
        for note in &result.lasting_notes {
            self.line(&format!("{label}  note: {note}"));
        }
    }

    /// The run has ended.
    fn end(&mut self, report: &BatchReport<'_>) {
        for problem in problems(report) {
            self.line(&format!(
                "problem: {}: {}; what to do: {}",
                problem.task, problem.what, problem.to_do
            ));
        }
        let seconds = human::seconds(report.seconds);
        self.line(&format!(
            "run ends: {} in {seconds}, exit code {}",
            tally(report),
            report.ending().code()
        ));
    }

    /// Why the log is not complete, if it is not.
    pub fn failure(&self) -> Option<Unwritten> {
        let error = self.failure.as_ref()?;
        Some(Unwritten::RunLog {
            path: self.path.clone(),
            reason: error.to_string(),
        })
    }

    /// Adds an entry.
    pub(crate) fn line(&mut self, text: &str) {
        let time = Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        // A message of several lines stays one entry.
        let entry = format!("{time}  {}", text.replace('\n', " "));
        let written = AppendFile::open(&self.path).and_then(|mut file| file.add_line(&entry));
        if let Err(error) = written {
            self.failure.get_or_insert(error);
        }
    }
}

impl Reporter for RunLog {
    fn on_event(&mut self, event: &BatchEvent<'_>) {
        match event {
            BatchEvent::Started {
                plan, admission, ..
            } => {
                self.start(plan);
                for line in admission.lines() {
                    self.line(&line);
                }
            }
            BatchEvent::TaskEnded { task, result, .. } => self.task(&task.label(), result),
            BatchEvent::RunnerFailed { error } => self.line(&error.to_string()),
            BatchEvent::Ended { report, .. } => self.end(report),
            other => {
                if let Some(line) = other.line() {
                    self.line(&line);
                }
            }
        }
    }
}
