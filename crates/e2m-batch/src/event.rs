//! What happens while a batch runs.

use crate::admission::Admission;
use crate::human;
use crate::plan::Plan;
use crate::report::BatchReport;
use crate::report::Unwritten;
use crate::report::results::TaskResult;
use crate::task_view::TaskView;
use e2m_pipeline::Stage;
use e2m_schedule::{ScheduleError, StopReason, WorkerError};
use jiff::Zoned;

/// Something that happened. A run reports it in this order: [`Planned`](Self::Planned), [`Admitted`](Self::Admitted),
/// [`Started`](Self::Started), what happens in tasks and beside them, [`TasksEnded`](Self::TasksEnded),
/// [`Ended`](Self::Ended).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum BatchEvent<'a> {
    /// It is settled which tasks the batch has.
    Planned {
        /// The tasks and how they are to be run.
        plan: &'a Plan,
    },
    /// Memory and disk will do. Where they do not, the run ends with [`StartError::Refused`](crate::StartError::Refused).
    Admitted {
        /// The tasks and how they are to be run.
        plan: &'a Plan,
        /// What they need and what there is.
        admission: &'a Admission,
    },
    /// The output folder takes files; tasks begin.
    Started {
        /// The tasks and how they are to be run.
        plan: &'a Plan,
        /// What they need and what there is.
        admission: &'a Admission,
        /// The tasks, in the order of the plan.
        tasks: &'a [TaskView],
        /// When.
        at: &'a Zoned,
    },
    /// A task begins, or begins again.
    TaskStarted {
        /// Which task.
        task: &'a TaskView,
        /// Which worker, from 0.
        worker: usize,
        /// From 1.
        attempt: u32,
        /// Its compute threads.
        threads: usize,
    },
    /// A stage of a task begins.
    StageStarted {
        /// Which task.
        task: &'a TaskView,
        /// Which stage.
        stage: Stage,
    },
    /// Rows went by in a stage. Of these at most ten a second are reported.
    StageProgress {
        /// Which task.
        task: &'a TaskView,
        /// Which stage, what in it, how far.
        step: StageStep<'a>,
        /// Millions of pixels per second in this step; measured anew five times a second.
        megapixels_per_second: Option<f64>,
        /// Memory that the task's process holds, bytes, where it is known.
        rss_bytes: Option<u64>,
    },
    /// A stage of a task has ended.
    StageFinished {
        /// Which task.
        task: &'a TaskView,
        /// Which stage.
        stage: Stage,
        /// How long it took.
        seconds: f64,
        /// Whether its results were there already.
        skipped: bool,
    },
    /// Something to know about a task, as a sentence.
    TaskNote {
        /// Which task.
        task: &'a TaskView,
        /// The sentence.
        text: &'a str,
    },
    /// Memory that the process of a task holds; about once a second.
    TaskUsage {
        /// Which task.
        task: &'a TaskView,
        /// Resident memory, bytes.
        rss_bytes: u64,
    },
    /// A task shows no sign of life.
    TaskStalled {
        /// Which task.
        task: &'a TaskView,
        /// For how long.
        seconds: u64,
    },
    /// A task was stopped, and will begin again.
    TaskPostponed {
        /// Which task.
        task: &'a TaskView,
        /// Why.
        reason: &'a StopReason,
    },
    /// A task's worker died of memory; the task will begin again.
    TaskRetried {
        /// Which task.
        task: &'a TaskView,
        /// How the worker died.
        reason: &'a WorkerError,
        /// Workers from now on.
        workers: usize,
    },
    /// A task has ended. A task that was not begun has no such event, only a result.
    TaskEnded {
        /// Which task.
        task: &'a TaskView,
        /// How it ended, and what was measured.
        result: &'a TaskResult,
        /// What the process that did it holds now, where it is known.
        process: Option<ProcessFacts>,
    },
    /// Too little memory is available: no task starts.
    Held {
        /// What is available.
        available_bytes: u64,
        /// What should be.
        min_available_bytes: u64,
    },
    /// Memory is back.
    Released,
    /// Something to know about the batch, as a sentence.
    Note {
        /// The sentence.
        text: &'a str,
    },
    /// Something that is not as it should be and stops nothing, as a sentence.
    Warning {
        /// The sentence.
        text: &'a str,
    },
    /// Something that could not be done, as a sentence.
    Error {
        /// The sentence.
        text: &'a str,
    },
    /// What `memory_debug` prints around each task.
    MemoryLine {
        /// Which task.
        task: &'a TaskView,
        /// The line.
        text: &'a str,
    },
    /// Lines of the log of a worker process.
    WorkerLog {
        /// Which task.
        task: &'a TaskView,
        /// The lines, without the last one's end.
        text: &'a str,
    },
    /// The runner could not go on.
    RunnerFailed {
        /// Why.
        error: &'a ScheduleError,
    },
    /// No task runs any more; results and report are written next.
    TasksEnded,
    /// Everything is done.
    Ended {
        /// How each task ended.
        report: &'a BatchReport<'a>,
        /// Files of the batch that could not be written.
        unwritten: &'a [Unwritten],
    },
}

/// How far a step of a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageStep<'a> {
    /// Which stage.
    pub stage: Stage,
    /// What is being done, in a few words.
    pub what: &'a str,
    /// Rows done.
    pub rows: usize,
    /// Rows in all.
    pub of: usize,
}

impl StageStep<'_> {
    /// 0 to 100.
    pub fn percent(&self) -> u64 {
        (100 * self.rows / self.of.max(1)) as u64
    }
}

/// What a process holds after a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessFacts {
    /// Which worker, from 0.
    pub worker: usize,
    /// Resident memory, bytes.
    pub rss_bytes: u64,
    /// Open files.
    pub open_files: usize,
}

impl BatchEvent<'_> {
    /// The task it is about, if it is about one.
    pub fn task(&self) -> Option<&TaskView> {
        match self {
            Self::TaskStarted { task, .. }
            | Self::StageStarted { task, .. }
            | Self::StageProgress { task, .. }
            | Self::StageFinished { task, .. }
            | Self::TaskNote { task, .. }
            | Self::TaskUsage { task, .. }
            | Self::TaskStalled { task, .. }
            | Self::TaskPostponed { task, .. }
            | Self::TaskRetried { task, .. }
            | Self::TaskEnded { task, .. }
            | Self::MemoryLine { task, .. }
            | Self::WorkerLog { task, .. } => Some(task),
            _ => None,
        }
    }

    /// The line for people, where terminal and run log say the same; it names its task.
    pub fn line(&self) -> Option<String> {
        let text = match self {
            Self::TaskStalled { seconds, .. } => {
                format!("no progress and no processor time for {seconds:.0} s; it is left alone")
            }
            Self::TaskPostponed { reason, .. } => format!("stopped and put back: {reason}"),
            Self::TaskRetried {
                reason, workers, ..
            } => {
                let at_a_time = human::count(*workers, "worker");
                format!("{reason}; it is tried again, with {at_a_time}")
            }
            Self::Held {
                available_bytes,
                min_available_bytes,
            } => format!(
                "no new task starts: {} of memory is available, min_available is {}",
                human::bytes(*available_bytes),
                human::bytes(*min_available_bytes)
            ),
            Self::Released => "memory is back, tasks start again".to_owned(),
            Self::Note { text } => (*text).to_owned(),
            Self::MemoryLine { text, .. } => return Some((*text).to_owned()),
            _ => return None,
        };
        let label = self.task().map(|task| format!("{}  ", task.label()));
        Some(format!("{}{text}", label.unwrap_or_default()))
    }
}
