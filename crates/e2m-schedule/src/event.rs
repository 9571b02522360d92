//! The events that a runner emits while a batch runs.

use crate::{JobEnding, StopReason, WorkerError};
use serde_json::Value;

/// Receives what happens in a batch.
pub trait RunnerListener {
    /// Called on the thread that called [`Schedule::run`](crate::Schedule::run), and only there.
    fn on_event(&mut self, event: &RunnerEvent<'_>);
}

impl<F: FnMut(&RunnerEvent<'_>)> RunnerListener for F {
    fn on_event(&mut self, event: &RunnerEvent<'_>) {
        self(event);
    }
}

/// Something that happened. `job` is an index into the jobs, `worker` counts from 0.
#[derive(Debug, Clone, PartialEq)]
pub enum RunnerEvent<'a> {
    /// A worker was given a task.
    TaskStarted {
        /// Which job.
        job: usize,
        /// Which worker.
        worker: usize,
        /// From 1; more after the worker ran out of memory or the task was postponed.
        attempt: u32,
        /// How many compute threads the task has.
        threads: usize,
    },
    /// The task reports progress.
    Progress {
        /// Which job.
        job: usize,
        /// In the task's own words.
        event: &'a Value,
    },
    /// What a running task uses, about once a second. In process these are the figures of the whole process.
    Usage {
        /// Which job.
        job: usize,
        /// Which worker.
        worker: usize,
        /// Resident memory now.
        rss_bytes: u64,
        /// Processor time since the process started.
        cpu_seconds: f64,
    },
    /// The task shows no sign of life. The event comes once, and again only after the task showed one.
    TaskStalled {
        /// Which job.
        job: usize,
        /// For how long.
        seconds: u64,
    },
    /// Too little memory is available: no task starts.
    Held {
        /// Bytes available.
        available: u64,
        /// Bytes that should be.
        min: u64,
    },
    /// There is memory again.
    Released,
    /// A task was stopped and will be started again.
    TaskPostponed {
        /// Which job.
        job: usize,
        /// Why.
        reason: &'a StopReason,
    },
    /// The task's worker ran out of memory; the task will be tried again.
    TaskRetried {
        /// Which job.
        job: usize,
        /// What ended the worker.
        reason: &'a WorkerError,
        /// How many workers are left.
        workers: usize,
    },
    /// A job has its ending. Jobs that were never begun have no such event.
    TaskFinished {
        /// Which job.
        job: usize,
        /// Which worker.
        worker: usize,
        /// How.
        ending: &'a JobEnding,
    },
    /// Something the user should know, as a sentence.
    Note(String),
}
