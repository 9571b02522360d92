//! What a batch consists of, and how each part of it ends.

use crate::WorkerError;
use serde_json::Value;

/// One task of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// For people: it appears in notes, never in a decision.
    pub name: String,
    /// What the handler is given.
    pub payload: Value,
    /// The memory that the task will take at most, bytes; admission weighs it.
    pub plan_bytes: u64,
}

/// How a job ended. Every job of a batch has one.
#[derive(Debug, Clone, PartialEq)]
pub enum JobEnding {
    /// The handler came to its end; this is its answer, whatever it says.
    Done(Value),
    /// The handler ended early because it was asked to; this is its answer.
    Stopped(Value),
    /// There is no answer.
    Failed(Failure),
    /// The batch was stopped before it was this job's turn, or its next one after it was postponed or its worker ran
    /// out of memory.
    NotBegun,
}

impl JobEnding {
    /// The handler's answer, if there is one.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Done(value) | Self::Stopped(value) => Some(value),
            Self::Failed(_) | Self::NotBegun => None,
        }
    }

    /// The same with nothing for an answer.
    pub(crate) fn without_answer(self) -> Self {
        match self {
            Self::Done(_) => Self::Done(Value::Null),
            Self::Stopped(_) => Self::Stopped(Value::Null),
            other => other,
        }
    }
}

/// Why there is no answer, and what is known besides.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The reason; its `Display` is the documented text.
    pub error: WorkerError,
    /// The last 16 KiB that the worker process wrote to its standard error since it began the task. What is no UTF-8
    /// is replaced. Empty for tasks in this process.
    pub stderr: String,
    /// The most resident memory seen of the worker process during the task; `None` in process, or where it was never seen.
    pub peak_rss_bytes: Option<u64>,
    /// Since the worker was given the task; 0 where it never was.
    pub seconds: f64,
}
