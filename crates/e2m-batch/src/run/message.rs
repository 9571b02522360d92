//! What goes between a task and the program that runs the batch, whether both are one process or two.

use e2m_pipeline::{Event, TaskOutcome};
use serde::{Deserialize, Serialize};

/// What a running task tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Told {
    /// Something happened.
    Event {
        /// What.
        event: Event,
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

/// What a task answers with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// How it ended.
    pub(crate) outcome: TaskOutcome,
    /// Memory that the process holds after the task, bytes.
    pub(crate) rss_bytes: u64,
    /// Files that the process has open after the task.
    pub(crate) open_files: usize,
}
