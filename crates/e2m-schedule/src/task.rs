//! The task's side: what handles it, and how it sees the scheduler. It is the same for every runner.

use crate::amount::Gigabytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// What handles tasks.
///
/// A panic fails the task and nothing else.
pub trait Handler: Sync {
    /// Handles the task that `payload` describes. It should ask [`TaskContext::stop_reason`] every second or so.
    fn handle(&self, payload: &Value, context: &mut dyn TaskContext) -> Reply;
}

impl<F> Handler for F
where
    F: Fn(&Value, &mut dyn TaskContext) -> Reply + Sync,
{
    fn handle(&self, payload: &Value, context: &mut dyn TaskContext) -> Reply {
        self(payload, context)
    }
}

/// A handler's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// Whatever the caller of the scheduler understands; a failure of the task's own is an ordinary value.
    pub value: Value,
    /// Whether the task ended early because [`TaskContext::stop_reason`] said so.
    pub stopped: bool,
}

impl Reply {
    /// The task came to its end.
    pub fn done(value: Value) -> Self {
        Self {
            value,
            stopped: false,
        }
    }

    /// The task ended early because it was asked to.
    pub fn stopped(value: Value) -> Self {
        Self {
            value,
            stopped: true,
        }
    }
}

/// How a task sees the scheduler.
pub trait TaskContext: Send + Sync {
    /// Reports how far the task is. Of events with the same `"kind"` (a string in the object; none counts as one kind) at
    /// most ten per second go on, the others are dropped.
    fn progress(&mut self, event: Value);

    /// Reports something that must not be lost, such as a note or the end of a stage.
    fn report(&mut self, event: Value);

    /// Why the task should stop, once it should.
    fn stop_reason(&self) -> Option<StopReason>;

    /// How many threads the task may compute with.
    fn threads(&self) -> usize;
}

/// Why a task should stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The user asked.
    Interrupted,
    /// The machine has too little memory left. The task will be started again when there is more.
    LowMemory {
        /// What was available, bytes.
        available_bytes: u64,
        /// What should be, bytes.
        min_available_bytes: u64,
    },
    /// It took longer than it may.
    TimedOut,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("interrupted"),
            Self::LowMemory {
                available_bytes,
                min_available_bytes,
            } => write!(
                f,
                "memory ran low: {} available, {} wanted",
                Gigabytes(*available_bytes),
                Gigabytes(*min_available_bytes)
            ),
            Self::TimedOut => f.write_str("timed out"),
        }
    }
}
