//! What goes between a task and the program that runs the batch. Only between two processes it becomes JSON.

use e2m_pipeline::{TaskEvent, TaskOutcome};
use serde::{Deserialize, Serialize};

/// What a running task says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum TaskMessage {
    /// Something happened.
    Event {
        /// What.
        event: TaskEvent,
    },
    /// Memory that the process held before the task, bytes.
    Memory {
        /// Resident.
        rss_bytes: u64,
    },
    /// Lines of the log of a worker process.
    Log {
        /// Without the last line's end.
        text: String,
    },
}

impl TaskMessage {
    /// Whether it comes so often that some may be left out: rows going by, but for the first and the last word on a step.
    pub(super) fn is_frequent(&self) -> bool {
        match self {
            Self::Event {
                event: TaskEvent::Progress { rows, of, .. },
            } => *rows != 0 && rows != of,
            _ => false,
        }
    }

    /// Whether a later message says all that this one does.
    pub(super) fn is_superseded_by(&self, later: &Self) -> bool {
        self.is_frequent() && later.is_frequent()
    }
}

/// What a task replies with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TaskReply {
    /// How it ended.
    pub(crate) outcome: TaskOutcome,
    /// Memory that the process holds after the task, bytes.
    pub(crate) rss_bytes: u64,
    /// Files that the process has open after the task.
    pub(crate) open_files: usize,
}
