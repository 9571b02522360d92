//! What the scheduler tells while a batch runs.

use crate::{Ending, StopReason, WorkerError};
use serde_json::Value;

/// Hears what happens in a batch.
pub trait Listener {
    /// Called on the thread that called [`run`](crate::run), and only there.
    fn on_event(&mut self, event: &Event<'_>);
}

impl<F: FnMut(&Event<'_>)> Listener for F {
    fn on_event(&mut self, event: &Event<'_>) {
        self(event);
    }
}

/// Something that happened. `job` is an index into the jobs, `worker` counts from 0.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// A task was handed to a worker.
    TaskStarted {
        /// Which job.
        job: usize,
        /// Which worker.
        worker: usize,
        /// From 1; more after a death of memory or a postponement.
        attempt: u32,
        /// With how many compute threads.
        threads: usize,
    },
    /// The task tells something.
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
    /// The task shows no sign of life. Said once; again only after it showed one.
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
    /// A task's worker died of memory; it will be tried again.
    TaskRetried {
        /// Which job.
        job: usize,
        /// How the worker died.
        reason: &'a WorkerError,
        /// How many workers are left.
        workers: usize,
    },
    /// A job has its ending. Jobs that were never begun have none of these events.
    TaskFinished {
        /// Which job.
        job: usize,
        /// Which worker.
        worker: usize,
        /// How.
        ending: &'a Ending,
    },
    /// Something the user should know, as a sentence.
    Note(String),
}
